package e2e_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pictures draws PNGs of hills at dusk, each another and of another shape, always the same.
func pictures(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		w, h := 240+r.IntN(240), 240+r.IntN(240)
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		hill, tint := h/3+r.IntN(h/3), uint8(r.IntN(120))
		for x := range w {
			edge := hill + (x%97)*(97-x%97)/120
			for y := range h {
				c := color.RGBA{tint + uint8(y*100/h), 90 + uint8(y*120/h), 160, 255}
				if y > edge {
					c = color.RGBA{tint / 2, 60 + tint/2, 50, 255}
				}
				img.SetRGBA(x, y, c)
			}
		}
		var b bytes.Buffer
		must(t, png.Encode(&b, img))
		file := filepath.Join(t.TempDir(), fmt.Sprintf("hill-%d.png", i))
		must(t, os.WriteFile(file, b.Bytes(), 0o600))
		out = append(out, file)
	}
	return out
}

// nineImages posts nine images with descriptions, and looks through them as others do.
func (s *circleStory) nineImages() {
	p := s.lin
	var alts []string
	for i := range 9 {
		alts = append(alts, fmt.Sprintf("第 %d 张苔藓 mosspicture%d", i+1, i+1))
	}
	p.open(s.circle)
	count := p.begin()
	s.writes(p)
	p.fill("#text", fernPicture)
	p.choose("#images", pictures(s.t, 9)...)
	p.fill("#alts", strings.Join(alts, "\n"))
	s.shot(p, "write-nine")
	p.tap(`main form[action="/write"] button[value="publish"]`)
	s.measured(count, "post nine images")
	s.nine = p.path()
	for _, who := range []*person{p, s.wu} {
		who.open(s.nine)
		who.until(`[...document.querySelectorAll(".images-9 .image img")].filter(i => i.complete && i.naturalWidth > 0).length === 9`)
		if got := ask[[]string](who, `[...document.querySelectorAll(".images-9 img")].map(i => i.alt)`); strings.Join(got, "\n") != strings.Join(alts, "\n") {
			s.t.Errorf("the nine images are described as %q", got)
		}
		s.looksThrough(who, alts)
	}
	s.wu.open(s.circle)
	s.wu.until(`document.querySelectorAll(".images-9 img").length === 9`)
	s.shot(s.wu, "circle-nine")
}

// looksThrough opens the second image and goes to the third: in the viewer with scripts, as a picture of its own without.
func (s *circleStory) looksThrough(p *person, alts []string) {
	s.t.Helper()
	s.shot(p, "post-nine")
	second := `.images-9 .image:nth-child(2)`
	if !p.scripts {
		href := p.attribute(second, "href")
		p.tap(second)
		if p.path() != href || !strings.HasPrefix(href, "/media/") {
			p.lost(fmt.Errorf("the image leads to %s, want %s", p.path(), href))
		}
		p.until("document.images[0].naturalWidth > 0")
		return
	}
	p.touch(second)
	p.see("dialog.viewer[open]")
	p.reads("dialog.viewer .viewer-bar", "2 / 9")
	p.run(chromedp.KeyEvent(kb.ArrowRight))
	p.reads("dialog.viewer .viewer-bar", "3 / 9")
	p.reads("dialog.viewer .viewer-alt", alts[2])
	p.until(`document.querySelector("dialog.viewer img").naturalWidth > 0`)
	s.shot(p, "viewer")
	p.touch("dialog.viewer .viewer-bar button")
	p.until(`!document.querySelector("dialog.viewer")`)
}

// talk has he comment and mention wu, and wu answer: each is told.
func (s *circleStory) talk() {
	p := s.he
	s.told(s.lin, "comment", p, func() {
		s.told(s.wu, "mention", p, func() {
			p.open(s.nine)
			count := p.begin()
			p.fill("#say textarea", fernPraise+" @wu_shan")
			p.tap("#say button.primary")
			s.measured(count, "comment")
		})
	})
	if s.wu.path() != s.nine && !strings.HasPrefix(s.wu.path(), "/talk/") {
		s.t.Errorf("a mention leads to %s", s.wu.path())
	}
	s.wu.reads("main", fernPraise)
	s.told(p, "answer", s.wu, func() {
		s.wu.open(s.nine)
		count := s.wu.begin()
		s.wu.tap(`.comment a.act[href*="reply="]`)
		s.shot(s.wu, "reply")
		s.wu.fill("#say textarea", fernThanks)
		s.wu.tap("#say button.primary")
		s.measured(count, "answer")
	})
	p.open(s.nine)
	p.reads(".answers .comment", fernThanks)
	p.reads("article.post .act-box .hidden", s.T(p, "ui.post.like_circle"))
	p.touch(`article.post .act-box button[aria-pressed="false"]`)
	p.see(`article.post .act-box button[aria-pressed="true"]`)
	s.shot(p, "post-talk")
}

// search finds by one, two and four characters, for members alone what stands in the circle, for all the circle itself.
func (s *circleStory) search() {
	p := s.lin
	p.open("/")
	count := p.begin()
	if s.wide(p) {
		p.touch(".rail-search input")
		p.fill(".rail-search input", "新叶")
		p.next("search", chromedp.KeyEvent(kb.Enter))
	} else {
		p.tap(".top-search")
		s.shot(p, "search-empty")
		p.fill("#search-q", "蕨与")
		p.see(fmt.Sprintf(`#search-suggestions a[href=%q]`, s.circle))
		s.shot(p, "search-suggestions")
		p.fill("#search-q", "新叶")
		p.tap("main .search-form button")
	}
	s.measured(count, "search")
	p.reads("main", "ferndiary")
	s.shot(p, "search-found")
	guest := s.visitor("who is no member", s.ways[s.he])
	for _, query := range []string{"蕨", "日记", "新叶舒展"} {
		s.finds(p, query, "ferndiary", true)
		s.finds(s.he, query, "ferndiary", true)
		s.finds(guest, query, "ferndiary", false)
	}
	for _, query := range []string{"家", "苔藓", "蕨与苔藓"} {
		s.finds(guest, query, fernCircle, true)
	}
	s.finds(p, "月球背面", "ferndiary", false)
	s.shot(p, "search-none")
	s.finds(p, "苔", "ninemosses", true)
	s.shot(p, "search-one")
}

// finds looks something up and wants words among what is found, or not.
func (s *circleStory) finds(p *person, query, words string, want bool) {
	s.t.Helper()
	p.open("/search?q=" + url.QueryEscape(query))
	found := ask[string](p, `[...document.querySelectorAll(".found")].map(f => f.innerText).join("\n")`)
	if strings.Contains(found, words) != want {
		s.t.Errorf("%s looks for %s; %q found: %v, want %v: %q", p.name, query, words, !want, want, found)
	}
}

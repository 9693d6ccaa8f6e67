package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"exeunt/e2e/axe"
	"exeunt/internal/server"
)

// readers are the languages in which each page is looked at.
var readers = []string{"zh-CN", "en"}

// sight is how a page is looked at: the width of the screen and the colours that the system prefers.
type sight struct {
	width  int64
	colour string
}

var sights = []sight{{390, "light"}, {390, "dark"}, {1280, "dark"}, {1280, "light"}}

// sightsIn gives those sights in which a page is looked at in a language: each language on both screens and in both themes, and together every pair of
// them. Colours are the same in every language, and words in every theme.
func sightsIn(lang string) []sight {
	if lang == "zh-CN" {
		return []sight{sights[0], sights[2]}
	}
	return []sight{sights[1], sights[3]}
}

// looking is the accessibility of one install's pages.
type looking struct {
	t   *testing.T
	in  *install
	b   *browser
	box *mailbox
}

// TestAccessiblePages opens every page that a person can get, in both languages, on a phone and a desk, in both themes,
// and wants no violation of WCAG 2.2 AA, no sideways scrolling, and nothing that the console complains of.
func TestAccessiblePages(t *testing.T) {
	in := &install{dir: t.TempDir()}
	box := newMailbox(t)
	in.serve(t, append(box.options(), "--trial", "--begin", begin)...)
	l := &looking{t, in, startBrowser(t), box}
	pages := l.seed()
	for _, lang := range readers {
		for _, p := range pages {
			p.who.readsIn(lang)
			for _, path := range p.paths {
				l.visit(p, lang, path)
			}
		}
	}
	operator := &install{dir: t.TempDir()}
	printed := operator.serve(t)
	o := &looking{t, operator, l.b, box}
	o.operator(printed)
	ended := &install{dir: t.TempDir()}
	ended.serve(t, append(box.options(), "--trial", "--begin", begin)...)
	e := &looking{t, ended, l.b, box}
	e.ending()
	l.covered(operator, ended)
}

// pages are what one person looks at.
type pages struct {
	who    *person
	paths  []string
	status int // of the answers; 0: 200
}

// readsIn has the browser ask for a language.
func (p *person) readsIn(lang string) {
	p.t.Helper()
	headers := network.Headers{"Accept-Language": lang}
	_, err := chromedp.Call(p.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers})
	must(p.t, err)
}

// visit opens a page and looks at it in every way.
func (l *looking) visit(p pages, lang, path string) {
	l.t.Helper()
	want := p.status
	if want == 0 {
		want = 200
	}
	if status := p.who.visit(path); status != want {
		l.t.Errorf("%s for %s answers %d, want %d: %s", path, p.who.name, status, want, p.who.text("main"))
		return
	}
	l.look(p.who, lang, nameOf(path))
}

// nameOf makes a file's name of a path.
func nameOf(path string) string {
	if i := strings.Index(path, "/slip/"); i >= 0 {
		return "slip"
	}
	for _, kind := range []string{"files", ""} { // those in letters
		if strings.HasPrefix(path, "/archives/"+kind) {
			return "archive" + kind
		}
	}
	name := strings.NewReplacer("/", "_", "?", "_", "=", "-", "@", "", ":", "-").Replace(strings.Trim(path, "/"))
	return "p_" + name[:min(len(name), 60)]
}

// look asks axe-core about the page as it is, on each screen and in each theme.
func (l *looking) look(p *person, lang, name string) {
	l.t.Helper()
	got := ask[string](p, "document.documentElement.lang")
	if !strings.HasPrefix(lang, got) {
		l.t.Errorf("%s asked for in %s is in %s", name, lang, got)
	}
	for i, s := range sightsIn(lang) {
		at := fmt.Sprintf("%s-%s-%d-%s", name, lang, s.width, s.colour)
		p.looksWith(s)
		found, err := axe.Check(p.ctx)
		must(l.t, err)
		for _, v := range found {
			l.t.Errorf("%s: %s", at, v)
		}
		if wide := ask[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			l.t.Errorf("%s is %d px wider than the screen", at, wide)
		}
		if i == 0 == (lang == "zh-CN") { // the phone by day and the desk by day
			p.shot(at)
		}
	}
	for _, complaint := range p.complaints() {
		l.t.Errorf("%s in %s: the console: %s", name, lang, complaint)
	}
}

// looksWith sets the screen and the system's colours.
func (p *person) looksWith(s sight) {
	p.t.Helper()
	height := int64(844)
	if s.width > 900 {
		height = 900
	}
	p.run(chromedp.EmulateViewport(s.width, height), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.colour}},
		})
		return err
	}))
}

// files are routes that answer with a file and not with a page.
var files = []string{
	"GET /media/{key...}", "GET /exit/archives/{volume}/{name}", "GET /exit/runs/{id}/calendar.ics", "GET /exit/runs/{id}/certificate",
	"GET /slip/{secret}/calendar.ics", "GET /slip/{secret}/slip.txt", "GET /slip/{secret}/certificate.txt",
	"GET /operator/proofs/{id}/photo",
	"GET /moderation/of/{kind}/{id}", // it only leads on
	"GET /notices/live", "GET /manifest.webmanifest", "GET /icon.png", "GET /healthz", "GET /metrics",
	"GET /@{name}/feed.xml", "GET /circles/{id}/feed.xml", "GET /posts/{id}/poster.png", "GET /posts/{id}/poster.svg", "GET /circles/{id}/poster.png", "GET /circles/{id}/poster.svg",
	"GET /search/suggest", "GET /search/count", // pieces of a page
	"GET /videos/{id}/{list}", "GET /videos/{id}/file", "GET /videos/{id}/bullets", "GET /oembed", "GET /channel/desk/days.csv", "GET /@{name}/channel/feed.xml",
	"GET /sunsets/feed.xml", "GET /sunsets/{sunset}/calendar.ics", "GET /sunsets/{sunset}/picture", "GET /sunsets/{name}/certificate", "GET /operator/sunsets/{name}/file",
	"GET /circles/{id}/moved.txt", "GET /archives/files/{secret}/{volume}/{name}",
	"GET /operator/calendar/preview", // it only leads on
}

// covered fails on a page of the route table that nobody has looked at, by what the servers' access logs say.
func (l *looking) covered(installs ...*install) {
	l.t.Helper()
	seen := map[string]bool{}
	for _, in := range append(installs, l.in) {
		for line := range strings.SplitSeq(in.log.String(), "\n") {
			var entry struct {
				Route  string `json:"route"`
				Status int    `json:"status"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Status == 200 {
				seen[entry.Route] = true
			}
		}
	}
	house, err := server.Open(l.t.Context(), server.Options{Data: l.t.TempDir()})
	must(l.t, err)
	routes := house.Routes()
	must(l.t, house.Close())
	n := 0
	for _, r := range routes {
		if !strings.HasPrefix(r.Pattern, "GET ") || slices.Contains(files, r.Pattern) {
			continue
		}
		n++
		if !seen[r.Pattern] {
			l.t.Errorf("nobody has looked at %s", r.Pattern)
		}
	}
	if n < 30 {
		l.t.Errorf("%d pages in the route table: it was not read right", n)
	}
	l.t.Logf("%d pages, %d languages, %d ways to look in each", n, len(readers), len(sightsIn(readers[0])))
}

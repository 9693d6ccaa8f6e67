package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"exeunt/internal/ui"
)

// What stands in the circle that ends, and what its owner leaves.
const (
	tideCircle   = "潮间带"
	tideNote     = "退潮的时候看见一只寄居蟹 hermitcrabatebb"
	tideLate     = "来不及写的那一句 toolatetosay"
	tideFarewell = "我们搬到海边的小屋 seasidehut"
	tideMoved    = "https://seaside.example/circle"
	tideWhy      = "多留几天给大家收拾 moredaystopack"
	tideTitleZh  = "圈子「停运」公告"
	tideTitleEn  = `Circles will end: "the last tide"`
)

// sunsetStory is the ending of a service: the operator plans it, an owner and a member live through it.
type sunsetStory struct {
	t                 *testing.T
	in                *install
	b                 *browser
	operator, lin, wu *person
	circle, post      string            // paths
	dates             map[string]string // by field, as published
	screens           map[*person]sight
}

// TestStorySunset tells the ending of a service in a real browser: the operator draws its calendar, previews, publishes and postpones it; a member meets banner,
// countdown and notice; at the instant nothing more is written, everybody's archive is there without asking, then addresses say where people went, and the
// certificate verifies.
func TestStorySunset(t *testing.T) {
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t, "--trial", "--begin", begin)
		s := &sunsetStory{t: t, in: in, b: startBrowser(t), dates: map[string]string{}, screens: map[*person]sight{}}
		tale := &story{t: t} // for its chapters
		tale.chapter("a circle lives", s.live)
		tale.chapter("draw the calendar", s.draw)
		tale.chapter("publish", s.publish)
		tale.chapter("meet banner and notice", s.meet)
		tale.chapter("postpone", s.postpone)
		tale.chapter("leave a farewell", s.farewell)
		tale.chapter("read-only", s.readOnly)
		tale.chapter("an archive without asking", s.archives)
		tale.chapter("stopped", s.stopped)
		tale.chapter("certified", s.certified)
	})
}

// comes has somebody sign in with a screen and a language.
func (s *sunsetStory) comes(name string, look sight, lang string, options ...string) *person {
	s.t.Helper()
	s.in.account(s.t, name, options...)
	p := s.b.visitor(s.t, s.in, name)
	s.screens[p] = look
	p.looksWith(look)
	p.readsIn(lang)
	p.signsIn(name)
	return p
}

func (s *sunsetStory) live() {
	s.operator = s.comes("shan_zhang", sight{1280, "light"}, "zh-CN", "--operator")
	if s.in.database != "" { // there typed fields must do
		s.operator.withoutScripts()
	}
	s.lin = s.comes("lin_moss", sight{390, "dark"}, "zh-CN")
	s.wu = s.comes("wu_shan", sight{390, "light"}, "zh-CN")
	s.lin.open("/circles/new")
	s.lin.fill("#name", tideCircle)
	s.lin.touch(`input[name="mode"][value="open"]`)
	s.lin.tap("main form button.primary")
	s.circle = s.lin.path()
	s.wu.open(s.circle)
	s.wu.tap(`main form[action$="/join"] button`)
	s.wu.open("/write?in=circle:" + strings.TrimPrefix(s.circle, "/circles/"))
	s.wu.fill("#text", tideNote)
	s.wu.tap(`main form[action="/write"] button[value="publish"]`)
	s.wu.open(s.circle)
	s.wu.reads("main", tideNote)
	s.post = s.wu.attribute("article.post a.when", "href")
}

// field gives what stands in a field of the calendar.
func (s *sunsetStory) field(name string) string {
	s.t.Helper()
	return ask[string](s.operator, fmt.Sprintf("document.getElementById(%q).value", name))
}

// date gives the date in a field.
func (s *sunsetStory) date(name string) time.Time {
	s.t.Helper()
	at, err := time.Parse(time.DateOnly, s.field(name))
	must(s.t, err)
	return at
}

// types types a date, as the browser's own picker does.
func (s *sunsetStory) types(name string, day time.Time) {
	s.t.Helper()
	ask[bool](s.operator, fmt.Sprintf(`(f => { f.value = %q; f.dispatchEvent(new Event("input", {bubbles: true})); return true })(document.getElementById(%q))`, day.Format(time.DateOnly), name))
}

func mark(name string) string { return fmt.Sprintf(`[data-for="%s"] [role=slider]`, name) }

// wantMark wants the mark of a date to stand where the field says.
func (s *sunsetStory) wantMark(name string, day time.Time) {
	s.t.Helper()
	if got := s.date(name); !got.Equal(day) {
		s.t.Errorf("the field of %s says %s, want %s", name, got.Format(time.DateOnly), day.Format(time.DateOnly))
	}
	if got, want := s.operator.attribute(mark(name), "aria-valuenow"), fmt.Sprint(day.Unix()/86400); got != want {
		s.t.Errorf("the mark of %s is at day %s, want %s", name, got, want)
	}
}

// drags pulls the mark of a date sideways by so many pixels.
func (s *sunsetStory) drags(name string, by float64) {
	s.t.Helper()
	p := s.operator
	at := ask[[]float64](p, fmt.Sprintf(`(m => { m.scrollIntoView({block: "center"}); const r = m.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })(document.querySelector(%q))`, mark(name)))
	p.run(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, at[0], at[1], chromedp.ButtonLeft, chromedp.ClickCount(1)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]+by/2, at[1], chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]+by, at[1], chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, at[0]+by, at[1], chromedp.ButtonLeft, chromedp.ClickCount(1)),
	)
}

// draw has the operator make the calendar: by typing, by dragging and by keys, which stay in step.
func (s *sunsetStory) draw() {
	p := s.operator
	p.open("/operator")
	p.tap(`main a[href="/operator/sunsets"]`)
	p.tap(`main a[href="/operator/calendar"]`)
	p.pick("#ends", "circle")
	p.fill("#name", "the-last-tide")
	for field, words := range map[string]string{
		"title.zh": tideTitleZh, "title.en": tideTitleEn, "reason.zh": "我们人手不够了。\n想把它好好收尾。", "reason.en": "There are too few of us.\nWe would like to end it well.",
		"apology.zh": "对不起，也谢谢你们。", "apology.en": "We are sorry, and thank you.", "ask.zh": "写信给山掌。", "ask.en": "Write to Shan.", "successor": "https://shore.example/",
	} {
		p.fill(fmt.Sprintf(`[id="%s"]`, field), words)
	}
	if p.scripts {
		s.moves()
	} else if ask[bool](p, `document.querySelector("[data-timeline]").checkVisibility()`) {
		s.t.Error("the picture of a calendar is shown where no script moves it")
	}
	begins := s.date("phases.announced")
	for name, days := range map[string]int{"phases.read-only": 31, "phases.stopped": 183, "phases.erased": 214} {
		s.types(name, begins.AddDate(0, 0, days))
	}
	s.looks(p, "zh-CN", "sunset-form")
	for _, name := range []string{"announced", "read-only", "stopped", "erased"} {
		s.dates[name] = s.field("phases." + name)
	}
}

// moves moves marks by pointer and by keys; fields and marks stay in step, and none passes the phase before it.
func (s *sunsetStory) moves() {
	p := s.operator
	p.see("[data-timeline]")
	begins, stop, erased := s.date("phases.announced"), s.date("phases.stopped"), s.date("phases.erased")
	s.types("phases.read-only", begins.AddDate(0, 0, 31))
	s.wantMark("phases.read-only", begins.AddDate(0, 0, 31))
	s.drags("phases.stopped", -60)
	moved := s.date("phases.stopped")
	if !moved.Before(stop) {
		s.t.Errorf("a mark dragged to the left says %s, was %s", moved, stop)
	}
	s.wantMark("phases.stopped", moved)
	s.drags("phases.stopped", -3000)
	s.wantMark("phases.stopped", s.date("phases.read-only"))
	s.types("phases.stopped", stop)
	p.run(chromedp.Focus(chromedp.CSS(mark("phases.erased")), chromedp.NodeVisible))
	p.run(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.PageUp), chromedp.KeyEvent(kb.ArrowLeft))
	s.wantMark("phases.erased", erased.AddDate(0, 0, 7))
	p.run(chromedp.KeyEvent(kb.PageDown))
	s.wantMark("phases.erased", erased)
}

// looks asks axe-core about a page on each screen and in each theme of a language, and goes back to the screen the person has.
func (s *sunsetStory) looks(p *person, lang, name string) {
	s.t.Helper()
	if !p.scripts { // axe-core is one
		return
	}
	(&looking{t: s.t, in: s.in, b: s.b}).look(p, lang, name)
	p.looksWith(s.screens[p])
}

// wantDated wants the calendar on a page to have the days of phases.
func (s *sunsetStory) wantDated(p *person, words ...string) {
	s.t.Helper()
	for _, word := range words {
		if !p.has(fmt.Sprintf(`main ol.calendar time[datetime="%s"]`, s.dates[word])) {
			s.t.Errorf("%s has no %s on %s: %s", p.path(), word, s.dates[word], p.text("main"))
		}
	}
}

// shows gives a date as pages write it.
func (s *sunsetStory) shows(lang ui.Lang, word string) string {
	s.t.Helper()
	at, err := time.Parse(time.DateOnly, s.dates[word])
	must(s.t, err)
	return ui.Date(lang, at, time.UTC)
}

func (s *sunsetStory) publish() {
	p := s.operator
	if status := p.tap(`main form[action="/operator/calendar/preview"] button.primary`); status != http.StatusOK {
		p.lost(fmt.Errorf("the preview answers %d", status))
	}
	s.wantDated(p, "read-only", "stopped", "erased")
	p.reads("main .stats", "个账号")
	s.looks(p, "zh-CN", "sunset-preview")
	p.touch("#consent")
	p.tap(`main form[action="/operator/calendar/publish"] .pair button`)
	if got := p.path(); got != "/operator/sunsets/the-last-tide" {
		p.lost(fmt.Errorf("publishing leads to %s", got))
	}
	p.reads("main", s.shows(ui.Chinese, "erased"))
	s.looks(p, "zh-CN", "sunset-status")
	s.in.travel(s.t, "+1h") // the notice goes out
}

// meet has the member see the banner with what is left, and the notice, on both screens and in both languages.
func (s *sunsetStory) meet() {
	for _, x := range []struct {
		look        sight
		code        string
		lang        ui.Lang
		title, days string
	}{{sight{390, "light"}, "zh-CN", ui.Chinese, tideTitleZh, "天"}, {sight{1280, "dark"}, "en", ui.English, tideTitleEn, "days"}} {
		p := s.wu
		p.looksWith(x.look)
		p.readsIn(x.code)
		p.open(s.circle)
		p.reads("aside.ending", s.shows(x.lang, "read-only"))
		if left := p.text("aside.ending time"); !strings.Contains(left, x.days) {
			s.t.Errorf("the countdown says %q, want %s", left, x.days)
		}
		s.looks(p, x.code, "sunset-banner-"+x.code)
		p.open("/")
		p.see(`main a[href="/sunsets/the-last-tide"]`) // it stands on the home page to the end
		p.open(s.circle)
		p.tap("aside.ending a")
		p.reads("h1", x.title)
		s.wantDated(p, "read-only", "stopped", "erased")
		s.looks(p, x.code, "sunset-notice-"+x.code)
	}
	s.wu.looksWith(sight{390, "light"})
	s.wu.readsIn("zh-CN")
}

// postpone moves the stop later, with a reason that the notice gives; earlier is refused.
func (s *sunsetStory) postpone() {
	p := s.operator
	p.open("/operator/sunsets/the-last-tide")
	p.tap(`main a[href$="/extend"]`)
	stop := s.date("phases.stopped")
	if p.scripts { // none moves earlier than it was published for
		s.drags("phases.stopped", -3000)
		s.wantMark("phases.stopped", stop)
	}
	s.types("phases.stopped", stop.AddDate(0, 0, 5))
	s.dates["stopped"] = s.field("phases.stopped")
	p.fill("#why", tideWhy)
	s.looks(p, "zh-CN", "sunset-extend")
	p.tap(`main form button.primary`)
	if got := ask[string](p, `document.querySelector("#why").value`); got != tideWhy {
		s.t.Errorf("the preview gives the reason as %q", got)
	}
	p.shot("sunset-extend-preview")
	p.touch("#consent")
	p.tap(`main form[action="/operator/calendar/publish"] .pair button`)
	p.reads("main", tideWhy)
	s.wu.open("/sunsets/the-last-tide")
	s.wu.reads("main", tideWhy)
	s.wu.reads("main", s.shows(ui.Chinese, "stopped"))
}

// farewell has the circle's owner say where everybody went.
func (s *sunsetStory) farewell() {
	p := s.lin
	p.open(s.circle + "/farewell")
	p.fill("#words", tideFarewell)
	p.fill("#link", tideMoved)
	p.shot("sunset-farewell-form")
	p.tap(fmt.Sprintf(`main form[action="%s/farewell"] button`, s.circle))
	s.wu.open(s.circle)
	s.wu.reads("main", tideFarewell)
	s.wu.shot("sunset-farewell")
}

// goes moves the clock to the beginning of a day of the calendar, and an hour on.
func (s *sunsetStory) goes(word string) {
	s.t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, s.dates[word], zoneOf(s.t))
	must(s.t, err)
	now, err := time.Parse(time.RFC3339, fmt.Sprint(s.in.do(s.t, "clock", "+0h")["now"]))
	must(s.t, err)
	s.in.travel(s.t, fmt.Sprintf("+%dh", int(at.Sub(now)/time.Hour)+1))
}

// zoneOf gives the zone of the calendar: the policy's.
func zoneOf(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	must(t, err)
	return zone
}

// readOnly has the member write when it is too late: refused with the date, and no form any more. Reading and deleting go on.
func (s *sunsetStory) readOnly() {
	p := s.wu
	p.open("/write?in=circle:" + strings.TrimPrefix(s.circle, "/circles/"))
	p.fill("#text", tideLate)
	s.goes("read-only")
	if status := p.tap(`main form[action="/write"] button[value="publish"]`); status != http.StatusForbidden {
		s.t.Errorf("what is written too late is answered with %d", status)
	}
	p.reads("main", s.dates["read-only"])
	p.shot("sunset-refused")
	if n := s.in.residue(s.t, "--text", tideLate); n > 0 {
		s.t.Errorf("what was refused is in %d places", n)
	}
	p.open(s.circle)
	p.reads("main", tideNote)
	p.reads("aside.ending", s.shows(ui.Chinese, "stopped"))
	if status := p.visit("/write?in=circle:" + strings.TrimPrefix(s.circle, "/circles/")); status != http.StatusForbidden {
		s.t.Errorf("the form to write is still offered: %d", status)
	}
	p.shot("sunset-no-form")
}

// archives finds what was made without asking, and opens it.
func (s *sunsetStory) archives() {
	for _, p := range []*person{s.wu, s.lin} {
		p.open("/exit/archives")
		link := `main a[download][href^="/exit/archives/"]`
		p.see(link)
		p.shot("sunset-archive-" + p.name)
		file := save(s.t, p.name+".zip", p.fetch(p.attribute(link, "href"), ""))
		s.in.do(s.t, "verify", file)
		if p == s.wu {
			wrote := posts(s.t, file)
			if len(wrote) != 1 || !strings.Contains(wrote[0].Text, "hermitcrabatebb") {
				s.t.Errorf("the archive that was made without asking has %d posts", len(wrote))
			}
		}
	}
	p := s.operator
	p.open("/operator/sunsets/the-last-tide")
	p.reads("main .stats", "0 份失败")
	p.reads("main .stats", "0 份还没轮到")
	p.shot("sunset-status-exports")
}

// stopped wants every address of the service to answer that it has gone, with where people went.
func (s *sunsetStory) stopped() {
	s.goes("stopped")
	p := s.wu
	for _, path := range []string{s.circle, s.post, "/circles"} {
		if status := p.visit(path); status != http.StatusGone {
			s.t.Errorf("%s answers %d after the stop", path, status)
		}
	}
	p.visit(s.circle)
	p.reads("main", tideFarewell)
	p.reads("main", tideMoved)
	s.looks(p, "zh-CN", "sunset-gone")
	p.readsIn("en")
	p.looksWith(sight{1280, "dark"})
	p.visit(s.post)
	p.reads("main", s.shows(ui.English, "stopped"))
	p.reads("main", tideFarewell)
	p.shot("sunset-gone-en")
	p.open("/exit/archives")
	p.see(`main a[download][href^="/exit/archives/"]`) // it is kept
}

// certified goes to the end: nothing is left, and the certificate verifies offline.
func (s *sunsetStory) certified() {
	s.goes("erased")
	s.in.travel(s.t, "+3d")
	for _, words := range []string{tideCircle, "hermitcrabatebb"} {
		if n := s.in.residue(s.t, "--text", words); n > 0 {
			s.t.Errorf("%q is left in %d places", words, n)
		}
	}
	p := s.operator
	p.open("/operator/sunsets/the-last-tide")
	link := `main a[href="/sunsets/the-last-tide/certificate"]`
	p.see(link)
	s.looks(p, "zh-CN", "sunset-over")
	file := save(s.t, "certificate.txt", p.fetch(p.attribute(link, "href"), ""))
	out := s.in.do(s.t, "verify", file)
	if out["kind"] != "certificate" || out["ok"] != true {
		s.t.Errorf("the certificate: %v", out)
	}
	said, err := os.ReadFile(file)
	must(s.t, err)
	if !strings.Contains(string(said), "the-last-tide") || strings.Contains(string(said), "lin_moss") {
		s.t.Errorf("the certificate says\n%s", said)
	}
	s.wu.readsIn("zh-CN")
	s.wu.open("/sunsets/the-last-tide")
	s.wu.reads("h1", tideTitleZh)
	s.wu.shot("sunset-notice-after")
	if u, err := url.Parse(s.in.url + s.circle); err != nil || s.wu.visit(u.Path) != http.StatusGone {
		s.t.Errorf("%s does not answer as gone after the end (%v)", s.circle, err)
	}
}

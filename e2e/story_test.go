package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
)

// begin is the day on which these installs begin: a Monday.
const begin = "2026-03-02"

// What one person plants in the house and what must be gone with that person.
const (
	linName    = "lin_moss"
	planted    = "苔藓在井边慢慢长 mossgrowsbythewell"
	plantedIn  = "圈子里的蕨类 fernsinthecircle"
	plantedAlt = "一片蕨叶 onefernleaf"
	circleName = "蕨与苔藓"
)

// story is one whole stay: two people, an archive brought in, what they wrote, and one of them leaving.
type story struct {
	t       *testing.T
	in      *install
	b       *browser
	src     source
	lin, wu *person
	linID   string
	circle  string // path of the circle
	post    string // path of the post with a picture
	slip    string // path of the last slip
	along   string // the archive that was downloaded
	efforts []effort
}

// TestStory tells the whole story in a real browser: come, bring an archive, write, hide, take along, close one service and
// come back, close all, cancel, return on the last day, leave for good, hold a certificate, come again.
func TestStory(t *testing.T) {
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t, "--trial", "--begin", begin)
		s := &story{t: t, in: in, b: startBrowser(t), src: mastodonArchive(t)}
		s.chapter("come", s.come)
		s.chapter("bring an archive in", s.bring)
		s.chapter("write", s.write)
		s.chapter("be with others", s.mingle)
		s.chapter("hide and show", s.hide)
		s.chapter("take along", s.takeAlong)
		s.chapter("close the circles and come back", s.closeCircles)
		s.chapter("close all, cancel", s.cancel)
		s.chapter("close all, return on the last day", s.lastDay)
		s.chapter("leave for good", s.leave)
		s.chapter("come again", s.again)
		judge(t, "what leaving costs", s.efforts, aims)
	})
}

// chapter tells a part of the story and logs how long it took. Each part needs the ones before it.
func (s *story) chapter(name string, tell func()) {
	s.t.Helper()
	began := time.Now()
	tell()
	s.t.Logf("%s: %.1f s", name, time.Since(began).Seconds())
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// signsUp makes an account as a newcomer does, from the front page.
func (p *person) signsUp(name string) {
	p.t.Helper()
	p.open("/")
	p.tap(`main a[href="/sign-up"]`)
	p.fill("#name", name)
	p.fill("#password", password)
	p.tap(`main form[action="/sign-up"] button`)
	p.name = name
	p.seesCodes()
}

// seesCodes is the page after signing up: ten recovery codes, shown once.
func (p *person) seesCodes() {
	p.t.Helper()
	if n := p.count("main code"); n != 10 {
		p.lost(fmt.Errorf("%d recovery codes, want 10", n))
	}
	p.tap("main a.button.primary")
}

// signsIn is what somebody does who comes back, from the front page.
func (p *person) signsIn(name string) {
	p.t.Helper()
	p.open("/")
	p.tap(`main a[href="/sign-in"]`)
	p.fill("#name", name)
	p.fill("#password", password)
	p.tap(`main form[action="/sign-in"] button`)
	p.name = name
}

func (s *story) come() {
	s.lin = s.b.visitor(s.t, s.in, "lin")
	s.lin.open("/")
	s.lin.shot("front")
	s.lin.signsUp(linName)
	s.lin.see("nav.tabs")
	s.wu = s.b.visitor(s.t, s.in, "wu")
	s.linID = s.idOf(linName)
	wu := s.in.account(s.t, "wu_shan")
	if wu == s.linID {
		s.t.Fatalf("two accounts with the id %s", wu)
	}
	s.wu.signsIn("wu_shan")
}

// idOf gives an account's id by what the operator's command line says of a plan.
func (s *story) idOf(name string) string {
	s.t.Helper()
	subject, _ := s.in.do(s.t, "plan", "--account", name, "--journey", "close")["plan"].(map[string]any)["subject"].(string)
	id, ok := strings.CutPrefix(subject, "account:")
	if !ok {
		s.t.Fatalf("the plan's subject is %q", subject)
	}
	return id
}

// bring takes an archive from elsewhere in: through the page, and for somebody else through the command line.
func (s *story) bring() {
	s.refusesBroken()
	s.importThroughPage(s.lin, s.src.zip, "import")
	out := s.in.do(s.t, "import", "--account", "wu_shan", s.src.folder)
	taken := 0
	for _, r := range out["results"].([]any) {
		line := r.(map[string]any)
		if line["class"] == archive.ClassPosts && line["result"] == "taken" {
			taken += int(line["n"].(float64))
		}
	}
	want := posts(s.t, s.src.folder)
	if taken != len(want) {
		s.t.Errorf("the command line took %d posts of %d", taken, len(want))
	}
	if s.src.real && taken != 1260 {
		s.t.Errorf("the real archive gave %d posts, it has 1,260", taken)
	}
	if first := s.firstRow(s.lin, "table"); !strings.Contains(first, number(taken)) {
		s.t.Errorf("the page's report says %q, the command line %d", first, taken)
	}
	s.seesOriginalTimes(want)
}

// refusesBroken offers half an archive: one sentence says so, and nothing of it is taken.
func (s *story) refusesBroken() {
	s.t.Helper()
	whole, err := os.ReadFile(s.src.zip)
	must(s.t, err)
	half := filepath.Join(s.t.TempDir(), "half.zip")
	must(s.t, os.WriteFile(half, whole[:len(whole)/2], 0o600))
	p := s.lin
	p.tap(`.foot a[href="/exit"]`)
	p.tap(`main a[href="/exit/import"]`)
	p.choose(`input[name="archive"]`, half)
	p.tap("main form[enctype] button")
	p.awaits("main .notice.warn")
	p.shot("import-refused")
	p.open("/@" + linName)
	if n := p.count("article.post"); n > 0 {
		s.t.Errorf("%d posts of a broken archive were taken", n)
	}
}

// importThroughPage brings an archive in as a person does, and waits for the report.
func (s *story) importThroughPage(p *person, file, shot string) {
	s.t.Helper()
	p.tap(`.foot a[href="/exit"]`)
	p.tap(`main a[href="/exit/import"]`)
	p.choose(`input[name="archive"]`, file)
	p.tap("main form[enctype] button")
	p.shot(shot + "-progress")
	p.awaits("main table")
	p.shot(shot + "-report")
}

// firstRow gives the line of a report that is about posts.
func (s *story) firstRow(p *person, table string) string {
	s.t.Helper()
	return ask[string](p, fmt.Sprintf(`[...document.querySelectorAll("%s tbody tr")].map(r => r.innerText).find(t => t.includes("帖") || t.includes("post")) ?? ""`, table))
}

// number writes a count as pages do.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// times gives the times of the posts on the page, in their order.
func times(p *person) []string {
	p.t.Helper()
	return ask[[]string](p, `[...document.querySelectorAll("article.post .when time")].map(t => t.dateTime)`)
}

// seesOriginalTimes reads two pages of one's own page.
func (s *story) seesOriginalTimes(want []archive.Post) {
	s.t.Helper()
	p := s.lin
	p.open("/@" + linName)
	p.shot("own-page-imported")
	got := times(p)
	if p.has(`.pager a[rel="next"]`) {
		p.tap(`.pager a[rel="next"]`)
		got = append(got, times(p)...)
	}
	var original []string
	for _, w := range want[:min(len(want), len(got))] {
		original = append(original, w.Published.UTC().Format(time.RFC3339))
	}
	if len(got) == 0 || !slices.Equal(got, original) {
		s.t.Errorf("the newest posts are of\n%v\nin the archive they are of\n%v", got, original)
	}
}

// write posts on one's own page with a picture, makes a circle and posts there.
func (s *story) write() {
	p := s.lin
	p.tap("a.top-write")
	p.fill("#text", planted)
	p.choose("#images", picture(s.t))
	p.fill("#alts", plantedAlt)
	p.shot("write")
	p.tap("main form button.primary")
	p.open("/@" + linName)
	p.see(fmt.Sprintf(`article.post img[alt=%q]`, plantedAlt))
	p.until(fmt.Sprintf(`document.querySelector('article.post img[alt=%q]').naturalWidth > 0`, plantedAlt))
	s.post = p.attribute(fmt.Sprintf(`article.post:has(img[alt=%q]) a.when`, plantedAlt), "href")
	p.shot("own-page")

	p.tap(`nav.tabs a[href="/circles"]`)
	p.tap(`main a[href="/circles/new"]`)
	p.fill("#name", circleName)
	p.fill("#intro", "给慢慢长的东西")
	p.touch(`input[name="mode"][value="open"]`)
	p.shot("circle-new")
	p.tap("main form button.primary")
	s.circle = p.path()
	if !strings.HasPrefix(s.circle, "/circles/") || s.circle == "/circles/new" {
		p.lost(fmt.Errorf("no circle at %s", s.circle))
	}
	p.tap("a.top-write")
	p.fill("#text", plantedIn)
	p.tap("main form button.primary")
	p.open(s.circle)
	p.reads("main", plantedIn)
	p.shot("circle")
}

// mingle has somebody else follow, like, comment and join.
func (s *story) mingle() {
	p := s.wu
	p.open("/@" + linName)
	p.tap(`main form[action*="follow"] button`)
	p.open(s.post)
	p.touch(`article.post .act-box button[aria-pressed="false"]`)
	p.see(`article.post .act-box button[aria-pressed="true"]`)
	p.fill("#say textarea", "井边的苔藓真好看 @"+linName)
	p.tap("#say button")
	p.reads("#comments", "井边的苔藓真好看")
	p.shot("post")
	p.open(s.circle)
	p.tap(`main form[action$="/join"] button`)
	p.open("/")
	p.reads("main", plantedIn)
	p.reads("main", planted)
	p.shot("home")

	s.lin.open(s.post)
	s.lin.fill("#say textarea", "谢谢 thankyoufromthewell")
	s.lin.tap("#say button")
	for _, words := range []string{planted, plantedIn, plantedAlt, circleName, "thankyoufromthewell", linName} {
		if s.in.residue(s.t, "--text", words) == 0 {
			s.t.Errorf("residue does not find %q while it is there", words)
		}
	}
	if s.in.residue(s.t, "--account", s.linID) == 0 {
		s.t.Error("residue finds nothing of an account that is there")
	}
}

// hide takes an entrance away, which others do not notice, and puts it back.
func (s *story) hide() {
	p := s.lin
	p.open("/")
	count := p.begin()
	p.tap(`nav.tabs a[href="/discover"]`)
	p.shot("discover")
	p.tap(`form[action="/entrances/circle/hide"] button`)
	s.efforts = append(s.efforts, count.end("hide"))
	if p.has(`nav.tabs a[href="/circles"]`) || p.has(`main a[href="/circles"]`) {
		s.t.Error("a hidden entrance is still in the tabs or on Discover")
	}
	p.shot("discover-hidden")
	s.wu.open("/discover")
	if !s.wu.has(`nav.tabs a[href="/circles"]`) {
		s.t.Error("somebody else's entrance went too")
	}
	s.wu.open(s.circle)
	s.wu.reads("main", plantedIn)
	p.open(s.circle) // a direct link still opens

	p.tap(`nav.tabs a[href="/me"]`)
	p.shot("me")
	p.tap(`main a[href="/settings"]`)
	p.shot("settings")
	p.tap(`main a[href="/settings/entrances"]`)
	p.shot("entrances")
	p.tap(`form[action="/entrances/circle/show"] button`)
	p.see(`nav.tabs a[href="/circles"]`)
}

// takeAlong makes an archive of everything, downloads it in two parts and verifies it.
func (s *story) takeAlong() {
	p := s.lin
	p.tap(`.foot a[href="/exit"]`)
	p.shot("exit")
	count := p.begin()
	p.tap(`main a[href="/exit/take-along"]`)
	p.shot("take-along")
	p.tap(`main form[action="/exit/take-along"][method="post"] button`)
	p.shot("take-along-progress")
	link := `main a[download][href^="/exit/archives/"]`
	p.awaits(link) // nobody loads the page again: it is live
	s.efforts = append(s.efforts, count.end("take along"))
	p.shot("take-along-done")
	s.along = s.downloads(p, p.attribute(link, "href"))
	s.in.do(s.t, "verify", s.along)

	all := posts(s.t, s.along)
	if n := len(posts(s.t, s.src.folder)); len(all) != n+2 {
		s.t.Errorf("the archive has %d posts, want %d", len(all), n+2)
	}
	// One's own page alone, from one's own page.
	p.open("/@" + linName)
	p.tap(`main a[href="/exit/take-along?in=page"]`)
	p.tap(`main form[action="/exit/take-along"][method="post"] button`)
	p.awaits("main " + `.card:nth-of-type(2) a[download][href^="/exit/archives/"]`)
}

// downloads fetches a file in two parts, as after a connection that broke off in the middle.
func (s *story) downloads(p *person, href string) string {
	s.t.Helper()
	begun := p.fetch(href, "bytes=0-999")
	if begun.status != http.StatusPartialContent || len(begun.body) != 1000 {
		s.t.Fatalf("%s answers %d with %d bytes to a range of 1,000", href, begun.status, len(begun.body))
	}
	rest := p.fetch(href, "bytes=1000-")
	if rest.status != http.StatusPartialContent || !strings.HasPrefix(rest.header.Get("Content-Range"), "bytes 1000-") {
		s.t.Fatalf("the rest of %s: %d, %q", href, rest.status, rest.header.Get("Content-Range"))
	}
	if stranger := s.b.visitor(s.t, s.in, "a stranger").fetch(href, ""); stranger.status == http.StatusOK && stranger.path == href {
		s.t.Error("a stranger can fetch the archive")
	}
	return save(s.t, filepath.Base(href), download{status: http.StatusOK, path: href, body: append(begun.body, rest.body...)})
}

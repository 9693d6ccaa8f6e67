package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"

	"exeunt/internal/ui"
)

// What is planted in the circle, each by somebody of whom it must be gone when they are.
const (
	fernCircle  = "蕨与苔藓之家"
	fernRules   = "只写自己种的\n不卖东西"
	fernAnswer  = "井边那几棵 threebythewell"
	fernDiary   = "蕨类生长日记：新叶舒展了 ferndiary"
	fernPicture = "苔藓九宫格 ninemosses"
	fernPraise  = "这九张真好看 ninepraises"
	fernThanks  = "谢谢你来看 thanksforlooking"
	fernTrade   = "便宜苔藓加我 cheapmossforsale"
	fernReason  = "这里不卖东西 nosellinghere"
	fernAppeal  = "只是送给邻居 giventoneighbours"
	fernVerdict = "送的可以留 giftsmaystay"
)

// way is how somebody uses the house: screen and colours, a language, scripts or none.
type way struct {
	sight
	lang    ui.Lang
	scripts bool
}

// circleStory is a circle's life among its owner, a member, somebody who asks to join, and the operator of the install.
type circleStory struct {
	t                     *testing.T
	in                    *install
	b                     *browser
	lin, wu, he, operator *person
	ways                  map[*person]way
	ids                   map[string]string // by name
	circle                string            // path of the circle
	diary, nine, offered  string            // paths of the posts: submitted by wu, by lin, by he
	comment               string            // id of what he wrote beneath nine
	efforts               []effort
}

// circleAims are the most taps that the main things may cost: from the start page, or from the page on which one is told.
var circleAims = map[string]effort{
	"reach a circle": {taps: 2}, "create a circle": {taps: 5}, "invite": {taps: 4}, "join by link": {taps: 1}, "ask to join": {taps: 2}, "let somebody in": {taps: 3},
	"submit a post": {taps: 2}, "accept a post": {taps: 3}, "post nine images": {taps: 2}, "comment": {taps: 1}, "answer": {taps: 2}, "search": {taps: 2}, "report": {taps: 4},
	"remove with reason": {taps: 5}, "appeal": {taps: 2}, "decide an appeal": {taps: 3}, "block": {taps: 3}, "hand over": {taps: 2}, "take over": {taps: 3}, "leave": {taps: 2},
}

// TestStoryCircle tells the life of a circle in a real browser: make it, invite, ask, submit, accept, nine images, comments,
// search, report, remove, appeal, block, hand over, leave, and close all so that nothing is left. On the one database the owner has a phone,
// 中文 and scripts, the member a desk, English and none; on the other it is the other way round.
func TestStoryCircle(t *testing.T) {
	phone, desk := sight{390, "light"}, sight{1280, "dark"}
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t, "--trial", "--begin", begin)
		s := &circleStory{t: t, in: in, b: startBrowser(t), ways: map[*person]way{}, ids: map[string]string{}}
		ways := []way{{phone, ui.Chinese, true}, {desk, ui.English, false}, {sight{390, "dark"}, ui.English, true}, {sight{1280, "light"}, ui.Chinese, false}}
		if in.database != "" {
			ways = []way{{desk, ui.English, false}, {phone, ui.Chinese, true}, {sight{1280, "light"}, ui.Chinese, true}, {sight{390, "dark"}, ui.English, false}}
		}
		s.lin, s.wu, s.he = s.comes("lin_moss", ways[0]), s.comes("wu_shan", ways[1]), s.comes("he_lan", ways[2])
		s.operator = s.comes("shan_zhang", ways[3], "--operator")
		tale := &story{t: t} // for its chapters
		tale.chapter("make a circle", s.make)
		tale.chapter("invite", s.invite)
		tale.chapter("ask and let in", s.ask)
		tale.chapter("submit and accept", s.submit)
		tale.chapter("nine images", s.nineImages)
		tale.chapter("talk", s.talk)
		tale.chapter("search", s.search)
		tale.chapter("report and remove", s.report)
		tale.chapter("appeal and decide", s.appeal)
		tale.chapter("block", s.block)
		tale.chapter("hand over and leave", s.handOver)
		tale.chapter("close, and nothing is left", s.close)
		judge(t, "what a circle costs", s.efforts, circleAims)
	})
}

// visitor opens a browser that is used in a way.
func (s *circleStory) visitor(name string, w way) *person {
	s.t.Helper()
	p := s.b.visitor(s.t, s.in, name)
	p.readsIn(string(w.lang))
	p.looksWith(w.sight)
	if !w.scripts {
		p.withoutScripts()
	}
	s.ways[p] = w
	return p
}

// comes makes an account and signs in.
func (s *circleStory) comes(name string, w way, options ...string) *person {
	s.t.Helper()
	s.ids[name] = s.in.account(s.t, name, options...)
	p := s.visitor(name, w)
	p.signsIn(name)
	return p
}

// T gives words in the language of a person.
func (s *circleStory) T(p *person, key string, args ...any) string {
	return s.ways[p].lang.T(key, args...)
}

// measured keeps what a journey cost.
func (s *circleStory) measured(w stopwatch, journey string) {
	s.efforts = append(s.efforts, w.end(journey))
}

// shot saves the page as it is on each screen and in each theme, when EXEUNT_SHOTS names a folder.
func (s *circleStory) shot(p *person, name string) {
	s.t.Helper()
	if os.Getenv("EXEUNT_SHOTS") == "" {
		return
	}
	for _, at := range sights {
		p.looksWith(at)
		p.shot(fmt.Sprintf("%s-%s-%d-%s", name, path.Base(s.t.Name()), at.width, at.colour))
	}
	p.looksWith(s.ways[p].sight)
}

// wide reports whether somebody sits at a desk.
func (s *circleStory) wide(p *person) bool { return s.ways[p].width >= 900 }

// writes taps the button to write that stands on somebody's screen.
func (s *circleStory) writes(p *person) {
	s.t.Helper()
	if s.wide(p) {
		p.tap("a.rail-write")
	} else {
		p.tap("a.top-write")
	}
}

// pick chooses from a list.
func (p *person) pick(selector, value string) {
	p.t.Helper()
	p.taps++
	if got := ask[string](p, fmt.Sprintf("(e => { e.value = %q; return e.value })(document.querySelector(%q))", value, selector)); got != value {
		p.lost(fmt.Errorf("%s has no choice %q", selector, value))
	}
}

// done wants the page to say what was just done.
func (s *circleStory) done(p *person, key string) {
	s.t.Helper()
	p.reads("main .notice", s.T(p, key))
}

const unread = `Number(document.querySelector(".bell .count").textContent || "0")`

// told has somebody look at a page of their own while another does something that they are told of: the bell tells at once where
// scripts run, with the next page elsewhere. Then they open the notices, whose newest says so, and go where it leads.
func (s *circleStory) told(p *person, kind string, by *person, do func()) stopwatch {
	s.t.Helper()
	p.open("/me")
	before := ask[int](p, unread)
	do()
	if !p.scripts {
		p.open("/me")
	}
	p.until(fmt.Sprintf("%s === %d", unread, before+1))
	watch := p.begin()
	p.tap(".bell")
	p.reads(".notice-line .notice-said", s.T(p, "notify.said."+kind, "Who", by.name))
	s.shot(p, "notices-"+kind)
	p.tap(".notice-line .notice-said a")
	return watch
}

// make creates a circle that lets people in by approval and shows posts once somebody has said yes.
func (s *circleStory) make() {
	p := s.lin
	p.open("/")
	count := p.begin()
	p.tap(`nav.tabs a[href="/circles"]`)
	s.shot(p, "circles-none")
	p.tap(`main a[href="/circles/new"]`)
	p.fill("#name", fernCircle)
	p.pick("#category", "outdoors")
	p.fill("#intro", "给慢慢长的东西")
	p.touch(`input[name="mode"][value="approval"]`)
	p.fill("#question", "你种过什么？")
	s.shot(p, "circle-new")
	p.tap("main form button.primary")
	s.measured(count, "create a circle")
	s.done(p, "circle.done.created")
	if s.circle = p.path(); !strings.HasPrefix(s.circle, "/circles/") || s.circle == "/circles/new" {
		p.lost(fmt.Errorf("no circle at %s", s.circle))
	}
	s.shot(p, "circle-fresh")
	p.tap(fmt.Sprintf(`main a[href="%s/settings"]`, s.circle))
	p.fill("#rules", fernRules)
	p.touch(`input[name="approves"]`)
	s.shot(p, "circle-settings")
	p.tap(fmt.Sprintf(`main form[action="%s/settings"] button.primary`, s.circle))
	p.open(s.circle)
	p.reads("main", s.T(p, "circle.category.outdoors"))
	p.tap(fmt.Sprintf(`main a[href="%s/rules"]`, s.circle))
	p.reads("main", "不卖东西")
	s.shot(p, "circle-rules")
	p.open(s.circle + "/topics")
	p.fill("#name", "雨后")
	p.tap(`main form[action$="/topics"] button.primary`)
	s.done(p, "circle.done.topic")
	s.shot(p, "circle-topics")
}

// invite makes a link for two people and a week, with its QR code; wu joins by it without waiting for a yes.
func (s *circleStory) invite() {
	p := s.lin
	p.open(s.circle)
	count := p.begin()
	p.tap(fmt.Sprintf(`main a[href="%s/invite"]`, s.circle))
	p.pick("#life", "7")
	p.pick("#people", "10")
	p.tap(`main form[action$="/invite"] button.primary`)
	s.measured(count, "invite")
	p.see("main .card svg")
	link := ask[string](p, `document.querySelector("#link").value`)
	token, ok := strings.CutPrefix(link, s.in.url+"/join/")
	if !ok || len(token) < 20 {
		p.lost(fmt.Errorf("the invitation is %q", link))
	}
	left := func(n int) string { return s.T(p, "circle.invite.left", "Count", 10, "Left", n) }
	p.reads("main", left(10))
	s.shot(p, "invite")
	p.open(s.circle + "/invite")
	if strings.Contains(ask[string](p, "document.documentElement.outerHTML"), token) {
		s.t.Error("the invitation is shown a second time")
	}

	guest := s.visitor("who has the link and no account", s.ways[s.wu])
	guest.open("/join/" + token)
	guest.reads("main", fernCircle)
	s.shot(guest, "invited-guest")
	if guest.has(`main form[action^="/join/"]`) {
		s.t.Error("a guest can join")
	}
	s.wu.open("/join/" + token)
	s.shot(s.wu, "invited")
	count = s.wu.begin()
	s.wu.tap(`main form[action^="/join/"] button`)
	s.measured(count, "join by link")
	s.done(s.wu, "circle.done.joined")
	p.open(s.circle + "/invite")
	p.reads("main", left(9))
}

// ask has he find the circle, answer its question and wait; lin is told and lets him in.
func (s *circleStory) ask() {
	p := s.he
	p.open("/")
	count := p.begin()
	p.tap(`nav.tabs a[href="/circles"]`)
	p.tap(fmt.Sprintf(`main a[href=%q]`, s.circle))
	s.measured(count, "reach a circle")
	s.shot(p, "circle-stranger")
	approve := s.told(s.lin, "circle_asked", p, func() {
		count := p.begin()
		p.tap(fmt.Sprintf(`main a[href="%s/join"]`, s.circle))
		p.fill("#answer", fernAnswer)
		s.shot(p, "join")
		p.tap("main form button.primary")
		s.measured(count, "ask to join")
		s.done(p, "circle.done.asked")
		s.shot(p, "circle-asked")
	})
	s.lin.reads("main .answer", fernAnswer)
	s.shot(s.lin, "members-asked")
	s.told(p, "circle_accepted", s.lin, func() {
		s.lin.tap(`main form[action$="/accept"] button`)
		s.measured(approve, "let somebody in")
		s.done(s.lin, "circle.done.accepted")
	})
	if p.path() != s.circle {
		s.t.Errorf("being let in leads to %s, want the circle", p.path())
	}
	s.shot(p, "circle-empty")
	s.lin.open(s.circle + "/members")
	s.shot(s.lin, "members")
	if n := s.in.residue(s.t, "--text", fernAnswer); n > 0 {
		s.t.Errorf("the answer is left in %d places after it was decided", n)
	}
}

// submit has wu and he write in the circle, where nobody sees it before lin has said yes.
func (s *circleStory) submit() {
	s.diary = s.submits(s.wu, fernDiary+" @he_lan #雨后", "submit a post", "accept a post")
	s.he.open(s.diary)
	s.he.reads("article.post", "@he_lan")
	if s.he.attribute(`article.post a.mention[href="/@he_lan"]`, "href") == "" || s.he.count(`article.post a.mention[href^="/topics/"]`) != 1 {
		s.t.Errorf("mention or topic does not lead anywhere: %s", ask[string](s.he, `document.querySelector("article.post .text").innerHTML`))
	}
	guest := s.visitor("who is no member", s.ways[s.he])
	guest.open(s.circle)
	if guest.has("article.post") || strings.Contains(guest.text("main"), "ferndiary") {
		s.t.Error("a stranger sees what stands in the circle")
	}
	if status := guest.visit(s.diary); status == http.StatusOK {
		s.t.Error("a stranger opens what stands in the circle")
	}
	s.offered = s.submits(s.he, "送两盆苔藓给邻居 twopotsofmoss", "", "")
	s.lin.open(s.circle)
	s.shot(s.lin, "circle")
}

// submits writes a post that waits, accepts it, and gives its path.
func (s *circleStory) submits(p *person, text, journey, accepting string) string {
	s.t.Helper()
	accept := s.told(s.lin, "submitted", p, func() {
		p.open(s.circle)
		count := p.begin()
		s.writes(p)
		p.fill("#text", text)
		s.shot(p, "write")
		p.tap(`main form[action="/write"] button[value="publish"]`)
		if journey != "" {
			s.measured(count, journey)
		}
		s.done(p, "post.done.submitted")
		s.shot(p, "submitted")
		for _, other := range []*person{s.wu, s.he} {
			other.open(s.circle)
			if other != p && strings.Contains(other.text("main"), strings.Fields(text)[0]) {
				s.t.Errorf("%s sees a post before anybody has said yes", other.name)
			}
		}
	})
	s.lin.reads("article.post", strings.Fields(text)[1])
	s.shot(s.lin, "submissions")
	s.told(p, "submission_accepted", s.lin, func() {
		s.lin.tap(`main form[action$="/accept"] button`)
		if accepting != "" {
			s.measured(accept, accepting)
		}
		s.done(s.lin, "post.done.accepted")
	})
	p.reads("article.post", strings.Fields(text)[1])
	return p.path()
}

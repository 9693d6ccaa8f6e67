package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
)

// report has he offer things for sale beneath a post, wu report it, and lin remove it with a reason that he reads.
func (s *circleStory) report() {
	s.he.open(s.nine)
	s.he.fill("#say textarea", fernTrade)
	s.he.tap("#say button.primary")
	p := s.wu
	decide := s.told(s.lin, "reported", p, func() {
		p.open(s.nine)
		id := ask[string](p, fmt.Sprintf(`[...document.querySelectorAll(".comment")].find(c => c.innerText.includes(%q)).id`, fernTrade))
		s.comment = strings.TrimPrefix(id, "comment-")
		count := p.begin()
		p.touch(fmt.Sprintf("#%s .menu summary", id))
		s.shot(p, "comment-menu")
		p.tap(fmt.Sprintf(`#%s a[href="/report/comment/%s"]`, id, s.comment))
		p.touch(`input[name="reason"][value="spam"]`)
		p.fill("#words", "卖东西")
		s.shot(p, "report")
		p.tap("main form button.primary")
		s.measured(count, "report")
		s.done(p, "moderate.done.reported")
	})
	s.lin.reads("main", fernTrade)
	context := s.lin.path()
	s.lin.open("/moderation/circle/" + s.circleID())
	s.shot(s.lin, "queue")
	if got := s.lin.attribute(`main a[href^="/moderation/case/"]`, "href"); got != context {
		s.t.Errorf("the queue leads to %s, the notice to %s", got, context)
	}
	s.lin.open(context)
	s.told(s.he, "removed", s.lin, func() {
		s.lin.touch(`input[name="what"][value="remove"]`)
		s.lin.pick("#rule", "spam")
		s.lin.fill("#words", fernReason)
		s.shot(s.lin, "case")
		s.lin.tap(`main form[action^="/moderation/case/"] button.primary`)
		s.measured(decide, "remove with reason")
		s.done(s.lin, "moderate.done.decided")
	})
	s.he.reads("main", fernReason)
	p.open(s.nine)
	if strings.Contains(p.text("main"), fernTrade) {
		s.t.Error("what was removed is still read")
	}
	s.finds(p, "便宜苔藓", fernTrade, false)
	s.lin.open("/moderation/circle/" + s.circleID() + "/log")
	s.lin.reads("main", fernReason)
	s.shot(s.lin, "log")
}

// appeal has he say why it should stand; lin, who acted, may not decide, the operator does.
func (s *circleStory) appeal() {
	p := s.he
	decide := s.told(s.operator, "appealed", p, func() {
		p.open("/settings")
		p.tap(`main a[href="/me/standing"]`)
		count := p.begin()
		s.shot(p, "standing")
		p.touch("main article .sheet summary")
		p.fill("main article textarea", fernAppeal)
		s.shot(p, "appeal")
		p.tap(`main form[action$="/appeal"] button`)
		s.measured(count, "appeal")
		s.done(p, "moderate.done.appealed")
	})
	s.lin.open("/moderation/circle/" + s.circleID() + "/log")
	s.lin.tap(`main a[href^="/moderation/acts/"]`)
	if s.lin.has(`main form[action$="/decide"]`) {
		s.t.Error("who acted may decide about the appeal")
	}
	s.operator.reads("main", fernAppeal)
	s.operator.reads("main", fernTrade) // no member there, but who decides knows about what
	s.told(p, "decided", s.operator, func() {
		s.operator.fill("#answer", fernVerdict)
		s.shot(s.operator, "settle")
		s.operator.tap(`main form[action$="/decide"] button[value="yes"]`)
		s.measured(decide, "decide an appeal")
		s.done(s.operator, "moderate.done.settled")
	})
	p.reads("main", fernVerdict)
	s.shot(p, "standing-granted")
	s.wu.open(s.nine)
	s.wu.reads("#comments", fernTrade)
}

func (s *circleStory) circleID() string { return strings.TrimPrefix(s.circle, "/circles/") }

// block has wu block he: neither sees the other on pages, in posts, comments, the circle's lists or by search. For all others nothing
// changes, and taking it back brings all back.
func (s *circleStory) block() {
	p := s.wu
	p.open("/@he_lan")
	s.shot(p, "person")
	count := p.begin()
	p.touch("main .menu:not(.share) summary")
	p.tap(`main a[href="/@he_lan/block"]`)
	s.shot(p, "block")
	p.tap(`main form[action="/@he_lan/block"] button.primary`)
	s.measured(count, "block")
	s.done(p, "relation.done.blocked")
	s.shot(p, "blocks")
	s.apart(p, "/@he_lan", s.offered, "twopotsofmoss", "he_lan", fernPraise)
	s.apart(s.he, "/@wu_shan", s.diary, "ferndiary", "wu_shan", fernThanks)
	s.finds(s.lin, "邻居", "twopotsofmoss", true)
	s.finds(s.lin, "蕨", "ferndiary", true)

	p.open("/settings/blocks")
	p.tap(`main form[action$="/undo"] button`)
	s.done(p, "relation.done.unblocked")
	p.open(s.offered)
	p.reads("article.post", "twopotsofmoss")
	s.finds(p, "邻居", "twopotsofmoss", true)
}

// apart wants somebody to see nothing of another.
func (s *circleStory) apart(p *person, page, post, words, name, said string) {
	s.t.Helper()
	for _, path := range []string{page, post} {
		if status := p.visit(path); status != http.StatusNotFound {
			s.t.Errorf("%s opens %s of somebody blocked: %d", p.name, path, status)
		}
	}
	for _, path := range []string{s.circle, "/", s.nine} {
		p.open(path)
		if text := p.text("main"); strings.Contains(text, words) || strings.Contains(text, said) {
			s.t.Errorf("%s sees something of somebody blocked on %s: %q", p.name, path, text)
		}
	}
	s.finds(p, words, words, false)
	s.finds(p, name, name, false)
}

// handOver has lin learn that an owner does not just leave, offer the circle to wu, who takes it, and leave.
func (s *circleStory) handOver() {
	p := s.lin
	p.open(s.circle + "/leave")
	s.shot(p, "leave-owner")
	if p.has(`main form[action$="/leave"]`) {
		s.t.Error("a circle's owner can leave it without owner")
	}
	take := s.told(s.wu, "circle_offer", p, func() {
		count := p.begin()
		p.tap(fmt.Sprintf(`main a[href="%s/settings#heir-title"]`, s.circle))
		p.fill("#heir", "wu_shan")
		p.tap(`main form[action$="/heir"] button`)
		s.measured(count, "hand over")
		s.done(p, "circle.done.offered")
	})
	s.shot(s.wu, "offers")
	s.wu.tap(`main form[action$="/take"] button`)
	s.measured(take, "take over")
	s.done(s.wu, "circle.done.taken")
	s.wu.open(s.circle)
	s.wu.reads("main", s.T(s.wu, "circle.role.owner"))

	p.open(s.circle)
	p.reads("main", s.T(p, "circle.role.member"))
	count := p.begin()
	p.tap(fmt.Sprintf(`main a[href="%s/leave"]`, s.circle))
	s.shot(p, "leave")
	p.tap(`main form[action$="/leave"] button`)
	s.measured(count, "leave")
	s.done(p, "circle.done.left")
	p.open(s.circle)
	if strings.Contains(p.text("main"), "ferndiary") {
		s.t.Error("who has left still reads the circle")
	}
	s.wu.open(s.nine)
	s.wu.reads("article.post", "ninemosses")
	s.wu.open(s.circle + "/board")
	s.shot(s.wu, "board")
}

// close has lin and he close all: nothing of theirs is left, and the circle goes on with what others wrote.
func (s *circleStory) close() {
	theirs := []string{fernPicture, "mosspicture7", fernPraise, fernTrade, fernReason, fernAppeal, "twopotsofmoss", "lin_moss", "he_lan"}
	for _, words := range theirs {
		if s.in.residue(s.t, "--text", words) == 0 {
			s.t.Errorf("residue does not find %q while it is there", words)
		}
	}
	s.lin.open("/")
	tale := &story{t: s.t, in: s.in}
	tale.closes(s.lin, "", "circle-owner-closes")
	s.in.do(s.t, "leave", "--account", "he_lan", "--journey", "close", "--yes")
	s.wu.open(s.circle)
	for _, words := range []string{"ninemosses", "twopotsofmoss"} {
		if strings.Contains(s.wu.text("main"), words) {
			s.t.Errorf("%q of somebody who is closing is still seen", words)
		}
	}
	s.in.travel(s.t, "+8d")
	s.in.travel(s.t, "+32d")
	for _, words := range theirs {
		if n := s.in.residue(s.t, "--text", words); n > 0 {
			s.t.Errorf("%q is left in %d places", words, n)
		}
	}
	for _, name := range []string{"lin_moss", "he_lan"} {
		if n := s.in.residue(s.t, "--account", s.ids[name]); n > 0 {
			s.t.Errorf("the id of %s is left in %d places", name, n)
		}
	}
	s.wu.open(s.circle)
	s.wu.reads("main", "ferndiary")
	s.shot(s.wu, "circle-after")
	s.wu.open(s.diary)
	if text := s.wu.text("article.post"); strings.Contains(text, "he_lan") {
		s.t.Errorf("somebody who has left is still mentioned: %q", text)
	}
	s.wu.open(s.nine) // wu's own answer stands there still
	s.wu.reads("#comments", fernThanks)
	s.shot(s.wu, "post-erased")
}

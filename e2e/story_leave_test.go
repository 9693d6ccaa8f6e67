package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"exeunt/archive"
)

// closes goes through the three screens of closing, from the page on which the person is, and gives the slip's path.
func (s *story) closes(p *person, in, shot string) string {
	s.t.Helper()
	p.tap(`.foot a[href="/exit"]`)
	p.tap(fmt.Sprintf(`main a[href=%q]`, "/exit/close"+in))
	p.see("main ol.calendar")
	p.shot(shot + "-calendar")
	p.touch("#consent")
	p.tap(`main form[method="post"] .pair button`)
	p.shot(shot + "-proof")
	p.fill("#proof", password)
	p.tap(`main form[method="post"] .pair button`)
	p.see("main .slip svg")
	p.shot(shot + "-slip")
	link := ask[string](p, `document.querySelector("#slip").value`)
	path, ok := strings.CutPrefix(link, s.in.url)
	if !ok || !strings.HasPrefix(path, "/slip/") {
		p.lost(fmt.Errorf("the slip leads to %q", link))
	}
	return path
}

// closeCircles closes one service, which leaves the rest as it is, and comes back to it after cooling-off.
func (s *story) closeCircles() {
	p := s.lin
	p.open("/")
	s.slip = s.closes(p, "?in=circle", "close-circle")
	s.wu.open("/@" + linName)
	s.wu.reads("main", planted) // the own page is untouched
	if status := s.wu.visit(s.circle); status == http.StatusOK && strings.Contains(s.wu.text("main"), plantedIn) {
		s.t.Error("what was written in the circles is still seen after they were closed")
	}
	s.in.travel(s.t, "+8d")
	p.tap(`.foot a[href="/exit"]`)
	p.shot("exit-closed-circle")
	p.tap(`form[action="/exit/return"] button`)
	s.wu.open(s.circle)
	s.wu.reads("main", plantedIn)
}

// cancel closes all, looks at the slip, and takes it back.
func (s *story) cancel() {
	p := s.lin
	p.open("/")
	count := p.begin()
	s.slip = s.closes(p, "", "close")
	s.efforts = append(s.efforts, count.end("close"))
	p.open("/")
	if p.path() != "/exit" {
		s.t.Errorf("who is closing is led to %s, want the Exit Center", p.path())
	}
	p.shot("exit-closing")
	s.seesSlip("slip")
	if status := s.wu.visit("/@" + linName); status == http.StatusOK && strings.Contains(s.wu.text("body"), planted) {
		s.t.Error("somebody who is closing is still seen")
	}
	count = p.begin()
	p.tap(`form[action="/exit/cancel"] button`)
	s.efforts = append(s.efforts, count.end("cancel"))
	s.wu.open("/@" + linName)
	s.wu.reads("main", planted)
	p.open("/")
	if p.path() != "/" {
		s.t.Errorf("after cancelling, home is %s", p.path())
	}
}

// seesSlip opens the slip as anybody who holds it: it needs no signing in and names nobody.
func (s *story) seesSlip(shot string) *person {
	s.t.Helper()
	stranger := s.b.visitor(s.t, s.in, "who holds the slip")
	stranger.open(s.slip)
	stranger.see("main ol.calendar")
	html := ask[string](stranger, "document.documentElement.outerHTML")
	for _, name := range []string{linName, circleName, s.linID, planted} {
		if strings.Contains(html, name) {
			s.t.Errorf("the slip's page says %q", name)
		}
	}
	for _, journey := range []string{"cancel", "return", "hasten"} {
		if stranger.has(fmt.Sprintf(`form[action="/exit/%s"]`, journey)) {
			s.t.Errorf("the slip alone offers to %s", journey)
		}
	}
	for _, file := range []string{"/slip.txt", "/calendar.ics"} {
		d := stranger.fetch(s.slip+file, "")
		if text := string(d.body); d.status != http.StatusOK || len(text) < 100 || strings.Contains(text, linName) || strings.Contains(text, circleName) {
			s.t.Errorf("the slip's %s answers %d: %q", file, d.status, text)
		}
	}
	stranger.shot(shot)
	return stranger
}

// lastDay closes all again and comes back on the last day on which that is possible.
func (s *story) lastDay() {
	before := s.in.export(s.t, linName)
	s.lin.open("/")
	s.slip = s.closes(s.lin, "", "close-again")
	s.in.travel(s.t, "+8d")
	s.in.travel(s.t, "+20d")
	s.lin = s.b.visitor(s.t, s.in, "lin")
	count := s.lin.begin()
	s.lin.signsIn(linName)
	if s.lin.path() != "/exit" {
		s.t.Errorf("signing in leads to %s, want the Exit Center", s.lin.path())
	}
	s.lin.shot("exit-last-day")
	s.lin.tap(`form[action="/exit/return"] button`)
	s.efforts = append(s.efforts, count.end("return"))
	s.lin.shot("exit-returned")
	after := s.in.export(s.t, linName)
	s.sameKept(before, after)
	s.wu.open("/@" + linName)
	s.wu.reads("main", planted)
	s.wu.open(s.post)
	s.wu.reads("#comments", "井边的苔藓真好看")
}

// sameKept compares two exports: what was still kept is the same, byte for byte. Comments and likes were erased by then, as
// the calendar said, and the counts on posts with them.
func (s *story) sameKept(before, after string) {
	s.t.Helper()
	a, b := entries(s.t, before), entries(s.t, after)
	kept := 0
	for name, data := range a {
		if strings.HasPrefix(name, "media_attachments/") || strings.HasPrefix(name, "avatar.") || strings.HasPrefix(name, "header.") ||
			slices.Contains([]string{"exeunt/relation.following.json", "exeunt/relation.followers.json", "exeunt/post.links.json", "exeunt/account.profile.json"}, name) {
			kept++
			if !bytes.Equal(data, b[name]) {
				s.t.Errorf("%s is not as it was before the closing", name)
			}
		}
	}
	if kept < 3 {
		var names []string
		for name := range a {
			names = append(names, name)
		}
		slices.Sort(names)
		s.t.Errorf("compared %d files alone, of %v", kept, names)
	}
	sameWritings(s.t, "after the return", writings(s.t, posts(s.t, before)), writings(s.t, posts(s.t, after)))
}

// leave closes all a last time and travels through the calendar to its end.
func (s *story) leave() {
	// What is taken along before one leaves for good is what one brings back.
	s.along = s.in.export(s.t, linName)
	s.lin.open("/")
	s.slip = s.closes(s.lin, "", "close-for-good")
	s.in.travel(s.t, "+8d")
	s.seesSlip("slip-running")
	s.in.travel(s.t, "+30d")
	holder := s.seesSlip("slip-sealed")
	link := `main a[download][href$="/certificate.txt"]`
	holder.see(link)
	file := save(s.t, "certificate.txt", holder.fetch(holder.attribute(link, "href"), ""))
	out := s.in.do(s.t, "verify", file)
	if out["kind"] != "certificate" || out["ok"] != true {
		s.t.Errorf("the certificate: %v", out)
	}
	text, err := os.ReadFile(file)
	must(s.t, err)
	if strings.Contains(string(text), linName) || strings.Contains(string(text), s.linID) {
		s.t.Error("the certificate names somebody")
	}
	s.nothingIsLeft()
}

// nothingIsLeft looks for what the person planted, and for what others see.
func (s *story) nothingIsLeft() {
	s.t.Helper()
	for _, words := range []string{planted, plantedIn, plantedAlt, circleName, "thankyoufromthewell", linName} {
		if n := s.in.residue(s.t, "--text", words); n > 0 {
			s.t.Errorf("%q is left in %d places", words, n)
		}
	}
	if n := s.in.residue(s.t, "--account", s.linID); n > 0 {
		s.t.Errorf("the account's id is left in %d places", n)
	}
	if status := s.wu.visit("/@" + linName); status != http.StatusNotFound {
		s.t.Errorf("the page of somebody who has left answers %d", status)
	}
	for _, words := range []string{linName, "mossgrowsbythewell", "fernsinthecircle", circleName, strings.TrimPrefix(s.slip, "/slip/")} {
		if strings.Contains(s.in.log.String(), words) {
			s.t.Errorf("the server's log says %q", words)
		}
	}
	// What others said stays theirs; of the post beneath which it stands only the place is left.
	s.wu.open(s.post)
	s.wu.reads("#comments", "井边的苔藓真好看")
	if text := s.wu.text("main"); strings.Contains(text, planted) || strings.Contains(text, "thankyoufromthewell") {
		s.t.Error("an erased post or comment is still read")
	}
	s.wu.shot("post-erased")
	lost := s.b.visitor(s.t, s.in, "lin who has left")
	lost.signsIn(linName)
	if lost.path() != "/sign-in" {
		s.t.Errorf("who has left signs in and comes to %s", lost.path())
	}
}

// again signs up with the slip's name and brings the own archive back.
func (s *story) again() {
	taken := s.b.visitor(s.t, s.in, "somebody else")
	taken.open("/")
	taken.tap(`main a[href="/sign-up"]`)
	taken.fill("#name", linName)
	taken.fill("#password", password)
	if status := taken.tap(`main form[action="/sign-up"] button`); status != http.StatusUnprocessableEntity {
		s.t.Errorf("a held name was given away: %d", status)
	}
	taken.shot("name-held")

	s.lin = s.b.visitor(s.t, s.in, "lin, again")
	p := s.lin
	p.open(s.slip)
	p.tap(`main form[action="/sign-up"] button`)
	p.fill("#name", linName)
	p.fill("#password", password)
	p.tap(`main form[action="/sign-up"] button`)
	p.seesCodes()
	s.importThroughPage(p, s.along, "import-own")
	again := s.in.export(s.t, linName)
	before, after := posts(s.t, s.along), posts(s.t, again)
	for _, list := range [][]archive.Post{before, after} { // her circle has come back too, under an id of its own
		for i := range list {
			list[i].Circle = ""
		}
	}
	sameWritings(s.t, "after coming again", writings(s.t, before), writings(s.t, after))
	p.open("/@" + linName)
	p.reads("main", planted)
	p.shot("own-page-again")
}

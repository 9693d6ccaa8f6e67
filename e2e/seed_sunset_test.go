package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// last is the calendar of an ending that has every phase and every text. It breaks rules, and says why.
const last = `version: 1
name: %s
ends: %s
zone: Asia/Shanghai
phases:
  announced: %s
  no-joins: %s
  read-only:
    at: %s
    says: {zh: 写过的都留着，只是不能再添。, en: What was written stays. Nothing is added to it.}
  no-entrance: %[5]s
  export-only: %[6]s
  stopped: %[7]s
  erased: %[8]s
late_requests: %[8]s
remind: [30, 7, 1]
title: {zh: 圈子停运公告, en: Circles will end}
reason: {zh: 我们人手不够了。想把它好好收尾。, en: There are too few of us. We would like to end it well.}
apology: {zh: 对不起，也谢谢你们。, en: "We are sorry, and thank you."}
ask: {zh: 写信给山掌。, en: Write to Shan.}
charges: {zh: 从来不收费，没有要退的。, en: "Nothing was ever charged, so nothing is refunded."}
successor: https://shore.example/
profiles: [cn, eu]
override: 房子到期了。
`

// endings are the pages of an install on which circles come to their end, from the first announcement to what stands where they were.
type endings struct {
	*looking
	operator, owner, member *person
	circle, post            string // paths
}

// calendar gives the file of a calendar that begins on the day the clock of the trial begins, the phases so many days later.
func (e *endings) calendar(name, ends string, days ...any) string {
	e.t.Helper()
	day, err := time.Parse(time.DateOnly, begin)
	must(e.t, err)
	args := []any{name, ends, begin}
	for _, n := range days {
		args = append(args, day.AddDate(0, 0, n.(int)).Format(time.DateOnly))
	}
	return fmt.Sprintf(last, args...)
}

// publishes publishes a calendar through the command line.
func (e *endings) publishes(name, file string, options ...string) {
	e.t.Helper()
	path := filepath.Join(e.t.TempDir(), name+".yaml")
	must(e.t, os.WriteFile(path, []byte(file), 0o600))
	e.in.do(e.t, append([]string{"sunset", "publish", path}, options...)...)
}

// both opens pages in both languages.
func (e *endings) both(who *person, status int, paths ...string) {
	e.t.Helper()
	for _, lang := range readers {
		who.readsIn(lang)
		for _, path := range paths {
			e.visit(pages{who: who, status: status}, lang, path)
		}
	}
}

// ending looks at all that people meet while a service ends.
func (l *looking) ending() {
	l.t.Helper()
	e := &endings{looking: l}
	e.lives()
	e.draws()
	e.announced()
	e.in.travel(l.t, "+29d")
	e.owner.open("/")
	e.owner.tap(`form[action="/trial/clock"] button[value="168"]`) // the server does what falls due, as it is the one that sends letters
	e.readOnly()
	e.in.travel(l.t, "+31d")
	guest := l.b.visitor(l.t, l.in, "who comes too late")
	e.both(guest, http.StatusForbidden, e.circle, e.post)
	e.both(e.member, 0, e.circle, e.post)
	e.both(e.owner, 0, e.circle+"/farewell")
	e.in.travel(l.t, "+31d")
	e.both(guest, http.StatusGone, e.circle, e.post, "/circles")
	e.both(e.member, 0, "/exit/archives")
	e.in.travel(l.t, "+40d")
	guest.open("/sunsets/the-last-tide")
	guest.see(`main a[href="/sunsets/the-last-tide/certificate"]`)
	e.both(guest, 0, "/sunsets", "/sunsets/the-last-tide", "/about/key")
	e.both(e.operator, 0, "/operator/sunsets", "/operator/sunsets/the-last-tide")
}

// lives has somebody keep a circle, somebody write in it, and both be reached by e-mail.
func (e *endings) lives() {
	e.t.Helper()
	for name, who := range map[string]**person{"shan_zhang": &e.operator, "lin_moss": &e.owner, "wu_shan": &e.member} {
		if name == "shan_zhang" {
			e.in.account(e.t, name, "--operator")
		} else {
			e.in.account(e.t, name)
		}
		*who = e.b.visitor(e.t, e.in, name)
		(*who).signsIn(name)
	}
	e.owner.open("/circles/new")
	e.owner.fill("#name", "潮间带")
	e.owner.touch(`input[name="mode"][value="open"]`)
	e.owner.tap("main form button.primary")
	e.circle = e.owner.path()
	e.member.open(e.circle)
	e.member.tap(`main form[action$="/join"] button`)
	e.member.open("/write?in=circle:" + filepath.Base(e.circle))
	e.member.fill("#text", "退潮的时候看见一只寄居蟹。")
	e.member.tap(`main form[action="/write"] button[value="publish"]`)
	e.member.open(e.circle)
	e.post = e.member.attribute("article.post a.when", "href")
	e.member.open(e.member.binds(e.box, "wu@example.com"))
	e.member.tap(`main form[action^="/mail/prove/"] button`)
}

// draws has the operator put a calendar in, with a mistake and without, look at what it promises, and publish it.
func (e *endings) draws() {
	e.t.Helper()
	p, file := e.operator, e.calendar("the-last-tide", "circle", 10, 31, 62, 93, 124)
	e.both(p, 0, "/operator/sunsets", "/operator/calendar")
	put := func(file string) {
		p.open("/operator/calendar")
		p.touch(`main .sheet:has(form[action="/operator/calendar"]) summary`)
		p.fill("#file", file)
		p.tap(`main form[action="/operator/calendar"] button`)
	}
	p.readsIn("en")
	put(strings.Replace(file, "zone: Asia/Shanghai", "zone: On the Shore", 1))
	e.look(p, "en", "calendar-wrong-file")
	p.readsIn("zh-CN")
	put(strings.Replace(file, "zone: Asia/Shanghai", "zone: On the Shore", 1))
	e.look(p, "zh-CN", "calendar-wrong-file")
	put(file)
	e.look(p, "zh-CN", "calendar-put-in")
	p.fill("#name", "The Last Tide")
	p.tap(`main form[action="/operator/calendar/preview"] button.primary`)
	e.look(p, "zh-CN", "calendar-wrong")
	p.fill("#name", "the-last-tide")
	p.readsIn("en")
	p.tap(`main form[action="/operator/calendar/preview"] button.primary`)
	ask[bool](p, `document.querySelectorAll("main details").forEach(d => d.open = true) || true`)
	e.look(p, "en", "calendar-preview")
	p.readsIn("zh-CN")
	p.touch("#consent")
	p.tap(`main form[action="/operator/calendar/publish"] .pair button`)
	e.look(p, "zh-CN", "calendar-published")
}

// announced looks at what stands everywhere before the first date: an ending, one that was put off and one that was withdrawn.
func (e *endings) announced() {
	e.t.Helper()
	e.publishes("videos", e.calendar("the-last-reel", "channel", 10, 31, 62, 93, 124))
	e.in.do(e.t, "sunset", "withdraw", "the-last-reel")
	p := e.owner
	p.open(e.circle + "/farewell")
	p.fill("#words", "我们搬到海边的小屋。")
	p.fill("#link", "https://seaside.example/circle")
	p.tap(fmt.Sprintf(`main form[action="%s/farewell"] button`, e.circle))
	e.both(p, 0, e.circle+"/farewell")
	p.tap(fmt.Sprintf(`main form[action="%s/farewell"]:has(input[value="tell"]) button`, e.circle))
	e.both(p, 0, e.circle)
	e.in.travel(e.t, "+1h") // everybody is told
	e.both(e.member, 0, "/", e.circle, "/notices")
	guest := e.b.visitor(e.t, e.in, "who reads the notice")
	e.both(guest, 0, "/sunsets/the-last-reel", "/sunsets/the-last-tide")
	e.both(e.operator, 0, "/operator/sunsets/the-last-tide/extend", "/operator/sunsets/the-last-reel")
	e.publishes("tide", e.calendar("the-last-tide", "circle", 10, 31, 62, 94, 125), "--why", "多留几天给大家收拾。")
	e.both(guest, 0, "/sunsets/the-last-tide")
}

// readOnly looks at the archive that was made for somebody who did not ask, as the account has it and as a letter's link opens it.
func (e *endings) readOnly() {
	e.t.Helper()
	e.member.open("/exit/archives")
	e.member.awaits(`main a[download][href^="/exit/archives/"]`)
	e.both(e.member, 0, "/exit", "/exit/archives", e.circle)
	e.both(e.owner, 0, e.circle+"/settings")
	e.both(e.member, http.StatusForbidden, "/write?in=circle:"+filepath.Base(e.circle))
	e.both(e.operator, 0, "/operator/sunsets/the-last-tide", "/operator/sunsets/the-last-tide/archives")
	link, guest := e.box.link(e.t, "/archives/"), e.b.visitor(e.t, e.in, "who opens a letter")
	e.both(guest, 0, link)
	guest.tap(`main form[method="post"] button`)
	e.both(guest, 0, guest.path())
}

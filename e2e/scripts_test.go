package e2e_test

import (
	"strconv"
	"strings"
	"testing"
)

// quote writes words as a string of JavaScript.
func quote(words string) string { return strconv.Quote(words) }

// TestStoryWithoutScripts goes the essential ways with JavaScript turned off: nothing that a person is owed needs it.
func TestStoryWithoutScripts(t *testing.T) {
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t, "--trial", "--begin", begin)
		s := &story{t: t, in: in, b: startBrowser(t), src: mastodonArchive(t)}
		p := s.b.visitor(t, in, "lin without scripts")
		s.lin = p
		p.withoutScripts()
		p.signsUp(linName)
		p.tap("a.top-write")
		p.fill("#text", planted)
		p.choose("#images", picture(t))
		p.fill("#alts", plantedAlt)
		p.tap("main form button.primary")
		p.open("/@" + linName)
		s.post = p.attribute("article.post a.when", "href")
		p.open(s.post)
		p.tap(`article.post .act-box button[aria-pressed="false"]`)
		p.see(`article.post .act-box button[aria-pressed="true"]`)
		p.fill("#say textarea", "自己说一句")
		p.tap("#say button")
		p.reads("#comments", "自己说一句")
		s.importThroughPage(p, zipOf(t, "../archive/testdata/mastodon"), "scripts-off-import")

		p.tap(`nav.tabs a[href="/discover"]`)
		p.tap(`form[action="/entrances/circle/hide"] button`)
		if p.has(`nav.tabs a[href="/circles"]`) {
			t.Error("a hidden entrance is still in the tabs")
		}
		p.open("/settings/entrances")
		p.tap(`form[action="/entrances/circle/show"] button`)
		p.see(`nav.tabs a[href="/circles"]`)

		p.tap(`.foot a[href="/exit"]`)
		p.tap(`main a[href="/exit/take-along"]`)
		p.tap(`main form[action="/exit/take-along"][method="post"] button`)
		link := `main a[download][href^="/exit/archives/"]`
		p.awaits(link)
		in.do(t, "verify", s.downloads(p, p.attribute(link, "href")))

		p.open("/")
		s.slip = s.closes(p, "", "scripts-off")
		p.open("/exit")
		p.tap(`form[action="/exit/cancel"] button`)
		s.slip = s.closes(p, "", "scripts-off-again")
		in.travel(t, "+8d")
		p.open("/exit")
		p.tap(`form[action="/exit/return"] button`)
		p.open("/@" + linName)
		p.reads("main", planted)
		s.slip = s.closes(p, "", "scripts-off-for-good")
		in.travel(t, "+40d")
		holder := s.b.visitor(t, in, "who holds the slip")
		holder.withoutScripts()
		holder.open(s.slip)
		certificate := save(t, "certificate.txt", holder.fetch(holder.attribute(`main a[download][href$="/certificate.txt"]`, "href"), ""))
		if out := in.do(t, "verify", certificate); out["ok"] != true {
			t.Errorf("the certificate: %v", out)
		}
		if strings.Contains(holder.text("body"), linName) {
			t.Error("the slip's page names somebody")
		}
	})
}

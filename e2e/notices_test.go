package e2e_test

import "testing"

// binds gives an address for notices to who is signed in, and gives the link that proves it.
func (p *person) binds(m *mailbox, address string) string {
	p.t.Helper()
	p.open("/settings/notices")
	p.fill("#address", address)
	p.tap(`main form[action="/settings/notices/address"] button`)
	return m.link(p.t, "/mail/prove/")
}

// TestBell has somebody look at a page while another likes and comments on what they wrote: the bell tells at once, the
// notices say who did what, and seeing them clears the bell on other pages too.
func TestBell(t *testing.T) {
	in := &install{dir: t.TempDir()}
	in.serve(t)
	b := startBrowser(t)
	in.account(t, "lin_zhou")
	in.account(t, "chen_mo")
	lin, chen := b.visitor(t, in, "lin_zhou"), b.visitor(t, in, "chen_mo")
	for _, p := range []*person{lin, chen} {
		p.readsIn("en")
		p.signsIn(p.name)
	}
	lin.open("/write")
	lin.fill(`main form[action^="/write"] textarea`, "What a wide sea.")
	lin.tap(`main form[action^="/write"] button.primary`)
	post := lin.path()
	lin.open("/me")
	lin.until(`document.querySelector(".bell .count").hidden`)
	chen.open(post)
	chen.fill(`main form[action$="/comments"] textarea`, "Where is it?")
	chen.tap(`main form[action$="/comments"] button.primary`)
	lin.until(`document.querySelector(".bell .count").textContent === "1"`)
	lin.reads(".bell .count", "1")
	if got := lin.attribute(".bell", "aria-label"); got != "Notices, 1 unread" {
		t.Errorf("the bell says %q", got)
	}
	lin.tap(".bell")
	lin.reads(".notice-line .notice-said", "chen_mo commented")
	lin.reads(".notice-line", "Where is it?")
	lin.until(`document.querySelector(".bell .count").hidden`)
	lin.withoutScripts()
	lin.open("/me")
	if lin.attribute(".bell", "aria-label") != "Notices" {
		t.Error("what was seen is still counted")
	}
}

package e2e_test

import (
	"path/filepath"
	"strings"
)

// seed fills an install with what there is to look at, and says who looks at which pages.
func (l *looking) seed() []pages {
	l.t.Helper()
	holder, slip := l.sealed()
	leaver, run := l.leaving()
	sleeper := l.sleeping()
	lent, own := l.lent()
	guest := l.b.visitor(l.t, l.in, "a guest")
	reset, _ := l.in.do(l.t, "account", "reset", "lu_an")["path"].(string)
	return []pages{
		{who: holder, paths: []string{slip}},
		{who: leaver, paths: []string{"/exit", "/exit/hasten?run=" + run, "/exit/runs/" + run, "/settings/accounts", "/notices"}},
		{who: sleeper, paths: []string{"/exit"}},
		{who: guest, paths: append([]string{"/", "/discover", "/circles", "/search", "/search?q=天", "/search?q=zzzz&tab=people", "/search?q=a&tab=posts", "/sign-in", "/sign-up", "/recover", reset}, own.public...)},
		{who: guest, paths: []string{"/nothing/here", "/slip/no-such-slip"}, status: 404},
		{who: lent, paths: append([]string{
			"/", "/discover", "/circles", "/circles/new", "/circles/offers", "/write", "/me", "/me/likes", "/me/favourites", "/settings", "/settings/profile",
			"/settings/password", "/settings/passkeys", "/settings/proofs", "/settings/sessions", "/settings/accounts", "/settings/entrances", "/settings/home", "/settings/notices", "/notices", "/exit", "/exit/hibernate", "/exit/take-along",
			"/exit/close", "/exit/close?in=circle", "/exit/archives", "/exit/import",
		}, own.private...)},
	}
}

// signUpIn signs somebody up and looks at the page that shows the recovery codes.
func (l *looking) signUpIn(lang, name string) *person {
	l.t.Helper()
	p := l.b.visitor(l.t, l.in, name)
	p.readsIn(lang)
	p.looksWith(sights[0])
	p.open("/")
	p.tap(`main a[href="/sign-up"]`)
	p.fill("#name", name)
	p.fill("#password", password)
	p.tap(`main form[action="/sign-up"] button`)
	l.look(p, lang, "codes")
	p.tap("main a.button.primary")
	return p
}

// close closes an account and looks at the screens on which it is done.
func (l *looking) close(p *person, lang string) (slip string) {
	l.t.Helper()
	p.looksWith(sights[0])
	p.tap(`.foot a[href="/exit"]`)
	p.tap(`main a[href="/exit/close"]`)
	p.touch("#consent")
	p.tap(`main form[method="post"] .pair button`)
	l.look(p, lang, "proof")
	p.looksWith(sights[0])
	p.fill("#proof", "not that one at all")
	p.tap(`main form[method="post"] .pair button`)
	l.look(p, lang, "proof-wrong")
	p.looksWith(sights[0])
	p.fill("#proof", password)
	p.tap(`main form[method="post"] .pair button`)
	p.see("main .slip svg")
	l.look(p, lang, "slip-given")
	return strings.TrimPrefix(ask[string](p, `document.querySelector("#slip").value`), l.in.url)
}

// sealed gives somebody with the slip of a closing that is over.
func (l *looking) sealed() (holder *person, slip string) {
	l.t.Helper()
	slip = l.close(l.signUpIn("en", "bo_qu"), "en")
	l.in.travel(l.t, "+40d")
	return l.b.visitor(l.t, l.in, "who holds a slip"), slip
}

// leaving gives somebody who is closing, and the run.
func (l *looking) leaving() (p *person, run string) {
	l.t.Helper()
	p = l.signUpIn("zh-CN", "lu_an")
	l.close(p, "zh-CN")
	p.open("/exit")
	href := p.attribute(`main a[href^="/exit/hasten?run="]`, "href")
	return p, strings.TrimPrefix(href, "/exit/hasten?run=")
}

// sleeping gives somebody who hibernates.
func (l *looking) sleeping() *person {
	l.t.Helper()
	l.in.account(l.t, "he_mian")
	p := l.b.visitor(l.t, l.in, "he_mian")
	p.signsIn("he_mian")
	p.tap(`.foot a[href="/exit"]`)
	p.tap(`main a[href="/exit/hibernate"]`)
	p.tap(`main form[method="post"] .pair button`)
	return p
}

// places are the addresses of what a lent account has.
type places struct{ public, private []string }

// lent gives the visitor of a trial install with an account that has everything.
func (l *looking) lent() (*person, places) {
	l.t.Helper()
	p := l.b.visitor(l.t, l.in, "who was lent an account")
	p.open("/")
	p.tap(`main form[action="/trial/lend"] button`)
	p.open("/me")
	page := p.attribute(`main a[href^="/@"]`, "href")
	p.open("/circles")
	circle := ask[string](p, `[...document.querySelectorAll('main a[href^="/circles/"]')].map(a => a.getAttribute("href")).find(h => /^\/circles\/\d+$/.test(h))`)
	p.open("/circles?category=arts")
	asks := p.attribute(`#found ~ div a[href^="/circles/"]`, "href")
	p.open(page)
	post := p.attribute("article.post a.when", "href")
	p.open(post)
	p.fill(`main form[action$="/comments"] textarea`, "这条路我也走过。")
	p.tap(`main form[action$="/comments"] button.primary`)
	remark := p.attribute(`main a[href^="/talk/comments/"][href*="/delete"]`, "href")
	thread, draft, topic := strings.TrimSuffix(strings.SplitN(remark, "?", 2)[0], "/delete"), l.draft(p), l.topic(p)
	p.open(circle + "/invite")
	p.tap(`main form[action$="/invite"] button`)
	invitation := strings.TrimPrefix(ask[string](p, `document.querySelector("#link").value`), l.in.url)

	p.open("/exit/import")
	small, err := filepath.Abs(filepath.Join("..", "archive", "testdata", "mastodon"))
	must(l.t, err)
	p.choose(`input[name="archive"]`, zipOf(l.t, small))
	p.tap("main form[enctype] button")
	p.awaits("main table")
	imported := p.path()
	unproven := l.lateReader()
	p.open(p.binds(l.box, "lent@example.com"))
	p.tap(`main form[action^="/mail/prove/"] button`)
	p.open("/exit/take-along")
	p.tap(`main form[action="/exit/take-along"][method="post"] button`)
	p.awaits(`main a[download][href^="/exit/archives/"]`)
	stop := l.box.link(l.t, "/mail/stop/")

	organisation := l.organisation()
	private := []string{
		page, page + "/following", page + "/followers", circle, circle + "/members", circle + "/settings", circle + "/end", circle + "/invite", circle + "/leave",
		circle + "?order=hot", circle + "?order=featured", circle + "/board", circle + "/mine", circle + "/notices", circle + "/topics", circle + "/rules", circle + "/members?q=a",
		"/circles?category=reading", asks + "/join", "/exit/take-along?in=circle:" + filepath.Base(circle) + "/whole",
		"/write?in=circle:" + filepath.Base(circle), post, post + "/edit", post + "/delete", post + "?order=liked", remark,
		thread, "/me/drafts", draft, topic, "/share/post/" + filepath.Base(post), "/write?card=post:" + filepath.Base(post), "/submissions/circle/" + filepath.Base(circle), invitation, imported, organisation, unproven, stop,
	}
	films := l.films(p, page)
	private = append(append(private, l.disorder(p, circle, post)...), films.private...)
	l.lively(p, page, circle)
	return p, places{public: append([]string{page, circle, asks, asks + "/rules", post, invitation}, films.public...), private: private}
}

// draft has somebody keep a draft, and gives where it is written on.
func (l *looking) draft(p *person) string {
	l.t.Helper()
	p.open("/write")
	p.fill("#text", "写到一半")
	p.tap(`main form[action="/write"] button[value="draft"]`)
	p.open("/me/drafts")
	return p.attribute(`main a[href^="/write?draft="]`, "href")
}

// topic has somebody write on a topic, and gives its page.
func (l *looking) topic(p *person) string {
	l.t.Helper()
	p.open("/write")
	p.fill("#text", "今天走了十里 #徒步日记")
	p.tap(`main form[action="/write"] button[value="publish"]`)
	return p.attribute(`main a[href^="/topics/"]`, "href")
}

// lateReader gives the link to prove an address by somebody who has not opened it yet.
func (l *looking) lateReader() string {
	l.t.Helper()
	p := l.b.visitor(l.t, l.in, "chen_mo")
	l.in.account(l.t, "chen_mo")
	p.signsIn("chen_mo")
	return p.binds(l.box, "chen_mo@example.com")
}

// organisation has somebody make an organisation, looks at its administrators, and gives the link of an invitation.
func (l *looking) organisation() string {
	l.t.Helper()
	host := l.b.visitor(l.t, l.in, "zhang_yi")
	l.in.account(l.t, "zhang_yi")
	host.signsIn("zhang_yi")
	host.open("/settings/accounts")
	host.fill("#name", "the_well")
	host.touch(`input[name="kind"][value="organisation"]`)
	host.tap(`main form[action="/settings/accounts"] button.primary`)
	host.tap(`main form[action$="/invite"] button`)
	l.look(host, "zh-CN", "administrators")
	link := ask[string](host, `document.querySelector("#invitation").value`)
	return link[strings.Index(link, "/join-organisation/"):]
}

// operator looks at what the operator of an install without a trial has.
func (l *looking) operator(printed []string) {
	l.t.Helper()
	link := ""
	for _, line := range printed {
		if i := strings.Index(line, "/operator/"); i >= 0 {
			link, _, _ = strings.Cut(line[i:], " ")
		}
	}
	if link == "" {
		l.t.Fatalf("the server prints no link for the operator: %q", printed)
	}
	p := l.b.visitor(l.t, l.in, "the operator")
	for _, lang := range readers {
		p.readsIn(lang)
		l.visit(pages{who: p}, lang, link)
	}
	p.fill("#name", "operator")
	p.fill("#password", password)
	p.tap(`main form[method="post"] button`)
	p.tap("main a.button.primary")
	l.in.account(l.t, "bo_qu")
	l.in.do(l.t, "leave", "--account", "bo_qu", "--journey", "close", "--yes")
	account, invitation := l.admitting(p)
	for _, lang := range readers {
		p.readsIn(lang)
		for _, path := range append(ordering(account), "/me", "/operator", "/operator/site", "/operator/announcements", "/about/rules", "/operator/accounts", account, "/operator/approvals", "/operator/invitations", "/operator/proofs", "/operator/channels", "/channels/open", "/moderation/claims", invitation, "/operator/runs", "/operator/reset", "/submissions/page") {
			l.visit(pages{who: p}, lang, path)
		}
	}
}

// admitting has the operator look at who comes in, and gives the page of an account and a link by which somebody signs up.
func (l *looking) admitting(p *person) (account, invitation string) {
	l.t.Helper()
	p.open("/operator/proofs")
	p.touch(`input[name="wanted_phone"][value="offered"]`)
	p.fill("#why_phone", "线下活动要联系得上。")
	p.tap(`main form[action="/operator/proofs/rules"] button`)
	p.open("/operator/site")
	p.touch(`input[name="registration"][value="approval"]`)
	p.fill("#work", "8")
	p.fill("#quota", "100")
	p.fill("#rules", "好好说话。\n\n不发广告。")
	p.tap(`main form[method="post"] button.primary`)
	guest := l.b.visitor(l.t, l.in, "who would like to come in")
	guest.open("/sign-up")
	guest.fill("#name", "tang_mi")
	guest.fill("#password", password)
	guest.fill("#about", "住在隔壁。")
	guest.tap(`main form[action="/sign-up"] button`)
	guest.open("/settings/proofs")
	guest.fill("#number", "13800138000")
	guest.tap(`main form[enctype] button`)
	l.look(guest, "zh-CN", "proof-asked")
	p.open("/operator/invitations")
	p.fill("#note", "给刘安")
	p.tap(`main form[action="/operator/invitations"] button.primary`)
	invitation = strings.TrimPrefix(ask[string](p, `document.querySelector("#link").value`), l.in.url)
	p.open("/operator/accounts")
	return p.attribute(`main .line a.name`, "href"), invitation
}

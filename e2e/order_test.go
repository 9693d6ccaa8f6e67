package e2e_test

import (
	"path/filepath"
	"strings"
)

// disorder has somebody report the owner's circle's post and a member be muted there, and gives the pages on which the owner and others keep order.
func (l *looking) disorder(owner *person, circle, post string) []string {
	l.t.Helper()
	id := filepath.Base(circle)
	l.in.account(l.t, "ma_fan")
	reporter := l.b.visitor(l.t, l.in, "who reports")
	reporter.signsIn("ma_fan")
	reporter.open("/report/post/" + filepath.Base(post))
	l.look(reporter, "zh-CN", "report")
	reporter.open(circle)
	reporter.tap(`main form[action$="/join"] button`)
	reporter.open("/write?in=circle:" + id)
	reporter.fill("#text", "今天全场九折，加我好友。")
	reporter.tap(`main form[action="/write"] button.primary`)
	said := reporter.path()
	l.in.account(l.t, "he_shi")
	other := l.b.visitor(l.t, l.in, "who reports the reporter")
	other.signsIn("he_shi")
	other.open(circle)
	other.tap(`main form[action$="/join"] button`)
	other.open("/report/post/" + filepath.Base(said))
	other.touch(`input[name="reason"][value="spam"]`)
	other.tap(`main form[action^="/report/post/"] button.primary`)
	at := "/moderation/circle/" + id
	owner.open(at)
	decide := owner.attribute(`main a[href^="/moderation/case/"]`, "href")
	owner.open(circle + "/members")
	member := owner.attribute(`main a[href^="`+at+`/member/"]`, "href")
	owner.open(member)
	owner.tap(`main form[action^="` + at + `/member/"] button.primary`)
	owner.open(at + "/log")
	act := owner.attribute(`main a[href^="/moderation/acts/"]`, "href")
	return []string{
		at, at + "/appeals", at + "/sanctions", at + "/log", at + "/rules", decide, "/moderation/remove/post/" + filepath.Base(said), member, act, "/@ma_fan/block", "/mute/circle/" + id, "/report/account/" + filepath.Base(member),
		"/me/standing", "/settings/blocks", "/settings/mutes", "/settings/mutes/topics",
	}
}

// ordering are the pages on which the operator keeps order; account is the page of an account there.
func ordering(account string) []string {
	return []string{
		"/moderation", "/moderation/appeals", "/moderation/sanctions", "/moderation/log", "/moderation/rules",
		"/moderation/account/" + strings.TrimPrefix(filepath.Base(account), "/"),
	}
}

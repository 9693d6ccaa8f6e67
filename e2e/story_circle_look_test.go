package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
)

// lively gives the pages of a circle's owner what there is to look at: a notice, a submission, a circle offered, lists of blocked and
// muted. It looks at what those see whom this is about. The owner's page is at page; ma_fan is a member of the circle.
func (l *looking) lively(owner *person, page, circle string) {
	l.t.Helper()
	owner.open(circle + "/notices")
	owner.fill("#text", "周六上午在北门集合，带水。")
	owner.tap(`main form[action$="/notices"] button.primary`)
	owner.open(circle + "/settings")
	owner.touch(`input[name="approves"]`)
	owner.tap(fmt.Sprintf(`main form[action="%s/settings"] button.primary`, circle))

	l.in.account(l.t, "qin_ying")
	other := l.b.visitor(l.t, l.in, "who submits")
	other.signsIn("qin_ying")
	other.open(circle)
	other.tap(`main form[action$="/join"] button`)
	other.open("/write?in=circle:" + filepath.Base(circle))
	other.fill("#text", "北门的路修好了，推婴儿车也能走。")
	other.tap(`main form[action="/write"] button[value="publish"]`)
	l.look(other, "zh-CN", "submitted")
	other.open("/circles/new")
	other.fill("#name", "周末看鸟")
	other.tap("main form button.primary")
	offered := other.path()
	other.open(offered + "/settings")
	other.fill("#heir", strings.TrimPrefix(page, "/@"))
	other.tap(`main form[action$="/heir"] button`)
	l.look(other, "zh-CN", "circle-offered")

	l.in.account(l.t, "zhu_men")
	owner.open("/@zhu_men/block")
	owner.tap(`main form[action$="/block"] button.primary`)
	owner.open("/@qin_ying")
	owner.touch("main .menu:not(.share) summary")
	owner.tap(`main a[href^="/mute/account/"]`)
	l.look(owner, "zh-CN", "mute-account")
	owner.tap(`main form[action^="/mute/account/"] button.primary`)
	l.appealed(owner, circle)
}

// appealed has the owner mute ma_fan, who appeals, and the operator look at it and answer.
func (l *looking) appealed(owner *person, circle string) {
	l.t.Helper()
	owner.open(circle + "/members?q=ma_fan")
	owner.open(owner.attribute(`main a[href^="/moderation/circle/"]`, "href"))
	owner.fill("#words", "广告发了两次。")
	owner.tap(`main form[action^="/moderation/circle/"] button.primary`)
	l.in.account(l.t, "shan_zhang", "--operator")
	about := l.b.visitor(l.t, l.in, "who was muted")
	about.signsIn("ma_fan")
	about.open("/me/standing")
	about.touch("main article .sheet summary")
	l.look(about, "zh-CN", "standing-appeal")
	about.fill("main article textarea", "我不是卖东西的。")
	about.tap(`main form[action$="/appeal"] button`)
	owner.open("/moderation/circle/" + filepath.Base(circle) + "/appeals")
	l.look(owner, "zh-CN", "appeals")

	operator := l.b.visitor(l.t, l.in, "the operator of the trial")
	operator.readsIn("en")
	operator.signsIn("shan_zhang")
	operator.open("/moderation/appeals")
	l.look(operator, "en", "operator-appeals")
	operator.tap(`main a[href^="/moderation/acts/"]`)
	l.look(operator, "en", "settle")
	operator.fill("#answer", "这次先记着。")
	operator.tap(`main form[action$="/decide"] button[value="no"]`)
	about.open("/me/standing")
	l.look(about, "zh-CN", "standing-refused")
	operator.open("/operator/announcements")
	operator.fill("#text", "今晚十点维护，半小时。")
	operator.tap(`main form[action="/operator/announcements"] button.primary`)
	l.look(operator, "en", "announced")
	about.open("/notices")
	l.look(about, "zh-CN", "notices-announced")
}

package moderate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/moderate"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// only gives the one open case of a place.
func (h *house) only(t *testing.T, v who.Viewer, p moderate.Place) moderate.Case {
	t.Helper()
	list, err := h.order.Queue(t.Context(), v, p, 0, 10)
	h.must(t, err)
	if len(list) != 1 {
		t.Fatalf("%s finds %d cases, want 1", v.Name, len(list))
	}
	return list[0]
}

func (h *house) lastAct(t *testing.T, v who.Viewer, p moderate.Place) moderate.Act {
	t.Helper()
	list, err := h.order.Log(t.Context(), v, p, 0, 10)
	h.must(t, err)
	if len(list) == 0 {
		t.Fatal("nothing is in the log")
	}
	return list[0]
}

func TestReportAndRemove(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, owner, mod := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mod", 1)
		mira, jo, kim := h.member(t, "mira", 0), h.member(t, "jo", 0), h.member(t, "kim", 0)
		on := h.wrote(t, mira, 7, "buy now")
		for _, x := range []struct {
			what   string
			v      who.Viewer
			ref    who.Ref
			reason string
			words  string
			kind   exit.Kind
		}{
			{"one's own", mira, on, "spam", "", exit.Invalid},
			{"an unknown reason", jo, on, "dull", "", exit.Invalid},
			{"other without words", jo, on, "other", " ", exit.Invalid},
			{"what a stranger does not see", h.person(t, "lee"), on, "spam", "", exit.NotFound},
			{"an unknown kind", jo, who.Ref{Kind: "cat", ID: 1}, "spam", "", exit.NotFound},
			{"what is not there", jo, who.Ref{Kind: "post", ID: 404}, "spam", "", exit.NotFound},
		} {
			h.wantKind(t, x.what, h.order.Report(ctx, x.v, x.ref, x.reason, x.words), x.kind)
		}
		h.must(t, h.order.Report(ctx, jo, on, "spam", ""), h.order.Report(ctx, jo, on, "fraud", "never came"), h.order.Report(ctx, kim, on, "spam", ""))
		c := h.only(t, mod, tea)
		if c.Ref != on || c.About != mira.Account || c.Place != tea {
			t.Errorf("the case is %+v", c)
		}
		if got := h.only(t, op, moderate.Everywhere); got.ID != c.ID {
			t.Errorf("the operator finds %+v", got)
		}
		for _, v := range []who.Viewer{mira, jo, h.person(t, "max"), {}} {
			_, err := h.order.Queue(ctx, v, tea, 0, 10)
			h.wantKind(t, v.Name+" opens the queue", err, exit.NotFound)
			_, _, err = h.order.Case(ctx, v, c.ID)
			h.wantKind(t, v.Name+" opens the case", err, exit.NotFound)
			h.wantKind(t, v.Name+" decides", h.order.Decide(ctx, v, c.ID, moderate.Decision{}), exit.NotFound)
		}
		_, err := h.order.Queue(ctx, mod, moderate.Everywhere, 0, 10)
		h.wantKind(t, "a moderator opens the operator's queue", err, exit.NotFound)
		for _, x := range []struct {
			v     who.Viewer
			names bool
		}{{mod, false}, {op, true}} {
			_, reports, err := h.order.Case(ctx, x.v, c.ID)
			if err != nil || len(reports) != 2 || (reports[0].By != 0) != x.names {
				t.Errorf("%s reads %+v, %v", x.v.Name, reports, err)
			}
		}
		h.wantKind(t, "removing without a rule", h.order.Decide(ctx, mod, c.ID, moderate.Decision{Remove: true}), exit.Invalid)
		h.must(t, h.order.Decide(ctx, mod, c.ID, moderate.Decision{Remove: true, Rule: "spam", Words: "no adverts"}))
		h.wantKind(t, "deciding twice", h.order.Decide(ctx, mod, c.ID, moderate.Decision{}), exit.Conflict)
		if _, err := h.posts.One(ctx, jo, on.ID); exit.KindOf(err) != exit.NotFound {
			t.Errorf("another still sees it: %v", err)
		}
		for _, v := range []who.Viewer{mira, mod} {
			if _, err := h.posts.One(ctx, v, on.ID); err != nil {
				t.Errorf("%s does not see it: %v", v.Name, err)
			}
		}
		_, acts, _, err := h.order.Standing(ctx, mira, 0, 10)
		if err != nil || len(acts) != 1 || acts[0].Rule != "spam" || acts[0].Words != "no adverts" || acts[0].By != 0 {
			t.Errorf("mira reads %+v, %v", acts, err)
		}
		act := h.lastAct(t, mod, tea)
		h.wantKind(t, "a member undoes", h.order.Undo(ctx, jo, act.ID), exit.NotFound)
		h.must(t, h.order.Undo(ctx, owner, act.ID))
		h.wantKind(t, "undoing twice", h.order.Undo(ctx, owner, act.ID), exit.Conflict)
		if _, err := h.posts.One(ctx, jo, on.ID); err != nil {
			t.Errorf("put back, another does not see it: %v", err)
		}
		// A dismissed case waits again when that is undone.
		h.must(t, h.order.Report(ctx, kim, on, "abuse", ""))
		c = h.only(t, mod, tea)
		h.must(t, h.order.Decide(ctx, mod, c.ID, moderate.Decision{}))
		h.must(t, h.order.Undo(ctx, mod, h.lastAct(t, mod, tea).ID))
		if got := h.only(t, mod, tea); got.ID != c.ID {
			t.Errorf("the case that waits again is %+v", got)
		}
	})
}

// TestLate keeps an act from being undone after 30 days, and after its author's class was erased.
func TestLate(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mod, mira, jo := h.member(t, "mod", 1), h.member(t, "mira", 0), h.member(t, "jo", 0)
		for _, x := range []struct {
			after time.Duration
			late  bool
		}{{30*24*time.Hour - time.Minute, false}, {30*24*time.Hour + time.Minute, true}} {
			on := h.wrote(t, mira, 7, "words "+x.after.String())
			h.must(t, h.order.Report(ctx, jo, on, "spam", ""))
			h.must(t, h.order.Decide(ctx, mod, h.only(t, mod, tea).ID, moderate.Decision{Remove: true, Rule: "spam"}))
			act := h.lastAct(t, mod, tea)
			h.exec(t, `update acts set created_at = created_at - $1 where id = $2`, x.after.Milliseconds(), int64(act.ID))
			err := h.order.Undo(ctx, mod, act.ID)
			if x.late {
				h.wantKind(t, "after "+x.after.String(), err, exit.Conflict)
			} else {
				h.must(t, err)
			}
		}
		on := h.wrote(t, mira, 7, "last")
		h.must(t, h.order.Report(ctx, jo, on, "spam", ""))
		h.must(t, h.order.Decide(ctx, mod, h.only(t, mod, tea).ID, moderate.Decision{Remove: true, Rule: "spam", Words: "mira again"}))
		act := h.lastAct(t, mod, tea)
		h.must(t, h.d.Update(ctx, func(ctx context.Context) error {
			_, err := h.order.Holder().Erase(ctx, exit.Task{Run: "r", Step: "s", Subject: exit.Account(mira.Account.String()), Class: "acts"})
			return err
		}))
		h.wantKind(t, "after its author is erased", h.order.Undo(ctx, mod, act.ID), exit.Unavailable)
		left := h.lastAct(t, mod, tea)
		if left.ID != act.ID || left.Kind != moderate.Remove || left.Rule != "spam" || left.Words != "" || left.About != 0 || left.Ref.ID != 0 {
			t.Errorf("what remains is %+v", left)
		}
	})
}

func TestMuteKickBan(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, owner, mod, mira := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mod", 1), h.member(t, "mira", 0)
		on := h.wrote(t, owner, 7, "hello")
		lay := func(v who.Viewer, p moderate.Place, on who.Viewer, what string, days int) error {
			return h.order.Lay(ctx, v, p, on.Account, moderate.Order{What: what, Rule: "abuse", Words: "calm down", Days: days})
		}
		h.wantKind(t, "a member mutes", lay(mira, tea, mod, moderate.Mute, 1), exit.NotFound)
		h.wantKind(t, "a moderator mutes the owner", lay(mod, tea, owner, moderate.Mute, 1), exit.Forbidden)
		h.wantKind(t, "muting oneself", lay(mod, tea, mod, moderate.Mute, 1), exit.Invalid)
		h.wantKind(t, "muting somebody from elsewhere", lay(owner, tea, op, moderate.Mute, 1), exit.NotFound)
		h.ring.members[op.Account] = moderate.Member{Since: dbtest.Start}
		h.wantKind(t, "muting the operator", lay(owner, tea, op, moderate.Mute, 1), exit.Forbidden)
		h.must(t, lay(owner, tea, op, moderate.Kick, 0))
		h.wantKind(t, "suspending in a circle", lay(owner, tea, mira, moderate.Suspend, 1), exit.Invalid)
		h.wantKind(t, "muting everywhere as staff", lay(owner, moderate.Everywhere, mira, moderate.Limit, 1), exit.NotFound)

		h.must(t, lay(mod, tea, mira, moderate.Mute, 7))
		_, err := h.write(t, mira, 7, "still here")
		h.wantKind(t, "muted, writing there", err, exit.Forbidden)
		_, err = h.talks.Comment(ctx, mira, on, talk.Draft{Text: "no"})
		h.wantKind(t, "muted, commenting there", err, exit.Forbidden)
		h.wrote(t, mira, 0, "on my page")
		own, _, _, err := h.order.Standing(ctx, mira, 0, 10)
		now, _ := h.d.Now(ctx)
		if err != nil || len(own) != 1 || own[0].What != moderate.Mute || own[0].Place != tea || own[0].Until.Sub(now).Round(time.Hour) != 7*24*time.Hour {
			t.Errorf("mira's standing: %+v, %v", own, err)
		}
		// A second mute takes the place of the first; ending it lets her write.
		h.must(t, lay(owner, tea, mira, moderate.Mute, 30))
		if n := h.number(t, `select count(*) from reasons where account_id = $1`, int64(mira.Account)); n != 1 {
			t.Errorf("%d reasons hold after two mutes", n)
		}
		h.exec(t, `update sanctions set until = $1`, now.UnixMilli()-1)
		if n, err := h.order.Sweep(ctx, 10); err != nil || n != 1 {
			t.Errorf("%d ended, %v", n, err)
		}
		h.wrote(t, mira, 7, "back")

		h.must(t, lay(mod, tea, mira, moderate.Kick, 0))
		if _, in := h.ring.members[mira.Account]; in {
			t.Error("still a member")
		}
		h.wantKind(t, "kicking who is gone", lay(mod, tea, mira, moderate.Kick, 0), exit.Conflict)
		h.must(t, h.order.Undo(ctx, mod, h.lastAct(t, mod, tea).ID))
		if m, in := h.ring.members[mira.Account]; !in || m.Since.IsZero() {
			t.Error("no member again")
		}
		h.must(t, lay(mod, tea, mira, moderate.Ban, 0))
		if banned, err := h.order.Banned(ctx, "circle", 7, mira.Account); err != nil || !banned {
			t.Errorf("banned %v, %v", banned, err)
		}
		if banned, err := h.order.Banned(ctx, "circle", 8, mira.Account); err != nil || banned {
			t.Errorf("banned elsewhere %v, %v", banned, err)
		}
		h.must(t, h.order.Undo(ctx, mod, h.lastAct(t, mod, tea).ID))
		if banned, err := h.order.Banned(ctx, "circle", 7, mira.Account); err != nil || banned {
			t.Errorf("still banned %v, %v", banned, err)
		}
		if _, in := h.ring.members[mira.Account]; !in {
			t.Error("no member after the ban was undone")
		}
	})
}

func TestSuspended(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, mira, jo := h.operator(t, "opera"), h.person(t, "mira"), h.person(t, "jo")
		on := h.wrote(t, mira, 0, "hello")
		h.must(t, h.order.Lay(ctx, op, moderate.Everywhere, mira.Account, moderate.Order{What: moderate.Suspend, Rule: "fraud", Days: 7}))
		if _, err := h.posts.One(ctx, jo, on.ID); exit.KindOf(err) != exit.NotFound {
			t.Errorf("another sees the post of who is suspended: %v", err)
		}
		if _, err := h.posts.One(ctx, mira, on.ID); err != nil {
			t.Errorf("she does not see it herself: %v", err)
		}
		_, err := h.write(t, mira, 0, "more")
		h.wantKind(t, "writing", err, exit.Forbidden)
		h.wantKind(t, "following", h.relations.Follow(ctx, mira, jo.Account), exit.Forbidden)
		h.must(t, h.order.Report(ctx, mira, who.Ref{Kind: "account", ID: jo.Account}, "abuse", ""), h.relations.Block(ctx, mira, jo.Account))
		act := h.lastAct(t, op, moderate.Everywhere)
		h.must(t, h.order.Appeal(ctx, mira, act.ID, "it was not me"))
		h.must(t, h.order.Settle(ctx, op, act.ID, true, "sorry")) // the only operator
		h.wrote(t, mira, 0, "back")
		if n := h.number(t, `select count(*) from reasons where account_id = $1`, int64(mira.Account)) + h.number(t, `select count(*) from sanctions`); n != 0 {
			t.Errorf("%d reasons and sanctions are left", n)
		}
	})
}

func TestAppeal(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, owner, mod, mira := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mod", 1), h.member(t, "mira", 0)
		jo := h.member(t, "jo", 0)
		mute := func(by who.Viewer) who.ID {
			h.must(t, h.order.Lay(ctx, by, tea, mira.Account, moderate.Order{What: moderate.Mute, Rule: "abuse"}))
			return h.lastAct(t, op, tea).ID
		}
		act := mute(mod)
		h.wantKind(t, "another appeals", h.order.Appeal(ctx, jo, act, "unfair"), exit.NotFound)
		h.wantKind(t, "without words", h.order.Appeal(ctx, mira, act, " "), exit.Invalid)
		h.must(t, h.order.Appeal(ctx, mira, act, "unfair"))
		h.wantKind(t, "a second time", h.order.Appeal(ctx, mira, act, "still"), exit.Conflict)
		for _, v := range []who.Viewer{mod, owner, op} {
			list, err := h.order.Appeals(ctx, v, tea, 0, 10)
			if err != nil || len(list) != 1 || list[0].Words != "unfair" {
				t.Errorf("%s finds %+v, %v", v.Name, list, err)
			}
		}
		h.wantKind(t, "who acted decides", h.order.Settle(ctx, mod, act, false, ""), exit.Forbidden)
		h.wantKind(t, "a member decides", h.order.Settle(ctx, jo, act, true, ""), exit.NotFound)
		h.wantKind(t, "she decides herself", h.order.Settle(ctx, mira, act, true, ""), exit.NotFound)
		h.must(t, h.order.Settle(ctx, owner, act, false, "it stands"))
		h.wantKind(t, "deciding twice", h.order.Settle(ctx, op, act, true, ""), exit.Conflict)
		_, err := h.write(t, mira, 7, "hello")
		h.wantKind(t, "refused, she writes", err, exit.Forbidden)
		_, appeal, err := h.order.One(ctx, mira, act)
		if err != nil || appeal == nil || appeal.Answer != "it stands" || appeal.State != "refused" {
			t.Errorf("she reads %+v, %v", appeal, err)
		}
		act = mute(owner)
		h.must(t, h.order.Appeal(ctx, mira, act, "again"), h.order.Settle(ctx, op, act, true, ""))
		h.wrote(t, mira, 7, "granted")
	})
}

func TestFilters(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, owner, mira := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mira", 0)
		h.must(t, h.order.AddWord(ctx, op, moderate.Everywhere, "Casino", moderate.Refuse), h.order.AddWord(ctx, owner, tea, "代购", moderate.Hold))
		h.wantKind(t, "a member adds a word", h.order.AddWord(ctx, mira, tea, "tea", moderate.Refuse), exit.NotFound)
		h.wantKind(t, "the owner adds a word for all", h.order.AddWord(ctx, owner, moderate.Everywhere, "tea", moderate.Refuse), exit.NotFound)
		h.wantKind(t, "no word", h.order.AddWord(ctx, owner, tea, " ·", moderate.Refuse), exit.Invalid)
		for text, refused := range map[string]bool{
			"best CASINO in town": true, "ca\u200bsino, now": true, "ｃａｓｉｎｏ": true, "casinos are dull": false, "the occasion": false,
		} {
			for _, place := range []who.ID{0, 7} {
				_, err := h.write(t, mira, place, text)
				if refused != (err != nil && exit.KindOf(err) == exit.Invalid) || !refused && err != nil {
					t.Errorf("%q in %d: %v, refused should be %v", text, place, err, refused)
				}
			}
		}
		for text, state := range map[string]string{"找我代购": "submitted", "找我代 · 购": "submitted", "代替我购物": "live"} {
			ref := h.wrote(t, mira, 7, text)
			if h.number(t, `select count(*) from posts where id = $1 and state = $2`, int64(ref.ID), state) != 1 {
				t.Errorf("%q is not %s", text, state)
			}
			if state == "submitted" {
				h.wrote(t, mira, 0, text) // the circle's list is the circle's
			}
		}
		h.must(t, h.order.Undo(ctx, op, h.lastAct(t, op, tea).ID))
		if ref := h.wrote(t, mira, 7, "代购"); h.number(t, `select count(*) from posts where id = $1 and state = 'live'`, int64(ref.ID)) != 1 {
			t.Error("a word that was taken back still holds")
		}
		rules, err := h.order.Rules(ctx, owner, tea, 0, 10)
		if err != nil || len(rules.Words) != 0 {
			t.Errorf("rules %+v, %v", rules, err)
		}
	})
}

func TestNewMembers(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, old, young := h.member(t, "owner", 3), h.member(t, "old", 0), h.member(t, "young", 0)
		now, err := h.d.Now(ctx)
		h.must(t, err)
		h.ring.members[old.Account] = moderate.Member{Since: now.AddDate(0, 0, -4)}
		h.ring.members[young.Account] = moderate.Member{Since: now.AddDate(0, 0, -1)}
		h.must(t, h.order.SetLimits(ctx, owner, tea, moderate.Limits{Days: 3, Posts: 2}))
		h.wantKind(t, "absurd limits", h.order.SetLimits(ctx, owner, tea, moderate.Limits{Days: 1000}), exit.Invalid)
		for i := range 4 {
			h.wrote(t, old, 7, fmt.Sprint("see https://example.org ", i))
			_, err := h.write(t, young, 7, fmt.Sprint("hello ", i))
			if i < 2 {
				h.must(t, err)
			} else {
				h.wantKind(t, "a third post of a day", err, exit.TooMany)
			}
		}
		_, err = h.write(t, young, 7, "see https://example.org")
		h.wantKind(t, "a link", err, exit.Forbidden)
		h.must(t, h.order.Undo(ctx, owner, h.lastAct(t, owner, tea).ID))
		h.wrote(t, young, 7, "see https://example.org")
	})
}

func TestRates(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.order.Rates = []moderate.Rate{{What: "post", Most: 3}}
		for i := range 5 {
			_, err := h.write(t, mira, 0, fmt.Sprint("post ", i))
			if i < 3 {
				h.must(t, err)
			} else {
				h.wantKind(t, "beyond the rate", err, exit.TooMany)
			}
		}
		h.wrote(t, jo, 0, "another's count is another's")
		if n := h.number(t, `select count(*) from attempts where key like '%'||$1||'%'`, mira.Account.String()); n != 0 {
			t.Error("the count names the account")
		}
		h.exec(t, `update attempts set at = at - 3600001`)
		h.wrote(t, mira, 0, "an hour later")
		h.must(t, h.d.Update(ctx, func(ctx context.Context) error {
			_, err := h.desk.Enter(ctx, service.Write{By: mira.Account})
			return err
		}))
	})
}

package circle_test

import (
	"bytes"
	"context"
	"image/color"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/dbtest"
	"exeunt/internal/moderate"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// took asks that the log of a circle tells of an act last, and gives it.
func (h *house) took(v who.Viewer, id who.ID, kind string) moderate.Act {
	h.t.Helper()
	act := h.lastAct(v, id)
	if act.Kind != kind || act.By == 0 {
		h.t.Errorf("the log has %+v, want %s", act, kind)
	}
	return act
}

// role asks what somebody is in a circle.
func (h *house) role(v who.Viewer, id who.ID, want circle.Role) {
	h.t.Helper()
	if _, m, err := h.Circle(h.t.Context(), v, id); err != nil || m.Role != want {
		h.t.Errorf("%s is %q, %v; want %q", v.Name, m.Role, err, want)
	}
}

// TestRolesComeBack has each appointment stand in the log, and be taken back from there by those who could have made it.
func TestRolesComeBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, co, ann, bob := h.account("owner"), h.account("co"), h.account("ann"), h.account("bob")
		id := h.circle(owner, "c", circle.Open)
		for _, v := range []who.Viewer{co, ann, bob} {
			h.joined(v, id)
		}
		h.must(h.Appoint(ctx, owner, id, bob.Account, circle.Moderator))
		h.must(h.Appoint(ctx, owner, id, ann.Account, circle.Moderator))
		h.must(h.Bans.Undo(ctx, owner, h.took(owner, id, moderate.MadeModerator).ID))
		h.role(ann, id, circle.Member)

		h.must(h.Appoint(ctx, owner, id, ann.Account, circle.Moderator))
		h.must(h.Appoint(ctx, owner, id, ann.Account, circle.Moderator)) // which she is: nothing was done
		appointed := h.took(owner, id, moderate.MadeModerator)
		h.refused(h.Bans.Undo(ctx, bob, appointed.ID), exit.Forbidden, "above")
		h.refused(h.Bans.Undo(ctx, ann, appointed.ID), exit.Forbidden, "above")
		h.must(h.Appoint(ctx, owner, id, co.Account, circle.CoOwner))
		risen := h.took(owner, id, moderate.MadeCoOwner)
		h.must(h.Appoint(ctx, co, id, ann.Account, circle.Member))
		dismissed := h.took(co, id, moderate.MadeMember)
		h.refused(h.Bans.Undo(ctx, bob, dismissed.ID), exit.Forbidden, "above")
		h.refused(h.Bans.Undo(ctx, ann, dismissed.ID), exit.NotFound, "not_found")
		h.refused(h.Bans.Undo(ctx, owner, appointed.ID), exit.Conflict, "other_now")
		h.must(h.Bans.Undo(ctx, co, dismissed.ID))
		h.role(ann, id, circle.Moderator)
		h.wants(owner, ui.English, "/moderation/circle/"+id.String()+"/log", []string{"Made a moderator", "Made a co-owner", "Made an ordinary member", "/@ann"}, nil)

		// A co-owner dismissed is one again; without room for one more they are not.
		h.must(h.Appoint(ctx, owner, id, co.Account, circle.Member))
		fallen := h.took(owner, id, moderate.MadeMember)
		h.must(h.Bans.Undo(ctx, owner, fallen.ID))
		h.role(co, id, circle.CoOwner)
		h.must(h.Bans.Undo(ctx, owner, risen.ID))
		h.role(co, id, circle.Member)
		h.must(h.Appoint(ctx, owner, id, bob.Account, circle.Member))
		late := h.took(owner, id, moderate.MadeMember)
		h.must(h.Leave(ctx, bob, id))
		h.refused(h.Bans.Undo(ctx, owner, late.ID), exit.Conflict, "other_now")
		h.must(h.inTx(func(ctx context.Context) error {
			_, err := h.Bans.Holder().Erase(ctx, h.task(bob, "", "acts", ""))
			return err
		}))
		h.refused(h.Bans.Undo(ctx, owner, late.ID), exit.Unavailable, "gone")
	})
}

// TestNoticeComesBack has a notice that was taken down stand in the log and come back from there, for 30 days, and then be erased.
func TestNoticeComesBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.must(h.d.MakeTrial(ctx, dbtest.Start))
		h.moderated()
		owner, mod, ann := h.account("owner"), h.account("mod"), h.account("ann")
		id := h.circle(owner, "c", circle.Open)
		h.joined(mod, id)
		h.joined(ann, id)
		h.must(h.Appoint(ctx, owner, id, mod.Account, circle.Moderator))
		h.must(h.Tell(ctx, mod, id, "周六在东门集合"))
		list, err := h.NoticeBoard(ctx, ann, id, 0, 10)
		h.must(err)
		notice := list[0].ID
		board := func(want int) {
			t.Helper()
			if list, err := h.NoticeBoard(ctx, ann, id, 0, 10); err != nil || len(list) != want {
				t.Errorf("%d notices are up, %v; want %d", len(list), err, want)
			}
		}
		rows := func(want int) {
			t.Helper()
			_, err := h.Sweep(ctx, 100)
			h.must(err)
			var n int
			h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from circle_notices`).Scan(&n))
			if n != want {
				t.Errorf("%d notices are stored, want %d", n, want)
			}
		}
		h.must(h.Untell(ctx, owner, id, notice))
		h.must(h.Untell(ctx, owner, id, notice)) // which it is: nothing was done
		board(0)
		down := h.took(owner, id, moderate.NoticeDown)
		if down.About != mod.Account || down.Ref.ID != notice {
			t.Errorf("the log has %+v", down)
		}
		log := "/moderation/circle/" + id.String() + "/log"
		h.wants(owner, ui.Chinese, log, []string{"撤下公告", "周六在东门集合", "/@mod"}, nil)
		if records := h.exports(mod, "", "notices", "").records; len(records) != 0 {
			t.Errorf("its author takes along %v", records)
		}
		h.refused(h.Bans.Undo(ctx, mod, down.ID), exit.Forbidden, "above")
		h.must(h.Bans.Undo(ctx, owner, down.ID))
		board(1)
		h.refused(h.Bans.Undo(ctx, owner, down.ID), exit.Conflict, "late")

		// One's own, too; its 30 days over, it is erased.
		h.must(h.Untell(ctx, mod, id, notice))
		own := h.took(owner, id, moderate.NoticeDown)
		now, err := h.d.Now(ctx)
		h.must(err)
		h.must(h.d.Move(ctx, now.AddDate(0, 0, 29)))
		rows(1)
		h.must(h.Bans.Undo(ctx, mod, own.ID))
		board(1)
		h.must(h.Untell(ctx, mod, id, notice))
		gone := h.took(owner, id, moderate.NoticeDown)
		h.must(h.d.Move(ctx, now.AddDate(0, 0, 29+31)))
		rows(0)
		h.refused(h.Bans.Undo(ctx, owner, gone.ID), exit.Conflict, "late")
		h.wants(owner, ui.Chinese, log, []string{"撤下公告"}, []string{"周六在东门集合"})

		// What its author's leaving has taken does not come back.
		h.must(h.Tell(ctx, mod, id, "下周再说"))
		list, err = h.NoticeBoard(ctx, ann, id, 0, 10)
		h.must(err)
		h.must(h.Untell(ctx, owner, id, list[0].ID))
		erased := h.took(owner, id, moderate.NoticeDown)
		h.must(h.inTx(func(ctx context.Context) error {
			_, err := h.holder.Erase(ctx, h.task(mod, "", "notices", ""))
			return err
		}))
		rows(0)
		h.refused(h.Bans.Undo(ctx, owner, erased.ID), exit.Unavailable, "gone")
	})
}

// TestNewNoticeAndLinkAreUndone has the log tell of a notice that is put up and of a link that is made, and takes both back.
func TestNewNoticeAndLinkAreUndone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "c", circle.Open)
		h.joined(ann, id)
		h.must(h.Tell(ctx, owner, id, "周六在东门集合"))
		up := h.took(owner, id, moderate.NoticeUp)
		h.must(h.Bans.Undo(ctx, owner, up.ID))
		if list, err := h.NoticeBoard(ctx, ann, id, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("%d notices are up, %v", len(list), err)
		}
		h.must(h.Tell(ctx, owner, id, "改到周日"))
		up = h.took(owner, id, moderate.NoticeUp)
		h.must(h.Untell(ctx, owner, id, up.Ref.ID))
		h.refused(h.Bans.Undo(ctx, owner, up.ID), exit.Conflict, "other_now")

		token, err := h.Invite(ctx, owner, id, circle.Terms{Life: 24 * time.Hour, People: 1})
		h.must(err)
		made := h.took(owner, id, moderate.Invite)
		h.must(h.Bans.Undo(ctx, owner, made.ID))
		_, err = h.JoinBy(ctx, h.account("bo"), token)
		h.refused(err, exit.NotFound, "link")
		h.wants(owner, ui.English, "/moderation/circle/"+id.String()+"/log", []string{"Notice put up", "Invitation link made"}, nil)
	})
}

// TestBannedAskerAsksAgain has who asked to become a member, and was banned, ask again when the ban is undone, since the same day.
func TestBannedAskerAsksAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "c", circle.Approval)
		_, err := h.Join(ctx, ann, id)
		h.must(err)
		before, err := h.Askers(ctx, owner, id, 0, 10)
		h.must(err)
		dbtest.Clock(t, h.d).Add(48 * time.Hour)
		p := moderate.Place{Service: circle.Name, ID: id}
		h.must(h.Bans.Lay(ctx, owner, p, ann.Account, moderate.Order{What: moderate.Ban, Rule: "spam"}))
		if list, err := h.Askers(ctx, owner, id, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("who is banned still asks: %v, %v", list, err)
		}
		h.must(h.Bans.Undo(ctx, owner, h.took(owner, id, moderate.Ban).ID))
		after, err := h.Askers(ctx, owner, id, 0, 10)
		if err != nil || len(after) != 1 || !after[0].Since.Equal(before[0].Since) || after[0].ID != ann.Account {
			t.Errorf("who asks again: %+v, %v; before %+v", after, err, before)
		}
		h.wantMembers(id, 1)
	})
}

// TestHeirWithoutRoom refuses a circle to an heir who has no room for its pictures; the offer stands.
func TestHeirWithoutRoom(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, heir := h.account("owner"), h.account("heir")
		id := h.circle(owner, "c", circle.Open)
		h.must(h.SetPicture(ctx, owner, id, circle.Cover, bytes.NewReader(picture(t, color.RGBA{200, 0, 0, 255}))))
		h.must(h.SetPicture(ctx, owner, id, circle.Avatar, bytes.NewReader(picture(t, color.RGBA{0, 0, 200, 255}))))
		var bytes int64
		for _, key := range h.keys(owner) {
			n, err := h.blobs.Size(ctx, key)
			h.must(err)
			bytes += n
		}
		room := bytes - 1
		h.RoomFor = func(_ context.Context, account who.ID, more int64) error {
			if account != heir.Account {
				t.Errorf("asked about %v", account)
			}
			if more > room {
				return exit.Fail(exit.Conflict, "account.error.quota", "Used", int64(9), "Quota", int64(9))
			}
			return nil
		}
		h.must(h.OfferTo(ctx, owner, id, "heir"))
		offers, err := h.Offers(ctx, heir, 0, 5)
		h.must(err)
		_, err = h.Take(ctx, heir, offers[0].ID)
		h.refused(err, exit.Conflict, "quota")
		if c, _, err := h.Circle(ctx, owner, id); err != nil || c.Owner != owner.Account || c.Cover == "" {
			t.Errorf("the circle is %+v, %v", c, err)
		}
		room = bytes
		_, err = h.Take(ctx, heir, offers[0].ID)
		h.must(err)
		if got := h.keys(heir); len(got) < 2 {
			t.Errorf("the heir has %v", got)
		}
	})
}

// TestWordsAreScreened keeps words that the operator's filter does not let through, or would have looked at first, out of a circle's name and
// description; one that is brought back with them is seen by nobody from outside.
func TestWordsAreScreened(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, op, ann := h.account("owner"), h.account("op"), h.account("ann")
		op.Operator = true
		h.circle(owner, "坏词之家", circle.Open)
		all := h.exports(owner, "", "circles", "")
		h.must(h.Bans.AddWord(ctx, op, moderate.Everywhere, "坏词", moderate.Refuse))
		h.must(h.Bans.AddWord(ctx, op, moderate.Everywhere, "慢词", moderate.Hold))
		for key, drafts := range map[string][]circle.Draft{
			"filtered": {{Name: "坏词"}, {Name: "茶", Intro: "喝 坏词"}, {Name: "茶", Rules: "坏词"}},
			"held":     {{Name: "慢词"}},
		} {
			for _, d := range drafts {
				d.Mode, d.Preview = circle.Open, circle.PreviewNothing
				_, err := h.Create(ctx, owner, d)
				h.refused(err, exit.Invalid, key)
			}
		}
		id := h.circle(owner, "茶", circle.Open)
		h.refused(h.Change(ctx, owner, id, circle.Draft{Name: "茶", Intro: "坏词", Mode: circle.Open}), exit.Invalid, "filtered")
		if c, _, err := h.Circle(ctx, ann, id); err != nil || c.Intro != "关于茶" {
			t.Errorf("the circle is %+v, %v", c, err)
		}

		store, err := h.holder.Import(ctx, h.task(ann, "", "circles", ""), all.records, all)
		h.must(err)
		h.must(h.inTx(func(ctx context.Context) error {
			out, err := store(ctx)
			if err == nil && (len(out) != 1 || out[0].Result != "taken") {
				t.Errorf("brought back: %+v", out)
			}
			return err
		}))
		mine, err := h.Memberships(ctx, ann, 0, 5)
		if err != nil || len(mine) != 1 {
			t.Fatalf("brought back: %+v, %v", mine, err)
		}
		if _, _, err := h.Circle(ctx, owner, mine[0].ID); exit.KindOf(err) != exit.NotFound || !mine[0].Unlisted {
			t.Errorf("others open it: %v", err)
		}
	})
}

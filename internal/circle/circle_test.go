package circle_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/dbtest"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func TestDraft(t *testing.T) {
	long := strings.Repeat("圈", 40)
	for name, c := range map[string]struct {
		draft circle.Draft
		key   string // of the error; "": accepted
	}{
		"longest name":    {circle.Draft{Name: long, Mode: circle.Open}, ""},
		"too long":        {circle.Draft{Name: long + "子", Mode: circle.Open}, "name_long"},
		"only space":      {circle.Draft{Name: " \t ", Mode: circle.Open}, "name_empty"},
		"control":         {circle.Draft{Name: "a\x00b", Mode: circle.Open}, "name_hides"},
		"broken UTF-8":    {circle.Draft{Name: "a", Intro: "\xff", Mode: circle.Open}, "intro_long"},
		"too long intro":  {circle.Draft{Name: "a", Intro: strings.Repeat("字", 501), Mode: circle.Open}, "intro_long"},
		"turned intro":    {circle.Draft{Name: "a", Intro: "a\u202eb", Mode: circle.Open}, "intro_hides"},
		"hidden rules":    {circle.Draft{Name: "a", Rules: "hi\u200b\u200c\u200d\u2060there", Mode: circle.Open}, "rules_hides"},
		"turned question": {circle.Draft{Name: "a", Question: "a\u2066b", Mode: circle.Approval}, "question_hides"},
		"a family":        {circle.Draft{Name: "a", Intro: "👩\u200d👩\u200d👧", Mode: circle.Open}, ""},
		"unknown mode":    {circle.Draft{Name: "a", Mode: "secret"}, "mode"},
		"longest intro":   {circle.Draft{Name: "a", Intro: strings.Repeat("字", 500), Mode: circle.Approval}, ""},
		"lines in intros": {circle.Draft{Name: "a", Intro: "一\r\n二", Mode: circle.Invitation}, ""},
	} {
		d, err := c.draft.Clean()
		if c.key == "" && err != nil || c.key != "" && (exit.KindOf(err) != exit.Invalid || !strings.Contains(err.Error(), c.key)) {
			t.Errorf("%s: got %v, want %q", name, err, c.key)
		}
		if strings.Contains(d.Intro, "\r") {
			t.Errorf("%s: the intro keeps carriage returns", name)
		}
	}
}

func TestJoinAndLeave(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann, bob := h.account("owner"), h.account("ann"), h.account("bob")
		open, ask, secret := h.circle(owner, "open", circle.Open), h.circle(owner, "ask", circle.Approval), h.circle(owner, "secret", circle.Invitation)

		h.joined(ann, open)
		h.joined(ann, open) // again: no error, no second member
		h.wantMembers(open, 2)

		_, err := h.Join(ctx, ann, secret)
		h.refused(err, exit.NotFound, "circle.error.none")
		h.wantMembers(secret, 1)

		if s, err := h.Join(ctx, ann, ask); err != nil || s != circle.Asked {
			t.Fatalf("ask: state %q, error %v", s, err)
		}
		h.wantMembers(ask, 1)
		_, err = h.MayPost(ctx, ann, circle.Name, ask)
		h.refused(err, exit.Forbidden, "members_only")
		h.refused(h.Accept(ctx, bob, ask, ann.Account), exit.Forbidden, "moderators_only")
		h.refused(h.Accept(ctx, ann, ask, ann.Account), exit.Forbidden, "moderators_only")
		h.must(h.Refuse(ctx, owner, ask, ann.Account))
		h.must(h.Accept(ctx, owner, ask, ann.Account)) // nobody asks any more: nothing happens
		h.wantMembers(ask, 1)
		_, err = h.Join(ctx, ann, ask)
		h.must(err)
		h.must(h.Accept(ctx, owner, ask, ann.Account))
		h.wantMembers(ask, 2)

		h.refused(h.Leave(ctx, owner, open), exit.Conflict, "owner_stays")
		h.must(h.Leave(ctx, ann, open))
		h.must(h.Leave(ctx, ann, open))
		h.wantMembers(open, 1)
	})
}

func TestRoles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, mod, ann, bob := h.account("owner"), h.account("mod"), h.account("ann"), h.account("bob")
		id := h.circle(owner, "c", circle.Open)
		for _, v := range []who.Viewer{mod, ann, bob} {
			h.joined(v, id)
		}
		h.refused(h.Appoint(ctx, mod, id, mod.Account, circle.Moderator), exit.Forbidden, "owner_only")
		h.must(h.Appoint(ctx, owner, id, mod.Account, circle.Moderator))
		h.refused(h.Appoint(ctx, owner, id, owner.Account, circle.Member), exit.NotFound, "no_member")
		h.refused(h.Appoint(ctx, owner, id, ann.Account, circle.Owner), exit.Invalid, "role")
		h.refused(h.kicks(ctx, ann, id, bob.Account), exit.NotFound, "not_found")
		h.refused(h.kicks(ctx, mod, id, owner.Account), exit.Forbidden, "rank")
		h.must(h.kicks(ctx, mod, id, bob.Account))
		h.wantMembers(id, 3)
		staff, people, err := h.Members(ctx, ann, id, 0, 10)
		h.must(err)
		if len(staff) != 2 || staff[0].ID != owner.Account || staff[1].ID != mod.Account || len(people) != 1 || people[0].ID != ann.Account {
			t.Errorf("staff %v, people %v", staff, people)
		}
		_, _, err = h.Members(ctx, bob, id, 0, 10)
		h.refused(err, exit.Forbidden, "members_only")
	})
}

// TestRemovedIsLogged has who is taken out of a circle be told why, and come back when that is undone.
func TestRemovedIsLogged(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "c", circle.Open)
		h.joined(ann, id)
		at := moderate.Place{Service: circle.Name, ID: id}
		h.must(h.kicks(ctx, owner, id, ann.Account))
		h.wantMembers(id, 1)
		acts, err := h.Bans.Log(ctx, owner, at, 0, 5)
		h.must(err)
		if len(acts) != 1 || acts[0].Kind != moderate.Kick || acts[0].About != ann.Account {
			t.Fatalf("the log has %+v", acts)
		}
		if n, err := h.notices.Unread(ctx, ann.Account); err != nil || n != 1 {
			t.Errorf("she has %d notices, %v", n, err)
		}
		if _, told, _, err := h.Bans.Standing(ctx, ann, 0, 5); err != nil || len(told) != 1 || told[0].Rule != "abuse" || told[0].Words != "calm down" {
			t.Errorf("she reads %+v, %v", told, err)
		}
		h.must(h.Bans.Undo(ctx, owner, acts[0].ID))
		h.wantMembers(id, 2)
		// An offer from before does not let in who was banned since.
		h.must(h.OfferTo(ctx, owner, id, "ann"))
		offers, err := h.Offers(ctx, ann, 0, 5)
		h.must(err)
		h.must(h.Bans.Lay(ctx, owner, at, ann.Account, moderate.Order{What: moderate.Ban, Rule: "abuse"}))
		_, err = h.Take(ctx, ann, offers[0].ID)
		h.refused(err, exit.Forbidden, "banned")
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.must(h.d.MakeTrial(ctx, dbtest.Start))
		owner, mod, ann, bob := h.account("owner"), h.account("mod"), h.account("ann"), h.account("bob")
		id := h.circle(owner, "secret", circle.Invitation)
		_, err := h.Invite(ctx, ann, id, circle.DefaultTerms)
		h.refused(err, exit.NotFound, "circle.error.none")
		token, err := h.Invite(ctx, owner, id, circle.DefaultTerms)
		h.must(err)
		_, err = h.JoinBy(ctx, ann, token+"x")
		h.refused(err, exit.NotFound, "link")
		_, err = h.JoinBy(ctx, mod, token)
		h.must(err)
		_, err = h.JoinBy(ctx, mod, token) // is in already: uses nothing up
		h.must(err)
		h.wantMembers(id, 2)
		var left int64
		h.must(h.d.Reader.QueryRowContext(ctx, `select uses from circle_invites`).Scan(&left))
		if left != 49 {
			t.Errorf("%d uses are left of 50, want 49", left)
		}

		h.must(h.Appoint(ctx, owner, id, mod.Account, circle.Moderator))
		theirs, err := h.Invite(ctx, mod, id, circle.DefaultTerms)
		h.must(err)
		h.must(h.Appoint(ctx, owner, id, mod.Account, circle.Member))
		_, err = h.JoinBy(ctx, ann, theirs)
		h.refused(err, exit.NotFound, "link") // who made it may not invite any more

		// It ends on the day that the page shows, by the same clock.
		list, err := h.Invites(ctx, owner, id)
		h.must(err)
		until := list[len(list)-1].Until
		h.must(h.d.Move(ctx, until.Add(-time.Hour)))
		if c, _, err := h.Invited(ctx, ann, token); err != nil || c.ID != id {
			t.Errorf("an hour before its end the link leads to %v, %v", c.ID, err)
		}
		h.must(h.d.Move(ctx, until))
		_, err = h.JoinBy(ctx, ann, token)
		h.refused(err, exit.NotFound, "link")
		fresh, err := h.Invite(ctx, owner, id, circle.DefaultTerms)
		h.must(err)
		h.must(h.Revoke(ctx, owner, id, 0))
		_, err = h.JoinBy(ctx, bob, fresh)
		h.refused(err, exit.NotFound, "link")
		h.wantMembers(id, 2)
	})
}

func TestFound(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		big, small := h.circle(owner, "big", circle.Open), h.circle(owner, "small", circle.Approval)
		h.circle(owner, "secret", circle.Invitation)
		gone := h.circle(owner, "gone", circle.Open)
		h.must(h.End(ctx, owner, gone))
		h.joined(h.account("x"), big)
		first, err := h.Found(ctx, ann, circle.After{}, 1)
		h.must(err)
		rest, err := h.Found(ctx, ann, circle.After{Members: 2, ID: big}, 9)
		h.must(err)
		if len(first) != 1 || first[0].ID != big || len(rest) != 1 || rest[0].ID != small {
			t.Errorf("found %v, then %v", first, rest)
		}
		if own, err := h.Found(ctx, owner, circle.After{}, 9); err != nil || len(own) != 0 {
			t.Errorf("the owner is told of %v, error %v", own, err)
		}
		// A veiled owner's circles are known to members only.
		h.must(h.inTx(func(ctx context.Context) error { return h.desk.Veil(ctx, h.task(owner, "", "", ""), true) }))
		if list, err := h.Found(ctx, ann, circle.After{}, 9); err != nil || len(list) != 0 {
			t.Errorf("circles of a veiled owner are found: %v, %v", list, err)
		}
		_, _, err = h.Circle(ctx, ann, big)
		h.refused(err, exit.NotFound, "none")
	})
}

func TestPostsInCircle(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann, out := h.account("owner"), h.account("ann"), h.account("out")
		id := h.circle(owner, "c", circle.Open)
		h.joined(ann, id)
		_, err := h.posts.Write(ctx, out, post.Draft{Service: circle.Name, Place: id, Text: "nothing to say"})
		h.refused(err, exit.Forbidden, "members_only")
		p, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "圈里的一句话"})
		h.must(err)
		if _, err := h.posts.One(ctx, owner, p); err != nil {
			t.Errorf("a member does not see it: %v", err)
		}
		for name, v := range map[string]who.Viewer{"a stranger": out, "a guest": {}} {
			if _, err := h.posts.One(ctx, v, p); exit.KindOf(err) != exit.NotFound || err == nil {
				t.Errorf("%s sees it: %v", name, err)
			}
		}
		list, err := h.posts.Home(ctx, owner, post.Cursor{}, 10)
		h.must(err)
		if len(list) != 1 || list[0].In.Name != "c" {
			t.Errorf("the owner's home has %+v", list)
		}
		// Ended: still read, not written, not talked about.
		h.must(h.End(ctx, owner, id))
		_, err = h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "zu spät"})
		h.refused(err, exit.Unavailable, "circle.error.ended")
		things, err := h.posts.Things(ctx, owner, []who.ID{p})
		h.must(err)
		if len(things) != 1 || !things[0].See || things[0].Talk {
			t.Errorf("in an ended circle a post is %+v", things)
		}
		_, err = h.Join(ctx, out, id)
		h.refused(err, exit.NotFound, "none")
	})
}

func TestThings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, ann := h.account("owner"), h.account("ann")
		secret := h.circle(owner, "secret", circle.Invitation)
		registry := &service.Registry{Kinds: []service.Kind{h.Kind()}}
		ref := who.Ref{Kind: circle.Name, ID: secret}
		things, err := registry.Things(t.Context(), ann, []who.Ref{ref})
		h.must(err)
		if x := things[ref]; x.See || x.Title != "" || x.Excerpt != "" {
			t.Errorf("a stranger is told %+v", x)
		}
		x, err := registry.Thing(t.Context(), owner, ref)
		if err != nil || x.Title != "secret" || x.Link != circle.Path(secret) || x.Owner != owner.Account {
			t.Errorf("the owner is told %+v, %v", x, err)
		}
	})
}

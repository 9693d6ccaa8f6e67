package moderate_test

import (
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// TestEveryDeedIsLogged has all that staff do with posts and topics stand in the log, and each come back from there.
func TestEveryDeedIsLogged(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mod, mira := h.member(t, "mod", 1), h.member(t, "mira", 0)
		h.ring.approves = true
		on := h.wrote(t, mira, 7, "please")
		state := func() post.Post {
			t.Helper()
			p, err := h.posts.One(ctx, mira, on.ID)
			h.must(t, err)
			return p
		}
		took := func(kind string, undo bool) {
			t.Helper()
			act := h.lastAct(t, mod, tea)
			if act.Kind != kind || act.By != mod.Account || act.Ref.ID == 0 {
				t.Errorf("the log has %+v, want %s", act, kind)
			}
			if undo {
				h.must(t, h.order.Undo(ctx, mod, act.ID))
			}
		}
		h.must(t, h.posts.RefuseSubmission(ctx, mod, on.ID, "too short"))
		took(moderate.RefusePost, true)
		if p := state(); p.State != post.Submitted || p.Refusal != "" {
			t.Errorf("a refusal taken back leaves %q, %q", p.State, p.Refusal)
		}
		h.must(t, h.posts.AcceptSubmission(ctx, mod, on.ID))
		took(moderate.AcceptPost, true)
		if p := state(); p.State != post.Submitted {
			t.Errorf("a yes taken back leaves %q", p.State)
		}
		h.must(t, h.posts.AcceptSubmission(ctx, mod, on.ID))
		for _, x := range []struct {
			do    func(on bool) error
			yes   string
			no    string
			holds func() bool
		}{
			{func(yes bool) error { return h.posts.Pin(ctx, mod, on.ID, yes) }, moderate.Pin, moderate.Unpin, func() bool { return !state().Pinned.IsZero() }},
			{func(yes bool) error { return h.posts.Feature(ctx, mod, on.ID, yes) }, moderate.Feature, moderate.Unfeature, func() bool { return !state().Featured.IsZero() }},
		} {
			h.must(t, x.do(true))
			took(x.yes, true)
			if x.holds() {
				t.Errorf("%s was taken back and holds", x.yes)
			}
			h.must(t, x.do(true), x.do(true))
			took(x.yes, false)
			h.must(t, x.do(false))
			took(x.no, true)
			if !x.holds() {
				t.Errorf("%s was taken back and does not hold", x.no)
			}
		}
		topic, err := h.posts.NewTopic(ctx, mod, h.ring.place(mod), "routes")
		h.must(t, err, h.posts.CloseTopic(ctx, mod, topic, true))
		took(moderate.Close, true)
		if got, _, err := h.posts.Topic(ctx, mod, topic); err != nil || got.Closed {
			t.Errorf("the topic is %+v, %v", got, err)
		}
		h.see(t, mod, "/moderation/circle/7/log", "/@mod", "please", "#routes")
		// What its author reads and may appeal against is what was laid on them.
		_, acts, _, err := h.order.Standing(ctx, mira, 0, 20)
		if err != nil || len(acts) != 1 || acts[0].Kind != moderate.RefusePost || acts[0].Words != "too short" {
			t.Errorf("mira reads %+v, %v", acts, err)
		}
	})
}

// TestDeedsOvertaken keeps what has become something else since from being put back as it was.
func TestDeedsOvertaken(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mod, mira := h.member(t, "mod", 1), h.member(t, "mira", 0)
		h.ring.approves = true
		on := h.wrote(t, mira, 7, "please")
		h.must(t, h.posts.RefuseSubmission(ctx, mod, on.ID, "too short"))
		refused := h.lastAct(t, mod, tea)
		_, err := h.posts.SaveDraft(ctx, mira, post.Draft{ID: on.ID, Service: "circle", Place: 7, Text: "not finished"})
		h.must(t, err)
		h.wantKind(t, "a draft that its author writes on", h.order.Undo(ctx, mod, refused.ID), exit.Conflict)
		_, err = h.posts.Write(ctx, mira, post.Draft{ID: on.ID, Service: "circle", Place: 7, Text: "please, finished"})
		h.must(t, err, h.posts.AcceptSubmission(ctx, mod, on.ID))
		accepted := h.lastAct(t, mod, tea)
		h.must(t, h.posts.Delete(ctx, mira, on.ID))
		h.wantKind(t, "a yes to what was deleted", h.order.Undo(ctx, mod, accepted.ID), exit.Unavailable)
	})
}

// TestTakenOutWaitsNoMore has reports of a post that the owner takes out of a circle wait no longer, and again when that is undone.
func TestTakenOutWaitsNoMore(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, mira, jo := h.member(t, "owner", 3), h.member(t, "mira", 0), h.member(t, "jo", 0)
		h.ring.owner = owner.Account
		on := h.wrote(t, mira, 7, "off the topic")
		h.must(t, h.order.Report(ctx, jo, on, "off_topic", ""))
		c := h.only(t, owner, tea)
		h.must(t, h.order.TakeOut(ctx, owner, on, "off_topic", ""))
		if list, err := h.order.Queue(ctx, owner, tea, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("what was taken out still waits: %+v, %v", list, err)
		}
		h.must(t, h.order.Undo(ctx, owner, h.lastAct(t, owner, tea).ID))
		if again := h.only(t, owner, tea); again.ID != c.ID {
			t.Errorf("what waits again is %+v", again)
		}
		h.must(t, h.order.Decide(ctx, owner, c.ID, moderate.Decision{Remove: true, Rule: "off_topic"}), h.order.Undo(ctx, owner, h.lastAct(t, owner, tea).ID))
		if list, err := h.order.Queue(ctx, owner, tea, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("what was decided waits anew: %+v, %v", list, err)
		}
	})
}

// TestDeletedCounts has a post that is deleted count for the day of a new member.
func TestDeletedCounts(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, young := h.member(t, "owner", 3), h.member(t, "young", 0)
		now, err := h.d.Now(ctx)
		h.must(t, err)
		h.ring.members[young.Account] = moderate.Member{Since: now.AddDate(0, 0, -1)}
		h.must(t, h.order.SetLimits(ctx, owner, tea, moderate.Limits{Days: 3, Posts: 2}))
		for range 2 {
			on := h.wrote(t, young, 7, "hello")
			h.must(t, h.posts.Delete(ctx, young, on.ID))
		}
		if n := h.number(t, `select count(*) from posts where author_id = $1`, int64(young.Account)); n != 0 {
			t.Fatalf("%d posts are left", n)
		}
		_, err = h.write(t, young, 7, "hello")
		h.wantKind(t, "a third post of a day", err, exit.TooMany)
		h.exec(t, `update attempts set at = at - 86400000`)
		h.wrote(t, young, 7, "hello the day after")
	})
}

// TestHiddenAreNotNamed has queue, log and list of sanctions name nobody who is hidden, whatever they are there as.
func TestHiddenAreNotNamed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, owner, mod := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mod", 1)
		mira, jo := h.member(t, "mirabel", 0), h.member(t, "jonquil", 0)
		h.must(t, h.order.Lay(ctx, mod, tea, mira.Account, moderate.Order{What: moderate.Mute, Rule: "abuse", Days: 7}),
			h.order.Lay(ctx, op, moderate.Everywhere, jo.Account, moderate.Order{What: moderate.Suspend, Rule: "fraud", Days: 7}))
		on := h.wrote(t, owner, 7, "tea of the owner")
		h.must(t, h.order.Report(ctx, mira, on, "spam", "so it is"))
		at := "/moderation/case/" + h.only(t, op, tea).ID.String()
		pages := map[who.Viewer][]string{owner: {"/moderation/circle/7/log", "/moderation/circle/7/sanctions"}, op: {"/moderation/log", "/moderation/circle/7/log", "/moderation/circle/7/sanctions", at}}
		look := func(words ...string) {
			t.Helper()
			for v, paths := range pages {
				for _, path := range paths {
					h.see(t, v, path, words...)
				}
			}
		}
		look("mirabel")
		h.see(t, op, "/moderation/sanctions", "jonquil") // moderation itself hides them, and those who decide go on seeing whom
		h.veil(t, mira, "circle")
		look("-mirabel")
		h.veil(t, mod, "")
		for v, paths := range pages {
			for _, path := range paths {
				h.see(t, v, path, "-/@mod\"")
			}
		}
		h.see(t, op, "/moderation/account/"+mira.Account.String(), "mirabel")
		h.exec(t, `delete from reasons where what = 'veil' and reason = 'r'`)
		look("mirabel")
		h.exec(t, `update accounts set state = 'gone' where id = $1`, int64(mira.Account))
		look("-mirabel")
	})
}

// TestImagesOfReported opens the images of a post that was reported to who decides about it, as long as that waits.
func TestImagesOfReported(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, mira, jo := h.operator(t, "opera"), h.person(t, "mira"), h.person(t, "jo")
		other := h.member(t, "mod", 1)
		h.must(t, h.relations.Follow(ctx, jo, mira.Account))
		id, err := h.posts.Write(ctx, mira, post.Draft{Service: post.Page, Audience: "followers", Text: "among us"})
		h.must(t, err)
		const key = "posts/1/shown.png"
		h.exec(t, `insert into post_images (id, post_id, author_id, position, key, thumb, type, width, height, bytes, alt, missing, look) values (1, $1, $2, 0, $3, 'posts/1/small.png', 'image/png', 1, 1, 1, '', '', '')`,
			int64(id), int64(mira.Account), key)
		opens := func(v who.Viewer, want bool) {
			t.Helper()
			may, public, known, err := h.posts.MayMedia(ctx, v, key)
			if err != nil || !known || public || may != want {
				t.Errorf("%s may see the image: %v (public %v, known %v), %v; want %v", v.Name, may, public, known, err, want)
			}
		}
		opens(jo, true)
		opens(op, false)
		h.must(t, h.order.Report(ctx, jo, who.Ref{Kind: "post", ID: id}, "sexual", ""))
		opens(op, true)
		opens(other, false)
		opens(who.Viewer{}, false)
		h.veil(t, mira, "")
		opens(op, false)
		h.exec(t, `delete from reasons where reason = 'r'`)
		h.must(t, h.order.Decide(ctx, op, h.only(t, op, moderate.Everywhere).ID, moderate.Decision{}))
		opens(op, false)
	})
}

// TestKickKeepsTheRank has a moderator who was taken out come back as one.
func TestKickKeepsTheRank(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, mod := h.member(t, "owner", 3), h.member(t, "mod", 1)
		before := h.ring.members[mod.Account]
		h.must(t, h.order.Lay(ctx, owner, tea, mod.Account, moderate.Order{What: moderate.Kick, Rule: "abuse"}))
		h.must(t, h.order.Undo(ctx, owner, h.lastAct(t, owner, tea).ID))
		if after := h.ring.members[mod.Account]; after.Rank != before.Rank || !after.Since.Equal(before.Since) {
			t.Errorf("back as %+v, was %+v", after, before)
		}
	})
}

// TestTopicsComeBack has a topic that was added or renamed stand in the log, and each be taken back from there.
func TestTopicsComeBack(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mod, mira := h.member(t, "mod", 1), h.member(t, "mira", 0)
		last := func(kind string) moderate.Act {
			t.Helper()
			act := h.lastAct(t, mod, tea)
			if act.Kind != kind || act.By != mod.Account || act.Ref.Kind != "topic" || act.Ref.ID == 0 {
				t.Errorf("the log has %+v, want %s", act, kind)
			}
			return act
		}
		names := func(want ...string) {
			t.Helper()
			list, err := h.posts.Topics(ctx, mod, h.ring.place(mod))
			h.must(t, err)
			var got []string
			for _, x := range list {
				got = append(got, x.Name)
			}
			if !slices.Equal(got, want) {
				t.Errorf("topics %v, want %v", got, want)
			}
		}
		topic, err := h.posts.NewTopic(ctx, mod, h.ring.place(mod), "routes")
		h.must(t, err)
		added := last(moderate.AddTopic)
		on := h.wrote(t, mira, 7, "on foot #routes")
		h.must(t, h.posts.RenameTopic(ctx, mod, topic, "routes"), h.posts.RenameTopic(ctx, mod, topic, "ways")) // the first is its name
		first := last(moderate.RenameTopic)
		h.see(t, mod, "/moderation/circle/7/log", "routes → ways", "-moderate.act.")
		h.must(t, h.order.Undo(ctx, mod, first.ID))
		names("routes")
		h.must(t, h.posts.RenameTopic(ctx, mod, topic, "ways"))
		second := last(moderate.RenameTopic)
		h.must(t, h.posts.RenameTopic(ctx, mod, topic, "roads"))
		h.wantKind(t, "a name that was changed again", h.order.Undo(ctx, mod, second.ID), exit.Conflict)
		other, err := h.posts.NewTopic(ctx, mod, h.ring.place(mod), "ways")
		h.must(t, err)
		third := h.number(t, `select max(id) from acts where kind = 'topic_renamed'`)
		h.must(t, h.order.Undo(ctx, mod, last(moderate.AddTopic).ID))
		if _, _, err := h.posts.Topic(ctx, mod, other); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a topic taken back: %v", err)
		}
		h.must(t, h.order.Undo(ctx, mod, who.ID(third)))
		names("ways")

		// A post that names a topic which is taken back stays as it is.
		h.must(t, h.order.Undo(ctx, mod, added.ID))
		names()
		if p, err := h.posts.One(ctx, mira, on.ID); err != nil || p.Text != "on foot #routes" || h.number(t, `select count(*) from post_topics`) != 0 {
			t.Errorf("the post is %+v, %v", p, err)
		}
		h.wantKind(t, "a topic that is gone", h.order.Undo(ctx, mod, second.ID), exit.Unavailable)
	})
}

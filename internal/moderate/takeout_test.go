package moderate_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// said stores a comment, or an answer to one.
func (h *house) said(t *testing.T, v who.Viewer, on who.Ref, parent who.ID, text string) who.Ref {
	t.Helper()
	id, err := h.talks.Comment(t.Context(), v, on, talk.Draft{Parent: parent, Text: text})
	h.must(t, err)
	return who.Ref{Kind: "comment", ID: id}
}

// erases does all that a closing does to a class of an account.
func (h *house) erases(t *testing.T, v who.Viewer, class string) {
	t.Helper()
	task := exit.Task{Run: "r", Step: "s", Subject: exit.Account(v.Account.String()), Class: class}
	for done := false; !done; {
		h.must(t, h.d.Update(t.Context(), func(ctx context.Context) error {
			p, err := h.order.Holder().Erase(ctx, task)
			task.Cursor, done = p.Cursor, p.Done
			return err
		}))
	}
}

func removePath(ref who.Ref) string { return "/moderation/remove/" + ref.Kind + "/" + ref.ID.String() }

func offers(menu []ui.Action, ref who.Ref) bool {
	return slices.ContainsFunc(menu, func(a ui.Action) bool { return a.Href == removePath(ref) })
}

// offered wants the menus of a post and of the first comment on it to lead to taking them out of sight, or not to.
func (h *house) offered(t *testing.T, v who.Viewer, on, said who.Ref, want bool) {
	t.Helper()
	p, err := h.posts.One(t.Context(), v, on.ID)
	h.must(t, err)
	posts, err := h.posts.Views(t.Context(), v, []post.Post{p})
	h.must(t, err)
	comments, _, err := h.talks.Comments(t.Context(), v, p.Thing(v), talk.Oldest, "", 10)
	h.must(t, err)
	if got := offers(posts[0].Menu, on); got != want {
		t.Errorf("%s is offered to remove the post: %v", v.Name, got)
	}
	if got := offers(comments[0].Menu, said); got != want {
		t.Errorf("%s is offered to remove the comment: %v", v.Name, got)
	}
}

// TestTakeOut has who answers for a place take posts and comments out of it, with a reason, and nobody else, and nobody from above them.
func TestTakeOut(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, owner, co, mod := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "co", 2), h.member(t, "mod", 1)
		mira, jo := h.member(t, "mira", 0), h.member(t, "jo", 0)
		h.ring.owner = owner.Account
		on := h.wrote(t, mira, 7, "off the topic")
		rude := h.said(t, jo, on, 0, "rude words")
		for v, want := range map[who.Viewer]bool{owner: true, co: true, mod: true, h.member(t, "kim", 0): false} {
			h.offered(t, v, on, rude, want)
		}
		owners, calm := h.wrote(t, owner, 7, "from the owner"), h.said(t, co, on, 0, "calm down")
		page, hers := h.wrote(t, jo, 0, "on a page"), h.wrote(t, mod, 7, "mine")
		for _, x := range []struct {
			what string
			v    who.Viewer
			ref  who.Ref
			rule string
			kind exit.Kind
		}{
			{"a member", jo, on, "abuse", exit.NotFound},
			{"a guest", who.Viewer{}, on, "abuse", exit.NotFound},
			{"without a rule", mod, on, "", exit.Invalid},
			{"by a rule that is none", mod, on, "dull", exit.Invalid},
			{"one's own", mod, hers, "abuse", exit.Invalid},
			{"the owner's", mod, owners, "abuse", exit.Forbidden},
			{"a co-owner's comment", mod, calm, "abuse", exit.Forbidden},
			{"on a page, as staff of a circle", owner, page, "abuse", exit.NotFound},
			{"an account", op, who.Ref{Kind: "account", ID: jo.Account}, "abuse", exit.NotFound},
		} {
			h.wantKind(t, x.what, h.order.TakeOut(ctx, x.v, x.ref, x.rule, ""), x.kind)
		}
		if _, err := h.ask(t, mod, ui.English, http.MethodGet, removePath(owners), ""); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("a moderator opens the form for what the owner wrote: %v", err)
		}
		for ref, to := range map[who.Ref]string{on: "/posts/" + on.ID.String(), rude: "/talk/comments/" + rude.ID.String() + "#comment-" + rude.ID.String()} {
			h.see(t, mod, removePath(ref), map[string]string{"post": "off the topic", "comment": "rude words"}[ref.Kind], `name="rule"`)
			if w, err := h.ask(t, mod, ui.English, http.MethodGet, removePath(ref), ""); err != nil || !strings.Contains(w.Body.String(), "Remove this "+ref.Kind) {
				t.Errorf("the form to remove a %s has another title: %v", ref.Kind, err)
			}
			if w, err := h.ask(t, mod, ui.English, http.MethodPost, removePath(ref), "words=so"); err != nil || w.Code != http.StatusUnprocessableEntity {
				t.Errorf("the form without a rule: %d, %v", w.Code, err)
			}
			h.send(t, mod, removePath(ref), "rule=abuse&words=not+like+this", to)
			act := h.lastAct(t, owner, tea)
			if act.Kind != moderate.Remove || act.By != mod.Account || act.Ref != ref || act.Rule != "abuse" || act.Words != "not like this" {
				t.Errorf("the log has %+v", act)
			}
			author := map[who.Ref]who.Viewer{on: mira, rude: jo}[ref]
			h.see(t, author, moderate.StandingPath, "not like this", "/appeal")
			h.wantKind(t, "twice", h.order.TakeOut(ctx, co, ref, "abuse", ""), exit.Conflict)
			if n := h.withheld(t, ref); n != 1 {
				t.Errorf("%v is not out of sight", ref)
			}
			h.must(t, h.order.Undo(ctx, mod, act.ID))
			if n := h.withheld(t, ref); n != 0 {
				t.Errorf("%v is still out of sight", ref)
			}
		}
		h.must(t, h.order.TakeOut(ctx, op, page, "spam", ""), h.order.TakeOut(ctx, co, hers, "spam", ""))
		if n := h.withheld(t, page) + h.withheld(t, hers); n != 2 {
			t.Errorf("%d of two are out of sight", n)
		}
	})
}

func (h *house) withheld(t *testing.T, ref who.Ref) int64 {
	t.Helper()
	return h.number(t, `select count(*) from `+map[string]string{"post": "posts", "comment": "comments"}[ref.Kind]+` where id = $1 and state = 'withheld'`, int64(ref.ID))
}

// TestReportOfStaff has a report of who answers for a circle reach those of them whom it is not about, and the operator where that is nobody.
func TestReportOfStaff(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.order.Notices = notify.New(notify.Config{DB: h.d, Desk: h.desk, Registry: h.registry})
		op, owner, jo := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "jo", 0)
		told := func(want map[who.Viewer]int64) {
			t.Helper()
			for v, n := range want {
				if got := h.number(t, `select count(*) from notices where account_id = $1 and kind = 'reported'`, int64(v.Account)); got != n {
					t.Errorf("%s is told of %d reports, want %d", v.Name, got, n)
				}
			}
		}
		on := h.wrote(t, owner, 7, "buy my tea")
		h.must(t, h.order.Report(ctx, jo, on, "spam", ""))
		told(map[who.Viewer]int64{op: 1, owner: 0, jo: 0})
		c := h.only(t, op, moderate.Everywhere)
		h.wantKind(t, "the owner dismisses it", h.order.Decide(ctx, owner, c.ID, moderate.Decision{}), exit.Invalid)
		h.must(t, h.order.Decide(ctx, op, c.ID, moderate.Decision{Remove: true, Rule: "spam"}))

		// What the owner reports themselves is theirs to decide.
		h.must(t, h.order.Report(ctx, owner, h.wrote(t, jo, 7, "rude"), "abuse", ""))
		told(map[who.Viewer]int64{op: 1, owner: 0, jo: 0})
		mod := h.member(t, "mod", 1)
		h.must(t, h.order.Report(ctx, jo, h.wrote(t, owner, 7, "buy more"), "spam", ""))
		told(map[who.Viewer]int64{op: 1, owner: 0, mod: 1})
		// Nor does one who reports hear of it: they alone are left, and nobody else is asked.
		h.must(t, h.order.Report(ctx, mod, h.wrote(t, owner, 7, "and more"), "spam", ""))
		told(map[who.Viewer]int64{op: 1, owner: 0, mod: 1})
	})
}

// TestTwoRemovals keeps out of sight what was taken out twice until both are taken back.
func TestTwoRemovals(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, mod, mira, jo := h.member(t, "owner", 3), h.member(t, "mod", 1), h.member(t, "mira", 0), h.member(t, "jo", 0)
		on := h.wrote(t, mira, 7, "buy now")
		var acts []who.ID
		for _, by := range []who.Viewer{jo, mod} { // who answers for the circle sees it still
			h.must(t, h.order.Report(ctx, by, on, "spam", ""))
			h.must(t, h.order.Decide(ctx, owner, h.only(t, owner, tea).ID, moderate.Decision{Remove: true, Rule: "spam"}))
			acts = append(acts, h.lastAct(t, owner, tea).ID)
		}
		h.must(t, h.order.Undo(ctx, owner, acts[1]))
		if h.withheld(t, on) != 1 {
			t.Error("one of two was taken back, and it is seen")
		}
		if w, err := h.ask(t, mod, ui.English, http.MethodGet, "/moderation/of/post/"+on.ID.String(), ""); err != nil || w.Header().Get("Location") != "/moderation/acts/"+acts[0].String() {
			t.Errorf("why leads to %q, %v", w.Header().Get("Location"), err)
		}
		h.must(t, h.order.Undo(ctx, owner, acts[0]))
		if h.withheld(t, on) != 0 {
			t.Error("both were taken back, and it is not seen")
		}

		op, film := h.operator(t, "opera"), h.film(t, mira, "a film")
		var claims []who.ID
		for _, v := range []who.Viewer{jo, mod} {
			id, _, err := h.order.Complain(ctx, v, film, mine, "")
			h.must(t, err)
			claims = append(claims, id)
		}
		for _, id := range claims {
			h.must(t, h.order.DecideClaim(ctx, op, id, true, ""))
		}
		for i, want := range []string{"withheld", "live"} {
			h.must(t, h.order.DecideClaim(ctx, op, claims[i], false, ""))
			restored := h.number(t, `select count(*) from notices where account_id = $1 and kind = 'restored'`, int64(mira.Account))
			if got := h.state(t, film); got != want || restored != int64(i) {
				t.Errorf("with %d complaints refused the film is %s, told %d times", i+1, got, restored)
			}
		}
	})
}

// TestGoneWithWhoDidIt keeps what has gone with a moderator from being put back as nothing, and their words from staying elsewhere.
func TestGoneWithWhoDidIt(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, mod, mira := h.member(t, "owner", 3), h.member(t, "mod", 1), h.member(t, "mira", 0)
		h.must(t, h.order.AddWord(ctx, mod, tea, "casino", moderate.Refuse))
		rules, err := h.order.Rules(ctx, mod, tea, 0, 10)
		h.must(t, err, h.order.RemoveWord(ctx, mod, tea, rules.Words[0].ID))
		h.ring.approves = true
		byMod, byOwner := h.wrote(t, mira, 7, "one"), h.wrote(t, mira, 7, "two")
		h.must(t, h.posts.RefuseSubmission(ctx, mod, byMod.ID, "so says mod"), h.posts.RefuseSubmission(ctx, owner, byOwner.ID, "so says the owner"))
		h.erases(t, mod, "acts")
		acts, err := h.order.Log(ctx, owner, tea, 0, 10)
		h.must(t, err)
		n := 0
		for _, a := range acts {
			if a.Kind == moderate.WordAdded || a.Kind == moderate.WordGone {
				n++
				h.wantKind(t, a.Kind, h.order.Undo(ctx, owner, a.ID), exit.Unavailable)
			}
		}
		if n != 2 {
			t.Errorf("%d acts on words are left, want 2", n)
		}
		h.ring.approves = false
		h.wrote(t, mira, 7, "every post is refused by an empty word")
		for ref, want := range map[who.Ref]string{byMod: "", byOwner: "so says the owner"} {
			if p, err := h.posts.One(ctx, mira, ref.ID); err != nil || p.Refusal != want || p.State != post.Drafted {
				t.Errorf("the draft is %q for %q, %v; want %q", p.State, p.Refusal, err, want)
			}
		}
	})
}

// TestHostDeletesReported keeps what was reported to be read by who decides, when whose post it stands on takes it away meanwhile.
func TestHostDeletesReported(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mod, mira, jo, kim := h.member(t, "mod", 1), h.member(t, "mira", 0), h.member(t, "jo", 0), h.member(t, "kim", 0)
		on := h.wrote(t, mira, 7, "hello")
		rude, dull := h.said(t, jo, on, 0, "rude words"), h.said(t, jo, on, 0, "dull words")
		h.must(t, h.order.Report(ctx, kim, rude, "abuse", ""))
		for _, ref := range []who.Ref{rude, dull} {
			_, err := h.talks.Delete(ctx, mira, ref.ID)
			h.must(t, err)
			if _, err := h.registry.Thing(ctx, kim, ref); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%v is seen by others: %v", ref, err)
			}
		}
		if n := h.number(t, `select count(*) from comments`); n != 1 {
			t.Errorf("%d comments are kept, want the one that was reported", n)
		}
		h.see(t, mod, "/moderation/case/"+h.only(t, mod, tea).ID.String(), "rude words", `value="remove"`)
		for lang, word := range map[ui.Lang]string{ui.Chinese: "还没有处理", ui.English: "nobody has decided about it yet"} {
			if w, err := h.ask(t, jo, lang, http.MethodGet, moderate.StandingPath, ""); err != nil || !strings.Contains(w.Body.String(), word) {
				t.Errorf("its author does not read why in %v: %v", lang, err)
			}
		}
		taken := h.lastAct(t, mod, tea)
		h.must(t, h.order.Decide(ctx, mod, h.only(t, mod, tea).ID, moderate.Decision{}), h.order.Undo(ctx, mod, taken.ID))
		if _, err := h.registry.Thing(ctx, kim, rude); err != nil {
			t.Errorf("it is not back: %v", err)
		}
	})
}

// TestContextOfComment shows what a reported comment stands on and answers to who decides, and a way there to who can go it.
func TestContextOfComment(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		op, mod, mira, jo := h.operator(t, "opera"), h.member(t, "mod", 1), h.member(t, "mira", 0), h.member(t, "jo", 0)
		kim := h.member(t, "kim", 0)
		on := h.wrote(t, mira, 7, "where the paths cross")
		asked := h.said(t, kim, on, 0, "which of them is longer")
		answer := h.said(t, jo, on, asked.ID, "look for yourself")
		h.must(t, h.order.Report(t.Context(), jo, on, "spam", ""))
		of := "/moderation/case/" + h.only(t, op, tea).ID.String()
		h.see(t, mod, of, "where the paths cross", `href="/posts/`+on.ID.String())
		h.see(t, op, of, "where the paths cross", `-href="/posts/`+on.ID.String(), "-/share/")
		h.must(t, h.order.Decide(t.Context(), op, h.only(t, op, tea).ID, moderate.Decision{}))
		h.must(t, h.order.Report(t.Context(), mira, answer, "abuse", ""))
		at := "/moderation/case/" + h.only(t, op, tea).ID.String()
		way := "/talk/comments/" + answer.ID.String()
		h.see(t, mod, at, "look for yourself", "which of them is longer", "where the paths cross", way)
		h.see(t, op, at, "look for yourself", "which of them is longer", "where the paths cross", "-"+way, `-href=""`)
		h.veil(t, kim, "")
		for _, v := range []who.Viewer{mod, op} {
			h.see(t, v, at, "look for yourself", "-which of them is longer", "where the paths cross")
		}
	})
}

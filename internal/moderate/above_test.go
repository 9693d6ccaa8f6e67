package moderate_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// TestFromAbove keeps a circle's staff from taking back what the operator, or somebody above them, decided.
func TestFromAbove(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, owner, mod := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mod", 1)
		mira, jo := h.member(t, "mira", 0), h.member(t, "jo", 0)
		on := h.wrote(t, mira, 7, "against the law")
		h.must(t, h.order.Report(ctx, jo, on, "illegal", ""))
		h.must(t, h.order.Decide(ctx, op, h.only(t, op, tea).ID, moderate.Decision{Remove: true, Rule: "illegal"}))
		act := h.lastAct(t, op, tea).ID
		for _, v := range []who.Viewer{owner, mod} {
			h.wantKind(t, v.Name+" takes back what the operator did", h.order.Undo(ctx, v, act), exit.Forbidden)
		}
		h.must(t, h.order.Appeal(ctx, mira, act, "it is allowed"))
		h.wantKind(t, "the owner decides about what the operator did", h.order.Settle(ctx, owner, act, true, ""), exit.Forbidden)
		if p, err := h.posts.One(ctx, mira, on.ID); err != nil || p.State != post.Withheld {
			t.Errorf("the post is %q, %v", p.State, err)
		}
		h.must(t, h.order.Settle(ctx, op, act, true, "so it is")) // the only operator

		h.must(t, h.order.Lay(ctx, owner, tea, mira.Account, moderate.Order{What: moderate.Ban, Rule: "abuse"}))
		act = h.lastAct(t, op, tea).ID
		h.wantKind(t, "a moderator lets in whom the owner banned", h.order.Undo(ctx, mod, act), exit.Forbidden)
		h.must(t, h.order.Undo(ctx, owner, act))
		h.wantKind(t, "nobody is banned", h.order.Lay(ctx, owner, tea, 404, moderate.Order{What: moderate.Ban, Rule: "abuse"}), exit.NotFound)
	})
}

// TestOwnerTakesOut has what an owner takes out of a circle stand in the log, be read by its author and come back.
func TestOwnerTakesOut(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, mod, mira := h.member(t, "owner", 3), h.member(t, "mod", 1), h.member(t, "mira", 0)
		h.ring.owner = owner.Account
		on := h.wrote(t, mira, 7, "off the topic")
		h.wantKind(t, "the owner deletes it for good", h.posts.Delete(ctx, owner, on.ID), exit.NotFound)
		h.must(t, h.order.TakeOut(ctx, owner, on, "off_topic", "please in the other circle"))
		if p, err := h.posts.One(ctx, mira, on.ID); err != nil || p.State != post.Withheld {
			t.Errorf("the author finds it %q, %v", p.State, err)
		}
		act := h.lastAct(t, mod, tea)
		if act.Kind != moderate.Remove || act.By != owner.Account || act.About != mira.Account || act.Ref != on || act.Rule != "off_topic" || act.Words == "" {
			t.Errorf("the log has %+v", act)
		}
		h.must(t, h.order.Undo(ctx, owner, act.ID))
		if p, err := h.posts.One(ctx, mod, on.ID); err != nil || p.State != post.Live {
			t.Errorf("it is back as %q, %v", p.State, err)
		}
		own := h.wrote(t, owner, 7, "mine")
		h.must(t, h.posts.Delete(ctx, owner, own.ID))
		if _, err := h.posts.One(ctx, owner, own.ID); exit.KindOf(err) != exit.NotFound {
			t.Errorf("one's own post is deleted as before: %v", err)
		}
	})
}

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
	})
}

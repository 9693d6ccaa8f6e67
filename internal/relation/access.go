package relation

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/who"
)

// sees says whether a viewer may see an owner's lists: whom they follow, who follows them, what
// they liked. One setting says it for all three.
func sees(viewer, owner who.ID, by SeenBy, follows bool) bool {
	switch {
	case viewer == owner && viewer != 0:
		return true
	case by == ByEveryone:
		return true
	case by == ByFollowers:
		return follows
	}
	return false
}

// MayList refuses, with Forbidden, a viewer who may not see the account's lists.
func (r *Room) MayList(ctx context.Context, v who.Viewer, account who.ID) error {
	by, follows, err := r.store.seenBy(ctx, v.Account, account)
	if err != nil {
		return err
	}
	if !sees(v.Account, account, by, follows) {
		return exit.Fail(exit.Forbidden, "relation.error.hidden")
	}
	return nil
}

package relation

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Friend gives an SQL condition: two accounts follow each other. Both are SQL expressions ("$1", "p.account_id").
func Friend(viewer, account string) string {
	return `exists (select 1 from follows y join follows z on z.follower_id = y.followee_id and z.followee_id = y.follower_id
		where y.follower_id = ` + viewer + ` and y.followee_id = ` + account + `)`
}

// Friends gives those of the accounts that follow the viewer and that the viewer follows, in one query. Blocks end follows; who
// is veiled stays a friend and is not to be shown.
func (r *Room) Friends(ctx context.Context, v who.Viewer, accounts []who.ID) (map[who.ID]bool, error) {
	return r.store.friends(ctx, v.Account, accounts)
}

// SetBell has the viewer be told of what an account that they follow publishes, or not any more. NotFound if they do not follow it.
func (r *Room) SetBell(ctx context.Context, v who.Viewer, account who.ID, on bool) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{account}, Removal: true})
		if err != nil {
			return err
		}
		n, err := r.store.setBell(ctx, pass, v.Account, account, on)
		if err == nil && n == 0 {
			err = exit.Fail(exit.NotFound, "relation.error.bell")
		}
		return err
	})
}

// Bells gives those of the accounts whose bell the viewer has on.
func (r *Room) Bells(ctx context.Context, v who.Viewer, accounts []who.ID) (map[who.ID]bool, error) {
	return r.store.bells(ctx, v.Account, accounts)
}

// FollowersOf gives at most limit accounts above the account after that follow an account, in ascending order: the audience of where it goes. Who is veiled is among
// them.
func (r *Room) FollowersOf(ctx context.Context, account, after who.ID, limit int) ([]who.ID, error) {
	return r.store.followers(ctx, account, after, limit)
}

// Belled gives at most limit accounts above the account after that have a followed account's bell on, in ascending order: the audience
// of what it publishes. Who is veiled is among them.
func (r *Room) Belled(ctx context.Context, account, after who.ID, limit int) ([]who.ID, error) {
	return r.store.belled(ctx, account, after, limit)
}

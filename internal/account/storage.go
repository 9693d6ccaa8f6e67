package account

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/who"
)

// Stored gives how many bytes of files a room keeps for accounts, in one bounded query; accounts without any may be left out.
type Stored func(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error)

// Used gives how many bytes of files accounts have: what they posted, their pictures, archives made for them and archives that they brought.
func (r *Room) Used(ctx context.Context, accounts ...who.ID) (map[who.ID]int64, error) {
	out := make(map[who.ID]int64, len(accounts))
	if len(accounts) == 0 {
		return out, nil
	}
	for _, of := range append([]Stored{r.store.pictureBytes}, r.Stored...) {
		some, err := of(ctx, accounts)
		if err != nil {
			return nil, err
		}
		for id, n := range some {
			out[id] += n
		}
	}
	return out, nil
}

// Quota gives how many bytes of files an account may have; 0: as many as it likes.
func (r *Room) Quota(ctx context.Context) (int64, error) {
	s, err := r.settings(ctx)
	return s.Quota, err
}

// RoomFor is a Conflict where an account has no room left for so many bytes more: rooms ask it before they keep a picture. Taking a copy
// along never asks. What is measured and what is kept are not one transaction: two uploads at once can pass the bound by one of them.
func (r *Room) RoomFor(ctx context.Context, account who.ID, more int64) error {
	s, err := r.settings(ctx)
	if err != nil || s.Quota == 0 {
		return err
	}
	used, err := r.Used(ctx, account)
	if err != nil {
		return err
	}
	if used[account]+more > s.Quota {
		return exit.Fail(exit.Conflict, "account.error.quota", "Used", megabytes(used[account]), "Quota", megabytes(s.Quota))
	}
	return nil
}

// megabytes rounds up: what is used is not told smaller than it is.
func megabytes(n int64) int64 { return (n + 1<<20 - 1) >> 20 }

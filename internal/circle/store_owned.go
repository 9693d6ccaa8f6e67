package circle

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Owned gives the circles that an account answers for as owner or co-owner, within a scope ("" and "circle": all of them, "circle:7": that one), in the words of a
// subject's part.
func (r *Room) Owned(ctx context.Context, account who.ID, scope string) ([]string, error) {
	ids, err := r.store.answersFor(ctx, account)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, id := range ids {
		if part := Name + ":" + id.String(); scope == "" || scope == Name || scope == part {
			out = append(out, part)
		}
	}
	return out, nil
}

// answersFor gives the circles that an account runs and that have not ended.
func (s store) answersFor(ctx context.Context, account who.ID) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select c.id from circle_members m join circles c on c.id = m.circle_id
		where m.account_id = $1 and m.role in ('owner', 'co_owner') and m.state = 'active' and c.state = 'open' order by c.id`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("read circles owned: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (id who.ID, err error) {
		err = r.Scan((*int64)(&id))
		return id, err
	})
}

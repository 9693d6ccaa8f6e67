package talk

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// turn changes the state of those of the comments that are in one state to another, and adds n for each to what its thing counts.
func (s store) turn(ctx context.Context, pass service.Pass, ids []who.ID, from, to string, n int, counted []service.Kind) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	list, args := service.In(2, ids)
	for _, k := range counted {
		which := `select ref_id from comments where ref_kind = '` + k.Name + `' and state = $1 and moment is null and id in (` + list + `)`
		things, err := s.refs(ctx, which, append([]any{from}, args...)...)
		if err != nil {
			return err
		}
		same := map[int][]who.ID{}
		for id, times := range things {
			same[times] = append(same[times], id)
		}
		for times, ids := range same {
			if err := s.count(ctx, pass, k, "comments", ids, n*times); err != nil {
				return err
			}
		}
	}
	list, args = service.In(3, ids)
	if _, err := s.db.Exec(ctx, `update comments set state = $1 where state = $2 and id in (`+list+`)`, append([]any{to, from}, args...)...); err != nil {
		return fmt.Errorf("change state of comments: %w", err)
	}
	return nil
}

// refs gives the ids that a query lists, and how often.
func (s store) refs(ctx context.Context, query string, args ...any) (map[who.ID]int, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read what comments are about: %w", err)
	}
	out := map[who.ID]int{}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var id int64
		err := r.Scan(&id)
		out[who.ID(id)]++
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what comments are about: %w", err)
	}
	return out, nil
}

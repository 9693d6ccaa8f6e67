package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func (s store) addSpread(ctx context.Context, p service.Pass, id who.ID, n News) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	var by any
	if n.By != 0 {
		by = int64(n.By)
	}
	if _, err := s.db.Exec(ctx, `insert into notice_spreads (id, kind, by_id, ref_kind, ref_id, service, place_id, reached, created_at) values ($1, $2, $3, $4, $5, $6, $7, 0, $8)`,
		int64(id), string(n.Kind), by, n.On.Kind, int64(n.On.ID), n.Service, int64(n.Place), db.Ms(p.At)); err != nil {
		return fmt.Errorf("store news: %w", err)
	}
	return nil
}

// spread gives news and the account up to which it has come, and keeps it from other workers until the transaction ends.
func (s store) spread(ctx context.Context, id who.ID) (n News, reached who.ID, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select kind, coalesce(by_id, 0), ref_kind, ref_id, service, place_id, reached from notice_spreads where id = $1`+s.db.ForUpdate(), int64(id)).
		Scan((*string)(&n.Kind), (*int64)(&n.By), &n.On.Kind, (*int64)(&n.On.ID), &n.Service, (*int64)(&n.Place), (*int64)(&reached))
	if errors.Is(err, sql.ErrNoRows) {
		return n, 0, false, nil
	}
	if err != nil {
		return n, 0, false, fmt.Errorf("read news: %w", err)
	}
	return n, reached, true, nil
}

func (s store) reachSpread(ctx context.Context, p service.Pass, id, reached who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update notice_spreads set reached = $2 where id = $1`, int64(id), int64(reached)); err != nil {
		return fmt.Errorf("store how far news has come: %w", err)
	}
	return nil
}

// endSpread forgets news that has come to its end. It writes for nobody.
func (s store) endSpread(ctx context.Context, id who.ID) error {
	if _, err := s.db.Exec(ctx, `delete from notice_spreads where id = $1`, int64(id)); err != nil {
		return fmt.Errorf("end news: %w", err)
	}
	return nil
}

// frozen gives those of the accounts that as a whole take no writes: who is asleep or leaves is told nothing.
func (s store) frozen(ctx context.Context, accounts []who.ID) ([]who.ID, error) {
	list, args := service.In(1, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select distinct account_id from reasons where what = 'freeze' and scope = '' and account_id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read freezes: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { return id, r.Scan((*int64)(&id)) })
	if err != nil {
		return nil, fmt.Errorf("read freezes: %w", err)
	}
	return ids, nil
}

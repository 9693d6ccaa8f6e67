package sunset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// keyOf gives the key of an error's sentence, "" for what has none.
func keyOf(err error) string {
	var e *exit.Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}

// underWay counts the archives that are asked for and not packed.
func (s store) underWay(ctx context.Context, sunset who.ID) (n int, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from sunset_exports where sunset_id = $1 and state = 'asked'`, int64(sunset)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count archives: %w", err)
	}
	return n, nil
}

// exportState gives the state of one archive, "" where it was not asked for.
func (s store) exportState(ctx context.Context, sunset, account who.ID, part string) (state string, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select state from sunset_exports where sunset_id = $1 and account_id = $2 and part = $3`, int64(sunset), int64(account), part).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read archive: %w", err)
	}
	return state, nil
}

func (s store) addExport(ctx context.Context, id, sunset, account who.ID, part, run, state string, now time.Time) error {
	if _, err := s.db.Exec(ctx, `insert into sunset_exports (id, sunset_id, account_id, part, run, state, asked_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (sunset_id, account_id, part) do update set run = excluded.run, state = excluded.state`,
		int64(id), int64(sunset), int64(account), part, run, state, db.Ms(now)); err != nil {
		return fmt.Errorf("note archive: %w", err)
	}
	return nil
}

// waitingFor gives archives that wait for one of their owner's own.
func (s store) waitingFor(ctx context.Context, sunset who.ID, limit int) ([]waitingExport, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select account_id, part from sunset_exports where sunset_id = $1 and state = 'waiting' order by id limit $2`, int64(sunset), limit)
	if err != nil {
		return nil, fmt.Errorf("read archives: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (x waitingExport, err error) {
		err = r.Scan((*int64)(&x.account), &x.part)
		return x, err
	})
}

type waitingExport struct {
	account who.ID
	part    string
}

// retryWaiting asks again for what had to wait, and gives how many still do.
func (r *Room) retryWaiting(ctx context.Context, s Sunset) (int, error) {
	list, err := r.store.waitingFor(ctx, s.ID, atATime)
	if err != nil {
		return 0, err
	}
	for _, x := range list {
		part, words := x.part, ""
		if place, ok := cutWhole(part); ok {
			part, words = place, leave.Packing{Media: true, Whole: true}.Words()
		}
		if err := r.askFor(ctx, s, x.account, part, words); err != nil {
			return 0, err
		}
	}
	list, err = r.store.waitingFor(ctx, s.ID, 1)
	return len(list), err
}

// packed hears, in the transaction that makes it exist, that a run's archive is whole.
func (r *Room) packed(ctx context.Context, run string, bytes int64) error {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	n, err := r.DB.Exec(ctx, `update sunset_exports set state = 'packed', packed_at = $2, bytes = $3 where run = $1 and state = 'asked'`, run, db.Ms(now), bytes)
	if err != nil {
		return fmt.Errorf("note archive: %w", err)
	}
	if n == 0 {
		return nil // somebody's own
	}
	if _, err := r.DB.Exec(ctx, `update sunsets set archives = archives + 1, bytes = bytes + $2 where id = (select sunset_id from sunset_exports where run = $1)`, run, bytes); err != nil {
		return fmt.Errorf("count archive: %w", err)
	}
	return nil
}

// fetched hears that a run's archive was downloaded.
func (r *Room) fetched(ctx context.Context, run string) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		n, err := r.DB.Exec(ctx, `update sunset_exports set fetched_at = $2 where run = $1 and fetched_at is null`, run, db.Ms(now))
		if err != nil || n == 0 {
			return err
		}
		_, err = r.DB.Exec(ctx, `update sunsets set fetched = fetched + 1 where id = (select sunset_id from sunset_exports where run = $1)`, run)
		return err
	})
}

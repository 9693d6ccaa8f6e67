package circle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// readFarewell gives the one farewell of a query; NotFound for none.
func (s store) readFarewell(ctx context.Context, where string, args ...any) (f Farewell, err error) {
	var at, until, offered int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select f.circle_id, f.words, f.link, coalesce(f.account_id, 0), f.created_at, f.offered, coalesce(f.until_at, 0) from circle_farewells f where `+where, args...).
		Scan((*int64)(&f.Circle), &f.Words, &f.Link, (*int64)(&f.By), &at, &offered, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return f, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return f, fmt.Errorf("read farewell: %w", err)
	}
	f.At, f.Offered = db.Time(at), offered == 1
	if until != 0 {
		f.Until = db.Time(until)
	}
	return f, nil
}

// farewell gives what was left in a circle.
func (s store) farewell(ctx context.Context, id who.ID, now time.Time) (Farewell, error) {
	return s.readFarewell(ctx, `f.circle_id = $1 and (f.until_at is null or f.until_at > $2)`, int64(id), db.Ms(now))
}

// farewellGone gives what was left in a circle that nobody can open any more. What the operator has out of sight stays so.
func (s store) farewellGone(ctx context.Context, id who.ID, now time.Time) (Farewell, error) {
	return s.readFarewell(ctx, `f.circle_id = $1 and (f.until_at is null or f.until_at > $2)
		and not exists (select 1 from circles c where c.id = f.circle_id and (c.withheld_at is not null or c.state <> 'ended'
			and not exists (select 1 from shut z where z.scope in ('', 'circle') or z.scope = 'circle:' || f.circle_id)))`, int64(id), db.Ms(now))
}

// putFarewell keeps what is left in a circle, in the place of what was left before.
func (s store) putFarewell(ctx context.Context, pass service.Pass, f Farewell) error {
	if err := s.dropFarewell(ctx, pass, f.Circle); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `insert into circle_farewells (circle_id, account_id, words, link, offered, created_at) values ($1, $2, $3, $4, $5, $6)`,
		int64(f.Circle), int64(f.By), f.Words, f.Link, flag(f.Offered), db.Ms(f.At)); err != nil {
		return fmt.Errorf("store farewell: %w", err)
	}
	return nil
}

func (s store) dropFarewell(ctx context.Context, pass service.Pass, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from circle_farewells where circle_id = $1`, int64(id)); err != nil {
		return fmt.Errorf("delete farewell: %w", err)
	}
	return nil
}

// offerMove notes that the members were told.
func (s store) offerMove(ctx context.Context, pass service.Pass, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update circle_farewells set offered = 1 where circle_id = $1`, int64(id)); err != nil {
		return fmt.Errorf("note that members were told: %w", err)
	}
	return nil
}

// sweepFarewells removes what has come to its end.
func (s store) sweepFarewells(ctx context.Context, now time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from circle_farewells where circle_id in (select circle_id from circle_farewells where until_at is not null and until_at <= $1
		order by until_at, circle_id limit $2)`, db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep farewells: %w", err)
	}
	return n, nil
}

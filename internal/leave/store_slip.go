package leave

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
)

// addSlip stores the hash of a new run's slip.
func (l *Room) addSlip(ctx context.Context, run, hash string) error {
	if _, err := l.DB.Exec(ctx, `insert into slips (run, hash) values ($1, $2)`, run, hash); err != nil {
		return fmt.Errorf("store slip: %w", err)
	}
	return nil
}

// restoreSlip stores a slip as it was; until is zero while its end is not fixed.
func (l *Room) restoreSlip(ctx context.Context, run, hash string, until time.Time) error {
	end := sql.NullInt64{Int64: db.Ms(until), Valid: !until.IsZero()}
	if _, err := l.DB.Exec(ctx, `insert into slips (run, hash, until) values ($1, $2, $3) on conflict (run) do update set until = excluded.until`, run, hash, end); err != nil {
		return fmt.Errorf("store slip: %w", err)
	}
	return nil
}

// endSlip fixes until when a run's slip is good.
func (l *Room) endSlip(ctx context.Context, run string, end time.Time) error {
	if _, err := l.DB.Exec(ctx, `update slips set until = $1 where run = $2`, db.Ms(end), run); err != nil {
		return fmt.Errorf("date slip: %w", err)
	}
	return nil
}

// slipEnd gives until when a run's slip is good; zero while that is not fixed.
func (l *Room) slipEnd(ctx context.Context, run string) (time.Time, error) {
	var until sql.NullInt64
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select until from slips where run = $1`, run).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !until.Valid {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read slip: %w", err)
	}
	return db.Time(until.Int64), nil
}

// runOfSlip gives the run whose slip has the hash; NotFound for none, or one that is over.
func (l *Room) runOfSlip(ctx context.Context, hash string, now time.Time) (run string, err error) {
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select run from slips where hash = $1 and (until is null or until > $2)`, hash, db.Ms(now)).Scan(&run)
	if errors.Is(err, sql.ErrNoRows) {
		return "", exit.Fail(exit.NotFound, "leave.error.no_slip")
	}
	if err != nil {
		return "", fmt.Errorf("read slip: %w", err)
	}
	return run, nil
}

// sweepSlips forgets the slips that are over.
func (l *Room) sweepSlips(ctx context.Context, now time.Time) error {
	if _, err := l.DB.Exec(ctx, `delete from slips where until is not null and until <= $1`, db.Ms(now)); err != nil {
		return fmt.Errorf("forget slips: %w", err)
	}
	return nil
}

// sweepHeldNames frees the names whose term is over.
func (l *Room) sweepHeldNames(ctx context.Context, now time.Time) error {
	if _, err := l.DB.Exec(ctx, `delete from held_names where until <= $1`, db.Ms(now)); err != nil {
		return fmt.Errorf("free names: %w", err)
	}
	return nil
}

// heldName gives the keyed hash of the name that a run holds, and until when; "" if it holds none.
func (l *Room) heldName(ctx context.Context, run string) (hash string, until int64, err error) {
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select hash, until from held_names where run = $1`, run).Scan(&hash, &until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", 0, fmt.Errorf("read held name: %w", err)
	}
	return hash, until, nil
}

// restoreHeldName holds a name as it was held.
func (l *Room) restoreHeldName(ctx context.Context, run, hash string, until int64) error {
	if _, err := l.DB.Exec(ctx, `insert into held_names (hash, until, run) values ($1, $2, $3) on conflict (hash) do nothing`, hash, until, run); err != nil {
		return fmt.Errorf("hold name again: %w", err)
	}
	return nil
}

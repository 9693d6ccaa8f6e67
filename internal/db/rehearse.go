package db

import (
	"context"
	"fmt"
	"time"

	"exeunt/exit/exitsql"
)

// Rehearse turns the copy of an install, with all its accounts, into a trial install whose promise clock stands at an instant, be it earlier or later. It is for
// copies alone, in which something is tried out: on the install itself dates that were promised would be dates no more.
func (d *DB) Rehearse(ctx context.Context, at time.Time) error {
	return d.Update(ctx, func(ctx context.Context) error {
		now, err := d.Now(ctx)
		if err != nil {
			return err
		}
		if _, err := d.Exec(ctx, `update clock_offset set ms = ms + $1, trial = 1 where id = 1`, at.Sub(now).Milliseconds()); err != nil {
			return fmt.Errorf("set the copy's clock: %w", err)
		}
		exitsql.AfterCommit(ctx, func() { d.trial = true })
		return nil
	})
}

package exitsql

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ofSomebody are runs of accounts and people.
const ofSomebody = `(subject like 'account:%' or subject like 'person:%')`

// ForgetAll drops the subjects of up to limit runs of accounts and people, and what their steps tell of them: their install has ended, and all of
// them are gone. Of a run that is still open nothing is left to do: it ends as cancelled at now. It gives how many runs it went over.
func (s *Store) ForgetAll(ctx context.Context, now time.Time, limit int) (runs int64, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `select id, 0 from exit_runs where `+ofSomebody+` order by id limit $1`+s.lock(), limit)
		if err != nil {
			return err
		}
		found, err := numbers(rows)
		if err != nil || len(found) == 0 {
			return err
		}
		runs = int64(len(found))
		ids := slices.Sorted(maps.Keys(found))
		var a list
		at, which := a.add(millis(now)), in(&a, ids)
		if _, err := tx.ExecContext(ctx, `update exit_runs set state = 'cancelled', ended = `+at+`, version = version + 1 where state in ('open', 'running') and id in `+which, a.args...); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `update exit_steps set state = 'cancelled', ended = `+at+`, lease = 0 where state in ('waiting', 'running', 'stuck') and run in `+which, a.args...); err != nil {
			return err
		}
		var b list
		return drop(ctx, tx, `id in `+in(&b, ids), b.args...)
	})
	if err != nil {
		return 0, fmt.Errorf("forget all subjects: %w", err)
	}
	return runs, nil
}

// Remembered counts the runs, and the steps of others' runs, that still refer to an account or a person.
func (s *Store) Remembered(ctx context.Context) (n int64, err error) {
	err = reader(ctx, s.Reader).QueryRowContext(ctx, `select (select count(*) from exit_runs where substr(subject, 1, 8) = 'account:' or substr(subject, 1, 7) = 'person:' or owner <> '') + (select count(*) from exit_steps where subject <> '')`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count runs of subjects: %w", err)
	}
	return n, nil
}

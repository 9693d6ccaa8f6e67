package exitsql

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Recall puts down that a step of a run ended at an instant, with what it had done: a database that
// was restored from a backup learns it from elsewhere. A run that is still in cooling-off there is
// past it. A step that has ended, or is not there, is left as it is.
func (s *Store) Recall(ctx context.Context, run, step string, at time.Time, items, bytes int64) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `update exit_runs set state = 'running', began = $1, version = version + 1 where id = $2 and state = 'open'`, millis(at), run); err != nil {
			return fmt.Errorf("recall run %s: %w", run, err)
		}
		rows, err := tx.QueryContext(ctx, `update exit_steps set state = case when act = 'hold' then 'excepted' else 'verified' end, ended = $1, began = case when began = 0 then $1 else began end,
				chunks = case when chunks = 0 and act <> 'begin' then 1 else chunks end, items = case when act = 'begin' then items else $2 end,
				bytes = case when act = 'begin' then bytes else $3 end, cursor = '', lease = 0, problem = ''
			where run = $4 and (step_key = $5 or act = 'begin') and state in ('waiting', 'running', 'stuck') returning run, seq`, millis(at), items, bytes, run, step)
		if err != nil {
			return fmt.Errorf("recall step %s: %w", step, err)
		}
		ended, err := numbers(rows)
		if err != nil {
			return fmt.Errorf("recall step %s: %w", step, err)
		}
		return countDown(ctx, tx, ended)
	})
}

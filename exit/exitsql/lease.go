package exitsql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
)

// Lease implements [exit.RunStore]. Steps whose worker's lease has run out come first.
func (s *Store) Lease(ctx context.Context, now, machine time.Time, ttl time.Duration, limit int) ([]exit.Lease, error) {
	if limit <= 0 {
		return nil, nil
	}
	var out []exit.Lease
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		until := millis(machine.Add(ttl))
		taken, err := s.take(ctx, tx, `state = 'running' and lease <= $3 order by lease`, until, limit, millis(machine))
		if err != nil {
			return err
		}
		if left := limit - len(taken); left > 0 {
			due, err := s.take(ctx, tx, `state = 'waiting' and open = 0 and due <= $3 and retry <= $4 order by due`, until, left, millis(now), millis(machine))
			if err != nil {
				return err
			}
			taken = append(taken, due...)
		}
		out, err = leases(ctx, tx, taken)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lease steps: %w", err)
	}
	return out, nil
}

// take leases the steps that a condition names, with its arguments from $3 on. A worker that was lost has not failed: who goes on is at
// the same attempt.
func (s *Store) take(ctx context.Context, tx *sql.Tx, where string, until int64, limit int, args ...any) ([]*stepRow, error) {
	skip := ""
	if s.Dialect == PostgreSQL {
		skip = " for update skip locked"
	}
	// Materialized: PostgreSQL must not look for the rows once more while it changes them.
	rows, err := tx.QueryContext(ctx, `with taken as materialized (select run, seq from exit_steps where `+where+` limit $2`+skip+`)
		update exit_steps set state = 'running', lease = $1, fence = fence + 1, attempts = attempts + case when state = 'waiting' then 1 else 0 end
		where (run, seq) in (select run, seq from taken)
		returning `+stepFields, append([]any{until, limit}, args...)...)
	if err != nil {
		return nil, err
	}
	steps, err := scanSteps(rows)
	slices.SortFunc(steps, func(a, b *stepRow) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.run, b.run), cmp.Compare(a.Seq, b.Seq))
	})
	return steps, err
}

// leases gives the steps their runs, and their plans where they need them.
func leases(ctx context.Context, tx *sql.Tx, steps []*stepRow) ([]exit.Lease, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	planned := map[string]bool{}
	for _, s := range steps {
		planned[s.run] = planned[s.run] || s.planned
	}
	var all, withPlan []string
	for id, p := range planned {
		all = append(all, id)
		if p {
			withPlan = append(withPlan, id)
		}
	}
	var l list
	found, err := runs(ctx, tx, `id in `+in(&l, all), l.args...)
	if err != nil {
		return nil, err
	}
	siblings, err := stepsOf(ctx, tx, withPlan)
	if err != nil {
		return nil, err
	}
	byID := map[string]exit.Run{}
	for _, r := range found {
		if planned[r.ID] {
			if err := r.unpack(siblings[r.ID]); err != nil {
				return nil, err
			}
		}
		byID[r.ID] = r.Run
	}
	out := make([]exit.Lease, len(steps))
	for i, s := range steps {
		out[i] = exit.Lease{Run: byID[s.run], Step: s.StepStatus, Fence: s.fence, Until: s.until}
	}
	return out, nil
}

// Renew implements [exit.RunStore].
func (s *Store) Renew(ctx context.Context, l exit.Lease, until time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `update exit_steps set lease = $1 where run = $2 and seq = $3 and fence = $4 and state = 'running'`,
			millis(until), l.Run.ID, l.Step.Seq, l.Fence)
		return held(res, err, "renew lease")
	})
}

// held answers Lost when a statement that asked for the lease changed nothing.
func held(res sql.Result, err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if n == 0 {
		return exit.Lost()
	}
	return nil
}

// Chunk implements [exit.RunStore].
func (s *Store) Chunk(ctx context.Context, l exit.Lease, now time.Time, fn func(ctx context.Context, s exit.StepStatus) (exit.Progress, error)) (exit.StepStatus, error) {
	var out exit.StepStatus
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.lockRun(ctx, tx, l.Run.ID); err != nil {
			return err
		}
		step, err := scanStep(tx.QueryRowContext(ctx, `select `+stepFields+` from exit_steps
			where run = $1 and seq = $2 and fence = $3 and state = 'running'`+s.lock(), l.Run.ID, l.Step.Seq, l.Fence))
		if errors.Is(err, sql.ErrNoRows) {
			return exit.Lost()
		}
		if err != nil {
			return fmt.Errorf("read step %s: %w", l.Step.Key, err)
		}
		p, err := fn(ctx, step.StepStatus)
		if err != nil {
			return err
		}
		out = step.StepStatus
		if out.Chunks == 0 {
			out.Began = instant(millis(now))
		}
		out.Chunks, out.Items, out.Bytes, out.Cursor = out.Chunks+1, out.Items+p.Items, out.Bytes+p.Bytes, p.Cursor
		out.Uncounted = out.Uncounted || p.Uncounted
		_, err = tx.ExecContext(ctx, `update exit_steps set began = $1, chunks = $2, items = $3, bytes = $4, cursor = $5, uncounted = $6
			where run = $7 and seq = $8`, millis(out.Began), out.Chunks, out.Items, out.Bytes, out.Cursor, flag(out.Uncounted), l.Run.ID, l.Step.Seq)
		if err != nil {
			return fmt.Errorf("put down a chunk of %s: %w", l.Step.Key, err)
		}
		return nil
	})
	return out, err
}

package exitsql

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"exeunt/exit"
)

// Alter implements [exit.RunStore]. Every call counts the version up. A step that was to be
// cancelled and has erased something meanwhile is a Conflict as well.
func (s *Store) Alter(ctx context.Context, id string, version int, to exit.Alteration) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := turn(ctx, tx, id, version, to); err != nil {
			return err
		}
		if err := cancel(ctx, tx, id, to); err != nil {
			return err
		}
		if len(to.DueNow) > 0 {
			var a list
			_, err := tx.ExecContext(ctx, `update exit_steps set due = `+a.add(millis(to.Now))+`, retry = 0, attempts = 0, gated = 0,
				state = case when state = 'stuck' then 'waiting' else state end
				where run = `+a.add(id)+` and state in ('waiting', 'running', 'stuck') and step_key in `+in(&a, to.DueNow), a.args...)
			if err != nil {
				return fmt.Errorf("date steps: %w", err)
			}
		}
		if err := date(ctx, tx, id, to.Due); err != nil {
			return err
		}
		if err := amend(ctx, tx, id, to.Add); err != nil {
			return err
		}
		return forget(ctx, tx, id, to)
	})
}

// turn changes the run's own row, which also locks it.
func turn(ctx context.Context, tx *sql.Tx, id string, version int, to exit.Alteration) error {
	var a list
	set := `version = version + 1`
	if to.State != "" {
		set += `, state = ` + a.add(string(to.State))
	}
	switch to.State {
	case exit.RunRunning:
		set += `, began = ` + a.add(millis(to.Now))
	case exit.RunSealed, exit.RunCancelled, exit.RunReturned:
		set += `, ended = ` + a.add(millis(to.Now))
	default: // no run goes back to cooling-off
	}
	res, err := tx.ExecContext(ctx, `update exit_runs set `+set+` where id = `+a.add(id)+` and version = `+a.add(version), a.args...)
	if err != nil {
		return fmt.Errorf("change run %s: %w", id, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("change run %s: %w", id, err)
	}
	if n == 1 {
		return nil
	}
	var one int
	if err := tx.QueryRowContext(ctx, `select 1 from exit_runs where id = $1`, id).Scan(&one); err != nil {
		return fmt.Errorf("change run %s: %w", id, found(err))
	}
	return exit.Fail(exit.Conflict, "error.run_changed")
}

// cancel drops steps. One that a worker has just taken loses its lease.
func cancel(ctx context.Context, tx *sql.Tx, id string, to exit.Alteration) error {
	if len(to.Cancel) == 0 {
		return nil
	}
	const erasing = `act in ('erase', 'detach', 'hold') and (chunks > 0 or state in ('verified', 'excepted', 'satisfied'))`
	var a list
	at, run, keys := a.add(millis(to.Now)), a.add(id), in(&a, to.Cancel)
	rows, err := tx.QueryContext(ctx, `update exit_steps set state = 'cancelled', ended = `+at+`, lease = 0
		where run = `+run+` and step_key in `+keys+` and state in ('waiting', 'running', 'stuck') and not (`+erasing+`)
		returning run, seq`, a.args...)
	if err != nil {
		return fmt.Errorf("cancel steps: %w", err)
	}
	ended, err := numbers(rows)
	if err != nil {
		return fmt.Errorf("cancel steps: %w", err)
	}
	var b list
	run, keys = b.add(id), in(&b, to.Cancel)
	var begun int
	err = tx.QueryRowContext(ctx, `select count(*) from exit_steps where run = `+run+` and step_key in `+keys+` and `+erasing, b.args...).Scan(&begun)
	if err != nil {
		return fmt.Errorf("cancel steps: %w", err)
	}
	if begun > 0 {
		return exit.Fail(exit.Conflict, "error.run_changed")
	}
	return countDown(ctx, tx, ended)
}

// amend adds steps; the seal waits for them too.
func amend(ctx context.Context, tx *sql.Tx, id string, steps []exit.StepStatus) error {
	if len(steps) == 0 {
		return nil
	}
	all, err := stepsOf(ctx, tx, []string{id})
	if err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	known := map[string]exit.StepStatus{}
	seal := -1
	for _, s := range all[id] {
		known[s.Key] = s
		if s.Act == exit.ActSeal && !s.State.Ended() {
			seal = s.Seq
		}
	}
	if err := insertSteps(ctx, tx, id, steps, known); err != nil {
		return err
	}
	if seal < 0 {
		return nil
	}
	pairs := make([][2]int, len(steps))
	for i, s := range steps {
		pairs[i] = [2]int{s.Seq, seal}
	}
	if err := insertNeeds(ctx, tx, id, pairs); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `update exit_steps set open = open + $1 where run = $2 and seq = $3`, len(steps), id, seal); err != nil {
		return fmt.Errorf("have the seal wait: %w", err)
	}
	return nil
}

// forget drops the subject from the run, and with a whole subject from all runs of it: the others
// when they have ended and nothing of them goes on.
func forget(ctx context.Context, tx *sql.Tx, id string, to exit.Alteration) error {
	if !to.Forget {
		if to.State == "" || to.State.Open() {
			return nil
		}
		return forgetEnded(ctx, tx, `id = $1`, id)
	}
	var subject, part string
	if err := tx.QueryRowContext(ctx, `select subject, part from exit_runs where id = $1`, id).Scan(&subject, &part); err != nil {
		return fmt.Errorf("forget subject: %w", err)
	}
	if subject != "" && part == "" {
		if _, err := tx.ExecContext(ctx, `update exit_runs set forgets = 1 where subject = $1 and subject <> ''`, subject); err != nil {
			return fmt.Errorf("forget subject: %w", err)
		}
		if err := forgetEnded(ctx, tx, `subject = $1`, subject); err != nil {
			return err
		}
	}
	return drop(ctx, tx, `id = $1`, id)
}

// forgetEnded drops the subject from those of the runs whose subject is gone and that do nothing more.
func forgetEnded(ctx context.Context, tx *sql.Tx, where, arg string) error {
	return drop(ctx, tx, where+` and subject <> '' and forgets = 1 and state not in ('open', 'running') and not exists (
		select 1 from exit_steps s where s.run = exit_runs.id and s.state in ('waiting', 'running', 'stuck'))`, arg)
}

func drop(ctx context.Context, tx *sql.Tx, where string, args ...any) error {
	rows, err := tx.QueryContext(ctx, `update exit_runs set subject = '', part = '', owner = '' where `+where+` returning id, 0`, args...)
	if err != nil {
		return fmt.Errorf("forget subject: %w", err)
	}
	dropped, err := numbers(rows)
	if err != nil {
		return fmt.Errorf("forget subject: %w", err)
	}
	if len(dropped) == 0 {
		return nil
	}
	var a list
	_, err = tx.ExecContext(ctx, `update exit_steps set subject = '', choice = '', cursor = '' where run in `+in(&a, slices.Sorted(maps.Keys(dropped))), a.args...)
	if err != nil {
		return fmt.Errorf("forget subject: %w", err)
	}
	return nil
}

// ForgetHeir empties exit_steps.choice where it names an heir who is gone, and says in how many
// steps it did. What was offered to them is the holders' to withdraw.
func (s *Store) ForgetHeir(ctx context.Context, heir string) (steps int64, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `update exit_steps set choice = '' where act in ('offer', 'withdraw') and choice = $1`, heir)
		if err != nil {
			return err
		}
		steps, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget heir: %w", err)
	}
	return steps, nil
}

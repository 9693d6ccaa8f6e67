package exitsql

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
)

// Settle implements [exit.RunStore].
func (s *Store) Settle(ctx context.Context, l exit.Lease, to exit.Settlement) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.lockRun(ctx, tx, l.Run.ID); err != nil {
			return err
		}
		if err := put(ctx, tx, l, to); err != nil {
			return err
		}
		if !to.State.Ended() {
			return nil
		}
		if err := countDown(ctx, tx, map[string][]int{l.Run.ID: {l.Step.Seq}}); err != nil {
			return err
		}
		if err := date(ctx, tx, l.Run.ID, to.Redate); err != nil {
			return err
		}
		if to.State == exit.StepVerified || to.State == exit.StepExcepted {
			if err := satisfy(ctx, tx, l, to.Now); err != nil {
				return err
			}
		}
		return forgetEnded(ctx, tx, `id = $1`, l.Run.ID)
	})
}

// put changes the step itself, as long as the lease holds.
func put(ctx context.Context, tx *sql.Tx, l exit.Lease, to exit.Settlement) error {
	var a list
	set := `state = ` + a.add(string(to.State)) + `, problem = ` + a.add(to.Problem) + `, lease = 0, gated = ` + a.add(flag(!to.Ask.IsZero()))
	switch {
	case to.State.Ended():
		ended := a.add(millis(to.Now))
		// A cursor may be a key that names somebody; nobody needs it any more.
		set += `, cursor = '', ended = ` + ended + `, began = case when began = 0 then ` + ended + ` else began end, satisfier = ` + a.add(to.Satisfier)
	case to.State == exit.StepStuck:
	case !to.Retry.IsZero():
		set += `, retry = ` + a.add(millis(to.Retry))
	case !to.Ask.IsZero():
		set += `, retry = 0, attempts = 0, due = ` + a.add(millis(to.Ask))
	case !to.Soon.IsZero():
		set += `, retry = 0, attempts = 0, due = ` + a.add(millis(to.Soon))
	default:
		set += `, retry = 0, attempts = 0`
	}
	where := ` where run = ` + a.add(l.Run.ID) + ` and seq = ` + a.add(l.Step.Seq) + ` and fence = ` + a.add(l.Fence) + ` and state = 'running'`
	res, err := tx.ExecContext(ctx, `update exit_steps set `+set+where, a.args...)
	return held(res, err, "settle "+l.Step.Key)
}

// countDown tells the steps that wait for ended ones (run → numbers) that they wait for less.
func countDown(ctx context.Context, tx *sql.Tx, ended map[string][]int) error {
	var a list
	var which []string
	for _, run := range slices.Sorted(maps.Keys(ended)) {
		which = append(which, `(n.run = `+a.add(run)+` and n.needs in `+in(&a, ended[run])+`)`)
	}
	if len(which) == 0 {
		return nil
	}
	these := strings.Join(which, ` or `)
	_, err := tx.ExecContext(ctx, `update exit_steps set open = open
		- (select count(*) from exit_needs n where n.run = exit_steps.run and n.seq = exit_steps.seq and (`+these+`))
		where (run, seq) in (select n.run, n.seq from exit_needs n where `+these+`)`, a.args...)
	if err != nil {
		return fmt.Errorf("count down dependencies: %w", err)
	}
	return nil
}

// date gives waiting steps of a run new dates, by key.
func date(ctx context.Context, tx *sql.Tx, run string, due map[string]time.Time) error {
	if len(due) == 0 {
		return nil
	}
	var a list
	var cases strings.Builder
	keys := slices.Sorted(maps.Keys(due))
	for _, key := range keys {
		cases.WriteString(` when ` + a.add(key) + ` then ` + a.add(millis(due[key])))
	}
	_, err := tx.ExecContext(ctx, `update exit_steps set due = case step_key`+cases.String()+` else due end, gated = 0
		where run = `+a.add(run)+` and state = 'waiting' and step_key in `+in(&a, keys), a.args...)
	if err != nil {
		return fmt.Errorf("date steps: %w", err)
	}
	return nil
}

// covered names the acts of other runs' steps that an erasure or a detachment leaves nothing to do for.
var covered = map[exit.Act][]string{
	exit.ActErase:  {string(exit.ActErase), string(exit.ActDetach)},
	exit.ActDetach: {string(exit.ActDetach)},
}

// satisfy ends the steps of other open runs for which this one's erasure leaves nothing to do.
func satisfy(ctx context.Context, tx *sql.Tx, l exit.Lease, now time.Time) error {
	acts := covered[l.Step.Act]
	subject, err := effective(l.Run.Subject.String(), l.Step.Subject)
	// A step that a choice narrows (one archive of several) leaves the others' work to do.
	if err != nil || acts == nil || subject.Kind == "" || l.Step.Choice != "" {
		return err
	}
	var a list
	whole := a.add(subject.Whole().String())
	rows, err := tx.QueryContext(ctx, `select s.run, s.seq, s.subject, r.subject, r.part from exit_steps s join exit_runs r on r.id = s.run
		where s.run in (select id from exit_runs where subject = `+whole+` and subject <> '' and state in ('open', 'running')
			union select run from exit_steps where subject = `+whole+` and subject <> '')
		and r.state in ('open', 'running') and s.run <> `+a.add(l.Run.ID)+`
		and s.state = 'waiting' and s.chunks = 0 and s.holder = `+a.add(l.Step.Holder)+` and s.class = `+a.add(l.Step.Class)+`
		and s.act in `+in(&a, acts), a.args...)
	if err != nil {
		return fmt.Errorf("find what else it satisfies: %w", err)
	}
	others, err := coveredBy(subject, rows)
	if err != nil || len(others) == 0 {
		return err
	}
	return endOthers(ctx, tx, others, l.Run.ID+" "+l.Step.Key, now)
}

// effective gives the subject of a step: its own, else its run's.
func effective(run, own string) (exit.Subject, error) {
	if own != "" {
		return exit.ParseSubject(own)
	}
	return exit.ParseSubject(run)
}

// coveredBy reads steps (run → numbers) and leaves out those whose subject reaches further.
func coveredBy(subject exit.Subject, rows *sql.Rows) (map[string][]int, error) {
	defer rows.Close()
	out := map[string][]int{}
	for rows.Next() {
		var run, own, whole, part string
		var seq int
		if err := rows.Scan(&run, &seq, &own, &whole, &part); err != nil {
			return nil, err
		}
		other, err := effective(whole, own)
		if err != nil {
			return nil, err
		}
		if own == "" {
			other.In = part
		}
		if subject.Covers(other) {
			out[run] = append(out[run], seq)
		}
	}
	return out, rows.Err()
}

func endOthers(ctx context.Context, tx *sql.Tx, others map[string][]int, satisfier string, now time.Time) error {
	var a list
	at := a.add(millis(now))
	set := `update exit_steps set state = 'satisfied', began = ` + at + `, ended = ` + at + `, satisfier = ` + a.add(satisfier)
	var which []string
	for _, run := range slices.Sorted(maps.Keys(others)) {
		which = append(which, `(run = `+a.add(run)+` and seq in `+in(&a, others[run])+`)`)
	}
	rows, err := tx.QueryContext(ctx, set+` where state = 'waiting' and chunks = 0 and (`+strings.Join(which, ` or `)+`) returning run, seq`, a.args...)
	if err != nil {
		return fmt.Errorf("satisfy steps of other runs: %w", err)
	}
	ended, err := numbers(rows)
	if err != nil {
		return fmt.Errorf("satisfy steps of other runs: %w", err)
	}
	return countDown(ctx, tx, ended)
}

// numbers reads pairs of run and number.
func numbers(rows *sql.Rows) (map[string][]int, error) {
	defer rows.Close()
	out := map[string][]int{}
	for rows.Next() {
		var run string
		var seq int
		if err := rows.Scan(&run, &seq); err != nil {
			return nil, err
		}
		out[run] = append(out[run], seq)
	}
	return out, rows.Err()
}

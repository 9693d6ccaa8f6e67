package exitsql

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"exeunt/exit"
)

const runColumns = `id, subject, part, owner, journey, state, agreed_by, hash, plan, policy, agreed, began, ended, version`

// row is a run as it is stored.
type row struct {
	exit.Run
	owner, plan string
}

type scanner interface{ Scan(dest ...any) error }

func scanRun(from scanner) (*row, error) {
	var r row
	var subject, part string
	var agreed, began, ended int64
	err := from.Scan(&r.ID, &subject, &part, &r.owner, &r.Journey, &r.State, &r.By, &r.Hash, &r.plan, &r.Policy, &agreed, &began, &ended, &r.Version)
	if err != nil {
		return nil, err
	}
	if r.Subject, err = exit.ParseSubject(subject); err != nil {
		return nil, fmt.Errorf("read run %s: %w", r.ID, err)
	}
	r.Subject.In = part
	r.Agreed, r.Began, r.Ended = instant(agreed), instant(began), instant(ended)
	return &r, nil
}

// runs gives the runs that a condition names, in its order.
func runs(ctx context.Context, q Queryer, where string, args ...any) ([]*row, error) {
	rows, err := q.QueryContext(ctx, `select `+runColumns+` from exit_runs where `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*row
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// unpack gives the run its plan. Steps are those of its rows.
func (r *row) unpack(steps []exit.StepStatus) error {
	if r.plan == "" {
		return nil
	}
	var p exit.Plan
	if err := json.Unmarshal([]byte(r.plan), &p); err != nil {
		return fmt.Errorf("read plan of run %s: %w", r.ID, err)
	}
	p.Subject, p.At = r.Subject.String(), r.Agreed
	if p.Steps == nil {
		p.Steps = make([]exit.Step, 0, len(steps))
		for _, s := range steps {
			if !s.Amended {
				s.Gated = false
				p.Steps = append(p.Steps, s.Step)
			}
		}
	}
	for i := range p.Steps {
		if p.Steps[i].Subject == ownerMark {
			p.Steps[i].Subject = r.owner
		}
	}
	r.Plan = &p
	return nil
}

// stepFields are the columns that scanStep reads.
const stepFields = `run, seq, subject, choice, detail, state, due, lease, fence, attempts, gated, planned, amended,
	began, ended, chunks, items, bytes, cursor, uncounted, problem, satisfier`

// stepRow is a step as it is stored.
type stepRow struct {
	exit.StepStatus
	run     string
	fence   int64
	until   time.Time
	planned bool
}

func scanStep(from scanner) (*stepRow, error) {
	var s stepRow
	var subject, choice, detail string
	var due, lease, began, ended int64
	var gated bool
	err := from.Scan(&s.run, &s.Seq, &subject, &choice, &detail, &s.State, &due, &lease, &s.fence, &s.Attempts, &gated, &s.planned, &s.Amended,
		&began, &ended, &s.Chunks, &s.Items, &s.Bytes, &s.Cursor, &s.Uncounted, &s.Problem, &s.Satisfier)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(detail), &s.Step); err != nil {
		return nil, fmt.Errorf("read step %d of run %s: %w", s.Seq, s.run, err)
	}
	s.Subject, s.Choice, s.Gated = subject, choice, gated
	s.At, s.until, s.Began, s.Ended = instant(due), instant(lease), instant(began), instant(ended)
	return &s, nil
}

func scanSteps(rows *sql.Rows) ([]*stepRow, error) {
	defer rows.Close()
	var out []*stepRow
	for rows.Next() {
		s, err := scanStep(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// stepsOf gives the steps of runs in order, by run.
func stepsOf(ctx context.Context, q Queryer, ids []string) (map[string][]exit.StepStatus, error) {
	out := map[string][]exit.StepStatus{}
	if len(ids) == 0 {
		return out, nil
	}
	var l list
	rows, err := q.QueryContext(ctx, `select `+stepFields+` from exit_steps where run in `+in(&l, ids)+` order by run, seq`, l.args...)
	if err != nil {
		return nil, err
	}
	steps, err := scanSteps(rows)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		out[s.run] = append(out[s.run], s.StepStatus)
	}
	return out, nil
}

// Load implements [exit.RunStore].
func (s *Store) Load(ctx context.Context, id string) (exit.Run, []exit.StepStatus, error) {
	facts, err := s.facts(ctx, `id = $1`, id)
	if err != nil {
		return exit.Run{}, nil, fmt.Errorf("read run %s: %w", id, err)
	}
	if len(facts) == 0 {
		return exit.Run{}, nil, exit.Fail(exit.NotFound, "error.no_run")
	}
	return facts[0].Run, facts[0].Steps, nil
}

// Open implements [exit.RunStore].
func (s *Store) Open(ctx context.Context, whole exit.Subject) ([]exit.RunFact, error) {
	facts, err := s.facts(ctx, `subject = $1 and subject <> '' and state in ('open', 'running') order by agreed desc, id desc`, whole.Whole().String())
	if err != nil {
		return nil, fmt.Errorf("read open runs: %w", err)
	}
	return facts, nil
}

func (s *Store) facts(ctx context.Context, where string, args ...any) ([]exit.RunFact, error) {
	q := reader(ctx, s.Reader)
	found, err := runs(ctx, q, where, args...)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(found))
	for i, r := range found {
		ids[i] = r.ID
	}
	steps, err := stepsOf(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := make([]exit.RunFact, len(found))
	for i, r := range found {
		if err := r.unpack(steps[r.ID]); err != nil {
			return nil, err
		}
		out[i] = exit.RunFact{Run: r.Run, Steps: steps[r.ID]}
	}
	return out, nil
}

// Policy implements [exit.RunStore].
func (s *Store) Policy(ctx context.Context, hash string) ([]byte, error) {
	var source []byte
	err := reader(ctx, s.Reader).QueryRowContext(ctx, `select source from exit_policies where hash = $1`, hash).Scan(&source)
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", hash, found(err))
	}
	return source, nil
}

// Next implements [exit.Traveller].
func (s *Store) Next(ctx context.Context) (time.Time, bool, error) {
	var due sql.NullInt64
	err := reader(ctx, s.Reader).QueryRowContext(ctx, `select (select due from exit_steps
		where state = 'waiting' and open = 0 and gated = 0 order by due limit 1)`).Scan(&due)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("find the next date: %w", err)
	}
	return instant(due.Int64), due.Valid, nil
}

// Busy implements [exit.Traveller].
func (s *Store) Busy(ctx context.Context, now time.Time) (int, error) {
	var n int
	err := reader(ctx, s.Reader).QueryRowContext(ctx, `select
		(select count(*) from exit_steps where state = 'waiting' and open = 0 and gated = 0 and due <= $1)
		+ (select count(*) from exit_steps where state = 'running')`, millis(now)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what is due: %w", err)
	}
	return n, nil
}

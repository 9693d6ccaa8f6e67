package exitsql

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"exeunt/exit"
)

// ownerMark stands in a stored plan where the run's owner is meant.
const ownerMark = "@"

// Add implements [exit.RunStore]. A plan names at most one subject besides its own: the owner.
func (s *Store) Add(ctx context.Context, r exit.Run, steps []exit.StepStatus, policy []byte) error {
	plan, owner, err := stripped(r.Plan, steps)
	if err != nil {
		return fmt.Errorf("store run: %w", err)
	}
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into exit_policies (hash, source) values ($1, $2) on conflict (hash) do nothing`, r.Policy, policy)
		if err != nil {
			return fmt.Errorf("store policy: %w", err)
		}
		res, err := tx.ExecContext(ctx, `insert into exit_runs
			(id, subject, part, owner, journey, state, agreed_by, hash, plan, policy, agreed, began, ended, version, forgets)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0) on conflict do nothing`,
			r.ID, r.Subject.Whole().String(), r.Subject.In, owner, string(r.Journey), string(r.State), r.By, r.Hash, plan, r.Policy,
			millis(r.Agreed), millis(r.Began), millis(r.Ended), r.Version)
		if err != nil {
			return fmt.Errorf("store run: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil {
			return fmt.Errorf("store run: %w", err)
		} else if n == 0 {
			return exit.Fail(exit.Conflict, inTheWay(r.Journey))
		}
		known := map[string]exit.StepStatus{}
		return insertSteps(ctx, tx, r.ID, steps, known)
	})
}

func inTheWay(j exit.Journey) string {
	if j == exit.Hibernate {
		return "error.is_hibernating"
	}
	return "error.is_closing"
}

// stripped gives the stored form of a plan: without subjects, and without steps where the rows
// have them all.
func stripped(p *exit.Plan, steps []exit.StepStatus) (text, owner string, err error) {
	if p == nil {
		return "", "", nil
	}
	q := *p
	q.Subject = ""
	q.Steps = slices.Clone(p.Steps)
	for i := range q.Steps {
		own := q.Steps[i].Subject
		q.Steps[i].Choice = ""
		if own == "" {
			continue
		}
		if owner != "" && own != owner {
			return "", "", exit.Fail(exit.Invalid, "error.subjects")
		}
		owner, q.Steps[i].Subject = own, ownerMark
	}
	if slices.EqualFunc(q.Steps, steps, func(a exit.Step, b exit.StepStatus) bool { return a.Key == b.Key }) {
		q.Steps = nil
	}
	b, err := json.Marshal(&q)
	return string(b), owner, err
}

// planned reports which steps a worker can only carry out with the whole plan in hand: those that
// are not an erasure, and those from whose end another one's term counts.
func planned(steps []exit.StepStatus) map[string]bool {
	out := map[string]bool{}
	for _, s := range steps {
		if !s.Act.Irreversible() {
			out[s.Key] = true
		}
		if s.From != "" {
			out[s.From] = true
		}
	}
	return out
}

// mostArgs is how many arguments a statement has at most; SQLite's own limit is 32,766.
const mostArgs = 8000

const stepColumns = `run, seq, step_key, act, holder, class, subject, choice, detail, state, open, due, retry, lease, fence, attempts,
	gated, planned, amended, began, ended, chunks, items, bytes, cursor, uncounted, problem, satisfier`

// insertSteps stores new steps of a run. Known has the run's other steps by key.
func insertSteps(ctx context.Context, tx *sql.Tx, run string, steps []exit.StepStatus, known map[string]exit.StepStatus) error {
	for _, s := range steps {
		known[s.Key] = s
	}
	plans := planned(steps)
	var needs [][2]int
	var rows [][]any
	for _, s := range steps {
		open := 0
		for _, key := range s.After {
			if o, ok := known[key]; ok && !o.State.Ended() {
				needs = append(needs, [2]int{o.Seq, s.Seq})
				open++
			}
		}
		d := s.Step
		d.Subject, d.Choice = "", ""
		detail, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("store step %s: %w", s.Key, err)
		}
		rows = append(rows, []any{
			run, s.Seq, s.Key, string(s.Act), s.Holder, s.Class, s.Subject, s.Choice, string(detail), string(s.State), open,
			millis(s.At), 0, 0, 0, s.Attempts, flag(s.Gated), flag(plans[s.Key]), flag(s.Amended), millis(s.Began), millis(s.Ended),
			s.Chunks, s.Items, s.Bytes, s.Cursor, flag(s.Uncounted), s.Problem, s.Satisfier,
		})
	}
	if err := insert(ctx, tx, `exit_steps (`+stepColumns+`)`, rows); err != nil {
		return fmt.Errorf("store steps: %w", err)
	}
	return insertNeeds(ctx, tx, run, needs)
}

// insertNeeds stores pairs (the step that goes first, the step that waits for it).
func insertNeeds(ctx context.Context, tx *sql.Tx, run string, pairs [][2]int) error {
	rows := make([][]any, len(pairs))
	for i, p := range pairs {
		rows[i] = []any{run, p[0], p[1]}
	}
	if err := insert(ctx, tx, `exit_needs (run, needs, seq)`, rows); err != nil {
		return fmt.Errorf("store dependencies: %w", err)
	}
	return nil
}

// insert stores rows in as few statements as their arguments fit in.
func insert(ctx context.Context, tx *sql.Tx, into string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	for part := range slices.Chunk(rows, max(1, mostArgs/len(rows[0]))) {
		var l list
		marks := make([]string, len(part))
		for i, row := range part {
			marks[i] = in(&l, row)
		}
		if _, err := tx.ExecContext(ctx, `insert into `+into+` values `+strings.Join(marks, ", "), l.args...); err != nil {
			return err
		}
	}
	return nil
}

package job

import (
	"context"
	"fmt"

	"exeunt/exit"
	"exeunt/internal/who"
)

// Name is the holder's name.
func (q *Queue) Name() string { return "job" }

// Classes declares the jobs about an account. They go after all that may still add one.
func (q *Queue) Classes() []exit.Class {
	return []exit.Class{{
		Name: "jobs", Subject: exit.SubjectAccount, Rank: 3,
		Places: []exit.Place{{Table: "jobs", Column: "account_id"}},
	}}
}

// Erase takes the account's jobs out of the queue. A worker that has one loses its lease.
func (q *Queue) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	id, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return exit.Progress{}, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	n, err := q.DB.Exec(ctx, `delete from jobs where id in (select id from jobs where account_id = $1 order by id limit $2)`, int64(id), t.Limit)
	if err != nil {
		return exit.Progress{}, fmt.Errorf("erase jobs: %w", err)
	}
	return exit.Progress{Items: n, Done: n < int64(t.Limit)}, nil
}

// Verify counts the account's jobs in all states.
func (q *Queue) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	c, err := q.Count(ctx, t.Subject, t.Class)
	return exit.Residue{Left: c.Items}, err
}

// Count tells how many jobs of the account there are.
func (q *Queue) Count(ctx context.Context, s exit.Subject, _ string) (exit.Count, error) {
	id, ok := who.ParseID(s.ID)
	if !ok {
		return exit.Count{}, exit.Fail(exit.Invalid, "error.subject", "text", s.String())
	}
	var c exit.Count
	if err := q.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from jobs where account_id = $1`, int64(id)).Scan(&c.Items); err != nil {
		return c, fmt.Errorf("count jobs: %w", err)
	}
	return c, nil
}

var (
	_ exit.Holder  = (*Queue)(nil)
	_ exit.Counter = (*Queue)(nil)
)

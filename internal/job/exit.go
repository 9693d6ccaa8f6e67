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
		Name: "jobs", Subject: exit.SubjectAccount, Rank: 3, EndsWith: []string{"channel", "circle"},
		Places: []exit.Place{{Table: "jobs", Column: "account_id"}},
	}}
}

// Erase takes the account's jobs out of the queue. A worker that has one loses its lease.
func (q *Queue) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Subject.Ending() {
		return q.eraseOf(ctx, t)
	}
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
	if t.Subject.Ending() {
		return q.verifyOf(ctx, t)
	}
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

// Ends reports that the jobs of a service's own kinds go with it.
func (q *Queue) Ends(class string) bool { return class == "jobs" }

// kindsOf gives how the kinds of the jobs of what ends begin: those of a service with its name. A circle, or the install, has none of its own.
func kindsOf(t exit.Task) string {
	if t.Subject.Kind != exit.SubjectService {
		return ""
	}
	return t.Subject.Part() + "."
}

func (q *Queue) eraseOf(ctx context.Context, t exit.Task) (exit.Progress, error) {
	begin := kindsOf(t)
	if begin == "" {
		return exit.Progress{Done: true}, nil
	}
	n, err := q.DB.Exec(ctx, `delete from jobs where id in (select id from jobs where substr(kind, 1, length($1)) = $1 order by id limit $2)`, begin, t.Limit)
	if err != nil {
		return exit.Progress{}, fmt.Errorf("erase jobs: %w", err)
	}
	return exit.Progress{Items: n, Done: n < int64(t.Limit)}, nil
}

func (q *Queue) verifyOf(ctx context.Context, t exit.Task) (left exit.Residue, err error) {
	begin := kindsOf(t)
	if begin == "" {
		return left, nil
	}
	if err := q.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from jobs where kind like $1`, begin+"%").Scan(&left.Left); err != nil {
		return left, fmt.Errorf("count jobs: %w", err)
	}
	return left, nil
}

var (
	_ exit.Ender   = (*Queue)(nil)
	_ exit.Holder  = (*Queue)(nil)
	_ exit.Counter = (*Queue)(nil)
)

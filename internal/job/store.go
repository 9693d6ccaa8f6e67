package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// The states of a job. One that is done is no row any more.
const (
	waiting = "waiting"
	running = "running"
	stuck   = "stuck"
)

// lease is a job that this worker has.
type lease struct {
	Job
	id    who.ID
	fence int64
	due   int64 // changes when somebody adds the job while it is worked on
}

func (q *Queue) now() int64 { return db.Ms(q.Clock.Now()) }

// put stores a job. On a conflict PostgreSQL locks the row even where nothing is changed, so a worker cannot take the job
// before this transaction is committed and what it is about can be seen.
func (q *Queue) put(ctx context.Context, j Job) error {
	due := q.now() + j.Delay.Milliseconds()
	account := sql.NullInt64{Int64: int64(j.Account), Valid: j.Account != 0}
	_, err := q.DB.Exec(ctx, `insert into jobs (id, kind, ref, account_id, state, due_at) values ($1, $2, $3, $4, 'waiting', $5)
		on conflict (kind, ref) do update set
			state = case when jobs.state = 'stuck' then 'waiting' else jobs.state end,
			attempts = case when jobs.state = 'stuck' then 0 else jobs.attempts end,
			problem = case when jobs.state = 'stuck' then '' else jobs.problem end,
			due_at = case when jobs.state = 'running' and excluded.due_at <= jobs.due_at then jobs.due_at + 1 else excluded.due_at end
		where jobs.state <> 'waiting' or (jobs.attempts = 0 and excluded.due_at < jobs.due_at)`,
		int64(q.DB.IDs.Next()), j.Kind, j.Ref, account, due)
	return err
}

const leaseFields = `id, kind, ref, account_id, attempts, fence, due_at`

func scanLease(r db.Row) (lease, error) {
	var l lease
	var id int64
	var account sql.NullInt64
	err := r.Scan(&id, &l.Kind, &l.Ref, &account, &l.Attempt, &l.fence, &l.due)
	l.id, l.Account = who.ID(id), who.ID(account.Int64)
	return l, err
}

// take leases up to limit jobs: first those whose worker's lease has run out, then those that are due.
func (q *Queue) take(ctx context.Context, limit int) (out []lease, err error) {
	kinds := q.kinds()
	if len(kinds) == 0 || limit <= 0 {
		return nil, nil
	}
	now := q.now()
	// A look without a lock: an idle queue does not keep SQLite's only writer busy.
	var one int
	switch err := q.DB.Q(ctx).QueryRowContext(ctx, `select 1 where exists (select 1 from jobs where state = 'waiting' and due_at <= $1)
		or exists (select 1 from jobs where state = 'running' and lease_until <= $1)`, now).Scan(&one); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	err = q.DB.Update(ctx, func(ctx context.Context) error {
		if out, err = q.takeWhere(ctx, `state = 'running' and lease_until <= $1`, `lease_until`, kinds, now, limit); err != nil {
			return err
		}
		if len(out) == limit {
			return nil
		}
		due, err := q.takeWhere(ctx, `state = 'waiting' and due_at <= $1`, `due_at`, kinds, now, limit-len(out))
		out = append(out, due...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lease jobs: %w", err)
	}
	return out, nil
}

func (q *Queue) takeWhere(ctx context.Context, where, order string, kinds []string, now int64, limit int) ([]lease, error) {
	args := []any{now, now + q.leaseTime().Milliseconds(), limit}
	marks := make([]string, len(kinds))
	for i, k := range kinds {
		args = append(args, k)
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	skip := ""
	if q.DB.Dialect == exitsql.PostgreSQL {
		skip = " for update skip locked"
	}
	// Materialized: PostgreSQL must not look for the rows once more while it changes them.
	rows, err := q.DB.Q(ctx).QueryContext(ctx, `with taken as materialized (select id from jobs where `+where+` and kind in (`+strings.Join(marks, ", ")+`)
			order by `+order+` limit $3`+skip+`)
		update jobs set state = 'running', lease_until = $2, fence = fence + 1, attempts = attempts + 1
		where id in (select id from taken) returning `+leaseFields, args...)
	if err != nil {
		return nil, err
	}
	return db.Scan(rows, scanLease)
}

// one runs a statement that changes the leased job, in a transaction of its own, and says whether the lease still held.
func (q *Queue) one(ctx context.Context, l lease, doing, statement string, args ...any) error {
	return q.DB.Update(ctx, func(ctx context.Context) error {
		n, err := q.DB.Exec(ctx, statement+` where id = $1 and fence = $2 and state = 'running'`, append([]any{int64(l.id), l.fence}, args...)...)
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if n == 0 {
			return errLost
		}
		return nil
	})
}

// unlessLost passes on an error, but for the loss of the lease: whoever has the job now settles it.
func unlessLost(err error) error {
	if errors.Is(err, errLost) {
		return nil
	}
	return err
}

func (q *Queue) renew(ctx context.Context, l lease) error {
	return q.one(ctx, l, "renew lease", `update jobs set lease_until = $3`, q.now()+q.leaseTime().Milliseconds())
}

// finish takes a job that is done out of the queue, unless it was added again meanwhile.
func (q *Queue) finish(ctx context.Context, l lease) error {
	err := q.DB.Update(ctx, func(ctx context.Context) error {
		n, err := q.DB.Exec(ctx, `delete from jobs where id = $1 and fence = $2 and state = 'running' and due_at = $3`, int64(l.id), l.fence, l.due)
		if err != nil || n == 1 {
			return err
		}
		exitsql.AfterCommit(ctx, q.signal)
		return q.one(ctx, l, "put job back", `update jobs set state = 'waiting', attempts = 0, problem = ''`)
	})
	if err = unlessLost(err); err != nil {
		return fmt.Errorf("finish job: %w", err)
	}
	return nil
}

// release gives a job back unharmed.
func (q *Queue) release(ctx context.Context, l lease) error {
	return unlessLost(q.one(ctx, l, "release job", `update jobs set state = 'waiting', attempts = attempts - 1`))
}

// fail puts down a failure: the job is tried again later, or is stuck.
func (q *Queue) fail(ctx context.Context, l lease, problem string) error {
	state := waiting
	if l.Attempt >= q.tries() {
		state = stuck
	}
	return unlessLost(q.one(ctx, l, "put down failure of job", `update jobs set state = $3, due_at = $4, problem = $5`,
		state, q.now()+backOff(l.Attempt).Milliseconds(), problem))
}

// Stuck is a job that failed too often. It stays until it is tried again or its account goes.
type Stuck struct {
	Job
	ID      who.ID
	Problem string // the key of a sentence, e.g. "job.error.failed"
}

// Stuck gives stuck jobs by id, those after an id, at most limit.
func (q *Queue) Stuck(ctx context.Context, after who.ID, limit int) ([]Stuck, error) {
	rows, err := q.DB.Q(ctx).QueryContext(ctx, `select id, kind, ref, account_id, attempts, problem from jobs
		where state = 'stuck' and id > $1 order by id limit $2`, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read stuck jobs: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (Stuck, error) {
		var s Stuck
		var id int64
		var account sql.NullInt64
		err := r.Scan(&id, &s.Kind, &s.Ref, &account, &s.Attempt, &s.Problem)
		s.ID, s.Account = who.ID(id), who.ID(account.Int64)
		return s, err
	})
}

// Retry has a stuck job tried again from the start. NotFound: it is not stuck.
func (q *Queue) Retry(ctx context.Context, id who.ID) error {
	return q.DB.Update(ctx, func(ctx context.Context) error {
		n, err := q.DB.Exec(ctx, `update jobs set state = 'waiting', attempts = 0, problem = '', due_at = $2 where id = $1 and state = 'stuck'`, int64(id), q.now())
		if err != nil {
			return fmt.Errorf("retry job: %w", err)
		}
		if n == 0 {
			return exit.Fail(exit.NotFound, "job.error.not_stuck")
		}
		exitsql.AfterCommit(ctx, q.signal)
		return nil
	})
}

// Pending counts jobs that are being worked on or are due within a time, stuck ones aside, of the kinds that this queue knows: of others it could not tell when they
// are done.
func (q *Queue) Pending(ctx context.Context, within time.Duration) (n int64, err error) {
	args := []any{q.now() + within.Milliseconds()}
	marks := "''"
	for _, k := range q.kinds() {
		args = append(args, k)
		marks += ", $" + strconv.Itoa(len(args))
	}
	err = q.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from jobs where (state = 'running' or (state = 'waiting' and due_at <= $1)) and kind in (`+marks+`)`, args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return n, nil
}

// Waiting says which of the refs have a job of a kind in the queue, in whatever state.
func (q *Queue) Waiting(ctx context.Context, kind string, refs []string) (map[string]bool, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	args, list := []any{kind}, ""
	for _, ref := range refs {
		args = append(args, ref)
		list += fmt.Sprintf(", $%d", len(args))
	}
	rows, err := q.DB.Q(ctx).QueryContext(ctx, `select ref from jobs where kind = $1 and ref in (`+list[2:]+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	found, err := db.Scan(rows, func(r db.Row) (ref string, err error) { return ref, r.Scan(&ref) })
	out := make(map[string]bool, len(found))
	for _, ref := range found {
		out[ref] = true
	}
	return out, err
}

// Refs gives the refs of at most limit jobs of a kind that are in the queue, in whatever state.
func (q *Queue) Refs(ctx context.Context, kind string, limit int) ([]string, error) {
	rows, err := q.DB.Q(ctx).QueryContext(ctx, `select ref from jobs where kind = $1 order by ref limit $2`, kind, limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (ref string, err error) { return ref, r.Scan(&ref) })
}

// Line gives the jobs of j's kind whose turn it could be: of each account the oldest that waits, is due within a time and has not failed, the oldest of all first, at most
// limit. j itself is taken for one that waits; its ref may be "".
func (q *Queue) Line(ctx context.Context, j Job, within time.Duration, limit int) ([]Job, error) {
	rows, err := q.DB.Q(ctx).QueryContext(ctx, `select kind, ref, account_id from jobs where id in (select min(id) from jobs
			where kind = $1 and (ref = $2 or state = 'waiting' and attempts = 0 and due_at <= $3) group by account_id)
		order by id limit $4`, j.Kind, j.Ref, q.now()+within.Milliseconds(), limit)
	if err != nil {
		return nil, fmt.Errorf("read line of jobs: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (x Job, err error) {
		var account sql.NullInt64
		err = r.Scan(&x.Kind, &x.Ref, &account)
		x.Account = who.ID(account.Int64)
		return x, err
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/server"
)

// batch is how many steps are taken at once.
const batch = 100

// promised is when the due steps are due and the batches are taken; what is far off is due long after it.
var promised = time.UnixMilli(seedTime).UTC()

// farOff is when the first of the far-off steps is due, Unix milliseconds: 2033.
const farOff = 2_000_000_000_000

// stepColumns are those that a step's row has, but for run.
const stepColumns = `seq, step_key, act, holder, class, subject, choice, detail, state, open, due, retry, lease, fence, attempts,
	gated, planned, amended, began, ended, chunks, items, bytes, cursor, uncounted, problem, satisfier`

// runColumns are those of a run's row, but for id and subject.
const runColumns = `part, owner, journey, state, agreed_by, hash, plan, policy, agreed, began, ended, version, forgets`

// due measures how long it takes to find and start a batch of due steps, while few and while many wait.
func due(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	for _, engine := range engines() {
		if err := e.dueOn(ctx, r, engine); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
	}
	r.note("A batch is one call of `exitsql.Store.Lease`: %d steps of %d runs, written down as started, committed and durable. By turns on two databases that differ in the "+
		"number of waiting steps alone; each batch falls due afresh.", batch, batch)
	return r, nil
}

// queue is a run store with many steps that wait.
type queue struct {
	*server.House
	install *install
	far     int
	batches int
	took    []time.Duration
}

func (e *env) dueOn(ctx context.Context, r *report, engine string) (err error) {
	var queues []*queue
	for _, far := range []int{e.size(10_000, 100), e.size(5_000_000, 5000)} {
		e.logf("due on %s: make %d far-off steps", engine, far)
		q, err := e.queue(ctx, engine, far)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, q.Close(), q.install.drop(ctx)) }()
		queues = append(queues, q)
	}
	if err := e.calm(ctx, engine); err != nil {
		return err
	}
	rounds := e.size(100*e.rounds, 5)
	for range rounds {
		for _, q := range queues {
			if err := q.take(ctx); err != nil {
				return err
			}
		}
	}
	few, many := queues[0], queues[1]
	for _, q := range queues {
		p99 := percentile(q.took, 99)
		e.logf("due on %s: %d far off: median %s, p99 %s", engine, q.far, text(median(q.took)), text(p99))
		r.beside(fmt.Sprintf("%d due steps found and started, %d far off: median of %d batches", batch, q.far, len(q.took)), engine, text(median(q.took)))
		r.add(fmt.Sprintf("the same, 99th percentile (%d far off)", q.far), engine, text(p99), "< 5 ms", p99 < 5*time.Millisecond)
	}
	x := ratio(median(many.took), median(few.took))
	r.add("median with many ÷ with few far off", engine, times(x), "≤ 1.5×", x <= 1.5)
	floor, err := few.commits(ctx, rounds)
	if err != nil {
		return err
	}
	r.beside("for comparison: a transaction that changes one row, median and 99th percentile", engine, text(median(floor))+", "+text(percentile(floor, 99)))
	if !r.missedIn(engine) {
		return nil
	}
	top, err := e.profiled(ctx, "due", func() error {
		for range rounds {
			if err := many.take(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	r.profiles = append(r.profiles, profile{"batches on " + engine + " (with the making of the due steps)", top})
	return err
}

func (e *env) queue(ctx context.Context, engine string, far int) (*queue, error) {
	i, err := e.newInstall(ctx, engine)
	if err != nil {
		return nil, err
	}
	h, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	return &queue{House: h, install: i, far: far}, errors.Join(addSample(ctx, h.DB), addFarOff(ctx, h.DB, far))
}

// addSample stores a run with a step, through the store itself; the others are copies of it.
func addSample(ctx context.Context, d *db.DB) error {
	step := exit.Step{Key: "erase:post.posts", Act: exit.ActErase, Holder: "post", Class: "posts", Manner: exit.Erase, Back: exit.BackArchive}
	subject := exit.Account("7")
	plan := &exit.Plan{Format: 1, Journey: exit.Close, Subject: subject.String(), Policy: "p", Zone: "UTC", Steps: []exit.Step{step}}
	run := exit.Run{ID: "sample", Subject: subject, Journey: exit.Close, State: exit.RunRunning, Plan: plan, Policy: "p", Agreed: promised, Version: 1}
	return d.Runs.Add(ctx, run, []exit.StepStatus{{Step: step, State: exit.StepWaiting, At: time.UnixMilli(farOff)}}, []byte("p"))
}

// addFarOff stores n steps that are due in years, ten of each run.
func addFarOff(ctx context.Context, d *db.DB, n int) error {
	return fill(ctx, d,
		fmt.Sprintf(`insert into exit_runs (id, subject, %s) %s select 'far' || i, 'account:far' || i, %s from g, exit_runs r where r.id = 'sample'`,
			runColumns, series(n/10), runColumns),
		fmt.Sprintf(`insert into exit_steps (run, %s) %s
			select 'far' || ((i + 9) / 10), (i - 1) %% 10, 'erase:post.c' || ((i - 1) %% 10), s.act, s.holder, 'c' || ((i - 1) %% 10), s.subject, s.choice, s.detail, s.state, s.open,
				%d + i, s.retry, s.lease, s.fence, s.attempts, s.gated, s.planned, s.amended, s.began, s.ended, s.chunks, s.items, s.bytes, s.cursor, s.uncounted, s.problem, s.satisfier
			from g, exit_steps s where s.run = 'sample'`, stepColumns, series(n), int64(farOff)),
	)
}

// take has a batch fall due, takes it, and ends it. Only the taking is timed.
func (q *queue) take(ctx context.Context) error {
	q.batches++
	name := fmt.Sprintf("due%d-", q.batches)
	err := q.DB.Update(ctx, func(ctx context.Context) error {
		_, err := q.DB.Exec(ctx, fmt.Sprintf(`insert into exit_runs (id, subject, %[1]s) %[2]s select '%[3]s' || i, 'account:%[3]s' || i, %[1]s from g, exit_runs r where r.id = 'sample'`,
			runColumns, series(batch), name))
		if err != nil {
			return err
		}
		_, err = q.DB.Exec(ctx, fmt.Sprintf(`insert into exit_steps (run, %s) %s select '%s' || i, s.seq, s.step_key, s.act, s.holder, s.class, s.subject, s.choice, s.detail, s.state, s.open,
				%d, s.retry, s.lease, s.fence, s.attempts, s.gated, s.planned, s.amended, s.began, s.ended, s.chunks, s.items, s.bytes, s.cursor, s.uncounted, s.problem, s.satisfier
			from g, exit_steps s where s.run = 'sample'`, stepColumns, series(batch), name, int64(seedTime)))
		return err
	})
	if err != nil {
		return fmt.Errorf("make due steps: %w", err)
	}
	began := time.Now()
	leases, err := q.DB.Runs.Lease(ctx, promised, promised, time.Hour, batch)
	q.took = append(q.took, time.Since(began))
	if err != nil || len(leases) != batch {
		return fmt.Errorf("leased %d of %d: %w", len(leases), batch, err)
	}
	return q.DB.Update(ctx, func(ctx context.Context) error {
		_, err := q.DB.Exec(ctx, `update exit_steps set state = 'verified', lease = 0, ended = 1 where run >= $1 and run < $2 and state = 'running'`, name, name+"~")
		return err
	})
}

// commits gives what the smallest durable transaction takes here.
func (q *queue) commits(ctx context.Context, n int) (took []time.Duration, err error) {
	for i := range n {
		began := time.Now()
		err := q.DB.Update(ctx, func(ctx context.Context) error {
			_, err := q.DB.Exec(ctx, `update exit_steps set attempts = $1 where run = 'sample'`, i)
			return err
		})
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// Package job is the queue of what is due now: rows in the same database, so that a change and its job commit together.
// Far-off work is no job: the table of steps keeps it (package exit). A job holds ids only, never a name or a text.
//
// A job is worked on at least once. Its lease is renewed while it is worked on and fenced by a number that grows with
// every lease; a worker that died or was cut off loses the job to another. Handlers must therefore be idempotent.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Job is a piece of work. (Kind, Ref) is unique among the jobs that are not done.
type Job struct {
	Kind    string        // whose work it is, "ROOM.verb": names the handler
	Ref     string        // what it is about: ids alone
	Account who.ID        // whose data it is about, 0 if nobody's; the job goes when the account goes
	Delay   time.Duration // not before this has passed on the machine clock
	Attempt int           // which attempt this is, from 1; set for handlers
}

// Handler does a job. Its context ends when the lease is lost or the server stops. It carries no transaction.
type Handler func(ctx context.Context, j Job) error

// Queue adds jobs and works on them. Make one with [New]; it is safe for use by several goroutines, and any number of
// queues on any number of machines may share a database.
type Queue struct {
	DB    *db.DB
	Clock clock.Clock // the machine clock: due times, leases and back-off
	// Log takes failed attempts, by kind and id. Nil: slog.Default.
	Log *slog.Logger
	// LeaseTime is how long a job stays with a worker that does not renew it; 30 s if 0.
	LeaseTime time.Duration
	// Tries is after how many failed attempts a job is stuck; 8 if 0.
	Tries int

	mu       sync.RWMutex
	handlers map[string]Handler
	wake     chan struct{}
}

// New gives a queue on a database.
func New(d *db.DB, c clock.Clock) *Queue {
	return &Queue{DB: d, Clock: c, handlers: map[string]Handler{}, wake: make(chan struct{}, 1)}
}

// Handle names the handler of a kind. A queue leaves alone jobs of a kind without one: another node may know it.
// A second handler of a kind is a mistake of the program, and panics.
func (q *Queue) Handle(kind string, fn Handler) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.handlers[kind]; ok {
		panic("job: two handlers of " + kind)
	}
	q.handlers[kind] = fn
}

func (q *Queue) handler(kind string) Handler {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.handlers[kind]
}

// kinds gives the kinds with a handler, sorted.
func (q *Queue) kinds() []string {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return slices.Sorted(maps.Keys(q.handlers))
}

// Add puts a job into the queue, in the context's transaction or, without one, in its own. If a job of the same kind
// and ref is waiting, that one serves both; its due time becomes the earlier of the two unless it is being retried. If one is
// being worked on, it is worked on once more afterwards. A stuck one is tried again from the start.
func (q *Queue) Add(ctx context.Context, j Job) error {
	if j.Kind == "" || !strings.Contains(j.Kind, ".") {
		return fmt.Errorf("add job: %q is no kind", j.Kind)
	}
	return q.DB.Update(ctx, func(ctx context.Context) error {
		if err := q.put(ctx, j); err != nil {
			return fmt.Errorf("add job %s: %w", j.Kind, err)
		}
		exitsql.AfterCommit(ctx, q.signal)
		return nil
	})
}

// signal wakes a loop of this process; one that is awake looks again anyway.
func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Work leases up to limit due jobs and works on them, one after the other. It gives the number of jobs it leased. A failed
// job is put down to be tried again, and is no error here.
func (q *Queue) Work(ctx context.Context, limit int) (int, error) {
	taken, err := q.take(ctx, limit)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, l := range taken {
		if err := q.do(ctx, l); err != nil {
			errs = append(errs, err)
		}
	}
	return len(taken), errors.Join(errs...)
}

// poll is how often a loop looks for jobs that other processes added or whose time has come.
const poll = time.Second

// Run works on jobs, up to workers at once, until ctx ends and the last of them has come back. A database that does not
// answer is logged and asked again.
func (q *Queue) Run(ctx context.Context, workers int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, workers)
	for range workers {
		free <- struct{}{}
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-free:
		}
		n := 1 + drain(free)
		taken, err := q.take(ctx, n)
		if err != nil && ctx.Err() == nil {
			q.log().ErrorContext(ctx, "jobs cannot be leased", "err", err)
		}
		for range n - len(taken) {
			free <- struct{}{}
		}
		for _, l := range taken {
			wg.Go(func() {
				defer func() { free <- struct{}{}; q.signal() }()
				if err := q.do(ctx, l); err != nil {
					q.log().ErrorContext(ctx, "job cannot be settled", "job", l.id.String(), "kind", l.Kind, "err", err)
				}
			})
		}
		if len(taken) == n {
			continue
		}
		timer.Reset(poll)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// drain takes what is in a channel at once and counts it.
func drain(c chan struct{}) (n int) {
	for {
		select {
		case <-c:
			n++
		default:
			return n
		}
	}
}

// do works on a leased job and puts down how it ended.
func (q *Queue) do(ctx context.Context, l lease) error {
	if l.Attempt > q.tries() {
		// Its worker died each time: it must not take down this one too.
		return q.fail(ctx, l, "job.error.died")
	}
	working, stop := q.keep(ctx, l)
	err := q.call(working, l)
	stop()
	switch {
	case errors.Is(context.Cause(working), errLost):
		return nil
	case err == nil:
		return q.finish(context.WithoutCancel(ctx), l)
	case ctx.Err() != nil:
		// The server stops. The attempt was not the job's fault.
		return q.release(context.WithoutCancel(ctx), l)
	}
	q.log().ErrorContext(ctx, "job failed", "job", l.id.String(), "kind", l.Kind, "attempt", l.Attempt, "err", err)
	return q.fail(ctx, l, problemOf(err))
}

// call runs the handler; a panic in it is a failure of this job, not of the server.
func (q *Queue) call(ctx context.Context, l lease) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("handle %s: panic: %v", l.Kind, v)
		}
	}()
	return q.handler(l.Kind)(ctx, l.Job)
}

// errLost means that another worker has the job by now, or that it is gone with its account.
var errLost = errors.New("the lease was lost")

// keep renews the lease while the job is worked on, and ends the context when it is lost.
func (q *Queue) keep(ctx context.Context, l lease) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(q.leaseTime() / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := q.renew(ctx, l); errors.Is(err, errLost) {
				cancel(err)
				return
			} else if err != nil && ctx.Err() == nil {
				// The lease still runs; the next tick may succeed.
				q.log().WarnContext(ctx, "lease cannot be renewed", "job", l.id.String(), "kind", l.Kind, "err", err)
			}
		}
	})
	return ctx, func() { close(done); wg.Wait(); cancel(nil) }
}

// backOff is how long a job waits after its n-th failure: 2 s, 4 s … 1 h.
func backOff(n int) time.Duration { return min(time.Hour, time.Second<<min(n, 12)) }

func (q *Queue) leaseTime() time.Duration {
	if q.LeaseTime > 0 {
		return q.LeaseTime
	}
	return 30 * time.Second
}

func (q *Queue) tries() int {
	if q.Tries > 0 {
		return q.Tries
	}
	return 8
}

func (q *Queue) log() *slog.Logger {
	if q.Log != nil {
		return q.Log
	}
	return slog.Default()
}

// problemOf gives the key of an error's sentence: the cause itself is in the log alone, for it may hold content.
func problemOf(err error) string {
	var e *exit.Error
	if errors.As(err, &e) && e.Key != "" {
		return e.Key
	}
	return "job.error.failed"
}

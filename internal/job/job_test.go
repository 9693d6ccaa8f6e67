package job_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/who"
)

const account who.ID = 1<<61 + 7

// newQueue gives a queue on the test's clock that keeps its complaints to itself.
func newQueue(t *testing.T, d *db.DB) (*job.Queue, *clock.Fake) {
	t.Helper()
	fake := dbtest.Clock(t, d)
	q := job.New(d, fake)
	q.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	return q, fake
}

func add(t *testing.T, q *job.Queue, j job.Job) {
	t.Helper()
	if err := q.Add(t.Context(), j); err != nil {
		t.Fatal(err)
	}
}

// work works once and expects n jobs.
func work(t *testing.T, q *job.Queue, n int) {
	t.Helper()
	if got, err := q.Work(t.Context(), 100); err != nil || got != n {
		t.Helper()
		t.Fatalf("worked on %d jobs, want %d; error %v", got, n, err)
	}
}

func TestDoneIsGone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q, fake := newQueue(t, d)
		var seen []job.Job
		q.Handle("test.note", func(_ context.Context, j job.Job) error { seen = append(seen, j); return nil })
		add(t, q, job.Job{Kind: "test.note", Ref: "1", Account: account})
		add(t, q, job.Job{Kind: "test.note", Ref: "1", Account: account})
		add(t, q, job.Job{Kind: "test.note", Ref: "2", Delay: time.Minute})
		add(t, q, job.Job{Kind: "test.unknown", Ref: "1"})
		work(t, q, 1)
		work(t, q, 0)
		if len(seen) != 1 || seen[0] != (job.Job{Kind: "test.note", Ref: "1", Account: account, Attempt: 1}) {
			t.Errorf("seen %v", seen)
		}
		fake.Add(time.Minute)
		work(t, q, 1)
		add(t, q, job.Job{Kind: "test.note", Ref: "1"})
		work(t, q, 1)
		if len(seen) != 3 {
			t.Errorf("seen %v", seen)
		}
		add(t, q, job.Job{Kind: "test.note", Ref: "3", Delay: time.Minute})
		for within, want := range map[time.Duration]int64{0: 0, time.Minute: 1} {
			if n, err := q.Pending(t.Context(), within); err != nil || n != want {
				t.Errorf("%d pending within %s, want %d: those of a kind that nobody here knows are not counted; error %v", n, within, want, err)
			}
		}
	})
}

func TestAddedWithItsTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q, _ := newQueue(t, d)
		q.Handle("test.note", func(context.Context, job.Job) error { return nil })
		refused := errors.New("refused")
		err := d.Update(t.Context(), func(ctx context.Context) error {
			if err := q.Add(ctx, job.Job{Kind: "test.note", Ref: "1"}); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		work(t, q, 0)
	})
}

// TestEarlierDueTime asks that adding again brings a job forward, never back, and takes no retried one out of its back-off.
func TestEarlierDueTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q, fake := newQueue(t, d)
		fails := true
		q.Handle("test.note", func(context.Context, job.Job) error {
			if fails {
				return errors.New("not now")
			}
			return nil
		})
		add(t, q, job.Job{Kind: "test.note", Ref: "1", Delay: time.Hour})
		add(t, q, job.Job{Kind: "test.note", Ref: "1", Delay: time.Minute})
		add(t, q, job.Job{Kind: "test.note", Ref: "1", Delay: 2 * time.Hour})
		work(t, q, 0)
		fake.Add(time.Minute)
		work(t, q, 1)
		add(t, q, job.Job{Kind: "test.note", Ref: "1"})
		work(t, q, 0)
		fails = false
		fake.Add(2 * time.Second)
		work(t, q, 1)
	})
}

// TestAddedWhileWorkedOn asks that what happens during a job is not lost.
func TestAddedWhileWorkedOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q, _ := newQueue(t, d)
		n := 0
		q.Handle("test.note", func(ctx context.Context, j job.Job) error {
			if n++; n == 1 {
				return q.Add(ctx, j)
			}
			return nil
		})
		add(t, q, job.Job{Kind: "test.note", Ref: "1"})
		work(t, q, 1)
		work(t, q, 0) // its new due time is a millisecond on
		dbtest.Clock(t, d).Add(time.Second)
		work(t, q, 1)
		dbtest.Clock(t, d).Add(time.Second)
		work(t, q, 0)
		if n != 2 {
			t.Errorf("worked on %d times, want 2", n)
		}
	})
}

func TestStuck(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q, fake := newQueue(t, d)
		q.Tries = 3
		heal := false
		attempts := []int{}
		q.Handle("test.fail", func(_ context.Context, j job.Job) error {
			if heal {
				return nil
			}
			attempts = append(attempts, j.Attempt)
			return exit.Fail(exit.Unavailable, "test.error.away")
		})
		q.Handle("test.panic", func(context.Context, job.Job) error { panic("planted") })
		add(t, q, job.Job{Kind: "test.fail", Ref: "1", Account: account})
		add(t, q, job.Job{Kind: "test.panic", Ref: "1"})
		for range 3 {
			work(t, q, 2)
			work(t, q, 0)
			fake.Add(time.Minute)
		}
		work(t, q, 0)
		first, err := q.Stuck(t.Context(), 0, 1)
		if err != nil || len(first) != 1 {
			t.Fatalf("stuck %v, error %v", first, err)
		}
		rest, err := q.Stuck(t.Context(), first[0].ID, 10)
		if err != nil || len(rest) != 1 {
			t.Fatalf("stuck after it %v, error %v", rest, err)
		}
		problems := map[string]string{first[0].Kind: first[0].Problem, rest[0].Kind: rest[0].Problem}
		if problems["test.fail"] != "test.error.away" || problems["test.panic"] != "job.error.failed" || len(attempts) != 3 || attempts[2] != 3 {
			t.Errorf("problems %v, attempts %v", problems, attempts)
		}
		heal = true
		if err := q.Retry(t.Context(), first[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := q.Retry(t.Context(), first[0].ID); exit.KindOf(err) != exit.NotFound {
			t.Errorf("retry what is not stuck: %v", err)
		}
		work(t, q, 1)
		add(t, q, job.Job{Kind: rest[0].Kind, Ref: "1"})
		work(t, q, 1)
	})
}

// TestLeaseRunsOut asks that a job whose worker is gone passes to another, and that the first one can no longer settle it.
func TestLeaseRunsOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		slow, fake := newQueue(t, d)
		begun, let := make(chan struct{}), make(chan struct{})
		slow.Handle("test.note", func(context.Context, job.Job) error {
			close(begun)
			<-let
			return errors.New("too late")
		})
		quick, _ := newQueue(t, d)
		second := 0
		quick.Handle("test.note", func(_ context.Context, j job.Job) error { second = j.Attempt; return nil })
		add(t, slow, job.Job{Kind: "test.note", Ref: "1"})
		var wg sync.WaitGroup
		wg.Go(func() {
			if n, err := slow.Work(t.Context(), 1); n != 1 || err != nil {
				t.Errorf("the slow worker: %d, %v", n, err)
			}
		})
		<-begun
		work(t, quick, 0)
		fake.Add(31 * time.Second)
		work(t, quick, 1)
		add(t, quick, job.Job{Kind: "test.note", Ref: "1"})
		close(let)
		wg.Wait()
		if second != 2 {
			t.Errorf("the second worker saw attempt %d, want 2", second)
		}
		// The failure of the first must not have touched the job that was added since.
		work(t, quick, 1)
	})
}

// TestLeaseIsRenewed asks that a long job stays with its worker.
func TestLeaseIsRenewed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := job.New(d, clock.System{})
		q.LeaseTime = 3 * time.Second // renewed each second: a busy machine may be two late
		n, begun := 0, make(chan struct{})
		q.Handle("test.long", func(ctx context.Context, _ job.Job) error {
			n++
			close(begun)
			long, cancel := context.WithTimeout(ctx, 4*time.Second)
			defer cancel()
			<-long.Done()
			return context.Cause(ctx)
		})
		other := job.New(d, clock.System{})
		other.Handle("test.long", func(context.Context, job.Job) error { t.Error("the job went to another"); return nil })
		add(t, q, job.Job{Kind: "test.long", Ref: "1"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var wg sync.WaitGroup
		wg.Go(func() {
			defer cancel()
			if n, err := q.Work(t.Context(), 1); n != 1 || err != nil {
				t.Errorf("worked on %d jobs, error %v", n, err)
			}
		})
		select {
		case <-begun:
		case <-ctx.Done():
			t.Fatal("nobody began")
		}
		for ctx.Err() == nil {
			if n, err := other.Work(ctx, 1); n != 0 && ctx.Err() == nil {
				t.Errorf("another worker took %d, error %v", n, err)
			}
		}
		wg.Wait()
		if n != 1 {
			t.Errorf("worked on %d times", n)
		}
	})
}

// TestDeadWorkers asks that a job which takes its worker down each time ends as stuck.
func TestDeadWorkers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q, fake := newQueue(t, d)
		q.Tries = 2
		called := 0
		q.Handle("test.note", func(context.Context, job.Job) error { called++; return nil })
		add(t, q, job.Job{Kind: "test.note", Ref: "1"})
		err := d.Update(t.Context(), func(ctx context.Context) error {
			_, err := d.Exec(ctx, `update jobs set state = 'running', attempts = 2, lease_until = $1`, db.Ms(fake.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		work(t, q, 1)
		stuck, err := q.Stuck(t.Context(), 0, 10)
		if err != nil || len(stuck) != 1 || stuck[0].Problem != "job.error.died" || called != 0 {
			t.Errorf("stuck %v, called %d, error %v", stuck, called, err)
		}
	})
}

// TestStopGivesBack asks that a server which stops leaves its jobs to the next one at once.
func TestStopGivesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q, _ := newQueue(t, d)
		attempts := []int{}
		stop, cancel := context.WithCancel(t.Context())
		q.Handle("test.note", func(ctx context.Context, j job.Job) error {
			attempts = append(attempts, j.Attempt)
			cancel()
			return ctx.Err()
		})
		add(t, q, job.Job{Kind: "test.note", Ref: "1"})
		if n, err := q.Work(stop, 1); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		work(t, q, 1)
		if len(attempts) != 2 || attempts[1] != 1 {
			t.Errorf("attempts %v, want the first one twice", attempts)
		}
	})
}

// TestRun asks that several loops on one database do each job once, and wake without waiting for the poll.
func TestRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const jobs = 60
		var done atomic.Int64
		all := make(chan struct{})
		var mu sync.Mutex
		seen := map[string]int{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		var queues []*job.Queue
		for range 2 {
			q, _ := newQueue(t, d)
			q.Handle("test.note", func(_ context.Context, j job.Job) error {
				mu.Lock()
				seen[j.Ref]++
				mu.Unlock()
				if done.Add(1) == jobs {
					close(all)
				}
				return nil
			})
			queues = append(queues, q)
			wg.Go(func() { q.Run(ctx, 4) })
		}
		for i := range jobs {
			add(t, queues[i%2], job.Job{Kind: "test.note", Ref: who.ID(i + 1).String()})
		}
		select {
		case <-all:
		case <-ctx.Done():
			t.Fatalf("%d of %d done", done.Load(), jobs)
		}
		cancel()
		wg.Wait()
		for ref, n := range seen {
			if n != 1 {
				t.Errorf("job %s was done %d times", ref, n)
			}
		}
		if n, err := queues[0].Pending(t.Context(), 0); n != 0 || err != nil {
			t.Errorf("%d pending, error %v", n, err)
		}
	})
}

package exit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Work takes up to limit due steps and works on each to its end, a closed gate or a failure.
// It gives the number of steps it took. Any number of workers may run at once, on any number
// of machines that share the store.
func (e *Engine) Work(ctx context.Context, limit int) (int, error) {
	now, err := e.Now(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	leases, err := e.Store.Lease(ctx, now, e.Machine(), e.leaseTime(), limit)
	if err != nil {
		return 0, fmt.Errorf("lease steps: %w", err)
	}
	var errs []error
	for _, l := range leases {
		if err := e.workOne(ctx, l); err != nil {
			errs = append(errs, err)
		}
	}
	return len(leases), errors.Join(errs...)
}

func (e *Engine) leaseTime() time.Duration {
	if e.LeaseTime > 0 {
		return e.LeaseTime
	}
	return 30 * time.Second
}

// workOne carries one leased step out. A failure of the step is put down at the step; only a
// failure to put it down is returned.
func (e *Engine) workOne(ctx context.Context, l Lease) error {
	ctx, stop := e.keep(ctx, l)
	defer stop()
	err := e.step(ctx, l)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errLost):
		return nil
	}
	return e.failed(ctx, l, err)
}

// errLost means that somebody else works on the step by now: nothing to do.
var errLost = errors.New("the lease was lost")

// Lost is the error with which a store answers a worker that no longer holds its lease.
func Lost() error { return &Error{Kind: Conflict, Key: "error.lease_lost", Err: errLost} }

// keep renews the lease while the step is worked on, and ends the context when it is lost.
func (e *Engine) keep(ctx context.Context, l Lease) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		tick := time.NewTicker(e.leaseTime() / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := e.Store.Renew(ctx, l, e.Machine().Add(e.leaseTime())); err != nil {
					cancel(fmt.Errorf("renew lease of %s of run %s: %w", l.Step.Key, l.Run.ID, err))
					return
				}
			}
		}
	})
	return ctx, func() { close(done); wg.Wait(); cancel(nil) }
}

// failed puts a failure down at its step: it is tried again later, at the end it is stuck.
func (e *Engine) failed(ctx context.Context, l Lease, cause error) error {
	e.log().ErrorContext(ctx, "step failed", "run", l.Run.ID, "step", l.Step.Key, "attempt", l.Step.Attempts, "err", cause)
	now, err := e.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	tries := e.Tries
	if tries == 0 {
		tries = 6
	}
	s := Settlement{State: StepWaiting, Now: now, Problem: problemOf(cause)}
	s.Retry = e.Machine().Add(time.Second << min(l.Step.Attempts, 8))
	if l.Step.Attempts >= tries {
		s.State = StepStuck
	}
	if err := e.Store.Settle(ctx, l, s); err != nil && !errors.Is(err, errLost) {
		return fmt.Errorf("put down the failure of %s of run %s: %w", l.Step.Key, l.Run.ID, err)
	}
	return nil
}

func problemOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Key != "" {
		return e.Key
	}
	return "error.step_failed"
}

func (e *Engine) step(ctx context.Context, l Lease) error {
	switch l.Step.Act {
	case ActBegin:
		return e.begin(ctx, l)
	case ActWake:
		return e.wake(ctx, l)
	case ActSeal:
		return e.seal(ctx, l)
	case ActGate:
		return e.gate(ctx, l)
	case ActPhase, ActRemind:
		return e.conduct(ctx, l)
	case ActPack, ActErase, ActDetach, ActHold:
		return e.drain(ctx, l)
	}
	return Fail(Internal, "error.no_act", "act", string(l.Step.Act))
}

// task gives the holder's view of the step.
func (e *Engine) task(l Lease, s StepStatus, now time.Time, limit int) (Task, error) {
	subject := l.Run.Subject
	if s.Subject != "" {
		var err error
		if subject, err = ParseSubject(s.Subject); err != nil {
			return Task{}, err
		}
	}
	return Task{
		Run: l.Run.ID, Step: s.Key, Chunk: s.Chunks, Subject: subject, Class: s.Class, Manner: s.Manner,
		Cursor: s.Cursor, Limit: limit, Choice: s.Choice, Until: s.Until, Now: now,
	}, nil
}

// limits of a chunk, in items; the engine adapts between them.
const (
	leastItems = 25
	firstItems = 500
	mostItems  = 20000
)

// drain runs a step chunk by chunk and then has it verified.
func (e *Engine) drain(ctx context.Context, l Lease) error {
	h, err := e.holder(l.Step.Holder)
	if err != nil {
		return err
	}
	limit := firstItems
	for round := 0; ; round++ {
		if err := e.chunks(ctx, h, &l, &limit); err != nil {
			return laterIsDone(err)
		}
		left, err := e.verify(ctx, h, l)
		if err != nil || left == 0 {
			return err
		}
		if round == 2 {
			return Fail(Internal, "error.residue", "n", left)
		}
		// What was written between the last chunk and the look is swept from the start.
		l.Step.Cursor = ""
	}
}

// chunks runs the step's chunks until the holder says that it is done. The limit adapts so that
// one chunk holds a single writer for no longer than ChunkTime.
func (e *Engine) chunks(ctx context.Context, h Holder, l *Lease, limit *int) error {
	aim := e.ChunkTime
	if aim == 0 {
		aim = 40 * time.Millisecond
	}
	rewind := l.Step.Chunks > 0 && l.Step.Cursor == ""
	for done := false; !done; {
		began := e.Machine()
		p, err := e.chunk(ctx, h, l, *limit, rewind)
		if err != nil {
			return err
		}
		if p.Again > 0 {
			return e.askAgain(ctx, *l, p.Again)
		}
		rewind, done = false, p.Done
		switch took := e.Machine().Sub(began); {
		case took > aim && *limit > leastItems:
			*limit = max(leastItems, *limit/2)
		case took < aim/3 && *limit < mostItems:
			*limit *= 2
		}
	}
	return nil
}

// errLater means that the step waits, and is asked again.
var errLater = errors.New("the step is asked again")

// laterIsDone passes on an error but errLater: all is put down by then.
func laterIsDone(err error) error {
	if errors.Is(err, errLater) {
		return nil
	}
	return err
}

// askAgain puts a step back that has nothing to do for now.
func (e *Engine) askAgain(ctx context.Context, l Lease, in time.Duration) error {
	now, err := e.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	if err := e.settle(ctx, l, Settlement{State: StepWaiting, Now: now, Soon: now.Add(in)}); err != nil {
		return err
	}
	return errLater
}

// chunk does one chunk. A holder outside the database works first, with the idempotency key,
// and its progress is stored afterwards; any other works inside the transaction.
func (e *Engine) chunk(ctx context.Context, h Holder, l *Lease, limit int, rewind bool) (Progress, error) {
	now, err := e.Now(ctx)
	if err != nil {
		return Progress{}, fmt.Errorf("read the clock: %w", err)
	}
	var p Progress
	do := func(ctx context.Context, s StepStatus) (Progress, error) {
		if rewind {
			s.Cursor = ""
		}
		t, err := e.task(*l, s, now, limit)
		if err != nil {
			return Progress{}, err
		}
		if ofAll(t) && s.Act != ActPack {
			p, err = e.EraseAll(ctx, h, s.Act, t)
		} else {
			p, err = hand(ctx, h, s.Act, t)
		}
		return p, err
	}
	c, _ := e.class(l.Step.Holder, l.Step.Class)
	inside := do
	if c.Outside && l.Step.Act.Irreversible() && l.Step.Chunks == 0 {
		// No transaction takes back what is erased outside: the step counts as begun before it is, so that nobody can still cancel it.
		begun, err := e.Store.Chunk(ctx, *l, now, func(context.Context, StepStatus) (Progress, error) { return Progress{}, nil })
		if err != nil {
			return p, err
		}
		l.Step = begun
	}
	if c.Outside || l.Step.Act == ActPack {
		if p, err = do(ctx, l.Step); err != nil {
			return p, err
		}
		done := p
		inside = func(context.Context, StepStatus) (Progress, error) { return done, nil }
	}
	s, err := e.Store.Chunk(ctx, *l, now, inside)
	if err != nil {
		return p, err
	}
	l.Step = s
	return p, nil
}

func hand(ctx context.Context, h Holder, act Act, t Task) (Progress, error) {
	switch act {
	case ActPack:
		if x, ok := h.(Packer); ok {
			return x.Pack(ctx, t)
		}
	case ActHold:
		if x, ok := h.(HoldKeeper); ok {
			return x.Hold(ctx, t)
		}
	default:
		return h.Erase(ctx, t)
	}
	return Progress{}, Fail(Internal, "error.no_act", "act", string(act))
}

// verify looks at what the step left. "Done" is never the word of the code that did it.
func (e *Engine) verify(ctx context.Context, h Holder, l Lease) (int64, error) {
	now, err := e.Now(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	out := Settlement{State: StepVerified, Now: now}
	if l.Step.Act != ActPack {
		t, err := e.task(l, l.Step, now, 0)
		if err != nil {
			return 0, err
		}
		left, err := e.look(ctx, h, t)
		if err != nil {
			return 0, fmt.Errorf("verify: %w", err)
		}
		if left.Left > 0 {
			return left.Left, nil
		}
		if left.Excepted > 0 || l.Step.Act == ActHold {
			out.State = StepExcepted
		}
	}
	out.Redate = e.redate(l, now)
	return 0, e.Store.Update(ctx, func(ctx context.Context) error {
		if err := e.settle(ctx, l, out); err != nil {
			return err
		}
		if !l.Step.Act.Irreversible() {
			return nil
		}
		// Read here and not taken from the lease: the person may have come back meanwhile.
		run, steps, err := e.Store.Load(ctx, l.Run.ID)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		if (run.State == RunReturned || run.State == RunCancelled) && !finishing(steps) {
			if err := e.reopen(ctx, run, steps, now); err != nil {
				return err
			}
		}
		if l.Step.Act == ActHold {
			if err := e.endHolds(ctx, run, steps, now); err != nil {
				return err
			}
		}
		if e.Receipt == nil {
			return nil
		}
		s := l.Step
		s.State, s.Ended = out.State, now
		return e.Receipt(ctx, run, s)
	})
}

func (e *Engine) settle(ctx context.Context, l Lease, s Settlement) error {
	if err := e.Store.Settle(ctx, l, s); err != nil {
		return fmt.Errorf("settle %s: %w", l.Step.Key, err)
	}
	return nil
}

// redate gives new dates to the steps whose terms count from the end of this one.
func (e *Engine) redate(l Lease, now time.Time) map[string]time.Time {
	if l.Run.Plan == nil {
		return nil
	}
	zone := l.Run.Plan.Location()
	out := map[string]time.Time{}
	for _, s := range l.Run.Plan.Steps {
		if s.From == l.Step.Key {
			s.Due = s.Term.From(DateOf(now, zone), Calendar{})
			out[s.Key] = s.DueAt(now, zone)
		}
	}
	return out
}

// begin ends cooling-off: from here on the run's steps cannot all be undone. A sunset's waits for archives that were asked for since all were made.
func (e *Engine) begin(ctx context.Context, l Lease) error {
	if l.Run.Journey == Sunset {
		again, err := e.packsStill(ctx, l)
		if err != nil {
			return err
		}
		if again > 0 {
			return laterIsDone(e.askAgain(ctx, l, again))
		}
	}
	return e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		if err := e.Store.Settle(ctx, l, Settlement{State: StepVerified, Now: now}); err != nil {
			return err
		}
		if err := e.Store.Alter(ctx, l.Run.ID, l.Run.Version, Alteration{State: RunRunning, Now: now}); err != nil {
			return err
		}
		r := l.Run
		r.State, r.Began = RunRunning, now
		return e.tell(ctx, r)
	})
}

// packsStill asks the holder that has made everybody's archives whether it makes one again, and gives after how long to ask anew; 0: it makes none.
func (e *Engine) packsStill(ctx context.Context, l Lease) (time.Duration, error) {
	_, steps, err := e.Store.Load(ctx, l.Run.ID)
	if err != nil {
		return 0, fmt.Errorf("read run: %w", err)
	}
	i := slices.IndexFunc(steps, func(s StepStatus) bool { return s.Act == ActPack && s.State == StepVerified })
	if i < 0 {
		return 0, nil
	}
	h, err := e.holder(steps[i].Holder)
	p, ok := h.(LatePacker)
	if err != nil || !ok {
		return 0, err
	}
	now, err := e.Now(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	t, err := e.task(l, steps[i], now, 0)
	if err != nil {
		return 0, err
	}
	return p.PacksStill(ctx, t)
}

// wake ends a hibernation on its own date, by the inverse of its steps.
func (e *Engine) wake(ctx context.Context, l Lease) error {
	return e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		f := Facts{Runs: []RunFact{{Run: l.Run, Steps: statuses(l.Run.Plan, l.Run.Agreed)}}}
		policy, err := e.PolicyOf(ctx, l.Run)
		if err != nil {
			return err
		}
		plan, err := MakePlan(policy, Ask{Subject: l.Run.Subject, Journey: Wake, Run: l.Run.ID}, f, now)
		if err != nil {
			return err
		}
		if err := e.atConsent(ctx, l.Run, plan, l.Run.ID, now); err != nil {
			return err
		}
		if err := e.Store.Settle(ctx, l, Settlement{State: StepVerified, Now: now}); err != nil {
			return err
		}
		r := l.Run
		r.State = RunReturned
		return e.tell(ctx, r)
	})
}

// gate asks whether a fact holds by now. A closed gate is asked again on the next day, or when
// [Engine.Knock] says that something has happened.
func (e *Engine) gate(ctx context.Context, l Lease) error {
	h, err := e.holder(l.Step.Holder)
	if err != nil {
		return err
	}
	keeper, ok := h.(Gatekeeper)
	if !ok {
		return Fail(Internal, "error.no_act", "act", string(ActGate))
	}
	return e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		t, err := e.task(l, l.Step, now, 0)
		if err != nil {
			return err
		}
		answer, err := keeper.Gate(ctx, t, l.Step.Gate)
		if err != nil {
			return fmt.Errorf("ask gate %s: %w", l.Step.Gate, err)
		}
		switch answer {
		case Open:
			return e.settle(ctx, l, Settlement{State: StepVerified, Now: now, Redate: e.redate(l, now)})
		case Void:
			if err := e.settle(ctx, l, Settlement{State: StepCancelled, Now: now}); err != nil {
				return err
			}
			return e.fallAway(ctx, l, now)
		default:
			return e.settle(ctx, l, Settlement{State: StepWaiting, Now: now, Ask: now.Add(24 * time.Hour)})
		}
	})
}

// fallAway cancels the steps that a gate which can never open guards.
func (e *Engine) fallAway(ctx context.Context, l Lease, now time.Time) error {
	a := Alteration{Now: now}
	for _, s := range l.Run.Plan.Steps {
		if s.ClassID() == l.Step.ClassID() && s.Act.Irreversible() {
			a.Cancel = append(a.Cancel, s.Key)
		}
	}
	if err := e.Store.Alter(ctx, l.Run.ID, l.Run.Version, a); err != nil {
		return fmt.Errorf("drop what the gate guards: %w", err)
	}
	return nil
}

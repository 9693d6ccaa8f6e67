// Package exittest has the conformance suites of the exit package: [Stores] for run stores and
// [Holder] for holders. Whoever writes one of either runs them in a test of their own.
package exittest

import (
	"context"
	"errors"
	"testing"
	"time"

	"exeunt/exit"
)

// Stores shows that a run store keeps its promises: states, leases and their fences, due order,
// dependencies, gates, retries, overlaps of runs, changes of a run, and forgetting. Open gives an
// empty store for each part.
func Stores(t *testing.T, open func(t *testing.T) exit.RunStore) {
	parts := []struct {
		name string
		test func(t *testing.T, s exit.RunStore)
	}{
		{"Add/round trip", addRoundTrip},
		{"Add/one open closing", addUnique},
		{"Add/rolls back", addRollsBack},
		{"Open/newest first", openNewest},
		{"Policy", policies},
		{"Lease/due order", leaseOrder},
		{"Lease/dependencies", leaseNeeds},
		{"Lease/run out", leaseRunsOut},
		{"Lease/lost", leaseLost},
		{"Lease/its plan", leasePlan},
		{"Chunk/adds up", chunkAddsUp},
		{"Chunk/all or nothing", chunkRollsBack},
		{"Settle/ends", settleEnds},
		{"Settle/retry", settleRetry},
		{"Settle/gate", settleGate},
		{"Settle/redate", settleRedate},
		{"Settle/satisfies other runs", settleSatisfies},
		{"Settle/satisfies no wider run", settleNarrow},
		{"Alter/version", alterVersion},
		{"Alter/cancel", alterCancel},
		{"Alter/cancel what has begun", alterCancelBegun},
		{"Alter/finish after a return", alterReturn},
		{"Alter/due now", alterDueNow},
		{"Alter/amend", alterAmend},
		{"Alter/forget", alterForget},
		{"Alter/forget other runs", alterForgetOthers},
		{"Hold/outlives its subject", holdOutlives},
		{"Traveller", traveller},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.test(t, open(t)) })
	}
}

// day0 is when the suites' runs are agreed; machine is what the machine clock says then.
var (
	day0    = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	machine = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
)

const (
	ttl  = 30 * time.Second
	aDay = 24 * time.Hour
)

var someone = exit.Account("7f3a")

// step makes a step that is due some days after day0.
func step(act exit.Act, class string, days int, after ...string) exit.StepStatus {
	s := exit.Step{Key: string(act), Act: act, After: after, Term: exit.Term{N: days, Unit: exit.Days}, Due: exit.DateOf(day0, time.UTC).AddDays(days)}
	if class != "" {
		s.Key, s.Holder, s.Class = s.Key+":post."+class, "post", class
		if act.Irreversible() {
			s.Manner = exit.Manner(act)
		}
	}
	return exit.StepStatus{Step: s, State: exit.StepWaiting, At: day0.Add(time.Duration(days) * aDay)}
}

// agreed makes a run of steps.
func agreed(id string, subject exit.Subject, j exit.Journey, steps ...exit.StepStatus) (exit.Run, []exit.StepStatus) {
	p := &exit.Plan{
		Format: 1, Journey: j, Subject: subject.String(), Policy: "p1", Zone: "UTC", Day: exit.DateOf(day0, time.UTC),
		Steps: []exit.Step{}, Stays: []exit.Stay{}, Bindings: []exit.Binding{},
	}
	for i := range steps {
		steps[i].Seq = i
		p.Steps = append(p.Steps, steps[i].Step)
	}
	state := exit.RunRunning
	if j == exit.Close {
		state = exit.RunOpen
	}
	return exit.Run{
		ID: id, Subject: subject, Journey: j, State: state, By: "person", Hash: p.Hash(), Plan: p, Policy: "p1", Agreed: day0, Version: 1,
	}, steps
}

// closing stores a closing: begin, erase likes (7 days), erase posts (28 days, after the likes), seal.
func closing(t *testing.T, s exit.RunStore, id string, subject exit.Subject) exit.Run {
	t.Helper()
	r, steps := agreed(
		id, subject, exit.Close,
		step(exit.ActBegin, "", 3),
		step(exit.ActErase, "likes", 7, "begin"),
		step(exit.ActErase, "posts", 28, "begin", "erase:post.likes"),
		step(exit.ActSeal, "", 28, "begin", "erase:post.likes", "erase:post.posts"),
	)
	add(t, s, r, steps)
	return r
}

func add(t *testing.T, s exit.RunStore, r exit.Run, steps []exit.StepStatus) {
	t.Helper()
	if err := s.Add(t.Context(), r, steps, []byte("policy one")); err != nil {
		t.Fatalf("add %s: %v", r.ID, err)
	}
}

// after gives the promise clock some days after day0.
func after(days int) time.Time { return day0.Add(time.Duration(days) * aDay) }

func lease(t *testing.T, s exit.RunStore, now, machine time.Time, want ...string) []exit.Lease {
	t.Helper()
	got, err := s.Lease(t.Context(), now, machine, ttl, 100)
	if err != nil {
		t.Fatalf("lease: %v", err)
	}
	keys := map[string]bool{}
	for _, l := range got {
		keys[l.Run.ID+" "+l.Step.Key] = true
	}
	for _, w := range want {
		if !keys[w] {
			t.Fatalf("leased %v, want %v", keys, want)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("leased %v, want %v", keys, want)
	}
	return got
}

// do leases what is due, which is to be one step, and settles it as verified.
func do(t *testing.T, s exit.RunStore, days int, want string) exit.Lease {
	t.Helper()
	l := lease(t, s, after(days), machine, want)[0]
	settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(days)})
	return l
}

func settle(t *testing.T, s exit.RunStore, l exit.Lease, to exit.Settlement) {
	t.Helper()
	if err := s.Settle(t.Context(), l, to); err != nil {
		t.Fatalf("settle %s as %s: %v", l.Step.Key, to.State, err)
	}
}

func load(t *testing.T, s exit.RunStore, id string) (exit.Run, map[string]exit.StepStatus) {
	t.Helper()
	r, steps, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("load %s: %v", id, err)
	}
	out := map[string]exit.StepStatus{}
	for i, x := range steps {
		if x.Seq != i {
			t.Errorf("step %d of %s has number %d", i, id, x.Seq)
		}
		out[x.Key] = x
	}
	return r, out
}

func chunk(t *testing.T, s exit.RunStore, l exit.Lease, now time.Time, p exit.Progress) exit.StepStatus {
	t.Helper()
	st, err := s.Chunk(t.Context(), l, now, func(context.Context, exit.StepStatus) (exit.Progress, error) { return p, nil })
	if err != nil {
		t.Fatalf("chunk of %s: %v", l.Step.Key, err)
	}
	return st
}

func alter(t *testing.T, s exit.RunStore, id string, a exit.Alteration) {
	t.Helper()
	r, _, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("load %s: %v", id, err)
	}
	if err := s.Alter(t.Context(), id, r.Version, a); err != nil {
		t.Fatalf("alter %s: %v", id, err)
	}
}

func wantKind(t *testing.T, what string, err error, kind exit.Kind) {
	t.Helper()
	if err == nil || exit.KindOf(err) != kind {
		t.Errorf("%s: got error %v, want one of kind %q", what, err, kind)
	}
}

func wantLost(t *testing.T, what string, err error) {
	t.Helper()
	if lost := errors.Unwrap(exit.Lost()); !errors.Is(err, lost) {
		t.Errorf("%s: got error %v, want exit.Lost()", what, err)
	}
}

func wantState(t *testing.T, s exit.StepStatus, state exit.StepState) {
	t.Helper()
	if s.State != state {
		t.Errorf("step %q is %s, want %s", s.Key, s.State, state)
	}
}

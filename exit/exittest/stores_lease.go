package exittest

import (
	"context"
	"errors"
	"testing"
	"time"

	"exeunt/exit"
)

func leaseOrder(t *testing.T, s exit.RunStore) {
	for i, id := range []string{"r1", "r2", "r3", "r4"} {
		r, steps := agreed(id, exit.Account(id), exit.Close, step(exit.ActBegin, "", []int{5, 3, 4, 9}[i]))
		add(t, s, r, steps)
	}
	got, err := s.Lease(t.Context(), after(5), machine, ttl, 2)
	if err != nil || len(got) != 2 || got[0].Run.ID != "r2" || got[1].Run.ID != "r3" {
		t.Fatalf("leased %+v, %v; want the two that are due first, in order", got, err)
	}
	if l := got[0]; l.Step.State != exit.StepRunning || !l.Until.Equal(machine.Add(ttl)) || l.Step.Attempts != 1 || !l.Step.At.Equal(after(3)) {
		t.Errorf("leased %+v", l)
	}
	lease(t, s, after(5).Add(-time.Millisecond), machine)
	lease(t, s, after(5), machine, "r1 begin")
}

func leaseNeeds(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	lease(t, s, after(2), machine)
	// All dates are past, and still each waits for what goes first.
	for _, key := range []string{"r1 begin", "r1 erase:post.likes", "r1 erase:post.posts", "r1 seal"} {
		do(t, s, 40, key)
		if _, steps := load(t, s, "r1"); key == "r1 begin" && steps["begin"].State != exit.StepVerified {
			t.Errorf("begin is %s", steps["begin"].State)
		}
	}
	lease(t, s, after(1000), machine)
}

func leaseRunsOut(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	first := lease(t, s, after(3), machine, "r1 begin")[0]
	lease(t, s, after(3), machine.Add(ttl-time.Millisecond))
	if err := s.Renew(t.Context(), first, machine.Add(2*ttl)); err != nil {
		t.Fatalf("renew: %v", err)
	}
	lease(t, s, after(3), machine.Add(ttl))
	// The promise clock has nothing to do with leases.
	lease(t, s, after(3000), machine.Add(ttl))
	second := lease(t, s, after(3), machine.Add(2*ttl), "r1 begin")[0]
	if second.Fence == first.Fence {
		t.Errorf("both leases have fence %d", first.Fence)
	}
	// The first worker was lost and has not failed.
	if second.Step.Attempts != 1 {
		t.Errorf("attempts are %d, want 1", second.Step.Attempts)
	}
	settle(t, s, second, exit.Settlement{State: exit.StepWaiting, Now: after(3), Retry: machine.Add(3 * ttl), Problem: "error.step_failed"})
	if third := lease(t, s, after(3), machine.Add(3*ttl), "r1 begin")[0]; third.Step.Attempts != 2 {
		t.Errorf("after a failure attempts are %d, want 2", third.Step.Attempts)
	}
}

func leaseLost(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	do(t, s, 3, "r1 begin")
	old := lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	chunk(t, s, old, after(7), exit.Progress{Items: 5, Cursor: "5"})
	held := lease(t, s, after(7), machine.Add(ttl), "r1 erase:post.likes")[0]
	if held.Step.Cursor != "5" || held.Step.Items != 5 || held.Step.Chunks != 1 {
		t.Errorf("the next worker does not see what was done: %+v", held.Step)
	}
	called := false
	_, err := s.Chunk(t.Context(), old, after(7), func(context.Context, exit.StepStatus) (exit.Progress, error) {
		called = true
		return exit.Progress{Items: 100}, nil
	})
	wantLost(t, "chunk", err)
	if called {
		t.Error("a worker that lost its lease has worked")
	}
	wantLost(t, "renew", s.Renew(t.Context(), old, machine.Add(aDay)))
	wantLost(t, "settle", s.Settle(t.Context(), old, exit.Settlement{State: exit.StepVerified, Now: after(7)}))
	_, steps := load(t, s, "r1")
	wantState(t, steps["erase:post.likes"], exit.StepRunning)
	settle(t, s, held, exit.Settlement{State: exit.StepVerified, Now: after(7)})
	wantLost(t, "a second settlement", s.Settle(t.Context(), held, exit.Settlement{State: exit.StepVerified, Now: after(7)}))
	wantLost(t, "renewal of what has ended", s.Renew(t.Context(), held, machine.Add(aDay)))
	if _, steps := load(t, s, "r1"); steps["erase:post.likes"].Items != 5 {
		t.Errorf("items are %d, want 5", steps["erase:post.likes"].Items)
	}
	lease(t, s, after(28), machine, "r1 erase:post.posts")
}

// leasePlan: a worker on any step but an erasure has the plan in hand, and so has one on an
// erasure from whose end another step's term counts.
func leasePlan(t *testing.T, s exit.RunStore) {
	later := step(exit.ActErase, "posts", 28, "erase:post.likes")
	later.From = "erase:post.likes"
	r, steps := agreed("r1", someone, exit.Close, step(exit.ActBegin, "", 3), step(exit.ActErase, "likes", 3), later)
	add(t, s, r, steps)
	for _, l := range lease(t, s, after(3), machine, "r1 begin", "r1 erase:post.likes") {
		if l.Run.Plan == nil || l.Run.Plan.Hash() != r.Hash {
			t.Errorf("the lease of %q has plan %+v", l.Step.Key, l.Run.Plan)
		}
		if l.Run.Subject != someone || l.Run.Version != 1 || l.Run.Journey != exit.Close {
			t.Errorf("the lease of %q has run %+v", l.Step.Key, l.Run)
		}
	}
}

func chunkAddsUp(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	do(t, s, 3, "r1 begin")
	l := lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	chunk(t, s, l, after(7), exit.Progress{Items: 3, Bytes: 30, Cursor: "a"})
	got, err := s.Chunk(t.Context(), l, after(8), func(_ context.Context, st exit.StepStatus) (exit.Progress, error) {
		if st.Cursor != "a" || st.Chunks != 1 {
			t.Errorf("the second chunk starts from %+v", st)
		}
		return exit.Progress{Items: 4, Bytes: 40, Cursor: "b", Done: true, Uncounted: true}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, steps := load(t, s, "r1")
	for what, st := range map[string]exit.StepStatus{"answered": got, "stored": steps["erase:post.likes"]} {
		if st.Items != 7 || st.Bytes != 70 || st.Cursor != "b" || st.Chunks != 2 || !st.Uncounted || !st.Began.Equal(after(7)) || st.State != exit.StepRunning {
			t.Errorf("%s step is %+v", what, st)
		}
	}
}

func chunkRollsBack(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	do(t, s, 3, "r1 begin")
	l := lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	stop := errors.New("stop")
	_, err := s.Chunk(t.Context(), l, after(7), func(ctx context.Context, _ exit.StepStatus) (exit.Progress, error) {
		other, steps := agreed("r2", exit.Account("other"), exit.Close, step(exit.ActBegin, "", 3))
		if err := s.Add(ctx, other, steps, []byte("policy one")); err != nil {
			t.Errorf("write in a chunk: %v", err)
		}
		return exit.Progress{Items: 9, Cursor: "z"}, stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("chunk gave %v, want its function's error", err)
	}
	if _, _, err := s.Load(t.Context(), "r2"); exit.KindOf(err) != exit.NotFound {
		t.Errorf("what a failed chunk wrote is there: %v", err)
	}
	_, steps := load(t, s, "r1")
	if st := steps["erase:post.likes"]; st.Chunks != 0 || st.Items != 0 || st.Cursor != "" || !st.Began.IsZero() {
		t.Errorf("a failed chunk left %+v", st)
	}
}

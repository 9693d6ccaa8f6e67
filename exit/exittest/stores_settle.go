package exittest

import (
	"testing"
	"time"

	"exeunt/exit"
)

func settleEnds(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	do(t, s, 3, "r1 begin")
	l := lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	settle(t, s, l, exit.Settlement{State: exit.StepStuck, Now: after(7), Problem: "error.residue"})
	_, steps := load(t, s, "r1")
	if st := steps["erase:post.likes"]; st.State != exit.StepStuck || st.Problem != "error.residue" || !st.Ended.IsZero() {
		t.Errorf("stuck step is %+v", st)
	}
	// A stuck step holds up what waits for it.
	lease(t, s, after(100), machine.Add(aDay))
	alter(t, s, "r1", exit.Alteration{Now: after(9), DueNow: []string{"erase:post.likes"}})
	l = lease(t, s, after(9), machine, "r1 erase:post.likes")[0]
	if l.Step.Attempts != 1 {
		t.Errorf("a step that is tried anew has %d attempts, want 1", l.Step.Attempts)
	}
	settle(t, s, l, exit.Settlement{State: exit.StepExcepted, Now: after(9)})
	_, steps = load(t, s, "r1")
	if st := steps["erase:post.likes"]; st.State != exit.StepExcepted || st.Problem != "" || !st.Ended.Equal(after(9)) {
		t.Errorf("excepted step is %+v", st)
	}
	l = lease(t, s, after(28), machine, "r1 erase:post.posts")[0]
	settle(t, s, l, exit.Settlement{State: exit.StepCancelled, Now: after(28)})
	lease(t, s, after(28), machine, "r1 seal")
}

func settleRetry(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	l := lease(t, s, after(3), machine, "r1 begin")[0]
	settle(t, s, l, exit.Settlement{State: exit.StepWaiting, Now: after(3), Retry: machine.Add(time.Minute), Problem: "error.step_failed"})
	lease(t, s, after(3), machine.Add(time.Minute-time.Millisecond))
	lease(t, s, after(300), machine)
	l = lease(t, s, after(3), machine.Add(time.Minute), "r1 begin")[0]
	if l.Step.Attempts != 2 || l.Step.Problem != "error.step_failed" {
		t.Errorf("the second attempt is %+v", l.Step)
	}
}

func settleGate(t *testing.T, s exit.RunStore) {
	gate := step(exit.ActGate, "orders", 3)
	gate.Gate = "settled"
	r, steps := agreed("r1", someone, exit.Close, gate, step(exit.ActErase, "orders", 3, gate.Key))
	add(t, s, r, steps)
	l := lease(t, s, after(3), machine, "r1 "+gate.Key)[0]
	settle(t, s, l, exit.Settlement{State: exit.StepWaiting, Now: after(3), Ask: after(4)})
	_, got := load(t, s, "r1")
	if g := got[gate.Key]; !g.Gated || g.State != exit.StepWaiting || !g.At.Equal(after(4)) {
		t.Errorf("a closed gate is %+v", g)
	}
	lease(t, s, after(4).Add(-time.Millisecond), machine)
	l = lease(t, s, after(4), machine, "r1 "+gate.Key)[0]
	if l.Step.Attempts != 1 {
		t.Errorf("a gate's second question is attempt %d, want 1", l.Step.Attempts)
	}
	settle(t, s, l, exit.Settlement{State: exit.StepWaiting, Now: after(4), Ask: after(5)})
	alter(t, s, "r1", exit.Alteration{Now: after(4), Due: map[string]time.Time{gate.Key: after(4)}})
	l = lease(t, s, after(4), machine, "r1 "+gate.Key)[0]
	settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(4)})
	lease(t, s, after(4), machine, "r1 erase:post.orders")
}

func settleRedate(t *testing.T, s exit.RunStore) {
	later := step(exit.ActErase, "archives", 3, "pack")
	later.From = "pack"
	r, steps := agreed("r1", someone, exit.TakeAlong, step(exit.ActPack, "", 0), later)
	add(t, s, r, steps)
	l := lease(t, s, after(5), machine, "r1 pack")[0]
	settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(5), Redate: map[string]time.Time{later.Key: after(12), "pack": after(99)}})
	_, got := load(t, s, "r1")
	if !got[later.Key].At.Equal(after(12)) || !got["pack"].At.Equal(after(0)) {
		t.Errorf("dates are %v and %v", got[later.Key].At, got["pack"].At)
	}
	lease(t, s, after(11), machine)
	lease(t, s, after(12), machine, "r1 "+later.Key)
}

// settleSatisfies: one class of one subject is erased by one step.
func settleSatisfies(t *testing.T, s exit.RunStore) {
	whole := closing(t, s, "whole", someone)
	part, steps := agreed(
		"part", someone.Within("circle"), exit.Close,
		step(exit.ActErase, "likes", 50), step(exit.ActDetach, "posts", 50), step(exit.ActHold, "orders", 50),
		step(exit.ActSeal, "", 50, "erase:post.likes", "detach:post.posts", "hold:post.orders"),
	)
	add(t, s, part, steps)
	other, steps := agreed("other", exit.Account("other"), exit.Close, step(exit.ActErase, "likes", 60))
	add(t, s, other, steps)
	do(t, s, 3, "whole begin")
	do(t, s, 7, "whole erase:post.likes")
	_, got := load(t, s, "part")
	if st := got["erase:post.likes"]; st.State != exit.StepSatisfied || st.Satisfier != whole.ID+" erase:post.likes" || !st.Ended.Equal(after(7)) {
		t.Errorf("the other run's step is %+v, want it satisfied by the first's", st)
	}
	wantState(t, got["detach:post.posts"], exit.StepWaiting)
	do(t, s, 28, "whole erase:post.posts")
	_, got = load(t, s, "part")
	wantState(t, got["detach:post.posts"], exit.StepSatisfied)
	wantState(t, got["hold:post.orders"], exit.StepWaiting)
	_, got = load(t, s, "other")
	wantState(t, got["erase:post.likes"], exit.StepWaiting)
	do(t, s, 28, "whole seal")
	do(t, s, 50, "part hold:post.orders")
	do(t, s, 50, "part seal")
}

// settleNarrow: the erasure of a part leaves the rest to do, and so do a detachment where all is to
// go and a step that its choice narrows.
func settleNarrow(t *testing.T, s exit.RunStore) {
	closing(t, s, "whole", someone)
	part, steps := agreed("part", someone.Within("circle"), exit.Close, step(exit.ActErase, "likes", 1))
	add(t, s, part, steps)
	place, steps := agreed("place", someone.Within("circle:9"), exit.Close, step(exit.ActErase, "likes", 60), step(exit.ActErase, "posts", 60))
	add(t, s, place, steps)
	left, steps := agreed("left", someone.Within("channel"), exit.Close, step(exit.ActErase, "likes", 60))
	add(t, s, left, steps)
	detached, steps := agreed("detached", someone.Within("circle:9x"), exit.Close, step(exit.ActDetach, "posts", 2))
	add(t, s, detached, steps)
	do(t, s, 1, "part erase:post.likes")
	do(t, s, 2, "detached detach:post.posts")
	for id, want := range map[string]exit.StepState{"whole": exit.StepWaiting, "place": exit.StepSatisfied, "left": exit.StepWaiting} {
		_, got := load(t, s, id)
		wantState(t, got["erase:post.likes"], want)
	}
	_, got := load(t, s, "place")
	wantState(t, got["erase:post.posts"], exit.StepWaiting)
	one := step(exit.ActErase, "posts", 2)
	one.Choice = "run"
	archive, steps := agreed("one", someone, exit.TakeAlong, one)
	add(t, s, archive, steps)
	do(t, s, 2, "one erase:post.posts")
	_, got = load(t, s, "whole")
	wantState(t, got["erase:post.posts"], exit.StepWaiting)
}

// traveller tests what a store can do more that is an [exit.Traveller]; for others it shows nothing.
func traveller(t *testing.T, s exit.RunStore) {
	tr, ok := s.(exit.Traveller)
	if !ok {
		t.Log("the store is no exit.Traveller: nothing to test")
		return
	}
	want := func(when time.Time, next time.Time, busy int) {
		t.Helper()
		at, ok, err := tr.Next(t.Context())
		if err != nil || ok == next.IsZero() || !at.Equal(next) {
			t.Errorf("next is %v, %v, %v; want %v", at, ok, err, next)
		}
		if n, err := tr.Busy(t.Context(), when); err != nil || n != busy {
			t.Errorf("busy at %v is %d, %v; want %d", when, n, err, busy)
		}
	}
	want(after(0), time.Time{}, 0)
	closing(t, s, "r1", someone)
	want(after(2), after(3), 0)
	want(after(3), after(3), 1)
	l := lease(t, s, after(3), machine, "r1 begin")[0]
	want(after(3), time.Time{}, 1)
	settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(3)})
	want(after(3), after(7), 0)
	l = lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	settle(t, s, l, exit.Settlement{State: exit.StepWaiting, Now: after(7), Ask: after(8)})
	want(after(100), time.Time{}, 0)
	l = lease(t, s, after(8), machine, "r1 erase:post.likes")[0]
	settle(t, s, l, exit.Settlement{State: exit.StepStuck, Now: after(8)})
	want(after(100), time.Time{}, 0)
}

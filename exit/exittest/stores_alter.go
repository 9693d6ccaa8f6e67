package exittest

import (
	"testing"

	"exeunt/exit"
)

func alterVersion(t *testing.T, s exit.RunStore) {
	r := closing(t, s, "r1", someone)
	if err := s.Alter(t.Context(), r.ID, r.Version, exit.Alteration{State: exit.RunRunning, Now: after(3)}); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "a change of an old version", s.Alter(t.Context(), r.ID, r.Version, exit.Alteration{State: exit.RunReturned, Now: after(4)}), exit.Conflict)
	wantKind(t, "a change of an unknown run", s.Alter(t.Context(), "nobody's", 1, exit.Alteration{Now: after(4)}), exit.NotFound)
	got, _ := load(t, s, "r1")
	if got.State != exit.RunRunning || !got.Began.Equal(after(3)) || got.Version == r.Version || !got.Ended.IsZero() {
		t.Errorf("run is %+v", got)
	}
}

func alterCancel(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	do(t, s, 3, "r1 begin")
	// A worker has just taken the step and not begun.
	taken := lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	alter(t, s, "r1", exit.Alteration{Now: after(7), Cancel: []string{"begin", "erase:post.likes"}})
	_, got := load(t, s, "r1")
	wantState(t, got["begin"], exit.StepVerified)
	wantState(t, got["erase:post.likes"], exit.StepCancelled)
	if !got["erase:post.likes"].Ended.Equal(after(7)) {
		t.Errorf("the cancelled step ended %v", got["erase:post.likes"].Ended)
	}
	wantLost(t, "settle", s.Settle(t.Context(), taken, exit.Settlement{State: exit.StepVerified, Now: after(7)}))
	// What waited for it waits no longer.
	do(t, s, 28, "r1 erase:post.posts")
	do(t, s, 28, "r1 seal")
}

func alterCancelBegun(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	do(t, s, 3, "r1 begin")
	r, _ := load(t, s, "r1")
	l := lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	chunk(t, s, l, after(7), exit.Progress{Items: 1, Cursor: "1"})
	err := s.Alter(t.Context(), "r1", r.Version, exit.Alteration{State: exit.RunReturned, Now: after(7), Cancel: []string{"erase:post.likes", "erase:post.posts", "seal"}})
	wantKind(t, "cancelling what has begun", err, exit.Conflict)
	r, got := load(t, s, "r1")
	wantState(t, got["erase:post.likes"], exit.StepRunning)
	wantState(t, got["erase:post.posts"], exit.StepWaiting)
	if r.State == exit.RunReturned {
		t.Error("half of the change was made")
	}
}

// alterReturn: a class that has been begun is finished, even though its run has ended.
func alterReturn(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	do(t, s, 3, "r1 begin")
	l := lease(t, s, after(7), machine, "r1 erase:post.likes")[0]
	chunk(t, s, l, after(7), exit.Progress{Items: 1, Cursor: "1"})
	settle(t, s, l, exit.Settlement{State: exit.StepWaiting, Now: after(7), Retry: machine.Add(aDay), Problem: "error.step_failed"})
	alter(t, s, "r1", exit.Alteration{
		State: exit.RunReturned, Now: after(8), FreeSteps: true,
		Cancel: []string{"erase:post.posts", "seal"}, DueNow: []string{"erase:post.likes"},
	})
	l = lease(t, s, after(8), machine, "r1 erase:post.likes")[0]
	if l.Step.Cursor != "1" || l.Run.State != exit.RunReturned {
		t.Errorf("the step goes on from %+v in a run that is %s", l.Step, l.Run.State)
	}
	chunk(t, s, l, after(8), exit.Progress{Items: 2, Cursor: "3", Done: true})
	settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(8)})
	r, got := load(t, s, "r1")
	if got["erase:post.likes"].Items != 3 || r.State != exit.RunReturned || !r.Ended.Equal(after(8)) {
		t.Errorf("run is %s, step %+v", r.State, got["erase:post.likes"])
	}
	lease(t, s, after(100), machine.Add(aDay))
}

func alterDueNow(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	alter(t, s, "r1", exit.Alteration{Now: after(1), DueNow: []string{"begin", "erase:post.likes", "erase:post.posts", "seal"}})
	for _, key := range []string{"r1 begin", "r1 erase:post.likes", "r1 erase:post.posts", "r1 seal"} {
		l := do(t, s, 1, key)
		if !l.Step.At.Equal(after(1)) {
			t.Errorf("%s is due %v", key, l.Step.At)
		}
	}
}

func alterAmend(t *testing.T, s exit.RunStore) {
	r := closing(t, s, "r1", someone)
	for _, key := range []string{"begin", "erase:post.likes", "erase:post.posts"} {
		do(t, s, 28, "r1 "+key)
	}
	l := lease(t, s, after(28), machine, "r1 seal")[0]
	added := step(exit.ActErase, "drafts", 28)
	added.Seq, added.Amended = 4, true
	next := step(exit.ActErase, "sketches", 28, added.Key)
	next.Seq, next.Amended = 5, true
	alter(t, s, "r1", exit.Alteration{Now: after(28), Add: []exit.StepStatus{added, next}})
	settle(t, s, l, exit.Settlement{State: exit.StepWaiting, Now: after(28)})
	got, steps := load(t, s, "r1")
	if !steps[added.Key].Amended || steps["seal"].Amended || got.Plan.Hash() != r.Hash {
		t.Errorf("the amendment is %+v; the plan's hash is %s, want %s still", steps[added.Key], got.Plan.Hash(), r.Hash)
	}
	for _, key := range []string{added.Key, next.Key, "seal"} {
		do(t, s, 28, "r1 "+key)
	}
}

func alterForget(t *testing.T, s exit.RunStore) {
	signIn := step(exit.ActErase, "sign-in", 3)
	signIn.Subject = "person:p1"
	r, steps := agreed("r1", someone, exit.Close, signIn, step(exit.ActSeal, "", 3, signIn.Key))
	add(t, s, r, steps)
	do(t, s, 3, "r1 "+signIn.Key)
	do(t, s, 3, "r1 seal")
	alter(t, s, "r1", exit.Alteration{State: exit.RunSealed, Now: after(3), Forget: true})
	got, gotSteps := load(t, s, "r1")
	if got.Subject != (exit.Subject{}) || got.Plan.Subject != "" || gotSteps[signIn.Key].Subject != "" || got.Plan.Steps[0].Subject != "" {
		t.Errorf("the run still knows its subject: %+v, plan %+v", got, got.Plan)
	}
	if got.State != exit.RunSealed || got.Hash != r.Hash || len(gotSteps) != 2 {
		t.Errorf("the run lost more than its subject: %+v", got)
	}
	if open, err := s.Open(t.Context(), someone); err != nil || len(open) != 0 {
		t.Errorf("open runs of who is gone: %v, %v", open, err)
	}
}

// alterForgetOthers: with a whole subject all of its runs forget it, each when it has ended.
func alterForgetOthers(t *testing.T, s exit.RunStore) {
	closing(t, s, "other", exit.Account("other"))
	hidden, steps := agreed("hidden", someone.Within("circle"), exit.Hide)
	hidden.State, hidden.Ended = exit.RunSealed, day0
	add(t, s, hidden, steps)
	packing, steps := agreed("packing", someone, exit.TakeAlong, step(exit.ActPack, "", 90), step(exit.ActSeal, "", 90, "pack"))
	add(t, s, packing, steps)
	part := closing(t, s, "part", someone.Within("channel"))
	alter(t, s, part.ID, exit.Alteration{State: exit.RunSealed, Now: after(1), Forget: true, Cancel: []string{"begin", "erase:post.likes", "erase:post.posts", "seal"}})
	closing(t, s, "r1", someone)
	if got, _ := load(t, s, "hidden"); got.Subject != someone.Within("circle") {
		t.Errorf("forgetting a part made another run forget %v", got.Subject)
	}
	alter(t, s, "r1", exit.Alteration{State: exit.RunSealed, Now: after(2), Forget: true, Cancel: []string{"begin", "erase:post.likes", "erase:post.posts", "seal"}})
	for id, want := range map[string]exit.Subject{"hidden": {}, "part": {}, "r1": {}, "packing": someone, "other": exit.Account("other")} {
		if got, _ := load(t, s, id); got.Subject != want {
			t.Errorf("run %s has subject %q, want %q", id, got.Subject, want)
		}
	}
	l := lease(t, s, after(90), machine, "packing pack", "other begin")
	for _, l := range l {
		settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(90)})
	}
	for _, l := range lease(t, s, after(90), machine, "packing seal", "other erase:post.likes") {
		settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(90)})
	}
	alter(t, s, "packing", exit.Alteration{State: exit.RunSealed, Now: after(90)})
	if got, _ := load(t, s, "packing"); got.Subject != (exit.Subject{}) {
		t.Errorf("a run that ended after its subject was forgotten has subject %q", got.Subject)
	}
}

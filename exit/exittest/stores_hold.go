package exittest

import (
	"testing"
	"time"

	"exeunt/exit"
)

// holdOutlives: the run that ends a hold is there on its date, years after its subject was forgotten.
func holdOutlives(t *testing.T, s exit.RunStore) {
	held := step(exit.ActHold, "orders", 3)
	held.Law, held.Until = "a law", exit.DateOf(after(1000), time.UTC)
	r, steps := agreed("r1", someone, exit.Close, held, step(exit.ActSeal, "", 3, held.Key))
	add(t, s, r, steps)
	l := lease(t, s, after(3), machine, "r1 hold:post.orders")[0]
	settle(t, s, l, exit.Settlement{State: exit.StepExcepted, Now: after(3)})
	end := step(exit.ActErase, "orders", 1000)
	end.Key, end.Settles = "end:"+held.Key, held.Key
	e, steps := agreed("e1", exit.Held("r1"), exit.EndHold, end, step(exit.ActSeal, "", 1000, end.Key))
	add(t, s, e, steps)
	do(t, s, 3, "r1 seal")
	alter(t, s, "r1", exit.Alteration{State: exit.RunSealed, Now: after(3), Forget: true})

	lease(t, s, after(1000).Add(-time.Millisecond), machine)
	l = lease(t, s, after(1000), machine, "e1 end:hold:post.orders")[0]
	if l.Run.Subject != exit.Held("r1") || l.Run.Journey != exit.EndHold || l.Step.Settles != held.Key || l.Step.Subject != "" {
		t.Errorf("the end of the hold is %+v of run %+v", l.Step, l.Run)
	}
	settle(t, s, l, exit.Settlement{State: exit.StepVerified, Now: after(1000)})
	do(t, s, 1000, "e1 seal")
	alter(t, s, "e1", exit.Alteration{State: exit.RunSealed, Now: after(1000)})
	if got, _ := load(t, s, "e1"); got.Plan.Hash() != e.Hash || got.State != exit.RunSealed || got.Subject != exit.Held("r1") {
		t.Errorf("the sealed end is %+v", got)
	}
	_, got := load(t, s, "r1")
	wantState(t, got[held.Key], exit.StepExcepted)
}

package exitsql_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
)

func TestStore(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		exittest.Stores(t, func(t *testing.T) exit.RunStore { return create(t).store(t) })
	})
}

// TestForget looks at the columns themselves: no trace of who is gone, nor of an heir who is.
func TestForget(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		d := create(t)
		s := d.store(t)
		offer := exit.Step{Key: "offer:circle", Act: exit.ActOffer, Holder: "circle", AtConsent: true, Choice: "heir-4711"}
		person := exit.Step{Key: "erase:account.sign-in", Act: exit.ActErase, Holder: "account", Class: "sign-in", Subject: "person:p-4711", AtOnce: true}
		steps := []exit.StepStatus{{Step: offer, State: exit.StepVerified}, {Step: person, Seq: 1, State: exit.StepWaiting}}
		subject := exit.Account("a-4711")
		for id, own := range map[string][]exit.StepStatus{"covered": steps, "bare": nil} {
			plan := &exit.Plan{Journey: exit.TakeAlong, Subject: subject.String(), Zone: "UTC", Steps: []exit.Step{offer, person}}
			r := exit.Run{ID: id, Subject: subject, Journey: exit.TakeAlong, State: exit.RunRunning, Plan: plan, Policy: "p", Version: 1}
			if err := s.Add(t.Context(), r, own, []byte("p")); err != nil {
				t.Fatal(err)
			}
		}
		if got := d.traces(t); len(got) == 0 {
			t.Fatal("the search finds nothing even before anything is forgotten")
		}
		if n, err := s.ForgetHeir(t.Context(), "heir-4711"); err != nil || n != 1 {
			t.Errorf("forgot the heir in %d steps, %v; want 1", n, err)
		}
		if _, heir := d.traces(t)["exit_steps.choice"]; heir {
			t.Error("the heir is still there")
		}
		for _, id := range []string{"bare", "covered"} {
			if err := s.Alter(t.Context(), id, 1, exit.Alteration{State: exit.RunSealed, Forget: id == "covered", Cancel: []string{person.Key}}); err != nil {
				t.Fatal(err)
			}
		}
		if got := d.traces(t); len(got) != 0 {
			t.Errorf("what is gone is still in %v", got)
		}
	})
}

// traces gives the columns of runs and steps in which "4711" stands.
func (d database) traces(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for table, columns := range map[string][]string{
		"exit_runs":  {"id", "subject", "part", "owner", "plan", "hash", "agreed_by"},
		"exit_steps": {"run", "step_key", "subject", "choice", "detail", "cursor", "problem", "satisfier"},
	} {
		for _, c := range columns {
			var n int
			if err := d.reader.QueryRowContext(t.Context(), `select count(*) from `+table+` where `+c+` like '%4711%'`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				out[table+"."+c] = true
			}
		}
	}
	return out
}

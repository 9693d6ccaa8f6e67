package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/policies"
)

// begin is a promise date at which tests of leaving start: a working Monday, 09:00 in Asia/Shanghai.
var begin = time.Date(2026, time.March, 2, 1, 0, 0, 0, time.UTC)

// departure is a house with an engine that closes accounts.
type departure struct {
	*house
	engine *exit.Engine
}

func depart(t *testing.T, d *db.DB) *departure {
	t.Helper()
	if err := d.MakeTrial(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	h := open(t, d)
	policy, err := exit.ParsePolicy(policies.Default())
	if err != nil {
		t.Fatal(err)
	}
	return &departure{h, &exit.Engine{
		Store: d.Runs, Policy: policy, Holders: []exit.Holder{h.desk, h.Room}, Now: d.Now, Machine: d.Clock.Now,
		Facts: func(ctx context.Context, ask exit.Ask, f *exit.Facts) error {
			id, _ := who.ParseID(ask.Subject.ID)
			person, last, err := h.Owner(ctx, id)
			if last {
				f.Owner = exit.Subject{Kind: exit.SubjectPerson, ID: person.String()}
			}
			return err
		},
	}}
}

// ask agrees to a journey of a whole account.
func (d *departure) ask(t *testing.T, ctx context.Context, id who.ID, journey exit.Journey) exit.Run {
	t.Helper()
	ask := exit.Ask{Subject: exit.Account(id.String()), Journey: journey}
	plan, err := d.engine.Preview(ctx, ask)
	if err != nil {
		t.Fatalf("preview %s: %v", journey, err)
	}
	run, _, err := d.engine.Agree(ctx, ask, plan.Hash(), "person")
	if err != nil {
		t.Fatalf("agree to %s: %v", journey, err)
	}
	return run
}

// travel moves the promise clock and works until nothing is due.
func (d *departure) travel(t *testing.T, days int) {
	t.Helper()
	if err := d.d.Move(t.Context(), d.now(t).AddDate(0, 0, days)); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		n, err := d.engine.Work(t.Context(), 20)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
	t.Fatal("the work does not end")
}

func (d *departure) now(t *testing.T) time.Time {
	t.Helper()
	now, err := d.d.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func (d *departure) wantRun(t *testing.T, id string, want exit.RunState) {
	t.Helper()
	run, steps, err := d.d.Runs.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if run.State != want {
		for _, s := range steps {
			t.Logf("%s: %s due %s %s", s.Key, s.State, s.At, s.Problem)
		}
		t.Fatalf("the run is %s, want %s", run.State, want)
	}
}

func (d *departure) wantState(t *testing.T, id who.ID, want who.State) {
	t.Helper()
	a, err := d.Account(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if a.State != want {
		t.Errorf("account is %s, want %s", a.State, want)
	}
}

// rows counts rows.
func (d *departure) rows(t *testing.T, table string) (n int) {
	t.Helper()
	if err := d.d.Reader.QueryRowContext(t.Context(), `select count(*) from `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCloseTheOnlyAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *db.DB) {
		d := depart(t, db)
		c := d.signUp(t, "林间")
		_, here := d.signIn(t, "林间")
		other, _ := d.signIn(t, "林间")
		run := d.ask(t, service.WithSession(t.Context(), here), c.Account, exit.Close)
		d.wantState(t, c.Account, who.Closing)
		if s, err := d.Lookup(t.Context(), other); s != nil || err != nil {
			t.Errorf("another session after the consent: %v, %v, want none", s, err)
		}
		if n := d.rows(t, "sessions"); n != 1 {
			t.Errorf("%d sessions, want the one that consented", n)
		}
		if _, err := d.AddPersona(t.Context(), here.Viewer, "hiding", account.Personal); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("a closing account made a persona: %v", err)
		}
		d.travel(t, 8)
		d.wantState(t, c.Account, who.Closed)
		d.signIn(t, "林间") // works as long as there is something to sign in to
		d.travel(t, 25)
		d.wantRun(t, run.ID, exit.RunSealed)
		for _, table := range []string{"people", "accounts", "account_people", "profiles", "profile_links", "settings", "sessions", "recovery_codes", "one_time_links", "standings", "reasons"} {
			if n := d.rows(t, table); n != 0 {
				t.Errorf("%d rows left in %s", n, table)
			}
		}
		_, err := d.SignUp(t.Context(), account.NewPerson{Name: "林间", Password: password})
		wantFail(t, err, exit.Conflict, "account.error.name_held")
		wantFail(t, d.ClaimHeld(t.Context(), "林间", "another run"), exit.Conflict, "account.error.name_held")
		d.Slip = func(_ context.Context, secret string) (string, error) {
			if secret != "slip" {
				return "", errors.New("no such slip")
			}
			return run.ID, nil
		}
		if _, err := d.SignUp(t.Context(), account.NewPerson{Name: "林间", Password: password, Slip: "slip"}); err != nil {
			t.Errorf("sign up with the slip: %v", err)
		}
	})
}

func TestHeldNameIsFreeInTheEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *db.DB) {
		d := depart(t, db)
		c := d.signUp(t, "he_chu")
		d.ask(t, t.Context(), c.Account, exit.Close)
		d.travel(t, 8)
		d.travel(t, 30)
		d.travel(t, 330)
		_, err := d.SignUp(t.Context(), account.NewPerson{Name: "He_Chu", Password: password})
		wantFail(t, err, exit.Conflict, "account.error.name_held")
		d.travel(t, 31)
		d.signUp(t, "He_Chu")
	})
}

func TestStatesFollowRuns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *db.DB) {
		d := depart(t, db)
		c := d.signUp(t, "lin")
		for _, step := range []struct {
			journey exit.Journey
			want    who.State
		}{
			{exit.Hibernate, who.Hibernating},
			{exit.Close, who.Closing},
			{exit.Cancel, who.Hibernating},
			{exit.Wake, who.Active},
			{exit.Close, who.Closing},
			{exit.Cancel, who.Active},
		} {
			d.ask(t, t.Context(), c.Account, step.journey)
			d.wantState(t, c.Account, step.want)
		}
		d.ask(t, t.Context(), c.Account, exit.Close)
		d.travel(t, 8)
		d.wantState(t, c.Account, who.Closed)
		d.ask(t, t.Context(), c.Account, exit.Return)
		d.wantState(t, c.Account, who.Active)
	})
}

func TestPersonGoesWithTheLastAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *db.DB) {
		d := depart(t, db)
		c := d.signUp(t, "lin")
		_, s := d.signIn(t, "lin")
		second, err := d.AddPersona(t.Context(), s.Viewer, "shadow", account.Personal)
		if err != nil {
			t.Fatal(err)
		}
		if _, last, err := d.Owner(t.Context(), c.Account); last || err != nil {
			t.Errorf("one of two accounts: last %v, error %v", last, err)
		}
		first := d.ask(t, t.Context(), c.Account, exit.Close)
		if person, last, err := d.Owner(t.Context(), second); !last || person != c.Person || err != nil {
			t.Errorf("the other, while the first is closing: person %v, last %v, error %v", person, last, err)
		}
		d.travel(t, 10)
		run := d.ask(t, t.Context(), second, exit.Close)
		d.travel(t, 20)
		d.wantRun(t, first.ID, exit.RunSealed)
		if n := d.rows(t, "people"); n != 1 {
			t.Errorf("%d people after the first account is gone, want 1: the second can still be returned to", n)
		}
		d.signIn(t, "shadow")
		d.travel(t, 20)
		d.wantRun(t, run.ID, exit.RunSealed)
		if n := d.rows(t, "people"); n != 0 {
			t.Errorf("%d people after both are gone, want none", n)
		}
	})
}

func TestPersonStaysWithAnAccountThatCameBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *db.DB) {
		d := depart(t, db)
		c := d.signUp(t, "lin")
		_, s := d.signIn(t, "lin")
		second, err := d.AddPersona(t.Context(), s.Viewer, "shadow", account.Personal)
		if err != nil {
			t.Fatal(err)
		}
		d.ask(t, t.Context(), c.Account, exit.Close)
		run := d.ask(t, t.Context(), second, exit.Close)
		d.ask(t, t.Context(), c.Account, exit.Cancel)
		d.travel(t, 8)
		d.travel(t, 30)
		d.wantRun(t, run.ID, exit.RunSealed)
		if n := d.rows(t, "people"); n != 1 {
			t.Errorf("%d people, want the one who stays", n)
		}
		d.signIn(t, "lin")
		if _, err := d.Account(t.Context(), second); exit.KindOf(err) != exit.NotFound {
			t.Errorf("the closed account: error %v, want not found", err)
		}
	})
}

func TestOrganisationTakesItsLastPeopleAlong(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *db.DB) {
		d := depart(t, db)
		org, err := d.CreateAccount(t.Context(), "书局", account.Organisation, password)
		if err != nil {
			t.Fatal(err)
		}
		d.signUp(t, "lin")
		_, lin := d.signIn(t, "lin")
		_, o := d.signIn(t, "书局")
		token, err := d.Invite(t.Context(), o.Viewer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Accept(t.Context(), lin.Viewer, token); err != nil {
			t.Fatal(err)
		}
		run := d.ask(t, t.Context(), org.Account, exit.Close)
		d.travel(t, 8)
		d.travel(t, 30)
		d.wantRun(t, run.ID, exit.RunSealed)
		// The founder had no other account; the one who was invited keeps their own.
		if n := d.rows(t, "people"); n != 1 {
			t.Errorf("%d people, want 1", n)
		}
		d.signIn(t, "lin")
	})
}

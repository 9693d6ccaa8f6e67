package account_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func TestPersonas(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		stranger := h.signUp(t, "he")
		token, s := h.signIn(t, "lin")
		second, err := h.AddPersona(t.Context(), s.Viewer, "shadow", account.Personal)
		if err != nil {
			t.Fatal(err)
		}
		wantFail(t, h.Switch(t.Context(), s.Viewer, stranger.Account), exit.NotFound, "account.error.none")
		if err := h.Switch(t.Context(), s.Viewer, second); err != nil {
			t.Fatal(err)
		}
		if v := h.mustLookup(t, token).Viewer; v.Account != second || v.Name != "shadow" || v.Person != s.Viewer.Person {
			t.Errorf("after the switch: %+v", v)
		}
		if _, s := h.signIn(t, "shadow"); s.Viewer.Account != second {
			t.Errorf("signed in as %v, want the persona of the name", s.Viewer.Account)
		}
		_, err = h.AddPersona(t.Context(), s.Viewer, "he", account.Personal)
		wantFail(t, err, exit.Conflict, "account.error.name_taken")
		var n int
		if err := d.Reader.QueryRowContext(t.Context(), `select count(*) from account_people where as_id is not null`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows tie personas together, error %v", n, err)
		}
		for i := 0; err == nil || exit.KindOf(err) != exit.Conflict || i < 18; i++ {
			if _, err = h.AddPersona(t.Context(), s.Viewer, "more_"+string(rune('a'+i)), account.Personal); err != nil && i < 18 {
				t.Fatal(err)
			}
		}
		wantFail(t, err, exit.Conflict, "account.error.most_accounts")
	})
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		h.signUp(t, "he")
		a, here := h.signIn(t, "lin")
		b, _ := h.signIn(t, "lin")
		c, _ := h.signIn(t, "lin")
		other, stranger := h.signIn(t, "he")
		list, err := h.Sessions(t.Context(), here.Viewer, 0, 2)
		if err != nil || len(list) != 2 || list[0].ID < list[1].ID || list[0].Agent != "Firefox" {
			t.Fatalf("first page %+v, error %v", list, err)
		}
		older, err := h.Sessions(t.Context(), here.Viewer, list[1].ID, 2)
		if err != nil || len(older) != 1 || older[0].ID != here.Viewer.Session {
			t.Errorf("second page %+v, error %v", older, err)
		}
		if err := h.EndSession(t.Context(), stranger.Viewer, list[0].ID); err != nil {
			t.Fatal(err)
		}
		h.mustLookup(t, c) // a stranger ends nobody's session
		if err := h.EndSession(t.Context(), here.Viewer, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if s, err := h.Lookup(t.Context(), c); s != nil || err != nil {
			t.Errorf("the ended session: %v, %v", s, err)
		}
		if err := h.EndOtherSessions(t.Context(), here.Viewer); err != nil {
			t.Fatal(err)
		}
		if s, err := h.Lookup(t.Context(), b); s != nil || err != nil {
			t.Errorf("another session: %v, %v", s, err)
		}
		h.mustLookup(t, a)
		h.mustLookup(t, other)
		for _, word := range []string{a, b, c} {
			var n int
			if err := d.Reader.QueryRowContext(t.Context(), `select count(*) from sessions where hash = $1`, word).Scan(&n); err != nil || n != 0 {
				t.Errorf("a token is stored as it is, error %v", err)
			}
		}
	})
}

func TestOrganisation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, machine := open(t, d), dbtest.Clock(t, d)
		h.signUp(t, "lin")
		h.signUp(t, "he")
		token, lin := h.signIn(t, "lin")
		_, he := h.signIn(t, "he")
		org, err := h.AddPersona(t.Context(), lin.Viewer, "书局", account.Organisation)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Invite(t.Context(), lin.Viewer)
		wantFail(t, err, exit.Forbidden, "account.error.not_administrator")
		if err := h.Switch(t.Context(), lin.Viewer, org); err != nil {
			t.Fatal(err)
		}
		v := h.mustLookup(t, token).Viewer
		late, err := h.Invite(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		machine.Add(7 * 24 * time.Hour)
		_, err = h.Accept(t.Context(), he.Viewer, late)
		wantFail(t, err, exit.NotFound, "account.error.link")
		wantFail(t, h.RemoveAdministrator(t.Context(), v, v.Person), exit.Conflict, "account.error.last_administrator")
		invite, err := h.Invite(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := h.Accept(t.Context(), he.Viewer, invite); id != org || err != nil {
			t.Fatalf("accept: %v, %v", id, err)
		}
		_, err = h.Accept(t.Context(), he.Viewer, invite)
		wantFail(t, err, exit.NotFound, "account.error.link")
		list, err := h.Administrators(t.Context(), v)
		want := []account.Administrator{{Person: v.Person, Name: "lin", You: true}, {Person: he.Viewer.Person, Name: "he"}}
		if err != nil || len(list) != 2 || list[0] != want[0] || list[1] != want[1] {
			t.Errorf("administrators %+v, error %v, want %+v", list, err, want)
		}
		approvals(t, h, org, v, he.Viewer)
		if err := h.RemoveAdministrator(t.Context(), v, he.Viewer.Person); err != nil {
			t.Fatal(err)
		}
		if n, _, err := h.Approved(t.Context(), org, "plan"); n != 1 || err != nil {
			t.Errorf("%d approvals after one has left, error %v, want 1", n, err)
		}
		wantFail(t, h.Switch(t.Context(), he.Viewer, org), exit.NotFound, "account.error.none")
	})
}

// approvals has both administrators approve a plan.
func approvals(t *testing.T, h *house, org who.ID, people ...who.Viewer) {
	t.Helper()
	for i, v := range people {
		for range 2 { // a repeat counts once
			if err := h.d.Update(t.Context(), func(ctx context.Context) error {
				pass, err := h.desk.EnterExit(ctx, org)
				if err != nil {
					return err
				}
				return h.Approve(ctx, pass, org, v.Person, "plan")
			}); err != nil {
				t.Fatal(err)
			}
		}
		n, oldest, err := h.Approved(t.Context(), org, "plan")
		if n != i+1 || oldest.IsZero() || err != nil {
			t.Errorf("%d approvals, the first at %v, error %v, want %d", n, oldest, err, i+1)
		}
	}
	if n, oldest, err := h.Approved(t.Context(), org, "another plan"); n != 0 || !oldest.IsZero() || err != nil {
		t.Errorf("%d approvals of another plan at %v, error %v", n, oldest, err)
	}
	if err := h.Approve(t.Context(), service.Pass{}, org, people[0].Person, "plan"); err == nil {
		t.Error("an approval without a pass of the fence")
	}
}

func TestAdministratorsCannotRemoveOneAnotherAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		h.signUp(t, "he")
		token, lin := h.signIn(t, "lin")
		other, he := h.signIn(t, "he")
		org, err := h.AddPersona(t.Context(), lin.Viewer, "书局", account.Organisation)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Switch(t.Context(), lin.Viewer, org); err != nil {
			t.Fatal(err)
		}
		a := h.mustLookup(t, token).Viewer
		for range 8 {
			invite, err := h.Invite(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Accept(t.Context(), he.Viewer, invite); err != nil {
				t.Fatal(err)
			}
			if err := h.Switch(t.Context(), he.Viewer, org); err != nil {
				t.Fatal(err)
			}
			b := h.mustLookup(t, other).Viewer
			var wg sync.WaitGroup
			errs := make([]error, 2)
			wg.Go(func() { errs[0] = h.RemoveAdministrator(t.Context(), a, b.Person) })
			wg.Go(func() { errs[1] = h.RemoveAdministrator(t.Context(), b, a.Person) })
			wg.Wait()
			if n, err := h.People(t.Context(), org); n != 1 || err != nil {
				t.Fatalf("%d administrators, error %v, removals %v: want one to stay", n, err, errs)
			}
			if errs[0] != nil { // the other was quicker: they go on as the one who invites
				a, token, other = b, other, token
				he = h.mustLookup(t, other)
			}
		}
	})
}

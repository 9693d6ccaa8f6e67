package account_test

import (
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// cheap hashes passwords at a cost at which tests are quick.
var cheap = account.HashCost{KiB: 64, Passes: 1}

const password = "correct horse"

// house is the account room on a database of its own.
type house struct {
	*account.Room
	d        *db.DB
	desk     *service.Desk
	registry *service.Registry
}

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	registry := &service.Registry{Services: []service.Service{{Name: "page", Path: "/", Icon: "user", Title: "ui.tab.me"}}}
	desk := service.NewDesk(d, registry)
	if err := desk.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	secret, err := account.InstallSecret(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(t.Context(), t.TempDir(), d, d.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	return &house{account.New(account.Config{DB: d, Desk: desk, Blobs: blobs, Secret: secret, Hash: cheap}), d, desk, registry}
}

// signUp makes a person with a personal account.
func (h *house) signUp(t *testing.T, name string) account.Created {
	t.Helper()
	c, err := h.SignUp(t.Context(), account.NewPerson{Name: name, Password: password})
	if err != nil {
		t.Fatalf("sign up %s: %v", name, err)
	}
	return c
}

// signIn signs in and gives the session.
func (h *house) signIn(t *testing.T, name string) (string, *service.Session) {
	t.Helper()
	token, err := h.SignIn(t.Context(), name, password, "192.0.2.1:4711", "Mozilla/5.0 Firefox/140.0")
	if err != nil {
		t.Fatalf("sign in %s: %v", name, err)
	}
	return token, h.mustLookup(t, token)
}

func (h *house) mustLookup(t *testing.T, token string) *service.Session {
	t.Helper()
	s, err := h.Lookup(t.Context(), token)
	if err != nil || s == nil {
		t.Fatalf("lookup: session %v, error %v", s, err)
	}
	return s
}

// wantFail checks an error's kind and key.
func wantFail(t *testing.T, err error, kind exit.Kind, key string) {
	t.Helper()
	if err == nil || exit.KindOf(err) != kind || !strings.Contains(err.Error(), key) {
		t.Errorf("got error %v, want %v: %s", err, kind, key)
	}
}

func TestSignUpAndIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		c := h.signUp(t, "何处_12")
		if len(c.Codes) != 10 {
			t.Errorf("%d recovery codes, want 10", len(c.Codes))
		}
		token, s := h.signIn(t, " @何处_12 ")
		want := who.Viewer{Person: c.Person, Account: c.Account, Session: s.Viewer.Session, Name: "何处_12", State: who.Active}
		if s.Viewer != want {
			t.Errorf("viewer %+v, want %+v", s.Viewer, want)
		}
		if s.DisplayName != "何处_12" || len(s.Entrances) != 1 {
			t.Errorf("shown %q with %d entrances, want the name and 1", s.DisplayName, len(s.Entrances))
		}
		for name, try := range map[string]string{"wrong password": "何处_12", "unknown name": "nobody", "no name at all": "\u202e"} {
			t.Run(name, func(t *testing.T) {
				_, err := h.SignIn(t.Context(), try, "not the password", "192.0.2.1:1", "")
				wantFail(t, err, exit.Unauthenticated, "account.error.wrong")
			})
		}
		if err := h.SignOut(t.Context(), s.Viewer); err != nil {
			t.Fatal(err)
		}
		if s, err := h.Lookup(t.Context(), token); s != nil || err != nil {
			t.Errorf("after signing out: session %v, error %v, want none", s, err)
		}
	})
}

func TestSessionSlides(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, machine := open(t, d), dbtest.Clock(t, d)
		h.signUp(t, "lin")
		token, _ := h.signIn(t, "lin")
		if h.mustLookup(t, token).Extended {
			t.Error("extended at once, want once an hour at most")
		}
		for range 3 {
			machine.Add(29 * 24 * time.Hour)
			if !h.mustLookup(t, token).Extended {
				t.Error("not extended after 29 days")
			}
		}
		machine.Add(30 * 24 * time.Hour)
		if s, err := h.Lookup(t.Context(), token); s != nil || err != nil {
			t.Errorf("after 30 unused days: session %v, error %v, want none", s, err)
		}
		if n, err := h.Sweep(t.Context(), 100); err != nil || n == 0 {
			t.Errorf("swept %d rows, error %v, want the session", n, err)
		}
	})
}

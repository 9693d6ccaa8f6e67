package account_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
)

func TestPasswordsAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		for word, key := range map[string]string{
			"123456789":              "account.error.password_short",
			"一二三四五六七八九":              "account.error.password_short",
			strings.Repeat("x", 257): "account.error.password_long",
			"Lin_Lin_Lin":            "account.error.password_name",
		} {
			_, err := h.SignUp(t.Context(), account.NewPerson{Name: "lin_lin_lin", Password: word})
			wantFail(t, err, exit.Invalid, key)
		}
		if _, err := h.SignUp(t.Context(), account.NewPerson{Name: "lin_lin_lin", Password: "一二三四五六七八九十"}); err != nil {
			t.Errorf("a password of ten characters: %v", err)
		}
	})
}

func TestPasswordIsKeptAsArgon2id(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		real := account.New(account.Config{DB: d, Desk: h.desk, Secret: h.Secret})
		c, err := real.SignUp(t.Context(), account.NewPerson{Name: "lin", Password: password})
		if err != nil {
			t.Fatal(err)
		}
		var stored string
		if err := d.Reader.QueryRowContext(t.Context(), `select password from people where id = $1`, int64(c.Person)).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(stored, password) {
			t.Errorf("stored as %q", stored)
		}
		// A room of another cost reads what this one wrote.
		h.signIn(t, "lin")
	})
}

func TestHashingWaitsForItsTurn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := h.SignIn(t.Context(), "lin", password, "192.0.2.1", ""); err != nil {
					t.Errorf("sign in beside others: %v", err)
				}
			})
		}
		wg.Wait()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.SignUp(gone, account.NewPerson{Name: "he", Password: password}); err == nil {
			t.Error("signed up for somebody who had gone away")
		}
	})
}

func TestTakenNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "paypal")
		for _, name := range []string{"PayPal", "раура1", "ｐａｙｐａｌ"} {
			_, err := h.SignUp(t.Context(), account.NewPerson{Name: name, Password: password})
			wantFail(t, err, exit.Conflict, "account.error.name_taken")
		}
		var n int
		if err := d.Reader.QueryRowContext(t.Context(), `select count(*) from people`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d people, error %v, want 1: a refused sign-up leaves nothing", n, err)
		}
	})
}

func TestSignInLimits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, machine := open(t, d), dbtest.Clock(t, d)
		h.signUp(t, "lin")
		try := func(name, word, address string) error {
			_, err := h.SignIn(t.Context(), name, word, address, "")
			return err
		}
		for range 10 {
			wantFail(t, try("lin", "wrong password", "192.0.2.1:1"), exit.Unauthenticated, "account.error.wrong")
		}
		err := try("LIN", password, "198.51.100.7:1")
		wantFail(t, err, exit.TooMany, "account.error.too_many")
		var e *exit.Error
		if errors.As(err, &e); e == nil || e.Args["Count"] != 15 {
			t.Errorf("told to wait %v minutes, want 15", e)
		}
		machine.Add(15 * time.Minute)
		if err := try("lin", password, "192.0.2.1:1"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
		// A right password clears the name's count.
		for range 9 {
			wantFail(t, try("lin", "wrong password", "192.0.2.1:1"), exit.Unauthenticated, "account.error.wrong")
		}
		if err := try("lin", password, "192.0.2.1:1"); err != nil {
			t.Error(err)
		}
		machine.Add(time.Hour)
		for i := range 60 {
			wantFail(t, try("nobody"+strings.Repeat("x", i%20+1), "wrong password", "[2001:db8::1]:80"), exit.Unauthenticated, "account.error.wrong")
			if i%10 == 9 {
				machine.Add(2 * time.Minute)
			}
		}
		wantFail(t, try("lin", password, "[2001:db8::ffff]:99"), exit.TooMany, "account.error.too_many")
		if err := try("lin", password, "[2001:db8:1::1]:80"); err != nil {
			t.Errorf("from another network: %v", err)
		}
		machine.Add(25 * time.Hour)
		if _, err := h.Sweep(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := d.Reader.QueryRowContext(t.Context(), `select count(*) from attempts`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d counts left after a day, error %v", n, err)
		}
	})
}

func TestSignUpLimit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, machine := open(t, d), dbtest.Clock(t, d)
		for range 10 {
			if err := h.TakeSignUp(t.Context(), "192.0.2.1:5"); err != nil {
				t.Fatal(err)
			}
		}
		wantFail(t, h.TakeSignUp(t.Context(), "192.0.2.1:6"), exit.TooMany, "account.error.too_many")
		if err := h.TakeSignUp(t.Context(), "192.0.2.2:6"); err != nil {
			t.Errorf("from another address: %v", err)
		}
		machine.Add(time.Hour)
		if err := h.TakeSignUp(t.Context(), "192.0.2.1:5"); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		rows, err := d.Reader.QueryContext(t.Context(), `select key from attempts`)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := db.Scan(rows, func(r db.Row) (key string, err error) { err = r.Scan(&key); return key, err })
		if err != nil || slices.ContainsFunc(keys, func(k string) bool { return strings.Contains(k, "192.0.2") || len(k) != 64 }) {
			t.Errorf("keys %q hold an address, or error %v", keys, err)
		}
	})
}

func TestRecover(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		c := h.signUp(t, "lin")
		other := h.signUp(t, "he")
		token, _ := h.signIn(t, "lin")
		recover := func(name, code string) error {
			return h.Recover(t.Context(), name, code, "another password", "192.0.2.9:1")
		}
		for what, err := range map[string]error{
			"a code of somebody else": recover("lin", other.Codes[0]), "no code": recover("lin", ""),
			"an unknown name": recover("nobody", c.Codes[0]), "half a code": recover("lin", c.Codes[0][:9]),
		} {
			t.Log(what)
			wantFail(t, err, exit.Unauthenticated, "account.error.wrong_code")
		}
		wantFail(t, h.Recover(t.Context(), "lin", c.Codes[0], "short", ""), exit.Invalid, "account.error.password_short")
		if err := recover("LIN", strings.ToUpper(strings.ReplaceAll(c.Codes[0], "-", " "))); err != nil {
			t.Fatal(err)
		}
		if s, err := h.Lookup(t.Context(), token); s != nil || err != nil {
			t.Errorf("an old session: %v, %v, want none", s, err)
		}
		_, err := h.SignIn(t.Context(), "lin", password, "", "")
		wantFail(t, err, exit.Unauthenticated, "account.error.wrong")
		if _, err := h.SignIn(t.Context(), "lin", "another password", "", ""); err != nil {
			t.Error(err)
		}
		wantFail(t, recover("lin", c.Codes[0]), exit.Unauthenticated, "account.error.wrong_code")
		if n, err := h.CodesLeft(t.Context(), c.Person); n != 9 || err != nil {
			t.Errorf("%d codes left, error %v, want 9", n, err)
		}
	})
}

func TestProve(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		c := h.signUp(t, "lin")
		_, s := h.signIn(t, "lin")
		prove := func(proof string) error { return h.Prove(t.Context(), c.Person, proof) }
		if err := errors.Join(prove(password), prove(c.Codes[3])); err != nil {
			t.Fatal(err)
		}
		wantFail(t, prove(c.Codes[3]), exit.Unauthenticated, "account.error.wrong_proof")
		if err := d.Update(t.Context(), func(ctx context.Context) error { return h.Prove(ctx, c.Person, password) }); err == nil {
			t.Error("a proof inside a transaction was taken")
		}
		codes, err := h.NewCodes(t.Context(), s.Viewer, password)
		if err != nil || len(codes) != 10 || slices.Contains(codes, c.Codes[0]) {
			t.Fatalf("new codes %v, error %v", codes, err)
		}
		wantFail(t, prove(c.Codes[0]), exit.Unauthenticated, "account.error.wrong_proof")
		for range 9 {
			wantFail(t, prove("wrong"), exit.Unauthenticated, "account.error.wrong_proof")
		}
		wantFail(t, prove(password), exit.TooMany, "account.error.too_many")
	})
}

func TestOneTimeLinks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, machine := open(t, d), dbtest.Clock(t, d)
		h.signUp(t, "lin")
		old, ok, err := h.FirstStart(t.Context())
		if err != nil || !ok {
			t.Fatalf("first start: %v, %v", ok, err)
		}
		link, _, err := h.FirstStart(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		make := func(token, name string) error {
			_, err := h.MakeOperator(t.Context(), token, name, password)
			return err
		}
		wantFail(t, make(old, "keeper"), exit.NotFound, "account.error.link")
		wantFail(t, make(link, "lin"), exit.Conflict, "account.error.name_taken")
		if err := make(link, "keeper"); err != nil {
			t.Fatalf("the link is not used up by a failure: %v", err)
		}
		wantFail(t, make(link, "second"), exit.NotFound, "account.error.link")
		if _, s := h.signIn(t, "keeper"); !s.Viewer.Operator {
			t.Error("the keeper is no operator")
		}
		if _, s := h.signIn(t, "lin"); s.Viewer.Operator {
			t.Error("another is operator")
		}
		if _, ok, err := h.FirstStart(t.Context()); ok || err != nil {
			t.Errorf("a link where there is an operator: %v, %v", ok, err)
		}
		_, err = h.MakeReset(t.Context(), "nobody")
		wantFail(t, err, exit.NotFound, "account.error.none")
		reset, err := h.MakeReset(t.Context(), "Lin")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.ResetLink(t.Context(), reset), h.Reset(t.Context(), reset, "another password")); err != nil {
			t.Fatal(err)
		}
		wantFail(t, h.Reset(t.Context(), reset, "a third password"), exit.NotFound, "account.error.link")
		if _, err := h.SignIn(t.Context(), "lin", "another password", "", ""); err != nil {
			t.Error(err)
		}
		late, err := h.MakeReset(t.Context(), "lin")
		if err != nil {
			t.Fatal(err)
		}
		machine.Add(24 * time.Hour)
		wantFail(t, h.ResetLink(t.Context(), late), exit.NotFound, "account.error.link")
	})
}

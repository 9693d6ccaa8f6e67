package account_test

import (
	"bytes"
	"context"
	"image/color"
	"net/http"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/install"
	"exeunt/internal/who"
)

// wantProof checks where an account stands with a proof.
func (h *house) wantProof(t *testing.T, id who.ID, kind account.Proof, state account.Verdict, material string, photo bool) {
	t.Helper()
	all, err := h.ProofsOf(t.Context(), id)
	if p := all[kind]; err != nil || p.State != state || p.Material != material || p.Photo != photo {
		t.Errorf("%s is %q with %q and photo %v, error %v; want %q with %q and %v", kind, p.State, p.Material, p.Photo, err, state, material, photo)
	}
}

// request gives the only request that waits.
func (h *house) request(t *testing.T) account.ProofState {
	t.Helper()
	list, err := h.ProofRequests(t.Context(), 0, 5)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d requests, error %v, want one", len(list), err)
	}
	return list[0]
}

func (h *house) ask(t *testing.T, kind account.Proof, wanted account.Wanted) {
	t.Helper()
	must(t, h.SetProofRules(t.Context(), account.ProofRules{
		account.Phone: {Wanted: account.OfNobody}, account.RealName: {Wanted: account.OfNobody}, kind: {Wanted: wanted, Why: "law"},
	}))
}

func TestPhoneIsBound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		must(t, d.MakeTrial(t.Context(), begin))
		h, ctx := open(t, d), t.Context()
		v := who.Viewer{Person: h.signUp(t, "ana_liu").Person}
		v.Account = h.account(t, "ana_liu")
		wantFail(t, h.BindPhone(ctx, v, "13800138000"), exit.NotFound, "account.error.not_asked")
		wantFail(t, h.SetProofRules(ctx, account.ProofRules{account.Phone: {Wanted: account.WhoLikes}, account.RealName: {Wanted: account.OfNobody}}), exit.Invalid, "account.error.why")
		h.ask(t, account.Phone, account.WhoLikes)
		for _, bad := range []string{"", "12345", "1234567890123456", "not a number", "138+0013800"} {
			wantFail(t, h.BindPhone(ctx, v, bad), exit.Invalid, "account.error.number")
		}
		must(t, h.BindPhone(ctx, v, "+86 138-0013-8000"))
		q := h.request(t)
		if q.Material != "+8613800138000" || q.Account != "ana_liu" || q.Twice {
			t.Errorf("the operator sees %+v", q)
		}
		wantFail(t, h.Decide(ctx, q.ID, false, " "), exit.Invalid, "account.error.reason")
		must(t, h.Decide(ctx, q.ID, true, ""))
		wantFail(t, h.Decide(ctx, q.ID, false, "again"), exit.NotFound, "account.error.proof_gone")
		wantFail(t, h.BindPhone(ctx, v, "13800138001"), exit.Conflict, "account.error.bound")
		h.wantProof(t, v.Account, account.Phone, account.Bound, "+8613800138000", false)
		h.later(t, 23*time.Hour)
		h.wantProof(t, v.Account, account.Phone, account.Bound, "", false)

		w := who.Viewer{Account: h.signUp(t, "bo_qu").Account}
		must(t, h.BindPhone(ctx, w, "+8613800138000"))
		if q = h.request(t); !q.Twice {
			t.Error("the operator is not told that another account has the number")
		}
		must(t, h.Decide(ctx, q.ID, false, "not yours"))
		h.wantProof(t, w.Account, account.Phone, account.Refused, "+8613800138000", false)
		must(t, h.BindPhone(ctx, w, "13900139000")) // once more, and nobody looks
		h.later(t, 15*24*time.Hour)
		h.wantProof(t, w.Account, account.Phone, "lapsed", "", false)
		must(t, h.Unbind(ctx, v, account.Phone))
		h.wantProof(t, v.Account, account.Phone, "", "", false)
	})
}

// account gives the id of a name.
func (h *house) account(t *testing.T, name string) who.ID {
	t.Helper()
	a, err := h.ByName(t.Context(), name)
	must(t, err)
	return a.ID
}

// later moves the promise clock and sweeps.
func (h *house) later(t *testing.T, by time.Duration) {
	t.Helper()
	now, err := h.d.Now(t.Context())
	must(t, err)
	must(t, h.d.Move(t.Context(), now.Add(by)))
	_, err = h.Sweep(t.Context(), 100)
	must(t, err)
}

func TestNewcomersBindBeforeTheyWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, ctx := settled(t, d, install.Settings{Registration: install.Open}), t.Context()
		before := h.signUp(t, "zhang_yi")
		h.ask(t, account.RealName, account.OfNewcomers)
		c := h.signUp(t, "ana_liu")
		v := who.Viewer{Person: c.Person, Account: c.Account}
		must(t, h.writes(t, before.Account))
		wantFail(t, h.writes(t, c.Account), exit.Forbidden, "error.muted")
		wantFail(t, h.BindName(ctx, v, "刘", "身份证", nil), exit.Invalid, "account.error.real_name")
		wantFail(t, h.BindName(ctx, v, "刘安", "", nil), exit.Invalid, "account.error.document")
		must(t, h.BindName(ctx, v, "刘安", "", bytes.NewReader(drawn(t, color.White))))
		q := h.request(t)
		if photo, err := h.ProofPhoto(ctx, q.ID); err != nil || http.DetectContentType(photo) == "application/octet-stream" {
			t.Errorf("the operator gets a photo of %d bytes, error %v", len(photo), err)
		}
		must(t, h.Decide(ctx, q.ID, true, ""))
		must(t, h.writes(t, c.Account))
		must(t, h.Unbind(ctx, v, account.RealName))
		wantFail(t, h.writes(t, c.Account), exit.Forbidden, "error.muted")
		h.ask(t, account.RealName, account.WhoLikes)
		must(t, h.writes(t, c.Account))
		// What is asked of nobody any more can be unbound at no cost.
		h.ask(t, account.RealName, account.OfNewcomers)
		late := h.signUp(t, "li_er")
		v = who.Viewer{Person: late.Person, Account: late.Account}
		must(t, h.BindName(ctx, v, "李二", "身份证", nil))
		must(t, h.Decide(ctx, h.request(t).ID, true, ""))
		h.ask(t, account.RealName, account.OfNobody)
		must(t, h.Unbind(ctx, v, account.RealName))
		must(t, h.writes(t, late.Account))
	})
}

func TestProofsComeBackAndGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l, ctx := depart(t, d), t.Context()
		c := l.signUp(t, "ana_liu")
		v := who.Viewer{Person: c.Person, Account: c.Account}
		l.house.ask(t, account.Phone, account.WhoLikes)
		must(t, l.BindPhone(ctx, v, "13800138000"))
		must(t, l.Decide(ctx, l.request(t).ID, true, ""))
		run := l.ask(t, ctx, c.Account, exit.Close)
		l.travel(t, 20)
		ask := exit.Ask{Subject: run.Subject, Journey: exit.Return, Run: run.ID}
		plan, err := l.engine.Preview(ctx, ask)
		must(t, err)
		_, _, err = l.engine.Agree(ctx, ask, plan.Hash(), "person")
		must(t, err)
		l.later(t, time.Hour)
		l.wantProof(t, c.Account, account.Phone, account.Bound, "", false)
		run = l.ask(t, ctx, c.Account, exit.Close)
		l.travel(t, 8)
		l.travel(t, 30)
		l.wantRun(t, run.ID, exit.RunSealed)
		if n := l.rows(t, "proofs"); n != 0 {
			t.Errorf("%d proofs are left", n)
		}
	})
}

// sms is a check of numbers that answers at once.
type sms struct{ account.OperatorLooks }

func (sms) CheckPhone(_ context.Context, number string) (account.Verdict, error) {
	if strings.HasSuffix(number, "1") {
		return account.Refused, nil
	}
	return account.Bound, nil
}

func TestAnotherCheckDecides(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.PhoneCheck = sms{}
		v := who.Viewer{Account: h.signUp(t, "ana_liu").Account}
		h.ask(t, account.Phone, account.WhoLikes)
		must(t, h.BindPhone(t.Context(), v, "13800138001"))
		h.wantProof(t, v.Account, account.Phone, account.Refused, "13800138001", false)
		must(t, h.BindPhone(t.Context(), v, "13800138000"))
		h.wantProof(t, v.Account, account.Phone, account.Bound, "13800138000", false)
	})
}

// TestBindingIsLimited lets neither an account ask without end nor a number be asked about without end, whoever asks; an hour later it goes on.
func TestBindingIsLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, ctx := open(t, d), t.Context()
		v, w := who.Viewer{Account: h.signUp(t, "ana_liu").Account}, who.Viewer{Account: h.signUp(t, "bo_liu").Account}
		h.ask(t, account.Phone, account.WhoLikes)
		for range 5 {
			must(t, h.BindPhone(ctx, v, "13800138000"))
		}
		wantFail(t, h.BindPhone(ctx, v, "13900139000"), exit.TooMany, "account.error.too_many")
		h.ask(t, account.RealName, account.WhoLikes)
		wantFail(t, h.BindName(ctx, v, "刘安", "身份证", nil), exit.TooMany, "account.error.too_many")
		h.ask(t, account.Phone, account.WhoLikes)
		wantFail(t, h.BindPhone(ctx, w, "138 0013 8000"), exit.TooMany, "account.error.too_many")
		must(t, h.BindPhone(ctx, w, "13900139000"))
		dbtest.Clock(t, d).Add(time.Hour + time.Minute)
		must(t, h.BindPhone(ctx, v, "13900139000"))
	})
}

func TestQuota(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, ctx := settled(t, d, install.Settings{Registration: install.Open, Quota: 1 << 20}), t.Context()
		c := h.signUp(t, "ana_liu")
		v := who.Viewer{Person: c.Person, Account: c.Account}
		must(t, h.SetPicture(ctx, v, account.Avatar, bytes.NewReader(drawn(t, color.White))))
		used, err := h.Used(ctx, c.Account)
		if err != nil || used[c.Account] == 0 {
			t.Errorf("used %v, error %v, want the picture's bytes", used, err)
		}
		h.Stored = []account.Stored{func(_ context.Context, _ []who.ID) (map[who.ID]int64, error) {
			return map[who.ID]int64{c.Account: 1<<20 - used[c.Account]}, nil
		}}
		must(t, h.RoomFor(ctx, c.Account, 0))
		wantFail(t, h.RoomFor(ctx, c.Account, 1), exit.Conflict, "account.error.quota")
		wantFail(t, h.SetPicture(ctx, v, account.Cover, bytes.NewReader(drawn(t, color.Black))), exit.Conflict, "account.error.quota")
	})
}

func TestListOfAccounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, ctx := open(t, d), t.Context()
		for _, name := range []string{"林间", "林_间", "Lin_2", "海边"} {
			h.signUp(t, name)
		}
		names := func(l account.Look) (out []string) {
			for {
				list, err := h.List(ctx, l)
				must(t, err)
				if len(list) == 0 {
					return out
				}
				for _, a := range list {
					out = append(out, a.Name)
				}
				l.After = list[len(list)-1].Account
			}
		}
		if got := names(account.Look{Limit: 3}); len(got) != 4 {
			t.Errorf("all: %v, want four", got)
		}
		for part, want := range map[string]int{"间": 2, "@林": 2, "LIN": 1, "_": 2, "%": 0, "!": 0, strings.Repeat("x", 99): 0} {
			if got := names(account.Look{Part: part, Limit: 1}); len(got) != want {
				t.Errorf("%q finds %v, want %d", part, got, want)
			}
		}
		if _, err := h.Detail(ctx, 404); exit.KindOf(err) != exit.NotFound {
			t.Errorf("an account that is not there: %v", err)
		}
	})
}

func TestSignOutEverywhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		h.signUp(t, "other")
		one, s := h.signIn(t, "lin")
		two, _ := h.signIn(t, "lin")
		kept, _ := h.signIn(t, "other")
		must(t, h.EndAllSessions(t.Context(), s.Viewer))
		for _, token := range []string{one, two} {
			if s, err := h.Lookup(t.Context(), token); s != nil || err != nil {
				t.Errorf("a session is left: %v, %v", s, err)
			}
		}
		h.mustLookup(t, kept)
	})
}

package account_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/bits"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/install"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// settled opens a house whose operator has decided something.
func settled(t *testing.T, d *db.DB, s install.Settings) *house {
	t.Helper()
	h := open(t, d)
	h.Install = install.New(d)
	if err := h.Install.Change(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return h
}

// writes says what the fence answers to a write of an account.
func (h *house) writes(t *testing.T, id who.ID) error {
	t.Helper()
	return h.d.Update(t.Context(), func(ctx context.Context) error {
		_, err := h.desk.Enter(ctx, service.Write{By: id})
		return err
	})
}

func (h *house) wantVeiled(t *testing.T, id who.ID, want bool) {
	t.Helper()
	veiled, err := h.desk.Veiled(t.Context(), []who.ID{id})
	if err != nil || veiled[id] != want {
		t.Errorf("veiled %v, error %v, want %v", veiled[id], err, want)
	}
}

func TestApproval(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, ctx := settled(t, d, install.Settings{Registration: install.Approval}), t.Context()
		c, err := h.SignUp(ctx, account.NewPerson{Name: "ana_liu", Password: password, About: "隔壁读书会的"})
		if err != nil || !c.Waits {
			t.Fatalf("signed up: waits %v, error %v", c.Waits, err)
		}
		other := h.signUp(t, "bo_qu")
		h.wantVeiled(t, c.Account, true)
		wantFail(t, h.writes(t, c.Account), exit.Forbidden, "error.muted")
		said := map[string]string{} // both asked at the same instant
		for after := (account.Application{}); ; {
			list, err := h.Applications(ctx, after, 1)
			must(t, err)
			if len(list) == 0 {
				break
			}
			after = list[0]
			said[after.Name] = after.About
		}
		if want := map[string]string{"ana_liu": "隔壁读书会的", "bo_qu": ""}; !maps.Equal(said, want) {
			t.Errorf("waiting: %v, want %v", said, want)
		}
		if err := h.Admit(ctx, c.Account); err != nil {
			t.Fatal(err)
		}
		h.wantVeiled(t, c.Account, false)
		if err := h.writes(t, c.Account); err != nil {
			t.Errorf("an account that was let in does not write: %v", err)
		}
		wantFail(t, h.Admit(ctx, c.Account), exit.NotFound, "account.error.none")
		wantFail(t, h.Refuse(ctx, c.Account), exit.NotFound, "account.error.none")
		h.wantVeiled(t, other.Account, true)
		dismissed := who.ID(0)
		h.Dismiss = func(_ context.Context, id who.ID) error { dismissed = id; return nil }
		if err := h.Refuse(ctx, other.Account); err != nil || dismissed != other.Account {
			t.Errorf("refused %d, error %v, want %d", dismissed, err, other.Account)
		}
	})
}

func TestInvitations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, ctx, machine := settled(t, d, install.Settings{Registration: install.Invitation}), t.Context(), dbtest.Clock(t, d)
		_, err := h.SignUp(ctx, account.NewPerson{Name: "ana_liu", Password: password})
		wantFail(t, err, exit.Invalid, "account.error.link_needed")
		link := func(note string) string {
			token, err := h.MakeSignUpLink(ctx, note, 7)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		once, revoked, late := link("给刘安"), link("别人"), link("晚来的")
		links, err := h.SignUpLinks(ctx, 0, 2)
		if err != nil || len(links) != 2 || links[0].Note != "晚来的" || links[1].Note != "别人" {
			t.Fatalf("links: %+v, error %v", links, err)
		}
		if older, err := h.SignUpLinks(ctx, links[1].ID, 2); err != nil || len(older) != 1 || older[0].Note != "给刘安" {
			t.Errorf("older links: %+v, error %v", older, err)
		}
		if err := h.RevokeSignUpLink(ctx, links[1].ID); err != nil {
			t.Fatal(err)
		}
		if c, err := h.SignUp(ctx, account.NewPerson{Name: "ana_liu", Password: password, Link: once}); err != nil || c.Waits {
			t.Errorf("by a link: waits %v, error %v", c.Waits, err)
		}
		machine.Add(7 * 24 * time.Hour)
		for name, token := range map[string]string{"used": once, "revoked": revoked, "late": late, "none": "x"} {
			_, err := h.SignUp(ctx, account.NewPerson{Name: "zhang_yi", Password: password, Link: token})
			if exit.KindOf(err) != exit.NotFound {
				t.Errorf("a link that is %s: %v, want it not found", name, err)
			}
		}
		for _, days := range []int{0, 31} {
			_, err := h.MakeSignUpLink(ctx, "", days)
			wantFail(t, err, exit.Invalid, "account.error.days")
		}
		if n, err := h.Sweep(ctx, 100); err != nil || n == 0 {
			t.Errorf("swept %d, error %v, want the late link", n, err)
		}
	})
}

func TestClosedHouseLetsSlipsIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := depart(t, d)
		gone := l.signUp(t, "he_chu")
		run := l.ask(t, t.Context(), gone.Account, exit.Close)
		l.travel(t, 60)
		l.Install = install.New(d)
		l.Slip = func(_ context.Context, secret string) (string, error) {
			if secret == "slip" {
				return run.ID, nil
			}
			return "", exit.Fail(exit.NotFound, "error.not_found")
		}
		for _, way := range []install.Registration{install.Closed, install.Approval, install.Invitation} {
			if err := l.Install.Change(t.Context(), install.Settings{Registration: way}); err != nil {
				t.Fatal(err)
			}
			_, err := l.SignUp(t.Context(), account.NewPerson{Name: "somebody", Password: password, Slip: "slip"})
			wantFail(t, err, exit.Invalid, "account.error.slip") // it holds another name
			_, err = l.SignUp(t.Context(), account.NewPerson{Name: "he_chu", Password: password, Slip: "not it"})
			wantFail(t, err, exit.Invalid, "account.error.slip")
		}
		if err := l.Install.Change(t.Context(), install.Settings{Registration: install.Closed}); err != nil {
			t.Fatal(err)
		}
		_, err := l.SignUp(t.Context(), account.NewPerson{Name: "somebody", Password: password})
		wantFail(t, err, exit.Invalid, "account.error.closed")
		if c, err := l.SignUp(t.Context(), account.NewPerson{Name: "he_chu", Password: password, Slip: "slip"}); err != nil || c.Waits {
			t.Errorf("by the slip that holds the name: waits %v, error %v", c.Waits, err)
		}
	})
}

// answerWork finds the number that a browser's script looks for, or one that is just not enough.
func answerWork(challenge string, need int, right bool) string {
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s.%d", challenge, n))
		zeros := bits.LeadingZeros32(uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3]))
		if right == (zeros >= need) {
			return fmt.Sprint(n)
		}
	}
}

func TestProofOfWork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const need = 9
		h, ctx, machine := settled(t, d, install.Settings{Registration: install.Open, Work: need}), t.Context(), dbtest.Clock(t, d)
		b := browse(t, h.site(t), "en")
		challenge := func() string {
			_, after, ok := strings.Cut(b.get("/sign-up").raw, `name="challenge" value="`)
			text, _, _ := strings.Cut(after, `"`)
			if !ok || text == "" {
				t.Fatal("the page has no challenge")
			}
			return text
		}
		try := func(name, challenge, nonce string) error {
			_, err := h.SignUp(ctx, account.NewPerson{Name: name, Password: password, Challenge: challenge, Nonce: nonce})
			return err
		}
		one := challenge()
		wantFail(t, try("ana_liu", one, answerWork(one, need, false)), exit.Invalid, "account.error.work")
		wantFail(t, try("ana_liu", "1"+one, "0"), exit.Invalid, "account.error.work")
		wantFail(t, try("ana_liu", strings.Replace(one, "9.", "1.", 1), "0"), exit.Invalid, "account.error.work")
		wantFail(t, try("ana_liu", "", ""), exit.Invalid, "account.error.work")
		wantFail(t, try("ana_liu", one, ""), exit.Invalid, "account.error.patience")
		must(t, try("ana_liu", one, answerWork(one, need, true)))
		wantFail(t, try("bo_qu", one, answerWork(one, need, true)), exit.Invalid, "account.error.work")
		two := challenge()
		machine.Add(time.Minute)
		wantFail(t, try("ana_liu", two, ""), exit.Conflict, "account.error.name_taken") // and costs no challenge
		must(t, try("bo_qu", two, ""))
		three := challenge()
		machine.Add(10 * time.Minute)
		wantFail(t, try("zhang_yi", three, answerWork(three, need, true)), exit.Invalid, "account.error.work")
		// The page asks for patience, keeps what was typed and the challenge, and says when it was enough.
		four := challenge()
		form := fields("name", "zhang_yi", "password", password, "challenge", four, "nonce", "")
		b.post("/sign-up", form).want(t, 422, "Without scripts we ask for a minute of patience", `value="zhang_yi"`, four)
		machine.Add(time.Minute)
		b.post("/sign-up", form).want(t, 200, "Recovery codes")
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

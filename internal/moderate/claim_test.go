package moderate_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// films keeps videos by their rows: who sees what the channel room decides, here the state alone.
type films struct{ h *house }

func (k films) Things(ctx context.Context, v who.Viewer, ids []who.ID) (out []service.Thing, err error) {
	for _, id := range ids {
		var owner int64
		var state, title string
		if err := k.h.d.Q(ctx).QueryRowContext(ctx, `select account_id, state, title from videos where id = $1`, int64(id)).Scan(&owner, &state, &title); err != nil {
			continue
		}
		see := state == "live" || v.Account == who.ID(owner) || v.Operator
		out = append(out, service.Thing{Ref: who.Ref{Kind: "video", ID: id}, Owner: who.ID(owner), Service: "channel", Title: title, Link: "/videos/" + id.String(), See: see, Talk: see && !v.Guest()})
	}
	return out, nil
}

// film gives somebody a video, and the house the kind.
func (h *house) film(t *testing.T, v who.Viewer, title string) who.Ref {
	t.Helper()
	h.order.Notices = notify.New(notify.Config{DB: h.d, Desk: h.desk, Registry: h.registry})
	h.registry.Kinds = append(h.registry.Kinds, service.Kind{Name: "video", Table: "videos", Counted: true, Played: true, Keeper: films{h}, Withhold: func(ctx context.Context, _ service.Pass, ids []who.ID, on bool) error {
		state := "live"
		if on {
			state = "withheld"
		}
		_, err := h.d.Exec(ctx, `update videos set state = $2 where id = $1`, int64(ids[0]), state)
		return err
	}})
	h.registry.Services = append(h.registry.Services, service.Service{Name: "channel"})
	h.must(t, h.desk.Announce(t.Context()))
	id := h.d.IDs.Next()
	h.exec(t, `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads)
		values ($1, $2, $3, '', 'public', '', 'live', 'ready', '', 0, 0, 0, '', '', '', 0, '', 0, 0, 0, '', '', 0)`, int64(id), int64(v.Account), title)
	return who.Ref{Kind: "video", ID: id}
}

// told counts the notices of complaints that an account has not seen.
func (h *house) told(t *testing.T, v who.Viewer) int64 {
	t.Helper()
	return h.number(t, `select count(*) from notices where account_id = $1 and kind = 'claim' and seen = 0`, int64(v.Account))
}

func (h *house) state(t *testing.T, ref who.Ref) (state string) {
	t.Helper()
	h.must(t, h.d.Reader.QueryRowContext(t.Context(), `select state from videos where id = $1`, int64(ref.ID)).Scan(&state))
	return state
}

// travel moves the promise clock on.
func (h *house) travel(t *testing.T, by time.Duration) {
	t.Helper()
	now, err := h.d.Now(t.Context())
	h.must(t, err, h.d.Move(t.Context(), now.Add(by)))
}

var mine = moderate.Complaint{Work: "My film, https://mine.example", Statement: "The first minute is mine.", Faith: true}

// TestClaim goes from a complaint to a counter-notice and back: taken down at once, answered, put back.
func TestClaim(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.must(t, h.d.MakeTrial(ctx, time.Time{}))
		op, mira, jo, lee := h.operator(t, "opera"), h.person(t, "mira"), h.person(t, "jo"), h.person(t, "lee")
		on := h.film(t, mira, "a film")
		id, token, err := h.order.Complain(ctx, jo, on, mine, "")
		if err != nil || token != "" {
			t.Fatalf("complain: %q, %v", token, err)
		}
		if h.told(t, mira) != 1 || h.told(t, op) != 1 || h.told(t, jo) != 0 {
			t.Error("whose film it is and the operator were not told, or the claimant was")
		}
		for _, v := range []who.Viewer{lee, {}} {
			_, err := h.order.Claim(ctx, v, id)
			h.wantKind(t, "somebody else reads", err, exit.NotFound)
		}
		h.wantKind(t, "the claimant answers", h.order.Counter(ctx, jo, id, "no", true), exit.NotFound)
		h.wantKind(t, "without a declaration", h.order.Counter(ctx, mira, id, "no", false), exit.Invalid)
		h.wantKind(t, "who runs nothing decides", h.order.DecideClaim(ctx, mira, id, false, ""), exit.NotFound)
		h.must(t, h.order.DecideClaim(ctx, op, id, true, "looks like it"))
		h.wantKind(t, "twice the same", h.order.DecideClaim(ctx, op, id, true, ""), exit.Conflict)
		if got := h.state(t, on); got != "withheld" {
			t.Errorf("upheld, the film is %s", got)
		}
		h.travel(t, 10*24*time.Hour)
		h.must(t, h.order.Counter(ctx, mira, id, "I made it.", true))
		h.wantKind(t, "a second answer", h.order.Counter(ctx, mira, id, "Again.", true), exit.Conflict)
		if h.told(t, jo) != 1 {
			t.Error("the claimant was not told")
		}
		h.must(t, h.order.DecideClaim(ctx, op, id, false, "it is hers"))
		c, err := h.order.Claim(ctx, jo, id)
		if err != nil || c.State != moderate.ClaimRefused || c.Counter != "I made it." || c.Answer != "it is hers" || h.state(t, on) != "live" || c.Countered.IsZero() || !c.Decided.After(c.At) {
			t.Errorf("in the end %+v, %v, the film %s", c, err, h.state(t, on))
		}
		h.wantKind(t, "after the end", h.order.Withdraw(ctx, jo, id, ""), exit.Conflict)
		log, err := h.order.Log(ctx, op, moderate.Everywhere, 0, 20)
		var kinds []string
		for _, a := range log {
			kinds = append(kinds, a.Kind)
		}
		if got := strings.Join(kinds, " "); err != nil || got != "undo claim_refused claim_countered remove claim" {
			t.Errorf("the log has %q, %v", got, err)
		}
	})
}

// TestClaimLate asks that one may answer for 15 days, and again for 15 from the day of a decision.
func TestClaimLate(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.must(t, h.d.MakeTrial(ctx, time.Time{}))
		op, mira, jo := h.operator(t, "opera"), h.person(t, "mira"), h.person(t, "jo")
		on := h.film(t, mira, "a film")
		id, _, err := h.order.Complain(ctx, jo, on, mine, "")
		h.must(t, err)
		h.travel(t, 16*24*time.Hour)
		h.wantKind(t, "after 16 days", h.order.Counter(ctx, mira, id, "It is mine.", true), exit.Conflict)
		h.must(t, h.order.DecideClaim(ctx, op, id, true, ""))
		h.must(t, h.order.Counter(ctx, mira, id, "It is mine.", true), h.order.Withdraw(ctx, jo, id, ""))
		if got := h.state(t, on); got != "live" {
			t.Errorf("withdrawn, the film is %s", got)
		}
		own, _, err := h.order.Complain(ctx, op, on, mine, "")
		h.must(t, err)
		h.wantKind(t, "one's own complaint", h.order.DecideClaim(ctx, op, own, true, ""), exit.Forbidden)
	})
}

// TestClaimOfGuest asks what a claimant without an account gives, gets, and how long it is kept.
func TestClaimOfGuest(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.must(t, h.d.MakeTrial(ctx, time.Time{}))
		op, mira := h.operator(t, "opera"), h.person(t, "mira")
		on := h.film(t, mira, "a film")
		left := map[string]int{}
		h.order.Attempt = func(_ context.Context, key string, most int, _ time.Duration) error {
			if left[key]++; left[key] > most {
				return exit.Fail(exit.TooMany, "error.too_many")
			}
			return nil
		}
		d := mine
		for name, change := range map[string]func(*moderate.Complaint){
			"no name": func(d *moderate.Complaint) { d.Name = " " }, "a name that no database keeps": func(d *moderate.Complaint) { d.Name = "Ann\x00" }, "no address": func(d *moderate.Complaint) { d.Email = "mira" },
			"two lines": func(d *moderate.Complaint) { d.Email = "a@b.example\r\nBcc: c@d.example" }, "no faith": func(d *moderate.Complaint) { d.Faith = false },
			"no work": func(d *moderate.Complaint) { d.Work = "" }, "too long": func(d *moderate.Complaint) { d.Statement = strings.Repeat("长", 4001) },
		} {
			bad := moderate.Complaint{Name: "Ann Lee", Email: "ann@studio.example", Work: mine.Work, Statement: mine.Statement, Faith: true}
			change(&bad)
			_, _, err := h.order.Complain(ctx, who.Viewer{}, on, bad, "192.0.2.1")
			h.wantKind(t, name, err, exit.Invalid)
		}
		d.Name, d.Email = "Ann Lee", "ann@studio.example"
		_, token, err := h.order.Complain(ctx, who.Viewer{}, on, d, "192.0.2.1")
		if err != nil || len(token) < 26 || h.number(t, `select count(*) from claims where hash = $1`, token) != 0 {
			t.Fatalf("a guest's complaint: %q, %v", token, err)
		}
		for range 4 {
			_, _, err = h.order.Complain(ctx, who.Viewer{}, on, d, "192.0.2.1")
			h.must(t, err)
		}
		_, _, err = h.order.Complain(ctx, who.Viewer{}, on, d, "192.0.2.1:4000")
		h.wantKind(t, "a sixth", err, exit.TooMany)
		for i := range 6 {
			_, _, err = h.order.Complain(ctx, who.Viewer{}, on, d, fmt.Sprintf("[2001:db8::%d]:4000", i+1))
		}
		h.wantKind(t, "a sixth from one network", err, exit.TooMany)
		h.exec(t, `delete from claims where hash <> (select hash from claims order by id limit 1)`)
		c, err := h.order.ClaimOf(ctx, token)
		h.must(t, err)
		for _, wrong := range []string{"", "x", token + "x"} {
			_, err := h.order.ClaimOf(ctx, wrong)
			h.wantKind(t, "by "+wrong, err, exit.NotFound)
		}
		if c, err := h.order.Claim(ctx, mira, c.ID); err != nil || c.Email != "" {
			t.Errorf("whose film it is reads the address %q, %v", c.Email, err)
		}
		if c, err := h.order.Claim(ctx, op, c.ID); err != nil || c.Email != "ann@studio.example" {
			t.Errorf("the operator reads the address %q, %v", c.Email, err)
		}
		h.wantKind(t, "a guest without the secret withdraws", h.order.Withdraw(ctx, who.Viewer{}, c.ID, ""), exit.NotFound)
		h.must(t, h.order.DecideClaim(ctx, op, c.ID, true, ""))
		sweep := func(after time.Duration, contacts, claims int64) {
			t.Helper()
			h.travel(t, after)
			_, err := h.order.Sweep(ctx, 100)
			h.must(t, err)
			if a, b := h.number(t, `select count(*) from claims where name || email || hash <> ''`), h.number(t, `select count(*) from claims`); a != contacts || b != claims {
				t.Errorf("after %v: %d contacts in %d complaints, want %d in %d", after, a, b, contacts, claims)
			}
		}
		sweep(179*24*time.Hour, 1, 1)
		sweep(2*24*time.Hour, 0, 1)
		sweep(3*365*24*time.Hour, 0, 0)
	})
}

// TestClaimPages goes through the forms, as a guest and as the others.
func TestClaimPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		op, mira, jo := h.operator(t, "opera"), h.person(t, "mira"), h.person(t, "jo")
		on := h.film(t, mira, "a film")
		path := moderate.ClaimPath(on)
		h.see(t, who.Viewer{}, path, "a film", `name="email"`, `name="faith"`)
		h.see(t, jo, path, "a film", `-name="email"`)
		if _, err := h.ask(t, mira, ui.English, http.MethodGet, path, ""); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("one's own film: %v", err)
		}
		form := url.Values{"on": {on.String()}, "work": {"My film"}, "statement": {"It is mine."}}
		w, err := h.ask(t, jo, ui.English, http.MethodPost, "/claims/new", form.Encode())
		if err != nil || w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "It is mine.") {
			t.Errorf("without the declaration: %d, %v", w.Code, err)
		}
		form.Set("faith", "1")
		w, err = h.ask(t, jo, ui.English, http.MethodPost, "/claims/new", form.Encode())
		at := w.Header().Get("Location")
		if err != nil || !strings.HasPrefix(at, "/claims/") {
			t.Fatalf("leads to %q, %v", at, err)
		}
		h.see(t, jo, at, "My film", at+"/withdraw", "-"+at+"/decide", "-"+at+"/counter")
		h.see(t, mira, at, "It is mine.", at+"/counter", "-"+at+"/withdraw")
		h.see(t, op, at, at+"/decide")
		h.see(t, op, "/moderation/claims", at, "a film")
		h.see(t, jo, "/claims", at)
		h.see(t, mira, "/claims", at)
		h.send(t, mira, at+"/counter", url.Values{"words": {"I made it."}, "faith": {"1"}}.Encode(), at)
		h.send(t, op, at+"/decide", url.Values{"what": {"uphold"}, "words": {"sorry"}}.Encode(), at)
		h.see(t, op, "/moderation/claims", "-"+at)
		h.see(t, op, "/moderation/claims?ended=1", at)
		h.see(t, mira, at, "I made it.", "sorry", "-"+at+"/counter")
		h.send(t, jo, at+"/withdraw", "", at)
		form.Set("name", "Ann Lee")
		form.Set("email", "ann@studio.example")
		w, err = h.ask(t, who.Viewer{}, ui.English, http.MethodPost, "/claims/new", form.Encode())
		at = w.Header().Get("Location")
		if err != nil || !strings.HasPrefix(at, "/claims/by/") {
			t.Fatalf("leads to %q, %v", at, err)
		}
		h.see(t, who.Viewer{}, at, "My film", at+"/withdraw", "-ann@studio.example")
		h.send(t, who.Viewer{}, at+"/withdraw", "", at)
		h.see(t, who.Viewer{}, at, "-"+at+"/withdraw")
	})
}

// TestClaimGone takes along what each side wrote, and erases it.
func TestClaimGone(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.operator(t, "opera")
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.film(t, mira, "a film")
		id, _, err := h.order.Complain(ctx, jo, on, mine, "")
		h.must(t, err, h.order.Counter(ctx, mira, id, "I made it.", true))
		for v, words := range map[who.Viewer][2]string{jo: {"The first minute is mine.", "I made it."}, mira: {"I made it.", "The first minute is mine."}} {
			s := &sink{}
			p, err := h.order.Holder().Export(ctx, exit.Task{Subject: exit.Account(v.Account.String()), Class: "claims"}, s)
			all := strings.Join(s.records, "\n")
			if err != nil || !p.Done || !strings.Contains(all, words[0]) || strings.Contains(all, words[1]) {
				t.Errorf("%s takes along %s, %v", v.Name, all, err)
			}
		}
		h.must(t, h.d.Update(ctx, func(ctx context.Context) error {
			_, err := h.order.Holder().Erase(ctx, exit.Task{Run: "r", Step: "s", Subject: exit.Account(jo.Account.String()), Class: "claims"})
			return err
		}))
		c, err := h.order.Claim(ctx, mira, id)
		if err != nil || c.By != 0 || c.Work+c.Statement != "" || c.Counter != "I made it." || c.State != moderate.ClaimCountered {
			t.Errorf("the claimant gone: %+v, %v", c, err)
		}
	})
}

// TestAppealEndsClaim has a complaint follow what comes of the removal that it brought about: an appeal that is granted, or who decided and takes it back.
func TestAppealEndsClaim(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.must(t, h.d.MakeTrial(ctx, time.Time{}))
		op, other, mira, jo := h.operator(t, "opera"), h.operator(t, "second"), h.person(t, "mira"), h.person(t, "jo")
		on := h.film(t, mira, "a film")
		upheld := func() (claim, act who.ID) {
			t.Helper()
			id, _, err := h.order.Complain(ctx, jo, on, mine, "")
			h.must(t, err, h.order.DecideClaim(ctx, op, id, true, "looks like it"))
			c, err := h.order.Claim(ctx, jo, id)
			if err != nil || c.State != moderate.ClaimUpheld || c.Act == 0 || h.state(t, on) != "withheld" {
				t.Fatalf("upheld it is %+v, %v", c, err)
			}
			return id, c.Act
		}
		id, act := upheld()
		h.must(t, h.order.Appeal(ctx, mira, act, "I made it."), h.order.Settle(ctx, other, act, false, "no"))
		if c, err := h.order.Claim(ctx, jo, id); err != nil || c.State != moderate.ClaimUpheld || h.state(t, on) != "withheld" {
			t.Errorf("after an appeal that was refused: %+v, %v", c, err)
		}
		h.must(t, h.order.Withdraw(ctx, jo, id, ""))

		id, act = upheld()
		before, err := h.order.Claim(ctx, jo, id)
		h.must(t, err)
		h.travel(t, 24*time.Hour)
		h.exec(t, `update notices set seen = 1`)
		h.must(t, h.order.Appeal(ctx, mira, act, "I made it."), h.order.Settle(ctx, other, act, true, "it is hers"))
		c, err := h.order.Claim(ctx, jo, id)
		if err != nil || c.State != moderate.ClaimRefused || c.Answer != "it is hers" || h.state(t, on) != "live" || !c.Decided.After(before.Decided) || !c.EraseAt.After(before.EraseAt) {
			t.Errorf("after an appeal that was granted: %+v, %v, the film %s", c, err, h.state(t, on))
		}
		if got := h.told(t, jo); got != 1 {
			t.Errorf("the claimant was told %d times, want 1", got)
		}
		at := "/claims/" + id.String()
		h.see(t, jo, at, "it is hers", "-"+at+"/withdraw")
		if n := h.number(t, `select count(*) from acts where kind = 'claim_refused' and by_id = $1`, int64(other.Account)); n != 1 {
			t.Errorf("the log tells of it %d times", n)
		}

		id, act = upheld()
		h.must(t, h.order.Undo(ctx, op, act))
		if c, err := h.order.Claim(ctx, jo, id); err != nil || c.State != moderate.ClaimRefused || h.state(t, on) != "live" {
			t.Errorf("after the removal was taken back: %+v, %v", c, err)
		}
	})
}

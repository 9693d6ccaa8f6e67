package circle_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
	"exeunt/ledger"
)

const newHome = "https://new.example/hikers"

// signs gives the house a key and an address.
func (h *house) signs() *ledger.Key {
	h.t.Helper()
	key, err := ledger.NewKey("circles.example")
	h.must(err)
	h.Key, h.Host = key, "circles.example"
	return key
}

// TestFarewell leaves a line and an address by the form, reads it where others do, and verifies what was signed.
func TestFarewell(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		key := h.signs()
		owner, co, ann, guest := h.account("owner"), h.account("co"), h.account("ann"), who.Viewer{}
		id := h.circle(owner, "周末徒步", circle.Open)
		h.joined(co, id)
		h.joined(ann, id)
		h.must(h.Appoint(t.Context(), owner, id, co.Account, circle.CoOwner))
		at := circle.Path(id)
		h.wants(owner, ui.Chinese, at, []string{at + `/farewell"`}, []string{"搬到了"})
		h.wants(owner, ui.English, at+"/farewell", []string{"Say where to find you", "At most 200 characters"}, []string{"Tell all members", "Take it away"})
		h.sends(co, at+"/farewell", url.Values{"words": {" 我们 搬了 <b>"}, "link": {" " + newHome}}, at+"/farewell")
		for _, v := range []who.Viewer{owner, ann, guest} {
			h.wants(v, ui.Chinese, at, []string{"我们 搬了 &lt;b&gt;", `href="` + newHome + `"`, "nofollow noopener noreferrer", "通向别的网站", "what: circles.example" + at, "moved.txt"}, []string{"<b>"})
		}
		h.wants(ann, ui.English, at, []string{"Moved to", "leads to another website", "Signed by this site"}, nil)
		status, text, _ := h.visit(guest, ui.English, http.MethodGet, at+"/moved.txt", nil)
		left, err := h.FarewellOf(t.Context(), guest, id)
		h.must(err)
		r, err := ledger.VerifyStatement([]byte(text), key.Verifier())
		if status != http.StatusOK || err != nil || !r.KeyVerified || r.Statement.To != newHome || r.Statement.What != "circles.example"+at || !r.Statement.At.Equal(left.At.Truncate(time.Second)) || left.At.IsZero() {
			t.Errorf("signed as %d %q: %+v, %v", status, text, r, err)
		}
		if _, err := h.FarewellAt(t.Context(), at); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a circle that is there answers as one that is gone: %v", err)
		}
		h.sends(owner, at+"/farewell", url.Values{"words": {"再见"}, "link": {""}}, at+"/farewell")
		h.wants(ann, ui.Chinese, at, []string{"再见"}, []string{"搬到了", "moved.txt", "what: circles"})
		if status, _, _ := h.visit(guest, ui.English, http.MethodGet, at+"/moved.txt", nil); status != -int(exit.NotFound) {
			t.Errorf("a statement without an address: %d", status)
		}
		h.sends(owner, at+"/farewell", url.Values{"do": {"drop"}}, at+"/farewell")
		h.wants(ann, ui.Chinese, at, nil, []string{"再见"})
	})
}

// TestFarewellRefused keeps nothing of what cannot stand there, says why, and lets owners alone.
func TestFarewellRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, owner, mod, ann := t.Context(), h.account("owner"), h.account("mod"), h.account("ann")
		id := h.circle(owner, "c", circle.Invitation)
		at := circle.Path(id)
		h.must(h.inTx(func(ctx context.Context) error {
			for _, v := range []who.Viewer{mod, ann} {
				if _, err := h.d.Exec(ctx, `insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, 'member', 'active', 0)`, int64(h.d.IDs.Next()), int64(id), int64(v.Account)); err != nil {
					return err
				}
			}
			_, err := h.d.Exec(ctx, `insert into word_rules (id, service, place_id, word, word_key, does, created_at) values (1, '', 0, 'casino', 'casino', 'refuse', 0)`)
			return err
		}))
		h.moderated() // from here on the operator's words are asked
		h.must(h.Appoint(ctx, owner, id, mod.Account, circle.Moderator))
		for words, form := range map[string]url.Values{
			"太长了":      {"words": {strings.Repeat("长", 201)}},
			"看不见":      {"words": {"a\u202eb"}},
			"还什么都没写":   {"words": {"  "}},
			"https://": {"words": {"bye"}, "link": {"http://new.example/"}},
		} {
			status, body, _ := h.visit(owner, ui.Chinese, http.MethodPost, at+"/farewell", form)
			if status != http.StatusUnprocessableEntity || !strings.Contains(body, words) {
				t.Errorf("%v is answered %d without %s", form, status, words)
			}
		}
		for _, link := range []string{"https://localhost/", "https://user:pass@new.example/", "//new.example", "data:text/html,x", "javascript:alert(1)", "https://new.example/" + strings.Repeat("x", 600), "https://n\u202eew.example/", "https://new.example/a b", "https://new.example/\u00a0x"} {
			h.refused(h.Bid(ctx, owner, id, "", link), exit.Invalid, "circle_farewell.error.link")
		}
		h.refused(h.Bid(ctx, owner, id, "the casino is open", ""), exit.Invalid, "moderate.error.filtered")
		h.refused(h.Bid(ctx, owner, id, "", "https://casino.example/"), exit.Invalid, "moderate.error.filtered")
		for _, v := range []who.Viewer{mod, ann} {
			h.refused(h.Bid(ctx, v, id, "bye", ""), exit.Forbidden, "circle.error.owner_only")
			h.refused(h.Unbid(ctx, v, id), exit.Forbidden, "circle.error.owner_only")
			h.refused(h.OfferMove(ctx, v, id), exit.Forbidden, "circle.error.owner_only")
			if status, _, _ := h.visit(v, ui.Chinese, http.MethodGet, at+"/farewell", nil); status != -int(exit.Forbidden) {
				t.Errorf("%s opens the form: %d", v.Name, status)
			}
		}
		h.refused(h.Bid(ctx, h.account("bob"), id, "bye", ""), exit.NotFound, "circle.error.none")
		if _, err := h.FarewellOf(ctx, owner, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("something was kept: %v", err)
		}
		h.refused(h.OfferMove(ctx, owner, id), exit.NotFound, "error.not_found")
		h.must(h.Bid(ctx, owner, id, "bye", ""))
		h.refused(h.OfferMove(ctx, owner, id), exit.Invalid, "circle_farewell.error.nowhere")
		if _, err := h.FarewellOf(ctx, who.Viewer{}, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a stranger reads it in a circle by invitation: %v", err)
		}
		if _, err := h.FarewellIn(ctx, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("its address answers as if it were gone: %v", err)
		}
	})
}

// TestOfferMove tells each member once for each address, and who does not want to hear of it not at all.
func TestOfferMove(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, owner, ann, bob := t.Context(), h.account("owner"), h.account("ann"), h.account("bob")
		id := h.circle(owner, "c", circle.Open)
		h.joined(ann, id)
		h.must(h.Bid(ctx, owner, id, "bye", newHome))
		h.must(h.OfferMove(ctx, owner, id))
		h.works()
		told := func(v who.Viewer) (n int64) {
			h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from notices where account_id = $1 and kind = $2`, int64(v.Account), string(notify.CircleMoved)).Scan(&n))
			return n
		}
		if told(ann) != 1 || told(owner) != 0 || told(bob) != 0 {
			t.Errorf("told: member %d, owner %d, stranger %d", told(ann), told(owner), told(bob))
		}
		h.refused(h.OfferMove(ctx, owner, id), exit.Conflict, "circle_farewell.error.told")
		h.must(h.Bid(ctx, owner, id, "other words", newHome))
		h.refused(h.OfferMove(ctx, owner, id), exit.Conflict, "circle_farewell.error.told")
		h.wants(owner, ui.Chinese, circle.Path(id)+"/farewell", []string{"已经告诉过所有成员"}, []string{"<span>告诉所有成员</span>"})
		h.joined(bob, id)
		h.must(h.Bid(ctx, owner, id, "bye", newHome+"/2"))
		h.must(h.OfferMove(ctx, owner, id))
		h.works()
		if told(ann) != 1 || told(bob) != 1 {
			t.Errorf("of another address: told before %d, since %d", told(ann), told(bob))
		}
	})
}

// parts tells the holder of a change of a person's closing, whose plan shows what was left until a day.
func (h *house) parts(v who.Viewer, in string, state exit.RunState, until exit.Date) {
	h.t.Helper()
	run := exit.Run{ID: "run1", Journey: exit.Close, Subject: exit.Account(v.Account.String()).Within(in), State: state, Plan: &exit.Plan{Zone: "UTC"}}
	if !until.IsZero() {
		run.Plan.Stays = []exit.Stay{{What: "circle_farewell", State: "shown", Until: until}}
	}
	h.must(h.inTx(func(ctx context.Context) error { return h.holder.RunChanged(ctx, run) }))
}

func (h *house) erasesFarewells(v who.Viewer, in string) {
	h.t.Helper()
	h.must(h.inTx(func(ctx context.Context) error {
		_, err := h.holder.Erase(ctx, h.task(v, in, "farewells", ""))
		return err
	}))
	left, err := h.holder.Verify(h.t.Context(), h.task(v, in, "farewells", ""))
	h.must(err)
	if left.Left != 0 {
		h.t.Errorf("%d farewells refer to %s still", left.Left, v.Name)
	}
}

// TestFarewellOutlivesItsOwner shows what was left for the term of the plan, of nobody, where the circle was; it is taken back by a return, and by the slip.
func TestFarewellOutlivesItsOwner(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.signs()
		ctx, owner, ann := t.Context(), h.account("owner"), h.account("ann")
		kept, gone := h.circle(owner, "kept", circle.Open), h.circle(owner, "gone", circle.Open)
		h.joined(ann, kept)
		until, err := exit.ParseDate(dbtest.Start.AddDate(1, 0, 0).Format(time.DateOnly))
		h.must(err)
		for _, id := range []who.ID{kept, gone} {
			h.must(h.Bid(ctx, owner, id, "bye", newHome))
		}
		if left, err := h.holder.Left(ctx, exit.Account(owner.Account.String()).Within("circle:"+gone.String())); err != nil || fmt.Sprint(left) != "[circle_farewell]" {
			t.Errorf("closing a circle leaves %v, %v", left, err)
		}
		for _, s := range []exit.Subject{exit.Account(ann.Account.String()), exit.Account(owner.Account.String()).Within("channel"), exit.Ending("channel"), exit.Ending("channel:7")} {
			if left, err := h.holder.Left(ctx, s); err != nil || len(left) > 0 {
				t.Errorf("%s leaves %v, %v", s, left, err)
			}
		}
		h.parts(owner, "", exit.RunOpen, until)
		h.parts(owner, "", exit.RunRunning, until)
		h.parts(owner, "", exit.RunReturned, until)
		if f, err := h.FarewellOf(ctx, owner, gone); err != nil || !f.Until.IsZero() {
			t.Errorf("after the return it is %+v, %v", f, err)
		}
		h.parts(owner, "", exit.RunOpen, until)
		h.parts(owner, "", exit.RunRunning, until)
		h.erasesFarewells(owner, "")
		h.leaves(owner, "")
		for _, id := range []who.ID{kept, gone} {
			f, err := h.FarewellAt(ctx, circle.Path(id)+"/members")
			if err != nil || f.By != 0 || f.Words != "bye" || f.Signed == "" || f.Until.Before(until.Start(time.UTC)) {
				t.Errorf("at the address of %s stands %+v, %v", id, f, err)
			}
		}
		h.wants(ann, ui.Chinese, circle.Path(kept), []string{"bye", "显示到"}, nil)
		h.answers(circle.Path(gone), ui.English, []string{"no longer here", "bye", newHome, "Shown until"})
		h.must(h.inTx(func(ctx context.Context) error {
			_, err := h.d.Exec(ctx, `update circles set withheld_at = 1 where id = $1`, int64(kept))
			return err
		}))
		if _, err := h.FarewellIn(ctx, kept); exit.KindOf(err) != exit.NotFound {
			t.Errorf("what the operator has out of sight is shown: %v", err)
		}
		if there, err := h.LeftBy(ctx, "run1"); err != nil || !there {
			t.Errorf("the slip finds nothing: %v", err)
		}
		h.must(h.UnleaveRun(ctx, "run1"))
		if _, err := h.FarewellIn(ctx, gone); exit.KindOf(err) != exit.NotFound {
			t.Errorf("the slip has not taken it away: %v", err)
		}
	})
}

// bidden gives what is answered at an address of a circle that is gone.
func (h *house) bidden(path string, lang ui.Lang) (status int, body string) {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, path, nil)
	ctx := ui.WithReader(r.Context(), ui.Reader{Lang: lang, Now: dbtest.Start})
	w := httptest.NewRecorder()
	h.must(h.Answer(w, r.WithContext(service.WithSession(ctx, &service.Session{Path: path}))))
	return w.Code, w.Body.String()
}

// answers asks what stands at the address of a circle that is gone.
func (h *house) answers(path string, lang ui.Lang, words []string) {
	h.t.Helper()
	status, body := h.bidden(path, lang)
	if status != http.StatusGone {
		h.t.Errorf("GET %s gives %d: %s", path, status, body)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			h.t.Errorf("GET %s has no %q", path, w)
		}
	}
}

// TestFarewellWithoutTerm goes with its owner where the plan states nothing, and with its time where it does.
func TestFarewellWithoutTerm(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, owner := t.Context(), h.account("owner")
		one, two := h.circle(owner, "one", circle.Open), h.circle(owner, "two", circle.Open)
		h.must(h.Bid(ctx, owner, one, "bye", newHome))
		h.parts(owner, "circle:"+one.String(), exit.RunRunning, exit.Date{})
		h.erasesFarewells(owner, "circle:"+one.String())
		if _, err := h.FarewellOf(ctx, owner, one); exit.KindOf(err) != exit.NotFound {
			t.Errorf("it outlives its owner without a term: %v", err)
		}
		h.must(h.Bid(ctx, owner, two, "bye", newHome))
		h.parts(owner, "", exit.RunRunning, exit.DateOf(dbtest.Start.AddDate(0, 0, -2), time.UTC))
		n, err := h.SweepFarewells(ctx, 10)
		h.must(err)
		if n != 1 {
			t.Errorf("%d farewells were swept whose time is over", n)
		}
	})
}

// TestSunsetShowsFarewells has what was left in what ends stand past the end, and nothing else.
func TestSunsetShowsFarewells(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, owner := t.Context(), h.account("owner")
		ends, stays := h.circle(owner, "ends", circle.Open), h.circle(owner, "stays", circle.Open)
		for _, id := range []who.ID{ends, stays} {
			h.must(h.Bid(ctx, owner, id, "bye", newHome))
		}
		part := "circle:" + ends.String()
		_, err := h.d.Writer.ExecContext(ctx, `insert into shut (scope) values ($1)`, part)
		h.must(err)
		if _, err := h.FarewellAt(ctx, circle.Path(ends)); err != nil {
			t.Errorf("after the stop: %v", err)
		}
		if _, err := h.FarewellAt(ctx, circle.Path(stays)); exit.KindOf(err) != exit.NotFound {
			t.Errorf("of what does not end: %v", err)
		}
		left, err := h.holder.Left(ctx, exit.Ending(part))
		h.must(err)
		if fmt.Sprint(left) != "[circle_farewell]" {
			t.Errorf("the ending leaves %v", left)
		}
		until := exit.DateOf(dbtest.Start.AddDate(1, 0, 0), time.UTC)
		run := exit.Run{ID: "s", Journey: exit.Sunset, Subject: exit.Ending(part), State: exit.RunRunning, Plan: &exit.Plan{Zone: "UTC", Stays: []exit.Stay{{What: "circle_farewell", State: "shown", Until: until}}}}
		h.must(h.inTx(func(ctx context.Context) error { return h.holder.RunChanged(ctx, run) }))
		h.erasesFarewells(owner, part)
		if f, err := h.FarewellAt(ctx, circle.Path(ends)); err != nil || f.By != 0 || f.Until.IsZero() {
			t.Errorf("after the erasure: %+v, %v", f, err)
		}
		if f, err := h.FarewellOf(ctx, owner, stays); err != nil || f.By != owner.Account || !f.Until.IsZero() {
			t.Errorf("of what does not end: %+v, %v", f, err)
		}
	})
}

// TestFarewellAlong takes along what one has left, signed.
func TestFarewellAlong(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		key := h.signs()
		ctx, owner, other := t.Context(), h.account("owner"), h.account("other")
		one, two := h.circle(owner, "one", circle.Open), h.circle(other, "two", circle.Open)
		h.must(h.Bid(ctx, owner, one, "bye", newHome))
		h.must(h.Bid(ctx, other, two, "not theirs", ""))
		s := &sink{most: 10}
		p, err := h.holder.Export(ctx, h.task(owner, "", "farewells", ""), s)
		h.must(err)
		if len(s.records) != 1 || !p.Done {
			t.Fatalf("%d records, %+v", len(s.records), p)
		}
		f, ok := s.records[0].(archive.Farewell)
		if !ok || f.Text != "bye" || f.Link != newHome || f.Circle != one.String() {
			t.Errorf("taken along as %+v", s.records[0])
		}
		if _, err := ledger.VerifyStatement([]byte(f.Signed), key.Verifier()); err != nil {
			t.Errorf("its statement: %v", err)
		}
	})
}

package relation_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

func (h *house) must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (h *house) open(t *testing.T, of who.Viewer) {
	t.Helper()
	h.exec(t, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, '', '', '', 'everyone')`, int64(of.Account))
}

// TestTwoBlocked has one person block another and asks that neither finds the other, in either direction, in any
// list of this room, and that a third person sees both as before.
func TestTwoBlocked(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		r := h.relations
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		h.open(t, kim)
		h.must(t, r.Follow(ctx, mira, jo.Account), r.Follow(ctx, jo, mira.Account), r.Follow(ctx, mira, kim.Account), r.Follow(ctx, jo, kim.Account))
		for range 2 {
			h.must(t, r.Block(ctx, mira, jo.Account))
		}
		for _, x := range [][2]who.Viewer{{mira, jo}, {jo, mira}} {
			v, other := x[0], x[1]
			if got := h.list(t, v, kim, relation.Followers); !slices.Equal(got, []string{v.Name}) {
				t.Errorf("%s sees %q among kim's followers", v.Name, got)
			}
			if _, err := r.Named(ctx, v, other.Name); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s finds %s by name: %v", v.Name, other.Name, err)
			}
			if err := r.Follow(ctx, v, other.Account); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s follows %s: %v", v.Name, other.Name, err)
			}
			if err := r.MayList(ctx, v, other.Account); exit.KindOf(err) != exit.NotFound && exit.KindOf(err) != exit.Forbidden {
				t.Errorf("%s may see the lists of %s: %v", v.Name, other.Name, err)
			}
			if err := r.Mute(ctx, v, who.Ref{Kind: "account", ID: other.Account}, relation.Day); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s mutes %s: %v", v.Name, other.Name, err)
			}
			blocked, err := r.Blocked(ctx, v, []who.ID{mira.Account, jo.Account, kim.Account})
			if err != nil || len(blocked) != 1 || !blocked[other.Account] {
				t.Errorf("%s is blocked from %v, %v", v.Name, blocked, err)
			}
			following, followers, err := r.Totals(ctx, v.Account)
			if err != nil || following != 1 || followers != 0 {
				t.Errorf("%s follows %d and is followed by %d, %v", v.Name, following, followers, err)
			}
		}
		if got := h.list(t, kim, kim, relation.Followers); !slices.Equal(got, []string{"jo", "mira"}) {
			t.Errorf("kim sees %q", got)
		}
		list, err := r.Blocks(ctx, mira, 0, 10)
		if err != nil || len(list) != 1 || list[0].Name != "jo" {
			t.Errorf("mira's list: %+v, %v", list, err)
		}
		if list, err := r.Blocks(ctx, jo, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("jo learns of it: %+v, %v", list, err)
		}
		h.must(t, r.Unblock(ctx, jo, mira.Account)) // not jo's to take back
		if _, err := r.Named(ctx, jo, "mira"); exit.KindOf(err) != exit.NotFound {
			t.Errorf("jo took back a block of mira's: %v", err)
		}
		h.must(t, r.Unblock(ctx, mira, jo.Account))
		if _, err := r.Named(ctx, jo, "mira"); err != nil {
			t.Errorf("after the block: %v", err)
		}
		if err := r.Block(ctx, mira, mira.Account); exit.KindOf(err) != exit.Invalid {
			t.Errorf("blocking oneself: %v", err)
		}
	})
}

// mutedNow asks the condition that other rooms use.
func (h *house) mutedNow(t *testing.T, v, of who.Viewer) bool {
	t.Helper()
	var n int64
	h.must(t, h.d.Reader.QueryRowContext(t.Context(), `select count(*) from accounts a where a.id = $2 and `+relation.Unmuted("$1", "a.id"), int64(v.Account), int64(of.Account)).Scan(&n))
	return n == 0
}

func TestMutesEnd(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		r := h.relations
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		ref := who.Ref{Kind: "account", ID: jo.Account}
		for _, x := range []struct {
			term  relation.Term
			until time.Duration
			less  bool
		}{{relation.Day, 24 * time.Hour, false}, {relation.Week, 7 * 24 * time.Hour, false}, {relation.Month, 30 * 24 * time.Hour, false}, {relation.LessOf, 0, true}, {relation.ForGood, 0, false}} {
			h.must(t, r.Mute(ctx, mira, ref, x.term))
			list, err := r.Mutes(ctx, mira, 0, 10)
			if err != nil || len(list) != 1 {
				t.Fatalf("%s: %+v, %v", x.term, list, err)
			}
			m := list[0].Mute
			if m.Less != x.less || x.until == 0 != m.Until.IsZero() || x.until != 0 && m.Until.Sub(m.Since) != x.until {
				t.Errorf("%s: %+v", x.term, m)
			}
			if got := h.mutedNow(t, mira, jo); got == x.less {
				t.Errorf("%s: muted %v", x.term, got)
			}
			if h.mutedNow(t, jo, mira) {
				t.Errorf("%s: a mute holds both ways", x.term)
			}
		}
		h.must(t, r.Mute(ctx, mira, ref, relation.Week))
		now, err := h.d.Now(ctx)
		h.must(t, err)
		h.exec(t, `update mutes set until = $1`, now.UnixMilli()+3600_000)
		if n, err := r.Sweep(ctx, 10); err != nil || n != 0 || !h.mutedNow(t, mira, jo) {
			t.Errorf("an hour too early %d mutes are swept, %v", n, err)
		}
		h.exec(t, `update mutes set until = $1`, now.UnixMilli()-1)
		if n, err := r.Sweep(ctx, 10); err != nil || n != 1 || h.mutedNow(t, mira, jo) {
			t.Errorf("at its end %d mutes are swept, %v", n, err)
		}
		for _, err := range []error{r.Mute(ctx, mira, ref, "year"), r.Mute(ctx, mira, who.Ref{Kind: "post", ID: 1}, relation.Day), r.Mute(ctx, mira, who.Ref{Kind: "account", ID: mira.Account}, relation.Day)} {
			if exit.KindOf(err) != exit.Invalid {
				t.Errorf("taken: %v", err)
			}
		}
	})
}

// ring is a keeper of circles that everybody sees.
type ring map[who.ID]string

func (k ring) Things(_ context.Context, _ who.Viewer, ids []who.ID) (out []service.Thing, err error) {
	for _, id := range ids {
		if k[id] != "" {
			out = append(out, service.Thing{Ref: who.Ref{Kind: "circle", ID: id}, Title: k[id], Link: "/circles/" + id.String(), See: true})
		}
	}
	return out, nil
}

// TestListsTravel takes blocks, mutes and quiets along and back, by their own class.
func TestListsTravel(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		r := h.relations
		h.registry.Kinds = []service.Kind{{Name: "circle", Keeper: ring{7: "Tea", 8: "Go"}}}
		mira, jo, kim, twin := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim"), h.person(t, "twin")
		h.must(t, r.Block(ctx, mira, jo.Account), r.Mute(ctx, mira, who.Ref{Kind: "account", ID: kim.Account}, relation.Month),
			r.Mute(ctx, mira, who.Ref{Kind: "circle", ID: 7}, relation.LessOf), r.Mute(ctx, mira, who.Ref{Kind: "circle", ID: 8}, relation.ForGood))
		h.must(t, r.Follow(ctx, jo, twin.Account))
		holder := r.Holder()
		for class, want := range map[string][]any{
			"blocks": {archive.Block{Address: "jo@here.example"}},
			"mutes":  {archive.Mute{Address: "kim@here.example"}},
			"quiets": {archive.Quiet{Kind: "circle", ID: "7", Name: "Tea", Less: true}, archive.Quiet{Kind: "circle", ID: "8", Name: "Go"}},
		} {
			s := &sink{}
			p, err := holder.Export(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: class}, s)
			if err != nil || !p.Done || len(s.records) != len(want) {
				t.Fatalf("%s: %+v, %+v, %v", class, s.records, p, err)
			}
			for i := range want {
				got := s.records[i]
				switch x := got.(type) {
				case archive.Block:
					x.Since = archive.Time{}
					got = x
				case archive.Mute:
					if x.Until.Sub(x.Since.Time) != 30*24*time.Hour {
						t.Errorf("a mute of 30 days is %v", x)
					}
					x.Since, x.Until = archive.Time{}, archive.Time{}
					got = x
				case archive.Quiet:
					x.Since = archive.Time{}
					got = x
				}
				if got != want[i] {
					t.Errorf("%s: %+v, want %+v", class, got, want[i])
				}
			}
			for _, want := range []string{"taken", "duplicate"} {
				h.takeIn(t, twin, class, s.records, want)
			}
		}
		if _, err := r.Named(ctx, twin, "jo"); exit.KindOf(err) != exit.NotFound {
			t.Errorf("an imported block does not hold: %v", err)
		}
		if _, followers, err := r.Totals(ctx, twin.Account); err != nil || followers != 0 {
			t.Errorf("an imported block leaves %d followers, %v", followers, err)
		}
		now, err := h.d.Now(ctx)
		h.must(t, err)
		h.takeIn(t, twin, "mutes", []any{
			archive.Mute{Address: "nobody"},
			archive.Mute{Address: "twin"},
			archive.Mute{Address: "kim@far.example"},
			archive.Mute{Address: "mira", Until: archive.At(now.Add(-time.Hour))},
		}, "skipped")
		h.takeIn(t, twin, "quiets", []any{archive.Quiet{Kind: "circle", ID: "9"}, archive.Quiet{Kind: "account", ID: kim.Account.String()}}, "skipped")
	})
}

func (h *house) takeIn(t *testing.T, v who.Viewer, class string, records []any, want string) {
	t.Helper()
	now, err := h.d.Now(t.Context())
	h.must(t, err)
	intake, err := h.relations.Holder().Import(t.Context(), exit.Task{Subject: exit.Account(v.Account.String()), Class: class, Now: now}, records, nil)
	h.must(t, err)
	var out []exit.Outcome
	h.must(t, h.d.Update(t.Context(), func(ctx context.Context) (err error) { out, err = intake(ctx); return err }))
	for i, o := range out {
		if o.Result != want || (o.Reason == "") == (want == "skipped") {
			t.Errorf("%s: record %d is %+v, want %s", class, i, o, want)
		}
	}
}

// post sends a form through the room's routes.
func post(t *testing.T, r *relation.Room, v who.Viewer, path, form string) (string, error) {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range r.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, "/@{", "/@/{", 1), func(w http.ResponseWriter, req *http.Request) { failed = rt.Handle(w, req) })
	}
	req := httptest.NewRequest(http.MethodPost, strings.Replace(path, "/@", "/@/", 1), strings.NewReader(form))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	ctx := ui.WithReader(req.Context(), ui.Reader{Lang: ui.English, Now: dbtest.Start})
	mux.ServeHTTP(w, req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, Path: path})))
	return w.Header().Get("Location"), failed
}

func TestListPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := h.relations
		h.registry.Kinds = []service.Kind{{Name: "circle", Keeper: ring{7: "Tea"}}}
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		see := func(path string, words ...string) {
			t.Helper()
			for _, lang := range []ui.Lang{ui.Chinese, ui.English} {
				w, err := serve(t, r, mira, lang, "GET", path)
				h.must(t, err)
				body := w.Body.String()
				for _, word := range words {
					if without, missing := strings.CutPrefix(word, "-"); strings.Contains(body, without) == missing {
						t.Errorf("%s in %v: %q", path, lang, word)
					}
				}
				if strings.Contains(body, ">relation.") {
					t.Errorf("%s in %v shows a key", path, lang)
				}
			}
		}
		see("/settings/blocks", "-@jo", `class="empty"`)
		see("/settings/mutes", `class="empty"`)
		see("/@jo/block", "jo", `action="/@jo/block"`)
		see("/mute/account/"+kim.Account.String(), "kim", `value="month" checked`)
		for _, x := range [][3]string{
			{"/@jo/block", "", "/settings/blocks"}, {"/mute/account/" + kim.Account.String(), "term=week", "/settings/mutes"}, {"/mute/circle/7", "term=good", "/settings/mutes/topics"},
		} {
			if to, err := post(t, r, mira, x[0], x[1]); err != nil || to != x[2] {
				t.Errorf("%s leads to %q, %v", x[0], to, err)
			}
		}
		see("/settings/blocks", ">jo<", "-class=\"empty\"", "/settings/blocks/"+jo.Account.String()+"/undo")
		see("/settings/mutes", ">kim<", "/settings/mutes/account/"+kim.Account.String()+"/undo")
		see("/settings/mutes/topics", "Tea", "/settings/mutes/circle/7/undo")
		for _, path := range []string{"/@jo/block", "/mute/account/" + jo.Account.String(), "/mute/account/" + mira.Account.String(), "/mute/circle/9", "/mute/cat/9"} {
			if _, err := serve(t, r, mira, ui.English, "GET", path); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s: %v", path, err)
			}
		}
		for _, path := range []string{"/settings/blocks/" + jo.Account.String() + "/undo", "/settings/mutes/account/" + kim.Account.String() + "/undo", "/settings/mutes/circle/7/undo"} {
			if _, err := post(t, r, mira, path, ""); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		see("/settings/blocks", `class="empty"`)
		see("/settings/mutes", `class="empty"`)
		see("/settings/mutes/topics", `class="empty"`)
	})
}

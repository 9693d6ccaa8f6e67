package relation_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// house is the rooms up to relations on one database.
type house struct {
	d         *db.DB
	desk      *service.Desk
	registry  *service.Registry
	relations *relation.Room
}

func eachHouse(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := &house{d: d, registry: &service.Registry{}}
		h.desk = service.NewDesk(d, h.registry)
		h.relations = relation.New(relation.Config{DB: d, Desk: h.desk, Registry: h.registry, NameKey: account.NameKey, Host: "here.example"})
		fn(t, h)
	})
}

func (h *house) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := h.d.Writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func (h *house) person(t *testing.T, name string) who.Viewer {
	t.Helper()
	id := who.RandomID()
	h.exec(t, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $3, 'personal', 'active', 0)`, int64(id), name, account.NameKey(name))
	if err := h.d.Update(t.Context(), func(ctx context.Context) error {
		_, err := h.desk.NewAccount(ctx, id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return who.Viewer{Account: id, Name: name, State: who.Active}
}

func (h *house) list(t *testing.T, v, of who.Viewer, side relation.Side) []string {
	t.Helper()
	people, err := h.relations.List(t.Context(), v, of.Account, side, 0, 10)
	if exit.KindOf(err) == exit.Forbidden && err != nil {
		return []string{"hidden"}
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range people {
		names = append(names, p.Name)
	}
	return names
}

func TestLists(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		for range 2 {
			for _, err := range []error{h.relations.Follow(ctx, jo, mira.Account), h.relations.Follow(ctx, kim, mira.Account), h.relations.Follow(ctx, mira, kim.Account)} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		following, followers, err := h.relations.Totals(ctx, mira.Account)
		if err != nil || following != 1 || followers != 2 {
			t.Errorf("totals %d and %d, %v", following, followers, err)
		}
		hidden := []string{"hidden"}
		for _, by := range []struct {
			setting                string
			own, follower, another []string
		}{
			{"", []string{"kim", "jo"}, hidden, hidden},
			{"only-me", []string{"kim", "jo"}, hidden, hidden},
			{"followers", []string{"kim", "jo"}, []string{"kim", "jo"}, hidden},
			{"everyone", []string{"kim", "jo"}, []string{"kim", "jo"}, []string{"kim", "jo"}},
		} {
			if by.setting != "" {
				h.exec(t, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, '', '', '', $2)
					on conflict (account_id) do update set lists_seen_by = excluded.lists_seen_by`, int64(mira.Account), by.setting)
			}
			for name, x := range map[string]struct {
				v    who.Viewer
				want []string
			}{"herself": {mira, by.own}, "a follower": {jo, by.follower}, "a guest": {who.Viewer{}, by.another}} {
				if got := h.list(t, x.v, mira, relation.Followers); !slices.Equal(got, x.want) {
					t.Errorf("%q: %s sees %q, want %q", by.setting, name, got, x.want)
				}
			}
		}
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'veil', 'r', 0)`, int64(kim.Account))
		if got := h.list(t, mira, mira, relation.Followers); !slices.Equal(got, []string{"jo"}) {
			t.Errorf("with one veiled: %q", got)
		}
		if err := h.relations.Follow(ctx, jo, kim.Account); exit.KindOf(err) != exit.NotFound {
			t.Errorf("following somebody veiled: %v", err)
		}
		if err := h.relations.Follow(ctx, jo, jo.Account); exit.KindOf(err) != exit.Invalid {
			t.Errorf("following oneself: %v", err)
		}
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'freeze', 'r', 0)`, int64(mira.Account))
		if err := h.relations.Follow(ctx, h.person(t, "lee"), mira.Account); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("following somebody frozen: %v", err)
		}
		for range 2 {
			if err := h.relations.Unfollow(ctx, jo, mira.Account); err != nil {
				t.Fatal(err)
			}
		}
		if follows, err := h.relations.Follows(ctx, jo, []who.ID{mira.Account}); err != nil || len(follows) != 0 {
			t.Errorf("after unfollowing: %v, %v", follows, err)
		}
	})
}

// sink keeps what is exported.
type sink struct {
	exit.Sink
	records []any
}

func (s *sink) Record(v any) error { s.records = append(s.records, v); return nil }
func (s *sink) Full() bool         { return false }

func TestAlong(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, lee := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "lee")
		for _, err := range []error{h.relations.Follow(ctx, mira, jo.Account), h.relations.Follow(ctx, lee, mira.Account)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for part, want := range map[string]string{archive.ClassFollowing: "jo@here.example", archive.ClassFollowers: "lee@here.example"} {
			s := &sink{}
			p, err := h.relations.Holder().Export(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: "follows", Part: part}, s)
			if err != nil || !p.Done || len(s.records) != 1 || s.records[0].(archive.Follow).Address != want {
				t.Errorf("%s: %+v, %+v, %v", part, s.records, p, err)
			}
		}
		records := []any{
			archive.Follow{Address: "jo@here.example"},
			archive.Follow{Address: "@LEE"},
			archive.Follow{Address: "lee@elsewhere.example"},
			archive.Follow{Address: "nobody"},
			archive.Follow{Address: "mira"},
			archive.Follow{Address: "lee", Since: archive.At(dbtest.Start.AddDate(-1, 0, 0))},
		}
		for part, want := range map[string]string{
			archive.ClassFollowing: "duplicate taken skipped skipped skipped duplicate",
			archive.ClassFollowers: "skipped skipped skipped skipped skipped skipped",
		} {
			var out []exit.Outcome
			intake, err := h.relations.Holder().Import(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: "follows", Part: part, Now: dbtest.Start}, records, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = h.d.Update(ctx, func(ctx context.Context) (err error) {
				out, err = intake(ctx)
				return err
			})
			var got []string
			for _, o := range out {
				got = append(got, o.Result)
			}
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("%s comes back as %q, %v", part, got, err)
			}
		}
	})
}

// serve answers one request through the room's routes; "/@name" is led to "/@/name" as the server does.
func serve(t *testing.T, r *relation.Room, v who.Viewer, lang ui.Lang, method, path string) (*httptest.ResponseRecorder, error) {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range r.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, "/@{", "/@/{", 1), func(w http.ResponseWriter, req *http.Request) { failed = rt.Handle(w, req) })
	}
	req := httptest.NewRequest(method, strings.Replace(path, "/@", "/@/", 1), nil)
	ctx := ui.WithReader(req.Context(), ui.Reader{Lang: lang, Now: dbtest.Start})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, Path: path})))
	return w, failed
}

func TestPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		if w, err := serve(t, h.relations, jo, ui.English, "POST", "/@mira/follow"); err != nil || w.Header().Get("Location") != "/@mira" {
			t.Fatalf("follow leads to %q, %v", w.Header().Get("Location"), err)
		}
		for lang, words := range map[ui.Lang][]string{ui.Chinese: {"jo的关注", "取消关注", "@mira"}, ui.English: {"Followed by jo", "Unfollow", "@mira"}} {
			w, err := serve(t, h.relations, jo, lang, "GET", "/@jo/following")
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range words {
				if !strings.Contains(w.Body.String(), word) {
					t.Errorf("%s: the page lacks %q", lang, word)
				}
			}
			if strings.Contains(w.Body.String(), "relation.") {
				t.Errorf("%s: a key is shown instead of its sentence", lang)
			}
		}
		if _, err := serve(t, h.relations, mira, ui.English, "GET", "/@jo/following"); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("another asks for a list that is not shown: %v", err)
		}
		if _, err := serve(t, h.relations, jo, ui.English, "POST", "/@nobody/follow"); exit.KindOf(err) != exit.NotFound {
			t.Errorf("following nobody: %v", err)
		}
	})
}

package page_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/page"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// house is the page room with the rooms beneath it, on a database of its own.
type house struct {
	*page.Room
	t    *testing.T
	d    *db.DB
	desk *service.Desk
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		registry := &service.Registry{Services: []service.Service{page.Service, {Name: "circle", Path: "/circles", Icon: "users-round", Title: "circle.service"}}}
		desk := service.NewDesk(d, registry)
		if err := desk.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		text := func(s string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
				_, err := io.WriteString(w, s)
				return err
			})
		}
		fn(t, &house{page.New(page.Config{
			DB: d, Desk: desk, Accounts: account.New(account.Config{DB: d, Desk: desk}),
			Relations: relation.New(relation.Config{DB: d, Desk: desk, NameKey: strings.ToLower}),
			Posts:     post.New(post.Config{DB: d, Desk: desk, Registry: registry, NameKey: strings.ToLower}),
			Circles: func(context.Context, who.Viewer, int) ([]ui.CircleView, error) {
				return []ui.CircleView{{Name: "周末徒步", Href: "/circles/7", Members: 3}}, nil
			},
			HideForm: func(_ context.Context, name string) templ.Component { return text("[hide " + name + "]") },
			Lend:     func(context.Context) templ.Component { return text("[lend]") },
		}), t, d, desk})
	})
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// account makes an account with a profile and gives it as a viewer.
func (h *house) account(name string) who.Viewer {
	h.t.Helper()
	v := who.Viewer{Account: who.RandomID(), Person: 1, Name: name, State: who.Active}
	h.must(h.d.Update(h.t.Context(), func(ctx context.Context) error {
		for _, q := range []string{
			`insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0)`,
			`insert into profiles (account_id, display_name, bio, avatar, cover) values ($1, $2, 'bio of ' || $2, '', '')`,
		} {
			if _, err := h.d.Exec(ctx, q, int64(v.Account), name); err != nil {
				return err
			}
		}
		_, err := h.desk.NewAccount(ctx, v.Account)
		return err
	}))
	return v
}

func (h *house) write(v who.Viewer, audience, text string) {
	h.t.Helper()
	_, err := h.Posts.Write(h.t.Context(), v, post.Draft{Service: post.Page, Audience: audience, Text: text})
	h.must(err)
}

// get asks a page of the room. The server leads "/@name" to "/@/{name}", as here.
func (h *house) get(v who.Viewer, lang ui.Lang, path string) (string, error) {
	h.t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range h.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, "/@{", "/@/{", 1), func(w http.ResponseWriter, r *http.Request) { failed = rt.Handle(w, r) })
	}
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, strings.Replace(path, "/@", "/@/", 1), nil)
	ctx := ui.WithReader(r.Context(), ui.Reader{Lang: lang, Now: dbtest.Start})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, DisplayName: v.Name, Path: path})))
	return w.Body.String(), failed
}

func (h *house) wants(v who.Viewer, lang ui.Lang, path string, words, not []string) {
	h.t.Helper()
	body, err := h.get(v, lang, path)
	h.must(err)
	for _, w := range words {
		if !strings.Contains(body, w) {
			h.t.Errorf("GET %s in %s has no %q", path, lang, w)
		}
	}
	for _, w := range not {
		if strings.Contains(body, w) {
			h.t.Errorf("GET %s in %s has %q", path, lang, w)
		}
	}
}

// veil veils an account in a scope, as a consent does.
func (h *house) veil(v who.Viewer, in string, on bool) {
	h.t.Helper()
	h.must(h.d.Update(h.t.Context(), func(ctx context.Context) error {
		return h.desk.Veil(ctx, exit.Task{Run: "run1", Subject: exit.Account(v.Account.String()).Within(in), Now: dbtest.Start}, on)
	}))
}

func TestFrontPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.wants(who.Viewer{}, ui.Chinese, "/", []string{"圈子和视频，来去由你。", `href="/sign-up"`, `href="/sign-in"`, "[lend]"}, []string{"page.front"})
		h.wants(who.Viewer{}, ui.English, "/", []string{"Come freely, leave whole.", "Sign up"}, []string{"page.front"})
	})
}

func TestHome(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, bob, eve := h.account("ann"), h.account("bob"), h.account("eve")
		h.wants(ann, ui.Chinese, "/", []string{"这里还很安静", "去发现"}, nil)
		h.must(h.Relations.Follow(t.Context(), ann, bob.Account))
		h.write(bob, "public", "bob in public")
		h.write(bob, "followers", "bob to followers")
		h.write(bob, "only", "bob to himself")
		h.write(eve, "public", "eve in public")
		h.wants(ann, ui.English, "/", []string{"bob in public", "bob to followers"}, []string{"bob to himself", "eve in public"})
		h.veil(bob, "", true)
		h.wants(ann, ui.English, "/", nil, []string{"bob in public", "bob to followers"})
	})
}

func TestOwnPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, bob := h.account("ann"), h.account("bob")
		h.write(bob, "public", "in public")
		h.write(bob, "followers", "to followers")
		h.write(bob, "only", "to himself")
		h.wants(who.Viewer{}, ui.Chinese, "/@bob", []string{"bio of bob", "in public", "关注"}, []string{"to followers", "to himself", "/@bob/follow\"", "导出个人主页数据"})
		h.wants(ann, ui.English, "/@bob", []string{"in public", `action="/@bob/follow"`}, []string{"to followers", "Export my page", "/@bob/followers"})
		h.must(h.Relations.Follow(t.Context(), ann, bob.Account))
		h.wants(ann, ui.English, "/@bob", []string{"to followers", `action="/@bob/unfollow"`}, []string{"to himself"})
		h.wants(bob, ui.Chinese, "/@bob", []string{"to himself", "导出个人主页数据", "/exit/take-along?in=page", "/@bob/followers"}, []string{"/@bob/follow\""})
	})
}

// Who has left, who hides, and who never was look the same.
func TestNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, bob := h.account("ann"), h.account("bob")
		h.write(bob, "public", "in public")
		for _, in := range []string{"", "page"} {
			h.veil(bob, in, true)
			h.wants(bob, ui.Chinese, "/@bob", []string{"in public"}, nil)
			for _, path := range []string{"/@bob", "/@nobody"} {
				body, err := h.get(ann, ui.Chinese, path)
				if exit.KindOf(err) != exit.NotFound || err == nil || !strings.Contains(err.Error(), "page.error.nobody") || body != "" {
					t.Errorf("%s, veiled in %q: %v", path, in, err)
				}
			}
			h.veil(bob, in, false)
		}
		h.veil(bob, "circle", true)
		h.wants(ann, ui.Chinese, "/@bob", []string{"in public"}, nil)
	})
}

func TestDiscover(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, bob, eve, hidden := h.account("ann"), h.account("bob"), h.account("eve"), h.account("hidden")
		for _, v := range []who.Viewer{ann, bob, eve, hidden} {
			h.write(v, "public", "x")
		}
		h.account("quiet")
		h.must(h.Relations.Follow(t.Context(), ann, eve.Account))
		h.veil(hidden, "page", true)
		h.wants(ann, ui.Chinese, "/discover", []string{"[hide page]", "[hide circle]", "周末徒步", "@bob", "@quiet", `action="/@quiet/follow"`, `name="back" value="/discover"`, "发现页管理"}, []string{"@ann", "@eve", "@hidden"})
		h.wants(who.Viewer{}, ui.English, "/discover", []string{"@bob", "@eve", "Circles"}, []string{"[hide", "@hidden", "/follow", "Manage entrances"})
		h.must(h.d.Update(t.Context(), func(ctx context.Context) error {
			return h.desk.Hide(ctx, exit.Task{Subject: exit.Account(ann.Account.String()), Choice: "circle"}, true)
		}))
		h.wants(ann, ui.English, "/discover", []string{"[hide page]", "You have hidden 1 entrance."}, []string{"[hide circle]", "周末徒步"})
	})
}

package talk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// house is the rooms up to talk on one database.
type house struct {
	registry *service.Registry
	d        *db.DB
	desk     *service.Desk
	posts    *post.Room
	talks    *talk.Room
}

func eachHouse(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		registry := &service.Registry{Services: []service.Service{{Name: "page"}}}
		h := &house{registry: registry, d: d, desk: service.NewDesk(d, registry)}
		h.posts = post.New(post.Config{DB: d, Desk: h.desk, Registry: registry, NameKey: strings.ToLower})
		h.talks = talk.New(talk.Config{DB: d, Desk: h.desk, Registry: registry, Posts: h.posts, Host: "here.example", Secret: []byte("secret")})
		registry.Kinds = []service.Kind{h.posts.Kind(), h.talks.Kind()}
		if err := h.desk.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		fn(t, h)
	})
}

func (h *house) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := h.d.Writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func (h *house) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := h.d.Reader.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (h *house) person(t *testing.T, name string) who.Viewer {
	t.Helper()
	id := who.RandomID()
	h.exec(t, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $3, 'personal', 'active', 0)`, int64(id), name, strings.ToLower(name))
	if err := h.d.Update(t.Context(), func(ctx context.Context) error {
		_, err := h.desk.NewAccount(ctx, id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return who.Viewer{Account: id, Name: name, State: who.Active}
}

// write stores a public post.
func (h *house) write(t *testing.T, v who.Viewer, text string) who.Ref {
	t.Helper()
	id, err := h.posts.Write(t.Context(), v, post.Draft{Service: post.Page, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return who.Ref{Kind: "post", ID: id}
}

func (h *house) say(t *testing.T, v who.Viewer, ref who.Ref, parent who.ID, text string) who.ID {
	t.Helper()
	id, err := h.talks.Comment(t.Context(), v, ref, talk.Draft{Parent: parent, Text: text})
	if err != nil {
		t.Fatalf("comment: %v", err)
	}
	return id
}

// outline gives threads as text: "a(b c) †(d) …(e)", with † for what is gone and … for what is not to be seen now.
func outline(views []ui.CommentView) string {
	var out []string
	for _, c := range views {
		s := c.Text
		if c.Gone {
			s = "†"
		}
		if c.Veiled {
			s += "…"
		}
		if len(c.Answers) > 0 {
			s += "(" + outline(c.Answers) + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (h *house) threads(t *testing.T, v who.Viewer, ref who.Ref) string {
	t.Helper()
	p, err := h.posts.One(t.Context(), v, ref.ID)
	if err != nil {
		t.Fatal(err)
	}
	views, _, err := h.talks.Comments(t.Context(), v, p.Thing(v), talk.Oldest, "", 20)
	if err != nil {
		t.Fatal(err)
	}
	return outline(views)
}

func TestThreads(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		on := h.write(t, mira, "hello")
		a := h.say(t, jo, on, 0, "a")
		b := h.say(t, mira, on, a, "b")
		h.say(t, kim, on, b, "c")
		d := h.say(t, kim, on, 0, "d")
		if got := h.threads(t, jo, on); got != "a(b c) d" {
			t.Errorf("threads %q", got)
		}
		p, err := h.posts.One(ctx, jo, on.ID)
		if err != nil || p.Comments != 4 {
			t.Errorf("the post counts %d comments, want 4 (%v)", p.Comments, err)
		}
		views, next, err := h.talks.Comments(ctx, jo, p.Thing(jo), talk.Oldest, "", 1)
		if err != nil || outline(views) != "a(b c)" || next != "0-"+a.String() {
			t.Errorf("the first page is %q, next %q, %v", outline(views), next, err)
		}
		if _, err := h.talks.Delete(ctx, kim, a); exit.KindOf(err) != exit.NotFound {
			t.Errorf("somebody else deletes: %v", err)
		}
		if _, err := h.talks.Delete(ctx, jo, a); err != nil {
			t.Fatal(err)
		}
		if got := h.threads(t, jo, on); got != "†(b c) d" {
			t.Errorf("after its author deleted a: %q", got)
		}
		if _, err := h.talks.Delete(ctx, mira, d); err != nil {
			t.Errorf("the owner of the post deletes a comment: %v", err)
		}
		h.say(t, mira, on, h.say(t, kim, on, 0, "e"), "f")
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'veil', 'r', 0)`, int64(kim.Account))
		if got := h.threads(t, jo, on); got != "†(b) …(f)" {
			t.Errorf("with somebody veiled: %q", got)
		}
		if _, err := h.talks.Delete(ctx, mira, b); err != nil {
			t.Fatal(err)
		}
		if n := h.number(t, `select comments from posts`); n != 3 {
			t.Errorf("the post counts %d comments, want the veiled ones too", n)
		}
		for _, test := range []struct {
			ref  who.Ref
			d    talk.Draft
			by   who.Viewer
			kind exit.Kind
		}{
			{on, talk.Draft{Text: "  "}, jo, exit.Invalid},
			{on, talk.Draft{Text: strings.Repeat("长", 2001)}, jo, exit.Invalid},
			{on, talk.Draft{Text: "pay \u202eRUE 0001\u202c"}, jo, exit.Invalid},
			{on, talk.Draft{Text: "hi\u200b\u200c\u200d\u2060\u200bthere"}, jo, exit.Invalid},
			{on, talk.Draft{Text: "\u200b"}, jo, exit.Invalid},
			{on, talk.Draft{Text: "x", Parent: a}, jo, exit.NotFound},
			{who.Ref{Kind: "post", ID: 5}, talk.Draft{Text: "x"}, jo, exit.NotFound},
			{who.Ref{Kind: "song", ID: 5}, talk.Draft{Text: "x"}, jo, exit.NotFound},
			{on, talk.Draft{Text: "x"}, who.Viewer{}, exit.Forbidden},
		} {
			if _, err := h.talks.Comment(ctx, test.by, test.ref, test.d); exit.KindOf(err) != test.kind || err == nil {
				t.Errorf("comment %+v on %s: %v, want %s", test.d, test.ref, err, test.kind)
			}
		}
	})
}

func TestMarks(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, mira, "hello")
		comment := who.Ref{Kind: "comment", ID: h.say(t, mira, on, 0, "a")}
		for range 2 {
			for _, err := range []error{h.talks.Like(ctx, jo, on, false), h.talks.Save(ctx, jo, on), h.talks.Like(ctx, jo, comment, false)} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := h.number(t, `select likes from posts`); n != 1 {
			t.Errorf("the post counts %d likes, want 1", n)
		}
		liked, err := h.talks.Liked(ctx, jo, []who.Ref{on, comment, {Kind: "post", ID: 1}})
		if err != nil || len(liked) != 2 || !liked[on] || !liked[comment] {
			t.Errorf("liked %v, %v", liked, err)
		}
		p, err := h.posts.One(ctx, jo, on.ID)
		if err != nil {
			t.Fatal(err)
		}
		views, err := h.posts.Views(ctx, jo, []post.Post{p})
		if err != nil || !views[0].Like.Liked || !views[0].Saved.Saved || views[0].Like.Count != 1 {
			t.Errorf("view %+v, %v", views, err)
		}
		h.exec(t, `update posts set audience = $1`, string(who.Only(mira.Account)))
		if err := h.talks.Like(ctx, jo, on, false); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a like of what one may not see: %v", err)
		}
		for range 2 {
			if err := h.talks.Unlike(ctx, jo, on); err != nil {
				t.Errorf("taking a like back: %v", err)
			}
		}
		if err := h.talks.Unsave(ctx, jo, on); err != nil {
			t.Fatal(err)
		}
		if n := h.number(t, `select likes + (select count(*) from favourites) from posts`); n != 0 {
			t.Errorf("%d likes and favourites are left", n)
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
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, jo, "hello @mira")
		mine := h.write(t, mira, "my own")
		h.say(t, mira, on, h.say(t, jo, on, 0, "first"), "hi @jo")
		h.say(t, jo, mine, 0, "one @mira")
		h.say(t, jo, mine, 0, "two")
		if err := h.talks.Like(ctx, mira, on, false); err != nil {
			t.Fatal(err)
		}
		export := func(class, part string) []any {
			s := &sink{}
			p, err := h.talks.Holder().Export(ctx, exit.Task{Run: "r", Subject: exit.Account(mira.Account.String()), Class: class, Part: part}, s)
			if err != nil || !p.Done {
				t.Fatalf("export %s: %v", part, err)
			}
			return s.records
		}
		comments, received, likes := export("comments", archive.ClassComments), export("comments", archive.ClassReceived), export("likes", archive.ClassLikes)
		own := comments[0].(archive.Comment)
		if len(comments) != 1 || own.Text != "hi @jo" || own.On.Excerpt != "hello @…" || own.On.URI != "https://here.example/posts/"+on.ID.String() || own.Parent == "" {
			t.Errorf("own comments %+v", comments)
		}
		one, two := received[0].(archive.Comment), received[1].(archive.Comment)
		if len(received) != 2 || one.Author != two.Author || !strings.HasPrefix(one.Author, "someone-") || strings.Contains(fmt.Sprint(received), jo.Account.String()) || strings.Contains(fmt.Sprint(received), mira.Account.String()) {
			t.Errorf("received comments %+v", received)
		}
		for _, class := range []string{"comments", "likes", "mentions"} {
			err := h.d.Update(ctx, func(ctx context.Context) error {
				_, err := h.talks.Holder().Erase(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: class, Manner: exit.Erase, Limit: 100})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if n := h.number(t, `select count(*) from posts where text like '%' || $1 || '%'`, mira.Account.String()); n != 0 {
			t.Errorf("%d texts of others still name the account", n)
		}
		take := func(class, part string, records []any) string {
			intake, err := h.talks.Holder().Import(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: class, Part: part}, records, nil)
			if err != nil {
				t.Fatalf("import %s: %v", part, err)
			}
			var out []exit.Outcome
			err = h.d.Update(ctx, func(ctx context.Context) error {
				out, err = intake(ctx)
				return err
			})
			if err != nil {
				t.Fatalf("import %s: %v", part, err)
			}
			var results []string
			for _, o := range out {
				results = append(results, o.Result)
			}
			return strings.Join(results, " ")
		}
		lost := archive.Like{On: archive.Reference{Kind: "post", ID: "5"}}
		for _, want := range []string{"taken skipped skipped taken skipped", "duplicate skipped skipped duplicate skipped"} {
			got := take("comments", archive.ClassComments, comments) + " " + take("comments", archive.ClassReceived, received) + " " + take("likes", archive.ClassLikes, append(slices.Clone(likes), lost))
			if got != want {
				t.Errorf("coming back gives %q, want %q", got, want)
			}
		}
		if got := h.threads(t, jo, on); got != "first(hi @jo)" {
			t.Errorf("threads after coming back: %q", got)
		}
		if n := h.number(t, `select likes * 10 + comments from posts where id = $1`, int64(on.ID)); n != 12 {
			t.Errorf("likes and comments are counted as %d, want 12", n)
		}
	})
}

// serve answers one request through the room's routes, as the server would.
func serve(t *testing.T, routes []service.Route, v who.Viewer, lang ui.Lang, method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, r := range routes {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) { failed = r.Handle(w, req) })
	}
	req := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	ctx := ui.WithReader(req.Context(), ui.Reader{Lang: lang, Now: dbtest.Start})
	req = req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, DisplayName: v.Name, Path: path}))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	if failed != nil {
		t.Fatalf("%s %s: %v", method, path, failed)
	}
	return w
}

func TestPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, mira, "hello")
		routes := append(h.talks.Routes(), h.posts.Routes()...)
		at := "/talk/post/" + on.ID.String()
		w := serve(t, routes, jo, ui.English, "POST", at+"/comments", url.Values{"text": {"nice <b>"}})
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/posts/"+on.ID.String()+"#comment-") {
			t.Errorf("a comment leads to %q (%d)", to, w.Code)
		}
		if w = serve(t, routes, jo, ui.English, "POST", at+"/comments", url.Values{"text": {strings.Repeat("y", 2001)}}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "yyy") || !strings.Contains(w.Body.String(), "at most 2,000") {
			t.Errorf("a comment that is too long: %d %s", w.Code, w.Body)
		}
		if w = serve(t, routes, jo, ui.English, "POST", at+"/like", url.Values{"on": {"1"}, "back": {"//evil.example"}}); w.Header().Get("Location") != "/" {
			t.Errorf("a like leads to %q", w.Header().Get("Location"))
		}
		for lang, words := range map[ui.Lang][]string{ui.Chinese: {"写评论", "nice &lt;b&gt;", "我赞过的"}, ui.English: {"Write a comment", "nice &lt;b&gt;", "What I liked"}} {
			page := serve(t, routes, jo, lang, "GET", "/posts/"+on.ID.String(), nil).Body.String() + serve(t, routes, jo, lang, "GET", "/me/likes", nil).Body.String()
			for _, word := range words {
				if !strings.Contains(page, word) {
					t.Errorf("%s: the pages lack %q", lang, word)
				}
			}
			if strings.Contains(page, "talk.") || strings.Contains(page, "post.") {
				t.Errorf("%s: a key is shown instead of its sentence", lang)
			}
		}
		guest := serve(t, routes, who.Viewer{}, ui.English, "GET", "/posts/"+on.ID.String(), nil).Body.String()
		if !strings.Contains(guest, "Sign in to comment") || strings.Contains(guest, "/talk/post/") {
			t.Error("a guest is shown what only members can do")
		}
		id := who.ID(h.number(t, `select id from comments`))
		h.say(t, mira, on, id, "an answer")
		del := "/talk/comments/" + id.String() + "/delete"
		w = serve(t, routes, jo, ui.English, "GET", del+"?back=/circles/7", nil)
		for _, word := range []string{"nice &lt;b&gt;", "cannot be brought back", "Others’ answers", `action="` + del + `"`, `value="/circles/7"`, `href="/circles/7"`} {
			if !strings.Contains(w.Body.String(), word) {
				t.Errorf("the page before deleting lacks %q", word)
			}
		}
		if w = serve(t, routes, jo, ui.English, "GET", del+"?back=//evil.example", nil); strings.Contains(w.Body.String(), `="//evil`) {
			t.Error("the page before deleting leads elsewhere")
		}
		if n := h.number(t, `select count(*) from comments where state = 'live'`); n != 2 {
			t.Errorf("%d comments after looking at the page before deleting", n)
		}
		serve(t, routes, jo, ui.English, "POST", at+"/like", url.Values{"on": {"0"}})
		if n := h.number(t, `select likes from posts`); n != 0 {
			t.Errorf("%d likes after taking the like back", n)
		}
	})
}

package circle_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// house is the circle room with the rooms beneath it, on a database of its own.
type house struct {
	*circle.Room
	t        *testing.T
	d        *db.DB
	desk     *service.Desk
	posts    *post.Room
	holder   *circle.Holder
	blobs    *blob.Store
	notices  *notify.Room
	index    *search.Room
	queue    *job.Queue
	talks    *talk.Room
	registry *service.Registry
}

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	registry := &service.Registry{Services: []service.Service{{Name: post.Page, Path: "/", Icon: "house", Title: "page.service"}, circle.Service}}
	desk := service.NewDesk(d, registry)
	if err := desk.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	relations := relation.New(relation.Config{DB: d, Desk: desk, NameKey: strings.ToLower})
	blobs, err := blob.Open(t.Context(), t.TempDir(), d, d.Clock, post.Page, circle.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	index := search.New(search.Config{DB: d, Desk: desk, Registry: registry})
	posts := post.New(post.Config{DB: d, Desk: desk, Registry: registry, Blobs: blobs, NameKey: strings.ToLower, Search: index})
	queue := job.New(d, d.Clock)
	notices := notify.New(notify.Config{DB: d, Desk: desk, Registry: registry, Queue: queue})
	r := circle.New(circle.Config{DB: d, Desk: desk, Relations: relations, Posts: posts, Blobs: blobs, Notices: notices, Search: index, Secret: []byte("secret")})
	posts.Places = r
	registry.Kinds = []service.Kind{posts.Kind(), posts.TopicKind(), r.Kind(), r.NoticeKind()}
	index.Sources = []search.Source{r.Source(), posts.Source()}
	return &house{Room: r, t: t, d: d, desk: desk, posts: posts, holder: r.Holder(), blobs: blobs, notices: notices, index: index, queue: queue, registry: registry, talks: talk.New(talk.Config{DB: d, Desk: desk, Registry: registry, Posts: posts, Secret: []byte("secret")})}
}

// each runs fn with a fresh house on each database.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, open(t, d)) })
}

// account makes an account and gives it as a viewer.
func (h *house) account(name string) who.Viewer {
	h.t.Helper()
	id := who.RandomID()
	err := h.d.Update(h.t.Context(), func(ctx context.Context) error {
		if _, err := h.d.Exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $3, 'personal', 'active', 0)`, int64(id), name, strings.ToLower(name)); err != nil {
			return err
		}
		_, err := h.desk.NewAccount(ctx, id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return who.Viewer{Account: id, Person: 1, Name: name, State: who.Active}
}

// circle makes a circle of an owner.
func (h *house) circle(owner who.Viewer, name string, mode circle.JoinMode) who.ID {
	h.t.Helper()
	id, err := h.Create(h.t.Context(), owner, circle.Draft{Name: name, Intro: "关于" + name, Mode: mode})
	if err != nil {
		h.t.Fatalf("create circle: %v", err)
	}
	return id
}

func (h *house) joined(v who.Viewer, id who.ID) {
	h.t.Helper()
	if s, err := h.Join(h.t.Context(), v, id); err != nil || s != circle.Active {
		h.t.Fatalf("join: state %q, error %v", s, err)
	}
}

// must fails the test on an error.
func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refused wants an error of a kind and with a key.
func (h *house) refused(err error, kind exit.Kind, key string) {
	h.t.Helper()
	if err == nil || exit.KindOf(err) != kind || !strings.Contains(err.Error(), key) {
		h.t.Errorf("got %v, want %v with %s", err, kind, key)
	}
}

// members gives a circle's counter, its active rows and its state.
func (h *house) numbers(id who.ID) (counter, rows int64, state string) {
	h.t.Helper()
	h.must(h.d.Reader.QueryRowContext(h.t.Context(), `select members, state, (select count(*) from circle_members m where m.circle_id = c.id and m.state = 'active') from circles c where c.id = $1`,
		int64(id)).Scan(&counter, &state, &rows))
	return counter, rows, state
}

func (h *house) wantMembers(id who.ID, want int64) {
	h.t.Helper()
	if counter, rows, _ := h.numbers(id); counter != want || rows != want {
		h.t.Errorf("the circle counts %d members and has %d, want %d", counter, rows, want)
	}
}

// works does all jobs that are due.
func (h *house) works() {
	h.t.Helper()
	for {
		n, err := h.queue.Work(h.t.Context(), 10)
		h.must(err)
		if n == 0 {
			return
		}
	}
}

// moderated adds the room of order, which answers for the circles of this one.
func (h *house) moderated() {
	h.t.Helper()
	h.registry.Moderates = h.Moderates
	h.Bans = moderate.New(moderate.Config{DB: h.d, Desk: h.desk, Registry: h.registry, Notices: h.notices, Posts: h.posts, Talks: h.talks, Relations: h.Relations, NameKey: strings.ToLower, Secret: []byte("secret")})
	h.Bans.Places = h.Order()
	h.Bans.Guard()
}

// kicks takes a member out of a circle, with a reason.
func (h *house) kicks(ctx context.Context, v who.Viewer, id, account who.ID) error {
	return h.Bans.Lay(ctx, v, moderate.Place{Service: circle.Name, ID: id}, account, moderate.Order{What: moderate.Kick, Rule: "abuse", Words: "calm down"})
}

// task is a step of a closing of an account.
func (h *house) task(v who.Viewer, in, class, choice string) exit.Task {
	return exit.Task{Run: "run1", Subject: exit.Account(v.Account.String()).Within(in), Class: class, Manner: exit.Erase, Limit: 100, Choice: choice, Now: dbtest.Start}
}

func (h *house) inTx(fn func(ctx context.Context) error) error { return h.d.Update(h.t.Context(), fn) }

// leaves does all that a closing does to the room's data of an account.
func (h *house) leaves(v who.Viewer, in string) {
	h.t.Helper()
	for _, class := range []string{"members", "invites", "offers", "notices", "circles"} {
		h.must(h.inTx(func(ctx context.Context) error {
			p, err := h.holder.Erase(ctx, h.task(v, in, class, ""))
			if err == nil && !p.Done {
				h.t.Errorf("%s is not done after 100 rows", class)
			}
			return err
		}))
	}
}

// visit asks the room's pages, as a viewer in a language. A form is posted where there is one.
func (h *house) visit(v who.Viewer, lang ui.Lang, method, path string, form url.Values) (status int, body, to string) {
	h.t.Helper()
	mux := http.NewServeMux()
	var failed error
	routes := append(h.Routes(), h.index.Routes()...)
	if h.Bans != nil {
		routes = append(routes, h.Bans.Routes()...)
	}
	for _, rt := range routes {
		mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, r *http.Request) { failed = rt.Handle(w, r) })
	}
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	ctx := ui.WithReader(r.Context(), ui.Reader{Lang: lang, Now: dbtest.Start})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, DisplayName: v.Name, Path: path})))
	if failed != nil {
		return -int(exit.KindOf(failed)), failed.Error(), ""
	}
	return w.Code, w.Body.String(), w.Header().Get("Location")
}

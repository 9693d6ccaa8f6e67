package leave_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/leave"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
	"exeunt/ledger"
	"exeunt/policies"
)

const password = "correct horse"

// house is the Exit Center with the rooms beneath it, on a database of its own.
type house struct {
	*leave.Room
	t       *testing.T
	posts   *post.Room
	circles *circle.Room
	mux     *http.ServeMux
	lang    ui.Lang
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, open(t, d)) })
}

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	h := &house{t: t, lang: ui.Chinese}
	h.must(d.MakeTrial(ctx, dbtest.Start))
	policy, err := exit.ParsePolicy(policies.Default())
	h.must(err)
	blobs, err := blob.Open(ctx, filepath.Join(dir, "media"), d, d.Clock)
	h.must(err)
	outside, err := leave.OpenOutside(ctx, filepath.Join(dir, "outside"))
	h.must(err)
	t.Cleanup(func() { h.must(errors.Join(blobs.Close(), outside.Close())) })
	key, err := ledger.LoadOrCreateKey(filepath.Join(dir, "key"), "exeunt")
	h.must(err)
	secret, err := account.InstallSecret(ctx, d)
	h.must(err)
	registry := &service.Registry{Services: []service.Service{{Name: post.Page, Path: "/", Icon: "house", Title: "page.service"}, circle.Service, channel.Service}}
	desk := service.NewDesk(d, registry)
	h.Room = &leave.Room{DB: d, Desk: desk, Registry: registry, Blobs: blobs, Policy: policy, Key: key, Outside: outside, Log: slog.New(slog.DiscardHandler), Host: "exeunt.test", Spool: dir}
	h.Queue = job.New(d, d.Clock)
	h.Notices = notify.New(notify.Config{DB: d, Desk: desk, Registry: registry, Queue: h.Queue, Secret: secret})
	h.Accounts = account.New(account.Config{DB: d, Desk: desk, Blobs: blobs, Secret: secret, Slip: h.OpenSlip, Hash: account.HashCost{KiB: 64, Passes: 1}})
	relations := relation.New(relation.Config{DB: d, Desk: desk, NameKey: account.NameKey})
	h.posts = post.New(post.Config{DB: d, Desk: desk, Registry: registry, Blobs: blobs, NameKey: account.NameKey})
	talks := talk.New(talk.Config{DB: d, Desk: desk, Registry: registry, Posts: h.posts, Secret: secret})
	h.circles = circle.New(circle.Config{DB: d, Desk: desk, Relations: relations, Posts: h.posts})
	h.posts.Places = h.circles
	registry.Kinds = []service.Kind{h.posts.Kind(), h.circles.Kind()}
	channels, uploads := channel.New(channel.Config{DB: d, Desk: desk, Blobs: blobs, Posts: h.posts}), upload.New(upload.Config{DB: d, Desk: desk, Blobs: blobs})
	h.Engine = &exit.Engine{
		Store: d.Runs, Policy: policy, Now: d.Now, Machine: d.Clock.Now, Tries: 1,
		Holders: []exit.Holder{desk, h.Notices.Holder(), h.Accounts, relations.Holder(), h.posts.Holder(), talks.Holder(), h.circles.Holder(), channels.Holder(), uploads.Holder(), h.Room, h.Queue, blobs},
	}
	h.Begin()
	h.must(desk.Announce(ctx))
	h.mux = http.NewServeMux()
	for _, r := range h.Routes() {
		h.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) { h.serve(w, req, r) })
	}
	return h
}

// serve answers as the server does: access first, then the handler, errors by their kind.
func (h *house) serve(w http.ResponseWriter, r *http.Request, rt service.Route) {
	v := service.ViewerOf(r.Context())
	var err error
	switch {
	case rt.Access != service.Anyone && v.Guest():
		err = exit.Fail(exit.Unauthenticated, "error.sign_in")
	case rt.Access == service.Operator && !v.Operator:
		err = exit.Fail(exit.NotFound, "error.not_found")
	case rt.Access == service.Member && (v.State == who.Closing || v.State == who.Closed):
		err = exit.Fail(exit.Forbidden, "led to the Exit Center")
	default:
		err = rt.Handle(w, r)
	}
	if err == nil {
		return
	}
	status := map[exit.Kind]int{exit.Invalid: 422, exit.NotFound: 404, exit.Conflict: 409, exit.Forbidden: 403, exit.Unauthenticated: 401, exit.TooMany: 429, exit.Unavailable: 503}[exit.KindOf(err)]
	if status == 0 {
		h.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		status = 500
	}
	http.Error(w, err.Error(), status)
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// person is somebody with an account.
type person struct {
	account.Created
	name     string
	operator bool
}

func (h *house) signUp(name string) person {
	h.t.Helper()
	c, err := h.Accounts.SignUp(h.t.Context(), account.NewPerson{Name: name, Password: password})
	h.must(err)
	return person{Created: c, name: name}
}

func (h *house) viewer(p person) who.Viewer {
	h.t.Helper()
	a, err := h.Accounts.Account(h.t.Context(), p.Account)
	h.must(err)
	return who.Viewer{Person: p.Person, Account: p.Account, Name: p.name, State: a.State, Operator: p.operator}
}

// context is that of a request of somebody; of a guest without an account.
func (h *house) context(p person) context.Context {
	h.t.Helper()
	now, err := h.DB.Now(h.t.Context())
	h.must(err)
	ctx := ui.WithReader(h.t.Context(), ui.Reader{Lang: h.lang, Zone: h.Policy.Zone, Now: now})
	s := &service.Session{Path: "/discover"}
	if p.Account != 0 {
		s.Viewer = h.viewer(p)
	}
	return service.WithSession(ctx, s)
}

// send answers a request of somebody and wants its status.
func (h *house) send(p person, status int, r *http.Request) *httptest.ResponseRecorder {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r.WithContext(h.context(p)))
	if w.Code != status {
		h.t.Fatalf("%s %s: status %d, want %d: %s", r.Method, r.URL, w.Code, status, w.Body)
	}
	return w
}

func (h *house) get(p person, status int, path string) string {
	h.t.Helper()
	return h.send(p, status, httptest.NewRequest(http.MethodGet, path, nil)).Body.String()
}

func (h *house) post(p person, status int, path string, form url.Values) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.send(p, status, r)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// formOf reads the hidden fields of the form of a page that posts to an action.
func (h *house) formOf(page, action string) url.Values {
	h.t.Helper()
	_, rest, ok := strings.Cut(page, `method="post" action="`+action+`"`)
	if !ok {
		h.t.Fatalf("no form for %s in %s", action, page)
	}
	rest, _, _ = strings.Cut(rest, "</form>")
	out := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(rest, -1) {
		out.Set(m[1], strings.NewReplacer("&#10;", "\n", "&#34;", `"`, "&#39;", "'", "&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(m[2]))
	}
	return out
}

// has wants words on a page, hasNot wants none of them.
func (h *house) has(page string, words ...string) {
	h.t.Helper()
	for _, w := range words {
		if !strings.Contains(page, w) {
			h.t.Errorf("%q is missing in %s", w, page)
		}
	}
}

func (h *house) hasNot(page string, words ...string) {
	h.t.Helper()
	for _, w := range words {
		if strings.Contains(page, w) {
			h.t.Errorf("%q is in %s", w, page)
		}
	}
}

// settle does what is due now.
func (h *house) settle() {
	h.t.Helper()
	for {
		steps, err := h.Engine.Work(h.t.Context(), 50)
		h.must(err)
		jobs, err := h.Queue.Work(h.t.Context(), 50)
		h.must(err)
		if steps+jobs == 0 {
			return
		}
	}
}

// travel moves the promise clock from due date to due date.
func (h *house) travel(by time.Duration) {
	h.t.Helper()
	now, err := h.DB.Now(h.t.Context())
	h.must(err)
	end := now.Add(by)
	for {
		h.settle()
		next, ok, err := h.DB.Runs.Next(h.t.Context())
		h.must(err)
		if !ok || next.After(end) {
			break
		}
		if now, err = h.DB.Now(h.t.Context()); err != nil || !next.After(now) {
			h.must(err)
			break
		}
		h.must(h.DB.Move(h.t.Context(), next))
	}
	now, err = h.DB.Now(h.t.Context())
	h.must(err)
	if end.After(now) {
		h.must(h.DB.Move(h.t.Context(), end))
	}
	h.settle()
}

const day = 24 * time.Hour

// close closes an account, or a part of it, through its pages, and gives the slip's path.
func (h *house) close(p person, in string) string {
	h.t.Helper()
	path := "/exit/close"
	if in != "" {
		path += "?in=" + in
	}
	form := h.formOf(h.get(p, 200, path), "/exit/close")
	form.Set("consent", "1")
	form.Set("proof", password)
	return h.slipOf(h.post(p, 200, "/exit/close", form).Body.String())
}

var slipPath = regexp.MustCompile(`http://example.com(/slip/[A-Za-z0-9_-]{22})"`)

func (h *house) slipOf(page string) string {
	h.t.Helper()
	m := slipPath.FindStringSubmatch(page)
	if m == nil {
		h.t.Fatalf("no slip on %s", page)
	}
	return m[1]
}

// openRun gives the open run of a journey of an account.
func (h *house) openRun(p person, j exit.Journey) exit.Run {
	h.t.Helper()
	open, err := h.DB.Runs.Open(h.t.Context(), leave.SubjectOf(p.Account, ""))
	h.must(err)
	for _, o := range open {
		if o.Run.Journey == j {
			return o.Run
		}
	}
	h.t.Fatalf("no open %s", j)
	return exit.Run{}
}

func (h *house) state(p person, want who.State) {
	h.t.Helper()
	if got := h.viewer(p).State; got != want {
		h.t.Errorf("the account is %s, want %s", got, want)
	}
}

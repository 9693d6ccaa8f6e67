// Package server is the house put together: it wires the rooms, runs the workers and answers
// requests.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// statuses is the one table that turns kinds of errors into HTTP.
var statuses = map[exit.Kind]int{
	exit.Internal:        http.StatusInternalServerError,
	exit.Invalid:         http.StatusUnprocessableEntity,
	exit.NotFound:        http.StatusNotFound,
	exit.Conflict:        http.StatusConflict,
	exit.Forbidden:       http.StatusForbidden,
	exit.Unauthenticated: http.StatusUnauthorized,
	exit.TooMany:         http.StatusTooManyRequests,
	exit.Unavailable:     http.StatusServiceUnavailable,
}

// plainBody bounds a request's body where the route takes no upload.
const plainBody = 1 << 20

// Visit is what the session room knows of a request: the session and how to write for its reader.
type Visit struct {
	Session *service.Session
	Lang    ui.Lang // "" follows the browser
	Theme   ui.Theme
	Zone    *time.Location
}

// web answers requests.
type web struct {
	log     *slog.Logger
	now     func(ctx context.Context) (time.Time, error)
	visit   func(w http.ResponseWriter, r *http.Request) (Visit, error)
	trial   func(ctx context.Context, now time.Time) *ui.TrialBar // nil: not a trial install
	zone    *time.Location                                        // the policy's
	site    func(ctx context.Context) (ui.Site, error)
	meter   *meter
	host    string // where people reach the install; "": what requests call it
	secure  bool   // behind TLS
	origins *http.CrossOriginProtection
	guests  *guestPages
	ends    ends
	bid     func(w http.ResponseWriter, r *http.Request) error // answers for what its owner has left; NotFound where nothing was left to be read
}

// handler builds the tree of routes.
func (s *web) handler(routes []service.Route) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+ui.AssetsPath, ui.Assets())
	mux.Handle("POST "+ui.PreferencesPath, s.secured(ui.Preferences(false)))
	for _, r := range routes {
		mux.Handle(strings.Replace(r.Pattern, " /@{", " /@/{", 1), s.secured(s.route(r)))
	}
	mux.Handle("/", s.secured(s.route(service.Route{Pattern: "other", Access: service.Anyone, Handle: func(http.ResponseWriter, *http.Request) error {
		return exit.Fail(exit.NotFound, "error.not_found")
	}})))
	return atNames(mux)
}

// atNames leads "/@name" to the routes "/@/{name}": a pattern's wildcard must be a whole segment.
func atNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, ok := strings.CutPrefix(r.URL.Path, "/@"); ok && name != "" && name[0] != '/' {
			u := *r.URL
			u.Path, u.RawPath = "/@/"+name, ""
			r2 := *r
			r2.URL = &u
			r = &r2
		}
		next.ServeHTTP(w, r)
	})
}

// secured sets the headers that every page has, and refuses posts from elsewhere.
func (s *web) secured(next http.Handler) http.Handler {
	next = s.origins.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", ui.ContentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "private, no-cache")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// route answers one route: it reads the session, asks the access, runs the handler, and turns
// what failed into a page.
func (s *web) route(rt service.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now() //nolint:forbidigo // the access log's duration is the machine's own
		rec := &recorder{ResponseWriter: w}
		if !rt.Upload && r.Body != nil {
			r.Body = http.MaxBytesReader(rec, r.Body, plainBody)
		}
		if key, ok := s.guestKey(rt.Pattern, r); ok {
			s.guests.serve(rec, r, key, func(w http.ResponseWriter) { s.answer(&recorder{ResponseWriter: w}, r, rt) })
		} else {
			s.answer(rec, r, rt)
		}
		took := time.Since(began) //nolint:forbidigo // as above
		s.meter.count(rt.Pattern, rec.status, took)
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("route", rt.Pattern), slog.Int("status", rec.status), slog.Duration("took", took))
	})
}

// answer draws what a route answers, or says what failed.
func (s *web) answer(rec *recorder, r *http.Request, rt service.Route) {
	ctx, err := s.enter(rec, r)
	r = r.WithContext(ctx)
	answered := false
	if err == nil {
		answered, err = s.meet(rec, r, rt)
	}
	if err == nil && !answered {
		err = s.serve(rec, r, rt)
	}
	if err != nil {
		s.fail(rec, r, rt.Pattern, err)
	}
}

// enter puts session and reader into the request's context.
func (s *web) enter(w http.ResponseWriter, r *http.Request) (context.Context, error) {
	reader := ui.Reader{Lang: ui.ChooseLang(r, ""), Theme: ui.ChooseTheme(r, ""), Zone: s.zone}
	ctx := ui.WithReader(r.Context(), reader)
	var err error
	if reader.Site, err = s.site(ctx); err != nil {
		return ctx, err
	}
	reader.Site.Base = s.base(r)
	ctx = ui.WithReader(ctx, reader)
	v, err := s.visit(w, r)
	if err != nil {
		return ctx, err
	}
	if reader.Now = v.Session.Now; reader.Now.IsZero() {
		if reader.Now, err = s.now(ctx); err != nil {
			return ctx, err
		}
	}
	reader.Lang, reader.Theme = ui.ChooseLang(r, v.Lang), ui.ChooseTheme(r, v.Theme)
	if v.Zone != nil {
		reader.Zone = v.Zone
	}
	ctx = ui.WithReader(ctx, reader)
	if s.ends.list != nil {
		if v.Session.Endings, err = s.ends.list(ctx); err != nil {
			return ctx, err
		}
	}
	v.Session.Path = r.RequestURI
	v.Session.Flash = service.TakeFlash(w, r.WithContext(ctx))
	if s.trial != nil {
		v.Session.Trial = s.trial(ctx, reader.Now)
	}
	return service.WithSession(ctx, v.Session), nil
}

// base gives the address of the install, for links that leave it: the host it was told, or that of the request.
func (s *web) base(r *http.Request) string {
	host := s.host
	if host == "" {
		if host = r.Host; !hostName.MatchString(host) {
			return ""
		}
	}
	if s.secure {
		return "https://" + host
	}
	return "http://" + host
}

// hostName is what a request may call the install: a name or an address, with a port or without.
var hostName = regexp.MustCompile(`^(\[[0-9a-fA-F:.]{2,45}\]|[0-9A-Za-z.-]{1,253})(:[0-9]{1,5})?$`)

// serve asks the route's access and runs its handler; a panic is an internal error.
func (s *web) serve(w *recorder, r *http.Request, rt service.Route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // the sentinel itself is panicked
				panic(p)
			}
			err = errors.Join(errors.New("panic in "+rt.Pattern), asError(p))
		}
	}()
	v := service.ViewerOf(r.Context())
	switch {
	case rt.Access != service.Anyone && v.Guest():
		if r.Method != http.MethodGet || asksJSON(r) {
			return exit.Fail(exit.Unauthenticated, "error.sign_in")
		}
		http.Redirect(w, r, ui.SignInPath, http.StatusSeeOther)
		return nil
	case rt.Access == service.Operator && !v.Operator:
		return exit.Fail(exit.NotFound, "error.not_found")
	case leadsToExit(rt, v):
		http.Redirect(w, r, ui.ExitPath, http.StatusSeeOther)
		return nil
	}
	return rt.Handle(w, r)
}

// leadsToExit reports whether the viewer's account is leaving and the route is not of those that
// stay open: signing in works then, and leads only to the Exit Center.
func leadsToExit(rt service.Route, v who.Viewer) bool {
	leaving := v.State == who.Closing || v.State == who.Closed
	if !leaving || rt.Access == service.Leaving || v.Operator && rt.Access == service.Operator {
		return false
	}
	return rt.Access == service.Member || rt.Pattern == "GET /{$}"
}

func asError(p any) error {
	if err, ok := p.(error); ok {
		return err
	}
	return errors.New(slog.AnyValue(p).String())
}

// fail turns an error into a page. What nobody has classified is logged in full with a short id
// and shown as that id only.
func (s *web) fail(w *recorder, r *http.Request, pattern string, err error) {
	ctx := r.Context()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return // whoever asked is gone
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		err = exit.Fail(exit.Invalid, "error.too_large")
	}
	if exit.KindOf(err) == exit.NotFound && w.status == 0 {
		bid := s.bid(w, r)
		if exit.KindOf(bid) == exit.NotFound {
			bid = s.missed(w, r, pattern)
		}
		if bid == nil {
			return
		}
		if exit.KindOf(bid) != exit.NotFound {
			err = bid
		}
	}
	if e := over(ctx, err); e != nil && w.status == 0 {
		if err = s.ends.ended(w, r, *e, where{known: true}); err == nil {
			return
		}
	}
	kind := exit.KindOf(err)
	view := ui.ErrorView{Status: statuses[kind]}
	var e *exit.Error
	if kind == exit.Internal {
		view.ID = strings.ToLower(rand.Text()[:8])
		s.log.ErrorContext(ctx, "internal error", "id", view.ID, "route", pattern, "err", err)
	} else if errors.As(err, &e) {
		view.Sentence = service.Sentence(ctx, e)
	}
	if w.status != 0 {
		return // part of an answer is out: a download that broke off
	}
	show := func() error { return ui.RenderError(w, r, service.Frame(ctx, ""), view) }
	if asksJSON(r) {
		show = func() error { return problemOf(ctx, err, view).show(w, r) }
	}
	if err := show(); err != nil && ctx.Err() == nil { // else whoever asked is gone
		s.log.ErrorContext(ctx, "error page failed", "route", pattern, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// problemOf gives what machines are told of an error.
func problemOf(ctx context.Context, err error, v ui.ErrorView) problem {
	p := problem{Type: "about:blank", Status: v.Status, ID: v.ID}
	p.Title, p.Detail = v.Words(ctx)
	if e := service.SessionOf(ctx).Here; e != nil && service.ReadOnly(err) {
		p.Type = ui.Absolute(ctx, service.NoticePath(e.Name))
	}
	return p
}

// recorder notes the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

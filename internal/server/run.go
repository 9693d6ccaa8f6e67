package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"exeunt/internal/blob"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Handler gives the answers to requests.
func (h *House) Handler() http.Handler {
	s := &web{log: h.Options.Log, now: h.DB.Now, visit: h.visit, zone: h.Policy.Zone, site: h.install.Site, meter: h.meter, host: h.Options.Host, secure: h.Options.Secure, origins: http.NewCrossOriginProtection(), guests: newGuestPages(h.DB.State, h.Options.Clock.Now), bid: h.bid, ends: h.endings()}
	if h.DB.Trial() {
		s.trial = h.trialBar
	}
	return s.handler(h.Routes())
}

// Routes gives every page and every form's target of the house.
func (h *House) Routes() []service.Route {
	var routes []service.Route
	for _, r := range h.rooms {
		for _, rt := range r.Routes() {
			rt.Service = h.belongsTo(r, rt)
			routes = append(routes, rt)
		}
	}
	routes = append(routes, service.Route{Pattern: "GET /media/{key...}", Access: service.Anyone, Handle: h.Blobs.Handler(h.mayMedia)})
	routes = append(routes, service.Route{Pattern: "GET " + ui.ManifestPath, Handle: ui.Manifest})
	routes = append(routes, h.observing()...)
	if h.DB.Trial() {
		routes = append(routes, h.trialRoutes()...)
	}
	return routes
}

// visit reads the session that a request's cookie names.
func (h *House) visit(w http.ResponseWriter, r *http.Request) (Visit, error) {
	v := Visit{Session: &service.Session{}}
	s, err := h.Accounts.Lookup(r.Context(), h.Accounts.Token(r))
	if err != nil {
		return v, err
	}
	if s == nil {
		v.Session.Entrances, err = h.Desk.Entrances(r.Context(), 0)
		return v, err
	}
	h.Accounts.Renew(w, r, s)
	if !strings.HasPrefix(r.URL.Path, "/media/") { // a file has no bell
		if s.Unread, err = h.notices.Unread(r.Context(), s.Viewer.Account); err != nil {
			return v, err
		}
	}
	v.Session, v.Theme = s, ui.ParseTheme(s.Theme)
	if lang, ok := ui.ParseLang(s.Language); ok {
		v.Lang = lang
	}
	if s.Zone != "" {
		if zone, err := time.LoadLocation(s.Zone); err == nil {
			v.Zone = zone
		}
	}
	return v, nil
}

// Serve answers requests at the listener and works on what is due until ctx ends; then it ends
// requests and workers in order.
func (h *House) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: h.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(h.Options.Log.Handler(), slog.LevelWarn),
	}
	h.notices.NoMail()
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { h.work(work) })
	wg.Go(func() { h.Queue.Run(work, 2) })
	wg.Go(func() { h.Blobs.Run(work) })
	wg.Go(func() { h.every(work, 10*time.Minute, h.sweepOnce) })
	wg.Go(func() { h.every(work, time.Minute, h.expire) })
	wg.Go(func() { h.notices.Run(work) })
	srv.RegisterOnShutdown(h.notices.Close) // open event streams would keep it waiting
	srv.RegisterOnShutdown(h.uploads.Close) // as would slow uploads
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		err = srv.Shutdown(last)
	}
	stop()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// work has due steps done. A step that fails is put down at the step; what is logged here is that
// the database could not be asked, which the next look tries again.
func (h *House) work(ctx context.Context) {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			for {
				n, err := h.Engine.Work(ctx, 1)
				if err != nil && ctx.Err() == nil {
					h.Options.Log.ErrorContext(ctx, "worker", "err", err)
				}
				if n > 0 && err == nil {
					continue
				}
				select {
				case <-ctx.Done():
					return
				case <-h.wake:
				case <-tick.C:
				}
			}
		})
	}
	wg.Wait()
}

// Wake has the workers look for due steps at once.
func (h *House) Wake() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// every calls a sweep at once and then at an interval, until ctx ends.
func (h *House) every(ctx context.Context, interval time.Duration, sweep func(context.Context) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := sweep(ctx); err != nil && ctx.Err() == nil {
			h.Options.Log.ErrorContext(ctx, "sweep", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// expire ends mutes, sanctions and the like whose date has come.
func (h *House) expire(ctx context.Context) error {
	if err := all(ctx, h.relations.Sweep); err != nil {
		return fmt.Errorf("sweep mutes: %w", err)
	}
	if err := all(ctx, h.order.Sweep); err != nil {
		return fmt.Errorf("sweep sanctions: %w", err)
	}
	if err := all(ctx, h.circles.Sweep); err != nil {
		return fmt.Errorf("sweep notices of circles: %w", err)
	}
	if err := all(ctx, h.channels.Sweep); err != nil {
		return fmt.Errorf("publish scheduled videos: %w", err)
	}
	if err := all(ctx, h.channels.SweepFarewells); err != nil {
		return fmt.Errorf("sweep farewells: %w", err)
	}
	if err := all(ctx, h.circles.SweepFarewells); err != nil {
		return fmt.Errorf("sweep farewells of circles: %w", err)
	}
	return nil
}

// sweepOnce forgets what has come to its end.
func (h *House) sweepOnce(ctx context.Context) error {
	if err := h.Leave.Sweep(ctx); err != nil {
		return fmt.Errorf("sweep the Exit Center: %w", err)
	}
	if err := all(ctx, h.notices.Sweep); err != nil {
		return fmt.Errorf("sweep notices: %w", err)
	}
	if err := all(ctx, h.sunsets.Sweep); err != nil {
		return fmt.Errorf("sweep links to archives: %w", err)
	}
	if err := all(ctx, h.channels.SweepViews); err != nil {
		return fmt.Errorf("sweep views: %w", err)
	}
	if err := all(ctx, h.channels.SweepSpool); err != nil {
		return fmt.Errorf("sweep the spool: %w", err)
	}
	if err := all(ctx, h.Accounts.Sweep); err != nil {
		return fmt.Errorf("sweep accounts: %w", err)
	}
	if err := all(ctx, h.uploads.Sweep); err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	if err := h.sunsets.WarnOperators(ctx); err != nil {
		return fmt.Errorf("tell operators of endings: %w", err)
	}
	return nil
}

// all sweeps in batches until nothing is left that has had its time.
func all(ctx context.Context, sweep func(ctx context.Context, limit int) (int64, error)) error {
	const batch = 500
	for {
		if n, err := sweep(ctx, batch); err != nil || n < batch {
			return err
		}
	}
}

// mayMedia answers who may see a blob: the room whose file it is says so.
func (h *House) mayMedia(ctx context.Context, key string) (blob.Access, error) {
	k, ok := blob.ParseKey(key)
	if !ok {
		return blob.Denied, nil
	}
	v := service.ViewerOf(ctx)
	switch k.Folder {
	case blob.Posts:
		may, public, _, err := h.posts.MayMedia(ctx, v, key)
		return access(may, public), err
	case blob.Circles:
		may, public, err := h.circles.MayMedia(ctx, v, k.Account, key)
		return access(may, public), err
	case blob.Channels, blob.Videos, blob.Renditions:
		may, public, _, err := h.channels.MayMedia(ctx, v, key)
		return access(may, public), err
	case blob.Profile:
		veiled, err := h.Desk.Veiled(ctx, []who.ID{k.Account})
		return access(!veiled[k.Account] || v.Account == k.Account, !veiled[k.Account]), err
	}
	return blob.Denied, nil
}

func access(may, public bool) blob.Access {
	switch {
	case !may:
		return blob.Denied
	case public:
		return blob.Public
	}
	return blob.Private
}

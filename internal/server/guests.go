package server

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"exeunt/internal/ui"
)

// guestPages keeps pages as they were drawn for guests, who all see the same. A page is sent again only if the database has not changed since
// before it was drawn, which is asked after each request has come in: what is hidden is hidden at once, as if each page were drawn anew.
// Requests that come while that is being asked share the next answer.
type guestPages struct {
	state func(ctx context.Context) (string, error)
	now   func() time.Time // machine time

	mu    sync.Mutex
	pages map[guestKey]*guestPage
	next  *look // the look at the database that has not begun; nil: none is wanted
	busy  bool  // one is under way
}

// sharedPages are the routes whose pages guests get from here: what they show depends on the host, the address, the language, the theme and the database alone.
var sharedPages = map[string]bool{
	"GET /{$}": true, "GET " + ui.DiscoverPath: true, "GET /@{name}": true, "GET /circles": true, "GET /circles/{id}": true, "GET /posts/{id}": true, "GET /topics/{id}": true,
}

// The bounds of what is kept: a page for at most a second, because "3 minutes ago" stands on it.
const (
	guestLife  = time.Second
	mostGuests = 200
	largestOne = 128 << 10
)

// guestKey is what a page depends on besides the database. The host is part of it: a page names its own address in links and cards.
type guestKey struct {
	host    string
	address string
	lang    ui.Lang
	theme   ui.Theme
	gzip    bool
	endings string // what is published of endings: what another node publishes is obeyed within a second
}

// guestPage is one page. What stands after drawn may be read once that is closed.
type guestPage struct {
	state string
	until time.Time
	drawn chan struct{}

	header http.Header
	body   []byte // nil: not to be kept
}

// look is one question to the database.
type look struct {
	done  chan struct{}
	state string
	err   error
}

func newGuestPages(state func(ctx context.Context) (string, error), now func() time.Time) *guestPages {
	return &guestPages{state: state, now: now, pages: map[guestKey]*guestPage{}}
}

// guestKeyOf gives the key of a guest's request for a shared page; ok is false for all others. A request with any cookie is not one: it may have a
// session, a setting, or something to be told.
func guestKeyOf(pattern string, r *http.Request) (key guestKey, ok bool) {
	if r.Method != http.MethodGet || !sharedPages[pattern] || len(r.RequestURI)+len(r.Host) > 500 {
		return key, false
	}
	for _, name := range []string{"Cookie", "Authorization", "Hx-Request", "Range"} {
		if r.Header.Get(name) != "" {
			return key, false
		}
	}
	return guestKey{host: r.Host, address: r.RequestURI, lang: ui.ChooseLang(r, ""), theme: ui.ChooseTheme(r, ""), gzip: strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")}, true
}

// guestKey is [guestKeyOf] with what is published of endings. Where that cannot be asked, the page is drawn and says what is wrong.
func (s *web) guestKey(pattern string, r *http.Request) (key guestKey, ok bool) {
	if key, ok = guestKeyOf(pattern, r); !ok || s.ends.mark == nil {
		return key, ok
	}
	var err error
	key.endings, err = s.ends.mark(r.Context())
	return key, err == nil
}

// serve answers with the page that is kept, or has draw draw it and keeps it.
func (g *guestPages) serve(w http.ResponseWriter, r *http.Request, key guestKey, draw func(w http.ResponseWriter)) {
	state, err := g.current(r.Context())
	if err != nil {
		draw(w) // it asks the database too, and says what is wrong
		return
	}
	p, first := g.page(key, state)
	if first {
		g.draw(w, key, p, draw)
		return
	}
	select {
	case <-p.drawn:
	case <-r.Context().Done():
		return
	}
	if p.body == nil {
		draw(w)
		return
	}
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(p.body) // fails only if the browser has gone
}

// page gives the page of a key as of a state; first is true if it is the caller's to draw.
func (g *guestPages) page(key guestKey, state string) (p *guestPage, first bool) {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.pages[key]; ok && p.state == state && now.Before(p.until) {
		return p, false
	}
	if len(g.pages) >= mostGuests {
		clear(g.pages)
	}
	p = &guestPage{state: state, until: now.Add(guestLife), drawn: make(chan struct{})}
	g.pages[key] = p
	return p, true
}

// draw has a page drawn and sent, and keeps it if it can be sent again.
func (g *guestPages) draw(w http.ResponseWriter, key guestKey, p *guestPage, draw func(w http.ResponseWriter)) {
	defer close(p.drawn) // also if drawing panics
	c := &copier{ResponseWriter: w}
	draw(c)
	if c.status == http.StatusOK && c.body.Len() <= largestOne && c.header.Get("Set-Cookie") == "" && !strings.Contains(c.header.Get("Cache-Control"), "no-store") {
		p.header, p.body = c.header, c.body.Bytes()
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pages[key] == p {
		delete(g.pages, key)
	}
}

// current gives the state of the database at some instant after it was called.
func (g *guestPages) current(ctx context.Context) (string, error) {
	g.mu.Lock()
	if g.next == nil {
		g.next = &look{done: make(chan struct{})}
	}
	l := g.next
	if !g.busy {
		g.busy = true
		go g.ask(context.WithoutCancel(ctx)) // for all who wait, whoever of them goes
	}
	g.mu.Unlock()
	select {
	case <-l.done:
		return l.state, l.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// ask asks the database as long as somebody wants to know.
func (g *guestPages) ask(ctx context.Context) {
	for {
		g.mu.Lock()
		l := g.next
		g.next = nil
		g.busy = l != nil
		g.mu.Unlock()
		if l == nil {
			return
		}
		l.state, l.err = g.state(ctx)
		close(l.done)
	}
}

// copier keeps what is written through it.
type copier struct {
	http.ResponseWriter
	status int
	header http.Header
	body   bytes.Buffer
}

func (c *copier) WriteHeader(status int) {
	if c.status == 0 {
		c.status, c.header = status, c.Header().Clone()
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *copier) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if c.body.Len() <= largestOne {
		_, _ = c.body.Write(b) // never fails
	}
	return c.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (c *copier) Unwrap() http.ResponseWriter { return c.ResponseWriter }

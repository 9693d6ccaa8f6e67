package notify_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// patience is how long a test waits for an event that has to come.
const patience = 20 * time.Second

// site serves the room's pages to a viewer over a real connection.
func site(t *testing.T, r *notify.Room, v who.Viewer) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for _, rt := range r.Routes() {
		mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, req *http.Request) {
			ctx := service.WithSession(ui.WithReader(req.Context(), ui.Reader{Lang: ui.English}), &service.Session{Viewer: v})
			if err := rt.Handle(w, req.WithContext(ctx)); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// page is an open page whose bell listens.
type page struct {
	t      *testing.T
	lines  *bufio.Scanner
	status int
}

// listen opens the stream of a site.
func listen(t *testing.T, s *httptest.Server) *page {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/notices/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode == http.StatusOK && kind != "text/event-stream" {
		t.Errorf("the stream is %q", kind)
	}
	return &page{t, bufio.NewScanner(resp.Body), resp.StatusCode}
}

// next gives the name and the data of the next event, "" at the end of the stream.
func (p *page) next() (event, data string) {
	p.t.Helper()
	for p.lines.Scan() {
		line := p.lines.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			event = line[7:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		case line == "" && event != "":
			return event, data
		}
	}
	return "", ""
}

func (p *page) want(event, data string) {
	p.t.Helper()
	if e, d := p.next(); e != event || d != data {
		p.t.Fatalf("got %q %s, want %q %s", e, d, event, data)
	}
}

const (
	none = `{"count":"","label":"Notices"}`
	one  = `{"count":"1","label":"Notices, 1 unread"}`
)

func (h *house) signIn(t *testing.T, v *who.Viewer) {
	t.Helper()
	v.Person, v.Session = who.RandomID(), h.d.IDs.Next()
	h.exec(t, `insert into people (id, password, password_at, created_at) values ($1, '', 0, 0)`, int64(v.Person))
	h.exec(t, `insert into sessions (id, hash, person_id, account_id, agent, created_at, seen_at) values ($1, $2, $3, $4, '', 0, 0)`,
		int64(v.Session), v.Session.String(), int64(v.Person), int64(v.Account))
}

// TestLive asks that an open page learns of what happens on its own node, at once and only after the commit.
func TestLive(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		p := listen(t, site(t, h.notices, mira))
		p.want("unread", none)
		h.add(t, like(mira, jo, 7))
		p.want("unread", one)
		if err := h.notices.ReadAll(t.Context(), mira); err != nil {
			t.Fatal(err)
		}
		p.want("unread", none)
		if err := h.within(t, jo, func(ctx context.Context, pass service.Pass) error {
			_, err := h.notices.Announce(ctx, pass, notify.Announcement{Text: "Tonight at ten."})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		p.want("unread", one)
		h.notices.Close()
		if e, _ := p.next(); e != "" {
			t.Errorf("at the server's end the page got %q: it would not come back", e)
		}
		if late := listen(t, site(t, h.notices, mira)); late.status != http.StatusNoContent {
			t.Errorf("who comes after the end gets %d", late.status)
		}
	})
}

// TestLiveElsewhere asks that a page learns of what other nodes change, and that it ends when its session does.
func TestLiveElsewhere(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.signIn(t, &mira)
		other := newHouse(h.d, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.notices.Run(ctx)
		}()
		p := listen(t, site(t, h.notices, mira))
		p.want("unread", none)
		other.add(t, like(mira, jo, 7))
		p.want("unread", one)
		if err := other.notices.ReadAll(t.Context(), mira); err != nil {
			t.Fatal(err)
		}
		p.want("unread", none)
		h.exec(t, `delete from sessions where id = $1`, int64(mira.Session))
		p.want("end", "")
		cancel()
		<-done
		if n := h.notices.Listening(0); n != 0 {
			t.Errorf("%d pages still listen", n)
		}
	})
}

// TestLiveBounded asks that an account's oldest page gives way to a new one.
func TestLiveBounded(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		s := site(t, h.notices, mira)
		first := listen(t, s)
		first.want("unread", none)
		for range 6 {
			listen(t, s).want("unread", none)
		}
		first.want("end", "")
		if n := h.notices.Listening(mira.Account); n != 6 {
			t.Errorf("%d pages listen, want 6", n)
		}
		h.notices.Close()
	})
}

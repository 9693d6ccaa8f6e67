package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/clock"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/server"
)

// TestGuestPagesKept asks for a page again and again: it is drawn anew when the database has changed, a second is over, or somebody
// asks who may see something else, and not otherwise.
func TestGuestPagesKept(t *testing.T) {
	machine := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	state, broken := "1", error(nil)
	drawn, status := 0, http.StatusOK
	var set map[string]string
	h := server.GuestServer(func(context.Context) (string, error) { return state, broken }, machine.Now, func(w http.ResponseWriter, _ *http.Request) {
		drawn++
		for name, value := range set {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, "page ", drawn)
	})
	ask := func(name, want string, headers ...string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/@somebody", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
			if headers[i] == "Host" {
				r.Host = headers[i+1]
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Body.String() != want || w.Code != status {
			t.Errorf("%s: %d %q, want %d %q", name, w.Code, w.Body, status, want)
		}
	}
	ask("first", "page 1")
	ask("again", "page 1")
	ask("in English", "page 2", "Accept-Language", "en")
	ask("with a cookie", "page 3", "Cookie", "session=1")
	ask("with a cookie again", "page 4", "Cookie", "session=1")
	ask("a piece of it", "page 5", "HX-Request", "true")
	ask("again", "page 1")
	state = "2"
	ask("after a change", "page 6")
	ask("again", "page 6")
	machine.Add(time.Second)
	ask("a second later", "page 7")
	broken = errors.New("broken")
	ask("database broken", "page 8")
	broken, set = nil, map[string]string{"Set-Cookie": "a=b"}
	state = "3"
	ask("sets a cookie", "page 9")
	ask("sets a cookie again", "page 10")
	set = map[string]string{"Cache-Control": "no-store"}
	ask("not to be stored", "page 11")
	ask("not to be stored again", "page 12")
	set, status = nil, http.StatusNotFound
	ask("nobody", "page 13")
	ask("nobody again", "page 14")
	status, state = http.StatusOK, "4"
	ask("by the usual name", "page 15")
	ask("by another name", "page 16", "Host", "other.example")
	ask("by the usual name again", "page 15")
	ask("by another name again", "page 16", "Host", "other.example")
	ask("by a name without end", "page 17", "Host", strings.Repeat("a", 500))
	ask("by a name without end again", "page 18", "Host", strings.Repeat("a", 500))
}

// TestGuestsAtTwoNames asks a whole install that was told no name of its own, the clock standing still, for a page by two names: neither gets what was drawn for the other.
func TestGuestsAtTwoNames(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		in.member(t, "seenbyall")
		in.Options.Host = ""
		h := in.Handler()
		for range 2 {
			for name, other := range map[string]string{"one.example": "two.example", "two.example": "one.example"} {
				r := httptest.NewRequest(http.MethodGet, "/@seenbyall", nil)
				r.Host = name
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, name) || strings.Contains(body, other) {
					t.Errorf("%s: %d, with its name %v, with the other's %v", name, w.Code, strings.Contains(body, name), strings.Contains(body, other))
				}
			}
		}
	})
}

// TestGuestPagesShared has many ask at once for a page that is not there yet: all get one.
func TestGuestPagesShared(t *testing.T) {
	machine := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	var mu sync.Mutex
	drawn := 0
	h := server.GuestServer(func(context.Context) (string, error) { return "1", nil }, machine.Now, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		drawn++
		mu.Unlock()
		_, _ = fmt.Fprint(w, "page")
	})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/@somebody", nil))
			if w.Body.String() != "page" {
				t.Errorf("got %q", w.Body)
			}
		})
	}
	wg.Wait()
	if drawn != 1 {
		t.Errorf("drawn %d times", drawn)
	}
}

// TestGuestsSeeChangesAtOnce asks as a guest, with the clock standing still, for a page before and after it changes and is hidden.
func TestGuestsSeeChangesAtOnce(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "seenbyall")
		h := in.Handler()
		get := func() (int, string) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/@seenbyall", nil))
			return w.Code, w.Body.String()
		}
		for range 2 {
			if code, body := get(); code != http.StatusOK || !strings.Contains(body, "seenbyallwroteit") || strings.Contains(body, "later") {
				t.Fatalf("%d, %.300s", code, body)
			}
		}
		_, err := in.Posts.Write(t.Context(), v, post.Draft{Service: post.Page, Text: "written a little later"})
		must(t, err, "write post")
		if _, body := get(); !strings.Contains(body, "written a little later") {
			t.Error("a new post is not seen")
		}
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Hibernate})
		in.settle(t)
		if code, body := get(); code != http.StatusNotFound || strings.Contains(body, "written a little later") {
			t.Errorf("hibernating: %d", code)
		}
	})
}

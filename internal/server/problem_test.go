package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// TestProblems asks as a machine for what is refused: each refusal is a problem (RFC 9457) in the reader's language, one about an ending leads to the notice, and people
// get a page as before.
func TestProblems(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		owner := in.signUp(t, "ownerone")
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: "one ring", Mode: circle.Open}))
		note := value[who.ID](t, "write post")(in.Posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: ring, Text: "note"}))
		start := value[time.Time](t, "read clock")(in.DB.Now(ctx)).Truncate(24 * time.Hour)
		in.publish(t, allPhases(start, circle.Name))
		const notice = "http://exeunt.test/sunsets/all-of-it"
		like := "/talk/post/" + note.String() + "/like"
		for _, x := range []struct {
			phase, method, path string
			v                   who.Viewer
			lang                string
			status              int
			kind, words         string
		}{
			{exit.Announced, "GET", "/nowhere", who.Viewer{}, "en", http.StatusNotFound, "about:blank", "cannot be found"},
			{exit.Announced, "GET", "/nowhere", who.Viewer{}, "zh", http.StatusNotFound, "about:blank", "找不到"},
			{exit.Announced, "GET", "/notices", who.Viewer{}, "en", http.StatusUnauthorized, "about:blank", "sign in first"},
			{exit.Announced, "POST", like, who.Viewer{}, "en", http.StatusUnauthorized, "about:blank", "sign in first"},
			{exit.NoJoins, "GET", "/circles/new", owner, "en", http.StatusForbidden, notice, "20"},
			{exit.ReadOnly, "POST", like, owner, "en", http.StatusForbidden, notice, "20"},
			{exit.ExportOnly, "GET", circle.Path(ring), who.Viewer{}, "en", http.StatusForbidden, notice, "20"},
			{exit.Stopped, "GET", circle.Path(ring), owner, "en", http.StatusGone, notice, "20"},
		} {
			in.begins(t, start, x.phase)
			ask := func(accept string) *httptest.ResponseRecorder {
				return in.as(t, x.v, x.method, x.path, "Accept", accept, "Accept-Language", x.lang)
			}
			w := ask("application/json")
			var p struct {
				Type, Title, Detail, Stopped string
				Status                       int
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s %s: %v: %q %.200s", x.phase, x.method, x.path, err, w.Header().Get("Content-Type"), w.Body)
				continue
			}
			if w.Code != x.status || p.Status != x.status || p.Type != x.kind || p.Title == "" || !strings.Contains(p.Detail, x.words) || (p.Stopped != "") != (x.status == http.StatusGone) {
				t.Errorf("%s %s %s: %d %+v", x.phase, x.method, x.path, w.Code, p)
			}
			if w := ask("text/html,application/json"); strings.Contains(w.Header().Get("Content-Type"), "json") {
				t.Errorf("%s %s %s gives people %s", x.phase, x.method, x.path, w.Body)
			}
		}
	})
}

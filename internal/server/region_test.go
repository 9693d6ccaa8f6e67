package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"exeunt/internal/residue"
	"exeunt/internal/who"
)

// TestNoRegion signs in and writes from a network address, and looks for it: no page shows it, and nothing that is kept holds it, so that no
// region can be told from it.
func TestNoRegion(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		const from = "203.0.113.77"
		v := in.signUp(t, "mira")
		token := value[string](t, "begin session")(in.Accounts.Begin(t.Context(), v.Person, v.Account, "browser"))
		handler := in.Handler()
		ask := func(method, path string, form url.Values) string {
			t.Helper()
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
			r.RemoteAddr = from + ":4711"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-For", from)
			r.AddCookie(&http.Cookie{Name: "session", Value: token})
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code >= 400 {
				t.Errorf("%s %s answers %d", method, path, w.Code)
			}
			if strings.Contains(w.Body.String(), from) {
				t.Errorf("%s shows the address", path)
			}
			return w.Header().Get("Location")
		}
		ask(http.MethodPost, "/write", url.Values{"text": {"from somewhere"}})
		var id who.ID
		must(t, in.DB.Reader.QueryRowContext(t.Context(), `select id from posts where text = 'from somewhere'`).Scan((*int64)(&id)), "find post")
		for _, path := range []string{"/", "/@mira", "/posts/" + id.String(), "/me", "/settings"} {
			ask(http.MethodGet, path, nil)
		}
		found := value[residue.Report](t, "search")(residue.Search(t.Context(), in.DB, in.Blobs, from))
		if found.Total() > 0 || found.Columns == 0 {
			t.Errorf("of %d columns these hold the address: %+v", found.Columns, found.Finds)
		}
		if strings.Contains(string(in.log.Bytes()), from) {
			t.Error("the log has the address")
		}
	})
}

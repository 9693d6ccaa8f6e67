package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHealthAndMetrics asks the two pages that machines read: whether the house can work, and its numbers, for who has the token.
func TestHealthAndMetrics(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		in.Options.MetricsToken = "a token of the install"
		site := in.Handler()
		get := func(path, token string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			return w
		}
		if w := get("/healthz", ""); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
			t.Errorf("health: %d %q", w.Code, w.Body)
		}
		for _, token := range []string{"", "another token"} {
			if w := get("/metrics", token); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "exeunt_requests_total") {
				t.Errorf("metrics by %q: %d", token, w.Code)
			}
		}
		w := get("/metrics", "a token of the install")
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Errorf("metrics are %q", w.Header().Get("Content-Type"))
		}
		for _, line := range []string{`exeunt_requests_total{route="GET /healthz",status="200"} 1`, `exeunt_requests_total{route="GET /metrics",status="404"} 2`, "process_resident_memory_bytes "} {
			if !strings.Contains(w.Body.String(), line) {
				t.Errorf("metrics have no %q", line)
			}
		}
	})
}

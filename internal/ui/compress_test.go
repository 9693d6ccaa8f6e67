package ui_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"exeunt/internal/ui"
)

// TestCompression compresses pages, but for those from which the length of an answer could tell a secret.
func TestCompression(t *testing.T) {
	long := strings.Repeat("圈子和视频，来去由你。", 200)
	for _, c := range []struct {
		name, method, site, cookie, store string
		encodings                         string
		status                            int
		text                              string
		want                              bool
	}{
		{"a guest", http.MethodGet, "", "", "", "gzip, br", 200, long, true},
		{"a guest from elsewhere", http.MethodGet, "cross-site", "", "", "gzip", 200, long, true},
		{"signed in, by hand", http.MethodGet, "none", "session=1", "", "gzip", 200, long, true},
		{"signed in, from a page of ours", http.MethodGet, "same-origin", "session=1", "", "gzip", 200, long, true},
		{"signed in, from elsewhere", http.MethodGet, "cross-site", "session=1", "", "gzip", 200, long, false},
		{"signed in, from a neighbour", http.MethodGet, "same-site", "session=1", "", "gzip", 200, long, false},
		{"signed in, unknown from where", http.MethodGet, "", "session=1", "", "gzip", 200, long, false},
		{"a form's answer", http.MethodPost, "same-origin", "session=1", "", "gzip", 200, long, false},
		{"an error", http.MethodGet, "same-origin", "session=1", "", "gzip", 422, long, false},
		{"a secret", http.MethodGet, "same-origin", "session=1", "no-store", "gzip", 200, long, false},
		{"a guest's secret", http.MethodGet, "none", "", "no-store", "gzip", 200, long, false},
		{"a small page", http.MethodGet, "none", "", "", "gzip", 200, "来去", false},
		{"no gzip", http.MethodGet, "none", "", "", "br", 200, long, false},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Cookie": c.cookie, "Accept-Encoding": c.encodings} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		w.Header().Set("Cache-Control", c.store)
		piece := templ.ComponentFunc(func(_ context.Context, out io.Writer) error {
			_, err := io.WriteString(out, c.text)
			return err
		})
		if err := ui.Render(w, r, c.status, piece); err != nil {
			t.Fatal(err)
		}
		if w.Header().Get("Vary") == "" {
			t.Errorf("%s: no Vary", c.name)
		}
		var body io.Reader = w.Body
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != c.want {
			t.Errorf("%s: compressed %v", c.name, got)
		}
		if c.want {
			var err error
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		if b, err := io.ReadAll(body); err != nil || string(b) != c.text || w.Code != c.status {
			t.Errorf("%s: %d, %d bytes, %v", c.name, w.Code, len(b), err)
		}
	}
}

// TestSpareAssets has our own files sent without what browsers do not need, and with all of the rest.
func TestSpareAssets(t *testing.T) {
	sources, err := filepath.Glob("assets/css/*.css")
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	for name, files := range map[string][]string{"exeunt.css": sources, ui.VideoSheet: {"assets/video.css"}, "exeunt.js": {"assets/exeunt.js"}} {
		var source []byte
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			source = append(source, b...)
		}
		w := httptest.NewRecorder()
		ui.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, ui.AssetURL(name), nil))
		sent := w.Body.Bytes()
		if len(sent) == 0 || len(sent) >= len(source) {
			t.Errorf("%s: %d of %d bytes", name, len(sent), len(source))
		}
		comment := regexp.MustCompile(`(?s:/\*.*?\*/)|(?m:^\s*//.*$)`)
		source = comment.ReplaceAll(source, nil)
		for _, c := range []string{"{", "}", ";", "(", ")", `"`, "`"} {
			if a, b := bytes.Count(source, []byte(c)), bytes.Count(sent, []byte(c)); a != b {
				t.Errorf("%s: %d times %s, want %d", name, b, c, a)
			}
		}
		if comment.Match(sent) {
			t.Errorf("%s: comments are sent", name)
		}
	}
}

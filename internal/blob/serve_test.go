package blob_test

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/clock"
)

// get asks the handler, as the server does: an error is a status.
func (h house) get(t *testing.T, may blob.May, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handle := h.Handler(may)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /media/{key...}", func(w http.ResponseWriter, r *http.Request) {
		switch err := handle(w, r); {
		case exit.KindOf(err) == exit.NotFound:
			w.WriteHeader(http.StatusNotFound)
		case err != nil:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	mux.ServeHTTP(w, r)
	return w
}

func answer(a blob.Access, err error) blob.May {
	return func(context.Context, string) (blob.Access, error) { return a, err }
}

func TestServe(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		content := "0123456789"
		key := h.put(t, h.one, blob.Posts, content)
		path := "/media/" + key
		public := answer(blob.Public, nil)
		whole := h.get(t, public, "GET", path)
		tag := whole.Header().Get("ETag")
		for name, want := range map[string]string{
			"Content-Type": "image/jpeg", "Content-Length": "10", "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "public, max-age=1", "Content-Disposition": "",
		} {
			if got := whole.Header().Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if whole.Code != http.StatusOK || whole.Body.String() != content || tag == "" {
			t.Errorf("got %d, %q, ETag %q", whole.Code, whole.Body, tag)
		}
		for _, test := range []struct {
			name, method string
			may          blob.May
			header       []string
			code         int
			body         string
		}{
			{"head", "HEAD", public, nil, 200, ""},
			{"a range", "GET", public, []string{"Range", "bytes=2-4"}, 206, "234"},
			{"the end", "GET", public, []string{"Range", "bytes=-3"}, 206, "789"},
			{"a range of this version", "GET", public, []string{"Range", "bytes=2-4", "If-Range", tag}, 206, "234"},
			{"a range of another version", "GET", public, []string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, content},
			{"beyond the end", "GET", public, []string{"Range", "bytes=20-"}, 416, "invalid range: failed to overlap\n"},
			{"known", "GET", public, []string{"If-None-Match", tag}, 304, ""},
			{"denied", "GET", answer(blob.Denied, nil), nil, 404, ""},
			{"known and denied", "GET", answer(blob.Denied, nil), []string{"If-None-Match", tag}, 404, ""},
			{"no answer", "GET", answer(blob.Public, errors.New("away")), nil, 500, ""},
		} {
			w := h.get(t, test.may, test.method, path, test.header...)
			if w.Code != test.code || w.Body.String() != test.body {
				t.Errorf("%s: %d, %q, want %d, %q", test.name, w.Code, w.Body, test.code, test.body)
			}
		}
		if w := h.get(t, answer(blob.Private, nil), "GET", path); w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("private: %q", w.Header().Get("Cache-Control"))
		}
		parts := h.get(t, public, "GET", path, "Range", "bytes=0-1,8-9")
		_, params, err := mime.ParseMediaType(parts.Header().Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(parts.Body.String(), params["boundary"], "") // at random: it may hold any digits
		if parts.Code != http.StatusPartialContent || !strings.Contains(got, "\r\n01\r\n") || !strings.Contains(got, "\r\n89\r\n") || strings.Contains(got, "234") {
			t.Errorf("two ranges: %d, %q", parts.Code, parts.Body)
		}
	})
}

func TestServeRefuses(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		asked := false
		may := func(context.Context, string) (blob.Access, error) { asked = true; return blob.Public, nil }
		for _, path := range []string{"/media/", "/media/x", "/media/..%2f..%2fetc%2fpasswd", "/media/" + h.one.String() + "/posts/a.jpg"} {
			if w := h.get(t, may, "GET", path); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		if asked {
			t.Error("asked who may see what is no key")
		}
		if w := h.get(t, may, "GET", "/media/"+h.one.String()+"/posts/aaaaaaaaaaaaaaaaaaaaaaaaaa.jpg"); w.Code != http.StatusNotFound || !asked {
			t.Errorf("a blob that is not there: %d, asked %v", w.Code, asked)
		}
	})
}

// TestServeDownload asks that what is no picture is never shown, only saved.
func TestServeDownload(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		for ext, want := range map[string]string{".zip": "application/zip", ".tar.gz": "application/gzip", ".html": "application/octet-stream", ".svg": "application/octet-stream", "": "application/octet-stream"} {
			b, err := h.Put(t.Context(), h.one, blob.Archives, ext, "text/html", strings.NewReader("<script>alert(1)</script>"))
			if err != nil {
				t.Fatal(err)
			}
			w := h.get(t, answer(blob.Private, nil), "GET", "/media/"+b.Key)
			if w.Header().Get("Content-Type") != want || w.Header().Get("Content-Disposition") != "attachment" {
				t.Errorf("%q: %q, %q", ext, w.Header().Get("Content-Type"), w.Header().Get("Content-Disposition"))
			}
			named := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			if err := h.Serve(named, r, b.Key, blob.Private, "来去 \"1\"\r\nX: y.zip"); err != nil {
				t.Fatal(err)
			}
			if got := named.Header().Get("Content-Disposition"); got != "attachment; filename*=UTF-8''%E6%9D%A5%E5%8E%BB%20%221%22%0D%0AX%3A%20y.zip" {
				t.Errorf("got %q", got)
			}
		}
	})
}

// slow is a browser that takes its time: each part that it gets lets 300 milliseconds pass.
type slow struct {
	*httptest.ResponseRecorder
	clock *clock.Fake
}

func (s slow) Write(b []byte) (int, error) {
	s.clock.Add(300 * time.Millisecond)
	return s.ResponseRecorder.Write(b)
}

// TestServeStops asks that a blob which is being sent breaks off within a second of its being hidden, and that one that stays is sent whole.
func TestServeStops(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		const size = 4 << 20
		b, err := h.Put(t.Context(), h.one, blob.Videos, ".mp4", "video/mp4", strings.NewReader(strings.Repeat("f", size)))
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{3, 1000} {
			asked := 0
			may := func(context.Context, string) (blob.Access, error) {
				if asked++; asked > most {
					return blob.Denied, nil
				}
				return blob.Public, nil
			}
			w := slow{httptest.NewRecorder(), h.clock}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/media/"+b.Key, nil)
			r.SetPathValue("key", b.Key)
			if err := h.Handler(may)(w, r); err != nil {
				t.Fatal(err)
			}
			if got := w.Body.Len(); most == 1000 && got != size || most == 3 && (got == 0 || got > size/4) {
				t.Errorf("%d bytes were sent after %d questions", got, asked)
			}
		}
	})
}

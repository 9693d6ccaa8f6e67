package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Access is what a viewer may do with a blob.
type Access int

// The answers. The zero Access is none: what nobody has answered for is not served.
const (
	Denied  Access = iota // not found, as far as the viewer is concerned
	Private               // this viewer may see it
	Public                // everybody may
)

// May answers who may see a blob; it is asked on each request, and each second while an answer is sent. The context holds the viewer.
type May func(ctx context.Context, key string) (Access, error)

// types are the kinds of content that are served as what they are; anything else is a download. None of them runs scripts.
var types = map[string]string{
	".jpg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".zip": "application/zip", ".tar.gz": "application/gzip",
	".mp4": "video/mp4", ".m4s": "video/iso.segment", ".webm": "video/webm", ".mov": "video/quicktime",
	".vtt": "text/vtt; charset=utf-8", ".m3u8": "application/vnd.apple.mpegurl",
}

// inline says whether a kind of content is shown where it stands; anything else is a download.
func inline(kind string) bool {
	return strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "video/") || strings.HasPrefix(kind, "text/vtt") || kind == types[".m3u8"]
}

// TypeOf gives the Content-Type with which a blob is served, by the extension with which it was put.
func TypeOf(key string) string {
	k, _ := ParseKey(key)
	if t, ok := types[k.Ext]; ok {
		return t
	}
	return "application/octet-stream"
}

// Handler serves "GET /media/{key...}". Its errors are for the server to turn into pages; nothing has been sent then.
func (s *Store) Handler(may May) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		key := r.PathValue("key")
		if _, ok := ParseKey(key); !ok {
			return gone(nil)
		}
		access, err := may(r.Context(), key)
		if err != nil {
			return fmt.Errorf("ask who may see a blob: %w", err)
		}
		if access == Denied {
			return gone(nil)
		}
		return s.ServeWhile(w, r, key, access, "", may)
	}
}

// Serve sends a blob to a viewer who was found to be allowed: whole, in ranges (RFC 9110 section 14), or "not modified".
// With a name it is a download under that name. Caches ask again each time, since what is veiled is gone at once.
func (s *Store) Serve(w http.ResponseWriter, r *http.Request, key string, access Access, name string) error {
	return s.ServeWhile(w, r, key, access, name, nil)
}

// recheck is after how long who is sent a blob is asked for again: a film may take hours.
const recheck = time.Second

// ServeWhile is [Store.Serve] that breaks off within a second, by the machine clock, of the viewer's not being allowed any more. A nil may is
// not asked.
func (s *Store) ServeWhile(w http.ResponseWriter, r *http.Request, key string, access Access, name string, may May) error {
	if access == Denied {
		return gone(nil)
	}
	size, err := s.Size(r.Context(), key)
	if err != nil {
		return err
	}
	k, _ := ParseKey(key)
	kind := TypeOf(key)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-cache")
	if access == Public {
		h.Set("Cache-Control", "public, max-age=1")
	}
	// A key is never used for other content.
	h.Set("ETag", `"`+k.Name+`"`)
	if name != "" || !inline(kind) {
		h.Set("Content-Disposition", disposition(name))
	}
	content := &seeker{ctx: r.Context(), s: s, key: key, size: size, may: may, next: s.Clock.Now().Add(recheck)}
	http.ServeContent(w, r, "", time.Time{}, content)
	// What could not be read after the headers were sent shows as a broken transfer: the length was announced.
	return content.Close()
}

// disposition gives the header of a download; a name beyond ASCII is written as RFC 8187 has it.
func disposition(name string) string {
	if name == "" {
		return "attachment"
	}
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '.' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return "attachment; filename*=UTF-8''" + b.String()
}

// seeker reads a blob from wherever it was last asked to, opening it anew after each jump.
type seeker struct {
	ctx  context.Context // io.ReadSeeker has no place for one; the seeker lives as long as its request
	s    *Store
	key  string
	size int64
	at   int64
	r    io.ReadCloser
	may  May       // nil: nobody is asked
	next time.Time // when
}

// allowed asks again whether the viewer may see the blob, once its time has come.
func (k *seeker) allowed() error {
	if k.may == nil || k.s.Clock.Now().Before(k.next) {
		return nil
	}
	access, err := k.may(k.ctx, k.key)
	if err != nil {
		return fmt.Errorf("ask who may see a blob: %w", err)
	}
	if access == Denied {
		return gone(nil)
	}
	k.next = k.s.Clock.Now().Add(recheck)
	return nil
}

func (k *seeker) Read(p []byte) (n int, err error) {
	if k.at >= k.size {
		return 0, io.EOF
	}
	if err := k.allowed(); err != nil {
		return 0, err
	}
	if k.r == nil {
		if k.r, err = k.s.NewReader(k.ctx, k.key, k.at, -1); err != nil {
			return 0, err
		}
	}
	n, err = k.r.Read(p)
	k.at += int64(n)
	return n, err
}

func (k *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += k.at
	case io.SeekEnd:
		offset += k.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	if offset == k.at {
		return offset, nil
	}
	k.at = offset
	return offset, k.Close()
}

// Close lets go of what is open.
func (k *seeker) Close() error {
	if k.r == nil {
		return nil
	}
	r := k.r
	k.r = nil
	return r.Close()
}

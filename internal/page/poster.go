package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // what is uploaded becomes a JPEG, a PNG or a WebP
	_ "image/png"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/poster"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	_ "golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

// Bounds of drawing: one poster at a time, for which one waits a moment; so many for one account or address in a window;
// and pictures of which the whole fits into memory.
const (
	posterWait    = 4 * time.Second
	postersEach   = 30
	posterWindow  = 10 * time.Minute
	mostDrawers   = 4096
	pictureBytes  = 8 << 20
	picturePixels = 5_000_000
)

// posters lets one be drawn at a time, and counts who asked.
type posters struct {
	fonts *poster.Fonts
	turn  *semaphore.Weighted
	mu    *sync.Mutex
	asked map[string]int
	since *time.Time
}

func newPosters() posters {
	return posters{poster.NewFonts(poster.Folders()...), semaphore.NewWeighted(1), &sync.Mutex{}, map[string]int{}, &time.Time{}}
}

// take counts one poster for an account or an address; TooMany once there were thirty in ten minutes. The counts live in
// this process alone: they are there to keep it from being overrun.
func (p posters) take(now time.Time, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(*p.since) > posterWindow || now.Before(*p.since) || len(p.asked) >= mostDrawers {
		clear(p.asked)
		*p.since = now
	}
	if p.asked[key]++; p.asked[key] > postersEach {
		return exit.Fail(exit.TooMany, "page.error.posters", "Count", max(1, int((posterWindow-now.Sub(*p.since)+time.Minute-1)/time.Minute)))
	}
	return nil
}

func asking(v who.Viewer, req *http.Request) string {
	if !v.Guest() {
		return v.Account.String()
	}
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		return req.RemoteAddr
	}
	return host
}

// form is the form of a poster.
type form string

const (
	png form = "png"
	svg form = "svg"
)

// drawn is a poster with the keys of its pictures, which are read when it is drawn.
type drawn struct {
	poster.Poster
	avatar, picture, small string // small is the picture's thumbnail
}

func (r *Room) postPoster(as form) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		ctx := req.Context()
		v := service.ViewerOf(ctx)
		id, ok := who.ParseID(req.PathValue("id"))
		if !ok {
			return errNotFound()
		}
		p, err := r.Posts.One(ctx, v, id)
		if err != nil {
			return err
		}
		views, err := r.Posts.Views(ctx, v, []post.Post{p})
		if err != nil {
			return err
		}
		if p.State != post.Live || views[0].Author.Left {
			return errNotFound()
		}
		d := r.paper(ctx, p.Link())
		view := views[0]
		d.By, d.About, d.Text = view.Author.Name, ui.DateIn(ctx, p.At), plainLines(view)
		d.avatar = keyOf(view.Author.Avatar)
		if p.In.Name != "" {
			d.About = p.In.Name + " · " + d.About
		}
		if len(view.Images) > 0 {
			d.picture, d.small = keyOf(view.Images[0].Href), keyOf(view.Images[0].Src)
		}
		if d.Opens, err = r.opens(ctx, p); err != nil {
			return err
		}
		return r.drawPoster(w, req, as, d)
	}
}

var opensWords = ui.Keys("page.poster.opens.", "all", "circle", "followers", "only")

// opens says who can open a post.
func (r *Room) opens(ctx context.Context, p post.Post) (string, error) {
	switch _, err := r.Posts.One(ctx, guest, p.ID); {
	case err == nil:
		return ui.T(ctx, opensWords["all"]), nil
	case exit.KindOf(err) != exit.NotFound:
		return "", err
	}
	kind, _ := p.Audience.Split()
	if _, ok := opensWords[kind]; !ok {
		kind = "circle"
	}
	return ui.T(ctx, opensWords[kind]), nil
}

func (r *Room) circlePoster(as form) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		ctx := req.Context()
		in, t, err := r.circleOf(ctx, service.ViewerOf(ctx), req)
		if err != nil {
			return err
		}
		face, err := r.store.face(ctx, in.ID)
		if err != nil {
			return err
		}
		d := r.paper(ctx, in.Href)
		d.Title, d.Text, d.About = in.Name, t.Excerpt, ui.T(ctx, "ui.circle.members", "Count", face.members)
		if d.Title == "" {
			d.Title = ui.T(ctx, "page.circle.nameless")
		}
		if key, ok := kindWords[face.kind]; ok {
			d.About = ui.T(ctx, key) + " · " + d.About
		}
		d.Banner, d.avatar, d.picture, d.small = true, face.avatar, face.cover, face.cover
		d.Scan, d.Opens = ui.T(ctx, "page.poster.scan_circle"), ui.T(ctx, opensWords["all"])
		if _, _, err := r.circleOf(ctx, guest, req); exit.KindOf(err) == exit.NotFound {
			d.Opens = ui.T(ctx, opensWords["circle"])
		} else if err != nil {
			return err
		}
		return r.drawPoster(w, req, as, d)
	}
}

// paper gives what stands on every poster.
func (r *Room) paper(ctx context.Context, path string) drawn {
	return drawn{Poster: poster.Poster{
		Link: ui.Absolute(ctx, path), Site: ui.SiteName(ctx), Slogan: ui.SiteSlogan(ctx), Lang: string(ui.LangOf(ctx)),
		Scan: ui.T(ctx, "page.poster.scan"), More: ui.T(ctx, "page.poster.more"),
	}}
}

// plainLines gives a post's text with its line breaks and mentions by name.
func plainLines(v ui.PostView) string {
	var b bytes.Buffer
	for i, l := range bytes.Split([]byte(v.Text), []byte("\n")) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(ui.PlainText(string(l), v.Mentions, len(l)+1))
	}
	return b.String()
}

// drawPoster draws and sends. A reader who has it already is told so before anything is drawn.
func (r *Room) drawPoster(w http.ResponseWriter, req *http.Request, as form, d drawn) error {
	ctx := req.Context()
	sum := sha256.Sum256(fmt.Appendf(nil, "1 %s %q %s %s", as, []string{d.Title, d.By, d.About, d.Text, d.Link, d.Scan, d.Opens, d.Site, d.Slogan, d.More, d.Lang}, d.avatar, d.picture))
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("X-Robots-Tag", "noindex")
	if req.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if as == png {
		found, err := r.posters.fonts.Found()
		if !found && err == nil {
			h.Del("ETag")
			return service.Done(w, req, strings.TrimSuffix(req.URL.Path, string(png))+string(svg), "")
		}
		if err != nil {
			return err
		}
	}
	if err := r.posters.take(r.DB.Clock.Now(), asking(service.ViewerOf(ctx), req)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, posterWait)
	defer cancel()
	body, err := r.render(ctx, as, d)
	if err != nil {
		return err
	}
	h.Set("Content-Type", "image/png")
	if as == svg {
		h.Set("Content-Type", "image/svg+xml; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; sandbox")
	}
	//nolint:gosec // G705: an image, or an SVG whose texts are escaped and which is sandboxed
	_, _ = w.Write(body) // a failed write means that the browser has gone
	return nil
}

// render draws when it is this poster's turn. Unavailable while too many wait.
func (r *Room) render(ctx context.Context, as form, d drawn) ([]byte, error) {
	if err := r.posters.turn.Acquire(ctx, 1); err != nil {
		return nil, exit.Fail(exit.Unavailable, "page.error.poster_busy")
	}
	defer r.posters.turn.Release(1)
	var err error
	if d.Avatar, err = r.picture(ctx, d.avatar, ""); err != nil {
		return nil, err
	}
	if d.Picture, err = r.picture(ctx, d.picture, d.small); err != nil {
		return nil, err
	}
	if as == svg {
		return poster.SVG(d.Poster)
	}
	body, err := poster.PNG(ctx, d.Poster, r.posters.fonts)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, exit.Fail(exit.Unavailable, "page.error.poster_busy")
	}
	return body, err
}

// picture reads a picture that the viewer may see, or its thumbnail where it is too large; nil if it is not there.
func (r *Room) picture(ctx context.Context, key, small string) (image.Image, error) {
	if key == "" || r.Blobs == nil {
		return nil, nil
	}
	b, err := r.file(ctx, key)
	if err != nil {
		return nil, err
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || len(b) > pictureBytes || c.Width*c.Height > picturePixels {
		if small == "" || small == key {
			return nil, nil
		}
		return r.picture(ctx, small, "")
	}
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, nil //nolint:nilerr // a poster without a picture that is broken is better than none
	}
	return m, nil
}

// file reads a blob, one byte more than is wanted at most; nothing where it is gone.
func (r *Room) file(ctx context.Context, key string) (b []byte, err error) {
	f, err := r.Blobs.NewReader(ctx, key, 0, -1)
	if exit.KindOf(err) == exit.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("read picture: %w", e)
		}
	}()
	if b, err = io.ReadAll(io.LimitReader(f, pictureBytes+1)); err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return b, nil
}

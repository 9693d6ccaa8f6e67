package ui

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/a-h/templ"
)

var pageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// largestKept bounds the buffers that go back to the pool, in bytes.
const largestKept = 1 << 20

func takeBuffer() *bytes.Buffer {
	b := pageBuffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

func giveBuffer(b *bytes.Buffer) {
	if b.Cap() <= largestKept {
		pageBuffers.Put(b)
	}
}

// Render draws c and sends it with the status. Nothing is sent before all of it
// is drawn: on an error w is untouched and the caller answers with an error
// page. A failed write to a browser that has gone is not an error.
func Render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	b := takeBuffer()
	defer giveBuffer(b)
	if err := c.Render(r.Context(), b); err != nil {
		return fmt.Errorf("draw page: %w", err)
	}
	h := w.Header()
	h.Add("Vary", "Accept-Encoding, Sec-Fetch-Site, Cookie")
	if compressible(h, r, status, b.Len()) {
		z := takeBuffer()
		defer giveBuffer(z)
		if err := compress(z, b.Bytes()); err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
		b = z
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	h.Set("Content-Language", string(LangOf(r.Context())))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	return nil
}

// ErrorView is a page that says what went wrong.
type ErrorView struct {
	Status   int    // HTTP status: 401, 403, 404, 409, 410, 413, 422, 429, 503; all else is shown as 500
	Sentence string // what happened and what to do, in the reader's language; empty: the status's own sentence
	ID       string // short id of the log entry, shown for 500 only
	BackHref string // where the one action leads; empty: home
	BackText string // its words; empty: "home"
}

var (
	errorTitles = Keys("ui.error.title.", "401", "403", "404", "409", "410", "413", "422", "429", "500", "503")
	errorTexts  = Keys("ui.error.text.", "401", "403", "404", "409", "410", "413", "422", "429", "500", "503")
)

func (v ErrorView) key() string {
	k := fmt.Sprint(v.Status)
	if _, ok := errorTitles[k]; !ok {
		return "500"
	}
	return k
}

func (v ErrorView) title(ctx context.Context) string { return T(ctx, errorTitles[v.key()]) }

func (v ErrorView) text(ctx context.Context) string {
	if v.Sentence != "" {
		return v.Sentence
	}
	return T(ctx, errorTexts[v.key()])
}

// Words gives the page's title and its sentence, for an answer that is no page.
func (v ErrorView) Words(ctx context.Context) (title, sentence string) {
	return v.title(ctx), v.text(ctx)
}

// RenderError sends the error page v within the frame f (its title is replaced).
func RenderError(w http.ResponseWriter, r *http.Request, f Frame, v ErrorView) error {
	f.Title = v.title(r.Context())
	f.NoIndex = true
	status := v.Status
	if v.key() == "500" {
		status = http.StatusInternalServerError
	}
	return Render(w, r, status, PageWith(f, errorBody(v)))
}

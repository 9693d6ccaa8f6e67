package upload

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/internal/clock"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Path is where uploads begin.
const Path = "/uploads"

const formPath = "/uploads/form"

// The protocol's version, what of its extensions is here, and the type of what it sends.
const (
	version    = "1.0.0"
	extensions = "creation,creation-with-upload,expiration,termination"
	pieceType  = "application/offset+octet-stream"
)

// problemHeader tells the script of a page the sentence of a refusal, percent-encoded (RFC 3986 section 2.1).
const problemHeader = "Upload-Problem"

// idle is for how long nothing may come before a connection counts as cut.
const idle = time.Minute

// Routes gives the room's addresses.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "OPTIONS " + Path, Access: service.Member, Handle: r.options},
		{Pattern: "POST " + Path, Access: service.Member, Handle: r.spoken(r.post), Upload: true},
		{Pattern: "POST " + formPath, Access: service.Member, Handle: r.postForm, Upload: true},
		{Pattern: "HEAD " + Path + "/{id}", Access: service.Member, Handle: r.spoken(r.head)},
		{Pattern: "PATCH " + Path + "/{id}", Access: service.Member, Handle: r.spoken(r.patch), Upload: true},
		{Pattern: "DELETE " + Path + "/{id}", Access: service.Member, Handle: r.spoken(r.end)},
		{Pattern: "POST " + Path + "/{id}", Access: service.Member, Handle: r.spoken(r.override), Upload: true},
		{Pattern: "POST " + Path + "/{id}/end", Access: service.Member, Handle: r.postEnd},
	}
}

// plain refuses with a status that only the protocol knows, and one sentence.
func plain(w http.ResponseWriter, r *http.Request, status int, key string) error {
	sentence := ui.Sentence(r.Context(), key)
	h := w.Header()
	h.Set(problemHeader, url.PathEscape(sentence))
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, sentence+"\n") // whoever asked may be gone
	return nil
}

// spoken has a handler speak the protocol: its version is asked for and told, and a refusal's sentence is told in a header too.
func (r *Room) spoken(handle func(w http.ResponseWriter, q *http.Request) error) func(w http.ResponseWriter, q *http.Request) error {
	return func(w http.ResponseWriter, q *http.Request) error {
		h := w.Header()
		h.Set("Tus-Resumable", version)
		h.Set("Cache-Control", "no-store")
		if q.Header.Get("Tus-Resumable") != version {
			h.Set("Tus-Version", version)
			return plain(w, q, http.StatusPreconditionFailed, "upload.error.version")
		}
		err := handle(w, q)
		if errors.Is(err, errCut) {
			h.Set("Connection", "close")
			return plain(w, q, http.StatusRequestTimeout, "upload.error.cut")
		}
		var e *exit.Error
		if errors.As(err, &e) && e.Kind != exit.Internal {
			h.Set(problemHeader, url.PathEscape(service.Sentence(q.Context(), e)))
		}
		return err
	}
}

func (r *Room) options(w http.ResponseWriter, q *http.Request) error {
	longest, err := r.Longest(q.Context())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Tus-Resumable", version)
	h.Set("Tus-Version", version)
	h.Set("Tus-Extension", extensions)
	h.Set("Tus-Max-Size", strconv.FormatInt(longest, 10))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// number reads a header that is a number of bytes.
func number(q *http.Request, name string) (int64, bool) {
	text := q.Header.Get(name)
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil && text[0] != '+' && len(q.Header.Values(name)) == 1
}

// post begins an upload; what its body brings is received at once.
func (r *Room) post(w http.ResponseWriter, q *http.Request) error {
	ctx := q.Context()
	length, ok := number(q, "Upload-Length")
	if !ok {
		return plain(w, q, http.StatusBadRequest, "upload.error.length")
	}
	words, err := Metadata(q.Header.Get("Upload-Metadata"))
	if err != nil {
		return plain(w, q, http.StatusBadRequest, "upload.error.metadata")
	}
	longest, err := r.Longest(ctx)
	if err != nil {
		return err
	}
	if length > longest {
		w.Header().Set("Tus-Max-Size", strconv.FormatInt(longest, 10))
		sentence := ui.Sentence(ctx, "upload.error.too_long", "MB", longest>>20)
		w.Header().Set(problemHeader, url.PathEscape(sentence))
		return ui.RenderError(w, q, service.Frame(ctx, ""), ui.ErrorView{Status: http.StatusRequestEntityTooLarge, Sentence: sentence})
	}
	u, err := r.Create(ctx, service.ViewerOf(ctx).Account, Draft{What: words["what"], Name: words["filename"], Type: words["filetype"], Detail: words["detail"], Length: length})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Location", Path+"/"+u.ID.String())
	if page := r.Kinds[u.What].Page; page != nil {
		h.Set("Upload-Page", page(u))
	}
	if q.Header.Get("Content-Type") == pieceType {
		if err := r.take(w, q, &u); err != nil {
			return err
		}
		h.Set("Upload-Offset", strconv.FormatInt(u.Received, 10))
	}
	h.Set("Upload-Expires", u.Expires.Format(http.TimeFormat))
	w.WriteHeader(http.StatusCreated)
	return nil
}

// asked gives the upload that a request names. Its refusal has been answered where ok is false and err is nil.
func (r *Room) asked(w http.ResponseWriter, q *http.Request) (u Upload, ok bool, err error) {
	id, valid := who.ParseID(q.PathValue("id"))
	if !valid {
		return u, false, exit.Fail(exit.NotFound, "upload.error.gone")
	}
	u, err = r.find(q.Context(), service.ViewerOf(q.Context()).Account, id)
	if err == nil && !resumes(u) {
		err = exit.Fail(exit.NotFound, "upload.error.gone")
	}
	if err != nil {
		return u, false, err
	}
	if !r.DB.Clock.Now().Before(u.Expires) {
		return u, false, plain(w, q, http.StatusGone, "upload.error.gone")
	}
	return u, true, nil
}

func (r *Room) head(w http.ResponseWriter, q *http.Request) error {
	u, ok, err := r.asked(w, q)
	if !ok {
		return err
	}
	h := w.Header()
	h.Set("Upload-Offset", strconv.FormatInt(u.Received, 10))
	h.Set("Upload-Length", strconv.FormatInt(u.Length, 10))
	h.Set("Upload-Expires", u.Expires.Format(http.TimeFormat))
	h.Set("Upload-Metadata", u.header())
	if page := r.Kinds[u.What].Page; page != nil {
		h.Set("Upload-Page", page(u))
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (r *Room) patch(w http.ResponseWriter, q *http.Request) error {
	u, ok, err := r.asked(w, q)
	if !ok {
		return err
	}
	if q.Header.Get("Content-Type") != pieceType {
		return plain(w, q, http.StatusUnsupportedMediaType, "upload.error.type")
	}
	offset, ok := number(q, "Upload-Offset")
	if !ok {
		return plain(w, q, http.StatusBadRequest, "upload.error.offset")
	}
	if offset != u.Received {
		return exit.Fail(exit.Conflict, "upload.error.moved")
	}
	if q.ContentLength > u.Length-u.Received {
		return plain(w, q, http.StatusRequestEntityTooLarge, "upload.error.beyond")
	}
	if err := r.take(w, q, &u); err != nil {
		return err
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(u.Received, 10))
	w.Header().Set("Upload-Expires", u.Expires.Format(http.TimeFormat))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (r *Room) end(w http.ResponseWriter, q *http.Request) error {
	u, ok, err := r.asked(w, q)
	if !ok {
		return err
	}
	if err := r.End(q.Context(), u.Account, u.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// override does what a client asks for whose network lets no other method through.
func (r *Room) override(w http.ResponseWriter, q *http.Request) error {
	switch q.Header.Get("X-HTTP-Method-Override") {
	case http.MethodPatch:
		return r.patch(w, q)
	case http.MethodDelete:
		return r.end(w, q)
	case http.MethodHead:
		return r.head(w, q)
	}
	return plain(w, q, http.StatusMethodNotAllowed, "upload.error.method")
}

// errCut means that a body broke off before its end.
var errCut = errors.New("the upload broke off")

// take receives a request's body. Each read has a deadline of its own, so that a slow upload is not cut while it moves; a server that
// stops ends it. A body that broke off is errCut: what came of it is kept.
func (r *Room) take(w http.ResponseWriter, q *http.Request, u *Upload) error {
	b, done := r.bodyOf(w, q.Body)
	defer done()
	if err := r.receive(q.Context(), u, b); err != nil {
		return err
	}
	if cut := b.cut(); cut != nil && u.Received < u.Length {
		return errors.Join(errCut, cut)
	}
	return nil
}

// bodyOf gives a body under deadlines; done takes them away.
func (r *Room) bodyOf(w http.ResponseWriter, from io.Reader) (b *body, done func()) {
	control := http.NewResponseController(w)
	until := func(t time.Time) error {
		if err := control.SetReadDeadline(t); !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil // a test's recorder: its body is there already
	}
	past := time.Unix(1, 0)
	b = &body{from: from, extend: func() error {
		// The connection's deadline is the machine's own time, whatever clock the room has.
		if err := until(clock.System{}.Now().Add(idle)); err != nil {
			return err
		}
		if r.closed() {
			return http.ErrServerClosed
		}
		return nil
	}}
	over := make(chan struct{})
	go func() {
		select {
		case <-r.closing:
			_ = until(past) // a connection that is gone is read no more
		case <-over:
		}
	}()
	return b, func() { close(over); _ = until(time.Time{}) }
}

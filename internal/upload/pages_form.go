package upload

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Field gives a place to upload from, with what the account has begun and can go on with.
func (r *Room) Field(ctx context.Context, account who.ID, v FieldView) (FieldView, error) {
	var err error
	if v.Longest, err = r.Longest(ctx); err != nil {
		return v, err
	}
	list, err := r.List(ctx, account)
	v.Open = slices.DeleteFunc(list, func(u Upload) bool { return u.What != v.What || v.Detail != "" && u.Detail != v.Detail })
	return v, err
}

// postEnd takes an upload back from a page without scripts.
func (r *Room) postEnd(w http.ResponseWriter, q *http.Request) error {
	id, ok := who.ParseID(q.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "upload.error.gone")
	}
	if err := r.End(q.Context(), service.ViewerOf(q.Context()).Account, id); err != nil {
		return err
	}
	return service.Done(w, q, ui.LocalPath(q.PostFormValue("back")), "upload.ended")
}

// mostForm is how much of a form may stand beside its file, in bytes.
const mostForm = 64 << 10

// postForm takes one file in from an ordinary form, for browsers without scripts. Its fields "what", "detail" and "back" stand before
// the file.
func (r *Room) postForm(w http.ResponseWriter, q *http.Request) error {
	ctx := q.Context()
	longest, err := r.Longest(ctx)
	if err != nil {
		return err
	}
	if q.ContentLength > longest+mostForm {
		return tooLong(longest)
	}
	q.Body = http.MaxBytesReader(w, q.Body, longest+mostForm)
	b, done := r.bodyOf(w, q.Body)
	defer done()
	q.Body = io.NopCloser(whole{b})
	parts, err := q.MultipartReader()
	if err != nil {
		return &exit.Error{Kind: exit.Invalid, Key: "upload.error.form", Err: err}
	}
	d := Draft{Length: min(longest, max(q.ContentLength, 1))}
	if q.ContentLength < 0 {
		d.Length = longest
	}
	back := "/"
	for range 10 {
		part, err := parts.NextPart()
		if err != nil {
			return broken(err)
		}
		switch name := part.FormName(); {
		case name == "file" && part.FileName() != "":
			d.Name, d.Type = part.FileName(), part.Header.Get("Content-Type")
			u, err := r.Bring(ctx, service.ViewerOf(ctx).Account, d, part)
			if err != nil {
				return err
			}
			if page := r.Kinds[u.What].Page; page != nil {
				back = page(u)
			}
			return service.Done(w, q, back, "upload.done")
		case name == "file":
			return exit.Fail(exit.Invalid, "upload.error.none")
		default:
			text, err := io.ReadAll(io.LimitReader(part, 1024))
			if err != nil {
				return broken(err)
			}
			switch name {
			case "what":
				d.What = string(text)
			case "detail":
				d.Detail = string(text)
			case "back":
				back = ui.LocalPath(string(text))
			}
		}
	}
	return exit.Fail(exit.Invalid, "upload.error.none")
}

// whole reads a body as any other: where it broke off, that is its error.
type whole struct{ b *body }

func (x whole) Read(p []byte) (int, error) {
	n, err := x.b.Read(p)
	if err != nil && x.b.cut() != nil {
		err = x.b.cut()
	}
	return n, err
}

// broken says why a form could not be read.
func broken(err error) error {
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return err
	case errors.Is(err, io.EOF):
		return exit.Fail(exit.Invalid, "upload.error.none")
	}
	return &exit.Error{Kind: exit.Invalid, Key: "upload.error.cut", Err: err}
}

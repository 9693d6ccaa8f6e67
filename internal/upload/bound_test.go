package upload_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// content gives bytes that a seed decides.
func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0] = byte(seed)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

func (h *house) take(u upload.Upload) error {
	return h.d.Update(h.t.Context(), func(ctx context.Context) error {
		pass, err := h.desk.Enter(ctx, service.Write{By: u.Account})
		if err != nil {
			return err
		}
		return h.Taken(ctx, pass, u.ID)
	})
}

// TestBounds refuses what is too much.
func TestBounds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, mira := t.Context(), h.account()
		draft := upload.Draft{What: "video", Length: 2 << 20}
		h.RoomFor = func(_ context.Context, _ who.ID, more int64) error {
			if more > 3<<20 {
				return exit.Fail(exit.Conflict, "account.error.quota")
			}
			return nil
		}
		_, err := h.Create(ctx, mira, upload.Draft{What: "video", Length: 4 << 20})
		h.refused(err, exit.Conflict, "account.error.quota")
		for _, n := range []int64{0, upload.LeastLength - 1, upload.MostLength + 1} {
			h.refused(h.SetLongest(ctx, n), exit.Invalid, "upload.error.limit")
		}
		h.must(h.SetLongest(ctx, 1<<20))
		_, err = h.Create(ctx, mira, draft)
		h.refused(err, exit.Invalid, "upload.error.too_long")
		h.must(h.SetLongest(ctx, 4<<20))
		for range 20 {
			_, err := h.Create(ctx, mira, draft)
			h.must(err)
		}
		_, err = h.Create(ctx, mira, draft)
		h.refused(err, exit.TooMany, "upload.error.too_many")
		draft.Type, draft.Name = "video/\x00mp4", "a\x00.mp4"
		u, err := h.Create(ctx, h.account(), draft)
		h.must(err)
		if u.Type != "" || u.Name != "a.mp4" {
			t.Errorf("it is %q of type %q", u.Name, u.Type)
		}
	})
}

// TestFrozen receives nothing for an account that takes no writes, as a whole or in the service.
func TestFrozen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, in := range []string{"", "channel"} {
			mira := h.account()
			u, err := h.Create(t.Context(), mira, upload.Draft{What: "video", Length: 10})
			h.must(err)
			task := exit.Task{Run: "run1", Subject: exit.Account(mira.String()).Within(in)}
			h.must(h.d.Update(t.Context(), func(ctx context.Context) error { return h.desk.Freeze(ctx, task, true) }))
			if r := h.request(mira, "PATCH", "/uploads/"+u.ID.String(), strings.NewReader("hello"), typed, octets, at, "0"); r.StatusCode != 503 {
				t.Errorf("patch: %s", r.Status)
			}
			if r := h.request(mira, "POST", "/uploads", nil, "Upload-Length", "5", "Upload-Metadata", words("what", "video")); r.StatusCode != 503 {
				t.Errorf("post: %s", r.Status)
			}
			if h.sound(u.ID) != 0 {
				t.Error("something was kept")
			}
			objects, err := h.blobs.List(t.Context(), blobPrefix(mira), "", 10)
			h.must(err)
			if len(objects) != 0 {
				t.Errorf("%d objects are left of what was refused", len(objects))
			}
		}
	})
}

// form gives a multipart form with a file.
func form(t *testing.T, fields []string, name string, file []byte) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for pair := range slices.Chunk(fields, 2) {
		if err := w.WriteField(pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(file)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// TestForm brings a file by an ordinary form.
func TestForm(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		file := content(2, 5*pieceOf+77)
		for _, x := range []struct {
			name   string
			fields []string
			file   string
			size   int
			status int
		}{
			{"a video", []string{"what", "video", "detail", "7"}, "a.mp4", len(file), 303},
			{"no file", []string{"what", "video"}, "", 0, 422},
			{"an empty file", []string{"what", "video"}, "a.mp4", 0, 422},
			{"nothing known", []string{"what", "poem"}, "a.mp4", 10, 422},
			{"too much beside it", strings.Split(strings.Repeat("x,y,", 10)+"what,video", ","), "a.mp4", 10, 422},
		} {
			body, kind := form(t, x.fields, x.file, file[:x.size])
			r := h.request(mira, "POST", "/uploads/form", bytes.NewReader(body), typed, kind)
			if r.StatusCode != x.status {
				t.Errorf("%s: %s, want %d", x.name, r.Status, x.status)
			}
			if x.status == 303 && r.Header.Get("Location") != "/videos/7" {
				t.Errorf("%s leads to %q", x.name, r.Header.Get("Location"))
			}
		}
		if len(h.done) != 1 || !bytes.Equal(h.content(mira, h.done[0].ID), file) {
			t.Errorf("done: %+v", h.done)
		}
		if n := h.sole(`select count(*) from uploads where account_id = $1`, int64(mira)); n != 1 {
			t.Errorf("%d uploads are there, want the whole one", n)
		}
		h.must(h.SetLongest(t.Context(), 1<<20))
		body, kind := form(t, []string{"what", "video"}, "a.mp4", content(3, 2<<20))
		for _, r := range []io.Reader{bytes.NewReader(body), io.MultiReader(bytes.NewReader(body))} {
			if r := h.request(mira, "POST", "/uploads/form", r, typed, kind); r.StatusCode != 422 {
				t.Errorf("too long: %s", r.Status)
			}
		}
		if n := h.sole(`select count(*) from uploads where account_id = $1`, int64(mira)); n != 1 {
			t.Errorf("%d uploads are there, want the whole one", n)
		}
	})
}

// TestFormCut keeps nothing of a form that broke off.
func TestFormCut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		body, kind := form(t, []string{"what", "video"}, "a.mp4", content(4, 3*pieceOf))
		r := h.request(mira, "POST", "/uploads/form", bytes.NewReader(body[:2*pieceOf]), typed, kind)
		if r.StatusCode != 422 {
			t.Errorf("%s", r.Status)
		}
		if n := h.sole(`select count(*) from uploads where account_id = $1`, int64(mira)); n != 0 || len(h.ended) != 1 {
			t.Errorf("%d uploads are there, %d ended", n, len(h.ended))
		}
		h.emptied(mira)
	})
}

// glance calls a function when it is read, once, and ends.
type glance func()

func (g glance) Read([]byte) (int, error) { g(); return 0, io.EOF }

// TestFormForgotten has a form whose server died be forgotten within the hour: nobody can go on with it.
func TestFormForgotten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		var left int64
		first := bytes.NewReader(content(5, pieceOf+1))
		u, err := h.Bring(t.Context(), mira, upload.Draft{What: "video", Name: "a.mp4", Length: 1 << 20}, io.MultiReader(first, glance(func() {
			left = h.sole(`select expires_at from uploads where account_id = $1`, int64(mira)) - h.d.Clock.Now().UnixMilli()
		})))
		h.must(err)
		if left <= 0 || left > time.Hour.Milliseconds() {
			t.Errorf("half a form is kept for %d ms", left)
		}
		if whole := u.Expires.Sub(h.d.Clock.Now()); whole < 24*time.Hour {
			t.Errorf("a whole one is kept for %s", whole)
		}
	})
}

// TestUploadsAtOnce begins more uploads at once than the account has room for.
func TestUploadsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, mira := t.Context(), h.account()
		h.RoomFor = func(ctx context.Context, account who.ID, more int64) error {
			held, err := h.Stored(ctx, []who.ID{account})
			if err == nil && held[account]+more > 5<<20 {
				err = exit.Fail(exit.Conflict, "account.error.quota")
			}
			return err
		}
		begun := make(chan error, 8)
		for range cap(begun) {
			go func() {
				_, err := h.Create(ctx, mira, upload.Draft{What: "video", Length: 2 << 20})
				begun <- err
			}()
		}
		taken := 0
		for range cap(begun) {
			if err := <-begun; err == nil {
				taken++
			} else {
				h.refused(err, exit.Conflict, "account.error.quota")
			}
		}
		if taken != 2 {
			t.Errorf("%d uploads of 2 MiB were begun in 5 MiB", taken)
		}
	})
}

package blob_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/blob"
)

func (h house) wantLeft(t *testing.T, s exit.Subject, want int64) {
	t.Helper()
	left, err := h.Verify(t.Context(), exit.Task{Subject: s, Class: "media"})
	if err != nil || left.Left != want {
		t.Helper()
		t.Errorf("%d left of %s, want %d; error %v", left.Left, s, want, err)
	}
}

// drain does each chunk of a step twice, as after a crash before its progress was stored, and expects the same answer.
func (h house) drain(t *testing.T, s exit.Subject, limit int) (sum exit.Progress) {
	t.Helper()
	task := exit.Task{Run: "run1", Step: "erase:blob.media", Subject: s, Class: "media", Manner: exit.Erase, Limit: limit}
	for ; !sum.Done; task.Chunk++ {
		if task.Chunk > 200 {
			t.Fatal("no end")
		}
		p, err := h.Erase(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.Erase(t.Context(), task)
		if err != nil || again.Items != p.Items || again.Bytes != p.Bytes {
			t.Errorf("chunk %d did %+v, and when repeated %+v, error %v", task.Chunk, p, again, err)
		}
		if p.Items > int64(limit) {
			t.Errorf("chunk %d did %d items", task.Chunk, p.Items)
		}
		sum.Items, sum.Bytes, sum.Done, sum.Uncounted = sum.Items+p.Items, sum.Bytes+p.Bytes, p.Done, sum.Uncounted || p.Uncounted
		task.Cursor = p.Cursor
	}
	return sum
}

func TestHolder(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		one, other := exit.Account(h.one.String()), exit.Account(h.other.String())
		h.kept(t, h.other, 6)
		for _, limit := range []int{1, 7, 1000} {
			keys := h.kept(t, h.one, 21)
			h.put(t, h.one, blob.Archives, "not kept yet")
			h.update(t, func(ctx context.Context) error { return h.Doom(ctx, h.one, keys[:3]...) })
			h.wantLeft(t, one, 22+1+3)
			if c, err := h.Count(t.Context(), one, "media"); err != nil || c != (exit.Count{Items: 22, Bytes: 21*22/2 + 12}) {
				t.Errorf("counted %+v, error %v", c, err)
			}
			sum := h.drain(t, one, limit)
			if sum.Items != 22 || sum.Bytes != 21*22/2+12 || sum.Uncounted {
				t.Errorf("limit %d: %+v", limit, sum)
			}
			h.wantLeft(t, one, 0)
			h.wantLeft(t, other, 6)
		}
		if sum := h.drain(t, one, 7); sum.Items != 0 {
			t.Errorf("nothing there, and %+v", sum)
		}
		h.drain(t, other, 7)
		if h.root != "" {
			if names := h.onDisk(t); len(names) > 0 {
				t.Errorf("still in the folder: %q", names)
			}
		}
	})
}

// TestVerifySees asks that whatever an erasure leaves behind is found, whether the database knows it or not, and goes when
// the step begins anew.
func TestVerifySees(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		one := exit.Account(h.one.String())
		keys := h.kept(t, h.one, 12)
		h.drain(t, one, 5)
		h.wantLeft(t, one, 0)
		if err := h.Restore(t.Context(), keys[7], "image/jpeg", strings.NewReader("left behind")); err != nil {
			t.Fatal(err)
		}
		h.wantLeft(t, one, 1)
		p, err := h.Erase(t.Context(), exit.Task{Subject: one, Class: "media", Chunk: 9, Limit: 100})
		if err != nil || !p.Uncounted || p.Done {
			t.Errorf("begun anew: %+v, error %v", p, err)
		}
		h.wantLeft(t, one, 0)
		lost := h.put(t, h.one, blob.Posts, "x")
		if err := h.Delete(t.Context(), lost); err != nil {
			t.Fatal(err)
		}
		h.wantLeft(t, one, 1) // its pending row
	})
}

// TestNarrowed asks that leaving one service removes what its rows gave up, and no other file.
func TestNarrowed(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		one := exit.Account(h.one.String())
		keys := h.kept(t, h.one, 10)
		others := h.kept(t, h.other, 1)
		h.update(t, func(ctx context.Context) error {
			if err := h.Doom(ctx, h.other, others...); err != nil {
				return err
			}
			return h.Doom(ctx, h.one, keys[:6]...)
		})
		if err := h.Delete(t.Context(), keys[0]); err != nil {
			t.Fatal(err)
		}
		circle := one.Within("circle:9")
		h.wantLeft(t, circle, 6)
		if sum := h.drain(t, circle, 4); sum.Items != 5 || sum.Bytes != 2+3+4+5+6 {
			t.Errorf("did %+v, want 5 files", sum)
		}
		h.wantLeft(t, circle, 0)
		h.wantLeft(t, one, 4)
		h.wantLeft(t, exit.Account(h.other.String()).Within("circle"), 1)
	})
}

// slowUpload lets something happen while a blob is written.
type slowUpload struct {
	during func()
	r      io.Reader
}

func (s *slowUpload) Read(p []byte) (int, error) {
	if s.during != nil {
		s.during()
		s.during = nil
	}
	return s.r.Read(p)
}

// TestPutDuringErasure asks that an upload which an erasure overtakes leaves nothing.
func TestPutDuringErasure(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		one := exit.Account(h.one.String())
		upload := &slowUpload{r: strings.NewReader("too late"), during: func() { h.drain(t, one, 100) }}
		_, err := h.Put(t.Context(), h.one, blob.Posts, ".jpg", "image/jpeg", upload)
		if err == nil {
			t.Error("the upload was answered with success")
		}
		h.drain(t, one, 100)
		h.wantLeft(t, one, 0)
		if h.root != "" {
			if names := h.onDisk(t); len(names) > 0 {
				t.Errorf("still in the folder: %q", names)
			}
		}
	})
}

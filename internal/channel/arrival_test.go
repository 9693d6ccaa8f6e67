package channel_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// begin begins an upload for a video, as a browser does.
func (h *studio) begin(v who.Viewer, id who.ID, file []byte) upload.Upload {
	h.t.Helper()
	u, err := h.uploads.Create(h.t.Context(), v.Account, upload.Draft{What: channel.KindVideo, Name: "clip.mp4", Detail: id.String(), Length: int64(len(file))})
	h.must(err)
	return u
}

// send sends a part of an upload, from an offset on.
func (h *studio) send(u upload.Upload, from int, part []byte) (err error) {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodPatch, upload.Path+"/"+u.ID.String(), bytes.NewReader(part))
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": strconv.Itoa(from)} {
		r.Header.Set(name, value)
	}
	mux := http.NewServeMux()
	for _, rt := range h.uploads.Routes() {
		mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, r *http.Request) { err = rt.Handle(w, r) })
	}
	w := httptest.NewRecorder()
	session := &service.Session{Viewer: who.Viewer{Account: u.Account, State: who.Active}}
	mux.ServeHTTP(w, r.WithContext(service.WithSession(ui.WithReader(r.Context(), ui.Reader{Lang: ui.English}), session)))
	if err == nil && w.Code != http.StatusNoContent {
		h.t.Errorf("a part of an upload: %d %s", w.Code, w.Body)
	}
	return err
}

// TestSecondFile has two browsers send a file for one video: the one that is whole first is the video's, and what everybody sees is not changed by
// the other any more.
func TestSecondFile(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, guest := h.creator("ann"), who.Viewer{}
		id, err := h.NewVideo(ctx, ann, "clip.mp4")
		h.must(err)
		first, second := clip(t, ".mp4"), clip(t, ".mkv")
		a, b, c := h.begin(ann, id, first), h.begin(ann, id, second), h.begin(ann, id, second)
		h.must(h.send(a, 0, first))
		h.must(h.send(b, 0, second))
		h.work()
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "海"}, time.Time{}))
		shown := h.see(guest, id)
		h.must(h.send(c, 0, second))
		h.work()
		if x := h.see(guest, id); x.Original != shown.Original || x.Bytes != int64(len(first)) || x.Media != channel.Ready {
			t.Errorf("it is %s with %d bytes, want the first file's %d", x.Media, x.Bytes, len(first))
		}
		if n := h.sole(`select count(*) from upload_pieces`); n != 0 {
			t.Errorf("%d pieces are left of files that came too late", n)
		}
		h.tidy()
	})
}

// TestErasedWhileItCame erases a video of which a file has come, and another is on its way.
func TestErasedWhileItCame(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann := h.creator("ann")
		file := clip(t, ".mp4")
		whole, err := h.NewVideo(ctx, ann, "whole.mp4")
		h.must(err)
		half, err := h.NewVideo(ctx, ann, "half.mp4")
		h.must(err)
		kept := h.bring(ann, 0, "kept.mp4", file)
		h.must(h.send(h.begin(ann, whole, file), 0, file))
		u := h.begin(ann, half, file)
		h.must(h.send(u, 0, file[:1000]))
		h.must(h.Delete(ctx, ann, whole))
		h.must(h.Delete(ctx, ann, half))
		h.must(h.Undo(ctx, ann, whole))
		h.must(h.Delete(ctx, ann, whole))
		dbtest.Clock(t, h.d).Add(time.Minute)
		h.work()
		if n := h.sole(`select count(*) from upload_pieces`); n != 0 {
			t.Errorf("%d pieces are left of videos that were erased", n)
		}
		h.refused(h.send(u, 1000, file[1000:]), exit.NotFound, "upload.error.gone")
		if x := h.see(ann, kept); x.Media != channel.Ready {
			t.Errorf("another video is %s", x.Media)
		}
		h.tidy()
	})
}

package channel_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/media"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

func TestWithoutTools(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, guest := h.creator("ann"), who.Viewer{}
		id := h.bring(ann, 0, "clip.mp4", clip(t, ".mp4"))
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "原样"}, time.Time{}))
		h.work()
		x := h.see(guest, id)
		if x.Media != channel.Plain || x.Fault != "channel.fault.plain" {
			t.Errorf("without ffmpeg it is %s, %q", x.Media, x.Fault)
		}
		if may, public, _, err := h.MayMedia(ctx, guest, x.Original); err != nil || !may || !public {
			t.Errorf("nothing plays: %t %t %v", may, public, err)
		}
		h.shows(ann, ui.English, channel.VideoPath(id)+"/edit", []string{"has no FFmpeg, so the video plays as it came"}, []string{"Try again"})
		webm := h.bring(ann, 0, "clip.avi", clip(t, ".webm"))
		mkv := h.bring(ann, 0, "clip.mp4", clip(t, ".mkv"))
		h.work()
		if x := h.see(ann, webm); x.Media != channel.Plain || x.Type != "video/webm" || !strings.HasSuffix(x.Original, ".webm") {
			t.Errorf("a WebM is %s, %s", x.Media, x.Type)
		}
		if x := h.see(ann, mkv); x.Media != channel.Failed || x.Fault != "channel.fault.no_tools" || strings.HasSuffix(x.Original, ".mp4") {
			t.Errorf("a Matroska is %s, %q, %s", x.Media, x.Fault, x.Original)
		}
		h.shows(ann, ui.Chinese, channel.VideoPath(mkv)+"/edit", []string{"没有装 FFmpeg", "再处理一次"}, nil)
		h.tidy()

		// FFmpeg has come.
		h.Tools = tools
		h.must(h.Again(ctx, ann, id))
		h.must(h.Again(ctx, ann, mkv))
		if x := h.see(guest, id); x.Media != channel.Plain {
			t.Errorf("while it is made, it is %s", x.Media)
		}
		h.work()
		for _, id := range []who.ID{id, mkv} {
			if x := h.see(ann, id); x.Media != channel.Ready || x.Fault != "" || x.Poster == "" {
				t.Errorf("it is %s, %q", x.Media, x.Fault)
			}
		}
		h.unseen(guest, mkv)
		if may, _, _, err := h.MayMedia(ctx, guest, x.Original); err != nil || may {
			t.Errorf("the original is served now that there are renditions: %v", err)
		}
		h.refused(h.Again(ctx, ann, id), exit.Conflict, "channel.error.no_again")
		h.tidy()
	})
}

func TestBadFiles(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann := h.creator("ann")
		whole := clip(t, ".mp4")
		for name, file := range map[string][]byte{
			"words":     []byte("this is no film"),
			"playlist":  []byte("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n"),
			"truncated": whole[:len(whole)/3],
		} {
			id := h.bring(ann, 0, name+".mp4", file)
			h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: name}, time.Time{}))
			h.work()
			x := h.see(ann, id)
			if x.Media != channel.Failed || !strings.HasPrefix(x.Fault, "media.error.") || !ui.HasKey(x.Fault) {
				t.Errorf("%s: it is %s, %q", name, x.Media, x.Fault)
			}
			h.unseen(who.Viewer{}, id, x.Original)
			h.refused(h.Publish(ctx, ann, id, channel.VideoWords{Title: name}, time.Time{}), exit.Conflict, "channel.error.failed")

			// Another file, for the same video.
			if again := h.bring(ann, id, "clip.mp4", whole); again != id {
				t.Errorf("%s: another file made another video", name)
			}
			h.work()
			if x := h.see(who.Viewer{}, id); x.Media != channel.Ready || x.State != channel.Live || x.File != "clip.mp4" {
				t.Errorf("%s: with another file it is %s, %s", name, x.Media, x.State)
			}
		}
		h.tidy()
		long := h.bring(ann, 0, "long.mp4", whole)
		h.must(h.SetLimits(ctx, who.Viewer{Account: 9, Operator: true}, channel.Limits{Minutes: 1}))
		h.work()
		if x := h.see(ann, long); x.Media != channel.Ready {
			t.Errorf("of two seconds within a minute it is %s", x.Media)
		}
	})
}

// TestProcessStops has the account freeze, the video be deleted, and another process work, while a video waits.
func TestProcessStops(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, guest := h.creator("ann"), who.Viewer{}
		gone := h.bring(ann, 0, "gone.mp4", clip(t, ".mp4"))
		h.must(h.Delete(ctx, ann, gone))
		rests := h.bring(ann, 0, "rests.mp4", clip(t, ".mp4"))
		h.veil(ann)
		h.work()
		if x := h.see(ann, rests); x.Media != channel.Processing || x.Original != "" {
			t.Errorf("while its account is frozen it is %s", x.Media)
		}
		if n := h.sole(`select count(*) from video_renditions`); n != 0 {
			t.Errorf("%d renditions were kept of what is frozen or gone", n)
		}
		h.wake(ann)
		h.after(time.Hour)
		h.work()
		if x := h.see(ann, rests); x.Media != channel.Ready {
			t.Errorf("awake again it is %s", x.Media)
		}
		h.unseen(guest, gone)
		dbtest.Clock(t, h.d).Add(25 * time.Hour)
		_, err := h.blobs.Sweep(ctx)
		h.must(err)
		h.tidy()
	})
}

// wake ends what [studio.veil] began.
func (h *studio) wake(v who.Viewer) {
	h.t.Helper()
	h.must(h.d.Update(h.t.Context(), func(ctx context.Context) error {
		t := exit.Task{Run: "run1", Subject: exit.Account(v.Account.String()).Within(channel.Name)}
		if err := h.desk.Veil(ctx, t, false); err != nil {
			return err
		}
		return h.desk.Freeze(ctx, t, false)
	}))
}

// TestProcessTwice has the work on a video break off at its end, again and again, and then go through.
func TestProcessTwice(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ann := h.creator("ann")
		id := h.bring(ann, 0, "clip.mp4", clip(t, ".mp4"))
		whole := h.Tools
		h.Tools = func() media.Tools { return media.Tools{FFmpeg: "/bin/false", FFprobe: whole().FFprobe} }
		for range 2 {
			_, err := h.queue.Work(t.Context(), 1)
			h.must(err)
			dbtest.Clock(t, h.d).Add(time.Hour)
		}
		h.Tools = whole
		h.must(h.again(ann, id))
		h.work()
		x := h.see(ann, id)
		if x.Media != channel.Ready {
			t.Errorf("in the end it is %s, %q", x.Media, x.Fault)
		}
		if n := h.sole(`select count(*) from video_frames where video_id = $1`, int64(id)); n != 6 {
			t.Errorf("it has %d frames", n)
		}
		dbtest.Clock(t, h.d).Add(25 * time.Hour)
		_, err := h.blobs.Sweep(t.Context())
		h.must(err)
		h.tidy()
		played, frames, original := h.keys(id)
		for _, key := range append(append(played, frames...), original) {
			if _, err := h.blobs.Size(t.Context(), key); err != nil {
				t.Errorf("%s was swept: %v", key, err)
			}
		}
	})
}

// again asks for another attempt where the last one had ended.
func (h *studio) again(v who.Viewer, id who.ID) error {
	if h.see(v, id).Media != channel.Failed {
		return nil
	}
	return h.Again(h.t.Context(), v, id)
}

package channel_test

import (
	"testing"
	"time"

	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/who"
)

// told counts what an account was told of a kind.
func (h *studio) told(v who.Viewer, kind notify.Kind) int64 {
	h.t.Helper()
	return h.sole(`select count(*) from notices where account_id = $1 and kind = $2`, int64(v.Account), string(kind))
}

// TestOwnerIsTold has a video fail, and a scheduled one be refused, while its owner is away; what goes well is not told.
func TestOwnerIsTold(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, bob := h.creator("ann"), h.creator("bob")
		h.film(ann)
		if h.told(ann, notify.VideoFailed) != 0 {
			t.Error("a video that is ready is told as failed")
		}
		bad := h.bring(ann, 0, "words.mp4", []byte("this is no film"))
		h.work()
		if n := h.told(ann, notify.VideoFailed); n != 1 {
			t.Errorf("%d times told that a video failed, want 1", n)
		}
		if to, want := h.Notices.Lead[notify.VideoFailed](notify.Notice{On: who.Ref{Kind: channel.KindVideo, ID: bad}}), channel.VideoPath(bad)+"/edit"; to != want {
			t.Errorf("it leads to %s, want %s", to, want)
		}

		id := h.film(ann)
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "明天"}, dbtest.Start.Add(48*time.Hour)))
		h.refuse = "明天"
		h.after(49 * time.Hour)
		h.sweep(1)
		h.sweep(0)
		if x := h.see(ann, id); x.State != channel.Drafted {
			t.Errorf("it is %s", x.State)
		}
		if n := h.told(ann, notify.VideoUnpublished); n != 1 {
			t.Errorf("%d times told that a video was not published, want 1", n)
		}

		// Who has switched it off is told nothing.
		h.must(h.Notices.Choose(ctx, bob, map[notify.Kind]notify.Switch{notify.VideoFailed: {}}))
		h.bring(bob, 0, "words.mp4", []byte("this is no film"))
		h.work()
		if n := h.told(bob, notify.VideoFailed); n != 0 {
			t.Errorf("%d times told what was switched off", n)
		}
		h.refuse = ""
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "明天"}, time.Time{}))
		if n := h.sole(`select count(*) from notices where account_id = $1`, int64(ann.Account)); n != 2 {
			t.Errorf("%d notices in all, want 2: success is quiet", n)
		}
	})
}

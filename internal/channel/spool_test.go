package channel_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
)

// TestSweepSpool clears what killed processes have left, but for what will be gone on with.
func TestSweepSpool(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		for _, name := range []string{"video-7", "video-8", "batch-7", "batch-9", "pack-7"} {
			h.must(os.Mkdir(filepath.Join(h.spool, name), 0o700))
			h.must(os.WriteFile(filepath.Join(h.spool, name, "original"), []byte("film"), 0o600))
		}
		h.must(h.d.Update(ctx, func(ctx context.Context) error {
			if err := h.queue.Add(ctx, job.Job{Kind: "channel.process", Ref: "8"}); err != nil {
				return err
			}
			return h.queue.Add(ctx, job.Job{Kind: "channel.batch", Ref: "7"})
		}))
		n, err := h.SweepSpool(ctx, 10)
		h.must(err)
		left, err := filepath.Glob(filepath.Join(h.spool, "*"))
		h.must(err)
		var names []string
		for _, path := range left {
			names = append(names, filepath.Base(path))
		}
		if want := []string{"batch-7", "pack-7", "video-8"}; n != 2 || !slices.Equal(names, want) {
			t.Errorf("%d were cleared, %q are left, want %q", n, names, want)
		}
	})
}

// TestDaysOfWork has FFmpeg take so long that what was put before is swept meanwhile.
func TestDaysOfWork(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ann := h.creator("ann")
		dir := t.TempDir()
		begun, goOn := filepath.Join(dir, "begun"), filepath.Join(dir, "go")
		// It waits where renditions are made, which are all that progress is told of.
		script := "#!/bin/sh\ncase \"$*\" in *hls*) : > '" + begun + "'; while [ ! -e '" + goOn + "' ]; do sleep 0.02; done;; esac\nexec '" + h.Tools.FFmpeg + "' \"$@\"\n"
		h.Tools.FFmpeg = filepath.Join(dir, "ffmpeg")
		h.must(os.WriteFile(h.Tools.FFmpeg, []byte(script), 0o700)) //nolint:gosec // it is run
		id := h.bring(ann, 0, "clip.mp4", clip(t, ".mp4"))
		done := make(chan error, 1)
		go func() {
			_, err := h.queue.Work(ctx, 1)
			done <- err
		}()
		for _, err := os.Stat(begun); err != nil && ctx.Err() == nil; _, err = os.Stat(begun) {
		}
		dbtest.Clock(t, h.d).Add(30 * time.Hour)
		_, err := h.blobs.Sweep(ctx)
		h.must(err)
		h.must(os.WriteFile(goOn, nil, 0o600))
		h.must(<-done)
		if x := h.see(ann, id); x.Media != channel.Ready {
			t.Errorf("after days of work it is %s, %q", x.Media, x.Fault)
		}
		h.tidy()
	})
}

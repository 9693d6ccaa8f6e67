package channel_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/media"
	"exeunt/internal/who"
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
		swept := int64(0)
		for n := int64(1); n > 0; swept += n {
			var err error
			n, err = h.SweepSpool(ctx, 1) // the one that is looked at first may wait
			h.must(err)
		}
		left, err := filepath.Glob(filepath.Join(h.spool, "*"))
		h.must(err)
		var names []string
		for _, path := range left {
			names = append(names, filepath.Base(path))
		}
		if want := []string{"batch-7", "pack-7", "video-8"}; swept != 2 || !slices.Equal(names, want) {
			t.Errorf("%d were cleared, %q are left, want %q", swept, names, want)
		}
	})
}

// halt has FFmpeg stop where it makes the renditions of a new video of somebody's, and gives its id; the video's job goes on when goOn is called, which gives how it ended.
func (h *studio) halt(v who.Viewer) (id who.ID, goOn func() error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	h.t.Cleanup(cancel)
	dir := h.t.TempDir()
	begun, on := filepath.Join(dir, "begun"), filepath.Join(dir, "on")
	own := h.Tools()
	script := "#!/bin/sh\ncase \"$*\" in *hls*) : > '" + begun + "'; while [ ! -e '" + on + "' ]; do sleep 0.02; done;; esac\nexec '" + own.FFmpeg + "' \"$@\"\n"
	own.FFmpeg = filepath.Join(dir, "ffmpeg")
	h.Tools = func() media.Tools { return own }
	h.must(os.WriteFile(own.FFmpeg, []byte(script), 0o700))
	id = h.bring(v, 0, "clip.mp4", clip(h.t, ".mp4"))
	done := make(chan error, 1)
	go func() {
		_, err := h.queue.Work(ctx, 1)
		done <- err
	}()
	for _, err := os.Stat(begun); err != nil && ctx.Err() == nil; _, err = os.Stat(begun) {
		runtime.Gosched()
	}
	return id, func() error {
		return errors.Join(os.WriteFile(on, nil, 0o600), <-done)
	}
}

// TestDaysOfWork has FFmpeg take so long that what was put before is swept meanwhile.
func TestDaysOfWork(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ann := h.creator("ann")
		id, goOn := h.halt(ann)
		dbtest.Clock(t, h.d).Add(30 * time.Hour)
		_, err := h.blobs.Sweep(t.Context())
		h.must(err)
		h.must(goOn())
		if x := h.see(ann, id); x.Media != channel.Ready {
			t.Errorf("after days of work it is %s, %q", x.Media, x.Fault)
		}
		h.tidy()
	})
}

// TestTurns has an account with many videos wait for who has few: the first first, each account in its turn.
func TestTurns(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, bob, eve := h.creator("ann"), h.creator("bob"), h.creator("eve")
		names := map[who.ID]string{}
		for _, x := range []struct {
			v    who.Viewer
			name string
		}{{ann, "a1"}, {ann, "a2"}, {ann, "a3"}, {bob, "b1"}, {bob, "b2"}, {eve, "e1"}} {
			names[h.bring(x.v, 0, x.name+".mp4", clip(t, ".mp4"))] = x.name
			dbtest.Clock(t, h.d).Add(time.Millisecond)
		}
		var order []string
		for n := 1; n > 0; {
			var err error
			n, err = h.queue.Work(ctx, 1)
			h.must(err)
			for id, name := range names {
				if h.sole(`select count(*) from videos where id = $1 and media = 'plain'`, int64(id)) == 1 {
					order = append(order, name)
					delete(names, id)
				}
			}
		}
		if want := []string{"a1", "b1", "e1", "a2", "b2", "a3"}; !slices.Equal(order, want) {
			t.Errorf("they were made in the order %q, want %q", order, want)
		}
	})
}

// TestManyWait has many videos wait for one: they do not ask for their turn so often that nothing else is done.
func TestManyWait(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		_, goOn := h.halt(h.creator("ann"))
		const waiting = 30
		h.must(h.d.Update(t.Context(), func(ctx context.Context) error {
			for i := range waiting {
				if err := h.queue.Add(ctx, job.Job{Kind: "channel.process", Ref: strconv.Itoa(i + 1)}); err != nil {
					return err
				}
			}
			return nil
		}))
		asked := 0
		for range 25 { // seconds: then the lease of the one that is worked on would have to be renewed
			n, err := h.queue.Work(t.Context(), 2*waiting)
			h.must(err)
			asked += n
			dbtest.Clock(t, h.d).Add(time.Second)
		}
		if asked < waiting || asked > 5*waiting {
			t.Errorf("%d videos asked %d times for their turn", waiting, asked)
		}
		h.must(goOn())
		dbtest.Clock(t, h.d).Add(time.Minute)
		h.work()
		if n := h.sole(`select count(*) from jobs`); n != 0 {
			t.Errorf("%d jobs are left", n)
		}
	})
}

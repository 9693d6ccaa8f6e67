package channel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/upload"
)

// victim names the variable that has this test binary, built with fail points, work on what is due and end: the database, the media folder, the
// spool, and the machine's time in Unix seconds.
const victim = "EXEUNT_CHANNEL_VICTIM"

func TestMain(m *testing.M) {
	if task := os.Getenv(victim); task != "" {
		if err := process(context.Background(), strings.Split(task, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process has all videos worked on that wait.
func process(ctx context.Context, task []string) error {
	now, err := strconv.ParseInt(task[3], 10, 64)
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, task[0], clock.NewFake(time.Unix(now, 0)))
	if err != nil {
		return err
	}
	blobs, err := blob.Open(ctx, task[1], d, d.Clock, channel.Name)
	if err != nil {
		return err
	}
	registry := &service.Registry{}
	desk := service.NewDesk(d, registry)
	q := job.New(d, d.Clock)
	channel.New(channel.Config{
		DB: d, Desk: desk, Registry: registry, Blobs: blobs, Queue: q, Posts: post.New(post.Config{DB: d, Desk: desk, Registry: registry, NameKey: strings.ToLower}),
		Uploads: upload.New(upload.Config{DB: d, Desk: desk, Blobs: blobs}), Tools: tools, Spool: task[2],
	})
	for n := 1; n > 0 && err == nil; {
		n, err = q.Work(ctx, 10)
	}
	return errors.Join(err, blobs.Close(), d.Close())
}

// tiny gives a film of half a second of what one of ffmpeg's generators draws.
func tiny(t *testing.T, generator string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tiny.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", generator+"=size=128x96:rate=8", "-t", "0.5", "-pix_fmt", "yuv420p", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestProcessCrashes kills the process at every seventh of its commits and calls to the media store while it works on a video. The next one goes on:
// the video is ready, its file is what was sent, and the store keeps what rows refer to and nothing else.
func TestProcessCrashes(t *testing.T) {
	program := filepath.Join(t.TempDir(), "victim")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "failpoint", "-o", program, "exeunt/internal/channel").CombinedOutput()
	if err != nil {
		t.Fatalf("build with fail points: %v: %s", err, out)
	}
	film := tiny(t, "testsrc")
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		c := clock.NewFake(clock.System{}.Now())
		d, err := db.Open(t.Context(), address, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		folder, spool := t.TempDir(), t.TempDir()
		h := openStudioAt(t, d, tools(), spool, folder)
		ann := h.creator("ann")
		run := func(n int) (killed bool, said string) {
			c.Add(2 * time.Minute) // the dead one's lease runs out
			released(t, d)
			return die(t, program, strings.Join([]string{address, folder, spool, strconv.FormatInt(c.Now().Unix(), 10)}, "\n"), n)
		}
		killed := 0
		first := 2
		if !d.SQLite() {
			first = 5
		}
		for n := first; ; n += 7 {
			id := h.bring(ann, 0, "tiny.mp4", film)
			crashed, _ := run(n)
			died, said := run(0)
			if died {
				t.Fatal("it dies without being killed")
			}
			x := h.see(ann, id)
			played, frames, original := h.keys(id)
			if x.Media != channel.Ready || len(played) != 3 || len(frames) != 6 || x.Original != original {
				t.Fatalf("killed at %d: it is %s, %q, with %d files and %d frames; said: %s", n, x.Media, x.Fault, len(played), len(frames), said)
			}
			r, err := h.blobs.NewReader(t.Context(), original, 0, -1)
			h.must(err)
			var got bytes.Buffer
			_, err = got.ReadFrom(r)
			h.must(errors.Join(err, r.Close()))
			if !bytes.Equal(got.Bytes(), film) {
				t.Errorf("killed at %d: the original has %d bytes", n, got.Len())
			}
			c.Add(25 * time.Hour)
			_, err = h.blobs.Sweep(t.Context())
			h.must(err)
			h.wantStore(folder, 1+len(played)+len(frames), n)
			h.tidy()
			h.must(h.Delete(t.Context(), ann, id))
			c.Add(time.Minute)
			h.work()
			if !crashed {
				break
			}
			killed++
		}
		if killed < 4 {
			t.Errorf("it was killed %d times, want at each seventh of at least thirty places", killed)
		}
	})
}

// wantStore wants so many files in the media folder.
func (h *studio) wantStore(folder string, want, killed int) {
	h.t.Helper()
	n := 0
	h.must(filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && !strings.HasSuffix(e.Name(), ".attrs") {
			n++
		}
		return err
	}))
	if n != want {
		h.t.Errorf("killed at %d: the store keeps %d files, want %d", killed, n, want)
	}
}

// released waits until PostgreSQL has seen that a killed process is gone: until then what that held is locked, and whoever looks for work passes it by.
func released(t *testing.T, d *db.DB) {
	t.Helper()
	for busy := !d.SQLite(); busy; {
		if err := d.Reader.QueryRowContext(t.Context(), `select count(*) > 0 from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`).Scan(&busy); err != nil {
			t.Fatal(err)
		}
	}
}

// die runs the victim and reports whether it killed itself at the n-th place, and what it logged.
func die(t *testing.T, program, task string, n int) (killed bool, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), victim+"="+task, fmt.Sprint("EXEUNT_FAIL_AT=", n))
	out, err := cmd.CombinedOutput()
	var e *exec.ExitError
	if errors.As(err, &e) && e.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true, string(out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return false, string(out)
}

package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"exeunt/internal/blob"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// victim names the variable that has this test binary, built with fail points, send one file to a room and end: the database, the
// media folder, the account and the upload.
const victim = "EXEUNT_UPLOAD_VICTIM"

// sent is the file that is sent there.
func sent() []byte { return content(7, 3*pieceOf+1000) }

func TestMain(m *testing.M) {
	if task := os.Getenv(victim); task != "" {
		if err := send(context.Background(), strings.Split(task, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// send continues the upload from where it is, until it is whole.
func send(ctx context.Context, task []string) error {
	account, _ := who.ParseID(task[2])
	id, _ := who.ParseID(task[3])
	d, err := db.Open(ctx, task[0], clock.System{})
	if err != nil {
		return err
	}
	blobs, err := blob.Open(ctx, task[1], d, d.Clock, "channel")
	if err != nil {
		return err
	}
	r := upload.New(upload.Config{DB: d, Desk: service.NewDesk(d, &service.Registry{}), Blobs: blobs, Piece: pieceOf})
	r.Kinds["video"] = upload.Kind{Service: "channel"}
	return errors.Join(r.Continue(ctx, account, id, func(offset int64) []byte { return sent()[offset:] }), blobs.Close(), d.Close())
}

// TestCrashes kills the process at each commit and each call to the media store while a file is received. What the database tells of
// the upload is what is there, and going on from there gives what was sent.
func TestCrashes(t *testing.T) {
	program := filepath.Join(t.TempDir(), "victim")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "failpoint", "-o", program, "exeunt/internal/upload").CombinedOutput()
	if err != nil {
		t.Fatalf("build with fail points: %v: %s", err, out)
	}
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		d, err := db.Open(t.Context(), address, clock.System{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		media := t.TempDir()
		h := open(t, d, media)
		mira := h.account()
		killed := 0
		for n := 1; ; n++ {
			u, err := h.Create(t.Context(), mira, upload.Draft{What: "video", Length: int64(len(sent()))})
			h.must(err)
			task := strings.Join([]string{address, media, mira.String(), u.ID.String()}, "\n")
			crashed := die(t, program, task, n)
			if at := h.sound(u.ID); at > 0 && at < int64(len(sent())) && at%pieceOf != 0 {
				t.Errorf("killed at %d: the offset is %d", n, at)
			}
			if die(t, program, task, 0) {
				t.Fatal("it dies without being killed")
			}
			if !bytes.Equal(h.content(mira, u.ID), sent()) {
				t.Errorf("killed at %d: the content is not what was sent", n)
			}
			h.must(h.take(u))
			if !crashed {
				break
			}
			killed++
		}
		if killed < 10 {
			t.Errorf("it was killed %d times, want at each of at least ten places", killed)
		}
	})
}

// die runs the victim and reports whether it killed itself at the n-th place.
func die(t *testing.T, program, task string, n int) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), victim+"="+task, fmt.Sprint("EXEUNT_FAIL_AT=", n))
	out, err := cmd.CombinedOutput()
	var e *exec.ExitError
	if errors.As(err, &e) && e.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return false
}

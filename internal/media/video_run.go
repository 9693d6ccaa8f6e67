package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"exeunt/exit"
)

// defaultThreads is the number of processors, at most 8: more threads take memory and give little.
func defaultThreads() int { return min(runtime.NumCPU(), 8) }

func (l VideoLimits) orDefault() VideoLimits {
	d := DefaultVideoLimits
	if l.Duration > 0 {
		d.Duration = l.Duration
	}
	if l.Pixels > 0 {
		d.Pixels = l.Pixels
	}
	if l.Side > 0 {
		d.Side = l.Side
	}
	if l.Memory > 0 {
		d.Memory = l.Memory
	}
	if l.Output > 0 {
		d.Output = l.Output
	}
	if l.Slowness > 0 {
		d.Slowness = l.Slowness
	}
	if l.Patience > 0 {
		d.Patience = l.Patience
	}
	if l.Threads > 0 {
		d.Threads = l.Threads
	}
	return d
}

// patience is how long a child may take for a video of this length.
func (l VideoLimits) patience(video time.Duration) time.Duration {
	return time.Minute + time.Duration(l.Slowness)*min(video, l.Duration)
}

const (
	// mostComplaint bounds what is kept of a child's words about an error, in bytes.
	mostComplaint = 2 << 10
	// lastWords is how long a killed child's pipes are waited for.
	lastWords = 5 * time.Second
	// shortWork bounds what takes a moment whatever the video's length: reading its head, one picture.
	shortWork = 2 * time.Minute
)

// input names the descriptor under which a child finds the video. It opens the file anew, so that children that read the same
// one at once have a position each, and can seek.
const input = "/dev/fd/3"

// errSlow is the cause of a context that ended because a child's time was over.
var errSlow = errors.New("took too long")

// errNotStarted is in the chain of an error of a child that has not begun, or not under its limits.
var errNotStarted = errors.New("a child could not be started")

// work is one run of a tool.
type work struct {
	program  string
	args     []string
	video    *os.File
	dir      string // where it runs; "" for none of its own
	patience time.Duration
	out      io.Writer
}

// failure is a child that ended with an error, and the end of what it said.
type failure struct {
	err       error
	complaint string
}

func (f *failure) Error() string { return f.err.Error() + ": " + f.complaint }
func (f *failure) Unwrap() error { return f.err }

// run starts a tool and waits for its end. It has no standard input, no environment, a process group of its own, limits, the
// video as its only descriptor, and where the machine lets it no network. It ends when ctx does or its time is over.
func (t Tools) run(ctx context.Context, w work) error {
	ctx, cancel := context.WithTimeoutCause(ctx, w.patience, errSlow)
	defer cancel()
	said := &tail{most: mostComplaint}
	cmd := exec.CommandContext(ctx, w.program, w.args...) //nolint:gosec // the tool that was found in PATH; no shell reads the arguments
	cmd.Dir = w.dir
	cmd.Env = []string{"LC_ALL=C", "MALLOC_ARENA_MAX=2"} // threads' own arenas would count against the address space
	cmd.Stdout, cmd.Stderr = w.out, said
	cmd.WaitDelay = lastWords
	if w.video != nil {
		cmd.ExtraFiles = []*os.File{w.video}
	}
	err := t.confined(ctx, cmd, w.patience)
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errSlow):
		return &exit.Error{Kind: exit.Invalid, Key: "media.error.video_slow", Err: err}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errNotStarted):
		return err
	case stopped(err):
		return fmt.Errorf("somebody stopped a child: %w", err)
	}
	complaint := strings.ToValidUTF8(said.String(), "")
	if strings.Contains(complaint, "No space left on device") || strings.Contains(complaint, "Disk quota exceeded") {
		return &exit.Error{Kind: exit.Unavailable, Key: "media.error.video_full", Err: err}
	}
	if strings.Contains(complaint, "Cannot allocate memory") || strings.Contains(complaint, "malloc") {
		return &exit.Error{Kind: exit.Invalid, Key: "media.error.video_slow", Err: err}
	}
	return &failure{err, complaint}
}

// stopped reports whether a child ended because somebody else told it to: a system that goes down, or that has no memory left. The
// video is not to blame, and the work can be done again.
func stopped(err error) bool {
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return false
	}
	if ended.ExitCode() == 255 { // how ffmpeg ends when it is told to
		return true
	}
	status, ok := ended.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return false
	}
	return slices.Contains([]syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}, status.Signal())
}

// tail keeps the end of what is written to it.
type tail struct {
	most int
	b    []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p[max(0, len(p)-t.most):]...)
	t.b = t.b[max(0, len(t.b)-t.most):]
	return len(p), nil
}

func (t *tail) String() string { return string(bytes.TrimSpace(t.b)) }

// bounded is a buffer that takes so many bytes and then fails.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, fmt.Errorf("more than %d bytes", b.most)
	}
	return b.Buffer.Write(p)
}

// versionOf asks a tool what it is.
func (t Tools) versionOf(ctx context.Context, program string) (string, error) {
	out := &bounded{most: 64 << 10}
	if err := t.run(ctx, work{program: program, args: []string{"-version"}, patience: shortWork, out: out}); err != nil {
		return "", err
	}
	fields := strings.Fields(out.String())
	if len(fields) < 3 || fields[1] != "version" {
		return "", errors.New("does not tell its version")
	}
	version, _, _ := strings.Cut(fields[2], "-")
	return version, nil
}

// offers reports whether ffmpeg lists something by this name.
func (t Tools) offers(ctx context.Context, list, name string) bool {
	out := &bounded{most: 256 << 10}
	if err := t.run(ctx, work{program: t.FFmpeg, args: []string{"-hide_banner", list}, patience: shortWork, out: out}); err != nil {
		return false
	}
	return strings.Contains(out.String(), " "+name+" ")
}

func findTools(ctx context.Context) Tools {
	if !canConfine {
		return Tools{}
	}
	var t Tools
	for name, path := range map[string]*string{"ffmpeg": &t.FFmpeg, "ffprobe": &t.FFprobe} {
		found, err := exec.LookPath(name)
		if err != nil {
			return Tools{}
		}
		*path = found
	}
	apart := Tools{alone: true}
	if _, err := apart.versionOf(ctx, t.FFprobe); err == nil {
		t.alone = true
	}
	var err error
	if t.Version, err = t.versionOf(ctx, t.FFmpeg); err != nil {
		return Tools{}
	}
	// Some distributions' ffmpeg cannot make H.264.
	if !t.offers(ctx, "-encoders", "libx264") || !t.offers(ctx, "-encoders", "aac") {
		return Tools{}
	}
	t.hdr = t.offers(ctx, "-filters", "zscale") && t.offers(ctx, "-filters", "tonemap")
	return t
}

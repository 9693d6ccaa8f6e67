package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/media"

	"golang.org/x/sys/unix"
)

// guard watches a file and tells whether anybody opened it.
func guard(t *testing.T, path string) (opened func() bool) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_OPEN|unix.IN_ACCESS); err != nil {
		t.Fatal(err)
	}
	return func() bool {
		n, err := unix.Read(fd, make([]byte, 4096))
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
		return n > 0
	}
}

// TestOthersFilesStayClosed hands in files that refer to another one on this machine, and to a server on it.
func TestOthersFilesStayClosed(t *testing.T) {
	found := tools(t)
	secret := filepath.Join(t.TempDir(), "secret.mp4")
	if err := os.WriteFile(secret, bytesOf(t, sample(t, "halves.mp4")), 0o600); err != nil {
		t.Fatal(err)
	}
	opened := guard(t, secret)
	if bytesOf(t, secret); !opened() {
		t.Fatal("the guard sleeps")
	}
	// The reference leads there, if ffmpeg is told to follow it.
	aside := elsewhere(t, bytesOf(t, sample(t, "halves.mp4")), secret)
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "warning", "-enable_drefs", "1", "-use_absolute_path", "1", file(t, aside).Name()).CombinedOutput()
	if err != nil || !opened() {
		t.Fatalf("a reference to another file leads nowhere: %v: %s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var called atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			called.Add(1)
			_ = c.Close()
		}
	}()
	web := "http://" + listener.Addr().String() + "/video.ts"
	files := map[string][]byte{
		"a QuickTime file whose data are elsewhere": aside,
		"SDP":            []byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
		"a list of RTSP": []byte("rtsp://" + listener.Addr().String() + "/"),
	}
	for _, target := range []string{secret, "file://" + secret, web} {
		files["HLS of "+target] = []byte("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:2,\n" + target + "\n#EXT-X-ENDLIST\n")
		files["concat of "+target] = []byte("ffconcat version 1.0\nfile '" + target + "'\n")
		files["DASH of "+target] = []byte(`<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>` + target + `</BaseURL></Representation></AdaptationSet></Period></MPD>`)
	}
	for name, content := range files {
		for network, tools := range map[string]media.Tools{"none": found, "there": found.Online()} {
			t.Run(name+", network "+network, func(t *testing.T) {
				f := file(t, content)
				p, err := tools.Probe(t.Context(), f)
				if err == nil {
					// A file that can be read must not show what it refers to.
					_, err = tools.Renditions(t.Context(), f, p, t.TempDir(), nil)
				}
				if err == nil {
					t.Error("it was taken for a video")
				}
				// ffprobe itself, without the look at the first bytes.
				if report, err := tools.Ask(t.Context(), f); err == nil && !bytes.Contains(report, []byte(`"mov,`)) {
					t.Errorf("ffprobe reads it: %s", report)
				}
				if opened() {
					t.Error("another file was opened")
				}
			})
		}
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if <-done; called.Load() != 0 {
		t.Errorf("somebody called %d times", called.Load())
	}
}

// elsewhere makes an MP4 file say that its data are in another file: the only entry of its data reference box (ISO/IEC
// 14496-12, 8.7.2) becomes an alias of QuickTime's. The box that holds it must be the file's last, so that nothing else moves.
func elsewhere(t *testing.T, b []byte, path string) []byte {
	t.Helper()
	entry := []byte("\x00\x00\x00\x0curl \x00\x00\x00\x01")
	at := bytes.Index(b, entry)
	if at < 0 {
		t.Fatal("no data reference")
	}
	alias := make([]byte, 150)                      // volume, folder and name of the classic file system, unused
	alias = binary.BigEndian.AppendUint16(alias, 2) // what follows is a whole path
	alias = binary.BigEndian.AppendUint16(alias, uint16(len(path)))
	alias = append(append(alias, path...), make([]byte, len(path)%2)...)
	alias = append(alias, 0xff, 0xff, 0, 0)
	box := binary.BigEndian.AppendUint32(nil, uint32(12+len(alias)))
	box = append(append(box, "alis\x00\x00\x00\x00"...), alias...)
	grown := uint32(len(box) - len(entry))
	for _, name := range []string{"moov", "trak", "mdia", "minf", "dinf", "dref"} {
		i := bytes.LastIndex(b[:at], []byte(name))
		binary.BigEndian.PutUint32(b[i-4:], binary.BigEndian.Uint32(b[i-4:])+grown)
	}
	return append(append(append([]byte(nil), b[:at]...), box...), b[at+len(entry):]...)
}

// script is a program that does what it is told instead of what ffmpeg does.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestChildIsConfined asks a child what it is given.
func TestChildIsConfined(t *testing.T) {
	t.Setenv("SECRET", "planted")
	tools := media.Tools{Limits: media.VideoLimits{Memory: 1 << 30, Output: 1 << 20}}
	// The limits come a moment after the start; the last of them is that of core files.
	program := script(t, "until grep -q 'core file size  *0  *0 ' /proc/$$/limits; do :; done; grep -E 'address|file size|core' /proc/$$/limits >&2; env >&2; cat >&2; exit 3")
	err := tools.RunProgram(t.Context(), time.Minute, program)
	if err == nil {
		t.Fatal("its error was passed over")
	}
	said := err.Error()
	for name, most := range map[string]int{"address space": 1 << 30, "file size": 1 << 20, "core file size": 0} {
		if !strings.Contains(strings.Join(strings.Fields(said), " "), fmt.Sprintf("%s %d %d", name, most, most)) {
			t.Errorf("no limit of %s: %s", name, said)
		}
	}
	if strings.Contains(said, "planted") || !strings.Contains(said, "LC_ALL=C") {
		t.Errorf("its environment: %s", said)
	}
}

// TestWhoIsToBlame ends children in different ways: a video is only refused where it may be the cause.
func TestWhoIsToBlame(t *testing.T) {
	f := open(t, sample(t, "plain.mp4"))
	p := media.Probe{Format: "mov", Width: 320, Height: 240, Duration: time.Second, AudioStream: -1, FrameRate: 10}
	for name, test := range map[string]struct {
		text string
		kind exit.Kind
	}{
		"it fails":              {"exit 1", exit.Invalid},
		"it crashes":            {"kill -SEGV $$", exit.Invalid},
		"no memory":             {"echo 'Cannot allocate memory' >&2; exit 1", exit.Invalid},
		"the system goes down":  {"kill -TERM $$", exit.Internal},
		"ffmpeg is told to end": {"exit 255", exit.Internal},
		"it is killed":          {"kill -KILL $$", exit.Internal},
		"no disk":               {"echo 'x.mp4: No space left on device' >&2; exit 1", exit.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := media.Tools{FFmpeg: script(t, test.text)}.Renditions(t.Context(), f, p, t.TempDir(), nil)
			if err == nil || exit.KindOf(err) != test.kind {
				t.Errorf("got %v, of the kind %s, want %s", err, exit.KindOf(err), test.kind)
			}
		})
	}
	gone := media.Tools{FFmpeg: filepath.Join(t.TempDir(), "gone")}
	if _, err := gone.Renditions(t.Context(), f, p, t.TempDir(), nil); err == nil || exit.KindOf(err) != exit.Internal {
		t.Errorf("a program that is gone: %v", err)
	}
}

func TestChildsTimeIsOver(t *testing.T) {
	err := media.Tools{}.RunProgram(t.Context(), 300*time.Millisecond, script(t, "exec sleep 600"))
	wantKey(t, err, "media.error.video_slow")
}

// TestRenditionsHaveAnEnd has the work on a video end however long the video is.
func TestRenditionsHaveAnEnd(t *testing.T) {
	tools := media.Tools{FFmpeg: script(t, "exec sleep 600"), Limits: media.VideoLimits{Patience: 300 * time.Millisecond}}
	p := media.Probe{Format: "mov", Width: 320, Height: 240, Duration: 4 * time.Hour, AudioStream: -1, FrameRate: 10}
	_, err := tools.Renditions(t.Context(), open(t, sample(t, "plain.mp4")), p, t.TempDir(), nil)
	wantKey(t, err, "media.error.video_slow")
}

func TestChildsMemoryIsBounded(t *testing.T) {
	found := tools(t)
	f := open(t, sample(t, "plain.mp4"))
	p, err := found.Probe(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	p.Width, p.Height = 8000, 4000 // so that much memory is asked for
	found.Limits.Memory = 400 << 20
	if _, err = found.Renditions(t.Context(), f, p, t.TempDir(), nil); err == nil {
		t.Error("it had more memory than it was allowed")
	}
}

func TestChildsOutputIsBounded(t *testing.T) {
	found := tools(t)
	f := open(t, sample(t, "plain.mp4"))
	p, err := found.Probe(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	found.Limits.Output = 10_000
	dir := t.TempDir()
	if _, err = found.Renditions(t.Context(), f, p, dir, nil); err == nil {
		t.Error("it wrote more than it was allowed")
	}
	for _, e := range must(os.ReadDir(dir))(t) {
		if info, err := e.Info(); err != nil || info.Size() > 10_000 {
			t.Errorf("%v, %v", info, err)
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestChildrenEndWithContext ends a child that has a child of its own: both are gone.
func TestChildrenEndWithContext(t *testing.T) {
	dir := t.TempDir()
	tools := media.Tools{FFmpeg: script(t, "sleep 600 & echo $! >child; echo $$ >parent; echo out_time_us=1000; wait")}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := media.Probe{Format: "mov", Width: 320, Height: 240, Duration: time.Second, AudioStream: -1, FrameRate: 10}
	_, err := tools.Renditions(ctx, open(t, sample(t, "plain.mp4")), p, dir, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"parent", "child"} {
		pid, err := strconv.Atoi(strings.TrimSpace(string(bytesOf(t, filepath.Join(dir, name)))))
		if err != nil {
			t.Fatal(err)
		}
		waiting, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		// One that nobody has waited for yet stays as a zombie.
		for alive := true; alive; {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			alive = err == nil && !strings.Contains(string(stat), ") Z ") && !strings.Contains(string(stat), ") X ")
			if alive && waiting.Err() != nil {
				t.Fatalf("%s is still there: %s", name, stat)
			}
		}
	}
}

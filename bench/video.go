package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"exeunt/internal/media"
)

// rivalSizes are what internal/media makes of a video of 1080p: width, height, bits a second of the picture at most, and of the sound.
var rivalSizes = [][4]int{{1920, 1080, 5_000_000, 128_000}, {1280, 720, 2_721_655, 128_000}, {852, 480, 1_479_653, 128_000}, {640, 360, 962_250, 96_000}}

// videoTimes are what one round took.
type videoTimes struct {
	probe, ours, plain, frames, look []time.Duration
	bytes, plainBytes                int64
}

// video measures the making of a real video's renditions.
func video(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	tools := media.FindTools(ctx)
	if !tools.Have() {
		return nil, errors.New("ffmpeg and ffprobe are not there: run `make setup`, or install ffmpeg")
	}
	path, seconds, err := e.film(ctx, tools)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var t videoTimes
	for round := range e.rounds {
		if err := e.videoRound(ctx, tools, f, round, &t); err != nil {
			return nil, err
		}
	}
	x := ratios(t.ours, t.plain)
	where := "ffmpeg " + tools.Version
	r.add(fmt.Sprintf("%g s of 1080p made into four renditions, with probing and playlists", seconds), where, spread(t.ours), "", true)
	r.add("one plain ffmpeg command that makes the same renditions", where, spread(t.plain), "", true)
	r.add("processing ÷ plain command", where, times(x), "≤ 1.1×", x <= 1.1)
	r.add("the renditions, beside those of the plain command", where, mebibytes(t.bytes)+", "+mebibytes(t.plainBytes), "", true)
	r.add("a second of video takes", where, text(time.Duration(float64(median(t.ours))/seconds)), "", true)
	r.add("probing alone", where, spread(t.probe), "", true)
	r.add("six pictures to choose a cover from", where, spread(t.frames), "", true)
	r.add("what it looks like, to know near-copies", where, spread(t.look), "", true)
	r.note("The video is Big Buck Bunny (Blender Foundation, CC BY 3.0), 1920×1080, H.264 with 5.1 sound. Ours runs as it does in the queue: with limits of memory, time and file size, " +
		"without network, at a lower priority, from a descriptor. The plain command has none of these; it reads the file by its name and has the same filters, encoders and settings. The two take turns.")
	return r, nil
}

// film gives the real video, or as much of it as the scale says, and how many seconds it lasts.
func (e *env) film(ctx context.Context, tools media.Tools) (path string, seconds float64, err error) {
	path = os.Getenv("EXEUNT_TEST_VIDEO")
	if path == "" {
		return "", 0, errors.New("EXEUNT_TEST_VIDEO is not set: run `eval \"$(make services)\"` before, or `make bench`")
	}
	if e.scale >= 1 {
		return path, 30, nil
	}
	seconds = max(1, 30*e.scale)
	part := filepath.Join(e.dir, "film.mp4")
	// A copy ends at the next picture that is whole.
	out, err := exec.CommandContext(ctx, tools.FFmpeg, "-nostdin", "-v", "error", "-y", "-i", path, "-t", strconv.FormatFloat(seconds, 'f', 3, 64), "-c", "copy", part).CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("cut the video: %w: %s", err, out)
	}
	return part, seconds, nil
}

// videoRound has both make the renditions, who begins by turns, and takes the smaller work beside them.
func (e *env) videoRound(ctx context.Context, tools media.Tools, f *os.File, round int, t *videoTimes) error {
	first, second := func() error { return e.processed(ctx, tools, f, t) }, func() error { return e.plainly(ctx, tools, f.Name(), t) }
	if round%2 == 1 {
		first, second = second, first
	}
	if err := first(); err != nil {
		return err
	}
	if err := second(); err != nil {
		return err
	}
	if d := float64(t.bytes) / float64(t.plainBytes); d < 0.98 || d > 1.02 {
		return fmt.Errorf("the plain command made %d bytes, ours %d: they are not the same renditions", t.plainBytes, t.bytes)
	}
	p, err := tools.Probe(ctx, f)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := tools.Frames(ctx, f, p, 6, 480); err != nil {
		return err
	}
	t.frames = append(t.frames, time.Since(began))
	began = time.Now()
	if _, err := tools.Look(ctx, f, p); err != nil {
		return err
	}
	t.look = append(t.look, time.Since(began))
	return nil
}

// processed makes the renditions as the channel room has them made.
func (e *env) processed(ctx context.Context, tools media.Tools, f *os.File, t *videoTimes) error {
	return e.inFolder(func(dir string) error {
		began := time.Now()
		p, err := tools.Probe(ctx, f)
		if err != nil {
			return err
		}
		t.probe = append(t.probe, time.Since(began))
		list, err := tools.Renditions(ctx, f, p, dir, func(int) {})
		if err != nil {
			return err
		}
		t.ours = append(t.ours, time.Since(began))
		t.bytes = 0
		for i, r := range list {
			if len(list) != len(rivalSizes) || r.Width != rivalSizes[i][0] || r.Height != rivalSizes[i][1] {
				return fmt.Errorf("%d renditions, one of %d x %d: they are no longer those of the plain command", len(list), r.Width, r.Height)
			}
			t.bytes += r.Bytes
		}
		return nil
	})
}

// plainly runs the one command.
func (e *env) plainly(ctx context.Context, tools media.Tools, path string, t *videoTimes) error {
	return e.inFolder(func(dir string) error {
		args := []string{
			"-nostdin", "-v", "error", "-y", "-i", path, "-filter_complex",
			"[0:v]fps=24,split=4[a][b][c][d];[a]scale=1920:1080,setsar=1,format=yuv420p[v0];[b]scale=1280:720,setsar=1,format=yuv420p[v1];" +
				"[c]scale=852:480,setsar=1,format=yuv420p[v2];[d]scale=640:360,setsar=1,format=yuv420p[v3]",
		}
		for i, size := range rivalSizes {
			args = append(args, "-map", fmt.Sprintf("[v%d]", i), "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-profile:v", "high", "-crf", "23",
				"-maxrate", strconv.Itoa(size[2]), "-bufsize", strconv.Itoa(2*size[2]), "-g", "96", "-sc_threshold", "0",
				"-force_key_frames", "expr:gte(t,n_forced*4)", "-map", "0:a", "-c:a", "aac", "-ac", "2", "-ar", "48000", "-b:a", strconv.Itoa(size[3]), "-af", "aresample=async=1",
				"-f", "hls", "-hls_segment_type", "fmp4", "-hls_flags", "single_file", "-hls_time", "4", "-hls_list_size", "0", "-hls_playlist_type", "vod",
				"-hls_segment_filename", fmt.Sprintf("%d.mp4", i), fmt.Sprintf("%d.m3u8", i))
		}
		cmd := exec.CommandContext(ctx, tools.FFmpeg, args...)
		cmd.Dir = dir
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("the plain command: %w: %s", err, out)
		}
		t.plain = append(t.plain, time.Since(began))
		t.plainBytes = 0
		for i := range rivalSizes {
			info, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%d.mp4", i)))
			if err != nil {
				return err
			}
			t.plainBytes += info.Size()
		}
		return nil
	})
}

// inFolder gives a new folder that is gone afterwards.
func (e *env) inFolder(fn func(dir string) error) error {
	dir, err := os.MkdirTemp(e.dir, "video-")
	if err != nil {
		return err
	}
	return errors.Join(fn(dir), os.RemoveAll(dir))
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/server"
)

// The players.
const (
	players   = 100
	playSpeed = 4                // times the speed of the film
	filmOf    = 1                // the account whose film it is
	filmID    = screenVideos * 2 // of the video
)

// playing is for how long they play.
func (e *env) playing() time.Duration {
	return max(2*time.Second, time.Duration(float64(time.Minute)*e.scale))
}

// filmed puts a real video into an install, cut for HLS without being made anew, and gives the address of its page.
func (e *env) filmed(ctx context.Context, i *install) (string, error) {
	path := fmt.Sprintf("/videos/%d", filmID)
	there := false
	return path, i.opened(ctx, func(h *server.House) error {
		var n int64
		if err := h.DB.Reader.QueryRowContext(ctx, `select count(*) from videos where id = $1`, filmID).Scan(&n); err != nil {
			return fmt.Errorf("look for the film: %w", err)
		}
		if there = n > 0; there {
			return nil
		}
		file, playlist, err := e.cut(ctx)
		if err != nil {
			return err
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		b, err := h.Blobs.Put(ctx, filmOf, blob.Renditions, ".mp4", "video/mp4", f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		return h.DB.Update(ctx, func(ctx context.Context) error {
			if err := h.Blobs.Keep(ctx, b.Key); err != nil {
				return err
			}
			if _, err := h.DB.Exec(ctx, `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads)
				values ($1, $2, 'Film', '', 'unlisted', 'en', 'live', 'ready', '', 1000, 0, 0, '', 'video/mp4', '', 0, '', 30000, 1920, 1080, '', '', 0)`, filmID, filmOf); err != nil {
				return fmt.Errorf("store film: %w", err)
			}
			if _, err := h.DB.Exec(ctx, `insert into video_renditions (id, video_id, account_id, width, height, bandwidth, codecs, playlist, key, bytes) values ($1, $1, $2, 1920, 1080, 5000000, '', $3, $4, $5)`,
				filmID, filmOf, playlist, b.Key, b.Size); err != nil {
				return fmt.Errorf("store rendition: %w", err)
			}
			return nil
		})
	})
}

// cut gives the film as one file for HLS, and its playlist.
func (e *env) cut(ctx context.Context) (file, playlist string, err error) {
	tools := media.FindTools(ctx)
	if !tools.Have() {
		return "", "", errors.New("ffmpeg and ffprobe are not there: run `make setup`, or install ffmpeg")
	}
	film, _, err := e.film(ctx, tools)
	if err != nil {
		return "", "", err
	}
	file, list := filepath.Join(e.dir, "cut.m4s"), filepath.Join(e.dir, "cut.m3u8")
	out, err := exec.CommandContext(ctx, tools.FFmpeg, "-nostdin", "-v", "error", "-y", "-i", film, "-t", "30", "-map", "0:v:0", "-c", "copy", "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod",
		"-hls_segment_type", "fmp4", "-hls_flags", "single_file", "-hls_fmp4_init_filename", "cut.m4s", "-hls_segment_filename", file, list).CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("cut the film: %w: %s", err, out)
	}
	text, err := os.ReadFile(list)
	return file, strings.ReplaceAll(string(text), "cut.m4s", media.PlaylistFile), err
}

// segment is a range of a file for a time.
type segment struct {
	address          string
	from, to, length int64
	lasts            time.Duration
}

// segments reads a media playlist with byte ranges (RFC 8216, 4.3.2.2).
func segments(playlist string) (list []segment, err error) {
	var s segment
	for line := range strings.Lines(playlist) {
		line = strings.TrimSpace(line)
		var seconds float64
		var length, from int64
		switch {
		case strings.HasPrefix(line, "#EXTINF:"):
			if _, err := fmt.Sscanf(line, "#EXTINF:%f,", &seconds); err != nil {
				return nil, fmt.Errorf("read %q: %w", line, err)
			}
			s.lasts = time.Duration(seconds * float64(time.Second))
		case strings.HasPrefix(line, "#EXT-X-BYTERANGE:"):
			if _, err := fmt.Sscanf(line, "#EXT-X-BYTERANGE:%d@%d", &length, &from); err != nil {
				return nil, fmt.Errorf("read %q: %w", line, err)
			}
			s.from, s.to, s.length = from, from+length-1, length
		case line != "" && line[0] != '#':
			s.address = line
			list, s = append(list, s), segment{}
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("a playlist without segments: %.300q", playlist)
	}
	return list, nil
}

// played has a hundred players watch, and looks at the server's memory meanwhile.
func (e *env) played(ctx context.Context, r *report, engine string, s *circlesServer, film string) error {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: players, MaxIdleConnsPerHost: players}}
	defer client.CloseIdleConnections()
	limit, stop := context.WithTimeout(ctx, e.playing())
	defer stop()
	var mu sync.Mutex
	var took []time.Duration
	var bytes int64
	failed := make([]error, players)
	var wg sync.WaitGroup
	before := memory(s.Process.Pid, "VmRSS")
	for n := range players {
		wg.Go(func() {
			failed[n] = watch(limit, client, "http://"+s.address, film, func(d time.Duration, size int64) {
				mu.Lock()
				defer mu.Unlock()
				took, bytes = append(took, d), bytes+size
			})
		})
	}
	var rss []int64
	tick := time.NewTicker(e.playing() / 40)
	defer tick.Stop()
	for limit.Err() == nil {
		select {
		case <-tick.C:
			rss = append(rss, memory(s.Process.Pid, "VmRSS"))
		case <-limit.Done():
		}
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("play: %w", err)
	}
	if len(rss) < 8 || len(took) == 0 {
		return fmt.Errorf("play: %d looks at the memory, %d segments", len(rss), len(took))
	}
	quarter := len(rss) / 4
	first, last := mean(rss[quarter:2*quarter]), mean(rss[len(rss)-quarter:])
	x := float64(last) / float64(first)
	r.beside(fmt.Sprintf("%d players: a segment's median and 99th percentile", players), engine, text(median(took))+", "+text(percentile(took, 99)))
	r.beside("what they fetch together", engine, mebibytes(int64(float64(bytes)/e.playing().Seconds()))+" a second")
	r.beside("memory of the server before, and at most", engine, mebibytes(before)+", "+mebibytes(maxOf(rss)))
	r.add("memory: last quarter ÷ second quarter of the time", engine, times(x), "≤ 1.10×", x <= 1.1)
	return nil
}

func mean(values []int64) (sum int64) {
	for _, v := range values {
		sum += v
	}
	return sum / int64(max(1, len(values)))
}

func maxOf(values []int64) (most int64) {
	for _, v := range values {
		most = max(most, v)
	}
	return most
}

// watch is one player: both playlists, then segment after segment, each when the one before it has been seen, over and over.
func watch(ctx context.Context, client *http.Client, base, film string, fetched func(time.Duration, int64)) error {
	var list []segment
	for _, path := range []string{film + "/master.m3u8", film + "/1080.m3u8"} {
		text, err := fetch(ctx, client, base+path, "")
		if err != nil {
			return ended(ctx, err)
		}
		if strings.HasSuffix(path, "1080.m3u8") {
			if list, err = segments(text); err != nil {
				return err
			}
		}
	}
	due := time.NewTimer(0)
	defer due.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-due.C:
		}
		s := list[n%len(list)]
		due.Reset(s.lasts / playSpeed)
		began := time.Now()
		text, err := fetch(ctx, client, base+s.address, fmt.Sprintf("bytes=%d-%d", s.from, s.to))
		if err != nil {
			return ended(ctx, err)
		}
		if int64(len(text)) != s.length {
			return fmt.Errorf("a segment of %d bytes came with %d", s.length, len(text))
		}
		fetched(time.Since(began), s.length)
	}
}

// ended says that what fails because the time is over has not failed.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the time is over
	}
	return err
}

func fetch(ctx context.Context, client *http.Client, address, part string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	want := http.StatusOK
	if part != "" {
		req.Header.Set("Range", part)
		want = http.StatusPartialContent
	}
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != want {
		return "", fmt.Errorf("%s is answered with %d, want %d", address, answer.StatusCode, want)
	}
	var b bytes.Buffer
	_, err = io.Copy(&b, answer.Body)
	return b.String(), err
}

package media_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"exeunt/internal/media"
)

func TestLadder(t *testing.T) {
	for _, test := range []struct {
		width, height int
		want          string
	}{
		{1920, 1080, "1920x1080 1280x720 852x480 640x360"},
		{1080, 1920, "1080x1920 720x1280 480x852 360x640"},
		{3840, 2160, "1920x1080 1280x720 852x480 640x360"},
		{1280, 720, "1280x720 852x480 640x360"},
		{640, 480, "640x480 480x360"},
		{720, 576, "720x576 600x480 450x360"},
		{1920, 800, "1920x800 1152x480 864x360"},
		{961, 541, "960x540 638x360"},
		{320, 240, "320x240"},
		{1080, 2400, "1080x2400 720x1600 480x1066 360x800"},
		{8192, 1000, "2556x312"},
		{8192, 16, "2048x4"},
		{1, 1, "2x2"},
		{3, 8000, "2x2560"},
	} {
		t.Run(fmt.Sprintf("%dx%d", test.width, test.height), func(t *testing.T) {
			var got []string
			for _, r := range (media.Probe{Width: test.width, Height: test.height, FrameRate: 30}).Ladder() {
				got = append(got, fmt.Sprintf("%dx%d", r.Width, r.Height))
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %s, want %s", strings.Join(got, " "), test.want)
			}
		})
	}
}

func TestRate(t *testing.T) {
	for _, test := range []struct {
		mean, nominal float64
		variable      bool
		want          string
	}{
		{24, 24, false, "24.00000"},
		{24000.0 / 1001, 24000.0 / 1001, false, "24000/1001"},
		{30000.0 / 1001, 30000.0 / 1001, false, "30000/1001"},
		{60000.0 / 1001, 60000.0 / 1001, false, "60000/1001"},
		{120, 120, false, "60.00000"},
		{0, 0, false, "25.00000"},
		{28.7, 30, true, "30.00000"},
		{17, 90000, true, "24.00000"},
		{29.8, 1000, true, "30.00000"},
		{55, 1000, true, "60.00000"},
		{1, 2, true, "24.00000"},
	} {
		if got := (media.Probe{FrameRate: test.mean, Variable: test.variable}).Rate(test.nominal); got != test.want {
			t.Errorf("%g, nominally %g: got %s, want %s", test.mean, test.nominal, got, test.want)
		}
	}
}

func TestRenditions(t *testing.T) {
	tools := tools(t)
	for _, test := range []struct {
		name, sizes string
		audio       bool
		seconds     float64
	}{
		{"plain.mp4", "640x480 480x360", true, 6},
		{"portrait.mp4", "240x426", false, 2},
		{"turned.mp4", "240x320", false, 2},
		{"variable.mp4", "320x240", true, 3},
		{"hevc.mp4", "320x240", false, 2},
		{"live.webm", "320x240", true, 2},
		{"bright.mp4", "320x240", false, 1},
		{"fields.mp4", "320x240", false, 1},
		{"old.avi", "320x240", true, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := open(t, sample(t, test.name))
			p, err := tools.Probe(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			var told []int
			list, err := tools.Renditions(t.Context(), f, p, t.TempDir(), func(permille int) { told = append(told, permille) })
			if err != nil {
				t.Fatal(err)
			}
			var sizes []string
			for _, r := range list {
				sizes = append(sizes, fmt.Sprintf("%dx%d", r.Width, r.Height))
				checkRendition(t, tools, r, test.audio, test.seconds)
			}
			if got := strings.Join(sizes, " "); got != test.sizes {
				t.Errorf("sizes %s, want %s", got, test.sizes)
			}
			if !slices.IsSorted(told) || len(told) == 0 || told[0] < 0 || told[len(told)-1] != 1000 {
				t.Errorf("progress was told as %v", told)
			}
			for _, r := range list[1:] {
				if len(begins(r.Playlist)) != len(begins(list[0].Playlist)) || begins(r.Playlist)[0] != begins(list[0].Playlist)[0] {
					t.Errorf("segments of %d last %v, those of %d %v", r.Side, begins(r.Playlist), list[0].Side, begins(list[0].Playlist))
				}
				if r.Bandwidth >= list[0].Bandwidth {
					t.Errorf("the smaller rendition takes %d bit/s, the larger %d", r.Bandwidth, list[0].Bandwidth)
				}
			}
		})
	}
}

var (
	rangePattern  = regexp.MustCompile(`(?m)^#EXT-X-(?:BYTERANGE:|MAP:URI="rendition\.mp4",BYTERANGE=")(\d+)@(\d+)"?$`)
	lengthPattern = regexp.MustCompile(`(?m)^#EXTINF:([\d.]+),$`)
)

// begins gives how long the segments of a playlist last, in seconds.
func begins(playlist string) []string {
	var list []string
	for _, m := range lengthPattern.FindAllStringSubmatch(playlist, -1) {
		list = append(list, m[1])
	}
	return list
}

// checkRendition checks that a rendition's playlist covers its file, that its numbers are true, and that it can be read, whole and
// from each segment.
func checkRendition(t *testing.T, tools media.Tools, r media.Rendition, audio bool, seconds float64) {
	t.Helper()
	whole := bytesOf(t, r.Path)
	if r.Bytes != int64(len(whole)) {
		t.Errorf("%d bytes, the file has %d", r.Bytes, len(whole))
	}
	var begin []byte
	end := 0
	for i, m := range rangePattern.FindAllStringSubmatch(r.Playlist, -1) {
		length, _ := strconv.Atoi(m[1])
		at, _ := strconv.Atoi(m[2])
		if at != end || length <= 0 || at+length > len(whole) {
			t.Fatalf("range %d of %d bytes: %s@%s, the one before ended at %d", i, len(whole), m[1], m[2], end)
		}
		end = at + length
		if i == 0 {
			begin = whole[:length]
			continue
		}
		// A player that seeks has the beginning and this segment alone.
		part := file(t, append(slices.Clone(begin), whole[at:end]...))
		if got := firstPacket(t, part.Name()); !strings.HasPrefix(got, "K") {
			t.Errorf("segment %d begins with a packet %q", i, got)
		}
	}
	if end != len(whole) {
		t.Errorf("ranges end at %d of %d bytes", end, len(whole))
	}
	p, err := tools.Probe(t.Context(), open(t, r.Path))
	if err != nil {
		t.Fatal(err)
	}
	if p.Video != "h264" || p.PixelFormat != "yuv420p" || p.Width != r.Width || p.Height != r.Height || p.Rotation != 0 || p.Variable ||
		(p.Audio == "aac") != audio || !p.Plays() || p.Duration.Seconds() < seconds-0.3 || p.Duration.Seconds() > seconds+0.3 {
		t.Errorf("the rendition is %+v", p)
	}
	if codecs := regexp.MustCompile(`^avc1\.64[0-9a-f]{4}$`); !codecs.MatchString(strings.TrimSuffix(r.Codecs, ",mp4a.40.2")) || strings.HasSuffix(r.Codecs, ",mp4a.40.2") != audio {
		t.Errorf("codecs %q", r.Codecs)
	}
	if least := int(float64(r.Bytes*8) / (seconds + 0.5) * 0.9); r.Average < least || r.Bandwidth < r.Average {
		t.Errorf("it takes %d bit/s, on the mean %d, and has %d bytes", r.Bandwidth, r.Average, r.Bytes)
	}
	for _, ignored := range []string{"0", "1"} {
		if starts := startTimes(t, r.Path, ignored); slices.Max(starts)-slices.Min(starts) > 0.05 || len(starts) != 1 && !audio || len(starts) != 2 && audio {
			t.Errorf("picture and sound begin at %v s, edit lists ignored: %s", starts, ignored)
		}
	}
	playAll(t, r, seconds)
}

// startTimes gives when a file's streams begin, in seconds, for players that read edit lists or ignore them.
func startTimes(t *testing.T, path, ignored string) (list []float64) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-ignore_editlist", ignored, "-show_entries", "stream=start_time", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, field := range strings.Fields(string(out)) {
		start, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, start)
	}
	return list
}

// firstPacket gives the flags of a file's first packet of the picture.
func firstPacket(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-select_streams", "v", "-read_intervals", "%+#1", "-show_entries", "packet=flags", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// playAll has a player that knows HLS decode a whole playlist.
func playAll(t *testing.T, r media.Rendition, seconds float64) {
	t.Helper()
	list := filepath.Join(filepath.Dir(r.Path), "played.m3u8")
	text := media.PlaylistAt(r.Playlist, filepath.Base(r.Path))
	if strings.Contains(text, media.PlaylistFile) {
		t.Errorf("the playlist still names %s", media.PlaylistFile)
	}
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-select_streams", "v", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "json", list).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var report struct {
		Streams []struct {
			Frames string `json:"nb_read_frames"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	frames, _ := strconv.Atoi(report.Streams[0].Frames)
	if want := int(seconds * r.FrameRate); frames < want-2 || frames > want+2 {
		t.Errorf("%d pictures in %g s at %g a second", frames, seconds, r.FrameRate)
	}
}

// TestRenditionIsUpright looks at what comes out of a video with a rotation flag: its left is up.
func TestRenditionIsUpright(t *testing.T) {
	tools := tools(t)
	f := open(t, sample(t, "turned.mp4"))
	p, err := tools.Probe(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	list, err := tools.Renditions(t.Context(), f, p, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	made := open(t, list[0].Path)
	if p, err = tools.Probe(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tools.Frame(t.Context(), made, p, time.Second, 240, &b); err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	wantColour(t, m, 120, 40, true)
	wantColour(t, m, 120, 280, false)
}

// TestColoursAndFields asks that a high dynamic range is known and brought into the usual one, and half-pictures into whole ones.
func TestColoursAndFields(t *testing.T) {
	tools := tools(t)
	for name, want := range map[string][2]bool{"bright.mp4": {true, false}, "fields.mp4": {false, true}, "plain.mp4": {}} {
		f := open(t, sample(t, name))
		p, err := tools.Probe(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if p.HDR != want[0] || p.Interlaced != want[1] {
			t.Errorf("%s: HDR %t, interlaced %t", name, p.HDR, p.Interlaced)
		}
		if name == "plain.mp4" {
			continue
		}
		list, err := tools.Renditions(t.Context(), f, p, t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = tools.Probe(t.Context(), open(t, list[0].Path)); err != nil {
			t.Fatal(err)
		}
		if p.HDR || p.Interlaced {
			t.Errorf("the rendition of %s: HDR %t, interlaced %t", name, p.HDR, p.Interlaced)
		}
		if err := tools.Frame(t.Context(), f, p, 0, 160, io.Discard); err != nil {
			t.Error(err)
		}
	}
}

func TestRenditionsOfDamaged(t *testing.T) {
	tools := tools(t)
	broad := bytesOf(t, sample(t, "broad.mkv"))
	cut := file(t, broad[:len(broad)/2])
	p, err := tools.Probe(t.Context(), cut)
	if err != nil {
		t.Fatal(err) // its head still says how long it was
	}
	_, err = tools.Renditions(t.Context(), cut, p, t.TempDir(), nil)
	wantKey(t, err, "media.error.video_broken")

	plain := bytesOf(t, sample(t, "plain.mp4"))
	noise := slices.Clone(plain)
	for i := len(noise) / 4; i < len(noise); i++ {
		noise[i] = byte(i * 7919 >> 3)
	}
	whole := file(t, plain)
	if p, err = tools.Probe(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	// What decodes to something is made, as far as it goes; what does not is refused. It ends either way.
	var list []media.Rendition
	if list, err = tools.Renditions(t.Context(), file(t, noise), p, t.TempDir(), nil); err != nil {
		wantKey(t, err, "media.error.video_broken")
	} else if len(list) == 0 {
		t.Error("neither renditions nor an error")
	}
}

func TestRenditionsEndWithContext(t *testing.T) {
	tools := tools(t)
	f := open(t, sample(t, "plain.mp4"))
	p, err := tools.Probe(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cancel()
	if _, err := tools.Renditions(ctx, f, p, t.TempDir(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

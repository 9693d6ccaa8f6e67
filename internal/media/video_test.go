package media_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/media"
)

// samples are videos that ffmpeg makes of nothing, each once for all tests.
var samples = struct {
	sync.Mutex
	dir  string
	made map[string]func() error
}{made: make(map[string]func() error)}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "exeunt-media-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	samples.dir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// halves is a picture whose left half is red and whose right half is blue.
const halves = "color=red:s=160x240:r=10,format=yuv420p[l];color=blue:s=160x240:r=10,format=yuv420p[r];[l][r]hstack"

// recipes say how a sample is made: the picture's generator, and the arguments behind it. {NAME} stands for another sample.
var recipes = map[string]struct{ picture, args string }{
	"plain.mp4":    {"testsrc2=s=640x480:r=10", "-f lavfi -i sine=r=48000 -t 6 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -movflags +faststart"},
	"portrait.mp4": {"testsrc2=s=240x426:r=10", "-t 2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"},
	"halves.mp4":   {halves, "-t 2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"},
	"turned.mp4":   {"", "-i {halves.mp4} -c copy -metadata:s:v rotate=270"},
	"wide.mp4":     {halves, "-t 1 -vf setsar=2/1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"},
	"variable.mp4": {"testsrc2=s=320x240:r=30", `-f lavfi -i sine=r=44100 -t 3 -vf settb=1/1000,setpts=if(lt(N\,30)\,N*66\,1980+(N-30)*16) -fps_mode vfr -enc_time_base 1/1000 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a libmp3lame`},
	"hevc.mp4":     {"testsrc2=s=320x240:r=10", "-t 2 -c:v libx265 -preset ultrafast -x265-params log-level=error -pix_fmt yuv420p10le -tag:v hvc1"},
	"bright.mp4":   {halves, "-t 1 -vf setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,zscale=t=arib-std-b67:p=bt2020:m=bt2020nc:r=limited:npl=203,format=yuv420p10le -c:v libx265 -preset ultrafast -x265-params log-level=error:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc -tag:v hvc1"},
	"fields.mp4":   {"testsrc2=s=320x240:r=50", "-t 1 -vf interlace -c:v libx264 -preset ultrafast -flags +ildct+ilme -pix_fmt yuv420p"},
	"vp9.webm":     {"testsrc2=s=320x240:r=10", "-f lavfi -i sine=r=48000 -t 2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p -c:a libopus"},
	"live.webm":    {"", "-i {vp9.webm} -c copy -live 1 -f webm"},
	"broad.mkv":    {"", "-i {plain.mp4} -c copy"},
	"movie.mov":    {"", "-i {halves.mp4} -c copy"},
	"small.mp4":    {"", "-i {plain.mp4} -vf scale=320:240 -c:v libx264 -preset ultrafast -crf 34 -an"},
	"other.mp4":    {"mandelbrot=s=320x240:r=10", "-t 6 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"},
	"old.avi":      {"testsrc2=s=320x240:r=25", "-f lavfi -i sine=r=44100 -t 2 -c:v mpeg4 -c:a libmp3lame"},
	"stream.ts":    {"", "-i {plain.mp4} -c copy -t 2"},
	"odd.mkv":      {"", "-i {plain.mp4} -f lavfi -i testsrc2=s=160x120:r=10 -map 0 -map 1 -t 2 -c copy -c:v:1 ffv1 -attach {picture.png} -metadata:s:t mimetype=image/png"},
	"timed.mov":    {"", "-i {plain.mp4} -map 0 -c copy -t 2 -timecode 00:00:00:00"},
	"lossless.mkv": {"testsrc2=s=160x120:r=10", "-t 1 -c:v ffv1"},
	"raw.mov":      {"", "-i {plain.mp4} -t 2 -c:v copy -c:a pcm_s16be"},
	"sound.m4a":    {"", "-f lavfi -i sine -t 1 -c:a aac"},
	"picture.png":  {"testsrc2=s=320x240:r=1", "-frames:v 1"},
	"picture.jpg":  {"testsrc2=s=320x240:r=1", "-frames:v 1"},
	"moving.gif":   {"testsrc2=s=160x120:r=5", "-t 1"},
}

// sample gives the path of a sample.
func sample(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(samples.dir, name)
	recipe, known := recipes[name]
	if !known {
		t.Fatalf("nobody knows how to make %s", name)
	}
	args := []string{"-nostdin", "-hide_banner", "-loglevel", "error", "-y"}
	if recipe.picture != "" {
		args = append(args, "-f", "lavfi", "-i", recipe.picture)
	}
	for _, arg := range strings.Fields(recipe.args) {
		if other, ok := strings.CutPrefix(arg, "{"); ok {
			arg = sample(t, strings.TrimSuffix(other, "}"))
		}
		args = append(args, arg)
	}
	samples.Lock()
	make, there := samples.made[name]
	if !there {
		make = sync.OnceValue(func() error {
			out, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, path)...).CombinedOutput()
			if err != nil {
				return fmt.Errorf("make %s: %w: %s", name, err, out)
			}
			return nil
		})
		samples.made[name] = make
	}
	samples.Unlock()
	if err := make(); err != nil {
		t.Fatal(err)
	}
	return path
}

// tools are those of this machine; without them there is nothing to test, which is a failure.
func tools(t testing.TB) media.Tools {
	t.Helper()
	found := media.FindTools(t.Context())
	if !found.Have() {
		t.Fatal("ffmpeg and ffprobe are not there: run `make setup`, or install ffmpeg")
	}
	return found
}

func open(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// file is a file with this content, under a name that says that it is a video.
func file(t testing.TB, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "video.mp4")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func bytesOf(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantKey checks that err is a refusal that the person is told by this sentence.
func wantKey(t testing.TB, err error, key string) {
	t.Helper()
	var e *exit.Error
	if !errors.As(err, &e) || e.Kind != exit.Invalid || e.Key != key {
		t.Fatalf("got %v, want the refusal %s", err, key)
	}
}

func TestFindTools(t *testing.T) {
	found := tools(t)
	if found.Version == "" || strings.ContainsAny(found.Version, " -") {
		t.Errorf("version %q", found.Version)
	}
	t.Setenv("PATH", t.TempDir())
	if none := media.FindTools(t.Context()); none.Have() {
		t.Errorf("found %+v in an empty folder", none)
	}
}

func TestProbe(t *testing.T) {
	tools := tools(t)
	for _, test := range []struct {
		name, kind, ext string
		width, height   int
		video, audio    string
		depth, rotation int
		seconds, rate   float64
		variable, plays bool
	}{
		{"plain.mp4", "video/mp4", ".mp4", 640, 480, "h264", "aac", 8, 0, 6, 10, false, true},
		{"portrait.mp4", "video/mp4", ".mp4", 240, 426, "h264", "", 8, 0, 2, 10, false, true},
		{"turned.mp4", "video/mp4", ".mp4", 240, 320, "h264", "", 8, 90, 2, 10, false, true},
		{"wide.mp4", "video/mp4", ".mp4", 640, 240, "h264", "", 8, 0, 1, 10, false, true},
		{"variable.mp4", "video/mp4", ".mp4", 320, 240, "h264", "mp3", 8, 0, 3, 30, true, true},
		{"hevc.mp4", "video/mp4", ".mp4", 320, 240, "hevc", "", 10, 0, 2, 10, false, false},
		{"vp9.webm", "video/webm", ".webm", 320, 240, "vp9", "opus", 8, 0, 2, 10, false, true},
		{"live.webm", "video/webm", ".webm", 320, 240, "vp9", "opus", 8, 0, 2, 10, false, true},
		{"broad.mkv", "video/x-matroska", ".mkv", 640, 480, "h264", "aac", 8, 0, 6, 10, false, false},
		{"movie.mov", "video/quicktime", ".mov", 320, 240, "h264", "", 8, 0, 2, 10, false, false},
		{"old.avi", "video/x-msvideo", ".avi", 320, 240, "mpeg4", "mp3", 8, 0, 2, 25, false, false},
		{"stream.ts", "video/mp2t", ".ts", 640, 480, "h264", "aac", 8, 0, 2, 10, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Under a name that says nothing.
			f := file(t, bytesOf(t, sample(t, test.name)))
			p, err := tools.Probe(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if p.Type != test.kind || p.Ext != test.ext || p.Width != test.width || p.Height != test.height || p.Video != test.video || p.Audio != test.audio ||
				p.Depth != test.depth || p.Rotation != test.rotation || p.Variable != test.variable || p.Plays() != test.plays {
				t.Errorf("got %+v (plays: %t), want %+v", p, p.Plays(), test)
			}
			if seconds := p.Duration.Seconds(); seconds < test.seconds-0.3 || seconds > test.seconds+0.3 {
				t.Errorf("it lasts %s, want %g s", p.Duration, test.seconds)
			}
			if !test.variable && (p.FrameRate < test.rate*0.9 || p.FrameRate > test.rate*1.1) {
				t.Errorf("%g frames a second, want %g", p.FrameRate, test.rate)
			}
			if info, err := f.Stat(); err != nil || p.Bytes != info.Size() {
				t.Errorf("%d bytes of %v, %v", p.Bytes, info, err)
			}
		})
	}
}

// TestProbeOfRealVideo reads a film that nobody made for this test.
func TestProbeOfRealVideo(t *testing.T) {
	path := os.Getenv("EXEUNT_TEST_VIDEO")
	if path == "" {
		t.Fatal("EXEUNT_TEST_VIDEO is not set: `eval \"$(make services)\"` sets it, or run `make test`")
	}
	p, err := tools(t).Probe(t.Context(), open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if p.Type != "video/mp4" || p.Bytes != 22_718_509 || p.Width != 1920 || p.Height != 1080 || p.FrameRate != 24 || p.Duration.Round(time.Second) != 30*time.Second || !p.Plays() {
		t.Errorf("got %+v", p)
	}
}

func TestProbeRefuses(t *testing.T) {
	tools := tools(t)
	plain, broad, late := bytesOf(t, sample(t, "plain.mp4")), bytesOf(t, sample(t, "broad.mkv")), bytesOf(t, sample(t, "halves.mp4"))
	limited := func(l media.VideoLimits) media.Tools { c := tools; c.Limits = l; return c }
	for _, test := range []struct {
		name    string
		tools   media.Tools
		content []byte
		key     string
	}{
		{"nothing", tools, nil, "media.error.empty"},
		{"text", tools, []byte("This is no video, whatever it is called."), "media.error.video"},
		{"noise", tools, noise(64, 64).Pix, "media.error.video"},
		{"PNG", tools, bytesOf(t, sample(t, "picture.png")), "media.error.video"},
		{"JPEG", tools, bytesOf(t, sample(t, "picture.jpg")), "media.error.video"},
		{"GIF", tools, bytesOf(t, sample(t, "moving.gif")), "media.error.video"},
		{"AVIF", tools, append([]byte("\x00\x00\x00\x20ftypavif"), plain[12:]...), "media.error.video"},
		{"sound", tools, bytesOf(t, sample(t, "sound.m4a")), "media.error.video_sound"},
		{"cut off, index first", tools, plain[:len(plain)*6/10], "media.error.video_broken"},
		{"cut off, index last", tools, late[:len(late)-200], "media.error.video_broken"},
		{"a head alone", tools, broad[:40], "media.error.video_broken"},
		{"too long", limited(media.VideoLimits{Duration: 5 * time.Second}), plain, "media.error.video_long"},
		{"too wide", limited(media.VideoLimits{Side: 639}), plain, "media.error.video_large"},
		{"too many pixels", limited(media.VideoLimits{Pixels: 640*480 - 1}), plain, "media.error.video_large"},
		{"an HLS playlist", tools, []byte("#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"), "media.error.video_playlist"},
		{"a list to be joined", tools, []byte("ffconcat version 1.0\nfile /etc/hostname\n"), "media.error.video_playlist"},
		{"a DASH manifest", tools, []byte("<?xml version=\"1.0\"?>\n<MPD></MPD>"), "media.error.video_playlist"},
		{"a session's description", tools, []byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n"), "media.error.video_playlist"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.tools.Probe(t.Context(), file(t, test.content))
			wantKey(t, err, test.key)
		})
	}
}

// TestOddStreams has what else is in a file be passed over: it is not refused for it, and nothing of it is decoded.
func TestOddStreams(t *testing.T) {
	tools := tools(t)
	for name, sound := range map[string]string{"odd.mkv": "aac", "timed.mov": "aac", "raw.mov": "pcm_s16be"} {
		f := open(t, sample(t, name))
		p, err := tools.Probe(t.Context(), f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.Video != "h264" || p.Audio != sound || p.PixelFormat != "yuv420p" || p.Width != 640 {
			t.Errorf("%s: %+v", name, p)
		}
		if list, err := tools.Renditions(t.Context(), f, p, t.TempDir(), nil); err != nil || len(list) == 0 {
			t.Errorf("%s: %d renditions, %v", name, len(list), err)
		}
	}
	lossless := open(t, sample(t, "lossless.mkv"))
	_, err := tools.Probe(t.Context(), lossless)
	wantKey(t, err, "media.error.video_codec")
	// Of this codec only who decodes knows the format of a pixel.
	for name, decoded := range map[string]int{"odd.mkv": 1, "lossless.mkv": 0} {
		if report, err := tools.Ask(t.Context(), open(t, sample(t, name))); err != nil || bytes.Count(report, []byte(`"pix_fmt"`)) != decoded {
			t.Errorf("%s: %v, more was decoded than is made use of: %s", name, err, report)
		}
	}
}

func TestFrame(t *testing.T) {
	tools := tools(t)
	for _, test := range []struct {
		name         string
		width        int
		at           time.Duration
		wantW, wantH int
		redX, redY   int
		blueX, blueY int
	}{
		{"halves.mp4", 160, time.Second, 160, 120, 20, 60, 140, 60},
		{"halves.mp4", 4000, time.Hour, 320, 240, 40, 120, 280, 120},    // never larger, never behind the end
		{"turned.mp4", 4000, -time.Second, 240, 320, 120, 40, 120, 280}, // the left is up when turned clockwise
		{"bright.mp4", 4000, 0, 320, 240, 40, 120, 280, 120},            // as bright as screens show
		{"wide.mp4", 321, 0, 320, 120, 40, 60, 280, 60},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := open(t, sample(t, test.name))
			p, err := tools.Probe(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := tools.Frame(t.Context(), f, p, test.at, test.width, &b); err != nil {
				t.Fatal(err)
			}
			m, err := jpeg.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if size := m.Bounds().Size(); size != image.Pt(test.wantW, test.wantH) {
				t.Fatalf("%v, want %d x %d", size, test.wantW, test.wantH)
			}
			wantColour(t, m, test.redX, test.redY, true)
			wantColour(t, m, test.blueX, test.blueY, false)
		})
	}
}

// wantColour checks that a place is red, or blue.
func wantColour(t *testing.T, m image.Image, x, y int, red bool) {
	t.Helper()
	r, _, b, _ := m.At(x, y).RGBA()
	if red != (r > 0xc000 && b < 0x4000) || red == (b > 0xc000 && r < 0x4000) {
		t.Errorf("at %d, %d is %v; red: %t", x, y, m.At(x, y), red)
	}
}

func TestFramesAndLook(t *testing.T) {
	tools := tools(t)
	looks := make(map[string]string)
	for _, name := range []string{"plain.mp4", "small.mp4", "other.mp4", "halves.mp4"} {
		f := open(t, sample(t, name))
		p, err := tools.Probe(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if looks[name], err = tools.Look(t.Context(), f, p); err != nil {
			t.Fatal(err)
		}
		if name != "plain.mp4" {
			continue
		}
		frames, err := tools.Frames(t.Context(), f, p, 3, 160)
		if err != nil {
			t.Fatal(err)
		}
		if len(frames) != 3 || frames[0].At < 900*time.Millisecond || frames[2].At > 5100*time.Millisecond || bytes.Equal(frames[0].JPEG, frames[1].JPEG) {
			t.Errorf("frames at %v", frames)
		}
	}
	for _, test := range []struct {
		a, b  string
		alike bool
	}{
		{looks["plain.mp4"], looks["plain.mp4"], true},
		{looks["plain.mp4"], looks["small.mp4"], true},
		{looks["plain.mp4"], looks["other.mp4"], false},
		{looks["halves.mp4"], looks["other.mp4"], false},
		{strings.Repeat("0", 96), strings.Repeat("0", 96), false}, // two that are dark throughout
		{looks["plain.mp4"], "", false},
		{"", "", false},
		{strings.Repeat("x", 96), strings.Repeat("x", 96), false},
	} {
		if got := media.Alike(test.a, test.b); got != test.alike {
			t.Errorf("%s and %s: alike %t, want %t", test.a, test.b, got, test.alike)
		}
	}
}

func FuzzProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"index":0,"codec_type":"video","codec_name":"h264","width":1920,"height":1080,"pix_fmt":"yuv420p","r_frame_rate":"30/1","avg_frame_rate":"30000/1001",` +
		`"sample_aspect_ratio":"1:1","side_data_list":[{"rotation":-90}]}],"format":{"format_name":"mov,mp4,m4a,3gp,3g2,mj2","duration":"1.5"}}`))
	f.Add([]byte(`{"streams":[{"codec_type":"video","codec_name":"vp9","width":1,"height":2147483647,"sample_aspect_ratio":"1:8","avg_frame_rate":"1/2147483647"}],"format":{"format_name":"matroska,webm"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := media.ParseProbe(b)
		if err != nil {
			if exit.KindOf(err) != exit.Invalid {
				t.Errorf("%v is not told to the person", err)
			}
			return
		}
		if p.Width <= 0 || p.Height <= 0 || p.Duration < 0 || p.VideoStream < 0 || p.AudioStream < -1 || p.Rotation%90 != 0 || p.Rotation < 0 || p.Rotation > 270 {
			t.Fatalf("%+v", p)
		}
		if p.Width > 1<<15 || p.Height > 1<<15 {
			return // refused before there is a ladder
		}
		for _, r := range p.Ladder() {
			if r.Width < 2 || r.Height < 2 || r.Width%2 != 0 || r.Height%2 != 0 || min(r.Width, r.Height) > 1080 || max(r.Width, r.Height) > 2560 {
				t.Errorf("of %d x %d: %+v", p.Width, p.Height, r)
			}
		}
	})
}

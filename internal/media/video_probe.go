package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
)

// container is a kind of file that holds videos, and nothing in it can name another file. What refers to others (HLS, DASH, concat, SDP,
// image sequences …) is not among them; a QuickTime reference to another file is not followed by ffmpeg unless it is told to.
type container struct {
	demuxer   string // the first of ffmpeg's names for it
	kind, ext string
}

var containers = []container{
	{"mov", "video/mp4", ".mp4"},
	{"matroska", "video/x-matroska", ".mkv"},
	{"mpegts", "video/mp2t", ".ts"},
	{"mpeg", "video/mpeg", ".mpg"},
	{"avi", "video/x-msvideo", ".avi"},
	{"flv", "video/x-flv", ".flv"},
	{"asf", "video/x-ms-wmv", ".wmv"},
	{"ogg", "video/ogg", ".ogv"},
}

// demuxers are all that ffprobe may choose from.
func demuxers() string {
	names := make([]string, len(containers))
	for i, c := range containers {
		names[i] = c.demuxer
	}
	return strings.Join(names, ",")
}

// pictureCodecs are those that are decoded, by ffmpeg's names, and what ffmpeg calls their decoders: the fewer, the less there is to attack.
var pictureCodecs = map[string]string{
	"h264": "h264", "hevc": "hevc", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d,libaom-av1,av1", "mpeg4": "mpeg4", "mpeg2video": "mpeg2video", "mpeg1video": "mpeg1video",
	"h263": "h263", "msmpeg4v3": "msmpeg4", "wmv1": "wmv1", "wmv2": "wmv2", "wmv3": "wmv3", "vc1": "vc1", "flv1": "flv", "theora": "theora", "mjpeg": "mjpeg",
	"prores": "prores", "dnxhd": "dnxhd", "dvvideo": "dvvideo",
}

// soundCodecs are likewise those of sound; beside them stands uncompressed sound, pcm_….
var soundCodecs = map[string]string{
	"aac": "aac", "mp3": "mp3float,mp3", "mp2": "mp2,mp2float", "opus": "opus", "vorbis": "vorbis", "flac": "flac", "alac": "alac", "ac3": "ac3", "eac3": "eac3", "dts": "dca",
	"amr_nb": "amrnb", "amr_wb": "amrwb", "wmav1": "wmav1", "wmav2": "wmav2", "wmapro": "wmapro",
}

// plainSound are the decoders of uncompressed sound as the containers hold it.
const plainSound = "pcm_alaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,pcm_s8,pcm_u8"

// decoders are all that are ever given a part of a file.
func decoders() string {
	names := append(slices.Collect(maps.Values(pictureCodecs)), slices.Collect(maps.Values(soundCodecs))...)
	slices.Sort(names)
	return strings.Join(append(names, plainSound), ",")
}

const (
	mostReport = 1 << 20  // of ffprobe's report, in bytes
	headBytes  = 64 << 10 // of a file, by which its kind is told
	longRead   = 10 * time.Minute
	// mostUnlisted is for how many more decoders ffprobe is asked again.
	mostUnlisted = 6
)

// probeEntries are what ffprobe is asked for: it reports nothing else, whatever the file holds.
const probeEntries = "format=format_name,duration,start_time" +
	":stream=index,codec_type,codec_name,width,height,pix_fmt,bits_per_raw_sample,sample_aspect_ratio,r_frame_rate,avg_frame_rate,field_order,color_transfer" +
	":stream_disposition=attached_pic,default:stream_side_data=rotation"

func (t Tools) probe(ctx context.Context, f *os.File) (Probe, error) {
	limits := t.Limits.orDefault()
	head, size, err := headOf(f)
	if err != nil {
		return Probe{}, err
	}
	if err := refuse(head); err != nil {
		return Probe{}, err
	}
	report, err := t.ask(ctx, f)
	var failed *failure
	if errors.As(err, &failed) {
		if strings.Contains(failed.complaint, "exceeds specified max pixel count") {
			return Probe{}, exit.Fail(exit.Invalid, "media.error.video_large")
		}
		if looksLikeVideo(head) {
			return Probe{}, videoBroken(err)
		}
		return Probe{}, &exit.Error{Kind: exit.Invalid, Key: "media.error.video", Err: err}
	}
	if err != nil {
		return Probe{}, fmt.Errorf("probe a video: %w", err)
	}
	p, err := parseProbe(report)
	if err != nil {
		return Probe{}, err
	}
	p.Bytes = size
	p.name(head)
	if p.Format == "mov" {
		if err := wholeMP4(f, size); err != nil {
			return Probe{}, videoBroken(err)
		}
	}
	if err := p.bound(limits); err != nil {
		return Probe{}, err
	}
	// A recording by a browser is written before its length is known.
	if p.Duration <= 0 {
		if p.Duration, err = t.measure(ctx, f, p); err != nil {
			return Probe{}, err
		}
		return p, p.bound(limits)
	}
	return p, nil
}

// unlisted is what ffprobe says of a decoder that it may not open.
var unlisted = regexp.MustCompile(`Codec \(([\w.-]+)\) not on whitelist`)

// ask has ffprobe report what a file is. It opens a decoder for each stream and gives up where it may not (ffprobe 5.1): those that it names are then
// opened, too, but given nothing.
func (t Tools) ask(ctx context.Context, f *os.File) ([]byte, error) {
	opened := decoders()
	for tries := 0; ; tries++ {
		report, err := t.askOpening(ctx, f, opened)
		var failed *failure
		if !errors.As(err, &failed) || tries == mostUnlisted {
			return report, err
		}
		before := opened
		for _, m := range unlisted.FindAllStringSubmatch(failed.complaint, -1) {
			if !strings.Contains(","+opened+",", ","+m[1]+",") {
				opened += "," + m[1]
			}
		}
		if opened == before {
			return report, err
		}
	}
}

// askOpening is ask with the decoders that may be opened.
func (t Tools) askOpening(ctx context.Context, f *os.File, opened string) ([]byte, error) {
	out := &bounded{most: mostReport}
	err := t.run(ctx, work{program: t.FFprobe, video: f, patience: shortWork, out: out, args: []string{
		"-hide_banner", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", demuxers(),
		"-codec_whitelist", decoders(), "-codec_whitelist:v", opened, "-codec_whitelist:a", opened, "-codec_whitelist:s", opened,
		"-max_pixels", strconv.FormatInt(t.Limits.orDefault().Pixels, 10), "-of", "json", "-show_entries", probeEntries, input,
	}})
	return out.Bytes(), err
}

func headOf(f *os.File) (head []byte, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("probe a video: %w", err)
	}
	if info.Size() == 0 {
		return nil, 0, exit.Fail(exit.Invalid, "media.error.empty")
	}
	head = make([]byte, min(headBytes, info.Size()))
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("probe a video: %w", err)
	}
	return head, info.Size(), nil
}

// refuse knows what is a list of other files, and pictures that ffmpeg would take for videos. Nothing depends on it but the
// sentence: ffprobe may not choose a demuxer of theirs.
func refuse(head []byte) error {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, start := range []string{"#EXTM3U", "ffconcat", "[playlist]", "[Reference]", "RTSPtext", "v=0", "SMIL", "<smil", "<asx", "<ASX"} {
		if bytes.HasPrefix(text, []byte(start)) {
			return exit.Fail(exit.Invalid, "media.error.video_playlist")
		}
	}
	if bytes.HasPrefix(text, []byte("<")) {
		for _, element := range []string{"<MPD", "<SmoothStreamingMedia", "<playlist", "<smil"} {
			if bytes.Contains(text, []byte(element)) {
				return exit.Fail(exit.Invalid, "media.error.video_playlist")
			}
		}
	}
	if len(head) >= 12 && string(head[4:8]) == "ftyp" && isHEIF(string(head[8:12])) {
		return exit.Fail(exit.Invalid, "media.error.video")
	}
	return nil
}

// looksLikeVideo tells by its first bytes a file that was one of the containers once.
func looksLikeVideo(head []byte) bool {
	if len(head) >= 8 {
		switch string(head[4:8]) {
		case "ftyp", "moov", "mdat", "wide", "pnot":
			return true
		}
	}
	for _, magic := range []string{"\x1a\x45\xdf\xa3", "FLV\x01", "OggS", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "\x00\x00\x01\xba"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return len(head) > 188 && head[0] == 0x47 && head[188] == 0x47 || len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "AVI "
}

// wholeMP4 goes along the outermost boxes of an MP4 file (ISO/IEC 14496-12, 4.2): one that ends behind the file's end has been cut off.
func wholeMP4(r io.ReaderAt, size int64) error {
	var b [16]byte
	for at := int64(0); at < size; {
		n, err := r.ReadAt(b[:min(16, size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read boxes: %w", err)
		}
		if n < 8 {
			return nil // a few bytes behind the last box harm nobody
		}
		length := int64(binary.BigEndian.Uint32(b[:]))
		switch {
		case length == 0: // as long as the file
			return nil
		case length == 1 && n == 16:
			length = int64(binary.BigEndian.Uint64(b[8:]) & math.MaxInt64)
		}
		if length < 8 {
			return nil // padding; what lies before it was read
		}
		if length > size-at {
			return fmt.Errorf("a box of %d bytes has %d", length, size-at)
		}
		at += length
	}
	return nil
}

func videoBroken(err error) error {
	return &exit.Error{Kind: exit.Invalid, Key: "media.error.video_broken", Err: err}
}

// report is what is read of ffprobe's JSON.
type report struct {
	Format struct {
		Name     string `json:"format_name"`
		Duration string `json:"duration"`
	} `json:"format"`
	Streams []stream `json:"streams"`
}

type stream struct {
	Index       int    `json:"index"`
	Type        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	PixelFormat string `json:"pix_fmt"`
	Bits        string `json:"bits_per_raw_sample"`
	Aspect      string `json:"sample_aspect_ratio"`
	Nominal     string `json:"r_frame_rate"`
	Mean        string `json:"avg_frame_rate"`
	Fields      string `json:"field_order"`
	Transfer    string `json:"color_transfer"`
	Disposition struct {
		Attached int `json:"attached_pic"`
		Default  int `json:"default"`
	} `json:"disposition"`
	SideData []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
}

// parseProbe reads ffprobe's report.
func parseProbe(b []byte) (Probe, error) {
	var r report
	if err := json.Unmarshal(b, &r); err != nil {
		return Probe{}, videoBroken(fmt.Errorf("read ffprobe's report: %w", err))
	}
	p := Probe{AudioStream: -1}
	p.Format, _, _ = strings.Cut(r.Format.Name, ",")
	if !strings.Contains(","+demuxers()+",", ","+p.Format+",") || p.Format == "" {
		return Probe{}, exit.Fail(exit.Invalid, "media.error.video")
	}
	p.Duration = seconds(r.Format.Duration)
	picture := choose(r.Streams, func(s stream) bool { return s.Type == "video" && s.Disposition.Attached == 0 })
	if picture == nil {
		if choose(r.Streams, func(s stream) bool { return s.Type == "audio" }) != nil {
			return Probe{}, exit.Fail(exit.Invalid, "media.error.video_sound")
		}
		return Probe{}, exit.Fail(exit.Invalid, "media.error.video")
	}
	if pictureCodecs[picture.Codec] == "" {
		return Probe{}, exit.Fail(exit.Invalid, "media.error.video_codec")
	}
	if picture.Width <= 0 || picture.Height <= 0 || picture.Width > math.MaxInt32 || picture.Height > math.MaxInt32 || picture.Index < 0 {
		return Probe{}, videoBroken(errors.New("no pixels"))
	}
	p.see(picture)
	if sound := choose(r.Streams, func(s stream) bool { return s.Type == "audio" && soundKnown(s.Codec) && s.Index >= 0 }); sound != nil {
		p.Audio, p.AudioStream = sound.Codec, sound.Index
	}
	return p, nil
}

func soundKnown(codec string) bool {
	return soundCodecs[codec] != "" || slices.Contains(strings.Split(plainSound, ","), codec)
}

// choose gives the first of the streams that are marked as default, or else the first.
func choose(list []stream, fits func(stream) bool) *stream {
	var first *stream
	for i, s := range list {
		if !fits(s) {
			continue
		}
		if s.Disposition.Default != 0 {
			return &list[i]
		}
		if first == nil {
			first = &list[i]
		}
	}
	return first
}

// see takes over what the chosen stream says of the picture.
func (p *Probe) see(s *stream) {
	p.Video, p.VideoStream, p.PixelFormat, p.Depth = s.Codec, s.Index, s.PixelFormat, depth(s)
	p.Width, p.Height = s.Width, s.Height
	if aspect := ratio(s.Aspect, ":"); aspect >= 1.0/8 && aspect <= 8 {
		p.Width = max(1, int(math.Round(float64(s.Width)*aspect)))
	}
	for _, d := range s.SideData {
		// ffprobe counts against the clock.
		if d.Rotation != 0 && math.Abs(d.Rotation) <= 360 {
			p.Rotation = (int(math.Round(-d.Rotation/90))*90 + 720) % 360
		}
	}
	if p.Rotation == 90 || p.Rotation == 270 {
		p.Width, p.Height = p.Height, p.Width
	}
	if s.Transfer == "smpte2084" || s.Transfer == "arib-std-b67" {
		p.HDR, p.transfer = true, s.Transfer
	}
	switch s.Fields {
	case "tt", "bb", "tb", "bt":
		p.Interlaced = true
	}
	nominal, mean := ratio(s.Nominal, "/"), ratio(s.Mean, "/")
	p.FrameRate = mean
	if mean == 0 {
		p.FrameRate = nominal
	}
	p.Variable = mean > 0 && math.Abs(nominal-mean) > 0.02*mean
	p.nominal = nominal
}

var deepFormat = regexp.MustCompile(`(?:p0?|gray|gbrp|x2rgb)(9|10|12|14|16)(?:le|be)$`)

// depth tells the bits of a sample; formats of 8 bits say nothing of it in their names.
func depth(s *stream) int {
	if m := deepFormat.FindStringSubmatch(s.PixelFormat); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	if n, err := strconv.Atoi(s.Bits); err == nil && n > 0 && n <= 16 && s.PixelFormat == "" {
		return n
	}
	return 8
}

// ratio reads "30000/1001" or "4:3"; 0 for what is none.
func ratio(s, sign string) float64 {
	a, b, ok := strings.Cut(s, sign)
	x, errX := strconv.ParseInt(a, 10, 32)
	y, errY := strconv.ParseInt(b, 10, 32)
	if !ok || errX != nil || errY != nil || x <= 0 || y <= 0 {
		return 0
	}
	return float64(x) / float64(y)
}

// seconds reads a decimal number of them; 0 for what is none, or is more than a hundred years.
func seconds(s string) time.Duration {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0) || v > 100*365*24*3600 {
		return 0
	}
	return time.Duration(v * float64(time.Second))
}

// name gives the file its type and ending, from how it begins.
func (p *Probe) name(head []byte) {
	for _, c := range containers {
		if c.demuxer == p.Format {
			p.Type, p.Ext = c.kind, c.ext
		}
	}
	switch p.Format {
	case "matroska":
		// The DocType element stands among the first (RFC 8794, 11.2).
		if bytes.Contains(head[:min(len(head), 64)], []byte("\x42\x82\x84webm")) {
			p.Type, p.Ext = "video/webm", ".webm"
		}
	case "mov":
		brand := ""
		if len(head) >= 12 && string(head[4:8]) == "ftyp" {
			brand = string(head[8:12])
		}
		switch {
		case brand == "" || brand == "qt  ":
			p.Type, p.Ext = "video/quicktime", ".mov"
		case strings.HasPrefix(brand, "3g"):
			p.Type, p.Ext = "video/3gpp", ".3gp"
		}
	}
}

// bound refuses what is too long or too large. The sentences hold no numbers, for they are kept by their keys and read later.
func (p Probe) bound(l VideoLimits) error {
	if p.Duration > l.Duration {
		return exit.Fail(exit.Invalid, "media.error.video_long")
	}
	if p.Width > l.Side || p.Height > l.Side || int64(p.Width)*int64(p.Height) > l.Pixels {
		return exit.Fail(exit.Invalid, "media.error.video_large")
	}
	return nil
}

// measure goes through a whole file for its length, without decoding it.
func (t Tools) measure(ctx context.Context, f *os.File, p Probe) (time.Duration, error) {
	var length time.Duration
	told := &progress{tell: func(at time.Duration) { length = at }}
	args := append(t.reading(p), "-map", "0:"+strconv.Itoa(p.VideoStream), "-c", "copy", "-f", "null", "-progress", "pipe:1", "-nostats", "-")
	err := t.run(ctx, work{program: t.FFmpeg, video: f, patience: longRead, out: told, args: args})
	var failed *failure
	if errors.As(err, &failed) {
		return 0, videoBroken(err)
	}
	if err != nil {
		return 0, fmt.Errorf("measure a video: %w", err)
	}
	if length <= 0 {
		return 0, videoBroken(errors.New("it has no length"))
	}
	return length, nil
}

// reading are the arguments by which ffmpeg reads the video, and nothing but it.
func (t Tools) reading(p Probe) []string {
	limits := t.Limits.orDefault()
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "error", "-y",
		"-protocol_whitelist", "file", "-format_whitelist", demuxers(), "-f", p.Format, "-codec_whitelist", decoders(), "-max_pixels", strconv.FormatInt(limits.Pixels, 10),
		"-threads", strconv.Itoa(limits.Threads), "-i", input,
	}
}

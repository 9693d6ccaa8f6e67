package media

import (
	"context"
	"io"
	"os"
	"strings"
	"time"
)

// Tools are the programs of FFmpeg that work on videos, as child processes under limits. The zero value has none: then
// videos are kept and played as they came. Every method needs [Tools.Have].
type Tools struct {
	FFmpeg, FFprobe string // paths; "" where the program is missing
	Version         string // of ffmpeg, "5.1.9"
	Limits          VideoLimits

	alone bool // this machine lets a child have a network of its own, in which there is nobody
	hdr   bool // it can bring colours of a high dynamic range into the usual one
}

// VideoLimits bound a video and the work on it. A field that is 0 has the value of [DefaultVideoLimits].
type VideoLimits struct {
	Duration time.Duration // of the longest video
	Pixels   int64         // width times height of the largest picture
	Side     int           // the longest side, in pixels
	Memory   int64         // address space of one child, in bytes
	Output   int64         // of one rendition, in bytes
	// Slowness is how many times a video's length, and a minute more, a child may take.
	Slowness int
	Patience time.Duration // the most that making the renditions of one video may take, however long it is
	Threads  int           // of each of a child's decoders and encoders
}

// DefaultVideoLimits are four hours, 8192 x 4320 pixels, 6 GiB of address space, 8 GiB a rendition, thirty times the video's length and
// no more than six hours, and as many threads as there are processors, at most 8.
var DefaultVideoLimits = VideoLimits{
	Duration: 4 * time.Hour, Pixels: 8192 * 4320, Side: 8192, Memory: 6 << 30, Output: 8 << 30, Slowness: 30, Patience: 6 * time.Hour, Threads: defaultThreads(),
}

// Probe is what a video is, by what it holds and not by its name.
type Probe struct {
	Format        string // the demuxer that reads it, as ffmpeg -f takes it: "mov", "matroska", "mpegts", "avi" …
	Type, Ext     string // "video/mp4" and ".mp4", "video/webm" and ".webm" …
	Bytes         int64
	Duration      time.Duration
	Width, Height int     // as it is shown: upright, with square pixels
	Rotation      int     // how far the stored picture is turned clockwise to be shown: 0, 90, 180 or 270
	FrameRate     float64 // frames a second, of a variable rate the mean
	Variable      bool    // the frame rate varies
	Video, Audio  string  // names of codecs: "h264", "aac"; Audio is "" where there is no sound
	PixelFormat   string  // as ffmpeg calls it: "yuv420p", "yuv420p10le"
	Depth         int     // bits of one sample of the picture
	VideoStream   int     // index in the file
	AudioStream   int     // -1: no sound
	HDR           bool    // its colours have a high dynamic range (ITU-R BT.2100: PQ or HLG)
	Interlaced    bool    // each picture is two half-pictures of different moments

	transfer string  // how bright a sample is, of HDR: "smpte2084" (PQ), "arib-std-b67" (HLG)
	nominal  float64 // the frame rate for which it was meant, as far as that can be told
}

// Rendition is a video made anew for HLS (RFC 8216): one file of fragmented MP4 whose segments are ranges of it.
type Rendition struct {
	Path          string // the file
	Playlist      string // a media playlist whose addresses are all [PlaylistFile]; PlaylistAt puts in another
	Width, Height int
	Side          int     // the shorter of the two, by which people know it: 1080, 720, 480, 360 …
	FrameRate     float64 // frames a second
	Bandwidth     int     // of the heaviest segment, in bits a second (BANDWIDTH in a master playlist)
	Average       int     // of the whole, in bits a second (AVERAGE-BANDWIDTH)
	Codecs        string  // RFC 6381: "avc1.640028,mp4a.40.2"
	Bytes         int64
}

// PlaylistFile stands in a [Rendition]'s playlist for the address of its file.
const PlaylistFile = "rendition.mp4"

// Frame is a picture out of a video.
type Frame struct {
	At   time.Duration
	JPEG []byte
}

// FindTools looks for ffmpeg and ffprobe in PATH and asks them for their version, and whether they make H.264 and AAC. That there
// are none is no error.
func FindTools(ctx context.Context) Tools { return findTools(ctx) }

// Have reports whether both programs are there.
func (t Tools) Have() bool { return t.FFmpeg != "" && t.FFprobe != "" }

// Probe tells what a file is. Errors are Invalid with the key of a sentence: empty, no video, a playlist (it would have other
// files read), damaged, too long, or too large a picture.
func (t Tools) Probe(ctx context.Context, f *os.File) (Probe, error) { return t.probe(ctx, f) }

// Plays reports whether the browsers of today play the file as it is: H.264 of 8 bits with AAC or MP3 in MP4, or VP8, VP9 or AV1 with
// Opus or Vorbis in WebM.
func (p Probe) Plays() bool {
	switch p.Type {
	case "video/mp4":
		return p.Video == "h264" && (p.PixelFormat == "yuv420p" || p.PixelFormat == "yuvj420p") && (p.Audio == "" || p.Audio == "aac" || p.Audio == "mp3")
	case "video/webm":
		return (p.Video == "vp8" || p.Video == "vp9" || p.Video == "av1") && p.Depth == 8 && (p.Audio == "" || p.Audio == "opus" || p.Audio == "vorbis")
	}
	return false
}

// Renditions makes a video anew for HLS, in the sizes that fit it, never larger than it is, the largest first: H.264 of 8 bits and AAC. The files
// are in dir and the caller's. progress, which may be nil, is told thousandths. Errors are Invalid with the key of a sentence where the
// video is damaged or takes too long; where dir is full Unavailable.
func (t Tools) Renditions(ctx context.Context, f *os.File, p Probe, dir string, progress func(permille int)) ([]Rendition, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.Limits.orDefault().Patience, errSlow)
	defer cancel()
	return t.renditions(ctx, f, p, dir, progress)
}

// PlaylistAt gives a [Rendition]'s playlist with the address of its file.
func PlaylistAt(playlist, address string) string {
	return strings.ReplaceAll(playlist, PlaylistFile, address)
}

// Frame writes the picture at a moment as JPEG, at most width pixels wide, upright.
func (t Tools) Frame(ctx context.Context, f *os.File, p Probe, at time.Duration, width int, w io.Writer) error {
	picture, err := t.frame(ctx, f, p, at, width)
	if err != nil {
		return err
	}
	return writeFrame(w, picture)
}

// Frames gives n pictures spread evenly over a video, to choose a cover from.
func (t Tools) Frames(ctx context.Context, f *os.File, p Probe, n, width int) ([]Frame, error) {
	return t.frames(ctx, f, p, n, width)
}

// Look gives what a video looks like, by which near-copies are known: 16 hexadecimal digits, a difference hash, for each of six
// moments spread evenly over it. The same video in another size or format has nearly the same.
func (t Tools) Look(ctx context.Context, f *os.File, p Probe) (string, error) {
	return t.look(ctx, f, p)
}

// Alike reports whether two looks are those of one video, as far as one can tell.
func Alike(a, b string) bool { return alike(a, b) }

// Subtitle reads subtitles, WebVTT or SubRip, and gives clean WebVTT: UTF-8, cues alone, and in them no tags but those
// of WebVTT. Errors are Invalid with the key of a sentence.
func Subtitle(r io.Reader) ([]byte, error) { return subtitle(r) }

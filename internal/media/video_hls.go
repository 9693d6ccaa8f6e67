package media

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	largestSide  = 1080 // of renditions: the shorter side
	longestSide  = 2560 // of renditions: the longer one
	fastest      = 60   // frames a second
	segmentTime  = 4    // seconds; each begins with a key frame
	nearEnough   = 0.85 // a smaller rendition that has more of the next larger one's height is not worth its space
	mostPlaylist = 4 << 20
)

// toSDR are filters that bring the colours of ITU-R BT.2100 into those of BT.709; 203 cd/m² is the white of ITU-R BT.2408. What the video
// came in is said in full, since many a file leaves out a part of it.
func (p Probe) toSDR() string {
	return "zscale=tin=" + p.transfer + ":pin=bt2020:min=bt2020nc:rin=limited:t=linear:npl=203,format=gbrpf32le,zscale=p=bt709," +
		"tonemap=mobius:desat=0,zscale=t=bt709:m=bt709:r=limited,format=yuv420p"
}

// smallerSides are the heights of a ladder below its top, as players know them.
var smallerSides = []int{720, 480, 360}

// rung is a rendition to be made.
type rung struct {
	side, width, height int
	bits                int // a second, at most, of the picture
}

// file is a rung's name in the folder, without an ending.
func (r rung) file() string { return "rendition-" + strconv.Itoa(r.side) }

// ladder gives the sizes of a video's renditions, the largest first. The first is as large as the video is, within bounds.
func (p Probe) ladder() []rung {
	short, long := min(p.Width, p.Height), max(p.Width, p.Height)
	top := min(short, largestSide)
	if long*top > longestSide*short {
		top = longestSide * short / long
	}
	sides := []int{even(top)}
	for _, side := range smallerSides {
		if float64(side) <= nearEnough*float64(sides[len(sides)-1]) {
			sides = append(sides, side)
		}
	}
	rate := p.rate()
	ladder := make([]rung, len(sides))
	for i, side := range sides {
		r := rung{side: side, width: side, height: side}
		other := even(min(longestSide, int(math.Round(float64(long)*float64(side)/float64(short)))))
		if short-side <= 1 {
			other = even(min(longestSide, long)) // the very size, but for a row
		}
		if p.Width >= p.Height {
			r.width = other
		} else {
			r.height = other
		}
		// 5 Mbit/s for 1080p, and less than in proportion for smaller ones, as ladders have it (Apple, HLS Authoring Specification, table 1).
		r.bits = int(5e6 * math.Pow(float64(r.width*r.height)/(1920*1080), 0.75) * math.Max(1, math.Sqrt(rate/30)))
		r.bits = max(r.bits, 100_000)
		ladder[i] = r
	}
	return ladder
}

// even gives the next smaller even number, at least 2: half the colour samples of 4:2:0 lie between two rows.
func even(n int) int { return max(2, n&^1) }

// rate is the constant frame rate of the renditions. One that varies becomes the rate for which it was meant.
func (p Probe) rate() float64 {
	rate := p.FrameRate
	if p.Variable {
		rate = p.nominal
		if rate < 10 || rate > fastest {
			rate = fastest
			for _, usual := range []float64{24, 25, 30, 50} {
				if p.FrameRate <= usual {
					rate = usual
					break
				}
			}
		}
	}
	if rate <= 0 {
		rate = 25
	}
	return min(rate, fastest)
}

// fraction writes a frame rate as ffmpeg reads it; those of NTSC are exact.
func fraction(rate float64) string {
	if ntsc := math.Round(rate * 1.001); math.Abs(ntsc*1000/1001-rate) < 1e-3 && math.Abs(math.Round(rate)-rate) > 1e-3 {
		return strconv.Itoa(int(ntsc)*1000) + "/1001"
	}
	return strconv.FormatFloat(rate, 'f', 5, 64)
}

// ladderArgs are the arguments by which one ffmpeg makes all renditions: it decodes once, and the pictures of each
// moment are key frames in all of them or in none.
func (t Tools) ladderArgs(p Probe, ladder []rung) []string {
	limits := t.Limits.orDefault()
	rate := p.rate()
	var graph strings.Builder
	fmt.Fprintf(&graph, "[0:%d]", p.VideoStream)
	if p.Interlaced {
		graph.WriteString("yadif=deint=interlaced,")
	}
	fmt.Fprintf(&graph, "fps=%s,", fraction(rate))
	if p.HDR && t.hdr {
		// At the size of the largest rendition, since it is the most costly of all.
		fmt.Fprintf(&graph, "scale=%d:%d,%s,", ladder[0].width, ladder[0].height, p.toSDR())
	}
	fmt.Fprintf(&graph, "split=%d", len(ladder))
	for i := range ladder {
		fmt.Fprintf(&graph, "[s%d]", i)
	}
	for i, r := range ladder {
		fmt.Fprintf(&graph, ";[s%d]scale=%d:%d,setsar=1,format=yuv420p[v%d]", i, r.width, r.height, i)
	}
	args := append(t.reading(p), "-filter_complex", graph.String(), "-filter_complex_threads", strconv.Itoa(limits.Threads), "-progress", "pipe:1", "-nostats")
	for i, r := range ladder {
		// Without B-frames pictures stand in the order in which they are shown. With them the first would come some frames late, which is put right by an
		// edit list that players of Media Source Extensions do not read: sound and picture would drift apart.
		args = append(args, "-map", "[v"+strconv.Itoa(i)+"]",
			"-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-profile:v", "high", "-crf", "23", "-maxrate", strconv.Itoa(r.bits), "-bufsize", strconv.Itoa(2*r.bits),
			"-g", strconv.Itoa(int(math.Ceil(rate*segmentTime))), "-sc_threshold", "0", "-force_key_frames", fmt.Sprintf("expr:gte(t,n_forced*%d)", segmentTime),
			"-threads", strconv.Itoa(limits.Threads))
		if p.AudioStream >= 0 {
			args = append(args, "-map", "0:"+strconv.Itoa(p.AudioStream), "-c:a", "aac", "-ac", "2", "-ar", "48000", "-b:a", strconv.Itoa(r.sound()), "-af", "aresample=async=1")
		}
		args = append(args, "-t", strconv.Itoa(int(limits.Duration/time.Second)), "-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn",
			"-f", "hls", "-hls_segment_type", "fmp4", "-hls_flags", "single_file", "-hls_time", strconv.Itoa(segmentTime), "-hls_list_size", "0",
			"-hls_playlist_type", "vod", "-hls_segment_filename", r.file()+".mp4", r.file()+".m3u8")
	}
	return args
}

// sound gives the bits a second of a rung's sound.
func (r rung) sound() int {
	if r.side < 480 {
		return 96_000
	}
	return 128_000
}

func (t Tools) renditions(ctx context.Context, f *os.File, p Probe, dir string, tell func(permille int)) ([]Rendition, error) {
	limits := t.Limits.orDefault()
	ladder := p.ladder()
	last := -1
	told := &progress{tell: func(at time.Duration) {
		if permille := min(999, int(at*1000/max(p.Duration, time.Millisecond))); permille > last && tell != nil {
			last = permille
			tell(permille)
		}
	}}
	err := t.run(ctx, work{program: t.FFmpeg, video: f, dir: dir, patience: limits.patience(p.Duration), out: told, args: t.ladderArgs(p, ladder)})
	var failed *failure
	if errors.As(err, &failed) && p.HDR && t.hdr {
		t.hdr = false // colours that cannot be brought over are taken as they are
		return t.renditions(ctx, f, p, dir, tell)
	}
	if errors.As(err, &failed) {
		return nil, videoBroken(err)
	}
	if err != nil {
		return nil, fmt.Errorf("make renditions: %w", err)
	}
	list := make([]Rendition, len(ladder))
	for i, r := range ladder {
		length, err := list[i].read(dir, r, p)
		if err != nil {
			return nil, fmt.Errorf("make renditions: %w", err)
		}
		// What stops long before its end was cut off or is damaged; a second is what rounding and delays make.
		if length+time.Second < p.Duration*9/10 && told.at+time.Second < p.Duration*9/10 {
			return nil, videoBroken(fmt.Errorf("of %s, %s can be read", p.Duration, length))
		}
	}
	if tell != nil {
		tell(1000)
	}
	return list, nil
}

// progress reads what ffmpeg writes under -progress: lines of name=value.
type progress struct {
	tell func(at time.Duration)
	at   time.Duration
	line []byte
}

func (p *progress) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		if len(p.line)+len(line) > 4096 {
			return 0, errors.New("a line of progress is too long")
		}
		p.line = append(p.line, line...)
		if !whole {
			return n, nil
		}
		if value, ok := bytes.CutPrefix(p.line, []byte("out_time_us=")); ok {
			if us, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err == nil && us > 0 && us < math.MaxInt64/1000 {
				p.at = max(p.at, time.Duration(us)*time.Microsecond)
				p.tell(p.at)
			}
		}
		p.line, b = p.line[:0], rest
	}
}

// byteRange is a part of a file.
type byteRange struct{ length, at int64 }

// hlsSegment is a range and how long it plays, in seconds.
type hlsSegment struct {
	byteRange
	seconds float64
}

// read takes in the rendition that ffmpeg has written, and gives its length.
func (out *Rendition) read(dir string, r rung, p Probe) (time.Duration, error) {
	out.Path = filepath.Join(dir, r.file()+".mp4")
	out.Width, out.Height, out.Side, out.FrameRate = r.width, r.height, r.side, p.rate()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	b, err := root.ReadFile(r.file() + ".m3u8")
	if err != nil {
		return 0, err
	}
	if err := root.Remove(r.file() + ".m3u8"); err != nil {
		return 0, err
	}
	f, err := root.Open(r.file() + ".mp4")
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	out.Bytes = info.Size()
	begin, segments, err := parsePlaylist(b, out.Bytes)
	if err != nil {
		return 0, fmt.Errorf("read ffmpeg's playlist: %w", err)
	}
	init := make([]byte, begin.length)
	if _, err := f.ReadAt(init, begin.at); err != nil {
		return 0, err
	}
	if out.Codecs, err = codecsOf(init); err != nil {
		return 0, err
	}
	out.Playlist = writePlaylist(begin, segments)
	var seconds float64
	for _, s := range segments {
		seconds += s.seconds
		// A short rest at the end says nothing of what a connection must bear (RFC 8216, 4.3.4.2).
		if s.seconds >= segmentTime/2 || len(segments) == 1 {
			out.Bandwidth = max(out.Bandwidth, int(float64(s.length*8)/max(s.seconds, 0.1)))
		}
	}
	out.Average = int(float64(out.Bytes*8) / max(seconds, 0.1))
	out.Bandwidth = max(out.Bandwidth, out.Average)
	return time.Duration(seconds * float64(time.Second)), nil
}

// parsePlaylist reads a media playlist of one file of so many bytes.
func parsePlaylist(b []byte, size int64) (begin byteRange, segments []hlsSegment, err error) {
	if len(b) > mostPlaylist {
		return byteRange{}, nil, fmt.Errorf("it has %d bytes", len(b))
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	var next hlsSegment
	for lines.Scan() {
		line := lines.Text()
		name, value, _ := strings.Cut(line, ":")
		switch {
		case name == "#EXT-X-MAP":
			_, value, _ = strings.Cut(value, `BYTERANGE="`)
			begin, err = parseRange(strings.TrimSuffix(value, `"`), size)
		case name == "#EXTINF":
			next.seconds, err = strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
		case name == "#EXT-X-BYTERANGE":
			next.byteRange, err = parseRange(value, size)
		case line != "" && line[0] != '#':
			if next.length <= 0 {
				return byteRange{}, nil, errors.New("a segment has no range")
			}
			segments = append(segments, next)
			next = hlsSegment{}
		}
		if err != nil {
			return byteRange{}, nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return byteRange{}, nil, err
	}
	if begin.length <= 0 || len(segments) == 0 {
		return byteRange{}, nil, errors.New("it has no segments")
	}
	return begin, segments, nil
}

// parseRange reads "length@offset" (RFC 8216, 4.3.2.2), within a file of so many bytes.
func parseRange(s string, size int64) (byteRange, error) {
	length, at, ok := strings.Cut(s, "@")
	n, errLength := strconv.ParseInt(length, 10, 64)
	from, errAt := strconv.ParseInt(at, 10, 64)
	if !ok || errLength != nil || errAt != nil || n <= 0 || from < 0 || from > size || n > size-from {
		return byteRange{}, fmt.Errorf("range %q of %d bytes", s, size)
	}
	return byteRange{n, from}, nil
}

// writePlaylist writes a media playlist (RFC 8216) whose addresses are [PlaylistFile].
func writePlaylist(begin byteRange, segments []hlsSegment) string {
	longest := 1.0
	for _, s := range segments {
		longest = math.Max(longest, s.seconds)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n", int(math.Round(longest)))
	fmt.Fprintf(&b, "#EXT-X-MAP:URI=\"%s\",BYTERANGE=\"%d@%d\"\n", PlaylistFile, begin.length, begin.at)
	for _, s := range segments {
		fmt.Fprintf(&b, "#EXTINF:%.6f,\n#EXT-X-BYTERANGE:%d@%d\n%s\n", s.seconds, s.length, s.at, PlaylistFile)
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return b.String()
}

// codecsOf names the codecs of a rendition's first part as RFC 6381 has them: of H.264 the profile, its constraints and the
// level, which are the second to fourth byte of its decoder configuration (ISO/IEC 14496-15, 5.3.3).
func codecsOf(init []byte) (string, error) {
	at := bytes.Index(init, []byte("avcC"))
	if at < 4 || at+8 > len(init) || int64(binary.BigEndian.Uint32(init[at-4:])) < 12 {
		return "", errors.New("the rendition does not tell its codec")
	}
	codecs := fmt.Sprintf("avc1.%02x%02x%02x", init[at+5], init[at+6], init[at+7])
	if bytes.Contains(init, []byte("mp4a")) {
		codecs += ",mp4a.40.2" // AAC-LC, which is what ffmpeg's encoder makes unless told otherwise
	}
	return codecs, nil
}

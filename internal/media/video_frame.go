package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
)

const (
	mostPicture = 20_000_000 // of one frame as JPEG, in bytes
	lookFrames  = 6
	lookWidth   = 9
	lookHeight  = 8
)

// still has one picture of a video written by a filter and an encoder. Behind the last picture there is none: then it is
// the first.
func (t Tools) still(ctx context.Context, f *os.File, p Probe, at time.Duration, most int, how ...string) ([]byte, error) {
	for _, moment := range []time.Duration{max(0, min(at, p.Duration-100*time.Millisecond)), 0} {
		out := &bounded{most: most}
		read := t.reading(p)
		args := append(read[:len(read)-2:len(read)-2], "-ss", strconv.FormatFloat(moment.Seconds(), 'f', 3, 64))
		args = append(append(args, read[len(read)-2:]...), "-map", "0:"+strconv.Itoa(p.VideoStream), "-frames:v", "1")
		err := t.run(ctx, work{program: t.FFmpeg, video: f, patience: shortWork, out: out, args: append(append(args, how...), "pipe:1")})
		var failed *failure
		if err != nil && !errors.As(err, &failed) {
			return nil, fmt.Errorf("take a picture out of a video: %w", err)
		}
		if err == nil && out.Len() > 0 {
			return out.Bytes(), nil
		}
	}
	return nil, videoBroken(errors.New("it has no picture"))
}

func (t Tools) frame(ctx context.Context, f *os.File, p Probe, at time.Duration, width int) ([]byte, error) {
	w := even(min(width, p.Width))
	h := even(int(int64(p.Height) * int64(w) / int64(p.Width)))
	shape := fmt.Sprintf("scale=%d:%d:out_range=full,setsar=1,format=yuvj420p", w, h)
	coded := []string{"-c:v", "mjpeg", "-q:v", "3", "-map_metadata", "-1", "-f", "image2pipe"}
	if p.HDR && t.hdr {
		b, err := t.still(ctx, f, p, at, mostPicture, append([]string{"-vf", fmt.Sprintf("scale=%d:%d,%s,%s", w, h, p.toSDR(), shape)}, coded...)...)
		if err == nil || exit.KindOf(err) != exit.Invalid {
			return b, err
		}
		// Colours that cannot be brought over are taken as they are.
	}
	return t.still(ctx, f, p, at, mostPicture, append([]string{"-vf", shape}, coded...)...)
}

// moment gives the i-th of n moments spread evenly over a video, each in the middle of its part.
func (p Probe) moment(i, n int) time.Duration {
	return p.Duration * time.Duration(2*i+1) / time.Duration(2*n)
}

func (t Tools) look(ctx context.Context, f *os.File, p Probe) (string, error) {
	var look strings.Builder
	for i := range lookFrames {
		grey, err := t.still(ctx, f, p, p.moment(i, lookFrames), lookWidth*lookHeight,
			"-vf", fmt.Sprintf("scale=%d:%d:flags=area,format=gray", lookWidth, lookHeight), "-f", "rawvideo")
		if err != nil {
			return "", err
		}
		if len(grey) != lookWidth*lookHeight {
			return "", videoBroken(fmt.Errorf("a picture of %d bytes", len(grey)))
		}
		fmt.Fprintf(&look, "%016x", differences(grey))
	}
	return look.String(), nil
}

// differences is the difference hash ("dHash", N. Krawetz 2013) of 9 x 8 grey pixels: each bit says whether one is brighter
// than the one to its right.
func differences(grey []byte) uint64 {
	var hash uint64
	for y := range lookHeight {
		for x := range lookWidth - 1 {
			hash <<= 1
			if grey[y*lookWidth+x] > grey[y*lookWidth+x+1] {
				hash |= 1
			}
		}
	}
	return hash
}

const (
	// likeness is how many of a moment's 64 bits may differ, on the mean of all moments.
	likeness = 8
	// plainest is the least number of bits that differ from a picture of one colour, for it to say anything.
	plainest = 4
)

// alike compares moment by moment. Where one is of one colour, as at a fade, that moment is passed over.
func alike(a, b string) bool {
	if len(a) != 16*lookFrames || len(b) != len(a) {
		return false
	}
	compared, differing := 0, 0
	for i := range lookFrames {
		x, errX := strconv.ParseUint(a[16*i:16*i+16], 16, 64)
		y, errY := strconv.ParseUint(b[16*i:16*i+16], 16, 64)
		if errX != nil || errY != nil {
			return false
		}
		if bits.OnesCount64(x) < plainest || bits.OnesCount64(y) < plainest {
			continue
		}
		compared++
		differing += bits.OnesCount64(x ^ y)
	}
	return compared >= lookFrames/2 && differing <= likeness*compared
}

func (t Tools) frames(ctx context.Context, f *os.File, p Probe, n, width int) ([]Frame, error) {
	list := make([]Frame, 0, n)
	for i := range n {
		at := p.moment(i, n)
		picture, err := t.frame(ctx, f, p, at, width)
		if err != nil {
			return nil, err
		}
		list = append(list, Frame{At: at, JPEG: picture})
	}
	return list, nil
}

func writeFrame(w io.Writer, picture []byte) error {
	if _, err := w.Write(picture); err != nil {
		return fmt.Errorf("write a picture: %w", err)
	}
	return nil
}

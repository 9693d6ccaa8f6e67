// Package media turns what people upload into what is kept: images decoded for real, bounded before they are decoded, without
// metadata, upright and no larger than a screen needs. It stores nothing.
package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"exeunt/exit"

	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

// Limits bound an image. A field that is 0 has the value of [DefaultLimits].
type Limits struct {
	Bytes  int64 // of the file, in and out
	Pixels int64 // width times height
	Side   int   // the longest side that is decoded, in pixels
	Keep   int   // the longest side that is kept: larger images are made smaller
	Thumb  int   // the longest side of the thumbnail
	// KeepClean keeps the very bytes of an image that needs no change: upright, no larger than Keep, without metadata or
	// anything else beside the picture. It is for archives of ours, which come back byte for byte.
	KeepClean bool
}

// DefaultLimits are those of posts: 20 MB, 64 megapixels, 16,384 pixels a side; kept at 2,560 and 640.
var DefaultLimits = Limits{Bytes: 20_000_000, Pixels: 64_000_000, Side: 16384, Keep: 2560, Thumb: 640}

func (l Limits) orDefault() Limits {
	d := DefaultLimits
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Pixels > 0 {
		d.Pixels = l.Pixels
	}
	if l.Side > 0 {
		d.Side = l.Side
	}
	if l.Keep > 0 {
		d.Keep = l.Keep
	}
	if l.Thumb > 0 {
		d.Thumb = l.Thumb
	}
	d.KeepClean = l.KeepClean
	return d
}

// Picture is an image that may be stored, and its thumbnail. Both are free of metadata, unless the format needs it to
// show the picture.
type Picture struct {
	Type          string // "image/jpeg", "image/png" or, where it was kept as it was, "image/webp"
	Ext           string // ".jpg", ".png", ".webp"
	Width, Height int    // in pixels, upright
	Bytes         []byte
	Thumb         []byte
	ThumbType     string // "image/jpeg", "image/png" where something shines through
	ThumbExt      string
}

// At most two images are decoded at once, and together they take no more memory than this, in bytes.
const (
	mostDecodes = 2
	mostMemory  = 512 << 20
)

var (
	decodes = semaphore.NewWeighted(mostDecodes)
	memory  = semaphore.NewWeighted(mostMemory)
)

// Image reads an image: JPEG, PNG, the first frame of a GIF, or WebP. What r gives must be at hand (a form's file, not a
// connection), since one of two places is taken while it is read. Errors are Invalid with the key of a sentence: empty, too heavy
// (bytes), too large (pixels), SVG, HEIC, another type, or broken.
func Image(ctx context.Context, r io.Reader, limits Limits) (Picture, error) {
	l := limits.orDefault()
	if err := decodes.Acquire(ctx, 1); err != nil {
		return Picture{}, fmt.Errorf("wait to decode an image: %w", err)
	}
	defer decodes.Release(1)
	b, err := io.ReadAll(io.LimitReader(r, l.Bytes+1))
	if err != nil {
		return Picture{}, fmt.Errorf("read image: %w", err)
	}
	if int64(len(b)) > l.Bytes {
		return Picture{}, exit.Fail(exit.Invalid, "media.error.too_heavy", "MB", l.Bytes/1_000_000)
	}
	kind, err := sniff(b)
	if err != nil {
		return Picture{}, err
	}
	cost, err := bound(b, kind, l)
	if err != nil {
		return Picture{}, err
	}
	if err := memory.Acquire(ctx, cost); err != nil {
		return Picture{}, fmt.Errorf("wait to decode an image: %w", err)
	}
	defer memory.Release(cost)
	return produce(b, kind, l)
}

// format is a kind of image file that is understood.
type format string

const (
	formatJPEG format = "jpeg"
	formatPNG  format = "png"
	formatGIF  format = "gif"
	formatWebP format = "webp"
)

// sniff tells a file's kind by what it begins with, whatever it is called.
func sniff(b []byte) (format, error) {
	head := b[:min(len(b), 1024)]
	switch {
	case len(b) == 0:
		return "", exit.Fail(exit.Invalid, "media.error.empty")
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return formatJPEG, nil
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return formatPNG, nil
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return formatGIF, nil
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return formatWebP, nil
	case len(b) >= 12 && string(b[4:8]) == "ftyp" && isHEIF(string(b[8:12])):
		return "", exit.Fail(exit.Invalid, "media.error.heic")
	case bytes.Contains(head, []byte("<svg")):
		return "", exit.Fail(exit.Invalid, "media.error.svg")
	}
	return "", exit.Fail(exit.Invalid, "media.error.type")
}

// isHEIF knows the brands of ISO/IEC 23008-12 and of AVIF.
func isHEIF(brand string) bool {
	switch brand {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis":
		return true
	}
	return false
}

func broken(err error) error {
	return &exit.Error{Kind: exit.Invalid, Key: "media.error.broken", Err: err}
}

// config reads an image's head.
func config(b []byte, f format) (image.Config, error) {
	r := bytes.NewReader(b)
	switch f {
	case formatJPEG:
		return jpeg.DecodeConfig(r)
	case formatPNG:
		return png.DecodeConfig(r)
	case formatGIF:
		return gif.DecodeConfig(r)
	case formatWebP:
		return webp.DecodeConfig(r)
	}
	return image.Config{}, errors.New("unknown format")
}

// decode reads the picture. A panic of a decoder is a broken image, not the end of the server.
func decode(b []byte, f format) (m image.Image, err error) {
	defer func() {
		if v := recover(); v != nil {
			m, err = nil, fmt.Errorf("panic: %v", v)
		}
	}()
	r := bytes.NewReader(b)
	switch f {
	case formatJPEG:
		return jpeg.Decode(r)
	case formatPNG:
		return png.Decode(r)
	case formatGIF:
		return gif.Decode(r)
	case formatWebP:
		return webp.Decode(r)
	}
	return nil, errors.New("unknown format")
}

// bound refuses, by its head alone, an image that is too large, and tells how much memory its decoding takes, in bytes.
func bound(b []byte, f format, l Limits) (cost int64, err error) {
	c, err := config(b, f)
	if err != nil {
		return 0, broken(err)
	}
	if c.Width <= 0 || c.Height <= 0 {
		return 0, broken(errors.New("no pixels"))
	}
	if f == formatWebP {
		// The head may tell another size than the picture has.
		w, h := webpSize(b)
		c.Width, c.Height = max(c.Width, w), max(c.Height, h)
	}
	tooLarge := exit.Fail(exit.Invalid, "media.error.too_large", "Megapixels", l.Pixels/1_000_000, "Side", l.Side)
	if c.Width > l.Side || c.Height > l.Side {
		return 0, tooLarge
	}
	pixels := int64(c.Width) * int64(c.Height)
	cost = pixels * 4
	switch {
	case f == formatJPEG && progressive(b):
		cost = pixels * 15 // coefficients of four bytes for three colours, and the colours
	case f == formatPNG && len(b) > 24 && b[24] == 16:
		cost = pixels * 8
	}
	if pixels > l.Pixels {
		return 0, tooLarge
	}
	if cost > mostMemory {
		tooLarge.Args["Megapixels"] = mostMemory / (cost / pixels) / 1_000_000
		return 0, tooLarge
	}
	return cost, nil
}

// produce makes the picture and its thumbnail of a file whose size is bounded.
func produce(b []byte, f format, l Limits) (Picture, error) {
	m, err := decode(b, f)
	if err != nil {
		return Picture{}, broken(err)
	}
	turn := orientation(b, f)
	size := m.Bounds().Size()
	var p Picture
	var kept image.Image
	if l.KeepClean && max(size.X, size.Y) <= l.Keep && clean(b, f) {
		p = Picture{Type: "image/" + string(f), Ext: extOf(f), Bytes: b, Width: size.X, Height: size.Y}
		kept = m
	} else {
		shrunk := upright(fit(m, l.Keep), turn)
		kept = shrunk
		p.Width, p.Height = shrunk.Rect.Dx(), shrunk.Rect.Dy()
		if p.Bytes, p.Type, p.Ext, err = encode(shrunk, f == formatPNG || f == formatGIF, l.Bytes); err != nil {
			return Picture{}, err
		}
	}
	if p.Thumb, p.ThumbType, p.ThumbExt, err = encode(fit(kept, l.Thumb), false, l.Bytes); err != nil {
		return Picture{}, err
	}
	return p, nil
}

func extOf(f format) string {
	if f == formatJPEG {
		return ".jpg"
	}
	return "." + string(f)
}

// quality of JPEG files, of 100.
const quality = 86

// encode writes a JPEG, or a PNG where something shines through or exact colours are asked for. A PNG above the limit, which
// could not be brought back, becomes a JPEG on white.
func encode(m *image.RGBA, exact bool, most int64) (b []byte, kind, ext string, err error) {
	var out bytes.Buffer
	if exact || !m.Opaque() {
		if err := png.Encode(&out, m); err != nil {
			return nil, "", "", fmt.Errorf("write PNG: %w", err)
		}
		if int64(out.Len()) <= most {
			return out.Bytes(), "image/png", ".png", nil
		}
		out.Reset()
		m = onWhite(m)
	}
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: quality}); err != nil {
		return nil, "", "", fmt.Errorf("write JPEG: %w", err)
	}
	return out.Bytes(), "image/jpeg", ".jpg", nil
}

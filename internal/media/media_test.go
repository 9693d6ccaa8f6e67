package media_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"exeunt/exit"
	"exeunt/internal/media"
)

// corners is an image whose four quarters differ: red, green, blue and white, from the upper left clockwise.
func corners(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	quarters := [2][2]color.NRGBA{{{255, 0, 0, 255}, {0, 255, 0, 255}}, {{255, 255, 255, 255}, {0, 0, 255, 255}}}
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, quarters[y*2/h][x*2/w])
		}
	}
	return m
}

func noise(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
	}
	return m
}

func jpegOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gifOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif is an Exif structure with an orientation and a planted place.
func exif(orientation uint16) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	b = binary.BigEndian.AppendUint16(b, orientation)
	return append(b, "\x00\x00\x00\x00\x00\x00PLANTED-PLACE"...)
}

// withExif puts an APP1 segment behind the beginning of a JPEG file.
func withExif(b []byte, orientation uint16) []byte {
	data := append([]byte("Exif\x00\x00"), exif(orientation)...)
	head := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(len(data)+2))
	return append(append(head, data...), b[2:]...)
}

// withChunk puts a chunk behind the head of a PNG file.
func withChunk(b []byte, name string, data []byte) []byte {
	const head = 8 + 25
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(append(chunk, name...), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(append(bytes.Clone(b[:head]), chunk...), b[head:]...)
}

// hugePNG is a file of a few bytes whose head tells a size.
func hugePNG(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(nil, w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append(head, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), head...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
	return append(b, "\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e\x00\x00\x00\x00IEND\xae\x42\x60\x82"...)
}

// tinyWebP is a lossy WebP of one pixel.
func tinyWebP(t *testing.T) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t *testing.T, b []byte, l media.Limits) media.Picture {
	t.Helper()
	p, err := media.Image(t.Context(), bytes.NewReader(b), l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestImage(t *testing.T) {
	t.Parallel()
	glass := noise(40, 30)
	for _, test := range []struct {
		name          string
		file          []byte
		kind          string
		width, height int
		thumbKind     string
	}{
		{"JPEG", jpegOf(t, corners(300, 200)), "image/jpeg", 300, 200, "image/jpeg"},
		{"large JPEG", jpegOf(t, corners(4000, 3000)), "image/jpeg", 2560, 1920, "image/jpeg"},
		{"tall", jpegOf(t, corners(10, 5000)), "image/jpeg", 5, 2560, "image/jpeg"},
		{"line", pngOf(t, corners(16384, 1)), "image/png", 2560, 1, "image/jpeg"},
		{"PNG", pngOf(t, corners(64, 64)), "image/png", 64, 64, "image/jpeg"},
		{"see-through PNG", pngOf(t, glass), "image/png", 40, 30, "image/png"},
		{"GIF", gifOf(t, corners(64, 48)), "image/png", 64, 48, "image/jpeg"},
		{"WebP", tinyWebP(t), "image/jpeg", 1, 1, "image/jpeg"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := read(t, test.file, media.Limits{})
			if p.Type != test.kind || p.Width != test.width || p.Height != test.height || p.ThumbType != test.thumbKind {
				t.Errorf("got %s of %d×%d with a thumbnail in %s, want %s of %d×%d with %s", p.Type, p.Width, p.Height, p.ThumbType, test.kind, test.width, test.height, test.thumbKind)
			}
			got, format, err := image.DecodeConfig(bytes.NewReader(p.Bytes))
			if err != nil || "image/"+format != p.Type || got.Width != p.Width || got.Height != p.Height {
				t.Errorf("the bytes are %s of %d×%d, error %v", format, got.Width, got.Height, err)
			}
			thumb, format, err := image.DecodeConfig(bytes.NewReader(p.Thumb))
			if err != nil || "image/"+format != p.ThumbType || thumb.Width > 640 || thumb.Height > 640 {
				t.Errorf("the thumbnail is %s of %d×%d, error %v", format, thumb.Width, thumb.Height, err)
			}
		})
	}
}

func TestImageRefuses(t *testing.T) {
	t.Parallel()
	whole := jpegOf(t, noise(64, 64))
	for _, test := range []struct {
		name, key string
		file      []byte
	}{
		{"nothing", "media.error.empty", nil},
		{"SVG", "media.error.svg", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)},
		{"HEIC", "media.error.heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")},
		{"AVIF", "media.error.heic", []byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00")},
		{"renamed executable", "media.error.type", []byte("MZ\x90\x00\x03\x00\x00\x00")},
		{"renamed ELF", "media.error.type", []byte("\x7fELF\x02\x01\x01")},
		{"HTML", "media.error.type", []byte("<!doctype html><script>alert(1)</script>")},
		{"cut JPEG", "media.error.broken", whole[:len(whole)/2]},
		{"head alone", "media.error.broken", whole[:20]},
		{"cut PNG", "media.error.broken", hugePNG(10, 10)},
		{"empty WebP", "media.error.broken", []byte("RIFF\x04\x00\x00\x00WEBP")},
		{"empty GIF", "media.error.broken", []byte("GIF89a")},
		{"no pixels", "media.error.broken", hugePNG(0, 10)},
		{"30,000 a side", "media.error.too_large", hugePNG(30000, 30000)},
		{"a million a side", "media.error.too_large", hugePNG(1<<20, 1<<20)},
		{"64 megapixels and some", "media.error.too_large", hugePNG(8001, 8000)},
		{"20 MB and one", "media.error.too_heavy", make([]byte, 20_000_001)},
		{"WebP of another size than it says", "media.error.too_large", lyingWebP()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := media.Image(t.Context(), bytes.NewReader(test.file), media.Limits{KeepClean: true})
			var e *exit.Error
			if !errors.As(err, &e) || e.Kind != exit.Invalid || e.Key != test.key {
				t.Errorf("got %v, want %s", err, test.key)
			}
			if p.Bytes != nil || p.Thumb != nil {
				t.Error("there is a picture beside the error")
			}
		})
	}
}

// lyingWebP has a head of 16×16 pixels before a picture of 16,383×16,383.
func lyingWebP() []byte {
	frame := "\x30\x01\x00\x9d\x01\x2a\xff\x3f\xff\x3f"
	body := "WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x0f\x00\x00\x0f\x00\x00VP8 \x0a\x00\x00\x00" + frame
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// TestOrientation asks, for each of the eight, that the picture stands upright and the metadata is gone.
func TestOrientation(t *testing.T) {
	t.Parallel()
	// The colours of the upper left and the upper right corner, and whether the sides are swapped.
	seen := [9]struct {
		left, right string
		swapped     bool
	}{1: {"red", "green", false}, 2: {"green", "red", false}, 3: {"blue", "white", false}, 4: {"white", "blue", false}, 5: {"red", "white", true}, 6: {"white", "red", true}, 7: {"blue", "green", true}, 8: {"green", "blue", true}}
	jpg, pic := jpegOf(t, corners(80, 40)), pngOf(t, corners(80, 40))
	for o := 1; o <= 8; o++ {
		for name, file := range map[string][]byte{"jpeg": withExif(jpg, uint16(o)), "png": withChunk(pic, "eXIf", exif(uint16(o)))} {
			p := read(t, file, media.Limits{KeepClean: true})
			if bytes.Contains(p.Bytes, []byte("PLANTED")) || bytes.Contains(p.Thumb, []byte("PLANTED")) {
				t.Errorf("%s %d: the metadata is still there", name, o)
			}
			for part, b := range map[string][]byte{"picture": p.Bytes, "thumbnail": p.Thumb} {
				m, _, err := image.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				size := m.Bounds().Size()
				left, right := colourOf(m.At(3, 3)), colourOf(m.At(size.X-4, 3))
				if left != seen[o].left || right != seen[o].right || (size.X < size.Y) != seen[o].swapped {
					t.Errorf("%s %d, %s: %s and %s of %v", name, o, part, left, right, size)
				}
			}
		}
	}
}

func colourOf(c color.Color) string {
	r, g, b, _ := c.RGBA()
	name := map[[3]bool]string{{true, false, false}: "red", {false, true, false}: "green", {false, false, true}: "blue", {true, true, true}: "white"}
	return name[[3]bool{r > 0x8000, g > 0x8000, b > 0x8000}]
}

// TestRoundTrip asks that what was made once comes back byte for byte, and again: an archive of ours that is imported and
// taken along once more is the same.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{
		"JPEG": withExif(jpegOf(t, noise(3000, 300)), 6), "PNG": pngOf(t, noise(200, 100)), "GIF": gifOf(t, corners(30, 30)),
	} {
		first := read(t, file, media.Limits{})
		again := read(t, first.Bytes, media.Limits{KeepClean: true})
		if !bytes.Equal(first.Bytes, again.Bytes) || again.Type != first.Type || again.Width != first.Width || again.Height != first.Height {
			t.Errorf("%s: the bytes did not come back", name)
		}
		if !bytes.Equal(first.Thumb, again.Thumb) && name == "GIF" {
			t.Errorf("%s: the thumbnail of the same bytes is another", name)
		}
	}
	webp := tinyWebP(t)
	if p := read(t, webp, media.Limits{KeepClean: true}); !bytes.Equal(p.Bytes, webp) || p.Type != "image/webp" {
		t.Errorf("WebP: got %s", p.Type)
	}
}

// TestNotClean asks that nothing rides along beside a picture.
func TestNotClean(t *testing.T) {
	t.Parallel()
	jpg, pic := jpegOf(t, corners(40, 40)), pngOf(t, corners(40, 40))
	comment := append([]byte("\xff\xd8\xff\xfe\x00\x09PLANTED"), jpg[2:]...)
	for name, file := range map[string][]byte{
		"JPEG comment": comment, "JPEG Exif": withExif(jpg, 1), "behind a JPEG": append(bytes.Clone(jpg), "PLANTED"...),
		"PNG text": withChunk(pic, "tEXt", []byte("Author\x00PLANTED")), "PNG private": withChunk(pic, "prVt", []byte("PLANTED")),
		"behind a PNG":  append(bytes.Clone(pic), "PLANTED"...),
		"behind a WebP": append(tinyWebP(t), "PLANTED"...),
	} {
		if !bytes.Contains(file, []byte("PLANTED")) {
			t.Fatalf("%s: nothing was planted", name)
		}
		if p := read(t, file, media.Limits{KeepClean: true}); bytes.Contains(p.Bytes, []byte("PLANTED")) {
			t.Errorf("%s came along", name)
		}
	}
}

// TestHeavyPNG asks that what would be above the limit as PNG becomes a JPEG, which could be sent in again.
func TestHeavyPNG(t *testing.T) {
	t.Parallel()
	file := gifOf(t, noise(64, 64))
	if p := read(t, file, media.Limits{}); p.Type != "image/png" || len(p.Bytes) <= len(file) {
		t.Fatalf("got %s of %d bytes out of %d: the test needs one that grows", p.Type, len(p.Bytes), len(file))
	}
	if p := read(t, file, media.Limits{Bytes: int64(len(file))}); p.Type != "image/jpeg" || p.Ext != ".jpg" {
		t.Errorf("got %s, %s", p.Type, p.Ext)
	}
}

func TestImageWaitsForPlace(t *testing.T) {
	t.Parallel()
	file := jpegOf(t, corners(400, 300))
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if _, err := media.Image(t.Context(), bytes.NewReader(file), media.Limits{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	held := &blocked{release: make(chan struct{}), reading: make(chan struct{})}
	for range 2 {
		wg.Go(func() { _, _ = media.Image(t.Context(), held, media.Limits{}) })
	}
	<-held.reading
	<-held.reading
	if _, err := media.Image(ctx, bytes.NewReader(file), media.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a third image beside two: got %v, want that it waits until its context ends", err)
	}
	close(held.release)
	wg.Wait()
}

// blocked is an upload that says when it is read and stands still until it is released.
type blocked struct{ reading, release chan struct{} }

func (b *blocked) Read([]byte) (int, error) {
	select {
	case b.reading <- struct{}{}:
	case <-b.release:
	}
	<-b.release
	return 0, errors.New("released")
}

func FuzzImage(f *testing.F) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, corners(8, 8), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(withExif(b.Bytes(), 6))
	f.Add(hugePNG(3, 3))
	f.Add(lyingWebP())
	f.Add([]byte(strings.Repeat("GIF89a", 4)))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := media.Image(t.Context(), bytes.NewReader(file), media.Limits{Pixels: 1_000_000, KeepClean: true})
		if (err == nil) == (p.Bytes == nil) {
			t.Errorf("picture of %d bytes, error %v", len(p.Bytes), err)
		}
	})
}

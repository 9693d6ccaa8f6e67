package poster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"unicode"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
	"rsc.io/qr"
)

// ErrNoFont says that this system has no font with 汉字: an SVG can be drawn instead.
var ErrNoFont = errors.New("no font with Chinese characters is installed")

// pen draws with the fonts. It is for one poster at a time.
type pen struct {
	fonts *Fonts
	faces map[face]font.Face
	to    *image.RGBA
	buf   sfnt.Buffer
}

type face struct {
	size float64
	bold bool
}

// PNG draws a poster, 1080 pixels wide. ErrNoFont where there is none. It takes about 150 ms and up to 40 MB for that time:
// the caller lets one be drawn at a time.
func PNG(ctx context.Context, p Poster, f *Fonts) ([]byte, error) {
	if ok, err := f.Found(); !ok {
		return nil, errors.Join(ErrNoFont, err)
	}
	w := &pen{fonts: f, faces: map[face]font.Face{}}
	s := compose(p, w)
	w.to = image.NewRGBA(image.Rect(0, 0, Width, s.high))
	draw.Draw(w.to, w.to.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	for _, m := range s.marks {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("draw poster: %w", err)
		}
		if err := w.draw(m); err != nil {
			return nil, fmt.Errorf("draw poster: %w", err)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, w.to); err != nil {
		return nil, fmt.Errorf("encode poster: %w", err)
	}
	return b.Bytes(), nil
}

func (w *pen) draw(m mark) error {
	switch m.kind {
	case box:
		w.shape(m, image.NewUniform(m.fill), image.Point{})
	case words:
		return w.write(m)
	case photo:
		w.photo(m)
	case code:
		return w.code(m)
	}
	return nil
}

// shape fills a box, with round corners if it has them.
func (w *pen) shape(m mark, src image.Image, at image.Point) {
	r := image.Rect(int(m.x), int(m.y), int(m.x+m.w), int(m.y+m.h))
	if m.round == 0 {
		draw.Draw(w.to, r, src, at, draw.Over)
		return
	}
	mask := image.NewAlpha(image.Rect(0, 0, r.Dx(), r.Dy()))
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	roundRect(z, float32(r.Dx()), float32(r.Dy()), float32(m.round))
	z.Draw(mask, mask.Rect, image.NewUniform(color.Alpha{0xff}), image.Point{})
	draw.DrawMask(w.to, r, src, at, mask, image.Point{}, draw.Over)
}

func roundRect(z *vector.Rasterizer, w, h, r float32) {
	const k = 1 - 0.5523 // a quarter of a circle as a cubic curve
	z.MoveTo(r, 0)
	z.LineTo(w-r, 0)
	z.CubeTo(w-k*r, 0, w, k*r, w, r)
	z.LineTo(w, h-r)
	z.CubeTo(w, h-k*r, w-k*r, h, w-r, h)
	z.LineTo(r, h)
	z.CubeTo(k*r, h, 0, h-k*r, 0, h-r)
	z.LineTo(0, r)
	z.CubeTo(0, k*r, k*r, 0, r, 0)
	z.ClosePath()
}

// covering gives the middle part of a picture that has the form of a box.
func covering(b image.Rectangle, w, h float64) image.Rectangle {
	dx, dy := float64(b.Dx()), float64(b.Dy())
	if dx*h > dy*w {
		cut := int((dx - dy*w/h) / 2)
		return image.Rect(b.Min.X+cut, b.Min.Y, b.Max.X-cut, b.Max.Y)
	}
	cut := int((dy - dx*h/w) / 2)
	return image.Rect(b.Min.X, b.Min.Y+cut, b.Max.X, b.Max.Y-cut)
}

func (w *pen) photo(m mark) {
	small := image.NewRGBA(image.Rect(0, 0, int(m.w), int(m.h)))
	draw.Draw(small, small.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(small, small.Rect, m.picture, covering(m.picture.Bounds(), m.w, m.h), draw.Over, nil)
	w.shape(m, small, image.Point{})
}

// quiet is the empty border of a code, in modules (ISO/IEC 18004).
const quiet = 4

func (w *pen) code(m mark) error {
	c, err := qr.Encode(m.text, qr.M)
	if err != nil {
		return fmt.Errorf("draw QR code: %w", err)
	}
	// Whole pixels a module: cameras read sharp edges best.
	unit := max(int(m.w)/(c.Size+2*quiet), 1)
	left := int(m.x) + (int(m.w)-unit*c.Size)/2
	top := int(m.y) + (int(m.h)-unit*c.Size)/2
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				r := image.Rect(left+x*unit, top+y*unit, left+(x+1)*unit, top+(y+1)*unit)
				draw.Draw(w.to, r, image.NewUniform(m.fill), image.Point{}, draw.Src)
			}
		}
	}
	return nil
}

// face gives a font in a size.
func (w *pen) face(size float64, bold bool) (font.Face, *sfnt.Font, error) {
	f := w.fonts.regular
	if bold {
		f = w.fonts.bold
	}
	key := face{size, bold}
	if known := w.faces[key]; known != nil {
		return known, f, nil
	}
	made, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, f, fmt.Errorf("use font: %w", err)
	}
	w.faces[key] = made
	return made, f, nil
}

// runes walks through the characters of a text that the font has, with the space before each.
func (w *pen) runes(text string, size float64, bold bool, fn func(r rune, gap, advance fixed.Int26_6)) error {
	drawn, f, err := w.face(size, bold)
	if err != nil {
		return err
	}
	var before rune
	for _, r := range text {
		if glyph, err := f.GlyphIndex(&w.buf, r); (err != nil || glyph == 0) && !unicode.IsSpace(r) {
			continue // an emoji, say: a box would stand in its place
		}
		advance, ok := drawn.GlyphAdvance(r)
		if !ok {
			continue
		}
		var gap fixed.Int26_6
		if before != 0 {
			gap = drawn.Kern(before, r)
			if gaps(before, r) {
				gap += fixed.Int26_6(size * 64 / 8)
			}
			if squeezes(before, r) {
				gap -= fixed.Int26_6(size * 64 / 2)
			}
		}
		fn(r, gap, advance)
		before = r
	}
	return nil
}

// width measures a text; one that cannot be measured has none, and drawing it says why.
func (w *pen) width(text string, size float64, bold bool) float64 {
	var sum fixed.Int26_6
	if err := w.runes(text, size, bold, func(_ rune, gap, advance fixed.Int26_6) { sum += gap + advance }); err != nil {
		return 0
	}
	return float64(sum) / 64
}

func (w *pen) write(m mark) error {
	drawn, _, err := w.face(m.size, m.bold)
	if err != nil {
		return err
	}
	x := m.x
	if m.middle {
		x -= w.width(m.text, m.size, m.bold) / 2
	}
	dot := fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(m.y * 64)}
	ink := image.NewUniform(m.fill)
	return w.runes(m.text, m.size, m.bold, func(r rune, gap, advance fixed.Int26_6) {
		dot.X += gap
		if where, mask, at, _, ok := drawn.Glyph(dot, r); ok {
			draw.DrawMask(w.to, where, ink, image.Point{}, mask, at, draw.Over)
		}
		dot.X += advance
	})
}

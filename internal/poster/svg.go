package poster

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/jpeg"
	"unicode"

	"golang.org/x/image/draw"
	"rsc.io/qr"
)

// guess measures without a font: 汉字 are square, Latin letters about half as wide.
type guess struct{}

func (guess) width(text string, size float64, bold bool) float64 {
	sum := 0.0
	var before rune
	for _, r := range text {
		switch {
		case wide(r) || unicode.Is(unicode.Hangul, r):
			sum++
		case unicode.IsUpper(r) || r == 'm' || r == 'w':
			sum += 0.72
		case r == ' ' || r == 'i' || r == 'l' || r == '.' || r == ',':
			sum += 0.32
		default:
			sum += 0.58
		}
		if gaps(before, r) {
			sum += 0.125
		}
		before = r
	}
	if bold {
		sum *= 1.05
	}
	return sum * size
}

// SVG draws a poster as an SVG (W3C, 1.1), its text as text. It needs no font here; who shows it needs one.
func SVG(p Poster) ([]byte, error) {
	s := compose(p, guess{})
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%d" height="%d" viewBox="0 0 %d %d" lang="%s"`,
		Width, s.high, Width, s.high, html.EscapeString(p.Lang))
	b.WriteString(` font-family="system-ui, -apple-system, 'PingFang SC', 'HarmonyOS Sans SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif">`)
	fmt.Fprintf(&b, `<title>%s</title><rect width="%d" height="%d" fill="%s"/>`, html.EscapeString(clean(p.Site)), Width, s.high, hex(paper))
	for i, m := range s.marks {
		if err := m.svg(&b, i); err != nil {
			return nil, err
		}
	}
	b.WriteString(`</svg>`)
	return b.Bytes(), nil
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func (m mark) svg(b *bytes.Buffer, n int) error {
	switch m.kind {
	case box:
		fmt.Fprintf(b, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="%.0f" fill="%s"/>`, m.x, m.y, m.w, m.h, m.round, hex(m.fill))
	case words:
		fmt.Fprintf(b, `<text x="%.0f" y="%.0f" font-size="%.0f" fill="%s"`, m.x, m.y, m.size, hex(m.fill))
		if m.bold {
			b.WriteString(` font-weight="600"`)
		}
		if m.middle {
			b.WriteString(` text-anchor="middle"`)
		}
		fmt.Fprintf(b, `>%s</text>`, html.EscapeString(m.text))
	case photo:
		return m.svgPhoto(b, n)
	case code:
		return m.svgCode(b)
	}
	return nil
}

func (m mark) svgPhoto(b *bytes.Buffer, n int) error {
	small := image.NewRGBA(image.Rect(0, 0, int(m.w), int(m.h)))
	draw.Draw(small, small.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(small, small.Rect, m.picture, covering(m.picture.Bounds(), m.w, m.h), draw.Over, nil)
	fmt.Fprintf(b, `<clipPath id="c%d"><rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="%.0f"/></clipPath>`, n, m.x, m.y, m.w, m.h, m.round)
	fmt.Fprintf(b, `<image clip-path="url(#c%d)" x="%.0f" y="%.0f" width="%.0f" height="%.0f" xlink:href="data:image/jpeg;base64,`, n, m.x, m.y, m.w, m.h)
	e := base64.NewEncoder(base64.StdEncoding, b)
	if err := jpeg.Encode(e, small, &jpeg.Options{Quality: 82}); err != nil {
		return fmt.Errorf("encode picture of a poster: %w", err)
	}
	if err := e.Close(); err != nil {
		return fmt.Errorf("encode picture of a poster: %w", err)
	}
	b.WriteString(`"/>`)
	return nil
}

func (m mark) svgCode(b *bytes.Buffer) error {
	c, err := qr.Encode(m.text, qr.M)
	if err != nil {
		return fmt.Errorf("draw QR code: %w", err)
	}
	unit := m.w / float64(c.Size+2*quiet)
	fmt.Fprintf(b, `<g transform="translate(%.2f %.2f) scale(%.4f)" fill="%s" shape-rendering="crispEdges"><path d="`, m.x+quiet*unit, m.y+quiet*unit, unit, hex(m.fill))
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			run := 0
			for x+run < c.Size && c.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(b, "M%d %dh%dv1h-%dz", x, y, run, run)
				x += run
			}
		}
	}
	b.WriteString(`"/></g>`)
	return nil
}

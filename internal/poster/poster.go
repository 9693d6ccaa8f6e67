// Package poster draws a picture to pass on: what is said, by whom, where, and a QR code that leads there. It draws a
// PNG with a CJK font of the system, or an SVG whose text is left to who shows it. It knows nothing of accounts or posts
// and keeps nothing.
package poster

import (
	"image"
	"image/color"
	"strings"
	"unicode/utf8"
)

// Poster is what stands on a poster. All texts are plain; what is too long is cut.
type Poster struct {
	Title   string      // in large letters: a circle's name; empty: none
	By      string      // who says it; empty: nobody is named
	About   string      // beneath By, in soft ink: where and when
	Avatar  image.Image // of By or Title; nil: the first letter is drawn
	Text    string      // with line breaks
	Picture image.Image // nil: none
	Banner  bool        // the picture stands at the top, edge to edge, as a cover
	Link    string      // what the QR code holds
	Scan    string      // the sentence beside the code
	Opens   string      // beneath it: who can open the link; empty: not said
	Site    string      // the install's name
	Slogan  string      // and its sentence
	More    string      // stands where the text was cut
	Lang    string      // BCP 47, of the poster's own words
}

// Width of every poster, in pixels. The height follows what stands on it, from shortest to longest.
const (
	Width    = 1080
	shortest = 1350
	longest  = 3600
)

// Measures of the drawing, in pixels.
const (
	margin      = 88
	inner       = Width - 2*margin
	avatarSide  = 96
	bannerHigh  = 540
	tallest     = 1130 // of the picture
	qrSide      = 248
	footHigh    = qrSide + 64
	mostLines   = 24
	corner      = 24
	tooMuchText = 5000 // characters; more is not even looked at
)

// The colours of the look, light: a poster is paper.
var (
	paper  = color.RGBA{0xfb, 0xfa, 0xf7, 0xff}
	ink    = color.RGBA{0x1c, 0x1d, 0x1b, 0xff}
	soft   = color.RGBA{0x5d, 0x60, 0x5a, 0xff}
	line   = color.RGBA{0xe4, 0xe2, 0xda, 0xff}
	white  = color.RGBA{0xff, 0xff, 0xff, 0xff}
	accent = color.RGBA{0x17, 0x69, 0x4f, 0xff}
	wash   = color.RGBA{0xe3, 0xee, 0xe9, 0xff}
)

// mark is one thing drawn: a box, a line of text, a picture or a code. Coordinates are pixels from the top left; a
// text's y is that of its baseline.
type mark struct {
	kind       markKind
	x, y, w, h float64
	round      float64
	fill       color.RGBA
	text       string
	size       float64
	bold       bool
	middle     bool // x is the middle of the text
	picture    image.Image
}

type markKind int

const (
	box markKind = iota
	words
	photo
	code
)

// sheet is a poster laid out.
type sheet struct {
	high  int
	marks []mark
}

// compose lays a poster out with the widths that m gives.
func compose(p Poster, m measurer) sheet {
	s := &sheet{}
	y := 0.0
	if p.Picture != nil && p.Banner {
		s.add(mark{kind: photo, w: Width, h: bannerHigh, picture: p.Picture})
		y = bannerHigh
	}
	y += margin
	y = s.head(p, m, y)
	body := y
	y = s.body(p, m, y)
	if p.Picture != nil && !p.Banner {
		b := p.Picture.Bounds()
		h := min(float64(inner)*float64(b.Dy())/float64(max(b.Dx(), 1)), tallest)
		y += 40
		s.add(mark{kind: photo, x: margin, y: y, w: inner, h: max(h, 120), round: corner, picture: p.Picture})
		y += max(h, 120)
	}
	y += 64
	foot := max(y, shortest-margin-footHigh)
	if p.Picture == nil { // few words stand a little above the middle
		if p.Title != "" {
			body = 0
		}
		s.shift(body, (foot-y)*0.4)
	}
	s.foot(p, m, foot)
	s.high = int(min(foot+footHigh+margin, longest))
	return *s
}

func (s *sheet) add(m mark) { s.marks = append(s.marks, m) }

// shift moves what stands below from down by so much.
func (s *sheet) shift(from, by float64) {
	for i := range s.marks {
		if s.marks[i].y > from {
			s.marks[i].y += by
		}
	}
}

// head draws the name with its picture, and gives the y below it.
func (s *sheet) head(p Poster, m measurer, y float64) float64 {
	name := p.By
	if p.Title != "" {
		name = p.Title
	}
	if name == "" {
		return y
	}
	x := float64(margin)
	if p.Avatar != nil {
		s.add(mark{kind: photo, x: x, y: y, w: avatarSide, h: avatarSide, round: avatarSide / 2, picture: p.Avatar})
	} else {
		s.add(mark{kind: box, x: x, y: y, w: avatarSide, h: avatarSide, round: avatarSide / 2, fill: wash})
		s.add(mark{kind: words, x: x + avatarSide/2, y: y + 64, text: first(name), size: 44, bold: true, middle: true, fill: accent})
	}
	x += avatarSide + 28
	if p.Title == "" {
		s.add(mark{kind: words, x: x, y: y + 42, text: fit(name, 38, true, Width-margin-x, m), size: 38, bold: true, fill: ink})
		s.add(mark{kind: words, x: x, y: y + 88, text: fit(p.About, 28, false, Width-margin-x, m), size: 28, fill: soft})
		return y + avatarSide + 72
	}
	s.add(mark{kind: words, x: x, y: y + 60, text: fit(p.About, 30, false, Width-margin-x, m), size: 30, fill: soft})
	y += avatarSide + 40
	lines, _ := wrap(p.Title, 72, true, inner, 3, m)
	for _, l := range lines {
		s.add(mark{kind: words, x: margin, y: y + 72, text: l, size: 72, bold: true, fill: ink})
		y += 100
	}
	return y + 24
}

// body draws the text, larger if there is less of it, and gives the y below it.
func (s *sheet) body(p Poster, m measurer, y float64) float64 {
	text := strings.TrimSpace(p.Text)
	if text == "" {
		return y
	}
	size := 40.0
	switch n := utf8.RuneCountInString(text); {
	case p.Title != "":
	case n <= 48:
		size = 60
	case n <= 160:
		size = 48
	}
	lead := size * 1.7
	lines, cut := wrap(head(text, tooMuchText), size, false, inner, mostLines, m)
	for _, l := range lines {
		if l != "" {
			s.add(mark{kind: words, x: margin, y: y + lead/2 + size*0.36, text: l, size: size, fill: ink})
		}
		y += lead
	}
	if cut && p.More != "" {
		s.add(mark{kind: words, x: margin, y: y + 44, text: fit(p.More, 28, false, inner, m), size: 28, fill: accent})
		y += 60
	}
	return y
}

// foot draws the house's name and the code.
func (s *sheet) foot(p Poster, m measurer, y float64) {
	s.add(mark{kind: box, x: margin, y: y, w: inner, h: 2, fill: line})
	y += 64
	s.add(mark{kind: box, x: Width - margin - qrSide, y: y, w: qrSide, h: qrSide, round: 16, fill: white})
	s.add(mark{kind: code, x: Width - margin - qrSide, y: y, w: qrSide, h: qrSide, text: p.Link, fill: ink})
	room := float64(inner - qrSide - 48)
	s.add(mark{kind: box, x: margin, y: y + 6, w: 12, h: 44, round: 6, fill: accent})
	s.add(mark{kind: words, x: margin + 32, y: y + 42, text: fit(p.Site, 38, true, room-32, m), size: 38, bold: true, fill: ink})
	s.add(mark{kind: words, x: margin, y: y + 96, text: fit(p.Slogan, 26, false, room, m), size: 26, fill: soft})
	lines, _ := wrap(p.Opens, 26, false, room, 2, m)
	at := y + qrSide - 12 - float64(len(lines))*40
	s.add(mark{kind: words, x: margin, y: at, text: fit(p.Scan, 30, false, room, m), size: 30, fill: ink})
	for i, l := range lines {
		s.add(mark{kind: words, x: margin, y: at + 40*float64(i+1), text: l, size: 26, fill: soft})
	}
}

// first gives the letter that stands for a name.
func first(name string) string {
	for _, r := range strings.ToUpper(name) {
		return string(r)
	}
	return ""
}

// head gives at most n characters of a text.
func head(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

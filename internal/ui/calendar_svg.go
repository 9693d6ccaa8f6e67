package ui

import (
	"fmt"
	"html"
	"strings"
	"unicode"
)

// Measures of the calendar's picture, in pixels.
const (
	svgWidth   = 760
	svgEdge    = 40
	svgDotX    = 184
	svgTextX   = 212
	svgTextEnd = svgWidth - svgEdge
	svgBold    = 19 // size to wrap 17 px semi-bold text by: it runs wider
)

// svgInks are the tokens of look.md the picture needs.
type svgInks struct{ paper, ink, soft, line, accent, warning string }

var (
	svgLight = svgInks{"#fbfaf7", "#1c1d1b", "#5d605a", "#e4e2da", "#17694f", "#9a5b00"}
	svgDark  = svgInks{"#141514", "#ecebe6", "#a3a69e", "#2b2d2a", "#6cc9a6", "#e5b567"}
)

// svgPicture grows downwards as it is drawn.
type svgPicture struct {
	body strings.Builder
	inks svgInks
	y    int
}

// CalendarSVG draws v as a picture that stands alone (SVG 1.1, no script, no
// outside file), 760 pixels wide, with its sentences as text. ThemeAuto is light.
func CalendarSVG(v CalendarView, lang Lang, theme Theme) string {
	p := &svgPicture{inks: svgLight, y: 40}
	if theme == ThemeDark {
		p.inks = svgDark
	}
	if v.Title != "" {
		p.y += 16
		p.text(svgEdge, 26, 600, p.inks.ink, v.Title)
		p.y += 40
	}
	entries := v.entries()
	for i, e := range entries {
		p.entry(&v, e, lang, i == len(entries)-1)
	}
	p.stays(&v, lang)
	if n := v.zoneNote(lang); n != "" {
		p.wrapped(svgEdge, 13, 20, p.inks.soft, n)
	}
	height := p.y + 16
	name := v.Title
	if name == "" {
		name = lang.T("ui.calendar.name")
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s" xml:lang="%s" font-family="system-ui, -apple-system, 'PingFang SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif">`+
		`<title>%s</title><rect width="%d" height="%d" rx="12" fill="%s"/>%s</svg>`+"\n",
		svgWidth, height, svgWidth, height, html.EscapeString(name), lang, html.EscapeString(name), svgWidth, height, p.inks.paper, p.body.String())
}

func (p *svgPicture) entry(v *CalendarView, e calendarEntry, lang Lang, last bool) {
	top := p.y
	day, under := v.dateWords(e, lang)
	now := e.today || e.row.State == CalendarToday || v.sameDay(e.row)
	inkDay, inkUnder := p.inks.ink, p.inks.soft
	if now {
		inkDay, inkUnder = p.inks.accent, p.inks.accent
	}
	p.date(day, under, inkDay, inkUnder)
	p.y = top
	if e.today {
		p.y += 64
	} else {
		p.rowBody(v, e.row, lang)
		p.y = max(p.y+20, top+64)
	}
	at := p.dot(e, now, top)
	if !last {
		stroke := p.inks.line
		if !e.today && e.row.State == CalendarPast {
			stroke = p.inks.accent
		}
		fmt.Fprintf(&p.body, `<path d="M%d %dV%d" stroke="%s" stroke-width="2"/>`, svgDotX, at+13, p.y-6-13, stroke)
	}
}

// date writes the two lines at the left; words of a gate are wrapped instead.
func (p *svgPicture) date(day, under, inkDay, inkUnder string) {
	for i, l := range wrap(day, svgBold, svgDotX-24-svgEdge) {
		if i > 0 {
			p.y += 24
		}
		p.text(svgEdge, 17, 600, inkDay, l)
	}
	if under != "" {
		p.y += 22
		p.text(svgEdge, 13, 400, inkUnder, under)
	}
}

// rowBody writes a row's sentence and the lines under it.
func (p *svgPicture) rowBody(v *CalendarView, r *CalendarRow, lang Lang) {
	ink := p.inks.ink
	if r.State == CalendarCancelled {
		ink = p.inks.soft
	}
	for i, l := range wrap(r.Sentence, svgBold, svgTextEnd-svgTextX) {
		if i > 0 {
			p.y += 27
		}
		p.text(svgTextX, 17, 600, ink, l)
	}
	p.y += 27
	for _, l := range r.lines(lang, v.zone()) {
		x, ink := svgTextX, p.inks.soft
		if l.icon == "triangle-alert" {
			ink = p.inks.warning
		}
		if l.icon != "" {
			p.icon(x, p.y-13, l.icon, ink)
			x += 24
		}
		p.wrapped(x, 15, 25, ink, l.text)
	}
}

// dot draws the dot of an entry and returns its middle.
func (p *svgPicture) dot(e calendarEntry, now bool, top int) int {
	at := top - 6
	fill, stroke := p.inks.paper, p.inks.soft
	switch {
	case now:
		fmt.Fprintf(&p.body, `<circle cx="%d" cy="%d" r="9" fill="none" stroke="%s" stroke-width="2"/>`, svgDotX, at, p.inks.accent)
		fill, stroke = p.inks.accent, p.inks.accent
		if e.row != nil && e.row.State != CalendarPast {
			fill = p.inks.paper
		}
	case e.row.State == CalendarPast:
		fill, stroke = p.inks.accent, p.inks.accent
	case e.row.State == CalendarStuck:
		fill, stroke = p.inks.warning, p.inks.warning
	case e.row.State == CalendarCancelled:
		stroke = p.inks.line
	}
	fmt.Fprintf(&p.body, `<circle cx="%d" cy="%d" r="5" fill="%s" stroke="%s" stroke-width="2"/>`, svgDotX, at, fill, stroke)
	return at
}

func (p *svgPicture) stays(v *CalendarView, lang Lang) {
	if len(v.Stays) == 0 {
		return
	}
	p.y += 8
	fmt.Fprintf(&p.body, `<path d="M%d %dH%d" stroke="%s"/>`, svgEdge, p.y-18, svgTextEnd, p.inks.line)
	p.y += 14
	p.text(svgEdge, 17, 600, p.inks.ink, lang.T("ui.calendar.stays"))
	for _, s := range v.Stays {
		p.icon(svgTextX, p.y-14, "check", p.inks.accent)
		p.wrapped(svgTextX+24, 15, 26, p.inks.ink, s)
	}
	p.y += 12
}

func (p *svgPicture) text(x, size, weight int, ink, s string) {
	fmt.Fprintf(&p.body, `<text x="%d" y="%d" font-size="%d" font-weight="%d" fill="%s">%s</text>`,
		x, p.y, size, weight, ink, html.EscapeString(s))
}

// wrapped writes s from x to the right edge, going down by step after each line.
func (p *svgPicture) wrapped(x, size, step int, ink, s string) {
	for _, l := range wrap(s, size, svgTextEnd-x) {
		p.text(x, size, 400, ink, l)
		p.y += step
	}
}

func (p *svgPicture) icon(x, y int, name, ink string) {
	fmt.Fprintf(&p.body, `<g transform="translate(%d %d) scale(0.667)" fill="none" stroke="%s" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">%s</g>`,
		x, y, ink, iconShapes[name])
}

// noLineStart holds the punctuation that must not begin a line (GB/T 15834).
const noLineStart = "，。、；：？！）」』》·%,.;:?!)"

// wrap breaks s into lines of at most width pixels at the font size given, by
// estimated widths: an SVG has no layout of its own. 汉字 break anywhere but
// before closing punctuation, Latin text at spaces.
func wrap(s string, size, width int) []string {
	var lines []string
	var line, word []rune
	used, wordUsed := 0.0, 0.0
	endWord := func() {
		if used > 0 && used+wordUsed > float64(width) && !strings.ContainsRune(noLineStart, first(word)) {
			lines = append(lines, strings.TrimSpace(string(line)))
			line, used = nil, 0
		}
		line, used = append(line, word...), used+wordUsed
		word, wordUsed = nil, 0
	}
	for _, r := range s {
		if r >= 0x2e80 || r == ' ' {
			endWord()
		}
		word, wordUsed = append(word, r), wordUsed+runeWidth(r)*float64(size)
		if r >= 0x2e80 {
			endWord()
		}
	}
	endWord()
	return append(lines, strings.TrimSpace(string(line)))
}

func first(rs []rune) rune {
	if len(rs) == 0 {
		return ' '
	}
	return rs[0]
}

// runeWidth is a wide guess of a character's width in ems.
func runeWidth(r rune) float64 {
	switch {
	case r >= 0x2e80:
		return 1
	case r == ' ' || r == '.' || r == ',' || r == 'i' || r == 'l' || r == '\'':
		return 0.3
	case unicode.IsUpper(r) || r == 'm' || r == 'w':
		return 0.72
	}
	return 0.57
}

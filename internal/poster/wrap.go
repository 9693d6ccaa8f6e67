package poster

import (
	"strings"
	"unicode"
)

// measurer gives how wide a text is, in pixels.
type measurer interface {
	width(text string, size float64, bold bool) float64
}

// Characters that do not begin a line, and those that do not end one (Requirements for Chinese Text Layout, W3C, 3.1.2;
// JIS X 4051 for small kana).
const (
	notFirst = "、。，．：；！？）」』】〉》〕］｝’”…—～·・ー々%‰℃,.;:!?)]}»›ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
	notLast  = "（「『【〈《〔［｛‘“＄￥¥$([{«‹"
	pairs    = "…—" // are written twice and stand together
)

// wrap breaks a text into lines no wider than room: between 汉字, between words, never before closing or after opening
// punctuation; a word that is wider than a line is broken anywhere. It gives at most most lines, of which the last ends
// with an ellipsis where the text was cut.
func wrap(text string, size float64, bold bool, room float64, most int, m measurer) (lines []string, cut bool) {
	for _, paragraph := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if paragraph = strings.Join(strings.Fields(clean(paragraph)), " "); paragraph == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		now := ""
		for _, u := range units(paragraph) {
			switch try := now + u; {
			case m.width(strings.TrimRight(try, " "), size, bold) <= room:
				now = try
				continue
			case now != "":
				lines = append(lines, strings.TrimRight(now, " "))
			}
			now = strings.TrimLeft(u, " ")
			for m.width(strings.TrimRight(now, " "), size, bold) > room && len(lines) <= most {
				n := fitting(now, size, bold, room, m)
				lines, now = append(lines, now[:n]), now[n:]
			}
			if len(lines) > most {
				break
			}
		}
		if cut = len(lines) > most; cut {
			break
		}
		lines = append(lines, strings.TrimRight(now, " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) <= most && !cut {
		return lines, false
	}
	lines = lines[:min(most, len(lines))]
	if n := len(lines) - 1; n >= 0 {
		lines[n] = fit(strings.TrimRight(lines[n], "，。、,. ")+"…", size, bold, room, m)
	}
	return lines, true
}

// fitting gives how many bytes of a text fit, at least one character's.
func fitting(s string, size float64, bold bool, room float64, m measurer) int {
	last := 0
	for i, r := range s {
		if end := i + len(string(r)); i == 0 || m.width(s[:end], size, bold) <= room {
			last = end
		} else {
			break
		}
	}
	return last
}

// fit cuts one line to the room there is.
func fit(s string, size float64, bold bool, room float64, m measurer) string {
	s = strings.Join(strings.Fields(clean(s)), " ")
	if m.width(s, size, bold) <= room {
		return s
	}
	s = head(s, tooMuchText)
	return strings.TrimRight(s[:fitting(s, size, bold, room-size, m)], "…，。、,. ") + "…"
}

// clean drops what has no shape of its own: marks of direction, joiners, variation selectors, controls.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Cc, r), unicode.Is(unicode.Variation_Selector, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}

// wide says of a character that a line may end on either side of it.
func wide(r rune) bool {
	return r >= 0x2e80 && !unicode.Is(unicode.Hangul, r) || strings.ContainsRune("…—‘’“”·", r)
}

// units cuts a line into what is not broken: one 汉字 or one word, each with the punctuation that clings to it. A
// space ends a unit.
func units(line string) []string {
	var out []string
	open := false // the last unit ends with opening punctuation
	var before rune
	for _, r := range line {
		n := len(out) - 1
		joins := n >= 0 && (open || strings.ContainsRune(notFirst, r) && before != ' ' ||
			!wide(r) && !wide(before) && before != ' ' && (before != '-' || !unicode.IsLetter(r)) ||
			r == ' ' || strings.ContainsRune(pairs, r) && r == before)
		if joins {
			out[n] += string(r)
		} else {
			out = append(out, string(r))
		}
		open, before = strings.ContainsRune(notLast, r), r
	}
	return out
}

// gaps says whether a small space belongs between two characters: 汉字 beside a Latin letter or a digit (CSS
// text-autospace).
func gaps(a, b rune) bool { return han(a) && latin(b) || latin(a) && han(b) }

// Full-width punctuation, the half of which on the right, or on the left, is empty.
const (
	emptyRight = "、。，．：；！？）」』】〉》〕］｝"
	emptyLeft  = "（「『【〈《〔［｛"
)

// squeezes says whether two marks stand so close that the empty half of one goes (CLREQ 3.1.6).
func squeezes(a, b rune) bool {
	return strings.ContainsRune(emptyRight, a) && strings.ContainsRune(emptyRight+emptyLeft, b) || strings.ContainsRune(emptyLeft, a) && strings.ContainsRune(emptyLeft, b)
}

func han(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }

func latin(r rune) bool { return r < 0x250 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

package who

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// lookalikes maps characters, already case-folded, to the one that stands for all that look
// like it. It is a small part of Unicode UTS #39's confusables: what people can type and mistake.
var lookalikes = pairs("оo0oοoаaαaеeсcсcрpρpхxχxуyυyіiιiїiјjѕsԁdһhкkκkмmтtτtвbнhνvԛqԝwɡgıi1l" +
	"ɑaӏ1ǀ1ʋuѵvօoսuհhոnցgյjաwզqքpꞗbȷjɩi" + // Latin's own doubles, Armenian
	"ꭺaᏼbꮯcꭰdꭼeꮐgꮋhꭵiꭻjꮶkꮮ1ꮇmꮎoꮲpꭱrꮪsꭲtꮩvꮃwꮓz" + // Cherokee
	"ロ口カ力ニ二ハ八エ工タ夕ト卜ヘへー一〇o")

func pairs(s string) map[rune]rune {
	m := map[rune]rune{}
	r := []rune(s)
	for i := 0; i+1 < len(r); i += 2 {
		m[r[i]] = r[i+1]
	}
	return m
}

// Looks gives what names that look alike have in common (Unicode UTS #39 calls it a skeleton): case-folded,
// look-alikes of other scripts mapped to one, runs of underscores and of blanks as one. It is for
// comparing, never for showing.
func Looks(name string) string {
	var b strings.Builder
	last := rune(0)
	for _, c := range norm.NFKC.String(cases.Fold().String(name)) {
		// Twice: what looks like a 1 looks like an l.
		for range 2 {
			if to, ok := lookalikes[c]; ok {
				c = to
			}
		}
		if unicode.IsSpace(c) {
			c = ' '
		}
		if (c == '_' || c == ' ') && last == c {
			continue
		}
		b.WriteRune(c)
		last = c
	}
	return b.String()
}

// joiner stands between the parts of one emoji.
const joiner = '\u200d'

// Hides reports whether a name holds what cannot be seen or what turns the text around it: controls,
// zero-width characters, marks of direction, fillers, private and unassigned characters, more than two
// marks on one letter, broken UTF-8. A joiner is let through only inside an emoji.
func Hides(name string) bool {
	if !utf8.ValidString(name) {
		return true
	}
	marks, last := 2, rune(0) // no mark at the start
	text := []rune(name)
	for i, c := range text {
		switch {
		case c == joiner:
			if i+1 == len(text) || !pictured(last) || !pictured(text[i+1]) {
				return true
			}
			continue
		case c == '\ufe0f' || c >= 0x1f3fb && c <= 0x1f3ff: // an emoji's form and colour
			if !pictured(last) && !unicode.Is(unicode.Nd, last) {
				return true
			}
			continue
		case filler(c) || unicode.In(c, unicode.C) || !unicode.IsGraphic(c) || unicode.IsSpace(c) && c != ' ' && c != '\u3000':
			return true
		case unicode.Is(unicode.M, c):
			if marks++; marks > 2 {
				return true
			}
			continue
		}
		marks, last = 0, c
	}
	return false
}

func pictured(c rune) bool { return unicode.Is(unicode.So, c) || c >= 0x1f3fb && c <= 0x1f3ff }

// filler reports letters of some scripts that are drawn as nothing.
func filler(c rune) bool {
	switch c {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f', '\u17b4', '\u17b5':
		return true
	}
	return c >= 0x180b && c <= 0x180f || c >= 0xfe00 && c <= 0xfe0e
}

// Mixes reports whether one word of a name is written in two scripts that are taken for one another, as "аpple"
// with a Cyrillic а: no language writes so (Unicode UTS #39, "highly restrictive").
func Mixes(name string) bool {
	for _, word := range strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.Is(unicode.M, c) }) {
		n := 0
		for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee} {
			if strings.ContainsFunc(word, func(c rune) bool { return unicode.Is(script, c) }) {
				n++
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
}

package search

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"exeunt/internal/who"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// indexVersion is the form of rows and terms. An index of another form is made anew at start.
const indexVersion = "2"

// longest bounds what is indexed of a text, in characters; a post has at most 5,000.
const longest = 8000

var mention = regexp.MustCompile(`@\{[0-9]{1,19}\}`)

// folded is a text as it is searched: full width and half width, large and small letters are one (NFKC and full case
// folding, Unicode 15); blanks and punctuation part it, once. From and to give, for each character, the bytes of the
// text that it came from.
type folded struct {
	runes    []rune
	from, to []int
}

// fold folds a text. Marks of mentions part it.
func fold(text string) folded {
	var f folded
	lower := cases.Fold()
	add := func(c rune, from, to int) {
		f.runes, f.from, f.to = append(f.runes, c), append(f.from, from), append(f.to, to)
	}
	part := func(at int) {
		if n := len(f.runes); n > 0 && f.runes[n-1] != ' ' {
			add(' ', at, at)
		}
	}
	text = strings.ToValidUTF8(mention.ReplaceAllStringFunc(text, func(m string) string { return strings.Repeat(" ", len(m)) }), "\x00")
	var it norm.Iter
	it.InitString(norm.NFKC, text)
	for !it.Done() && len(f.runes) < longest {
		from := it.Pos()
		piece := norm.NFKC.String(lower.String(string(it.Next())))
		for _, c := range piece {
			switch {
			case kept(c):
				add(c, from, it.Pos())
			case !ignored(c):
				part(from)
			}
		}
	}
	if n := len(f.runes); n > 0 && f.runes[n-1] == ' ' {
		f.runes, f.from, f.to = f.runes[:n-1], f.from[:n-1], f.to[:n-1]
	}
	return f
}

// kept reports whether a character is searched: letters, digits, marks, and symbols beyond ASCII, emoji among them.
func kept(c rune) bool {
	if ignored(c) {
		return false
	}
	if c < utf8.RuneSelf {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
	}
	return unicode.In(c, unicode.L, unicode.N, unicode.M, unicode.S) && c != utf8.RuneError
}

// ignored reports whether a character is nothing to a search: what joins, turns, hides or varies others.
func ignored(c rune) bool {
	return unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Variation_Selector, c) || c == '\u034f'
}

func (f folded) String() string { return string(f.runes) }

// Fold gives a text as it is searched: words of letters, digits, marks and symbols, one blank between two.
func Fold(text string) string { return fold(text).String() }

// terms gives the characters of a folded text and each two that follow one another, each once, sorted.
func terms(body string) []string {
	var out []string
	before := rune(' ')
	for _, c := range body {
		if c != ' ' {
			out = append(out, string(c))
			if before != ' ' {
				out = append(out, string([]rune{before, c}))
			}
		}
		before = c
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// scope gives the term by which a thing's kind and audience are looked up. It is longer than any term of a text.
// What is for followers is narrowed further by who follows; what is in no list is found by its owner.
func scope(kind string, a who.Audience, owner who.ID) string {
	word, id := a.Split()
	switch word {
	case "circle":
		return kind + "circle" + id.String()
	case "followers":
		return kind + "followers"
	case "public":
		return kind + "public"
	}
	return kind + "only" + owner.String()
}

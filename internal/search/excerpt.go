package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Span is a piece of an excerpt; Hit is what was looked for.
type Span struct {
	Text string
	Hit  bool
}

// The size of an excerpt, in characters: what stands before the first hit, and all of it.
const (
	excerptBefore = 24
	excerptWhole  = 140
)

// Excerpt gives the part of a text around the first place where one of the words stands, on one line, with all hits in
// it marked. Mentions lose their ids. A text without a hit gives its beginning.
func Excerpt(text, typed string) []Span {
	return excerpt(text, words(typed), excerptBefore, excerptWhole)
}

// Marked gives the whole of a short text, such as a name, with all hits marked.
func Marked(text, typed string) []Span {
	return excerpt(text, words(typed), utf8.RuneCountInString(text), utf8.RuneCountInString(text))
}

func excerpt(text string, words []string, before, whole int) []Span {
	text = strings.ToValidUTF8(mention.ReplaceAllString(text, "@…"), "")
	hits := places(text, words)
	from := 0
	if len(hits) > 0 {
		from = back(text, hits[0][0], before)
	}
	to := from + forth(text[from:], whole)
	var out []Span
	add := func(part string, hit bool) {
		if part = strings.ReplaceAll(strings.ReplaceAll(part, "\r", ""), "\n", " "); part != "" {
			out = append(out, Span{part, hit})
		}
	}
	if from > 0 {
		add("…", false)
	}
	at := from
	for _, h := range hits {
		lo, hi := max(h[0], at), min(h[1], to)
		if lo >= hi {
			continue
		}
		add(text[at:lo], false)
		add(text[lo:hi], true)
		at = hi
	}
	add(text[at:to], false)
	if to < len(text) {
		add("…", false)
	}
	return out
}

// places gives the bytes of a text where the words stand, in order, those that overlap as one.
func places(text string, words []string) [][2]int {
	f := fold(text)
	var out [][2]int
	for _, w := range words {
		runes := []rune(w)
		for i := 0; i+len(runes) <= len(f.runes); i++ {
			if slices.Equal(f.runes[i:i+len(runes)], runes) {
				out = append(out, [2]int{f.from[i], f.to[i+len(runes)-1]})
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return a[0] - b[0] })
	var joined [][2]int
	for _, p := range out {
		if n := len(joined); n > 0 && p[0] <= joined[n-1][1] {
			joined[n-1][1] = max(joined[n-1][1], p[1])
			continue
		}
		joined = append(joined, p)
	}
	return joined
}

// back gives the place so many characters before another.
func back(text string, at, characters int) int {
	for ; characters > 0 && at > 0; characters-- {
		_, n := utf8.DecodeLastRuneInString(text[:at])
		at -= n
	}
	return at
}

// forth gives the length of so many characters.
func forth(text string, characters int) int {
	at := 0
	for ; characters > 0 && at < len(text); characters-- {
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return at
}

package ui

import (
	"context"
	"unicode"

	"github.com/a-h/templ"
)

// textLang guesses the language of a text from its script: ja for kana, ko for
// hangul, zh-CN for 汉字 alone; empty where the script does not tell.
func textLang(text string) string {
	const enough = 400 // bytes looked at
	han := false
	for i, r := range text {
		if i > enough {
			break
		}
		switch {
		case r < 0x1100:
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			return "ja"
		case unicode.Is(unicode.Hangul, r):
			return "ko"
		case unicode.Is(unicode.Han, r):
			han = true
		}
	}
	if han {
		return string(Chinese)
	}
	return ""
}

// LangAttribute gives the lang attribute of a text that somebody wrote, where it differs from the page's: what
// characters look like depends on it.
func LangAttribute(ctx context.Context, text string) templ.Attributes {
	return langAttribute(ctx, text)
}

package search_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"exeunt/internal/search"
)

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"今天，天气  真好。":             "今天 天气 真好",
		"ＡＢＣ　１２３":                "abc 123",
		"Straße":                 "strasse",
		"ﬁn":                     "fin",
		"e\u0301té":              "été",
		"zero\u200bwidth\u00adx": "zerowidthx",
		"@{12345}你好":             "你好",
		"a@{1}b":                 "a b",
		"C++ & C#":               "c c",
		"👩\u200d🚀❤\ufe0f":        "👩🚀❤",
		"\xff\x00坏":              "坏",
		"ΣΊΣΥΦΟΣ":                "σίσυφοσ",
	} {
		if got := search.Fold(text); got != want {
			t.Errorf("%q is folded to %q, want %q", text, got, want)
		}
	}
}

func TestTerms(t *testing.T) {
	if got, want := search.Terms("天气 ab天"), []string{"a", "ab", "b", "b天", "天", "天气", "气"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("前", 50) + "这里有Café馆" + strings.Repeat("后", 90)
	for _, x := range []struct{ text, typed, want string }{
		{"今天天气真好", "天气", "今天[天气]真好"},
		{"天气，天气", "天气", "[天气]，[天气]"},
		{"第一行\n第二行", "第二", "第一行 [第二]行"},
		{"没有", "别的", "没有"},
		{long, "café", "…前前前这里有[Café]馆后后后后后…"},
		{"见 @{123} 吗", "见", "[见] @… 吗"},
		{"Ｈｅｌｌｏ", "ell", "Ｈ[ｅｌｌ]ｏ"},
		{"<b>x</b>", "b", "<[b]>x</[b]>"},
		{"abab", "aba bab", "[abab]"},
		{"STRASSE Straße", "strasse", "[STRASSE] [Straße]"},
		{"", "x", ""},
	} {
		var b strings.Builder
		for _, s := range search.Excerpts(x.text, x.typed, 6, 16) {
			if s.Hit {
				b.WriteString("[" + s.Text + "]")
			} else {
				b.WriteString(s.Text)
			}
		}
		if b.String() != x.want {
			t.Errorf("%q in %q: %q, want %q", x.typed, x.text, b.String(), x.want)
		}
	}
}

// FuzzFold asks of every text that folding it is folding it once, that terms hold nothing that a query of an index takes for
// its own, and that an excerpt is made of the text and nothing else.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"今天 天气", "ＡＢＣ", "Straße", "e\u0301", "\"a\" OR b*", "@{1}", "\xff\xfe", "ǅ İ ŉ", "\u0344", "ᄀ ᅡ ᆨ"} {
		f.Add(s, "天")
	}
	f.Fuzz(func(t *testing.T, text, typed string) {
		folded := search.Fold(text)
		if !utf8.ValidString(folded) || strings.HasPrefix(folded, " ") || strings.HasSuffix(folded, " ") || strings.Contains(folded, "  ") {
			t.Fatalf("%q is folded to %q", text, folded)
		}
		for _, term := range search.Terms(folded) {
			if n := utf8.RuneCountInString(term); n < 1 || n > 2 || strings.ContainsAny(term, " \"'\\&|!():*<>-+\x00") || !strings.Contains(folded, term) {
				t.Fatalf("%q of %q is no term", term, text)
			}
		}
		var whole strings.Builder
		for _, s := range search.Marked(text, typed) {
			if s.Text == "" {
				t.Fatal("an empty piece")
			}
			whole.WriteString(s.Text)
		}
		if n := utf8.RuneCountInString(whole.String()); n > utf8.RuneCountInString(text)+2 {
			t.Fatalf("the excerpt of %q is %q", text, whole.String())
		}
	})
}

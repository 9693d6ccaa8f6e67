package poster

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// square measures every character as one wide.
type square struct{}

func (square) width(text string, _ float64, _ bool) float64 {
	return float64(utf8.RuneCountInString(text))
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		room float64
		most int
		want string
		cut  bool
	}{
		{"一二三四五六", 3, 9, "一二三|四五六", false},
		{"一二三，四五六", 3, 9, "一二|三，四|五六", false},           // no comma begins a line
		{"一二（三）四", 3, 9, "一二|（三）|四", false},             // no bracket ends one
		{"一二……三", 3, 9, "一|二……|三", false},               // the dots stand together
		{"go to the sea", 6, 9, "go to|the|sea", false}, // words are whole
		{"一二abc三", 4, 9, "一二|abc三", false},
		{"abcdefgh", 3, 9, "abc|def|gh", false}, // unless one is wider than a line
		{"一\n\n\n二", 3, 9, "一||二", false},
		{"  一 \r\n 二 ", 3, 9, "一|二", false},
		{"一二三四五六七", 3, 2, "一二三|四五…", true},
		{"一\n二\n\n三", 3, 2, "一|二…", true}, // what is cut stands behind an empty line
		{"！！！！！！", 3, 9, "！！！|！！！", false},
		{"\u202e一\u200b\u200d二\x07", 3, 9, "一二", false},
		{"", 3, 9, "", false},
	} {
		lines, cut := wrap(test.text, 1, false, test.room, test.most, square{})
		if got := strings.Join(lines, "|"); got != test.want || cut != test.cut {
			t.Errorf("%q: got %q, %v, want %q, %v", test.text, got, cut, test.want, test.cut)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("一路上只遇见一只猫（它不怕人）……ok", 7)
	f.Add("a b\nc", 1)
	f.Fuzz(func(t *testing.T, text string, room int) {
		if room < 2 || room > 60 || len(text) > 5000 {
			return
		}
		lines, cut := wrap(text, 1, false, float64(room), 24, square{})
		if len(lines) > 24 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); n > room {
				t.Errorf("%q is %d wide in %d", l, n, room)
			}
		}
		bare := func(s string) string { return strings.Join(strings.Fields(clean(strings.ToValidUTF8(s, ""))), "") }
		if all := strings.Join(lines, ""); !cut && bare(all) != bare(text) {
			t.Errorf("%q became %q", text, lines)
		}
	})
}

func TestFit(t *testing.T) {
	t.Parallel()
	got := []string{fit("一二三四五", 1, false, 5, square{}), fit("一二三四五六", 1, false, 5, square{}), fit("", 1, false, 5, square{})}
	if want := []string{"一二三四五", "一二三四…", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

package who_test

import (
	"testing"

	"exeunt/internal/who"
)

func TestHides(t *testing.T) {
	for name, want := range map[string]bool{
		"周末徒步": false, "Café – readers' corner": false, "नमस्ते": false, "👩‍👩‍👧 家长会": false, "读书 📚": false, "☀️ walks": false, "1️⃣": false, "": false,
		"li\u200bn": true, "li\u202en": true, "\u2066x\u2069": true, "a\u00adb": true, "\ufeffa": true, "a\u200db": true, "👩\u200d": true,
		"\u3164": true, "a\u0316\u0317\u0318": true, "\u0301a": true, "a\nb": true, "a\u00a0b": true, "a\ue000": true, "a\xff": true, "x\u180ey": true,
	} {
		if got := who.Hides(name); got != want {
			t.Errorf("%q hides %v, want %v", name, got, want)
		}
	}
}

func TestMixes(t *testing.T) {
	for name, want := range map[string]bool{
		"apple": false, "аpple": true, "Привет world": false, "αβγ test": false, "Weekend徒步": false, "pαper": true, "カラオケABC": false,
	} {
		if got := who.Mixes(name); got != want {
			t.Errorf("%q mixes %v, want %v", name, got, want)
		}
	}
}

func TestLooks(t *testing.T) {
	for _, s := range [][2]string{{"Paypal  walks", "раураl WALKS"}, {"ロ力", "口カ"}, {"ａｂ", "AB"}, {"lin_1", "lin__l"}, {"օոո", "onn"}, {"ɑnna", "Anna"}, {"ᏢᎪᎢ", "pat"}, {"l\u0131n", "lin"}} {
		if a, b := who.Looks(s[0]), who.Looks(s[1]); a != b {
			t.Errorf("%q looks %q and %q looks %q, want one", s[0], a, s[1], b)
		}
	}
	for _, s := range [][2]string{{"mail", "mall"}, {"林间", "林闲"}, {"resume", "résumé"}} {
		if who.Looks(s[0]) == who.Looks(s[1]) {
			t.Errorf("%q and %q look alike, want two", s[0], s[1])
		}
	}
}

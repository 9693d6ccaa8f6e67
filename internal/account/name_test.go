package account_test

import (
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
)

func TestCleanName(t *testing.T) {
	for _, c := range []struct{ typed, want, key string }{
		{"何处", "何处", ""},
		{" @Lin_2 ", "Lin_2", ""},
		{"Ｌｉｎ", "Lin", ""}, // full width
		{"นก้า", "นก้า", ""},
		{"a", "", "name_length"},
		{"林", "", "name_length"},
		{strings.Repeat("林", 30), strings.Repeat("林", 30), ""},
		{strings.Repeat("林", 31), "", "name_length"},
		{strings.Repeat("x", 10000), "", "name_form"},
		{"a b", "", "name_form"},
		{"a-b", "", "name_form"},
		{"li\u200bn", "", "name_form"}, // zero-width space
		{"li\u202en", "", "name_form"}, // right-to-left override
		{"li\u200dn", "", "name_form"}, // joiner
		{"\u0301ab", "", "name_form"},  // begins with a mark
		{"a\u0316\u0317\u0318", "", "name_form"},
		{"__", "", "name_form"},
		{"a\xffb", "", "name_form"},
		{"a😀", "", "name_form"},
		{"½½", "", "name_form"},
		{"<b>", "", "name_form"},
		{"", "", "name_length"},
	} {
		got, err := account.CleanName(c.typed)
		if c.key != "" {
			wantFail(t, err, exit.Invalid, "account.error."+c.key)
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%q: got %q and error %v, want %q", c.typed, got, err, c.want)
		}
	}
}

func TestNameKey(t *testing.T) {
	same := [][2]string{
		{"Lin", "LIN"},
		{"Straße", "STRASSE"},
		{"paypal", "раураl"}, // Cyrillic р, а, у, р, а
		{"lin_1", "lin__l"},
		{"ロ力", "口カ"},
		{"o0", "OO"},
	}
	for _, s := range same {
		if a, b := account.NameKey(s[0]), account.NameKey(s[1]); a != b {
			t.Errorf("%q and %q have keys %q and %q, want one", s[0], s[1], a, b)
		}
	}
	for _, s := range [][2]string{{"mail", "mall"}, {"lin_a", "lina"}, {"林间", "林闲"}, {"resume", "résumé"}} {
		if a, b := account.NameKey(s[0]), account.NameKey(s[1]); a == b {
			t.Errorf("%q and %q share the key %q, want two", s[0], s[1], a)
		}
	}
}

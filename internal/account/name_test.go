package account_test

import (
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/who"
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

// TestTricksWithNames tries names that hide something, turn the text around, or look like those of others.
func TestTricksWithNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, ctx := open(t, d), t.Context()
		ana := h.signUp(t, "paypal")
		bo := who.Viewer{Account: h.signUp(t, "bo_qu").Account}
		for name, key := range map[string]string{"аpple": "name_mixed", "раураl": "name_mixed", "раура1": "name_taken", "pay\u200bpal": "name_form", "\u202elapyap": "name_form", "PAYPA1": "name_taken", "PayPaI": "name_taken"} {
			_, err := h.SignUp(ctx, account.NewPerson{Name: name, Password: password})
			if err == nil || !strings.Contains(err.Error(), "account.error."+key) {
				t.Errorf("%q: %v, want %s", name, err, key)
			}
		}
		for display, key := range map[string]string{"PayPaI": "display_taken", "раура1": "display_taken", "Pаypal 2": "display_mixed", "Bo\u200b": "display_hidden", "\u202eoB": "display_hidden", "Bo\u2066": "display_hidden"} {
			if err := h.SetProfile(ctx, bo, account.Profile{Display: display}); err == nil || !strings.Contains(err.Error(), "account.error."+key) {
				t.Errorf("%q shown: %v, want %s", display, err, key)
			}
		}
		for _, display := range []string{"Bo_Qu", "Bo 曲 🌿", "Бо", ""} {
			must(t, h.SetProfile(ctx, bo, account.Profile{Display: display}))
		}
		must(t, h.SetProfile(ctx, who.Viewer{Account: ana.Account}, account.Profile{Display: "PayPal"}))
	})
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

package exit_test

import (
	"testing"

	"exeunt/exit"
)

func TestSubjectAsText(t *testing.T) {
	for _, c := range []struct {
		text           string
		service, place string
	}{
		{"account:a7", "", ""},
		{"account:a7/circle", "circle", ""},
		{"account:a7/circle:9", "circle", "9"},
		{"person:p1", "", ""},
		{"place:circle:9", "", ""},
		{"", "", ""},
	} {
		s, err := exit.ParseSubject(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if s.String() != c.text || s.Service() != c.service || s.Place() != c.place {
			t.Errorf("%q reads as %q, service %q, place %q", c.text, s, s.Service(), s.Place())
		}
	}
	for _, text := range []string{"account", "account:", ":a7", "/circle", "account:a7/", ":", "/"} {
		if s, err := exit.ParseSubject(text); err == nil || exit.KindOf(err) != exit.Invalid {
			t.Errorf("%q reads as %+v, %v; want it refused", text, s, err)
		}
	}
}

func TestSubjectCovers(t *testing.T) {
	all := exit.Account("a7")
	circle, nine, ten := all.Within("circle"), all.Within("circle:9"), all.Within("circle:10")
	other := exit.Account("a8")
	for _, c := range []struct {
		s, o exit.Subject
		want bool
	}{
		{all, all, true},
		{all, circle, true},
		{all, nine, true},
		{circle, circle, true},
		{circle, nine, true},
		{nine, nine, true},
		{circle, all, false},
		{nine, circle, false},
		{nine, all, false},
		{nine, ten, false},
		{all.Within("channel"), nine, false},
		{all.Within("circ"), nine, false},
		{all, other, false},
		{all, other.Within("circle"), false},
		{exit.Subject{Kind: exit.SubjectPerson, ID: "a7"}, all, false},
	} {
		if got := c.s.Covers(c.o); got != c.want {
			t.Errorf("%s covers %s: %v, want %v", c.s, c.o, got, c.want)
		}
	}
	if nine.Whole() != all || all.Whole() != all {
		t.Error("the whole of a part is not the account")
	}
}

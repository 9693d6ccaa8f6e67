package exit_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
)

// hostile are texts that mean something to YAML, to a page, or to the eye. Those that are refused hold what must not be in a calendar.
var hostile = []struct {
	text    string
	refused bool
}{
	{`"quoted" and 'quoted' and \escaped\n`, false},
	{"two\nlines: with # signs", false},
	{"first\n\n\nlast, after blank lines", false},
	{"- no list\n- at all", false},
	{"a: b\nc: d", false},
	{"---", false},
	{"...\n---\nname: other", false},
	{"# no comment", false},
	{"text # no comment\n  indented", false},
	{"%TAG ! tag:x", false},
	{"!!str tagged", false},
	{"&anchor *alias <<: merge", false},
	{"{flow: map} [flow, list]", false},
	{"| literal\n> folded", false},
	{"yes", false},
	{"null", false},
	{"~", false},
	{"007", false},
	{"1e3", false},
	{"0x1f", false},
	{"2021-06-28", false},
	{"? complex key", false},
	{"@at `backtick`", false},
	{"trailing colon:", false},
	{"「书名号」，全角：标点；还有——破折号", false},
	{"第一行。\n第二行：有冒号 # 有井号\n\n第四行", false},
	{"family: 👩‍👩‍👧 flag: 🇨🇳", false},
	{"joined\u2028by a line separator", false},
	{"no\u00a0break", false},
	{"\ufeffbom inside", false},
	{"<script>alert(1)</script> & {{.Field}} ${x}", false},
	{`\U0000000A`, false},
	{"right to left \u202eoverride", true},
	{"isolated \u2066text\u2069", true},
	{"a tab\tstop", true},
	{"a bell\a", true},
	{"a null\x00", true},
	{"next\u0085line", true},
	{strings.Repeat("长", 2001), true},
}

func written(text string) exit.SunsetText {
	return exit.SunsetText{
		Name: "the-end", Ends: "circle:7", Zone: "Asia/Shanghai", Remind: []string{"30", "7"},
		Phases: []exit.PhaseText{
			{Word: exit.Announced, At: "2021-05-28"},
			{Word: exit.ReadOnly, At: "2021-06-28 10:30", Says: exit.Words{"zh": text}},
			{Word: exit.Stopped, At: "2021-12-28"},
			{Word: exit.Erased, At: "2022-01-28"},
		},
		Title: exit.Words{"en": text}, Reason: exit.Words{"zh": text, "en": "plain"}, Ask: exit.Words{"zh": "问我们"}, Profiles: []string{"cn", "eu-da"},
	}
}

// TestSunsetTextIsRead writes hostile texts into a calendar's file and wants them back as they were, or refused where they are typed.
func TestSunsetTextIsRead(t *testing.T) {
	for _, h := range hostile {
		t.Run(fmt.Sprintf("%.20q", h.text), func(t *testing.T) {
			src := written(h.text).YAML()
			cal, err := exit.ParseSunset(src)
			if h.refused {
				wantRefusedAt(t, err, "phases.read-only.says.zh", "title.en", "reason.zh")
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, src)
			}
			if got := cal.Text(); !reflect.DeepEqual(got, written(h.text)) {
				t.Errorf("read as\n%+v\nwant\n%+v\n%s", got, written(h.text), src)
			}
			if again := cal.Text().YAML(); !bytes.Equal(again, src) {
				t.Errorf("written again it is\n%s\nwas\n%s", again, src)
			}
		})
	}
}

// wantRefusedAt wants a file refused at these paths and no others.
func wantRefusedAt(t *testing.T, err error, paths ...string) {
	t.Helper()
	var list exit.PolicyErrors
	if !errors.As(err, &list) {
		t.Fatalf("the error is %v, want one of a calendar's file", err)
	}
	var got []string
	for _, e := range list {
		got = append(got, e.Path)
	}
	slices.Sort(got)
	slices.Sort(paths)
	if !slices.Equal(slices.Compact(got), paths) {
		t.Errorf("refused at %v, want %v", got, paths)
	}
}

// TestSunsetTextOfAnything writes texts made of what YAML is made of, and never wants another calendar read than the one written.
func TestSunsetTextOfAnything(t *testing.T) {
	rng := rand.New(rand.NewPCG(28, 6))
	pieces := []string{"a", "停", " ", "  ", "\n", "\n\n", ":", ": ", "#", " #", "-", "- ", "\"", "'", "\\", "{", "}", "[", "]", ",", "&", "*", "!", "|", ">", "%", "@", "`", "?", "---", "...", "0", "=", "~", "\u200d", "\u3000", "\ufffd"}
	for range 3000 {
		var b strings.Builder
		for range 1 + rng.IntN(12) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		text := strings.TrimSpace(b.String())
		if text == "" {
			continue
		}
		cal, err := exit.ParseSunset(written(text).YAML())
		if err != nil {
			t.Fatalf("%q: %v\n%s", text, err, written(text).YAML())
		}
		if got := cal.Title["en"]; got != text {
			t.Fatalf("%q is read as %q\n%s", text, got, written(text).YAML())
		}
		if got := cal.Text(); !reflect.DeepEqual(got, written(text)) {
			t.Fatalf("%q: read as %+v", text, got)
		}
	}
}

// TestSunsetTextUnread wants what cannot be read refused at the field in which it was typed, whatever it is.
func TestSunsetTextUnread(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(s *exit.SunsetText)
		at    []string
	}{
		{"no name", func(s *exit.SunsetText) { s.Name = "" }, []string{"name"}},
		{"a name with a line", func(s *exit.SunsetText) { s.Name = "a\nends: install" }, []string{"name"}},
		{"a name of another form", func(s *exit.SunsetText) { s.Name = "The End" }, []string{"name"}},
		{"a name that is a word of YAML", func(s *exit.SunsetText) { s.Name = "null" }, nil},
		{"nothing ends", func(s *exit.SunsetText) { s.Ends = "" }, []string{"ends"}},
		{"a place without a number", func(s *exit.SunsetText) { s.Ends = "circle:x" }, []string{"ends"}},
		{"no such zone", func(s *exit.SunsetText) { s.Zone = "Mars/Base" }, []string{"zone"}},
		{"no date", func(s *exit.SunsetText) { s.Phases[1].At = "" }, []string{"phases.read-only", "phases.read-only.at"}},
		{"half a date", func(s *exit.SunsetText) { s.Phases[2].At = "2021-13-99" }, []string{"phases.stopped"}},
		{"dates out of order", func(s *exit.SunsetText) { s.Phases[2].At = "2021-06-01" }, []string{"phases.stopped"}},
		{"a phase is missing", func(s *exit.SunsetText) { s.Phases = s.Phases[:3] }, []string{"phases.erased"}},
		{"no phases", func(s *exit.SunsetText) { s.Phases = nil }, []string{"phases"}},
		{"kept too short", func(s *exit.SunsetText) { s.Late = "2021-12-01" }, []string{"late_requests"}},
		{"days in words", func(s *exit.SunsetText) { s.Remind = []string{"30", "a week]", "7"} }, []string{"remind[1]"}},
		{"no days", func(s *exit.SunsetText) { s.Remind = []string{} }, nil},
		{"no title", func(s *exit.SunsetText) { s.Title = exit.Words{"zh": "  "} }, []string{"title"}},
		{"no https", func(s *exit.SunsetText) { s.Successor = "javascript:alert(1)" }, []string{"successor"}},
		{"an unknown profile", func(s *exit.SunsetText) { s.Profiles = []string{"cn]\nname: x"} }, []string{"profiles"}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			s := written("text")
			x.spoil(&s)
			_, err := exit.ParseSunset(s.YAML())
			if x.at == nil {
				if err != nil {
					t.Errorf("refused: %v\n%s", err, s.YAML())
				}
				return
			}
			wantRefusedAt(t, err, x.at...)
		})
	}
}

package ui_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"exeunt/internal/ui"
)

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it and run with -update if it is right. Got:\n%s", name, got)
	}
}

// TestCalendarRevision asks that the entries of rows with keys are called the same in every revision and say which they are of, that one taken back is cancelled, and that
// one of an instant begins at it.
func TestCalendarRevision(t *testing.T) {
	day := time.Date(2021, 12, 28, 0, 0, 0, 0, time.UTC)
	first := ui.CalendarView{ID: "the-end", Today: day, Link: "https://example.org/sunsets/the-end", Rows: []ui.CalendarRow{
		{Key: "stopped", Date: day, Sentence: "It stops"}, {Key: "erased", Date: day.Add(time.Hour), Timed: true, Sentence: "It is erased"},
	}}
	second := first
	second.Revision = 1
	second.Rows = []ui.CalendarRow{{Key: "erased", Date: day, Sentence: "Content goes", State: ui.CalendarCancelled}, {Key: "stopped", Date: day.AddDate(0, 0, 1), Sentence: "It ends"}}
	a, b := events(ui.CalendarICS(first, ui.English)), events(ui.CalendarICS(second, ui.English))
	if len(a) != 2 || len(b) != 2 {
		t.Fatalf("%d and %d events", len(a), len(b))
	}
	for i, want := range []map[string]string{
		{"UID": b[1]["UID"], "SEQUENCE": "0", "STATUS": "", "DTSTART;VALUE=DATE": "20211228", "URL": "https://example.org/sunsets/the-end"},
		{"UID": b[0]["UID"], "SEQUENCE": "0", "DTSTART": "20211228T010000Z", "DTEND;VALUE=DATE": ""},
		{"UID": a[1]["UID"], "SEQUENCE": "1", "STATUS": "CANCELLED"},
		{"UID": a[0]["UID"], "SEQUENCE": "1", "STATUS": "", "DTSTART;VALUE=DATE": "20211229"},
	} {
		for name, value := range want {
			if got := slices.Concat(a, b)[i][name]; got != value {
				t.Errorf("event %d: %s is %q, want %q", i, name, got, value)
			}
		}
	}
	if a[0]["UID"] == a[1]["UID"] {
		t.Error("two entries have one name")
	}
}

// events gives the properties of each event of an iCalendar file.
func events(text string) (out []map[string]string) {
	for _, part := range strings.Split(text, "BEGIN:VEVENT\r\n")[1:] {
		e := map[string]string{}
		for line := range strings.Lines(part) {
			name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			e[name] = value
		}
		out = append(out, e)
	}
	return out
}

func TestCalendarICS(t *testing.T) {
	for _, lang := range ui.Langs() {
		v := sampleOf(lang).calendar
		v.Rows[0].Sentence += `; with, a \ and` + "\r\na line"
		got := ui.CalendarICS(v, lang)
		golden(t, "calendar-"+string(lang)+".ics", got)
		for _, line := range strings.SplitAfter(got, "\r\n") {
			if len(line) > 77 || !utf8.ValidString(line) {
				t.Errorf("line of %d octets, valid %v: %q", len(line), utf8.ValidString(line), line)
			}
			if line != "" && !strings.HasSuffix(line, "\r\n") {
				t.Errorf("line does not end in CRLF: %q", line)
			}
		}
		dated := 0
		for _, r := range v.Rows {
			if r.Waits == "" && r.State != ui.CalendarCancelled {
				dated++
			}
		}
		if n := strings.Count(got, "BEGIN:VEVENT"); n != dated {
			t.Errorf("%s: %d events, want %d", lang, n, dated)
		}
	}
}

func TestCalendarSVG(t *testing.T) {
	for _, lang := range ui.Langs() {
		for _, theme := range []ui.Theme{ui.ThemeLight, ui.ThemeDark} {
			v := sampleOf(lang).calendar
			v.Stays = append(v.Stays, `<script>&"`)
			got := ui.CalendarSVG(v, lang, theme)
			golden(t, "calendar-"+string(lang)+"-"+string(theme)+".svg", got)
			checkXML(t, got)
			if strings.Contains(got, "<script") {
				t.Error("a sentence became markup")
			}
		}
	}
}

func checkXML(t *testing.T, doc string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

// TestCalendarSaysTheSame wants each line of the picture on the page too and
// the other way round: the drawings may not promise different things.
func TestCalendarSaysTheSame(t *testing.T) {
	for _, lang := range ui.Langs() {
		v := sampleOf(lang).calendar
		page, ics := drawn(t, readerOf(lang, ui.ThemeAuto), ui.Calendar(v)), ui.CalendarICS(v, lang)
		svg := strings.ReplaceAll(tagless(ui.CalendarSVG(v, lang, ui.ThemeLight)), " ", "")
		unfolded := strings.ReplaceAll(strings.ReplaceAll(ics, "\r\n ", ""), `\`, "")
		for _, r := range v.Rows {
			wants := []string{r.Sentence, r.Undo}
			if r.Hold != nil {
				wants = append(wants, r.Hold.Name)
			}
			for _, w := range wants {
				if !strings.Contains(page, w) || !strings.Contains(svg, strings.ReplaceAll(w, " ", "")) {
					t.Errorf("%s: %q is not in every drawing", lang, w)
				}
				if r.Waits == "" && r.State != ui.CalendarCancelled && !strings.Contains(unfolded, w) {
					t.Errorf("%s: %q is not in the .ics", lang, w)
				}
			}
		}
	}
}

// tagless is the text of a document without its tags.
func tagless(doc string) string {
	var b strings.Builder
	in := false
	for _, r := range doc {
		switch {
		case r == '<':
			in = true
		case r == '>':
			in = false
		case !in:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TestCalendarToday wants today marked once, wherever it falls.
func TestCalendarToday(t *testing.T) {
	rows := sampleOf(ui.English).calendar.Rows
	for name, rows := range map[string][]ui.CalendarRow{"none": nil, "all past": rows[:2], "between": {rows[1], rows[3]}, "a row of today": rows} {
		page := drawn(t, readerOf(ui.English, ui.ThemeAuto), ui.Calendar(ui.CalendarView{Today: today, Zone: shanghai, Rows: rows}))
		if n := strings.Count(page, "· today"); n != 1 {
			t.Errorf("%s: today marked %d times", name, n)
		}
	}
}

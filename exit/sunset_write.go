package exit

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// SunsetText is a sunset's file as somebody types it: the texts of its fields, unchecked. [SunsetText.YAML] writes the file, and
// [ParseSunset] alone judges it.
type SunsetText struct {
	Name, Ends, Zone string
	Phases           []PhaseText // in the order of their words
	Late             string      // late_requests: written as an instant; "": that of the erasure
	Remind           []string    // numbers of days
	Title            Words
	Reason           Words
	Apology          Words
	Ask              Words
	Charges          Words
	Successor        string
	Picture          string
	Profiles         []string
	Override         string
}

// PhaseText is a phase as it is typed. At is a date, or a date and a time of day ("2021-06-28 10:00"), in the calendar's zone.
type PhaseText struct {
	Word, At string
	Says     Words
}

// PhaseWords gives the words of a sunset in their order.
func PhaseWords() []string {
	out := make([]string, len(phases))
	for i, p := range phases {
		out[i] = p.word
	}
	return out
}

// SunsetProfiles gives the profiles whose rules about endings are known; see [CheckSunset].
func SunsetProfiles() []string { return slices.Clone(sunsetProfiles) }

// Text gives the calendar as it can be typed again: what [SunsetText.YAML] makes of it is read as the same calendar.
func (s *SunsetCalendar) Text() SunsetText {
	t := SunsetText{
		Name: s.Name, Ends: s.Ends.Part(), Zone: s.Zone.String(), Title: s.Title, Reason: s.Reason, Apology: s.Apology, Ask: s.Ask, Charges: s.Charges,
		Successor: s.Successor, Picture: s.Picture, Profiles: slices.Clone(s.Profiles), Override: s.Override, Remind: []string{},
	}
	if t.Ends == "" {
		t.Ends = SubjectInstall
	}
	for _, p := range s.Phases {
		t.Phases = append(t.Phases, PhaseText{Word: p.Word, At: InstantText(p.At, s.Zone), Says: p.Says})
	}
	if !s.Late.Equal(s.At(Erased)) {
		t.Late = InstantText(s.Late, s.Zone)
	}
	for _, days := range s.Remind {
		t.Remind = append(t.Remind, strconv.Itoa(days))
	}
	return t
}

// InstantText writes an instant as a calendar's file has it: the bare date where it is the first instant of its day in zone, to the minute
// otherwise.
func InstantText(at time.Time, zone *time.Location) string {
	if d := DateOf(at, zone); d.Start(zone).Equal(at) {
		return d.String()
	}
	return at.In(zone).Format("2006-01-02 15:04")
}

// YAML writes the file that [ParseSunset] reads. What is empty is left out, and missed by ParseSunset where it must be there.
func (t SunsetText) YAML() []byte {
	w := &sunsetWriter{}
	w.b.WriteString("version: 1\n")
	w.text(0, "name", t.Name)
	w.text(0, "ends", t.Ends)
	w.text(0, "zone", t.Zone)
	if len(t.Phases) > 0 {
		w.b.WriteString("phases:\n")
	}
	for _, p := range t.Phases {
		if len(p.Says.known()) == 0 {
			w.text(1, p.Word, p.At)
			continue
		}
		fmt.Fprintf(&w.b, "  %s:\n", p.Word)
		w.text(2, "at", p.At)
		w.words(2, "says", p.Says)
	}
	w.text(0, "late_requests", t.Late)
	if t.Remind != nil {
		w.list("remind", t.Remind, dayNumber)
	}
	w.words(0, "title", t.Title)
	w.words(0, "reason", t.Reason)
	w.words(0, "apology", t.Apology)
	w.words(0, "ask", t.Ask)
	w.words(0, "charges", t.Charges)
	w.text(0, "successor", t.Successor)
	w.text(0, "picture", t.Picture)
	if len(t.Profiles) > 0 {
		w.list("profiles", t.Profiles, plainText)
	}
	w.text(0, "override", t.Override)
	return w.b.Bytes()
}

// known gives the languages in which something is said, in their order.
func (w Words) known() []string {
	var out []string
	for _, lang := range []string{"zh", "en"} {
		if strings.TrimSpace(w[lang]) != "" {
			out = append(out, lang)
		}
	}
	return out
}

// sunsetWriter writes the few forms of YAML that a sunset's file needs. All that could mean something to YAML stands in double quotes.
type sunsetWriter struct{ b bytes.Buffer }

// What needs no quotes: names as they are usual, and dates. A word such as "no" is no text to YAML.
var (
	plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*([/_-][A-Za-z0-9]+)*$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	dayNumber = regexp.MustCompile(`^[1-9][0-9]{0,2}$`)
	notText   = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
)

func (w *sunsetWriter) text(depth int, key, value string) {
	if value = strings.TrimSpace(value); value != "" {
		fmt.Fprintf(&w.b, "%s%s: %s\n", strings.Repeat("  ", depth), key, scalar(value, plainText))
	}
}

func scalar(value string, plain *regexp.Regexp) string {
	if plain.MatchString(value) && !slices.Contains(notText, strings.ToLower(value)) {
		return value
	}
	return inQuotes(value)
}

func (w *sunsetWriter) list(key string, values []string, plain *regexp.Regexp) {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = scalar(v, plain)
	}
	fmt.Fprintf(&w.b, "%s: [%s]\n", key, strings.Join(out, ", "))
}

func (w *sunsetWriter) words(depth int, key string, words Words) {
	known := words.known()
	if len(known) == 0 {
		return
	}
	fmt.Fprintf(&w.b, "%s%s:\n", strings.Repeat("  ", depth), key)
	for _, lang := range known {
		w.prose(depth+1, lang, strings.TrimSpace(strings.ReplaceAll(words[lang], "\r\n", "\n")))
	}
}

// prose writes a text of one line in quotes, and one of several as they stand, where none of them could be taken for anything but a line of text.
func (w *sunsetWriter) prose(depth int, key, value string) {
	lines := strings.Split(value, "\n")
	if len(lines) == 1 || slices.ContainsFunc(lines, func(l string) bool { return !tame(l) }) {
		fmt.Fprintf(&w.b, "%s%s: %s\n", strings.Repeat("  ", depth), key, inQuotes(value))
		return
	}
	fmt.Fprintf(&w.b, "%s%s: |-\n", strings.Repeat("  ", depth), key)
	for _, l := range lines {
		if l != "" {
			w.b.WriteString(strings.Repeat("  ", depth+1) + l)
		}
		w.b.WriteByte('\n')
	}
}

// tame reports whether a line needs no quotes within a block of lines.
func tame(line string) bool {
	for i, c := range line {
		if i == 0 && !unicode.IsLetter(c) || !unicode.IsPrint(c) {
			return false
		}
	}
	return !strings.HasSuffix(line, " ")
}

// inQuotes writes a text in double quotes (YAML 1.2.2, 7.3.1) on one line. What cannot be seen is written by its number.
func inQuotes(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case !unicode.IsPrint(c):
			fmt.Fprintf(&b, `\U%08X`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

package exit

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// The journeys of an operator: a sunset ends a service, a place in one, or the whole install on a published calendar; a
// withdrawal undoes one before its first irreversible step.
const (
	Sunset   Journey = "sunset"
	Withdraw Journey = "withdraw"
)

// The words for what is still allowed, by phase.
const (
	Announced  = "announced"
	NoJoins    = "no-joins"
	ReadOnly   = "read-only"
	NoEntrance = "no-entrance"
	ExportOnly = "export-only"
	Stopped    = "stopped"
	Erased     = "erased"
)

// What a service allows. Who has an account reads, takes along, deletes, closes and cancels as long as [AllowExport] is there.
const (
	AllowJoin     = "join"
	AllowWrite    = "write"
	AllowEntrance = "entrance"
	AllowRead     = "read" // without an account: by guests, feeds, other sites' frames and previews of links
	AllowExport   = "export"
)

// phases are the words of a sunset in their order, each with what it takes away for good.
var phases = []struct{ word, takes string }{
	{Announced, ""},
	{NoJoins, AllowJoin},
	{ReadOnly, AllowJoin + " " + AllowWrite},
	{NoEntrance, AllowEntrance},
	{ExportOnly, AllowJoin + " " + AllowWrite + " " + AllowEntrance + " " + AllowRead},
	{Stopped, AllowJoin + " " + AllowWrite + " " + AllowEntrance + " " + AllowRead + " " + AllowExport},
	{Erased, ""},
}

// everything is what is allowed where nothing ends, in order.
var everything = []string{AllowJoin, AllowWrite, AllowEntrance, AllowRead, AllowExport}

// Words are texts by language ("zh", "en").
type Words map[string]string

// Phase is one dated word of a sunset's calendar.
type Phase struct {
	Word string
	At   time.Time // it holds from this instant on
	Says Words     // what becomes of content then, in the operator's words
}

// SunsetCalendar is what an operator publishes about an ending: what ends, when what is no longer possible, and the words of the notice. It
// is read from a strict YAML file by [ParseSunset].
type SunsetCalendar struct {
	Version   int
	Name      string  // lower-case letters, digits and hyphens: the notice's address; never reused
	Ends      Subject // a service, a place in one, or the install
	Zone      *time.Location
	Phases    []Phase   // in the order of their words
	Late      time.Time // archives are kept and can be fetched until then
	Remind    []int     // days before the stop on which everybody concerned is told again, descending
	Title     Words
	Reason    Words
	Apology   Words
	Ask       Words  // where to ask
	Charges   Words  // when charges stop, what becomes of what is paid and unused, how minors and their guardians are told; rule SU-02 asks for it
	Successor string // an https address where people go; "" if there is none
	Picture   string // the notice's picture: a file beside the calendar's
	Profiles  []string
	Override  string // why it stops before everything is expected to be taken along, where it does
	source    []byte
}

// At gives the instant from which a word holds; zero where the calendar does not have it.
func (s *SunsetCalendar) At(word string) time.Time {
	for _, p := range s.Phases {
		if p.Word == word {
			return p.At
		}
	}
	return time.Time{}
}

// Ceases gives the instant from which something ([AllowWrite] …) is no longer allowed.
func (s *SunsetCalendar) Ceases(what string) time.Time {
	for _, p := range s.Phases {
		if slices.Contains(strings.Fields(takes(p.Word)), what) {
			return p.At
		}
	}
	return time.Time{}
}

// Allowed gives what is allowed from the instant of a phase on, by the phases up to it.
func (s *SunsetCalendar) Allowed(word string) []string {
	left := slices.Clone(everything)
	for _, p := range s.Phases {
		gone := strings.Fields(takes(p.Word))
		left = slices.DeleteFunc(left, func(what string) bool { return slices.Contains(gone, what) })
		if p.Word == word {
			break
		}
	}
	return left
}

// Source gives the file as it was read.
func (s *SunsetCalendar) Source() []byte { return s.source }

func takes(word string) string {
	for _, p := range phases {
		if p.word == word {
			return p.takes
		}
	}
	return ""
}

// Bounds of a sunset's file.
const (
	sunsetText    = 2000 // characters of one text
	sunsetReminds = 12
)

// sunsetProfiles are those whose rules about endings are known; see [CheckSunset].
var sunsetProfiles = []string{"cn", "cn-ecommerce", "cn-telecom", "cn-games", "eu", "eu-business", "eu-da"}

// ParseSunset reads a sunset's calendar from the same strict form of YAML as [ParsePolicy] reads, and refuses it in the same way. Version, name,
// zone, ends, title, reason, ask and of the phases announced, stopped and erased must be there. A bare date is the first instant of that day in the
// calendar's zone; "2021-06-28 10:00" is a time of day there. Phases come in the order of their words and may share an instant.
func ParseSunset(src []byte) (*SunsetCalendar, error) {
	r := &policyReader{}
	s := r.sunset(src)
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b PolicyError) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, &Error{Kind: Invalid, Key: "error.sunset", Args: map[string]any{"n": len(r.errs), "first": r.errs[0].Error()}, Err: r.errs}
	}
	s.source = slices.Clone(src)
	return s, nil
}

func (r *policyReader) sunset(src []byte) *SunsetCalendar {
	body := r.tree(src)
	if body == nil {
		return nil
	}
	s := &SunsetCalendar{Remind: []int{90, 30, 7, 1}}
	// Dates need the zone, wherever in the file it stands.
	var dated []func()
	when := func(to *time.Time) func(ast.Node, string) {
		return func(n ast.Node, path string) { dated = append(dated, func() { *to = r.instant(n, path, s.Zone) }) }
	}
	words := func(to *Words) func(ast.Node, string) {
		return func(n ast.Node, path string) { *to = r.languages(n, path) }
	}
	r.fields(body, "", []field{
		{"version", true, func(n ast.Node, path string) { s.Version = r.version(n, path) }},
		{"name", true, func(n ast.Node, path string) { s.Name = r.slug(n, path) }},
		{"ends", true, func(n ast.Node, path string) { s.Ends = r.ending(n, path) }},
		{"zone", true, func(n ast.Node, path string) { s.Zone = r.zone(n, path) }},
		{"phases", true, func(n ast.Node, path string) {
			dated = append(dated, func() { s.Phases = r.phases(n, path, s.Zone) })
		}},
		{"late_requests", false, when(&s.Late)},
		{"remind", false, func(n ast.Node, path string) { s.Remind = r.days(n, path) }},
		{"title", true, words(&s.Title)},
		{"reason", true, words(&s.Reason)},
		{"apology", false, words(&s.Apology)},
		{"ask", true, words(&s.Ask)},
		{"charges", false, words(&s.Charges)},
		{"successor", false, func(n ast.Node, path string) { s.Successor = r.address(n, path) }},
		{"picture", false, func(n ast.Node, path string) { s.Picture, _ = r.text(n, path, "the name of a file beside this one") }},
		{"profiles", false, func(n ast.Node, path string) { s.Profiles = r.words(n, path, sunsetProfiles...) }},
		{"override", false, func(n ast.Node, path string) {
			s.Override, _ = r.text(n, path, "the reason for a stop that comes too early")
		}},
	})
	for _, read := range dated {
		read()
	}
	if len(r.errs) > 0 {
		return s
	}
	if s.Late.IsZero() {
		s.Late = s.At(Erased)
	}
	switch {
	case s.Late.Before(s.At(Stopped)):
		r.fail(tokenOf(body), "late_requests", "archives must be kept until the stop at least")
	case s.Ends.Kind == SubjectInstall && s.At(Erased).Before(s.Late):
		r.fail(tokenOf(body), "late_requests", "with the install its accounts are erased, and nobody could sign in for an archive after that")
	}
	return s
}

// instant reads a date or a time of day in a zone.
func (r *policyReader) instant(n ast.Node, path string, zone *time.Location) time.Time {
	text, ok := r.text(n, path, "a date such as 2021-06-28, or a time of that day such as \"2021-06-28 10:00\"")
	if !ok || zone == nil {
		return time.Time{}
	}
	if d, err := ParseDate(text); err == nil {
		return d.Start(zone)
	}
	if t, err := time.ParseInLocation("2006-01-02 15:04", text, zone); err == nil {
		return t
	}
	r.fail(tokenOf(n), path, "%q is no date; write 2021-06-28, or \"2021-06-28 10:00\"", text)
	return time.Time{}
}

func (r *policyReader) phases(n ast.Node, path string, zone *time.Location) []Phase {
	found := map[string]Phase{}
	known := make([]field, len(phases))
	for i, p := range phases {
		known[i] = field{p.word, p.word == Announced || p.word == Stopped || p.word == Erased, func(n ast.Node, path string) {
			found[p.word] = r.phase(n, path, p.word, zone)
		}}
	}
	r.fields(n, path, known)
	var out []Phase
	for _, p := range phases {
		x, ok := found[p.word]
		if !ok {
			continue
		}
		if len(out) > 0 && x.At.Before(out[len(out)-1].At) {
			r.fail(tokenOf(n), join(path, p.word), "this comes before %s, which is the phase before it", out[len(out)-1].Word)
		}
		out = append(out, x)
	}
	return out
}

// phase reads an instant, or a map of an instant and what becomes of content then.
func (r *policyReader) phase(n ast.Node, path, word string, zone *time.Location) Phase {
	p := Phase{Word: word}
	switch bare(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		r.fields(n, path, []field{
			{"at", true, func(n ast.Node, path string) { p.At = r.instant(n, path, zone) }},
			{"says", false, func(n ast.Node, path string) { p.Says = r.languages(n, path) }},
		})
	default:
		p.At = r.instant(n, path, zone)
	}
	return p
}

// languages reads a text in one language or more.
func (r *policyReader) languages(n ast.Node, path string) Words {
	out := Words{}
	r.fields(n, path, []field{
		{"zh", false, func(n ast.Node, path string) { out["zh"] = r.prose(n, path) }},
		{"en", false, func(n ast.Node, path string) { out["en"] = r.prose(n, path) }},
	})
	if len(out) == 0 {
		r.fail(tokenOf(n), path, "this must be a text in zh, in en, or in both")
	}
	return out
}

// prose reads a text of several lines.
func (r *policyReader) prose(n ast.Node, path string) string {
	var s string
	switch x := bare(n).(type) {
	case *ast.StringNode:
		s = x.Value
	case *ast.LiteralNode:
		s = x.Value.Value
	default:
		r.wrong(n, path, "a text")
		return ""
	}
	s = strings.TrimSpace(s)
	odd := func(c rune) bool { return unicode.IsControl(c) && c != '\n' || unicode.Is(unicode.Bidi_Control, c) }
	if s == "" || utf8.RuneCountInString(s) > sunsetText || strings.ContainsFunc(s, odd) {
		r.fail(tokenOf(n), path, "this must be a text of at most %d characters, without control characters", sunsetText)
		return ""
	}
	return s
}

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (r *policyReader) slug(n ast.Node, path string) string {
	s, ok := r.text(n, path, "a name")
	if ok && (len(s) > 40 || !slugForm.MatchString(s)) {
		r.fail(tokenOf(n), path, "a name has lower-case letters, digits and single hyphens, 40 at most")
	}
	return s
}

// ending reads what ends: "install", "circle", "circle:7".
func (r *policyReader) ending(n ast.Node, path string) Subject {
	s, ok := r.text(n, path, "what ends: a service such as circle, one place of it such as circle:7, or install")
	if !ok {
		return Subject{}
	}
	service, place, narrowed := strings.Cut(s, ":")
	// "007" would be another name for the same place: what ends under one would be written to under the other.
	if id, err := strconv.ParseInt(place, 10, 64); !slugForm.MatchString(service) || narrowed && (err != nil || id < 1 || strconv.FormatInt(id, 10) != place) {
		r.fail(tokenOf(n), path, "%q is neither a service (circle) nor one place of it (circle:7) nor install", s)
		return Subject{}
	}
	return Ending(s)
}

// Ending gives the subject of an ending by what it is narrowed to: "" or "install" is the install, "circle" a service, "circle:7" a place.
func Ending(part string) Subject {
	switch {
	case part == "" || part == SubjectInstall:
		return Subject{Kind: SubjectInstall, ID: "1"}
	case strings.Contains(part, ":"):
		return Subject{Kind: SubjectPlace, ID: part}
	}
	return Subject{Kind: SubjectService, ID: part}
}

// Part gives to what accounts are narrowed by an ending: "" for the install, "circle", "circle:7".
func (s Subject) Part() string {
	switch s.Kind {
	case SubjectService, SubjectPlace:
		return s.ID
	}
	return ""
}

// Ending reports whether the subject is what a sunset ends.
func (s Subject) Ending() bool {
	return s.Kind == SubjectService || s.Kind == SubjectPlace || s.Kind == SubjectInstall
}

func (r *policyReader) address(n ast.Node, path string) string {
	s, ok := r.text(n, path, "an https address")
	if ok && (!strings.HasPrefix(s, "https://") || len(s) < len("https://a.b") || strings.ContainsAny(s, " \"<>")) {
		r.fail(tokenOf(n), path, "this must be an https address")
	}
	return s
}

// days reads a list of numbers of days, descending.
func (r *policyReader) days(n ast.Node, path string) []int {
	list, ok := bare(n).(*ast.SequenceNode)
	if !ok {
		r.wrong(n, path, "a list of days before the stop, such as [90, 30, 7, 1]")
		return nil
	}
	var out []int
	for i, v := range list.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		x, ok := bare(v).(*ast.IntegerNode)
		if !ok {
			r.wrong(v, at, "a number of days")
			continue
		}
		d, err := strconv.Atoi(x.Token.Value)
		if err != nil || d < 1 || d > 366 || slices.Contains(out, d) || len(out) == sunsetReminds {
			r.fail(tokenOf(v), at, "this must be a number from 1 to 366, each once, %d at most", sunsetReminds)
			continue
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b int) int { return b - a })
	return out
}

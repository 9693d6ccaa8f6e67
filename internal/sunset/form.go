package sunset

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"exeunt/exit"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Bounds of the form, in characters; the calendar's own reader judges what it says.
const (
	longestText = 2000
	longestLine = 400
	longestName = 40
	mostReminds = 24 // more than a calendar may have: the reader says so
)

// onePlace stands among what can end for one circle by its address.
const (
	onePlace      = "place"
	placesService = "circle"
)

// The names of the form's fields are the paths of a calendar's file, so that what its reader says of a path stands at the field.
var (
	textFields = []string{"title", "reason", "apology", "ask", "charges"}
	tongues    = []string{"zh", "en"}
)

// readForm gives what the form of a calendar says, as it was typed.
func readForm(v url.Values) exit.SunsetText {
	line := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	words := func(name string) exit.Words {
		out := exit.Words{}
		for _, lang := range tongues {
			if s := strings.TrimSpace(strings.ReplaceAll(v.Get(name+"."+lang), "\r\n", "\n")); s != "" {
				out[lang] = s
			}
		}
		return out
	}
	t := exit.SunsetText{
		Name: line("name"), Ends: endsOf(line("ends"), line("circle")), Zone: line("zone"), Late: whenOf(v, "late_requests"),
		Title: words("title"), Reason: words("reason"), Apology: words("apology"), Ask: words("ask"), Charges: words("charges"),
		Successor: line("successor"), Picture: line("picture"), Override: line("override"), Remind: []string{},
	}
	for _, word := range exit.PhaseWords() {
		p := exit.PhaseText{Word: word, At: whenOf(v, "phases."+word), Says: words("phases." + word + ".says")}
		if p.At != "" || len(p.Says) > 0 {
			t.Phases = append(t.Phases, p)
		}
	}
	apart := func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(",，、;；", c) }
	for _, days := range strings.FieldsFunc(v.Get("remind"), apart) {
		if len(t.Remind) < mostReminds {
			t.Remind = append(t.Remind, days)
		}
	}
	for _, p := range exit.SunsetProfiles() {
		if v.Get("profiles."+p) != "" {
			t.Profiles = append(t.Profiles, p)
		}
	}
	return t
}

// whenOf joins a date and a time of day.
func whenOf(v url.Values, name string) string {
	return strings.TrimSpace(strings.TrimSpace(v.Get(name)) + " " + strings.TrimSpace(v.Get(name+".time")))
}

// endsOf gives what ends as a calendar's file has it. A circle is named by its address, of which the number counts.
func endsOf(what, address string) string {
	if what != onePlace {
		return what
	}
	_, rest, found := strings.Cut(address, "/circles/")
	if !found {
		rest = strings.Trim(address, "/")
	}
	id, _, _ := strings.Cut(rest, "/")
	id, _, _ = strings.Cut(id, "?")
	return placesService + ":" + id
}

// wrongs are the sentences about what cannot be read, by the names of fields.
type wrongs map[string]string

// formView is the form of a calendar.
type formView struct {
	Title     string
	Notice    *ui.Notice
	Faults    []faultView // of a file that was put in
	Ends      ui.Select
	Circle    ui.Field
	Name      ui.Field
	Zone      ui.Field
	Calendar  calendarFields
	Remind    ui.Field
	Texts     []pairView
	Successor ui.Field
	Picture   ui.HiddenField // a file beside the calendar's: it travels with the form
	Override  ui.Field
	Profiles  []ui.Checkbox
	File      ui.TextArea
}

// faultView is a line of a file that cannot be read.
type faultView struct {
	Words   string // for the reader, with line and path
	English string // what the file's reader says, which is more exact; "" where Words says it already
}

// calendarFields are the dates of a calendar, typed or drawn.
type calendarFields struct {
	Phases []dateView
	Late   dateView
}

// dateView is one date with its time of day. Says is what becomes of content then.
type dateView struct {
	Word, Name, About string
	Date, Time        ui.Field
	Says              *pairView
	Fixed             bool // it was reached: it moves no more
}

// pairView is one text in both languages.
type pairView struct {
	Legend, Hint string
	Texts        []ui.TextArea
}

var (
	phaseTitles   = ui.Keys("sunset_operator.phase.", "announced", "no-joins", "read-only", "no-entrance", "export-only", "stopped", "erased")
	phaseAbouts   = ui.Keys("sunset_operator.phase_about.", "announced", "no-joins", "read-only", "no-entrance", "export-only", "stopped", "erased")
	fieldNames    = ui.Keys("sunset_operator.field.", "ends", "circle", "name", "zone", "late_requests", "remind", "title", "reason", "apology", "ask", "charges", "successor", "override")
	fieldHints    = ui.Keys("sunset_operator.hint.", "ends", "circle", "name", "zone", "late_requests", "remind", "title", "reason", "apology", "ask", "charges", "successor", "override")
	profileNames  = ui.Keys("sunset_operator.profile.", "cn", "cn-ecommerce", "cn-telecom", "cn-games", "eu", "eu-business", "eu-da")
	tongueNames   = ui.Keys("sunset_operator.tongue.", "zh", "en")
	wrongSentence = ui.Keys("sunset_operator.wrong.", "ends", "circle", "name", "zone", "date", "remind", "text", "successor", "other")
)

// form draws what was typed.
func (r *Room) form(ctx context.Context, t exit.SunsetText, wrong wrongs) formView {
	line := func(name, value string) ui.Field {
		return ui.Field{Name: name, Label: ui.T(ctx, fieldNames[name]), Hint: ui.T(ctx, fieldHints[name]), Value: value, MaxLength: longestLine, Error: wrong[name]}
	}
	v := formView{
		Title: ui.T(ctx, "sunset_operator.new"), Ends: r.endsChoice(ctx, t.Ends, wrong), Circle: line("circle", placeOf(t.Ends)),
		Name: line("name", t.Name), Zone: line("zone", t.Zone), Calendar: dates(ctx, t, wrong), Remind: line("remind", strings.Join(t.Remind, ", ")),
		Successor: line("successor", t.Successor), Picture: ui.HiddenField{Name: "picture", Value: t.Picture}, Override: line("override", t.Override),
		File: ui.TextArea{Name: "file", Label: ui.T(ctx, "sunset_operator.file"), Rows: 10, Required: true},
	}
	v.Name.LowerCase, v.Name.Required, v.Name.MaxLength, v.Zone.Required = true, true, longestName, true
	v.Successor.Type, v.Successor.InputMode = "url", "url"
	for _, name := range textFields {
		texts := map[string]exit.Words{"title": t.Title, "reason": t.Reason, "apology": t.Apology, "ask": t.Ask, "charges": t.Charges}[name]
		p := pair(ctx, name, texts, wrong)
		p.Legend = ui.T(ctx, fieldNames[name])
		p.Hint = ui.T(ctx, fieldHints[name])
		if name == "title" {
			p.Texts[0].Rows, p.Texts[1].Rows = 1, 1
		}
		v.Texts = append(v.Texts, p)
	}
	for _, p := range exit.SunsetProfiles() {
		v.Profiles = append(v.Profiles, ui.Checkbox{Name: "profiles." + p, Label: ui.T(ctx, profileNames[p]), Checked: slices.Contains(t.Profiles, p)})
	}
	return v
}

// dates draws the dates of a calendar.
func dates(ctx context.Context, t exit.SunsetText, wrong wrongs) calendarFields {
	var c calendarFields
	for _, word := range exit.PhaseWords() {
		p := exit.PhaseText{Word: word}
		if i := slices.IndexFunc(t.Phases, func(x exit.PhaseText) bool { return x.Word == word }); i >= 0 {
			p = t.Phases[i]
		}
		d := date(ctx, "phases."+word, p.At, wrong)
		d.Word, d.Name, d.About = word, ui.T(ctx, phaseTitles[word]), ui.T(ctx, phaseAbouts[word])
		d.Date.Required = word == exit.Announced || word == exit.Stopped || word == exit.Erased
		says := pair(ctx, "phases."+word+".says", p.Says, wrong)
		says.Legend = ui.T(ctx, "sunset_operator.says", "Phase", d.Name)
		d.Says = &says
		c.Phases = append(c.Phases, d)
	}
	c.Late = date(ctx, "late_requests", t.Late, wrong)
	c.Late.Word, c.Late.Name, c.Late.About = "late_requests", ui.T(ctx, fieldNames["late_requests"]), ui.T(ctx, fieldHints["late_requests"])
	return c
}

func date(ctx context.Context, name, at string, wrong wrongs) dateView {
	day, hour, _ := strings.Cut(at, " ")
	return dateView{
		Date: ui.Field{Name: name, Type: "date", Label: ui.T(ctx, "sunset_operator.date"), Value: day, Error: wrong[name]},
		Time: ui.Field{Name: name + ".time", Type: "time", Label: ui.T(ctx, "sunset_operator.time"), Value: hour},
	}
}

func pair(ctx context.Context, name string, words exit.Words, wrong wrongs) pairView {
	var p pairView
	for _, lang := range tongues {
		field := name + "." + lang
		p.Texts = append(p.Texts, ui.TextArea{
			Name: field, Label: ui.T(ctx, tongueNames[lang]), Value: words[lang], Rows: 3, MaxLength: longestText, Error: wrong[field],
		})
	}
	if wrong[name] != "" && p.Texts[0].Error == "" {
		p.Texts[0].Error = wrong[name]
	}
	return p
}

// endsChoice offers each service, one circle, and the install.
func (r *Room) endsChoice(ctx context.Context, ends string, wrong wrongs) ui.Select {
	service, _, place := strings.Cut(ends, ":")
	s := ui.Select{Name: "ends", Label: ui.T(ctx, fieldNames["ends"]), Hint: ui.T(ctx, fieldHints["ends"]), Error: wrong["ends"]}
	for _, x := range r.Registry.Services {
		s.Options = append(s.Options, ui.Option{Value: x.Name, Label: ui.T(ctx, x.Title), Selected: !place && service == x.Name})
	}
	s.Options = append(s.Options, ui.Option{Value: onePlace, Label: ui.T(ctx, "sunset_operator.one_circle"), Selected: place})
	s.Options = append(s.Options, ui.Option{Value: exit.SubjectInstall, Label: ui.T(ctx, "sunset_operator.install"), Selected: ends == exit.SubjectInstall})
	return s
}

// placeOf gives the address of a place that ends, as it is typed.
func placeOf(ends string) string {
	_, id, ok := strings.Cut(ends, ":")
	if !ok || id == "" {
		return ""
	}
	if _, ok := who.ParseID(id); !ok {
		return id
	}
	return "/circles/" + id
}

// faults tells what the reader of a calendar refuses: at the fields of the form, and as lines of the file.
func faults(ctx context.Context, err error) (at wrongs, lines []faultView) {
	var list exit.PolicyErrors
	if !errors.As(err, &list) {
		return nil, nil
	}
	at = wrongs{}
	for _, e := range list {
		field := fieldOf(e.Path)
		said := ui.T(ctx, wrongSentence[kindOf(field)])
		if at[field] == "" {
			at[field] = said
		}
		lines = append(lines, fault(ctx, e, said))
	}
	return at, lines
}

// fault tells of one line of a file. Readers of English are told what its reader says, others what is asked for there.
func fault(ctx context.Context, e exit.PolicyError, said string) faultView {
	v := faultView{English: e.Message}
	if ui.LangOf(ctx) == ui.English {
		said, v.English = e.Message, ""
	}
	if v.Words = ui.T(ctx, "sunset_operator.wrong.line_at", "Line", e.Line, "Path", e.Path, "What", said); e.Path == "" {
		v.Words = ui.T(ctx, "sunset_operator.wrong.line", "Line", e.Line, "What", said)
	}
	return v
}

// fieldOf gives the field of the form in which a path of the file is typed.
func fieldOf(path string) string {
	path, _, _ = strings.Cut(path, "[")
	return strings.TrimSuffix(path, ".at")
}

// kindOf gives what is typed into a field: each kind has its sentence about what is wrong.
func kindOf(field string) string {
	switch {
	case field == "ends", field == "circle", field == "name", field == "zone", field == "remind", field == "successor":
		return field
	case field == "late_requests", slices.Contains(exit.PhaseWords(), strings.TrimPrefix(field, "phases.")):
		return "date"
	case field == "override", field == "picture", strings.Contains(field, ".says"), slices.ContainsFunc(textFields, func(name string) bool { return strings.HasPrefix(field, name) }):
		return "text"
	}
	return "other"
}

// filled reports whether something is said, or something about it is wrong.
func (p pairView) filled() bool {
	return slices.ContainsFunc(p.Texts, func(t ui.TextArea) bool { return t.Value != "" || t.Error != "" })
}

package ui

import (
	"strings"
	"time"
)

// CalendarView is a plan as a person reads it: the same view is drawn for the
// preview, the consent, the slip, the certificate, in print, as a picture and
// as a file for one's own calendar.
type CalendarView struct {
	Title      string         // empty: no heading (the page has one)
	ID         string         // stable name of the plan (its hash): UIDs of the .ics entries
	Today      time.Time      // the promise clock
	Zone       *time.Location // zone the dates are written in: the reader's
	PolicyZone *time.Location // zone the terms count in; where it differs, the calendar says so
	Rows       []CalendarRow  // in order of date
	Revision   int            // of a calendar that is published again: in .ics, entries of rows with a key renew those of earlier revisions
	Link       string         // whole address of the calendar's page, for .ics; empty: none
	Stays      []string       // what stays, one sentence each
}

// CalendarState is where a row stands.
type CalendarState string

// The states of a row: done; due today; to come; tried and not done; withdrawn.
const (
	CalendarPast      CalendarState = "past"
	CalendarToday     CalendarState = "today"
	CalendarFuture    CalendarState = "future"
	CalendarStuck     CalendarState = "stuck"
	CalendarCancelled CalendarState = "cancelled"
)

// BackHow says how hard it is to get back what a row takes, once it is done.
type BackHow string

// The three ways, from none of one's doing to none at all.
const (
	BackUnsaid      BackHow = ""
	BackByItself    BackHow = "itself"
	BackFromArchive BackHow = "archive"
	BackNever       BackHow = "never"
)

// CalendarRow is one dated promise.
type CalendarRow struct {
	Date     time.Time // an instant within the promised day
	Key      string    // names the row in every revision; empty: there is but one
	Timed    bool      // Date is the very instant, not a day
	AtOnce   bool      // happens at the consent itself
	Waits    string    // a gate: words in place of the date; Date is not used
	State    CalendarState
	Sentence string   // what happens
	What     []string // names of the data classes, in the reader's language
	Undo     string   // the whole sentence: "can be undone until …"
	Back     BackHow
	Hold     *Law
	Receipt  *CalendarReceipt
}

// Law is why something is kept, and until when.
type Law struct {
	Name  string
	Until time.Time // zero: no end is known
}

// CalendarReceipt is what a done step was found to have done.
type CalendarReceipt struct {
	Items, Bytes int64
	Uncounted    bool // verified empty, but the holder does not count
	VerifiedAt   time.Time
}

// calendarLine is one line under a row's sentence.
type calendarLine struct{ icon, text string }

var (
	backWords  = Keys("ui.calendar.back.", "itself", "archive", "never")
	stateWords = Keys("ui.calendar.state.", "past", "today", "future", "stuck", "cancelled")
)

var backIcons = map[BackHow]string{BackByItself: "undo-2", BackFromArchive: "archive", BackNever: "circle-minus"}

// lines are all that stands under a row's sentence, the same in every drawing.
func (r *CalendarRow) lines(lang Lang, zone *time.Location) []calendarLine {
	var out []calendarLine
	if len(r.What) > 0 {
		out = append(out, calendarLine{"", strings.Join(r.What, lang.T("ui.calendar.comma"))})
	}
	if r.State == CalendarStuck || r.State == CalendarCancelled {
		icon := "triangle-alert"
		if r.State == CalendarCancelled {
			icon = "x"
		}
		out = append(out, calendarLine{icon, lang.T(stateWords[string(r.State)])})
	}
	if r.Hold != nil {
		out = append(out, calendarLine{"lock", r.Hold.words(lang, zone)})
	}
	if r.Receipt != nil {
		out = append(out, calendarLine{"file-check", r.Receipt.words(lang, zone)})
	}
	if r.State == CalendarCancelled {
		return out
	}
	if r.Undo != "" {
		out = append(out, calendarLine{"clock", r.Undo})
	}
	if w, ok := backWords[string(r.Back)]; ok {
		out = append(out, calendarLine{backIcons[r.Back], lang.T(w)})
	}
	return out
}

func (l *Law) words(lang Lang, zone *time.Location) string {
	if l.Until.IsZero() {
		return lang.T("ui.calendar.hold.open", "Law", l.Name)
	}
	return lang.T("ui.calendar.hold", "Law", l.Name, "Date", Date(lang, l.Until, zone))
}

func (c *CalendarReceipt) words(lang Lang, zone *time.Location) string {
	at := EndTime(lang, c.VerifiedAt, zone)
	switch {
	case c.Uncounted:
		return lang.T("ui.calendar.receipt.uncounted", "Date", at)
	case c.Bytes > 0:
		return lang.T("ui.calendar.receipt.bytes", "Count", c.Items, "Size", Bytes(c.Bytes), "Date", at)
	}
	return lang.T("ui.calendar.receipt", "Count", c.Items, "Date", at)
}

// calendarEntry is a row, or the mark of today between two rows.
type calendarEntry struct {
	row   *CalendarRow
	today bool
}

// entries puts the mark of today where it belongs, unless a row is of today.
func (v *CalendarView) entries() []calendarEntry {
	var out []calendarEntry
	marked := v.Today.IsZero()
	for i := range v.Rows {
		r := &v.Rows[i]
		if !marked && (r.State == CalendarToday || v.sameDay(r)) {
			marked = true
		}
		if !marked && (r.Waits != "" || r.Date.After(v.Today)) {
			marked = true
			out = append(out, calendarEntry{today: true})
		}
		out = append(out, calendarEntry{row: r})
	}
	if !marked {
		out = append(out, calendarEntry{today: true})
	}
	return out
}

func (v *CalendarView) sameDay(r *CalendarRow) bool {
	return r.Waits == "" && r.Date.In(v.zone()).Format(time.DateOnly) == v.Today.In(v.zone()).Format(time.DateOnly)
}

func (v *CalendarView) zone() *time.Location {
	if v.Zone == nil {
		return time.UTC
	}
	return v.Zone
}

// zoneNote says in which zone the dates are written, when terms count in another.
func (v *CalendarView) zoneNote(lang Lang) string {
	if v.PolicyZone == nil || v.PolicyZone.String() == v.zone().String() {
		return ""
	}
	return lang.T("ui.calendar.zones", "Zone", v.zone().String(), "Policy", v.PolicyZone.String())
}

// dateWords are the two lines at the left of an entry: the day, and under it
// the year with the day of the week.
func (v *CalendarView) dateWords(e calendarEntry, lang Lang) (day, under string) {
	at, mark := v.Today, lang.T("ui.calendar.today")
	if e.row != nil {
		if e.row.Waits != "" {
			return e.row.Waits, ""
		}
		at = e.row.Date
		switch {
		case e.row.AtOnce:
			mark = lang.T("ui.calendar.atonce")
		case e.row.State != CalendarToday && !v.sameDay(e.row):
			mark = Weekday(lang, at, v.zone())
		}
	}
	if lang == English {
		return at.In(v.zone()).Format("2 Jan"), at.In(v.zone()).Format("2006") + " · " + mark
	}
	return MonthDay(lang, at, v.zone()), at.In(v.zone()).Format("2006年") + " · " + mark
}

package sunset

import (
	"context"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// inWords gives a text in the reader's language, else in the one there is, and which that is.
func inWords(ctx context.Context, words exit.Words) (text string, lang ui.Lang) {
	order := []ui.Lang{ui.Chinese, ui.English}
	if ui.LangOf(ctx) == ui.English {
		slices.Reverse(order)
	}
	for _, l := range order {
		name, _, _ := strings.Cut(string(l), "-")
		if s := words[name]; s != "" {
			return s, l
		}
	}
	return "", ui.LangOf(ctx)
}

// momentOf writes an instant of a calendar for the reader: a day, with the time where it is not the first instant of it.
func momentOf(ctx context.Context, at time.Time) string {
	if clockOf(ctx, at) == "" {
		return ui.DateIn(ctx, at)
	}
	return ui.DateTimeIn(ctx, at)
}

// clockOf gives the time of day of an instant for the reader, "" for the first of a day.
func clockOf(ctx context.Context, at time.Time) string {
	if text := at.In(ui.ReaderFrom(ctx).Zone).Format("15:04"); text != "00:00" {
		return text
	}
	return ""
}

// lastMoment writes the end of what lasts until an instant: the day before, where it is the first of a day.
func lastMoment(ctx context.Context, until time.Time) string {
	if clockOf(ctx, until) == "" {
		return ui.DateIn(ctx, until.Add(-time.Second))
	}
	return ui.DateTimeIn(ctx, until)
}

var (
	noticeWords  = ui.Keys("sunset_notice.phase.", "announced", "no-joins", "read-only", "no-entrance", "export-only", "stopped", "erased", "late", "words")
	phaseSays    = ui.Keys("sunset_notice.says.", "announced", "no-joins", "read-only", "no-entrance", "export-only", "stopped", "erased")
	nextWords    = ui.Keys("sunset_notice.next.", "no-joins", "read-only", "no-entrance", "export-only", "stopped", "erased")
	canWords     = ui.Keys("sunset_notice.can.", "join", "write", "entrance", "read", "export")
	noticeStates = ui.Keys("sunset_notice.state.", "open", "withdrawn", "ended")
)

// nextPhase gives the phase that comes next: of several at one instant the stop, else the first. No word where none comes.
func nextPhase(cal *exit.SunsetCalendar, now time.Time) (next exit.Phase) {
	for _, p := range cal.Phases {
		switch {
		case !p.At.After(now) || p.Word == exit.Announced:
		case next.Word == "" || p.Word == exit.Stopped && p.At.Equal(next.At):
			next = p
		}
	}
	return next
}

// nextSentence says what comes next, without a full stop: the stop as well, if that is something else.
func nextSentence(ctx context.Context, cal *exit.SunsetCalendar, now time.Time) string {
	next := nextPhase(cal, now)
	if next.Word == "" {
		return ui.T(ctx, "sunset_notice.next.erasing")
	}
	said := ui.T(ctx, nextWords[next.Word], "Date", momentOf(ctx, next.At))
	if stop := cal.At(exit.Stopped); stop.After(next.At) {
		said = ui.T(ctx, "sunset_notice.next.both", "Next", said, "Stop", ui.T(ctx, nextWords[exit.Stopped], "Date", momentOf(ctx, stop)))
	}
	return said
}

// standingSentence says on Home what ends and when.
func standingSentence(ctx context.Context, s Sunset, now time.Time) string {
	title, _ := inWords(ctx, s.Calendar.Title)
	return ui.T(ctx, "sunset_notice.standing", "Title", title, "Next", nextSentence(ctx, s.Calendar, now))
}

// stateSentence says where a sunset stands.
func stateSentence(ctx context.Context, s Sunset, now time.Time) string {
	if s.State != stateOpen {
		return ui.T(ctx, noticeStates[s.State], "Date", ui.DateIn(ctx, s.Ended))
	}
	return ui.T(ctx, noticeStates[stateOpen], "Next", nextSentence(ctx, s.Calendar, now))
}

// calendarRows tells a calendar as dated rows. Of one that was withdrawn, what had not come is cancelled.
func calendarRows(ctx context.Context, s Sunset) []ui.CalendarRow {
	cal, now := s.Calendar, ui.ReaderFrom(ctx).Now
	if s.State == stateWithdrawn {
		now = s.Ended
	}
	var out []ui.CalendarRow
	row := func(key string, at time.Time, says string) {
		r := ui.CalendarRow{Key: key, Date: at, State: ui.CalendarFuture, Sentence: ui.T(ctx, noticeWords[key]), Timed: at.In(cal.Zone).Format("15:04") != "00:00"}
		switch {
		case !at.After(now):
			r.State = ui.CalendarPast
		case s.State == stateWithdrawn:
			r.State = ui.CalendarCancelled
		}
		if clock := clockOf(ctx, at); clock != "" {
			says = ui.T(ctx, "sunset_notice.clock", "Time", clock, "Says", says)
		}
		if says != "" {
			r.What = []string{says}
		}
		out = append(out, r)
	}
	for _, p := range cal.Phases {
		row(p.Word, p.At, phaseText(ctx, cal, p))
	}
	if !cal.Late.Equal(cal.At(exit.Erased)) {
		row(ChangedLate, cal.Late, ui.T(ctx, "sunset_notice.says.late"))
	}
	slices.SortStableFunc(out, func(a, b ui.CalendarRow) int { return a.Date.Compare(b.Date) })
	return out
}

// phaseText says what becomes of content in a phase: the operator's words, else ours.
func phaseText(ctx context.Context, cal *exit.SunsetCalendar, p exit.Phase) string {
	if said, _ := inWords(ctx, p.Says); said != "" {
		return said
	}
	said := ui.T(ctx, phaseSays[p.Word], "Date", lastMoment(ctx, cal.Late))
	if p.Word == writeless(cal) && p.Word != exit.Stopped {
		said = ui.T(ctx, "sunset_notice.says.archives", "Says", said, "Date", lastMoment(ctx, cal.Late))
	}
	return said
}

// calendarOf gives a sunset's calendar for the reader.
func calendarOf(ctx context.Context, s Sunset) ui.CalendarView {
	reader := ui.ReaderFrom(ctx)
	return ui.CalendarView{ID: s.Name, Today: reader.Now, Zone: reader.Zone, PolicyZone: s.Calendar.Zone, Rows: calendarRows(ctx, s)}
}

// canView is something that can be done, or could be.
type canView struct {
	What, When string
	Still      bool
}

// canStill says what can still be done, and until when; then what cannot any more. When all is erased, that is fetching archives.
func canStill(ctx context.Context, s Sunset, now time.Time) []canView {
	cal := s.Calendar
	if s.State == stateWithdrawn || cal.At(exit.Announced).After(now) || s.State == stateEnded && !cal.Late.After(now) {
		return nil
	}
	var out []canView
	add := func(what string, until time.Time) {
		v := canView{What: what, Still: until.After(now)}
		if v.When = ui.T(ctx, "sunset_notice.ceased", "Date", momentOf(ctx, until)); v.Still {
			v.When = ui.T(ctx, "sunset_notice.until", "Date", lastMoment(ctx, until))
		}
		out = append(out, v)
	}
	if s.State == stateOpen {
		for _, what := range []string{exit.AllowJoin, exit.AllowWrite, exit.AllowEntrance, exit.AllowRead, exit.AllowExport} {
			add(ui.T(ctx, canWords[what]), cal.Ceases(what))
		}
	}
	if !cal.Late.Equal(cal.Ceases(exit.AllowExport)) {
		add(ui.T(ctx, "sunset_notice.can.fetch"), cal.Late)
	}
	slices.SortStableFunc(out, func(a, b canView) int {
		switch {
		case a.Still == b.Still:
			return 0
		case a.Still:
			return -1
		}
		return 1
	})
	return out
}

// endsName gives the name of what ends, as far as a guest may know it.
func (r *Room) endsName(ctx context.Context, ends exit.Subject) (string, error) {
	if ends.Kind == exit.SubjectInstall {
		return ui.SiteName(ctx), nil
	}
	name, place, narrowed := strings.Cut(ends.Part(), ":")
	s, ok := r.Registry.Service(name)
	if !ok {
		return name, nil
	}
	title := ui.T(ctx, s.Title)
	id, ok := who.ParseID(place)
	if !narrowed || !ok {
		return title, nil
	}
	ref := who.Ref{Kind: name, ID: id}
	things, err := r.Registry.Things(service.WithSession(ctx, &service.Session{}), who.Viewer{}, []who.Ref{ref})
	if err != nil {
		return "", err
	}
	if t := things[ref]; t.See && t.Title != "" {
		return t.Title, nil
	}
	return title, nil
}

// changeView is a change in words.
type changeView struct{ What, Was, Is string }

// changeWords puts what a version changed into words.
func changeWords(ctx context.Context, e edition) []changeView {
	if e.Was == nil {
		return nil
	}
	var out []changeView
	for _, c := range Changes(e.Was, e.Calendar) {
		v := changeView{What: ui.T(ctx, noticeWords[c.What])}
		switch c.What {
		case ChangedWords:
		case ChangedLate:
			v.Was, v.Is = lastMoment(ctx, c.Was), lastMoment(ctx, c.Is)
		default:
			v.Was, v.Is = dayOrNone(ctx, c.Was), dayOrNone(ctx, c.Is)
		}
		out = append(out, v)
	}
	return out
}

func dayOrNone(ctx context.Context, at time.Time) string {
	if at.IsZero() {
		return ui.T(ctx, "sunset_notice.changed.none")
	}
	return momentOf(ctx, at)
}

package sunset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/ui"
)

// previewView is a calendar before it is published: what it promises, what it breaks, whom it concerns.
type previewView struct {
	Title, What string
	Notice      *ui.Notice
	Changed     []string // what the plan says now and did not say when it was shown
	Dropped     []string // what it said then and says no more
	Moves       []moveView
	Refused     *ui.Notice // why it would not be published
	Findings    []findingView
	Forecast    forecastView
	Calendar    ui.CalendarView
	Texts       []ui.DefinitionView
	Source      string
	Fields      []ui.HiddenField
	Postpones   bool
	Why         ui.TextArea
	Consent     ui.Checkbox
	published   *exit.SunsetCalendar // what would be
}

// moveView is a date that a later version moves.
type moveView struct{ Phase, Was, Now string }

// findingView is a rule that the calendar breaks.
type findingView struct{ Kind, Icon, Severity, Rule, Sentence, Source string }

// forecastView is whom an ending concerns, and how long the making of all archives takes.
type forecastView struct {
	Stats []ui.Stat
	Rate  string
	Short *ui.Notice
}

var (
	severityNames = ui.Keys("sunset_forecast.severity.", "error", "warning", "advice")
	severityKinds = map[string]ui.NoticeKind{"error": ui.Warn, "warning": ui.Warn}
	amountNames   = ui.Keys("sunset_operator.amount.", "circle.circles", "circle.memberships", "channel.videos", "post.posts", "talk.comments")
)

// amountOrder is the order in which the page gives what is concerned.
var amountOrder = []string{"circle.circles", "circle.memberships", "channel.videos", "post.posts", "talk.comments"}

// preview looks at a file. The errors are those of [Room.Check], and why it cannot be planned.
func (r *Room) preview(ctx context.Context, src []byte) (previewView, error) {
	c, err := r.Check(ctx, src, time.Time{})
	if err != nil {
		return previewView{}, err
	}
	if c.Plan == nil {
		return previewView{}, c.Refused
	}
	what, err := r.whatEnds(ctx, c.Calendar.Ends)
	if err != nil {
		return previewView{}, err
	}
	cal := c.Calendar
	p := previewView{
		published: cal, Title: inTongue(ctx, cal.Title), What: what[0], Calendar: planCalendar(ctx, cal, c.Plan), Texts: texts(ctx, cal), Source: string(src),
		Why: whyField(ctx, ""), Consent: ui.Checkbox{Name: "consent", Label: ui.T(ctx, "sunset_operator.consent"), Required: true}, Forecast: forecastOf(ctx, c.Forecast, cal.Zone),
	}
	if c.Refused != nil {
		var e *exit.Error
		if !errors.As(c.Refused, &e) {
			return p, c.Refused
		}
		p.Refused = &ui.Notice{Kind: ui.Warn, Sentence: plainSentence(ctx, e, cal)}
	}
	for _, f := range c.Findings {
		p.Findings = append(p.Findings, finding(ctx, f))
	}
	if c.Plan.Undoes != "" {
		old, err := r.store.open(ctx, cal.Ends.Part())
		if err != nil {
			return p, err
		}
		p.Postpones, p.Why.Required, p.Moves = true, true, moves(ctx, old.Calendar, cal)
	}
	p.Fields = []ui.HiddenField{{Name: "file", Value: p.Source}, {Name: "hash", Value: c.Plan.Hash()}, {Name: "seen", Value: strings.Join(seenLines(p.Calendar), "\n")}}
	return p, nil
}

// finding puts a broken rule into words.
func finding(ctx context.Context, f exit.Finding) findingView {
	v := findingView{Kind: string(ui.Info), Icon: "info", Severity: ui.T(ctx, severityNames[f.Severity]), Rule: f.Rule, Source: f.Source}
	if k, ok := severityKinds[f.Severity]; ok {
		v.Kind, v.Icon = string(k), "triangle-alert"
	}
	date := ""
	if !f.Propose.IsZero() {
		date = ui.Date(ui.LangOf(ctx), f.Propose.Start(time.UTC), time.UTC)
	}
	v.Sentence = ui.T(ctx, FindingKey(f), "Days", f.Args["Days"], "Date", date)
	return v
}

// forecastOf puts a forecast into words.
func forecastOf(ctx context.Context, f Forecast, zone *time.Location) forecastView {
	about := func(n int64) string {
		if f.Exact || n == 0 {
			return ui.Number(n)
		}
		return ui.T(ctx, "sunset_operator.about", "N", ui.Number(n))
	}
	v := forecastView{Stats: []ui.Stat{
		{Value: about(f.Accounts), Label: ui.T(ctx, "sunset_operator.accounts", "Count", f.Accounts)},
		{Value: about(f.Archives), Label: ui.T(ctx, "sunset_operator.archives", "Count", f.Archives)},
	}}
	for _, class := range amountOrder {
		if i := slices.IndexFunc(f.Amounts, func(a Amount) bool { return a.Class == class }); i >= 0 {
			v.Stats = append(v.Stats, ui.Stat{Value: about(f.Amounts[i].Items), Label: ui.T(ctx, amountNames[class], "Count", f.Amounts[i].Items)})
		}
	}
	v.Stats = append(v.Stats, ui.Stat{Value: ui.Bytes(f.Bytes), Label: ui.T(ctx, "sunset_operator.bytes")})
	v.Rate = ui.T(ctx, "sunset_forecast.no_rate")
	if f.PerSecond > 0 {
		v.Rate = ui.T(ctx, "sunset_forecast.rate", "Takes", span(ctx, f.Takes), "Measured", f.Measured, "Rate", fmt.Sprintf("%.1f", f.PerSecond),
			"Bytes", ui.Bytes(int64(f.BytesPerSecond)), "Ends", ui.DateTime(ui.LangOf(ctx), f.Ends, zone))
	}
	if f.Short {
		date := ui.Date(ui.LangOf(ctx), f.Propose.Start(time.UTC), time.UTC)
		v.Short = &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, "sunset_operator.short", "Stop", dayIn(ctx, f.Stop, zone), "Date", date)}
	}
	return v
}

// span writes a length of time in its two largest units.
func span(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Minute:
		return ui.T(ctx, "sunset_operator.seconds", "Count", int(max(1, d.Round(time.Second)/time.Second)))
	case d < time.Hour:
		return ui.T(ctx, "sunset_operator.minutes", "Count", int(d.Round(time.Minute)/time.Minute))
	case d < 48*time.Hour:
		return ui.T(ctx, "sunset_operator.hours", "Count", int(d.Round(time.Hour)/time.Hour))
	}
	return ui.T(ctx, "sunset_operator.days", "Count", int(d.Round(24*time.Hour)/(24*time.Hour)))
}

// moves gives what differs between two versions, in the zone of the calendar.
func moves(ctx context.Context, old, cal *exit.SunsetCalendar) []moveView {
	var out []moveView
	for _, c := range Changes(old, cal) {
		switch c.What {
		case ChangedWords:
			out = append(out, moveView{Phase: ui.T(ctx, "sunset_operator.moves.words")})
		case ChangedLate:
			out = append(out, moveView{ui.T(ctx, fieldNames["late_requests"]), lastDayIn(ctx, c.Was, cal.Zone), lastDayIn(ctx, c.Is, cal.Zone)})
		default:
			out = append(out, moveView{ui.T(ctx, phaseTitles[c.What]), dayOr(ctx, c.Was, cal.Zone), dayOr(ctx, c.Is, cal.Zone)})
		}
	}
	return out
}

func dayOr(ctx context.Context, at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ui.T(ctx, "sunset_operator.none")
	}
	return dayIn(ctx, at, zone)
}

// texts gives the words of the notice, for the operator to read once more.
func texts(ctx context.Context, cal *exit.SunsetCalendar) []ui.DefinitionView {
	var out []ui.DefinitionView
	for _, x := range []struct {
		name string
		w    exit.Words
	}{{"title", cal.Title}, {"reason", cal.Reason}, {"apology", cal.Apology}, {"ask", cal.Ask}, {"charges", cal.Charges}} {
		for _, lang := range tongues {
			if x.w[lang] != "" {
				out = append(out, ui.DefinitionView{Term: ui.T(ctx, "sunset_operator.in_tongue", "Field", ui.T(ctx, fieldNames[x.name]), "Tongue", ui.T(ctx, tongueNames[lang])), Value: x.w[lang]})
			}
		}
	}
	return out
}

var planRows = ui.Keys("sunset_operator.row.", "announced", "no-joins", "read-only", "no-entrance", "export-only", "stopped", "erased")

// planCalendar draws the plan of an ending as a calendar: each phase, what is made without being asked, and what is erased. Dates are those of the calendar's zone, as
// they were typed.
func planCalendar(ctx context.Context, cal *exit.SunsetCalendar, plan *exit.Plan) ui.CalendarView {
	v := ui.CalendarView{ID: plan.Hash(), Today: plan.At, Zone: cal.Zone, PolicyZone: cal.Zone}
	held, today := map[string]bool{}, exit.DateOf(plan.At, cal.Zone).Start(cal.Zone)
	for _, s := range plan.Steps {
		row := ui.CalendarRow{Date: s.Instant, State: ui.CalendarFuture, AtOnce: s.AtConsent}
		switch {
		case s.AtConsent && row.Date.Before(today): // of a version before
			row.State, row.AtOnce = ui.CalendarPast, false
		case s.AtConsent:
			row.State = ui.CalendarToday
		}
		switch s.Act {
		case exit.ActPhase:
			row.Sentence = ui.T(ctx, planRows[s.Choice])
			if row.Date.IsZero() {
				row.Date = cal.At(s.Choice)
			}
			if s.Choice == exit.Erased { // every class goes from then on
				row.Back = ui.BackNever
			}
			if says := inTongue(ctx, phaseOf(cal, s.Choice).Says); says != "" {
				row.What = []string{says}
			}
		case exit.ActRemind:
			days, err := strconv.Atoi(s.Choice)
			if err != nil {
				continue
			}
			row.Sentence = ui.T(ctx, "sunset_operator.row.remind", "Count", days)
		case exit.ActPack:
			row.Sentence = ui.T(ctx, "sunset_operator.row.pack")
		case exit.ActHold:
			if held[s.Law] {
				continue
			}
			held[s.Law] = true
			row.Sentence, row.Hold = ui.T(ctx, "sunset_operator.row.hold"), &ui.Law{Name: s.Law}
			if !s.Until.IsZero() {
				row.Hold.Until = s.Until.End(cal.Zone).Add(-time.Second)
			}
		default:
			continue
		}
		v.Rows = append(v.Rows, row)
	}
	slices.SortStableFunc(v.Rows, func(a, b ui.CalendarRow) int { return a.Date.Compare(b.Date) })
	v.Stays = staying(ctx, cal, plan)
	return v
}

// staying says what there is still when all is erased.
func staying(ctx context.Context, cal *exit.SunsetCalendar, plan *exit.Plan) []string {
	out := []string{ui.T(ctx, "sunset_operator.stays.archives", "Date", lastDayIn(ctx, cal.Late, cal.Zone))}
	for _, s := range plan.Stays {
		date := ui.Date(ui.LangOf(ctx), s.Until.Start(time.UTC), time.UTC)
		switch s.What {
		case "circle_farewell":
			out = append(out, ui.T(ctx, "circle_farewell.stays.ending", "Date", date))
		case "farewell":
			out = append(out, ui.T(ctx, "farewell.stays.ending", "Date", date))
		}
	}
	return append(out, ui.T(ctx, "sunset_operator.stays.always"))
}

func phaseOf(cal *exit.SunsetCalendar, word string) exit.Phase {
	for _, p := range cal.Phases {
		if p.Word == word {
			return p
		}
	}
	return exit.Phase{}
}

// lastDayIn writes the last day before an instant.
func lastDayIn(ctx context.Context, at time.Time, zone *time.Location) string {
	return ui.Date(ui.LangOf(ctx), at.Add(-time.Second), zone)
}

// mostSeen bounds what is read of a calendar that was shown before, in bytes.
const mostSeen = 32 << 10

// seenLines writes down what a calendar said, to tell later what has changed since.
func seenLines(v ui.CalendarView) []string {
	var out []string
	for _, row := range v.Rows {
		out = append(out, row.Date.In(v.Zone).Format(time.DateOnly)+" "+row.Sentence)
	}
	return out
}

// markChanged compares the calendar with what was shown of the one before.
func (p *previewView) markChanged(before string) {
	if len(before) > mostSeen {
		return
	}
	old, now := strings.Split(strings.ReplaceAll(strings.TrimSpace(before), "\r\n", "\n"), "\n"), seenLines(p.Calendar)
	without := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(l string) bool { return l == "" || slices.Contains(other, l) })
	}
	p.Changed, p.Dropped = without(now, old), without(old, now)
}

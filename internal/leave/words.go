package leave

import (
	"context"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/ui"
)

// told is a step as words tell it: as it is planned, or as it went.
type told struct {
	exit.Step
	at     time.Time // an instant within its day
	state  ui.CalendarState
	status *exit.StepStatus // nil in a plan
}

// PlanCalendar tells a plan that is not agreed yet, with the forecast of counts.
func (l *Room) PlanCalendar(ctx context.Context, s exit.Subject, p *exit.Plan) ui.CalendarView {
	zone := p.Location()
	var steps []told
	for _, step := range p.Steps {
		at := lastInstant(step.Due.End(zone), p.At)
		if step.AtConsent || step.AtOnce && step.Act != exit.ActSeal {
			at = p.At
		}
		steps = append(steps, told{Step: step, at: at, state: ui.CalendarFuture})
	}
	t := &teller{l: l, ctx: ctx, subject: s, plan: p, name: l.inName(ctx, s)}
	return t.calendar(p.Hash(), p.At, steps)
}

// RunCalendar tells a run: what was promised, and what became of it.
func (l *Room) RunCalendar(ctx context.Context, r exit.Run, steps []exit.StepStatus) ui.CalendarView {
	now := ui.ReaderFrom(ctx).Now
	if r.Plan == nil { // its plan is stored elsewhere by now; what became of it is here
		r.Plan = &exit.Plan{Journey: r.Journey, Zone: l.Policy.Zone.String()}
	}
	var all []told
	for i := range steps {
		s := &steps[i]
		at := lastInstant(s.At, r.Agreed)
		if s.State.Ended() && s.State != exit.StepCancelled && s.Ended.Before(at) { // sooner than promised; never shown as later
			at = s.Ended
		}
		all = append(all, told{Step: s.Step, at: at, state: stateOf(s, now), status: s})
	}
	sealLast(all)
	t := &teller{l: l, ctx: ctx, subject: r.Subject, plan: r.Plan, name: l.inName(ctx, r.Subject), over: !r.State.Open(), begun: r.State == exit.RunRunning}
	return t.calendar(r.Hash, now, all)
}

// sealLast dates a seal that is still to come with the last of the steps it waits for.
func sealLast(steps []told) {
	var last time.Time
	state := ui.CalendarFuture
	for _, s := range steps {
		if s.Act != exit.ActSeal && s.at.After(last) {
			last, state = s.at, s.state
		}
	}
	for i := range steps {
		if s := &steps[i]; s.Act == exit.ActSeal && !s.status.State.Ended() {
			s.at = last
			if s.state == ui.CalendarToday && state == ui.CalendarFuture {
				s.state = state
			}
		}
	}
}

// lastInstant gives an instant within the day at whose end a step is due; never before the consent.
func lastInstant(due, agreed time.Time) time.Time {
	if at := due.Add(-time.Second); at.After(agreed) {
		return at
	}
	return agreed
}

// stateOf says where a step stands.
func stateOf(s *exit.StepStatus, now time.Time) ui.CalendarState {
	switch {
	case s.State == exit.StepStuck:
		return ui.CalendarStuck
	case s.State == exit.StepCancelled:
		return ui.CalendarCancelled
	case s.State.Ended():
		return ui.CalendarPast
	case s.State == exit.StepRunning || !s.At.After(now):
		return ui.CalendarToday
	}
	return ui.CalendarFuture
}

// teller puts a plan or a run into words.
type teller struct {
	l       *Room
	ctx     context.Context // the reader's language and zone live in it; a teller lives as long as one page
	subject exit.Subject
	plan    *exit.Plan
	name    string // what the subject is narrowed to
	over    bool   // nothing can be undone any more
	begun   bool   // cooling-off is over
}

func (t *teller) calendar(id string, now time.Time, steps []told) ui.CalendarView {
	v := ui.CalendarView{ID: id, Today: now, Zone: ui.ReaderFrom(t.ctx).Zone, PolicyZone: t.plan.Location(), Stays: t.stays()}
	v.Rows = append(t.consentRow(steps), t.rows(steps)...)
	slices.SortStableFunc(v.Rows, func(a, b ui.CalendarRow) int { return strings.Compare(t.day(a.Date), t.day(b.Date)) })
	t.undoLines(v.Rows)
	return v
}

func (t *teller) day(at time.Time) string {
	return at.In(ui.ReaderFrom(t.ctx).Zone).Format(time.DateOnly)
}

// consentRow tells in one sentence what happens in the moment of the consent.
func (t *teller) consentRow(steps []told) []ui.CalendarRow {
	acts := map[exit.Act]bool{}
	var first *told
	for i, s := range steps {
		if s.AtConsent {
			acts[s.Act] = true
			if first == nil {
				first = &steps[i]
			}
		}
	}
	if first == nil {
		return nil
	}
	row := ui.CalendarRow{Date: first.at, AtOnce: true, State: first.state, Sentence: t.consentSentence(acts)}
	// What is erased at once has no way back to speak of.
	back := t.plan.Journey != exit.Close || !t.plan.CoolingOff.IsZero()
	if acts[exit.ActVeil] && !t.over && back {
		row.Back = ui.BackByItself
	}
	if acts[exit.ActOffer] {
		row.What = append(row.What, ui.T(t.ctx, "leave.row.offer"))
	}
	switch {
	case acts[exit.ActUnbind] && back && !t.over:
		row.What = append(row.What, ui.T(t.ctx, "leave.row.unbind"))
	case acts[exit.ActUnbind]:
		row.What = append(row.What, ui.T(t.ctx, "leave.row.unbind.now"))
	}
	return []ui.CalendarRow{row}
}

func (t *teller) consentSentence(acts map[exit.Act]bool) string {
	switch {
	case acts[exit.ActHide]:
		return ui.T(t.ctx, "leave.row.hide", "Name", t.l.ServiceName(t.ctx, t.subject.Service()))
	case acts[exit.ActShow]:
		return ui.T(t.ctx, "leave.row.show", "Name", t.l.ServiceName(t.ctx, t.subject.Service()))
	case acts[exit.ActVeil] && t.name != "":
		return ui.T(t.ctx, "leave.row.veil.in", "Name", t.name)
	case acts[exit.ActVeil] && t.plan.Journey == exit.Hibernate:
		return ui.T(t.ctx, "leave.row.sleep")
	case acts[exit.ActVeil]:
		return ui.T(t.ctx, "leave.row.veil")
	case acts[exit.ActUnveil] && t.name != "":
		return sentence(ui.T(t.ctx, "leave.row.unveil.in", "Name", t.name))
	case acts[exit.ActUnveil]:
		return ui.T(t.ctx, "leave.row.unveil")
	}
	return ui.T(t.ctx, "leave.row.consent")
}

// rows tells all else, day by day, one sentence for each family and manner.
func (t *teller) rows(steps []told) []ui.CalendarRow {
	groups := map[string][]told{}
	var order []string
	for _, s := range steps {
		if s.AtConsent || s.Act == exit.ActSeal && t.plan.Journey != exit.Close || t.idle(s) {
			continue
		}
		key := t.day(s.at) + "\x00" + string(s.Act) + "\x00" + s.Gate + "\x00" + string(s.Law) + "\x00" + groupState(s.state)
		if s.Class != "" {
			key += "\x00" + t.family(s.ClassID())
			if !lost(s.ClassID()) {
				key += "\x00" + string(s.Back)
			}
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], s)
	}
	order = t.fold(groups, order)
	slices.SortStableFunc(order, func(a, b string) int { return t.rank(groups[a][0]) - t.rank(groups[b][0]) })
	var out []ui.CalendarRow
	for _, key := range order {
		out = append(out, t.row(groups[key]))
	}
	return out
}

// family is that of a class; what goes with what one wrote goes with the channel where nothing else is closed.
func (t *teller) family(class string) string {
	if f := family(class); f != "post" || t.subject.Service() != "channel" {
		return f
	}
	return "channel"
}

// idle reports whether a step is nothing to tell: the end of no cooling-off at all, or a gate before the
// house's own bookkeeping at which nobody waits.
func (t *teller) idle(s told) bool {
	return s.Act == exit.ActBegin && t.plan.CoolingOff.IsZero() ||
		s.Act == exit.ActGate && record(s.ClassID()) && (s.status == nil || !s.Gated || s.status.State.Ended())
}

// fold moves bookkeeping to a row of the same day, act and family that has something to tell.
func (t *teller) fold(groups map[string][]told, order []string) []string {
	return slices.DeleteFunc(order, func(key string) bool {
		g := groups[key]
		if g[0].Class == "" || slices.ContainsFunc(g, func(s told) bool { return !lost(s.ClassID()) }) {
			return false
		}
		to := ""
		for _, other := range order {
			if strings.HasPrefix(other, key+"\x00") && groups[other] != nil {
				to = other
			}
		}
		if to == "" {
			return false
		}
		groups[to] = append(groups[to], g...)
		delete(groups, key)
		return true
	})
}

func groupState(s ui.CalendarState) string {
	switch s {
	case ui.CalendarCancelled, ui.CalendarStuck:
		return string(s)
	}
	return ""
}

// rank orders the rows of one day.
func (t *teller) rank(s told) int {
	switch s.Act {
	case exit.ActBegin, exit.ActPack:
		return -1
	case exit.ActSeal, exit.ActWake:
		return 100
	}
	return familyRank(family(s.ClassID()))
}

// row tells one group.
func (t *teller) row(g []told) ui.CalendarRow {
	s := g[0]
	row := ui.CalendarRow{Date: s.at, State: s.state, AtOnce: s.AtOnce && s.status == nil && s.Act != exit.ActSeal, Sentence: t.sentence(g), What: t.counts(g), Back: backs[backOf(g)]}
	for _, x := range g {
		if x.state == ui.CalendarToday || x.state == ui.CalendarFuture && row.State == ui.CalendarPast {
			row.State = x.state
		}
		if x.at.After(row.Date) {
			row.Date = x.at
		}
	}
	if !s.Act.Irreversible() {
		row.What, row.Back = nil, ui.BackUnsaid
	}
	if s.Act == exit.ActErase && s.Choice == "run" {
		row.Back = ui.BackUnsaid
	}
	if s.Act == exit.ActHold {
		row.Hold = &ui.Law{Name: s.Law}
		if !s.Until.IsZero() {
			row.Hold.Until = s.Until.End(t.plan.Location()).Add(-time.Second)
		}
	}
	if s.Act == exit.ActGate && s.state == ui.CalendarFuture && s.status != nil && s.Gated {
		row.Waits = ui.T(t.ctx, "leave.row.waits")
	}
	if row.State == ui.CalendarPast {
		row.Receipt, row.What = receiptIn(g), nil
	}
	return row
}

// receiptIn adds up what a group's steps were found to have done; nil for a plan, and for what leaves no receipt.
func receiptIn(g []told) *ui.CalendarReceipt {
	var r ui.CalendarReceipt
	uncounted := false
	for _, s := range g {
		if s.status == nil || !s.Act.Irreversible() || s.Act == exit.ActHold || s.status.State != exit.StepVerified {
			continue
		}
		r.Items += s.status.Items
		r.Bytes += s.status.Bytes
		uncounted = uncounted || s.status.Uncounted
		if s.status.Ended.After(r.VerifiedAt) {
			r.VerifiedAt = s.status.Ended
		}
	}
	if r.VerifiedAt.IsZero() {
		return nil
	}
	r.Uncounted = uncounted && r.Items == 0
	return &r
}

var backs = map[exit.Back]ui.BackHow{exit.BackByItself: ui.BackByItself, exit.BackArchive: ui.BackFromArchive, exit.BackNever: ui.BackNever}

// backOf is that of the classes a person knows of, else of the bookkeeping.
func backOf(g []told) exit.Back {
	for _, s := range g {
		if !lost(s.ClassID()) {
			return s.Back
		}
	}
	return g[0].Back
}

func (t *teller) sentence(g []told) string {
	s := g[0]
	switch s.Act {
	case exit.ActBegin:
		return ui.T(t.ctx, "leave.row.begin")
	case exit.ActSeal:
		return ui.T(t.ctx, "leave.row.seal")
	case exit.ActWake:
		return ui.T(t.ctx, "leave.row.wake")
	case exit.ActPack:
		return ui.T(t.ctx, "leave.row.pack")
	case exit.ActGate:
		return ui.T(t.ctx, "leave.row.gate", "What", className(t.ctx, s.ClassID()))
	}
	if s.Choice == "run" {
		return ui.T(t.ctx, "leave.row.archive")
	}
	what := list(t.ctx, classNames(t.ctx, classesOf(g)))
	switch s.Act {
	case exit.ActDetach:
		return sentence(ui.T(t.ctx, "leave.row.detach", "What", what))
	case exit.ActHold:
		return sentence(ui.T(t.ctx, "leave.row.hold", "What", what))
	}
	return sentence(ui.T(t.ctx, "leave.row.erase", "What", what))
}

func classesOf(g []told) []string {
	var out []string
	for _, s := range g {
		out = append(out, s.ClassID())
	}
	return out
}

// counts gives the forecast beside a row, where there is one.
func (t *teller) counts(g []told) []string {
	var out []string
	for _, s := range slices.SortedStableFunc(slices.Values(g), func(a, b told) int { return inOrder(a.ClassID(), b.ClassID()) }) {
		n := t.plan.Forecast[s.ClassID()].Items
		if key, ok := countWords[s.ClassID()]; ok && n > 0 && s.status == nil {
			out = append(out, ui.T(t.ctx, key, "Count", n))
		}
		if s.ClassID() == "circle.circles" && slices.ContainsFunc(t.plan.Steps, func(s exit.Step) bool { return s.Act == exit.ActOffer }) {
			out = append(out, ui.T(t.ctx, "leave.row.heir"))
		}
	}
	return out
}

// undoLines says at the first row of each day until when it can be undone. What is past cannot.
func (t *teller) undoLines(rows []ui.CalendarRow) {
	if t.over {
		return
	}
	zone := t.plan.Location()
	said := map[string]bool{}
	for i := range rows {
		r := &rows[i]
		switch {
		case t.plan.Journey == exit.Hibernate && r.AtOnce:
			r.Undo = ui.T(t.ctx, "leave.undo.wake")
		case t.plan.Journey != exit.Close:
		case r.AtOnce && !t.plan.CoolingOff.IsZero() && !t.begun:
			r.Undo = ui.T(t.ctx, "leave.undo.cancel", "Date", ui.DateIn(t.ctx, t.plan.CoolingOff.End(zone).Add(-time.Second)))
		case r.AtOnce || r.Back == ui.BackUnsaid || r.State != ui.CalendarFuture:
		case !said[t.day(r.Date)]:
			said[t.day(r.Date)] = true
			r.Undo = ui.T(t.ctx, "leave.undo.return", "Date", ui.DateIn(t.ctx, r.Date))
		}
	}
}

// stays tells what is left as it is; classes of the same fate stand in one sentence.
func (t *teller) stays() []string {
	var out []string
	fate := map[string][]string{}
	var order []string
	for _, s := range t.plan.Stays {
		switch {
		case strings.HasPrefix(s.What, "service:") && s.State == "gone":
			part := exit.Account("").Within(strings.TrimPrefix(s.What, "service:"))
			if part.In == "" {
				out = append(out, ui.T(t.ctx, "leave.stays.ended.all"))
				continue
			}
			out = append(out, sentence(ui.T(t.ctx, "leave.stays.ended", "Service", t.l.inName(t.ctx, part))))
		case strings.HasPrefix(s.What, "service:"):
			fate["services"] = append(fate["services"], t.l.ownName(t.ctx, strings.TrimPrefix(s.What, "service:")))
			if len(fate["services"]) == 1 {
				order = append(order, "services")
			}
		case s.What == "channel.renditions" && s.State == "gone": // they are made anew: nothing is missing
		case s.State == "gone" && s.Until.IsZero(): // gone with its service, of which a sentence tells
		case strings.Contains(s.What, "."):
			key := s.State + " " + s.Until.String() + " " + s.Law
			if fate[key] == nil {
				order = append(order, key)
			}
			fate[key] = append(fate[key], s.What)
		default:
			out = append(out, t.stay(s))
		}
	}
	var classes []string
	for _, key := range order {
		if key == "services" {
			classes = append(classes, sentence(ui.T(t.ctx, "leave.stays.services", "Services", list(t.ctx, fate[key]))))
			continue
		}
		classes = append(classes, t.fate(key, fate[key]))
	}
	return append(classes, out...)
}

// fate tells what an undoing finds of some classes.
func (t *teller) fate(key string, classes []string) string {
	state, rest, _ := strings.Cut(key, " ")
	until, law, _ := strings.Cut(rest, " ")
	what := list(t.ctx, classNames(t.ctx, classes))
	date := ""
	if d, err := exit.ParseDate(until); err == nil {
		date = ui.DateIn(t.ctx, d.End(t.plan.Location()).Add(-time.Second))
	}
	switch state {
	case "gone":
		return sentence(ui.T(t.ctx, "leave.stays.gone", "What", what, "Date", date))
	case "finishing":
		return sentence(ui.T(t.ctx, "leave.stays.finishing", "What", what))
	case "held":
		return sentence(ui.T(t.ctx, "leave.stays.held", "What", what, "Law", law))
	}
	return sentence(ui.T(t.ctx, "leave.stays.kept", "What", what))
}

func (t *teller) stay(s exit.Stay) string {
	date := ""
	if !s.Until.IsZero() {
		date = ui.DateIn(t.ctx, s.Until.End(t.plan.Location()).Add(-time.Second))
	}
	switch s.What {
	case "account":
		return ui.T(t.ctx, "leave.stays.account")
	case "person":
		return ui.T(t.ctx, "leave.stays.person")
	case "name":
		return ui.T(t.ctx, "leave.stays.name", "Date", date)
	case "farewell":
		if t.plan.Journey == exit.Sunset {
			return ui.T(t.ctx, "farewell.stays.ending", "Date", date)
		}
		return ui.T(t.ctx, "leave.stays.farewell", "Date", date)
	case "circle_farewell":
		if t.plan.Journey == exit.Sunset {
			return ui.T(t.ctx, "circle_farewell.stays.ending", "Date", date)
		}
		return ui.T(t.ctx, "circle_farewell.stays", "Date", date)
	case "archives":
		return ui.T(t.ctx, "leave.stays.archives")
	case "everything":
		return ui.T(t.ctx, "leave.stays.everything")
	}
	return ui.T(t.ctx, "leave.stays.other")
}

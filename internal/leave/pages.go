package leave

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Addresses of the room's pages.
const (
	archivesPath  = "/exit/archives"
	importPath    = "/exit/import"
	entrancesPath = "/settings/entrances"
	runsPath      = "/exit/runs/"
	operatorPath  = "/operator/runs"
)

// Routes gives the room's pages.
func (l *Room) Routes() []service.Route {
	routes := []service.Route{
		{Pattern: "GET " + ui.ExitPath, Access: service.Leaving, Handle: l.getCentre},
		{Pattern: "GET /exit/hasten", Access: service.Leaving, Handle: l.getHasten},
		{Pattern: "POST /exit/hasten", Access: service.Leaving, Handle: l.postHasten},
		{Pattern: "GET " + archivesPath, Access: service.Leaving, Handle: l.getArchives},
		{Pattern: "GET " + archivesPath + "/{volume}/{name}", Access: service.Leaving, Handle: l.getVolume},
		{Pattern: "GET " + importPath, Access: service.Member, Handle: l.getImport},
		{Pattern: "POST " + importPath, Access: service.Member, Handle: l.postImport, Upload: true},
		{Pattern: "GET " + importPath + "/{id}", Access: service.Leaving, Handle: l.getImported},
		{Pattern: "GET " + runsPath + "{id}", Access: service.Leaving, Handle: l.getRun},
		{Pattern: "GET " + runsPath + "{id}/calendar.ics", Access: service.Leaving, Handle: l.getRunICS},
		{Pattern: "GET " + runsPath + "{id}/certificate", Access: service.Leaving, Handle: l.getCertificate},
		{Pattern: "GET " + entrancesPath, Access: service.Member, Handle: l.getEntrances},
		{Pattern: "POST " + entrancesPath + "/order", Access: service.Member, Handle: l.postOrder},
		{Pattern: "POST /entrances/{service}/hide", Access: service.Member, Handle: l.postEntrance(exit.Hide)},
		{Pattern: "POST /entrances/{service}/show", Access: service.Member, Handle: l.postEntrance(exit.Show)},
		{Pattern: "GET /slip/{secret}", Access: service.Anyone, Handle: l.getSlip},
		{Pattern: "GET /slip/{secret}/calendar.ics", Access: service.Anyone, Handle: l.getSlipICS},
		{Pattern: "GET /slip/{secret}/slip.txt", Access: service.Anyone, Handle: l.getSlipText},
		{Pattern: "GET /slip/{secret}/certificate.txt", Access: service.Anyone, Handle: l.getSlipCertificate},
		{Pattern: "GET " + ui.KeyPath, Access: service.Anyone, Handle: l.getKey},
		{Pattern: "GET " + operatorPath, Access: service.Operator, Handle: l.getOperator},
		{Pattern: "POST " + operatorPath + "/{id}/retry", Access: service.Operator, Handle: l.postRetry},
	}
	for _, j := range []exit.Journey{exit.Hibernate, exit.TakeAlong, exit.Close} {
		access := service.Member
		if j == exit.TakeAlong { // what is still there can be taken along to the end
			access = service.Leaving
		}
		routes = append(routes,
			service.Route{Pattern: "GET /exit/" + string(j), Access: access, Handle: l.getJourney(j)},
			service.Route{Pattern: "POST /exit/" + string(j), Access: access, Handle: l.postJourney(j)})
	}
	for _, j := range []exit.Journey{exit.Cancel, exit.Return, exit.Wake} {
		routes = append(routes, service.Route{Pattern: "POST /exit/" + string(j), Access: service.Leaving, Handle: l.postUndo(j)})
	}
	return routes
}

// frame gives a page of the Exit Center; no search engine has business here.
func (l *Room) frame(ctx context.Context, title string, back *ui.Link) ui.Frame {
	f := service.Frame(ctx, title)
	f.NoIndex, f.Back, f.Active, f.WriteHref = true, back, ui.MePath, ""
	return f
}

// toCentre leads back to the Exit Center.
func toCentre(ctx context.Context) *ui.Link {
	return &ui.Link{Text: ui.T(ctx, "leave.title"), Href: ui.ExitPath}
}

// placeName gives the title of a place as far as the viewer may see it.
func (l *Room) placeName(ctx context.Context, ref who.Ref) string {
	t, err := l.Registry.Thing(ctx, service.ViewerOf(ctx), ref)
	if err != nil || t.Title == "" {
		return ui.T(ctx, "leave.in.unnamed")
	}
	return t.Title
}

// ownRun gives a run that the viewer may follow; NotFound for any other.
func (l *Room) ownRun(ctx context.Context, id string) (exit.Run, []exit.StepStatus, error) {
	r, steps, err := l.DB.Runs.Load(ctx, id)
	if err != nil {
		return r, nil, fmt.Errorf("read run: %w", err)
	}
	if !mayFollow(service.ViewerOf(ctx), r) {
		return exit.Run{}, nil, exit.Fail(exit.NotFound, "error.no_run")
	}
	return r, steps, nil
}

// undoing is one tap that undoes a run: its words and the hash of the plan behind it.
type undoing struct {
	Action, Label string
	Sentence      string
	Run, Hash     string
	Told          []string // what comes back and what does not
}

// runView is an open run as its own calendar.
type runView struct {
	Run        exit.Run
	ID         string // short enough for an address and an HTML id
	Name       string
	State      string // one sentence: where it stands
	Calendar   ui.CalendarView
	Undo       *undoing
	HastenHref string
	Slip       bool
	Progress   *ui.ProgressView
}

// centreView is the Exit Center.
type centreView struct {
	Runs     []runView
	Archives []archiveView
	Doors    []doorView
	Past     []pastView
	Import   bool
}

// doorView is a door with as many ways through it as there are services.
type doorView struct {
	ui.DoorView
	Ways []ui.Button
}

type pastView struct{ Name, When, State, Href string }

func (l *Room) getCentre(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := l.centre(ctx)
	if err != nil {
		return err
	}
	f := l.frame(ctx, ui.T(ctx, "leave.title"), nil)
	if slices.ContainsFunc(v.Runs, func(x runView) bool { return x.Progress != nil }) || slices.ContainsFunc(v.Archives, archiveView.busy) {
		f.Refresh = 5 * time.Second
	}
	return ui.Render(w, r, http.StatusOK, centrePage(f, v))
}

func (l *Room) centre(ctx context.Context) (centreView, error) {
	var v centreView
	me := service.ViewerOf(ctx)
	open, err := l.DB.Runs.Open(ctx, SubjectOf(me.Account, ""))
	if err != nil {
		return v, fmt.Errorf("read open runs: %w", err)
	}
	slices.SortStableFunc(open, func(a, b exit.RunFact) int { return journeyRank(a.Run.Journey) - journeyRank(b.Run.Journey) })
	for _, o := range open {
		if o.Run.Journey == exit.TakeAlong {
			continue // it is its archive
		}
		x, err := l.openRun(ctx, o)
		if err != nil {
			return v, err
		}
		v.Runs = append(v.Runs, x)
	}
	if v.Archives, err = l.archivesNow(ctx, me, open); err != nil {
		return v, err
	}
	leaving := me.State == who.Closing || me.State == who.Closed
	v.Doors = l.doors(ctx, open, leaving)
	v.Import = !leaving
	past, err := l.Past(ctx, me.Account, 10)
	if err != nil {
		return v, err
	}
	for _, p := range past {
		v.Past = append(v.Past, pastView{Name: l.JourneyName(ctx, p.Journey, p.Subject), When: ui.DateIn(ctx, p.Agreed), State: ui.T(ctx, runStateWords[string(p.State)]), Href: runsPath + p.ID})
	}
	return v, nil
}

func journeyRank(j exit.Journey) int {
	return slices.Index([]exit.Journey{exit.Close, exit.Hibernate, exit.TakeAlong}, j)
}

var runStateWords = ui.Keys("leave.state.", "open", "running", "sealed", "cancelled", "returned", "hibernating")

// openRun tells an open run and what can be done about it now.
func (l *Room) openRun(ctx context.Context, o exit.RunFact) (runView, error) {
	x := runView{Run: o.Run, ID: o.Run.ID, Name: l.JourneyName(ctx, o.Run.Journey, o.Run.Subject), Calendar: l.RunCalendar(ctx, o.Run, o.Steps)}
	x.State = l.stateSentence(ctx, o.Run)
	x.Progress = l.progress(ctx, o)
	journey := exit.Wake
	if o.Run.Journey == exit.Close {
		x.Slip = true
		if journey = exit.Return; o.Run.State == exit.RunOpen {
			journey = exit.Cancel
		}
		if slices.ContainsFunc(o.Steps, func(s exit.StepStatus) bool {
			return s.Act.Irreversible() && s.State == exit.StepWaiting && s.At.After(ui.ReaderFrom(ctx).Now)
		}) {
			x.HastenHref = "/exit/hasten?run=" + o.Run.ID
		}
	}
	var err error
	x.Undo, err = l.undoingOf(ctx, o.Run, journey)
	return x, err
}

// undoingOf previews what undoes a run; nil if nothing does any more.
func (l *Room) undoingOf(ctx context.Context, r exit.Run, journey exit.Journey) (*undoing, error) {
	plan, err := l.Engine.Preview(ctx, exit.Ask{Subject: r.Subject, Journey: journey, Run: r.ID})
	if kind := exit.KindOf(err); kind == exit.NotFound || kind == exit.Conflict {
		return nil, nil // no way back is an answer of its own
	}
	if err != nil {
		return nil, fmt.Errorf("preview %s: %w", journey, err)
	}
	u := &undoing{
		Action: "/exit/" + string(journey), Label: ui.T(ctx, undoLabels[string(journey)]), Sentence: ui.T(ctx, undoSentences[string(journey)]),
		Run: r.ID, Hash: plan.Hash(),
	}
	if journey == exit.Return {
		u.Told = l.PlanCalendar(ctx, r.Subject, plan).Stays
		if !slices.ContainsFunc(plan.Stays, func(s exit.Stay) bool { return s.State == "kept" }) {
			return nil, nil // nothing is left to come back to
		}
	}
	return u, nil
}

var (
	undoLabels    = ui.Keys("leave.undo.label.", "cancel", "return", "wake")
	undoSentences = ui.Keys("leave.undo.about.", "cancel", "return", "wake")
)

// stateSentence says in one sentence where an open run stands.
func (l *Room) stateSentence(ctx context.Context, r exit.Run) string {
	zone := r.Plan.Location()
	end := func(d exit.Date) string { return ui.DateIn(ctx, d.End(zone).Add(-time.Second)) }
	switch {
	case r.Journey == exit.Hibernate && r.Subject.In != "" && r.Plan.Until.IsZero():
		return sentence(ui.T(ctx, "leave.now.sleeping.in", "Name", l.inName(ctx, r.Subject)))
	case r.Journey == exit.Hibernate && r.Plan.Until.IsZero():
		return ui.T(ctx, "leave.now.sleeping")
	case r.Journey == exit.Hibernate:
		return ui.T(ctx, "leave.now.sleeping.until", "Date", ui.DateIn(ctx, r.Plan.Until.Start(zone)))
	case r.State == exit.RunOpen:
		return ui.T(ctx, "leave.now.cooling", "Date", end(r.Plan.CoolingOff))
	case !r.Plan.ReturnTill.IsZero():
		return ui.T(ctx, "leave.now.closed", "Date", end(r.Plan.ReturnTill))
	}
	return ui.T(ctx, "leave.now.erasing")
}

// progress tells what a run is working on at this moment; nil if it waits for a date.
func (l *Room) progress(ctx context.Context, o exit.RunFact) *ui.ProgressView {
	now := ui.ReaderFrom(ctx).Now
	p := &ui.ProgressView{ID: "run-" + o.Run.ID, Title: ui.T(ctx, "leave.progress.title"), Unit: ui.T(ctx, "leave.progress.unit"), Meanwhile: ui.T(ctx, "leave.progress.meanwhile"), Live: ui.ExitPath}
	due := map[string]bool{}
	for _, s := range o.Steps {
		due[s.Key] = s.State == exit.StepRunning || s.State == exit.StepWaiting && !s.At.After(now) && !s.Gated
	}
	busy := false
	for _, s := range o.Steps {
		if s.Act.Irreversible() && (s.State == exit.StepRunning || s.Ended.After(now.Add(-time.Hour))) {
			p.Done += s.Items
		}
		if !due[s.Key] || s.Act == exit.ActSeal || slices.ContainsFunc(s.After, func(k string) bool { return !due[k] && openStep(o.Steps, k) }) {
			continue
		}
		busy = true
		if p.Doing == "" || s.State == exit.StepRunning {
			p.Doing = ui.T(ctx, "leave.progress.step", "What", className(ctx, s.ClassID()))
			if s.Class == "" {
				p.Doing = ui.T(ctx, "leave.progress.begin")
			}
		}
	}
	if !busy {
		return nil
	}
	return p
}

func openStep(steps []exit.StepStatus, key string) bool {
	return slices.ContainsFunc(steps, func(s exit.StepStatus) bool { return s.Key == key && !s.State.Ended() })
}

// doors gives the five doors as they stand for an account.
func (l *Room) doors(ctx context.Context, open []exit.RunFact, leaving bool) []doorView {
	has := func(j exit.Journey) bool {
		return slices.ContainsFunc(open, func(o exit.RunFact) bool { return o.Run.Journey == j && o.Run.Subject.In == "" })
	}
	door := func(name, icon, href string, ways ...ui.Button) doorView {
		k := doorWords[name]
		return doorView{ui.DoorView{Icon: icon, Name: ui.T(ctx, k), Happens: ui.T(ctx, doorHappens[name]), Stays: ui.T(ctx, doorStays[name]), Undo: ui.T(ctx, doorUndo[name]), Href: href, Button: ui.T(ctx, doorButtons[name])}, ways}
	}
	along := door("along", "package", "/exit/take-along")
	if leaving {
		return []doorView{along}
	}
	out := []doorView{door("hide", "eye-off", entrancesPath)}
	if !has(exit.Hibernate) {
		out = append(out, door("hibernate", "moon", "/exit/hibernate"))
	}
	return append(out, along, door("close", "door-open", "", l.closings(ctx, open)...), door("return", "undo-2", importPath))
}

// closings gives a way to close each service that is not closing, and the account.
func (l *Room) closings(ctx context.Context, open []exit.RunFact) []ui.Button {
	var out []ui.Button
	closing := func(in string) bool {
		return slices.ContainsFunc(open, func(o exit.RunFact) bool { return o.Run.Journey == exit.Close && o.Run.Subject.In == in })
	}
	for _, s := range l.Registry.Services {
		if !closing(s.Name) {
			out = append(out, ui.Button{Label: ui.T(ctx, "leave.journey.close.service", "Service", l.ownName(ctx, s.Name)), Href: "/exit/close?in=" + s.Name, Kind: ui.Plain})
		}
	}
	return append(out, ui.Button{Label: ui.T(ctx, journeyWords["close"]), Href: "/exit/close", Kind: ui.Plain})
}

var (
	doorWords   = ui.Keys("leave.door.", "hide", "hibernate", "along", "close", "return")
	doorHappens = ui.Keys("leave.door.happens.", "hide", "hibernate", "along", "close", "return")
	doorStays   = ui.Keys("leave.door.stays.", "hide", "hibernate", "along", "close", "return")
	doorUndo    = ui.Keys("leave.door.undo.", "hide", "hibernate", "along", "close", "return")
	doorButtons = ui.Keys("leave.door.button.", "hide", "hibernate", "along", "return")
)

// getRun shows one run of the viewer's, open or over, as its calendar.
func (l *Room) getRun(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	run, steps, err := l.ownRun(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := runPageView{Calendar: l.RunCalendar(ctx, run, steps), State: ui.T(ctx, runStateWords[string(run.State)]), Agreed: run.Agreed, Ended: run.Ended, ICS: runsPath + run.ID + "/calendar.ics"}
	if run.State.Open() && run.Plan != nil {
		v.State = l.stateSentence(ctx, run)
	}
	switch _, err := l.Certificate(ctx, run.ID); {
	case err == nil:
		v.Certificate = runsPath + run.ID + "/certificate"
	case exit.KindOf(err) != exit.NotFound:
		return err
	}
	return ui.Render(w, r, http.StatusOK, runPage(l.frame(ctx, l.JourneyName(ctx, run.Journey, run.Subject), toCentre(ctx)), v))
}

// runPageView is one run on a page of its own.
type runPageView struct {
	Calendar         ui.CalendarView
	State            string
	Agreed, Ended    time.Time
	ICS, Certificate string
}

func (l *Room) getRunICS(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	run, steps, err := l.ownRun(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := l.RunCalendar(ctx, run, steps)
	v.Title = l.JourneyName(ctx, run.Journey, run.Subject)
	return sendFile(w, "text/calendar; charset=utf-8", "exeunt.ics", ui.CalendarICS(v, ui.LangOf(ctx)))
}

func (l *Room) getCertificate(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	run, _, err := l.ownRun(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	return l.sendCertificate(w, ctx, run.ID)
}

func (l *Room) sendCertificate(w http.ResponseWriter, ctx context.Context, run string) error { // the writer comes first in all that answers
	body, err := l.Certificate(ctx, run)
	if err != nil {
		return err
	}
	return sendFile(w, "text/plain; charset=utf-8", "exeunt-certificate.txt", string(body))
}

// sendFile answers with a small file to be saved.
func sendFile(w http.ResponseWriter, kind, name, body string) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("X-Robots-Tag", "noindex")
	_, _ = w.Write([]byte(body)) //nolint:gosec // plain text or a calendar, saved and never shown; a browser that has gone is no error
	return nil
}

// asked gives a posted form that is not too large to be one; what cannot be read is Invalid.
func asked(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return err
		}
		return &exit.Error{Kind: exit.Invalid, Key: "leave.error.form", Err: err}
	}
	return nil
}

// runFacts gives when a run was agreed and when it ended.
func runFacts(ctx context.Context, agreed, ended time.Time) []ui.DefinitionView {
	out := []ui.DefinitionView{{Term: ui.T(ctx, "leave.run.agreed"), Value: ui.DateTimeIn(ctx, agreed)}}
	if !ended.IsZero() {
		out = append(out, ui.DefinitionView{Term: ui.T(ctx, "leave.run.ended"), Value: ui.EndTimeIn(ctx, ended)})
	}
	return out
}

package leave

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// request is what a form of a journey says.
type request struct {
	Journey exit.Journey
	In      string
	Whole   bool              // take-along: all of the place, not only one's own part
	Now     bool              // close: keep nothing for a return
	Choices map[string]string // class → manner
	Heir    string            // the name as it was typed
	Until   string            // hibernate: a date
	Since   string            // take-along: a date
	NoMedia bool
}

const choicePrefix = "choice."

// readRequest reads a request from a query or a form. What it says is judged by the plan.
func readRequest(j exit.Journey, v url.Values) request {
	q := request{
		Journey: j, In: v.Get("in"), Now: v.Get("keep") == "now", Choices: map[string]string{}, Heir: strings.TrimSpace(v.Get("heir")),
		Until: v.Get("until"), Since: v.Get("since"), NoMedia: v.Get("media") == "no",
	}
	if j == exit.TakeAlong {
		q.In, q.Whole = strings.CutSuffix(q.In, wholeMark)
	}
	for name := range v {
		if class, ok := strings.CutPrefix(name, choicePrefix); ok && len(q.Choices) < 100 {
			q.Choices[class] = v.Get(name)
		}
	}
	return q
}

// fields carries a request on in a form.
func (q request) fields() []ui.HiddenField {
	var out []ui.HiddenField
	add := func(name, value string) {
		if value != "" {
			out = append(out, ui.HiddenField{Name: name, Value: value})
		}
	}
	add("in", Packing{In: q.In, Whole: q.Whole}.scope())
	if q.Now {
		add("keep", "now")
	}
	var classes []string
	for class := range q.Choices {
		classes = append(classes, class)
	}
	slices.Sort(classes)
	for _, class := range classes {
		add(choicePrefix+class, q.Choices[class])
	}
	add("heir", q.Heir)
	add("until", q.Until)
	add("since", q.Since)
	if q.NoMedia {
		add("media", "no")
	}
	return out
}

// problems are sentences by the name of the field they belong to.
type problems map[string]string

// ask turns a request into what the engine is asked. A field that cannot be read is left out and
// named in the problems.
func (l *Room) ask(ctx context.Context, q request) (exit.Ask, problems, error) {
	me := service.ViewerOf(ctx)
	a := exit.Ask{Subject: SubjectOf(me.Account, q.In), Journey: q.Journey}
	wrong := problems{}
	switch q.Journey {
	case exit.Close:
		a.Now, a.Choices = q.Now, map[string]exit.Manner{}
		for class, manner := range q.Choices {
			a.Choices[class] = exit.Manner(manner)
		}
		heir, err := l.heir(ctx, q.Heir)
		if exit.KindOf(err) == exit.NotFound {
			wrong["heir"] = ui.T(ctx, "leave.heir.unknown")
		} else if err != nil {
			return a, nil, err
		}
		a.Heir = heir
	case exit.Hibernate:
		if q.Until != "" {
			d, err := exit.ParseDate(q.Until)
			if err != nil {
				wrong["until"] = ui.T(ctx, "leave.date.wrong")
			}
			a.Until = d
		}
	case exit.TakeAlong:
		p := Packing{Media: !q.NoMedia, Whole: q.Whole}
		if q.Whole {
			if err := l.mayTakeWhole(ctx, me.Account, q.In); err != nil {
				return a, nil, err
			}
		}
		if q.Since != "" {
			d, err := time.Parse(time.DateOnly, q.Since)
			if err != nil {
				wrong["since"] = ui.T(ctx, "leave.date.wrong")
			}
			p.Since = d
		}
		a.Pack = p.Words()
	}
	return a, wrong, nil
}

// heir gives the id behind a typed name, "" for none.
func (l *Room) heir(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	a, err := l.Accounts.ByName(ctx, strings.TrimPrefix(name, "@"))
	if exit.KindOf(err) == exit.Invalid {
		return "", exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return "", err
	}
	return a.ID.String(), nil
}

// previewView is a journey before it is agreed.
type previewView struct {
	Request  request
	Action   string
	Intro    string
	Notice   *ui.Notice
	Changed  []ui.CalendarRow // what the calendar says now and did not say before
	Dropped  []string         // what it said and says no more
	Calendar ui.CalendarView
	In       *ui.Select
	Keep     *ui.RadioCards
	Choices  []ui.RadioCards
	Heir     *ui.Field
	Until    *ui.Field
	Since    *ui.Field
	Media    *ui.RadioCards
	Bindings []bindingView
	Farewell *ui.Button // leads to where one leaves a line
	Consent  *ui.Checkbox
	Fields   []ui.HiddenField // of the form that agrees
	Yes, No  ui.Button
}

type bindingView struct{ Sentence, Fix string }

// choosing reports whether the person can change something about the plan.
func (v previewView) choosing() bool {
	return v.In != nil || v.Keep != nil || len(v.Choices) > 0 || v.Heir != nil || v.Until != nil || v.Since != nil || v.Media != nil
}

// live has a changed choice preview again at once, where scripts are on; without, its button does.
func (v previewView) live() templ.Attributes {
	return templ.Attributes{"hx-get": v.Action, "hx-trigger": "change", "hx-select": "#plan", "hx-target": "#plan", "hx-swap": "outerHTML"}
}

// previewed is a preview with the plan behind it.
type previewed struct {
	ask  exit.Ask
	plan *exit.Plan
	view previewView
}

// preview plans a request and tells it.
func (l *Room) preview(ctx context.Context, q request) (previewed, error) {
	ask, wrong, err := l.ask(ctx, q)
	if err != nil {
		return previewed{}, err
	}
	plan, err := l.Engine.Preview(ctx, ask)
	var e *exit.Error
	if errors.As(err, &e) && e.Key == "error.until_past" && q.Journey == exit.Hibernate {
		wrong["until"] = ui.T(ctx, "leave.date.past")
		ask.Until = exit.Date{}
		plan, err = l.Engine.Preview(ctx, ask)
	}
	if err != nil {
		return previewed{}, fmt.Errorf("preview %s: %w", q.Journey, err)
	}
	p := previewed{ask: ask, plan: plan}
	p.view = previewView{
		Request: q, Action: "/exit/" + string(q.Journey), Intro: ui.T(ctx, introWords[string(q.Journey)]), Calendar: l.PlanCalendar(ctx, ask.Subject, plan),
		Yes: ui.Button{Label: l.JourneyName(ctx, q.Journey, ask.Subject)}, No: ui.Button{Label: ui.T(ctx, noWords[string(q.Journey)]), Href: ui.ExitPath},
	}
	if q.Journey == exit.TakeAlong {
		p.view.Yes.Label = ui.T(ctx, "leave.along.do")
	}
	if err := l.chooseClose(ctx, &p); err != nil {
		return p, err
	}
	l.chooseOther(ctx, &p)
	p.view.Farewell = l.farewellLink(ctx, ask, plan)
	p.view.mark(wrong)
	// A problem blocks the consent, as the plan shown is not the one asked for.
	p.view.Yes.Disabled = len(wrong) > 0
	p.view.Fields = append(q.fields(), ui.HiddenField{Name: "hash", Value: plan.Hash()}, ui.HiddenField{Name: "seen", Value: seen(p.view.Calendar)})
	return p, nil
}

var (
	introWords = ui.Keys("leave.intro.", "hibernate", "take-along", "close", "hasten")
	noWords    = ui.Keys("leave.no.", "hibernate", "take-along", "close", "hasten")
)

// farewellLink leads from a closing to the line that can be left, where something has an address of its own: the account, and its channel.
func (l *Room) farewellLink(ctx context.Context, ask exit.Ask, plan *exit.Plan) *ui.Button {
	in := ask.Subject.In
	if l.Left == nil || ask.Journey != exit.Close || in != "" && in != "channel" {
		return nil
	}
	b := &ui.Button{Label: ui.T(ctx, "farewell.link_to"), Href: FarewellPath, Kind: ui.Quiet, Icon: "pen-line"}
	if in != "" {
		b.Href += "?in=" + in
	}
	if slices.ContainsFunc(plan.Stays, func(s exit.Stay) bool { return s.What == "farewell" && s.State == "shown" }) {
		b.Label = ui.T(ctx, "farewell.link_to.there")
	}
	return b
}

// mark puts the problems under their fields.
func (v *previewView) mark(wrong problems) {
	for _, f := range []*ui.Field{v.Heir, v.Until, v.Since} {
		if f != nil {
			f.Error = wrong[f.Name]
		}
	}
}

// chooseClose adds what the person may choose when closing.
func (l *Room) chooseClose(ctx context.Context, p *previewed) error {
	q := p.view.Request
	if q.Journey != exit.Close {
		return nil
	}
	keep := p.plan
	if q.Now {
		other := p.ask
		other.Now = false
		var err error
		if keep, err = l.Engine.Preview(ctx, other); err != nil {
			return fmt.Errorf("preview %s: %w", q.Journey, err)
		}
	}
	till := ui.DateIn(ctx, keep.ReturnTill.End(keep.Location()).Add(-time.Second))
	p.view.Keep = &ui.RadioCards{Name: "keep", Legend: ui.T(ctx, "leave.keep"), Options: []ui.Option{
		{Value: "", Label: ui.T(ctx, "leave.keep.until", "Date", till), Hint: ui.T(ctx, "leave.keep.until.hint"), Selected: !q.Now},
		{Value: "now", Label: ui.T(ctx, "leave.keep.now"), Hint: ui.T(ctx, "leave.keep.now.hint"), Selected: q.Now},
	}}
	for _, s := range p.plan.Steps {
		if len(s.Choices) > 1 {
			p.view.Choices = append(p.view.Choices, choiceOf(ctx, s))
		}
	}
	for _, b := range p.plan.Bindings {
		p.view.Bindings = append(p.view.Bindings, l.binding(ctx, b, q.Heir != ""))
		if strings.HasPrefix(b.Code, "circle_") && p.view.Heir == nil {
			p.view.Heir = &ui.Field{Name: "heir", Label: ui.T(ctx, "leave.heir"), Hint: ui.T(ctx, "leave.heir.hint"), Value: q.Heir, LowerCase: true, MaxLength: 60}
		}
	}
	p.view.Consent = &ui.Checkbox{Name: "consent", Label: ui.T(ctx, "leave.consent"), Required: true}
	return nil
}

var mannerWords = ui.Keys("leave.manner.", "erase", "detach", "hold")

func choiceOf(ctx context.Context, s exit.Step) ui.RadioCards {
	c := ui.RadioCards{Name: choicePrefix + s.ClassID(), Legend: sentence(className(ctx, s.ClassID())), Inline: true}
	for _, m := range s.Choices {
		c.Options = append(c.Options, ui.Option{Value: string(m), Label: ui.T(ctx, mannerWords[string(m)]), Selected: m == s.Manner})
	}
	return c
}

// binding tells what ties the account to something else, and what happens to that.
func (l *Room) binding(ctx context.Context, b exit.Binding, heir bool) bindingView {
	if b.Code != "circle_owner" && b.Code != "circle_shared" {
		return bindingView{Sentence: ui.T(ctx, "leave.binding.other")}
	}
	ref, _ := who.ParseRef(b.Ref)
	v := bindingView{Sentence: ui.T(ctx, "leave.binding.circle_owner", "Circle", l.placeName(ctx, ref)), Fix: ui.T(ctx, "leave.fix.end")}
	switch shared := b.Code == "circle_shared"; {
	case shared && heir:
		v.Fix = ui.T(ctx, "leave.fix.heir_or_co_owner")
	case shared:
		v.Fix = ui.T(ctx, "leave.fix.co_owner")
	case heir:
		v.Fix = ui.T(ctx, "leave.fix.heir")
	}
	return v
}

// chooseOther adds what the person may choose when hibernating or taking along.
func (l *Room) chooseOther(ctx context.Context, p *previewed) {
	q := p.view.Request
	if q.Journey != exit.Close {
		p.view.In = l.choosePart(ctx, p.ask.Subject, q.Whole)
	}
	switch q.Journey {
	case exit.Hibernate:
		p.view.Until = &ui.Field{Name: "until", Type: "date", Label: ui.T(ctx, "leave.until"), Hint: ui.T(ctx, "leave.until.hint"), Value: q.Until, Min: p.plan.Day.AddDays(1).String()}
	case exit.TakeAlong:
		p.view.Since = &ui.Field{Name: "since", Type: "date", Label: ui.T(ctx, "leave.since"), Value: q.Since, Max: p.plan.Day.String()}
		p.view.Media = &ui.RadioCards{Name: "media", Legend: ui.T(ctx, "leave.media"), Inline: true, Options: []ui.Option{
			{Value: "", Label: ui.T(ctx, "leave.media.yes"), Selected: !q.NoMedia}, {Value: "no", Label: ui.T(ctx, "leave.media.no"), Selected: q.NoMedia},
		}}
	}
}

// choosePart offers all of the account, each of its services, and the place that is meant already.
func (l *Room) choosePart(ctx context.Context, s exit.Subject, whole bool) *ui.Select {
	out := &ui.Select{Name: "in", Label: ui.T(ctx, "leave.part"), Options: []ui.Option{{Label: ui.T(ctx, "leave.part.all"), Selected: s.In == ""}}}
	for _, x := range l.Registry.Services {
		out.Options = append(out.Options, ui.Option{Value: x.Name, Label: sentence(l.ownName(ctx, x.Name)), Selected: s.In == x.Name})
	}
	if s.Place() != "" {
		out.Options = append(out.Options, ui.Option{Value: s.In, Label: l.inName(ctx, s), Selected: !whole})
	}
	if whole {
		out.Hint = ui.T(ctx, "leave.part.whole.hint")
		out.Options = append(out.Options, ui.Option{Value: s.In + wholeMark, Label: ui.T(ctx, "leave.part.whole", "Name", l.inName(ctx, s)), Selected: true})
	}
	return out
}

// seen writes down what a calendar said, to tell later what has changed since.
func seen(v ui.CalendarView) string {
	var b strings.Builder
	for _, line := range lines(v) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func lines(v ui.CalendarView) []string {
	var out []string
	for _, r := range v.Rows {
		out = append(out, r.Date.In(v.Zone).Format(time.DateOnly)+" "+r.Sentence)
	}
	return out
}

// markChanged compares a calendar with what the person had seen of the one before.
func (v *previewView) markChanged(ctx context.Context, before string) {
	if len(before) > 32<<10 {
		return
	}
	old := strings.Split(strings.ReplaceAll(strings.TrimSpace(before), "\r\n", "\n"), "\n")
	now := lines(v.Calendar)
	for i, line := range now {
		if !slices.Contains(old, line) {
			v.Changed = append(v.Changed, v.Calendar.Rows[i])
		}
	}
	for _, line := range old {
		if line == "" || slices.Contains(now, line) {
			continue
		}
		date, what, _ := strings.Cut(line, " ")
		if at, err := time.ParseInLocation(time.DateOnly, date, v.Calendar.Zone); err == nil {
			line = ui.DateIn(ctx, at) + " " + what
		}
		v.Dropped = append(v.Dropped, line)
	}
}

// getJourney shows the preview of a journey.
func (l *Room) getJourney(j exit.Journey) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := l.preview(r.Context(), readRequest(j, r.URL.Query()))
		if err != nil {
			return err
		}
		return l.showPreview(w, r, http.StatusOK, p)
	}
}

func (l *Room) showPreview(w http.ResponseWriter, r *http.Request, status int, p previewed) error {
	ctx := r.Context()
	return ui.Render(w, r, status, previewPage(l.frame(ctx, l.JourneyName(ctx, p.ask.Journey, p.ask.Subject), toCentre(ctx)), p.view))
}

// showChanged answers a consent to a plan that is no longer the one that was shown.
func (l *Room) showChanged(w http.ResponseWriter, r *http.Request, q request) error {
	ctx := r.Context()
	p, err := l.preview(ctx, q)
	if err != nil {
		return err
	}
	p.view.markChanged(ctx, r.PostForm.Get("seen"))
	p.view.Notice = &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, "leave.changed")}
	return l.showPreview(w, r, http.StatusConflict, p)
}

// postJourney agrees a journey, or asks for what a closing still needs.
func (l *Room) postJourney(j exit.Journey) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := asked(r); err != nil {
			return err
		}
		ctx := r.Context()
		q := readRequest(j, r.PostForm)
		p, err := l.preview(ctx, q)
		if err != nil {
			return err
		}
		if p.view.Yes.Disabled {
			return l.showPreview(w, r, http.StatusUnprocessableEntity, p)
		}
		if p.plan.Hash() != r.PostForm.Get("hash") {
			return l.showChanged(w, r, q)
		}
		if j == exit.Close {
			if ready, err := l.prove(w, r, p); err != nil || !ready {
				return err
			}
		}
		run, secret, err := l.Agree(ctx, p.ask, r.PostForm.Get("hash"), "person")
		switch {
		case planChanged(err):
			return l.showChanged(w, r, q)
		case err != nil:
			return err
		case j == exit.Close:
			return l.showSlip(w, r, run, secret)
		case j == exit.TakeAlong:
			return service.Done(w, r, archivesPath, "")
		}
		return service.Done(w, r, ui.ExitPath, "leave.done.hibernate")
	}
}

// planChanged reports whether a consent came too late for its plan.
func planChanged(err error) bool {
	var e *exit.Error
	return errors.As(err, &e) && e.Key == "error.plan_changed"
}

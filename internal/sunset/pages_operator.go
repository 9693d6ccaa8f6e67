package sunset

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Where the operator follows endings, and where a calendar is made: a published one could be called "new".
const (
	operatorPath = "/operator/sunsets"
	namedPath    = operatorPath + "/"
	newPath      = "/operator/calendar"
	previewPath  = newPath + "/preview"
	filePath     = newPath + "/file"
	publishPath  = newPath + "/publish"
)

func (r *Room) operatorRoutes() []service.Route {
	op := func(pattern string, handle func(http.ResponseWriter, *http.Request) error) service.Route {
		return service.Route{Pattern: pattern, Access: service.Operator, Handle: handle}
	}
	return []service.Route{
		op("GET "+operatorPath, r.getSunsets),
		op("GET "+newPath, r.getNew),
		op("POST "+newPath, r.postNew),
		op("GET "+previewPath, r.getPreview),
		op("POST "+previewPath, r.postPreview),
		op("POST "+filePath, r.postFile),
		op("POST "+publishPath, r.postPublish),
		op("GET "+namedPath+"{name}", r.getStatus),
		op("GET "+namedPath+"{name}/file", r.getCalendarFile),
		op("GET "+namedPath+"{name}/extend", r.getExtend),
		op("POST "+namedPath+"{name}/extend", r.postExtend),
		op("POST "+namedPath+"{name}/withdraw", r.postWithdraw),
		{Pattern: "POST " + namedPath + "{name}/picture", Access: service.Operator, Handle: r.postPicture, Upload: true},
	}
}

// operatorFrame is the frame of the operator's pages; back leads to the desk where none is given.
func operatorFrame(ctx context.Context, title string, back *ui.Link) ui.Frame {
	f := service.Frame(ctx, title)
	if back == nil {
		back = &ui.Link{Text: ui.T(ctx, "install.desk"), Href: "/operator"}
	}
	f.Active, f.NoIndex, f.WriteHref, f.Back = ui.MePath, true, "", back
	return f
}

func toList(ctx context.Context) *ui.Link {
	return &ui.Link{Text: ui.T(ctx, "sunset_operator.title"), Href: operatorPath}
}

// lineView is a calendar in the list.
type lineView struct{ Title, Href, What, State, Next string }

var openStates = ui.Keys("sunset_operator.state.", "open", "withdrawn", "ended")

func (r *Room) getSunsets(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.store.page(ctx, before, noticesAPage+1)
	if err != nil {
		return err
	}
	older := ""
	if len(list) > noticesAPage {
		list = list[:noticesAPage]
		older = operatorPath + "?before=" + list[noticesAPage-1].ID.String()
	}
	ends := make([]exit.Subject, len(list))
	for i, s := range list {
		ends[i] = s.Calendar.Ends
	}
	what, err := r.whatEnds(ctx, ends...)
	if err != nil {
		return err
	}
	var lines []lineView
	for i, s := range list {
		l := lineView{Title: inTongue(ctx, s.Calendar.Title), Href: namedPath + s.Name, What: what[i], State: ui.T(ctx, openStates[s.State])}
		if s.State == stateOpen {
			l.State, l.Next = phaseNow(ctx, s.Calendar)
		}
		lines = append(lines, l)
	}
	return ui.Render(w, req, http.StatusOK, sunsetsPage(operatorFrame(ctx, ui.T(ctx, "sunset_operator.title"), nil), lines, older))
}

// inTongue gives a text in the reader's language, else in the other.
func inTongue(ctx context.Context, w exit.Words) string {
	text, _ := inWords(ctx, w)
	return text
}

// phaseNow gives the words for the phase that holds, and for the next one with its date.
func phaseNow(ctx context.Context, cal *exit.SunsetCalendar) (now, next string) {
	now = ui.T(ctx, "sunset_operator.state.to_come")
	for _, p := range cal.Phases {
		if p.At.After(ui.ReaderFrom(ctx).Now) {
			return now, ui.T(ctx, "sunset_operator.next", "Phase", ui.T(ctx, phaseTitles[p.Word]), "Date", dayIn(ctx, p.At, cal.Zone))
		}
		now = ui.T(ctx, phaseTitles[p.Word])
	}
	return now, ""
}

// dayIn writes an instant in the calendar's zone: a day, and its time of day where that is not the day's first instant.
func dayIn(ctx context.Context, at time.Time, zone *time.Location) string {
	if exit.DateOf(at, zone).Start(zone).Equal(at) {
		return ui.Date(ui.LangOf(ctx), at, zone)
	}
	return ui.DateTime(ui.LangOf(ctx), at, zone)
}

// whatEnds names what ends, for the operator: services, circles by their names, the install. It asks for all circles at once.
func (r *Room) whatEnds(ctx context.Context, ends ...exit.Subject) ([]string, error) {
	refs := make([]who.Ref, len(ends))
	for i, e := range ends {
		refs[i], _ = refOf(e)
	}
	things, err := r.Registry.Things(ctx, service.ViewerOf(ctx), refs)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(ends))
	for i, e := range ends {
		out[i] = e.Part()
		x, ok := r.Registry.Service(serviceOf(e))
		_, place := refOf(e)
		switch {
		case e.Kind == exit.SubjectInstall:
			out[i] = ui.T(ctx, "sunset_operator.install")
		case place && things[refs[i]].Title != "":
			out[i] = ui.T(ctx, "sunset_operator.one", "Name", things[refs[i]].Title)
		case place:
			out[i] = ui.T(ctx, "sunset_operator.one", "Name", e.Part())
		case ok:
			out[i] = ui.T(ctx, x.Title)
		}
	}
	return out, nil
}

// refOf gives the place that ends, if it is one.
func refOf(ends exit.Subject) (who.Ref, bool) {
	s := exit.Account("1").Within(ends.Part())
	id, ok := who.ParseID(s.Place())
	return who.Ref{Kind: s.Service(), ID: id}, ok
}

// getNew shows an empty form, with dates that keep all rules.
func (r *Room) getNew(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	zone := ui.ReaderFrom(ctx).Zone
	if zone == nil || zone == time.Local {
		zone = time.UTC
	}
	today := exit.DateOf(ui.ReaderFrom(ctx).Now, zone)
	t := exit.SunsetText{Zone: zone.String(), Remind: []string{"90", "30", "7", "1"}, Ends: req.URL.Query().Get("ends")}
	for _, p := range []struct {
		word string
		days int
	}{{exit.Announced, 0}, {exit.ReadOnly, 91}, {exit.Stopped, 183}, {exit.Erased, 214}} {
		t.Phases = append(t.Phases, exit.PhaseText{Word: p.word, At: today.AddDays(p.days).String()})
	}
	return r.showForm(w, req, http.StatusOK, r.form(ctx, t, nil))
}

func (r *Room) showForm(w http.ResponseWriter, req *http.Request, status int, v formView) error {
	f := operatorFrame(req.Context(), v.Title, toList(req.Context()))
	f.Sheet, f.Path = ui.TimelineSheet, newPath // what was typed is not in the address
	return ui.Render(w, req, status, formPage(f, v))
}

// postNew puts a file into the form.
func (r *Room) postNew(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	if err := readable(req); err != nil {
		return err
	}
	file := req.PostForm.Get("file")
	cal, err := exit.ParseSunset([]byte(file))
	if err != nil {
		return r.showFaults(w, req, err, exit.SunsetText{Remind: []string{}}, file)
	}
	return r.showForm(w, req, http.StatusOK, r.form(ctx, cal.Text(), nil))
}

// showFaults shows the form again with what is wrong. File is what was put in, "" where the fields were typed.
func (r *Room) showFaults(w http.ResponseWriter, req *http.Request, err error, t exit.SunsetText, file string) error {
	ctx := req.Context()
	at, lines := faults(ctx, err)
	if at == nil {
		return err
	}
	if at["ends"] != "" && strings.Contains(t.Ends, ":") {
		delete(at, "ends")
		at["circle"] = ui.T(ctx, wrongSentence["circle"])
	}
	if file != "" {
		at = nil
	}
	v := r.form(ctx, t, at)
	v.Notice = &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, "sunset_operator.unreadable")}
	if v.File.Value = file; file != "" {
		v.Faults = lines
	}
	return r.showForm(w, req, http.StatusUnprocessableEntity, v)
}

// readable reads a posted form. Its size is bounded by the server.
func readable(req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return unreadable(err)
	}
	return nil
}

// unreadable says of a form that it cannot be read; what is too large is answered by the server.
func unreadable(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return err
	}
	return &exit.Error{Kind: exit.Invalid, Key: "sunset_operator.error.form", Err: err}
}

// sourceOf gives the calendar's file that a form carries: the file itself, or what its fields make.
func sourceOf(req *http.Request) []byte {
	if req.PostForm.Has("file") {
		return []byte(strings.ReplaceAll(req.PostForm.Get("file"), "\r\n", "\n"))
	}
	return readForm(req.PostForm).YAML()
}

// postFile sends what was typed as a file to keep.
func (r *Room) postFile(w http.ResponseWriter, req *http.Request) error {
	if err := readable(req); err != nil {
		return err
	}
	src := sourceOf(req)
	name := "sunset"
	if cal, err := exit.ParseSunset(src); err == nil {
		name = cal.Name
	}
	return sendFile(w, name, src)
}

// sendFile sends a calendar's file. The name is one of a calendar's own, which has no quotes.
func sendFile(w http.ResponseWriter, name string, src []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/yaml; charset=utf-8") // RFC 9512
	h.Set("Content-Disposition", `attachment; filename="`+name+`.yaml"`)
	h.Set("Cache-Control", "no-store")
	// A failed write means the browser has gone: nobody is left to be told.
	_, _ = w.Write(src) //nolint:gosec // a file to keep, of a type that no browser draws
	return nil
}

// getPreview is where one comes who loads a preview again: what was typed is with the form.
func (r *Room) getPreview(w http.ResponseWriter, req *http.Request) error {
	return service.Done(w, req, newPath, "")
}

func (r *Room) postPreview(w http.ResponseWriter, req *http.Request) error {
	if err := readable(req); err != nil {
		return err
	}
	return r.showPreview(w, req, sourceOf(req), nil)
}

// showPreview shows what publishing a file would promise. Where it cannot be promised, the form says why. Refused is why it was not published.
func (r *Room) showPreview(w http.ResponseWriter, req *http.Request, src []byte, refused error) error {
	ctx := req.Context()
	p, err := r.preview(ctx, src)
	if err != nil {
		return r.showRefused(w, req, src, err)
	}
	status := http.StatusOK
	if refused != nil {
		var e *exit.Error
		if !errors.As(refused, &e) || e.Kind != exit.Conflict && e.Kind != exit.Invalid {
			return refused
		}
		status = http.StatusConflict
		p.Notice = &ui.Notice{Kind: ui.Warn, Sentence: plainSentence(ctx, e, p.published)}
		if e.Key == "error.plan_changed" {
			p.Notice.Sentence = ui.T(ctx, "sunset_operator.changed")
			p.markChanged(req.PostForm.Get("seen"))
		}
	}
	p.Why.Value = req.PostForm.Get("why")
	f := operatorFrame(ctx, ui.T(ctx, "sunset_operator.preview"), toList(ctx))
	f.Path = newPath
	return ui.Render(w, req, status, previewPage(f, p))
}

// showRefused shows the form with why a calendar cannot be previewed.
func (r *Room) showRefused(w http.ResponseWriter, req *http.Request, src []byte, err error) error {
	ctx := req.Context()
	var e *exit.Error
	if !errors.As(err, &e) || e.Kind != exit.Invalid && e.Kind != exit.Conflict {
		return err
	}
	cal, unread := exit.ParseSunset(src)
	if unread != nil {
		t, file := readForm(req.PostForm), ""
		if req.PostForm.Has("file") {
			t, file = exit.SunsetText{Remind: []string{}}, string(src)
		}
		return r.showFaults(w, req, unread, t, file)
	}
	sentence := plainSentence(ctx, e, cal)
	wrong := wrongPhase(e, cal, sentence)
	switch e.Key {
	case "sunset.error.name":
		wrong["name"] = sentence
	case "error.no_service", errNoPlace:
		wrong["ends"] = sentence
	}
	status := http.StatusUnprocessableEntity
	if e.Kind == exit.Conflict {
		status = http.StatusConflict
	}
	v := r.form(ctx, cal.Text(), wrong)
	v.Notice = &ui.Notice{Kind: ui.Warn, Sentence: sentence}
	return r.showForm(w, req, status, v)
}

// errNoPlace refuses a place that is not there.
const errNoPlace = "sunset_operator.error.no_circle"

// plainSentence puts an error about a calendar into words, with phases by their names and dates as people write them.
func plainSentence(ctx context.Context, e *exit.Error, cal *exit.SunsetCalendar) string {
	plain := *e
	plain.Args = map[string]any{}
	for name, value := range e.Args {
		switch x := value.(type) {
		case string:
			if key, ok := phaseTitles[phaseMeant(x, cal)]; ok && name == "phase" {
				value = ui.T(ctx, key)
			}
		case exit.Date:
			value = ui.Date(ui.LangOf(ctx), x.Start(time.UTC), time.UTC)
		}
		plain.Args[name] = value
	}
	return service.Sentence(ctx, &plain)
}

// phaseMeant gives the phase that an error is about: a phase, or the one that takes away what the error names.
func phaseMeant(what string, cal *exit.SunsetCalendar) string {
	for _, p := range cal.Phases {
		if p.Word == what || p.At.Equal(cal.Ceases(what)) && !slices.Contains(cal.Allowed(p.Word), what) {
			return p.Word
		}
	}
	return what
}

// wrongPhase gives the sentence of an error at the phase that it is about, if it is about one.
func wrongPhase(e *exit.Error, cal *exit.SunsetCalendar, sentence string) wrongs {
	wrong := wrongs{}
	if what, _ := e.Args["phase"].(string); what != "" {
		wrong["phases."+phaseMeant(what, cal)] = sentence
	}
	return wrong
}

// postPublish publishes what was previewed.
func (r *Room) postPublish(w http.ResponseWriter, req *http.Request) error {
	if err := readable(req); err != nil {
		return err
	}
	ctx := req.Context()
	src, why := sourceOf(req), strings.TrimSpace(req.PostForm.Get("why"))
	why = strings.ReplaceAll(why, "\r\n", "\n")
	if len([]rune(why)) > longestLine || strings.ContainsFunc(why, odd) {
		return r.showPreview(w, req, src, exit.Fail(exit.Invalid, "sunset_operator.error.why"))
	}
	if req.PostForm.Get("consent") == "" {
		return r.showPreview(w, req, src, exit.Fail(exit.Invalid, "sunset_operator.error.consent"))
	}
	if err := r.givesReason(ctx, src, why); err != nil {
		return r.showPreview(w, req, src, err)
	}
	s, err := r.Publish(ctx, src, req.PostForm.Get("hash"), why)
	if err != nil {
		return r.showPreview(w, req, src, err)
	}
	return service.Done(w, req, namedPath+s.Name, "sunset_operator.done.published")
}

// odd reports what a reason must not hold: what cannot be seen, or turns the text around.
func odd(c rune) bool {
	return unicode.IsControl(c) && c != '\n' || unicode.Is(unicode.Bidi_Control, c)
}

// givesReason refuses a later version that does not say why it moves what everybody was told.
func (r *Room) givesReason(ctx context.Context, src []byte, why string) error {
	cal, err := exit.ParseSunset(src)
	if err != nil || why != "" {
		return err
	}
	_, err = r.store.open(ctx, cal.Ends.Part())
	switch {
	case err == nil:
		return exit.Fail(exit.Invalid, "sunset_operator.error.no_why")
	case exit.KindOf(err) == exit.NotFound:
		return nil
	}
	return err
}

// getCalendarFile sends the newest version of a published calendar.
func (r *Room) getCalendarFile(w http.ResponseWriter, req *http.Request) error {
	s, err := r.Named(req.Context(), req.PathValue("name"))
	if err != nil {
		return err
	}
	return sendFile(w, s.Name, s.Calendar.Source())
}

// extendView is the form that postpones: dates alone, none earlier than published.
type extendView struct {
	Action   string
	Notice   *ui.Notice
	Calendar calendarFields
	Why      ui.TextArea
}

func (r *Room) getExtend(w http.ResponseWriter, req *http.Request) error {
	s, err := r.open(req)
	if err != nil {
		return err
	}
	return r.showExtend(w, req, s, s.Calendar.Text(), nil, nil)
}

// open gives the named calendar; NotFound where it is not under way.
func (r *Room) open(req *http.Request) (Sunset, error) {
	s, err := r.Named(req.Context(), req.PathValue("name"))
	if err == nil && s.State != stateOpen {
		err = exit.Fail(exit.NotFound, "error.not_found")
	}
	return s, err
}

func (r *Room) showExtend(w http.ResponseWriter, req *http.Request, s Sunset, t exit.SunsetText, wrong wrongs, notice *ui.Notice) error {
	ctx := req.Context()
	v := extendView{Action: namedPath + s.Name + "/extend", Notice: notice, Calendar: dates(ctx, t, wrong), Why: whyField(ctx, req.PostForm.Get("why"))}
	v.Why.Required = true
	for i := range v.Calendar.Phases {
		d := &v.Calendar.Phases[i]
		d.Says = nil
		if at := s.Calendar.At(d.Word); !at.IsZero() {
			d.Date.Min = exit.DateOf(at, s.Calendar.Zone).String()
			d.Fixed = !at.After(ui.ReaderFrom(ctx).Now)
			d.About = ui.T(ctx, "sunset_operator.published_for", "Date", dayIn(ctx, at, s.Calendar.Zone))
		}
	}
	// A phase that was not announced would take something away earlier than everybody was told.
	v.Calendar.Phases = slices.DeleteFunc(v.Calendar.Phases, func(d dateView) bool { return s.Calendar.At(d.Word).IsZero() })
	v.Calendar.Late.Date.Min = exit.DateOf(s.Calendar.Late, s.Calendar.Zone).String()
	status := http.StatusOK
	if notice != nil {
		status = http.StatusUnprocessableEntity
	}
	f := operatorFrame(ctx, ui.T(ctx, "sunset_operator.extend"), &ui.Link{Text: inTongue(ctx, s.Calendar.Title), Href: namedPath + s.Name})
	f.Sheet, f.Path = ui.TimelineSheet, namedPath+s.Name+"/extend"
	return ui.Render(w, req, status, extendPage(f, v))
}

func whyField(ctx context.Context, value string) ui.TextArea {
	return ui.TextArea{Name: "why", Label: ui.T(ctx, "sunset_operator.why"), Hint: ui.T(ctx, "sunset_operator.why_hint"), Value: value, Rows: 2, MaxLength: longestLine}
}

// postExtend previews the published calendar with the dates that were typed.
func (r *Room) postExtend(w http.ResponseWriter, req *http.Request) error {
	if err := readable(req); err != nil {
		return err
	}
	ctx := req.Context()
	s, err := r.open(req)
	if err != nil {
		return err
	}
	t := s.Calendar.Text()
	for i, p := range t.Phases {
		if at := s.Calendar.At(p.Word); at.After(ui.ReaderFrom(ctx).Now) {
			t.Phases[i].At = whenOf(req.PostForm, "phases."+p.Word)
		}
	}
	t.Late = whenOf(req.PostForm, "late_requests")
	src := t.YAML()
	if _, _, err := r.Preview(ctx, src); err != nil {
		var e *exit.Error
		if !errors.As(err, &e) || e.Kind != exit.Invalid && e.Kind != exit.Conflict {
			return err
		}
		wrong, _ := faults(ctx, err)
		notice := &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, "sunset_operator.unreadable")}
		if wrong == nil {
			notice.Sentence = plainSentence(ctx, e, s.Calendar)
			wrong = wrongPhase(e, s.Calendar, notice.Sentence)
		}
		return r.showExtend(w, req, s, t, wrong, notice)
	}
	return r.showPreview(w, req, src, nil)
}

func (r *Room) postWithdraw(w http.ResponseWriter, req *http.Request) error {
	name := req.PathValue("name")
	if err := r.Withdraw(req.Context(), name); err != nil {
		return err
	}
	return service.Done(w, req, namedPath+name, "sunset_operator.done.withdrawn")
}

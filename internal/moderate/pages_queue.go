package moderate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// frame begins a page of a place's moderation; NotFound for who does not answer for it.
func (r *Room) frame(ctx context.Context, p Place, title string) (ui.Frame, error) {
	v := service.ViewerOf(ctx)
	if err := r.may(ctx, v, p); err != nil {
		return ui.Frame{}, err
	}
	f := service.Frame(ctx, title)
	f.NoIndex, f.WriteHref, f.Back = true, "", &ui.Link{Text: ui.T(ctx, "ui.tab.me"), Href: ui.MePath}
	if p.ID != 0 {
		t, err := r.Registry.Thing(ctx, v, who.Ref{Kind: p.Service, ID: p.ID})
		if v.Operator && exit.KindOf(err) == exit.NotFound { // no member there, the operator answers for it all the same
			return f, nil
		}
		if err != nil {
			return f, err
		}
		f.Back = &ui.Link{Text: t.Title, Href: t.Link}
	}
	return f, nil
}

// begin begins one of the pages of a place's moderation that stand beside each other.
func (r *Room) begin(req *http.Request) (Place, ui.Frame, error) {
	p, err := at(req)
	if err != nil {
		return p, ui.Frame{}, err
	}
	f, err := r.frame(req.Context(), p, ui.T(req.Context(), "moderate.title"))
	return p, f, err
}

var tabWords = ui.Keys("moderate.tab.", "queue", "appeals", "sanctions", "log", "rules")

func tabs(ctx context.Context, p Place, active string) []ui.PageTab {
	var out []ui.PageTab
	for _, t := range []string{"queue", "appeals", "sanctions", "log", "rules"} {
		tab := ui.PageTab{Label: ui.T(ctx, tabWords[t]), Href: p.path() + "/" + t, Count: -1, Active: t == active}
		if t == "queue" {
			tab.Href = p.path()
		}
		out = append(out, tab)
	}
	if p.ID == 0 {
		out = append(out, ui.PageTab{Label: ui.T(ctx, "moderate.claims"), Href: allClaimsPath, Count: -1, Active: active == "claims"})
	}
	return out
}

// caseView is a case in the queue.
type caseView struct {
	href   string
	at     time.Time
	what   whatView
	about  *ui.PersonView
	place  *ui.Link
	total  int
	counts []string
}

// queueView is a page of cases.
type queueView struct {
	tabs  []ui.PageTab
	cases []caseView
	older string
}

func (r *Room) getQueue(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	p, f, err := r.begin(req)
	if err != nil {
		return err
	}
	list, err := r.Queue(ctx, service.ViewerOf(ctx), p, queryID(req, "after"), pageSize)
	if err != nil {
		return err
	}
	view := queueView{tabs: tabs(ctx, p, "queue")}
	if view.cases, err = r.caseViews(ctx, service.ViewerOf(ctx), p, list); err != nil {
		return err
	}
	if len(list) == pageSize {
		view.older = p.path() + "?after=" + list[len(list)-1].ID.String()
	}
	return ui.Render(w, req, http.StatusOK, queuePage(f, view))
}

func (r *Room) caseViews(ctx context.Context, v who.Viewer, p Place, list []Case) ([]caseView, error) {
	acts, ids := make([]Act, len(list)), make([]who.ID, len(list))
	for i, c := range list {
		acts[i], ids[i] = Act{Ref: c.Ref, Place: c.Place, About: c.About}, c.ID
	}
	counts, err := r.store.tally(ctx, ids)
	if err != nil {
		return nil, err
	}
	d, err := r.drawer(ctx, v, acts, nil)
	if err != nil {
		return nil, err
	}
	d.where = p
	out := make([]caseView, len(list))
	for i, c := range list {
		x := caseView{href: "/moderation/case/" + c.ID.String(), at: c.At, what: whatOf(ctx, c.Ref, d.things[c.Ref]), about: d.view(ctx, c.About, c.Place)}
		if c.Ref.Kind == kindAccount {
			x.what.gone = false
		}
		if c.Place != p {
			x.place = d.places[c.Place]
		}
		x.total, x.counts = tallied(ctx, counts[c.ID])
		out[i] = x
	}
	return out, nil
}

// casePage's view: the thing, what was said of it, what was done before about its author, and what can be done.
type contextView struct {
	action   string
	kind     string
	what     whatView
	post     *ui.PostView
	text     string // of a comment
	mentions map[string]ui.Mention
	on       *whatView // the post or video that a comment is about
	answers  *whatView // the comment that it answers
	moment   string    // where in it a bullet comment stands, in words
	about    *ui.PersonView
	since    string
	counts   []string
	total    int
	said     []saidView
	earlier  []deedView
	open     bool
	own      bool // it is about the viewer: somebody else decides
	form     decisionView
	more     string // the page on which the account itself is limited
}

// saidView is what somebody wrote with a report; by whom is for the operator.
type saidView struct {
	reason, words string
	by            *ui.PersonView
	at            time.Time
}

// decisionView is the form by which a case is decided.
type decisionView struct {
	wrong  string
	what   ui.RadioCards
	images *ui.Checkbox
	also   ui.Select
	days   ui.Select
	rule   ui.Select
	words  ui.TextArea
}

// lookAt reads a thing as its author does: who decides has to see what was reported. Of a veiled author nothing is read.
func (r *Room) lookAt(ctx context.Context, v who.Viewer, c Case, view *contextView) error {
	things, err := r.Registry.Things(ctx, author(c.About), []who.Ref{c.Ref})
	if err != nil {
		return err
	}
	t := things[c.Ref]
	veiled, err := r.store.veiled(ctx, c.About, t.Service, t.Place)
	if err != nil {
		return err
	}
	if veiled {
		view.what = hiddenOf(ctx, c.Ref)
		return nil
	}
	view.what = whatOf(ctx, c.Ref, t)
	switch c.Ref.Kind {
	case kindPost:
		p, err := r.Posts.One(ctx, author(c.About), c.Ref.ID)
		var none *exit.Error
		switch {
		case errors.As(err, &none) && none.Kind == exit.NotFound: // its author has deleted it meanwhile
			view.what.gone = true
			return nil
		case err != nil:
			return err
		}
		list, err := r.Posts.Views(ctx, v, []post.Post{p})
		if err != nil || len(list) == 0 {
			return err
		}
		list[0].Menu, list[0].Like.Action, list[0].Saved, list[0].Share, list[0].Whole = nil, "", nil, "", true
		seen, err := r.Registry.Things(ctx, v, []who.Ref{c.Ref})
		if err != nil {
			return err
		}
		if !seen[c.Ref].See { // the operator is no member there
			list[0].Href = ""
		}
		view.post = &list[0]
	case kindComment:
		return r.lookAtComment(ctx, v, c, view)
	}
	return err
}

// lookAtComment reads a comment with what it is about and what it answers; of a bullet comment, at which moment it stands.
func (r *Room) lookAtComment(ctx context.Context, v who.Viewer, c Case, view *contextView) error {
	x, err := r.store.said(ctx, c.Ref.ID)
	if err != nil || x.text == "" {
		return err
	}
	view.text = x.text
	if view.mentions, err = r.Posts.Mentions(ctx, 0, x.text); err != nil {
		return err
	}
	if x.moment.Valid {
		view.moment = ui.T(ctx, "moderate.case.moment", "At", clockOf(x.moment.Int64))
	}
	above := who.Ref{Kind: kindComment, ID: x.parent}
	things, err := r.Registry.Things(ctx, v, []who.Ref{c.Ref, x.on, above})
	if err != nil {
		return err
	}
	if !things[c.Ref].See {
		view.what.href = ""
	}
	if view.on, err = r.around(ctx, things[x.on]); err != nil {
		return err
	}
	view.answers, err = r.around(ctx, things[above])
	return err
}

// around draws what a comment stands on or answers. What who decides does not see they read as its author does, without a way there; nil for what is gone or whose
// author is veiled.
func (r *Room) around(ctx context.Context, t service.Thing) (*whatView, error) {
	if !t.See && t.Owner != 0 {
		if veiled, err := r.store.veiled(ctx, t.Owner, t.Service, t.Place); err != nil || veiled {
			return nil, err
		}
		things, err := r.Registry.Things(ctx, author(t.Owner), []who.Ref{t.Ref})
		if err != nil {
			return nil, err
		}
		t = things[t.Ref]
		t.Link, t.Picture = "", ""
	}
	if !t.See {
		return nil, nil
	}
	v := whatOf(ctx, t.Ref, t)
	return &v, nil
}

// clockOf writes a moment as players do: 1:02, 1:00:05.
func clockOf(ms int64) string {
	s := ms / 1000
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func (r *Room) contextOf(ctx context.Context, v who.Viewer, id who.ID) (Case, contextView, error) {
	c, reports, err := r.Case(ctx, v, id)
	if err != nil {
		return c, contextView{}, err
	}
	view := contextView{action: "/moderation/case/" + id.String(), kind: ui.T(ctx, reportable[c.Ref.Kind]), open: c.Open, own: c.About == v.Account, since: ui.DateTimeIn(ctx, c.At)}
	if err := r.lookAt(ctx, v, c, &view); err != nil {
		return c, view, err
	}
	earlier, err := r.Earlier(ctx, v, c.Place, c.About, 10)
	if err != nil {
		return c, view, err
	}
	named := append([]Act{{About: c.About}}, earlier...)
	for _, x := range reports {
		named = append(named, Act{By: x.By})
	}
	d, err := r.drawer(ctx, v, named, nil)
	if err != nil {
		return c, view, err
	}
	d.where = c.Place
	if !view.what.hidden {
		view.about = d.view(ctx, c.About, c.Place)
	}
	counts := map[string]int{}
	for _, x := range reports {
		counts[x.Reason]++
		if x.Words != "" || x.By != 0 {
			view.said = append(view.said, saidView{ruleWord(ctx, x.Reason), x.Words, d.view(ctx, x.By, c.Place), x.At})
		}
	}
	view.total, view.counts = tallied(ctx, counts)
	for _, a := range earlier {
		deed := d.draw(ctx, a)
		deed.about, deed.undo = nil, ""
		view.earlier = append(view.earlier, deed)
	}
	if v.Operator && c.About != 0 {
		view.more = "/moderation/account/" + c.About.String()
	}
	return c, view, nil
}

var (
	alsoWords = ui.Keys("moderate.also.", "mute", "kick", "ban", "limit", "suspend")
	dayWords  = ui.Keys("moderate.days.", "1", "7", "30", "90", "0")
)

func daysSelect(ctx context.Context, chosen string) ui.Select {
	s := ui.Select{Name: "days", Label: ui.T(ctx, "moderate.days")}
	for _, n := range []string{"1", "7", "30", "90", "0"} {
		s.Options = append(s.Options, ui.Option{Value: n, Label: ui.T(ctx, dayWords[n]), Selected: n == chosen})
	}
	return s
}

func ruleSelect(ctx context.Context, chosen string) ui.Select {
	s := ui.Select{Name: "rule", Label: ui.T(ctx, "moderate.rule"), Hint: ui.T(ctx, "moderate.rule_hint")}
	for _, reason := range reasons {
		s.Options = append(s.Options, ui.Option{Value: reason, Label: ui.T(ctx, reasonWords[reason]), Selected: reason == chosen})
	}
	return s
}

func wordsArea(ctx context.Context, typed string) ui.TextArea {
	return ui.TextArea{Name: "words", Label: ui.T(ctx, "moderate.words"), Hint: ui.T(ctx, "moderate.words_hint"), Value: typed, MaxLength: longestWords}
}

// orders are what can be laid on an account in a place.
func orders(p Place) []string {
	if p.ID == 0 {
		return []string{Limit, Suspend}
	}
	return []string{Mute, Kick, Ban}
}

// decision begins the form of a case.
func (r *Room) decision(ctx context.Context, req *http.Request, c Case, view contextView) decisionView {
	chosen := req.PostFormValue("what")
	if chosen == "" {
		chosen = "keep"
	}
	f := decisionView{what: ui.RadioCards{Name: "what", Legend: ui.T(ctx, "moderate.decide.what")}, rule: ruleSelect(ctx, req.PostFormValue("rule")), words: wordsArea(ctx, req.PostFormValue("words"))}
	f.what.Options = []ui.Option{{Value: "keep", Label: ui.T(ctx, "moderate.decide.keep"), Hint: ui.T(ctx, "moderate.decide.keep_hint"), Selected: chosen == "keep"}}
	if r.removable(c.Ref.Kind) && !view.what.gone {
		f.what.Options = append(f.what.Options, ui.Option{Value: "remove", Label: ui.T(ctx, "moderate.decide.remove"), Hint: ui.T(ctx, "moderate.decide.remove_hint"), Selected: chosen == "remove"})
	}
	if view.post != nil && len(view.post.Images) > 0 {
		f.images = &ui.Checkbox{Name: "images", Label: ui.T(ctx, "moderate.decide.images"), Hint: ui.T(ctx, "moderate.decide.images_hint")}
	}
	f.also = ui.Select{Name: "also", Label: ui.T(ctx, "moderate.also"), Options: []ui.Option{{Value: "", Label: ui.T(ctx, "moderate.also.nothing")}}}
	for _, what := range orders(c.Place) {
		f.also.Options = append(f.also.Options, ui.Option{Value: what, Label: ui.T(ctx, alsoWords[what]), Selected: what == req.PostFormValue("also")})
	}
	f.days = daysSelect(ctx, "7")
	return f
}

func (r *Room) getCase(w http.ResponseWriter, req *http.Request) error {
	return r.showCase(w, req, http.StatusOK, "")
}

func (r *Room) showCase(w http.ResponseWriter, req *http.Request, status int, wrong string) error {
	ctx := req.Context()
	id, err := pathID(req, "case")
	if err != nil {
		return err
	}
	c, view, err := r.contextOf(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	f, err := r.frame(ctx, c.Place, ui.T(ctx, "moderate.case", "Kind", view.kind))
	if err != nil {
		return err
	}
	f.Back = &ui.Link{Text: ui.T(ctx, "moderate.title"), Href: c.Place.path()}
	view.form = r.decision(ctx, req, c, view)
	view.form.wrong = wrong
	return ui.Render(w, req, status, casePage(f, view))
}

func (r *Room) postCase(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := pathID(req, "case")
	if err != nil {
		return err
	}
	c, _, err := r.Case(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	d := Decision{
		Remove: req.PostFormValue("what") == "remove", Images: req.PostFormValue("images") != "", Also: req.PostFormValue("also"), Rule: req.PostFormValue("rule"),
		Words: req.PostFormValue("words"), Days: number(req, "days"),
	}
	if d.Also == "" {
		d.Days = 0
	}
	if req.PostFormValue("what") == "" {
		return r.showCase(w, req, http.StatusUnprocessableEntity, ui.T(ctx, "moderate.error.what"))
	}
	if err := r.Decide(ctx, service.ViewerOf(ctx), id, d); err != nil {
		wrong, err := sentenceOf(ctx, err)
		if err != nil {
			return err
		}
		return r.showCase(w, req, http.StatusUnprocessableEntity, wrong)
	}
	return service.Done(w, req, c.Place.path(), "moderate.done.decided")
}

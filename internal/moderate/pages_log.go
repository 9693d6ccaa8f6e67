package moderate

import (
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// logView is a page of acts.
type logView struct {
	tabs  []ui.PageTab
	about string
	empty string
	acts  []deedView
	older string
}

func (r *Room) getLog(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, f, err := r.begin(req)
	if err != nil {
		return err
	}
	list, err := r.Log(ctx, v, p, queryID(req, "before"), pageSize)
	if err != nil {
		return err
	}
	d, err := r.drawer(ctx, v, list, nil)
	if err != nil {
		return err
	}
	d.where = p
	view := logView{tabs: tabs(ctx, p, "log"), about: ui.T(ctx, "moderate.log.about"), empty: ui.T(ctx, "moderate.log.none")}
	for _, a := range list {
		view.acts = append(view.acts, d.draw(ctx, a))
	}
	if len(list) == pageSize {
		view.older = p.path() + "/log?before=" + list[len(list)-1].ID.String()
	}
	return ui.Render(w, req, http.StatusOK, logPage(f, view))
}

func (r *Room) getAppeals(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, f, err := r.begin(req)
	if err != nil {
		return err
	}
	list, err := r.Appeals(ctx, v, p, queryID(req, "after"), pageSize)
	if err != nil {
		return err
	}
	ids := make([]who.ID, len(list))
	for i, x := range list {
		ids[i] = x.Act
	}
	acts, err := r.store.actsByID(ctx, ids)
	if err != nil {
		return err
	}
	all := make([]Act, 0, len(list))
	for _, x := range list {
		all = append(all, acts[x.Act])
	}
	d, err := r.drawer(ctx, v, all, nil)
	if err != nil {
		return err
	}
	d.where = p
	view := logView{tabs: tabs(ctx, p, "appeals"), about: ui.T(ctx, "moderate.appeals.about"), empty: ui.T(ctx, "moderate.appeals.none")}
	for i, x := range list {
		deed := d.draw(ctx, all[i])
		deed.appeal, deed.undo = drawAppeal(ctx, x), ""
		view.acts = append(view.acts, deed)
	}
	if len(list) == pageSize {
		view.older = p.path() + "/appeals?after=" + list[len(list)-1].ID.String()
	}
	return ui.Render(w, req, http.StatusOK, logPage(f, view))
}

// sanctionView is an account with what holds against it.
type sanctionView struct {
	person            ui.PersonView
	what, rule, until string
	undo              string
}

// sanctionsView is a page of them.
type sanctionsView struct {
	tabs  []ui.PageTab
	list  []sanctionView
	older string
}

func (r *Room) getSanctions(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, f, err := r.begin(req)
	if err != nil {
		return err
	}
	list, err := r.Sanctions(ctx, v, p, queryID(req, "before"), pageSize)
	if err != nil {
		return err
	}
	d, err := r.drawer(ctx, v, nil, list)
	if err != nil {
		return err
	}
	view := sanctionsView{tabs: tabs(ctx, p, "sanctions")}
	for _, x := range list {
		row := sanctionView{person: *d.view(ctx, x.Account, x.Place), what: ui.T(ctx, actWords[x.What]), rule: ruleWord(ctx, x.Rule), until: untilWord(ctx, x.Until), undo: "/moderation/acts/" + x.Act.String() + "/undo"}
		if x.Since.Add(Reversible).Before(d.now) || x.Account == v.Account {
			row.undo = ""
		}
		view.list = append(view.list, row)
	}
	if len(list) == pageSize {
		view.older = p.path() + "/sanctions?before=" + list[len(list)-1].ID.String()
	}
	return ui.Render(w, req, http.StatusOK, sanctionsPage(f, view))
}

// actView is the page of one act.
type actView struct {
	deed   deedView
	decide string // the target of the form by which its appeal is decided; "" where the viewer may not
	other  bool   // somebody else has to decide
	words  ui.TextArea
}

func (r *Room) getAct(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req, "deed")
	if err != nil {
		return err
	}
	a, appeal, err := r.One(ctx, v, id)
	if err != nil {
		return err
	}
	if a.About == v.Account {
		return service.Done(w, req, StandingPath, "")
	}
	d, err := r.drawer(ctx, v, []Act{a}, nil)
	if err != nil {
		return err
	}
	hidden := false
	if t := d.things[a.Ref]; a.About != 0 && t.Ref.ID != 0 && t.Title+t.Excerpt == "" {
		if hidden, err = r.store.veiled(ctx, a.About, t.Service, t.Place); err != nil {
			return err
		}
		// The operator is no member there: who decides reads what its author reads, and cannot follow it there.
		seen, err := r.Registry.Things(ctx, author(a.About), []who.Ref{a.Ref})
		if err != nil {
			return err
		}
		t = seen[a.Ref]
		t.Link = ""
		d.things[a.Ref] = t
	}
	view := actView{deed: d.draw(ctx, a), words: ui.TextArea{Name: "answer", Label: ui.T(ctx, "moderate.answer"), Hint: ui.T(ctx, "moderate.answer_hint"), MaxLength: longestWords}}
	view.deed.href = ""
	if hidden {
		view.deed.what, view.deed.about = hiddenOf(ctx, a.Ref), nil
	}
	if appeal != nil {
		view.deed.appeal = drawAppeal(ctx, *appeal)
		if appeal.State == waiting {
			switch err := r.mayDecide(ctx, v, a); {
			case err == nil:
				view.decide = "/moderation/acts/" + a.ID.String() + "/decide"
			case exit.KindOf(err) == exit.Forbidden:
				view.other = true
			default:
				return err
			}
		}
	}
	f, err := r.frame(ctx, a.Place, view.deed.kind)
	if err != nil {
		return err
	}
	f.Back = &ui.Link{Text: ui.T(ctx, "moderate.title"), Href: a.Place.path() + "/log"}
	return ui.Render(w, req, http.StatusOK, actPage(f, view))
}

// getOf leads from a thing that was taken out to why: its author to what was decided about them, who answers for the place to the act.
func (r *Room) getOf(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req, "id")
	if err != nil {
		return err
	}
	a, err := r.store.removalOf(ctx, who.Ref{Kind: req.PathValue("kind"), ID: id})
	if err != nil {
		return err
	}
	if a.About == v.Account {
		return service.Done(w, req, StandingPath, "")
	}
	if err := r.may(ctx, v, a.Place); err != nil {
		return err
	}
	return service.Done(w, req, "/moderation/acts/"+a.ID.String(), "")
}

func (r *Room) postUndo(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := pathID(req, "deed")
	if err != nil {
		return err
	}
	a, _, err := r.One(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	if err := r.Undo(ctx, service.ViewerOf(ctx), id); err != nil {
		return err
	}
	return service.Done(w, req, a.Place.path()+"/log", "moderate.done.undone")
}

func (r *Room) postSettle(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := pathID(req, "deed")
	if err != nil {
		return err
	}
	a, _, err := r.One(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	if err := r.Settle(ctx, service.ViewerOf(ctx), id, req.PostFormValue("grant") == "yes", req.PostFormValue("answer")); err != nil {
		return err
	}
	return service.Done(w, req, a.Place.path()+"/appeals", "moderate.done.settled")
}

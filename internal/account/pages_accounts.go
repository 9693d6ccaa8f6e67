package account

import (
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// sessionsPage is how many sessions a page lists.
const sessionsPage = 20

func (r *Room) getSessions(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.Sessions(ctx, v, before, sessionsPage+1)
	if err != nil {
		return err
	}
	var view sessionsView
	if len(list) > sessionsPage {
		list = list[:sessionsPage]
		view.Older = sessionsPath + "?before=" + list[sessionsPage-1].ID.String()
	}
	for _, s := range list {
		agent := s.Agent
		if agent == "" {
			agent = ui.T(ctx, "account.sessions.unknown")
		}
		here := s.ID == v.Session
		view.Others = view.Others || !here
		view.Sessions = append(view.Sessions, sessionView{ID: s.ID.String(), Agent: agent, Account: s.Account, Began: s.Created, Seen: s.Seen, Here: here})
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "account.sessions.title"), settingsLink(req), sessionsBody(view))
}

func (r *Room) postEndSession(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	id, ok := who.ParseID(req.PostForm.Get("session"))
	if !ok {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if err := r.EndSession(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, sessionsPath, "account.done.session_ended")
}

func (r *Room) postEndOthers(w http.ResponseWriter, req *http.Request) error {
	if err := r.EndOtherSessions(req.Context(), service.ViewerOf(req.Context())); err != nil {
		return err
	}
	return service.Done(w, req, sessionsPath, "account.done.sessions_ended")
}

func (r *Room) postEndAll(w http.ResponseWriter, req *http.Request) error {
	if err := r.EndAllSessions(req.Context(), service.ViewerOf(req.Context())); err != nil {
		return err
	}
	r.SetCookie(w, req, "")
	return service.Done(w, req, ui.HomePath, "account.done.signed_out_everywhere")
}

func (r *Room) getAccounts(w http.ResponseWriter, req *http.Request) error {
	return r.showAccounts(w, req, accountsForm{Kind: Personal}, nil)
}

// accountsForm is what was typed, and the link that was made.
type accountsForm struct {
	Name       string
	Kind       Kind
	Invitation string
}

func (r *Room) showAccounts(w http.ResponseWriter, req *http.Request, form accountsForm, p problems) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	own, err := r.store.accountsOf(ctx, v.Person)
	if err != nil {
		return err
	}
	view := accountsView{Notice: p[""], New: nameField(ctx, form.Name, p), Invitation: form.Invitation}
	view.New.Autocomplete = "off"
	view.Kind = ui.RadioCards{Name: "kind", Legend: ui.T(ctx, "account.field.kind"), Options: []ui.Option{
		{Value: string(Personal), Label: ui.T(ctx, kindWords["personal"]), Hint: ui.T(ctx, "account.kind_hint.personal"), Selected: form.Kind == Personal},
		{Value: string(Organisation), Label: ui.T(ctx, kindWords["organisation"]), Hint: ui.T(ctx, "account.kind_hint.organisation"), Selected: form.Kind == Organisation},
	}}
	for _, a := range own {
		view.Accounts = append(view.Accounts, personaOf(ctx, a, v))
		view.Organisation = view.Organisation || a.ID == v.Account && mayAdminister(a.Kind, a.Role)
	}
	if view.Organisation {
		list, err := r.Administrators(ctx, v)
		if err != nil {
			return err
		}
		for _, a := range list {
			name := a.Name
			if name == "" {
				name = ui.T(ctx, "account.administrators.unnamed")
			}
			view.Administrators = append(view.Administrators, administratorView{Person: a.Person.String(), Name: name, You: a.You})
		}
	}
	return page(w, req, p.status(), ui.T(ctx, "account.accounts.title"), settingsLink(req), accountsBody(view))
}

func (r *Room) postAccounts(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	form := accountsForm{Name: req.PostForm.Get("name"), Kind: Kind(req.PostForm.Get("kind"))}
	id, err := r.AddPersona(ctx, v, form.Name, form.Kind)
	if err != nil {
		p, err := explain(ctx, err, map[string]string{"account.error.name_": "name"})
		if err != nil {
			return err
		}
		return r.showAccounts(w, req, form, p)
	}
	if err := r.Switch(ctx, v, id); err != nil {
		return err
	}
	return service.Done(w, req, accountsPath, "account.done.made")
}

func (r *Room) postSwitch(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	id, ok := who.ParseID(req.PostForm.Get("account"))
	if !ok {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if err := r.Switch(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, ui.MePath, "account.done.switched")
}

func (r *Room) postInvite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	token, err := r.Invite(ctx, service.ViewerOf(ctx))
	if err != nil {
		p, err := explain(ctx, err, nil)
		if err != nil {
			return err
		}
		return r.showAccounts(w, req, accountsForm{Kind: Personal}, p)
	}
	w.Header().Set("Cache-Control", "no-store")
	return r.showAccounts(w, req, accountsForm{Kind: Personal, Invitation: r.absolute(req, joinPath+token)}, nil)
}

func (r *Room) postRemove(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, ok := who.ParseID(req.PostForm.Get("person"))
	if !ok {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if err := r.RemoveAdministrator(ctx, v, id); err != nil {
		p, err := explain(ctx, err, nil)
		if err != nil {
			return err
		}
		return r.showAccounts(w, req, accountsForm{Kind: Personal}, p)
	}
	return service.Done(w, req, accountsPath, "account.done.removed")
}

func (r *Room) getJoin(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	org, err := r.Invitation(ctx, req.PathValue("token"))
	if err != nil {
		return err
	}
	v := service.ViewerOf(ctx)
	return page(w, req, http.StatusOK, ui.T(ctx, "account.join.title", "Name", org.Shown()), meLink(req), formBody(formView{
		Intro:  ui.T(ctx, "account.join.intro", "Name", org.Shown(), "As", v.Name),
		Action: joinPath + req.PathValue("token"), Submit: ui.T(ctx, "account.join.do"),
	}))
}

func (r *Room) postJoin(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := r.Accept(ctx, v, req.PathValue("token"))
	if err != nil {
		return err
	}
	if err := r.Switch(ctx, v, id); err != nil {
		return err
	}
	return service.Done(w, req, accountsPath, "account.done.joined")
}

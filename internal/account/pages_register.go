package account

import (
	"net/http"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/install"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// The addresses of who comes in, for the operator.
const (
	operatorDesk     = "/operator"
	linksPath        = "/operator/invitations"
	revokeLinkPath   = linksPath + "/revoke"
	applicationsPath = "/operator/approvals"
	admitPath        = applicationsPath + "/admit"
	refusePath       = applicationsPath + "/refuse"
)

// operatorPage is how many rows a page of the operator's has.
const operatorPage = 20

func (r *Room) registerRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + signUpPath + "/{link}", Handle: r.getSignUpLink},
		{Pattern: "GET " + linksPath, Access: service.Operator, Handle: r.getLinks},
		{Pattern: "POST " + linksPath, Access: service.Operator, Handle: r.postLinks},
		{Pattern: "POST " + revokeLinkPath, Access: service.Operator, Handle: r.postRevokeLink},
		{Pattern: "GET " + applicationsPath, Access: service.Operator, Handle: r.getApplications},
		{Pattern: "POST " + admitPath, Access: service.Operator, Handle: r.postAdmit},
		{Pattern: "POST " + refusePath, Access: service.Operator, Handle: r.postRefuse},
	}
}

func deskLink(req *http.Request) *ui.Link {
	return &ui.Link{Text: ui.T(req.Context(), "install.desk"), Href: operatorDesk}
}

func (r *Room) getSignUpLink(w http.ResponseWriter, req *http.Request) error {
	token := req.PathValue("link")
	if err := r.SignUpLink(req.Context(), token); err != nil {
		return err
	}
	return r.showSignUp(w, req, NewPerson{Link: token}, nil)
}

func (r *Room) showSignUp(w http.ResponseWriter, req *http.Request, n NewPerson, p problems) error {
	ctx := req.Context()
	s, err := r.settings(ctx)
	if err != nil {
		return err
	}
	view := signUpView{
		Notice: p[""], Intro: ui.T(ctx, "account.sign_up.intro"), Link: n.Link, Waits: int(workWait / time.Second),
		Fields: []ui.Field{nameField(ctx, n.Name, p), firstPasswordField(ctx, p)},
	}
	slip := p["name"] != "" || p["slip"] != "" || n.Slip != ""
	switch s.Registration {
	case install.Approval:
		view.How = ui.T(ctx, "account.sign_up.approval")
		view.About = &ui.TextArea{Name: "about", Label: ui.T(ctx, "account.field.about"), Hint: ui.T(ctx, "account.field.about_hint"), Value: n.About, Error: p["about"], MaxLength: longestAbout, Rows: 3}
	case install.Invitation:
		if n.Link == "" {
			view.How, slip = ui.T(ctx, "account.sign_up.invitation"), true
		}
	case install.Closed:
		view.How, slip = ui.T(ctx, "account.sign_up.closed"), true
	default:
	}
	if r.Slip != nil && slip {
		view.Fields = append(view.Fields, ui.Field{Name: "slip", Label: ui.T(ctx, "account.field.slip"), Hint: ui.T(ctx, "account.field.slip_hint"), Value: n.Slip, Error: p["slip"], LowerCase: true, MaxLength: 500})
	}
	if s.Work > 0 {
		view.Work = n.Challenge
		if need, _, ok := r.readWork(n.Challenge); !ok || need < s.Work || p["work"] != "" {
			view.Work = r.newWork(s.Work)
		}
		view.Bits, view.WorkError = s.Work, p["work"]+p["patience"]
	}
	return page(w, req, p.status(), ui.T(ctx, "account.sign_up.title"), nil, signUpBody(view))
}

// linksForm is what the operator typed for a new link, and the link that was made.
type linksForm struct{ Note, Days, Link string }

func (r *Room) getLinks(w http.ResponseWriter, req *http.Request) error {
	return r.showLinks(w, req, linksForm{Days: "7"}, nil)
}

func (r *Room) showLinks(w http.ResponseWriter, req *http.Request, form linksForm, p problems) error {
	ctx := req.Context()
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.SignUpLinks(ctx, before, operatorPage+1)
	if err != nil {
		return err
	}
	view := linksView{Notice: p[""], Link: form.Link}
	if len(list) > operatorPage {
		list = list[:operatorPage]
		view.Older = linksPath + "?before=" + list[operatorPage-1].ID.String()
	}
	view.Links = list
	view.Fields = []ui.Field{
		{Name: "note", Label: ui.T(ctx, "account.field.note"), Hint: ui.T(ctx, "account.field.note_hint"), Value: form.Note, Error: p["note"], Autocomplete: "off", MaxLength: longestNote},
		{Name: "days", Label: ui.T(ctx, "account.field.days"), Value: form.Days, Error: p["days"], Type: "number", InputMode: "numeric", Min: "1", Max: strconv.Itoa(mostLinkDays), Required: true},
	}
	s, err := r.settings(ctx)
	if err != nil {
		return err
	}
	view.Unneeded = s.Registration != install.Invitation
	return page(w, req, p.status(), ui.T(ctx, "account.links.title"), deskLink(req), linksBody(view))
}

func (r *Room) postLinks(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	form := linksForm{Note: req.PostForm.Get("note"), Days: req.PostForm.Get("days")}
	days, _ := strconv.Atoi(form.Days) // what is no number is refused as 0
	token, err := r.MakeSignUpLink(ctx, form.Note, days)
	if err != nil {
		p, err := explain(ctx, err, map[string]string{"account.error.note_": "note", "account.error.days": "days"})
		if err != nil {
			return err
		}
		return r.showLinks(w, req, form, p)
	}
	w.Header().Set("Cache-Control", "no-store")
	return r.showLinks(w, req, linksForm{Days: form.Days, Link: r.absolute(req, signUpPath+"/"+token)}, nil)
}

func (r *Room) postRevokeLink(w http.ResponseWriter, req *http.Request) error {
	id, err := postedID(req, "link")
	if err != nil {
		return err
	}
	if err := r.RevokeSignUpLink(req.Context(), id); err != nil {
		return err
	}
	return service.Done(w, req, linksPath, "account.done.link_revoked")
}

// postedID reads an id from a form's field.
func postedID(req *http.Request, field string) (who.ID, error) {
	if err := req.ParseForm(); err != nil {
		return 0, badForm(err)
	}
	id, ok := who.ParseID(req.PostForm.Get(field))
	if !ok {
		return 0, exit.Fail(exit.Invalid, "account.error.choice")
	}
	return id, nil
}

func (r *Room) getApplications(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	var after Application
	if ms, err := strconv.ParseInt(req.URL.Query().Get("at"), 10, 64); err == nil {
		after.Asked = db.Time(ms)
		after.ID, _ = who.ParseID(req.URL.Query().Get("after"))
	}
	list, err := r.Applications(ctx, after, operatorPage+1)
	if err != nil {
		return err
	}
	var view applicationsView
	if len(list) > operatorPage {
		list = list[:operatorPage]
		last := list[operatorPage-1]
		view.Older = applicationsPath + "?at=" + strconv.FormatInt(db.Ms(last.Asked), 10) + "&after=" + last.ID.String()
	}
	for _, a := range list {
		view.List = append(view.List, applicationView{ID: a.ID.String(), Person: personView(a.Account), About: a.About, Asked: a.Asked})
	}
	s, err := r.settings(ctx)
	if err != nil {
		return err
	}
	view.Unneeded = s.Registration != install.Approval
	return page(w, req, http.StatusOK, ui.T(ctx, "account.approvals.title"), deskLink(req), applicationsBody(view))
}

func (r *Room) postAdmit(w http.ResponseWriter, req *http.Request) error {
	id, err := postedID(req, "account")
	if err != nil {
		return err
	}
	if err := r.Admit(req.Context(), id); err != nil {
		return err
	}
	return service.Done(w, req, applicationsPath, "account.done.admitted")
}

func (r *Room) postRefuse(w http.ResponseWriter, req *http.Request) error {
	id, err := postedID(req, "account")
	if err != nil {
		return err
	}
	if err := r.Refuse(req.Context(), id); err != nil {
		return err
	}
	return service.Done(w, req, applicationsPath, "account.done.refused")
}

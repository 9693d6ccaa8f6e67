package account

import (
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

func (r *Room) getRecover(w http.ResponseWriter, req *http.Request) error {
	return showRecover(w, req, "", nil)
}

func showRecover(w http.ResponseWriter, req *http.Request, name string, p problems) error {
	ctx := req.Context()
	field := nameField(ctx, name, p)
	field.Hint, field.MinLength, field.MaxLength = "", 0, 0
	return page(w, req, p.status(), ui.T(ctx, "account.recover.title"), &ui.Link{Text: ui.T(ctx, "account.sign_in.title"), Href: ui.SignInPath}, formBody(formView{
		Intro: ui.T(ctx, "account.recover.intro"), Notice: p[""], Action: recoverPath, Submit: ui.T(ctx, "account.recover.do"),
		Fields: []ui.Field{
			field,
			{Name: "code", Label: ui.T(ctx, "account.field.code"), Hint: ui.T(ctx, "account.field.code_hint"), Autocomplete: "off", Required: true, LowerCase: true, MaxLength: 40},
			newPasswordField(ctx, p),
		},
	}))
}

func (r *Room) postRecover(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	name := req.PostForm.Get("name")
	err := r.Recover(ctx, name, req.PostForm.Get("code"), req.PostForm.Get("password"), req.RemoteAddr)
	if err != nil {
		p, err := explain(ctx, err, newFields)
		if err != nil {
			return err
		}
		return showRecover(w, req, name, p)
	}
	return service.Done(w, req, ui.SignInPath, "account.done.password_reset")
}

func (r *Room) getReset(w http.ResponseWriter, req *http.Request) error {
	if err := r.ResetLink(req.Context(), req.PathValue("token")); err != nil {
		return err
	}
	return showReset(w, req, nil)
}

func showReset(w http.ResponseWriter, req *http.Request, p problems) error {
	ctx := req.Context()
	return page(w, req, p.status(), ui.T(ctx, "account.reset.title"), nil, formBody(formView{
		Intro: ui.T(ctx, "account.reset.intro"), Notice: p[""], Action: resetPath + req.PathValue("token"), Submit: ui.T(ctx, "account.recover.do"),
		Fields: []ui.Field{newPasswordField(ctx, p)},
	}))
}

func (r *Room) postReset(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	if err := r.Reset(ctx, req.PathValue("token"), req.PostForm.Get("password")); err != nil {
		p, err := explain(ctx, err, newFields)
		if err != nil {
			return err
		}
		return showReset(w, req, p)
	}
	return service.Done(w, req, ui.SignInPath, "account.done.password_reset")
}

func (r *Room) getOperator(w http.ResponseWriter, req *http.Request) error {
	if err := r.OperatorLink(req.Context(), req.PathValue("token")); err != nil {
		return err
	}
	return showOperator(w, req, "", nil)
}

func showOperator(w http.ResponseWriter, req *http.Request, name string, p problems) error {
	ctx := req.Context()
	return page(w, req, p.status(), ui.T(ctx, "account.operator.title"), nil, formBody(formView{
		Intro: ui.T(ctx, "account.operator.intro"), Notice: p[""], Action: operatorPath + req.PathValue("token"), Submit: ui.T(ctx, "account.sign_up.do"),
		Fields: []ui.Field{nameField(ctx, name, p), firstPasswordField(ctx, p)},
	}))
}

func (r *Room) postOperator(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	name := req.PostForm.Get("name")
	c, err := r.MakeOperator(ctx, req.PathValue("token"), name, req.PostForm.Get("password"))
	if err != nil {
		p, err := explain(ctx, err, newFields)
		if err != nil {
			return err
		}
		return showOperator(w, req, name, p)
	}
	return r.welcome(w, req, c)
}

func (r *Room) getMakeReset(w http.ResponseWriter, req *http.Request) error {
	return showMakeReset(w, req, "", "", nil)
}

func showMakeReset(w http.ResponseWriter, req *http.Request, name, link string, p problems) error {
	ctx := req.Context()
	field := nameField(ctx, name, p)
	field.Hint, field.Autocomplete = "", "off"
	form := formView{Intro: ui.T(ctx, "account.make_reset.about"), Notice: p[""], Action: makeResetPath, Submit: ui.T(ctx, "account.make_reset.do"), Fields: []ui.Field{field}}
	return page(w, req, p.status(), ui.T(ctx, "account.make_reset.title"), meLink(req),
		linkBody(ui.T(ctx, "account.make_reset.made"), ui.T(ctx, "account.make_reset.link"), link, form))
}

func meLink(req *http.Request) *ui.Link {
	return &ui.Link{Text: ui.T(req.Context(), "account.me.title"), Href: ui.MePath}
}

func (r *Room) postMakeReset(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	name := req.PostForm.Get("name")
	token, err := r.MakeReset(ctx, name)
	if err != nil {
		p, err := explain(ctx, atForm(err), map[string]string{"account.error.name_": "name", "account.error.none": "name"})
		if err != nil {
			return err
		}
		return showMakeReset(w, req, name, "", p)
	}
	w.Header().Set("Cache-Control", "no-store")
	return showMakeReset(w, req, "", r.absolute(req, resetPath+token), nil)
}

// atForm turns "there is no such account" into something to correct in the form.
func atForm(err error) error {
	if exit.KindOf(err) == exit.NotFound {
		return exit.Fail(exit.Invalid, "account.error.none")
	}
	return err
}

// absolute gives the address of a path as this request's browser reaches it.
func (r *Room) absolute(req *http.Request, path string) string {
	if r.secure(req) {
		return "https://" + req.Host + path
	}
	return "http://" + req.Host + path
}

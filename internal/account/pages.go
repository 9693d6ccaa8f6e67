package account

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// The addresses of the room's pages and of what its forms post to.
const (
	signUpPath    = "/sign-up"
	signOutPath   = "/sign-out"
	recoverPath   = "/recover"
	resetPath     = "/reset/"
	operatorPath  = "/operator/"
	makeResetPath = "/operator/reset"
	codesFilePath = "/recovery-codes.txt"
	settingsPath  = "/settings"
	profilePath   = "/settings/profile"
	passwordPath  = "/settings/password"
	codesPath     = "/settings/codes"
	sessionsPath  = "/settings/sessions"
	accountsPath  = "/settings/accounts"
	entrancesPath = "/settings/entrances" // the Exit Center's own page
	joinPath      = "/join-organisation/"

	endSessionPath = sessionsPath + "/end"
	endOthersPath  = sessionsPath + "/end-others"
	endAllPath     = sessionsPath + "/end-all"
	switchPath     = accountsPath + "/switch"
	invitePath     = accountsPath + "/invite"
	removePath     = accountsPath + "/remove"
)

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	routes := []service.Route{
		{Pattern: "GET " + signUpPath, Handle: r.getSignUp},
		{Pattern: "POST " + signUpPath, Handle: r.postSignUp},
		{Pattern: "GET " + ui.SignInPath, Handle: r.getSignIn},
		{Pattern: "POST " + ui.SignInPath, Handle: r.postSignIn},
		{Pattern: "POST " + signOutPath, Access: service.Leaving, Handle: r.postSignOut},
		{Pattern: "GET " + recoverPath, Handle: r.getRecover},
		{Pattern: "POST " + recoverPath, Handle: r.postRecover},
		{Pattern: "GET " + resetPath + "{token}", Handle: r.getReset},
		{Pattern: "POST " + resetPath + "{token}", Handle: r.postReset},
		{Pattern: "GET " + operatorPath + "{token}", Handle: r.getOperator},
		{Pattern: "POST " + operatorPath + "{token}", Handle: r.postOperator},
		{Pattern: "GET " + makeResetPath, Access: service.Operator, Handle: r.getMakeReset},
		{Pattern: "POST " + makeResetPath, Access: service.Operator, Handle: r.postMakeReset},
		{Pattern: "POST " + codesFilePath, Access: service.Leaving, Handle: r.postCodesFile},
		{Pattern: "GET " + ui.MePath, Access: service.Member, Handle: r.getMe},
		{Pattern: "GET " + settingsPath, Access: service.Member, Handle: r.getSettings},
		{Pattern: "POST " + settingsPath, Access: service.Member, Handle: r.postSettings},
		{Pattern: "GET " + profilePath, Access: service.Member, Handle: r.getProfile},
		{Pattern: "POST " + profilePath, Access: service.Member, Handle: r.postProfile, Upload: true},
		{Pattern: "GET " + passwordPath, Access: service.Member, Handle: r.getPassword},
		{Pattern: "POST " + passwordPath, Access: service.Member, Handle: r.postPassword},
		{Pattern: "POST " + codesPath, Access: service.Member, Handle: r.postCodes},
		{Pattern: "GET " + sessionsPath, Access: service.Member, Handle: r.getSessions},
		{Pattern: "POST " + endSessionPath, Access: service.Member, Handle: r.postEndSession},
		{Pattern: "POST " + endOthersPath, Access: service.Member, Handle: r.postEndOthers},
		{Pattern: "POST " + endAllPath, Access: service.Leaving, Handle: r.postEndAll},
		// Whoever closes one persona still reaches the others.
		{Pattern: "GET " + accountsPath, Access: service.Leaving, Handle: r.getAccounts},
		{Pattern: "POST " + switchPath, Access: service.Leaving, Handle: r.postSwitch},
		{Pattern: "POST " + accountsPath, Access: service.Member, Handle: r.postAccounts},
		{Pattern: "POST " + invitePath, Access: service.Member, Handle: r.postInvite},
		{Pattern: "POST " + removePath, Access: service.Member, Handle: r.postRemove},
		{Pattern: "GET " + joinPath + "{token}", Access: service.Member, Handle: r.getJoin},
		{Pattern: "POST " + joinPath + "{token}", Access: service.Member, Handle: r.postJoin},
	}
	for _, more := range [][]service.Route{r.passkeyRoutes(), r.registerRoutes(), r.boundRoutes(), r.listRoutes()} {
		routes = append(routes, more...)
	}
	return routes
}

// page draws a page of this room. Each has a form of its own, so none has the button to write.
func page(w http.ResponseWriter, req *http.Request, status int, title string, back *ui.Link, body templ.Component) error {
	f := service.Frame(req.Context(), title)
	f.Active, f.Back, f.NoIndex, f.WriteHref = ui.MePath, back, true, ""
	return ui.Render(w, req, status, ui.PageWith(f, body))
}

// problems are the sentences for what cannot be accepted, by the name of the field; "" is the
// whole form.
type problems map[string]string

func (p problems) status() int {
	if len(p) == 0 {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// explain turns an error that a person can do something about into a sentence at its field: the
// one whose prefix its key has. Any other error is given back.
func explain(ctx context.Context, err error, fields map[string]string) (problems, error) {
	var e *exit.Error
	if !errors.As(err, &e) {
		return nil, err
	}
	switch e.Kind {
	case exit.Invalid, exit.Conflict, exit.Unauthenticated, exit.TooMany:
	default:
		return nil, err
	}
	args := make([]any, 0, 2*len(e.Args))
	for k, v := range e.Args {
		args = append(args, k, v)
	}
	sentence := ui.Sentence(ctx, e.Key, args...)
	for prefix, field := range fields {
		if strings.HasPrefix(e.Key, prefix) {
			return problems{field: sentence}, nil
		}
	}
	return problems{"": sentence}, nil
}

// newFields are the fields of a new name and password.
var newFields = map[string]string{"account.error.name_": "name", "account.error.password_": "password", "account.error.slip": "slip", "account.error.work": "work", "account.error.patience": "patience", "account.error.about_": "about"}

func nameField(ctx context.Context, value string, p problems) ui.Field {
	return ui.Field{
		Name: "name", Label: ui.T(ctx, "account.field.name"), Hint: ui.T(ctx, "account.field.name_hint"), Value: value, Error: p["name"],
		Autocomplete: "username", MinLength: shortestName, MaxLength: longestName, Required: true, LowerCase: true,
	}
}

func newPasswordField(ctx context.Context, p problems) ui.Field {
	return ui.Field{
		Name: "password", Label: ui.T(ctx, "account.field.new_password"), Hint: ui.T(ctx, "account.field.password_hint"), Type: "password",
		Error: p["password"], Autocomplete: "new-password", MinLength: shortestPassword, MaxLength: longestPassword, Required: true,
	}
}

// firstPasswordField is the field of a person's first password.
func firstPasswordField(ctx context.Context, p problems) ui.Field {
	f := newPasswordField(ctx, p)
	f.Label = ui.T(ctx, "account.field.password")
	return f
}

func (r *Room) getSignUp(w http.ResponseWriter, req *http.Request) error {
	return r.showSignUp(w, req, NewPerson{}, nil)
}

func (r *Room) postSignUp(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	form := req.PostForm
	n := NewPerson{
		Name: form.Get("name"), Password: form.Get("password"), Slip: strings.TrimSpace(form.Get("slip")), Link: form.Get("link"), About: form.Get("about"),
		Challenge: form.Get("challenge"), Nonce: form.Get("nonce"),
	}
	if n.Name == "" && n.Password == "" && n.Slip != "" {
		return r.showSignUp(w, req, n, nil) // come from the slip's page: the name is still to be typed
	}
	c, err := r.tryFrom(ctx, req, n)
	if err != nil {
		p, err := explain(ctx, err, newFields)
		if err != nil {
			return err
		}
		return r.showSignUp(w, req, n, p)
	}
	return r.welcome(w, req, c)
}

// tryFrom signs up once the address's limit allows it.
func (r *Room) tryFrom(ctx context.Context, req *http.Request, n NewPerson) (Created, error) {
	// What cannot be a name or a password at all is not counted.
	if name, err := newName(n.Name); err != nil {
		return Created{}, err
	} else if err := checkPassword(n.Password, name); err != nil {
		return Created{}, err
	}
	// Nor is one who was asked to wait a little.
	s, err := r.settings(ctx)
	if err != nil {
		return Created{}, err
	}
	if err := r.checkWork(s.Work, n.Challenge, n.Nonce); err != nil {
		return Created{}, err
	}
	if err := r.TakeSignUp(ctx, req.RemoteAddr); err != nil {
		return Created{}, err
	}
	return r.SignUp(ctx, n)
}

// welcome signs a new person in and shows the recovery codes.
func (r *Room) welcome(w http.ResponseWriter, req *http.Request, c Created) error {
	token, err := r.Begin(req.Context(), c.Person, c.Account, req.UserAgent())
	if err != nil {
		return err
	}
	ctx, err := r.enter(w, req, token)
	if err != nil {
		return err
	}
	return showCodes(w, req.WithContext(ctx), c.Codes, c.Waits)
}

// enter hands the new session to the browser, ends the one before, and gives a context in which
// the page is drawn for the new viewer.
func (r *Room) enter(w http.ResponseWriter, req *http.Request, token string) (context.Context, error) {
	ctx := req.Context()
	before := service.SessionOf(ctx)
	if !before.Viewer.Guest() {
		if err := r.SignOut(ctx, before.Viewer); err != nil && exit.KindOf(err) != exit.NotFound {
			return ctx, err
		}
	}
	s, err := r.Lookup(ctx, token)
	if err != nil {
		return ctx, err
	}
	r.SetCookie(w, req, token)
	if s == nil {
		return ctx, nil
	}
	s.Path, s.Trial = before.Path, before.Trial
	return service.WithSession(ctx, s), nil
}

func showCodes(w http.ResponseWriter, req *http.Request, codes []string, waits bool) error {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	v := codesView{Codes: codes, Text: strings.Join(codes, " "), Next: ui.HomePath, Waits: waits}
	return page(w, req, http.StatusOK, ui.T(ctx, "account.codes.title"), nil, codesBody(v))
}

// postCodesFile gives recovery codes back as a text file. They come with the form: nobody else
// has them any more.
func (r *Room) postCodesFile(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	codes := req.PostForm["code"]
	if len(codes) == 0 || len(codes) > codesAtOnce {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	var b strings.Builder
	b.WriteString(ui.T(ctx, "account.codes.file", "Name", service.ViewerOf(ctx).Name) + "\r\n\r\n")
	for _, c := range codes {
		if _, ok := readCode(c); !ok {
			return exit.Fail(exit.Invalid, "account.error.choice")
		}
		b.WriteString(c + "\r\n")
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="recovery-codes.txt"`)
	h.Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(b.String()))
	return err
}

func badForm(err error) error {
	return &exit.Error{Kind: exit.Invalid, Key: "account.error.form", Err: err}
}

func (r *Room) getSignIn(w http.ResponseWriter, req *http.Request) error {
	return r.showSignIn(w, req, "", nil)
}

func (r *Room) showSignIn(w http.ResponseWriter, req *http.Request, name string, p problems) error {
	ctx := req.Context()
	field := nameField(ctx, name, p)
	field.Hint, field.MinLength, field.MaxLength = "", 0, 0
	_, _, why := r.party(req)
	if why == "" {
		field.Autocomplete = "username webauthn" // browsers offer passkeys where the name is typed
	}
	ways := []ui.Link{{Text: ui.T(ctx, "account.sign_in.lost"), Href: recoverPath}}
	if service.Allowed(ctx, exit.AllowJoin, "", 0) {
		ways = append(ways, ui.Link{Text: ui.T(ctx, "account.sign_in.new"), Href: signUpPath})
	}
	return page(w, req, p.status(), ui.T(ctx, "account.sign_in.title"), nil, signInBody(formView{
		Notice: p[""], Action: ui.SignInPath, Submit: ui.T(ctx, "account.sign_in.do"),
		Fields: []ui.Field{field, {Name: "password", Label: ui.T(ctx, "account.field.password"), Type: "password", Autocomplete: "current-password", Required: true}},
		Ways:   ways,
	}, why == ""))
}

func (r *Room) postSignIn(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	name := req.PostForm.Get("name")
	token, err := r.SignIn(ctx, name, req.PostForm.Get("password"), req.RemoteAddr, req.UserAgent())
	if err != nil {
		p, err := explain(ctx, err, nil)
		if err != nil {
			return err
		}
		return r.showSignIn(w, req, name, p)
	}
	if _, err := r.enter(w, req, token); err != nil {
		return err
	}
	return service.Done(w, req, ui.HomePath, "")
}

func (r *Room) postSignOut(w http.ResponseWriter, req *http.Request) error {
	if err := r.SignOut(req.Context(), service.ViewerOf(req.Context())); err != nil && exit.KindOf(err) != exit.NotFound {
		return err
	}
	r.SetCookie(w, req, "")
	return service.Done(w, req, ui.HomePath, "account.done.signed_out")
}

func (r *Room) getMe(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	own, err := r.store.accountsOf(ctx, v.Person)
	if err != nil {
		return err
	}
	view := meView{Ways: []wayView{
		{Icon: "bookmark", Name: ui.T(ctx, "talk.title.favourites"), About: ui.T(ctx, "account.me.favourites_about"), Href: "/me/favourites"},
		{Icon: "heart", Name: ui.T(ctx, "talk.title.likes"), About: ui.T(ctx, "account.me.likes_about"), Href: "/me/likes"},
		{Icon: "history", Name: ui.T(ctx, "account.me.history"), About: ui.T(ctx, "account.me.history_about"), Href: "/me/history"},
		{Icon: "pen-line", Name: ui.T(ctx, "post.drafts"), About: ui.T(ctx, "account.me.drafts_about"), Href: "/me/drafts"},
		{Icon: "user", Name: ui.T(ctx, "account.me.profile"), About: ui.T(ctx, "account.me.profile_about"), Href: profilePath},
		{Icon: "settings", Name: ui.T(ctx, "account.settings.title"), About: ui.T(ctx, "account.me.settings_about"), Href: settingsPath},
		{Icon: "door-open", Name: ui.T(ctx, "account.me.exit"), About: ui.T(ctx, "account.me.exit_about"), Href: ui.ExitPath},
	}}
	if view.Notices, err = r.waitsFor(ctx, v); err != nil {
		return err
	}
	if v.Operator {
		view.Ways = append(view.Ways, wayView{Icon: "shield", Name: ui.T(ctx, "install.desk"), About: ui.T(ctx, "account.me.desk_about"), Href: operatorDesk})
	}
	for _, a := range own {
		p := personaOf(ctx, a, v)
		if p.Here {
			view.Person = p.Person
		} else {
			view.Personas = append(view.Personas, p)
		}
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "account.me.title"), nil, meBody(view))
}

// waitsFor says what keeps a new account from writing: the operator has not looked yet, or something is to be bound first.
func (r *Room) waitsFor(ctx context.Context, v who.Viewer) (list []ui.Notice, err error) {
	waits, err := r.Waiting(ctx, v.Account)
	if err != nil {
		return nil, err
	}
	if waits {
		list = append(list, ui.Notice{Sentence: ui.T(ctx, "account.waiting")})
	}
	for _, kind := range proofKinds {
		held, err := r.store.restrainedOf(ctx, proofReason(kind), []who.ID{v.Account})
		if err != nil {
			return nil, err
		}
		if len(held) > 0 {
			name := ui.T(ctx, proofWords[string(kind)])
			list = append(list, ui.Notice{Sentence: ui.T(ctx, "account.proofs.needed", "Name", name), Action: &ui.Link{Text: ui.T(ctx, "account.proofs.go"), Href: proofsPath}})
		}
	}
	return list, nil
}

var (
	stateWords = ui.Keys("account.state.", "hibernating", "closing", "closed")
	kindWords  = ui.Keys("account.kind.", "personal", "organisation")
)

// personView gives an account as pages draw it.
func personView(a Account) ui.PersonView {
	return ui.PersonView{Name: a.Shown(), Handle: a.Name, Href: "/@" + a.Name, Avatar: service.MediaPath(a.Avatar)}
}

func personaOf(ctx context.Context, a Account, v who.Viewer) personaView {
	p := personaView{ID: a.ID.String(), Person: personView(a), Here: a.ID == v.Account}
	if key, ok := stateWords[string(a.State)]; ok {
		p.State = ui.T(ctx, key)
	}
	if a.Kind == Organisation {
		p.Kind = ui.T(ctx, kindWords[string(a.Kind)])
	}
	return p
}

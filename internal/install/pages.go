package install

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// The addresses of the room's pages. IconPath answers with the install's own icon.
const (
	OperatorPath = "/operator"
	IconPath     = "/icon.png"

	sitePath  = OperatorPath + "/site"
	aboutPath = "/about/"
)

// mostIcon bounds the form with the icon, in bytes; mostMemory is what of it is held in memory.
const (
	mostIcon   = 21 << 20
	mostMemory = 1 << 20
)

// about is a text of the operator's that everybody can read.
type about struct {
	name string
	text func(Settings) string
}

var abouts = []about{
	{"rules", func(s Settings) string { return s.Rules }},
	{"privacy", func(s Settings) string { return s.Privacy }},
	{"contact", func(s Settings) string { return s.Contact }},
}

var (
	aboutWords        = ui.Keys("install.about.", "rules", "privacy", "contact")
	registrationWords = ui.Keys("install.registration.", "open", "approval", "invitation", "closed")
	registrationHints = ui.Keys("install.registration_hint.", "open", "approval", "invitation", "closed")
)

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + OperatorPath, Access: service.Operator, Handle: r.getDesk},
		{Pattern: "GET " + sitePath, Access: service.Operator, Handle: r.getSite},
		{Pattern: "POST " + sitePath, Access: service.Operator, Handle: r.postSite, Upload: true},
		{Pattern: "GET " + aboutPath + "{text}", Handle: r.getAbout},
		{Pattern: "GET " + IconPath, Handle: r.getIcon},
	}
}

func frame(ctx context.Context, title string, back *ui.Link) ui.Frame {
	f := service.Frame(ctx, title)
	f.Active, f.Back, f.NoIndex, f.WriteHref = ui.MePath, back, true, ""
	return f
}

func toDesk(ctx context.Context) *ui.Link {
	return &ui.Link{Text: ui.T(ctx, "install.desk"), Href: OperatorPath}
}

// getDesk lists what an operator can do.
func (r *Room) getDesk(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	f := frame(ctx, ui.T(ctx, "install.desk"), &ui.Link{Text: ui.T(ctx, "ui.tab.me"), Href: ui.MePath})
	return ui.Render(w, req, http.StatusOK, deskPage(f, r.Ways))
}

// siteView is the form of the settings.
type siteView struct {
	Notice                  string
	Name, Slogan, Filing    ui.Field
	Quota, Work             ui.Field
	Rules, Privacy, Contact ui.TextArea
	Registration            ui.RadioCards
	Icon                    ui.FileInput
	IconSrc                 string
	Reset                   ui.Checkbox
}

func (r *Room) getSite(w http.ResponseWriter, req *http.Request) error {
	s, err := r.Current(req.Context())
	if err != nil {
		return err
	}
	return r.showSite(w, req, s, nil)
}

func (r *Room) showSite(w http.ResponseWriter, req *http.Request, s Settings, wrong *exit.Error) error {
	ctx := req.Context()
	field := func(key, value string, most int) ui.Field {
		return ui.Field{Name: key, Label: ui.T(ctx, siteWords[key]), Hint: ui.T(ctx, siteHints[key]), Value: value, MaxLength: most, Error: at(ctx, wrong, key)}
	}
	area := func(key, value string) ui.TextArea {
		return ui.TextArea{Name: key, Label: ui.T(ctx, siteWords[key]), Hint: ui.T(ctx, siteHints[key]), Value: value, MaxLength: longestText, Rows: 6, Error: at(ctx, wrong, key)}
	}
	v := siteView{
		Name: field("name", s.Name, longestName), Slogan: field("slogan", s.Slogan, longestSlogan), Filing: field("filing", s.Filing, longestFiling),
		Quota: field("quota", strconv.FormatInt(s.Quota>>20, 10), 12), Work: field("work", strconv.Itoa(s.Work), 2),
		Rules: area("rules", s.Rules), Privacy: area("privacy", s.Privacy), Contact: area("contact", s.Contact),
		Registration: ui.RadioCards{Name: "registration", Legend: ui.T(ctx, siteWords["registration"]), Error: at(ctx, wrong, "registration")},
		Icon:         ui.FileInput{Name: "icon", Label: ui.T(ctx, siteWords["icon"]), Hint: ui.T(ctx, siteHints["icon"]), Accept: "image/*", Error: at(ctx, wrong, "icon")},
	}
	v.Quota.InputMode, v.Work.InputMode = "numeric", "numeric"
	for _, way := range []Registration{Open, Approval, Invitation, Closed} {
		v.Registration.Options = append(v.Registration.Options, ui.Option{
			Value: string(way), Label: ui.T(ctx, registrationWords[string(way)]), Hint: ui.T(ctx, registrationHints[string(way)]), Selected: s.Registration == way,
		})
	}
	if s.Icon != "" {
		v.IconSrc = IconPath + "?" + s.Icon
		v.Reset = ui.Checkbox{Name: "reset", Label: ui.T(ctx, "install.icon_reset")}
	}
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
		v.Notice = ui.T(ctx, "install.not_saved")
	}
	return ui.Render(w, req, status, sitePage(frame(ctx, ui.T(ctx, "install.site"), toDesk(ctx)), v))
}

var (
	siteWords = ui.Keys("install.field.", "name", "slogan", "filing", "quota", "work", "rules", "privacy", "contact", "registration", "icon")
	siteHints = ui.Keys("install.hint.", "name", "slogan", "filing", "quota", "work", "rules", "privacy", "contact", "icon")
)

// at gives the sentence of an error that belongs to a field.
func at(ctx context.Context, e *exit.Error, field string) string {
	if e == nil {
		return ""
	}
	is := e.Key == "install.error."+field || field == "icon" && strings.HasPrefix(e.Key, "media.")
	if !is {
		return ""
	}
	return service.Sentence(ctx, e)
}

func (r *Room) postSite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	req.Body = http.MaxBytesReader(w, req.Body, mostIcon)
	if err := req.ParseMultipartForm(mostMemory); err != nil { //nolint:gosec // the line above bounds it
		return &exit.Error{Kind: exit.Invalid, Key: "install.error.form", Err: err}
	}
	s := Settings{
		Name: req.PostFormValue("name"), Slogan: req.PostFormValue("slogan"), Filing: req.PostFormValue("filing"), Rules: req.PostFormValue("rules"),
		Privacy: req.PostFormValue("privacy"), Contact: req.PostFormValue("contact"), Registration: Registration(req.PostFormValue("registration")),
	}
	s.Quota, s.Work = number(req, "quota"), int(number(req, "work"))
	if s.Quota > 0 {
		s.Quota <<= 20
	}
	err := r.Change(ctx, s)
	if err == nil {
		err = r.takeIcon(ctx, req)
	}
	var wrong *exit.Error
	if errors.As(err, &wrong) && wrong.Kind == exit.Invalid {
		return r.showSite(w, req, s, wrong)
	}
	if err != nil {
		return err
	}
	return service.Done(w, req, sitePath, "install.saved")
}

// number reads a whole number of at most twelve digits; -1 for what is none.
func number(req *http.Request, name string) int64 {
	text := strings.TrimSpace(req.PostFormValue(name))
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) > 12 || n < 0 {
		return -1
	}
	return n
}

func (r *Room) takeIcon(ctx context.Context, req *http.Request) error {
	if req.PostFormValue("reset") != "" {
		return r.ChangeIcon(ctx, nil)
	}
	f, _, err := req.FormFile("icon")
	if errors.Is(err, http.ErrMissingFile) {
		return nil
	}
	if err != nil {
		return &exit.Error{Kind: exit.Invalid, Key: "install.error.form", Err: err}
	}
	return errors.Join(r.ChangeIcon(ctx, f), f.Close())
}

func (r *Room) getIcon(w http.ResponseWriter, req *http.Request) error {
	f, err := r.Icon(req.Context())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	if req.URL.RawQuery != "" {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // the query is its version
	}
	http.ServeContent(w, req, "", time.Time{}, f)
	return nil
}

func (r *Room) getAbout(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	s, err := r.Current(ctx)
	if err != nil {
		return err
	}
	for _, a := range abouts {
		if a.name == req.PathValue("text") && a.text(s) != "" {
			f := service.Frame(ctx, ui.T(ctx, aboutWords[a.name]))
			return ui.Render(w, req, http.StatusOK, aboutPage(f, a.text(s)))
		}
	}
	return exit.Fail(exit.NotFound, "error.not_found")
}

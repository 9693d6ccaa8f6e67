package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// groups are the parts of the settings, in their order; the last cannot be switched off in the centre.
var groups = []string{"talk", "channel", "circle", "staff", "house", "fixed"}

var groupTitles = ui.Keys("notify.group.", "talk", "channel", "circle", "staff", "house", "fixed")

// groupView is a part of the settings.
type groupView struct {
	title    string
	switches []ui.Checkbox
}

// addressView is what the page knows of the account's address.
type addressView struct {
	field  ui.Field
	text   string // "" for none
	proven bool
}

// settingsView is the page on which an account chooses what it is told.
type settingsView struct {
	centre  []groupView
	mail    []groupView  // nil: no address is proven
	address *addressView // nil: this install sends no e-mail
}

func (r *Room) getSettings(w http.ResponseWriter, req *http.Request) error {
	return r.showSettings(w, req, http.StatusOK, ui.Field{})
}

// showSettings draws the page; typed is the address and what is wrong with it.
func (r *Room) showSettings(w http.ResponseWriter, req *http.Request, status int, typed ui.Field) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	chosen, err := r.chosen(ctx, v.Account)
	if err != nil {
		return err
	}
	view := settingsView{centre: choices(ctx, chosen, "centre-", func(k rule) bool { return !k.fixed }, func(s Switch) bool { return s.Centre })}
	if r.Post != nil {
		a, there, err := r.store.addressOf(ctx, v.Account)
		if err != nil {
			return err
		}
		view.address = &addressView{field: addressField(ctx, typed)}
		if there {
			view.address.text, view.address.proven = a.text, a.proven
		}
		if view.address.proven {
			view.mail = choices(ctx, chosen, "mail-", func(k rule) bool { return k.kind != Announced }, func(s Switch) bool { return s.Mail })
		}
	}
	f := service.Frame(ctx, ui.T(ctx, "notify.settings.title"))
	f.NoIndex, f.WriteHref, f.Active, f.Back = true, "", ui.MePath, &ui.Link{Text: ui.T(ctx, "notify.title"), Href: centrePath}
	return ui.Render(w, req, status, settingsPage(f, view))
}

func addressField(ctx context.Context, typed ui.Field) ui.Field {
	return ui.Field{
		Name: "address", Label: ui.T(ctx, "notify.address.label"), Hint: ui.T(ctx, "notify.address.hint"), Type: "email", Value: typed.Value, Error: typed.Error,
		Autocomplete: "email", InputMode: "email", MaxLength: addressLength, Required: true, LowerCase: true,
	}
}

// choices gives the switches of the kinds that are asked for, by group.
func choices(ctx context.Context, chosen map[Kind]Switch, prefix string, asked func(rule) bool, on func(Switch) bool) []groupView {
	var out []groupView
	for _, name := range groups {
		g := groupView{title: ui.T(ctx, groupTitles[name])}
		for _, k := range rules {
			if k.group == name && asked(k) {
				g.switches = append(g.switches, ui.Checkbox{Name: prefix + string(k.kind), Label: ui.T(ctx, names[string(k.kind)]), Checked: on(chosen[k.kind]), Switch: true})
			}
		}
		if len(g.switches) > 0 {
			out = append(out, g)
		}
	}
	return out
}

func (r *Room) postSettings(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	chosen, err := r.chosen(ctx, v.Account)
	if err != nil {
		return err
	}
	for _, k := range rules {
		s := chosen[k.kind]
		switch req.PostForm.Get("part") {
		case "centre":
			s.Centre = k.fixed || req.PostForm.Has("centre-"+string(k.kind))
		case "mail":
			s.Mail = req.PostForm.Has("mail-" + string(k.kind))
		}
		chosen[k.kind] = s
	}
	if err := r.Choose(ctx, v, chosen); err != nil {
		return err
	}
	return service.Done(w, req, SettingsPath, "notify.done.saved")
}

// Choose stores what the viewer's account wants of each kind.
func (r *Room) Choose(ctx context.Context, v who.Viewer, chosen map[Kind]Switch) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		if err := r.store.setSwitches(ctx, pass, v.Account, chosen); err != nil {
			return err
		}
		r.wakeAfter(ctx, v.Account)
		return nil
	})
}

func badForm(err error) error {
	return &exit.Error{Kind: exit.Invalid, Key: "notify.error.form", Err: fmt.Errorf("read form: %w", err)}
}

func (r *Room) postAddress(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	text := req.PostFormValue("address")
	err := r.Bind(ctx, service.ViewerOf(ctx), text)
	var e *exit.Error
	if errors.As(err, &e) && (e.Kind == exit.Invalid || e.Kind == exit.TooMany) {
		args := make([]any, 0, 2*len(e.Args))
		for name, value := range e.Args {
			args = append(args, name, value)
		}
		return r.showSettings(w, req, http.StatusUnprocessableEntity, ui.Field{Value: text, Error: ui.Sentence(ctx, e.Key, args...)})
	}
	if err != nil {
		return err
	}
	return service.Done(w, req, SettingsPath, "notify.done.sent")
}

func (r *Room) postUnbind(w http.ResponseWriter, req *http.Request) error {
	if err := r.Unbind(req.Context(), service.ViewerOf(req.Context())); err != nil {
		return err
	}
	return service.Done(w, req, SettingsPath, "notify.done.unbound")
}

// askView is a page with one sentence and one button: what a link in an e-mail leads to. Opening it changes
// nothing, for programs open links too.
type askView struct {
	about  string
	button ui.Button
	action string
	done   bool
}

func ask(w http.ResponseWriter, req *http.Request, title string, v askView) error {
	f := service.Frame(req.Context(), title)
	f.NoIndex, f.WriteHref, f.Bell = true, "", nil
	return ui.Render(w, req, http.StatusOK, askPage(f, v))
}

func (r *Room) getProve(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	a, err := r.unproven(ctx, req.PathValue("token"))
	if err != nil {
		return err
	}
	return ask(w, req, ui.T(ctx, "notify.prove.title"), askView{
		about: ui.T(ctx, "notify.prove.about", "Address", a.text), action: req.URL.Path, button: ui.Button{Label: ui.T(ctx, "notify.prove.do"), Kind: ui.Primary},
	})
}

func (r *Room) postProve(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	if err := r.Prove(ctx, req.PathValue("token")); err != nil {
		return err
	}
	return ask(w, req, ui.T(ctx, "notify.prove.title"), askView{about: ui.T(ctx, "notify.prove.done"), done: true})
}

func (r *Room) getStop(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, _ := who.ParseID(req.PathValue("id"))
	k := Kind(req.PathValue("kind"))
	if _, ok := ruleOf(k); !ok || !r.proves(id, k, req.PathValue("proof")) {
		return exit.Fail(exit.NotFound, "notify.error.link")
	}
	return ask(w, req, ui.T(ctx, "notify.stop.title"), askView{
		about: ui.T(ctx, "notify.stop.about", "Kind", ui.T(ctx, names[string(k)])), action: req.URL.Path, button: ui.Button{Label: ui.T(ctx, "notify.stop.do"), Kind: ui.Primary},
	})
}

// postStop takes the button of the page and the one-click request of a mail program (RFC 8058) alike.
func (r *Room) postStop(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, _ := who.ParseID(req.PathValue("id"))
	k := Kind(req.PathValue("kind"))
	if err := r.StopMail(ctx, id, k, req.PathValue("proof")); err != nil {
		return err
	}
	return ask(w, req, ui.T(ctx, "notify.stop.title"), askView{about: ui.T(ctx, "notify.stop.done", "Kind", ui.T(ctx, names[string(k)])), done: true})
}

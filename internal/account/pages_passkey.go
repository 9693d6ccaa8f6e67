package account

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// The addresses of passkeys. ProvePath gives the challenge for a proof; the answer goes with the form that asks for one.
const (
	passkeysPath      = "/settings/passkeys"
	beginPasskeyPath  = passkeysPath + "/begin"
	removePasskeyPath = passkeysPath + "/remove"
	keySignInPath     = ui.SignInPath + "/passkey"
	beginSignInPath   = keySignInPath + "/begin"
	ProvePath         = passkeysPath + "/prove"
)

// passkeyField is the field in which a browser's answer to a challenge is posted.
const passkeyField = "passkey"

func (r *Room) passkeyRoutes() []service.Route {
	return []service.Route{
		{Pattern: "POST " + beginSignInPath, Handle: r.postBegin(useSignIn)},
		{Pattern: "POST " + keySignInPath, Handle: r.postKeySignIn},
		{Pattern: "GET " + passkeysPath, Access: service.Member, Handle: r.getPasskeys},
		{Pattern: "POST " + passkeysPath, Access: service.Member, Handle: r.postPasskeys},
		{Pattern: "POST " + beginPasskeyPath, Access: service.Member, Handle: r.postBegin(useRegister)},
		{Pattern: "POST " + removePasskeyPath, Access: service.Member, Handle: r.postRemovePasskey},
		{Pattern: "POST " + ProvePath, Access: service.Leaving, Handle: r.postBegin(useProve)},
	}
}

func (r *Room) ceremonyCookie(req *http.Request) string {
	if r.secure(req) {
		return "__Host-passkey"
	}
	return "passkey"
}

func (r *Room) setCeremony(w http.ResponseWriter, req *http.Request, value string) {
	age := int(challengeLife / time.Second)
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: r.ceremonyCookie(req), Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.secure(req),
	})
}

// takeCeremony gives what the challenge's cookie holds and takes the cookie back.
func (r *Room) takeCeremony(w http.ResponseWriter, req *http.Request) string {
	c, err := req.Cookie(r.ceremonyCookie(req))
	if err != nil {
		return ""
	}
	r.setCeremony(w, req, "")
	return c.Value
}

// postBegin answers a script with a challenge: {"options": …}, or {"problem": a sentence}. A new key asks for a proof first, so
// that nobody who finds a device signed in gives themselves a way in for ever.
func (r *Room) postBegin(use string) func(w http.ResponseWriter, req *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		if err := req.ParseForm(); err != nil {
			return badForm(err)
		}
		ctx := req.Context()
		v := service.ViewerOf(ctx)
		options, c, err := r.challenge(req, use, v)
		if err == nil && use == useRegister {
			err = r.Prove(ctx, v.Person, req.PostForm.Get("proof"))
		}
		if err != nil {
			p, err := explain(ctx, err, nil)
			if err != nil {
				return err
			}
			return answerJSON(w, http.StatusUnprocessableEntity, map[string]any{"problem": p[""]})
		}
		value, err := r.sealed(c)
		if err != nil {
			return err
		}
		r.setCeremony(w, req, value)
		return answerJSON(w, http.StatusOK, map[string]any{"options": options})
	}
}

func answerJSON(w http.ResponseWriter, status int, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err = w.Write(b)
	return err
}

func (r *Room) postKeySignIn(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	token, err := r.signInByPasskey(ctx, r.takeCeremony(w, req), req.PostForm.Get(passkeyField), req.RemoteAddr, req.UserAgent())
	if err != nil {
		p, err := explain(ctx, err, nil)
		if err != nil {
			return err
		}
		return r.showSignIn(w, req, "", p)
	}
	if _, err := r.enter(w, req, token); err != nil {
		return err
	}
	return service.Done(w, req, ui.HomePath, "")
}

func (r *Room) getPasskeys(w http.ResponseWriter, req *http.Request) error {
	return r.showPasskeys(w, req, "", nil)
}

func (r *Room) showPasskeys(w http.ResponseWriter, req *http.Request, name string, p problems) error {
	ctx := req.Context()
	keys, err := r.Passkeys(ctx, service.ViewerOf(ctx).Person)
	if err != nil {
		return err
	}
	view := passkeysView{Notice: p[""], Keys: keys}
	if _, _, why := r.party(req); why != "" {
		view.Why = ui.Sentence(ctx, why)
	} else {
		view.Fields = []ui.Field{
			{Name: "name", Label: ui.T(ctx, "account.field.passkey_name"), Hint: ui.T(ctx, "account.field.passkey_name_hint"), Value: name, Error: p["name"], Autocomplete: "off", MaxLength: longestKeyName, Required: true},
			{Name: "proof", Label: ui.T(ctx, "account.field.present"), Hint: ui.T(ctx, "account.field.present_hint"), Type: "password", Autocomplete: "current-password", Required: true, MaxLength: 4 * longestPassword},
		}
	}
	return page(w, req, p.status(), ui.T(ctx, "account.passkeys.title"), settingsLink(req), passkeysBody(view))
}

func (r *Room) postPasskeys(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	name := req.PostForm.Get("name")
	err := r.register(ctx, service.ViewerOf(ctx), r.takeCeremony(w, req), req.PostForm.Get(passkeyField), name)
	if err != nil {
		p, err := explain(ctx, err, map[string]string{"account.error.passkey_name": "name"})
		if err != nil {
			return err
		}
		return r.showPasskeys(w, req, name, p)
	}
	return service.Done(w, req, passkeysPath, "account.done.passkey")
}

func (r *Room) postRemovePasskey(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	id, ok := who.ParseID(req.PostForm.Get("key"))
	if !ok {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if err := r.removePasskey(ctx, service.ViewerOf(ctx), id); err != nil {
		p, err := explain(ctx, err, nil)
		if err != nil {
			return err
		}
		return r.showPasskeys(w, req, "", p)
	}
	return service.Done(w, req, passkeysPath, "account.done.passkey_removed")
}

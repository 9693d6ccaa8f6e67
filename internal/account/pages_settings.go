package account

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"exeunt/internal/notify"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// zones are offered in the settings, from west to east; an account's own is added where it is
// another.
var zones = []string{
	"Pacific/Honolulu", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York", "America/Sao_Paulo", "UTC", "Europe/London",
	"Europe/Paris", "Europe/Berlin", "Africa/Johannesburg", "Europe/Helsinki", "Europe/Moscow", "Asia/Dubai", "Asia/Kolkata", "Asia/Bangkok", "Asia/Shanghai",
	"Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Australia/Perth", "Asia/Tokyo", "Asia/Seoul", "Australia/Sydney", "Pacific/Auckland",
}

func (r *Room) getSettings(w http.ResponseWriter, req *http.Request) error {
	s, err := r.store.settings(req.Context(), service.ViewerOf(req.Context()).Account)
	if err != nil {
		return err
	}
	return r.showSettings(w, req, s, nil)
}

func (r *Room) showSettings(w http.ResponseWriter, req *http.Request, s Settings, p problems) error {
	ctx := req.Context()
	v := settingsView{
		Notice:   p[""],
		Language: languageCards(ctx, s.Language), Theme: themeCards(ctx, s.Theme), SeenBy: seenByCards(ctx, s.SeenBy), Found: foundBox(ctx, s.Unfound), Zone: zoneSelect(ctx, s.Zone, p),
	}
	offered, err := r.offered(ctx, service.ViewerOf(ctx).Account)
	if err != nil {
		return err
	}
	v.Groups = settingsGroups(ctx, offered)
	return page(w, req, p.status(), ui.T(ctx, "account.settings.title"), meLink(req), settingsBody(v))
}

// settingsGroups are the ways on from the settings; that to proofs only where they are offered.
func settingsGroups(ctx context.Context, proofs bool) []wayGroup {
	account := wayGroup{ID: "account", Title: ui.T(ctx, "account.settings.account"), Ways: []wayView{
		{Icon: "user", Name: ui.T(ctx, "account.me.profile"), About: ui.T(ctx, "account.me.profile_about"), Href: profilePath},
		{Icon: "users", Name: ui.T(ctx, "account.accounts.title"), About: ui.T(ctx, "account.accounts.about"), Href: accountsPath},
		{Icon: "scale", Name: ui.T(ctx, "moderate.standing"), About: ui.T(ctx, "moderate.standing.short"), Href: service.StandingPath},
	}}
	if proofs {
		account.Ways = append(account.Ways, wayView{Icon: "file-check", Name: ui.T(ctx, "account.proofs.title"), About: ui.T(ctx, "account.proofs.short"), Href: proofsPath})
	}
	return []wayGroup{
		account,
		{ID: "sign-in", Title: ui.T(ctx, "account.settings.sign_in"), Ways: []wayView{
			{Icon: "lock", Name: ui.T(ctx, "account.password.title"), About: ui.T(ctx, "account.password.about"), Href: passwordPath},
			{Icon: "key-round", Name: ui.T(ctx, "account.passkeys.title"), About: ui.T(ctx, "account.passkeys.short"), Href: passkeysPath},
			{Icon: "shield-check", Name: ui.T(ctx, "account.sessions.title"), About: ui.T(ctx, "account.sessions.short"), Href: sessionsPath},
		}},
		{ID: "shown", Title: ui.T(ctx, "account.settings.shown"), Ways: []wayView{
			{Icon: "compass", Name: ui.T(ctx, "account.settings.entrances"), About: ui.T(ctx, "account.settings.entrances_about"), Href: entrancesPath},
			{Icon: "house", Name: ui.T(ctx, "account.home.title"), About: ui.T(ctx, "account.home.about"), Href: "/settings/home"},
			{Icon: "bell", Name: ui.T(ctx, "notify.settings.title"), About: ui.T(ctx, "notify.settings.about"), Href: notify.SettingsPath},
		}},
		{ID: "others", Title: ui.T(ctx, "account.settings.others"), Ways: []wayView{
			{Icon: "ban", Name: ui.T(ctx, "relation.blocks"), About: ui.T(ctx, "relation.blocks.short"), Href: relation.BlocksPath},
			{Icon: "eye-off", Name: ui.T(ctx, "relation.mutes"), About: ui.T(ctx, "relation.mutes.short"), Href: relation.MutesPath},
		}},
	}
}

func languageCards(ctx context.Context, chosen ui.Lang) ui.RadioCards {
	c := ui.RadioCards{Name: "language", Legend: ui.T(ctx, "account.settings.language"), Inline: true}
	c.Options = append(c.Options, ui.Option{Value: "", Label: ui.T(ctx, "account.settings.language_auto"), Selected: chosen == ""})
	for _, l := range ui.Langs() {
		c.Options = append(c.Options, ui.Option{Value: string(l), Label: l.T("ui.lang.own"), Selected: l == chosen})
	}
	return c
}

var themeWords = ui.Keys("ui.theme.", "auto", "light", "dark")

func themeCards(ctx context.Context, chosen ui.Theme) ui.RadioCards {
	c := ui.RadioCards{Name: "theme", Legend: ui.T(ctx, "account.settings.theme"), Inline: true}
	for _, t := range []ui.Theme{ui.ThemeAuto, ui.ThemeLight, ui.ThemeDark} {
		word := string(t)
		if t == ui.ThemeAuto {
			word = "auto"
		}
		c.Options = append(c.Options, ui.Option{Value: string(t), Label: ui.T(ctx, themeWords[word]), Selected: t == chosen})
	}
	return c
}

var seenByWords = ui.Keys("account.seen_by.", "only-me", "followers", "everyone")

func seenByCards(ctx context.Context, chosen relation.SeenBy) ui.RadioCards {
	c := ui.RadioCards{Name: "seen_by", Legend: ui.T(ctx, "account.settings.seen_by"), Hint: ui.T(ctx, "account.settings.seen_by_hint")}
	for _, by := range []relation.SeenBy{relation.ByMe, relation.ByFollowers, relation.ByEveryone} {
		c.Options = append(c.Options, ui.Option{Value: string(by), Label: ui.T(ctx, seenByWords[string(by)]), Selected: by == chosen})
	}
	return c
}

func foundBox(ctx context.Context, unfound bool) ui.Checkbox {
	return ui.Checkbox{Name: "found", Label: ui.T(ctx, "account.settings.found"), Hint: ui.T(ctx, "account.settings.found_hint"), Checked: !unfound}
}

func zoneSelect(ctx context.Context, chosen string, p problems) ui.Select {
	s := ui.Select{Name: "zone", Label: ui.T(ctx, "account.settings.zone"), Hint: ui.T(ctx, "account.settings.zone_hint"), Error: p["zone"]}
	s.Options = append(s.Options, ui.Option{Value: "", Label: ui.T(ctx, "account.settings.zone_auto"), Selected: chosen == ""})
	list := zones
	if chosen != "" && !slices.Contains(zones, chosen) {
		list = append([]string{chosen}, zones...)
	}
	now := ui.ReaderFrom(ctx).Now
	for _, name := range list {
		l, ok := zone(name)
		if !ok {
			continue
		}
		s.Options = append(s.Options, ui.Option{Value: name, Label: fmt.Sprintf("%s (UTC%s)", strings.ReplaceAll(name, "_", " "), now.In(l).Format("-07:00")), Selected: name == chosen})
	}
	return s
}

func (r *Room) postSettings(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	s := Settings{
		Language: ui.Lang(req.PostForm.Get("language")), Theme: ui.Theme(req.PostForm.Get("theme")),
		Zone: req.PostForm.Get("zone"), SeenBy: relation.SeenBy(req.PostForm.Get("seen_by")), Unfound: req.PostForm.Get("found") == "",
	}
	if err := r.SetSettings(ctx, service.ViewerOf(ctx), s); err != nil {
		p, err := explain(ctx, err, map[string]string{"account.error.zone": "zone"})
		if err != nil {
			return err
		}
		return r.showSettings(w, req, s, p)
	}
	ui.ForgetPreferences(w, r.secure(req)) // what was chosen on this browser gives way to what is chosen now
	return service.Done(w, req, settingsPath, "account.done.saved")
}

func settingsLink(req *http.Request) *ui.Link {
	return &ui.Link{Text: ui.T(req.Context(), "account.settings.title"), Href: settingsPath}
}

func (r *Room) getProfile(w http.ResponseWriter, req *http.Request) error {
	p, err := r.store.profile(req.Context(), service.ViewerOf(req.Context()).Account)
	if err != nil {
		return err
	}
	return showProfile(w, req, p, nil)
}

func showProfile(w http.ResponseWriter, req *http.Request, p Profile, wrong problems) error {
	ctx := req.Context()
	picture := func(which Which, key, label, width, height string) pictureView {
		return pictureView{
			Src: service.MediaPath(key), Width: width, Height: height,
			Input:  ui.FileInput{Name: string(which), Label: label, Hint: ui.T(ctx, "account.profile.picture_hint"), Error: wrong[string(which)], Accept: "image/jpeg,image/png,image/gif,image/webp"},
			Remove: ui.Checkbox{Name: string(which) + "_remove", Label: ui.T(ctx, "account.profile.picture_remove")},
		}
	}
	v := profileView{
		Notice:  wrong[""],
		Display: ui.Field{Name: "display", Label: ui.T(ctx, "account.field.display"), Hint: ui.T(ctx, "account.field.display_hint"), Value: p.Display, Error: wrong["display"], Autocomplete: "nickname", MaxLength: longestDisplay},
		Bio:     ui.TextArea{Name: "bio", Label: ui.T(ctx, "account.field.bio"), Value: p.Bio, Error: wrong["bio"], MaxLength: longestBio},
		Avatar:  picture(Avatar, p.Avatar, ui.T(ctx, "account.profile.avatar"), "96", "96"),
		Cover:   picture(Cover, p.Cover, ui.T(ctx, "account.profile.cover"), "288", "96"),
	}
	// One empty row more than there are links; saving brings the next.
	for i := range min(len(p.Links)+1, mostLinks) {
		var l ProfileLink
		if i < len(p.Links) {
			l = p.Links[i]
		}
		n := i + 1
		view := linkView{
			Label: ui.Field{Name: fmt.Sprintf("label%d", n), Label: ui.T(ctx, "account.field.link_label", "N", n), Value: l.Label, MaxLength: longestLabel},
			URL:   ui.Field{Name: fmt.Sprintf("url%d", n), Label: ui.T(ctx, "account.field.link_url", "N", n), Value: l.URL, InputMode: "url", MaxLength: longestURL, LowerCase: true},
		}
		if i == 0 {
			view.URL.Error = wrong["link"]
		}
		v.Links = append(v.Links, view)
	}
	return page(w, req, wrong.status(), ui.T(ctx, "account.profile.title"), settingsLink(req), profileBody(v))
}

// profileFields are the fields of a profile by their errors.
var profileFields = map[string]string{
	"account.error.display_": "display", "account.error.bio_": "bio", "account.error.link_": "link",
}

func (r *Room) postProfile(w http.ResponseWriter, req *http.Request) error {
	// Two pictures and the words; what is over a megabyte lies in a temporary file meanwhile.
	req.Body = http.MaxBytesReader(w, req.Body, 2*mostPicture+1<<20)
	if err := req.ParseMultipartForm(1 << 20); err != nil { //nolint:gosec // the line above bounds it
		return badForm(err)
	}
	defer req.MultipartForm.RemoveAll() //nolint:errcheck // temporary files; the system clears what is left
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	had, err := r.store.profile(ctx, v.Account)
	if err != nil {
		return err
	}
	p := Profile{Display: req.PostForm.Get("display"), Bio: req.PostForm.Get("bio"), Avatar: had.Avatar, Cover: had.Cover}
	for i := range mostLinks {
		l := ProfileLink{Label: req.PostForm.Get(fmt.Sprintf("label%d", i+1)), URL: req.PostForm.Get(fmt.Sprintf("url%d", i+1))}
		if l != (ProfileLink{}) {
			p.Links = append(p.Links, l)
		}
	}
	if err := r.SetProfile(ctx, v, p); err != nil {
		wrong, err := explain(ctx, err, profileFields)
		if err != nil {
			return err
		}
		return showProfile(w, req, p, wrong)
	}
	for _, which := range []Which{Avatar, Cover} {
		if err := r.postPicture(ctx, v, req.MultipartForm, which); err != nil {
			wrong, err := explain(ctx, err, map[string]string{"media.": string(which)})
			if err != nil {
				return err
			}
			return showProfile(w, req, p, wrong)
		}
	}
	return service.Done(w, req, profilePath, "account.done.saved")
}

// postPicture stores or removes a picture as the form asks.
func (r *Room) postPicture(ctx context.Context, v who.Viewer, form *multipart.Form, which Which) error {
	if files := form.File[string(which)]; len(files) > 0 && files[0].Size > 0 {
		f, err := files[0].Open()
		if err != nil {
			return fmt.Errorf("read picture: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		return r.SetPicture(ctx, v, which, io.Reader(f))
	}
	if len(form.Value[string(which)+"_remove"]) > 0 {
		return r.SetPicture(ctx, v, which, nil)
	}
	return nil
}

func (r *Room) getPassword(w http.ResponseWriter, req *http.Request) error {
	return r.showPassword(w, req, nil, nil)
}

func (r *Room) showPassword(w http.ResponseWriter, req *http.Request, p, codes problems) error {
	ctx := req.Context()
	left, err := r.store.codesLeft(ctx, service.ViewerOf(ctx).Person)
	if err != nil {
		return err
	}
	present := ui.Field{Name: "present", Label: ui.T(ctx, "account.field.present"), Hint: ui.T(ctx, "account.field.present_hint"), Type: "password", Autocomplete: "current-password", Required: true}
	proof := present
	proof.Name, present.Error, proof.Error = "proof", p["present"], codes["proof"]
	v := passwordView{
		Left:     left,
		Password: formView{Notice: p[""], Action: passwordPath, Submit: ui.T(ctx, "account.save"), Fields: []ui.Field{present, newPasswordField(ctx, p)}},
		Codes:    formView{Notice: codes[""], Action: codesPath, Submit: ui.T(ctx, "account.codes.renew"), Fields: []ui.Field{proof}},
	}
	return page(w, req, max(p.status(), codes.status()), ui.T(ctx, "account.password.title"), settingsLink(req), passwordBody(v))
}

func (r *Room) postPassword(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	err := r.ChangePassword(ctx, service.ViewerOf(ctx), req.PostForm.Get("present"), req.PostForm.Get("password"))
	if err != nil {
		p, err := explain(ctx, err, map[string]string{"account.error.password_": "password", "account.error.wrong_proof": "present"})
		if err != nil {
			return err
		}
		return r.showPassword(w, req, p, nil)
	}
	return service.Done(w, req, settingsPath, "account.done.password")
}

func (r *Room) postCodes(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	codes, err := r.NewCodes(ctx, service.ViewerOf(ctx), req.PostForm.Get("proof"))
	if err != nil {
		p, err := explain(ctx, err, map[string]string{"account.error.wrong_proof": "proof"})
		if err != nil {
			return err
		}
		return r.showPassword(w, req, nil, p)
	}
	return showCodes(w, req, codes, false)
}

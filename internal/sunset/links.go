package sunset

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Addresses by which an archive is fetched with a link from an e-mail.
const (
	linkPath  = "/archives/"
	fetchPath = "/archives/files/"
)

// fetchTime is how long the files can be downloaded after a link was used up, by the machine clock: a large one is gone on with after it broke off.
const fetchTime = 24 * time.Hour

// exportRoutes are the pages of archives that nobody had to ask for.
func (r *Room) exportRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + linkPath + "{secret}", Access: service.Anyone, Handle: r.getLink},
		{Pattern: "POST " + linkPath + "{secret}", Access: service.Anyone, Handle: r.postLink},
		{Pattern: "GET " + fetchPath + "{secret}", Access: service.Anyone, Handle: r.getFetch},
		{Pattern: "GET " + fetchPath + "{secret}/{volume}/{name}", Access: service.Anyone, Handle: r.getFile},
		{Pattern: "GET " + namedPath + "{name}/archives", Access: service.Operator, Handle: r.getFailed},
		{Pattern: "POST " + namedPath + "{name}/archives/{run}/retry", Access: service.Operator, Handle: r.postRetry},
		{Pattern: "POST " + namedPath + "{name}/archives/{run}/skip", Access: service.Operator, Handle: r.postSkip},
	}
}

// linkHash is what is kept of a link's secret.
func linkHash(secret string) string {
	sum := sha256.Sum256([]byte("archive " + secret))
	return hex.EncodeToString(sum[:])
}

// Link makes a link by which the archive that a run has made without being asked for can be opened once, and gives its path; "" where there is no such archive of the
// account. Its secret has 130 bits and is nowhere but in what is given; a link that was made before and not used works no longer. It is over when
// archives are not kept any more.
func (r *Room) Link(ctx context.Context, account who.ID, run string) (path string, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, account)
		if err != nil {
			return err
		}
		l, ok, err := r.store.linkable(ctx, account, run)
		if err != nil || !ok || !l.ends.After(pass.At) {
			return err
		}
		secret := strings.ToLower(rand.Text())
		l.id, path = r.DB.IDs.Next(), linkPath+secret
		return r.store.addLink(ctx, pass, l, linkHash(secret), pass.At)
	})
	return path, err
}

// once gives the path that an e-mail about an archive leads to besides: "" for an archive that its owner has asked for.
func (r *Room) once(ctx context.Context, n notify.Notice) (string, error) {
	run, err := r.Leave.RunOfExport(ctx, n.On.ID)
	if err != nil || run == "" {
		return "", err
	}
	return r.Link(ctx, n.To, run)
}

// lateOf gives until when the archives of a calendar are kept.
func lateOf(source string) (time.Time, error) {
	cal, err := exit.ParseSunset([]byte(source))
	if err != nil {
		return time.Time{}, fmt.Errorf("read calendar: %w", err)
	}
	return cal.Late, nil
}

// good gives a link that has not been used, or, with fetch, one that was and whose files can be downloaded. NotFound for any other.
func (r *Room) good(ctx context.Context, secret string, fetch bool) (link, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return link{}, err
	}
	column := "hash"
	if fetch {
		column = "pass"
	}
	l, ok, err := r.store.readLink(ctx, column, linkHash(secret), now)
	if err != nil {
		return l, err
	}
	if !ok || fetch == l.fetchUntil.IsZero() || fetch && !l.fetchUntil.After(r.DB.Clock.Now()) {
		return link{}, exit.Fail(exit.NotFound, "sunset_export.error.link")
	}
	return l, nil
}

// use uses a link up and gives the secret by which the files can be downloaded.
func (r *Room) use(ctx context.Context, secret string) (fetch string, err error) {
	fetch = strings.ToLower(rand.Text())
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		l, err := r.good(ctx, secret, false)
		if err != nil {
			return err
		}
		pass, err := r.Desk.EnterExit(ctx, l.account)
		if err != nil {
			return err
		}
		done, err := r.store.useLink(ctx, pass, l, linkHash(fetch), r.DB.Clock.Now().Add(fetchTime))
		if err == nil && !done {
			err = exit.Fail(exit.NotFound, "sunset_export.error.link")
		}
		return err
	})
	return fetch, err
}

// linkView is what a link opens. It names nobody.
type linkView struct {
	Sentence string
	Until    string
	Action   string // uses the link up; "" once it is
	Files    []fileView
}

type fileView struct{ Name, Size, SHA256, Href string }

func (r *Room) linkPage(w http.ResponseWriter, req *http.Request, l link, v linkView) error {
	ctx := req.Context()
	h := w.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Cache-Control", "no-store")
	v.Sentence = ui.T(ctx, "sunset_export.made", "Name", r.Leave.EndsName(ctx, l.scope))
	f := ui.Frame{Title: ui.T(ctx, "sunset_export.title"), Path: req.URL.Path, NoIndex: true, Bare: true, Trial: service.SessionOf(ctx).Trial}
	return ui.Render(w, req, http.StatusOK, archivePage(f, v))
}

func (r *Room) getLink(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	l, err := r.good(ctx, req.PathValue("secret"), false)
	if err != nil {
		return err
	}
	return r.linkPage(w, req, l, linkView{Action: req.URL.Path, Until: ui.T(ctx, "sunset_export.link.until", "Date", ui.DateIn(ctx, l.ends.Add(-time.Second)))})
}

func (r *Room) postLink(w http.ResponseWriter, req *http.Request) error {
	fetch, err := r.use(req.Context(), req.PathValue("secret"))
	if err != nil {
		return err
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, req, fetchPath+fetch, http.StatusSeeOther)
	return nil
}

func (r *Room) getFetch(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	l, err := r.good(ctx, req.PathValue("secret"), true)
	if err != nil {
		return err
	}
	volumes, err := r.Leave.VolumesOf(ctx, l.run)
	if err != nil {
		return err
	}
	v := linkView{Until: ui.T(ctx, "sunset_export.fetch.until")}
	for _, x := range volumes {
		v.Files = append(v.Files, fileView{Name: x.Name, Size: ui.Bytes(x.Bytes), SHA256: x.SHA256, Href: req.URL.Path + "/" + x.ID.String() + "/" + x.Name})
	}
	return r.linkPage(w, req, l, v)
}

// getFile sends one file, whole or in ranges.
func (r *Room) getFile(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	l, err := r.good(ctx, req.PathValue("secret"), true)
	if err != nil {
		return err
	}
	volumes, err := r.Leave.VolumesOf(ctx, l.run)
	if err != nil {
		return err
	}
	for _, x := range volumes {
		if x.ID.String() == req.PathValue("volume") && x.Name == req.PathValue("name") {
			return r.Leave.SendVolume(w, req, x)
		}
	}
	return exit.Fail(exit.NotFound, "error.not_found")
}

package circle

import (
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// settingsView is the page of a circle's owner.
type settingsView struct {
	Circle
	Form     draftView
	Owner    bool // not a co-owner
	Offer    *Offer
	Heir     string
	Problems problems
}

func (r *Room) settings(w http.ResponseWriter, req *http.Request) error {
	return r.settingsPage(w, req, nil, "", nil)
}

func (r *Room) settingsPage(w http.ResponseWriter, req *http.Request, typed *Draft, heir string, p problems) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	c, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return err
	}
	if !runs(m) {
		return exit.Fail(exit.Forbidden, "circle.error.owner_only")
	}
	d := Draft{
		Name: c.Name, Intro: c.Intro, Category: c.Category, Rules: c.Rules, Question: c.Question, Mode: c.Mode, Preview: c.Preview, Unlisted: c.Unlisted, Approves: c.Approves,
	}
	if typed != nil {
		d = *typed
	}
	view := settingsView{
		Circle: c, Owner: owns(m), Heir: heir, Problems: p,
		Form: draftView{Draft: d, Action: Path(id) + "/settings", Button: ui.T(ctx, "circle.save"), Whole: true, Problems: p},
	}
	if view.Owner {
		offer, ok, err := r.OfferOf(ctx, v, id)
		if err != nil {
			return err
		}
		if ok {
			view.Offer = &offer
		}
	}
	return page(w, req, p.status(), ui.T(ctx, "circle.settings"), toCircle(ctx, c), settingsBody(view))
}

func (r *Room) change(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	d := draftOf(req)
	if err := r.Change(ctx, service.ViewerOf(ctx), id, d); err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.settingsPage(w, req, &d, "", p)
	}
	return service.Done(w, req, Path(id)+"/settings", "circle.done.saved")
}

func (r *Room) offerTo(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	heir := req.PostFormValue("heir")
	if err := r.OfferTo(ctx, service.ViewerOf(ctx), id, heir); err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.settingsPage(w, req, nil, heir, p)
	}
	return service.Done(w, req, Path(id)+"/settings", "circle.done.offered")
}

// owning answers a form of the owner that has nothing to type.
func (r *Room) owning(w http.ResponseWriter, req *http.Request, do func(context.Context, who.Viewer, who.ID) error, to, done string) error {
	id, err := idOf(req)
	if err != nil {
		return err
	}
	if err := do(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, Path(id)+to, done)
}

func (r *Room) withdraw(w http.ResponseWriter, req *http.Request) error {
	return r.owning(w, req, r.Withdraw, "/settings", "circle.done.withdrawn")
}

func (r *Room) endPage(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	c, m, err := r.Circle(ctx, service.ViewerOf(ctx), id)
	switch {
	case err != nil:
		return err
	case !owns(m):
		return exit.Fail(exit.Forbidden, "circle.error.owner_only")
	case c.State == Ended:
		return service.Done(w, req, Path(id), "")
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.end"), toCircle(ctx, c), endForm(boardView{Circle: c}))
}

func (r *Room) end(w http.ResponseWriter, req *http.Request) error {
	return r.owning(w, req, r.End, "", "circle.done.ended")
}

// offersView is the page of what is offered to the viewer.
type offersView struct {
	Offers []Offer
	Older  string
}

func (r *Room) offersPage(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	list, err := r.Offers(ctx, service.ViewerOf(ctx), before(req), circlesAPage)
	if err != nil {
		return err
	}
	view := offersView{Offers: list}
	if len(list) == circlesAPage {
		view.Older = "/circles/offers?before=" + list[circlesAPage-1].ID.String()
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.offers"), toCircles(ctx), offersList(view))
}

func (r *Room) take(w http.ResponseWriter, req *http.Request) error {
	offer, _ := who.ParseID(req.PathValue("offer"))
	id, err := r.Take(req.Context(), service.ViewerOf(req.Context()), offer)
	if err != nil {
		return err
	}
	return service.Done(w, req, Path(id), "circle.done.taken")
}

func (r *Room) decline(w http.ResponseWriter, req *http.Request) error {
	offer, _ := who.ParseID(req.PathValue("offer"))
	if err := r.Decline(req.Context(), service.ViewerOf(req.Context()), offer); err != nil {
		return err
	}
	return service.Done(w, req, "/circles/offers", "circle.done.declined")
}

// mostUpload bounds a form with both pictures, in bytes.
const mostUpload = 2*mostPicture + 1<<20

// pictures stores cover and avatar, or takes them away.
func (r *Room) pictures(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	req.Body = http.MaxBytesReader(w, req.Body, mostUpload)
	if err := req.ParseMultipartForm(1 << 20); err != nil { //nolint:gosec // the line above bounds it
		return &exit.Error{Kind: exit.Invalid, Key: "media.error.too_heavy", Args: map[string]any{"MB": mostPicture / 1_000_000}, Err: err}
	}
	defer req.MultipartForm.RemoveAll() //nolint:errcheck // temporary files; the system clears what is left
	for _, which := range []Which{Cover, Avatar} {
		if err := r.takePicture(ctx, v, id, which, req.MultipartForm); err != nil {
			p, err := explain(ctx, err)
			if err != nil {
				return err
			}
			return r.settingsPage(w, req, nil, "", problems{string(which): p["picture"] + p[""]})
		}
	}
	return service.Done(w, req, Path(id)+"/settings", "circle.done.saved")
}

// takePicture stores one of the form's two pictures, if one was chosen, or takes it away if that was.
func (r *Room) takePicture(ctx context.Context, v who.Viewer, id who.ID, which Which, form *multipart.Form) (err error) {
	files := form.File[string(which)]
	if len(files) == 0 || files[0].Filename == "" {
		if len(form.Value[string(which)+"_remove"]) == 0 {
			return nil
		}
		return r.SetPicture(ctx, v, id, which, nil)
	}
	f, err := files[0].Open()
	if err != nil {
		return fmt.Errorf("open upload: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.SetPicture(ctx, v, id, which, f)
}

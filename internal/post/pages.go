package post

import (
	"context"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Bounds of a posted form: nine images of 20 MB each and the words.
const (
	mostForm   = 9*20<<20 + 1<<20
	mostMemory = 8 << 20 // of a form; what is more goes to temporary files
)

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "GET /write", Access: service.Member, Handle: r.getWrite},
		{Pattern: "POST /write", Access: service.Member, Handle: r.postWrite, Upload: true},
		{Pattern: "GET /posts/{id}", Handle: r.getPost},
		{Pattern: "GET /posts/{id}/edit", Access: service.Member, Handle: r.getEdit},
		{Pattern: "POST /posts/{id}/edit", Access: service.Member, Handle: r.postEdit, Upload: true},
		{Pattern: "GET /posts/{id}/delete", Access: service.Member, Handle: r.getDelete},
		{Pattern: "POST /posts/{id}/delete", Access: service.Member, Handle: r.postDelete},
		{Pattern: "POST /posts/{id}/undo", Access: service.Member, Handle: r.postUndo},
		{Pattern: "POST /posts/{id}/feature", Access: service.Member, Handle: r.postArrange(r.Feature, "post.done.featured", "post.done.unfeatured")},
		{Pattern: "POST /posts/{id}/pin", Access: service.Member, Handle: r.postArrange(r.Pin, "post.done.pinned", "post.done.unpinned")},
		{Pattern: "POST /posts/{id}/accept", Access: service.Member, Handle: r.postAccept},
		{Pattern: "POST /posts/{id}/refuse", Access: service.Member, Handle: r.postRefuse},
		{Pattern: "GET /submissions/page", Access: service.Member, Handle: r.getSubmissions},
		{Pattern: "GET /submissions/{service}/{id}", Access: service.Member, Handle: r.getSubmissions},
		{Pattern: "GET /me/drafts", Access: service.Member, Handle: r.getDrafts},
		{Pattern: "POST /me/drafts/{id}/delete", Access: service.Member, Handle: r.postDropDraft},
		{Pattern: "GET /topics/{id}", Handle: r.getTopic},
		{Pattern: "POST /topics/{id}/rename", Access: service.Member, Handle: r.postRename},
		{Pattern: "GET /share/{kind}/{id}", Access: service.Member, Handle: r.getShare},
	}
}

func pathID(req *http.Request) (who.ID, error) {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return 0, exit.Fail(exit.NotFound, "error.not_found")
	}
	return id, nil
}

func (r *Room) getPost(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	p, err := r.one(ctx, v, id)
	switch {
	case err != nil:
		return err
	case undoes(v, p):
		return renderUndo(w, req, p)
	case !sees(v, p):
		return exit.Fail(exit.NotFound, "error.not_found")
	case p.State == Drafted:
		return service.Done(w, req, "/write?draft="+p.ID.String(), "")
	}
	views, err := r.Views(ctx, v, []Post{p})
	if err != nil {
		return err
	}
	views[0].Whole = true
	f := service.Frame(ctx, ui.T(ctx, "post.title"))
	f.NoIndex = p.Audience != who.Public || p.State != Live
	f.Back, f.Shared, f.Share = back(p), shared(p, views[0]), shareMenu(ctx, p, views[0])
	page := postPage(f, views[0], nil)
	if r.Beneath != nil && !previews(v, p) {
		beneath, err := r.Beneath(ctx, v, p.Thing(v), req.URL.Query())
		if err != nil {
			return err
		}
		page = postPage(f, views[0], beneath)
	}
	return ui.Render(w, req, http.StatusOK, page)
}

// back leads to where a post stands.
func back(p Post) *ui.Link {
	switch {
	case p.In.Name != "":
		return &ui.Link{Text: p.In.Name, Href: p.In.Href}
	case p.Service == Page && p.Author != 0:
		return &ui.Link{Text: p.author().Name, Href: p.author().Href}
	}
	return nil
}

// editable gives the form of a post that the viewer may edit.
func (r *Room) editable(ctx context.Context, v who.Viewer, id who.ID) (form, error) {
	p, err := r.one(ctx, v, id)
	if err != nil {
		return form{}, err
	}
	if !changes(v, p) {
		return form{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	cards, err := r.cards(ctx, v, cardRefs(p))
	if err != nil {
		return form{}, err
	}
	texts, err := r.Decode(ctx, v.Account, p.Text)
	if err != nil {
		return form{}, err
	}
	images, err := r.store.images(ctx, []who.ID{id})
	if err != nil {
		return form{}, err
	}
	word, _ := p.Audience.Split()
	f := form{action: p.Link() + "/edit", back: &ui.Link{Text: ui.T(ctx, "post.title"), Href: p.Link()}, text: texts[0], audience: word, place: p.In, own: p.Service == Page, edit: true, card: cards[p.Card], imageAlts: map[who.ID]string{}}
	for _, i := range images[id] {
		if i.Key != "" {
			f.images = append(f.images, i)
			f.imageAlts[i.ID] = i.Alt
		}
	}
	return f, nil
}

func (r *Room) getEdit(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req)
	if err != nil {
		return err
	}
	f, err := r.editable(req.Context(), service.ViewerOf(req.Context()), id)
	if err != nil {
		return err
	}
	return render(w, req, http.StatusOK, f)
}

func (r *Room) postEdit(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	if err := parse(w, req); err != nil {
		return err
	}
	defer letGo(req)
	f, err := r.editable(ctx, v, id)
	if err != nil {
		return err
	}
	f.read(req)
	if err := r.Edit(ctx, v, id, Change{Text: f.text, Audience: f.audience, Images: uploads(req, f.alts), Drop: f.drop, Alts: f.imageAlts}); err != nil {
		return again(w, req, f, err)
	}
	return service.Done(w, req, "/posts/"+id.String(), "post.done.edited")
}

func (r *Room) getDelete(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	p, err := r.one(ctx, v, id)
	if err != nil {
		return err
	}
	if !removes(v, p) {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	views, err := r.Views(ctx, v, []Post{p})
	if err != nil {
		return err
	}
	views[0].Menu, views[0].Like.Action, views[0].Saved, views[0].Share = nil, "", nil, ""
	f := service.Frame(ctx, ui.T(ctx, "post.delete.title"))
	f.NoIndex, f.Back = true, &ui.Link{Text: ui.T(ctx, "post.title"), Href: p.Link()}
	return ui.Render(w, req, http.StatusOK, deletePage(f, views[0]))
}

func (r *Room) postDelete(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	p, err := r.One(ctx, v, id)
	if err != nil {
		return err
	}
	if err := r.Delete(ctx, v, id); err != nil {
		return err
	}
	if r.Queue != nil {
		return service.Done(w, req, p.Link(), "") // which offers to take it back
	}
	return service.Done(w, req, backHref(p), "post.done.deleted")
}

func backHref(p Post) string {
	if link := back(p); link != nil {
		return link.Href
	}
	return ui.HomePath
}

// renderUndo is the page of a post that the viewer deleted a moment ago.
func renderUndo(w http.ResponseWriter, req *http.Request, p Post) error {
	f := service.Frame(req.Context(), ui.T(req.Context(), "post.deleted.title"))
	f.NoIndex, f.WriteHref, f.Back = true, "", back(p)
	return ui.Render(w, req, http.StatusOK, undoPage(f, p.Link()+"/undo", backHref(p)))
}

func (r *Room) postUndo(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req)
	if err != nil {
		return err
	}
	err = r.Undo(req.Context(), service.ViewerOf(req.Context()), id)
	if exit.KindOf(err) == exit.NotFound {
		return exit.Fail(exit.NotFound, "post.error.undone")
	}
	if err != nil {
		return err
	}
	return service.Done(w, req, "/posts/"+id.String(), "post.done.undone")
}

// postArrange answers a button of a post's menu: the field on says whether it is done or, "0", taken back.
func (r *Room) postArrange(do func(context.Context, who.Viewer, who.ID, bool) error, done, undone string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		id, err := pathID(req)
		if err != nil {
			return err
		}
		on, said := true, done
		if req.PostFormValue("on") == "0" {
			on, said = false, undone
		}
		if err := do(req.Context(), service.ViewerOf(req.Context()), id, on); err != nil {
			return err
		}
		return service.Done(w, req, req.PostFormValue("back"), said)
	}
}

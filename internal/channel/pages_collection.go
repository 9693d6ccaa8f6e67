package channel

import (
	"net/http"
	"strconv"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// collectionsView is the page of one's collections.
type collectionsView struct {
	List        []Collection
	Older       string
	Title, Text string
	Problems    problems
}

func (r *Room) getCollections(w http.ResponseWriter, req *http.Request) error {
	return r.showCollections(w, req, collectionsView{})
}

func (r *Room) showCollections(w http.ResponseWriter, req *http.Request, view collectionsView) error {
	ctx := req.Context()
	c, err := r.mine(ctx, service.ViewerOf(ctx))
	if err != nil {
		return err
	}
	before, _ := who.ParseID(req.FormValue("before"))
	if view.List, err = r.store.collections(ctx, c.Account, before, collectionsAPage); err != nil {
		return err
	}
	if len(view.List) == collectionsAPage {
		view.Older = collectionsPath + "?before=" + view.List[collectionsAPage-1].ID.String()
	}
	return page(w, req, view.Problems.status(), ui.T(ctx, "channel.collections"), toChannel(c), collectionsPage(view))
}

// postCollection makes a collection, or changes the one that the address names.
func (r *Room) postCollection(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, _ := who.ParseID(req.PathValue("id"))
	title, text := req.PostFormValue("title"), req.PostFormValue("text")
	saved, err := r.SaveCollection(ctx, service.ViewerOf(ctx), id, title, text)
	if err == nil {
		return service.Done(w, req, CollectionPath(saved), "channel.done.saved")
	}
	p, err := explain(ctx, err)
	if err != nil {
		return err
	}
	if id != 0 {
		return r.showCollection(w, req, &Collection{Title: title, Text: text}, p)
	}
	return r.showCollections(w, req, collectionsView{Title: title, Text: text, Problems: p})
}

func (r *Room) getCollection(w http.ResponseWriter, req *http.Request) error {
	return r.showCollection(w, req, nil, nil)
}

func (r *Room) showCollection(w http.ResponseWriter, req *http.Request, typed *Collection, p problems) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return errNoCollection()
	}
	c, owner, err := r.Collection(ctx, v, id)
	if err != nil {
		return err
	}
	after, err := strconv.ParseInt(req.FormValue("after"), 10, 64)
	if err != nil {
		after = 0 // the beginning
	}
	list, last, err := r.store.inCollection(ctx, v.Account, id, after, tilesAPage)
	if err != nil {
		return err
	}
	view := listView{About: c.Text, Tiles: tilesOf(v, list), None: ui.T(ctx, "channel.collection.none"), Problems: p}
	if len(list) == tilesAPage {
		view.Older = CollectionPath(id) + "?after=" + strconv.FormatInt(last, 10)
	}
	if c.Owner == v.Account && v.State == who.Active {
		form := c
		if typed != nil {
			form.Title, form.Text = typed.Title, typed.Text
		}
		view.Collection, view.After = &form, after
		for _, x := range list {
			view.Moves = append(view.Moves, x.ID)
		}
	}
	f := service.Frame(ctx, c.Title)
	f.Active, f.Back, f.WriteHref, f.Description = Service.Path, toChannel(owner), "", c.Text
	f.NoIndex = !seesChannel(who.Viewer{}, owner)
	return ui.Render(w, req, p.status(), ui.PageWith(f, listPage(view)))
}

// postMove has a video change places with its neighbour.
func (r *Room) postMove(w http.ResponseWriter, req *http.Request) error {
	id, ok := who.ParseID(req.PathValue("id"))
	video, known := who.ParseID(req.PostFormValue("video"))
	if !ok || !known {
		return errNoCollection()
	}
	if err := r.MoveInCollection(req.Context(), service.ViewerOf(req.Context()), id, video, req.PostFormValue("to") == "before"); err != nil {
		return err
	}
	back := CollectionPath(id)
	if after, err := strconv.ParseInt(req.PostFormValue("after"), 10, 64); err == nil && after > 0 {
		back += "?after=" + strconv.FormatInt(after, 10)
	}
	return service.Done(w, req, back, "channel.done.moved")
}

func (r *Room) postDropCollection(w http.ResponseWriter, req *http.Request) error {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "channel.error.no_collection")
	}
	if err := r.DropCollection(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, collectionsPath, "channel.done.collection_gone")
}

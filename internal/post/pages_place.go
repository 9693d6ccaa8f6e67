package post

import (
	"context"
	"errors"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// How many posts a page of submissions or of a topic lists.
const postsShown = 20

// pathPlace gives the place that an address names, as the viewer finds it; without an id that of own pages.
func (r *Room) pathPlace(ctx context.Context, v who.Viewer, req *http.Request) (Place, error) {
	if req.PathValue("id") == "" {
		return r.placeOf(ctx, v, Page, 0)
	}
	id, err := pathID(req)
	if err != nil {
		return Place{}, err
	}
	name := req.PathValue("service")
	if name == Page {
		return Place{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	return r.placeOf(ctx, v, name, id)
}

// submissionsView is the queue of a place.
type submissionsView struct {
	posts  []ui.PostView
	next   string
	wrong  string // beneath the reason of the post refused
	refuse string // the id of the post whose refusal was wrong
	reason string
}

func (r *Room) getSubmissions(w http.ResponseWriter, req *http.Request) error {
	return r.renderSubmissions(w, req, func() (Place, error) {
		return r.pathPlace(req.Context(), service.ViewerOf(req.Context()), req)
	}, submissionsView{})
}

func (r *Room) renderSubmissions(w http.ResponseWriter, req *http.Request, at func() (Place, error), view submissionsView) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, err := at()
	if err != nil {
		return err
	}
	list, err := r.Submitted(ctx, v, p, ParseCursor(req.URL.Query().Get("after")), postsShown)
	if err != nil {
		return err
	}
	if view.posts, err = r.Views(ctx, v, list); err != nil {
		return err
	}
	for i := range view.posts {
		view.posts[i].Bar, view.posts[i].Menu, view.posts[i].Saved = nil, nil, nil
	}
	path := queueLink(Post{Service: p.Service, Place: p.ID})
	if next := Next(list, postsShown).String(); next != "" {
		view.next = path + "?after=" + next
	}
	f := service.Frame(ctx, ui.T(ctx, "post.queue"))
	f.NoIndex, f.WriteHref = true, ""
	if p.Name != "" {
		f.Back = &ui.Link{Text: p.Name, Href: p.Href}
	}
	status := http.StatusOK
	if view.wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	return ui.Render(w, req, status, submissionsPage(f, view))
}

// queued gives a submission that the viewer may decide on.
func (r *Room) queued(req *http.Request) (Post, error) {
	id, err := pathID(req)
	if err != nil {
		return Post{}, err
	}
	return r.standing(req.Context(), service.ViewerOf(req.Context()), id, decides)
}

func (r *Room) postAccept(w http.ResponseWriter, req *http.Request) error {
	p, err := r.queued(req)
	if err != nil {
		return err
	}
	if err := r.AcceptSubmission(req.Context(), service.ViewerOf(req.Context()), p.ID); err != nil {
		return err
	}
	return service.Done(w, req, queueLink(p), "post.done.accepted")
}

func (r *Room) postRefuse(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	p, err := r.queued(req)
	if err != nil {
		return err
	}
	err = r.RefuseSubmission(ctx, service.ViewerOf(ctx), p.ID, req.PostFormValue("reason-"+p.ID.String()))
	var e *exit.Error
	if errors.As(err, &e) && e.Kind == exit.Invalid {
		view := submissionsView{refuse: p.ID.String(), reason: req.PostFormValue("reason-" + p.ID.String()), wrong: ui.Sentence(ctx, e.Key, args(e)...)}
		return r.renderSubmissions(w, req, func() (Place, error) {
			if p.Service == Page {
				return r.placeOf(ctx, service.ViewerOf(ctx), Page, 0)
			}
			return p.In, nil
		}, view)
	}
	if err != nil {
		return err
	}
	return service.Done(w, req, queueLink(p), "post.done.refused")
}

// topicView is the page of a topic.
type topicView struct {
	topic Topic
	posts []ui.PostView
	older string
	write string
	menu  []ui.Action
	staff bool   // the viewer may rename it
	name  string // typed, of the topic
	wrong string
}

func (r *Room) getTopic(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req)
	if err != nil {
		return err
	}
	return r.renderTopic(w, req, id, "", "")
}

// renderTopic shows a topic; name and wrong are those of a renaming that was refused.
func (r *Room) renderTopic(w http.ResponseWriter, req *http.Request, id who.ID, name, wrong string) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	t, p, err := r.Topic(ctx, v, id)
	if err != nil {
		return err
	}
	list, err := r.InPlace(ctx, v, p, Latest, t.ID, ParseCursor(req.URL.Query().Get("before")), postsShown)
	if err != nil {
		return err
	}
	view := topicView{topic: t, staff: t.Service != Page && p.Staff && v.State == who.Active, name: t.Name, wrong: wrong}
	status := http.StatusOK
	if wrong != "" {
		view.name, status = name, http.StatusUnprocessableEntity
	}
	if view.posts, err = r.Views(ctx, v, list); err != nil {
		return err
	}
	if view.menu, err = r.topicMenu(ctx, v, t); err != nil {
		return err
	}
	if next := Next(list, postsShown).String(); next != "" {
		view.older = t.Link() + "?before=" + next
	}
	f := service.Frame(ctx, "#"+t.Name)
	f.NoIndex = t.Service != Page
	if p.Name != "" {
		f.Back = &ui.Link{Text: p.Name, Href: p.Href}
	}
	if !t.Closed && !v.Guest() && v.State == who.Active && (t.Service == Page || p.Member && !p.Ended) {
		view.write = "/write?topic=" + t.ID.String()
		if t.Service != Page {
			view.write += "&in=" + p.Ref().String()
		}
		f.WriteHref = view.write
	}
	return ui.Render(w, req, status, topicPage(f, view))
}

// topicMenu lets the viewer mute a topic, or take that back.
func (r *Room) topicMenu(ctx context.Context, v who.Viewer, t Topic) ([]ui.Action, error) {
	if v.Guest() || v.State != who.Active {
		return nil, nil
	}
	quieted, err := r.store.quieted(ctx, v.Account, t.ID)
	if quieted {
		return []ui.Action{relation.UnmuteAction(ctx, t.Ref())}, err
	}
	return []ui.Action{relation.MuteAction(ctx, t.Ref())}, err
}

// wrongName tells what is wrong with a topic's name, if that is what the error is about.
func wrongName(ctx context.Context, err error) string {
	var e *exit.Error
	if errors.As(err, &e) && (e.Kind == exit.Invalid || e.Kind == exit.Conflict) {
		return ui.Sentence(ctx, e.Key, args(e)...)
	}
	return ""
}

func (r *Room) postRename(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := pathID(req)
	if err != nil {
		return err
	}
	name := req.PostFormValue("name")
	if err := r.RenameTopic(ctx, service.ViewerOf(ctx), id, name); err != nil {
		if wrong := wrongName(ctx, err); wrong != "" {
			return r.renderTopic(w, req, id, name, wrong)
		}
		return err
	}
	return service.Done(w, req, Topic{ID: id}.Link(), "post.done.topic")
}

// shareView is the page on which one chooses where a card goes.
type shareView struct {
	card   *ui.CardView
	ref    string
	places []Place
	link   string // outside, "" if the install does not know its address
}

func (r *Room) getShare(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	ref, ok := who.ParseRef(req.PathValue("kind") + ":" + req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	if err := r.mayShare(ctx, v, ref); err != nil {
		return err
	}
	cards, err := r.cards(ctx, v, []who.Ref{ref})
	if err != nil {
		return err
	}
	view := shareView{card: cards[ref], ref: ref.String()}
	if r.Places != nil {
		mine, err := r.Places.Mine(ctx, v)
		if err != nil {
			return err
		}
		for _, p := range mine {
			if !p.Ended {
				view.places = append(view.places, p)
			}
		}
	}
	if link := ui.Absolute(ctx, view.card.Href); link != view.card.Href {
		view.link = link
	}
	f := service.Frame(ctx, ui.T(ctx, "post.share"))
	f.NoIndex, f.WriteHref, f.Back = true, "", &ui.Link{Text: view.card.Kind, Href: view.card.Href}
	return ui.Render(w, req, http.StatusOK, sharePage(f, view))
}

// reasonOf gives the reason that was typed for a submission.
func (v submissionsView) reasonOf(id string) string {
	if v.refuse == id {
		return v.reason
	}
	return ""
}

// wrongOf gives what is wrong with it.
func (v submissionsView) wrongOf(id string) string {
	if v.refuse == id {
		return v.wrong
	}
	return ""
}

// button leads to writing in the topic; nil if the viewer may not.
func (v topicView) button(ctx context.Context) *ui.Button {
	if v.write == "" {
		return nil
	}
	return &ui.Button{Label: ui.T(ctx, "post.write"), Href: v.write}
}

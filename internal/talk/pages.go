package talk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// How many threads and marks a page lists.
const (
	threadsShown = 30
	marksShown   = 30
)

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	routes := []service.Route{
		{Pattern: "POST /talk/{kind}/{id}/comments", Access: service.Member, Handle: r.postComment},
		{Pattern: "GET /talk/comments/{id}", Handle: r.getThread},
		{Pattern: "GET /talk/comments/{id}/delete", Access: service.Member, Handle: r.getDelete},
		{Pattern: "POST /talk/comments/{id}/delete", Access: service.Member, Handle: r.postDelete},
		{Pattern: "POST /talk/comments/{id}/pin", Access: service.Member, Handle: r.postPin},
		{Pattern: "GET /me/likes", Access: service.Member, Handle: r.getMarks(likes)},
		{Pattern: "GET /me/favourites", Access: service.Member, Handle: r.getMarks(favourites)},
	}
	like := func(private bool) func(context.Context, who.Viewer, who.Ref) error {
		return func(ctx context.Context, v who.Viewer, ref who.Ref) error { return r.Like(ctx, v, ref, private) }
	}
	for name, do := range map[string]func(context.Context, who.Viewer, who.Ref) error{"like": like(false), "like-privately": like(true), "unlike": r.Unlike, "save": r.Save, "unsave": r.Unsave} {
		undo := map[string]func(context.Context, who.Viewer, who.Ref) error{"like": r.Unlike, "like-privately": r.Unlike, "save": r.Unsave}[name]
		routes = append(routes, service.Route{Pattern: "POST /talk/{kind}/{id}/" + name, Access: service.Member, Handle: r.postMark(do, undo)})
	}
	return routes
}

func pathRef(req *http.Request) (who.Ref, error) {
	ref, ok := who.ParseRef(req.PathValue("kind") + ":" + req.PathValue("id"))
	if !ok {
		return ref, exit.Fail(exit.NotFound, "error.not_found")
	}
	return ref, nil
}

// postMark answers a button that is tapped: the field on says whether the mark is made or, "0", taken back.
func (r *Room) postMark(do, undo func(context.Context, who.Viewer, who.Ref) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		ref, err := pathRef(req)
		if err != nil {
			return err
		}
		act := do
		if req.PostFormValue("on") == "0" && undo != nil {
			act = undo
		}
		if err := act(req.Context(), service.ViewerOf(req.Context()), ref); err != nil {
			return err
		}
		return service.Done(w, req, req.PostFormValue("back"), "")
	}
}

// sayView is the form for a comment.
type sayView struct {
	action string
	parent string // the comment that is answered, "" for none
	to     string // whom the answer is for
	text   string
	wrong  string
	cancel string // leads back from an answer
	bullet bool   // it is a form for a bullet comment
	at     string // the moment, as it was typed
}

// beneathView is what stands below a post or a video.
type beneathView struct {
	comments []ui.CommentView
	orders   []ui.PageTab
	more     string // the address of the next page of threads
	first    bool
	say      *sayView
	guest    bool
	closed   *ui.Notice // why nothing can be said any more; nil: it can
	bullet   *sayView   // for bullet comments without scripts; nil: the thing is not played
}

var orderWords = ui.Keys("talk.order_by.", "oldest", "newest", "liked")

// Beneath draws the comments below a post or a video and the form for one; query is that of its page: "order", "after" and "reply".
func (r *Room) Beneath(ctx context.Context, v who.Viewer, t service.Thing, query url.Values) (templ.Component, error) {
	o := ParseOrder(query.Get("order"))
	comments, next, err := r.Comments(ctx, v, t, o, query.Get("after"), threadsShown)
	if err != nil {
		return nil, err
	}
	view := beneathView{comments: comments, first: query.Get("after") == "", guest: v.Guest()}
	if next != "" {
		view.more = t.Link + "?order=" + string(o) + "&after=" + next + "#comments"
	}
	if len(comments) > 1 || next != "" || !view.first {
		for _, x := range []Order{Oldest, Newest, Liked} {
			view.orders = append(view.orders, ui.PageTab{Label: ui.T(ctx, orderWords[string(x)]), Href: t.Link + "?order=" + string(x) + "#comments", Count: -1, Active: x == o})
		}
	}
	if view.closed = service.Closed(ctx, exit.AllowWrite, t.Service, t.Place); view.closed != nil || !t.Talk {
		return beneathPost(view), nil
	}
	say := sayView{action: "/talk/" + t.Ref.Kind + "/" + t.Ref.ID.String() + "/comments"}
	if id, ok := who.ParseID(query.Get("reply")); ok {
		to, err := r.above(ctx, v, t.Ref, id)
		if err != nil && exit.KindOf(err) != exit.NotFound {
			return nil, err
		}
		if err == nil {
			say.parent, say.to, say.cancel = to.ID.String(), person(to).Name, t.Link+"#comments"
		}
	}
	view.say = &say
	if r.played(t.Ref.Kind) {
		view.bullet = &sayView{action: say.action, bullet: true}
	}
	return beneathPost(view), nil
}

// answersAPage is how many answers the page of one comment lists.
const answersAPage = 50

// threadView is the page of one comment with its answers.
type threadView struct {
	comment ui.CommentView
	earlier string // the address of its first answers, "" where they are shown
	more    string
	say     *sayView
}

// getThread shows a comment with its answers; the page of an answer begins with it, beneath what it answers.
func (r *Room) getThread(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	top, from, err := r.threadOf(ctx, v, req)
	if err != nil {
		return err
	}
	t, err := r.Registry.Thing(ctx, v, top.On)
	if err != nil {
		return err
	}
	if t.Preview {
		return exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	answers, err := r.store.answers(ctx, v.Account, top.ID, from, answersAPage+1)
	if err != nil {
		return err
	}
	d, err := r.drawer(ctx, v, t, append([]Comment{top}, answers...))
	if err != nil {
		return err
	}
	drawn := d.thread(ctx, top, answers[:min(len(answers), answersAPage)], answersAPage)
	if drawn.hidden {
		return exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	path := "/talk/comments/" + top.ID.String()
	view := threadView{comment: drawn.CommentView}
	if from != 0 {
		first, err := r.store.answers(ctx, v.Account, top.ID, 0, 1)
		if err != nil {
			return err
		}
		if len(first) > 0 && first[0].ID < from {
			view.earlier = path
		}
	}
	if len(answers) > answersAPage {
		view.more = path + "?from=" + answers[answersAPage].ID.String()
	}
	if t.Talk && !top.Gone && sees(v, top, false) && service.Allowed(ctx, exit.AllowWrite, t.Service, t.Place) {
		view.say = &sayView{action: "/talk/" + t.Ref.Kind + "/" + t.Ref.ID.String() + "/comments", parent: top.ID.String(), to: person(top).Name}
	}
	f := service.Frame(ctx, ui.T(ctx, "talk.thread"))
	f.NoIndex, f.WriteHref, f.Back = true, "", r.leadBack(ctx, t.Ref, t.Link)
	return ui.Render(w, req, http.StatusOK, threadPage(f, view))
}

// threadOf gives the comment at the top of a thread, and the answer with which its page begins.
func (r *Room) threadOf(ctx context.Context, v who.Viewer, req *http.Request) (top Comment, from who.ID, err error) {
	none := exit.Fail(exit.NotFound, "talk.error.no_comment")
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return top, 0, none
	}
	list, err := r.store.byIDs(ctx, v.Account, []who.ID{id})
	if err != nil || len(list) == 0 {
		return top, 0, errors.Join(err, none)
	}
	if top = list[0]; top.Parent == 0 {
		from, _ = who.ParseID(req.URL.Query().Get("from"))
		return top, from, nil
	}
	from = top.ID
	list, err = r.store.byIDs(ctx, v.Account, []who.ID{top.Parent})
	if err != nil || len(list) == 0 {
		return top, 0, errors.Join(err, none)
	}
	return list[0], from, nil
}

func (r *Room) postComment(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	ref, err := pathRef(req)
	if err != nil {
		return err
	}
	parent, _ := who.ParseID(req.PostFormValue("parent"))
	d := Draft{Parent: parent, Text: req.PostFormValue("text")}
	if text := req.PostFormValue("moment"); text != "" {
		at := time.Duration(-1)
		if ms, err := strconv.ParseInt(text, 10, 32); err == nil {
			at = time.Duration(ms) * time.Millisecond
		}
		d.Moment = &at
	} else if req.PostForm.Has("at") {
		at := parseMoment(req.PostFormValue("at"))
		d.Text, d.Moment = req.PostFormValue("bullet"), &at
	}
	id, err := r.Comment(ctx, v, ref, d)
	var e *exit.Error
	if errors.As(err, &e) && e.Kind == exit.Invalid {
		return r.again(w, req, ref, e)
	}
	if err != nil {
		return err
	}
	t, err := r.Registry.Thing(ctx, v, ref)
	if err != nil {
		return err
	}
	if d.Moment != nil {
		to := req.PostFormValue("back")
		if to == "" {
			to = t.Link
		}
		return service.Done(w, req, to, "talk.done.bullet")
	}
	to, err := r.after(ctx, v, t, parent, id)
	if err != nil {
		return err
	}
	return service.Done(w, req, to, "talk.done.said")
}

// postPin has a comment stand first, or, with the field on as "0", where it belongs again.
func (r *Room) postPin(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	on := req.PostFormValue("on") != "0"
	if _, err := r.Pin(ctx, service.ViewerOf(ctx), id, on); err != nil {
		return err
	}
	word := "talk.done.unpinned"
	if on {
		word = "talk.done.pinned"
	}
	return service.Done(w, req, req.PostFormValue("back"), word)
}

// after leads to a comment that was just written: to the post where it stands on the first page, else to the thread.
func (r *Room) after(ctx context.Context, v who.Viewer, t service.Thing, parent, id who.ID) (string, error) {
	anchor := "#comment-" + id.String()
	if parent != 0 {
		return "/talk/comments/" + id.String() + anchor, nil
	}
	first, err := r.store.on(ctx, v.Account, t.Ref, Oldest, cursor{}, threadsShown)
	if err == nil && len(first) == threadsShown && first[threadsShown-1].ID != id {
		return t.Link + "?order=" + string(Newest) + anchor, nil
	}
	return t.Link + anchor, err
}

// again shows the form for a comment once more, with what was typed and what is wrong with it.
func (r *Room) again(w http.ResponseWriter, req *http.Request, ref who.Ref, e *exit.Error) error {
	ctx := req.Context()
	t, err := r.Registry.Thing(ctx, service.ViewerOf(ctx), ref)
	if err != nil {
		return err
	}
	args := make([]any, 0, 2*len(e.Args))
	for name, value := range e.Args {
		args = append(args, name, value)
	}
	say := sayView{action: req.URL.Path, parent: req.PostFormValue("parent"), text: req.PostFormValue("text"), wrong: ui.Sentence(ctx, e.Key, args...), cancel: t.Link, at: req.PostFormValue("at")}
	if req.PostForm.Has("at") {
		say.bullet, say.text = true, req.PostFormValue("bullet")
	}
	f := service.Frame(ctx, ui.T(ctx, "talk.say"))
	f.NoIndex, f.Back = true, r.leadBack(ctx, t.Ref, t.Link)
	return ui.Render(w, req, http.StatusUnprocessableEntity, sayPage(f, say))
}

// deleteView is a comment that is about to be deleted.
type deleteView struct {
	comment  ui.CommentView
	action   string
	back     string // the page on which it stands
	answered bool   // by others, whose answers stay
}

func (r *Room) getDelete(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	c, t, err := r.removable(ctx, v, id)
	if err != nil {
		return err
	}
	answers, err := r.store.answers(ctx, v.Account, id, 0, answersAPage)
	if err != nil {
		return err
	}
	t.Talk = false // it is shown to be looked at, not to be answered
	d, err := r.drawer(ctx, v, t, []Comment{c})
	if err != nil {
		return err
	}
	view := deleteView{
		comment: d.draw(ctx, c), action: req.URL.Path, back: req.URL.Query().Get("back"),
		answered: slices.ContainsFunc(answers, func(a Comment) bool { return !a.Gone && a.Author != c.Author }),
	}
	view.comment.Menu = nil
	if view.back == "" {
		view.back = t.Link
	}
	view.back = ui.LocalPath(view.back)
	f := service.Frame(ctx, ui.T(ctx, "talk.delete.title"))
	f.NoIndex, f.WriteHref, f.Back = true, "", r.leadBack(ctx, t.Ref, view.back)
	return ui.Render(w, req, http.StatusOK, deletePage(f, view))
}

// leadBack leads back to what comments are about.
func (r *Room) leadBack(ctx context.Context, ref who.Ref, href string) *ui.Link {
	word := ui.T(ctx, "talk.to_post")
	if r.played(ref.Kind) {
		word = ui.T(ctx, "talk.to_video")
	}
	return &ui.Link{Text: word, Href: href}
}

func (r *Room) postDelete(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	if _, err := r.Delete(ctx, service.ViewerOf(ctx), id); err != nil {
		return err
	}
	return service.Done(w, req, req.PostFormValue("back"), "talk.done.deleted")
}

// markView is one line of the lists of likes and favourites.
type markView struct {
	words, href string
	at          markRow
	gone        bool
	private     bool // the like is private
	undo        string
}

// marksView is a page of one of the two lists.
type marksView struct {
	list  list
	lines []markView
	older string
}

var (
	markTitles = ui.Keys("talk.title.", "likes", "favourites")
	markEmpty  = ui.Keys("talk.none.", "likes", "favourites")
	markUndo   = ui.Keys("talk.undo.", "likes", "favourites")
)

func (r *Room) getMarks(l list) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		ctx := req.Context()
		v := service.ViewerOf(ctx)
		before, _ := who.ParseID(req.URL.Query().Get("before"))
		rows, err := r.store.listed(ctx, v.Account, l, before, marksShown)
		if err != nil {
			return err
		}
		refs := make([]who.Ref, len(rows))
		for i, m := range rows {
			refs[i] = m.on
		}
		things, err := r.Registry.Things(ctx, v, refs)
		if err != nil {
			return err
		}
		view := marksView{list: l}
		for _, m := range rows {
			view.lines = append(view.lines, lineOf(ctx, l, m, things[m.on]))
		}
		if len(rows) == marksShown {
			view.older = "/me/" + string(l) + "?before=" + rows[len(rows)-1].id.String()
		}
		f := service.Frame(ctx, ui.T(ctx, markTitles[string(l)]))
		f.Active, f.NoIndex, f.Back = ui.MePath, true, &ui.Link{Text: ui.T(ctx, "talk.me"), Href: ui.MePath}
		return ui.Render(w, req, http.StatusOK, marksPage(f, view))
	}
}

func lineOf(ctx context.Context, l list, m markRow, t service.Thing) markView {
	verb := "unlike"
	if l == favourites {
		verb = "unsave"
	}
	line := markView{at: m, undo: "/talk/" + m.on.Kind + "/" + m.on.ID.String() + "/" + verb, gone: !t.See, private: m.private}
	if t.See {
		line.href, line.words = t.Link, t.Title
		if line.words == "" {
			line.words = t.Excerpt
		}
		if line.words == "" {
			line.words = ui.T(ctx, "talk.wordless")
		}
	}
	return line
}

func (v sayView) label(ctx context.Context) string {
	if v.to != "" {
		return ui.T(ctx, "talk.answer_to", "Name", v.to)
	}
	return ui.T(ctx, "talk.say")
}

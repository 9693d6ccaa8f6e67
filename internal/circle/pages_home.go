package circle

import (
	"context"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

const postsAPage = 20

// circleView is a circle's own page.
type circleView struct {
	Circle
	Membership
	Guest  bool
	Menu   []ui.Action
	Name   string
	Mode   string
	Role   string
	Order  post.Order
	Notice *Notice   // the newest, for members
	Left   *Farewell // what its owners left to be read
	Topics []post.Topic
	Pinned []ui.PostView
	Posts  []ui.PostView
	Older  string
	// Waiting is how many posts wait for a yes, for who gives it.
	Waiting int
}

// portrait gives the circle's picture as a person's is drawn.
func (v circleView) portrait() ui.PersonView {
	return ui.PersonView{Name: v.Name, Avatar: service.MediaPath(v.Avatar)}
}

// links lead to what else there is of the circle, for who may go there.
func (v circleView) links(ctx context.Context) []ui.Link {
	var out []ui.Link
	add := func(key, path string) { out = append(out, ui.Link{Text: ui.T(ctx, key), Href: path}) }
	if v.Rules != "" && mayKnow(v.Circle, v.Membership) {
		add("circle.rules", Path(v.ID)+"/rules")
	}
	if mayRead(v.Membership) {
		add("circle.notices", Path(v.ID)+"/notices")
		add("circle.topics", Path(v.ID)+"/topics")
	}
	if v.Membership.State != "" && v.Membership.State != Asked {
		add("circle.me", Path(v.ID)+"/mine")
	}
	if runs(v.Membership) {
		add("circle.board", Path(v.ID)+"/board")
		add("circle.settings", Path(v.ID)+"/settings")
		add("circle_farewell.link_to", farewellPath(v.ID))
	}
	if manages(v.Membership) {
		add("circle.order", "/moderation/circle/"+v.ID.String())
	}
	return out
}

var orderWords = ui.Keys("circle.order.", "latest", "hot", "featured")

// tabs are the orders of the posts.
func (v circleView) tabs(ctx context.Context) []ui.PageTab {
	var out []ui.PageTab
	for _, o := range []post.Order{post.Latest, post.Hottest, post.Featured} {
		href := Path(v.ID)
		if o != post.Latest {
			href += "?order=" + string(o)
		}
		out = append(out, ui.PageTab{Label: ui.T(ctx, orderWords[string(o)]), Href: href, Count: -1, Active: o == v.Order})
	}
	return out
}

func (r *Room) show(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	c, m, err := r.known(ctx, v, id)
	if err != nil {
		return err
	}
	if c.Withheld {
		return r.withheldPage(w, req, c, m)
	}
	view := circleView{
		Circle: c, Membership: m, Guest: v.Guest(), Name: title(ctx, c.Name), Mode: ui.T(ctx, modeWords[string(c.Mode)]), Order: post.ParseOrder(req.FormValue("order")),
	}
	if !v.Guest() && v.State == who.Active {
		view.Menu = append(view.Menu, relation.MuteAction(ctx, c.Ref()))
		if !owns(m) {
			view.Menu = append(view.Menu, relation.ReportAction(ctx, c.Ref()))
		}
	}
	if belongs(m) {
		view.Role = ui.T(ctx, roleWords[string(m.Role)])
		list, err := r.NoticeBoard(ctx, v, id, 0, 1)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			view.Notice = &list[0]
		}
	}
	if r.Posts != nil {
		if err := r.fillPosts(ctx, v, &view, post.ParseCursor(req.FormValue("before"))); err != nil {
			return err
		}
	}
	if view.Left, err = r.leftHere(ctx, id); err != nil {
		return err
	}
	f := service.Frame(ctx, view.Name)
	f.Active, f.Back = Service.Path, toCircles(ctx)
	f.NoIndex = !maySee(c, Membership{}) || c.Unlisted || c.Mode == Invitation
	if view.Rules != "" && mayKnow(c, m) {
		f.Aside = beside(view)
	}
	f.Shared, f.Share = shared(c, view.Name), shareMenu(ctx, c, !view.Guest)
	if f.WriteHref != "" {
		f.WriteHref = ""
		if mayWrite(c, m) == nil && service.Allowed(ctx, exit.AllowWrite, Name, id) {
			f.WriteHref = "/write?in=" + c.Ref().String()
		}
	}
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, circlePage(view)))
}

// withheldView is what members find in the place of a circle that the operator has out of sight.
type withheldView struct {
	Circle
	Why   string // the rule, in words; "" if none was named
	Owner bool   // reads more, and appeals, on the page of what was decided about them
}

func (r *Room) withheldPage(w http.ResponseWriter, req *http.Request, c Circle, m Membership) error {
	ctx := req.Context()
	view := withheldView{Circle: c, Owner: owns(m)}
	if r.Bans != nil {
		var err error
		if view.Why, err = r.Bans.Why(ctx, c.Ref()); err != nil {
			return err
		}
	}
	return page(w, req, http.StatusOK, title(ctx, c.Name), toCircles(ctx), withheldBody(view))
}

// fillPosts adds what stands in the circle, as far as the viewer may see it: a guest ten, the pinned first.
func (r *Room) fillPosts(ctx context.Context, v who.Viewer, view *circleView, at post.Cursor) error {
	in, limit := place(view.Circle, view.Membership), postsAPage
	if !in.See {
		return nil
	}
	if in.Guest {
		view.Order, at, limit = post.Latest, post.Cursor{}, mostPreviewed
	}
	list, err := r.Posts.InPlace(ctx, v, in, view.Order, 0, at, limit)
	if err != nil {
		return err
	}
	if view.Posts, err = r.views(ctx, v, list); err != nil || in.Guest {
		return err
	}
	if next := view.Order.Next(list, limit); next != (post.Cursor{}) {
		view.Older = Path(view.ID) + "?order=" + string(view.Order) + "&before=" + next.String()
	}
	if at != (post.Cursor{}) {
		return nil
	}
	if view.Order != post.Featured {
		pinned, err := r.Posts.Pinned(ctx, v, in)
		if err != nil {
			return err
		}
		if view.Pinned, err = r.views(ctx, v, pinned); err != nil {
			return err
		}
	}
	if view.Topics, err = r.Posts.Topics(ctx, v, in); err != nil {
		return err
	}
	view.Topics = view.Topics[:min(len(view.Topics), topicsShown)]
	if in.Staff {
		view.Waiting, err = r.Posts.Waiting(ctx, in)
	}
	return err
}

// topicsShown is how many topics stand on a circle's page; the rest on the page of topics.
const topicsShown = 12

// views draws posts of one circle, in which all of them stand.
func (r *Room) views(ctx context.Context, v who.Viewer, list []post.Post) ([]ui.PostView, error) {
	out, err := r.Posts.Views(ctx, v, list)
	for i := range out {
		out[i].Place = nil
	}
	return out, err
}

// rulesView is the page of a circle's rules.
type rulesView struct {
	Circle
	Edit bool
}

func (r *Room) rulesPage(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	c, m, err := r.Circle(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	if !mayKnow(c, m) {
		return errNone()
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.rules"), toCircle(ctx, c), rulesBody(rulesView{Circle: c, Edit: runs(m) && c.State != Ended}))
}

// joinView is the page on which an asker answers the circle's question.
type joinView struct {
	Circle
	Answer   string
	Problems problems
}

func (r *Room) joinPage(w http.ResponseWriter, req *http.Request) error {
	return r.asking(w, req, "", nil)
}

func (r *Room) asking(w http.ResponseWriter, req *http.Request, answer string, p problems) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	c, m, err := r.Circle(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	if m.State != "" || c.Mode != Approval || c.Question == "" {
		return service.Done(w, req, Path(id), "")
	}
	return page(w, req, p.status(), ui.T(ctx, "circle.ask"), toCircle(ctx, c), joinForm(joinView{c, answer, p}))
}

func (r *Room) join(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	answer := req.PostFormValue("answer")
	state, err := r.JoinWith(ctx, service.ViewerOf(ctx), id, answer)
	if err != nil {
		p, other := explain(ctx, err)
		if other != nil || p["answer"] == "" {
			return err
		}
		return r.asking(w, req, answer, p)
	}
	if state == Asked {
		return service.Done(w, req, Path(id), "circle.done.asked")
	}
	return service.Done(w, req, Path(id), "circle.done.joined")
}

// mineView is the page of one's own place in a circle.
type mineView struct {
	Circle
	Membership
	Role string
}

func (r *Room) minePage(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	var view mineView
	if view.Circle, view.Membership, err = r.Circle(ctx, service.ViewerOf(ctx), id); err != nil {
		return err
	}
	if !belongs(view.Membership) {
		return service.Done(w, req, Path(id), "")
	}
	view.Role = ui.T(ctx, roleWords[string(view.Membership.Role)])
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.me"), toCircle(ctx, view.Circle), mineBody(view))
}

func (r *Room) setMine(w http.ResponseWriter, req *http.Request) error {
	id, err := idOf(req)
	if err != nil {
		return err
	}
	if err := r.SetNamed(req.Context(), service.ViewerOf(req.Context()), id, req.PostFormValue("named") == "on"); err != nil {
		return err
	}
	return service.Done(w, req, Path(id)+"/mine", "circle.done.saved")
}

package circle

import (
	"context"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

const noticesAPage = 20

// noticesView is a circle's notice board.
type noticesView struct {
	Circle
	Notices  []Notice
	Older    string
	Tells    bool // the viewer writes on it
	Runs     bool // the viewer takes others' notices down, too
	Me       who.ID
	Text     string
	Problems problems
}

// takesDown says whether the viewer may take a notice down.
func (v noticesView) takesDown(n Notice) bool { return v.Tells && (v.Runs || n.By.ID == v.Me) }

func (r *Room) noticesPage(w http.ResponseWriter, req *http.Request) error {
	return r.board(w, req, "", nil)
}

func (r *Room) board(w http.ResponseWriter, req *http.Request, text string, p problems) error {
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
	view := noticesView{Circle: c, Tells: manages(m) && c.State != Ended, Runs: runs(m), Me: v.Account, Text: text, Problems: p}
	if view.Notices, err = r.NoticeBoard(ctx, v, id, before(req), noticesAPage); err != nil {
		return err
	}
	if len(view.Notices) == noticesAPage {
		view.Older = Path(id) + "/notices?before=" + view.Notices[noticesAPage-1].ID.String()
	}
	if len(view.Notices) > 0 && view.Notices[0].ID > m.Seen {
		if err := r.See(ctx, v, id, view.Notices[0].ID); err != nil {
			return err
		}
	}
	return page(w, req, p.status(), ui.T(ctx, "circle.notices"), toCircle(ctx, c), noticesBody(view))
}

func (r *Room) tellForm(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	text := req.PostFormValue("text")
	if err := r.Tell(ctx, service.ViewerOf(ctx), id, text); err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.board(w, req, text, p)
	}
	return service.Done(w, req, Path(id)+"/notices", "circle.done.told")
}

func (r *Room) untell(w http.ResponseWriter, req *http.Request) error {
	notice, _ := who.ParseID(req.PathValue("notice"))
	return r.owning(w, req, func(ctx context.Context, v who.Viewer, id who.ID) error { return r.Untell(ctx, v, id, notice) }, "/notices", "circle.done.untold")
}

// topicsView is the page on which a circle's topics are kept.
type topicsView struct {
	Circle
	Topics   []post.Topic
	Staff    bool
	Name     string
	Problems problems
}

func (r *Room) topicsPage(w http.ResponseWriter, req *http.Request) error {
	return r.topics(w, req, "", nil)
}

func (r *Room) topics(w http.ResponseWriter, req *http.Request, name string, p problems) error {
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
	if !mayRead(m) {
		return exit.Fail(exit.Forbidden, "circle.error.members_only")
	}
	view := topicsView{Circle: c, Staff: manages(m) && c.State != Ended, Name: name, Problems: p}
	if view.Topics, err = r.Posts.Topics(ctx, v, place(c, m)); err != nil {
		return err
	}
	return page(w, req, p.status(), ui.T(ctx, "circle.topics"), toCircle(ctx, c), topicsBody(view))
}

func (r *Room) newTopic(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	in, err := r.Place(ctx, v, id)
	if err != nil {
		return err
	}
	name := req.PostFormValue("name")
	if _, err := r.Posts.NewTopic(ctx, v, in, name); err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.topics(w, req, name, p)
	}
	return service.Done(w, req, Path(id)+"/topics", "circle.done.topic")
}

// changeTopic closes a topic or opens it again. Who may is asked by the room of posts, of the topic's own place.
func (r *Room) changeTopic(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	topic, _ := who.ParseID(req.PathValue("topic"))
	act := req.PathValue("act")
	if act != "close" && act != "open" {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	if err := r.Posts.CloseTopic(ctx, service.ViewerOf(ctx), topic, act == "close"); err != nil {
		return err
	}
	return service.Done(w, req, Path(id)+"/topics", "circle.done.saved")
}

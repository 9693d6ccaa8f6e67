package relation

import (
	"context"
	"net/http"

	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// pageSize is how many people a page lists.
const pageSize = 40

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	return append([]service.Route{
		{Pattern: "GET /@{name}/following", Handle: r.getList(Following)},
		{Pattern: "GET /@{name}/followers", Handle: r.getList(Followers)},
		{Pattern: "POST /@{name}/follow", Access: service.Member, Handle: r.postFollow(true)},
		{Pattern: "POST /@{name}/unfollow", Access: service.Member, Handle: r.postFollow(false)},
		{Pattern: "POST /@{name}/bell", Access: service.Member, Handle: r.postBell},
	}, r.listRoutes()...)
}

// FollowButton draws the button that follows an account from a page of a service ("": of none), or ends it; for oneself, a guest or an
// account that is leaving there is none: nil.
func FollowButton(v who.Viewer, account who.ID, name string, follows bool, in string) *FollowView {
	if v.Guest() || v.Account == account || v.State != who.Active {
		return nil
	}
	return &FollowView{Name: name, Follows: follows, In: in}
}

// FollowView is the button to follow an account.
type FollowView struct {
	Name    string // that addresses the account
	Follows bool
	In      string // the service on whose page it stands: it is not offered where that is not written in any more
	Back    string // the page to return to; empty: the account's own
}

func (v FollowView) action() string {
	if v.Follows {
		return "/@" + v.Name + "/unfollow"
	}
	return "/@" + v.Name + "/follow"
}

func (r *Room) postFollow(on bool) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		ctx := req.Context()
		v := service.ViewerOf(ctx)
		p, err := r.Named(ctx, v, req.PathValue("name"))
		if err != nil {
			return err
		}
		back := req.PostFormValue("back")
		if back == "" {
			back = "/@" + p.Name
		}
		if !on {
			if err := r.Unfollow(ctx, v, p.ID); err != nil {
				return err
			}
			return service.Done(w, req, back, "relation.done.unfollowed")
		}
		if err := r.FollowIn(ctx, v, p.ID, req.PostFormValue("in")); err != nil {
			return err
		}
		return service.Done(w, req, back, "relation.done.followed")
	}
}

// BellView is the switch beside the button to follow a channel: whether the viewer is told of its new videos.
type BellView struct {
	Name string // that addresses the account
	On   bool
	Back string // the page to return to; empty: the account's own
}

// BellSwitch draws the switch for an account that the viewer follows; for any other there is none: nil.
func BellSwitch(v who.Viewer, account who.ID, name string, follows, on bool) *BellView {
	if !follows || v.Guest() || v.Account == account || v.State != who.Active {
		return nil
	}
	return &BellView{Name: name, On: on}
}

// postBell turns the bell on, or, with the field on as "0", off.
func (r *Room) postBell(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, err := r.Named(ctx, v, req.PathValue("name"))
	if err != nil {
		return err
	}
	back, on := req.PostFormValue("back"), req.PostFormValue("on") != "0"
	if back == "" {
		back = "/@" + p.Name
	}
	if err := r.SetBell(ctx, v, p.ID, on); err != nil {
		return err
	}
	word := "relation.done.bell_off"
	if on {
		word = "relation.done.bell_on"
	}
	return service.Done(w, req, back, word)
}

// listView is a page of one of the two lists.
type listView struct {
	owner  Person
	side   Side
	own    bool
	people []lineView
	older  string
}

type lineView struct {
	person Person
	button *FollowView
}

var (
	titles   = ui.Keys("relation.title.", "following", "followers")
	empties  = ui.Keys("relation.empty.", "following", "followers")
	ownEmpty = ui.Keys("relation.empty.own.", "following", "followers")
)

func (r *Room) getList(side Side) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		ctx := req.Context()
		v := service.ViewerOf(ctx)
		owner, err := r.Named(ctx, v, req.PathValue("name"))
		if err != nil {
			return err
		}
		before, _ := who.ParseID(req.URL.Query().Get("before"))
		people, err := r.List(ctx, v, owner.ID, side, before, pageSize)
		if err != nil {
			return err
		}
		ids := make([]who.ID, len(people))
		for i, p := range people {
			ids[i] = p.ID
		}
		follows, err := r.Follows(ctx, v, ids)
		if err != nil {
			return err
		}
		view := listView{owner: owner, side: side, own: owner.ID == v.Account}
		for _, p := range people {
			b := FollowButton(v, p.ID, p.Name, follows[p.ID], "")
			if b != nil {
				b.Back = service.SessionOf(ctx).Path
			}
			view.people = append(view.people, lineView{p, b})
		}
		if len(people) == pageSize {
			view.older = "/@" + owner.Name + "/" + string(side) + "?before=" + people[len(people)-1].Row.String()
		}
		f := service.Frame(ctx, ui.T(ctx, titles[string(side)], "Name", owner.View().Name))
		f.Back, f.NoIndex = &ui.Link{Text: owner.View().Name, Href: "/@" + owner.Name}, true
		return ui.Render(w, req, http.StatusOK, listPage(f, view))
	}
}

func (v listView) tabs(ctx context.Context) []ui.PageTab {
	at := "/@" + v.owner.Name + "/"
	return []ui.PageTab{
		{Label: ui.T(ctx, "relation.following"), Href: at + string(Following), Count: -1, Active: v.side == Following},
		{Label: ui.T(ctx, "relation.followers"), Href: at + string(Followers), Count: -1, Active: v.side == Followers},
	}
}

func (v listView) empty(ctx context.Context) string {
	if v.own {
		return ui.T(ctx, ownEmpty[string(v.side)])
	}
	return ui.T(ctx, empties[string(v.side)])
}

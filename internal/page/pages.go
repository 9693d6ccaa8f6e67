package page

import (
	"context"
	"net/http"

	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// Rows a page shows.
const (
	postsAPage = 20
	suggested  = 6
)

// Where other rooms' pages are that this one leads to.
const (
	signUpPath    = "/sign-up"
	profilePath   = "/settings/profile"
	entrancesPath = "/settings/entrances"
	circlesPath   = "/circles"
	writePath     = "/write"
	takePath      = ui.ExitPath + "/take-along?in=" + post.Page
)

// Routes are the room's pages.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "GET /{$}", Access: service.Anyone, Handle: r.home},
		{Pattern: "GET " + ui.DiscoverPath, Access: service.Anyone, Handle: r.discover},
		{Pattern: "GET /@{name}", Access: service.Anyone, Handle: r.own},
	}
}

// draw sends a page of this room.
func draw(w http.ResponseWriter, req *http.Request, f ui.Frame, body templ.Component) error {
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, body))
}

// homeView is what one's circles and those one follows wrote.
type homeView struct {
	Announced []ui.Notice
	Posts     []ui.PostView
	Older     string
	First     bool
}

func (r *Room) home(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	if v.Guest() {
		return r.front(w, req)
	}
	cursor := post.ParseCursor(req.FormValue("before"))
	list, err := r.Posts.Home(ctx, v, cursor, postsAPage)
	if err != nil {
		return err
	}
	view := homeView{First: cursor == post.Cursor{}}
	if view.Posts, err = r.Posts.Views(ctx, v, list); err != nil {
		return err
	}
	if view.First {
		if view.Announced, err = r.announced(ctx); err != nil {
			return err
		}
	}
	if next := post.Next(list, postsAPage); next != (post.Cursor{}) {
		view.Older = ui.HomePath + "?before=" + next.String()
	}
	f := service.Frame(ctx, ui.T(ctx, "page.service"))
	f.Active, f.NoIndex = ui.HomePath, true
	return draw(w, req, f, homePage(view))
}

// announced gives what the operator says to everybody.
func (r *Room) announced(ctx context.Context) ([]ui.Notice, error) {
	if r.Announcements == nil {
		return nil, nil
	}
	return r.Announcements(ctx)
}

// front is the page of somebody who is not signed in.
func (r *Room) front(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	var lend templ.Component
	if r.Lend != nil {
		lend = r.Lend(ctx)
	}
	f := service.Frame(ctx, ui.SiteName(ctx))
	f.Active, f.Description = ui.HomePath, ui.T(ctx, "page.front.what")
	announced, err := r.announced(ctx)
	if err != nil {
		return err
	}
	return draw(w, req, f, frontPage(lend, announced))
}

// ownView is an own page.
type ownView struct {
	Person
	Follow *relation.FollowView // nil: not for this viewer
	Posts  []ui.PostView
	Older  string
	First  bool
}

func (r *Room) own(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, err := r.Person(ctx, v, req.PathValue("name"))
	if err != nil {
		return err
	}
	cursor := post.ParseCursor(req.FormValue("before"))
	list, err := r.Posts.ByAuthor(ctx, v, p.ID, cursor, postsAPage)
	if err != nil {
		return err
	}
	view := ownView{Person: p, First: cursor == post.Cursor{}, Follow: relation.FollowButton(v, p.ID, p.Name, p.Followed)}
	if view.Posts, err = r.Posts.Views(ctx, v, list); err != nil {
		return err
	}
	if next := post.Next(list, postsAPage); next != (post.Cursor{}) {
		view.Older = Path(p.Name) + "?before=" + next.String()
	}
	f := service.Frame(ctx, p.Shown())
	f.NoIndex = !view.First
	if p.Own {
		f.Active, f.Back = ui.MePath, &ui.Link{Text: ui.T(ctx, "ui.tab.me"), Href: ui.MePath}
	} else {
		f.WriteHref = ""
	}
	return draw(w, req, f, ownPage(view))
}

// entrance is a service on Discover.
type entrance struct {
	Name, Icon, Title, About, Href string
	Hide                           templ.Component
}

// discoverView is what there is to find.
type discoverView struct {
	Guest     bool
	Entrances []entrance
	Hidden    int
	Circles   []ui.CircleView
	People    []personLine
}

// personLine is somebody to follow.
type personLine struct {
	ui.PersonView
	Follow *relation.FollowView // nil: not for this viewer
}

// about gives the key of the sentence about a service.
func about(s service.Service) string { return s.Title + ".about" }

func (r *Room) discover(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	view := discoverView{Guest: v.Guest()}
	all, err := r.Desk.Entrances(ctx, v.Account)
	if err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, e := range all {
		if !e.Shown {
			view.Hidden++
			continue
		}
		shown[e.Service.Name] = true
		row := entrance{Name: e.Service.Name, Icon: e.Service.Icon, Title: ui.T(ctx, e.Service.Title), About: ui.T(ctx, about(e.Service)), Href: e.Service.Path}
		if !v.Guest() && v.State == who.Active && r.HideForm != nil {
			row.Hide = r.HideForm(ctx, e.Service.Name)
		}
		view.Entrances = append(view.Entrances, row)
	}
	// A hidden entrance takes its suggestions with it.
	if r.Circles != nil && shown["circle"] {
		if view.Circles, err = r.Circles(ctx, v, suggested); err != nil {
			return err
		}
	}
	if shown[post.Page] {
		people, err := r.Suggest(ctx, v, suggested)
		if err != nil {
			return err
		}
		for _, p := range people {
			line := personLine{PersonView: p.View(), Follow: relation.FollowButton(v, p.ID, p.Name, false)}
			if line.Follow != nil {
				line.Follow.Back = ui.DiscoverPath
			}
			view.People = append(view.People, line)
		}
	}
	f := service.Frame(ctx, ui.T(ctx, "ui.tab.discover"))
	f.Active = ui.DiscoverPath
	return draw(w, req, f, discoverPage(view))
}

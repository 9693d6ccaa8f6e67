package page

import (
	"context"
	"net/http"
	"slices"

	"exeunt/exit"
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
		{Pattern: "GET /@{name}/feed.xml", Access: service.Anyone, Handle: r.ownFeed},
		{Pattern: "GET /circles/{id}/feed.xml", Access: service.Anyone, Handle: r.circleFeed},
		{Pattern: "GET /posts/{id}/poster.png", Access: service.Anyone, Handle: r.postPoster(png)},
		{Pattern: "GET /posts/{id}/poster.svg", Access: service.Anyone, Handle: r.postPoster(svg)},
		{Pattern: "GET /circles/{id}/poster.png", Access: service.Anyone, Handle: r.circlePoster(png)},
		{Pattern: "GET /circles/{id}/poster.svg", Access: service.Anyone, Handle: r.circlePoster(svg)},
		{Pattern: "GET " + homePath, Access: service.Member, Handle: r.getRanking},
		{Pattern: "POST " + homePath, Access: service.Member, Handle: r.postRanking},
	}
}

// draw sends a page of this room.
func draw(w http.ResponseWriter, req *http.Request, f ui.Frame, body templ.Component) error {
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, body))
}

// homeView is what one's circles and those one follows wrote.
type homeView struct {
	Announced []ui.Notice
	Posts     []homePost
	Older     string
	First     bool
	Ranking   Ranking
	Latest    bool // newest first, for once, though ranking is on
}

// homePost is a post, and why it stands where it stands: "" where home is newest first.
type homePost struct {
	ui.PostView
	Why string
}

// latest asks for home newest first, once.
const latest = "latest"

func (r *Room) home(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	if v.Guest() {
		return r.front(w, req)
	}
	var view homeView
	var err error
	if view.Ranking, err = r.store.ranking(ctx, v.Account); err != nil {
		return err
	}
	before := req.FormValue("before")
	cursor := post.ParseCursor(before)
	at, within := parsePlace(before)
	view.First = cursor == post.Cursor{} && !within
	view.Latest = view.Ranking == Ranked && req.FormValue("order") == latest
	if view.Ranking == Ranked && !view.Latest && cursor == (post.Cursor{}) {
		err = r.fillRanked(ctx, v, &view, at)
	} else {
		err = r.fillLatest(ctx, v, &view, cursor)
	}
	if err != nil {
		return err
	}
	if view.First {
		if view.Announced, err = r.announced(ctx); err != nil {
			return err
		}
	}
	f := service.Frame(ctx, ui.T(ctx, "page.service"))
	f.Active, f.NoIndex = ui.HomePath, true
	return draw(w, req, f, homePage(view))
}

// fillLatest fills home newest first.
func (r *Room) fillLatest(ctx context.Context, v who.Viewer, view *homeView, cursor post.Cursor) error {
	list, err := r.Posts.Home(ctx, v, cursor, postsAPage)
	if err != nil {
		return err
	}
	views, err := r.Posts.Views(ctx, v, list)
	if err != nil {
		return err
	}
	for i, p := range views {
		view.Posts = append(view.Posts, homePost{PostView: withLess(ctx, v, list[i], p)})
	}
	if next := post.Next(list, postsAPage); next != (post.Cursor{}) {
		view.Older = ui.HomePath + "?before=" + next.String()
		if view.Latest {
			view.Older += "&order=" + latest
		}
	}
	return nil
}

// fillRanked fills home in the order of rank.go.
func (r *Room) fillRanked(ctx context.Context, v who.Viewer, view *homeView, at place) error {
	var err error
	if at == (place{}) {
		if at, err = r.newPlace(ctx); err != nil {
			return err
		}
	}
	list, next, below, err := r.rank(ctx, v, at, postsAPage)
	if err != nil {
		return err
	}
	posts := make([]post.Post, len(list))
	for i, p := range list {
		posts[i] = p.Post
	}
	views, err := r.Posts.Views(ctx, v, posts)
	if err != nil {
		return err
	}
	for i, p := range views {
		view.Posts = append(view.Posts, homePost{withLess(ctx, v, posts[i], p), list[i].why(ctx)})
	}
	switch {
	case next != place{}:
		view.Older = ui.HomePath + "?before=" + next.String()
	case below != post.Cursor{}:
		view.Older = ui.HomePath + "?before=" + below.String()
	}
	return nil
}

// withLess adds "less like this" to the menu of somebody else's post.
func withLess(ctx context.Context, v who.Viewer, p post.Post, view ui.PostView) ui.PostView {
	if p.Author == v.Account || v.State != who.Active || p.Author == 0 {
		return view
	}
	less := relation.MuteAction(ctx, p.Ref())
	if !slices.ContainsFunc(view.Menu, func(a ui.Action) bool { return a.Href == less.Href }) {
		view.Menu = append(view.Menu, less)
	}
	return view
}

// homePath is where one says how home is ordered.
const homePath = "/settings/home"

func (r *Room) getRanking(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	now, err := r.store.ranking(ctx, service.ViewerOf(ctx).Account)
	if err != nil {
		return err
	}
	f := service.Frame(ctx, ui.T(ctx, "page.ranking"))
	f.NoIndex, f.WriteHref, f.Back = true, "", &ui.Link{Text: ui.T(ctx, "page.service"), Href: ui.HomePath}
	return draw(w, req, f, rankingPage(now == Ranked))
}

func (r *Room) postRanking(w http.ResponseWriter, req *http.Request) error {
	on := req.PostFormValue("ranking")
	if on != "on" && on != "off" {
		return errSwitch()
	}
	if err := r.SetRanking(req.Context(), service.ViewerOf(req.Context()), on == "on"); err != nil {
		return err
	}
	if on == "off" {
		return service.Done(w, req, ui.HomePath, "page.done.unranked")
	}
	return service.Done(w, req, ui.HomePath, "page.done.ranked")
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
	Follow  *relation.FollowView // nil: not for this viewer
	Menu    []ui.Action          // what the viewer may do about the person
	Channel *ui.Link             // nil: none that the viewer sees
	Posts   []ui.PostView
	Older   string
	First   bool
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
	view := ownView{Person: p, First: cursor == post.Cursor{}, Follow: relation.FollowButton(v, p.ID, p.Name, p.Followed, post.Page), Menu: relation.Menu(ctx, v, p.ID, p.Name)}
	if view.Posts, err = r.Posts.Views(ctx, v, list); err != nil {
		return err
	}
	if r.Channel != nil {
		if view.Channel, err = r.Channel(ctx, v, p.ID); err != nil {
			return err
		}
	}
	if next := post.Next(list, postsAPage); next != (post.Cursor{}) {
		view.Older = Path(p.Name) + "?before=" + next.String()
	}
	f := service.Frame(ctx, p.Shown())
	f.NoIndex = !view.First
	f.Shared, f.Share = r.sharedPerson(p), shareOf(p)
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
	Round     bool // the entrance of circles is shown
	Circles   []ui.CircleView
	Few       []ui.CircleView // without reasons
	Kinds     []string        // categories of circles
	Topics    []topicView
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
		if !service.Allowed(ctx, exit.AllowEntrance, e.Service.Name, 0) {
			continue
		}
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
	if view.Round = shown["circle"]; view.Round {
		if err := r.findCircles(ctx, v, &view); err != nil {
			return err
		}
	}
	if shown[post.Page] || shown["circle"] {
		if view.Topics, err = r.topics(ctx, v, shown[post.Page], shown["circle"]); err != nil {
			return err
		}
	}
	if shown[post.Page] {
		if view.People, err = r.findPeople(ctx, v); err != nil {
			return err
		}
	}
	f := service.Frame(ctx, ui.T(ctx, "ui.tab.discover"))
	f.Active = ui.DiscoverPath
	if len(view.Topics) > 0 {
		f.Aside = topicsOf(view.Topics)
	}
	return draw(w, req, f, discoverPage(view))
}

// findPeople gives people to follow.
func (r *Room) findPeople(ctx context.Context, v who.Viewer) (out []personLine, err error) {
	people, err := r.Suggest(ctx, v, suggested)
	for _, p := range people {
		line := personLine{PersonView: p.View(), Follow: relation.FollowButton(v, p.ID, p.Name, false, post.Page)}
		if line.Follow != nil {
			line.Follow.Back = ui.DiscoverPath
		}
		out = append(out, line)
	}
	return out, err
}

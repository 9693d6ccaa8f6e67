package channel

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"exeunt/exit"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Where the entrance of videos, and how it is ordered, stand.
const (
	feedPath  = "/channels"
	orderPath = "/channels/order"
	toOpen    = openPath
	toUpload  = newPath
)

// videosAPage is how many videos a page of the entrance has: a multiple of two, three and four columns.
const videosAPage = 24

// feedRoutes are the pages of the feed.
func (r *Room) feedRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + feedPath, Access: service.Anyone, Handle: r.getFeed},
		{Pattern: "GET " + orderPath, Access: service.Anyone, Handle: r.getOrder},
		{Pattern: "POST " + orderPath, Access: service.Member, Handle: r.postOrder},
		{Pattern: "GET /@{name}/channel/feed.xml", Access: service.Anyone, Handle: r.podcast},
	}
}

// feedView is a page of the entrance.
type feedView struct {
	Guest, Own bool // the viewer has a channel
	First      bool
	Tab        Tab
	Order      Order
	Tiles      []feedTile
	Older      string
}

// feedTile is a video of the entrance, and why it stands there: "" where the list is newest first.
type feedTile struct {
	ui.VideoTileView
	Why string
}

var tabWords = ui.Keys("channel_feed.tab.", "following", "friends", "recommended")

// tabs are the views of the entrance.
func (v feedView) tabs(ctx context.Context) []ui.PageTab {
	var out []ui.PageTab
	for _, t := range []Tab{TabFollowing, TabFriends, TabRecommended} {
		if v.Guest && t != TabRecommended {
			continue
		}
		out = append(out, ui.PageTab{Label: ui.T(ctx, tabWords[string(t)]), Href: tabPath(t), Count: -1, Active: t == v.Tab})
	}
	return out
}

func tabPath(t Tab) string { return feedPath + "?tab=" + string(t) }

// strip leads to the same view, one video after the other.
func (v feedView) strip() string { return watchPath + "?tab=" + string(v.Tab) }

// parseTab reads a view from an address; "" for none.
func parseTab(s string) Tab {
	if t := Tab(s); t == TabFollowing || t == TabFriends || t == TabRecommended {
		return t
	}
	return ""
}

func (r *Room) getFeed(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	from := req.FormValue("before")
	view := feedView{Guest: v.Guest(), First: from == "", Tab: parseTab(req.FormValue("tab")), Order: Ranked}
	var err error
	if !v.Guest() {
		if view.Order, err = r.store.order(ctx, v.Account); err != nil {
			return err
		}
		own, err := r.store.channels(ctx, v.Account, []who.ID{v.Account})
		if err != nil {
			return err
		}
		view.Own = len(own) > 0
	}
	list, next, err := r.firstTab(ctx, v, &view, from)
	if err != nil {
		return err
	}
	for _, s := range list {
		view.Tiles = append(view.Tiles, tileOf(ctx, v, s, view.Tab == TabFriends || view.Order == Ranked))
	}
	if next != "" {
		view.Older = tabPath(view.Tab) + "&before=" + url.QueryEscape(next)
	}
	f := service.Frame(ctx, ui.T(ctx, "channel.service"))
	f.Active, f.WriteHref, f.NoIndex = Service.Path, "", !view.First || !view.Guest
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, feedPage(view)))
}

// firstTab gives the view that was asked for. Who asked for none gets whom they follow, or, while there is nothing of those, what is recommended.
func (r *Room) firstTab(ctx context.Context, v who.Viewer, view *feedView, from string) ([]Shown, string, error) {
	asked := view.Tab
	if view.Guest {
		view.Tab = TabRecommended
	} else if asked == "" {
		view.Tab = TabFollowing
	}
	list, next, err := r.Feed(ctx, v, view.Tab, view.Order, from, videosAPage)
	if err != nil || asked != "" || len(list) > 0 || view.Guest {
		return list, next, err
	}
	view.Tab = TabRecommended
	return r.Feed(ctx, v, view.Tab, view.Order, from, videosAPage)
}

// tileOf draws a video of the entrance.
func tileOf(ctx context.Context, v who.Viewer, s Shown, explained bool) feedTile {
	t := feedTile{VideoTileView: tile(s.Video, Watch(s.ID, fromFeed))}
	t.At, t.Views = s.At, -1
	if explained {
		t.Why = s.why(ctx)
	}
	if !v.Guest() && v.State == who.Active {
		t.Menu = []ui.Action{relation.MuteAction(ctx, s.Ref()), relation.ReportAction(ctx, s.Ref())}
	}
	return t
}

var whyWords = ui.Keys("channel_feed.why.", "followed", "friends", "friends_more", "topics", "talk", "likes", "comments", "less")

// why says in a sentence, with its numbers, what moved a video.
func (s Shown) why(ctx context.Context) string {
	terms := s.signals.terms()
	if len(terms) == 0 {
		return ui.T(ctx, "channel_feed.why.none")
	}
	var told []string
	for _, m := range terms {
		told = append(told, ui.T(ctx, whyWords[s.word(m.Term)], "Name", s.Channel.Name, "Friends", strings.Join(s.friends, ui.T(ctx, "channel_feed.why.comma")), "Count", s.signals.Friends,
			"Topics", strings.Join(s.topics, ui.T(ctx, "channel_feed.why.comma")), "Fond", s.signals.Fond, "Likes", s.signals.Likes, "Comments", s.signals.Comments, "Hours", max(m.Hours, -m.Hours)))
	}
	return ui.T(ctx, "channel_feed.why.sentence", "Terms", strings.Join(told, ui.T(ctx, "channel_feed.why.and")))
}

// word chooses how a term is told.
func (s Shown) word(t term) string {
	switch {
	case t == termFriends && s.signals.Friends > len(s.friends):
		return "friends_more"
	case t == termTalk && s.signals.Comments <= 0:
		return "likes"
	case t == termTalk && s.signals.Likes <= 0:
		return "comments"
	}
	return string(t)
}

// orderView is the page on which one reads and says how the entrance is ordered.
type orderView struct {
	Guest  bool
	Latest bool
}

func (r *Room) getOrder(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	view := orderView{Guest: v.Guest()}
	if !v.Guest() {
		now, err := r.store.order(ctx, v.Account)
		if err != nil {
			return err
		}
		view.Latest = now == Latest
	}
	f := service.Frame(ctx, ui.T(ctx, "channel_feed.order"))
	f.NoIndex, f.WriteHref, f.Active, f.Back = true, "", Service.Path, &ui.Link{Text: ui.T(ctx, "channel.service"), Href: feedPath}
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, orderPage(view)))
}

func (r *Room) postOrder(w http.ResponseWriter, req *http.Request) error {
	to, ok := map[string]Order{"ranked": Ranked, "latest": Latest}[req.PostFormValue("order")]
	if !ok {
		return exit.Fail(exit.Invalid, "channel_feed.error.order")
	}
	if err := r.SetOrder(req.Context(), service.ViewerOf(req.Context()), to); err != nil {
		return err
	}
	back := feedPath
	if t := parseTab(req.PostFormValue("tab")); t != "" {
		back = tabPath(t)
	}
	if to == Latest {
		return service.Done(w, req, back, "channel_feed.done.latest")
	}
	return service.Done(w, req, back, "channel_feed.done.ranked")
}

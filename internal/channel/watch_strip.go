package channel

import (
	"context"
	"net/http"
	"net/url"

	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// videosAStrip is how many videos come at once to who swipes.
const videosAStrip = 6

// slide is one video of a strip: it fills a phone's screen.
type slide struct {
	player   ui.PlayerView
	href     string
	title    string
	owner    ui.PersonView
	likes    ui.VideoLikesView
	comments int
	share    string
	why      string
	tile     ui.VideoTileView
}

// stripView is a list of videos to swipe through, and a grid where the screen is wide.
type stripView struct {
	slides []slide
	next   string // the address of the rest
	first  bool
}

func (r *Room) getStrip(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	from := req.FormValue("before")
	tab, order := parseTab(req.FormValue("tab")), Ranked
	if tab == "" {
		tab = TabRecommended
	}
	if !v.Guest() {
		var err error
		if order, err = r.store.order(ctx, v.Account); err != nil {
			return err
		}
	}
	list, next, err := r.Feed(ctx, v, tab, order, from, videosAStrip)
	if err != nil {
		return err
	}
	view := stripView{first: from == ""}
	if view.slides, err = r.slides(ctx, v, list); err != nil {
		return err
	}
	if next != "" {
		view.next = watchPath + "?tab=" + string(tab) + "&before=" + url.QueryEscape(next)
	}
	f := service.Frame(ctx, ui.T(ctx, "channel_watch.strip"))
	f.Sheet = ui.VideoSheet
	f.Active, f.WriteHref, f.NoIndex, f.Back = Service.Path, "", true, &ui.Link{Text: ui.T(ctx, "channel.service"), Href: tabPath(tab)}
	w.Header().Set("Content-Security-Policy", playing(ui.ContentSecurityPolicy))
	return ui.Render(w, req, http.StatusOK, stripPage(f, view))
}

// slides draws videos of the feed for the strip.
func (r *Room) slides(ctx context.Context, v who.Viewer, list []Shown) ([]slide, error) {
	videos, refs := make([]Video, len(list)), make([]who.Ref, len(list))
	for i, s := range list {
		videos[i], refs[i] = s.Video, s.Ref()
	}
	players, err := r.players(ctx, v, videos, fromFeed)
	if err != nil {
		return nil, err
	}
	marks := map[who.Ref]talk.Mark{}
	if !v.Guest() {
		if marks, err = r.Talks.Marks(ctx, v, refs); err != nil {
			return nil, err
		}
	}
	var out []slide
	back := service.SessionOf(ctx).Path
	for _, s := range list {
		p, ok := players[s.ID]
		if !ok {
			continue
		}
		p.Strip, p.Bullets = true, ""
		one := slide{
			player: p, href: Watch(s.ID, fromFeed), title: titleShown(ctx, s.Video), owner: channelView(s.Channel), likes: likesView(ctx, v, s.Video, marks[s.Ref()], back),
			comments: s.Comments, why: s.why(ctx), tile: tile(s.Video, Watch(s.ID, fromFeed)),
		}
		if shares(v, s.Video) {
			one.share = "/share/" + KindVideo + "/" + s.ID.String()
		}
		out = append(out, one)
	}
	return out, nil
}

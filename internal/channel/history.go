package channel

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// historyAPage is how many videos a page of the history lists.
const historyAPage = 24

// historyView is a page of what the viewer has watched.
type historyView struct {
	on    bool
	first bool
	lines []historyLine
	older string
}

// historyLine is a video that was watched. Of one that is no longer to be seen there is no more than that.
type historyLine struct {
	video ui.VideoTileView
	id    string
	gone  bool
	at    time.Time
	stood string // where the viewer left, "" at the beginning
}

func (r *Room) getHistory(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	before := post.ParseCursor(req.URL.Query().Get("before"))
	on, err := r.store.remembers(ctx, v.Account)
	if err != nil {
		return err
	}
	list, err := r.store.history(ctx, v.Account, before, historyAPage)
	if err != nil {
		return err
	}
	view := historyView{on: on == 1, first: before == post.Cursor{}}
	if view.lines, err = r.historyLines(ctx, v, list); err != nil {
		return err
	}
	if len(list) == historyAPage {
		last := list[len(list)-1]
		view.older = historyPath + "?before=" + url.QueryEscape(post.Cursor{At: db.Ms(last.At), ID: last.ID}.String())
	}
	f := service.Frame(ctx, ui.T(ctx, "channel_watch.history"))
	f.NoIndex, f.WriteHref, f.Active, f.Back = true, "", ui.MePath, &ui.Link{Text: ui.T(ctx, "channel_watch.me"), Href: ui.MePath}
	return ui.Render(w, req, http.StatusOK, historyPage(f, view))
}

// historyLines draws what was watched, as far as the viewer may still see it.
func (r *Room) historyLines(ctx context.Context, v who.Viewer, list []watched) ([]historyLine, error) {
	ids := make([]who.ID, len(list))
	for i, w := range list {
		ids[i] = w.Video
	}
	videos, err := r.store.byIDs(ctx, v.Account, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[who.ID]Video, len(videos))
	for _, x := range videos {
		found[x.ID] = x
	}
	out := make([]historyLine, len(list))
	for i, w := range list {
		x, ok := found[w.Video]
		out[i] = historyLine{id: w.Video.String(), at: w.At, gone: !ok || !sees(v, x)}
		if out[i].gone {
			continue
		}
		out[i].video = tile(x, VideoPath(x.ID))
		if w.Position >= 5*time.Second {
			out[i].stood = ui.Clock(w.Position)
		}
	}
	return out, nil
}

// tile draws a video that leads to an address.
func tile(x Video, href string) ui.VideoTileView {
	owner := channelView(x.Channel)
	return ui.VideoTileView{
		Href: href, Title: x.Title, Picture: service.MediaPath(x.Thumb), Tall: x.Height > x.Width, Duration: x.Duration, Owner: &owner, Views: x.Views, Audience: shownAudience(x),
	}
}

// shownAudience gives the audience's word on a tile. Unlisted shows as public: everybody may see it.
func shownAudience(x Video) ui.Audience {
	switch kind, _ := x.Audience.Split(); kind {
	case "followers":
		return ui.AudienceFollowers
	case "only":
		return ui.AudienceOnly
	case "circle":
		return ui.AudienceCircle
	}
	return ui.AudiencePublic
}

// postForget takes one video out of the history, or all.
func (r *Room) postForget(w http.ResponseWriter, req *http.Request) error {
	var video who.ID
	key := "channel_watch.done.cleared"
	if name := req.PostFormValue("video"); name != "" {
		id, ok := who.ParseID(name)
		if !ok {
			return exit.Fail(exit.NotFound, "error.not_found")
		}
		video, key = id, "channel_watch.done.forgotten"
	}
	if err := r.Forget(req.Context(), service.ViewerOf(req.Context()), video); err != nil {
		return err
	}
	return service.Done(w, req, historyPath, key)
}

func (r *Room) postKeep(w http.ResponseWriter, req *http.Request) error {
	on, key := req.PostFormValue("on") == "1", "channel_watch.done.off"
	if on {
		key = "channel_watch.done.on"
	}
	if err := r.Remember(req.Context(), service.ViewerOf(req.Context()), on); err != nil {
		return err
	}
	return service.Done(w, req, historyPath, key)
}

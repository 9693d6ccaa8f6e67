package channel

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// EmbedPath gives the address of a player that may stand in other sites' frames.
func EmbedPath(id who.ID) string { return "/embed/" + id.String() }

// Watch gives the address of a video's page for somebody who comes from one of [Sources].
func Watch(id who.ID, source string) string { return VideoPath(id) + "?from=" + source }

// framed lets a page stand in any site's frame, and nothing else more than other pages.
func framed(policy string) string {
	return playing(strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors *", 1))
}

// getEmbed shows a video to whoever is on another site. It asks who looks as little as it may: everybody is a guest here, and no cookie is set.
func (r *Room) getEmbed(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	h := w.Header()
	h.Del("Set-Cookie")
	h.Set("Content-Security-Policy", framed(ui.ContentSecurityPolicy))
	id, err := videoID(req)
	var x Video
	if err == nil {
		x, err = r.embeddable(ctx, id)
	}
	if exit.KindOf(err) == exit.NotFound && err != nil {
		return r.noEmbed(w, req, id)
	}
	if err != nil {
		return err
	}
	players, err := r.players(ctx, who.Viewer{}, []Video{x}, fromOutside)
	if err != nil {
		return err
	}
	view := embedView{title: titleShown(ctx, x), href: ui.Absolute(ctx, Watch(x.ID, fromOutside)), by: x.Channel.Name}
	if p, ok := players[x.ID]; ok {
		p.Bullets = ""
		view.player = &p
	}
	return ui.Render(w, req, http.StatusOK, embedPage(view))
}

// noEmbed says that a video is not here, or shows what whoever has left has left to be read. It leads nowhere by itself: another site has given its frame to a player,
// and not to a page that somebody else chose.
func (r *Room) noEmbed(w http.ResponseWriter, req *http.Request, id who.ID) error {
	ctx := req.Context()
	f, err := r.farewellAt(ctx, EmbedPath(id))
	if exit.KindOf(err) == exit.NotFound {
		return ui.Render(w, req, http.StatusNotFound, embedPage(embedView{title: ui.T(ctx, "channel_watch.none")}))
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	left := leftOf(ctx, f)
	return ui.Render(w, req, http.StatusGone, embedPage(embedView{title: ui.T(ctx, "farewell.gone"), left: &left}))
}

// embedView is a player by itself.
type embedView struct {
	left            *leftView // what whoever has left has left to be read
	title, by, href string
	player          *ui.PlayerView // nil: the video is not here
}

// embeddable gives a video that everybody may see; NotFound for any other.
func (r *Room) embeddable(ctx context.Context, id who.ID) (Video, error) {
	x, err := r.store.one(ctx, 0, id)
	if err == nil && !open(x) {
		err = errNoVideo()
	}
	return x, err
}

// oembed is an answer as oEmbed 1.0 has it (https://oembed.com), of the type "video".
type oembed struct {
	Type            string `json:"type"`
	Version         string `json:"version"`
	Title           string `json:"title"`
	AuthorName      string `json:"author_name"`
	AuthorURL       string `json:"author_url"`
	ProviderName    string `json:"provider_name"`
	ProviderURL     string `json:"provider_url"`
	ThumbnailURL    string `json:"thumbnail_url,omitempty"`
	ThumbnailWidth  int    `json:"thumbnail_width,omitempty"`
	ThumbnailHeight int    `json:"thumbnail_height,omitempty"`
	HTML            string `json:"html"`
	Width           int    `json:"width"`
	Height          int    `json:"height"`
}

// The size of an embedded player of which nothing is said, in pixels.
const (
	embedWidth  = 640
	embedHeight = 360
)

func (r *Room) getOEmbed(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	w.Header().Del("Set-Cookie")
	if f := req.FormValue("format"); f != "" && f != "json" {
		http.Error(w, "only json", http.StatusNotImplemented) // oEmbed 1.0, section 2.3.3
		return nil
	}
	id, ok := oembedID(ctx, req.FormValue("url"))
	if !ok {
		return errNoVideo()
	}
	x, err := r.embeddable(ctx, id)
	if err != nil {
		return err
	}
	width, height := fitting(x, asked(req, "maxwidth"), asked(req, "maxheight"))
	title := titleShown(ctx, x)
	out := oembed{
		Type: "video", Version: "1.0", Title: title, AuthorName: x.Channel.Name, AuthorURL: ui.Absolute(ctx, Path(x.Channel.Handle)), ProviderName: ui.SiteName(ctx), ProviderURL: ui.Absolute(ctx, "/"),
		Width: width, Height: height,
		HTML: frame(ctx, x, width, height),
	}
	if x.Poster != "" && x.Width > 0 && x.Height > 0 {
		out.ThumbnailURL, out.ThumbnailWidth, out.ThumbnailHeight = ui.Absolute(ctx, service.MediaPath(x.Poster)), x.Width, x.Height
	}
	w.Header().Set("Access-Control-Allow-Origin", "*") // what everybody may see, asked without cookies
	return answer(w, http.StatusOK, out)
}

// frame gives the code that puts a video's player into another site.
func frame(ctx context.Context, x Video, width, height int) string {
	return fmt.Sprintf(`<iframe src="%s" width="%d" height="%d" title="%s" allow="fullscreen; picture-in-picture" allowfullscreen loading="lazy" referrerpolicy="no-referrer"></iframe>`,
		html.EscapeString(ui.Absolute(ctx, EmbedPath(x.ID))), width, height, html.EscapeString(titleShown(ctx, x)))
}

// oembedID reads which video of this site an address is the page of.
func oembedID(ctx context.Context, address string) (who.ID, bool) {
	u, err := url.Parse(address)
	own, errOwn := url.Parse(ui.Absolute(ctx, "/"))
	if err != nil || errOwn != nil || len(address) > 2000 || u.Host != own.Host || u.Scheme != "http" && u.Scheme != "https" {
		return 0, false
	}
	name, ok := strings.CutPrefix(u.Path, "/videos/")
	if !ok {
		return 0, false
	}
	return who.ParseID(name)
}

// asked reads a size in pixels; 0 for none.
func asked(req *http.Request, name string) int {
	n, err := strconv.ParseUint(req.FormValue(name), 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// fitting gives the size of a player of a video's form within bounds; a bound of 0 is none.
func fitting(x Video, most, high int) (width, height int) {
	if x.Width <= 0 || x.Height <= 0 {
		x.Width, x.Height = embedWidth, embedHeight
	}
	width, height = embedWidth, embedWidth*x.Height/x.Width
	if x.Height > x.Width {
		width, height = embedWidth*x.Width/x.Height, embedWidth
	}
	if most > 0 && width > most {
		width, height = most, most*height/width
	}
	if high > 0 && height > high {
		width, height = high*width/height, high
	}
	return max(width, 1), max(height, 1)
}

// sharedVideo gives what other sites show of a video; nil where a guest does not see it.
func sharedVideo(ctx context.Context, x Video, words map[string]ui.Mention) *ui.Shared {
	if !open(x) {
		return nil
	}
	out := &ui.Shared{
		Type: "video.other", Title: titleShown(ctx, x), Description: ui.PlainText(x.Text, words, 200), Path: VideoPath(x.ID), Image: service.MediaPath(x.Poster),
		Width: x.Width, Height: x.Height, Published: x.At, Video: EmbedPath(x.ID),
	}
	out.OEmbed = oembedPath + "?url=" + url.QueryEscape(ui.Absolute(ctx, VideoPath(x.ID)))
	return out
}

// shares says whether the viewer may pass a video on within the house.
func shares(v who.Viewer, x Video) bool { return talks(v, x) }

// shareMenu gives the menu to share a video with; nil where there is nothing to share.
func shareMenu(ctx context.Context, v who.Viewer, x Video) *ui.ShareView {
	if x.State != Live {
		return nil
	}
	out := &ui.ShareView{Path: VideoPath(x.ID)}
	if shares(v, x) {
		out.Into = "/share/" + KindVideo + "/" + x.ID.String()
	}
	if !open(x) {
		out.Opens = ui.T(ctx, "channel_watch.share.some")
		return out
	}
	width, height := fitting(x, 0, 0)
	out.Embed = frame(ctx, x, width, height)
	return out
}

package channel

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/moderate"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// Where the pages of watching stand.
const (
	watchPath   = "/watch"
	historyPath = "/me/history"
	oembedPath  = "/oembed"
)

// watchRoutes are the pages on which a video is watched.
func (r *Room) watchRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET /videos/{id}", Handle: r.getWatch},
		{Pattern: "GET /videos/{id}/file", Handle: r.getFile},
		{Pattern: "GET /videos/{id}/bullets", Handle: r.getBullets},
		{Pattern: "POST /videos/{id}/bullets", Access: service.Member, Handle: r.postBullet},
		{Pattern: "POST /videos/{id}/seen", Handle: r.postSeen},
		{Pattern: "GET " + watchPath, Handle: r.getStrip},
		{Pattern: "GET /embed/{id}", Handle: r.getEmbed},
		{Pattern: "GET " + oembedPath, Handle: r.getOEmbed},
		{Pattern: "GET " + historyPath, Access: service.Member, Handle: r.getHistory},
		{Pattern: "POST " + historyPath + "/clear", Access: service.Member, Handle: r.postForget},
		{Pattern: "POST " + historyPath + "/keep", Access: service.Member, Handle: r.postKeep},
	}
}

// videoID gives the video that an address names.
func videoID(req *http.Request) (who.ID, error) {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return 0, errNoVideo()
	}
	return id, nil
}

// watchView is the page of a video.
type watchView struct {
	video   Video
	player  *ui.PlayerView // nil: there is nothing to play yet
	bar     *ui.Notice     // says why others do not see it; nil: they do
	owner   ui.PersonView
	follow  *relation.FollowView
	bell    *relation.BellView
	likes   ui.VideoLikesView
	saved   *ui.SaveView
	share   string
	file    string
	menu    []ui.Action
	text    map[string]ui.Mention
	friends string
	fed     bool   // the reader comes from the feed
	why     string // it stands there; "": it is not ranked for the reader
	beneath templ.Component
}

func (r *Room) getWatch(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := videoID(req)
	if err != nil {
		return err
	}
	x, err := r.store.one(ctx, v.Account, id)
	switch {
	case err != nil:
		return err
	case x.State == Deleting && (owns(v, x) || wasOpen(x)):
		return renderGone(w, req, v, x)
	case !sees(v, x):
		return errNoVideo()
	}
	view, err := r.watch(ctx, v, x, req)
	if err != nil {
		return err
	}
	f := service.Frame(ctx, titleShown(ctx, x))
	f.NoIndex, f.Active, f.WriteHref = x.Audience != who.Public || x.State != Live, Service.Path, ""
	f.Back = &ui.Link{Text: x.Channel.Name, Href: Path(x.Channel.Handle)}
	f.Sheet, f.Share, f.Shared = ui.VideoSheet, shareMenu(ctx, v, x), sharedVideo(ctx, x, view.text)
	w.Header().Set("Content-Security-Policy", playing(ui.ContentSecurityPolicy))
	return ui.Render(w, req, http.StatusOK, watchPage(f, view))
}

// playing lets a page's player feed its video from a script, which hls.js does where a browser does not play HLS by itself (W3C Media Source Extensions).
func playing(policy string) string {
	return strings.Replace(policy, "media-src 'self'", "media-src 'self' blob:", 1)
}

// titleShown is what a page calls a video.
func titleShown(ctx context.Context, x Video) string {
	if x.Title == "" {
		return ui.T(ctx, "player.untitled")
	}
	return x.Title
}

// wasOpen says whether everybody saw a video before it was deleted: that it is gone may be said then.
func wasOpen(x Video) bool {
	x.State = State(x.DeletedAs)
	return open(x)
}

// renderGone stands in place of a video that was deleted a moment ago: its owner can take that back.
func renderGone(w http.ResponseWriter, req *http.Request, v who.Viewer, x Video) error {
	ctx := req.Context()
	f := service.Frame(ctx, ui.T(ctx, "channel_watch.gone"))
	f.NoIndex, f.WriteHref = true, ""
	if owns(v, x) {
		return ui.Render(w, req, http.StatusOK, deletedPage(f, VideoPath(x.ID)+"/undo", Path(x.Channel.Handle)))
	}
	return ui.RenderError(w, req, f, ui.ErrorView{Status: http.StatusGone, Sentence: ui.T(ctx, "channel_watch.gone.sentence"), BackHref: Path(x.Channel.Handle), BackText: ui.T(ctx, "channel_watch.to_channel")})
}

// watch gathers what the page of a video shows.
func (r *Room) watch(ctx context.Context, v who.Viewer, x Video, req *http.Request) (watchView, error) {
	view := watchView{video: x, owner: channelView(x.Channel), file: "", fed: req.URL.Query().Get("from") == fromFeed}
	players, err := r.players(ctx, v, []Video{x}, sourceOf(req))
	if err != nil {
		return view, err
	}
	if p, ok := players[x.ID]; ok {
		if p.Resume, err = r.resume(ctx, v, x); err != nil {
			return view, err
		}
		if p.Said, err = r.said(ctx, v, x); err != nil {
			return view, err
		}
		view.player = &p
	}
	if view.text, err = r.words(ctx, v, x); err != nil {
		return view, err
	}
	marks, err := r.Talks.Marks(ctx, v, []who.Ref{x.Ref()})
	if err != nil {
		return view, err
	}
	if view.friends, err = r.friendsWho(ctx, v, x); err != nil {
		return view, err
	}
	if view.fed {
		if view.why, err = r.whyShown(ctx, v, x.ID); err != nil {
			return view, err
		}
	}
	back := service.SessionOf(ctx).Path
	view.likes, view.saved = likesView(ctx, v, x, marks[x.Ref()], back), saveView(ctx, v, x, marks[x.Ref()], back)
	view.bar, view.menu = stateBar(ctx, v, x), watchMenu(ctx, v, x)
	if !v.Guest() && !owns(v, x) && v.State == who.Active {
		view.follow = &relation.FollowView{Name: x.Channel.Handle, Follows: x.Channel.Followed, In: Name, Back: back}
	}
	if view.bell, err = r.bell(ctx, v, x, back); err != nil {
		return view, err
	}
	if shares(v, x) {
		view.share = "/share/" + KindVideo + "/" + x.ID.String()
	}
	if downloads(v, x) && x.Original != "" {
		view.file = VideoPath(x.ID) + "/file"
	}
	if r.Posts.Beneath == nil || x.State != Live {
		return view, nil
	}
	things, err := r.Things(ctx, v, []who.ID{x.ID})
	if err != nil || len(things) == 0 {
		return view, err
	}
	view.beneath, err = r.Posts.Beneath(ctx, v, things[0], req.URL.Query())
	return view, err
}

// bell gives the switch by which the viewer is told of the channel's next videos; nil for who does not follow it.
func (r *Room) bell(ctx context.Context, v who.Viewer, x Video, back string) (out *relation.BellView, err error) {
	if v.Guest() || !x.Channel.Followed {
		return out, err
	}
	on, err := r.Relations.Bells(ctx, v, []who.ID{x.Owner})
	if err != nil {
		return out, err
	}
	if out = relation.BellSwitch(v, x.Owner, x.Channel.Handle, x.Channel.Followed, on[x.Owner]); out != nil {
		out.Back = back
	}
	return out, err
}

// channelView is a channel as pages name it.
func channelView(c Channel) ui.PersonView {
	return ui.PersonView{Name: c.Name, Handle: c.Handle, Href: Path(c.Handle), Avatar: service.MediaPath(c.Avatar)}
}

// words gives what the mentions and topics in a video's text lead to.
func (r *Room) words(ctx context.Context, v who.Viewer, x Video) (map[string]ui.Mention, error) {
	links, err := r.Posts.Mentions(ctx, v.Account, x.Text, x.Title)
	if err != nil || !strings.Contains(x.Text+x.Title, "#") {
		return links, err
	}
	topics, err := r.store.topicsOf(ctx, []who.ID{x.ID})
	if err != nil {
		return nil, err
	}
	if links == nil {
		links = map[string]ui.Mention{}
	}
	for _, t := range topics[x.ID] {
		links["#"+ui.TopicKey(t.Name)] = ui.Mention{Name: t.Name, Href: "/channels/topics/" + t.ID.String()}
	}
	return links, nil
}

// friendsWho names the viewer's friends who like a video.
func (r *Room) friendsWho(ctx context.Context, v who.Viewer, x Video) (string, error) {
	found, err := r.Talks.Friends(ctx, v, []who.Ref{x.Ref()})
	likers := found[x.Ref()]
	if err != nil || len(likers.People) == 0 {
		return "", err
	}
	var names []string
	for _, p := range likers.People {
		name := p.Display
		if name == "" {
			name = p.Name
		}
		names = append(names, name)
	}
	key := "channel_watch.friends"
	if likers.Count > len(likers.People) {
		key = "channel_watch.friends.more"
	}
	return ui.T(ctx, key, "Names", strings.Join(names, ui.T(ctx, "channel_watch.comma")), "Count", likers.Count), nil
}

// takes reports whether videos can still be talked about and marked.
func takes(ctx context.Context) bool { return service.Allowed(ctx, exit.AllowWrite, Name, 0) }

func likesView(ctx context.Context, v who.Viewer, x Video, m talk.Mark, back string) ui.VideoLikesView {
	out := ui.VideoLikesView{ID: x.ID.String(), Back: back, Count: x.Likes, Liked: m.Liked, Hidden: m.Private}
	if talks(v, x) && (m.Liked || takes(ctx)) { // what was done can be taken back
		at := "/talk/" + KindVideo + "/" + x.ID.String()
		out.Public, out.Private = at+"/like", at+"/like-privately"
	}
	return out
}

func saveView(ctx context.Context, v who.Viewer, x Video, m talk.Mark, back string) *ui.SaveView {
	if !talks(v, x) || !m.Saved && !takes(ctx) {
		return nil
	}
	return &ui.SaveView{Action: "/talk/" + KindVideo + "/" + x.ID.String() + "/save", Back: back, Saved: m.Saved}
}

var barWords = ui.Keys("channel_watch.bar.", "draft", "scheduled", "withheld", "withheld_staff", "awaited", "processing", "failed")

// stateBar says why others do not see a video; nil if they do.
func stateBar(ctx context.Context, v who.Viewer, x Video) *ui.Notice {
	word := ""
	switch {
	case x.State == Withheld && owns(v, x):
		word = "withheld"
	case x.State == Withheld:
		word = "withheld_staff"
	case x.Media == Awaited || x.Media == Processing || x.Media == Failed:
		word = string(x.Media)
	case x.State == Drafted || x.State == Scheduled:
		word = string(x.State)
	default:
		return nil
	}
	n := &ui.Notice{Kind: ui.Info, Sentence: ui.T(ctx, barWords[word])}
	if x.State == Withheld || x.Media == Failed {
		n.Kind = ui.Warn
	}
	switch {
	case x.State == Withheld:
		n.Action = &ui.Link{Text: ui.T(ctx, "channel_watch.bar.why"), Href: "/moderation/of/" + KindVideo + "/" + x.ID.String()}
	case changes(v, x):
		n.Action = &ui.Link{Text: ui.T(ctx, "channel_watch.edit"), Href: VideoPath(x.ID) + "/edit"}
	}
	return n
}

// watchMenu gives what else the viewer may do with a video.
func watchMenu(ctx context.Context, v who.Viewer, x Video) (out []ui.Action) {
	if changes(v, x) {
		out = append(out, ui.Action{Label: ui.T(ctx, "channel_watch.edit"), Href: VideoPath(x.ID) + "/edit", Icon: "pen-line"})
	}
	if !v.Guest() && v.State == who.Active && !owns(v, x) {
		out = append(out, relation.MuteAction(ctx, x.Ref()), relation.ReportAction(ctx, x.Ref()))
	}
	if v.Guest() { // the page of reports, which leads there too, is for members
		out = append(out, moderate.ClaimAction(ctx, x.Ref()))
	}
	return out
}

// players gives the players of videos, in two queries. A video of which there is nothing to play has none.
func (r *Room) players(ctx context.Context, v who.Viewer, list []Video, source string) (map[who.ID]ui.PlayerView, error) {
	ids := make([]who.ID, len(list))
	for i, x := range list {
		ids[i] = x.ID
	}
	renditions, err := r.store.playable(ctx, ids)
	if err != nil {
		return nil, err
	}
	tracks, err := r.store.tracks(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[who.ID]ui.PlayerView, len(list))
	for _, x := range list {
		p := ui.PlayerView{
			ID: x.ID.String(), Title: titleShown(ctx, x), Poster: service.MediaPath(x.Poster), Width: max(x.Width, 16), Height: max(x.Height, 9),
			Seen: VideoPath(x.ID) + "/seen", Source: source, Bullets: VideoPath(x.ID) + "/bullets", Speak: talks(v, x) && takes(ctx),
		}
		if x.State != Live {
			p.Seen, p.Bullets = "", ""
		}
		for _, t := range tracks[x.ID] {
			p.Subtitles = append(p.Subtitles, ui.SubtitleTrack{Src: service.MediaPath(t.Key), Language: t.Language, Label: t.Label})
		}
		if sourcesOf(&p, x, renditions[x.ID]) {
			out[x.ID] = p
		}
	}
	return out, nil
}

// sourcesOf puts into a player what it plays: the renditions by HLS, and the lowest of them as a file for browsers without it; or the file as it came.
func sourcesOf(p *ui.PlayerView, x Video, list []rendition) bool {
	switch {
	case x.Media == Ready && len(list) > 0:
		p.Master = MasterPath(x.ID)
		p.Sources = []ui.MediaSource{{Src: service.MediaPath(list[0].Key), Type: "video/mp4"}}
		for _, y := range list {
			p.Renditions = append(p.Renditions, ui.Rendition{Src: RenditionPath(x.ID, y.Height), Height: y.Height})
		}
	case x.Media == Plain && x.Original != "":
		p.Sources = []ui.MediaSource{{Src: service.MediaPath(x.Original), Type: x.Type}}
	default:
		return false
	}
	return true
}

// resume gives where the viewer left a video.
func (r *Room) resume(ctx context.Context, v who.Viewer, x Video) (time.Duration, error) {
	if v.Guest() {
		return 0, nil
	}
	return r.store.position(ctx, v.Account, x.ID)
}

// sourceOf says where the opening of a page came from: what its address says, or another site that led here.
func sourceOf(req *http.Request) string {
	if from := req.URL.Query().Get("from"); slices.Contains(Sources, from) {
		return from
	}
	u, err := url.Parse(req.Referer())
	if err == nil && u.Host != "" && u.Host != req.Host {
		return fromOutside
	}
	return fromDirect
}

func (r *Room) getFile(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := videoID(req)
	if err != nil {
		return err
	}
	x, err := r.Video(ctx, v, id)
	switch {
	case err != nil:
		return err
	case x.Original == "":
		return errNoVideo()
	case !downloads(v, x):
		return exit.Fail(exit.Forbidden, "channel_watch.error.download")
	}
	access := blob.Private
	if open(x) && downloads(who.Viewer{}, x) {
		access = blob.Public
	}
	name := x.File
	if name == "" {
		name = x.ID.String()
	}
	return r.Blobs.ServeWhile(w, req, x.Original, access, name, func(ctx context.Context, key string) (blob.Access, error) {
		may, _, _, err := r.MayMedia(ctx, v, key)
		if err != nil || !may {
			return blob.Denied, err
		}
		return access, nil
	})
}

func (r *Room) postSeen(w http.ResponseWriter, req *http.Request) error {
	id, err := videoID(req)
	if err != nil {
		return err
	}
	seconds := func(name string) time.Duration {
		n, err := strconv.ParseUint(req.PostFormValue(name), 10, 20)
		if err != nil {
			return 0
		}
		return time.Duration(n) * time.Second
	}
	agent := req.UserAgent()
	err = r.Watched(req.Context(), service.ViewerOf(req.Context()), id, Viewing{
		Source: req.PostFormValue("source"), Watched: seconds("watched"), Position: seconds("position"), Guest: agent[:min(len(agent), 300)], Address: req.RemoteAddr,
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// longestWindow bounds the stretch of a video whose bullet comments one request reads.
const longestWindow = 2 * time.Minute

// bulletView is a bullet comment as player.js reads it.
type bulletView struct {
	talk.Bullet
	Report string `json:"report,omitempty"` // the page on which the viewer can report it
}

func (r *Room) getBullets(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := videoID(req)
	if err != nil {
		return err
	}
	begin, okBegin := momentOf(req, "from", 0)
	end, okEnd := momentOf(req, "to", begin+longestWindow)
	if !okBegin || !okEnd || end < begin {
		return exit.Fail(exit.Invalid, "channel_watch.error.moments")
	}
	end = min(end, begin+longestWindow)
	list, err := r.Talks.Bullets(ctx, v, who.Ref{Kind: KindVideo, ID: id}, begin, end, mostBullets)
	if err != nil {
		return err
	}
	out := make([]bulletView, len(list))
	for i, b := range list {
		out[i] = bulletView{b, reportOf(v, b)}
	}
	return answer(w, http.StatusOK, map[string]any{"bullets": out})
}

// reportOf gives the page on which the viewer can report a bullet comment; "" if they may not.
func reportOf(v who.Viewer, b talk.Bullet) string {
	if v.Guest() || v.State != who.Active || b.Mine {
		return ""
	}
	return "/report/comment/" + b.ID
}

// said gives the first bullet comments on a video, for who has no scripts.
func (r *Room) said(ctx context.Context, v who.Viewer, x Video) (out []ui.BulletLine, err error) {
	if x.State != Live {
		return nil, nil
	}
	list, err := r.Talks.Bullets(ctx, v, x.Ref(), 0, 24*time.Hour, ui.MostSaid)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		line := ui.BulletLine{At: (time.Duration(b.At) * time.Millisecond).Truncate(time.Second), Text: b.Text, Report: reportOf(v, b)}
		if b.Remove != "" {
			line.Remove = b.Remove + "?back=" + VideoPath(x.ID)
		}
		out = append(out, line)
	}
	return out, nil
}

// momentOf reads a moment of a video, in milliseconds; otherwise where none is given.
func momentOf(req *http.Request, name string, otherwise time.Duration) (at time.Duration, ok bool) {
	text := req.FormValue(name)
	if text == "" {
		return otherwise, true
	}
	ms, err := strconv.ParseUint(text, 10, 31)
	return time.Duration(ms) * time.Millisecond, err == nil
}

// mostBullets bounds how many bullet comments one answer has.
const mostBullets = 500

func (r *Room) postBullet(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	moment, ok := momentOf(req, "moment", -1)
	if !ok {
		moment = -1
	}
	text := strings.TrimSpace(req.PostFormValue("text"))
	id, err := videoID(req)
	var said who.ID
	if err == nil {
		said, err = r.bullet(ctx, v, id, moment, text)
	}
	var e *exit.Error
	if errors.As(err, &e) && e.Kind != exit.Internal {
		status := http.StatusUnprocessableEntity
		if e.Kind == exit.NotFound {
			status = http.StatusNotFound
		}
		return answer(w, status, map[string]any{"problem": service.Sentence(ctx, e)})
	}
	if err != nil {
		return err
	}
	b := talk.Bullet{ID: said.String(), At: moment.Milliseconds(), Text: text, Mine: true, Remove: "/talk/comments/" + said.String() + "/delete"}
	return answer(w, http.StatusCreated, map[string]any{"bullet": bulletView{Bullet: b}})
}

// answer sends JSON to a script.
func answer(w http.ResponseWriter, status int, what any) error {
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // fails only if the browser has gone
	return nil
}

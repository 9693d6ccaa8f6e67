package channel

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// Where the pages of owners stand.
const (
	openPath        = "/channels/open"
	settingsPath    = "/channels/settings"
	picturesPath    = "/channels/pictures"
	limitsPath      = "/channels/limits"
	collectionsPath = "/channels/collections"
	newPath         = "/videos/new"
	draftsPath      = "/videos/drafts"
	operatorPath    = "/operator/channels"
)

// Rows a page shows.
const (
	tilesAPage       = 24
	collectionsAPage = 24
	channelsAPage    = 50
)

// coreRoutes are the pages on which a channel is opened, shown and arranged.
func (r *Room) coreRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + openPath, Access: service.Member, Handle: r.getOpen},
		{Pattern: "POST " + openPath, Access: service.Member, Handle: r.postOpen},
		{Pattern: "GET /@{name}/channel", Handle: r.getChannel},
		{Pattern: "GET " + settingsPath, Access: service.Member, Handle: r.getSettings},
		{Pattern: "POST " + settingsPath, Access: service.Member, Handle: r.postSettings},
		{Pattern: "POST " + picturesPath, Access: service.Member, Handle: r.postPictures, Upload: true},
		{Pattern: "GET " + limitsPath, Handle: r.getLimits},
		{Pattern: "GET /channels/topics/{topic}", Handle: r.getTopic},
		{Pattern: "GET " + collectionsPath, Access: service.Member, Handle: r.getCollections},
		{Pattern: "POST " + collectionsPath, Access: service.Member, Handle: r.postCollection},
		{Pattern: "GET /collections/{id}", Handle: r.getCollection},
		{Pattern: "POST /collections/{id}", Access: service.Member, Handle: r.postCollection},
		{Pattern: "POST /collections/{id}/move", Access: service.Member, Handle: r.postMove},
		{Pattern: "POST /collections/{id}/remove", Access: service.Member, Handle: r.postDropCollection},
		{Pattern: "GET " + newPath, Access: service.Member, Handle: r.getNew},
		{Pattern: "GET " + draftsPath, Access: service.Member, Handle: r.getDrafts},
		{Pattern: "GET /videos/{id}/edit", Access: service.Member, Handle: r.getEdit},
		{Pattern: "POST /videos/{id}/edit", Access: service.Member, Handle: r.postEdit},
		{Pattern: "GET /videos/{id}/progress", Access: service.Member, Handle: r.getProgress},
		{Pattern: "POST /videos/{id}/cover", Access: service.Member, Handle: r.postCover, Upload: true},
		{Pattern: "POST /videos/{id}/again", Access: service.Member, Handle: r.postAgain},
		{Pattern: "POST /videos/{id}/subtitles", Access: service.Member, Handle: r.postSubtitle, Upload: true},
		{Pattern: "POST /videos/{id}/subtitles/{subtitle}/remove", Access: service.Member, Handle: r.postDropSubtitle},
		{Pattern: "GET /videos/{id}/delete", Access: service.Member, Handle: r.getDelete},
		{Pattern: "POST /videos/{id}/delete", Access: service.Member, Handle: r.postDelete},
		{Pattern: "POST /videos/{id}/undo", Access: service.Member, Handle: r.postUndo},
		{Pattern: "GET /videos/{id}/{list}", Handle: r.getPlaylist},
		{Pattern: "GET " + operatorPath, Access: service.Operator, Handle: r.getOperator},
		{Pattern: "POST " + operatorPath, Access: service.Operator, Handle: r.postOperator},
		{Pattern: "POST " + operatorPath + "/{account}/badge", Access: service.Operator, Handle: r.postBadge},
	}
}

// page draws a page of an owner's.
func page(w http.ResponseWriter, req *http.Request, status int, title string, back *ui.Link, body templ.Component) error {
	f := service.Frame(req.Context(), title)
	f.Active, f.Back, f.NoIndex, f.WriteHref = Service.Path, back, true, ""
	return ui.Render(w, req, status, ui.PageWith(f, body))
}

// cursorOf reads the place in a list from an address.
func cursorOf(req *http.Request) Cursor {
	at, key, _ := strings.Cut(req.FormValue("before"), "-")
	ms, err := strconv.ParseInt(at, 10, 64)
	id, ok := who.ParseID(key)
	if err != nil || !ok {
		return Cursor{}
	}
	return Cursor{time.UnixMilli(ms).UTC(), id}
}

// nextOf gives what leads on in a list, "" at its end.
func nextOf(list []Video, limit int) string {
	if len(list) < limit {
		return ""
	}
	last := list[len(list)-1]
	return strconv.FormatInt(last.At.UnixMilli(), 10) + "-" + last.ID.String()
}

func toChannel(c Channel) *ui.Link { return &ui.Link{Text: c.Name, Href: Path(c.Handle)} }

func toVideo(ctx context.Context, x Video) *ui.Link {
	return &ui.Link{Text: titleShown(ctx, x), Href: VideoPath(x.ID)}
}

// problems are the sentences for what cannot be accepted, by the name of the field; "" is the whole form.
type problems map[string]string

func (p problems) status() int {
	if len(p) == 0 {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// fields are the fields of this room's forms by the beginning of the keys of their errors.
var fields = []struct{ prefix, field string }{
	{"channel.error.name_", "name"},
	{"channel.error.bio", "bio"},
	{"channel.error.link", "links"},
	{"channel.error.title_", "title"},
	{"channel.error.text_", "text"},
	{"channel.error.audience", "audience"},
	{"channel.error.when", "when"},
	{"channel.error.subtitle_", "subtitle"},
	{"channel.error.collection_title", "title"},
	{"channel.error.collection_text", "text"},
	{"channel.error.limits", "limits"},
	{"channel.error.badge", "badge"},
	{"upload.error.limit", "length"},
	{"media.error.", "file"},
}

// explain turns an error that a person can do something about into a sentence at its field. Any other error is given back.
func explain(ctx context.Context, err error) (problems, error) {
	var e *exit.Error
	if !errors.As(err, &e) || e.Kind != exit.Invalid && e.Kind != exit.Conflict && e.Kind != exit.Forbidden && e.Kind != exit.TooMany {
		return nil, err
	}
	for _, f := range fields {
		if strings.HasPrefix(e.Key, f.prefix) {
			return problems{f.field: service.Sentence(ctx, e)}, nil
		}
	}
	return problems{"": service.Sentence(ctx, e)}, nil
}

// wordsView is the form of a channel's words.
type wordsView struct {
	Words
	Action, Button string
	Problems       problems
	Bar            *progressBar
}

// progressBar tells how many followers something takes and how many there are.
type progressBar struct{ Have, Need int64 }

func wordsOf(req *http.Request) Words {
	w := Words{Name: req.PostFormValue("name"), Bio: req.PostFormValue("bio"), Downloads: req.PostFormValue("downloads") != "", Category: req.PostFormValue("category"), Explicit: req.PostFormValue("explicit") != ""}
	labels, addresses := req.PostForm["label"], req.PostForm["url"]
	for i := range addresses[:min(len(addresses), mostLinks+1)] {
		l := Link{URL: addresses[i]}
		if i < len(labels) {
			l.Label = labels[i]
		}
		w.Links = append(w.Links, l)
	}
	return w
}

func (r *Room) getOpen(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	s := service.SessionOf(ctx)
	if c, err := r.mine(ctx, s.Viewer); err == nil {
		return service.Done(w, req, Path(c.Handle), "")
	} else if exit.KindOf(err) != exit.NotFound {
		return err
	}
	name := s.DisplayName
	if name == "" {
		name = s.Viewer.Name
	}
	return r.showOpen(w, req, Words{Name: name}, nil)
}

func (r *Room) showOpen(w http.ResponseWriter, req *http.Request, typed Words, p problems) error {
	ctx := req.Context()
	view := wordsView{Words: typed, Action: openPath, Button: ui.T(ctx, "channel.open.do"), Problems: p}
	l, err := r.Limits(ctx)
	if err != nil {
		return err
	}
	if l.ToOpen > 0 {
		_, have, err := r.Relations.Totals(ctx, service.ViewerOf(ctx).Account)
		if err != nil {
			return err
		}
		view.Bar = &progressBar{have, l.ToOpen}
	}
	return page(w, req, p.status(), ui.T(ctx, "channel.open"), &ui.Link{Text: ui.T(ctx, "channel.service"), Href: Service.Path}, openPage(view))
}

func (r *Room) postOpen(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	typed := wordsOf(req)
	if err := r.Open(ctx, v, typed); err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.showOpen(w, req, typed, p)
	}
	return service.Done(w, req, Path(v.Name), "channel.done.opened")
}

package post

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Bounds of a posted form: nine images of 20 MB each and the words.
const (
	mostForm   = 9*20<<20 + 1<<20
	mostMemory = 8 << 20 // of a form; what is more goes to temporary files
)

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "GET /write", Access: service.Member, Handle: r.getWrite},
		{Pattern: "POST /write", Access: service.Member, Handle: r.postWrite, Upload: true},
		{Pattern: "GET /posts/{id}", Handle: r.getPost},
		{Pattern: "GET /posts/{id}/edit", Access: service.Member, Handle: r.getEdit},
		{Pattern: "POST /posts/{id}/edit", Access: service.Member, Handle: r.postEdit},
		{Pattern: "GET /posts/{id}/delete", Access: service.Member, Handle: r.getDelete},
		{Pattern: "POST /posts/{id}/delete", Access: service.Member, Handle: r.postDelete},
	}
}

func pathID(req *http.Request) (who.ID, error) {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return 0, exit.Fail(exit.NotFound, "error.not_found")
	}
	return id, nil
}

func (r *Room) getPost(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	p, err := r.One(ctx, v, id)
	if err != nil {
		return err
	}
	views, err := r.Views(ctx, v, []Post{p})
	if err != nil {
		return err
	}
	views[0].Whole = true
	f := service.Frame(ctx, ui.T(ctx, "post.title"))
	f.NoIndex = p.Audience != who.Public
	f.Back = back(p)
	page := postPage(f, views[0], nil)
	if r.Beneath != nil {
		beneath, err := r.Beneath(ctx, v, p.Thing(v), req.URL.Query())
		if err != nil {
			return err
		}
		page = postPage(f, views[0], beneath)
	}
	return ui.Render(w, req, http.StatusOK, page)
}

// back leads to where a post stands.
func back(p Post) *ui.Link {
	switch {
	case p.In.Name != "":
		return &ui.Link{Text: p.In.Name, Href: p.In.Href}
	case p.Service == Page && p.Author != 0:
		return &ui.Link{Text: p.author().Name, Href: p.author().Href}
	}
	return nil
}

// form is a post that is being written or edited: what was typed, and what is wrong with it.
type form struct {
	action    string
	back      *ui.Link
	in        string // "circle:7" for a place
	place     Place
	text      string
	audience  string
	alts      string // one description a line
	images    []Image
	imageAlts map[who.ID]string
	own       bool // on the own page: it has an audience to choose
	edit      bool
	wrong     map[string]string // sentences by field
}

var audiences = ui.Keys("post.audience.", "public", "unlisted", "followers", "only")

func (f form) options(ctx context.Context) []ui.Option {
	words := []string{"public", "followers", "only"}
	if f.audience == "unlisted" {
		words = []string{"public", "unlisted", "followers", "only"}
	}
	chosen := f.audience
	if chosen == "" {
		chosen = "public"
	}
	var out []ui.Option
	for _, w := range words {
		out = append(out, ui.Option{Value: w, Label: ui.T(ctx, audiences[w]), Selected: w == chosen})
	}
	return out
}

// parsePlace reads "circle:7"; empty is the own page.
func parsePlace(in string) (string, who.ID, error) {
	if in == "" {
		return Page, 0, nil
	}
	ref, ok := who.ParseRef(in)
	if !ok {
		return "", 0, exit.Fail(exit.NotFound, "error.not_found")
	}
	return ref.Kind, ref.ID, nil
}

// newForm begins a form for a place that the viewer may write in.
func (r *Room) newForm(ctx context.Context, v who.Viewer, in string) (form, error) {
	service, id, err := parsePlace(in)
	if err != nil {
		return form{}, err
	}
	f := form{action: "/write", in: in, own: service == Page}
	if f.own {
		f.back = &ui.Link{Text: ui.T(ctx, "post.write.home"), Href: ui.HomePath}
		return f, nil
	}
	if r.Places == nil {
		return f, exit.Fail(exit.NotFound, "error.not_found")
	}
	f.place, err = r.Places.MayPost(ctx, v, service, id)
	f.back = &ui.Link{Text: f.place.Name, Href: f.place.Href}
	return f, err
}

func (r *Room) getWrite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	f, err := r.newForm(ctx, service.ViewerOf(ctx), req.URL.Query().Get("in"))
	if err != nil {
		return err
	}
	return render(w, req, http.StatusOK, f)
}

func render(w http.ResponseWriter, req *http.Request, status int, f form) error {
	ctx := req.Context()
	title := ui.T(ctx, "post.write")
	if f.edit {
		title = ui.T(ctx, "post.edit")
	} else if f.place.Name != "" {
		title = ui.T(ctx, "post.write.in", "Name", f.place.Name)
	}
	frame := service.Frame(ctx, title)
	frame.NoIndex, frame.WriteHref, frame.Back = true, "", f.back
	return ui.Render(w, req, status, formPage(frame, f))
}

// fieldOf says beneath which field an error is told.
var fieldOf = map[string]string{
	"post.error.empty": "text", "post.error.long": "text", "post.error.text": "text", "post.error.images": "images", "post.error.alt": "alts",
	"post.error.audience": "audience",
}

// again draws a form once more with what is wrong; an error that no field answers for goes on.
func again(w http.ResponseWriter, req *http.Request, f form, err error) error {
	var e *exit.Error
	if !errors.As(err, &e) || e.Kind != exit.Invalid {
		return err
	}
	field, ok := fieldOf[e.Key]
	if strings.HasPrefix(e.Key, "media.") {
		field, ok = "images", true
	}
	if !ok {
		return err
	}
	args := make([]any, 0, 2*len(e.Args))
	for name, value := range e.Args {
		args = append(args, name, value)
	}
	f.wrong = map[string]string{field: ui.Sentence(req.Context(), e.Key, args...)}
	return render(w, req, http.StatusUnprocessableEntity, f)
}

func (r *Room) postWrite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	req.Body = http.MaxBytesReader(w, req.Body, mostForm)
	if err := req.ParseMultipartForm(mostMemory); err != nil && !errors.Is(err, http.ErrNotMultipart) { //nolint:gosec // bounded by the line above
		return badForm(err)
	}
	if req.MultipartForm != nil {
		defer req.MultipartForm.RemoveAll() //nolint:errcheck // temporary files; the system's own sweep takes what is left
	}
	f, err := r.newForm(ctx, v, req.FormValue("in"))
	if err != nil {
		return err
	}
	f.text, f.audience, f.alts = req.FormValue("text"), req.FormValue("audience"), req.FormValue("alts")
	d := Draft{Text: f.text, Audience: f.audience, Images: uploads(req, f.alts)}
	if d.Service, d.Place, err = parsePlace(f.in); err != nil {
		return err
	}
	id, err := r.Write(ctx, v, d)
	if err != nil {
		return again(w, req, f, err)
	}
	return service.Done(w, req, "/posts/"+id.String(), "post.done.written")
}

// badForm is the answer to a form that cannot be read: too large, or broken off.
func badForm(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return &exit.Error{Kind: exit.Invalid, Key: "post.error.heavy", Err: err}
	}
	return &exit.Error{Kind: exit.Invalid, Key: "post.error.form", Err: err}
}

// uploads gives the files of a form with their descriptions, one a line.
func uploads(req *http.Request, alts string) []Upload {
	if req.MultipartForm == nil {
		return nil
	}
	lines := strings.Split(strings.ReplaceAll(alts, "\r\n", "\n"), "\n")
	var out []Upload
	for _, h := range req.MultipartForm.File["images"] {
		if h.Size == 0 && h.Filename == "" {
			continue
		}
		u := Upload{Open: func() (io.ReadCloser, error) { return h.Open() }}
		if len(out) < len(lines) {
			u.Alt = strings.TrimSpace(lines[len(out)])
		}
		out = append(out, u)
	}
	return out
}

// editable gives the form of a post that the viewer may edit.
func (r *Room) editable(ctx context.Context, v who.Viewer, id who.ID) (form, error) {
	p, err := r.one(ctx, v, id)
	if err != nil {
		return form{}, err
	}
	if !changes(v, p) {
		return form{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	texts, err := r.Decode(ctx, p.Text)
	if err != nil {
		return form{}, err
	}
	images, err := r.store.images(ctx, []who.ID{id})
	if err != nil {
		return form{}, err
	}
	word, _ := p.Audience.Split()
	f := form{action: p.Link() + "/edit", back: &ui.Link{Text: ui.T(ctx, "post.title"), Href: p.Link()}, text: texts[0], audience: word, place: p.In, own: p.Service == Page, edit: true, imageAlts: map[who.ID]string{}}
	for _, i := range images[id] {
		if i.Key != "" {
			f.images = append(f.images, i)
			f.imageAlts[i.ID] = i.Alt
		}
	}
	return f, nil
}

func (r *Room) getEdit(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req)
	if err != nil {
		return err
	}
	f, err := r.editable(req.Context(), service.ViewerOf(req.Context()), id)
	if err != nil {
		return err
	}
	return render(w, req, http.StatusOK, f)
}

func (r *Room) postEdit(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	f, err := r.editable(ctx, v, id)
	if err != nil {
		return err
	}
	f.text, f.audience = req.PostFormValue("text"), req.PostFormValue("audience")
	for image := range f.imageAlts {
		f.imageAlts[image] = strings.TrimSpace(req.PostFormValue("alt-" + image.String()))
	}
	if err := r.Edit(ctx, v, id, Change{Text: f.text, Audience: f.audience, Alts: f.imageAlts}); err != nil {
		return again(w, req, f, err)
	}
	return service.Done(w, req, "/posts/"+id.String(), "post.done.edited")
}

func (r *Room) getDelete(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	p, err := r.one(ctx, v, id)
	if err != nil {
		return err
	}
	if !removes(v, p) {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	views, err := r.Views(ctx, v, []Post{p})
	if err != nil {
		return err
	}
	views[0].Menu, views[0].Like.Action, views[0].Saved = nil, "", nil
	f := service.Frame(ctx, ui.T(ctx, "post.delete.title"))
	f.NoIndex, f.Back = true, &ui.Link{Text: ui.T(ctx, "post.title"), Href: p.Link()}
	return ui.Render(w, req, http.StatusOK, deletePage(f, views[0]))
}

func (r *Room) postDelete(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req)
	if err != nil {
		return err
	}
	p, err := r.One(ctx, v, id)
	if err != nil {
		return err
	}
	if err := r.Delete(ctx, v, id); err != nil {
		return err
	}
	to := ui.HomePath
	if link := back(p); link != nil {
		to = link.Href
	}
	return service.Done(w, req, to, "post.done.deleted")
}

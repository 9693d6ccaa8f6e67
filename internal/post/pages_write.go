package post

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// form is a post that is being written or edited: what was typed, and what is wrong with it.
type form struct {
	action    string
	back      *ui.Link
	in        string // "circle:7" for a place
	draft     who.ID // the draft that it continues, 0 for none
	share     string // "post:7" for what it shares
	card      *ui.CardView
	refusal   string // why it was refused as a submission
	place     Place
	text      string
	audience  string
	alts      string // one description a line
	images    []Image
	imageAlts map[who.ID]string
	drop      []who.ID
	own       bool // on the own page: it has an audience to choose
	edit      bool
	moved     error             // why a draft cannot go where it was meant for; nil: it can
	wrong     map[string]string // sentences by field
}

// waits says whether what is written waits for a yes.
func (f form) waits() bool { return f.place.Approves && !f.place.Staff }

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

// newForm begins a form for a place that the viewer may write in, with what is shared.
func (r *Room) newForm(ctx context.Context, v who.Viewer, in, share string) (form, error) {
	name, id, err := parsePlace(in)
	if err != nil {
		return form{}, err
	}
	if err := service.Offer(ctx, exit.AllowWrite, name, id); err != nil {
		return form{}, err
	}
	f := form{action: "/write", in: in, own: name == Page}
	if share != "" {
		ref, _ := who.ParseRef(share)
		if err := r.mayShare(ctx, v, ref); err != nil || ref.ID == 0 {
			return f, errors.Join(err, unknown(ref))
		}
		cards, err := r.cards(ctx, v, []who.Ref{ref})
		if err != nil {
			return f, err
		}
		f.share, f.card = share, cards[ref]
	}
	if f.own {
		f.back = &ui.Link{Text: ui.T(ctx, "post.write.home"), Href: ui.HomePath}
		return f, nil
	}
	if r.Places == nil {
		return f, exit.Fail(exit.NotFound, "error.not_found")
	}
	f.place, err = r.Places.MayPost(ctx, v, name, id)
	f.back = &ui.Link{Text: f.place.Name, Href: f.place.Href}
	return f, err
}

// unknown is the error for an address that names nothing.
func unknown(ref who.Ref) error {
	if ref.ID == 0 {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	return nil
}

// cardRefs gives what a post shares, nothing if it shares nothing.
func cardRefs(p Post) []who.Ref {
	if p.Card.Kind == "" {
		return nil
	}
	return []who.Ref{p.Card}
}

// draftForm gives the form of a draft of the viewer. A draft for a place in which its author may not write any more is one for the own page, for
// the author alone until another audience is chosen.
func (r *Room) draftForm(ctx context.Context, v who.Viewer, id who.ID) (form, error) {
	p, err := r.one(ctx, v, id)
	if err != nil {
		return form{}, err
	}
	if !owns(v, p) || p.State != Drafted {
		return form{}, exit.Fail(exit.NotFound, "post.error.no_draft")
	}
	in := ""
	if p.Service != Page {
		in = who.Ref{Kind: p.Service, ID: p.Place}.String()
	}
	f, err := r.newForm(ctx, v, in, "")
	if kind := exit.KindOf(err); err != nil && in != "" && (kind == exit.Forbidden || kind == exit.NotFound) {
		why := err
		f, err = r.newForm(ctx, v, "", "")
		f.moved = why
	}
	if err != nil {
		return f, err
	}
	cards, err := r.cards(ctx, v, cardRefs(p))
	if err != nil {
		return f, err
	}
	texts, err := r.Decode(ctx, v.Account, p.Text)
	if err != nil {
		return f, err
	}
	images, err := r.store.images(ctx, []who.ID{id})
	if err != nil {
		return f, err
	}
	if f.audience, _ = p.Audience.Split(); f.moved != nil {
		f.audience = "only"
	}
	f.draft, f.text, f.refusal, f.card, f.images, f.imageAlts = id, texts[0], p.Refusal, cards[p.Card], images[id], map[who.ID]string{}
	f.back = &ui.Link{Text: ui.T(ctx, "post.drafts"), Href: "/me/drafts"}
	for _, i := range f.images {
		f.imageAlts[i.ID] = i.Alt
	}
	if p.Card.Kind != "" {
		f.share = p.Card.String()
	}
	return f, nil
}

func (r *Room) getWrite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	query := req.URL.Query()
	if id, ok := who.ParseID(query.Get("draft")); ok {
		f, err := r.draftForm(ctx, v, id)
		if err != nil {
			return err
		}
		return render(w, req, http.StatusOK, f)
	}
	f, err := r.newForm(ctx, v, query.Get("in"), query.Get("card"))
	if err != nil {
		return err
	}
	if id, ok := who.ParseID(query.Get("topic")); ok {
		t, _, err := r.Topic(ctx, v, id)
		if err != nil {
			return err
		}
		f.text = "#" + t.Name + " "
	}
	return render(w, req, http.StatusOK, f)
}

func render(w http.ResponseWriter, req *http.Request, status int, f form) error {
	ctx := req.Context()
	title := ui.T(ctx, "post.write")
	switch {
	case f.edit:
		title = ui.T(ctx, "post.edit")
	case f.waits():
		title = ui.T(ctx, "post.submit.in", "Name", f.place.Name)
	case f.place.Name != "":
		title = ui.T(ctx, "post.write.in", "Name", f.place.Name)
	}
	frame := service.Frame(ctx, title)
	frame.NoIndex, frame.WriteHref, frame.Back = true, "", f.back
	return ui.Render(w, req, status, formPage(frame, f))
}

// fieldOf says beneath which field an error is told.
var fieldOf = map[string]string{
	"post.error.empty": "text", "post.error.long": "text", "post.error.text": "text", "post.error.turned": "text", "post.error.hidden": "text",
	"post.error.images": "images", "post.error.alt": "alts", "post.error.alt_hides": "alts", "post.error.audience": "audience",
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
	if !ok { // what another room's rules refuse, of the words
		field = "text"
	}
	f.wrong = map[string]string{field: ui.Sentence(req.Context(), e.Key, args(e)...)}
	return render(w, req, http.StatusUnprocessableEntity, f)
}

// sentence gives the words of an error.
func sentence(ctx context.Context, err error) string {
	var e *exit.Error
	if !errors.As(err, &e) {
		e = &exit.Error{Key: "error.not_found"}
	}
	return ui.Sentence(ctx, e.Key, args(e)...)
}

// args gives the arguments of an error's sentence.
func args(e *exit.Error) []any {
	out := make([]any, 0, 2*len(e.Args))
	for name, value := range e.Args {
		out = append(out, name, value)
	}
	return out
}

// readForm gives what was posted to /write.
func (r *Room) readForm(ctx context.Context, v who.Viewer, req *http.Request) (f form, err error) {
	if id, ok := who.ParseID(req.FormValue("draft")); ok {
		f, err = r.draftForm(ctx, v, id)
	} else {
		f, err = r.newForm(ctx, v, req.FormValue("in"), req.FormValue("card"))
	}
	f.read(req)
	return f, err
}

// read takes in what was typed.
func (f *form) read(req *http.Request) {
	f.text, f.audience, f.alts = req.FormValue("text"), req.FormValue("audience"), req.FormValue("alts")
	for _, i := range f.images {
		f.imageAlts[i.ID] = strings.TrimSpace(req.FormValue("alt-" + i.ID.String()))
		if req.FormValue("drop-"+i.ID.String()) != "" {
			f.drop = append(f.drop, i.ID)
		}
	}
}

// parse reads a posted form with its files; [letGo] is to be called after it.
func parse(w http.ResponseWriter, req *http.Request) error {
	req.Body = http.MaxBytesReader(w, req.Body, mostForm)
	if err := req.ParseMultipartForm(mostMemory); err != nil && !errors.Is(err, http.ErrNotMultipart) { //nolint:gosec // bounded by the line above
		return badForm(err)
	}
	return nil
}

func letGo(req *http.Request) {
	if req.MultipartForm != nil {
		req.MultipartForm.RemoveAll() //nolint:errcheck // temporary files; the system's own sweep takes what is left
	}
}

func (r *Room) postWrite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	if err := parse(w, req); err != nil {
		return err
	}
	defer letGo(req)
	f, err := r.readForm(ctx, v, req)
	if err != nil {
		return err
	}
	// The form was opened for the place: nobody chose who sees the words elsewhere.
	if f.moved != nil && f.audience == "" {
		f.audience, f.wrong = "only", map[string]string{"audience": sentence(ctx, f.moved)}
		return render(w, req, http.StatusUnprocessableEntity, f)
	}
	d := Draft{ID: f.draft, Text: f.text, Audience: f.audience, Images: uploads(req, f.alts), Drop: f.drop, Alts: f.imageAlts}
	d.Card, _ = who.ParseRef(f.share)
	if d.Service, d.Place, err = parsePlace(f.in); err != nil {
		return err
	}
	if req.FormValue("do") == "draft" {
		id, err := r.SaveDraft(ctx, v, d)
		if err != nil {
			return again(w, req, f, err)
		}
		return service.Done(w, req, "/write?draft="+id.String(), "post.done.draft")
	}
	id, err := r.Write(ctx, v, d)
	if err != nil {
		return again(w, req, f, err)
	}
	p, err := r.One(ctx, v, id)
	if err != nil {
		return err
	}
	if p.State == Submitted {
		return service.Done(w, req, p.Link(), "post.done.submitted")
	}
	return service.Done(w, req, p.Link(), "post.done.written")
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

// How many drafts and submissions a page lists.
const draftsShown = 30

// draftLine is a draft, or a post that waits for a yes, as its author's list shows it.
type draftLine struct {
	post    Post
	words   string
	place   *ui.Link
	href    string
	refused bool
}

// draftsView is the page of one's drafts.
type draftsView struct {
	drafts, waiting []draftLine
	older           string
	first           bool
}

func (r *Room) getDrafts(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	c := ParseCursor(req.URL.Query().Get("before"))
	drafts, err := r.Drafts(ctx, v, c, draftsShown)
	if err != nil {
		return err
	}
	view := draftsView{first: c == (Cursor{})}
	if view.first {
		waiting, err := r.InQueue(ctx, v, Cursor{}, draftsShown)
		if err != nil {
			return err
		}
		if view.waiting, err = r.draftLines(ctx, v, waiting); err != nil {
			return err
		}
	}
	if view.drafts, err = r.draftLines(ctx, v, drafts); err != nil {
		return err
	}
	if next := Next(drafts, draftsShown).String(); next != "" {
		view.older = "/me/drafts?before=" + next
	}
	f := service.Frame(ctx, ui.T(ctx, "post.drafts"))
	f.Active, f.NoIndex, f.Back = ui.MePath, true, &ui.Link{Text: ui.T(ctx, "post.me"), Href: ui.MePath}
	return ui.Render(w, req, http.StatusOK, draftsPage(f, view))
}

func (r *Room) draftLines(ctx context.Context, v who.Viewer, posts []Post) (out []draftLine, err error) {
	texts := make([]string, len(posts))
	for i, p := range posts {
		texts[i] = p.Text
	}
	if texts, err = r.Decode(ctx, v.Account, texts...); err != nil {
		return nil, err
	}
	for i, p := range posts {
		line := draftLine{post: p, words: Excerpt(texts[i]), href: p.Link(), refused: p.Refusal != ""}
		if p.State == Drafted {
			line.href = "/write?draft=" + p.ID.String()
		}
		if line.words == "" {
			line.words = ui.T(ctx, "post.wordless", "Count", p.Images)
		}
		if p.In.Name != "" {
			line.place = &ui.Link{Text: p.In.Name, Href: p.In.Href}
		}
		out = append(out, line)
	}
	return out, nil
}

func (r *Room) postDropDraft(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req)
	if err != nil {
		return err
	}
	if err := r.DropDraft(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, "/me/drafts", "post.done.dropped")
}

// dropping says whether an image of a draft was marked as not wanted.
func (f form) dropping(id who.ID) bool { return slices.Contains(f.drop, id) }

// publish is the button that sends the form.
func (f form) publish(ctx context.Context) ui.Button {
	b := ui.Button{Label: ui.T(ctx, "post.publish"), Kind: ui.Primary, Name: "do", Value: "publish"}
	if f.waits() {
		b.Label = ui.T(ctx, "post.submit")
	}
	return b
}

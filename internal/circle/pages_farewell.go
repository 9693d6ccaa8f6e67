package circle

import (
	"context"
	"errors"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// movedName ends the address at which the signed statement is read as it is.
const movedName = "moved.txt"

func farewellPath(id who.ID) string { return Path(id) + "/farewell" }

// leftHere gives what was left in a circle for its page; nil for nothing.
func (r *Room) leftHere(ctx context.Context, id who.ID) (*Farewell, error) {
	f, err := r.farewellIn(ctx, id)
	switch {
	case exit.KindOf(err) == exit.NotFound:
		return nil, nil //nolint:nilnil // nothing was left: what most circles have
	case err != nil:
		return nil, err
	}
	return &f, nil
}

// farewellView is the form of a farewell.
type farewellView struct {
	Circle
	Words ui.TextArea
	Link  ui.Field
	Left  *Farewell // what is kept now
	Wrong *ui.Notice
	Can   bool // it can be changed; else only taken away
}

func (r *Room) farewellPage(w http.ResponseWriter, req *http.Request) error {
	return r.farewellForm(w, req, nil, nil)
}

// farewellForm draws the form, with what was typed and what is wrong with it.
func (r *Room) farewellForm(w http.ResponseWriter, req *http.Request, typed *Farewell, p problems) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	c, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return err
	}
	if !runs(m) {
		return exit.Fail(exit.Forbidden, "circle.error.owner_only")
	}
	view := farewellView{Circle: c}
	if view.Left, err = r.leftHere(ctx, id); err != nil {
		return err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	if view.Can, err = r.Desk.Still(ctx, exit.AllowExport, Name, id, now); err != nil {
		return err
	}
	value := typed
	if value == nil && view.Left != nil {
		value = view.Left
	}
	if value == nil {
		value = &Farewell{}
	}
	view.Words = ui.TextArea{
		Name: "words", Label: ui.T(ctx, "circle_farewell.words"), Hint: ui.T(ctx, "circle_farewell.words.hint", "Count", mostFarewell), Value: value.Words, Rows: 3,
		MaxLength: mostFarewell, Error: p["words"],
	}
	view.Link = ui.Field{
		Name: "link", Label: ui.T(ctx, "circle_farewell.link"), Hint: ui.T(ctx, "circle_farewell.link.hint"), Value: value.Link, Type: "url", InputMode: "url",
		MaxLength: longestLink, Error: p["link"],
	}
	if sentence := p[""]; sentence != "" {
		view.Wrong = &ui.Notice{Kind: ui.Warn, Sentence: sentence}
	}
	return page(w, req, p.status(), ui.T(ctx, "circle_farewell.title"), toCircle(ctx, c), farewellBody(view))
}

func (r *Room) postFarewell(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	typed, done := (*Farewell)(nil), ""
	switch req.PostFormValue("do") {
	case "drop":
		err, done = r.Unbid(ctx, v, id), "circle_farewell.done.dropped"
	case "tell":
		err, done = r.OfferMove(ctx, v, id), "circle_farewell.done.told"
	default:
		typed = &Farewell{Words: req.PostFormValue("words"), Link: req.PostFormValue("link")}
		err, done = r.Bid(ctx, v, id, typed.Words, typed.Link), "circle_farewell.done.kept"
	}
	if err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.farewellForm(w, req, typed, p)
	}
	return service.Done(w, req, farewellPath(id), done)
}

// movedText answers with the signed statement as it is, to be kept and verified.
func (r *Room) movedText(w http.ResponseWriter, req *http.Request) error {
	id, err := idOf(req)
	if err != nil {
		return err
	}
	f, err := r.FarewellOf(req.Context(), service.ViewerOf(req.Context()), id)
	if err != nil {
		return err
	}
	return showSigned(w, f)
}

// showSigned writes a signed statement as plain text; NotFound where there is none.
func showSigned(w http.ResponseWriter, f Farewell) error {
	if f.Signed == "" {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	if _, err := w.Write([]byte(f.Signed)); err != nil {
		return errors.Join(context.Canceled, err) // whoever asked is gone
	}
	return nil
}

// showFarewell is the page that stands where a circle was.
func showFarewell(w http.ResponseWriter, req *http.Request, f Farewell) error {
	ctx := req.Context()
	frame := service.Frame(ctx, ui.T(ctx, "circle_farewell.gone"))
	frame.NoIndex = true
	return ui.Render(w, req, http.StatusGone, ui.PageWith(frame, gonePage(f)))
}

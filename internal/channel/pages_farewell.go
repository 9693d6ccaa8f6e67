package channel

import (
	"context"
	"errors"
	"io"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// farewellPath is where one writes what one leaves to be read.
const farewellPath = "/exit/farewell"

// leaveRoutes are the pages of who leaves.
func (r *Room) leaveRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + farewellPath, Access: service.Leaving, Handle: r.getFarewell},
		{Pattern: "POST " + farewellPath, Access: service.Leaving, Handle: r.postFarewell},
		{Pattern: "POST /slip/{secret}/farewell", Access: service.Anyone, Handle: r.postSlipFarewell},
	}
}

// farewellView is the form of a farewell.
type farewellView struct {
	Scope    string
	From     string // [fromChannel], or "" for the closing
	Words    ui.TextArea
	Links    []ui.Field
	Redirect ui.Checkbox
	There    bool // something is kept
	Tell     bool // followers can be told
	Agreed   bool // the closing is agreed: it can only be taken away
	Wrong    *ui.Notice
	Shown    leftView
	Back     string
}

// fields are those of a form beside the text, which does something.
func (v farewellView) fields(do string) []ui.HiddenField {
	return []ui.HiddenField{{Name: "in", Value: v.Scope}, {Name: "from", Value: v.From}, {Name: "do", Value: do}}
}

// leftView is a farewell as others read it.
type leftView struct {
	Words, Until string
	Links        []string
	Signed, On   string // the signed statement, where it stands in somebody's place, and when it was said
	Text         string // address of the statement as it is
	Offered      bool
}

func leftOf(ctx context.Context, f Farewell) leftView {
	v := leftView{Words: f.Words, Links: f.Links, Signed: f.Signed, On: ui.DateIn(ctx, f.At), Offered: f.Offered}
	if !f.Until.IsZero() {
		v.Until = ui.T(ctx, "farewell.until", "Date", ui.DateIn(ctx, f.Until.Add(-1)))
	}
	return v
}

// fromChannel is the "from" of a form to which its owner came from their channel; others come from closing it.
const fromChannel = "channel"

// farewellFrom is the form's address for who comes from their channel.
const farewellFrom = farewellPath + "?in=" + Name + "&from=" + fromChannel

// scopeOf reads what a form is about: the channel, or the account.
func scopeOf(in string) (string, error) {
	if in != "" && in != Name {
		return "", exit.Fail(exit.NotFound, "error.not_found")
	}
	return in, nil
}

func (r *Room) getFarewell(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	scope, err := scopeOf(req.URL.Query().Get("in"))
	if err != nil {
		return err
	}
	f, err := r.FarewellOf(ctx, service.ViewerOf(ctx).Account, scope)
	there := err == nil
	if err != nil && exit.KindOf(err) != exit.NotFound {
		return err
	}
	f.Scope = scope
	return r.farewellForm(w, req, f, there, nil)
}

// farewellForm draws the form; what is wrong with what was sent stands above it.
func (r *Room) farewellForm(w http.ResponseWriter, req *http.Request, f Farewell, there bool, wrong error) error {
	ctx := req.Context()
	status := http.StatusOK
	v := farewellView{
		Scope: f.Scope, From: req.FormValue("from"), There: there, Shown: leftOf(ctx, f),
		Words:    ui.TextArea{Name: "words", Label: ui.T(ctx, "farewell.words"), Hint: ui.T(ctx, "farewell.words.hint", "Count", mostFarewell), Value: f.Words, Rows: 3, MaxLength: mostFarewell},
		Redirect: ui.Checkbox{Name: "redirect", Label: ui.T(ctx, "farewell.redirect"), Hint: ui.T(ctx, "farewell.redirect.hint"), Checked: f.Redirect},
	}
	me := service.ViewerOf(ctx)
	v.Back = backOf(me, f.Scope, v.From)
	v.Agreed = f.Shown || me.State == who.Closing || me.State == who.Closed
	if there && f.Scope == Name && len(f.Links) > 0 && !f.Offered && !v.Agreed {
		var err error
		if v.Tell, err = r.Opened(ctx, me.Account); err != nil {
			return err
		}
	}
	for i := range mostFarewellLinks {
		link := ui.Field{Name: "link" + string(rune('1'+i)), Label: ui.T(ctx, "farewell.link", "Number", i+1), Type: "url", InputMode: "url", MaxLength: longestLink}
		if i < len(f.Links) {
			link.Value = f.Links[i]
		}
		v.Links = append(v.Links, link)
	}
	if wrong != nil {
		sentence, ok := sayable(ctx, wrong)
		if !ok {
			return wrong
		}
		status, v.Wrong = http.StatusUnprocessableEntity, &ui.Notice{Kind: ui.Warn, Sentence: sentence}
	}
	title := ui.T(ctx, "farewell.title")
	if f.Scope == "" {
		title = ui.T(ctx, "farewell.title.account")
	}
	frame := service.Frame(ctx, title)
	frame.Back = &ui.Link{Text: ui.T(ctx, "farewell.back"), Href: v.Back}
	return ui.Render(w, req, status, farewellPage(frame, v))
}

func (r *Room) postFarewell(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	scope, err := scopeOf(req.PostFormValue("in"))
	if err != nil {
		return err
	}
	v := service.ViewerOf(ctx)
	switch req.PostFormValue("do") {
	case "drop":
		if err := r.Unleave(ctx, v, scope); err != nil {
			return err
		}
		return left(w, req, scope, "farewell.done.dropped")
	case "tell":
		return r.postOffer(w, req)
	}
	f := Farewell{Scope: scope, Words: req.PostFormValue("words"), Redirect: req.PostFormValue("redirect") != ""}
	for _, name := range []string{"link1", "link2", "link3"} {
		f.Links = append(f.Links, req.PostFormValue(name))
	}
	if err := r.Leave(ctx, v, f); err != nil {
		return r.farewellForm(w, req, f, false, err)
	}
	return left(w, req, scope, "farewell.done.kept")
}

// postOffer tells the followers, and shows the form again.
func (r *Room) postOffer(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	if err := r.OfferMove(ctx, v); err != nil {
		f, other := r.FarewellOf(ctx, v.Account, Name)
		if other != nil {
			return err
		}
		return r.farewellForm(w, req, f, true, err)
	}
	to := farewellPath + "?in=" + Name
	if req.PostFormValue("from") == fromChannel {
		to = farewellFrom
	}
	return service.Done(w, req, to, "farewell.done.told")
}

// left leads on from what was changed: to the form where its followers can be told, for who came from their channel, or to the closing, whose plan says now what stays.
func left(w http.ResponseWriter, req *http.Request, scope, done string) error {
	if scope == Name && req.PostFormValue("from") == fromChannel {
		return service.Done(w, req, farewellFrom, done)
	}
	return goTo(w, req, backOf(service.ViewerOf(req.Context()), scope, ""))
}

// backOf gives the page from which somebody came to the form: their channel, or the closing that a farewell belongs to.
func backOf(v who.Viewer, scope, from string) string {
	switch {
	case scope == "":
		return "/exit/close"
	case from == fromChannel:
		return Path(v.Name)
	}
	return "/exit/close?in=" + scope
}

func goTo(w http.ResponseWriter, req *http.Request, path string) error {
	http.Redirect(w, req, path, http.StatusSeeOther) //nolint:gosec // one of our own pages
	return nil
}

// sayable gives the sentence of what a person can put right.
func sayable(ctx context.Context, err error) (string, bool) {
	var e *exit.Error
	if kind := exit.KindOf(err); kind != exit.Invalid && kind != exit.Conflict || !errors.As(err, &e) {
		return "", false
	}
	return service.Sentence(ctx, e), true
}

// postSlipFarewell takes away what was left with the run that a slip opens.
func (r *Room) postSlipFarewell(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	secret := req.PathValue("secret")
	run, err := r.Accounts.Slip(ctx, secret)
	if err != nil {
		return err
	}
	if err := r.UnleaveRun(ctx, run); err != nil {
		return err
	}
	if r.UnleaveMore != nil {
		if err := r.UnleaveMore(ctx, run); err != nil {
			return err
		}
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	return goTo(w, req, "/slip/"+secret)
}

// showFarewell is the page that stands where somebody was.
func showFarewell(w http.ResponseWriter, req *http.Request, f Farewell) error {
	ctx := req.Context()
	frame := service.Frame(ctx, ui.T(ctx, "farewell.gone"))
	frame.NoIndex = true
	left := leftOf(ctx, f)
	left.Text = req.URL.EscapedPath() + "?" + asksStatement
	return ui.Render(w, req, http.StatusGone, departedPage(frame, left))
}

// asksStatement is the query by which the signed statement is read as it is.
const asksStatement = "statement"

// asks reports whether a request is for a farewell's signed statement as it is.
func asks(req *http.Request, f Farewell) bool {
	return req.URL.Query().Has(asksStatement) && f.Signed != ""
}

func showSigned(w http.ResponseWriter, f Farewell) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, f.Signed)
	return err
}

// Bid answers a request for an address whose owner has left with what they left to be read: a page with the status 410, or, if they chose so, the way to
// their first link. NotFound if nothing was left there; nothing is written then.
func (r *Room) Bid(w http.ResponseWriter, req *http.Request) error {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	f, err := r.farewellAt(req.Context(), req.URL.Path)
	if err != nil {
		return err
	}
	// They may come back, and take it away at any time.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	if asks(req, f) {
		return showSigned(w, f)
	}
	if f.Redirect {
		http.Redirect(w, req, f.Links[0], http.StatusMovedPermanently)
		return nil
	}
	return showFarewell(w, req, f)
}

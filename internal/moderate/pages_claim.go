package moderate

import (
	"context"
	"net/http"
	"time"

	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// claimsPath is where copyright complaints stand.
const (
	claimsPath    = "/claims"
	allClaimsPath = "/moderation/claims"
)

func (r *Room) claimRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + claimsPath + "/new", Handle: r.getComplain},
		{Pattern: "POST " + claimsPath + "/new", Handle: r.postComplain},
		{Pattern: "GET " + claimsPath, Access: service.Leaving, Handle: r.getOwnClaims},
		{Pattern: "GET " + claimsPath + "/{claim}", Access: service.Leaving, Handle: r.getClaim},
		{Pattern: "POST " + claimsPath + "/{claim}/counter", Access: service.Member, Handle: r.postCounter},
		{Pattern: "POST " + claimsPath + "/{claim}/withdraw", Access: service.Member, Handle: r.postWithdraw},
		{Pattern: "POST " + claimsPath + "/{claim}/decide", Access: service.Operator, Handle: r.postClaim},
		{Pattern: "GET " + claimsPath + "/by/{token}", Handle: r.getClaimOf},
		{Pattern: "POST " + claimsPath + "/by/{token}/withdraw", Handle: r.postWithdrawOf},
		{Pattern: "GET " + allClaimsPath, Access: service.Operator, Handle: r.getClaims},
	}
}

// ClaimPath gives the page on which one complains that a thing infringes a copyright. Guests may, too.
func ClaimPath(ref who.Ref) string { return claimsPath + "/new?on=" + ref.String() }

// ClaimAction gives the entry of a menu that leads there.
func ClaimAction(ctx context.Context, ref who.Ref) ui.Action {
	return ui.Action{Label: ui.T(ctx, "moderate.claim"), Href: ClaimPath(ref), Icon: "scale"}
}

// complainView is the form of a complaint.
type complainView struct {
	on              string
	what            whatView
	name, email     *ui.Field // of a guest
	work, statement ui.TextArea
	faith           ui.Checkbox
	days            int
	wrong           string
}

func faithBox(ctx context.Context, key string) ui.Checkbox {
	return ui.Checkbox{Name: "faith", Label: ui.T(ctx, key), Required: true}
}

func (r *Room) complainForm(req *http.Request) (complainView, who.Ref, error) {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	ref, ok := who.ParseRef(req.FormValue("on"))
	if !ok {
		return complainView{}, ref, errNone()
	}
	t, err := r.claimed(ctx, v, ref)
	if err != nil {
		return complainView{}, ref, err
	}
	view := complainView{
		on: ref.String(), what: whatOf(ctx, ref, t), days: days(answerWithin),
		work:      ui.TextArea{Name: "work", Label: ui.T(ctx, "moderate.claim.work"), Hint: ui.T(ctx, "moderate.claim.work_hint"), Value: req.PostFormValue("work"), MaxLength: longestClaim, Required: true},
		statement: ui.TextArea{Name: "statement", Label: ui.T(ctx, "moderate.claim.statement"), Hint: ui.T(ctx, "moderate.claim.statement_hint"), Value: req.PostFormValue("statement"), MaxLength: longestClaim, Required: true},
		faith:     faithBox(ctx, "moderate.claim.faith"),
	}
	if v.Guest() {
		view.name = &ui.Field{Name: "name", Label: ui.T(ctx, "moderate.claim.name"), Value: req.PostFormValue("name"), Autocomplete: "name", MaxLength: 100, Required: true}
		view.email = &ui.Field{
			Name: "email", Label: ui.T(ctx, "moderate.claim.email"), Hint: ui.T(ctx, "moderate.claim.email_hint", "Count", days(contactKept)), Type: "email", Value: req.PostFormValue("email"),
			Autocomplete: "email", MaxLength: 254, Required: true, LowerCase: true,
		}
	}
	return view, ref, nil
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

func claimFrame(ctx context.Context, title string, back *ui.Link) ui.Frame {
	f := service.Frame(ctx, title)
	f.NoIndex, f.WriteHref, f.Back = true, "", back
	return f
}

func (r *Room) showComplain(w http.ResponseWriter, req *http.Request, status int, view complainView) error {
	ctx := req.Context()
	return ui.Render(w, req, status, complainPage(claimFrame(ctx, ui.T(ctx, "moderate.claim"), &ui.Link{Text: ui.T(ctx, "moderate.back"), Href: view.what.href}), view))
}

func (r *Room) getComplain(w http.ResponseWriter, req *http.Request) error {
	view, _, err := r.complainForm(req)
	if err != nil {
		return err
	}
	return r.showComplain(w, req, http.StatusOK, view)
}

func (r *Room) postComplain(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	view, ref, err := r.complainForm(req)
	if err != nil {
		return err
	}
	id, token, err := r.Complain(ctx, service.ViewerOf(ctx), ref, Complaint{
		Name: req.PostFormValue("name"), Email: req.PostFormValue("email"), Work: req.PostFormValue("work"), Statement: req.PostFormValue("statement"), Faith: req.PostFormValue("faith") != "",
	}, req.RemoteAddr)
	if err != nil {
		if view.wrong, err = sentenceOf(ctx, err); err != nil {
			return err
		}
		return r.showComplain(w, req, http.StatusUnprocessableEntity, view)
	}
	to := claimsPath + "/" + id.String()
	if token != "" {
		to = claimsPath + "/by/" + token
	}
	return service.Done(w, req, to, "moderate.done.claimed")
}

// claimStep is one step of a complaint with its date.
type claimStep struct {
	said  string
	at    time.Time
	words string
}

// claimView is the page of a complaint.
type claimView struct {
	what     whatView
	state    string
	steps    []claimStep
	until    string // by when a counter-notice may come; "" when it may not any more
	contact  string // of a claimant without an account, for the operator
	kept     string // until when that is kept
	keep     bool   // the viewer has only this address to come back by
	wrong    string
	counter  *claimForm
	decide   *claimForm
	withdraw string // the form's target; "" where the viewer may not
}

// claimForm is a form on that page.
type claimForm struct {
	action string
	words  ui.TextArea
	faith  *ui.Checkbox
}

var (
	claimStates = ui.Keys("moderate.claim.state.", "open", "countered", "upheld", "refused", "withdrawn")
	claimSaid   = ui.Keys("moderate.claim.said.", "made", "countered", "upheld", "refused", "withdrawn")
)

// drawClaim draws a complaint for who may see it; mine: for the claimant.
func (r *Room) drawClaim(ctx context.Context, v who.Viewer, c Claim, mine bool) (claimView, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return claimView{}, err
	}
	things, err := r.Registry.Things(ctx, v, []who.Ref{c.On})
	if err != nil {
		return claimView{}, err
	}
	view := claimView{what: whatOf(ctx, c.On, things[c.On]), state: ui.T(ctx, claimStates[c.State])}
	if t := things[c.On]; t.Ref.ID != 0 && !t.See {
		view.what.gone = true
	}
	view.steps = append(view.steps, claimStep{ui.T(ctx, claimSaid["made"]), c.At, joined(c.Work, c.Statement)})
	steps := []claimStep{{ui.T(ctx, claimSaid["countered"]), c.Countered, c.Counter}}
	if c.Decided.IsZero() || c.State == ClaimOpen {
		steps = steps[:1]
	} else {
		decided := claimStep{ui.T(ctx, claimSaid[c.State]), c.Decided, c.Answer}
		if c.State == ClaimCountered { // it was taken out, and answered since
			decided.said = ui.T(ctx, claimSaid[ClaimUpheld])
		}
		steps = append(steps, decided)
		if c.Decided.Before(c.Countered) {
			steps[0], steps[1] = steps[1], steps[0]
		}
	}
	for _, s := range steps {
		if !s.at.IsZero() {
			view.steps = append(view.steps, s)
		}
	}
	answerable := (c.State == ClaimOpen || c.State == ClaimUpheld) && c.Countered.IsZero() && !now.After(c.AnswerBy)
	if answerable {
		view.until = ui.T(ctx, "moderate.claim.until", "Date", ui.DateIn(ctx, c.AnswerBy))
	}
	path := claimsPath + "/" + c.ID.String()
	if answerable && !v.Guest() && v.Account == c.Owner && v.State == who.Active {
		faith := faithBox(ctx, "moderate.claim.counter_faith")
		view.counter = &claimForm{path + "/counter", ui.TextArea{Name: "words", Label: ui.T(ctx, "moderate.claim.counter"), Hint: ui.T(ctx, "moderate.claim.counter_hint"), MaxLength: longestClaim, Required: true}, &faith}
	}
	if v.Operator && !c.ended() && c.Owner != v.Account && c.By != v.Account {
		view.decide = &claimForm{action: path + "/decide", words: wordsArea(ctx, "")}
	}
	if v.Operator && c.Email != "" {
		view.contact, view.kept = c.Name+" <"+c.Email+">", ui.T(ctx, "moderate.claim.kept", "Date", ui.DateIn(ctx, c.EraseAt))
	}
	if mine && !c.ended() {
		view.withdraw = path + "/withdraw"
	}
	return view, nil
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}

func (r *Room) getClaim(w http.ResponseWriter, req *http.Request) error {
	return r.showClaim(w, req, http.StatusOK, "", "")
}

// showClaim draws the page of a complaint, with what is wrong with what was sent.
func (r *Room) showClaim(w http.ResponseWriter, req *http.Request, status int, typed, wrong string) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := pathID(req, "claim")
	if err != nil {
		return err
	}
	c, err := r.Claim(ctx, v, id)
	if err != nil {
		return err
	}
	view, err := r.drawClaim(ctx, v, c, c.By == v.Account)
	if err != nil {
		return err
	}
	view.wrong = wrong
	if view.counter != nil {
		view.counter.words.Value = typed
	}
	back := &ui.Link{Text: ui.T(ctx, "moderate.claims"), Href: claimsPath}
	if v.Operator {
		back.Href = allClaimsPath
	}
	return ui.Render(w, req, status, claimPage(claimFrame(ctx, ui.T(ctx, "moderate.claim"), back), view))
}

// did ends a step of a complaint, or shows its page again with what is wrong.
func (r *Room) did(w http.ResponseWriter, req *http.Request, err error, done string) error {
	if err != nil {
		wrong, err := sentenceOf(req.Context(), err)
		if err != nil {
			return err
		}
		return r.showClaim(w, req, http.StatusUnprocessableEntity, req.PostFormValue("words"), wrong)
	}
	return service.Done(w, req, claimsPath+"/"+req.PathValue("claim"), done)
}

func (r *Room) postCounter(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req, "claim")
	if err != nil {
		return err
	}
	return r.did(w, req, r.Counter(req.Context(), service.ViewerOf(req.Context()), id, req.PostFormValue("words"), req.PostFormValue("faith") != ""), "moderate.done.countered")
}

func (r *Room) postWithdraw(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req, "claim")
	if err != nil {
		return err
	}
	return r.did(w, req, r.Withdraw(req.Context(), service.ViewerOf(req.Context()), id, ""), "moderate.done.withdrawn")
}

func (r *Room) postClaim(w http.ResponseWriter, req *http.Request) error {
	id, err := pathID(req, "claim")
	if err != nil {
		return err
	}
	return r.did(w, req, r.DecideClaim(req.Context(), service.ViewerOf(req.Context()), id, req.PostFormValue("what") == "uphold", req.PostFormValue("words")), "moderate.done.decided")
}

// getClaimOf is the page of a complaint by one without an account, by its secret address.
func (r *Room) getClaimOf(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	c, err := r.ClaimOf(ctx, req.PathValue("token"))
	if err != nil {
		return err
	}
	view, err := r.drawClaim(ctx, who.Viewer{}, c, true)
	if err != nil {
		return err
	}
	view.keep = true
	if view.withdraw != "" {
		view.withdraw = claimsPath + "/by/" + req.PathValue("token") + "/withdraw"
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	return ui.Render(w, req, http.StatusOK, claimPage(claimFrame(ctx, ui.T(ctx, "moderate.claim"), nil), view))
}

func (r *Room) postWithdrawOf(w http.ResponseWriter, req *http.Request) error {
	token := req.PathValue("token")
	if err := r.Withdraw(req.Context(), who.Viewer{}, 0, token); err != nil {
		return err
	}
	return service.Done(w, req, claimsPath+"/by/"+token, "moderate.done.withdrawn")
}

// claimLine is a complaint in a list.
type claimLine struct {
	href, state string
	what        whatView
	at          time.Time
}

// claimsView is a page of complaints.
type claimsView struct {
	tabs  []ui.PageTab // of moderation
	parts []ui.PageTab // what waits, and what is decided
	lines []claimLine
	older string
}

func (r *Room) claimLines(ctx context.Context, v who.Viewer, list []Claim) ([]claimLine, error) {
	refs := make([]who.Ref, len(list))
	for i, c := range list {
		refs[i] = c.On
	}
	things, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return nil, err
	}
	out := make([]claimLine, len(list))
	for i, c := range list {
		out[i] = claimLine{claimsPath + "/" + c.ID.String(), ui.T(ctx, claimStates[c.State]), whatOf(ctx, c.On, things[c.On]), c.At}
		out[i].what.gone = !things[c.On].See
	}
	return out, nil
}

func (r *Room) getOwnClaims(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	list, err := r.OwnClaims(ctx, v, queryID(req, "before"), pageSize)
	if err != nil {
		return err
	}
	view := claimsView{}
	if view.lines, err = r.claimLines(ctx, v, list); err != nil {
		return err
	}
	if len(list) == pageSize {
		view.older = claimsPath + "?before=" + list[len(list)-1].ID.String()
	}
	return ui.Render(w, req, http.StatusOK, claimsPage(claimFrame(ctx, ui.T(ctx, "moderate.claims"), &ui.Link{Text: ui.T(ctx, "ui.tab.me"), Href: ui.MePath}), view))
}

func (r *Room) getClaims(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	ended := req.URL.Query().Has("ended")
	list, err := r.Claims(ctx, v, ended, queryID(req, "from"), pageSize)
	if err != nil {
		return err
	}
	view := claimsView{tabs: tabs(ctx, Everywhere, "claims"), parts: []ui.PageTab{
		{Label: ui.T(ctx, "moderate.claims.open"), Href: allClaimsPath, Count: -1, Active: !ended},
		{Label: ui.T(ctx, "moderate.claims.ended"), Href: allClaimsPath + "?ended=1", Count: -1, Active: ended},
	}}
	if view.lines, err = r.claimLines(ctx, v, list); err != nil {
		return err
	}
	if len(list) == pageSize {
		view.older = allClaimsPath + "?from=" + list[len(list)-1].ID.String()
		if ended {
			view.older += "&ended=1"
		}
	}
	return ui.Render(w, req, http.StatusOK, claimsPage(claimFrame(ctx, ui.T(ctx, "moderate.claims"), &ui.Link{Text: ui.T(ctx, "ui.tab.me"), Href: ui.MePath}), view))
}

// title names what a complaint is about.
func (l claimLine) title(ctx context.Context) string {
	if l.what.gone {
		return ui.T(ctx, "moderate.thing.gone")
	}
	return l.what.words(ctx)
}

package moderate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// StandingPath is where an account sees what holds against it.
const StandingPath = service.StandingPath

// pageSize is how many rows a page lists.
const pageSize = 20

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	routes := []service.Route{
		{Pattern: "GET /report/{kind}/{id}", Access: service.Member, Handle: r.getReport},
		{Pattern: "POST /report/{kind}/{id}", Access: service.Member, Handle: r.postReport},
		{Pattern: "GET " + StandingPath, Access: service.Leaving, Handle: r.getStanding},
		{Pattern: "POST " + StandingPath + "/{deed}/appeal", Access: service.Member, Handle: r.postAppeal},
		{Pattern: "GET /moderation/case/{case}", Access: service.Member, Handle: r.getCase},
		{Pattern: "POST /moderation/case/{case}", Access: service.Member, Handle: r.postCase},
		{Pattern: "GET /moderation/remove/{kind}/{id}", Access: service.Member, Handle: r.getTakeOut},
		{Pattern: "POST /moderation/remove/{kind}/{id}", Access: service.Member, Handle: r.postTakeOut},
		{Pattern: "GET /moderation/of/{kind}/{id}", Access: service.Member, Handle: r.getOf},
		{Pattern: "GET /moderation/acts/{deed}", Access: service.Member, Handle: r.getAct},
		{Pattern: "POST /moderation/acts/{deed}/undo", Access: service.Member, Handle: r.postUndo},
		{Pattern: "POST /moderation/acts/{deed}/decide", Access: service.Member, Handle: r.postSettle},
		{Pattern: "GET /moderation/account/{account}", Access: service.Operator, Handle: r.getAccount},
		{Pattern: "POST /moderation/account/{account}", Access: service.Operator, Handle: r.postAccount},
		{Pattern: "GET /moderation/circle/{id}/member/{account}", Access: service.Member, Handle: r.getAccount},
		{Pattern: "POST /moderation/circle/{id}/member/{account}", Access: service.Member, Handle: r.postAccount},
		{Pattern: "POST /moderation/circle/{id}/rules/limits", Access: service.Member, Handle: r.postLimits},
	}
	for _, at := range []struct {
		path   string
		access service.Access
	}{{"/moderation", service.Operator}, {"/moderation/circle/{id}", service.Member}} {
		routes = append(routes,
			service.Route{Pattern: "GET " + at.path, Access: at.access, Handle: r.getQueue},
			service.Route{Pattern: "GET " + at.path + "/appeals", Access: at.access, Handle: r.getAppeals},
			service.Route{Pattern: "GET " + at.path + "/sanctions", Access: at.access, Handle: r.getSanctions},
			service.Route{Pattern: "GET " + at.path + "/log", Access: at.access, Handle: r.getLog},
			service.Route{Pattern: "GET " + at.path + "/rules", Access: at.access, Handle: r.getRules},
			service.Route{Pattern: "POST " + at.path + "/rules/words", Access: at.access, Handle: r.postWord},
			service.Route{Pattern: "POST " + at.path + "/rules/words/{word}/remove", Access: at.access, Handle: r.postWordGone},
			service.Route{Pattern: "POST " + at.path + "/rules/images/{look}/remove", Access: at.access, Handle: r.postLookGone},
		)
	}
	return append(routes, r.claimRoutes()...)
}

// MemberAction gives the entry of a menu that leads to muting, taking out or banning a member of a circle.
func MemberAction(ctx context.Context, circle, account who.ID) ui.Action {
	return ui.Action{Label: ui.T(ctx, "moderate.member"), Href: Place{kindCircle, circle}.path() + "/member/" + account.String(), Icon: "gavel"}
}

func pathID(req *http.Request, name string) (who.ID, error) {
	id, ok := who.ParseID(req.PathValue(name))
	if !ok {
		return 0, errNone()
	}
	return id, nil
}

// at gives the place of a request: the circle of its path, or the install.
func at(req *http.Request) (Place, error) {
	if req.PathValue("id") == "" {
		return Everywhere, nil
	}
	id, err := pathID(req, "id")
	return Place{kindCircle, id}, err
}

func queryID(req *http.Request, name string) who.ID {
	id, _ := who.ParseID(req.URL.Query().Get(name))
	return id
}

// sentenceOf gives the words of an error that the form can tell beneath a field; other errors go on.
func sentenceOf(ctx context.Context, err error) (string, error) {
	var e *exit.Error
	if !errors.As(err, &e) || e.Kind != exit.Invalid && e.Kind != exit.Conflict && e.Kind != exit.TooMany {
		return "", err
	}
	return service.Sentence(ctx, e), nil
}

// reportView is the form by which something is reported.
type reportView struct {
	action string
	claim  string // the page of copyright complaints; "" where there are none
	what   whatView
	reason ui.RadioCards
	words  ui.TextArea
	wrong  string
}

// whatView is a thing that is reported or was decided about.
type whatView struct {
	kind   string // its kind in words
	title  string
	text   string
	href   string
	poster string // the address of a picture of it; "" for none
	gone   bool
	hidden bool // its author is veiled: a sentence stands for it
}

// words are the title, the first words where there is none.
func (v whatView) words(ctx context.Context) string {
	switch {
	case v.hidden:
		return ui.T(ctx, "moderate.thing.veiled")
	case v.title != "":
		return v.title
	case v.text != "":
		return v.text
	}
	return ui.T(ctx, "moderate.thing.wordless")
}

func whatOf(ctx context.Context, ref who.Ref, t service.Thing) whatView {
	v := whatView{kind: ref.Kind, title: t.Title, text: t.Excerpt, href: t.Link}
	if ref.Kind == kindVideo {
		v.poster = service.MediaPath(t.Picture)
	}
	if key, ok := kindWords[ref.Kind]; ok {
		v.kind = ui.T(ctx, key)
	}
	if t.Ref.ID == 0 {
		v.gone = true
	}
	return v
}

// hiddenOf stands for a thing of a veiled author.
func hiddenOf(ctx context.Context, ref who.Ref) whatView {
	v := whatOf(ctx, ref, service.Thing{})
	v.gone, v.hidden = false, true
	return v
}

func reasonCards(ctx context.Context, name, legend, chosen string) ui.RadioCards {
	cards := ui.RadioCards{Name: name, Legend: legend, Inline: true}
	for _, reason := range reasons {
		cards.Options = append(cards.Options, ui.Option{Value: reason, Label: ui.T(ctx, reasonWords[reason]), Selected: reason == chosen})
	}
	return cards
}

func (r *Room) reportForm(req *http.Request) (reportView, error) {
	ctx := req.Context()
	id, err := pathID(req, "id")
	if err != nil {
		return reportView{}, err
	}
	ref := who.Ref{Kind: req.PathValue("kind"), ID: id}
	t, err := r.reported(ctx, service.ViewerOf(ctx), ref)
	if err != nil {
		return reportView{}, err
	}
	claim := ""
	if claimable[ref.Kind] {
		claim = ClaimPath(ref)
	}
	return reportView{
		claim: claim, action: "/report/" + ref.Kind + "/" + ref.ID.String(), what: whatOf(ctx, ref, t), reason: reasonCards(ctx, "reason", ui.T(ctx, "moderate.report.reason"), ""),
		words: ui.TextArea{Name: "words", Label: ui.T(ctx, "moderate.report.words"), Hint: ui.T(ctx, "moderate.report.words_hint"), MaxLength: longestWords},
	}, nil
}

func reportFrame(ctx context.Context, v reportView) ui.Frame {
	f := service.Frame(ctx, ui.T(ctx, "moderate.report.title"))
	f.NoIndex, f.WriteHref = true, ""
	if v.what.href != "" {
		f.Back = &ui.Link{Text: ui.T(ctx, "moderate.back"), Href: v.what.href}
	}
	return f
}

func (r *Room) getReport(w http.ResponseWriter, req *http.Request) error {
	view, err := r.reportForm(req)
	if err != nil {
		return err
	}
	return ui.Render(w, req, http.StatusOK, reportPage(reportFrame(req.Context(), view), view))
}

func (r *Room) postReport(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	view, err := r.reportForm(req)
	if err != nil {
		return err
	}
	id, _ := pathID(req, "id")
	reason, words := req.PostFormValue("reason"), req.PostFormValue("words")
	if err := r.Report(ctx, service.ViewerOf(ctx), who.Ref{Kind: req.PathValue("kind"), ID: id}, reason, words); err != nil {
		if view.wrong, err = sentenceOf(ctx, err); err != nil {
			return err
		}
		view.reason, view.words.Value = reasonCards(ctx, "reason", view.reason.Legend, reason), words
		return ui.Render(w, req, http.StatusUnprocessableEntity, reportPage(reportFrame(ctx, view), view))
	}
	return service.Done(w, req, view.what.href, "moderate.done.reported")
}

// takeOutView is the form by which something is taken out of sight.
type takeOutView struct {
	action string
	what   whatView
	rule   ui.Select
	words  ui.TextArea
	wrong  string
}

func (r *Room) getTakeOut(w http.ResponseWriter, req *http.Request) error {
	return r.showTakeOut(w, req, http.StatusOK, "")
}

func (r *Room) showTakeOut(w http.ResponseWriter, req *http.Request, status int, wrong string) error {
	ctx := req.Context()
	id, err := pathID(req, "id")
	if err != nil {
		return err
	}
	ref := who.Ref{Kind: req.PathValue("kind"), ID: id}
	t, err := r.inSight(ctx, service.ViewerOf(ctx), ref)
	if err != nil {
		return err
	}
	view := takeOutView{
		action: req.URL.Path, what: whatOf(ctx, ref, t), wrong: wrong,
		rule: ruleSelect(ctx, req.PostFormValue("rule")), words: wordsArea(ctx, req.PostFormValue("words")),
	}
	f := service.Frame(ctx, ui.T(ctx, "moderate.remove.title", "Kind", strings.ToLower(view.what.kind)))
	f.NoIndex, f.WriteHref, f.Back = true, "", &ui.Link{Text: ui.T(ctx, "moderate.back"), Href: t.Link}
	return ui.Render(w, req, status, takeOutPage(f, view))
}

func (r *Room) postTakeOut(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := pathID(req, "id")
	if err != nil {
		return err
	}
	v, ref := service.ViewerOf(ctx), who.Ref{Kind: req.PathValue("kind"), ID: id}
	t, err := r.inSight(ctx, v, ref)
	if err != nil {
		return err
	}
	if err := r.TakeOut(ctx, v, ref, req.PostFormValue("rule"), req.PostFormValue("words")); err != nil {
		wrong, err := sentenceOf(ctx, err)
		if err != nil {
			return err
		}
		return r.showTakeOut(w, req, http.StatusUnprocessableEntity, wrong)
	}
	return service.Done(w, req, t.Link, "moderate.done.removed")
}

// standingView is what holds against an account, and what was done about it.
type standingView struct {
	holds []holdView
	acts  []deedView
	older string
	wrong string
}

// holdView is one thing that holds.
type holdView struct {
	sentence, rule, until string
	place                 *ui.Link
}

// deedView is one act as its page, a log or its account's list tells it.
type deedView struct {
	id       string
	at       time.Time
	kind     string // what was done, in words
	what     whatView
	about    *ui.PersonView
	by       *ui.PersonView
	place    *ui.Link
	rule     string
	words    string
	until    string
	undone   bool
	undo     string // the form's target; "" where it cannot be taken back
	href     string
	appeal   *appealView
	mayWrite string // the target of an appeal's form
}

// appealView is an appeal.
type appealView struct {
	words, answer, state string
	open                 bool
	at                   time.Time
}

var (
	holdWords = ui.Keys("moderate.hold.", "mute", "ban", "limit", "suspend")
	actWords  = ui.Keys("moderate.act.", "dismiss", "remove", "mute", "kick", "ban", "limit", "suspend", "undo", "uphold", "word_added", "word_gone", "look_added", "look_gone", "limits",
		"accept", "refuse", "pin", "unpin", "feature", "unfeature", "topic_closed", "topic_opened", "admit", "turn_away", "revoke", "taken", "ended", "topic_added", "topic_renamed", "invite", "notice_up", "notice_down", "made_member", "made_moderator", "made_co_owner",
		"claim", "claim_countered", "claim_refused", "claim_withdrawn")
	stateWords = ui.Keys("moderate.appeal.", "open", "granted", "refused")
)

func ruleWord(ctx context.Context, rule string) string {
	if key, ok := reasonWords[rule]; ok {
		return ui.T(ctx, key)
	}
	return ""
}

func untilWord(ctx context.Context, until time.Time) string {
	if until.IsZero() {
		return ui.T(ctx, "moderate.until.good")
	}
	return ui.T(ctx, "moderate.until.date", "Date", ui.DateTimeIn(ctx, until))
}

func (r *Room) getStanding(w http.ResponseWriter, req *http.Request) error {
	return r.standing(w, req, http.StatusOK, "")
}

func (r *Room) standing(w http.ResponseWriter, req *http.Request, status int, wrong string) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	own, acts, appeals, err := r.Standing(ctx, v, queryID(req, "before"), pageSize)
	if err != nil {
		return err
	}
	d, err := r.drawer(ctx, v, acts, own)
	if err != nil {
		return err
	}
	view := standingView{wrong: wrong}
	for _, x := range own {
		view.holds = append(view.holds, holdView{ui.T(ctx, holdWords[x.What]), ruleWord(ctx, x.Rule), untilWord(ctx, x.Until), d.places[x.Place]})
	}
	for _, a := range acts {
		deed := d.draw(ctx, a)
		deed.about, deed.undo, deed.href = nil, "", ""
		if x, ok := appeals[a.ID]; ok {
			deed.appeal = drawAppeal(ctx, x)
		} else if a.State == acting && v.State == who.Active {
			deed.mayWrite = StandingPath + "/" + a.ID.String() + "/appeal"
		}
		view.acts = append(view.acts, deed)
	}
	if len(acts) == pageSize {
		view.older = StandingPath + "?before=" + acts[len(acts)-1].ID.String()
	}
	f := service.Frame(ctx, ui.T(ctx, "moderate.standing"))
	if f.Flash != nil && f.Flash.Action != nil && f.Flash.Action.Href == StandingPath {
		f.Flash = nil // the bar leads here
	}
	f.Active, f.NoIndex, f.WriteHref, f.Back = ui.MePath, true, "", &ui.Link{Text: ui.T(ctx, "ui.tab.me"), Href: ui.MePath}
	return ui.Render(w, req, status, standingPage(f, view))
}

func drawAppeal(ctx context.Context, x Appeal) *appealView {
	return &appealView{words: x.Words, answer: x.Answer, state: ui.T(ctx, stateWords[x.State]), open: x.State == waiting, at: x.At}
}

func (r *Room) postAppeal(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := pathID(req, "deed")
	if err != nil {
		return err
	}
	if err := r.Appeal(ctx, service.ViewerOf(ctx), id, req.PostFormValue("words")); err != nil {
		wrong, err := sentenceOf(ctx, err)
		if err != nil {
			return err
		}
		return r.standing(w, req, http.StatusUnprocessableEntity, wrong)
	}
	return service.Done(w, req, StandingPath, "moderate.done.appealed")
}

// number reads a field of a form; -1 for what is none.
func number(req *http.Request, name string) int {
	n, err := strconv.Atoi(req.PostFormValue(name))
	if err != nil || fmt.Sprint(n) != req.PostFormValue(name) {
		return -1
	}
	return n
}

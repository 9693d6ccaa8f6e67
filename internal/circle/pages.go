package circle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// Rows a page shows.
const (
	circlesAPage = 20
	peopleAPage  = 50
)

// Routes are the room's pages and forms.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "GET /circles", Access: service.Anyone, Handle: r.list},
		{Pattern: "GET /circles/new", Access: service.Member, Handle: r.draft},
		{Pattern: "POST /circles/new", Access: service.Member, Handle: r.create},
		{Pattern: "GET /circles/offers", Access: service.Member, Handle: r.offersPage},
		{Pattern: "POST /circles/offers/{offer}/take", Access: service.Member, Handle: r.take},
		{Pattern: "POST /circles/offers/{offer}/decline", Access: service.Member, Handle: r.decline},
		{Pattern: "GET /circles/{id}", Access: service.Anyone, Handle: r.show},
		{Pattern: "GET /circles/{id}/rules", Access: service.Anyone, Handle: r.rulesPage},
		{Pattern: "GET /circles/{id}/farewell", Access: service.Member, Handle: r.farewellPage},
		{Pattern: "POST /circles/{id}/farewell", Access: service.Member, Handle: r.postFarewell},
		{Pattern: "GET /circles/{id}/" + movedName, Access: service.Anyone, Handle: r.movedText},
		{Pattern: "GET /circles/{id}/notices", Access: service.Member, Handle: r.noticesPage},
		{Pattern: "POST /circles/{id}/notices", Access: service.Member, Handle: r.tellForm},
		{Pattern: "POST /circles/{id}/notices/{notice}/remove", Access: service.Member, Handle: r.untell},
		{Pattern: "GET /circles/{id}/topics", Access: service.Member, Handle: r.topicsPage},
		{Pattern: "POST /circles/{id}/topics", Access: service.Member, Handle: r.newTopic},
		{Pattern: "POST /circles/{id}/topics/{topic}/{act}", Access: service.Member, Handle: r.changeTopic},
		{Pattern: "GET /circles/{id}/board", Access: service.Member, Handle: r.boardPage},
		{Pattern: "GET /circles/{id}/mine", Access: service.Member, Handle: r.minePage},
		{Pattern: "POST /circles/{id}/mine", Access: service.Member, Handle: r.setMine},
		{Pattern: "GET /circles/{id}/members", Access: service.Member, Handle: r.membersPage},
		{Pattern: "POST /circles/{id}/members/{account}/{act}", Access: service.Member, Handle: r.member},
		{Pattern: "GET /circles/{id}/settings", Access: service.Member, Handle: r.settings},
		{Pattern: "POST /circles/{id}/settings", Access: service.Member, Handle: r.change},
		{Pattern: "POST /circles/{id}/pictures", Access: service.Member, Handle: r.pictures, Upload: true},
		{Pattern: "POST /circles/{id}/heir", Access: service.Member, Handle: r.offerTo},
		{Pattern: "POST /circles/{id}/heir/withdraw", Access: service.Member, Handle: r.withdraw},
		{Pattern: "GET /circles/{id}/end", Access: service.Member, Handle: r.endPage},
		{Pattern: "POST /circles/{id}/end", Access: service.Member, Handle: r.end},
		{Pattern: "GET /circles/{id}/invite", Access: service.Member, Handle: r.invitePage},
		{Pattern: "POST /circles/{id}/invite", Access: service.Member, Handle: r.invite},
		{Pattern: "POST /circles/{id}/invite/revoke", Access: service.Member, Handle: r.revoke},
		{Pattern: "GET /circles/{id}/join", Access: service.Member, Handle: r.joinPage},
		{Pattern: "POST /circles/{id}/join", Access: service.Member, Handle: r.join},
		{Pattern: "GET /circles/{id}/leave", Access: service.Member, Handle: r.leavePage},
		{Pattern: "POST /circles/{id}/leave", Access: service.Member, Handle: r.leave},
		{Pattern: "GET /join/{token}", Access: service.Anyone, Handle: r.invitation},
		{Pattern: "POST /join/{token}", Access: service.Member, Handle: r.joinBy},
	}
}

var (
	modeWords    = ui.Keys("circle.mode.", "open", "approval", "invitation")
	modeHints    = ui.Keys("circle.mode_hint.", "open", "approval", "invitation")
	roleWords    = ui.Keys("circle.role.", "owner", "co_owner", "moderator", "member")
	previews     = ui.Keys("circle.preview.", "nothing", "intro", "posts")
	previewHints = ui.Keys("circle.preview_hint.", "nothing", "intro", "posts")
)

// page draws a page of this room.
func page(w http.ResponseWriter, req *http.Request, status int, title string, back *ui.Link, body templ.Component) error {
	f := service.Frame(req.Context(), title)
	f.Active, f.Back, f.NoIndex = Service.Path, back, true
	if back != nil { // a page of forms has a button of its own that acts
		f.WriteHref = ""
	}
	return ui.Render(w, req, status, ui.PageWith(f, body))
}

// idOf reads the circle's id from the path.
func idOf(req *http.Request) (who.ID, error) {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return 0, errNone()
	}
	return id, nil
}

// before reads the key from which a list goes on.
func before(req *http.Request) who.ID {
	id, _ := who.ParseID(req.FormValue("before"))
	return id
}

// title gives a circle's name, or words for one that its owner left.
func title(ctx context.Context, name string) string {
	if name == "" {
		return ui.T(ctx, "circle.nameless")
	}
	return name
}

func toCircle(ctx context.Context, c Circle) *ui.Link {
	return &ui.Link{Text: title(ctx, c.Name), Href: Path(c.ID)}
}

func toCircles(ctx context.Context) *ui.Link {
	return &ui.Link{Text: ui.T(ctx, "circle.service"), Href: Service.Path}
}

// card gives a circle as lists draw it.
func card(ctx context.Context, c Circle, m Membership) ui.CircleView {
	v := ui.CircleView{Name: title(ctx, c.Name), Href: Path(c.ID), About: shownIntro(c, m), Avatar: service.MediaPath(c.Avatar), Members: int(c.Members)}
	switch {
	case c.Withheld:
		v.Badge, v.Avatar = ui.T(ctx, "circle.withheld"), ""
	case c.State == Ended:
		v.Badge = ui.T(ctx, "circle.ended")
	case m.State == Asked:
		v.Badge = ui.T(ctx, "circle.asked")
	case rank(m.Role) > 0:
		v.Badge = ui.T(ctx, roleWords[string(m.Role)])
	case m.State == "":
		v.Joining = ui.T(ctx, modeWords[string(c.Mode)])
	}
	return v
}

// Suggest gives a few circles that the viewer could join, the largest first, for other pages.
func (r *Room) Suggest(ctx context.Context, v who.Viewer, limit int) ([]ui.CircleView, error) {
	found, err := r.Found(ctx, v, After{}, limit)
	out := make([]ui.CircleView, len(found))
	for i, c := range found {
		out[i] = card(ctx, c, Membership{})
	}
	return out, err
}

// listView is the page of circles.
type listView struct {
	Guest        bool
	Mine, Found  []ui.CircleView
	Older, Wider string
	Offers       int
	Only         bool // a further page of one of the two lists
	Category     string
}

// categories are the ways to narrow the list of circles.
func (v listView) categories(ctx context.Context) []ui.PageTab {
	out := []ui.PageTab{{Label: ui.T(ctx, "circle.category.all"), Href: Service.Path, Count: -1, Active: v.Category == ""}}
	for _, c := range categories {
		out = append(out, ui.PageTab{Label: ui.T(ctx, categoryWords[c]), Href: Service.Path + "?category=" + c, Count: -1, Active: v.Category == c})
	}
	return out
}

func (r *Room) list(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	view := listView{Guest: v.Guest()}
	after, wider := parseAfter(req.FormValue("after"))
	view.Only = wider || before(req) != 0
	if c := req.FormValue("category"); isCategory(c) {
		view.Category = c
	}
	if !v.Guest() && !wider && view.Category == "" {
		mine, err := r.Memberships(ctx, v, before(req), circlesAPage)
		if err != nil {
			return err
		}
		for _, x := range mine {
			view.Mine = append(view.Mine, card(ctx, x.Circle, x.Membership))
		}
		if len(mine) == circlesAPage {
			view.Older = Service.Path + "?before=" + mine[len(mine)-1].Row.String()
		}
		offers, err := r.Offers(ctx, v, 0, circlesAPage)
		if err != nil {
			return err
		}
		view.Offers = len(offers)
	}
	if before(req) == 0 {
		found, err := r.FoundIn(ctx, v, view.Category, after, circlesAPage)
		if err != nil {
			return err
		}
		for _, c := range found {
			if service.Allowed(ctx, exit.AllowEntrance, Name, c.ID) {
				view.Found = append(view.Found, card(ctx, c, Membership{}))
			}
		}
		if len(found) == circlesAPage {
			last := found[len(found)-1]
			view.Wider = fmt.Sprintf("%s?after=%d-%d", Service.Path, last.Members, last.ID)
			if view.Category != "" {
				view.Wider += "&category=" + view.Category
			}
		}
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.service"), nil, listPage(view))
}

// parseAfter reads the key from which found circles go on; ok is false for the top.
func parseAfter(s string) (a After, ok bool) {
	members, id, _ := strings.Cut(s, "-")
	n, err := strconv.ParseInt(members, 10, 64)
	key, good := who.ParseID(id)
	if err != nil || !good {
		return After{}, false
	}
	return After{n, key}, true
}

// draftView is the form of a circle's words.
type draftView struct {
	Draft
	Action   string
	Button   string
	Whole    bool // all of it, of a circle that stands
	Problems problems
}

func (r *Room) draft(w http.ResponseWriter, req *http.Request) error {
	return r.draftPage(w, req, Draft{Mode: Open}, nil)
}

func (r *Room) draftPage(w http.ResponseWriter, req *http.Request, d Draft, p problems) error {
	ctx := req.Context()
	view := draftView{Draft: d, Action: "/circles/new", Button: ui.T(ctx, "circle.new.do"), Problems: p}
	return page(w, req, p.status(), ui.T(ctx, "circle.new"), toCircles(ctx), draftForm(view))
}

func draftOf(req *http.Request) Draft {
	return Draft{
		Name: req.PostFormValue("name"), Intro: req.PostFormValue("intro"), Category: req.PostFormValue("category"), Rules: req.PostFormValue("rules"),
		Mode: JoinMode(req.PostFormValue("mode")), Question: req.PostFormValue("question"), Preview: Preview(req.PostFormValue("preview")),
		Unlisted: req.PostFormValue("unlisted") != "", Approves: req.PostFormValue("approves") != "",
	}
}

func (r *Room) create(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	d := draftOf(req)
	id, err := r.Create(ctx, service.ViewerOf(ctx), d)
	if err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.draftPage(w, req, d, p)
	}
	return service.Done(w, req, Path(id), "circle.done.created")
}

// problems are the sentences for what cannot be accepted, by the name of the field; "" is the
// whole form.
type problems map[string]string

func (p problems) status() int {
	if len(p) == 0 {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// fields are the fields of this room's forms by the beginning of the keys of their errors.
var fields = map[string]string{
	"circle.error.name_": "name", "circle.error.intro": "intro", "circle.error.mode": "mode", "circle.error.heir": "heir", "circle.error.rules": "rules",
	"circle.error.question": "question", "circle.error.category": "category", "circle.error.preview": "preview", "circle.error.notice_": "text",
	"circle_farewell.error.link": "link", "circle_farewell.error.long": "words", "circle_farewell.error.empty": "words", "circle_farewell.error.hides": "words", "circle.error.answer": "answer", "circle.error.terms": "terms", "post.error.topic": "name", "media.error.": "picture",
}

// explain turns an error that a person can do something about into a sentence at its field. Any
// other error is given back.
func explain(ctx context.Context, err error) (problems, error) {
	var e *exit.Error
	if !errors.As(err, &e) || e.Kind != exit.Invalid && e.Kind != exit.Conflict {
		return nil, err
	}
	var args []any
	for name, value := range e.Args {
		args = append(args, name, value)
	}
	sentence := ui.Sentence(ctx, e.Key, args...)
	for prefix, field := range fields {
		if strings.HasPrefix(e.Key, prefix) {
			return problems{field: sentence}, nil
		}
	}
	return problems{"": sentence}, nil
}

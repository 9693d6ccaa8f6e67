package notify

import (
	"context"
	"net/http"
	"strings"
	"time"

	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Addresses of the room's pages.
const (
	centrePath   = service.NoticesPath
	SettingsPath = "/settings/notices" // what an account wants to be told
	addressPath  = SettingsPath + "/address"
	unbindPath   = SettingsPath + "/address/remove"
	provePath    = "/mail/prove/"
	stopPath     = "/mail/stop/"
)

// Routes gives the room's pages. Whoever is leaving still sees what happened, and takes an address back.
func (r *Room) Routes() []service.Route {
	return append(r.announceRoutes(), []service.Route{
		{Pattern: "GET " + centrePath, Access: service.Leaving, Handle: r.getCentre},
		{Pattern: "POST " + centrePath + "/read", Access: service.Leaving, Handle: r.postRead},
		{Pattern: "GET " + centrePath + "/live", Access: service.Leaving, Handle: r.getLive},
		{Pattern: "GET " + SettingsPath, Access: service.Member, Handle: r.getSettings},
		{Pattern: "POST " + SettingsPath, Access: service.Member, Handle: r.postSettings},
		{Pattern: "POST " + addressPath, Access: service.Member, Handle: r.postAddress},
		{Pattern: "POST " + unbindPath, Access: service.Leaving, Handle: r.postUnbind},
		{Pattern: "GET " + provePath + "{token}", Handle: r.getProve},
		{Pattern: "POST " + provePath + "{token}", Handle: r.postProve},
		{Pattern: "GET " + stopPath + "{id}/{kind}/{proof}", Handle: r.getStop},
		{Pattern: "POST " + stopPath + "{id}/{kind}/{proof}", Handle: r.postStop},
	}...)
}

// lineView is a row of the centre.
type lineView struct {
	before, who, after string // the sentence around who did it
	excerpt            string // of what it is about
	told               string // what the operator told everybody
	href               string // where it leads; "" for nowhere
	at                 time.Time
	unseen             bool
	face               *ui.PersonView // who did it last
	icon               string         // in place of a face
}

// icons stand for what the house tells.
var icons = map[Kind]string{
	CircleAsked: "users", CircleAccepted: "users", CircleOffer: "users", CircleNotice: "users", CircleMoved: "users", ChannelMoved: "clapperboard", Submitted: "pen-line", SubmissionAccepted: "circle-check",
	SubmissionRefused: "circle-minus", Reported: "flag", Removed: "eye-off", Restored: "eye", Appealed: "scale", Decided: "scale", Sanctioned: "octagon-alert", NewVideo: "clapperboard", VideoFailed: "octagon-alert", VideoUnpublished: "clapperboard", Claim: "scale",
	LastDay: "door-open", Sunset: "megaphone", ArchiveReady: "package", Announced: "info",
}

// line puts what happened into words for the reader.
func (r *Room) line(ctx context.Context, g group) lineView {
	v := lineView{at: g.at, unseen: !g.seen, icon: icons[g.Kind], excerpt: g.thing.Title}
	if v.excerpt == "" {
		v.excerpt = g.thing.Excerpt
	}
	if g.Kind == Follow { // it is about oneself
		v.excerpt = ""
	}
	if g.told != nil {
		v.told, v.href = g.told.Text, g.told.Link
		return v
	}
	if k, _ := ruleOf(g.Kind); k.says && g.thing.Title != "" {
		v.before, v.excerpt, v.href = g.thing.Title, g.thing.Excerpt, r.leads(g)
		return v
	}
	v.who = whoDid(ctx, g)
	const mark = "\x00"
	date := ""
	if !g.Due.IsZero() {
		date = ui.DateIn(ctx, g.Due)
	}
	v.before, v.after, _ = strings.Cut(ui.T(ctx, sentences[string(g.Kind)], "Who", mark, "Date", date), mark)
	if len(g.people) > 0 {
		p := g.people[0]
		v.face = &ui.PersonView{Name: p.display, Handle: p.name, Href: "/@" + p.name, Avatar: service.MediaPath(p.avatar)}
	}
	v.href = r.leads(g)
	return v
}

// whoDid names who did something: two at most, and how many more.
func whoDid(ctx context.Context, g group) string {
	switch rest := g.rest(); {
	case len(g.people) == 0:
		if g.By == 0 {
			return ""
		}
		return ui.T(ctx, "notify.who.left")
	case rest > 0:
		both := g.people[0].display
		if len(g.people) > 1 {
			both = ui.T(ctx, "notify.who.comma", "A", g.people[0].display, "B", g.people[1].display)
		}
		return ui.T(ctx, "notify.who.more", "Who", both, "Count", rest)
	case len(g.people) > 1:
		return ui.T(ctx, "notify.who.two", "A", g.people[0].display, "B", g.people[1].display)
	default:
		return g.people[0].display
	}
}

// leads gives where a row leads: where the kind's room says, to the thing, to who did it.
func (r *Room) leads(g group) string {
	if lead := r.Lead[g.Kind]; lead != nil {
		return lead(g.Notice)
	}
	switch {
	case g.Kind == Follow && len(g.people) == 1 && g.rest() == 0:
		return "/@" + g.people[0].name
	case g.Kind == Follow && g.thing.Link != "":
		return g.thing.Link + "/followers"
	case g.Kind == ChannelMoved && g.thing.Link != "":
		return g.thing.Link + "/channel"
	case g.thing.Link != "":
		return g.thing.Link
	case g.Kind == LastDay:
		return ui.ExitPath
	}
	return centrePath
}

// centreView is a page of the centre.
type centreView struct {
	lines  []lineView
	unread bool // there is more that is not seen, on later pages
	older  string
}

func (r *Room) getCentre(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	s := service.SessionOf(ctx)
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	c, err := r.centre(ctx, s.Viewer, before)
	if err != nil {
		return err
	}
	if c.hasUnseen && req.Method == http.MethodGet {
		if err := r.seen(ctx, s.Viewer, c.newest, c.oldest, c.announced); err != nil {
			return err
		}
		if s.Unread, err = r.Unread(ctx, s.Viewer.Account); err != nil {
			return err
		}
	}
	view := centreView{unread: s.Unread > 0}
	for _, g := range c.groups {
		view.lines = append(view.lines, r.line(ctx, g))
	}
	if c.next != 0 {
		view.older = centrePath + "?before=" + c.next.String()
	}
	f := service.Frame(ctx, ui.T(ctx, "notify.title"))
	f.NoIndex = true
	return ui.Render(w, req, http.StatusOK, centrePage(f, view))
}

func (r *Room) postRead(w http.ResponseWriter, req *http.Request) error {
	if err := r.ReadAll(req.Context(), service.ViewerOf(req.Context())); err != nil {
		return err
	}
	return service.Done(w, req, centrePath, "notify.done.read")
}

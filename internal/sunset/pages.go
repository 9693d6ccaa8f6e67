package sunset

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Addresses of the notices. A notice's own is [service.NoticePath]; with ".json" behind it, it is for programs.
const (
	noticesPath     = "/sunsets"
	feedPath        = noticesPath + "/feed.xml"
	certificateFile = "/certificate"
)

// noticesAPage bounds the list of notices.
const noticesAPage = 20

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	return slices.Concat(r.noticeRoutes(), r.certificateRoutes(), r.exportRoutes(), r.operatorRoutes())
}

// noticeRoutes gives the public pages of the room: they stay when all else has ended.
func (r *Room) noticeRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + noticesPath, Handle: r.getNotices},
		{Pattern: "GET " + feedPath, Handle: r.getFeed},
		{Pattern: "GET " + noticesPath + "/{sunset}", Handle: r.getNotice},
		{Pattern: "GET " + noticesPath + "/{sunset}" + calendarFile, Handle: r.getCalendar},
		{Pattern: "GET " + noticesPath + "/{sunset}/picture", Handle: r.getPicture},
	}
}

// picturePath gives the address of a notice's picture, with its version.
func picturePath(s Sunset) string { return service.NoticePath(s.Name) + "/picture?" + s.Picture }

// listedView is a notice in the list.
type listedView struct{ Title, Href, State, Icon string }

func (r *Room) getNotices(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.store.page(ctx, before, noticesAPage+1)
	if err != nil {
		return err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	older := ""
	if len(list) > noticesAPage {
		list = list[:noticesAPage]
		older = noticesPath + "?before=" + list[noticesAPage-1].ID.String()
	}
	var views []listedView
	for _, s := range list {
		if !announced(s, now) {
			continue
		}
		title, _ := inWords(ctx, s.Calendar.Title)
		views = append(views, listedView{title, service.NoticePath(s.Name), stateSentence(ctx, s, now), stateIcons[s.State]})
	}
	f := service.Frame(ctx, ui.T(ctx, "sunset_notice.title"))
	f.Shared = &ui.Shared{Title: f.Title, Description: ui.T(ctx, "sunset_notice.about"), Path: noticesPath, Feed: feedPath}
	f.Share = &ui.ShareView{Path: noticesPath, Feed: feedPath}
	return ui.Render(w, req, http.StatusOK, noticesPage(f, views, older))
}

var stateIcons = map[string]string{stateOpen: "calendar-days", stateWithdrawn: "undo-2", stateEnded: "file-check"}

// noticeView is a notice.
type noticeView struct {
	State                ui.Notice
	Picture              string // address; "" for none
	Width, Height        int    // pixels
	Reason, Apology, Ask string
	Charges              string
	Calendar             ui.CalendarView
	ICS                  string
	Can                  []canView
	Take                 *ui.Button // leads to what can be taken along; nil: nothing can any more
	Successor            string
	Editions             []editionView // later versions, the newest first
	About                []ui.DefinitionView
}

// editionView is a later version.
type editionView struct {
	Number  int
	Head    string
	Why     string
	Changes []ui.DefinitionView
}

func (r *Room) getNotice(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	name, forPrograms := strings.CutSuffix(req.PathValue("sunset"), ".json")
	s, err := r.public(ctx, service.ViewerOf(ctx), name)
	if err != nil {
		return err
	}
	if forPrograms {
		return r.showDocument(w, req, s)
	}
	v, err := r.notice(ctx, s)
	if err != nil {
		return err
	}
	title, _ := inWords(ctx, s.Calendar.Title)
	f := service.Frame(ctx, title)
	f.Back, f.WriteHref = &ui.Link{Text: ui.T(ctx, "sunset_notice.title"), Href: noticesPath}, ""
	path := service.NoticePath(s.Name)
	f.Shared = &ui.Shared{Type: "article", Title: title, Description: v.Reason, Path: path, Published: s.Published, Feed: feedPath, Image: v.Picture, Width: v.Width, Height: v.Height}
	f.Share = &ui.ShareView{Path: path, Feed: feedPath}
	return ui.Render(w, req, http.StatusOK, noticePage(f, v))
}

// notice puts a notice into words for the reader.
func (r *Room) notice(ctx context.Context, s Sunset) (noticeView, error) {
	cal, now := s.Calendar, ui.ReaderFrom(ctx).Now
	path := service.NoticePath(s.Name)
	v := noticeView{State: ui.Notice{Sentence: stateSentence(ctx, s, now)}, Calendar: calendarOf(ctx, s), ICS: path + calendarFile, Can: canStill(ctx, s, now), Take: takeButton(ctx, s, now), Successor: cal.Successor}
	v.Reason, _ = inWords(ctx, cal.Reason)
	v.Ask, _ = inWords(ctx, cal.Ask)
	v.Charges, _ = inWords(ctx, cal.Charges)
	if s.State != stateWithdrawn { // nothing is lost
		v.Apology, _ = inWords(ctx, cal.Apology)
	}
	switch s.State {
	case stateEnded:
		v.State.Action = &ui.Link{Text: ui.T(ctx, "sunset_notice.certificate"), Href: path + certificateFile}
	case stateWithdrawn:
		v.State.Kind = ui.Done
	}
	if s.Picture != "" {
		p, err := r.store.pictureOf(ctx, s.ID, false)
		if err != nil {
			return v, err
		}
		v.Picture, v.Width, v.Height = picturePath(s), p.width, p.height
	}
	ends, err := r.endsName(ctx, cal.Ends)
	if err != nil {
		return v, err
	}
	v.About = []ui.DefinitionView{
		{Term: ui.T(ctx, "sunset_notice.ends"), Value: ends},
		{Term: ui.T(ctx, "sunset_notice.version"), Value: ui.T(ctx, "sunset_notice.version.value", "N", s.Version, "Date", ui.DateIn(ctx, s.Published))},
	}
	if cal.Override != "" {
		v.About = append(v.About, ui.DefinitionView{Term: ui.T(ctx, "sunset_notice.override"), Value: cal.Override})
	}
	if s.Version == 1 {
		return v, nil
	}
	editions, err := r.store.editions(ctx, s.ID)
	for _, e := range editions {
		if e.Was != nil {
			v.Editions = append(v.Editions, editionWords(ctx, e))
		}
	}
	return v, err
}

func editionWords(ctx context.Context, e edition) editionView {
	v := editionView{Number: e.Number, Why: e.Why, Head: ui.T(ctx, "sunset_notice.version.value", "N", e.Number, "Date", ui.DateIn(ctx, e.Published))}
	for _, c := range changeWords(ctx, e) {
		d := ui.DefinitionView{Term: c.What, Value: ui.T(ctx, "sunset_notice.changed.words")}
		if c.Is != "" {
			d.Value = ui.T(ctx, "sunset_notice.changed.date", "Was", c.Was, "Is", c.Is)
		}
		v.Changes = append(v.Changes, d)
	}
	return v
}

// takeButton leads to where one takes one's own along: a new archive until the stop, the one that was made or a late one until archives go.
func takeButton(ctx context.Context, s Sunset, now time.Time) *ui.Button {
	cal := s.Calendar
	switch {
	case s.State == stateWithdrawn || !cal.Late.After(now) || cal.At(exit.Announced).After(now):
		return nil
	case !cal.At(exit.Stopped).After(now):
		return &ui.Button{Label: ui.T(ctx, "sunset_notice.fetch"), Href: ui.ExitPath, Icon: "package", Kind: ui.Primary}
	}
	href := ui.ExitPath
	if cal.Ends.Kind == exit.SubjectService {
		href += "/take-along?in=" + cal.Ends.Part()
	}
	return &ui.Button{Label: ui.T(ctx, "sunset_notice.take"), Href: href, Icon: "package", Kind: ui.Primary}
}

func (r *Room) getPicture(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	s, err := r.public(ctx, service.ViewerOf(ctx), req.PathValue("sunset"))
	if err != nil {
		return err
	}
	p, err := r.store.pictureOf(ctx, s.ID, true)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", p.kind)
	if req.URL.RawQuery == s.Picture {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // the query is its version
	}
	http.ServeContent(w, req, "", time.Time{}, p.reader())
	return nil
}

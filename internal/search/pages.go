package search

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Pieces of a page: suggestions while somebody types; how many things there are of a kind, which takes longer than finding
// the newest.
const (
	suggestPath = ui.SearchPath + "/suggest"
	countPath   = ui.SearchPath + "/count"
)

// Routes are the room's pages.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + ui.SearchPath, Access: service.Anyone, Handle: r.show},
		{Pattern: "GET " + suggestPath, Access: service.Anyone, Handle: r.suggest},
		{Pattern: "GET " + countPath, Access: service.Anyone, Handle: r.tally},
	}
}

// tab is one of the page's views: all of it, or one kind.
type tab struct{ name, kind string }

var tabs = []tab{{"all", ""}, {"circles", Circle}, {"posts", Post}, {"videos", Video}, {"people", Account}, {"topics", Topic}}

var (
	tabWords   = ui.Keys("search.tab.", "all", "circles", "posts", "videos", "people", "topics")
	emptyWords = ui.Keys("search.empty.", "all", "circles", "posts", "videos", "people", "topics")
)

// icons stand for the kinds in suggestions and topics.
var icons = map[string]string{Circle: "users-round", Account: "user", Topic: "hash", Post: "message-circle", Video: "clapperboard"}

// view is the page of what was found.
type view struct {
	Typed    string
	Tab      tab
	Sections []section
	Count    string // how many there are, in words; "" where it is not told
	Counting string // address that tells it more closely; "" where it is told
	Older    string
	Asked    bool // something can be searched in what was typed
}

func (v view) found() bool {
	for _, s := range v.Sections {
		if len(s.Lines) > 0 {
			return true
		}
	}
	return false
}

// section is what was found of one kind.
type section struct {
	Tab   tab
	Lines []line
	More  string // address of its own view; "" where there is no more
}

// line is one thing that was found.
type line struct {
	Kind    string
	Title   []Span
	Plain   string // the title in one piece
	Handle  string // of an account
	Excerpt []Span
	Why     []Span // what it is about, where that is why it was found
	Href    string
	Picture string
	Author  ui.Link // of a post or a video
	Place   ui.Link
	At      time.Time // of a post; UTC
}

// address gives the address of a view.
func address(typed string, t tab, before int64) string {
	q := url.Values{"q": {typed}}
	if t.kind != "" {
		q.Set("tab", t.name)
	}
	if before != 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	return ui.SearchPath + "?" + q.Encode()
}

func (v view) tabs(ctx context.Context) []ui.PageTab {
	out := make([]ui.PageTab, len(tabs))
	for i, t := range tabs {
		out[i] = ui.PageTab{Label: ui.T(ctx, tabWords[t.name]), Href: address(v.Typed, t, 0), Count: -1, Active: t == v.Tab}
	}
	return out
}

// few is how many of a kind stand on the view of all.
const few = 3

func (r *Room) show(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := view{Typed: typed(req), Tab: tabOf(req)}
	v.Asked = len(words(v.Typed)) > 0
	if v.Asked {
		before, _ := strconv.ParseInt(req.FormValue("before"), 10, 64)
		if err := r.fill(ctx, service.ViewerOf(ctx), &v, before); err != nil {
			return err
		}
	}
	f := service.Frame(ctx, ui.T(ctx, "search.title"))
	f.NoIndex, f.WriteHref = true, ""
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, body(v)))
}

// tabOf gives the view that is asked for, that of all if it is none.
func tabOf(req *http.Request) tab {
	for _, t := range tabs {
		if t.name == req.FormValue("tab") {
			return t
		}
	}
	return tabs[0]
}

// tally draws how many things of a kind there are.
func (r *Room) tally(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	t := tabOf(req)
	if t.kind == "" {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	n, err := r.Count(ctx, service.ViewerOf(ctx), t.kind, typed(req), mostCount)
	if err != nil {
		return err
	}
	text := ui.T(ctx, "search.count", "Count", n)
	if n > mostCount {
		text = ui.T(ctx, "search.count.more", "Count", ui.Number(mostCount))
	}
	return ui.Render(w, req, http.StatusOK, count(text))
}

// typed gives what somebody looks for, within bounds.
func typed(req *http.Request) string {
	runes := []rune(req.FormValue("q"))
	return string(runes[:min(len(runes), mostTyped)])
}

// fill reads what the view shows.
func (r *Room) fill(ctx context.Context, v who.Viewer, page *view, before int64) error {
	if page.Tab.kind != "" {
		list, next, err := r.Find(ctx, v, page.Tab.kind, page.Typed, before, pageSize)
		if err != nil {
			return err
		}
		if next != 0 {
			page.Older = address(page.Typed, page.Tab, next)
		}
		switch {
		case before != 0:
		case next != 0:
			page.Count = ui.T(ctx, "search.count.more", "Count", ui.Number(pageSize))
			page.Counting = countPath + "?" + url.Values{"q": {page.Typed}, "tab": {page.Tab.name}}.Encode()
		case len(list) > 0:
			page.Count = ui.T(ctx, "search.count", "Count", len(list))
		}
		return r.section(ctx, v, page, page.Tab, list, false)
	}
	for _, kind := range []string{Circle, Account, Topic, Video, Post} { // the long list last
		t := tabs[slices.IndexFunc(tabs, func(t tab) bool { return t.kind == kind })]
		limit := few
		if t.kind == Post {
			limit = pageSize
		}
		list, next, err := r.Find(ctx, v, t.kind, page.Typed, 0, limit)
		if err != nil {
			return err
		}
		if err := r.section(ctx, v, page, t, list, next != 0); err != nil {
			return err
		}
	}
	return nil
}

// section adds what was found of one kind to a view.
func (r *Room) section(ctx context.Context, v who.Viewer, page *view, t tab, list []Hit, more bool) error {
	lines, err := r.lines(ctx, v, t.kind, page.Typed, list)
	if err != nil {
		return err
	}
	s := section{Tab: t, Lines: lines}
	if more {
		s.More = address(page.Typed, t, 0)
	}
	page.Sections = append(page.Sections, s)
	return nil
}

// lines gives hits as the page draws them, asking each room once for the words and once for whom and where they belong to.
func (r *Room) lines(ctx context.Context, v who.Viewer, kind, typed string, list []Hit) ([]line, error) {
	said, err := r.words(ctx, kind, list)
	if err != nil {
		return nil, err
	}
	var refs []who.Ref
	if kind == Post || kind == Video {
		for _, h := range list {
			refs = append(refs, who.Ref{Kind: Account, ID: h.Thing.Owner}, who.Ref{Kind: Circle, ID: h.Thing.Place})
		}
	}
	around, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return nil, err
	}
	link := func(kind string, id who.ID) ui.Link {
		t := around[who.Ref{Kind: kind, ID: id}]
		return ui.Link{Text: t.Title, Href: t.Link}
	}
	out := make([]line, len(list))
	for i, h := range list {
		t, s := h.Thing, said[h.Thing.Ref.ID]
		out[i] = line{
			Kind: kind, Title: Marked(t.Title, typed), Plain: t.Title, Excerpt: Excerpt(s.Text, typed), Href: found(t), Picture: service.MediaPath(t.Picture),
		}
		if byCategory(s, typed) {
			out[i].Why = Marked(ui.T(ctx, s.Category), typed)
		}
		switch kind {
		case Post:
			out[i].Author, out[i].At = link(Account, t.Owner), db.Time(h.Key>>22+epoch)
			if t.Service == Circle {
				out[i].Place = link(Circle, t.Place)
			}
		case Video:
			out[i].Author = link(Account, t.Owner)
		case Account:
			out[i].Handle = t.Link[min(len(t.Link), 2):]
		}
	}
	return out, nil
}

// byCategory reports whether something was found by the words for what it is about: one of those typed stands there, in whatever language, and neither in
// its name nor in its text.
func byCategory(w Words, typed string) bool {
	if w.Category == "" {
		return false
	}
	for _, one := range words(typed) {
		if len(places(w.Title+"\n"+w.Text, []string{one})) > 0 {
			continue
		}
		for _, l := range ui.Langs() {
			if len(places(l.T(w.Category), []string{one})) > 0 {
				return true
			}
		}
	}
	return false
}

// words asks the room of a kind what its things say.
func (r *Room) words(ctx context.Context, kind string, list []Hit) (map[who.ID]Words, error) {
	ids := make([]who.ID, len(list))
	for i, h := range list {
		ids[i] = h.Thing.Ref.ID
	}
	for _, s := range r.Sources {
		if s.Kind() == kind && len(ids) > 0 {
			return s.Words(ctx, ids)
		}
	}
	return nil, nil
}

// found gives where a result leads. The owner of a video learns how many came by searching.
func found(t service.Thing) string {
	if t.Ref.Kind == Video {
		return t.Link + "?from=search"
	}
	return t.Link
}

// suggest draws what begins with what was typed so far.
func (r *Room) suggest(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	q := typed(req)
	list, err := r.Suggest(ctx, service.ViewerOf(ctx), q)
	if err != nil {
		return err
	}
	out := make([]line, 0, len(list))
	for _, h := range list {
		if service.Allowed(ctx, exit.AllowEntrance, h.Thing.Service, h.Thing.Place) {
			out = append(out, line{Kind: h.Thing.Ref.Kind, Title: Marked(h.Thing.Title, q), Plain: h.Thing.Title, Href: found(h.Thing)})
		}
	}
	return ui.Render(w, req, http.StatusOK, suggestions(out))
}

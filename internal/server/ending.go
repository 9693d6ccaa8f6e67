package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/page"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// ends is what the server asks about endings. The zero value knows of none.
type ends struct {
	mark   func(ctx context.Context) (string, error)                                                 // changes with what is published
	list   func(ctx context.Context) ([]service.Ending, error)                                       // all that are published
	stands func(r *http.Request, rt service.Route, shut bool) (name string, place who.ID, err error) // in which service and place something stands; "": in none
	called func(ctx context.Context, e service.Ending) (string, error)                               // the name of the place that ends, where the viewer may see it; "" otherwise
	ended  func(w http.ResponseWriter, r *http.Request, e service.Ending, at where) error            // the answer where something ended, or can be read signed in alone
}

// where says what stood at an address: the circle, if it stood in one; known is false where nothing is left by which to tell.
type where struct {
	circle who.ID
	known  bool
}

// endings wires the above.
func (h *House) endings() ends {
	return ends{mark: h.Desk.EndingsMark, list: h.Desk.Endings, stands: h.standsIn, called: h.called, ended: h.ended}
}

// belongsTo gives the service with which a room's route ends. What people need in order to leave, and what operators do, ends with none.
func (h *House) belongsTo(rm room, rt service.Route) string {
	_, path, _ := strings.Cut(rt.Pattern, " ")
	switch {
	case rt.Access == service.Leaving, rt.Access == service.Operator, strings.HasPrefix(path, "/slip/"), strings.HasPrefix(path, "/exit"):
		return ""
	case strings.HasPrefix(path, "/circles"), rm == room(h.circles):
		return circle.Service.Name
	case rm == room(h.channels), rm == room(h.uploads): // all that is uploaded in pieces is videos
		return channel.Service.Name
	case rm == room(h.pages) && strings.HasPrefix(path, "/@"):
		return page.Service.Name
	}
	return ""
}

// stays lists what is there after the end of the whole install, besides what people need in order to leave and what operators do: coming in, what was promised,
// what machines watch.
var stays = []string{
	"/sign-in", "/recover", "/reset/", "/exit", "/slip/", "/sunsets", "/archives/", "/about/", "/mail/", "/operator", "/healthz", "/metrics", ui.ManifestPath, "/icon.png", "/trial/",
}

func staysOpen(rt service.Route) bool {
	_, path, _ := strings.Cut(rt.Pattern, " ")
	return rt.Access == service.Leaving || rt.Access == service.Operator || slices.ContainsFunc(stays, func(s string) bool { return strings.HasPrefix(path, s) })
}

// meet says with what the route's answer ends: in headers (RFC 8594, RFC 9745) and in the session, for the page's bar. Where nothing can be had there any more, or
// not by a guest, it answers itself; pages of members lead a guest to signing in as ever.
func (s *web) meet(w http.ResponseWriter, r *http.Request, rt service.Route) (answered bool, err error) {
	ctx := r.Context()
	session, now := service.SessionOf(ctx), ui.ReaderFrom(ctx).Now
	if len(session.Endings) == 0 {
		return false, nil
	}
	shut := slices.ContainsFunc(session.Endings, func(e service.Ending) bool { return e.Shut(session.Viewer, now) })
	name, place, err := s.ends.stands(r, rt, shut)
	if err != nil {
		return false, err
	}
	e := service.Of(session.Endings, name, place, now)
	if e == nil {
		if rt.Pattern == "GET /{$}" {
			session.Here = soonest(session.Endings, now)
		}
		return false, nil
	}
	session.Here = e
	if session.HereName, err = s.ends.called(ctx, *e); err != nil {
		return false, err
	}
	w.Header().Set("Deprecation", fmt.Sprintf("@%d", e.Announced().Unix()))
	w.Header().Set("Sunset", e.Stop().UTC().Format(http.TimeFormat))
	w.Header().Add("Link", "<"+service.NoticePath(e.Name)+`>; rel="sunset"`)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case e.Scope == "" && staysOpen(rt):
		return false, nil
	case !e.Allows(exit.AllowExport, now), e.Shut(session.Viewer, now) && reads && rt.Access == service.Anyone:
		at := where{known: true}
		if name == circle.Service.Name {
			at.circle = place
		}
		return true, s.ends.ended(w, r, *e, at)
	}
	if what := forms[rt.Pattern]; what != "" {
		if asksJSON(r) {
			return false, service.Offer(ctx, what, name, place)
		}
		if closed := service.Closed(ctx, what, name, place); closed != nil {
			return true, ui.Render(w, r, http.StatusForbidden, ui.EndedPage(service.Frame(ctx, ""), ui.EndedView{
				Title: ui.T(ctx, "sunset_effects.closed.title"), Sentence: closed.Sentence, Notice: *closed.Action,
			}))
		}
	}
	return false, nil
}

// forms are the pages that are nothing but a form, each with what it takes. Once that is not allowed any more, a sentence stands in their place.
var forms = map[string]string{
	"GET /circles/new": exit.AllowJoin, "GET /circles/{id}/join": exit.AllowJoin, "GET /circles/{id}/invite": exit.AllowJoin, "GET /circles/{id}/end": exit.AllowWrite, "GET /join/{token}": exit.AllowJoin,
	"GET /channels/open": exit.AllowJoin, "GET /sign-up": exit.AllowJoin, "GET /sign-up/{link}": exit.AllowJoin, "GET /join-organisation/{token}": exit.AllowJoin,
	"GET /write": exit.AllowWrite, "GET /posts/{id}/edit": exit.AllowWrite, "GET /videos/new": exit.AllowWrite, "GET /channels/batch": exit.AllowWrite,
	"GET /channels/settings": exit.AllowWrite, "GET /settings/profile": exit.AllowWrite, "GET /exit/import": exit.AllowWrite, "GET /moderation/circle/{id}/rules": exit.AllowWrite,
}

// soonest gives the service that is the next to stop, or the install; nil if none is to.
func soonest(list []service.Ending, now time.Time) *service.Ending {
	var found *service.Ending
	for i, e := range list {
		if strings.Contains(e.Scope, ":") || e.Announced().After(now) || !now.Before(e.Stop()) {
			continue
		}
		if found == nil || e.Stop().Before(found.Stop()) {
			found = &list[i]
		}
	}
	return found
}

// missed answers for an address at which nothing is found, if it may have gone with something that ended. NotFound if not; nothing is written then.
func (s *web) missed(w http.ResponseWriter, r *http.Request, pattern string) error {
	ctx := r.Context()
	now := ui.ReaderFrom(ctx).Now
	services := holds(pattern, r)
	ref, _ := refOf(pattern, r)
	for _, e := range service.SessionOf(ctx).Endings {
		name, place := e.ParseScope()
		if !slices.Contains(services, name) || e.Allows(exit.AllowExport, now) {
			continue
		}
		if place == 0 || ref == (who.Ref{Kind: name, ID: place}) { // of all else nothing says that it stood in this one place
			return s.ends.ended(w, r, e, where{circle: place, known: place != 0})
		}
	}
	return exit.Fail(exit.NotFound, "error.not_found")
}

// holds gives the services of which something may have stood at an address.
func holds(pattern string, r *http.Request) []string {
	if ref, ok := refOf(pattern, r); ok {
		switch ref.Kind {
		case channel.KindVideo:
			return []string{channel.Service.Name}
		case circle.Name, "notice":
			return []string{circle.Service.Name}
		}
		return []string{page.Service.Name, circle.Service.Name, channel.Service.Name}
	}
	if key, ok := blob.ParseKey(r.PathValue("key")); ok && strings.Contains(pattern, "/media/") {
		if name := folderOf(key.Folder); name != "" {
			return []string{name}
		}
		if key.Folder == blob.Posts {
			return []string{page.Service.Name, circle.Service.Name}
		}
	}
	return nil
}

// folderOf gives the one service of which a folder holds files; "" for all others.
func folderOf(folder string) string {
	switch folder {
	case blob.Circles:
		return circle.Service.Name
	case blob.Channels, blob.Videos, blob.Renditions:
		return channel.Service.Name
	}
	return ""
}

// refOf gives the thing that an address of a shared room names.
func refOf(pattern string, r *http.Request) (who.Ref, bool) {
	_, path, _ := strings.Cut(pattern, " ")
	kind := ""
	switch {
	case strings.HasPrefix(path, "/posts/{id}"), strings.HasPrefix(path, "/submissions/{id}"):
		kind = "post"
	case strings.HasPrefix(path, "/topics/{id}"):
		kind = "topic"
	case strings.HasPrefix(path, "/talk/comments/{id}"):
		kind = "comment"
	case strings.Contains(path, "/{kind}/{id}") && !strings.HasPrefix(path, "/settings/") && !strings.HasPrefix(path, "/mail/"):
		kind = r.PathValue("kind")
	}
	id, ok := who.ParseID(r.PathValue("id"))
	return who.Ref{Kind: kind, ID: id}, ok && kind != ""
}

// standsIn gives the service and the place of which a request's address is: by the route, or by the thing that it names.
func (h *House) standsIn(r *http.Request, rt service.Route, shut bool) (name string, place who.ID, err error) {
	_, path, _ := strings.Cut(rt.Pattern, " ")
	switch {
	case strings.HasPrefix(path, "/circles/{id}"), strings.HasPrefix(path, "/moderation/circle/{id}"):
		place, _ = who.ParseID(r.PathValue("id"))
		return circle.Service.Name, place, nil
	case strings.HasPrefix(path, "/submissions/{service}/{id}"):
		place, _ = who.ParseID(r.PathValue("id"))
		return r.PathValue("service"), place, nil
	case rt.Service != "":
		return rt.Service, 0, nil
	case rt.Access == service.Leaving || rt.Access == service.Operator:
		return "", 0, nil
	}
	ref, ok := refOf(rt.Pattern, r)
	if !ok && strings.HasPrefix(path, "/media/") {
		key, _ := blob.ParseKey(r.PathValue("key"))
		if key.Folder != blob.Posts || !shut {
			return folderOf(key.Folder), 0, nil
		}
		ref, ok, err = h.posts.OfKey(r.Context(), r.PathValue("key"))
	}
	if !ok || err != nil {
		return "", 0, err
	}
	// Who looks is left out: what has stopped is hidden, and still says where it stood.
	things, err := h.Registry.Things(r.Context(), who.Viewer{}, []who.Ref{ref})
	if err != nil {
		return "", 0, fmt.Errorf("find where something stands: %w", err)
	}
	return things[ref].Service, things[ref].Place, nil
}

// called gives the name of the place that ends, where the viewer may see it; "" otherwise.
func (h *House) called(ctx context.Context, e service.Ending) (string, error) {
	name, place := e.ParseScope()
	if place == 0 {
		return "", nil
	}
	ref := who.Ref{Kind: name, ID: place}
	things, err := h.Registry.Things(ctx, service.ViewerOf(ctx), []who.Ref{ref})
	if err != nil {
		return "", fmt.Errorf("name what ends: %w", err)
	}
	if t := things[ref]; t.See {
		return t.Title, nil
	}
	return "", nil
}

// over gives the ending that has stopped and for which a form was refused ([service.Offer]); nil for any other error.
func over(ctx context.Context, err error) *service.Ending {
	var e *exit.Error
	if !errors.As(err, &e) || e.Args["ending"] == nil {
		return nil
	}
	list, now := service.SessionOf(ctx).Endings, ui.ReaderFrom(ctx).Now
	i := slices.IndexFunc(list, func(x service.Ending) bool { return x.Name == e.Args["ending"] && !x.Allows(exit.AllowExport, now) })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// problem is what machines are told (RFC 9457).
type problem struct {
	Type      string `json:"type"` // the notice; "about:blank" for what nothing is written about
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	ID        string `json:"id,omitempty"`       // of the line in the log
	Stopped   string `json:"stopped,omitempty"`  // RFC 3339
	Farewell  string `json:"farewell,omitempty"` // the words that the circle's owners have left
	MovedTo   string `json:"moved_to,omitempty"` // and where they went
	Signed    string `json:"signed,omitempty"`   // by this install, to be verified: "moved to …"
	Successor string `json:"successor,omitempty"`
	Archives  string `json:"archives,omitempty"` // where they are fetched
}

// ended answers where something has stopped (410), or can be read signed in alone (403).
func (h *House) ended(w http.ResponseWriter, r *http.Request, e service.Ending, at where) error {
	ctx := r.Context()
	reader := ui.ReaderFrom(ctx)
	gone := !e.Allows(exit.AllowExport, reader.Now)
	if gone && at.known {
		if err := h.channels.Bid(w, r); exit.KindOf(err) != exit.NotFound {
			return err
		}
	}
	farewell, err := h.circles.FarewellIn(ctx, at.circle)
	if err != nil && exit.KindOf(err) != exit.NotFound {
		return err
	}
	if err == nil && circle.AsksStatement(r) {
		return h.circles.Answer(w, r)
	}
	x, err := h.sunsets.Named(ctx, e.Name)
	if err != nil {
		return err
	}
	day := func(t time.Time) string { return ui.Date(reader.Lang, t, e.Zone) }
	what := e.What(ctx, h.Registry.Services)
	view := ui.EndedView{
		Title: ui.T(ctx, "sunset_effects.only.title"), Sentence: ui.T(ctx, "sunset_effects.only", "What", what, "Date", day(e.Ceases(exit.AllowRead)), "Stop", day(e.Stop())),
		Notice: ui.Link{Text: ui.T(ctx, "sunset_effects.notice"), Href: service.NoticePath(e.Name)},
	}
	status := http.StatusForbidden
	if !gone {
		view.SignIn = &ui.Link{Text: ui.T(ctx, "ui.tab.signin"), Href: ui.SignInPath}
	} else {
		status, view.Title = http.StatusGone, ui.T(ctx, "sunset_effects.gone.title")
		view.Sentence = ui.T(ctx, "sunset_effects.gone", "What", what, "Date", day(e.Stop()))
		if s := x.Calendar.Successor; s != "" {
			view.Where = &ui.Link{Text: s, Href: s}
		}
	}
	if farewell.Circle != 0 {
		view.Farewell = circle.FarewellCard(farewell)
	}
	if !at.known {
		view.Maybe = ui.T(ctx, "sunset_effects.gone.maybe")
	}
	if reader.Now.Before(x.Calendar.Late) {
		view.Along = ui.T(ctx, "sunset_effects.archives.until", "Date", day(x.Calendar.Late.Add(-1))) // the last day on which it can be had
		view.Archives = &ui.Link{Text: ui.T(ctx, "sunset_effects.archives"), Href: "/exit/archives"}
	}
	if asksJSON(r) {
		p := problem{Type: ui.Absolute(ctx, view.Notice.Href), Title: view.Title, Status: status, Detail: view.Sentence, Successor: x.Calendar.Successor}
		p.Farewell, p.MovedTo, p.Signed = farewell.Words, farewell.Link, farewell.Signed
		if gone {
			p.Stopped = e.Stop().UTC().Format(time.RFC3339)
		}
		if view.Archives != nil {
			p.Archives = ui.Absolute(ctx, view.Archives.Href)
		}
		return p.show(w, r)
	}
	return ui.Render(w, r, status, ui.EndedPage(service.Frame(ctx, ""), view))
}

// show answers with a problem.
func (p problem) show(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", string(ui.LangOf(r.Context())))
	h.Add("Vary", "Accept")
	w.WriteHeader(p.Status)
	return json.NewEncoder(w).Encode(p)
}

// asksJSON reports whether a request would rather be answered in JSON than with a page.
func asksJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

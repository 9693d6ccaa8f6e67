package channel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"exeunt/exit"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// channelPageView is a channel's own page.
type channelPageView struct {
	Channel
	Own, First  bool
	Links       []Link
	Followers   int64
	Follow      *relation.FollowView
	Bell        *relation.BellView
	Menu        []ui.Action
	Mentions    map[string]ui.Mention
	Collections []Collection
	Tiles       []ui.VideoTileView
	Older       string
	Moved       *leftView // where its followers were told that it goes
	Parts       bool      // its owner may say where they go
}

func (r *Room) getChannel(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	c, err := r.Named(ctx, v, req.PathValue("name"))
	if err != nil {
		return err
	}
	moved, err := r.movedHere(ctx, c)
	if err != nil {
		return err
	}
	if moved != nil && asks(req, *moved) {
		return showSigned(w, *moved)
	}
	at := cursorOf(req)
	view := channelPageView{Channel: c, Own: c.Account == v.Account && !v.Guest(), First: at == Cursor{}}
	view.Parts = view.Own && (moved != nil || service.SessionOf(ctx).Here != nil)
	if moved != nil {
		said := leftOf(ctx, *moved)
		said.Text = Path(c.Handle) + "?" + asksStatement
		view.Moved = &said
	}
	if err := r.fillHead(ctx, v, &view); err != nil {
		return err
	}
	list, err := r.store.ofChannel(ctx, v.Account, c.Account, at, tilesAPage)
	if err != nil {
		return err
	}
	view.Tiles = tilesOf(v, list)
	if next := nextOf(list, tilesAPage); next != "" {
		view.Older = Path(c.Handle) + "?before=" + next
	}
	f := service.Frame(ctx, c.Name)
	f.Active, f.WriteHref, f.Description = Service.Path, "", c.Bio
	f.Back = &ui.Link{Text: "@" + c.Handle, Href: "/@" + c.Handle}
	f.NoIndex = !seesChannel(who.Viewer{}, c)
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, channelPage(view)))
}

// fillHead adds what stands above a channel's videos.
func (r *Room) fillHead(ctx context.Context, v who.Viewer, view *channelPageView) (err error) {
	c := view.Channel
	if _, view.Followers, err = r.Relations.Totals(ctx, c.Account); err != nil {
		return err
	}
	if !view.First {
		return nil
	}
	if view.Links, err = r.store.links(ctx, c.Account); err != nil {
		return err
	}
	if view.Collections, err = r.store.collections(ctx, c.Account, 0, collectionsAPage); err != nil {
		return err
	}
	view.Follow = relation.FollowButton(v, c.Account, c.Handle, c.Followed, Name)
	if view.Follow != nil {
		bells, err := r.Relations.Bells(ctx, v, []who.ID{c.Account})
		if err != nil {
			return err
		}
		view.Bell = relation.BellSwitch(v, c.Account, c.Handle, c.Followed, bells[c.Account])
		view.Follow.Back = Path(c.Handle)
		view.Menu = relation.Menu(ctx, v, c.Account, c.Handle)
	}
	return nil
}

// tilesOf draws those of the videos that the viewer may see.
func tilesOf(v who.Viewer, list []Video) (out []ui.VideoTileView) {
	for _, x := range list {
		if !sees(v, x) {
			continue
		}
		t := tile(x, VideoPath(x.ID))
		if x.Channel.Followed {
			t.Href = Watch(x.ID, fromFollow)
		}
		t.Owner, t.At = nil, x.At
		out = append(out, t)
	}
	return out
}

func (r *Room) getSettings(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	c, err := r.mine(ctx, service.ViewerOf(ctx))
	if exit.KindOf(err) == exit.NotFound {
		return service.Done(w, req, openPath, "")
	}
	if err != nil {
		return err
	}
	links, err := r.store.links(ctx, c.Account)
	if err != nil {
		return err
	}
	return r.showSettings(w, req, c, wordsNow(c, links), nil)
}

// wordsNow gives the words that a channel has.
func wordsNow(c Channel, links []Link) Words {
	return Words{Name: c.Name, Bio: c.Bio, Links: links, Downloads: c.Downloads, Category: c.Category, Explicit: c.Explicit}
}

// categories are the podcast categories to choose from.
func categories(ctx context.Context, chosen string) (out []ui.Option) {
	if chosen == "" {
		chosen = usualCategory
	}
	for _, name := range slices.Sorted(maps.Keys(podcastCategories)) {
		out = append(out, ui.Option{Value: name, Label: ui.T(ctx, categoryWords[name]), Selected: name == chosen})
	}
	return out
}

func (r *Room) showSettings(w http.ResponseWriter, req *http.Request, c Channel, typed Words, p problems) error {
	ctx := req.Context()
	view := wordsView{Words: typed, Action: settingsPath, Button: ui.T(ctx, "channel.save"), Problems: p}
	return page(w, req, p.status(), ui.T(ctx, "channel.settings"), toChannel(c), settingsPage(c, view))
}

func (r *Room) postSettings(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	typed := wordsOf(req)
	if err := r.Change(ctx, v, typed); err != nil {
		p, other := explain(ctx, err)
		if other != nil {
			return other
		}
		c, err := r.mine(ctx, v)
		if err != nil {
			return err
		}
		return r.showSettings(w, req, c, typed, p)
	}
	return service.Done(w, req, settingsPath, "channel.done.saved")
}

// mostForm bounds a form with pictures, in bytes; mostMemory is what of it is held in memory.
const (
	mostForm   = 2*mostPicture + 1<<20
	mostMemory = 1 << 20
)

// parts reads a form with files of at most so many bytes. What it gives is to be called when it has been read.
func parts(w http.ResponseWriter, req *http.Request, most int64) (func() error, error) {
	req.Body = http.MaxBytesReader(w, req.Body, most)
	if err := req.ParseMultipartForm(mostMemory); err != nil { //nolint:gosec // the line above bounds it
		return nil, &exit.Error{Kind: exit.Invalid, Key: "media.error.too_heavy", Args: map[string]any{"MB": mostPicture / 1_000_000}, Err: err}
	}
	return req.MultipartForm.RemoveAll, nil
}

// postPictures stores avatar and cover, or takes them away.
func (r *Room) postPictures(w http.ResponseWriter, req *http.Request) (err error) {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	done, err := parts(w, req, mostForm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	for _, which := range []Which{Cover, Avatar} {
		if err := r.takePicture(ctx, v, which, req.MultipartForm); err != nil {
			p, other := explain(ctx, err)
			if other != nil {
				return other
			}
			c, err := r.mine(ctx, v)
			if err != nil {
				return err
			}
			links, err := r.store.links(ctx, c.Account)
			if err != nil {
				return err
			}
			return r.showSettings(w, req, c, wordsNow(c, links), problems{string(which): p["file"] + p[""]})
		}
	}
	return service.Done(w, req, settingsPath, "channel.done.saved")
}

// takePicture stores one of the form's two pictures, if one was chosen, or takes it away if that was.
func (r *Room) takePicture(ctx context.Context, v who.Viewer, which Which, form *multipart.Form) (err error) {
	files := form.File[string(which)]
	if len(files) == 0 || files[0].Filename == "" {
		if len(form.Value[string(which)+"_remove"]) == 0 {
			return nil
		}
		return r.SetPicture(ctx, v, which, nil)
	}
	f, err := files[0].Open()
	if err != nil {
		return fmt.Errorf("open upload: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.SetPicture(ctx, v, which, f)
}

// limitsView is the page on which everybody reads the operator's limits.
type limitsView struct {
	Limits
	Longest   int64 // bytes
	Guest     bool
	Followers int64
}

func (r *Room) getLimits(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	view := limitsView{Guest: v.Guest()}
	var err error
	if view.Limits, err = r.Limits(ctx); err != nil {
		return err
	}
	if view.Longest, err = r.Uploads.Longest(ctx); err != nil {
		return err
	}
	if !view.Guest {
		if _, view.Followers, err = r.Relations.Totals(ctx, v.Account); err != nil {
			return err
		}
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "channel.limits"), &ui.Link{Text: ui.T(ctx, "channel.service"), Href: Service.Path}, limitsPage(view))
}

// listView is a list of videos with a head.
type listView struct {
	About       string
	Tiles       []ui.VideoTileView
	Older, None string
	Collection  *Collection // its owner looks: the form to change it
	Moves       []who.ID    // of a collection, its owner's: the videos of the tiles, which can change places
	After       int64       // the position below which this page of a collection begins
	Problems    problems
}

func (r *Room) getTopic(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, ok := who.ParseID(req.PathValue("topic"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	thing, err := r.Registry.Thing(ctx, v, who.Ref{Kind: "topic", ID: id})
	if err != nil {
		return err
	}
	if thing.Service != Name {
		return service.Done(w, req, thing.Link, "")
	}
	list, err := r.store.underTopic(ctx, v.Account, id, cursorOf(req), tilesAPage)
	if err != nil {
		return err
	}
	view := listView{None: ui.T(ctx, "channel.topic.none")}
	for _, x := range list {
		if sees(v, x) {
			t := tile(x, VideoPath(x.ID))
			t.At = x.At
			view.Tiles = append(view.Tiles, t)
		}
	}
	if next := nextOf(list, tilesAPage); next != "" {
		view.Older = thing.Link + "?before=" + next
	}
	f := service.Frame(ctx, thing.Title)
	f.Active, f.WriteHref, f.Back = Service.Path, "", &ui.Link{Text: ui.T(ctx, "channel.service"), Href: Service.Path}
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, listPage(view)))
}

// linkAt gives the i-th link of a form, an empty one where there is none.
func linkAt(list []Link, i int) Link {
	if i < len(list) {
		return list[i]
	}
	return Link{}
}

// labelOf gives what a link is called: its address where it has no name.
func labelOf(l Link) string {
	if l.Label != "" {
		return l.Label
	}
	_, rest, _ := strings.Cut(l.URL, "://")
	return strings.TrimSuffix(rest, "/")
}

// numberOr gives the words of a bound, or those for none.
func numberOr(n int64, words, none string) string {
	if n == 0 {
		return none
	}
	return words
}

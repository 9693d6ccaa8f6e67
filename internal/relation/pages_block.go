package relation

import (
	"context"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Where the lists of blocks and mutes stand.
const (
	BlocksPath = "/settings/blocks"
	MutesPath  = "/settings/mutes"
)

func (r *Room) listRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET /@{name}/block", Access: service.Member, Handle: r.getBlock},
		{Pattern: "POST /@{name}/block", Access: service.Member, Handle: r.postBlock},
		{Pattern: "GET " + BlocksPath, Access: service.Member, Handle: r.getBlocks},
		{Pattern: "POST " + BlocksPath + "/{account}/undo", Access: service.Member, Handle: r.postUnblock},
		{Pattern: "GET /mute/{kind}/{id}", Access: service.Member, Handle: r.getMute},
		{Pattern: "POST /mute/{kind}/{id}", Access: service.Member, Handle: r.postMute},
		{Pattern: "GET " + MutesPath, Access: service.Member, Handle: r.getMutes},
		{Pattern: "GET " + MutesPath + "/topics", Access: service.Member, Handle: r.getQuiets},
		{Pattern: "POST " + MutesPath + "/{kind}/{id}/undo", Access: service.Member, Handle: r.postUnmute},
	}
}

// Menu gives what the viewer may do about another account, for the menu of its page: mute, block, report. Nil for oneself,
// a guest, or an account that is leaving.
func Menu(ctx context.Context, v who.Viewer, account who.ID, name string) []ui.Action {
	if v.Guest() || account == 0 || v.Account == account || v.State != who.Active {
		return nil
	}
	return []ui.Action{
		MuteAction(ctx, who.Ref{Kind: kindAccount, ID: account}),
		{Label: ui.T(ctx, "relation.block"), Href: "/@" + name + "/block", Icon: "ban"},
		ReportAction(ctx, who.Ref{Kind: kindAccount, ID: account}),
	}
}

// MuteAction gives the entry of a menu that leads to muting an account, a circle, a topic, or what stands behind a post.
func MuteAction(ctx context.Context, ref who.Ref) ui.Action {
	label := ui.T(ctx, "relation.mute")
	if several(ref.Kind) {
		label = ui.T(ctx, "relation.less")
	}
	return ui.Action{Label: label, Href: "/mute/" + ref.Kind + "/" + ref.ID.String(), Icon: "eye-off"}
}

// UnmuteAction gives the entry of a menu that takes the mute of a circle or a topic back and stays on the page.
func UnmuteAction(ctx context.Context, ref who.Ref) ui.Action {
	back := ui.HiddenField{Name: "back", Value: service.SessionOf(ctx).Path}
	return ui.Action{Label: ui.T(ctx, "relation.unmute"), Href: Mute{Ref: ref}.undo(), Icon: "eye", Post: true, Hidden: []ui.HiddenField{back}}
}

// ReportAction gives the entry of a menu that leads to reporting a thing; the moderation room has the page.
func ReportAction(ctx context.Context, ref who.Ref) ui.Action {
	return ui.Action{Label: ui.T(ctx, "relation.report"), Href: "/report/" + ref.Kind + "/" + ref.ID.String(), Icon: "flag"}
}

// RemoveAction gives the entry of a menu that leads to taking somebody else's post or comment out of sight; the moderation room has the page.
func RemoveAction(ctx context.Context, ref who.Ref) ui.Action {
	return ui.Action{Label: ui.T(ctx, "relation.remove"), Href: "/moderation/remove/" + ref.Kind + "/" + ref.ID.String(), Icon: "gavel"}
}

// Posts and videos can be given to the page of mutes: it asks which of author, circle and topics is meant.
const (
	kindPost  = "post"
	kindVideo = "video"
)

func several(kind string) bool { return kind == kindPost || kind == kindVideo }

func (r *Room) getBlock(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	p, err := r.Named(ctx, service.ViewerOf(ctx), req.PathValue("name"))
	if err != nil {
		return err
	}
	if p.ID == service.ViewerOf(ctx).Account {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	f := service.Frame(ctx, ui.T(ctx, "relation.block.title", "Name", p.View().Name))
	f.Back, f.NoIndex, f.WriteHref = &ui.Link{Text: p.View().Name, Href: "/@" + p.Name}, true, ""
	return ui.Render(w, req, http.StatusOK, blockPage(f, p))
}

func (r *Room) postBlock(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, err := r.Named(ctx, v, req.PathValue("name"))
	if err != nil {
		return err
	}
	if err := r.Block(ctx, v, p.ID); err != nil {
		return err
	}
	return service.Done(w, req, BlocksPath, "relation.done.blocked")
}

// personRow is somebody in one of the account's own lists; a veiled account has no name there.
type personRow struct {
	person Person
	about  string
	undo   string // the form's target
}

func (p personRow) view() ui.PersonView {
	if p.person.Name == "" {
		return ui.PersonView{Left: true}
	}
	return p.person.View()
}

// ownList is the page of blocks or of mutes.
type ownList struct {
	about  string
	tabs   []ui.PageTab
	people []personRow
	things []thingRow
	empty  string
	undo   string // the button's word
	older  string
}

// thingRow is a circle or a topic that is muted.
type thingRow struct{ name, href, about, undo string }

func own(ctx context.Context, title string) ui.Frame {
	f := service.Frame(ctx, title)
	f.Active, f.Back, f.NoIndex, f.WriteHref = ui.MePath, &ui.Link{Text: ui.T(ctx, "relation.settings"), Href: "/settings"}, true, ""
	return f
}

func (r *Room) getBlocks(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.Blocks(ctx, service.ViewerOf(ctx), before, pageSize)
	if err != nil {
		return err
	}
	view := ownList{about: ui.T(ctx, "relation.blocks.about"), empty: ui.T(ctx, "relation.blocks.none"), undo: ui.T(ctx, "relation.unblock")}
	for _, p := range list {
		view.people = append(view.people, personRow{p, ui.T(ctx, "relation.since", "Date", ui.DateIn(ctx, p.Since)), BlocksPath + "/" + p.ID.String() + "/undo"})
	}
	if len(list) == pageSize {
		view.older = BlocksPath + "?before=" + list[len(list)-1].Row.String()
	}
	return ui.Render(w, req, http.StatusOK, ownPage(own(ctx, ui.T(ctx, "relation.blocks")), view))
}

func (r *Room) postUnblock(w http.ResponseWriter, req *http.Request) error {
	id, ok := who.ParseID(req.PathValue("account"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	if err := r.Unblock(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, BlocksPath, "relation.done.unblocked")
}

// muteView is the form that asks what is to be muted and for how long.
type muteView struct {
	action string
	back   string
	what   *ui.RadioCards // nil: it is clear
	term   ui.RadioCards
}

var (
	termWords  = ui.Keys("relation.term.", "day", "week", "month", "good", "less")
	termHints  = ui.Keys("relation.term.hint.", "good", "less")
	whatWords  = ui.Keys("relation.what.", "account", "circle", "topic")
	muteTitles = ui.Keys("relation.mute.title.", "account", "circle", "topic", "post", "video")
)

// target is what may be muted from a page, with its name.
type target struct {
	ref  who.Ref
	name string
}

// targets gives what a page of mutes is about: the thing itself, or the author of a post or a video, its circle and its topics.
func (r *Room) targets(ctx context.Context, v who.Viewer, req *http.Request) (who.Ref, []target, error) {
	id, ok := who.ParseID(req.PathValue("id"))
	ref := who.Ref{Kind: req.PathValue("kind"), ID: id}
	none := exit.Fail(exit.NotFound, "error.not_found")
	if _, known := muteTitles[ref.Kind]; !ok || !known {
		return ref, nil, none
	}
	if ref.Kind == kindAccount {
		p, err := r.store.person(ctx, v.Account, id)
		if p.ID == v.Account {
			err = none
		}
		return ref, []target{{ref, p.View().Name}}, err
	}
	t, err := r.Registry.Thing(ctx, v, ref)
	if err != nil || !several(ref.Kind) {
		return ref, []target{{ref, t.Title}}, err
	}
	var out []target
	if t.Owner != 0 && t.Owner != v.Account {
		p, err := r.store.person(ctx, v.Account, t.Owner)
		if err != nil && exit.KindOf(err) != exit.NotFound {
			return ref, nil, err
		}
		if err == nil {
			out = append(out, target{who.Ref{Kind: kindAccount, ID: t.Owner}, p.View().Name})
		}
	}
	if t.Service == kindCircle {
		place := who.Ref{Kind: kindCircle, ID: t.Place}
		c, err := r.Registry.Thing(ctx, v, place)
		if err != nil {
			return ref, nil, err
		}
		out = append(out, target{place, c.Title})
	}
	topics, err := r.topics(ctx, v, ref)
	if err != nil {
		return ref, nil, err
	}
	if out = append(out, topics...); len(out) == 0 {
		return ref, nil, none
	}
	return ref, out, nil
}

// mostTopics bounds the topics of a post or a video that a page of mutes offers.
const mostTopics = 10

// topics gives the topics of a post or a video that the viewer may mute.
func (r *Room) topics(ctx context.Context, v who.Viewer, of who.Ref) ([]target, error) {
	ids, err := r.store.topicsOf(ctx, of, mostTopics)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	refs := make([]who.Ref, len(ids))
	for i, id := range ids {
		refs[i] = who.Ref{Kind: kindTopic, ID: id}
	}
	things, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return nil, err
	}
	var out []target
	for _, ref := range refs {
		if t := things[ref]; t.See {
			out = append(out, target{ref, t.Title})
		}
	}
	return out, nil
}

func (r *Room) getMute(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	ref, list, err := r.targets(ctx, service.ViewerOf(ctx), req)
	if err != nil {
		return err
	}
	view := muteView{action: "/mute/" + ref.Kind + "/" + ref.ID.String(), back: ui.LocalPath(req.URL.Query().Get("back"))}
	chosen := Month
	if several(ref.Kind) {
		chosen = LessOf
		view.what = &ui.RadioCards{Name: "what", Legend: ui.T(ctx, "relation.what")}
		for i, t := range list {
			view.what.Options = append(view.what.Options, ui.Option{Value: t.ref.String(), Label: ui.T(ctx, whatWords[t.ref.Kind], "Name", t.name), Selected: i == 0})
		}
	}
	view.term = ui.RadioCards{Name: "term", Legend: ui.T(ctx, "relation.term")}
	for _, t := range terms {
		o := ui.Option{Value: string(t), Label: ui.T(ctx, termWords[string(t)]), Selected: t == chosen}
		if key, ok := termHints[string(t)]; ok {
			o.Hint = ui.T(ctx, key)
		}
		view.term.Options = append(view.term.Options, o)
	}
	f := service.Frame(ctx, ui.T(ctx, muteTitles[ref.Kind], "Name", list[0].name))
	f.NoIndex, f.WriteHref, f.Back = true, "", &ui.Link{Text: ui.T(ctx, "relation.back"), Href: view.back}
	return ui.Render(w, req, http.StatusOK, mutePage(f, view))
}

func (r *Room) postMute(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	_, list, err := r.targets(ctx, v, req)
	if err != nil {
		return err
	}
	chosen := list[0].ref
	for _, t := range list {
		if t.ref.String() == req.PostFormValue("what") {
			chosen = t.ref
		}
	}
	if err := r.Mute(ctx, v, chosen, Term(req.PostFormValue("term"))); err != nil {
		return err
	}
	to := MutesPath
	if chosen.Kind != kindAccount {
		to += "/topics"
	}
	return service.Done(w, req, to, "relation.done.muted")
}

func muteTabs(ctx context.Context, people bool) []ui.PageTab {
	return []ui.PageTab{
		{Label: ui.T(ctx, "relation.mutes.people"), Href: MutesPath, Count: -1, Active: people},
		{Label: ui.T(ctx, "relation.mutes.things"), Href: MutesPath + "/topics", Count: -1, Active: !people},
	}
}

// tell says for how long something is muted.
func (m Mute) tell(ctx context.Context) string {
	switch {
	case m.Less:
		return ui.T(ctx, "relation.muted.less")
	case m.Until.IsZero():
		return ui.T(ctx, "relation.muted.good")
	}
	return ui.T(ctx, "relation.muted.until", "Date", ui.DateTimeIn(ctx, m.Until))
}

func (m Mute) undo() string { return MutesPath + "/" + m.Ref.Kind + "/" + m.Ref.ID.String() + "/undo" }

func (r *Room) getMutes(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.Mutes(ctx, service.ViewerOf(ctx), before, pageSize)
	if err != nil {
		return err
	}
	view := ownList{about: ui.T(ctx, "relation.mutes.about"), empty: ui.T(ctx, "relation.mutes.none"), undo: ui.T(ctx, "relation.unmute"), tabs: muteTabs(ctx, true)}
	for _, m := range list {
		view.people = append(view.people, personRow{m.Person, m.Mute.tell(ctx), m.Mute.undo()})
	}
	if len(list) == pageSize {
		view.older = MutesPath + "?before=" + list[len(list)-1].Row.String()
	}
	return ui.Render(w, req, http.StatusOK, ownPage(own(ctx, ui.T(ctx, "relation.mutes")), view))
}

func (r *Room) getQuiets(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.Quiets(ctx, v, before, pageSize)
	if err != nil {
		return err
	}
	refs := make([]who.Ref, len(list))
	for i, m := range list {
		refs[i] = m.Ref
	}
	things, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return err
	}
	view := ownList{about: ui.T(ctx, "relation.mutes.about"), empty: ui.T(ctx, "relation.mutes.none_things"), undo: ui.T(ctx, "relation.unmute"), tabs: muteTabs(ctx, false)}
	for _, m := range list {
		row := thingRow{name: things[m.Ref].Title, href: things[m.Ref].Link, about: m.tell(ctx), undo: m.undo()}
		if row.name == "" {
			row.name, row.href = ui.T(ctx, "relation.nameless"), ""
		}
		view.things = append(view.things, row)
	}
	if len(list) == pageSize {
		view.older = MutesPath + "/topics?before=" + list[len(list)-1].Row.String()
	}
	return ui.Render(w, req, http.StatusOK, ownPage(own(ctx, ui.T(ctx, "relation.mutes")), view))
}

func (r *Room) postUnmute(w http.ResponseWriter, req *http.Request) error {
	id, ok := who.ParseID(req.PathValue("id"))
	ref := who.Ref{Kind: req.PathValue("kind"), ID: id}
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	if err := r.Unmute(req.Context(), service.ViewerOf(req.Context()), ref); err != nil {
		return err
	}
	to := MutesPath
	if ref.Kind != kindAccount {
		to += "/topics"
	}
	if back := req.PostFormValue("back"); back != "" {
		to = back
	}
	return service.Done(w, req, to, "relation.done.unmuted")
}

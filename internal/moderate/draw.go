package moderate

import (
	"context"
	"slices"
	"time"

	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// drawer draws acts with the things, people and places that they name, each asked for once a page.
type drawer struct {
	viewer who.Viewer
	now    time.Time
	people map[who.ID]person
	veils  map[who.ID][]string // where those of them are veiled who are
	things map[who.Ref]service.Thing
	places map[Place]*ui.Link
	where  Place // whose page it is: acts of another place name it
}

// drawer reads what the acts and sanctions of a page name.
func (r *Room) drawer(ctx context.Context, v who.Viewer, acts []Act, holds []Sanction) (drawer, error) {
	d := drawer{viewer: v, places: map[Place]*ui.Link{}}
	var err error
	if d.now, err = r.DB.Now(ctx); err != nil {
		return d, err
	}
	var refs, circles []who.Ref
	var ids []who.ID
	for _, a := range acts {
		if a.Ref.ID != 0 && a.Ref.Kind != kindAccount && a.Ref.Kind != "" {
			refs = append(refs, a.Ref)
		}
		ids = append(ids, a.About, a.By)
		circles = appendPlace(circles, a.Place)
	}
	for _, x := range holds {
		ids = append(ids, x.Account)
		circles = appendPlace(circles, x.Place)
	}
	if d.people, err = r.peopleOf(ctx, ids); err != nil {
		return d, err
	}
	if d.veils, err = r.store.veils(ctx, ids); err != nil {
		return d, err
	}
	if d.things, err = r.Registry.Things(ctx, v, append(refs, circles...)); err != nil {
		return d, err
	}
	for _, ref := range circles {
		if t, ok := d.things[ref]; ok && t.Title != "" {
			d.places[Place{ref.Kind, ref.ID}] = &ui.Link{Text: t.Title, Href: t.Link}
		}
	}
	return d, nil
}

func appendPlace(list []who.Ref, p Place) []who.Ref {
	if p.ID == 0 {
		return list
	}
	return append(list, who.Ref{Kind: p.Service, ID: p.ID})
}

// peopleOf names accounts, veiled ones too: what shows them asks [drawer.hidden].
func (r *Room) peopleOf(ctx context.Context, ids []who.ID) (map[who.ID]person, error) {
	var known []who.ID
	for _, id := range ids {
		if id != 0 {
			known = append(known, id)
		}
	}
	if len(known) == 0 {
		return map[who.ID]person{}, nil
	}
	list, args := service.In(1, known)
	return r.store.people(ctx, `a.id in (`+list+`)`, args...)
}

// hidden reports whether an account is hidden from everybody else where something of it stands.
func (d drawer) hidden(id who.ID, p Place) bool {
	return id != d.viewer.Account && slices.ContainsFunc(d.veils[id], func(scope string) bool {
		return scope == "" || p.Service != "" && (scope == p.Service || scope == p.ref())
	})
}

// view gives the person as pages draw it, who is hidden as somebody without a name; nil for nobody.
func (d drawer) view(ctx context.Context, id who.ID, p Place) *ui.PersonView {
	if id == 0 {
		return nil
	}
	v := d.people[id].view()
	if d.hidden(id, p) {
		v = ui.PersonView{Name: ui.T(ctx, "moderate.person.veiled")}
	}
	return &v
}

func (p person) view() ui.PersonView {
	if p.id == 0 {
		return ui.PersonView{Left: true}
	}
	v := ui.PersonView{Name: p.display, Handle: p.name, Href: "/@" + p.name, Avatar: service.MediaPath(p.avatar)}
	if v.Name == "" {
		v.Name = p.name
	}
	return v
}

// draw draws one act.
func (d drawer) draw(ctx context.Context, a Act) deedView {
	v := deedView{
		id: a.ID.String(), at: a.At, kind: ui.T(ctx, actWords[a.Kind]), about: d.view(ctx, a.About, a.Place), by: d.view(ctx, a.By, a.Place), rule: ruleWord(ctx, a.Rule), words: a.Words,
		undone: a.State == undone, href: "/moderation/acts/" + a.ID.String(),
	}
	if a.Kind == RenameTopic {
		v.words = a.Detail
	}
	if a.Kind == Remove && a.Detail == byHost {
		v.words = ui.T(ctx, "moderate.removed.host")
	}
	if a.Place != d.where {
		v.place = d.places[a.Place]
	}
	if a.Ref.Kind != kindAccount && a.Ref.Kind != "" {
		v.what = whatOf(ctx, a.Ref, d.things[a.Ref])
	}
	if _, holds := holdWords[a.Kind]; holds {
		v.until = untilWord(ctx, a.Until)
	}
	if undoable(a, d.now) && a.About != d.viewer.Account {
		v.undo = v.href + "/undo"
	}
	return v
}

// author gives the viewer that a thing's author is: who decides about a thing reads what its author reads.
func author(about who.ID) who.Viewer { return who.Viewer{Account: about, State: who.Active} }

// ago writes a number of reports and their reasons.
func tallied(ctx context.Context, counts map[string]int) (total int, words []string) {
	for _, reason := range reasons {
		if n := counts[reason]; n > 0 {
			total += n
			words = append(words, ui.T(ctx, "moderate.tally", "Reason", ui.T(ctx, reasonWords[reason]), "Count", n))
		}
	}
	return total, words
}

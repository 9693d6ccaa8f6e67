// Package service says what it is to be a service: its entrance, its things, what it still
// allows, and the fence that every write passes. Rooms show things of one another through a
// Ref and the registry kept here; they never import one another.
package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Service is a part of the platform that an account uses.
type Service struct {
	Name  string // its folder's name: "page", "circle"; the same in policies and --service
	Path  string // where its entrance leads
	Icon  string // the icon's name in package ui
	Title string // the key of its name; the sentence about it is the key with ".about" added
}

// Thing is what a room tells others of something of its own.
type Thing struct {
	Ref     who.Ref
	Owner   who.ID // the account it belongs to, 0 for a member who left
	Service string
	Place   who.ID // the circle it stands in, or the owner of the page
	Title   string
	Excerpt string // at most 120 characters
	Words   string // all that a circle's filter is to see of it where it is shared; "": it sees nothing
	Link    string
	Picture string        // the blob key of a picture of it, for cards; "" if there is none
	Length  time.Duration // of what is played; 0: not known
	See     bool          // the viewer may see it
	Talk    bool          // the viewer may comment on it and like it
	Preview bool          // the viewer sees it from outside, and not what is said about it
}

// Keeper is a room that answers for a kind of thing.
type Keeper interface {
	// Things gives those of the ids that exist, with what the viewer may do, in one query.
	Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]Thing, error)
}

// Kind is a kind of thing that others can refer to. Table has the columns likes and comments
// if Counted.
type Kind struct {
	Name    string
	Table   string
	Counted bool
	// Hot is an SQL expression over a row of Table that its column hot follows, kept up by whoever changes the
	// counts; "": it has no such column.
	Hot    string
	Keeper Keeper
	// Played things take time to watch: comments can stand at a moment of them, their owner can pin one, and likes can be
	// private. Their Table has the columns of Counted.
	Played bool
	// Withhold takes things out of everybody's sight but their author's and the moderators', or lets
	// them be seen again; it deletes nothing. Nil: not of this kind.
	Withhold func(ctx context.Context, p Pass, ids []who.ID, on bool) error
}

// Registry knows the services, the kinds of things and the holders. It is filled at start and
// then only read.
type Registry struct {
	Services []Service
	Kinds    []Kind
	Holders  []exit.Holder
	// Moderates reports whether the viewer answers for what stands in a place of a service: who moderates a
	// circle there, the operator everywhere. The service's room gives it; nil: the operator alone.
	Moderates func(ctx context.Context, v who.Viewer, service string, place who.ID) (bool, error)
}

// Service gives a service by its name.
func (r *Registry) Service(name string) (Service, bool) {
	i := slices.IndexFunc(r.Services, func(s Service) bool { return s.Name == name })
	if i < 0 {
		return Service{}, false
	}
	return r.Services[i], true
}

func (r *Registry) has(name string) bool {
	_, ok := r.Service(name)
	return ok
}

// Kind gives a kind by its name.
func (r *Registry) Kind(name string) (Kind, bool) {
	i := slices.IndexFunc(r.Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return r.Kinds[i], true
}

// Things gives what is known of the refs, asking each room once. What does not exist is not in
// the map; what the viewer may not see has See false and no words.
func (r *Registry) Things(ctx context.Context, v who.Viewer, refs []who.Ref) (map[who.Ref]Thing, error) {
	out := make(map[who.Ref]Thing, len(refs))
	for _, k := range r.Kinds {
		var ids []who.ID
		for _, ref := range refs {
			if ref.Kind == k.Name {
				ids = append(ids, ref.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		things, err := k.Keeper.Things(ctx, v, ids)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", k.Name, err)
		}
		for _, t := range things {
			if t.See = t.See && Reads(ctx, v, t.Service, t.Place); !t.See {
				t.Title, t.Excerpt, t.Picture = "", "", ""
			}
			out[t.Ref] = t
		}
	}
	return out, nil
}

// Thing gives one thing; NotFound if it does not exist or the viewer may not see it.
func (r *Registry) Thing(ctx context.Context, v who.Viewer, ref who.Ref) (Thing, error) {
	things, err := r.Things(ctx, v, []who.Ref{ref})
	if err != nil {
		return Thing{}, err
	}
	t, ok := things[ref]
	if !ok || !t.See {
		return Thing{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	return t, nil
}

// Desk keeps the service room's own tables: standings, reasons, entrances, what services allow.
type Desk struct {
	db       *db.DB
	registry *Registry
	endings  endings
}

// NewDesk gives the service room.
func NewDesk(d *db.DB, r *Registry) *Desk { return &Desk{db: d, registry: r} }

// Open gives an SQL condition: what a row stands in has not stopped. Both are SQL expressions ("p.service", "p.place_id"). It asks a list that is nearly
// always empty, once a statement.
func Open(service, place string) string {
	return service + ` not in (select scope from shut) and ` + service + ` || ':' || coalesce(` + place + `, 0) not in (select scope from shut)`
}

// Visible gives an SQL condition: the account is not veiled in the scope of a row, and the scope has not stopped. The columns
// name the row's account, service and place ("p.author_id", "p.service", "p.place_id").
func Visible(account, service, place string) string {
	return `not exists (select 1 from reasons z where z.account_id = ` + account + ` and z.what = 'veil' and (z.scope = '' or z.scope = ` +
		service + ` or z.scope = ` + service + ` || ':' || ` + place + `)) and ` + Open(service, place)
}

// Unblocked gives an SQL condition: neither of two accounts has blocked the other. Both are SQL
// expressions ("$1", "p.author_id").
func Unblocked(viewer, account string) string {
	return `not exists (select 1 from blocks z where z.account_id = ` + viewer + ` and z.blocked_id = ` + account +
		` or z.account_id = ` + account + ` and z.blocked_id = ` + viewer + `)`
}

// TopicShown gives an SQL condition: the viewer sees a post under a topic of own pages. A topic that only the veiled or blocked wrote of would
// tell of them. Both are SQL expressions ("$1", "t.id").
func TopicShown(viewer, topic string) string {
	return `exists (select 1 from post_topics y join posts p on p.id = y.post_id where y.topic_id = ` + topic + ` and p.state = 'live' and (p.author_id = ` + viewer +
		` or ` + Visible("p.author_id", "p.service", "p.place_id") + ` and ` + Unblocked(viewer, "p.author_id") + `))`
}

// VisibleAccount gives an SQL condition: the account as a whole is not veiled.
func VisibleAccount(account string) string {
	return `not exists (select 1 from reasons z where z.account_id = ` + account + ` and z.what = 'veil' and z.scope = '')`
}

// scope gives the text form of a narrowing: "", "circle", "circle:7".
func scope(service string, place who.ID) string {
	if place == 0 {
		return service
	}
	return service + ":" + place.String()
}

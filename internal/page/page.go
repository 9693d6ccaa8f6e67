// Package page is the room of everyone's own page (个人主页), of Home, where one reads what one's
// circles and those one follows wrote, and of Discover.
//
// It keeps no data of anybody: profiles and settings belong to account (whether home is ranked is a column of its
// settings), posts to post, follows to relation, entrances to service. So it has no holder; closing or exporting "page"
// narrows the classes of post and talk.
package page

import (
	"context"
	"errors"
	"slices"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// Service is what the registry keeps of the service.
var Service = service.Service{Name: post.Page, Path: ui.HomePath, Icon: "house", Title: "page.service"}

// Config is what the room is made with. Circles, Channel, HideForm, Announcements and Lend are given by rooms that stand
// above this one or beside it; a nil one leaves its place empty.
type Config struct {
	DB        *db.DB
	Desk      *service.Desk
	Accounts  *account.Room
	Relations *relation.Room
	Posts     *post.Room
	Registry  *service.Registry // of circles and topics; nil: none are suggested, fed or drawn
	Blobs     *blob.Store       // of the pictures on posters; nil: they have none
	// Circles gives a few circles that the viewer could join.
	Circles func(ctx context.Context, v who.Viewer, limit int) ([]ui.CircleView, error)
	// Channel leads to an account's channel, by its name; nil if the viewer sees none.
	Channel func(ctx context.Context, v who.Viewer, account who.ID) (*ui.Link, error)
	// HideForm gives the form of one button that hides a service's entrance.
	HideForm func(ctx context.Context, service string) templ.Component
	// Announcements gives what the operator says to everybody now.
	Announcements func(ctx context.Context) ([]ui.Notice, error)
	// Lend gives the button by which a visitor of a trial install is lent an account.
	Lend func(ctx context.Context) templ.Component
}

// Room is the page room. It is safe for concurrent use.
type Room struct {
	Config
	store   store
	posters posters
}

// New gives the page room.
func New(c Config) *Room {
	return &Room{Config: c, store: store{c.DB}, posters: newPosters()}
}

// Path gives the address of an account's own page.
func Path(name string) string { return "/@" + name }

// Person is somebody's own page: who it is, and what the viewer is to them.
type Person struct {
	relation.Person
	account.Profile
	Own       bool
	Open      bool // not veiled: others see it
	Followed  bool
	Following int64
	Followers int64
	Lists     bool // the viewer may see whom they follow and who follows them
}

// Shown gives the name that pages show.
func (p Person) Shown() string {
	if p.Profile.Display != "" {
		return p.Profile.Display
	}
	return p.Name
}

// Person gives the page of a name. NotFound, with the same words, for somebody who is not there,
// who has left, or whom the viewer does not see now.
func (r *Room) Person(ctx context.Context, v who.Viewer, name string) (Person, error) {
	var p Person
	var err error
	if p.Person, err = r.Relations.Named(ctx, v, name); err != nil {
		if exit.KindOf(err) == exit.NotFound {
			err = errNobody()
		}
		return p, err
	}
	p.Own = !v.Guest() && p.ID == v.Account
	// Who closed their page alone is veiled here, and nowhere else.
	if p.Open, err = r.store.open(ctx, p.ID); err != nil {
		return p, err
	}
	if !p.Own && !p.Open {
		return p, errNobody()
	}
	if p.Profile, err = r.Accounts.Profile(ctx, p.ID); err != nil {
		return p, err
	}
	if p.Following, p.Followers, err = r.Relations.Totals(ctx, p.ID); err != nil {
		return p, err
	}
	return p, r.standing(ctx, v, &p)
}

// standing fills in what the viewer is to a person.
func (r *Room) standing(ctx context.Context, v who.Viewer, p *Person) error {
	follows, err := r.Relations.Follows(ctx, v, []who.ID{p.ID})
	if err != nil {
		return err
	}
	p.Followed = follows[p.ID]
	err = r.Relations.MayList(ctx, v, p.ID)
	var refused *exit.Error
	if errors.As(err, &refused) && refused.Kind == exit.Forbidden {
		return nil
	}
	p.Lists = err == nil
	return err
}

func errNobody() error { return exit.Fail(exit.NotFound, "page.error.nobody") }

// Suggest gives a few people whom the viewer does not follow: first those who wrote on their pages
// lately, then those who came last.
func (r *Room) Suggest(ctx context.Context, v who.Viewer, limit int) ([]relation.Person, error) {
	list, err := r.store.writing(ctx, v.Account, limit)
	if err != nil || len(list) == limit {
		return list, err
	}
	newest, err := r.store.newest(ctx, v.Account, limit)
	for _, p := range newest {
		if len(list) < limit && !slices.ContainsFunc(list, func(x relation.Person) bool { return x.ID == p.ID }) {
			list = append(list, p)
		}
	}
	return list, err
}

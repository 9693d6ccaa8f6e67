// Package relation is the room of who follows whom, and of whom people do not want to meet: blocks,
// which hold both ways, and mutes, which are one's own.
package relation

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// SeenBy says who sees an account's lists: whom it follows, who follows it, what it liked.
type SeenBy string

// The answers. An account that never chose is seen by itself only.
const (
	ByMe        SeenBy = "only-me"
	ByFollowers SeenBy = "followers"
	ByEveryone  SeenBy = "everyone"
)

// Config is what the room is made with.
type Config struct {
	DB   *db.DB
	Desk *service.Desk
	// Notices takes what others are told of. Nil: nobody is.
	Notices  *notify.Room
	Registry *service.Registry // of the circles and topics that are muted
	// NameKey gives the key under which an account's name is unique; the account room, which
	// stands above this one, has it.
	NameKey func(name string) string
	// Host is the install's own host in addresses name@host; "" leaves the host out.
	Host string
}

// Room is the relation room. It is safe for concurrent use once Limit is set, which is done at start.
type Room struct {
	Config
	// Limit counts that an account does something ("follow"), in its transaction, and is TooMany beyond what it may. Nil: no limit.
	Limit func(ctx context.Context, account who.ID, what string) error
	store store
}

// New gives the relation room.
func New(c Config) *Room { return &Room{Config: c, store: store{c.DB}} }

// Person is an account in a list of follows.
type Person struct {
	Row     who.ID // of the follow: the key by which its list is paged
	ID      who.ID
	Name    string // that addresses it
	Display string // "" where none was chosen
	Avatar  string // blob key
	Bio     string
	Since   time.Time // UTC
}

// View gives the person as pages draw it.
func (p Person) View() ui.PersonView {
	v := ui.PersonView{Name: p.Display, Handle: p.Name, Href: "/@" + p.Name, Avatar: service.MediaPath(p.Avatar), Bio: p.Bio}
	if v.Name == "" {
		v.Name = p.Name
	}
	return v
}

// Follow has the viewer follow an account. It is no error if it does already. NotFound for an
// account that is not there, veiled or blocked, Invalid for oneself, Unavailable while either is frozen.
func (r *Room) Follow(ctx context.Context, v who.Viewer, account who.ID) error {
	return r.FollowIn(ctx, v, account, "")
}

// FollowIn is Follow from a page of a service, by its name: Forbidden, too, where that is not written in any more. It is the account that is followed, with all it has.
func (r *Room) FollowIn(ctx context.Context, v who.Viewer, account who.ID, in string) error {
	if v.Account == account {
		return exit.Fail(exit.Invalid, "relation.error.self")
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		if _, err := r.store.person(ctx, v.Account, account); err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{account}, Service: in})
		if err != nil {
			return err
		}
		if r.Limit != nil {
			if err := r.Limit(ctx, v.Account, "follow"); err != nil {
				return err
			}
		}
		// Asked again behind the fence: a block that came meanwhile is committed by now.
		if _, err := r.store.person(ctx, v.Account, account); err != nil {
			return err
		}
		if err := r.store.add(ctx, pass, r.DB.IDs.Next(), v.Account, account); err != nil || r.Notices == nil {
			return err
		}
		return r.Notices.Add(ctx, pass, followed(v.Account, account))
	})
}

// followed is what an account is told of a new follower.
func followed(by, account who.ID) notify.Notice {
	return notify.Notice{To: account, Kind: notify.Follow, By: by, On: who.Ref{Kind: "account", ID: account}}
}

// Unfollow ends it. It is no error if the viewer does not follow the account.
func (r *Room) Unfollow(ctx context.Context, v who.Viewer, account who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		if err := r.store.remove(ctx, pass, v.Account, account); err != nil || r.Notices == nil {
			return err
		}
		return r.Notices.Take(ctx, pass, followed(v.Account, account))
	})
}

// Follows gives those of the accounts that the viewer follows.
func (r *Room) Follows(ctx context.Context, v who.Viewer, accounts []who.ID) (map[who.ID]bool, error) {
	return r.store.follows(ctx, v.Account, accounts)
}

// Totals gives how many an account follows and how many follow it. Who sees the lists is
// another matter: see [Room.MayList].
func (r *Room) Totals(ctx context.Context, account who.ID) (following, followers int64, err error) {
	return r.store.totals(ctx, account)
}

// Side is one of the two lists.
type Side string

// The two lists.
const (
	Following Side = "following" // whom the account follows
	Followers Side = "followers" // who follows it
)

// List gives at most limit people of a list, newest follow first, from below the row id before (0: from
// the top). Veiled and blocked accounts are left out. Forbidden if the viewer may not see the account's lists.
func (r *Room) List(ctx context.Context, v who.Viewer, account who.ID, side Side, before who.ID, limit int) ([]Person, error) {
	if err := r.MayList(ctx, v, account); err != nil {
		return nil, err
	}
	return r.store.list(ctx, v.Account, account, side, before, limit)
}

// Named gives the account of a name. NotFound if there is none, or it is veiled or blocked from the viewer.
func (r *Room) Named(ctx context.Context, v who.Viewer, name string) (Person, error) {
	p, err := r.store.named(ctx, r.NameKey(name))
	if err != nil || p.ID == v.Account {
		return p, err
	}
	return r.store.person(ctx, v.Account, p.ID)
}

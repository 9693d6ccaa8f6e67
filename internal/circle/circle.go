// Package circle is the room of circles (圈子): making, joining and leaving them, their members,
// invitations, and how an owner hands a circle on or ends it. Posts in a circle belong to the
// room post; this one says who may see and write them.
package circle

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Name is the service's name, in policies, scopes and refs.
const Name = "circle"

// Service is what the registry keeps of the service.
var Service = service.Service{Name: Name, Path: "/circles", Icon: "users-round", Title: "circle.service"}

// JoinMode says how one becomes a member.
type JoinMode string

// The ways to join. An invitation link opens a circle of any mode.
const (
	Open       JoinMode = "open"       // whoever wants
	Approval   JoinMode = "approval"   // owner or a moderator says yes
	Invitation JoinMode = "invitation" // by link only; in no list
)

func (m JoinMode) valid() bool { return m == Open || m == Approval || m == Invitation }

// State is the state of a circle.
type State string

// The states. In an ended circle members go on reading and nobody writes.
const (
	Living State = "open"
	Ended  State = "ended"
)

// Role is what a member may do.
type Role string

// The roles. A circle has one owner; it has none when the owner has left and it has ended.
const (
	Owner     Role = "owner"
	Moderator Role = "moderator"
	Member    Role = "member"
)

// Joined is the state of a membership.
type Joined string

// The states of a membership.
const (
	Active Joined = "active"
	Asked  Joined = "asked" // waits for a yes
)

// Bounds of what one account and one circle can have.
const (
	mostOwned      = 100
	mostJoined     = 500 // asked ones too
	mostModerators = 30
	mostInvites    = 50
	mostName       = 40  // characters
	mostIntro      = 500 // characters
)

// inviteLife is how long an invitation link works, by the machine clock; inviteUses is how many
// people it lets in.
const (
	inviteLife = 7 * 24 * time.Hour
	inviteUses = 50
)

// Circle is a circle. Name and Intro are "" once an owner has left it without an heir: words go
// with whose they are.
type Circle struct {
	ID      who.ID
	Name    string
	Intro   string
	Mode    JoinMode
	State   State
	Members int64
	Created time.Time // UTC
	Owner   who.ID    // 0 if there is none any more
	Veiled  bool      // its owner is veiled here: only members see it
	Paused  bool      // its owner is leaving: nobody joins
}

// Ref gives the circle's ref.
func (c Circle) Ref() who.Ref { return who.Ref{Kind: Name, ID: c.ID} }

// Path gives the address of a circle's page.
func Path(id who.ID) string { return "/circles/" + id.String() }

// Membership is an account's place in a circle. The zero one is that of a stranger.
type Membership struct {
	Row   who.ID
	Role  Role
	State Joined
	Since time.Time // UTC
}

// Draft is what an owner writes of a circle.
type Draft struct {
	Name  string
	Intro string
	Mode  JoinMode
}

// Clean trims a draft and refuses, with Invalid, what is too short, too long or unknown.
func (d Draft) Clean() (Draft, error) {
	d.Name = strings.Join(strings.Fields(d.Name), " ")
	d.Intro = strings.TrimSpace(strings.ReplaceAll(d.Intro, "\r\n", "\n"))
	switch {
	case d.Name == "":
		return d, exit.Fail(exit.Invalid, "circle.error.name_empty")
	case utf8.RuneCountInString(d.Name) > mostName || !printable(d.Name, ""):
		return d, exit.Fail(exit.Invalid, "circle.error.name_long", "Count", mostName)
	case utf8.RuneCountInString(d.Intro) > mostIntro || !printable(d.Intro, "\n\t"):
		return d, exit.Fail(exit.Invalid, "circle.error.intro_long", "Count", mostIntro)
	case !d.Mode.valid():
		return d, exit.Fail(exit.Invalid, "circle.error.mode")
	}
	return d, nil
}

// printable refuses broken UTF-8 and control characters other than the allowed ones: one database
// would take them and the other would not.
func printable(s, allowed string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < ' ' || r == 0x7f) && !strings.ContainsRune(allowed, r)
	})
}

// Config is what the room is made with.
type Config struct {
	DB        *db.DB
	Desk      *service.Desk
	Relations *relation.Room
	Posts     *post.Room
}

// Room is the circle room. It is safe for concurrent use.
type Room struct {
	Config
	store store
}

// New gives the circle room.
func New(c Config) *Room { return &Room{Config: c, store: store{c.DB}} }

// Circle gives a circle and the viewer's place in it. NotFound if there is none that the viewer
// may know of.
func (r *Room) Circle(ctx context.Context, v who.Viewer, id who.ID) (Circle, Membership, error) {
	c, m, err := r.store.circle(ctx, id, v.Account)
	if err == nil && !maySee(c, m) {
		err = errNone()
	}
	return c, m, err
}

func errNone() error { return exit.Fail(exit.NotFound, "circle.error.none") }

// Create makes a circle that the viewer owns.
func (r *Room) Create(ctx context.Context, v who.Viewer, d Draft) (who.ID, error) {
	d, err := d.Clean()
	if err != nil {
		return 0, err
	}
	id := r.DB.IDs.Next()
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Place: id})
		if err != nil {
			return err
		}
		owned, joined, err := r.store.totals(ctx, v.Account)
		if err != nil {
			return err
		}
		if owned >= mostOwned || joined >= mostJoined {
			return exit.Fail(exit.Conflict, "circle.error.most", "Count", mostOwned)
		}
		return r.store.create(ctx, pass, id, v.Account, d)
	})
	return id, err
}

// Change stores a circle's new words and mode; its owner may.
func (r *Room) Change(ctx context.Context, v who.Viewer, id who.ID, d Draft) error {
	d, err := d.Clean()
	if err != nil {
		return err
	}
	return r.asOwner(ctx, v, id, func(ctx context.Context, pass service.Pass, c Circle) error {
		if c.State == Ended {
			return errEnded()
		}
		return r.store.change(ctx, pass, id, d)
	})
}

// End ends a circle: its members go on reading, nobody writes or joins. It cannot be undone.
func (r *Room) End(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.asOwner(ctx, v, id, func(ctx context.Context, pass service.Pass, _ Circle) error {
		return r.store.end(ctx, pass, id)
	})
}

func errEnded() error { return exit.Fail(exit.Unavailable, "circle.error.ended") }

// asOwner runs a change that only the owner may make, the circle locked.
func (r *Room) asOwner(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Circle) error, onto ...who.ID) error {
	return r.inside(ctx, v, id, onto, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if !owns(m) {
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		return fn(ctx, pass, c)
	})
}

// inside runs a change in a circle that the viewer may see: through the fence, the circle locked.
func (r *Room) inside(ctx context.Context, v who.Viewer, id who.ID, onto []who.ID, fn func(context.Context, service.Pass, Circle, Membership) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: onto, Service: Name, Place: id})
		if err != nil {
			return err
		}
		if err := r.store.lock(ctx, id); err != nil {
			return err
		}
		c, m, err := r.Circle(ctx, v, id)
		if err != nil {
			return err
		}
		return fn(ctx, pass, c, m)
	})
}

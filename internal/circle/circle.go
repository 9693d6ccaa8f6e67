// Package circle is the room of circles (圈子): making, joining and leaving them, their members,
// invitations, and how an owner hands a circle on or ends it. Posts in a circle belong to the
// room post; this one says who may see and write them.
package circle

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"

	"golang.org/x/text/unicode/norm"
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

func isCategory(s string) bool { return slices.Contains(categories, s) }

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

// The roles. A circle has one owner; it has none when the owner has left and it has ended. Co-owners
// have all rights but ending it and handing it on, and take over when the owner leaves without an heir.
const (
	Owner     Role = "owner"
	CoOwner   Role = "co_owner"
	Moderator Role = "moderator"
	Member    Role = "member"
)

// Preview says what somebody who is no member sees of a circle.
type Preview string

// What can be previewed. Name, category and number of members are seen in any case.
const (
	PreviewNothing Preview = "nothing"
	PreviewIntro   Preview = "intro" // description and rules
	PreviewPosts   Preview = "posts" // those and ten posts: what is pinned, and the latest
)

func (p Preview) valid() bool { return p == PreviewNothing || p == PreviewIntro || p == PreviewPosts }

// categories are what circles are about: a fixed list, in the order in which it is shown.
var categories = []string{"life", "outdoors", "reading", "study", "work", "tech", "arts", "games", "food", "family", "local", otherCategory}

const otherCategory = "other"

// Categories gives the keys of the categories, in the order in which they are shown.
func Categories() []string { return slices.Clone(categories) }

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
	mostCoOwners   = 10
	mostName       = 40   // characters
	mostIntro      = 500  // characters
	mostRules      = 5000 // characters
	mostQuestion   = 200  // characters
	mostAnswer     = 500  // characters
	mostNotice     = 1000 // characters
	mostNotices    = 200
	mostPreviewed  = 10 // posts that a guest sees where the owner lets guests
)

// Circle is a circle. Its words are "" once an owner has left it without an heir: words go with
// whose they are.
type Circle struct {
	ID       who.ID
	Name     string
	Intro    string
	Category string
	Rules    string
	Question string // asked of who wants to join by approval; "" for none
	Mode     JoinMode
	Preview  Preview
	Unlisted bool // neither in Discover nor in search
	Approves bool // posts wait for a yes
	State    State
	Members  int64
	Created  time.Time // UTC
	Owner    who.ID    // 0 if there is none any more
	Cover    string    // blob key, "" if there is none
	Avatar   string    // blob key, "" if there is none
	Veiled   bool      // its owner is veiled here: only members see it
	Paused   bool      // its owner is leaving: nobody joins
	Withheld bool      // the operator has it out of sight: its members read that, and nobody anything else
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
	// Named says that the name may stand in the owner's export of the whole circle.
	Named bool
	// Seen is the last notice that the member has seen.
	Seen who.ID
}

// Draft is what an owner writes of a circle. Category "" is "other", Preview "" the introduction.
type Draft struct {
	Name     string
	Intro    string
	Category string
	Rules    string
	Question string
	Mode     JoinMode
	Preview  Preview
	Unlisted bool
	Approves bool
}

// Clean trims a draft and refuses, with Invalid, what is too short, too long or unknown, words that hide
// something, and a name that imitates another script.
func (d Draft) Clean() (Draft, error) {
	d.Name = strings.Join(strings.Fields(norm.NFC.String(d.Name)), " ")
	d.Question = strings.Join(strings.Fields(d.Question), " ")
	d.Intro, d.Rules = lines(d.Intro), lines(d.Rules)
	if d.Category == "" {
		d.Category = otherCategory
	}
	if d.Preview == "" {
		d.Preview = PreviewIntro
	}
	switch {
	case d.Name == "":
		return d, exit.Fail(exit.Invalid, "circle.error.name_empty")
	case utf8.RuneCountInString(d.Name) > mostName:
		return d, exit.Fail(exit.Invalid, "circle.error.name_long", "Count", mostName)
	case who.Hides(d.Name):
		return d, exit.Fail(exit.Invalid, "circle.error.name_hides")
	case who.Mixes(d.Name):
		return d, exit.Fail(exit.Invalid, "circle.error.name_mixes")
	case !fits(d.Intro, mostIntro):
		return d, exit.Fail(exit.Invalid, "circle.error.intro_long", "Count", mostIntro)
	case post.Hides(d.Intro):
		return d, exit.Fail(exit.Invalid, "circle.error.intro_hides")
	case !fits(d.Rules, mostRules):
		return d, exit.Fail(exit.Invalid, "circle.error.rules_long", "Count", mostRules)
	case post.Hides(d.Rules):
		return d, exit.Fail(exit.Invalid, "circle.error.rules_hides")
	case !fits(d.Question, mostQuestion):
		return d, exit.Fail(exit.Invalid, "circle.error.question_long", "Count", mostQuestion)
	case post.Hides(d.Question):
		return d, exit.Fail(exit.Invalid, "circle.error.question_hides")
	case !d.Mode.valid():
		return d, exit.Fail(exit.Invalid, "circle.error.mode")
	case !slices.Contains(categories, d.Category):
		return d, exit.Fail(exit.Invalid, "circle.error.category")
	case !d.Preview.valid():
		return d, exit.Fail(exit.Invalid, "circle.error.preview")
	}
	return d, nil
}

// lines gives a text of several lines as it is stored.
func lines(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// fits refuses texts that are too long or cannot be stored.
func fits(s string, most int) bool { return utf8.RuneCountInString(s) <= most && printable(s, "\n\t") }

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
	Blobs     *blob.Store // where covers and avatars lie
	// RoomFor is a Conflict where an account has no room left for so many bytes more. Nil: there is no bound.
	RoomFor func(ctx context.Context, account who.ID, more int64) error
	// Notices takes what others are told of. Nil: nobody is.
	Notices *notify.Room
	// Search is told of what can be found; nil: nothing is.
	Search *search.Room
	// Secret keys the pseudonyms of others in an owner's archive.
	Secret []byte
	// Bans says who may not come in; nil: everybody may.
	Bans *moderate.Room
	// Key signs where a circle has gone, at the address Host (without scheme). Without them nothing is signed.
	Key  *ledger.Key
	Host string
	// Handed hears, in the transaction by which a circle is handed on, who answers for it from now on. Nil: nobody does. It is set when rooms are wired.
	Handed func(ctx context.Context, heir who.ID) error
}

// Room is the circle room. It is safe for concurrent use.
type Room struct {
	Config
	store store
}

// New gives the circle room.
func New(c Config) *Room {
	r := &Room{Config: c, store: store{c.DB}}
	r.lead()
	return r
}

// Circle gives a circle and the viewer's place in it. NotFound if there is none that the viewer
// may know of, Unavailable for its members while it is withheld.
func (r *Room) Circle(ctx context.Context, v who.Viewer, id who.ID) (Circle, Membership, error) {
	c, m, err := r.known(ctx, v, id)
	if err == nil && c.Withheld {
		err = errWithheld()
	}
	return c, m, err
}

// known is Circle for what members may do with one that is withheld: read that it is, and leave it.
func (r *Room) known(ctx context.Context, v who.Viewer, id who.ID) (Circle, Membership, error) {
	c, m, err := r.store.circle(ctx, id, v.Account)
	if err == nil && !maySee(c, m) {
		err = errNone()
	}
	return c, m, err
}

func errWithheld() error { return exit.Fail(exit.Unavailable, "circle.error.withheld") }

// withhold takes circles out of sight as a whole, or lets them be seen again. It is the registry's [service.Kind.Withhold].
func (r *Room) withhold(ctx context.Context, pass service.Pass, ids []who.ID, on bool) error {
	if err := r.store.withhold(ctx, pass, ids, on); err != nil {
		return err
	}
	for _, id := range ids {
		if err := r.indexed(ctx, pass, id); err != nil {
			return err
		}
	}
	return nil
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
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Place: id, Join: true})
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
		if err := r.mayName(ctx, v.Account, d); err != nil {
			return err
		}
		if err := r.maySay(ctx, pass, v.Account, d); err != nil {
			return err
		}
		return r.raise(ctx, pass, id, v.Account, d, "")
	})
	return id, err
}

// raise stores a circle and has it be found.
func (r *Room) raise(ctx context.Context, pass service.Pass, id, owner who.ID, d Draft, origin string) error {
	if err := r.store.create(ctx, pass, id, owner, d, origin); err != nil {
		return err
	}
	return r.indexed(ctx, pass, id)
}

// mayName refuses a name that people would take for that of somebody else's circle: Conflict.
func (r *Room) mayName(ctx context.Context, owner who.ID, d Draft) error {
	if d.Unlisted || d.Mode == Invitation {
		return nil // in no list, it stands beside no other
	}
	key := who.Looks(d.Name)
	if err := r.store.lockName(ctx, key); err != nil {
		return err
	}
	taken, err := r.store.looksLike(ctx, owner, key)
	if err == nil && taken {
		err = exit.Fail(exit.Conflict, "circle.error.name_taken")
	}
	return err
}

// maySay refuses, with Invalid, words of a circle that the operator's filter does not let through: nobody looks at them first.
func (r *Room) maySay(ctx context.Context, pass service.Pass, by who.ID, d Draft) error {
	if r.Bans == nil {
		return nil
	}
	text := strings.Join([]string{d.Name, d.Intro, d.Rules, d.Question}, "\n")
	_, err := r.Bans.ScreenPost(ctx, pass, post.ScreenIn{Author: by, Text: text, Edit: true})
	return err
}

// Change stores a circle's new words and ways; its owners may.
func (r *Room) Change(ctx context.Context, v who.Viewer, id who.ID, d Draft) error {
	d, err := d.Clean()
	if err != nil {
		return err
	}
	return r.asOwners(ctx, v, id, func(ctx context.Context, pass service.Pass, c Circle) error {
		if c.State == Ended {
			return errEnded()
		}
		if d.Name != c.Name || c.Unlisted && !d.Unlisted || c.Mode == Invitation {
			if err := r.mayName(ctx, c.Owner, d); err != nil {
				return err
			}
		}
		if err := r.maySay(ctx, pass, v.Account, d); err != nil {
			return err
		}
		if err := r.store.change(ctx, pass, id, d); err != nil {
			return err
		}
		return r.indexed(ctx, pass, id)
	})
}

// End ends a circle: its members go on reading, nobody writes or joins. It cannot be undone.
func (r *Room) End(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.asOwner(ctx, v, id, func(ctx context.Context, pass service.Pass, c Circle) error {
		if c.State == Ended {
			return nil
		}
		if err := r.store.end(ctx, pass, id); err != nil {
			return err
		}
		if err := r.note(ctx, pass, moderate.Ended, v, id, 0, ""); err != nil {
			return err
		}
		return r.indexed(ctx, pass, id)
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

// asOwners runs a change that owner and co-owners may make, the circle locked.
func (r *Room) asOwners(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Circle) error, onto ...who.ID) error {
	return r.inside(ctx, v, id, onto, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if !runs(m) {
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		return fn(ctx, pass, c)
	})
}

// inside runs a change in a circle that the viewer may see: through the fence, the circle locked.
func (r *Room) inside(ctx context.Context, v who.Viewer, id who.ID, onto []who.ID, fn func(context.Context, service.Pass, Circle, Membership) error) error {
	return r.within(ctx, v, id, service.Write{By: v.Account, Onto: onto, Service: Name, Place: id}, fn)
}

// joining is inside for what lets somebody in, or makes them more than a member.
func (r *Room) joining(ctx context.Context, v who.Viewer, id who.ID, onto []who.ID, fn func(context.Context, service.Pass, Circle, Membership) error) error {
	return r.within(ctx, v, id, service.Write{By: v.Account, Onto: onto, Service: Name, Place: id, Join: true}, fn)
}

// keeping is inside for what keeps order and goes on while the circle is being ended.
func (r *Room) keeping(ctx context.Context, v who.Viewer, id who.ID, onto []who.ID, fn func(context.Context, service.Pass, Circle, Membership) error) error {
	return r.within(ctx, v, id, service.Write{By: v.Account, Onto: onto, Service: Name, Place: id, Keeps: true}, fn)
}

// taking runs a change that only takes something of the viewer's own away: who may not write there for now still may.
func (r *Room) taking(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Circle, Membership) error) error {
	return r.within(ctx, v, id, service.Write{By: v.Account, Service: Name, Place: id, Removal: true}, fn)
}

func (r *Room) within(ctx context.Context, v who.Viewer, id who.ID, w service.Write, fn func(context.Context, service.Pass, Circle, Membership) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, w)
		if err != nil {
			return err
		}
		if err := r.store.lock(ctx, id); err != nil {
			return err
		}
		look := r.Circle
		if w.Removal {
			look = r.known
		}
		c, m, err := look(ctx, v, id)
		if err != nil {
			return err
		}
		return fn(ctx, pass, c, m)
	})
}

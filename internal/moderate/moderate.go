// Package moderate is the room of order: reports, the queue of those who answer for a place, what they do about it, the log
// of that and the appeals against it; words and images that are not let through, limits for new members
// and for everybody, and what the operator lays on an account.
//
// Whoever answers for a circle decides there; the operator decides about own pages, accounts and circles,
// and may decide everywhere. All that they do can be undone for 30 days.
package moderate

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// The kinds of things that can be reported. A kind needs a keeper in the registry; one that can be taken out
// needs Withhold there.
const (
	kindPost    = "post"
	kindComment = "comment"
	kindCircle  = "circle"
	kindAccount = "account"
	kindVideo   = "video"
)

var reportable = ui.Keys("moderate.kind.", "post", "comment", "circle", "account", "video")

// kindWords name the kinds of things about which something is done.
var kindWords = ui.Keys("moderate.kind.", "post", "comment", "circle", "account", "topic", "video", "notice")

// The reasons for which something is reported, and the rules by which it is decided: one closed list. Of copyright one complains: see [Room.Complain].
var reasons = []string{"spam", "abuse", "hate", "violence", "sexual", "minors", "privacy", "fraud", "illegal", "self_harm", "off_topic", "other"}

var reasonWords = ui.Keys("moderate.reason.", "spam", "abuse", "hate", "violence", "sexual", "minors", "privacy", "fraud", "illegal", "self_harm", "off_topic", "other", "copyright")

func knownReason(reason string) bool { return slices.Contains(reasons, reason) }

// Bounds of words.
const (
	longestWords = 1000 // characters, of a report, a reason or an appeal
	longestWord  = 40   // of a word that is filtered
	mostWordList = 1000 // words of one place
	mostLooks    = 10000
)

// Reversible is how long an act can be undone, by the promise clock.
const Reversible = 30 * 24 * time.Hour

// Place is where something stands as order sees it: a circle, or the install, whose ID is 0.
type Place struct {
	Service string
	ID      who.ID
}

// Everywhere is the operator's own place.
var Everywhere = Place{}

func (p Place) path() string {
	if p.ID == 0 {
		return "/moderation"
	}
	return "/moderation/circle/" + p.ID.String()
}

// placeOf gives who decides about a thing: those of its circle, or the operator, who alone decides about
// pages, accounts and circles themselves.
func placeOf(t service.Thing) Place {
	if t.Place == 0 || t.Service != kindCircle || t.Ref.Kind == kindCircle || t.Ref.Kind == kindAccount {
		return Everywhere
	}
	return Place{t.Service, t.Place}
}

// Member is an account's part in a place.
type Member struct {
	Rank  int // 0 a member; above it staff, the owner the highest
	Since time.Time
	Asked bool // they have asked to become one
}

// Places is what other services tell of their members, and do with them, inside the transaction of ctx.
type Places interface {
	// Member gives an account's part; ok is false for who is no member, or has only asked to become one.
	Member(ctx context.Context, p Place, account who.ID) (m Member, ok bool, err error)
	// Staff gives who answers for the place, at most 50.
	Staff(ctx context.Context, p Place) ([]who.ID, error)
	// Expel takes a member out, or somebody's asking to become one.
	Expel(ctx context.Context, pass service.Pass, p Place, account who.ID) error
	// Readmit makes somebody who was taken out a member again, of the same rank and from the same day on, or has them ask again.
	Readmit(ctx context.Context, pass service.Pass, p Place, account who.ID, m Member) error
	// Revert takes an act back of which the service told the log: Admit, TurnAway, Revoke, NoticeDown, MadeMember and the like. Conflict for what is no longer as the act left it.
	Revert(ctx context.Context, pass service.Pass, a Act) error
}

// Rate is how often an account may do something within an hour of the machine clock.
type Rate struct {
	What string // post, comment, like, follow, report, video, bullet
	Most int
}

// Rates are the limits of an install that sets none.
func Rates() []Rate {
	return []Rate{{"post", 60}, {"comment", 300}, {"like", 1000}, {"follow", 300}, {"report", 30}, {"video", 60}, {"bullet", 600}}
}

// Config is what the room is made with.
type Config struct {
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry
	Notices  *notify.Room // nil: nobody is told
	// Relations, Posts and Talks ask this room before they take something: see [Room.Guard].
	Relations *relation.Room
	Posts     *post.Room
	Talks     *talk.Room
	// NameKey gives the key under which an account's name is unique.
	NameKey func(name string) string
	// Secret keys the hashes under which attempts are counted.
	Secret []byte
	Rates  []Rate
	// Attempt counts an attempt of a key, and is TooMany once there were most within a window of machine time. Nil: no limit.
	Attempt func(ctx context.Context, key string, most int, within time.Duration) error
	Log     *slog.Logger
}

// Room is the moderation room. It is safe for concurrent use once Places is set.
type Room struct {
	Config
	Places Places // nil: nobody is a member anywhere
	store  store

	mu    sync.Mutex
	lists map[Place]lists // what is not let through, as it was read last
}

// New gives the moderation room.
func New(c Config) *Room {
	return &Room{Config: c, store: store{c.DB}, lists: map[Place]lists{}}
}

// Guard has the rooms below ask this one before they take a post, a comment, a like or a follow, and notices lead to its pages. It is
// called once, at start.
func (r *Room) Guard() {
	r.Talks.Reported, r.Talks.Filter = r.keepReported, r.FilterComment
	r.Posts.Noted, r.Posts.Shown = r.noted, r.shown
	r.Posts.Screen, r.Talks.Screen, r.Talks.Limit, r.Relations.Limit = r.ScreenPost, r.ScreenComment, r.Take, r.Take
	if r.Notices == nil {
		return
	}
	lead := r.Notices.Lead
	lead[notify.Claim] = func(n notify.Notice) string { return claimsPath + "/" + n.On.ID.String() }
	lead[notify.Reported] = func(n notify.Notice) string { return "/moderation/case/" + n.On.ID.String() }
	lead[notify.Appealed] = func(n notify.Notice) string { return "/moderation/acts/" + n.On.ID.String() }
	for _, k := range []notify.Kind{notify.Removed, notify.Restored, notify.Decided, notify.Sanctioned} {
		lead[k] = func(notify.Notice) string { return StandingPath }
	}
}

// notice tells accounts, inside the transaction of the change.
func (r *Room) notice(ctx context.Context, pass service.Pass, list ...notify.Notice) error {
	if r.Notices == nil {
		return nil
	}
	return r.Notices.Add(ctx, pass, list...)
}

// staff gives who answers for a place, besides one of them.
func (r *Room) staff(ctx context.Context, p Place, besides who.ID) ([]who.ID, error) {
	var ids []who.ID
	var err error
	if p.ID != 0 && r.Places != nil {
		ids, err = r.Places.Staff(ctx, p)
	} else {
		ids, err = r.store.operators(ctx, mostTold)
	}
	out := ids[:0]
	for _, id := range ids {
		if id != besides {
			out = append(out, id)
		}
	}
	return out, err
}

// mostTold bounds how many operators are told of something.
const mostTold = 50

func errNone() error { return exit.Fail(exit.NotFound, "error.not_found") }

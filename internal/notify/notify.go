// Package notify is the room of notices: what happened to an account while it was away. A notice holds ids; who did
// what is put into words when it is shown, to who may still see it. What is unread goes to open pages as it
// happens, and, where an account has proven an address, by e-mail.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Notice is something that happened to an account.
type Notice struct {
	To      who.ID
	Kind    Kind
	By      who.ID // who did it; 0: the house
	On      who.Ref
	Service string // "" for what belongs to no service
	Place   who.ID
	Due     time.Time // a date that the sentence names, UTC; zero: none
}

// Config is what the room is made with.
type Config struct {
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry
	Queue    *job.Queue
	Log      *slog.Logger
	// Post sends e-mail; nil: this install sends none.
	Post Post
	// Secret keys the links by which e-mail is stopped.
	Secret []byte
	// Zone is the one in which e-mail writes dates: the policy's. Nil: UTC.
	Zone *time.Location
	// Host and Secure make links in e-mail.
	Host   string
	Secure bool
}

// Room is the room of notices. It is safe for concurrent use.
type Room struct {
	Config
	// Lead gives the page to which notices of a kind lead where that is not the thing's own. Rooms set it
	// when they are wired.
	Lead map[Kind]func(n Notice) string
	// More gives the lines that an e-mail of a kind has below its link, in the reader's language. Rooms set it when they are wired.
	More map[Kind]func(ctx context.Context, on service.Thing) []string
	// Once makes a link that works one time, for the e-mail about a notice alone, and gives its path; "" for none. Rooms set it when they are wired.
	Once map[Kind]func(ctx context.Context, n Notice) (path string, err error)
	// Audiences give who is told of news of a kind by [Room.Spread]. Rooms set them when they are wired.
	Audiences map[Kind]Audience
	// Limit counts an attempt of a key, and is TooMany once there were most within a window of machine time. Nil: no limit.
	Limit func(ctx context.Context, key string, most int, within time.Duration) error

	// Site gives the install's name for e-mail. Nil: the product's.
	Site func(ctx context.Context) (ui.Site, error)

	store store
	hub   *hub
}

// New gives the room, and has the queue know its jobs.
func New(c Config) *Room {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Room{Config: c, Lead: map[Kind]func(Notice) string{}, More: map[Kind]func(context.Context, service.Thing) []string{}, Once: map[Kind]func(context.Context, Notice) (string, error){}, Audiences: map[Kind]Audience{}, store: store{c.DB}, hub: newHub()}
	if c.Queue != nil && c.Post != nil { // a process that sends no e-mail leaves it to one that does
		c.Queue.Handle(jobMail, r.mailJob)
		c.Queue.Handle(jobProve, r.proveJob)
	}
	if c.Queue != nil {
		c.Queue.Handle(jobSpread, r.spreadJob)
	}
	return r
}

// most is how many notices one call adds at most. Whoever tells more accounts does so in jobs of its own.
const most = 500

// Add tells accounts what happened, inside the transaction of the change. It leaves out oneself, kinds that the
// account switched off, and notices of somebody whom it blocked or muted or who blocked it, or of a circle that it
// muted. A like, follow, comment or mention is told once, however often it is repeated.
func (r *Room) Add(ctx context.Context, pass service.Pass, list ...Notice) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(list) > most {
		return fmt.Errorf("add notices: %d at once, at most %d", len(list), most)
	}
	var rows []row
	for _, n := range list {
		k, ok := ruleOf(n.Kind)
		if !ok || n.Kind == Announced {
			return fmt.Errorf("add notice: %q is no kind for one account", n.Kind)
		}
		if k.house {
			n.By = 0
		}
		if n.To == 0 || n.To == n.By {
			continue
		}
		rows = append(rows, row{Notice: n, again: k.again})
	}
	if len(rows) == 0 {
		return nil
	}
	rows, err := r.wanted(ctx, pass, rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := r.store.add(ctx, pass, rows); err != nil {
		return err
	}
	if err := r.queueMail(ctx, rows); err != nil {
		return err
	}
	exitsql.AfterCommit(ctx, func() { r.wake(rows) })
	return nil
}

// wanted leaves out what its receiver does not want, and marks what is to be mailed.
func (r *Room) wanted(ctx context.Context, pass service.Pass, rows []row) ([]row, error) {
	no, err := r.store.refusals(ctx, rows, pass.At)
	if err != nil {
		return nil, err
	}
	var out []row
	for _, x := range rows {
		k, _ := ruleOf(x.Kind)
		s, chosen := no.switches[x.To][x.Kind]
		switch {
		case chosen && !s.Centre && !k.fixed, no.people[x.To][x.By], no.places[x.To][x.Place] && !k.fixed:
			continue
		}
		x.mail = no.addressed[x.To] && (s.Mail || !chosen && k.mail)
		x.id = r.DB.IDs.Next()
		out = append(out, x)
	}
	return out, nil
}

// Take takes notices back, To 0 those of whoever it told: what they told of was undone. They are shown again, without a new mark, if it is done again.
func (r *Room) Take(ctx context.Context, pass service.Pass, list ...Notice) error {
	for _, n := range list[:min(len(list), most)] {
		if err := r.store.take(ctx, pass, n); err != nil {
			return err
		}
	}
	exitsql.AfterCommit(ctx, func() {
		for _, n := range list {
			r.hub.wake(n.To)
		}
	})
	return nil
}

// Forget removes what others did to things that are gone, and the news of them: comments on them, likes, mentions there. What was decided
// about them stays.
func (r *Room) Forget(ctx context.Context, pass service.Pass, refs ...who.Ref) error {
	if len(refs) > most {
		return fmt.Errorf("forget notices: %d things at once, at most %d", len(refs), most)
	}
	return r.store.forget(ctx, pass, refs)
}

// Untold gives those of the notices, all of one kind and about things of one kind, that their accounts were not told yet.
func (r *Room) Untold(ctx context.Context, list []Notice) ([]Notice, error) {
	told, err := r.store.told(ctx, list)
	if err != nil {
		return nil, err
	}
	var out []Notice
	for _, n := range list {
		if !told[key{n.To, n.On.ID}] {
			out = append(out, n)
		}
	}
	return out, nil
}

func (r *Room) wake(rows []row) {
	for _, x := range rows {
		r.hub.wake(x.To)
	}
}

// mostCounted bounds what the bell counts: more is "99+".
const mostCounted = 100

// Unread gives how many notices and announcements an account has not seen yet, at most 100.
func (r *Room) Unread(ctx context.Context, account who.ID) (int, error) {
	if account == 0 {
		return 0, nil
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return 0, err
	}
	return r.store.unread(ctx, account, now)
}

// Announcement is what the operator tells everybody. It stands in one row, whoever reads it.
type Announcement struct {
	ID    who.ID
	Text  string    // at most 1,000 characters, in whatever languages the operator writes
	Link  string    // a page of this site; "" for none
	Until time.Time // it is shown until then, UTC; zero: for good
	At    time.Time
}

// longestAnnouncement bounds an announcement, in characters.
const longestAnnouncement = 1000

// Announce tells everybody something. Invalid for a text that is empty or too long. It must be called inside the
// transaction that gave the pass.
func (r *Room) Announce(ctx context.Context, pass service.Pass, a Announcement) (who.ID, error) {
	text, err := cleanAnnouncement(a)
	if err != nil {
		return 0, err
	}
	a.Text, a.ID = text, r.DB.IDs.Next()
	if err := r.store.announce(ctx, pass, a); err != nil {
		return 0, err
	}
	exitsql.AfterCommit(ctx, r.hub.wakeAll)
	return a.ID, nil
}

// Withdraw takes an announcement back. NotFound if there is none of that id.
func (r *Room) Withdraw(ctx context.Context, pass service.Pass, id who.ID) error {
	n, err := r.store.withdraw(ctx, pass, id)
	if err != nil {
		return err
	}
	if n == 0 {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	exitsql.AfterCommit(ctx, r.hub.wakeAll)
	return nil
}

// Announcements gives at most limit announcements, ended ones too, newest first, from below the id before (0: from the newest).
func (r *Room) Announcements(ctx context.Context, before who.ID, limit int) ([]Announcement, error) {
	return r.store.announcements(ctx, before, time.Time{}, limit)
}

// wakeAfter has the account's open pages look again once the transaction is committed.
func (r *Room) wakeAfter(ctx context.Context, account who.ID) {
	exitsql.AfterCommit(ctx, func() { r.hub.wake(account) })
}

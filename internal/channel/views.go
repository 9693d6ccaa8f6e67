package channel

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// The sources of views: where somebody came from.
const (
	fromFeed    = "feed"
	fromSearch  = "search"
	fromFollow  = "follow"  // the channel's page, notices of what it published
	fromCircle  = "circle"  // a card in a circle
	fromOutside = "outside" // another site, or a player that stands there
	fromDirect  = "direct"  // all else
)

// Sources are all sources of views, in the order in which pages show them.
var Sources = []string{fromFeed, fromSearch, fromFollow, fromCircle, fromOutside, fromDirect}

// The bounds of what one viewer adds to the sums.
const (
	viewsAnHour    = 600              // of guests from one address
	longestReport  = 60 * time.Second // that one report may add
	mostWatches    = 3                // times its length that somebody may watch a video in a day
	leastWatchable = 10 * time.Minute // that may always be watched: of lives and of what has no known length
)

// Viewing tells that a video is being watched.
type Viewing struct {
	Source   string        // one of [Sources]; anything else counts as direct
	Watched  time.Duration // since the last report, or until the first
	Position time.Duration // where the player stands
	Guest    string        // address and user agent of somebody not signed in; kept by nobody
	Address  string        // of the connection
}

// Watched counts a view, once for each viewer and day, adds to the watch time, and remembers where the viewer stands. Whose video it is
// counts as no viewer. Errors: NotFound, Unavailable, TooMany.
//
// A viewer of a video on a day is an HMAC (RFC 2104) under a key of that day. Key and marks are deleted when the day is over; the sums name nobody.
func (r *Room) Watched(ctx context.Context, v who.Viewer, id who.ID, w Viewing) error {
	x, err := r.Video(ctx, v, id)
	if err != nil {
		return err
	}
	if !owns(v, x) && x.State == Live {
		if err := r.countView(ctx, v, x, w); err != nil {
			return err
		}
	}
	if v.Guest() {
		return nil
	}
	return r.rememberView(ctx, v, x, w)
}

// countView is what [Room.Watched] adds to the sums.
func (r *Room) countView(ctx context.Context, v who.Viewer, x Video, w Viewing) error {
	today := dayOf(r.DB.Clock.Now())
	if v.Guest() {
		if err := r.guestView(ctx, x, today, w); err != nil {
			return err
		}
	}
	if !slices.Contains(Sources, w.Source) {
		w.Source = fromDirect
	}
	seconds := int64(min(max(w.Watched, 0), longestReport) / time.Second)
	most := int64(max(mostWatches*x.Duration, leastWatchable) / time.Second)
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{Onto: []who.ID{x.Owner}, Service: Name})
		if service.ReadOnly(err) {
			return nil // what is only read is watched, and not counted
		}
		if err != nil {
			return err
		}
		key, err := r.store.dayKey(ctx, pass, today, rand.Text())
		if err != nil {
			return err
		}
		mark := markOf(key, v, x.ID, w)
		first, err := r.store.addMark(ctx, pass, today, x.ID, mark)
		if err != nil {
			return err
		}
		added, err := r.store.addWatched(ctx, pass, today, x.ID, mark, seconds, most)
		if err != nil {
			return err
		}
		if !added {
			seconds = 0
		}
		if !first && seconds == 0 {
			return nil
		}
		return r.store.addViews(ctx, pass, x, dayOf(pass.At), w.Source, flag(first), seconds)
	})
}

// guestView bounds how many views guests from one address add: TooMany beyond. Who was counted today adds none.
func (r *Room) guestView(ctx context.Context, x Video, today int64, w Viewing) error {
	key, err := r.store.keyOf(ctx, today)
	if err != nil {
		return err
	}
	n, err := r.store.marked(ctx, today, x.ID, markOf(key, who.Viewer{}, x.ID, w))
	if err != nil || n > 0 {
		return err
	}
	return r.Accounts.Attempt(ctx, "view "+service.Network(w.Address), viewsAnHour, time.Hour)
}

// rememberView puts a video into the viewer's history, unless the viewer has it switched off.
func (r *Room) rememberView(ctx context.Context, v who.Viewer, x Video, w Viewing) error {
	on, err := r.store.remembers(ctx, v.Account)
	if err != nil || on == 0 {
		return err
	}
	at := max(w.Position, 0)
	if x.Duration > 0 {
		at = min(at, x.Duration)
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Removal: true}) // who is muted watches all the same
		if exit.KindOf(err) == exit.Unavailable || service.Stopped(err) {
			return nil // of whose account is leaving, nothing new is kept
		}
		if err != nil {
			return err
		}
		if ok, err := r.Desk.Still(ctx, exit.AllowWrite, Name, 0, pass.At); err != nil || !ok {
			return err
		}
		return r.store.remember(ctx, pass, v.Account, x.ID, at)
	})
}

// SweepViews deletes the keys of days that are over, by the machine clock, and up to limit marks of their viewers. It gives how many
// marks went; the server calls it now and then until none is left.
func (r *Room) SweepViews(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		n, err = r.store.sweepMarks(ctx, dayOf(r.DB.Clock.Now()), limit)
		return err
	})
	return n, err
}

// dayOf counts the days since 1970-01-01, UTC.
func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

// markOf gives the day's mark of a viewer beneath a video: 132 bits of an HMAC-SHA256. Marks beneath two videos do not tell whether they are one viewer's.
func markOf(key string, v who.Viewer, video who.ID, w Viewing) string {
	h := hmac.New(sha256.New, []byte(key))
	whom := "account " + v.Account.String()
	if v.Guest() {
		whom = "guest " + service.Network(w.Address) + "\n" + w.Guest
	}
	_, _ = h.Write([]byte("video " + video.String() + "\n" + whom)) // never fails (hash.Hash)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:22]
}

// Forget takes a video out of the viewer's history; 0 empties it.
func (r *Room) Forget(ctx context.Context, v who.Viewer, video who.ID) error {
	const chunk = 500
	for {
		var n int64
		err := r.DB.Update(ctx, func(ctx context.Context) error {
			pass, err := r.Desk.EnterExit(ctx, v.Account)
			if err != nil {
				return err
			}
			n, err = r.store.forget(ctx, pass, v.Account, video, chunk)
			return err
		})
		if err != nil || n < chunk {
			return err
		}
	}
}

// Remember switches the viewer's history on or off. What stands in it stays.
func (r *Room) Remember(ctx context.Context, v who.Viewer, on bool) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, v.Account)
		if err != nil {
			return err
		}
		return r.store.setRemembers(ctx, pass, v.Account, on)
	})
}

// bullet checks and stores a bullet comment of the viewer.
func (r *Room) bullet(ctx context.Context, v who.Viewer, id who.ID, moment time.Duration, text string) (who.ID, error) {
	x, err := r.Video(ctx, v, id)
	if err != nil {
		return 0, err
	}
	if moment < 0 || x.Duration > 0 && moment > x.Duration+time.Second {
		return 0, exit.Fail(exit.Invalid, "talk.error.moment")
	}
	return r.Talks.Comment(ctx, v, x.Ref(), talk.Draft{Text: text, Moment: &moment})
}

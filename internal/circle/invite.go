package circle

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Terms say for how long an invitation link works, by the promise clock, which is the one that pages show, and how many people it lets in.
type Terms struct {
	Life   time.Duration
	People int64
}

// DefaultTerms are a week and 50 people.
var DefaultTerms = Terms{7 * 24 * time.Hour, 50}

// lives and crowds are the terms that can be chosen.
var (
	lives  = []time.Duration{24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour}
	crowds = []int64{1, 10, 50, 200, 1000}
)

// Invite is an invitation link that works. The link itself is known only to whom it was shown.
type Invite struct {
	ID     who.ID
	By     Person
	Made   time.Time // UTC
	Until  time.Time // UTC
	Left   int64     // how many people it still lets in
	People int64     // of so many
}

// Invites gives a circle's links that work, the newest first, at most 50; owners and moderators may see them.
func (r *Room) Invites(ctx context.Context, v who.Viewer, id who.ID) ([]Invite, error) {
	_, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return nil, err
	}
	if !manages(m) {
		return nil, exit.Fail(exit.Forbidden, "circle.error.moderators_only")
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return nil, err
	}
	return r.store.inviteList(ctx, id, now)
}

// Invite makes a link by which people join, whatever the circle's mode. The token is given this once;
// only its hash is kept. Invalid for terms that cannot be chosen.
func (r *Room) Invite(ctx context.Context, v who.Viewer, id who.ID, t Terms) (token string, err error) {
	if !slices.Contains(lives, t.Life) || !slices.Contains(crowds, t.People) {
		return "", exit.Fail(exit.Invalid, "circle.error.terms")
	}
	token = rand.Text()
	err = r.joining(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if !manages(m) {
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		}
		if err := mayEnter(c); err != nil {
			return err
		}
		n, err := r.store.invites(ctx, id, pass.At)
		if err != nil {
			return err
		}
		if n >= mostInvites {
			return exit.Fail(exit.TooMany, "circle.error.most_invites", "Count", mostInvites)
		}
		link := r.DB.IDs.Next()
		if err := r.store.addInvite(ctx, pass, link, id, v.Account, digest(token), t); err != nil {
			return err
		}
		return r.note(ctx, pass, moderate.Invite, v, id, 0, joinIDs([]who.ID{link}))
	})
	return token, err
}

// Revoke ends one of a circle's invitation links, or all of them if invite is 0; owners and moderators may. The log tells of it, where it can be undone: then
// what has not come to its own end works again.
func (r *Room) Revoke(ctx context.Context, v who.Viewer, id, invite who.ID) error {
	return r.keeping(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, _ Circle, m Membership) error {
		if !manages(m) {
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		}
		ids, err := r.store.revoke(ctx, pass, id, invite)
		if err != nil || len(ids) == 0 {
			return err
		}
		return r.note(ctx, pass, moderate.Revoke, v, id, 0, joinIDs(ids))
	})
}

// Invited gives the circle that a token invites to. NotFound if the link does not work any more.
func (r *Room) Invited(ctx context.Context, v who.Viewer, token string) (Circle, Membership, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return Circle{}, Membership{}, err
	}
	id, err := r.store.invited(ctx, digest(token), now)
	if err != nil {
		return Circle{}, Membership{}, err
	}
	c, m, err := r.store.circle(ctx, id, v.Account)
	if err == nil && (c.State == Ended || c.Withheld) && !belongs(m) {
		err = errLink()
	}
	return c, m, err
}

// JoinBy has the viewer join the circle that a token invites to, and gives it.
func (r *Room) JoinBy(ctx context.Context, v who.Viewer, token string) (who.ID, error) {
	c, _, err := r.Invited(ctx, v, token)
	if err != nil {
		return 0, err
	}
	return c.ID, r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Place: c.ID, Join: true})
		if err != nil {
			return err
		}
		if err := r.store.lock(ctx, c.ID); err != nil {
			return err
		}
		c, m, err := r.store.circle(ctx, c.ID, v.Account)
		switch {
		case err != nil:
			return err
		case belongs(m):
			return nil
		}
		if err := mayEnter(c); err != nil {
			return err
		}
		if err := r.store.useInvite(ctx, pass, digest(token)); err != nil {
			return err
		}
		if m.State == Asked {
			if err := r.welcome(ctx, c.ID, v.Account); err != nil {
				return err
			}
			return r.store.accept(ctx, pass, c.ID, v.Account)
		}
		return r.add(ctx, pass, v, c, Active, "")
	})
}

func errLink() error { return exit.Fail(exit.NotFound, "circle.error.link") }

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

package circle

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Person is a member in a list.
type Person struct {
	Membership
	ID      who.ID
	Name    string
	Display string
	Avatar  string // blob key
}

// View gives the person as pages draw it.
func (p Person) View() ui.PersonView {
	v := ui.PersonView{Name: p.Display, Handle: p.Name, Href: "/@" + p.Name, Avatar: service.MediaPath(p.Avatar)}
	if v.Name == "" {
		v.Name = p.Name
	}
	return v
}

// Join has the viewer join a circle, or ask to where the owner wants to be asked. It is no error
// to be in already. It gives what the viewer is now.
func (r *Room) Join(ctx context.Context, v who.Viewer, id who.ID) (Joined, error) {
	state := Active
	err := r.inside(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if m.State != "" {
			state = m.State
			return nil
		}
		if c.Mode == Invitation {
			return errNone()
		}
		if c.Mode == Approval {
			state = Asked
		}
		return r.add(ctx, pass, v, c, state)
	})
	return state, err
}

func (r *Room) add(ctx context.Context, pass service.Pass, v who.Viewer, c Circle, state Joined) error {
	if err := mayEnter(c); err != nil {
		return err
	}
	_, joined, err := r.store.totals(ctx, v.Account)
	if err != nil {
		return err
	}
	if joined >= mostJoined {
		return exit.Fail(exit.Conflict, "circle.error.most_joined", "Count", mostJoined)
	}
	return r.store.addMember(ctx, pass, c.ID, v.Account, state)
}

// Leave takes the viewer out of a circle, or takes the asking back. What they wrote stays under
// their name; for anything else there is the Exit Center. Conflict for the owner, who hands the
// circle on or ends it first. An ended circle can be left by its owner, too.
func (r *Room) Leave(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.inside(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		switch {
		case m.State == "":
			return nil
		case m.Role == Owner && c.State != Ended:
			return exit.Fail(exit.Conflict, "circle.error.owner_stays")
		}
		if err := r.store.removeMember(ctx, pass, id, v.Account); err != nil {
			return err
		}
		if m.Role == Owner {
			if err := r.store.unname(ctx, pass, id); err != nil {
				return err
			}
		}
		return r.store.sweep(ctx, []who.ID{id})
	})
}

// Accept says yes to somebody who asked; owner and moderators may.
func (r *Room) Accept(ctx context.Context, v who.Viewer, id, account who.ID) error {
	return r.managing(ctx, v, id, account, func(ctx context.Context, pass service.Pass, c Circle, _, theirs Membership) error {
		if theirs.State != Asked {
			return nil
		}
		if err := mayEnter(c); err != nil {
			return err
		}
		return r.store.accept(ctx, pass, id, account)
	})
}

// Refuse says no to somebody who asked; they may ask again.
func (r *Room) Refuse(ctx context.Context, v who.Viewer, id, account who.ID) error {
	return r.managing(ctx, v, id, account, func(ctx context.Context, pass service.Pass, _ Circle, _, theirs Membership) error {
		if theirs.State != Asked {
			return nil
		}
		return r.store.removeMember(ctx, pass, id, account)
	})
}

// Remove takes a member out. What they wrote stays theirs.
func (r *Room) Remove(ctx context.Context, v who.Viewer, id, account who.ID) error {
	return r.managing(ctx, v, id, account, func(ctx context.Context, pass service.Pass, _ Circle, own, theirs Membership) error {
		if theirs.State == "" {
			return nil
		}
		if !mayRemove(own, theirs) {
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		return r.store.removeMember(ctx, pass, id, account)
	})
}

// Appoint makes a member a moderator, or a moderator a member again; the owner may.
func (r *Room) Appoint(ctx context.Context, v who.Viewer, id, account who.ID, role Role) error {
	if role != Moderator && role != Member {
		return exit.Fail(exit.Invalid, "circle.error.role")
	}
	return r.asOwner(ctx, v, id, func(ctx context.Context, pass service.Pass, c Circle) error {
		if c.State == Ended {
			return errEnded()
		}
		staff, err := r.store.staff(ctx, id, mostModerators+1)
		if err != nil {
			return err
		}
		if role == Moderator && len(staff) > mostModerators {
			return exit.Fail(exit.Conflict, "circle.error.most_moderators", "Count", mostModerators)
		}
		return r.store.appoint(ctx, pass, id, account, role)
	}, account)
}

// managing runs a change of one member by the owner or a moderator.
func (r *Room) managing(ctx context.Context, v who.Viewer, id, account who.ID, fn func(ctx context.Context, pass service.Pass, c Circle, own, theirs Membership) error) error {
	return r.inside(ctx, v, id, []who.ID{account}, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if !manages(m) {
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		}
		theirs, err := r.store.membership(ctx, id, account)
		if err != nil {
			return err
		}
		return fn(ctx, pass, c, m, theirs)
	})
}

// Members gives a page of a circle's ordinary members, the newest first, from below the row before
// (0: from the top); on the first page staff are the owner and the moderators. Forbidden for who
// is no member.
func (r *Room) Members(ctx context.Context, v who.Viewer, id, before who.ID, limit int) (staff, members []Person, err error) {
	_, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return nil, nil, err
	}
	if !mayRead(m) {
		return nil, nil, exit.Fail(exit.Forbidden, "circle.error.members_only")
	}
	if before == 0 {
		if staff, err = r.store.staff(ctx, id, mostModerators+1); err != nil {
			return nil, nil, err
		}
	}
	members, err = r.store.members(ctx, id, Active, before, limit)
	return staff, members, err
}

// Askers gives a page of those who asked to join, the newest first; owner and moderators may see it.
func (r *Room) Askers(ctx context.Context, v who.Viewer, id, before who.ID, limit int) ([]Person, error) {
	_, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return nil, err
	}
	if !manages(m) {
		return nil, exit.Fail(exit.Forbidden, "circle.error.moderators_only")
	}
	return r.store.members(ctx, id, Asked, before, limit)
}

// Invite makes a link by which up to 50 people join within 7 days, whatever the circle's mode.
// The token is given this once; only its hash is kept.
func (r *Room) Invite(ctx context.Context, v who.Viewer, id who.ID) (token string, err error) {
	token = rand.Text()
	err = r.inside(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if !manages(m) {
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		}
		if err := mayEnter(c); err != nil {
			return err
		}
		n, err := r.store.invites(ctx, id, r.machine())
		if err != nil {
			return err
		}
		if n >= mostInvites {
			return exit.Fail(exit.TooMany, "circle.error.most_invites", "Count", mostInvites)
		}
		return r.store.addInvite(ctx, pass, id, v.Account, digest(token), r.machine().Add(inviteLife), r.machine())
	})
	return token, err
}

// Revoke ends all of a circle's invitation links; owner and moderators may.
func (r *Room) Revoke(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.inside(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, _ Circle, m Membership) error {
		if !manages(m) {
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		}
		return r.store.revoke(ctx, pass, id)
	})
}

// Invited gives the circle that a token invites to. NotFound if the link does not work any more.
func (r *Room) Invited(ctx context.Context, v who.Viewer, token string) (Circle, Membership, error) {
	id, err := r.store.invited(ctx, digest(token), r.machine())
	if err != nil {
		return Circle{}, Membership{}, err
	}
	c, m, err := r.store.circle(ctx, id, v.Account)
	if err == nil && c.State == Ended && !belongs(m) {
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
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Place: c.ID})
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
		if err := r.store.useInvite(ctx, pass, digest(token), r.machine()); err != nil {
			return err
		}
		if m.State == Asked {
			return r.store.accept(ctx, pass, c.ID, v.Account)
		}
		return r.add(ctx, pass, v, c, Active)
	})
}

func errLink() error { return exit.Fail(exit.NotFound, "circle.error.link") }

func (r *Room) machine() time.Time { return r.DB.Clock.Now() }

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Mine is a circle in the list of one's own, with one's place in it.
type Mine struct {
	Circle
	Membership
}

// Memberships gives a page of the viewer's circles, the last joined first, from below the row before;
// those where the viewer has only asked, too.
func (r *Room) Memberships(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]Mine, error) {
	return r.store.mine(ctx, v.Account, before, limit)
}

// ByName gives the circle of a name among those that the account is in. NotFound if there is none,
// Conflict if there are several of that name.
func (r *Room) ByName(ctx context.Context, account who.ID, name string) (who.ID, error) {
	ids, err := r.store.named(ctx, account, name)
	switch {
	case err != nil:
		return 0, err
	case len(ids) == 0:
		return 0, errNone()
	case len(ids) > 1:
		return 0, exit.Fail(exit.Conflict, "circle.error.names", "Name", name)
	}
	return ids[0], nil
}

// After is the key by which found circles are paged: the last one's members and id.
type After struct {
	Members int64
	ID      who.ID
}

// Found gives circles that can be found and that the viewer is not in, the largest first.
func (r *Room) Found(ctx context.Context, v who.Viewer, after After, limit int) ([]Circle, error) {
	return r.store.found(ctx, v.Account, after, limit)
}

// Things gives what others may know of circles.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	list, err := r.store.circles(ctx, v.Account, ids)
	out := make([]service.Thing, 0, len(list))
	for _, x := range list {
		out = append(out, service.Thing{
			Ref: x.Ref(), Owner: x.Owner, Service: Name, Place: x.ID, Title: x.Name, Excerpt: cut(x.Intro, 120), Link: Path(x.ID),
			See: maySee(x.Circle, x.Membership),
		})
	}
	return out, err
}

// Kind gives what the registry keeps of circles as things.
func (r *Room) Kind() service.Kind { return service.Kind{Name: Name, Keeper: r} }

func cut(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n == most {
			if i+1 < len(s) {
				return s[:i] + "…"
			}
			break
		}
	}
	return s
}

package circle

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/post"
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
	Answer  string // what an asker answered; for owners and moderators alone
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
	return r.JoinWith(ctx, v, id, "")
}

// JoinWith is Join with an answer to the circle's question: Invalid without one where there is a question.
// The answer is seen by owners and moderators, and gone with their yes or no.
func (r *Room) JoinWith(ctx context.Context, v who.Viewer, id who.ID, answer string) (Joined, error) {
	state := Active
	answer = lines(answer)
	if !fits(answer, mostAnswer) {
		return "", exit.Fail(exit.Invalid, "circle.error.answer_long", "Count", mostAnswer)
	}
	if post.Hides(answer) {
		return "", exit.Fail(exit.Invalid, "circle.error.answer_hides")
	}
	err := r.joining(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
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
		switch {
		case state != Asked || c.Question == "":
			answer = ""
		case post.Blank(answer):
			return exit.Fail(exit.Invalid, "circle.error.answer_empty")
		}
		if err := r.add(ctx, pass, v, c, state, answer); err != nil || state != Asked {
			return err
		}
		return r.tellStaff(ctx, pass, c, notify.CircleAsked, v.Account)
	})
	return state, err
}

func (r *Room) add(ctx context.Context, pass service.Pass, v who.Viewer, c Circle, state Joined, answer string) error {
	if err := mayEnter(c); err != nil {
		return err
	}
	if err := r.welcome(ctx, c.ID, v.Account); err != nil {
		return err
	}
	_, joined, err := r.store.totals(ctx, v.Account)
	if err != nil {
		return err
	}
	if joined >= mostJoined {
		return exit.Fail(exit.Conflict, "circle.error.most_joined", "Count", mostJoined)
	}
	return r.store.addMember(ctx, pass, c.ID, v.Account, state, answer)
}

// Leave takes the viewer out of a circle, or takes the asking back. What they wrote stays under
// their name; for anything else there is the Exit Center. Conflict for the owner, who hands the
// circle on or ends it first. An ended circle can be left by its owner, too.
func (r *Room) Leave(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.taking(ctx, v, id, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
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
			if err := errors.Join(r.doomPicture(ctx, c.Cover), r.doomPicture(ctx, c.Avatar), r.store.unname(ctx, pass, id), r.store.dropFarewell(ctx, pass, id)); err != nil {
				return err
			}
		}
		return r.store.sweep(ctx, []who.ID{id})
	})
}

// Accept says yes to somebody who asked; owner and moderators may.
func (r *Room) Accept(ctx context.Context, v who.Viewer, id, account who.ID) error {
	return r.managing(ctx, v, id, account, r.joining, func(ctx context.Context, pass service.Pass, c Circle, _, theirs Membership) error {
		if theirs.State != Asked {
			return nil
		}
		if err := mayEnter(c); err != nil {
			return err
		}
		if err := r.welcome(ctx, id, account); err != nil {
			return err
		}
		if err := r.store.accept(ctx, pass, id, account); err != nil {
			return err
		}
		if err := r.note(ctx, pass, moderate.Admit, v, id, account, ""); err != nil {
			return err
		}
		return r.tell(ctx, pass, notify.Notice{To: account, Kind: notify.CircleAccepted, By: v.Account, On: c.Ref()})
	})
}

// Refuse says no to somebody who asked; they may ask again.
func (r *Room) Refuse(ctx context.Context, v who.Viewer, id, account who.ID) error {
	return r.managing(ctx, v, id, account, r.keeping, func(ctx context.Context, pass service.Pass, _ Circle, _, theirs Membership) error {
		if theirs.State != Asked {
			return nil
		}
		if err := r.store.removeMember(ctx, pass, id, account); err != nil {
			return err
		}
		return r.note(ctx, pass, moderate.TurnAway, v, id, account, "")
	})
}

// Appoint gives a member another role. The owner makes co-owners, owners make moderators, and each makes those
// below a member again. The log of the circle tells of it, where it can be undone.
func (r *Room) Appoint(ctx context.Context, v who.Viewer, id, account who.ID, role Role) error {
	if role != CoOwner && role != Moderator && role != Member {
		return exit.Fail(exit.Invalid, "circle.error.role")
	}
	in := r.joining
	if role == Member {
		in = r.keeping
	}
	return in(ctx, v, id, []who.ID{account}, func(ctx context.Context, pass service.Pass, c Circle, own Membership) error {
		theirs, err := r.store.membership(ctx, id, account)
		if err != nil {
			return err
		}
		switch {
		case !runs(own):
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		case c.State == Ended:
			return errEnded()
		case theirs.State != Active || theirs.Role == Owner:
			return exit.Fail(exit.NotFound, "circle.error.no_member")
		case !mayAppoint(own, theirs, role):
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		if role == theirs.Role {
			return nil
		}
		if err := r.roomFor(ctx, id, theirs.Role, role); err != nil {
			return err
		}
		if err := r.store.appoint(ctx, pass, id, account, role); err != nil {
			return err
		}
		return r.note(ctx, pass, appointments[role], v, id, account, strconv.Itoa(rank(theirs.Role)))
	})
}

// roomFor refuses, with Conflict, one moderator or co-owner too many.
func (r *Room) roomFor(ctx context.Context, id who.ID, from, to Role) error {
	moderators, owners, err := r.store.roles(ctx, id)
	switch {
	case err != nil || from == to:
		return err
	case to == Moderator && moderators >= mostModerators:
		return exit.Fail(exit.Conflict, "circle.error.most_moderators", "Count", mostModerators)
	case to == CoOwner && owners >= mostCoOwners:
		return exit.Fail(exit.Conflict, "circle.error.most_co_owners", "Count", mostCoOwners)
	}
	return nil
}

// SetNamed stores whether the viewer's name may stand in the owner's export of the whole circle. Without
// this yes, which nobody has given who has not been asked, a pseudonym stands there.
func (r *Room) SetNamed(ctx context.Context, v who.Viewer, id who.ID, on bool) error {
	return r.taking(ctx, v, id, func(ctx context.Context, pass service.Pass, _ Circle, m Membership) error {
		if !belongs(m) {
			return exit.Fail(exit.Forbidden, "circle.error.members_only")
		}
		return r.store.setNamed(ctx, pass, id, v.Account, on)
	})
}

// change is how a change in a circle passes the fence: [Room.inside], [Room.joining] or [Room.keeping].
type change func(ctx context.Context, v who.Viewer, id who.ID, onto []who.ID, fn func(context.Context, service.Pass, Circle, Membership) error) error

// managing runs a change of one member by the owner or a moderator.
func (r *Room) managing(ctx context.Context, v who.Viewer, id, account who.ID, in change, fn func(ctx context.Context, pass service.Pass, c Circle, own, theirs Membership) error) error {
	return in(ctx, v, id, []who.ID{account}, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
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

// meeting gives whose blocks leave people out of a list: the viewer's; who answers for a circle sees who is in it.
func meeting(v who.Viewer, m Membership) who.ID {
	if manages(m) {
		return 0
	}
	return v.Account
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
		if staff, err = r.store.staff(ctx, meeting(v, m), id, mostModerators+mostCoOwners+1); err != nil {
			return nil, nil, err
		}
	}
	members, err = r.store.members(ctx, meeting(v, m), id, Active, before, limit)
	return staff, members, err
}

// FindMembers gives a page of the members of any role in whose names a text is found, the newest first, from below the
// row before (0: from the top). Forbidden for who is no member.
func (r *Room) FindMembers(ctx context.Context, v who.Viewer, id who.ID, text string, before who.ID, limit int) ([]Person, error) {
	_, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	switch {
	case !mayRead(m):
		return nil, exit.Fail(exit.Forbidden, "circle.error.members_only")
	case text == "" || !fits(text, mostName) || !utf8.ValidString(text):
		return nil, nil
	}
	return r.store.search(ctx, meeting(v, m), id, text, before, limit)
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
	return r.store.members(ctx, 0, id, Asked, before, limit)
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
	return r.FoundIn(ctx, v, "", after, limit)
}

// FoundIn is Found within a category; "" is all of them.
func (r *Room) FoundIn(ctx context.Context, v who.Viewer, category string, after After, limit int) ([]Circle, error) {
	return r.store.found(ctx, v.Account, category, after, limit)
}

// Things gives what others may know of circles.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	list, err := r.store.circles(ctx, v.Account, ids)
	out := make([]service.Thing, 0, len(list))
	for _, x := range list {
		out = append(out, service.Thing{
			Ref: x.Ref(), Owner: x.Owner, Service: Name, Place: x.ID, Title: x.Name, Excerpt: cut(shownIntro(x.Circle, x.Membership), 120), Link: Path(x.ID),
			See: mayMeet(x.Circle, x.Membership),
		})
	}
	return out, err
}

// shownIntro gives a circle's description to who may read it.
func shownIntro(c Circle, m Membership) string {
	if !mayKnow(c, m) {
		return ""
	}
	return c.Intro
}

// Kind gives what the registry keeps of circles as things.
func (r *Room) Kind() service.Kind { return service.Kind{Name: Name, Keeper: r, Withhold: r.withhold} }

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

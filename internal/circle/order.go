package circle

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Order tells the moderation room of circles' members, and lets it take them out and back in.
func (r *Room) Order() moderate.Places { return ordered{r} }

type ordered struct{ room *Room }

// Member gives an account's rank in a circle; ok is false for who is no member.
func (o ordered) Member(ctx context.Context, p moderate.Place, account who.ID) (moderate.Member, bool, error) {
	if p.Service != Name {
		return moderate.Member{}, false, nil
	}
	m, err := o.room.store.membership(ctx, p.ID, account)
	return moderate.Member{Rank: rank(m.Role), Since: m.Since, Asked: m.State == Asked}, belongs(m), err
}

// Staff gives the owners and moderators of a circle.
func (o ordered) Staff(ctx context.Context, p moderate.Place) ([]who.ID, error) {
	list, err := o.room.store.staff(ctx, 0, p.ID, mostModerators+mostCoOwners+1)
	out := make([]who.ID, len(list))
	for i, x := range list {
		out[i] = x.ID
	}
	return out, err
}

// Expel takes a member out, or somebody's asking to become one. The owner stays: a circle without one would end.
func (o ordered) Expel(ctx context.Context, pass service.Pass, p moderate.Place, account who.ID) error {
	m, err := o.room.store.membership(ctx, p.ID, account)
	if err != nil || m.State == "" {
		return err
	}
	if m.Role == Owner {
		return exit.Fail(exit.Conflict, "circle.error.owner_stays")
	}
	return o.room.store.removeMember(ctx, pass, p.ID, account)
}

// Readmit makes somebody a member again who was taken out, from the same day on and with the role that they had, where there is still room for one of it.
// Who only asked, asks again.
func (o ordered) Readmit(ctx context.Context, pass service.Pass, p moderate.Place, account who.ID, was moderate.Member) error {
	pass.At = was.Since
	if was.Asked {
		return o.room.store.addMember(ctx, pass, p.ID, account, Asked, "")
	}
	if err := o.room.store.addMember(ctx, pass, p.ID, account, Active, ""); err != nil {
		return err
	}
	moderators, owners, err := o.room.store.roles(ctx, p.ID)
	switch {
	case err != nil:
		return err
	case was.Rank == rank(Moderator) && moderators < mostModerators:
		return o.room.store.appoint(ctx, pass, p.ID, account, Moderator)
	case was.Rank == rank(CoOwner) && owners < mostCoOwners:
		return o.room.store.appoint(ctx, pass, p.ID, account, CoOwner)
	}
	return nil
}

// Revert takes back what this room told the log of. Who asked to become a member asks again, without what they answered: that went with the answer to it.
func (o ordered) Revert(ctx context.Context, pass service.Pass, a moderate.Act) error {
	s := o.room.store
	switch a.Kind {
	case moderate.NoticeDown:
		return o.putUp(ctx, pass, a)
	case moderate.NoticeUp:
		if _, up, err := s.noticeBy(ctx, a.Place.ID, a.Ref.ID); err != nil || !up {
			return errors.Join(err, exit.Fail(exit.Conflict, "circle.error.other_now"))
		}
		return s.takeDown(ctx, pass, a.Place.ID, a.Ref.ID)
	case moderate.Invite:
		return o.withdraw(ctx, pass, a)
	case moderate.MadeMember, moderate.MadeModerator, moderate.MadeCoOwner:
		return o.reappoint(ctx, pass, a)
	case moderate.Revoke:
		n, err := s.unrevoke(ctx, pass, a.Place.ID, splitIDs(a.Detail))
		if err == nil && n == 0 {
			err = exit.Fail(exit.Unavailable, "circle.error.links_over")
		}
		return err
	}
	m, err := s.membership(ctx, a.Place.ID, a.About)
	switch {
	case err != nil:
		return err
	case a.Kind == moderate.Admit && m.State == Active && m.Role == Member:
		if err := s.removeMember(ctx, pass, a.Place.ID, a.About); err != nil {
			return err
		}
	case a.Kind == moderate.TurnAway && m.State == "":
	default:
		return exit.Fail(exit.Conflict, "circle.error.other_now")
	}
	return s.addMember(ctx, pass, a.Place.ID, a.About, Asked, "")
}

// note puts into the circle's log what somebody who answers for it did.
func (r *Room) note(ctx context.Context, pass service.Pass, what string, v who.Viewer, id, about who.ID, detail string) error {
	a := moderate.Act{Kind: what, Ref: who.Ref{Kind: Name, ID: id}, Place: orderOf(id), About: about, Detail: detail}
	if about != 0 {
		a.Ref = who.Ref{Kind: "account", ID: about}
	}
	return r.noteOn(ctx, pass, v, a)
}

// noteOn is note for what is about anything else.
func (r *Room) noteOn(ctx context.Context, pass service.Pass, v who.Viewer, a moderate.Act) error {
	if r.Bans == nil {
		return nil
	}
	a.By = v.Account
	return r.Bans.Note(ctx, pass, a)
}

func orderOf(circle who.ID) moderate.Place { return moderate.Place{Service: Name, ID: circle} }

// kindNotice names notices in the log.
const kindNotice = "notice"

// putUp takes back that a notice was taken down: Unavailable once it is gone, Conflict where the board is full.
func (o ordered) putUp(ctx context.Context, pass service.Pass, a moderate.Act) error {
	n, err := o.room.store.countNotices(ctx, a.Place.ID)
	if err != nil {
		return err
	}
	if n >= mostNotices {
		return exit.Fail(exit.Conflict, "circle.error.most_notices", "Count", mostNotices)
	}
	ok, err := o.room.store.putUp(ctx, pass, a.Place.ID, a.Ref.ID)
	if err == nil && !ok {
		err = exit.Fail(exit.Unavailable, "moderate.error.gone")
	}
	return err
}

// withdraw takes back that a link was made: Unavailable where it works no longer.
func (o ordered) withdraw(ctx context.Context, pass service.Pass, a moderate.Act) error {
	for _, link := range splitIDs(a.Detail) {
		ended, err := o.room.store.revoke(ctx, pass, a.Place.ID, link)
		if err != nil || len(ended) > 0 {
			return err
		}
	}
	return exit.Fail(exit.Unavailable, "circle.error.links_over")
}

// appointments are the acts by which a member is given a role.
var appointments = map[Role]string{Member: moderate.MadeMember, Moderator: moderate.MadeModerator, CoOwner: moderate.MadeCoOwner}

// reappoint gives a member the role back that they had. Conflict if they have another one by now, or there is no room for one of it.
func (o ordered) reappoint(ctx context.Context, pass service.Pass, a moderate.Act) error {
	m, err := o.room.store.membership(ctx, a.Place.ID, a.About)
	if err != nil {
		return err
	}
	if m.State != Active || appointments[m.Role] != a.Kind {
		return exit.Fail(exit.Conflict, "circle.error.other_now")
	}
	for role := range appointments {
		if strconv.Itoa(rank(role)) != a.Detail {
			continue
		}
		if err := o.room.roomFor(ctx, a.Place.ID, m.Role, role); err != nil {
			return err
		}
		return o.room.store.appoint(ctx, pass, a.Place.ID, a.About, role)
	}
	return exit.Fail(exit.Internal, "error.internal")
}

func joinIDs(ids []who.ID) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = id.String()
	}
	return strings.Join(parts, " ")
}

func splitIDs(text string) (ids []who.ID) {
	for part := range strings.FieldsSeq(text) {
		if id, ok := who.ParseID(part); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// welcome refuses, with Forbidden, who was banned from a circle.
func (r *Room) welcome(ctx context.Context, circle, account who.ID) error {
	if r.Bans == nil {
		return nil
	}
	banned, err := r.Bans.Banned(ctx, Name, circle, account)
	if err == nil && banned {
		err = exit.Fail(exit.Forbidden, "circle.error.banned")
	}
	return err
}

package circle

import (
	"context"
	"time"

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
	return moderate.Member{Rank: rank(m.Role), Since: m.Since}, belongs(m), err
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

// Readmit makes somebody a member again who was taken out, from the same day on.
func (o ordered) Readmit(ctx context.Context, pass service.Pass, p moderate.Place, account who.ID, since time.Time) error {
	pass.At = since
	return o.room.store.addMember(ctx, pass, p.ID, account, Active, "")
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

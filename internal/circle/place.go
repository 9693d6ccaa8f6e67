package circle

import (
	"context"
	"slices"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// place gives a circle as the place of posts. Its members see what stands in it, and guests where the owner lets them.
func place(c Circle, m Membership) post.Place {
	if c.Withheld {
		return post.Place{Service: Name, ID: c.ID, Owner: c.Owner, Href: Path(c.ID), Audience: who.CircleOnly(c.ID), Ended: true}
	}
	guest := mayPreview(c, m)
	return post.Place{
		Service: Name, ID: c.ID, Owner: c.Owner, Name: c.Name, Href: Path(c.ID), Audience: who.CircleOnly(c.ID),
		See: mayRead(m) || guest, Member: belongs(m), Ended: c.State == Ended, Staff: manages(m), Approves: c.Approves, Guest: guest,
	}
}

// Place gives a circle as the place of posts, with what the viewer may do there. NotFound if there is none that the
// viewer may know of.
func (r *Room) Place(ctx context.Context, v who.Viewer, id who.ID) (post.Place, error) {
	c, m, err := r.Circle(ctx, v, id)
	return place(c, m), err
}

// MayPost gives the circle if the viewer may write there.
func (r *Room) MayPost(ctx context.Context, v who.Viewer, service string, id who.ID) (post.Place, error) {
	if service != Name {
		return post.Place{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	// In the transaction of the post the circle is locked: who is taken out of it is taken out before the post, or after.
	if _, writing := exitsql.Tx(ctx); writing {
		if err := r.store.lock(ctx, id); err != nil {
			return post.Place{}, err
		}
	}
	c, m, err := r.Circle(ctx, v, id)
	if err == nil {
		err = mayWrite(c, m)
	}
	return place(c, m), err
}

// Known gives those of the circles that exist, with what the viewer may do there.
func (r *Room) Known(ctx context.Context, v who.Viewer, service string, ids []who.ID) (map[who.ID]post.Place, error) {
	out := make(map[who.ID]post.Place, len(ids))
	if service != Name {
		return out, nil
	}
	list, err := r.store.circles(ctx, v.Account, ids)
	for _, x := range list {
		out[x.ID] = place(x.Circle, x.Membership)
	}
	return out, err
}

// Returned gives, by the circles that went, those that the viewer brought back for them and owns.
func (r *Room) Returned(ctx context.Context, v who.Viewer, service string, ids []who.ID) (map[who.ID]post.Place, error) {
	if service != Name {
		return nil, nil
	}
	here, err := r.store.broughtBack(ctx, v.Account)
	if err != nil {
		return nil, err
	}
	var back []who.ID
	for _, id := range ids {
		if now := here[originPrefix+id.String()]; now != 0 && !slices.Contains(back, now) {
			back = append(back, now)
		}
	}
	if len(back) == 0 {
		return nil, nil
	}
	known, err := r.Known(ctx, v, service, back)
	out := make(map[who.ID]post.Place, len(ids))
	for _, id := range ids {
		if in, ok := known[here[originPrefix+id.String()]]; ok {
			out[id] = in
		}
	}
	return out, err
}

// Mine gives the circles that the viewer is a member of, the last joined first, at most 500.
func (r *Room) Mine(ctx context.Context, v who.Viewer) ([]post.Place, error) {
	list, err := r.store.mine(ctx, v.Account, 0, mostJoined)
	out := make([]post.Place, 0, len(list))
	for _, x := range list {
		if belongs(x.Membership) && !x.Withheld {
			out = append(out, place(x.Circle, x.Membership))
		}
	}
	return out, err
}

// Moderates reports whether the viewer answers for what stands in a circle: its owners and moderators, as long as it is not withheld. For
// anything but a circle nobody does here.
func (r *Room) Moderates(ctx context.Context, v who.Viewer, service string, id who.ID) (bool, error) {
	if service != Name || id == 0 || v.Guest() {
		return false, nil
	}
	c, m, err := r.store.circle(ctx, id, v.Account)
	if exit.KindOf(err) == exit.NotFound {
		return false, nil
	}
	return manages(m) && !c.Withheld, err
}

var _ post.Places = (*Room)(nil)

package talk

import (
	"context"
	"strconv"

	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// removes says whether the viewer may take a comment out: who wrote it, and the owner of what it is about.
func removes(v who.Viewer, c Comment, owner who.ID) bool {
	return !v.Guest() && !c.Gone && (c.Author == v.Account || owner == v.Account && !c.Withheld)
}

// takesOut says whether who moderates where a comment stands is offered to take it out of sight: another's.
func takesOut(v who.Viewer, c Comment, staff bool) bool {
	return staff && !c.Gone && !c.Withheld && c.Author != v.Account
}

// pins says whether the viewer may have a comment stand first: the owner of what it is about, where that is played.
func pins(v who.Viewer, c Comment, t service.Thing, played bool) bool {
	return played && !v.Guest() && v.State == who.Active && t.Ref.ID != 0 && t.Owner == v.Account && c.Parent == 0 && c.Moment == nil && !c.Gone && !c.Withheld && !c.Veiled
}

// sees says whether a viewer who sees what a comment is about sees the comment; staff is who moderates there.
func sees(v who.Viewer, c Comment, staff bool) bool {
	if c.Author == v.Account && !v.Guest() {
		return true
	}
	if c.Withheld && !staff {
		return false
	}
	return !c.Veiled && (!c.Blocked || staff)
}

// staffed reports whether the viewer moderates where the comments stand. It is asked only if one of them is seen by moderators alone.
func (r *Room) staffed(ctx context.Context, v who.Viewer, service string, place who.ID, comments []Comment) (bool, error) {
	for _, c := range comments {
		if c.Service == service && c.Place == place && (c.Withheld || c.Blocked) && c.Author != v.Account {
			return r.moderates(ctx, v, service, place)
		}
	}
	return false, nil
}

// moderates says whether the viewer moderates in a place.
func (r *Room) moderates(ctx context.Context, v who.Viewer, service string, place who.ID) (yes bool, err error) {
	switch {
	case v.Guest() || v.State != who.Active:
		return false, nil
	case v.Operator || r.Registry.Moderates == nil:
		return v.Operator, nil
	}
	return r.Registry.Moderates(ctx, v, service, place)
}

// Things answers the registry for comments: one sees and may like a comment if one may do so with
// what it is about.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	comments, err := r.store.byIDs(ctx, v.Account, ids)
	if err != nil {
		return nil, err
	}
	var refs []who.Ref
	for _, c := range comments {
		if c.On.Kind != "comment" {
			refs = append(refs, c.On)
		}
	}
	about, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return nil, err
	}
	type place struct {
		service string
		id      who.ID
	}
	staff := map[place]bool{}
	out := make([]service.Thing, len(comments))
	for i, c := range comments {
		at := place{c.Service, c.Place}
		if _, asked := staff[at]; !asked {
			if staff[at], err = r.staffed(ctx, v, c.Service, c.Place, comments); err != nil {
				return nil, err
			}
		}
		t := about[c.On]
		see := t.See && sees(v, c, staff[at]) && (!t.Preview || c.Author == v.Account && !v.Guest())
		out[i] = service.Thing{
			Ref: c.Ref(), Owner: c.Author, Service: c.Service, Place: c.Place, Excerpt: post.Excerpt(c.Text), Link: link(c, t),
			See: see, Talk: see && c.Moment == nil && t.Talk && !c.Gone && !c.Withheld && !c.Blocked && c.Author != 0,
		}
	}
	return out, nil
}

// link leads to a comment where it stands among those of its thread, to a bullet comment at its moment (t, seconds) of what is played.
func link(c Comment, about service.Thing) string {
	if c.Moment != nil && about.Link != "" {
		return about.Link + "?t=" + strconv.FormatInt(int64(c.Moment.Seconds()), 10)
	}
	return "/talk/comments/" + c.ID.String() + "#comment-" + c.ID.String()
}

package post

import (
	"context"
	"slices"

	"exeunt/exit"
	"exeunt/internal/who"
)

// owns says whether the viewer wrote a post.
func owns(v who.Viewer, p Post) bool { return !v.Guest() && p.Author == v.Account }

// staffed says whether the viewer answers for where a post stands: who moderates the place, the operator everywhere.
func staffed(v who.Viewer, p Post) bool {
	return !v.Guest() && v.State == who.Active && (p.Service != Page && p.In.Staff || v.Operator)
}

// sees says whether the viewer may see a post, by its state, its audience and veil. It is asked of every
// post that a page shows, after SQL has narrowed the list.
func sees(v who.Viewer, p Post) bool {
	switch p.State {
	case Drafted:
		return owns(v, p)
	case Submitted, Withheld:
		return owns(v, p) || staffed(v, p) && !p.Veiled
	case Deleting:
		return false
	}
	if owns(v, p) {
		return true
	}
	if p.Veiled || p.Blocked && !staffed(v, p) || p.Service != Page && !p.In.See {
		return false
	}
	switch kind, id := p.Audience.Split(); kind {
	case "public", "unlisted":
		return true
	case "followers":
		return p.Followed && id == p.Author && p.Author != 0
	case "circle":
		return p.In.See && (p.In.Member || p.In.Guest) && id == p.Place
	}
	return false
}

// previews says whether the viewer sees a post only because the place lets guests: comments stay with members.
func previews(v who.Viewer, p Post) bool { return p.Service != Page && p.In.Guest && !owns(v, p) }

// talks says whether the viewer may comment on a post and like it.
func talks(v who.Viewer, p Post) bool {
	return !v.Guest() && v.State == who.Active && p.State == Live && p.Author != 0 && !p.Blocked && sees(v, p) && (p.Service == Page || p.In.Member && !p.In.Ended)
}

// shares says whether the viewer may make a card of a post: of what others see, too.
func shares(v who.Viewer, p Post) bool {
	kind, _ := p.Audience.Split()
	return !v.Guest() && v.State == who.Active && p.State == Live && p.Author != 0 && kind != "only" && sees(v, p)
}

// changes says whether the viewer may edit a post: in a place its members alone write.
func changes(v who.Viewer, p Post) bool {
	return owns(v, p) && (p.State == Live || p.State == Submitted) && (p.Service == Page || p.In.Member && !p.In.Ended)
}

// removes says whether the viewer may delete a post: its author.
func removes(v who.Viewer, p Post) bool {
	switch p.State {
	case Live, Submitted, Withheld:
		return owns(v, p)
	}
	return false
}

// takesOut says whether the viewer is offered to take a post of somebody else's out of sight: who answers for where it stands. Who stands as high there is told so
// by the room that does it; the owner nobody is offered.
func takesOut(v who.Viewer, p Post) bool {
	return staffed(v, p) && p.State == Live && !owns(v, p) && (v.Operator || p.Author != p.In.Owner)
}

// undoes says whether the viewer may take the deleting of a post back.
func undoes(v who.Viewer, p Post) bool { return p.State == Deleting && owns(v, p) }

// arranges says whether the viewer may feature and pin a post.
func arranges(v who.Viewer, p Post) bool {
	return p.Service != Page && p.In.Staff && p.State == Live && v.State == who.Active && !p.In.Ended
}

// decides says whether the viewer may accept or refuse a submission.
func decides(v who.Viewer, p Post) bool { return staffed(v, p) && p.State == Submitted }

// place fills in where the posts stand, asking each service once.
func (r *Room) place(ctx context.Context, v who.Viewer, posts []Post) error {
	asked := map[string][]who.ID{}
	for _, p := range posts {
		if p.Service != Page {
			asked[p.Service] = append(asked[p.Service], p.Place)
		}
	}
	if r.Places == nil {
		return nil
	}
	for service, ids := range asked {
		known, err := r.Places.Known(ctx, v, service, ids)
		if err != nil {
			return err
		}
		for i, p := range posts {
			if p.Service == service {
				posts[i].In = known[p.Place]
			}
		}
		for _, in := range known {
			if err := r.bound(ctx, v, in, posts); err != nil {
				return err
			}
		}
	}
	return nil
}

// bound keeps from the guest of a place those of the posts that its preview does not show, by whatever way they are asked for.
func (r *Room) bound(ctx context.Context, v who.Viewer, in Place, posts []Post) error {
	if !in.Guest {
		return nil
	}
	shown, err := r.preview(ctx, v, in, 0, Cursor{}, previewed)
	if err != nil {
		return err
	}
	for i, p := range posts {
		if p.Service == in.Service && p.Place == in.ID && !slices.ContainsFunc(shown, func(x Post) bool { return x.ID == p.ID }) {
			posts[i].In.See, posts[i].In.Guest = false, false
		}
	}
	return nil
}

// seen keeps the posts that the viewer may see.
func seen(v who.Viewer, posts []Post) []Post {
	out := posts[:0]
	for _, p := range posts {
		if sees(v, p) {
			out = append(out, p)
		}
	}
	return out
}

// shown says whether the viewer, who does not see a post, decides about it: it was reported, and nobody has decided yet.
func (r *Room) shown(ctx context.Context, v who.Viewer, id who.ID) (bool, error) {
	if r.Shown == nil || v.Guest() || v.State != who.Active {
		return false, nil
	}
	p, err := r.store.one(ctx, v.Account, id)
	if exit.KindOf(err) == exit.NotFound {
		return false, nil
	}
	if err != nil || p.State != Live && p.State != Submitted && p.State != Withheld {
		return false, err
	}
	return r.Shown(ctx, v, p)
}

// MayMedia says whether the viewer may have an image by its blob key, and whether everybody may.
// known is false for a key that is no image of a post.
func (r *Room) MayMedia(ctx context.Context, v who.Viewer, key string) (may, public, known bool, err error) {
	id, err := r.store.postOfKey(ctx, key)
	if err != nil || id == 0 {
		return false, false, false, err
	}
	p, err := r.One(ctx, v, id)
	if exit.KindOf(err) == exit.NotFound { // a post that is hidden from the viewer: the answer is no, but for who decides about it
		may, err := r.shown(ctx, v, id)
		return may, false, true, err
	}
	if err != nil {
		return false, false, true, err
	}
	return true, p.Audience == who.Public && !p.Veiled && p.State == Live, true, nil
}

// OfKey gives the post to whose images a blob belongs, whoever may see it; ok is false if there is none.
func (r *Room) OfKey(ctx context.Context, key string) (ref who.Ref, ok bool, err error) {
	id, err := r.store.postOfKey(ctx, key)
	return Post{ID: id}.Ref(), id != 0, err
}

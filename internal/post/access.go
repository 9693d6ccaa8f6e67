package post

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/who"
)

// sees says whether the viewer may see a post, by its audience and veil. It is asked of every
// post that a page shows, after SQL has narrowed the list.
func sees(v who.Viewer, p Post) bool {
	own := p.Author != 0 && p.Author == v.Account
	if own {
		return true
	}
	if p.Veiled || p.Service != Page && !p.In.See {
		return false
	}
	switch kind, id := p.Audience.Split(); kind {
	case "public", "unlisted":
		return true
	case "followers":
		return p.Followed && id == p.Author && p.Author != 0
	case "circle":
		return p.In.See && p.In.Member && id == p.Place
	}
	return false
}

// talks says whether the viewer may comment on a post and like it.
func talks(v who.Viewer, p Post) bool {
	return !v.Guest() && v.State == who.Active && p.State == Live && p.Author != 0 && sees(v, p) && (p.Service == Page || p.In.Member && !p.In.Ended)
}

// changes says whether the viewer may edit a post.
func changes(v who.Viewer, p Post) bool {
	return !v.Guest() && p.Author == v.Account && p.State == Live
}

// removes says whether the viewer may delete a post: its author, and who answers for the place.
func removes(v who.Viewer, p Post) bool {
	return changes(v, p) || !v.Guest() && p.State == Live && p.In.Owner == v.Account && p.Service != Page
}

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

// MayMedia says whether the viewer may have an image by its blob key, and whether everybody may.
// known is false for a key that is no image of a post.
func (r *Room) MayMedia(ctx context.Context, v who.Viewer, key string) (may, public, known bool, err error) {
	id, err := r.store.postOfKey(ctx, key)
	if err != nil || id == 0 {
		return false, false, false, err
	}
	p, err := r.One(ctx, v, id)
	if exit.KindOf(err) == exit.NotFound { // a post that is hidden from the viewer: the answer is no
		return false, false, true, nil
	}
	if err != nil {
		return false, false, true, err
	}
	return true, p.Audience == who.Public && !p.Veiled, true, nil
}

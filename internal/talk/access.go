package talk

import (
	"context"

	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// removes says whether the viewer may take a comment out: who wrote it, and the owner of what it is about.
func removes(v who.Viewer, c Comment, owner who.ID) bool {
	return !v.Guest() && !c.Gone && (c.Author == v.Account || owner == v.Account)
}

// sees says whether a viewer who sees what a comment is about sees the comment.
func sees(v who.Viewer, c Comment) bool {
	return !c.Veiled || c.Author == v.Account && !v.Guest()
}

// Things answers the registry for comments: one sees and may like a comment if one may do so with
// what it is about.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	comments, err := r.store.byIDs(ctx, ids)
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
	out := make([]service.Thing, len(comments))
	for i, c := range comments {
		t := about[c.On]
		see := t.See && sees(v, c)
		out[i] = service.Thing{
			Ref: c.Ref(), Owner: c.Author, Service: c.Service, Place: c.Place, Excerpt: post.Excerpt(c.Text), Link: t.Link + "#comment-" + c.ID.String(),
			See: see, Talk: see && t.Talk && !c.Gone && c.Author != 0,
		}
	}
	return out, nil
}

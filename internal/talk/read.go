package talk

import (
	"context"
	"net/url"

	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// marks tells the post room what the viewer has done with posts.
func (r *Room) marks(ctx context.Context, v who.Viewer, posts []who.ID) (map[who.ID]post.Mark, error) {
	liked, saved, err := r.store.marks(ctx, v.Account, "post", posts)
	if err != nil {
		return nil, err
	}
	out := make(map[who.ID]post.Mark, len(posts))
	for _, id := range posts {
		out[id] = post.Mark{Liked: liked[id], Saved: saved[id]}
	}
	return out, nil
}

// Liked gives which of the things the viewer has liked; each kind is asked once.
func (r *Room) Liked(ctx context.Context, v who.Viewer, refs []who.Ref) (map[who.Ref]bool, error) {
	kinds := map[string][]who.ID{}
	for _, ref := range refs {
		kinds[ref.Kind] = append(kinds[ref.Kind], ref.ID)
	}
	out := map[who.Ref]bool{}
	for kind, ids := range kinds {
		liked, _, err := r.store.marks(ctx, v.Account, kind, ids)
		if err != nil {
			return nil, err
		}
		for id := range liked {
			out[who.Ref{Kind: kind, ID: id}] = true
		}
	}
	return out, nil
}

// Comments gives a page of the threads on a thing that the viewer may see, oldest first, from above the comment after
// on. Next is the comment after which the next page begins, 0 if there is none. Four queries, whatever the page holds.
func (r *Room) Comments(ctx context.Context, v who.Viewer, t service.Thing, after who.ID, limit int) (views []ui.CommentView, next who.ID, err error) {
	// One more than asked for tells whether there is a next page.
	tops, err := r.store.on(ctx, t.Ref, after, limit+1)
	if err != nil || len(tops) == 0 || !t.See {
		return nil, 0, err
	}
	if len(tops) > limit {
		tops = tops[:limit]
		next = tops[limit-1].ID
	}
	ids := make([]who.ID, len(tops))
	for i, c := range tops {
		ids[i] = c.ID
	}
	answers, err := r.store.answers(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	d, err := r.drawer(ctx, v, t, append(append([]Comment(nil), tops...), answers...))
	if err != nil {
		return nil, 0, err
	}
	below := map[who.ID][]ui.CommentView{}
	for _, c := range answers {
		if sees(v, c) && !c.Gone {
			below[c.Parent] = append(below[c.Parent], d.draw(ctx, c))
		}
	}
	for _, c := range tops {
		view := d.draw(ctx, c)
		if view.Answers = below[c.ID]; !view.Gone && !view.Veiled || len(view.Answers) > 0 {
			views = append(views, view)
		}
	}
	return views, next, nil
}

// drawer draws the comments of one page.
type drawer struct {
	viewer   who.Viewer
	thing    service.Thing
	mentions map[string]ui.Mention
	mine     map[who.ID]bool
	counts   map[who.ID]int
	back     string
}

func (r *Room) drawer(ctx context.Context, v who.Viewer, t service.Thing, comments []Comment) (drawer, error) {
	d := drawer{viewer: v, thing: t, back: service.SessionOf(ctx).Path}
	ids, texts := make([]who.ID, len(comments)), make([]string, len(comments))
	for i, c := range comments {
		ids[i], texts[i] = c.ID, c.Text
	}
	var err error
	if d.mentions, err = r.Posts.Mentions(ctx, texts...); err != nil {
		return d, err
	}
	d.mine, d.counts, err = r.store.liked(ctx, v.Account, ids)
	return d, err
}

func (d drawer) draw(ctx context.Context, c Comment) ui.CommentView {
	id := c.ID.String()
	if c.Gone {
		return ui.CommentView{ID: id, At: c.At, Gone: true}
	}
	if !sees(d.viewer, c) {
		return ui.CommentView{ID: id, At: c.At, Veiled: true}
	}
	out := ui.CommentView{
		ID: id, Author: person(c), At: c.At, Text: c.Text, Mentions: d.mentions,
		Like: ui.LikeView{ID: "comment-" + id, Count: d.counts[c.ID], Liked: d.mine[c.ID], Back: d.back},
	}
	if d.thing.Talk {
		out.Reply = d.thing.Link + "?reply=" + id + "#say"
		if c.Author != 0 {
			out.Like.Action = "/talk/comment/" + id + "/like"
		}
	}
	if removes(d.viewer, c, d.thing.Owner) {
		out.Menu = []ui.Action{{Label: ui.T(ctx, "talk.delete"), Href: "/talk/comments/" + id + "/delete?back=" + url.QueryEscape(d.back), Icon: "trash-2"}}
	}
	return out
}

func person(c Comment) ui.PersonView {
	if c.Author == 0 || c.Name == "" {
		return ui.PersonView{Left: true}
	}
	v := ui.PersonView{Name: c.Display, Handle: c.Name, Href: "/@" + c.Name, Avatar: service.MediaPath(c.Avatar)}
	if v.Name == "" {
		v.Name = c.Name
	}
	return v
}

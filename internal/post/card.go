package post

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// carded are the kinds of things that a post can share as a card, with the icon of each.
var carded = map[string]string{"post": "message-circle", "circle": "users-round", "account": "user", "topic": "message-circle", "video": "clapperboard"}

var cardWords = ui.Keys("post.card.", "post", "circle", "account", "topic", "video")

// fromCircle is what a video's address says of who comes by a card in a circle: its owner is told how many did.
const fromCircle = "?from=circle"

// cardIn gives a card as it stands in a place.
func cardIn(p Post, c *ui.CardView) *ui.CardView {
	if c == nil || c.Gone || p.Card.Kind != "video" || p.Service == Page {
		return c
	}
	placed := *c
	placed.Href += fromCircle
	return &placed
}

// mayShare refuses cards of what the viewer may not see or what has none. The zero Ref is no card.
func (r *Room) mayShare(ctx context.Context, v who.Viewer, ref who.Ref) error {
	switch {
	case ref == who.Ref{}:
		return nil
	case carded[ref.Kind] == "":
		return exit.Fail(exit.NotFound, "error.not_found")
	case ref.Kind != "post":
		_, err := r.Registry.Thing(ctx, v, ref)
		return err
	}
	_, err := r.standing(ctx, v, ref.ID, shares)
	return err
}

// shared gives the words of what posts of an author share in a place, for its filter.
func (r *Room) shared(ctx context.Context, author who.ID, posts ...Post) (map[who.Ref]string, error) {
	var refs []who.Ref
	for _, p := range posts {
		if p.Service != Page && p.Card != (who.Ref{}) {
			refs = append(refs, p.Card)
		}
	}
	things, err := r.Registry.Things(ctx, who.Viewer{Account: author, State: who.Active}, refs)
	if err != nil {
		return nil, err
	}
	out := make(map[who.Ref]string, len(things))
	for ref, t := range things {
		if t.See {
			out[ref] = t.Words
		}
	}
	return out, nil
}

// cards gives cards of things as the viewer may see them, in one batch: a card of what is gone or hidden says so and no more.
func (r *Room) cards(ctx context.Context, v who.Viewer, refs []who.Ref) (map[who.Ref]*ui.CardView, error) {
	out := make(map[who.Ref]*ui.CardView, len(refs))
	if len(refs) == 0 {
		return out, nil
	}
	var posts []who.ID
	var others []who.Ref
	for _, ref := range refs {
		out[ref] = &ui.CardView{Gone: true, Kind: ui.T(ctx, cardWords[ref.Kind])}
		if ref.Kind == "post" {
			posts = append(posts, ref.ID)
		} else {
			others = append(others, ref)
		}
	}
	things, err := r.Registry.Things(ctx, v, others)
	if err != nil {
		return nil, err
	}
	for ref, t := range things {
		if t.See {
			out[ref] = &ui.CardView{Href: t.Link, Title: t.Title, Text: t.Excerpt, Image: service.MediaPath(t.Picture), Icon: carded[ref.Kind], Kind: ui.T(ctx, cardWords[ref.Kind])}
		}
	}
	return out, r.postCards(ctx, v, posts, out)
}

// postCards fills in the cards of posts, with author and first image.
func (r *Room) postCards(ctx context.Context, v who.Viewer, ids []who.ID, out map[who.Ref]*ui.CardView) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := r.store.byIDs(ctx, v.Account, ids)
	if err != nil {
		return err
	}
	if err := r.place(ctx, v, list); err != nil {
		return err
	}
	images, err := r.store.images(ctx, ids)
	if err != nil {
		return err
	}
	for _, p := range seen(v, list) {
		if p.State != Live || !service.Reads(ctx, v, p.Service, p.Place) {
			continue
		}
		author := p.author()
		c := &ui.CardView{Href: p.Link(), Author: &author, Text: Excerpt(p.Text), Icon: carded["post"], Kind: ui.T(ctx, cardWords["post"])}
		for _, i := range images[p.ID] {
			if i.Key != "" {
				c.Image, c.Alt = service.MediaPath(i.Thumb), i.Alt
				break
			}
		}
		out[p.Ref()] = c
	}
	return nil
}

package post

import (
	"context"
	"slices"

	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Change is what an author changes of a post. Audience "" leaves it; only a post on the own page has one to choose.
type Change struct {
	Text     string
	Audience string
	Images   []Upload          // after those that the post has
	Drop     []who.ID          // images that the post is to have no more
	Alts     map[who.ID]string // of images
}

// Edit stores a changed post. NotFound for what the viewer may not edit.
func (r *Room) Edit(ctx context.Context, v who.Viewer, id who.ID, c Change) error {
	c.Text = cleanText(c.Text)
	if err := checkAlts(c.Alts); err != nil {
		return err
	}
	p, kept, err := r.changing(ctx, v, id, c, len(c.Images))
	if err != nil {
		return err
	}
	images, err := r.put(ctx, p, behind(kept), c.Images)
	if err != nil {
		return err
	}
	err = r.DB.Update(ctx, func(ctx context.Context) error { return r.change(ctx, v, id, c, images) })
	return r.dismiss(ctx, images, err)
}

// changing gives a post that the viewer may edit, with its images, and refuses what may not become of it with so many images more.
func (r *Room) changing(ctx context.Context, v who.Viewer, id who.ID, c Change, more int) (Post, []Image, error) {
	p, err := r.standing(ctx, v, id, changes)
	if err != nil {
		return p, nil, err
	}
	images, err := r.store.images(ctx, []who.ID{id})
	if err != nil {
		return p, nil, err
	}
	kept := images[id]
	return p, kept, checkText(c.Text, len(kept)-len(dropped(kept, c.Drop))+more, p.Card.ID != 0)
}

// change is the transaction of [Room.Edit]. What was asked before the images were put is asked again.
func (r *Room) change(ctx context.Context, v who.Viewer, id who.ID, c Change, images []Image) error {
	p, kept, err := r.changing(ctx, v, id, c, len(images))
	if err != nil {
		return err
	}
	old := p
	if c.Audience != "" && p.Service == Page {
		if p.Audience, err = audienceOf(c.Audience, v.Account); err != nil {
			return err
		}
	}
	text, mentioned, err := r.Encode(ctx, v.Account, c.Text)
	if err != nil {
		return err
	}
	pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: mentioned, Service: p.Service, Place: p.Place})
	if err != nil {
		return err
	}
	if p.Text, err = r.keepUnnamed(ctx, v, id, text); err != nil {
		return err
	}
	now := arranged(kept, c.Drop, c.Alts, images)
	p.Images = len(now)
	if err := r.edit(ctx, pass, old, p, now, !slices.Equal(kept, now)); err != nil {
		return err
	}
	if err := r.rearrange(ctx, pass, p.ID, dropped(kept, c.Drop), images, c.Alts); err != nil {
		return err
	}
	return r.store.mention(ctx, pass, p, mentioned)
}

// edit stores a post's new words; topics and search follow them. What Screen holds waits for a yes again, and other words and images do where
// the place asks for a yes first: what was said yes to are the old ones.
func (r *Room) edit(ctx context.Context, pass service.Pass, old, p Post, images []Image, redrawn bool) error {
	asks, hold := p.Service != Page && p.In.Approves && !p.In.Staff && (p.Text != old.Text || redrawn), false
	if r.Screen != nil {
		shared, err := r.shared(ctx, p.Author, p)
		if err != nil {
			return err
		}
		in := ScreenIn{Author: p.Author, Ref: p.Ref(), In: p.In, Text: described(p.Text, images), Shared: shared[p.Card], Images: images, Edit: true}
		if hold, err = r.Screen(ctx, pass, in); err != nil {
			return err
		}
	}
	if err := r.store.change(ctx, pass, p); err != nil || p.State != Live {
		return err
	}
	if err := r.vanish(ctx, pass, []Post{old}); err != nil {
		return err
	}
	if !hold && !asks {
		return r.publish(ctx, pass, p)
	}
	if err := r.store.turn(ctx, pass, []who.ID{p.ID}, Live, Submitted); err != nil {
		return err
	}
	return r.submit(ctx, pass, p)
}

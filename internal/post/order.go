package post

import (
	"cmp"
	"context"
	"slices"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Order is how a place lists its posts.
type Order string

// The orders of a place.
const (
	Latest   Order = "latest"   // newest first
	Hottest  Order = "hot"      // by heat, see hot.go
	Featured Order = "featured" // those that staff features, last featured first
)

// ParseOrder reads an order from an address; anything else is [Latest].
func ParseOrder(s string) Order {
	if o := Order(s); o == Hottest || o == Featured {
		return o
	}
	return Latest
}

// Next gives the cursor below the last post of a full page in this order, the top if the page is not full: then there
// is no next.
func (o Order) Next(posts []Post, limit int) Cursor {
	c := Next(posts, limit)
	if c == (Cursor{}) {
		return c
	}
	switch p := posts[len(posts)-1]; o {
	case Latest:
	case Hottest:
		c.At = p.Hot
	case Featured:
		c.At = db.Ms(p.Featured)
	}
	return c
}

// mostPinned bounds the posts that a place pins.
const mostPinned = 3

// InPlace gives a page of a place's posts in an order, without those that are pinned but among the featured; with a topic (not 0) those of the
// topic, newest first, whatever the order. A guest of a place gets what it previews alone. The caller has asked the place already and gives what the viewer may do there;
// nothing is seen where Place.See is false. o.Next with the same limit gives the cursor of the page after it.
func (r *Room) InPlace(ctx context.Context, v who.Viewer, p Place, o Order, topic who.ID, c Cursor, limit int) ([]Post, error) {
	if !p.See {
		return nil, nil
	}
	var list []Post
	var err error
	switch {
	case p.Guest:
		list, err = r.preview(ctx, v, p, topic, c, limit)
	case topic != 0:
		list, err = r.store.inTopic(ctx, v.Account, p, topic, c, limit)
	default:
		list, err = r.store.inPlace(ctx, v.Account, p, o, c, limit)
	}
	for i := range list {
		list[i].In = p
	}
	return seen(v, list), err
}

// previewed is how many posts of a place are seen from outside where its owner lets guests see some.
const previewed = 10

// preview gives what a guest sees of a place: what is pinned and the newest posts, or those of both that are about a topic, newest first.
// There is no page after it.
func (r *Room) preview(ctx context.Context, v who.Viewer, p Place, topic who.ID, c Cursor, limit int) ([]Post, error) {
	if c != (Cursor{}) {
		return nil, nil
	}
	list, err := r.store.pinned(ctx, v.Account, p)
	if err != nil {
		return nil, err
	}
	latest, err := r.store.inPlace(ctx, v.Account, p, Latest, c, previewed)
	if err != nil {
		return nil, err
	}
	list = append(list, latest...)
	if list = list[:min(len(list), limit, previewed)]; topic == 0 {
		return list, nil
	}
	topics, err := r.store.topicsOf(ctx, idsOf(list))
	list = slices.DeleteFunc(list, func(x Post) bool {
		return !slices.ContainsFunc(topics[x.ID], func(t Topic) bool { return t.ID == topic })
	})
	slices.SortFunc(list, func(a, b Post) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	return list, err
}

// Pinned gives the posts that a place shows before all others, last pinned first, at most three.
func (r *Room) Pinned(ctx context.Context, v who.Viewer, p Place) ([]Post, error) {
	if !p.See || p.Service == Page {
		return nil, nil
	}
	list, err := r.store.pinned(ctx, v.Account, p)
	for i := range list {
		list[i].In = p
	}
	return seen(v, list), err
}

// Submitted gives a page of the posts that wait for a yes in a place, the longest waiting first; below c.At and c.ID stand
// those that came later. Forbidden if the viewer does not answer for the place. The place of own pages is Place{Service: Page}.
func (r *Room) Submitted(ctx context.Context, v who.Viewer, p Place, c Cursor, limit int) ([]Post, error) {
	if !staffed(v, Post{Service: p.Service, In: p}) {
		return nil, exit.Fail(exit.Forbidden, "post.error.staff")
	}
	list, err := r.store.submitted(ctx, v.Account, p, c, limit)
	for i := range list {
		list[i].In = p
	}
	return seen(v, list), err
}

// Waiting gives how many posts wait for a yes in a place, counted up to 100.
func (r *Room) Waiting(ctx context.Context, p Place) (int, error) { return r.store.waiting(ctx, p) }

// standing gives a post with where it stands, for a change, if allowed says so; NotFound otherwise.
func (r *Room) standing(ctx context.Context, v who.Viewer, id who.ID, allowed func(who.Viewer, Post) bool) (Post, error) {
	p, err := r.one(ctx, v, id)
	if err == nil && !allowed(v, p) {
		err = exit.Fail(exit.NotFound, "error.not_found")
	}
	return p, err
}

// Feature has a post stand among the featured of its place, or not any more. NotFound for who may not.
func (r *Room) Feature(ctx context.Context, v who.Viewer, id who.ID, on bool) error {
	return r.arrange(ctx, v, id, func(ctx context.Context, pass service.Pass, p Post) error {
		if on == !p.Featured.IsZero() {
			return nil
		}
		if err := r.store.feature(ctx, pass, p.ID, on); err != nil {
			return err
		}
		return r.noted(ctx, pass, v, deedOn(either(on, DeedFeature, DeedUnfeature), p))
	})
}

// Pin has a post stand before all others of its place, or not any more. Conflict if three are pinned already.
func (r *Room) Pin(ctx context.Context, v who.Viewer, id who.ID, on bool) error {
	return r.arrange(ctx, v, id, func(ctx context.Context, pass service.Pass, p Post) error {
		if on == !p.Pinned.IsZero() {
			return nil
		}
		if err := r.store.pin(ctx, pass, p, on); err != nil {
			return err
		}
		return r.noted(ctx, pass, v, deedOn(either(on, DeedPin, DeedUnpin), p))
	})
}

func (r *Room) arrange(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Post) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.standing(ctx, v, id, arranges)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.Place})
		if err != nil {
			return err
		}
		return fn(ctx, pass, p)
	})
}

package search

import (
	"context"
	"slices"
	"unicode"

	"exeunt/internal/service"
	"exeunt/internal/who"
)

// The bounds of an answer.
const (
	pageSize  = 20
	mostCount = 1000 // beyond it an answer says "more than 1,000"
)

// Hit is one thing that was found. The viewer may open it.
type Hit struct {
	Key   int64 // by which lists are paged
	Thing service.Thing
}

// Find gives things of a kind that have all the words that were typed, the newest first, from below a key on; 0 is the newest. Those
// whose name is just what was typed stand before the newest. Next is the key of the next page, 0 if there is none. What the viewer may
// not open is left out.
func (r *Room) Find(ctx context.Context, v who.Viewer, kind, typed string, before int64, limit int) (list []Hit, next int64, err error) {
	q, ok, err := r.ask(ctx, v, kind, typed)
	if err != nil || !ok {
		return nil, 0, err
	}
	q.before = before
	var named []hit
	if kind != Post {
		q.named = Fold(typed)
		if before == 0 {
			if named, err = r.store.begins(ctx, q, q.named, q.named, limit); err != nil {
				return nil, 0, err
			}
		}
	}
	found, err := r.store.find(ctx, q, limit+1)
	if err != nil {
		return nil, 0, err
	}
	if len(found) > limit {
		found, next = found[:limit], found[limit-1].id
	}
	list, err = r.opened(ctx, v, append(named, found...))
	return list, next, err
}

// The bounds of suggestions: of each kind.
const mostSuggested = 3

// Suggest gives circles, people and topics whose name begins with what was typed so far, then such as have it elsewhere.
func (r *Room) Suggest(ctx context.Context, v who.Viewer, typed string) ([]Hit, error) {
	var found []hit
	for _, kind := range []string{Circle, Account, Topic} {
		q, ok, err := r.ask(ctx, v, kind, typed)
		if err != nil || !ok {
			return nil, err
		}
		from := Fold(typed)
		list, err := r.store.begins(ctx, q, from, from+string(unicode.MaxRune), mostSuggested)
		if err != nil {
			return nil, err
		}
		if len(list) < mostSuggested {
			more, err := r.store.find(ctx, q, mostSuggested)
			if err != nil {
				return nil, err
			}
			for _, h := range more {
				if len(list) < mostSuggested && !slices.Contains(list, h) {
					list = append(list, h)
				}
			}
		}
		found = append(found, list...)
	}
	return r.opened(ctx, v, found)
}

// Count counts things of a kind that have all the words that were typed, up to one more than most.
func (r *Room) Count(ctx context.Context, v who.Viewer, kind, typed string, most int) (int, error) {
	q, ok, err := r.ask(ctx, v, kind, typed)
	if err != nil || !ok {
		return 0, err
	}
	return r.store.count(ctx, q, most+1)
}

// ask gives the question for what was typed; ok is false where nothing of it can be searched.
func (r *Room) ask(ctx context.Context, v who.Viewer, kind, typed string) (q lookup, ok bool, err error) {
	list := words(typed)
	if len(list) == 0 {
		return q, false, nil
	}
	circles, err := r.store.circles(ctx, v.Account)
	if err != nil {
		return q, false, err
	}
	q = newLookup(list, kind, v, circles)
	if v.Guest() {
		q.shut = service.ShutToGuests(ctx)
	}
	return q, true, nil
}

// opened asks the rooms for what was found and keeps what the viewer may open, in its order.
func (r *Room) opened(ctx context.Context, v who.Viewer, found []hit) ([]Hit, error) {
	refs := make([]who.Ref, len(found))
	for i, h := range found {
		refs[i] = h.ref
	}
	things, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return nil, err
	}
	out := make([]Hit, 0, len(found))
	for _, h := range found {
		if t, ok := things[h.ref]; ok && t.See {
			out = append(out, Hit{h.id, t})
		}
	}
	return out, nil
}

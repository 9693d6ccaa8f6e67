package talk

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Like has the viewer like a thing, in public or in private. Of a private like nobody is told and it is in no list but its owner's own; the
// thing counts both alike. A like that is there becomes what is asked for; a repeat changes nothing. Invalid for a private like
// of what is not played.
func (r *Room) Like(ctx context.Context, v who.Viewer, ref who.Ref, private bool) error {
	if private && !r.played(ref.Kind) {
		return exit.Fail(exit.Invalid, "talk.error.private")
	}
	return r.mark(ctx, v, ref, likes, private)
}

// Unlike takes a like back. It is no error if there is none.
func (r *Room) Unlike(ctx context.Context, v who.Viewer, ref who.Ref) error {
	return r.unmark(ctx, v, ref, likes)
}

// Save keeps a thing for the viewer to find again. A repeat changes nothing. Comments are kept with what they are
// about, not by themselves.
func (r *Room) Save(ctx context.Context, v who.Viewer, ref who.Ref) error {
	if ref.Kind == "comment" {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	return r.mark(ctx, v, ref, favourites, false)
}

// Unsave lets go of it.
func (r *Room) Unsave(ctx context.Context, v who.Viewer, ref who.Ref) error {
	return r.unmark(ctx, v, ref, favourites)
}

// played says whether things of a kind are played: see [service.Kind].
func (r *Room) played(kind string) bool {
	k, ok := r.Registry.Kind(kind)
	return ok && k.Played
}

// list is one of the two tables of marks.
type list string

const (
	likes      list = "likes"
	favourites list = "favourites"
)

func (r *Room) mark(ctx context.Context, v who.Viewer, ref who.Ref, l list, private bool) error {
	return notChanged(r.DB.Update(ctx, func(ctx context.Context) error {
		t, err := r.thing(ctx, v, ref)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{t.Owner}, Service: t.Service, Place: t.Place})
		if err != nil {
			return err
		}
		m := markRow{id: r.DB.IDs.Next(), account: v.Account, on: ref, service: t.Service, place: t.Place, at: pass.At, private: private}
		if r.Limit != nil {
			if err := r.Limit(ctx, v.Account, "like"); err != nil {
				return err
			}
		}
		if l == favourites {
			return r.store.addMark(ctx, pass, l, m)
		}
		return r.like(ctx, pass, m, t.Owner)
	}))
}

// like stores a like, or makes the one that is there public or private, and tells the owner of the thing of a public one.
func (r *Room) like(ctx context.Context, pass service.Pass, m markRow, owner who.ID) error {
	changed, err := r.store.setPrivate(ctx, pass, m)
	if err != nil {
		return err
	}
	if changed {
		return r.tellLike(ctx, pass, m, owner, !m.private)
	}
	if err := r.store.addMark(ctx, pass, likes, m); err != nil {
		return err
	}
	if !m.private {
		if err := r.tellLike(ctx, pass, m, owner, true); err != nil {
			return err
		}
	}
	return r.count(ctx, pass, m.on, "likes", 1)
}

// unmark asks nothing of the thing: a mark can be taken back when the thing is not to be seen any more.
func (r *Room) unmark(ctx context.Context, v who.Viewer, ref who.Ref, l list) error {
	return notChanged(r.DB.Update(ctx, func(ctx context.Context) error {
		had, err := r.store.marked(ctx, v.Account, l, ref)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: had.service, Place: had.place, Removal: true})
		if err != nil {
			return err
		}
		if err := r.store.removeMark(ctx, pass, l, v.Account, ref); err != nil || l != likes {
			return err
		}
		if err := r.tellLike(ctx, pass, markRow{account: v.Account, on: ref}, 0, false); err != nil {
			return err
		}
		return r.count(ctx, pass, ref, "likes", -1)
	}))
}

// Mark is what somebody has done with a thing.
type Mark struct {
	Liked   bool
	Private bool // the like is private
	Saved   bool
}

// Marks gives what the viewer has done with the things; each kind is asked once.
func (r *Room) Marks(ctx context.Context, v who.Viewer, refs []who.Ref) (map[who.Ref]Mark, error) {
	out := map[who.Ref]Mark{}
	for kind, ids := range byKind(refs) {
		marks, err := r.store.marks(ctx, v.Account, kind, ids)
		if err != nil {
			return nil, err
		}
		for id, m := range marks {
			out[who.Ref{Kind: kind, ID: id}] = m
		}
	}
	return out, nil
}

// Liked gives which of the things the viewer has liked, in public or in private; each kind is asked once.
func (r *Room) Liked(ctx context.Context, v who.Viewer, refs []who.Ref) (map[who.Ref]bool, error) {
	marks, err := r.Marks(ctx, v, refs)
	out := map[who.Ref]bool{}
	for ref, m := range marks {
		if m.Liked {
			out[ref] = true
		}
	}
	return out, err
}

func byKind(refs []who.Ref) map[string][]who.ID {
	out := map[string][]who.ID{}
	for _, ref := range refs {
		out[ref.Kind] = append(out[ref.Kind], ref.ID)
	}
	return out
}

// Person is a friend who likes something.
type Person struct {
	ID                    who.ID
	Name, Display, Avatar string
}

// Likers are those friends of a viewer who like a thing in public.
type Likers struct {
	People []Person // the last ones, at most three
	Count  int      // of the friends that were asked for, People among them
}

// mostFriends bounds the friends whose likes are looked for: those whom the viewer has followed last.
const mostFriends = 500

// Friends gives which friends of the viewer like each of the things in public, in one query a kind: of at most 500 friends, no one who is
// veiled, whom the viewer has muted, or between whom and the viewer a block stands.
func (r *Room) Friends(ctx context.Context, v who.Viewer, refs []who.Ref) (map[who.Ref]Likers, error) {
	out := map[who.Ref]Likers{}
	if v.Guest() {
		return out, nil
	}
	for kind, ids := range byKind(refs) {
		found, err := r.store.friends(ctx, v.Account, kind, ids)
		if err != nil {
			return nil, err
		}
		for id, l := range found {
			out[who.Ref{Kind: kind, ID: id}] = l
		}
	}
	return out, nil
}

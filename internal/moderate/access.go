package moderate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// moderates says whether the viewer answers for a place: the operator for all, staff of a circle for theirs.
func (r *Room) moderates(ctx context.Context, v who.Viewer, p Place) (yes bool, err error) {
	switch {
	case v.Guest():
		return false, nil
	case v.Operator:
		return true, nil
	case p.ID == 0 || r.Registry.Moderates == nil:
		return false, nil
	}
	return r.Registry.Moderates(ctx, v, p.Service, p.ID)
}

// may refuses who does not answer for a place, as if there were nothing.
func (r *Room) may(ctx context.Context, v who.Viewer, p Place) error {
	yes, err := r.moderates(ctx, v, p)
	if err == nil && !yes {
		err = errNone()
	}
	return err
}

// concerns refuses a circle's staff, as if there were nobody, accounts that they have nothing to do with: neither members nor askers nor authors there, and with
// nothing that was laid on them or done about them there. An operator answers for all accounts.
func (r *Room) concerns(ctx context.Context, v who.Viewer, p Place, account who.ID) error {
	if p.ID == 0 || v.Operator {
		return nil
	}
	if veiled, err := r.store.veiled(ctx, account, p.Service, p.ID); err != nil || veiled {
		return errors.Join(err, errNone())
	}
	if r.Places != nil {
		if m, ok, err := r.Places.Member(ctx, p, account); err != nil || ok || m.Asked {
			return err
		}
	}
	known, err := r.store.knownIn(ctx, p, account)
	if err == nil && !known {
		err = errNone()
	}
	return err
}

// mayLay refuses to lay something on an account: on oneself, on an operator, who can be taken out of a circle all the same, and in a circle on who stands
// as high there.
func (r *Room) mayLay(ctx context.Context, v who.Viewer, a Act) error {
	if a.About == v.Account {
		return exit.Fail(exit.Invalid, "moderate.error.self")
	}
	operates, err := r.store.operates(ctx, a.About)
	if err != nil {
		return err
	}
	if operates && a.Kind != Kick {
		return exit.Fail(exit.Forbidden, "moderate.error.operator")
	}
	return r.mayActOn(ctx, v, a.Place, a.About)
}

// mayActOn refuses to act in a circle on who stands as high there.
func (r *Room) mayActOn(ctx context.Context, v who.Viewer, p Place, account who.ID) error {
	if v.Operator || p.ID == 0 || r.Places == nil {
		return nil
	}
	theirs, ok, err := r.Places.Member(ctx, p, account)
	if err != nil || !ok || theirs.Rank == 0 {
		return err
	}
	own, _, err := r.Places.Member(ctx, p, v.Account)
	if err == nil && own.Rank <= theirs.Rank {
		err = exit.Fail(exit.Forbidden, "moderate.error.rank")
	}
	return err
}

// inSight gives what the viewer may take out of sight: a post or a comment of somebody else's that stands before others.
func (r *Room) inSight(ctx context.Context, v who.Viewer, ref who.Ref) (service.Thing, error) {
	if ref.Kind != kindPost && ref.Kind != kindComment {
		return service.Thing{}, errNone()
	}
	t, err := r.Registry.Thing(ctx, v, ref)
	if err != nil {
		return t, err
	}
	if err := r.may(ctx, v, placeOf(t)); err != nil {
		return t, err
	}
	if t.Owner == v.Account {
		return t, exit.Fail(exit.Invalid, "moderate.error.own")
	}
	stands, err := r.store.stands(ctx, ref)
	if err == nil && !stands {
		err = exit.Fail(exit.Conflict, "moderate.error.decided")
	}
	if err != nil {
		return t, err
	}
	return t, r.mayActOn(ctx, v, placeOf(t), t.Owner)
}

// undoable says whether an act can be taken back at a time.
func undoable(a Act, now time.Time) bool {
	return a.State == acting && !a.At.Add(Reversible).Before(now) && !final[a.Kind] && !lost(a)
}

// lost reports whether what an act was about has gone with its author, or a word with whoever put it into a filter or took it out.
func lost(a Act) bool {
	_, role := appointed[a.Kind]
	return a.Words == "" && (a.Kind == WordAdded || a.Kind == WordGone) || a.About == 0 && personal[a.Kind] || a.Ref.ID == 0 && (role || deeds[a.Kind] || a.Kind == Admit || a.Kind == NoticeUp || a.Kind == NoticeDown)
}

// shown says whether the viewer decides about a post that waits in the queue: then they see its images. See [post.Room.Shown].
func (r *Room) shown(ctx context.Context, v who.Viewer, p post.Post) (bool, error) {
	at, waiting, err := r.store.waits(ctx, p.Ref())
	if err != nil || !waiting {
		return false, err
	}
	if yes, err := r.moderates(ctx, v, at); err != nil || !yes {
		return false, err
	}
	veiled, err := r.store.veiled(ctx, p.Author, p.Service, p.Place)
	return !veiled, err
}

// fromAbove reports whether an act in a circle was done by an operator who is not of its staff: then the circle's staff does not take it back.
func (r *Room) fromAbove(ctx context.Context, a Act) (yes bool, err error) {
	if a.Place.ID == 0 || a.By == 0 {
		return false, nil
	}
	if r.Places != nil {
		if m, _, err := r.Places.Member(ctx, a.Place, a.By); err != nil || m.Rank > 0 {
			return false, err
		}
	}
	return r.store.operates(ctx, a.By)
}

// mayUndo refuses who does not answer for the place of an act, and in a circle who stands below whoever did it, or not above a role that was given or taken.
func (r *Room) mayUndo(ctx context.Context, v who.Viewer, a Act) error {
	if err := r.may(ctx, v, a.Place); err != nil || v.Operator || a.Place.ID == 0 || r.Places == nil {
		return err
	}
	if given, ok := appointed[a.Kind]; ok && !lost(a) {
		if err := r.mayAppoint(ctx, v, a, given); err != nil {
			return err
		}
	}
	if a.By == v.Account {
		return nil
	}
	above, err := r.fromAbove(ctx, a)
	if err != nil {
		return err
	}
	theirs, _, err := r.Places.Member(ctx, a.Place, a.By)
	if err != nil {
		return err
	}
	own, _, err := r.Places.Member(ctx, a.Place, v.Account)
	if err == nil && (above || theirs.Rank > own.Rank) {
		err = errAbove()
	}
	return err
}

// mayAppoint refuses to take an appointment back who does not stand above the role that was given and the one that was had before: only they could
// have appointed.
func (r *Room) mayAppoint(ctx context.Context, v who.Viewer, a Act, given int) error {
	had, err := strconv.Atoi(a.Detail)
	if err != nil {
		return fmt.Errorf("read what somebody was: %w", err)
	}
	own, _, err := r.Places.Member(ctx, a.Place, v.Account)
	if err == nil && own.Rank <= max(had, given) {
		err = errAbove()
	}
	return err
}

func errAbove() error { return exit.Fail(exit.Forbidden, "moderate.error.above") }

// mayDecide refuses who acted to decide about the appeal, where there is somebody else who could.
func (r *Room) mayDecide(ctx context.Context, v who.Viewer, a Act) error {
	if a.About == v.Account {
		return errNone()
	}
	if err := r.may(ctx, v, a.Place); err != nil {
		return err
	}
	above, err := r.fromAbove(ctx, a)
	if err == nil && above && !v.Operator {
		err = errAbove()
	}
	if err != nil || a.By != v.Account {
		return err
	}
	others, err := r.others(ctx, a, above)
	if err == nil && others {
		err = exit.Fail(exit.Forbidden, "moderate.error.own_act")
	}
	return err
}

// others reports whether somebody besides who acted, and whom it was about, decides about an act: those who answer for its place, or, if it came from
// above, operators alone.
func (r *Room) others(ctx context.Context, a Act, above bool) (yes bool, err error) {
	places := []Place{Everywhere}
	if a.Place.ID != 0 && !above {
		places = append(places, a.Place)
	}
	for _, p := range places {
		ids, err := r.staff(ctx, p, a.By)
		if err != nil {
			return false, err
		}
		for _, id := range ids {
			if id != a.About {
				return true, nil
			}
		}
	}
	return false, nil
}

package moderate

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// The states of an appeal.
const (
	waiting = "open"
	granted = "granted" // the act was taken back
	refused = "refused" // it stands
)

// Appeal is what somebody says against an act about them. There is one an act.
type Appeal struct {
	ID      who.ID
	Act     who.ID
	By      who.ID
	Place   Place
	Words   string
	Answer  string
	State   string
	At      time.Time // UTC
	Decided time.Time // UTC; zero while it waits
}

// Appeal asks that an act about the viewer be looked at again. NotFound for other acts, Conflict for a second time and for
// what was taken back meanwhile, Invalid without words.
func (r *Room) Appeal(ctx context.Context, v who.Viewer, act who.ID, words string) error {
	words, err := cleanWords(words)
	if err != nil {
		return err
	}
	if words == "" {
		return exit.Fail(exit.Invalid, "moderate.error.appeal_words")
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		a, err := r.store.oneAct(ctx, act, true)
		if err != nil {
			return err
		}
		if v.Guest() || a.About != v.Account || !personal[a.Kind] {
			return errNone()
		}
		if a.State != acting {
			return exit.Fail(exit.Conflict, "moderate.error.undone")
		}
		// Whom an act keeps from writing may still appeal.
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		fresh, err := r.store.addAppeal(ctx, pass, Appeal{ID: r.DB.IDs.Next(), Act: act, By: v.Account, Place: a.Place, Words: words})
		if err != nil {
			return err
		}
		if !fresh {
			return exit.Fail(exit.Conflict, "moderate.error.appealed")
		}
		return r.tellAppeal(ctx, pass, a)
	})
}

// tellAppeal tells those who may decide: of the circle, if somebody else than who acted is there, and the operator else.
func (r *Room) tellAppeal(ctx context.Context, pass service.Pass, a Act) error {
	to := a.Place
	above, err := r.fromAbove(ctx, a)
	if err != nil {
		return err
	}
	if above {
		to = Everywhere
	}
	ids, err := r.staff(ctx, to, a.By)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		to = Everywhere
		if ids, err = r.staff(ctx, to, 0); err != nil {
			return err
		}
	}
	var list []notify.Notice
	for _, id := range ids {
		list = append(list, notify.Notice{To: id, Kind: notify.Appealed, By: a.About, On: actRef(a.ID), Service: a.Place.Service, Place: a.Place.ID})
	}
	return r.notice(ctx, pass, list...)
}

// Appeals gives a page of those that wait in a place, the oldest first, from above the appeal after on. The operator's own place has those
// of all.
func (r *Room) Appeals(ctx context.Context, v who.Viewer, p Place, after who.ID, limit int) ([]Appeal, error) {
	if err := r.may(ctx, v, p); err != nil {
		return nil, err
	}
	return r.store.appeals(ctx, p, after, limit)
}

// Settle decides an appeal: granted, and the act is taken back, or refused. Who acted does not decide where somebody else
// could. Conflict for what is decided already.
func (r *Room) Settle(ctx context.Context, v who.Viewer, act who.ID, grant bool, answer string) error {
	answer, err := cleanWords(answer)
	if err != nil {
		return err
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		a, err := r.store.oneAct(ctx, act, true)
		if err != nil {
			return err
		}
		if err := r.mayDecide(ctx, v, a); err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: a.Place.Service, Place: a.Place.ID, Removal: true})
		if err != nil {
			return err
		}
		state := refused
		if grant {
			state = granted
		}
		n, err := r.store.settle(ctx, pass, act, v.Account, state, answer)
		if err != nil {
			return err
		}
		if n == 0 {
			return exit.Fail(exit.Conflict, "moderate.error.decided")
		}
		if err := r.settled(ctx, pass, v, a, grant, answer); err != nil {
			return err
		}
		return r.notice(ctx, pass, notify.Notice{To: a.About, Kind: notify.Decided, On: actRef(a.ID), Service: a.Place.Service, Place: a.Place.ID})
	})
}

// settled takes the act back, or puts into the log that it stands.
func (r *Room) settled(ctx context.Context, pass service.Pass, v who.Viewer, a Act, grant bool, answer string) error {
	if !grant {
		return r.act(ctx, pass, &Act{Kind: Uphold, Ref: a.Ref, Place: a.Place, About: a.About, By: v.Account, Of: a.ID})
	}
	if a.State != acting {
		return nil
	}
	if err := r.reverse(ctx, pass, a); err != nil {
		return err
	}
	if err := r.store.setActState(ctx, pass, a.ID, undone); err != nil {
		return err
	}
	if err := r.act(ctx, pass, &Act{Kind: Undo, Ref: a.Ref, Place: a.Place, About: a.About, By: v.Account, Of: a.ID}); err != nil {
		return err
	}
	return r.claimFollows(ctx, pass, a, v.Account, answer)
}

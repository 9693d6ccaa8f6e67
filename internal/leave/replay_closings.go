package leave

import (
	"context"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
)

// closeAllAgain begins closings again in the order in which they were agreed: an account's closing may follow that of
// a part of it, which goes on beside it, and not the other way round. It gives the ids of those that have begun.
func (l *Room) closeAllAgain(ctx context.Context, ids []string, done *Replayed) (map[string]bool, error) {
	var closings []Entry
	for _, id := range ids {
		e, err := l.Outside.Journey(ctx, id, "closing")
		if err != nil {
			return nil, err
		}
		if e.Ask == nil || e.Run != id {
			return nil, exit.Fail(exit.Invalid, "error.no_run")
		}
		if there, err := l.there(ctx, e.Ask.Subject); err != nil {
			return nil, err
		} else if there {
			closings = append(closings, e)
		}
	}
	slices.SortFunc(closings, func(a, b Entry) int { return a.At.Compare(b.At) })
	begun := map[string]bool{}
	for _, e := range closings {
		if err := l.closeAgain(ctx, e, done); err != nil {
			return nil, err
		}
		begun[e.Run] = true
	}
	return begun, nil
}

// closeAgain begins a closing again, under the policy under which it was agreed and with its slip.
func (l *Room) closeAgain(ctx context.Context, e Entry, done *Replayed) error {
	engine, err := l.engineUnder(ctx, e)
	if err != nil {
		return err
	}
	begin := func(ask exit.Ask) error {
		return l.DB.Update(ctx, func(ctx context.Context) error {
			if _, err := engine.Replay(ctx, e.Run, ask, e.At); err != nil {
				return err
			}
			return l.slipAgain(ctx, e.Run, time.Time{})
		})
	}
	ask := *e.Ask
	err = begin(ask)
	if ask.Heir != "" && exit.KindOf(err) == exit.Invalid {
		ask.Heir = "" // who has left meanwhile inherits nothing
		err = begin(ask)
	}
	if exit.KindOf(err) == exit.Conflict {
		n, cleared := l.clearWay(ctx, ask.Subject, e.At)
		if cleared != nil {
			return cleared
		}
		if done.Undone += n; n > 0 {
			err = begin(ask)
		}
	}
	if err != nil {
		return fmt.Errorf("begin closing %s again: %w", e.Run, err)
	}
	done.Closings++
	return nil
}

// clearWay ends the closings that stand in the way of one that was agreed at an instant, and gives their number. The
// person could agree only because each of them was over by then, though the list does not say how: so none of them
// erases anything more. A closing that was agreed later stays: then this is not the database that the list
// belongs to, and nothing may be served from it.
func (l *Room) clearWay(ctx context.Context, s exit.Subject, agreed time.Time) (n int, err error) {
	runs, err := l.DB.Runs.Open(ctx, s.Whole())
	if err != nil {
		return 0, fmt.Errorf("read open runs: %w", err)
	}
	for _, r := range runs {
		if r.Run.Journey != exit.Close || !r.Run.Subject.Covers(s) || !r.Run.Agreed.Before(agreed) {
			continue
		}
		if err := l.end(ctx, r); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// end ends a closing without erasing more than it has: one that has erased all comes to its own end, any other is undone.
func (l *Room) end(ctx context.Context, r exit.RunFact) error {
	if slices.ContainsFunc(r.Steps, func(s exit.StepStatus) bool { return s.Act.Irreversible() && !s.State.Ended() }) {
		return l.undoAgain(ctx, r.Run)
	}
	if err := l.hurry(ctx, r.Run.ID); err != nil {
		return err
	}
	return l.workAll(ctx, 1)
}

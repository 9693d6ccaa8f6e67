package leave

import (
	"context"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
)

// goneAtOnce is how many runs of accounts that are gone are ended at a time.
const goneAtOnce = 500

// endGone ends the runs of accounts that are gone: after a restore they are open in the database, and
// name who was erased. One whose step fails is an error, Unavailable: something of the account may be left, and
// nothing may be served. What waits at a closed gate goes on waiting, as does what another node works on.
func (l *Room) endGone(ctx context.Context) error {
	for after := ""; ; {
		ids, err := l.openRunsOfGone(ctx, after, goneAtOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := l.hurry(ctx, id); err != nil {
				return err
			}
		}
		if err := l.workAll(ctx, len(ids)); err != nil {
			return err
		}
		for _, id := range ids {
			if err := l.wantEnding(ctx, id); err != nil {
				return err
			}
		}
		after = ids[len(ids)-1]
	}
}

// wantEnding asks that no step of a run has failed.
func (l *Room) wantEnding(ctx context.Context, id string) error {
	_, steps, err := l.DB.Runs.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	for _, s := range steps {
		if s.State == exit.StepStuck || s.State == exit.StepWaiting && s.Problem != "" && !s.Gated {
			return fmt.Errorf("end run of an account that is gone: %w", exit.Fail(exit.Unavailable, "error.gone_not_ended", "run", id, "step", s.Key))
		}
	}
	return nil
}

// workAll works on what is due if some of it was put there.
func (l *Room) workAll(ctx context.Context, n int) (err error) {
	for n > 0 {
		if n, err = l.Engine.Work(ctx, 100); err != nil {
			return fmt.Errorf("end runs: %w", err)
		}
	}
	return nil
}

// hurry has all that is left of a run done at once, but for what waits at a closed gate. A step that failed is tried anew.
func (l *Room) hurry(ctx context.Context, id string) error {
	r, steps, err := l.DB.Runs.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	a := exit.Alteration{Now: now, Due: map[string]time.Time{}}
	shut := behindGates(steps)
	for _, s := range steps {
		failed := s.State == exit.StepStuck || s.Problem != ""
		if s.State.Ended() || shut[s.Key] || !s.At.After(now) && !failed {
			continue
		}
		a.DueNow = append(a.DueNow, s.Key)
		if !s.At.After(now) { // what is due keeps its date: that is what was promised
			a.Due[s.Key] = s.At
		}
	}
	if len(a.DueNow) == 0 {
		return nil
	}
	if err := l.DB.Runs.Alter(ctx, id, r.Version, a); err != nil {
		return fmt.Errorf("hurry run: %w", err)
	}
	return nil
}

// behindGates gives the keys of the gates that were found closed, and of all that waits for them.
func behindGates(steps []exit.StepStatus) map[string]bool {
	shut := map[string]bool{}
	for more := true; more; {
		more = false
		for _, s := range steps {
			waits := s.Gated || slices.ContainsFunc(s.After, func(key string) bool { return shut[key] })
			if waits && !s.State.Ended() && !shut[s.Key] {
				shut[s.Key], more = true, true
			}
		}
	}
	return shut
}

package leave

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/job"
)

// The kinds of the entries of sunsets. A phase's has its word after the prefix.
const (
	kindSunset = "sunset"
	kindPhase  = "phase-"
)

// Published gives the entry of a calendar that is published as a run's, for [Room.Remember].
func Published(run exit.Run, ask exit.Ask, why string) Entry {
	return Entry{Kind: kindSunset, Run: run.ID, Subject: run.Subject.String(), Journey: run.Journey, Ask: &ask, At: run.Agreed, Policy: run.Policy, Why: why}
}

// ReachedPhase gives the entry of a phase that began to hold.
func ReachedPhase(run, word string, at time.Time) Entry {
	return Entry{Kind: kindPhase + word, Run: run, At: at}
}

// Remember puts an entry of a sunset on the list outside, in the transaction of what it is about. An entry of the same run and kind is written over.
func (l *Room) Remember(ctx context.Context, e Entry) error {
	if err := l.enqueue(ctx, exit.Subject{}, 0, journeyName(e.Run, e.Kind), e); err != nil {
		return err
	}
	return l.Queue.Add(ctx, job.Job{Kind: jobSequence, Ref: "1"})
}

// replaySunsets publishes calendars again that the database has forgotten, and withdraws again what was withdrawn, all in the order in which it happened: a
// later version takes the place of an earlier one as it did. Phases began when they began; what may not be read by now is out of sight before anything is served.
func (l *Room) replaySunsets(ctx context.Context, runs map[string][]string, done *Replayed, from int64) error {
	if len(runs) == 0 || l.Endings == nil {
		return nil
	}
	happened, err := l.sunsetEntries(ctx, runs)
	if err != nil {
		return err
	}
	begun := map[string]bool{}
	for _, e := range happened {
		if e.Kind == kindSunset {
			var anew bool
			if anew, err = l.publishAgain(ctx, e, runs[e.Run]); anew {
				begun[e.Run] = true
				done.Sunsets++
			}
		} else {
			var undone bool
			if undone, err = l.withdrawAgain(ctx, e); undone {
				done.Undone++
			}
		}
		if err != nil {
			return err
		}
	}
	if err := l.Endings.CatchUp(ctx); err != nil {
		return fmt.Errorf("catch up with sunsets: %w", err)
	}
	if len(begun) == 0 {
		return nil
	}
	return l.Outside.Erased(ctx, from, func(e Entry) error {
		if begun[e.Run] {
			return l.recall(ctx, e)
		}
		return nil
	})
}

// sunsetEntries reads what was published and withdrawn, in the order in which it happened.
func (l *Room) sunsetEntries(ctx context.Context, runs map[string][]string) ([]Entry, error) {
	var out []Entry
	for id, kinds := range runs {
		for _, kind := range kinds {
			if kind != kindSunset && kind != "undone" {
				continue
			}
			e, err := l.Outside.Journey(ctx, id, kind)
			if err != nil {
				return nil, err
			}
			if e.Run != id || e.Kind != kind || kind == kindSunset && e.Ask == nil {
				return nil, exit.Fail(exit.Invalid, "error.no_run")
			}
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int {
		if c := a.At.Compare(b.At); c != 0 || a.Kind == b.Kind {
			return c
		}
		// At the same instant one was withdrawn, and the next published; or one was published, and withdrawn at once.
		if (a.Kind == kindSunset) == (a.Run == b.Run) {
			return -1
		}
		return 1
	})
	return out, nil
}

// publishAgain publishes a calendar again unless the database has its run, with the run's id and under its policy, and notes when its phases began.
func (l *Room) publishAgain(ctx context.Context, e Entry, kinds []string) (begun bool, err error) {
	cal, err := exit.ParseSunset([]byte(e.Ask.Calendar))
	if err != nil {
		return false, fmt.Errorf("calendar of run %s: %w", e.Run, err)
	}
	_, _, err = l.DB.Runs.Load(ctx, e.Run)
	switch {
	case exit.KindOf(err) == exit.NotFound:
		begun = true
	case err != nil:
		return false, fmt.Errorf("read run: %w", err)
	}
	engine, err := l.engineUnder(ctx, e)
	if err != nil {
		return false, err
	}
	err = l.DB.Update(ctx, func(ctx context.Context) error {
		if begun {
			if err := l.Endings.Republish(ctx, cal, e.Run, e.Why, e.At); err != nil {
				return err
			}
			if _, err := engine.Replay(ctx, e.Run, *e.Ask, e.At); err != nil {
				return err
			}
		}
		for _, kind := range kinds {
			word, ok := strings.CutPrefix(kind, kindPhase)
			if !ok {
				continue
			}
			p, err := l.Outside.Journey(ctx, e.Run, kind)
			if err != nil {
				return err
			}
			if err := l.Endings.Reached(ctx, cal.Name, word, p.At); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("publish sunset %s again: %w", cal.Name, err)
	}
	return begun, nil
}

// withdrawAgain withdraws what the database still believes in.
func (l *Room) withdrawAgain(ctx context.Context, e Entry) (bool, error) {
	run, _, err := l.DB.Runs.Load(ctx, e.Run)
	if err != nil {
		return false, fmt.Errorf("read run: %w", err)
	}
	if !run.State.Open() {
		return false, nil
	}
	if err := l.undoAgain(ctx, run); err != nil {
		return false, err
	}
	return true, l.DB.Update(ctx, func(ctx context.Context) error { return l.Endings.Over(ctx, e.Run, e.At) })
}

// engineUnder gives the engine with the policy under which something was agreed, if the list has it.
func (l *Room) engineUnder(ctx context.Context, e Entry) (*exit.Engine, error) {
	engine := *l.Engine
	source, err := l.Outside.Policy(ctx, e.Policy)
	if err != nil {
		return nil, err
	}
	if source != nil && e.Policy != engine.Policy.Hash() {
		if engine.Policy, err = exit.ParsePolicy(source); err != nil {
			return nil, fmt.Errorf("policy of run %s: %w", e.Run, err)
		}
	}
	return &engine, nil
}

// dropWords cancels what a sunset that is over would still say, and everybody's archives: there is nothing left to be told or packed.
func (l *Room) dropWords(ctx context.Context, id string) error {
	r, steps, err := l.DB.Runs.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	a := exit.Alteration{Now: now}
	for _, s := range steps {
		if !s.State.Ended() && (s.Act == exit.ActRemind || s.Act == exit.ActPack) {
			a.Cancel = append(a.Cancel, s.Key)
		}
	}
	if len(a.Cancel) == 0 {
		return nil
	}
	if err := l.DB.Runs.Alter(ctx, id, r.Version, a); err != nil {
		return fmt.Errorf("drop what is over: %w", err)
	}
	return nil
}

// dateEnds notes when the sunsets ended whose certificates were brought back.
func (l *Room) dateEnds(ctx context.Context, sunsets map[string][]string, certified []string) error {
	for _, id := range certified {
		if _, ok := sunsets[id]; !ok || l.Endings == nil {
			continue
		}
		e, err := l.Outside.Journey(ctx, id, "certificate")
		if err != nil {
			return err
		}
		if err := l.DB.Update(ctx, func(ctx context.Context) error { return l.Endings.Over(ctx, id, e.Sealed.Run.Ended) }); err != nil {
			return err
		}
	}
	return nil
}

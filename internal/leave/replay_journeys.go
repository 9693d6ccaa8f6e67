package leave

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// missing is what the list outside knows of runs and the database does not, as ids of runs.
type missing struct {
	undone, closings, certificates []string
	sunsets                        map[string][]string // all runs of sunsets, known ones too, with the kinds of their entries
}

// replayJourneys undoes closings that the database still believes in, publishes sunsets again, begins closings again that it has
// forgotten, and brings certificates and slips back. A closing comes after what was undone: the account
// may have closed, come back and closed again. From is the first leaf that was lost.
func (l *Room) replayJourneys(ctx context.Context, done *Replayed, from int64) error {
	m, err := l.missing(ctx)
	if err != nil {
		return err
	}
	for _, id := range m.undone {
		run, _, err := l.DB.Runs.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		if there, err := l.there(ctx, run.Subject); err != nil || !there {
			if err != nil {
				return err
			}
			continue
		}
		if err := l.undoAgain(ctx, run); err != nil {
			return err
		}
		done.Undone++
	}
	if err := l.replaySunsets(ctx, m.sunsets, done, from); err != nil {
		return err
	}
	for _, id := range m.certificates {
		if err := l.certifyAgain(ctx, id); err != nil {
			return err
		}
		done.Certificates++
	}
	if err := l.workAll(ctx, len(m.certificates)); err != nil {
		return err
	}
	if err := l.dateEnds(ctx, m.sunsets, m.certificates); err != nil {
		return err
	}
	begun, err := l.closeAllAgain(ctx, m.closings, done)
	if err != nil || len(begun) == 0 {
		return err
	}
	return l.Outside.Erased(ctx, from, func(e Entry) error {
		if begun[e.Run] {
			return l.recall(ctx, e)
		}
		return nil
	})
}

// missing compares the list with the database, some hundred runs at a time.
func (l *Room) missing(ctx context.Context) (missing, error) {
	m := missing{sunsets: map[string][]string{}}
	kinds := map[string][]string{}
	compare := func() error {
		if len(kinds) == 0 {
			return nil
		}
		known, err := l.knownRuns(ctx, kinds)
		if err != nil {
			return err
		}
		for id, has := range kinds {
			if slices.Contains(has, kindSunset) {
				m.sunsets[id] = has
			}
			run, there := known[id]
			undone := slices.Contains(has, "undone")
			certified := slices.Contains(has, "certificate")
			switch {
			case certified:
				if !run.certified {
					m.certificates = append(m.certificates, id)
				}
			case undone && there && run.state.Open():
				m.undone = append(m.undone, id)
			case !undone && !there && slices.Contains(has, "closing"):
				m.closings = append(m.closings, id)
			}
		}
		clear(kinds)
		return nil
	}
	err := l.Outside.Journeys(ctx, func(run string, has []string) error {
		kinds[run] = has
		if len(kinds) < 500 {
			return nil
		}
		return compare()
	})
	if err = errors.Join(err, compare()); err != nil {
		return m, fmt.Errorf("compare the list outside: %w", err)
	}
	for _, ids := range [][]string{m.undone, m.closings, m.certificates} {
		slices.Sort(ids)
	}
	return m, nil
}

func (l *Room) there(ctx context.Context, s exit.Subject) (bool, error) {
	id, ok := who.ParseID(s.ID)
	if !ok || s.Kind != exit.SubjectAccount {
		return false, nil
	}
	return l.Accounts.Exists(ctx, id)
}

// undoAgain takes a closing or a sunset back as it was taken back.
func (l *Room) undoAgain(ctx context.Context, run exit.Run) error {
	ask := exit.Ask{Subject: run.Subject, Journey: exit.Return, Run: run.ID}
	if run.Journey == exit.Sunset {
		ask.Journey = exit.Withdraw
	}
	plan, err := l.Engine.Preview(ctx, ask)
	if err != nil {
		return fmt.Errorf("undo closing again: %w", err)
	}
	if _, _, err = l.Engine.Agree(ctx, ask, plan.Hash(), "replay"); err != nil {
		return fmt.Errorf("undo closing again: %w", err)
	}
	return nil
}

// slipAgain brings a run's slip back.
func (l *Room) slipAgain(ctx context.Context, id string, until time.Time) error {
	e, err := l.Outside.Journey(ctx, id, "slip")
	if exit.KindOf(err) == exit.NotFound {
		return nil // agreed without one
	}
	if err != nil {
		return err
	}
	return l.restoreSlip(ctx, id, e.Slip, until)
}

// certificateEntry is what the list keeps of a certificate: with the run as it ended, which names nobody.
func certificateEntry(r exit.Run, steps []exit.StepStatus, file []byte, at, slip time.Time) Entry {
	plan := *r.Plan
	plan.Subject, plan.Steps = "", slices.Clone(plan.Steps)
	for i := range plan.Steps {
		plan.Steps[i].Subject, plan.Steps[i].Choice = "", ""
	}
	r.Subject, r.Plan = exit.Subject{}, &plan
	steps = slices.Clone(steps)
	for i := range steps {
		steps[i].Subject, steps[i].Choice, steps[i].Cursor = "", "", ""
	}
	return Entry{
		Kind: "certificate", Run: r.ID, At: at, Until: db.Ms(slip), Policy: r.Policy, Certificate: string(file), Sealed: &sealed{r, steps},
	}
}

// certifyAgain brings a certificate back, and its run and slip where the backup is older than they are.
func (l *Room) certifyAgain(ctx context.Context, id string) error {
	e, err := l.Outside.Journey(ctx, id, "certificate")
	if err != nil {
		return err
	}
	if e.Sealed == nil || e.Run != id || e.Sealed.Run.ID != id || e.Sealed.Run.Plan == nil {
		return exit.Fail(exit.Invalid, "error.no_certificate")
	}
	source, err := l.Outside.Policy(ctx, e.Policy)
	if err != nil {
		return err
	}
	return l.DB.Update(ctx, func(ctx context.Context) error {
		run, _, err := l.DB.Runs.Load(ctx, id)
		switch {
		case exit.KindOf(err) == exit.NotFound:
			if err = l.DB.Runs.Add(ctx, e.Sealed.Run, e.Sealed.Steps, source); err == nil {
				err = l.Engine.EndHolds(ctx, e.Sealed.Run, e.Sealed.Steps)
			}
		case err == nil && run.State.Open(): // all that it has to do was done again: only its end is left
			if run.Journey == exit.Sunset {
				err = l.dropWords(ctx, id)
			}
			if err == nil {
				err = l.hurry(ctx, id)
			}
		}
		if err != nil {
			return fmt.Errorf("bring run back: %w", err)
		}
		if err := l.forgetSalt(ctx, id); err != nil {
			return err
		}
		if _, err := l.addCertificate(ctx, id, e.Certificate, e.At); err != nil {
			return err
		}
		return l.slipAgain(ctx, id, db.Time(e.Until))
	})
}

package exit

import (
	"context"
	"fmt"
	"time"
)

// seal ends a run. Its steps are compared with the holders of this day first: a class that the
// plan did not know and that has data of the subject gets a step of its own, an amendment.
func (e *Engine) seal(ctx context.Context, l Lease) error {
	return e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		run, steps, err := e.Store.Load(ctx, l.Run.ID)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		if run.Journey == Close || run.Journey == Sunset {
			added, err := e.amendments(ctx, run, steps, now)
			if err != nil {
				return err
			}
			if len(added) > 0 {
				if err := e.Store.Alter(ctx, run.ID, run.Version, Alteration{Now: now, Add: added}); err != nil {
					return fmt.Errorf("amend run: %w", err)
				}
				return e.settle(ctx, l, Settlement{State: StepWaiting, Now: now})
			}
		}
		if err := e.settle(ctx, l, Settlement{State: StepVerified, Now: now}); err != nil {
			return err
		}
		if err := e.endOthers(ctx, run, now); err != nil {
			return err
		}
		if run.Journey == Close || run.Journey == Sunset {
			if err := e.endHolds(ctx, run, steps, now); err != nil {
				return err
			}
		}
		if run.Journey == Close && !e.forgets(run) { // what is left of the subject may begin there anew
			if err := e.reopen(ctx, run, steps, now); err != nil {
				return err
			}
		}
		run.State, run.Ended = RunSealed, now
		a := Alteration{State: RunSealed, Now: now, Forget: e.forgets(run)}
		if err := e.tell(ctx, run); err != nil {
			return err
		}
		if err := e.certify(ctx, run, steps); err != nil {
			return err
		}
		if err := e.Store.Alter(ctx, run.ID, run.Version, a); err != nil {
			return fmt.Errorf("end run: %w", err)
		}
		return nil
	})
}

func (e *Engine) certify(ctx context.Context, run Run, steps []StepStatus) error {
	switch {
	case run.Journey == EndHold && e.Extend != nil:
		if err := e.Extend(ctx, run.Subject.ID, run, steps); err != nil {
			return fmt.Errorf("extend certificate: %w", err)
		}
	case run.Journey != EndHold && e.Certify != nil:
		if err := e.Certify(ctx, run, steps); err != nil {
			return fmt.Errorf("certify: %w", err)
		}
	}
	return nil
}

// endOthers ends the runs that a closed account leaves open: a hibernation, an archive's last days.
func (e *Engine) endOthers(ctx context.Context, run Run, now time.Time) error {
	if !e.forgets(run) {
		return nil
	}
	others, err := e.Store.Open(ctx, run.Subject.Whole())
	if err != nil {
		return fmt.Errorf("read open runs: %w", err)
	}
	for _, o := range others {
		if o.Run.ID == run.ID {
			continue
		}
		a := Alteration{State: RunCancelled, Now: now}
		if o.Run.Journey == Close {
			a.State = "" // the closing of a part has had its steps satisfied, and seals itself: now, it names who is gone
		}
		for _, s := range o.Steps {
			switch {
			case s.State.Ended():
			case o.Run.Journey == Close:
				a.DueNow = append(a.DueNow, s.Key)
			case s.Act.Irreversible() && s.Started(): // what has been begun is finished
				a.DueNow = append(a.DueNow, s.Key)
			default:
				a.Cancel = append(a.Cancel, s.Key)
			}
		}
		if err := e.Store.Alter(ctx, o.Run.ID, o.Run.Version, a); err != nil {
			return fmt.Errorf("end run %s: %w", o.Run.ID, err)
		}
	}
	return nil
}

func (e *Engine) forgets(r Run) bool {
	if e.Forget != nil {
		return e.Forget(r)
	}
	return r.Journey == Close && r.Subject.In == ""
}

// amendments finds classes that have data of the subject and no step. A class whose step was
// cancelled by a void gate has one.
func (e *Engine) amendments(ctx context.Context, run Run, steps []StepStatus, now time.Time) ([]StepStatus, error) {
	known := map[string]bool{}
	for _, s := range steps {
		if s.Class != "" {
			known[s.ClassID()] = true
		}
	}
	policy, err := e.PolicyOf(ctx, run)
	if err != nil {
		return nil, err
	}
	m := &maker{policy: policy, ask: Ask{Subject: run.Subject, Journey: Close, Now: true}, day: DateOf(now, policy.Zone)}
	m.plan = &Plan{}
	var out []StepStatus
	for _, h := range e.Holders {
		for _, c := range h.Classes() {
			cf := ClassFact{Holder: h.Name(), Class: c}
			if known[cf.ID()] || c.Subject == SubjectPerson && !run.Subject.Ending() || !m.touches(cf) {
				continue
			}
			left, err := e.look(ctx, h, Task{Run: run.ID, Subject: run.Subject, Class: c.Name, Manner: Erase, Now: now})
			if err != nil {
				return nil, fmt.Errorf("look for %s: %w", cf.ID(), err)
			}
			if left.Left == 0 {
				continue
			}
			if err := e.holdFrom(ctx, policy, run.Subject, cf, &m.facts); err != nil {
				return nil, err
			}
			s, err := m.class(cf)
			if err != nil {
				return nil, err
			}
			s.After = nil
			out = append(out, StepStatus{Step: s, Seq: len(steps) + len(out), State: StepWaiting, At: now, Amended: true})
		}
	}
	return out, nil
}

// Knock has the closed gates of a subject asked again at once, because something has happened.
func (e *Engine) Knock(ctx context.Context, whole Subject) error {
	now, err := e.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	runs, err := e.Store.Open(ctx, whole)
	if err != nil {
		return fmt.Errorf("read open runs: %w", err)
	}
	for _, r := range runs {
		a := Alteration{Now: now, Due: map[string]time.Time{}}
		for _, s := range r.Steps {
			if s.Act == ActGate && s.State == StepWaiting && s.Gated {
				a.Due[s.Key] = now
			}
		}
		if len(a.Due) == 0 {
			continue
		}
		if err := e.Store.Alter(ctx, r.Run.ID, r.Run.Version, a); err != nil {
			return fmt.Errorf("knock at run %s: %w", r.Run.ID, err)
		}
	}
	return nil
}

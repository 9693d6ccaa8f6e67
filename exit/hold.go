package exit

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SubjectHold is the kind of subject whose data a run keeps under hold; its ID is the run's.
const SubjectHold = "hold"

// Held gives the subject of what a run keeps under hold. It names the run and nobody.
func Held(run string) Subject { return Subject{Kind: SubjectHold, ID: run} }

// EndHold is the journey of the run that erases what was held when the hold is over. Nobody asks
// for it: the engine writes it when the hold is carried out.
const EndHold Journey = "end-hold"

// holds asks from which day the terms of holds count: the last order, say.
func (e *Engine) holds(ctx context.Context, ask Ask, f *Facts) error {
	if ask.Journey != Close {
		return nil
	}
	for _, c := range f.Classes {
		if err := e.holdFrom(ctx, e.Policy, ask.Subject, c, f); err != nil {
			return err
		}
	}
	return nil
}

// holdFrom asks it of one class's holder, where the policy says to hold the class.
func (e *Engine) holdFrom(ctx context.Context, policy *Policy, s Subject, c ClassFact, f *Facts) error {
	p := policy.Class(c.ID())
	h, err := e.holder(c.Holder)
	if err != nil {
		return err
	}
	keeper, ok := h.(HoldKeeper)
	if p.Manner != Hold || !ok {
		return nil
	}
	from, err := keeper.HoldFrom(ctx, s, c.Name, p.From)
	if err != nil {
		return fmt.Errorf("read the start of the hold of %s: %w", c.ID(), err)
	}
	if f.HoldFrom == nil {
		f.HoldFrom = map[string]Date{}
	}
	f.HoldFrom[c.ID()] = from
	return nil
}

// EndHolds writes, for each hold of a run that was carried out, the run that ends it: an erasure at
// the end of the hold's last day in the plan's zone, then its seal. One that is there already is left
// as it is. The engine does so itself in the transaction that ends the hold's step, so that no return
// loses it, and once more at the seal; who brings a run back from elsewhere has to ask for it.
func (e *Engine) EndHolds(ctx context.Context, r Run, steps []StepStatus) error {
	return e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		return e.endHolds(ctx, r, steps, now)
	})
}

func (e *Engine) endHolds(ctx context.Context, r Run, steps []StepStatus, now time.Time) error {
	for _, s := range steps {
		if s.Act != ActHold || s.State != StepExcepted || s.Until.IsZero() {
			continue
		}
		if err := e.endHold(ctx, r, s, now); err != nil {
			return fmt.Errorf("write the end of %s: %w", s.Key, err)
		}
	}
	return nil
}

func (e *Engine) endHold(ctx context.Context, r Run, hold StepStatus, now time.Time) error {
	id := endID(r.ID, hold.Key)
	if _, _, err := e.Store.Load(ctx, id); KindOf(err) != NotFound {
		return err // there already, or not to be told
	}
	source, err := e.Store.Policy(ctx, r.Policy)
	if err != nil {
		return fmt.Errorf("read the policy of run %s: %w", r.ID, err)
	}
	plan := endPlan(r, hold.Step, now)
	end := Run{
		ID: id, Subject: Held(r.ID), Journey: EndHold, State: RunRunning, By: r.By,
		Hash: plan.Hash(), Plan: plan, Policy: r.Policy, Agreed: now, Began: now, Version: 1,
	}
	if err := e.Store.Add(ctx, end, statuses(plan, now), source); err != nil {
		return fmt.Errorf("store run: %w", err)
	}
	return e.tell(ctx, end)
}

// endID gives the id of the run that ends a hold. It follows from the hold, so no hold has two.
func endID(run, key string) string {
	sum := sha256.Sum256([]byte("end of " + run + " " + key))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// endPlan plans the end of a hold. A hold that is over already ends at once.
func endPlan(r Run, hold Step, now time.Time) *Plan {
	day := DateOf(now, r.Plan.Location())
	end := Step{
		Key: "end:" + hold.Key, Act: ActErase, Holder: hold.Holder, Class: hold.Class, Manner: Erase, Due: hold.Until,
		Back: BackNever, Settles: hold.Key,
	}
	if end.Due.Before(day) {
		end.Due, end.AtOnce = day, true
	}
	seal := Step{Key: string(ActSeal), Act: ActSeal, Due: end.Due, AtOnce: end.AtOnce, After: []string{end.Key}}
	return &Plan{
		Format: 1, Journey: EndHold, Subject: Held(r.ID).String(), Policy: r.Policy, Zone: r.Plan.Zone, Day: day,
		Steps: []Step{end, seal}, Stays: []Stay{}, Bindings: []Binding{}, At: now,
	}
}

// AddHold has a class of an agreed closing kept: a law that the operator names says so, until the end
// of a day in the plan's zone. The class's own step falls away, and an amendment that holds it takes
// its place when cooling-off is over. The errors are NotFound (the run is no open closing, or has no
// step for the class), Invalid (no law, a day that is over, a holder that cannot) and Conflict (the
// class is being erased, or is held as it is).
func (e *Engine) AddHold(ctx context.Context, run, class, law string, until Date) error {
	return e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		r, steps, err := e.Store.Load(ctx, run)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		if r.Journey != Close || !r.State.Open() {
			return Fail(NotFound, "error.no_run")
		}
		i := slices.IndexFunc(steps, func(s StepStatus) bool {
			return s.ClassID() == class && s.Act.Irreversible() && s.State != StepCancelled
		})
		if i < 0 {
			return Fail(NotFound, "error.no_class", "class", class)
		}
		day := DateOf(now, r.Plan.Location())
		if err := e.canHold(steps[i].Step, law, until, day); err != nil {
			return err
		}
		if s := steps[i]; s.Act == ActHold || s.State.Ended() || s.Started() {
			return Fail(Conflict, "error.run_changed")
		}
		a := Alteration{Now: now, Cancel: []string{steps[i].Key}, Add: []StepStatus{added(r, steps[i].Step, law, until, day)}}
		a.Add[0].Seq = len(steps)
		if err := e.Store.Alter(ctx, r.ID, r.Version, a); err != nil {
			return fmt.Errorf("add a hold to run %s: %w", r.ID, err)
		}
		return e.tell(ctx, r)
	})
}

// canHold reports why a class cannot be held so.
func (e *Engine) canHold(s Step, law string, until, day Date) error {
	if until.IsZero() || until.Before(day) {
		return Fail(Invalid, "error.until_past", "date", until)
	}
	refused := Fail(Invalid, "error.no_choice", "class", s.ClassID(), "manner", string(Hold))
	if strings.TrimSpace(law) == "" {
		refused.Hint = "a hold names the law that says so"
		return refused
	}
	h, err := e.holder(s.Holder)
	if err != nil {
		return err
	}
	c, ok := e.class(s.Holder, s.Class)
	if !ok {
		return Fail(NotFound, "error.no_class", "class", s.ClassID())
	}
	if _, ok := h.(HoldKeeper); !ok || !slices.Contains(c.Manners, Hold) {
		return refused
	}
	return nil
}

// added gives the step of an operator's hold in the place of a class's own.
func added(r Run, instead Step, law string, until, day Date) StepStatus {
	s := Step{
		Key: string(ActHold) + ":" + instead.ClassID(), Act: ActHold, Holder: instead.Holder, Class: instead.Class, Manner: Hold,
		Subject: instead.Subject, Due: r.Plan.CoolingOff, After: instead.After, Why: instead.Why, Law: law, Until: until, Back: BackNever,
	}
	if s.Due.Before(day) {
		s.Due = day
	}
	return StepStatus{Step: s, State: StepWaiting, At: s.Due.End(r.Plan.Location()), Amended: true}
}

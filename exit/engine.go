package exit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// Engine agrees plans and carries their steps out.
type Engine struct {
	Store   RunStore
	Policy  *Policy
	Holders []Holder
	// Now is the promise clock: it dates plans, steps and what pages show. Inside a
	// transaction it may be asked through the context.
	Now func(ctx context.Context) (time.Time, error)
	// Machine is the machine clock: leases and back-off. It never jumps.
	Machine func() time.Time
	// Facts fills in what the engine cannot know of a subject: owner, services, calendar. May be nil.
	Facts func(ctx context.Context, ask Ask, f *Facts) error
	// Receipt is called inside the transaction in which an irreversible step ends, with what it did. May be nil.
	Receipt func(ctx context.Context, r Run, s StepStatus) error
	// Agreed is called inside the transaction of a consent, with the run and the request. May be nil.
	Agreed func(ctx context.Context, r Run, ask Ask) error
	// Certify is called inside the transaction that seals a run, unless the run ends a hold. May be nil.
	Certify func(ctx context.Context, r Run, steps []StepStatus) error
	// Extend is called inside the transaction that seals a run that ended a hold: its receipt belongs into the
	// certificate of the run whose hold it was, which is not sealed yet where the hold was short. May be nil.
	Extend func(ctx context.Context, of string, r Run, steps []StepStatus) error
	// Forget reports whether a sealed run's subject is gone and must be dropped from the run. Nil: whole accounts that were closed.
	Forget func(r Run) bool
	// Whose gives, in an order of their own, those of whom a class may hold something within what ends: the first after a subject's text ("": the first
	// of all); ok is false at the end. Only sunsets ask for it.
	Whose func(ctx context.Context, c ClassFact, ends Subject, after string) (s Subject, ok bool, err error)
	// Log receives ids and keys only. Nil: discarded.
	Log *slog.Logger
	// ChunkTime is how long a chunk should hold a writer; 0 means 40 ms.
	ChunkTime time.Duration
	// LeaseTime is how long a worker that died keeps its step; 0 means 30 s.
	LeaseTime time.Duration
	// Tries is how often a failing step is tried before it is stuck; 0 means 6.
	Tries int
}

func (e *Engine) log() *slog.Logger {
	if e.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return e.Log
}

// Check reports what is wrong with the engine's holders and policy, to be asked once at start:
// names used twice, classes that wait for one another, gates without a keeper, a class without a
// promise, and promises that a holder cannot keep.
func (e *Engine) Check() error {
	classes := map[string]Class{}
	for _, h := range e.Holders {
		for _, c := range h.Classes() {
			id := h.Name() + "." + c.Name
			if _, twice := classes[id]; twice {
				return fmt.Errorf("class %s is declared twice", id)
			}
			classes[id] = c
			if _, ok := h.(Gatekeeper); c.Gate != "" && !ok {
				return fmt.Errorf("class %s has gate %q and its holder answers none", id, c.Gate)
			}
			if x, ok := h.(Ender); len(c.EndsWith) > 0 && (!ok || !x.Ends(c.Name)) {
				return fmt.Errorf("class %s ends with a service and its holder ends nothing", id)
			}
			if err := e.checkPromise(id, c); err != nil {
				return err
			}
		}
	}
	return checkOrder(classes)
}

// checkPromise compares a class with what the policy promises for it.
func (e *Engine) checkPromise(id string, c Class) error {
	if e.Policy == nil {
		return nil
	}
	p := e.Policy.Class(id)
	if p.Manner == "" {
		return fmt.Errorf("the policy promises nothing for class %s, and has no \"*\"", id)
	}
	for _, m := range append([]Manner{p.Manner}, p.Choice...) {
		if m != Erase && !slices.Contains(c.Manners, m) {
			return fmt.Errorf("the policy says %q for class %s, and its holder cannot", m, id)
		}
	}
	return nil
}

// checkOrder reports classes that would wait for themselves. A class waits for those that it names
// and for all of a lower rank, so naming one of a higher rank is a circle too.
func checkOrder(classes map[string]Class) error {
	state := map[string]int{}
	var visit func(string) error
	visit = func(id string) error {
		switch state[id] {
		case 1:
			return fmt.Errorf("class %s waits for itself", id)
		case 2:
			return nil
		}
		state[id] = 1
		for _, o := range classes[id].After {
			if before, ok := classes[o.Class]; ok && before.Rank > classes[id].Rank {
				return fmt.Errorf("class %s waits for %s, whose higher rank waits for it", id, o.Class)
			}
			if err := visit(o.Class); err != nil {
				return err
			}
		}
		state[id] = 2
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(classes)) {
		if err := visit(id); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) holder(name string) (Holder, error) {
	for _, h := range e.Holders {
		if h.Name() == name {
			return h, nil
		}
	}
	return nil, Fail(Unavailable, "error.no_holder", "holder", name)
}

func (e *Engine) class(holder, name string) (Class, bool) {
	h, err := e.holder(holder)
	if err != nil {
		return Class{}, false
	}
	for _, c := range h.Classes() {
		if c.Name == name {
			return c, true
		}
	}
	return Class{}, false
}

// Preview gives the plan for a request as of now: the same plan that [Engine.Agree] makes.
func (e *Engine) Preview(ctx context.Context, ask Ask) (*Plan, error) {
	now, err := e.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the clock: %w", err)
	}
	return e.plan(ctx, ask, now, true)
}

func (e *Engine) plan(ctx context.Context, ask Ask, now time.Time, counted bool) (*Plan, error) {
	facts, err := e.facts(ctx, ask, counted)
	if err != nil {
		return nil, err
	}
	policy, err := e.policyFor(ctx, ask, facts)
	if err != nil {
		return nil, err
	}
	return MakePlan(policy, ask, facts, now)
}

// policyFor gives the policy under which the request is planned: an open run's own for what changes that run.
func (e *Engine) policyFor(ctx context.Context, ask Ask, f Facts) (*Policy, error) {
	switch ask.Journey {
	case Hasten, Cancel, Return, Wake, Withdraw:
	default:
		return e.Policy, nil
	}
	for _, r := range f.Runs {
		if r.Run.State.Open() && r.Run.Subject == ask.Subject && (r.Run.Journey == Close || r.Run.Journey == Hibernate || r.Run.Journey == Sunset) {
			return e.PolicyOf(ctx, r.Run)
		}
	}
	return e.Policy, nil
}

// PolicyOf gives the policy under which a run was agreed: it ends under no other.
func (e *Engine) PolicyOf(ctx context.Context, r Run) (*Policy, error) {
	if r.Policy == e.Policy.Hash() {
		return e.Policy, nil
	}
	src, err := e.Store.Policy(ctx, r.Policy)
	if err != nil {
		return nil, fmt.Errorf("read the policy of run %s: %w", r.ID, err)
	}
	return ParsePolicy(src)
}

func (e *Engine) facts(ctx context.Context, ask Ask, counted bool) (Facts, error) {
	f := Facts{Counts: map[string]Count{}}
	for _, h := range e.Holders {
		for _, c := range h.Classes() {
			f.Classes = append(f.Classes, ClassFact{Holder: h.Name(), Class: c})
		}
		f.addAbilities(h)
		if b, ok := h.(Binder); ok && ask.Journey == Close {
			found, err := b.Bindings(ctx, ask.Subject)
			if err != nil {
				return f, fmt.Errorf("read bindings of %s: %w", h.Name(), err)
			}
			f.Bindings = append(f.Bindings, found...)
		}
		if x, ok := h.(Leaver); ok && (ask.Journey == Close || ask.Journey == Sunset) {
			left, err := x.Left(ctx, ask.Subject)
			if err != nil {
				return f, fmt.Errorf("read what %s leaves: %w", h.Name(), err)
			}
			f.Left = append(f.Left, left...)
		}
	}
	sort.Slice(f.Classes, func(i, j int) bool { return f.Classes[i].ID() < f.Classes[j].ID() })
	for _, names := range [][]string{f.Hiders, f.Veilers, f.Freezers, f.Binders, f.Transfers, f.Left} {
		sort.Strings(names)
	}
	var err error
	if f.Runs, err = e.Store.Open(ctx, ask.Subject.Whole()); err != nil {
		return f, fmt.Errorf("read open runs: %w", err)
	}
	if e.Facts != nil {
		if err := e.Facts(ctx, ask, &f); err != nil {
			return f, fmt.Errorf("gather facts: %w", err)
		}
	}
	if err := e.holds(ctx, ask, &f); err != nil {
		return f, err
	}
	if counted {
		if err := e.count(ctx, ask, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *Facts) addAbilities(h Holder) {
	if _, ok := h.(Hider); ok {
		f.Hiders = append(f.Hiders, h.Name())
	}
	if _, ok := h.(Veiler); ok {
		f.Veilers = append(f.Veilers, h.Name())
	}
	if _, ok := h.(Freezer); ok {
		f.Freezers = append(f.Freezers, h.Name())
	}
	if _, ok := h.(Binder); ok {
		f.Binders = append(f.Binders, h.Name())
	}
	if _, ok := h.(Transferrer); ok {
		f.Transfers = append(f.Transfers, h.Name())
	}
	if _, ok := h.(Conductor); ok { // its packing is that of a sunset, not of a person
		f.Conductor = h.Name()
	} else if _, ok := h.(Packer); ok {
		f.Packer = h.Name()
	}
}

func (e *Engine) count(ctx context.Context, ask Ask, f *Facts) error {
	if ask.Journey != Close && ask.Journey != TakeAlong {
		return nil
	}
	for _, h := range e.Holders {
		counter, ok := h.(Counter)
		if !ok {
			continue
		}
		for _, c := range h.Classes() {
			if svc := ask.Subject.Service(); svc != "" && !slices.Contains(c.Services, svc) || c.Subject == SubjectPerson {
				continue
			}
			n, err := counter.Count(ctx, ask.Subject, c.Name)
			if err != nil {
				return fmt.Errorf("count %s.%s: %w", h.Name(), c.Name, err)
			}
			f.Counts[h.Name()+"."+c.Name] = n
		}
	}
	return nil
}

// NewRunID gives a random run id of 128 bits.
func NewRunID() string { return strings.ToLower(rand.Text()) }

// Agree plans the request again inside the transaction of the consent. If the plan's hash is
// not the one that was previewed it answers Conflict and changes nothing; the new plan is
// given so that the change can be shown. By is "person" or "operator".
func (e *Engine) Agree(ctx context.Context, ask Ask, hash, by string) (Run, *Plan, error) {
	var run Run
	var plan *Plan
	err := e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		if plan, err = e.plan(ctx, ask, now, false); err != nil {
			return err
		}
		if plan.Hash() != hash {
			return Fail(Conflict, "error.plan_changed")
		}
		run, err = e.start(ctx, NewRunID(), ask, plan, by, now)
		return err
	})
	if err != nil {
		return Run{}, plan, err
	}
	return run, plan, nil
}

// Replay agrees a request again that was agreed at an earlier instant and is no longer in the
// database, as after a restore: its terms count from then, and the run has its old id.
func (e *Engine) Replay(ctx context.Context, id string, ask Ask, agreed time.Time) (Run, error) {
	run := Run{ID: id}
	err := e.Store.Update(ctx, func(ctx context.Context) error {
		plan, err := e.plan(ctx, ask, agreed, false)
		if err != nil {
			return err
		}
		run, err = e.start(ctx, run.ID, ask, plan, "replay", agreed)
		return err
	})
	return run, err
}

// start stores the run and does what happens at consent, all in the consent's transaction.
func (e *Engine) start(ctx context.Context, id string, ask Ask, plan *Plan, by string, now time.Time) (Run, error) {
	run, err := e.begun(ctx, id, ask, plan, by, now)
	if err == nil && e.Agreed != nil {
		err = e.Agreed(ctx, run, ask)
	}
	return run, err
}

func (e *Engine) begun(ctx context.Context, id string, ask Ask, plan *Plan, by string, now time.Time) (Run, error) {
	run := Run{
		ID: id, Subject: ask.Subject, Journey: ask.Journey, State: RunRunning, By: by,
		Hash: plan.Hash(), Plan: plan, Policy: plan.Policy, Agreed: now, Version: 1,
	}
	if ask.Journey == Close && !ask.Now || ask.Journey == Sunset {
		run.State = RunOpen
	}
	if ask.Journey == Sunset && plan.Undoes != "" {
		if err := e.supersede(ctx, plan.Undoes, now); err != nil {
			return run, err
		}
	} else if plan.Undoes != "" {
		return run, e.change(ctx, &run, plan, now)
	}
	steps := statuses(plan, now)
	policy := e.Policy
	if err := e.Store.Add(ctx, run, steps, policy.Source()); err != nil {
		return run, fmt.Errorf("store run: %w", err)
	}
	if err := e.atConsent(ctx, run, plan, run.ID, now); err != nil {
		return run, err
	}
	if !slices.ContainsFunc(plan.Steps, func(s Step) bool { return !s.AtConsent }) && ask.Journey != Hibernate {
		run.State, run.Ended = RunSealed, now
		if err := e.Store.Alter(ctx, run.ID, run.Version, Alteration{State: RunSealed, Now: now}); err != nil {
			return run, fmt.Errorf("end run: %w", err)
		}
	}
	return run, e.tell(ctx, run)
}

// statuses gives a new run's steps. Those at consent are verified in the consent's own transaction.
func statuses(plan *Plan, now time.Time) []StepStatus {
	zone := plan.Location()
	out := make([]StepStatus, len(plan.Steps))
	for i, s := range plan.Steps {
		out[i] = StepStatus{Step: s, Seq: i, State: StepWaiting, At: s.DueAt(now, zone)}
		if s.AtConsent {
			out[i].State, out[i].Began, out[i].Ended = StepVerified, now, now
		}
	}
	return out
}

// Location gives the zone in which the plan's days end; UTC if this machine does not know it.
func (p *Plan) Location() *time.Location {
	if loc, err := time.LoadLocation(p.Zone); err == nil {
		return loc
	}
	return time.UTC
}

func (e *Engine) tell(ctx context.Context, r Run) error {
	for _, h := range e.Holders {
		if w, ok := h.(Watcher); ok {
			if err := w.RunChanged(ctx, r); err != nil {
				return fmt.Errorf("tell %s of run %s: %w", h.Name(), r.ID, err)
			}
		}
	}
	return nil
}

// atConsent carries out the steps of the consent. Reason is the run whose veil and freeze they are.
func (e *Engine) atConsent(ctx context.Context, run Run, plan *Plan, reason string, now time.Time) error {
	for _, s := range plan.Steps {
		if !s.AtConsent {
			continue
		}
		h, err := e.holder(s.Holder)
		if err != nil {
			return err
		}
		t := Task{Run: reason, Step: s.Key, Subject: run.Subject, Choice: s.Choice, Now: now}
		if err := perform(ctx, h, s.Act, t); err != nil {
			return fmt.Errorf("%s: %w", s.Key, err)
		}
	}
	return nil
}

// perform does one act that is not an erasure.
func perform(ctx context.Context, h Holder, act Act, t Task) error {
	switch act {
	case ActHide, ActShow:
		if x, ok := h.(Hider); ok {
			return x.Hide(ctx, t, act == ActHide)
		}
	case ActVeil, ActUnveil:
		if x, ok := h.(Veiler); ok {
			return x.Veil(ctx, t, act == ActVeil)
		}
	case ActFreeze, ActThaw:
		if x, ok := h.(Freezer); ok {
			return x.Freeze(ctx, t, act == ActFreeze)
		}
	case ActOffer, ActWithdraw:
		if x, ok := h.(Transferrer); ok {
			return x.Transfer(ctx, t, act == ActOffer)
		}
	case ActUnbind:
		if x, ok := h.(Binder); ok {
			return x.Unbind(ctx, t)
		}
	case ActRebind:
		if x, ok := h.(Binder); ok {
			return x.Rebind(ctx, t)
		}
	case ActPhase, ActRemind, ActReopen:
		if x, ok := h.(Conductor); ok {
			return conductors[act](x, ctx, t)
		}
	}
	return errors.New("the holder cannot " + string(act))
}

// change carries out a plan that changes another run: cancel, return, wake, hasten.
func (e *Engine) change(ctx context.Context, run *Run, plan *Plan, now time.Time) error {
	target, steps, err := e.Store.Load(ctx, plan.Undoes)
	if err != nil {
		return fmt.Errorf("read run %s: %w", plan.Undoes, err)
	}
	a := Alteration{Now: now}
	if run.Journey == Hasten {
		for _, s := range plan.Steps {
			a.DueNow = append(a.DueNow, s.Key)
		}
		a.DueNow = append(a.DueNow, string(ActSeal))
	} else {
		a.State, a.FreeSteps = RunReturned, true
		if run.Journey == Cancel || run.Journey == Withdraw {
			a.State = RunCancelled
		}
		for _, s := range steps {
			switch {
			case s.State.Ended():
			case s.Act.Irreversible() && s.Started():
				a.DueNow = append(a.DueNow, s.Key)
			default:
				a.Cancel = append(a.Cancel, s.Key)
			}
		}
	}
	if err := e.Store.Alter(ctx, target.ID, target.Version, a); err != nil {
		return fmt.Errorf("change run %s: %w", target.ID, err)
	}
	opened, err := e.opened(ctx, target.ID, plan)
	if err != nil {
		return err
	}
	if err := e.atConsent(ctx, Run{Subject: target.Subject}, opened, target.ID, now); err != nil {
		return err
	}
	run.Subject, run.State, run.Ended = target.Subject, RunSealed, now
	if err := e.Store.Add(ctx, *run, statuses(&Plan{Zone: plan.Zone, Steps: atConsentOnly(plan.Steps)}, now), e.Policy.Source()); err != nil {
		return fmt.Errorf("store run: %w", err)
	}
	if a.State != "" {
		target.State, target.Ended = a.State, now
	}
	return e.tell(ctx, target)
}

func atConsentOnly(steps []Step) []Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return !s.AtConsent })
}

package exit

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// opened gives what of an undoing plan is done at its consent. While a class that had been begun is
// still being erased nothing may be written into it: it would go too. Its end thaws.
func (e *Engine) opened(ctx context.Context, target string, plan *Plan) (*Plan, error) {
	_, steps, err := e.Store.Load(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", target, err)
	}
	if !finishing(steps) {
		return plan, nil
	}
	p := *plan
	p.Steps = slices.DeleteFunc(slices.Clone(plan.Steps), func(s Step) bool { return s.Act == ActThaw })
	return &p, nil
}

// finishing reports whether something irreversible is not at its end.
func finishing(steps []StepStatus) bool {
	return slices.ContainsFunc(steps, func(s StepStatus) bool { return s.Act.Irreversible() && !s.State.Ended() })
}

// reopen takes a run's own veils and freezes away when nothing of it is left to do. A subject that is
// gone has none.
func (e *Engine) reopen(ctx context.Context, r Run, steps []StepStatus, now time.Time) error {
	inverse := map[Act]Act{ActVeil: ActUnveil, ActFreeze: ActThaw}
	for _, s := range slices.Backward(steps) {
		back, ok := inverse[s.Act]
		if !ok || r.Subject == (Subject{}) {
			continue
		}
		h, err := e.holder(s.Holder)
		if err != nil {
			return err
		}
		err = perform(ctx, h, back, Task{Run: r.ID, Step: s.Key, Subject: r.Subject, Now: now})
		if err != nil && KindOf(err) != NotFound {
			return fmt.Errorf("%s: %w", back, err)
		}
	}
	return nil
}

package exittest

import (
	"testing"

	"exeunt/exit"
)

// ended: what a run holds goes when the hold is over, by the run's name alone; what another run holds, and what
// nobody holds, stays.
func (b *bench) ended(t *testing.T) {
	had, others := b.count(t, b.One), b.count(t, b.Other)
	b.drain(t, b.task(b.One, 7))
	hold := b.task(b.Other, 7)
	hold.Run = "run2"
	b.drain(t, hold)
	b.fill(t, b.Other, 5)

	erase := *b
	erase.manner = exit.Erase
	first, second := exit.Held("run1"), exit.Held("run2")
	erase.wantLeft(t, exit.Held("run3"), 0)
	erase.wantLeft(t, first, had)
	task := erase.task(first, 7)
	task.Run = "run4"
	if sum := erase.drain(t, task); sum.Items != had && !sum.Uncounted {
		t.Errorf("the end of the hold erased %d items, and %d were held", sum.Items, had)
	}
	erase.wantLeft(t, first, 0)
	erase.wantLeft(t, second, others)
	b.check(t)
	erase.wantLeft(t, b.One, 0)
	if left, err := b.Holder.Verify(t.Context(), erase.task(b.Other, 0)); err != nil || left.Left == 0 {
		t.Errorf("what was not held of %s is %d, %v: it went with what was", b.Other, left.Left, err)
	}
	if sum := erase.drain(t, task); !b.class.Outside && sum.Items != 0 {
		t.Errorf("the same end again erased %d items, want none", sum.Items)
	}
}

package sunset

import (
	"context"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// Bounds of the making of everybody's archives.
const (
	mostUnderWay = 50 // so many wait for a worker at once: who asks for their own meanwhile comes soon
	atATime      = 25
	again        = 200 * time.Millisecond
)

// The states of an archive that nobody had to ask for.
const (
	exportWaiting = "waiting" // its owner is packing something of their own just now
	exportAsked   = "asked"
	exportPacked  = "packed"
)

// Pack opens the take-along of everybody who has something in what ends, in small batches: each is a run of its own with its own steps, so a node that is killed
// leaves nothing undone and nothing done twice. The step is done when all are packed.
func (h *Holder) Pack(ctx context.Context, t exit.Task) (exit.Progress, error) {
	r := h.room
	s, err := r.of(ctx, t)
	if err != nil {
		return exit.Progress{}, err
	}
	p := exit.Progress{Cursor: t.Cursor}
	underWay, err := r.store.underWay(ctx, s.ID)
	if err != nil {
		return p, err
	}
	if underWay >= mostUnderWay {
		p.Again = again
		return p, nil
	}
	var last who.ID
	if t.Cursor != "" && t.Cursor != atEnd {
		last, _ = who.ParseID(t.Cursor)
	}
	for n := 0; n < atATime && p.Cursor != atEnd; n++ {
		next, err := r.store.next(ctx, r.exported(t.Subject), last)
		if err != nil {
			return p, err
		}
		if next == 0 {
			p.Cursor = atEnd
			break
		}
		if err := r.packFor(ctx, s, next); err != nil {
			return p, fmt.Errorf("open the archive of account %s: %w", next, err)
		}
		last, p.Cursor = next, next.String()
	}
	if p.Cursor != atEnd {
		return p, nil
	}
	waiting, err := r.retryWaiting(ctx, s)
	if err != nil {
		return p, err
	}
	if underWay, err = r.store.underWay(ctx, s.ID); err != nil {
		return p, err
	}
	if underWay+waiting > 0 {
		p.Again = again
		return p, nil
	}
	p.Done = true
	return p, nil
}

// atEnd is the cursor when everybody was asked for.
const atEnd = "end"

// exported gives the columns of all that can be taken along of what ends.
func (r *Room) exported(ends exit.Subject) [][2]string {
	var out [][2]string
	seen := map[[2]string]bool{}
	for _, h := range r.Engine.Holders {
		for _, c := range h.Classes() {
			if !c.Exported || c.Subject == exit.SubjectPerson || !inService(c, serviceOf(ends)) {
				continue
			}
			for _, col := range columnsOf(exit.ClassFact{Holder: h.Name(), Class: c}) {
				if !seen[col] {
					seen[col] = true
					out = append(out, col)
				}
			}
		}
	}
	return out
}

func inService(c exit.Class, name string) bool {
	if name == "" {
		return true
	}
	for _, s := range c.Services {
		if s == name {
			return true
		}
	}
	return false
}

// packFor opens an account's archives: its own part, and each place that it answers for as a whole.
func (r *Room) packFor(ctx context.Context, s Sunset, account who.ID) error {
	has, err := r.hasSomething(ctx, s, account)
	if err != nil || !has {
		return err
	}
	if err := r.askFor(ctx, s, account, s.Scope, ""); err != nil {
		return err
	}
	if r.Owned == nil {
		return nil
	}
	owned, err := r.Owned(ctx, account, s.Scope)
	if err != nil {
		return err
	}
	for _, place := range owned {
		if err := r.askFor(ctx, s, account, place, leave.Packing{Media: true, Whole: true}.Words()); err != nil {
			return err
		}
	}
	return nil
}

// hasSomething reports whether there is anything to be taken along.
func (r *Room) hasSomething(ctx context.Context, s Sunset, account who.ID) (bool, error) {
	subject := leave.SubjectOf(account, s.Scope)
	for _, h := range r.Engine.Holders {
		counter, ok := h.(exit.Counter)
		if !ok {
			continue
		}
		for _, c := range h.Classes() {
			if !c.Exported || c.Subject == exit.SubjectPerson || !inService(c, subject.Service()) {
				continue
			}
			n, err := counter.Count(ctx, subject, c.Name)
			if err != nil {
				return false, fmt.Errorf("count %s.%s: %w", h.Name(), c.Name, err)
			}
			if n.Items > 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

// askFor opens one take-along, once for a sunset, account and part, in one transaction. One of the account's own that is under way goes first.
func (r *Room) askFor(ctx context.Context, s Sunset, account who.ID, part, words string) error {
	name := part
	if words != "" {
		name += "/whole"
	}
	err := r.DB.Update(ctx, func(ctx context.Context) error {
		state, err := r.store.exportState(ctx, s.ID, account, name)
		if err != nil || state != "" && state != exportWaiting {
			return err
		}
		if err := r.Desk.Alone(ctx, account); err != nil {
			return err
		}
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		ask := exit.Ask{Subject: leave.SubjectOf(account, part), Journey: exit.TakeAlong, Pack: words, Keep: s.Calendar.Late}
		plan, err := r.Engine.Preview(ctx, ask)
		var run exit.Run
		if err == nil {
			run, _, err = r.Engine.Agree(ctx, ask, plan.Hash(), "operator")
		}
		if key := keyOf(err); key == "error.is_packing" {
			return r.store.addExport(ctx, r.DB.IDs.Next(), s.ID, account, name, "", exportWaiting, now)
		}
		if err != nil {
			return err
		}
		return r.store.addExport(ctx, r.DB.IDs.Next(), s.ID, account, name, run.ID, exportAsked, now)
	})
	if kind := exit.KindOf(err); kind == exit.NotFound || keyOf(err) == "error.is_closing" {
		return nil // gone, or so far on their own way that nothing could be kept for them
	}
	return err
}

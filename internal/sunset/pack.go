package sunset

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// Bounds of the making of everybody's archives.
const (
	mostUnderWay = 50       // so many wait for a worker at once: who asks for their own meanwhile comes soon
	mostBytes    = 64 << 20 // so much do they hold together, if there is more than one: large ones go one by one
	atATime      = 25
	again        = 200 * time.Millisecond
	seldom       = 5 * time.Second // what their owners pack themselves takes as long as it takes
	later        = time.Hour       // only those are left that have failed: they wait for the operator
)

// The states of an archive that nobody had to ask for.
const (
	exportWaiting = "waiting" // its owner is packing something of their own just now
	exportAsked   = "asked"   // it is being made; it has failed if its run's step is stuck
	exportPacked  = "packed"
	exportSkipped = "skipped" // it could not be made, and the operator has given it up for a reason
	exportLeft    = "left"    // its owner was leaving, and so far on their way that nothing could be kept for them
)

// Pack opens the take-along of everybody who has something in what ends, in small batches: each is a run of its own with its own steps, so a node that is killed
// leaves nothing undone and nothing done twice. One that fails holds up no other; the step is done when all are packed, or given up for a reason.
func (h *Holder) Pack(ctx context.Context, t exit.Task) (exit.Progress, error) {
	r := h.room
	s, err := r.of(ctx, t)
	if err != nil {
		return exit.Progress{}, err
	}
	p := exit.Progress{Cursor: t.Cursor}
	handedOn, err := r.letLeaversGo(ctx, s)
	if err != nil {
		return p, err
	}
	if handedOn && strings.HasPrefix(p.Cursor, atEnd) {
		p.Cursor = "" // somebody who had their turn may answer for a place by now
	}
	now, err := r.store.underWay(ctx, s.ID)
	if err != nil {
		return p, err
	}
	if now.full() {
		p.Again = again
		return p, nil
	}
	if !strings.HasPrefix(p.Cursor, atEnd) {
		return p, r.openNext(ctx, s, t, &now, &p)
	}
	p.Again, err = r.remaining(ctx, s, &now, &p)
	p.Done = err == nil && p.Again == 0
	return p, err
}

// PacksStill tells after how long to ask again whether an archive is under way that was asked for when all others were made: an heir's.
func (h *Holder) PacksStill(ctx context.Context, t exit.Task) (time.Duration, error) {
	r := h.room
	s, err := r.of(ctx, t)
	if err != nil {
		return 0, err
	}
	if _, err := r.letLeaversGo(ctx, s); err != nil {
		return 0, err
	}
	now, err := r.store.underWay(ctx, s.ID)
	if err != nil {
		return 0, err
	}
	return r.remaining(ctx, s, &now, &exit.Progress{Cursor: atEnd})
}

var _ exit.LatePacker = (*Holder)(nil)

// remaining asks again for what had to wait, and gives after how long to look again at what is not made; 0: all is.
func (r *Room) remaining(ctx context.Context, s Sunset, now *load, p *exit.Progress) (time.Duration, error) {
	waiting, err := r.retryWaiting(ctx, s, now, p)
	switch {
	case err != nil || waiting > 0:
		return waiting, err
	case now.archives > 0:
		return again, nil
	case now.failed > 0:
		return later, nil
	}
	return 0, nil
}

// atEnd begins the cursor when everybody was asked for: "end", and then the last of those that waited who was looked at.
const atEnd = "end"

// openNext asks for the archives of the next accounts, until enough are under way.
func (r *Room) openNext(ctx context.Context, s Sunset, t exit.Task, now *load, p *exit.Progress) error {
	var last who.ID
	if p.Cursor != "" {
		last, _ = who.ParseID(p.Cursor)
	}
	columns := r.exported(t.Subject)
	for n := 0; n < atATime && !now.full(); n++ {
		next, err := r.store.next(ctx, columns, last)
		if err != nil {
			return err
		}
		if next == 0 {
			p.Cursor = atEnd
			return nil
		}
		if err := r.packFor(ctx, s, next, now); err != nil {
			return fmt.Errorf("open the archive of account %s: %w", next, err)
		}
		last, p.Cursor = next, next.String()
	}
	return nil
}

// load is what waits for the workers.
type load struct {
	archives int   // those that have failed are not counted
	bytes    int64 // an estimate
	failed   int
}

func (l load) full() bool {
	return l.archives >= mostUnderWay || l.archives > 0 && l.bytes >= mostBytes
}

// exported gives the columns of all that can be taken along of what ends.
func (r *Room) exported(ends exit.Subject) [][2]string {
	var out [][2]string
	for _, f := range r.exportedClasses(serviceOf(ends)) {
		for _, col := range columnsOf(f) {
			if !slices.Contains(out, col) {
				out = append(out, col)
			}
		}
	}
	return out
}

// exportedClasses gives the classes of accounts that an archive of a service holds ("": of all).
func (r *Room) exportedClasses(service string) []exit.ClassFact {
	var out []exit.ClassFact
	for _, h := range r.Engine.Holders {
		for _, c := range h.Classes() {
			if c.Exported && c.Subject != exit.SubjectPerson && inService(c, service) {
				out = append(out, exit.ClassFact{Holder: h.Name(), Class: c})
			}
		}
	}
	return out
}

// inService reports whether a class may hold something of a service ("": of any).
func inService(c exit.Class, service string) bool {
	return service == "" || slices.Contains(c.Services, service)
}

// packFor opens an account's archives: its own part, and each place that it answers for as a whole.
func (r *Room) packFor(ctx context.Context, s Sunset, account who.ID, now *load) error {
	if err := r.askFor(ctx, s, account, s.Scope, "", now); err != nil {
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
		if err := r.askFor(ctx, s, account, place, leave.Packing{Media: true, Whole: true}.Words(), now); err != nil {
			return err
		}
	}
	return nil
}

// leaving are the problems of those who are so far on their own way out that nothing can be kept for them, and of who has handed a place on.
var leaving = []string{"error.is_closing", "error.account_gone", "circle.error.owner_only"}

// askFor opens one take-along, once for a sunset, account and part, in one transaction. Who has nothing to be taken along gets none. One of the account's own
// that is under way goes first.
func (r *Room) askFor(ctx context.Context, s Sunset, account who.ID, part, words string, now *load) error {
	name := part
	if words != "" {
		name += wholeMark
	}
	err := r.DB.Update(ctx, func(ctx context.Context) error {
		x, err := r.store.exportFor(ctx, s.ID, account, name)
		if err != nil {
			return err
		}
		if x.state != "" && x.state != exportWaiting {
			return r.keepLonger(ctx, s, x)
		}
		if err := r.Desk.Alone(ctx, account); err != nil {
			return err
		}
		if x.asked, err = r.DB.Now(ctx); err != nil {
			return err
		}
		x.id, x.account, x.part, x.state = r.DB.IDs.Next(), account, name, exportAsked
		ask := exit.Ask{Subject: leave.SubjectOf(account, part), Journey: exit.TakeAlong, Pack: words, Keep: s.Calendar.Late}
		plan, err := r.Engine.Preview(ctx, ask)
		if err == nil {
			items, bytes := r.forecastOf(plan, part)
			if items == 0 && words == "" {
				return r.store.dropWaiting(ctx, s.ID, account, name) // of what there was when it was asked for nothing is left
			}
			x.bytes = bytes
			var run exit.Run
			run, _, err = r.Engine.Agree(ctx, ask, plan.Hash(), "operator")
			x.run = run.ID
		}
		switch keyOf(err) {
		case "error.is_packing":
			x.state, x.bytes, err = exportWaiting, 0, nil
		case "error.is_closing":
			x.state, x.bytes, x.reason, err = exportLeft, 0, keyOf(err), nil
		}
		if err != nil {
			return err
		}
		if x.state == exportAsked {
			now.archives, now.bytes = now.archives+1, now.bytes+x.bytes
		}
		return r.store.addExport(ctx, s.ID, x)
	})
	if keyOf(err) == "error.account_gone" {
		return nil
	}
	return err
}

// forecastOf gives how much an archive by a plan would hold.
func (r *Room) forecastOf(plan *exit.Plan, part string) (items, bytes int64) {
	for _, f := range r.exportedClasses(exit.Account("1").Within(part).Service()) {
		n := plan.Forecast[f.ID()]
		items, bytes = items+n.Items, bytes+n.Bytes
	}
	return items, bytes
}

// keepLonger keeps an archive that an earlier version of the calendar has made as long as the one at hand promises, and so the links to it that were e-mailed.
func (r *Room) keepLonger(ctx context.Context, s Sunset, x export) error {
	if s.Version == 1 || x.run == "" || x.state != exportAsked && x.state != exportPacked {
		return nil
	}
	if err := r.store.keepLinks(ctx, x.id, s.Calendar.Late); err != nil {
		return err
	}
	run, steps, err := r.DB.Runs.Load(ctx, x.run)
	if err != nil {
		return fmt.Errorf("read run of an archive: %w", err)
	}
	due := map[string]time.Time{}
	for _, step := range steps {
		if step.Act == exit.ActErase && step.State == exit.StepWaiting && step.At.Before(s.Calendar.Late) {
			due[step.Key] = s.Calendar.Late
		}
	}
	if len(due) == 0 {
		return nil
	}
	at, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	if err := r.DB.Runs.Alter(ctx, run.ID, run.Version, exit.Alteration{Now: at, Due: due}); err != nil {
		return fmt.Errorf("keep archive longer: %w", err)
	}
	return nil
}

// retryWaiting asks again for some of what had to wait, by turns. It gives after how long to look again if any still does: what has waited long waits a little longer.
func (r *Room) retryWaiting(ctx context.Context, s Sunset, now *load, p *exit.Progress) (time.Duration, error) {
	last, _ := who.ParseID(strings.TrimPrefix(strings.TrimPrefix(p.Cursor, atEnd), ":"))
	list, err := r.store.waitingFor(ctx, s.ID, last, atATime)
	if err != nil {
		return 0, err
	}
	p.Cursor = atEnd
	for _, x := range list {
		if now.full() {
			break
		}
		part, words := x.part, ""
		if place, ok := strings.CutSuffix(part, wholeMark); ok {
			part, words = place, leave.Packing{Media: true, Whole: true}.Words()
		}
		if err := r.askFor(ctx, s, x.account, part, words, now); err != nil {
			return 0, fmt.Errorf("open the archive of account %s: %w", x.account, err)
		}
		p.Cursor = atEnd + ":" + x.id.String()
	}
	if list, err = r.store.waitingFor(ctx, s.ID, 0, 1); err != nil || len(list) == 0 {
		return 0, err
	}
	at, err := r.DB.Now(ctx)
	return min(max(at.Sub(list[0].asked)/10, again), seldom), err
}

// wholeMark ends the name of a place of which an owner gets all.
const wholeMark = "/whole"

// letLeaversGo counts no archive as failed whose owner has closed their account meanwhile, what they have is erased on their own dates, and reports whether one of a place as a
// whole was among them.
func (r *Room) letLeaversGo(ctx context.Context, s Sunset) (handedOn bool, err error) {
	failed, err := r.store.failed(ctx, s.ID, 0, atATime, leaving...)
	if err != nil {
		return false, err
	}
	for _, x := range failed {
		if err := r.giveUp(ctx, x.Run, exportLeft, x.Problem); err != nil {
			return false, err
		}
		handedOn = handedOn || strings.HasSuffix(x.Part, wholeMark)
	}
	return handedOn, nil
}

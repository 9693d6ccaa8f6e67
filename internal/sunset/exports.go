package sunset

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/who"
)

// Exports counts the archives that a sunset makes without being asked. Those of accounts that are gone are counted in Made, Fetched, Skipped and Bytes alone.
type Exports struct {
	Waiting int // their owners are packing something of their own
	Asked   int // under way
	Failed  int // tried again and again, and not made: they wait for the operator
	Made    int
	Fetched int // downloaded to the end at least once
	Skipped int // given up by the operator, with a reason
	Left    int // their owners were leaving already
	Bytes   int64
}

// ExportsOf counts the archives of a sunset.
func (r *Room) ExportsOf(ctx context.Context, sunset who.ID) (Exports, error) {
	return r.store.exports(ctx, sunset)
}

// FailedExport is an archive that could not be made.
type FailedExport struct {
	ID       who.ID
	Run      string
	Account  who.ID
	Part     string // "circle", "circle:7/whole"
	Attempts int
	Problem  string // the key of a sentence
}

// FailedExports gives archives of a sunset that could not be made, by id, those after an id alone.
func (r *Room) FailedExports(ctx context.Context, sunset, after who.ID, n int) ([]FailedExport, error) {
	return r.store.failed(ctx, sunset, after, n)
}

// reasonLength bounds the reason for which an archive is given up, in characters.
const reasonLength = 300

// Skip gives an archive up that cannot be made, so that the ending can go on without it. The reason is kept. Invalid without one, NotFound for a run that is no
// sunset's, Conflict if its step is not stuck.
func (r *Room) Skip(ctx context.Context, run, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" || utf8.RuneCountInString(reason) > reasonLength || strings.ContainsFunc(reason, unicode.IsControl) {
		return exit.Fail(exit.Invalid, "sunset_export.error.reason", "n", reasonLength)
	}
	return r.giveUp(ctx, run, exportSkipped, reason)
}

// giveUp ends the packing of a stuck archive. What there is of it is erased at once.
func (r *Room) giveUp(ctx context.Context, id, state, reason string) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		if there, err := r.store.isAsked(ctx, id); err != nil || !there {
			return failUnless(err, exit.Fail(exit.NotFound, "error.not_found"))
		}
		run, steps, err := r.DB.Runs.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("read run of an archive: %w", err)
		}
		a := exit.Alteration{}
		if a.Now, err = r.DB.Now(ctx); err != nil {
			return err
		}
		for _, s := range steps {
			switch {
			case s.Act == exit.ActPack && s.State == exit.StepStuck:
				a.Cancel = append(a.Cancel, s.Key)
			case s.Act == exit.ActErase:
				a.DueNow = append(a.DueNow, s.Key)
			}
		}
		if len(a.Cancel) == 0 {
			return exit.Fail(exit.Conflict, "leave.error.not_stuck")
		}
		if err := r.DB.Runs.Alter(ctx, id, run.Version, a); err != nil {
			return fmt.Errorf("give an archive up: %w", err)
		}
		return r.store.setExport(ctx, id, state, reason)
	})
}

// failUnless gives an error that is there, else another.
func failUnless(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// madeFor gives the archives that were made for an account without its asking: run → what ends ("" is the install).
func (r *Room) madeFor(ctx context.Context, account who.ID) (map[string]string, error) {
	list, err := r.store.exportsOf(ctx, account)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, x := range list {
		out[x.run] = x.part
	}
	return out, nil
}

// Sweep forgets links that are over, and for whom archives were made that are gone, up to limit of each. It gives how many went of the more.
func (r *Room) Sweep(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		if n, err = r.store.sweepLinks(ctx, now, limit); err != nil {
			return err
		}
		gone, err := r.store.sweepExports(ctx, limit)
		n = max(n, gone)
		return err
	})
	return n, err
}

package sunset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// Holder carries calendars out, and keeps which archives were made for whom.
type Holder struct {
	exitsql.Tables
	room *Room
}

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: "account_id", Key: "id", OwnerID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	return &Holder{room: r, Tables: exitsql.Tables{"exports": {table("sunset_exports"), table("archive_links")}}}
}

// Name is the holder's name.
func (h *Holder) Name() string { return "sunset" }

// Classes declares what the room keeps of an account.
func (h *Holder) Classes() []exit.Class {
	return []exit.Class{{Name: "exports", Subject: exit.SubjectAccount, Places: []exit.Place{
		{Table: "sunset_exports", Column: "account_id"}, {Table: "archive_links", Column: "account_id"},
	}}}
}

// Phase lets a phase begin to hold. The fence and the pages know its date already: what is left is to wait for what was accepted before it, to take what has stopped
// out of everybody's sight, and to tell everybody.
func (h *Holder) Phase(ctx context.Context, t exit.Task) error {
	r := h.room
	s, err := r.of(ctx, t)
	if err != nil {
		return err
	}
	if err := r.Desk.AloneIn(ctx, serviceOf(t.Subject)); err != nil {
		return err
	}
	fresh, err := r.store.reached(ctx, s.ID, t.Choice, t.Now)
	if err != nil {
		return err
	}
	if fresh {
		if err := r.Leave.Remember(ctx, leave.ReachedPhase(t.Run, t.Choice, t.Now)); err != nil {
			return err
		}
	}
	if !slices.Contains(s.Calendar.Allowed(t.Choice), exit.AllowExport) {
		if err := r.store.shut(ctx, s.Scope, true); err != nil {
			return err
		}
	}
	return r.tell(ctx, s, t.Choice)
}

// Remind tells everybody concerned once more.
func (h *Holder) Remind(ctx context.Context, t exit.Task) error {
	s, err := h.room.of(ctx, t)
	if err != nil {
		return err
	}
	return h.room.tell(ctx, s, "remind:"+t.Choice)
}

// Reopen takes a withdrawn calendar away.
func (h *Holder) Reopen(ctx context.Context, t exit.Task) error {
	r := h.room
	s, err := r.of(ctx, t)
	if err != nil {
		return err
	}
	if err := r.store.shut(ctx, s.Scope, false); err != nil {
		return err
	}
	if err := r.store.end(ctx, s.ID, stateWithdrawn, t.Now); err != nil {
		return err
	}
	return r.tell(ctx, s, stateWithdrawn)
}

// RunChanged hears of the seal.
func (h *Holder) RunChanged(ctx context.Context, run exit.Run) error {
	if run.Journey != exit.Sunset || run.State != exit.RunSealed {
		return nil
	}
	s, err := h.room.store.open(ctx, run.Subject.Part())
	if err != nil {
		return err
	}
	if run.Subject.Kind == exit.SubjectInstall {
		// Runs forgot whose they were in their own step; what was begun since then is a handful.
		if _, err := h.room.DB.Runs.ForgetAll(ctx, run.Ended, forgetAtOnce); err != nil {
			return err
		}
	}
	return h.room.store.end(ctx, s.ID, stateEnded, run.Ended)
}

// forgetAtOnce bounds how many runs forget their subject in the transaction of the seal.
const forgetAtOnce = 500

// whose gives the next account or person of whom a class may hold something: the least id in any of the columns that the class names. For the install every
// account is one, since files are no column.
func (r *Room) whose(ctx context.Context, c exit.ClassFact, ends exit.Subject, after string) (exit.Subject, bool, error) {
	kind := exit.SubjectAccount
	if c.Subject == exit.SubjectPerson {
		kind = exit.SubjectPerson
	}
	var last who.ID
	if after != "" {
		s, err := exit.ParseSubject(after)
		if err != nil {
			return exit.Subject{}, false, err
		}
		last, _ = who.ParseID(s.ID)
	}
	columns := columnsOf(c)
	if ends.Kind == exit.SubjectInstall && kind == exit.SubjectAccount {
		columns = append(columns, [2]string{"accounts", "id"})
	}
	if len(columns) == 0 {
		return exit.Subject{}, false, nil
	}
	id, err := r.store.next(ctx, columns, last)
	if err != nil || id == 0 {
		return exit.Subject{}, false, err
	}
	return exit.Subject{Kind: kind, ID: id.String(), In: ends.Part()}, true, nil
}

// columnsOf gives the columns of ids in which a class refers to its subject. The tables of runs name subjects in words, and are the engine's own.
func columnsOf(c exit.ClassFact) [][2]string {
	var out [][2]string
	for _, p := range c.Places {
		if p.Table != "" && !strings.HasPrefix(p.Table, "exit_") {
			out = append(out, [2]string{p.Table, p.Column})
		}
	}
	return out
}

var (
	_ exit.Holder    = (*Holder)(nil)
	_ exit.Conductor = (*Holder)(nil)
	_ exit.Packer    = (*Holder)(nil)
	_ exit.Watcher   = (*Holder)(nil)
)

// errUnknown is for a word that no calendar has.
func errUnknown(what string) error { return fmt.Errorf("no phase or reminder is called %q", what) }

package circle

import (
	"context"
	"fmt"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// classFarewells is what owners left to be read.
const classFarewells = "farewells"

// whatFarewell is the code by which a plan names it.
const whatFarewell = "circle_farewell"

// farewellClass declares what is left to be read. What is shown stays for its term, and refers to nobody.
func farewellClass() exit.Class {
	return exit.Class{
		Name: classFarewells, Services: []string{Name}, Exported: true, Places: []exit.Place{{Table: "circle_farewells", Column: "account_id"}},
	}
}

func (r *Room) farewellTable() exitsql.Table {
	return exitsql.Table{
		Name: "circle_farewells", Owner: "account_id", Key: "circle_id", Place: "circle_id", Bytes: "length(words) + length(link)",
		OwnerID: exitsql.IntegerID, PlaceID: exitsql.IntegerID, DB: r.DB.Reader, Stays: "until_at is not null", StaysAs: "account_id = null",
	}
}

// Left names what a subject leaves to be read: who closes, if they have left something; what ends with a sunset, in any case, since its owners may leave something
// until the stop.
func (h *Holder) Left(ctx context.Context, s exit.Subject) ([]string, error) {
	if s.Ending() {
		if part := exit.Account("1").Within(s.Part()); part.In != "" && part.Service() != Name {
			return nil, nil
		}
		return []string{whatFarewell}, nil
	}
	account, place, ok := concerns(s)
	if !ok {
		return nil, nil
	}
	n, err := h.room.store.left(ctx, account, place)
	if err != nil || n == 0 {
		return nil, err
	}
	return []string{whatFarewell}, nil
}

// concerns gives account and circle (0: all) of a subject that has to do with circles.
func concerns(s exit.Subject) (account, place who.ID, ok bool) {
	if s.Kind != exit.SubjectAccount || s.In != "" && s.Service() != Name {
		return 0, 0, false
	}
	account, ok = who.ParseID(s.ID)
	if s.Place() != "" {
		place, _ = who.ParseID(s.Place())
	}
	return account, place, ok
}

// RunChanged has what was left stand until the day that the plan states as soon as nothing can be undone, and takes that back when its owner comes back. What the
// plan does not state goes with its owner.
func (h *Holder) RunChanged(ctx context.Context, run exit.Run) error {
	if run.Journey == exit.Sunset && run.State == exit.RunRunning {
		if until, ok := shownUntil(run); ok {
			return h.room.store.showAll(ctx, run.Subject, until)
		}
		return nil
	}
	account, place, ok := concerns(run.Subject)
	if !ok || run.Journey != exit.Close {
		return nil
	}
	switch run.State {
	case exit.RunOpen:
		return h.room.store.leaveWith(ctx, account, place, run.ID)
	case exit.RunRunning:
		if err := h.room.store.leaveWith(ctx, account, place, run.ID); err != nil {
			return err
		}
		if until, ok := shownUntil(run); ok {
			return h.room.store.show(ctx, run.ID, until)
		}
		return nil
	case exit.RunCancelled, exit.RunReturned:
		return h.room.store.unshow(ctx, account, run.ID)
	default: // once it is sealed what was left stays as it is
		return nil
	}
}

// shownUntil gives until when a run's plan says that what was left is shown.
func shownUntil(run exit.Run) (until time.Time, ok bool) {
	if run.Plan == nil {
		return until, false
	}
	for _, s := range run.Plan.Stays {
		if s.What == whatFarewell && s.State == "shown" && !s.Until.IsZero() {
			return s.Until.End(run.Plan.Location()), true
		}
	}
	return until, false
}

// exportFarewells writes what an account has left to be read.
func (h *Holder) exportFarewells(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.farewellsAlong(ctx, t, after, cut, most)
	if err != nil {
		return p, err
	}
	for _, f := range list {
		if to.Full() {
			return p, nil
		}
		f, err := h.room.signed(f)
		if err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		if err := to.Record(archive.Farewell{Circle: f.Circle.String(), Text: f.Words, Link: f.Link, Signed: f.Signed, Published: archive.At(f.At)}); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		p.Items, p.Cursor = p.Items+1, f.Circle.String()
	}
	p.Done = len(list) < most
	return p, nil
}

// What follows belongs to transactions of the engine, which has the account's state row to itself, or to who holds a slip: it asks for no pass.

// left counts what an account has left, in a circle or in all (0).
func (s store) left(ctx context.Context, account, place who.ID) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from circle_farewells where account_id = $1 and (circle_id = $2 or $2 = 0)`, int64(account), int64(place)).Scan(&n); err != nil {
		return 0, fmt.Errorf("look for farewells: %w", err)
	}
	return n, nil
}

// leaveWith notes with which run an account leaves what it has left.
func (s store) leaveWith(ctx context.Context, account, place who.ID, run string) error {
	if _, err := s.db.Exec(ctx, `update circle_farewells set run = $1 where account_id = $2 and (circle_id = $3 or $3 = 0) and until_at is null`, run, int64(account), int64(place)); err != nil {
		return fmt.Errorf("note a farewell's run: %w", err)
	}
	return nil
}

// seen is the condition of farewells that are shown when their circle is gone: those of a circle that the operator has out of sight go with their owner.
const seen = `until_at is null and not exists (select 1 from circles c where c.id = circle_farewells.circle_id and c.withheld_at is not null)`

func (s store) show(ctx context.Context, run string, until time.Time) error {
	if _, err := s.db.Exec(ctx, `update circle_farewells set until_at = $1 where run = $2 and run <> '' and `+seen, db.Ms(until), run); err != nil {
		return fmt.Errorf("show farewells: %w", err)
	}
	return nil
}

// showAll has what was left in all that ends stand until its day.
func (s store) showAll(ctx context.Context, ends exit.Subject, until time.Time) error {
	place, _ := who.ParseID(exit.Account("1").Within(ends.Part()).Place())
	if part := exit.Account("1").Within(ends.Part()); part.In != "" && part.Service() != Name {
		return nil
	}
	if _, err := s.db.Exec(ctx, `update circle_farewells set until_at = $1 where (circle_id = $2 or $2 = 0) and `+seen, db.Ms(until), int64(place)); err != nil {
		return fmt.Errorf("show farewells: %w", err)
	}
	return nil
}

// unshow takes back what was shown with a run, and keeps it for the next time.
func (s store) unshow(ctx context.Context, account who.ID, run string) error {
	if _, err := s.db.Exec(ctx, `update circle_farewells set run = '', until_at = null where run = $1 and account_id = $2`, run, int64(account)); err != nil {
		return fmt.Errorf("take back farewells: %w", err)
	}
	return nil
}

// leftBy reports whether something stands that was left with a run.
func (s store) leftBy(ctx context.Context, run string) (bool, error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from circle_farewells where run = $1 and run <> ''`, run).Scan(&n); err != nil {
		return false, fmt.Errorf("look for farewells: %w", err)
	}
	return n > 0, nil
}

// dropOfRun takes away what was left with a run.
func (s store) dropOfRun(ctx context.Context, run string) error {
	if _, err := s.db.Exec(ctx, `delete from circle_farewells where run = $1 and run <> ''`, run); err != nil {
		return fmt.Errorf("delete farewells: %w", err)
	}
	return nil
}

// farewellsAlong gives what an account has left in circles above one id, up to another.
func (s store) farewellsAlong(ctx context.Context, t exit.Task, after, cut int64, limit int) ([]Farewell, error) {
	account, circle := scope(t)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select f.circle_id, f.words, f.link, f.created_at from circle_farewells f
		where f.account_id = $1 and (f.circle_id = $2 or $2 = 0) and f.circle_id > $3 and f.circle_id <= $4 order by f.circle_id limit $5`, account, circle, after, cut, limit)
	if err != nil {
		return nil, fmt.Errorf("read farewells: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (f Farewell, err error) {
		var at int64
		err = r.Scan((*int64)(&f.Circle), &f.Words, &f.Link, &at)
		f.At = db.Time(at)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read farewells: %w", err)
	}
	return list, nil
}

var (
	_ exit.Leaver  = (*Holder)(nil)
	_ exit.Watcher = (*Holder)(nil)
)

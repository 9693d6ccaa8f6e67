package account

import (
	"context"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// The classes of this holder.
const (
	classProfile  = "profile"
	classSettings = "settings"
	classSessions = "sessions"
	classAccount  = "account"
	classPerson   = "person"
	classProofs   = "proofs"
)

// gateLast is the gate of a person's own data: it opens when no account of theirs is left.
const gateLast = "last-account"

// Name is the holder's name.
func (r *Room) Name() string { return "account" }

// Classes declares what the account room keeps. The account's own row goes after all that
// refers to it, and the person after the last of their accounts: until then they sign in.
func (r *Room) Classes() []exit.Class {
	place := func(table, column string) exit.Place { return exit.Place{Table: table, Column: column} }
	return []exit.Class{
		{Name: classProfile, Subject: exit.SubjectAccount, Rank: 1, Exported: true, Imported: true, Places: []exit.Place{
			place("profiles", "account_id"), place("profile_links", "account_id"), {Blobs: blob.Profile + "/"},
		}},
		{Name: classSettings, Subject: exit.SubjectAccount, Rank: 1, Exported: true, Imported: true, Places: []exit.Place{place("settings", "account_id")}},
		{Name: classProofs, Subject: exit.SubjectAccount, Rank: 1, Places: []exit.Place{place("proofs", "account_id")}},
		{Name: classSessions, Subject: exit.SubjectAccount, Rank: 2, Places: []exit.Place{place("sessions", "account_id")}},
		{Name: classAccount, Subject: exit.SubjectAccount, Rank: 3, Places: []exit.Place{
			place("accounts", "id"), place("account_people", "account_id"), place("account_people", "as_id"),
			place("account_invites", "account_id"), place("account_approvals", "account_id"), place("applications", "account_id"),
		}},
		{Name: classPerson, Subject: exit.SubjectPerson, Rank: 4, Gate: gateLast, Places: []exit.Place{
			place("people", "id"), place("recovery_codes", "person_id"), place("one_time_links", "person_id"), place("sessions", "person_id"),
			place("account_people", "person_id"), place("account_approvals", "person_id"), place("passkeys", "person_id"),
		}},
	}
}

// tables says how each class is erased.
func tables(d *db.DB) exitsql.Tables {
	of := func(name, owner, key string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: owner, Key: key, OwnerID: exitsql.IntegerID, DB: d.Reader}
	}
	profiles := of("profiles", "account_id", "account_id")
	profiles.Bytes = "length(display_name) + length(bio)"
	profiles.Also = []string{blob.DoomSQL("{rows} r", "r.avatar", "r.account_id"), blob.DoomSQL("{rows} r", "r.cover", "r.account_id")}
	links := of("profile_links", "account_id", "id")
	links.Bytes = "length(label) + length(url)"
	// A row in which others know a person by the account stays: it belongs to another account.
	known := of("account_people", "as_id", "account_id")
	known.Stays, known.StaysAs = "1 = 1", "as_id = null"
	return exitsql.Tables{
		classProfile:  {links, profiles},
		classSettings: {of("settings", "account_id", "account_id")},
		classSessions: {of("sessions", "account_id", "id")},
		classAccount: {
			// Whoever signed in after the sessions' own step is signed out by this one.
			of("sessions", "account_id", "id"),
			of("account_approvals", "account_id", "id"), of("account_invites", "account_id", "id"), of("applications", "account_id", "account_id"), known,
			of("account_people", "account_id", "person_id"), of("accounts", "id", "id"),
		},
		classProofs: {of("proofs", "account_id", "id")},
		classPerson: {
			of("passkeys", "person_id", "id"), of("recovery_codes", "person_id", "id"), of("one_time_links", "person_id", "id"), of("sessions", "person_id", "id"),
			of("account_approvals", "person_id", "id"), of("account_people", "person_id", "account_id"), of("people", "id", "id"),
		},
	}
}

// ending gives the tables with what belongs to nobody yet and goes with the install: links by which somebody was to come in.
func (r *Room) ending() exitsql.Ending {
	links := exitsql.Table{Name: "sign_up_links", Key: "id", Bytes: "octet_length(note)", DB: r.db.Reader}
	once := exitsql.Table{Name: "one_time_links", Key: "id", DB: r.db.Reader}
	return exitsql.Ending{Tables: r.tables, All: exitsql.Tables{classPerson: {links, once}}}
}

// Ends reports whether something of a class belongs to nobody, and goes with the install.
func (r *Room) Ends(class string) bool { return r.ending().Ends(class) }

// Erase does one chunk of a class.
func (r *Room) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Class != classAccount {
		return r.ending().Erase(ctx, t)
	}
	id, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return exit.Progress{}, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	if t.Ends.Kind == "" { // with the install nobody is left who would hear of it, or take the name
		if err := r.holdName(ctx, id, t.Run); err != nil {
			return exit.Progress{}, err
		}
		if err := r.tellChange(ctx, id); err != nil {
			return exit.Progress{}, err
		}
	}
	orphans, err := r.eraseOrphans(ctx, id, t)
	if err != nil {
		return exit.Progress{}, err
	}
	p, err := r.tables.Erase(ctx, t)
	p.Items += orphans
	return p, err
}

// tellChange tells of each person who has an account, as long as the account knows them, that it changes.
func (r *Room) tellChange(ctx context.Context, account who.ID) error {
	if r.Changed == nil {
		return nil
	}
	people, err := r.store.peopleOf(ctx, account)
	if err != nil {
		return err
	}
	for _, person := range people {
		if err := r.Changed(ctx, account, person); err != nil {
			return fmt.Errorf("tell of a changed account: %w", err)
		}
	}
	return nil
}

// Verify counts what is left of a class.
func (r *Room) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	return r.ending().Verify(ctx, t)
}

// Count counts a class: a forecast.
func (r *Room) Count(ctx context.Context, s exit.Subject, class string) (exit.Count, error) {
	return r.tables.Count(ctx, s, class)
}

// holdName keeps the account's name from being taken until the date that the run's plan
// promised. Only a keyed hash of it stays.
func (r *Room) holdName(ctx context.Context, account who.ID, run string) error {
	key, ok, err := r.store.nameKey(ctx, account)
	if err != nil || !ok {
		return err
	}
	agreed, _, err := r.db.Runs.Load(ctx, run)
	if exit.KindOf(err) == exit.NotFound {
		return nil // nothing was promised
	}
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	until, ok := heldUntil(agreed)
	if !ok {
		return nil
	}
	return r.store.hold(ctx, r.heldKey(key), run, until)
}

// heldUntil gives until when a run's plan holds the account's name.
func heldUntil(run exit.Run) (time.Time, bool) {
	if run.Plan == nil {
		return time.Time{}, false
	}
	for _, s := range run.Plan.Stays {
		if s.What != "name" || s.Until.IsZero() {
			continue
		}
		zone, err := time.LoadLocation(run.Plan.Zone)
		if err != nil {
			zone = time.UTC
		}
		return s.Until.End(zone), true
	}
	return time.Time{}, false
}

// eraseOrphans erases the people of an account who have no other and whom no step of the run
// erases: an organisation has several, and without an account nobody can ever sign in. They are
// few, see mostAdministrators.
func (r *Room) eraseOrphans(ctx context.Context, account who.ID, t exit.Task) (n int64, err error) {
	people, err := r.store.orphansOf(ctx, account)
	if err != nil || len(people) == 0 {
		return 0, err
	}
	var own who.ID
	if t.Ends.Kind == "" {
		if own, err = r.personOfRun(ctx, t.Run); err != nil {
			return 0, err
		}
	}
	for _, person := range people {
		if person == own {
			continue
		}
		sub := exit.Task{Run: t.Run, Step: t.Step, Class: classPerson, Manner: exit.Erase, Now: t.Now, Subject: exit.Subject{Kind: exit.SubjectPerson, ID: person.String()}}
		for done := false; !done; {
			p, err := r.tables.Erase(ctx, sub)
			if err != nil {
				return n, err
			}
			n, done, sub.Cursor = n+p.Items, p.Done, p.Cursor
		}
	}
	return n, nil
}

// personOfRun gives the person whose own data a run erases, 0 if it leaves the person.
func (r *Room) personOfRun(ctx context.Context, run string) (who.ID, error) {
	_, steps, err := r.db.Runs.Load(ctx, run)
	if exit.KindOf(err) == exit.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read run: %w", err)
	}
	for _, s := range steps {
		if s.Holder != r.Name() || s.Class != classPerson || s.Act != exit.ActErase || s.State == exit.StepCancelled {
			continue
		}
		subject, err := exit.ParseSubject(s.Subject)
		id, _ := who.ParseID(subject.ID)
		return id, err
	}
	return 0, nil
}

// Gate answers whether a person's own data may go: not while an account of theirs other than
// the run's can still be returned to, and never by this run if one of them stays.
func (r *Room) Gate(ctx context.Context, t exit.Task, gate string) (exit.Answer, error) {
	person, ok := who.ParseID(t.Subject.ID)
	if gate != gateLast || !ok || t.Subject.Kind != exit.SubjectPerson {
		return exit.Closed, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	run, _, err := r.db.Runs.Load(ctx, t.Run)
	if err != nil {
		return exit.Closed, fmt.Errorf("read run: %w", err)
	}
	own, _ := who.ParseID(run.Subject.ID)
	stay, closing, err := r.store.others(ctx, person, own)
	switch {
	case err != nil:
		return exit.Closed, err
	case stay > 0:
		return exit.Void, nil
	case closing > 0:
		return exit.Closed, nil
	}
	return exit.Open, nil
}

// RunChanged keeps the account's state in step with its runs. What is closed wins over what
// sleeps. At the consent to a closing the account's other sessions end.
func (r *Room) RunChanged(ctx context.Context, run exit.Run) error {
	id, ok := who.ParseID(run.Subject.ID)
	if !ok || run.Subject.Kind != exit.SubjectAccount || run.Subject.In != "" || run.Journey != exit.Close && run.Journey != exit.Hibernate {
		return nil
	}
	facts, err := r.db.Runs.Open(ctx, run.Subject)
	if err != nil {
		return fmt.Errorf("read open runs: %w", err)
	}
	runs := []exit.Run{run}
	for _, f := range facts {
		if f.Run.ID != run.ID && f.Run.Subject == run.Subject {
			runs = append(runs, f.Run)
		}
	}
	if err := r.store.setState(ctx, id, stateOf(runs)); err != nil {
		return err
	}
	if run.Journey == exit.Close && run.State.Open() && run.Began.IsZero() {
		return r.store.endSessionsOf(ctx, id, service.ViewerOf(ctx).Session)
	}
	if run.Journey == exit.Close && (run.State == exit.RunCancelled || run.State == exit.RunReturned) {
		return r.tellChange(ctx, id)
	}
	return nil
}

// stateOf gives the state of an account whose whole these runs concern.
func stateOf(runs []exit.Run) who.State {
	state := who.Active
	for _, run := range runs {
		switch {
		case !run.State.Open():
		case run.Journey == exit.Close && run.State == exit.RunOpen:
			return who.Closing
		case run.Journey == exit.Close:
			return who.Closed
		case run.Journey == exit.Hibernate:
			state = who.Hibernating
		}
	}
	return state
}

var (
	_ exit.Holder     = (*Room)(nil)
	_ exit.Ender      = (*Room)(nil)
	_ exit.Counter    = (*Room)(nil)
	_ exit.Exporter   = (*Room)(nil)
	_ exit.Importer   = (*Room)(nil)
	_ exit.Gatekeeper = (*Room)(nil)
	_ exit.Watcher    = (*Room)(nil)
)

package leave

import (
	"context"
	"fmt"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
	"exeunt/internal/who"
)

// classJourneys is the class of what waits for the list outside the database.
const classJourneys = "journeys"

// Name is the holder's name.
func (l *Room) Name() string { return "leave" }

// Classes declares what the Exit Center keeps of an account.
func (l *Room) Classes() []exit.Class {
	return []exit.Class{
		{Name: "archives", Subject: exit.SubjectAccount, Rank: 0, Places: []exit.Place{
			{Table: "exports", Column: "account_id"},
			{Table: "export_volumes", Column: "account_id"},
			{Blobs: "archives/"},
		}},
		{Name: "imports", Subject: exit.SubjectAccount, Rank: 0, Places: []exit.Place{
			{Table: "imports", Column: "account_id"},
			{Table: "import_results", Column: "account_id"},
			{Blobs: "imports/"},
		}},
		// Outside: emptying it writes to the list outside the database first.
		{
			Name: classJourneys, Subject: exit.SubjectAccount, Rank: 2, Outside: true,
			Places: append(exitsql.Places(), exit.Place{Table: "outside_entries", Column: "account_id"}),
		},
	}
}

func (l *Room) table(name string) exitsql.Table {
	t := exitsql.Table{Name: name, Owner: "account_id", Key: "id", OwnerID: exitsql.IntegerID, DB: l.DB.Reader}
	switch name {
	case "export_volumes":
		t.Bytes = "bytes"
		t.Also = []string{blob.DoomSQL("{rows} r", "key", "account_id")}
	case "imports":
		t.Also = []string{
			`delete from import_results where import_id in (select id from {rows} r)`,
			blob.DoomSQL("{rows} r", "key", "account_id"),
		}
	}
	return t
}

// archivesOf gives the table of archives narrowed to those that the task means: all, or the ones
// that its own run made.
func (l *Room) archivesOf(t exit.Task, name string) exitsql.Table {
	table := l.table(name)
	if t.Choice == "run" {
		table.Where = `export_id in (select id from exports where run = '` + t.Run + `')`
		if name == "exports" {
			table.Where = `run = '` + t.Run + `'`
		}
	}
	return table
}

// Ends reports that runs of everybody forget whose they were when the install ends.
func (l *Room) Ends(class string) bool { return class == classJourneys }

// Erase does one chunk.
func (l *Room) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	switch t.Class {
	case "archives":
		if t.Choice == "run" {
			t.Subject = t.Subject.Whole() // what a run has made is told by the run, also where it is of a place
		}
		// Volumes first: they refer to their export. The cursor is of the table at hand, so each chunk begins anew.
		t.Cursor = ""
		p, err := l.archivesOf(t, "export_volumes").Erase(ctx, t)
		if err != nil || p.Items > 0 {
			p.Done, p.Cursor = false, ""
			return p, err
		}
		p, err = l.archivesOf(t, "exports").Erase(ctx, t)
		p.Done, p.Items, p.Cursor = p.Items == 0, 0, ""
		return p, err
	case "imports":
		return l.table("imports").Erase(ctx, t)
	default:
		return l.eraseJourneys(ctx, t)
	}
}

// eraseJourneys writes what waits to the list outside, and takes the account out of others' runs as
// their heir. Runs of its own forget their subject themselves, in the transaction that seals the closing; all do when the install ends.
func (l *Room) eraseJourneys(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Subject.Ending() {
		n, err := l.DB.Runs.ForgetAll(ctx, t.Now, min(t.Limit, 500))
		return exit.Progress{Items: n, Done: n == 0}, err
	}
	if err := l.Sequence(ctx); err != nil {
		return exit.Progress{}, err
	}
	n, err := l.DB.Runs.ForgetHeir(ctx, t.Subject.ID)
	return exit.Progress{Items: n, Done: true}, err
}

// Verify looks again.
func (l *Room) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	var left exit.Residue
	var queries []string
	id, _ := who.ParseID(t.Subject.ID)
	args := []any{int64(id)}
	if t.Subject.Ending() {
		n, err := l.DB.Runs.Remembered(ctx)
		return exit.Residue{Left: n}, err
	}
	switch t.Class {
	case "archives":
		queries = []string{`select count(*) from exports where account_id = $1`, `select count(*) from export_volumes where account_id = $1`}
		if t.Choice == "run" {
			args = []any{t.Run}
			queries = []string{`select count(*) from exports where run = $1`}
		}
	case "imports":
		queries = []string{`select count(*) from imports where account_id = $1`, `select count(*) from import_results where account_id = $1`}
	default:
		queries = []string{`select count(*) from outside_entries where account_id = $1`}
	}
	for _, q := range queries {
		var n int64
		if err := l.DB.Q(ctx).QueryRowContext(ctx, q, args...).Scan(&n); err != nil {
			return left, fmt.Errorf("look at %s: %w", t.Class, err)
		}
		left.Left += n
	}
	return left, nil
}

// Count says how much there is.
func (l *Room) Count(ctx context.Context, s exit.Subject, class string) (exit.Count, error) {
	switch class {
	case "archives":
		return l.table("export_volumes").Count(ctx, s)
	case "imports":
		return l.table("imports").Count(ctx, s)
	}
	return exit.Count{}, nil
}

var (
	_ exit.Holder  = (*Room)(nil)
	_ exit.Counter = (*Room)(nil)
	_ exit.Packer  = (*Room)(nil)
	_ exit.Ender   = (*Room)(nil)
)

// Command notes is somebody else's program: people keep notes in an SQLite database, and whoever
// leaves does so by a plan of package exit, with a certificate of package ledger in the end.
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/ledger"
	"exeunt/ledger/ledgersql"

	_ "modernc.org/sqlite"
)

//go:embed policy.yaml
var policy []byte

//go:embed schema.sql
var schema string

// Notes is the program: an engine lets people out of its tables, a book keeps their certificates.
type Notes struct {
	*exit.Engine
	exitsql.Tables // with Name and Classes they make it a holder: they erase, verify and count
	db             *sql.DB
	book           *ledgersql.Book
}

// options of an SQLite database whose only writer begins at once and overwrites what it frees.
const options = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=secure_delete(1)&_txlock=immediate"

// New makes what is missing in db. Certificates are signed with key; now is the clock.
func New(ctx context.Context, db *sql.DB, key *ledger.Key, now func() time.Time) (*Notes, error) {
	db.SetMaxOpenConns(1)
	runs, err := exitsql.Open(ctx, exitsql.Config{Writer: db, Dialect: exitsql.SQLite})
	if err != nil {
		return nil, err
	}
	n := &Notes{db: db, book: ledgersql.NewBook(runs, key), Tables: exitsql.Tables{
		"notes":   {{Name: "notes", Owner: "author", Key: "n", Bytes: "length(cast(text as blob))", DB: db}},
		"marks":   {{Name: "marks", Owner: "author", Key: "n", DB: db}},
		"account": {{Name: "accounts", Owner: "id", Key: "n", DB: db}},
	}}
	n.Engine = &exit.Engine{
		Store: runs, Policy: must(exit.ParsePolicy(policy)), Holders: []exit.Holder{n}, Machine: now,
		Now: func(context.Context) (time.Time, error) { return now(), nil }, Receipt: n.book.Receipt, Certify: n.book.Certify, Extend: n.book.Extend,
	}
	_, err = db.ExecContext(ctx, schema)
	return n, errors.Join(err, runs.Migrate(ctx), n.book.Migrate(ctx), n.Check())
}

// Join makes an account and gives its id: random, so that it says nothing and is never reused.
func (n *Notes) Join(ctx context.Context, name string) (id string, err error) {
	id = rand.Text()
	_, err = n.db.ExecContext(ctx, `insert into accounts (id, name) values ($1, $2)`, id, name)
	return id, err
}

// Write adds a note and gives its number. One statement looks and writes: sql.ErrNoRows if its author is frozen or unknown.
func (n *Notes) Write(ctx context.Context, author, text string) (number int64, err error) {
	err = n.db.QueryRowContext(ctx, `insert into notes (author, text) select id, $2 from accounts where id = $1
		and not exists (select 1 from marks where author = $1 and kind = 'freeze') returning n`, author, text).Scan(&number)
	return number, err
}

// Seen counts an author's notes where one kind of mark takes them away: "veil" before others, "hide" in the author's own menu.
func (n *Notes) Seen(ctx context.Context, author, unless string) (count int, err error) {
	err = n.db.QueryRowContext(ctx, `select count(*) from notes where author = $1
		and not exists (select 1 from marks where author = $1 and kind = $2)`, author, unless).Scan(&count)
	return count, err
}

// Name is the first half of "notes.account".
func (n *Notes) Name() string { return "notes" }

// Classes says what is kept, where, and what goes first: notes, then the marks that hide them, and the account last.
func (n *Notes) Classes() []exit.Class {
	return []exit.Class{
		{Name: "notes", Places: []exit.Place{{Table: "notes", Column: "author"}}, Services: []string{"notes"}},
		{Name: "marks", Places: []exit.Place{{Table: "marks", Column: "author"}}, Rank: 1},
		{Name: "account", Places: []exit.Place{{Table: "accounts", Column: "id"}}, Rank: 2},
	}
}

// Hide takes the entrance away, or puts it back; no run is the reason.
func (n *Notes) Hide(ctx context.Context, t exit.Task, on bool) error {
	return mark(ctx, exit.Task{Subject: t.Subject}, "hide", on)
}

// Veil keeps others from seeing notes, for the reason that is its run.
func (n *Notes) Veil(ctx context.Context, t exit.Task, on bool) error {
	return mark(ctx, t, "veil", on)
}

// Freeze keeps notes from being written, for the reason that is its run.
func (n *Notes) Freeze(ctx context.Context, t exit.Task, on bool) error {
	return mark(ctx, t, "freeze", on)
}

// mark works in the engine's transaction.
func mark(ctx context.Context, t exit.Task, kind string, on bool) error {
	query := `delete from marks where author = $1 and kind = $2 and reason = $3`
	if on {
		query = `insert into marks (author, kind, reason) values ($1, $2, $3) on conflict do nothing`
	}
	tx, _ := exitsql.Tx(ctx)
	_, err := tx.ExecContext(ctx, query, t.Subject.ID, kind, t.Run)
	return err
}

// main lets Ada in, and out again day by day.
func main() {
	ctx, now := context.Background(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	dir, key := must(os.MkdirTemp("", "notes-")), must(ledger.NewKey("notes.example.org"))
	n := must(New(ctx, must(sql.Open("sqlite", "file:"+dir+"/notes.db"+options)), key, func() time.Time { return now }))
	n.book.Trial = true // a clock that can be moved proves nothing
	ada := must(n.Join(ctx, "Ada"))
	must(n.Write(ctx, ada, "Buy bread"))
	var run exit.Run
	for _, wish := range [][2]string{{"hide", "notes"}, {"show", "notes"}, {"close", ""}, {"cancel", ""}, {"close", ""}} {
		ask := exit.Ask{Journey: exit.Journey(wish[0]), Subject: exit.Account(ada).Within(wish[1])}
		now = now.AddDate(0, 0, 1)
		plan := must(n.Preview(ctx, ask))
		agreed, _, err := n.Agree(ctx, ask, plan.Hash(), "person")
		run = must(agreed, err)
		fmt.Printf("%s %-6s notes in Ada's menu: %d, seen by others: %d\n", plan.Day, run.Journey, must(n.Seen(ctx, ada, "hide")), must(n.Seen(ctx, ada, "veil")))
	}
	for now = now.AddDate(0, 0, 15); must(n.Work(ctx, 10)) > 0; {
	}
	file := must(n.book.Certificate(ctx, run.ID))
	erased := must(ledger.Verify(file, key.Verifier())).Certificate.Sums.Erased
	fmt.Printf("%s gone, signed and verified: %d items of %d classes\n", exit.DateOf(now, time.UTC), erased.Items, erased.Classes)
	log.Println("exeunt verify", must(dir, os.WriteFile(dir+"/ada.certificate", file, 0o600))+"/ada.certificate")
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatalln("notes:", err)
	}
	return v
}

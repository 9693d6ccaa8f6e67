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
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/ledger"

	_ "modernc.org/sqlite"
)

//go:embed policy.yaml
var policy []byte

//go:embed schema.sql
var schema string

// Notes is the program: its own three tables, and the engine that lets people out of them.
type Notes struct {
	*exit.Engine
	exitsql.Tables
	db  *sql.DB
	log *ledger.Log
}

// Open opens or makes the database at path. Certificates are signed with key; now is the clock.
func Open(ctx context.Context, path string, key *ledger.Key, now func() time.Time) (*Notes, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=secure_delete(1)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	n := &Notes{db: db, Tables: exitsql.Tables{
		"notes":   {{Name: "notes", Owner: "author", Key: "n", Bytes: "length(cast(text as blob))", DB: db}},
		"marks":   {{Name: "marks", Owner: "author", Key: "n", DB: db}},
		"account": {{Name: "accounts", Owner: "id", Key: "n", DB: db}},
	}}
	n.log = ledger.NewLog(leaves{n}, key)
	if err := n.open(ctx, now); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return n, nil
}

func (n *Notes) open(ctx context.Context, now func() time.Time) error {
	if _, err := n.do(ctx, schema); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	promises, err := exit.ParsePolicy(policy)
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	runs, err := exitsql.Open(ctx, exitsql.Config{Writer: n.db, Dialect: exitsql.SQLite})
	if err != nil {
		return err
	}
	n.Engine = &exit.Engine{
		Store: runs, Policy: promises, Holders: []exit.Holder{n}, Machine: now,
		Now:     func(context.Context) (time.Time, error) { return now(), nil },
		Receipt: n.receipt, Certify: n.certify,
	}
	return errors.Join(runs.Migrate(ctx), n.Check())
}

// do runs a statement in the transaction that ctx carries, or else in one of its own.
func (n *Notes) do(ctx context.Context, query string, args ...any) (changed int64, err error) {
	exec := n.db.ExecContext
	if tx, ok := exitsql.Tx(ctx); ok {
		exec = tx.ExecContext
	}
	res, err := exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// get reads one value in the transaction that ctx carries, if any.
func (n *Notes) get(ctx context.Context, to any, query string, args ...any) error {
	if tx, ok := exitsql.Tx(ctx); ok {
		return tx.QueryRowContext(ctx, query, args...).Scan(to)
	}
	return n.db.QueryRowContext(ctx, query, args...).Scan(to)
}

// Join makes an account and gives its id: random, so that it says nothing and is never reused.
func (n *Notes) Join(ctx context.Context, name string) (id string, err error) {
	id = strings.ToLower(rand.Text())
	_, err = n.do(ctx, `insert into accounts (id, name) values ($1, $2)`, id, name)
	return id, err
}

// Write adds a note, unless its author is frozen or unknown: Unavailable. One statement looks and writes.
func (n *Notes) Write(ctx context.Context, author, text string) error {
	wrote, err := n.do(ctx, `insert into notes (author, text) select id, $2 from accounts where id = $1
		and not exists (select 1 from marks where author = $1 and kind = 'freeze')`, author, text)
	if err == nil && wrote == 0 {
		err = exit.Fail(exit.Unavailable, "error.frozen")
	}
	return err
}

// Seen counts the notes of an author that others see: none behind a veil.
func (n *Notes) Seen(ctx context.Context, author string) (count int, err error) {
	err = n.get(ctx, &count, `select count(*) from notes where author = $1
		and not exists (select 1 from marks m where m.author = notes.author and m.kind = 'veil')`, author)
	return count, err
}

// Entrance reports whether the account's own menu has notes in it.
func (n *Notes) Entrance(ctx context.Context, account string) (shown bool, err error) {
	err = n.get(ctx, &shown, `select count(*) = 0 from marks where author = $1 and kind = 'hide'`, account)
	return shown, err
}

// Ask previews a journey and agrees to just what was previewed.
func (n *Notes) Ask(ctx context.Context, ask exit.Ask) (exit.Run, error) {
	plan, err := n.Preview(ctx, ask)
	if err != nil {
		return exit.Run{}, err
	}
	run, _, err := n.Agree(ctx, ask, plan.Hash(), "person")
	return run, err
}

// Name is the first half of "notes.marks". With Classes it makes the program a holder;
// [exitsql.Tables] has the rest: it erases, verifies and counts.
func (n *Notes) Name() string { return "notes" }

// Classes says what is kept, where, and in which order it goes: marks keep notes out of sight to
// the end, and the account stays until all else is gone.
func (n *Notes) Classes() []exit.Class {
	return []exit.Class{
		{Name: "notes", Places: []exit.Place{{Table: "notes", Column: "author"}}, Services: []string{"notes"}},
		{Name: "marks", Places: []exit.Place{{Table: "marks", Column: "author"}}, Rank: 1},
		{Name: "account", Places: []exit.Place{{Table: "accounts", Column: "id"}}, Rank: 2},
	}
}

// Hide takes the entrance away, or puts it back.
func (n *Notes) Hide(ctx context.Context, t exit.Task, on bool) error {
	return n.mark(ctx, "hide", "", t, on)
}

// Veil keeps others from seeing notes, for the reason that is its run.
func (n *Notes) Veil(ctx context.Context, t exit.Task, on bool) error {
	return n.mark(ctx, "veil", t.Run, t, on)
}

// Freeze keeps notes from being written, for the reason that is its run.
func (n *Notes) Freeze(ctx context.Context, t exit.Task, on bool) error {
	return n.mark(ctx, "freeze", t.Run, t, on)
}

func (n *Notes) mark(ctx context.Context, kind, reason string, t exit.Task, on bool) error {
	query := `delete from marks where author = $1 and kind = $2 and reason = $3`
	if on {
		query = `insert into marks (author, kind, reason) values ($1, $2, $3) on conflict do nothing`
	}
	_, err := n.do(ctx, query, t.Subject.ID, kind, reason)
	return err
}

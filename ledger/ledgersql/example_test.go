package ledgersql_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/ledger"
	"exeunt/ledger/ledgersql"
)

// library is somebody's program that keeps who has read what.
type library struct{ exitsql.Tables }

func (library) Name() string { return "library" }

func (library) Classes() []exit.Class { return []exit.Class{{Name: "loans"}} }

// A program closes an account, and gives whoever has left a certificate.
func Example() {
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	ctx, now := context.Background(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	dir, err := os.MkdirTemp("", "library-")
	check(err)
	db, err := sql.Open("sqlite", "file:"+dir+"/library.db?_pragma=busy_timeout(5000)&_txlock=immediate")
	check(err)
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, `create table loans (n integer primary key, reader text not null);
		insert into loans (reader) values ('r7'), ('r8'), ('r7')`)
	check(err)

	// Runs, and beside them the book.
	runs, err := exitsql.Open(ctx, exitsql.Config{Writer: db, Dialect: exitsql.SQLite})
	check(err)
	check(runs.Migrate(ctx))
	key, err := ledger.NewKey("library.example.org")
	check(err)
	book := ledgersql.NewBook(runs, key)
	check(book.Migrate(ctx))

	policy, err := exit.ParsePolicy([]byte("{version: 1, zone: UTC, close: {cooling_off: 3d, classes: {'*': {manner: erase, after: 14d}}}, backups: {wal: 1d, backups: 30d}}"))
	check(err)
	engine := exit.Engine{
		Store: runs, Policy: policy, Machine: func() time.Time { return now },
		Now:     func(context.Context) (time.Time, error) { return now, nil },
		Holders: []exit.Holder{library{exitsql.Tables{"loans": {{Name: "loans", Owner: "reader", Key: "n", DB: db}}}}},
		Receipt: book.Receipt, Certify: book.Certify, Extend: book.Extend,
	}
	check(engine.Check())

	ask := exit.Ask{Subject: exit.Account("r7"), Journey: exit.Close}
	plan, err := engine.Preview(ctx, ask)
	check(err)
	run, _, err := engine.Agree(ctx, ask, plan.Hash(), "person")
	check(err)
	now = now.AddDate(0, 0, 15)
	for took := 1; took > 0; {
		took, err = engine.Work(ctx, 10)
		check(err)
	}

	file, err := book.Certificate(ctx, run.ID)
	check(err)
	report, err := ledger.Verify(file, key.Verifier())
	check(err)
	c := report.Certificate
	fmt.Printf("%d items erased, gone from backups by %s\n", c.Sums.Erased.Items, c.AgedOut.Backups)
	check(db.Close())
	check(os.RemoveAll(dir))
	// Output: 2 items erased, gone from backups by 2027-01-06
}

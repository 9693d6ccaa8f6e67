package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"exeunt/internal/db"
	"exeunt/internal/dbtest"
)

// numbers reads all of a query's numbers.
func numbers(ctx context.Context, t *testing.T, d *db.DB, query string, args ...any) (out []int64) {
	t.Helper()
	rows, err := d.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err = db.Scan(rows, func(r db.Row) (n int64, err error) { return n, r.Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStatements asks that a statement which is kept prepared answers as a new one does: under itself, after a change of the schema, after an
// error, after its context has ended, and when there are more of them than are kept.
func TestStatements(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		change := func(query string, args ...any) error {
			return d.Update(t.Context(), func(ctx context.Context) error { _, err := d.Exec(ctx, query, args...); return err })
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(change(`create table numbers (n bigint primary key)`))
		for n := range int64(3) {
			must(change(`insert into numbers (n) values ($1)`, n))
		}
		const above = `select n from numbers where n >= $1 order by n`
		if d.SQLite() { // PostgreSQL reads the rows of one statement of a connection at a time
			must(d.Update(t.Context(), func(ctx context.Context) error {
				outer, err := d.Q(ctx).QueryContext(ctx, above, 0)
				if err != nil {
					return err
				}
				seen := 0
				for outer.Next() {
					var n int64
					if err := outer.Scan(&n); err != nil {
						return err
					}
					if inner := numbers(ctx, t, d, above, n); len(inner) != 3-int(n) || inner[0] != n {
						t.Errorf("beneath %d: %v", n, inner)
					}
					seen++
				}
				if seen != 3 {
					t.Errorf("%d rows are read", seen)
				}
				return errors.Join(outer.Err(), outer.Close())
			}))
		}
		if err := change(`insert into numbers (n) values ($1)`, 1); err == nil {
			t.Error("a number is there twice")
		}
		must(change(`insert into numbers (n) values ($1)`, 3))
		must(change(`alter table numbers add column word text not null default ''`))
		if got := numbers(t.Context(), t, d, above, 2); fmt.Sprint(got) != "[2 3]" {
			t.Errorf("after a change of the schema: %v", got)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := d.Reader.QueryContext(ended, above, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: %v", err)
		}
		for n := range 400 {
			if got := numbers(t.Context(), t, d, fmt.Sprintf(`select n + %d from numbers where n >= $1 order by n`, n), 3); len(got) != 1 || got[0] != int64(3+n) {
				t.Fatalf("text %d: %v", n, got)
			}
		}
		if got := numbers(t.Context(), t, d, above, 0); len(got) != 4 {
			t.Errorf("in the end: %v", got)
		}
	})
}

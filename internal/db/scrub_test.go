package db_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"exeunt/internal/db"
	"exeunt/internal/dbtest"
)

// TestScrub leaves no byte of what was deleted in the file, where cells of many sizes come and go and are moved about, and the
// database is whole afterwards.
func TestScrub(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := rand.New(rand.NewPCG(5, 6))
		exec := func(query string, args ...any) {
			t.Helper()
			if _, err := d.Writer.ExecContext(t.Context(), query, args...); err != nil {
				t.Fatal(err)
			}
		}
		exec(`create table heaps (id bigint primary key, body text not null)`)
		exec(`create index heaps_body on heaps (body)`)
		for i := range 1500 {
			word := "stays"
			if i%2 == 0 {
				word = "mustgo"
			}
			body := strings.Repeat(fmt.Sprint(word, r.IntN(1000)), 1+r.IntN(90))
			exec(`insert into heaps (id, body) values ($1, $2)`, r.Int64N(1<<40), body)
			if i%5 == 0 {
				exec(`delete from heaps where id in (select id from heaps where id > $1 order by id limit 3)`, r.Int64N(1<<40))
			}
		}
		exec(`delete from heaps where body like '%mustgo%'`)
		left := func() int {
			t.Helper()
			exec(`pragma wal_checkpoint(truncate)`)
			b, err := os.ReadFile(d.URL)
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Count(b, []byte("mustgo"))
		}
		if d.SQLite() && left() == 0 {
			t.Fatal("nothing is left behind: there is nothing to scrub")
		}
		var before, after int64
		sum := func(to *int64) {
			t.Helper()
			if err := d.Writer.QueryRowContext(t.Context(), `select coalesce(sum(length(body)), 0) from heaps`).Scan(to); err != nil {
				t.Fatal(err)
			}
		}
		sum(&before)
		chunks := 0
		for from := int64(1); from != 0; chunks++ {
			if err := d.Update(t.Context(), func(ctx context.Context) (err error) {
				from, err = d.Scrub(ctx, from, 30)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		sum(&after)
		if before != after || before == 0 {
			t.Errorf("there were %d bytes, and are %d", before, after)
		}
		if !d.SQLite() {
			return
		}
		if chunks < 3 {
			t.Errorf("the file was done in %d chunks", chunks)
		}
		var verdict string
		if err := d.Writer.QueryRowContext(t.Context(), `pragma integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
			t.Fatalf("the database is %q (%v)", verdict, err)
		}
		if n := left(); n > 0 {
			t.Errorf("it is left %d times", n)
		}
	})
}

// TestScrubNeedsATransaction asks that pages are not written one by one.
func TestScrubNeedsATransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if _, err := d.Scrub(t.Context(), 1, 10); err == nil {
			t.Error("it scrubs outside a transaction")
		}
	})
}

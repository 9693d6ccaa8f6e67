package residue_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/residue"
	"exeunt/internal/who"
)

// store opens a blob store: a folder, and beside PostgreSQL a part of the tests' bucket.
func store(t *testing.T, d *db.DB) *blob.Store {
	t.Helper()
	address := filepath.Join(t.TempDir(), "media")
	if !d.SQLite() {
		if address = os.Getenv("EXEUNT_TEST_S3"); address == "" {
			t.Fatal("EXEUNT_TEST_S3 is not set. Start the services with `eval \"$(make services)\"`, or leave PostgreSQL out with EXEUNT_TEST_DATABASES=sqlite.")
		}
		address += "&prefix=" + url.QueryEscape("residue-"+strings.ToLower(rand.Text())+"/")
	}
	s, err := blob.Open(t.Context(), address, d, d.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	if _, err := d.Writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// search gives what was found, by place.
func search(t *testing.T, d *db.DB, s *blob.Store, text string) map[string]int64 {
	t.Helper()
	r, err := residue.Search(t.Context(), d, s, text)
	if err != nil {
		t.Fatal(err)
	}
	if r.Columns < 200 {
		t.Fatalf("only %d columns were searched", r.Columns)
	}
	out := map[string]int64{}
	for _, f := range r.Finds {
		out[f.Where] += f.Count
	}
	return out
}

// TestSearchFinds plants one text in each kind of place and finds it there, and nowhere else.
func TestSearchFinds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, ctx := store(t, d), t.Context()
		const text, id = "planted㐀㐂word", who.ID(3123456789012345678)
		if got := search(t, d, s, text); len(got) > 0 {
			t.Fatalf("an empty install has %v", got)
		}
		exec(t, d, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, 'a', $2, 'personal', 'active', 0)`, int64(id), "before "+text+" after")
		exec(t, d, `insert into run_salts (run, salt) values ('r', $1)`, append([]byte{0, 255}, text...))
		exec(t, d, `insert into install (name, value) values ('n', $1), ('m', $1)`, text)
		want := map[string]int64{"accounts.name_key": 1, "run_salts.salt": 1, "install.value": 2}
		if d.SQLite() {
			exec(t, d, `create virtual table words using fts5(body)`)
			exec(t, d, `insert into words (body) values ($1)`, "one plantedword two")
			exec(t, d, `delete from words`)
			exec(t, d, `insert into words (body) values ($1)`, text)
			want["index words"] = 1
			// The table's own shadow tables hold it too; they are tables like others.
			want["words_content.c0"] = 1
			// An index may keep two characters at a time, and no row.
			exec(t, d, `insert into search_terms (rowid, terms) values (1, $1), (2, $2)`, "pl la an nt te ed d㐀 㐀㐂 㐂w wo or rd", "pl la an nt te ed wo or rd")
			want["index search_terms"] = 1
		} else {
			exec(t, d, `create table words (body tsvector)`)
			exec(t, d, `insert into words (body) values (to_tsvector('simple', $1))`, text)
			want["words.body"] = 1
		}
		// Across the border of what is read at a time.
		b, err := s.Put(ctx, id, blob.Posts, ".bin", "application/octet-stream", bytes.NewReader(append(bytes.Repeat([]byte{'x'}, 256<<10-7), text...)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Delete(context.WithoutCancel(ctx), b.Key); err != nil {
				t.Error(err)
			}
		})
		want["blob "+b.Key] = 1
		got := search(t, d, s, text)
		maps.DeleteFunc(got, func(where string, _ int64) bool { return strings.HasPrefix(where, "words_data.") }) // the index's own pages
		if !maps.Equal(got, want) {
			t.Errorf("found %v, want %v", got, want)
		}
		number := search(t, d, s, id.String())
		for where, n := range map[string]int64{"accounts.id": 1, "blob_pending.account_id": 1, "blob_pending.key": 1, "blob " + b.Key: 1} {
			if number[where] != n {
				t.Errorf("the id is found %d times in %s, want %d; all: %v", number[where], where, n, number)
			}
		}
		if part := search(t, d, s, id.String()[1:]); part["accounts.id"] != 0 {
			t.Error("a part of an id is taken for the id")
		}
		if other := search(t, d, s, text+"s"); len(other) > 0 {
			t.Errorf("what was never written is found in %v", other)
		}
	})
}

// TestSearchForNothing asks that an empty text is no search: everything holds it.
func TestSearchForNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if r, err := residue.Search(t.Context(), d, store(t, d), ""); err == nil {
			t.Errorf("searching for nothing found %s", fmt.Sprint(r))
		}
	})
}

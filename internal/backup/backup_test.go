package backup_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/backup"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSaveBesideWriter saves while a transaction that writes is open: neither waits for the other, the backup holds what
// was committed, and who reads afterwards still cannot write.
func TestSaveBesideWriter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		blobs, err := blob.Open(ctx, t.TempDir(), d, d.Clock)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := blobs.Close(); err != nil {
				t.Error(err)
			}
		}()
		tx, err := d.Writer.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `insert into exit_policies (hash, source) values ('uncommitted', $1)`, []byte("x")); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "backup")
		if _, err := backup.Save(ctx, d, blobs, dir, dbtest.Start); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Errorf("the writer: %v", err)
		}
		if d.Dialect != exitsql.SQLite {
			return
		}
		saved, err := sql.Open("sqlite", filepath.Join(dir, "database.sqlite"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := saved.Close(); err != nil {
				t.Error(err)
			}
		}()
		var policies, trial int
		if err := saved.QueryRowContext(ctx, `select (select count(*) from exit_policies), (select count(*) from clock_offset)`).Scan(&policies, &trial); err != nil || policies != 0 || trial != 1 {
			t.Errorf("the backup holds %d policies and %d clocks (%v), want none and one", policies, trial, err)
		}
		if _, err := d.Reader.ExecContext(ctx, `delete from exit_policies`); err == nil {
			t.Error("a connection for readers writes")
		}
	})
}

// TestPlaceSQLite places a backup where there is nothing, and nowhere else: the log of another database would be written
// into it, and a database must not be written over.
func TestPlaceSQLite(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "database.sqlite"), "the saved one")
	for _, there := range []string{"", "-wal", "-journal"} {
		path := filepath.Join(t.TempDir(), "exeunt.sqlite")
		write(t, path+there, "another one")
		if err := backup.PlaceSQLite(dir, path); exit.KindOf(err) != exit.Conflict {
			t.Errorf("placing beside exeunt.sqlite%s: error %v, want Conflict", there, err)
		}
		if b, err := os.ReadFile(path + there); err != nil || string(b) != "another one" {
			t.Errorf("exeunt.sqlite%s reads %q (%v)", there, b, err)
		}
	}
	path := filepath.Join(t.TempDir(), "data", "exeunt.sqlite")
	if err := backup.PlaceSQLite(dir, path); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "the saved one" {
		t.Errorf("the placed database reads %q (%v)", b, err)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(list) != 1 {
		t.Errorf("the folder holds %v (%v), want the database alone", list, err)
	}
}

// TestPlaceSQLiteBroken places nothing of a backup that cannot be read to its end.
func TestPlaceSQLiteBroken(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "database.sqlite"), 0o700); err != nil { // opens, and cannot be read
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "exeunt.sqlite")
	if err := backup.PlaceSQLite(dir, path); err == nil {
		t.Error("a folder was placed as a database")
	}
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 0 {
		t.Errorf("%v is left (%v)", list, err)
	}
}

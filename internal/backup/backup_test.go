package backup_test

import (
	"os"
	"path/filepath"
	"testing"

	"exeunt/exit"
	"exeunt/internal/backup"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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

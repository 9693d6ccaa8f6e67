package server_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
)

// needles are the bytes by which a person would be found: each text that they wrote, and of rare characters each two
// neighbours; the head of each of their files; their ids, as decimals and as the database keeps them.
func (s *someone) needles(t *testing.T) (needed, absent map[string][]byte) {
	t.Helper()
	needed, absent = map[string][]byte{}, map[string][]byte{}
	for _, text := range s.planted {
		needed[text] = []byte(text)
		if r := []rune(text); utf8.RuneLen(r[0]) == 3 {
			for i := range len(r) - 1 {
				needed[string(r[i:i+2])] = []byte(string(r[i : i+2]))
			}
		}
	}
	for _, id := range s.ids() {
		raw := binary.BigEndian.AppendUint64(nil, uint64(id)) // SQLite, format of a record: big-endian
		if s.in.DB.Dialect == exitsql.PostgreSQL {
			raw = binary.LittleEndian.AppendUint64(nil, uint64(id))
		}
		needed["id "+id.String()] = raw
		absent["the id "+id.String()] = []byte(id.String()) // in subjects of runs, mentions and keys of blobs
	}
	for _, id := range s.ids() {
		list, err := s.in.Blobs.List(t.Context(), blob.Prefix(id), "", 1000)
		must(t, err, "list blobs")
		for _, o := range list {
			absent["key "+o.Key] = []byte(o.Key)
		}
	}
	return needed, absent
}

// haystack reads the raw bytes of everything that the install keeps: the database's own files, media, spool, log.
func haystack(t *testing.T, in *install) (files map[string][]byte) {
	t.Helper()
	files = map[string][]byte{"the log": in.log.Bytes()}
	roots := []string{in.options.Data}
	if in.DB.Dialect == exitsql.PostgreSQL {
		var folder string
		err := in.DB.Reader.QueryRowContext(t.Context(), `select current_setting('data_directory') || '/base/' || oid from pg_database where datname = current_database()`).Scan(&folder)
		must(t, err, "find the database's folder")
		roots = append(roots, folder)
	} else {
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(in.DB.URL + end)
			must(t, err, "read the database's file")
			files["database"+end] = b
		}
	}
	for _, root := range roots {
		must(t, filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(name)
			files[name] = b
			return err
		}), "read "+root)
	}
	for after := ""; ; {
		list, err := in.Blobs.All(t.Context(), after, 1000)
		must(t, err, "list blobs")
		for _, o := range list {
			after = o.Key
			files["blob "+o.Key] = readBlob(t, in, o.Key)
			files["name of a blob "+o.Key] = []byte(o.Key)
		}
		if len(list) < 1000 {
			return files
		}
	}
}

func readBlob(t *testing.T, in *install, key string) []byte {
	t.Helper()
	r, err := in.Blobs.NewReader(t.Context(), key, 0, -1)
	must(t, err, "read blob")
	defer r.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	must(t, err, "read blob")
	return b.Bytes()
}

// found gives where a needle is.
func found(files map[string][]byte, needle []byte) (where []string) {
	for name, b := range files {
		if bytes.Contains(b, needle) {
			where = append(where, name)
		}
	}
	slices.Sort(where)
	return where
}

// flush has the database write what it has committed into its files, and PostgreSQL its statistics too, as it does by itself after a while.
func flush(t *testing.T, in *install) {
	t.Helper()
	statements := []string{`analyze`, `checkpoint`}
	if in.DB.Dialect == exitsql.SQLite {
		statements = []string{`pragma wal_checkpoint(passive)`}
	}
	for _, statement := range statements {
		_, err := in.DB.Writer.ExecContext(t.Context(), statement)
		must(t, err, "write the database out")
	}
}

// rewrite has the database drop the bytes of what is deleted: SQLite has overwritten them in its file by then
// (secure_delete) and cuts its log to nothing; PostgreSQL writes its tables anew, and their statistics, which hold values. Those of a table in which nothing is left
// it keeps as they were (docs/operating.md says how they go).
func rewrite(t *testing.T, in *install) {
	t.Helper()
	if in.DB.Dialect == exitsql.PostgreSQL {
		outlive(t, in)
		for _, statement := range []string{`analyze`, emptied, `vacuum full`, `checkpoint`} {
			_, err := in.DB.Writer.ExecContext(t.Context(), statement)
			must(t, err, statement)
		}
		return
	}
	for {
		var busy, log, moved int
		err := in.DB.Writer.QueryRowContext(t.Context(), `pragma wal_checkpoint(truncate)`).Scan(&busy, &log, &moved)
		must(t, err, "cut the write-ahead log") // the test's own time limit ends a log that stays busy
		if busy == 0 {
			return
		}
	}
}

// emptied forgets the statistics of tables in which nothing is left.
const emptied = `delete from pg_statistic where starelid in (select oid from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples = 0)`

// outlive waits until no transaction that runs on the server, in whatever database, began before now: PostgreSQL keeps what
// one of those may still see.
func outlive(t *testing.T, in *install) {
	t.Helper()
	var now int64
	must(t, in.DB.Writer.QueryRowContext(t.Context(), `select pg_current_xact_id()::text::bigint`).Scan(&now), "read transaction id")
	for oldest := int64(0); oldest <= now; {
		err := in.DB.Writer.QueryRowContext(t.Context(), `select least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
			(select min(backend_xmin::text::bigint) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()))
			from (select pg_sleep(0.01)) s`).Scan(&oldest)
		must(t, err, "read the oldest transaction") // the test's own time limit ends one that never ends
	}
}

// TestNoBytesStay looks at the raw bytes. First it finds everything that was planted, so that finding nothing later means
// something; after the erasure it finds nothing.
func TestNoBytesStay(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ana, _ := twoLives(t, in)
		needed, also := ana.needles(t)
		flush(t, in)
		files := haystack(t, in)
		for what, needle := range needed {
			if len(found(files, needle)) == 0 {
				t.Errorf("%q was planted and is not found: the search sees too little", what)
			}
		}
		if len(needed) < 60 {
			t.Errorf("only %d texts were planted", len(needed))
		}
		decimal := found(files, []byte(ana.v.Account.String()))
		if !slices.ContainsFunc(decimal, func(name string) bool { return strings.HasPrefix(name, "name of a blob") }) {
			t.Errorf("the account's decimal id is found in %v, and in no name of a blob", decimal)
		}
		runs := ana.close(t, exit.Ask{})
		in.travel(t, 40)
		for _, run := range runs { // what she left to be read goes by her slip
			must(t, in.Channels.UnleaveRun(t.Context(), run.ID), "take farewell away")
		}
		rewrite(t, in)
		files = haystack(t, in)
		outside := filepath.Join(in.options.Data, "outside") + "/"
		for _, needles := range []map[string][]byte{needed, also} {
			for what, needle := range needles {
				for _, name := range found(files, needle) {
					if strings.Contains(what, " id ") && strings.HasPrefix(name, outside) {
						continue // a list of random ids is what it is: it has a restored backup forget them too
					}
					t.Errorf("%q is left in %s", what, around(name, files[name], needle))
				}
			}
		}
	})
}

// around shows what stands around a find.
func around(name string, b, needle []byte) string {
	i := bytes.Index(b, needle)
	return fmt.Sprintf("%s at %d: %q", name, i, b[max(0, i-40):min(len(b), i+len(needle)+40)])
}

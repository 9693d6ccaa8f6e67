package ledgersql_test

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"exeunt/exit/exitsql"
	"exeunt/internal/dbtest"
	"exeunt/ledger"
	"exeunt/ledger/ledgersql"
)

const options = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_txlock=immediate"

// onBoth runs a test on each kind of database, with an empty one.
func onBoth(t *testing.T, test func(t *testing.T, runs *exitsql.Store)) {
	t.Helper()
	dbtest.EachAddress(t, func(t *testing.T, address string) { test(t, empty(t, address)) })
}

// empty gives a run store beside the address, where nothing is yet: another file, or another schema of that database.
func empty(t *testing.T, address string) *exitsql.Store {
	t.Helper()
	if !strings.HasPrefix(address, "postgres") {
		name := "file:" + filepath.Join(t.TempDir(), "empty.db") + options
		writer := open(t, "sqlite", name)
		writer.SetMaxOpenConns(1)
		return runs(t, exitsql.Config{Writer: writer, Reader: open(t, "sqlite", name), Dialect: exitsql.SQLite})
	}
	if _, err := open(t, "pgx", address).ExecContext(t.Context(), `create schema empty`); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	must(t, err)
	query := u.Query()
	query.Set("search_path", "empty")
	u.RawQuery = query.Encode()
	return runs(t, exitsql.Config{Writer: open(t, "pgx", u.String()), Dialect: exitsql.PostgreSQL})
}

func runs(t *testing.T, c exitsql.Config) *exitsql.Store {
	t.Helper()
	s, err := exitsql.Open(t.Context(), c)
	must(t, err)
	must(t, s.Migrate(t.Context()))
	must(t, ledgersql.Store{Runs: s}.Migrate(t.Context()))
	return s
}

func open(t *testing.T, driver, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, name)
	must(t, err)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

func newKey(t *testing.T) *ledger.Key {
	t.Helper()
	key, err := ledger.NewKey("notes.example.org")
	must(t, err)
	return key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// number reads a number.
func number(t *testing.T, runs *exitsql.Store, query string, args ...any) (n int) {
	t.Helper()
	must(t, runs.Reader.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

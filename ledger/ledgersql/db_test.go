package ledgersql_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"exeunt/exit/exitsql"
	"exeunt/ledger"
	"exeunt/ledger/ledgersql"
)

const options = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_txlock=immediate"

// onBoth runs a test on each kind of database that EXEUNT_TEST_DATABASES names (sqlite, postgres; unset: both), with an
// empty one.
func onBoth(t *testing.T, test func(t *testing.T, runs *exitsql.Store)) {
	t.Helper()
	chosen := os.Getenv("EXEUNT_TEST_DATABASES")
	if chosen != "postgres" {
		t.Run("sqlite", func(t *testing.T) { test(t, newSQLite(t)) })
	}
	if chosen != "sqlite" {
		t.Run("postgres", func(t *testing.T) { test(t, newPostgres(t)) })
	}
}

func newSQLite(t *testing.T) *exitsql.Store {
	t.Helper()
	name := "file:" + filepath.Join(t.TempDir(), "test.db") + options
	writer := open(t, "sqlite", name)
	writer.SetMaxOpenConns(1)
	return runs(t, exitsql.Config{Writer: writer, Reader: open(t, "sqlite", name), Dialect: exitsql.SQLite})
}

func newPostgres(t *testing.T) *exitsql.Store {
	t.Helper()
	admin := os.Getenv("EXEUNT_TEST_POSTGRES")
	if admin == "" {
		t.Fatal("EXEUNT_TEST_POSTGRES does not name a PostgreSQL server on which databases can be created")
	}
	u, err := url.Parse(admin)
	must(t, err)
	server, name := open(t, "pgx", admin), "ledgersql_"+strings.ToLower(rand.Text())
	_, err = server.ExecContext(t.Context(), `create database `+name)
	must(t, err)
	t.Cleanup(func() {
		if _, err := server.ExecContext(context.Background(), `drop database `+name+` with (force)`); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	u.Path = "/" + name
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

package exitsql_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"exeunt/exit/exitsql"
)

// database is an empty one of a test's own.
type database struct {
	dialect        exitsql.Dialect
	writer, reader *sql.DB
}

const pragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=synchronous(NORMAL)&_txlock=immediate"

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, create func(t testing.TB) database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newSQLite) })
	t.Run("postgresql", func(t *testing.T) { test(t, schemas(t)) })
}

func open(t testing.TB, driver, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

func newSQLite(t testing.TB) database {
	t.Helper()
	name := "file:" + filepath.Join(t.TempDir(), "test.db") + pragmas
	writer := open(t, "sqlite", name)
	writer.SetMaxOpenConns(1)
	return database{exitsql.SQLite, writer, open(t, "sqlite", name)}
}

// newPostgreSQL gives an empty database of its own.
func newPostgreSQL(t testing.TB) database {
	t.Helper()
	return schemas(t)(t)
}

// schemas makes one database for a test and gives a function that makes an empty schema in it:
// that is much faster than a database for each part of the test.
func schemas(t testing.TB) func(t testing.TB) database {
	t.Helper()
	admin := os.Getenv("EXEUNT_TEST_POSTGRES")
	if admin == "" {
		t.Fatal("EXEUNT_TEST_POSTGRES does not name a PostgreSQL server on which databases can be created")
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("EXEUNT_TEST_POSTGRES: %v", err)
	}
	server := open(t, "pgx", admin)
	name := "exitsql_" + strings.ToLower(rand.Text())
	if _, err := server.ExecContext(t.Context(), `create database `+name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := server.ExecContext(context.Background(), `drop database `+name+` with (force)`); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	u.Path = "/" + name
	all := open(t, "pgx", u.String())
	number := 0
	return func(t testing.TB) database {
		t.Helper()
		number++
		schema := fmt.Sprint("part", number)
		if _, err := all.ExecContext(t.Context(), `create schema `+schema); err != nil {
			t.Fatalf("create schema: %v", err)
		}
		part := *u
		query := part.Query()
		query.Set("search_path", schema)
		part.RawQuery = query.Encode()
		db := open(t, "pgx", part.String())
		return database{exitsql.PostgreSQL, db, db}
	}
}

// store gives a migrated store on the database.
func (d database) store(t testing.TB) *exitsql.Store {
	t.Helper()
	s, err := exitsql.Open(t.Context(), exitsql.Config{Writer: d.writer, Reader: d.reader, Dialect: d.dialect})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Package dbtest gives tests a database of their own on each engine that Exeunt serves. Only tests import it.
//
// EXEUNT_TEST_DATABASES chooses the engines: sqlite, postgres or both, which is also what it means when unset.
// EXEUNT_TEST_POSTGRES is the address of a PostgreSQL on which databases may be made. `make services` starts one and
// prints the address; `make test` does so itself.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"exeunt/internal/clock"
	"exeunt/internal/db"
)

// Start is where the machine clock of a test's database stands: a working Monday at 09:00 in Asia/Shanghai.
var Start = time.Date(2026, time.March, 2, 1, 0, 0, 0, time.UTC)

// Each runs fn once on each engine, as subtests "sqlite" and "postgres", with an empty, migrated database. Its machine
// clock is the one that Clock gives. The promise clock of PostgreSQL is the server's own: a test that asserts promise dates
// makes a trial install, db.DB.MakeTrial, which begins at a date of its choice on both.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	EachAddress(t, func(t *testing.T, address string) {
		fn(t, open(t, address, clock.NewFake(Start)))
	})
}

// EachAddress runs fn once on each engine with the address of an empty, migrated database, as db.Open and the command
// line's --database take it. The database is gone when the subtest has ended.
func EachAddress(t *testing.T, fn func(t *testing.T, address string)) {
	t.Helper()
	engines := map[string][]string{
		"": {"sqlite", "postgres"}, "both": {"sqlite", "postgres"}, "sqlite": {"sqlite"}, "postgres": {"postgres"},
	}
	chosen, known := engines[os.Getenv("EXEUNT_TEST_DATABASES")]
	if !known {
		t.Fatalf("EXEUNT_TEST_DATABASES is %q: use sqlite, postgres or both", os.Getenv("EXEUNT_TEST_DATABASES"))
	}
	for _, engine := range chosen {
		t.Run(engine, func(t *testing.T) {
			if engine == "sqlite" {
				fn(t, newSQLite(t))
			} else {
				fn(t, newPostgres(t))
			}
		})
	}
}

// Clock returns the machine clock of a database that Each made. It stands at Start until the test moves it.
func Clock(t *testing.T, d *db.DB) *clock.Fake {
	t.Helper()
	fake, ok := d.Clock.(*clock.Fake)
	if !ok {
		t.Fatalf("the database's clock is a %T: only Each makes one that can be moved", d.Clock)
	}
	return fake
}

// open opens a database for as long as the test runs.
func open(t *testing.T, address string, c clock.Clock) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), address, c)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	return d
}

// migrate brings an empty database up to date and lets go of it.
func migrate(ctx context.Context, address string) error {
	d, err := db.Open(ctx, address, clock.NewFake(Start))
	if err != nil {
		return err
	}
	return d.Close()
}

// sqliteTemplate is the file of an empty, migrated database, made once a process: migrating takes longer than most tests.
var sqliteTemplate = sync.OnceValues(func() (file []byte, err error) {
	folder, err := os.MkdirTemp("", "exeunt-template-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	name := filepath.Join(folder, "exeunt.db")
	if err := migrate(context.Background(), name); err != nil {
		return nil, err
	}
	// The last connection to close has moved the write-ahead log into the file.
	return os.ReadFile(name)
})

func newSQLite(t *testing.T) string {
	t.Helper()
	file, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("make the template of SQLite databases: %v", err)
	}
	name := filepath.Join(t.TempDir(), "exeunt.db")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatalf("copy the template of SQLite databases: %v", err)
	}
	return name
}

// server is a PostgreSQL on which databases are made from a template.
type server struct {
	address  *url.URL
	admin    *sql.DB
	template string
}

// namePrefix is followed by the id of the process that made the database, and a random part.
const namePrefix = "exeunt_test_"

// postgres makes the template once a process. No test outlives its process, so what dead ones left is dropped first.
var postgres = sync.OnceValues(func() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	address, err := url.Parse(os.Getenv("EXEUNT_TEST_POSTGRES"))
	if err != nil {
		return nil, errors.New("EXEUNT_TEST_POSTGRES is no address") // the parser's own words would show the password
	} else if address.Host == "" {
		return nil, errors.New("EXEUNT_TEST_POSTGRES is not set")
	}
	admin, err := sql.Open("pgx", address.String())
	if err != nil {
		return nil, err
	}
	s := &server{address: address, admin: admin, template: newName()}
	if err := s.dropLeftOver(ctx); err != nil {
		return nil, err
	}
	if _, err := admin.ExecContext(ctx, "create database "+s.template); err != nil {
		return nil, fmt.Errorf("create the template: %w", err)
	}
	if err := migrate(ctx, s.addressOf(s.template)); err != nil {
		return nil, fmt.Errorf("migrate the template: %w", err)
	}
	return s, nil
})

func newPostgres(t *testing.T) string {
	t.Helper()
	s, err := postgres()
	if err != nil {
		t.Fatalf("PostgreSQL cannot be used: %v. Start it with `eval \"$(make services)\"`, or run `make test`, or leave it out with EXEUNT_TEST_DATABASES=sqlite.", err)
	}
	name := newName()
	if _, err := s.admin.ExecContext(t.Context(), "create database "+name+" template "+s.template); err != nil {
		t.Fatalf("create the test's database: %v", err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if err := s.drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return s.addressOf(name)
}

func newName() string {
	return namePrefix + strconv.Itoa(os.Getpid()) + "_" + strings.ToLower(rand.Text()[:12])
}

func (s *server) addressOf(name string) string {
	address := *s.address
	address.Path = "/" + name
	// A test outlives no crash of the server: its commits need not wait for the disk.
	query := address.Query()
	query.Set("synchronous_commit", "off")
	address.RawQuery = query.Encode()
	return address.String()
}

func (s *server) drop(ctx context.Context, name string) error {
	if _, err := s.admin.ExecContext(ctx, "drop database if exists "+name+" with (force)"); err != nil {
		return fmt.Errorf("drop a test's database: %w", err)
	}
	return nil
}

// dropLeftOver drops the templates of processes that have ended, and the databases of tests that were killed.
func (s *server) dropLeftOver(ctx context.Context) error {
	rows, err := s.admin.QueryContext(ctx, "select datname from pg_database where starts_with(datname, $1)", namePrefix)
	if err != nil {
		return fmt.Errorf("list databases: %w", err)
	}
	defer rows.Close()
	var dead []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fmt.Errorf("list databases: %w", err)
		}
		owner, _, _ := strings.Cut(strings.TrimPrefix(name, namePrefix), "_")
		if pid, err := strconv.Atoi(owner); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			dead = append(dead, name)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list databases: %w", err)
	}
	for _, name := range dead {
		if err := s.drop(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

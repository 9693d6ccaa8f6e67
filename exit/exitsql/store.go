package exitsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
)

// Dialect is a kind of database.
type Dialect int

// The databases.
const (
	SQLite Dialect = iota
	PostgreSQL
)

// String gives the database's name in small letters.
func (d Dialect) String() string {
	if d == PostgreSQL {
		return "postgresql"
	}
	return "sqlite"
}

// Config says where a [Store] keeps its runs.
type Config struct {
	// Writer begins the transactions. On SQLite it has one connection and begins immediately.
	Writer *sql.DB
	// Reader answers what is read outside a transaction. Nil: Writer.
	Reader  *sql.DB
	Dialect Dialect
	// Begin begins a transaction where the context carries none. Nil: on Writer.
	Begin func(ctx context.Context) (*sql.Tx, error)
	// Committed is called right after each commit of a transaction that the store began, before what
	// [AfterCommit] collected: tests end the process there. Nil: not called.
	Committed func()
}

// Store is an [exit.RunStore] and an [exit.Traveller] in a database. It is safe for use by
// several goroutines, and any number of stores on any number of machines may share a database.
type Store struct{ Config }

var (
	_ exit.RunStore  = (*Store)(nil)
	_ exit.Traveller = (*Store)(nil)
)

// Open gives a store on a database that is open. Its tables are made by [Store.Migrate].
func Open(_ context.Context, c Config) (*Store, error) {
	if c.Writer == nil && c.Begin == nil {
		return nil, errors.New("open run store: no database to write to")
	}
	if c.Reader == nil {
		c.Reader = c.Writer
	}
	if c.Begin == nil {
		c.Begin = func(ctx context.Context) (*sql.Tx, error) { return c.Writer.BeginTx(ctx, nil) }
	}
	return &Store{c}, nil
}

// Update runs fn as [InTx] does.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context) error) error {
	if _, joins := Tx(ctx); joins || s.Committed == nil {
		return InTx(ctx, s.Begin, fn)
	}
	return InTx(ctx, s.Begin, func(ctx context.Context) error {
		AfterCommit(ctx, s.Committed)
		return fn(ctx)
	})
}

// write runs fn in a transaction, the context's or a new one.
func (s *Store) write(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return s.Update(ctx, func(ctx context.Context) error {
		tx, _ := Tx(ctx)
		return fn(ctx, tx)
	})
}

// Queryer is what reading needs of a database or a transaction.
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reader gives the context's transaction, else db.
func reader(ctx context.Context, db *sql.DB) Queryer {
	if tx, ok := Tx(ctx); ok {
		return tx
	}
	return db
}

// lock is the end of a select whose rows are about to be changed.
func (s *Store) lock() string {
	if s.Dialect == PostgreSQL {
		return " for update"
	}
	return ""
}

// lockRun keeps others from changing the run and its steps until the transaction ends.
func (s *Store) lockRun(ctx context.Context, tx *sql.Tx, id string) error {
	if s.Dialect != PostgreSQL {
		return nil
	}
	var one int
	if err := tx.QueryRowContext(ctx, `select 1 from exit_runs where id = $1 for no key update`, id).Scan(&one); err != nil {
		return fmt.Errorf("lock run %s: %w", id, found(err))
	}
	return nil
}

// found turns "no rows" into NotFound.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return &exit.Error{Kind: exit.NotFound, Key: "error.no_run", Err: err}
	}
	return err
}

// list collects the arguments of a statement.
type list struct{ args []any }

// add takes an argument and gives its placeholder.
func (l *list) add(v any) string {
	l.args = append(l.args, v)
	return "$" + strconv.Itoa(len(l.args))
}

// in takes arguments and gives their placeholders, in brackets.
func in[T any](l *list, values []T) string {
	marks := make([]string, len(values))
	for i, v := range values {
		marks[i] = l.add(v)
	}
	return "(" + strings.Join(marks, ", ") + ")"
}

// millis gives the stored form of an instant: milliseconds since 1970, 0 for none. Its reader is instant.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

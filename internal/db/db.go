// Package db opens the database, SQLite or PostgreSQL, brings its schema up to date, runs
// transactions and tells the promise time. All SQL is one text for both, with $1, $2 …
package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/clock"
	"exeunt/internal/failpoint"
	"exeunt/internal/who"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is an open database. Writes go through one connection on SQLite, reads through several.
type DB struct {
	Dialect exitsql.Dialect
	Writer  *sql.DB
	Reader  *sql.DB
	Runs    *exitsql.Store // the run store on the same database
	Clock   clock.Clock    // the machine clock
	IDs     *who.IDs
	URL     string
	trial   bool
	watch   watch
}

// Queryer runs statements: a transaction or a pool.
type Queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Open opens a database and migrates it: "postgres://…", or the path of a SQLite file.
func Open(ctx context.Context, address string, c clock.Clock) (*DB, error) {
	d := &DB{Clock: c, IDs: who.NewIDs(c), URL: address}
	var err error
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		err = d.openPostgres(address)
	} else {
		err = d.openSQLite(address)
	}
	if err != nil {
		return nil, err
	}
	if d.Runs, err = exitsql.Open(ctx, exitsql.Config{Writer: d.Writer, Reader: d.Reader, Dialect: d.Dialect, Committed: failpoint.Hit}); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.migrate(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) openPostgres(address string) error {
	d.Dialect = exitsql.PostgreSQL
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	// Compiling a statement pays for reports that read millions of rows. Ours end early, which the planner's costs do not know.
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `set jit = off`)
		return err
	}))
	pool.SetMaxOpenConns(24)
	pool.SetMaxIdleConns(12)
	d.Writer, d.Reader = pool, pool
	return nil
}

// The pragmas stand in the address, so that each connection of a pool has them; busy_timeout first.
const pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=cache_size(-4000)&_pragma=temp_store(MEMORY)"

func (d *DB) openSQLite(path string) error {
	d.Dialect = exitsql.SQLite
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	file := "file:" + (&url.URL{Path: abs}).EscapedPath()
	beneath := &sqlite.Driver{}
	d.Writer = sql.OpenDB(preparing{beneath, file + "?" + pragmas + "&_txlock=immediate"})
	d.Writer.SetMaxOpenConns(1)
	d.Reader = sql.OpenDB(preparing{beneath, file + "?" + pragmas + "&_pragma=query_only(1)"})
	d.Reader.SetMaxOpenConns(7) // one of them watches: see State
	d.Reader.SetMaxIdleConns(3)
	return nil
}

// SQLite reports whether the database is SQLite, PostgreSQL otherwise.
func (d *DB) SQLite() bool { return d.Dialect == exitsql.SQLite }

// Close closes the database.
func (d *DB) Close() error {
	err := errors.Join(d.watch.close(), d.Writer.Close())
	if d.Reader != d.Writer {
		err = errors.Join(err, d.Reader.Close())
	}
	return err
}

func (d *DB) migrate(ctx context.Context) error {
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := d.Runs.MigrateWith(ctx, own, "migrations"); err != nil {
		return err
	}
	if err := d.Runs.Migrate(ctx); err != nil {
		return err
	}
	var trial int
	if err := d.Reader.QueryRowContext(ctx, `select trial from clock_offset where id = 1`).Scan(&trial); err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	d.trial = trial == 1
	return nil
}

// Update runs fn in one transaction that its context carries; it joins one that is there.
func (d *DB) Update(ctx context.Context, fn func(ctx context.Context) error) error {
	return d.Runs.Update(ctx, fn)
}

// Q gives the context's transaction, else the readers' pool.
func (d *DB) Q(ctx context.Context) Queryer {
	if tx, ok := exitsql.Tx(ctx); ok {
		return tx
	}
	return d.Reader
}

// Exec runs one changing statement in the context's transaction and gives the number of rows
// it changed. Without a transaction it is an error: a change never stands alone by accident.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tx, ok := exitsql.Tx(ctx)
	if !ok {
		return 0, errors.New("a change outside a transaction")
	}
	r, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// ForUpdate gives the clause that locks a row for a change, nothing on SQLite.
func (d *DB) ForUpdate() string {
	if d.Dialect == exitsql.PostgreSQL {
		return " for update"
	}
	return ""
}

// Now gives the promise time, UTC, to the millisecond: the database's own time on PostgreSQL,
// the machine's on SQLite, plus a trial install's offset.
func (d *DB) Now(ctx context.Context) (time.Time, error) {
	if d.Dialect == exitsql.PostgreSQL {
		var ms int64
		err := d.Q(ctx).QueryRowContext(ctx, `select (extract(epoch from clock_timestamp()) * 1000)::bigint + ms from clock_offset where id = 1`).Scan(&ms)
		if err != nil {
			return time.Time{}, fmt.Errorf("read clock: %w", err)
		}
		return Time(ms), nil
	}
	now := d.Clock.Now()
	if d.trial {
		var ms int64
		if err := d.Q(ctx).QueryRowContext(ctx, `select ms from clock_offset where id = 1`).Scan(&ms); err != nil {
			return time.Time{}, fmt.Errorf("read clock: %w", err)
		}
		now = now.Add(time.Duration(ms) * time.Millisecond)
	}
	return now.UTC().Truncate(time.Millisecond), nil
}

// NowColumn is an expression by which a select asks the promise clock along with other things; [DB.NowOf] reads it.
func (d *DB) NowColumn() string {
	switch {
	case d.Dialect == exitsql.PostgreSQL:
		return `(select (extract(epoch from clock_timestamp()) * 1000)::bigint + o.ms from clock_offset o where o.id = 1)`
	case d.trial:
		return `(select o.ms from clock_offset o where o.id = 1)`
	}
	return `0`
}

// NowOf gives the promise time, as [DB.Now] does, from the value of [DB.NowColumn].
func (d *DB) NowOf(ms int64) time.Time {
	if d.Dialect == exitsql.PostgreSQL {
		return Time(ms)
	}
	return d.Clock.Now().Add(time.Duration(ms) * time.Millisecond).UTC().Truncate(time.Millisecond)
}

// Trial reports whether this is a trial install, whose promise clock can be moved.
func (d *DB) Trial() bool { return d.trial }

// MakeTrial turns an install without any account into a trial install. A begin that is not
// zero sets the promise clock to it. On a trial install it changes nothing.
func (d *DB) MakeTrial(ctx context.Context, begin time.Time) error {
	if d.trial {
		return nil
	}
	return d.Update(ctx, func(ctx context.Context) error {
		var n int64
		if err := d.Q(ctx).QueryRowContext(ctx, `select count(*) from (select 1 from accounts limit 1) a`).Scan(&n); err != nil {
			return fmt.Errorf("count accounts: %w", err)
		}
		if n > 0 {
			return exit.Fail(exit.Conflict, "error.not_empty")
		}
		var ms int64
		if !begin.IsZero() {
			now, err := d.Now(ctx)
			if err != nil {
				return err
			}
			ms = begin.Sub(now).Milliseconds()
		}
		if _, err := d.Exec(ctx, `update clock_offset set ms = $1, trial = 1 where id = 1`, ms); err != nil {
			return fmt.Errorf("set clock: %w", err)
		}
		exitsql.AfterCommit(ctx, func() { d.trial = true })
		return nil
	})
}

// Move sets a trial install's promise clock forward to an instant; backward is refused.
func (d *DB) Move(ctx context.Context, to time.Time) error {
	if !d.trial {
		return exit.Fail(exit.Forbidden, "error.not_trial")
	}
	return d.Update(ctx, func(ctx context.Context) error {
		now, err := d.Now(ctx)
		if err != nil {
			return err
		}
		if to.Before(now) {
			return exit.Fail(exit.Invalid, "error.clock_backward")
		}
		if _, err := d.Exec(ctx, `update clock_offset set ms = ms + $1 where id = 1`, to.Sub(now).Milliseconds()); err != nil {
			return fmt.Errorf("set clock: %w", err)
		}
		return nil
	})
}

// Time gives the instant of Unix milliseconds, UTC.
func Time(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// TimeIf is Time for a column that may hold none: the zero time for 0.
func TimeIf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return Time(ms)
}

// Ms gives an instant's Unix milliseconds.
func Ms(t time.Time) int64 { return t.UnixMilli() }

// Setting reads an install-wide value; ok is false if it was never set.
func (d *DB) Setting(ctx context.Context, name string) (value string, ok bool, err error) {
	err = d.Q(ctx).QueryRowContext(ctx, `select value from install where name = $1`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, true, nil
}

// SetSetting stores an install-wide value. It holds nothing of any account.
func (d *DB) SetSetting(ctx context.Context, name, value string) error {
	return d.Update(ctx, func(ctx context.Context) error {
		_, err := d.Exec(ctx, `insert into install (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value`, name, value)
		if err != nil {
			return fmt.Errorf("store setting %s: %w", name, err)
		}
		return nil
	})
}

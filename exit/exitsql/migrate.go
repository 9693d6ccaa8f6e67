package exitsql

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"exeunt/exit"
)

//go:embed migrations/*.sql
var migrations embed.FS

var types = regexp.MustCompile(`\b(integer|blob)\b`)

// migrationLock is the key of the advisory lock that keeps two servers from migrating at once.
const migrationLock = 0x65786974

// Places are the columns that refer to a subject, for a test that compares a schema with what its
// holders claim. Forgetting empties them; exit_steps.choice may name an heir, whom [Store.ForgetHeir] drops.
func Places() []exit.Place {
	return []exit.Place{
		{Table: "exit_runs", Column: "subject"},
		{Table: "exit_runs", Column: "owner"},
		{Table: "exit_steps", Column: "subject"},
		{Table: "exit_steps", Column: "choice"},
	}
}

// Migrate brings the store's own tables to the newest form; see [Store.MigrateWith].
func (s *Store) Migrate(ctx context.Context) error {
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return s.MigrateWith(ctx, own, "exit_migrations")
}

// MigrateWith brings tables to the newest form by the files NNNN_name.sql of a folder: plain SQL in
// SQLite's types, each statement ended by a semicolon at the end of a line; on PostgreSQL integer
// becomes bigint and blob becomes bytea. A file NNNN_name_sqlite.sql or NNNN_name_postgres.sql is for
// that database alone. It only goes forward, does each file once, all of them in one transaction with
// their entries in the table named, and may be called at every start, by several servers at once.
func (s *Store) MigrateWith(ctx context.Context, files fs.FS, table string) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if s.Dialect == PostgreSQL {
			if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
				return fmt.Errorf("wait for another migration: %w", err)
			}
		}
		if _, err := tx.ExecContext(ctx, s.form(`create table if not exists `+table+` (version integer primary key)`)); err != nil {
			return err
		}
		var done int
		if err := tx.QueryRowContext(ctx, `select coalesce(max(version), 0) from `+table).Scan(&done); err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_sqlite.sql") && s.Dialect != SQLite || strings.HasSuffix(name, "_postgres.sql") && s.Dialect != PostgreSQL {
				continue
			}
			if err := s.migrate(ctx, tx, files, name, table, done); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate by %s: %w", table, err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context, tx *sql.Tx, files fs.FS, name, table string, done int) error {
	number, _, _ := strings.Cut(name, "_")
	version, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if version <= done {
		return nil
	}
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, s.form(statement)); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `insert into `+table+` (version) values ($1)`, version)
	return err
}

// form writes the types of a statement as the database names them.
func (s *Store) form(statement string) string {
	if s.Dialect != PostgreSQL {
		return statement
	}
	return types.ReplaceAllStringFunc(statement, func(t string) string {
		return map[string]string{"integer": "bigint", "blob": "bytea"}[t]
	})
}

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

// Migrate brings the tables to the newest form. It only goes forward, does each file once, in one
// transaction with its entry in the table exit_migrations, and may be called at every start, by
// several servers at once.
func (s *Store) Migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if s.Dialect == PostgreSQL {
			if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
				return fmt.Errorf("wait for another migration: %w", err)
			}
		}
		if _, err := tx.ExecContext(ctx, s.form(`create table if not exists exit_migrations (version integer primary key)`)); err != nil {
			return err
		}
		var done int
		if err := tx.QueryRowContext(ctx, `select coalesce(max(version), 0) from exit_migrations`).Scan(&done); err != nil {
			return err
		}
		for _, name := range names {
			if err := s.migrate(ctx, tx, name, done); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate runs: %w", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context, tx *sql.Tx, name string, done int) error {
	number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
	version, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if version <= done {
		return nil
	}
	text, err := migrations.ReadFile(name)
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
	_, err = tx.ExecContext(ctx, `insert into exit_migrations (version) values ($1)`, version)
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

package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"exeunt/exit"
	"exeunt/internal/db"

	"github.com/jackc/pgx/v5/stdlib"
)

// tablesOf lists the tables so that each comes after those it refers to.
func tablesOf(ctx context.Context, q db.Queryer) ([]string, error) {
	rows, err := q.QueryContext(ctx, `with recursive refers as (
			select distinct conrelid as t, confrelid as r from pg_constraint where contype = 'f' and conrelid <> confrelid
		), depth as (
			select c.oid as t, 0 as d from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema() and c.relkind = 'r' and c.relname not in ('migrations', 'exit_migrations')
			union select f.t, depth.d + 1 from depth join refers f on f.r = depth.t where depth.d < 20
		) select c.relname::text from depth join pg_class c on c.oid = depth.t group by c.relname order by max(d), c.relname`)
	if err != nil {
		return nil, err
	}
	return db.Scan(rows, func(r db.Row) (s string, err error) { return s, r.Scan(&s) })
}

// savePostgres copies all tables out of one snapshot.
func savePostgres(ctx context.Context, d *db.DB, dir string, m *Manifest) (err error) {
	return withConn(ctx, d, func(conn *sql.Conn, c *stdlib.Conn) error {
		if _, err := conn.ExecContext(ctx, `begin isolation level repeatable read read only`); err != nil {
			return err
		}
		save := func() error {
			tables, err := tablesOf(ctx, conn)
			if err != nil {
				return err
			}
			for _, t := range tables {
				if err := saveFile(dir, "tables/"+t+".copy", m, func(w io.Writer) error {
					_, err := c.Conn().PgConn().CopyTo(ctx, w, `copy "`+t+`" to stdout (format binary)`)
					return err
				}); err != nil {
					return fmt.Errorf("copy %s: %w", t, err)
				}
			}
			m.Tables = tables
			return nil
		}
		err := save()
		_, end := conn.ExecContext(ctx, `rollback`)
		return errors.Join(err, end)
	})
}

// withConn lends one connection in both its forms.
func withConn(ctx context.Context, d *db.DB, fn func(conn *sql.Conn, c *stdlib.Conn) error) (err error) {
	conn, err := d.Writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var raw *stdlib.Conn
	if err := conn.Raw(func(c any) error { raw = c.(*stdlib.Conn); return nil }); err != nil {
		return err
	}
	return fn(conn, raw)
}

// RestorePostgres fills a migrated database that has no account with a backup's tables, in one transaction.
func RestorePostgres(ctx context.Context, d *db.DB, dir string, m Manifest) error {
	return withConn(ctx, d, func(conn *sql.Conn, c *stdlib.Conn) error {
		if _, err := conn.ExecContext(ctx, `begin`); err != nil {
			return err
		}
		if err := fill(ctx, conn, c, dir, m); err != nil {
			_, end := conn.ExecContext(ctx, `rollback`)
			return errors.Join(err, end)
		}
		_, err := conn.ExecContext(ctx, `commit`)
		return err
	})
}

func fill(ctx context.Context, conn *sql.Conn, c *stdlib.Conn, dir string, m Manifest) error {
	var n int64
	if err := conn.QueryRowContext(ctx, `select count(*) from (select 1 from accounts limit 1) a`).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return exit.Fail(exit.Conflict, "error.database_there")
	}
	for i := len(m.Tables) - 1; i >= 0; i-- {
		if _, err := conn.ExecContext(ctx, `delete from "`+m.Tables[i]+`"`); err != nil {
			return fmt.Errorf("empty %s: %w", m.Tables[i], err)
		}
	}
	for _, t := range m.Tables {
		f, err := os.Open(filepath.Join(dir, "tables", t+".copy"))
		if err != nil {
			return fmt.Errorf("open backup: %w", err)
		}
		_, err = c.Conn().PgConn().CopyFrom(ctx, f, `copy "`+t+`" from stdin (format binary)`)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("fill %s: %w", t, err)
		}
	}
	return nil
}

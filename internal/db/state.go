package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// watch is the connection on which the database's state is asked.
type watch struct {
	mu    sync.Mutex
	conn  *sql.Conn
	begun int // how many connections there have been: what SQLite counts holds for one of them
}

// State tells what has been committed to the database by this process or another: as long as it is the same, nothing was. SQLite counts the commits that a
// connection sees of others (PRAGMA data_version); PostgreSQL tells which transactions have ended (pg_current_snapshot, 9.27.7 of its manual).
// An answer may differ though nothing was changed.
func (d *DB) State(ctx context.Context) (string, error) {
	if !d.SQLite() {
		var snapshot string
		if err := d.Reader.QueryRowContext(ctx, `select cast(pg_current_snapshot() as text)`).Scan(&snapshot); err != nil {
			return "", fmt.Errorf("ask for the database's state: %w", err)
		}
		return snapshot, nil
	}
	d.watch.mu.Lock()
	defer d.watch.mu.Unlock()
	if d.watch.conn == nil {
		conn, err := d.Reader.Conn(ctx)
		if err != nil {
			return "", fmt.Errorf("ask for the database's state: %w", err)
		}
		d.watch.conn = conn
		d.watch.begun++
	}
	var n int64
	if err := d.watch.conn.QueryRowContext(ctx, `pragma data_version`).Scan(&n); err != nil {
		err = errors.Join(fmt.Errorf("ask for the database's state: %w", err), d.watch.conn.Close())
		d.watch.conn = nil
		return "", err
	}
	return fmt.Sprintf("%d.%d", d.watch.begun, n), nil
}

func (w *watch) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		return nil
	}
	err := w.conn.Close()
	w.conn = nil
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

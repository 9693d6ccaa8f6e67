package ledgersql

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"exeunt/exit/exitsql"
	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps the log's hashes and its newest head in the database of Runs. It joins the
// transaction that its context carries, so a leaf can commit together with what it is about. Several
// stores on several machines may share a database.
type Store struct{ Runs *exitsql.Store }

var _ ledger.Store = Store{}

// Migrate brings the package's tables to the newest form; see [exitsql.Store.MigrateWith]. A program that
// makes ledger_hashes and ledger_heads itself, just as the first migration does, needs no other for a Store alone.
func (s Store) Migrate(ctx context.Context) error {
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return s.Runs.MigrateWith(ctx, own, "ledger_migrations")
}

// query gives the context's transaction, else what the runs are read from.
func (s Store) query(ctx context.Context) exitsql.Queryer {
	if tx, ok := exitsql.Tx(ctx); ok {
		return tx
	}
	return s.Runs.Reader
}

// Size gives the number of leaves.
func (s Store) Size(ctx context.Context) (int64, error) {
	return s.size(ctx, "")
}

// turn gives the number of leaves and keeps others from appending until the context's transaction ends.
func (s Store) turn(ctx context.Context) (int64, error) {
	if s.Runs.Dialect == exitsql.PostgreSQL {
		return s.size(ctx, " for update")
	}
	return s.size(ctx, "") // a transaction that writes has SQLite's only writer
}

func (s Store) size(ctx context.Context, lock string) (size int64, err error) {
	if err := s.query(ctx).QueryRowContext(ctx, `select size from ledger_heads where id = 1`+lock).Scan(&size); err != nil {
		return 0, fmt.Errorf("read size of the log: %w", err)
	}
	return size, nil
}

// Head gives the newest signed head, or [ledger.ErrEmpty].
func (s Store) Head(ctx context.Context) ([]byte, error) {
	var head string
	if err := s.query(ctx).QueryRowContext(ctx, `select head from ledger_heads where id = 1`).Scan(&head); err != nil {
		return nil, fmt.Errorf("read head of the log: %w", err)
	}
	if head == "" {
		return nil, ledger.ErrEmpty
	}
	return []byte(head), nil
}

// Statements take at most so many hashes, far below what either database takes as arguments.
const (
	readAtOnce  = 500
	writeAtOnce = 200
)

// ReadHashes gives the hashes at the indexes, in their order; one that is not there is an error.
func (s Store) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	known := make(map[int64]tlog.Hash, len(indexes))
	for from := 0; from < len(indexes); from += readAtOnce {
		if err := s.read(ctx, indexes[from:min(from+readAtOnce, len(indexes))], known); err != nil {
			return nil, fmt.Errorf("read hashes of the log: %w", err)
		}
	}
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		h, ok := known[x]
		if !ok {
			return nil, fmt.Errorf("read hashes of the log: hash %d is missing", x)
		}
		out[i] = h
	}
	return out, nil
}

func (s Store) read(ctx context.Context, indexes []int64, known map[int64]tlog.Hash) (err error) {
	marks, args := make([]string, len(indexes)), make([]any, len(indexes))
	for i, x := range indexes {
		marks[i], args[i] = "$"+strconv.Itoa(i+1), x
	}
	rows, err := s.query(ctx).QueryContext(ctx, `select idx, hash from ledger_hashes where idx in (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var x int64
		var hash []byte
		if err := rows.Scan(&x, &hash); err != nil {
			return err
		}
		if len(hash) != tlog.HashSize {
			return fmt.Errorf("hash %d has %d bytes", x, len(hash))
		}
		known[x] = tlog.Hash(hash)
	}
	return rows.Err()
}

// Append adds a batch whole, in the context's transaction or in one of its own, or returns [ledger.ErrConflict].
func (s Store) Append(ctx context.Context, b ledger.Batch) error {
	return s.Runs.Update(ctx, func(ctx context.Context) error {
		tx, _ := exitsql.Tx(ctx)
		done, err := tx.ExecContext(ctx, `update ledger_heads set size = $1, head = $2 where id = 1 and size = $3`, b.To, string(b.Head), b.From)
		if err != nil {
			return fmt.Errorf("store head of the log: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil {
			return fmt.Errorf("store head of the log: %w", err)
		} else if n == 0 {
			return ledger.ErrConflict
		}
		for from := 0; from < len(b.Hashes); from += writeAtOnce {
			if err := insert(ctx, tx, b.Start+int64(from), b.Hashes[from:min(from+writeAtOnce, len(b.Hashes))]); err != nil {
				return fmt.Errorf("store hashes of the log: %w", err)
			}
		}
		return nil
	})
}

// insert stores a run of hashes in one statement.
func insert(ctx context.Context, tx *sql.Tx, start int64, hashes []tlog.Hash) error {
	rows, args := make([]string, len(hashes)), make([]any, 0, 2*len(hashes))
	for i, h := range hashes {
		rows[i] = fmt.Sprintf("($%d, $%d)", 2*i+1, 2*i+2)
		args = append(args, start+int64(i), h[:])
	}
	_, err := tx.ExecContext(ctx, `insert into ledger_hashes (idx, hash) values `+strings.Join(rows, ", "), args...)
	return err
}

package leave

import (
	"context"
	"fmt"
	"strings"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// ledgerStore keeps the Merkle log in the house's database. It holds hashes only.
type ledgerStore struct{ db *db.DB }

var _ ledger.Store = ledgerStore{}

// Size gives the number of leaves.
func (s ledgerStore) Size(ctx context.Context) (int64, error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select size from ledger_heads where id = 1`).Scan(&n); err != nil {
		return 0, fmt.Errorf("read size of the log: %w", err)
	}
	return n, nil
}

// Head gives the newest signed head.
func (s ledgerStore) Head(ctx context.Context) ([]byte, error) {
	var head string
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select head from ledger_heads where id = 1`).Scan(&head); err != nil {
		return nil, fmt.Errorf("read head of the log: %w", err)
	}
	if head == "" {
		return nil, ledger.ErrEmpty
	}
	return []byte(head), nil
}

// ReadHashes gives the stored hashes at the indexes, in their order.
func (s ledgerStore) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	at := make(map[int64][]int, len(indexes))
	for i, x := range indexes {
		at[x] = append(at[x], i)
	}
	found := 0
	for from := 0; from < len(indexes); from += 500 {
		part := indexes[from:min(from+500, len(indexes))]
		ids := make([]who.ID, len(part))
		for i, x := range part {
			ids[i] = who.ID(x)
		}
		list, args := service.In(1, ids)
		rows, err := s.db.Q(ctx).QueryContext(ctx, `select idx, hash from ledger_hashes where idx in (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("read hashes of the log: %w", err)
		}
		if _, err := db.Scan(rows, func(r db.Row) (int, error) {
			var idx int64
			var hash []byte
			if err := r.Scan(&idx, &hash); err != nil {
				return 0, err
			}
			for _, i := range at[idx] {
				copy(out[i][:], hash)
				found++
			}
			return 0, nil
		}); err != nil {
			return nil, fmt.Errorf("read hashes of the log: %w", err)
		}
	}
	if found < len(indexes) {
		return nil, fmt.Errorf("read hashes of the log: %d of %d are missing", len(indexes)-found, len(indexes))
	}
	return out, nil
}

// Append adds a batch if the log still has the size it was made for.
func (s ledgerStore) Append(ctx context.Context, b ledger.Batch) error {
	return s.db.Update(ctx, func(ctx context.Context) error {
		n, err := s.db.Exec(ctx, `update ledger_heads set size = $1, head = $2 where id = 1 and size = $3`, b.To, string(b.Head), b.From)
		if err != nil {
			return fmt.Errorf("store head of the log: %w", err)
		}
		if n == 0 {
			return ledger.ErrConflict
		}
		for from := 0; from < len(b.Hashes); from += 200 {
			if err := s.insert(ctx, b.Start+int64(from), b.Hashes[from:min(from+200, len(b.Hashes))]); err != nil {
				return fmt.Errorf("store hashes of the log: %w", err)
			}
		}
		return nil
	})
}

// insert stores a run of hashes in one statement.
func (s ledgerStore) insert(ctx context.Context, start int64, hashes []tlog.Hash) error {
	var values strings.Builder
	args := make([]any, 0, 2*len(hashes))
	for i, h := range hashes {
		if i > 0 {
			values.WriteByte(',')
		}
		fmt.Fprintf(&values, "($%d, $%d)", 2*i+1, 2*i+2)
		args = append(args, start+int64(i), h[:])
	}
	_, err := s.db.Exec(ctx, `insert into ledger_hashes (idx, hash) values `+values.String(), args...)
	return err
}

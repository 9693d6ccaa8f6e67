package ledger

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// A Store keeps the log's hashes and its newest signed head. It must be safe
// for concurrent use; what Append returned without error is durable.
type Store interface {
	// Size returns the number of leaves.
	Size(ctx context.Context) (int64, error)
	// ReadHashes returns the hashes at the given stored hash indexes
	// (tlog.StoredHashIndex), as many and in the same order. An index beyond the log is an error.
	ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
	// Append adds a batch whole or not at all. When the log no longer has b.From
	// leaves it changes nothing and returns [ErrConflict].
	Append(ctx context.Context, b Batch) error
	// Head returns the newest signed head, or [ErrEmpty].
	Head(ctx context.Context) ([]byte, error)
}

// A Batch is one growth of the log.
type Batch struct {
	From, To int64       // number of leaves before and after
	Start    int64       // stored hash index of Hashes[0]: tlog.StoredHashCount(From)
	Hashes   []tlog.Hash // the new hashes, in storage order
	Head     []byte      // the signed head of the log with To leaves
}

// Memory is a [Store] that forgets when the process ends. Its zero value is an empty log.
type Memory struct {
	mu     sync.RWMutex
	size   int64
	hashes []tlog.Hash
	head   []byte
}

var _ Store = (*Memory)(nil)

// Size returns the number of leaves.
func (m *Memory) Size(ctx context.Context) (int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.size, ctx.Err()
}

// ReadHashes returns the hashes at the given stored hash indexes.
func (m *Memory) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(m.hashes)) {
			return nil, fmt.Errorf("read hash %d: the log has %d", x, len(m.hashes))
		}
		out[i] = m.hashes[x]
	}
	return out, nil
}

// Append adds a batch, or returns [ErrConflict].
func (m *Memory) Append(ctx context.Context, b Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.From != m.size {
		return fmt.Errorf("append at %d: %w to %d", b.From, ErrConflict, m.size)
	}
	if b.Start != int64(len(m.hashes)) || b.Start+int64(len(b.Hashes)) != tlog.StoredHashCount(b.To) {
		return fmt.Errorf("append at %d: %w: %d hashes for %d leaves", b.From, ErrFormat, len(b.Hashes), b.To-b.From)
	}
	m.hashes = append(m.hashes, b.Hashes...)
	m.size = b.To
	m.head = slices.Clone(b.Head)
	return nil
}

// Head returns the newest signed head, or [ErrEmpty].
func (m *Memory) Head(ctx context.Context) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.head == nil {
		return nil, ErrEmpty
	}
	return slices.Clone(m.head), nil
}

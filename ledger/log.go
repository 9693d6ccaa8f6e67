package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// A Log appends leaves to a [Store] and signs what it has become. Several logs
// on one store are safe: of two that append at once one gets [ErrConflict].
type Log struct {
	store Store
	key   *Key
}

// NewLog returns the log that stands in store and is signed with key. Its
// origin is the key's name. Call [CheckHead] with the head kept outside the
// database before the first Append.
func NewLog(store Store, key *Key) *Log { return &Log{store: store, key: key} }

// Append adds leaves in order, signs the new head and returns the index of the
// first leaf. It is [Log.AppendAt] at the present size. It does not try again
// after [ErrConflict]: the caller looks first at which leaves are still to be added.
func (l *Log) Append(ctx context.Context, leaves []tlog.Hash) (first int64, err error) {
	size, err := l.store.Size(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the size of the log: %w", err)
	}
	return size, l.AppendAt(ctx, size, leaves)
}

// AppendAt adds leaves if the log has size leaves, and is [ErrConflict]
// otherwise. A sequencer that reads the size before it looks for unlogged
// receipts can so never add one twice. A log whose hashes no longer lead to its
// own signed head is not signed again: [ErrDisagrees].
func (l *Log) AppendAt(ctx context.Context, size int64, leaves []tlog.Hash) error {
	if len(leaves) == 0 {
		return nil
	}
	known, err := l.frontier(ctx, size)
	if err != nil {
		return fmt.Errorf("append %d leaves: %w", len(leaves), err)
	}
	b := Batch{From: size, To: size + int64(len(leaves)), Start: tlog.StoredHashCount(size)}
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(size+int64(i), leaf, known)
		if err != nil {
			return fmt.Errorf("append %d leaves: %w", len(leaves), err)
		}
		for _, h := range hashes {
			known[b.Start+int64(len(b.Hashes))] = h
			b.Hashes = append(b.Hashes, h)
		}
	}
	root, err := tlog.TreeHash(b.To, known)
	if err != nil {
		return fmt.Errorf("append %d leaves: %w", len(leaves), err)
	}
	if b.Head, err = signHead(tlog.Tree{N: b.To, Hash: root}, l.key); err != nil {
		return fmt.Errorf("append %d leaves: %w", len(leaves), err)
	}
	if err := l.store.Append(ctx, b); err != nil {
		return fmt.Errorf("append %d leaves: %w", len(leaves), err)
	}
	return nil
}

// frontier reads, in one call, the roots of the complete subtrees of the log:
// all the old hashes that growing it needs. It refuses those that do not lead
// to the newest head, since signing over them would cover up the change.
func (l *Log) frontier(ctx context.Context, size int64) (hashMap, error) {
	head, err := l.store.Head(ctx)
	if errors.Is(err, ErrEmpty) && size == 0 {
		return hashMap{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the newest head: %w", err)
	}
	tree, err := OpenHead(head, l.key.NoteVerifier())
	if err != nil {
		return nil, fmt.Errorf("read the newest head: %w", err)
	}
	if tree.N != size {
		return nil, l.explainSize(ctx, size, tree)
	}
	known, err := l.load(ctx, func(r tlog.HashReader) error { _, err := tlog.TreeHash(size, r); return err })
	if err != nil {
		return nil, err
	}
	root, err := tlog.TreeHash(size, known)
	if err != nil {
		return nil, fmt.Errorf("hash the log: %w", err)
	}
	if root != tree.Hash {
		return nil, &HeadError{Kept: tree, Have: tlog.Tree{N: size, Hash: root}, Err: ErrDisagrees}
	}
	return known, nil
}

// Adopt signs the log as it is with the key of l, whoever has signed it before: the copy of a log goes on with a key of its own, under which nothing is said in
// the name of the other. An empty log stays empty.
func (l *Log) Adopt(ctx context.Context) error {
	size, err := l.store.Size(ctx)
	if err != nil {
		return fmt.Errorf("read the size of the log: %w", err)
	}
	if size == 0 {
		return nil
	}
	known, err := l.load(ctx, func(r tlog.HashReader) error { _, err := tlog.TreeHash(size, r); return err })
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(size, known)
	if err != nil {
		return fmt.Errorf("hash the log: %w", err)
	}
	head, err := signHead(tlog.Tree{N: size, Hash: root}, l.key)
	if err != nil {
		return fmt.Errorf("adopt a log: %w", err)
	}
	if err := l.store.Append(ctx, Batch{From: size, To: size, Start: tlog.StoredHashCount(size), Head: head}); err != nil {
		return fmt.Errorf("adopt a log: %w", err)
	}
	return nil
}

// explainSize tells another sequencer's work from a store whose head and leaves
// never belonged together; only the first is worth another try.
func (l *Log) explainSize(ctx context.Context, size int64, head tlog.Tree) error {
	now, err := l.store.Size(ctx)
	if err != nil {
		return fmt.Errorf("read the size of the log: %w", err)
	}
	if now == size {
		return &HeadError{Kept: head, Have: tlog.Tree{N: now}, Err: ErrDisagrees}
	}
	return fmt.Errorf("at %d: %w to %d", size, ErrConflict, now)
}

// Head returns the newest signed head, or [ErrEmpty].
func (l *Log) Head(ctx context.Context) ([]byte, error) {
	head, err := l.store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the newest head: %w", err)
	}
	return head, nil
}

// Prove returns the proof that leaf index stands in the log of size leaves
// (an audit path, RFC 6962 section 2.1.1).
func (l *Log) Prove(ctx context.Context, index, size int64) (tlog.RecordProof, error) {
	if err := l.reaches(ctx, size); err != nil {
		return nil, fmt.Errorf("prove leaf %d of %d: %w", index, size, err)
	}
	p, err := tlog.ProveRecord(size, index, reader(ctx, l.store))
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d of %d: %w", index, size, err)
	}
	return p, nil
}

// ProveTree returns the proof that the log of size leaves begins with the log
// of older leaves (RFC 6962 section 2.1.2). [CheckGrowth] checks it.
func (l *Log) ProveTree(ctx context.Context, older, size int64) (tlog.TreeProof, error) {
	if err := l.reaches(ctx, size); err != nil {
		return nil, fmt.Errorf("prove that %d leaves grew to %d: %w", older, size, err)
	}
	p, err := tlog.ProveTree(size, older, reader(ctx, l.store))
	if err != nil {
		return nil, fmt.Errorf("prove that %d leaves grew to %d: %w", older, size, err)
	}
	return p, nil
}

// reaches refuses a size the log does not have: the path to a leaf that is still to
// come may consist of old hashes alone, so that reading them would not fail.
func (l *Log) reaches(ctx context.Context, size int64) error {
	now, err := l.store.Size(ctx)
	if err != nil {
		return fmt.Errorf("read the size of the log: %w", err)
	}
	if size > now {
		return fmt.Errorf("the log has %d leaves", now)
	}
	return nil
}

// Certify gives each receipt of c its proof against the newest head, fills in
// what [Sign] fills in, and signs. The receipts' Index and Salt are the caller's to set.
func (l *Log) Certify(ctx context.Context, c Certificate) ([]byte, error) {
	head, err := l.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("certify: %w", err)
	}
	tree, err := OpenHead(head, l.key.NoteVerifier())
	if err != nil {
		return nil, fmt.Errorf("certify: %w", err)
	}
	known, err := l.load(ctx, func(r tlog.HashReader) error {
		for _, e := range c.Receipts {
			if _, err := tlog.ProveRecord(tree.N, e.Index, r); err != nil {
				return fmt.Errorf("receipt %s: leaf %d of %d: %w", e.Receipt.Step, e.Index, tree.N, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("certify: %w", err)
	}
	entries := make([]Entry, len(c.Receipts))
	for i, e := range c.Receipts {
		if e.Proof, err = tlog.ProveRecord(tree.N, e.Index, known); err != nil {
			return nil, fmt.Errorf("certify receipt %s: %w", e.Receipt.Step, err)
		}
		entries[i] = e
	}
	c.Head, c.Receipts = string(head), entries
	return Sign(c, l.key)
}

// load runs need with a reader that only notes what is asked for, then reads
// all of it at once: one query for a batch instead of one for each leaf.
func (l *Log) load(ctx context.Context, need func(tlog.HashReader) error) (hashMap, error) {
	known := hashMap{}
	var indexes []int64
	err := need(tlog.HashReaderFunc(func(asked []int64) ([]tlog.Hash, error) {
		for _, x := range asked {
			if _, ok := known[x]; !ok {
				known[x] = tlog.Hash{}
				indexes = append(indexes, x)
			}
		}
		return make([]tlog.Hash, len(asked)), nil
	}))
	if err != nil || len(indexes) == 0 {
		return known, err
	}
	hashes, err := reader(ctx, l.store).ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for i, x := range indexes {
		known[x] = hashes[i]
	}
	return known, nil
}

// hashMap is a [tlog.HashReader] over hashes already read.
type hashMap map[int64]tlog.Hash

func (m hashMap) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		h, ok := m[x]
		if !ok {
			return nil, fmt.Errorf("hash %d was not read", x)
		}
		out[i] = h
	}
	return out, nil
}

func reader(ctx context.Context, s Store) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := s.ReadHashes(ctx, indexes)
		if err != nil {
			return nil, fmt.Errorf("read hashes: %w", err)
		}
		if len(hashes) != len(indexes) {
			return nil, fmt.Errorf("read hashes: asked for %d, got %d", len(indexes), len(hashes))
		}
		return hashes, nil
	})
}

package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"exeunt/ledger"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// naiveRoot is the Merkle tree hash of RFC 6962 section 2.1, by its definition.
func naiveRoot(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(naiveRoot(leaves[:k]), naiveRoot(leaves[k:]))
}

func TestLogGrowsWithProofs(t *testing.T) {
	ctx, key := t.Context(), testKey(t)
	l := ledger.NewLog(&ledger.Memory{}, key)
	all := leaves(0, 150)
	var heads [][]byte
	for size, step := 0, 1; size < len(all); step = step%7 + 1 {
		next := min(size+step, len(all))
		first, err := l.Append(ctx, all[size:next])
		must(t, err)
		if first != int64(size) {
			t.Fatalf("first = %d, want %d", first, size)
		}
		head, err := l.Head(ctx)
		must(t, err)
		heads = append(heads, head)
		tree, err := ledger.OpenHead(head, key.NoteVerifier())
		must(t, err)
		if want := naiveRoot(all[:next]); tree.N != int64(next) || tree.Hash != want {
			t.Fatalf("head of %d leaves is %v, want %v", next, tree, want)
		}
		for i := range next {
			proof, err := l.Prove(ctx, int64(i), tree.N)
			must(t, err)
			must(t, tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), all[i]))
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), leaves(999, 1)[0]); err == nil {
				t.Fatalf("leaf %d of %d: the proof holds for another leaf", i, next)
			}
		}
		size = next
	}
	for i, older := range heads {
		for _, newer := range heads[i:] {
			o, err := ledger.OpenHead(older, key.NoteVerifier())
			must(t, err)
			n, err := ledger.OpenHead(newer, key.NoteVerifier())
			must(t, err)
			proof, err := l.ProveTree(ctx, o.N, n.N)
			must(t, err)
			must(t, ledger.CheckGrowth(older, newer, proof, key.NoteVerifier()))
			if o.N == n.N {
				continue
			}
			if err := ledger.CheckGrowth(older, newer, append(proof, tlog.Hash{}), key.NoteVerifier()); !errors.Is(err, ledger.ErrProof) {
				t.Fatalf("%d to %d: a wrong proof of growth gives %v", o.N, n.N, err)
			}
		}
	}
}

// countingStore counts calls, to show that batches cost one read and one write.
type countingStore struct {
	ledger.Memory
	reads, writes int
}

func (s *countingStore) ReadHashes(ctx context.Context, x []int64) ([]tlog.Hash, error) {
	s.reads++
	return s.Memory.ReadHashes(ctx, x)
}

func (s *countingStore) Append(ctx context.Context, b ledger.Batch) error {
	s.writes++
	return s.Memory.Append(ctx, b)
}

func TestBatchesReadOnce(t *testing.T) {
	s := &countingStore{}
	l := ledger.NewLog(s, testKey(t))
	c := logged(t, l, sample())
	s.reads, s.writes = 0, 0
	_, err := l.Append(t.Context(), leaves(500, 1000))
	must(t, err)
	if s.reads != 1 || s.writes != 1 {
		t.Errorf("appending 1000 leaves made %d reads and %d writes, want 1 and 1", s.reads, s.writes)
	}
	s.reads = 0
	_, err = l.Certify(t.Context(), c)
	must(t, err)
	if s.reads != 1 {
		t.Errorf("certifying %d receipts made %d reads, want 1", len(c.Receipts), s.reads)
	}
}

func TestConcurrentAppenders(t *testing.T) {
	ctx, key, store := t.Context(), testKey(t), &ledger.Memory{}
	const writers, batches = 8, 40
	var wg sync.WaitGroup
	var mu sync.Mutex
	want := map[int64]tlog.Hash{}
	errs := make(chan error, writers)
	for w := range writers {
		wg.Go(func() {
			l := ledger.NewLog(store, key)
			for b := 0; b < batches; {
				batch := leaves(1_000_000*(w+1)+10*b, 1+b%4)
				first, err := l.Append(ctx, batch)
				if errors.Is(err, ledger.ErrConflict) {
					continue
				}
				if err != nil {
					errs <- err
					return
				}
				mu.Lock()
				for i, h := range batch {
					want[first+int64(i)] = h
				}
				mu.Unlock()
				b++
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	size, err := store.Size(ctx)
	must(t, err)
	if size != int64(len(want)) || size != writers*batches*10/4 {
		t.Fatalf("%d leaves, %d acknowledged, want %d", size, len(want), writers*batches*10/4)
	}
	in := make([]tlog.Hash, size)
	for i, h := range want {
		in[i] = h
	}
	head, err := store.Head(ctx)
	must(t, err)
	tree, err := ledger.OpenHead(head, key.NoteVerifier())
	must(t, err)
	if tree.N != size || tree.Hash != naiveRoot(in) {
		t.Fatalf("head %v is not that of the %d acknowledged leaves", tree, size)
	}
}

func TestAppendAtRefusesAnotherSize(t *testing.T) {
	ctx, store := t.Context(), &ledger.Memory{}
	l := ledger.NewLog(store, testKey(t))
	must(t, l.AppendAt(ctx, 0, leaves(0, 5)))
	for _, size := range []int64{0, 4, 6} {
		if err := l.AppendAt(ctx, size, leaves(0, 1)); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("append at %d of 5: %v, want ErrConflict", size, err)
		}
	}
	must(t, l.AppendAt(ctx, 5, nil))
	if n, err := store.Size(ctx); err != nil || n != 5 {
		t.Errorf("size %d, %v, want 5", n, err)
	}
}

// build returns a store with n leaves and the head it had.
func build(t *testing.T, from, n int) (*ledger.Memory, []byte) {
	t.Helper()
	store := &ledger.Memory{}
	l := ledger.NewLog(store, testKey(t))
	_, err := l.Append(t.Context(), leaves(from, n))
	must(t, err)
	head, err := l.Head(t.Context())
	must(t, err)
	return store, head
}

func TestCheckHead(t *testing.T) {
	ctx, key := t.Context(), testKey(t)
	v := key.NoteVerifier()
	store, head20 := build(t, 0, 20)
	_, head33 := build(t, 0, 33)
	_, other20 := build(t, 7, 20)
	must(t, ledger.CheckHead(ctx, store, head20, v))
	err := ledger.NewLog(store, key).AppendAt(ctx, 20, leaves(20, 5))
	must(t, err)
	must(t, ledger.CheckHead(ctx, store, head20, v))

	var he *ledger.HeadError
	err = ledger.CheckHead(ctx, store, head33, v)
	if !errors.Is(err, ledger.ErrBehind) || !errors.As(err, &he) || he.Kept.N != 33 || he.Have.N != 25 {
		t.Errorf("a database older than the head: %v", err)
	}
	// The cure that the error names.
	must(t, ledger.NewLog(store, key).AppendAt(ctx, 25, leaves(25, 8)))
	must(t, ledger.CheckHead(ctx, store, head33, v))

	err = ledger.CheckHead(ctx, store, other20, v)
	if !errors.Is(err, ledger.ErrDisagrees) || !errors.As(err, &he) || he.Kept.N != 20 || he.Have.N != 20 {
		t.Errorf("another log's head: %v", err)
	}
	stranger := seededKey(t, "exeunt.example", "stranger").NoteVerifier()
	if err := ledger.CheckHead(ctx, store, head20, stranger); !errors.Is(err, ledger.ErrKey) {
		t.Errorf("a head of another key: %v", err)
	}
	changed := bytes.Replace(head20, []byte("\n20\n"), []byte("\n21\n"), 1)
	if err := ledger.CheckHead(ctx, store, changed, v); !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("a changed head: %v", err)
	}
	if err := ledger.CheckHead(ctx, store, nil, v); !errors.Is(err, ledger.ErrFormat) {
		t.Errorf("no head: %v", err)
	}
}

func TestOpenHeadRefusesStrangeForms(t *testing.T) {
	key := testKey(t)
	root := leaves(0, 1)[0].String()
	for name, text := range map[string]string{
		// 2^63-1 leaves would send the tree's arithmetic round for ever.
		"too many leaves": fmt.Sprintf("exeunt.example\n9223372036854775807\n%s\n", root),
		"negative":        fmt.Sprintf("exeunt.example\n-1\n%s\n", root),
		"leading zero":    fmt.Sprintf("exeunt.example\n01\n%s\n", root),
		"other origin":    fmt.Sprintf("other.example\n1\n%s\n", root),
		"extension line":  fmt.Sprintf("exeunt.example\n1\n%s\nmore\n", root),
		"short hash":      "exeunt.example\n1\nAAAA\n",
		"no lines":        "exeunt.example\n",
	} {
		head, err := note.Sign(&note.Note{Text: text}, key)
		must(t, err)
		if _, err := ledger.OpenHead(head, key.NoteVerifier()); !errors.Is(err, ledger.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	if _, err := ledger.OpenHead([]byte(strings.Repeat("x", 5000)), key.NoteVerifier()); !errors.Is(err, ledger.ErrTooLarge) {
		t.Errorf("a huge head: %v, want ErrTooLarge", err)
	}
}

// tampered is a store somebody has edited behind the log's back.
type tampered struct {
	*ledger.Memory
	hash int64  // this stored hash is another
	head []byte // and this is the head, when set
}

func (s tampered) ReadHashes(ctx context.Context, x []int64) ([]tlog.Hash, error) {
	out, err := s.Memory.ReadHashes(ctx, x)
	for i := range out {
		if x[i] == s.hash {
			out[i][0] ^= 1
		}
	}
	return out, err
}

func (s tampered) Head(ctx context.Context) ([]byte, error) {
	if s.head != nil {
		return s.head, nil
	}
	return s.Memory.Head(ctx)
}

func TestTamperedStoreIsNotSignedAgain(t *testing.T) {
	ctx, key := t.Context(), testKey(t)
	store, head := build(t, 0, 11)
	_, head7 := build(t, 0, 7)
	var he *ledger.HeadError
	for name, s := range map[string]tampered{
		"hash": {Memory: store, hash: tlog.StoredHashIndex(3, 0)},
		"head": {Memory: store, hash: -1, head: head7},
	} {
		_, err := ledger.NewLog(s, key).Append(ctx, leaves(11, 1))
		if !errors.Is(err, ledger.ErrDisagrees) || !errors.As(err, &he) {
			t.Errorf("%s: %v, want ErrDisagrees", name, err)
		}
	}
	if n, err := store.Size(ctx); err != nil || n != 11 {
		t.Errorf("size %d, %v: a refused append wrote", n, err)
	}
	s := tampered{Memory: store, hash: tlog.StoredHashIndex(3, 0)}
	if err := ledger.CheckHead(ctx, s, head, key.NoteVerifier()); !errors.Is(err, ledger.ErrDisagrees) {
		t.Errorf("CheckHead: %v, want ErrDisagrees", err)
	}
}

func TestLostKeyDoesNotSignOn(t *testing.T) {
	store, _ := build(t, 0, 4)
	_, err := ledger.NewLog(store, seededKey(t, "exeunt.example", "new")).Append(t.Context(), leaves(4, 1))
	if !errors.Is(err, ledger.ErrKey) {
		t.Errorf("a new key on an old log: %v, want ErrKey", err)
	}
}

func TestProveRefusesWhatIsNotThere(t *testing.T) {
	store, _ := build(t, 0, 4)
	l := ledger.NewLog(store, testKey(t))
	for _, x := range [][2]int64{{4, 4}, {-1, 4}, {0, 0}, {0, 5}, {4, 5}} {
		if _, err := l.Prove(t.Context(), x[0], x[1]); err == nil {
			t.Errorf("leaf %d of %d was proved in a log of 4", x[0], x[1])
		}
	}
	if _, err := l.ProveTree(t.Context(), 5, 4); err == nil {
		t.Error("5 leaves were proved to have grown to 4")
	}
}

func TestMemoryRefusesWhatDoesNotFit(t *testing.T) {
	ctx := t.Context()
	m := &ledger.Memory{}
	if _, err := m.Head(ctx); !errors.Is(err, ledger.ErrEmpty) {
		t.Errorf("head of an empty log: %v", err)
	}
	if err := m.Append(ctx, ledger.Batch{From: 0, To: 2, Hashes: leaves(0, 2)}); !errors.Is(err, ledger.ErrFormat) {
		t.Errorf("two hashes for two leaves (three are due): %v", err)
	}
	if _, err := m.ReadHashes(ctx, []int64{0}); err == nil {
		t.Error("a hash beyond the log was read")
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := m.Append(stopped, ledger.Batch{}); !errors.Is(err, context.Canceled) {
		t.Errorf("append after cancel: %v", err)
	}
}

package ledgersql_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"exeunt/exit/exitsql"
	"exeunt/ledger"
	"exeunt/ledger/ledgersql"

	"golang.org/x/mod/sumdb/tlog"
)

// leaves gives n leaves that differ from one another.
func leaves(from, n int64) []tlog.Hash {
	out := make([]tlog.Hash, n)
	for i := range out {
		out[i] = tlog.RecordHash([]byte{byte(from + int64(i)), byte((from + int64(i)) >> 8)})
	}
	return out
}

// TestStoreIsTheMemory grows one log in the database and in memory: they answer the same.
func TestStoreIsTheMemory(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		ctx, key, memory, store := t.Context(), newKey(t), &ledger.Memory{}, ledgersql.Store{Runs: runs}
		if _, err := store.Head(ctx); !errors.Is(err, ledger.ErrEmpty) {
			t.Fatalf("the head of an empty log: %v", err)
		}
		size := int64(0)
		for _, batch := range []int64{1, 2, 1, 13, 700, 3} { // 700 leaves take several statements to store, and to read
			for _, s := range []ledger.Store{memory, store} {
				first, err := ledger.NewLog(s, key).Append(ctx, leaves(size, batch))
				must(t, err)
				if first != size {
					t.Fatalf("a batch begins at %d, want %d", first, size)
				}
			}
			size += batch
		}
		if got, err := store.Size(ctx); err != nil || got != size {
			t.Errorf("size %d, %v, want %d", got, err, size)
		}
		want, err := memory.Head(ctx)
		must(t, err)
		if got, err := store.Head(ctx); err != nil || string(got) != string(want) {
			t.Errorf("head %q, %v, want %q", got, err, want)
		}
		indexes := []int64{5, 0, 5}
		for x := range tlog.StoredHashCount(size) {
			indexes = append(indexes, x)
		}
		wantHashes, err := memory.ReadHashes(ctx, indexes)
		must(t, err)
		gotHashes, err := store.ReadHashes(ctx, indexes)
		must(t, err)
		if !slices.Equal(gotHashes, wantHashes) {
			t.Error("the hashes differ")
		}
		must(t, ledger.CheckHead(ctx, store, want, key.NoteVerifier()))
		if _, err := store.ReadHashes(ctx, []int64{0, tlog.StoredHashCount(size)}); err == nil {
			t.Error("a hash beyond the log is read")
		}
	})
}

// TestStoreAllOrNothing: who is late changes nothing, nor does who rolls back.
func TestStoreAllOrNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		ctx, store := t.Context(), ledgersql.Store{Runs: runs}
		log := ledger.NewLog(store, newKey(t))
		must(t, log.AppendAt(ctx, 0, leaves(0, 5)))
		before, err := store.Head(ctx)
		must(t, err)
		hashes := number(t, runs, `select count(*) from ledger_hashes`)

		late := ledger.Batch{From: 4, To: 5, Start: tlog.StoredHashCount(4), Hashes: leaves(9, 1), Head: []byte("late")}
		if err := store.Append(ctx, late); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("who is late: %v", err)
		}
		changed := errors.New("changed my mind")
		err = runs.Update(ctx, func(ctx context.Context) error {
			if err := log.AppendAt(ctx, 5, leaves(5, 3)); err != nil {
				return err
			}
			if size, err := store.Size(ctx); err != nil || size != 8 {
				t.Errorf("inside, the log has %d leaves, %v", size, err)
			}
			return changed
		})
		if !errors.Is(err, changed) {
			t.Errorf("who rolls back: %v", err)
		}
		twice := ledger.Batch{From: 5, To: 6, Start: 0, Hashes: leaves(5, 1), Head: []byte("twice")}
		if err := store.Append(ctx, twice); !exitsql.Duplicate(err) {
			t.Errorf("a hash stored twice: %v", err)
		}

		if after, err := store.Head(ctx); err != nil || string(after) != string(before) {
			t.Errorf("the head has changed: %q, %v", after, err)
		}
		if got := number(t, runs, `select count(*) from ledger_hashes`); got != hashes {
			t.Errorf("%d hashes, want %d", got, hashes)
		}
	})
}

func TestMigrateAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		store := ledgersql.Store{Runs: runs}
		must(t, ledger.NewLog(store, newKey(t)).AppendAt(t.Context(), 0, leaves(0, 2)))
		must(t, store.Migrate(t.Context()))
		if size, err := store.Size(t.Context()); err != nil || size != 2 {
			t.Errorf("after another migration the log has %d leaves, %v", size, err)
		}
	})
}

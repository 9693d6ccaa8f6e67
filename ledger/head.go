package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	maxHead = 4096
	// maxLeaves is far above any log and far below where the tree's arithmetic
	// (powers of two in an int64) would overflow, which a hostile head might ask for.
	maxLeaves = 1 << 53
)

// signHead writes a checkpoint: origin, number of leaves, root hash, signature.
func signHead(tree tlog.Tree, key *Key) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", key.Name(), tree.N, tree.Hash)
	head, err := note.Sign(&note.Note{Text: text}, key)
	if err != nil {
		return nil, fmt.Errorf("sign the head: %w", err)
	}
	return head, nil
}

// OpenHead checks the signature of a head and returns the tree it signs. It
// takes the one form that [Log] writes, whose origin is the verifier's name; other
// forms are [ErrFormat], a changed head is [ErrSignature], another key's [ErrKey].
func OpenHead(head []byte, v note.Verifier) (tlog.Tree, error) {
	if len(head) > maxHead {
		return tlog.Tree{}, fmt.Errorf("open head: %w", ErrTooLarge)
	}
	text, err := openNote(head, v)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("open head: %w", err)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != v.Name() {
		return tlog.Tree{}, fmt.Errorf("open head: %w: not a checkpoint of %s", ErrFormat, v.Name())
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || n > maxLeaves || strconv.FormatInt(n, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("open head: %w: number of leaves", ErrFormat)
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil || hash.String() != lines[2] {
		return tlog.Tree{}, fmt.Errorf("open head: %w: root hash", ErrFormat)
	}
	return tlog.Tree{N: n, Hash: hash}, nil
}

// openNote returns the text of a note that v alone has signed, and accepts it
// in one spelling only: a note with spare signatures or another base64 for
// the same bytes would be a second file with the same meaning.
func openNote(data []byte, v note.Verifier) (string, error) {
	n, err := note.Open(data, note.VerifierList(v))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		return "", ErrKey
	case errors.As(err, &invalid):
		return "", ErrSignature
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrFormat, err)
	}
	again, err := note.Sign(n)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(n.UnverifiedSigs) > 0 || string(again) != string(data) || !canonicalBase64(n.Sigs[0].Base64) {
		return "", fmt.Errorf("%w: not in canonical form", ErrFormat)
	}
	return n.Text, nil
}

// HeadError says how a log and a head kept elsewhere differ. Have is the log's
// tree at the kept size, or at its own where it is shorter.
type HeadError struct {
	Kept, Have tlog.Tree
	Err        error // [ErrBehind] or [ErrDisagrees]
}

// Error says which leaf counts and root hashes differ.
func (e *HeadError) Error() string {
	return fmt.Sprintf("%v: kept %d leaves %s, have %d leaves %s",
		e.Err, e.Kept.N, e.Kept.Hash, e.Have.N, e.Have.Hash)
}

// Unwrap returns [ErrBehind] or [ErrDisagrees].
func (e *HeadError) Unwrap() error { return e.Err }

// CheckHead compares a log with a head of it kept outside its database. It is
// nil when the log is that one or has grown from it; otherwise a [*HeadError]:
// with [ErrBehind] the database is older than the head (a restored backup: append the
// missing leaves, kept beside the head, and check again), with [ErrDisagrees] it
// was changed, and nothing may be signed. A head that does not verify is
// [ErrFormat], [ErrSignature] or [ErrKey].
func CheckHead(ctx context.Context, store Store, head []byte, v note.Verifier) error {
	kept, err := OpenHead(head, v)
	if err != nil {
		return fmt.Errorf("check the kept head: %w", err)
	}
	size, err := store.Size(ctx)
	if err != nil {
		return fmt.Errorf("check the kept head: read the size of the log: %w", err)
	}
	have := tlog.Tree{N: min(size, kept.N)}
	if have.Hash, err = tlog.TreeHash(have.N, reader(ctx, store)); err != nil {
		return fmt.Errorf("check the kept head: hash the log: %w", err)
	}
	switch {
	case have.N < kept.N:
		return &HeadError{Kept: kept, Have: have, Err: ErrBehind}
	case have.Hash != kept.Hash:
		return &HeadError{Kept: kept, Have: have, Err: ErrDisagrees}
	}
	return nil
}

// CheckGrowth checks, with the proof of [Log.ProveTree] and nothing else, that the
// log of the newer head begins with the whole log of the older one.
func CheckGrowth(older, newer []byte, proof tlog.TreeProof, v note.Verifier) error {
	o, err := OpenHead(older, v)
	if err != nil {
		return fmt.Errorf("check growth: older: %w", err)
	}
	n, err := OpenHead(newer, v)
	if err != nil {
		return fmt.Errorf("check growth: newer: %w", err)
	}
	if err := tlog.CheckTree(proof, n.N, n.Hash, o.N, o.Hash); err != nil {
		return fmt.Errorf("check growth from %d to %d leaves: %w: %w", o.N, n.N, ErrProof, err)
	}
	return nil
}

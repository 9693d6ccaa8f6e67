package leave

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"

	"exeunt/exit"
	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// Replayed counts what a restored database had forgotten.
type Replayed struct {
	Erasures     int // classes of accounts
	Items        int64
	Closings     int
	Undone       int
	Certificates int
	Sunsets      int // calendars that were published again
}

// Replay does again what the list outside the database knows and the database does not: what was
// erased since the backup is erased again, closings begin again on their own dates, what was
// undone stays undone, calendars of sunsets are published again as of their day, and certificates and slips are brought back. It must be done before anything is
// served. A database whose log is not the one on the list signs nothing any more; that is logged, and
// the rest goes on. While other nodes go on working the list may run ahead of what was read: it is
// then read again.
func (l *Room) Replay(ctx context.Context) (Replayed, error) {
	var done Replayed
	l.replays = true
	defer func() { l.replays = false }()
	from, err := l.leaves().Size(ctx)
	if err != nil {
		return done, err
	}
	for range 5 {
		if err = l.replayErased(ctx, &done); !errors.Is(err, ledger.ErrConflict) {
			break
		}
	}
	if err != nil {
		return done, err
	}
	if err := l.replayJourneys(ctx, &done, from); err != nil {
		return done, err
	}
	return done, l.endGone(ctx)
}

func (l *Room) replayErased(ctx context.Context, done *Replayed) error {
	size, err := l.leaves().Size(ctx)
	if err != nil {
		return err
	}
	var leaves []tlog.Hash
	var last []Entry
	var head string
	again := func(e Entry) error {
		n, err := l.eraseAgain(ctx, e)
		done.Erasures++
		done.Items += n
		return err
	}
	err = l.Outside.Erased(ctx, max(0, size-1), func(e Entry) error {
		head = e.Head
		if e.Index < size {
			return nil
		}
		if e.Class == l.Name()+"."+classJourneys {
			last = append(last, e) // it appends to the log what waits: not before what was lost is there again
		} else if err := again(e); err != nil {
			return err
		}
		var h tlog.Hash
		b, err := base64.StdEncoding.DecodeString(e.Leaf)
		if err != nil || len(b) != len(h) || e.Index != size+int64(len(leaves)) {
			return l.disagree(ctx, fmt.Errorf("leaf %d of the list outside: %w", e.Index, errors.Join(err, ledger.ErrDisagrees)))
		}
		copy(h[:], b)
		leaves = append(leaves, h)
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.regrow(ctx, size, leaves, head); err != nil {
		return err
	}
	for _, e := range last {
		if l.signs {
			err = again(e)
		} else { // what waits cannot be appended; it stays where it is
			s, bad := exit.ParseSubject(e.Subject)
			_, err = l.DB.Runs.ForgetHeir(ctx, s.ID)
			err = errors.Join(bad, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Room) disagree(ctx context.Context, err error) error {
	l.signs = false
	l.Log.LogAttrs(ctx, slog.LevelError, "the log disagrees with the list outside: nothing is signed", slog.Any("err", err))
	return nil
}

// regrow appends the leaves that the database had lost, and compares the tree with the newest head
// outside.
func (l *Room) regrow(ctx context.Context, size int64, leaves []tlog.Hash, head string) error {
	if !l.signs {
		return nil
	}
	if len(leaves) > 0 {
		if err := l.ledger.AppendAt(ctx, size, leaves); err != nil {
			return fmt.Errorf("append lost leaves: %w", err)
		}
	}
	if head == "" {
		return nil
	}
	err := ledger.CheckHead(ctx, l.leaves(), []byte(head), l.Key.NoteVerifier())
	if errors.Is(err, ledger.ErrDisagrees) || errors.Is(err, ledger.ErrBehind) || errors.Is(err, ledger.ErrKey) {
		return l.disagree(ctx, err)
	}
	return err
}

// eraseAgain empties a class that was erased after the backup, in bounded chunks, and looks again.
func (l *Room) eraseAgain(ctx context.Context, e Entry) (int64, error) {
	s, err := exit.ParseSubject(e.Subject)
	if err != nil {
		return 0, err
	}
	if !runForm.MatchString(e.Run) {
		return 0, exit.Fail(exit.Invalid, "error.no_run")
	}
	h, class, ok := l.holderOf(e.Class)
	keeper, keeps := h.(exit.HoldKeeper)
	if !ok || e.Manner == exit.Hold && !keeps {
		// To serve now would bring back in silence what a certificate calls gone.
		return 0, fmt.Errorf("erase %s again: %w", e.Class, exit.Fail(exit.Unavailable, "error.no_holder", "holder", e.Class))
	}
	t := exit.Task{Run: e.Run, Step: "replay:" + e.Class, Subject: s, Class: class.Name, Manner: e.Manner, Choice: e.Choice, Limit: 500, Now: e.At}
	act := h.Erase
	if e.Manner == exit.Hold {
		if t.Until, err = heldUntil(e); err != nil {
			return 0, err
		}
		act = keeper.Hold
	}
	look := h.Verify
	if s.Ending() { // of everybody who has some of it, as the step did
		kind := exit.ActErase
		if e.Manner == exit.Hold {
			kind = exit.ActHold
		}
		act = func(ctx context.Context, t exit.Task) (exit.Progress, error) {
			return l.Engine.EraseAll(ctx, h, kind, t)
		}
		look = func(ctx context.Context, t exit.Task) (exit.Residue, error) { return l.Engine.VerifyAll(ctx, h, t) }
	}
	var items int64
	for finished := false; !finished; t.Chunk++ {
		erase := func(ctx context.Context) error {
			p, err := act(ctx, t)
			items += p.Items
			t.Cursor, finished = p.Cursor, p.Done
			return err
		}
		if class.Outside {
			err = erase(ctx)
		} else {
			err = l.DB.Update(ctx, erase)
		}
		if err != nil {
			return items, fmt.Errorf("erase %s again: %w", e.Class, err)
		}
	}
	if e.Name != "" {
		if err := l.DB.Update(ctx, func(ctx context.Context) error { return l.restoreHeldName(ctx, e.Run, e.Name, e.Until) }); err != nil {
			return items, err
		}
	}
	left, err := look(ctx, t)
	if err != nil {
		return items, fmt.Errorf("verify %s: %w", e.Class, err)
	}
	if left.Left > 0 {
		return items, exit.Fail(exit.Internal, "error.residue", "n", left.Left)
	}
	return items, l.recall(ctx, e)
}

func (l *Room) holderOf(id string) (exit.Holder, exit.Class, bool) {
	for _, h := range l.Engine.Holders {
		for _, c := range h.Classes() {
			if h.Name()+"."+c.Name == id {
				return h, c, true
			}
		}
	}
	return nil, exit.Class{}, false
}

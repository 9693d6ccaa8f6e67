package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// receipt is called in the transaction that ends a step: its receipt and the log's new leaf commit
// with it. With one writer the log needs no sequencer.
func (n *Notes) receipt(ctx context.Context, r exit.Run, s exit.StepStatus) error {
	salt, err := ledger.NewSalt()
	if err != nil {
		return err
	}
	rec := ledger.Receipt{
		Step: s.Key, Act: string(s.Act), Holder: s.Holder, Class: s.Class, Manner: string(s.Manner),
		Due: ledger.DayOf(s.At.Add(-time.Second), r.Plan.Location()), Done: s.Ended, Items: s.Items, Bytes: s.Bytes,
		SatisfiedBy: strings.ReplaceAll(s.Satisfier, " ", "/"),
	}
	leaf, err := rec.Leaf(salt)
	if err != nil {
		return err
	}
	first, err := n.log.Append(ctx, []tlog.Hash{leaf})
	if err != nil {
		return err
	}
	entry, err := json.Marshal(ledger.Entry{Receipt: rec, Salt: salt, Index: first})
	if err != nil {
		return err
	}
	_, err = n.do(ctx, `insert into receipts (run, entry) values ($1, $2)`, r.ID, string(entry))
	return err
}

// certify is called in the transaction that seals a run. The certificate holds all that the
// receipts say; they are dropped.
func (n *Notes) certify(ctx context.Context, r exit.Run, steps []exit.StepStatus) error {
	if r.Journey != exit.Close {
		return nil
	}
	zone, backups := r.Plan.Location(), n.Policy.Backups
	agedOut := func(t exit.Term) ledger.Day {
		return ledger.Day(t.From(exit.DateOf(r.Ended, zone), exit.Calendar{}).String())
	}
	c := ledger.Certificate{
		ID: r.ID, Version: 1, Journey: string(r.Journey), Policy: "sha256:" + r.Policy, Plan: "sha256:" + r.Hash, Zone: r.Plan.Zone,
		Agreed: ledger.DayOf(r.Agreed, zone), Sealed: r.Ended, Issued: r.Ended,
		AgedOut: ledger.AgedOut{WAL: agedOut(backups.WAL), Backups: agedOut(backups.Backups)},
	}
	for _, s := range steps {
		switch {
		case s.Act == exit.ActBegin && !s.AtOnce:
			c.CoolingOffEnds = s.At
		case s.Act.Irreversible():
			c.Promises = append(c.Promises, ledger.Promise{
				Step: s.Key, Act: string(s.Act), Holder: s.Holder, Class: s.Class, Manner: string(s.Manner), Due: ledger.Day(s.Due.String()),
			})
		}
	}
	var entries []byte
	err := n.get(ctx, &entries, `select '[' || coalesce(group_concat(entry), '') || ']' from (select entry from receipts where run = $1 order by n)`, r.ID)
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	if err := json.Unmarshal(entries, &c.Receipts); err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	file, err := n.log.Certify(ctx, c)
	if err != nil {
		return err
	}
	if _, err := n.do(ctx, `delete from receipts where run = $1`, r.ID); err != nil {
		return err
	}
	_, err = n.do(ctx, `insert into certificates (run, file) values ($1, $2)`, r.ID, file)
	return err
}

// Certificate gives the certificate of a sealed run; NotFound before.
func (n *Notes) Certificate(ctx context.Context, run string) (file []byte, err error) {
	err = n.get(ctx, &file, `select file from certificates where run = $1`, run)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, exit.Fail(exit.NotFound, "error.no_certificate")
	}
	return file, err
}

// leaves is the log in the database, a [ledger.Store] that joins the step's transaction.
type leaves struct{ *Notes }

func (l leaves) Size(ctx context.Context) (size int64, err error) {
	err = l.get(ctx, &size, `select coalesce(max(size), 0) from log_heads`)
	return size, err
}

func (l leaves) Head(ctx context.Context) (head []byte, err error) {
	if err = l.get(ctx, &head, `select head from log_heads order by size desc limit 1`); errors.Is(err, sql.ErrNoRows) {
		err = ledger.ErrEmpty
	}
	return head, err
}

func (l leaves) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		var b []byte
		if err := l.get(ctx, &b, `select hash from log_hashes where i = $1`, x); err != nil {
			return nil, fmt.Errorf("read hash %d: %w", x, err)
		}
		copy(out[i][:], b)
	}
	return out, nil
}

func (l leaves) Append(ctx context.Context, b ledger.Batch) error {
	return l.Store.Update(ctx, func(ctx context.Context) error {
		if size, err := l.Size(ctx); err != nil || size != b.From {
			return errors.Join(err, ledger.ErrConflict)
		}
		for i, h := range b.Hashes {
			if _, err := l.do(ctx, `insert into log_hashes (i, hash) values ($1, $2)`, b.Start+int64(i), h[:]); err != nil {
				return err
			}
		}
		_, err := l.do(ctx, `insert into log_heads (size, head) values ($1, $2)`, b.To, b.Head)
		return err
	})
}

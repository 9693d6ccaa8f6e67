package ledgersql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// Book keeps receipts, their log and the certificates. Receipt, Certify and Extend are the hooks of these
// names of an [exit.Engine] whose run store is the one that the book was made with.
type Book struct {
	// Trial marks certificates that are made under a clock that can be moved: they prove nothing.
	Trial bool

	store Store
	log   *ledger.Log
	key   *ledger.Key
}

// NewBook gives the book in the database of runs, whose log and certificates are signed with key. Its tables
// are made by [Book.Migrate].
func NewBook(runs *exitsql.Store, key *ledger.Key) *Book {
	store := Store{runs}
	return &Book{store: store, log: ledger.NewLog(store, key), key: key}
}

// Migrate brings the book's tables to the newest form. It may be called at every start.
func (b *Book) Migrate(ctx context.Context) error { return b.store.Migrate(ctx) }

// Store gives the log's store, as [ledger.CheckHead] compares it at start with a head kept elsewhere.
func (b *Book) Store() Store { return b.store }

// certified gives the run in whose certificate a run's receipts stand: the end of a hold belongs to the run that held.
func certified(r exit.Run) string {
	if r.Journey == exit.EndHold {
		return r.Subject.ID
	}
	return r.ID
}

// Receipt stores the receipt of an irreversible step and appends its leaf to the log, all in the
// transaction in which the step ends.
func (b *Book) Receipt(ctx context.Context, r exit.Run, s exit.StepStatus) error {
	entry := ledger.Entry{Receipt: ledger.ReceiptOf(r, s)}
	var err error
	if entry.Salt, err = ledger.NewSalt(); err != nil {
		return err
	}
	leaf, err := entry.Receipt.Leaf(entry.Salt)
	if err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	return b.store.Runs.Update(ctx, func(ctx context.Context) error {
		if entry.Index, err = b.store.turn(ctx); err != nil {
			return err
		}
		if err := b.log.AppendAt(ctx, entry.Index, []tlog.Hash{leaf}); err != nil {
			return err
		}
		text, err := json.Marshal(entry)
		if err != nil {
			return fmt.Errorf("write receipt: %w", err)
		}
		tx, _ := exitsql.Tx(ctx)
		if _, err := tx.ExecContext(ctx, `insert into ledger_receipts (idx, run, entry) values ($1, $2, $3)`, entry.Index, certified(r), string(text)); err != nil {
			return fmt.Errorf("store receipt: %w", err)
		}
		return nil
	})
}

// Certify makes and stores the certificate of a closing, in the transaction that seals it, and drops the receipts that
// it holds. Other journeys get none, nor does a closing that had nothing to do where the log is still empty.
func (b *Book) Certify(ctx context.Context, r exit.Run, steps []exit.StepStatus) error {
	if r.Journey != exit.Close {
		return nil
	}
	policy, err := b.policy(ctx, r)
	if err != nil {
		return err
	}
	return b.store.Runs.Update(ctx, func(ctx context.Context) error {
		if _, err := b.store.turn(ctx); err != nil { // a hold may end meanwhile
			return err
		}
		done, ended, err := b.receipts(ctx, r.ID)
		if err != nil {
			return err
		}
		c := ledger.CertificateOf(r, policy, steps)
		c.ID, c.Issued, c.Trial, c.Receipts = strings.ToLower(rand.Text()), r.Ended, b.Trial, done
		file, err := b.log.Certify(ctx, c)
		if len(done) == 0 && errors.Is(err, ledger.ErrEmpty) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.keep(ctx, r.ID, file); err != nil || len(ended) == 0 {
			return err
		}
		return b.extend(ctx, r.ID, file, policy, ended, r.Ended)
	})
}

// Extend stores the next version of the certificate of a run when a hold of it has ended, in the transaction that
// seals the run r which ended it. Where the run is not sealed yet the receipt waits for its certificate.
func (b *Book) Extend(ctx context.Context, of string, r exit.Run, _ []exit.StepStatus) error {
	policy, err := b.policy(ctx, r)
	if err != nil {
		return err
	}
	return b.store.Runs.Update(ctx, func(ctx context.Context) error {
		if _, err := b.store.turn(ctx); err != nil { // two holds of one run may end at once
			return err
		}
		file, err := b.Certificate(ctx, of)
		if exit.KindOf(err) == exit.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		_, ended, err := b.receipts(ctx, of)
		if err != nil {
			return err
		}
		return b.extend(ctx, of, file, policy, ended, r.Ended)
	})
}

func (b *Book) extend(ctx context.Context, run string, file []byte, policy *exit.Policy, ended []ledger.Entry, now time.Time) error {
	older, err := ledger.Verify(file, b.key.Verifier())
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	next, ok := ledger.ExtensionOf(older, policy, ended)
	if !ok {
		return nil
	}
	next.Issued = now
	if file, err = b.log.Certify(ctx, next); err != nil {
		return err
	}
	return b.keep(ctx, run, file)
}

// policy gives the policy under which a run was agreed.
func (b *Book) policy(ctx context.Context, r exit.Run) (*exit.Policy, error) {
	source, err := b.store.Runs.Policy(ctx, r.Policy)
	if err != nil {
		return nil, fmt.Errorf("read the run's policy: %w", err)
	}
	policy, err := exit.ParsePolicy(source)
	if err != nil {
		return nil, fmt.Errorf("read the run's policy: %w", err)
	}
	return policy, nil
}

// keep stores the newest version of a run's certificate and drops the receipts that it holds.
func (b *Book) keep(ctx context.Context, run string, file []byte) error {
	tx, _ := exitsql.Tx(ctx)
	if _, err := tx.ExecContext(ctx, `insert into ledger_certificates (run, file) values ($1, $2)
		on conflict (run) do update set file = excluded.file`, run, file); err != nil {
		return fmt.Errorf("store certificate: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `delete from ledger_receipts where run = $1`, run); err != nil {
		return fmt.Errorf("drop receipts: %w", err)
	}
	return nil
}

// receipts gives what was done by a run and what ended its holds, each in the order of the log.
func (b *Book) receipts(ctx context.Context, run string) (done, ended []ledger.Entry, err error) {
	if err := b.eachReceipt(ctx, run, func(e ledger.Entry) {
		if e.Receipt.Settles != "" {
			ended = append(ended, e)
		} else {
			done = append(done, e)
		}
	}); err != nil {
		return nil, nil, fmt.Errorf("read receipts: %w", err)
	}
	return done, ended, nil
}

// eachReceipt reads one more than a certificate can hold, so that [ledger.Sign] refuses them.
func (b *Book) eachReceipt(ctx context.Context, run string, fn func(ledger.Entry)) error {
	rows, err := b.store.query(ctx).QueryContext(ctx, `select entry from ledger_receipts where run = $1 order by idx limit $2`, run, ledger.MaxReceipts+1)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var e ledger.Entry
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return err
		}
		fn(e)
	}
	return rows.Err()
}

// Certificate gives the certificate of a sealed run, a file that [ledger.Verify] reads; NotFound until there is one.
func (b *Book) Certificate(ctx context.Context, run string) (file []byte, err error) {
	err = b.store.query(ctx).QueryRowContext(ctx, `select file from ledger_certificates where run = $1`, run).Scan(&file)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, exit.Fail(exit.NotFound, "error.no_certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return file, nil
}

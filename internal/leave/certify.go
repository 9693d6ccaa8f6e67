package leave

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// receipt puts down what an irreversible step did, inside the transaction that ends it: the
// receipt for the log, and the entry for the list outside the database.
func (l *Room) receipt(ctx context.Context, r exit.Run, s exit.StepStatus) error {
	salt, err := l.salt(ctx, r.ID)
	if err != nil {
		return err
	}
	rec := receiptOf(r, s)
	body, err := rec.Canonical()
	if err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	leaf, err := rec.Leaf(salt)
	if err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	id := int64(l.DB.IDs.Next())
	if _, err := l.DB.Exec(ctx, `insert into receipts (id, run, step, body, leaf) values ($1, $2, $3, $4, $5)`, id, r.ID, s.Key, string(body), leaf[:]); err != nil {
		return fmt.Errorf("store receipt: %w", err)
	}
	subject := r.Subject.String()
	if s.Subject != "" {
		subject = s.Subject
	}
	e := Entry{
		Kind: "erased", Run: r.ID, Subject: subject, Class: s.ClassID(), Manner: s.Manner, Choice: s.Choice, At: s.Ended,
		Receipt: string(body), Salt: base64.StdEncoding.EncodeToString(salt[:]), Leaf: base64.StdEncoding.EncodeToString(leaf[:]),
	}
	if err := l.heldName(ctx, r.ID, &e); err != nil {
		return err
	}
	if err := l.enqueue(ctx, r.Subject, id, "", e); err != nil {
		return err
	}
	return l.Queue.Add(ctx, job.Job{Kind: jobSequence, Ref: "1"})
}

// heldName adds to an entry the name that the run holds, as the keyed hash by which it is held.
func (l *Room) heldName(ctx context.Context, run string, e *Entry) error {
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select hash, until from held_names where run = $1`, run).Scan(&e.Name, &e.Until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read held name: %w", err)
	}
	return nil
}

// enqueue stores an entry for the list outside until its object is written.
func (l *Room) enqueue(ctx context.Context, s exit.Subject, receipt int64, name string, e Entry) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write entry: %w", err)
	}
	account, _ := who.ParseID(s.ID)
	_, err = l.DB.Exec(ctx, `insert into outside_entries (id, account_id, receipt_id, name, body) values ($1, $2, $3, $4, $5)`,
		int64(l.DB.IDs.Next()), int64(account), receipt, name, string(body))
	if err != nil {
		return fmt.Errorf("store entry: %w", err)
	}
	return nil
}

// agreed puts a closing, and what undoes one, on the list outside.
func (l *Room) agreed(ctx context.Context, r exit.Run, ask exit.Ask) error {
	e := Entry{Kind: "closing", Run: r.ID, Subject: r.Subject.String(), Journey: r.Journey, Ask: &ask, At: r.Agreed, Policy: r.Policy}
	switch r.Journey {
	case exit.Close:
	case exit.Cancel, exit.Return:
		e.Kind, e.Run, e.Ask, e.Policy = "undone", r.Plan.Undoes, nil, ""
		if err := l.endSlip(ctx, e.Run, r.Agreed.AddDate(0, 0, slipDays)); err != nil {
			return err
		}
	default:
		return nil
	}
	if r.By == "replay" {
		return nil
	}
	if err := l.enqueue(ctx, r.Subject, 0, journeyName(e.Run, e.Kind), e); err != nil {
		return err
	}
	return l.Queue.Add(ctx, job.Job{Kind: jobSequence, Ref: "1"})
}

// salt gives the run's salt, made with its first receipt.
func (l *Room) salt(ctx context.Context, run string) (ledger.Salt, error) {
	var salt ledger.Salt
	var b []byte
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select salt from run_salts where run = $1`, run).Scan(&b)
	switch {
	case err == nil:
		copy(salt[:], b)
		return salt, nil
	case !errors.Is(err, sql.ErrNoRows):
		return salt, fmt.Errorf("read salt: %w", err)
	}
	if salt, err = ledger.NewSalt(); err != nil {
		return salt, fmt.Errorf("make salt: %w", err)
	}
	if _, err := l.DB.Exec(ctx, `insert into run_salts (run, salt) values ($1, $2) on conflict (run) do nothing`, run, salt[:]); err != nil {
		return salt, fmt.Errorf("store salt: %w", err)
	}
	if err := l.DB.Q(ctx).QueryRowContext(ctx, `select salt from run_salts where run = $1`, run).Scan(&b); err != nil {
		return salt, fmt.Errorf("read salt: %w", err)
	}
	copy(salt[:], b)
	return salt, nil
}

func (l *Room) forgetSalt(ctx context.Context, run string) error {
	if _, err := l.DB.Exec(ctx, `delete from run_salts where run = $1`, run); err != nil {
		return fmt.Errorf("forget salt: %w", err)
	}
	return nil
}

func receiptOf(r exit.Run, s exit.StepStatus) ledger.Receipt {
	zone := r.Plan.Location()
	rec := ledger.Receipt{
		Step: s.Key, Act: string(s.Act), Holder: s.Holder, Class: s.Class, Manner: string(s.Manner), Due: ledger.Day(exit.DateOf(s.At.Add(-time.Second), zone).String()),
		Done: s.Ended, Items: s.Items, Bytes: s.Bytes, Uncounted: s.Uncounted, SatisfiedBy: strings.ReplaceAll(s.Satisfier, " ", "/"),
	}
	if s.AtOnce {
		rec.Due = ledger.DayOf(s.Ended, zone)
	}
	if s.Act == exit.ActHold {
		rec.Law, rec.Until = s.Law, ledger.Day(s.Until.String())
	}
	return rec
}

// unlogged is a receipt that is not in the log yet.
type unlogged struct {
	id   int64
	leaf tlog.Hash
}

// Sequence appends the receipts that are not in the log yet, in batches, and writes the list
// outside. Of several at once one does the work.
func (l *Room) Sequence(ctx context.Context) error {
	for {
		n, err := l.sequenceOnce(ctx)
		if errors.Is(err, ledger.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	return l.writeOutside(ctx)
}

func (l *Room) sequenceOnce(ctx context.Context) (int, error) {
	if !l.signs {
		return 0, exit.Fail(exit.Unavailable, "error.ledger_disagrees")
	}
	var n int
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		size, err := ledgerStore{l.DB}.Size(ctx)
		if err != nil {
			return err
		}
		rows, err := l.DB.Q(ctx).QueryContext(ctx, `select id, leaf from receipts where idx is null order by id limit 200`)
		if err != nil {
			return fmt.Errorf("read receipts: %w", err)
		}
		found, err := db.Scan(rows, func(r db.Row) (unlogged, error) {
			var u unlogged
			var leaf []byte
			err := r.Scan(&u.id, &leaf)
			copy(u.leaf[:], leaf)
			return u, err
		})
		if err != nil || len(found) == 0 {
			return err
		}
		n = len(found)
		leaves, ids := make([]tlog.Hash, n), make([]who.ID, n)
		for i, u := range found {
			leaves[i], ids[i] = u.leaf, who.ID(u.id)
		}
		list, args := service.In(2, ids)
		if _, err := l.DB.Exec(ctx, `update receipts set idx = $1 + (select count(*) from receipts o where o.id < receipts.id and o.id in (`+list+`))
			where id in (`+list+`)`, append([]any{size}, args...)...); err != nil {
			return fmt.Errorf("number receipts: %w", err)
		}
		return l.ledger.AppendAt(ctx, size, leaves)
	})
	return n, err
}

// pendingEntry is an entry whose object is not written yet.
type pendingEntry struct {
	id    int64
	index sql.NullInt64
	name  string
	body  string
}

// writeOutside writes the waiting entries, whose receipts are in the log, to the list outside.
func (l *Room) writeOutside(ctx context.Context) error {
	for {
		rows, err := l.DB.Q(ctx).QueryContext(ctx, `select e.id, r.idx, e.name, e.body from outside_entries e left join receipts r on r.id = e.receipt_id
			where e.receipt_id = 0 or r.idx is not null order by e.id limit 100`)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		found, err := db.Scan(rows, func(r db.Row) (p pendingEntry, err error) {
			err = r.Scan(&p.id, &p.index, &p.name, &p.body)
			return p, err
		})
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		if len(found) == 0 {
			return nil
		}
		if err := l.writeEntries(ctx, found); err != nil {
			return err
		}
	}
}

func (l *Room) writeEntries(ctx context.Context, found []pendingEntry) error {
	head, err := l.ledger.Head(ctx)
	if err != nil && !errors.Is(err, ledger.ErrEmpty) {
		return err
	}
	for _, p := range found {
		name, body := p.name, []byte(p.body)
		if p.index.Valid {
			var e Entry
			if err := json.Unmarshal(body, &e); err != nil {
				return fmt.Errorf("read entry: %w", err)
			}
			e.Index, e.Head = p.index.Int64, string(head)
			name = erasedName(e.Index)
			if body, err = json.Marshal(e); err != nil {
				return fmt.Errorf("write entry: %w", err)
			}
		} else if err := l.keepPolicy(ctx, body); err != nil {
			return err
		}
		if err := l.Outside.Write(ctx, name, body); err != nil {
			return err
		}
	}
	return l.DB.Update(ctx, func(ctx context.Context) error {
		ids := make([]who.ID, len(found))
		for i, p := range found {
			ids[i] = who.ID(p.id)
		}
		list, args := service.In(1, ids)
		if _, err := l.DB.Exec(ctx, `delete from outside_entries where id in (`+list+`)`, args...); err != nil {
			return fmt.Errorf("forget entries: %w", err)
		}
		return nil
	})
}

// keepPolicy writes the policy that an entry names to the list, once.
func (l *Room) keepPolicy(ctx context.Context, entry []byte) error {
	var e Entry
	if err := json.Unmarshal(entry, &e); err != nil {
		return fmt.Errorf("read entry: %w", err)
	}
	if e.Policy == "" {
		return nil
	}
	if there, err := l.Outside.Has(ctx, policyName(e.Policy)); err != nil || there {
		return err
	}
	source, err := l.DB.Runs.Policy(ctx, e.Policy)
	if err != nil {
		return err
	}
	return l.Outside.Write(ctx, policyName(e.Policy), source)
}

// sealed has the certificate of a run made once its receipts are in the log.
func (l *Room) sealed(ctx context.Context, r exit.Run, steps []exit.StepStatus) error {
	if r.Journey != exit.Close {
		return nil
	}
	return l.Queue.Add(ctx, job.Job{Kind: jobCertificate, Ref: r.ID})
}

// certificate makes and stores the certificate of a sealed run, and forgets its salt and its slip's old end.
func (l *Room) certificate(ctx context.Context, run string) error {
	if err := l.Sequence(ctx); err != nil {
		return err
	}
	if _, err := l.Certificate(ctx, run); err == nil {
		err := l.DB.Update(ctx, func(ctx context.Context) error { return l.forgetSalt(ctx, run) })
		return errors.Join(err, l.Outside.ForgetHeir(ctx, run))
	} else if exit.KindOf(err) != exit.NotFound {
		return err
	}
	r, steps, err := l.DB.Runs.Load(ctx, run)
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	salt, err := l.salt(ctx, run)
	if err != nil {
		return err
	}
	entries, err := l.entries(ctx, run, salt)
	if err != nil {
		return err
	}
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	policy, err := l.Engine.PolicyOf(ctx, r)
	if err != nil {
		return fmt.Errorf("read the run's policy: %w", err)
	}
	file, err := l.ledger.Certify(ctx, l.compose(r, policy, steps, entries, now))
	if err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	err = l.DB.Update(ctx, func(ctx context.Context) error {
		n, err := l.DB.Exec(ctx, `insert into certificates (run, body, created_at) values ($1, $2, $3) on conflict (run) do nothing`, run, string(file), db.Ms(now))
		if err != nil {
			return fmt.Errorf("store certificate: %w", err)
		}
		if n == 0 {
			return nil // another node was first
		}
		if err := l.forgetSalt(ctx, run); err != nil {
			return err
		}
		end, err := l.dateSlip(ctx, r, now)
		if err != nil {
			return err
		}
		return l.enqueue(ctx, exit.Subject{}, 0, journeyName(run, "certificate"), certificateEntry(r, steps, file, now, end))
	})
	if err != nil {
		return err
	}
	if err := l.writeOutside(ctx); err != nil {
		return err
	}
	return l.Outside.ForgetHeir(ctx, run)
}

// entries gives the run's receipts as a certificate holds them.
func (l *Room) entries(ctx context.Context, run string, salt ledger.Salt) ([]ledger.Entry, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select body, idx from receipts where run = $1 and idx is not null order by idx limit 10000`, run)
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (ledger.Entry, error) {
		e := ledger.Entry{Salt: salt}
		var body string
		if err := r.Scan(&body, &e.Index); err != nil {
			return e, err
		}
		_, text, _ := strings.Cut(body, "\n")
		return e, json.Unmarshal([]byte(text), &e.Receipt)
	})
}

// compose puts together what the certificate says.
func (l *Room) compose(r exit.Run, policy *exit.Policy, steps []exit.StepStatus, entries []ledger.Entry, now time.Time) ledger.Certificate {
	zone := r.Plan.Location()
	day := func(d exit.Date) ledger.Day { return ledger.Day(d.String()) }
	c := ledger.Certificate{
		ID: strings.ToLower(rand.Text()), Version: 1, Trial: l.DB.Trial(), Journey: string(r.Journey), Policy: r.Policy, Plan: r.Hash, Zone: r.Plan.Zone,
		Agreed: ledger.DayOf(r.Agreed, zone), CoolingOffEnds: r.Began, Sealed: r.Ended, Issued: now, Receipts: entries,
		AgedOut: ledger.AgedOut{
			WAL:     day(policy.Backups.WAL.From(exit.DateOf(r.Ended, zone), exit.Calendar{})),
			Backups: day(policy.Backups.Backups.From(exit.DateOf(r.Ended, zone), exit.Calendar{})),
		},
	}
	for _, s := range steps {
		if !s.Act.Irreversible() {
			continue
		}
		p := ledger.Promise{Step: s.Key, Act: string(s.Act), Holder: s.Holder, Class: s.Class, Manner: string(s.Manner), Due: day(s.Due), Law: s.Law, Until: day(s.Until)}
		if s.Amended {
			c.Amendments = append(c.Amendments, ledger.Amendment{Promise: p, Added: ledger.DayOf(s.At, zone), Reason: "a class that the plan did not know"})
		} else {
			c.Promises = append(c.Promises, p)
		}
		switch s.State {
		case exit.StepCancelled:
			c.Cancelled = append(c.Cancelled, ledger.Cancellation{Step: s.Key, On: ledger.DayOf(r.Ended, zone), Reason: "its gate can never open"})
		case exit.StepSatisfied:
			c.Cancelled = append(c.Cancelled, ledger.Cancellation{Step: s.Key, On: ledger.DayOf(s.Ended, zone), Reason: "done by a step of another run"})
		default: // what was done itself has a receipt
		}
		if (s.AtOnce || s.At.Before(s.DueAt(r.Agreed, zone))) && (c.Hastened.IsZero() || s.At.Before(c.Hastened)) {
			c.Hastened = s.At
		}
	}
	for _, s := range r.Plan.Stays {
		if s.State == "held" {
			c.Exceptions = append(c.Exceptions, ledger.Exception{Holder: "account", Class: s.What, Law: "the operator's exit policy", Until: day(s.Until), Reason: "kept as a keyed hash, so that nobody takes it over"})
		}
	}
	return c
}

// Certificate gives the certificate of a run; NotFound until it is made.
func (l *Room) Certificate(ctx context.Context, run string) ([]byte, error) {
	var body string
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select body from certificates where run = $1`, run).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, exit.Fail(exit.NotFound, "error.no_certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return []byte(body), nil
}

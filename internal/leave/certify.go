package leave

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/who"
	"exeunt/ledger"
)

// receipt puts down what an irreversible step did, inside the transaction that ends it: the
// receipt for the log, and the entry for the list outside the database.
func (l *Room) receipt(ctx context.Context, r exit.Run, s exit.StepStatus) error {
	salt, err := l.salt(ctx, r.ID)
	if err != nil {
		return err
	}
	rec := ledger.ReceiptOf(r, s)
	body, err := rec.Canonical()
	if err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	leaf, err := rec.Leaf(salt)
	if err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	id := l.DB.IDs.Next()
	if err := l.addReceipt(ctx, id, r.ID, s.Key, string(body), leaf); err != nil {
		return err
	}
	subject := r.Subject.String()
	if s.Subject != "" {
		subject = s.Subject
	}
	e := Entry{
		Kind: "erased", Run: r.ID, Subject: subject, Class: s.ClassID(), Manner: s.Manner, Choice: s.Choice, At: s.Ended,
		Receipt: string(body), Salt: base64.StdEncoding.EncodeToString(salt[:]), Leaf: base64.StdEncoding.EncodeToString(leaf[:]),
	}
	if e.Name, e.Until, err = l.heldName(ctx, r.ID); err != nil {
		return err
	}
	if err := l.enqueue(ctx, r.Subject, id, "", e); err != nil {
		return err
	}
	return l.Queue.Add(ctx, job.Job{Kind: jobSequence, Ref: "1"})
}

// enqueue stores an entry for the list outside until its object is written.
func (l *Room) enqueue(ctx context.Context, s exit.Subject, receipt who.ID, name string, e Entry) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write entry: %w", err)
	}
	var account who.ID // of nobody, where a sunset's step is about all
	if !s.Ending() {
		account, _ = who.ParseID(s.ID)
	}
	return l.addEntry(ctx, account, receipt, name, string(body))
}

// agreed puts a closing, and what undoes one or a sunset, on the list outside. What is published of a sunset its room puts there, see [Room.Remember].
func (l *Room) agreed(ctx context.Context, r exit.Run, ask exit.Ask) error {
	e := Entry{Kind: "closing", Run: r.ID, Subject: r.Subject.String(), Journey: r.Journey, Ask: &ask, At: r.Agreed, Policy: r.Policy}
	switch r.Journey {
	case exit.Close:
	case exit.Withdraw:
		e.Kind, e.Run, e.Ask, e.Policy = "undone", r.Plan.Undoes, nil, ""
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
	salt, ok, err := l.saltOf(ctx, run)
	if err != nil || ok {
		return salt, err
	}
	if salt, err = ledger.NewSalt(); err != nil {
		return salt, fmt.Errorf("make salt: %w", err)
	}
	if err := l.addSalt(ctx, run, salt[:]); err != nil {
		return salt, err
	}
	salt, _, err = l.saltOf(ctx, run) // another worker's, if it was first
	return salt, err
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

// Adopt has the room's key go on with the log of an install whose copy this is. Certificates of before are the other key's, and can be continued only there: the copy
// forgets them.
func (l *Room) Adopt(ctx context.Context) error {
	return l.DB.Update(ctx, func(ctx context.Context) error {
		if err := l.ledger.Adopt(ctx); err != nil {
			return err
		}
		return l.dropCertificates(ctx)
	})
}

func (l *Room) sequenceOnce(ctx context.Context) (int, error) {
	if !l.signs {
		return 0, exit.Fail(exit.Unavailable, "error.ledger_disagrees")
	}
	var n int
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		size, err := l.leaves().Size(ctx)
		if err != nil {
			return err
		}
		ids, leaves, err := l.unlogged(ctx, 200)
		if err != nil || len(ids) == 0 {
			return err
		}
		n = len(ids)
		if err := l.numberReceipts(ctx, size, ids); err != nil {
			return err
		}
		return l.ledger.AppendAt(ctx, size, leaves)
	})
	return n, err
}

// writeOutside writes the waiting entries, whose receipts are in the log, to the list outside.
func (l *Room) writeOutside(ctx context.Context) error {
	for {
		found, err := l.pendingEntries(ctx, 100)
		if err != nil || len(found) == 0 {
			return err
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
	ids := make([]who.ID, len(found))
	for i, p := range found {
		ids[i] = p.id
	}
	return l.DB.Update(ctx, func(ctx context.Context) error { return l.dropEntries(ctx, ids) })
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
	if r.Journey != exit.Close && r.Journey != exit.Sunset {
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
		return errors.Join(err, l.Outside.ForgetHeir(ctx, run), l.extend(ctx, run))
	} else if exit.KindOf(err) != exit.NotFound {
		return err
	}
	if err := l.scrub(ctx, run); err != nil {
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
	entries, err := l.receiptsOf(ctx, run)
	if err != nil {
		return err
	}
	for i := range entries {
		entries[i].Salt = salt
	}
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	policy, err := l.Engine.PolicyOf(ctx, r)
	if err != nil {
		return fmt.Errorf("read the run's policy: %w", err)
	}
	c := l.compose(r, policy, steps, entries, now)
	if r.Journey == exit.Sunset {
		if c.Sunset, err = l.Endings.Certified(ctx, r); err != nil {
			return fmt.Errorf("read the sunset: %w", err)
		}
		l.exceptArchives(&c, r)
	}
	file, err := l.ledger.Certify(ctx, c)
	if err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	err = l.DB.Update(ctx, func(ctx context.Context) error {
		added, err := l.addCertificate(ctx, run, string(file), now)
		if err != nil || !added { // another node was first
			return err
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
	if err := l.Outside.ForgetHeir(ctx, run); err != nil {
		return err
	}
	return l.extend(ctx, run)
}

// compose puts together what the certificate says.
func (l *Room) compose(r exit.Run, policy *exit.Policy, steps []exit.StepStatus, entries []ledger.Entry, now time.Time) ledger.Certificate {
	c := ledger.CertificateOf(r, policy, steps)
	c.ID, c.Trial, c.Issued, c.Receipts = strings.ToLower(rand.Text()), l.DB.Trial(), now, entries
	for i, x := range c.Exceptions {
		switch x.Class {
		case "name":
			c.Exceptions[i].Holder, c.Exceptions[i].Reason = "account", "kept as a keyed hash, so that nobody takes it over"
		case "farewell":
			c.Exceptions[i].Holder = "channel"
		case "circle_farewell":
			c.Exceptions[i].Holder = "circle"
		}
	}
	return c
}

// exceptArchives names the archives that a sunset leaves for a while, for as long as they are really kept: a policy may keep them longer than the calendar does.
func (l *Room) exceptArchives(c *ledger.Certificate, r exit.Run) {
	c.Exceptions = slices.DeleteFunc(c.Exceptions, func(x ledger.Exception) bool { return x.Class == "archives" })
	kept := c.Sunset.Archives.KeptUntil
	if c.Sunset.Archives.Made == 0 || kept < ledger.DayOf(r.Ended, r.Plan.Location()) {
		return
	}
	c.Exceptions = append(c.Exceptions, ledger.Exception{
		Holder: l.Name(), Class: "archives", Law: "the calendar that was published", Until: kept, Reason: "kept for those who have not fetched theirs",
	})
}

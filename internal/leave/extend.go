package leave

import (
	"context"
	"fmt"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/ledger"
)

// holdEnded has the certificate of a run extended once the receipt of its hold's end is in the log.
func (l *Room) holdEnded(ctx context.Context, of string, _ exit.Run, _ []exit.StepStatus) error {
	return l.Queue.Add(ctx, job.Job{Kind: jobExtend, Ref: of})
}

// extend appends the receipts of a run's holds that have ended to its certificate, as the next version
// of it, and forgets their salts. A run that is not certified yet is extended when it is; one that the
// person came back from has no certificate.
func (l *Room) extend(ctx context.Context, run string) error {
	if err := l.Sequence(ctx); err != nil {
		return err
	}
	ended, err := l.endedHolds(ctx, exit.Held(run))
	if err != nil || len(ended) == 0 {
		return err
	}
	r, steps, err := l.DB.Runs.Load(ctx, run)
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	file, err := l.Certificate(ctx, run)
	switch {
	case exit.KindOf(err) == exit.NotFound && (r.State.Open() || r.State == exit.RunSealed):
		return nil // the job of the certificate goes on here
	case exit.KindOf(err) == exit.NotFound:
		return l.DB.Update(ctx, func(ctx context.Context) error { return l.forgetHeldSalts(ctx, exit.Held(run)) })
	case err != nil:
		return err
	}
	next, err := l.nextVersion(ctx, r, file, ended)
	if err != nil {
		return err
	}
	return l.keepVersion(ctx, r, steps, file, next)
}

// nextVersion signs the next version of a certificate. After a restore a newer one may be on the list outside; that
// is taken then, so that no version is there twice. What is in it already is not appended again.
func (l *Room) nextVersion(ctx context.Context, r exit.Run, file []byte, ended []ledger.Entry) ([]byte, error) {
	older, err := ledger.Verify(file, l.Key.Verifier())
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	e, err := l.Outside.Journey(ctx, r.ID, "certificate")
	if err != nil && exit.KindOf(err) != exit.NotFound {
		return nil, err
	}
	if e.Certificate != "" {
		other, err := ledger.Verify([]byte(e.Certificate), l.Key.Verifier())
		if err != nil {
			return nil, fmt.Errorf("read certificate of the list outside: %w", err)
		}
		if other.Certificate.ID == older.Certificate.ID && other.Certificate.Version > older.Certificate.Version {
			older, file = other, []byte(e.Certificate)
		}
	}
	policy, err := l.Engine.PolicyOf(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("read the run's policy: %w", err)
	}
	c, ok := ledger.ExtensionOf(older, policy, ended)
	if !ok {
		return file, nil
	}
	if c.Issued, err = l.DB.Now(ctx); err != nil {
		return nil, err
	}
	next, err := l.ledger.Certify(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("extend certificate: %w", err)
	}
	return next, nil
}

// keepVersion stores a certificate's next version in the place of the one that it was made from, here and on
// the list outside. The older one stays good in the hands of who has it.
func (l *Room) keepVersion(ctx context.Context, r exit.Run, steps []exit.StepStatus, file, next []byte) error {
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		replaced, err := l.replaceCertificate(ctx, r.ID, string(file), string(next))
		if err != nil || !replaced { // another node was first
			return err
		}
		if err := l.forgetHeldSalts(ctx, exit.Held(r.ID)); err != nil {
			return err
		}
		if string(next) == string(file) {
			return nil
		}
		now, err := l.DB.Now(ctx)
		if err != nil {
			return err
		}
		slip, err := l.slipEnd(ctx, r.ID)
		if err != nil {
			return err
		}
		if slip.IsZero() {
			slip = now // it has been forgotten
		}
		return l.enqueue(ctx, exit.Subject{}, 0, journeyName(r.ID, "certificate"), certificateEntry(r, steps, next, now, slip))
	})
	if err != nil {
		return err
	}
	return l.writeOutside(ctx)
}

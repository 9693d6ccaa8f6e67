package leave

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"exeunt/exit"
)

// slipDays is how long a slip is good after the certificate, if the name is not held for longer.
const slipDays = 90

// MakeSlip gives a run its slip, inside the transaction of the consent. The secret of 128 bits is
// shown once; only its hash is kept.
func (l *Room) MakeSlip(ctx context.Context, run string) (secret string, err error) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	if err := l.addSlip(ctx, run, slipHash(secret)); err != nil {
		return "", err
	}
	// What names nobody has no account: its closing's entry has it written.
	return secret, l.enqueue(ctx, exit.Subject{}, 0, journeyName(run, "slip"), Entry{Kind: "slip", Run: run, Slip: slipHash(secret)})
}

func slipHash(secret string) string {
	h := sha256.Sum256([]byte("slip " + secret))
	return hex.EncodeToString(h[:])
}

// OpenSlip gives the run that a slip opens; NotFound for a wrong secret or one that is over.
func (l *Room) OpenSlip(ctx context.Context, secret string) (string, error) {
	now, err := l.DB.Now(ctx)
	if err != nil {
		return "", err
	}
	return l.runOfSlip(ctx, slipHash(secret), now)
}

// dateSlip sets the slip's end: 90 days after the certificate, or the end of the term of the name or of what is shown in its place,
// whichever is later.
func (l *Room) dateSlip(ctx context.Context, r exit.Run, now time.Time) (time.Time, error) {
	end := now.AddDate(0, 0, slipDays)
	for _, stay := range r.Plan.Stays {
		if last := stay.Until.End(r.Plan.Location()); (stay.What == "name" || stay.State == "shown") && last.After(end) {
			end = last
		}
	}
	return end, l.endSlip(ctx, r.ID, end)
}

// Sweep forgets what has come to its end: slips, and names that were held.
func (l *Room) Sweep(ctx context.Context) error {
	if err := l.Remind(ctx); err != nil {
		return err
	}
	return l.DB.Update(ctx, func(ctx context.Context) error {
		now, err := l.DB.Now(ctx)
		if err != nil {
			return err
		}
		if err := l.sweepSlips(ctx, now); err != nil {
			return err
		}
		return l.sweepHeldNames(ctx, now)
	})
}

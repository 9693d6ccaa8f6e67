package leave

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"exeunt/exit"
	"exeunt/ledger"
)

// recall puts an erasure that was done again down as what it was: its step ended when it did, and its
// receipt is the one that is in the log. So the run ends with the certificate that it had.
func (l *Room) recall(ctx context.Context, e Entry) error {
	if e.Receipt == "" {
		return nil
	}
	if _, _, err := l.DB.Runs.Load(ctx, e.Run); err != nil {
		if exit.KindOf(err) == exit.NotFound {
			return nil // the backup is older than the consent
		}
		return fmt.Errorf("read run: %w", err)
	}
	rec, err := receiptOf(e)
	if err != nil {
		return err
	}
	leaf, err := base64.StdEncoding.DecodeString(e.Leaf)
	if err != nil {
		return fmt.Errorf("read leaf of the list outside: %w", err)
	}
	salt, err := base64.StdEncoding.DecodeString(e.Salt)
	if err != nil {
		return fmt.Errorf("read salt of the list outside: %w", err)
	}
	return l.DB.Update(ctx, func(ctx context.Context) error {
		if err := l.restoreReceipt(ctx, e.Run, rec.Step, e.Receipt, leaf, e.Index); err != nil {
			return err
		}
		if err := l.addSalt(ctx, e.Run, salt); err != nil {
			return err
		}
		if err := l.DB.Runs.Recall(ctx, e.Run, rec.Step, e.At, rec.Items, rec.Bytes); err != nil {
			return err
		}
		run, steps, err := l.DB.Runs.Load(ctx, e.Run)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		if err := l.Engine.EndHolds(ctx, run, steps); err != nil {
			return err
		}
		return l.Accounts.RunChanged(ctx, run)
	})
}

// receiptOf reads the receipt of an entry.
func receiptOf(e Entry) (rec ledger.Receipt, err error) {
	_, text, _ := strings.Cut(e.Receipt, "\n")
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		return rec, fmt.Errorf("read receipt of the list outside: %w", err)
	}
	return rec, nil
}

// heldUntil reads the last day of a hold from its entry.
func heldUntil(e Entry) (exit.Date, error) {
	rec, err := receiptOf(e)
	if err != nil {
		return exit.Date{}, err
	}
	return exit.ParseDate(string(rec.Until))
}

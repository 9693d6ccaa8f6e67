package leave

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
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
	var rec ledger.Receipt
	_, text, _ := strings.Cut(e.Receipt, "\n")
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		return fmt.Errorf("read receipt of the list outside: %w", err)
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
		run, _, err := l.DB.Runs.Load(ctx, e.Run)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		return l.Accounts.RunChanged(ctx, run)
	})
}

// endGone ends the runs of accounts that are gone: after a restore they are open in the database, and
// name who was erased. A run that does not end is logged; the operator finds it among the stuck ones.
func (l *Room) endGone(ctx context.Context) error {
	ids, err := l.openRunsOfGone(ctx, 1000)
	if err != nil || len(ids) == 0 {
		return err
	}
	for _, id := range ids {
		if err := l.hurry(ctx, id); err != nil {
			return err
		}
	}
	if err := l.workAll(ctx, len(ids)); err != nil {
		return err
	}
	for _, id := range ids {
		r, _, err := l.DB.Runs.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		if r.State.Open() {
			l.Log.LogAttrs(ctx, slog.LevelError, "a run of an account that is gone does not end", slog.String("run", id))
		}
	}
	return nil
}

// workAll works on what is due if some of it was put there.
func (l *Room) workAll(ctx context.Context, n int) (err error) {
	for n > 0 {
		if n, err = l.Engine.Work(ctx, 100); err != nil {
			return fmt.Errorf("end runs: %w", err)
		}
	}
	return nil
}

// hurry has all that is left of a run done at once.
func (l *Room) hurry(ctx context.Context, id string) error {
	r, steps, err := l.DB.Runs.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	a := exit.Alteration{Now: now}
	for _, s := range steps {
		if !s.State.Ended() && s.At.After(now) { // what is due keeps its date: that is what was promised
			a.DueNow = append(a.DueNow, s.Key)
		}
	}
	if err := l.DB.Runs.Alter(ctx, id, r.Version, a); err != nil {
		return fmt.Errorf("hurry run: %w", err)
	}
	return nil
}

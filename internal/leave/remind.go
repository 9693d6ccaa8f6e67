package leave

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// remindBefore is how long before its end the last day to return is told.
const remindBefore = 3 * 24 * time.Hour

// LastDay is a closing whose last day to return is near.
type LastDay struct {
	Run     string
	Account who.ID
	Ends    time.Time // the end of the day, in the policy's zone
}

// LastDays gives closings of which something may still come back, until an instant after now and no later than
// until, by run, those after a run alone; at most n steps are looked at, and next is where to go on ("" at the end).
func (l *Room) LastDays(ctx context.Context, now, until time.Time, after string, n int) (list []LastDay, next string, err error) {
	plans, err := l.duePlans(ctx, now, until, after, n)
	if err != nil {
		return nil, "", err
	}
	for _, p := range plans {
		id, ok := who.ParseID(p.subject.ID)
		if !ok || p.plan.ReturnTill.IsZero() {
			continue
		}
		if ends := p.plan.ReturnTill.End(p.plan.Location()); ends.After(now) && !ends.After(until) {
			list = append(list, LastDay{p.run, id, ends})
		}
	}
	if len(plans) == n {
		next = plans[n-1].run
	}
	return list, next, nil
}

// runRef names a run in a notice, which knows ids of numbers alone.
func runRef(run string) who.Ref {
	sum := sha256.Sum256([]byte(run))
	return who.Ref{Kind: "run", ID: who.ID(binary.BigEndian.Uint64(sum[:8]) >> 2)}
}

// Remind tells each account once of the last day on which it can return, three days before that day's end by the promise
// clock. A repeat tells nobody again.
func (l *Room) Remind(ctx context.Context) error {
	if l.Notices == nil {
		return nil
	}
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	const page = 200
	for after := ""; ; {
		list, next, err := l.LastDays(ctx, now, now.Add(remindBefore), after, page)
		if err != nil {
			return err
		}
		if err := l.remind(ctx, list); err != nil {
			return fmt.Errorf("tell of last days: %w", err)
		}
		if after = next; next == "" {
			return nil
		}
	}
}

// remind tells those of a page that do not know yet, in one transaction.
func (l *Room) remind(ctx context.Context, list []LastDay) error {
	notices := make([]notify.Notice, len(list))
	for i, x := range list {
		// A second before the end it is still that day, whatever the reader's zone makes of it.
		notices[i] = notify.Notice{To: x.Account, Kind: notify.LastDay, On: runRef(x.Run), Due: x.Ends.Add(-time.Second)}
	}
	fresh, err := l.Notices.Untold(ctx, notices)
	if err != nil || len(fresh) == 0 {
		return err
	}
	accounts := make([]who.ID, len(fresh))
	for i, n := range fresh {
		accounts[i] = n.To
	}
	return l.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := l.Desk.EnterExit(ctx, accounts...)
		if err != nil {
			return err
		}
		return l.Notices.Add(ctx, pass, fresh...)
	})
}

// tellPacked tells that an archive can be fetched.
func (l *Room) tellPacked(ctx context.Context, pass service.Pass, export who.ID, p Packing) error {
	if l.Notices == nil || !p.Finished {
		return nil
	}
	return l.Notices.Add(ctx, pass, notify.Notice{To: p.Account, Kind: notify.ArchiveReady, On: who.Ref{Kind: "export", ID: export}})
}

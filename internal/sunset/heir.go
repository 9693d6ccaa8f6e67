package sunset

import (
	"context"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/who"
)

// jobHeir asks for the archives of who answers for a place when everybody's were made already. Its ref is the account.
const jobHeir = "sunset.heir"

// heirAgain is how long what waits for an archive of the account's own is left alone, by the machine clock: longer than a command waits for jobs.
const heirAgain = 15 * time.Minute

// Handed has an account that answers for a place from now on given all of it, if it is ending and nobody writes any more. It is called in the transaction by which
// the place is handed on.
func (r *Room) Handed(ctx context.Context, heir who.ID) error {
	return r.Queue.Add(ctx, job.Job{Kind: jobHeir, Ref: heir.String(), Account: heir})
}

func (r *Room) heirJob(ctx context.Context, j job.Job) error {
	heir, ok := who.ParseID(j.Ref)
	if !ok {
		return fmt.Errorf("make the archives of an heir: %q is no id", j.Ref)
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	list, err := r.store.list(ctx, `state = 'open'`)
	if err != nil {
		return err
	}
	waits := false
	for _, s := range list {
		if s.Calendar.Ceases(exit.AllowWrite).After(now) {
			continue
		}
		if err := r.packFor(ctx, s, heir, &load{}); err != nil {
			return fmt.Errorf("open the archives of account %s: %w", heir, err)
		}
		still, err := r.store.waits(ctx, s.ID, heir)
		if err != nil {
			return err
		}
		waits = waits || still
	}
	if !waits {
		return nil
	}
	return r.Queue.Add(ctx, job.Job{Kind: jobHeir, Ref: j.Ref, Account: heir, Delay: heirAgain})
}

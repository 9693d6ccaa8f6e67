package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/who"
)

// Left names what the subject leaves to be read once it is closed, or may leave by then.
func (h *Holder) Left(ctx context.Context, s exit.Subject) ([]string, error) {
	if s == exit.Ending(Name) { // their owners may leave something until the stop; with the install nothing stays
		return []string{whatFarewell}, nil
	}
	account, ok := who.ParseID(s.ID)
	if !ok || s.Kind != exit.SubjectAccount || s.In != "" && s.In != Name {
		return nil, nil
	}
	n, err := h.room.store.left(ctx, account, s.In)
	if err != nil || n == 0 {
		return nil, err
	}
	return []string{whatFarewell}, nil
}

// RunChanged shows what was left to be read as soon as cooling-off is over, and takes it back when its owner comes back; then renditions, which went
// first, are made anew.
func (h *Holder) RunChanged(ctx context.Context, run exit.Run) error {
	if run.Journey == exit.Sunset && run.State == exit.RunRunning && run.Subject == exit.Ending(Name) {
		return h.showAll(ctx, run)
	}
	account, ok := who.ParseID(run.Subject.ID)
	if !ok || run.Journey != exit.Close || run.Subject.Kind != exit.SubjectAccount || run.Subject.In != "" && run.Subject.In != Name {
		return nil
	}
	switch run.State {
	case exit.RunOpen:
		return h.room.store.leaveWith(ctx, account, run.Subject.In, run.ID)
	case exit.RunRunning:
		return h.show(ctx, account, run)
	case exit.RunCancelled, exit.RunReturned:
		if err := h.room.store.unshow(ctx, account, run.ID); err != nil || run.State == exit.RunCancelled || h.room.Queue == nil {
			return err
		}
		return h.room.Queue.Add(ctx, job.Job{Kind: remakeJob, Ref: account.String(), Account: account})
	default: // once it is sealed what was left stays as it is
		return nil
	}
}

// show has what was left stand under the hash of the name, until the day that the plan states; what the plan does not state is not shown.
func (h *Holder) show(ctx context.Context, account who.ID, run exit.Run) error {
	if err := h.room.store.leaveWith(ctx, account, run.Subject.In, run.ID); err != nil {
		return err
	}
	until, ok := shownUntil(run)
	if !ok {
		return nil
	}
	key, ok, err := h.room.store.nameKey(ctx, account)
	if err != nil || !ok {
		return err
	}
	now, err := h.room.DB.Now(ctx)
	if err != nil {
		return err
	}
	return h.room.store.show(ctx, run.ID, h.room.hashOf(key), now, until)
}

// showAll has all that was left where something ends stand until the day that the plan states.
func (h *Holder) showAll(ctx context.Context, run exit.Run) error {
	until, ok := shownUntil(run)
	if !ok {
		return nil
	}
	now, err := h.room.DB.Now(ctx)
	if err != nil {
		return err
	}
	return h.room.store.showAll(ctx, now, until)
}

// shownUntil gives until when a run's plan says that what was left is shown.
func shownUntil(run exit.Run) (until time.Time, ok bool) {
	if run.Plan == nil {
		return until, false
	}
	for _, s := range run.Plan.Stays {
		if s.What == whatFarewell && s.State == "shown" && !s.Until.IsZero() {
			return s.Until.End(run.Plan.Location()), true
		}
	}
	return until, false
}

// What follows belongs to transactions of the engine, which has the account's state row to itself, or to who holds a slip: it asks for no pass.

// left counts what an account has left, for the whole of it or for a scope.
func (s store) left(ctx context.Context, account who.ID, scope string) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from farewells where account_id = $1 and (scope = $2 or $2 = '')`, int64(account), scope).Scan(&n); err != nil {
		return 0, fmt.Errorf("look for farewell: %w", err)
	}
	return n, nil
}

// leaveWith notes with which run an account leaves what it has left.
func (s store) leaveWith(ctx context.Context, account who.ID, scope, run string) error {
	if _, err := s.db.Exec(ctx, `update farewells set run = $1 where account_id = $2 and (scope = $3 or $3 = '') and shown_at is null`, run, int64(account), scope); err != nil {
		return fmt.Errorf("note a farewell's run: %w", err)
	}
	return nil
}

func (s store) show(ctx context.Context, run, hash string, now, until time.Time) error {
	if _, err := s.db.Exec(ctx, `update farewells set hash = $1, shown_at = $2, until_at = $3 where run = $4 and shown_at is null`, hash, db.Ms(now), db.Ms(until), run); err != nil {
		return fmt.Errorf("show farewell: %w", err)
	}
	return nil
}

// showAll shows what was left for all channels.
func (s store) showAll(ctx context.Context, now, until time.Time) error {
	if _, err := s.db.Exec(ctx, `update farewells set shown_at = $1, until_at = $2 where shown_at is null and hash <> '' and scope = 'channel'`, db.Ms(now), db.Ms(until)); err != nil {
		return fmt.Errorf("show farewells: %w", err)
	}
	return nil
}

// unshow takes back what was shown with a run, and keeps it for the next time.
func (s store) unshow(ctx context.Context, account who.ID, run string) error {
	if err := s.dropAddresses(ctx, `select id from farewells where run = $1`, run); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `update farewells set run = '', shown_at = null, until_at = null where run = $1 and account_id = $2`, run, int64(account)); err != nil {
		return fmt.Errorf("take back farewell: %w", err)
	}
	return nil
}

// dropOfRun takes away what was left with a run.
func (s store) dropOfRun(ctx context.Context, run string) error {
	if run == "" {
		return nil
	}
	if err := s.dropAddresses(ctx, `select id from farewells where run = $1`, run); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `delete from farewells where run = $1`, run); err != nil {
		return fmt.Errorf("delete farewell: %w", err)
	}
	return nil
}

// nameKey gives the key of an account's name; ok is false if the account is gone.
func (s store) nameKey(ctx context.Context, account who.ID) (key string, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select name_key from accounts where id = $1`, int64(account)).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read name: %w", err)
	}
	return key, true, nil
}

// remakeJob has the renditions of an account's videos made anew, in parts.
const remakeJob = "channel.remake"

// remakes is how many videos one job hands on.
const remakes = 200

// remake queues the processing of an account's videos whose renditions are gone. Its ref is the account, and the last video that was handed on. Once the
// service has stopped nobody comes back to a channel.
func (r *Room) remake(ctx context.Context, j job.Job) error {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	if still, err := r.Desk.Still(ctx, exit.AllowExport, Name, 0, now); err != nil || !still {
		return err
	}
	_, last, _ := strings.Cut(j.Ref, "/")
	after, _ := who.ParseID(last) // none: from the first on
	ids, err := r.store.processing(ctx, j.Account, after, remakes)
	if err != nil || len(ids) == 0 {
		return err
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		for _, id := range ids {
			if err := r.Queue.Add(ctx, job.Job{Kind: processJob, Ref: id.String(), Account: j.Account}); err != nil {
				return err
			}
		}
		if len(ids) < remakes {
			return nil
		}
		return r.Queue.Add(ctx, job.Job{Kind: remakeJob, Ref: j.Account.String() + "/" + ids[len(ids)-1].String(), Account: j.Account})
	})
}

var (
	_ exit.Leaver  = (*Holder)(nil)
	_ exit.Watcher = (*Holder)(nil)
)

package server_test

import (
	"context"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// toStep works on one due step after another until that step of a run has ended.
func (in *install) toStep(t *testing.T, run, key string) {
	t.Helper()
	for range 200 {
		_, steps, err := in.DB.Runs.Load(t.Context(), run)
		must(t, err, "read run")
		for _, s := range steps {
			if s.Key == key && s.State.Ended() {
				return
			}
		}
		n, err := in.Engine.Work(t.Context(), 1)
		must(t, err, "work")
		if n == 0 {
			_, err = in.Queue.Work(t.Context(), 10)
			must(t, err, "work on jobs")
		}
	}
	t.Fatalf("%s does not end", key)
}

// TestArchiveAskedForTooLate asks for an archive when the closing has done away with archives: nothing of it may be left,
// and the closing comes to its end.
func TestArchiveAskedForTooLate(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "lateone")
		pack := exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.TakeAlong, Pack: leave.Packing{Media: true}.Words()}
		early := in.agree(t, pack)
		run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Close})
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		must(t, in.DB.Move(t.Context(), now.AddDate(0, 0, 40)), "let time pass")
		in.toStep(t, run.ID, "erase:leave.archives")
		if _, err := in.mayAgree(t.Context(), pack); exit.KindOf(err) != exit.Conflict {
			t.Errorf("an archive asked for when archives are gone: error %v, want Conflict", err)
		}
		in.settle(t)
		in.wantRun(t, run.ID, exit.RunSealed)
		in.wantNone(t, v)
		if r, _, err := in.DB.Runs.Load(t.Context(), early.ID); err != nil || r.State.Open() || r.Subject != (exit.Subject{}) {
			t.Errorf("the archive's run is %+v (%v)", r, err)
		}
	})
}

// TestArchiveOvertaken has an archive begun before the closing does away with archives, and ended after it.
func TestArchiveOvertaken(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "slowone")
		run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Close})
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		must(t, in.DB.Move(t.Context(), now.AddDate(0, 0, 40)), "let time pass")
		pack := in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.TakeAlong, Pack: leave.Packing{Media: true}.Words()})
		in.toStep(t, run.ID, "erase:leave.archives")
		in.settle(t)
		in.wantRun(t, run.ID, exit.RunSealed)
		in.wantNone(t, v)
		if r, _, err := in.DB.Runs.Load(t.Context(), pack.ID); err != nil || r.State.Open() {
			t.Errorf("the archive's run is %+v (%v)", r, err)
		}
	})
}

// TestArchiveIsMadeOnce has a worker cut off when the archive is whole and its step not yet put down as done: the next worker's chunk adds no volume.
func TestArchiveIsMadeOnce(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "cutoffone")
		ask := exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.TakeAlong, Pack: leave.Packing{Media: true}.Words()}
		run := in.agree(t, ask)
		task := exit.Task{Run: run.ID, Subject: ask.Subject, Choice: ask.Pack}
		for task.Chunk = range 3 {
			if p, err := in.Leave.Pack(t.Context(), task); err != nil || !p.Done || task.Chunk > 0 && p.Items > 0 {
				t.Errorf("chunk %d: %+v, %v", task.Chunk, p, err)
			}
		}
		if n := len(value[[]leave.Volume](t, "read volumes")(in.Leave.VolumesOf(t.Context(), run.ID))); n != 1 {
			t.Errorf("the archive has %d volumes", n)
		}
	})
}

// TestConsentWaitsForWrites agrees a closing while a circle of the account is being made: the plan that is agreed is the one
// that was previewed, or none.
func TestConsentWaitsForWrites(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		if in.DB.SQLite() {
			return // a write has the database to itself
		}
		v := in.member(t, "fastone")
		ask := exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Close}
		plan, err := in.Engine.Preview(t.Context(), ask)
		must(t, err, "preview")
		written, agreed := make(chan struct{}), make(chan error, 1)
		must(t, in.DB.Update(t.Context(), func(ctx context.Context) error {
			if _, err := in.Circles.Create(ctx, v, circle.Draft{Name: "made just now", Mode: circle.Open}); err != nil {
				return err
			}
			go func() {
				close(written)
				_, _, err := in.Leave.Agree(t.Context(), ask, plan.Hash(), "person")
				agreed <- err
			}()
			<-written
			for n := 0; n == 0; { // until the consent waits for this transaction
				err := in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n)
				if err != nil {
					return err
				}
			}
			return nil
		}), "make circle")
		if err := <-agreed; exit.KindOf(err) != exit.Conflict {
			t.Errorf("agreeing a plan without the circle: error %v, want Conflict", err)
		}
		in.wantState(t, "who made a circle", v.Account, who.Active)
	})
}

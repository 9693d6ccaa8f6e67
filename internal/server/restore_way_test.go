package server_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/dbtest"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// TestRestoreEndsWhatStandsInTheWay restores a backup in which somebody is leaving who came back, which nothing tells any
// more, and left once more: by the second consent, and the first erases nothing.
func TestRestoreEndsWhatStandsInTheWay(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "twiceone")
		first, _ := in.slipOf(t, v)
		dir := in.save(t)
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Cancel})
		in.travel(t, 5)
		second, _ := in.slipOf(t, v)
		lost, err := filepath.Glob(filepath.Join(in.options.Data, "outside", "*", first.ID+".undone.json"))
		if err != nil || len(lost) != 1 {
			t.Fatalf("the list has %q of the return (%v)", lost, err)
		}
		must(t, os.Remove(lost[0]), "lose an entry")

		restored := in.restore(t, dir, 10)
		done, err := restored.Leave.Replay(t.Context())
		if err != nil || done.Closings != 1 || done.Undone != 1 {
			t.Fatalf("replayed %+v (%v), want 1 closing and 1 undone", done, err)
		}
		restored.wantState(t, "who is leaving again", v.Account, who.Closing)
		restored.wantRun(t, first.ID, exit.RunReturned)
		restored.wantRun(t, second.ID, exit.RunOpen)
		restored.replayAgain(t)
		restored.travel(t, 40)
		restored.wantRun(t, second.ID, exit.RunSealed)
		restored.wantState(t, "who left", v.Account, "")
	})
}

// TestRestoreRefusesYoungerClosing replays a list to a database that has gone its own way since the backup: it must not serve.
func TestRestoreRefusesYoungerClosing(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "astrayone")
		dir := in.save(t)
		in.slipOf(t, v)
		restored := in.restore(t, dir, 3)
		restored.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Close})
		if _, err := restored.Leave.Replay(t.Context()); exit.KindOf(err) != exit.Conflict {
			t.Errorf("a replay beside a younger closing gives %v, want Conflict", err)
		}
	})
}

// TestRestoreBeginsPartsFirst restores a backup from before people closed a service and then all of it: both go on.
func TestRestoreBeginsPartsFirst(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		dir, runs, due := "", []exit.Run{}, []map[string]time.Time{}
		var people []who.Viewer
		for _, name := range []string{"annaone", "berthaone", "claraone", "doraone", "emmaone"} {
			people = append(people, in.member(t, name))
		}
		dir = in.save(t)
		for _, v := range people {
			for _, part := range []string{"circle", ""} {
				in.travel(t, 1)
				run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, part), Journey: exit.Close})
				in.settle(t)
				runs, due = append(runs, run), append(due, in.due(t, run.ID))
			}
		}
		restored := in.restore(t, dir, 11)
		done, err := restored.Leave.Replay(t.Context())
		if err != nil || done.Closings != len(runs) {
			t.Fatalf("replayed %+v (%v), want %d closings", done, err, len(runs))
		}
		for i, run := range runs {
			if got := restored.due(t, run.ID); len(got) != len(due[i]) || !got["begin"].Equal(due[i]["begin"]) {
				t.Errorf("closing %d begins at %v, want %v", i, got["begin"], due[i]["begin"])
			}
		}
		restored.replayAgain(t)
	})
}

// people counts the people of the install.
func (in *install) people(t *testing.T) (n int) {
	t.Helper()
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from people`).Scan(&n), "count people")
	return n
}

// failingHolder is a holder one of whose classes cannot be erased.
type failingHolder struct {
	exit.Holder
	class string
}

func (h failingHolder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Class == h.class {
		return exit.Progress{}, errors.New("planted")
	}
	return h.Holder.Erase(ctx, t)
}

// Gate lets the holder's gates be asked.
func (h failingHolder) Gate(ctx context.Context, t exit.Task, gate string) (exit.Answer, error) {
	return h.Holder.(exit.Gatekeeper).Gate(ctx, t, gate)
}

// TestStartWantsTheGoneToEnd starts a house in which an account is gone and its person's own data cannot be erased: nothing
// may be served until it is.
func TestStartWantsTheGoneToEnd(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "stuckone")
		run, _ := in.slipOf(t, v)
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		must(t, in.DB.Move(t.Context(), now.AddDate(0, 0, 40)), "let time pass")
		in.toStep(t, run.ID, "erase:account.account")
		all := in.Engine.Holders
		in.Engine.Holders = slices.Clone(all)
		for i, h := range all {
			if h.Name() == "account" {
				in.Engine.Holders[i] = failingHolder{h, "person"}
			}
		}
		if _, err := in.Leave.Replay(t.Context()); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("a start beside a run that does not end gives %v, want Unavailable", err)
		}
		in.Engine.Holders = all
		_, err := in.Leave.Replay(t.Context())
		must(t, err, "start when the cause is mended")
		in.settle(t)
		in.wantRun(t, run.ID, exit.RunSealed)
		if n := in.people(t); n != 0 {
			t.Errorf("%d people are left, want none", n)
		}
	})
}

// waiting closes both accounts of a person, the second sooner, and lets time pass until the second is gone and its person's
// own data waits for the first.
func (in *install) waiting(t *testing.T) (first, second exit.Run) {
	t.Helper()
	v := in.member(t, "secondone")
	other, err := in.Accounts.AddPersona(t.Context(), v, "firstone", account.Personal)
	must(t, err, "add persona")
	first = in.agree(t, exit.Ask{Subject: leave.SubjectOf(other, ""), Journey: exit.Close})
	soon := exit.DateOf(dbtest.Start.AddDate(0, 0, 14), time.UTC)
	second = in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Close, Until: soon})
	must(t, in.DB.Move(t.Context(), in.end(t, second.ID).Add(time.Hour)), "let time pass")
	in.settle(t)
	in.wantState(t, "the second", v.Account, "")
	in.wantState(t, "the first", other, who.Closed)
	in.wantRun(t, second.ID, exit.RunRunning)
	return first, second
}

// end gives when the last step of a run is due.
func (in *install) end(t *testing.T, run string) (end time.Time) {
	t.Helper()
	for _, at := range in.due(t, run) {
		end = slices.MaxFunc([]time.Time{end, at}, time.Time.Compare)
	}
	return end
}

// TestStartLeavesClosedGates starts a house in which an account is gone and its person's own data waits for another account:
// it goes on waiting, on its own dates.
func TestStartLeavesClosedGates(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		first, second := in.waiting(t)
		before := in.due(t, second.ID)
		in.replayAgain(t)
		if got := in.due(t, second.ID); !maps.EqualFunc(got, before, time.Time.Equal) {
			t.Errorf("the steps are due at %v after a start, before it at %v", got, before)
		}
		in.travel(t, 40)
		in.wantRun(t, first.ID, exit.RunSealed)
		in.wantRun(t, second.ID, exit.RunSealed)
	})
}

// TestLastGateOpensAtOnce has a person's own data wait for the last of their accounts: it goes as soon as that is gone, not
// at the next day's look.
func TestLastGateOpensAtOnce(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		first, second := in.waiting(t)
		must(t, in.DB.Move(t.Context(), in.end(t, first.ID)), "let time pass")
		in.settle(t)
		in.wantRun(t, first.ID, exit.RunSealed)
		in.wantRun(t, second.ID, exit.RunSealed)
		if n := in.people(t); n != 0 {
			t.Errorf("%d people are left, want none", n)
		}
	})
}

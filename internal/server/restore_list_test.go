package server_test

import (
	"bytes"
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// TestRestoreBringsCertificatesAndSlipsBack restores a backup that is older than a closing which has ended since, and than
// one that has not: the slips open what they opened, and the certificate is the same file.
func TestRestoreBringsCertificatesAndSlipsBack(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		gone, going := in.member(t, "goneone"), in.member(t, "goingone")
		dir := in.save(t)
		run, secret := in.slipOf(t, gone)
		in.travel(t, 40)
		was, err := in.Leave.Certificate(t.Context(), run.ID)
		must(t, err, "read certificate")
		other, second := in.slipOf(t, going)
		in.travel(t, 10) // likes and comments are gone, what else there was may come back
		in.wantState(t, "who is leaving", going.Account, who.Closed)

		restored := in.restore(t, dir, 50)
		done, err := restored.Leave.Replay(t.Context())
		must(t, err, "replay")
		if done.Certificates != 1 || done.Closings != 1 {
			t.Errorf("replayed %+v, want 1 certificate and 1 closing", done)
		}
		for want, secret := range map[string]string{run.ID: secret, other.ID: second} {
			if id, err := restored.Leave.OpenSlip(t.Context(), secret); err != nil || id != want {
				t.Errorf("the slip opens %q (%v), want %q", id, err, want)
			}
		}
		is, err := restored.Leave.Certificate(t.Context(), run.ID)
		if err != nil || !bytes.Equal(is, was) {
			t.Errorf("the certificate is another one (%v)", err)
		}
		if r := restored.wantRun(t, run.ID, exit.RunSealed); r.Hash != run.Hash || r.Plan == nil || r.Subject != (exit.Subject{}) {
			t.Errorf("the run came back as %+v", r)
		}
		restored.wantNone(t, gone, gone.Name+"wroteit")
		restored.wantState(t, "who is leaving", going.Account, who.Closed)
		_, before, err := in.DB.Runs.Load(t.Context(), other.ID)
		must(t, err, "read run")
		_, after, err := restored.DB.Runs.Load(t.Context(), other.ID)
		must(t, err, "read run")
		for i, s := range before {
			if a := after[i]; a.State != s.State || a.Items != s.Items || !a.At.Equal(s.At) {
				t.Errorf("%s is %s with %d items at %v, was %s with %d at %v", s.Key, a.State, a.Items, a.At, s.State, s.Items, s.At)
			}
		}
		restored.replayAgain(t)
		restored.travel(t, 40)
		restored.wantCertificate(t, other.ID)
		restored.wantNone(t, going, going.Name+"wroteit")
		restored.replayAgain(t)
	})
}

// slipOf closes an account and gives the slip.
func (in *install) slipOf(t *testing.T, v who.Viewer) (exit.Run, string) {
	t.Helper()
	ask := exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Close}
	plan, err := in.Engine.Preview(t.Context(), ask)
	must(t, err, "preview")
	run, secret, err := in.Leave.Agree(t.Context(), ask, plan.Hash(), "person")
	must(t, err, "agree")
	in.settle(t)
	return run, secret
}

// TestRestoreKeepsWhatWasClosedAgain restores a backup in which people were leaving who came back and left once more: they
// are leaving by their second consent, whatever the order of the list.
func TestRestoreKeepsWhatWasClosedAgain(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		var people []who.Viewer
		var runs []string
		for _, name := range []string{"annaone", "berthaone", "claraone", "doraone", "emmaone"} {
			v := in.member(t, name)
			in.slipOf(t, v)
			people = append(people, v)
		}
		dir := in.save(t)
		for _, v := range people {
			in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Cancel})
			run, _ := in.slipOf(t, v)
			runs = append(runs, run.ID)
		}
		restored := in.restore(t, dir, 0)
		_, err := restored.Leave.Replay(t.Context())
		must(t, err, "replay")
		for i, v := range people {
			restored.wantState(t, v.Name, v.Account, who.Closing)
			restored.wantRun(t, runs[i], exit.RunOpen)
		}
		restored.replayAgain(t)
	})
}

// TestRestoreKeepsYoungerArchives restores a backup from before an archive ran out: that one goes again, a younger one stays.
func TestRestoreKeepsYoungerArchives(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "packerone")
		take := func() exit.Run {
			run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.TakeAlong, Pack: leave.Packing{Media: true}.Words()})
			in.settle(t)
			return run
		}
		take()
		in.travel(t, 1600) // archives are kept for five years here
		young := take()
		dir := in.save(t)
		in.travel(t, 300)
		restored := in.restore(t, dir, 300)
		done, err := restored.Leave.Replay(t.Context())
		if err != nil || done.Erasures != 1 {
			t.Fatalf("replayed %+v (%v), want 1 erasure", done, err)
		}
		restored.settle(t)
		list, err := restored.Leave.Exports(t.Context(), v.Account)
		if err != nil || len(list) != 1 || list[0].Run != young.ID || len(list[0].Volumes) != 1 {
			t.Fatalf("the archives are %+v (%v), want the younger one", list, err)
		}
		if _, err := restored.Blobs.Size(t.Context(), list[0].Volumes[0].Key); err != nil {
			t.Errorf("the younger archive's file: %v", err)
		}
	})
}

// TestRestoreWithoutHolder restores a backup into a house that lacks a holder of what was erased since: it must not serve.
func TestRestoreWithoutHolder(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		gone := in.member(t, "goneone")
		dir := in.save(t)
		in.slipOf(t, gone)
		in.travel(t, 40)
		restored := in.restore(t, dir, 50)
		all := restored.Engine.Holders
		restored.Engine.Holders = slices.DeleteFunc(slices.Clone(all), func(h exit.Holder) bool { return h.Name() == "talk" })
		if _, err := restored.Leave.Replay(t.Context()); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("a replay without a holder gives %v", err)
		}
		restored.Engine.Holders = all
		_, err := restored.Leave.Replay(t.Context())
		must(t, err, "replay with all holders")
		restored.wantNone(t, gone, gone.Name+"wroteit")
	})
}

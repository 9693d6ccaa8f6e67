package server_test

import (
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/backup"
	"exeunt/internal/clock"
	"exeunt/internal/dbtest"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/residue"
	"exeunt/internal/server"
	"exeunt/internal/who"
	"exeunt/ledger"
)

// another gives the address of an empty place for a second database beside an install's.
func (in *install) another(t *testing.T) string {
	t.Helper()
	if in.DB.Dialect == exitsql.SQLite {
		return filepath.Join(t.TempDir(), "restored.sqlite")
	}
	u, err := url.Parse(in.options.Database)
	must(t, err, "read address")
	name := strings.TrimPrefix(u.Path, "/") + "_" + strings.ToLower(rand.Text()[:6])
	_, err = in.DB.Writer.ExecContext(t.Context(), `create database `+name)
	must(t, err, "create database")
	ctx, pool := t.Context(), in.DB.Writer
	t.Cleanup(func() {
		if _, err := pool.ExecContext(withoutCancel(ctx), `drop database if exists `+name+` with (force)`); err != nil {
			t.Error(err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

// save backs the install up.
func (in *install) save(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "backup")
	now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
	_, err := backup.Save(t.Context(), in.DB, in.Blobs, dir, now)
	must(t, err, "back up")
	return dir
}

// restore brings a backup back in a new place, with the same list outside and the same key, as many days later; nothing is
// replayed yet.
func (in *install) restore(t *testing.T, dir string, days int) *install {
	t.Helper()
	m, err := backup.Check(dir)
	must(t, err, "check backup")
	o := server.Options{
		Data: filepath.Join(t.TempDir(), "data"), Database: in.another(t), Host: in.options.Host, Outside: filepath.Join(in.options.Data, "outside"),
		SigningKey: filepath.Join(in.options.Data, "keys", "ledger"), Media: media(t, in.options.Database),
	}
	if in.DB.Dialect == exitsql.SQLite {
		must(t, backup.PlaceSQLite(dir, o.Database), "place database")
	} else {
		fresh := o
		fresh.Clock, fresh.Hash = clock.NewFake(dbtest.Start), cheap
		h, err := server.Open(t.Context(), fresh)
		must(t, err, "open new install")
		must(t, backup.RestorePostgres(t.Context(), h.DB, dir, m), "fill database")
		must(t, h.Close(), "close new install")
	}
	back := reopen(t, o, clock.NewFake(in.machine.Now()))
	must(t, backup.RestoreMedia(t.Context(), back.Blobs, dir, m), "restore media")
	now := value[time.Time](t, "read clock")(back.DB.Now(t.Context()))
	must(t, back.DB.Move(t.Context(), now.AddDate(0, 0, days).Add(time.Hour)), "let time pass")
	return back
}

// account gives the state of an account, "" if there is none.
func (in *install) state(t *testing.T, id who.ID) who.State {
	t.Helper()
	a, err := in.Accounts.Account(t.Context(), id)
	if exit.KindOf(err) == exit.NotFound {
		return ""
	}
	must(t, err, "read account")
	return a.State
}

func (in *install) wantState(t *testing.T, whose string, id who.ID, want who.State) {
	t.Helper()
	if got := in.state(t, id); got != want {
		t.Errorf("%s is %q, want %q", whose, got, want)
	}
}

// wantNone searches for what a small account left.
func (in *install) wantNone(t *testing.T, v who.Viewer, texts ...string) {
	t.Helper()
	for _, text := range append(texts, v.Account.String(), v.Person.String(), v.Name) {
		r, err := residue.Search(t.Context(), in.DB, in.Blobs, text)
		must(t, err, "search residue")
		for _, f := range r.Finds {
			t.Errorf("%q of %s is left in %s (%d)", text, v.Name, f.Where, f.Count)
		}
	}
}

// member signs somebody up who has a post with a picture; its text is their name and "wroteit".
func (in *install) member(t *testing.T, name string) who.Viewer {
	t.Helper()
	v := in.signUp(t, name)
	_, err := in.Posts.Write(t.Context(), v, post.Draft{
		Service: post.Page, Text: name + "wroteit", Images: []post.Upload{{Open: opens(picture(9)), Alt: name + "drewit"}},
	})
	must(t, err, "write post")
	return v
}

// due gives when each step of a run is due.
func (in *install) due(t *testing.T, run string) map[string]time.Time {
	t.Helper()
	_, steps, err := in.DB.Runs.Load(t.Context(), run)
	must(t, err, "read run")
	out := map[string]time.Time{}
	for _, s := range steps {
		out[s.Key] = s.At
	}
	return out
}

// TestRestoreForgetsTheErased restores a backup from before erasures: before anything is served the erased are gone again,
// who was leaving is leaving on the old dates, who had come back stays, and the ledger is the one that it was.
func TestRestoreForgetsTheErased(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		closing := func(v who.Viewer) exit.Run {
			return in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.Close})
		}
		agreed, surprised, returner, leaver, stayer := in.member(t, "agreedone"), in.member(t, "surprisedone"), in.member(t, "returnerone"), in.member(t, "leaverone"), in.member(t, "stayerone")
		before := closing(agreed) // is leaving in the backup already
		back := closing(returner)
		in.settle(t)
		dir := in.save(t)
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(returner.Account, ""), Journey: exit.Cancel, Run: back.ID})
		closing(surprised) // the backup knows nothing of it
		in.travel(t, 40)
		run := closing(leaver)
		in.settle(t)
		in.wantState(t, "who had agreed", agreed.Account, "")
		in.wantState(t, "who left after the backup", surprised.Account, "")
		dates, size := in.due(t, run.ID), in.leaves(t)

		restored := in.restore(t, dir, 40)
		restored.wantState(t, "who left after the backup, before the replay,", surprised.Account, who.Active)
		done, err := restored.Leave.Replay(t.Context())
		must(t, err, "replay")
		if done.Erasures != int(size) || done.Items == 0 || done.Closings != 1 || done.Undone != 1 {
			t.Errorf("replayed %+v, want %d erasures, 1 closing, 1 undone", done, size)
		}
		for _, gone := range []who.Viewer{agreed, surprised} {
			restored.wantNone(t, gone, gone.Name+"wroteit", gone.Name+"drewit")
		}
		restored.wantState(t, "who is leaving", leaver.Account, who.Closing)
		restored.wantState(t, "who cancelled", returner.Account, who.Active)
		restored.wantState(t, "who stays", stayer.Account, who.Active)
		got := restored.due(t, run.ID)
		for key, want := range dates {
			if !got[key].Equal(want) {
				t.Errorf("%s is due at %v, want %v", key, got[key], want)
			}
		}
		if err := restored.Relations.Follow(t.Context(), stayer, leaver.Account); exit.KindOf(err) != exit.NotFound && exit.KindOf(err) != exit.Unavailable {
			t.Errorf("following who is leaving: error %v, want it refused", err)
		}
		if n := restored.leaves(t); n != size {
			t.Errorf("the ledger has %d leaves, want %d", n, size)
		}
		restored.wantRun(t, before.ID, exit.RunSealed)
		restored.settle(t)
		was, is := in.wantCertificate(t, before.ID), restored.wantCertificate(t, before.ID)
		if is.Certificate.Sums != was.Certificate.Sums || was.Certificate.Sums.Erased.Items == 0 {
			t.Errorf("the certificate made after the restore says %+v, the one before %+v", is.Certificate.Sums, was.Certificate.Sums)
		}
		restored.replayAgain(t)
		restored.travel(t, 40)
		restored.wantRun(t, run.ID, exit.RunSealed)
		restored.wantState(t, "who was leaving", leaver.Account, "")
		restored.wantState(t, "who cancelled", returner.Account, who.Active)
		restored.wantCertificate(t, run.ID)
	})
}

// replayAgain asks that a second start finds nothing to do.
func (in *install) replayAgain(t *testing.T) {
	t.Helper()
	again, err := in.Leave.Replay(t.Context())
	must(t, err, "replay again")
	if again != (leave.Replayed{}) {
		t.Errorf("a second replay did %+v, want nothing", again)
	}
}

// leaves gives the size of the ledger.
func (in *install) leaves(t *testing.T) (n int64) {
	t.Helper()
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select size from ledger_heads where id = 1`).Scan(&n), "read ledger")
	return n
}

// wantCertificate verifies the certificate of a run.
func (in *install) wantCertificate(t *testing.T, run string) ledger.Report {
	t.Helper()
	file, err := in.Leave.Certificate(t.Context(), run)
	must(t, err, "read certificate")
	report, err := ledger.Verify(file, in.Leave.Key.Verifier())
	if err != nil || !report.KeyVerified {
		t.Errorf("certificate of %s: %v", run, err)
	}
	for _, f := range report.Findings {
		t.Errorf("the certificate admits %s of %s", f.Code, f.Step)
	}
	return report
}

// TestTamperedLedgerSignsNothing changes the hashes of a restored ledger: the tree is not the one whose head stands outside,
// and nothing is signed on it.
func TestTamperedLedgerSignsNothing(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		first, second := in.member(t, "firstone"), in.member(t, "secondone")
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(first.Account, ""), Journey: exit.Close})
		in.travel(t, 40)
		dir := in.save(t)
		restored := in.restore(t, dir, 0)
		_, err := restored.DB.Writer.ExecContext(t.Context(), `update ledger_hashes set hash = $1`, make([]byte, ledgerHash))
		must(t, err, "tamper")
		if _, err := restored.Leave.Replay(t.Context()); err != nil {
			t.Fatalf("a tampered ledger keeps the install from starting: %v", err)
		}
		run := restored.agree(t, exit.Ask{Subject: leave.SubjectOf(second.Account, ""), Journey: exit.Close})
		err = restored.Travel(t.Context(), 40*24*time.Hour, still)
		if err == nil {
			t.Error("travelling went on without a certificate")
		}
		if _, err := restored.Leave.Certificate(t.Context(), run.ID); exit.KindOf(err) != exit.NotFound {
			t.Errorf("certificate of a tampered ledger: error %v, want none made", err)
		}
		if err := restored.Leave.Sequence(t.Context()); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("appending to a tampered ledger: error %v, want it refused", err)
		}
		if !strings.Contains(string(restored.log.Bytes()), "nothing is signed") {
			t.Error("the log says nothing of it")
		}
	})
}

// ledgerHash is the length of a hash of the log, in bytes.
const ledgerHash = 32

// TestRestoreWritesOverNothing asks that neither a database nor a backup is written over, and that a damaged backup is not
// restored.
func TestRestoreWritesOverNothing(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		in.member(t, "keeperone")
		dir := in.save(t)
		if _, err := backup.Save(t.Context(), in.DB, in.Blobs, dir, dbtest.Start); exit.KindOf(err) != exit.Conflict {
			t.Errorf("backing up into a folder that is not empty: error %v, want Conflict", err)
		}
		m, err := backup.Check(dir)
		must(t, err, "check backup")
		if in.DB.Dialect == exitsql.SQLite {
			err = backup.PlaceSQLite(dir, in.options.Database)
		} else {
			err = backup.RestorePostgres(t.Context(), in.DB, dir, m)
		}
		if exit.KindOf(err) != exit.Conflict {
			t.Errorf("restoring over a database: error %v, want Conflict", err)
		}
		for name := range m.Files {
			if !strings.HasPrefix(name, "media/") {
				continue
			}
			must(t, os.WriteFile(filepath.Join(dir, name), []byte("damaged"), 0o600), "damage a file")
			break
		}
		if _, err := backup.Check(dir); exit.KindOf(err) != exit.Invalid {
			t.Errorf("checking a damaged backup: error %v, want Invalid", err)
		}
	})
}

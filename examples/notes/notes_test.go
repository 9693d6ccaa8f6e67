package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/ledger"
)

// program is a database with a clock of its own.
type program struct {
	*Notes
	t   *testing.T
	now time.Time
	key *ledger.Key
	db  string
}

func begin(t *testing.T) *program {
	t.Helper()
	key, err := ledger.NewKey("notes.example.org")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), key: key, db: filepath.Join(t.TempDir(), "notes.db")}
	if p.Notes, err = Open(t.Context(), p.db, key, func() time.Time { return p.now }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.must(p.Notes.db.Close()) })
	return p
}

// account makes an account with three notes.
func (p *program) account(name string) string {
	p.t.Helper()
	id, err := p.Join(p.t.Context(), name)
	p.must(err)
	for i := range 3 {
		p.must(p.Write(p.t.Context(), id, fmt.Sprintf("a note of %s, number %d", name, i)))
	}
	return id
}

func (p *program) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) ask(id string, j exit.Journey, in string) exit.Run {
	p.t.Helper()
	r, err := p.Ask(p.t.Context(), exit.Ask{Subject: exit.Account(id).Within(in), Journey: j})
	p.must(err)
	return r
}

// days moves the clock and carries out what has become due.
func (p *program) days(n int) {
	p.t.Helper()
	p.now = p.now.AddDate(0, 0, n)
	_, err := p.command(p.t.Context(), "work", "", "")
	p.must(err)
}

func (p *program) sees(id string, want int) {
	p.t.Helper()
	got, err := p.Seen(p.t.Context(), id)
	p.must(err)
	if got != want {
		p.t.Errorf("others see %d notes, want %d", got, want)
	}
}

func TestHideTakesTheEntranceOnly(t *testing.T) {
	p := begin(t)
	ada := p.account("Ada")
	for _, c := range []struct {
		journey exit.Journey
		shown   bool
	}{{exit.Hide, false}, {exit.Show, true}} {
		p.ask(ada, c.journey, "notes")
		shown, err := p.Entrance(t.Context(), ada)
		p.must(err)
		if shown != c.shown {
			t.Errorf("after %s the entrance is shown: %v", c.journey, shown)
		}
		p.sees(ada, 3)
	}
}

func TestCancelBringsAllBack(t *testing.T) {
	p := begin(t)
	ada := p.account("Ada")
	p.ask(ada, exit.Close, "")
	p.sees(ada, 0)
	p.days(2)
	if err := p.Write(t.Context(), ada, "one more"); exit.KindOf(err) != exit.Unavailable {
		t.Errorf("a closing account writes: %v", err)
	}
	p.ask(ada, exit.Cancel, "")
	p.sees(ada, 3)
	p.must(p.Write(t.Context(), ada, "one more"))
	p.days(100)
	p.sees(ada, 4)
}

func TestCloseErasesAndCertifies(t *testing.T) {
	p := begin(t)
	ada, ben := p.account("Adaquith"), p.account("Benedikt")
	run := p.ask(ada, exit.Close, "")
	p.days(13)
	if !p.holds(ada) || !p.holds("Adaquith") {
		t.Fatal("something is gone before its day, or the search finds nothing")
	}
	if _, err := p.Certificate(t.Context(), run.ID); exit.KindOf(err) != exit.NotFound {
		t.Errorf("there is a certificate before the end: %v", err)
	}
	p.days(2)
	p.sees(ada, 0)
	p.sees(ben, 3)
	file, err := p.Certificate(t.Context(), run.ID)
	p.must(err)
	report, err := ledger.Verify(file, p.key.Verifier())
	p.must(err)
	if got := report.Certificate.Sums.Erased; got.Classes != 3 || got.Items != 3+2+1 || !report.KeyVerified || len(report.Findings) > 0 {
		t.Errorf("erased %+v, key verified %v, findings %v", got, report.KeyVerified, report.Findings)
	}
	if bytes.Contains(file, []byte(ada)) || bytes.Contains(file, []byte("Adaquith")) {
		t.Error("the certificate names somebody")
	}
	if p.holds(ada) || p.holds("Adaquith") {
		t.Error("the database still holds something of who has left")
	}
	if !p.holds("Benedikt") {
		t.Error("somebody else's name is gone")
	}
}

// holds reports whether the database's files hold a text, after what was erased has left the write-ahead log.
func (p *program) holds(text string) bool {
	p.t.Helper()
	if _, err := p.Notes.db.ExecContext(p.t.Context(), `pragma wal_checkpoint(truncate)`); err != nil {
		p.t.Fatal(err)
	}
	for _, name := range []string{p.db, p.db + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			p.t.Fatal(err)
		}
		if bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}

func TestCommands(t *testing.T) {
	db := filepath.Join(t.TempDir(), "notes.db")
	for _, c := range []struct {
		at, command, arg string
		fails            bool
	}{
		{"2026-11-22", "join", "Ada", false},
		{"2026-11-22", "work", "", false},
		{"2026-11-22", "write", "nobody", true},
		{"2026-11-22", "certificate", "nothing", true},
		{"22.11.2026", "work", "", true},
		{"2026-11-22", "dance", "", true},
	} {
		if err := run(t.Context(), db, c.at, c.command, c.arg, "a note"); (err != nil) != c.fails {
			t.Errorf("%s %s: %v", c.command, c.arg, err)
		}
	}
}

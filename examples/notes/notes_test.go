package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/ledger"
)

// The program's own story, as `go run .` tells it.
func Example() {
	main()
	// Output:
	// 2026-11-23 hide   notes in Ada's menu: 0, seen by others: 1
	// 2026-11-24 show   notes in Ada's menu: 1, seen by others: 1
	// 2026-11-25 close  notes in Ada's menu: 1, seen by others: 0
	// 2026-11-26 cancel notes in Ada's menu: 1, seen by others: 1
	// 2026-11-27 close  notes in Ada's menu: 1, seen by others: 0
	// 2026-12-12 gone, signed and verified: 4 items of 3 classes
}

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
	db, err := sql.Open("sqlite", "file:"+p.db+options)
	p.must(err)
	t.Cleanup(func() { p.must(db.Close()) })
	p.Notes, err = New(t.Context(), db, key, func() time.Time { return p.now })
	p.must(err)
	return p
}

// account makes an account with three notes.
func (p *program) account(name string) string {
	p.t.Helper()
	id, err := p.Join(p.t.Context(), name)
	p.must(err)
	for i := range 3 {
		p.write(id, fmt.Sprintf("a note of %s, number %d", name, i))
	}
	return id
}

func (p *program) write(id, text string) {
	p.t.Helper()
	_, err := p.Write(p.t.Context(), id, text)
	p.must(err)
}

func (p *program) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) ask(id string, j exit.Journey, in string) exit.Run {
	p.t.Helper()
	ask := exit.Ask{Subject: exit.Account(id).Within(in), Journey: j}
	plan, err := p.Preview(p.t.Context(), ask)
	p.must(err)
	r, _, err := p.Agree(p.t.Context(), ask, plan.Hash(), "person")
	p.must(err)
	return r
}

// days moves the clock and carries out what has become due.
func (p *program) days(n int) {
	p.t.Helper()
	p.now = p.now.AddDate(0, 0, n)
	for took := 1; took > 0; {
		var err error
		took, err = p.Work(p.t.Context(), 10)
		p.must(err)
	}
}

// seen compares what others see, and the author's own menu shows, with what is expected.
func (p *program) seen(id string, byOthers, inMenu int) {
	p.t.Helper()
	for unless, want := range map[string]int{"veil": byOthers, "hide": inMenu} {
		got, err := p.Seen(p.t.Context(), id, unless)
		p.must(err)
		if got != want {
			p.t.Errorf("%d notes are seen where a %s takes them away, want %d", got, unless, want)
		}
	}
}

func TestHideTakesTheEntranceOnly(t *testing.T) {
	p := begin(t)
	ada := p.account("Ada")
	p.ask(ada, exit.Hide, "notes")
	p.seen(ada, 3, 0)
	p.ask(ada, exit.Show, "notes")
	p.seen(ada, 3, 3)
}

func TestCancelBringsAllBack(t *testing.T) {
	p := begin(t)
	ada := p.account("Ada")
	p.ask(ada, exit.Close, "")
	p.seen(ada, 0, 3)
	p.days(2)
	if _, err := p.Write(t.Context(), ada, "one more"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("a closing account writes: %v", err)
	}
	p.ask(ada, exit.Cancel, "")
	p.seen(ada, 3, 3)
	p.write(ada, "one more")
	p.days(100)
	p.seen(ada, 4, 4)
}

func TestCloseErasesAndCertifies(t *testing.T) {
	p := begin(t)
	ada, ben := p.account("Adaquith"), p.account("Benedikt")
	run := p.ask(ada, exit.Close, "")
	p.days(13)
	if !p.holds(ada) || !p.holds("Adaquith") {
		t.Fatal("something is gone before its day, or the search finds nothing")
	}
	if _, err := p.book.Certificate(t.Context(), run.ID); exit.KindOf(err) != exit.NotFound {
		t.Errorf("there is a certificate before the end: %v", err)
	}
	p.days(2)
	p.seen(ada, 0, 0)
	p.seen(ben, 3, 3)
	file, err := p.book.Certificate(t.Context(), run.ID)
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

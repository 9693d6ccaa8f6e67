package ledgersql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/ledger"
	"exeunt/ledger/ledgersql"

	"golang.org/x/mod/sumdb/tlog"
)

const policy = `version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7d
  classes:
    "*": {manner: erase, after: 28d}
    shop.orders: {manner: hold, law: "tax law", until: 3y}
backups: {wal: 1d, backups: 30d}
`

// shop is a holder whose orders a law says to keep. Its notes are erased.
type shop struct{ exitsql.Tables }

func (shop) Name() string { return "shop" }

func (shop) Classes() []exit.Class {
	return []exit.Class{{Name: "notes"}, {Name: "orders", Manners: []exit.Manner{exit.Erase, exit.Hold}}}
}

func (shop) HoldFrom(context.Context, exit.Subject, string, string) (exit.Date, error) {
	return exit.Date{}, nil
}

// program is somebody's program with a book.
type program struct {
	*exit.Engine
	t    *testing.T
	runs *exitsql.Store
	book *ledgersql.Book
	key  *ledger.Key
	mu   sync.Mutex
	now  time.Time
}

func newProgram(t *testing.T, runs *exitsql.Store) *program {
	t.Helper()
	for _, statement := range []string{
		`create table notes (n bigint primary key, author text not null)`,
		`create table orders (n bigint primary key, buyer text not null, held text not null)`,
	} {
		_, err := runs.Writer.ExecContext(t.Context(), statement)
		must(t, err)
	}
	p := &program{t: t, runs: runs, key: newKey(t), now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	p.open(policy)
	return p
}

// open makes engine and book anew, as a start of the program does.
func (p *program) open(source string) {
	p.t.Helper()
	promises, err := exit.ParsePolicy([]byte(source))
	must(p.t, err)
	p.book = ledgersql.NewBook(p.runs, p.key)
	p.Engine = &exit.Engine{
		Store: p.runs, Policy: promises, Receipt: p.book.Receipt, Certify: p.book.Certify, Extend: p.book.Extend, Tries: 1,
		Holders: []exit.Holder{shop{exitsql.Tables{
			"notes":  {{Name: "notes", Owner: "author", Key: "n", DB: p.runs.Reader}},
			"orders": {{Name: "orders", Owner: "buyer", Key: "n", Held: "held", HoldAs: "buyer = ''", DB: p.runs.Reader}},
		}}},
		Now: func(context.Context) (time.Time, error) { return p.clock(), nil }, Machine: p.clock,
	}
	must(p.t, p.Check())
}

func (p *program) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// fill gives an account a number of notes, and of orders.
func (p *program) fill(id string, notes, orders int) {
	p.t.Helper()
	for i := range notes + orders {
		query := `insert into notes (n, author) select coalesce(max(n), 0) + 1, $1 from notes`
		if i >= notes {
			query = `insert into orders (n, buyer, held) select coalesce(max(n), 0) + 1, $1, '' from orders`
		}
		_, err := p.runs.Writer.ExecContext(p.t.Context(), query, id)
		must(p.t, err)
	}
}

func (p *program) ask(id string, j exit.Journey) exit.Run {
	p.t.Helper()
	ask := exit.Ask{Subject: exit.Account(id), Journey: j}
	plan, err := p.Preview(p.t.Context(), ask)
	must(p.t, err)
	r, _, err := p.Agree(p.t.Context(), ask, plan.Hash(), "person")
	must(p.t, err)
	return r
}

// days moves the clock and carries out what has become due.
func (p *program) days(n int) {
	p.t.Helper()
	p.mu.Lock()
	p.now = p.now.AddDate(0, 0, n)
	p.mu.Unlock()
	must(p.t, p.work())
}

func (p *program) work() error {
	for {
		if took, err := p.Work(p.t.Context(), 3); took == 0 || err != nil {
			return err
		}
	}
}

// certificate gives the verified certificate of a run, and its file.
func (p *program) certificate(run string) (ledger.Certificate, []byte) {
	p.t.Helper()
	file, err := p.book.Certificate(p.t.Context(), run)
	must(p.t, err)
	report, err := ledger.Verify(file, p.key.Verifier())
	must(p.t, err)
	if len(report.Findings) > 0 {
		p.t.Errorf("the certificate of %s: %v", run, report.Findings)
	}
	return report.Certificate, file
}

func (p *program) none(run string) {
	p.t.Helper()
	if _, err := p.book.Certificate(p.t.Context(), run); exit.KindOf(err) != exit.NotFound {
		p.t.Errorf("run %s has a certificate, or an error: %v", run, err)
	}
}

// waiting compares the number of receipts without a certificate.
func (p *program) waiting(want int) {
	p.t.Helper()
	if got := number(p.t, p.runs, `select count(*) from ledger_receipts`); got != want {
		p.t.Errorf("%d receipts wait, want %d", got, want)
	}
}

// TestClosing goes from the consent to the certificate, and on to the end of its hold, with a start of the program and
// another policy in between.
func TestClosing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		p := newProgram(t, runs)
		p.fill("ada", 5, 2)
		run := p.ask("ada", exit.Close)
		p.days(8)
		p.none(run.ID)
		p.open(strings.ReplaceAll(policy, "30d", "60d")) // what ada agreed to says 30
		p.days(21)
		c, first := p.certificate(run.ID)
		if s := c.Sums; s.Erased.Items != 5 || s.Held.Items != 2 || s.Receipts != 2 || c.Version != 1 || c.Trial {
			t.Errorf("version %d adds up to %+v", c.Version, s)
		}
		if c.AgedOut != (ledger.AgedOut{WAL: "2026-04-01", Backups: "2026-04-30"}) || c.Policy != run.Policy || c.Plan != run.Hash {
			t.Errorf("it has aged out by %+v, under policy %s and plan %s", c.AgedOut, c.Policy, c.Plan)
		}
		if c.ID == run.ID || strings.Contains(string(first), "ada") {
			t.Error("the certificate leads to somebody")
		}
		p.waiting(0)

		p.days(int(time.Date(2029, 3, 3, 10, 0, 0, 0, time.UTC).Sub(p.clock()).Hours()) / 24)
		c, second := p.certificate(run.ID)
		if _, err := ledger.VerifyExtension(first, second, p.key.Verifier()); err != nil {
			t.Error(err)
		}
		if s := c.Sums; c.Version != 2 || s.Erased.Items != 5+2 || s.Held.Items != 0 {
			t.Errorf("version %d adds up to %+v", c.Version, s)
		}
		p.waiting(0)
	})
}

// TestShortHold: a hold that ends before its run is sealed waits for the certificate, and is its second version at once.
func TestShortHold(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		p := newProgram(t, runs)
		p.open(strings.ReplaceAll(policy, "until: 3y", "until: 10d"))
		p.fill("ada", 1, 2)
		run := p.ask("ada", exit.Close)
		p.days(8)
		p.days(3)
		p.none(run.ID)
		p.waiting(2)
		p.days(18)
		if c, _ := p.certificate(run.ID); c.Version != 2 || c.Sums.Erased.Items != 1+2 || c.Sums.Held.Items != 0 {
			t.Errorf("version %d adds up to %+v", c.Version, c.Sums)
		}
		p.waiting(0)
	})
}

// TestJourneysWithout: what is undone, and what erases nothing, has no certificate.
func TestJourneysWithout(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		p := newProgram(t, runs)
		p.book.Trial = true
		p.fill("ada", 1, 0)
		closing := p.ask("ada", exit.Close)
		cancel := p.ask("ada", exit.Cancel)
		p.days(400)
		p.none(closing.ID)
		p.none(cancel.ID)
		p.waiting(0)
		// A closing that had nothing to do, while the log is empty.
		must(t, p.book.Certify(t.Context(), exit.Run{ID: "r1", Journey: exit.Close, Plan: &exit.Plan{Zone: "UTC"}, Policy: closing.Policy}, nil))
		p.none("r1")

		again := p.ask("ada", exit.Close)
		p.days(8)
		p.days(21)
		if c, _ := p.certificate(again.ID); !c.Trial {
			t.Error("a trial's certificate does not say so")
		}
	})
}

// TestMany closes many accounts at once by several workers. None of them gets in another's way, and the log has each receipt once.
func TestMany(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		p := newProgram(t, runs)
		const accounts, workers = 12, 4
		var closings []exit.Run
		for i := range accounts {
			id := fmt.Sprint("account", i)
			p.fill(id, 2, 1)
			closings = append(closings, p.ask(id, exit.Close))
		}
		p.days(8)
		p.mu.Lock()
		p.now = p.now.AddDate(0, 0, 21)
		p.mu.Unlock()
		errs := make([]error, workers)
		var all sync.WaitGroup
		for i := range workers {
			all.Go(func() { errs[i] = p.work() })
		}
		all.Wait()
		must(t, errors.Join(errs...))
		must(t, p.work())
		for _, r := range closings {
			if c, _ := p.certificate(r.ID); c.Sums.Erased.Items != 2 || c.Sums.Held.Items != 1 {
				t.Errorf("%s adds up to %+v", r.ID, c.Sums)
			}
		}
		size, err := p.book.Store().Size(t.Context())
		if err != nil || size != 2*accounts {
			t.Errorf("the log has %d leaves, %v, want %d", size, err, 2*accounts)
		}
		if failed := number(t, runs, `select count(*) from exit_steps where problem <> ''`); failed > 0 {
			t.Errorf("%d steps failed on their way", failed)
		}
	})
}

// TestReceiptRollsBack: without its step a receipt leaves nothing.
func TestReceiptRollsBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, runs *exitsql.Store) {
		p := newProgram(t, runs)
		s := exit.StepStatus{Step: exit.Step{Key: "erase:shop.notes", Act: exit.ActErase, Holder: "shop", Class: "notes", Manner: exit.Erase}, At: p.now, Ended: p.now}
		r := exit.Run{ID: "r1", Journey: exit.Close, Plan: &exit.Plan{Zone: "UTC"}}
		changed := errors.New("changed my mind")
		err := runs.Update(t.Context(), func(ctx context.Context) error {
			return errors.Join(p.book.Receipt(ctx, r, s), changed)
		})
		if err == nil || err.Error() != changed.Error() {
			t.Fatal(err)
		}
		p.waiting(0)
		must(t, p.book.Receipt(t.Context(), r, s))
		p.waiting(1)
		if err := p.book.Receipt(t.Context(), r, exit.StepStatus{}); !errors.Is(err, ledger.ErrFormat) {
			t.Errorf("a receipt of nothing: %v", err)
		}
		if size, err := p.book.Store().Size(t.Context()); err != nil || size != 1 {
			t.Errorf("the log has %d leaves, %v, want 1", size, err)
		}
		// A log that somebody has changed is not signed again.
		_, err = runs.Writer.ExecContext(t.Context(), `update ledger_hashes set hash = $1`, make([]byte, tlog.HashSize))
		must(t, err)
		if err := p.book.Receipt(t.Context(), r, s); !errors.Is(err, ledger.ErrDisagrees) {
			t.Errorf("over a changed log: %v", err)
		}
		p.waiting(1)
	})
}

package leave_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/ledger"
	"exeunt/policies"
)

// shop is a holder whose orders a law says to keep for three years.
type shop struct{ exitsql.Tables }

func (shop) Name() string { return "shop" }

func (shop) Classes() []exit.Class {
	return []exit.Class{{Name: "orders", Manners: []exit.Manner{exit.Hold}}}
}

func (shop) HoldFrom(context.Context, exit.Subject, string, string) (exit.Date, error) {
	return exit.Date{Year: 2026, Month: 1, Day: 31}, nil
}

// openShop gives the house a shop, and somebody orders.
func (h *house) openShop(buyer int64) {
	h.t.Helper()
	source := strings.Replace(string(policies.Default()), "\n  classes:\n", "\n  classes:\n    shop.orders: {manner: hold, until: 3y, from: last_order, law: \"电子商务法 31\"}\n", 1)
	p, err := exit.ParsePolicy([]byte(source))
	h.must(err)
	h.Policy, h.Engine.Policy = p, p
	h.Engine.Holders = append(h.Engine.Holders, shop{exitsql.Tables{"orders": {{
		Name: "orders", Owner: "buyer_id", Key: "id", OwnerID: exitsql.IntegerID, DB: h.DB.Reader, Held: "held_by", HoldAs: "buyer_id = null",
	}}}})
	h.must(h.Engine.Check())
	_, err = h.DB.Writer.ExecContext(h.t.Context(), `create table orders (id bigint primary key, buyer_id bigint, held_by text not null default '')`)
	h.must(err)
	for i := range 3 {
		_, err = h.DB.Writer.ExecContext(h.t.Context(), `insert into orders (id, buyer_id) values ($1, $2)`, i, buyer)
		h.must(err)
	}
}

func (h *house) count(query string, args ...any) (n int) {
	h.t.Helper()
	h.must(h.DB.Reader.QueryRowContext(h.t.Context(), query, args...).Scan(&n))
	return n
}

// verified reads a run's certificate as `exeunt verify` does.
func (h *house) verified(run string) ([]byte, ledger.Report) {
	h.t.Helper()
	file, err := h.Certificate(h.t.Context(), run)
	h.must(err)
	r, err := ledger.Verify(file, h.Key.Verifier())
	h.must(err)
	if len(r.Findings) != 0 {
		h.t.Errorf("the certificate admits %v", r.Findings)
	}
	return file, r
}

func (h *house) wantKept(r ledger.Report, step string, want bool) {
	h.t.Helper()
	kept := false
	for _, k := range r.Kept {
		kept = kept || k.Step == step && k.Until == "2029-01-31" && k.Items == 3
	}
	if kept != want {
		h.t.Errorf("version %d keeps %+v; is %s among them: want %v", r.Certificate.Version, r.Kept, step, want)
	}
}

// TestHoldEnds: what a law keeps is in the certificate with its end, goes then, and the certificate's next
// version says so: it takes nothing back, names nobody, and comes back after a restore.
func TestHoldEnds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		h.openShop(int64(lina.Account))
		h.close(lina, "")
		run := h.openRun(lina, exit.Close).ID
		h.travel(40 * day)
		first, r := h.verified(run)
		h.wantKept(r, "hold:shop.orders", true)
		if n := h.count(`select count(*) from orders where held_by = $1 and buyer_id is null`, run); n != 3 {
			t.Errorf("%d orders are held by the run, want 3", n)
		}
		h.travel(4 * 365 * day)
		second, r := h.verified(run)
		if _, err := ledger.VerifyExtension(first, second, h.Key.Verifier()); err != nil {
			t.Fatalf("the second version: %v", err)
		}
		h.wantKept(r, "hold:shop.orders", false)
		last := r.Certificate.Receipts[len(r.Certificate.Receipts)-1].Receipt
		if last.Settles != "hold:shop.orders" || last.Items != 3 || last.Due != "2029-01-31" || r.Certificate.AgedOut.Backups <= "2029-02-01" {
			t.Errorf("the end's receipt is %+v, and all has aged out by %s", last, r.Certificate.AgedOut.Backups)
		}
		if strings.Contains(string(second), lina.Account.String()) || strings.Contains(string(second), "lina") {
			t.Error("the second version names who left")
		}
		if n := h.count(`select count(*) from orders`) + h.count(`select count(*) from run_salts`); n != 0 {
			t.Errorf("%d orders and salts are left", n)
		}
		e, err := h.Outside.Journey(t.Context(), run, "certificate")
		if err != nil || e.Certificate != string(second) {
			t.Errorf("the list outside has another certificate (%v)", err)
		}
		h.rewind(run, string(first))
		if file, _ := h.verified(run); string(file) != string(second) {
			t.Error("a database that was a version behind has made a second second version")
		}
		t.Run("restored", func(t *testing.T) { restoredHold(t, h, lina, run, string(second)) })
	})
}

// rewind gives a run the certificate that it had before its hold ended, as in a backup, and has it extended again.
func (h *house) rewind(run, first string) {
	h.t.Helper()
	ctx := h.t.Context()
	_, err := h.DB.Writer.ExecContext(ctx, `update certificates set body = $1 where run = $2`, first, run)
	h.must(err)
	_, err = h.DB.Writer.ExecContext(ctx, `insert into run_salts (run, salt) select id, $1 from exit_runs where subject = $2`, make([]byte, 32), exit.Held(run).String())
	h.must(err)
	h.must(h.DB.Update(ctx, func(ctx context.Context) error { return h.Queue.Add(ctx, job.Job{Kind: "leave.extend", Ref: run}) }))
	h.settle()
	if n := h.count(`select count(*) from run_salts`); n != 0 {
		h.t.Errorf("%d salts are left", n)
	}
}

// restoredHold replays the list onto a database that is older than the closing.
func restoredHold(t *testing.T, was *house, lina person, run, certificate string) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.Outside, h.Key, h.Queue = was.Outside, was.Key, job.New(d, d.Clock)
		h.Begin()
		h.openShop(int64(lina.Account))
		h.must(h.DB.Move(t.Context(), dbtest.Start.Add(5*365*day)))
		done, err := h.Replay(t.Context())
		h.must(err)
		if done.Certificates != 1 {
			t.Errorf("replayed %+v, want a certificate", done)
		}
		h.travel(day)
		if n := h.count(`select count(*) from orders`); n != 0 {
			t.Errorf("%d orders are back", n)
		}
		if file, _ := h.verified(run); string(file) != certificate {
			t.Error("the certificate is another one")
		}
		if n := h.count(`select count(*) from run_salts`); n != 0 {
			t.Errorf("%d salts are left", n)
		}
	})
}

// TestAddedHoldIsCertified: a hold that the operator adds is an amendment with its law, in the place of the erasure.
func TestAddedHoldIsCertified(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		h.openShop(int64(lina.Account))
		p, err := exit.ParsePolicy(policies.Default())
		h.must(err)
		h.Policy, h.Engine.Policy = p, p // it says nothing of the shop: its orders are to be erased
		h.close(lina, "")
		run := h.openRun(lina, exit.Close).ID
		h.travel(10 * day)
		until := exit.DateOf(dbtest.Start.Add(2*365*day), time.UTC)
		h.must(h.Engine.AddHold(t.Context(), run, "shop.orders", "court order 7/2026", until))
		h.travel(40 * day)
		first, r := h.verified(run)
		if a := r.Certificate.Amendments; len(a) != 1 || a[0].Law != "court order 7/2026" || a[0].Until != ledger.Day(until.String()) {
			t.Errorf("the amendments are %+v", a)
		}
		if c := fmt.Sprint(r.Certificate.Cancelled); !strings.Contains(c, "erase:shop.orders") || !strings.Contains(c, "a hold took its place") {
			t.Errorf("cancelled are %s", c)
		}
		h.travel(3 * 365 * day)
		second, _ := h.verified(run)
		if _, err := ledger.VerifyExtension(first, second, h.Key.Verifier()); err != nil {
			t.Errorf("the second version: %v", err)
		}
	})
}

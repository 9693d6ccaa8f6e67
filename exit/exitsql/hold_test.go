package exitsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
)

// shop is a holder on SQL whose orders, with their lines, a law says to keep. Nothing is said of its notes;
// they can be kept too.
type shop struct {
	exitsql.Tables
	db *sql.DB
}

func newShop(db *sql.DB) shop {
	lines := exitsql.Table{
		Name: "order_lines", Owner: "buyer_id", Key: "id", Bytes: "length(goods)", OwnerID: exitsql.IntegerID, DB: db,
		Held: "held_by", HoldAs: "buyer_id = null",
	}
	orders, notes := lines, lines
	orders.Name, orders.Bytes, orders.HoldAs = "orders", "length(address)", "buyer_id = null, address = ''"
	notes.Name, notes.Bytes = "order_notes", ""
	return shop{exitsql.Tables{"orders": {lines, orders}, "notes": {notes}}, db}
}

func (shop) Name() string { return "shop" }

func (shop) Classes() []exit.Class {
	manners := []exit.Manner{exit.Erase, exit.Hold}
	return []exit.Class{{Name: "orders", Manners: manners}, {Name: "notes", Manners: manners}}
}

// HoldFrom gives the day of the last order.
func (s shop) HoldFrom(ctx context.Context, who exit.Subject, _, anchor string) (exit.Date, error) {
	if anchor != "last_order" {
		return exit.Date{}, nil
	}
	var last sql.NullInt64
	err := s.db.QueryRowContext(ctx, `select max(placed) from orders where buyer_id = cast($1 as bigint)`, who.ID).Scan(&last)
	if err != nil || !last.Valid {
		return exit.Date{}, err
	}
	return exit.DateOf(time.UnixMilli(last.Int64), time.UTC), nil
}

const shopSchema = `
create table orders (id integer primary key, buyer_id integer, address text not null, placed integer not null, held_by text not null default '');
create table order_lines (id integer primary key, buyer_id integer, goods text not null, held_by text not null default '');
create table order_notes (id integer primary key, buyer_id integer, held_by text not null default '')`

func (d database) createShop(t testing.TB) {
	t.Helper()
	schema := shopSchema
	if d.dialect == exitsql.PostgreSQL {
		schema = strings.ReplaceAll(schema, "integer", "bigint")
	}
	for statement := range strings.SplitSeq(schema, ";") {
		if _, err := d.writer.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// fillShop gives a subject n orders of one line, placed at an instant, and as many notes.
func (d database) fillShop(ctx context.Context, s exit.Subject, n int, placed time.Time) error {
	for range n {
		for _, insert := range []string{
			`insert into orders (id, buyer_id, address, placed) values ((select coalesce(max(id), 0) + 1 from orders), cast($1 as bigint), 'a street', $2)`,
			`insert into order_lines (id, buyer_id, goods) values ((select coalesce(max(id), 0) + 1 from order_lines), cast($1 as bigint), 'tea')`,
			`insert into order_notes (id, buyer_id) values ((select coalesce(max(id), 0) + 1 from order_notes), cast($1 as bigint))`,
		} {
			args := []any{s.ID, placed.UnixMilli()}
			if _, err := d.writer.ExecContext(ctx, insert, args[:strings.Count(insert, "$")]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// countShop counts the rows of a class under a condition with one argument.
func (d database) countShop(ctx context.Context, class, where string, arg any) (n int64, err error) {
	query := `select count(*) from order_notes where ` + where
	if class == "orders" {
		query = `select (select count(*) from orders where ` + where + `) + (select count(*) from order_lines where ` + where + `)`
	}
	return n, d.reader.QueryRowContext(ctx, query, arg).Scan(&n)
}

func TestHoldTable(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		exittest.Holder(t, func(t *testing.T) exittest.Fixture {
			d := create(t)
			d.createShop(t)
			s, err := exitsql.Open(t.Context(), exitsql.Config{Writer: d.writer, Reader: d.reader, Dialect: d.dialect})
			if err != nil {
				t.Fatal(err)
			}
			return d.shopFixture(s)
		})
	})
}

// shopFixture is what the holder's suite needs of the shop.
func (d database) shopFixture(s *exitsql.Store) exittest.Fixture {
	return exittest.Fixture{
		Holder: newShop(d.reader), Update: s.Update,
		Fill: func(ctx context.Context, s exit.Subject, n int) error {
			return d.fillShop(ctx, s, n, time.UnixMilli(1))
		},
		Count: func(ctx context.Context, s exit.Subject, class string) (int64, error) {
			return d.countShop(ctx, class, `buyer_id = cast($1 as bigint)`, s.ID)
		},
		Sabotage: func(ctx context.Context, class string) error {
			return exittest.SkipEveryTenth(ctx, d.writer, d.dialect, map[string]string{"orders": "orders", "notes": "order_notes"}[class], "id")
		},
	}
}

const shopPolicy = `version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7d
  name_held: 1y
  classes:
    "*": {manner: erase, after: 28d}
    post.likes: {manner: erase, after: 14d}
    shop.orders: {manner: hold, until: 3y, from: last_order, law: "电子商务法 31"}
hibernate: {longest: none}
export: {volume: 2GiB, keep: 7d}
`

// market is a house with a shop, and with what its engine's hooks heard.
type market struct {
	*house
	receipts map[string]exit.StepStatus // run and key → the receipt
	extended []string                   // the runs whose certificates were extended
	sealed   []exit.Journey             // the runs that were certified
}

func newMarket(t *testing.T, d database) *market {
	t.Helper()
	m := &market{house: newHouse(t, d)}
	d.createShop(t)
	p, err := exit.ParsePolicy([]byte(shopPolicy))
	if err != nil {
		t.Fatal(err)
	}
	m.receipts = map[string]exit.StepStatus{}
	m.restart(p)
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// restart gives the market a new engine on what is stored.
func (m *market) restart(p *exit.Policy) {
	m.Engine = m.engine(newPost(m.reader), p)
	m.Holders = append(m.Holders, newShop(m.reader))
	m.Receipt = func(_ context.Context, r exit.Run, s exit.StepStatus) error {
		m.receipts[r.ID+" "+s.Key] = s
		return nil
	}
	m.Certify = func(_ context.Context, r exit.Run, _ []exit.StepStatus) error {
		m.sealed = append(m.sealed, r.Journey)
		return nil
	}
	m.Extend = func(_ context.Context, of string, _ exit.Run, _ []exit.StepStatus) error {
		m.extended = append(m.extended, of)
		return nil
	}
}

func (m *market) order(t *testing.T, s exit.Subject, n int, placed time.Time) {
	t.Helper()
	if err := m.fillShop(t.Context(), s, n, placed); err != nil {
		t.Fatal(err)
	}
}

// wantShop counts what of a class is a subject's own, and what a run holds.
func (m *market) wantShop(t *testing.T, class string, s exit.Subject, own int64, run string, held int64) {
	t.Helper()
	if n, err := m.countShop(t.Context(), class, `buyer_id = cast($1 as bigint)`, s.ID); err != nil || n != own {
		t.Errorf("%s has %d rows of %s (%v), want %d", s, n, class, err, own)
	}
	if n, err := m.countShop(t.Context(), class, `held_by = $1`, run); err != nil || n != held {
		t.Errorf("the run holds %d rows of %s (%v), want %d", n, class, err, held)
	}
}

// ends gives the runs that end a run's holds.
func (m *market) ends(t *testing.T, run string) (out []exit.RunFact) {
	t.Helper()
	rows, err := m.reader.QueryContext(t.Context(), `select id from exit_runs where subject = $1 order by id`, exit.Held(run).String())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		r, steps, err := m.store.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, exit.RunFact{Run: r, Steps: steps})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// wantEnd wants one end of one hold, due on the last instant of a day in Shanghai.
func (m *market) wantEnd(t *testing.T, run, key string, due time.Time) exit.RunFact {
	t.Helper()
	ends := m.ends(t, run)
	if len(ends) != 1 {
		t.Fatalf("%d runs end the holds of the run, want 1", len(ends))
	}
	e := ends[0]
	if s := e.Steps[0]; e.Run.Journey != exit.EndHold || s.Key != "end:"+key || s.Settles != key || s.Act != exit.ActErase || !s.At.Equal(due) {
		t.Fatalf("the hold ends by %+v, want it due %v", s, due)
	}
	return e
}

func (m *market) moveTo(t *testing.T, at time.Time) {
	t.Helper()
	m.clock.move(at)
	m.work(t)
}

func TestHolds(t *testing.T) {
	stories := []struct {
		name string
		tell func(t *testing.T, m *market)
	}{
		{"to the end", heldToTheEnd},
		{"shorter than the run", heldShort},
		{"return", heldAndReturned},
		{"cancel", heldNever},
		{"over already", heldNoLonger},
		{"the operator's", heldByOperator},
		{"refused", heldRefused},
		{"amendment", heldByAmendment},
	}
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		for _, s := range stories {
			t.Run(s.name, func(t *testing.T) { s.tell(t, newMarket(t, create(t))) })
		}
	})
}

func heldToTheEnd(t *testing.T, m *market) {
	m.order(t, one, 600, time.Date(2025, 8, 1, 12, 0, 0, 0, time.UTC))
	m.order(t, other, 5, time.Date(2025, 8, 1, 12, 0, 0, 0, time.UTC))
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	kept := m.agree(t, exit.Ask{Subject: other, Journey: exit.Close})
	m.moveTo(t, time.Date(2026, 3, 30, 16, 0, 0, 0, time.UTC))
	got, steps := m.run(t, r.ID)
	if got.State != exit.RunSealed || got.Subject != (exit.Subject{}) || steps["hold:shop.orders"].State != exit.StepExcepted {
		t.Fatalf("the run is %+v, its hold %+v", got, steps["hold:shop.orders"])
	}
	m.wantShop(t, "orders", one, 0, r.ID, 1200)
	due := time.Date(2028, 8, 1, 16, 0, 0, 0, time.UTC)
	m.wantEnd(t, r.ID, "hold:shop.orders", due)

	// Nothing is in memory: another engine, under another policy, ends it on its date. Asking again writes nothing.
	p, err := exit.ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	m.restart(p)
	stored := make([]exit.StepStatus, 0, len(steps))
	for _, s := range steps {
		stored = append(stored, s)
	}
	if err := m.EndHolds(t.Context(), got, stored); err != nil {
		t.Fatal(err)
	}
	m.moveTo(t, due.Add(-time.Millisecond))
	m.wantShop(t, "orders", one, 0, r.ID, 1200)
	m.moveTo(t, due)
	m.wantShop(t, "orders", one, 0, r.ID, 0)
	m.wantShop(t, "orders", other, 0, kept.ID, 0)
	end := m.wantEnd(t, r.ID, "hold:shop.orders", due)
	receipt := m.receipts[end.Run.ID+" end:hold:shop.orders"]
	if end.Run.State != exit.RunSealed || receipt.Items != 1200 || receipt.Manner != exit.Erase || receipt.Settles != "hold:shop.orders" {
		t.Errorf("the hold's end is %s with receipt %+v", end.Run.State, receipt)
	}
	if fmt.Sprint(m.sealed) != "[close close]" || len(m.extended) != 2 {
		t.Errorf("certified are %v, extended %v; want two of each", m.sealed, m.extended)
	}
	if at, ok, err := m.store.Next(t.Context()); err != nil || ok {
		t.Errorf("something is left to do at %v, %v", at, err)
	}
}

// heldShort: a hold that is over before the run does not wait for its seal.
func heldShort(t *testing.T, m *market) {
	m.order(t, one, 3, time.Date(2023, 3, 15, 12, 0, 0, 0, time.UTC))
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	m.moveTo(t, time.Date(2026, 3, 9, 16, 0, 0, 0, time.UTC))
	m.moveTo(t, time.Date(2026, 3, 15, 16, 0, 0, 0, time.UTC))
	m.wantShop(t, "orders", one, 0, r.ID, 0)
	if got, _ := m.run(t, r.ID); got.State != exit.RunRunning || fmt.Sprint(m.extended) != "["+r.ID+"]" {
		t.Errorf("the run is %s, extended are %v", got.State, m.extended)
	}
	m.travel(t)
	if got, _ := m.run(t, r.ID); got.State != exit.RunSealed || len(m.extended) != 1 {
		t.Errorf("the run is %s, extended are %v", got.State, m.extended)
	}
}

// heldAndReturned: what the law keeps stays kept when the person comes back, and goes on its day.
func heldAndReturned(t *testing.T, m *market) {
	m.order(t, one, 4, m.clock.now)
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	m.moveTo(t, time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC))
	plan, err := m.Preview(t.Context(), exit.Ask{Subject: one, Journey: exit.Return})
	if err != nil {
		t.Fatal(err)
	}
	held := exit.Stay{What: "shop.orders", State: "held", Until: exit.Date{Year: 2029, Month: 3, Day: 2}, Law: "电子商务法 31"}
	if !slices.Contains(plan.Stays, held) {
		t.Errorf("a return says %+v, want %+v in it", plan.Stays, held)
	}
	m.agree(t, exit.Ask{Subject: one, Journey: exit.Return})
	m.order(t, one, 2, m.clock.now)
	m.travel(t)
	m.wantShop(t, "orders", one, 4, r.ID, 0)
	m.wantShop(t, "notes", one, 6, r.ID, 0)
	end := m.wantEnd(t, r.ID, "hold:shop.orders", time.Date(2029, 3, 2, 16, 0, 0, 0, time.UTC))
	if got, _ := m.run(t, r.ID); got.State != exit.RunReturned || end.Run.State != exit.RunSealed || len(m.sealed) != 0 {
		t.Errorf("the run is %s, the hold's end %s", got.State, end.Run.State)
	}
}

func heldNever(t *testing.T, m *market) {
	m.order(t, one, 4, m.clock.now)
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	m.agree(t, exit.Ask{Subject: one, Journey: exit.Cancel})
	m.travel(t)
	m.wantShop(t, "orders", one, 8, r.ID, 0)
	if ends := m.ends(t, r.ID); len(ends) != 0 {
		t.Errorf("what was never held ends by %+v", ends)
	}
}

// heldNoLonger: where the law's term is over nothing says to keep it, and it is erased.
func heldNoLonger(t *testing.T, m *market) {
	m.order(t, one, 4, time.Date(2023, 3, 1, 0, 0, 0, 0, time.UTC))
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	m.moveTo(t, time.Date(2026, 3, 9, 16, 0, 0, 0, time.UTC))
	m.wantShop(t, "orders", one, 0, r.ID, 0)
	if s := m.receipts[r.ID+" erase:shop.orders"]; s.Items != 8 || s.Law != "" {
		t.Errorf("the receipt is %+v", s)
	}
	if ends := m.ends(t, r.ID); len(ends) != 0 {
		t.Errorf("what was erased ends by %+v", ends)
	}
}

func heldByOperator(t *testing.T, m *market) {
	m.order(t, one, 4, m.clock.now)
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	m.moveTo(t, time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC))
	if err := m.AddHold(t.Context(), r.ID, "shop.notes", "a court's order", exit.Date{Year: 2027, Month: 5, Day: 1}); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.run(t, r.ID); got.Plan.Hash() != r.Hash {
		t.Errorf("the agreed plan has hash %s, want %s still", got.Plan.Hash(), r.Hash)
	}
	if err := m.AddHold(t.Context(), r.ID, "shop.notes", "another", exit.Date{Year: 2028, Month: 5, Day: 1}); exit.KindOf(err) != exit.Conflict {
		t.Errorf("a second hold of the same gave %v", err)
	}
	m.moveTo(t, time.Date(2026, 3, 30, 16, 0, 0, 0, time.UTC))
	got, steps := m.run(t, r.ID)
	s := steps["hold:shop.notes"]
	if got.State != exit.RunSealed || s.State != exit.StepExcepted || !s.Amended || s.Law != "a court's order" {
		t.Errorf("the run is %s, the added hold %+v", got.State, s)
	}
	wantStates(t, steps, map[string]exit.StepState{"erase:shop.notes": exit.StepCancelled, "hold:shop.orders": exit.StepExcepted})
	m.wantShop(t, "notes", one, 0, r.ID, 4)
	m.moveTo(t, time.Date(2027, 5, 1, 16, 0, 0, 0, time.UTC))
	m.wantShop(t, "notes", one, 0, r.ID, 0)
	m.wantShop(t, "orders", one, 0, r.ID, 8)
	m.travel(t)
	m.wantShop(t, "orders", one, 0, r.ID, 0)
	if len(m.ends(t, r.ID)) != 2 || len(m.extended) != 2 {
		t.Errorf("%d holds end, %d certificates were extended; want 2 of each", len(m.ends(t, r.ID)), len(m.extended))
	}
}

func heldRefused(t *testing.T, m *market) {
	m.order(t, one, 1, m.clock.now)
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	m.moveTo(t, time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC))
	later := exit.Date{Year: 2027, Month: 5, Day: 1}
	for name, c := range map[string]struct {
		run, class, law string
		until           exit.Date
		want            exit.Kind
	}{
		"no run":        {"nobody's", "shop.notes", "a law", later, exit.NotFound},
		"no class":      {r.ID, "shop.carts", "a law", later, exit.NotFound},
		"no law":        {r.ID, "shop.notes", " ", later, exit.Invalid},
		"no end":        {r.ID, "shop.notes", "a law", exit.Date{}, exit.Invalid},
		"over":          {r.ID, "shop.notes", "a law", exit.Date{Year: 2026, Month: 3, Day: 19}, exit.Invalid},
		"cannot":        {r.ID, "post.posts", "a law", later, exit.Invalid},
		"held already":  {r.ID, "shop.orders", "a law", later, exit.Conflict},
		"erased before": {r.ID, "post.likes", "a law", later, exit.Invalid},
	} {
		if err := m.AddHold(t.Context(), c.run, c.class, c.law, c.until); err == nil || exit.KindOf(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if _, err := m.Preview(t.Context(), exit.Ask{Subject: exit.Held(r.ID), Journey: exit.EndHold}); exit.KindOf(err) != exit.Invalid {
		t.Errorf("asking for the end of a hold gave %v", err)
	}
	if n := len(m.ends(t, r.ID)); n != 1 {
		t.Errorf("%d holds end, want the one of the policy", n)
	}
}

// heldByAmendment: a class that the plan did not know and that the policy holds is held by the seal,
// from the day that its holder gives.
func heldByAmendment(t *testing.T, m *market) {
	m.order(t, one, 2, time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC))
	all := m.Holders
	m.Holders = all[:2]
	r := m.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	m.Holders = all
	m.moveTo(t, time.Date(2026, 3, 30, 16, 0, 0, 0, time.UTC))
	_, steps := m.run(t, r.ID)
	if s := steps["hold:shop.orders"]; !s.Amended || s.State != exit.StepExcepted {
		t.Errorf("the amendment is %+v", s)
	}
	m.wantEnd(t, r.ID, "hold:shop.orders", time.Date(2029, 1, 10, 16, 0, 0, 0, time.UTC))
	m.travel(t)
	m.wantShop(t, "orders", one, 0, r.ID, 0)
}

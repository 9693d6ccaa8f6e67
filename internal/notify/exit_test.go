package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/who"
)

// only is a holder reduced to one of its classes: others have no more rows than kinds, or one.
type only struct {
	*notify.Holder
	class string
}

func (o only) Classes() (out []exit.Class) {
	for _, c := range o.Holder.Classes() {
		if c.Name == o.class {
			out = append(out, c)
		}
	}
	return out
}

// filler fills the tables of one class by hand.
type filler struct {
	d     *db.DB
	class string
	last  int64
}

// tables are the tables of a class that the suite fills, each with the column that refers to the account.
var tables = map[string][][2]string{
	"notices":  {{"notices", "account_id"}, {"notices", "by_id"}},
	"switches": {{"notice_switches", "account_id"}},
}

func TestHolder(t *testing.T) {
	for class := range tables {
		t.Run(class, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				f := &filler{d: d, class: class}
				h := newHouse(d, nil).notices.Holder()
				exittest.Holder(t, func(t *testing.T) exittest.Fixture { return f.open(t, h) })
			})
		})
	}
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func (f *filler) open(t *testing.T, h *notify.Holder) exittest.Fixture {
	for _, table := range []string{"notices", "notice_switches", "accounts"} {
		if err := f.exec(t.Context(), `delete from `+table); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: only{h, f.class}, Update: f.d.Update, Fill: f.fill, Count: f.count,
		Sabotage: func(ctx context.Context, _ string) error {
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, tables[f.class][0][0], "id")
		},
	}
}

// fill gives an account notices, by turns as the one who is told and as the one who did it.
func (f *filler) fill(ctx context.Context, s exit.Subject, n int) error {
	one, _ := who.ParseID(s.ID)
	for i := range n {
		f.last++
		for _, id := range []int64{int64(one), f.last} {
			if err := f.exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0) on conflict do nothing`, id, fmt.Sprint("a", id)); err != nil {
				return err
			}
		}
		a, b := int64(one), f.last
		if i%2 == 1 {
			a, b = b, a
		}
		err := f.exec(ctx, `insert into notices (id, account_id, kind, by_id, ref_kind, ref_id, service, place_id, created_at) values ($1, $2, 'like', $3, 'post', $1, 'circle', 3, 0)`, f.last, a, b)
		if f.class == "switches" {
			err = f.exec(ctx, `insert into notice_switches (id, account_id, kind, centre, mail) values ($1, $2, $3, 0, 0)`, f.last, int64(one), fmt.Sprint("kind", f.last))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) count(ctx context.Context, s exit.Subject, _ string) (sum int64, err error) {
	id, _ := who.ParseID(s.ID)
	for _, table := range tables[f.class] {
		var n int64
		if err := f.d.Reader.QueryRowContext(ctx, `select count(*) from `+table[0]+` where `+table[1]+` = $1`, int64(id)).Scan(&n); err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// TestOnlyOnes erases what an account has one row of: its mark and its address.
func TestOnlyOnes(t *testing.T) {
	eachMailHouse(t, func(t *testing.T, h *house, _ *server) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		holder := h.notices.Holder()
		for _, v := range []who.Viewer{mira, jo} {
			if err := h.notices.Bind(t.Context(), v, v.Name+"@example.com"); err != nil {
				t.Fatal(err)
			}
			h.exec(t, `insert into notice_marks (account_id, announced, changed) values ($1, 1, 1)`, int64(v.Account))
		}
		for _, class := range []string{"notices", "address"} {
			task := exit.Task{Subject: exit.Account(mira.Account.String()), Class: class, Manner: exit.Erase, Limit: 10}
			for want := range 2 {
				if left, err := holder.Verify(t.Context(), task); err != nil || left.Left != int64(1-want) {
					t.Errorf("%s: %d left before, %v", class, left.Left, err)
				}
				var p exit.Progress
				err := h.d.Update(t.Context(), func(ctx context.Context) (err error) {
					p, err = holder.Erase(ctx, task)
					return err
				})
				if err != nil || !p.Done || p.Items != int64(1-want) {
					t.Errorf("%s: %+v, %v", class, p, err)
				}
			}
			task.Subject = exit.Account(jo.Account.String())
			if left, err := holder.Verify(t.Context(), task); err != nil || left.Left != 1 {
				t.Errorf("%s: another has %d left, %v", class, left.Left, err)
			}
		}
	})
}

// sink keeps what is exported.
type sink struct {
	exit.Sink
	records []any
}

func (s *sink) Record(v any) error { s.records = append(s.records, v); return nil }
func (s *sink) Full() bool         { return false }

// TestAlong takes choices along and brings them back to another account.
func TestAlong(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		if err := h.notices.Choose(t.Context(), mira, map[notify.Kind]notify.Switch{notify.Like: {}, notify.Comment: {Centre: true}}); err != nil {
			t.Fatal(err)
		}
		s := &sink{}
		p, err := h.notices.Holder().Export(t.Context(), exit.Task{Subject: exit.Account(mira.Account.String()), Class: "switches"}, s)
		if err != nil || !p.Done || len(s.records) != 2 {
			t.Fatalf("%+v, %+v, %v", s.records, p, err)
		}
		var records []any
		for _, r := range append(s.records, notify.SwitchRecord{Kind: "gossip"}, "no record") {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, json.RawMessage(text))
		}
		for range 2 {
			take, err := h.notices.Holder().Import(t.Context(), exit.Task{Subject: exit.Account(jo.Account.String()), Class: "switches"}, records, nil)
			if err != nil {
				t.Fatal(err)
			}
			var out []exit.Outcome
			if err := h.d.Update(t.Context(), func(ctx context.Context) (err error) {
				out, err = take(ctx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s %s %s %s", out[0].Result, out[1].Result, out[2].Result, out[3].Result); got != "taken taken skipped skipped" {
				t.Errorf("outcomes %+v", out)
			}
		}
		h.add(t, like(jo, mira, 7))
		h.wantUnread(t, jo, 0, "likes are switched off there too")
	})
}

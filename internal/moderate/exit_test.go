package moderate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/moderate"
	"exeunt/internal/who"
)

// one shows one class of the holder, so that what is filled for another does not stand in its way.
type one struct {
	*moderate.Holder
	class string
}

func (o one) Classes() []exit.Class {
	return slices.DeleteFunc(o.Holder.Classes(), func(c exit.Class) bool { return c.Name != o.class })
}

// sides are a class's table and its two columns that refer to accounts.
var sides = map[string][]string{
	"reports": {"reports", "account_id"}, "acts": {"acts", "about_id", "by_id"}, "appeals": {"appeals", "account_id", "decided_by"}, "sanctions": {"sanctions", "account_id"}, "claims": {"claims", "account_id", "owner_id", "decided_by"},
}

func TestHolder(t *testing.T) {
	for class := range sides {
		t.Run(class, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				f := &filler{d: d, holder: one{moderate.New(moderate.Config{DB: d}).Holder(), class}}
				exittest.Holder(t, f.open)
			})
		})
	}
}

// filler fills the tables by hand.
type filler struct {
	d      *db.DB
	holder one
	last   int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func (f *filler) open(t *testing.T) exittest.Fixture {
	table := sides[f.holder.class][0]
	var statements []string
	for _, verb := range []string{"delete", "update"} {
		drop := fmt.Sprintf(`drop trigger if exists skip_%s_%s`, table, verb)
		if f.d.Dialect == exitsql.PostgreSQL {
			drop = fmt.Sprintf(`drop function if exists skip_%s_%s cascade`, table, verb)
		}
		statements = append(statements, drop)
	}
	for _, s := range append(statements, `delete from `+table, `delete from accounts`) {
		if err := f.exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: f.holder, Update: f.d.Update, Fill: f.fill, Count: f.count,
		Sabotage: func(ctx context.Context, _ string) error {
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, table, "id")
		},
	}
}

// fill puts the account into rows of the class, on either side by turns; on the other stands nobody, or itself's opposite 9.
func (f *filler) fill(ctx context.Context, s exit.Subject, n int) error {
	id, _ := who.ParseID(s.ID)
	for _, a := range []int64{int64(id), 9} {
		if err := f.exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0) on conflict do nothing`, a, fmt.Sprint("a", a)); err != nil {
			return err
		}
	}
	for i := range n {
		f.last++
		a, b := int64(id), int64(9)
		if i%2 == 1 {
			a, b = b, a
		}
		var err error
		switch f.holder.class {
		case "reports":
			err = f.exec(ctx, `insert into reports (id, case_id, account_id, reason, words, created_at) values ($1, $1, $2, 'spam', 'words', 0)`, f.last, int64(id))
		case "acts":
			err = f.exec(ctx, `insert into acts (id, kind, ref_kind, ref_id, service, place_id, about_id, by_id, rule, words, detail, state, created_at)
				values ($1, 'remove', 'post', $1, '', 0, $2, $3, 'spam', 'words', '', 'active', 0)`, f.last, a, b)
		case "appeals":
			err = f.exec(ctx, `insert into appeals (id, act_id, account_id, decided_by, service, place_id, words, answer, state, created_at) values ($1, $1, $2, $3, '', 0, 'words', '', 'open', 0)`, f.last, a, b)
		case "claims":
			err = f.exec(ctx, `insert into claims (id, ref_kind, ref_id, owner_id, account_id, name, email, hash, work, statement, state, created_at, answer_by, touched_at, erase_at)
				values ($1, 'video', $1, $2, $3, '', '', '', 'work', 'words', 'open', 0, 0, 0, 0)`, f.last, a, b)
		case "sanctions":
			err = f.exec(ctx, `insert into sanctions (id, account_id, what, service, place_id, act_id, rule, created_at) values ($1, $2, 'mute', 'circle', $1, $1, 'spam', 0)`, f.last, int64(id))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) count(ctx context.Context, s exit.Subject, class string) (n int64, err error) {
	id, _ := who.ParseID(s.ID)
	where := strings.Join(sides[class][1:], " = $1 or ") + " = $1"
	return n, f.d.Reader.QueryRowContext(ctx, `select count(*) from `+sides[class][0]+` where `+where, int64(id)).Scan(&n)
}

// sink keeps what is exported.
type sink struct {
	exit.Sink
	records []string
}

func (s *sink) Record(v any) error {
	raw, err := json.Marshal(v)
	s.records = append(s.records, string(raw))
	return err
}
func (s *sink) Full() bool { return false }

// TestGone erases the reported, and asks that the reports of others on it go, and that the queue holds no case without a report.
func TestGone(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mod, mira, jo := h.member(t, "mod", 1), h.member(t, "mira", 0), h.member(t, "jo", 0)
		on, other := h.wrote(t, mira, 7, "one"), h.wrote(t, mod, 7, "two")
		h.must(t, h.order.Report(ctx, jo, on, "spam", "these are jo's words"), h.order.Report(ctx, jo, other, "abuse", ""))
		h.must(t, h.order.Lay(ctx, mod, tea, mira.Account, moderate.Order{What: moderate.Mute, Rule: "spam", Words: "mind the rules"}))
		h.must(t, h.order.Appeal(ctx, mira, h.lastAct(t, mod, tea).ID, "but why"))
		for class, want := range map[string]string{"reports": "these are jo's words", "acts": "mind the rules", "appeals": "but why", "sanctions": `"what":"mute"`} {
			owner := mira
			if class == "reports" {
				owner = jo
			}
			s := &sink{}
			p, err := h.order.Holder().Export(ctx, exit.Task{Subject: exit.Account(owner.Account.String()), Class: class}, s)
			all := strings.Join(s.records, "\n")
			if err != nil || !p.Done || !strings.Contains(all, want) || strings.Contains(all, mod.Account.String()) {
				t.Errorf("%s: %s, %+v, %v", class, all, p, err)
			}
		}
		erase := func(v who.Viewer, class string) {
			h.must(t, h.d.Update(ctx, func(ctx context.Context) error {
				_, err := h.order.Holder().Erase(ctx, exit.Task{Run: "r", Step: "s", Subject: exit.Account(v.Account.String()), Class: class})
				return err
			}))
		}
		erase(mira, "reports")
		if n := h.number(t, `select count(*) from reports`); n != 1 {
			t.Errorf("%d reports are left, want jo's on the other post", n)
		}
		erase(jo, "reports")
		if list, err := h.order.Queue(ctx, mod, tea, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("cases without reports wait: %+v, %v", list, err)
		}
	})
}

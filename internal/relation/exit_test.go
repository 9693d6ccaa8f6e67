package relation_test

import (
	"context"
	"fmt"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/relation"
	"exeunt/internal/who"
)

func TestHolder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := &filler{d: d, holder: relation.New(relation.Config{DB: d}).Holder()}
		exittest.Holder(t, f.open)
	})
}

// filler fills the table of follows by hand.
type filler struct {
	d      *db.DB
	holder *relation.Holder
	last   int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func (f *filler) open(t *testing.T) exittest.Fixture {
	for _, table := range []string{"follows", "accounts"} {
		if err := f.exec(t.Context(), `delete from `+table); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: f.holder, Update: f.d.Update, Fill: f.fill, Count: f.count,
		Sabotage: func(ctx context.Context, _ string) error {
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, "follows", "id")
		},
	}
}

// fill has the account follow and be followed, by turns, by accounts that it makes.
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
		if err := f.exec(ctx, `insert into follows (id, follower_id, followee_id, created_at) values ($1, $2, $3, 0)`, f.last, a, b); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) count(ctx context.Context, s exit.Subject, _ string) (n int64, err error) {
	id, _ := who.ParseID(s.ID)
	return n, f.d.Reader.QueryRowContext(ctx, `select count(*) from follows where follower_id = $1 or followee_id = $1`, int64(id)).Scan(&n)
}

package relation_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/relation"
	"exeunt/internal/who"
)

// only shows one class of the holder, so that what is filled for another does not stand in its way.
type only struct {
	*relation.Holder
	class string
}

func (o only) Classes() []exit.Class {
	return slices.DeleteFunc(o.Holder.Classes(), func(c exit.Class) bool { return c.Name != o.class })
}

func TestHolder(t *testing.T) {
	for class := range sides {
		t.Run(class, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				f := &filler{d: d, holder: only{relation.New(relation.Config{DB: d}).Holder(), class}}
				exittest.Holder(t, f.open)
			})
		})
	}
}

// filler fills the tables by hand.
type filler struct {
	d      *db.DB
	holder only
	last   int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func (f *filler) open(t *testing.T) exittest.Fixture {
	for _, table := range []string{f.holder.class, "accounts"} {
		if err := f.exec(t.Context(), `delete from `+table); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: f.holder, Update: f.d.Update, Fill: f.fill, Count: f.count,
		Sabotage: func(ctx context.Context, class string) error {
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, class, "id")
		},
	}
}

// sides are the two columns of a class that refer to accounts.
var sides = map[string][2]string{
	"follows": {"follower_id", "followee_id"}, "blocks": {"account_id", "blocked_id"}, "mutes": {"account_id", "muted_id"}, "quiets": {"account_id", "account_id"},
}

// fill puts the account on either side, by turns, of rows of every class with accounts that it makes.
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
		class, other := f.holder.class, ", "+sides[f.holder.class][1]+", created_at) values ($1, $2, $3, 0)"
		if class == "quiets" {
			a, b, other = int64(one), f.last, ", ref_id, ref_kind, created_at) values ($1, $2, $3, 'circle', 0)"
		}
		if err := f.exec(ctx, `insert into `+class+` (id, `+sides[class][0]+other, f.last, a, b); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) count(ctx context.Context, s exit.Subject, class string) (n int64, err error) {
	id, _ := who.ParseID(s.ID)
	return n, f.d.Reader.QueryRowContext(ctx, `select count(*) from `+class+` where `+sides[class][0]+` = $1 or `+sides[class][1]+` = $1`, int64(id)).Scan(&n)
}

package circle_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/who"
)

// only shows one class of the holder: in one circle a subject is the owner or a member, so one
// place cannot have items of both classes.
type only struct {
	*circle.Holder
	class string
}

func (o only) Classes() []exit.Class {
	return slices.DeleteFunc(o.Holder.Classes(), func(c exit.Class) bool { return c.Name != o.class })
}

func TestHolder(t *testing.T) {
	for _, class := range []string{"members", "circles", "invites", "offers", "notices", "farewells"} {
		t.Run(class, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				f := &filler{d: d, class: class, holder: circle.New(circle.Config{DB: d}).Holder()}
				f.prepare(t)
				exittest.Holder(t, f.open)
			})
		})
	}
}

// filler fills the circle room's tables by hand. Its third account owns what the others are only
// in, and is in what they own.
type filler struct {
	d      *db.DB
	class  string
	holder *circle.Holder
	last   int64
}

const third = 3

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func (f *filler) prepare(t *testing.T) {
	for id := 1; id <= third; id++ {
		if err := f.exec(t.Context(), `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0)`, id, fmt.Sprint("a", id)); err != nil {
			t.Fatal(err)
		}
	}
}

// open empties the tables.
func (f *filler) open(t *testing.T) exittest.Fixture {
	for _, table := range []string{"circle_farewells", "circle_invites", "circle_notices", "circle_offers", "circle_pauses", "circle_members", "circles"} {
		if err := f.exec(t.Context(), `delete from `+table); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: only{f.holder, f.class}, Update: f.d.Update, Parts: []string{"circle:9"}, Fill: f.fill, Count: f.count, Check: f.check,
		Sabotage: func(ctx context.Context, class string) error {
			table := map[string]string{"members": "circle_members", "circles": "circle_members", "invites": "circle_invites", "offers": "circle_offers", "notices": "circle_notices", "farewells": "circle_farewells"}[class]
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, table, map[bool]string{true: "circle_id", false: "id"}[class == "farewells"])
		},
	}
}

func (f *filler) next() int64 { f.last++; return f.last }

// fill makes n circles (in a place: that one) with one item of the class for the subject in each.
func (f *filler) fill(ctx context.Context, s exit.Subject, n int) error {
	account, _ := who.ParseID(s.ID)
	place, narrowed := who.ParseID(s.Place())
	for i := range n {
		id := f.next()
		if narrowed {
			if f.class != "invites" && f.class != "notices" && (i > 0 || f.class != "members" && account != 1) {
				return nil
			}
			id = int64(place)
		}
		if err := f.fillCircle(ctx, id, int64(account), i); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) fillCircle(ctx context.Context, id, account int64, i int) error {
	owner, member := int64(third), account
	if f.class == "circles" || f.class == "offers" && i%2 == 0 {
		owner, member = account, third
	}
	statements := []struct {
		query string
		args  []any
	}{
		{`insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at) values ($1, 'n', 'i', 'open', '', 'open', 0, 0, 0) on conflict do nothing`, []any{id}},
		{`insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, 'owner', 'active', 0) on conflict do nothing`, []any{f.next(), id, owner}},
		{
			`insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, $5, $4, 0) on conflict do nothing`,
			[]any{f.next(), id, member, []string{"active", "asked"}[i%2], []string{"member", "member", "co_owner", "member"}[i%4]},
		},
		{`update circles set members = (select count(*) from circle_members m where m.circle_id = circles.id and m.state = 'active') where id = $1`, []any{id}},
	}
	switch f.class {
	case "invites":
		statements = append(statements, struct {
			query string
			args  []any
		}{`insert into circle_invites (id, circle_id, account_id, hash, expires_at, uses, created_at) values ($1, $2, $3, $4, 0, 1, 0)`, []any{f.next(), id, account, fmt.Sprint("hash ", f.last)}})
	case "notices":
		statements = append(statements, struct {
			query string
			args  []any
		}{`insert into circle_notices (id, circle_id, author_id, text, created_at) values ($1, $2, $3, 'words', 0)`, []any{f.next(), id, account}})
	case "farewells": // every other one is shown already, and stays without its owner
		statements = append(statements, struct {
			query string
			args  []any
		}{`insert into circle_farewells (circle_id, account_id, words, link, until_at, created_at) values ($1, $2, 'bye', '', $3, 0)`, []any{id, account, []any{nil, 5}[i%2]}})
	case "offers":
		statements = append(statements, struct {
			query string
			args  []any
		}{`insert into circle_offers (id, circle_id, account_id, heir_id, run, created_at) values ($1, $2, $3, $4, '', 0) on conflict do nothing`, []any{f.next(), id, owner, member}})
	}
	for _, s := range statements {
		if err := f.exec(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// count counts by another way than the holder: rows of the account, whatever the room's words for them.
func (f *filler) count(ctx context.Context, s exit.Subject, class string) (n int64, err error) {
	account, _ := who.ParseID(s.ID)
	place, _ := who.ParseID(s.Place())
	query := map[string]string{
		"members":   `select count(*) from circle_members where account_id = $1 and role <> 'owner' and (circle_id = $2 or $2 = 0)`,
		"circles":   `select count(*) from circle_members where account_id = $1 and role = 'owner' and (circle_id = $2 or $2 = 0)`,
		"invites":   `select count(*) from circle_invites where account_id = $1 and (circle_id = $2 or $2 = 0)`,
		"notices":   `select count(*) from circle_notices where author_id = $1 and (circle_id = $2 or $2 = 0)`,
		"farewells": `select count(*) from circle_farewells where account_id = $1 and (circle_id = $2 or $2 = 0)`,
		"offers":    `select count(*) from circle_offers where (account_id = $1 or heir_id = $1) and (circle_id = $2 or $2 = 0)`,
	}[class]
	return n, f.d.Reader.QueryRowContext(ctx, query, int64(account), int64(place)).Scan(&n)
}

// check recounts members, and looks for circles that should have ended or gone.
func (f *filler) check(ctx context.Context) error {
	for what, query := range map[string]string{
		"circles with a wrong number of members":         `select count(*) from circles c where c.members <> (select count(*) from circle_members m where m.circle_id = c.id and m.state = 'active')`,
		"circles without an owner that have not ended":   `select count(*) from circles c where (c.state <> 'ended' or c.name <> '') and not exists (select 1 from circle_members m where m.circle_id = c.id and m.role = 'owner')`,
		"farewells that were not shown and are nobody's": `select count(*) from circle_farewells where account_id is null and until_at is null`,
		"circles that nobody is in":                      `select count(*) from circles c where not exists (select 1 from circle_members m where m.circle_id = c.id)`,
		"circles that ended although a co-owner is there": `select count(*) from circles c where c.state = 'ended' and exists (select 1 from circle_members m where m.circle_id = c.id
			and m.role = 'co_owner' and m.state = 'active')`,
		"circles that ended although they have an owner": `select count(*) from circles c where c.state = 'ended' and exists (select 1 from circle_members m where m.circle_id = c.id and m.role = 'owner')`,
	} {
		var n int64
		if err := f.d.Reader.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d %s", n, what)
		}
	}
	return nil
}

package account_test

import (
	"context"
	"fmt"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
)

// oneClass is the room as a holder of one of its classes: an account's row can go only when all
// that refers to it is gone, so the suite takes the classes one by one.
type oneClass struct {
	*account.Room
	class string
}

func (o oneClass) Classes() []exit.Class {
	for _, c := range o.Room.Classes() {
		if c.Name == o.class {
			return []exit.Class{c}
		}
	}
	return nil
}

// places are the rows of each class, counted without the holder's code.
var places = map[string][]string{
	"profile":  {"profiles where account_id", "profile_links where account_id"},
	"settings": {"settings where account_id"},
	"sessions": {"sessions where account_id"},
	"account":  {"accounts where id", "account_people where account_id", "account_people where as_id", "account_invites where account_id", "account_approvals where account_id"},
	"person": {
		"people where id", "recovery_codes where person_id", "one_time_links where person_id", "sessions where person_id",
		"account_people where person_id", "account_approvals where person_id",
	},
}

// sabotaged is the table of each class of which every tenth row is kept from being erased, and its key.
var sabotaged = map[string][2]string{
	"profile": {"profile_links", "id"}, "settings": {"settings", "account_id"}, "sessions": {"sessions", "id"},
	"account": {"accounts", "id"}, "person": {"people", "id"},
}

// filler fills tables by hand.
type filler struct {
	d    *db.DB
	next int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Exec(ctx, query, args...)
	return err
}

// both makes the rows of an account and of a person that all others refer to.
func (f *filler) both(ctx context.Context, account, person int64) error {
	name := fmt.Sprintf("n%d", account)
	if err := f.exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 1) on conflict do nothing`, account, name); err != nil {
		return err
	}
	if err := f.exec(ctx, `insert into people (id, password, password_at, created_at) values ($1, '', 1, 1) on conflict do nothing`, person); err != nil {
		return err
	}
	return f.exec(ctx, `insert into account_people (account_id, person_id, role, created_at) values ($1, $2, 'owner', 1) on conflict do nothing`, account, person)
}

// row fills one row of a class that can have many, of an account and a person.
func (f *filler) row(ctx context.Context, class string, account, person int64) error {
	f.next++
	n, text := f.next, fmt.Sprint(f.next)
	session := func() error {
		return f.exec(ctx, `insert into sessions (id, hash, person_id, account_id, agent, created_at, seen_at) values ($1, $2, $3, $4, '', 1, 1)`, n, text, person, account)
	}
	switch class {
	case "profile":
		return f.exec(ctx, `insert into profile_links (id, account_id, position, label, url) values ($1, $2, 0, 'label', 'https://example.org/')`, n, account)
	case "sessions":
		return session()
	case "account":
		if err := f.exec(ctx, `insert into account_approvals (id, account_id, person_id, plan, created_at) values ($1, $2, $3, $4, 1)`, n, account, person, text); err != nil {
			return err
		}
		if err := f.both(ctx, 1000+n, 1000+n); err != nil {
			return err
		}
		if err := f.exec(ctx, `update account_people set as_id = $1 where account_id = $2`, account, 1000+n); err != nil {
			return err
		}
		return f.exec(ctx, `insert into account_invites (id, account_id, hash, expires_at) values ($1, $2, $3, 1)`, n, account, text)
	case "person":
		if err := f.exec(ctx, `insert into recovery_codes (id, person_id, hash) values ($1, $2, $3)`, n, person, text); err != nil {
			return err
		}
		if err := f.exec(ctx, `insert into one_time_links (id, person_id, kind, hash, expires_at) values ($1, $2, 'reset', $3, 1)`, n, person, text); err != nil {
			return err
		}
		return session()
	}
	return nil
}

// fill gives a subject n rows more of a class.
func (f *filler) fill(ctx context.Context, class string, s exit.Subject, n int) error {
	var id int64
	if _, err := fmt.Sscan(s.ID, &id); err != nil {
		return err
	}
	return f.d.Update(ctx, func(ctx context.Context) error {
		account, person := id, id
		if class == "person" {
			account = id + 1 // a person's own rows refer to an account that stays
		} else {
			person = id + 1 // and an account's to a person who has another
			if err := f.both(ctx, id+2, person); err != nil {
				return err
			}
		}
		if err := f.both(ctx, account, person); err != nil {
			return err
		}
		if class == "profile" {
			if err := f.exec(ctx, `insert into profiles (account_id, display_name, bio, avatar, cover) values ($1, '', '', '', '') on conflict do nothing`, account); err != nil {
				return err
			}
		}
		if class == "settings" {
			return f.exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, '', '', '', 'only-me') on conflict do nothing`, account)
		}
		for range n {
			if err := f.row(ctx, class, account, person); err != nil {
				return err
			}
		}
		return nil
	})
}

// reset empties the database again and takes the sabotage back.
func (f *filler) reset(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	for _, s := range sabotaged {
		for _, verb := range []string{"delete", "update"} {
			name := "skip_" + s[0] + "_" + verb
			drop := `drop trigger if exists ` + name
			if f.d.Dialect == exitsql.PostgreSQL {
				drop += ` on ` + s[0] + `; drop function if exists ` + name
			}
			if _, err := f.d.Writer.ExecContext(ctx, drop); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, table := range []string{"sessions", "account_approvals", "account_invites", "account_people", "recovery_codes", "one_time_links", "profile_links", "profiles", "settings", "people", "accounts"} {
		if _, err := f.d.Writer.ExecContext(ctx, `delete from `+table); err != nil {
			t.Fatalf("empty %s: %v", table, err)
		}
	}
}

func TestHolder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		for class := range places {
			t.Run(class, func(t *testing.T) {
				exittest.Holder(t, func(t *testing.T) exittest.Fixture { return fixture(t, h, class) })
			})
		}
	})
}

func fixture(t *testing.T, h *house, class string) exittest.Fixture {
	t.Helper()
	f := &filler{d: h.d}
	f.reset(t)
	kind := exit.SubjectAccount
	if class == "person" {
		kind = exit.SubjectPerson
	}
	return exittest.Fixture{
		Holder: oneClass{h.Room, class},
		Update: h.d.Update,
		One:    exit.Subject{Kind: kind, ID: "10"},
		Other:  exit.Subject{Kind: kind, ID: "20"},
		Fill:   func(ctx context.Context, s exit.Subject, n int) error { return f.fill(ctx, class, s, n) },
		Count: func(ctx context.Context, s exit.Subject, class string) (sum int64, err error) {
			for _, place := range places[class] {
				var n, id int64
				if _, err := fmt.Sscan(s.ID, &id); err != nil {
					return 0, err
				}
				if err := h.d.Q(ctx).QueryRowContext(ctx, `select count(*) from `+place+` = $1`, id).Scan(&n); err != nil {
					return 0, err
				}
				sum += n
			}
			return sum, nil
		},
		Sabotage: func(ctx context.Context, class string) error {
			s := sabotaged[class]
			return exittest.SkipEveryTenth(ctx, h.d.Writer, h.d.Dialect, s[0], s[1])
		},
	}
}

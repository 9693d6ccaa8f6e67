package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of people and accounts. Methods that write for an account ask for a pass;
// those that write for a person alone do not, for a person is no account.
type store struct{ db *db.DB }

// addPerson stores a new person with the hashes of their recovery codes.
func (s store) addPerson(ctx context.Context, person who.ID, password string, operator bool, codes []string, at time.Time) error {
	if _, err := s.db.Exec(ctx, `insert into people (id, password, password_at, operator, created_at) values ($1, $2, $3, $4, $3)`,
		int64(person), password, db.Ms(at), flag(operator)); err != nil {
		return fmt.Errorf("store person: %w", err)
	}
	return s.addCodes(ctx, person, codes)
}

// addSetting stores an install-wide value unless there is one.
func (s store) addSetting(ctx context.Context, name, value string) error {
	if _, err := s.db.Exec(ctx, `insert into install (name, value) values ($1, $2) on conflict (name) do nothing`, name, value); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
}

// errTaken says that a name, or one that looks like it, is in use.
var errTaken = errors.New("the name is taken")

// addAccount stores the row of a new account. The fence has no row of it yet to ask for a pass:
// [service.Desk.NewAccount] makes one right after.
func (s store) addAccount(ctx context.Context, account who.ID, name string, kind Kind, at time.Time) error {
	n, err := s.db.Exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
		int64(account), name, NameKey(name), string(kind), string(who.Active), db.Ms(at))
	if err != nil {
		return fmt.Errorf("store account: %w", err)
	}
	if n == 0 {
		return errTaken
	}
	return nil
}

// furnish stores a new account's empty profile and settings.
func (s store) furnish(ctx context.Context, p service.Pass, account who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into profiles (account_id, display_name, bio, avatar, cover) values ($1, '', '', '', '')`, int64(account)); err != nil {
		return fmt.Errorf("store profile: %w", err)
	}
	if _, err := s.db.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, '', '', '', $2)`, int64(account), string(relation.ByMe)); err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	return nil
}

// join joins a person to an account; a person who is in it stays as they are. As is the account
// by which the others of an organisation know them, 0 for a personal account's own.
func (s store) join(ctx context.Context, p service.Pass, account, person, as who.ID, role string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into account_people (account_id, person_id, role, as_id, created_at) values ($1, $2, $3, $4, $5) on conflict do nothing`,
		int64(account), int64(person), role, nullID(as), db.Ms(p.At)); err != nil {
		return fmt.Errorf("join person to account: %w", err)
	}
	return nil
}

// part takes a person out of an account.
func (s store) part(ctx context.Context, p service.Pass, account, person who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from account_people where account_id = $1 and person_id = $2`, int64(account), int64(person)); err != nil {
		return fmt.Errorf("take person out of account: %w", err)
	}
	return nil
}

// hasOperator reports whether any person is an operator.
func (s store) hasOperator(ctx context.Context) (yes bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from (select 1 from people where operator = 1 limit 1) p`).Scan(&n); err != nil {
		return false, fmt.Errorf("look for an operator: %w", err)
	}
	return n > 0, nil
}

// holder gives until when a name is held and by which run; ok is false if it is free.
func (s store) held(ctx context.Context, hash string, now time.Time) (run string, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select run from held_names where hash = $1 and until > $2`, hash, db.Ms(now)).Scan(&run)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look for held name: %w", err)
	}
	return run, true, nil
}

// unhold gives a held name free; run narrows it to the run that holds it.
func (s store) unhold(ctx context.Context, hash, run string) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from held_names where hash = $1 and run = $2`, hash, run)
	if err != nil {
		return 0, fmt.Errorf("free held name: %w", err)
	}
	return n, nil
}

// hold keeps a name from being taken.
func (s store) hold(ctx context.Context, hash, run string, until time.Time) error {
	if _, err := s.db.Exec(ctx, `insert into held_names (hash, until, run) values ($1, $2, $3)
		on conflict (hash) do update set until = excluded.until, run = excluded.run`, hash, db.Ms(until), run); err != nil {
		return fmt.Errorf("hold name: %w", err)
	}
	return nil
}

// secretOf is a person with the stored form of their password.
type secretOf struct {
	person   who.ID
	account  who.ID
	password string
}

// byName gives the account of a name's key and the people who may sign in by it, the eldest
// first: none if there is no such account, more than one only for an organisation.
func (s store) byName(ctx context.Context, key string) ([]secretOf, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select p.id, a.id, p.password from accounts a join account_people j on j.account_id = a.id
		join people p on p.id = j.person_id where a.name_key = $1 order by j.created_at, p.id limit $2`, key, mostAdministrators)
	if err != nil {
		return nil, fmt.Errorf("find people by name: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (secretOf, error) {
		var x secretOf
		err := r.Scan((*int64)(&x.person), (*int64)(&x.account), &x.password)
		return x, err
	})
}

// password gives the stored form of a person's password.
func (s store) password(ctx context.Context, person who.ID) (string, error) {
	var p string
	err := s.db.Q(ctx).QueryRowContext(ctx, `select password from people where id = $1`, int64(person)).Scan(&p)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNoAccount()
	}
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return p, nil
}

func (s store) setPassword(ctx context.Context, person who.ID, hash string, at time.Time) error {
	n, err := s.db.Exec(ctx, `update people set password = $1, password_at = $2 where id = $3`, hash, db.Ms(at), int64(person))
	if err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	if n == 0 {
		return errNoAccount()
	}
	return nil
}

const accountColumns = `a.id, a.name, a.kind, a.state, a.created_at, coalesce(f.display_name, ''), coalesce(f.avatar, '')`

func scanAccount(r db.Row, more ...any) (Account, error) {
	var a Account
	var created int64
	to := append([]any{(*int64)(&a.ID), &a.Name, (*string)(&a.Kind), (*string)(&a.State), &created, &a.Display, &a.Avatar}, more...)
	err := r.Scan(to...)
	a.Created = db.Time(created)
	return a, err
}

// account gives an account by its id; NotFound if there is none.
func (s store) account(ctx context.Context, id who.ID) (Account, error) {
	a, err := scanAccount(s.db.Q(ctx).QueryRowContext(ctx, `select `+accountColumns+` from accounts a left join profiles f on f.account_id = a.id where a.id = $1`, int64(id)))
	return a, accountErr(err)
}

// named gives an account by the key of its name; NotFound if there is none.
func (s store) named(ctx context.Context, key string) (Account, error) {
	a, err := scanAccount(s.db.Q(ctx).QueryRowContext(ctx, `select `+accountColumns+` from accounts a left join profiles f on f.account_id = a.id where a.name_key = $1`, key))
	return a, accountErr(err)
}

func accountErr(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errNoAccount()
	}
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	return nil
}

// accountsOf gives a person's accounts, the eldest first. They are bounded: see mostAccounts.
func (s store) accountsOf(ctx context.Context, person who.ID) ([]Account, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+accountColumns+`, j.role from account_people j join accounts a on a.id = j.account_id
		left join profiles f on f.account_id = a.id where j.person_id = $1 order by j.created_at, a.id limit $2`, int64(person), 2*mostAccounts)
	if err != nil {
		return nil, fmt.Errorf("read a person's accounts: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (Account, error) {
		var role string
		a, err := scanAccount(r, &role)
		a.Role = role
		return a, err
	})
}

// peopleOf gives the people of an account, the eldest first. They are bounded: see mostAdministrators.
func (s store) peopleOf(ctx context.Context, account who.ID) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select person_id from account_people where account_id = $1 order by created_at, person_id limit $2`,
		int64(account), 2*mostAdministrators)
	if err != nil {
		return nil, fmt.Errorf("read an account's people: %w", err)
	}
	return db.Scan(rows, scanID)
}

func scanID(r db.Row) (who.ID, error) {
	var id int64
	err := r.Scan(&id)
	return who.ID(id), err
}

// role gives a person's role in an account, "" if they have none.
func (s store) role(ctx context.Context, account, person who.ID) (string, error) {
	var role string
	err := s.db.Q(ctx).QueryRowContext(ctx, `select role from account_people where account_id = $1 and person_id = $2`, int64(account), int64(person)).Scan(&role)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read role: %w", err)
	}
	return role, nil
}

func nullID(id who.ID) sql.NullInt64 { return sql.NullInt64{Int64: int64(id), Valid: id != 0} }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func (s store) addInvite(ctx context.Context, p service.Pass, account who.ID, hash string, expires time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into account_invites (id, account_id, hash, expires_at) values ($1, $2, $3, $4)`,
		int64(s.db.IDs.Next()), int64(account), hash, db.Ms(expires)); err != nil {
		return fmt.Errorf("store invitation: %w", err)
	}
	return nil
}

// invite gives the account that an invitation leads to; ok is false if it cannot be used.
func (s store) invite(ctx context.Context, hash string, machine time.Time) (account who.ID, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select account_id from account_invites where hash = $1 and expires_at > $2`, hash, db.Ms(machine)).Scan((*int64)(&account))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read invitation: %w", err)
	}
	return account, true, nil
}

// useInvite uses an invitation up; ok is false if somebody did before.
func (s store) useInvite(ctx context.Context, p service.Pass, hash string) (ok bool, err error) {
	if !p.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `delete from account_invites where hash = $1`, hash)
	if err != nil {
		return false, fmt.Errorf("use invitation: %w", err)
	}
	return n == 1, nil
}

// sweepInvites removes up to limit invitations that have expired.
func (s store) sweepInvites(ctx context.Context, machine time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from account_invites where id in (select id from account_invites where expires_at <= $1 limit $2)`, db.Ms(machine), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep invitations: %w", err)
	}
	return n, nil
}

// lockPeople keeps two changes to who runs an account from happening at the same time.
func (s store) lockPeople(ctx context.Context, account who.ID) error {
	var id int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select id from accounts where id = $1`+s.db.ForUpdate(), int64(account)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoAccount()
	}
	if err != nil {
		return fmt.Errorf("lock account: %w", err)
	}
	return nil
}

// administrators gives the people of an account with the name of the account that each is known by.
func (s store) administrators(ctx context.Context, account who.ID) ([]Administrator, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select j.person_id, coalesce(a.name, '') from account_people j left join accounts a on a.id = j.as_id
		where j.account_id = $1 order by j.created_at, j.person_id limit $2`, int64(account), 2*mostAdministrators)
	if err != nil {
		return nil, fmt.Errorf("read administrators: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (Administrator, error) {
		var a Administrator
		err := r.Scan((*int64)(&a.Person), &a.Name)
		return a, err
	})
}

// moveSessions has a person's sessions of one account use another.
func (s store) moveSessions(ctx context.Context, p service.Pass, person, from, to who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update sessions set account_id = $1 where person_id = $2 and account_id = $3`, int64(to), int64(person), int64(from)); err != nil {
		return fmt.Errorf("move sessions: %w", err)
	}
	return nil
}

func (s store) approve(ctx context.Context, p service.Pass, account, person who.ID, plan string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into account_approvals (id, account_id, person_id, plan, created_at) values ($1, $2, $3, $4, $5)
		on conflict (account_id, person_id, plan) do nothing`, int64(s.db.IDs.Next()), int64(account), int64(person), plan, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store approval: %w", err)
	}
	return nil
}

func (s store) approved(ctx context.Context, account who.ID, plan string) (n int, oldest time.Time, err error) {
	var at sql.NullInt64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*), min(v.created_at) from account_approvals v
		join account_people j on j.account_id = v.account_id and j.person_id = v.person_id
		where v.account_id = $1 and v.plan = $2`, int64(account), plan).Scan(&n, &at)
	if err != nil {
		return 0, oldest, fmt.Errorf("read approvals: %w", err)
	}
	if at.Valid {
		oldest = db.Time(at.Int64)
	}
	return n, oldest, nil
}

// others counts a person's accounts other than one: those that stay, and those that are being
// closed and can still be returned to.
func (s store) others(ctx context.Context, person, but who.ID) (stay, closing int64, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(sum(case when a.state in ($3, $4) then 0 else 1 end), 0), coalesce(sum(case when a.state in ($3, $4) then 1 else 0 end), 0)
		from account_people j join accounts a on a.id = j.account_id where j.person_id = $1 and a.id <> $2`,
		int64(person), int64(but), string(who.Closing), string(who.Closed)).Scan(&stay, &closing)
	if err != nil {
		return 0, 0, fmt.Errorf("count a person's other accounts: %w", err)
	}
	return stay, closing, nil
}

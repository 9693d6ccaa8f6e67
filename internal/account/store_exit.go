package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// nameKey gives the key of an account's name; ok is false if the account is gone.
func (s store) nameKey(ctx context.Context, account who.ID) (key string, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select name_key from accounts where id = $1`, int64(account)).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read name: %w", err)
	}
	return key, true, nil
}

// orphansOf gives the people of an account who have no other.
func (s store) orphansOf(ctx context.Context, account who.ID) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select j.person_id from account_people j where j.account_id = $1
		and not exists (select 1 from account_people o where o.person_id = j.person_id and o.account_id <> j.account_id)
		order by j.person_id limit $2`, int64(account), 2*mostAdministrators)
	if err != nil {
		return nil, fmt.Errorf("find people without another account: %w", err)
	}
	return db.Scan(rows, scanID)
}

// setState stores an account's state. It is called by the engine's transaction, which holds the
// account's state row exclusively, not by a person's write: so it asks for no pass.
func (s store) setState(ctx context.Context, account who.ID, state who.State) error {
	if _, err := s.db.Exec(ctx, `update accounts set state = $1 where id = $2`, string(state), int64(account)); err != nil {
		return fmt.Errorf("store state: %w", err)
	}
	return nil
}

// endSessionsOf ends the sessions that use an account, all but one (0: all). Like setState it
// belongs to the engine's transaction.
func (s store) endSessionsOf(ctx context.Context, account, keep who.ID) error {
	if _, err := s.db.Exec(ctx, `delete from sessions where account_id = $1 and id <> $2`, int64(account), int64(keep)); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// exists reports whether an account is there, whatever its state.
func (s store) exists(ctx context.Context, account who.ID) (there bool, err error) {
	_, there, err = s.nameKey(ctx, account)
	return there, err
}

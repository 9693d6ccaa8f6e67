package account

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

const keyColumns = `id, person_id, credential, public_key, flags, sign_count, transports, name, created_at, coalesce(used_at, 0)`

func scanKey(r db.Row) (keyRow, error) {
	var k keyRow
	var credential string
	var flags, count, created, used int64
	if err := r.Scan((*int64)(&k.ID), (*int64)(&k.person), &credential, &k.public, &flags, &count, &k.transports, &k.Name, &created, &used); err != nil {
		return k, err
	}
	k.flags, k.count, k.Created = byte(flags), uint32(count), db.Time(created)
	if used != 0 {
		k.Used = db.Time(used)
	}
	var err error
	if k.credential, err = base64.RawURLEncoding.DecodeString(credential); err != nil {
		return k, fmt.Errorf("read passkey: %w", err)
	}
	return k, nil
}

// passkeys gives a person's passkeys, the eldest first. They are bounded: see mostPasskeys.
func (s store) passkeys(ctx context.Context, person who.ID) ([]keyRow, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+keyColumns+` from passkeys where person_id = $1 order by id limit $2`, int64(person), 2*mostPasskeys)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	return db.Scan(rows, scanKey)
}

// passkey gives a passkey by the id that its authenticator gave it; ok is false if there is none.
func (s store) passkey(ctx context.Context, credential []byte) (k keyRow, ok bool, err error) {
	k, err = scanKey(s.db.Q(ctx).QueryRowContext(ctx, `select `+keyColumns+` from passkeys where credential = $1`, base64.RawURLEncoding.EncodeToString(credential)))
	if errors.Is(err, sql.ErrNoRows) {
		return k, false, nil
	}
	if err != nil {
		return k, false, fmt.Errorf("read passkey: %w", err)
	}
	return k, true, nil
}

// addPasskey stores a passkey; one that is known already is refused.
func (s store) addPasskey(ctx context.Context, k keyRow, at time.Time) error {
	n, err := s.db.Exec(ctx, `insert into passkeys (id, person_id, credential, public_key, flags, sign_count, transports, name, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`, int64(s.db.IDs.Next()), int64(k.person), base64.RawURLEncoding.EncodeToString(k.credential), k.public,
		int64(k.flags), int64(k.count), k.transports, k.Name, db.Ms(at))
	if err != nil {
		return fmt.Errorf("store passkey: %w", err)
	}
	if n == 0 {
		return errPasskey()
	}
	return nil
}

// usePasskey stores a passkey's counter and flags after a right answer; ok is false if it is gone or has a counter that is later.
func (s store) usePasskey(ctx context.Context, k keyRow, machine time.Time) (ok bool, err error) {
	n, err := s.db.Exec(ctx, `update passkeys set sign_count = $1, flags = $2, used_at = $3 where id = $4 and (sign_count < $1 or sign_count = 0 and $1 = 0)`,
		int64(k.count), int64(k.flags), db.Ms(machine), int64(k.ID))
	if err != nil {
		return false, fmt.Errorf("use passkey: %w", err)
	}
	return n == 1, nil
}

func (s store) removePasskey(ctx context.Context, person, id who.ID) error {
	if _, err := s.db.Exec(ctx, `delete from passkeys where person_id = $1 and id = $2`, int64(person), int64(id)); err != nil {
		return fmt.Errorf("remove passkey: %w", err)
	}
	return nil
}

// lockPerson keeps two changes to how a person signs in from happening at the same time, and gives the stored form of their password.
func (s store) lockPerson(ctx context.Context, person who.ID) (password string, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select password from people where id = $1`+s.db.ForUpdate(), int64(person)).Scan(&password)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNoAccount()
	}
	if err != nil {
		return "", fmt.Errorf("lock person: %w", err)
	}
	return password, nil
}

// spend notes that something with this hash was used; ok is false if it was before. What expires can be swept.
func (s store) spend(ctx context.Context, hash string, expires time.Time) (ok bool, err error) {
	n, err := s.db.Exec(ctx, `insert into spent (hash, expires_at) values ($1, $2) on conflict (hash) do nothing`, hash, db.Ms(expires))
	if err != nil {
		return false, fmt.Errorf("use challenge: %w", err)
	}
	return n == 1, nil
}

// sweepSpent removes up to limit hashes of what nobody would take any more.
func (s store) sweepSpent(ctx context.Context, machine time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from spent where hash in (select hash from spent where expires_at <= $1 limit $2)`, db.Ms(machine), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep challenges: %w", err)
	}
	return n, nil
}

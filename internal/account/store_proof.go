package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// addCodes stores the hashes of a person's recovery codes; codes are given in the clear.
func (s store) addCodes(ctx context.Context, person who.ID, codes []string) error {
	for _, c := range codes {
		if _, err := s.db.Exec(ctx, `insert into recovery_codes (id, person_id, hash) values ($1, $2, $3)`, int64(s.db.IDs.Next()), int64(person), hashCode(c)); err != nil {
			return fmt.Errorf("store recovery code: %w", err)
		}
	}
	return nil
}

// replaceCodes puts new recovery codes in the place of all that a person has.
func (s store) replaceCodes(ctx context.Context, person who.ID, codes []string) error {
	if _, err := s.db.Exec(ctx, `delete from recovery_codes where person_id = $1`, int64(person)); err != nil {
		return fmt.Errorf("remove recovery codes: %w", err)
	}
	return s.addCodes(ctx, person, codes)
}

// useCode uses a recovery code up; ok is false if the person has no such code left.
func (s store) useCode(ctx context.Context, person who.ID, hash string, machine time.Time) (ok bool, err error) {
	n, err := s.db.Exec(ctx, `update recovery_codes set used_at = $1 where person_id = $2 and hash = $3 and used_at is null`, db.Ms(machine), int64(person), hash)
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	return n == 1, nil
}

// codesLeft counts the recovery codes that a person has not used.
func (s store) codesLeft(ctx context.Context, person who.ID) (n int, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from recovery_codes where person_id = $1 and used_at is null`, int64(person)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return n, nil
}

// The kinds of one-time links.
const (
	linkOperator = "operator" // makes the operator's account
	linkReset    = "reset"    // sets a new password
)

func (s store) addLink(ctx context.Context, kind string, person who.ID, hash string, expires time.Time) error {
	if _, err := s.db.Exec(ctx, `insert into one_time_links (id, person_id, kind, hash, expires_at) values ($1, $2, $3, $4, $5)`,
		int64(s.db.IDs.Next()), nullID(person), kind, hash, db.Ms(expires)); err != nil {
		return fmt.Errorf("store one-time link: %w", err)
	}
	return nil
}

// link gives the person of a link that can still be used; ok is false if it cannot.
func (s store) link(ctx context.Context, kind, hash string, machine time.Time) (person who.ID, ok bool, err error) {
	var id sql.NullInt64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select person_id from one_time_links where kind = $1 and hash = $2 and used_at is null and expires_at > $3`,
		kind, hash, db.Ms(machine)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read one-time link: %w", err)
	}
	return who.ID(id.Int64), true, nil
}

// useLink uses a link up; ok is false if somebody did before.
func (s store) useLink(ctx context.Context, kind, hash string, machine time.Time) (ok bool, err error) {
	n, err := s.db.Exec(ctx, `update one_time_links set used_at = $1 where kind = $2 and hash = $3 and used_at is null and expires_at > $1`, db.Ms(machine), kind, hash)
	if err != nil {
		return false, fmt.Errorf("use one-time link: %w", err)
	}
	return n == 1, nil
}

// dropLinks takes back the unused links of a kind; person 0 means those of nobody.
func (s store) dropLinks(ctx context.Context, kind string, person who.ID) error {
	if _, err := s.db.Exec(ctx, `delete from one_time_links where kind = $1 and coalesce(person_id, 0) = $2`, kind, int64(person)); err != nil {
		return fmt.Errorf("take one-time links back: %w", err)
	}
	return nil
}

// sweepLinks removes up to limit links that have expired.
func (s store) sweepLinks(ctx context.Context, machine time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from one_time_links where id in (select id from one_time_links where expires_at <= $1 limit $2)`, db.Ms(machine), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep one-time links: %w", err)
	}
	return n, nil
}

// bucket is the time into which attempts are counted together.
const bucket = time.Minute

// attempt counts one attempt and gives the number within the window, itself included, and when
// the oldest of them was, to the minute. Attempts of one key in the same minute wait for one another.
func (s store) attempt(ctx context.Context, key string, machine time.Time, window time.Duration) (n int64, oldest time.Time, err error) {
	if _, err := s.db.Exec(ctx, `insert into attempts (key, at, n) values ($1, $2, 1) on conflict (key, at) do update set n = attempts.n + 1`,
		key, db.Ms(machine.Truncate(bucket))); err != nil {
		return 0, oldest, fmt.Errorf("count attempt: %w", err)
	}
	var at int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select cast(sum(n) as bigint), min(at) from attempts where key = $1 and at > $2`, key, db.Ms(machine.Add(-window))).Scan(&n, &at); err != nil {
		return 0, oldest, fmt.Errorf("read attempts: %w", err)
	}
	return n, db.Time(at), nil
}

// forgive forgets the attempts of a key: the person has proved themselves.
func (s store) forgive(ctx context.Context, key string) error {
	if _, err := s.db.Exec(ctx, `delete from attempts where key = $1`, key); err != nil {
		return fmt.Errorf("forget attempts: %w", err)
	}
	return nil
}

// sweepAttempts removes up to limit counts from before an instant.
func (s store) sweepAttempts(ctx context.Context, before time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from attempts where (key, at) in (select key, at from attempts where at < $1 limit $2)`, db.Ms(before), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep attempts: %w", err)
	}
	return n, nil
}

// sweepNames removes up to limit names whose time has passed.
func (s store) sweepNames(ctx context.Context, now time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from held_names where hash in (select hash from held_names where until <= $1 limit $2)`, db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep held names: %w", err)
	}
	return n, nil
}

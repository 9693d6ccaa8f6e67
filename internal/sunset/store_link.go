package sunset

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

// link is an address by which one archive can be fetched by whoever got it in an e-mail.
type link struct {
	id, account, export who.ID
	run                 string
	scope               string    // what ends
	ends                time.Time // promise time
	fetchUntil          time.Time // machine time; zero while it is unused
}

// linkable gives the archive that a run has made without being asked for, and that an account can fetch; ok is false if there is none.
func (s store) linkable(ctx context.Context, account who.ID, run string) (l link, ok bool, err error) {
	var source string
	err = s.db.Q(ctx).QueryRowContext(ctx, `select x.id, x.account_id, s.source from sunset_exports x join sunsets s on s.id = x.sunset_id
		where x.run = $1 and x.account_id = $2 and x.state = 'packed'`, run, int64(account)).Scan((*int64)(&l.export), (*int64)(&l.account), &source)
	if errors.Is(err, sql.ErrNoRows) {
		return l, false, nil
	}
	if err != nil {
		return l, false, fmt.Errorf("read archive: %w", err)
	}
	l.ends, err = lateOf(source)
	return l, true, err
}

// addLink stores a link by the hash of its secret. Those of the archive that were sent before and not used work no longer.
func (s store) addLink(ctx context.Context, _ service.Pass, l link, hash string, now time.Time) error {
	if _, err := s.db.Exec(ctx, `delete from archive_links where export_id = $1 and used_at is null`, int64(l.export)); err != nil {
		return fmt.Errorf("end older links: %w", err)
	}
	if _, err := s.db.Exec(ctx, `insert into archive_links (id, account_id, export_id, hash, made_at, ends_at) values ($1, $2, $3, $4, $5, $6)`,
		int64(l.id), int64(l.account), int64(l.export), hash, db.Ms(now), db.Ms(l.ends)); err != nil {
		return fmt.Errorf("store link: %w", err)
	}
	return nil
}

// readLink gives a link that is good at an instant, by the hash of its own secret or of the one for which it was used up; ok is false if there is none.
func (s store) readLink(ctx context.Context, column, hash string, now time.Time) (l link, ok bool, err error) {
	var ends int64
	var fetch sql.NullInt64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select k.id, k.account_id, k.export_id, x.run, s.scope, k.ends_at, k.pass_until from archive_links k
		join sunset_exports x on x.id = k.export_id join sunsets s on s.id = x.sunset_id
		where k.`+column+` = $1 and k.ends_at > $2 and x.state = 'packed'`, hash, db.Ms(now)).
		Scan((*int64)(&l.id), (*int64)(&l.account), (*int64)(&l.export), &l.run, &l.scope, &ends, &fetch)
	if errors.Is(err, sql.ErrNoRows) {
		return l, false, nil
	}
	if err != nil {
		return l, false, fmt.Errorf("read link: %w", err)
	}
	if l.ends = db.Time(ends); fetch.Valid {
		l.fetchUntil = db.Time(fetch.Int64)
	}
	return l, true, nil
}

// useLink uses a link up for another secret; done is false if somebody was faster.
func (s store) useLink(ctx context.Context, pass service.Pass, l link, fetch string, until time.Time) (done bool, err error) {
	n, err := s.db.Exec(ctx, `update archive_links set used_at = $2, pass = $3, pass_until = $4 where id = $1 and used_at is null`, int64(l.id), db.Ms(pass.At), fetch, db.Ms(until))
	if err != nil {
		return false, fmt.Errorf("use link up: %w", err)
	}
	return n == 1, nil
}

// keepLinks has the links to an archive work until an instant, where theirs is earlier.
func (s store) keepLinks(ctx context.Context, export who.ID, until time.Time) error {
	if _, err := s.db.Exec(ctx, `update archive_links set ends_at = $2 where export_id = $1 and ends_at < $2`, int64(export), db.Ms(until)); err != nil {
		return fmt.Errorf("keep links longer: %w", err)
	}
	return nil
}

// sweepLinks forgets links that are over.
func (s store) sweepLinks(ctx context.Context, now time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from archive_links where id in (select id from archive_links where ends_at <= $1 order by ends_at limit $2)`, db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("forget links: %w", err)
	}
	return n, nil
}

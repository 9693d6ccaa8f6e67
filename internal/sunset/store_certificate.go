package sunset

import (
	"context"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/who"
	"exeunt/ledger"
)

// certifiedVersions gives every calendar of a sunset as a certificate lists it.
func (s store) certifiedVersions(ctx context.Context, sunset who.ID) ([]ledger.SunsetVersion, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select version, published_at, source, reason from sunset_versions where sunset_id = $1 order by version limit $2`, int64(sunset), ledger.MaxVersions)
	if err != nil {
		return nil, fmt.Errorf("read versions of sunset: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (v ledger.SunsetVersion, err error) {
		var at int64
		var source, reason string
		err = r.Scan(&v.Version, &at, &source, &reason)
		v.Published, v.File, v.Reason = db.Time(at), ledger.FileHash([]byte(source)), oneLine(reason)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("read versions of sunset: %w", err)
	}
	return out, nil
}

// certifiedPhases gives all phases that any version had.
func (s store) certifiedPhases(ctx context.Context, sunset who.ID) ([]ledger.SunsetPhase, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select word, first_at, due_at, coalesce(done_at, 0) from sunset_phases where sunset_id = $1`, int64(sunset))
	if err != nil {
		return nil, fmt.Errorf("read phases of sunset: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (p ledger.SunsetPhase, err error) {
		var first, due, done int64
		err = r.Scan(&p.Word, &first, &due, &done)
		p.First, p.Last, p.Real = db.Time(first), db.Time(due), db.Time(done)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read phases of sunset: %w", err)
	}
	return out, nil
}

// certifiedArchives counts the archives that nobody had to ask for.
func (s store) certifiedArchives(ctx context.Context, sunset who.ID) (a ledger.SunsetArchives, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select archives, fetched, skipped, bytes from sunsets where id = $1`, int64(sunset)).Scan(&a.Made, &a.Fetched, &a.Skipped, &a.Bytes); err != nil {
		return a, fmt.Errorf("count archives: %w", err)
	}
	a.Unfetched = a.Made - a.Fetched
	return a, nil
}

// keptUntil gives when the last of the archives that are still there is erased; the zero of Unix time where there is none.
func (s store) keptUntil(ctx context.Context, sunset who.ID) (time.Time, error) {
	var ms int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(max(s.due), 0) from sunset_exports x join exit_steps s on s.run = x.run
		where x.sunset_id = $1 and x.run <> '' and s.act = 'erase' and s.state = 'waiting'`, int64(sunset)).Scan(&ms)
	if err != nil {
		return time.Time{}, fmt.Errorf("look at archives: %w", err)
	}
	return db.Time(ms), nil
}

// over dates the end of the sunset of a run, unless it is under way.
func (s store) over(ctx context.Context, run string, at time.Time) error {
	if _, err := s.db.Exec(ctx, `update sunsets set ended_at = $2 where run = $1 and state <> 'open'`, run, db.Ms(at)); err != nil {
		return fmt.Errorf("date the end of sunset: %w", err)
	}
	return nil
}

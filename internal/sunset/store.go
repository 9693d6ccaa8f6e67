package sunset

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

type store struct {
	db   *db.DB
	read *calendars
}

// calendars keeps those that were read last: each answer about what has stopped needs one.
type calendars struct {
	mu   sync.Mutex
	list map[who.ID]*exit.SunsetCalendar // the newest version that was read
}

// mostKept bounds them.
const mostKept = 100

// parse reads the calendar of a sunset. What is kept is never changed.
func (k *calendars) parse(id who.ID, source string) (*exit.SunsetCalendar, error) {
	k.mu.Lock()
	cal := k.list[id]
	k.mu.Unlock()
	if cal != nil && string(cal.Source()) == source { // a version may be taken back with its transaction
		return cal, nil
	}
	cal, err := exit.ParseSunset([]byte(source))
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.list == nil || len(k.list) >= mostKept {
		k.list = map[who.ID]*exit.SunsetCalendar{}
	}
	k.list[id] = cal
	return cal, nil
}

const sunsetColumns = `id, name, scope, run, version, source, picture, state, published_at, coalesce(ended_at, 0)`

func (s store) scan(r db.Row) (Sunset, error) {
	var x Sunset
	var source string
	var published, ended int64
	err := r.Scan((*int64)(&x.ID), &x.Name, &x.Scope, &x.Run, &x.Version, &source, &x.Picture, &x.State, &published, &ended)
	if err != nil {
		return x, err
	}
	if x.Published = db.Time(published); ended != 0 {
		x.Ended = db.Time(ended)
	}
	x.Calendar, err = s.read.parse(x.ID, source)
	return x, err
}

func (s store) list(ctx context.Context, where string, args ...any) ([]Sunset, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+sunsetColumns+` from sunsets where `+where+` order by id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read sunsets: %w", err)
	}
	out, err := db.Scan(rows, s.scan)
	if err != nil {
		return nil, fmt.Errorf("read sunsets: %w", err)
	}
	return out, nil
}

// known gives what a calendar must agree with: what is ending, what has its name already, and for the end of the install what has ended before.
func (s store) known(ctx context.Context, cal *exit.SunsetCalendar) ([]Sunset, error) {
	where := `state = 'open' or name = $1`
	if cal.Ends.Kind == exit.SubjectInstall {
		where += ` or state = 'ended'`
	}
	return s.list(ctx, where, cal.Name)
}

func (s store) one(ctx context.Context, where string, args ...any) (Sunset, error) {
	list, err := s.list(ctx, where, args...)
	if err == nil && len(list) == 0 {
		err = exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return Sunset{}, err
	}
	return list[0], nil
}

func (s store) byName(ctx context.Context, name string) (Sunset, error) {
	return s.one(ctx, `name = $1`, name)
}

func (s store) open(ctx context.Context, scope string) (Sunset, error) {
	return s.one(ctx, `scope = $1 and state = 'open'`, scope)
}

// put stores a calendar as the newest version of its sunset: the dates by which the fence goes, too.
func (s store) put(ctx context.Context, id who.ID, cal *exit.SunsetCalendar, why string, now time.Time) (Sunset, error) {
	scope := cal.Ends.Part()
	if _, err := s.db.Exec(ctx, `insert into sunsets (id, name, scope, run, version, zone, source, state, published_at) values ($1, $2, $3, '', 1, $4, $5, 'open', $6)
		on conflict (name) do update set version = sunsets.version + 1, zone = excluded.zone, source = excluded.source, published_at = excluded.published_at`,
		int64(id), cal.Name, scope, cal.Zone.String(), string(cal.Source()), db.Ms(now)); err != nil {
		return Sunset{}, fmt.Errorf("store sunset: %w", err)
	}
	x, err := s.byName(ctx, cal.Name)
	if err != nil {
		return x, err
	}
	if _, err := s.db.Exec(ctx, `insert into sunset_versions (sunset_id, version, source, published_at, reason) values ($1, $2, $3, $4, $5)`,
		int64(x.ID), x.Version, string(cal.Source()), db.Ms(now), why); err != nil {
		return x, fmt.Errorf("store version of sunset: %w", err)
	}
	if _, err := s.db.Exec(ctx, `delete from service_dates where sunset_id = $1`, int64(x.ID)); err != nil {
		return x, fmt.Errorf("store dates of sunset: %w", err)
	}
	for _, p := range cal.Phases {
		if _, err := s.db.Exec(ctx, `insert into service_dates (sunset_id, word, scope, at, allows) values ($1, $2, $3, $4, $5)`,
			int64(x.ID), p.Word, scope, db.Ms(p.At), strings.Join(cal.Allowed(p.Word), " ")); err != nil {
			return x, fmt.Errorf("store dates of sunset: %w", err)
		}
		if _, err := s.db.Exec(ctx, `insert into sunset_phases (sunset_id, word, first_at, due_at) values ($1, $2, $3, $3)
			on conflict (sunset_id, word) do update set due_at = excluded.due_at`, int64(x.ID), p.Word, db.Ms(p.At)); err != nil {
			return x, fmt.Errorf("store phases of sunset: %w", err)
		}
	}
	return x, nil
}

func (s store) setRun(ctx context.Context, id who.ID, run string) error {
	if _, err := s.db.Exec(ctx, `update sunsets set run = $2 where id = $1`, int64(id), run); err != nil {
		return fmt.Errorf("store run of sunset: %w", err)
	}
	return nil
}

// reached notes when a phase began to hold, once; fresh is false where that was noted.
func (s store) reached(ctx context.Context, id who.ID, word string, now time.Time) (fresh bool, err error) {
	n, err := s.db.Exec(ctx, `update sunset_phases set done_at = $3 where sunset_id = $1 and word = $2 and done_at is null`, int64(id), word, db.Ms(now))
	if err != nil {
		return false, fmt.Errorf("note phase: %w", err)
	}
	return n > 0, nil
}

// shut takes a scope out of everybody's sight, or lets it be seen again.
func (s store) shut(ctx context.Context, scope string, on bool) error {
	q := `delete from shut where scope = $1`
	if on {
		q = `insert into shut (scope) values ($1) on conflict do nothing`
	}
	if _, err := s.db.Exec(ctx, q, scope); err != nil {
		return fmt.Errorf("shut %q: %w", scope, err)
	}
	return nil
}

// end gives a sunset its last state. A withdrawn one has no dates any more.
func (s store) end(ctx context.Context, id who.ID, state string, now time.Time) error {
	if _, err := s.db.Exec(ctx, `update sunsets set state = $2, ended_at = $3 where id = $1`, int64(id), state, db.Ms(now)); err != nil {
		return fmt.Errorf("end sunset: %w", err)
	}
	if state != stateWithdrawn {
		return nil
	}
	if _, err := s.db.Exec(ctx, `delete from service_dates where sunset_id = $1`, int64(id)); err != nil {
		return fmt.Errorf("take dates of sunset away: %w", err)
	}
	return nil
}

// next gives the least id above after in any of the columns; 0 where there is none.
func (s store) next(ctx context.Context, columns [][2]string, after who.ID) (who.ID, error) {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = `select min(` + c[1] + `) as x from ` + c[0] + ` where ` + c[1] + ` > $1`
	}
	var id sql.NullInt64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select min(x) from (`+strings.Join(parts, ` union all `)+`) as y`, int64(after)).Scan(&id); err != nil {
		return 0, fmt.Errorf("find the next account: %w", err)
	}
	return who.ID(id.Int64), nil
}

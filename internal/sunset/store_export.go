package sunset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// keyOf gives the key of an error's sentence, "" for what has none.
func keyOf(err error) string {
	var e *exit.Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}

// export is an archive that nobody had to ask for.
type export struct {
	id, account who.ID
	part        string // "circle", "circle:7", "circle:7/whole"
	run         string
	state       string // "": there is none
	bytes       int64  // an estimate until it is packed
	reason      string
	asked       time.Time
}

// stuck is the condition, of an export x and its run's step s, for an archive that cannot be made.
const stuck = `s.run = x.run and s.act = 'pack' and s.state = 'stuck'`

// underWay gives what is asked for and not packed.
func (s store) underWay(ctx context.Context, sunset who.ID) (l load, err error) {
	var all, failedBytes int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*), cast(coalesce(sum(x.bytes), 0) as bigint), count(s.run), cast(coalesce(sum(case when s.run is null then 0 else x.bytes end), 0) as bigint)
		from sunset_exports x left join exit_steps s on `+stuck+` where x.sunset_id = $1 and x.state = 'asked'`, int64(sunset)).Scan(&all, &l.bytes, &l.failed, &failedBytes); err != nil {
		return l, fmt.Errorf("count archives: %w", err)
	}
	l.archives, l.bytes = int(all)-l.failed, l.bytes-failedBytes
	return l, nil
}

// failed gives archives that cannot be made, by id, those after an id alone; of some problems, if any are named.
func (s store) failed(ctx context.Context, sunset, after who.ID, n int, problems ...string) ([]FailedExport, error) {
	args := []any{int64(sunset), int64(after), n}
	only := ""
	if len(problems) > 0 {
		marks := make([]string, len(problems))
		for i, p := range problems {
			args = append(args, p)
			marks[i] = "$" + strconv.Itoa(len(args))
		}
		only = ` and s.problem in (` + strings.Join(marks, ", ") + `)`
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select x.id, x.run, x.account_id, x.part, s.attempts, s.problem from sunset_exports x join exit_steps s on `+stuck+`
		where x.sunset_id = $1 and x.state = 'asked' and x.id > $2`+only+` order by x.id limit $3`, args...)
	if err != nil {
		return nil, fmt.Errorf("read failed archives: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (x FailedExport, err error) {
		err = r.Scan((*int64)(&x.ID), &x.Run, (*int64)(&x.Account), &x.Part, &x.Attempts, &x.Problem)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read failed archives: %w", err)
	}
	return out, nil
}

// exportFor gives one archive; its state is "" where it was not asked for.
func (s store) exportFor(ctx context.Context, sunset, account who.ID, part string) (x export, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select id, account_id, part, run, state, bytes, reason from sunset_exports where sunset_id = $1 and account_id = $2 and part = $3`,
		int64(sunset), int64(account), part).Scan((*int64)(&x.id), (*int64)(&x.account), &x.part, &x.run, &x.state, &x.bytes, &x.reason)
	if errors.Is(err, sql.ErrNoRows) {
		return export{}, nil
	}
	if err != nil {
		return x, fmt.Errorf("read archive: %w", err)
	}
	return x, nil
}

func (s store) addExport(ctx context.Context, sunset who.ID, x export) error {
	if _, err := s.db.Exec(ctx, `insert into sunset_exports (id, sunset_id, account_id, part, run, state, bytes, reason, asked_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (sunset_id, account_id, part) do update set run = excluded.run, state = excluded.state, bytes = excluded.bytes, reason = excluded.reason`,
		int64(x.id), int64(sunset), int64(x.account), x.part, x.run, x.state, x.bytes, x.reason, db.Ms(x.asked)); err != nil {
		return fmt.Errorf("note archive: %w", err)
	}
	return nil
}

// dropWaiting forgets an archive that still waits, and of which there is nothing to be had any more.
func (s store) dropWaiting(ctx context.Context, sunset, account who.ID, part string) error {
	if _, err := s.db.Exec(ctx, `delete from sunset_exports where sunset_id = $1 and account_id = $2 and part = $3 and state = 'waiting'`, int64(sunset), int64(account), part); err != nil {
		return fmt.Errorf("forget archive: %w", err)
	}
	return nil
}

// isAsked reports whether a run is that of an archive that is under way.
func (s store) isAsked(ctx context.Context, run string) (there bool, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select exists (select 1 from sunset_exports where run = $1 and state = 'asked')`, run).Scan(&there); err != nil {
		return false, fmt.Errorf("read archive: %w", err)
	}
	return there, nil
}

// setExport gives the archive of a run another state.
func (s store) setExport(ctx context.Context, run, state, reason string) error {
	if _, err := s.db.Exec(ctx, `update sunset_exports set state = $2, reason = $3, bytes = 0 where run = $1`, run, state, reason); err != nil {
		return fmt.Errorf("note archive: %w", err)
	}
	if state != exportSkipped {
		return nil
	}
	if _, err := s.db.Exec(ctx, `update sunsets set skipped = skipped + 1 where id = (select sunset_id from sunset_exports where run = $1)`, run); err != nil {
		return fmt.Errorf("count archive: %w", err)
	}
	return nil
}

// waitingFor gives archives that wait for one of their owner's own, by id, those after an id alone.
func (s store) waitingFor(ctx context.Context, sunset, after who.ID, limit int) ([]export, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, account_id, part, asked_at from sunset_exports where sunset_id = $1 and state = 'waiting' and id > $2 order by id limit $3`,
		int64(sunset), int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read archives: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (x export, err error) {
		var asked int64
		err = r.Scan((*int64)(&x.id), (*int64)(&x.account), &x.part, &asked)
		x.asked = db.Time(asked)
		return x, err
	})
}

// waits reports whether an archive of an account waits for one of its own.
func (s store) waits(ctx context.Context, sunset, account who.ID) (still bool, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select exists (select 1 from sunset_exports where sunset_id = $1 and account_id = $2 and state = 'waiting')`,
		int64(sunset), int64(account)).Scan(&still); err != nil {
		return false, fmt.Errorf("read archives: %w", err)
	}
	return still, nil
}

// exportsOf gives the newest archives of an account that were made, or are, without its asking: as part what ends.
func (s store) exportsOf(ctx context.Context, account who.ID) ([]export, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select x.run, s.scope from sunset_exports x join sunsets s on s.id = x.sunset_id
		where x.account_id = $1 and x.state in ('asked', 'packed') and x.run <> '' order by x.id desc limit 100`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("read archives: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (x export, err error) {
		err = r.Scan(&x.run, &x.part)
		return x, err
	})
}

// exports counts a sunset's archives.
func (s store) exports(ctx context.Context, sunset who.ID) (e Exports, err error) {
	now, err := s.underWay(ctx, sunset)
	if err != nil {
		return e, err
	}
	e.Asked, e.Failed = now.archives, now.failed
	err = s.db.Q(ctx).QueryRowContext(ctx, `select archives, fetched, skipped, bytes, (select count(*) from sunset_exports x where x.sunset_id = sunsets.id and x.state = 'waiting'),
		(select count(*) from sunset_exports x where x.sunset_id = sunsets.id and x.state = 'left') from sunsets where id = $1`, int64(sunset)).
		Scan(&e.Made, &e.Fetched, &e.Skipped, &e.Bytes, &e.Waiting, &e.Left)
	if err != nil {
		return e, fmt.Errorf("count archives: %w", err)
	}
	return e, nil
}

// packed hears, in the transaction that makes it exist, that a run's archive is whole.
func (r *Room) packed(ctx context.Context, run string, bytes int64) error {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	n, err := r.DB.Exec(ctx, `update sunset_exports set state = 'packed', packed_at = $2, bytes = $3 where run = $1 and state = 'asked'`, run, db.Ms(now), bytes)
	if err != nil {
		return fmt.Errorf("note archive: %w", err)
	}
	if n == 0 {
		return nil // somebody's own
	}
	if _, err := r.DB.Exec(ctx, `update sunsets set archives = archives + 1, bytes = bytes + $2 where id = (select sunset_id from sunset_exports where run = $1)`, run, bytes); err != nil {
		return fmt.Errorf("count archive: %w", err)
	}
	return nil
}

// fetched hears that a run's archive was downloaded.
func (r *Room) fetched(ctx context.Context, run string) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		n, err := r.DB.Exec(ctx, `update sunset_exports set fetched_at = $2 where run = $1 and fetched_at is null`, run, db.Ms(now))
		if err != nil {
			return fmt.Errorf("note download: %w", err)
		}
		if n == 0 {
			return nil
		}
		if _, err = r.DB.Exec(ctx, `update sunsets set fetched = fetched + 1 where id = (select sunset_id from sunset_exports where run = $1)`, run); err != nil {
			return fmt.Errorf("count download: %w", err)
		}
		return nil
	})
}

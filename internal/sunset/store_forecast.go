package sunset

import (
	"context"
	"fmt"
	"strings"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// several gives the least ids above after in any of the columns, each once and in order. Each costs a look into every column's index, however many rows have it.
func (s store) several(ctx context.Context, columns [][2]string, after who.ID, limit int) ([]who.ID, error) {
	least := func(bound string) string {
		parts := make([]string, len(columns))
		for i, c := range columns {
			parts[i] = `select min(` + c[1] + `) as x from ` + c[0] + ` where ` + c[1] + ` > ` + bound
		}
		return `(select min(y.x) from (` + strings.Join(parts, ` union all `) + `) y)`
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `with recursive walk (id) as (select `+least(`$1`)+`
		union all select `+least(`walk.id`)+` from walk where walk.id is not null) select id from walk where id is not null limit $2`, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { return id, r.Scan((*int64)(&id)) })
	if err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	return out, nil
}

// accounts gives how many accounts there are above an id, and the highest.
func (s store) accounts(ctx context.Context, after who.ID) (n int64, last who.ID, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*), coalesce(max(id), 0) from accounts where id > $1`, int64(after)).Scan(&n, (*int64)(&last))
	if err != nil {
		return 0, 0, fmt.Errorf("count accounts: %w", err)
	}
	return n, last, nil
}

// packing gives for how long a sunset's archives have been made: from when the first was asked for until the newest was packed; nothing where none was.
func (s store) packing(ctx context.Context, sunset who.ID) (time.Duration, error) {
	var first, last int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(min(asked_at), 0), coalesce(max(packed_at), 0) from sunset_exports where sunset_id = $1`, int64(sunset)).Scan(&first, &last); err != nil {
		return 0, fmt.Errorf("read how long archives were made: %w", err)
	}
	return max(db.Time(last).Sub(db.Time(first)), 0), nil
}

// operators gives an active account of each operator, in ascending order, those after an id alone.
func (s store) operators(ctx context.Context, after who.ID, limit int) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select min(a.id) from people p join account_people j on j.person_id = p.id join accounts a on a.id = j.account_id
		where p.operator = 1 and a.kind = 'personal' and a.state = 'active' group by p.id having min(a.id) > $1 order by 1 limit $2`, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { return id, r.Scan((*int64)(&id)) })
	if err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	return out, nil
}

// phases gives when each phase was to begin, by the first version and by the newest, and when it did.
func (s store) phases(ctx context.Context, sunset who.ID) ([]PhaseStatus, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select word, first_at, due_at, coalesce(done_at, 0) from sunset_phases where sunset_id = $1 order by due_at, word`, int64(sunset))
	if err != nil {
		return nil, fmt.Errorf("read phases: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (p PhaseStatus, err error) {
		var first, due, done int64
		err = r.Scan(&p.Word, &first, &due, &done)
		if p.First, p.Due = db.Time(first), db.Time(due); done != 0 {
			p.Done = db.Time(done)
		}
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read phases: %w", err)
	}
	return out, nil
}

// mostVersions of a calendar are read at once: an operator writes each of them.
const mostVersions = 200

func (s store) versions(ctx context.Context, sunset who.ID) ([]VersionStatus, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select version, published_at, reason from sunset_versions where sunset_id = $1 order by version limit $2`, int64(sunset), mostVersions)
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (v VersionStatus, err error) {
		var at int64
		err = r.Scan(&v.Version, &at, &v.Why)
		v.Published = db.Time(at)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	return out, nil
}

// stuckSteps counts the steps of all runs that wait for the operator.
func (s store) stuckSteps(ctx context.Context) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from exit_steps where state = 'stuck'`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count steps that are stuck: %w", err)
	}
	return n, nil
}

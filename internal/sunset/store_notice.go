package sunset

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// page gives sunsets whatever has become of them, the newest first, from below an id (0: from the newest).
func (s store) page(ctx context.Context, before who.ID, limit int) ([]Sunset, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+sunsetColumns+` from sunsets where id < $1 order by id desc limit $2`, int64(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list sunsets: %w", err)
	}
	return db.Scan(rows, s.scan)
}

// standing gives what was announced to an account and is ending, the newest first: services, the install, and of circles those that it is in.
func (s store) standing(ctx context.Context, account who.ID, now time.Time, limit int) ([]Sunset, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+sunsetColumns+` from sunsets where state = $1
		and exists (select 1 from service_dates d where d.sunset_id = sunsets.id and d.word = $2 and d.at <= $3)
		and (scope not like '%:%' or exists (select 1 from circle_members m where m.account_id = $4 and m.state = 'active' and sunsets.scope = 'circle:' || m.circle_id))
		order by id desc limit $5`, stateOpen, exit.Announced, db.Ms(now), int64(account), limit)
	if err != nil {
		return nil, fmt.Errorf("list what is ending: %w", err)
	}
	return db.Scan(rows, s.scan)
}

// byIDs gives those of the sunsets that are there.
func (s store) byIDs(ctx context.Context, ids []who.ID) (map[who.ID]Sunset, error) {
	list, args := service.In(1, ids)
	found, err := s.list(ctx, `id in (`+list+`)`, args...)
	out := make(map[who.ID]Sunset, len(found))
	for _, x := range found {
		out[x.ID] = x
	}
	return out, err
}

const editionColumns = `v.version, v.source, coalesce(o.source, ''), v.published_at, v.reason
	from sunset_versions v left join sunset_versions o on o.sunset_id = v.sunset_id and o.version = v.version - 1`

func scanEdition(r db.Row, before ...any) (e edition, err error) {
	var source, old string
	var at int64
	if err := r.Scan(append(before, &e.Number, &source, &old, &at, &e.Why)...); err != nil {
		return e, err
	}
	e.Published = db.Time(at)
	if e.Calendar, err = exit.ParseSunset([]byte(source)); err != nil || old == "" {
		return e, err
	}
	e.Was, err = exit.ParseSunset([]byte(old))
	return e, err
}

// editions gives the versions of a sunset, the newest first.
func (s store) editions(ctx context.Context, sunset who.ID) ([]edition, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+editionColumns+` where v.sunset_id = $1 order by v.version desc limit $2`, int64(sunset), mostVersions)
	if err != nil {
		return nil, fmt.Errorf("read versions of sunset: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (edition, error) { return scanEdition(r) })
	if err != nil {
		return nil, fmt.Errorf("read versions of sunset: %w", err)
	}
	return list, nil
}

// newestEditions gives versions of all sunsets, the newest first.
func (s store) newestEditions(ctx context.Context, limit int) ([]edition, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select v.sunset_id, `+editionColumns+` order by v.published_at desc, v.sunset_id desc, v.version desc limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read versions of sunsets: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (edition, error) {
		var id int64
		e, err := scanEdition(r, &id)
		e.sunset = who.ID(id)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read versions of sunsets: %w", err)
	}
	return list, nil
}

// telling is something that everybody concerned was told of.
type telling struct {
	id, sunset who.ID
	what       string
	at         time.Time // the instant it is about; zero: none
}

// heard gives the newest version of which everybody concerned was told; 0: of none.
func (s store) heard(ctx context.Context, sunset who.ID) (version int, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(max(version), 0) from sunset_tellings where sunset_id = $1`, int64(sunset)).Scan(&version); err != nil {
		return 0, fmt.Errorf("read what was told: %w", err)
	}
	return version, nil
}

// addTelling notes that everybody concerned is told of something; fresh is false where they were told before.
func (s store) addTelling(ctx context.Context, t telling, version int, now time.Time) (fresh bool, err error) {
	at := int64(0)
	if !t.at.IsZero() {
		at = db.Ms(t.at)
	}
	n, err := s.db.Exec(ctx, `insert into sunset_tellings (id, sunset_id, what, at, version, told_at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
		int64(t.id), int64(t.sunset), t.what, at, version, db.Ms(now))
	if err != nil {
		return false, fmt.Errorf("note what is told: %w", err)
	}
	return n > 0, nil
}

// tellings gives those of the ids that are there.
func (s store) tellings(ctx context.Context, ids []who.ID) ([]telling, error) {
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, sunset_id, what, at from sunset_tellings where id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read what was told: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (t telling, err error) {
		var at int64
		err = r.Scan((*int64)(&t.id), (*int64)(&t.sunset), &t.what, &at)
		if at != 0 {
			t.at = db.Time(at)
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was told: %w", err)
	}
	return out, nil
}

// taken counts, by sunset, an account's archives that nobody had to ask for: those made, and of them those fetched.
func (s store) taken(ctx context.Context, account who.ID, sunsets []who.ID) (map[who.ID][2]int, error) {
	list, args := service.In(2, sunsets)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select sunset_id, count(*), count(fetched_at) from sunset_exports where account_id = $1 and state = 'packed' and sunset_id in (`+list+`)
		group by sunset_id`, append([]any{int64(account)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("count archives: %w", err)
	}
	out := map[who.ID][2]int{}
	_, err = db.Scan(rows, func(r db.Row) (struct{}, error) {
		var id int64
		var n [2]int
		err := r.Scan(&id, &n[0], &n[1])
		out[who.ID(id)] = n
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("count archives: %w", err)
	}
	return out, nil
}

// concern is a column of accounts, and where what its rows are about stands.
type concern struct {
	table, account string
	service, place string // columns; "": all of the table's rows are of the service, in no place
}

// concerned gives at most limit accounts above another, in ascending order, of which something stands in a scope.
func (s store) concerned(ctx context.Context, in []concern, scope string, after who.ID, limit int) ([]who.ID, error) {
	if len(in) == 0 {
		return nil, nil
	}
	name, place, narrowed := strings.Cut(scope, ":")
	args := []any{int64(after), limit}
	var parts []string
	if narrowed {
		id, ok := who.ParseID(place)
		if !ok {
			return nil, fmt.Errorf("find accounts: %q is no place", scope)
		}
		args = append(args, int64(id))
	}
	named := 0
	for i, c := range in {
		where := ``
		if c.service != "" {
			if named == 0 {
				args = append(args, name)
				named = len(args)
			}
			where += fmt.Sprintf(` and x.%s = $%d`, c.service, named)
		}
		if narrowed {
			where += ` and x.` + c.place + ` = $3`
		}
		parts = append(parts, fmt.Sprintf(`select id from (select distinct x.%[1]s as id from %[2]s x where x.%[1]s > $1%[3]s and exists (select 1 from standings z where z.account_id = x.%[1]s)
			order by 1 limit $2) p%[4]d`, c.account, c.table, where, i))
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select distinct id from (`+strings.Join(parts, ` union all `)+`) y order by id limit $2`, args...)
	if err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { return id, r.Scan((*int64)(&id)) })
	if err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	return out, nil
}

// setPicture stores a notice's picture under a new version, or removes it where there are no bytes.
func (s store) setPicture(ctx context.Context, sunset who.ID, version string, p picture) error {
	if _, err := s.db.Exec(ctx, `delete from sunset_pictures where sunset_id = $1`, int64(sunset)); err != nil {
		return fmt.Errorf("store picture: %w", err)
	}
	if len(p.bytes) > 0 {
		if _, err := s.db.Exec(ctx, `insert into sunset_pictures (sunset_id, type, width, height, data) values ($1, $2, $3, $4, $5)`,
			int64(sunset), p.kind, p.width, p.height, base64.StdEncoding.EncodeToString(p.bytes)); err != nil {
			return fmt.Errorf("store picture: %w", err)
		}
	}
	if _, err := s.db.Exec(ctx, `update sunsets set picture = $2 where id = $1`, int64(sunset), version); err != nil {
		return fmt.Errorf("store picture: %w", err)
	}
	return nil
}

// pictureOf gives a notice's picture, with or without its bytes; NotFound.
func (s store) pictureOf(ctx context.Context, sunset who.ID, whole bool) (p picture, err error) {
	data := `''`
	if whole {
		data = `data`
	}
	var text string
	err = s.db.Q(ctx).QueryRowContext(ctx, `select type, width, height, `+data+` from sunset_pictures where sunset_id = $1`, int64(sunset)).Scan(&p.kind, &p.width, &p.height, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return p, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err == nil {
		p.bytes, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil {
		return p, fmt.Errorf("read picture: %w", err)
	}
	return p, nil
}

package leave

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// exportOfRun gives the export of a run and how far it has come; id is 0 if there is none.
func (l *Room) exportOfRun(ctx context.Context, run string) (id who.ID, p Packing, err error) {
	var n, account, media, cut, created int64
	var since sql.NullInt64
	var state string
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select id, account_id, scope, since, media, state, class, position, cut, created_at,
		(select count(*) from export_volumes v where v.export_id = exports.id) from exports where run = $1`, run).
		Scan(&n, &account, &p.In, &since, &media, &state, &p.Class, &p.Position, &cut, &created, &p.Volume)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, Packing{}, nil
	}
	if err != nil {
		return 0, p, fmt.Errorf("read export: %w", err)
	}
	p.Account, p.Media, p.Finished = who.ID(account), media == 1, state == "done"
	p.In, p.Whole = strings.CutSuffix(p.In, wholeMark)
	p.Made, p.Cut = db.Time(created), who.ID(cut)
	if since.Valid {
		p.Since = db.Time(since.Int64)
	}
	return who.ID(n), p, nil
}

// addExport stores the export that a run begins.
func (l *Room) addExport(ctx context.Context, pass service.Pass, id who.ID, run string, p Packing) error {
	since := sql.NullInt64{Int64: db.Ms(p.Since), Valid: !p.Since.IsZero()}
	media := int64(0)
	if p.Media {
		media = 1
	}
	_, err := l.DB.Exec(ctx, `insert into exports (id, account_id, run, scope, since, media, state, class, position, cut, items, bytes, created_at)
		values ($1, $2, $3, $4, $5, $6, 'packing', '', '', $7, 0, 0, $8)`, int64(id), int64(p.Account), run, p.scope(), since, media, int64(p.Cut), db.Ms(pass.At))
	if err != nil {
		return fmt.Errorf("store export: %w", err)
	}
	return nil
}

// addVolume stores one file of an export, with the number of items in it.
func (l *Room) addVolume(ctx context.Context, pass service.Pass, export, account who.ID, v Volume, items int64) error {
	if _, err := l.DB.Exec(ctx, `insert into export_volumes (id, export_id, account_id, n, key, name, bytes, sha256, items, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, int64(v.ID), int64(export), int64(account), v.N, v.Key, v.Name, v.Bytes, v.SHA256, items, db.Ms(pass.At)); err != nil {
		return fmt.Errorf("store volume: %w", err)
	}
	return nil
}

// moveExport stores where an export's packing stands, and adds a volume to its sums.
func (l *Room) moveExport(ctx context.Context, pass service.Pass, id who.ID, p Packing, items, bytes int64) error {
	state, ended := "packing", sql.NullInt64{}
	if p.Finished {
		state, ended = "done", sql.NullInt64{Int64: db.Ms(pass.At), Valid: true}
	}
	if _, err := l.DB.Exec(ctx, `update exports set class = $1, position = $2, state = $3, ended_at = $4, items = items + $5, bytes = bytes + $6 where id = $7`,
		p.Class, p.Position, state, ended, items, bytes, int64(id)); err != nil {
		return fmt.Errorf("move export on: %w", err)
	}
	return nil
}

// erasesArchives tells whether a closing of the whole account has begun to erase its archives.
func (l *Room) erasesArchives(ctx context.Context, account who.ID) (bool, error) {
	var n int
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from exit_steps s join exit_runs r on r.id = s.run
		where r.subject = $1 and r.subject <> '' and r.part = '' and r.journey = 'close' and r.state in ('open', 'running')
		and s.holder = $2 and s.class = 'archives' and s.act = 'erase' and (s.chunks > 0 or s.state in ('running', 'verified'))`,
		SubjectOf(account, "").String(), l.Name()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a closing: %w", err)
	}
	return n > 0, nil
}

// volumeSize gives the items and bytes of an export's n-th volume.
func (l *Room) volumeSize(ctx context.Context, export who.ID, n int) (items, bytes int64, err error) {
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select items, bytes from export_volumes where export_id = $1 and n = $2`, int64(export), n).Scan(&items, &bytes)
	if err != nil {
		return 0, 0, fmt.Errorf("read volume: %w", err)
	}
	return items, bytes, nil
}

// volumeOf gives a volume with the account that it belongs to; NotFound if there is none.
func (l *Room) volumeOf(ctx context.Context, id who.ID) (v Volume, owner who.ID, err error) {
	var account int64
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select account_id, n, key, name, bytes, sha256 from export_volumes where id = $1`, int64(id)).
		Scan(&account, &v.N, &v.Key, &v.Name, &v.Bytes, &v.SHA256)
	if errors.Is(err, sql.ErrNoRows) {
		return v, 0, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return v, 0, fmt.Errorf("read volume: %w", err)
	}
	v.ID = id
	return v, who.ID(account), nil
}

// exportBytes gives the bytes of all volumes of an export.
func (l *Room) exportBytes(ctx context.Context, id who.ID) (bytes int64, err error) {
	if err := l.DB.Q(ctx).QueryRowContext(ctx, `select bytes from exports where id = $1`, int64(id)).Scan(&bytes); err != nil {
		return 0, fmt.Errorf("measure archive: %w", err)
	}
	return bytes, nil
}

// runOfExport gives the run of an export; "" if there is none.
func (l *Room) runOfExport(ctx context.Context, id who.ID) (run string, err error) {
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select run from exports where id = $1`, int64(id)).Scan(&run)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read archive: %w", err)
	}
	return run, nil
}

// volumesOf gives the volumes of a run's export, in order.
func (l *Room) volumesOf(ctx context.Context, run string) ([]Volume, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select v.id, v.n, v.key, v.name, v.bytes, v.sha256 from export_volumes v join exports e on e.id = v.export_id
		where e.run = $1 order by v.n limit 1000`, run)
	if err != nil {
		return nil, fmt.Errorf("read volumes: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (v Volume, err error) {
		err = r.Scan((*int64)(&v.ID), &v.N, &v.Key, &v.Name, &v.Bytes, &v.SHA256)
		return v, err
	})
}

// noteFetched notes that a volume was downloaded to its end. It gives its archive's run once all its volumes were, "" before.
func (l *Room) noteFetched(ctx context.Context, pass service.Pass, volume who.ID) (run string, err error) {
	if _, err := l.DB.Exec(ctx, `update export_volumes set fetched_at = $2 where id = $1 and fetched_at is null`, int64(volume), db.Ms(pass.At)); err != nil {
		return "", fmt.Errorf("note download: %w", err)
	}
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select e.run from exports e where e.id = (select export_id from export_volumes where id = $1) and e.state = 'done'
		and not exists (select 1 from export_volumes v where v.export_id = e.id and v.fetched_at is null)`, int64(volume)).Scan(&run)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read archive: %w", err)
	}
	return run, nil
}

// mostExports is how many of an account's archives are shown.
const mostExports = 10

// Exports gives the newest archives of an account with their volumes, at most ten: those that were made because something ends come first.
func (l *Room) Exports(ctx context.Context, account who.ID) ([]Export, error) {
	made := map[string]string{}
	if l.MadeFor != nil {
		var err error
		if made, err = l.MadeFor(ctx, account); err != nil {
			return nil, err
		}
	}
	out, err := l.exports(ctx, `order by id desc limit $2`, int64(account), mostExports)
	if err != nil {
		return nil, err
	}
	if len(made) > 0 {
		runs := slices.Sorted(maps.Keys(made))
		args, marks := []any{int64(account)}, make([]string, len(runs))
		for i, run := range runs {
			args = append(args, run)
			marks[i] = fmt.Sprint("$", len(args))
		}
		out = slices.DeleteFunc(out, func(x Export) bool { return slices.Contains(runs, x.Run) })
		first, err := l.exports(ctx, `and run in (`+strings.Join(marks, ", ")+`) order by id desc limit 100`, args...)
		if err != nil {
			return nil, err
		}
		for i := range first {
			first[i].Ends = endsWord(made[first[i].Run])
		}
		out = append(first, out...)
	}
	return out, l.addVolumes(ctx, account, out)
}

// endsWord gives what ends, never "".
func endsWord(part string) string {
	if part == "" {
		return exit.SubjectInstall
	}
	return part
}

// exports reads archives of an account ($1).
func (l *Room) exports(ctx context.Context, rest string, args ...any) ([]Export, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select id, run, scope, state, class, items, bytes, created_at from exports where account_id = $1 `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read archives: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (e Export, err error) {
		var id, created int64
		err = r.Scan(&id, &e.Run, &e.In, &e.State, &e.Class, &e.Items, &e.Bytes, &created)
		e.ID, e.Created = who.ID(id), db.Time(created)
		return e, err
	})
}

// addVolumes gives archives of an account their volumes.
func (l *Room) addVolumes(ctx context.Context, account who.ID, out []Export) error {
	if len(out) == 0 {
		return nil
	}
	ids := make([]who.ID, len(out))
	for i, e := range out {
		ids[i] = e.ID
	}
	list, args := service.In(2, ids)
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select export_id, id, n, key, name, bytes, sha256 from export_volumes
		where account_id = $1 and export_id in (`+list+`) order by export_id, n limit 1000`, append([]any{int64(account)}, args...)...)
	if err != nil {
		return fmt.Errorf("read volumes: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (v Volume, err error) {
		var export, id int64
		err = r.Scan(&export, &id, &v.N, &v.Key, &v.Name, &v.Bytes, &v.SHA256)
		v.ID = who.ID(id)
		for i := range out {
			if out[i].ID == who.ID(export) {
				out[i].Volumes = append(out[i].Volumes, v)
			}
		}
		return v, err
	})
	return err
}

// Stored gives how many bytes the archives of accounts have: those made for them and those that they brought.
func (l *Room) Stored(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	list, args := service.In(1, accounts)
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select v.account_id, cast(sum(v.bytes) as bigint) from (select account_id, bytes from export_volumes where account_id in (`+list+`)
		union all select account_id, bytes from imports where key <> '' and account_id in (`+list+`)) v group by v.account_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("measure archives: %w", err)
	}
	sums, err := db.Scan(rows, service.ScanSum)
	return service.Sums(sums), err
}

package leave

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Words is the packing in the words that a plan carries: "media=no&since=2024-01-31".
func (p Packing) Words() string {
	v := url.Values{}
	if !p.Media {
		v.Set("media", "no")
	}
	if !p.Since.IsZero() {
		v.Set("since", p.Since.UTC().Format(time.DateOnly))
	}
	return v.Encode()
}

// packingOf reads what [Packing.Words] wrote.
func packingOf(words string) (Packing, error) {
	v, err := url.ParseQuery(words)
	if err != nil {
		return Packing{}, exit.Fail(exit.Invalid, "leave.error.pack")
	}
	p := Packing{Media: v.Get("media") != "no"}
	if since := v.Get("since"); since != "" {
		if p.Since, err = time.Parse(time.DateOnly, since); err != nil {
			return Packing{}, exit.Fail(exit.Invalid, "error.date", "text", since)
		}
	}
	return p, nil
}

// Pack makes the next volume of a take-along run: one chunk is one volume. An archive exists when
// it has been read back and its row is there, once; a repeat of a chunk finds the row.
func (l *Room) Pack(ctx context.Context, t exit.Task) (exit.Progress, error) {
	id, p, err := l.exportOf(ctx, t)
	if err != nil {
		return exit.Progress{}, err
	}
	if p.Volume > t.Chunk {
		return l.volumeDone(ctx, id, t.Chunk+1, p.Finished && p.Volume == t.Chunk+1)
	}
	name := filepath.Join(l.Spool, "volume-"+t.Run+"-"+fmt.Sprint(t.Chunk))
	defer os.Remove(name)                                                //nolint:errcheck // the spool is swept at the next start
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600) //nolint:gosec // in our own spool, named by the run's id
	if err != nil {
		return exit.Progress{}, fmt.Errorf("make volume: %w", err)
	}
	defer f.Close() //nolint:errcheck // it is only read from here on
	h := sha256.New()
	sum, err := l.volume(ctx, &p, io.MultiWriter(f, h))
	if err != nil {
		return exit.Progress{}, err
	}
	if _, err := archive.Verify(ctx, name); err != nil {
		return exit.Progress{}, fmt.Errorf("read volume back: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return exit.Progress{}, fmt.Errorf("rewind volume: %w", err)
	}
	b, err := l.Blobs.Put(ctx, p.Account, blob.Archives, ".zip", "application/zip", f)
	if err != nil {
		return exit.Progress{}, err
	}
	if b.SHA256 != hex.EncodeToString(h.Sum(nil)) {
		return exit.Progress{}, errors.New("the stored volume is not the one that was read back")
	}
	return l.storeVolume(ctx, id, p, b, sum)
}

// exportOf gives the run's export, made with its first chunk.
func (l *Room) exportOf(ctx context.Context, t exit.Task) (who.ID, Packing, error) {
	var id who.ID
	var p Packing
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		var n, account, media, cut, created int64
		var since sql.NullInt64
		var state string
		err := l.DB.Q(ctx).QueryRowContext(ctx, `select id, account_id, scope, since, media, state, class, position, cut, created_at,
			(select count(*) from export_volumes v where v.export_id = exports.id) from exports where run = $1`, t.Run).
			Scan(&n, &account, &p.In, &since, &media, &state, &p.Class, &p.Position, &cut, &created, &p.Volume)
		if err == nil {
			id, p.Account, p.Media, p.Finished = who.ID(n), who.ID(account), media == 1, state == "done"
			p.Made, p.Cut = db.Time(created), who.ID(cut)
			if since.Valid {
				p.Since = db.Time(since.Int64)
			}
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read export: %w", err)
		}
		id, p, err = l.newExport(ctx, t)
		return err
	})
	return id, p, err
}

func (l *Room) newExport(ctx context.Context, t exit.Task) (who.ID, Packing, error) {
	p, err := packingOf(t.Choice)
	if err != nil {
		return 0, p, err
	}
	account, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return 0, p, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	pass, err := l.Desk.EnterExit(ctx, account)
	if err != nil {
		return 0, p, err
	}
	if err := l.mayStore(ctx, account); err != nil {
		return 0, p, err
	}
	p.Account, p.In, p.Made, p.Cut = account, t.Subject.In, pass.At, l.DB.IDs.Next()
	since := sql.NullInt64{Int64: db.Ms(p.Since), Valid: !p.Since.IsZero()}
	media := int64(0)
	if p.Media {
		media = 1
	}
	id := l.DB.IDs.Next()
	_, err = l.DB.Exec(ctx, `insert into exports (id, account_id, run, scope, since, media, state, class, position, cut, items, bytes, created_at)
		values ($1, $2, $3, $4, $5, $6, 'packing', '', '', $7, 0, 0, $8)`, int64(id), int64(account), t.Run, p.In, since, media, int64(p.Cut), db.Ms(p.Made))
	if err != nil {
		return 0, p, fmt.Errorf("store export: %w", err)
	}
	return id, p, nil
}

// storeVolume makes a volume exist: its row, its file's keeping and the packing's place change together.
func (l *Room) storeVolume(ctx context.Context, id who.ID, p Packing, b blob.Blob, sum archive.Summary) (exit.Progress, error) {
	var items int64
	for _, c := range sum.Classes {
		items += c.Count + c.Files
	}
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := l.Desk.EnterExit(ctx, p.Account)
		if err != nil {
			return err
		}
		if err := l.mayStore(ctx, p.Account); err != nil {
			return err
		}
		if err := l.Blobs.Keep(ctx, b.Key); err != nil {
			return err
		}
		file := fmt.Sprintf("exeunt-%s-%d.zip", p.Made.In(l.Policy.Zone).Format("20060102"), p.Volume)
		if _, err := l.DB.Exec(ctx, `insert into export_volumes (id, export_id, account_id, n, key, name, bytes, sha256, items, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, int64(l.DB.IDs.Next()), int64(id), int64(p.Account), p.Volume, b.Key, file, b.Size, b.SHA256, items, db.Ms(pass.At)); err != nil {
			return fmt.Errorf("store volume: %w", err)
		}
		state, ended := "packing", sql.NullInt64{}
		if p.Finished {
			state, ended = "done", sql.NullInt64{Int64: db.Ms(pass.At), Valid: true}
		}
		if _, err := l.DB.Exec(ctx, `update exports set class = $1, position = $2, state = $3, ended_at = $4, items = items + $5, bytes = bytes + $6 where id = $7`,
			p.Class, p.Position, state, ended, items, b.Size, int64(id)); err != nil {
			return fmt.Errorf("move export on: %w", err)
		}
		return nil
	})
	return exit.Progress{Items: items, Bytes: b.Size, Done: p.Finished}, err
}

// mayStore refuses an archive when a closing has begun to erase the account's archives: nothing would
// take it away again.
func (l *Room) mayStore(ctx context.Context, account who.ID) error {
	var n int
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from exit_steps s join exit_runs r on r.id = s.run
		where r.subject = $1 and r.part = '' and r.journey = 'close' and r.state in ('open', 'running')
		and s.holder = $2 and s.class = 'archives' and s.act = 'erase' and (s.chunks > 0 or s.state in ('running', 'verified'))`,
		SubjectOf(account, "").String(), l.Name()).Scan(&n)
	if err != nil {
		return fmt.Errorf("look for a closing: %w", err)
	}
	if n > 0 {
		return exit.Fail(exit.Conflict, "error.is_closing")
	}
	return nil
}

// volumeDone answers the repeat of a chunk whose volume is there already.
func (l *Room) volumeDone(ctx context.Context, export who.ID, n int, last bool) (exit.Progress, error) {
	out := exit.Progress{Done: last}
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select items, bytes from export_volumes where export_id = $1 and n = $2`, int64(export), n).Scan(&out.Items, &out.Bytes)
	if err != nil {
		return out, fmt.Errorf("read volume: %w", err)
	}
	return out, nil
}

// Export is an archive made or being made, as its owner sees it.
type Export struct {
	ID      who.ID
	Run     string
	In      string
	State   string // "packing", "done"
	Class   string // what is being packed
	Items   int64
	Bytes   int64
	Created time.Time
	Volumes []Volume
}

// Volume is one file of an archive.
type Volume struct {
	ID     who.ID
	N      int
	Key    string
	Name   string
	Bytes  int64
	SHA256 string
}

// Exports gives the newest archives of an account, at most ten, with their volumes.
func (l *Room) Exports(ctx context.Context, account who.ID) ([]Export, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select id, run, scope, state, class, items, bytes, created_at from exports where account_id = $1 order by id desc limit 10`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("read archives: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (e Export, err error) {
		var id, created int64
		err = r.Scan(&id, &e.Run, &e.In, &e.State, &e.Class, &e.Items, &e.Bytes, &created)
		e.ID, e.Created = who.ID(id), db.Time(created)
		return e, err
	})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	rows, err = l.DB.Q(ctx).QueryContext(ctx, `select export_id, id, n, key, name, bytes, sha256 from export_volumes
		where account_id = $1 and export_id >= $2 order by export_id, n limit 1000`, int64(account), int64(out[len(out)-1].ID))
	if err != nil {
		return nil, fmt.Errorf("read volumes: %w", err)
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
	return out, err
}

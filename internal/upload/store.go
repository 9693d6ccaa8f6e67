package upload

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of uploads.
type store struct{ db *db.DB }

const columns = `id, account_id, what, name, type, detail, length, received, state, created_at, expires_at`

func scan(r db.Row) (u Upload, err error) {
	var created, expires int64
	err = r.Scan((*int64)(&u.ID), (*int64)(&u.Account), &u.What, &u.Name, &u.Type, &u.Detail, &u.Length, &u.Received, (*string)(&u.State), &created, &expires)
	u.Created, u.Expires = db.Time(created), db.Time(expires)
	return u, err
}

// byID gives an upload, anybody's. NotFound: there is none.
func (s store) byID(ctx context.Context, id who.ID) (Upload, error) {
	u, err := scan(s.db.Q(ctx).QueryRowContext(ctx, `select `+columns+` from uploads where id = $1`, int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return u, exit.Fail(exit.NotFound, "upload.error.gone")
	}
	if err != nil {
		return u, fmt.Errorf("read upload: %w", err)
	}
	return u, nil
}

func (s store) open(ctx context.Context, account who.ID, now time.Time) ([]Upload, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+columns+` from uploads where account_id = $1 and state = 'open' and expires_at > $2 order by id desc limit $3`,
		int64(account), db.Ms(now), mostOpen)
	if err != nil {
		return nil, fmt.Errorf("read uploads: %w", err)
	}
	list, err := db.Scan(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read uploads: %w", err)
	}
	return list, nil
}

// bytes gives the sums of uploads whose pieces are kept, by account.
func (s store) bytes(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	list, args := service.In(1, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select account_id, sum(length) from uploads where account_id in (`+list+`) and state <> 'taken' group by account_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("measure uploads: %w", err)
	}
	sums, err := db.Scan(rows, service.ScanSum)
	return service.Sums(sums), err
}

// unfinished counts the account's uploads that are not whole.
func (s store) unfinished(ctx context.Context, account who.ID) (n int, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from uploads where account_id = $1 and state in ('open', 'posted')`, int64(account)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count uploads: %w", err)
	}
	return n, nil
}

// count counts an upload's pieces.
func (s store) count(ctx context.Context, id who.ID) (n int, err error) {
	if err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from upload_pieces where upload_id = $1`, int64(id)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count pieces: %w", err)
	}
	return n, nil
}

func (s store) add(ctx context.Context, pass service.Pass, u Upload) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	_, err := s.db.Exec(ctx, `insert into uploads (`+columns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		int64(u.ID), int64(u.Account), u.What, u.Name, u.Type, u.Detail, u.Length, u.Received, string(u.State), db.Ms(u.Created), db.Ms(u.Expires))
	if err != nil {
		return fmt.Errorf("store upload: %w", err)
	}
	return nil
}

// move stores how far an upload has come since it was at an offset. Conflict: it is elsewhere by now, or gone.
func (s store) move(ctx context.Context, pass service.Pass, from, to Upload) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update uploads set received = $1, length = $2, state = $3, expires_at = $4 where id = $5 and received = $6 and state = $7`,
		to.Received, to.Length, string(to.State), db.Ms(to.Expires), int64(to.ID), from.Received, string(from.State))
	if err != nil {
		return fmt.Errorf("move upload on: %w", err)
	}
	if n == 0 {
		return exit.Fail(exit.Conflict, "upload.error.moved")
	}
	return nil
}

func (s store) addPiece(ctx context.Context, pass service.Pass, u Upload, position int64, b blob.Blob) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	_, err := s.db.Exec(ctx, `insert into upload_pieces (id, upload_id, account_id, position, bytes, key) values ($1, $2, $3, $4, $5, $6)`,
		int64(s.db.IDs.Next()), int64(u.ID), int64(u.Account), position, b.Size, b.Key)
	if err != nil {
		return fmt.Errorf("store piece: %w", err)
	}
	return nil
}

// piece is a part of a file that has come.
type piece struct {
	position, bytes int64
	key             string
}

// pieces gives the next pieces of an upload from a position on, in their order.
func (s store) pieces(ctx context.Context, id who.ID, from int64, limit int) ([]piece, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select position, bytes, key from upload_pieces where upload_id = $1 and position >= $2 order by position limit $3`, int64(id), from, limit)
	if err != nil {
		return nil, fmt.Errorf("read pieces: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (p piece, err error) {
		err = r.Scan(&p.position, &p.bytes, &p.key)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read pieces: %w", err)
	}
	return list, nil
}

// piecesOf is what statements give up and delete of uploads that a condition on o names.
const piecesOf = `(select p.key, p.account_id from upload_pieces p join uploads o on o.id = p.upload_id where `

// take gives the pieces of a whole upload up.
func (s store) take(ctx context.Context, pass service.Pass, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update uploads set state = 'taken' where id = $1 and state in ('done', 'taken')`, int64(id))
	if err != nil {
		return fmt.Errorf("take upload: %w", err)
	}
	if n == 0 {
		return exit.Fail(exit.NotFound, "upload.error.gone")
	}
	return s.dropPieces(ctx, `o.id = $1`, int64(id))
}

// drop forgets the uploads that a condition on o names, and gives their pieces up.
func (s store) drop(ctx context.Context, pass service.Pass, which string, args ...any) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	// The rows are locked before their pieces are looked for: whoever adds one has its upload's too.
	if _, err := s.db.Exec(ctx, `update uploads as o set state = 'taken' where `+which, args...); err != nil {
		return fmt.Errorf("end uploads: %w", err)
	}
	return s.forget(ctx, which, args...)
}

func (s store) forget(ctx context.Context, which string, args ...any) error {
	if err := s.dropPieces(ctx, which, args...); err != nil {
		return err
	}
	for _, query := range []string{`delete from upload_items where upload_id in (select o.id from uploads o where ` + which + `)`, `delete from uploads as o where ` + which} {
		if _, err := s.db.Exec(ctx, query, args...); err != nil {
			return fmt.Errorf("forget uploads: %w", err)
		}
	}
	return nil
}

func (s store) dropPieces(ctx context.Context, which string, args ...any) error {
	for _, query := range []string{
		blob.DoomSQL(piecesOf+which+`) r`, "r.key", "r.account_id"),
		`delete from upload_pieces where upload_id in (select o.id from uploads o where ` + which + `)`,
	} {
		if _, err := s.db.Exec(ctx, query, args...); err != nil {
			return fmt.Errorf("give pieces up: %w", err)
		}
	}
	return nil
}

func (s store) sweep(ctx context.Context, now time.Time, limit int) (int64, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id from uploads where expires_at <= $1 order by expires_at, id limit $2`+s.db.ForUpdate(), db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("look for old uploads: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) {
		err = r.Scan((*int64)(&id))
		return id, err
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	list, args := service.In(1, ids)
	return int64(len(ids)), s.forget(ctx, `o.id in (`+list+`)`, args...)
}

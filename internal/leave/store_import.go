package leave

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// addImport stores an import that waits; key is "" for an archive that lies on this machine's disk.
func (l *Room) addImport(ctx context.Context, pass service.Pass, id, account who.ID, key string, bytes int64) error {
	if _, err := l.DB.Exec(ctx, `insert into imports (id, account_id, state, kind, key, problem, class, position, done, total, created_at, bytes)
		values ($1, $2, 'waiting', '', $3, '', '', 0, 0, 0, $4, $5)`, int64(id), int64(account), key, db.Ms(pass.At), bytes); err != nil {
		return fmt.Errorf("store import: %w", err)
	}
	return nil
}

// moveImport stores how far an import has come since so many of its records were done, and adds to its results. NotFound:
// it was erased meanwhile, or another worker has moved it on.
func (l *Room) moveImport(ctx context.Context, im Import, done int64, tally map[ImportResult]int64) error {
	n, err := l.DB.Exec(ctx, `update imports set state = $1, kind = $2, class = $3, position = $4, done = $5, total = $6, problem = $7 where id = $8 and done = $9`,
		im.State, im.Kind, im.Class, im.At, im.Done, im.Total, im.Problem, int64(im.ID), done)
	if err != nil {
		return fmt.Errorf("move import on: %w", err)
	}
	if n == 0 {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	for k, n := range tally {
		if _, err := l.DB.Exec(ctx, `insert into import_results (import_id, account_id, class, result, reason, n) values ($1, $2, $3, $4, $5, $6)
			on conflict (import_id, class, result, reason) do update set n = import_results.n + excluded.n`,
			int64(im.ID), int64(im.Account), k.Class, k.Result, k.Reason, n); err != nil {
			return fmt.Errorf("store results of import: %w", err)
		}
	}
	return nil
}

// closeImport stores when an import ended; its staged file is no longer its own.
func (l *Room) closeImport(ctx context.Context, id who.ID, now time.Time) error {
	if _, err := l.DB.Exec(ctx, `update imports set key = '', ended_at = $1 where id = $2`, db.Ms(now), int64(id)); err != nil {
		return fmt.Errorf("end import: %w", err)
	}
	return nil
}

// Import gives one import of an account with its results; NotFound for another's.
func (l *Room) Import(ctx context.Context, account, id who.ID) (Import, error) {
	im := Import{ID: id, Account: account}
	var created int64
	var ended sql.NullInt64
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select state, kind, key, problem, class, position, done, total, created_at, ended_at from imports where id = $1 and account_id = $2`,
		int64(id), int64(account)).Scan(&im.State, &im.Kind, &im.Key, &im.Problem, &im.Class, &im.At, &im.Done, &im.Total, &created, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return im, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return im, fmt.Errorf("read import: %w", err)
	}
	im.Created = db.Time(created)
	if ended.Valid {
		im.Ended = db.Time(ended.Int64)
	}
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select class, result, reason, n from import_results where import_id = $1 order by class, result, reason limit 200`, int64(id))
	if err != nil {
		return im, fmt.Errorf("read results of import: %w", err)
	}
	im.Results, err = db.Scan(rows, func(r db.Row) (x ImportResult, err error) {
		err = r.Scan(&x.Class, &x.Result, &x.Reason, &x.N)
		return x, err
	})
	return im, err
}

// Imports gives the ids of an account's newest imports, at most ten.
func (l *Room) Imports(ctx context.Context, account who.ID) ([]who.ID, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select id from imports where account_id = $1 order by id desc limit 10`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		err := r.Scan(&id)
		return who.ID(id), err
	})
}

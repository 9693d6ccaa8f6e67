package blob

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

func (s *Store) pend(ctx context.Context, key string, account who.ID) error {
	return s.DB.Update(ctx, func(ctx context.Context) error {
		_, err := s.DB.Exec(ctx, `insert into blob_pending (key, account_id, created_at) values ($1, $2, $3)`, key, int64(account), db.Ms(s.Clock.Now()))
		if err != nil {
			return fmt.Errorf("announce blob: %w", err)
		}
		return nil
	})
}

// pending tells whether a blob's pending row stands.
func (s *Store) pending(ctx context.Context, key string) (there bool, err error) {
	var n int64
	if err := s.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from blob_pending where key = $1`, key).Scan(&n); err != nil {
		return false, fmt.Errorf("look for blob: %w", err)
	}
	return n > 0, nil
}

// Keep says, in the transaction that stores a reference to them, that blobs stay. NotFound: one was swept, or is kept already.
func (s *Store) Keep(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		n, err := s.DB.Exec(ctx, `delete from blob_pending where key = $1`, key)
		if err != nil {
			return fmt.Errorf("keep blob: %w", err)
		}
		if n == 0 {
			return exit.Fail(exit.NotFound, "media.error.gone")
		}
	}
	return nil
}

// Doom gives up blobs of an account, in the transaction that deletes the last reference to them; "" is passed over. They
// are removed soon after its commit.
func (s *Store) Doom(ctx context.Context, account who.ID, keys ...string) error {
	some := false
	for _, key := range keys {
		if key == "" {
			continue
		}
		if k, ok := ParseKey(key); !ok || k.Account != account {
			return fmt.Errorf("give up blob: not a key of account %s", account)
		}
		if _, err := s.DB.Exec(ctx, `insert into blob_doomed (key, account_id) values ($1, $2) on conflict (key) do nothing`, key, int64(account)); err != nil {
			return fmt.Errorf("give up blob: %w", err)
		}
		some = true
	}
	if some {
		exitsql.AfterCommit(ctx, func() {
			select {
			case s.doomed <- account:
			default: // the sweep finds it
			}
		})
	}
	return nil
}

// DoomSQL gives the statement that gives up the blobs of a set of rows, for [exitsql.Table.Also] and for deletes of many rows:
// from is "{rows} r" or a select in brackets with a name, key and account are columns of it. Empty keys are passed over.
// What it gives up is removed by this holder's step, or by [Store.Drain] at the latest.
func DoomSQL(from, key, account string) string {
	return `insert into blob_doomed (key, account_id) select ` + key + `, ` + account + ` from ` + from + ` where ` + key + ` <> '' on conflict (key) do nothing`
}

// doomedOf lists what was given up, by key: of one account, or of all if account is 0.
func (s *Store) doomedOf(ctx context.Context, account who.ID, after string, limit int) ([]string, error) {
	query, args := `select key from blob_doomed where key > $1 order by key limit $2`, []any{after, limit}
	if account != 0 {
		query, args = `select key from blob_doomed where account_id = $3 and key > $1 order by key limit $2`, append(args, int64(account))
	}
	rows, err := s.DB.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read what was given up: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (key string, err error) { err = r.Scan(&key); return key, err })
}

// page is how many objects are removed before their rows go.
const page = 200

// Drain removes what was given up: of one account, or of all if account is 0. It gives the number of keys. It may run at any
// time, anywhere, and more than once at a time.
func (s *Store) Drain(ctx context.Context, account who.ID) (n int, err error) {
	for {
		keys, err := s.doomedOf(ctx, account, "", page)
		if err != nil || len(keys) == 0 {
			return n, err
		}
		if err := s.removeDoomed(ctx, keys); err != nil {
			return n, err
		}
		n += len(keys)
	}
}

// removeDoomed removes objects and then their rows, in one transaction of its own.
func (s *Store) removeDoomed(ctx context.Context, keys []string) error {
	if err := s.removeAll(ctx, keys); err != nil {
		return err
	}
	return s.DB.Update(ctx, func(ctx context.Context) error {
		return s.strikeOff(ctx, "blob_doomed", keys)
	})
}

func (s *Store) strikeOff(ctx context.Context, table string, keys []string) error {
	marks, args := make([]string, len(keys)), make([]any, len(keys))
	for i, key := range keys {
		marks[i], args[i] = "$"+strconv.Itoa(i+1), key
	}
	if _, err := s.DB.Exec(ctx, `delete from `+table+` where key in (`+strings.Join(marks, ", ")+`)`, args...); err != nil {
		return fmt.Errorf("strike off %s: %w", table, err)
	}
	return nil
}

// term is how long a blob may wait for the transaction that keeps it.
const term = 24 * time.Hour

// Sweep removes blobs that nobody kept within a day, and whatever else was given up. It gives the number of keys.
func (s *Store) Sweep(ctx context.Context) (n int, err error) {
	before := db.Ms(s.Clock.Now().Add(-term))
	for more := true; more; {
		err = s.DB.Update(ctx, func(ctx context.Context) error {
			more, err = s.giveUp(ctx, before)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("give up what nobody kept: %w", err)
		}
	}
	return s.Drain(ctx, 0)
}

// giveUp turns a page of old pending rows into doomed ones and says whether there may be more. The rows are locked first:
// a Keep that comes later finds none, and one that came before has taken its own away.
func (s *Store) giveUp(ctx context.Context, before int64) (more bool, err error) {
	rows, err := s.DB.Q(ctx).QueryContext(ctx, `select key, account_id from blob_pending where created_at <= $1 order by created_at, key limit $2`+s.DB.ForUpdate(), before, page)
	if err != nil {
		return false, err
	}
	var values []string
	var args []any
	keys, err := db.Scan(rows, func(r db.Row) (key string, err error) {
		var account int64
		err = r.Scan(&key, &account)
		values = append(values, fmt.Sprintf("($%d, $%d)", len(args)+1, len(args)+2))
		args = append(args, key, account)
		return key, err
	})
	if err != nil || len(keys) == 0 {
		return false, err
	}
	for _, key := range keys {
		if err := s.clearUnfinished(key); err != nil {
			return false, err
		}
	}
	if _, err := s.DB.Exec(ctx, `insert into blob_doomed (key, account_id) values `+strings.Join(values, ", ")+` on conflict (key) do nothing`, args...); err != nil {
		return false, err
	}
	return len(keys) == page, s.strikeOff(ctx, "blob_pending", keys)
}

// sweepEvery is how often a loop sweeps.
const sweepEvery = 10 * time.Minute

// Run removes what is given up soon after the commit, and sweeps every ten minutes, until ctx ends. What fails is logged and
// tried again at the next sweep: the rows stand until the objects are gone.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case account := <-s.doomed:
			_, err = s.Drain(ctx, account)
		case <-tick.C:
			_, err = s.Sweep(ctx)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			s.log().ErrorContext(ctx, "blobs that were given up cannot be removed", "err", err)
		}
	}
}

package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Pass is the proof that a transaction has gone through the fence. Store methods that write
// for or onto an account ask for one; only this package makes them. At is the one timestamp of
// the change, promise time.
type Pass struct {
	At time.Time
	ok bool
}

// Valid reports whether the pass was given by the fence.
func (p Pass) Valid() bool { return p.ok }

// Write is what is about to be written: by whom, onto whose account, in which service and place.
type Write struct {
	By      who.ID
	Onto    []who.ID // others' accounts that it touches
	Service string   // "" for what belongs to no service: profile, follows
	Place   who.ID
}

// Enter lets a write through the fence: it keeps the state rows of the accounts and of the
// service from changing until the transaction ends, takes one timestamp and compares. A frozen
// account or a service that takes no writes is Unavailable, an account that is gone NotFound.
// It must be called inside a transaction, before anything is written.
func (k *Desk) Enter(ctx context.Context, w Write) (Pass, error) {
	if err := k.lock(ctx, append([]who.ID{w.By}, w.Onto...)); err != nil {
		return Pass{}, err
	}
	if err := k.allowed(ctx, w.Service); err != nil {
		return Pass{}, err
	}
	frozen, err := k.frozen(ctx, w)
	if err != nil {
		return Pass{}, err
	}
	if len(frozen) > 0 {
		key := "error.frozen_other"
		if slices.Contains(frozen, w.By) {
			key = "error.frozen"
		}
		return Pass{}, exit.Fail(exit.Unavailable, key)
	}
	return k.stamp(ctx)
}

// EnterExit lets through what freezing never forbids: signing in and out, exports, what belongs
// to the Exit Center. The accounts must still be there.
func (k *Desk) EnterExit(ctx context.Context, accounts ...who.ID) (Pass, error) {
	if err := k.lock(ctx, accounts); err != nil {
		return Pass{}, err
	}
	return k.stamp(ctx)
}

// NewAccount gives the pass for rows of an account that is made in this very transaction, and
// makes its state row.
func (k *Desk) NewAccount(ctx context.Context, account who.ID) (Pass, error) {
	if _, err := k.db.Exec(ctx, `insert into standings (account_id, version) values ($1, 1)`, int64(account)); err != nil {
		return Pass{}, fmt.Errorf("make state row: %w", err)
	}
	return k.stamp(ctx)
}

func (k *Desk) stamp(ctx context.Context) (Pass, error) {
	now, err := k.db.Now(ctx)
	if err != nil {
		return Pass{}, err
	}
	return Pass{At: now, ok: true}, nil
}

// lock takes the accounts' state rows, in the order of their ids, shared.
func (k *Desk) lock(ctx context.Context, accounts []who.ID) error {
	ids := slices.Clone(accounts)
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id who.ID) bool { return id == 0 })
	list, args := In(1, ids)
	rows, err := k.db.Q(ctx).QueryContext(ctx, `select account_id from standings where account_id in (`+list+`) order by account_id`+k.db.ForShare(), args...)
	if err != nil {
		return fmt.Errorf("lock state rows: %w", err)
	}
	found, err := db.Scan(rows, func(r db.Row) (int64, error) {
		var id int64
		return id, r.Scan(&id)
	})
	if err != nil {
		return fmt.Errorf("lock state rows: %w", err)
	}
	if len(found) != len(ids) {
		return exit.Fail(exit.NotFound, "error.account_gone")
	}
	return nil
}

func (k *Desk) allowed(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	var allows string
	err := k.db.Q(ctx).QueryRowContext(ctx, `select allows from services where name = $1`+k.db.ForShare(), name).Scan(&allows)
	if err != nil {
		return fmt.Errorf("read service %s: %w", name, err)
	}
	if !slices.Contains(strings.Fields(allows), "write") {
		return exit.Fail(exit.Unavailable, "error.service_closed")
	}
	return nil
}

// frozen gives the accounts of the write that are frozen in its scope.
func (k *Desk) frozen(ctx context.Context, w Write) ([]who.ID, error) {
	list, args := In(3, append([]who.ID{w.By}, w.Onto...))
	args = append([]any{w.Service, scope(w.Service, w.Place)}, args...)
	rows, err := k.db.Q(ctx).QueryContext(ctx, `select distinct account_id from reasons
		where what = 'freeze' and (scope = '' or scope = $1 or scope = $2) and account_id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read freezes: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		err := r.Scan(&id)
		return who.ID(id), err
	})
}

// In gives the placeholders of an SQL list, from $first on, and its arguments.
func In(first int, ids []who.ID) (string, []any) {
	var b strings.Builder
	args := make([]any, len(ids))
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", first+i)
		args[i] = int64(id)
	}
	if len(ids) == 0 {
		return "null", nil
	}
	return b.String(), args
}

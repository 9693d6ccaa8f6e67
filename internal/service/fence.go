package service

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
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
	Removal bool // it only takes away: a muted account may, and in every phase of a sunset until the stop
	Keeps   bool // it keeps order or says farewell: it goes on until the stop too
	Join    bool // somebody comes in: an account, a member, a channel
}

// Enter lets a write through the fence: it keeps the states of the accounts and of the service from
// changing until the transaction ends, takes one timestamp and compares. A frozen account is
// Unavailable, an account that is gone NotFound; one that may not write here for now (muted by who answers
// for the place or the install), or a service, place or install whose sunset allows it no more by now, Forbidden. It must be called inside a
// transaction, before anything is written.
func (k *Desk) Enter(ctx context.Context, w Write) (Pass, error) {
	frozen, muted, err := k.lock(ctx, append([]who.ID{w.By}, w.Onto...), w.Service, w.Place)
	if err != nil {
		return Pass{}, err
	}
	pass, err := k.stamp(ctx)
	if err != nil {
		return Pass{}, err
	}
	if err := k.allowed(ctx, w, pass.At); err != nil {
		return Pass{}, err
	}
	if len(frozen) > 0 {
		key := "error.frozen_other"
		if slices.Contains(frozen, w.By) {
			key = "error.frozen"
		}
		return Pass{}, exit.Fail(exit.Unavailable, key)
	}
	if !w.Removal && slices.Contains(muted, w.By) {
		return Pass{}, exit.Fail(exit.Forbidden, "error.muted")
	}
	return pass, nil
}

// EnterExit lets through what freezing never forbids: signing in and out, exports, what belongs
// to the Exit Center. The accounts must still be there.
func (k *Desk) EnterExit(ctx context.Context, accounts ...who.ID) (Pass, error) {
	if _, _, err := k.lock(ctx, accounts, "", 0); err != nil {
		return Pass{}, err
	}
	return k.stamp(ctx)
}

// Alone keeps every write for and onto an account out until the transaction ends: what is read
// after it stays true. NotFound for an account that is gone.
func (k *Desk) Alone(ctx context.Context, account who.ID) error { return k.exclusive(ctx, account) }

// NewAccount gives the pass for rows of an account that is made in this very transaction, and
// makes its state row. Forbidden where the install's sunset lets nobody in any more.
func (k *Desk) NewAccount(ctx context.Context, account who.ID) (Pass, error) {
	if err := k.advise(ctx, nil, ""); err != nil {
		return Pass{}, err
	}
	pass, err := k.stamp(ctx)
	if err != nil {
		return Pass{}, err
	}
	if err := k.allowed(ctx, Write{Join: true}, pass.At); err != nil {
		return Pass{}, err
	}
	if _, err := k.db.Exec(ctx, `insert into standings (account_id, version) values ($1, 1)`, int64(account)); err != nil {
		return Pass{}, fmt.Errorf("make state row: %w", err)
	}
	return pass, nil
}

func (k *Desk) stamp(ctx context.Context) (Pass, error) {
	now, err := k.db.Now(ctx)
	if err != nil {
		return Pass{}, err
	}
	return Pass{At: now, ok: true}, nil
}

// lock keeps the accounts' states from changing, shared, in the order of their ids, and gives those
// of them that are frozen in the scope, and those that are muted there. On PostgreSQL the lock is an advisory one, whose queue is
// fair: with row locks, writers that come one after the other keep a freeze waiting for ever.
func (k *Desk) lock(ctx context.Context, accounts []who.ID, service string, place who.ID) (frozen, muted []who.ID, err error) {
	if _, ok := exitsql.Tx(ctx); !ok {
		return nil, nil, errors.New("the fence stands inside a transaction")
	}
	ids := slices.Clone(accounts)
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id who.ID) bool { return id == 0 })
	if err := k.advise(ctx, ids, service); err != nil {
		return nil, nil, err
	}
	list, args := In(3, ids)
	args = append([]any{service, scope(service, place)}, args...)
	rows, err := k.db.Q(ctx).QueryContext(ctx, `select s.account_id, coalesce(max(case r.what when 'freeze' then 1 else 0 end), 0), coalesce(max(case r.what when 'mute' then 1 else 0 end), 0)
		from standings s left join reasons r on r.account_id = s.account_id and r.what in ('freeze', 'mute') and (r.scope = '' or r.scope = $1 or r.scope = $2)
		where s.account_id in (`+list+`) group by s.account_id`, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("read states: %w", err)
	}
	found, err := db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id, freeze, mute int64
		err := r.Scan(&id, &freeze, &mute)
		if freeze == 1 {
			frozen = append(frozen, who.ID(id))
		}
		if mute == 1 {
			muted = append(muted, who.ID(id))
		}
		return who.ID(id), err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read states: %w", err)
	}
	if len(found) != len(ids) {
		return nil, nil, exit.Fail(exit.NotFound, "error.account_gone")
	}
	return frozen, muted, nil
}

// advise takes the shared locks of accounts and service. On SQLite a writing transaction is alone.
func (k *Desk) advise(ctx context.Context, ids []who.ID, service string) error {
	if k.db.SQLite() {
		return nil
	}
	var values strings.Builder
	var args []any
	for _, id := range ids {
		args = append(args, int64(id))
	}
	args = append(args, serviceLock("")) // the install as a whole
	if service != "" {
		args = append(args, serviceLock(service))
	}
	for i := range args {
		if i > 0 {
			values.WriteByte(',')
		}
		fmt.Fprintf(&values, "($%d::bigint)", i+1)
	}
	if _, err := k.db.Exec(ctx, `select pg_advisory_xact_lock_shared(v.id) from (values `+values.String()+`) v (id)`, args...); err != nil {
		return fmt.Errorf("lock states: %w", err)
	}
	return nil
}

// serviceLock gives the key of a service's lock: negative, where no account's id is.
func serviceLock(name string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails (hash.Hash)
	return -1 - int64(h.Sum32())
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

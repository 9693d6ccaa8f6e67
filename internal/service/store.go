package service

import (
	"context"
	"fmt"
	"slices"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// everything is what a service allows that is not being ended.
const everything = "join write entrance read export"

// Announce stores the services of the registry that the database does not know yet.
func (k *Desk) Announce(ctx context.Context) error {
	return k.db.Update(ctx, func(ctx context.Context) error {
		for _, s := range k.registry.Services {
			if _, err := k.db.Exec(ctx, `insert into services (name, allows) values ($1, $2) on conflict (name) do nothing`, s.Name, everything); err != nil {
				return fmt.Errorf("store service %s: %w", s.Name, err)
			}
		}
		return nil
	})
}

// Entrance is a service's place in an account's tabs and on Discover.
type Entrance struct {
	Service  Service
	Shown    bool
	Position int
}

// Placement is how an account has placed one entrance.
type Placement struct {
	Service  string
	Shown    bool
	Position int
}

// Entrances gives the account's entrances in its order, hidden ones too. A guest sees all.
func (k *Desk) Entrances(ctx context.Context, account who.ID) ([]Entrance, error) {
	if account == 0 {
		return k.Placed(nil), nil
	}
	rows, err := k.db.Q(ctx).QueryContext(ctx, `select service, shown, position from entrances where account_id = $1`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("read entrances: %w", err)
	}
	own, err := db.Scan(rows, func(r db.Row) (Placement, error) {
		var x Placement
		var shown int64
		err := r.Scan(&x.Service, &shown, &x.Position)
		x.Shown = shown == 1
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read entrances: %w", err)
	}
	return k.Placed(own), nil
}

// Placed gives the entrances of an account that has placed some of them.
func (k *Desk) Placed(own []Placement) []Entrance {
	var out []Entrance
	for i, s := range k.registry.Services {
		e := Entrance{Service: s, Shown: true, Position: i}
		if j := slices.IndexFunc(own, func(x Placement) bool { return x.Service == s.Name }); j >= 0 {
			e.Shown, e.Position = own[j].Shown, own[j].Position
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b Entrance) int { return a.Position - b.Position })
	return out
}

// Arrange stores the order of the account's entrances.
func (k *Desk) Arrange(ctx context.Context, p Pass, account who.ID, names []string) error {
	if !p.Valid() {
		return errNoPass
	}
	for i, name := range names {
		if _, ok := k.registry.Service(name); !ok {
			return exit.Fail(exit.Invalid, "error.no_service", "service", name)
		}
		if _, err := k.db.Exec(ctx, `insert into entrances (account_id, service, shown, position) values ($1, $2, 1, $3)
			on conflict (account_id, service) do update set position = excluded.position`, int64(account), name, i); err != nil {
			return fmt.Errorf("store order of entrances: %w", err)
		}
	}
	return nil
}

// place stores one entrance whole.
func (k *Desk) place(ctx context.Context, p Pass, account who.ID, e EntranceRecord) error {
	if !p.Valid() {
		return errNoPass
	}
	_, err := k.db.Exec(ctx, `insert into entrances (account_id, service, shown, position) values ($1, $2, $3, $4)
		on conflict (account_id, service) do update set shown = excluded.shown, position = excluded.position`, int64(account), e.Service, flag(e.Shown), e.Position)
	if err != nil {
		return fmt.Errorf("store entrance: %w", err)
	}
	return nil
}

func (k *Desk) show(ctx context.Context, account who.ID, name string, shown bool) error {
	if _, ok := k.registry.Service(name); !ok {
		return exit.Fail(exit.Invalid, "error.no_service", "service", name)
	}
	position := slices.IndexFunc(k.registry.Services, func(s Service) bool { return s.Name == name })
	_, err := k.db.Exec(ctx, `insert into entrances (account_id, service, shown, position) values ($1, $2, $3, $4)
		on conflict (account_id, service) do update set shown = excluded.shown`, int64(account), name, flag(shown), position)
	if err != nil {
		return fmt.Errorf("store entrance: %w", err)
	}
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// exclusive takes the account's state row for a change: it waits for every write that went
// through the fence before, and every later one waits for it.
func (k *Desk) exclusive(ctx context.Context, account who.ID) error {
	if err := k.alone(ctx, account); err != nil {
		return err
	}
	n, err := k.db.Exec(ctx, `update standings set version = version + 1 where account_id = $1`, int64(account))
	if err != nil {
		return fmt.Errorf("lock state row: %w", err)
	}
	if n == 0 {
		return exit.Fail(exit.NotFound, "error.account_gone")
	}
	return nil
}

// alone waits until no write that went through the fence is under way for the account, and keeps
// new ones waiting until the transaction ends.
func (k *Desk) alone(ctx context.Context, account who.ID) error {
	if k.db.SQLite() {
		return nil
	}
	if _, err := k.db.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(account)); err != nil {
		return fmt.Errorf("lock state: %w", err)
	}
	return nil
}

// setReason adds a reason to a set, or takes it out; a set is open only when it is empty.
func (k *Desk) setReason(ctx context.Context, t exit.Task, what string, on bool) error {
	id, ok := who.ParseID(t.Subject.ID)
	if !ok || t.Subject.Kind != exit.SubjectAccount {
		return exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	if err := k.exclusive(ctx, id); err != nil {
		return err
	}
	var err error
	if on {
		_, err = k.db.Exec(ctx, `insert into reasons (account_id, scope, what, reason, since) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			int64(id), t.Subject.In, what, t.Run, db.Ms(t.Now))
	} else {
		_, err = k.db.Exec(ctx, `delete from reasons where account_id = $1 and what = $2 and scope = $3 and reason = $4`, int64(id), what, t.Subject.In, t.Run)
	}
	if err != nil {
		return fmt.Errorf("change %s: %w", what, err)
	}
	return nil
}

// Restrain adds a reason for which an account may not write ("mute") or is not seen by others ("veil") in a service and
// place, "" and 0 for everywhere, or takes it out. It waits for what the account is writing. NotFound for an account that is gone.
func (k *Desk) Restrain(ctx context.Context, p Pass, account who.ID, service string, place who.ID, what, reason string, on bool) error {
	if !p.Valid() {
		return errNoPass
	}
	if err := k.exclusive(ctx, account); err != nil {
		return err
	}
	var err error
	if on {
		_, err = k.db.Exec(ctx, `insert into reasons (account_id, scope, what, reason, since) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			int64(account), scope(service, place), what, reason, db.Ms(p.At))
	} else {
		_, err = k.db.Exec(ctx, `delete from reasons where account_id = $1 and what = $2 and scope = $3 and reason = $4`, int64(account), what, scope(service, place), reason)
	}
	if err != nil {
		return fmt.Errorf("change %s: %w", what, err)
	}
	return nil
}

// Veiled gives those of the accounts that are veiled as a whole.
func (k *Desk) Veiled(ctx context.Context, accounts []who.ID) (map[who.ID]bool, error) {
	list, args := In(1, accounts)
	rows, err := k.db.Q(ctx).QueryContext(ctx, `select distinct account_id from reasons where what = 'veil' and scope = '' and account_id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read veils: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		err := r.Scan(&id)
		return who.ID(id), err
	})
	out := make(map[who.ID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

// Sum is a number of an account's.
type Sum struct {
	Account who.ID
	N       int64
}

// ScanSum reads a row of an account and a number.
func ScanSum(r db.Row) (x Sum, err error) {
	err = r.Scan((*int64)(&x.Account), &x.N)
	return x, err
}

// Sums gives numbers by account.
func Sums(list []Sum) map[who.ID]int64 {
	out := make(map[who.ID]int64, len(list))
	for _, x := range list {
		out[x.Account] += x.N
	}
	return out
}

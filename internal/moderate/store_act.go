package moderate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

const actColumns = `id, kind, ref_kind, ref_id, service, place_id, coalesce(about_id, 0), coalesce(by_id, 0), rule, words, detail, until, of_id, case_id, state, created_at`

func scanAct(r db.Row) (Act, error) {
	var a Act
	var at int64
	var until sql.NullInt64
	err := r.Scan((*int64)(&a.ID), &a.Kind, &a.Ref.Kind, (*int64)(&a.Ref.ID), &a.Place.Service, (*int64)(&a.Place.ID), (*int64)(&a.About), (*int64)(&a.By),
		&a.Rule, &a.Words, &a.Detail, &until, (*int64)(&a.Of), (*int64)(&a.Case), &a.State, &at)
	a.Until, a.At = timeOf(until), db.Time(at)
	return a, err
}

func (s store) listActs(ctx context.Context, query string, args ...any) ([]Act, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+actColumns+` from acts where `+query, args...)
	if err != nil {
		return nil, fmt.Errorf("list acts: %w", err)
	}
	list, err := db.Scan(rows, scanAct)
	if err != nil {
		return nil, fmt.Errorf("list acts: %w", err)
	}
	return list, nil
}

func (s store) addAct(ctx context.Context, p service.Pass, a Act) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into acts (id, kind, ref_kind, ref_id, service, place_id, about_id, by_id, rule, words, detail, until, of_id, case_id, state, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`, int64(a.ID), a.Kind, a.Ref.Kind, int64(a.Ref.ID), a.Place.Service, int64(a.Place.ID),
		null(a.About), null(a.By), a.Rule, a.Words, a.Detail, instant(a.Until), int64(a.Of), int64(a.Case), a.State, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store act: %w", err)
	}
	return nil
}

// oneAct gives an act; change keeps it from being changed by others until the transaction ends.
func (s store) oneAct(ctx context.Context, id who.ID, change bool) (Act, error) {
	query := `select ` + actColumns + ` from acts where id = $1`
	if change {
		query += s.db.ForUpdate()
	}
	a, err := scanAct(s.db.Q(ctx).QueryRowContext(ctx, query, int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return a, errNone()
	}
	if err != nil {
		return a, fmt.Errorf("read act: %w", err)
	}
	return a, nil
}

func (s store) setActState(ctx context.Context, p service.Pass, id who.ID, state string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update acts set state = $2 where id = $1`, int64(id), state); err != nil {
		return fmt.Errorf("change act: %w", err)
	}
	return nil
}

// acts gives a page of the log of a place.
func (s store) acts(ctx context.Context, p Place, before who.ID, limit int) ([]Act, error) {
	where, args := within(p)
	return s.listActs(ctx, where+` and id < $3 order by id desc limit $4`, append(args, top(before), limit)...)
}

// laid are the acts that are laid on somebody.
const laid = `'remove', 'mute', 'kick', 'ban', 'limit', 'suspend', 'refuse', 'turn_away'`

// actsAbout gives a page of what was done about an account: in a circle, or, for the operator's place, everywhere.
func (s store) actsAbout(ctx context.Context, p Place, about, before who.ID, limit int) ([]Act, error) {
	where, args := within(p)
	return s.listActs(ctx, where+` and about_id = $3 and id < $4 and kind in (`+laid+`) order by id desc limit $5`,
		append(args, int64(about), top(before), limit)...)
}

const sanctionColumns = `id, account_id, what, service, place_id, act_id, rule, until, created_at`

func scanSanction(r db.Row) (Sanction, error) {
	var x Sanction
	var at int64
	var until sql.NullInt64
	err := r.Scan((*int64)(&x.ID), (*int64)(&x.Account), &x.What, &x.Place.Service, (*int64)(&x.Place.ID), (*int64)(&x.Act), &x.Rule, &until, &at)
	x.Until, x.Since = timeOf(until), db.Time(at)
	return x, err
}

func (s store) listSanctions(ctx context.Context, query string, args ...any) ([]Sanction, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+sanctionColumns+` from sanctions where `+query, args...)
	if err != nil {
		return nil, fmt.Errorf("list sanctions: %w", err)
	}
	list, err := db.Scan(rows, scanSanction)
	if err != nil {
		return nil, fmt.Errorf("list sanctions: %w", err)
	}
	return list, nil
}

// sanctionOf gives what holds of a kind against an account in a place; the zero one if nothing does.
func (s store) sanctionOf(ctx context.Context, account who.ID, what string, p Place) (Sanction, error) {
	list, err := s.listSanctions(ctx, `account_id = $1 and what = $2 and service = $3 and place_id = $4`, int64(account), what, p.Service, int64(p.ID))
	if err != nil || len(list) == 0 {
		return Sanction{}, err
	}
	return list[0], nil
}

func (s store) sanctionsOf(ctx context.Context, account who.ID, limit int) ([]Sanction, error) {
	return s.listSanctions(ctx, `account_id = $1 order by id desc limit $2`, int64(account), limit)
}

// sanctions gives a page of what holds in a place.
func (s store) sanctions(ctx context.Context, p Place, before who.ID, limit int) ([]Sanction, error) {
	return s.listSanctions(ctx, `service = $1 and place_id = $2 and id < $3 order by id desc limit $4`, p.Service, int64(p.ID), top(before), limit)
}

func (s store) addSanction(ctx context.Context, p service.Pass, x Sanction) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into sanctions (id, account_id, what, service, place_id, act_id, rule, until, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (account_id, what, service, place_id) do update set act_id = excluded.act_id, rule = excluded.rule, until = excluded.until, created_at = excluded.created_at`,
		int64(x.ID), int64(x.Account), x.What, x.Place.Service, int64(x.Place.ID), int64(x.Act), x.Rule, instant(x.Until), db.Ms(x.Since)); err != nil {
		return fmt.Errorf("store sanction: %w", err)
	}
	return nil
}

func (s store) removeSanction(ctx context.Context, p service.Pass, account, act who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from sanctions where account_id = $1 and act_id = $2`, int64(account), int64(act)); err != nil {
		return fmt.Errorf("remove sanction: %w", err)
	}
	return nil
}

// endSanctions ends what has come to its date. It writes for nobody: what it removes holds no longer.
func (s store) endSanctions(ctx context.Context, now time.Time, limit int) (int64, error) {
	const over = ` from sanctions where until <= $1 order by until limit $2)`
	if _, err := s.db.Exec(ctx, `delete from reasons where what in ('mute', 'veil') and account_id in (select account_id`+over+` and reason in (select 'act:' || act_id`+over,
		db.Ms(now), limit); err != nil {
		return 0, fmt.Errorf("end restraints: %w", err)
	}
	n, err := s.db.Exec(ctx, `delete from sanctions where id in (select id`+over, db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("end sanctions: %w", err)
	}
	return n, nil
}

// actsByID gives those of the acts that are there.
func (s store) actsByID(ctx context.Context, ids []who.ID) (map[who.ID]Act, error) {
	in, args := service.In(1, ids)
	list, err := s.listActs(ctx, `id in (`+in+`)`, args...)
	out := make(map[who.ID]Act, len(list))
	for _, a := range list {
		out[a.ID] = a
	}
	return out, err
}

// out reports whether another removal than an act keeps the same thing out of sight.
func (s store) out(ctx context.Context, a Act) (yes bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from acts where ref_kind = $1 and ref_id = $2 and kind = 'remove' and state = 'active' and id <> $3`,
		a.Ref.Kind, int64(a.Ref.ID), int64(a.ID)).Scan(&n); err != nil {
		return false, fmt.Errorf("look for a removal: %w", err)
	}
	return n > 0, nil
}

// removalOf gives the act by which a thing is out of sight, the last one, or by which it was; NotFound if there is none.
func (s store) removalOf(ctx context.Context, ref who.Ref) (Act, error) {
	list, err := s.listActs(ctx, `ref_kind = $1 and ref_id = $2 and kind = 'remove' order by case when state = 'active' then 0 else 1 end, id desc limit 1`, ref.Kind, int64(ref.ID))
	if err != nil {
		return Act{}, err
	}
	if len(list) == 0 {
		return Act{}, errNone()
	}
	return list[0], nil
}

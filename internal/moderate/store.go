package moderate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of cases, reports, acts and appeals.
type store struct{ db *db.DB }

func null(id who.ID) any {
	if id == 0 {
		return nil
	}
	return int64(id)
}

func instant(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return db.Ms(at)
}

func timeOf(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return db.Time(ms.Int64)
}

func top(before who.ID) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return int64(before)
}

// operators gives an active account of each operator.
func (s store) operators(ctx context.Context, limit int) ([]who.ID, error) {
	return s.ids(ctx, "find operators", `select min(a.id) from people p join account_people j on j.person_id = p.id join accounts a on a.id = j.account_id
		where p.operator = 1 and a.kind = 'personal' and a.state = 'active' group by p.id order by p.id limit $1`, limit)
}

func (s store) ids(ctx context.Context, what, query string, args ...any) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list, err := db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		err := r.Scan(&id)
		return who.ID(id), err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

// operates reports whether a person of the account is an operator.
func (s store) operates(ctx context.Context, account who.ID) (yes bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from account_people j join people p on p.id = j.person_id where j.account_id = $1 and p.operator = 1`,
		int64(account)).Scan(&n); err != nil {
		return false, fmt.Errorf("look for an operator: %w", err)
	}
	return n > 0, nil
}

const caseColumns = `c.id, c.ref_kind, c.ref_id, c.service, c.place_id, coalesce(c.about_id, 0), c.state, c.created_at`

func scanCase(r db.Row) (Case, error) {
	var c Case
	var state string
	var at int64
	err := r.Scan((*int64)(&c.ID), &c.Ref.Kind, (*int64)(&c.Ref.ID), &c.Place.Service, (*int64)(&c.Place.ID), (*int64)(&c.About), &state, &at)
	c.Open, c.At = state == waiting, db.Time(at)
	return c, err
}

// openCase gives the open case of a thing, and opens one if there is none.
func (s store) openCase(ctx context.Context, p service.Pass, c Case) (id who.ID, fresh bool, err error) {
	if !p.Valid() {
		return 0, false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into cases (id, ref_kind, ref_id, service, place_id, about_id, state, created_at) values ($1, $2, $3, $4, $5, $6, 'open', $7)
		on conflict (ref_kind, ref_id) where state = 'open' do nothing`, int64(c.ID), c.Ref.Kind, int64(c.Ref.ID), c.Place.Service, int64(c.Place.ID), null(c.About), db.Ms(p.At))
	if err != nil {
		return 0, false, fmt.Errorf("open case: %w", err)
	}
	if n > 0 {
		return c.ID, true, nil
	}
	err = s.db.Q(ctx).QueryRowContext(ctx, `select id from cases where ref_kind = $1 and ref_id = $2 and state = 'open'`, c.Ref.Kind, int64(c.Ref.ID)).Scan((*int64)(&id))
	if err != nil {
		return 0, false, fmt.Errorf("find case: %w", err)
	}
	return id, false, nil
}

func (s store) addReport(ctx context.Context, p service.Pass, x Report) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into reports (id, case_id, account_id, reason, words, created_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (case_id, account_id) do update set reason = excluded.reason, words = excluded.words, created_at = excluded.created_at`,
		int64(s.db.IDs.Next()), int64(x.Case), int64(x.By), x.Reason, x.Words, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store report: %w", err)
	}
	return nil
}

// within narrows rows to a place; the operator's own has those of all. Its arguments are the first two.
func within(p Place) (string, []any) {
	if p.ID == 0 {
		return `$1 = '' and cast($2 as bigint) = 0`, []any{"", int64(0)}
	}
	return `service = $1 and place_id = $2`, []any{p.Service, int64(p.ID)}
}

func (s store) queue(ctx context.Context, p Place, after who.ID, limit int) ([]Case, error) {
	where, args := within(p)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+caseColumns+` from cases c where `+where+` and c.state = 'open' and c.id > $3 order by c.id limit $4`,
		append(args, int64(after), limit)...)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	list, err := db.Scan(rows, scanCase)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return list, nil
}

// oneCase gives a case; change keeps it from being changed by others until the transaction ends.
func (s store) oneCase(ctx context.Context, id who.ID, change bool) (Case, error) {
	query := `select ` + caseColumns + ` from cases c where c.id = $1`
	if change {
		query += s.db.ForUpdate()
	}
	c, err := scanCase(s.db.Q(ctx).QueryRowContext(ctx, query, int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return c, errNone()
	}
	if err != nil {
		return c, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// reports gives those of the cases, the newest first.
func (s store) reports(ctx context.Context, ids []who.ID, limit int) ([]Report, error) {
	list, args := service.In(2, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select case_id, account_id, reason, words, created_at from reports where case_id in (`+list+`) order by case_id, id desc limit $1`,
		append([]any{limit}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (Report, error) {
		var x Report
		var at int64
		err := r.Scan((*int64)(&x.Case), (*int64)(&x.By), &x.Reason, &x.Words, &at)
		x.At = db.Time(at)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	return out, nil
}

// tally gives how many reports of each reason the cases have.
func (s store) tally(ctx context.Context, ids []who.ID) (map[who.ID]map[string]int, error) {
	list, args := service.In(1, ids)
	out := map[who.ID]map[string]int{}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select case_id, reason, count(*) from reports where case_id in (`+list+`) group by case_id, reason`, args...)
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int, error) {
		var id int64
		var reason string
		var n int
		err := r.Scan(&id, &reason, &n)
		if out[who.ID(id)] == nil {
			out[who.ID(id)] = map[string]int{}
		}
		out[who.ID(id)][reason] = n
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	return out, nil
}

func (s store) closeCase(ctx context.Context, p service.Pass, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update cases set state = 'done', done_at = $2 where id = $1`, int64(id), db.Ms(p.At)); err != nil {
		return fmt.Errorf("close case: %w", err)
	}
	return nil
}

// closeCaseOf closes the case of a thing that waits, and gives it; 0 if none does.
func (s store) closeCaseOf(ctx context.Context, p service.Pass, ref who.Ref) (id who.ID, err error) {
	if !p.Valid() {
		return 0, service.ErrNoPass()
	}
	err = s.db.Q(ctx).QueryRowContext(ctx, `update cases set state = 'done', done_at = $3 where ref_kind = $1 and ref_id = $2 and state = 'open' returning id`,
		ref.Kind, int64(ref.ID), db.Ms(p.At)).Scan((*int64)(&id))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("close case: %w", err)
	}
	return id, nil
}

// waits reports whether a thing was reported and nobody has decided yet, and where.
func (s store) waits(ctx context.Context, ref who.Ref) (p Place, yes bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select service, place_id from cases where ref_kind = $1 and ref_id = $2 and state = 'open'`, ref.Kind, int64(ref.ID)).Scan(&p.Service, (*int64)(&p.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("find case: %w", err)
	}
	return p, true, nil
}

// reopenCase has a case wait again, unless a new one of the same thing does.
func (s store) reopenCase(ctx context.Context, p service.Pass, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update cases set state = 'open', done_at = null where id = $1 and not exists
		(select 1 from cases o where o.ref_kind = cases.ref_kind and o.ref_id = cases.ref_id and o.state = 'open')`, int64(id)); err != nil {
		return fmt.Errorf("open case again: %w", err)
	}
	return nil
}

// sweepCases removes cases that were decided before an instant, with their reports. It writes for nobody.
func (s store) sweepCases(ctx context.Context, before time.Time, limit int) (int64, error) {
	const old = `(select id from cases where done_at < $1 order by done_at limit $2)`
	if _, err := s.db.Exec(ctx, `delete from reports where case_id in `+old, db.Ms(before), limit); err != nil {
		return 0, fmt.Errorf("sweep reports: %w", err)
	}
	n, err := s.db.Exec(ctx, `delete from cases where id in `+old, db.Ms(before), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep cases: %w", err)
	}
	return n, nil
}

const appealColumns = `id, act_id, account_id, service, place_id, words, answer, state, created_at, decided_at`

func scanAppeal(r db.Row) (Appeal, error) {
	var x Appeal
	var at int64
	var decided sql.NullInt64
	err := r.Scan((*int64)(&x.ID), (*int64)(&x.Act), (*int64)(&x.By), &x.Place.Service, (*int64)(&x.Place.ID), &x.Words, &x.Answer, &x.State, &at, &decided)
	x.At, x.Decided = db.Time(at), timeOf(decided)
	return x, err
}

func (s store) listAppeals(ctx context.Context, query string, args ...any) ([]Appeal, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+appealColumns+` from appeals where `+query, args...)
	if err != nil {
		return nil, fmt.Errorf("list appeals: %w", err)
	}
	list, err := db.Scan(rows, scanAppeal)
	if err != nil {
		return nil, fmt.Errorf("list appeals: %w", err)
	}
	return list, nil
}

// addAppeal stores an appeal; fresh is false if there is one already.
func (s store) addAppeal(ctx context.Context, p service.Pass, x Appeal) (fresh bool, err error) {
	if !p.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into appeals (id, act_id, account_id, service, place_id, words, answer, state, created_at) values ($1, $2, $3, $4, $5, $6, '', 'open', $7)
		on conflict (act_id) do nothing`, int64(x.ID), int64(x.Act), int64(x.By), x.Place.Service, int64(x.Place.ID), x.Words, db.Ms(p.At))
	if err != nil {
		return false, fmt.Errorf("store appeal: %w", err)
	}
	return n > 0, nil
}

func (s store) appeals(ctx context.Context, p Place, after who.ID, limit int) ([]Appeal, error) {
	where, args := within(p)
	return s.listAppeals(ctx, where+` and state = 'open' and id > $3 order by id limit $4`, append(args, int64(after), limit)...)
}

func (s store) appealsOf(ctx context.Context, acts []who.ID) ([]Appeal, error) {
	list, args := service.In(1, acts)
	return s.listAppeals(ctx, `act_id in (`+list+`)`, args...)
}

// settle stores the answer to an appeal that waits, and says whether there was one.
func (s store) settle(ctx context.Context, p service.Pass, act, by who.ID, state, answer string) (int64, error) {
	if !p.Valid() {
		return 0, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update appeals set state = $1, answer = $2, decided_by = $3, decided_at = $4 where act_id = $5 and state = 'open'`,
		state, answer, int64(by), db.Ms(p.At), int64(act))
	if err != nil {
		return 0, fmt.Errorf("settle appeal: %w", err)
	}
	return n, nil
}

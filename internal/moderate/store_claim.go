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

const claimColumns = `id, ref_kind, ref_id, coalesce(owner_id, 0), coalesce(account_id, 0), name, email, work, statement, counter, answer, state, act_id, created_at, answer_by,
	countered_at, decided_at, erase_at`

func scanClaim(r db.Row) (Claim, error) {
	var c Claim
	var at, by, erase int64
	var countered, decided sql.NullInt64
	err := r.Scan((*int64)(&c.ID), &c.On.Kind, (*int64)(&c.On.ID), (*int64)(&c.Owner), (*int64)(&c.By), &c.Name, &c.Email, &c.Work, &c.Statement, &c.Counter, &c.Answer, &c.State,
		(*int64)(&c.Act), &at, &by, &countered, &decided, &erase)
	c.At, c.AnswerBy, c.Countered, c.Decided, c.EraseAt = db.Time(at), db.Time(by), timeOf(countered), timeOf(decided), db.Time(erase)
	return c, err
}

func (s store) listClaims(ctx context.Context, query string, args ...any) ([]Claim, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+claimColumns+` from claims where `+query, args...)
	if err != nil {
		return nil, fmt.Errorf("list complaints: %w", err)
	}
	list, err := db.Scan(rows, scanClaim)
	if err != nil {
		return nil, fmt.Errorf("list complaints: %w", err)
	}
	return list, nil
}

func (s store) addClaim(ctx context.Context, p service.Pass, c Claim, hash string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into claims (id, ref_kind, ref_id, owner_id, account_id, name, email, hash, work, statement, state, created_at, answer_by, touched_at, erase_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, $14)`, int64(c.ID), c.On.Kind, int64(c.On.ID), null(c.Owner), null(c.By), c.Name, c.Email, hash, c.Work, c.Statement,
		c.State, db.Ms(c.At), db.Ms(c.AnswerBy), db.Ms(c.EraseAt)); err != nil {
		return fmt.Errorf("store complaint: %w", err)
	}
	return nil
}

// setClaim stores what a step has changed.
func (s store) setClaim(ctx context.Context, p service.Pass, c Claim) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update claims set state = $2, counter = $3, answer = $4, act_id = $5, answer_by = $6, countered_at = $7, decided_at = $8, touched_at = $9, erase_at = $10
		where id = $1`, int64(c.ID), c.State, c.Counter, c.Answer, int64(c.Act), db.Ms(c.AnswerBy), instant(c.Countered), instant(c.Decided), db.Ms(p.At), db.Ms(c.EraseAt)); err != nil {
		return fmt.Errorf("store complaint: %w", err)
	}
	return nil
}

// setJudge stores who decided.
func (s store) setJudge(ctx context.Context, p service.Pass, claim, by who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update claims set decided_by = $2 where id = $1`, int64(claim), null(by)); err != nil {
		return fmt.Errorf("store who decided: %w", err)
	}
	return nil
}

// oneClaim gives a complaint; change keeps it from being changed by others until the transaction ends.
func (s store) oneClaim(ctx context.Context, id who.ID, change bool) (Claim, error) {
	return s.claimWhere(ctx, `id = $1`, int64(id), change)
}

// claimOf gives the complaint of a secret's hash.
func (s store) claimOf(ctx context.Context, hash string, change bool) (Claim, error) {
	return s.claimWhere(ctx, `hash = $1 and hash <> ''`, hash, change)
}

// claimBy gives the complaint for which an act took a thing out, and keeps it from being changed by others.
func (s store) claimBy(ctx context.Context, act who.ID) (Claim, error) {
	return s.claimWhere(ctx, `act_id = $1 and act_id <> 0`, int64(act), true)
}

func (s store) claimWhere(ctx context.Context, where string, arg any, change bool) (Claim, error) {
	query := `select ` + claimColumns + ` from claims where ` + where
	if change {
		query += s.db.ForUpdate()
	}
	c, err := scanClaim(s.db.Q(ctx).QueryRowContext(ctx, query, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return Claim{}, errNone()
	}
	if err != nil {
		return Claim{}, fmt.Errorf("read complaint: %w", err)
	}
	return c, nil
}

// claims gives a page of the complaints that wait, the oldest first, or of those that are decided, the last first.
func (s store) claims(ctx context.Context, ended bool, from who.ID, limit int) ([]Claim, error) {
	if ended {
		if from == 0 {
			from = math.MaxInt64
		}
		return s.listClaims(ctx, `state in ('upheld', 'refused', 'withdrawn') and id < $1 order by id desc limit $2`, int64(from), limit)
	}
	return s.listClaims(ctx, `state in ('open', 'countered') and id > $1 order by id limit $2`, int64(from), limit)
}

func (s store) ownClaims(ctx context.Context, account, before who.ID, limit int) ([]Claim, error) {
	return s.listClaims(ctx, `(account_id = $1 or owner_id = $1) and id < $2 order by id desc limit $3`, int64(account), top(before), limit)
}

// sweepClaims erases contacts whose date has come and complaints whose last step was before an instant. It writes for nobody.
func (s store) sweepClaims(ctx context.Context, now, before time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `update claims set name = '', email = '', hash = '' where id in (select id from claims where email <> '' and erase_at <= $1 order by erase_at limit $2)`,
		db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("erase contacts: %w", err)
	}
	m, err := s.db.Exec(ctx, `delete from claims where id in (select id from claims where touched_at <= $1 order by touched_at limit $2)`, db.Ms(before), limit)
	if err != nil {
		return 0, fmt.Errorf("erase complaints: %w", err)
	}
	return max(n, m), nil
}

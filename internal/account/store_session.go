package account

import (
	"context"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// sessionRow is all that one look-up of a session gives.
type sessionRow struct {
	service.Session
	seen   time.Time // machine time
	placed []service.Placement
}

func (s store) addSession(ctx context.Context, p service.Pass, hash string, person, account who.ID, agent string, machine time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into sessions (id, hash, person_id, account_id, agent, created_at, seen_at) values ($1, $2, $3, $4, $5, $6, $6)`,
		int64(s.db.IDs.Next()), hash, int64(person), int64(account), agent, db.Ms(machine)); err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	return nil
}

// session gives a session that was seen after an instant of machine time, with the entrances that its account has
// placed, one a row; ok is false if there is none.
func (s store) session(ctx context.Context, hash string, after time.Time) (x sessionRow, ok bool, err error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select s.id, s.person_id, s.account_id, s.seen_at, a.name, a.state, p.operator,
		coalesce(nullif(f.display_name, ''), a.name), coalesce(f.avatar, ''), coalesce(t.language, ''), coalesce(t.zone, ''), coalesce(t.theme, ''),
		`+s.db.NowColumn()+`,
		case when exists (select 1 from reasons z where z.account_id = s.account_id and z.what = 'mute' and z.scope = '' and z.reason like 'act:%') then 1 else 0 end, coalesce(e.service, ''), coalesce(e.shown, 0), coalesce(e.position, 0)
		from sessions s join accounts a on a.id = s.account_id join people p on p.id = s.person_id
		left join profiles f on f.account_id = s.account_id left join settings t on t.account_id = s.account_id
		left join entrances e on e.account_id = s.account_id
		where s.hash = $1 and s.seen_at > $2`, hash, db.Ms(after))
	if err != nil {
		return x, false, fmt.Errorf("read session: %w", err)
	}
	placed, err := db.Scan(rows, func(r db.Row) (service.Placement, error) {
		var e service.Placement
		var now, seen, operator, restrained, shown int64
		v := &x.Viewer
		err := r.Scan((*int64)(&v.Session), (*int64)(&v.Person), (*int64)(&v.Account), &seen, &v.Name, (*string)(&v.State), &operator,
			&x.DisplayName, &x.Avatar, &x.Language, &x.Zone, &x.Theme, &now, &restrained, &e.Service, &shown, &e.Position)
		v.Operator, x.seen, x.Now, e.Shown = operator == 1, db.Time(seen), s.db.NowOf(now), shown == 1
		x.Restrained = restrained == 1
		return e, err
	})
	if err != nil {
		return x, false, fmt.Errorf("read session: %w", err)
	}
	x.placed = placed
	return x, len(placed) > 0, nil
}

func (s store) touchSession(ctx context.Context, p service.Pass, id who.ID, machine time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update sessions set seen_at = $1 where id = $2 and seen_at < $1`, db.Ms(machine), int64(id)); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

func (s store) switchSession(ctx context.Context, p service.Pass, id, person, account who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update sessions set account_id = $1 where id = $2 and person_id = $3`, int64(account), int64(id), int64(person)); err != nil {
		return fmt.Errorf("switch account: %w", err)
	}
	return nil
}

// endSession ends one session of a person.
func (s store) endSession(ctx context.Context, p service.Pass, person, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from sessions where id = $1 and person_id = $2`, int64(id), int64(person)); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// endOtherSessions ends all sessions of a person but one; keep 0 ends all.
func (s store) endOtherSessions(ctx context.Context, p service.Pass, person, keep who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from sessions where person_id = $1 and id <> $2`, int64(person), int64(keep)); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// Signed is a session as its person sees it. Times are machine time, UTC.
type Signed struct {
	ID      who.ID
	Account string // the account's name it is used with
	Agent   string // the browser's family, "" if it is not known
	Created time.Time
	Seen    time.Time // to the hour
}

// sessionsOf gives a person's sessions that were seen after an instant, newest first, from
// those older than before (0: the newest).
func (s store) sessionsOf(ctx context.Context, person, before who.ID, after time.Time, limit int) ([]Signed, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select s.id, a.name, s.agent, s.created_at, s.seen_at from sessions s join accounts a on a.id = s.account_id
		where s.person_id = $1 and s.id < $2 and s.seen_at > $3 order by s.id desc limit $4`, int64(person), int64(before), db.Ms(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (Signed, error) {
		var x Signed
		var created, seen int64
		err := r.Scan((*int64)(&x.ID), &x.Account, &x.Agent, &created, &seen)
		x.Created, x.Seen = db.Time(created), db.Time(seen)
		return x, err
	})
}

// sweepSessions removes up to limit sessions that were last seen before an instant.
func (s store) sweepSessions(ctx context.Context, before time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from sessions where id in (select id from sessions where seen_at <= $1 limit $2)`, db.Ms(before), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	return n, nil
}

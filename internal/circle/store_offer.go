package circle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// offer offers circles of an owner to an heir, for a closing's run or "" where there is none. It
// asks for no pass: in a closing the plan that was consented to is what lets it through. An offer that
// the owner made before stays the owner's: cancelling the closing does not take it back.
func (s store) offer(ctx context.Context, circles []who.ID, owner, heir who.ID, run string, at time.Time) error {
	if len(circles) == 0 {
		return nil
	}
	var b strings.Builder
	args := []any{int64(owner), int64(heir), run, db.Ms(at)}
	for i, id := range circles {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "($%d, $%d, $1, $2, $3, $4)", len(args)+1, len(args)+2)
		args = append(args, int64(s.db.IDs.Next()), int64(id))
	}
	_, err := s.db.Exec(ctx, `insert into circle_offers (id, circle_id, account_id, heir_id, run, created_at) values `+b.String()+`
		on conflict (circle_id, heir_id) do update set run = excluded.run where circle_offers.run <> ''`, args...)
	if err != nil {
		return fmt.Errorf("store offers: %w", err)
	}
	return nil
}

// withdraw takes an owner's offers of one circle back.
func (s store) withdraw(ctx context.Context, p service.Pass, circle, owner who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from circle_offers where circle_id = $1 and account_id = $2`, int64(circle), int64(owner)); err != nil {
		return fmt.Errorf("withdraw offer: %w", err)
	}
	return nil
}

// withdrawRun takes back what a run offered.
func (s store) withdrawRun(ctx context.Context, owner who.ID, run string) error {
	if _, err := s.db.Exec(ctx, `delete from circle_offers where account_id = $1 and run = $2`, int64(owner), run); err != nil {
		return fmt.Errorf("withdraw offers: %w", err)
	}
	return nil
}

const offerQuery = `select o.id, o.circle_id, c.name, o.created_at, a.id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, ''),
	h.id, h.name, coalesce(g.display_name, ''), coalesce(g.avatar, '')
	from circle_offers o join circles c on c.id = o.circle_id
	join accounts a on a.id = o.account_id left join profiles f on f.account_id = a.id
	join accounts h on h.id = o.heir_id left join profiles g on g.account_id = h.id `

func scanOffer(r db.Row) (Offer, error) {
	var o Offer
	var since int64
	err := r.Scan((*int64)(&o.ID), (*int64)(&o.Circle), &o.Name, &since, (*int64)(&o.From.ID), &o.From.Name, &o.From.Display, &o.From.Avatar,
		(*int64)(&o.To.ID), &o.To.Name, &o.To.Display, &o.To.Avatar)
	o.Since = db.Time(since)
	return o, err
}

func (s store) offerOf(ctx context.Context, circle, owner who.ID) (Offer, bool, error) {
	o, err := scanOffer(s.db.Q(ctx).QueryRowContext(ctx, offerQuery+`where o.circle_id = $1 and o.account_id = $2 order by o.id desc limit 1`, int64(circle), int64(owner)))
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err != nil {
		return o, false, fmt.Errorf("read offer: %w", err)
	}
	return o, true, nil
}

// offers gives a page of what is offered to an account.
func (s store) offers(ctx context.Context, heir, before who.ID, limit int) ([]Offer, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, offerQuery+`where o.heir_id = $1 and o.id < $2 and c.state = 'open' order by o.id desc limit $3`,
		int64(heir), int64(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list offers: %w", err)
	}
	list, err := db.Scan(rows, scanOffer)
	if err != nil {
		return nil, fmt.Errorf("list offers: %w", err)
	}
	return list, nil
}

// offered gives the circle and the owner of an offer to an heir.
func (s store) offered(ctx context.Context, offer, heir who.ID) (circle, owner who.ID, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select circle_id, account_id from circle_offers where id = $1 and heir_id = $2`,
		int64(offer), int64(heir)).Scan((*int64)(&circle), (*int64)(&owner))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, errOffer()
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read offer: %w", err)
	}
	return circle, owner, nil
}

func errOffer() error { return exit.Fail(exit.NotFound, "circle.error.offer") }

// reachable reports whether an account is there and nothing of it is veiled or frozen.
func (s store) reachable(ctx context.Context, account who.ID) (yes bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from accounts a where a.id = $1 and a.state = 'active' and not exists
		(select 1 from reasons z where z.account_id = a.id and z.scope in ('', 'circle'))`, int64(account)).Scan(&n); err != nil {
		return false, fmt.Errorf("look at the heir: %w", err)
	}
	return n == 1, nil
}

// handOver makes an heir the owner and the owner a member. A circle that was erased or handed on
// meanwhile has no such owner any more.
func (s store) handOver(ctx context.Context, p service.Pass, circle, owner, heir who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update circle_members set role = 'member' where circle_id = $1 and account_id = $2 and role = 'owner'
		and exists (select 1 from circles c where c.id = $1 and c.state = 'open')`, int64(circle), int64(owner))
	if err != nil {
		return fmt.Errorf("hand circle over: %w", err)
	}
	if n == 0 {
		return errOffer()
	}
	fresh, err := s.db.Exec(ctx, `insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, 'owner', 'active', $4)
		on conflict (circle_id, account_id) do nothing`, int64(s.db.IDs.Next()), int64(circle), int64(heir), db.Ms(p.At))
	if err != nil {
		return fmt.Errorf("hand circle over: %w", err)
	}
	if fresh == 0 {
		// One who had only asked becomes a member by it.
		if fresh, err = s.db.Exec(ctx, `update circle_members set state = 'active' where circle_id = $1 and account_id = $2 and state = 'asked'`, int64(circle), int64(heir)); err != nil {
			return fmt.Errorf("hand circle over: %w", err)
		}
		if _, err := s.db.Exec(ctx, `update circle_members set role = 'owner' where circle_id = $1 and account_id = $2`, int64(circle), int64(heir)); err != nil {
			return fmt.Errorf("hand circle over: %w", err)
		}
	}
	// What the old owner's leaving paused goes on.
	for _, statement := range []string{`delete from circle_offers where circle_id = $1`, `delete from circle_pauses where circle_id = $1`} {
		if _, err := s.db.Exec(ctx, statement, int64(circle)); err != nil {
			return fmt.Errorf("hand circle over: %w", err)
		}
	}
	return s.count(ctx, circle, fresh)
}

func (s store) decline(ctx context.Context, p service.Pass, offer, heir who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from circle_offers where id = $1 and heir_id = $2`, int64(offer), int64(heir)); err != nil {
		return fmt.Errorf("decline offer: %w", err)
	}
	return nil
}

// owned gives the living circles that an account owns, in one place of a narrowed subject or all.
func (s store) owned(ctx context.Context, account who.ID, in exit.Subject) ([]who.ID, error) {
	if svc := in.Service(); svc != "" && svc != Name {
		return nil, nil
	}
	place, _ := who.ParseID(in.Place())
	return s.idList(ctx, `select m.circle_id from circle_members m join circles c on c.id = m.circle_id
		where m.account_id = $1 and m.role = 'owner' and c.state = 'open' and (m.circle_id = $2 or $2 = 0) order by m.circle_id limit $3`,
		int64(account), int64(place), 2*mostOwned)
}

// pause keeps new members out of circles for a run's time.
func (s store) pause(ctx context.Context, circles []who.ID, run string) error {
	if len(circles) == 0 {
		return nil
	}
	list, args := service.In(2, circles)
	if _, err := s.db.Exec(ctx, `insert into circle_pauses (circle_id, run) select c.id, $1 from circles c where c.id in (`+list+`) on conflict do nothing`,
		append([]any{run}, args...)...); err != nil {
		return fmt.Errorf("pause circles: %w", err)
	}
	return nil
}

// resume lets new members in again that only this run kept out.
func (s store) resume(ctx context.Context, run string) error {
	if _, err := s.db.Exec(ctx, `delete from circle_pauses where run = $1`, run); err != nil {
		return fmt.Errorf("resume circles: %w", err)
	}
	return nil
}

package circle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// membership gives an account's place in a circle, the zero one if it has none.
func (s store) membership(ctx context.Context, circle, account who.ID) (Membership, error) {
	var m Membership
	var since int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select id, role, state, created_at from circle_members where circle_id = $1 and account_id = $2`,
		int64(circle), int64(account)).Scan((*int64)(&m.Row), (*string)(&m.Role), (*string)(&m.State), &since)
	if errors.Is(err, sql.ErrNoRows) {
		return Membership{}, nil
	}
	if err != nil {
		return m, fmt.Errorf("read membership: %w", err)
	}
	m.Since = db.Time(since)
	return m, nil
}

const personQuery = `select m.id, m.role, m.state, m.created_at, a.id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, '')
	from circle_members m join accounts a on a.id = m.account_id left join profiles f on f.account_id = a.id
	where m.circle_id = $1 and a.state <> 'gone' and `

func (s store) people(ctx context.Context, query string, args ...any) ([]Person, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (Person, error) {
		var p Person
		var since int64
		err := r.Scan((*int64)(&p.Row), (*string)(&p.Role), (*string)(&p.State), &since, (*int64)(&p.ID), &p.Name, &p.Display, &p.Avatar)
		p.Since = db.Time(since)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	return list, nil
}

// members gives a page of those without a role, the newest first.
func (s store) members(ctx context.Context, circle who.ID, state Joined, before who.ID, limit int) ([]Person, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return s.people(ctx, personQuery+service.Visible("m.account_id", "'circle'", "m.circle_id")+`
		and m.state = $2 and m.role = 'member' and m.id < $3 order by m.id desc limit $4`, int64(circle), string(state), int64(before), limit)
}

// staff gives the owner and the moderators.
func (s store) staff(ctx context.Context, circle who.ID, limit int) ([]Person, error) {
	return s.people(ctx, personQuery+service.Visible("m.account_id", "'circle'", "m.circle_id")+`
		and m.state = 'active' and m.role <> 'member' order by case when m.role = 'owner' then 0 else 1 end, m.id limit $2`, int64(circle), limit)
}

// addMember stores a member, or somebody who asks to become one.
func (s store) addMember(ctx context.Context, p service.Pass, circle, account who.ID, state Joined) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, 'member', $4, $5)
		on conflict (circle_id, account_id) do nothing`, int64(s.db.IDs.Next()), int64(circle), int64(account), string(state), db.Ms(p.At))
	if err != nil {
		return fmt.Errorf("store member: %w", err)
	}
	if state == Active {
		return s.count(ctx, circle, n)
	}
	return nil
}

func (s store) count(ctx context.Context, circle who.ID, by int64) error {
	if _, err := s.db.Exec(ctx, `update circles set members = members + $1 where id = $2`, by, int64(circle)); err != nil {
		return fmt.Errorf("count members: %w", err)
	}
	return nil
}

// accept makes somebody who asked a member, from now on.
func (s store) accept(ctx context.Context, p service.Pass, circle, account who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update circle_members set state = 'active', created_at = $3 where circle_id = $1 and account_id = $2 and state = 'asked'`,
		int64(circle), int64(account), db.Ms(p.At))
	if err != nil {
		return fmt.Errorf("accept member: %w", err)
	}
	return s.count(ctx, circle, n)
}

// removeMember takes an account out of a circle, or its asking back.
func (s store) removeMember(ctx context.Context, p service.Pass, circle, account who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `delete from circle_members where circle_id = $1 and account_id = $2 and state = 'active'`, int64(circle), int64(account))
	if err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	if n > 0 {
		return s.count(ctx, circle, -n)
	}
	if _, err := s.db.Exec(ctx, `delete from circle_members where circle_id = $1 and account_id = $2`, int64(circle), int64(account)); err != nil {
		return fmt.Errorf("remove request: %w", err)
	}
	return nil
}

// appoint gives a member that is not the owner a role.
func (s store) appoint(ctx context.Context, p service.Pass, circle, account who.ID, role Role) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update circle_members set role = $3 where circle_id = $1 and account_id = $2 and state = 'active' and role <> 'owner'`,
		int64(circle), int64(account), string(role))
	if err != nil {
		return fmt.Errorf("store role: %w", err)
	}
	if n == 0 {
		return exit.Fail(exit.NotFound, "circle.error.no_member")
	}
	return nil
}

// invites counts a circle's links that still work.
func (s store) invites(ctx context.Context, circle who.ID, machine time.Time) (int64, error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from circle_invites where circle_id = $1 and expires_at > $2 and uses > 0`,
		int64(circle), db.Ms(machine)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count invitations: %w", err)
	}
	return n, nil
}

// addInvite stores an invitation by its hash, and removes the circle's dead ones.
func (s store) addInvite(ctx context.Context, p service.Pass, circle, account who.ID, hash string, until, machine time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from circle_invites where circle_id = $1 and (expires_at <= $2 or uses <= 0)`, int64(circle), db.Ms(machine)); err != nil {
		return fmt.Errorf("remove old invitations: %w", err)
	}
	if _, err := s.db.Exec(ctx, `insert into circle_invites (id, circle_id, account_id, hash, expires_at, uses, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		int64(s.db.IDs.Next()), int64(circle), int64(account), hash, db.Ms(until), inviteUses, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store invitation: %w", err)
	}
	return nil
}

func (s store) revoke(ctx context.Context, p service.Pass, circle who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from circle_invites where circle_id = $1`, int64(circle)); err != nil {
		return fmt.Errorf("remove invitations: %w", err)
	}
	return nil
}

// invited gives the circle of an invitation that still works. One whose maker is veiled, or is no
// member any more, works no longer.
func (s store) invited(ctx context.Context, hash string, machine time.Time) (who.ID, error) {
	var id int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select i.circle_id from circle_invites i
		join circle_members m on m.circle_id = i.circle_id and m.account_id = i.account_id and m.state = 'active' and m.role in ('owner', 'moderator')
		where i.hash = $1 and i.expires_at > $2 and i.uses > 0 and `+service.Visible("i.account_id", "'circle'", "i.circle_id"), hash, db.Ms(machine)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errLink()
	}
	if err != nil {
		return 0, fmt.Errorf("read invitation: %w", err)
	}
	return who.ID(id), nil
}

func (s store) useInvite(ctx context.Context, p service.Pass, hash string, machine time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update circle_invites set uses = uses - 1 where hash = $1 and uses > 0 and expires_at > $2`, hash, db.Ms(machine))
	if err != nil {
		return fmt.Errorf("use invitation: %w", err)
	}
	if n == 0 {
		return errLink()
	}
	return nil
}

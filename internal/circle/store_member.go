package circle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

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

const personQuery = `select m.id, m.role, m.state, m.created_at, m.answer, a.id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, '')
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
		err := r.Scan((*int64)(&p.Row), (*string)(&p.Role), (*string)(&p.State), &since, &p.Answer, (*int64)(&p.ID), &p.Name, &p.Display, &p.Avatar)
		p.Since = db.Time(since)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	return list, nil
}

// members gives a page of those without a role, the newest first, but for those with whom the viewer shares a block; viewer 0 meets all.
func (s store) members(ctx context.Context, viewer, circle who.ID, state Joined, before who.ID, limit int) ([]Person, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return s.people(ctx, personQuery+service.Visible("m.account_id", "'circle'", "m.circle_id")+`
		and m.state = $2 and m.role = 'member' and m.id < $3 and `+service.Unblocked("$5", "m.account_id")+` order by m.id desc limit $4`,
		int64(circle), string(state), int64(before), limit, int64(viewer))
}

// staff gives the owner and the moderators, but for those with whom the viewer shares a block; viewer 0 meets all.
func (s store) staff(ctx context.Context, viewer, circle who.ID, limit int) ([]Person, error) {
	return s.people(ctx, personQuery+service.Visible("m.account_id", "'circle'", "m.circle_id")+`
		and m.state = 'active' and m.role <> 'member' and `+service.Unblocked("$3", "m.account_id")+`
		order by case m.role when 'owner' then 0 when 'co_owner' then 1 else 2 end, m.id limit $2`, int64(circle), limit, int64(viewer))
}

// search gives a page of the members of any role in whose names a text is found, the newest first. Key is the
// text as look-alikes read it. Those with whom the viewer shares a block are left out; viewer 0 meets all.
func (s store) search(ctx context.Context, viewer, circle who.ID, text string, before who.ID, limit int) ([]Person, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	like := func(t string) string {
		return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(t) + "%"
	}
	return s.people(ctx, personQuery+service.Visible("m.account_id", "'circle'", "m.circle_id")+`
		and m.state = 'active' and m.id < $2 and (a.name_key like $3 escape '\' or lower(coalesce(f.display_name, '')) like $4 escape '\') and `+service.Unblocked("$6", "m.account_id")+`
		order by m.id desc limit $5`, int64(circle), int64(before), like(who.Looks(text)), like(strings.ToLower(text)), limit, int64(viewer))
}

// addMember stores a member, or somebody who asks to become one, with what they answered.
func (s store) addMember(ctx context.Context, p service.Pass, circle, account who.ID, state Joined, answer string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into circle_members (id, circle_id, account_id, role, state, created_at, answer) values ($1, $2, $3, 'member', $4, $5, $6)
		on conflict (circle_id, account_id) do nothing`, int64(s.db.IDs.Next()), int64(circle), int64(account), string(state), db.Ms(p.At), answer)
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
	n, err := s.db.Exec(ctx, `update circle_members set state = 'active', answer = '', created_at = $3 where circle_id = $1 and account_id = $2 and state = 'asked'`,
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

// setNamed stores whether a member's name may stand in the owner's export.
func (s store) setNamed(ctx context.Context, p service.Pass, circle, account who.ID, on bool) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update circle_members set named = $3 where circle_id = $1 and account_id = $2`, int64(circle), int64(account), flag(on)); err != nil {
		return fmt.Errorf("store consent: %w", err)
	}
	return nil
}

// roles counts a circle's moderators and co-owners.
func (s store) roles(ctx context.Context, circle who.ID) (moderators, owners int64, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(sum(case m.role when 'moderator' then 1 else 0 end), 0), coalesce(sum(case m.role when 'co_owner' then 1 else 0 end), 0)
		from circle_members m where m.circle_id = $1 and m.role <> 'member'`, int64(circle)).Scan(&moderators, &owners)
	if err != nil {
		return 0, 0, fmt.Errorf("count roles: %w", err)
	}
	return moderators, owners, nil
}

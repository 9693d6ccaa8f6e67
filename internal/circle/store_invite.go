package circle

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

// invites counts a circle's links that still work.
func (s store) invites(ctx context.Context, circle who.ID, now time.Time) (int64, error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from circle_invites where circle_id = $1 and expires_at > $2 and uses > 0 and revoked_at is null`,
		int64(circle), db.Ms(now)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count invitations: %w", err)
	}
	return n, nil
}

// addInvite stores an invitation by its hash, and removes the circle's dead ones.
func (s store) addInvite(ctx context.Context, p service.Pass, id, circle, account who.ID, hash string, t Terms) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from circle_invites where circle_id = $1 and (expires_at <= $2 or uses <= 0)`, int64(circle), db.Ms(p.At)); err != nil {
		return fmt.Errorf("remove old invitations: %w", err)
	}
	if _, err := s.db.Exec(ctx, `insert into circle_invites (id, circle_id, account_id, hash, expires_at, uses, seats, created_at) values ($1, $2, $3, $4, $5, $6, $6, $7)`,
		int64(id), int64(circle), int64(account), hash, db.Ms(p.At.Add(t.Life)), t.People, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store invitation: %w", err)
	}
	return nil
}

// inviteList gives a circle's links that still work, the newest first, at most as many as there can be.
func (s store) inviteList(ctx context.Context, circle who.ID, now time.Time) ([]Invite, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select i.id, i.expires_at, i.uses, i.seats, i.created_at, a.id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, '')
		from circle_invites i join accounts a on a.id = i.account_id left join profiles f on f.account_id = a.id
		where i.circle_id = $1 and i.expires_at > $2 and i.uses > 0 and i.revoked_at is null order by i.id desc limit $3`, int64(circle), db.Ms(now), mostInvites)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (x Invite, err error) {
		var until, made int64
		err = r.Scan((*int64)(&x.ID), &until, &x.Left, &x.People, &made, (*int64)(&x.By.ID), &x.By.Name, &x.By.Display, &x.By.Avatar)
		x.Until, x.Made = db.Time(until), db.Time(made)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return list, nil
}

// revoke ends one link of a circle that works, or all of them if id is 0, and gives those that it ended.
func (s store) revoke(ctx context.Context, p service.Pass, circle, id who.ID) ([]who.ID, error) {
	if !p.Valid() {
		return nil, service.ErrNoPass()
	}
	return s.idList(ctx, `update circle_invites set revoked_at = $3 where circle_id = $1 and (id = $2 or $2 = 0) and revoked_at is null and expires_at > $3 and uses > 0 returning id`,
		int64(circle), int64(id), db.Ms(p.At))
}

// unrevoke has those of the links work again that were revoked and have not come to their end, and says how many.
func (s store) unrevoke(ctx context.Context, p service.Pass, circle who.ID, ids []who.ID) (int64, error) {
	if !p.Valid() {
		return 0, service.ErrNoPass()
	}
	list, args := service.In(3, ids)
	n, err := s.db.Exec(ctx, `update circle_invites set revoked_at = null where circle_id = $1 and revoked_at is not null and expires_at > $2 and id in (`+list+`)`,
		append([]any{int64(circle), db.Ms(p.At)}, args...)...)
	if err != nil {
		return 0, fmt.Errorf("have invitations work again: %w", err)
	}
	return n, nil
}

// invited gives the circle of an invitation that still works. One whose maker is veiled, or is no
// member any more, works no longer.
func (s store) invited(ctx context.Context, hash string, now time.Time) (who.ID, error) {
	var id int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select i.circle_id from circle_invites i
		join circle_members m on m.circle_id = i.circle_id and m.account_id = i.account_id and m.state = 'active' and m.role <> 'member'
		where i.hash = $1 and i.expires_at > $2 and i.uses > 0 and i.revoked_at is null and `+service.Visible("i.account_id", "'circle'", "i.circle_id"), hash, db.Ms(now)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errLink()
	}
	if err != nil {
		return 0, fmt.Errorf("read invitation: %w", err)
	}
	return who.ID(id), nil
}

func (s store) useInvite(ctx context.Context, p service.Pass, hash string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update circle_invites set uses = uses - 1 where hash = $1 and uses > 0 and expires_at > $2 and revoked_at is null`, hash, db.Ms(p.At))
	if err != nil {
		return fmt.Errorf("use invitation: %w", err)
	}
	if n == 0 {
		return errLink()
	}
	return nil
}

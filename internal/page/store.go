package page

import (
	"context"
	"database/sql"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store reads what pages show; it writes nothing.
type store struct{ db *db.DB }

// open reports whether an account's own page is not veiled.
func (s store) open(ctx context.Context, account who.ID) (yes bool, err error) {
	var n int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from reasons where account_id = $1 and what = 'veil' and scope in ('', 'page')`, int64(account)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for veils of a page: %w", err)
	}
	return n == 0, nil
}

// lately is how many of the newest public posts, and of the newest accounts, are looked at for people to suggest.
const lately = 200

// writing gives authors of the newest public posts that the viewer does not follow.
func (s store) writing(ctx context.Context, viewer who.ID, limit int) ([]relation.Person, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, ''), coalesce(f.bio, '') from
		(select n.author_id, max(n.id) as newest from (select p.id, p.author_id from posts p where p.service = 'page' and p.place_id = 0
			and p.state = 'live' and p.audience = 'public' and p.author_id <> $1 order by p.created_at desc, p.id desc limit $3) n group by n.author_id) w
		join accounts a on a.id = w.author_id left join profiles f on f.account_id = a.id
		where a.id <> $1 and a.state = 'active' and `+service.Visible("a.id", "'page'", "0")+` and `+service.Unblocked("$1", "a.id")+` and `+relation.Unmuted("$1", "a.id")+`
		and not exists (select 1 from follows x where x.follower_id = $1 and x.followee_id = a.id)
		order by w.newest desc limit $2`, int64(viewer), limit, lately)
	if err != nil {
		return nil, fmt.Errorf("find people who write: %w", err)
	}
	return people("find people who write", rows)
}

// newest gives those of the newest accounts that the viewer does not follow.
func (s store) newest(ctx context.Context, viewer who.ID, limit int) ([]relation.Person, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, ''), coalesce(f.bio, '') from
		(select n.id, n.name, n.state from accounts n order by n.id desc limit $3) a left join profiles f on f.account_id = a.id
		where a.id <> $1 and a.state = 'active' and `+service.Visible("a.id", "'page'", "0")+` and `+service.Unblocked("$1", "a.id")+` and `+relation.Unmuted("$1", "a.id")+`
		and not exists (select 1 from follows x where x.follower_id = $1 and x.followee_id = a.id)
		order by a.id desc limit $2`, int64(viewer), limit, lately)
	if err != nil {
		return nil, fmt.Errorf("find people who came: %w", err)
	}
	return people("find people who came", rows)
}

func people(what string, rows *sql.Rows) ([]relation.Person, error) {
	list, err := db.Scan(rows, func(r db.Row) (relation.Person, error) {
		var p relation.Person
		err := r.Scan((*int64)(&p.ID), &p.Name, &p.Display, &p.Avatar, &p.Bio)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

package circle

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// scope gives the account and, if the task is narrowed to one, the circle that it is about.
func scope(t exit.Task) (account, circle int64) {
	id, _ := who.ParseID(t.Subject.ID)
	place, _ := who.ParseID(t.Subject.Place())
	return int64(id), int64(place)
}

// leaving gives the circles of the next chunk's rows that have ended or will end with it. Circles that will end
// are locked, as handing one over locks it first: from here on they have this owner until the chunk is committed.
func (s store) leaving(ctx context.Context, t exit.Task, role string) ([]who.ID, error) {
	account, circle := scope(t)
	after := int64(math.MinInt64)
	if t.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(t.Cursor, 10, 64); err != nil {
			return nil, fmt.Errorf("read cursor: %w", err)
		}
	}
	limit := t.Limit
	if limit <= 0 {
		limit = most
	}
	rows, which := `(select circle_id from circle_members where account_id = $1 and role <> 'owner' and (circle_id = $2 or $2 = 0) and id > $3 order by id limit $4)`, ` and c.state = 'ended'`
	if role == "owner" {
		rows, which = strings.Replace(rows, "<>", "=", 1), ""
	}
	return s.idList(ctx, `select c.id from circles c where c.id in `+rows+which+` order by c.id`+s.db.ForUpdate(), account, circle, after, limit)
}

// shared gives those of the circles that have a co-owner who can take them over.
func (s store) shared(ctx context.Context, circles []who.ID) ([]who.ID, error) {
	list, args := service.In(1, circles)
	return s.idList(ctx, `select c.id from circles c where c.id in (`+list+`) and `+heiress("c.id")+` is not null`, args...)
}

// succeed makes a co-owner the owner of those living circles that have none any more: who is one the longest.
func (s store) succeed(ctx context.Context, circles []who.ID) error {
	if len(circles) == 0 {
		return nil
	}
	list, args := service.In(1, circles)
	_, err := s.db.Exec(ctx, `update circle_members set role = 'owner' where id in (select `+heiress("c.id")+` from circles c where c.id in (`+list+`) and c.state = 'open'
		and not exists (select 1 from circle_members o where o.circle_id = c.id and o.role = 'owner'))`, args...)
	if err != nil {
		return fmt.Errorf("pass circles on: %w", err)
	}
	return nil
}

// exported is a membership as it is taken along.
type exported struct {
	Mine
	posts int64
}

// along gives memberships above the row after, up to the row cut: owner's rows for circles, of a circle as a whole co-owners' too, all
// active ones for memberships.
func (s store) along(ctx context.Context, t exit.Task, after, cut int64, limit int) ([]exported, error) {
	account, circle := scope(t)
	which := map[string]string{classMembers: `m.state = 'active'`, classCircles: `m.role = 'owner'`, classWhole: `m.state = 'active' and m.role in ('owner', 'co_owner')`}[t.Class]
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select m.id, m.role, m.created_at, m.named, c.id, c.name, c.intro, c.category, c.rules, c.question, c.join_mode, c.preview, c.found,
		c.approves, c.cover, c.avatar, c.members, c.created_at, (select count(*) from posts p where p.service = 'circle' and p.place_id = c.id and p.state = 'live')
		from circle_members m join circles c on c.id = m.circle_id
		where m.account_id = $1 and (m.circle_id = $2 or $2 = 0) and m.id > $3 and m.id <= $4 and `+which+` order by m.id limit $5`, account, circle, after, cut, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Class, err)
	}
	list, err := db.Scan(rows, func(r db.Row) (exported, error) {
		var x exported
		var since, created, named, found, approves int64
		err := r.Scan((*int64)(&x.Row), (*string)(&x.Role), &since, &named, (*int64)(&x.ID), &x.Name, &x.Intro, &x.Category, &x.Rules, &x.Question, (*string)(&x.Mode),
			(*string)(&x.Preview), &found, &approves, &x.Cover, &x.Avatar, &x.Members, &created, &x.posts)
		x.Since, x.Created, x.Named, x.Unlisted, x.Approves = db.Time(since), db.Time(created), named == 1, found == 0, approves == 1
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Class, err)
	}
	return list, nil
}

// topicsOf adds the names of the topics that the owners of circles keep, most used first, at most a hundred of each.
func (s store) topicsOf(ctx context.Context, circles []who.ID, to map[who.ID]*kept) error {
	if len(circles) == 0 {
		return nil
	}
	list, args := service.In(1, circles)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select t.place_id, t.name, t.state from topics t where t.service = 'circle' and t.place_id in (`+list+`) and t.state <> 'gone'
		order by t.place_id, t.posts desc, t.id limit 5000`, args...)
	if err != nil {
		return fmt.Errorf("read topics: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (id int64, err error) {
		var name, state string
		if err = r.Scan(&id, &name, &state); err != nil {
			return id, err
		}
		k := to[who.ID(id)]
		k.topics = append(k.topics, name)
		if state == "closed" {
			k.closed = append(k.closed, name)
		}
		return id, nil
	})
	if err != nil {
		return fmt.Errorf("read topics: %w", err)
	}
	return nil
}

// noticed is a notice as its author takes it along.
type noticed struct {
	id, circle who.ID
	name, text string
	at         int64
}

// noticesAlong gives the notices that an account wrote above one id, up to another.
func (s store) noticesAlong(ctx context.Context, t exit.Task, after, cut int64, limit int) ([]noticed, error) {
	account, circle := scope(t)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select n.id, n.circle_id, c.name, n.text, n.created_at from circle_notices n join circles c on c.id = n.circle_id
		where n.author_id = $1 and n.down_at is null and (n.circle_id = $2 or $2 = 0) and n.id > $3 and n.id <= $4 order by n.id limit $5`, account, circle, after, cut, limit)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (n noticed, err error) {
		err = r.Scan((*int64)(&n.id), (*int64)(&n.circle), &n.name, &n.text, &n.at)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	return list, nil
}

// broughtBack gives the circles that an account owns by the URI that each was brought back from, and by its own.
func (s store) broughtBack(ctx context.Context, account who.ID) (map[string]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select c.id, c.origin from circle_members m join circles c on c.id = m.circle_id
		where m.account_id = $1 and m.role = 'owner' and c.state = 'open' order by c.id limit $2`, int64(account), 2*mostOwned)
	if err != nil {
		return nil, fmt.Errorf("read circles owned: %w", err)
	}
	out := map[string]who.ID{}
	_, err = db.Scan(rows, func(r db.Row) (id int64, err error) {
		var origin string
		err = r.Scan(&id, &origin)
		out[originPrefix+who.ID(id).String()] = who.ID(id)
		if origin != "" {
			out[origin] = who.ID(id)
		}
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read circles owned: %w", err)
	}
	return out, nil
}

// hasNotice reports whether an account has put a notice of this text and time up in a circle.
func (s store) hasNotice(ctx context.Context, circle, author who.ID, text string, at int64) (yes bool, err error) {
	var n int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from circle_notices where circle_id = $1 and author_id = $2 and created_at = $3 and text = $4`,
		int64(circle), int64(author), at, text).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for notice: %w", err)
	}
	return n > 0, nil
}

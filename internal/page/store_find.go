package page

import (
	"context"
	"fmt"
	"slices"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// foundCircle is a circle that could be suggested, and for which reason: "kin", "large" or "new".
type foundCircle struct {
	id           who.ID
	kind, avatar string
	members      int64
	why          string
}

// mine are the kinds of the viewer's circles.
const mine = `(select x.category from circle_members n join circles x on x.id = n.circle_id where n.account_id = $1 and n.state = 'active')`

// circles gives circles that anybody may find and the viewer is not in, has not muted and does not want less of: first of
// the kinds of the viewer's circles, then the largest, then the newest.
func (s store) circles(ctx context.Context, viewer who.ID, now time.Time, limit int) ([]foundCircle, error) {
	open := `c.state = 'open' and c.withheld_at is null and c.join_mode <> 'invitation' and c.found = 1 and c.name <> ''
		and not exists (select 1 from circle_members m where m.circle_id = c.id and m.account_id = $1)
		and not exists (select 1 from quiets q where q.account_id = $1 and q.ref_kind = 'circle' and q.ref_id = c.id and (q.until is null or q.until > $3))
		and not exists (select 1 from circle_members o where o.circle_id = c.id and o.role = 'owner' and not (` +
		service.Visible("o.account_id", "'circle'", "c.id") + ` and ` + service.Unblocked("$1", "o.account_id") + `))`
	arm := func(why, more, by string) string {
		return `select * from (select c.id, c.category, c.avatar, c.members, '` + why + `' as why from circles c where ` + open + more + ` order by ` + by + ` limit $2) ` + why
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, arm("kin", ` and c.category <> 'other' and c.category in `+mine, `c.members desc, c.id desc`)+
		` union all `+arm("large", ``, `c.members desc, c.id desc`)+` union all `+arm("new", ``, `c.id desc`), int64(viewer), limit, db.Ms(now))
	if err != nil {
		return nil, fmt.Errorf("find circles: %w", err)
	}
	all, err := db.Scan(rows, func(r db.Row) (foundCircle, error) {
		var c foundCircle
		err := r.Scan((*int64)(&c.id), &c.kind, &c.avatar, &c.members, &c.why)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("find circles: %w", err)
	}
	return mix(all, limit), nil
}

// mix takes half of the circles from those akin, two new ones, and the rest from the largest; no circle twice.
func mix(all []foundCircle, limit int) (out []foundCircle) {
	take := func(why string, most int) {
		for _, c := range all {
			if most > 0 && len(out) < limit && c.why == why && !slices.ContainsFunc(out, func(o foundCircle) bool { return o.id == c.id }) {
				out, most = append(out, c), most-1
			}
		}
	}
	take("kin", limit/2)
	take("large", limit-len(out)-2)
	take("new", 2)
	take("large", limit)
	return out
}

// kinds gives the categories in which there is a circle to find, in the order in which they are shown.
func (s store) kinds(ctx context.Context) ([]string, error) {
	query, args := "", []any{}
	for i, k := range kindOrder {
		if i > 0 {
			query += ` union all `
		}
		query += fmt.Sprintf(`select x.category from (select c.category from circles c where c.category = $%d and c.state = 'open' and c.withheld_at is null and c.join_mode <> 'invitation' and c.found = 1 limit 1) x`, i+1)
		args = append(args, k)
	}
	var out []string
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err == nil {
		out, err = db.Scan(rows, func(r db.Row) (k string, err error) { return k, r.Scan(&k) })
	}
	if err != nil {
		return nil, fmt.Errorf("read categories: %w", err)
	}
	slices.SortFunc(out, func(a, b string) int { return slices.Index(kindOrder, a) - slices.Index(kindOrder, b) })
	return out, nil
}

// kindOrder is the order in which categories are shown.
var kindOrder = []string{"life", "outdoors", "reading", "study", "work", "tech", "arts", "games", "food", "family", "local", "other"}

// foundTopic is a topic with the number of posts about it lately.
type foundTopic struct {
	id    who.ID
	name  string
	posts int64
}

// topics gives the topics of the newest posts since a time, of those that the viewer may see on own pages and in the
// viewer's circles, by the number of posts.
func (s store) topics(ctx context.Context, viewer who.ID, since time.Time, pages, circles bool) ([]foundTopic, error) {
	where := ""
	if !pages {
		where += ` and t.service <> 'page'`
	}
	if !circles {
		where += ` and t.service = 'page'`
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select t.id, t.name, count(*) from (select l.topic_id, l.post_id from post_topics l where l.at >= $2 order by l.at desc, l.topic_id desc limit $3) x
		join topics t on t.id = x.topic_id join posts p on p.id = x.post_id
		where p.state = 'live' and (t.service = 'page' and p.audience = 'public' or t.service = 'circle' and exists
			(select 1 from circle_members m join circles c on c.id = m.circle_id where m.circle_id = t.place_id and m.account_id = $1 and m.state = 'active' and c.withheld_at is null)) and `+
		service.Visible("p.author_id", "p.service", "p.place_id")+` and `+service.Unblocked("$1", "p.author_id")+` and `+relation.Unmuted("$1", "p.author_id")+
		` and `+relation.Heard("$1", "'topic'", "t.id")+` and `+relation.Heard("$1", "t.service", "t.place_id")+where+`
		group by t.id, t.name order by count(*) desc, t.id desc limit $4`, int64(viewer), db.Ms(since), topicsLately, topicsShown)
	if err != nil {
		return nil, fmt.Errorf("find topics: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (foundTopic, error) {
		var t foundTopic
		err := r.Scan((*int64)(&t.id), &t.name, &t.posts)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("find topics: %w", err)
	}
	return list, nil
}

// circleFace is what a poster shows of a circle.
type circleFace struct {
	kind, avatar, cover string
	members             int64
}

// face gives what a circle looks like; the caller has asked whether the viewer may see it.
func (s store) face(ctx context.Context, id who.ID) (f circleFace, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select c.category, c.avatar, c.cover, c.members from circles c where c.id = $1`, int64(id)).Scan(&f.kind, &f.avatar, &f.cover, &f.members)
	if err != nil {
		return f, fmt.Errorf("read what a circle looks like: %w", err)
	}
	return f, nil
}

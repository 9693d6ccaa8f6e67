package page

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

// ranking gives whether an account's home is ranked.
func (s store) ranking(ctx context.Context, account who.ID) (Ranking, error) {
	var n int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select ranking from settings where account_id = $1`, int64(account)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return NeverRanked, nil
	}
	if err != nil {
		return NeverRanked, fmt.Errorf("read whether home is ranked: %w", err)
	}
	return Ranking(n), nil
}

// setRanking stores it.
func (s store) setRanking(ctx context.Context, pass service.Pass, account who.ID, to Ranking) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by, ranking) values ($1, '', '', '', 'only-me', $2)
		on conflict (account_id) do update set ranking = excluded.ranking`, int64(account), int64(to)); err != nil {
		return fmt.Errorf("store whether home is ranked: %w", err)
	}
	return nil
}

// mostSignals bounds the rows that are read about a viewer's likes and wishes.
const mostSignals = 500

// fond gives how many posts of each author the viewer liked since a time, of the last 500 likes not after a mark.
func (s store) fond(ctx context.Context, account who.ID, since time.Time, mark who.ID) (map[who.ID]int, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select p.author_id, count(*) from (select l.ref_id from likes l where l.account_id = $1 and l.id <= $2 and l.created_at >= $3
		and l.ref_kind = 'post' order by l.id desc limit $4) x join posts p on p.id = x.ref_id where p.author_id is not null group by p.author_id`,
		int64(account), int64(mark), db.Ms(since), mostSignals)
	if err != nil {
		return nil, fmt.Errorf("read likes of a viewer: %w", err)
	}
	out := map[who.ID]int{}
	_, err = db.Scan(rows, func(r db.Row) (struct{}, error) {
		var id int64
		var n int
		err := r.Scan(&id, &n)
		out[who.ID(id)] = n
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read likes of a viewer: %w", err)
	}
	return out, nil
}

// less gives the accounts, circles and topics of which the viewer wants less now.
func (s store) less(ctx context.Context, account who.ID, now int64) (map[who.Ref]bool, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select x.kind, x.id from (
		select 'account' as kind, m.muted_id as id from mutes m where m.account_id = $1 and m.less = 1 and (m.until is null or m.until > $2)
		union all select q.ref_kind, q.ref_id from quiets q where q.account_id = $1 and q.less = 1 and (q.until is null or q.until > $2)) x limit $3`,
		int64(account), now, mostSignals)
	if err != nil {
		return nil, fmt.Errorf("read of what a viewer wants less: %w", err)
	}
	out := map[who.Ref]bool{}
	_, err = db.Scan(rows, func(r db.Row) (struct{}, error) {
		var ref who.Ref
		err := r.Scan(&ref.Kind, (*int64)(&ref.ID))
		out[ref] = true
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read of what a viewer wants less: %w", err)
	}
	return out, nil
}

// lessTopics gives how many topics of each post are among those of which the viewer wants less.
func (s store) lessTopics(ctx context.Context, less map[who.Ref]bool, posts []who.ID) (map[who.ID]int, error) {
	out := map[who.ID]int{}
	var topics []who.ID
	for ref := range less {
		if ref.Kind == "topic" {
			topics = append(topics, ref.ID)
		}
	}
	if len(topics) == 0 || len(posts) == 0 {
		return out, nil
	}
	of, args := service.In(1, posts)
	among, more := service.In(1+len(args), topics)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select t.post_id, count(*) from post_topics t where t.post_id in (`+of+`) and t.topic_id in (`+among+`) group by t.post_id`, append(args, more...)...)
	if err != nil {
		return nil, fmt.Errorf("read topics of posts: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (struct{}, error) {
		var id int64
		var n int
		err := r.Scan(&id, &n)
		out[who.ID(id)] = n
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read topics of posts: %w", err)
	}
	return out, nil
}

// talked is what was said of a post.
type talked struct{ likes, comments int }

// since gives the likes and comments of posts that came after a mark: ids grow with time.
func (s store) since(ctx context.Context, posts []who.ID, mark who.ID) (map[who.ID]talked, error) {
	of, args := service.In(2, posts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select x.ref_id, cast(sum(x.likes) as bigint), cast(sum(x.comments) as bigint) from (
		select l.ref_id, count(*) as likes, 0 as comments from likes l where l.ref_kind = 'post' and l.ref_id in (`+of+`) and l.id > $1 group by l.ref_id
		union all select c.ref_id, 0, count(*) from comments c where c.ref_kind = 'post' and c.ref_id in (`+of+`) and c.id > $1 and c.state = 'live' group by c.ref_id) x group by x.ref_id`,
		append([]any{int64(mark)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read what came since: %w", err)
	}
	out := map[who.ID]talked{}
	_, err = db.Scan(rows, func(r db.Row) (struct{}, error) {
		var id int64
		var t talked
		err := r.Scan(&id, &t.likes, &t.comments)
		out[who.ID(id)] = t
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what came since: %w", err)
	}
	return out, nil
}

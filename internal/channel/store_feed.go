package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// candidateColumns are what ranking looks at; $1 is the viewer.
const candidateColumns = `p.id, p.account_id, p.at, p.look, p.likes, p.comments, case when exists (select 1 from follows w where w.follower_id = $1 and w.followee_id = p.account_id) then 1 else 0 end`

func scanCandidate(r db.Row) (c candidate, err error) {
	var at, followed int64
	err = r.Scan((*int64)(&c.ID), (*int64)(&c.Owner), &at, &c.Look, &c.Likes, &c.Comments, &followed)
	c.At, c.Followed = db.Time(at), followed == 1
	return c, err
}

// listedFor is a condition for rows of videos, by their alias: they stand in lists of the viewer $1, whatever their audience. What is muted
// is not listed; of what the viewer asked to see less of only that is which others have liked or commented on.
func listedFor(p string) string {
	owner := p + ".account_id"
	return owner + ` <> $1 and ` + metBy(owner) + ` and ` + wantedFor(p, `not exists (select 1 from mutes z where z.account_id = $1 and z.muted_id = `+owner+` and z.less = 1)`)
}

// metBy is a condition for an account: the viewer $1 meets it, and wants to.
func metBy(account string) string {
	return service.Visible(account, "'channel'", "'0'") + ` and ` + service.Unblocked("$1", account) + ` and ` + relation.Unmuted("$1", account)
}

// wantedFor is a condition for rows of videos whose channel the viewer $1 wants: they can be played, and the viewer wants them. full is a condition: the viewer has not
// asked for less of the channel.
func wantedFor(p, full string) string {
	topics := ` from video_topics y join quiets z on z.account_id = $1 and z.ref_kind = 'topic' and z.ref_id = y.topic_id where y.video_id = ` + p + `.id and z.less = `
	// Counted where it stands after an "or": of a "not exists" there PostgreSQL would read all that stands under the topics into a table of its own.
	return p + `.state = 'live' and ` + p + `.media in ('ready', 'plain') and not exists (select 1` + topics + `0) and (` + p + `.likes + ` + p + `.comments > 0 or ` + full + ` and (select count(*)` + topics + `1) = 0)`
}

// meantFor is a condition for rows of videos: the viewer $1 is among those for whom they are listed.
func meantFor(p string) string {
	return `(` + p + `.audience = 'public' or ` + p + `.audience = 'followers:' || ` + p + `.account_id and exists (select 1 from follows w where w.follower_id = $1 and w.followee_id = ` + p + `.account_id)
		or ` + p + `.audience like 'circle:%' and exists (select 1 from circle_members m where m.account_id = $1 and m.state = 'active' and ` + p + `.audience = 'circle:' || m.circle_id))`
}

func (s store) candidates(ctx context.Context, what, query string, args ...any) ([]candidate, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list, err := db.Scan(rows, scanCandidate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

// of gives, for each row of a source s, columns of those rows x of a table that a condition over s, with its order and limit, names: one short
// walk of an index each. SQLite has no lateral join; its cross join keeps the order of the loops.
func (s store) of(source, table, columns, condition string) string {
	from := func(alias string) string { return alias + "." + strings.ReplaceAll(columns, ", ", ", "+alias+".") }
	if s.db.SQLite() {
		return `select ` + from("q") + ` from ` + source + ` s cross join ` + table + ` q where q.id in (select x.id from ` + table + ` x where ` + condition + `)`
	}
	return `select ` + from("q") + ` from ` + source + ` s cross join lateral (select ` + from("x") + ` from ` + table + ` x where ` + condition + `) q`
}

// below gives the bounds of a cursor for SQL.
func below(c post.Cursor) (at, id int64) {
	if c == (post.Cursor{}) {
		return math.MaxInt64, math.MaxInt64
	}
	return c.At, int64(c.ID)
}

// following gives a page of the newest videos of those whom the viewer follows. First a few of the newest of each channel are looked at: the page's
// last video is not older than the last of as many of these as the page has. Then of each channel what is not older than that: so of most
// channels a row or two are read, by index, whatever they have.
func (s store) following(ctx context.Context, viewer who.ID, c post.Cursor, limit int) ([]candidate, error) {
	sources, err := s.sources(ctx, viewer)
	if err != nil || sources == 0 {
		return nil, err
	}
	at, id := below(c)
	match := `x.account_id = s.account_id and (x.at, x.id) < ($2, $3) and (x.audience in ('public', 'followers:' || s.account_id) or x.audience like 'circle:%' and exists
		(select 1 from circle_members m where m.account_id = $1 and m.state = 'active' and x.audience = 'circle:' || m.circle_id)) and ` + wantedFor("x", "s.less = 0")
	newest := func(source, since, most string) string {
		return s.of(source, "videos", "id, at", match+since+` order by x.at desc, x.id desc limit `+most)
	}
	return s.candidates(ctx, "list videos of whom one follows", `with mine (account_id, less) as (select f.followee_id, case when exists (select 1 from mutes z where z.account_id = $1 and z.muted_id = f.followee_id and z.less = 1) then 1 else 0 end
			from follows f join channels h on h.account_id = f.followee_id where f.follower_id = $1 and f.followee_id <> $1 and `+metBy("f.followee_id")+`),
		bound (at) as (select case when count(*) = $4 then min(n.at) else -4611686018427387904 end from (select m.at from (`+newest("mine", "", "$5")+`) m order by m.at desc limit $4) n)
		select `+candidateColumns+` from (select u.id, u.at from (`+newest("bound b cross join mine", " and x.at >= b.at", "$4")+`) u order by u.at desc, u.id desc limit $4) t
		join videos p on p.id = t.id order by p.at desc, p.id desc`,
		int64(viewer), at, id, limit, min(limit, max(1, lookedAt*limit/sources)))
}

// lookedAt is how many times a page's videos are looked at to find where the page may end.
const lookedAt = 4

// sources counts the channels that an account follows.
func (s store) sources(ctx context.Context, viewer who.ID) (n int, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from follows f join channels h on h.account_id = f.followee_id where f.follower_id = $1`, int64(viewer)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count channels that one follows: %w", err)
	}
	return n, nil
}

// newest gives a page of the newest public videos.
func (s store) newest(ctx context.Context, viewer who.ID, c post.Cursor, limit int) ([]candidate, error) {
	at, id := below(c)
	return s.candidates(ctx, "list newest videos", `select `+candidateColumns+` from videos p where p.audience = 'public' and (p.at, p.id) < ($2, $3) and `+listedFor("p")+`
		order by p.at desc, p.id desc limit $4`, int64(viewer), at, id, limit)
}

// hottest gives public videos that are not newer than a time, the most talked of first.
func (s store) hottest(ctx context.Context, viewer who.ID, now int64, limit int) ([]candidate, error) {
	return s.candidates(ctx, "list videos by heat", `select `+candidateColumns+` from videos p where p.audience = 'public' and +p.at <= $2 and `+listedFor("p")+`
		order by p.hot desc, p.id desc limit $3`, int64(viewer), now, limit)
}

// chosen gives those of the videos, at least one, that are listed for the viewer.
func (s store) chosen(ctx context.Context, viewer who.ID, ids []who.ID) ([]candidate, error) {
	// The cross join keeps SQLite from walking all videos of a state.
	values := ""
	args := []any{int64(viewer)}
	for i, id := range ids {
		if i > 0 {
			values += ", "
		}
		args = append(args, int64(id))
		values += fmt.Sprintf("(cast($%d as bigint))", len(args))
	}
	return s.candidates(ctx, "read videos that friends like", `with liked (id) as (values `+values+`) select `+candidateColumns+` from liked l cross join videos p where p.id = l.id and `+listedFor("p")+` and `+meantFor("p"), args...)
}

// friendLike is a friend's like of a video, in public.
type friendLike struct{ ID, Account, Video who.ID }

// Bounds of what is read of friends: whom the viewer followed last, how many friends of those, how many of each one's last likes, and how many of all.
const (
	mostFollowed    = 1000
	mostFriends     = 200
	likesEach       = 20
	mostFriendLikes = 400
)

// friendLikes gives the last likes of the viewer's friends, not after a mark, the last one first. Friends are two accounts that follow each other.
func (s store) friendLikes(ctx context.Context, viewer, mark who.ID) ([]friendLike, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `with mine (id) as (select f.followee_id from (select g.followee_id, g.id from follows g where g.follower_id = $1 order by g.id desc limit $3) f
			join follows b on b.follower_id = f.followee_id and b.followee_id = $1 where `+service.Visible("f.followee_id", "'channel'", "'0'")+` and `+relation.Unmuted("$1", "f.followee_id")+` limit $4)
		select u.id, u.account_id, u.ref_id from (`+s.of("mine", "likes", "id, account_id, ref_id", `x.account_id = s.id and x.ref_kind = 'video' and x.private = 0
			and x.id <= $2 order by x.id desc limit $5`)+`) u order by u.id desc limit $6`, int64(viewer), int64(mark), mostFollowed, mostFriends, likesEach, mostFriendLikes)
	if err != nil {
		return nil, fmt.Errorf("read likes of friends: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (l friendLike, err error) {
		return l, r.Scan((*int64)(&l.ID), (*int64)(&l.Account), (*int64)(&l.Video))
	})
	if err != nil {
		return nil, fmt.Errorf("read likes of friends: %w", err)
	}
	return list, nil
}

// videoTopic is what a video is about.
type videoTopic struct {
	Video, ID who.ID
	Name      string
}

// topicsOf gives what the videos are about.
func (s store) topicsOf(ctx context.Context, ids []who.ID) (map[who.ID][]videoTopic, error) {
	out := map[who.ID][]videoTopic{}
	if len(ids) == 0 {
		return out, nil
	}
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select y.video_id, y.topic_id, o.name from video_topics y join topics o on o.id = y.topic_id where y.video_id in (`+list+`) order by y.video_id, y.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read topics of videos: %w", err)
	}
	all, err := db.Scan(rows, func(r db.Row) (t videoTopic, err error) {
		return t, r.Scan((*int64)(&t.Video), (*int64)(&t.ID), &t.Name)
	})
	if err != nil {
		return nil, fmt.Errorf("read topics of videos: %w", err)
	}
	for _, t := range all {
		out[t.Video] = append(out[t.Video], t)
	}
	return out, nil
}

// mostWishes bounds the rows that are read of a viewer's likes and wishes.
const mostWishes = 200

// fond gives how many videos of each topic the viewer liked in public since a time, of the last 200 likes not after a mark.
func (s store) fond(ctx context.Context, viewer who.ID, since time.Time, mark who.ID) (map[who.ID]int, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select y.topic_id, count(*) from (select l.ref_id from likes l where l.account_id = $1 and l.ref_kind = 'video' and l.private = 0 and l.id <= $2
		and l.created_at >= $3 order by l.id desc limit $4) x join video_topics y on y.video_id = x.ref_id group by y.topic_id`, int64(viewer), int64(mark), db.Ms(since), mostWishes)
	if err != nil {
		return nil, fmt.Errorf("read what a viewer likes: %w", err)
	}
	out := map[who.ID]int{}
	_, err = db.Scan(rows, func(r db.Row) (id who.ID, err error) {
		var n int
		err = r.Scan((*int64)(&id), &n)
		out[id] = n
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what a viewer likes: %w", err)
	}
	return out, nil
}

// less gives the channels' accounts and the topics of which the viewer wants less.
func (s store) less(ctx context.Context, viewer who.ID, now int64) (map[who.Ref]bool, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select x.kind, x.id from (select 'account' as kind, m.muted_id as id from mutes m where m.account_id = $1 and m.less = 1 and (m.until is null or m.until > $2)
		union all select q.ref_kind, q.ref_id from quiets q where q.account_id = $1 and q.ref_kind = 'topic' and q.less = 1 and (q.until is null or q.until > $2)) x limit $3`, int64(viewer), now, mostWishes)
	if err != nil {
		return nil, fmt.Errorf("read of what a viewer wants less: %w", err)
	}
	out := map[who.Ref]bool{}
	_, err = db.Scan(rows, func(r db.Row) (ref who.Ref, err error) {
		err = r.Scan(&ref.Kind, (*int64)(&ref.ID))
		out[ref] = true
		return ref, err
	})
	if err != nil {
		return nil, fmt.Errorf("read of what a viewer wants less: %w", err)
	}
	return out, nil
}

// shownNames gives the names that pages show of the accounts.
func (s store) shownNames(ctx context.Context, ids []who.ID) (map[who.ID]string, error) {
	out := map[who.ID]string{}
	if len(ids) == 0 {
		return out, nil
	}
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, coalesce(nullif(f.display_name, ''), a.name) from accounts a left join profiles f on f.account_id = a.id where a.id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read names of friends: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (id who.ID, err error) {
		var name string
		err = r.Scan((*int64)(&id), &name)
		out[id] = name
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read names of friends: %w", err)
	}
	return out, nil
}

// order gives how an account's entrance of videos is ordered.
func (s store) order(ctx context.Context, account who.ID) (o Order, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select video_order from settings where account_id = $1`, int64(account)).Scan((*int64)(&o))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Ranked, fmt.Errorf("read order of videos: %w", err)
	}
	if o != Latest {
		o = Ranked
	}
	return o, nil
}

func (s store) setOrder(ctx context.Context, pass service.Pass, account who.ID, to Order) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by, video_order) values ($1, '', '', '', 'only-me', $2)
		on conflict (account_id) do update set video_order = excluded.video_order`, int64(account), int64(to)); err != nil {
		return fmt.Errorf("store order of videos: %w", err)
	}
	return nil
}

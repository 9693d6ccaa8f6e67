package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"exeunt/internal/db"
)

// The community that circles measures. Ids of made rows are these and more; those of the server's own are far above.
const (
	cityPosts    = 10_000_000
	cityComments = 100_000_000
	cityLikes    = 200_000_000
	cityWriters  = 500 // their accounts come after the viewers'
	cityTopics   = 5   // of each circle
	cityYear     = int64(347 * 24 * 3600 * 1000)
)

// community is how large a made community is.
type community struct {
	members, posts, comments, circles int
}

// first is the account before the viewers', which the writers' follow.
func (c community) first() int { return c.members / 5 }

// writing are who writes on own pages: forty posts each, whatever the number of posts.
func (c community) writing() int { return max(20, c.posts/100) }

// step is how many milliseconds lie between two posts.
func (c community) step() int64 { return cityYear / int64(c.posts) }

// begun is when the first was written.
func (c community) begun() int64 { return seedTime }

// circleOf is an expression for the circle in which the i-th post stands: a tenth of all in the first, of which everybody is a member, half of all in the others.
func (c community) circleOf(i string) string {
	return fmt.Sprintf("case when %[1]s %% 10 = 0 then 1 when %[1]s %% 10 < 6 then 2 + (%[1]s * 31) %% %[2]d else 0 end", i, c.circles-1)
}

// newest is an expression for one of the posts, the newest most often: the x-th of a row of numbers without order.
func (c community) newest(i string) string {
	return fmt.Sprintf("%[1]d - ((%[2]s * 7919) %% %[3]d) * ((%[2]s * 7919) %% %[3]d) / %[3]d * %[1]d / %[3]d", c.posts, i, c.posts+3)
}

// settle fills an empty install with the community, without its index.
func (c community) settle(ctx context.Context, d *db.DB) error {
	return bulk(ctx, d, func(conn *sql.Conn) error {
		if err := c.texts(ctx, conn); err != nil {
			return err
		}
		for _, statements := range [][]string{accounts(0, c.members), c.places(), c.written(), c.said(), c.viewers(), c.counts()} {
			for _, s := range statements {
				if _, err := conn.ExecContext(ctx, s); err != nil {
					return fmt.Errorf("fill: %w in %.300s", err, s)
				}
			}
		}
		return nil
	})
}

// texts puts the posts' texts into a table of their own, from a fixed seed.
func (c community) texts(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `create table bench_texts (id bigint primary key, text text not null)`); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	v := newVocabulary()
	random := rand.New(rand.NewPCG(7, 7))
	const batch = 500
	for n := 0; n < c.posts; n += batch {
		var b strings.Builder
		var args []any
		for i := n; i < min(n+batch, c.posts); i++ {
			if i > n {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "($%d, $%d)", len(args)+1, len(args)+2)
			args = append(args, i+1, v.text(random))
		}
		if _, err := conn.ExecContext(ctx, `insert into bench_texts (id, text) values `+b.String(), args...); err != nil {
			return fmt.Errorf("store texts: %w", err)
		}
	}
	return nil
}

// places makes circles with their members and topics.
func (c community) places() []string {
	rows := series(c.circles)
	return []string{
		`insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at, ended_at, category, preview) ` + rows +
			fmt.Sprintf(` select i, '圈子' || i, '一起看船，第 ' || i || ' 处', 'open', '', 'open', 0, 0, %d - 10 * i, null, 'other', 'posts' from g`, int64(seedTime)),
		`insert into circle_members (id, circle_id, account_id, role, state, created_at) ` + rows +
			fmt.Sprintf(` select i, i, 1 + (i * 13) %% %d, 'owner', 'active', %d from g`, c.first()/2, int64(seedTime)),
		`insert into circle_members (id, circle_id, account_id, role, state, created_at) ` + series(c.members) +
			fmt.Sprintf(` select 1000000 + i, 1, i, 'member', 'active', %d + i from g where true on conflict do nothing`, int64(seedTime)),
		`insert into circle_members (id, circle_id, account_id, role, state, created_at) ` + series(4*c.members) +
			fmt.Sprintf(` select 2000000 + i, 2 + (i * 7) %% %d, 1 + i %% %d, 'member', 'active', %d + i from g where true on conflict do nothing`, c.circles-1, c.members, int64(seedTime)),
		`insert into topics (id, service, place_id, name, name_key, posts, state, created_at) ` + series(cityTopics*c.circles) +
			fmt.Sprintf(` select i, 'circle', 1 + (i - 1) / %d, '话题' || i, '话题' || i, 0, 'live', %d - 10 * i - 5 from g`, cityTopics, int64(seedTime)),
	}
}

// written makes the posts with their images and topics.
func (c community) written() []string {
	circle := c.circleOf("id")
	return []string{
		`insert into posts (id, author_id, service, place_id, audience, text, summary, sensitive, language, reply_to, origin, state, created_at, edited_at, likes, comments, images) ` +
			fmt.Sprintf(`select %d + i, case when c = 0 then 1 + (i / 10 * 7919 + i) %% %d else 1 + (i * 104729) %% %d end, case when c = 0 then 'page' else 'circle' end, c,
				case when c = 0 then 'public' else 'circle:' || c end, text, '', 0, 'zh', '', null, 'live', %d + i * %d, null, 0, 0, case when i %% 4 = 0 then 1 else 0 end
			from (select id as i, text, %s as c from bench_texts) t`, cityPosts, c.writing(), c.members, c.begun(), c.step(), circle),
		`drop table bench_texts`,
		fmt.Sprintf(`insert into post_images (id, post_id, author_id, position, key, thumb, type, width, height, bytes, alt, missing)
			select p.id, p.id, p.author_id, 0, %s || '.jpg', %s || '.t.jpg', 'image/jpeg', 1600, 1200, 240000, '河上的船', '' from posts p where p.images = 1`, imageKey, imageKey),
		fmt.Sprintf(`insert into post_topics (post_id, topic_id, at) select p.id, 1 + (p.place_id - 1) * %d + p.id / 50 %% %d, p.created_at from posts p where p.service = 'circle' and p.id %% 5 = 0`,
			cityTopics, cityTopics),
		`update posts set featured_at = created_at where service = 'circle' and id % 503 = 0`,
		`update posts set pinned_at = created_at where id in (select max(id) from posts where service = 'circle' group by place_id)`,
	}
}

// said makes comments, every fourth an answer to one of the same post, and likes.
func (c community) said() []string {
	return []string{
		`insert into comments (id, author_id, ref_kind, ref_id, service, place_id, parent_id, text, origin, state, created_at, likes) ` + series(c.comments) +
			fmt.Sprintf(` select %d + i, 1 + (i * 104729) %% %d, 'post', %d + p, case when %s = 0 then 'page' else 'circle' end, %s,
				case when i %% 4 = 0 and i > %d then %d + i - %d else null end, '说得好，第 ' || i || ' 次来看。', null, 'live', %d + p * %d + i %% %d, 0
			from (select i, %s as p from g) h`, cityComments, c.members, cityPosts, c.circleOf("p"), c.circleOf("p"), c.posts+3, cityComments, c.posts+3,
				c.begun(), c.step(), c.step(), c.newest("i")),
		`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, created_at) ` + series(c.posts) +
			fmt.Sprintf(` select %d + i, 1 + (i * 31) %% %d, 'post', %d + p, case when %s = 0 then 'page' else 'circle' end, %s, %d + p * %d
			from (select i, %s as p from g) h where true on conflict do nothing`, cityLikes, c.members, cityPosts, c.circleOf("p"), c.circleOf("p"), c.begun(), c.step(), c.newest("i")),
	}
}

// viewers gives those who look whom they follow, block, mute and leave quiet, and what they were told.
func (c community) viewers() []string {
	made := int64(seedTime)
	return []string{
		`insert into follows (id, follower_id, followee_id, created_at) ` + series(viewers*followsEach) +
			fmt.Sprintf(` select i, %d + 1 + (i - 1) / %d, 1 + (i * 7919) %% %d, %d from g where true on conflict do nothing`, c.first(), followsEach, c.writing(), made),
		`insert into blocks (id, account_id, blocked_id, created_at) ` + series(5*viewers) +
			fmt.Sprintf(` select i, %d + 1 + (i - 1) / 5, 1 + (i * 211) %% %d, %d from g where true on conflict do nothing`, c.first(), c.first()/2, made),
		`insert into mutes (id, account_id, muted_id, created_at) ` + series(20*viewers) +
			fmt.Sprintf(` select i, %d + 1 + (i - 1) / 20, 1 + (i * 307) %% %d, %d from g where true on conflict do nothing`, c.first(), c.first()/2, made),
		`insert into quiets (id, account_id, ref_kind, ref_id, created_at) ` + series(2*viewers) +
			fmt.Sprintf(` select i, %d + 1 + (i - 1) / 2, 'topic', i, %d from g where true on conflict do nothing`, c.first(), made),
		`insert into notices (id, account_id, kind, by_id, ref_kind, ref_id, service, place_id, due_at, created_at) ` + series(300*viewers) +
			fmt.Sprintf(` select i, %d + 1 + (i - 1) / 300, 'follow', 1 + (i * 17) %% %d, 'account', 1 + (i * 17) %% %d, '', 0, null, %d from g where true on conflict do nothing`,
				c.first(), c.first()/2, c.first()/2, made),
	}
}

// counts sets what is counted to what there is.
func (c community) counts() []string {
	return append(counted(),
		`update posts set hot = created_at / 1000 + case when likes + 2 * comments <= 10 then 3600 * (likes + 2 * comments) when likes + 2 * comments <= 100 then 27000 + 900 * (likes + 2 * comments)
			when likes + 2 * comments <= 1000 then 99000 + 180 * (likes + 2 * comments) else 279000 end`,
		`update circles set members = n.n from (select circle_id, count(*) as n from circle_members where state = 'active' group by circle_id) n where n.circle_id = circles.id`,
		`update circles set posts = n.n from (select place_id, count(*) as n from posts where service = 'circle' group by place_id) n where n.place_id = circles.id`,
		`update topics set posts = n.n from (select topic_id, count(*) as n from post_topics group by topic_id) n where n.topic_id = topics.id`,
	)
}

// bulk runs fn on one connection that takes no care for a crash, with the indexes of the tables that it fills made afterwards: to put a million rows
// into one index after the other is many times as fast.
func bulk(ctx context.Context, d *db.DB, fn func(conn *sql.Conn) error) (err error) {
	conn, err := d.Writer.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take connection: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	before := []string{`set maintenance_work_mem = '1GB'`, `set work_mem = '256MB'`, `set synchronous_commit = off`}
	after := []string{`vacuum analyze`, `reset maintenance_work_mem`, `reset work_mem`, `reset synchronous_commit`}
	listed := `select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename in (` + filled + `) and indexname not in (select conname from pg_constraint)`
	if d.SQLite() {
		before = []string{`pragma synchronous = off`, `pragma foreign_keys = off`, `pragma secure_delete = off`, `pragma cache_size = -800000`}
		after = []string{`pragma wal_checkpoint(truncate)`, `pragma synchronous = full`, `pragma foreign_keys = on`, `pragma secure_delete = on`, `pragma cache_size = -4000`}
		listed = `select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name in (` + filled + `)`
	}
	if err := each(ctx, conn, before...); err != nil {
		return err
	}
	rows, err := conn.QueryContext(ctx, listed)
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	indexes, err := db.Scan(rows, func(r db.Row) (x [2]string, err error) { return x, r.Scan(&x[0], &x[1]) })
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	for _, x := range indexes {
		if err := each(ctx, conn, `drop index `+x[0]); err != nil {
			return err
		}
	}
	if err := fn(conn); err != nil {
		return err
	}
	for _, x := range indexes {
		if err := each(ctx, conn, x[1]); err != nil {
			return err
		}
	}
	return each(ctx, conn, after...)
}

// filled are the tables that grow large.
const filled = `'posts', 'comments', 'likes', 'post_images', 'post_topics', 'circle_members', 'videos', 'video_topics'`

func each(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("fill: %w in %.300s", err, s)
		}
	}
	return nil
}

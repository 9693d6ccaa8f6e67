package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"exeunt/internal/db"
)

// The channels that videos measures. Ids of made rows are these and more.
const (
	screenVideos = 10_000_000
	screenLikes  = 200_000_000
	friendsEach  = 50

	followersOnly = 20 // one in so many videos is for followers
	blocksEach    = 5
)

// blocks reports whether a viewer, from 0, blocks the channel of a video, from 1.
func (s screen) blocks(viewer, video int) bool {
	for i := viewer*blocksEach + 1; i <= (viewer+1)*blocksEach; i++ {
		if (i*211)%s.channels == (video*7919)%s.channels {
			return true
		}
	}
	return false
}

// screen is how much there is to see.
type screen struct {
	accounts, channels, videos, likes, topics int
}

// settle fills an empty install. Times end at the machine's own, for what is new counts.
func (s screen) settle(ctx context.Context, d *db.DB) error {
	now := time.Now().UnixMilli()
	return bulk(ctx, d, func(conn *sql.Conn) error {
		for _, statements := range [][]string{accounts(0, s.accounts), s.made(now), s.liked(now), s.viewers(now)} {
			if err := each(ctx, conn, statements...); err != nil {
				return err
			}
		}
		return nil
	})
}

// made gives the channels, videos and topics. The newest video is the last.
func (s screen) made(now int64) []string {
	look := "''"
	for _, prime := range []int{104729, 130363, 155921, 174763, 199999, 224737} { // sixteen digits that look like hexadecimal ones, six times
		look += " || " + fmt.Sprintf("(1000000000000000 + (i * 7919 * %d) %% 8999999999999999)", prime)
	}
	step := int64(365*24*3600*1000) / int64(s.videos)
	return []string{
		`insert into channels (account_id, name, bio, avatar, cover, created_at) ` + series(s.channels) + fmt.Sprintf(` select i, '频道' || i, '', '', '', %d from g`, now),
		`insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, look, duration, width, height, poster, thumb, downloads, hot) ` +
			series(s.videos) + fmt.Sprintf(` select %[1]d + i, 1 + (i * 7919) %% %[2]d, '河上的船，第 ' || i || ' 条', '', case when i %% %[7]d = 0 then 'followers:' || (1 + (i * 7919) %% %[2]d) else 'public' end, 'zh', 'live', 'ready', '', 1000,
				%[3]d - (%[4]d - i) * %[5]d, %[3]d, '', 'video/mp4', '', 1000000, '', %[6]s, 60000, 1080, 1920, '', (1 + (i * 7919) %% %[2]d) || '/videos/' || i || '.jpg', 0, (%[3]d - (%[4]d - i) * %[5]d) / 1000 from g`,
			screenVideos, s.channels, now, s.videos, step, look, followersOnly),
		`insert into topics (id, service, place_id, name, name_key, posts, state, created_at) ` + series(s.topics) + fmt.Sprintf(` select i, 'channel', 0, '话题' || i, '话题' || i, 0, 'live', %d from g`, now),
		fmt.Sprintf(`insert into video_topics (id, video_id, account_id, topic_id, at) select v.id, v.id, v.account_id, 1 + (v.id * 31) %% %d, v.at from videos v`, s.topics),
	}
}

// liked gives the likes: as many by each account, most of new videos, one in five in private.
func (s screen) liked(now int64) []string {
	each := s.likes / s.accounts
	return []string{
		`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, private, created_at) ` + series(s.likes) +
			fmt.Sprintf(` select %[1]d + i, 1 + (i - 1) / %[2]d, 'video', %[3]d + %[4]d - ((i * 7919) %% %[4]d) * ((i * 7919) %% %[4]d) / %[4]d, 'channel', 0, case when i %% 5 = 0 then 1 else 0 end, %[5]d - (i %% 5000) * 1000000
			from g where true on conflict do nothing`, screenLikes, each, screenVideos, s.videos, now),
		`update videos set likes = n.n, hot = at / 1000 + 3600 * case when n.n <= 10 then n.n when n.n <= 100 then 10 + (n.n - 10) / 4 when n.n <= 1000 then 32 + (n.n - 100) / 20 else 77 end
			from (select ref_id, count(*) as n from likes where ref_kind = 'video' group by ref_id) n where n.ref_id = videos.id`,
	}
}

// viewers gives those who look whom they follow, their friends, what they block, mute and want less of, and how they order.
func (s screen) viewers(now int64) []string {
	first := community{members: s.accounts}.first()
	viewer := func(each int) string { return fmt.Sprintf("%d + 1 + (i - 1) / %d", first, each) }
	friend := fmt.Sprintf("1 + (i * 104729) %% %d", s.accounts)
	follow := func(from, n int, follower, followee string) string {
		return `insert into follows (id, follower_id, followee_id, created_at) ` + series(n) + fmt.Sprintf(` select %d + i, %s, %s, %d from g where true on conflict do nothing`, from, follower, followee, now)
	}
	return []string{
		follow(0, viewers*followsEach, viewer(followsEach), fmt.Sprintf("1 + (i * 7919) %% %d", s.channels)),
		follow(1_000_000, viewers*friendsEach, viewer(friendsEach), friend),
		follow(2_000_000, viewers*friendsEach, friend, viewer(friendsEach)),
		`insert into blocks (id, account_id, blocked_id, created_at) ` + series(blocksEach*viewers) + fmt.Sprintf(` select i, %s, 1 + (i * 211) %% %d, %d from g where true on conflict do nothing`, viewer(blocksEach), s.channels, now),
		`insert into mutes (id, account_id, muted_id, less, created_at) ` + series(20*viewers) + fmt.Sprintf(` select i, %s, 1 + (i * 307) %% %d, i %% 2, %d from g where true on conflict do nothing`, viewer(20), s.channels, now),
		`insert into quiets (id, account_id, ref_kind, ref_id, less, created_at) ` + series(4*viewers) + fmt.Sprintf(` select i, %s, 'topic', 1 + (i * 17) %% %d, i %% 2, %d from g where true on conflict do nothing`, viewer(4), s.topics, now),
		fmt.Sprintf(`update settings set video_order = 2 where account_id > %d and account_id <= %d and (account_id - %d) %% 2 = 0`, first, first+viewers, first),
	}
}

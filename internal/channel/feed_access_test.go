package channel_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"exeunt/internal/channel"
	"exeunt/internal/who"
)

// crowd makes accounts at random odds with one another, and videos of all sorts, by a fixed seed.
func (c *cinema) crowd(random *rand.Rand) (people []who.Viewer, videos []who.ID) {
	c.t.Helper()
	for i := range 9 {
		people = append(people, c.account(fmt.Sprintf("p%d", i)))
	}
	ring := c.id()
	c.exec(`insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at) values ($1, 'ring', '', 'open', '', 'open', 0, 0, 0)`, ring)
	for _, p := range people {
		if random.IntN(2) == 0 {
			c.exec(`insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, 'member', $4, 0)`, c.id(), ring, int64(p.Account), []string{"active", "pending"}[random.IntN(2)])
		}
		audiences := []who.Audience{who.Public, who.Public, who.Unlisted, who.FollowersOf(p.Account), who.CircleOnly(who.ID(ring)), who.Only(p.Account)}
		for range 14 {
			id := c.video(p, audiences[random.IntN(len(audiences))], random.IntN(500))
			videos = append(videos, id)
			if random.IntN(4) == 0 {
				c.exec(`update videos set state = $1 where id = $2`, []string{"draft", "scheduled", "withheld", "deleted"}[random.IntN(4)], int64(id))
			}
			if random.IntN(6) == 0 {
				c.exec(`update videos set media = $1 where id = $2`, []string{"awaited", "processing", "plain", "failed"}[random.IntN(4)], int64(id))
			}
			if random.IntN(3) == 0 {
				c.about(id, int64(500+random.IntN(4)))
			}
		}
	}
	for _, a := range people {
		for _, b := range people {
			if a.Account != b.Account && random.IntN(5) < 2 {
				c.befriend(a, b)
			}
		}
	}
	for _, p := range people {
		for range 12 {
			c.exec(`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, private, created_at) values ($1, $2, 'video', $3, 'channel', 0, $4, 0) on conflict do nothing`,
				c.id(), int64(p.Account), int64(videos[random.IntN(len(videos))]), int64(random.IntN(2)))
		}
	}
	c.quarrel(random, people)
	return people, videos
}

// quarrel has some block or mute others, and some be veiled as a whole or in their channel alone.
func (c *cinema) quarrel(random *rand.Rand, people []who.Viewer) {
	for i, p := range people {
		other := people[(i+1+random.IntN(len(people)-1))%len(people)]
		switch i % 4 {
		case 0:
			c.exec(`insert into blocks (id, account_id, blocked_id, created_at) values ($1, $2, $3, 0)`, c.id(), int64(p.Account), int64(other.Account))
		case 1:
			c.exec(`insert into mutes (id, account_id, muted_id, created_at) values ($1, $2, $3, 0)`, c.id(), int64(p.Account), int64(other.Account))
		case 2:
			c.exec(`insert into quiets (id, account_id, ref_kind, ref_id, less, created_at) values ($1, $2, 'topic', 500, 0, 0)`, c.id(), int64(p.Account))
		}
	}
	for i, scope := range []string{"", "channel", "page"} {
		c.exec(`insert into reasons (account_id, scope, what, reason, since) values ($1, $2, 'veil', 'x', 0)`, int64(people[i].Account), scope)
	}
}

// numbers gives those of the ids that a query names.
func (c *cinema) numbers(query string, args ...any) map[who.ID]bool {
	c.t.Helper()
	rows, err := c.d.Reader.QueryContext(c.t.Context(), query, args...)
	c.must(err)
	out := map[who.ID]bool{}
	for rows.Next() {
		var id int64
		c.must(rows.Scan(&id))
		out[who.ID(id)] = true
	}
	c.must(rows.Err())
	c.must(rows.Close())
	return out
}

// TestFeedAccess compares, in random crowds, what each view shows with what the room's own rules say of each video: nothing is shown that
// the viewer may not see, has muted, or whose view it is not in; and in order of time nothing of the followed is missing.
func TestFeedAccess(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		random := rand.New(rand.NewPCG(11, 22))
		people, videos := c.crowd(random)
		shown, refused := 0, 0
		for _, v := range append(people, who.Viewer{}) {
			things, err := c.Things(t.Context(), v, videos)
			c.must(err)
			sees := map[who.ID]bool{}
			for _, x := range things {
				if sees[x.Ref.ID] = x.See; !x.See {
					refused++
				}
			}
			muted := c.numbers(`select p.id from videos p join mutes m on m.muted_id = p.account_id where m.account_id = $1 union select y.video_id from video_topics y join quiets q on q.ref_id = y.topic_id where q.account_id = $1`, int64(v.Account))
			public := c.numbers(`select id from videos where audience = 'public'`)
			friends := c.numbers(`select l.ref_id from likes l join follows a on a.follower_id = $1 and a.followee_id = l.account_id join follows b on b.follower_id = l.account_id and b.followee_id = $1 where l.private = 0`, int64(v.Account))
			followed := c.numbers(`select p.id from videos p join follows a on a.followee_id = p.account_id where a.follower_id = $1 and p.audience <> 'unlisted'`, int64(v.Account))
			for _, tab := range []channel.Tab{channel.TabFollowing, channel.TabFriends, channel.TabRecommended} {
				in := map[channel.Tab]map[who.ID]bool{channel.TabFollowing: followed, channel.TabFriends: friends}[tab]
				if tab == channel.TabRecommended || v.Guest() {
					in = nil
				}
				for _, order := range []channel.Order{channel.Ranked, channel.Latest} {
					got := slices.Concat(c.feed(v, tab, order, 11)...)
					for _, id := range got {
						shown++
						if !sees[id] || muted[id] || in != nil && !in[id] || in == nil && !public[id] && !friends[id] {
							t.Errorf("%s, order %d: %s is shown video %s (sees %v, muted %v)", tab, order, v.Name, id, sees[id], muted[id])
						}
					}
					if tab != channel.TabFollowing || v.Guest() {
						continue
					}
					for id := range followed {
						if sees[id] && !muted[id] && !slices.Contains(got, id) {
							t.Errorf("%s, order %d: %s misses video %s", tab, order, v.Name, id)
						}
					}
				}
			}
		}
		if shown < 200 || refused < 200 {
			t.Errorf("%d videos were shown and %d refused: the crowd is too tame", shown, refused)
		}
	})
}

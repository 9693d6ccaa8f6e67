package channel_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/channel"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/install"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// cinema is the channel room with the rooms beneath it and channels whose videos are made by hand, on a database of its own.
type cinema struct {
	*channel.Room
	t    *testing.T
	d    *db.DB
	desk *service.Desk
	made int64
}

func eachCinema(t *testing.T, fn func(t *testing.T, c *cinema)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		registry := &service.Registry{Services: []service.Service{channel.Service}}
		desk := service.NewDesk(d, registry)
		if err := desk.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		relations := relation.New(relation.Config{DB: d, Desk: desk, Registry: registry, NameKey: strings.ToLower})
		posts := post.New(post.Config{DB: d, Desk: desk, Registry: registry, NameKey: strings.ToLower})
		talks := talk.New(talk.Config{DB: d, Desk: desk, Registry: registry, Posts: posts})
		r := channel.New(channel.Config{
			DB: d, Desk: desk, Registry: registry, Relations: relations, Posts: posts, Talks: talks, Accounts: account.New(account.Config{DB: d, Desk: desk, Install: install.New(d)}),
		})
		registry.Kinds = []service.Kind{r.Kind(), posts.TopicKind()}
		fn(t, &cinema{r, t, d, desk, 1000})
	})
}

func (c *cinema) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cinema) exec(query string, args ...any) {
	c.t.Helper()
	c.must(c.d.Update(c.t.Context(), func(ctx context.Context) error {
		_, err := c.d.Exec(ctx, query, args...)
		return err
	}))
}

// id gives an id of a made row.
func (c *cinema) id() int64 { c.made++; return c.made }

// account makes an account with a channel and gives it as a viewer.
func (c *cinema) account(name string) who.Viewer {
	c.t.Helper()
	v := who.Viewer{Account: who.RandomID(), Person: 1, Name: name, State: who.Active}
	c.exec(`insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0)`, int64(v.Account), name)
	c.must(c.d.Update(c.t.Context(), func(ctx context.Context) error {
		_, err := c.desk.NewAccount(ctx, v.Account)
		return err
	}))
	c.exec(`insert into channels (account_id, name, bio, avatar, cover, created_at) values ($1, $2, '', '', '', 0)`, int64(v.Account), "频道"+name)
	return v
}

// video makes a published video.
func (c *cinema) video(v who.Viewer, audience who.Audience, hoursAgo int) who.ID {
	c.t.Helper()
	now, err := c.d.Now(c.t.Context())
	c.must(err)
	at := now.Add(-time.Duration(hoursAgo) * time.Hour)
	id := c.id()
	c.exec(`insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads, hot)
		values ($1, $2, $3, '', $4, 'zh', 'live', 'ready', '', 1000, $5, $5, '', 'video/mp4', '', 1, '', 1000, 640, 360, '', '', 0, $6)`, id, int64(v.Account), fmt.Sprintf("第 %d 条", id), string(audience), db.Ms(at), channel.Heat(at, 0, 0))
	return who.ID(id)
}

// about puts a video under a topic.
func (c *cinema) about(video who.ID, topic int64) {
	c.t.Helper()
	c.exec(`insert into topics (id, service, place_id, name, name_key, posts, state, created_at) values ($1, 'channel', 0, $2, $2, 0, 'live', 0) on conflict do nothing`, topic, fmt.Sprintf("话题%d", topic))
	c.exec(`insert into video_topics (id, video_id, account_id, topic_id, at) select $1, v.id, v.account_id, $2, v.at from videos v where v.id = $3`, c.id(), topic, int64(video))
}

// likes has somebody like a video.
func (c *cinema) likes(v who.Viewer, video who.ID, private bool) {
	c.t.Helper()
	c.must(c.Talks.Like(c.t.Context(), v, who.Ref{Kind: "video", ID: video}, private))
}

func (c *cinema) follow(a, b who.Viewer) {
	c.t.Helper()
	c.must(c.Relations.Follow(c.t.Context(), a, b.Account))
}

func (c *cinema) befriend(a, b who.Viewer) { c.follow(a, b); c.follow(b, a) }

// feed reads a view page by page.
func (c *cinema) feed(v who.Viewer, tab channel.Tab, order channel.Order, size int) (pages [][]who.ID) {
	c.t.Helper()
	for from := ""; ; {
		list, next, err := c.Feed(c.t.Context(), v, tab, order, from, size)
		c.must(err)
		var ids []who.ID
		for _, x := range list {
			ids = append(ids, x.ID)
		}
		pages = append(pages, ids)
		if from = next; from == "" {
			return pages
		}
		if len(pages) > 60 {
			c.t.Fatal("the feed has no end")
		}
	}
}

func (c *cinema) wantFeed(v who.Viewer, tab channel.Tab, order channel.Order, want ...who.ID) {
	c.t.Helper()
	if got := slices.Concat(c.feed(v, tab, order, 50)...); !slices.Equal(got, want) {
		c.t.Errorf("%s shows %s %v, want %v", tab, v.Name, got, want)
	}
}

// ask asks a page of the room; the server leads "/@name" to "/@/{name}", as here.
func (c *cinema) ask(v who.Viewer, method, path string, form url.Values) (*httptest.ResponseRecorder, error) {
	c.t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range c.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, "/@{", "/@/{", 1), func(w http.ResponseWriter, r *http.Request) { failed = rt.Handle(w, r) })
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, strings.Replace(path, "/@", "/@/", 1), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ctx := ui.WithReader(r.Context(), ui.Reader{Lang: ui.Chinese, Now: dbtest.Start, Zone: time.UTC, Site: ui.Site{Base: "https://example.org"}})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, DisplayName: v.Name, Path: path})))
	return w, failed
}

// shows wants words on a page, and others not.
func (c *cinema) shows(v who.Viewer, path string, words, not []string) {
	c.t.Helper()
	w, err := c.ask(v, http.MethodGet, path, nil)
	c.must(err)
	for _, s := range words {
		if !strings.Contains(w.Body.String(), s) {
			c.t.Errorf("%s does not show %q to %s", path, s, v.Name)
		}
	}
	for _, s := range not {
		if strings.Contains(w.Body.String(), s) {
			c.t.Errorf("%s shows %q to %s", path, s, v.Name)
		}
	}
}

func TestFeedTabs(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, eve, fan, guest := c.account("ann"), c.account("bob"), c.account("eve"), c.account("fan"), who.Viewer{}
		old, fresh, private := c.video(eve, who.Public, 30), c.video(bob, who.Public, 20), c.video(bob, who.FollowersOf(bob.Account), 10)
		c.video(bob, who.Only(bob.Account), 1)
		c.video(bob, who.Unlisted, 1)
		own := c.video(ann, who.Public, 2)
		c.wantFeed(guest, channel.TabRecommended, channel.Ranked, own, fresh, old)
		c.wantFeed(guest, channel.TabFollowing, channel.Latest, own, fresh, old) // a guest has the recommended alone
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, fresh, old)
		c.wantFeed(ann, channel.TabFollowing, channel.Ranked)
		c.wantFeed(ann, channel.TabFriends, channel.Ranked)
		c.befriend(ann, bob)
		c.wantFeed(ann, channel.TabFollowing, channel.Latest, private, fresh)
		c.wantFeed(ann, channel.TabFollowing, channel.Ranked, private, fresh)

		// A friend's like in public counts, one in private and one by somebody who only follows do not.
		c.follow(fan, ann)
		c.likes(fan, old, false)
		c.likes(bob, fresh, true)
		c.wantFeed(ann, channel.TabFriends, channel.Ranked)
		c.likes(bob, old, false)
		c.wantFeed(ann, channel.TabFriends, channel.Ranked, old)
		// 30 − 12 − 2 h against 20 − 12 − 1 h
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, fresh, old)
		c.befriend(ann, fan)
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, old, fresh)
		c.wantFeed(ann, channel.TabRecommended, channel.Latest, fresh, old)
		c.shows(ann, "/channels?tab=recommended", []string{"推荐", "为什么看到它", "朋友bob、fan赞过，提前 24 小时", "有 2 个赞，提前 2 小时", "你关注了频道bob，提前 12 小时", "/mute/video/" + old.String()}, []string{"第 1004 条"})
		c.shows(guest, "/channels", []string{"推荐", "第 1002 条"}, []string{"朋友♥", "/mute/", "/channels?tab=following"})

		// What one wants less of goes down at once; what is muted or blocked goes away.
		c.must(c.Relations.Mute(t.Context(), ann, who.Ref{Kind: "account", ID: eve.Account}, relation.LessOf))
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, fresh, old)
		c.shows(ann, "/channels?tab=recommended", []string{"你说过少看这类，推后 72 小时"}, nil)
		c.must(c.Relations.Mute(t.Context(), ann, who.Ref{Kind: "account", ID: eve.Account}, relation.Day))
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, fresh)
		c.wantFeed(ann, channel.TabFriends, channel.Ranked)
		c.must(c.Relations.Block(t.Context(), bob, ann.Account))
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked)
		c.wantFeed(ann, channel.TabFollowing, channel.Ranked)
	})
}

func TestFeedTopics(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, eve, dan := c.account("ann"), c.account("bob"), c.account("eve"), c.account("dan")
		liked, boats, hills := c.video(bob, who.Public, 40), c.video(eve, who.Public, 6), c.video(dan, who.Public, 4)
		c.about(liked, 7)
		c.about(boats, 7)
		c.about(hills, 8)
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, hills, boats, liked)
		c.likes(ann, liked, false)
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, boats, hills, liked)
		c.shows(ann, "/channels", []string{"你最近赞过 1 次「话题7」的视频，提前 3 小时"}, nil)
		c.must(c.Relations.Mute(t.Context(), ann, who.Ref{Kind: "topic", ID: 7}, relation.Day))
		c.wantFeed(ann, channel.TabRecommended, channel.Ranked, hills)
	})
}

// TestFeedOrder chooses how the entrance is ordered, and has it remembered.
func TestFeedOrder(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, eve := c.account("ann"), c.account("bob"), c.account("eve")
		c.shows(ann, "/channels?tab=following", []string{"去找几个想看的人", "/discover"}, nil)
		c.shows(ann, "/channels?tab=friends", []string{"互相关注的人是朋友", "/discover"}, nil)
		first, second := c.video(bob, who.Public, 9), c.video(eve, who.Public, 3)
		c.befriend(ann, bob)
		c.befriend(ann, eve)
		c.likes(bob, second, false)
		c.likes(eve, first, false)
		c.wantFeed(ann, channel.TabFriends, channel.Ranked, second, first)
		c.wantFeed(ann, channel.TabFriends, channel.Latest, first, second) // last liked first
		c.shows(ann, "/channels", []string{"排过序", "为什么看到它", "按时间排"}, nil)
		w, err := c.ask(ann, http.MethodPost, "/channels/order", url.Values{"order": {"latest"}, "tab": {"following"}})
		c.must(err)
		if to := w.Header().Get("Location"); to != "/channels?tab=following" {
			t.Errorf("leads to %s", to)
		}
		c.shows(ann, "/channels", []string{"新的在前"}, []string{"为什么看到它", "排过序"})
		c.shows(ann, "/channels/order", []string{"排序的全部规则", "最多 36 小时", "最多 77 小时"}, nil)
		if _, err := c.ask(ann, http.MethodPost, "/channels/order", url.Values{"order": {"paid"}}); exit.KindOf(err) != exit.Invalid {
			t.Errorf("an unknown order is answered with %v", err)
		}
		c.shows(who.Viewer{}, "/channels/order", []string{"排序的全部规则"}, []string{"<form class=\"stack\""})
	})
}

// TestFeedPages reads each view in small pages while things change: nothing is shown twice, and what stays is shown once.
func TestFeedPages(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann := c.account("ann")
		var all, public []who.ID
		for i := range 8 {
			v := c.account(fmt.Sprintf("maker%d", i))
			c.befriend(ann, v)
			for j := range 16 {
				audience := who.Public
				if j%5 == 4 {
					audience = who.FollowersOf(v.Account)
				}
				id := c.video(v, audience, (i*37+j*11)%200)
				c.about(id, int64(500+(i+j)%5))
				if all = append(all, id); audience == who.Public {
					public = append(public, id)
				}
			}
		}
		for _, test := range []struct {
			tab   channel.Tab
			order channel.Order
			want  []who.ID
		}{{channel.TabFollowing, channel.Ranked, all}, {channel.TabFollowing, channel.Latest, all}, {channel.TabRecommended, channel.Ranked, public}, {channel.TabRecommended, channel.Latest, public}} {
			pages := c.feed(ann, test.tab, test.order, 7)
			got := slices.Concat(pages...)
			for _, p := range pages[:len(pages)-1] {
				if len(p) != 7 && len(p) != 100%7 {
					t.Errorf("%s, order %d: a page of %d", test.tab, test.order, len(p))
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, slices.Sorted(slices.Values(test.want))) {
				t.Errorf("%s, order %d: %d videos, %d of them different, want %d", test.tab, test.order, len(got), len(slices.Compact(slices.Clone(got))), len(test.want))
			}
		}
		c.changesBetween(ann, public)
	})
}

// TestFeedGoesOn reads a ranked list beyond the videos that are ranked: what is older follows by time, each once, and the last page is not empty.
func TestFeedGoesOn(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann := c.account("ann")
		var all []who.ID
		for i := range 10 {
			v := c.account(fmt.Sprintf("maker%d", i))
			for j := range 30 {
				all = append(all, c.video(v, who.Public, 10+j*10+i))
			}
		}
		old := all[5*30+12] // published 135 h ago, and talked of: it is ranked, as the 120 next to it are
		for i := range 30 {
			c.likes(c.account(fmt.Sprintf("fan%d", i)), old, false)
		}
		for _, size := range []int{24, 7} {
			pages := c.feed(ann, channel.TabRecommended, channel.Ranked, size)
			got := slices.Concat(pages...)
			if n := len(pages[len(pages)-1]); n == 0 || !slices.Contains(got[:120], old) {
				t.Errorf("in pages of %d the last has %d videos, and the most liked stands at %d", size, n, slices.Index(got, old))
			}
			slices.Sort(got)
			if !slices.Equal(got, slices.Sorted(slices.Values(all))) {
				t.Errorf("in pages of %d there are %d videos, %d different, want %d", size, len(got), len(slices.Compact(slices.Clone(got))), len(all))
			}
		}
	})
}

// changesBetween has likes, new videos and wishes come between two pages.
func (c *cinema) changesBetween(ann who.Viewer, public []who.ID) {
	fan := c.account("fan")
	seen := map[who.ID]int{}
	maker := c.account("late")
	for from, n := "", 0; ; n++ {
		list, next, err := c.Feed(c.t.Context(), ann, channel.TabRecommended, channel.Ranked, from, 10)
		c.must(err)
		for _, x := range list {
			seen[x.ID]++
		}
		c.likes(fan, public[(n*7)%len(public)], false)
		c.video(maker, who.Public, 0)
		if len(list) > 0 && n < 2 {
			c.must(c.Relations.Mute(c.t.Context(), ann, who.Ref{Kind: "account", ID: list[0].Owner}, relation.LessOf))
		}
		if from = next; from == "" {
			break
		}
	}
	for id, n := range seen {
		if n != 1 {
			c.t.Errorf("video %s was shown %d times", id, n)
		}
	}
	if len(seen) < len(public)*8/10 {
		c.t.Errorf("%d of %d videos were shown", len(seen), len(public))
	}
}

package channel_test

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// TestBoard compares the desk's numbers with a plain recount of what was stored.
func TestBoard(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob := c.account("ann"), c.account("bob")
		now, err := c.d.Now(t.Context())
		c.must(err)
		today := now.Unix() / 86400
		random := rand.New(rand.NewPCG(3, 3))
		views, watched, by := map[int64]int64{}, map[int64]int64{}, map[string]int64{}
		total := map[who.ID]int64{}
		for _, v := range []who.Viewer{ann, ann, ann, bob} {
			video := c.video(v, who.Public, 10)
			for n := range int64(120) {
				source, seen, seconds := channel.Sources[random.IntN(len(channel.Sources))], int64(random.IntN(9)), int64(random.IntN(500))
				c.exec(`insert into video_days (video_id, account_id, day, source, views, watched) values ($1, $2, $3, $4, $5, $6)`, int64(video), int64(v.Account), today-n, source, seen, seconds)
				if total[video] += seconds; v.Account == ann.Account && n < 28 {
					views[today-n] += seen
					watched[today-n] += seconds
					by[source] += seen
				}
			}
		}
		joined := map[int64]int64{}
		for i := range 60 {
			at := now.Add(-time.Duration(random.IntN(60*24)) * time.Hour)
			fan := c.account(fmt.Sprintf("fan%d", i))
			c.exec(`insert into follows (id, follower_id, followee_id, created_at) values ($1, $2, $3, $4)`, c.id(), int64(fan.Account), int64(ann.Account), db.Ms(at))
			joined[at.Unix()/86400]++
		}
		b, err := c.Board(t.Context(), ann, 28)
		c.must(err)
		if len(b.Days) != 28 || b.Followers != 60 || b.Days[27].Followers != 60 {
			t.Fatalf("%d days, %d followers", len(b.Days), b.Followers)
		}
		sources := map[string]int64{}
		for i, d := range b.Days {
			n := d.Begin.Unix() / 86400
			if n != today-27+int64(i) || d.Views != views[n] || d.Watched != time.Duration(watched[n])*time.Second || d.Joined != joined[n] {
				t.Errorf("day %d has %+v, want %d views, %d s, %d new followers", n, d, views[n], watched[n], joined[n])
			}
			if i > 0 && d.Followers != b.Days[i-1].Followers+d.Joined {
				t.Errorf("day %d has %d followers after %d and %d more", n, d.Followers, b.Days[i-1].Followers, d.Joined)
			}
			for s, v := range d.By {
				sources[s] += v
			}
		}
		for _, s := range channel.Sources {
			if sources[s] != by[s] {
				t.Errorf("%d views came from %s, want %d", sources[s], s, by[s])
			}
		}
		list, err := c.DeskVideos(t.Context(), ann, channel.Cursor{}, 10)
		c.must(err)
		if len(list) != 3 {
			t.Errorf("%d videos, want 3", len(list))
		}
		for _, x := range list {
			if x.Watched != time.Duration(total[x.ID])*time.Second {
				t.Errorf("video %s was watched for %s, want %d s", x.ID, x.Watched, total[x.ID])
			}
		}
		c.wantCSV(ann, b)
	})
}

// wantCSV compares the download with the desk.
func (c *cinema) wantCSV(v who.Viewer, b channel.Board) {
	c.t.Helper()
	w, err := c.ask(v, http.MethodGet, "/channel/desk/days.csv?days=28", nil)
	c.must(err)
	lines, err := csv.NewReader(w.Body).ReadAll()
	c.must(err)
	if len(lines) != 29 || !slices.Equal(lines[0], append([]string{"day", "views", "watched_seconds", "new_followers", "followers"}, channel.Sources...)) {
		c.t.Fatalf("the download begins with %v and has %d lines", lines[0], len(lines))
	}
	for i, d := range b.Days {
		want := []string{d.Begin.Format("2006-01-02"), fmt.Sprint(d.Views), fmt.Sprint(int64(d.Watched.Seconds())), fmt.Sprint(d.Joined), fmt.Sprint(d.Followers)}
		if !slices.Equal(lines[i+1][:5], want) {
			c.t.Errorf("line %d is %v, want %v", i+1, lines[i+1], want)
		}
		var sum int64
		for _, s := range lines[i+1][5:] {
			n, err := strconv.ParseInt(s, 10, 64)
			c.must(err)
			sum += n
		}
		if sum != d.Views {
			c.t.Errorf("the sources of line %d make %d, want %d", i+1, sum, d.Views)
		}
	}
}

// TestDeskPage looks at the desk, its comments to answer, and who is kept from it.
func TestDeskPage(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, eve := c.account("ann"), c.account("bob"), c.account("eve")
		video := c.video(ann, who.Public, 5)
		c.video(ann, who.Only(ann.Account), 4)
		comment := func(by who.Viewer, parent any, text, state string, moment any) int64 {
			id := c.id()
			c.exec(`insert into comments (id, author_id, ref_kind, ref_id, service, place_id, parent_id, text, state, created_at, moment) values ($1, $2, 'video', $3, 'channel', 0, $4, $5, $6, 0, $7)`,
				id, int64(by.Account), int64(video), parent, text, state, moment)
			return id
		}
		answered := comment(bob, nil, "已经答过", "live", nil)
		comment(ann, answered, "谢谢", "live", nil)
		open := comment(bob, nil, "船叫什么名字", "live", nil)
		comment(eve, open, "我也想知道", "live", nil)
		comment(ann, nil, "自己说的", "live", nil)
		comment(bob, nil, "飞过去的", "live", 1500)
		comment(bob, nil, "删掉的", "deleted", nil)
		comment(eve, nil, "拉黑的人说的", "live", nil)
		c.must(c.Relations.Block(t.Context(), ann, eve.Account))
		for range 30 { // what is answered, and what nobody shows, leaves room for what is not
			comment(ann, comment(bob, nil, "新近答过", "live", nil), "谢谢", "live", nil)
			comment(eve, nil, "拉黑的人又说", "live", nil)
		}
		list, older, err := c.ToAnswer(t.Context(), ann, 0)
		c.must(err)
		if len(list) != 1 || list[0].ID != who.ID(open) || list[0].Video != video || older != 0 {
			t.Errorf("to answer: %+v and what is older than %d, want %d alone", list, older, open)
		}
		c.shows(ann, "/channel/desk", []string{"船叫什么名字", fmt.Sprintf("/talk/comments/%d#comment-%d", open, open), "第 " + video.String() + " 条", "从哪里来", "我的频道", "存储空间", "days=90", "/channel/desk/days.csv?days=28"},
			[]string{"已经答过", "飞过去的", "拉黑的人说的", `class="parts"`})
		c.shows(ann, "/channel/desk?days=90", []string{"/channel/desk/days.csv?days=90"}, nil)
		second := c.video(ann, who.Public, 3)
		for i := range 44 {
			if id := comment(bob, nil, fmt.Sprintf("问题%d", i), "live", nil); i%3 == 0 {
				c.exec(`update comments set ref_id = $1 where id = $2`, int64(second), id)
			}
		}
		c.wantAllAsked(ann, 45)
		none := who.Viewer{Account: who.RandomID(), Person: 1, Name: "none", State: who.Active}
		for _, path := range []string{"/channel/desk", "/channel/desk/days.csv"} {
			if _, err := c.ask(none, http.MethodGet, path, nil); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s answers who has no channel with %v", path, err)
			}
		}
	})
}

// wantAllAsked reads the comments to answer page by page, as the desk leads from one to the next.
func (c *cinema) wantAllAsked(v who.Viewer, n int) {
	c.t.Helper()
	asked := regexp.MustCompile(`/talk/comments/\d+#comment-`)
	older := regexp.MustCompile(`/channel/desk\?days=28&amp;asked=(\d+)#asked`)
	var got []string
	for path := "/channel/desk"; path != ""; {
		w, err := c.ask(v, http.MethodGet, path, nil)
		c.must(err)
		got = append(got, asked.FindAllString(w.Body.String(), -1)...)
		path = ""
		if next := older.FindStringSubmatch(w.Body.String()); next != nil {
			path = "/channel/desk?asked=" + next[1]
		}
	}
	if different := slices.Compact(slices.Sorted(slices.Values(got))); len(got) != n || len(different) != n {
		c.t.Errorf("the desk's pages show %d comments to answer, %d different, want %d", len(got), len(different), n)
	}
}

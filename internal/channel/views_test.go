package channel_test

import (
	"fmt"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/who"
)

// sums gives a video's views, and what stands in its days.
func (c *cinema) sums(id who.ID) string {
	c.t.Helper()
	var views int64
	c.must(c.d.Reader.QueryRowContext(c.t.Context(), `select views from videos where id = $1`, int64(id)).Scan(&views))
	rows, err := c.d.Reader.QueryContext(c.t.Context(), `select source, cast(sum(views) as bigint), cast(sum(watched) as bigint) from video_days where video_id = $1 group by source order by source`, int64(id))
	c.must(err)
	days, err := db.Scan(rows, func(r db.Row) (string, error) {
		var source string
		var views, watched int64
		err := r.Scan(&source, &views, &watched)
		return fmt.Sprintf(" %s:%d,%ds", source, views, watched), err
	})
	c.must(err)
	out := fmt.Sprint(views)
	for _, d := range days {
		out += d
	}
	return out
}

// left counts the rows of a table.
func (c *cinema) left(table string) (n int64) {
	c.t.Helper()
	c.must(c.d.Reader.QueryRowContext(c.t.Context(), `select count(*) from `+table).Scan(&n))
	return n
}

func TestViewsAreCountedOnceADay(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ctx := t.Context()
		ann, bob, guest := c.account("ann"), c.account("bob"), who.Viewer{}
		id := c.film(ann, who.Public)
		see := func(v who.Viewer, w channel.Viewing) {
			t.Helper()
			if w.Address == "" {
				w.Address = "192.0.2.1:1000"
			}
			c.must(c.Watched(ctx, v, id, w))
		}
		want := func(what, want string) {
			t.Helper()
			if got := c.sums(id); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		see(bob, channel.Viewing{Source: "feed", Watched: 3 * time.Second})
		see(bob, channel.Viewing{Source: "feed", Watched: 30 * time.Second})
		want("the same twice", "1 feed:1,33s")
		see(ann, channel.Viewing{Source: "feed", Watched: 30 * time.Second})
		want("its owner", "1 feed:1,33s")
		see(guest, channel.Viewing{Source: "search", Guest: "one"})
		see(guest, channel.Viewing{Source: "search", Guest: "one", Address: "192.0.2.1:2000"})
		want("a guest twice", "2 feed:1,33s search:1,0s")
		see(guest, channel.Viewing{Source: "made up", Guest: "two"})
		see(guest, channel.Viewing{Source: "circle", Guest: "one", Address: "[2001:db8::1]:1"})
		see(guest, channel.Viewing{Source: "circle", Guest: "one", Address: "[2001:db8::2]:1"})
		want("other guests", "4 circle:1,0s direct:1,0s feed:1,33s search:1,0s")
		for range 20 {
			see(bob, channel.Viewing{Source: "feed", Watched: time.Hour})
		}
		see(bob, channel.Viewing{Source: "feed", Watched: -time.Hour})
		want("more than can be watched", "4 circle:1,0s direct:1,0s feed:1,573s search:1,0s")

		if marks, keys := c.left("view_marks"), c.left("view_keys"); marks != 4 || keys != 1 {
			t.Errorf("%d marks and %d keys", marks, keys)
		}
		sweep := func() {
			t.Helper()
			for {
				n, err := c.SweepViews(ctx, 3)
				c.must(err)
				if n < 3 {
					return
				}
			}
		}
		sweep()
		if n := c.left("view_marks"); n != 4 {
			t.Errorf("%d marks of today are left, want 4", n)
		}
		dbtest.Clock(t, c.d).Add(24 * time.Hour)
		sweep()
		if marks, keys := c.left("view_marks"), c.left("view_keys"); marks != 0 || keys != 0 {
			t.Errorf("%d marks and %d keys are left of yesterday", marks, keys)
		}
		see(bob, channel.Viewing{Source: "follow", Watched: 3 * time.Second})
		want("the next day", "5 circle:1,0s direct:1,0s feed:1,573s follow:1,3s search:1,0s")
	})
}

func TestViewsAreBounded(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ctx := t.Context()
		ann, guest := c.account("ann"), who.Viewer{}
		id, hidden := c.film(ann, who.Public), c.film(ann, "only:"+who.Audience(ann.Account.String()))
		if err := c.Watched(ctx, guest, hidden, channel.Viewing{}); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a video that is not seen is watched: %v", err)
		}
		var err error
		n := 0
		for ; err == nil && n < 2000; n++ {
			err = c.Watched(ctx, guest, id, channel.Viewing{Guest: fmt.Sprint(n), Address: "192.0.2.9:1"})
		}
		if exit.KindOf(err) != exit.TooMany || n != 601 {
			t.Errorf("after %d guests from one address: %v", n, err)
		}
		c.must(c.Watched(ctx, guest, id, channel.Viewing{Guest: "0", Address: "192.0.2.9:1", Watched: 5 * time.Second})) // who was counted goes on
		c.must(c.Watched(ctx, guest, id, channel.Viewing{Guest: "0", Address: "192.0.2.10:1"}))
		if got := c.sums(id); got != "601 direct:601,5s" {
			t.Errorf("counted %s", got)
		}
		c.exec(`insert into reasons (account_id, scope, what, reason, since) values ($1, 'channel', 'freeze', 'run', 0)`, int64(ann.Account))
		if err := c.Watched(ctx, guest, id, channel.Viewing{Guest: "new", Address: "192.0.2.11:1"}); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("a frozen channel counts views: %v", err)
		}
	})
}

// TestMarksTellNothing asks that marks of one viewer differ from video to video, and that the key under which they were made is gone with its day,
// however many there are.
func TestMarksTellNothing(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob := c.account("ann"), c.account("bob")
		for range 3 {
			c.must(c.Watched(t.Context(), bob, c.film(ann, who.Public), channel.Viewing{Source: "feed"}))
		}
		var marks, keys int64
		c.must(c.d.Reader.QueryRowContext(t.Context(), `select count(distinct mark) from view_marks`).Scan(&marks))
		if marks != 3 {
			t.Errorf("%d marks beneath three videos", marks)
		}
		dbtest.Clock(t, c.d).Add(24 * time.Hour)
		_, err := c.SweepViews(t.Context(), 1)
		c.must(err)
		c.must(c.d.Reader.QueryRowContext(t.Context(), `select count(*) from view_keys where key <> ''`).Scan(&keys))
		if n := c.left("view_marks"); n != 2 || keys != 0 {
			t.Errorf("with %d marks left there are %d keys", n, keys)
		}
	})
}

// TestHistoryRests puts nothing into the history of an account that is leaving, which may be erased already; the view counts.
func TestHistoryRests(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob := c.account("ann"), c.account("bob")
		id := c.film(ann, who.Public)
		c.exec(`insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'freeze', 'run', 0)`, int64(bob.Account))
		c.must(c.Watched(t.Context(), bob, id, channel.Viewing{Source: "feed", Watched: 3 * time.Second}))
		if n := c.left("video_history"); n != 0 {
			t.Errorf("%d rows of history of an account that is leaving", n)
		}
		if got := c.sums(id); got != "1 feed:1,3s" {
			t.Errorf("counted %s", got)
		}
		c.exec(`delete from reasons`)
		c.must(c.Watched(t.Context(), bob, id, channel.Viewing{Source: "feed"}))
		if n := c.left("video_history"); n != 1 {
			t.Errorf("%d rows of history of an account that stays", n)
		}
	})
}

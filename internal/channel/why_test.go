package channel_test

import (
	"net/http"
	"testing"

	"exeunt/internal/channel"
	"exeunt/internal/relation"
	"exeunt/internal/who"
)

// TestWhyOnTheVideosPage opens videos from the feed: their pages say the same sentence, and say none to who has the newest first.
func TestWhyOnTheVideosPage(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, eve := c.account("ann"), c.account("bob"), c.account("eve")
		friends, plain := c.video(eve, who.Public, 30), c.video(eve, who.Public, 20)
		c.befriend(ann, bob)
		c.likes(bob, friends, false)
		from := func(id who.ID) string { return channel.Watch(id, "feed") }
		c.shows(ann, from(friends), []string{"为什么看到它", "朋友bob赞过，提前 12 小时", "有 1 个赞，提前 1 小时", "/channels/order"}, nil)
		c.shows(ann, from(plain), []string{"为什么看到它"}, []string{"朋友bob赞过，提前"})
		c.shows(who.Viewer{}, from(friends), []string{"有 1 个赞，提前 1 小时"}, []string{"朋友bob赞过，提前"})
		c.shows(ann, channel.VideoPath(friends), nil, []string{"为什么看到它"})
		c.must(c.Relations.Mute(t.Context(), ann, who.Ref{Kind: "account", ID: eve.Account}, relation.LessOf))
		c.shows(ann, from(friends), []string{"你说过少看这类，推后 72 小时"}, nil)
		c.must(c.SetOrder(t.Context(), ann, channel.Latest))
		c.shows(ann, from(friends), []string{"为什么看到它"}, []string{"提前 12 小时"})
	})
}

// TestLessChangesTheNextPage asks for less of a channel between two pages: what of it would have come next comes after all else, though it has likes, and what has none
// does not come.
func TestLessChangesTheNextPage(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, eve, fan := c.account("ann"), c.account("bob"), c.account("eve"), c.account("fan")
		var mine []who.ID // of bob, whose videos would alternate with those of eve
		for i := range 4 {
			mine = append(mine, c.video(bob, who.Public, 2*i+1))
			c.video(eve, who.Public, 2*i+2)
		}
		liked, bare := mine[2], mine[3]
		c.likes(fan, liked, false)
		pages := func(ask bool) (got []who.ID) {
			for from := ""; ; {
				list, next, err := c.Feed(t.Context(), ann, channel.TabRecommended, channel.Ranked, from, 2)
				c.must(err)
				for _, x := range list {
					got = append(got, x.ID)
				}
				if from == "" && ask {
					c.must(c.Relations.Mute(t.Context(), ann, who.Ref{Kind: "account", ID: bob.Account}, relation.LessOf))
				}
				if from = next; next == "" {
					return got
				}
			}
		}
		before, after := pages(false), pages(true)
		if len(before) != 8 || before[4] != liked && before[5] != liked {
			t.Fatalf("without a wish: %v, %s is not on the third page", before, liked)
		}
		if len(after) == 0 || after[len(after)-1] != liked {
			t.Errorf("with a wish %s comes at another place than the last: %v", liked, after)
		}
		for _, id := range after {
			if id == bare {
				t.Errorf("%s, which nobody likes, comes: %v", bare, after)
			}
		}
		w, err := c.ask(ann, http.MethodGet, "/channels?tab=recommended", nil)
		c.must(err)
		if w.Code != http.StatusOK {
			t.Errorf("the entrance answers %d", w.Code)
		}
	})
}

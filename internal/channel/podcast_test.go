package channel_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/feed/feedtest"
	"exeunt/internal/who"
)

func TestPodcast(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, guest := c.account("ann"), c.account("bob"), who.Viewer{}
		file := func(v who.Viewer, audience who.Audience, hoursAgo int, media, kind string, downloads int) who.ID {
			id := c.video(v, audience, hoursAgo)
			c.exec(`update videos set media = $1, type = $2, downloads = $3, plays = 1, original = $4, bytes = 5000, text = '河水 @{`+ann.Account.String()+`} <b> #船' where id = $5`, media, kind, int64(downloads), fmt.Sprintf("1/videos/%s.mp4", id), int64(id))
			for _, lines := range []int64{480, 1080} {
				if media == "ready" {
					c.exec(`insert into video_renditions (id, video_id, account_id, width, height, bandwidth, codecs, playlist, key, bytes) values ($1, $2, $3, $4, $5, $6, 'avc1', '', $7, $8)`,
						c.id(), int64(id), int64(v.Account), lines*16/9, lines, lines*1000, fmt.Sprintf("1/renditions/%s-%d.mp4", id, lines), lines)
				}
			}
			return id
		}
		open, best, plain := file(ann, who.Public, 1, "ready", "video/mp4", 1), file(ann, who.Public, 2, "ready", "video/mp4", 0), file(ann, who.Public, 3, "plain", "video/webm", 0)
		foreign := file(ann, who.Public, 4, "ready", "video/x-matroska", 1)
		hevc := file(ann, who.Public, 5, "ready", "video/mp4", 1)
		c.exec(`update videos set plays = 0 where id = $1`, int64(hevc))
		c.exec(`insert into video_subtitles (id, video_id, account_id, language, label, key, bytes) values ($1, $2, $3, 'zh', '中文', '1/videos/s.vtt', 9)`, c.id(), int64(open), int64(ann.Account))
		for _, hidden := range []who.Audience{who.Unlisted, who.FollowersOf(ann.Account), who.Only(ann.Account)} {
			file(ann, hidden, 1, "ready", "video/mp4", 1)
		}
		file(bob, who.Public, 1, "ready", "video/mp4", 1)
		w, err := c.ask(ann, http.MethodGet, "/@ann/channel/feed.xml", nil) // the same for everybody, though ann asks
		c.must(err)
		got := feedtest.CheckPodcast(t, w.Body.Bytes())
		if category := got.One(t, "itunes:category").Attrs["text"]; category != "Society & Culture" || got.One(t, "itunes:explicit").Text != "false" {
			t.Errorf("podcast apps are told %q, %q", category, got.One(t, "itunes:explicit").Text)
		}
		items := got.All("item")
		if len(items) != 5 || got.One(t, "title").Text != "频道ann" {
			t.Fatalf("%d episodes of %q", len(items), got.One(t, "title").Text)
		}
		for i, want := range []struct {
			id                 who.ID
			file, kind, length string
			files              int
		}{
			{open, fmt.Sprintf("videos/%s.mp4", open), "video/mp4", "5000", 3},
			{best, fmt.Sprintf("renditions/%s-1080.mp4", best), "video/mp4", "1080", 2},
			{plain, fmt.Sprintf("videos/%s.mp4", plain), "video/webm", "5000", 1},
			{foreign, fmt.Sprintf("renditions/%s-1080.mp4", foreign), "video/mp4", "1080", 2},
			{hevc, fmt.Sprintf("renditions/%s-1080.mp4", hevc), "video/mp4", "1080", 3}, // the file as it came comes last
		} {
			e := items[i].One(t, "enclosure").Attrs
			if items[i].One(t, "link").Text != "https://example.org/videos/"+want.id.String() || e["url"] != "https://example.org/media/1/"+want.file || e["type"] != want.kind || e["length"] != want.length {
				t.Errorf("episode %d is %s with %v, want %+v", i, items[i].One(t, "link").Text, e, want)
			}
			if n := len(items[i].All("podcast:alternateEnclosure")); n != want.files {
				t.Errorf("episode %d has %d files, want %d", i, n, want.files)
			}
		}
		if s := items[0].One(t, "podcast:transcript").Attrs["url"]; s != "https://example.org/media/1/videos/s.vtt" {
			t.Errorf("the transcript is %s", s)
		}
		if text := items[0].One(t, "description").Text; !strings.Contains(text, "@ann") {
			t.Errorf("the description is %q", text)
		}
		again, err := c.ask(guest, http.MethodGet, "/@ann/channel/feed.xml", nil)
		c.must(err)
		if again.Header().Get("ETag") != w.Header().Get("ETag") || again.Body.String() != w.Body.String() {
			t.Error("a guest gets another feed than its owner")
		}
		_, err = c.ask(ann, http.MethodPost, "/channels/settings", url.Values{"name": {"频道ann"}, "category": {"health"}, "explicit": {"on"}})
		c.must(err)
		c.shows(ann, "/channels/settings", []string{`<option value="health" selected>健康</option>`}, nil)
		w, err = c.ask(guest, http.MethodGet, "/@ann/channel/feed.xml", nil)
		c.must(err)
		told := feedtest.CheckPodcast(t, w.Body.Bytes())
		if category := told.One(t, "itunes:category").Attrs["text"]; category != "Health & Fitness" || told.One(t, "itunes:explicit").Text != "true" {
			t.Errorf("podcast apps are told %q, %q", category, told.One(t, "itunes:explicit").Text)
		}
		for _, scope := range []string{"", "channel"} {
			c.exec(`insert into reasons (account_id, scope, what, reason, since) values ($1, $2, 'veil', 'x', 0)`, int64(ann.Account), scope)
			for _, v := range []who.Viewer{guest, ann, bob} {
				if _, err := c.ask(v, http.MethodGet, "/@ann/channel/feed.xml", nil); exit.KindOf(err) != exit.NotFound {
					t.Errorf("veiled in %q, %q is answered with %v", scope, v.Name, err)
				}
			}
			c.exec(`delete from reasons where account_id = $1`, int64(ann.Account))
		}
		c.must(c.Relations.Block(t.Context(), ann, bob.Account))
		if _, err := c.ask(bob, http.MethodGet, "/@ann/channel/feed.xml", nil); exit.KindOf(err) != exit.NotFound {
			t.Errorf("who is blocked is answered with %v", err)
		}
	})
}

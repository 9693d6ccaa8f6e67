package feed_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/internal/feed"
	"exeunt/internal/feed/feedtest"
)

func samplePodcast() feed.Podcast {
	return feed.Podcast{
		Title: "河上 & 船", Link: "https://example.org/@ann/channel", Self: "https://example.org/@ann/channel/feed.xml", Description: "每周一条", Language: "zh-CN", Author: "Ann <a>", Category: "Leisure", Image: "https://example.org/media/face.jpg",
		Episodes: []feed.Episode{
			{
				Title: "涨水]]>", Link: "https://example.org/videos/2", At: day, Changed: day.Add(time.Hour), Text: "涨水\x00了", HTML: "<p>涨水 ]]> <b>了</b></p>", Categories: []string{"船"}, Duration: 61500 * time.Millisecond,
				Image: "https://example.org/media/poster.jpg",
				Files: []feed.File{
					{URL: "https://example.org/media/2.mp4", Type: "video/mp4", Bytes: 9000, Width: 1080, Height: 1920},
					{URL: "https://example.org/media/2s.mp4", Type: "video/mp4", Bytes: 900, Width: 480, Height: 854, Bitrate: 800_000},
				},
				Transcripts: []feed.Transcript{{URL: "https://example.org/media/zh.vtt", Type: "text/vtt", Language: "zh"}},
			},
			{Title: "早", Link: "https://example.org/videos/1", At: day.Add(-time.Hour), Files: []feed.File{{URL: "https://example.org/media/1.mp4", Type: "video/mp4", Bytes: 7}}},
		},
	}
}

func TestWritePodcast(t *testing.T) {
	t.Parallel()
	b, err := samplePodcast().Write()
	if err != nil {
		t.Fatal(err)
	}
	c := feedtest.CheckPodcast(t, b)
	items := c.All("item")
	if len(items) != 2 || items[0].One(t, "itunes:duration").Text != "62" || items[0].One(t, "enclosure").Attrs["length"] != "9000" {
		t.Fatalf("got %s", b)
	}
	if got := items[0].One(t, "podcast:transcript").Attrs; got["type"] != "text/vtt" || got["language"] != "zh" || got["rel"] != "captions" {
		t.Errorf("the transcript is %v", got)
	}
	if got := items[0].All("podcast:alternateEnclosure"); len(got) != 2 || got[0].Attrs["title"] != "1080p" || got[1].Attrs["bitrate"] != "800000" {
		t.Errorf("the files are %v", got)
	}
	if got := c.One(t, "podcast:person"); got.Text != "Ann <a>" || got.Attrs["href"] != "https://example.org/@ann/channel" {
		t.Errorf("the person is %q, %v", got.Text, got.Attrs)
	}
	empty, err := feed.Podcast{Title: "x", Link: "https://example.org/", Self: "https://example.org/feed.xml", Category: "Kids & Family", Explicit: true}.Write()
	if err != nil {
		t.Fatal(err)
	}
	feedtest.CheckPodcast(t, empty)
	many := samplePodcast()
	for range 200 {
		many.Episodes = append(many.Episodes, many.Episodes[1])
	}
	if b, err = many.Write(); err != nil || strings.Count(string(b), "<item>") != feed.MostEpisodes {
		t.Errorf("%d episodes, error %v", strings.Count(string(b), "<item>"), err)
	}
}

// TestPodcastGUID has the examples of the Podcast Namespace's own text.
func TestPodcastGUID(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://podnews.net/rss":                   "9b024349-ccf0-5f69-a609-6b82873eab3c",
		"https://mp3s.nashownotes.com/pc20rss.xml/": "917393e3-1b1e-5cef-ace4-edaa54e1f810",
	} {
		if got := feed.PodcastGUID(address); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}

func TestServePodcast(t *testing.T) {
	t.Parallel()
	ask := func(p feed.Podcast, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/feed.xml", nil)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		if err := feed.ServePodcast(w, r, p); err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := ask(samplePodcast(), "")
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || first.Header().Get("Content-Type") != "application/rss+xml; charset=utf-8" || first.Header().Get("Cache-Control") != "public, no-cache" {
		t.Errorf("got %d, %v", first.Code, first.Header())
	}
	if again := ask(samplePodcast(), tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("the same again is answered with %d", again.Code)
	}
	changed := samplePodcast()
	changed.Episodes = changed.Episodes[:1]
	if got := ask(changed, tag); got.Code != http.StatusOK {
		t.Errorf("what has changed is answered with %d", got.Code)
	}
}

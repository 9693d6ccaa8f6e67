package feed_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/internal/feed"
	"exeunt/internal/feed/feedtest"
)

var day = time.Date(2026, 11, 22, 9, 30, 0, 0, time.FixedZone("", 8*3600))

func sample() feed.Feed {
	return feed.Feed{
		Title: "周末徒步 & 伙伴", Link: "https://example.org/circles/7", Self: "https://example.org/circles/7/feed.xml", Description: "一日来回", Language: "zh-CN", Image: "https://example.org/icon.png",
		Items: []feed.Item{
			{Title: "雾散了]]>", Link: "https://example.org/posts/2", At: day, By: "青禾 <a>", Categories: []string{"徒步"}, Text: "雾散了\x00\u0002", HTML: `<p>雾散了 ]]&gt; ]]> <b>x</b></p>` + "\x0b", Pictures: []feed.Picture{{URL: "https://example.org/media/1", Type: "image/jpeg", Alt: `a "hill"`, Width: 640, Height: 480}}},
			{Title: "早", Link: "https://example.org/posts/1", At: day.Add(-time.Hour), Changed: day.Add(time.Hour), Text: "早"},
		},
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	b, err := sample().Write()
	if err != nil {
		t.Fatal(err)
	}
	got := feedtest.Check(t, b)
	if len(got.Items) != 2 || got.Title != "周末徒步 & 伙伴" || got.Items[0].Title != "雾散了]]>" {
		t.Errorf("got %+v", got)
	}
	if want := `<p>雾散了 ]]&gt; ]]> <b>x</b></p>`; got.Items[0].Content != want {
		t.Errorf("content is %q, want %q", got.Items[0].Content, want)
	}
	if got.Items[0].Published != "Sun, 22 Nov 2026 01:30:00 +0000" || got.Built != "Sun, 22 Nov 2026 02:30:00 +0000" {
		t.Errorf("dates are %s and %s", got.Items[0].Published, got.Built)
	}
	if !slices.Equal(got.Items[0].Categories, []string{"徒步"}) || len(got.Items[0].Media) != 1 {
		t.Errorf("got %+v", got.Items[0])
	}
	empty, err := feed.Feed{Title: "x", Link: "https://example.org/", Self: "https://example.org/feed.xml"}.Write()
	if err != nil {
		t.Fatal(err)
	}
	feedtest.Check(t, empty)
	if bytes.Contains(empty, []byte("<item>")) || bytes.Contains(empty, []byte("lastBuildDate")) {
		t.Errorf("an empty feed says %s", empty)
	}
}

func TestMost(t *testing.T) {
	t.Parallel()
	f := sample()
	for range 30 {
		f.Items = append(f.Items, f.Items[1])
	}
	b, err := f.Write()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "<item>"); n != feed.Most {
		t.Errorf("%d items", n)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	ask := func(f feed.Feed, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/feed.xml", nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		if err := feed.Serve(w, r, f); err != nil {
			t.Fatal(err)
		}
		return w
	}
	full := ask(sample())
	etag, changed := full.Header().Get("ETag"), full.Header().Get("Last-Modified")
	if full.Code != http.StatusOK || changed != "Sun, 22 Nov 2026 02:30:00 GMT" || !strings.HasPrefix(full.Header().Get("Content-Type"), "application/rss+xml") {
		t.Errorf("got %d, %v", full.Code, full.Header())
	}
	fewer := sample()
	fewer.Items = fewer.Items[:1]
	for _, test := range []struct {
		name   string
		f      feed.Feed
		header []string
		want   int
	}{
		{"same tag", sample(), []string{"If-None-Match", etag}, http.StatusNotModified},
		{"same tag among others", sample(), []string{"If-None-Match", `"x", ` + etag}, http.StatusNotModified},
		{"another tag, whatever the date", sample(), []string{"If-None-Match", `"x"`, "If-Modified-Since", changed}, http.StatusOK},
		{"same date", sample(), []string{"If-Modified-Since", changed}, http.StatusNotModified},
		{"earlier date", sample(), []string{"If-Modified-Since", "Sun, 22 Nov 2026 01:30:00 GMT"}, http.StatusOK},
		{"something was deleted", fewer, []string{"If-Modified-Since", changed}, http.StatusOK},
		{"something was deleted, by tag", fewer, []string{"If-None-Match", etag}, http.StatusOK},
		{"no date", sample(), []string{"If-Modified-Since", "yesterday"}, http.StatusOK},
	} {
		w := ask(test.f, test.header...)
		if w.Code != test.want {
			t.Errorf("%s: got %d, want %d", test.name, w.Code, test.want)
		}
		if w.Code == http.StatusNotModified && w.Body.Len() > 0 {
			t.Errorf("%s: a 304 has a body", test.name)
		}
	}
}

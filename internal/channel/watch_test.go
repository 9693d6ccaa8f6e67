package channel_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// film makes a published video of 40 seconds with two renditions and subtitles.
func (c *cinema) film(v who.Viewer, audience who.Audience) who.ID {
	c.t.Helper()
	id := c.video(v, audience, 1)
	c.exec(`update videos set duration = 40000, width = 1280, height = 720, text = '第一行 <b>', downloads = 0, original = 'o.mp4' where id = $1`, int64(id))
	for _, height := range []int{480, 240} {
		c.exec(`insert into video_renditions (id, video_id, account_id, width, height, bandwidth, codecs, playlist, key, bytes) values ($1, $2, $3, $4, $5, 1, '', '', $6, 1)`,
			c.id(), int64(id), int64(v.Account), height*16/9, height, fmt.Sprintf("%d/renditions/%d.mp4", v.Account, height))
	}
	c.exec(`insert into video_subtitles (id, video_id, account_id, language, label, key, bytes) values ($1, $2, $3, 'zh', '中文', 'words.vtt', 1)`, c.id(), int64(id), int64(v.Account))
	return id
}

// page asks for a page and gives the answer, with an error's kind where there is none.
func (c *cinema) page(v who.Viewer, path string) (*httptest.ResponseRecorder, exit.Kind) {
	c.t.Helper()
	w, err := c.ask(v, http.MethodGet, path, nil)
	if err != nil {
		return w, exit.KindOf(err)
	}
	return w, 0
}

// sends posts a form.
func (c *cinema) sends(v who.Viewer, path string, form url.Values) (*httptest.ResponseRecorder, exit.Kind) {
	c.t.Helper()
	w, err := c.ask(v, http.MethodPost, path, form)
	if err != nil {
		return w, exit.KindOf(err)
	}
	return w, 0
}

func TestWatchPage(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, guest := c.account("ann"), c.account("bob"), who.Viewer{}
		id := c.film(ann, who.Public)
		at := channel.VideoPath(id)
		words := []string{
			`<source src="` + at + `/master.m3u8" type="application/vnd.apple.mpegurl">`, fmt.Sprintf(`<source src="/media/%d/renditions/240.mp4" type="video/mp4">`, ann.Account),
			`data-saver="` + at + `/480.m3u8"`, `<track kind="subtitles" src="/media/words.vtt" srclang="zh" label="中文">`, `width="1280" height="720"`, `第一行 &lt;b&gt;`, `data-source="direct"`,
			`property="og:video" content="https://example.org/embed/` + id.String(), `application/json+oembed`, "频道ann",
			`&lt;iframe src=&#34;https://example.org/embed/` + id.String(),
		}
		c.shows(guest, at, words, []string{"<b>", "/like-privately", "bullet-form", at + "/file", `name="robots"`})
		c.shows(bob, at+"?from=feed", []string{`data-source="feed"`, at[7:] + "/like-privately", "bullet-form", "/@ann/follow", "为什么看到它", "/report/video/" + id.String()}, []string{at + "/edit"})
		c.shows(ann, at+"?from=elsewhere", []string{`data-source="direct"`, at + "/edit", at + "/file"}, []string{"/@ann/follow", "/report/video/"})

		fans := c.film(ann, "followers:"+who.Audience(ann.Account.String()))
		if _, kind := c.page(bob, channel.VideoPath(fans)); kind != exit.NotFound {
			t.Errorf("who does not follow opens a video for followers: %v", kind)
		}
		c.follow(bob, ann)
		c.shows(bob, channel.VideoPath(fans), []string{"master.m3u8", `name="robots"`, "不是所有人都能打开"}, []string{"og:video", "&lt;iframe"})
		c.exec(`insert into reasons (account_id, scope, what, reason, since) values ($1, 'channel', 'veil', 'hibernation', 0)`, int64(ann.Account))
		for _, path := range []string{at, at + "/bullets?from=0&to=1000", "/oembed?url=https://example.org" + at, at + "/file"} {
			if _, kind := c.page(bob, path); kind != exit.NotFound {
				t.Errorf("%s of a veiled channel: %v", path, kind)
			}
		}
	})
}

func TestWatchPlainAndGone(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob := c.account("ann"), c.account("bob")
		plain := c.video(ann, who.Public, 1)
		c.exec(`update videos set media = 'plain', original = 'o.webm', type = 'video/webm' where id = $1`, int64(plain))
		c.shows(bob, channel.VideoPath(plain), []string{`<source src="/media/o.webm" type="video/webm">`}, []string{"m3u8", `data-saver="/`})
		c.exec(`update videos set media = 'processing' where id = $1`, int64(plain))
		c.shows(ann, channel.VideoPath(plain), []string{"正在处理"}, []string{"<video"})
		if _, kind := c.page(bob, channel.VideoPath(plain)); kind != exit.NotFound {
			t.Errorf("a video that is being processed: %v", kind)
		}
		open, closed := c.film(ann, who.Public), c.film(ann, "only:"+who.Audience(ann.Account.String()))
		c.exec(`update videos set state = 'deleted', deleted_as = 'live'`)
		if w, kind := c.page(bob, channel.VideoPath(open)); kind != 0 || w.Code != http.StatusGone || strings.Contains(w.Body.String(), "第一行") {
			t.Errorf("a deleted video answers %v, status %d", kind, w.Code)
		}
		if _, kind := c.page(bob, channel.VideoPath(closed)); kind != exit.NotFound {
			t.Errorf("a deleted video that nobody saw answers %v", kind)
		}
		c.shows(ann, channel.VideoPath(open), []string{channel.VideoPath(open) + "/undo"}, []string{"<video"})
	})
}

func TestEmbed(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann := c.account("ann")
		id, fans := c.film(ann, who.Public), c.film(ann, "followers:"+who.Audience(ann.Account.String()))
		ask := func(id who.ID) *httptest.ResponseRecorder {
			mux := http.NewServeMux()
			for _, rt := range c.Routes() {
				if strings.HasPrefix(rt.Pattern, "GET /embed/") {
					mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, r *http.Request) { c.must(rt.Handle(w, r)) })
				}
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, channel.EmbedPath(id), nil)
			w := httptest.NewRecorder()
			w.Header().Set("Content-Security-Policy", ui.ContentSecurityPolicy)
			w.Header().Set("Set-Cookie", "session=renewed") // the server's, before it comes here
			ctx := ui.WithReader(r.Context(), ui.Reader{Lang: ui.English, Now: dbtest.Start, Site: ui.Site{Base: "https://example.org"}})
			mux.ServeHTTP(w, r.WithContext(service.WithSession(ctx, &service.Session{Viewer: ann})))
			return w
		}
		w := ask(id)
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != http.StatusOK || w.Header().Get("Set-Cookie") != "" || !strings.Contains(policy, "frame-ancestors *") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("an embedded player: status %d, headers %v", w.Code, w.Header())
		}
		for _, want := range []string{"master.m3u8", `data-source="outside"`, `href="https://example.org/videos/` + id.String() + `?from=outside"`} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("the embedded player has no %s", want)
			}
		}
		for _, not := range []string{"bullet-form", "/sign-in", "like"} {
			if strings.Contains(w.Body.String(), not) {
				t.Errorf("the embedded player has %s", not)
			}
		}
		for _, id := range []who.ID{fans, 12345} {
			if w := ask(id); w.Code != http.StatusNotFound || w.Header().Get("Set-Cookie") != "" || strings.Contains(w.Body.String(), "<video") {
				t.Errorf("what not everybody sees is embedded: %d", w.Code)
			}
		}
	})
}

func TestOEmbed(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, guest := c.account("ann"), who.Viewer{}
		id := c.film(ann, who.Public)
		c.exec(`update videos set title = '"><script>' where id = $1`, int64(id))
		address := "/oembed?url=" + url.QueryEscape("https://example.org"+channel.VideoPath(id)+"?from=feed")
		for query, want := range map[string][2]int{"": {640, 360}, "&maxwidth=320": {320, 180}, "&maxheight=90&maxwidth=1000": {160, 90}} {
			w, kind := c.page(guest, address+query)
			var got struct {
				Type, HTML    string
				Width, Height int
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || kind != 0 || got.Type != "video" || got.Width != want[0] || got.Height != want[1] {
				t.Errorf("%s: %v, %v, %s", query, kind, err, w.Body)
			}
			if strings.Contains(got.HTML, "<script>") || !strings.Contains(got.HTML, `src="https://example.org/embed/`+id.String()+`"`) {
				t.Errorf("its HTML is %s", got.HTML)
			}
		}
		fans := c.film(ann, "followers:"+who.Audience(ann.Account.String()))
		for _, url := range []string{"https://elsewhere.org" + channel.VideoPath(id), "https://example.org/posts/1", "javascript:alert(1)", "https://example.org" + channel.VideoPath(fans), "%"} {
			if _, kind := c.page(guest, "/oembed?url="+strings.ReplaceAll(url, "%", "%25")); kind != exit.NotFound {
				t.Errorf("%s: %v", url, kind)
			}
		}
		if w, _ := c.page(guest, address+"&format=xml"); w.Code != http.StatusNotImplemented {
			t.Errorf("XML answers %d", w.Code)
		}
	})
}

func TestBullets(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob, guest := c.account("ann"), c.account("bob"), who.Viewer{}
		id := c.film(ann, who.Public)
		at := channel.VideoPath(id) + "/bullets"
		w, kind := c.sends(bob, at, url.Values{"text": {" 好看 <i>"}, "moment": {"12500"}})
		if kind != 0 || w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), `"at":12500`) {
			t.Fatalf("a bullet comment: %v, %d, %s", kind, w.Code, w.Body)
		}
		for name, form := range map[string]url.Values{"late": {"text": {"x"}, "moment": {"90000"}}, "nowhere": {"text": {"x"}}, "empty": {"text": {" "}, "moment": {"1"}}, "long": {"text": {strings.Repeat("长", 101)}, "moment": {"1"}}} {
			if w, kind := c.sends(bob, at, form); kind != 0 || w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `"problem":"`) {
				t.Errorf("%s: %v, %d, %s", name, kind, w.Code, w.Body)
			}
		}
		for _, gone := range []string{"/videos/1/bullets", "/videos/x/bullets"} { // the script reads why
			if w, kind := c.sends(bob, gone, url.Values{"text": {"x"}, "moment": {"1"}}); kind != 0 || w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `"problem":"没有这个视频`) {
				t.Errorf("%s: %v, %d, %s", gone, kind, w.Code, w.Body)
			}
		}
		read := func(v who.Viewer, query string) string {
			w, kind := c.page(v, at+query)
			if kind != 0 {
				t.Errorf("%s: %v", query, kind)
			}
			return w.Body.String()
		}
		if got := read(guest, "?from=0&to=30000"); !strings.Contains(got, `"text":"好看 \u003ci\u003e"`) || strings.Contains(got, "report") || strings.Contains(got, bob.Name) || strings.Contains(got, bob.Account.String()) {
			t.Errorf("a guest reads %s", got)
		}
		if got := read(ann, "?from=0&to=30000"); !strings.Contains(got, "/report/comment/") || !strings.Contains(got, "remove") {
			t.Errorf("the video's owner reads %s", got)
		}
		if got := read(bob, "?from=0&to=12500"); got != `{"bullets":[]}` {
			t.Errorf("before its moment: %s", got)
		}
		said := regexp.MustCompile(`(?s)<noscript><div class="bullet-box">.*?</noscript>`)
		if w, _ := c.page(ann, channel.VideoPath(id)); !strings.Contains(said.FindString(w.Body.String()), `好看 &lt;i&gt;`) || !strings.Contains(said.FindString(w.Body.String()), "/delete?back="+channel.VideoPath(id)) {
			t.Errorf("without scripts its owner reads %s", said.FindString(w.Body.String()))
		}
		c.shows(guest, channel.VideoPath(id), []string{"弹幕 1 条", "0:12"}, []string{"/report/comment/"})
		for _, query := range []string{"?from=9&to=3", "?from=-1&to=3", "?from=0&to=99999999999999999999"} {
			if _, kind := c.page(bob, at+query); kind != exit.Invalid {
				t.Errorf("%q: %v", query, kind)
			}
		}
	})
}

func TestDownload(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		blobs, err := blob.Open(t.Context(), t.TempDir(), c.d, c.d.Clock, channel.Name)
		c.must(err)
		t.Cleanup(func() { c.must(blobs.Close()) })
		c.Blobs = blobs
		ann, bob := c.account("ann"), c.account("bob")
		put, err := blobs.Put(t.Context(), ann.Account, blob.Videos, ".mp4", "video/mp4", bytes.NewReader([]byte("film")))
		c.must(err)
		id := c.film(ann, who.Public)
		c.exec(`update videos set original = $1, file = '溪边 1.mp4' where id = $2`, put.Key, int64(id))
		path := channel.VideoPath(id) + "/file"
		if _, kind := c.page(bob, path); kind != exit.Forbidden {
			t.Errorf("what the owner does not offer: %v", kind)
		}
		if w, kind := c.page(ann, path); kind != 0 || w.Body.String() != "film" || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("the owner gets %v, %q, %v", kind, w.Body, w.Header())
		}
		c.exec(`update videos set downloads = 1 where id = $1`, int64(id))
		w, kind := c.page(bob, path)
		if kind != 0 || w.Body.String() != "film" || w.Header().Get("Content-Disposition") != "attachment; filename*=UTF-8''%E6%BA%AA%E8%BE%B9%201.mp4" || w.Header().Get("Cache-Control") != "public, max-age=1" {
			t.Errorf("a download: %v, %v", kind, w.Header())
		}
		c.exec(`update videos set audience = $1 where id = $2`, "followers:"+ann.Account.String(), int64(id))
		c.follow(bob, ann)
		if w, kind := c.page(bob, path); kind != 0 || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("a follower's download: %v, %v", kind, w.Header())
		}
	})
}

// hiding is a browser that a video is hidden from while it gets its file.
type hiding struct {
	*httptest.ResponseRecorder
	hide func()
}

func (h hiding) Write(b []byte) (int, error) {
	h.hide()
	return h.ResponseRecorder.Write(b)
}

// TestDownloadStops hides a video from somebody who downloads it.
func TestDownloadStops(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		blobs, err := blob.Open(t.Context(), t.TempDir(), c.d, c.d.Clock, channel.Name)
		c.must(err)
		t.Cleanup(func() { c.must(blobs.Close()) })
		c.Blobs = blobs
		ann, bob := c.account("ann"), c.account("bob")
		const size = 1 << 20
		put, err := blobs.Put(t.Context(), ann.Account, blob.Videos, ".mp4", "video/mp4", strings.NewReader(strings.Repeat("f", size)))
		c.must(err)
		id := c.film(ann, who.Public)
		c.exec(`update videos set original = $1, downloads = 1 where id = $2`, put.Key, int64(id))
		for _, rt := range c.Routes() {
			if rt.Pattern != "GET /videos/{id}/file" {
				continue
			}
			w := hiding{httptest.NewRecorder(), sync.OnceFunc(func() {
				c.exec(`insert into reasons (account_id, scope, what, reason, since) values ($1, 'channel', 'veil', 'hibernation', 0)`, int64(ann.Account))
				dbtest.Clock(t, c.d).Add(time.Second)
			})}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, channel.VideoPath(id)+"/file", nil)
			r.SetPathValue("id", id.String())
			c.must(rt.Handle(w, r.WithContext(service.WithSession(r.Context(), &service.Session{Viewer: bob}))))
			if n := w.Body.Len(); n == 0 || n > size/2 {
				t.Errorf("%d bytes were sent of a veiled channel's video", n)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob := c.account("ann"), c.account("bob")
		first, second := c.film(ann, who.Public), c.film(ann, who.Public)
		watch := func(id who.ID, at string) {
			if w, kind := c.sends(bob, channel.VideoPath(id)+"/seen", url.Values{"source": {"feed"}, "watched": {"3"}, "position": {at}}); kind != 0 || w.Code != http.StatusNoContent {
				t.Fatalf("seen: %v, %d", kind, w.Code)
			}
		}
		watch(first, "12")
		dbtest.Clock(t, c.d).Add(time.Minute)
		watch(second, "99999") // beyond its end
		c.shows(bob, "/me/history", []string{channel.VideoPath(first), channel.VideoPath(second), "看到 0:12", "看到 0:40"}, nil)
		c.shows(bob, channel.VideoPath(first), []string{`data-resume="12.0"`}, nil)
		c.shows(ann, "/me/history", nil, []string{channel.VideoPath(first)})
		c.exec(`update videos set audience = 'only:1' where id = $1`, int64(second))
		c.shows(bob, "/me/history", []string{"看不到了", channel.VideoPath(first)}, []string{fmt.Sprintf("第 %d 条", second)})
		if w, kind := c.sends(bob, "/me/history/keep", url.Values{"on": {"0"}}); kind != 0 || w.Code != http.StatusSeeOther {
			t.Fatalf("switch off: %v", kind)
		}
		watch(first, "30")
		c.shows(bob, channel.VideoPath(first), []string{`data-resume="12.0"`}, nil)
		c.shows(bob, "/me/history", []string{"现在不记录", "开始记录"}, nil)
		c.sends(bob, "/me/history/clear", url.Values{"video": {second.String()}})
		c.shows(bob, "/me/history", []string{channel.VideoPath(first)}, []string{"看不到了"})
		c.sends(bob, "/me/history/clear", nil)
		c.shows(bob, "/me/history", []string{"还没有记录"}, []string{channel.VideoPath(first)})
	})
}

func TestStrip(t *testing.T) {
	eachCinema(t, func(t *testing.T, c *cinema) {
		ann, bob := c.account("ann"), c.account("bob")
		for range 8 {
			c.film(ann, who.Public)
		}
		c.film(ann, "only:"+who.Audience(ann.Account.String()))
		seen := map[string]bool{}
		path := "/watch?tab=recommended"
		for path != "" {
			w, kind := c.page(bob, path)
			if kind != 0 {
				t.Fatal(kind)
			}
			for _, m := range regexp.MustCompile(`id="video-(\d+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
				if seen[m[1]] {
					t.Errorf("video %s comes twice", m[1])
				}
				seen[m[1]] = true
			}
			next := regexp.MustCompile(`hx-get="([^"]+)"`).FindStringSubmatch(w.Body.String())
			if path = ""; next != nil {
				path = strings.ReplaceAll(next[1], "&amp;", "&")
			}
		}
		if len(seen) != 8 {
			t.Errorf("%d videos, want 8", len(seen))
		}
	})
}

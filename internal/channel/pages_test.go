package channel_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

func TestChannelPages(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ann, bob, guest := h.account("ann"), h.account("bob"), who.Viewer{}
		status, _, _ := h.visit(guest, ui.Chinese, http.MethodGet, "/@ann/channel", nil)
		if status != -int(exit.NotFound) {
			t.Errorf("a channel that is not open: %d", status)
		}
		for _, path := range []string{"/videos/new", "/channels/settings"} {
			if status, _, to := h.visit(ann, ui.Chinese, http.MethodGet, path, nil); status != http.StatusSeeOther || to != "/channels/open" {
				t.Errorf("%s without a channel: %d, %s", path, status, to)
			}
		}
		h.shows(ann, ui.Chinese, "/channels/open", []string{`value="ann"`, "开通", "最多 5 个"}, []string{"新视频默认允许下载"})
		h.shows(ann, ui.English, "/channels/open", []string{"Open a channel", "A name is all it takes"}, nil)
		for key, form := range map[string]url.Values{
			"给频道起个名字":     {"name": {" "}},
			"看不见的字符":      {"name": {"a\u200bb"}},
			"有一个链接不对":     {"name": {"好"}, "label": {"x"}, "url": {"javascript:alert(1)"}},
			"频道名最多 40 个字": {"name": {strings.Repeat("长", 41)}},
			"简介最多 500 个字": {"name": {"好"}, "bio": {strings.Repeat("长", 501)}},
		} {
			if status, body, _ := h.visit(ann, ui.Chinese, http.MethodPost, "/channels/open", form); status != http.StatusUnprocessableEntity || !strings.Contains(body, key) {
				t.Errorf("%v: %d without %q", form, status, key)
			}
		}
		h.sends(ann, "/channels/open", url.Values{"name": {"山里 <b>"}, "bio": {"慢慢走\nhttps://a.example"}, "label": {"网站", ""}, "url": {"https://x.example/?a=1&b=2", "https://y.example/"}}, "/@ann/channel")
		h.shows(guest, ui.Chinese, "/@ann/channel", []string{"山里 &lt;b&gt;", "慢慢走", "网站", "https://x.example/?a=1&amp;b=2", `rel="nofollow noopener ugc"`, "y.example", "0 位粉丝", "/@ann/channel/feed.xml"}, []string{"<b>山", "频道设置", `action="/@ann/follow"`})
		h.shows(bob, ui.English, "/@ann/channel", []string{`action="/@ann/follow"`, "There is no video here yet"}, []string{"Channel settings"})
		h.shows(ann, ui.English, "/@ann/channel", []string{"Channel settings", "New video", "Nothing is published yet"}, []string{`action="/@ann/follow"`})
		h.must(h.Relations.Follow(t.Context(), bob, ann.Account))
		h.shows(bob, ui.English, "/@ann/channel", []string{"1 follower", `action="/@ann/unfollow"`, `action="/@ann/bell"`}, nil)

		if status, body, _ := h.visit(bob, ui.Chinese, http.MethodPost, "/channels/open", url.Values{"name": {"山里 <B>"}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "已经有频道叫这个名字") {
			t.Errorf("the name of another: %d", status)
		}
		h.shows(ann, ui.Chinese, "/channels/settings", []string{`value="https://y.example/"`, "新视频默认允许下载", "封面和头像"}, []string{"拿掉这张"})
		h.sends(ann, "/channels/settings", url.Values{"name": {"海边"}, "downloads": {"1"}}, "/channels/settings")
		h.shows(guest, ui.Chinese, "/@ann/channel", []string{"海边"}, []string{"y.example", "慢慢走"})
		h.must(h.Relations.Block(t.Context(), ann, bob.Account))
		if status, _, _ := h.visit(bob, ui.Chinese, http.MethodGet, "/@ann/channel", nil); status != -int(exit.NotFound) {
			t.Errorf("the channel of who blocked: %d", status)
		}
		h.veil(ann)
		if status, _, _ := h.visit(guest, ui.Chinese, http.MethodGet, "/@ann/channel", nil); status != -int(exit.NotFound) {
			t.Errorf("a veiled channel: %d", status)
		}
	})
}

// photo gives a small JPEG.
func photo(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for x := range 64 {
		for y := range 48 {
			m.Set(x, y, color.RGBA{uint8(4 * x), uint8(5 * y), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// posts sends a form with a file and gives the answer.
func (h *studio) posts(v who.Viewer, path string, fields map[string]string, name string, file []byte) (int, string) {
	h.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for key, value := range fields {
		h.must(w.WriteField(key, value))
	}
	if file != nil {
		part, err := w.CreateFormFile(name, name)
		h.must(err)
		_, err = part.Write(file)
		h.must(err)
	}
	h.must(w.Close())
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodPost, path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	answer, err := h.answer(v, ui.Chinese, r)
	if err != nil {
		return -int(exit.KindOf(err)), err.Error()
	}
	return answer.Code, answer.Body.String()
}

func TestPictures(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ann, bob, guest := h.creator("ann"), h.account("bob"), who.Viewer{}
		for _, which := range []string{"avatar", "cover"} {
			if status, body := h.posts(ann, "/channels/pictures", nil, which, photo(t)); status != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", which, status, body)
			}
		}
		c, err := h.Channel(t.Context(), guest, ann.Account)
		h.must(err)
		for _, key := range []string{c.Avatar, c.Cover} {
			if may, public, known, err := h.MayMedia(t.Context(), guest, key); err != nil || !may || !public || !known {
				t.Errorf("%s: %t %t %t %v", key, may, public, known, err)
			}
		}
		h.shows(guest, ui.Chinese, "/@ann/channel", []string{c.Avatar, c.Cover}, nil)
		if status, body := h.posts(ann, "/channels/pictures", nil, "avatar", []byte("no picture")); status != http.StatusUnprocessableEntity {
			t.Errorf("what is no picture: %d %.200s", status, body)
		}
		if status, _ := h.posts(ann, "/channels/pictures", map[string]string{"cover_remove": "1"}, "", nil); status != http.StatusSeeOther {
			t.Errorf("taking away: %d", status)
		}
		if status, _ := h.posts(bob, "/channels/pictures", nil, "avatar", photo(t)); status != -int(exit.NotFound) {
			t.Errorf("without a channel: %d", status)
		}
		if may, _, known, err := h.MayMedia(t.Context(), ann, c.Cover); err != nil || may || known {
			t.Errorf("a cover that was taken away: %t %t %v", may, known, err)
		}
		h.tidy()
		h.must(h.Relations.Block(t.Context(), ann, bob.Account))
		if may, _, _, err := h.MayMedia(t.Context(), bob, c.Avatar); err != nil || may {
			t.Errorf("the avatar of who blocked: %v", err)
		}
		h.veil(ann)
		if may, _, _, err := h.MayMedia(t.Context(), guest, c.Avatar); err != nil || may {
			t.Errorf("the avatar of who hibernates: %v", err)
		}
	})
}

func TestVideoPages(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ann, bob := h.creator("ann"), h.account("bob")
		h.shows(ann, ui.Chinese, "/videos/new", []string{`data-uploads="/uploads"`, `data-what="video"`, `enctype="multipart/form-data"`, "频道的限度"}, nil)
		id := h.bring(ann, 0, "海边.mp4", clip(t, ".mp4"))
		edit := channel.VideoPath(id) + "/edit"
		h.shows(ann, ui.Chinese, edit, []string{"正在做出不同清晰度", "hx-get", channel.VideoPath(id) + "/progress", `value="海边"`, "存草稿"}, []string{"换成这个", "从视频里挑一帧"})
		h.shows(ann, ui.English, channel.VideoPath(id)+"/progress", []string{`http-equiv="refresh"`, "the work goes on"}, nil)
		h.shows(ann, ui.Chinese, "/videos/drafts", []string{"海边", "处理中", edit}, nil)
		for _, path := range []string{edit, channel.VideoPath(id) + "/progress", channel.VideoPath(id) + "/delete"} {
			if status, _, _ := h.visit(bob, ui.Chinese, http.MethodGet, path, nil); status != -int(exit.NotFound) {
				t.Errorf("%s for another: %d", path, status)
			}
		}
		h.work()
		h.shows(ann, ui.English, channel.VideoPath(id)+"/progress", []string{"It can be played now", edit}, []string{`http-equiv="refresh"`, "hx-get"})
		body := h.shows(ann, ui.Chinese, edit, []string{"从视频里挑一帧", "加字幕", "0:00 的画面"}, []string{"正在做出", "data-uploads"})

		old := h.see(ann, id)
		_, rest, _ := strings.Cut(body, `name="frame" value="`)
		frame, _, _ := strings.Cut(rest, `"`)
		if status, said := h.posts(ann, channel.VideoPath(id)+"/cover", map[string]string{"frame": frame}, "", nil); status != http.StatusSeeOther {
			t.Fatalf("a frame: %d %s", status, said)
		}
		framed := h.see(ann, id)
		if status, said := h.posts(ann, channel.VideoPath(id)+"/cover", nil, "cover", photo(t)); status != http.StatusSeeOther {
			t.Fatalf("an image: %d %s", status, said)
		}
		if x := h.see(ann, id); old.Poster == framed.Poster || framed.Poster == x.Poster || x.Poster == "" || x.Thumb == "" {
			t.Errorf("the cover was %s, then %s, then %s", old.Poster, framed.Poster, x.Poster)
		}
		h.tidy()
		if status, _ := h.posts(bob, channel.VideoPath(id)+"/cover", nil, "cover", photo(t)); status != -int(exit.NotFound) {
			t.Errorf("a cover of another: %d", status)
		}
		h.subtitles(ann, id)

		if status, body, _ := h.visit(ann, ui.Chinese, http.MethodPost, edit, url.Values{"title": {""}, "do": {"publish"}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "发布前要有标题") {
			t.Errorf("without a title: %d", status)
		}
		if status, body, _ := h.visit(ann, ui.Chinese, http.MethodPost, edit, url.Values{"title": {"x"}, "do": {"schedule"}, "when": {"soon"}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "看不懂这个时间") {
			t.Errorf("at no time: %d", status)
		}
		h.sends(ann, edit, url.Values{"title": {"存着"}, "do": {"save"}, "audience": {"followers"}}, edit)
		h.shows(ann, ui.Chinese, edit, []string{`value="存着"`, `value="followers" selected`}, nil)
		h.sends(ann, edit, url.Values{"title": {"定时"}, "do": {"schedule"}, "when": {dbtest.Start.Add(24 * time.Hour).Format("2006-01-02T15:04")}}, edit)
		h.shows(ann, ui.Chinese, edit, []string{"将在", `value="2026-03-03T01:00"`, "取消定时"}, nil)
		h.sends(ann, edit, url.Values{"title": {"定时"}, "do": {"unschedule"}}, edit)
		h.sends(ann, edit, url.Values{"title": {"发了"}, "text": {"#海 <i>"}, "do": {"publish"}, "downloads": {"1"}}, channel.VideoPath(id))
		h.shows(who.Viewer{}, ui.English, "/@ann/channel", []string{"发了"}, nil)
		_, _, original := h.keys(id)
		if may, public, _, err := h.MayMedia(t.Context(), who.Viewer{}, original); err != nil || !may || !public {
			t.Errorf("the original may be downloaded and is not served: %v", err)
		}
		topic := who.ID(h.sole(`select id from topics where service = 'channel'`)).String()
		h.shows(bob, ui.Chinese, "/channels/topics/"+topic, []string{"#海", "发了"}, nil)
		h.shows(ann, ui.Chinese, channel.VideoPath(id)+"/delete", []string{"30 秒内可以撤销", "先不删"}, nil)
		h.sends(ann, channel.VideoPath(id)+"/delete", nil, channel.VideoPath(id))
		h.sends(ann, channel.VideoPath(id)+"/undo", nil, channel.VideoPath(id))
		h.see(bob, id)
	})
}

// subtitles has subtitles come and go.
func (h *studio) subtitles(v who.Viewer, id who.ID) {
	h.t.Helper()
	vtt := []byte("WEBVTT\n\n00:00.000 --> 00:01.000\n<script>alert(1)</script>你好\n")
	at := channel.VideoPath(id) + "/subtitles"
	for lang, want := range map[string]int{"zh": http.StatusSeeOther, "en": http.StatusSeeOther, "": -int(exit.Invalid), "no such thing": -int(exit.Invalid)} {
		if status, body := h.posts(v, at, map[string]string{"language": lang}, "subtitle", vtt); status != want {
			h.t.Errorf("subtitles in %q: %d %s", lang, status, body)
		}
	}
	if status, _ := h.posts(v, at, map[string]string{"language": "ja"}, "subtitle", []byte("no subtitles")); status != -int(exit.Invalid) {
		h.t.Errorf("what is no subtitles: %d", status)
	}
	h.posts(v, at, map[string]string{"language": "zh", "label": "中文版"}, "subtitle", vtt)
	if n := h.sole(`select count(*) from video_subtitles where video_id = $1`, int64(id)); n != 2 {
		h.t.Errorf("%d subtitles, want one a language", n)
	}
	body := h.shows(v, ui.Chinese, channel.VideoPath(id)+"/edit", []string{"中文版", "English", "删掉字幕「English」"}, nil)
	_, rest, _ := strings.Cut(body, `href="/media/`)
	for !strings.HasPrefix(rest[strings.IndexByte(rest, '"')-4:], ".vtt") {
		_, rest, _ = strings.Cut(rest, `href="/media/`)
	}
	key, _, _ := strings.Cut(rest, `"`)
	r, err := h.blobs.NewReader(h.t.Context(), key, 0, -1)
	h.must(err)
	var text bytes.Buffer
	_, err = text.ReadFrom(r)
	h.must(err)
	h.must(r.Close())
	if !strings.Contains(text.String(), "你好") || strings.Contains(text.String(), "<script") {
		h.t.Errorf("the subtitles say %q", text.String())
	}
	_, rest, _ = strings.Cut(body, at+"/")
	subtitle, _, _ := strings.Cut(rest, "/")
	h.sends(v, at+"/"+subtitle+"/remove", nil, channel.VideoPath(id)+"/edit")
	if n := h.sole(`select count(*) from video_subtitles where video_id = $1`, int64(id)); n != 1 {
		h.t.Errorf("%d subtitles are left, want one", n)
	}
	h.tidy()
}

func TestCollections(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, bob, guest := h.creator("ann"), h.creator("bob"), who.Viewer{}
		one, two := h.film(ann), h.film(ann)
		at := h.sends(ann, "/channels/collections", url.Values{"title": {"山"}, "text": {"一座一座走"}}, "")
		id, ok := who.ParseID(strings.TrimPrefix(at, "/collections/"))
		if !ok {
			t.Fatalf("led to %s", at)
		}
		for _, video := range []who.ID{one, two} {
			h.must(h.Publish(ctx, ann, video, channel.VideoWords{Title: "第" + video.String(), Collections: []who.ID{id}}, time.Time{}))
		}
		h.shows(guest, ui.Chinese, at, []string{"一座一座走", one.String(), two.String()}, []string{"拆掉合集"})
		h.shows(guest, ui.English, "/@ann/channel", []string{"Collections", at, "2 videos"}, nil)
		h.must(h.Save(ctx, ann, two, channel.VideoWords{Title: "第二", Audience: "only", Collections: []who.ID{id}}))
		h.shows(guest, ui.Chinese, at, []string{one.String()}, []string{two.String()})
		h.refused(h.Save(ctx, bob, h.film(bob), channel.VideoWords{Title: "x", Collections: []who.ID{id}}), exit.NotFound, "channel.error.no_collection")
		if status, _, _ := h.visit(bob, ui.Chinese, http.MethodPost, at, url.Values{"title": {"我的"}}); status != -int(exit.NotFound) {
			t.Errorf("another's collection was changed: %d", status)
		}
		if status, _, _ := h.visit(bob, ui.Chinese, http.MethodPost, at+"/remove", url.Values{}); status != -int(exit.NotFound) {
			t.Errorf("another's collection was taken apart: %d", status)
		}
		if status, body, _ := h.visit(ann, ui.Chinese, http.MethodPost, at, url.Values{"title": {""}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "合集要有名字") {
			t.Errorf("without a name: %d", status)
		}
		h.sends(ann, at, url.Values{"title": {"河"}}, at)
		h.shows(ann, ui.Chinese, "/channels/collections", []string{"河"}, []string{"山"})
		h.sends(ann, at+"/remove", url.Values{}, "/channels/collections")
		h.see(guest, one)
		if n := h.sole(`select count(*) from collection_videos`); n != 0 {
			t.Errorf("%d videos are still in it", n)
		}
	})
}

func TestLimits(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, bob, guest := h.creator("ann"), h.account("bob"), who.Viewer{}
		operator := who.Viewer{Account: h.account("operator").Account, Operator: true, State: who.Active}
		h.shows(guest, ui.Chinese, "/channels/limits", []string{"240 分钟", "0 位粉丝", "100 个"}, []string{"你有"})
		h.shows(operator, ui.English, "/operator/channels", []string{`value="4096"`, `value="240"`, "ann的频道"}, nil)
		for key, form := range map[string]url.Values{
			"有一个数字不对":     {"length": {"100"}, "minutes": {"-1"}},
			"1 MB 到 1 TB": {"length": {"0"}, "minutes": {"1"}},
		} {
			if status, body, _ := h.visit(operator, ui.Chinese, http.MethodPost, "/operator/channels", form); status != http.StatusUnprocessableEntity || !strings.Contains(body, key) {
				t.Errorf("%v: %d without %q", form, status, key)
			}
		}
		h.refused(h.SetLimits(ctx, ann, channel.Limits{}), exit.Forbidden, "channel.error.operator")
		h.sends(operator, "/operator/channels", url.Values{"length": {"1"}, "minutes": {"0"}, "a_day": {"1"}, "to_open": {"2"}, "to_publish": {"1"}}, "/operator/channels")
		h.shows(bob, ui.English, "/channels/limits", []string{"Largest file", "No bound", "1 video a day", "You have 0 of the 2 followers"}, nil)
		h.shows(bob, ui.Chinese, "/channels/open", []string{"你有 0 位粉丝，需要 2 位"}, nil)
		if status, body, _ := h.visit(bob, ui.Chinese, http.MethodPost, "/channels/open", url.Values{"name": {"好"}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "开频道需要 2 位粉丝") {
			t.Errorf("without followers: %d", status)
		}
		one, two := h.film(ann), h.film(ann)
		h.refused(h.Publish(ctx, ann, one, channel.VideoWords{Title: "t"}, time.Time{}), exit.Forbidden, "channel.error.followers_publish")
		h.must(h.Relations.Follow(ctx, bob, ann.Account))
		h.must(h.Publish(ctx, ann, one, channel.VideoWords{Title: "t"}, time.Time{}))
		h.refused(h.Publish(ctx, ann, two, channel.VideoWords{Title: "t"}, time.Time{}), exit.TooMany, "channel.error.a_day")
		h.must(h.Publish(ctx, ann, two, channel.VideoWords{Title: "t"}, h.now().Add(25*time.Hour)))
		h.shows(ann, ui.Chinese, "/videos/drafts", []string{"已定时"}, nil)

		h.refused(h.Grant(ctx, ann, ann.Account, "官方"), exit.Forbidden, "channel.error.operator")
		h.sends(operator, "/operator/channels/"+ann.Account.String()+"/badge", url.Values{"badge": {"山野出版社"}}, "/operator/channels")
		h.shows(guest, ui.English, "/@ann/channel", []string{"山野出版社", "Verified by the operator"}, nil)
		h.shows(operator, ui.Chinese, "/operator/channels?name=@ANN", []string{`value="山野出版社"`}, nil)
		h.shows(operator, ui.Chinese, "/operator/channels?name=nobody", []string{"没有这样的频道"}, nil)
		h.sends(operator, "/operator/channels/"+ann.Account.String()+"/badge", url.Values{"badge": {""}}, "/operator/channels")
		h.shows(guest, ui.English, "/@ann/channel", nil, []string{"Verified by the operator"})
	})
}

// now gives the promise time.
func (h *studio) now() time.Time {
	h.t.Helper()
	now, err := h.d.Now(h.t.Context())
	h.must(err)
	return now
}

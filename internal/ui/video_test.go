package ui_test

import (
	"strings"
	"testing"
	"time"

	"exeunt/internal/ui"
)

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 7 * time.Second: "0:07", 59600 * time.Millisecond: "1:00", 750 * time.Second: "12:30", 3723 * time.Second: "1:02:03", 100 * time.Hour: "100:00:00",
	} {
		if got := ui.Clock(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}

func TestPlayer(t *testing.T) {
	p := ui.PlayerView{
		ID: "7", Title: `"><b>`, Width: 540, Height: 960, Master: "/m.m3u8", Sources: []ui.MediaSource{{Src: "/low.mp4", Type: "video/mp4"}},
		Renditions: []ui.Rendition{{Src: "/240.m3u8", Height: 240}, {Src: "/480.m3u8", Height: 480}, {Src: "/720.m3u8", Height: 720}},
		Subtitles:  []ui.SubtitleTrack{{Src: "/zh.vtt", Language: "zh", Label: "中文"}}, Bullets: "/bullets", Speak: true, Resume: 12500 * time.Millisecond,
	}
	for _, lang := range ui.Langs() {
		page := drawn(t, readerOf(lang, ui.ThemeAuto), ui.Player(p))
		for _, want := range []string{
			`data-saver="/480.m3u8"`, `data-resume="12.5"`, `width="540" height="960"`, `preload="metadata"`, `data-hls-script="` + ui.AssetURL("hls.js"), `srclang="zh"`, "player-tall", "data-player-bullet-form", " controls",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("in %s the player has no %s", lang, want)
			}
		}
		if hls, file := strings.Index(page, `src="/m.m3u8"`), strings.Index(page, `src="/low.mp4"`); hls < 0 || file < hls {
			t.Errorf("in %s HLS stands at %d and the file at %d", lang, hls, file)
		}
		for _, bad := range []string{"<b>", " style=", ">player.", "autoplay"} {
			if strings.Contains(page, bad) {
				t.Errorf("in %s the player has %q", lang, bad)
			}
		}
	}
	p.Master, p.Renditions, p.Speak, p.Strip = "", nil, false, true
	page := drawn(t, readerOf(ui.English, ui.ThemeAuto), ui.Player(p))
	for _, bad := range []string{"hls.", "m3u8", "data-player-saver ", "bullet-form", "data-player-bar"} {
		if strings.Contains(page, bad) {
			t.Errorf("a plain player in a strip has %q", bad)
		}
	}
	if !strings.Contains(page, `preload="none"`) {
		t.Error("a player in a strip is loaded before it is in sight")
	}
}

func TestVideoTile(t *testing.T) {
	page := drawn(t, readerOf(ui.English, ui.ThemeAuto), ui.VideoTile(ui.VideoTileView{Href: "/v", Duration: 61 * time.Second, Tall: true, Picture: "/p.jpg", Views: -1, Audience: ui.AudienceFollowers}))
	for _, want := range []string{"Untitled video", "1:01", "tile-tall", `width="320" height="240"`, "Followers"} {
		if !strings.Contains(page, want) {
			t.Errorf("the tile has no %q: %s", want, page)
		}
	}
	if strings.Contains(page, "views") {
		t.Error("the tile shows views that are not to be shown")
	}
}

func TestVideoLikes(t *testing.T) {
	v := ui.VideoLikesView{ID: "7", Public: "/like", Private: "/like-privately", Back: "/v", Count: 3, Liked: true, Hidden: true}
	page := drawn(t, readerOf(ui.English, ui.ThemeAuto), ui.VideoLikes(v))
	first, second, ok := strings.Cut(page, "/like-privately")
	if !ok || !strings.Contains(first, `aria-pressed="false"`) || !strings.Contains(first, `value="1"`) || !strings.Contains(second, `aria-pressed="true"`) || !strings.Contains(second, `value="0"`) {
		t.Errorf("a private like is drawn as %s", page)
	}
	v.Public = ""
	if page := drawn(t, readerOf(ui.Chinese, ui.ThemeAuto), ui.VideoLikes(v)); strings.Contains(page, "<button") || !strings.Contains(page, "3 人喜欢") {
		t.Errorf("who may not like sees %s", page)
	}
}

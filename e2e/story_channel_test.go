package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"exeunt/internal/ui"
)

// What is planted in the channel and must be gone with it.
const (
	mossChannel = "井边慢镜头 slowmossbythewell"
	mossTitle   = "苔藓一夜之间 mossovernight"
	mossText    = "雨停以后的一晚 #苔藓 afterthenightrain"
	wuComment   = "声音也好听 soundsgoodtoo"
	wuBullet    = "这里 righthere"
	wuCircle    = "慢镜头同好"
)

// linOther is another persona of lin's, whom closing the channel does not touch.
const linOther = "lin_fern"

// channelAims are the most taps that the main things may cost, from the start page.
var channelAims = map[string]effort{
	"open a channel": {taps: 3}, "publish a video": {taps: 3}, "watch": {taps: 3}, "follow": {taps: 1}, "share into a circle": {taps: 3}, "hide": {taps: 2},
	"close the channel": {taps: 6}, "return": {taps: 3},
}

// channelStory is a channel's life between who makes it and who watches.
type channelStory struct {
	*circleStory
	tale   *story
	line   *line
	circle string // of wu
	video  string // path of lin's video
	media  string // path of one of its files
	along  string // the archive
}

// TestStoryChannel tells the life of a channel in a real browser: open it, upload over a connection that breaks, watch, follow, like,
// comment, share, look at the desk, hide the entrance, hibernate and wake, take along, close the channel alone and come back on day 27,
// close it again until nothing is left, and bring all of it back.
func TestStoryChannel(t *testing.T) {
	phone, desk := sight{390, "light"}, sight{1280, "dark"}
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t, "--trial", "--begin", begin)
		behind, l := lineTo(t, in)
		c := &circleStory{t: t, in: behind, b: startBrowser(t), ways: map[*person]way{}, ids: map[string]string{}}
		s := &channelStory{circleStory: c, line: l, tale: &story{t: t, in: behind, b: c.b}}
		ways := []way{{phone, ui.Chinese, true}, {desk, ui.English, true}}
		if in.database != "" {
			ways = []way{{desk, ui.English, true}, {phone, ui.Chinese, true}}
		}
		s.lin, s.wu = s.comes(linName, ways[0]), s.comes("wu_shan", ways[1])
		for _, chapter := range []struct {
			name string
			tell func()
		}{
			{"open a channel", s.opens},
			{"upload over a line that breaks", s.uploads},
			{"publish", s.publishes},
			{"watch and talk", s.watches},
			{"share", s.shares},
			{"the desk", s.looks},
			{"hide and show", s.hides},
			{"hibernate and wake", s.sleeps},
			{"take along", s.takes},
			{"close the channel, return on day 27", s.returns},
			{"close it for good", s.leaves},
			{"bring it back", s.brings},
		} {
			s.tale.chapter(chapter.name, chapter.tell)
		}
		judge(t, "what a channel costs", s.efforts, channelAims)
	})
}

// clip cuts a few seconds out of the film that the tests' set-up fetches, on a screen small enough to be made anew in a moment.
func clip(t *testing.T) string {
	t.Helper()
	film := os.Getenv("EXEUNT_TEST_VIDEO")
	if film == "" {
		t.Fatal("EXEUNT_TEST_VIDEO is not set: `eval \"$(make services)\"` sets it, or run `make test`")
	}
	path := filepath.Join(t.TempDir(), "moss.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-ss", "20", "-t", "6", "-i", film, "-vf", "scale=-2:480", "-preset", "ultrafast", "-crf", "18", path).CombinedOutput()
	if err != nil {
		t.Fatalf("cut a clip: %v\n%s", err, out)
	}
	return path
}

func (s *channelStory) opens() {
	p := s.lin
	p.open("/")
	count := p.begin()
	p.tap(`nav.tabs a[href="/channels"]`)
	s.shot(p, "channels-none")
	p.tap(`main .button[href="/channels/open"]`)
	p.fill("#name", mossChannel)
	p.fill("#bio", "一分钟看一夜 onenightaminute")
	s.shot(p, "channel-open")
	p.tap(`main form[action="/channels/open"] button.primary`)
	s.measured(count, "open a channel")
	p.open("/@" + linName + "/channel")
	p.reads("body", "slowmossbythewell")
	s.shot(p, "channel-fresh")
}

// uploads sends a file over a line that is cut in its middle; what had come is not sent again.
func (s *channelStory) uploads() {
	p, file := s.lin, clip(s.t)
	info, err := os.Stat(file)
	must(s.t, err)
	p.open("/videos/new")
	s.shot(p, "video-new")
	s.line.cut(info.Size() / 2)
	p.choose(`main input[type="file"]`, file)
	p.awaits(`main a[data-upload-page]:not([hidden])`)
	if s.line.cuts.Load() != 1 || s.line.through.Load() < info.Size()/2 {
		s.t.Errorf("the line was cut %d times, after %d of %d bytes", s.line.cuts.Load(), s.line.through.Load(), info.Size())
	}
	s.shot(p, "video-uploaded")
	p.complaints() // of the connection
	p.tap(`main a[data-upload-page]:not([hidden])`)
	s.video = strings.TrimSuffix(p.path(), "/edit")
	if !strings.HasPrefix(s.video, "/videos/") {
		p.lost(fmt.Errorf("no video at %s", p.path()))
	}
	s.shot(p, "video-edit")
}

func (s *channelStory) publishes() {
	p := s.lin
	count := p.begin()
	p.fill("#title", mossTitle)
	p.fill("#text", mossText)
	p.tap(`main form[action$="/edit"] button[value="publish"]`)
	s.measured(count, "publish a video")
	s.ready(p)
	s.shot(p, "video-own")
	if got := p.fetch(s.video+"/master.m3u8", ""); got.status != http.StatusOK || !strings.Contains(string(got.body), "x480") {
		s.t.Errorf("the list of renditions answers %d: %s", got.status, got.body)
	}
}

// ready waits until a video's page plays it.
func (s *channelStory) ready(p *person) {
	s.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; {
		if p.visit(s.video) == http.StatusOK && p.has(`main video source[src$=".m3u8"]`) {
			return
		}
		if time.Now().After(deadline) {
			p.lost(fmt.Errorf("%s does not become ready", s.video))
		}
	}
}

// plays has the video play, and waits until its time has gone on.
func (s *channelStory) plays(p *person) {
	s.t.Helper()
	ask[bool](p, `(() => { const v = document.querySelector("main video"); v.muted = true; v.play().catch(() => {}); return true })()`)
	p.until(`document.querySelector("main video").currentTime > 1`)
	if w := ask[int](p, `document.querySelector("main video").videoWidth`); w < 320 {
		s.t.Errorf("the picture is %d wide", w)
	}
}

func (s *channelStory) watches() {
	p := s.wu
	p.open("/")
	count := p.begin()
	p.tap(`nav.tabs a[href="/channels"]`)
	s.shot(p, "channels")
	p.tap(fmt.Sprintf(`main a.tile-link[href^=%q]`, s.video))
	s.measured(count, "watch")
	p.reads("main", "afterthenightrain")
	s.plays(p)
	s.shot(p, "watch")
	p.until(`document.querySelector("main video").ended || document.querySelector("main video").currentTime > 3.5`)
	s.media = ask[string](p, `[...document.querySelectorAll("main video source")].map((x) => x.getAttribute("src")).find((x) => x.startsWith("/media/"))`)
	count = p.begin()
	p.tap(`main form[action*="follow"] button`)
	s.measured(count, "follow")
	s.lin.open("/@wu_shan")
	s.lin.tap(`main form[action*="follow"] button`)
	s.plays(p)
	p.touch(`.likes form:first-of-type button[aria-pressed="false"]`)
	p.see(`.likes form:first-of-type button[aria-pressed="true"]`)
	p.fill("#say textarea", wuComment)
	p.tap("#say button")
	p.reads("#comments", "soundsgoodtoo")
	s.plays(p)
	p.fill(`.bullet-form input[name="text"]`, wuBullet)
	p.touch(`.bullet-form button`)
	s.until(p, "the bullet comment is there", func() bool {
		return strings.Contains(string(p.fetch(s.video+"/bullets?from=0&to=60000", "").body), "righthere")
	})
	s.readsWithoutScripts()
	p.open(s.video)
	if p.has("#comments") && strings.Contains(p.text("#comments"), "righthere") {
		s.t.Error("a bullet comment stands among the comments")
	}
	d := p.fetch(s.media, "bytes=0-99")
	if d.status != http.StatusPartialContent || len(d.body) != 100 || d.header.Get("ETag") == "" {
		s.t.Errorf("a range of 100 bytes answers %d with %d bytes, ETag %q", d.status, len(d.body), d.header.Get("ETag"))
	}
}

// readsWithoutScripts has a guest who has turned scripts off read the bullet comments and the code that puts the video into another site.
func (s *channelStory) readsWithoutScripts() {
	s.t.Helper()
	p := s.visitor("a guest without scripts", way{sight{390, "light"}, ui.Chinese, false})
	p.open(s.video)
	p.touch("main noscript .bullet-list summary")
	p.reads("main noscript .bullet-list", "righthere")
	s.shot(p, "watch-scripts-off")
	p.touch(".share summary")
	p.see("#share-embed")
	if code := p.attribute("#share-embed", "value"); !strings.Contains(code, `<iframe src="`) || !strings.Contains(code, strings.Replace(s.video, "/videos/", "/embed/", 1)) {
		s.t.Errorf("the code to embed is %s", code)
	}
}

// until asks again and again, as long as a person is patient.
func (s *channelStory) until(p *person, what string, fn func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !fn(); {
		if time.Now().After(deadline) {
			p.lost(fmt.Errorf("wait until %s", what))
		}
	}
}

// shares puts a card of the video into a circle, where it is opened from.
func (s *channelStory) shares() {
	p := s.wu
	p.open("/circles/new")
	p.fill("#name", wuCircle)
	p.touch(`input[name="mode"][value="open"]`)
	p.tap("main form button.primary")
	s.circle = p.path()
	p.open(s.video)
	count := p.begin()
	p.tap(`main a.act[href^="/share/video/"]`)
	s.shot(p, "video-share")
	p.tap(`main a.menu-item[href*="in=circle"]`)
	p.fill("#text", "你们看 lookatthis")
	p.tap("main form button.primary")
	s.measured(count, "share into a circle")
	p.open(s.circle)
	p.reads("main", "mossovernight")
	s.shot(p, "circle-with-video")
	p.tap(fmt.Sprintf(`main a[href^=%q]`, s.video))
	s.plays(p)
}

func (s *channelStory) looks() {
	p := s.lin
	p.open("/channel/desk")
	p.reads("main", "mossovernight")
	p.reads("main", "soundsgoodtoo")
	s.shot(p, "desk")
	if csv := p.fetch("/channel/desk/days.csv", ""); csv.status != http.StatusOK || !strings.Contains(string(csv.body), ",") {
		s.t.Errorf("the sums by day answer %d: %s", csv.status, csv.body)
	}
	feed := s.wu.fetch("/@"+linName+"/channel/feed.xml", "")
	if feed.status != http.StatusOK || !strings.Contains(string(feed.body), "<enclosure") {
		s.t.Errorf("the podcast answers %d: %.300s", feed.status, feed.body)
	}
}

// hides takes the entrance away, which others do not notice.
func (s *channelStory) hides() {
	p := s.lin
	p.open("/")
	count := p.begin()
	p.tap(`nav.tabs a[href="/discover"]`)
	p.tap(`form[action="/entrances/channel/hide"] button`)
	s.measured(count, "hide")
	if p.has(`nav.tabs a[href="/channels"]`) {
		s.t.Error("a hidden entrance is still in the tabs")
	}
	if s.wu.open(s.video); !s.wu.has("main video") {
		s.t.Error("somebody else sees that an entrance was hidden")
	}
	p.open("/settings/entrances")
	p.tap(`form[action="/entrances/channel/show"] button`)
	p.see(`nav.tabs a[href="/channels"]`)
}

// stops expects that the player that is open stops within a second, has nothing more to play, and says why.
func (s *channelStory) stops(why string) {
	s.t.Helper()
	began := time.Now()
	s.wu.until(`(v => v.paused && v.readyState === 0 && v.networkState === 0 && !v.querySelector("source"))(document.querySelector("main video"))`)
	if took := time.Since(began); took > time.Second {
		s.t.Errorf("%s: the open player stops after %v", why, took)
	}
	s.wu.reads("main .player-note", s.T(s.wu, "player.gone"))
	s.shot(s.wu, "watch-gone")
}

// dies expects that no file and no page of the video answers any more within a second.
func (s *channelStory) dies(why string) {
	s.t.Helper()
	began := time.Now()
	for _, path := range []string{s.media, s.video + "/master.m3u8", s.video} {
		status := http.StatusOK
		for status < 400 && time.Since(began) < 5*time.Second {
			status = s.wu.fetch(path, "").status
		}
		if took := time.Since(began); took > time.Second {
			s.t.Errorf("%s: %s answers %d after %v", why, path, status, took)
		}
	}
	s.wu.open("/channels")
	if s.wu.has(fmt.Sprintf(`main a[href^=%q]`, s.video)) {
		s.t.Errorf("%s: the feed still leads to the video", why)
	}
	s.wu.open(s.circle)
	if s.wu.has(fmt.Sprintf(`main a[href^=%q]`, s.video)) || strings.Contains(s.wu.text("main"), "mossovernight") {
		s.t.Errorf("%s: the card in the circle still shows the video", why)
	}
	if s.wu.visit("/search?q=mossovernight"); strings.Contains(s.wu.text("main"), mossTitle) {
		s.t.Errorf("%s: the video is still found", why)
	}
}

func (s *channelStory) sleeps() {
	p := s.lin
	s.wu.open(s.video)
	s.plays(s.wu)
	ask[bool](s.wu, `document.querySelector("main video").loop = true`)
	p.open("/exit/hibernate")
	p.tap(`main form[method="post"] button`)
	s.stops("hibernating")
	s.dies("hibernating")
	p.open("/exit")
	p.tap(`form[action="/exit/wake"] button`)
	s.wu.open(s.video)
	s.plays(s.wu)
}

func (s *channelStory) takes() {
	s.along = s.in.export(s.t, linName)
	s.in.do(s.t, "verify", s.along)
	originals := 0
	for name := range entries(s.t, s.along) {
		if strings.HasSuffix(name, ".mp4") {
			originals++
		}
	}
	if originals != 1 {
		s.t.Errorf("%d films in the archive, want 1", originals)
	}
}

// returns closes the channel alone, which leaves the rest as it is, and comes back on day 27.
func (s *channelStory) returns() {
	p := s.lin
	p.open("/settings/accounts")
	p.fill("#name", linOther)
	p.tap(`main form[action="/settings/accounts"] button.primary`)
	s.becomes(p, linName)
	p.open("/")
	count := p.begin()
	s.tale.closes(p, "?in=channel", "close-channel")
	s.measured(count, "close the channel")
	s.dies("closing")
	p.open("/circles")
	p.open("/@" + linName)
	s.becomes(p, linOther)
	s.becomes(p, linName)
	s.in.travel(s.t, "+8d")
	s.in.travel(s.t, "+19d")
	p.open("/")
	count = p.begin()
	p.tap(`.foot a[href="/exit"]`)
	s.shot(p, "exit-closed-channel")
	p.tap(`form[action="/exit/return"] button`)
	s.measured(count, "return")
	s.ready(s.wu) // what the machine made is made again
	s.plays(s.wu)
	s.media = ask[string](s.wu, `[...document.querySelectorAll("main video source")].map((x) => x.getAttribute("src")).find((x) => x.startsWith("/media/"))`)
	s.wu.open("/@" + linName + "/channel")
	s.wu.reads("main", s.T(s.wu, "relation.unfollow"))
	s.wu.reads("main", "mossovernight")
	p.open("/@wu_shan")
	p.reads("main", s.T(p, "relation.unfollow"))
}

// becomes changes to another persona of the person's.
func (s *channelStory) becomes(p *person, name string) {
	s.t.Helper()
	p.open("/me")
	p.tap(`main form[action="/settings/accounts/switch"] button`)
	if to := p.attribute(`main a[href^="/@"]`, "href"); to != "/@"+name {
		s.t.Errorf("changing the persona leads to %s, want %s", to, name)
	}
}

// left gives where the install keeps anything of the channel by lin's id: columns of the channel's own tables, and files.
func (s *channelStory) left() (places []string) {
	s.t.Helper()
	id := s.ids[linName]
	out, err := s.in.command(s.t, "residue", "--account", id)
	finds, ok := out["finds"].([]any)
	if !ok {
		s.t.Fatalf("residue finds nothing of an account that is there: %v: %v", out, err)
	}
	for _, f := range finds {
		// A video beneath which others have talked stays as a row without words.
		if where := f.(map[string]any)["where"].(string); ownOfChannel.MatchString(where) && where != "videos.account_id" {
			places = append(places, where)
		}
	}
	if s.in.media != "" {
		return places
	}
	must(s.t, filepath.WalkDir(filepath.Join(s.in.dir, "media", id), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // the folder went with its last file
			return nil
		case err == nil && !d.IsDir():
			places = append(places, path)
		}
		return err
	}))
	return places
}

// ownOfChannel are the places in which a channel's own rows and files are: its tables, and what it keeps of films and pictures.
var ownOfChannel = regexp.MustCompile(`^(channels|channel_links|videos|video_[a-z]+|collections|collection_videos|uploads)\.|^blob \d+/(videos|renditions|channels|uploads)/`)

func (s *channelStory) leaves() {
	p := s.lin
	if len(s.left()) < 10 {
		s.t.Error("the channel is not found by its account while it is there")
	}
	for _, words := range []string{"slowmossbythewell", "mossovernight", "afterthenightrain", "onenightaminute"} {
		if s.in.residue(s.t, "--text", words) == 0 {
			s.t.Errorf("residue does not find %q while it is there", words)
		}
	}
	p.open("/")
	s.tale.closes(p, "?in=channel", "close-channel-again")
	s.in.travel(s.t, "+8d")
	s.in.travel(s.t, "+30d")
	for _, words := range []string{"slowmossbythewell", "mossovernight", "afterthenightrain", "onenightaminute"} {
		if n := s.in.residue(s.t, "--text", words); n > 0 {
			s.t.Errorf("%q is left in %d places", words, n)
		}
	}
	if places := s.left(); len(places) > 0 {
		s.t.Errorf("the channel is left in %v", places)
	}
	s.dies("closed")
	p.open("/") // signing in and the rest work as before
	if p.path() != "/" {
		s.t.Errorf("who has closed a channel is led to %s", p.path())
	}
}

// brings opens a channel again and takes the archive in.
func (s *channelStory) brings() {
	p := s.lin
	s.tale.importThroughPage(p, s.along, "channel-import")
	s.until(p, "the video is there again", func() bool {
		p.open("/@" + linName + "/channel")
		return strings.Contains(p.text("main"), "mossovernight")
	})
	s.video = strings.SplitN(p.attribute(`main a.tile-link[href^="/videos/"]`, "href"), "?", 2)[0]
	s.ready(s.wu)
	s.plays(s.wu)
	s.wu.reads("main", "afterthenightrain")
}

package server_test

import (
	"bytes"
	"context"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/residue"
	"exeunt/internal/talk"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// clip gives a film of a second that ffmpeg makes of nothing, once for all tests.
var clip = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "clip")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	name := filepath.Join(dir, "clip.mp4")
	cmd := exec.CommandContext(context.Background(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=duration=1:size=320x240:rate=10", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return out, err
	}
	return os.ReadFile(name)
})

// creator is a person with a channel and one published film, and a fan of it.
type creator struct {
	in    *install
	t     *testing.T
	v     who.Viewer
	fan   who.Viewer
	video who.ID
	card  who.ID // the fan's post that shows the film
	film  []byte
}

func newCreator(t *testing.T, in *install) *creator {
	t.Helper()
	ctx := t.Context()
	c := &creator{in: in, t: t, v: in.signUp(t, "filmmaker"), fan: in.signUp(t, "filmgoer")}
	c.film = value[[]byte](t, "make film")(clip())
	must(t, in.Channels.Open(ctx, c.v, channel.Words{Name: "山间来信", Bio: "每周一封", Links: []channel.Link{{Label: "博客", URL: "https://example.org/letters"}}, Category: "arts", Explicit: true}), "open channel")
	must(t, in.Channels.SetPicture(ctx, c.v, channel.Avatar, bytes.NewReader(picture(40))), "set avatar")
	u, err := in.Uploads.Bring(ctx, c.v.Account, upload.Draft{What: channel.KindVideo, Name: "letter.mp4", Length: int64(len(c.film)) + 1}, bytes.NewReader(c.film))
	must(t, err, "bring film")
	c.video, _ = who.ParseID(u.Detail)
	in.settle(t)
	list := value[who.ID](t, "make collection")(in.Channels.SaveCollection(ctx, c.v, 0, "第一季", ""))
	must(t, in.Channels.AddSubtitle(ctx, c.v, c.video, "zh", "中文", strings.NewReader(subtitles)), "add subtitles")
	must(t, in.Channels.Publish(ctx, c.v, c.video, channel.VideoWords{Title: "第一封信", Text: "写在山里 #山居", Audience: "public", Collections: []who.ID{list}}, in.machine.Now()), "publish")
	must(t, in.Relations.Follow(ctx, c.fan, c.v.Account), "follow")
	ref := who.Ref{Kind: channel.KindVideo, ID: c.video}
	_, err = in.Talk.Comment(ctx, c.fan, ref, talk.Draft{Text: "好想去"})
	must(t, err, "comment")
	must(t, in.Talk.Save(ctx, c.fan, ref), "save")
	c.card = value[who.ID](t, "share")(in.Posts.Write(ctx, c.fan, post.Draft{Service: post.Page, Text: "看这个", Card: ref}))
	_, err = in.DB.Writer.ExecContext(ctx, `insert into video_days (video_id, account_id, day, source, views, watched) values ($1, $2, 100, 'search', 7, 60)`, int64(c.video), int64(c.v.Account))
	must(t, err, "count views")
	in.settle(t)
	return c
}

const subtitles = "WEBVTT\n\n00:00.000 --> 00:01.000\n你好\n"

// get gives the status, the body and the target of a guest's request.
func (c *creator) get(path string) (int, string, string) {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.in.Handler().ServeHTTP(w, httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String(), w.Header().Get("Location")
}

// wantStatus asks for pages as a guest.
func (c *creator) wantStatus(when string, pages map[string]int) {
	c.t.Helper()
	for path, want := range pages {
		if got, body, _ := c.get(path); got != want {
			c.t.Errorf("%s %s answers %d, want %d: %.400s", when, path, got, want, body)
		}
	}
}

// wantLed asks whether the creator's own page leads to the channel.
func (c *creator) wantLed(channel string, want bool) {
	c.t.Helper()
	if _, body, _ := c.get("/@filmmaker"); strings.Contains(body, `href="`+channel+`"`) != want {
		c.t.Errorf("that the own page leads to the channel is %v, want %v", !want, want)
	}
}

func (c *creator) videoPage() string { return channel.VideoPath(c.video) }

// files counts the creator's files in a folder.
func (c *creator) files(folder string) int {
	c.t.Helper()
	list, err := c.in.Blobs.List(c.t.Context(), c.v.Account.String()+"/"+folder+"/", "", 1000)
	must(c.t, err, "list files")
	return len(list)
}

func (c *creator) number(query string, args ...any) (n int64) {
	c.t.Helper()
	must(c.t, c.in.DB.Reader.QueryRowContext(c.t.Context(), query, args...).Scan(&n), "count")
	return n
}

// TestChannelReturns closes the channel alone, comes back on day 27, and finds all of it; what was left to be read stands in between.
func TestChannelReturns(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		c := newCreator(t, in)
		own := channel.Path(c.v.Name)
		c.wantStatus("before", map[string]int{c.videoPage(): 200, own: 200, own + "/feed.xml": 200, "/@filmmaker": 200})
		c.wantLed(own, true)
		must(t, in.Channels.Leave(ctx, c.v, channel.Farewell{Scope: channel.Name, Words: "在别处写信", Links: []string{"https://example.org/letters"}}), "leave a line")
		subject := leave.SubjectOf(c.v.Account, channel.Name)
		in.agree(t, exit.Ask{Subject: subject, Journey: exit.Close})
		in.settle(t)
		c.wantStatus("at consent", map[string]int{c.videoPage(): 404, own: 404, own + "/feed.xml": 404, "/@filmmaker": 200})
		c.wantLed(own, false)
		if err := in.Channels.Leave(ctx, c.v, channel.Farewell{Scope: channel.Name, Words: "改一改"}); exit.KindOf(err) != exit.Conflict {
			t.Errorf("what was agreed is changed: %v", err)
		}
		_, err := in.Posts.Write(ctx, c.v, post.Draft{Service: post.Page, Text: "别处照旧"})
		must(t, err, "write elsewhere")
		in.travel(t, 8)
		c.wantStatus("after cooling-off", map[string]int{c.videoPage(): 410, channel.MasterPath(c.video): 410, own: 410, own + "/feed.xml": 410, "/@filmmaker": 200})
		if _, body, _ := c.get(own); !strings.Contains(body, "在别处写信") || !strings.Contains(body, `href="https://example.org/letters"`) {
			t.Errorf("what was left is not on its page: %.2000s", body)
		}
		if code, body, _ := c.get(channel.EmbedPath(c.video)); code != 410 || !strings.Contains(body, "在别处写信") || strings.Contains(body, "第一封信") {
			t.Errorf("the frame on other sites answers %d: %.1000s", code, body)
		}
		if _, body, _ := c.get(c.videoPage()); strings.Contains(body, "og:") || strings.Contains(body, "第一封信") {
			t.Errorf("the film's address still has a preview: %.2000s", body)
		}
		_, err = in.Blobs.Drain(ctx, 0)
		must(t, err, "drain blobs")
		if n := c.files(blob.Renditions); n != 0 {
			t.Errorf("%d renditions are left after cooling-off", n)
		}
		in.travel(t, 19)
		in.agree(t, exit.Ask{Subject: subject, Journey: exit.Return})
		in.settle(t)
		c.wantStatus("back on day 27", map[string]int{c.videoPage(): 200, own: 200})
		c.wantLed(own, true)
		x := value[channel.Video](t, "read video")(in.Channels.Video(ctx, who.Viewer{}, c.video))
		if x.Media != channel.Ready || c.files(blob.Renditions) == 0 {
			t.Errorf("the film came back as %s with %d renditions", x.Media, c.files(blob.Renditions))
		}
		if n := c.number(`select count(*) from follows where followee_id = $1`, int64(c.v.Account)); n != 1 {
			t.Errorf("%d followers came back, want 1", n)
		}
		if n := c.number(`select count(*) from video_subtitles where video_id = $1`, int64(c.video)) + c.number(`select count(*) from comments where ref_id = $1`, int64(c.video)); n != 2 {
			t.Errorf("%d subtitles and comments of others came back, want one each", n)
		}
	})
}

// TestChannelGoesAndComesAnew takes a channel along, closes it, finds nothing of it left, and brings it to a new one.
func TestChannelGoesAndComesAnew(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		c := newCreator(t, in)
		name := filepath.Join(t.TempDir(), "channel.zip")
		_, err := in.Leave.PackTo(ctx, &leave.Packing{Account: c.v.Account, In: channel.Name, Media: true, MaxBytes: -1}, name)
		must(t, err, "pack")
		_, err = archive.Verify(ctx, name)
		must(t, err, "verify")
		published := value[channel.Video](t, "read video")(in.Channels.Video(ctx, c.v, c.video)).At
		must(t, in.Channels.Leave(ctx, c.v, channel.Farewell{Scope: channel.Name, Links: []string{"https://example.org/elsewhere"}, Redirect: true}), "leave a link")
		must(t, in.Channels.Watched(ctx, c.fan, c.video, channel.Viewing{Source: "feed", Watched: 3 * time.Second, Position: time.Second}), "watch")
		pointers := c.pointers()
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(c.v.Account, channel.Name), Journey: exit.Close})
		in.travel(t, 30)
		for _, folder := range []string{blob.Videos, blob.Renditions, blob.Channels, blob.Uploads} {
			if n := c.files(folder); n != 0 {
				t.Errorf("%d files are left under %s", n, folder)
			}
		}
		for _, text := range []string{"第一封信", "写在山里", "山间来信", "每周一封", "第一季", "letter.mp4", "山居"} {
			found, err := residue.Search(ctx, in.DB, in.Blobs, text)
			must(t, err, "search residue")
			if len(found.Finds) > 0 {
				t.Errorf("%s is left in %+v", text, found.Finds)
			}
		}
		if code, _, to := c.get(c.videoPage()); code != 301 || to != "https://example.org/elsewhere" {
			t.Errorf("the film's address answers %d %s", code, to)
		}
		if code, body, _ := c.get("/posts/" + c.card.String()); code != 200 || strings.Contains(body, c.videoPage()) {
			t.Errorf("the card answers %d and leads to the film still", code)
		}
		c.wantUnpointed(pointers)
		if n := c.number(`select count(*) from comments where text = '好想去' and state = 'live'`); n != 1 {
			t.Error("what somebody else wrote is gone")
		}
		c.comeBack(name, published)
		in.travel(t, 400)
		if code, _, _ := c.get(c.videoPage()); code != 404 {
			t.Errorf("after its term the film's address answers %d", code)
		}
	})
}

// pointers gives the addresses that point at the film besides its own, each with what it answers while the film is there.
func (c *creator) pointers() map[string]int {
	c.t.Helper()
	_, body, _ := c.get(c.videoPage())
	oembed := regexp.MustCompile(`type="application/json\+oembed"[^>]* href="https?://[^/"]+([^"]+)"`).FindStringSubmatch(body)
	if oembed == nil || !strings.Contains(body, `property="og:video"`) {
		c.t.Fatalf("the film's page has no preview: %.2000s", body)
	}
	out := map[string]int{html.UnescapeString(oembed[1]): 404, channel.EmbedPath(c.video): 410, c.videoPage(): 301}
	for path := range out {
		if code, body, _ := c.get(path); code != 200 || !strings.Contains(body, "第一封信") {
			c.t.Errorf("%s answers %d before: %.300s", path, code, body)
		}
	}
	if body := c.in.as(c.t, c.fan, http.MethodGet, "/me/history").Body.String(); !strings.Contains(body, c.videoPage()) {
		c.t.Errorf("the fan's history does not have the film: %.2000s", body)
	}
	return out
}

// wantUnpointed asks all that pointed at the film: it is named nowhere. A frame on another site is told where it went, and not led there.
func (c *creator) wantUnpointed(pointers map[string]int) {
	c.t.Helper()
	for path, want := range pointers {
		code, body, to := c.get(path)
		if code != want || strings.Contains(body, "第一封信") || strings.Contains(body, "og:video") || strings.Contains(body, "<video") {
			c.t.Errorf("%s answers %d, want %d: %.1000s", path, code, want, body)
		}
		if path == channel.EmbedPath(c.video) && (to != "" || !strings.Contains(body, `href="https://example.org/elsewhere"`) || !strings.Contains(body, `<base target="_blank">`)) {
			c.t.Errorf("the frame on other sites leads to %q and says %.1000s", to, body)
		}
	}
	if body := c.in.as(c.t, c.fan, http.MethodGet, "/me/history").Body.String(); strings.Contains(body, c.videoPage()) || strings.Contains(body, "第一封信") {
		c.t.Errorf("the fan's history still has the film: %.2000s", body)
	}
	if n := c.number(`select count(*) from video_history where video_id = $1`, int64(c.video)); n != 0 {
		c.t.Errorf("%d rows of history are left", n)
	}
}

// TestFarewellBySlip leaves a line where the whole account was, and takes it away by the slip when nobody can sign in any more.
func TestFarewellBySlip(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		c := &creator{in: in, t: t, v: in.signUp(t, "wanderer")}
		must(t, in.Channels.Leave(ctx, c.v, channel.Farewell{Words: "山高水长"}), "leave a line")
		ask := exit.Ask{Subject: leave.SubjectOf(c.v.Account, ""), Journey: exit.Close}
		plan := value[*exit.Plan](t, "preview")(in.Engine.Preview(ctx, ask))
		run, secret, err := in.Leave.Agree(ctx, ask, plan.Hash(), "person")
		must(t, err, "agree")
		in.travel(t, 40)
		in.wantRun(t, run.ID, exit.RunSealed)
		file := value[[]byte](t, "read certificate")(in.Leave.Certificate(ctx, run.ID))
		if !strings.Contains(string(file), `"farewell"`) {
			t.Error("the certificate does not name what stays to be read")
		}
		if code, body, _ := c.get("/@wanderer"); code != 410 || !strings.Contains(body, "山高水长") {
			t.Errorf("the page answers %d: %.300s", code, body)
		}
		if _, body, _ := c.get("/slip/" + secret); !strings.Contains(body, "/slip/"+secret+"/farewell") {
			t.Error("the slip does not take it away")
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/slip/"+secret+"/farewell", nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		in.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusSeeOther {
			t.Errorf("taking it away answers %d", w.Code)
		}
		c.wantStatus("when it is taken away", map[string]int{"/@wanderer": 404, "/slip/" + secret: 200})
	})
}

// comeBack imports the archive into a channel that is opened by it, and once more.
func (c *creator) comeBack(name string, published any) {
	t, in, ctx := c.t, c.in, c.t.Context()
	t.Helper()
	before := c.number(`select count(*) from notices where account_id = $1`, int64(c.fan.Account))
	im, err := in.Leave.ImportFrom(ctx, c.v.Account, name)
	must(t, err, "import")
	for _, r := range im.Results {
		if r.Result != "taken" && r.Class != archive.ClassReceived && !strings.HasPrefix(r.Class, "talk.") {
			t.Errorf("%s: %d %s (%s)", r.Class, r.N, r.Result, r.Reason)
		}
	}
	in.settle(t)
	if n := c.number(`select count(*) from notices where account_id = $1`, int64(c.fan.Account)); n != before {
		t.Errorf("the import told somebody of %d things", n-before)
	}
	var id int64
	must(t, in.DB.Reader.QueryRowContext(ctx, `select id from videos where account_id = $1`, int64(c.v.Account)).Scan(&id), "find video")
	x := value[channel.Video](t, "read video")(in.Channels.Video(ctx, who.Viewer{}, who.ID(id)))
	if x.Title != "第一封信" || x.Text != "写在山里 #山居" || x.Media != channel.Ready || x.At != published || x.File != "letter.mp4" || x.ID == c.video {
		t.Errorf("it came back as %+v", x)
	}
	r, err := in.Blobs.NewReader(ctx, x.Original, 0, -1)
	must(t, err, "open original")
	got, err := io.ReadAll(r)
	must(t, err, "read original")
	must(t, r.Close(), "close original")
	if !bytes.Equal(got, c.film) {
		t.Errorf("the original has %d bytes and had %d", len(got), len(c.film))
	}
	for what, query := range map[string]string{
		"subtitles":  `select count(*) from video_subtitles where video_id = $1 and language = 'zh' and label = '中文'`,
		"topics":     `select count(*) from video_topics where video_id = $1`,
		"statistics": `select count(*) from video_days where video_id = $1 and day = 100 and source = 'search' and views = 7 and watched = 60`,
		"collection": `select count(*) from collection_videos l join collections c on c.id = l.collection_id where l.video_id = $1 and c.title = '第一季'`,
	} {
		if n := c.number(query, id); n != 1 {
			t.Errorf("%d of its %s came back, want 1", n, what)
		}
	}
	if n := c.number(`select count(*) from channels where account_id = $1 and name = '山间来信' and bio = '每周一封' and avatar <> '' and category = 'arts' and explicit = 1`, int64(c.v.Account)); n != 1 {
		t.Error("the channel did not come back as it was")
	}
	im, err = in.Leave.ImportFrom(ctx, c.v.Account, name)
	must(t, err, "import once more")
	if n := c.number(`select count(*) from videos where account_id = $1`, int64(c.v.Account)); n != 1 {
		t.Errorf("imported twice there are %d films: %+v", n, im.Results)
	}
}

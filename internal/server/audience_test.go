package server_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/moderate"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// as gives the status and the body of a request of somebody who is signed in, or a guest.
func (c *creator) as(v who.Viewer, path string) (int, string) {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, path, nil)
	if !v.Guest() {
		token := value[string](c.t, "begin session")(c.in.Accounts.Begin(c.t.Context(), v.Person, v.Account, ""))
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	w := httptest.NewRecorder()
	c.in.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// addresses gives all under which the film, or a part of it, is served.
func (c *creator) addresses() []string {
	c.t.Helper()
	x := value[channel.Video](c.t, "read film")(c.in.Channels.Video(c.t.Context(), c.v, c.video))
	var rendition, subtitle string
	must(c.t, c.in.DB.Reader.QueryRowContext(c.t.Context(), `select n.key, s.key from video_renditions n join video_subtitles s on s.video_id = n.video_id where n.video_id = $1`, int64(c.video)).Scan(&rendition, &subtitle), "read keys")
	return []string{
		c.videoPage(), c.videoPage() + "/bullets", channel.MasterPath(c.video), channel.RenditionPath(c.video, x.Height),
		service.MediaPath(rendition), service.MediaPath(subtitle), service.MediaPath(x.Poster), service.MediaPath(x.Thumb),
	}
}

// lists are pages that name films, with what else they say.
func (c *creator) lists() []string {
	return []string{channel.Path(c.v.Name), channel.Path(c.v.Name) + "/feed.xml", "/channels?tab=recommended", "/watch", "/search?kind=video&q=" + "%E7%AC%AC%E4%B8%80%E5%B0%81%E4%BF%A1", "/posts/" + c.card.String()}
}

// wantOpen asks for all addresses of the film; wantListed says on which of the lists its title stands.
func (c *creator) wantOpen(when string, v who.Viewer, open bool) {
	c.t.Helper()
	for _, path := range c.addresses() {
		if code, _ := c.as(v, path); code == http.StatusOK != open || !open && code != http.StatusNotFound {
			c.t.Errorf("%s, %s is answered %d by %s", when, v.Name, code, path)
		}
	}
}

func (c *creator) wantListed(when string, v who.Viewer, listed map[string]bool) {
	c.t.Helper()
	for _, path := range c.lists() {
		code, body := c.as(v, path)
		if code != http.StatusOK || strings.Contains(body, c.videoPage()) != listed[path] {
			c.t.Errorf("%s, %s is answered %d by %s; the film stands there: %t", when, v.Name, code, path, strings.Contains(body, c.videoPage()))
		}
	}
	hits, _, err := c.in.Search.Find(c.t.Context(), v, search.Video, "第一封信", 0, 10)
	must(c.t, err, "search")
	if len(hits) > 0 != listed["search"] {
		c.t.Errorf("%s, %s finds %d films", when, v.Name, len(hits))
	}
}

// TestVideoForOneself has a published film become its owner's alone: within a second no address and no list gives anything of it to anybody else, and all is
// as it was when that is taken back.
func TestVideoForOneself(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		c := newCreator(t, in)
		all := map[string]bool{"search": true}
		for _, path := range c.lists() {
			all[path] = true
		}
		guest := who.Viewer{}
		words := channel.VideoWords{Title: "第一封信", Text: "写在山里 #山居", Audience: "public"}
		for range 2 {
			for _, v := range []who.Viewer{guest, c.fan} {
				c.wantOpen("while all may see it", v, true)
				c.wantListed("while all may see it", v, all)
			}
			words.Audience = "only"
			must(t, in.Channels.Save(ctx, c.v, c.video, words), "keep it to oneself")
			in.machine.Add(time.Second)
			for _, v := range []who.Viewer{guest, c.fan} {
				c.wantOpen("kept to oneself", v, false)
				c.wantListed("kept to oneself", v, nil)
			}
			if code, body := c.as(guest, "/oembed?url=https%3A%2F%2Fexeunt.test"+c.videoPage()); code != http.StatusNotFound {
				t.Errorf("oEmbed answers %d: %.200s", code, body)
			}
			if _, body := c.as(guest, "/embed/"+c.video.String()); strings.Contains(body, "第一封信") || strings.Contains(body, "/media/") {
				t.Errorf("the frame shows it: %.300s", body)
			}
			c.wantOpen("kept to oneself", c.v, true)
			words.Audience = "public"
			must(t, in.Channels.Save(ctx, c.v, c.video, words), "show it again")
			in.machine.Add(time.Second)
		}
	})
}

// TestVideoForCircle has a film be for a circle: its members see it, nobody else does, and who leaves does not any more.
func TestVideoForCircle(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		c := newCreator(t, in)
		stranger := in.signUp(t, "stranger")
		foreign := value[who.ID](t, "make a circle of others")(in.Circles.Create(ctx, stranger, circle.Draft{Name: "others", Mode: circle.Open}))
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, c.v, circle.Draft{Name: "walkers", Mode: circle.Open}))
		_, err := in.Circles.Join(ctx, c.fan, ring)
		must(t, err, "join")
		words := channel.VideoWords{Title: "第一封信", Text: "写在山里", Audience: string(who.CircleOnly(foreign))}
		if err := in.Channels.Save(ctx, c.v, c.video, words); exit.KindOf(err) != exit.Forbidden && exit.KindOf(err) != exit.NotFound {
			t.Error("a film is for a circle in which its owner is not")
		}
		words.Audience = string(who.CircleOnly(ring))
		must(t, in.Channels.Save(ctx, c.v, c.video, words), "give it to the circle")
		in.machine.Add(time.Second)
		own := channel.Path(c.v.Name)
		c.wantOpen("in the circle", c.fan, true)
		if _, body := c.as(c.fan, own); !strings.Contains(body, c.videoPage()) {
			t.Error("a member does not find it in the channel")
		}
		for _, v := range []who.Viewer{{}, stranger} {
			c.wantOpen("outside", v, false)
			c.wantListed("outside", v, nil)
		}
		must(t, in.Circles.Leave(ctx, c.fan, ring), "leave")
		in.machine.Add(time.Second)
		c.wantOpen("after leaving", c.fan, false)
		c.wantListed("after leaving", c.fan, nil)
		_, err = in.Circles.Join(ctx, stranger, ring)
		must(t, err, "join")
		c.wantOpen("after joining", stranger, true)
	})
}

// TestCircleIsAskedAgain has a film be scheduled for a circle out of which its owner is taken: it is not published there, and nothing is changed to be for it.
func TestCircleIsAskedAgain(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		c, owner := newCreator(t, in), in.signUp(t, "ringmaster")
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: "walkers", Mode: circle.Open}))
		_, err := in.Circles.Join(ctx, c.v, ring)
		must(t, err, "join")
		u, err := in.Uploads.Bring(ctx, c.v.Account, upload.Draft{What: channel.KindVideo, Name: "ring.mp4", Length: int64(len(c.film)) + 1}, bytes.NewReader(c.film))
		must(t, err, "bring film")
		id, _ := who.ParseID(u.Detail)
		in.settle(t)
		words := channel.VideoWords{Title: "给圈子的", Audience: string(who.CircleOnly(ring))}
		now := value[time.Time](t, "read clock")(in.DB.Now(ctx))
		must(t, in.Channels.Publish(ctx, c.v, id, words, now.Add(48*time.Hour)), "schedule")
		// While the owner is being taken out, what has asked before waits.
		saved := make(chan error, 1)
		must(t, in.DB.Update(ctx, func(ctx context.Context) error {
			if err := in.Order.Lay(ctx, owner, moderate.Place{Service: circle.Name, ID: ring}, c.v.Account, moderate.Order{What: moderate.Kick, Rule: "abuse"}); err != nil {
				return err
			}
			words := channel.VideoWords{Title: "第一封信", Audience: words.Audience}
			go func() { saved <- in.Channels.Save(t.Context(), c.v, c.video, words) }()
			in.waits(t)
			return nil
		}), "take out")
		if err := <-saved; exit.KindOf(err) != exit.Forbidden && exit.KindOf(err) != exit.NotFound {
			t.Errorf("a film becomes one for the circle: %v", err)
		}
		in.travel(t, 3)
		_, err = in.Channels.Sweep(ctx, 10)
		must(t, err, "publish what is due")
		x := value[channel.Video](t, "read film")(in.Channels.Video(ctx, c.v, id))
		if x.State != channel.Drafted || x.Fault != "channel.fault.circle" {
			t.Errorf("it is %s, %q", x.State, x.Fault)
		}
		if _, body := c.as(c.v, channel.VideoPath(id)+"/edit"); !strings.Contains(body, "它是给一个圈子看的，而你已经不能在那里发内容") {
			t.Errorf("its page does not say why: %.2000s", body)
		}
	})
}

// waits returns when something waits for a lock. SQLite has one writer at a time: there is nothing to wait for.
func (in *install) waits(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for n := 0; n == 0 && !in.DB.SQLite() && ctx.Err() == nil; runtime.Gosched() {
		must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n), "look for a lock")
	}
}

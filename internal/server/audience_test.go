package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/search"
	"exeunt/internal/service"
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

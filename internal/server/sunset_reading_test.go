package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// readers are those who ask for what ends: a guest, and people with an account, in it or strange to it.
type readers struct {
	in      *install
	t       *testing.T
	account []who.Viewer
}

// wantCodes asks all of them for addresses of what ends.
func (r readers) wantCodes(when string, paths []string, guest, account int) {
	r.t.Helper()
	for _, path := range paths {
		for _, v := range append([]who.Viewer{{}}, r.account...) {
			want := account
			if v.Guest() {
				want = guest
			}
			if w := r.in.look(r.t, v, path); w.Code != want {
				r.t.Errorf("%s: %s answers %d to %q, want %d: %.300s", when, path, w.Code, v.Name, want, w.Body)
			}
		}
	}
}

// wantPart asks all of them for a page that stays, and looks for a part of it.
func (r readers) wantPart(when, path, part string, guest, account bool) {
	r.t.Helper()
	for _, v := range append([]who.Viewer{{}}, r.account...) {
		want := account
		if v.Guest() {
			want = guest
		}
		if w := r.in.look(r.t, v, path); w.Code != http.StatusOK || strings.Contains(w.Body.String(), part) != want {
			r.t.Errorf("%s: %s answers %d to %q, want %q there: %v", when, path, w.Code, v.Name, part, want)
		}
	}
}

// codes gives what a guest and people with an account are answered in a phase by what ends.
func codes(word string) (guest, account int) {
	switch word {
	case exit.ExportOnly:
		return http.StatusForbidden, http.StatusOK
	case exit.Stopped, exit.Erased:
		return http.StatusGone, http.StatusGone
	}
	return http.StatusOK, http.StatusOK
}

// TestFilmsByPhase ends channels, and lets a guest, the owner, a follower and a stranger ask in every phase for a film with all its files and pages, and for what names it
// elsewhere.
func TestFilmsByPhase(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		c := newCreator(t, in)
		r := readers{in, t, []who.Viewer{c.v, c.fan, in.signUp(t, "stranger")}}
		own := channel.Path(c.v.Name)
		paths := append(c.addresses(), own, own+"/feed.xml", "/channels", "/watch", "/embed/"+c.video.String(), "/oembed?url="+url.QueryEscape("http://exeunt.test"+c.videoPage()))
		start := value[time.Time](t, "read clock")(in.DB.Now(t.Context())).Truncate(24 * time.Hour)
		in.publish(t, allPhases(start, channel.Name))
		for _, p := range phasesOfAll[:6] {
			in.begins(t, start, p.word)
			guest, account := codes(p.word)
			r.wantCodes(p.word, paths, guest, account)
			if account == http.StatusGone {
				continue
			}
			listed := "/search?kind=video&q=" + url.QueryEscape("第一封信")
			r.wantPart(p.word, listed, c.videoPage(), guest == http.StatusOK, true)
			r.wantPart(p.word, "/search/count?tab=videos&q="+url.QueryEscape("第一封信"), "1", guest == http.StatusOK, true)
			r.wantPart(p.word, "/posts/"+c.card.String(), c.videoPage(), guest == http.StatusOK, true)
		}
	})
}

// TestCircleByPhase ends one circle of two with a preview: its guests are shut out before the stop, of the other circle they are not, and a post of it that a page shows goes with it.
// A member finds it on Home, in the list and in search until the stop.
func TestCircleByPhase(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		owner, reader := in.signUp(t, "ownerone"), in.signUp(t, "readerone")
		rings, notes := make([]who.ID, 2), make([]who.ID, 2)
		for i, name := range []string{"heather", "bracken"} {
			rings[i] = value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: name, Mode: circle.Open, Preview: circle.PreviewPosts}))
			notes[i] = value[who.ID](t, "write post")(in.Posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: rings[i], Text: "seen in " + name}))
		}
		shown := value[who.ID](t, "share")(in.Posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: rings[1], Text: "look", Card: who.Ref{Kind: "post", ID: notes[0]}}))
		in.settle(t)
		r, o := readers{in, t, []who.Viewer{owner, reader}}, readers{in, t, []who.Viewer{owner}}
		start := value[time.Time](t, "read clock")(in.DB.Now(ctx)).Truncate(24 * time.Hour)
		in.publish(t, allPhases(start, "circle:"+rings[0].String()))
		for _, p := range phasesOfAll[:6] {
			in.begins(t, start, p.word)
			guest, account := codes(p.word)
			at := circle.Path(rings[0])
			r.wantCodes(p.word, []string{at, at + "/feed.xml", "/posts/" + notes[0].String()}, guest, account)
			at = circle.Path(rings[1])
			r.wantCodes(p.word, []string{"/circles", at, at + "/feed.xml", "/posts/" + notes[1].String()}, http.StatusOK, http.StatusOK)
			if account == http.StatusGone {
				continue
			}
			if body := in.look(t, reader, circle.Path(rings[0])).Body.String(); strings.Contains(body, "Join to see all of it") != (p.word == exit.Announced) {
				t.Errorf("%s: whoever is no member is told wrongly whether to join", p.word)
			}
			r.wantPart(p.word, "/posts/"+shown.String(), "seen in heather", guest == http.StatusOK, true)
			r.wantPart(p.word, "/search?kind=circle&q=heather", circle.Path(rings[0])+`"`, guest == http.StatusOK, true)
			o.wantPart(p.word, "/circles", ">heather<", slices.Contains([]string{exit.Announced, exit.NoJoins, exit.ReadOnly}, p.word), true)
			o.wantPart(p.word, "/", "seen in heather", false, true)
		}
	})
}

// TestInstallIsReadSignedIn ends the whole install: a guest is led to signing in, whoever has done so reads on, and a withdrawal opens it again for all.
func TestInstallIsReadSignedIn(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		c := newCreator(t, in)
		r := readers{in, t, []who.Viewer{c.v, c.fan, in.signUp(t, "stranger")}}
		paths := append(c.addresses(), "/", "/discover", "/circles", "/@filmmaker", "/@filmgoer/feed.xml", channel.Path(c.v.Name), "/search?q=x", "/posts/"+c.card.String())
		start := value[time.Time](t, "read clock")(in.DB.Now(t.Context())).Truncate(24 * time.Hour)
		s := in.publish(t, allPhases(start, "install"))
		in.publish(t, []byte(strings.Replace(string(allPhases(start, channel.Name)), "name: all-of-it", "name: films-too", 1)))
		in.begins(t, start, exit.ExportOnly)
		r.wantCodes("both end", paths, http.StatusForbidden, http.StatusOK)
		body := in.look(t, who.Viewer{}, c.videoPage()).Body.String()
		for _, part := range []string{`href="/sign-in"`, "/sunsets/all-of-it", s.Calendar.At(exit.Stopped).Format("2 January 2006")} {
			if !strings.Contains(body, part) {
				t.Errorf("a guest is not told %q: %s", part, body)
			}
		}
		for _, path := range []string{"/sign-in", "/sunsets", "/about/key"} {
			if w := in.look(t, who.Viewer{}, path); w.Code != http.StatusOK {
				t.Errorf("%s answers %d to a guest", path, w.Code)
			}
		}
		if w := in.look(t, who.Viewer{}, c.videoPage()+"/delete"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-in" {
			t.Errorf("a guest is led from a page of members to %d %q", w.Code, w.Header().Get("Location"))
		}
		must(t, in.Sunsets.Withdraw(t.Context(), "all-of-it"), "withdraw")
		in.settle(t)
		in.machine.Add(time.Second)
		r.wantCodes("the install ends no more", []string{"/", "/circles", "/@filmmaker"}, http.StatusOK, http.StatusOK)
		r.wantCodes("films end still", c.addresses(), http.StatusForbidden, http.StatusOK)
		must(t, in.Sunsets.Withdraw(t.Context(), "films-too"), "withdraw")
		in.settle(t)
		in.machine.Add(time.Second)
		r.wantCodes("nothing ends", paths, http.StatusOK, http.StatusOK)
	})
}

package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/who"
)

// TestNoticeSaysWhy publishes an ending with an operator's reason for tight dates and with what becomes of charges: page, programs and certificate give them, and the
// key by which the certificate is verified is told to everybody, to the end.
func TestNoticeSaysWhy(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		people, _ := square(t, in)
		now, err := in.DB.Now(t.Context())
		must(t, err, "read clock")
		s := in.endBy(t, fmt.Appendf(sunsetFile(now, "circle"), "override: The building is sold.\ncharges: {en: Nothing was ever charged.}\n"), "")
		in.shows(t, who.Viewer{}, "/sunsets/the-end", "Reason for tight dates", "The building is sold.", "Charges and refunds", "Nothing was ever charged.", `href="/about/key"`)
		var d struct {
			Override string
			Charges  exit.Words
		}
		if w := in.look(t, who.Viewer{}, "/sunsets/the-end.json"); json.Unmarshal(w.Body.Bytes(), &d) != nil || d.Override != "The building is sold." || d.Charges["en"] != "Nothing was ever charged." {
			t.Errorf("programs read %d %s", w.Code, w.Body)
		}
		in.travel(t, 250)
		in.wantRun(t, s.Run, exit.RunSealed)
		if file := value[[]byte](t, "read certificate")(in.Leave.Certificate(t.Context(), s.Run)); !strings.Contains(string(file), `"override": "The building is sold."`) {
			t.Errorf("the certificate does not give the reason:\n%s", file)
		}
		in.shows(t, people["writer"], "/about/key", in.Leave.Key.Verifier(), "exeunt verify --key", "Public key")
	})
}

// TestBannerNamesTheCircle ends one circle: who may see it reads its name in the bar, and nobody else does.
func TestBannerNamesTheCircle(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx, owner, stranger := t.Context(), in.signUp(t, "ownerone"), in.signUp(t, "strangerone")
		secret := value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: "周末徒步", Mode: circle.Invitation}))
		in.endIn(t, "circle:"+secret.String())
		in.shows(t, owner, circle.Path(secret), "“周末徒步” will end: read-only from", "!This place in")
		if body := in.look(t, stranger, circle.Path(secret)).Body.String(); strings.Contains(body, "周末徒步") {
			t.Errorf("a stranger reads the name: %.2000s", body)
		}
	})
}

// TestOneCircleEndsAlone ends one circle and erases it: its own addresses say so, and those at which nothing was ever found do not.
func TestOneCircleEndsAlone(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		owner, member := in.member(t, "ownerone"), in.signUp(t, "memberone")
		ring := in.ring(t, owner, member)
		s := in.endIn(t, "circle:"+ring.String())
		gone := map[string]int{
			circle.Path(ring): http.StatusGone, "/report/circle/" + ring.String(): http.StatusGone,
			circle.Path(7): http.StatusNotFound, "/report/circle/7": http.StatusNotFound, "/report/post/7": http.StatusNotFound, "/posts/7": http.StatusNotFound, "/topics/7": http.StatusNotFound,
			"/talk/comments/7": http.StatusNotFound, "/media/1/circles/abcdefghijklmnopqrstuvwxyz.jpg": http.StatusNotFound, "/media/1/posts/abcdefghijklmnopqrstuvwxyz.jpg": http.StatusNotFound,
		}
		for _, days := range []int{215, 60} {
			in.travel(t, days)
			for path, want := range gone {
				if w := in.look(t, member, path); w.Code != want {
					t.Errorf("after %d days %s answers %d, want %d", days, path, w.Code, want)
				}
			}
		}
		in.wantRun(t, s.Run, exit.RunSealed)
	})
}

// TestFormsOfVideosGo ends the service of channels: in read-only the page of a video offers nothing that is refused, and what takes away.
func TestFormsOfVideosGo(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		c := newCreator(t, in)
		edit := channel.VideoPath(c.video) + "/edit"
		in.shows(t, c.v, edit, `name="title"`, `name="subtitle"`, "/delete")
		in.endIn(t, channel.Name)
		in.travel(t, 40)
		in.shows(t, c.v, edit, `!name="title"`, `!name="subtitle"`, "This has been read-only since", "/subtitles/", "/remove", channel.VideoPath(c.video)+"/delete")
		if w := in.look(t, c.v, channel.VideoPath(c.video)+"/delete"); w.Code != http.StatusOK {
			t.Errorf("deleting is answered %d", w.Code)
		}
	})
}

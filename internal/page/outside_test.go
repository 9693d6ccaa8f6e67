package page_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/feed/feedtest"
	"exeunt/internal/page"
	"exeunt/internal/post"
	"exeunt/internal/poster"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// town is a house with circles and talk, as a server puts it together.
type town struct {
	*house
	circles *circle.Room
	talks   *talk.Room
}

func eachTown(t *testing.T, fn func(t *testing.T, h *town)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, newTown(t, d)) })
}

func newTown(t *testing.T, d *db.DB) *town {
	t.Helper()
	registry := &service.Registry{Services: []service.Service{page.Service, circle.Service}}
	desk := service.NewDesk(d, registry)
	if err := desk.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(t.Context(), t.TempDir(), d, d.Clock, post.Page, circle.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	relations := relation.New(relation.Config{DB: d, Desk: desk, Registry: registry, NameKey: strings.ToLower})
	posts := post.New(post.Config{DB: d, Desk: desk, Registry: registry, Blobs: blobs, NameKey: strings.ToLower})
	circles := circle.New(circle.Config{DB: d, Desk: desk, Relations: relations, Posts: posts, Blobs: blobs, Secret: []byte("secret")})
	talks := talk.New(talk.Config{DB: d, Desk: desk, Registry: registry, Posts: posts})
	posts.Places = circles
	registry.Kinds = []service.Kind{posts.Kind(), posts.TopicKind(), circles.Kind()}
	r := page.New(page.Config{DB: d, Desk: desk, Accounts: account.New(account.Config{DB: d, Desk: desk}), Relations: relations, Posts: posts, Registry: registry, Blobs: blobs})
	return &town{&house{r, t, d, desk}, circles, talks}
}

// circle makes a circle.
func (h *town) circle(owner who.Viewer, d circle.Draft) who.ID {
	h.t.Helper()
	if d.Mode == "" {
		d.Mode = circle.Open
	}
	id, err := h.circles.Create(h.t.Context(), owner, d)
	h.must(err)
	return id
}

func (h *town) in(v who.Viewer, id who.ID, text string) who.ID {
	h.t.Helper()
	p, err := h.Posts.Write(h.t.Context(), v, post.Draft{Service: circle.Name, Place: id, Text: text})
	h.must(err)
	return p
}

func (h *town) own(v who.Viewer, audience, text string) who.ID {
	h.t.Helper()
	p, err := h.Posts.Write(h.t.Context(), v, post.Draft{Service: post.Page, Audience: audience, Text: text})
	h.must(err)
	return p
}

// ask asks a page whole, with headers.
func (h *house) ask(v who.Viewer, path string, header ...string) (*httptest.ResponseRecorder, error) {
	h.t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range h.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, "/@{", "/@/{", 1), func(w http.ResponseWriter, r *http.Request) { failed = rt.Handle(w, r) })
	}
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, strings.Replace(path, "/@", "/@/", 1), nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	ctx := ui.WithReader(r.Context(), ui.Reader{Lang: ui.Chinese, Now: dbtest.Start, Site: ui.Site{Base: "https://example.org"}})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, Path: path})))
	return w, failed
}

// gone asks that nothing is found.
func (h *house) gone(v who.Viewer, path string) {
	h.t.Helper()
	if w, err := h.ask(v, path); exit.KindOf(err) != exit.NotFound || err == nil || w.Body.Len() > 0 {
		h.t.Errorf("GET %s: %v with %d bytes, want NotFound", path, err, w.Body.Len())
	}
}

func TestOwnFeed(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		bob := h.account("bob")
		zh := h.account("青禾")
		h.own(zh, "public", "早")
		if w, err := h.ask(zh, "/@"+url.PathEscape("青禾")+"/feed.xml"); err != nil {
			t.Error(err)
		} else if c := feedtest.Check(t, w.Body.Bytes()); len(c.Items) != 1 {
			t.Errorf("got %+v", c)
		}
		first := h.own(bob, "public", "雾散了 #徒步\n<script>alert(1)</script> https://example.org/x @bob")
		h.own(bob, "followers", "to followers")
		h.own(bob, "only", "to himself")
		h.in(bob, h.circle(bob, circle.Draft{Name: "ring", Preview: circle.PreviewPosts}), "in a circle")
		for range 25 {
			h.own(bob, "public", "more")
		}
		h.own(bob, "public", "第一次自己发面 #面包 #徒步")
		w, err := h.ask(bob, "/@bob/feed.xml") // what bob alone sees is not in it, though bob asks
		h.must(err)
		c := feedtest.Check(t, w.Body.Bytes())
		if len(c.Items) != 20 || c.Title != "bob" || c.Description != "bio of bob" {
			t.Errorf("%d items of %q", len(c.Items), c.Title)
		}
		if i := c.Items[0]; fmt.Sprint(i.Categories) != "[面包 徒步]" || !strings.HasPrefix(i.Link, "https://example.org/posts/") || !strings.Contains(i.Content, `href="https://example.org/topics/`) {
			t.Errorf("got %+v", i)
		}
		for _, not := range []string{"to followers", "to himself", "in a circle"} {
			if strings.Contains(w.Body.String(), not) {
				t.Errorf("the feed has %q", not)
			}
		}
		again, err := h.ask(who.Viewer{}, "/@bob/feed.xml", "If-None-Match", w.Header().Get("ETag"))
		h.must(err)
		if again.Code != http.StatusNotModified {
			t.Errorf("got %d, want 304", again.Code)
		}
		h.must(h.Posts.Delete(t.Context(), bob, first))
		for _, in := range []string{"", "page"} {
			h.veil(bob, in, true)
			h.gone(who.Viewer{}, "/@bob/feed.xml")
			h.gone(bob, "/@bob/feed.xml")
			h.veil(bob, in, false)
		}
		h.gone(bob, "/@nobody/feed.xml")
		own, err := h.ask(who.Viewer{}, "/@bob")
		h.must(err)
		if !strings.Contains(own.Body.String(), `<link rel="alternate" type="application/rss+xml" title="bob" href="/@bob/feed.xml">`) {
			t.Error("the page does not lead to its feed")
		}
	})
}

func TestCircleFeed(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		ann, bob := h.account("ann"), h.account("bob")
		open := h.circle(ann, circle.Draft{Name: "徒步 & co", Intro: "一日来回", Preview: circle.PreviewPosts})
		shut := h.circle(ann, circle.Draft{Name: "shut", Preview: circle.PreviewIntro})
		secret := h.circle(ann, circle.Draft{Name: "secret", Mode: circle.Invitation, Preview: circle.PreviewPosts})
		_, err := h.circles.Join(t.Context(), bob, open)
		h.must(err)
		h.in(bob, open, "by bob")
		for range 14 {
			h.in(ann, open, "by ann")
		}
		h.in(bob, open, "by bob last")
		w, err := h.ask(who.Viewer{}, "/circles/"+open.String()+"/feed.xml")
		h.must(err)
		c := feedtest.Check(t, w.Body.Bytes())
		if len(c.Items) != 10 || c.Title != "徒步 & co" || c.Description != "一日来回" || c.Items[0].By != "bob" {
			t.Errorf("%d items, %+v", len(c.Items), c)
		}
		h.veil(bob, "", true)
		if w, err = h.ask(ann, "/circles/"+open.String()+"/feed.xml"); err != nil || strings.Contains(w.Body.String(), "by bob") {
			t.Errorf("a veiled author's posts are in the feed (%v)", err)
		}
		for _, id := range []who.ID{shut, secret, 404404} {
			h.gone(who.Viewer{}, "/circles/"+id.String()+"/feed.xml")
			h.gone(ann, "/circles/"+id.String()+"/feed.xml") // the owner has no other feed than guests have
		}
		h.veil(ann, "", true)
		h.gone(who.Viewer{}, "/circles/"+open.String()+"/feed.xml")
	})
}

func TestShared(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		bob := h.account("bob")
		for _, v := range []who.Viewer{{}, bob} {
			w, err := h.ask(v, "/@bob")
			h.must(err)
			for _, want := range []string{
				`<link rel="canonical" href="https://example.org/@bob">`, `<meta property="og:title" content="bob">`, `<meta property="og:description" content="bio of bob">`,
				`<meta property="og:url" content="https://example.org/@bob">`, `<meta property="og:type" content="profile">`, `<meta property="og:image" content="https://example.org/`,
				`<meta name="twitter:card" content="summary">`, `id="share-link" value="https://example.org/@bob"`, `data-share="https://example.org/@bob"`,
			} {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("the page has no %s", want)
				}
			}
		}
		h.veil(bob, "", true)
		w, err := h.ask(bob, "/@bob")
		h.must(err)
		for _, not := range []string{"og:title", "canonical", "share-link"} {
			if strings.Contains(w.Body.String(), not) {
				t.Errorf("a veiled page has %q", not)
			}
		}
	})
}

func TestPosters(t *testing.T) {
	if ok, err := poster.NewFonts(poster.Folders()...).Found(); !ok {
		t.Fatalf("the tests need a CJK font (Debian: fonts-noto-cjk): %v", err)
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newTown(t, d)
		ann, bob := h.account("ann"), h.account("bob")
		ring := h.circle(ann, circle.Draft{Name: "周末徒步", Intro: "一日来回", Category: "outdoors"})
		inRing, public, private := h.in(ann, ring, "在圈子里"), h.own(ann, "public", "公开的"), h.own(ann, "only", "自己的")
		draw := func(v who.Viewer, path, kind string) string {
			t.Helper()
			w, err := h.ask(v, path)
			h.must(err)
			if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
				t.Errorf("%s: %d %v", path, w.Code, w.Header())
			}
			if again, err := h.ask(v, path, "If-None-Match", w.Header().Get("ETag")); err != nil || again.Code != http.StatusNotModified {
				t.Errorf("%s again: %d %v", path, again.Code, err)
			}
			return w.Body.String()
		}
		m, err := png.Decode(strings.NewReader(draw(ann, "/posts/"+inRing.String()+"/poster.png", "image/png")))
		h.must(err)
		if m.Bounds().Dx() != poster.Width {
			t.Errorf("the poster is %v", m.Bounds())
		}
		draw(who.Viewer{}, "/circles/"+ring.String()+"/poster.png", "image/png")
		for _, test := range []struct {
			v    who.Viewer
			path string
			want []string
		}{
			{who.Viewer{}, "/posts/" + public.String(), []string{"公开的", "谁都可以打开", ">ann<"}},
			{ann, "/posts/" + inRing.String(), []string{"在圈子里", "圈子成员登录后可以打开", "周末徒步 · "}},
			{ann, "/posts/" + private.String(), []string{"自己的", "只有你登录后可以打开"}},
			{who.Viewer{}, "/circles/" + ring.String(), []string{"周末徒步", "一日来回", "户外", "1 位成员", "谁都可以打开"}},
		} {
			body := draw(test.v, test.path+"/poster.svg", "image/svg+xml")
			for _, w := range test.want {
				if !strings.Contains(body, w) {
					t.Errorf("%s has no %q", test.path, w)
				}
			}
		}
		for _, end := range []string{"/poster.png", "/poster.svg"} {
			h.gone(bob, "/posts/"+inRing.String()+end)
			h.gone(who.Viewer{}, "/posts/"+private.String()+end)
			h.gone(bob, "/posts/404404"+end)
			h.gone(bob, "/circles/404404"+end)
		}
		// So many and no more.
		for range 40 {
			if _, err = h.ask(bob, "/posts/"+public.String()+"/poster.svg"); err != nil {
				break
			}
		}
		if exit.KindOf(err) != exit.TooMany || err == nil {
			t.Errorf("got %v, want TooMany", err)
		}
		h.veil(ann, "", true)
		h.gone(who.Viewer{}, "/posts/"+public.String()+"/poster.png")
		h.gone(who.Viewer{}, "/circles/"+ring.String()+"/poster.png")
	})
}

// The post's first picture is on its poster.
func TestPosterPicture(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		ann := h.account("ann")
		var b bytes.Buffer
		h.must(png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 300, 200))))
		id, err := h.Posts.Write(t.Context(), ann, post.Draft{Service: post.Page, Audience: "public", Text: "x", Images: []post.Upload{{Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }}}})
		h.must(err)
		w, err := h.ask(who.Viewer{}, "/posts/"+id.String()+"/poster.svg")
		h.must(err)
		if !strings.Contains(w.Body.String(), "data:image/jpeg;base64,") {
			t.Error("the poster has no picture")
		}
		feed, err := h.ask(who.Viewer{}, "/@ann/feed.xml")
		h.must(err)
		if c := feedtest.Check(t, feed.Body.Bytes()); len(c.Items[0].Media) != 1 || c.Items[0].Media[0].Medium != "image" {
			t.Errorf("got %+v", c.Items[0])
		}
	})
}

var links = regexp.MustCompile(`href="(/[^"#]*)"`)

// A circle is at most two taps from the start page: for a guest, and for somebody who has joined nothing.
func TestTwoTaps(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		ann, bob := h.account("ann"), h.account("bob")
		ring := "/circles/" + h.circle(ann, circle.Draft{Name: "ring"}).String()
		for _, v := range []who.Viewer{{}, bob} {
			var within [3][]string
			within[0] = []string{"/"}
			seen := map[string]bool{}
			for taps := range 2 {
				for _, path := range within[taps] {
					body, err := h.get(v, ui.Chinese, path)
					if err != nil { // a page of another room
						continue
					}
					for _, m := range links.FindAllStringSubmatch(body, -1) {
						if !seen[m[1]] {
							seen[m[1]] = true
							within[taps+1] = append(within[taps+1], m[1])
						}
					}
				}
			}
			if !seen[ring] {
				t.Errorf("%q does not come to %s with two taps: %v", v.Name, ring, within)
			}
		}
	})
}

func TestDiscoverCircles(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		ann, bob, eve := h.account("ann"), h.account("bob"), h.account("eve")
		h.wants(eve, ui.Chinese, "/discover", []string{"眼下没有可以加入的圈子。"}, []string{"近来的话题"})
		mine := h.circle(eve, circle.Draft{Name: "mine", Category: "reading"})
		kin := h.circle(ann, circle.Draft{Name: "kin", Category: "reading"})
		large := h.circle(ann, circle.Draft{Name: "large", Category: "food"})
		muted := h.circle(ann, circle.Draft{Name: "muted", Category: "games"})
		h.circle(ann, circle.Draft{Name: "hidden", Unlisted: true})
		h.circle(ann, circle.Draft{Name: "private", Mode: circle.Invitation})
		blocked := h.circle(bob, circle.Draft{Name: "blocked"})
		_, err := h.circles.Join(t.Context(), bob, large)
		h.must(err)
		h.must(h.Relations.Mute(t.Context(), eve, who.Ref{Kind: "circle", ID: muted}, relation.Week))
		h.must(h.Relations.Block(t.Context(), eve, bob.Account))
		h.in(ann, kin, "#晨读 in a circle of others")
		h.in(eve, mine, "#夜读 in a circle of mine")
		h.own(ann, "public", "#散步 and #散步")
		h.own(ann, "followers", "#秘密")
		h.own(bob, "public", "#黑名单")
		h.wants(eve, ui.Chinese, "/discover", []string{">kin<", "和你的圈子同类：读书", ">large<", "/circles?category=reading", "近来的话题", "#散步", "近两周 1 条"},
			[]string{">mine<", ">muted<", ">hidden<", ">private<", "/circles/" + blocked.String() + `"`, "#晨读", "#秘密", "#黑名单"})
		h.wants(who.Viewer{}, ui.English, "/discover", []string{">kin<", ">blocked<", "#散步", "#黑名单"}, []string{"#晨读", "#夜读", ">hidden<", ">private<"})
		h.must(h.d.Update(t.Context(), func(ctx context.Context) error {
			return h.desk.Hide(ctx, exit.Task{Subject: exit.Account(eve.Account.String()), Choice: "circle"}, true)
		}))
		h.wants(eve, ui.Chinese, "/discover", []string{"#散步"}, []string{">kin<", "circle-why", "#夜读"})
	})
}

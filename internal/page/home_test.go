package page_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/dbtest"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

var (
	shownPost = regexp.MustCompile(`<article class="card post" id="post-(\d+)"`)
	olderPage = regexp.MustCompile(`<a class="button plain" href="([^"]*)" rel="next">`)
)

// read reads home from a path on to its end, with something done between two pages, and gives the ids of the posts of
// each page.
func (h *house) read(v who.Viewer, path string, between func()) (pages [][]string) {
	h.t.Helper()
	for path != "" {
		body, err := h.get(v, ui.Chinese, path)
		h.must(err)
		var ids []string
		for _, m := range shownPost.FindAllStringSubmatch(body, -1) {
			ids = append(ids, m[1])
		}
		pages, path = append(pages, ids), ""
		if m := olderPage.FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
		if between != nil {
			between()
		}
		if len(pages) > 30 {
			h.t.Fatal("home has no end")
		}
	}
	return pages
}

// age moves posts back in time, by hours.
func (h *house) age(hours map[who.ID]int) {
	h.t.Helper()
	for id, n := range hours {
		h.must(h.d.Update(h.t.Context(), func(ctx context.Context) error {
			_, err := h.d.Exec(ctx, `update posts set created_at = created_at - $1 where id = $2`, int64(n)*time.Hour.Milliseconds(), int64(id))
			return err
		}))
	}
}

// choose posts the form of how home is ordered.
func (h *house) choose(v who.Viewer, order string) error {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodPost, "/settings/home", strings.NewReader(url.Values{"ranking": {order}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, rt := range h.Routes() {
		if rt.Pattern == "POST /settings/home" {
			return rt.Handle(httptest.NewRecorder(), r.WithContext(service.WithSession(r.Context(), &service.Session{Viewer: v})))
		}
	}
	return nil
}

func TestRankedHome(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		ann, bob, eve, fan := h.account("ann"), h.account("bob"), h.account("eve"), h.account("fan")
		h.must(h.Relations.Follow(t.Context(), ann, bob.Account))
		ring := h.circle(eve, circle.Draft{Name: "ring"})
		_, err := h.circles.Join(t.Context(), ann, ring)
		h.must(err)
		mine, talked, inRing := h.own(ann, "public", "my own"), h.own(bob, "public", "much talked of"), h.in(eve, ring, "in the ring")
		h.age(map[who.ID]int{talked: 20, inRing: 8, mine: 2})
		first := func(path string, want ...who.ID) {
			t.Helper()
			var ids []string
			for _, id := range want {
				ids = append(ids, id.String())
			}
			if got := h.read(ann, path, nil)[0]; !slices.Equal(got, ids) {
				t.Errorf("%s has %v, want %v", path, got, ids)
			}
		}
		// Off by default: newest first, and nothing to explain.
		first("/", mine, inRing, talked)
		h.wants(ann, ui.Chinese, "/", []string{"换一种排法"}, []string{"为什么看到这条", "排过序"})

		h.must(h.choose(ann, "on"))
		first("/", mine, inRing, talked)
		for _, v := range []who.Viewer{eve, fan} {
			h.must(h.talks.Like(t.Context(), v, who.Ref{Kind: "post", ID: talked}, false))
		}
		h.wants(ann, ui.Chinese, "/", []string{"为什么看到这条", "你关注了bob，提前 6 小时", "有 2 个赞，提前 2 小时", "「ring」里，提前 3 小时", "你自己写的", "/?order=latest", "/mute/post/" + talked.String()}, []string{"换一种排法", "/mute/post/" + mine.String()})
		h.must(h.talks.Like(t.Context(), ann, who.Ref{Kind: "post", ID: talked}, false))
		h.age(map[who.ID]int{inRing: 6})
		first("/", mine, talked, inRing) // 20 − 6 − 2 − 3 h against 14 − 3 h
		first("/?order=latest", mine, inRing, talked)
		h.wants(ann, ui.English, "/", []string{"posts of this author that you liked lately: 1, 2 h earlier", "likes: 3"}, nil)

		h.must(h.Relations.Mute(t.Context(), ann, who.Ref{Kind: "account", ID: bob.Account}, relation.LessOf))
		first("/", mine, inRing, talked)
		h.wants(ann, ui.Chinese, "/", []string{"你说过少看这类，推后 24 小时"}, nil)
		h.must(h.Relations.Mute(t.Context(), ann, who.Ref{Kind: "account", ID: bob.Account}, relation.Day))
		first("/", mine, inRing)
		h.must(h.Relations.Mute(t.Context(), ann, who.Ref{Kind: "circle", ID: ring}, relation.Day))
		first("/", mine)

		h.must(h.choose(ann, "off"))
		h.wants(ann, ui.Chinese, "/", []string{"my own"}, []string{"换一种排法", "排过序", "/settings/home"}) // for good: no nudge
		h.wants(ann, ui.Chinese, "/settings/home", []string{"提前 6 小时", "最多 24 小时"}, nil)
		for _, wrong := range []string{"", "maybe"} {
			if err := h.choose(ann, wrong); exit.KindOf(err) != exit.Invalid {
				t.Errorf("%q gives %v, want Invalid", wrong, err)
			}
		}
	})
}

// Pages of a ranked home neither repeat nor lose a post, while others write and like; below the window it goes on newest first.
func TestRankedPages(t *testing.T) {
	eachTown(t, func(t *testing.T, h *town) {
		ann, bob, fan := h.account("ann"), h.account("bob"), h.account("fan")
		h.must(h.Relations.Follow(t.Context(), ann, bob.Account))
		h.must(h.choose(ann, "on"))
		var all []who.ID
		back := map[who.ID]int{}
		for i := range 230 {
			id := h.own(bob, "public", "x")
			all, back[id] = append(all, id), 230-i
		}
		h.age(back)
		for i := range 40 {
			h.must(h.talks.Like(t.Context(), fan, who.Ref{Kind: "post", ID: all[(i*7)%len(all)]}, false))
		}
		n := 0
		pages := h.read(ann, "/", func() {
			n++
			h.own(bob, "public", "newer than the first page")
			id := all[len(all)-1-(n*31)%200]
			if err := h.talks.Unlike(t.Context(), fan, who.Ref{Kind: "post", ID: all[0]}); err != nil {
				t.Fatal(err)
			}
			h.must(h.talks.Like(t.Context(), ann, who.Ref{Kind: "post", ID: id}, false))
		})
		var got []string
		for _, p := range pages {
			got = append(got, p...)
		}
		slices.Sort(got)
		if n := len(got); n != 230 || len(slices.Compact(got)) != 230 {
			t.Errorf("%d posts on %d pages, %d of them once", n, len(pages), len(slices.Compact(got)))
		}
		for _, broken := range []string{"/?before=r1-2-3", "/?before=r-1--2-3-4", "/?before=rx-1-1-1", "/?before=r99999999999999999999-1-1-1"} {
			if pages := h.read(ann, broken, nil); len(pages[0]) != 20 {
				t.Errorf("%s has %d posts", broken, len(pages[0]))
			}
		}
	})
}

// records keeps what is exported.
type records struct{ list []any }

func (r *records) Record(x any) error { r.list = append(r.list, x); return nil }

func (r *records) Media(string, int64, time.Time, func() (io.ReadCloser, error)) error { return nil }

func (r *records) Missing(string, string) {}

func (r *records) Full() bool { return false }

// Whether home is ranked is taken along with the other settings, comes back where nothing was chosen since, and is not
// changed by the form of the other settings.
func TestRankingTravels(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		ann, bob, eve := h.account("ann"), h.account("bob"), h.account("eve")
		task := func(v who.Viewer) exit.Task {
			return exit.Task{Subject: exit.Account(v.Account.String()), Class: "settings", Now: dbtest.Start}
		}
		h.must(h.SetRanking(ctx, ann, true))
		h.must(h.SetRanking(ctx, eve, false))
		h.must(h.SetRanking(ctx, ann, true))
		var out records
		_, err := h.Accounts.Export(ctx, task(ann), &out)
		h.must(err)
		for _, v := range []who.Viewer{bob, eve} {
			intake, err := h.Accounts.Import(ctx, task(v), out.list, nil)
			h.must(err)
			h.must(h.d.Update(ctx, func(ctx context.Context) error {
				_, err := intake(ctx)
				return err
			}))
		}
		h.wants(bob, ui.Chinese, "/settings/home", []string{`value="on" checked`}, nil)
		h.wants(eve, ui.Chinese, "/settings/home", []string{`value="off" checked`}, nil)
	})
}

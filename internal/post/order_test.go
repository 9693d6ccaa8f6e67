package post_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// TestHot compares the formula in SQL with that in Go, at its corners.
func TestHot(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		kind := h.posts.Kind()
		for i, c := range [][2]int64{{0, 0}, {10, 0}, {9, 1}, {0, 50}, {100, 1}, {1000, 0}, {1, 500}, {900000, 70000}} {
			ms := dbtest.Start.UnixMilli() + int64(i)*999
			h.exec(t, `insert into posts (id, author_id, service, place_id, audience, text, summary, language, reply_to, state, created_at, likes, comments)
				values ($1, $2, 'page', 0, 'public', '', '', '', '', 'live', $3, $4, $5)`, i+1, int64(mira.Account), ms, c[0], c[1])
			if got, want := h.number(t, `select `+kind.Hot+` from posts where id = $1`, i+1), post.Hot(ms, c[0], c[1]); got != want {
				t.Errorf("%v: SQL says %d, Go %d", c, got, want)
			}
		}
		for _, c := range []struct{ likes, comments, hours2 int64 }{{0, 0, 0}, {10, 0, 20}, {0, 5, 20}, {100, 0, 65}, {1000, 0, 155}, {5000, 5000, 155}} {
			if got := post.Hot(0, c.likes, c.comments); got != c.hours2*1800 {
				t.Errorf("%d likes and %d comments are worth %d s, want %d", c.likes, c.comments, got, c.hours2*1800)
			}
		}
	})
}

func TestOrders(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account], h.members[jo.Account], h.staff[mira.Account] = true, true, true
		ids := map[string]who.ID{}
		for _, text := range []string{"a", "b", "c", "d", "e"} {
			dbtest.Clock(t, h.d).Add(1000 * 1000 * 1000)
			ids[text] = h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: text})
		}
		list := func(o post.Order, want ...string) {
			t.Helper()
			var got []post.Post
			var c post.Cursor
			for range len(want) + 1 { // one by one, so that every cursor is used
				page, err := h.posts.InPlace(ctx, jo, h.tea(jo), o, 0, c, 1)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, page...)
				if c = post.ParseCursor(o.Next(page, 1).String()); c == (post.Cursor{}) {
					break
				}
			}
			wantTexts(t, string(o), got, nil, want...)
		}
		list(post.Latest, "e", "d", "c", "b", "a")
		ref := who.Ref{Kind: "post", ID: ids["b"]}
		if err := h.talks.Like(ctx, mira, ref, false); err != nil {
			t.Fatal(err)
		}
		said, err := h.talks.Comment(ctx, mira, who.Ref{Kind: "post", ID: ids["a"]}, talk.Draft{Text: "hm"})
		if err != nil {
			t.Fatal(err)
		}
		list(post.Hottest, "a", "b", "e", "d", "c")
		if _, err := h.talks.Delete(ctx, mira, said); err != nil {
			t.Fatal(err)
		}
		list(post.Hottest, "b", "e", "d", "c", "a")
		if err := h.talks.Unlike(ctx, mira, ref); err != nil {
			t.Fatal(err)
		}
		list(post.Hottest, "e", "d", "c", "b", "a")
		list(post.Featured)
		for _, text := range []string{"c", "a"} {
			dbtest.Clock(t, h.d).Add(1000 * 1000 * 1000)
			if err := h.posts.Feature(ctx, mira, ids[text], true); err != nil {
				t.Fatal(err)
			}
			// PostgreSQL's clock is its own, and two changes can be of one millisecond.
			done, now := time.Time{}, time.Time{}
			for err := error(nil); !h.d.SQLite() && !now.After(done); {
				if now, err = h.d.Now(ctx); err != nil {
					t.Fatal(err)
				}
				if done.IsZero() {
					done = now
				}
			}
		}
		list(post.Featured, "a", "c")
		if err := h.posts.Feature(ctx, mira, ids["a"], false); err != nil {
			t.Fatal(err)
		}
		list(post.Featured, "c")
		for i, text := range []string{"a", "b", "c", "d"} {
			err := h.posts.Pin(ctx, mira, ids[text], true)
			if i < 3 && err != nil || i == 3 && exit.KindOf(err) != exit.Conflict {
				t.Errorf("pin %s: %v", text, err)
			}
		}
		if err := h.posts.Pin(ctx, mira, ids["a"], true); err != nil {
			t.Errorf("pinned once more: %v", err)
		}
		pinned, err := h.posts.Pinned(ctx, jo, h.tea(jo))
		if got := texts(pinned); err != nil || len(got) != 3 {
			t.Errorf("pinned %q, %v", got, err)
		}
		list(post.Latest, "e", "d")
		list(post.Featured, "c") // where nothing is drawn as pinned
		if err := h.posts.Pin(ctx, mira, ids["b"], false); err != nil {
			t.Fatal(err)
		}
		list(post.Latest, "e", "d", "b")
		for _, err := range []error{h.posts.Pin(ctx, jo, ids["e"], true), h.posts.Feature(ctx, jo, ids["e"], true), h.posts.Pin(ctx, mira, h.write(t, mira, post.Draft{Text: "own page"}), true)} {
			if exit.KindOf(err) != exit.NotFound {
				t.Errorf("arranged by who may not: %v", err)
			}
		}
		stranger := who.Viewer{}
		got, err := h.posts.InPlace(ctx, stranger, h.tea(stranger), post.Latest, 0, post.Cursor{}, 9)
		wantTexts(t, "a stranger's circle", got, err)
		h.preview = true
		got, err = h.posts.InPlace(ctx, stranger, h.tea(stranger), post.Latest, 0, post.Cursor{}, 9)
		if len(got) == 5 && got[0].Text == "a" { // pinned at one time, they stand in either order
			got[0], got[1] = got[1], got[0]
		}
		wantTexts(t, "a preview", got, err, "c", "a", "e", "d", "b")
		if things, err := h.registry.Things(ctx, jo, []who.Ref{ref}); err != nil || !things[ref].See {
			t.Errorf("the registry's answer: %+v, %v", things, err)
		}
		h.preview = false
	})
}

func TestTopics(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account], h.members[jo.Account], h.staff[mira.Account] = true, true, true
		tea := h.tea(mira)
		topic, err := h.posts.NewTopic(ctx, mira, tea, "#Green茶")
		if err != nil {
			t.Fatal(err)
		}
		for name, kind := range map[string]exit.Kind{"ｇｒｅｅｎ茶": exit.Conflict, "two words": exit.Invalid, "": exit.Invalid, "12": exit.Invalid, strings.Repeat("长", 31): exit.Invalid, "a#b": exit.Invalid} {
			if _, err := h.posts.NewTopic(ctx, mira, tea, name); exit.KindOf(err) != kind {
				t.Errorf("a topic named %q: %v", name, err)
			}
		}
		forged := h.tea(jo)
		forged.Staff = true
		if _, err := h.posts.NewTopic(ctx, jo, forged, "mine"); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("a member makes a topic: %v", err)
		}
		in := h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "I like #GREEN茶 and #nothing, see https://x.example/#green茶"})
		h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "none"})
		list, err := h.posts.InPlace(ctx, jo, h.tea(jo), post.Latest, topic, post.Cursor{}, 9)
		wantTexts(t, "the topic", list, err, mustOne(t, h, jo, in).Text)
		views, err := h.posts.Views(ctx, jo, list)
		if err != nil || views[0].Mentions["#green茶"].Href != "/topics/"+topic.String() || len(views[0].Mentions) != 1 {
			t.Errorf("links of the text: %+v, %v", views, err)
		}
		if err := h.posts.RenameTopic(ctx, mira, topic, "茶"); err != nil {
			t.Fatal(err)
		}
		if err := h.posts.CloseTopic(ctx, mira, topic, true); err != nil {
			t.Fatal(err)
		}
		h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "late #茶"})
		all, err := h.posts.Topics(ctx, jo, h.tea(jo))
		if err != nil || len(all) != 1 || all[0].Name != "茶" || all[0].Posts != 1 || !all[0].Closed {
			t.Errorf("topics %+v, %v", all, err)
		}
		if _, _, err := h.posts.Topic(ctx, who.Viewer{}, topic); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a stranger sees a topic of the circle: %v", err)
		}

		h.write(t, mira, post.Draft{Text: "for all: #春天", Audience: "public"})
		quiet := h.write(t, mira, post.Draft{Text: "for few: #秘密 #春天", Audience: "followers"})
		open, err := h.posts.Topics(ctx, who.Viewer{}, post.Place{Service: post.Page})
		if err != nil || len(open) != 1 || open[0].Name != "春天" || open[0].Posts != 1 {
			t.Fatalf("topics of own pages: %+v, %v", open, err)
		}
		if err := h.posts.Edit(ctx, mira, quiet, post.Change{Text: "for all now: #秘密", Audience: "public"}); err != nil {
			t.Fatal(err)
		}
		if n := h.number(t, `select count(*) from topics where service = 'page'`); n != 2 {
			t.Errorf("%d topics of own pages, want 2", n)
		}
		if err := h.posts.Delete(ctx, mira, quiet); err != nil {
			t.Fatal(err)
		}
		if n := h.number(t, `select count(*) from topics where service = 'page'`); n != 1 {
			t.Errorf("%d topics of own pages are left, want 1: one goes with its last post", n)
		}
	})
}

func TestCards(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		if err := h.relations.Follow(ctx, jo, mira.Account); err != nil {
			t.Fatal(err)
		}
		open := h.write(t, mira, post.Draft{Text: "open words"})
		few := h.write(t, mira, post.Draft{Text: "few words", Audience: "followers"})
		only := h.write(t, mira, post.Draft{Text: "my words", Audience: "only"})
		ref := func(id who.ID) who.Ref { return who.Ref{Kind: "post", ID: id} }
		for _, c := range []struct {
			by  who.Viewer
			ref who.Ref
			may bool
		}{{jo, ref(open), true}, {jo, ref(few), true}, {kim, ref(few), false}, {mira, ref(only), false}, {jo, who.Ref{Kind: "comment", ID: open}, false}, {jo, who.Ref{Kind: "person", ID: 1}, false}} {
			_, err := h.posts.Write(ctx, c.by, post.Draft{Service: post.Page, Card: c.ref})
			if c.may != (err == nil) {
				t.Errorf("%s shares %v: %v", c.by.Name, c.ref, err)
			}
		}
		cards := func(v who.Viewer) (out []string) {
			t.Helper()
			list, err := h.posts.ByAuthor(ctx, v, jo.Account, post.Cursor{}, 9)
			if err != nil {
				t.Fatal(err)
			}
			views, err := h.posts.Views(ctx, v, list)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range views {
				if x.Card.Gone {
					out = append(out, "gone "+x.Card.Text)
				} else {
					out = append(out, x.Card.Author.Name+": "+x.Card.Text)
				}
			}
			return out
		}
		if got, want := fmt.Sprint(cards(jo)), "[mira: few words mira: open words]"; got != want {
			t.Errorf("to who shared them: %s", got)
		}
		if got, want := fmt.Sprint(cards(kim)), "[gone  mira: open words]"; got != want {
			t.Errorf("to who may see one: %s", got)
		}
		if err := h.posts.Delete(ctx, mira, open); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(cards(kim)), "[gone  gone ]"; got != want {
			t.Errorf("of what is deleted: %s", got)
		}
	})
}

// TestBlocked has neither of two people see the other: in lists, on pages, in comments, in cards.
func TestBlocked(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		for _, v := range []who.Viewer{mira, jo, kim} {
			h.members[v.Account] = true
		}
		h.staff[kim.Account] = true
		in := h.write(t, mira, post.Draft{Service: "circle", Place: 7, Text: "in the circle"})
		on := h.write(t, mira, post.Draft{Text: "on the page"})
		if err := h.relations.Follow(ctx, jo, mira.Account); err != nil {
			t.Fatal(err)
		}
		third := who.Ref{Kind: "post", ID: h.write(t, kim, post.Draft{Service: "circle", Place: 7, Text: "kim's"})}
		if _, err := h.talks.Comment(ctx, mira, third, talk.Draft{Text: "mira says"}); err != nil {
			t.Fatal(err)
		}
		h.exec(t, `insert into blocks (id, account_id, blocked_id, created_at) values (1, $1, $2, 0)`, int64(mira.Account), int64(jo.Account))
		for _, id := range []who.ID{in, on} {
			h.wantGone(t, "blocked", id, jo)
			if err := h.talks.Like(ctx, jo, who.Ref{Kind: "post", ID: id}, false); err == nil {
				t.Error("a blocked person likes")
			}
		}
		list, err := h.posts.InPlace(ctx, jo, h.tea(jo), post.Latest, 0, post.Cursor{}, 9)
		wantTexts(t, "the circle of who is blocked", list, err, "kim's")
		list, err = h.posts.Home(ctx, jo, post.Cursor{}, 9)
		wantTexts(t, "the home of who is blocked", list, err, "kim's")
		list, err = h.posts.ByAuthor(ctx, jo, mira.Account, post.Cursor{}, 9)
		wantTexts(t, "the page of who blocked", list, err)
		list, err = h.posts.InPlace(ctx, kim, h.tea(kim), post.Latest, 0, post.Cursor{}, 9)
		wantTexts(t, "the circle of somebody else", list, err, "kim's", "in the circle")
		back := h.write(t, jo, post.Draft{Text: "jo's"})
		h.wantGone(t, "of who is blocked", back, mira)
		things, err := h.registry.Things(ctx, jo, []who.Ref{third})
		if err != nil {
			t.Fatal(err)
		}
		for v, want := range map[who.Viewer]int{jo: 0, kim: 1} {
			t.Run(v.Name, func(t *testing.T) {
				views, _, err := h.talks.Comments(ctx, v, seeing(things[third]), talk.Oldest, "", 9)
				if err != nil || len(views) != want {
					t.Errorf("%s sees %d comments, want %d (%v)", v.Name, len(views), want, err)
				}
			})
		}
		// Who answers for the place meets everybody there, to answer for it.
		h.exec(t, `insert into blocks (id, account_id, blocked_id, created_at) values (2, $1, $2, 0)`, int64(mira.Account), int64(kim.Account))
		list, err = h.posts.InPlace(ctx, kim, h.tea(kim), post.Latest, 0, post.Cursor{}, 9)
		wantTexts(t, "the circle of its moderator", list, err, "kim's", "in the circle")
		if err := h.talks.Like(ctx, kim, who.Ref{Kind: "post", ID: in}, false); err == nil {
			t.Error("a blocked moderator likes")
		}
	})
}

// seeing is a thing as everybody may see it.
func seeing(t service.Thing) service.Thing {
	t.See = true
	return t
}

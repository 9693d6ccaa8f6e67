package post_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// TestPreview has guests of a circle see its latest ten posts and nothing of what is said about them, by whatever way they come.
func TestPreview(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, kim := h.person(t, "mira"), h.person(t, "kim")
		h.members[mira.Account], h.staff[mira.Account] = true, true
		topic, err := h.posts.NewTopic(ctx, mira, h.tea(mira), "green")
		if err != nil {
			t.Fatal(err)
		}
		var last, first who.ID
		for i := range 14 {
			text := fmt.Sprintf("post %d", i)
			if i%2 == 1 {
				text += " #green"
			}
			last = h.write(t, mira, post.Draft{Service: "circle", Place: 7, Text: text})
			if i == 0 {
				first = last
			}
		}
		said, err := h.talks.Comment(ctx, mira, who.Ref{Kind: "post", ID: last}, talk.Draft{Text: "among ourselves"})
		if err != nil {
			t.Fatal(err)
		}
		h.preview = true
		for _, v := range []who.Viewer{{}, kim} {
			if _, err := h.posts.One(ctx, v, first); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%q opens a post that the preview does not show: %v", v.Name, err)
			}
			all, err := h.posts.InPlace(ctx, v, h.tea(v), post.Hottest, 0, post.Cursor{}, 20)
			if err != nil || len(all) != 10 || all[9].Text != "post 4" {
				t.Errorf("%q sees %q, %v", v.Name, texts(all), err)
			}
			some, err := h.posts.InPlace(ctx, v, h.tea(v), post.Latest, topic, post.Cursor{}, 20)
			wantTexts(t, "the topic", some, err, "post 13 #green", "post 11 #green", "post 9 #green", "post 7 #green", "post 5 #green")
			for _, topic := range []who.ID{0, topic} {
				if rest, err := h.posts.InPlace(ctx, v, h.tea(v), post.Latest, topic, post.Next(all, 10), 20); err != nil || len(rest) > 0 {
					t.Errorf("%q goes on to %q, %v", v.Name, texts(rest), err)
				}
			}
			things, err := h.registry.Things(ctx, v, []who.Ref{{Kind: "comment", ID: said}, {Kind: "post", ID: last}})
			if err != nil || things[who.Ref{Kind: "comment", ID: said}].See || !things[who.Ref{Kind: "post", ID: last}].See {
				t.Errorf("%q, by the registry: %+v, %v", v.Name, things, err)
			}
			if views, _, err := h.talks.Comments(ctx, v, things[who.Ref{Kind: "post", ID: last}], talk.Oldest, "", 9); err != nil || len(views) > 0 {
				t.Errorf("%q reads %+v, %v", v.Name, views, err)
			}
			w, err := h.ask(t, v, ui.English, httptest.NewRequest(http.MethodGet, "/posts/"+last.String(), nil))
			if err != nil || !strings.Contains(w.Body.String(), "post 13") || strings.Contains(w.Body.String(), "among ourselves") {
				t.Errorf("the page of the post for %q: %v", v.Name, err)
			}
			for _, rt := range h.talks.Routes() {
				if rt.Pattern != "GET /talk/comments/{id}" {
					continue
				}
				req := httptest.NewRequest(http.MethodGet, "/talk/comments/"+said.String(), nil)
				req.SetPathValue("id", said.String())
				err := rt.Handle(httptest.NewRecorder(), req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v})))
				if exit.KindOf(err) != exit.NotFound {
					t.Errorf("%q opens the thread: %v", v.Name, err)
				}
			}
		}
		if views, _, err := h.talks.Comments(ctx, mira, seeing(mustOne(t, h, mira, last).Thing(mira)), talk.Oldest, "", 9); err != nil || len(views) != 1 {
			t.Errorf("a member reads %+v, %v", views, err)
		}
	})
}

// TestEditFromOutside keeps whoever is no member any more from writing in a circle by way of what they wrote before.
func TestEditFromOutside(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		jo := h.person(t, "jo")
		h.members[jo.Account] = true
		id := h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "hello"})
		delete(h.members, jo.Account)
		if err := h.posts.Edit(ctx, jo, id, post.Change{Text: "come to my shop"}); exit.KindOf(err) != exit.NotFound {
			t.Errorf("edited: %v", err)
		}
		if err := h.posts.Delete(ctx, jo, id); err != nil {
			t.Errorf("the author takes it out: %v", err)
		}
	})
}

// TestTopicOfOneHidden has a topic of which only one account wrote hide with it, and not be counted among what is found.
func TestTopicOfOneHidden(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, kim, jo := h.person(t, "mira"), h.person(t, "kim"), h.person(t, "jo")
		h.write(t, mira, post.Draft{Text: "#moving away", Audience: "public"})
		topic := who.ID(h.number(t, `select id from topics`))
		want := func(v who.Viewer, see bool) {
			t.Helper()
			ref := who.Ref{Kind: "topic", ID: topic}
			things, err := h.registry.Things(ctx, v, []who.Ref{ref})
			n, counted := h.posts.Search.Count(ctx, v, search.Topic, "moving", 10)
			if counted != nil || (n == 1) != see || n > 1 {
				t.Errorf("%q has %d topics counted: %v, sees it %v", v.Name, n, counted, see)
			}
			_, _, page := h.posts.Topic(ctx, v, topic)
			if err != nil || things[ref].See != see || (page == nil) != see || (things[ref].Title != "") != see {
				t.Errorf("%q sees the topic: %v %q, %v, want %v (%v)", v.Name, things[ref].See, things[ref].Title, page, see, err)
			}
		}
		want(who.Viewer{}, true)
		if err := h.relations.Block(ctx, mira, kim.Account); err != nil {
			t.Fatal(err)
		}
		want(kim, false)
		want(jo, true)
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'veil', 'x', 0)`, int64(mira.Account))
		for v, see := range map[who.Viewer]bool{{}: false, jo: false, mira: true} {
			want(v, see)
		}
	})
}

package post_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// TestPreview has guests of a circle see ten posts, what is pinned and the latest, and nothing of what is said about them, by whatever way they come.
func TestPreview(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, kim := h.person(t, "mira"), h.person(t, "kim")
		h.members[mira.Account], h.staff[mira.Account] = true, true
		topic, err := h.posts.NewTopic(ctx, mira, h.tea(mira), "green")
		if err != nil {
			t.Fatal(err)
		}
		welcome := h.write(t, mira, post.Draft{Service: "circle", Place: 7, Text: "welcome #green"})
		if err := h.posts.Pin(ctx, mira, welcome, true); err != nil {
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
			if err != nil || len(all) != 10 || all[0].ID != welcome || all[9].Text != "post 5 #green" {
				t.Errorf("%q sees %q, %v", v.Name, texts(all), err)
			}
			if p, err := h.posts.One(ctx, v, welcome); err != nil || p.Pinned.IsZero() {
				t.Errorf("%q does not open what is pinned: %v", v.Name, err)
			}
			some, err := h.posts.InPlace(ctx, v, h.tea(v), post.Latest, topic, post.Cursor{}, 20)
			wantTexts(t, "the topic", some, err, "post 13 #green", "post 11 #green", "post 9 #green", "post 7 #green", "post 5 #green", "welcome #green")
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
			if body := w.Body.String(); !strings.Contains(body, `<meta property="og:description" content="post 13 #green">`) || !strings.Contains(body, `content="noindex"`) {
				t.Errorf("what other sites show of a previewed post: %s", body[:min(len(body), 2000)])
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

// TestBlockedIsNotNamed has neither of two people whom a block keeps apart find the other named in what third parties write, nor name the other.
func TestBlockedIsNotNamed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		id := h.write(t, kim, post.Draft{Text: "with @mira and @jo"})
		ref := who.Ref{Kind: "post", ID: id}
		if _, err := h.talks.Comment(ctx, kim, ref, talk.Draft{Text: "so said @mira to @jo"}); err != nil {
			t.Fatal(err)
		}
		own := h.write(t, jo, post.Draft{Text: "thanks @mira"})
		named := func(v who.Viewer, want ...string) {
			t.Helper()
			var got []string
			views, err := h.posts.Views(ctx, v, []post.Post{mustOne(t, h, v, id)})
			if err != nil {
				t.Fatal(err)
			}
			comments, _, err := h.talks.Comments(ctx, v, mustOne(t, h, v, id).Thing(v), talk.Oldest, "", 9)
			if err != nil || len(comments) != 1 {
				t.Fatalf("%+v, %v", comments, err)
			}
			for _, x := range []map[string]ui.Mention{views[0].Mentions, comments[0].Mentions} {
				for _, a := range []who.Viewer{mira, jo} {
					if m, ok := x[a.Account.String()]; ok {
						got = append(got, m.Name)
					}
				}
			}
			w, err := h.ask(t, v, ui.English, httptest.NewRequest(http.MethodGet, "/posts/"+id.String(), nil))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"mira", "jo"} {
				if body := w.Body.String(); strings.Contains(body, `href="/@`+name+`"`) != slices.Contains(want, name) || strings.Contains(body, "@"+name+"<") != slices.Contains(want, name) {
					t.Errorf("%q finds %s on the page: %s", v.Name, name, body)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q finds %q named, want %q", v.Name, got, want)
			}
		}
		for _, v := range []who.Viewer{{}, mira, jo, kim} {
			named(v, "mira", "jo", "mira", "jo")
		}
		if err := h.relations.Block(ctx, mira, jo.Account); err != nil {
			t.Fatal(err)
		}
		named(who.Viewer{}, "mira", "jo", "mira", "jo")
		named(kim, "mira", "jo", "mira", "jo")
		named(mira, "mira", "mira")
		named(jo, "jo", "jo")
		w, err := h.ask(t, jo, ui.English, httptest.NewRequest(http.MethodGet, "/posts/"+own.String()+"/edit", nil))
		if err != nil || strings.Contains(w.Body.String(), "mira") {
			t.Errorf("the form names who is blocked: %v", err)
		}
		typed := h.write(t, jo, post.Draft{Text: "hello @mira, hello @kim"})
		if got, want := mustOne(t, h, kim, typed).Text, "hello @mira, hello @{"+kim.Account.String()+"}"; got != want {
			t.Errorf("what jo writes is %q, want %q", got, want)
		}
		if n := h.number(t, `select count(*) from mentions where ref_id = $1`, int64(typed)); n != 1 {
			t.Errorf("%d are mentioned, want kim alone", n)
		}
	})
}

// TestEditKeepsUnnamed has an author change a post that mentions two whom a block keeps from them since: what they could not read stays what it was where nothing of it
// was changed, and is given to nobody else where one cannot tell.
func TestEditKeepsUnnamed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim, lu := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim"), h.person(t, "lu")
		marks := strings.NewReplacer("{m}", "@{"+mira.Account.String()+"}", "{l}", "@{"+lu.Account.String()+"}", "{k}", "@{"+kim.Account.String()+"}")
		cases := []struct{ typed, shown, changed, want string }{
			{"thanks @mira", "thanks @…", "many thanks @…", "many thanks {m}"},
			{"thanks @mira", "thanks @…", "thanks @kim", "thanks {k}"},
			{"@mira and @lu and @kim", "@… and @… and @kim", "so, @… or @… or @kim", "so, {m} or {l} or {k}"},
			{"first @mira then @lu last", "first @… then @… last", "first @… last", "first @… last"},
			{"first @mira then @lu last", "first @… then @… last", "first @… then", "first {m} then"},
			{"first @mira then @lu last", "first @… then @… last", "then @… last", "then {l} last"},
			{"@mira, @mira", "@…, @…", "@…", "{m}"},
			{"@… said @mira", "@… said @…", "@… says @…", "@… says {m}"},
			{"hello", "hello", "hello @…", "hello @…"},
		}
		posts := make([]who.ID, len(cases))
		for i, c := range cases {
			posts[i] = h.write(t, jo, post.Draft{Text: c.typed})
		}
		draft, err := h.posts.SaveDraft(ctx, jo, post.Draft{Service: "page", Audience: "public", Text: "to @mira"})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.relations.Block(ctx, mira, jo.Account), h.relations.Block(ctx, jo, lu.Account)); err != nil {
			t.Fatal(err)
		}
		for i, c := range cases {
			old := mustOne(t, h, jo, posts[i]).Text
			if texts, err := h.posts.Decode(ctx, jo.Account, old); err != nil || texts[0] != c.shown {
				t.Errorf("%q is shown as %q (%v), want %q", c.typed, texts, err, c.shown)
			}
			if err := h.posts.Edit(ctx, jo, posts[i], post.Change{Text: c.changed}); err != nil {
				t.Fatal(err)
			}
			got := mustOne(t, h, kim, posts[i]).Text
			if want := marks.Replace(c.want); got != want {
				t.Errorf("%q of %q is kept as %q, want %q", c.changed, c.typed, got, want)
			}
			if n, want := h.number(t, `select count(*) from mentions where ref_kind = 'post' and ref_id = $1`, int64(posts[i])), int64(len(post.Mentioned(got))); n != want {
				t.Errorf("of %q %d are mentioned, want %d", got, n, want)
			}
		}
		if _, err := h.posts.SaveDraft(ctx, jo, post.Draft{ID: draft, Service: "page", Audience: "public", Text: "all to @…"}); err != nil {
			t.Fatal(err)
		}
		if got, want := mustOne(t, h, jo, draft).Text, marks.Replace("all to {m}"); got != want {
			t.Errorf("the draft is kept as %q, want %q", got, want)
		}
	})
}

// TestMuteTopic has what is written under a topic that is muted from its page leave home, and come back.
func TestMuteTopic(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.relations.Registry = h.registry
		if err := h.relations.Follow(ctx, jo, mira.Account); err != nil {
			t.Fatal(err)
		}
		h.write(t, mira, post.Draft{Text: "plain"})
		h.write(t, mira, post.Draft{Text: "about #hills"})
		topic := who.Ref{Kind: "topic", ID: who.ID(h.number(t, `select id from topics`))}
		mute, undo := `href="/mute/topic/`+topic.ID.String()+`"`, `action="/settings/mutes/topic/`+topic.ID.String()+`/undo"`
		offers := func(v who.Viewer, muted, unmuted bool) {
			t.Helper()
			for _, lang := range []ui.Lang{ui.Chinese, ui.English} {
				w, err := h.ask(t, v, lang, httptest.NewRequest(http.MethodGet, "/topics/"+topic.ID.String(), nil))
				if body := w.Body.String(); err != nil || strings.Contains(body, mute) != unmuted || strings.Contains(body, undo) != muted || strings.Contains(body, ">relation.") {
					t.Errorf("the page of the topic for %q in %s: %v\n%s", v.Name, lang, err, body)
				}
			}
		}
		home := func(want ...string) {
			t.Helper()
			list, err := h.posts.Home(ctx, jo, post.Cursor{}, 9)
			wantTexts(t, "home", list, err, want...)
		}
		offers(who.Viewer{}, false, false)
		offers(jo, false, true)
		home("about #hills", "plain")
		if err := h.relations.Mute(ctx, jo, topic, relation.Week); err != nil {
			t.Fatal(err)
		}
		offers(jo, true, false)
		offers(mira, false, true)
		home("plain")
		if err := h.relations.Unmute(ctx, jo, topic); err != nil {
			t.Fatal(err)
		}
		offers(jo, false, true)
		home("about #hills", "plain")
		if err := h.relations.Mute(ctx, jo, topic, relation.LessOf); err != nil {
			t.Fatal(err)
		}
		offers(jo, true, false)
	})
}

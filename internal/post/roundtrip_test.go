package post_test

import (
	"context"
	"image/color"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// TestRoundTripPlace has drafts, cards, topics and what moderators decided come back, and lets no archive decide what moderators do.
func TestRoundTripPlace(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account], h.members[jo.Account], h.staff[mira.Account] = true, true, true
		if _, err := h.posts.NewTopic(ctx, mira, h.tea(mira), "茶"); err != nil {
			t.Fatal(err)
		}
		first := h.write(t, mira, post.Draft{Service: "circle", Place: 7, Text: "about #茶"})
		dbtest.Clock(t, h.d).Add(time.Second)
		for _, err := range []error{h.posts.Feature(ctx, mira, first, true), h.posts.Pin(ctx, mira, first, true)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		h.write(t, mira, post.Draft{Service: post.Page, Text: "see", Card: who.Ref{Kind: "post", ID: first}})
		if _, err := h.posts.SaveDraft(ctx, mira, post.Draft{Service: "circle", Place: 7, Text: "half of @jo", Images: []post.Upload{upload(picture(color.White), "bright")}}); err != nil {
			t.Fatal(err)
		}
		taken := func() *sink {
			s := &sink{media: map[string][]byte{}}
			for _, class := range []string{"posts", "drafts", "images"} {
				export(t, h, mira, class, s)
			}
			return s
		}
		one := taken()
		if len(one.records) != 3 || len(one.media) != 1 {
			t.Fatalf("taken along: %+v", one.records)
		}
		erased := func() {
			for _, class := range []string{"images", "drafts", "posts"} {
				if err := h.d.Update(ctx, func(ctx context.Context) error {
					_, err := h.posts.Holder().Erase(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: class, Manner: exit.Erase, Limit: 1000})
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			if n := h.number(t, `select (select count(*) from posts) + (select count(*) from post_topics) + (select posts from circles where id = 7)`); n != 0 {
				t.Fatalf("%d is left or counted", n)
			}
		}
		erased()
		back := func() {
			for class, records := range map[string][]any{"posts": one.records[:2], "drafts": one.records[2:]} {
				task := exit.Task{Subject: exit.Account(mira.Account.String()), Class: class, Part: "post." + class}
				if out, err := h.take(ctx, task, records, one); err != nil || results(out)["taken"] != len(records) {
					t.Fatalf("%s come back as %+v, %v", class, out, err)
				}
				if out, err := h.take(ctx, task, records, one); err != nil || results(out)["duplicate"] != len(records) {
					t.Fatalf("%s come back once more as %+v, %v", class, out, err)
				}
			}
		}
		back()
		two := taken()
		a, b := one.records[0].(archive.Post), two.records[0].(archive.Post)
		if !b.Featured.Equal(a.Featured.Time) || !b.Pinned.Equal(a.Pinned.Time) || a.Pinned.IsZero() {
			t.Errorf("featured and pinned %v %v, then %v %v", a.Featured, a.Pinned, b.Featured, b.Pinned)
		}
		if card := two.records[1].(archive.Post).Card; card == nil || card.ID != b.ID {
			t.Errorf("the card shares %+v, want the post as it came back, %s", card, b.ID)
		}
		x, y := one.records[2].(archive.Draft), two.records[2].(archive.Draft)
		if y.Text != "half of @jo" || y.Circle != "7" || len(y.Images) != 1 || y.Images[0].Alt != "bright" || !y.Saved.Equal(x.Saved.Time) {
			t.Errorf("the draft %+v came back as %+v", x, y)
		}
		if n := h.number(t, `select t.posts from topics t join post_topics l on l.topic_id = t.id`); n != 1 {
			t.Errorf("the topic counts %d posts, want 1", n)
		}
		// Who does not moderate any more cannot feature or pin by an archive, nor pass by the queue.
		erased()
		delete(h.staff, mira.Account)
		h.approves = true
		back()
		if n := h.number(t, `select count(*) from posts where place_id = 7 and state = 'submitted' and featured_at is null and pinned_at is null`); n != 1 {
			t.Errorf("%d posts wait for a yes, want 1", n)
		}
	})
}

// TestBroughtIsScreened has what is not let through come back as a draft, and what is held wait: an archive is no way around.
func TestBroughtIsScreened(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		jo := h.person(t, "jo")
		h.members[jo.Account] = true
		h.posts.Screen = func(_ context.Context, _ service.Pass, in post.ScreenIn) (bool, error) {
			if strings.Contains(in.Text, "forbidden") {
				return false, exit.Fail(exit.Invalid, "post.error.text")
			}
			return strings.Contains(in.Text, "doubtful") && in.In.ID == 7, nil
		}
		at := archive.At(dbtest.Start)
		records := []any{
			archive.Post{ID: "1", Place: "circle", Circle: "7", Text: "forbidden", Published: at},
			archive.Post{ID: "2", Place: "circle", Circle: "7", Text: "doubtful", Published: at},
			archive.Post{ID: "3", Audience: archive.AudiencePublic, Text: "forbidden too", Published: at},
			archive.Post{ID: "4", Place: "circle", Circle: "7", Text: "fine", Published: at},
		}
		out, err := h.take(ctx, exit.Task{Subject: exit.Account(jo.Account.String()), Class: "posts", Part: "post.posts"}, records, nil)
		if err != nil || results(out)["taken"] != 4 || out[0].Reason != "post.note.screened" || out[1].Reason != "post.note.waits" || out[3].Reason != "" {
			t.Errorf("taken as %+v, %v", out, err)
		}
		for state, want := range map[string]int64{"draft": 2, "submitted": 1, "live": 1} {
			if n := h.number(t, `select count(*) from posts where state = $1`, state); n != want {
				t.Errorf("%d posts are %s, want %d", n, state, want)
			}
		}
	})
}

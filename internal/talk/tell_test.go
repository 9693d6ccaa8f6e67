package talk_test

import (
	"context"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// told gives the kinds of what an account was told and was not taken back, in their order.
func (h *house) told(t *testing.T, v who.Viewer) string {
	t.Helper()
	rows, err := h.d.Reader.QueryContext(t.Context(), `select kind from notices where account_id = $1 and taken = 0 order by id`, int64(v.Account))
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := db.Scan(rows, func(r db.Row) (kind string, err error) { return kind, r.Scan(&kind) })
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(kinds, " ")
}

// TestTells asks who is told what of comments, answers, mentions and likes: each once, by what concerns them most.
func TestTells(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		n := notify.New(notify.Config{DB: h.d, Desk: h.desk, Registry: h.registry})
		h.talks.Notices, h.posts.Notices = n, n
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		want := func(when, m, j, k string) {
			t.Helper()
			for v, want := range map[who.Viewer]string{mira: m, jo: j, kim: k} {
				if got := h.told(t, v); got != want {
					t.Errorf("%s: %s was told %q, want %q", when, v.Name, got, want)
				}
			}
		}
		on := h.write(t, mira, "hello @kim and @mira")
		want("a post", "", "", "mention")
		first := h.say(t, jo, on, 0, "a comment")
		want("a comment", "comment", "", "mention")
		h.say(t, kim, on, first, "an answer to @jo, @mira")
		want("an answer", "comment comment", "answer", "mention")
		answer := h.say(t, mira, on, first, "an answer of the owner")
		want("an answer of the owner", "comment comment", "answer answer", "mention")
		for range 2 {
			if err := h.talks.Like(ctx, jo, on, false); err != nil {
				t.Fatal(err)
			}
		}
		like := who.Ref{Kind: "comment", ID: answer}
		if err := h.talks.Like(ctx, kim, like, false); err != nil {
			t.Fatal(err)
		}
		want("likes", "comment comment like like", "answer answer", "mention")
		for _, err := range []error{h.talks.Save(ctx, jo, on), h.talks.Unlike(ctx, kim, like)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		want("a favourite, and a like taken back", "comment comment like", "answer answer", "mention")
		if _, err := h.talks.Delete(ctx, mira, answer); err != nil {
			t.Fatal(err)
		}
		want("a comment that is gone", "comment comment like", "answer", "mention")
		h.bringLike(t, kim, on)
		want("what is brought along", "comment comment like", "answer", "mention")
	})
}

// bringLike takes a like in, as an import does.
func (h *house) bringLike(t *testing.T, v who.Viewer, on who.Ref) {
	t.Helper()
	records := []any{archive.Like{On: archive.Reference{Kind: on.Kind, ID: on.ID.String()}}}
	intake, err := h.talks.Holder().Import(t.Context(), exit.Task{Subject: exit.Account(v.Account.String()), Class: "likes", Part: archive.ClassLikes}, records, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []exit.Outcome
	err = h.d.Update(t.Context(), func(ctx context.Context) (err error) {
		out, err = intake(ctx)
		return err
	})
	if err != nil || out[0].Result != "taken" {
		t.Fatalf("import: %+v, %v", out, err)
	}
}

// TestMutedBringsNothing keeps whom a place has muted, and words that are not let through, from coming in by an archive.
func TestMutedBringsNothing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, jo, "hello")
		take := func(class string, rec any) exit.Outcome {
			t.Helper()
			intake, err := h.talks.Holder().Import(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: class, Part: "talk." + class}, []any{rec}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var out []exit.Outcome
			if err := h.d.Update(ctx, func(ctx context.Context) error {
				out, err = intake(ctx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return out[0]
		}
		at := archive.Reference{Kind: "post", ID: on.ID.String()}
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, 'page', 'mute', 'act:1', 0)`, int64(mira.Account))
		if _, err := h.talks.Comment(ctx, mira, on, talk.Draft{Text: "x"}); exit.KindOf(err) != exit.Forbidden {
			t.Fatalf("muted, she comments: %v", err)
		}
		for class, rec := range map[string]any{"comments": archive.Comment{ID: "1", On: at, Text: "still here"}, "likes": archive.Like{On: at}} {
			if out := take(class, rec); out.Result != "skipped" {
				t.Errorf("muted, she brings %s: %+v", class, out)
			}
		}
		h.exec(t, `delete from reasons`)
		h.talks.Filter = func(_ context.Context, _ service.Pass, _ who.ID, _ string, _ who.ID, text string) error {
			if strings.Contains(text, "forbidden") {
				return exit.Fail(exit.Invalid, "talk.error.text")
			}
			return nil
		}
		for text, want := range map[string]string{"forbidden": "skipped", "fine": "taken"} {
			if out := take("comments", archive.Comment{ID: text, On: at, Text: text}); out.Result != want {
				t.Errorf("%q is %+v, want %s", text, out, want)
			}
		}
		if got := h.threads(t, jo, on); got != "fine" {
			t.Errorf("beneath the post stands %q", got)
		}
	})
}

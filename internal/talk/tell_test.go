package talk_test

import (
	"context"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/notify"
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
			if err := h.talks.Like(ctx, jo, on); err != nil {
				t.Fatal(err)
			}
		}
		like := who.Ref{Kind: "comment", ID: answer}
		if err := h.talks.Like(ctx, kim, like); err != nil {
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

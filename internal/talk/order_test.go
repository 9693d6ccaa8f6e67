package talk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// pages walks through the comments of a post one by one, so that every cursor is used.
func (h *house) pages(t *testing.T, v who.Viewer, on who.Ref, o talk.Order) string {
	t.Helper()
	p, err := h.posts.One(t.Context(), v, on.ID)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	cursor := ""
	for range 20 {
		views, next, err := h.talks.Comments(t.Context(), v, p.Thing(v), o, cursor, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s := outline(views); s != "" {
			out = append(out, s)
		}
		if cursor = next; next == "" {
			return strings.Join(out, " ")
		}
	}
	t.Fatalf("the comments have no end: %q", out)
	return ""
}

func TestOrders(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		on := h.write(t, mira, "hello")
		ids := map[string]who.ID{}
		for _, text := range []string{"a", "b", "c", "d"} {
			ids[text] = h.say(t, jo, on, 0, text)
		}
		like := func(v who.Viewer, text string) {
			t.Helper()
			if err := h.talks.Like(ctx, v, who.Ref{Kind: "comment", ID: ids[text]}, false); err != nil {
				t.Fatal(err)
			}
		}
		like(mira, "c")
		like(kim, "c")
		like(mira, "b")
		like(kim, "d")
		for o, want := range map[talk.Order]string{talk.Oldest: "a b c d", talk.Newest: "d c b a", talk.Liked: "c d b a"} {
			if got := h.pages(t, mira, on, o); got != want {
				t.Errorf("%s: %q, want %q", o, got, want)
			}
		}
		if err := h.talks.Unlike(ctx, kim, who.Ref{Kind: "comment", ID: ids["d"]}); err != nil {
			t.Fatal(err)
		}
		if got := h.pages(t, mira, on, talk.Liked); got != "c b d a" {
			t.Errorf("after a like is taken back: %q", got)
		}
	})
}

// TestManyAnswers shows the first answers beneath a comment, and all on its own page.
func TestManyAnswers(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, mira, "hello")
		top := h.say(t, jo, on, 0, "top")
		other := h.say(t, jo, on, 0, "other")
		var last who.ID
		for i := range 57 {
			last = h.say(t, mira, on, top, fmt.Sprintf("n%02d", i))
		}
		h.say(t, mira, on, other, "one")
		if got := h.threads(t, jo, on); got != "top(n00 n01 n02 n03 n04) other(one)" {
			t.Errorf("the list shows %q", got)
		}
		w := h.get(t, jo, ui.English, "/posts/"+on.ID.String())
		if body := w.Body.String(); !strings.Contains(body, `href="/talk/comments/`+top.String()+`"`) || !strings.Contains(body, "More answers") {
			t.Errorf("the list does not lead to further answers:\n%s", body)
		}
		w = h.get(t, jo, ui.Chinese, "/talk/comments/"+top.String())
		if body := w.Body.String(); w.Code != http.StatusOK || strings.Count(body, `class="comment"`) != 51 || !strings.Contains(body, "更多回复") {
			t.Errorf("the page of the comment: %d, %d comments", w.Code, strings.Count(body, `class="comment"`))
		}
		w = h.get(t, jo, ui.English, "/talk/comments/"+last.String())
		if body := w.Body.String(); !strings.Contains(body, "n56") || !strings.Contains(body, "top") || strings.Contains(body, "n55") || !strings.Contains(body, "Earlier answers") {
			t.Errorf("the page of an answer:\n%s", body)
		}
	})
}

// TestWithheldComment has what a moderator takes out seen by its author and moderators alone, and counted by nobody.
func TestWithheldComment(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		staff := h.person(t, "staff")
		h.registry.Moderates = func(_ context.Context, v who.Viewer, _ string, _ who.ID) (bool, error) {
			return v.Account == staff.Account, nil
		}
		on := h.write(t, mira, "hello")
		rude := h.say(t, jo, on, 0, "rude")
		h.say(t, kim, on, rude, "answer")
		lone := h.say(t, jo, on, 0, "lone")
		withhold := func(yes bool) {
			t.Helper()
			if err := h.d.Update(ctx, func(ctx context.Context) error {
				pass, err := h.desk.Enter(ctx, service.Write{By: staff.Account, Service: "page"})
				if err != nil {
					return err
				}
				return h.talks.Kind().Withhold(ctx, pass, []who.ID{rude, lone}, yes)
			}); err != nil {
				t.Fatal(err)
			}
		}
		withhold(true)
		withhold(true)
		for v, want := range map[who.Viewer]string{kim: "…(answer)", {}: "…(answer)", mira: "…(answer)", jo: "rude(answer) lone", staff: "rude(answer) lone"} {
			if got := h.threads(t, v, on); got != want {
				t.Errorf("%q sees %q, want %q", v.Name, got, want)
			}
		}
		if p, err := h.posts.One(ctx, mira, on.ID); err != nil || p.Comments != 1 {
			t.Errorf("%d comments are counted, want 1 (%v)", p.Comments, err)
		}
		if err := h.talks.Like(ctx, mira, who.Ref{Kind: "comment", ID: rude}, false); exit.KindOf(err) != exit.NotFound {
			t.Errorf("liked: %v", err)
		}
		if _, err := h.talks.Comment(ctx, mira, on, talk.Draft{Parent: rude, Text: "x"}); exit.KindOf(err) != exit.NotFound {
			t.Errorf("answered: %v", err)
		}
		if _, err := h.talks.Comment(ctx, mira, who.Ref{Kind: "comment", ID: rude}, talk.Draft{Text: "x"}); exit.KindOf(err) != exit.NotFound {
			t.Errorf("commented on: %v", err)
		}
		withhold(false)
		if got := h.threads(t, kim, on); got != "rude(answer) lone" {
			t.Errorf("when it is back: %q", got)
		}
		if p, err := h.posts.One(ctx, mira, on.ID); err != nil || p.Comments != 3 {
			t.Errorf("%d comments are counted, want 3 (%v)", p.Comments, err)
		}
	})
}

// get asks for a page of the two rooms.
func (h *house) get(t *testing.T, v who.Viewer, lang ui.Lang, path string) *httptest.ResponseRecorder {
	t.Helper()
	return serve(t, append(h.posts.Routes(), h.talks.Routes()...), v, lang, "GET", path, nil)
}

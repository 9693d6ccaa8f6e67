package post_test

import (
	"bytes"
	"context"
	"image/color"
	"io"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// wantGone fails unless the viewers are told that there is no such post.
func (h *house) wantGone(t *testing.T, what string, id who.ID, viewers ...who.Viewer) {
	t.Helper()
	for _, v := range viewers {
		if _, err := h.posts.One(t.Context(), v, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("%s: %s sees it: %v", what, v.Name, err)
		}
	}
}

func (h *house) wantState(t *testing.T, v who.Viewer, id who.ID, state string) {
	t.Helper()
	p, err := h.posts.One(t.Context(), v, id)
	if err != nil || p.State != state {
		t.Errorf("to %s the post is %q, want %q (%v)", v.Name, p.State, state, err)
	}
}

// counts gives what is counted of the circle and its topics, what can be found, and what is linked to topics.
func (h *house) counts(t *testing.T) [3]int64 {
	t.Helper()
	return [3]int64{
		h.number(t, `select posts from circles where id = 7`), h.number(t, `select count(*) from search_docs`), h.number(t, `select count(*) from post_topics`),
	}
}

func TestUndo(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account], h.members[jo.Account], h.staff[mira.Account] = true, true, true
		if _, err := h.posts.NewTopic(ctx, mira, h.tea(mira), "绿茶"); err != nil {
			t.Fatal(err)
		}
		id := h.write(t, jo, post.Draft{Text: "about #绿茶", Service: "circle", Place: 7})
		before := h.counts(t)
		if before[0] != 1 || before[2] != 1 {
			t.Fatalf("counted before: %v", before)
		}
		if err := h.posts.Delete(ctx, jo, id); err != nil {
			t.Fatal(err)
		}
		h.wantGone(t, "deleted", id, jo, mira, who.Viewer{})
		if got := h.counts(t); got[0] != 0 || got[2] != 0 || got[1] != before[1]-1 {
			t.Errorf("counted while it can be undone: %v", got)
		}
		h.pass(t, 29*time.Second)
		if err := h.posts.Undo(ctx, mira, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("somebody else brings it back: %v", err)
		}
		if err := h.posts.Undo(ctx, jo, id); err != nil {
			t.Fatal(err)
		}
		h.wantState(t, mira, id, post.Live)
		if got := h.counts(t); got != before {
			t.Errorf("counted after the undo: %v, want %v", got, before)
		}
		// Deleted once more, it has its half minute anew: the job of the first time comes early.
		if err := h.posts.Delete(ctx, jo, id); err != nil {
			t.Fatal(err)
		}
		h.pass(t, 2*time.Second)
		if n := h.number(t, `select count(*) from posts where state = 'deleting'`); n != 1 {
			t.Fatalf("%d posts wait to be erased, want 1", n)
		}
		h.pass(t, 29*time.Second)
		if n := h.number(t, `select count(*) from posts`); n != 0 {
			t.Errorf("%d posts are left after half a minute", n)
		}
		if err := h.posts.Undo(ctx, jo, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("an undo after half a minute: %v", err)
		}
		if n := h.number(t, `select count(*) from jobs where kind = 'post.erase'`); n != 0 {
			t.Errorf("%d jobs are left", n)
		}
	})
}

// TestTakenOutMeanwhile has a member lose a circle between being let in and the write: while the images of the post are read.
func TestTakenOutMeanwhile(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx, mira := t.Context(), h.person(t, "mira")
		for name, send := range map[string]func(context.Context, who.Viewer, post.Draft) (who.ID, error){"write": h.posts.Write, "draft": h.posts.SaveDraft} {
			h.members[mira.Account] = true
			late := post.Upload{Open: func() (io.ReadCloser, error) {
				delete(h.members, mira.Account)
				return io.NopCloser(bytes.NewReader(picture(color.White))), nil
			}}
			if _, err := send(ctx, mira, post.Draft{Service: "circle", Place: 7, Text: "the last word", Images: []post.Upload{late}}); err == nil || exit.KindOf(err) != exit.Forbidden {
				t.Errorf("%s by one who was taken out meanwhile: %v", name, err)
			}
		}
		if n := h.number(t, `select (select count(*) from posts) + (select count(*) from post_images)`); n != 0 {
			t.Errorf("%d rows are stored of one who was taken out meanwhile", n)
		}
		// One who is still in writes as ever.
		h.members[mira.Account] = true
		h.write(t, mira, post.Draft{Service: "circle", Place: 7, Text: "still here", Images: []post.Upload{upload(picture(color.White), "")}})
	})
}

func TestDrafts(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account], h.members[jo.Account] = true, true
		d := post.Draft{Service: "circle", Place: 7, Text: "half of @jo", Images: []post.Upload{upload(picture(color.White), "one"), upload(picture(color.Black), "two")}}
		id, err := h.posts.SaveDraft(ctx, mira, d)
		if err != nil {
			t.Fatal(err)
		}
		h.wantGone(t, "a draft", id, jo, who.Viewer{})
		if n := h.number(t, `select (select posts from circles where id = 7) + (select count(*) from notices) + (select count(*) from search_docs)`); n != 0 {
			t.Errorf("a draft is counted, told of or found: %d", n)
		}
		list, err := h.posts.Drafts(ctx, mira, post.Cursor{}, 10)
		wantTexts(t, "drafts", list, err, "half of @{"+jo.Account.String()+"}")
		list, err = h.posts.InPlace(ctx, jo, h.tea(jo), post.Latest, 0, post.Cursor{}, 10)
		wantTexts(t, "the circle", list, err)
		views, err := h.posts.Views(ctx, mira, []post.Post{mustOne(t, h, mira, id)})
		if err != nil || len(views[0].Images) != 2 {
			t.Fatalf("the draft's images: %+v, %v", views, err)
		}
		first := h.number(t, `select min(id) from post_images`)
		key := strings.TrimPrefix(views[0].Images[0].Href, "/media/")
		if may, _, known, err := h.posts.MayMedia(ctx, jo, key); may || !known || err != nil {
			t.Errorf("another has an image of a draft: %v %v", may, err)
		}
		for _, v := range []who.Viewer{jo, {}} {
			if _, err := h.posts.SaveDraft(ctx, v, post.Draft{ID: id, Service: post.Page, Text: "mine"}); err == nil {
				t.Errorf("%q continues another's draft", v.Name)
			}
		}
		d = post.Draft{ID: id, Service: "circle", Place: 7, Text: "whole", Drop: []who.ID{who.ID(first)}, Images: []post.Upload{upload(picture(color.Black), "three")}}
		if got, err := h.posts.Write(ctx, mira, d); err != nil || got != id {
			t.Fatalf("publish: %d, %v", got, err)
		}
		views, err = h.posts.Views(ctx, jo, []post.Post{mustOne(t, h, jo, id)})
		if err != nil || views[0].Text != "whole" || len(views[0].Images) != 2 || views[0].Images[0].Alt != "two" || views[0].Images[1].Alt != "three" {
			t.Errorf("published: %+v, %v", views, err)
		}
		if n := h.number(t, `select posts from circles where id = 7`); n != 1 {
			t.Errorf("the circle counts %d posts, want 1", n)
		}
		if _, err := h.posts.Write(ctx, mira, d); exit.KindOf(err) != exit.NotFound {
			t.Errorf("the same draft once more: %v", err)
		}
		if _, err := h.blobs.Drain(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.blobs.Size(ctx, key); exit.KindOf(err) != exit.NotFound {
			t.Errorf("the image that was taken out: %v", err)
		}
		if id, err = h.posts.SaveDraft(ctx, mira, post.Draft{Service: post.Page, Text: "never", Images: []post.Upload{upload(picture(color.White), "")}}); err != nil {
			t.Fatal(err)
		}
		if err := h.posts.DropDraft(ctx, jo, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("another deletes a draft: %v", err)
		}
		if err := h.posts.DropDraft(ctx, mira, id); err != nil {
			t.Fatal(err)
		}
		if n := h.number(t, `select count(*) from posts where state = 'draft'`); n != 0 {
			t.Errorf("%d drafts are left", n)
		}
		if left, err := h.blobs.List(ctx, blob.Prefix(mira.Account), "", 10); err != nil || len(left) == 0 {
			t.Errorf("the files of what was published: %v, %v", left, err)
		}
	})
}

func mustOne(t *testing.T, h *house, v who.Viewer, id who.ID) post.Post {
	t.Helper()
	p, err := h.posts.One(t.Context(), v, id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSubmissions(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		for _, v := range []who.Viewer{mira, jo, kim} {
			h.members[v.Account] = true
		}
		h.staff[mira.Account], h.approves = true, true
		own := h.write(t, mira, post.Draft{Service: "circle", Place: 7, Text: "staff's own"})
		h.wantState(t, kim, own, post.Live)
		one := h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "one"})
		two := h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "two"})
		h.wantState(t, jo, one, post.Submitted)
		h.wantState(t, mira, one, post.Submitted)
		h.wantGone(t, "a submission", one, kim, who.Viewer{})
		if got := h.counts(t); got[0] != 1 {
			t.Errorf("the circle counts %d posts, want the one that is seen", got[0])
		}
		if n := h.number(t, `select count(*) from notices where account_id = $1`, int64(mira.Account)); n == 0 {
			t.Error("who moderates was not told of submissions")
		}
		if err := h.talks.Like(ctx, mira, who.Ref{Kind: "post", ID: one}, false); err == nil {
			t.Error("a submission is liked")
		}
		list, err := h.posts.Submitted(ctx, mira, h.tea(mira), post.Cursor{}, 1)
		wantTexts(t, "the queue", list, err, "one")
		list, err = h.posts.Submitted(ctx, mira, h.tea(mira), post.Next(list, 1), 5)
		wantTexts(t, "the rest of the queue", list, err, "two")
		if _, err := h.posts.Submitted(ctx, jo, h.tea(jo), post.Cursor{}, 5); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("a member reads the queue: %v", err)
		}
		for _, err := range []error{h.posts.AcceptSubmission(ctx, jo, one), h.posts.AcceptSubmission(ctx, kim, one), h.posts.RefuseSubmission(ctx, kim, one, "no"), h.posts.AcceptSubmission(ctx, mira, own)} {
			if exit.KindOf(err) != exit.NotFound {
				t.Errorf("a decision by who may not, or on what does not wait: %v", err)
			}
		}
		if err := h.posts.Edit(ctx, jo, one, post.Change{Text: "one, better"}); err != nil {
			t.Errorf("the author edits a submission: %v", err)
		}
		h.wantState(t, jo, one, post.Submitted)
		if err := h.posts.AcceptSubmission(ctx, mira, one); err != nil {
			t.Fatal(err)
		}
		h.wantState(t, kim, one, post.Live)
		// A yes is to the words that were read.
		if err := h.posts.Edit(ctx, jo, one, post.Change{Text: "come to my shop"}); err != nil {
			t.Fatal(err)
		}
		h.wantState(t, jo, one, post.Submitted)
		h.wantGone(t, "other words", one, kim)
		if err := h.posts.AcceptSubmission(ctx, mira, one); err != nil {
			t.Fatal(err)
		}
		if err := h.posts.RefuseSubmission(ctx, mira, two, "  "); exit.KindOf(err) != exit.Invalid {
			t.Errorf("refused without a reason: %v", err)
		}
		if err := h.posts.RefuseSubmission(ctx, mira, two, "too short"); err != nil {
			t.Fatal(err)
		}
		h.wantGone(t, "refused", two, kim, mira)
		drafts, err := h.posts.Drafts(ctx, jo, post.Cursor{}, 5)
		wantTexts(t, "the author's drafts", drafts, err, "two")
		if err != nil || drafts[0].Refusal != "too short" {
			t.Errorf("the reason is %q", drafts[0].Refusal)
		}
		for kind, want := range map[string]int64{"submission_accepted": 1, "submission_refused": 1} {
			if n := h.number(t, `select count(*) from notices where account_id = $1 and kind = $2`, int64(jo.Account), kind); n != want {
				t.Errorf("the author has %d notices %s, want %d", n, kind, want)
			}
		}
		if got := h.counts(t); got[0] != 2 {
			t.Errorf("the circle counts %d posts, want 2", got[0])
		}
	})
}

func TestScreen(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		jo := h.person(t, "jo")
		h.members[jo.Account] = true
		var looks []string
		h.posts.Screen = func(_ context.Context, _ service.Pass, in post.ScreenIn) (bool, error) {
			for _, i := range in.Images {
				looks = append(looks, i.Look)
			}
			if strings.Contains(in.Text, "forbidden") {
				return false, exit.Fail(exit.Invalid, "post.error.text")
			}
			return strings.Contains(in.Text, "doubtful"), nil
		}
		if _, err := h.posts.Write(ctx, jo, post.Draft{Service: post.Page, Text: "forbidden"}); exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is refused: %v", err)
		}
		id := h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "doubtful", Images: []post.Upload{upload(picture(color.White), "")}})
		h.wantState(t, jo, id, post.Submitted)
		if len(looks) != 1 || len(looks[0]) != 16 {
			t.Errorf("looks handed over: %q", looks)
		}
		id = h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "fine"})
		if err := h.posts.Edit(ctx, jo, id, post.Change{Text: "doubtful now"}); err != nil {
			t.Fatal(err)
		}
		h.wantState(t, jo, id, post.Submitted)
		if got := h.counts(t); got[0] != 0 || got[1] != 0 {
			t.Errorf("held posts are counted or found: %v", got)
		}
		said := []post.Upload{upload(picture(color.White), "forbidden")}
		if _, err := h.posts.Write(ctx, jo, post.Draft{Service: post.Page, Text: "fine", Images: said}); exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is refused, as a description: %v", err)
		}
		id = h.write(t, jo, post.Draft{Service: post.Page, Text: "fine", Images: []post.Upload{upload(picture(color.White), "")}})
		pic := who.ID(h.number(t, `select id from post_images where post_id = $1`, int64(id)))
		if err := h.posts.Edit(ctx, jo, id, post.Change{Text: "fine", Alts: map[who.ID]string{pic: "forbidden"}}); exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is refused, as a description that comes later: %v", err)
		}
		draft, err := h.posts.SaveDraft(ctx, jo, post.Draft{Service: post.Page, Text: "fine", Images: []post.Upload{upload(picture(color.White), "forbidden")}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.posts.Write(ctx, jo, post.Draft{ID: draft, Service: post.Page, Text: "fine"}); exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is refused, as a description in a draft: %v", err)
		}
		pic = who.ID(h.number(t, `select id from post_images where post_id = $1`, int64(draft)))
		if _, err := h.posts.Write(ctx, jo, post.Draft{ID: draft, Service: post.Page, Text: "fine", Alts: map[who.ID]string{pic: "a hill"}}); err != nil {
			t.Errorf("a draft with other descriptions: %v", err)
		}
		if _, err := h.posts.SaveDraft(ctx, jo, post.Draft{Service: post.Page, Text: "forbidden"}); err != nil {
			t.Errorf("a draft is looked at: %v", err)
		}
		h.talks.Screen = func(_ context.Context, _ service.Pass, _ who.ID, _ string, _ who.ID, text string) error {
			return exit.Fail(exit.Invalid, "talk.error.text")
		}
		h.posts.Screen = nil
		id = h.write(t, jo, post.Draft{Service: post.Page, Text: "to talk about"})
		if _, err := h.talks.Comment(ctx, jo, who.Ref{Kind: "post", ID: id}, talk.Draft{Text: "x"}); exit.KindOf(err) != exit.Invalid {
			t.Errorf("a comment that is refused: %v", err)
		}
		if n := h.number(t, `select count(*) from comments`); n != 0 {
			t.Errorf("%d comments were stored", n)
		}
	})
}

func TestWithhold(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		for _, v := range []who.Viewer{mira, jo, kim} {
			h.members[v.Account] = true
		}
		h.staff[mira.Account] = true
		id := h.write(t, jo, post.Draft{Service: "circle", Place: 7, Text: "rude"})
		before := h.counts(t)
		withhold := func(on bool) {
			t.Helper()
			kind, _ := h.registry.Kind("post")
			if err := h.d.Update(ctx, func(ctx context.Context) error {
				pass, err := h.desk.Enter(ctx, service.Write{By: mira.Account, Service: "circle", Place: 7})
				if err != nil {
					return err
				}
				return kind.Withhold(ctx, pass, []who.ID{id, 1}, on)
			}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // a repeat changes nothing
			withhold(true)
		}
		h.wantGone(t, "withheld", id, kim, who.Viewer{})
		h.wantState(t, jo, id, post.Withheld)
		h.wantState(t, mira, id, post.Withheld)
		if got := h.counts(t); got[0] != 0 || got[1] != 0 {
			t.Errorf("what is withheld is counted or found: %v", got)
		}
		views, err := h.posts.Views(ctx, jo, []post.Post{mustOne(t, h, jo, id)})
		if err != nil || views[0].Bar == nil || views[0].Bar.Action.Href != "/moderation/of/post/"+id.String() || views[0].Like.Action != "" {
			t.Errorf("its author's view: %+v, %v", views, err)
		}
		if err := h.posts.Edit(ctx, jo, id, post.Change{Text: "nice"}); exit.KindOf(err) != exit.NotFound {
			t.Errorf("edited while withheld: %v", err)
		}
		withhold(false)
		h.wantState(t, kim, id, post.Live)
		if got := h.counts(t); got != before {
			t.Errorf("counted when it is back: %v, want %v", got, before)
		}
		withhold(true)
		if err := h.posts.Delete(ctx, jo, id); err != nil {
			t.Errorf("its author deletes it: %v", err)
		}
		withhold(false)
		h.wantGone(t, "deleted while withheld", id, jo, mira, kim)
		if err := h.posts.Undo(ctx, jo, id); err != nil {
			t.Fatal(err)
		}
		h.wantState(t, jo, id, post.Withheld)
		dbtest.Clock(t, h.d).Add(time.Minute)
	})
}

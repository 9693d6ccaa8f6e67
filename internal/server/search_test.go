package server_test

import (
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/who"
)

// finds gives what a viewer finds of a kind.
func (in *install) finds(t *testing.T, v who.Viewer, kind, typed string) (ids []who.ID) {
	t.Helper()
	list, _, err := in.Search.Find(t.Context(), v, kind, typed, 0, 20)
	must(t, err, "search")
	for _, h := range list {
		ids = append(ids, h.Thing.Ref.ID)
	}
	slices.Sort(ids)
	return ids
}

// TestFound follows a post, its author and a circle through the index of a whole house: written, changed, deleted, hidden by a
// block, by the author's own choice, and by the consent to a closing, and back when that is cancelled.
func TestFound(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		ana, bo := in.signUp(t, "ana"), in.signUp(t, "bo")
		guest := who.Viewer{}
		want := func(when string, v who.Viewer, kind, typed string, ids ...who.ID) {
			t.Helper()
			if got := in.finds(t, v, kind, typed); !slices.Equal(got, ids) {
				t.Errorf("%s: %s %q finds %v, want %v", when, kind, typed, got, ids)
			}
		}
		must(t, in.Accounts.SetProfile(ctx, ana, account.Profile{Display: "远山的安娜", Bio: "爱喝茶"}), "set profile")
		id, err := in.Posts.Write(ctx, ana, post.Draft{Service: post.Page, Text: "山里的早晨 #晨雾"})
		must(t, err, "write")
		club, err := in.Circles.Create(ctx, ana, circle.Draft{Name: "茶山小聚", Mode: circle.Open, Category: "life"})
		must(t, err, "make circle")
		inside, err := in.Posts.Write(ctx, ana, post.Draft{Service: circle.Name, Place: club, Text: "山里的会面"})
		must(t, err, "write in circle")
		want("written", guest, search.Post, "山里", id)
		want("written", ana, search.Post, "山里", id, inside)
		want("written", bo, search.Account, "安娜", ana.Account)
		want("written", bo, search.Account, "喝茶", ana.Account)
		want("written", bo, search.Circle, "茶山", club)
		if n := len(in.finds(t, bo, search.Topic, "晨")); n != 1 {
			t.Errorf("%d topics are found, want 1", n)
		}
		must(t, in.Posts.Edit(ctx, ana, id, post.Change{Text: "海边的早晨"}), "edit")
		want("edited", bo, search.Post, "山里")
		want("edited", bo, search.Post, "海边", id)

		must(t, in.Accounts.SetSettings(ctx, ana, account.Settings{SeenBy: relation.ByMe, Unfound: true}), "set settings")
		want("not to be found", bo, search.Account, "安娜")
		want("not to be found", bo, search.Post, "海边")
		want("not to be found", ana, search.Post, "海边", id)
		must(t, in.Accounts.SetSettings(ctx, ana, account.Settings{SeenBy: relation.ByMe}), "set settings")

		run := in.agree(t, exit.Ask{Journey: exit.Close, Subject: leave.SubjectOf(ana.Account, "")})
		want("closing", bo, search.Account, "安娜")
		want("closing", bo, search.Post, "海边")
		want("closing", bo, search.Circle, "茶山")
		in.agree(t, exit.Ask{Journey: exit.Cancel, Subject: leave.SubjectOf(ana.Account, ""), Run: run.ID})
		want("cancelled", bo, search.Account, "安娜", ana.Account)
		want("cancelled", bo, search.Post, "海边", id)
		want("cancelled", bo, search.Circle, "茶山", club)

		must(t, in.Relations.Block(ctx, bo, ana.Account), "block")
		want("blocked", bo, search.Account, "安娜")
		want("blocked", bo, search.Post, "海边")
		want("blocked", guest, search.Post, "海边", id)
		must(t, in.Posts.Delete(ctx, ana, id), "delete")
		want("deleted", guest, search.Post, "海边")

		must(t, in.RebuildSearch(ctx, nil), "rebuild")
		want("made anew", guest, search.Account, "安娜", ana.Account)
		want("made anew", guest, search.Post, "海边")
		want("made anew", ana, search.Post, "山里", inside)
		want("made anew", guest, search.Circle, "茶山", club)
	})
}

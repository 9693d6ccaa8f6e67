package server_test

import (
	"archive/zip"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// TestWholeCircle takes a circle along as a whole: the archive verifies, names nobody who did not agree, holds nothing of
// who is leaving, and nobody can bring what others wrote in as their own.
func TestWholeCircle(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		owner, shy, gone := in.signUp(t, "wholeowner"), in.signUp(t, "wholeshy"), in.signUp(t, "wholegone")
		id := value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: "一起走路", Rules: "慢慢走", Mode: circle.Open}))
		for _, v := range []who.Viewer{shy, gone} {
			_, err := in.Circles.Join(ctx, v, id)
			must(t, err, "join circle")
		}
		p := value[who.ID](t, "write post")(in.Posts.Write(ctx, shy, post.Draft{
			Service: "circle", Place: id, Text: "写给 @wholeowner，也写给 @wholegone", Images: []post.Upload{{Open: opens(picture(3)), Alt: "河边"}},
		}))
		_, err := in.Talk.Comment(ctx, owner, who.Ref{Kind: "post", ID: p}, talk.Draft{Text: "收到了"})
		must(t, err, "comment")
		_, err = in.Posts.Write(ctx, gone, post.Draft{Service: "circle", Place: id, Text: "正在离开的人写的"})
		must(t, err, "write post")
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(gone.Account, ""), Journey: exit.Close})

		scope := "circle:" + id.String()
		name := filepath.Join(t.TempDir(), "whole.zip")
		if _, err := in.Leave.PackTo(ctx, &leave.Packing{Account: shy.Account, In: scope, Whole: true, Media: true, MaxBytes: -1}, name); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("a member takes the circle along: %v", err)
		}
		_, err = in.Leave.PackTo(ctx, &leave.Packing{Account: owner.Account, In: scope, Whole: true, Media: true, MaxBytes: -1}, name)
		must(t, err, "pack")
		_, err = archive.Verify(ctx, name)
		must(t, err, "verify")
		all := textOf(t, name)
		for _, want := range []string{"一起走路", "慢慢走", "收到了", "河边", "@wholeowner", "member-", scope + "/whole"} {
			if !strings.Contains(all, want) {
				t.Errorf("the archive has no %q", want)
			}
		}
		for _, not := range []string{"wholeshy", "wholegone", "正在离开的人写的", shy.Account.String(), gone.Account.String()} {
			if strings.Contains(all, not) {
				t.Errorf("the archive has %q", not)
			}
		}

		before := value[[]post.Post](t, "list posts")(in.Posts.ByAuthor(ctx, owner, owner.Account, post.Cursor{}, 50))
		_, err = in.Leave.ImportFrom(ctx, owner.Account, name)
		must(t, err, "import")
		after := value[[]post.Post](t, "list posts")(in.Posts.ByAuthor(ctx, owner, owner.Account, post.Cursor{}, 50))
		if len(after) != len(before) {
			t.Errorf("importing it brought %d posts of others in", len(after)-len(before))
		}
		run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(owner.Account, scope), Journey: exit.TakeAlong, Pack: leave.Packing{Whole: true, Media: true}.Words()})
		in.settle(t)
		made := value[[]leave.Export](t, "list archives")(in.Leave.Exports(ctx, owner.Account))
		if len(made) != 1 || made[0].Run != run.ID || made[0].State != "done" || made[0].In != scope+"/whole" || len(made[0].Volumes) != 1 {
			t.Errorf("archives made: %+v", made)
		}
	})
}

// TestCircleComesBackFirst has the posts of an archive stand in the circle that comes back with them, pinned as they were.
func TestCircleComesBackFirst(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		owner, heir := in.signUp(t, "firstowner"), in.signUp(t, "firstheir")
		id := value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: "一起走路", Mode: circle.Open}))
		p := value[who.ID](t, "write post")(in.Posts.Write(ctx, owner, post.Draft{Service: "circle", Place: id, Text: "集合地点"}))
		must(t, in.Posts.Pin(ctx, owner, p, true), "pin")
		name := filepath.Join(t.TempDir(), "own.zip")
		_, err := in.Leave.PackTo(ctx, &leave.Packing{Account: owner.Account, Media: true, MaxBytes: -1}, name)
		must(t, err, "pack")
		_, err = in.Leave.ImportFrom(ctx, heir.Account, name)
		must(t, err, "import")
		mine := value[[]circle.Mine](t, "list circles")(in.Circles.Memberships(ctx, heir, 0, 10))
		if len(mine) != 1 || mine[0].ID == id {
			t.Fatalf("circles brought back: %+v", mine)
		}
		place := value[post.Place](t, "read place")(in.Circles.Place(ctx, heir, mine[0].ID))
		if pinned := value[[]post.Post](t, "list pins")(in.Posts.Pinned(ctx, heir, place)); len(pinned) != 1 || pinned[0].Text != "集合地点" {
			t.Errorf("pinned in the circle that came back: %+v", pinned)
		}
	})
}

// textOf gives everything that a zip holds, its pictures too.
func textOf(t *testing.T, name string) string {
	t.Helper()
	z, err := zip.OpenReader(name)
	must(t, err, "open zip")
	var b strings.Builder
	for _, f := range z.File {
		b.WriteString(f.Name + "\n")
		r, err := f.Open()
		must(t, err, "open entry")
		_, err = io.Copy(&b, io.LimitReader(r, 64<<20))
		must(t, err, "read entry")
		must(t, r.Close(), "close entry")
	}
	must(t, z.Close(), "close zip")
	return b.String()
}

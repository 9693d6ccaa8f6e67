package server_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// TestCardOfVideo has a video shared into a circle, where its card says so in its address, and on an own page, where it does not. A card of
// a channel that is hidden shows nothing of it.
func TestCardOfVideo(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		owner, friend := in.member(t, "ownerone"), in.signUp(t, "friendone")
		id := in.DB.IDs.Next()
		_, err := in.DB.Writer.ExecContext(ctx, `insert into channels (account_id, name, bio, avatar, cover, created_at) values ($1, 'films', '', '', '', 0)`, int64(owner.Account))
		must(t, err, "open channel")
		_, err = in.DB.Writer.ExecContext(ctx, `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads)
			values ($1, $2, 'The ridge', '', 'public', 'en', 'live', 'plain', '', 1000, 1, 1, 'o.mp4', 'video/mp4', '', 1, '', 1000, 640, 360, '', 'thumb.jpg', 0)`, int64(id), int64(owner.Account))
		must(t, err, "publish video")
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, friend, circle.Draft{Name: "walkers", Mode: circle.Open}))
		card := who.Ref{Kind: channel.KindVideo, ID: id}
		inCircle := value[who.ID](t, "share into a circle")(in.Posts.Write(ctx, friend, post.Draft{Service: circle.Name, Place: ring, Text: "see", Card: card}))
		onPage := value[who.ID](t, "share on a page")(in.Posts.Write(ctx, friend, post.Draft{Service: post.Page, Text: "see", Audience: "public", Card: card}))
		look := func(at who.ID) (href, title, image string, gone bool) {
			t.Helper()
			p := value[post.Post](t, "read post")(in.Posts.One(ctx, friend, at))
			views, err := in.Posts.Views(ctx, friend, []post.Post{p})
			must(t, err, "draw post")
			c := views[0].Card
			return c.Href, c.Title, c.Image, c.Gone
		}
		if href, title, image, gone := look(inCircle); gone || href != channel.Watch(id, "circle") || title != "The ridge" || image != "/media/thumb.jpg" {
			t.Errorf("a card in a circle: %s %s %s", href, title, image)
		}
		if href, _, _, _ := look(onPage); href != channel.VideoPath(id) {
			t.Errorf("a card on a page leads to %s", href)
		}
		_, err = in.DB.Writer.ExecContext(ctx, `insert into reasons (account_id, scope, what, reason, since) values ($1, 'channel', 'veil', 'hibernation', 0)`, int64(owner.Account))
		must(t, err, "veil channel")
		if href, title, image, gone := look(inCircle); !gone || href+title+image != "" {
			t.Errorf("a card of a hidden channel: %s %s %s", href, title, image)
		}
	})
}

// TestCardOfVideoIsScreened has a circle's filter see title and text of a film that is shared there, and nothing of one that stands elsewhere.
func TestCardOfVideoIsScreened(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		c := newCreator(t, in)
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, c.v, circle.Draft{Name: "walkers", Mode: circle.Open}))
		_, err := in.Circles.Join(ctx, c.fan, ring)
		must(t, err, "join")
		in.settle(t)
		share := func(v who.Viewer, place who.ID) (post.Post, error) {
			d := post.Draft{Service: circle.Name, Place: place, Text: "see", Card: who.Ref{Kind: channel.KindVideo, ID: c.video}}
			if place == 0 {
				d.Service, d.Audience = post.Page, "public"
			}
			id, err := in.Posts.Write(ctx, v, d)
			if err != nil {
				return post.Post{}, err
			}
			return in.Posts.One(ctx, v, id)
		}
		before, err := share(c.fan, ring)
		must(t, err, "share before there is a word")
		must(t, in.Order.AddWord(ctx, c.v, moderate.Place{Service: circle.Name, ID: ring}, "写在山里", moderate.Hold), "hold a word of the text")
		if p, err := share(c.fan, ring); err != nil || p.State != post.Submitted {
			t.Errorf("with a word that holds in its text it is %q, %v", p.State, err)
		}
		must(t, in.Order.AddWord(ctx, c.v, moderate.Place{Service: circle.Name, ID: ring}, "第一封信", moderate.Refuse), "refuse a word of the title")
		if _, err := share(c.fan, ring); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("with a word that is refused in its title: %v", err)
		}
		if err := in.Posts.Edit(ctx, c.fan, before.ID, post.Change{Text: "see this"}); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("an edit of one that was shared before: %v", err)
		}
		_, err = share(c.fan, 0)
		must(t, err, "share on a page")
	})
}

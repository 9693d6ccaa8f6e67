package page

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/feed"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// What leaves the house: what other sites show of an own page, and feeds. All of it is what a guest sees.

// guest is who looks from outside.
var guest = who.Viewer{}

// sharedPerson gives what other sites show of an own page; nil where a guest does not see it.
func (r *Room) sharedPerson(p Person) *ui.Shared {
	if !p.Open {
		return nil
	}
	return &ui.Shared{Type: "profile", Title: p.Shown(), Description: p.Profile.Bio, Path: Path(p.Name), Image: service.MediaPath(p.Profile.Avatar), Feed: feedOf(Path(p.Name))}
}

// shareOf gives the menu to share an own page with.
func shareOf(p Person) *ui.ShareView {
	if !p.Open {
		return nil
	}
	return &ui.ShareView{Path: Path(p.Name), Feed: feedOf(Path(p.Name))}
}

// feedOf gives the address of the feed of a page.
func feedOf(path string) string { return path + "/feed.xml" }

// ownFeed answers with the newest public posts of an own page. NotFound where a guest finds nobody, or somebody
// who is signed in does not.
func (r *Room) ownFeed(w http.ResponseWriter, req *http.Request) error {
	if v := service.ViewerOf(req.Context()); !v.Guest() {
		if _, err := r.Person(req.Context(), v, req.PathValue("name")); err != nil {
			return err
		}
	}
	ctx := service.AsGuest(req.Context())
	p, err := r.Person(ctx, guest, req.PathValue("name"))
	if err != nil {
		return err
	}
	list, err := r.Posts.ByAuthor(ctx, guest, p.ID, post.Cursor{}, feed.Most)
	if err != nil {
		return err
	}
	// An unlisted post is for whom its address was given to.
	public := list[:0]
	for _, x := range list {
		if x.Audience == who.Public {
			public = append(public, x)
		}
	}
	f := feed.Feed{Title: p.Shown(), Link: ui.Absolute(ctx, Path(p.Name)), Self: ui.Absolute(ctx, feedOf(Path(p.Name))), Description: service.EndingWords(ctx, p.Profile.Bio), Language: string(ui.LangOf(ctx))}
	if p.Profile.Avatar != "" {
		f.Image = ui.Absolute(ctx, service.MediaPath(p.Profile.Avatar))
	}
	return r.serveFeed(ctx, w, req, f, public)
}

// circleFeed answers with what a guest may preview of a circle. NotFound where the owner does not let guests.
func (r *Room) circleFeed(w http.ResponseWriter, req *http.Request) error {
	ctx := service.AsGuest(req.Context())
	in, t, err := r.circleOf(ctx, guest, req)
	if err != nil {
		return err
	}
	if !in.Guest {
		return errNotFound()
	}
	list, err := r.Posts.InPlace(ctx, guest, in, post.Latest, 0, post.Cursor{}, previewed)
	if err != nil {
		return err
	}
	f := feed.Feed{Title: in.Name, Link: ui.Absolute(ctx, in.Href), Self: ui.Absolute(ctx, feedOf(in.Href)), Description: service.EndingWords(ctx, t.Excerpt), Language: string(ui.LangOf(ctx))}
	return r.serveFeed(ctx, w, req, f, list)
}

// previewed is how many posts of a circle a guest sees, see the circle room.
const previewed = 10

func errNotFound() error { return exit.Fail(exit.NotFound, "error.not_found") }

// circleOf gives the circle of an address, as a place of posts and as a thing; NotFound where the viewer may not know of it.
func (r *Room) circleOf(ctx context.Context, v who.Viewer, req *http.Request) (post.Place, service.Thing, error) {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok || r.Posts.Places == nil || r.Registry == nil {
		return post.Place{}, service.Thing{}, errNotFound()
	}
	t, err := r.Registry.Thing(ctx, v, who.Ref{Kind: "circle", ID: id})
	if err != nil {
		return post.Place{}, t, err
	}
	known, err := r.Posts.Places.Known(ctx, v, "circle", []who.ID{id})
	if err != nil {
		return post.Place{}, t, err
	}
	in, ok := known[id]
	if !ok {
		return in, t, errNotFound()
	}
	return in, t, nil
}

// serveFeed fills in the items and answers.
func (r *Room) serveFeed(ctx context.Context, w http.ResponseWriter, req *http.Request, f feed.Feed, posts []post.Post) error {
	views, err := r.Posts.Views(ctx, guest, posts)
	if err != nil {
		return err
	}
	for i, v := range views {
		if posts[i].State != post.Live || v.Author.Left {
			continue
		}
		item, err := feedItem(ctx, posts[i], v)
		if err != nil {
			return err
		}
		f.Items = append(f.Items, item)
	}
	return feed.Serve(w, req, f)
}

// Bounds of what a feed shows of a post in plain words, in characters.
const (
	feedTitle   = 60
	feedExcerpt = 280
)

func feedItem(ctx context.Context, p post.Post, v ui.PostView) (feed.Item, error) {
	mentions := make(map[string]ui.Mention, len(v.Mentions))
	for key, m := range v.Mentions {
		if m.Href != "" {
			m.Href = ui.Absolute(ctx, m.Href)
		}
		mentions[key] = m
	}
	item := feed.Item{Link: ui.Absolute(ctx, p.Link()), At: p.At, Changed: p.Edited, By: v.Author.Name, Text: ui.PlainText(v.Text, mentions, feedExcerpt), Title: ui.PlainText(v.Text, mentions, feedTitle)}
	if item.Title == "" {
		item.Title = ui.T(ctx, "page.feed.pictures", "Name", v.Author.Name)
	}
	for _, name := range ui.Hashtags(v.Text) {
		if _, known := mentions["#"+ui.TopicKey(name)]; known {
			item.Categories = append(item.Categories, name)
		}
	}
	var b bytes.Buffer
	if err := ui.RichText(v.Text, mentions).Render(ctx, &b); err != nil {
		return item, err
	}
	for _, i := range v.Images {
		picture := feed.Picture{URL: ui.Absolute(ctx, i.Href), Type: blob.TypeOf(keyOf(i.Href)), Alt: i.Alt, Width: i.Width, Height: i.Height}
		i.Src, i.Href = ui.Absolute(ctx, i.Src), ui.Absolute(ctx, i.Href)
		if err := feedPicture(i).Render(ctx, &b); err != nil {
			return item, err
		}
		item.Pictures = append(item.Pictures, picture)
	}
	item.HTML = b.String()
	return item, nil
}

// keyOf gives the key of a blob by its address.
func keyOf(path string) string { return strings.TrimPrefix(path, "/media/") }

package post

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"exeunt/exit"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// one gives a post with where it stands, whether the viewer may see it or not.
func (r *Room) one(ctx context.Context, v who.Viewer, id who.ID) (Post, error) {
	p, err := r.store.one(ctx, v.Account, id)
	if err != nil {
		return p, err
	}
	list := []Post{p}
	err = r.place(ctx, v, list)
	return list[0], err
}

// One gives a post that the viewer may see, a skeleton too. NotFound otherwise.
func (r *Room) One(ctx context.Context, v who.Viewer, id who.ID) (Post, error) {
	p, err := r.one(ctx, v, id)
	if err == nil && !sees(v, p) {
		err = exit.Fail(exit.NotFound, "error.not_found")
	}
	return p, err
}

// ByAuthor gives a page of an account's own page, newest first, as far as the viewer may see it.
// Next with the same limit gives the cursor of the page after it.
func (r *Room) ByAuthor(ctx context.Context, v who.Viewer, author who.ID, c Cursor, limit int) ([]Post, error) {
	list, err := r.store.byAuthor(ctx, v.Account, author, c, limit)
	return seen(v, list), err
}

// Home gives a page of the newest posts of the viewer's places, of the accounts the viewer follows, and of the viewer.
func (r *Room) Home(ctx context.Context, v who.Viewer, c Cursor, limit int) ([]Post, error) {
	var mine []Place
	if r.Places != nil {
		var err error
		if mine, err = r.Places.Mine(ctx, v); err != nil {
			return nil, fmt.Errorf("read places: %w", err)
		}
	}
	list, err := r.store.home(ctx, v.Account, mine, c, limit)
	if err != nil {
		return nil, err
	}
	for i, p := range list {
		for _, m := range mine {
			if p.Service == m.Service && p.Place == m.ID {
				list[i].In = m
			}
		}
	}
	return seen(v, list), nil
}

// Things answers the registry for posts.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	list, err := r.store.byIDs(ctx, v.Account, ids)
	if err != nil {
		return nil, err
	}
	if err := r.place(ctx, v, list); err != nil {
		return nil, err
	}
	out := make([]service.Thing, len(list))
	for i, p := range list {
		out[i] = p.Thing(v)
	}
	return out, nil
}

// Thing gives what other rooms may know of a post, and what the viewer may do with it.
func (p Post) Thing(v who.Viewer) service.Thing {
	return service.Thing{Ref: p.Ref(), Owner: p.Author, Service: p.Service, Place: p.Place, Excerpt: Excerpt(p.Text), Link: p.Link(), See: sees(v, p), Talk: talks(v, p), Preview: previews(v, p)}
}

// Views gives posts as pages draw them: a query each for images, for names of mentions, for topics, for cards and for what the
// viewer has done with them, as far as there are any.
func (r *Room) Views(ctx context.Context, v who.Viewer, posts []Post) ([]ui.PostView, error) {
	var ids, pictured, tagged []who.ID
	var refs []who.Ref
	texts := make([]string, len(posts))
	for i, p := range posts {
		ids, texts[i] = append(ids, p.ID), p.Text
		if p.Images > 0 {
			pictured = append(pictured, p.ID)
		}
		if strings.Contains(p.Text, "#") {
			tagged = append(tagged, p.ID)
		}
		if p.Card.ID != 0 {
			refs = append(refs, p.Card)
		}
	}
	images, err := r.store.images(ctx, pictured)
	if err != nil {
		return nil, err
	}
	mentions, err := r.Mentions(ctx, v.Account, texts...)
	if err != nil {
		return nil, err
	}
	topics, err := r.store.topicsOf(ctx, tagged)
	if err != nil {
		return nil, err
	}
	cards, err := r.cards(ctx, v, refs)
	if err != nil {
		return nil, err
	}
	marks := map[who.ID]Mark{}
	if r.Marks != nil && !v.Guest() && len(ids) > 0 {
		if marks, err = r.Marks(ctx, v, ids); err != nil {
			return nil, err
		}
	}
	back := service.SessionOf(ctx).Path
	out := make([]ui.PostView, len(posts))
	for i, p := range posts {
		out[i] = view(ctx, v, p, images[p.ID], marks[p.ID], back)
		out[i].Mentions = withTopics(mentions, topics[p.ID])
		out[i].Card = cardIn(p, cards[p.Card])
	}
	return out, nil
}

// withTopics adds a post's topics to what its text links.
func withTopics(mentions map[string]ui.Mention, topics []Topic) map[string]ui.Mention {
	if len(topics) == 0 {
		return mentions
	}
	out := make(map[string]ui.Mention, len(mentions)+len(topics))
	maps.Copy(out, mentions)
	for _, t := range topics {
		out["#"+ui.TopicKey(t.Name)] = ui.Mention{Name: t.Name, Href: t.Link()}
	}
	return out
}

// view draws one post.
func view(ctx context.Context, v who.Viewer, p Post, images []Image, m Mark, back string) ui.PostView {
	id := p.ID.String()
	out := ui.PostView{
		ID: id, Href: p.Link(), Author: p.author(), At: p.At, Edited: !p.Edited.IsZero(), EditedAt: p.Edited, Text: p.Text, Audience: shown(p.Audience),
		Comments: p.Comments, Gone: p.State == Gone, Pinned: !p.Pinned.IsZero(), Featured: !p.Featured.IsZero(), Bar: stateBar(ctx, v, p),
		Like: ui.LikeView{ID: id, Count: p.Likes, Liked: m.Liked, Back: back, Circle: p.Service != Page},
	}
	if p.Summary != "" {
		out.Text = p.Summary + "\n\n" + p.Text
	}
	if p.In.Name != "" {
		out.Place = &ui.Link{Text: p.In.Name, Href: p.In.Href}
	}
	open := service.Allowed(ctx, exit.AllowWrite, p.Service, p.Place)
	if talks(v, p) && (open || m.Liked) { // what was done can be taken back
		out.Like.Action = "/talk/post/" + id + "/like"
	}
	if talks(v, p) && (open || m.Saved) {
		out.Saved = &ui.SaveView{Action: "/talk/post/" + id + "/save", Back: back, Saved: m.Saved}
	}
	if shares(v, p) {
		out.Share = "/share/post/" + id
	}
	for _, i := range images {
		if i.Key != "" {
			out.Images = append(out.Images, ui.ImageView{Src: service.MediaPath(i.Thumb), Href: service.MediaPath(i.Key), Alt: i.Alt, Width: i.Width, Height: i.Height})
		}
	}
	out.Menu = menu(ctx, v, p, back)
	return out
}

var stateWords = ui.Keys("post.state.", "submitted", "withheld", "submitted_staff", "withheld_staff")

// stateBar says why a post is not seen by others; nil if it is.
func stateBar(ctx context.Context, v who.Viewer, p Post) *ui.Notice {
	switch p.State {
	case Submitted:
		key := p.State
		if !owns(v, p) {
			key += "_staff"
			return &ui.Notice{Kind: ui.Info, Sentence: ui.T(ctx, stateWords[key]), Action: &ui.Link{Text: ui.T(ctx, "post.queue"), Href: queueLink(p)}}
		}
		return &ui.Notice{Kind: ui.Info, Sentence: ui.T(ctx, stateWords[key])}
	case Withheld:
		key := p.State
		if !owns(v, p) {
			key += "_staff"
		}
		return &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, stateWords[key]), Action: &ui.Link{Text: ui.T(ctx, "post.state.why"), Href: "/moderation/of/post/" + p.ID.String()}}
	}
	return nil
}

// menu gives what the viewer may do with a post.
func menu(ctx context.Context, v who.Viewer, p Post, back string) (out []ui.Action) {
	if arranges(v, p) {
		out = append(out, toggle(ctx, p, back, "feature", "star", p.Featured.IsZero(), "post.feature", "post.unfeature"),
			toggle(ctx, p, back, "pin", "pin", p.Pinned.IsZero(), "post.pin", "post.unpin"))
	}
	if changes(v, p) {
		out = append(out, ui.Action{Label: ui.T(ctx, "post.edit"), Href: p.Link() + "/edit", Icon: "pen-line"})
	}
	if removes(v, p) {
		out = append(out, ui.Action{Label: ui.T(ctx, "post.delete"), Href: p.Link() + "/delete", Icon: "trash-2"})
	}
	if takesOut(v, p) {
		out = append(out, relation.RemoveAction(ctx, p.Ref()))
	}
	if !v.Guest() && v.State == who.Active && p.Author != 0 && p.Author != v.Account {
		out = append(out, relation.MuteAction(ctx, p.Ref()), relation.ReportAction(ctx, p.Ref()))
	}
	return out
}

func toggle(ctx context.Context, p Post, back, verb, icon string, off bool, on, undo string) ui.Action {
	a := ui.Action{Label: ui.T(ctx, undo), Href: p.Link() + "/" + verb, Icon: icon, Post: true, Hidden: []ui.HiddenField{{Name: "on", Value: "0"}, {Name: "back", Value: back}}}
	if off {
		a.Label, a.Hidden[0].Value = ui.T(ctx, on), "1"
	}
	return a
}

// shown gives the audience's word on a card. Unlisted shows as public: everybody may see it.
func shown(a who.Audience) ui.Audience {
	switch kind, _ := a.Split(); kind {
	case "followers":
		return ui.AudienceFollowers
	case "only":
		return ui.AudienceOnly
	case "circle":
		return ui.AudienceCircle
	}
	return ui.AudiencePublic
}

package talk

import (
	"context"
	"net/url"
	"slices"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// marks tells the post room what the viewer has done with posts.
func (r *Room) marks(ctx context.Context, v who.Viewer, posts []who.ID) (map[who.ID]post.Mark, error) {
	marks, err := r.store.marks(ctx, v.Account, "post", posts)
	if err != nil {
		return nil, err
	}
	out := make(map[who.ID]post.Mark, len(posts))
	for _, id := range posts {
		out[id] = post.Mark{Liked: marks[id].Liked, Saved: marks[id].Saved}
	}
	return out, nil
}

// answersShown is how many answers stand beneath a comment in a list; its own page has all of them.
const answersShown = 5

// Comments gives a page of the threads on a thing that the viewer may see, in an order, from below the cursor on ("" for the
// first page). Next is the cursor of the page after it, "" if there is none. On what is played the pinned comment and those of friends stand before the others, on
// the first page alone. Seven queries at most, whatever the page holds.
func (r *Room) Comments(ctx context.Context, v who.Viewer, t service.Thing, o Order, below string, limit int) (views []ui.CommentView, next string, err error) {
	// One more than asked for tells whether there is a next page.
	tops, err := r.store.on(ctx, v.Account, t.Ref, o, parseCursor(below), limit+1)
	if err != nil || len(tops) == 0 || !t.See || t.Preview {
		return nil, "", err
	}
	if len(tops) > limit {
		tops = tops[:limit]
		next = after(tops[limit-1])
	}
	if tops, err = r.firstOf(ctx, v, t, tops, below == ""); err != nil {
		return nil, "", err
	}
	ids := make([]who.ID, len(tops))
	for i, c := range tops {
		ids[i] = c.ID
	}
	answers, err := r.store.firstAnswers(ctx, v.Account, ids, answersShown+1)
	if err != nil {
		return nil, "", err
	}
	d, err := r.drawer(ctx, v, t, append(append([]Comment(nil), tops...), answers...))
	if err != nil {
		return nil, "", err
	}
	beneath := map[who.ID][]Comment{}
	for _, c := range answers {
		beneath[c.Parent] = append(beneath[c.Parent], c)
	}
	for _, c := range tops {
		view := d.thread(ctx, c, beneath[c.ID], answersShown)
		if view.shown() {
			views = append(views, view.CommentView)
		}
	}
	return views, next, nil
}

// mostFirst is how many comments of friends stand before those of others.
const mostFirst = 3

// firstOf puts the comments that stand first before the others of a page, or, on a later page, leaves them out.
func (r *Room) firstOf(ctx context.Context, v who.Viewer, t service.Thing, tops []Comment, begins bool) ([]Comment, error) {
	if !r.played(t.Ref.Kind) {
		return tops, nil
	}
	first, err := r.store.first(ctx, v.Account, t.Ref, mostFirst)
	if err != nil || len(first) == 0 {
		return tops, err
	}
	var out []Comment
	if begins {
		out = slices.Clone(first)
	}
	for _, c := range tops {
		if !slices.ContainsFunc(first, func(f Comment) bool { return f.ID == c.ID }) {
			out = append(out, c)
		}
	}
	return out, nil
}

// thread is a comment with answers, as it is drawn.
type thread struct {
	ui.CommentView
	hidden bool // nothing of it is to be seen
}

// shown says whether there is anything to draw: the comment, or what hangs on it.
func (t thread) shown() bool { return !t.hidden }

// thread draws a comment with at most most of its answers; if there are more, the way to them.
func (d drawer) thread(ctx context.Context, c Comment, answers []Comment, most int) thread {
	view := thread{CommentView: d.draw(ctx, c)}
	more := len(answers) > most
	for _, a := range answers[:min(len(answers), most)] {
		if sees(d.viewer, a, d.staff) && !a.Gone {
			view.Answers = append(view.Answers, d.draw(ctx, a))
		}
	}
	if more {
		view.More = &ui.Link{Text: ui.T(ctx, "talk.answers.more"), Href: "/talk/comments/" + c.ID.String()}
	}
	view.hidden = (view.Gone || view.Veiled) && len(view.Answers) == 0 && !more
	return view
}

// drawer draws the comments of one page.
type drawer struct {
	viewer   who.Viewer
	thing    service.Thing
	staff    bool // the viewer moderates there
	played   bool // what they are about is
	mentions map[string]ui.Mention
	mine     map[who.ID]Mark
	back     string
}

func (r *Room) drawer(ctx context.Context, v who.Viewer, t service.Thing, comments []Comment) (drawer, error) {
	d := drawer{viewer: v, thing: t, played: r.played(t.Ref.Kind), back: service.SessionOf(ctx).Path}
	ids, texts := make([]who.ID, len(comments)), make([]string, len(comments))
	for i, c := range comments {
		ids[i], texts[i] = c.ID, c.Text
	}
	var err error
	if slices.ContainsFunc(comments, func(c Comment) bool { return c.Author != v.Account }) {
		if d.staff, err = r.moderates(ctx, v, t.Service, t.Place); err != nil {
			return d, err
		}
	}
	if d.mentions, err = r.Posts.Mentions(ctx, v.Account, texts...); err != nil {
		return d, err
	}
	d.mine, err = r.store.marks(ctx, v.Account, "comment", ids)
	return d, err
}

func (d drawer) draw(ctx context.Context, c Comment) ui.CommentView {
	id := c.ID.String()
	if c.Gone {
		return ui.CommentView{ID: id, At: c.At, Gone: true}
	}
	if !sees(d.viewer, c, d.staff) {
		return ui.CommentView{ID: id, At: c.At, Veiled: true}
	}
	out := ui.CommentView{
		ID: id, Author: person(c), At: c.At, Text: c.Text, Mentions: d.mentions,
		Like: ui.LikeView{ID: "comment-" + id, Count: c.Likes, Liked: d.mine[c.ID].Liked, Back: d.back, Circle: d.thing.Service == "circle"},
	}
	if d.thing.Talk && !c.Withheld && !c.Blocked && c.Moment == nil && service.Allowed(ctx, exit.AllowWrite, d.thing.Service, d.thing.Place) {
		out.Reply = d.thing.Link + "?reply=" + id + "#say"
		if c.Author != 0 {
			out.Like.Action = "/talk/comment/" + id + "/like"
		}
	}
	if c.Withheld {
		key := "withheld_staff"
		if c.Author == d.viewer.Account {
			key = "withheld"
		}
		out.Bar = &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, stateWords[key]), Action: &ui.Link{Text: ui.T(ctx, "talk.state.why"), Href: "/moderation/of/comment/" + id}}
	}
	if c.Pinned {
		out.Mark = ui.T(ctx, "talk.pinned")
	}
	if pins(d.viewer, c, d.thing, d.played) {
		word, on := ui.T(ctx, "talk.pin"), "1"
		if c.Pinned {
			word, on = ui.T(ctx, "talk.unpin"), "0"
		}
		out.Menu = append(out.Menu, ui.Action{
			Label: word, Href: "/talk/comments/" + id + "/pin", Icon: "pin", Post: true,
			Hidden: []ui.HiddenField{{Name: "on", Value: on}, {Name: "back", Value: d.back}},
		})
	}
	if removes(d.viewer, c, d.thing.Owner) {
		out.Menu = append(out.Menu, ui.Action{Label: ui.T(ctx, "talk.delete"), Href: "/talk/comments/" + id + "/delete?back=" + url.QueryEscape(d.back), Icon: "trash-2"})
	}
	if takesOut(d.viewer, c, d.staff) {
		out.Menu = append(out.Menu, relation.RemoveAction(ctx, c.Ref()))
	}
	if v := d.viewer; !v.Guest() && v.State == who.Active && c.Author != 0 && c.Author != v.Account {
		out.Menu = append(out.Menu, relation.ReportAction(ctx, c.Ref()))
	}
	return out
}

var stateWords = ui.Keys("talk.state.", "withheld", "withheld_staff")

func person(c Comment) ui.PersonView {
	if c.Author == 0 || c.Name == "" {
		return ui.PersonView{Left: true}
	}
	v := ui.PersonView{Name: c.Display, Handle: c.Name, Href: "/@" + c.Name, Avatar: service.MediaPath(c.Avatar)}
	if v.Name == "" {
		v.Name = c.Name
	}
	return v
}

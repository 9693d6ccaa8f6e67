package page

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// kindWords are the names of what circles are about.
var kindWords = ui.Keys("circle.category.", "life", "outdoors", "reading", "study", "work", "tech", "arts", "games", "food", "family", "local", "other")

// findCircles fills in circles that the viewer could join: some of the kinds of the viewer's own circles, then the
// largest, then the newest.
func (r *Room) findCircles(ctx context.Context, v who.Viewer, view *discoverView) error {
	if r.Registry == nil {
		if r.Circles == nil {
			return nil
		}
		var err error
		view.Few, err = r.Circles(ctx, v, suggested)
		return err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	found, err := r.store.circles(ctx, v.Account, now, suggested)
	if err != nil {
		return err
	}
	refs := make([]who.Ref, len(found))
	for i, c := range found {
		refs[i] = who.Ref{Kind: "circle", ID: c.id}
	}
	things, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return err
	}
	for i, c := range found {
		if t := things[refs[i]]; t.See && service.Allowed(ctx, exit.AllowEntrance, t.Service, t.Place) {
			view.Circles = append(view.Circles, c.view(ctx, t))
		}
	}
	view.Kinds, err = r.store.kinds(ctx)
	return err
}

var circleWhy = ui.Keys("page.circle.why.", "kin", "large", "new")

func (c foundCircle) view(ctx context.Context, t service.Thing) ui.CircleView {
	kind := ""
	if key, ok := kindWords[c.kind]; ok {
		kind = ui.T(ctx, key)
	}
	return ui.CircleView{
		Name: t.Title, Href: t.Link, About: t.Excerpt, Avatar: service.MediaPath(c.avatar), Members: int(c.members), Badge: kind,
		Why: ui.T(ctx, circleWhy[c.why], "Kind", kind),
	}
}

// topicView is a topic on Discover.
type topicView struct{ Name, Href, About string }

// Bounds of the topics on Discover: those of the newest posts with topics of the last two weeks.
const (
	topicsShown  = 10
	topicDays    = 14
	topicsLately = 2000
)

// topics gives the topics that were written about most lately, of public own pages and of the viewer's circles.
func (r *Room) topics(ctx context.Context, v who.Viewer, pages, circles bool) ([]topicView, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return nil, err
	}
	found, err := r.store.topics(ctx, v.Account, now.AddDate(0, 0, -topicDays), pages, circles)
	if err != nil {
		return nil, err
	}
	refs := make([]who.Ref, len(found))
	for i, t := range found {
		refs[i] = who.Ref{Kind: "topic", ID: t.id}
	}
	things := map[who.Ref]service.Thing{}
	if r.Registry != nil {
		if things, err = r.Registry.Things(ctx, v, refs); err != nil {
			return nil, err
		}
	}
	var out []topicView
	for i, t := range found {
		thing := things[refs[i]]
		if !thing.See || !service.Allowed(ctx, exit.AllowEntrance, thing.Service, thing.Place) {
			continue
		}
		about := ui.T(ctx, "page.topic.posts", "Count", t.posts)
		if thing.Excerpt != "" {
			about = thing.Excerpt + " · " + about
		}
		out = append(out, topicView{t.name, thing.Link, about})
	}
	return out, nil
}

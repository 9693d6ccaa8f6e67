package post

import (
	"context"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Bounds of topics.
const (
	mostTopics       = 100 // of a place
	mostPostTopics   = 10  // of a post; further ones stay plain text
	topicsSuggested  = 20
	longestTopicName = ui.LongestTopic
)

// Topic is what posts are about. Those of a place are made by who moderates it. Those of own pages are made by writing
// them in a public post, and go with their last post.
type Topic struct {
	ID      who.ID
	Service string
	Place   who.ID // 0: of own pages
	Name    string // without #
	Posts   int    // living ones
	Closed  bool   // no further posts
	At      time.Time
}

// The states of a topic.
const (
	topicOpen   = "live"
	topicClosed = "closed"
)

// Ref names the topic for other rooms.
func (t Topic) Ref() who.Ref { return who.Ref{Kind: "topic", ID: t.ID} }

// Link is the address of the topic's page.
func (t Topic) Link() string {
	if t.Service == Channels {
		return "/channels/topics/" + t.ID.String()
	}
	return "/topics/" + t.ID.String()
}

// Topics gives the topics of a place, the fullest first, at most 100: a place has no more. Nothing where the viewer sees
// nothing. Of own pages it gives the fullest 20.
func (r *Room) Topics(ctx context.Context, v who.Viewer, p Place) ([]Topic, error) {
	if p.Service == Page {
		return r.store.topics(ctx, Place{Service: Page}, topicsSuggested)
	}
	if !p.See && !staffed(v, Post{Service: p.Service, In: p}) {
		return nil, nil
	}
	return r.store.topics(ctx, p, mostTopics)
}

// Topic gives a topic and where it stands, as the viewer may see it; NotFound otherwise.
func (r *Room) Topic(ctx context.Context, v who.Viewer, id who.ID) (Topic, Place, error) {
	t, err := r.store.topic(ctx, id)
	if err != nil {
		return t, Place{}, err
	}
	p, err := r.placeOf(ctx, v, t.Service, t.Place)
	if err != nil {
		return t, p, err
	}
	if t.Service == Page {
		shown, err := r.store.shownTopics(ctx, v.Account, []who.ID{id})
		if err != nil {
			return t, p, err
		}
		p.See = shown[id]
	}
	if !p.See {
		err = exit.Fail(exit.NotFound, "error.not_found")
	}
	return t, p, err
}

// placeOf gives a place with what the viewer may do there; that of own pages is open to everybody.
func (r *Room) placeOf(ctx context.Context, v who.Viewer, service string, id who.ID) (Place, error) {
	if service == Page {
		return Place{Service: Page, See: true}, nil
	}
	if r.Places == nil {
		return Place{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	known, err := r.Places.Known(ctx, v, service, []who.ID{id})
	if err != nil {
		return Place{}, err
	}
	p, ok := known[id]
	if !ok {
		return p, exit.Fail(exit.NotFound, "error.not_found")
	}
	return p, nil
}

// topicName gives a name as it is stored, or refuses it.
func topicName(name string) (string, error) {
	name = strings.Trim(strings.TrimSpace(name), "#")
	if utf8.RuneCountInString(name) > longestTopicName {
		return "", exit.Fail(exit.Invalid, "post.error.topic_long", "Most", longestTopicName)
	}
	if got := ui.Hashtags("#" + name); len(got) != 1 || got[0] != name || !strings.ContainsFunc(name, unicode.IsLetter) {
		return "", exit.Fail(exit.Invalid, "post.error.topic_name")
	}
	return name, nil
}

// NewTopic makes a topic of a place. Forbidden for who does not moderate there, Conflict if there is one of that name or
// there are too many.
func (r *Room) NewTopic(ctx context.Context, v who.Viewer, p Place, name string) (who.ID, error) {
	return r.newTopic(ctx, v, p, name, r.noted)
}

// BringTopic is NewTopic for a topic that comes back with its place, closed if it was: that is no act of somebody who answers for it.
func (r *Room) BringTopic(ctx context.Context, v who.Viewer, p Place, name string, closed bool) error {
	_, err := r.newTopic(ctx, v, p, name, func(ctx context.Context, pass service.Pass, _ who.Viewer, d Deed) error {
		if !closed {
			return nil
		}
		return r.store.closeTopic(ctx, pass, d.Ref.ID, true)
	})
	return err
}

func (r *Room) newTopic(ctx context.Context, v who.Viewer, p Place, name string, noted func(context.Context, service.Pass, who.Viewer, Deed) error) (who.ID, error) {
	name, err := topicName(name)
	if err != nil {
		return 0, err
	}
	t := Topic{ID: r.DB.IDs.Next(), Service: p.Service, Place: p.ID, Name: name}
	return t.ID, r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.manage(ctx, v, p)
		if err != nil {
			return err
		}
		n, err := r.store.topicCount(ctx, p)
		if err != nil {
			return err
		}
		if n >= mostTopics {
			return exit.Fail(exit.Conflict, "post.error.topics", "Most", mostTopics)
		}
		t.At = pass.At
		if err := r.store.addTopic(ctx, pass, t); err != nil {
			return err
		}
		if err := r.indexTopic(ctx, pass, t); err != nil {
			return err
		}
		return noted(ctx, pass, v, deedOnTopic(DeedAddTopic, t))
	})
}

// manage lets through the fence who moderates a place.
func (r *Room) manage(ctx context.Context, v who.Viewer, p Place) (service.Pass, error) {
	now, err := r.placeOf(ctx, v, p.Service, p.ID)
	if err != nil {
		return service.Pass{}, err
	}
	if p.Service == Page || !now.Staff || v.State != who.Active {
		return service.Pass{}, exit.Fail(exit.Forbidden, "post.error.staff")
	}
	return r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.ID})
}

// RenameTopic gives a topic of a place another name; posts that say the old one stay with the topic.
func (r *Room) RenameTopic(ctx context.Context, v who.Viewer, id who.ID, name string) error {
	name, err := topicName(name)
	if err != nil {
		return err
	}
	return r.changeTopic(ctx, v, id, func(ctx context.Context, pass service.Pass, t Topic) error {
		if t.Name == name {
			return nil
		}
		d := deedOnTopic(DeedRenameTopic, t)
		d.Detail = t.Name + renamed + name
		t.Name = name
		if err := r.renameTopic(ctx, pass, t); err != nil {
			return err
		}
		return r.noted(ctx, pass, v, d)
	})
}

func (r *Room) renameTopic(ctx context.Context, pass service.Pass, t Topic) error {
	if err := r.store.renameTopic(ctx, pass, t); err != nil {
		return err
	}
	return r.indexTopic(ctx, pass, t)
}

// CloseTopic keeps further posts out of a topic of a place, or opens it again. What it has stays.
func (r *Room) CloseTopic(ctx context.Context, v who.Viewer, id who.ID, closed bool) error {
	return r.changeTopic(ctx, v, id, func(ctx context.Context, pass service.Pass, t Topic) error {
		if t.Closed == closed {
			return nil
		}
		if err := r.store.closeTopic(ctx, pass, t.ID, closed); err != nil {
			return err
		}
		return r.noted(ctx, pass, v, deedOnTopic(either(closed, DeedClose, DeedReopen), t))
	})
}

func (r *Room) changeTopic(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Topic) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		t, err := r.store.topic(ctx, id)
		if err != nil {
			return err
		}
		pass, err := r.manage(ctx, v, Place{Service: t.Service, ID: t.Place})
		if err != nil {
			return err
		}
		return fn(ctx, pass, t)
	})
}

// TopicKind tells the registry of topics.
func (r *Room) TopicKind() service.Kind {
	return service.Kind{Name: "topic", Table: "topics", Keeper: topicKeeper{r}}
}

// topicKeeper answers the registry for topics.
type topicKeeper struct{ room *Room }

// Things gives those of the topics that exist; who sees their place sees them, and one of own pages who sees a post under it.
func (k topicKeeper) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	list, err := k.room.store.topicsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	stand := make([]Post, len(list))
	for i, t := range list {
		stand[i] = Post{Service: t.Service, Place: t.Place}
	}
	if err := k.room.place(ctx, v, stand); err != nil {
		return nil, err
	}
	shown, err := k.room.store.shownTopics(ctx, v.Account, ids)
	if err != nil {
		return nil, err
	}
	if k.room.ShownTopics != nil {
		others, err := k.room.ShownTopics(ctx, v, ids)
		if err != nil {
			return nil, err
		}
		maps.Copy(shown, others)
	}
	out := make([]service.Thing, len(list))
	for i, t := range list {
		out[i] = service.Thing{
			Ref: t.Ref(), Service: t.Service, Place: t.Place, Title: "#" + t.Name, Excerpt: stand[i].In.Name, Link: t.Link(), See: shown[t.ID] || t.Service != Page && stand[i].In.See,
		}
	}
	return out, nil
}

// tags gives the topics that a post's text names, by their keys, in their order. A post on the own page has topics only if
// everybody may see it: they are listed.
func tags(p Post) (names []string) {
	if p.Service == Page && p.Audience != who.Public {
		return nil
	}
	had := map[string]bool{}
	for _, name := range ui.Hashtags(p.Text) {
		if key := ui.TopicKey(name); !had[key] && len(names) < mostPostTopics {
			had[key], names = true, append(names, name)
		}
	}
	return names
}

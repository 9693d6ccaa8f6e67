package channel

import (
	"context"

	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// mostTopics bounds the topics of a video; further ones stay plain text.
const mostTopics = 10

// topicNames gives the topics that a video's words name, in their order. Only what everybody may see stands under topics: they are listed.
func topicNames(x Video) (names []string) {
	if x.Audience != who.Public {
		return nil
	}
	had := map[string]bool{}
	for _, name := range ui.Hashtags(x.Title + "\n" + x.Text) {
		if key := ui.TopicKey(name); !had[key] && len(names) < mostTopics {
			had[key], names = true, append(names, name)
		}
	}
	return names
}

// doc gives what can be found of a published video.
func doc(x Video) search.Doc {
	return search.Doc{Ref: x.Ref(), Owner: x.Owner, Service: Name, Audience: x.Audience, Title: x.Title, Text: x.Text, At: x.At}
}

// appear has videos that just came to be seen be found and stand under their topics.
func (r *Room) appear(ctx context.Context, pass service.Pass, list ...Video) error {
	if len(list) == 0 {
		return nil
	}
	var names []string
	docs := make([]search.Doc, len(list))
	for i, x := range list {
		names, docs[i] = append(names, topicNames(x)...), doc(x)
	}
	if len(names) > 0 {
		topics, err := r.Posts.NameTopics(ctx, pass, Name, names)
		if err != nil {
			return err
		}
		ids := make(map[string]who.ID, len(topics))
		for _, t := range topics {
			ids[ui.TopicKey(t.Name)] = t.ID
		}
		if err := r.store.link(ctx, pass, list, ids); err != nil {
			return err
		}
	}
	return r.Search.Put(ctx, pass, docs...)
}

// vanish takes videos out of topics and search.
func (r *Room) vanish(ctx context.Context, pass service.Pass, list ...Video) error {
	if len(list) == 0 {
		return nil
	}
	topics, err := r.store.unlink(ctx, pass, idsOf(list))
	if err != nil {
		return err
	}
	if err := r.Posts.DropTopics(ctx, pass, topics); err != nil {
		return err
	}
	refs := make([]who.Ref, len(list))
	for i, x := range list {
		refs[i] = x.Ref()
	}
	return r.Search.Drop(ctx, pass, refs...)
}

// Source gives the videos to be found, for a new index.
func (r *Room) Source() search.Source { return source{r} }

type source struct{ room *Room }

// Kind is the kind of its refs.
func (source) Kind() string { return search.Video }

// Docs gives published videos by id.
func (s source) Docs(ctx context.Context, after who.ID, limit int) (docs []search.Doc, last who.ID, more bool, err error) {
	list, err := s.room.store.livingAbove(ctx, after, limit)
	for _, x := range list {
		docs, last = append(docs, doc(x)), x.ID
	}
	return docs, last, len(list) == limit, err
}

// Words gives titles and texts of videos.
func (s source) Words(ctx context.Context, ids []who.ID) (map[who.ID]search.Words, error) {
	list, err := s.room.store.byIDs(ctx, 0, ids)
	out := make(map[who.ID]search.Words, len(list))
	for _, x := range list {
		out[x.ID] = search.Words{Title: x.Title, Text: x.Text}
	}
	return out, err
}

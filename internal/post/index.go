package post

import (
	"context"
	"maps"
	"slices"

	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// doc gives what can be found of a living post.
func doc(p Post) search.Doc {
	text := p.Text
	if p.Summary != "" {
		text = p.Summary + "\n" + text
	}
	return search.Doc{Ref: p.Ref(), Owner: p.Author, Service: p.Service, Place: p.Place, Audience: p.Audience, Text: text, At: p.At}
}

func (r *Room) index(ctx context.Context, pass service.Pass, posts []Post) error {
	docs := make([]search.Doc, len(posts))
	for i, p := range posts {
		docs[i] = doc(p)
	}
	return r.Search.Put(ctx, pass, docs...)
}

func (r *Room) unindex(ctx context.Context, pass service.Pass, posts []Post) error {
	refs := make([]who.Ref, len(posts))
	for i, p := range posts {
		refs[i] = p.Ref()
	}
	return r.Search.Drop(ctx, pass, refs...)
}

// topicDoc gives what can be found of a topic. Topics of own pages are open to everybody, those of a place to those who see it.
func topicDoc(t Topic) search.Doc {
	d := search.Doc{Ref: t.Ref(), Service: t.Service, Place: t.Place, Audience: who.Public, Title: t.Name, At: t.At}
	if t.Place != 0 {
		d.Audience = who.CircleOnly(t.Place)
	}
	return d
}

func (r *Room) indexTopic(ctx context.Context, pass service.Pass, t Topic) error {
	return r.Search.Put(ctx, pass, topicDoc(t))
}

// indexTags has the topics of own pages be found, which are made by the posts that name them.
func (r *Room) indexTags(ctx context.Context, pass service.Pass, posts []Post) error {
	if r.Search == nil {
		return nil
	}
	tags, err := r.store.topicsOf(ctx, idsOf(posts))
	if err != nil {
		return err
	}
	docs := map[who.ID]search.Doc{}
	for _, list := range tags {
		for _, t := range list {
			if t.Service == Page {
				docs[t.ID] = topicDoc(t)
			}
		}
	}
	return r.Search.Put(ctx, pass, slices.Collect(maps.Values(docs))...)
}

// unindexTags has topics no longer be found that went with the last post that named them.
func (r *Room) unindexTags(ctx context.Context, pass service.Pass, tags map[who.ID][]Topic) error {
	var ids []who.ID
	for _, list := range tags {
		for _, t := range list {
			ids = append(ids, t.ID)
		}
	}
	if r.Search == nil || len(ids) == 0 {
		return nil
	}
	left, err := r.store.topicsByID(ctx, ids)
	if err != nil {
		return err
	}
	var gone []who.Ref
	for _, id := range ids {
		if !slices.ContainsFunc(left, func(t Topic) bool { return t.ID == id }) {
			gone = append(gone, who.Ref{Kind: search.Topic, ID: id})
		}
	}
	return r.Search.Drop(ctx, pass, gone...)
}

// Source gives the posts to be found, for a new index.
func (r *Room) Source() search.Source { return source{r} }

type source struct{ room *Room }

// Kind is the kind of its refs.
func (source) Kind() string { return search.Post }

// Docs gives living posts by id.
func (s source) Docs(ctx context.Context, after who.ID, limit int) (docs []search.Doc, last who.ID, more bool, err error) {
	posts, err := s.room.store.livingAbove(ctx, after, limit)
	for _, p := range posts {
		docs, last = append(docs, doc(p)), p.ID
	}
	return docs, last, len(posts) == limit, err
}

// Words gives the texts of posts.
func (s source) Words(ctx context.Context, ids []who.ID) (map[who.ID]search.Words, error) {
	list, err := s.room.store.byIDs(ctx, 0, ids)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = doc(p).Text
	}
	// Whom a text mentions is named as on the post's own page; nobody is found by it.
	if texts, err = s.room.Decode(ctx, service.ViewerOf(ctx).Account, texts...); err != nil {
		return nil, err
	}
	out := make(map[who.ID]search.Words, len(list))
	for i, p := range list {
		out[p.ID] = search.Words{Text: texts[i]}
	}
	return out, nil
}

// TopicSource gives the topics to be found, for a new index.
func (r *Room) TopicSource() search.Source { return topicSource{r} }

type topicSource struct{ room *Room }

// Kind is the kind of its refs.
func (topicSource) Kind() string { return search.Topic }

// Docs gives topics by id.
func (s topicSource) Docs(ctx context.Context, after who.ID, limit int) (docs []search.Doc, last who.ID, more bool, err error) {
	topics, err := s.room.store.topicsAbove(ctx, after, limit)
	for _, t := range topics {
		docs, last = append(docs, topicDoc(t)), t.ID
	}
	return docs, last, len(topics) == limit, err
}

// Words gives the names of topics.
func (s topicSource) Words(ctx context.Context, ids []who.ID) (map[who.ID]search.Words, error) {
	list, err := s.room.store.topicsByID(ctx, ids)
	out := make(map[who.ID]search.Words, len(list))
	for _, t := range list {
		out[t.ID] = search.Words{Title: t.Name}
	}
	return out, err
}

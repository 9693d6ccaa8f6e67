package post

import (
	"context"
	"slices"

	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Channels is the service whose topics are those of videos: made by naming them, and gone with their last video.
const Channels = "channel"

// NameTopics gives those topics of a service's things, of no place, that the names name, and makes those that are not there; they can be found from
// now on. What stands under them, and their counts, are the service's own.
func (r *Room) NameTopics(ctx context.Context, pass service.Pass, service string, names []string) ([]Topic, error) {
	list := make([]tagged, 0, len(names))
	first := map[string]string{}
	for _, name := range names {
		if key := ui.TopicKey(name); first[key] == "" {
			first[key], list = name, append(list, tagged{service, 0, key})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if err := r.store.makeTopics(ctx, pass, list, first); err != nil {
		return nil, err
	}
	topics, err := r.store.tagged(ctx, list)
	if err != nil {
		return nil, err
	}
	docs := make([]search.Doc, len(topics))
	for i, t := range topics {
		docs[i] = topicDoc(t)
	}
	return topics, r.Search.Put(ctx, pass, docs...)
}

// DropTopics has those of the topics no longer be found that are gone.
func (r *Room) DropTopics(ctx context.Context, pass service.Pass, ids []who.ID) error {
	if len(ids) == 0 {
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

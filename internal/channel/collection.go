package channel

import (
	"context"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// The bounds of collections.
const (
	mostCollections    = 200
	mostCollectionText = 500 // characters
)

// Collection is a row of videos that a channel has put together.
type Collection struct {
	ID, Owner   who.ID
	Title, Text string
	Videos      int64 // those that everybody may see
	Picture     string
}

// CollectionPath gives the address of a collection.
func CollectionPath(id who.ID) string { return "/collections/" + id.String() }

// SaveCollection makes a collection of the viewer's, or gives the one that is there other words; id 0 makes one.
func (r *Room) SaveCollection(ctx context.Context, v who.Viewer, id who.ID, title, text string) (who.ID, error) {
	title, text = strings.Join(strings.Fields(title), " "), lines(text)
	switch {
	case title == "" || !fits(title, mostName, "") || who.Hides(title):
		return 0, exit.Fail(exit.Invalid, "channel.error.collection_title", "Count", mostName)
	case !fits(text, mostCollectionText, "\n\t"):
		return 0, exit.Fail(exit.Invalid, "channel.error.collection_text", "Count", mostCollectionText)
	}
	c := Collection{ID: id, Owner: v.Account, Title: title, Text: text}
	err := r.own(ctx, v, func(ctx context.Context, pass service.Pass) error {
		if _, err := r.mine(ctx, v); err != nil {
			return err
		}
		if err := r.maySay(ctx, pass, v, title, text); err != nil {
			return err
		}
		if id != 0 {
			return r.store.changeCollection(ctx, pass, c)
		}
		n, err := r.store.collectionCount(ctx, v.Account)
		if err != nil {
			return err
		}
		if n >= mostCollections {
			return exit.Fail(exit.Conflict, "channel.error.collections", "Count", mostCollections)
		}
		c.ID = r.DB.IDs.Next()
		return r.store.addCollection(ctx, pass, c)
	})
	return c.ID, err
}

// MoveInCollection has a video of the viewer's collection change places with the one before it, or after it.
func (r *Room) MoveInCollection(ctx context.Context, v who.Viewer, id, video who.ID, before bool) error {
	return r.own(ctx, v, func(ctx context.Context, pass service.Pass) error {
		return r.store.swap(ctx, pass, v.Account, id, video, before)
	})
}

// DropCollection takes a collection of the viewer's apart; its videos stay.
func (r *Room) DropCollection(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Removal: true})
		if err != nil {
			return err
		}
		return r.store.dropCollection(ctx, pass, v.Account, id)
	})
}

// Collection gives a collection and its channel, as the viewer may see it.
func (r *Room) Collection(ctx context.Context, v who.Viewer, id who.ID) (Collection, Channel, error) {
	c, err := r.store.collection(ctx, id)
	if err != nil {
		return c, Channel{}, err
	}
	owner, err := r.Channel(ctx, v, c.Owner)
	return c, owner, err
}

// errNoCollection is what a collection answers that is not there.
func errNoCollection() error { return exit.Fail(exit.NotFound, "channel.error.no_collection") }

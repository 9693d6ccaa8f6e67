package post

import (
	"context"
	"strings"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
)

// Holder keeps posts, drafts, their images, cards of accounts in others' posts, and links that were brought along from elsewhere.
type Holder struct {
	exitsql.Ending
	room *Room
	// Posts that are detached are of two sorts: what nobody could see any more is erased, the rest stays.
	hidden, stays exitsql.Table
}

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	posts := exitsql.Table{
		Name: "posts", Owner: "author_id", Key: "id", Bytes: "octet_length(text)", Service: "service", Place: "place_id",
		OwnerID: exitsql.IntegerID, PlaceID: exitsql.IntegerID, DB: r.DB.Reader,
		Stays: othersTalk, StaysAs: asSkeleton,
		Where: `state <> 'draft'`, Also: append(uncounted("{rows} r"), hung("{rows} r")...),
	}
	drafts := posts
	drafts.Where = `state = 'draft'`
	hidden, stays := posts, posts
	hidden.Where = `state <> 'draft' and (state <> 'live' or ` + narrow + `)`
	stays.Where, stays.Detach = `state = 'live' and not (`+narrow+`)`, asDeparted
	stays.AlsoDetach = []string{`update mentions set author_id = null where ref_kind = 'post' and ref_id in (select r.id from {rows} r)`}
	images := exitsql.Table{
		Name: "post_images", Owner: "author_id", Key: "id", Bytes: "bytes", Scope: imagesIn, OwnerID: exitsql.IntegerID, DB: r.DB.Reader,
		Also: []string{
			blob.DoomSQL("{rows} r", "r.key", "r.author_id"),
			blob.DoomSQL("{rows} r", "r.thumb", "r.author_id"),
			`update posts set images = images - g.n from (select r.post_id, count(*) as n from {rows} r group by r.post_id) g where posts.id = g.post_id`,
		},
	}
	// Cards of an account lie in others' posts, which stay: they say that it is no longer visible.
	cards := exitsql.Table{
		Name: "posts", Owner: "card_id", Key: "id", Where: `card_kind = 'account'`, Service: "service", Place: "place_id",
		OwnerID: exitsql.IntegerID, PlaceID: exitsql.IntegerID, DB: r.DB.Reader, Stays: `id > 0`, StaysAs: `card_id = 0`,
	}
	links := exitsql.Table{Name: "kept_links", Owner: "account_id", Key: "id", Bytes: "octet_length(uri)", OwnerID: exitsql.IntegerID, DB: r.DB.Reader}
	tables := exitsql.Tables{"posts": {posts}, "drafts": {drafts}, "cards": {cards}, "images": {images}, "links": {links}}
	return &Holder{Ending: exitsql.Ending{Tables: tables, All: endingOf(posts, drafts, images, links)}, room: r, hidden: hidden, stays: stays}
}

// endingOf gives what goes with a service, a circle or the install: posts of nobody and skeletons too, and topics. What is talked about them is in the same
// place and goes by itself.
func endingOf(posts, drafts, images, links exitsql.Table) exitsql.Tables {
	posts.Also, drafts.Also = untagged("{rows} r"), nil
	topics := exitsql.Table{
		Name: "topics", Key: "id", Bytes: "octet_length(name)", Service: "service", Place: "place_id", PlaceID: exitsql.IntegerID, DB: posts.DB, Where: `service <> 'channel'`,
		Also: []string{`delete from post_topics where topic_id in (select r.id from {rows} r)`},
	}
	return exitsql.Tables{"posts": exitsql.Whole(posts, topics), "drafts": exitsql.Whole(drafts), "images": {images}, "links": {links}}
}

// imagesIn narrows images to those of posts in a service or a place.
func imagesIn(s exit.Subject, arg func(value any) string) (string, error) {
	where := `o.service = ` + arg(s.Service())
	if s.Place() != "" {
		place, err := exitsql.IntegerID(s.Place())
		if err != nil {
			return "", err
		}
		where += ` and o.place_id = ` + arg(place)
	}
	return `exists (select 1 from posts o where o.id = post_images.post_id and ` + where + `)`, nil
}

// Name is the holder's name.
func (h *Holder) Name() string { return "post" }

// Classes declares what the room keeps. Links belong to the page they were brought to.
func (h *Holder) Classes() []exit.Class {
	both := []string{"circle", Page}
	return []exit.Class{
		{
			Name: "images", Services: both, EndsWith: both, Exported: true, Imported: true, Manners: []exit.Manner{exit.Erase},
			Places: []exit.Place{{Table: "post_images", Column: "author_id"}, {Blobs: "posts/"}},
		},
		{
			Name: "cards", Places: []exit.Place{{Table: "posts", Column: "card_id"}},
		},
		{
			Name: "drafts", Services: both, EndsWith: both, Exported: true, Imported: true,
			Places: []exit.Place{{Table: "posts", Column: "author_id"}},
			After:  []exit.Order{{Class: "post.images", Why: "post.order.images"}},
		},
		{
			Name: "links", Services: []string{Page}, EndsWith: []string{Page}, Exported: true, Imported: true,
			Places: []exit.Place{{Table: "kept_links", Column: "account_id"}},
		},
		{
			Name: "posts", Services: both, EndsWith: both, Exported: true, Imported: true, Manners: []exit.Manner{exit.Erase, exit.Detach},
			Places: []exit.Place{{Table: "posts", Column: "author_id"}},
			After:  []exit.Order{{Class: "post.images", Why: "post.order.images"}},
		},
	}
}

// The two phases of detaching posts, as they stand before the cursor.
const (
	phaseHidden = "hidden/"
	phaseStays  = "stays/"
)

// Erase does one chunk. Detached posts stay as those of "a member who left"; what only the author or
// the author's followers could see, or nobody saw yet or any more, would be seen by nobody then, and is erased.
func (h *Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Class != "posts" || t.Manner != exit.Detach {
		return h.Ending.Erase(ctx, t)
	}
	if cursor, ok := strings.CutPrefix(t.Cursor, phaseStays); ok {
		t.Cursor = cursor
		p, err := h.stays.Erase(ctx, t)
		p.Cursor = phaseStays + p.Cursor
		return p, err
	}
	t.Cursor, t.Manner = strings.TrimPrefix(t.Cursor, phaseHidden), exit.Erase
	p, err := h.hidden.Erase(ctx, t)
	p.Cursor = phaseHidden + p.Cursor
	if p.Done {
		p.Done, p.Cursor = false, phaseStays
	}
	return p, err
}

var (
	_ exit.Holder   = (*Holder)(nil)
	_ exit.Counter  = (*Holder)(nil)
	_ exit.Ender    = (*Holder)(nil)
	_ exit.Exporter = (*Holder)(nil)
	_ exit.Importer = (*Holder)(nil)
)

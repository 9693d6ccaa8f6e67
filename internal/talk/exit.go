package talk

import (
	"context"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/service"
)

// Holder keeps comments, likes, favourites and mentions.
type Holder struct{ room *Room }

// Holder gives the room's holder.
func (r *Room) Holder() *Holder { return &Holder{r} }

// tables gives the tables of each class. They are put together when they are asked for: the registry is full then, and
// its kinds have the counters that are corrected.
func (h *Holder) tables() exitsql.Tables {
	counted := h.room.counted()
	comments := h.table("comments", "author_id", "octet_length(text)", hung(counted)...)
	comments.Stays, comments.StaysAs, comments.Detach = otherAnswers, asTombstone, asDeparted
	comments.AlsoDetach = []string{`update mentions set author_id = null where ref_kind = 'comment' and ref_id in (select r.id from {rows} r)`}
	written := h.table("mentions", "author_id", "")
	written.Where = "account_id <> author_id"
	return exitsql.Tables{
		"comments":   {comments},
		"likes":      {h.table(string(likes), "account_id", "", unlike(h.room.liked())...)},
		"favourites": {h.table(string(favourites), "account_id", "")},
		"mentions":   {h.table("mentions", "account_id", "", rename("posts", "post"), rename("videos", "video"), rename("comments", "comment")), written},
	}
}

// all gives the tables of what goes with a service, a place or the install. All that is talked about there goes too, so no counts are corrected, and no mention is
// taken out of a text.
func (h *Holder) all() exitsql.Tables {
	return exitsql.Tables{
		"comments":   {h.table("comments", "author_id", "octet_length(text)")},
		"likes":      {h.table(string(likes), "account_id", "")},
		"favourites": {h.table(string(favourites), "account_id", "")},
		"mentions":   {h.table("mentions", "account_id", "")},
	}
}

func (h *Holder) ending() exitsql.Ending { return exitsql.Ending{Tables: h.tables(), All: h.all()} }

func (h *Holder) table(name, owner, bytes string, also ...string) exitsql.Table {
	return exitsql.Table{
		Name: name, Owner: owner, Key: "id", Bytes: bytes, Service: "service", Place: "place_id",
		OwnerID: exitsql.IntegerID, PlaceID: exitsql.IntegerID, DB: h.room.DB.Reader, Also: also,
	}
}

// unlike corrects the counts of what was liked: an account likes a thing once.
func unlike(counted []service.Kind) []string {
	var out []string
	for _, k := range counted {
		out = append(out, `update `+k.Table+` set likes = likes - 1 where id in (select r.ref_id from {rows} r where r.ref_kind = '`+k.Name+`')`)
		out = append(out, heat(k)...)
	}
	return out
}

// rename takes the id of who is mentioned out of others' texts; the mention reads as one of somebody who left.
func rename(table, kind string) string {
	return `update ` + table + ` set text = replace(text, (select '@{' || cast(max(r.account_id) as text) || '}' from {rows} r), '@{0}')
		where id in (select r.ref_id from {rows} r where r.ref_kind = '` + kind + `')`
}

// Name is the holder's name.
func (h *Holder) Name() string { return "talk" }

// Classes declares what the room keeps. Mentions go after the texts: what is detached keeps the mentions
// of others until they leave themselves.
func (h *Holder) Classes() []exit.Class {
	all := []string{"channel", "circle", "page"}
	in := func(table string, columns ...string) (out []exit.Place) {
		for _, c := range columns {
			out = append(out, exit.Place{Table: table, Column: c})
		}
		return out
	}
	return []exit.Class{
		{
			Name: "comments", Services: all, EndsWith: all, Places: in("comments", "author_id"), Manners: []exit.Manner{exit.Erase, exit.Detach},
			Exported: true, Parts: []string{archive.ClassComments, archive.ClassReceived}, Imported: true,
		},
		{Name: "favourites", Services: all, EndsWith: all, Places: in("favourites", "account_id"), Exported: true, Imported: true},
		{Name: "likes", Services: all, EndsWith: all, Places: in("likes", "account_id"), Exported: true, Imported: true},
		{
			Name: "mentions", Services: all, EndsWith: all, Places: in("mentions", "account_id", "author_id"),
			After: []exit.Order{{Class: "talk.comments", Why: "talk.order.mentions"}, {Class: "post.posts", Why: "talk.order.mentions"}, {Class: "channel.videos", Why: "talk.order.mentions"}},
		},
	}
}

// Ends reports whether a class goes as a whole with a service, a place or the install.
func (h *Holder) Ends(class string) bool { return h.ending().Ends(class) }

// Erase does one chunk.
func (h *Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	return h.ending().Erase(ctx, t)
}

// Verify looks again.
func (h *Holder) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	return h.ending().Verify(ctx, t)
}

// Count is a forecast.
func (h *Holder) Count(ctx context.Context, s exit.Subject, class string) (exit.Count, error) {
	return h.tables().Count(ctx, s, class)
}

var (
	_ exit.Holder   = (*Holder)(nil)
	_ exit.Counter  = (*Holder)(nil)
	_ exit.Ender    = (*Holder)(nil)
	_ exit.Exporter = (*Holder)(nil)
	_ exit.Importer = (*Holder)(nil)
)

package channel

import (
	"context"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
)

// The holder's classes.
const (
	classVideos     = "videos"
	classDrafts     = "drafts"
	classRenditions = "renditions"
	classHistory    = "history"
	classChannel    = "channel"
	classFarewells  = "farewells"
)

// Holder keeps channels, videos and what belongs to them.
type Holder struct {
	exitsql.Tables
	room *Room
}

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name, bytes string, also ...string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: "account_id", Key: "id", Bytes: bytes, OwnerID: exitsql.IntegerID, DB: r.DB.Reader, Also: also}
	}
	videos := table("videos", "bytes", append([]string{addressed}, hung("{rows} r")...)...)
	videos.Stays, videos.StaysAs, videos.Where = othersTalk, asSkeleton, `not (`+unpublished+`)`
	drafts := videos
	drafts.Where, drafts.Also = unpublished, hung("{rows} r")
	// What belongs to videos goes with them; that none of it is left beneath a skeleton is asked of each table by itself.
	of := func(name string) exitsql.Table {
		t := table(name, "")
		t.Where = astray(name)
		return t
	}
	channels := table("channels", "length(name) + length(bio)", blob.DoomSQL("{rows} r", "r.avatar", "r.account_id"), blob.DoomSQL("{rows} r", "r.cover", "r.account_id"))
	channels.Key = "account_id"
	farewells := table("farewells", "length(words)")
	farewells.Scope = func(s exit.Subject, arg func(any) string) (string, error) { return `scope = ` + arg(s.Service()), nil }
	farewells.Stays, farewells.StaysAs = `shown_at is not null`, `account_id = null`
	return &Holder{room: r, Tables: exitsql.Tables{
		classVideos: {videos, of("video_subtitles"), of("video_topics")},
		classDrafts: {drafts},
		classRenditions: {
			table("video_renditions", "bytes", blob.DoomSQL("{rows} r", "r.key", "r.account_id"),
				`update videos set media = 'processing', progress = 0 where media = 'ready' and id in (select r.video_id from {rows} r)`),
			table("video_frames", "bytes", blob.DoomSQL("{rows} r", "r.key", "r.account_id")),
		},
		classHistory:   {table("video_history", "")},
		classChannel:   {table("collection_videos", ""), table("collections", "length(title) + length(text)"), table("channel_links", "length(label) + length(url)"), channels},
		classFarewells: {farewells},
	}}
}

// Name is the holder's name.
func (h *Holder) Name() string { return Name }

// Classes declares what the room keeps. Renditions go first, for they can be made again; the channel goes last, for through it its videos are
// found. What was left to be read then stays for its term, and refers to nobody.
func (h *Holder) Classes() []exit.Class {
	in := []string{Name}
	places := func(tables ...string) (out []exit.Place) {
		for _, t := range tables {
			out = append(out, exit.Place{Table: t, Column: "account_id"})
		}
		return out
	}
	renditionsFirst := exit.Order{Class: Name + "." + classRenditions, Why: "channel.order.renditions"}
	videosFirst := []exit.Order{{Class: Name + "." + classVideos, Why: "channel.order.videos"}, {Class: Name + "." + classDrafts, Why: "channel.order.videos"}}
	return []exit.Class{
		{
			Name: classChannel, Services: in, After: videosFirst, Exported: true, Imported: true, Parts: []string{archive.ClassChannel, archive.ClassCollections},
			Places: append(places("channels", "channel_links", "collections", "collection_videos"), exit.Place{Blobs: blob.Channels + "/"}),
		},
		{
			Name: classVideos, Services: in, After: []exit.Order{renditionsFirst}, Exported: true, Imported: true, Parts: []string{archive.ClassVideos, archive.ClassVideoDays},
			Places: append(places("videos", "video_subtitles", "video_topics", "video_days"), exit.Place{Blobs: blob.Videos + "/"}),
		},
		{
			Name: classDrafts, Services: in, After: []exit.Order{renditionsFirst}, Exported: true, Imported: true,
			Places: append(places("videos", "video_subtitles", "video_topics", "video_days"), exit.Place{Blobs: blob.Videos + "/"}),
		},
		{Name: classHistory, Services: in, Exported: true, Places: places("video_history")},
		{Name: classRenditions, Services: in, Places: append(places("video_renditions", "video_frames"), exit.Place{Blobs: blob.Renditions + "/"})},
		{Name: classFarewells, Services: in, Places: places("farewells"), After: []exit.Order{{Class: Name + "." + classVideos, Why: "channel.order.addresses"}}},
	}
}

// Verify looks again: at each table, and at the daily sums, which go with their videos.
func (h *Holder) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	left, err := h.Tables.Verify(ctx, t)
	if err != nil || t.Class != classVideos {
		return left, err
	}
	days, err := h.room.store.daysAstray(ctx, t.Subject.ID)
	left.Left += days
	return left, err
}

var (
	_ exit.Holder  = (*Holder)(nil)
	_ exit.Counter = (*Holder)(nil)
)

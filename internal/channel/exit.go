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
	exitsql.Ending
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
	tables := exitsql.Tables{
		classVideos: {videos, of("video_subtitles"), of("video_topics")},
		classDrafts: {drafts},
		classRenditions: {
			table("video_renditions", "bytes", blob.DoomSQL("{rows} r", "r.key", "r.account_id"),
				`update videos set media = 'processing', progress = 0 where media = 'ready' and id in (select r.video_id from {rows} r)`),
			table("video_frames", "bytes", blob.DoomSQL("{rows} r", "r.key", "r.account_id")),
		},
		classHistory:   {table("video_history", "")},
		classChannel:   {table("collection_videos", ""), table("collections", "length(title) + length(text)", addressedCollections), table("channel_links", "length(label) + length(url)"), channels},
		classFarewells: {farewells},
	}
	return &Holder{room: r, Ending: exitsql.Ending{Tables: tables, All: r.endingOf(tables, drafts, videos)}}
}

// endingOf gives what goes with the service or the install: skeletons and topics too, and whose views were counted today. What somebody left to be read when their
// channel was closed stays for its term, unless the install ends.
func (r *Room) endingOf(tables exitsql.Tables, drafts, videos exitsql.Table) exitsql.Tables {
	out := exitsql.Tables{classHistory: tables[classHistory], classChannel: tables[classChannel]}
	for class, table := range map[string]exitsql.Table{classVideos: videos, classDrafts: drafts} {
		out[class] = exitsql.Whole(table)
	}
	topics := exitsql.Table{
		Name: "topics", Key: "id", Bytes: "octet_length(name)", Where: `service = 'channel'`, DB: r.DB.Reader,
		Also: []string{`delete from video_topics where topic_id in (select r.id from {rows} r)`},
	}
	views := exitsql.Table{Name: "view_keys", Key: "day", DB: r.DB.Reader, Also: []string{`delete from view_marks where day in (select r.day from {rows} r)`}}
	out[classVideos] = append(out[classVideos], topics, views)
	for _, table := range tables[classRenditions] {
		table.Also = table.Also[:1]
		out[classRenditions] = append(out[classRenditions], table)
	}
	farewells := tables[classFarewells][0]
	farewells.Scope = nil
	for _, table := range addresses {
		farewells.Also = append(farewells.Also, `delete from `+table+` where farewell_id in (select r.id from {rows} r)`)
	}
	out[classFarewells] = exitsql.Whole(farewells)
	return out
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
			Name: classChannel, Services: in, EndsWith: in, After: videosFirst, Exported: true, Imported: true, Parts: []string{archive.ClassChannel, archive.ClassCollections},
			Places: append(places("channels", "channel_links", "collections", "collection_videos"), exit.Place{Blobs: blob.Channels + "/"}),
		},
		{
			Name: classVideos, Services: in, EndsWith: in, After: []exit.Order{renditionsFirst}, Exported: true, Imported: true, Parts: []string{archive.ClassVideos, archive.ClassVideoDays},
			Places: append(places("videos", "video_subtitles", "video_topics", "video_days"), exit.Place{Blobs: blob.Videos + "/"}),
		},
		{
			Name: classDrafts, Services: in, EndsWith: in, After: []exit.Order{renditionsFirst}, Exported: true, Imported: true,
			Places: append(places("videos", "video_subtitles", "video_topics", "video_days"), exit.Place{Blobs: blob.Videos + "/"}),
		},
		{Name: classHistory, Services: in, EndsWith: in, Exported: true, Places: places("video_history")},
		{Name: classRenditions, Services: in, EndsWith: in, Places: append(places("video_renditions", "video_frames"), exit.Place{Blobs: blob.Renditions + "/"})},
		{Name: classFarewells, Services: in, Places: places("farewells"), After: []exit.Order{
			{Class: Name + "." + classVideos, Why: "channel.order.addresses"}, {Class: Name + "." + classChannel, Why: "channel.order.addresses"},
		}},
	}
}

// stands reports whether a task is about what was left to be read: that stays when the service ends, for its term.
func stands(t exit.Task) bool {
	return t.Class == classFarewells && t.Subject.Ending() && t.Subject.Kind != exit.SubjectInstall
}

// Erase does one chunk.
func (h *Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if stands(t) {
		return exit.Progress{Done: true}, nil
	}
	return h.Ending.Erase(ctx, t)
}

// Verify looks again: at each table, and at the daily sums, which go with their videos.
func (h *Holder) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	if stands(t) {
		return exit.Residue{}, nil
	}
	left, err := h.Ending.Verify(ctx, t)
	if err != nil || t.Class != classVideos {
		return left, err
	}
	if t.Subject.Ending() {
		n, err := h.room.store.hanging(ctx)
		left.Left += n
		return left, err
	}
	days, err := h.room.store.daysAstray(ctx, t.Subject.ID)
	left.Left += days
	return left, err
}

var (
	_ exit.Holder  = (*Holder)(nil)
	_ exit.Counter = (*Holder)(nil)
	_ exit.Ender   = (*Holder)(nil)
)

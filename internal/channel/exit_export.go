package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// most is how many records one call exports or imports at most.
const most = 100

// The beginnings of the URIs of what was made here: the same brought back is known by them.
const (
	originPrefix     = "urn:exeunt:video:"
	collectionPrefix = "urn:exeunt:collection:"
)

// volume is a sink that tells how much room it has, and whether files were asked for: an archive's writer does.
type volume interface {
	Fits(size int64) bool
	WithMedia() bool
}

// Export writes the channel, its videos with their files, collections, statistics, and what was watched, oldest first.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	cursor := t.Cursor
	if t.Part == archive.ClassVideoDays {
		t.Cursor = "" // of three parts, and read by itself
	}
	s, err := service.SpanOf(t)
	if err != nil {
		return exit.Progress{}, err
	}
	t.Cursor = cursor
	var p exit.Progress
	switch {
	case t.Class == classChannel && t.Part == archive.ClassCollections:
		p, err = h.exportCollections(ctx, t, s, to)
	case t.Class == classChannel:
		p, err = h.exportChannel(ctx, s, to)
	case t.Class == classVideos && t.Part == archive.ClassVideoDays:
		p, err = h.exportDays(ctx, t, s, to)
	case t.Class == classVideos || t.Class == classDrafts:
		p, err = h.exportVideos(ctx, t, s, to)
	case t.Class == classHistory:
		p, err = h.exportWatched(ctx, t, s, to)
	default:
		err = exit.Fail(exit.Internal, "error.no_class", "class", t.Class)
	}
	if err != nil {
		return p, fmt.Errorf("export %s: %w", t.Class, err)
	}
	return p, nil
}

// exportChannel writes the channel's own record and its pictures: one of each.
func (h *Holder) exportChannel(ctx context.Context, s service.Span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Done: true}
	list, err := h.room.store.channels(ctx, s.Owner, []who.ID{s.Owner})
	if err != nil || len(list) == 0 {
		return p, err
	}
	c := list[0]
	links, err := h.room.store.links(ctx, s.Owner)
	if err != nil {
		return p, err
	}
	a := archive.Channel{Name: c.Name, Bio: c.Bio, Badge: c.Badge, Downloads: c.Downloads, Category: c.Category, Explicit: c.Explicit, Created: archive.At(c.Created)}
	for _, l := range links {
		a.Links = append(a.Links, archive.ProfileLink{Label: l.Label, URL: l.URL})
	}
	for _, x := range []struct {
		key, name string
		to        *string
	}{{c.Avatar, "avatar", &a.Avatar}, {c.Cover, "cover", &a.Cover}} {
		if x.key == "" {
			continue
		}
		*x.to = "channel/" + x.name + path.Ext(x.key)
		n, err := h.file(ctx, *x.to, x.key, c.Created, to)
		if err != nil {
			return p, err
		}
		p.Bytes += n
	}
	p.Items = 1
	return p, to.Record(a)
}

// file hands one file over and gives its bytes; what is not there, or was not asked for, is noted.
func (h *Holder) file(ctx context.Context, name, key string, at time.Time, to exit.Sink) (int64, error) {
	if v, ok := to.(volume); ok && !v.WithMedia() {
		to.Missing(name, archive.MissingLeftOut)
		return 0, nil
	}
	size, err := h.room.Blobs.Size(ctx, key)
	if exit.KindOf(err) == exit.NotFound {
		to.Missing(name, archive.MissingAbsent)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return size, to.Media(name, size, at, func() (io.ReadCloser, error) { return h.room.Blobs.NewReader(ctx, key, 0, -1) })
}

// exportVideos writes videos, each with its files in the same volume: whoever has that volume has all of it.
func (h *Holder) exportVideos(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.along(ctx, s, t.Class == classDrafts, most)
	if err != nil {
		return p, err
	}
	ids, texts := make([]who.ID, len(list)), make([]string, len(list))
	for i, x := range list {
		ids[i], texts[i] = x.ID, x.Text
	}
	subtitles, err := h.room.store.subtitlesOf(ctx, ids)
	if err != nil {
		return p, err
	}
	topics, err := h.room.store.topicNamesOf(ctx, ids)
	if err != nil {
		return p, err
	}
	if texts, err = h.room.Posts.Decode(ctx, 0, texts...); err != nil {
		return p, err
	}
	v, bounded := to.(volume)
	for i, x := range list {
		if to.Full() || bounded && v.WithMedia() && !v.Fits(x.Bytes) {
			return p, nil
		}
		x.Text = texts[i]
		n, err := h.exportVideo(ctx, h.room.record(x, subtitles[x.ID], topics[x.ID]), x, subtitles[x.ID], to)
		if err != nil {
			return p, err
		}
		p.Items, p.Bytes, p.Cursor = p.Items+1, p.Bytes+n, x.ID.String()
	}
	p.Done = len(list) < most
	return p, nil
}

// record gives a video as it is taken along.
func (r *Room) record(x Video, subtitles []Subtitle, topics []string) archive.Video {
	dir := "videos/" + x.ID.String() + "/"
	a := archive.Video{
		ID: x.ID.String(), Origin: x.Origin, Title: x.Title, Text: x.Text, Language: x.Language, Topics: topics, At: archive.At(x.At), Created: archive.At(x.Created), Edited: archive.At(x.Edited),
		FileName: x.File, Type: x.Type, Bytes: x.Bytes, SHA256: x.SHA256, Seconds: x.Duration.Seconds(), Width: x.Width, Height: x.Height, Downloads: x.Downloads,
		Views: x.Views, Likes: int64(x.Likes), Comments: int64(x.Comments),
	}
	if a.Origin == "" {
		a.Origin = originPrefix + a.ID
	}
	if r.Host != "" {
		a.URL = "https://" + r.Host + VideoPath(x.ID)
	}
	switch x.State {
	case Live, Deleting: // the latter is not taken along
	case Drafted:
		a.State = archive.StateDraft
	case Scheduled:
		if x.awaits() {
			break // it was published
		}
		a.State, a.At = archive.StateScheduled, archive.At(x.Due)
	case Withheld:
		a.State = archive.StateWithheld
	}
	switch kind, id := x.Audience.Split(); kind {
	case "public", "unlisted", "followers":
		a.Audience = kind
	case "circle":
		a.Audience, a.Circle = archive.AudienceCircle, id.String()
	default:
		a.Audience = archive.AudienceOnlyMe
	}
	if x.Original != "" {
		a.File = dir + "video" + endingOf(x)
	} else {
		a.Missing = archive.MissingAbsent // nothing has come yet
	}
	if x.Poster != "" {
		a.Cover = dir + "video" + path.Ext(x.Poster)
	}
	for _, s := range subtitles {
		a.Subtitles = append(a.Subtitles, archive.Subtitle{Language: s.Language, Label: s.Label, Path: dir + "video." + tagOf(s.Language) + ".vtt"})
	}
	return a
}

// endingOf gives the ending of a video's file: by what it is, else as it came.
func endingOf(x Video) string {
	if ext := path.Ext(x.Original); ext != "" {
		return ext
	}
	ext := strings.ToLower(path.Ext(x.File))
	if len(ext) < 2 || len(ext) > 6 || strings.Trim(ext[1:], "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ".bin"
	}
	return ext
}

// tagOf gives a language as part of a file's name.
func tagOf(language string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '-'
	}, language)
}

// exportVideo writes a video's record, the same as a file beside its files, and those.
func (h *Holder) exportVideo(ctx context.Context, a archive.Video, x Video, subtitles []Subtitle, to exit.Sink) (int64, error) {
	if err := to.Record(a); err != nil {
		return 0, err
	}
	beside, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return 0, fmt.Errorf("write sidecar: %w", err)
	}
	if v, ok := to.(volume); !ok || v.WithMedia() {
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(beside)), nil }
		if err := to.Media("videos/"+a.ID+"/video.json", int64(len(beside)), x.Created, open); err != nil {
			return 0, err
		}
	}
	var sum int64
	files := [][2]string{{a.File, x.Original}, {a.Cover, x.Poster}}
	for i, s := range subtitles {
		files = append(files, [2]string{a.Subtitles[i].Path, s.Key})
	}
	for _, f := range files {
		if f[1] == "" {
			continue
		}
		n, err := h.file(ctx, f[0], f[1], x.Created, to)
		if err != nil {
			return sum, err
		}
		sum += n
	}
	return sum, nil
}

func (h *Holder) exportCollections(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.collectionsAlong(ctx, s, most)
	if err != nil {
		return p, err
	}
	for _, c := range list {
		if to.Full() {
			return p, nil
		}
		a := archive.Collection{ID: c.ID.String(), Origin: c.origin, Title: c.Title, Text: c.Text, Videos: c.videos, Created: archive.At(db.Time(c.at))}
		if a.Origin == "" {
			a.Origin = collectionPrefix + a.ID
		}
		if err := to.Record(a); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, a.ID
	}
	p.Done = len(list) < most
	return p, nil
}

// aDayLong is a day in seconds.
const aDayLong = 24 * 60 * 60

func (h *Holder) exportDays(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.daysAlong(ctx, s.Owner, t.Cursor, s.Cut, 5*most)
	if err != nil {
		return p, err
	}
	for _, d := range list {
		if to.Full() {
			return p, nil
		}
		day := time.Unix(d.day*aDayLong, 0).UTC().Format(time.DateOnly)
		if err := to.Record(archive.VideoDay{Video: d.video.String(), Day: day, Source: d.source, Views: d.views, Watched: d.watched}); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, d.video.String()+"/"+strconv.FormatInt(d.day, 10)+"/"+d.source
	}
	p.Done = len(list) < 5*most
	return p, nil
}

func (h *Holder) exportWatched(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.watchedAlong(ctx, s, most)
	if err != nil {
		return p, err
	}
	ids := make([]who.ID, len(list))
	for i, w := range list {
		ids[i] = w.video
	}
	things, err := h.room.Things(ctx, who.Viewer{Account: s.Owner, State: who.Active}, ids)
	if err != nil {
		return p, err
	}
	titles := map[who.ID]string{}
	for _, x := range things {
		if x.See { // what the account may not see any more keeps its words to itself
			titles[x.Ref.ID] = x.Title
		}
	}
	for _, w := range list {
		if to.Full() {
			return p, nil
		}
		on := archive.Reference{Kind: KindVideo, ID: w.video.String(), Excerpt: titles[w.video]}
		if h.room.Host != "" {
			on.URI = "https://" + h.room.Host + VideoPath(w.video)
		}
		if err := to.Record(archive.Watched{On: on, Position: w.position, At: archive.At(db.Time(w.at))}); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, w.id.String()
	}
	p.Done = len(list) < most
	return p, nil
}

var _ exit.Exporter = (*Holder)(nil)

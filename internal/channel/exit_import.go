package channel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Why something was not taken, and what is said of what was.
const (
	reasonFile      = "channel.skip.file"      // the archive does not hold the video's file
	reasonRoom      = "channel.skip.room"      // no room left for it here
	reasonLong      = "channel.skip.long"      // its words are longer than they can be here
	reasonVideo     = "channel.skip.video"     // the video that it is about is not here
	reasonFollowers = "channel.skip.followers" // opening a channel needs more followers here
	noteDraft       = "channel.note.draft"     // it stood before others and does not here: it comes back as a draft
	noteCircle      = "channel.note.circle"    // it was for a circle of which one is no member: only for oneself
	noteName        = "channel.note.name"      // the name is another channel's here
)

// Import takes the channel, videos, collections and statistics back in. Original times are kept, nobody is notified, and what is here already, by owner
// and origin, is a duplicate. Videos are worked on after that, as those that are uploaded are.
func (h *Holder) Import(ctx context.Context, t exit.Task, records []any, files exit.Files) (exit.Intake, error) {
	owner, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return nil, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	var in exit.Intake
	var err error
	switch t.Part {
	case archive.ClassChannel:
		in, err = h.importChannel(ctx, owner, records, files)
	case archive.ClassCollections:
		in, err = importEach(records, func(ctx context.Context, a archive.Collection) (exit.Outcome, error) {
			return h.takeCollection(ctx, owner, a)
		})
	case archive.ClassVideoDays:
		in, err = importEach(records, func(ctx context.Context, a archive.VideoDay) (exit.Outcome, error) { return h.takeDay(ctx, owner, a) })
	case archive.ClassVideos, archive.ClassVideoDrafts:
		in, err = h.importVideos(ctx, owner, records, files)
	default:
		err = exit.Fail(exit.Internal, "error.no_class", "class", t.Part)
	}
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", t.Part, err)
	}
	return in, nil
}

// importEach gives the intake of records that bring no files, taken one by one.
func importEach[T any](records []any, take func(ctx context.Context, a T) (exit.Outcome, error)) (exit.Intake, error) {
	list := make([]T, len(records))
	for i, rec := range records {
		a, ok := rec.(T)
		if !ok {
			return nil, fmt.Errorf("a record is a %T", rec)
		}
		list[i] = a
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out := make([]exit.Outcome, len(list))
		for i, a := range list {
			var err error
			if out[i], err = take(ctx, a); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}

func skipped(reason string) exit.Outcome { return exit.Outcome{Result: "skipped", Reason: reason} }

// enter lets an import through the fence.
func (r *Room) enter(ctx context.Context, owner who.ID) (service.Pass, error) {
	return r.Desk.Enter(ctx, service.Write{By: owner, Service: Name})
}

// broughtChannel is a channel's record with its pictures put.
type broughtChannel struct {
	record  archive.Channel
	words   Words
	avatar  string
	cover   string
	missing int
}

// importChannel puts the channel's pictures. Of a channel that is open already only what is empty is filled.
func (h *Holder) importChannel(ctx context.Context, owner who.ID, records []any, files exit.Files) (exit.Intake, error) {
	list := make([]broughtChannel, len(records))
	for i, rec := range records {
		a, ok := rec.(archive.Channel)
		if !ok {
			return nil, fmt.Errorf("a record is a %T", rec)
		}
		b := broughtChannel{record: a, words: Words{Name: clean(a.Name), Bio: clean(a.Bio), Downloads: a.Downloads, Category: a.Category, Explicit: a.Explicit}}
		for _, l := range a.Links[:min(len(a.Links), mostLinks)] {
			b.words.Links = append(b.words.Links, Link{Label: clean(l.Label), URL: l.URL})
		}
		for _, p := range []struct {
			name  string
			which Which
			to    *string
		}{{a.Avatar, Avatar, &b.avatar}, {a.Cover, Cover, &b.cover}} {
			if p.name == "" {
				continue
			}
			key, ok, err := h.bringPicture(ctx, owner, p.which, p.name, files)
			if err != nil {
				return nil, err
			}
			if *p.to = key; !ok {
				b.missing++
			}
		}
		list[i] = b
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out := make([]exit.Outcome, len(list))
		for i, b := range list {
			var err error
			if out[i], err = h.takeChannel(ctx, owner, b); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}

// takeChannel opens the channel, or fills what is empty in the one that is open.
func (h *Holder) takeChannel(ctx context.Context, owner who.ID, b broughtChannel) (exit.Outcome, error) {
	r, v := h.room, who.Viewer{Account: owner, State: who.Active}
	pass, err := r.enter(ctx, owner)
	if err != nil {
		return exit.Outcome{}, err
	}
	out := exit.Outcome{Result: "taken", Missing: b.missing}
	there, err := r.store.channels(ctx, owner, []who.ID{owner})
	if err != nil {
		return out, err
	}
	words, err := b.words.Clean()
	if err != nil { // hostile or of another time: what can be kept of it
		words = Words{Name: b.words.Name, Downloads: b.words.Downloads}
		if words, err = words.Clean(); err != nil {
			words = Words{Name: "channel"}
		}
	}
	old := Channel{}
	if len(there) > 0 {
		if old = there[0]; old.Bio != "" {
			words.Bio = old.Bio
		}
		links, err := r.store.links(ctx, owner)
		if err != nil {
			return out, err
		}
		if len(links) > 0 {
			words.Links = links
		}
		if old.Category != "" {
			words.Category = old.Category
		}
		words.Name, words.Explicit = old.Name, words.Explicit || old.Explicit
	} else if refused, err := r.mayBringChannel(ctx, v, &words, &out); err != nil || refused {
		return out, err
	}
	if err := r.store.putChannel(ctx, pass, owner, words); err != nil {
		return out, err
	}
	for _, p := range []struct {
		which    Which
		key, old string
	}{{Avatar, b.avatar, old.Avatar}, {Cover, b.cover, old.Cover}} {
		if p.key == "" || p.old != "" {
			continue
		}
		if err := r.store.setPicture(ctx, pass, owner, p.which, p.key); err != nil {
			return out, err
		}
		if err := r.Blobs.Keep(ctx, p.key); err != nil {
			return out, err
		}
	}
	return out, nil
}

// mayBringChannel asks what opening a channel asks. A name that is another's here gives way to the account's own.
func (r *Room) mayBringChannel(ctx context.Context, v who.Viewer, words *Words, out *exit.Outcome) (refused bool, err error) {
	limits, err := r.Limits(ctx)
	if err != nil {
		return false, err
	}
	if err := r.enough(ctx, v, limits.ToOpen, "channel.error.followers_open"); exit.KindOf(err) == exit.Forbidden {
		*out = skipped(reasonFollowers)
		return true, nil
	} else if err != nil {
		return false, err
	}
	err = r.mayName(ctx, v, words.Name)
	if exit.KindOf(err) != exit.Conflict {
		return false, err
	}
	handle, _, err := r.store.nameKey(ctx, v.Account)
	words.Name, out.Reason = handle, noteName
	return false, err
}

// takeCollection stores a collection with those of its videos that are here.
func (h *Holder) takeCollection(ctx context.Context, owner who.ID, a archive.Collection) (exit.Outcome, error) {
	r := h.room
	pass, err := r.enter(ctx, owner)
	if err != nil {
		return exit.Outcome{}, err
	}
	origin := a.Origin
	if origin == "" {
		origin = collectionPrefix + a.ID
	}
	title, text := clean(a.Title), clean(a.Text)
	if title == "" || !fits(title, mostName, "") || !fits(text, mostCollectionText, "\n\t") || len(origin) > longestLink || len(a.Videos) > mostImported {
		return skipped(reasonLong), nil
	}
	own, _ := who.ParseID(a.ID)
	known, err := r.store.broughtCollections(ctx, owner, []string{origin}, []who.ID{own})
	if err != nil {
		return exit.Outcome{}, err
	}
	if known[origin] {
		return exit.Outcome{Result: "duplicate"}, nil
	}
	n, err := r.store.collectionCount(ctx, owner)
	if err != nil {
		return exit.Outcome{}, err
	}
	if n >= mostCollections {
		return skipped(reasonRoom), nil
	}
	videos, err := r.store.ofArchive(ctx, owner, a.Videos)
	if err != nil {
		return exit.Outcome{}, err
	}
	var ids []who.ID
	for _, v := range a.Videos {
		if id := videos[v]; id != 0 && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	at := a.Created.Time
	if at.IsZero() || at.After(pass.At) {
		at = pass.At
	}
	c := aCollection{Collection: Collection{ID: r.DB.IDs.Next(), Owner: owner, Title: title, Text: text}, origin: clean(origin), at: db.Ms(at)}
	return exit.Outcome{Result: "taken"}, r.store.addBroughtCollection(ctx, pass, c, ids)
}

// mostImported bounds the videos of one collection that is brought along.
const mostImported = 10_000

// takeDay stores how a video was watched on a day. It is its owner's to look at alone: the number of views that others see begins anew, for an archive
// is its bearer's to change.
func (h *Holder) takeDay(ctx context.Context, owner who.ID, a archive.VideoDay) (exit.Outcome, error) {
	r := h.room
	pass, err := r.enter(ctx, owner)
	if err != nil {
		return exit.Outcome{}, err
	}
	day, err := time.Parse(time.DateOnly, a.Day)
	if err != nil || day.After(pass.At) || a.Views < 0 || a.Watched < 0 || a.Views > 1<<40 || a.Watched > 1<<40 || !isSource(a.Source) {
		return skipped(reasonLong), nil //nolint:nilerr // what cannot be read is skipped
	}
	videos, err := r.store.ofArchive(ctx, owner, []string{a.Video})
	if err != nil {
		return exit.Outcome{}, err
	}
	id := videos[a.Video]
	if id == 0 {
		return skipped(reasonVideo), nil
	}
	fresh, err := r.store.addDays(ctx, pass, owner, aDay{video: id, day: day.Unix() / aDayLong, source: a.Source, views: a.Views, watched: a.Watched})
	if err != nil || fresh {
		return exit.Outcome{Result: "taken"}, err
	}
	return exit.Outcome{Result: "duplicate"}, nil
}

// isSource says whether a word is one by which views are summed.
func isSource(s string) bool {
	return slices.Contains([]string{"feed", "search", "follow", "circle", "outside", "direct"}, s)
}

// ofArchive gives the videos under which those of an archive are here, by their ids there.
func (s store) ofArchive(ctx context.Context, account who.ID, ids []string) (map[string]who.ID, error) {
	out := map[string]who.ID{}
	for from := 0; from < len(ids); from += 400 {
		part := ids[from:min(from+400, len(ids))]
		origins := make([]string, len(part))
		for i, id := range part {
			origins[i] = originPrefix + id
		}
		known, err := s.known(ctx, account, origins)
		if err != nil {
			return nil, err
		}
		for i, id := range part {
			if known[origins[i]] != 0 {
				out[id] = known[origins[i]]
			}
		}
	}
	return out, nil
}

// takeVideos stores videos whose files are put, and has them worked on.
func (h *Holder) takeVideos(ctx context.Context, owner who.ID, list []broughtVideo, out []exit.Outcome) error {
	r, v := h.room, who.Viewer{Account: owner, State: who.Active}
	pass, err := r.enter(ctx, owner)
	if err != nil {
		return err
	}
	opened, err := r.Opened(ctx, owner)
	if err != nil {
		return err
	}
	limits, err := r.Limits(ctx)
	if err != nil {
		return err
	}
	err = r.enough(ctx, v, limits.ToPublish, "channel.error.followers_publish")
	if err != nil && exit.KindOf(err) != exit.Forbidden {
		return err
	}
	mayPublish := err == nil
	for _, b := range list {
		if !opened {
			out[b.at] = skipped(reasonFollowers)
			continue
		}
		x := b.Video
		if (x.State == Live || x.State == Scheduled) && !mayPublish {
			x.State, x.Due, out[b.at].Reason = Drafted, time.Time{}, noteDraft
		}
		if err := r.takeVideo(ctx, pass, x, b, &out[b.at]); err != nil {
			return err
		}
	}
	return nil
}

// takeVideo stores one video. An archive is no way around: words that are not let through before others have it come back as a draft, and it is published
// when its file was looked at, too.
func (r *Room) takeVideo(ctx context.Context, pass service.Pass, x Video, b broughtVideo, out *exit.Outcome) error {
	if x.Created.IsZero() || x.Created.After(pass.At) {
		x.Created = pass.At
	}
	if x.Edited.After(pass.At) {
		x.Edited = time.Time{}
	}
	if x.State == Scheduled && !x.Due.After(pass.At) || x.Due.Sub(pass.At) > mostAhead {
		x.State, x.Due = Drafted, time.Time{}
	}
	if x.State == Live {
		err := r.screen(ctx, pass, x, true)
		if kind := exit.KindOf(err); err != nil && kind != exit.Invalid && kind != exit.Forbidden {
			return err
		}
		if err != nil {
			x.State, out.Reason = Drafted, noteDraft
		}
	}
	switch {
	case x.State == Live:
		x.await(pass.At)
	case x.State == Scheduled:
		x.At = x.Due
	case x.At.IsZero() || x.At.After(pass.At):
		x.At = pass.At
	}
	if err := r.Blobs.Keep(ctx, b.keys...); err != nil {
		return err
	}
	if err := r.store.addBrought(ctx, pass, x); err != nil {
		return err
	}
	for _, s := range b.subtitles {
		if err := r.store.addSubtitle(ctx, pass, x, s); err != nil {
			return err
		}
	}
	if r.Queue == nil {
		return nil
	}
	return r.Queue.Add(ctx, job.Job{Kind: processJob, Ref: x.ID.String(), Account: x.Owner})
}

// audienceOf gives for whom a video is that is brought back. Those who followed somewhere else are not those who follow here.
func audienceOf(owner who.ID, a archive.Video, origin string, places map[who.ID]post.Place) (who.Audience, string) {
	switch a.Audience {
	case archive.AudiencePublic:
		return who.Public, ""
	case archive.AudienceUnlisted:
		return who.Unlisted, ""
	case archive.AudienceFollowers:
		if len(origin) > len(originPrefix) && origin[:len(originPrefix)] == originPrefix {
			return who.FollowersOf(owner), ""
		}
	case archive.AudienceCircle:
		id, _ := who.ParseID(a.Circle)
		if in, ok := places[id]; ok && in.Member && !in.Ended {
			return who.CircleOnly(in.ID), ""
		}
		return who.Only(owner), noteCircle
	}
	return who.Only(owner), ""
}

// notOurs reports whether an error is the fault of an archive, or of a file in it.
func notOurs(err error) bool {
	var fault *archive.Error
	return errors.As(err, &fault) || exit.KindOf(err) == exit.Invalid
}

var _ exit.Importer = (*Holder)(nil)

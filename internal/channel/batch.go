package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/failpoint"
	"exeunt/internal/job"
	"exeunt/internal/media"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// KindBatch is the kind of an upload that is a zip of videos with what is known of them.
const KindBatch = "batch"

// batchJob takes the videos of a zip in. Its ref is the upload's id.
const batchJob = "channel.batch"

// The bounds of a zip of videos.
const (
	mostFilms      = 500
	mostOthers     = 500                        // files that are no video's and are told of
	mostItems      = mostFilms + mostOthers + 2 // with what is said of the whole, and of those that are not told of
	largestSidecar = 16 << 20                   // bytes: yt-dlp lists every format that there was
)

// batchLimits are for a zip of films: they do not get smaller by being packed.
var batchLimits = archive.Limits{Entries: 5000, EntrySize: 16 << 30, Total: 64 << 30, Ratio: 4}

// batchKind tells the upload room of zips. An upload's detail is the audience for which the videos are published: a word of [VideoWords].
func (r *Room) batchKind() upload.Kind {
	return upload.Kind{
		Service: Name,
		Begin: func(ctx context.Context, _ service.Pass, u *upload.Upload) error {
			v := who.Viewer{Account: u.Account, State: who.Active}
			if u.Detail == "" {
				u.Detail = "only"
			}
			if _, err := r.audience(ctx, v, u.Detail); err != nil {
				return err
			}
			_, err := r.mine(ctx, v)
			return err
		},
		Done: func(ctx context.Context, _ service.Pass, u upload.Upload) error {
			return r.Queue.Add(ctx, job.Job{Kind: batchJob, Ref: u.ID.String(), Account: u.Account})
		},
		Page: func(u upload.Upload) string { return batchPath + "/" + u.ID.String() },
	}
}

// batch is the job. It may run any number of times: each video is stored in one transaction with what is reported of it.
func (r *Room) batch(ctx context.Context, j job.Job) error {
	id, ok := who.ParseID(j.Ref)
	if !ok {
		return nil
	}
	u, err := r.Uploads.Find(ctx, j.Account, id)
	if exit.KindOf(err) == exit.NotFound || err == nil && u.State != upload.Done {
		return nil
	}
	if err == nil {
		err = r.takeBatch(ctx, u)
	}
	if errors.Is(err, errResting) {
		j.Delay = restDelay
		return r.Queue.Add(ctx, j)
	}
	if service.Stopped(err) {
		return nil // it ends with the service
	}
	return err
}

// takeBatch brings the zip to where it can be read anywhere, and takes its videos in.
func (r *Room) takeBatch(ctx context.Context, u upload.Upload) (err error) {
	dir := r.folder(batchFolder, u.ID)
	if err := os.RemoveAll(dir); err != nil { // what a killed process has left
		return fmt.Errorf("clear folder for a batch: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make folder for a batch: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f, err := os.Create(filepath.Join(dir, "zip")) //nolint:gosec // in our own spool
	if err != nil {
		return fmt.Errorf("make file for a batch: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	from, _, err := r.Uploads.Open(ctx, u.Account, u.ID)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, from)
	if err = errors.Join(err, from.Close()); err != nil {
		return fmt.Errorf("fetch batch: %w", err)
	}
	files, err := archive.OpenFiles(f, n, batchLimits)
	var refused *archive.Error
	if errors.As(err, &refused) {
		return r.endBatch(ctx, u, upload.Item{Name: u.Name, State: upload.ItemSkipped, Reason: damageOf(refused)})
	}
	if err != nil {
		return fmt.Errorf("open batch: %w", err)
	}
	return r.takeFilms(ctx, u, files)
}

// takeFilms takes those videos in that were not before the process died.
func (r *Room) takeFilms(ctx context.Context, u upload.Upload, files *archive.Files) error {
	list, items := films(files.Names())
	known, err := r.Uploads.Items(ctx, u.ID, 0, mostItems)
	if err != nil {
		return err
	}
	if len(known) == 0 {
		known = items
		err := r.owner(ctx, u.Account, func(ctx context.Context, pass service.Pass) error { return r.Uploads.AddItems(ctx, pass, u, items) })
		if err != nil {
			return err
		}
	}
	for _, i := range known {
		if i.State != upload.ItemWaiting || i.Position >= len(list) {
			continue
		}
		if err := r.takeFilm(ctx, u, files, list[i.Position], i); err != nil {
			return err
		}
		failpoint.Hit()
	}
	return r.endBatch(ctx, u)
}

// owner runs a change in the name of an account whose batch is being taken in; errResting while it is frozen.
func (r *Room) owner(ctx context.Context, account who.ID, fn func(context.Context, service.Pass) error) error {
	return resting(r.entering(ctx, service.Write{By: account, Service: Name, Keeps: true}, fn))
}

// endBatch gives the zip up; what is said of it as a whole is its only item.
func (r *Room) endBatch(ctx context.Context, u upload.Upload, only ...upload.Item) error {
	return r.owner(ctx, u.Account, func(ctx context.Context, pass service.Pass) error {
		if err := r.Uploads.AddItems(ctx, pass, u, only); err != nil {
			return err
		}
		return r.Uploads.Taken(ctx, pass, u.ID)
	})
}

// damageOf says why something of a zip cannot be read.
func damageOf(err *archive.Error) string {
	switch err.Kind {
	case archive.KindTooMany, archive.KindTooLarge, archive.KindBomb:
		return "channel_batch.skip.too_large"
	case archive.KindEncrypted:
		return "channel_batch.skip.encrypted"
	case archive.KindUnsafeName, archive.KindSpecial, archive.KindDuplicate:
		return "channel_batch.skip.unsafe"
	default:
		return "channel_batch.skip.damaged"
	}
}

// reasonOf gives why a video is skipped, "" where that is no reason but a failure of ours.
func reasonOf(err error) string {
	var a *archive.Error
	if errors.As(err, &a) {
		return damageOf(a)
	}
	var e *exit.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch {
	case e.Key == "account.error.quota":
		return "channel_batch.skip.quota"
	case e.Key == "channel.error.drafts":
		return "channel_batch.skip.drafts"
	case e.Kind == exit.Invalid, e.Kind == exit.Conflict, e.Kind == exit.NotFound, e.Kind == exit.Forbidden, e.Kind == exit.TooMany:
		return "channel_batch.skip.refused"
	}
	return ""
}

// takeFilm takes one video in, or says why not.
func (r *Room) takeFilm(ctx context.Context, u upload.Upload, files *archive.Files, f film, i upload.Item) error {
	err := r.bringFilm(ctx, u, files, f, i)
	reason := reasonOf(err)
	if err == nil || reason == "" || errors.Is(err, errResting) {
		return err
	}
	i.State, i.Reason = upload.ItemSkipped, reason
	return r.owner(ctx, u.Account, func(ctx context.Context, pass service.Pass) error { return r.Uploads.SettleItem(ctx, pass, u.ID, i) })
}

// brought is a video of a zip with its files put. Its state is the one in which it stood: a day and no time when it is due where it is live.
type brought struct {
	Video
	note      string // the key of what was left out
	subtitles []Subtitle
	keys      []string
}

func (r *Room) bringFilm(ctx context.Context, u upload.Upload, files *archive.Files, f film, i upload.Item) error {
	v := who.Viewer{Account: u.Account, State: who.Active}
	b, err := r.describe(ctx, v, u, files, f)
	if err != nil {
		return err
	}
	known := who.ID(0)
	if b.Origin != "" {
		if known, err = r.store.byOrigin(ctx, u.Account, b.Origin); err != nil {
			return err
		}
	}
	if known == 0 {
		if err := r.putFilm(ctx, u.Account, files, f, &b); err != nil {
			return err
		}
		failpoint.Hit()
	}
	return r.owner(ctx, u.Account, func(ctx context.Context, pass service.Pass) error {
		again, err := r.store.byOrigin(ctx, u.Account, b.Origin)
		if err != nil {
			return err
		}
		if known != 0 || again != 0 {
			i.State, i.Ref = upload.ItemDuplicate, max(known, again).String()
			return r.Uploads.SettleItem(ctx, pass, u.ID, i)
		}
		if err := r.stillWrites(ctx, pass); err != nil {
			return err
		}
		b.ID = r.DB.IDs.Next()
		if err := r.storeFilm(ctx, pass, v, b); err != nil {
			return err
		}
		i.State, i.Ref, i.Reason = upload.ItemTaken, b.ID.String(), b.note
		return r.Uploads.SettleItem(ctx, pass, u.ID, i)
	})
}

// putFilm puts a video's files, to be kept by a transaction. Pictures and subtitles that cannot be read are left out.
func (r *Room) putFilm(ctx context.Context, account who.ID, files *archive.Files, f film, b *brought) error {
	if err := r.roomFor(ctx, account, files.Size(f.name)); err != nil {
		return err
	}
	from, err := files.Open(ctx, f.name)
	if err != nil {
		return err
	}
	head := make([]byte, 64)
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return errors.Join(err, from.Close())
	}
	kind, ext := container(head[:n])
	o, err := r.Blobs.Put(ctx, account, blob.Videos, ext, kind, io.MultiReader(bytes.NewReader(head[:n]), from))
	if err = errors.Join(err, from.Close()); err != nil {
		return err
	}
	if o.Size == 0 {
		return exit.Fail(exit.Invalid, "upload.error.empty")
	}
	b.Original, b.Type, b.Bytes, b.SHA256 = o.Key, kind, o.Size, o.SHA256
	b.keys = append(b.keys, o.Key)
	if b.Origin == "" {
		b.Origin = "file:" + o.SHA256
	}
	return r.putAlong(ctx, account, files, f, b)
}

// putAlong puts a video's cover and subtitles, where they are let through.
func (r *Room) putAlong(ctx context.Context, account who.ID, files *archive.Files, f film, b *brought) error {
	if f.cover != "" {
		if err := r.putBeside(ctx, files, f.cover, b, func(from io.Reader) error {
			p, err := media.Image(ctx, from, coverLimits)
			if err != nil {
				return err
			}
			if err := resting(r.screenBeside(ctx, account, "", post.Look(p.Thumb))); err != nil {
				return err
			}
			poster, thumb, err := r.putCover(ctx, account, p)
			if err == nil {
				b.Poster, b.Thumb = poster.Key, thumb.Key
				b.keys = append(b.keys, poster.Key, thumb.Key)
			}
			return err
		}); err != nil {
			return err
		}
	}
	for _, s := range f.subtitles[:min(len(f.subtitles), mostSubtitles)] {
		if err := r.putBeside(ctx, files, s.name, b, func(from io.Reader) error {
			text, err := media.Subtitle(io.LimitReader(from, largestSubtitles+1))
			if err != nil {
				return err
			}
			if err := resting(r.screenBeside(ctx, account, string(text), "")); err != nil {
				return err
			}
			o, err := r.Blobs.Put(ctx, account, blob.Videos, ".vtt", "text/vtt", bytes.NewReader(text))
			if err == nil {
				b.subtitles = append(b.subtitles, Subtitle{Language: s.language, Label: s.label, Key: o.Key, Bytes: o.Size})
				b.keys = append(b.keys, o.Key)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// putBeside reads a file that goes with a video; one that is no good is left out, which the report says.
func (r *Room) putBeside(ctx context.Context, files *archive.Files, name string, b *brought, put func(io.Reader) error) error {
	from, err := files.Open(ctx, name)
	if err == nil {
		err = errors.Join(put(from), from.Close())
	}
	if reasonOf(err) != "" {
		b.note = "channel_batch.note.beside"
		return nil
	}
	return err
}

// storeFilm stores a video of a zip, and has it worked on; one that is live is published when it is ready, under its own date and without notices.
func (r *Room) storeFilm(ctx context.Context, pass service.Pass, v who.Viewer, b brought) error {
	n, err := r.store.unpublished(ctx, v.Account)
	if err != nil {
		return err
	}
	if n >= mostDrafts {
		return exit.Fail(exit.Conflict, "channel.error.drafts", "Count", mostDrafts)
	}
	x := b.Video
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
	if err := r.store.addVideo(ctx, pass, x); err != nil {
		return err
	}
	if err := r.store.setOriginal(ctx, pass, x); err != nil {
		return err
	}
	x.Media = Processing
	if err := r.store.setMedia(ctx, pass, x); err != nil {
		return err
	}
	if err := r.store.setOrigin(ctx, pass, x); err != nil {
		return err
	}
	for _, s := range b.subtitles {
		s.ID = r.DB.IDs.Next()
		if err := r.store.addSubtitle(ctx, pass, x, s); err != nil {
			return err
		}
	}
	if err := r.store.setState(ctx, pass, x); err != nil {
		return err
	}
	return r.Queue.Add(ctx, job.Job{Kind: processJob, Ref: x.ID.String(), Account: v.Account})
}

// describe gives what a video's sidecar says of it, or its name.
func (r *Room) describe(ctx context.Context, v who.Viewer, u upload.Upload, files *archive.Files, f film) (brought, error) {
	b := brought{Video: Video{Owner: v.Account}}
	var s sidecar
	if f.sidecar != "" {
		if err := r.putBeside(ctx, files, f.sidecar, &b, func(from io.Reader) (err error) {
			s, err = readSidecar(from, strings.HasSuffix(f.sidecar, infoEnding))
			return err
		}); err != nil {
			return b, err
		}
	}
	c, err := r.mine(ctx, v)
	if err != nil {
		return b, err
	}
	limits, err := r.Limits(ctx)
	if err != nil {
		return b, err
	}
	words, err := VideoWords{Title: cut(s.title, mostTitle), Text: cut(s.words(), mostText)}.clean(true)
	if err != nil || words.Title == "" {
		words.Title = titleOf(f.name)
	}
	if err != nil {
		words.Text, b.note = "", "channel_batch.note.words"
	}
	if b.Audience, err = r.forWhom(ctx, v, u.Detail, s); err != nil {
		return b, err
	}
	if wordOf(b.Audience) != u.Detail && b.note == "" {
		b.note = "channel_batch.note.narrower"
	}
	b.File = s.file
	if b.File == "" {
		b.File = fileName(f.name)
	}
	b.Title, b.Text, b.Language, b.Origin, b.Downloads = words.Title, plainWords(words.Text), s.language, s.origin, c.Downloads
	now, err := r.DB.Now(ctx)
	if err != nil {
		return b, err
	}
	if b.State, b.At, b.Due = s.standing(now); b.State == Drafted {
		b.note = "channel_batch.note.unpublished"
		return b, nil
	}
	at := now
	if b.State == Scheduled {
		at = b.Due
	}
	err = r.enough(ctx, v, limits.ToPublish, "channel.error.followers_publish")
	if err == nil {
		err = r.withinDay(ctx, v, 0, at, limits.ADay)
	}
	if kind := exit.KindOf(err); err != nil && (kind == exit.Forbidden || kind == exit.TooMany) {
		b.State, b.Due, b.note = Drafted, time.Time{}, "channel_batch.note.draft"
		return b, nil
	}
	return b, err
}

// forWhom gives the audience of a video that is brought: the one that was picked, or what its sidecar says where that is for fewer. Where
// neither is within the other it is for its owner alone.
func (r *Room) forWhom(ctx context.Context, v who.Viewer, picked string, s sidecar) (who.Audience, error) {
	chosen, err := r.audience(ctx, v, picked)
	if err != nil || s.audience == "" {
		return chosen, err
	}
	a := archive.Video{Audience: s.audience, Circle: s.circle}
	places, err := r.circlesOf(ctx, v.Account, []archive.Video{a})
	if err != nil {
		return "", err
	}
	switch own, _ := audienceOf(v.Account, a, s.origin, places); {
	case own == chosen, own == who.Public:
		return chosen, nil
	case chosen == who.Public:
		return own, nil
	}
	return who.Only(v.Account), nil
}

// oldest is before anybody had a video to publish: an earlier date is no date.
var oldest = time.Date(1888, time.January, 1, 0, 0, 0, 0, time.UTC)

package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/post"
	"exeunt/internal/who"

	"golang.org/x/text/language"
)

// broughtVideo is a video that is brought along, with its files put, to be kept by a transaction.
type broughtVideo struct {
	Video
	at        int // among the records
	subtitles []Subtitle
	keys      []string
}

// clean makes a text of elsewhere one that can be stored.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// importVideos puts the files of videos that are new here.
func (h *Holder) importVideos(ctx context.Context, owner who.ID, records []any, files exit.Files) (exit.Intake, error) {
	out := make([]exit.Outcome, len(records))
	list, origins := make([]archive.Video, len(records)), make([]string, len(records))
	for i, rec := range records {
		a, ok := rec.(archive.Video)
		if !ok {
			return nil, fmt.Errorf("a record is a %T", rec)
		}
		if list[i], origins[i] = a, a.Origin; a.Origin == "" {
			origins[i] = originPrefix + a.ID
		}
	}
	known, err := h.room.store.known(ctx, owner, origins)
	if err != nil {
		return nil, err
	}
	places, err := h.room.circlesOf(ctx, owner, list)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var fresh []broughtVideo
	for i, a := range list {
		switch {
		case known[origins[i]] != 0 || seen[origins[i]]:
			out[i].Result = "duplicate"
			continue
		case !fits(a.Title, mostTitle, "\n\t") || !fits(a.Text, mostText, "\n\t\r") || len(origins[i]) > longestLink:
			out[i] = skipped(reasonLong)
			continue
		case a.File == "" || a.Missing != "":
			out[i] = skipped(reasonFile)
			continue
		}
		seen[origins[i]] = true
		b := broughtVideo{Video: h.room.broughtVideo(owner, a, origins[i]), at: i}
		out[i] = exit.Outcome{Result: "taken"}
		b.Audience, out[i].Reason = audienceOf(owner, a, origins[i], places)
		if a.State == archive.StateWithheld {
			out[i].Reason = noteDraft
		}
		reason, err := h.bring(ctx, &b, a, files, &out[i])
		if err != nil {
			return nil, err
		}
		if reason != "" {
			out[i] = skipped(reason)
			continue
		}
		fresh = append(fresh, b)
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		done := append([]exit.Outcome(nil), out...)
		if len(fresh) == 0 {
			return done, nil
		}
		return done, h.takeVideos(ctx, owner, fresh, done)
	}, nil
}

// circlesOf gives the circles for which the videos were.
func (r *Room) circlesOf(ctx context.Context, owner who.ID, list []archive.Video) (map[who.ID]post.Place, error) {
	var ids []who.ID
	for _, a := range list {
		if id, ok := who.ParseID(a.Circle); ok && a.Audience == archive.AudienceCircle {
			ids = append(ids, id)
		}
	}
	if r.Posts == nil {
		return nil, nil
	}
	return r.Posts.PlacesFor(ctx, who.Viewer{Account: owner, State: who.Active}, ids)
}

// broughtVideo gives the video that a record becomes. What was withheld is a draft: an archive cannot say what moderators decide.
func (r *Room) broughtVideo(owner who.ID, a archive.Video, origin string) Video {
	x := Video{
		ID: r.DB.IDs.Next(), Owner: owner, Title: strings.Join(strings.Fields(clean(a.Title)), " "), Text: lines(clean(post.Plain(a.Text))), State: Live, Media: Processing,
		At: a.At.Time, Created: a.Created.Time, Edited: a.Edited.Time, Origin: clean(origin), File: cut(clean(a.FileName), 200), Downloads: a.Downloads,
	}
	if tag, err := language.Parse(a.Language); err == nil && a.Language != "" {
		x.Language = tag.String()
	}
	switch a.State {
	case "":
		if x.Title == "" { // nothing stands before others without a title
			x.State = Drafted
		}
	case archive.StateScheduled:
		x.State, x.Due, x.At = Scheduled, a.At.Time, time.Time{}
	default:
		x.State = Drafted
	}
	return x
}

// bring puts a video's file, cover and subtitles; reason says why it is skipped. A cover or subtitles that cannot be read count as missing.
func (h *Holder) bring(ctx context.Context, b *broughtVideo, a archive.Video, files exit.Files, out *exit.Outcome) (reason string, err error) {
	if reason, err = h.bringFile(ctx, b, a.File, files); err != nil || reason != "" {
		return reason, err
	}
	if a.Cover != "" {
		poster, thumb, err := h.bringCover(ctx, b.Owner, a.Cover, files)
		switch {
		case err != nil && notOurs(err):
			out.Missing++
		case err != nil:
			return "", err
		default:
			b.Poster, b.Thumb = poster.Key, thumb.Key
			b.keys = append(b.keys, poster.Key, thumb.Key)
		}
	}
	had := map[string]bool{}
	for _, s := range a.Subtitles[:min(len(a.Subtitles), mostSubtitles)] {
		tag, err := language.Parse(s.Language)
		if err != nil || had[tag.String()] {
			out.Missing++
			continue
		}
		had[tag.String()] = true
		text, err := h.readBeside(ctx, s.Path, files, media.Subtitle)
		if err == nil {
			err = h.room.screenBeside(ctx, b.Owner, string(text), "")
		}
		if err != nil && notOurs(err) || err == nil && len(text) > largestSubtitles {
			out.Missing++
			continue
		}
		if err != nil {
			return "", err
		}
		o, err := h.room.Blobs.Put(ctx, b.Owner, blob.Videos, ".vtt", "text/vtt", bytes.NewReader(text))
		if err != nil {
			return "", err
		}
		b.subtitles = append(b.subtitles, Subtitle{ID: h.room.DB.IDs.Next(), Language: tag.String(), Label: cut(clean(s.Label), mostLabel), Key: o.Key, Bytes: o.Size})
		b.keys = append(b.keys, o.Key)
	}
	return "", nil
}

// bringFile puts the file itself, streaming.
func (h *Holder) bringFile(ctx context.Context, b *broughtVideo, name string, files exit.Files) (reason string, err error) {
	f, size, err := files.File(ctx, name)
	if err != nil && notOurs(err) {
		return reasonFile, nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := h.room.roomFor(ctx, b.Owner, size); exit.KindOf(err) == exit.Conflict {
		return reasonRoom, nil
	} else if err != nil {
		return "", err
	}
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read video of an archive: %w", err)
	}
	kind, ext := container(head[:n])
	o, err := h.room.Blobs.Put(ctx, b.Owner, blob.Videos, ext, kind, io.MultiReader(bytes.NewReader(head[:n]), f))
	if err != nil {
		return "", err
	}
	if o.Size == 0 {
		return reasonFile, nil // swept tomorrow: nobody keeps it
	}
	b.Original, b.Type, b.Bytes, b.SHA256 = o.Key, kind, o.Size, o.SHA256
	b.keys = append(b.keys, o.Key)
	return "", nil
}

// readBeside reads a small file of an archive through a reader that refuses what it does not know.
func (h *Holder) readBeside(ctx context.Context, name string, files exit.Files, read func(io.Reader) ([]byte, error)) (b []byte, err error) {
	f, _, err := files.File(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return read(io.LimitReader(f, largestSubtitles+1))
}

// bringCover puts a cover as it is, where it needs no change, and its small form.
func (h *Holder) bringCover(ctx context.Context, owner who.ID, name string, files exit.Files) (poster, thumb blob.Blob, err error) {
	p, err := h.readPicture(ctx, name, coverLimits, files)
	if err == nil {
		err = h.room.screenBeside(ctx, owner, "", post.Look(p.Thumb))
	}
	if err != nil {
		return poster, thumb, err
	}
	return h.room.putCover(ctx, owner, p)
}

// readPicture reads an image of an archive; one that needs no change comes back byte for byte.
func (h *Holder) readPicture(ctx context.Context, name string, limits media.Limits, files exit.Files) (p media.Picture, err error) {
	f, _, err := files.File(ctx, name)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	limits.KeepClean = true
	return media.Image(ctx, f, limits)
}

// bringPicture puts a picture of a channel; ok is false where the archive has none that can be shown.
func (h *Holder) bringPicture(ctx context.Context, owner who.ID, which Which, name string, files exit.Files) (key string, ok bool, err error) {
	p, err := h.readPicture(ctx, name, pictureLimits[which], files)
	if err != nil && notOurs(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	b, err := h.room.Blobs.Put(ctx, owner, blob.Channels, p.Ext, p.Type, bytes.NewReader(p.Bytes))
	return b.Key, err == nil, err
}

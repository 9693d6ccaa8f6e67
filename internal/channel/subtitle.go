package channel

import (
	"bytes"
	"context"
	"io"
	"strings"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/service"
	"exeunt/internal/who"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// The bounds of subtitles.
const (
	mostSubtitles    = 20
	largestSubtitles = 2 << 20 // bytes
)

// Subtitle is a WebVTT file (W3C WebVTT) that goes with a video.
type Subtitle struct {
	ID                   who.ID
	Language, Label, Key string // BCP 47; a name of the language; the blob key
	Bytes                int64
}

// AddSubtitle stores subtitles in a language from a WebVTT or SubRip file, in place of those that were there in it. It must not be called inside
// a transaction.
func (r *Room) AddSubtitle(ctx context.Context, v who.Viewer, id who.ID, lang, label string, from io.Reader) error {
	tag, err := language.Parse(strings.TrimSpace(lang))
	if err != nil || tag == language.Und {
		return exit.Fail(exit.Invalid, "channel.error.subtitle_language")
	}
	label = strings.Join(strings.Fields(label), " ")
	if !fits(label, mostLabel, "") {
		return exit.Fail(exit.Invalid, "channel.error.subtitle_label", "Count", mostLabel)
	}
	if label == "" {
		label = display.Self.Name(tag)
	}
	x, err := r.Video(ctx, v, id)
	if err != nil {
		return err
	}
	if !changes(v, x) {
		return errNoVideo()
	}
	text, err := media.Subtitle(io.LimitReader(from, largestSubtitles+1))
	if err != nil {
		return err
	}
	if len(text) > largestSubtitles {
		return exit.Fail(exit.Invalid, "channel.error.subtitle_large")
	}
	if err := r.roomFor(ctx, v.Account, int64(len(text))); err != nil {
		return err
	}
	b, err := r.Blobs.Put(ctx, v.Account, blob.Videos, ".vtt", "text/vtt", bytes.NewReader(text))
	if err != nil {
		return err
	}
	s := Subtitle{ID: r.DB.IDs.Next(), Language: tag.String(), Label: label, Key: b.Key, Bytes: b.Size}
	return r.changing(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, x Video) error {
		if err := r.screenPart(ctx, pass, x, string(text), "", true); err != nil {
			return err
		}
		list, err := r.store.subtitles(ctx, id)
		if err != nil {
			return err
		}
		others := 0
		for _, old := range list {
			if old.Language != s.Language {
				others++
				continue
			}
			if err := r.dropSubtitle(ctx, pass, v.Account, id, old); err != nil {
				return err
			}
		}
		if others >= mostSubtitles {
			return exit.Fail(exit.Conflict, "channel.error.subtitles", "Count", mostSubtitles)
		}
		if err := r.Blobs.Keep(ctx, s.Key); err != nil {
			return err
		}
		return r.store.addSubtitle(ctx, pass, x, s)
	})
}

// DropSubtitle deletes subtitles of a video.
func (r *Room) DropSubtitle(ctx context.Context, v who.Viewer, id, subtitle who.ID) error {
	return r.removing(ctx, v, id, func(ctx context.Context, pass service.Pass, _ Video) error {
		list, err := r.store.subtitles(ctx, id)
		if err != nil {
			return err
		}
		for _, s := range list {
			if s.ID == subtitle {
				return r.dropSubtitle(ctx, pass, v.Account, id, s)
			}
		}
		return exit.Fail(exit.NotFound, "channel.error.no_subtitle")
	})
}

func (r *Room) dropSubtitle(ctx context.Context, pass service.Pass, owner, video who.ID, s Subtitle) error {
	if err := r.store.dropSubtitle(ctx, pass, video, s.ID); err != nil {
		return err
	}
	return r.Blobs.Doom(ctx, owner, s.Key)
}

package channel_test

import (
	"bytes"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/media"
	"exeunt/internal/post"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// TestWordsAreScreened has names and descriptions of channels and collections looked at as what stands before others is.
func TestWordsAreScreened(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		mira := h.creator("mira")
		h.refuse = "buy now"
		const key = "moderate.error.filtered"
		for _, w := range []channel.Words{{Name: "buy now"}, {Name: "Mira", Bio: "so buy now"}} {
			h.refused(h.Change(ctx, mira, w), exit.Invalid, key)
			h.refused(h.Open(ctx, mira, w), exit.Invalid, key)
		}
		if c, err := h.Channel(ctx, mira, mira.Account); err != nil || c.Bio != "" || c.Name == "buy now" {
			t.Errorf("the channel is %+v, %v", c, err)
		}
		_, err := h.SaveCollection(ctx, mira, 0, "buy now", "")
		h.refused(err, exit.Invalid, key)
		id, err := h.SaveCollection(ctx, mira, 0, "walks", "")
		h.must(err)
		_, err = h.SaveCollection(ctx, mira, id, "walks", "buy now")
		h.refused(err, exit.Invalid, key)
		if c, _, err := h.Collection(ctx, mira, id); err != nil || c.Title != "walks" || c.Text != "" {
			t.Errorf("the collection is %+v, %v", c, err)
		}
		h.must(h.Change(ctx, mira, channel.Words{Name: "Mira", Bio: "of walks"}))
	})
}

// TestBesideIsScreened has covers and subtitles looked at, however they come.
func TestBesideIsScreened(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx, mira := t.Context(), h.creator("mira")
		cover, words := picture(t), "WEBVTT\n\n00:01.000 --> 00:02.000\nbuy now\n"
		p, err := media.Image(ctx, strings.NewReader(cover), media.Limits{Keep: 1280, Thumb: 480})
		h.must(err)
		h.refuse, h.block = "buy now", post.Look(p.Thumb)
		id := h.film(mira)
		h.refused(h.SetCover(ctx, mira, id, strings.NewReader(cover)), exit.Invalid, "moderate.error.image")
		h.refused(h.AddSubtitle(ctx, mira, id, "en", "", strings.NewReader(words)), exit.Invalid, "moderate.error.filtered")
		out := h.imports(mira, bag{"f.mp4": string(clip(t, ".mp4")), "c.jpg": cover, "s.vtt": words}, archive.Video{
			ID: "5", Title: "t", Audience: archive.AudiencePublic, File: "f.mp4", Cover: "c.jpg", Subtitles: []archive.Subtitle{{Language: "en", Path: "s.vtt"}},
		})
		if out[0].Result != "taken" || out[0].Missing != 2 {
			t.Errorf("the import says %+v", out[0])
		}
		zip := zipOf(t, entry{name: "a.mp4", content: filmOf(1, 10)}, entry{name: "a.jpg", content: cover}, entry{name: "a.vtt", content: words})
		u, err := h.uploads.Bring(ctx, mira.Account, upload.Draft{What: channel.KindBatch, Name: "films.zip", Detail: "public", Length: int64(len(zip))}, bytes.NewReader(zip))
		h.must(err)
		h.work()
		items, err := h.uploads.Items(ctx, u.ID, 0, 10)
		if err != nil || len(items) != 1 || items[0].Reason != "channel_batch.note.beside" {
			t.Errorf("the batch says %+v, %v", items, err)
		}
		if n, left := h.sole(`select count(*) from videos where state = 'live'`), h.sole(`select count(*) from video_subtitles`)+h.sole(`select count(*) from videos where poster <> ''`); n != 2 || left != 0 {
			t.Errorf("%d videos are published, want 2, with %d covers and subtitles", n, left)
		}
		h.see(who.Viewer{}, who.ID(h.sole(`select id from videos where origin = 'urn:exeunt:video:5'`)))
	})
}

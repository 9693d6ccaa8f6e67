package channel

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"exeunt/internal/feed"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// podcastPath gives the address of a channel's podcast.
func podcastPath(handle string) string { return Path(handle) + "/feed.xml" }

// podcast answers with the newest public videos of a channel, for podcast apps: what a guest sees. NotFound where a guest finds no channel, or
// somebody who is signed in does not.
func (r *Room) podcast(w http.ResponseWriter, req *http.Request) error {
	if v := service.ViewerOf(req.Context()); !v.Guest() {
		if _, err := r.Named(req.Context(), v, req.PathValue("name")); err != nil {
			return err
		}
	}
	guest := who.Viewer{}
	ctx := service.AsGuest(req.Context())
	c, err := r.Named(ctx, guest, req.PathValue("name"))
	if err != nil {
		return err
	}
	list, err := r.store.ofChannel(ctx, 0, c.Account, Cursor{}, feed.MostEpisodes)
	if err != nil {
		return err
	}
	p := feed.Podcast{
		Title: c.Name, Link: ui.Absolute(ctx, Path(c.Handle)), Self: ui.Absolute(ctx, podcastPath(c.Handle)), Description: service.EndingWords(ctx, c.Bio), Language: string(ui.LangOf(ctx)), Author: c.Name,
		Category: podcastCategories[usualCategory], Explicit: c.Explicit,
	}
	if c.Category != "" {
		p.Category = podcastCategories[c.Category]
	}
	if c.Avatar != "" {
		p.Image = ui.Absolute(ctx, service.MediaPath(c.Avatar))
	}
	files, err := r.store.podcastFiles(ctx, idsOf(list))
	if err != nil {
		return err
	}
	texts := make([]string, len(list))
	for i, x := range list {
		texts[i] = x.Text
	}
	mentions, err := r.Posts.Mentions(ctx, 0, texts...)
	if err != nil {
		return err
	}
	for key, m := range mentions {
		m.Href = ui.Absolute(ctx, m.Href)
		mentions[key] = m
	}
	for _, x := range list {
		if !open(x) || x.Audience != who.Public {
			continue
		}
		e, err := episode(ctx, x, mentions, files)
		if err != nil {
			return err
		}
		if len(e.Files) > 0 {
			p.Episodes = append(p.Episodes, e)
		}
	}
	return feed.ServePodcast(w, req, p)
}

// episodeTitle is how much of a text stands for a title that is missing, in characters.
const episodeTitle = 60

// episode gives a video as podcast apps read it. It has no files where nothing of it plays without a program of its own.
func episode(ctx context.Context, x Video, mentions map[string]ui.Mention, all podcastFiles) (feed.Episode, error) {
	e := feed.Episode{
		Title: x.Title, Link: ui.Absolute(ctx, VideoPath(x.ID)), At: x.At, Changed: x.Edited, Text: ui.PlainText(x.Text, mentions, 4000), Categories: topicNames(x), Duration: x.Duration,
	}
	if e.Title == "" {
		e.Title = ui.PlainText(x.Text, mentions, episodeTitle)
	}
	if e.Title == "" {
		e.Title = ui.T(ctx, "channel_feed.podcast.untitled", "Day", ui.Date(ui.LangOf(ctx), x.At, ui.ReaderFrom(ctx).Zone))
	}
	if x.Poster != "" {
		e.Image = ui.Absolute(ctx, service.MediaPath(x.Poster))
	}
	if x.Text != "" {
		var b bytes.Buffer
		if err := ui.RichText(x.Text, mentions).Render(ctx, &b); err != nil {
			return e, err
		}
		e.HTML = b.String()
	}
	original := feed.File{URL: ui.Absolute(ctx, service.MediaPath(x.Original)), Type: x.Type, Bytes: x.Bytes, Width: x.Width, Height: x.Height}
	if offers(x) && (x.Plays || x.Media == Plain) {
		e.Files = append(e.Files, original)
	}
	for _, f := range all.renditions[x.ID] {
		e.Files = append(e.Files, feed.File{URL: ui.Absolute(ctx, service.MediaPath(f.Key)), Type: mp4, Bytes: f.Bytes, Width: f.Width, Height: f.Height, Bitrate: f.Bandwidth})
	}
	if offers(x) && len(e.Files) > 0 && e.Files[0] != original { // the first is what apps play unless they choose
		e.Files = append(e.Files, original)
	}
	for _, s := range all.subtitles[x.ID] {
		e.Transcripts = append(e.Transcripts, feed.Transcript{URL: ui.Absolute(ctx, service.MediaPath(s.Key)), Type: "text/vtt", Language: s.Language})
	}
	return e, nil
}

const mp4 = "video/mp4"

// offers says whether podcast apps are given a video's file as it came: an MP4 that may be downloaded, or any that is all there is.
func offers(x Video) bool {
	return x.Original != "" && (x.Downloads && strings.HasPrefix(x.Type, mp4) || x.Media == Plain)
}

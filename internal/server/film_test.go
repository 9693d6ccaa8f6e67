package server_test

import (
	"bytes"
	"context"
	"testing"

	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// farewell names what is planted in the words that stay after their owner.
const farewell = "farewell"

// film fills what the channel room keeps. How a channel is opened and a video sent in is tried where it belongs; here their rows and files are
// enough. It gives the video that others see.
func (s *someone) film(t *testing.T) who.ID {
	t.Helper()
	ctx, in := t.Context(), s.in
	put := func(folder, ext, kind string) string {
		b, err := in.Blobs.Put(ctx, s.v.Account, folder, ext, kind, bytes.NewReader(picture(uint8(s.rune))))
		must(t, err, "put blob")
		return b.Key
	}
	id := in.DB.IDs.Next
	video, draft, topic, list, upload := id(), id(), id(), id(), id()
	files := map[string]string{
		"avatar": put(blob.Channels, ".png", "image/png"), "original": put(blob.Videos, ".mp4", "video/mp4"), "drafted": put(blob.Videos, ".mp4", "video/mp4"),
		"frame":  put(blob.Renditions, ".jpg", "image/jpeg"),
		"piece":  put(blob.Uploads, ".bin", "application/octet-stream"),
		"poster": put(blob.Videos, ".jpg", "image/jpeg"), "words": put(blob.Videos, ".vtt", "text/vtt"), "rendition": put(blob.Renditions, ".mp4", "video/mp4"),
	}
	const videos = `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height,
		poster, thumb, downloads, origin) values ($1, $2, $3, $4, $5, 'zh', $6, 'ready', '', 1000, 1, 1, $7, 'video/mp4', $8, 9, '', 1000, 640, 360, $9, '', 0, $10)`
	const own = `values ($1, $2, `
	must(t, in.DB.Update(ctx, func(ctx context.Context) error {
		for _, key := range files {
			if err := in.Blobs.Keep(ctx, key); err != nil {
				return err
			}
		}
		for _, x := range []struct {
			query string
			args  []any
		}{
			{`insert into channels (account_id, name, bio, avatar, cover, badge, downloads, created_at) values ($1, $2, $3, $4, '', $5, 0, 1)`, []any{int64(s.v.Account), s.plantWord("channel"), s.plant("about"), files["avatar"], s.plant("badge")}},
			{`insert into channel_links (id, account_id, position, label, url) ` + own + `0, $3, $4)`, []any{int64(id()), int64(s.v.Account), s.plant("link"), "https://example.org/" + s.name + "channelzq"}},
			{videos, []any{int64(video), int64(s.v.Account), s.plant("title"), s.plant("film"), "public", "live", files["original"], s.plantWord("file"), files["poster"], nil}},
			{videos, []any{int64(draft), int64(s.v.Account), s.plant("unseen"), s.plant("draft"), "followers:" + s.v.Account.String(), "draft", files["drafted"], "", "", "https://old.example/" + s.name + "filmzq"}},
			{`insert into video_subtitles (id, account_id, video_id, language, label, key, bytes) ` + own + `$3, 'zh', $4, $5, 9)`, []any{int64(id()), int64(s.v.Account), int64(video), s.plant("subtitle"), files["words"]}},
			{`insert into video_renditions (id, account_id, video_id, width, height, bandwidth, codecs, playlist, key, bytes) ` + own + `$3, 640, 360, 1, '', '', $4, 9)`, []any{int64(id()), int64(s.v.Account), int64(video), files["rendition"]}},
			{`insert into topics (id, service, place_id, name, name_key, state, posts, created_at) values ($1, 'channel', 0, $2, $2, 'live', 1, 1)`, []any{int64(topic), s.plantWord("filmtopic")}},
			{`insert into video_topics (id, account_id, video_id, topic_id, at) ` + own + `$3, $4, 1)`, []any{int64(id()), int64(s.v.Account), int64(video), int64(topic)}},
			{`insert into collections (id, account_id, title, text, origin, created_at) ` + own + `$3, $4, null, 1)`, []any{int64(list), int64(s.v.Account), s.plant("collection"), s.plant("series")}},
			{`insert into collection_videos (id, account_id, collection_id, video_id, position) ` + own + `$3, $4, 0)`, []any{int64(id()), int64(s.v.Account), int64(list), int64(video)}},
			{`insert into video_days (video_id, account_id, day, source, views, watched) ` + own + `1, 'feed', 3, 9)`, []any{int64(video), int64(s.v.Account)}},
			{
				`insert into notice_spreads (id, by_id, kind, ref_kind, ref_id, service, place_id, reached, created_at) ` + own + `'video', 'video', $3, 'channel', 0, 0, 1)`,
				[]any{int64(id()), int64(s.v.Account), int64(video)},
			},
			{
				`insert into uploads (id, account_id, what, name, type, detail, length, received, state, created_at, expires_at) ` + own + `'video', $3, 'video/mp4', '', 20, 9, 'open', 1, $4)`,
				[]any{int64(upload), int64(s.v.Account), s.plant("upload"), int64(1) << 50},
			},
			{`insert into upload_pieces (id, account_id, upload_id, position, bytes, key) ` + own + `$3, 0, 9, $4)`, []any{int64(id()), int64(s.v.Account), int64(upload), files["piece"]}},
			{
				`insert into upload_items (id, account_id, upload_id, position, name, state, reason, ref) ` + own + `$3, 0, $4, 'open', '', '')`,
				[]any{int64(id()), int64(s.v.Account), int64(upload), s.plant("item")},
			},
			{`insert into video_frames (id, account_id, video_id, moment, key, bytes) ` + own + `$3, 0, $4, 9)`, []any{int64(id()), int64(s.v.Account), int64(video), files["frame"]}},
		} {
			if _, err := in.DB.Exec(ctx, x.query, x.args...); err != nil {
				return err
			}
		}
		return nil
	}), "make a channel")
	must(t, in.Channels.Leave(ctx, s.v, channel.Farewell{Scope: "channel", Words: s.plant(farewell)}), "leave a farewell")
	s.planted = append(s.planted, s.name+"channelzq", s.name+"filmzq")
	return video
}

// watch has a person do to a video of the other's whatever one can do to one.
func (s *someone) watch(t *testing.T, other *someone) {
	t.Helper()
	ctx, in, video := t.Context(), s.in, other.video
	must(t, in.DB.Update(ctx, func(ctx context.Context) error {
		if _, err := in.DB.Exec(ctx, `insert into video_history (id, account_id, video_id, position, at) values ($1, $2, $3, 5, 1)`, int64(in.DB.IDs.Next()), int64(s.v.Account), int64(video)); err != nil {
			return err
		}
		// A complaint about the other's video, to which the other has said something, decided by the other's organisation.
		_, err := in.DB.Exec(ctx, `insert into claims (id, ref_kind, ref_id, owner_id, account_id, decided_by, name, email, hash, work, statement, counter, answer, state, created_at, answer_by, touched_at, erase_at)
			values ($1, 'video', $2, $3, $4, $5, $6, $7, '', $8, $9, $10, $11, 'upheld', 1, 1, $12, $12)`, int64(in.DB.IDs.Next()), int64(video), int64(other.v.Account), int64(s.v.Account), int64(other.org),
			s.plantWord("claimant"), s.plantWord("mail"), s.plant("work"), s.plant("claim"), other.plant("counter"), other.plant("ruling"), int64(1)<<50)
		return err
	}), "remember what was watched")
	ref := who.Ref{Kind: "video", ID: video}
	_, err := in.Talk.Comment(ctx, s.v, ref, talk.Draft{Text: s.plant("reviewed")})
	must(t, err, "comment on video")
	must(t, in.Talk.Save(ctx, s.v, ref), "save video")
	must(t, in.Talk.Like(ctx, s.v, ref, true), "like video in private")
}

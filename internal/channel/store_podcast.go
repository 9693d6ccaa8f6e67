package channel

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// podcastFile is a rendition, or subtitles, of a video.
type podcastFile struct {
	Video                    who.ID
	Key, Language            string
	Bytes                    int64
	Width, Height, Bandwidth int
}

// podcastFiles are what there is of videos besides their originals: renditions, the best first, and subtitles.
type podcastFiles struct{ renditions, subtitles map[who.ID][]podcastFile }

// podcastFiles gives what there is of the videos.
func (s store) podcastFiles(ctx context.Context, ids []who.ID) (out podcastFiles, err error) {
	list, args := service.In(1, ids)
	read := func(what, query string) (map[who.ID][]podcastFile, error) {
		rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		of := map[who.ID][]podcastFile{}
		_, err = db.Scan(rows, func(r db.Row) (f podcastFile, err error) {
			err = r.Scan((*int64)(&f.Video), &f.Key, &f.Language, &f.Bytes, &f.Width, &f.Height, &f.Bandwidth)
			of[f.Video] = append(of[f.Video], f)
			return f, err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return of, nil
	}
	out.renditions, err = read("read renditions", `select n.video_id, n.key, '', n.bytes, n.width, n.height, n.bandwidth from video_renditions n where n.video_id in (`+list+`) order by n.video_id, n.bandwidth desc, n.id`)
	if err != nil {
		return out, err
	}
	out.subtitles, err = read("read subtitles", `select n.video_id, n.key, n.language, n.bytes, 0, 0, 0 from video_subtitles n where n.video_id in (`+list+`) order by n.video_id, n.language`)
	return out, err
}

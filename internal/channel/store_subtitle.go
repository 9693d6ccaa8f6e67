package channel

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// subtitles gives a video's subtitles by language; there are no more than [mostSubtitles].
func (s store) subtitles(ctx context.Context, video who.ID) ([]Subtitle, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, language, label, key, bytes from video_subtitles where video_id = $1 order by language limit $2`, int64(video), mostSubtitles)
	if err != nil {
		return nil, fmt.Errorf("read subtitles: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (n Subtitle, err error) {
		err = r.Scan((*int64)(&n.ID), &n.Language, &n.Label, &n.Key, &n.Bytes)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read subtitles: %w", err)
	}
	return list, nil
}

func (s store) addSubtitle(ctx context.Context, pass service.Pass, x Video, n Subtitle) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into video_subtitles (id, video_id, account_id, language, label, key, bytes) values ($1, $2, $3, $4, $5, $6, $7)`,
		int64(n.ID), int64(x.ID), int64(x.Owner), n.Language, n.Label, n.Key, n.Bytes); err != nil {
		return fmt.Errorf("store subtitles: %w", err)
	}
	return nil
}

func (s store) dropSubtitle(ctx context.Context, pass service.Pass, video, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from video_subtitles where id = $1 and video_id = $2`, int64(id), int64(video)); err != nil {
		return fmt.Errorf("delete subtitles: %w", err)
	}
	return nil
}

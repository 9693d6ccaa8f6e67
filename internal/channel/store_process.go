package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// setMedia stores how far a video's file is and what it shows.
func (s store) setMedia(ctx context.Context, pass service.Pass, x Video) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set media = $1, fault = $2, progress = $3, file = $4, type = $5, duration = $6, width = $7, height = $8, poster = $9, thumb = $10, look = $11, plays = $12 where id = $13`,
		string(x.Media), x.Fault, x.Progress, x.File, x.Type, x.Duration.Milliseconds(), x.Width, x.Height, x.Poster, x.Thumb, x.Look, flag(x.Plays), int64(x.ID)); err != nil {
		return fmt.Errorf("store how far a video is: %w", err)
	}
	return nil
}

// setOriginal stores where a video's file lies.
func (s store) setOriginal(ctx context.Context, pass service.Pass, x Video) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set original = $1, bytes = $2, sha256 = $3, type = $4, file = $5 where id = $6`, x.Original, x.Bytes, x.SHA256, x.Type, x.File, int64(x.ID)); err != nil {
		return fmt.Errorf("store a video's file: %w", err)
	}
	return nil
}

// setProgress stores how far the work on a video is, in thousandths.
func (s store) setProgress(ctx context.Context, pass service.Pass, id who.ID, permille int) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set progress = $1 where id = $2`, permille, int64(id)); err != nil {
		return fmt.Errorf("store progress: %w", err)
	}
	return nil
}

// arrived gives the upload that has brought a video's file and waits to be taken, the last one if there are several.
func (s store) arrived(ctx context.Context, x Video) (id who.ID, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select id from uploads where account_id = $1 and what = 'video' and detail = $2 and state = 'done' order by id desc limit 1`,
		int64(x.Owner), x.ID.String()).Scan((*int64)(&id))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look for a video's upload: %w", err)
	}
	return id, true, nil
}

// madeBefore gives the files that were made of a video.
func (s store) madeBefore(ctx context.Context, id who.ID) ([]string, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select key from video_renditions where video_id = $1 union all select key from video_frames where video_id = $1`, int64(id))
	if err != nil {
		return nil, fmt.Errorf("read what was made of a video: %w", err)
	}
	keys, err := db.Scan(rows, func(r db.Row) (key string, err error) { err = r.Scan(&key); return key, err })
	if err != nil {
		return nil, fmt.Errorf("read what was made of a video: %w", err)
	}
	return keys, nil
}

// keepMade stores renditions and frames of a video in place of those that were there.
func (s store) keepMade(ctx context.Context, pass service.Pass, x Video, m made) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	for _, q := range []string{`delete from video_renditions where video_id = $1`, `delete from video_frames where video_id = $1`} {
		if _, err := s.db.Exec(ctx, q, int64(x.ID)); err != nil {
			return fmt.Errorf("clear what was made of a video: %w", err)
		}
	}
	var list, pictures db.Values
	for _, n := range m.renditions {
		list.Add(int64(s.db.IDs.Next()), int64(x.ID), int64(x.Owner), n.Width, n.Height, n.Bandwidth, n.Codecs, n.Playlist, n.blob.Key, n.blob.Size)
	}
	for _, n := range m.frames {
		pictures.Add(int64(s.db.IDs.Next()), int64(x.ID), int64(x.Owner), n.at.Milliseconds(), n.blob.Key, n.blob.Size)
	}
	if len(list.Args) > 0 {
		if _, err := s.db.Exec(ctx, `insert into video_renditions (id, video_id, account_id, width, height, bandwidth, codecs, playlist, key, bytes) values `+list.String(), list.Args...); err != nil {
			return fmt.Errorf("store renditions: %w", err)
		}
	}
	if len(pictures.Args) > 0 {
		if _, err := s.db.Exec(ctx, `insert into video_frames (id, video_id, account_id, moment, key, bytes) values `+pictures.String(), pictures.Args...); err != nil {
			return fmt.Errorf("store frames: %w", err)
		}
	}
	return nil
}

// Rendition is one of the sizes in which a video plays, as an HLS media playlist (RFC 8216).
type Rendition struct {
	Width, Height, Bandwidth int // pixels; bits a second
	Codecs, Playlist, Key    string
}

// renditions gives a video's renditions, the smallest first.
func (s store) renditions(ctx context.Context, video who.ID) ([]Rendition, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select width, height, bandwidth, codecs, playlist, key from video_renditions where video_id = $1 order by height, id limit 20`, int64(video))
	if err != nil {
		return nil, fmt.Errorf("read renditions: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (n Rendition, err error) {
		err = r.Scan(&n.Width, &n.Height, &n.Bandwidth, &n.Codecs, &n.Playlist, &n.Key)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read renditions: %w", err)
	}
	return list, nil
}

// Frame is a picture out of a video, from which a cover is chosen.
type Frame struct {
	ID  who.ID
	At  time.Duration
	Key string
}

// frames gives the pictures out of a video, in their order.
func (s store) frames(ctx context.Context, video who.ID) ([]Frame, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, moment, key from video_frames where video_id = $1 order by moment, id limit 20`, int64(video))
	if err != nil {
		return nil, fmt.Errorf("read frames: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (n Frame, err error) {
		var at int64
		err = r.Scan((*int64)(&n.ID), &at, &n.Key)
		n.At = time.Duration(at) * time.Millisecond
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read frames: %w", err)
	}
	return list, nil
}

// setCover stores the keys of a video's cover.
func (s store) setCover(ctx context.Context, pass service.Pass, id who.ID, poster, thumb string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set poster = $1, thumb = $2 where id = $3`, poster, thumb, int64(id)); err != nil {
		return fmt.Errorf("store cover: %w", err)
	}
	return nil
}

// fileOf says of which video a blob is, and what of it.
func (s store) fileOf(ctx context.Context, key string) (video who.ID, what string, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select id, 'original' from videos where original = $1 and original <> '' union all select id, 'cover' from videos where poster = $1 and poster <> ''
		union all select id, 'cover' from videos where thumb = $1 and thumb <> '' union all select video_id, 'subtitle' from video_subtitles where key = $1
		union all select video_id, 'rendition' from video_renditions where key = $1 union all select video_id, 'frame' from video_frames where key = $1 limit 1`, key).Scan((*int64)(&video), &what)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("look whose a file is: %w", err)
	}
	return video, what, nil
}

package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// rendition is one quality of a video, as far as a player needs to know.
type rendition struct {
	Video         who.ID
	Width, Height int
	Key           string
}

// track is a subtitle file of a video.
type track struct {
	Video                who.ID
	Language, Label, Key string
}

// playable gives the renditions of videos, the lowest first; each has a handful.
func (s store) playable(ctx context.Context, ids []who.ID) (map[who.ID][]rendition, error) {
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select video_id, width, height, key from video_renditions where video_id in (`+list+`) order by video_id, height`, args...)
	if err != nil {
		return nil, fmt.Errorf("read renditions: %w", err)
	}
	all, err := db.Scan(rows, func(r db.Row) (x rendition, err error) {
		return x, r.Scan((*int64)(&x.Video), &x.Width, &x.Height, &x.Key)
	})
	if err != nil {
		return nil, fmt.Errorf("read renditions: %w", err)
	}
	out := make(map[who.ID][]rendition, len(ids))
	for _, x := range all {
		out[x.Video] = append(out[x.Video], x)
	}
	return out, nil
}

// tracks gives the subtitles of videos.
func (s store) tracks(ctx context.Context, ids []who.ID) (map[who.ID][]track, error) {
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select video_id, language, label, key from video_subtitles where video_id in (`+list+`) order by video_id, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read subtitles: %w", err)
	}
	all, err := db.Scan(rows, func(r db.Row) (x track, err error) {
		return x, r.Scan((*int64)(&x.Video), &x.Language, &x.Label, &x.Key)
	})
	if err != nil {
		return nil, fmt.Errorf("read subtitles: %w", err)
	}
	out := make(map[who.ID][]track, len(ids))
	for _, x := range all {
		out[x.Video] = append(out[x.Video], x)
	}
	return out, nil
}

// dayKey gives the key under which viewers are counted on a day, making it if the day has none.
func (s store) dayKey(ctx context.Context, pass service.Pass, day int64, fresh string) (key string, err error) {
	if !pass.Valid() {
		return "", service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into view_keys (day, key) values ($1, $2) on conflict (day) do nothing`, day, fresh); err != nil {
		return "", fmt.Errorf("make the day's key: %w", err)
	}
	return s.keyOf(ctx, day)
}

// marked counts whether somebody has seen a video on a day: 1, or 0.
func (s store) marked(ctx context.Context, day int64, video who.ID, mark string) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from view_marks where day = $1 and video_id = $2 and mark = $3`, day, int64(video), mark).Scan(&n); err != nil {
		return 0, fmt.Errorf("look for a mark: %w", err)
	}
	return n, nil
}

// keyOf gives the key of a day; "" if it has none.
func (s store) keyOf(ctx context.Context, day int64) (key string, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select key from view_keys where day = $1`, day).Scan(&key)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the day's key: %w", err)
	}
	return key, nil
}

// addMark notes that somebody has seen a video today; first is false if that stood there.
func (s store) addMark(ctx context.Context, pass service.Pass, day int64, video who.ID, mark string) (first bool, err error) {
	if !pass.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into view_marks (day, video_id, mark) values ($1, $2, $3) on conflict (day, video_id, mark) do nothing`, day, int64(video), mark)
	if err != nil {
		return false, fmt.Errorf("mark a view: %w", err)
	}
	return n == 1, nil
}

// addWatched adds seconds to what was counted of a viewer today, unless that would be more than most.
func (s store) addWatched(ctx context.Context, pass service.Pass, day int64, video who.ID, mark string, seconds, most int64) (added bool, err error) {
	if !pass.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update view_marks set watched = watched + $1 where day = $2 and video_id = $3 and mark = $4 and watched + $1 <= $5`, seconds, day, int64(video), mark, most)
	if err != nil {
		return false, fmt.Errorf("count watched seconds: %w", err)
	}
	return n == 1, nil
}

// addViews adds to a video's sums of a day, and its views to its own.
func (s store) addViews(ctx context.Context, pass service.Pass, x Video, day int64, source string, views, seconds int64) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into video_days (video_id, account_id, day, source, views, watched) values ($1, $2, $3, $4, $5, $6)
		on conflict (video_id, day, source) do update set views = video_days.views + excluded.views, watched = video_days.watched + excluded.watched`,
		int64(x.ID), int64(x.Owner), day, source, views, seconds); err != nil {
		return fmt.Errorf("count views: %w", err)
	}
	if views == 0 {
		return nil
	}
	if _, err := s.db.Exec(ctx, `update videos set views = views + $1 where id = $2`, views, int64(x.ID)); err != nil {
		return fmt.Errorf("count views: %w", err)
	}
	return nil
}

// sweepMarks deletes the keys of days before one, and up to limit of their marks. A day's row stays while it has marks, by which they are found.
func (s store) sweepMarks(ctx context.Context, before int64, limit int) (int64, error) {
	if _, err := s.db.Exec(ctx, `update view_keys set key = '' where day < $1 and key <> ''`, before); err != nil {
		return 0, fmt.Errorf("delete keys of days: %w", err)
	}
	n, err := s.db.Exec(ctx, `delete from view_marks where (day, video_id, mark) in (select day, video_id, mark from view_marks where day < $1 limit $2)`, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep marks of views: %w", err)
	}
	if _, err := s.db.Exec(ctx, `delete from view_keys where day < $1 and not exists (select 1 from view_marks m where m.day = view_keys.day)`, before); err != nil {
		return 0, fmt.Errorf("sweep keys of days: %w", err)
	}
	return n, nil
}

// remembers says whether what an account watches is remembered for it.
func (s store) remembers(ctx context.Context, account who.ID) (on int64, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select history from settings where account_id = $1`, int64(account)).Scan(&on)
	if errors.Is(err, sql.ErrNoRows) {
		return 1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read settings: %w", err)
	}
	return on, nil
}

// setRemembers chooses whether what an account watches is remembered for it.
func (s store) setRemembers(ctx context.Context, pass service.Pass, account who.ID, on bool) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by, history) values ($1, '', '', '', 'only-me', $2)
		on conflict (account_id) do update set history = excluded.history`, int64(account), flag(on)); err != nil {
		return fmt.Errorf("change settings: %w", err)
	}
	return nil
}

// remember puts a video on top of an account's history, with the moment at which it stands.
func (s store) remember(ctx context.Context, pass service.Pass, account, video who.ID, position time.Duration) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into video_history (id, account_id, video_id, position, at) values ($1, $2, $3, $4, $5)
		on conflict (account_id, video_id) do update set position = excluded.position, at = excluded.at`,
		int64(s.db.IDs.Next()), int64(account), int64(video), position.Milliseconds(), db.Ms(pass.At)); err != nil {
		return fmt.Errorf("remember a video: %w", err)
	}
	return nil
}

// position gives where the account left a video; 0 if it has not seen it.
func (s store) position(ctx context.Context, account, video who.ID) (time.Duration, error) {
	var ms int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select position from video_history where account_id = $1 and video_id = $2`, int64(account), int64(video)).Scan(&ms)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read history: %w", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// watched is a row of an account's history.
type watched struct {
	ID, Video who.ID
	Position  time.Duration
	At        time.Time
}

// history gives a page of what an account has watched, the last first.
func (s store) history(ctx context.Context, account who.ID, c post.Cursor, limit int) ([]watched, error) {
	at, id := int64(math.MaxInt64), int64(math.MaxInt64)
	if c.ID != 0 {
		at, id = c.At, int64(c.ID)
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, video_id, position, at from video_history where account_id = $1 and (at, id) < ($2, $3) order by at desc, id desc limit $4`,
		int64(account), at, id, limit)
	if err != nil {
		return nil, fmt.Errorf("list history: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (w watched, err error) {
		var position, at int64
		err = r.Scan((*int64)(&w.ID), (*int64)(&w.Video), &position, &at)
		w.Position, w.At = time.Duration(position)*time.Millisecond, db.Time(at)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("list history: %w", err)
	}
	return list, nil
}

// forget takes a video out of an account's history; without one, up to limit of all that is there. It gives how many went.
func (s store) forget(ctx context.Context, pass service.Pass, account, video who.ID, limit int) (int64, error) {
	if !pass.Valid() {
		return 0, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `delete from video_history where id in (select id from video_history where account_id = $1 and (video_id = $2 or $2 = 0) limit $3)`,
		int64(account), int64(video), limit)
	if err != nil {
		return 0, fmt.Errorf("forget what was watched: %w", err)
	}
	return n, nil
}

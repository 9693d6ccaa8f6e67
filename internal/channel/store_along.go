package channel

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// along gives the next videos of an export, by id: those that were never published, or the others. What was deleted a moment ago stays out.
func (s store) along(ctx context.Context, x service.Span, drafts bool, limit int) ([]Video, error) {
	which := `not (p.` + unpublished + `)`
	if drafts {
		which = `p.` + unpublished
	}
	return s.videos(ctx, "read videos to take along", `select `+columns+` from videos p`+withChannel+`
		where p.account_id = $1 and `+which+` and p.state <> 'deleted' and p.id > $2 and p.id <= $3 and p.created_at >= $4 order by p.id limit $5`,
		int64(x.Owner), x.After, x.Cut, x.Since, limit)
}

// subtitlesOf gives the subtitles of videos, by video and language.
func (s store) subtitlesOf(ctx context.Context, videos []who.ID) (map[who.ID][]Subtitle, error) {
	list, args := service.In(1, videos)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, video_id, language, label, key, bytes from video_subtitles where video_id in (`+list+`) order by video_id, language`, args...)
	if err != nil {
		return nil, fmt.Errorf("read subtitles: %w", err)
	}
	out := map[who.ID][]Subtitle{}
	_, err = db.Scan(rows, func(r db.Row) (n Subtitle, err error) {
		var video int64
		err = r.Scan((*int64)(&n.ID), &video, &n.Language, &n.Label, &n.Key, &n.Bytes)
		out[who.ID(video)] = append(out[who.ID(video)], n)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read subtitles: %w", err)
	}
	return out, nil
}

// topicNamesOf gives the names of the topics under which videos stand.
func (s store) topicNamesOf(ctx context.Context, videos []who.ID) (map[who.ID][]string, error) {
	list, args := service.In(1, videos)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select l.video_id, t.name from video_topics l join topics t on t.id = l.topic_id where l.video_id in (`+list+`) order by l.video_id, l.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	out := map[who.ID][]string{}
	_, err = db.Scan(rows, func(r db.Row) (name string, err error) {
		var video int64
		err = r.Scan(&video, &name)
		out[who.ID(video)] = append(out[who.ID(video)], name)
		return name, err
	})
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	return out, nil
}

// aCollection is a collection as it is taken along.
type aCollection struct {
	Collection
	origin string
	at     int64
	videos []string
}

// collectionsAlong gives the next collections of an export, by id, with their videos in order.
func (s store) collectionsAlong(ctx context.Context, x service.Span, limit int) ([]aCollection, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, title, text, coalesce(origin, ''), created_at from collections
		where account_id = $1 and id > $2 and id <= $3 order by id limit $4`, int64(x.Owner), x.After, x.Cut, limit)
	if err != nil {
		return nil, fmt.Errorf("read collections to take along: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (c aCollection, err error) {
		err = r.Scan((*int64)(&c.ID), &c.Title, &c.Text, &c.origin, &c.at)
		return c, err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids, at := make([]who.ID, len(list)), map[who.ID]int{}
	for i, c := range list {
		ids[i], at[c.ID] = c.ID, i
	}
	in, args := service.In(1, ids)
	members, err := s.db.Q(ctx).QueryContext(ctx, `select collection_id, video_id from collection_videos where collection_id in (`+in+`) order by collection_id, position, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read collections to take along: %w", err)
	}
	_, err = db.Scan(members, func(r db.Row) (int64, error) {
		var collection, video int64
		err := r.Scan(&collection, &video)
		i := at[who.ID(collection)]
		list[i].videos = append(list[i].videos, who.ID(video).String())
		return video, err
	})
	if err != nil {
		return nil, fmt.Errorf("read collections to take along: %w", err)
	}
	return list, nil
}

// aDay is a video's sum of a day and a source.
type aDay struct {
	video          who.ID
	day            int64
	source         string
	views, watched int64
}

// daysAlong gives the next daily sums of an export, by video, day and source; after is the last one's cursor.
func (s store) daysAlong(ctx context.Context, account who.ID, after string, cut int64, limit int) ([]aDay, error) {
	video, rest, _ := strings.Cut(after, "/")
	day, source, _ := strings.Cut(rest, "/")
	var from, on int64
	var err error
	if after != "" {
		if from, err = strconv.ParseInt(video, 10, 64); err == nil {
			on, err = strconv.ParseInt(day, 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("read cursor: %w", err)
		}
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select video_id, day, source, views, watched from video_days where account_id = $1 and video_id <= $2
		and (video_id, day, source) > ($3, $4, $5) order by video_id, day, source limit $6`, int64(account), cut, from, on, source, limit)
	if err != nil {
		return nil, fmt.Errorf("read daily sums to take along: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (d aDay, err error) {
		err = r.Scan((*int64)(&d.video), &d.day, &d.source, &d.views, &d.watched)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read daily sums to take along: %w", err)
	}
	return list, nil
}

// aWatched is a video of an account's history.
type aWatched struct {
	id, video    who.ID
	position, at int64
}

// watchedAlong gives the next of an account's history, by id.
func (s store) watchedAlong(ctx context.Context, x service.Span, limit int) ([]aWatched, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, video_id, position, at from video_history where account_id = $1 and id > $2 and id <= $3 and at >= $4 order by id limit $5`,
		int64(x.Owner), x.After, x.Cut, x.Since, limit)
	if err != nil {
		return nil, fmt.Errorf("read history to take along: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (w aWatched, err error) {
		err = r.Scan((*int64)(&w.id), (*int64)(&w.video), &w.position, &w.at)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("read history to take along: %w", err)
	}
	return list, nil
}

// known gives under which ids the account has videos of the origins, and of the ids themselves, here: by origin.
func (s store) known(ctx context.Context, account who.ID, origins []string) (map[string]who.ID, error) {
	var own []who.ID
	args := []any{int64(account)}
	for _, o := range origins {
		args = append(args, o)
		if id, ok := who.ParseID(strings.TrimPrefix(o, originPrefix)); ok && strings.HasPrefix(o, originPrefix) {
			own = append(own, id)
		}
	}
	list, _ := service.In(2, make([]who.ID, len(origins)))
	ids, more := service.In(len(args)+1, own)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, coalesce(origin, '') from videos where account_id = $1 and origin in (`+list+`)
		union all select id, '' from videos where account_id = $1 and id in (`+ids+`)`, append(args, more...)...)
	if err != nil {
		return nil, fmt.Errorf("look for videos: %w", err)
	}
	out := map[string]who.ID{}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var id int64
		var origin string
		err := r.Scan(&id, &origin)
		if origin != "" {
			out[origin] = who.ID(id)
		}
		if origin == "" || out[originPrefix+who.ID(id).String()] == 0 {
			out[originPrefix+who.ID(id).String()] = who.ID(id)
		}
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for videos: %w", err)
	}
	return out, nil
}

// addBrought stores a video that was brought along, as it was.
func (s store) addBrought(ctx context.Context, pass service.Pass, x Video) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	var due, edited any
	if !x.Due.IsZero() {
		due = db.Ms(x.Due)
	}
	if !x.Edited.IsZero() {
		edited = db.Ms(x.Edited)
	}
	if _, err := s.db.Exec(ctx, `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, due_at, created_at, edited_at, origin, original, type, file,
		bytes, sha256, duration, width, height, poster, thumb, downloads, hot) values ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
		int64(x.ID), int64(x.Owner), x.Title, x.Text, string(x.Audience), x.Language, string(x.State), string(x.Media), db.Ms(x.At), due, db.Ms(x.Created), edited, x.Origin, x.Original, x.Type,
		x.File, x.Bytes, x.SHA256, x.Duration.Milliseconds(), x.Width, x.Height, x.Poster, x.Thumb, flag(x.Downloads), Heat(x.At, 0, 0)); err != nil {
		return fmt.Errorf("store video: %w", err)
	}
	return nil
}

// broughtCollections gives the account's collections of the origins, and of the ids themselves.
func (s store) broughtCollections(ctx context.Context, account who.ID, origins []string, own []who.ID) (map[string]bool, error) {
	args := []any{int64(account)}
	for _, o := range origins {
		args = append(args, o)
	}
	list, _ := service.In(2, make([]who.ID, len(origins)))
	ids, more := service.In(len(args)+1, own)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, coalesce(origin, '') from collections where account_id = $1 and (origin in (`+list+`) or id in (`+ids+`))`, append(args, more...)...)
	if err != nil {
		return nil, fmt.Errorf("look for collections: %w", err)
	}
	out := map[string]bool{}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var id int64
		var origin string
		err := r.Scan(&id, &origin)
		out[origin], out[collectionPrefix+who.ID(id).String()] = true, true
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for collections: %w", err)
	}
	return out, nil
}

// addBroughtCollection stores a collection that was brought along, with its videos in order.
func (s store) addBroughtCollection(ctx context.Context, pass service.Pass, c aCollection, videos []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into collections (id, account_id, title, text, origin, created_at) values ($1, $2, $3, $4, $5, $6)`,
		int64(c.ID), int64(c.Owner), c.Title, c.Text, c.origin, c.at); err != nil {
		return fmt.Errorf("store collection: %w", err)
	}
	for from := 0; from < len(videos); from += 500 {
		var v db.Values
		for i, id := range videos[from:min(from+500, len(videos))] {
			v.Add(int64(s.db.IDs.Next()), int64(c.ID), int64(c.Owner), int64(id), from+i+1)
		}
		if _, err := s.db.Exec(ctx, `insert into collection_videos (id, collection_id, account_id, video_id, position) values `+v.String()+` on conflict do nothing`, v.Args...); err != nil {
			return fmt.Errorf("store a collection's videos: %w", err)
		}
	}
	return nil
}

// addDays stores daily sums that were brought along, and gives how many of them were new.
func (s store) addDays(ctx context.Context, pass service.Pass, account who.ID, d aDay) (bool, error) {
	if !pass.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into video_days (video_id, account_id, day, source, views, watched) values ($1, $2, $3, $4, $5, $6) on conflict (video_id, day, source) do nothing`,
		int64(d.video), int64(account), d.day, d.source, d.views, d.watched)
	if err != nil {
		return false, fmt.Errorf("store daily sums: %w", err)
	}
	return n > 0, nil
}

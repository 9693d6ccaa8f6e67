package channel

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// link stands videos beneath topics, which are given by their keys, and counts them there.
func (s store) link(ctx context.Context, pass service.Pass, list []Video, topics map[string]who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	var v db.Values
	for _, x := range list {
		for _, name := range topicNames(x) {
			if id := topics[ui.TopicKey(name)]; id != 0 {
				v.Add(int64(s.db.IDs.Next()), int64(x.ID), int64(x.Owner), int64(id), db.Ms(x.At))
			}
		}
	}
	if len(v.Args) == 0 {
		return nil
	}
	if _, err := s.db.Exec(ctx, `insert into video_topics (id, video_id, account_id, topic_id, at) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("link topics: %w", err)
	}
	ids, args := service.In(1, idsOf(list))
	if _, err := s.db.Exec(ctx, `update topics set posts = posts + g.n from (select topic_id, count(*) as n from video_topics where video_id in (`+ids+`) group by topic_id) g
		where topics.id = g.topic_id`, args...); err != nil {
		return fmt.Errorf("count topics: %w", err)
	}
	return nil
}

// unlink takes videos out of their topics, which it gives; a topic goes with its last video.
func (s store) unlink(ctx context.Context, pass service.Pass, videos []who.ID) ([]who.ID, error) {
	if !pass.Valid() {
		return nil, service.ErrNoPass()
	}
	list, args := service.In(1, videos)
	found, err := s.db.Q(ctx).QueryContext(ctx, `select distinct topic_id from video_topics where video_id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read topics of videos: %w", err)
	}
	topics, err := db.Scan(found, func(r db.Row) (id who.ID, err error) { err = r.Scan((*int64)(&id)); return id, err })
	if err != nil || len(topics) == 0 {
		return nil, err
	}
	for _, q := range untagged(`(select v.id from videos v where v.id in (` + list + `)) r`) {
		if _, err := s.db.Exec(ctx, q, args...); err != nil {
			return nil, fmt.Errorf("unlink topics: %w", err)
		}
	}
	return topics, nil
}

// underTopic gives a page of a topic's videos that everybody may see, newest first.
func (s store) underTopic(ctx context.Context, viewer, topic who.ID, c Cursor, limit int) ([]Video, error) {
	at, id := c.below()
	return s.videos(ctx, "list a topic's videos", `select `+columns+` from video_topics l join videos p on p.id = l.video_id`+withChannel+`
		where l.topic_id = $2 and (l.at, l.video_id) < ($3, $4) order by l.at desc, l.video_id desc limit $5`, int64(viewer), int64(topic), at, id, limit)
}

// shownTopics gives those of the topics of channels under which the viewer sees a video.
func (s store) shownTopics(ctx context.Context, viewer who.ID, topics []who.ID) (map[who.ID]bool, error) {
	out := map[who.ID]bool{}
	if len(topics) == 0 {
		return out, nil
	}
	list, args := service.In(2, topics)
	found, err := s.db.Q(ctx).QueryContext(ctx, `select t.id from topics t where t.service = 'channel' and t.id in (`+list+`) and exists (select 1 from video_topics y join videos p on p.id = y.video_id
		where y.topic_id = t.id and p.state = 'live' and (p.account_id = $1 or `+service.Visible("p.account_id", "'channel'", "'0'")+` and `+service.Unblocked("$1", "p.account_id")+`))`,
		append([]any{int64(viewer)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read which topics are seen: %w", err)
	}
	_, err = db.Scan(found, func(r db.Row) (id int64, err error) {
		err = r.Scan(&id)
		out[who.ID(id)] = true
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read which topics are seen: %w", err)
	}
	return out, nil
}

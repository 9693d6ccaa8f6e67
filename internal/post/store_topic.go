package post

import (
	"context"
	"fmt"
	"strings"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

const topicColumns = `t.id, t.service, t.place_id, t.name, t.posts, t.state, t.created_at`

func scanTopic(r db.Row) (Topic, error) {
	var t Topic
	var id, place, at int64
	var state string
	err := r.Scan(&id, &t.Service, &place, &t.Name, &t.Posts, &state, &at)
	t.ID, t.Place, t.Closed, t.At = who.ID(id), who.ID(place), state == topicClosed, db.Time(at)
	return t, err
}

func (s store) listTopics(ctx context.Context, query string, args ...any) ([]Topic, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	list, err := db.Scan(rows, scanTopic)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	return list, nil
}

// topics gives the fullest topics of a place.
func (s store) topics(ctx context.Context, p Place, limit int) ([]Topic, error) {
	return s.listTopics(ctx, `select `+topicColumns+` from topics t where t.service = $1 and t.place_id = $2 order by t.posts desc, t.id desc limit $3`, p.Service, int64(p.ID), limit)
}

func (s store) topicsByID(ctx context.Context, ids []who.ID) ([]Topic, error) {
	list, args := service.In(1, ids)
	return s.listTopics(ctx, `select `+topicColumns+` from topics t where t.id in (`+list+`)`, args...)
}

// shownTopics gives those of the topics of own pages under which the viewer sees a post.
func (s store) shownTopics(ctx context.Context, viewer who.ID, ids []who.ID) (map[who.ID]bool, error) {
	out := map[who.ID]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	list, args := service.In(2, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select t.id from topics t where t.service = 'page' and t.id in (`+list+`) and `+service.TopicShown("$1", "t.id"),
		append([]any{int64(viewer)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read which topics are seen: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (id int64, err error) {
		err = r.Scan(&id)
		out[who.ID(id)] = true
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read which topics are seen: %w", err)
	}
	return out, nil
}

func (s store) topic(ctx context.Context, id who.ID) (Topic, error) {
	list, err := s.topicsByID(ctx, []who.ID{id})
	if err != nil {
		return Topic{}, err
	}
	if len(list) == 0 {
		return Topic{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	return list[0], nil
}

// quieted says whether the viewer has muted a topic, or wants less of it.
func (s store) quieted(ctx context.Context, viewer, topic who.ID) (bool, error) {
	var n int
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from topics t where t.id = $2 and `+relation.Quieted("$1", "'topic'", "t.id"), int64(viewer), int64(topic)).Scan(&n); err != nil {
		return false, fmt.Errorf("read mute of a topic: %w", err)
	}
	return n > 0, nil
}

func (s store) topicCount(ctx context.Context, p Place) (n int, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from topics where service = $1 and place_id = $2`, p.Service, int64(p.ID)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count topics: %w", err)
	}
	return n, nil
}

// addTopic stores a topic. Conflict if the place has one of that name.
func (s store) addTopic(ctx context.Context, pass service.Pass, t Topic) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into topics (id, service, place_id, name, name_key, state, created_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (service, place_id, name_key) do nothing`, int64(t.ID), t.Service, int64(t.Place), t.Name, ui.TopicKey(t.Name), topicOpen, db.Ms(t.At))
	if err != nil {
		return fmt.Errorf("store topic: %w", err)
	}
	return taken(n)
}

func taken(n int64) error {
	if n == 0 {
		return exit.Fail(exit.Conflict, "post.error.topic_taken")
	}
	return nil
}

// renameTopic changes a topic's name. Conflict if another of the place has it.
func (s store) renameTopic(ctx context.Context, pass service.Pass, t Topic) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update topics set name = $1, name_key = $2 where id = $3 and not exists
		(select 1 from topics o where o.service = $4 and o.place_id = $5 and o.name_key = $2 and o.id <> $3)`, t.Name, ui.TopicKey(t.Name), int64(t.ID), t.Service, int64(t.Place))
	if err != nil {
		return fmt.Errorf("rename topic: %w", err)
	}
	return taken(n)
}

// dropTopic takes a topic away; posts stay, without it.
func (s store) dropTopic(ctx context.Context, pass service.Pass, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	for _, q := range []string{`delete from post_topics where topic_id = $1`, `delete from topics where id = $1`} {
		if _, err := s.db.Exec(ctx, q, int64(id)); err != nil {
			return fmt.Errorf("remove topic: %w", err)
		}
	}
	return nil
}

func (s store) closeTopic(ctx context.Context, pass service.Pass, id who.ID, closed bool) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	state := topicOpen
	if closed {
		state = topicClosed
	}
	if _, err := s.db.Exec(ctx, `update topics set state = $1 where id = $2`, state, int64(id)); err != nil {
		return fmt.Errorf("close topic: %w", err)
	}
	return nil
}

// topicsOf gives the topics of posts.
func (s store) topicsOf(ctx context.Context, posts []who.ID) (map[who.ID][]Topic, error) {
	out := map[who.ID][]Topic{}
	if len(posts) == 0 {
		return out, nil
	}
	list, args := service.In(1, posts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+topicColumns+`, l.post_id from post_topics l join topics t on t.id = l.topic_id where l.post_id in (`+list+`) order by l.post_id, t.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read topics of posts: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (Topic, error) {
		var post int64
		t, err := scanTopic(rowAnd{r, &post})
		out[who.ID(post)] = append(out[who.ID(post)], t)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read topics of posts: %w", err)
	}
	return out, nil
}

// tagged is a topic that a text names, where its post stands.
type tagged struct {
	service string
	place   who.ID
	key     string
}

// link stands posts that just came to be seen beneath the topics that their texts name, in five statements at most. Topics of own
// pages that are not there are made.
func (s store) link(ctx context.Context, pass service.Pass, posts []Post) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	want, names := map[tagged][]Post{}, map[tagged]string{}
	var order []tagged
	for _, p := range posts {
		for _, name := range tags(p) {
			t := tagged{p.Service, p.Place, ui.TopicKey(name)}
			if names[t] == "" {
				names[t], order = name, append(order, t)
			}
			want[t] = append(want[t], p)
		}
	}
	if len(order) == 0 {
		return nil
	}
	var fresh db.Values
	for _, t := range order {
		if t.service == Page {
			fresh.Add(int64(s.db.IDs.Next()), t.service, 0, names[t], t.key, topicOpen, db.Ms(pass.At))
		}
	}
	if len(fresh.Args) > 0 {
		if _, err := s.db.Exec(ctx, `insert into topics (id, service, place_id, name, name_key, state, created_at) values `+fresh.String()+`
			on conflict (service, place_id, name_key) do nothing`, fresh.Args...); err != nil {
			return fmt.Errorf("make topics: %w", err)
		}
	}
	found, err := s.tagged(ctx, order)
	if err != nil {
		return err
	}
	var links db.Values
	var ids []who.ID
	for _, t := range found {
		for _, p := range want[tagged{t.Service, t.Place, ui.TopicKey(t.Name)}] {
			// What comes back where its author moderates may have stood beneath a topic before that was closed.
			if t.Closed && (p.Origin == "" || !p.In.Staff) {
				continue
			}
			links.Add(int64(p.ID), int64(t.ID), db.Ms(p.At))
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := s.db.Exec(ctx, `insert into post_topics (post_id, topic_id, at) values `+links.String(), links.Args...); err != nil {
		return fmt.Errorf("link topics: %w", err)
	}
	list, args := service.In(1, ids)
	if _, err := s.db.Exec(ctx, `update topics set posts = posts + g.n from (select topic_id, count(*) as n from post_topics where post_id in (`+list+`) group by topic_id) g
		where topics.id = g.topic_id`, args...); err != nil {
		return fmt.Errorf("count topics: %w", err)
	}
	return nil
}

// makeTopics makes those of the topics, of no place, that are not there; names are by their keys.
func (s store) makeTopics(ctx context.Context, pass service.Pass, list []tagged, names map[string]string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	var fresh db.Values
	for _, t := range list {
		fresh.Add(int64(s.db.IDs.Next()), t.service, 0, names[t.key], t.key, topicOpen, db.Ms(pass.At))
	}
	if _, err := s.db.Exec(ctx, `insert into topics (id, service, place_id, name, name_key, state, created_at) values `+fresh.String()+`
		on conflict (service, place_id, name_key) do nothing`, fresh.Args...); err != nil {
		return fmt.Errorf("make topics: %w", err)
	}
	return nil
}

// tagged gives those of the topics that are there, closed ones too.
func (s store) tagged(ctx context.Context, list []tagged) ([]Topic, error) {
	var values strings.Builder
	var args []any
	for i, t := range list {
		if i > 0 {
			values.WriteString(", ")
		}
		fmt.Fprintf(&values, "(cast($%d as text), cast($%d as bigint), cast($%d as text))", len(args)+1, len(args)+2, len(args)+3)
		args = append(args, t.service, int64(t.place), t.key)
	}
	// The list stands first: in a condition SQLite would read all topics.
	return s.listTopics(ctx, `with w (service, place, name) as (values `+values.String()+`) select `+topicColumns+` from w cross join topics t
		where t.service = w.service and t.place_id = w.place and t.name_key = w.name`, args...)
}

// untagged are statements that take posts out of their topics; topics of own pages go with their last post. rows is "{rows} r" or a
// select of posts in brackets, named r.
func untagged(rows string) []string {
	within := `select l.topic_id from post_topics l where l.post_id in (select r.id from ` + rows + `)`
	return []string{
		`update topics set posts = posts - g.n from (select l.topic_id, count(*) as n from post_topics l where l.post_id in (select r.id from ` + rows + `) group by l.topic_id) g
			where topics.id = g.topic_id`,
		`delete from topics where service = 'page' and posts <= 0 and id in (` + within + `)`,
		`delete from post_topics where post_id in (select r.id from ` + rows + `)`,
	}
}

// uncounted are statements that take posts that were seen out of what their places count.
func uncounted(rows string) []string {
	return []string{`update circles set posts = posts - g.n
		from (select r.place_id, count(*) as n from ` + rows + ` where r.service = 'circle' and r.state = 'live' group by r.place_id) g where circles.id = g.place_id`}
}

// vanish takes living posts out of counts and topics; their state changes after it.
func (s store) vanish(ctx context.Context, pass service.Pass, ids []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	list, args := service.In(1, ids)
	rows := `(select * from posts where state = 'live' and id in (` + list + `)) r`
	for _, q := range append(uncounted(rows), untagged(rows)...) {
		if _, err := s.db.Exec(ctx, q, args...); err != nil {
			return fmt.Errorf("take posts out of lists: %w", err)
		}
	}
	return nil
}

// recount adds posts that just came to be seen to what their places count.
func (s store) recount(ctx context.Context, pass service.Pass, ids []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	list, args := service.In(1, ids)
	if _, err := s.db.Exec(ctx, `update circles set posts = posts + g.n
		from (select place_id, count(*) as n from posts where id in (`+list+`) and service = 'circle' and state = 'live' group by place_id) g where circles.id = g.place_id`, args...); err != nil {
		return fmt.Errorf("count posts: %w", err)
	}
	return nil
}

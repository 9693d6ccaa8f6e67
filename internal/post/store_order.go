package post

import (
	"context"
	"fmt"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// orderKeys are the columns by which a place lists its posts.
var orderKeys = map[Order]string{Latest: "p.created_at", Hottest: "p.hot", Featured: "p.featured_at"}

// met is a condition: the viewer $1 meets the author of a post p, and wants to. Who answers for the place meets everybody but the veiled.
func met(p Place) string {
	visible := service.Visible("p.author_id", "p.service", "p.place_id")
	if !p.Staff {
		visible += ` and ` + service.Unblocked("$1", "p.author_id") + ` and ` + relation.Unmuted("$1", "p.author_id")
	}
	return `(p.author_id = $1 or ` + visible + `)`
}

// members gives the audience of a place's members if the viewer sees what they see.
func members(p Place) string {
	if p.Member || p.Guest {
		return string(who.CircleOnly(p.ID))
	}
	return ""
}

// inPlace gives a page of a place's posts; those that are pinned stand before the first, so only among the featured are they listed.
// Who may see the place was asked before.
func (s store) inPlace(ctx context.Context, viewer who.ID, p Place, o Order, c Cursor, limit int) ([]Post, error) {
	at, id := c.below()
	key := orderKeys[o]
	where := ` and p.pinned_at is null`
	if o == Featured {
		where = ` and p.featured_at is not null`
	}
	return s.posts(ctx, "list a place's posts", `select `+columns+` from posts p`+authors+`
		where p.service = $2 and p.place_id = $3 and p.state = 'live' and (`+key+`, p.id) < ($4, $5) and p.audience in ('public', $6)`+where+`
		and `+met(p)+` order by `+key+` desc, p.id desc limit $7`, int64(viewer), p.Service, int64(p.ID), at, id, members(p), limit)
}

// inTopic gives a page of the posts of a topic, newest first.
func (s store) inTopic(ctx context.Context, viewer who.ID, p Place, topic who.ID, c Cursor, limit int) ([]Post, error) {
	at, id := c.below()
	return s.posts(ctx, "list a topic's posts", `select `+columns+` from post_topics t join posts p on p.id = t.post_id`+authors+`
		where t.topic_id = $2 and (t.at, t.post_id) < ($3, $4) and p.state = 'live' and p.audience in ('public', $5)
		and `+met(p)+` order by t.at desc, t.post_id desc limit $6`, int64(viewer), int64(topic), at, id, members(p), limit)
}

// pinned gives the pinned posts of a place.
func (s store) pinned(ctx context.Context, viewer who.ID, p Place) ([]Post, error) {
	return s.posts(ctx, "list pinned posts", `select `+columns+` from posts p`+authors+`
		where p.service = $2 and p.place_id = $3 and p.pinned_at is not null and p.state = 'live' and p.audience in ('public', $4)
		and `+met(p)+` order by p.pinned_at desc, p.id desc limit $5`, int64(viewer), p.Service, int64(p.ID), members(p), mostPinned)
}

// submitted gives a page of the posts that wait in a place, oldest first.
func (s store) submitted(ctx context.Context, viewer who.ID, p Place, c Cursor, limit int) ([]Post, error) {
	return s.posts(ctx, "list submissions", `select `+columns+` from posts p`+authors+`
		where p.service = $2 and p.place_id = $3 and p.state = 'submitted' and (p.created_at, p.id) > ($4, $5)
		order by p.created_at, p.id limit $6`, int64(viewer), p.Service, int64(p.ID), c.At, int64(c.ID), limit)
}

// waiting counts submissions up to 100.
func (s store) waiting(ctx context.Context, p Place) (int, error) {
	var n int
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from (select 1 as one from posts where service = $1 and place_id = $2 and state = 'submitted' limit 100) w`,
		p.Service, int64(p.ID)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count submissions: %w", err)
	}
	return n, nil
}

func (s store) feature(ctx context.Context, pass service.Pass, id who.ID, on bool) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	var at any
	if on {
		at = db.Ms(pass.At)
	}
	if _, err := s.db.Exec(ctx, `update posts set featured_at = $1 where id = $2 and state = 'live'`, at, int64(id)); err != nil {
		return fmt.Errorf("feature post: %w", err)
	}
	return nil
}

// pin pins a post unless as many are pinned as may be. What is pinned already keeps its time.
func (s store) pin(ctx context.Context, pass service.Pass, p Post, on bool) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if !on {
		if _, err := s.db.Exec(ctx, `update posts set pinned_at = null where id = $1`, int64(p.ID)); err != nil {
			return fmt.Errorf("unpin post: %w", err)
		}
		return nil
	}
	n, err := s.db.Exec(ctx, `update posts set pinned_at = coalesce(pinned_at, $1) where id = $2 and state = 'live' and
		(select count(*) from posts o where o.service = $3 and o.place_id = $4 and o.pinned_at is not null and o.state = 'live' and o.id <> $2) < $5`,
		db.Ms(pass.At), int64(p.ID), p.Service, int64(p.Place), mostPinned)
	if err != nil {
		return fmt.Errorf("pin post: %w", err)
	}
	if n == 0 {
		return exit.Fail(exit.Conflict, "post.error.pins", "Most", mostPinned)
	}
	return nil
}

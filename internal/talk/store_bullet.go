package talk

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// momentOf reads a comment's moment.
func momentOf(ms sql.NullInt64) *time.Duration {
	if !ms.Valid {
		return nil
	}
	d := time.Duration(ms.Int64) * time.Millisecond
	return &d
}

// ms gives the comment's moment as it is stored.
func (c Comment) ms() any {
	if c.Moment == nil {
		return nil
	}
	return c.Moment.Milliseconds()
}

// bullets gives the bullet comments on a thing that others see, from a moment up to another.
func (s store) bullets(ctx context.Context, viewer who.ID, ref who.Ref, from, to time.Duration, limit int) ([]Comment, error) {
	return s.comments(ctx, "list bullet comments", `select `+columns+` from comments c`+authors+`
		where c.ref_kind = $2 and c.ref_id = $3 and c.moment >= $4 and c.moment < $5 and c.state = 'live' and `+service.Visible("c.author_id", "c.service", "c.place_id")+`
		and (c.author_id = $1 or c.author_id is null or `+service.Unblocked("$1", "c.author_id")+` and `+relation.Unmuted("$1", "c.author_id")+`)
		order by c.moment, c.id limit $6`, int64(viewer), ref.Kind, int64(ref.ID), from.Milliseconds(), to.Milliseconds(), limit)
}

// pin has a comment stand first on its thing, and no other, or on false none.
func (s store) pin(ctx context.Context, pass service.Pass, c Comment, on bool) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update comments set pinned_at = null where ref_kind = $1 and ref_id = $2 and pinned_at is not null and (cast($3 as bigint) = 1 or id = $4)`,
		c.On.Kind, int64(c.On.ID), flag(on), int64(c.ID)); err != nil {
		return fmt.Errorf("unpin comment: %w", err)
	}
	if !on {
		return nil
	}
	if _, err := s.db.Exec(ctx, `update comments set pinned_at = $2 where id = $1`, int64(c.ID), db.Ms(pass.At)); err != nil {
		return fmt.Errorf("pin comment: %w", err)
	}
	return nil
}

// newestSeen is among how many of the last comments on a thing those of friends are looked for.
const newestSeen = 500

// first gives the comments on a thing that stand before the others: the pinned one, and those of the viewer's friends among the last 500, at
// most limit of these, newest first.
func (s store) first(ctx context.Context, viewer who.ID, ref who.Ref, limit int) ([]Comment, error) {
	return s.comments(ctx, "list first comments", `select `+columns+` from comments c`+authors+`
		where c.state = 'live' and c.id in (select id from comments where ref_kind = $2 and ref_id = $3 and pinned_at is not null
			union all select n.id from (select w.id from (select id, author_id from comments where ref_kind = $2 and ref_id = $3 and parent_id is null and moment is null order by id desc limit $4) w
			where `+relation.Friend("$1", "w.author_id")+` order by w.id desc limit $5) n)
		order by case when c.pinned_at is null then 1 else 0 end, c.id desc`, int64(viewer), ref.Kind, int64(ref.ID), newestSeen, limit)
}

package post

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// resume stores a draft anew, or a draft as the post it becomes.
func (s store) resume(ctx context.Context, pass service.Pass, p Post) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update posts set service = $1, place_id = $2, audience = $3, text = $4, state = $5, created_at = $6, hot = $7, images = $8, card_kind = $9, card_id = $10,
		refusal = '' where id = $11 and author_id = $12 and state = 'draft'`, p.Service, int64(p.Place), string(p.Audience), p.Text, p.State, db.Ms(p.At), Hot(db.Ms(p.At), 0, 0),
		p.Images, p.Card.Kind, int64(p.Card.ID), int64(p.ID), int64(p.Author)); err != nil {
		return fmt.Errorf("store draft: %w", err)
	}
	return nil
}

// dropImages deletes images of a post or draft; their files were given up before.
func (s store) dropImages(ctx context.Context, pass service.Pass, ids []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(ids) == 0 {
		return nil
	}
	list, args := service.In(1, ids)
	if _, err := s.db.Exec(ctx, `delete from post_images where id in (`+list+`)`, args...); err != nil {
		return fmt.Errorf("delete images: %w", err)
	}
	return nil
}

// turn changes the state of those of the posts that are in one state to another, and gives how many changed.
func (s store) turn(ctx context.Context, pass service.Pass, ids []who.ID, from, to string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	list, args := service.In(3, ids)
	if _, err := s.db.Exec(ctx, `update posts set state = $1 where state = $2 and id in (`+list+`)`, append([]any{to, from}, args...)...); err != nil {
		return fmt.Errorf("change state of posts: %w", err)
	}
	return nil
}

// accept lets a submission be seen, as of now.
func (s store) accept(ctx context.Context, pass service.Pass, p Post) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update posts set state = 'live', created_at = $1, hot = $2 where id = $3 and state = 'submitted'`, db.Ms(pass.At), Hot(db.Ms(pass.At), 0, 0), int64(p.ID)); err != nil {
		return fmt.Errorf("accept submission: %w", err)
	}
	return nil
}

// refuse gives a submission back to its author, as a draft with the reason.
func (s store) refuse(ctx context.Context, pass service.Pass, id who.ID, reason string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update posts set state = 'draft', refusal = $1 where id = $2 and state = 'submitted'`, reason, int64(id)); err != nil {
		return fmt.Errorf("refuse submission: %w", err)
	}
	return nil
}

// unrefuse has a submission that was refused wait again, as long as its author has not written on it.
func (s store) unrefuse(ctx context.Context, pass service.Pass, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update posts set state = 'submitted', refusal = '' where id = $1 and state = 'draft' and refusal <> ''`, int64(id)); err != nil {
		return fmt.Errorf("take refusal back: %w", err)
	}
	return nil
}

// hide takes a post out of everybody's sight until it is erased or brought back. at is the machine's time, in Unix milliseconds.
func (s store) hide(ctx context.Context, pass service.Pass, id who.ID, at int64, as string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update posts set state = 'deleting', deleted_at = $1, deleted_as = $2 where id = $3`, at, as, int64(id)); err != nil {
		return fmt.Errorf("hide post: %w", err)
	}
	return nil
}

// unhide brings a post back that is being deleted.
func (s store) unhide(ctx context.Context, pass service.Pass, id who.ID, state string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update posts set state = $1, deleted_at = null, deleted_as = '' where id = $2 and state = 'deleting'`, state, int64(id)); err != nil {
		return fmt.Errorf("bring post back: %w", err)
	}
	return nil
}

// kept gives a page of an account's own posts in a state that only it sees, newest first.
func (s store) kept(ctx context.Context, account who.ID, state string, c Cursor, limit int) ([]Post, error) {
	at, id := c.below()
	return s.posts(ctx, "list drafts", `select `+columns+` from posts p`+authors+`
		where p.author_id = $1 and p.state = $2 and p.state in ('draft', 'submitted') and (p.created_at, p.id) < ($3, $4) order by p.created_at desc, p.id desc limit $5`,
		int64(account), state, at, id, limit)
}

// drafts counts an account's drafts.
func (s store) drafts(ctx context.Context, account who.ID) (n int, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from posts where author_id = $1 and state = 'draft'`, int64(account)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count drafts: %w", err)
	}
	return n, nil
}

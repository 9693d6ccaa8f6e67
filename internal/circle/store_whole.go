package circle

import (
	"context"
	"fmt"
	"time"

	"exeunt/archive"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// shown gives the condition on rows that go into an archive of a circle as a whole: of those who can be seen there, and of those
// who left. Who is veiled, for whatever reason, is left out.
func shown(table string) string {
	return `(` + table + `.author_id is null or ` + service.Visible(table+".author_id", "'circle'", table+".place_id") + `)`
}

// agreed gives the names of those of the accounts that agreed to stand in the owner's archive, and the owner's own. Who has
// left the circle, or is veiled in it, has agreed to nothing.
func (s store) agreed(ctx context.Context, circle, owner who.ID, ids []who.ID) (map[who.ID]string, error) {
	out := map[who.ID]string{}
	list, args := service.In(3, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name from circle_members m join accounts a on a.id = m.account_id
		where m.circle_id = $1 and m.state = 'active' and (m.named = 1 or m.account_id = $2) and `+service.Visible("m.account_id", "'circle'", "m.circle_id")+`
		and m.account_id in (`+list+`)`, append([]any{int64(circle), int64(owner)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read who agreed: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (id int64, err error) {
		var name string
		err = r.Scan(&id, &name)
		out[who.ID(id)] = name
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read who agreed: %w", err)
	}
	return out, nil
}

// since gives the beginning of a span in Unix milliseconds, 0 for all time.
func since(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return db.Ms(t)
}

// wholePost is a post of a circle as its owner takes it along.
type wholePost struct {
	words
	summary, language string
	sensitive         bool
	at, edited        time.Time
	featured, pinned  time.Time
	likes, comments   int64
	card              who.Ref
}

// postsWhole gives the living posts of a circle above one id, up to another.
func (s store) postsWhole(ctx context.Context, circle, after, cut int64, from time.Time, limit int) ([]wholePost, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select p.id, coalesce(p.author_id, 0), p.text, p.summary, p.language, p.sensitive, p.created_at, coalesce(p.edited_at, 0), p.likes, p.comments,
		coalesce(p.featured_at, 0), coalesce(p.pinned_at, 0), p.card_kind, p.card_id from posts p where p.service = 'circle' and p.place_id = $1 and p.state = 'live' and p.id > $2 and p.id <= $3 and p.created_at >= $4 and `+shown("p")+`
		order by p.id limit $5`, circle, after, cut, since(from), limit)
	if err != nil {
		return nil, fmt.Errorf("read posts of circle: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (x wholePost, err error) {
		var sensitive, at, edited, featured, pinned int64
		err = r.Scan((*int64)(&x.id), (*int64)(&x.author), &x.text, &x.summary, &x.language, &sensitive, &at, &edited, &x.likes, &x.comments,
			&featured, &pinned, &x.card.Kind, (*int64)(&x.card.ID))
		x.sensitive, x.at, x.edited, x.featured, x.pinned = sensitive == 1, db.Time(at), db.TimeIf(edited), db.TimeIf(featured), db.TimeIf(pinned)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read posts of circle: %w", err)
	}
	return list, nil
}

// imagesWhole gives the images of posts, as their records name them.
func (s store) imagesWhole(ctx context.Context, posts []who.ID) (map[who.ID][]archive.Image, error) {
	out := map[who.ID][]archive.Image{}
	list, args := service.In(1, posts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select i.id, i.post_id, i.key, i.type, i.width, i.height, i.alt from post_images i
		where i.post_id in (`+list+`) and i.key <> '' order by i.post_id, i.position`, args...)
	if err != nil {
		return nil, fmt.Errorf("read images of circle: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (id int64, err error) {
		var post int64
		var key string
		var a archive.Image
		err = r.Scan(&id, &post, &key, &a.Type, &a.Width, &a.Height, &a.Alt)
		a.Path = imageName(who.ID(id), key)
		out[who.ID(post)] = append(out[who.ID(post)], a)
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read images of circle: %w", err)
	}
	return out, nil
}

// wholeFile is an image of a post.
type wholeFile struct {
	id  who.ID
	key string
	at  time.Time
}

// filesWhole gives the images of a circle's living posts above one id, up to another.
func (s store) filesWhole(ctx context.Context, circle, after, cut int64, from time.Time, limit int) ([]wholeFile, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select i.id, i.key, p.created_at from posts p join post_images i on i.post_id = p.id
		where p.service = 'circle' and p.place_id = $1 and p.state = 'live' and i.key <> '' and i.id > $2 and i.id <= $3 and p.id <= $3 and p.created_at >= $4 and `+shown("p")+`
		order by i.id limit $5`, circle, after, cut, since(from), limit)
	if err != nil {
		return nil, fmt.Errorf("read files of circle: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (f wholeFile, err error) {
		var at int64
		err = r.Scan((*int64)(&f.id), &f.key, &at)
		f.at = db.Time(at)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read files of circle: %w", err)
	}
	return list, nil
}

// wholeComment is a comment on a post of a circle.
type wholeComment struct {
	words
	post, parent who.ID
	at           time.Time
}

// commentsWhole gives the living comments on a circle's living posts above one id, up to another.
func (s store) commentsWhole(ctx context.Context, circle, after, cut int64, from time.Time, limit int) ([]wholeComment, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select c.id, coalesce(c.author_id, 0), c.text, c.ref_id, coalesce(c.parent_id, 0), c.created_at
		from comments c join posts p on p.id = c.ref_id and c.ref_kind = 'post'
		where c.service = 'circle' and c.place_id = $1 and c.state = 'live' and p.state = 'live' and c.id > $2 and c.id <= $3 and c.created_at >= $4
		and `+shown("c")+` and `+shown("p")+` order by c.id limit $5`, circle, after, cut, since(from), limit)
	if err != nil {
		return nil, fmt.Errorf("read comments of circle: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (x wholeComment, err error) {
		var at int64
		err = r.Scan((*int64)(&x.id), (*int64)(&x.author), &x.text, (*int64)(&x.post), (*int64)(&x.parent), &at)
		x.at = db.Time(at)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read comments of circle: %w", err)
	}
	return list, nil
}

// wholeNotice is a notice of a circle.
type wholeNotice struct {
	words
	at time.Time
}

func (s store) noticesWhole(ctx context.Context, circle, after, cut int64, limit int) ([]wholeNotice, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select n.id, coalesce(n.author_id, 0), n.text, n.created_at from circle_notices n
		where n.circle_id = $1 and n.down_at is null and n.id > $2 and n.id <= $3 and (n.author_id is null or `+service.Visible("n.author_id", "'circle'", "n.circle_id")+`)
		order by n.id limit $4`, circle, after, cut, limit)
	if err != nil {
		return nil, fmt.Errorf("read notices of circle: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (x wholeNotice, err error) {
		var at int64
		err = r.Scan((*int64)(&x.id), (*int64)(&x.author), &x.text, &at)
		x.at = db.Time(at)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read notices of circle: %w", err)
	}
	return list, nil
}

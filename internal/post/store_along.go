package post

import (
	"context"
	"fmt"
	"time"

	"exeunt/archive"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// along gives the next posts of an export, by id: drafts, or what was sent. What was deleted a moment ago stays out.
func (s store) along(ctx context.Context, x service.Span, drafts bool) ([]Post, error) {
	within, args := x.Within("p.", 6)
	which := `p.state not in ('draft', 'deleting')`
	if drafts {
		which = `p.state = 'draft'`
	}
	return s.posts(ctx, "read posts to take along", `select `+columns+` from posts p`+authors+`
		where p.author_id = $1 and `+which+` and p.id > $2 and p.id <= $3 and p.created_at >= $4`+within+` order by p.id limit $5`,
		append([]any{int64(x.Owner), x.After, x.Cut, x.Since, most}, args...)...)
}

// imagesAlong gives the next images of an export, by id, and when their posts were written.
func (s store) imagesAlong(ctx context.Context, x service.Span) ([]Image, []time.Time, error) {
	within, args := x.Within("p.", 6)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select i.id, i.post_id, i.author_id, i.position, i.key, i.thumb, i.type, i.width, i.height, i.bytes, i.alt, i.missing, i.look, p.created_at
		from post_images i join posts p on p.id = i.post_id
		where i.author_id = $1 and i.id > $2 and i.id <= $3 and p.created_at >= $4`+within+` order by i.id limit $5`,
		append([]any{int64(x.Owner), x.After, x.Cut, x.Since, most}, args...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("read images to take along: %w", err)
	}
	var at []time.Time
	images, err := db.Scan(rows, func(r db.Row) (Image, error) {
		var ms int64
		i, err := scanImage(rowAnd{r, &ms})
		at = append(at, db.Time(ms))
		return i, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read images to take along: %w", err)
	}
	return images, at, nil
}

// rowAnd is a row with one column more than its reader knows of.
type rowAnd struct {
	row  db.Row
	more any
}

// Scan reads the row.
func (r rowAnd) Scan(dest ...any) error { return r.row.Scan(append(dest, r.more)...) }

// keptLink is a link with its row's id.
type keptLink struct {
	id   int64
	link archive.Link
}

// linksAlong gives the next links of an export, by id.
func (s store) linksAlong(ctx context.Context, x service.Span) ([]keptLink, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, kind, uri, coalesce(at, 0) from kept_links
		where account_id = $1 and id > $2 and id <= $3 and (at is null or at >= $4) order by id limit $5`, int64(x.Owner), x.After, x.Cut, x.Since, most)
	if err != nil {
		return nil, fmt.Errorf("read links to take along: %w", err)
	}
	links, err := db.Scan(rows, func(r db.Row) (keptLink, error) {
		var l keptLink
		var ms int64
		err := r.Scan(&l.id, &l.link.Kind, &l.link.URI, &ms)
		if ms != 0 {
			l.link.At = archive.At(db.Time(ms))
		}
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read links to take along: %w", err)
	}
	return links, nil
}

// known gives which of the origins, and of the posts' own ids, the author has here.
func (s store) known(ctx context.Context, author who.ID, origins []string, ids []who.ID) (map[string]bool, error) {
	out := map[string]bool{}
	list, _ := service.In(2, make([]who.ID, len(origins)))
	args := []any{int64(author)}
	for _, o := range origins {
		args = append(args, o)
	}
	own, more := service.In(len(args)+1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select coalesce(origin, ''), id from posts where author_id = $1 and origin in (`+list+`)
		union all select coalesce(origin, ''), id from posts where author_id = $1 and id in (`+own+`)`, append(args, more...)...)
	if err != nil {
		return nil, fmt.Errorf("look for posts: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var origin string
		var id int64
		err := r.Scan(&origin, &id)
		out[origin], out[originPrefix+who.ID(id).String()] = true, true
		return id, err
	})
	delete(out, "")
	if err != nil {
		return nil, fmt.Errorf("look for posts: %w", err)
	}
	return out, nil
}

// returned gives the ids under which the author has posts of the origins here.
func (s store) returned(ctx context.Context, author who.ID, origins []string) (map[string]who.ID, error) {
	list, _ := service.In(2, make([]who.ID, len(origins)))
	args := []any{int64(author)}
	for _, o := range origins {
		args = append(args, o)
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select origin, id from posts where author_id = $1 and origin in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("look for posts that came back: %w", err)
	}
	out := map[string]who.ID{}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var origin string
		var id int64
		err := r.Scan(&origin, &id)
		out[origin] = who.ID(id)
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for posts that came back: %w", err)
	}
	return out, nil
}

// addLinks stores links in one statement and gives which of them the account had already.
func (s store) addLinks(ctx context.Context, pass service.Pass, account who.ID, links []archive.Link) (had map[string]bool, err error) {
	if !pass.Valid() {
		return nil, service.ErrNoPass()
	}
	list, _ := service.In(2, make([]who.ID, len(links)))
	args := []any{int64(account)}
	for _, l := range links {
		args = append(args, l.URI)
	}
	found, err := s.db.Q(ctx).QueryContext(ctx, `select kind, uri from kept_links where account_id = $1 and uri in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("look for links: %w", err)
	}
	had = map[string]bool{}
	if _, err := db.Scan(found, func(r db.Row) (string, error) {
		var kind, uri string
		err := r.Scan(&kind, &uri)
		had[kind+" "+uri] = true
		return uri, err
	}); err != nil {
		return nil, fmt.Errorf("look for links: %w", err)
	}
	var v db.Values
	fresh := map[string]bool{}
	for _, l := range links {
		key := l.Kind + " " + l.URI
		if had[key] || fresh[key] {
			continue
		}
		fresh[key] = true
		var at any
		if !l.At.IsZero() {
			at = db.Ms(l.At.Time)
		}
		v.Add(int64(s.db.IDs.Next()), int64(account), l.Kind, l.URI, at)
	}
	if len(fresh) == 0 {
		return had, nil
	}
	if _, err := s.db.Exec(ctx, `insert into kept_links (id, account_id, kind, uri, at) values `+v.String()+` on conflict do nothing`, v.Args...); err != nil {
		return nil, fmt.Errorf("store links: %w", err)
	}
	return had, nil
}

package post

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of posts and their images.
type store struct{ db *db.DB }

// columns are those of a post with its author's; $1 is the viewer. Facts for access.go are read
// along: whether the author is veiled here, whether the viewer follows the author, whether one has blocked the other.
var columns = `p.id, coalesce(p.author_id, 0), p.service, p.place_id, p.audience, p.text, p.summary, p.sensitive, p.language, p.reply_to, coalesce(p.origin, ''),
	p.state, p.created_at, coalesce(p.edited_at, 0), p.likes, p.comments, p.images, coalesce(a.name, ''), coalesce(f.display_name, ''), coalesce(f.avatar, ''),
	case when ` + service.Visible("p.author_id", "p.service", "p.place_id") + ` then 0 else 1 end,
	case when exists (select 1 from follows w where w.follower_id = $1 and w.followee_id = p.author_id) then 1 else 0 end,
	case when p.author_id = $1 or ` + service.Unblocked("$1", "p.author_id") + ` then 0 else 1 end,
	coalesce(p.featured_at, 0), coalesce(p.pinned_at, 0), p.hot, p.card_kind, p.card_id, coalesce(p.deleted_at, 0), p.deleted_as, p.refusal`

const authors = ` left join accounts a on a.id = p.author_id left join profiles f on f.account_id = p.author_id `

func scanPost(r db.Row) (Post, error) {
	var p Post
	var id, author, place, at, edited, sensitive, veiled, followed, blocked, featured, pinned, card, deleted int64
	var audience string
	err := r.Scan(&id, &author, &p.Service, &place, &audience, &p.Text, &p.Summary, &sensitive, &p.Language, &p.ReplyTo, &p.Origin,
		&p.State, &at, &edited, &p.Likes, &p.Comments, &p.Images, &p.Name, &p.Display, &p.Avatar, &veiled, &followed, &blocked,
		&featured, &pinned, &p.Hot, &p.Card.Kind, &card, &deleted, &p.DeletedAs, &p.Refusal)
	p.ID, p.Author, p.Place, p.Audience = who.ID(id), who.ID(author), who.ID(place), who.Audience(audience)
	p.At, p.Sensitive, p.Veiled, p.Followed = db.Time(at), sensitive == 1, veiled == 1, followed == 1
	p.Blocked, p.Card.ID = blocked == 1, who.ID(card)
	p.Edited, p.Featured, p.Pinned, p.Deleted = db.TimeIf(edited), db.TimeIf(featured), db.TimeIf(pinned), db.TimeIf(deleted)
	return p, err
}

func (s store) posts(ctx context.Context, what, query string, args ...any) ([]Post, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list, err := db.Scan(rows, scanPost)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

// byIDs gives those of the posts that exist.
func (s store) byIDs(ctx context.Context, viewer who.ID, ids []who.ID) ([]Post, error) {
	list, args := service.In(2, ids)
	return s.posts(ctx, "read posts", `select `+columns+` from posts p`+authors+`where p.id in (`+list+`)`, append([]any{int64(viewer)}, args...)...)
}

// byAuthor gives a page of an account's own page.
func (s store) byAuthor(ctx context.Context, viewer, author who.ID, c Cursor, limit int) ([]Post, error) {
	at, id := c.below()
	audience := `(p.audience in ('public', 'unlisted') or p.author_id = $1 or (p.audience = $6 and exists
		(select 1 from follows w where w.follower_id = $1 and w.followee_id = $2)))`
	return s.posts(ctx, "list an account's posts", `select `+columns+` from posts p`+authors+`
		where p.author_id = $2 and p.service = 'page' and p.state = 'live' and (p.created_at, p.id) < ($3, $4) and `+audience+`
		and `+met(Place{})+`
		order by p.created_at desc, p.id desc limit $5`, int64(viewer), int64(author), at, id, limit, string(who.FollowersOf(author)))
}

// home gives a page of the newest posts of the viewer, of those the viewer follows and of the places, all of
// which the viewer may see. Where there are as many sources as a page has posts, nothing older than the newest of each
// is on the page: so of most sources one row is read, by index, and of none more than the page has.
func (s store) home(ctx context.Context, viewer who.ID, places []Place, c Cursor, limit int) ([]Post, error) {
	newest := newestSQLite
	if s.db.Dialect == exitsql.PostgreSQL {
		newest = newestPostgres
	}
	at, id := c.below()
	args := []any{int64(viewer), at, id, limit}
	values := ""
	for i, p := range places {
		if i > 0 {
			values += ", "
		}
		values += fmt.Sprintf("(cast($%d as bigint), cast($%d as text))", len(args)+1, len(args)+2)
		args = append(args, int64(p.ID), p.Service)
	}
	const since = ` and x.created_at >= (select b.at from bound b)`
	source, which := "follows s", "s.follower_id = $1 and "+service.Visible("s.followee_id", "'page'", "0")+" and "+service.Unblocked("$1", "s.followee_id")+
		" and "+relation.Unmuted("$1", "s.followee_id")
	match := wanted + " and x.author_id = s.followee_id and x.service = 'page' and x.audience in ('public', 'followers:' || s.followee_id)"
	firsts := first(source, which, match)
	arms := `select q.id, q.created_at from posts q where q.id in (select x.id from posts x where x.author_id = $1 and x.service = 'page' and x.state = 'live'
			and (x.created_at, x.id) < ($2, $3) order by x.created_at desc, x.id desc limit $4)
		union all ` + newest(source, which, match+since)
	with := ""
	if values != "" {
		with = `mine (id, service) as (values ` + values + `), `
		source, which = "mine s", relation.Heard("$1", "s.service", "s.id")
		match = wanted + " and x.service = s.service and x.place_id = s.id and x.audience in ('public', s.service || ':' || s.id) and " +
			service.Visible("x.author_id", "x.service", "x.place_id") + " and " + service.Unblocked("$1", "x.author_id") + " and " + relation.Unmuted("$1", "x.author_id")
		firsts += ` union all ` + first(source, which, match)
		arms += ` union all ` + newest(source, which, match+since)
	}
	bound := `bound (at) as (select case when count(*) = $4 then min(f.at) else -4611686018427387904 end
		from (select n.at from (` + firsts + `) n where n.at is not null order by n.at desc limit $4) f) `
	return s.posts(ctx, "list home", `with `+with+bound+`select `+columns+` from (select u.id, u.created_at from (`+arms+`) u order by u.created_at desc, u.id desc limit $4) t
		join posts p on p.id = t.id`+authors+`order by t.created_at desc, t.id desc`, args...)
}

// wanted leaves out of home what the viewer has asked for less of and nobody liked or commented on.
var wanted = `exists (select 1 from posts p where p.id = x.id and ` + relation.Wanted("$1") + `)`

// first gives a select of the time of the newest post x below ($2, $3) of each row of a source s, null where it has none.
func first(source, which, match string) string {
	return `select (select x.created_at from posts x where ` + match + ` and x.state = 'live' and (x.created_at, x.id) < ($2, $3)
		order by x.created_at desc, x.id desc limit 1) as at from ` + source + ` where ` + which
}

// one gives a post for a change and keeps its row from changing meanwhile.
func (s store) one(ctx context.Context, viewer, id who.ID) (Post, error) {
	list, err := s.byIDs(ctx, viewer, []who.ID{id})
	if err != nil {
		return Post{}, err
	}
	if len(list) == 0 {
		return Post{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	return list[0], nil
}

// images gives the images of the posts, in their order.
func (s store) images(ctx context.Context, posts []who.ID) (map[who.ID][]Image, error) {
	out := map[who.ID][]Image{}
	if len(posts) == 0 {
		return out, nil
	}
	list, args := service.In(1, posts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+imageColumns+` from post_images where post_id in (`+list+`) order by post_id, position`, args...)
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	images, err := db.Scan(rows, scanImage)
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	for _, i := range images {
		out[i.Post] = append(out[i.Post], i)
	}
	return out, nil
}

const imageColumns = `id, post_id, author_id, position, key, thumb, type, width, height, bytes, alt, missing, look`

func scanImage(r db.Row) (Image, error) {
	var i Image
	var id, post, author int64
	var missing string
	err := r.Scan(&id, &post, &author, &i.Position, &i.Key, &i.Thumb, &i.Type, &i.Width, &i.Height, &i.Bytes, &i.Alt, &missing, &i.Look)
	i.ID, i.Post, i.Author = who.ID(id), who.ID(post), who.ID(author)
	i.Missing, i.Name = cutMissing(missing)
	return i, err
}

// postOfKey gives the post to whose images a blob belongs, 0 if there is none.
func (s store) postOfKey(ctx context.Context, key string) (who.ID, error) {
	var id int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select post_id from post_images where key = $1 union all select post_id from post_images where thumb = $1 limit 1`, key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find image: %w", err)
	}
	return who.ID(id), nil
}

// named gives the accounts of the names' keys that somebody can mention: there, not veiled, nowhere frozen, neither of the two blocked by the other.
func (s store) named(ctx context.Context, by who.ID, keys []string) (map[string]who.ID, error) {
	out := map[string]who.ID{}
	if len(keys) == 0 {
		return out, nil
	}
	list, _ := service.In(2, make([]who.ID, len(keys)))
	args := []any{int64(by)}
	for _, k := range keys {
		args = append(args, k)
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name_key from accounts a where a.name_key in (`+list+`) and a.state <> 'gone' and not exists
		(select 1 from reasons z where z.account_id = a.id and (z.scope = '' or z.what = 'freeze')) and `+service.Unblocked("$1", "a.id"), args...)
	if err != nil {
		return nil, fmt.Errorf("find mentioned accounts: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var id int64
		var key string
		err := r.Scan(&id, &key)
		out[key] = who.ID(id)
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("find mentioned accounts: %w", err)
	}
	return out, nil
}

// names gives the names of those of the accounts that are there, not veiled, and not blocked by the viewer, nor the viewer by them.
func (s store) names(ctx context.Context, viewer who.ID, ids []who.ID) (map[who.ID]string, error) {
	out := map[who.ID]string{}
	if len(ids) == 0 {
		return out, nil
	}
	list, args := service.In(2, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name from accounts a where a.id in (`+list+`) and a.state <> 'gone' and `+service.VisibleAccount("a.id")+
		` and `+service.Unblocked("$1", "a.id"), append([]any{int64(viewer)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var id int64
		var name string
		err := r.Scan(&id, &name)
		out[who.ID(id)] = name
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	return out, nil
}

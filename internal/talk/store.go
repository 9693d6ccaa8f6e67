package talk

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of comments, likes and favourites.
type store struct{ db *db.DB }

// columns are those of a comment with its author's; $1 is the viewer.
var columns = `c.id, coalesce(c.author_id, 0), c.ref_kind, c.ref_id, c.service, c.place_id, coalesce(c.parent_id, 0), c.text, c.state, c.created_at, c.likes, c.moment, case when c.pinned_at is null then 0 else 1 end,
	coalesce(a.name, ''), coalesce(f.display_name, ''), coalesce(f.avatar, ''), case when ` + service.Visible("c.author_id", "c.service", "c.place_id") + ` then 0 else 1 end,
	case when c.author_id = $1 or ` + service.Unblocked("$1", "c.author_id") + ` then 0 else 1 end`

const authors = ` left join accounts a on a.id = c.author_id left join profiles f on f.account_id = c.author_id `

func scanComment(r db.Row) (Comment, error) {
	var c Comment
	var id, author, ref, place, parent, at, pinned, veiled, blocked int64
	var moment sql.NullInt64
	var state string
	err := r.Scan(&id, &author, &c.On.Kind, &ref, &c.Service, &place, &parent, &c.Text, &state, &at, &c.Likes, &moment, &pinned, &c.Name, &c.Display, &c.Avatar, &veiled, &blocked)
	c.ID, c.Author, c.On.ID, c.Place, c.Parent = who.ID(id), who.ID(author), who.ID(ref), who.ID(place), who.ID(parent)
	c.Gone, c.Withheld, c.At, c.Veiled, c.Blocked = state == gone, state == withheld, db.Time(at), veiled == 1, blocked == 1
	c.Moment, c.Pinned = momentOf(moment), pinned == 1
	return c, err
}

// The states of a comment. Only living ones are counted.
const (
	live     = "live"
	gone     = "gone"     // a tombstone: it stands because of its answers
	withheld = "withheld" // taken out by who moderates; its author and they see it
)

func (s store) comments(ctx context.Context, what, query string, args ...any) ([]Comment, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list, err := db.Scan(rows, scanComment)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

// byIDs gives those of the comments that exist.
func (s store) byIDs(ctx context.Context, viewer who.ID, ids []who.ID) ([]Comment, error) {
	list, args := service.In(2, ids)
	return s.comments(ctx, "read comments", `select `+columns+` from comments c`+authors+`where c.id in (`+list+`)`, append([]any{int64(viewer)}, args...)...)
}

// on gives a page of the comments on a thing that are no answers.
func (s store) on(ctx context.Context, viewer who.ID, ref who.Ref, o Order, c cursor, limit int) ([]Comment, error) {
	where, order, args := `c.id > $4`, `c.id`, []any{int64(viewer), ref.Kind, int64(ref.ID), int64(c.id)}
	if c == (cursor{}) && o != Oldest {
		c = cursor{math.MaxInt64, math.MaxInt64}
		args[3] = int64(c.id)
	}
	switch o {
	case Oldest:
	case Newest:
		where, order = `c.id < $4`, `c.id desc`
	case Liked:
		where, order = `(c.likes, c.id) < ($5, $4)`, `c.likes desc, c.id desc`
		args = append(args, c.likes)
	}
	args = append(args, limit)
	return s.comments(ctx, "list comments", `select `+columns+` from comments c`+authors+`
		where c.ref_kind = $2 and c.ref_id = $3 and c.parent_id is null and c.moment is null and `+where+` order by `+order+fmt.Sprintf(` limit $%d`, len(args)), args...)
}

// firstAnswers gives the first answers to each of the comments, oldest first, at most each of one. There are no more parents than
// a page has threads: each is a short walk of the index.
func (s store) firstAnswers(ctx context.Context, viewer who.ID, parents []who.ID, each int) ([]Comment, error) {
	if len(parents) == 0 {
		return nil, nil
	}
	args := []any{int64(viewer), each}
	var arms strings.Builder
	for i, id := range parents {
		if i > 0 {
			arms.WriteString(" union all ")
		}
		args = append(args, int64(id))
		fmt.Fprintf(&arms, `select w.id from (select id from comments where parent_id = $%d order by id limit $2) w`, len(args))
	}
	return s.comments(ctx, "list answers", `select `+columns+` from comments c`+authors+`where c.id in (`+arms.String()+`) order by c.parent_id, c.id`, args...)
}

// answers gives a page of the answers to a comment, oldest first, from the one with the id on.
func (s store) answers(ctx context.Context, viewer, parent, from who.ID, limit int) ([]Comment, error) {
	return s.comments(ctx, "list answers", `select `+columns+` from comments c`+authors+`where c.parent_id = $2 and c.id >= $3 order by c.id limit $4`,
		int64(viewer), int64(parent), int64(from), limit)
}

// add stores comments of one author in one statement; origins, if not nil, are those of what was brought along.
func (s store) add(ctx context.Context, pass service.Pass, comments []Comment, origins []string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(comments) == 0 {
		return nil
	}
	var v db.Values
	for i, c := range comments {
		var parent, origin any
		if c.Parent != 0 {
			parent = int64(c.Parent)
		}
		if origins != nil {
			origin = origins[i]
		}
		v.Add(int64(c.ID), int64(c.Author), c.On.Kind, int64(c.On.ID), c.Service, int64(c.Place), parent, c.Text, origin, live, db.Ms(c.At), c.ms())
	}
	if _, err := s.db.Exec(ctx, `insert into comments (id, author_id, ref_kind, ref_id, service, place_id, parent_id, text, origin, state, created_at, moment) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("store comments: %w", err)
	}
	return nil
}

// mention stores whom a comment mentions.
func (s store) mention(ctx context.Context, pass service.Pass, c Comment, accounts []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(accounts) == 0 {
		return nil
	}
	var v db.Values
	for _, a := range accounts {
		v.Add(int64(s.db.IDs.Next()), int64(a), int64(c.Author), "comment", int64(c.ID), c.Service, int64(c.Place))
	}
	if _, err := s.db.Exec(ctx, `insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("store mentions: %w", err)
	}
	return nil
}

// count adds to a counter of the things of a kind. Their heat follows.
func (s store) count(ctx context.Context, pass service.Pass, k service.Kind, column string, ids []who.ID, n int) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(ids) == 0 {
		return nil
	}
	list, args := service.In(2, ids)
	if _, err := s.db.Exec(ctx, `update `+k.Table+` set `+column+` = `+column+` + $1 where id in (`+list+`)`, append([]any{n}, args...)...); err != nil {
		return fmt.Errorf("count %s: %w", column, err)
	}
	if k.Hot == "" {
		return nil
	}
	list, args = service.In(1, ids)
	if _, err := s.db.Exec(ctx, `update `+k.Table+` set hot = `+k.Hot+` where id in (`+list+`)`, args...); err != nil {
		return fmt.Errorf("follow heat: %w", err)
	}
	return nil
}

// heat has the heat of things follow their counts, after those were corrected for the rows: {rows} refer to the things.
func heat(k service.Kind) []string {
	if k.Hot == "" {
		return nil
	}
	return []string{`update ` + k.Table + ` set hot = ` + k.Hot + ` where id in (select r.ref_id from {rows} r where r.ref_kind = '` + k.Name + `')`}
}

// A tombstone keeps of a comment what its answers need: id, place and time.
const (
	asTombstone  = `author_id = null, text = '', origin = null, state = 'gone', likes = 0, pinned_at = null`
	asDeparted   = `author_id = null, origin = null, pinned_at = null`
	anyAnswers   = `exists (select 1 from comments w where w.parent_id = comments.id and w.state <> 'gone')`
	otherAnswers = `exists (select 1 from comments w where w.parent_id = comments.id and w.state <> 'gone' and (w.author_id is null or w.author_id <> comments.author_id))`
)

// hung gives the statements that run before comments go: {rows} are theirs. What hangs on them goes, counts on
// what they are about are corrected, tombstones go with their last answer and skeletons of posts and
// videos with their last comment.
func hung(counted []service.Kind) []string {
	out := []string{
		`delete from likes where ref_kind = 'comment' and ref_id in (select r.id from {rows} r)`,
		`delete from mentions where ref_kind = 'comment' and ref_id in (select r.id from {rows} r where r.text like '%@{%')`,
	}
	for _, k := range counted {
		out = append(out, `update `+k.Table+` set comments = comments - g.n from (select r.ref_id, count(*) as n from {rows} r
			where r.ref_kind = '`+k.Name+`' and r.state = 'live' and r.moment is null group by r.ref_id) g where `+k.Table+`.id = g.ref_id`)
		out = append(out, heat(k)...)
	}
	return append(out,
		`delete from comments where state = 'gone' and id in (select r.parent_id from {rows} r where r.parent_id is not null)
			and not exists (select 1 from comments w where w.parent_id = comments.id and w.state <> 'gone' and w.id not in (select r.id from {rows} r))`,
		bare("posts", "post"), bare("videos", "video"))
}

// bare gives the statement that removes the skeletons of a table whose last comment goes.
func bare(table, kind string) string {
	return `delete from ` + table + ` where state = 'gone' and id in (select r.ref_id from {rows} r where r.ref_kind = '` + kind + `')
		and not exists (select 1 from comments w where w.ref_kind = '` + kind + `' and w.ref_id = ` + table + `.id and w.state <> 'gone' and w.id not in (select r.id from {rows} r))`
}

// remove takes one comment out with all that hangs on it.
func (s store) remove(ctx context.Context, pass service.Pass, id who.ID, counted []service.Kind) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	for _, q := range append(hung(counted), `update comments set `+asTombstone+` where id in (select r.id from {rows} r) and `+anyAnswers,
		`delete from comments where id in (select r.id from {rows} r) and state <> 'gone'`) {
		if _, err := s.db.Exec(ctx, strings.ReplaceAll(q, "{rows}", `(select * from comments where id = $1)`), int64(id)); err != nil {
			return fmt.Errorf("delete comment: %w", err)
		}
	}
	return nil
}

package talk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of comments, likes and favourites.
type store struct{ db *db.DB }

var columns = `c.id, coalesce(c.author_id, 0), c.ref_kind, c.ref_id, c.service, c.place_id, coalesce(c.parent_id, 0), c.text, c.state, c.created_at,
	coalesce(a.name, ''), coalesce(f.display_name, ''), coalesce(f.avatar, ''), case when ` + service.Visible("c.author_id", "c.service", "c.place_id") + ` then 0 else 1 end`

const authors = ` left join accounts a on a.id = c.author_id left join profiles f on f.account_id = c.author_id `

func scanComment(r db.Row) (Comment, error) {
	var c Comment
	var id, author, ref, place, parent, at, veiled int64
	var state string
	err := r.Scan(&id, &author, &c.On.Kind, &ref, &c.Service, &place, &parent, &c.Text, &state, &at, &c.Name, &c.Display, &c.Avatar, &veiled)
	c.ID, c.Author, c.On.ID, c.Place, c.Parent = who.ID(id), who.ID(author), who.ID(ref), who.ID(place), who.ID(parent)
	c.Gone, c.At, c.Veiled = state == gone, db.Time(at), veiled == 1
	return c, err
}

// The states of a comment.
const (
	live = "live"
	gone = "gone"
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
func (s store) byIDs(ctx context.Context, ids []who.ID) ([]Comment, error) {
	list, args := service.In(1, ids)
	return s.comments(ctx, "read comments", `select `+columns+` from comments c`+authors+`where c.id in (`+list+`)`, args...)
}

// on gives a page of the comments on a thing that are no answers, oldest first.
func (s store) on(ctx context.Context, ref who.Ref, after who.ID, limit int) ([]Comment, error) {
	return s.comments(ctx, "list comments", `select `+columns+` from comments c`+authors+`
		where c.ref_kind = $1 and c.ref_id = $2 and c.id > $3 and c.parent_id is null order by c.id limit $4`, ref.Kind, int64(ref.ID), int64(after), limit)
}

// mostAnswers bounds the answers that one page shows.
const mostAnswers = 500

// answers gives the answers to the comments, oldest first, at most mostAnswers of all.
func (s store) answers(ctx context.Context, parents []who.ID) ([]Comment, error) {
	if len(parents) == 0 {
		return nil, nil
	}
	list, args := service.In(2, parents)
	return s.comments(ctx, "list answers", `select `+columns+` from comments c`+authors+`where c.parent_id in (`+list+`) order by c.parent_id, c.id limit $1`,
		append([]any{mostAnswers}, args...)...)
}

// add stores comments of one author in one statement; origins, if not nil, are those of what was brought along.
func (s store) add(ctx context.Context, pass service.Pass, comments []Comment, origins []string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(comments) == 0 {
		return nil
	}
	var v values
	for i, c := range comments {
		var parent, origin any
		if c.Parent != 0 {
			parent = int64(c.Parent)
		}
		if origins != nil {
			origin = origins[i]
		}
		v.add(int64(c.ID), int64(c.Author), c.On.Kind, int64(c.On.ID), c.Service, int64(c.Place), parent, c.Text, origin, live, db.Ms(c.At))
	}
	if _, err := s.db.Exec(ctx, `insert into comments (id, author_id, ref_kind, ref_id, service, place_id, parent_id, text, origin, state, created_at) values `+v.text.String(), v.args...); err != nil {
		return fmt.Errorf("store comments: %w", err)
	}
	return nil
}

// values builds the values of an insert of many rows.
type values struct {
	text strings.Builder
	args []any
}

func (v *values) add(row ...any) {
	if v.text.Len() > 0 {
		v.text.WriteString(", ")
	}
	for i, x := range row {
		sep := ", "
		if i == 0 {
			sep = "("
		}
		v.args = append(v.args, x)
		fmt.Fprintf(&v.text, "%s$%d", sep, len(v.args))
	}
	v.text.WriteByte(')')
}

// mention stores whom a comment mentions.
func (s store) mention(ctx context.Context, pass service.Pass, c Comment, accounts []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(accounts) == 0 {
		return nil
	}
	var v values
	for _, a := range accounts {
		v.add(int64(s.db.IDs.Next()), int64(a), int64(c.Author), "comment", int64(c.ID), c.Service, int64(c.Place))
	}
	if _, err := s.db.Exec(ctx, `insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values `+v.text.String(), v.args...); err != nil {
		return fmt.Errorf("store mentions: %w", err)
	}
	return nil
}

// count adds to a counter of things of one kind.
func (s store) count(ctx context.Context, pass service.Pass, table, column string, ids []who.ID, n int) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(ids) == 0 {
		return nil
	}
	list, args := service.In(2, ids)
	if _, err := s.db.Exec(ctx, `update `+table+` set `+column+` = `+column+` + $1 where id in (`+list+`)`, append([]any{n}, args...)...); err != nil {
		return fmt.Errorf("count %s: %w", column, err)
	}
	return nil
}

// A tombstone keeps of a comment what its answers need: id, place and time.
const (
	asTombstone  = `author_id = null, text = '', origin = null, state = 'gone'`
	asDeparted   = `author_id = null, origin = null`
	anyAnswers   = `exists (select 1 from comments w where w.parent_id = comments.id and w.state = 'live')`
	otherAnswers = `exists (select 1 from comments w where w.parent_id = comments.id and w.state = 'live' and (w.author_id is null or w.author_id <> comments.author_id))`
)

// hung gives the statements that run before comments go: {rows} are theirs. What hangs on them goes, counts on
// what they are about are corrected, tombstones go with their last answer and skeletons of posts with
// their last comment.
func hung(counted []service.Kind) []string {
	out := []string{
		`delete from likes where ref_kind = 'comment' and ref_id in (select r.id from {rows} r)`,
		`delete from mentions where ref_kind = 'comment' and ref_id in (select r.id from {rows} r where r.text like '%@{%')`,
	}
	for _, k := range counted {
		out = append(out, `update `+k.Table+` set comments = comments - g.n from (select r.ref_id, count(*) as n from {rows} r
			where r.ref_kind = '`+k.Name+`' and r.state = 'live' group by r.ref_id) g where `+k.Table+`.id = g.ref_id`)
	}
	return append(out,
		`delete from comments where state = 'gone' and id in (select r.parent_id from {rows} r where r.parent_id is not null)
			and not exists (select 1 from comments w where w.parent_id = comments.id and w.state = 'live' and w.id not in (select r.id from {rows} r))`,
		`delete from posts where state = 'gone' and id in (select r.ref_id from {rows} r where r.ref_kind = 'post')
			and not exists (select 1 from comments w where w.ref_kind = 'post' and w.ref_id = posts.id and w.state = 'live' and w.id not in (select r.id from {rows} r))`)
}

// remove takes one comment out with all that hangs on it.
func (s store) remove(ctx context.Context, pass service.Pass, id who.ID, counted []service.Kind) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	for _, q := range append(hung(counted), `update comments set `+asTombstone+` where id in (select r.id from {rows} r) and `+anyAnswers,
		`delete from comments where id in (select r.id from {rows} r) and state = 'live'`) {
		if _, err := s.db.Exec(ctx, strings.ReplaceAll(q, "{rows}", `(select * from comments where id = $1)`), int64(id)); err != nil {
			return fmt.Errorf("delete comment: %w", err)
		}
	}
	return nil
}

// errSame says that a mark is already as it is asked to be.
var errSame = errors.New("nothing changes")

func notChanged(err error) error {
	if errors.Is(err, errSame) {
		return nil
	}
	return err
}

// markRow is a like or a favourite.
type markRow struct {
	id, account who.ID
	on          who.Ref
	service     string
	place       who.ID
	at          time.Time
}

// marked gives a mark that the account has made. NotFound if it has not.
func (s store) marked(ctx context.Context, account who.ID, l list, ref who.Ref) (markRow, error) {
	var m markRow
	var place int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select service, place_id from `+string(l)+` where account_id = $1 and ref_kind = $2 and ref_id = $3`,
		int64(account), ref.Kind, int64(ref.ID)).Scan(&m.service, &place)
	if errors.Is(err, sql.ErrNoRows) {
		return m, errSame
	}
	if err != nil {
		return m, fmt.Errorf("read %s: %w", l, err)
	}
	m.place = who.ID(place)
	return m, nil
}

func (s store) addMark(ctx context.Context, pass service.Pass, l list, m markRow) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `insert into `+string(l)+` (id, account_id, ref_kind, ref_id, service, place_id, created_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (account_id, ref_kind, ref_id) do nothing`, int64(m.id), int64(m.account), m.on.Kind, int64(m.on.ID), m.service, int64(m.place), db.Ms(m.at))
	if err != nil {
		return fmt.Errorf("store in %s: %w", l, err)
	}
	if n == 0 {
		return errSame
	}
	return nil
}

func (s store) removeMark(ctx context.Context, pass service.Pass, l list, account who.ID, ref who.Ref) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `delete from `+string(l)+` where account_id = $1 and ref_kind = $2 and ref_id = $3`, int64(account), ref.Kind, int64(ref.ID))
	if err != nil {
		return fmt.Errorf("delete from %s: %w", l, err)
	}
	if n == 0 {
		return errSame
	}
	return nil
}

// marks gives which of the things of one kind the account has liked and saved, in one query.
func (s store) marks(ctx context.Context, account who.ID, kind string, ids []who.ID) (liked, saved map[who.ID]bool, err error) {
	liked, saved = map[who.ID]bool{}, map[who.ID]bool{}
	if len(ids) == 0 || account == 0 {
		return liked, saved, nil
	}
	in, args := service.In(3, ids)
	match := ` where account_id = $1 and ref_kind = $2 and ref_id in (` + in + `)`
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select 1, ref_id from likes`+match+` union all select 2, ref_id from favourites`+match, append([]any{int64(account), kind}, args...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("read likes: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var which, id int64
		err := r.Scan(&which, &id)
		if which == 1 {
			liked[who.ID(id)] = true
		} else {
			saved[who.ID(id)] = true
		}
		return id, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read likes: %w", err)
	}
	return liked, saved, nil
}

// liked gives which of the comments the account has liked, and how many have, in one query.
func (s store) liked(ctx context.Context, account who.ID, comments []who.ID) (mine map[who.ID]bool, counts map[who.ID]int, err error) {
	mine, counts = map[who.ID]bool{}, map[who.ID]int{}
	if len(comments) == 0 {
		return mine, counts, nil
	}
	in, args := service.In(2, comments)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select ref_id, count(*), sum(case when account_id = $1 then 1 else 0 end) from likes
		where ref_kind = 'comment' and ref_id in (`+in+`) group by ref_id`, append([]any{int64(account)}, args...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("count likes: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var id, n, own int64
		err := r.Scan(&id, &n, &own)
		mine[who.ID(id)], counts[who.ID(id)] = own > 0, int(n)
		return id, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("count likes: %w", err)
	}
	return mine, counts, nil
}

// listed gives a page of what an account has marked, newest first.
func (s store) listed(ctx context.Context, account who.ID, l list, before who.ID, limit int) ([]markRow, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return s.markRows(ctx, `select id, ref_kind, ref_id, service, place_id, created_at from `+string(l)+`
		where account_id = $1 and id < $2 order by id desc limit $3`, int64(account), int64(before), limit)
}

func (s store) markRows(ctx context.Context, query string, args ...any) ([]markRow, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list marks: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (markRow, error) {
		var m markRow
		var id, ref, place, at int64
		err := r.Scan(&id, &m.on.Kind, &ref, &m.service, &place, &at)
		m.id, m.on.ID, m.place, m.at = who.ID(id), who.ID(ref), who.ID(place), db.Time(at)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("list marks: %w", err)
	}
	return out, nil
}

package talk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// only shows one class of the holder, so that what is filled for another does not stand in its way.
type only struct {
	*talk.Holder
	class string
}

func (o only) Classes() []exit.Class {
	return slices.DeleteFunc(o.Holder.Classes(), func(c exit.Class) bool { return c.Name != o.class })
}

func TestHolder(t *testing.T) {
	for _, class := range []string{"comments", "likes", "favourites", "mentions"} {
		t.Run(class, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				registry := &service.Registry{}
				posts := post.New(post.Config{DB: d, Registry: registry})
				room := talk.New(talk.Config{DB: d, Registry: registry, Posts: posts})
				registry.Kinds = []service.Kind{posts.Kind(), room.Kind()}
				f := &filler{d: d, holder: room.Holder(), class: class}
				exittest.Holder(t, f.open)
			})
		})
	}
}

// filler fills the talk room's tables by hand. What is filled for a whole account is about posts in
// circle 8. Account 3 writes the posts and the answers.
type filler struct {
	d      *db.DB
	holder *talk.Holder
	class  string
	last   int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func (f *filler) open(t *testing.T) exittest.Fixture {
	var statements []string
	for _, table := range []string{"likes", "favourites", "mentions", "comments", "posts", "accounts"} {
		for _, verb := range []string{"delete", "update"} {
			drop := fmt.Sprintf(`drop trigger if exists skip_%s_%s`, table, verb)
			if f.d.Dialect == exitsql.PostgreSQL {
				drop = fmt.Sprintf(`drop function if exists skip_%s_%s cascade`, table, verb)
			}
			statements = append(statements, drop)
		}
		statements = append(statements, `delete from `+table)
	}
	for id := 1; id <= 3; id++ {
		statements = append(statements, fmt.Sprintf(`insert into accounts (id, name, name_key, kind, state, created_at) values (%d, 'a%[1]d', 'a%[1]d', 'personal', 'active', 0)`, id))
	}
	for _, s := range statements {
		if err := f.exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: only{f.holder, f.class}, Update: f.d.Update, Parts: []string{"circle:9", "page"}, Fill: f.fill, Count: f.count, Check: f.check,
		Sabotage: func(ctx context.Context, class string) error {
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, class, "id")
		},
	}
}

// statement is one hand-written row.
type statement struct {
	query string
	args  []any
}

// fill makes n items of the class, each about a post of its own.
func (f *filler) fill(ctx context.Context, s exit.Subject, n int) error {
	account, _ := who.ParseID(s.ID)
	in, place := "circle", int64(8)
	if s.In == "page" {
		in, place = "page", 0
	} else if s.In != "" {
		place = 9
	}
	for i := range n {
		f.last += 10
		id := f.last - int64(i%10) // so that some keys end in 0
		for _, x := range f.rows(id, int64(account), in, place, i) {
			if err := f.exec(ctx, x.query, x.args...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *filler) rows(id, account int64, in string, place int64, i int) []statement {
	postRow := func(author any, state string, comments, likes int) statement {
		return statement{`insert into posts (id, author_id, service, place_id, audience, text, summary, language, reply_to, state, created_at, comments, likes, hot)
			values ($1, $2, $3, $4, 'public', $5, '', '', '', $6, 0, $7, $8, $9)`, []any{id, author, in, place, fmt.Sprintf("hi @{%d} and @{77}", account), state, comments, likes, post.Hot(0, int64(likes), int64(comments))}}
	}
	comment := func(id int64, author any, parent any, state string) statement {
		return statement{
			`insert into comments (id, author_id, ref_kind, ref_id, service, place_id, parent_id, text, state, created_at) values ($1, $2, 'post', $3, $4, $5, $6, $7, $8, 0)`,
			[]any{id, author, idOfPost(id), in, place, parent, fmt.Sprintf("@{%d} yes", account), state},
		}
	}
	mark := statement{`insert into ` + f.class + ` (id, account_id, ref_kind, ref_id, service, place_id, created_at) values ($1, $2, 'post', $1, $3, $4, 0)`, []any{id, account, in, place}}
	switch f.class {
	case "comments":
		return f.thread(i, id, account, postRow, comment)
	case "mentions":
		by, of := int64(3), account
		if i%2 == 1 {
			by, of = account, 3
		}
		return []statement{
			postRow(by, "live", 0, 0),
			{`insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values ($1, $2, $3, 'post', $1, $4, $5)`, []any{id, of, by, in, place}},
		}
	case "likes":
		if i%3 == 2 { // of a comment
			mark.query = strings.Replace(mark.query, "'post'", "'comment'", 1)
			return []statement{postRow(3, "live", 1, 0), comment(id, 3, nil, "live"), {`update comments set likes = 1 where id = $1`, []any{id}}, mark}
		}
		return []statement{postRow(3, "live", 0, 1), mark}
	}
	return []statement{postRow(3, "live", 0, 0), mark}
}

// idOfPost gives the post that a comment is about: answers have ids above their thread's.
func idOfPost(id int64) int64 {
	if id > 1_000_000 {
		return id - 1_000_000
	}
	return id
}

// thread makes one comment of the account in each kind of company, by turns: alone; answered by another; as the only answer
// to a tombstone beneath a skeleton; with a like on it.
func (f *filler) thread(i int, id, account int64, postRow func(any, string, int, int) statement, comment func(int64, any, any, string) statement) []statement {
	switch i % 4 {
	case 0:
		return []statement{postRow(3, "live", 1, 0), comment(id, account, nil, "live")}
	case 1:
		return []statement{postRow(3, "live", 2, 0), comment(id, account, nil, "live"), comment(id+1_000_000, 3, id, "live")}
	case 2:
		return []statement{postRow(nil, "gone", 1, 0), comment(id, nil, nil, "gone"), comment(id+1_000_000, account, id, "live")}
	}
	like := statement{`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, created_at) values ($1, 3, 'comment', $1, 'page', 0, 0)`, []any{id}}
	return []statement{postRow(3, "live", 1, 0), comment(id, account, nil, "live"), like, {`update comments set likes = 1 where id = $1`, []any{id}}}
}

func (f *filler) count(ctx context.Context, s exit.Subject, class string) (n int64, err error) {
	id, _ := who.ParseID(s.ID)
	owner := map[string]string{"comments": "x.author_id = $1", "mentions": "(x.account_id = $1 or x.author_id = $1)", "likes": "x.account_id = $1", "favourites": "x.account_id = $1"}[class]
	return n, f.d.Reader.QueryRowContext(ctx, `select count(*) from `+class+` x where `+owner+` and (x.service = $2 or $2 = '') and (cast(x.place_id as text) = $3 or $3 = '')`,
		int64(id), s.Service(), s.Place()).Scan(&n)
}

// check looks at all that refers to what goes.
func (f *filler) check(ctx context.Context) error {
	for what, query := range map[string]string{
		"posts with a wrong number of likes":    `select count(*) from posts p where p.likes <> (select count(*) from likes l where l.ref_kind = 'post' and l.ref_id = p.id)`,
		"posts with a wrong number of comments": `select count(*) from posts p where p.comments <> (select count(*) from comments c where c.ref_id = p.id and c.state = 'live')`,
		"posts whose heat does not follow":      `select count(*) from posts p where p.state = 'live' and p.hot <> ` + post.New(post.Config{}).Kind().Hot,
		"comments with a wrong number of likes": `select count(*) from comments c where c.likes <> (select count(*) from likes l where l.ref_kind = 'comment' and l.ref_id = c.id)`,
		"tombstones with words":                 `select count(*) from comments where state = 'gone' and (text <> '' and '` + f.class + `' <> 'comments' or author_id is not null)`,
		"tombstones that nobody answers":        `select count(*) from comments c where c.state = 'gone' and not exists (select 1 from comments a where a.parent_id = c.id and a.state = 'live')`,
		"skeletons that nobody talks beneath":   `select count(*) from posts p where p.state = 'gone' and p.comments = 0`,
		"answers to what is not there":          `select count(*) from comments c where c.parent_id is not null and not exists (select 1 from comments a where a.id = c.parent_id)`,
		"comments on what is not there":         `select count(*) from comments c where not exists (select 1 from posts p where p.id = c.ref_id)`,
		"likes of what is not there":            `select count(*) from likes l where l.ref_kind = 'comment' and not exists (select 1 from comments c where c.id = l.ref_id)`,
		"texts that name somebody gone":         `select count(*) from posts p where '` + f.class + `' = 'mentions' and p.author_id = 3 and p.text not like '%@{0}%' and not exists (select 1 from mentions m where m.ref_id = p.id)`,
		"texts in which others are lost":        `select count(*) from posts where text not like '%@{77}%'`,
	} {
		var n int64
		if err := f.d.Reader.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if n > 0 {
			return fmt.Errorf("%d %s", n, what)
		}
	}
	return nil
}

package exitsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
)

// post is a holder on SQL: posts, with their pictures, in services and places, and likes, which posts count.
type post struct{ exitsql.Tables }

func newPost(db *sql.DB) post {
	return post{exitsql.Tables{
		"posts": {
			{
				Name: "pictures", Owner: "author_id", Key: "id", Bytes: "size", OwnerID: exitsql.IntegerID, DB: db, Detach: "author_id = null",
				Scope: func(s exit.Subject, arg func(any) string) (string, error) {
					where := `service = ` + arg(s.Service())
					if s.Place() != "" {
						where += ` and place = ` + arg(s.Place())
					}
					return `post_id in (select id from posts where ` + where + `)`, nil
				},
			},
			{
				Name: "posts", Owner: "author_id", Key: "id", Bytes: "length(text)", Service: "service", Place: "place",
				OwnerID: exitsql.IntegerID, DB: db, Detach: "author_id = null",
				Also: []string{`delete from likes where post_id in (select r.id from {rows} r)`},
			},
		},
		"likes": {{
			Name: "likes", Owner: "account_id", Key: "id", OwnerID: exitsql.IntegerID, DB: db, Where: "account_id > 0",
			Also: []string{`update posts set likes = likes - (select count(*) from {rows} r where r.post_id = posts.id) where id in (select r.post_id from {rows} r)`},
		}},
	}}
}

func (post) Name() string { return "post" }

func (post) Classes() []exit.Class {
	return []exit.Class{
		{
			Name: "likes", Services: nil, Exported: true,
			Places: []exit.Place{{Table: "likes", Column: "account_id"}},
		},
		{
			Name: "posts", Services: []string{"circle", "channel"}, Manners: []exit.Manner{exit.Erase, exit.Detach}, After: []exit.Order{{Class: "post.likes", Why: "posts count them"}},
			Places: []exit.Place{{Table: "posts", Column: "author_id"}, {Table: "pictures", Column: "author_id"}}, Exported: true, Imported: true,
		},
	}
}

const postSchema = `
create table posts (id integer primary key, author_id integer, service text not null, place text not null, text text not null, likes integer not null);
create index posts_author on posts (author_id, id);
create table pictures (id integer primary key, author_id integer, post_id integer not null, size integer not null);
create index pictures_author on pictures (author_id, id);
create table likes (id integer primary key, account_id integer not null, post_id integer not null);
create index likes_account on likes (account_id, id);
create index likes_post on likes (post_id)`

// createPosts makes the holder's tables and a post of a third account, which the others like.
func (d database) createPosts(t testing.TB) {
	t.Helper()
	schema := postSchema + `; insert into posts (id, author_id, service, place, text, likes) values (1, 3, 'circle', '', 'liked', 0)`
	if d.dialect == exitsql.PostgreSQL {
		schema = strings.ReplaceAll(schema, "integer", "bigint")
	}
	for statement := range strings.SplitSeq(schema, ";") {
		if _, err := d.writer.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// fillPosts gives a subject n posts, each second with a picture, and n likes of the third account's post.
func (d database) fillPosts(ctx context.Context, s exit.Subject, n int) error {
	service := s.Service()
	if service == "" {
		service = "page"
	}
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i := range n {
		var id int64
		err := tx.QueryRowContext(ctx, `insert into posts (id, author_id, service, place, text, likes)
			values ((select max(id) + 1 from posts), cast($1 as bigint), $2, $3, 'some words', 0) returning id`, s.ID, service, s.Place()).Scan(&id)
		if err == nil && i%2 == 0 {
			_, err = tx.ExecContext(ctx, `insert into pictures (id, author_id, post_id, size)
				values ((select coalesce(max(id), 0) + 1 from pictures), cast($1 as bigint), $2, 1000)`, s.ID, id)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `insert into likes (id, account_id, post_id) values ((select coalesce(max(id), 0) + 1 from likes), cast($1 as bigint), 1)`, s.ID)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `update posts set likes = likes + 1 where id = 1`)
		}
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (d database) countPosts(ctx context.Context, s exit.Subject, class string) (n int64, err error) {
	query := `select count(*) from likes where account_id = cast($1 as bigint)`
	args := []any{s.ID}
	if class == "posts" {
		in := ""
		if s.Service() != "" {
			in, args = ` and service = $2`, append(args, s.Service())
		}
		if s.Place() != "" {
			in, args = in+` and place = $3`, append(args, s.Place())
		}
		query = `select (select count(*) from posts where author_id = cast($1 as bigint)` + in + `)
			+ (select count(*) from pictures where author_id = cast($1 as bigint) and post_id in (select id from posts where 1 = 1` + in + `))`
	}
	return n, d.reader.QueryRowContext(ctx, query, args...).Scan(&n)
}

// recount compares the counters with what they count.
func (d database) recount(ctx context.Context) error {
	var wrong int
	err := d.reader.QueryRowContext(ctx, `select count(*) from posts where likes <> (select count(*) from likes where post_id = posts.id)`).Scan(&wrong)
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d posts count their likes wrongly", wrong)
	}
	return err
}

func TestTable(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		exittest.Holder(t, func(t *testing.T) exittest.Fixture {
			d := create(t)
			d.createPosts(t)
			s, err := exitsql.Open(t.Context(), exitsql.Config{Writer: d.writer, Reader: d.reader, Dialect: d.dialect})
			if err != nil {
				t.Fatal(err)
			}
			return d.fixture(s)
		})
	})
}

// fixture is all but a store's part of what the holder's suite needs.
func (d database) fixture(s *exitsql.Store) exittest.Fixture {
	return exittest.Fixture{
		Holder: newPost(d.reader), Update: s.Update, Parts: []string{"circle", "circle:9", "channel"},
		Fill: d.fillPosts, Count: d.countPosts, Check: d.recount,
		Sabotage: func(ctx context.Context, class string) error {
			return exittest.SkipEveryTenth(ctx, d.writer, d.dialect, class, "id")
		},
	}
}

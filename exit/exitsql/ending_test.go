package exitsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
)

// TestEnding erases what is in a service, in a place of it, and everywhere: of everybody and of nobody, a skeleton too, and nothing beside it.
func TestEnding(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		for ends, want := range map[string]string{"circle": "1 5", "circle:8": "1 3 5", "page": "2 3 4 6", "install": "", "shop": "1 2 3 4 5 6"} {
			d := create(t)
			d.createPosts(t)
			if _, err := d.writer.ExecContext(t.Context(), `insert into posts (id, author_id, service, place, text, likes) values (2, 3, 'circle', '8', 'x', 0), (3, 4, 'circle', '9', 'x', 0),
				(4, null, 'circle', '8', '', 0), (5, null, 'page', '', '', 0), (6, 4, 'circle', '8', 'x', 0)`); err != nil {
				t.Fatal(err)
			}
			if _, err := d.writer.ExecContext(t.Context(), `update posts set service = 'page' where id = 1`); err != nil {
				t.Fatal(err)
			}
			post := newPost(d.writer).Tables["posts"][1]
			post.Stays, post.StaysAs = "id > 0", "author_id = null"
			e := exitsql.Ending{All: exitsql.Tables{"posts": exitsql.Whole(post)}}
			task := exit.Task{Run: "r", Subject: exit.Ending(ends), Class: "posts", Manner: exit.Erase, Limit: 2}
			begin := func(ctx context.Context) (*sql.Tx, error) { return d.writer.BeginTx(ctx, nil) }
			for done := false; !done; {
				if err := exitsql.InTx(t.Context(), begin, func(ctx context.Context) error {
					p, err := e.Erase(ctx, task)
					task.Cursor, done = p.Cursor, p.Done
					return err
				}); err != nil {
					t.Fatalf("%s: %v", ends, err)
				}
			}
			got, sep := "", ""
			for id := 1; id <= 6; id++ {
				var n int
				if err := d.writer.QueryRowContext(t.Context(), `select count(*) from posts where id = $1`, id).Scan(&n); err != nil {
					t.Fatal(err)
				}
				if n > 0 {
					got, sep = got+sep+fmt.Sprint(id), " "
				}
			}
			if got != want {
				t.Errorf("when %s has ended posts %q are left, want %q", ends, got, want)
			}
			if left, err := e.Verify(t.Context(), task); err != nil || left.Left != 0 {
				t.Errorf("a second look at %s finds %+v (%v)", ends, left, err)
			}
		}
	})
}

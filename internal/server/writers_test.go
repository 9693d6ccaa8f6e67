package server_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// writers is how many write at the same time.
const writers = 32

// accepted is a write that was answered with success, as the condition by which its row is found.
type accepted struct{ table, where string }

// crowd writes for and onto one account, which closes meanwhile.
type crowd struct {
	in     *install
	target who.Viewer
	posts  []who.ID // of the target
	count  atomic.Int64
	enough chan struct{} // closed when many writes were accepted
	closed atomic.Bool

	mu   sync.Mutex
	done []accepted
}

func (c *crowd) accept(table, where string) {
	c.mu.Lock()
	c.done = append(c.done, accepted{table, where})
	c.mu.Unlock()
	if c.count.Add(1) == 10*writers {
		close(c.enough)
	}
}

// write does the writer's n-th write. Every fourth writer is the target.
func (c *crowd) write(ctx context.Context, v who.Viewer, n int) error {
	ref := who.Ref{Kind: "post", ID: c.posts[n%len(c.posts)]}
	own := v.Account == c.target.Account
	switch {
	case own && n%2 == 0:
		id, err := c.in.Posts.Write(ctx, v, post.Draft{Service: post.Page, Text: fmt.Sprint("post ", n)})
		if err == nil {
			c.accept("posts", "id = "+id.String())
		}
		return err
	case n == 1 && !own:
		err := c.in.Relations.Follow(ctx, v, c.target.Account)
		if err == nil {
			c.accept("follows", "follower_id = "+v.Account.String())
		}
		return err
	case own || n >= len(c.posts) || n%2 == 0:
		id, err := c.in.Talk.Comment(ctx, v, ref, talk.Draft{Text: fmt.Sprint("comment ", n)})
		if err == nil {
			c.accept("comments", "id = "+id.String())
		}
		return err
	default:
		err := c.in.Talk.Like(ctx, v, ref, false)
		if err == nil {
			c.accept("likes", "account_id = "+v.Account.String()+" and ref_id = "+ref.ID.String())
		}
		return err
	}
}

// run writes until a write is refused because the account is closing.
func (c *crowd) run(ctx context.Context, v who.Viewer) error {
	for n := 1; ; n++ {
		err := c.write(ctx, v, n)
		kind := exit.KindOf(err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && n < 100_000:
		case err == nil:
			return errors.New("no write was ever refused")
		case c.closed.Load() && (kind == exit.Unavailable || kind == exit.NotFound):
			return nil
		case kind == exit.Unavailable || kind == exit.NotFound: // the consent is being committed
		default:
			return fmt.Errorf("write %d: %w", n, err)
		}
	}
}

// rows counts what stands for or on the target's account.
func (c *crowd) rows(t *testing.T) map[string]int64 {
	t.Helper()
	id := c.target.Account.String()
	mine := `select id from posts where author_id = ` + id
	out := map[string]int64{}
	for name, query := range map[string]string{
		"posts": `select count(*) from posts where author_id = ` + id, "follows": `select count(*) from follows where followee_id = ` + id,
		"comments by": `select count(*) from comments where author_id = ` + id, "comments onto": `select count(*) from comments where ref_id in (` + mine + `)`,
		"likes onto": `select count(*) from likes where ref_id in (` + mine + `)`,
	} {
		var n int64
		must(t, c.in.DB.Reader.QueryRowContext(t.Context(), query).Scan(&n), "count "+name)
		out[name] = n
	}
	return out
}

// TestWritersWhileClosing has 32 writers at work, for the account and onto it, while it closes.
func TestWritersWhileClosing(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		c := &crowd{in: in, target: in.signUp(t, "targetone"), enough: make(chan struct{})}
		for i := range 20 {
			c.posts = append(c.posts, value[who.ID](t, "write post")(in.Posts.Write(t.Context(), c.target, post.Draft{Service: post.Page, Text: fmt.Sprint("first ", i)})))
		}
		var wg sync.WaitGroup
		failed := make(chan error, writers)
		for i := range writers {
			v := c.target
			if i%4 != 0 {
				v = in.signUp(t, fmt.Sprint("writer", i))
			}
			wg.Go(func() { failed <- c.run(t.Context(), v) })
		}
		select {
		case <-c.enough:
		case err := <-failed:
			t.Fatalf("a writer ended before anybody closed: %v", err)
		case <-t.Context().Done():
			t.Fatal("the writers got nowhere")
		}
		run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(c.target.Account, ""), Journey: exit.Close})
		answered := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		frozen := c.rows(t)
		c.closed.Store(true)
		wg.Wait()
		close(failed)
		for err := range failed {
			if err != nil {
				t.Error(err)
			}
		}
		c.wantAccepted(t, frozen, answered)
		in.travel(t, 40)
		c.wantCounted(t, run.ID, frozen)
	})
}

// wantAccepted asks that nothing was written after the freeze, and that all that was answered with success is there.
func (c *crowd) wantAccepted(t *testing.T, frozen map[string]int64, answered time.Time) {
	t.Helper()
	for name, n := range c.rows(t) {
		if n != frozen[name] {
			t.Errorf("%s: %d rows after the writers ended, %d when the account was frozen", name, n, frozen[name])
		}
	}
	var later int64
	id := c.target.Account.String()
	err := c.in.DB.Reader.QueryRowContext(t.Context(), `select (select count(*) from posts where author_id = `+id+` and created_at > $1)
		+ (select count(*) from follows where followee_id = `+id+` and created_at > $1)`, db.Ms(answered)).Scan(&later)
	must(t, err, "look for later rows")
	if later > 0 {
		t.Errorf("%d rows are dated after the closing was answered", later)
	}
	for _, a := range c.done {
		var n int64
		must(t, c.in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from `+a.table+` where `+a.where).Scan(&n), "look for a row")
		if n != 1 {
			t.Errorf("%s %s was answered with success and is there %d times", a.table, a.where, n)
		}
	}
}

// wantCounted asks that the certificate counts all of it.
func (c *crowd) wantCounted(t *testing.T, run string, frozen map[string]int64) {
	t.Helper()
	erased := map[string]int64{}
	for _, e := range c.in.wantCertificate(t, run).Certificate.Receipts {
		erased[e.Receipt.Holder+"."+e.Receipt.Class] += e.Receipt.Items
	}
	for class, want := range map[string]int64{"post.posts": frozen["posts"], "talk.comments": frozen["comments by"], "relation.follows": frozen["follows"]} {
		if erased[class] != want || want == 0 {
			t.Errorf("the certificate counts %d of %s, want %d", erased[class], class, want)
		}
	}
}

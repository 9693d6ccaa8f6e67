package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/sunset"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// publish publishes a calendar as it is previewed.
func (in *install) publish(t *testing.T, src []byte) sunset.Sunset {
	t.Helper()
	_, plan, err := in.Sunsets.Preview(t.Context(), src)
	must(t, err, "preview sunset")
	return value[sunset.Sunset](t, "publish sunset")(in.Sunsets.Publish(t.Context(), src, plan.Hash(), ""))
}

// hammer writes in a service until it is refused.
type hammer struct {
	in     *install
	ends   string // what is being ended
	circle who.ID
	posts  []who.ID // in what is being ended
	people []who.Viewer
	count  atomic.Int64

	mu   sync.Mutex
	done []accepted
}

func (h *hammer) accept(table, where string, err error) error {
	if err == nil {
		h.count.Add(1)
		h.mu.Lock()
		h.done = append(h.done, accepted{table, where})
		h.mu.Unlock()
	}
	return err
}

// write does a writer's n-th write.
func (h *hammer) write(ctx context.Context, v who.Viewer, n int) error {
	draft := post.Draft{Service: post.Page, Text: fmt.Sprint("post ", n)}
	if h.ends == circle.Name {
		draft.Service, draft.Place = circle.Name, h.circle
	}
	ref := who.Ref{Kind: "post", ID: h.posts[n%len(h.posts)]}
	switch {
	case n%5 == 0:
		id, err := h.in.Posts.Write(ctx, v, draft)
		return h.accept("posts", "id = "+id.String(), err)
	case n%5 == 1 && n < 5*len(h.posts):
		ref.ID = h.posts[n/5]
		return h.accept("likes", "account_id = "+v.Account.String()+" and ref_id = "+ref.ID.String(), h.in.Talk.Like(ctx, v, ref, false))
	case n%5 == 2 && n < 50:
		id, err := h.in.Circles.Create(ctx, v, circle.Draft{Name: fmt.Sprint("ring ", n, " ", v.Name), Mode: circle.Open})
		return h.accept("circles", "id = "+id.String(), err)
	case n%5 == 3 && h.ends != circle.Name && n/5 < len(h.people) && h.people[n/5].Account != v.Account:
		err := h.in.Relations.Follow(ctx, v, h.people[n/5].Account)
		return h.accept("follows", "follower_id = "+v.Account.String()+" and followee_id = "+h.people[n/5].Account.String(), err)
	}
	id, err := h.in.Talk.Comment(ctx, v, ref, talk.Draft{Text: fmt.Sprint("comment ", n)})
	return h.accept("comments", "id = "+id.String(), err)
}

// run writes until a write is refused with the date from which nothing is written any more.
func (h *hammer) run(ctx context.Context, v who.Viewer) error {
	for n := range 100_000 {
		if h.in.DB.SQLite() {
			h.in.machine.Add(time.Millisecond) // its time is the machine's, which stands still in tests
		}
		err := h.write(ctx, v, n)
		var e *exit.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
		case errors.As(err, &e) && e.Kind == exit.Forbidden && strings.HasPrefix(e.Key, "error.sunset_") && e.Args["date"] != nil:
			return nil
		default:
			return fmt.Errorf("write %d: %w", n, err)
		}
	}
	return errors.New("no write was ever refused")
}

// wantNothingAfter asks that no row of what ended carries a time at or after an instant.
func (h *hammer) wantNothingAfter(t *testing.T, instant time.Time) {
	t.Helper()
	of := ` and service = 'circle'`
	if h.ends != circle.Name {
		of = ""
	}
	for name, query := range map[string]string{
		"posts": `select count(*) from posts where created_at >= $1` + of, "comments": `select count(*) from comments where created_at >= $1` + of,
		"likes": `select count(*) from likes where created_at >= $1` + of, "circles": `select count(*) from circles where created_at >= $1`,
		"members": `select count(*) from circle_members where created_at >= $1`,
	} {
		var n int64
		must(t, h.in.DB.Reader.QueryRowContext(t.Context(), query, db.Ms(instant)).Scan(&n), "count "+name)
		if n != 0 {
			t.Errorf("%d %s carry a time at or after the instant", n, name)
		}
	}
	if h.ends != circle.Name {
		var n int64
		must(t, h.in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from follows where created_at >= $1`, db.Ms(instant)).Scan(&n), "count follows")
		if n != 0 {
			t.Errorf("%d follows carry a time at or after the instant", n)
		}
	}
}

// TestWritersAtTheInstant has 32 writers at work while a service, and the install, becomes read-only: the clock passes the instant while they write.
func TestWritersAtTheInstant(t *testing.T) {
	for _, ends := range []string{circle.Name, "install"} {
		t.Run(ends, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				h := &hammer{in: in, ends: ends}
				owner := in.signUp(t, "ownerone")
				h.circle = value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), owner, circle.Draft{Name: "one ring", Mode: circle.Open}))
				for i := range 20 {
					draft := post.Draft{Service: circle.Name, Place: h.circle, Text: fmt.Sprint("first ", i)}
					h.posts = append(h.posts, value[who.ID](t, "write post")(in.Posts.Write(t.Context(), owner, draft)))
				}
				for i := range writers {
					v := in.signUp(t, fmt.Sprint("writer", i))
					_, err := in.Circles.Join(t.Context(), v, h.circle)
					must(t, err, "join")
					h.people = append(h.people, v)
				}
				now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
				s := in.publish(t, sunsetFile(now, ends))
				instant := s.Calendar.At(exit.ReadOnly)
				must(t, in.DB.Move(t.Context(), instant.Add(-800*time.Millisecond)), "go to the instant")
				var wg sync.WaitGroup
				failed := make(chan error, writers)
				for _, v := range h.people {
					wg.Go(func() { failed <- h.run(t.Context(), v) })
				}
				wg.Wait()
				close(failed)
				for err := range failed {
					if err != nil {
						t.Error(err)
					}
				}
				if n := h.count.Load(); n < 2*writers {
					t.Errorf("only %d writes were accepted before the instant", n)
				}
				h.wantNothingAfter(t, instant)
				for _, a := range h.done {
					var n int64
					must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from `+a.table+` where `+a.where).Scan(&n), "look for a row")
					if n != 1 {
						t.Errorf("%s %s was answered with success and is there %d times", a.table, a.where, n)
					}
				}
				t.Logf("%d writes were accepted", h.count.Load())
			})
		})
	}
}

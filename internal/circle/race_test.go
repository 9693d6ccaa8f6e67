package circle_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// begin runs fn beside the test and gives what it comes to.
func begin(fn func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- fn() }()
	return done
}

// waits returns when what was begun waits for a lock, or has come to its end: then it gives that, and ended is true. SQLite has one writer at a time:
// there is nothing to wait for.
func (h *house) waits(done <-chan error) (ended bool, err error) {
	h.t.Helper()
	if h.d.SQLite() {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	for {
		select {
		case err := <-done:
			return true, err
		default:
		}
		var n int
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n))
		if n > 0 {
			return false, nil
		}
		runtime.Gosched()
	}
}

// TestKickAgainstPost has who is taken out of a circle write nothing there after that, however close the two come.
func TestKickAgainstPost(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "c", circle.Open)
		write := func() error {
			_, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "还在"})
			return err
		}
		remove := func() error { return h.kicks(ctx, owner, id, ann.Account) }

		// The post has asked and is not stored yet: who removes waits for it.
		h.joined(ann, id)
		var removed <-chan error
		h.posts.Screen = func(context.Context, service.Pass, post.ScreenIn) (bool, error) {
			removed = begin(remove)
			if ended, err := h.waits(removed); ended {
				t.Errorf("taken out (%v) before the post is stored", err)
				removed = begin(func() error { return nil })
			}
			return false, nil
		}
		h.must(write())
		h.must(<-removed)
		h.posts.Screen = nil
		h.refused(write(), exit.Forbidden, "members_only")

		// The member is being taken out: the post waits, and is refused.
		h.joined(ann, id)
		var wrote <-chan error
		h.must(h.inTx(func(ctx context.Context) error {
			if err := h.kicks(ctx, owner, id, ann.Account); err != nil {
				return err
			}
			wrote = begin(write)
			if ended, err := h.waits(wrote); ended {
				wrote = begin(func() error { return err })
			}
			return nil
		}))
		h.refused(<-wrote, exit.Forbidden, "members_only")
		var n int
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from posts where place_id = $1`, int64(id)).Scan(&n))
		if n != 1 {
			t.Errorf("%d posts are stored, want the one from before", n)
		}
	})
}

// TestNamesAtOnce has of two circles that are made at once with names that look alike one be made.
func TestNamesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, bob := h.account("ann"), h.account("bob")
		create := func(ctx context.Context, v who.Viewer, name string) error {
			_, err := h.Create(ctx, v, circle.Draft{Name: name, Mode: circle.Open})
			return err
		}
		var second <-chan error
		h.must(h.inTx(func(ctx context.Context) error {
			if err := create(ctx, ann, "Weekend walks"); err != nil {
				return err
			}
			second = begin(func() error { return create(h.t.Context(), bob, "Weekend wa1ks") })
			if ended, err := h.waits(second); ended {
				second = begin(func() error { return err })
			}
			return nil
		}))
		h.refused(<-second, exit.Conflict, "name_taken")
		// The first one is not made after all: then the second one is.
		undone := errors.New("undone")
		err := h.inTx(func(ctx context.Context) error {
			if err := create(ctx, ann, "Early birds"); err != nil {
				return err
			}
			second = begin(func() error { return create(h.t.Context(), bob, "Early bird5") })
			if ended, err := h.waits(second); ended {
				second = begin(func() error { return err })
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if err := <-second; err != nil {
			t.Errorf("the only one of its name: %v", err)
		}
	})
}

package exitsql_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
)

// brokenName names the variable that has this test binary run a suite on something broken.
const brokenName = "EXEUNT_EXITTEST_BROKEN"

// breakages are a holder's and a store's mistakes, and what the suites say of each.
var breakages = []struct{ name, says string }{
	{"erases too much", "2 has"},
	{"erases too little", "verify finds"},
	{"sees nothing", "verify finds 0"},
	{"counts wrongly", "the chunks add up to"},
	{"no transaction", "do not go with the transaction"},
	{"forgets counters", "what others' items say is wrong"},
	{"erases other parts", "erasing a part did"},
	{"holds for another", "verify finds 0 left of hold:run1"},
	{"no fence", "want exit.Lost()"},
	{"no dependencies", "leased"},
}

// TestSuitesFindMistakes runs the suites of exittest on broken holders and stores, each in a
// process of its own, where they have to fail for the reason given.
func TestSuitesFindMistakes(t *testing.T) {
	if name := os.Getenv(brokenName); name != "" {
		broken(t, name)
		return
	}
	for _, b := range breakages {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuitesFindMistakes$")
			cmd.Env = append(os.Environ(), brokenName+"="+b.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), b.says) {
				t.Errorf("the suite did not say %q (%v):\n%s", b.says, err, out)
			}
		})
	}
}

func broken(t *testing.T, name string) {
	if name == "no fence" || name == "no dependencies" {
		exittest.Stores(t, func(t *testing.T) exit.RunStore { return brokenStore{newSQLite(t).store(t), name} })
		return
	}
	exittest.Holder(t, func(t *testing.T) exittest.Fixture {
		d := newSQLite(t)
		d.createPosts(t)
		s, err := exitsql.Open(t.Context(), exitsql.Config{Writer: d.writer, Reader: d.reader, Dialect: d.dialect})
		if err != nil {
			t.Fatal(err)
		}
		if name == "holds for another" {
			d.createShop(t)
			f := d.shopFixture(s)
			f.Holder = forgetful{newShop(d.reader)}
			return f
		}
		f := d.fixture(s)
		f.Holder = brokenHolder{newPost(d.reader), name, d}
		return f
	})
}

// forgetful does not put down which run it holds something for.
type forgetful struct{ shop }

func (h forgetful) Hold(ctx context.Context, t exit.Task) (exit.Progress, error) {
	t.Run = "some run"
	return h.shop.Hold(ctx, t)
}

type brokenHolder struct {
	post
	mistake string
	d       database
}

func (h brokenHolder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	tx, _ := exitsql.Tx(ctx)
	switch h.mistake {
	case "erases too much":
		if _, err := tx.ExecContext(ctx, `delete from likes where id % 7 = 0`); err != nil {
			return exit.Progress{}, err
		}
	case "erases too little":
		if t.Chunk > 0 {
			return exit.Progress{Done: true}, nil
		}
	case "no transaction":
		// The chunk's own transaction ends here, whatever its beginner wants.
		p, err := h.post.Erase(ctx, t)
		if err == nil {
			_, err = tx.ExecContext(ctx, `commit; begin immediate`)
		}
		return p, err
	case "forgets counters":
		likes := h.Tables["likes"][0]
		likes.Also = nil
		if t.Class == "likes" {
			return likes.Erase(ctx, t)
		}
	case "erases other parts":
		t.Subject.In = ""
	}
	p, err := h.post.Erase(ctx, t)
	if h.mistake == "counts wrongly" && p.Items > 0 {
		p.Items--
	}
	return p, err
}

func (h brokenHolder) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	if h.mistake == "sees nothing" {
		return exit.Residue{}, nil
	}
	return h.post.Verify(ctx, t)
}

type brokenStore struct {
	*exitsql.Store
	mistake string
}

// Settle forgets the fence: whoever comes settles the step of the newest lease.
func (s brokenStore) Settle(ctx context.Context, l exit.Lease, to exit.Settlement) error {
	if s.mistake != "no fence" {
		return s.Store.Settle(ctx, l, to)
	}
	return s.Update(ctx, func(ctx context.Context) error {
		tx, _ := exitsql.Tx(ctx)
		if _, err := tx.ExecContext(ctx, `update exit_steps set fence = $1, state = 'running' where run = $2 and seq = $3`, l.Fence, l.Run.ID, l.Step.Seq); err != nil {
			return err
		}
		return s.Store.Settle(ctx, l, to)
	})
}

// Lease forgets dependencies.
func (s brokenStore) Lease(ctx context.Context, now, machine time.Time, ttl time.Duration, limit int) (out []exit.Lease, err error) {
	err = s.Update(ctx, func(ctx context.Context) error {
		tx, _ := exitsql.Tx(ctx)
		if s.mistake == "no dependencies" {
			if _, err := tx.ExecContext(ctx, `update exit_steps set open = 0`); err != nil {
				return err
			}
		}
		out, err = s.Store.Lease(ctx, now, machine, ttl, limit)
		return err
	})
	return out, err
}

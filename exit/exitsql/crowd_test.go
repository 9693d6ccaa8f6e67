package exitsql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
)

const ending = `version: 1
name: circles
ends: circle
zone: UTC
title: {en: The end}
reason: {en: We go another way.}
ask: {en: Ask us.}
remind: [7]
phases:
  announced: 2026-03-02
  read-only: 2026-04-02
  stopped: 2026-05-02
  erased: 2026-06-02
`

// bell is a holder that carries sunsets out: it notes what it is asked for, and has archives to wait for.
type bell struct {
	sight
	rung []string
	wait int
}

func (*bell) Name() string { return "bell" }

func (b *bell) Phase(_ context.Context, t exit.Task) error {
	b.rung = append(b.rung, t.Choice)
	return nil
}

func (b *bell) Remind(_ context.Context, t exit.Task) error {
	b.rung = append(b.rung, "remind "+t.Choice)
	return nil
}

func (b *bell) Reopen(context.Context, exit.Task) error {
	b.rung = append(b.rung, "reopen")
	return nil
}

func (b *bell) Pack(context.Context, exit.Task) (exit.Progress, error) {
	if b.wait--; b.wait >= 0 {
		return exit.Progress{Again: time.Second}, nil
	}
	b.rung = append(b.rung, "packed")
	return exit.Progress{Done: true}, nil
}

// parish keeps posts, those of nobody too, and fails now and then.
type parish struct {
	post
	db    *sql.DB
	fails func() bool
	skip  bool // what is nobody's is forgotten
}

func (parish) Ends(class string) bool { return class == "posts" }

func (p parish) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if p.fails() {
		return exit.Progress{}, errors.New("the disk is full")
	}
	if !t.Subject.Ending() {
		return p.post.Erase(ctx, t)
	}
	if p.skip {
		return exit.Progress{Done: true}, nil
	}
	tx, _ := exitsql.Tx(ctx)
	res, err := tx.ExecContext(ctx, `delete from posts where id in (select id from posts where author_id is null and service = $1 order by id limit $2)`, t.Subject.Part(), t.Limit)
	if err != nil {
		return exit.Progress{}, err
	}
	n, err := res.RowsAffected()
	return exit.Progress{Items: n, Done: n < int64(t.Limit)}, err
}

func (p parish) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	if !t.Subject.Ending() {
		return p.post.Verify(ctx, t)
	}
	var left exit.Residue
	err := p.db.QueryRowContext(ctx, `select count(*) from posts where author_id is null and service = $1`, t.Subject.Part()).Scan(&left.Left)
	return left, err
}

func (h *house) parish(t *testing.T, fails func() bool, skip bool) *bell {
	t.Helper()
	p, err := exit.ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	b := &bell{sight: sight{h.store}, wait: 3}
	h.Engine = h.engine(parish{post: newPost(h.reader), db: h.reader, fails: fails, skip: skip}, p)
	h.Holders, h.Tries = append(h.Holders, b), 1000
	h.Whose = func(ctx context.Context, c exit.ClassFact, ends exit.Subject, after string) (exit.Subject, bool, error) {
		s, _ := exit.ParseSubject(after)
		last, _ := strconv.ParseInt(s.ID, 10, 64)
		var next sql.NullInt64
		query := `select min(` + c.Places[0].Column + `) from ` + c.Places[0].Table + ` where ` + c.Places[0].Column + ` > $1`
		if tx, ok := exitsql.Tx(ctx); ok {
			err = tx.QueryRowContext(ctx, query, last).Scan(&next)
		} else {
			err = h.reader.QueryRowContext(ctx, query, last).Scan(&next)
		}
		return exit.Account(fmt.Sprint(next.Int64)).Within(ends.Part()), next.Valid, err
	}
	return b
}

func (h *house) posts(t *testing.T, where string) (n int64) {
	t.Helper()
	if err := h.reader.QueryRowContext(t.Context(), `select count(*) from posts where `+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// people gives each of some accounts posts in two services, more than a chunk to some of them, and leaves some of a member who left.
func (h *house) people(t *testing.T) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	id := 1000
	for account := range 40 {
		n := random.IntN(4)
		if account%9 == 0 {
			n = 700
		}
		for range n {
			for _, service := range []string{"circle", "channel"} {
				id++
				author := any(account + 10)
				if id%51 == 0 {
					author = nil
				}
				if _, err := h.writer.ExecContext(t.Context(), `insert into posts (id, author_id, service, place, text, likes) values ($1, $2, $3, '', 'words', 0)`, id, author, service); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestCrowd ends a service for forty accounts at once, with a disk that is full at every fifth look: each class is one step whose receipt counts all.
func TestCrowd(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *house) {
		h.people(t)
		random := rand.New(rand.NewPCG(1, 2))
		b := h.parish(t, func() bool { return random.IntN(5) == 0 }, false)
		inCircle, elsewhere := h.posts(t, `service = 'circle'`), h.posts(t, `service <> 'circle'`)
		r := h.agree(t, exit.Ask{Subject: exit.Ending("circle"), Journey: exit.Sunset, Calendar: ending})
		h.travel(t)
		run, steps := h.run(t, r.ID)
		if run.State != exit.RunSealed {
			t.Errorf("the run is %s", run.State)
		}
		if got := steps["erase:post.posts"]; got.State != exit.StepVerified || got.Items != inCircle {
			t.Errorf("erased %d posts, %s; there were %d", got.Items, got.State, inCircle)
		}
		if left, other := h.posts(t, `service = 'circle'`), h.posts(t, `service <> 'circle'`); left != 0 || other != elsewhere {
			t.Errorf("%d posts of the service are left; %d elsewhere, of %d", left, other, elsewhere)
		}
		want := []string{exit.Announced, exit.ReadOnly, "packed", "remind 7", exit.Stopped, exit.Erased}
		if !slices.Equal(b.rung, want) {
			t.Errorf("carried out %q, want %q", b.rung, want)
		}
	})
}

// TestCrowdLeavesNobody asks that what belongs to nobody is not forgotten: the step of its class is stuck, and the run is not sealed.
func TestCrowdLeavesNobody(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *house) {
		h.people(t)
		h.parish(t, func() bool { return false }, true)
		h.Tries = 2
		r := h.agree(t, exit.Ask{Subject: exit.Ending("circle"), Journey: exit.Sunset, Calendar: ending})
		h.travel(t)
		run, steps := h.run(t, r.ID)
		if got := steps["erase:post.posts"]; got.State != exit.StepStuck || run.State == exit.RunSealed {
			t.Errorf("the step is %s and the run %s, though posts of nobody are left", got.State, run.State)
		}
	})
}

// TestPostponed has a later calendar take the place of the first, and a withdrawal that of the second.
func TestPostponed(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *house) {
		h.people(t)
		b := h.parish(t, func() bool { return false }, false)
		ask := exit.Ask{Subject: exit.Ending("circle"), Journey: exit.Sunset, Calendar: ending}
		first := h.agree(t, ask)
		h.clock.move(time.Date(2026, 4, 10, 0, 0, 0, 0, time.UTC))
		h.work(t)
		ask.Calendar = ending[:len(ending)-len("2026-05-02\n  erased: 2026-06-02\n")] + "2026-05-20\n  erased: 2026-07-02\n"
		second := h.agree(t, ask)
		if run, steps := h.run(t, first.ID); run.State != exit.RunCancelled || steps["phase:"+exit.ReadOnly].State != exit.StepVerified {
			t.Errorf("the first run is %s, its read-only %s", run.State, steps["phase:read-only"].State)
		}
		h.clock.move(time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC))
		h.work(t)
		if n := h.posts(t, `service = 'circle'`); n == 0 {
			t.Error("posts are gone on the first calendar's day")
		}
		h.agree(t, exit.Ask{Subject: exit.Ending("circle"), Journey: exit.Withdraw})
		if run, _ := h.run(t, second.ID); run.State != exit.RunCancelled {
			t.Errorf("the second run is %s", run.State)
		}
		if b.rung[len(b.rung)-1] != "reopen" {
			t.Errorf("carried out %q", b.rung)
		}
		before := h.posts(t, `id > 0`)
		h.travel(t)
		if n := h.posts(t, `id > 0`); n != before {
			t.Errorf("%d of %d posts are left after the withdrawal", n, before)
		}
	})
}

func eachEngine(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) { fn(t, newHouse(t, create(t))) })
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/server"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// serverPostsPerSecond is what a comparable server in Go erases, in posts a second.
const serverPostsPerSecond = 250

// erase measures the erasure of an account against the same rows deleted by hand.
func erase(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	for _, engine := range engines() {
		if err := e.eraseOn(ctx, r, engine); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
	}
	a := e.amounts()
	r.note("The account has %d posts, %d likes and comments given, %d received; %d posts and %d likes of others lie around them. One worker against one "+
		"connection; the rival deletes in chunks of the very sizes that the engine chose, in transactions of the same durability, corrects the same counts "+
		"and leaves the same rows behind, which is compared. The engine's time ends with the sealed run and holds plan steps, chunks, a second look at each class, receipts.",
		a.posts, 2*a.given, 2*a.received, a.otherPosts, a.otherLikes)
	return r, nil
}

// rounds of one database: the erasure and its rivals by turns, each on a copy of its own.
type eraseTimes struct {
	engine, hand, whole, ledger, chunk []time.Duration
	chunks                             int
}

func (e *env) eraseOn(ctx context.Context, r *report, engine string) (err error) {
	e.logf("erase on %s: make the data", engine)
	town, err := e.town(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, town.drop(ctx)) }()
	var t eraseTimes
	for round := range e.rounds {
		if err := e.eraseRound(ctx, town, &t); err != nil {
			return err
		}
		e.logf("erase on %s: round %d: engine %s, by hand %s, whole %s", engine, round+1, text(t.engine[round]), text(t.hand[round]), text(t.whole[round]))
	}
	posts := e.amounts().posts
	x := ratios(t.engine, t.hand)
	r.beside("erased through the engine, to the seal", engine, spread(t.engine))
	r.beside("the same rows by hand-written SQL in chunks of the same sizes", engine, spread(t.hand))
	r.add("engine ÷ by hand", engine, times(x), "≤ 1.5×", x <= 1.5)
	r.beside("one statement a table and class, not in chunks", engine, spread(t.whole))
	perSecond := float64(posts) / median(t.engine).Seconds()
	r.add("posts erased a second, with their likes and comments", engine, fmt.Sprintf("%.0f", perSecond), fmt.Sprintf("a comparable server: %d", serverPostsPerSecond), perSecond > serverPostsPerSecond)
	r.beside("receipts into the ledger, afterwards", engine, spread(t.ledger))
	r.beside(fmt.Sprintf("longest of %d chunks", t.chunks), engine, spread(t.chunk))
	if err := e.eraseBesideWriter(ctx, r, town); err != nil {
		return err
	}
	if x <= 1.5 || r.scaled {
		return nil
	}
	return e.eraseProfile(ctx, r, town)
}

func (e *env) eraseRound(ctx context.Context, town *install, t *eraseTimes) error {
	i, err := town.copy(ctx)
	if err != nil {
		return err
	}
	c, err := i.close(ctx, nil)
	if err != nil {
		return err
	}
	if err := i.drop(ctx); err != nil {
		return err
	}
	t.engine, t.ledger, t.chunk = append(t.engine, c.took), append(t.ledger, c.ledger), append(t.chunk, c.chunks.worst)
	t.chunks = 0
	for _, sizes := range c.chunks.sizes {
		t.chunks += len(sizes)
	}
	for _, rival := range []struct {
		sizes map[string][]int64
		took  *[]time.Duration
	}{{c.chunks.sizes, &t.hand}, {nil, &t.whole}} {
		if i, err = town.copy(ctx); err != nil {
			return err
		}
		took, left, err := i.byHand(ctx, rival.sizes)
		if err != nil {
			return err
		}
		if left != c.left {
			return fmt.Errorf("by hand is left %s, through the engine %s", left, c.left)
		}
		*rival.took = append(*rival.took, took)
		if err := i.drop(ctx); err != nil {
			return err
		}
	}
	return nil
}

// eraseBesideWriter has somebody else write while an account is erased.
func (e *env) eraseBesideWriter(ctx context.Context, r *report, town *install) error {
	var worst, usual []time.Duration
	var all []time.Duration
	for range e.rounds {
		i, err := town.copy(ctx)
		if err != nil {
			return err
		}
		var waits []time.Duration
		var failed error
		if _, err := i.close(ctx, func(h *server.House, gone <-chan struct{}) { waits, failed = e.write(ctx, h, gone) }); err != nil {
			return err
		}
		if failed != nil {
			return fmt.Errorf("write beside the erasure: %w", failed)
		}
		if err := i.drop(ctx); err != nil {
			return err
		}
		all = append(all, waits...)
		worst, usual = append(worst, percentile(waits, 100)), append(usual, median(waits))
	}
	alone, err := e.writeAlone(ctx, town, median(worst))
	if err != nil {
		return err
	}
	top := median(worst)
	r.add(fmt.Sprintf("worst wait of a concurrent writer (of some %d writes)", len(all)/e.rounds), town.engine, spread(worst), "≤ 100 ms", top <= 100*time.Millisecond)
	r.beside("its median and 99th percentile", town.engine, text(median(usual))+", "+text(percentile(all, 99)))
	r.beside("its worst wait and median with no erasure beside it", town.engine, text(percentile(alone, 100))+", "+text(median(alone)))
	return nil
}

// writeAlone writes for as long as an erasure takes, with none beside it.
func (e *env) writeAlone(ctx context.Context, town *install, least time.Duration) ([]time.Duration, error) {
	i, err := town.copy(ctx)
	if err != nil {
		return nil, err
	}
	h, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, max(least, time.Duration(float64(3*time.Second)*e.scale)))
	defer cancel()
	waits, err := e.write(ctx, h, limit.Done())
	if err != nil {
		return nil, err
	}
	if err := h.Close(); err != nil {
		return nil, err
	}
	return waits, i.drop(ctx)
}

// write likes a post of others every five milliseconds, through the fence, until done; it gives how long each took.
func (e *env) write(ctx context.Context, h *server.House, done <-chan struct{}) (waits []time.Duration, err error) {
	a := e.amounts()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		post := int64(otherPosts + 1 + n*104729%a.otherPosts)
		by := who.ID(others + 1 + n%a.otherAccounts)
		began := time.Now()
		err := h.DB.Update(ctx, func(ctx context.Context) error {
			pass, err := h.Desk.Enter(ctx, service.Write{By: by, Service: "page"})
			if err != nil {
				return err
			}
			changed, err := h.DB.Exec(ctx, `insert into likes (id, account_id, ref_kind, ref_id, service, place_id, created_at)
				values ($1, $2, 'post', $3, `+onPosts+`, $4) on conflict do nothing`, int64(h.DB.IDs.Next()), int64(by), post, pass.At.UnixMilli())
			if err != nil || changed == 0 {
				return err
			}
			_, err = h.DB.Exec(ctx, `update posts set likes = likes + 1 where id = $1`, post)
			return err
		})
		if err != nil {
			return waits, err
		}
		waits = append(waits, time.Since(began))
		select {
		case <-done:
			return waits, nil
		case <-tick.C:
		}
	}
}

// eraseProfile has one more erasure watched.
func (e *env) eraseProfile(ctx context.Context, r *report, town *install) error {
	i, err := town.copy(ctx)
	if err != nil {
		return err
	}
	top, err := e.profiled(ctx, "erase", func() error {
		_, err := i.close(ctx, nil)
		return err
	})
	if err != nil {
		return err
	}
	r.profiles = append(r.profiles, profile{"an erasure on " + town.engine, top})
	return i.drop(ctx)
}

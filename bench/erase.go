package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/server"
	"exeunt/internal/who"
)

// The data of the erasure: who leaves, and the ids of what was made.
const (
	leaver     = 1       // the account that is erased
	others     = 100     // the accounts of others are others+1 …
	ownPosts   = 1000000 // the leaver's posts are ownPosts+1 …
	otherPosts = 2000000
)

// amounts are the sizes of the data.
type amounts struct {
	posts, given, received, otherAccounts, otherPosts, otherLikes int
}

func (e *env) amounts() amounts {
	return amounts{
		posts: e.size(10_000, 100), given: e.size(40_000, 400), received: e.size(10_000, 100),
		otherAccounts: e.size(1000, 50), otherPosts: e.size(40_000, 400), otherLikes: e.size(200_000, 1000),
	}
}

// town makes an install in which one account has posts, has liked and commented, and was liked and commented on.
func (e *env) town(ctx context.Context, engine string) (*install, error) {
	i, err := e.newInstall(ctx, engine)
	if err != nil {
		return nil, err
	}
	h, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	a := e.amounts()
	me, anybody := fmt.Sprint(leaver), fmt.Sprintf("%d + 1 + i * 31 %% %d", others, a.otherAccounts)
	theirs, mine := fmt.Sprintf("%d + 1 + (i - 1) %% %d", otherPosts, a.otherPosts), fmt.Sprintf("%d + 1 + (i - 1) %% %d", ownPosts, a.posts)
	few := fmt.Sprintf("%d + 1 + (i - 1) %% %d", ownPosts, max(1, a.posts/5)) // a fifth of the posts has all comments
	statements := append(accounts(leaver-1, 1), accounts(others, a.otherAccounts)...)
	statements = append(statements,
		posts(ownPosts, a.posts, leaver-1, 1, 0),
		posts(otherPosts, a.otherPosts, others, a.otherAccounts, 0),
		likes(10_000_000, a.given, me, theirs),
		likes(20_000_000, a.received, anybody, mine),
		likes(30_000_000, a.otherLikes, anybody, fmt.Sprintf("%d + 1 + (i / %d + i * 7919) %% %d", otherPosts, a.otherPosts, a.otherPosts)),
		comments(40_000_000, a.given, me, theirs, "null"),
		comments(50_000_000, a.received, anybody, few, "null"),
		// One in forty of the leaver's comments was answered: its place stays in the thread.
		comments(60_000_000, a.given/40, anybody, fmt.Sprintf("%d + 1 + (i * 40 - 1) %% %d", otherPosts, a.otherPosts), "40000000 + i * 40"),
	)
	err = fill(ctx, h.DB, append(statements, counted()...)...)
	return i, errors.Join(err, h.Close())
}

// chunkStore is the run store with a look at how many items each chunk had.
type chunkStore struct {
	exit.RunStore
	mu    sync.Mutex
	sizes map[string][]int64 // by class
	worst time.Duration      // the longest that a chunk held its transaction
}

// Chunk implements [exit.RunStore].
func (s *chunkStore) Chunk(ctx context.Context, l exit.Lease, now time.Time, fn func(context.Context, exit.StepStatus) (exit.Progress, error)) (exit.StepStatus, error) {
	var items int64
	began := time.Now()
	out, err := s.RunStore.Chunk(ctx, l, now, func(ctx context.Context, st exit.StepStatus) (exit.Progress, error) {
		p, err := fn(ctx, st)
		items = p.Items
		return p, err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.worst = max(s.worst, time.Since(began))
	if err == nil && items > 0 {
		s.sizes[l.Step.ClassID()] = append(s.sizes[l.Step.ClassID()], items)
	}
	return out, err
}

// closing is one erasure through the engine.
type closing struct {
	took   time.Duration // from the first step to the seal
	ledger time.Duration // receipts into the log, certificate
	chunks *chunkStore
	left   string
}

// close closes the leaver's account at once and carries it out as a worker of the server does.
func (i *install) close(ctx context.Context, during func(h *server.House, gone <-chan struct{})) (c closing, err error) {
	h, err := i.open(ctx)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	c.chunks = &chunkStore{RunStore: h.Engine.Store, sizes: map[string][]int64{}}
	h.Engine.Store = c.chunks
	ask := exit.Ask{Subject: exit.Account(who.ID(leaver).String()), Journey: exit.Close, Now: true}
	plan, err := h.Engine.Preview(ctx, ask)
	if err != nil {
		return c, err
	}
	run, _, err := h.Engine.Agree(ctx, ask, plan.Hash(), "person")
	if err != nil {
		return c, err
	}
	var wg sync.WaitGroup
	gone := make(chan struct{})
	if during != nil {
		wg.Go(func() { during(h, gone) })
	}
	began := time.Now()
	err = drainSteps(ctx, h)
	c.took = time.Since(began)
	close(gone)
	wg.Wait()
	if err != nil {
		return c, err
	}
	began = time.Now()
	for n := 1; n > 0 && err == nil; {
		n, err = h.Queue.Work(ctx, 10)
	}
	c.ledger = time.Since(began)
	if err != nil {
		return c, err
	}
	done, _, err := h.DB.Runs.Load(ctx, run.ID)
	if err == nil && done.State != exit.RunSealed {
		err = fmt.Errorf("the run is %s, not sealed", done.State)
	}
	if err == nil {
		c.left, err = fingerprint(ctx, h.DB)
	}
	return c, err
}

func drainSteps(ctx context.Context, h *server.House) error {
	for {
		n, err := h.Engine.Work(ctx, 1)
		if err != nil || n == 0 {
			return err
		}
	}
}

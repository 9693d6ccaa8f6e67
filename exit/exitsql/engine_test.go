package exitsql_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
)

const policy = `version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7d
  name_held: 1y
  classes:
    "*": {manner: erase, after: 28d}
    post.likes: {manner: erase, after: 14d}
hibernate: {longest: none}
export: {volume: 2GiB, keep: 7d}
`

// clocks are both clocks of an engine; they stand still until they are moved.
type clocks struct {
	mu           sync.Mutex
	now, machine time.Time
}

func (c *clocks) Now(context.Context) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, nil
}

func (c *clocks) Machine() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine
}

func (c *clocks) move(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.machine = to, c.machine.Add(time.Hour)
}

// sight veils and freezes subjects, by sets of reasons.
type sight struct{ store *exitsql.Store }

func (sight) Name() string { return "sight" }

func (sight) Classes() []exit.Class { return nil }

func (sight) Erase(context.Context, exit.Task) (exit.Progress, error) {
	return exit.Progress{}, errors.New("nothing is kept here")
}

func (sight) Verify(context.Context, exit.Task) (exit.Residue, error) { return exit.Residue{}, nil }

func (s sight) set(ctx context.Context, t exit.Task, what string, on bool) error {
	return s.store.Update(ctx, func(ctx context.Context) error {
		tx, _ := exitsql.Tx(ctx)
		statement := `delete from sight where subject = $1 and what = $2 and reason = $3`
		if on {
			statement = `insert into sight (subject, what, reason) values ($1, $2, $3) on conflict do nothing`
		}
		_, err := tx.ExecContext(ctx, statement, t.Subject.String(), what, t.Run)
		return err
	})
}

func (s sight) Veil(ctx context.Context, t exit.Task, on bool) error {
	return s.set(ctx, t, "veil", on)
}

func (s sight) Freeze(ctx context.Context, t exit.Task, on bool) error {
	return s.set(ctx, t, "freeze", on)
}

// faulty is a holder some of whose chunks fail.
type faulty struct {
	post
	fails func(t exit.Task) bool
}

func (f faulty) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	p, err := f.post.Erase(ctx, t)
	if err == nil && f.fails(t) {
		err = errors.New("the disk is full")
	}
	return p, err
}

// house is a small platform with an engine.
type house struct {
	database
	*exit.Engine
	store *exitsql.Store
	clock *clocks
}

func newHouse(t *testing.T, d database) *house {
	t.Helper()
	d.createPosts(t)
	if _, err := d.writer.ExecContext(t.Context(), `create table sight (subject text, what text, reason text, primary key (subject, what, reason))`); err != nil {
		t.Fatal(err)
	}
	p, err := exit.ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{database: d, store: d.store(t), clock: &clocks{
		now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), machine: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	}}
	h.Engine = h.engine(newPost(d.reader), p)
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) engine(posts exit.Holder, p *exit.Policy) *exit.Engine {
	return &exit.Engine{
		Store: h.store, Policy: p, Holders: []exit.Holder{posts, sight{h.store}}, Now: h.clock.Now, Machine: h.clock.Machine, Tries: 2,
	}
}

func (h *house) fill(t *testing.T, s exit.Subject, n int) {
	t.Helper()
	if err := h.fillPosts(t.Context(), s, n); err != nil {
		t.Fatal(err)
	}
}

func (h *house) agree(t *testing.T, ask exit.Ask) exit.Run {
	t.Helper()
	plan, err := h.Preview(t.Context(), ask)
	if err != nil {
		t.Fatalf("preview %s: %v", ask.Journey, err)
	}
	r, _, err := h.Agree(t.Context(), ask, plan.Hash(), "person")
	if err != nil {
		t.Fatalf("agree %s: %v", ask.Journey, err)
	}
	return r
}

// work works until nothing is due any more.
func (h *house) work(t *testing.T) {
	t.Helper()
	for range 100 {
		if _, err := h.Work(t.Context(), 10); err != nil {
			t.Fatalf("work: %v", err)
		}
		now, _ := h.clock.Now(t.Context())
		n, err := h.store.Busy(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		h.clock.move(now)
	}
	t.Fatal("work has no end")
}

// travel goes from date to date until nothing waits.
func (h *house) travel(t *testing.T) {
	t.Helper()
	for range 20 {
		at, ok, err := h.store.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return
		}
		if now, _ := h.clock.Now(t.Context()); at.After(now) {
			h.clock.move(at)
		}
		h.work(t)
	}
	t.Fatal("the journey has no end")
}

func (h *house) run(t *testing.T, id string) (exit.Run, map[string]exit.StepStatus) {
	t.Helper()
	r, steps, err := h.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]exit.StepStatus{}
	for _, s := range steps {
		out[s.Key] = s
	}
	return r, out
}

func (h *house) wantCounts(t *testing.T, s exit.Subject, likes, posts int64) {
	t.Helper()
	for class, want := range map[string]int64{"likes": likes, "posts": posts} {
		if n, err := h.countPosts(t.Context(), s, class); err != nil || n != want {
			t.Errorf("%s has %d %s (%v), want %d", s, n, class, err, want)
		}
	}
	if err := h.recount(t.Context()); err != nil {
		t.Error(err)
	}
}

func (h *house) wantSight(t *testing.T, s exit.Subject, want int) {
	t.Helper()
	var n int
	if err := h.reader.QueryRowContext(t.Context(), `select count(*) from sight where subject = $1`, s.String()).Scan(&n); err != nil || n != want {
		t.Errorf("%s has %d veils and freezes (%v), want %d", s, n, err, want)
	}
}

func wantStates(t *testing.T, got map[string]exit.StepStatus, want map[string]exit.StepState) {
	t.Helper()
	for key, state := range want {
		if got[key].State != state {
			t.Errorf("step %q is %q, want %s", key, got[key].State, state)
		}
	}
}

var (
	one   = exit.Account("1")
	other = exit.Account("2")
)

func TestEngine(t *testing.T) {
	stories := []struct {
		name string
		tell func(t *testing.T, h *house)
	}{
		{"sealed", sealed},
		{"changed plan", changedPlan},
		{"cancel", cancelled},
		{"return after a first chunk", returned},
		{"hasten", hastened},
		{"overlap", overlapping},
		{"part", parted},
		{"stuck", stuck},
		{"residue", residue},
		{"amendment", amended},
		{"race", race},
	}
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		for _, s := range stories {
			t.Run(s.name, func(t *testing.T) { s.tell(t, newHouse(t, create(t))) })
		}
	})
}

func sealed(t *testing.T, h *house) {
	h.fill(t, one, 40)
	h.fill(t, other, 20)
	r := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.wantSight(t, one, 2)
	h.work(t)
	h.wantCounts(t, one, 40, 60)
	var certified []exit.StepStatus
	h.Certify = func(_ context.Context, _ exit.Run, steps []exit.StepStatus) error {
		certified = steps
		return nil
	}
	h.travel(t)
	got, steps := h.run(t, r.ID)
	if got.State != exit.RunSealed || got.Subject != (exit.Subject{}) || len(certified) != len(steps) {
		t.Errorf("run is %+v, certified %d of %d steps", got, len(certified), len(steps))
	}
	wantStates(t, steps, map[string]exit.StepState{
		"begin": exit.StepVerified, "erase:post.likes": exit.StepVerified, "erase:post.posts": exit.StepVerified, "seal": exit.StepVerified,
	})
	if n := steps["erase:post.likes"].Items; n != 40 {
		t.Errorf("the receipt counts %d likes, want 40", n)
	}
	// 40 posts of 10 bytes, 20 pictures of 1,000.
	if p := steps["erase:post.posts"]; p.Items != 60 || p.Bytes != 20400 {
		t.Errorf("the receipt counts %d posts of %d bytes, want 60 of 20400", p.Items, p.Bytes)
	}
	// 14 and 28 days after 2 March, at the end of the day in Shanghai.
	for key, day := range map[string]int{"erase:post.likes": 16, "erase:post.posts": 30} {
		if want := time.Date(2026, 3, day, 16, 0, 0, 0, time.UTC); !steps[key].Ended.Equal(want) {
			t.Errorf("%s ended %v, want %v", key, steps[key].Ended, want)
		}
	}
	h.wantCounts(t, one, 0, 0)
	h.wantCounts(t, other, 20, 30)
}

func changedPlan(t *testing.T, h *house) {
	ask := exit.Ask{Subject: one, Journey: exit.Close}
	plan, err := h.Preview(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(h.clock.now.Add(24 * time.Hour))
	_, again, err := h.Agree(t.Context(), ask, plan.Hash(), "person")
	if exit.KindOf(err) != exit.Conflict || again == nil || again.Hash() == plan.Hash() {
		t.Errorf("agreeing yesterday's plan gave %v and plan %v", err, again)
	}
	h.wantSight(t, one, 0)
	if open, err := h.store.Open(t.Context(), one); err != nil || len(open) != 0 {
		t.Errorf("open runs are %v, %v", open, err)
	}
}

func cancelled(t *testing.T, h *house) {
	h.fill(t, one, 10)
	r := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.clock.move(h.clock.now.Add(5 * 24 * time.Hour))
	h.work(t)
	h.agree(t, exit.Ask{Subject: one, Journey: exit.Cancel})
	h.wantSight(t, one, 0)
	h.clock.move(h.clock.now.Add(1000 * 24 * time.Hour))
	h.work(t)
	if got, _ := h.run(t, r.ID); got.State != exit.RunCancelled || got.Subject != one {
		t.Errorf("run is %+v", got)
	}
	h.wantCounts(t, one, 10, 15)
	h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
}

func returned(t *testing.T, h *house) {
	h.fill(t, one, 10)
	if _, err := h.writer.ExecContext(t.Context(), `insert into likes (id, account_id, post_id)
		with recursive n (i) as (select 1000 union all select i + 1 from n where i < 2499) select i, 1, 1 from n`); err != nil {
		t.Fatal(err)
	}
	if _, err := h.writer.ExecContext(t.Context(), `update posts set likes = likes + 1500 where id = 1`); err != nil {
		t.Fatal(err)
	}
	// The second chunk fails once.
	failed := false
	h.Engine = h.engine(faulty{newPost(h.reader), func(task exit.Task) bool {
		fails := task.Chunk == 1 && !failed
		failed = failed || fails
		return fails
	}}, h.Policy)
	r := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.clock.move(h.clock.now.Add(15 * 24 * time.Hour))
	for range 2 { // begin, then the likes
		if _, err := h.Work(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
	_, steps := h.run(t, r.ID)
	likes := steps["erase:post.likes"]
	if likes.State != exit.StepWaiting || likes.Chunks != 1 || likes.Items == 0 || likes.Items >= 1510 {
		t.Fatalf("after the first chunk the step is %+v", likes)
	}
	h.agree(t, exit.Ask{Subject: one, Journey: exit.Return})
	h.wantSight(t, one, 1) // frozen: what is written now would be erased with the rest
	h.travel(t)
	h.wantSight(t, one, 0)
	got, steps := h.run(t, r.ID)
	if got.State != exit.RunReturned || steps["erase:post.likes"].Items != 1510 {
		t.Errorf("run is %s, its likes %+v", got.State, steps["erase:post.likes"])
	}
	wantStates(t, steps, map[string]exit.StepState{"erase:post.likes": exit.StepVerified, "erase:post.posts": exit.StepCancelled, "seal": exit.StepCancelled})
	h.wantCounts(t, one, 0, 15)
}

func hastened(t *testing.T, h *house) {
	h.fill(t, one, 10)
	r := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.clock.move(h.clock.now.Add(24 * time.Hour))
	h.agree(t, exit.Ask{Subject: one, Journey: exit.Hasten})
	h.work(t)
	if got, _ := h.run(t, r.ID); got.State != exit.RunSealed || !got.Ended.Equal(h.clock.now) {
		t.Errorf("a hastened run is %s, ended %v, now it is %v", got.State, got.Ended, h.clock.now)
	}
	h.wantCounts(t, one, 0, 0)
}

func overlapping(t *testing.T, h *house) {
	h.fill(t, one, 10)
	h.fill(t, one.Within("circle"), 10)
	whole := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	if _, err := h.Preview(t.Context(), exit.Ask{Subject: one.Within("circle"), Journey: exit.Close}); exit.KindOf(err) != exit.Conflict {
		t.Errorf("closing a part of what is closing gave %v", err)
	}
	h.agree(t, exit.Ask{Subject: one, Journey: exit.Cancel})
	part := h.agree(t, exit.Ask{Subject: one.Within("circle"), Journey: exit.Close})
	whole = h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.clock.move(h.clock.now.Add(8 * 24 * time.Hour))
	h.work(t)
	h.agree(t, exit.Ask{Subject: one, Journey: exit.Hasten})
	h.travel(t)
	w, _ := h.run(t, whole.ID)
	p, steps := h.run(t, part.ID)
	if w.State != exit.RunSealed || p.State != exit.RunSealed || p.Subject != (exit.Subject{}) {
		t.Errorf("the runs are %s and %s; the part's subject is %q", w.State, p.State, p.Subject)
	}
	if s := steps["erase:post.posts"]; s.State != exit.StepSatisfied || s.Satisfier != whole.ID+" erase:post.posts" {
		t.Errorf("the part's step is %+v, want it satisfied by the whole's", s)
	}
	h.wantCounts(t, one, 0, 0)
}

// parted: the closing of a part has an end, after which one may begin there anew; and one that is
// still in cooling-off when the whole goes does not name it any longer than the whole does.
func parted(t *testing.T, h *house) {
	part := one.Within("circle")
	h.fill(t, part, 10)
	first := h.agree(t, exit.Ask{Subject: part, Journey: exit.Close})
	h.wantSight(t, part, 2)
	h.travel(t)
	if got, _ := h.run(t, first.ID); got.State != exit.RunSealed {
		t.Errorf("the part's run is %s", got.State)
	}
	h.wantSight(t, part, 0)
	second := h.agree(t, exit.Ask{Subject: part, Journey: exit.Close})
	whole := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close, Now: true})
	h.work(t)
	for _, r := range []exit.Run{second, whole} {
		if got, _ := h.run(t, r.ID); got.State != exit.RunSealed || got.Subject != (exit.Subject{}) {
			t.Errorf("run of %q is %s and names %q", r.Subject, got.State, got.Subject)
		}
	}
}

func stuck(t *testing.T, h *house) {
	h.fill(t, one, 10)
	broken := true
	h.Engine = h.engine(faulty{newPost(h.reader), func(task exit.Task) bool { return broken && task.Class == "posts" }}, h.Policy)
	r := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.travel(t)
	got, steps := h.run(t, r.ID)
	if s := steps["erase:post.posts"]; s.State != exit.StepStuck || s.Problem != "error.step_failed" || s.Items != 0 {
		t.Errorf("the step that fails is %+v", s)
	}
	wantStates(t, steps, map[string]exit.StepState{"erase:post.likes": exit.StepVerified, "seal": exit.StepWaiting})
	h.wantCounts(t, one, 0, 15)
	broken = false
	if err := h.store.Alter(t.Context(), r.ID, got.Version, exit.Alteration{Now: h.clock.now, DueNow: []string{"erase:post.posts"}}); err != nil {
		t.Fatal(err)
	}
	h.travel(t)
	if got, _ := h.run(t, r.ID); got.State != exit.RunSealed {
		t.Errorf("run is %s", got.State)
	}
	h.wantCounts(t, one, 0, 0)
}

func residue(t *testing.T, h *house) {
	h.fill(t, one, 30)
	if err := exittest.SkipEveryTenth(t.Context(), h.writer, h.dialect, "posts", "id"); err != nil {
		t.Fatal(err)
	}
	r := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.travel(t)
	got, steps := h.run(t, r.ID)
	if s := steps["erase:post.posts"]; s.State != exit.StepStuck || s.Problem != "error.residue" {
		t.Errorf("a step that leaves rows is %+v", s)
	}
	if got.State != exit.RunRunning {
		t.Errorf("a run with rows left is %s", got.State)
	}
}

// amended: a class that came after the consent and has data of the subject is erased before the seal.
func amended(t *testing.T, h *house) {
	h.fill(t, one, 10)
	full := h.Holders
	h.Holders = []exit.Holder{withoutLikes{newPost(h.reader)}, sight{h.store}}
	r := h.agree(t, exit.Ask{Subject: one, Journey: exit.Close})
	h.Holders = full
	h.travel(t)
	got, steps := h.run(t, r.ID)
	s := steps["erase:post.likes"]
	if got.State != exit.RunSealed || !s.Amended || s.State != exit.StepVerified || s.Items != 10 {
		t.Errorf("run is %s, the class it did not know %+v", got.State, s)
	}
	h.wantCounts(t, one, 0, 0)
}

type withoutLikes struct{ post }

func (w withoutLikes) Classes() []exit.Class {
	c := w.post.Classes()[1]
	c.After = nil
	return []exit.Class{c}
}

// race: two engines on one database, many closings due at once; each step is done once in effect.
func race(t *testing.T, h *house) {
	const n = 12
	var ids []string
	for i := range n {
		who := exit.Account(string(rune('1'+i/10)) + string(rune('0'+i%10)))
		h.fill(t, who, 4)
		ids = append(ids, h.agree(t, exit.Ask{Subject: who, Journey: exit.Close}).ID)
	}
	h.clock.move(h.clock.now.Add(100 * 24 * time.Hour))
	engines := []*exit.Engine{h.Engine, h.engine(newPost(h.reader), h.Policy)}
	for range 20 {
		var wg sync.WaitGroup
		for _, e := range engines {
			wg.Go(func() {
				if _, err := e.Work(t.Context(), 5); err != nil {
					t.Errorf("work: %v", err)
				}
			})
		}
		wg.Wait()
		h.clock.move(h.clock.now)
	}
	for _, id := range ids {
		r, steps := h.run(t, id)
		if r.State != exit.RunSealed || steps["erase:post.likes"].Items != 4 || steps["erase:post.posts"].Items != 6 {
			t.Errorf("run is %s, its receipts %d and %d, want 4 and 6", r.State, steps["erase:post.likes"].Items, steps["erase:post.posts"].Items)
		}
	}
	if err := h.recount(t.Context()); err != nil {
		t.Error(err)
	}
}

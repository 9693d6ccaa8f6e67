package exittest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"exeunt/exit"
)

// Fixture is a holder with what its suite needs: a place of its own to keep data in, and hands that
// fill and count it without the holder's code.
type Fixture struct {
	Holder exit.Holder
	// Update runs fn in a transaction that the holder finds in fn's context. Nil: the holder needs none.
	Update func(ctx context.Context, fn func(ctx context.Context) error) error
	// One and Other are two whole subjects. The zero ones are the accounts "1" and "2".
	One, Other exit.Subject
	// Parts are parts of One for which Fill and Count work too: services ("circle") and places ("circle:9").
	// Each class is tried with the parts of its own services.
	Parts []string
	// Fill gives the subject n items more of every class that it can have. What is filled for a
	// whole subject lies in no part; what is filled for a service, in none of its Parts that are places.
	Fill func(ctx context.Context, s exit.Subject, n int) error
	// Count counts the items of a class that refer to the subject; what is held refers to nobody.
	Count func(ctx context.Context, s exit.Subject, class string) (int64, error)
	// Sabotage makes the erasure of a class skip every tenth item from now on, without changing the holder: see [SkipEveryTenth].
	Sabotage func(ctx context.Context, class string) error
	// Check recounts what others' items say of those that go: counters, tombstones. Nil: nothing to recount.
	Check func(ctx context.Context) error
}

// items of One in each class: several chunks of 7, and no whole number of them.
const items = 43

// Holder shows of each class and manner of a holder that erasing one subject leaves none of it and
// all of another, whatever the size of the chunks; that a repeat changes nothing; that a crash
// between chunks loses and counts nothing twice; that a part goes alone; that what is held goes when
// its hold is over, and no other's; and that Verify finds what an erasure that skips every tenth item
// left. Open gives a fresh fixture for each.
func Holder(t *testing.T, open func(t *testing.T) Fixture) {
	f := open(t)
	for _, c := range f.Holder.Classes() {
		if c.Subject != "" && c.Subject != f.subjects().One.Kind {
			continue
		}
		for _, m := range manners(c) {
			t.Run(c.Name+"/"+string(m), func(t *testing.T) {
				eachManner(t, c, m, func(t *testing.T) *bench { return newBench(t, open(t), c, m) })
			})
		}
	}
}

func manners(c exit.Class) []exit.Manner {
	out := []exit.Manner{exit.Erase}
	for _, m := range c.Manners {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

func eachManner(t *testing.T, c exit.Class, m exit.Manner, open func(t *testing.T) *bench) {
	for _, limit := range []int{1, 7, 1000} {
		t.Run(fmt.Sprintf("limit %d", limit), func(t *testing.T) { open(t).drained(t, limit) })
	}
	t.Run("repeat", func(t *testing.T) { open(t).repeated(t) })
	t.Run("crash", func(t *testing.T) { open(t).crashed(t) })
	t.Run("nothing there", func(t *testing.T) { open(t).nothing(t) })
	if m == exit.Hold {
		t.Run("its end", func(t *testing.T) { open(t).ended(t) })
	}
	for _, part := range open(t).Parts {
		if slices.Contains(c.Services, exit.Account("").Within(part).Service()) {
			t.Run("part "+part, func(t *testing.T) { open(t).narrowed(t, part) })
		}
	}
	t.Run("sabotage", func(t *testing.T) { open(t).sabotaged(t) })
}

// bench is one fixture, filled, for one class and manner.
type bench struct {
	Fixture
	class  exit.Class
	manner exit.Manner
}

func (f Fixture) subjects() Fixture {
	if f.One == (exit.Subject{}) {
		f.One = exit.Account("1")
	}
	if f.Other == (exit.Subject{}) {
		f.Other = exit.Account("2")
	}
	return f
}

func newBench(t *testing.T, f Fixture, c exit.Class, m exit.Manner) *bench {
	t.Helper()
	b := &bench{f.subjects(), c, m}
	if b.Update == nil {
		b.Update = func(ctx context.Context, fn func(ctx context.Context) error) error { return fn(ctx) }
	}
	// Items of the two lie side by side.
	b.fill(t, b.One, 20)
	b.fill(t, b.Other, 30)
	b.fill(t, b.One, items-20)
	return b
}

func (b *bench) fill(t *testing.T, s exit.Subject, n int) {
	t.Helper()
	if err := b.Fill(t.Context(), s, n); err != nil {
		t.Fatalf("fill %s: %v", s, err)
	}
}

func (b *bench) count(t *testing.T, s exit.Subject) int64 {
	t.Helper()
	n, err := b.Count(t.Context(), s, b.class.Name)
	if err != nil {
		t.Fatalf("count %s of %s: %v", b.class.Name, s, err)
	}
	return n
}

func (b *bench) wantCount(t *testing.T, s exit.Subject, want int64) {
	t.Helper()
	if got := b.count(t, s); got != want {
		t.Errorf("%s has %d %s, want %d", s, got, b.class.Name, want)
	}
}

func (b *bench) task(s exit.Subject, limit int) exit.Task {
	step := string(b.manner) + ":" + b.Holder.Name() + "." + b.class.Name
	return exit.Task{Run: "run1", Step: step, Subject: s, Class: b.class.Name, Manner: b.manner, Limit: limit, Until: exit.DateOf(day0, day0.Location()).AddDays(1000), Now: day0}
}

// chunk hands one chunk to the holder, in the manner's way, in a transaction of its own.
func (b *bench) chunk(ctx context.Context, task exit.Task) (p exit.Progress, err error) {
	err = b.Update(ctx, func(ctx context.Context) error {
		if b.manner == exit.Hold {
			keeper, ok := b.Holder.(exit.HoldKeeper)
			if !ok {
				return fmt.Errorf("class %s can be held and its holder is no exit.HoldKeeper", b.class.Name)
			}
			p, err = keeper.Hold(ctx, task)
			return err
		}
		p, err = b.Holder.Erase(ctx, task)
		return err
	})
	return p, err
}

// drain does chunks from a task on until the holder is done, and gives the sum.
func (b *bench) drain(t *testing.T, task exit.Task) (sum exit.Progress) {
	t.Helper()
	for range 4*items + 20 {
		p, err := b.chunk(t.Context(), task)
		if err != nil {
			t.Fatalf("%s chunk %d: %v", task.Step, task.Chunk, err)
		}
		if p.Items > int64(task.Limit) || p.Items < 0 || p.Bytes < 0 {
			t.Fatalf("chunk %d of at most %d items did %+v", task.Chunk, task.Limit, p)
		}
		sum.Items, sum.Bytes, sum.Uncounted = sum.Items+p.Items, sum.Bytes+p.Bytes, sum.Uncounted || p.Uncounted
		if p.Done {
			sum.Done = true
			return sum
		}
		task.Chunk, task.Cursor = task.Chunk+1, p.Cursor
	}
	t.Fatalf("%s is not done after %d chunks", task.Step, task.Chunk)
	return sum
}

func (b *bench) wantLeft(t *testing.T, s exit.Subject, want int64) {
	t.Helper()
	left, err := b.Holder.Verify(t.Context(), b.task(s, 0))
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if left.Left != want {
		t.Errorf("verify finds %d left of %s, want %d", left.Left, s, want)
	}
}

func (b *bench) check(t *testing.T) {
	t.Helper()
	if b.Check == nil {
		return
	}
	if err := b.Check(t.Context()); err != nil {
		t.Errorf("what others' items say is wrong: %v", err)
	}
}

// gone asserts that One has nothing left and Other has all.
func (b *bench) gone(t *testing.T, others int64) {
	t.Helper()
	b.wantLeft(t, b.One, 0)
	b.wantCount(t, b.One, 0)
	b.wantCount(t, b.Other, others)
	b.check(t)
}

func (b *bench) drained(t *testing.T, limit int) {
	had, others := b.count(t, b.One), b.count(t, b.Other)
	if had == 0 || others == 0 {
		t.Fatalf("the fixture filled %d and %d items", had, others)
	}
	b.wantLeft(t, b.One, had)
	sum := b.drain(t, b.task(b.One, limit))
	if sum.Items != had && !sum.Uncounted {
		t.Errorf("the chunks add up to %d items, and there were %d", sum.Items, had)
	}
	b.gone(t, others)
}

func (b *bench) repeated(t *testing.T) {
	others := b.count(t, b.Other)
	first := b.drain(t, b.task(b.One, 7))
	again := b.drain(t, b.task(b.One, 7))
	if !b.class.Outside && again.Items != 0 {
		t.Errorf("the same again did %d items, want none", again.Items)
	}
	if b.class.Outside && !again.Uncounted && again.Items != first.Items {
		t.Errorf("the same tasks again did %d items, want the same %d or Uncounted", again.Items, first.Items)
	}
	b.gone(t, others)
}

func (b *bench) crashed(t *testing.T) {
	had, others := b.count(t, b.One), b.count(t, b.Other)
	task := b.task(b.One, 7)
	first, err := b.chunk(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	task.Chunk, task.Cursor = 1, first.Cursor
	crash := errors.New("crash")
	err = b.Update(t.Context(), func(ctx context.Context) error {
		inner := *b
		inner.Update = func(ctx context.Context, fn func(ctx context.Context) error) error { return fn(ctx) }
		if _, err := inner.chunk(ctx, task); err != nil {
			return err
		}
		return crash
	})
	if !errors.Is(err, crash) {
		t.Fatalf("a chunk that crashed gave %v", err)
	}
	if left := b.count(t, b.One); !b.class.Outside && left != had-first.Items {
		t.Errorf("after a crash in the second chunk %d items are left, want %d: they do not go with the transaction", left, had-first.Items)
	}
	rest := b.drain(t, task)
	if sum := first.Items + rest.Items; sum != had && !first.Uncounted && !rest.Uncounted {
		t.Errorf("with a crash in between the chunks add up to %d items, and there were %d", sum, had)
	}
	b.gone(t, others)
}

func (b *bench) nothing(t *testing.T) {
	nobody := b.One
	nobody.ID = "9999999"
	if sum := b.drain(t, b.task(nobody, 7)); sum.Items != 0 || sum.Bytes != 0 {
		t.Errorf("erasing somebody unknown did %+v", sum)
	}
	b.wantLeft(t, nobody, 0)
	b.check(t)
}

func (b *bench) narrowed(t *testing.T, part string) {
	for _, p := range b.Parts {
		b.fill(t, b.One.Within(p), 12)
		b.fill(t, b.Other.Within(p), 12)
	}
	this := b.One.Within(part)
	whole, had, others := b.count(t, b.One), b.count(t, this), b.count(t, b.Other)
	if had == 0 || had == whole {
		t.Fatalf("the fixture filled %d of %d items into %s", had, whole, part)
	}
	before := map[string]int64{}
	for _, p := range b.Parts {
		before[p] = b.count(t, b.One.Within(p))
	}
	b.wantLeft(t, this, had)
	if sum := b.drain(t, b.task(this, 7)); sum.Items != had && !sum.Uncounted {
		t.Errorf("erasing a part did %d items, want %d", sum.Items, had)
	}
	b.wantLeft(t, this, 0)
	b.wantCount(t, this, 0)
	b.wantCount(t, b.One, whole-had)
	b.wantCount(t, b.Other, others)
	for _, p := range b.Parts {
		o := b.One.Within(p)
		switch {
		case this.Covers(o):
			b.wantCount(t, o, 0)
		case !o.Covers(this):
			b.wantCount(t, o, before[p])
		}
	}
	b.check(t)
}

func (b *bench) sabotaged(t *testing.T) {
	if b.Sabotage == nil {
		t.Fatal("the fixture has no Sabotage: nothing shows that Verify sees anything")
	}
	if err := b.Sabotage(t.Context(), b.class.Name); err != nil {
		t.Fatalf("sabotage %s: %v", b.class.Name, err)
	}
	had, others := b.count(t, b.One), b.count(t, b.Other)
	sum := b.drain(t, b.task(b.One, 7))
	left := b.count(t, b.One)
	if left == 0 {
		t.Fatal("the sabotage left nothing")
	}
	if sum.Items != had-left && !sum.Uncounted {
		t.Errorf("an erasure that skipped %d of %d items counts %d", left, had, sum.Items)
	}
	b.wantLeft(t, b.One, left)
	b.wantCount(t, b.Other, others)
}

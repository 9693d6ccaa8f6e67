package exit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Ender is a holder of a service that keeps some of it for nobody: what people left behind as "a member who left", what is drawn up of all. When everybody's
// part of a class has gone, its Erase and Verify are asked for the class once more, with what ends as the subject ([Subject.Ending]). Of a class that
// ends with a service as a whole ([Class].EndsWith) nobody's part is asked for: that one question is all there is.
type Ender interface {
	Ends(class string) bool
}

// asAWhole reports whether a class goes at once with what ends, and not account by account.
func (c Class) asAWhole(ends Subject) bool {
	return ends.Kind != SubjectInstall && slices.Contains(c.EndsWith, Account("").Within(ends.Part()).Service())
}

// Conductor carries a sunset's calendar out: it lets the phases begin to hold (t.Choice is the word), reminds, and takes all of it back
// again. It is a [Packer] too, which opens everybody's take-along as the step's work. All is done in the transaction that ends the step; a repeat changes nothing.
type Conductor interface {
	Phase(ctx context.Context, t Task) error
	Remind(ctx context.Context, t Task) error
	Reopen(ctx context.Context, t Task) error
}

// LatePacker is what a [Conductor] can be whose archives are asked for even when all were made: it tells after how long to ask again whether one is still under way,
// before anything is erased; 0: none is.
type LatePacker interface {
	PacksStill(ctx context.Context, t Task) (time.Duration, error)
}

// leastCost is what an account counts for in a chunk though it has little: looking costs too.
const leastCost = 5

// crowdMark parts the cursor of a crowd: the subject at hand, and the holder's own cursor in it, or anew where the holder begins anew by itself; no
// cursor at all there means that the subject is done.
const (
	crowdMark = "\x1f"
	anew      = "."
)

// ofAll reports whether a task is about what everybody has in something that ends.
func ofAll(t Task) bool { return t.Subject.Ending() }

// EraseAll does one chunk of a class for all of whom the holder keeps some of it, one after the other, and then for nobody: what a sunset's step does, and what does
// it again in a database that has forgotten it. A holder outside the database
// does one account's chunk at a time: nothing of the next may happen before what it did is put down.
func (e *Engine) EraseAll(ctx context.Context, h Holder, act Act, t Task) (Progress, error) {
	c, _ := e.class(h.Name(), t.Class)
	fact := ClassFact{Holder: h.Name(), Class: c}
	var sum Progress
	who, inner, _ := strings.Cut(t.Cursor, crowdMark)
	if who == rest || c.asAWhole(t.Subject) {
		return e.eraseRest(ctx, h, act, t, sum)
	}
	for budget := t.Limit; budget > 0; {
		if inner == "" || who == "" {
			next, ok, err := e.Whose(ctx, fact, t.Subject, who)
			if err != nil {
				return sum, fmt.Errorf("find whose %s: %w", fact.ID(), err)
			}
			if !ok {
				return e.eraseRest(ctx, h, act, t, sum)
			}
			who = next.String()
		}
		sub, err := e.oneOf(t, who, inner, budget)
		if err != nil {
			return sum, err
		}
		p, err := hand(ctx, h, act, sub)
		if err != nil {
			return sum, err
		}
		sum.Items, sum.Bytes, sum.Uncounted = sum.Items+p.Items, sum.Bytes+p.Bytes, sum.Uncounted || p.Uncounted
		budget -= int(max(p.Items, leastCost))
		inner = p.Cursor
		if p.Done {
			inner = ""
		} else if inner == "" {
			inner = anew
		}
		if c.Outside {
			break
		}
	}
	sum.Cursor = who + crowdMark + inner
	return sum, nil
}

// rest is the subject's place in a cursor when everybody's part has gone.
const rest = "rest"

func (e *Engine) eraseRest(ctx context.Context, h Holder, act Act, t Task, sum Progress) (Progress, error) {
	if x, ok := h.(Ender); !ok || !x.Ends(t.Class) || act == ActHold {
		sum.Done = true
		return sum, nil
	}
	_, inner, _ := strings.Cut(t.Cursor, crowdMark)
	if !strings.HasPrefix(t.Cursor, rest+crowdMark) {
		inner = ""
	}
	t.Cursor = inner
	p, err := hand(ctx, h, act, t)
	p.Items, p.Bytes, p.Uncounted = p.Items+sum.Items, p.Bytes+sum.Bytes, p.Uncounted || sum.Uncounted
	if !p.Done {
		p.Cursor = rest + crowdMark + p.Cursor
	}
	return p, err
}

// oneOf narrows a task about all to one of them.
func (e *Engine) oneOf(t Task, who, inner string, budget int) (Task, error) {
	s, err := ParseSubject(who)
	if err != nil {
		return t, err
	}
	t.Ends = t.Subject
	t.Subject, t.Cursor, t.Limit = s, inner, max(1, budget)
	switch inner {
	case "":
		t.Chunk = 0
	case anew:
		t.Cursor = ""
	}
	return t, nil
}

// VerifyAll looks at a class of everybody, and of nobody.
func (e *Engine) VerifyAll(ctx context.Context, h Holder, t Task) (Residue, error) {
	c, _ := e.class(h.Name(), t.Class)
	fact := ClassFact{Holder: h.Name(), Class: c}
	var sum Residue
	for who := ""; !c.asAWhole(t.Subject); {
		s, ok, err := e.Whose(ctx, fact, t.Subject, who)
		if err != nil {
			return sum, fmt.Errorf("find whose %s: %w", fact.ID(), err)
		}
		if !ok {
			break
		}
		who = s.String()
		one := t
		one.Subject, one.Ends, one.Cursor = s, t.Subject, ""
		left, err := h.Verify(ctx, one)
		if err != nil {
			return sum, err
		}
		sum.Left, sum.Excepted = sum.Left+left.Left, sum.Excepted+left.Excepted
	}
	if x, ok := h.(Ender); ok && x.Ends(t.Class) && t.Manner != Hold {
		left, err := h.Verify(ctx, t)
		if err != nil {
			return sum, err
		}
		sum.Left, sum.Excepted = sum.Left+left.Left, sum.Excepted+left.Excepted
	}
	return sum, nil
}

// look has a holder look again, at one subject or at all.
func (e *Engine) look(ctx context.Context, h Holder, t Task) (Residue, error) {
	if ofAll(t) {
		return e.VerifyAll(ctx, h, t)
	}
	return h.Verify(ctx, t)
}

// conduct carries a step of a sunset's calendar out, in the transaction that ends it.
func (e *Engine) conduct(ctx context.Context, l Lease) error {
	h, err := e.holder(l.Step.Holder)
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, func(ctx context.Context) error {
		now, err := e.Now(ctx)
		if err != nil {
			return fmt.Errorf("read the clock: %w", err)
		}
		t, err := e.task(l, l.Step, now, 0)
		if err != nil {
			return err
		}
		if err := perform(ctx, h, l.Step.Act, t); err != nil {
			return fmt.Errorf("%s: %w", l.Step.Key, err)
		}
		return e.settle(ctx, l, Settlement{State: StepVerified, Now: now})
	})
}

// conductors are a [Conductor]'s methods by act.
var conductors = map[Act]func(Conductor, context.Context, Task) error{
	ActPhase: Conductor.Phase, ActRemind: Conductor.Remind, ActReopen: Conductor.Reopen,
}

// supersede ends the run of a sunset whose calendar gives way to a later one: nothing of it is taken back, the new run goes on with it.
func (e *Engine) supersede(ctx context.Context, id string, now time.Time) error {
	old, steps, err := e.Store.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("read run %s: %w", id, err)
	}
	a := Alteration{State: RunCancelled, Now: now}
	for _, s := range steps {
		if !s.State.Ended() {
			a.Cancel = append(a.Cancel, s.Key)
		}
	}
	if err := e.Store.Alter(ctx, id, old.Version, a); err != nil {
		return fmt.Errorf("end run %s: %w", id, err)
	}
	return nil
}

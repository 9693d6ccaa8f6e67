package service

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"exeunt/exit/exitsql"
	"exeunt/internal/who"
)

// Ending is a published sunset as everybody meets it: what is allowed where, from when on. Past the end it stays, so that addresses answer for it.
type Ending struct {
	ID    who.ID
	Name  string // its notice is at [NoticePath]
	Scope string // "" is the install, "circle", "circle:7"
	Zone  *time.Location
	Dates []DatedWord // in their order
}

// DatedWord is a phase of an ending: from the instant on what it allows is all that is.
type DatedWord struct {
	Word   string // [exit.ReadOnly] …
	At     time.Time
	Allows []string
}

// NoticePath gives the address of an ending's notice.
func NoticePath(name string) string { return "/sunsets/" + name }

// Allows reports whether something ([exit.AllowWrite] …) is still allowed at an instant.
func (e Ending) Allows(what string, at time.Time) bool {
	return !slices.ContainsFunc(e.Dates, func(d DatedWord) bool { return !d.At.After(at) && !slices.Contains(d.Allows, what) })
}

// Ceases gives the instant from which something is no longer allowed.
func (e Ending) Ceases(what string) time.Time {
	for _, d := range e.Dates {
		if !slices.Contains(d.Allows, what) {
			return d.At
		}
	}
	return time.Time{}
}

// Word gives the phase at an instant, and the next one; no word where there is none.
func (e Ending) Word(at time.Time) (now, next DatedWord) {
	for _, d := range e.Dates {
		if d.At.After(at) {
			return now, d
		}
		now = d
	}
	return now, DatedWord{}
}

// Covers reports whether what stands in a service and place ends with it.
func (e Ending) Covers(service string, place who.ID) bool {
	return slices.Contains(scopes(service, place), e.Scope)
}

// scopes gives the scopes in which something stands: the install, its service, its place.
func scopes(name string, place who.ID) []string {
	out := []string{""}
	if name != "" {
		out = append(out, name)
	}
	if place != 0 {
		out = append(out, scope(name, place))
	}
	return out
}

// endings keeps what was read last: every page asks. Its lock is never held while the database is asked: who waits for it may hold the connection that
// the reading needs.
type endings struct {
	mu   sync.Mutex
	at   time.Time // machine time; before it was read
	list []Ending
	mark string // of the list
	turn int    // counts the changes of this node
}

// fresh is how long what was read is good for: every node shows a phase within a second of its publishing.
const fresh = 500 * time.Millisecond

// Endings gives all published sunsets that were not withdrawn, as of half a second ago at most. What they allow depends on the promise clock, which is the
// caller's: an instant that is reached needs nothing to be read again.
func (k *Desk) Endings(ctx context.Context) ([]Ending, error) {
	list, _, err := k.published(ctx)
	return list, err
}

// EndingsMark gives a text that is another one when [Desk.Endings] gives something else.
func (k *Desk) EndingsMark(ctx context.Context) (string, error) {
	_, mark, err := k.published(ctx)
	return mark, err
}

func (k *Desk) published(ctx context.Context) (list []Ending, mark string, err error) {
	e, now := &k.endings, k.db.Clock.Now()
	e.mu.Lock()
	list, mark, turn := e.list, e.mark, e.turn
	good := !e.at.IsZero() && now.Sub(e.at) < fresh && !now.Before(e.at)
	e.mu.Unlock()
	if good {
		return list, mark, nil
	}
	if list, err = k.readEndings(ctx); err != nil {
		return nil, "", err
	}
	mark = ""
	for _, x := range list {
		mark += fmt.Sprint(x.ID, x.Scope, x.Zone, x.Dates)
	}
	if _, ok := exitsql.Tx(ctx); ok {
		return list, mark, nil // what a transaction sees may be taken back
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.turn == turn && !now.Before(e.at) {
		e.list, e.mark, e.at = list, mark, now
	}
	return list, mark, nil
}

// Forget has the next look read the endings anew: on the node that has changed them.
func (k *Desk) Forget() {
	k.endings.mu.Lock()
	defer k.endings.mu.Unlock()
	k.endings.at = time.Time{}
	k.endings.turn++
}

// Still reports whether a service, or a place in it, still allows something at an instant.
func (k *Desk) Still(ctx context.Context, what, name string, place who.ID, at time.Time) (bool, error) {
	list, err := k.Endings(ctx)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(list, func(e Ending) bool { return e.Covers(name, place) && !e.Allows(what, at) }), nil
}

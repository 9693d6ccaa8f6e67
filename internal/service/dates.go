package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
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

// allowed refuses, with Forbidden, what a sunset does not allow at the instant of the write's own timestamp. No cache is asked: what is published counts.
func (k *Desk) allowed(ctx context.Context, w Write, at time.Time) error {
	need := exit.AllowWrite
	switch {
	case w.Join:
		need = exit.AllowJoin
	case w.Removal || w.Keeps:
		need = exit.AllowExport
	}
	rows, err := k.db.Q(ctx).QueryContext(ctx, `select d.at, d.allows, s.zone from service_dates d join sunsets s on s.id = d.sunset_id
		where (d.scope = '' or d.scope = $1 or d.scope = $2) and d.at <= $3 order by d.at`, w.Service, scope(w.Service, w.Place), db.Ms(at))
	if err != nil {
		return fmt.Errorf("read what is allowed: %w", err)
	}
	refused, err := db.Scan(rows, func(r db.Row) (error, error) {
		var since int64
		var allows, zone string
		if err := r.Scan(&since, &allows, &zone); err != nil || slices.Contains(strings.Fields(allows), need) {
			return nil, err
		}
		return exit.Fail(exit.Forbidden, refusals[need], "date", exit.DateOf(db.Time(since), zoneOf(zone))), nil
	})
	if err != nil {
		return fmt.Errorf("read what is allowed: %w", err)
	}
	for _, r := range refused {
		if r != nil {
			return r
		}
	}
	return nil
}

// refusals say what is not allowed any more, and since when.
var refusals = map[string]string{
	exit.AllowWrite: "error.sunset_write", exit.AllowJoin: "error.sunset_join", exit.AllowExport: "error.sunset_stopped",
}

func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

// endings keeps what was read last: every page asks.
type endings struct {
	mu   sync.Mutex
	at   time.Time // machine time
	list []Ending
}

// fresh is how long what was read is good for: every node shows a phase within a second of its publishing.
const fresh = 500 * time.Millisecond

// Endings gives all published sunsets that were not withdrawn, as of half a second ago at most. What they allow depends on the promise clock, which is the
// caller's: an instant that is reached needs nothing to be read again.
func (k *Desk) Endings(ctx context.Context) ([]Ending, error) {
	k.endings.mu.Lock()
	defer k.endings.mu.Unlock()
	now := k.db.Clock.Now()
	if !k.endings.at.IsZero() && now.Sub(k.endings.at) < fresh && !now.Before(k.endings.at) {
		return k.endings.list, nil
	}
	list, err := k.readEndings(ctx)
	if err != nil {
		return nil, err
	}
	k.endings.list, k.endings.at = list, now
	return list, nil
}

// Forget has the next look read the endings anew: on the node that has changed them.
func (k *Desk) Forget() {
	k.endings.mu.Lock()
	defer k.endings.mu.Unlock()
	k.endings.at = time.Time{}
}

func (k *Desk) readEndings(ctx context.Context) ([]Ending, error) {
	rows, err := k.db.Q(ctx).QueryContext(ctx, `select s.id, s.name, s.scope, s.zone, d.word, d.at, d.allows from sunsets s join service_dates d on d.sunset_id = s.id
		where s.state <> 'withdrawn' order by s.id, d.at, length(d.allows) desc, case d.word when 'erased' then 1 else 0 end`)
	if err != nil {
		return nil, fmt.Errorf("read sunsets: %w", err)
	}
	var out []Ending
	_, err = db.Scan(rows, func(r db.Row) (struct{}, error) {
		var e Ending
		var d DatedWord
		var at int64
		var zone, allows string
		if err := r.Scan((*int64)(&e.ID), &e.Name, &e.Scope, &zone, &d.Word, &at, &allows); err != nil {
			return struct{}{}, err
		}
		if len(out) == 0 || out[len(out)-1].ID != e.ID {
			e.Zone = zoneOf(zone)
			out = append(out, e)
		}
		d.At, d.Allows = db.Time(at), strings.Fields(allows)
		last := &out[len(out)-1]
		last.Dates = append(last.Dates, d)
		return struct{}{}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read sunsets: %w", err)
	}
	return out, nil
}

// Still reports whether a service, or a place in it, still allows something at an instant.
func (k *Desk) Still(ctx context.Context, what, name string, place who.ID, at time.Time) (bool, error) {
	list, err := k.Endings(ctx)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(list, func(e Ending) bool { return e.Covers(name, place) && !e.Allows(what, at) }), nil
}

// AloneIn waits for every write under way in a service ("" is the install), and keeps new ones waiting until the transaction ends.
func (k *Desk) AloneIn(ctx context.Context, name string) error {
	if k.db.SQLite() {
		return nil
	}
	if _, err := k.db.Exec(ctx, `select pg_advisory_xact_lock($1)`, serviceLock(name)); err != nil {
		return fmt.Errorf("lock service: %w", err)
	}
	return nil
}

package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
)

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

// readEndings reads what is published and was not withdrawn.
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

package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"exeunt/exit"
	"exeunt/internal/who"
)

var errNoPass = errors.New("a write without a pass of the fence")

// ErrNoPass is the error of a store method that was handed no valid pass.
func ErrNoPass() error { return errNoPass }

// Name is the holder's name.
func (k *Desk) Name() string { return "service" }

// Classes declares what the service room keeps.
func (k *Desk) Classes() []exit.Class {
	all := []string{"channel", "circle", "page"}
	return []exit.Class{
		{Name: "entrances", EndsWith: all, Subject: exit.SubjectAccount, Places: []exit.Place{{Table: "entrances", Column: "account_id"}}, Rank: 1, Exported: true, Imported: true},
		{Name: "standing", EndsWith: all, Subject: exit.SubjectAccount, Rank: 2, Places: []exit.Place{
			{Table: "reasons", Column: "account_id"},
			{Table: "standings", Column: "account_id"},
		}},
	}
}

// tables gives the tables of a class, in the order in which they are emptied.
func tables(class string) []string {
	if class == "entrances" {
		return []string{"entrances"}
	}
	return []string{"reasons", "standings"}
}

// Erase empties a class; both are a handful of rows.
func (k *Desk) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Subject.Ending() {
		return k.eraseIn(ctx, t)
	}
	p := exit.Progress{Done: true}
	id, _ := who.ParseID(t.Subject.ID)
	// Whoever writes what freezing does not forbid, a session say, still looks for the state row.
	if err := k.alone(ctx, id); err != nil {
		return p, err
	}
	for _, table := range tables(t.Class) {
		n, err := k.db.Exec(ctx, `delete from `+table+` where account_id = $1`, int64(id))
		if err != nil {
			return p, fmt.Errorf("erase %s: %w", table, err)
		}
		p.Items += n
	}
	return p, nil
}

// Verify counts what is left.
func (k *Desk) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	if t.Subject.Ending() {
		return k.verifyIn(ctx, t)
	}
	var r exit.Residue
	id, _ := who.ParseID(t.Subject.ID)
	for _, table := range tables(t.Class) {
		var n int64
		if err := k.db.Q(ctx).QueryRowContext(ctx, `select count(*) from `+table+` where account_id = $1`, int64(id)).Scan(&n); err != nil {
			return r, fmt.Errorf("look at %s: %w", table, err)
		}
		r.Left += n
	}
	return r, nil
}

// Hide takes a service's entrance out of the account's own sight, or puts it back.
func (k *Desk) Hide(ctx context.Context, t exit.Task, hidden bool) error {
	id, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	return k.show(ctx, id, t.Choice, !hidden)
}

// Veil adds the run to the reasons for which others do not see the account, or takes it out.
func (k *Desk) Veil(ctx context.Context, t exit.Task, veiled bool) error {
	return k.setReason(ctx, t, "veil", veiled)
}

// Freeze adds the run to the reasons for which nobody writes for or onto the account.
func (k *Desk) Freeze(ctx context.Context, t exit.Task, frozen bool) error {
	return k.setReason(ctx, t, "freeze", frozen)
}

// EntranceRecord is an entrance as it is taken along.
type EntranceRecord struct {
	Service  string `json:"service"`
	Shown    bool   `json:"shown"`
	Position int    `json:"position"`
}

// Export writes the account's entrances.
func (k *Desk) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Done: true}
	if t.Class != "entrances" {
		return p, nil
	}
	id, _ := who.ParseID(t.Subject.ID)
	list, err := k.Entrances(ctx, id)
	if err != nil {
		return p, err
	}
	for _, e := range list {
		if err := to.Record(EntranceRecord{e.Service.Name, e.Shown, e.Position}); err != nil {
			return p, err
		}
		p.Items++
	}
	return p, nil
}

// Import takes entrances back in, in their order. A service that is not here is skipped; what the
// account has arranged meanwhile gives way.
func (k *Desk) Import(_ context.Context, t exit.Task, records []any, _ exit.Files) (exit.Intake, error) {
	id, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return nil, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out := make([]exit.Outcome, len(records))
		pass, err := k.Enter(ctx, Write{By: id})
		if err != nil {
			return nil, err
		}
		for i, raw := range records {
			var e EntranceRecord
			text, _ := raw.(json.RawMessage)
			if json.Unmarshal(text, &e) != nil || !k.registry.has(e.Service) {
				out[i] = exit.Outcome{Result: "skipped", Reason: "leave.skip.not_taken"}
				continue
			}
			if err := k.place(ctx, pass, id, e); err != nil {
				return nil, err
			}
			out[i] = exit.Outcome{Result: "taken"}
		}
		return out, nil
	}, nil
}

var (
	_ exit.Importer = (*Desk)(nil)
	_ exit.Holder   = (*Desk)(nil)
	_ exit.Hider    = (*Desk)(nil)
	_ exit.Veiler   = (*Desk)(nil)
	_ exit.Freezer  = (*Desk)(nil)
	_ exit.Exporter = (*Desk)(nil)
)

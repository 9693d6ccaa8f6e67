package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Holder keeps notices, what an account chose of them, and its address for them.
type Holder struct {
	exitsql.Ending
	room *Room
}

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name, owner, key string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: owner, Key: key, OwnerID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	of := func(name string) exitsql.Table {
		return exitsql.Table{Name: name, Key: "id", Service: "service", Place: "place_id", PlaceID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	return &Holder{room: r, Ending: exitsql.Ending{All: exitsql.Tables{"notices": {of("notices"), of("notice_spreads")}}, Tables: exitsql.Tables{
		"notices":  {table("notices", "account_id", "id"), table("notices", "by_id", "id"), table("notice_spreads", "by_id", "id"), table("notice_marks", "account_id", "account_id")},
		"switches": {table("notice_switches", "account_id", "id")},
		"address":  {table("notice_addresses", "account_id", "id")},
	}}}
}

// Name is the holder's name.
func (h *Holder) Name() string { return "notify" }

// Classes declares what the room keeps. Notices go after what can still cause one: an archive made, a last day. They are not
// taken along: each tells of a thing that is, in an archive of its own.
func (h *Holder) Classes() []exit.Class {
	return []exit.Class{
		{Name: "address", Rank: 1, Places: []exit.Place{{Table: "notice_addresses", Column: "account_id"}}},
		{Name: "notices", Rank: 1, EndsWith: []string{"channel", "circle", "page"}, Places: []exit.Place{
			{Table: "notices", Column: "account_id"}, {Table: "notices", Column: "by_id"}, {Table: "notice_spreads", Column: "by_id"}, {Table: "notice_marks", Column: "account_id"},
		}},
		{Name: "switches", Rank: 1, Exported: true, Imported: true, Places: []exit.Place{{Table: "notice_switches", Column: "account_id"}}},
	}
}

// Erase does one chunk. With the install what the operator told everybody goes too.
func (h *Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	p, err := h.Ending.Erase(ctx, t)
	if err != nil || !p.Done || t.Class != "notices" || t.Subject.Kind != exit.SubjectInstall {
		return p, err
	}
	n, err := h.room.DB.Exec(ctx, `delete from announcements`)
	if err != nil {
		return p, fmt.Errorf("erase announcements: %w", err)
	}
	p.Items += n
	return p, nil
}

// Verify looks again.
func (h *Holder) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	left, err := h.Ending.Verify(ctx, t)
	if err != nil || t.Class != "notices" || t.Subject.Kind != exit.SubjectInstall {
		return left, err
	}
	var n int64
	if err := h.room.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from announcements`).Scan(&n); err != nil {
		return left, fmt.Errorf("count announcements: %w", err)
	}
	left.Left += n
	return left, nil
}

// SwitchRecord is a choice as it is taken along.
type SwitchRecord struct {
	Kind   string `json:"kind"`
	Centre bool   `json:"centre"`
	Mail   bool   `json:"mail"`
}

// Export writes the account's choices: a handful of rows.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Done: true}
	if t.Class != "switches" {
		return p, nil
	}
	id, _ := who.ParseID(t.Subject.ID)
	chosen, err := h.room.store.switches(ctx, id)
	if err != nil {
		return p, err
	}
	for _, k := range rules {
		s, ok := chosen[k.kind]
		if !ok {
			continue
		}
		if err := to.Record(SwitchRecord{string(k.kind), s.Centre, s.Mail}); err != nil {
			return p, fmt.Errorf("export switches: %w", err)
		}
		p.Items++
	}
	return p, nil
}

// Import takes choices back in. A kind that is not known here is skipped.
func (h *Holder) Import(_ context.Context, t exit.Task, records []any, _ exit.Files) (exit.Intake, error) {
	id, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return nil, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	out := make([]exit.Outcome, len(records))
	chosen := map[Kind]Switch{}
	for i, raw := range records {
		var s SwitchRecord
		text, _ := raw.(json.RawMessage)
		out[i] = exit.Outcome{Result: "skipped", Reason: "leave.skip.not_taken"}
		if json.Unmarshal(text, &s) != nil {
			continue
		}
		if k, ok := ruleOf(Kind(s.Kind)); ok {
			chosen[k.kind] = Switch{s.Centre || k.fixed, s.Mail}
			out[i] = exit.Outcome{Result: "taken"}
		}
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		pass, err := h.room.Desk.Enter(ctx, service.Write{By: id})
		if err != nil {
			return nil, err
		}
		return slices.Clone(out), h.room.store.setSwitches(ctx, pass, id, chosen)
	}, nil
}

// keep is how long a notice stays: long enough to come back to after a holiday.
const keep = 60 * 24 * time.Hour

// Sweep removes up to limit notices that are older than 60 days, and up to as many addresses that nobody proved within
// a day. It gives how many went of the more; the server calls it until fewer than limit did.
func (r *Room) Sweep(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		n, err = r.store.sweep(ctx, now.Add(-keep).UnixMilli(), r.DB.Clock.Now().UnixMilli(), limit)
		return err
	})
	return n, err
}

var (
	_ exit.Holder   = (*Holder)(nil)
	_ exit.Counter  = (*Holder)(nil)
	_ exit.Ender    = (*Holder)(nil)
	_ exit.Exporter = (*Holder)(nil)
	_ exit.Importer = (*Holder)(nil)
)

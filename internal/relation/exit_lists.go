package relation

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// exportList writes a page of one of the account's own lists, oldest first.
func (h *Holder) exportList(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	id, _ := who.ParseID(t.Subject.ID)
	after, cut, err := bounds(t)
	if err != nil {
		return p, err
	}
	from := int64(math.MinInt64)
	if !t.Since.IsZero() {
		from = db.Ms(t.Since)
	}
	list, err := h.room.store.lists(ctx, t.Class, id, after, cut, from, most)
	if err != nil {
		return p, err
	}
	names, err := h.names(ctx, id, list)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		if to.Full() {
			return p, nil
		}
		if err := to.Record(h.record(t.Class, x, names)); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		p.Items, p.Cursor = p.Items+1, strconv.FormatInt(x.row, 10)
	}
	p.Done = len(list) < most
	return p, nil
}

// names gives what circles and topics of a list are called, those that their owner may see.
func (h *Holder) names(ctx context.Context, owner who.ID, list []listed) (map[who.Ref]string, error) {
	var refs []who.Ref
	for _, x := range list {
		if x.kind != "" {
			refs = append(refs, who.Ref{Kind: x.kind, ID: who.ID(x.ref)})
		}
	}
	out := make(map[who.Ref]string, len(refs))
	if len(refs) == 0 {
		return out, nil
	}
	things, err := h.room.Registry.Things(ctx, who.Viewer{Account: owner, State: who.Active}, refs)
	for ref, t := range things {
		out[ref] = t.Title
	}
	return out, err
}

func (h *Holder) record(class string, x listed, names map[who.Ref]string) any {
	at := archive.At(db.Time(x.at))
	switch class {
	case "blocks":
		return archive.Block{Address: h.address(x.name), Since: at}
	case "mutes":
		return archive.Mute{Address: h.address(x.name), Since: at, Until: archive.At(x.until), Less: x.less}
	}
	ref := who.Ref{Kind: x.kind, ID: who.ID(x.ref)}
	return archive.Quiet{Kind: ref.Kind, ID: ref.ID.String(), Name: names[ref], Since: at, Until: archive.At(x.until), Less: x.less}
}

const reasonOver = "relation.skip.over" // a mute whose end has passed

// read gives the address of a record that names an account and what it says of them.
func read(rec any) (address string, m Mute, err error) {
	switch r := rec.(type) {
	case archive.Block:
		return r.Address, Mute{Since: r.Since.Time}, nil
	case archive.Mute:
		return r.Address, Mute{Since: r.Since.Time, Until: r.Until.Time, Less: r.Less}, nil
	}
	return "", Mute{}, fmt.Errorf("a record is a %T", rec)
}

// importList blocks or mutes again those accounts of the records that are on this install.
func (h *Holder) importList(t exit.Task, records []any) (exit.Intake, error) {
	own, _ := who.ParseID(t.Subject.ID)
	first := make([]exit.Outcome, len(records))
	keys, list := make([]string, len(records)), make([]Mute, len(records))
	for i, rec := range records {
		address, m, err := read(rec)
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", t.Class, err)
		}
		if m.Since.IsZero() || m.Since.After(t.Now) {
			m.Since = t.Now
		}
		name, host, _ := strings.Cut(strings.TrimPrefix(address, "@"), "@")
		switch list[i] = m; {
		case !m.Until.IsZero() && !m.Until.After(t.Now):
			first[i] = exit.Outcome{Result: "skipped", Reason: reasonOver}
		case host != "" && !strings.EqualFold(host, h.room.Host):
			first[i] = exit.Outcome{Result: "skipped", Reason: reasonElsewhere}
		default:
			keys[i] = h.room.NameKey(name)
		}
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out := append([]exit.Outcome(nil), first...)
		if err := h.take(ctx, t.Class, own, keys, list, out); err != nil {
			return nil, fmt.Errorf("import %s: %w", t.Class, err)
		}
		return out, nil
	}, nil
}

// take stores the blocks or mutes whose key is not "" and fills in their outcomes.
func (h *Holder) take(ctx context.Context, class string, own who.ID, keys []string, list []Mute, out []exit.Outcome) error {
	var asked []string
	for _, k := range keys {
		if k != "" {
			asked = append(asked, k)
		}
	}
	found, err := h.room.store.reachable(ctx, asked)
	if err != nil {
		return err
	}
	var ids []who.ID
	var mutes []Mute
	for i, k := range keys {
		id := found[k]
		switch {
		case k == "":
			continue
		case id == 0:
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonNobody}
		case id == own:
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonSelf}
		default:
			list[i].Ref = who.Ref{Kind: kindAccount, ID: id}
			ids, mutes = append(ids, id), append(mutes, list[i])
		}
	}
	pass, err := h.room.Desk.Enter(ctx, service.Write{By: own, Onto: ids})
	if err != nil {
		return err
	}
	fresh, err := h.store(ctx, pass, class, own, mutes)
	if err != nil {
		return err
	}
	for i, k := range keys {
		if k == "" || out[i].Result != "" {
			continue
		}
		out[i].Result = "duplicate"
		if fresh[found[k]] {
			out[i].Result = "taken"
			delete(fresh, found[k])
		}
	}
	return nil
}

// store stores those of the blocks or mutes that are new, and gives them; of two of one account the first.
func (h *Holder) store(ctx context.Context, pass service.Pass, class string, own who.ID, list []Mute) (map[who.ID]bool, error) {
	if class == "blocks" {
		whom := make([]since, len(list))
		for i, m := range list {
			whom[i] = since{m.Ref.ID, m.Since}
		}
		return h.room.store.block(ctx, pass, own, whom)
	}
	ids := make([]who.ID, len(list))
	for i, m := range list {
		ids[i] = m.Ref.ID
	}
	had, err := h.room.store.muted(ctx, own, ids)
	if err != nil {
		return nil, err
	}
	fresh, kept := map[who.ID]bool{}, list[:0:0]
	for _, m := range list {
		if !had[m.Ref.ID] && !fresh[m.Ref.ID] {
			fresh[m.Ref.ID] = true
			kept = append(kept, m)
		}
	}
	return fresh, h.room.store.mute(ctx, pass, own, kept)
}

// importQuiets mutes again those circles and topics of the records that are on this install and that the account may see.
func (h *Holder) importQuiets(t exit.Task, records []any) (exit.Intake, error) {
	own, _ := who.ParseID(t.Subject.ID)
	list := make([]Mute, len(records))
	for i, rec := range records {
		r, ok := rec.(archive.Quiet)
		if !ok {
			return nil, fmt.Errorf("import quiets: a record is a %T", rec)
		}
		id, _ := who.ParseID(r.ID)
		list[i] = Mute{Ref: who.Ref{Kind: r.Kind, ID: id}, Less: r.Less, Since: r.Since.Time, Until: r.Until.Time}
		if list[i].Since.IsZero() || list[i].Since.After(t.Now) {
			list[i].Since = t.Now
		}
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out, fresh, err := h.fresh(ctx, t, own, list)
		if err != nil {
			return nil, fmt.Errorf("import quiets: %w", err)
		}
		pass, err := h.room.Desk.Enter(ctx, service.Write{By: own})
		if err != nil {
			return nil, err
		}
		return out, h.room.store.quiet(ctx, pass, own, fresh)
	}, nil
}

// fresh says what becomes of each record, and gives those that are to be stored.
func (h *Holder) fresh(ctx context.Context, t exit.Task, own who.ID, list []Mute) ([]exit.Outcome, []Mute, error) {
	refs := make([]who.Ref, len(list))
	for i, m := range list {
		refs[i] = m.Ref
	}
	things, err := h.room.Registry.Things(ctx, who.Viewer{Account: own, State: who.Active}, refs)
	if err != nil {
		return nil, nil, err
	}
	had, err := h.room.store.quietedOf(ctx, own, refs)
	if err != nil {
		return nil, nil, err
	}
	out := make([]exit.Outcome, len(list))
	var fresh []Mute
	for i, m := range list {
		switch {
		case m.Ref.Kind != kindCircle && m.Ref.Kind != kindTopic || !things[m.Ref].See:
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonNothing}
		case !m.Until.IsZero() && !m.Until.After(t.Now):
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonOver}
		case had[m.Ref]:
			out[i] = exit.Outcome{Result: "duplicate"}
		default:
			out[i] = exit.Outcome{Result: "taken"}
			had[m.Ref] = true
			fresh = append(fresh, m)
		}
	}
	return out, fresh, nil
}

const reasonNothing = "relation.skip.nothing" // the circle or topic is not here

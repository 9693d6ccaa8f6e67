package relation

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Holder keeps follows, blocks and mutes, both ways, and the circles and topics that an account has muted.
type Holder struct {
	exitsql.Ending
	room *Room
}

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	side := func(table, owner string) exitsql.Table {
		return exitsql.Table{Name: table, Owner: owner, Key: "id", OwnerID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	quiets := exitsql.Table{Name: "quiets", Key: "id", Scope: quietsIn, DB: r.DB.Reader}
	return &Holder{room: r, Ending: exitsql.Ending{All: exitsql.Tables{"quiets": {quiets}}, Tables: exitsql.Tables{
		"follows": {side("follows", "follower_id"), side("follows", "followee_id")},
		"blocks":  {side("blocks", "account_id"), side("blocks", "blocked_id")},
		"mutes":   {side("mutes", "account_id"), side("mutes", "muted_id")},
		"quiets":  {side("quiets", "account_id")},
	}}}
}

// quietsIn narrows what was muted to a service or a place and its topics. A topic that is no more is nowhere, so those of it go with any.
func quietsIn(s exit.Subject, arg func(any) string) (string, error) {
	topics, place := `t.service = `+arg(s.Service()), ""
	if s.Place() != "" {
		id, err := exitsql.IntegerID(s.Place())
		if err != nil {
			return "", err
		}
		place = ` = ` + arg(id)
		topics, place = topics+` and t.place_id`+place, ` and ref_id`+place
	}
	where := `ref_kind = 'topic' and (exists (select 1 from topics t where t.id = quiets.ref_id and ` + topics + `) or not exists (select 1 from topics t where t.id = quiets.ref_id))`
	if s.Service() == "circle" {
		where += ` or ref_kind = 'circle'` + place
	}
	return where, nil
}

// Name is the holder's name.
func (h *Holder) Name() string { return "relation" }

// Classes declares what the room keeps.
func (h *Holder) Classes() []exit.Class {
	return []exit.Class{{
		Name: "follows", Exported: true, Parts: []string{archive.ClassFollowing, archive.ClassFollowers}, Imported: true,
		Places: []exit.Place{{Table: "follows", Column: "follower_id"}, {Table: "follows", Column: "followee_id"}},
	}, {
		Name: "blocks", Exported: true, Imported: true,
		Places: []exit.Place{{Table: "blocks", Column: "account_id"}, {Table: "blocks", Column: "blocked_id"}},
	}, {
		Name: "mutes", Exported: true, Imported: true,
		Places: []exit.Place{{Table: "mutes", Column: "account_id"}, {Table: "mutes", Column: "muted_id"}},
	}, {
		Name: "quiets", EndsWith: []string{"channel", "circle", "page"}, Exported: true, Imported: true, Places: []exit.Place{{Table: "quiets", Column: "account_id"}},
	}}
}

// most is how many records one call exports or imports at most.
const most = 500

// Export writes follows of one side, t.Part, or one of the account's own lists, oldest first.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	if t.Class != "follows" {
		return h.exportList(ctx, t, to)
	}
	p := exit.Progress{Cursor: t.Cursor}
	id, _ := who.ParseID(t.Subject.ID)
	after, cut, err := bounds(t)
	if err != nil {
		return p, err
	}
	side := Following
	if t.Part == archive.ClassFollowers {
		side = Followers
	}
	since := int64(math.MinInt64)
	if !t.Since.IsZero() {
		since = db.Ms(t.Since)
	}
	list, err := h.room.store.along(ctx, id, side, after, cut, since, most)
	if err != nil {
		return p, err
	}
	for _, f := range list {
		if to.Full() {
			return p, nil
		}
		if err := to.Record(archive.Follow{Address: h.address(f.name), Since: archive.At(db.Time(f.at)), Notify: f.bell && side == Following}); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Part, err)
		}
		p.Items, p.Cursor = p.Items+1, strconv.FormatInt(f.row, 10)
	}
	p.Done = len(list) < most
	return p, nil
}

// bounds reads an export's cursor and cut.
func bounds(t exit.Task) (after, cut int64, err error) {
	cut = math.MaxInt64
	if t.Cursor != "" {
		if after, err = strconv.ParseInt(t.Cursor, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("read cursor: %w", err)
		}
	}
	if t.Cut != "" {
		if cut, err = strconv.ParseInt(t.Cut, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("read cut: %w", err)
		}
	}
	return after, cut, nil
}

func (h *Holder) address(name string) string {
	if h.room.Host == "" {
		return name
	}
	return name + "@" + h.room.Host
}

// The reasons for which a follow is not taken.
const (
	reasonElsewhere = "relation.skip.elsewhere" // an account of another site
	reasonNobody    = "relation.skip.nobody"    // nobody here has the name, or it cannot be followed now
	reasonTheirs    = "relation.skip.theirs"    // followers decide for themselves
	reasonSelf      = "relation.skip.self"
)

// Import follows again those accounts of the records that are on this install. Followers are
// skipped: whether to follow is theirs to say. Blocks and mutes hold again.
func (h *Holder) Import(_ context.Context, t exit.Task, records []any, _ exit.Files) (exit.Intake, error) {
	switch t.Class {
	case "blocks", "mutes":
		return h.importList(t, records)
	case "quiets":
		return h.importQuiets(t, records)
	}
	out := make([]exit.Outcome, len(records))
	own, _ := who.ParseID(t.Subject.ID)
	keys := make([]string, len(records))
	for i, rec := range records {
		f, ok := rec.(archive.Follow)
		if !ok {
			return nil, fmt.Errorf("import follows: a record is a %T", rec)
		}
		name, host, _ := strings.Cut(strings.TrimPrefix(f.Address, "@"), "@")
		switch {
		case t.Part == archive.ClassFollowers:
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonTheirs}
		case host != "" && !strings.EqualFold(host, h.room.Host):
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonElsewhere}
		default:
			keys[i] = h.room.NameKey(name)
		}
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		taken := slices.Clone(out) // a transaction may be begun again
		if err := h.follow(ctx, own, t.Now, records, keys, taken); err != nil {
			return nil, fmt.Errorf("import follows: %w", err)
		}
		return taken, nil
	}, nil
}

// follow stores the follows of the keys that are not "" and fills in their outcomes.
func (h *Holder) follow(ctx context.Context, own who.ID, now time.Time, records []any, keys []string, out []exit.Outcome) error {
	var asked []string
	for _, k := range keys {
		if k != "" {
			asked = append(asked, k)
		}
	}
	found, err := h.room.store.open(ctx, own, asked)
	if err != nil {
		return err
	}
	var ids []who.ID
	var since []int64
	bells := map[who.ID]bool{}
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
			at := now
			f := records[i].(archive.Follow)
			if !f.Since.IsZero() && f.Since.Before(now) {
				at = f.Since.Time
			}
			ids, since = append(ids, id), append(since, db.Ms(at))
			bells[id] = bells[id] || f.Notify
		}
	}
	pass, err := h.room.Desk.Enter(ctx, service.Write{By: own, Onto: ids})
	if err != nil {
		return err
	}
	fresh, err := h.room.store.addAll(ctx, pass, own, ids, since, bells)
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

var (
	_ exit.Holder   = (*Holder)(nil)
	_ exit.Counter  = (*Holder)(nil)
	_ exit.Ender    = (*Holder)(nil)
	_ exit.Exporter = (*Holder)(nil)
	_ exit.Importer = (*Holder)(nil)
)

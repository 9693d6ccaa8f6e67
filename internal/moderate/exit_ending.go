package moderate

import (
	"context"
	"fmt"
	"strings"

	"exeunt/exit"
	"exeunt/exit/exitsql"
)

// services are those whose things are reported and decided about.
var services = []string{"channel", "circle", "page"}

// endingOf gives what goes with a service, a circle or the install: whatever was reported, decided or said of things there, those acts that name nobody too.
func (r *Room) endingOf() exitsql.Tables {
	table := func(name string, also ...string) exitsql.Table {
		t := exitsql.Table{Name: name, Key: "id", Service: "service", Place: "place_id", PlaceID: exitsql.IntegerID, DB: r.DB.Reader, Also: also}
		return t
	}
	told := func(kind string) string {
		return `delete from notices where ref_kind = '` + kind + `' and ref_id in (select r.id from {rows} r)`
	}
	cases := table("cases", dropReports, told("case"))
	acts := table("acts", `delete from appeals where act_id in (select r.id from {rows} r)`, told("act"))
	claims := table("claims")
	for _, t := range []*exitsql.Table{&cases, &acts, &claims} {
		t.Service, t.Place, t.Scope = "", "", thingsIn(t.Name)
	}
	return exitsql.Tables{"reports": {cases}, "acts": {acts}, "appeals": {table("appeals")}, "sanctions": {table("sanctions")}, "claims": {claims}}
}

// thingsIn narrows rows of a table to those about things of a service or a place: of a circle, its own people decide; of all else the operator, whose place is
// none, so that the things themselves are looked at. They go later.
func thingsIn(table string) func(s exit.Subject, arg func(any) string) (string, error) {
	return func(s exit.Subject, arg func(any) string) (string, error) {
		service, place := arg(s.Service()), ""
		if s.Place() != "" {
			id, err := exitsql.IntegerID(s.Place())
			if err != nil {
				return "", err
			}
			place = ` = ` + arg(id)
		}
		here := func(x string) string {
			if place == "" {
				return x + `service = ` + service
			}
			return x + `service = ` + service + ` and ` + x + `place_id` + place
		}
		var any []string
		if table != "claims" {
			any = append(any, here(""))
		}
		for kind, things := range map[string]string{"post": "posts", "comment": "comments", "topic": "topics"} {
			any = append(any, `ref_kind = '`+kind+`' and exists (select 1 from `+things+` x where x.id = `+table+`.ref_id and `+here("x.")+`)`)
		}
		switch s.Service() {
		case "channel":
			any = append(any, `ref_kind = 'video'`)
		case kindCircle:
			own := `ref_kind = '` + kindCircle + `'`
			if place != "" {
				own += ` and ref_id` + place
			}
			any = append(any, own)
		}
		return strings.Join(any, ` or `), nil
	}
}

// filters are the tables of what is not let through; they refer to nobody.
var filters = []string{"word_rules", "image_blocks", "place_limits"}

// Erase does one chunk. With the install its filters go too: each holds a few hundred rows at most.
func (h *Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	p, err := h.Ending.Erase(ctx, t)
	if err != nil || !p.Done || t.Class != "sanctions" || t.Subject.Kind != exit.SubjectInstall {
		return p, err
	}
	for _, table := range filters {
		n, err := h.room.DB.Exec(ctx, `delete from `+table)
		if err != nil {
			return p, fmt.Errorf("erase %s: %w", table, err)
		}
		p.Items += n
	}
	return p, nil
}

// Verify looks again.
func (h *Holder) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	left, err := h.Ending.Verify(ctx, t)
	if err != nil || t.Class != "sanctions" || t.Subject.Kind != exit.SubjectInstall {
		return left, err
	}
	for _, table := range filters {
		var n int64
		if err := h.room.DB.Q(ctx).QueryRowContext(ctx, `select count(*) from `+table).Scan(&n); err != nil {
			return left, fmt.Errorf("count %s: %w", table, err)
		}
		left.Left += n
	}
	return left, nil
}

var _ exit.Ender = (*Holder)(nil)

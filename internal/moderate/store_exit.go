package moderate

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// What goes before reports and cases do: a case without a report waits for nothing, and reports go with their case.
const (
	dropEmptyCases = `delete from cases where state = 'open' and id in (select r.case_id from {rows} r)
		and not exists (select 1 from reports o where o.case_id = cases.id and o.id not in (select r.id from {rows} r))`
	dropReports = `delete from reports where case_id in (select r.id from {rows} r)`
	// Why a submission was refused stands with the draft, too.
	dropRefusals = `update posts set refusal = '' where id in (select r.ref_id from {rows} r where r.kind = 'refuse' and r.ref_kind = 'post')
		and refusal in (select r.words from {rows} r where r.kind = 'refuse' and r.ref_id = posts.id)`
)

// along gives at most limit records of a class above the row id after, up to the row id cut, none from before since (Unix milliseconds).
func (s store) along(ctx context.Context, class string, account who.ID, after, cut, since int64, limit int) ([]entry, error) {
	const span = ` and id > $2 and id <= $3 and created_at >= $4 order by id limit $5`
	args := []any{int64(account), after, cut, since, limit}
	var out []entry
	switch class {
	case "reports":
		return s.reportsAlong(ctx, args)
	case "acts":
		list, err := s.listActs(ctx, `about_id = $1 and kind in (`+laid+`)`+span, args...)
		for _, a := range list {
			out = append(out, entry{a.ID, ActRecord{ID: a.ID.String(), What: a.Kind, On: a.Ref.String(), Where: a.Place.ref(), Rule: a.Rule, Words: a.Words, Until: stamp(a.Until), State: a.State, At: stamp(a.At)}})
		}
		return out, err
	case "appeals":
		list, err := s.listAppeals(ctx, `account_id = $1`+span, args...)
		for _, x := range list {
			out = append(out, entry{x.ID, AppealRecord{Act: x.Act.String(), Words: x.Words, State: x.State, Answer: x.Answer, At: stamp(x.At)}})
		}
		return out, err
	}
	if class == "claims" {
		list, err := s.listClaims(ctx, `(account_id = $1 or owner_id = $1)`+span, args...)
		for _, c := range list {
			out = append(out, entry{c.ID, claimRecord(c, account)})
		}
		return out, err
	}
	list, err := s.listSanctions(ctx, `account_id = $1`+span, args...)
	for _, x := range list {
		out = append(out, entry{x.ID, SanctionRecord{What: x.What, Where: x.Place.ref(), Rule: x.Rule, Until: stamp(x.Until), Since: stamp(x.Since)}})
	}
	return out, err
}

func (s store) reportsAlong(ctx context.Context, args []any) ([]entry, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select r.id, c.ref_kind, c.ref_id, r.reason, r.words, r.created_at from reports r join cases c on c.id = r.case_id
		where r.account_id = $1 and r.id > $2 and r.id <= $3 and r.created_at >= $4 order by r.id limit $5`, args...)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (entry, error) {
		var x ReportRecord
		var id, at int64
		var on who.Ref
		err := r.Scan(&id, &on.Kind, (*int64)(&on.ID), &x.Reason, &x.Words, &at)
		x.On, x.At = on.String(), stamp(db.Time(at))
		return entry{who.ID(id), x}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	return list, nil
}

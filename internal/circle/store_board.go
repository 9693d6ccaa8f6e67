package circle

import (
	"context"
	"fmt"
	"strings"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// boardTotals counts what stands in a circle.
func (s store) boardTotals(ctx context.Context, id who.ID, b *Board) error {
	err := s.db.Q(ctx).QueryRowContext(ctx, `select (select count(*) from posts p where p.service = 'circle' and p.place_id = $1 and p.state = 'live'),
		(select count(*) from comments c where c.service = 'circle' and c.place_id = $1 and c.state = 'live')`, int64(id)).Scan(&b.Posts, &b.Comments)
	if err != nil {
		return fmt.Errorf("count circle: %w", err)
	}
	return nil
}

// boardDays counts a circle's days: each row that began within one of them, on its day. The days are given by their
// beginnings, since they are not all of one length.
func (s store) boardDays(ctx context.Context, id who.ID, days []Day) error {
	args := []any{int64(id)}
	var spans strings.Builder
	for i, d := range days {
		if i > 0 {
			spans.WriteString(", ")
		}
		fmt.Fprintf(&spans, "(cast($%d as bigint), cast($%d as bigint), cast($%d as bigint))", len(args)+1, len(args)+2, len(args)+3)
		args = append(args, i, db.Ms(d.Begin), db.Ms(d.Begin.AddDate(0, 0, 1)))
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `with days (n, begin_at, end_at) as (values `+spans.String()+`)
		select d.n,
			(select count(*) from circle_members m where m.circle_id = $1 and m.state = 'active' and m.created_at >= d.begin_at and m.created_at < d.end_at),
			(select count(*) from posts p where p.service = 'circle' and p.place_id = $1 and p.state = 'live' and p.created_at >= d.begin_at and p.created_at < d.end_at),
			(select count(*) from comments c where c.service = 'circle' and c.place_id = $1 and c.state = 'live' and c.created_at >= d.begin_at and c.created_at < d.end_at),
			(select count(*) from (
				select p.author_id from posts p where p.service = 'circle' and p.place_id = $1 and p.state = 'live' and p.created_at >= d.begin_at and p.created_at < d.end_at and p.author_id is not null
				union select c.author_id from comments c where c.service = 'circle' and c.place_id = $1 and c.state = 'live' and c.created_at >= d.begin_at and c.created_at < d.end_at
				and c.author_id is not null) w)
		from days d order by d.n`, args...)
	if err != nil {
		return fmt.Errorf("count days of circle: %w", err)
	}
	if _, err = db.Scan(rows, func(r db.Row) (int, error) {
		var d Day
		var n int
		err := r.Scan(&n, &d.Joined, &d.Posts, &d.Comments, &d.Active)
		if err == nil && n >= 0 && n < len(days) {
			d.Begin = days[n].Begin
			days[n] = d
		}
		return n, err
	}); err != nil {
		return fmt.Errorf("count days of circle: %w", err)
	}
	return nil
}

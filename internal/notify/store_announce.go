package notify

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func (s store) announce(ctx context.Context, p service.Pass, a Announcement) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	var until any
	if !a.Until.IsZero() {
		until = db.Ms(a.Until)
	}
	if _, err := s.db.Exec(ctx, `insert into announcements (id, text, link, until, created_at) values ($1, $2, $3, $4, $5)`,
		int64(a.ID), a.Text, a.Link, until, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store announcement: %w", err)
	}
	return nil
}

func (s store) withdraw(ctx context.Context, p service.Pass, id who.ID) (int64, error) {
	if !p.Valid() {
		return 0, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `delete from announcements where id = $1`, int64(id))
	if err != nil {
		return 0, fmt.Errorf("withdraw announcement: %w", err)
	}
	return n, nil
}

func scanAnnouncement(r db.Row) (Announcement, error) {
	var a Announcement
	var until sql.NullInt64
	var at int64
	err := r.Scan((*int64)(&a.ID), &a.Text, &a.Link, &until, &at)
	if until.Valid {
		a.Until = db.Time(until.Int64)
	}
	a.At = db.Time(at)
	return a, err
}

// announcements gives announcements, newest first, from below the id before, and of those that are over by now (zero: whenever) none.
func (s store) announcements(ctx context.Context, before who.ID, now time.Time, limit int) ([]Announcement, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	after := int64(math.MinInt64)
	if !now.IsZero() {
		after = db.Ms(now)
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, text, link, until, created_at from announcements where id < $1 and (until is null or until > $2) order by id desc limit $3`,
		int64(before), after, limit)
	if err != nil {
		return nil, fmt.Errorf("list announcements: %w", err)
	}
	return db.Scan(rows, scanAnnouncement)
}

// announced gives the announcements that an account is shown between two ids, newest first, and how far it has read.
func (s store) announced(ctx context.Context, account, below, above who.ID, now time.Time, limit int) (list []Announcement, read who.ID, err error) {
	if below == 0 {
		below = math.MaxInt64
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.text, a.link, a.until, a.created_at from announcements a where `+current+` and a.id < $3 and a.id > $4
		and not exists (select 1 from notice_switches w where w.account_id = $1 and w.kind = 'announcement' and w.centre = 0) order by a.id desc limit $5`,
		int64(account), db.Ms(now), int64(below), int64(above), limit)
	if err != nil {
		return nil, 0, fmt.Errorf("list announcements: %w", err)
	}
	if list, err = db.Scan(rows, scanAnnouncement); err != nil {
		return nil, 0, fmt.Errorf("list announcements: %w", err)
	}
	err = s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(max(announced), 0) from notice_marks where account_id = $1`, int64(account)).Scan((*int64)(&read))
	if err != nil {
		return nil, 0, fmt.Errorf("read how far announcements were read: %w", err)
	}
	return list, read, nil
}

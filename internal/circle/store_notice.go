package circle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// notices gives a page of a circle's notices. Who wrote them is named as long as they can be seen, and to nobody with whom they share a
// block; viewer 0 meets all.
func (s store) notices(ctx context.Context, viewer, circle, before who.ID, limit int) ([]Notice, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select n.id, n.text, n.created_at, coalesce(a.id, 0), coalesce(a.name, ''), coalesce(f.display_name, ''), coalesce(f.avatar, '')
		from circle_notices n left join accounts a on a.id = n.author_id and a.state <> 'gone' and `+service.Visible("a.id", "'circle'", "n.circle_id")+` and `+service.Unblocked("$4", "a.id")+`
		left join profiles f on f.account_id = a.id
		where n.circle_id = $1 and n.id < $2 and n.down_at is null order by n.id desc limit $3`, int64(circle), int64(before), limit, int64(viewer))
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (n Notice, err error) {
		var at int64
		err = r.Scan((*int64)(&n.ID), &n.Text, &at, (*int64)(&n.By.ID), &n.By.Name, &n.By.Display, &n.By.Avatar)
		n.At = db.Time(at)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return list, nil
}

// noticeBy gives who wrote a notice that is up in a circle, 0 if its author has left; ok is false if there is none.
func (s store) noticeBy(ctx context.Context, circle, id who.ID) (author who.ID, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(author_id, 0) from circle_notices where circle_id = $1 and id = $2 and down_at is null`,
		int64(circle), int64(id)).Scan((*int64)(&author))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read notice: %w", err)
	}
	return author, true, nil
}

// boarded is a notice as the log names it.
type boarded struct {
	id, circle, author who.ID
	text               string
	veiled             bool // who wrote it is
}

// noticesByID gives those of the notices that exist, those that were taken down, too.
func (s store) noticesByID(ctx context.Context, ids []who.ID) ([]boarded, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select n.id, n.circle_id, coalesce(n.author_id, 0), n.text, case when n.author_id is null or `+
		service.Visible("n.author_id", "'circle'", "n.circle_id")+` then 0 else 1 end from circle_notices n where n.id in (`+in+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (b boarded, err error) {
		var veiled int64
		err = r.Scan((*int64)(&b.id), (*int64)(&b.circle), (*int64)(&b.author), &b.text, &veiled)
		b.veiled = veiled == 1
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	return list, nil
}

func (s store) countNotices(ctx context.Context, circle who.ID) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from circle_notices where circle_id = $1 and down_at is null`, int64(circle)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count notices: %w", err)
	}
	return n, nil
}

// addNotice stores a notice; its time is the pass's, or the original one of a notice that is brought back.
func (s store) addNotice(ctx context.Context, p service.Pass, id, circle, author who.ID, text string, at time.Time) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into circle_notices (id, circle_id, author_id, text, created_at) values ($1, $2, $3, $4, $5)`,
		int64(id), int64(circle), int64(author), text, db.Ms(at)); err != nil {
		return fmt.Errorf("store notice: %w", err)
	}
	return nil
}

// takeDown keeps a notice out of sight until its time is over.
func (s store) takeDown(ctx context.Context, p service.Pass, circle, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update circle_notices set down_at = $3 where circle_id = $1 and id = $2`, int64(circle), int64(id), db.Ms(p.At)); err != nil {
		return fmt.Errorf("take notice down: %w", err)
	}
	return nil
}

// putUp shows a notice again that was taken down, and says whether there was one.
func (s store) putUp(ctx context.Context, p service.Pass, circle, id who.ID) (bool, error) {
	if !p.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update circle_notices set down_at = null where circle_id = $1 and id = $2 and down_at is not null`, int64(circle), int64(id))
	if err != nil {
		return false, fmt.Errorf("put notice up again: %w", err)
	}
	return n > 0, nil
}

// sweepNotices erases notices that were taken down before an instant. It writes for nobody.
func (s store) sweepNotices(ctx context.Context, before time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from circle_notices where id in (select id from circle_notices where down_at < $1 order by down_at limit $2)`, db.Ms(before), limit)
	if err != nil {
		return 0, fmt.Errorf("erase notices: %w", err)
	}
	return n, nil
}

// see moves the mark of what a member has seen on, never back.
func (s store) see(ctx context.Context, p service.Pass, circle, account, notice who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update circle_members set seen_notice = $3 where circle_id = $1 and account_id = $2 and seen_notice < $3`,
		int64(circle), int64(account), int64(notice)); err != nil {
		return fmt.Errorf("mark notices as seen: %w", err)
	}
	return nil
}

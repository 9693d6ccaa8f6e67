package notify

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// mostChanged bounds the accounts that one look finds; the listeners of more are all woken.
const mostChanged = 2000

// changed gives the accounts of whom something unread changed since an id was made; all reports that it may be anybody.
func (s store) changed(ctx context.Context, since who.ID) (accounts []who.ID, all bool, err error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select account_id from (select account_id from notices where id > $1 limit $2) n
		union select account_id from notice_marks where changed > $1
		union select 0 from announcements where id > $1`, int64(since), mostChanged)
	if err != nil {
		return nil, false, fmt.Errorf("look for notices: %w", err)
	}
	accounts, err = db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		err := r.Scan(&id)
		all = all || id == 0
		return who.ID(id), err
	})
	if err != nil {
		return nil, false, fmt.Errorf("look for notices: %w", err)
	}
	return accounts, all || len(accounts) >= mostChanged, nil
}

// sessions gives the accounts of those of the sessions that are not over.
func (s store) sessions(ctx context.Context, ids []who.ID) (map[who.ID]who.ID, error) {
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, account_id from sessions where id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	out := map[who.ID]who.ID{}
	_, err = db.Scan(rows, func(r db.Row) (int, error) {
		var id, account int64
		err := r.Scan(&id, &account)
		out[who.ID(id)] = who.ID(account)
		return 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return out, nil
}

// sweep removes up to limit notices from before an instant, and addresses that nobody has proven in time.
func (s store) sweep(ctx context.Context, before, machine int64, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from notices where id in (select id from notices where created_at < $1 order by created_at limit $2)`, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep notices: %w", err)
	}
	m, err := s.db.Exec(ctx, `delete from notice_addresses where id in (select id from notice_addresses where expires_at is not null and expires_at < $1 limit $2)`, machine, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep addresses: %w", err)
	}
	return max(n, m), nil
}

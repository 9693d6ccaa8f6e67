package leave

import (
	"context"
	"database/sql"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// pendingEntry is an entry whose object is not written yet.
type pendingEntry struct {
	id    who.ID
	index sql.NullInt64 // of its receipt in the log
	name  string
	body  string
}

// addEntry stores an entry of the list outside until its object is written; receipt is 0 for one without.
func (l *Room) addEntry(ctx context.Context, account, receipt who.ID, name, body string) error {
	_, err := l.DB.Exec(ctx, `insert into outside_entries (id, account_id, receipt_id, name, body) values ($1, $2, $3, $4, $5)`,
		int64(l.DB.IDs.Next()), int64(account), int64(receipt), name, body)
	if err != nil {
		return fmt.Errorf("store entry: %w", err)
	}
	return nil
}

// pendingEntries gives the oldest entries whose receipts are in the log, at most so many.
func (l *Room) pendingEntries(ctx context.Context, limit int) ([]pendingEntry, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select e.id, r.idx, e.name, e.body from outside_entries e left join receipts r on r.id = e.receipt_id
		where e.receipt_id = 0 or r.idx is not null order by e.id limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (p pendingEntry, err error) {
		var id int64
		err = r.Scan(&id, &p.index, &p.name, &p.body)
		p.id = who.ID(id)
		return p, err
	})
}

// dropEntries strikes off the entries whose objects are written.
func (l *Room) dropEntries(ctx context.Context, ids []who.ID) error {
	list, args := service.In(1, ids)
	if _, err := l.DB.Exec(ctx, `delete from outside_entries where id in (`+list+`)`, args...); err != nil {
		return fmt.Errorf("forget entries: %w", err)
	}
	return nil
}

package upload

import (
	"context"
	"fmt"
	"strings"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func (s store) past(ctx context.Context, account who.ID, what string) ([]Upload, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+columns+` from uploads where account_id = $1 and what = $2 and state in ('done', 'taken') order by id desc limit 10`, int64(account), what)
	if err != nil {
		return nil, fmt.Errorf("read past uploads: %w", err)
	}
	list, err := db.Scan(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read past uploads: %w", err)
	}
	return list, nil
}

// itemsAtOnce is how many items one statement stores.
const itemsAtOnce = 100

func (s store) addItems(ctx context.Context, pass service.Pass, u Upload, items []Item) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	for len(items) > 0 {
		n := min(len(items), itemsAtOnce)
		var values []string
		var args []any
		for _, i := range items[:n] {
			a := len(args)
			values = append(values, fmt.Sprintf("($%d, $%d, $%d, $%d, $%d, $%d, $%d, $%d)", a+1, a+2, a+3, a+4, a+5, a+6, a+7, a+8))
			args = append(args, int64(s.db.IDs.Next()), int64(u.ID), int64(u.Account), i.Position, i.Name, string(i.State), i.Reason, i.Ref)
		}
		if _, err := s.db.Exec(ctx, `insert into upload_items (id, upload_id, account_id, position, name, state, reason, ref) values `+strings.Join(values, ", "), args...); err != nil {
			return fmt.Errorf("store items: %w", err)
		}
		items = items[n:]
	}
	return nil
}

func (s store) settleItem(ctx context.Context, pass service.Pass, id who.ID, i Item) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update upload_items set state = $1, reason = $2, ref = $3 where upload_id = $4 and position = $5 and state = 'waiting'`,
		string(i.State), i.Reason, i.Ref, int64(id), i.Position)
	if err != nil {
		return fmt.Errorf("settle item: %w", err)
	}
	if n == 0 {
		return exit.Fail(exit.Conflict, "upload.error.moved")
	}
	return nil
}

func (s store) items(ctx context.Context, id who.ID, from, limit int) ([]Item, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select position, name, state, reason, ref from upload_items where upload_id = $1 and position >= $2 order by position limit $3`, int64(id), from, limit)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (i Item, err error) {
		err = r.Scan(&i.Position, &i.Name, (*string)(&i.State), &i.Reason, &i.Ref)
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	return list, nil
}

func (s store) tally(ctx context.Context, id who.ID) (map[ItemState]int64, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select state, count(*) from upload_items where upload_id = $1 group by state`, int64(id))
	if err != nil {
		return nil, fmt.Errorf("count items: %w", err)
	}
	out := map[ItemState]int64{}
	_, err = db.Scan(rows, func(r db.Row) (x struct{}, err error) {
		var state ItemState
		var n int64
		err = r.Scan((*string)(&state), &n)
		out[state] = n
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("count items: %w", err)
	}
	return out, nil
}

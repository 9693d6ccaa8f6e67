package search

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// nobody reports whether there is no account yet.
func (s store) nobody(ctx context.Context) (empty bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from (select 1 from accounts limit 1) a`).Scan(&n); err != nil {
		return false, fmt.Errorf("count accounts: %w", err)
	}
	return n == 0, nil
}

// empty drops the whole index at once.
func (s store) empty(ctx context.Context) error {
	if s.db.SQLite() {
		if _, err := s.db.Exec(ctx, `insert into search_terms (search_terms) values ('delete-all')`); err != nil {
			return fmt.Errorf("empty terms: %w", err)
		}
	}
	if _, err := s.db.Exec(ctx, `delete from search_docs`); err != nil {
		return fmt.Errorf("empty index: %w", err)
	}
	return nil
}

// removeFirst takes the first rows out and gives their number.
func (s store) removeFirst(ctx context.Context, limit int) (int64, error) {
	list, err := s.rows(ctx, `select `+columns+` from search_docs d order by d.id limit $1`+s.db.ForUpdate(), limit)
	if err != nil {
		return 0, err
	}
	return int64(len(list)), s.remove(ctx, list)
}

// known gives which of the refs are in the index.
func (s store) known(ctx context.Context, refs []who.Ref) (map[who.Ref]bool, error) {
	values, args := pairs(1, refs)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `with w (kind, id) as (values `+values+`) select d.ref_kind, d.ref_id from w cross join search_docs d where d.ref_kind = w.kind and d.ref_id = w.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("look into index: %w", err)
	}
	out := map[who.Ref]bool{}
	_, err = db.Scan(rows, func(r db.Row) (ref who.Ref, err error) {
		err = r.Scan(&ref.Kind, (*int64)(&ref.ID))
		out[ref] = true
		return ref, err
	})
	if err != nil {
		return nil, fmt.Errorf("look into index: %w", err)
	}
	return out, nil
}

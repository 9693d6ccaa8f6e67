package search

import (
	"context"

	"exeunt/exit"
)

// within gives rows of whatever stands in a service or a place of one ("circle", "circle:7"; "" is everywhere) above an id, by id.
func (s store) within(ctx context.Context, part string, after int64, limit int) ([]row, error) {
	query, args := `select `+columns+` from search_docs d where d.id > $1`, []any{after, limit}
	in := exit.Account("").Within(part)
	if part != "" {
		query, args = query+` and d.service = $3`, append(args, in.Service())
	}
	if in.Place() != "" {
		query, args = query+` and cast(d.place_id as text) = $4`, append(args, in.Place())
	}
	return s.rows(ctx, query+` order by d.id limit $2`, args...)
}

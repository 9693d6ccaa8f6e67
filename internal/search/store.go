package search

import (
	"context"
	"fmt"
	"strings"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of the index.
type store struct {
	db   *db.DB
	walk int // how many of the newest rows PostgreSQL looks at without the index
}

// row is one of search_docs.
type row struct {
	id          int64
	ref         who.Ref
	owner       who.ID
	service     string
	place       who.ID
	audience    who.Audience
	title, body string
}

// epoch is 2020-01-01T00:00:00Z in Unix milliseconds; see [who.IDs].
const epoch = 1577836800000

// rowOf gives the row of a thing. Its id is its time in milliseconds, made different by the thing's own id.
func rowOf(d Doc) row {
	title := Fold(d.Title)
	return row{
		id: (db.Ms(d.At)-epoch)<<22 | int64(d.Ref.ID)&(1<<22-1), ref: d.Ref, owner: d.Owner, service: d.Service, place: d.Place, audience: d.Audience,
		title: title, body: strings.TrimSpace(title + " " + Fold(d.Text)),
	}
}

// terms gives what a row is looked up by. Of a row that is stored it gives what was stored.
func (x row) terms() string {
	list := append(terms(x.body), scope(x.ref.Kind, x.audience, x.owner))
	if x.owner != 0 {
		list = append(list, whose{account: x.owner}.term())
	}
	if x.owner != 0 && x.service != "" {
		list = append(list, whose{account: x.owner, service: x.service}.term())
	}
	if x.owner != 0 && x.place != 0 {
		list = append(list, whose{x.owner, x.service, x.place}.term())
	}
	return strings.Join(list, " ")
}

const columns = `d.id, d.ref_kind, d.ref_id, coalesce(d.owner_id, 0), d.service, d.place_id, d.audience, d.title, d.body`

func scanRow(r db.Row) (row, error) {
	var x row
	err := r.Scan(&x.id, &x.ref.Kind, (*int64)(&x.ref.ID), (*int64)(&x.owner), &x.service, (*int64)(&x.place), (*string)(&x.audience), &x.title, &x.body)
	return x, err
}

func (s store) rows(ctx context.Context, query string, args ...any) ([]row, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	out, err := db.Scan(rows, scanRow)
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	return out, nil
}

// add stores rows. An id that is taken gives way to the next.
func (s store) add(ctx context.Context, p service.Pass, list []row) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	const names = `insert into search_docs (id, ref_kind, ref_id, owner_id, service, place_id, audience, title, body`
	for _, x := range list {
		var owner any
		if x.owner != 0 {
			owner = int64(x.owner)
		}
		for {
			args := []any{x.id, x.ref.Kind, int64(x.ref.ID), owner, x.service, int64(x.place), string(x.audience), x.title, x.body}
			query := names + `) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing`
			if !s.db.SQLite() {
				query = names + `, terms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector(string_to_array($10, ' '))) on conflict (id) do nothing`
				args = append(args, strings.Join(append(timeTerms(x.id), x.terms()), " "))
			}
			n, err := s.db.Exec(ctx, query, args...)
			if err != nil {
				return fmt.Errorf("store in index: %w", err)
			}
			if n > 0 {
				break
			}
			x.id++
		}
		if !s.db.SQLite() {
			continue
		}
		if _, err := s.db.Exec(ctx, `insert into search_terms (rowid, terms) values ($1, $2)`, x.id, x.terms()); err != nil {
			return fmt.Errorf("store terms: %w", err)
		}
	}
	return nil
}

// drop takes the rows of refs out.
func (s store) drop(ctx context.Context, p service.Pass, refs []who.Ref) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	values, args := pairs(1, refs)
	old, err := s.rows(ctx, `with w (kind, id) as (values `+values+`) select `+columns+` from w cross join search_docs d where d.ref_kind = w.kind and d.ref_id = w.id`, args...)
	if err != nil {
		return err
	}
	return s.remove(ctx, old)
}

// pairs gives the placeholders of a list of refs, from $first on, and its arguments. They are to stand first in a cross join: of a list in a
// condition SQLite thinks that it is long, and reads the whole table.
func pairs(first int, refs []who.Ref) (string, []any) {
	var b strings.Builder
	var args []any
	for i, ref := range refs {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(cast($%d as text), cast($%d as bigint))", first+2*i, first+2*i+1)
		args = append(args, ref.Kind, int64(ref.ID))
	}
	return b.String(), args
}

// remove takes rows that were read out of the index, their terms too.
func (s store) remove(ctx context.Context, list []row) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]who.ID, len(list))
	var values strings.Builder
	var args []any
	for i, x := range list {
		ids[i] = who.ID(x.id)
		if i > 0 {
			values.WriteByte(',')
		}
		fmt.Fprintf(&values, "('delete', $%d, $%d)", 2*i+1, 2*i+2)
		args = append(args, x.id, x.terms())
	}
	if s.db.SQLite() {
		if _, err := s.db.Exec(ctx, `insert into search_terms (search_terms, rowid, terms) values `+values.String(), args...); err != nil {
			return fmt.Errorf("remove terms: %w", err)
		}
	}
	in, args := service.In(1, ids)
	if _, err := s.db.Exec(ctx, `delete from search_docs where id in (`+in+`)`, args...); err != nil {
		return fmt.Errorf("remove from index: %w", err)
	}
	return nil
}

// owned gives rows of an owner above an id, by id.
func (s store) owned(ctx context.Context, w whose, after int64, limit int) ([]row, error) {
	query := `select ` + columns + ` from search_docs d where d.owner_id = $1 and d.id > $2`
	args := []any{int64(w.account), after, limit}
	if w.service != "" {
		query, args = query+` and d.service = $4`, append(args, w.service)
	}
	if w.place != 0 {
		query, args = query+` and d.place_id = $5`, append(args, int64(w.place))
	}
	return s.rows(ctx, query+` order by d.id limit $3`, args...)
}

// forgetTopics takes out topics that went with the last post that named them: they are nobody's, and their words were somebody's.
func (s store) forgetTopics(ctx context.Context, limit int) error {
	list, err := s.rows(ctx, `select `+columns+` from search_docs d where d.ref_kind = 'topic' and not exists (select 1 from topics t where t.id = d.ref_id) limit $1`, limit)
	if err != nil {
		return err
	}
	return s.remove(ctx, list)
}

// indexed counts, by the terms alone, the rows of an owner in the index.
func (s store) indexed(ctx context.Context, w whose) (n int64, err error) {
	query := `select count(*) from search_docs where terms @@ $1::tsquery`
	if s.db.SQLite() {
		query = `select count(*) from search_terms where search_terms match $1`
	}
	if err := s.db.Q(ctx).QueryRowContext(ctx, query, s.quote(w.term())).Scan(&n); err != nil {
		return 0, fmt.Errorf("look into index: %w", err)
	}
	return n, nil
}

// quote writes a term for a query of the database. Terms hold no ASCII but letters and digits.
func (s store) quote(term string) string {
	if s.db.SQLite() {
		return `"` + term + `"`
	}
	return `'` + term + `'`
}

package search

import (
	"context"
	"fmt"
	"math"
	"strconv"
)

// PostgreSQL's index gives all rows that have a term, in no order, and each of them has to be fetched: too many for the newest twenty of a word that is
// not rare. So the newest rows are looked at one after the other first, which is enough for a frequent word. Then the index is asked
// for windows of time, each as long as all before it many times over, until enough is found: terms say when a thing was, in steps of four lengths.

// walked is how many of the newest rows are looked at without the index.
const walked = 2000

// widening is how many times as long as the one before a window is.
const widening = 16

// steps are the lengths of time of the terms, as powers of two in milliseconds: 70 minutes, 19 hours, 12 days, 199 days.
var steps = []int{34, 30, 26, 22}

// wholeTime is a window for which no terms are asked, in milliseconds: 30 years.
const wholeTime = 30 * 365 * 24 * 3600 * 1000

// timeTerms gives the terms that say when a row is, by its id.
func timeTerms(id int64) []string {
	out := make([]string, len(steps))
	for i, bits := range steps {
		out[i] = timeTerm(id>>22, bits)
	}
	return out
}

func timeTerm(ms int64, bits int) string {
	return "at" + strconv.Itoa(bits) + "x" + strconv.FormatUint(uint64(ms>>bits), 16)
}

// window is a part of the index: ids from one below another, and the terms of which each row there has one; nil: not asked.
type window struct {
	from, below int64
	terms       []string
}

// windowBelow gives the window of a length in milliseconds, or a little longer, that ends below an id.
func windowBelow(below, length int64) window {
	if length >= wholeTime {
		return window{from: math.MinInt64, below: below}
	}
	finest := steps[len(steps)-1]
	end := (below>>22 + 1<<finest) >> finest << finest
	begin := end - length
	for _, bits := range steps { // begun at a round time, a window has few terms
		if length >= 4<<bits || bits == finest {
			begin = begin >> bits << bits
			break
		}
	}
	w := window{from: begin << 22, below: below}
	for at := begin; at < end; {
		for _, bits := range steps {
			if size := int64(1) << bits; at&(size-1) == 0 && at+size <= end || bits == finest {
				w.terms = append(w.terms, timeTerm(at, bits))
				at += size
				break
			}
		}
	}
	return w
}

// findPostgres is find for PostgreSQL.
func (s store) findPostgres(ctx context.Context, q lookup, limit int) (list []hit, err error) {
	err = s.look(ctx, q, func(query string, a args) (bool, error) {
		more, err := s.hits(ctx, `select `+hitColumns+query+` order by d.id desc limit `+a.add(limit-len(list)), a)
		list = append(list, more...)
		return len(list) == limit, err
	})
	return list, err
}

// countPostgres is count for PostgreSQL.
func (s store) countPostgres(ctx context.Context, q lookup, most int) (sum int, err error) {
	err = s.look(ctx, q, func(query string, a args) (bool, error) {
		var n int
		err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from (select 1`+query+` limit `+a.add(most-sum)+`) c`, a...).Scan(&n)
		sum += n
		return sum == most, err
	})
	if err != nil {
		return 0, fmt.Errorf("count found: %w", err)
	}
	return sum, nil
}

// look gives fn the rows of one part of the index after the other, the newest part first, until it has enough: as all of a
// select from d but for its columns, with the arguments so far.
func (s store) look(ctx context.Context, q lookup, fn func(query string, a args) (bool, error)) error {
	var newest, oldest, n, densest int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(max(y.newest), 0), coalesce(min(y.oldest), 0), coalesce(sum(y.n), 0)::bigint, coalesce(min(y.newest - y.oldest), 0)
		from (select max(x.id) as newest, min(x.id) as oldest, count(*) as n from
			(select w.id, ntile(4) over (order by w.id) as quarter from (select id from search_docs where id < $1 order by id desc limit $2) w) x group by x.quarter) y`,
		q.before, s.walk).Scan(&newest, &oldest, &n, &densest)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	below := q.before
	if q.kind == Post || n < int64(s.walk) { // of other kinds few are among the newest
		var a args
		enough, err := fn(` from (select w.id, w.ref_kind, w.ref_id, w.owner_id, w.service, w.place_id, w.audience, w.title, w.body from search_docs w where w.id < `+a.add(q.before)+` order by w.id desc limit `+a.add(s.walk)+`) d
			where `+s.open(q, &a)+s.inText(q, true, &a)+s.inAudience(q, &a), a)
		if err != nil || enough || n < int64(s.walk) {
			return err
		}
		below = oldest
	}
	if below > newest {
		below = newest + 1
	}
	// A month in which nobody wrote says nothing of the time before it: of posts the quarter in which most were written gives the measure.
	length := (newest-oldest)>>22 + 1
	if q.kind == Post {
		length = 4*densest>>22 + 1
	}
	for below > math.MinInt64 {
		length = min(length*widening, wholeTime)
		w := windowBelow(below, length)
		var a args
		enough, err := fn(s.inWindow(q, w, &a), a)
		if err != nil || enough {
			return err
		}
		below = w.from
	}
	return nil
}

// inWindow asks the index for the rows of a window. Words, scopes and times are three conditions: asked as one, the index looks at each row that has any of
// the rarer terms, twenty times as slowly. The bounds are written so that they are no reason to walk through it instead.
func (s store) inWindow(q lookup, w window, a *args) string {
	terms := `d.terms @@ ` + a.add(s.match(q.all, true)) + `::tsquery and d.terms @@ ` + a.add(s.match(q.any, false)) + `::tsquery`
	if len(w.terms) > 0 {
		terms += ` and d.terms @@ ` + a.add(s.match(w.terms, false)) + `::tsquery`
	}
	return ` from (select d.id, d.ref_kind, d.ref_id, d.owner_id, d.service, d.place_id, d.audience from search_docs d
		where ` + terms + ` and d.id + 0 < ` + a.add(w.below) + ` and d.id + 0 >= ` + a.add(w.from) + s.inText(q, false, a) + ` offset 0) d
		where ` + s.open(q, a)
}

package service

import (
	"fmt"
	"math"
	"strconv"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Span is what one call of an export may give: rows of an account, by id from its cursor to its
// cut, not older than its date, within a service or a place.
type Span struct {
	Owner      who.ID
	After, Cut int64 // ids
	Since      int64 // Unix milliseconds
	Service    string
	Place      int64
}

// SpanOf reads a task's span; the cursor is the last id that was given.
func SpanOf(t exit.Task) (Span, error) {
	s := Span{After: math.MinInt64, Cut: math.MaxInt64, Since: math.MinInt64, Service: t.Subject.Service()}
	s.Owner, _ = who.ParseID(t.Subject.ID)
	for _, x := range []struct {
		text string
		to   *int64
	}{{t.Cursor, &s.After}, {t.Cut, &s.Cut}} {
		if x.text == "" {
			continue
		}
		n, err := strconv.ParseInt(x.text, 10, 64)
		if err != nil {
			return s, fmt.Errorf("read span: %w", err)
		}
		*x.to = n
	}
	if !t.Since.IsZero() {
		s.Since = db.Ms(t.Since)
	}
	if t.Subject.Place() != "" {
		place, ok := who.ParseID(t.Subject.Place())
		if !ok {
			return s, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
		}
		s.Place = int64(place)
	}
	return s, nil
}

// Within gives the SQL condition that narrows rows to the span's service and place, for columns with
// a prefix ("p."), and its arguments from number n on.
func (s Span) Within(prefix string, n int) (string, []any) {
	if s.Service == "" {
		return "", nil
	}
	text, args := fmt.Sprintf(" and %sservice = $%d", prefix, n), []any{s.Service}
	if s.Place != 0 {
		text, args = text+fmt.Sprintf(" and %splace_id = $%d", prefix, n+1), append(args, s.Place)
	}
	return text, args
}

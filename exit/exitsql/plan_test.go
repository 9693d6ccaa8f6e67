package exitsql_test

import (
	"strings"
	"testing"
)

// TestIndexes: what is asked all day walks an index and never a whole table.
func TestIndexes(t *testing.T) {
	d := newSQLite(t)
	d.store(t)
	for query, index := range map[string]string{
		`select run, seq from exit_steps where state = 'waiting' and open = 0 and due <= $1 and retry <= $2 order by due limit $3`: "exit_steps_due",
		`select run, seq from exit_steps where state = 'running' and lease <= $1 order by lease limit $2`:                          "exit_steps_lease",
		`select due from exit_steps where state = 'waiting' and open = 0 and gated = 0 order by due limit 1`:                       "exit_steps_due",
		`select id from exit_runs where subject = $1 and subject <> '' and state in ('open', 'running')`:                           "exit_runs_",
		`select run from exit_steps where subject = $1 and subject <> ''`:                                                          "exit_steps_subject",
		`select seq from exit_needs where run = $1 and needs in ($2, $3)`:                                                          "autoindex_exit_needs_1",
	} {
		text := d.queryPlan(t, query)
		if !strings.Contains(text, index) || strings.Contains(text, "TEMP B-TREE") {
			t.Errorf("%s\nis planned as %s, want index %s", query, text, index)
		}
	}
}

// queryPlan says how SQLite answers a query.
func (d database) queryPlan(t *testing.T, query string) string {
	t.Helper()
	rows, err := d.reader.QueryContext(t.Context(), `explain query plan `+query, make([]any, strings.Count(query, "$"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, rest any
		var detail string
		if err := rows.Scan(&id, &parent, &rest, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "; ")
}

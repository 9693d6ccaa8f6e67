package search

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// The bounds of a query. What is beyond them is not looked for.
const (
	mostWords = 8
	mostTyped = 100 // characters
)

// words gives what somebody typed as what is looked for: all of it has to be in the text, each word without a break.
func words(typed string) []string {
	var out []string
	seen := map[string]bool{}
	runes := []rune(Fold(typed))
	for _, w := range strings.Fields(string(runes[:min(len(runes), mostTyped)])) {
		if !seen[w] && len(out) < mostWords {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

// lookup is one question to the index: the terms that have to be there, and the parts of the text of more than two
// characters, which terms alone do not prove.
type lookup struct {
	all     []string // each of them
	any     []string // and one of them: the scopes that the viewer sees
	words   []string
	kind    string
	viewer  who.ID
	circles []who.ID // that the viewer is in
	before  int64    // ids below it; 0: from the newest
	shut    []string // scopes that the viewer is shut out of: those of endings, to a guest
	counts  bool     // rows are counted, not opened: what opening leaves out is left out here
	named   string   // a title that is left out: its things stand elsewhere; "": none
}

// newLookup gives the question for words, asked by a viewer who is in these circles.
func newLookup(words []string, kind string, v who.Viewer, circles []who.ID) lookup {
	q := lookup{kind: kind, viewer: v.Account, circles: circles, words: words, any: []string{kind + "public"}}
	if !v.Guest() {
		q.any = append(q.any, kind+"followers", whose{account: v.Account}.term())
	}
	for _, c := range circles {
		q.any = append(q.any, scope(kind, who.CircleOnly(c), 0))
	}
	for _, w := range words {
		runes := []rune(w)
		if len(runes) == 1 {
			q.all = append(q.all, w)
		}
		for i := range len(runes) - 1 {
			q.all = append(q.all, string(runes[i:i+2]))
		}
	}
	return q
}

// args collects the arguments of a statement.
type args []any

func (a *args) add(v any) string {
	*a = append(*a, v)
	return fmt.Sprintf("$%d", len(*a))
}

// match writes terms in the index's own language, joined by and or by or.
func (s store) match(terms []string, and bool) string {
	join := map[bool]string{true: " & ", false: " | "}[and]
	if s.db.SQLite() {
		join = map[bool]string{true: " AND ", false: " OR "}[and]
	}
	out := make([]string, len(terms))
	for i, t := range terms {
		out[i] = s.quote(t)
	}
	return strings.Join(out, join)
}

// inText gives the condition that the text d.body has the words: those of more than two characters, which terms do not prove, or all.
func (s store) inText(q lookup, all bool, a *args) string {
	position := "strpos"
	if s.db.SQLite() {
		position = "instr"
	}
	var b strings.Builder
	for _, w := range q.words {
		if all || utf8.RuneCountInString(w) > 2 {
			b.WriteString(` and ` + position + `(d.body, ` + a.add(w) + `) > 0`)
		}
	}
	if q.named != "" {
		b.WriteString(` and d.title <> ` + a.add(q.named))
	}
	return b.String()
}

// open gives the condition that the viewer may find a row d: of its kind, for the viewer, neither veiled nor blocked, and
// of an account that lets itself be found.
func (s store) open(q lookup, a *args) string {
	me := a.add(int64(q.viewer))
	where := ` d.ref_kind = ` + a.add(q.kind) + ` and (d.owner_id = ` + me + ` or
		(d.audience not like 'followers:%' or exists (select 1 from follows f where f.follower_id = ` + me + ` and f.followee_id = d.owner_id))
		and ` + service.Visible("d.owner_id", "d.service", "d.place_id") + `
		and not exists (select 1 from settings x where x.account_id = d.owner_id and x.found = 0 and (d.ref_kind = 'account' or d.service = 'page'))`
	for _, scope := range q.shut {
		in := a.add(scope)
		where += ` and d.service <> ` + in + ` and d.service || ':' || d.place_id <> ` + in
	}
	if q.viewer != 0 {
		where += ` and ` + service.Unblocked(me, "d.owner_id")
	}
	where += `)`
	if q.counts && q.kind == Topic {
		where += ` and (d.service <> 'page' or ` + service.TopicShown(me, "d.ref_id") + `)`
	}
	return where
}

// hit is a row that was found.
type hit struct {
	id    int64
	ref   who.Ref
	owner who.ID
}

func scanHit(r db.Row) (hit, error) {
	var h hit
	err := r.Scan(&h.id, &h.ref.Kind, (*int64)(&h.ref.ID), (*int64)(&h.owner))
	return h, err
}

const hitColumns = `d.id, d.ref_kind, d.ref_id, coalesce(d.owner_id, 0)`

func (s store) hits(ctx context.Context, query string, a args) ([]hit, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, a...)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	out, err := db.Scan(rows, scanHit)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return out, nil
}

// find gives the newest rows that answer the question, at most limit.
func (s store) find(ctx context.Context, q lookup, limit int) ([]hit, error) {
	if q.before == 0 {
		q.before = math.MaxInt64
	}
	if !s.db.SQLite() {
		return s.findPostgres(ctx, q, limit)
	}
	var a args
	query := s.lookupSQLite(hitColumns, q, &a)
	return s.hits(ctx, query+` order by search_terms.rowid desc limit `+a.add(limit), a)
}

// count counts the rows that answer the question, at most up to most.
func (s store) count(ctx context.Context, q lookup, most int) (n int, err error) {
	q.before, q.counts = math.MaxInt64, true
	if !s.db.SQLite() {
		return s.countPostgres(ctx, q, most)
	}
	var a args
	query := s.lookupSQLite("1", q, &a)
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from (`+query+` limit `+a.add(most)+`) c`, a...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count found: %w", err)
	}
	return n, nil
}

// lookupSQLite asks the index, which gives rows from the newest on and stops where enough are found.
func (s store) lookupSQLite(columns string, q lookup, a *args) string {
	return `select ` + columns + ` from search_terms cross join search_docs d on d.id = search_terms.rowid
		where search_terms match ` + a.add(s.match(q.all, true)+` AND (`+s.match(q.any, false)+`)`) + ` and search_terms.rowid < ` + a.add(q.before) + s.inText(q, false, a) + ` and ` + s.open(q, a)
}

// circles gives the circles that an account is in.
func (s store) circles(ctx context.Context, account who.ID) ([]who.ID, error) {
	if account == 0 {
		return nil, nil
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select circle_id from circle_members where account_id = $1 and state = 'active' order by circle_id limit 500`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("read circles: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { return id, r.Scan((*int64)(&id)) })
	if err != nil {
		return nil, fmt.Errorf("read circles: %w", err)
	}
	return ids, nil
}

// inAudience gives the condition that a row d is of one of the question's scopes, where its terms are not asked.
func (s store) inAudience(q lookup, a *args) string {
	seen := `'public'`
	for _, c := range q.circles {
		seen += `, ` + a.add(string(who.CircleOnly(c)))
	}
	return ` and (d.audience in (` + seen + `) or d.audience like 'followers:%' or d.owner_id = ` + a.add(int64(q.viewer)) + `)`
}

// begins gives rows of a kind whose title is from one text to another, by title.
func (s store) begins(ctx context.Context, q lookup, from, to string, limit int) ([]hit, error) {
	var a args
	query := `select ` + hitColumns + ` from search_docs d where d.title >= ` + a.add(from) + ` and d.title <= ` + a.add(to) + s.inAudience(q, &a) + ` and ` + s.open(q, &a)
	return s.hits(ctx, query+` order by d.title, d.id limit `+a.add(limit), a)
}

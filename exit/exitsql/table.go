package exitsql

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"

	"exeunt/exit"
)

// Table says how one table of a class is erased, chunk by chunk, by ranges of its key. Names,
// expressions and statements go into SQL as they are: they are code, never input. An index on
// (Owner, Key) makes it fast; on SQLite one on Owner is enough where Key is the rowid.
type Table struct {
	// Name is the table's name.
	Name string
	// Owner is the column that refers to the subject.
	Owner string
	// Key is a unique column of integers that only grow.
	Key string
	// Bytes is an expression for the size of a row in bytes, e.g. "length(text)". "": not measured.
	Bytes string
	// Service is the column that tells a row's service. "": all rows belong to the one service that the class names.
	Service string
	// Place is the column that tells a row's place. "": the class cannot be narrowed to a place.
	Place string
	// Scope replaces Service and Place where columns alone do not tell. It gives a condition, "" for
	// none, for a subject that is narrowed; arg takes a value and gives its placeholder.
	Scope func(s exit.Subject, arg func(value any) string) (string, error)
	// Where is a further condition on the rows of the class. "": none.
	Where string
	// Detach is what an update sets so that a row no longer refers to the subject, e.g. "author_id = null".
	Detach string
	// Held is the column that takes the id of the run that holds a row, and HoldAs what else the update sets so that
	// the row no longer refers to the subject, e.g. "buyer_id = null, address = ''". Held "": rows cannot be held.
	Held, HoldAs string
	// Stays is a condition on rows of which something stays when they are erased, because others' items
	// hang on them: they get StaysAs ("author_id = null, text = ''") and are not deleted. "": none.
	Stays, StaysAs string
	// Also are statements that run before the rows of a chunk are deleted, in its transaction: what depends on
	// them, counts on others' rows. {rows} stands for a select, in brackets, of the chunk's rows,
	// and has to be in each statement:
	//
	//	update posts set likes = likes - (select count(*) from {rows} r where r.post_id = posts.id)
	//	where id in (select post_id from {rows} r)
	Also []string
	// AlsoDetach are the statements that run instead when the rows are detached.
	AlsoDetach []string
	// OwnerID and PlaceID turn ids of a subject into what the columns hold. Nil: the text itself; see [IntegerID].
	OwnerID func(id string) (any, error)
	PlaceID func(id string) (any, error)
	// DB answers [Table.Verify] and [Table.Count] outside a transaction.
	DB *sql.DB
}

// IntegerID reads a decimal id for a column of integers. Anything else is Invalid.
func IntegerID(id string) (any, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, &exit.Error{Kind: exit.Invalid, Key: "error.subject", Args: map[string]any{"text": id}, Err: err}
	}
	return n, nil
}

func column(as func(string) (any, error), id string) (any, error) {
	if as == nil {
		return id, nil
	}
	return as(id)
}

// condition gives the rows of the class that belong to the subject.
func (t Table) condition(a *list, s exit.Subject) (string, error) {
	if s.Kind == exit.SubjectHold {
		if t.Held == "" {
			return "", exit.Fail(exit.Internal, "error.no_manner", "table", t.Name)
		}
		return t.Held + ` = ` + a.add(s.ID), nil
	}
	if s.Ending() {
		return t.ending(a, s)
	}
	owner, err := column(t.OwnerID, s.ID)
	if err != nil {
		return "", err
	}
	where := t.Owner + ` = ` + a.add(owner)
	if t.Where != "" {
		where += ` and (` + t.Where + `)`
	}
	if s.In == "" {
		return where, nil
	}
	return t.narrow(a, s, where)
}

// narrow adds to a condition that of a service or place.
func (t Table) narrow(a *list, s exit.Subject, where string) (string, error) {
	if t.Scope != nil {
		scope, err := t.Scope(s, a.add)
		if err != nil || scope == "" {
			return where, err
		}
		return where + ` and (` + scope + `)`, nil
	}
	if t.Service != "" {
		where += ` and ` + t.Service + ` = ` + a.add(s.Service())
	}
	if s.Place() == "" {
		return where, nil
	}
	if t.Place == "" {
		return "", exit.Fail(exit.Internal, "error.no_scope", "table", t.Name)
	}
	place, err := column(t.PlaceID, s.Place())
	if err != nil {
		return "", err
	}
	return where + ` and ` + t.Place + ` = ` + a.add(place), nil
}

func (t Table) bytes() string {
	if t.Bytes == "" {
		return "0"
	}
	return t.Bytes
}

// limit of a chunk where the task gives none, in rows.
const defaultLimit = 500

// Erase does one chunk of at most t.Limit rows, in the manner of the task, in the transaction that ctx carries.
// Its cursor is the last key it looked at. Its items are the rows that the database says it changed.
func (t Table) Erase(ctx context.Context, task exit.Task) (exit.Progress, error) {
	tx, ok := Tx(ctx)
	if !ok {
		return exit.Progress{}, fmt.Errorf("erase %s: no transaction in the context", t.Name)
	}
	p, err := t.erase(ctx, tx, task)
	if err != nil {
		return p, fmt.Errorf("erase %s: %w", t.Name, err)
	}
	return p, nil
}

func (t Table) erase(ctx context.Context, tx *sql.Tx, task exit.Task) (exit.Progress, error) {
	p := exit.Progress{Cursor: task.Cursor}
	lo, err := cursor(task.Cursor)
	if err != nil {
		return p, err
	}
	limit := task.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	verb, before, err := t.verb(task.Manner)
	if err != nil {
		return p, err
	}
	hi, seen, err := t.look(ctx, tx, task.Subject, lo, limit, &p)
	if err != nil || seen == 0 {
		p.Done = err == nil
		return p, err
	}
	var a list
	where, err := t.condition(&a, task.Subject)
	if err != nil {
		return p, err
	}
	where += ` and ` + t.Key + ` > ` + a.add(lo) + ` and ` + t.Key + ` <= ` + a.add(hi)
	rows := `(select * from ` + t.Name + ` where ` + where + `)`
	for _, also := range before {
		if _, err := tx.ExecContext(ctx, strings.ReplaceAll(also, "{rows}", rows), a.args...); err != nil {
			return p, err
		}
	}
	if task.Manner == exit.Hold {
		verb += `, ` + t.Held + ` = ` + a.add(task.Run)
	}
	verbs := []string{verb + ` where ` + where}
	if t.Stays != "" && task.Manner != exit.Detach && task.Manner != exit.Hold {
		verbs = append([]string{`update ` + t.Name + ` set ` + t.StaysAs + ` where ` + where + ` and (` + t.Stays + `)`}, verbs...)
	}
	for _, verb := range verbs {
		n, err := changed(tx.ExecContext(ctx, verb, a.args...))
		if err != nil {
			return p, err
		}
		p.Items += n
	}
	p.Cursor, p.Done = strconv.FormatInt(hi, 10), seen < limit
	return p, nil
}

// verb gives what a manner does to a row, up to its condition, and what goes before it.
func (t Table) verb(m exit.Manner) (verb string, before []string, err error) {
	switch {
	case m == exit.Detach && t.Detach != "":
		return `update ` + t.Name + ` set ` + t.Detach, t.AlsoDetach, nil
	case m == exit.Hold && t.Held != "" && t.HoldAs != "":
		return `update ` + t.Name + ` set ` + t.HoldAs, nil, nil
	case m == exit.Detach || m == exit.Hold:
		return "", nil, exit.Fail(exit.Internal, "error.no_manner", "table", t.Name)
	default:
		return `delete from ` + t.Name, t.Also, nil
	}
}

func changed(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// look finds the last key of the next chunk, its number of rows and its bytes.
func (t Table) look(ctx context.Context, tx *sql.Tx, s exit.Subject, lo int64, limit int, p *exit.Progress) (hi int64, seen int, err error) {
	var a list
	where, err := t.condition(&a, s)
	if err != nil {
		return 0, 0, err
	}
	where += ` and ` + t.Key + ` > ` + a.add(lo)
	err = tx.QueryRowContext(ctx, `select coalesce(max(c.k), 0), count(*), cast(coalesce(sum(c.n), 0) as bigint) from (select `+t.Key+` as k, `+t.bytes()+` as n
		from `+t.Name+` where `+where+` order by `+t.Key+` limit `+a.add(limit)+`) c`, a.args...).Scan(&hi, &seen, &p.Bytes)
	return hi, seen, err
}

func cursor(text string) (int64, error) {
	if text == "" {
		return math.MinInt64, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read cursor: %w", err)
	}
	return n, nil
}

// Verify counts what is left of the subject, without cursor and key. Inside a transaction it sees what the transaction does.
func (t Table) Verify(ctx context.Context, task exit.Task) (exit.Residue, error) {
	var a list
	where, err := t.condition(&a, task.Subject)
	if err != nil {
		return exit.Residue{}, fmt.Errorf("verify %s: %w", t.Name, err)
	}
	var left exit.Residue
	err = reader(ctx, t.DB).QueryRowContext(ctx, `select count(*) from `+t.Name+` where `+where, a.args...).Scan(&left.Left)
	if err != nil {
		return exit.Residue{}, fmt.Errorf("verify %s: %w", t.Name, err)
	}
	return left, nil
}

// Count counts the subject's rows and bytes: a forecast.
func (t Table) Count(ctx context.Context, s exit.Subject) (exit.Count, error) {
	var a list
	where, err := t.condition(&a, s)
	if err != nil {
		return exit.Count{}, fmt.Errorf("count %s: %w", t.Name, err)
	}
	var c exit.Count
	err = reader(ctx, t.DB).QueryRowContext(ctx, `select count(*), cast(coalesce(sum(`+t.bytes()+`), 0) as bigint) from `+t.Name+` where `+where, a.args...).Scan(&c.Items, &c.Bytes)
	if err != nil {
		return exit.Count{}, fmt.Errorf("count %s: %w", t.Name, err)
	}
	return c, nil
}

// Tables are the tables of each class of a holder, in the order in which their rows go. A holder
// that embeds it needs only Name and Classes to be an [exit.Holder] and an [exit.Counter].
type Tables map[string][]Table

func (ts Tables) of(class string) ([]Table, error) {
	if tables, ok := ts[class]; ok {
		return tables, nil
	}
	return nil, exit.Fail(exit.Internal, "error.no_class", "class", class)
}

// Erase does one chunk of the class: its tables one after another. Its cursor is the table's number and key.
func (ts Tables) Erase(ctx context.Context, task exit.Task) (exit.Progress, error) {
	tables, err := ts.of(task.Class)
	if err != nil {
		return exit.Progress{}, err
	}
	number, key, _ := strings.Cut(task.Cursor, "/")
	i := 0
	if number != "" {
		if i, err = strconv.Atoi(number); err != nil || i < 0 || i > len(tables) {
			return exit.Progress{}, fmt.Errorf("erase %s: unknown cursor", task.Class)
		}
	}
	var sum exit.Progress
	bounded := task.Limit > 0
	for limit := task.Limit; i < len(tables); i, key = i+1, "" {
		task.Cursor, task.Limit = key, limit
		p, err := tables[i].Erase(ctx, task)
		if err != nil {
			return sum, err
		}
		sum.Items, sum.Bytes = sum.Items+p.Items, sum.Bytes+p.Bytes
		sum.Cursor = strconv.Itoa(i) + "/" + p.Cursor
		if limit -= int(p.Items); !p.Done || bounded && limit <= 0 {
			sum.Done = p.Done && i == len(tables)-1
			if p.Done && !sum.Done {
				sum.Cursor = strconv.Itoa(i+1) + "/"
			}
			return sum, nil
		}
	}
	sum.Done = true
	return sum, nil
}

// Hold does one chunk of a hold: the rows stay, refer to the run alone, and go when [Tables.Erase] is asked for
// what the run holds. With a HoldFrom of its own a holder is an [exit.HoldKeeper].
func (ts Tables) Hold(ctx context.Context, task exit.Task) (exit.Progress, error) {
	task.Manner = exit.Hold
	return ts.Erase(ctx, task)
}

// Verify adds up what is left of the class in all its tables.
func (ts Tables) Verify(ctx context.Context, task exit.Task) (exit.Residue, error) {
	tables, err := ts.of(task.Class)
	if err != nil {
		return exit.Residue{}, err
	}
	var sum exit.Residue
	for _, t := range tables {
		left, err := t.Verify(ctx, task)
		if err != nil {
			return sum, err
		}
		sum.Left += left.Left
	}
	return sum, nil
}

// Count adds up all tables of the class.
func (ts Tables) Count(ctx context.Context, s exit.Subject, class string) (exit.Count, error) {
	tables, err := ts.of(class)
	if err != nil {
		return exit.Count{}, err
	}
	var sum exit.Count
	for _, t := range tables {
		c, err := t.Count(ctx, s)
		if err != nil {
			return sum, err
		}
		sum.Items, sum.Bytes = sum.Items+c.Items, sum.Bytes+c.Bytes
	}
	return sum, nil
}

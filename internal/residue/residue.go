// Package residue looks for what is left of somebody: in every column of every table, in search
// indexes, in names and contents of blobs, in the queue. It walks the schema as the database tells
// it and shares no code with any holder.
package residue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"exeunt/internal/blob"
	"exeunt/internal/db"
)

// Find is a place where something was found.
type Find struct {
	Where string `json:"where"` // "posts.text", "index posts_search", "blob 7/posts/x.jpg"
	Count int64  `json:"count"`
}

// Report is what a search found. Columns and Blobs say how much was searched: a search that
// looked at nothing found nothing.
type Report struct {
	Finds   []Find `json:"finds"`
	Columns int    `json:"columns"`
	Blobs   int    `json:"blobs"`
}

// Total gives the number of finds.
func (r Report) Total() (n int64) {
	for _, f := range r.Finds {
		n += f.Count
	}
	return n
}

// column is one column of the schema.
type column struct {
	table, name, kind string // kind: "number", "text", "bytes", "tsvector"
}

// Search looks for a text: an account's id in decimal, or anything that somebody wrote.
func Search(ctx context.Context, d *db.DB, blobs *blob.Store, text string) (Report, error) {
	var r Report
	if text == "" {
		return r, errors.New("search: no text")
	}
	columns, err := columns(ctx, d)
	if err != nil {
		return r, fmt.Errorf("read schema: %w", err)
	}
	for _, c := range columns {
		n, err := count(ctx, d, c, text)
		if err != nil {
			return r, fmt.Errorf("search %s.%s: %w", c.table, c.name, err)
		}
		r.Columns++
		if n > 0 {
			r.Finds = append(r.Finds, Find{c.table + "." + c.name, n})
		}
	}
	if d.SQLite() {
		if err := vocabularies(ctx, d, text, &r); err != nil {
			return r, err
		}
	}
	return r, searchBlobs(ctx, blobs, text, &r)
}

func columns(ctx context.Context, d *db.DB) ([]column, error) {
	query := `select m.name, p.name, lower(p.type) from sqlite_master m join pragma_table_xinfo(m.name) p
		where m.type = 'table' and m.name not like 'sqlite_%' and lower(m.sql) not like 'create virtual table%' order by m.name, p.cid`
	if !d.SQLite() {
		query = `select table_name::text, column_name::text, case when data_type = 'USER-DEFINED' then udt_name::text else data_type::text end
			from information_schema.columns where table_schema = current_schema() order by table_name, ordinal_position`
	}
	rows, err := d.Reader.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return db.Scan(rows, func(r db.Row) (c column, err error) {
		var kind string
		err = r.Scan(&c.table, &c.name, &kind)
		switch {
		case strings.Contains(kind, "int") || strings.Contains(kind, "numeric") || strings.Contains(kind, "real"):
			c.kind = "number"
		case kind == "bytea" || kind == "blob" || kind == "" && d.SQLite():
			c.kind = "bytes"
		case kind == "tsvector":
			c.kind = "tsvector"
		default:
			c.kind = "text"
		}
		return c, err
	})
}

// count counts the rows whose column holds the text.
func count(ctx context.Context, d *db.DB, c column, text string) (n int64, err error) {
	name := `"` + c.name + `"`
	var where string
	switch {
	case d.SQLite() && c.kind == "number":
		where = `cast(` + name + ` as text) = $1`
	case d.SQLite():
		where = `instr(cast(` + name + ` as blob), cast($1 as blob)) > 0`
	case c.kind == "number":
		where = name + `::text = $1`
	case c.kind == "bytes":
		where = `position(convert_to($1, 'UTF8') in ` + name + `) > 0`
	case c.kind == "tsvector":
		return lexemes(ctx, d, c, text)
	default:
		where = `strpos(` + name + `::text, $1) > 0`
	}
	err = d.Reader.QueryRowContext(ctx, `select count(*) from "`+c.table+`" where `+where, text).Scan(&n)
	return n, err
}

// lexemes counts the entries of a text-search column's vocabulary that hold the text.
func lexemes(ctx context.Context, d *db.DB, c column, text string) (n int64, err error) {
	stat := `select "` + c.name + `" from "` + c.table + `"`
	err = d.Reader.QueryRowContext(ctx, `select count(*) from ts_stat($2) where strpos(word, $1) > 0`, strings.ToLower(text), stat).Scan(&n)
	return n, err
}

// vocabularies counts what is left in the vocabularies of SQLite's full-text indexes, where words
// can stay after their rows.
func vocabularies(ctx context.Context, d *db.DB, text string, r *Report) error {
	rows, err := d.Reader.QueryContext(ctx, `select name from sqlite_master where type = 'table' and lower(sql) like 'create virtual table%fts5%'`)
	if err != nil {
		return fmt.Errorf("read indexes: %w", err)
	}
	names, err := db.Scan(rows, func(r db.Row) (s string, err error) { return s, r.Scan(&s) })
	if err != nil {
		return fmt.Errorf("read indexes: %w", err)
	}
	for _, name := range names {
		n, err := vocabulary(ctx, d, name, text)
		if err != nil {
			return fmt.Errorf("search index %s: %w", name, err)
		}
		together, err := pairs(ctx, d, name, text)
		if err != nil {
			return fmt.Errorf("search index %s: %w", name, err)
		}
		n += together
		if n > 0 {
			r.Finds = append(r.Finds, Find{"index " + name, n})
		}
	}
	return nil
}

func vocabulary(ctx context.Context, d *db.DB, name, text string) (n int64, err error) {
	conn, err := d.Writer.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `create virtual table temp.residue_words using fts5vocab('main', '`+name+`', 'row')`); err != nil {
		return 0, err
	}
	err = conn.QueryRowContext(ctx, `select count(*) from temp.residue_words where instr(term, $1) > 0`, strings.ToLower(text)).Scan(&n)
	_, drop := conn.ExecContext(ctx, `drop table temp.residue_words`)
	return n, errors.Join(err, drop)
}

// pairs counts the rows of an index that have each two neighbours of the text, for an index that keeps no longer terms. Texts of
// other than letters and digits are left to the columns.
func pairs(ctx context.Context, d *db.DB, name, text string) (n int64, err error) {
	runes := []rune(strings.ToLower(text))
	if len(runes) < 3 || slices.ContainsFunc(runes, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		return 0, nil
	}
	var query strings.Builder
	for i := range len(runes) - 1 {
		if i > 0 {
			query.WriteString(" AND ")
		}
		query.WriteString(`"` + string(runes[i:i+2]) + `"`)
	}
	err = d.Reader.QueryRowContext(ctx, `select count(*) from "`+name+`" where "`+name+`" match $1`, query.String()).Scan(&n)
	return n, err
}

// page is how many blobs are listed at a time.
const page = 1000

func searchBlobs(ctx context.Context, blobs *blob.Store, text string, r *Report) error {
	for after := ""; ; {
		list, err := blobs.All(ctx, after, page)
		if err != nil {
			return fmt.Errorf("list blobs: %w", err)
		}
		for _, o := range list {
			after = o.Key
			r.Blobs++
			found, err := inBlob(ctx, blobs, o.Key, text)
			if err != nil {
				return fmt.Errorf("search blob: %w", err)
			}
			if found {
				r.Finds = append(r.Finds, Find{"blob " + o.Key, 1})
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

func inBlob(ctx context.Context, blobs *blob.Store, key, text string) (found bool, err error) {
	if strings.Contains(key, text) {
		return true, nil
	}
	rd, err := blobs.NewReader(ctx, key, 0, -1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rd.Close()) }()
	return contains(rd, []byte(text))
}

// contains reports whether a stream holds the bytes, also across the borders of what is read at a time.
func contains(rd io.Reader, needle []byte) (bool, error) {
	buf := make([]byte, 0, 256<<10)
	for {
		n, err := rd.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if bytes.Contains(buf, needle) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		keep := min(len(buf), len(needle)-1)
		copy(buf, buf[len(buf)-keep:])
		buf = buf[:keep]
	}
}

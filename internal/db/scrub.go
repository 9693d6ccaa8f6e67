package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"exeunt/exit/exitsql"
)

// Kinds of pages of a b-tree: SQLite, Database File Format, 1.6.
const (
	interiorIndex = 2
	interiorTable = 5
	leafIndex     = 10
	leafTable     = 13
)

// mostScrubbed bounds the pages of a file that is scrubbed: up to it a page that is no b-tree's begins with 0.
const mostScrubbed = 1 << 24

// Scrub overwrites what lies between the cells of a SQLite file's pages, from a page on, the first is 1, at most so many pages. What is
// deleted is overwritten at once (secure_delete), but where SQLite moves cells from page to page it leaves copies of them behind in a page's
// unused middle. Next is the page to go on with, 0 at the end. It does nothing on PostgreSQL, and needs a transaction.
func (d *DB) Scrub(ctx context.Context, from int64, pages int) (next int64, err error) {
	tx, ok := exitsql.Tx(ctx)
	if !ok {
		return 0, errors.New("scrub: no transaction in the context")
	}
	if !d.SQLite() {
		return 0, nil
	}
	var count, size int64
	if err := tx.QueryRowContext(ctx, `select c.page_count, s.page_size from pragma_page_count c, pragma_page_size s`).Scan(&count, &size); err != nil {
		return 0, fmt.Errorf("scrub: %w", err)
	}
	if count >= mostScrubbed {
		return 0, nil
	}
	read, err := tx.PrepareContext(ctx, `select data from sqlite_dbpage where pgno = $1`)
	if err != nil {
		return 0, fmt.Errorf("scrub: %w", err)
	}
	defer func() { err = errors.Join(err, read.Close()) }()
	last := min(count, from+int64(pages)-1)
	for n := max(from, 2); n <= last; n++ { // the first page holds the schema, and nothing of anybody
		var page []byte
		if err := read.QueryRowContext(ctx, n).Scan(&page); err != nil {
			return 0, fmt.Errorf("scrub page %d: %w", n, err)
		}
		if int64(len(page)) != size || !scrub(page) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `update sqlite_dbpage set data = $1 where pgno = $2`, page, n); err != nil {
			return 0, fmt.Errorf("scrub page %d: %w", n, err)
		}
	}
	if last == count {
		return 0, nil
	}
	return last + 1, nil
}

// scrub zeroes what lies between a page's list of cells and the first cell, and reports whether anything was there.
func scrub(page []byte) (changed bool) {
	header := 8
	switch page[0] {
	case interiorIndex, interiorTable:
		header = 12
	case leafIndex, leafTable:
	default:
		return false
	}
	begin := header + 2*int(binary.BigEndian.Uint16(page[3:]))
	end := int(binary.BigEndian.Uint16(page[5:]))
	if end == 0 {
		end = 65536
	}
	if begin > end || end > len(page) {
		return false
	}
	for i := begin; i < end; i++ {
		if page[i] != 0 {
			page[i], changed = 0, true
		}
	}
	return changed
}

package db

import "database/sql"

// Row is one row of a result.
type Row interface{ Scan(dest ...any) error }

// Scan reads all rows of a bounded result with fn and closes it.
func Scan[T any](rows *sql.Rows, fn func(Row) (T, error)) (out []T, err error) {
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	for rows.Next() {
		v, err := fn(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

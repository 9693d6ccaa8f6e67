package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"

	"exeunt/internal/db"
)

// statement is a query that was seen, with its arguments.
type statement struct {
	query string
	args  []any
}

// statements puts down the queries that go through a pool.
type statements struct {
	mu   sync.Mutex
	list []statement
}

func (s *statements) reset() { s.list = nil }

func (s *statements) put(query string, args []driver.NamedValue) {
	seen := statement{query: query}
	for _, a := range args {
		seen.args = append(seen.args, a.Value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, seen)
}

// watch gives a pool on the database whose queries are put down.
func (s *statements) watch(d *db.DB) (*sql.DB, error) {
	address, err := driverAddress(d)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{d.Reader.Driver(), address, s}), nil
}

type connector struct {
	driver  driver.Driver
	address string
	log     *statements
}

// Connect implements [driver.Connector].
func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.address)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(innerConn)
	if !ok {
		return nil, fmt.Errorf("a connection of %T cannot be watched", c.driver)
	}
	return watchedConn{inner, c.log}, nil
}

// Driver implements [driver.Connector].
func (c connector) Driver() driver.Driver { return c.driver }

// innerConn is what both databases' connections can do.
type innerConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnBeginTx
	driver.ConnPrepareContext
}

// watchedConn is a connection with a note of each query.
type watchedConn struct {
	innerConn
	log *statements
}

// QueryContext implements [driver.QueryerContext].
func (c watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.log.put(query, args)
	return c.innerConn.QueryContext(ctx, query, args)
}

// CheckNamedValue implements [driver.NamedValueChecker] with the driver's own, where it has one.
func (c watchedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.innerConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

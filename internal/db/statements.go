package db

import (
	"container/list"
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// mostStatements bounds the statements that a connection to SQLite keeps prepared. Lists of ids make a text for each length.
const mostStatements = 128

// preparing opens connections to SQLite that keep prepared what they ran: of a page's time more than a third went into reading the same
// statements again. PostgreSQL's driver does so itself.
type preparing struct {
	driver  driver.Driver
	address string
}

// Driver gives the driver beneath.
func (p preparing) Driver() driver.Driver { return p.driver }

// Connect opens a connection.
func (p preparing) Connect(context.Context) (driver.Conn, error) {
	c, err := p.driver.Open(p.address)
	if err != nil {
		return nil, err
	}
	below, ok := c.(connection)
	if !ok {
		return nil, errors.Join(errors.New("the driver of SQLite lacks what is asked of it"), c.Close())
	}
	return &preparedConn{connection: below, known: map[string]*prepared{}, order: list.New()}, nil
}

// connection is what is asked of the connection beneath.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// preparedConn is a connection with its statements, the last used first. Like every connection it is used by one goroutine at a time.
type preparedConn struct {
	connection
	known map[string]*prepared
	order *list.List
}

type prepared struct {
	driver.Stmt
	text  string
	place *list.Element
	busy  bool // its rows are being read
}

// keeps tells the statements that are worth keeping: single ones that change and read rows.
func keeps(text string) bool {
	text = strings.TrimSpace(text)
	word, _, _ := strings.Cut(text, " ")
	switch strings.ToLower(word) {
	case "select", "insert", "update", "delete", "with":
		return !strings.Contains(text, ";")
	}
	return false
}

// take gives the statement of a text, nil if it is not kept or being read.
func (c *preparedConn) take(ctx context.Context, text string) (*prepared, error) {
	if p := c.known[text]; p != nil {
		if p.busy {
			return nil, nil
		}
		c.order.MoveToFront(p.place)
		return p, nil
	}
	if !keeps(text) {
		return nil, nil
	}
	s, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p := &prepared{Stmt: s, text: text}
	p.place, c.known[text] = c.order.PushFront(p), p
	return p, c.shrink()
}

// shrink lets go of the statements that were used longest ago.
func (c *preparedConn) shrink() error {
	for e := c.order.Back(); e != nil && c.order.Len() > mostStatements; {
		p, before := e.Value.(*prepared), e.Prev()
		if !p.busy {
			c.order.Remove(e)
			delete(c.known, p.text)
			if err := p.Close(); err != nil {
				return err
			}
		}
		e = before
	}
	return nil
}

// QueryContext runs a statement that gives rows.
func (c *preparedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	p, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return c.connection.QueryContext(ctx, text, args)
	}
	rows, err := p.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	p.busy = true
	return &preparedRows{rows, p}, nil
}

// ExecContext runs a statement that gives none.
func (c *preparedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	p, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return c.connection.ExecContext(ctx, text, args)
	}
	return p.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// Close lets go of the statements and of the connection.
func (c *preparedConn) Close() error {
	var errs []error
	for _, p := range c.known {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, c.connection.Close())...)
}

// preparedRows gives its statement back when it is closed.
type preparedRows struct {
	driver.Rows
	of *prepared
}

func (r *preparedRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}

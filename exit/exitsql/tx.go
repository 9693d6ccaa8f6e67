package exitsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

type txKey struct{}

// carried is what a context carries: a transaction and what is to be done once it is committed.
type carried struct {
	tx    *sql.Tx
	hooks []func()
}

// WithTx gives a context that carries tx. Stores and holders that are handed it work inside tx;
// whoever began tx commits it, and then calls [Committed] with this context.
func WithTx(ctx context.Context, tx *sql.Tx) context.Context {
	return context.WithValue(ctx, txKey{}, &carried{tx: tx})
}

// Tx gives the transaction that ctx carries; ok is false if it carries none.
func Tx(ctx context.Context) (tx *sql.Tx, ok bool) {
	if c := carriedBy(ctx); c != nil {
		return c.tx, true
	}
	return nil, false
}

func carriedBy(ctx context.Context) *carried {
	c, _ := ctx.Value(txKey{}).(*carried)
	return c
}

// AfterCommit has fn run once, after the transaction that ctx carries is committed; it is
// dropped when the transaction is rolled back. Without a transaction fn runs at once. It
// must not be called from several goroutines with the same transaction.
func AfterCommit(ctx context.Context, fn func()) {
	if c := carriedBy(ctx); c != nil {
		c.hooks = append(c.hooks, fn)
		return
	}
	fn()
}

// Committed runs what [AfterCommit] collected, in its order. It is for those who commit a
// transaction of [WithTx] themselves; [InTx] calls it.
func Committed(ctx context.Context) {
	c := carriedBy(ctx)
	if c == nil {
		return
	}
	hooks := c.hooks
	c.hooks = nil
	for _, fn := range hooks {
		fn()
	}
}

// mostTries is how often a transaction is tried that collides with others.
const mostTries = 8

// InTx runs fn with a context that carries a transaction: the one that ctx carries already, which
// its own beginner commits, or else a new one of begin, which is committed when fn returns nil and
// rolled back otherwise. A new transaction that collides with another (PostgreSQL's serialization
// failure and deadlock, SQLite's busy) is tried again from the start, up to 8 times in all, so fn
// must have no effect outside it: those belong in [AfterCommit].
func InTx(ctx context.Context, begin func(context.Context) (*sql.Tx, error), fn func(ctx context.Context) error) error {
	if _, ok := Tx(ctx); ok {
		return fn(ctx)
	}
	var err error
	for range mostTries {
		if err = once(ctx, begin, fn); err == nil || !Collided(err) || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("give up after %d collisions: %w", mostTries, err)
}

func once(ctx context.Context, begin func(context.Context) (*sql.Tx, error), fn func(ctx context.Context) error) error {
	tx, err := begin(ctx)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback()
	in := WithTx(ctx, tx)
	if err := fn(in); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	Committed(in)
	return nil
}

// Collided reports whether err says that a transaction collided with another and may succeed when
// it is tried again. It knows drivers by the methods of their errors, not by their text.
func Collided(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return true
	}
	code := sqliteCode(err) & 0xff
	return code == 5 || code == 6 // SQLITE_BUSY, SQLITE_LOCKED
}

// Duplicate reports whether err says that a unique index refused a row.
func Duplicate(err error) bool {
	if sqlState(err) == "23505" { // unique_violation
		return true
	}
	code := sqliteCode(err)
	return code == 2067 || code == 1555 // SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY
}

func sqlState(err error) string {
	var e interface {
		error
		SQLState() string
	}
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

func sqliteCode(err error) int {
	var e interface {
		error
		Code() int
	}
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

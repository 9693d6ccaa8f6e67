package exitsql_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"

	"exeunt/exit/exitsql"
)

// counter makes a table with one number and gives a way to read it.
func counter(t *testing.T, d database) func() int {
	t.Helper()
	for _, statement := range []string{`create table counter (n integer)`, `insert into counter (n) values (0)`} {
		if _, err := d.writer.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() int {
		t.Helper()
		var n int
		if err := d.reader.QueryRowContext(t.Context(), `select n from counter`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func add(ctx context.Context, n int) error {
	tx, ok := exitsql.Tx(ctx)
	if !ok {
		return errors.New("no transaction")
	}
	_, err := tx.ExecContext(ctx, `update counter set n = n + $1`, n)
	return err
}

func TestUpdate(t *testing.T) {
	stop := errors.New("stop")
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		d := create(t)
		s, read := d.store(t), counter(t, d)
		var heard []string
		hear := func(ctx context.Context, what string) {
			exitsql.AfterCommit(ctx, func() { heard = append(heard, what) })
		}
		err := s.Update(t.Context(), func(ctx context.Context) error {
			hear(ctx, "outer")
			if err := add(ctx, 1); err != nil {
				return err
			}
			err := s.Update(ctx, func(ctx context.Context) error {
				hear(ctx, "inner")
				return add(ctx, 10)
			})
			if len(heard) != 0 {
				t.Errorf("before the commit were run: %v", heard)
			}
			return err
		})
		if n := read(); err != nil || n != 11 || !slices.Equal(heard, []string{"outer", "inner"}) {
			t.Errorf("a commit gave %v, wrote %d, ran %v", err, n, heard)
		}
		heard = nil
		err = s.Update(t.Context(), func(ctx context.Context) error {
			hear(ctx, "lost")
			return errors.Join(add(ctx, 100), stop)
		})
		if n := read(); !errors.Is(err, stop) || n != 11 || heard != nil {
			t.Errorf("a roll-back gave %v, left %d, ran %v", err, n, heard)
		}
		exitsql.AfterCommit(t.Context(), func() { heard = append(heard, "now") })
		if !slices.Equal(heard, []string{"now"}) {
			t.Errorf("without a transaction were run: %v", heard)
		}
	})
}

// TestWithTx: whoever began a transaction commits it, and then says so.
func TestWithTx(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		d := create(t)
		s, read := d.store(t), counter(t, d)
		tx, err := d.writer.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx := exitsql.WithTx(t.Context(), tx)
		ran := 0
		if err := s.Update(ctx, func(ctx context.Context) error {
			exitsql.AfterCommit(ctx, func() { ran++ })
			return add(ctx, 1)
		}); err != nil {
			t.Fatal(err)
		}
		if n := read(); n != 0 || ran != 0 {
			t.Errorf("before the commit the number is %d, and %d were run", n, ran)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		exitsql.Committed(ctx)
		exitsql.Committed(ctx)
		if n := read(); n != 1 || ran != 1 {
			t.Errorf("after the commit the number is %d, and %d were run, want 1 and 1", n, ran)
		}
	})
}

// TestCollision has two transactions of PostgreSQL collide: one of them is tried again.
func TestCollision(t *testing.T) {
	d := newPostgreSQL(t)
	read := counter(t, d)
	begin := func(ctx context.Context) (*sql.Tx, error) {
		return d.writer.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	}
	var both, wg sync.WaitGroup
	both.Add(2)
	var mu sync.Mutex
	tries, ran := 0, 0
	for range 2 {
		wg.Go(func() {
			first := true
			err := exitsql.InTx(t.Context(), begin, func(ctx context.Context) error {
				mu.Lock()
				tries++
				mu.Unlock()
				tx, _ := exitsql.Tx(ctx)
				var n int
				if err := tx.QueryRowContext(ctx, `select n from counter`).Scan(&n); err != nil {
					return err
				}
				if first { // both have read before one writes
					first = false
					both.Done()
					both.Wait()
				}
				exitsql.AfterCommit(ctx, func() {
					mu.Lock()
					ran++
					mu.Unlock()
				})
				_, err := tx.ExecContext(ctx, `update counter set n = $1`, n+1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := read(); n != 2 || tries < 3 || ran != 2 {
		t.Errorf("the number is %d after %d tries, %d commits were heard; want 2, at least 3, and 2", n, tries, ran)
	}
}

type collision struct{ code string }

func (c collision) Error() string    { return "collision" }
func (c collision) SQLState() string { return c.code }

func TestCollisionsAreBounded(t *testing.T) {
	d := newSQLite(t)
	for code, want := range map[string]int{"40001": 8, "40P01": 8, "23505": 1} {
		tries := 0
		err := exitsql.InTx(t.Context(), func(ctx context.Context) (*sql.Tx, error) { return d.writer.BeginTx(ctx, nil) }, func(context.Context) error {
			tries++
			return collision{code}
		})
		if !errors.Is(err, collision{code}) || tries != want {
			t.Errorf("%s: %v after %d tries, want %d", code, err, tries, want)
		}
	}
}

func TestDuplicate(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		d := create(t)
		if _, err := d.writer.ExecContext(t.Context(), `create table names (name text primary key)`); err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{false, true} {
			_, err := d.writer.ExecContext(t.Context(), `insert into names (name) values ('a')`)
			if got := exitsql.Duplicate(err); got != want {
				t.Errorf("insert %d: duplicate is %v for %v", i, got, err)
			}
		}
		_, err := d.writer.ExecContext(t.Context(), `insert into nowhere (name) values ('a')`)
		if exitsql.Duplicate(err) || exitsql.Collided(err) {
			t.Errorf("%v is no duplicate and no collision", err)
		}
	})
}

// TestMigrate: several servers may start at once, and again.
func TestMigrate(t *testing.T) {
	onBoth(t, func(t *testing.T, create func(t testing.TB) database) {
		d := create(t)
		s, err := exitsql.Open(t.Context(), exitsql.Config{Writer: d.writer, Reader: d.reader, Dialect: d.dialect})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := s.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var n int
		if err := d.reader.QueryRowContext(t.Context(), `select count(*) from exit_migrations`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d migrations are put down (%v), want 1", n, err)
		}
		if _, err := exitsql.Open(t.Context(), exitsql.Config{}); err == nil {
			t.Error("a store without a database was opened")
		}
	})
}

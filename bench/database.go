package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"exeunt/exit/exitsql"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/server"
)

// The databases.
const (
	sqlite   = "SQLite"
	postgres = "PostgreSQL"
)

// install is an Exeunt install that is measured: its folder and its database.
type install struct {
	env     *env
	engine  string
	data    string
	address string // of PostgreSQL; "": the SQLite file in data
	name    string // of the database on PostgreSQL
}

// newInstall makes an empty install.
func (e *env) newInstall(ctx context.Context, engine string) (*install, error) {
	i, err := e.place(engine)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(i.data, 0o700); err != nil {
		return nil, fmt.Errorf("make install: %w", err)
	}
	if engine == postgres {
		if _, err := e.admin.ExecContext(ctx, "create database "+i.name); err != nil {
			return nil, fmt.Errorf("make database: %w", err)
		}
	}
	return i, nil
}

// place names a new install.
func (e *env) place(engine string) (*install, error) {
	e.made++
	i := &install{env: e, engine: engine, data: filepath.Join(e.dir, fmt.Sprintf("install-%d", e.made))}
	if engine == sqlite {
		return i, nil
	}
	address, err := url.Parse(os.Getenv("EXEUNT_TEST_POSTGRES"))
	if err != nil || address.Host == "" {
		return nil, errors.New("EXEUNT_TEST_POSTGRES names no PostgreSQL: start one with `eval \"$(make services)\"`, or choose EXEUNT_TEST_DATABASES=sqlite")
	}
	if e.admin == nil {
		if e.admin, err = sql.Open("pgx", address.String()); err != nil {
			return nil, fmt.Errorf("open PostgreSQL: %w", err)
		}
		e.later(e.admin.Close)
	}
	// Tests drop databases of this form whose process has ended, so what a killed run leaves goes too.
	i.name = fmt.Sprintf("exeunt_test_%d_bench%d", os.Getpid(), e.made)
	address.Path = "/" + i.name
	i.address = address.String()
	e.later(func() error { return i.dropDatabase(context.Background()) })
	return i, nil
}

// keptInstall gives the install of a name that an earlier run has kept, with made true, or an empty one.
func (e *env) keptInstall(ctx context.Context, engine, name string) (i *install, made bool, err error) {
	if e.keep == "" {
		i, err = e.newInstall(ctx, engine)
		return i, false, err
	}
	placed, err := e.place(engine)
	if err != nil {
		return nil, false, err
	}
	kept := *placed // the other is dropped at the end
	i = &kept
	i.data = filepath.Join(e.keep, name+"-"+engine)
	if engine == postgres {
		address, err := url.Parse(i.address)
		if err != nil {
			return nil, false, err
		}
		i.name = "exeunt_bench_" + name
		address.Path = "/" + i.name
		i.address = address.String()
	}
	if _, err := os.Stat(filepath.Join(i.data, "made")); err == nil {
		return i, true, nil
	}
	if err := errors.Join(i.drop(ctx), os.MkdirAll(i.data, 0o700)); err != nil {
		return nil, false, err
	}
	if engine == postgres {
		if _, err := e.admin.ExecContext(ctx, "create database "+i.name); err != nil {
			return nil, false, fmt.Errorf("make database: %w", err)
		}
	}
	return i, false, nil
}

// drop removes the install.
func (i *install) drop(ctx context.Context) error {
	return errors.Join(i.dropDatabase(ctx), os.RemoveAll(i.data))
}

func (i *install) dropDatabase(ctx context.Context) error {
	if i.engine == sqlite {
		return nil
	}
	if _, err := i.env.admin.ExecContext(ctx, "drop database if exists "+i.name+" with (force)"); err != nil {
		return fmt.Errorf("drop database: %w", err)
	}
	return nil
}

// copy makes an install with the same content. Nobody may have the old one open.
func (i *install) copy(ctx context.Context) (*install, error) {
	c, err := i.env.place(i.engine)
	if err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "cp", "-a", i.data, c.data).CombinedOutput(); err != nil { // keeps the modes of keys
		return nil, fmt.Errorf("copy install: %w: %s", err, out)
	}
	if i.engine == postgres {
		if _, err := i.env.admin.ExecContext(ctx, "create database "+c.name+" template "+i.name); err != nil {
			return nil, fmt.Errorf("copy database: %w", err)
		}
	}
	return c, i.env.calm(ctx, i.engine)
}

// calm has everything written down that was made before, so that it is not written while something is measured.
func (e *env) calm(ctx context.Context, engine string) error {
	if e.scale < 1 {
		return nil
	}
	if engine == postgres {
		if _, err := e.admin.ExecContext(ctx, "checkpoint"); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	syscall.Sync()
	return nil
}

// open puts the install together as the server does; its log is written and thrown away.
func (i *install) open(ctx context.Context) (*server.House, error) {
	return server.Open(ctx, server.Options{
		Data: i.data, Database: i.address, Host: "bench.example", Clock: clock.System{}, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
}

// flags are the options by which the exeunt command finds the install.
func (i *install) flags() []string {
	flags := []string{"--data", i.data}
	if i.address != "" {
		flags = append(flags, "--database", i.address)
	}
	return flags
}

// fill runs statements that make data, fast and without care for a crash, and brings what a database knows
// of its tables up to date.
func fill(ctx context.Context, d *db.DB, statements ...string) error {
	before, after := []string{}, []string{"vacuum analyze"}
	if d.Dialect == exitsql.SQLite { // no analyze: a server runs none there either
		before = []string{"pragma synchronous = off", "pragma cache_size = -500000"}
		after = []string{"pragma wal_checkpoint(truncate)", "pragma synchronous = full", "pragma cache_size = -4000"}
	}
	for _, s := range append(append(before, statements...), after...) {
		if _, err := d.Writer.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("fill: %w in %.200s", err, s)
		}
	}
	return nil
}

// series is the start of a statement that makes n rows, numbered i from 1 on.
func series(n int) string {
	return fmt.Sprintf("with recursive g (i) as (select cast(1 as bigint) union all select i + 1 from g where i < %d)", n)
}

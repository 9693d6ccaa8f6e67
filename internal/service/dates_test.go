package service_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
)

// TestEndingsHoldUpNobody has a reader of endings wait for a connection: whoever has one, in a transaction, gets its answer meanwhile.
func TestEndingsHoldUpNobody(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := db.Open(ctx, t.TempDir()+"/exeunt.db", clock.NewFake(dbtest.Start))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	d.Reader.SetMaxOpenConns(1)
	only, err := d.Reader.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	desk := service.NewDesk(d, &service.Registry{})
	waits := d.Reader.Stats().WaitCount
	read := make(chan error)
	go func() {
		_, err := desk.Endings(ctx)
		read <- err
	}()
	for d.Reader.Stats().WaitCount == waits && ctx.Err() == nil {
		runtime.Gosched()
	}
	answered := make(chan error)
	go func() {
		answered <- d.Update(ctx, func(ctx context.Context) error {
			_, err := desk.Endings(ctx)
			return err
		})
	}()
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-ctx.Done():
		t.Error("who has a connection waits for who waits for one")
	}
	if err := only.Close(); err != nil {
		t.Error(err)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

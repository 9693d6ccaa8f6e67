package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// connections is how many requests are under way at once.
const connections = 16

// target is where load goes: requests by turns, or made one by one.
type target struct {
	address  string
	requests [][]byte
	make     func(n int64) []byte // in place of requests
	want     int                  // the status of each answer; 0: 200
	next     atomic.Int64
}

func (t *target) request() []byte {
	n := t.next.Add(1)
	if t.make != nil {
		return t.make(n)
	}
	return t.requests[int(n)%len(t.requests)]
}

// ask sends the next request on a connection and reads the whole answer.
func (t *target) ask(l *line) error {
	status, err := l.ask(t.request())
	if want := max(t.want, http.StatusOK); err == nil && status != want {
		err = fmt.Errorf("answered %d, not %d", status, want)
	}
	return err
}

// line is one connection that stays open.
type line struct {
	net.Conn
	in *bufio.Reader
}

// ask sends a request, reads the whole answer and gives its status.
func (l *line) ask(request []byte) (int, error) {
	if _, err := l.Write(request); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// on runs fn on so many connections at once and waits for all.
func on(ctx context.Context, t *target, n int, fn func(l *line) error) error {
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.address)
		if err != nil {
			errs[i] = err
			break
		}
		wg.Go(func() {
			errs[i] = errors.Join(fn(&line{conn, bufio.NewReaderSize(conn, 64<<10)}), conn.Close())
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// asFastAsPossible asks again as soon as an answer is there, on each connection, and gives answers a second.
func asFastAsPossible(ctx context.Context, t *target, lasting time.Duration) (float64, error) {
	var n atomic.Int64
	began := time.Now()
	err := on(ctx, t, connections, func(l *line) error {
		for time.Since(began) < lasting && ctx.Err() == nil {
			if err := t.ask(l); err != nil {
				return err
			}
			n.Add(1)
		}
		return nil
	})
	return float64(n.Load()) / time.Since(began).Seconds(), err
}

// atFixedTimes sends requests at fixed times, whether or not earlier ones were answered by then, and gives how long each
// took from the time at which it was to be sent.
func atFixedTimes(ctx context.Context, t *target, rate float64, lasting time.Duration) ([]time.Duration, error) {
	every := time.Duration(float64(time.Second) / max(rate, 1))
	due := make(chan time.Time, int(lasting/every)+2)
	go func() {
		defer close(due)
		alarm := time.NewTimer(0)
		defer alarm.Stop()
		end := time.Now().Add(lasting)
		for at := time.Now(); at.Before(end); at = at.Add(every) {
			alarm.Reset(-time.Since(at))
			select {
			case <-alarm.C:
			case <-ctx.Done():
				return
			}
			due <- at
		}
	}()
	var mu sync.Mutex
	var took []time.Duration
	err := on(ctx, t, connections, func(l *line) error {
		for at := range due {
			if err := t.ask(l); err != nil {
				return err
			}
			d := time.Since(at)
			mu.Lock()
			took = append(took, d)
			mu.Unlock()
		}
		return nil
	})
	return took, err
}

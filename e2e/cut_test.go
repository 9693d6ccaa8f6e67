package e2e_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// line stands between a browser and an install, and can be cut while a file is on its way.
type line struct {
	to      string
	limit   atomic.Int64 // bytes from the browser that the next connection with more of them does not survive; 0: none
	cuts    atomic.Int64
	through atomic.Int64 // bytes from the browser on connections that were cut
}

// lineTo gives an install behind a line of its own: the same, at another address.
func lineTo(t *testing.T, in *install) (*install, *line) {
	t.Helper()
	l := &line{to: strings.TrimPrefix(in.url, "http://")}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // the line is taken down
			}
			go l.carry(from)
		}
	}()
	behind := *in
	behind.url = "http://" + listener.Addr().String()
	return &behind, l
}

// cut has the next connection break on which so many bytes have come from the browser.
func (l *line) cut(after int64) { l.limit.Store(after) }

// carry carries one connection until either end or the line itself breaks it off.
func (l *line) carry(from net.Conn) {
	defer from.Close() //nolint:errcheck // it is broken off, whatever it says to that
	to, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer to.Close() //nolint:errcheck // as above
	go func() {
		_, _ = io.Copy(from, to) // ends when either end does
		_ = from.Close()
	}()
	buf, carried := make([]byte, 32<<10), int64(0)
	for {
		n, err := from.Read(buf)
		if _, e := to.Write(buf[:n]); errors.Join(err, e) != nil {
			return
		}
		carried += int64(n)
		if limit := l.limit.Load(); limit > 0 && carried > limit && l.limit.CompareAndSwap(limit, 0) {
			l.cuts.Add(1)
			l.through.Add(carried)
			return
		}
	}
}

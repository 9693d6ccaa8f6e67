package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/server"
	"exeunt/internal/who"
)

// What the child is told in its environment.
const (
	homeData     = "EXEUNT_BENCH_DATA"
	homeDatabase = "EXEUNT_BENCH_DATABASE"
	homeProfile  = "EXEUNT_BENCH_PROFILE"
)

// profileSignal begins a profile in the child, and ends it.
const profileSignal = syscall.SIGUSR1

// serveHome is the child: it serves the house and the bare handler on two addresses, and prints
// "home PAGE BARE QUERIES/BYTES COOKIE…".
func serveHome(ctx context.Context) (err error) {
	i := &install{data: os.Getenv(homeData), address: os.Getenv(homeDatabase)}
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	bare := &bareHandler{db: h.DB.Reader, seen: map[string][]statement{}}
	line, err := bare.learn(ctx, h)
	if err != nil {
		return err
	}
	pageAt, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	bareAt, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	beside := &http.Server{Handler: bare, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- h.Serve(ctx, pageAt) }()
	go func() { failed <- beside.Serve(bareAt) }()
	fmt.Printf("home %s %s %s\n", pageAt.Addr(), bareAt.Addr(), line)
	return errors.Join(watched(failed), beside.Close())
}

// watched waits until serving has failed or ended, and records a profile from one signal to the next.
func watched(failed <-chan error) error {
	wanted := make(chan os.Signal, 1)
	signal.Notify(wanted, profileSignal)
	for {
		select {
		case <-wanted:
			if err := recordProfile(os.Getenv(homeProfile), func() error {
				fmt.Println("profile begins")
				<-wanted
				return nil
			}); err != nil {
				return err
			}
			fmt.Println("profile ends")
		case err := <-failed:
			return err
		}
	}
}

// bareHandler asks the database what a page asked, reads every row, and answers with nothing.
type bareHandler struct {
	db   *sql.DB
	seen map[string][]statement // by the session's cookie
}

// learn makes each viewer's page once and puts down its statements. It gives the last part of the child's line.
func (b *bareHandler) learn(ctx context.Context, h *server.House) (string, error) {
	log := &statements{}
	pool, err := log.watch(h.DB)
	if err != nil {
		return "", err
	}
	reader := h.DB.Reader
	defer func() { h.DB.Reader = reader }()
	var text string
	most, size := 0, 0
	for n := range viewers {
		cookie, err := h.Accounts.Begin(ctx, who.ID(1+n), who.ID(1+n), "")
		if err != nil {
			return "", err
		}
		h.DB.Reader = pool
		log.reset()
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		req.Header.Set("Cookie", "session="+cookie)
		answer := httptest.NewRecorder()
		h.Handler().ServeHTTP(answer, req)
		h.DB.Reader = reader
		if answer.Code != http.StatusOK {
			return "", fmt.Errorf("the page answers %d", answer.Code)
		}
		b.seen[cookie] = log.list
		most, size = max(most, len(log.list)), max(size, answer.Body.Len())
		text += " " + cookie
	}
	return fmt.Sprintf("%d/%d%s", most, size, text), pool.Close()
}

// ServeHTTP implements [http.Handler].
func (b *bareHandler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	cookie, err := req.Cookie("session")
	if err != nil {
		http.Error(w, "no cookie", http.StatusBadRequest)
		return
	}
	for _, s := range b.seen[cookie.Value] {
		if err := s.run(req.Context(), b.db); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}

// run asks again and reads every row.
func (s statement) run(ctx context.Context, d *sql.DB) error {
	rows, err := d.QueryContext(ctx, s.query, s.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// driverAddress gives what the database's driver opens.
func driverAddress(d *db.DB) (string, error) {
	if d.Dialect == exitsql.PostgreSQL {
		return d.URL, nil
	}
	abs, err := filepath.Abs(d.URL)
	return "file:" + (&url.URL{Path: abs}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=query_only(1)", err
}

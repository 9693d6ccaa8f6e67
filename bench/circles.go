package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"exeunt/internal/db"
)

// The load: requests and writes a second, sent at fixed times.
const (
	readsASecond  = 50
	writesASecond = 20
	serverPages   = 82 // public pages a second of a comparable server
)

// circles measures a community of 100,000 members with a million posts and five million comments, beside one with a tenth of the posts.
func circles(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	large := community{members: e.size(100_000, 2000), posts: e.size(1_000_000, 2000), comments: e.size(5_000_000, 10_000), circles: e.size(1000, 20)}
	small := large
	small.posts, small.comments = large.posts/10, large.comments/10
	for _, engine := range engines() {
		if err := e.circlesOn(ctx, r, engine, small, large); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
	}
	r.note("%d members, %d posts, %d comments, %d likes, %d circles: the first with all members and a tenth of the posts, half of all posts in the others, four of which each member is in. "+
		"The same with %d posts and %d comments beside it. %d viewers by turns follow %d accounts, block and mute some; a quarter of the searches is by guests. Texts are of %d words out of %d, by a fixed seed, "+
		"in one language and the other; the index is made by `exeunt search rebuild`'s own code. The server is a process of its own; requests are sent at fixed times, timed from then, with gzip; %d writes a second "+
		"(a post, two comments, two likes by turns, by %d people, through their forms) go on meanwhile. %d times %s of each page on either database by turns. Searches list the newest 20 and count up to \"more than 1,000\"; words fill such a list in either community, the rarest in the larger at most: their medians are not compared. "+
		"A comparable server answers %d public pages a second.",
		large.members, large.posts, large.comments, large.posts, large.circles, small.posts, small.comments, viewers, followsEach, wordsEach, vocabularySize, writesASecond, cityWriters, e.rounds, text(e.slice()), serverPages)
	return r, nil
}

// slice is how long one page of one database is asked for at a time.
func (e *env) slice() time.Duration {
	return max(200*time.Millisecond, time.Duration(float64(4*time.Second)*e.scale))
}

func (e *env) circlesOn(ctx context.Context, r *report, engine string, small, large community) (err error) {
	var servers []*circlesServer
	var texts []string
	for _, c := range []community{small, large} {
		i, t, err := e.community(ctx, engine, c)
		if err != nil {
			return err
		}
		if e.keep == "" {
			defer func() { err = errors.Join(err, i.drop(ctx)) }()
		}
		s, err := i.serveCommunity(ctx, c)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.end()) }()
		servers, texts = append(servers, s), t
	}
	if err := e.calm(ctx, engine); err != nil {
		return err
	}
	for _, v := range views(newVocabulary().questions(texts)) {
		if err := e.viewed(ctx, r, engine, v, servers[0], servers[1]); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	if err := e.guestPages(ctx, r, engine, servers[1]); err != nil {
		return err
	}
	r.beside("memory of the server, most", engine, mebibytes(memory(servers[1].Process.Pid, "VmHWM")))
	return weigh(ctx, r, engine, servers[1])
}

// community gives an install with a community and its index, and some of its texts.
func (e *env) community(ctx context.Context, engine string, c community) (*install, []string, error) {
	i, made, err := e.keptInstall(ctx, engine, fmt.Sprintf("circles%d_%d", c.members, c.posts))
	if err != nil {
		return nil, nil, err
	}
	h, err := i.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !made {
		e.logf("circles on %s: make %d posts", engine, c.posts)
		if err := c.settle(ctx, h.DB); err != nil {
			return nil, nil, errors.Join(err, h.Close())
		}
		e.logf("circles on %s: make the index", engine)
		rebuild := func() error { // in one transaction: the index is written in large pieces
			return h.DB.Update(ctx, func(ctx context.Context) error {
				if !h.DB.SQLite() { // plans are kept from when the table was empty, and nothing renews them before the commit
					if _, err := h.DB.Exec(ctx, `set local plan_cache_mode = force_custom_plan`); err != nil {
						return err
					}
				}
				return h.RebuildSearch(ctx, nil)
			})
		}
		if err := e.indexed(ctx, h.DB, rebuild); err != nil {
			return nil, nil, errors.Join(err, h.Close())
		}
		e.logf("circles on %s: made", engine)
	}
	texts, err := c.someTexts(ctx, h.DB)
	err = errors.Join(err, h.Close())
	if err == nil && !made {
		err = os.WriteFile(filepath.Join(i.data, "made"), nil, 0o600)
	}
	return i, texts, err
}

// indexed runs fn, which makes the index, without care for a crash; PostgreSQL's own index on it is made afterwards.
func (e *env) indexed(ctx context.Context, d *db.DB, fn func() error) error {
	if d.SQLite() {
		for _, s := range []string{`pragma synchronous = off`, `pragma cache_size = -400000`} {
			if _, err := d.Writer.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("fill: %w in %s", err, s)
			}
		}
		return errors.Join(fn(), fill(ctx, d))
	}
	conn, err := d.Writer.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take connection: %w", err)
	}
	defer conn.Close() //nolint:errcheck // back into its pool
	if err := each(ctx, conn, `drop index search_docs_terms`); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	return each(ctx, conn, `set maintenance_work_mem = '1GB'`, `create index search_docs_terms on search_docs using gin (terms) with (fastupdate = off)`,
		`vacuum analyze`, `reset maintenance_work_mem`)
}

// someTexts gives texts of posts from all times.
func (c community) someTexts(ctx context.Context, d *db.DB) ([]string, error) {
	rows, err := d.Reader.QueryContext(ctx, `select text from posts where id % $1 = 7 % $1 and id < $2 and service = 'page' order by id limit 300`, max(1, c.posts/500), cityComments)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (t string, err error) { return t, r.Scan(&t) })
}

// viewed measures one page on both.
func (e *env) viewed(ctx context.Context, r *report, engine string, v view, small, large *circlesServer) error {
	took := map[*circlesServer][]time.Duration{}
	var wrote []time.Duration
	both := []*circlesServer{small, large}
	for _, s := range both { // warms caches up
		if _, err := atFixedTimes(ctx, &target{address: s.address, requests: v.requests(s)}, readsASecond, e.slice()/2); err != nil {
			return err
		}
	}
	for range e.rounds {
		for _, s := range both {
			read, write, err := e.besideWrites(ctx, s, v)
			if err != nil {
				return err
			}
			took[s], wrote = append(took[s], read...), append(wrote, write...)
		}
	}
	p99, x := percentile(took[large], 99), ratio(median(took[large]), median(took[small]))
	e.logf("circles on %s: %s: median %s, p99 %s; small: median %s, p99 %s; writes: median %s, p99 %s", engine, v.name, text(median(took[large])), text(p99),
		text(median(took[small])), text(percentile(took[small], 99)), text(median(wrote)), text(percentile(wrote, 99)))
	r.add(v.name+": 99th percentile (median)", engine, text(p99)+" ("+text(median(took[large]))+")", "< 50 ms", p99 < 50*time.Millisecond)
	if strings.HasSuffix(v.name, rarest) {
		x = 0
	} else {
		r.add("the same: median, many ÷ few posts", engine, times(x), "< 1.5×", x < 1.5)
	}
	r.beside("the writes meanwhile: 99th percentile (median)", engine, text(percentile(wrote, 99))+" ("+text(median(wrote))+")")
	if e.scale < 1 || p99 < 50*time.Millisecond && x < 1.5 {
		return nil
	}
	top, err := large.watch(ctx, large.profile, func() error {
		_, _, err := e.besideWrites(ctx, large, v)
		return err
	})
	r.profiles = append(r.profiles, profile{v.name + " on " + engine, top})
	return err
}

// besideWrites asks for a page at fixed times while others write.
func (e *env) besideWrites(ctx context.Context, s *circlesServer, v view) (read, wrote []time.Duration, err error) {
	done := make(chan error, 1)
	go func() {
		var err error
		wrote, err = atFixedTimes(ctx, s.writes(), writesASecond, e.slice())
		done <- err
	}()
	read, err = atFixedTimes(ctx, &target{address: s.address, requests: v.requests(s)}, readsASecond, e.slice())
	return read, wrote, errors.Join(err, <-done)
}

// guestPages measures own pages with twenty posts as a guest gets them, as many as there can be.
func (e *env) guestPages(ctx context.Context, r *report, engine string, s *circlesServer) error {
	var rates []float64
	pages := s.guests()
	for round := range e.rounds + 1 {
		rate, err := asFastAsPossible(ctx, pages, e.slice())
		if err != nil {
			return err
		}
		if round > 0 { // the first warms up
			rates = append(rates, rate)
		}
	}
	rate, aim := medianOf(rates), 50.0*serverPages
	e.logf("circles on %s: %.0f public pages a second", engine, rate)
	r.add("public page with 20 posts, by guests: a second, highest rate", engine, fmt.Sprintf("%.0f", rate), fmt.Sprintf("≥ %.0f (50 × %d)", aim, serverPages), rate >= aim)
	if e.scale < 1 || rate >= aim {
		return nil
	}
	top, err := s.watch(ctx, s.profile, func() error {
		_, err := asFastAsPossible(ctx, pages, e.slice())
		return err
	})
	r.profiles = append(r.profiles, profile{"public pages on " + engine, top})
	return err
}

// weigh measures what a browser loads for the home page, without images.
func weigh(ctx context.Context, r *report, engine string, s *circlesServer) error {
	const aim = 150_000
	for _, encoding := range []string{"identity", "gzip"} {
		sum := 0
		fetch := func(path string) (string, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
			if err != nil {
				return "", err
			}
			req.Header = http.Header{"Cookie": {"session=" + s.cookies[0]}, "Accept-Encoding": {encoding}, "Sec-Fetch-Site": {"none"}, "Accept-Language": {"zh"}}
			answer, err := http.DefaultTransport.RoundTrip(req) // does not decompress what was asked for by hand
			if err != nil {
				return "", err
			}
			defer answer.Body.Close()
			b, err := io.ReadAll(answer.Body)
			sum += len(b)
			return string(b), err
		}
		page, err := fetch("/")
		if err != nil {
			return err
		}
		if encoding == "gzip" {
			if page, err = unzipped(page); err != nil {
				return err
			}
		}
		html := sum
		for _, address := range addresses(page) {
			if _, err := fetch(address); err != nil {
				return err
			}
		}
		name := map[string]string{"identity": "home page, HTML + CSS + JS, as it is (HTML alone)", "gzip": "the same as it is sent, gzipped"}[encoding]
		r.add(name, engine, fmt.Sprintf("%.1f KB (%.1f KB)", float64(sum)/1000, float64(html)/1000), "< 150 KB", sum < aim)
	}
	return nil
}

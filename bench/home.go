package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The data of the home page: who looks at it, and the ids of what was made.
const (
	viewers     = 10
	writers     = 1000 // the accounts of those who write are writers+1 …
	followsEach = 100
	circlesEach = 5
	circlePosts = 10 // one post in ten stands in a circle
)

// home measures the signed-in home page against a handler that asks the database the same and draws nothing.
func home(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	for _, engine := range engines() {
		if err := e.homeOn(ctx, r, engine); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
	}
	r.note("%d posts with an image each by %d accounts; %d viewers by turns follow %d accounts and are in %d circles each; 20 posts a page. The server is a process of its own, "+
		"with its access log written to nowhere; this process asks it on loopback over %d connections that stay open. The bare handler runs the statements that were seen "+
		"while the same viewer's page was made, with the same arguments, one after another, reads every row and answers with nothing. Both share the process, and each rate is the "+
		"highest that is reached when every connection asks again at once; at half of it requests are sent at fixed times and timed from then.",
		e.homePosts(), e.homeAccounts(), viewers, followsEach, circlesEach, connections)
	return r, nil
}

func (e *env) homePosts() int    { return e.size(1_000_000, 2000) }
func (e *env) homeAccounts() int { return e.size(10_000, 200) }

// city makes an install with all the posts.
func (e *env) city(ctx context.Context, engine string) (*install, error) {
	i, err := e.newInstall(ctx, engine)
	if err != nil {
		return nil, err
	}
	h, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	n, people := e.homePosts(), e.homeAccounts()
	circles := max(20, people/100)
	statements := append(accounts(0, viewers), accounts(writers, people)...)
	statements = append(statements,
		fmt.Sprintf(`insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at, ended_at) %s
			select i, '圈子' || i, '一起看船', 'open', '', 'open', 0, 0, %d, null from g`, series(circles), int64(seedTime)),
		fmt.Sprintf(`insert into circle_members (id, circle_id, account_id, role, state, created_at) %s
			select i, 1 + (i * 7) %% %d, 1 + (i - 1) / %d, 'member', 'active', %d from g where true on conflict do nothing`, series(viewers*circlesEach), circles, circlesEach, int64(seedTime)),
		fmt.Sprintf(`insert into follows (id, follower_id, followee_id, created_at) %s
			select i, 1 + (i - 1) / %d, %d + 1 + (i * 7919) %% %d, %d + i from g where true on conflict do nothing`, series(viewers*followsEach), followsEach, writers, people, int64(seedTime)),
		posts(ownPosts, n, writers, people, 1),
		fmt.Sprintf(`update posts set service = 'circle', place_id = 1 + (id * 31) %% %d where id %% %d = 0`, circles, circlePosts),
		fmt.Sprintf(`update posts set text = text || ' @{' || (%d + 1 + id %% %d) || '}' where id %% 7 = 0`, writers, people),
		fmt.Sprintf(`insert into post_images (id, post_id, author_id, position, key, thumb, type, width, height, bytes, alt, missing)
			select p.id + 10000000, p.id, p.author_id, 0, %s || '.jpg', %s || '.t.jpg', 'image/jpeg', 1600, 1200, 240000, '河上的船', '' from posts p`, imageKey, imageKey),
		likes(10_000_000, e.size(200_000, 1000), fmt.Sprintf("%d + 1 + i * 31 %% %d", writers, people), fmt.Sprintf("%d + 1 + (i * 7919) %% %d", ownPosts, n)),
	)
	err = fill(ctx, h.DB, append(statements, counted()...)...)
	return i, errors.Join(err, h.Close())
}

// imageKey is an expression for a key as the blob store makes them, with the post's id for randomness.
var imageKey = func() string {
	digits := `cast(p.id as text)`
	for _, pair := range []string{"0a", "1b", "8c", "9d"} { // base32 has none of these digits
		digits = fmt.Sprintf("replace(%s, '%c', '%c')", digits, pair[0], pair[1])
	}
	return `p.author_id || '/posts/' || substr(` + digits + ` || 'abcdefghijklmnopqrstuvwxyz', 1, 26)`
}()

// homeTimes are the rates and the times of one database.
type homeTimes struct {
	pages, bare []float64
	half        [][]time.Duration
}

func (e *env) homeOn(ctx context.Context, r *report, engine string) (err error) {
	e.logf("home on %s: make %d posts", engine, e.homePosts())
	i, err := e.city(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.drop(ctx)) }()
	if err := e.calm(ctx, engine); err != nil {
		return err
	}
	s, err := i.beginHome(ctx)
	if err != nil {
		return err
	}
	err = e.homeRates(ctx, r, s, engine)
	return errors.Join(err, s.end())
}

// homeServer is the child process that serves the page and the bare handler.
type homeServer struct {
	*process
	page, bare string // addresses
	cookies    []string
	queries    string // of one page, and where they were asked
	profile    string // the file of the profile that it writes on demand
}

// beginHome starts the child and reads what it says of itself.
func (i *install) beginHome(ctx context.Context) (*homeServer, error) {
	s := &homeServer{profile: i.data + "/home.pprof"}
	cmd, err := childOf(ctx, "home", i, s.profile)
	if err != nil {
		return nil, err
	}
	p, line, err := begin("home ", cmd)
	if err != nil {
		return nil, err
	}
	s.process = p
	fields := strings.Fields(line)
	if len(fields) != 3+viewers {
		return nil, errors.Join(fmt.Errorf("the child said %q", line), p.end())
	}
	s.page, s.bare, s.queries, s.cookies = fields[0], fields[1], fields[2], fields[3:]
	return s, nil
}

func (e *env) homeRates(ctx context.Context, r *report, s *homeServer, engine string) error {
	lasting := max(300*time.Millisecond, time.Duration(float64(4*time.Second)*e.scale))
	page, bare := s.requests(s.page, "/"), s.requests(s.bare, "/")
	var t homeTimes
	if _, err := asFastAsPossible(ctx, page, lasting); err != nil { // warms caches up
		return err
	}
	for round := range e.rounds {
		a, err := asFastAsPossible(ctx, page, lasting)
		if err != nil {
			return err
		}
		b, err := asFastAsPossible(ctx, bare, lasting)
		if err != nil {
			return err
		}
		t.pages, t.bare = append(t.pages, a), append(t.bare, b)
		took, err := atFixedTimes(ctx, page, medianOf(t.pages)/2, lasting)
		if err != nil {
			return err
		}
		t.half = append(t.half, took)
		e.logf("home on %s: round %d: %.0f pages a second, bare %.0f, p99 at half %s", engine, round+1, a, b, text(percentile(took, 99)))
	}
	e.homeReport(r, s, engine, t)
	if !r.missedIn(engine) {
		return nil
	}
	return e.homeProfile(ctx, r, s, engine, lasting)
}

func (e *env) homeReport(r *report, s *homeServer, engine string, t homeTimes) {
	each := make([]float64, len(t.pages))
	for i := range each {
		each[i] = t.bare[i] / max(t.pages[i], 1e-9)
	}
	x := medianOf(each)
	r.beside("home pages a second, highest rate", engine, fmt.Sprintf("%.0f", medianOf(t.pages)))
	r.beside("bare handler, highest rate", engine, fmt.Sprintf("%.0f", medianOf(t.bare)))
	r.add("bare ÷ page", engine, times(x), "≤ 2×", x <= 2)
	count, size, _ := strings.Cut(s.queries, "/")
	queries, err := strconv.Atoi(count)
	r.add("queries a page, those of session and clock among them", engine, count, "≤ 6", err == nil && queries <= 6)
	r.beside("bytes of a page before compression", engine, size)
	var p99, p50 []time.Duration
	for _, took := range t.half {
		p99, p50 = append(p99, percentile(took, 99)), append(p50, median(took))
	}
	r.add("99th percentile at half of the highest rate", engine, spread(p99), "< 20 ms", median(p99) < 20*time.Millisecond)
	r.beside("median at half of the highest rate", engine, text(median(p50)))
	r.beside("memory of the server, most", engine, mebibytes(memory(s.Process.Pid, "VmHWM")))
}

// homeProfile has the child watch itself while it serves pages.
func (e *env) homeProfile(ctx context.Context, r *report, s *homeServer, engine string, lasting time.Duration) error {
	top, err := s.watch(ctx, s.profile, func() error {
		_, err := asFastAsPossible(ctx, s.requests(s.page, "/"), lasting)
		return err
	})
	r.profiles = append(r.profiles, profile{"home pages on " + engine, top})
	return err
}

// watch has a child watch itself, into a file, while fn runs, and gives where its time went.
func (p *process) watch(ctx context.Context, file string, fn func() error) (string, error) {
	if err := p.Process.Signal(profileSignal); err != nil {
		return "", err
	}
	if _, err := p.read("profile begins"); err != nil {
		return "", err
	}
	if err := fn(); err != nil {
		return "", err
	}
	if err := p.Process.Signal(profileSignal); err != nil {
		return "", err
	}
	if _, err := p.read("profile ends"); err != nil {
		return "", err
	}
	return topOf(ctx, file)
}

// requests are those of the viewers by turns.
func (s *homeServer) requests(address, path string) *target {
	t := &target{address: address}
	for _, cookie := range s.cookies {
		t.requests = append(t.requests, []byte("GET "+path+" HTTP/1.1\r\nHost: "+address+"\r\nCookie: session="+cookie+"\r\nAccept-Language: zh\r\n\r\n"))
	}
	return t
}

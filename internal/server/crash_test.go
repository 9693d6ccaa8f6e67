package server_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/leave"
	"exeunt/internal/server"
	"exeunt/internal/talk"
	"exeunt/internal/who"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// TestMain removes what the tests have built.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(built); err != nil {
		fmt.Fprintln(os.Stderr, "remove what was built:", err)
		code = 1
	}
	os.Exit(code)
}

// built is the folder of the command with its fail points; "" where it was not built.
var built string

// failing builds the command with its fail points, once.
var failing = sync.OnceValues(func() (name string, err error) {
	if built, err = os.MkdirTemp("", "exeunt-failpoint-"); err != nil {
		return "", err
	}
	name = filepath.Join(built, "exeunt")
	out, err := exec.Command("go", "build", "-tags", "failpoint", "-o", name, "exeunt/cmd/exeunt").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build with fail points: %w: %s", err, out)
	}
	return name, nil
})

// place is one copy of an install that is going to crash.
type place struct {
	dir      string // --data
	database string // "" is the SQLite file in dir
	media    string
	leaver   who.Viewer
}

func (p place) options() server.Options {
	return server.Options{Data: p.dir, Database: p.database, Media: p.media, Host: "exeunt.test"}
}

// run runs the command on the place and reports whether it killed itself at its n-th commit or blob call; 0 is never.
func (p place) run(t *testing.T, n int, args ...string) (killed bool) {
	t.Helper()
	name, err := failing()
	must(t, err, "build")
	args = append(args, "--data", p.dir)
	if p.database != "" {
		args = append(args, "--database", p.database)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), fmt.Sprint("EXEUNT_FAIL_AT=", n))
	out, err := cmd.CombinedOutput()
	var e *exec.ExitError
	if errors.As(err, &e) && e.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
	return false
}

// commands are the two halves of one whole closing.
var commands = [][]string{
	{"leave", "--account", "leaverone", "--journey", "close", "--yes"},
	{"clock", "+800h"},
}

// outcome is what one whole closing did.
type outcome struct {
	receipts map[string]string // of a step: items and bytes
	counts   string            // on the friend's post
}

// restart opens the place as a server does that is started again when the dead one's leases have run out, has the closing
// finished, and checks it.
func (p place) restart(t *testing.T) outcome {
	t.Helper()
	in := reopen(t, p.options(), clock.NewFake(clock.System{}.Now().Add(2*time.Minute)))
	if _, err := in.Leave.Replay(t.Context()); err != nil {
		t.Fatalf("replay: %v", err)
	}
	a, err := in.Accounts.ByName(t.Context(), "leaverone")
	if err != nil && exit.KindOf(err) != exit.NotFound {
		t.Fatal(err)
	}
	if err == nil && a.State == who.Active { // it died before the consent was committed
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(a.ID, ""), Journey: exit.Close})
	}
	in.travel(t, 34)
	return in.outcome(t, p.leaver)
}

// outcome checks a closing that is done: each step once, all of it certified, nothing left.
func (in *install) outcome(t *testing.T, leaver who.Viewer) outcome {
	t.Helper()
	ctx, o := t.Context(), outcome{receipts: map[string]string{}}
	var run string
	must(t, in.DB.Reader.QueryRowContext(ctx, `select id from exit_runs where journey = 'close'`).Scan(&run), "find run")
	in.wantRun(t, run, exit.RunSealed)
	for _, e := range in.wantCertificate(t, run).Certificate.Receipts {
		if o.receipts[e.Receipt.Step] != "" {
			t.Errorf("%s has two receipts", e.Receipt.Step)
		}
		o.receipts[e.Receipt.Step] = fmt.Sprint(e.Receipt.Items, " items, ", e.Receipt.Bytes, " bytes")
	}
	if n := in.leaves(t); n != int64(len(o.receipts)) {
		t.Errorf("the ledger has %d leaves, and the certificate %d receipts", n, len(o.receipts))
	}
	var likes, comments, rows int
	must(t, in.DB.Reader.QueryRowContext(ctx, `select likes, comments from posts where text = 'friendonewroteit'`).Scan(&likes, &comments), "read the friend's post")
	must(t, in.DB.Reader.QueryRowContext(ctx, `select (select count(*) from blob_pending) + (select count(*) from blob_doomed) + (select count(*) from jobs) + (select count(*) from outside_entries)`).Scan(&rows), "look for loose ends")
	if rows > 0 {
		t.Errorf("%d rows of unfinished work are left", rows)
	}
	o.counts = fmt.Sprint(likes, " likes, ", comments, " comments")
	in.wantNone(t, leaver, "leaveronewroteit", "leaveronedrewit", "leaveronesaidit")
	return o
}

// prepare fills a place for crashes: somebody with a post, a picture, a comment, likes, follows, and a friend.
func (p *place) prepare(t *testing.T) {
	t.Helper()
	ctx, o := t.Context(), p.options()
	o.Clock, o.Hash = clock.NewFake(clock.System{}.Now()), cheap
	h, err := server.Open(ctx, o)
	must(t, err, "open install")
	in := &install{House: h, Rooms: server.RoomsOf(h)}
	must(t, in.DB.MakeTrial(ctx, time.Time{}), "make trial install")
	leaver, friend := in.member(t, "leaverone"), in.member(t, "friendone")
	p.leaver = leaver
	for _, x := range [][2]who.Viewer{{leaver, friend}, {friend, leaver}} {
		must(t, in.Relations.Follow(ctx, x[0], x[1].Account), "follow")
		var post int64
		must(t, in.DB.Reader.QueryRowContext(ctx, `select id from posts where author_id = $1`, int64(x[1].Account)).Scan(&post), "find post")
		ref := who.Ref{Kind: "post", ID: who.ID(post)}
		must(t, in.Talk.Like(ctx, x[0], ref, false), "like")
		_, err := in.Talk.Comment(ctx, x[0], ref, talk.Draft{Text: x[0].Name + "saidit"})
		must(t, err, "comment")
	}
	must(t, h.Close(), "close install")
}

// copied gives a copy of the place: its folder, and on PostgreSQL its database and its part of the bucket.
func (p place) copied(t *testing.T) place {
	t.Helper()
	q := p
	q.dir = filepath.Join(t.TempDir(), "data")
	must(t, os.CopyFS(q.dir, os.DirFS(p.dir)), "copy folder")
	must(t, os.Chmod(filepath.Join(q.dir, "keys", "ledger"), 0o600), "keep the key to oneself")
	if p.database == "" {
		q.media = filepath.Join(q.dir, "media")
		return q
	}
	ctx := t.Context()
	u, err := url.Parse(p.database)
	must(t, err, "read address")
	name := strings.TrimPrefix(u.Path, "/")
	fresh := name[:strings.LastIndex(name, "_")] + "_" + strings.ToLower(rand.Text()[:10])
	admin, err := sql.Open("pgx", os.Getenv("EXEUNT_TEST_POSTGRES"))
	must(t, err, "connect")
	_, err = admin.ExecContext(ctx, `create database `+fresh+` template `+name)
	must(t, err, "copy database")
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.WithoutCancel(ctx), `drop database if exists `+fresh+` with (force)`)
		if err = errors.Join(err, admin.Close()); err != nil {
			t.Error(err)
		}
	})
	u.Path = "/" + fresh
	q.database, q.media = u.String(), media(t, p.database)
	must(t, q.moveMedia(ctx, p.media), "copy media")
	return q
}

// moveMedia copies the objects of another part of the bucket, and has the install remember its own.
func (p place) moveMedia(ctx context.Context, from string) (err error) {
	d, err := db.Open(ctx, p.database, clock.System{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.SetSetting(ctx, "media", p.media); err != nil {
		return err
	}
	source, err := blob.Open(ctx, from, d, clock.System{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	to, err := blob.Open(ctx, p.media, d, clock.System{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	objects, err := source.All(ctx, "", 1000)
	if err != nil {
		return err
	}
	for _, o := range objects {
		r, err := source.NewReader(ctx, o.Key, 0, -1)
		if err != nil {
			return err
		}
		if err := errors.Join(to.Restore(ctx, o.Key, blob.TypeOf(o.Key), r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// stages gives the place before each of the commands, and what the whole closing did without a crash.
func stages(t *testing.T, p place) (list []place, want outcome) {
	t.Helper()
	for _, command := range commands {
		list = append(list, p)
		p = p.copied(t)
		if p.run(t, 0, command...) {
			t.Fatalf("%v was killed, and nobody asked for it", command)
		}
	}
	want = p.restart(t)
	if len(want.receipts) < 10 || want.receipts["erase:post.posts"] == "" {
		t.Fatalf("a whole closing has the receipts %v", want.receipts)
	}
	return list, want
}

// crash runs a command on a copy until its n-th fail point, restarts, and compares. It reports whether there is an n-th.
func crash(t *testing.T, p place, command []string, n int, want outcome) (killed bool) {
	t.Helper()
	q := p.copied(t)
	killed = q.run(t, n, command...)
	got := q.restart(t)
	if !maps.Equal(got.receipts, want.receipts) || got.counts != want.counts {
		t.Errorf("died at %d of %s: receipts %v with %s, want %v with %s", n, command[0], got.receipts, got.counts, want.receipts, want.counts)
	}
	return killed
}

// hands is how many crashes go on at the same time: most of each is waiting for disks.
const hands = 6

// each runs cases, several at a time, until next has no more.
func each(t *testing.T, next func() (name string, fn func(t *testing.T), more bool)) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range hands {
		wg.Go(func() {
			for {
				mu.Lock()
				name, fn, more := next()
				mu.Unlock()
				if !more || t.Context().Err() != nil {
					return
				}
				t.Run(name, fn)
			}
		})
	}
	wg.Wait()
}

// TestCrashAnywhere kills a closing on SQLite after each of its commits and blob calls in turn.
func TestCrashAnywhere(t *testing.T) {
	if os.Getenv("EXEUNT_TEST_DATABASES") == "postgres" {
		return // its own test is TestCrashSomewhere
	}
	p := place{dir: filepath.Join(t.TempDir(), "data")}
	p.prepare(t)
	before, want := stages(t, p)
	for i, command := range commands {
		var killed atomic.Int64
		var ended atomic.Bool
		n := 0
		each(t, func() (string, func(t *testing.T), bool) {
			n++
			at := n
			return fmt.Sprint(command[0], at), func(t *testing.T) {
				if crash(t, before[i], command, at, want) {
					killed.Add(1)
				} else {
					ended.Store(true)
				}
			}, !ended.Load()
		})
		t.Logf("%s died at each of its %d commits and blob calls", command[0], killed.Load())
		if least := []int64{5, 50}[i]; killed.Load() < least {
			t.Errorf("%s died %d times, want at least %d: are the fail points there?", command[0], killed.Load(), least)
		}
	}
}

// crashes is how many random places to die are tried on PostgreSQL.
const crashes = 100

// TestCrashSomewhere kills a closing on PostgreSQL, with media in S3, at random places (of a seed).
func TestCrashSomewhere(t *testing.T) {
	if os.Getenv("EXEUNT_TEST_DATABASES") == "sqlite" {
		return // its own test is TestCrashAnywhere
	}
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		if !strings.HasPrefix(address, "postgres") {
			return
		}
		p := place{dir: filepath.Join(t.TempDir(), "data"), database: address, media: media(t, address)}
		p.prepare(t)
		before, want := stages(t, p)
		rng := mathrand.New(mathrand.NewPCG(2026, 11))
		var killed atomic.Int64
		left := crashes
		each(t, func() (string, func(t *testing.T), bool) {
			i := min(rng.IntN(6), 1) // most of a closing is in its second half
			n := 1 + rng.IntN([]int{8, 120}[i])
			left--
			return fmt.Sprint(commands[i][0], n), func(t *testing.T) {
				if crash(t, before[i], commands[i], n, want) {
					killed.Add(1)
				}
			}, left >= 0
		})
		if killed.Load() < crashes/2 {
			t.Errorf("only %d of %d runs died", killed.Load(), crashes)
		}
	})
}

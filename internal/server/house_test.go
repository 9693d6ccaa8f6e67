package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/clock"
	"exeunt/internal/dbtest"
	"exeunt/internal/server"
	"exeunt/internal/who"
	"exeunt/policies"
)

// cheap hashes passwords at a cost at which tests are quick.
var cheap = account.HashCost{KiB: 64, Passes: 1}

const password = "correct horse"

// install is a trial install on a database of its own, with media in a folder (SQLite) or a bucket (PostgreSQL).
type install struct {
	*server.House
	server.Rooms
	options server.Options
	machine *clock.Fake
	log     *lines
}

// mailbox takes all e-mail.
type mailbox struct{}

func (mailbox) Send(context.Context, string, []byte) error { return nil }

func (mailbox) Sender() mail.Address { return mail.Address{Address: "notices@exeunt.test"} }

// lines keeps what was logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}

// eachInstall runs fn on a trial install on each engine. Archives are kept for years there: tests compare what is
// left after weeks.
func eachInstall(t *testing.T, fn func(t *testing.T, in *install)) {
	t.Helper()
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		in := newInstall(t, address)
		if err := in.DB.MakeTrial(t.Context(), dbtest.Start); err != nil {
			t.Fatal(err)
		}
		fn(t, in)
	})
}

// newInstall opens an install that is no trial install yet.
func newInstall(t *testing.T, address string) *install {
	t.Helper()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	text := bytes.Replace(policies.Default(), []byte("keep: 7d"), []byte("keep: 5y"), 1)
	if err := os.WriteFile(policy, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := server.Options{Data: filepath.Join(dir, "data"), Database: address, Policy: policy, Host: "exeunt.test", Media: media(t, address), Mail: mailbox{}}
	return reopen(t, o, clock.NewFake(dbtest.Start))
}

// media gives where an install on a database keeps its media: a folder of its own, or a part of the tests' bucket.
func media(t *testing.T, address string) string {
	t.Helper()
	if !strings.HasPrefix(address, "postgres") {
		return filepath.Join(t.TempDir(), "media")
	}
	bucket := os.Getenv("EXEUNT_TEST_S3")
	if bucket == "" {
		t.Fatal("EXEUNT_TEST_S3 is not set. Start the services with `eval \"$(make services)\"`, or leave PostgreSQL out with EXEUNT_TEST_DATABASES=sqlite.")
	}
	return bucket + "&prefix=" + url.QueryEscape("server-"+strings.ToLower(rand.Text())+"/")
}

// reopen opens an install with options of an earlier one.
func reopen(t *testing.T, o server.Options, machine *clock.Fake) *install {
	t.Helper()
	log := &lines{}
	o.Log, o.Clock, o.Hash = slog.New(slog.NewJSONHandler(log, nil)), machine, cheap
	h, err := server.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open install: %v", err)
	}
	in := &install{House: h, Rooms: server.RoomsOf(h), options: o, machine: machine, log: log}
	t.Cleanup(func() {
		if strings.HasPrefix(o.Media, "s3:") {
			in.emptyBucket(t)
		}
		if err := h.Close(); err != nil {
			t.Errorf("close install: %v", err)
		}
	})
	return in
}

// emptyBucket removes the test's objects. The test's own context has ended by then.
func (in *install) emptyBucket(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	objects, err := in.Blobs.All(ctx, "", 1000)
	if err != nil {
		t.Error(err)
	}
	for _, o := range objects {
		if err := in.Blobs.Delete(ctx, o.Key); err != nil {
			t.Error(err)
		}
	}
}

// still is a wait for others who work: in these tests nobody else does.
func still(context.Context) error { return fmt.Errorf("something that is due is not done") }

// settle has all that is due done.
func (in *install) settle(t *testing.T) {
	t.Helper()
	if err := in.Settle(t.Context(), still); err != nil {
		t.Fatalf("settle: %v\n%s", err, in.log.Bytes())
	}
}

// travel moves the promise clock forward by days, due date by due date.
func (in *install) travel(t *testing.T, days int) {
	t.Helper()
	if err := in.Travel(t.Context(), time.Duration(days)*24*time.Hour, still); err != nil {
		t.Fatalf("travel: %v\n%s", err, in.log.Bytes())
	}
}

// agree agrees a journey to the plan that is previewed.
func (in *install) agree(t *testing.T, ask exit.Ask) exit.Run {
	t.Helper()
	run, err := in.mayAgree(t.Context(), ask)
	if err != nil {
		t.Fatalf("agree %s of %s: %v", ask.Journey, ask.Subject, err)
	}
	return run
}

func (in *install) mayAgree(ctx context.Context, ask exit.Ask) (exit.Run, error) {
	plan, err := in.Engine.Preview(ctx, ask)
	if err != nil {
		return exit.Run{}, err
	}
	run, _, err := in.Leave.Agree(ctx, ask, plan.Hash(), "person")
	return run, err
}

// signUp makes a person with a personal account.
func (in *install) signUp(t *testing.T, name string) who.Viewer {
	t.Helper()
	c, err := in.Accounts.CreateAccount(t.Context(), name, account.Personal, password)
	if err != nil {
		t.Fatalf("sign up %s: %v", name, err)
	}
	return who.Viewer{Person: c.Person, Account: c.Account, Name: name, State: who.Active}
}

// runState gives the state of a run and its steps that are not as they should be in the end.
func (in *install) wantRun(t *testing.T, id string, want exit.RunState) exit.Run {
	t.Helper()
	run, steps, err := in.DB.Runs.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if run.State == want {
		return run
	}
	t.Errorf("run of %s %q is %s, want %s", run.Journey, run.Subject, run.State, want)
	for _, s := range steps {
		if !s.State.Ended() {
			t.Logf("%s is %s after %d attempts: %s", s.Key, s.State, s.Attempts, s.Problem)
		}
	}
	return run
}

// picture gives a PNG of one colour.
func picture(shade uint8) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 32, 32))
	for i := range 32 * 32 {
		img.Set(i%32, i/32, color.RGBA{shade, uint8(i), uint8(i / 32), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // it writes to memory
	}
	return b.Bytes()
}

// opens gives content again and again.
func opens(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// must stops the test at an error of what sets it up.
func must(t *testing.T, err error, doing string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// value is must with a value.
func value[T any](t *testing.T, doing string) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err, doing)
		return v
	}
}

// withoutCancel gives a test's context for its cleanups, which run when it has ended.
func withoutCancel(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

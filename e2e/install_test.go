package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // the scheme s3:// of the bucket

	"exeunt/internal/dbtest"
)

// install is one install of its own: the binary, a folder, a database and media.
type install struct {
	dir      string        // of the install: database, keys, list outside
	database string        // postgres://…; "" is the SQLite file in dir
	media    string        // s3://…; "" is the folder in dir
	url      string        // where it listens
	log      *lockedBuffer // of the server
	stop     func(t *testing.T)
}

// onEach runs fn on SQLite with media in a folder and on PostgreSQL with media in S3, as far as EXEUNT_TEST_DATABASES says.
func onEach(t *testing.T, fn func(t *testing.T, in *install)) {
	t.Helper()
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		in := &install{dir: t.TempDir()}
		if strings.HasPrefix(address, "postgres") {
			bucket := os.Getenv("EXEUNT_TEST_S3")
			if bucket == "" {
				t.Fatal("EXEUNT_TEST_S3 is not set: start the servers with `eval \"$(make services)\"`, or run `make test`")
			}
			prefix := "e2e-" + strings.ToLower(rand.Text()[:10]) + "/"
			in.database, in.media = address, bucket+"&prefix="+prefix
			t.Cleanup(func() { emptyBucket(t, bucket, prefix) })
		}
		fn(t, in)
	})
}

// emptyBucket deletes what an install has left in the bucket that all tests share.
func emptyBucket(t *testing.T, address, prefix string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // the test's own has ended
	defer cancel()
	bucket, err := blob.OpenBucket(ctx, address)
	must(t, err)
	for list := bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		must(t, bucket.Delete(ctx, o.Key))
	}
	must(t, bucket.Close())
}

// serve starts `exeunt serve` and returns when it listens. When the test ends it is asked to stop and must do so cleanly.
func (in *install) serve(t *testing.T, args ...string) (printed []string) {
	t.Helper()
	all := append([]string{"serve", "--listen", "127.0.0.1:0", "--host", "exeunt.example"}, args...)
	if in.media != "" {
		all = append(all, "--media", in.media)
	}
	cmd := exec.Command(binary, append(all, in.place()...)...)
	log := &lockedBuffer{}
	in.log, cmd.Stderr = log, log
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	in.stop = func(t *testing.T) {
		t.Helper()
		in.stop = func(*testing.T) {}
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		for range lines { // what it prints to its end
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("exeunt serve ended with %v\n%s", err, log.tail())
		}
		if s := log.String(); strings.Contains(s, `"level":"ERROR"`) {
			t.Errorf("exeunt serve logged errors:\n%s", log.errors())
		}
	}
	t.Cleanup(func() { in.stop(t) })
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("exeunt serve ended before it listened\n%s", log.tail())
			}
			printed = append(printed, line)
			if address, ok := strings.CutPrefix(line, "listening on "); ok {
				in.url = address
				return printed
			}
		case <-deadline.C:
			t.Fatalf("exeunt serve does not listen\n%s", log.tail())
		}
	}
}

// place gives the options that name this install.
func (in *install) place() []string {
	out := []string{"--data", in.dir}
	if in.database != "" {
		out = append(out, "--database", in.database)
	}
	return out
}

// command runs a command of the command line with --json and gives what it printed.
func (in *install) command(t *testing.T, args ...string) (out map[string]any, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"--json"}, args...)...)
	if !offline(args[0]) {
		cmd.Args = append(cmd.Args, in.place()...)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Stdin = strings.NewReader(password + "\n")
	err = cmd.Run()
	if stdout.Len() > 0 {
		if e := json.Unmarshal(stdout.Bytes(), &out); e != nil {
			t.Fatalf("exeunt %s does not print one JSON object: %v\n%s", strings.Join(args, " "), e, stdout.String())
		}
	}
	if err != nil {
		err = fmt.Errorf("exeunt %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out, err
}

// offline commands are about a file alone.
func offline(command string) bool { return command == "verify" || command == "version" }

// do runs a command that must succeed.
func (in *install) do(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out, err := in.command(t, args...)
	must(t, err)
	return out
}

// travel moves the promise clock and has all that falls due done.
func (in *install) travel(t *testing.T, by string) {
	t.Helper()
	in.do(t, "clock", by)
}

// residue gives in how many places something is left, and says in the test's log which.
func (in *install) residue(t *testing.T, flag, what string) int {
	t.Helper()
	out, err := in.command(t, "residue", flag, what)
	found, ok := out["found"].(float64)
	if !ok {
		t.Fatalf("exeunt residue %s %s: %v: %v", flag, what, out, err)
	}
	if (found > 0) != (err != nil) {
		t.Errorf("exeunt residue %s %s found %v and ended with %v", flag, what, found, err)
	}
	if found > 0 {
		t.Logf("%s is left: %v", flag, out["finds"])
	}
	return int(found)
}

// account makes an account through the command line and gives its id.
func (in *install) account(t *testing.T, name string, options ...string) string {
	t.Helper()
	id, _ := in.do(t, append([]string{"account", "create", name}, options...)...)["account"].(string)
	if id == "" {
		t.Fatalf("exeunt account create %s gives no id", name)
	}
	return id
}

// export writes an archive of an account through the command line.
func (in *install) export(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".zip")
	in.do(t, "export", "--account", name, "--out", out)
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// readAll reads r to its end and closes it.
func readAll(t *testing.T, r io.ReadCloser) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	must(t, err)
	must(t, r.Close())
	return b
}

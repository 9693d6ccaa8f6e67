package main // a command has no public names to test from outside

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRunningAsksTheServers plants the variables of servers that are there, partly there and gone.
func TestRunningAsksTheServers(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}()
	up := listener.Addr().String()
	const down = "127.0.0.1:1"
	variables := func(postgres, s3 string) string {
		return "export EXEUNT_TEST_POSTGRES='postgres://postgres:x=y@" + postgres + "/postgres'\n" +
			"export EXEUNT_TEST_S3='s3://exeunt-test?endpoint=http%3A%2F%2F" + s3 + "'\n"
	}
	for _, test := range []struct {
		name, file string
		want       bool
	}{
		{"both answer", variables(up, up), true},
		{"no PostgreSQL", variables(down, up), false},
		{"no S3", variables(up, down), false},
		{"written halfway", "export EXEUNT_TEST", false},
		{"empty", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := services{dir: t.TempDir()}
			if err := os.WriteFile(s.envFile(), []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			env, running := s.running(t.Context())
			if running != test.want {
				t.Errorf("running is %v, want %v", running, test.want)
			}
			address := "EXEUNT_TEST_POSTGRES=postgres://postgres:x=y@" + up + "/postgres"
			if running && !slices.Contains(env, address) {
				t.Errorf("%q is missing from %q", address, env)
			}
			if video := "EXEUNT_TEST_VIDEO=" + filepath.Join(s.dir, "videos", "big-buck-bunny.mp4"); running && !slices.Contains(env, video) {
				t.Errorf("%q is missing from %q", video, env)
			}
		})
	}
	if _, running := (services{dir: filepath.Join(t.TempDir(), "absent")}).running(t.Context()); running {
		t.Error("servers are said to run that were never started")
	}
}

// TestStopWithoutServers asks that stopping twice, or what never ran, is no error, and that a process id which now
// belongs to another program is left alone.
func TestStopWithoutServers(t *testing.T) {
	t.Parallel()
	s := services{dir: t.TempDir()}
	if err := s.stop(t.Context()); err != nil {
		t.Error(err)
	}
	if isProgram(os.Getpid(), "versitygw") {
		t.Error("this test is taken for the S3 server")
	}
}

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // the scheme s3:// of the probe
)

// startTimeout bounds the start of one server; the first start also makes PostgreSQL's cluster.
const startTimeout = 2 * time.Minute

// services are the two servers that the tests talk to. They keep their data in dir, outside the work tree, and listen on
// 127.0.0.1 alone, on ports that were free when they were started.
type services struct {
	dir string
	// quick spares PostgreSQL waiting for the disk. Tests kill Exeunt's processes, never the machine: to them a commit that the system has is durable.
	quick bool
}

// envFile holds the variables that the tests read, one `export NAME='value'` a line, for a shell to source.
func (s services) envFile() string { return filepath.Join(s.dir, "env") }

// withVideo adds the variable of the real video that scripts/setup.sh has fetched, which a file of an older run lacks.
func (s services) withVideo(env []string) []string {
	for _, entry := range env {
		if strings.HasPrefix(entry, "EXEUNT_TEST_VIDEO=") {
			return env
		}
	}
	return append(env, "EXEUNT_TEST_VIDEO="+filepath.Join(s.dir, "videos", "big-buck-bunny.mp4"))
}

// exports writes variables for a shell to source.
func exports(env []string) string {
	var text strings.Builder
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		fmt.Fprintf(&text, "export %s='%s'\n", name, value)
	}
	return text.String()
}

// running returns the variables of servers that are already up, and false when there are none or one no longer answers.
func (s services) running(ctx context.Context) ([]string, bool) {
	file, err := os.Open(s.envFile())
	if err != nil {
		return nil, false
	}
	defer func() { _ = file.Close() }()
	var env []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if !ok {
			return nil, false
		}
		env = append(env, name+"="+strings.Trim(value, "'"))
	}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		address, err := url.Parse(value)
		switch {
		case err != nil:
			return nil, false
		case name == "EXEUNT_TEST_POSTGRES" && dial(ctx, address.Host) != nil:
			return nil, false
		case name == "EXEUNT_TEST_S3":
			endpoint, err := url.Parse(address.Query().Get("endpoint"))
			if err != nil || dial(ctx, endpoint.Host) != nil {
				return nil, false
			}
		}
	}
	if len(env) == 0 {
		return nil, false
	}
	return s.withVideo(env), true
}

// start brings both servers up, writes the variables to envFile and returns them as NAME=value.
func (s services) start(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// A server that outlived a half-finished start would hold the files of the next one.
	if err := s.stop(ctx); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder for test servers: %w", err)
	}
	postgres, err := s.startPostgres(ctx)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	s3, err := s.startS3(ctx)
	if err != nil {
		return nil, fmt.Errorf("start the S3 server: %w", err)
	}
	chromium, err := findProgram("chromium", "chromium-browser", "google-chrome")
	if err != nil {
		return nil, err
	}
	env := s.withVideo(append(s3, "EXEUNT_TEST_POSTGRES="+postgres, "EXEUNT_TEST_CHROMIUM="+chromium))
	if err := os.WriteFile(s.envFile(), []byte(exports(env)), 0o600); err != nil {
		return nil, fmt.Errorf("write the variables of the test servers: %w", err)
	}
	return env, nil
}

// stop ends both servers; one that does not run is no error.
func (s services) stop(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(s.dir, "postgres", "data", "postmaster.pid")); err == nil {
		// A pid file may be left from a crash, in which case there is nobody to stop and pg_ctl says so.
		if out, err := s.postgresTool(ctx, "pg_ctl", "stop", "-m", "immediate", "-w", "-D", s.postgresData()).CombinedOutput(); err != nil &&
			!strings.Contains(string(out), "No such process") && !strings.Contains(string(out), "not exist") {
			return fmt.Errorf("stop PostgreSQL: %w: %s", err, out)
		}
	}
	pid, err := os.ReadFile(filepath.Join(s.dir, "s3.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("stop the S3 server: %w", err)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil && isProgram(n, "versitygw") {
		if err := syscall.Kill(n, syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop the S3 server: %w", err)
		}
	}
	return os.Remove(filepath.Join(s.dir, "s3.pid"))
}

// isProgram guards against a process id that was given to somebody else since it was written down.
func isProgram(pid int, name string) bool {
	command, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	return err == nil && strings.TrimSpace(string(command)) == name
}

func (s services) postgresData() string { return filepath.Join(s.dir, "postgres", "data") }

// startPostgres makes a cluster when there is none and starts it, with fsync as it comes unless it shall be quick, so that what is measured on it is what an
// operator runs. It returns the administrator's URL.
func (s services) startPostgres(ctx context.Context) (string, error) {
	home := filepath.Join(s.dir, "postgres")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", err
	}
	if account := postgresAccount(); account != nil {
		if err := os.Chown(home, int(account.Uid), int(account.Gid)); err != nil {
			return "", err
		}
	}
	secret := filepath.Join(home, "password")
	if _, err := os.Stat(s.postgresData()); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(secret, []byte(rand.Text()), 0o644); err != nil {
			return "", err
		}
		out, err := s.postgresTool(ctx, "initdb", "-D", s.postgresData(), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
			"--auth=scram-sha-256", "--pwfile="+secret).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		if err := os.Chmod(secret, 0o600); err != nil {
			return "", err
		}
	}
	password, err := os.ReadFile(secret)
	if err != nil {
		return "", err
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -p %s -k %s -c max_connections=400", port, home)
	if s.quick {
		options += " -c fsync=off -c full_page_writes=off"
	}
	// pg_ctl hands its output to the server, which would keep a pipe of ours open for ever: both write to files.
	start := s.postgresTool(ctx, "pg_ctl", "start", "-w", "-D", s.postgresData(), "-l", filepath.Join(home, "log"), "-o", options)
	if err := start.Run(); err != nil {
		return "", fmt.Errorf("%w: see %s", err, filepath.Join(home, "log"))
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", string(password)),
		Host: net.JoinHostPort("127.0.0.1", port), Path: "/postgres", RawQuery: "sslmode=disable",
	}
	return address.String(), nil
}

// postgresTool is a command of PostgreSQL's own, run as the user postgres when we are root, whom PostgreSQL refuses.
func (s services) postgresTool(ctx context.Context, name string, args ...string) *exec.Cmd {
	path, err := exec.LookPath(name)
	if versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); err != nil && len(versions) > 0 {
		path = versions[len(versions)-1] // Debian keeps the server's tools out of PATH
	} else if err != nil {
		path = name
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: postgresAccount()}
	return cmd
}

// postgresAccount is whom to become before PostgreSQL runs: nobody else (nil), or as root the user postgres.
func postgresAccount() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// startS3 starts an S3 server over a folder and makes the bucket. It returns the variables by which tests reach it.
func (s services) startS3(ctx context.Context) ([]string, error) {
	root, sidecar := filepath.Join(s.dir, "s3", "data"), filepath.Join(s.dir, "s3", "sidecar")
	for _, folder := range []string{filepath.Join(root, "exeunt-test"), sidecar} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, "s3", "log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	key, secret := "exeunt-test", rand.Text()
	// The server outlives this program after `make services`, so it must not end with ctx.
	server := exec.Command(filepath.Join(s.dir, "bin", "versitygw"), "--port", "127.0.0.1:"+port, "posix", "--sidecar", sidecar, root)
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+key, "ROOT_SECRET_KEY="+secret)
	server.Stdout, server.Stderr = log, log
	server.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := server.Start(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "s3.pid"), []byte(strconv.Itoa(server.Process.Pid)), 0o600); err != nil {
		return nil, err
	}
	query := url.Values{
		"endpoint": {"http://127.0.0.1:" + port}, "region": {"us-east-1"},
		"use_path_style": {"true"}, "hostname_immutable": {"true"},
	}
	env := []string{
		"EXEUNT_TEST_S3=s3://exeunt-test?" + query.Encode(), "AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret,
	}
	if err := waitFor(ctx, func() error { return dial(ctx, "127.0.0.1:"+port) }); err != nil {
		return nil, fmt.Errorf("%w: see %s", err, log.Name())
	}
	return env, probeS3(ctx, env)
}

// probeS3 writes and deletes one object, so that a server that answers but does not work fails here and not in a suite.
func probeS3(ctx context.Context, env []string) (err error) {
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	bucket, err := blob.OpenBucket(ctx, os.Getenv("EXEUNT_TEST_S3"))
	if err != nil {
		return fmt.Errorf("open the bucket: %w", err)
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	if err := bucket.WriteAll(ctx, "probe", []byte("probe"), nil); err != nil {
		return fmt.Errorf("write to the bucket: %w", err)
	}
	return bucket.Delete(ctx, "probe")
}

func findProgram(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("none of %v is installed: run scripts/setup.sh", names)
}

func freePort(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

func dial(ctx context.Context, address string) error {
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return connection.Close()
}

// waitFor asks until probe succeeds or ctx ends.
func waitFor(ctx context.Context, probe func() error) error {
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for {
		err := probe()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-ticks.C:
		}
	}
}

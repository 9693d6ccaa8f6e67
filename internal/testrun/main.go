// Command testrun starts what the tests need, runs every suite and prints how many tests each one ran.
//
//	testrun             run everything (make test)
//	testrun fuzz        run the fuzz targets alone (make fuzz)
//	testrun services    start PostgreSQL and the S3 server, print the variables to export (make services)
//	testrun stop        stop them (make services-stop)
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args[1:]); errors.Is(err, errFailed) {
		os.Exit(1)
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(1)
	}
}

// cacheDir is where tools and servers live between runs: EXEUNT_CACHE, or a folder of the user's own under /tmp.
func cacheDir() string {
	if dir := os.Getenv("EXEUNT_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join(os.TempDir(), "exeunt-test-"+strconv.Itoa(os.Getuid()))
}

func run(ctx context.Context, args []string) error {
	servers := services{dir: cacheDir()}
	switch {
	case len(args) == 0:
		return runSuites(ctx, servers)
	case len(args) == 1 && args[0] == "fuzz":
		r := newRunner(servers.dir, nil)
		packages, err := r.packages(ctx)
		if err != nil {
			return err
		}
		r.fuzz(ctx, packages)
		return r.end([]row{{suiteFuzz, noDatabase}})
	case len(args) == 1 && args[0] == "services":
		env, up := servers.running(ctx)
		if !up {
			var err error
			if env, err = servers.start(ctx); err != nil {
				return err
			}
		}
		fmt.Print(exports(env))
		return nil
	case len(args) == 1 && args[0] == "stop":
		return servers.stop(ctx)
	default:
		return fmt.Errorf("unknown arguments %q: use none, fuzz, services or stop", args)
	}
}

// errFailed ends the program when the report has already said all there is to say.
var errFailed = errors.New("tests failed")

// runSuites runs everything on servers that are up already, or on its own, which it stops again.
func runSuites(ctx context.Context, servers services) (err error) {
	env, up := servers.running(ctx)
	if !up {
		servers.quick = true
		if env, err = servers.start(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, servers.stop(context.WithoutCancel(ctx))) }()
	}
	r := newRunner(servers.dir, env)
	if err := r.all(ctx); err != nil {
		return err
	}
	return r.end(rows)
}

func newRunner(cache string, env []string) *runner {
	fuzzTime := os.Getenv("EXEUNT_FUZZTIME")
	if fuzzTime == "" {
		fuzzTime = "20s"
	}
	return &runner{root: ".", bin: filepath.Join(cache, "bin"), env: env, fuzzTime: fuzzTime, report: newReport(os.Stdout)}
}

// end prints the closing table, and keeps it for .ci/run, which shows it below make's own complaint.
func (r *runner) end(want []row) error {
	text, failed := r.report.closing(want)
	if err := os.WriteFile(filepath.Join(filepath.Dir(r.bin), "summary"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	fmt.Print(text)
	if failed > 0 {
		return errFailed
	}
	return nil
}

// Command testrun starts what the tests need, runs every suite and prints how many tests each one ran.
//
//	testrun             run everything (make test)
//	testrun services    start PostgreSQL and the S3 server, print the variables to export (make services)
//	testrun stop        stop them (make services-stop)
package main

import (
	"context"
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
	if err := run(ctx, os.Args[1:]); err != nil {
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
	case len(args) == 1 && args[0] == "services":
		if _, up := servers.running(ctx); !up {
			if _, err := servers.start(ctx); err != nil {
				return err
			}
		}
		text, err := os.ReadFile(servers.envFile())
		if err != nil {
			return err
		}
		fmt.Print(string(text))
		return nil
	case len(args) == 1 && args[0] == "stop":
		return servers.stop(ctx)
	default:
		return fmt.Errorf("unknown arguments %q: use none, services or stop", args)
	}
}

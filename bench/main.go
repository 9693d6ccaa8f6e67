// Command bench measures what docs/performance.md says: each number beside its rival, in one run.
//
//	EXEUNT_BENCH=1 go run ./bench [--scale 1] [--rounds 5] [--write docs/performance.md] [erase export due home circles upload video videos sunset start]
//
// It makes its data itself, by SQL and from a fixed seed. Databases of PostgreSQL are made on the server that
// EXEUNT_TEST_POSTGRES names (`make services` starts one).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// options are the command line.
type options struct {
	Names  []string `arg:"" optional:"" help:"What to measure: erase, export, due, home, circles, upload, video, videos, sunset, start. None: all."`
	Scale  float64  `help:"Part of the full size of the data; below 1 nothing is compared with its aim." default:"1"`
	Rounds int      `help:"Rounds of which the median is taken." default:"5"`
	Write  string   `help:"Document whose tables are replaced." placeholder:"FILE"`
	Keep   string   `help:"Folder in which what circles and videos make is kept, to be used again; its writes stay in it." placeholder:"DIR"`
	Dir    string   `help:"Folder for the data while it is needed. Default: a new one in the folder for temporary files." placeholder:"DIR"`
}

// benchmark is one of the measurements.
type benchmark struct {
	name, title string
	run         func(ctx context.Context, e *env) (*report, error)
}

// benchmarks are all of them, in the order of the document.
func benchmarks() []benchmark {
	return []benchmark{
		{"erase", "Erasing an account", erase},
		{"export", "Taking everything along", export},
		{"due", "Finding due steps", due},
		{"home", "The home page", home},
		{"circles", "A community", circles},
		{"upload", "Uploading a large file", upload},
		{"video", "Making videos anew", video},
		{"videos", "Videos to see", videos},
		{"sunset", "Ending a service", sunset},
		{"start", "Start and memory", start},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx)
	stop()
	os.Exit(code)
}

func command(ctx context.Context) int {
	if job := os.Getenv(childVariable); job != "" {
		return child(ctx, job)
	}
	var o options
	kong.Parse(&o, kong.Name("bench"), kong.Description("Measure what docs/performance.md says."))
	if os.Getenv("EXEUNT_BENCH") == "" {
		fmt.Fprintln(os.Stderr, "bench: a whole run takes most of an hour and 20 GB of disk: say that you mean it with EXEUNT_BENCH=1")
		return 2
	}
	if err := measure(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// measure runs what was chosen. A report is written as soon as it is there.
func measure(ctx context.Context, o options) (err error) {
	chosen := benchmarks()
	if len(o.Names) > 0 {
		chosen = slices.DeleteFunc(chosen, func(b benchmark) bool { return !slices.Contains(o.Names, b.name) })
		if len(chosen) != len(o.Names) {
			return fmt.Errorf("there is no benchmark of one of these names: %s", strings.Join(o.Names, " "))
		}
	}
	e, err := newEnv(o)
	if err != nil {
		return err
	}
	defer func() {
		if cleared := e.clear(); err == nil {
			err = cleared
		}
	}()
	for _, b := range chosen {
		e.logf("%s: begins", b.name)
		before, taken, began := load(), taken(), time.Now()
		r, err := b.run(ctx, e)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		r.name, r.title = b.name, b.title
		r.surroundings = e.surroundings(o, b.name, before, taken, began)
		fmt.Println(r.markdown())
		if o.Write == "" {
			continue
		}
		if err := r.writeInto(o.Write); err != nil {
			return err
		}
	}
	return nil
}

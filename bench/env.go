package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// env is what all benchmarks share.
type env struct {
	scale   float64
	rounds  int
	dir     string
	keep    string // "": nothing is kept
	began   time.Time
	quiet   bool
	made    int
	admin   *sql.DB // of PostgreSQL, once it was needed
	cleared []func() error
}

func newEnv(o options) (*env, error) {
	if o.Scale <= 0 || o.Scale > 1 || o.Rounds < 1 {
		return nil, errors.New("--scale lies above 0 and up to 1, --rounds is at least 1")
	}
	dir, err := os.MkdirTemp(o.Dir, "exeunt-bench-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	e := &env{scale: o.Scale, rounds: o.Rounds, dir: dir, keep: o.Keep, began: time.Now()}
	e.later(func() error { return os.RemoveAll(dir) })
	return e, nil
}

// later has fn run when all is measured, last first.
func (e *env) later(fn func() error) { e.cleared = append(e.cleared, fn) }

func (e *env) clear() error {
	var errs []error
	for i := len(e.cleared) - 1; i >= 0; i-- {
		errs = append(errs, e.cleared[i]())
	}
	return errors.Join(errs...)
}

func (e *env) logf(format string, args ...any) {
	if !e.quiet {
		fmt.Fprintf(os.Stderr, "%6.1fs "+format+"\n", append([]any{time.Since(e.began).Seconds()}, args...)...)
	}
}

// size gives a number at the run's scale, never less than least.
func (e *env) size(full, least int) int { return max(least, int(float64(full)*e.scale)) }

func (e *env) newReport() *report { return &report{scaled: e.scale < 1} }

// engines are the databases: both, or those that EXEUNT_TEST_DATABASES names.
func engines() []string {
	switch os.Getenv("EXEUNT_TEST_DATABASES") {
	case "sqlite":
		return []string{sqlite}
	case "postgres":
		return []string{postgres}
	}
	return []string{sqlite, postgres}
}

// binary builds exeunt and gives its path.
func (e *env) binary(ctx context.Context) (string, error) {
	path := filepath.Join(e.dir, "exeunt")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "exeunt/cmd/exeunt")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build exeunt: %w: %s", err, out)
	}
	return path, nil
}

// surroundings says in a sentence with what and on what a table was made.
func (e *env) surroundings(o options, name, before string, taken ticks, began time.Time) string {
	command := "EXEUNT_BENCH=1 go run ./bench " + name
	if o.Scale != 1 {
		command += fmt.Sprintf(" --scale %g", o.Scale)
	}
	if o.Rounds != 5 {
		command += fmt.Sprintf(" --rounds %d", o.Rounds)
	}
	return fmt.Sprintf("`%s`, %s, medians of %d rounds. %s. Load average %s before, %s after (%s)%s.", command, began.UTC().Format("2006-01-02 15:04 UTC"),
		o.Rounds, machine(), before, load(), text(time.Since(began)), taken.since())
}

// ticks are what a virtual machine's processors did since its start (proc(5), /proc/stat): what others on the same host were given instead, of all.
type ticks struct{ stolen, all int64 }

func taken() (t ticks) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || i > 8 { // time of guests is in that of users already
			continue
		}
		t.all += n
		if i == 8 {
			t.stolen = n
		}
	}
	return t
}

// since says how much of the time since then others on the host were given, where it is more than one in a hundred.
func (t ticks) since() string {
	now := taken()
	share := float64(now.stolen-t.stolen) / float64(max(1, now.all-t.all))
	if share < 0.01 {
		return ""
	}
	return fmt.Sprintf("; others on the host took %.0f %% of the processors' time", 100*share)
}

func machine() string {
	cpu := "CPU unknown"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	memory := ""
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kib); err == nil {
			memory = fmt.Sprintf(", %.0f GiB", float64(kib)/(1<<20))
		}
	}
	return fmt.Sprintf("%d cores, %s%s, %s %s, %s", runtime.NumCPU(), cpu, memory, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// load gives the machine's load average of the last minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

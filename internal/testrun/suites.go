package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The suites of the closing table. One that ran nothing is a failure: a suite that was renamed away must not look green.
const (
	suiteFormat        = "formatting"
	suiteGenerated     = "generated files"
	suiteVet           = "vet"
	suiteLint          = "lint"
	suiteUnit          = "unit, -race"
	suiteStore         = "store"
	suiteConformance   = "conformance"
	suiteNotes         = "examples/notes"
	suiteFuzz          = "fuzz"
	suiteStories       = "browser stories"
	suiteAccessibility = "accessibility"
)

const (
	noDatabase = "–"
	sqlite     = "sqlite"
	postgres   = "postgres"
)

const (
	// testTimeout bounds one test binary.
	testTimeout = "15m"
	// wholeTimeout bounds everything, so that the table is printed within the 25 minutes that all may take with tools in place.
	// What has not run by then counts as failed.
	wholeTimeout = 24 * time.Minute
)

// rows are the lines of the closing table in its order.
var rows = []row{
	{suiteFormat, noDatabase},
	{suiteGenerated, noDatabase},
	{suiteVet, noDatabase},
	{suiteLint, noDatabase},
	{suiteUnit, noDatabase},
	{suiteStore, sqlite},
	{suiteStore, postgres},
	{suiteConformance, sqlite},
	{suiteConformance, postgres},
	{suiteNotes, noDatabase},
	{suiteFuzz, noDatabase},
	{suiteStories, sqlite},
	{suiteStories, postgres},
	{suiteAccessibility, sqlite},
}

// fuzzedAtOnce is how many targets are fuzzed at once, each by one worker and all for the same time: some more than the smallest machine has
// cores, so that a dozen of them end in a minute.
const fuzzedAtOnce = 6

// oneByOne are the long stories of a whole install: they do one thing after the other, in processes of their own for the most part, where there is no race to be
// found. They are told without -race on PostgreSQL too.
const oneByOne = `^Test(Access|ActsByPhase|AddressesByPhase|Circles2021|ClosingBesideSunset|Crash|LateHolder|NoBytesStay|NobodyIsLeft|ProcessCrashes|Rehearse|Restore|ReturnAfterTheStop|Sunset|TwoNodesExport|TwoPeople)`

var (
	oneByOneNames = regexp.MustCompile(oneByOne)
	testNames     = regexp.MustCompile(`Test\w+\(t \*testing`)
)

// once are the browser's stories that are told on one database alone: what they show is drawn, not stored.
const once = "^TestAccessib|^TestStoryWithoutScripts|^TestStorySunset|^TestStoryCircle|^TestStoryChannel|^TestPasskey|^TestOfflinePage|^TestPlayer|^TestBell|^TestImageViewer"

// runner runs suites in the work tree at root with the tools in bin.
type runner struct {
	root, bin string
	env       []string // what the servers' tests need, NAME=value
	fuzzTime  string
	report    *report
}

// goPackage is what the runner asks of `go list`.
type goPackage struct {
	ImportPath, Dir           string
	TestGoFiles, XTestGoFiles []string
}

// all runs every suite. Checks run beside the tests; what measures time or drives a browser runs with nothing beside it.
func (r *runner) all(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
	defer cancel()
	packages, err := r.packages(ctx)
	if err != nil {
		return err
	}
	var plain, stored, lengthy, browser []string
	for _, p := range packages {
		tests, err := testSource(p)
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(p.ImportPath, "/e2e"):
			browser = append(browser, p.ImportPath)
		case usesDatabase.MatchString(tests) && strings.HasSuffix(p.ImportPath, "/server"):
			stored = append([]string{p.ImportPath}, stored...) // what takes longest begins first
		case usesDatabase.MatchString(tests):
			stored = append(stored, p.ImportPath)
		default:
			plain = append(plain, p.ImportPath)
		}
		if usesDatabase.MatchString(tests) && slices.ContainsFunc(testNames.FindAllString(tests, -1), oneByOneNames.MatchString) {
			lengthy = append(lengthy, p.ImportPath)
		}
	}
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		r.checks(ctx)
	}()
	r.test(ctx, r.root, named(suiteUnit, noDatabase), nil, append([]string{"-race"}, plain...))
	// The long stories mostly wait for processes and servers: they are told beside the rest.
	told := make(chan struct{})
	go func() {
		defer close(told)
		r.test(ctx, r.root, named(suiteStore, postgres), []string{"EXEUNT_TEST_DATABASES=postgres"}, append([]string{"-run=" + oneByOne}, lengthy...))
	}()
	// modernc SQLite is 14 to 33 times slower under -race: the same suites race on PostgreSQL instead.
	env, clear := inMemory()
	r.test(ctx, r.root, named(suiteStore, sqlite), append(env, "EXEUNT_TEST_DATABASES=sqlite"), stored)
	clear()
	// Tests here wait for PostgreSQL as long as they count: twice as many packages as the smallest machine has cores go at a time.
	r.test(ctx, r.root, named(suiteStore, postgres), []string{"EXEUNT_TEST_DATABASES=postgres"}, append([]string{"-race", "-p=4", "-skip=" + oneByOne}, stored...))
	<-told
	r.test(ctx, filepath.Join(r.root, "examples", "notes"), named(suiteNotes, noDatabase), nil, []string{"-race", "./..."})
	<-checked
	r.fuzz(ctx, packages)
	// The pages are the same on both databases, so that accessibility is looked at once, beside the stories: it measures no time.
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		r.test(ctx, r.root, named(suiteStories, sqlite), []string{"EXEUNT_TEST_DATABASES=sqlite"}, append([]string{"-run=^TestAccessib"}, browser...))
	}()
	for _, told := range [][2]string{{sqlite, "^TestAccessib"}, {postgres, once}} {
		r.test(ctx, r.root, named(suiteStories, told[0]), []string{"EXEUNT_TEST_DATABASES=" + told[0]}, append([]string{"-skip=" + told[1]}, browser...))
	}
	<-looked
	return nil
}

// shared is a folder in memory, where there is one (tmpfs(5)).
const shared = "/dev/shm"

// inMemory gives what has tests keep their files in memory, where a machine has six gigabytes to spare and lets programs run from there: what SQLite writes
// durably a thousand times over waits for no disk then. Clear removes them.
func inMemory() (env []string, clear func()) {
	none := func() {}
	var room syscall.Statfs_t
	if err := syscall.Statfs(shared, &room); err != nil || room.Bavail*uint64(room.Bsize) < 6<<30 {
		return nil, none
	}
	dir, err := os.MkdirTemp(shared, "exeunt-test-")
	if err != nil {
		return nil, none
	}
	clear = func() { _ = os.RemoveAll(dir) } // what a killed test has left is no matter of the tests
	script := filepath.Join(dir, "runs")
	if os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700) != nil || exec.Command(script).Run() != nil {
		clear()
		return nil, none
	}
	return []string{"TMPDIR=" + dir}, clear
}

// usesDatabase tells the packages whose tests run once for each database from those that run once.
var usesDatabase = regexp.MustCompile(`(?m)^\s+"exeunt/internal/dbtest"$|Getenv\("EXEUNT_TEST_(DATABASES|POSTGRES)"\)`)

// conformance tells the tests that run the suites of exit/exittest.
var conformance = regexp.MustCompile(`^Test(Holder|Store|Engine)\b`)

// packages lists the packages of the module that have tests.
func (r *runner) packages(ctx context.Context) ([]goPackage, error) {
	out, err := r.command(ctx, r.root, nil, "go", "list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the list of packages: %w", err)
		}
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			packages = append(packages, p)
		}
	}
}

// testSource is the text of all test files of a package.
func testSource(p goPackage) (string, error) {
	var text strings.Builder
	for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
		source, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			return "", fmt.Errorf("read tests: %w", err)
		}
		text.Write(source)
	}
	return text.String(), nil
}

// named returns how a test is put into a row of the table: by its name where the name says so, else as given.
func named(suite, database string) func(test string) row {
	return func(test string) row {
		switch {
		case suite == suiteStories && strings.HasPrefix(test, "TestAccessib"):
			return row{suiteAccessibility, database}
		case suite == suiteStore && conformance.MatchString(test):
			return row{suiteConformance, database}
		default:
			return row{suite, database}
		}
	}
}

// test runs `go test -json` with args in dir and counts what it says.
func (r *runner) test(ctx context.Context, dir string, place func(string) row, env, args []string) {
	whole := place("")
	start := time.Now()
	fmt.Printf("== %s, %s\n", whole.suite, whole.database)
	last := ""
	if len(args) > 0 {
		last = args[len(args)-1]
	}
	if last == "" || strings.HasPrefix(last, "-") {
		return // no such package: the row stays empty, which is a failure
	}
	if _, err := os.Stat(dir); err != nil {
		return
	}
	cmd := r.command(ctx, dir, env, "go", append([]string{"test", "-json", "-count=1", "-timeout=" + testTimeout}, args...)...)
	cmd.Stderr = os.Stderr
	stream, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.report.add(whole, "go test", err.Error())
		return
	}
	failures, err := r.report.read(stream, place, whole.suite == suiteStories)
	if err != nil {
		r.report.add(whole, "go test", err.Error())
	}
	if err := cmd.Wait(); err != nil && failures == 0 {
		r.report.add(whole, "go test", err.Error())
	}
	fmt.Printf("   %s, %s: %.0f s\n", whole.suite, whole.database, time.Since(start).Seconds())
}

// checks are what looks at the source alone, each one test.
func (r *runner) checks(ctx context.Context) {
	lint := filepath.Join(r.bin, "golangci-lint")
	r.check(suiteFormat, r.command(ctx, r.root, nil, lint, "fmt", "--diff"), "make fmt")
	r.generated(ctx)
	for _, module := range []string{r.root, filepath.Join(r.root, "examples", "notes")} {
		r.check(suiteVet, r.command(ctx, module, nil, "go", "vet", "./..."), "go vet ./... in "+module)
	}
	r.check(suiteLint, r.command(ctx, r.root, nil, lint, "run", "./..."), "make lint")
}

func (r *runner) check(suite string, cmd *exec.Cmd, again string) {
	start := time.Now()
	failure := ""
	if out, err := cmd.CombinedOutput(); err != nil {
		failure = fmt.Sprintf("%s%v (see it again with: %s)\n", out, err, again)
	}
	r.report.add(row{suite, noDatabase}, suite, failure)
	fmt.Printf("   %s: %.0f s\n", suite, time.Since(start).Seconds())
}

// generated compares each committed *_templ.go with what its template makes now.
func (r *runner) generated(ctx context.Context) {
	place := row{suiteGenerated, noDatabase}
	var templates []string
	err := fs.WalkDir(os.DirFS(r.root), ".", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".templ") {
			templates = append(templates, name)
		}
		return err
	})
	if err != nil {
		r.report.add(place, "list templates", err.Error())
	}
	for _, template := range templates {
		made, err := r.command(ctx, r.root, nil, "go", "tool", "templ", "generate", "-log-level=error", "-stdout", "-f", template).Output()
		committed, readErr := os.ReadFile(filepath.Join(r.root, strings.TrimSuffix(template, ".templ")+"_templ.go"))
		failure := ""
		switch {
		case err != nil:
			failure = err.Error()
		case readErr != nil:
			failure = readErr.Error()
		case !bytes.Equal(made, committed):
			failure = "differs from what its template makes: run make generate"
		}
		r.report.add(place, template, failure)
	}
}

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzz runs each fuzz target for a while. A failing input stays under the package's testdata, where the next run starts.
func (r *runner) fuzz(ctx context.Context, packages []goPackage) {
	var targets [][2]string // package, name
	for _, p := range packages {
		tests, err := testSource(p)
		if err != nil {
			r.report.add(row{suiteFuzz, noDatabase}, p.ImportPath, err.Error())
			continue
		}
		for _, match := range fuzzTarget.FindAllStringSubmatch(tests, -1) {
			targets = append(targets, [2]string{p.ImportPath, match[1]})
		}
	}
	for pair := range slices.Chunk(targets, fuzzedAtOnce) {
		failures := make([]string, len(pair))
		var wg sync.WaitGroup
		for i, t := range pair {
			fmt.Printf("== fuzz %s.%s for %s\n", t[0], t[1], r.fuzzTime)
			wg.Go(func() {
				failures[i] = r.fuzzOnce(ctx, t[0], t[1])
				if deadlineRace(failures[i]) {
					failures[i] = r.fuzzOnce(ctx, t[0], t[1])
				}
			})
		}
		wg.Wait()
		for i, t := range pair {
			r.report.add(row{suiteFuzz, noDatabase}, t[0]+"."+t[1], failures[i])
		}
	}
}

// fuzzOnce runs one fuzz target and returns what it said when it failed.
func (r *runner) fuzzOnce(ctx context.Context, pkg, target string) (failure string) {
	cmd := r.command(ctx, r.root, nil, "go", "test", "-run=^$", "-fuzz=^"+target+"$", "-parallel=1", "-fuzztime="+r.fuzzTime, "-fuzzminimizetime=10x", pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Sprintf("%s%v\n", out, err)
	}
	return ""
}

var bareDeadline = regexp.MustCompile(`--- FAIL: \w+ \([0-9.]+s\)\n\s+context deadline exceeded\n`)

// deadlineRace tells the false alarm of Go before 1.27 (go.dev/issue/75804), whose fuzzer may report the end of its own
// time as a failure, from a finding, which always leaves its input behind.
func deadlineRace(failure string) bool {
	return bareDeadline.MatchString(failure) && !strings.Contains(failure, "Failing input written")
}

// command is a program that runs in dir with the servers' variables and env, and ends with ctx, it and all that it started.
func (r *runner) command(ctx context.Context, dir string, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), r.env...), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

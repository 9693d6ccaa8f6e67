package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// A row is one line of the closing table.
type row struct{ suite, database string }

type count struct{ passed, failed int }

// A report counts tests by row and prints failures as they come. Its methods may be called at the same time.
type report struct {
	out io.Writer

	mu     sync.Mutex
	counts map[row]count
	failed []string
}

func newReport(out io.Writer) *report {
	return &report{out: out, counts: map[row]count{}}
}

// add counts one test: passed when failure is empty.
func (r *report) add(place row, name, failure string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts[place]
	if failure == "" {
		c.passed++
	} else {
		c.failed++
		r.failed = append(r.failed, fmt.Sprintf("%s, %s: %s", place.suite, place.database, name))
		_, _ = fmt.Fprintf(r.out, "--- FAILED %s, %s: %s\n%s\n", place.suite, place.database, name, strings.TrimRight(failure, "\n"))
	}
	r.counts[place] = c
}

// event is one line of `go test -json` (go doc test2json, and the build events of go help buildjson).
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
}

// packageRun is what one package's events have said so far.
type packageRun struct {
	output map[string]*strings.Builder // by test; "" is the package's own
	state  map[string]string           // by test: run, pass, fail, skip
	order  []string
}

// read counts the tests of a stream of `go test -json` and returns how many of them failed. The tests that have subtests
// are not counted beside them. A skipped test is a failure, as is a package whose tests did not run. With echo, what
// passing tests logged is shown too.
func (r *report) read(stream io.Reader, place func(test string) row, echo bool) (failures int, err error) {
	packages := map[string]*packageRun{}
	builds := map[string]*strings.Builder{}
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return failures, nil
		} else if err != nil {
			return failures, fmt.Errorf("read the events of go test: %w", err)
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			_, _ = r.out.Write(line) // go test writes some complaints of its own between the events
			continue
		}
		if e.Action == "build-output" {
			write(builds, e.ImportPath, e.Output)
			continue
		}
		p := packages[e.Package]
		if p == nil {
			p = &packageRun{output: map[string]*strings.Builder{}, state: map[string]string{}}
			packages[e.Package] = p
		}
		switch {
		case e.Action == "output":
			write(p.output, e.Test, e.Output)
		case e.Test != "":
			if _, known := p.state[e.Test]; !known {
				p.order = append(p.order, e.Test)
			}
			if e.Action == "run" || e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
				p.state[e.Test] = e.Action
			}
		case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
			text := ""
			if build := builds[e.FailedBuild]; build != nil {
				text = build.String()
			}
			failures += r.finish(e.Package, p, e.Action, text, place, echo)
			delete(packages, e.Package)
		}
	}
}

func write(to map[string]*strings.Builder, key, text string) {
	if to[key] == nil {
		to[key] = &strings.Builder{}
	}
	to[key].WriteString(text)
}

// finish counts the tests of a package that has ended and returns how many of them failed.
func (r *report) finish(name string, p *packageRun, action, build string, place func(string) row, echo bool) (failures int) {
	fail := func(test, why string) {
		failures++
		r.add(place(test), strings.TrimSpace(name+" "+test), why)
	}
	counted := 0
	for _, test := range p.order {
		var below []string
		for _, other := range p.order {
			if strings.HasPrefix(other, test+"/") {
				below = append(below, p.state[other])
			}
		}
		text := ""
		if p.output[test] != nil {
			text = p.output[test].String()
		}
		if echo {
			_, _ = io.WriteString(r.out, text)
		}
		state := p.state[test]
		// A test with subtests is counted in them, unless it failed by itself.
		if len(below) > 0 && (state == "pass" || slices.ContainsFunc(below, func(s string) bool { return s != "pass" })) {
			continue
		}
		counted++
		switch state {
		case "pass":
			r.add(place(test), name+" "+test, "")
		case "skip":
			fail(test, text+"a skipped test counts as failed")
		case "run":
			fail(test, text+"did not end")
		default:
			fail(test, text+"failed")
		}
	}
	own := build
	if p.output[""] != nil {
		own += p.output[""].String()
	}
	switch {
	case action == "fail" && failures == 0:
		fail("", own+"the package failed outside its tests")
	case action == "pass" && counted == 0:
		fail("", own+"no test ran")
	case action == "fail":
		_, _ = io.WriteString(r.out, own) // a panic or the race detector speaks for the package
	}
	return failures
}

// closing returns the names of what failed, the table and as its last line the sum; and how many failed. A row of want
// in which nothing ran is one failure.
func (r *report) closing(want []row) (text string, failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out strings.Builder
	for _, name := range r.failed {
		fmt.Fprintln(&out, "failed:", name)
	}
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	write := func(format string, values ...any) {
		_, _ = fmt.Fprintf(table, format, values...) // to memory: it cannot fail
	}
	write("\nsuite\tdatabase\ttests run\n")
	var sum count
	for place := range r.counts {
		if !slices.Contains(want, place) {
			want = append(want, place)
		}
	}
	for _, place := range want {
		c := r.counts[place]
		switch note := fmt.Sprintf("%s\t%s\t%d", place.suite, place.database, c.passed+c.failed); {
		case c == count{}:
			c.failed++
			write("%s\tfailed: none ran\n", note)
		case c.failed > 0:
			write("%s\t%d failed\n", note, c.failed)
		default:
			write("%s\n", note)
		}
		sum.passed += c.passed
		sum.failed += c.failed
	}
	_ = table.Flush() // to memory too
	fmt.Fprintf(&out, "%d passed, %d failed\n", sum.passed, sum.failed)
	return out.String(), sum.failed
}

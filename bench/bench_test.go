package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's own binary be the child that serves the home page.
func TestMain(m *testing.M) {
	if job := os.Getenv(childVariable); job != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := child(ctx, job)
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestBenchmarks runs each benchmark on a thousandth of its data and writes each report into the document twice: what stands
// around the tables stays, and each stands there once.
func TestBenchmarks(t *testing.T) {
	document := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(document, []byte("# Performance\n\nWords before.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	on := os.Getenv("EXEUNT_TEST_DATABASES") // as [engines] reads it; SQLite is too slow for -race
	for _, b := range benchmarks() {
		t.Run(b.name+on, func(t *testing.T) {
			r, err := b.run(t.Context(), tiny(t))
			if err != nil {
				t.Fatal(err)
			}
			r.name, r.title, r.surroundings = b.name, b.title, "surroundings"
			if len(r.rows) < 3*len(engines()) {
				t.Errorf("%d numbers, want at least three for each database", len(r.rows))
			}
			for _, x := range r.rows {
				if x.got == "" || strings.HasPrefix(x.got, "0.00") || x.verdict != noAim {
					t.Errorf("%s on %s: %q, %s: want a number, and no verdict on a part of the data", x.what, x.where, x.got, x.verdict)
				}
			}
			for range 2 {
				if err := r.writeInto(document); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "Words before.") {
		t.Error("the words around the tables are gone")
	}
	for _, b := range benchmarks() {
		if n := strings.Count(string(text), "## "+b.title+"\n"); n != 1 {
			t.Errorf("%q stands there %d times", b.title, n)
		}
	}
}

// tiny is an environment for a run of a second or two.
func tiny(t *testing.T) *env {
	t.Helper()
	e, err := newEnv(options{Scale: 0.001, Rounds: 1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	e.quiet = true
	t.Cleanup(func() {
		if err := e.clear(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestVerdicts(t *testing.T) {
	r := &report{}
	r.add("a", "here", "1", "≤ 2", true)
	r.add("b", "here", "3", "≤ 2", false)
	r.beside("c", "there", "3")
	if got := []verdict{r.rows[0].verdict, r.rows[1].verdict, r.rows[2].verdict}; got[0] != met || got[1] != missed || got[2] != noAim {
		t.Errorf("got %v", got)
	}
	if !r.missedIn("here") || r.missedIn("there") {
		t.Error("the missed aim is found in the wrong place")
	}
	if !strings.Contains(r.markdown(), "| b | here | 3 | ≤ 2 | **missed** |") {
		t.Errorf("no line for what was missed in:\n%s", r.markdown())
	}
}

func TestPercentile(t *testing.T) {
	var took []time.Duration
	for n := 100; n > 0; n-- {
		took = append(took, time.Duration(n))
	}
	for hundredths, want := range map[float64]time.Duration{0: 1, 50: 51, 99: 100, 100: 100} {
		if got := percentile(took, hundredths); got != want {
			t.Errorf("%v: got %d, want %d", hundredths, got, want)
		}
	}
	if took[0] != 100 {
		t.Error("the values were put in order where they stood")
	}
}

func TestMeasureRefuses(t *testing.T) {
	for _, o := range []options{
		{Scale: 1, Rounds: 5, Names: []string{"speed"}},
		{Scale: 0, Rounds: 5},
		{Scale: 1, Rounds: 0},
	} {
		if err := measure(t.Context(), o); err == nil {
			t.Errorf("%+v was measured", o)
		}
	}
}

func TestWriteIntoRefusesAnOpenMark(t *testing.T) {
	document := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(document, []byte("<!-- measured: due -->\nand no end\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&report{name: "due"}).writeInto(document); err == nil {
		t.Error("a document with an open mark was written")
	}
}

package main // a command has no public names to test from outside

import (
	"strings"
	"testing"
)

// TestReportReadsEvents feeds the report what go test prints and asks for the closing lines.
func TestReportReadsEvents(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, stream string
		want, absent []string
	}{
		{
			name: "a test with subtests is counted in them",
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"run","Package":"p","Test":"TestA/two"}
{"Action":"pass","Package":"p","Test":"TestA/two"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}
`,
			want:   []string{"unit, -race  –         2\n2 passed, 0 failed\n"},
			absent: []string{"failed:"},
		},
		{
			name: "a test that fails beside its passing subtests fails by itself",
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"output","Package":"p","Test":"TestA","Output":"the parent says why\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`,
			want: []string{"the parent says why", "failed: unit, -race, –: p TestA\n", "1 passed, 1 failed\n"},
		},
		{
			name: "a failing subtest does not fail twice",
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`,
			want: []string{"failed: unit, -race, –: p TestA/one\n", "0 passed, 1 failed\n"},
		},
		{
			name: "a skipped test is a failure",
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}
`,
			want: []string{"a skipped test counts as failed", "0 passed, 1 failed\n"},
		},
		{
			name: "a package whose tests did not run is a failure",
			stream: `{"Action":"output","Package":"p","Output":"testing: warning: no tests to run\n"}
{"Action":"pass","Package":"p"}
`,
			want: []string{"no test ran", "0 passed, 1 failed\n"},
		},
		{
			name: "a package that does not build is a failure and shows the compiler's words",
			stream: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:1:1: what is wrong\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`,
			want: []string{"what is wrong", "0 passed, 1 failed\n"},
		},
		{
			name: "a test that was running when its package panicked failed",
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}
{"Action":"fail","Package":"p"}
`,
			want: []string{"panic: boom", "did not end", "0 passed, 1 failed\n"},
		},
		{
			name: "a suite in which nothing ran is a failure",
			want: []string{"unit, -race  –         0  failed: none ran\n0 passed, 1 failed\n"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r := newReport(&out)
			place := row{suiteUnit, noDatabase}
			if _, err := r.read(strings.NewReader(test.stream), named(place.suite, place.database), false); err != nil {
				t.Fatal(err)
			}
			text, _ := r.closing([]row{place})
			for _, want := range test.want {
				if !strings.Contains(out.String()+text, want) {
					t.Errorf("%q is missing from:\n%s%s", want, &out, text)
				}
			}
			for _, absent := range test.absent {
				if strings.Contains(out.String()+text, absent) {
					t.Errorf("%q is in:\n%s%s", absent, &out, text)
				}
			}
		})
	}
}

func TestNamesChooseRows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		suite, test string
		want        string
	}{
		{suiteStories, "TestLeaving", suiteStories},
		{suiteStories, "TestAccessibility/zh", suiteAccessibility},
		{suiteStore, "TestHolder/posts", suiteConformance},
		{suiteStore, "TestPosts", suiteStore},
		{suiteUnit, "TestHolder", suiteUnit},
	} {
		if got := named(test.suite, sqlite)(test.test); got != (row{test.want, sqlite}) {
			t.Errorf("%s of suite %s is in %v, want %s", test.test, test.suite, got, test.want)
		}
	}
}

func TestDeadlineRaceIsNoFinding(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, failure string
		want          bool
	}{
		{"race", "fuzz: elapsed: 20s, execs: 9 (0/sec)\n--- FAIL: FuzzPolicy (20.1s)\n    context deadline exceeded\nFAIL\n", true},
		{"finding", "--- FAIL: FuzzPolicy (2.1s)\n    --- FAIL: FuzzPolicy (0.0s)\n        policy_test.go: wrong\n    Failing input written to testdata/fuzz/FuzzPolicy/1\n", false},
		{"finding that is about a deadline", "--- FAIL: FuzzPolicy (2.1s)\n    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzPolicy/1\n", false},
		{"does not build", "# exeunt/exit\nundefined: Policy\nFAIL\n", false},
		{"passed", "", false},
	} {
		if got := deadlineRace(test.failure); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestDatabasePackagesAreTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, source string
		want         bool
	}{
		{"imports dbtest", "import (\n\t\"testing\"\n\n\t\"exeunt/internal/dbtest\"\n)\n", true},
		{"asks for the server itself", "admin := os.Getenv(\"EXEUNT_TEST_POSTGRES\")\n", true},
		{"only names them", "list := []string{\"exeunt/internal/dbtest\", \"EXEUNT_TEST_POSTGRES\"}\n", false},
	} {
		if got := usesDatabase.MatchString(test.source); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

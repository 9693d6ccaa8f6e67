package service_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sqlAnywhere are folders, and files, whose SQL stands in files of any name, each with the reason.
var sqlAnywhere = map[string]string{
	"backup":           "it copies tables of any name: no room, and nothing but SQL",
	"db":               "the databases themselves, their clock and settings",
	"dbtest":           "it makes and drops whole databases, for tests alone",
	"residue":          "it walks any schema, and shares no code with a room",
	"service/fence.go": "the fence is its rows and locks: its order is read in one place",
}

// statement finds the beginning of an SQL statement, not of an error's "update run: %w".
var statement = regexp.MustCompile(`^\s*(select\s[^:]*$|select\s.*\sfrom\s|insert\s+into\s|update\s+[^\s:]+\s+set\s|update\s+$|delete\s+from\s|with\s+(recursive\s+)?[a-z_]+\s+(\([^)]*\)\s+)?as\s)`)

// statements gives the lines of a file at which an SQL statement begins in a string literal.
func statements(t *testing.T, name string, source any) (lines []int) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if statement.MatchString(text) {
				lines = append(lines, set.Position(lit.Pos()).Line)
			}
		}
		return true
	})
	return lines
}

// TestSQLStandsInStores asks that a room's SQL stands in its store*.go, and that of its holder in its exit*.go.
func TestSQLStandsInStores(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	used, seen := map[string]bool{}, 0
	for _, name := range files {
		base, room := filepath.Base(name), filepath.Base(filepath.Dir(name))
		if strings.HasSuffix(base, "_test.go") {
			continue
		}
		found := statements(t, name, nil)
		switch {
		case len(found) == 0:
		case strings.HasPrefix(base, "store"), strings.HasPrefix(base, "exit"):
			seen += len(found)
		case sqlAnywhere[room] != "":
			used[room] = true
		case sqlAnywhere[room+"/"+base] != "":
			used[room+"/"+base] = true
		default:
			t.Errorf("%s/%s has SQL at the lines %v: it belongs into a store*.go", room, base, found)
		}
	}
	if seen < 100 {
		t.Errorf("only %d statements were found in stores: is this the right folder?", seen)
	}
	for _, name := range slices.Sorted(maps.Keys(sqlAnywhere)) {
		if !used[name] {
			t.Errorf("%s is on the list of those with SQL in any file, and does not need to be", name)
		}
	}
}

// TestStoresTestFindsSQL asks that the test above can fail.
func TestStoresTestFindsSQL(t *testing.T) {
	const source = `package room
var a = "select id from posts"
var b = ` + "`\n\t\tinsert into posts (id) values ($1)`" + `
var c = "update " + table + " set n = 1"
var d = "update posts set n = 1"
var e = "delete from " + table
var f = ` + "`with taken as materialized (select id from jobs) delete from jobs`" + `
var g = "select count(*) from (select 1 from accounts limit 1) a"
var h = "select " + fields + " from runs"

var x = fmt.Errorf("update run: %w", err)
var y = "delete blob: %w"
var z = "with a word as such: %w"
var w = "updated, inserted and selected from"
`
	if got, want := statements(t, "room.go", source), []int{2, 3, 5, 6, 7, 8, 9, 10}; !slices.Equal(got, want) {
		t.Errorf("found SQL at the lines %v, want %v", got, want)
	}
}

// bySubject finds where runs and steps are looked for by their subject.
var bySubject = regexp.MustCompile(`(\w+\.)?subject = [$']`)

// TestRunsAreFoundByTheirSubject asks that whoever looks for a run by its subject says that it has one, as its index does: SQLite reads all runs otherwise.
func TestRunsAreFoundByTheirSubject(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range strings.Split(string(source), "`") {
			if strings.HasSuffix(name, "_test.go") || !strings.Contains(text, "exit_") {
				continue
			}
			for _, m := range bySubject.FindAllStringSubmatch(text, -1) {
				if seen++; !strings.Contains(text, m[1]+"subject <> ''") {
					t.Errorf("%s: %q does not say that there is a subject", name, text)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("nobody looks for runs by their subject")
	}
}

package exeunt_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A rule says what the Go files of one folder may import. Rules stand in the order of the layers: a folder imports those
// before it, unless its rule says less. Test files may import what they like.
type rule struct {
	folder string
	// only, when not nil, names the folders of ours that may be imported, instead of all that stand before.
	only []string
	// foreign, when not nil, names the modules of others that may be imported, instead of any.
	foreign []string
	// denied names packages that are not imported, standard or not.
	denied []string
	// service folders never import one another.
	service bool
	// testsOnly folders are imported by tests and by one another alone, and themselves import what they like.
	testsOnly bool
}

var nothing = []string{}

// layers are the folders in which there is Go code. A new folder gets a line in its place; a line whose folder is gone is
// a failure too.
var layers = []rule{
	{folder: "policies", only: nothing, foreign: nothing},

	{folder: "exit", only: nothing, foreign: []string{"github.com/goccy/go-yaml"}, denied: []string{"net/http", "database/sql"}},
	{folder: "archive", denied: []string{"database/sql"}},
	{folder: "ledger", only: []string{"exit"}, foreign: []string{"golang.org/x/mod"}, denied: []string{"net/http", "database/sql"}},
	{folder: "exit/exitsql", only: []string{"exit"}},
	{folder: "ledger/ledgersql", only: []string{"exit", "exit/exitsql", "ledger"}, foreign: []string{"golang.org/x/mod"}, denied: []string{"net/http"}},

	{folder: "internal/clock", only: nothing},
	{folder: "internal/failpoint", only: nothing},
	{folder: "internal/who", only: []string{"internal/clock"}},

	{folder: "internal/db"},
	{folder: "internal/blob"},
	{folder: "internal/job"},
	{folder: "internal/media"},
	{folder: "internal/ui"},
	{folder: "internal/feed", only: nothing},
	{folder: "internal/poster", only: nothing},

	{folder: "internal/service"},

	{folder: "internal/install"},
	{folder: "internal/notify"},
	{folder: "internal/search"},
	{folder: "internal/relation"},
	{folder: "internal/account"},
	{folder: "internal/post"},
	{folder: "internal/talk"},
	{folder: "internal/moderate"},
	{folder: "internal/upload"},

	{folder: "internal/page", service: true},
	{folder: "internal/circle", service: true},
	{folder: "internal/channel", service: true},

	{folder: "internal/leave"},
	{folder: "internal/sunset"},

	{folder: "internal/trial"},
	{folder: "internal/backup"},
	{folder: "internal/residue", only: []string{"internal/db", "internal/blob"}},

	{folder: "internal/server"},
	{folder: "cmd/exeunt"},

	// A stranger's program sees what a stranger can have.
	{folder: "examples/notes", only: []string{"policies", "exit", "exit/exitsql", "archive", "ledger", "ledger/ledgersql"}},

	{folder: ".", testsOnly: true},
	{folder: "exit/exittest", testsOnly: true},
	{folder: "internal/dbtest", testsOnly: true},
	{folder: "internal/feed/feedtest", testsOnly: true},
	{folder: "internal/testrun", testsOnly: true},
	{folder: "e2e", testsOnly: true},
	{folder: "e2e/axe", testsOnly: true},
	{folder: "bench", testsOnly: true},
	{folder: "bench/search", testsOnly: true},
}

// filesDenied are packages that files of a certain name do not import, in whatever folder they are.
var filesDenied = map[string][]string{
	"store*.go": {"net/http"},
	"pages*.go": {"database/sql"}, // pages_templ.go, which holds the imports of pages.templ, among them
}

// A sourceFile is a Go file by its path from the root and what it imports.
type sourceFile struct {
	path    string
	imports []string
}

func (f sourceFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// violations returns a sentence for each breach of the rules.
func violations(rules []rule, files []sourceFile) []string {
	var found []string
	place := map[string]int{}
	for i, r := range rules {
		place[r.folder] = i
		for _, name := range r.only {
			if _, known := place[name]; !known {
				found = append(found, r.folder+": its rule names "+name+", which has none before it")
			}
		}
	}
	seen := map[string]bool{}
	for _, file := range files {
		folder := path.Dir(file.path)
		i, known := place[folder]
		if !known && !seen[folder] {
			found = append(found, folder+": no rule: give the folder its place among the layers")
		}
		seen[folder] = true
		if !known || file.test() {
			continue
		}
		for _, imported := range file.imports {
			if why := breach(rules, place, rules[i], file, imported); why != "" {
				found = append(found, file.path+" imports "+imported+": "+why)
			}
		}
	}
	for _, r := range rules {
		if !seen[r.folder] {
			found = append(found, r.folder+": stale rule: no Go file is there")
		}
	}
	return found
}

// breach says why a file of folder r must not import a package; empty means that it may.
func breach(rules []rule, place map[string]int, r rule, file sourceFile, imported string) string {
	for pattern, denied := range filesDenied {
		if match, _ := path.Match(pattern, path.Base(file.path)); match && slices.Contains(denied, imported) {
			return "no " + pattern + " does"
		}
	}
	if slices.Contains(r.denied, imported) {
		return r.folder + " does without it"
	}
	folder, ours := strings.CutPrefix(imported, "exeunt/")
	if !ours {
		theirs := strings.Contains(strings.Split(imported, "/")[0], ".")
		allowed := r.foreign == nil || slices.ContainsFunc(r.foreign, func(module string) bool {
			return imported == module || strings.HasPrefix(imported, module+"/")
		})
		if theirs && !allowed {
			return r.folder + " needs the standard library and " + strings.Join(r.foreign, ", ") + " alone"
		}
		return ""
	}
	at, known := place[folder]
	switch {
	case !known:
		return "no rule for " + folder
	case r.testsOnly:
		return ""
	case rules[at].testsOnly:
		return "it is for tests alone"
	case r.service && rules[at].service:
		return "services never import one another: go through a Ref and the registry"
	case r.only != nil && !slices.Contains(r.only, folder):
		return "the rule of " + r.folder + " does not name it"
	case at >= place[r.folder]:
		return folder + " is not before " + r.folder
	}
	return ""
}

// readFile parses the imports of one Go file; src is nil to read it from disk.
func readFile(name string, src any) (sourceFile, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return sourceFile{}, err
	}
	file := sourceFile{path: filepath.ToSlash(name)}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return sourceFile{}, err
		}
		file.imports = append(file.imports, imported)
	}
	return file, nil
}

func TestImports(t *testing.T) {
	t.Parallel()
	var files []sourceFile
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || name == "data" || name == "bin"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		file, err := readFile(name, nil)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range violations(layers, files) {
		t.Error(violation)
	}
}

// TestImportsCatches plants one breach of each kind and expects to be told, and of nothing else.
func TestImportsCatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, file, imported, want string }{
		{"unknown folder", "internal/util/util.go", "fmt", "internal/util: no rule"},
		{"later layer", "internal/db/db.go", "exeunt/internal/server", "internal/server is not before internal/db"},
		{"own layer's later folder", "internal/db/db.go", "exeunt/internal/blob", "internal/blob is not before internal/db"},
		{"service to service", "internal/circle/circle.go", "exeunt/internal/page", "services never import one another"},
		{"HTTP in the heart", "exit/plan.go", "net/http", "exit does without it"},
		{"SQL in the heart", "exit/plan.go", "database/sql", "exit does without it"},
		{"foreign module in the heart", "exit/plan.go", "golang.org/x/mod/sumdb/note", "exit needs the standard library"},
		{"heart's store to the house", "exit/exitsql/store.go", "exeunt/internal/db", "does not name it"},
		{"ledger's store to the house", "ledger/ledgersql/store.go", "exeunt/internal/db", "does not name it"},
		{"HTTP in a store", "internal/post/store.go", "net/http", "no store*.go does"},
		{"HTTP in a store of one database", "internal/post/store_sqlite.go", "net/http", "no store*.go does"},
		{"SQL in pages", "internal/page/pages.go", "database/sql", "no pages*.go does"},
		{"SQL in a template", "internal/page/pages_templ.go", "database/sql", "no pages*.go does"},
		{"test package outside tests", "internal/post/post.go", "exeunt/internal/dbtest", "it is for tests alone"},
		{"import without a rule", "internal/server/server.go", "exeunt/internal/util", "no rule for internal/util"},
		{"residue by way of a holder", "internal/residue/residue.go", "exeunt/internal/post", "does not name it"},
		{"stranger into the house", "examples/notes/main.go", "exeunt/internal/db", "does not name it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			planted, err := readFile(test.file, "package p\n\nimport _ \""+test.imported+"\"\n")
			if err != nil {
				t.Fatal(err)
			}
			found := violations(layers, append(clean(), planted))
			if len(found) != 1 || !strings.Contains(found[0], test.want) {
				t.Errorf("got %q, want one sentence with %q", found, test.want)
			}
		})
	}
	t.Run("stale rule", func(t *testing.T) {
		t.Parallel()
		found := violations(append(slices.Clone(layers), rule{folder: "gone"}), clean())
		if len(found) != 1 || !strings.Contains(found[0], "gone: stale rule") {
			t.Errorf("got %q, want one sentence about the stale rule", found)
		}
	})
	t.Run("clean", func(t *testing.T) {
		t.Parallel()
		allowed := append(clean(),
			sourceFile{"internal/post/store.go", []string{"database/sql", "exeunt/internal/db"}},
			sourceFile{"internal/post/store_test.go", []string{"net/http", "exeunt/internal/dbtest"}},
			sourceFile{"exit/policy.go", []string{"github.com/goccy/go-yaml/ast", "time"}},
			sourceFile{"bench/main.go", []string{"exeunt/internal/dbtest", "exeunt/internal/server"}})
		if found := violations(layers, allowed); len(found) > 0 {
			t.Errorf("got %q, want nothing", found)
		}
	})
}

// clean is a tree with one file in each folder that breaks no rule.
func clean() []sourceFile {
	var files []sourceFile
	for _, r := range layers {
		files = append(files, sourceFile{path: path.Join(r.folder, "clean.go"), imports: []string{"fmt"}})
	}
	return files
}

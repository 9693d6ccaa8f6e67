package exeunt_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commandTests names, for each command that a document shows, the test that runs it. `make` and `go` are not here: a
// target must be in the Makefile, and a package must exist.
var commandTests = map[string]string{
	"exeunt serve":       "TestCommands",
	"exeunt account":     "TestCommands",
	"exeunt plan":        "TestCommands",
	"exeunt leave":       "TestCommands",
	"exeunt status":      "TestCommands",
	"exeunt certificate": "TestCommands",
	"exeunt export":      "TestCommands",
	"exeunt circle":      "TestCommands",
	"exeunt import":      "TestCommands",
	"exeunt verify":      "TestCommands",
	"exeunt residue":     "TestCommands",
	"exeunt backup":      "TestCommands",
	"exeunt restore":     "TestCommands",
	"exeunt clock":       "TestCommands",
	"exeunt sunset":      "TestSunsetCommands",
}

// repository is what the documents are compared with.
type repository struct {
	exists  func(name string) bool // a path from the root
	bases   map[string]bool        // the last parts of all paths
	targets map[string]bool        // of the Makefile
	tests   map[string]bool        // names of test functions
	command map[string]string      // commandTests
}

var (
	fence      = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```")
	inlineCode = regexp.MustCompile("`([^`\n]+)`")
	link       = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	pathLike   = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?$`)
	sourceLike = regexp.MustCompile(`\.(go|md|sh|sql|templ|ya?ml|env|svg)$`)
	lineNumber = regexp.MustCompile(`\.(go|md|sh|sql|templ|ya?ml|css|js):[0-9]+`)
	testLike   = regexp.MustCompile(`^(Test|Fuzz)[A-Z][A-Za-z0-9]*$`)
	topFolders = []string{".ci", "archive", "bench", "cmd", "docs", "e2e", "examples", "exit", "internal", "ledger", "policies", "scripts"}
)

// complaints returns what a document says that the repository does not bear out.
func (r repository) complaints(document, text string) []string {
	var found []string
	complain := func(what, why string) { found = append(found, document+": "+what+": "+why) }
	for _, match := range lineNumber.FindAllString(text, -1) {
		complain(match, "line numbers are wrong by next week: name the function")
	}
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		if block[1] != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(block[2], "\\\n", " ")) {
			if why := r.unknownCommand(line); why != "" {
				complain(strings.TrimSpace(line), why)
			}
		}
	}
	prose := fence.ReplaceAllString(text, "")
	for _, match := range inlineCode.FindAllStringSubmatch(prose, -1) {
		if testLike.MatchString(match[1]) && !r.tests[match[1]] {
			complain(match[1], "there is no such test")
		}
		if !r.knownPath(match[1]) {
			complain(match[1], "there is no such path")
		}
	}
	for _, match := range link.FindAllStringSubmatch(prose, -1) {
		if !strings.Contains(match[1], "://") && !r.exists(path.Join(path.Dir(document), match[1])) {
			complain(match[1], "the link leads nowhere")
		}
	}
	return found
}

// knownPath is false for a path into the repository that is not there. What is no such path is known.
func (r repository) knownPath(code string) bool {
	first, _, deep := strings.Cut(code, "/")
	switch {
	case !pathLike.MatchString(code):
		return true
	case deep && slices.Contains(topFolders, first):
		return r.exists(strings.TrimSuffix(code, "/"))
	case !deep && sourceLike.MatchString(code):
		return r.bases[code] // a file that each room has, such as store.go
	}
	return true
}

// unknownCommand says why a line of a shell example is not known to work; empty means that it is.
func (r repository) unknownCommand(line string) string {
	line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "$ "), " #")
	line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), `eval "$(`), `)"`)
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return ""
	}
	switch words[0] {
	case "make":
		for _, target := range words[1:] {
			if !r.targets[target] {
				return "no target " + target + " in the Makefile"
			}
		}
		return ""
	case "go":
		for _, word := range words[1:] {
			if folder, local := strings.CutPrefix(word, "./"); local && !r.exists(strings.TrimSuffix(folder, "/")) && folder != "..." {
				return "no package " + word
			}
		}
		return ""
	case "cd":
		if len(words) == 2 && r.exists(words[1]) {
			return ""
		}
		return "no such folder"
	}
	command := path.Base(words[0])
	if command == "exeunt" && len(words) > 1 {
		command += " " + words[1]
	}
	switch test, known := r.command[command]; {
	case !known:
		return "docs_test.go names no test that runs " + command
	case !r.tests[test]:
		return "docs_test.go names " + test + ", which does not exist"
	}
	return ""
}

// readRepository looks at the tree that this test stands in.
func readRepository(t *testing.T) repository {
	t.Helper()
	r := repository{
		bases: map[string]bool{}, targets: map[string]bool{}, tests: map[string]bool{}, command: commandTests,
		exists: func(name string) bool { _, err := os.Stat(filepath.FromSlash(name)); return err == nil },
	}
	testFunction := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "data" || name == "bin"):
			return fs.SkipDir
		}
		r.bases[path.Base(name)] = true
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(name)
		for _, match := range testFunction.FindAllSubmatch(source, -1) {
			r.tests[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllSubmatch(makefile, -1) {
		r.targets[string(match[1])] = true
	}
	return r
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	r := readRepository(t)
	var documents []string
	for _, pattern := range []string{"README*.md", "CONTRIBUTING.md", "docs/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Errorf("%s: no such document (%v)", pattern, err)
		}
		documents = append(documents, found...)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range r.complaints(filepath.ToSlash(document), string(text)) {
			t.Error(complaint)
		}
	}
}

// TestDocumentsCatches plants what the documents must not say.
func TestDocumentsCatches(t *testing.T) {
	t.Parallel()
	r := repository{
		bases: map[string]bool{"store.go": true}, targets: map[string]bool{"test": true}, tests: map[string]bool{"TestVerify": true},
		command: map[string]string{"exeunt verify": "TestVerify", "exeunt plan": "TestGone"},
		exists:  func(name string) bool { return name == "exit" || name == "docs/calendar.svg" },
	}
	for _, test := range []struct{ name, text, want string }{
		{"path that is there", "see `exit/`", ""},
		{"path that is gone", "see `exit/gone.go`", "there is no such path"},
		{"file that every room has", "see `store.go`", ""},
		{"file that no room has", "see `gone.go`", "there is no such path"},
		{"no path of ours", "`golang.org/x/mod`, `actor.json`, `--json`, `exit.Plan`, `N passed`", ""},
		{"test that is there", "`TestVerify`", ""},
		{"test that is gone", "`TestGone`", "there is no such test"},
		{"link that leads somewhere", "![plan](calendar.svg)", ""},
		{"link that leads nowhere", "[plan](gone.svg)", "leads nowhere"},
		{"link to elsewhere", "[law](https://example.org/law)", ""},
		{"line number", "in plan.go:12", "line numbers"},
		{"target that is there", "```sh\nmake test  # everything\n```\n", ""},
		{"target that is gone", "```sh\nmake love\n```\n", "no target love"},
		{"package that is gone", "```sh\ngo test ./gone\n```\n", "no package ./gone"},
		{"command with its test", "```sh\n$ bin/exeunt verify \\\n  FILE\n```\n", ""},
		{"command without a test", "```sh\nexeunt dance\n```\n", "names no test that runs exeunt dance"},
		{"command whose test is gone", "```sh\nexeunt plan\n```\n", "TestGone, which does not exist"},
		{"block of another language", "```text\nexeunt dance\n```\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found := r.complaints("docs/planted.md", test.text)
			if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || !strings.Contains(found[0], test.want)) {
				t.Errorf("got %q, want %q", found, test.want)
			}
		})
	}
}

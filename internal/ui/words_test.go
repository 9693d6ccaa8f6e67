package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"exeunt/internal/ui"
)

// sentences are the keys of one language: key → the text, or its plural forms
// joined, and the file it stands in.
type sentences map[string]struct{ text, room string }

func readSentences(t *testing.T, folder string) sentences {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("locales", folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sentences in %s: %v", folder, err)
	}
	all := sentences{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var raw map[string]any
		if err := json.Unmarshal(b, &raw); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		room := strings.TrimSuffix(filepath.Base(file), ".json")
		for key, v := range raw {
			if !strings.HasPrefix(key, room+".") {
				t.Errorf("%s: key %q must begin with %q", file, key, room+".")
			}
			if _, twice := all[key]; twice {
				t.Errorf("%s: key %q stands in two files", file, key)
			}
			all[key] = struct{ text, room string }{formsOf(v), room}
		}
	}
	return all
}

func formsOf(v any) string {
	forms, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	var out []string
	for name, f := range forms {
		out = append(out, name+": "+fmt.Sprint(f))
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

var placeholder = regexp.MustCompile(`\{\{\.?[^}]*\}\}`)

func placeholders(text string) string {
	set := map[string]bool{}
	for _, p := range placeholder.FindAllString(text, -1) {
		set[p] = true
	}
	var out []string
	for p := range set {
		out = append(out, p)
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// TestSentencesInBothLanguages wants each key in both languages, with the same
// placeholders and other words, no exclamation marks, and full-width
// punctuation in Chinese.
func TestSentencesInBothLanguages(t *testing.T) {
	zh, en := readSentences(t, "zh"), readSentences(t, "en")
	same := readSame(t)
	for key, s := range zh {
		other, ok := en[key]
		switch {
		case !ok:
			t.Errorf("%s has no English", key)
		case placeholders(s.text) != placeholders(other.text):
			t.Errorf("%s: placeholders %s and %s", key, placeholders(s.text), placeholders(other.text))
		case s.text == other.text && same[key] == "":
			t.Errorf("%s is the same in both languages; if it must be, say why in testdata/same.txt", key)
		case s.text != other.text && same[key] != "":
			t.Errorf("%s stands in testdata/same.txt but differs", key)
		}
		if strings.ContainsAny(s.text+other.text, "!！") {
			t.Errorf("%s has an exclamation mark", key)
		}
		if badChinese.MatchString(s.text) {
			t.Errorf("%s: half-width punctuation between 汉字: %s", key, s.text)
		}
	}
	for key := range en {
		if _, ok := zh[key]; !ok {
			t.Errorf("%s has no Chinese", key)
		}
	}
	for key := range same {
		if _, ok := zh[key]; !ok {
			t.Errorf("testdata/same.txt names %s, which does not exist", key)
		}
	}
}

var badChinese = regexp.MustCompile(`\p{Han}[,;:?]|账户|档案|墓碑|您`)

// readSame reads the keys that may be the same in both languages: KEY REASON a line.
func readSame(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/same.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		key, reason, _ := strings.Cut(line, " ")
		if strings.HasPrefix(key, "#") || key == "" {
			continue
		}
		if strings.TrimSpace(reason) == "" {
			t.Errorf("testdata/same.txt: %s has no reason", key)
		}
		out[key] = reason
	}
	return out
}

var (
	literal  = regexp.MustCompile("[\"`]([a-z][a-z_]*(?:\\.[a-z0-9_-]+)+)[\"`]")
	keysCall = regexp.MustCompile("(?s)\\bKeys\\(\\s*\"([^\"]+\\.)\"\\s*,([^)]*)\\)")
	quoted   = regexp.MustCompile(`"([^"]*)"`)
	lookup   = regexp.MustCompile(`\b(?:T|Sentence)\(\s*(?:[a-zA-Z.()]+,\s*)?"([^"]+)"`)
)

// serviceTitle finds the title of a service, beside which stands the sentence about it.
var serviceTitle = regexp.MustCompile(`service\.Service\{[^}]*Title:\s*"([^"]+)"`)

// usedKeys reads every .go and .templ file of the module but tests and generated
// ones: keys written out, keys declared by Keys, and keys that T is asked for.
func usedKeys(t *testing.T) (used map[string]bool, asked map[string]string) {
	t.Helper()
	used, asked = map[string]bool{}, map[string]string{}
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || name == "node_modules" || (strings.HasPrefix(name, ".") && path != root) {
				return filepath.SkipDir
			}
			return nil
		}
		isCode := strings.HasSuffix(path, ".templ") || strings.HasSuffix(path, ".go")
		if !isCode || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		readKeys(string(b), path, used, asked)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used, asked
}

var comment = regexp.MustCompile(`(?m)^\s*//.*$`)

func readKeys(source, path string, used map[string]bool, asked map[string]string) {
	source = comment.ReplaceAllString(source, "")
	for _, m := range literal.FindAllStringSubmatch(source, -1) {
		used[m[1]] = true
	}
	for _, m := range serviceTitle.FindAllStringSubmatch(source, -1) {
		used[m[1]+".about"] = true
		asked[m[1]+".about"] = path
	}
	for _, call := range keysCall.FindAllStringSubmatch(source, -1) {
		for _, name := range quoted.FindAllStringSubmatch(call[2], -1) {
			used[call[1]+name[1]] = true
			asked[call[1]+name[1]] = path
		}
	}
	for _, m := range lookup.FindAllStringSubmatch(source, -1) {
		if strings.Contains(m[1], ".") {
			asked[m[1]] = path
		}
	}
}

// TestSentencesUsed wants each key used somewhere, and each key that code asks
// for to exist.
func TestSentencesUsed(t *testing.T) {
	used, asked := usedKeys(t)
	all := readSentences(t, "zh")
	for key := range all {
		if !used[key] {
			t.Errorf("%s is used nowhere", key)
		}
	}
	for key, path := range asked {
		if _, ok := all[key]; !ok {
			t.Errorf("%s asks for %s, which does not exist", path, key)
		}
	}
}

// TestKeyScanner shows the scanner of keys each kind of use, and what is none.
func TestKeyScanner(t *testing.T) {
	used, asked := map[string]bool{}, map[string]string{}
	readKeys(`x := ui.T(ctx, "a.one") // and
// ui.T(ctx, "a.commented")
var w = ui.Keys("a.state.", "open",
	"closed")
e := exit.Error{Message: "a.error"}
l.T("a.two", "Name", n)`, "f.go", used, asked)
	for _, key := range []string{"a.one", "a.two", "a.error", "a.state.open", "a.state.closed"} {
		if !used[key] {
			t.Errorf("%s not seen", key)
		}
	}
	for _, key := range []string{"a.one", "a.two", "a.state.closed"} {
		if asked[key] == "" {
			t.Errorf("%s not seen as asked for", key)
		}
	}
	if used["a.commented"] || asked["a.error"] != "" {
		t.Errorf("used %v, asked %v", used, asked)
	}
}

func TestT(t *testing.T) {
	for _, c := range []struct {
		lang ui.Lang
		key  string
		args []any
		want string
	}{
		{ui.Chinese, "ui.tab.me", nil, "我"},
		{ui.English, "ui.tab.me", nil, "Me"},
		{ui.Chinese, "ui.post.likes", []any{"Count", 1286}, "1,286 人赞"},
		{ui.English, "ui.post.likes", []any{"Count", 1}, "1 like"},
		{ui.English, "ui.post.likes", []any{"Count", 0}, "0 likes"},
		{ui.English, "ui.post.likes", []any{"Count", int64(2000)}, "2,000 likes"},
		{ui.English, "ui.back", []any{"To", "{{.To}} <b>"}, "Back to {{.To}} <b>"},
		{"xx", "ui.tab.me", nil, "我"},
		{ui.English, "ui.no.such", nil, "ui.no.such"},
	} {
		if got := c.lang.T(c.key, c.args...); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.lang, c.key, got, c.want)
		}
	}
}

func TestSentence(t *testing.T) {
	ctx := readerOf(ui.English, ui.ThemeAuto)
	if got, want := ui.Sentence(ctx, "ui.tab.me"), "Me"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, key := range []string{"", "exit.no.such.key"} {
		if got := ui.Sentence(ctx, key); got == key || strings.Contains(got, "no.such") {
			t.Errorf("Sentence(%q) = %q", key, got)
		}
	}
}

func BenchmarkT(b *testing.B) {
	ctx := readerOf(ui.English, ui.ThemeAuto)
	for _, c := range []struct {
		name string
		key  string
		args []any
	}{{"plain", "ui.tab.discover", nil}, {"named", "ui.back", []any{"To", "home"}}, {"plural", "ui.post.likes", []any{"Count", 12}}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				ui.T(ctx, c.key, c.args...)
			}
		})
	}
}

// BenchmarkHome draws a home page of 20 posts.
func BenchmarkHome(b *testing.B) {
	s := chineseSample()
	first := s.posts[0]
	s.posts = nil
	for range 20 {
		s.posts = append(s.posts, first)
	}
	ctx, f := readerOf(ui.Chinese, ui.ThemeAuto), frameOf(ui.Chinese)
	b.ReportAllocs()
	for b.Loop() {
		if err := homeSample(f, s).Render(ctx, discard{}); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestReaderWithout has a page without a reader drawn in Chinese, in UTC.
func TestReaderWithout(t *testing.T) {
	if got := ui.T(context.Background(), "ui.tab.me"); got != "我" {
		t.Errorf("%q", got)
	}
}

package account_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// ofNoAccount are the tables whose rows belong to no account, but to a person, an address or a name.
var ofNoAccount = map[string]bool{"people": true, "recovery_codes": true, "one_time_links": true, "attempts": true, "held_names": true}

// withoutPass are the methods that write for an account and ask for no pass, each with its reason.
var withoutPass = map[string]string{
	"addAccount":    "there is no state row yet",
	"setState":      "the engine's own transaction, which holds the state row exclusively",
	"endSessionsOf": "the engine's own transaction",
	"sweepSessions": "expired rows that nobody can use",
	"sweepInvites":  "expired rows that nobody can use",
}

var changing = regexp.MustCompile(`(?i)^\s*(?:insert into|update|delete from)\s+(\w+)`)

// TestWritesAskForAPass reads the store's source: a method that changes a table of accounts has a service.Pass.
func TestWritesAskForAPass(t *testing.T) {
	names, err := filepath.Glob("store*.go")
	if err != nil || len(names) < 4 {
		t.Fatalf("found %v, error %v", names, err)
	}
	writes, excused := 0, map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !changesAccounts(fn) {
				continue
			}
			writes++
			if asksForPass(fn) {
				continue
			}
			excused[fn.Name.Name] = true
			if withoutPass[fn.Name.Name] == "" {
				t.Errorf("%s: %s writes for an account and asks for no pass of the fence", name, fn.Name.Name)
			}
		}
	}
	if writes < 15 {
		t.Errorf("found %d methods that write, want more: does the test still see them?", writes)
	}
	for name := range withoutPass {
		if !excused[name] {
			t.Errorf("%s needs no excuse any more", name)
		}
	}
}

func changesAccounts(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if m := changing.FindStringSubmatch(text); err == nil && m != nil && !ofNoAccount[m[1]] {
				found = true
			}
		}
		return true
	})
	return found
}

// asksForPass reports whether the first parameter after the context is a service.Pass and the method refuses an invalid one.
func asksForPass(fn *ast.FuncDecl) bool {
	params := fn.Type.Params.List
	if len(params) < 2 {
		return false
	}
	sel, ok := params[1].Type.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Pass" {
		return false
	}
	refuses := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "ErrNoPass" {
			refuses = true
		}
		return true
	})
	return refuses
}

package circle_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// withoutPass are the methods that write and ask for no pass, each with its reason.
var withoutPass = map[string]string{
	"count":       "part of methods that asked for one",
	"sweep":       "circles in which nobody is left",
	"offer":       "a step of an agreed plan, or after the fence",
	"withdrawRun": "a step of an agreed plan",
	"pause":       "a step of an agreed plan",
	"resume":      "a step of an agreed plan",
}

var changing = regexp.MustCompile(`(?i)^\s*(?:insert into|update|delete from)\s`)

// TestWritesAskForAPass reads the store's source: a method that changes a table has a service.Pass.
func TestWritesAskForAPass(t *testing.T) {
	names, err := filepath.Glob("store*.go")
	if err != nil || len(names) < 3 {
		t.Fatalf("found %v, error %v", names, err)
	}
	writes := 0
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !changes(fn) {
				continue
			}
			writes++
			if asks, excuse := asksForPass(fn), withoutPass[fn.Name.Name]; asks == (excuse != "") {
				t.Errorf("%s: %s asks for a pass: %v, and its excuse is %q", name, fn.Name.Name, asks, excuse)
			}
		}
	}
	if writes < 15 {
		t.Errorf("found %d methods that write, want more: does the test still see them?", writes)
	}
}

func changes(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			found = found || err == nil && changing.MatchString(text)
		}
		return true
	})
	return found
}

// asksForPass reports whether the first parameter after the context is a service.Pass and the method
// refuses an invalid one.
func asksForPass(fn *ast.FuncDecl) (refuses bool) {
	params := fn.Type.Params.List
	if len(params) < 2 {
		return false
	}
	if sel, ok := params[1].Type.(*ast.SelectorExpr); !ok || sel.Sel.Name != "Pass" {
		return false
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "ErrNoPass" {
			refuses = true
		}
		return true
	})
	return refuses
}

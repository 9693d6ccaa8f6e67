package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// visitors are those who try every route, in the order of the columns.
var visitors = []string{"guest", "member", "hibernating", "closing", "closed", "operator"}

// gate is an install with a visitor of each sort, and a host whose things they look at.
type gate struct {
	in      *install
	handler http.Handler
	viewers map[string]who.Viewer
	values  map[string]string // of a pattern's wildcards
}

// newGate makes the visitors. The closed one has consented eight days ago, past cooling-off.
func newGate(t *testing.T, in *install) *gate {
	t.Helper()
	ctx := t.Context()
	g := &gate{in: in, viewers: map[string]who.Viewer{}}
	host := in.member(t, "hostone")
	ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, host, circle.Draft{Name: "ring", Mode: circle.Open}))
	list, err := in.Posts.ByAuthor(ctx, host, host.Account, post.Cursor{}, 1)
	must(t, err, "read post")
	objects, err := in.Blobs.List(ctx, host.Account.String()+"/posts/", "", 1)
	must(t, err, "list blobs")
	g.values = map[string]string{
		"name": host.Name, "key...": objects[0].Key, "post": list[0].ID.String(), "circle": ring.String(), "kind": "post", "service": "circle",
		"account": host.Account.String(), "act": "remove",
	}
	for _, name := range visitors[1:5] {
		g.viewers[name] = in.signUp(t, name+"one")
	}
	closing := func(name string) {
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(g.viewers[name].Account, ""), Journey: exit.Close})
	}
	closing("closed")
	in.travel(t, 8)
	closing("closing")
	in.agree(t, exit.Ask{Subject: leave.SubjectOf(g.viewers["hibernating"].Account, ""), Journey: exit.Hibernate})
	in.settle(t)
	token, _, err := in.Accounts.FirstStart(ctx)
	must(t, err, "start first")
	operator, err := in.Accounts.MakeOperator(ctx, token, "operatorone", password)
	must(t, err, "make operator")
	g.viewers["operator"] = who.Viewer{Person: operator.Person, Account: operator.Account}
	for name, want := range map[string]who.State{"hibernating": who.Hibernating, "closing": who.Closing, "closed": who.Closed, "member": who.Active} {
		in.wantState(t, name, g.viewers[name].Account, want)
	}
	g.handler = in.Handler()
	return g
}

var wildcard = regexp.MustCompile(`\{([^}]+)\}`)

// path fills a pattern's wildcards in: with things of the host, and elsewhere with what is not there.
func (g *gate) path(pattern string) string {
	pattern = strings.ReplaceAll(pattern, "{$}", "")
	return wildcard.ReplaceAllStringFunc(pattern, func(w string) string {
		name := strings.Trim(w, "{}")
		switch {
		case name == "id" && strings.Contains(pattern, "/circles/"):
			name = "circle"
		case name == "id" && (strings.Contains(pattern, "/posts/") || strings.Contains(pattern, "/talk/{kind}")):
			name = "post"
		}
		if v := g.values[name]; v != "" {
			return v
		}
		return "404404404"
	})
}

// try asks a route as one of the visitors, in a session of its own, and says what the answer was: a status, or where a
// visitor is led who may not.
func (g *gate) try(t *testing.T, route service.Route, visitor string) string {
	t.Helper()
	method, pattern, _ := strings.Cut(route.Pattern, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, g.path(pattern), strings.NewReader(""))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if v := g.viewers[visitor]; v.Account != 0 {
		token, err := g.in.Accounts.Begin(t.Context(), v.Person, v.Account, "")
		must(t, err, "begin session")
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	if w.Code == http.StatusSeeOther {
		to, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		switch to {
		case ui.SignInPath:
			return "sign-in"
		case ui.ExitPath:
			return "exit"
		}
	}
	return fmt.Sprint(w.Code)
}

// wantRule asks what holds for all routes of an access, whatever their own rules are.
func wantRule(t *testing.T, route service.Route, got map[string]string) {
	t.Helper()
	want := func(visitor string, answers ...string) {
		if !slices.Contains(answers, got[visitor]) {
			t.Errorf("%s answers %s to %s, want one of %v", route.Pattern, got[visitor], visitor, answers)
		}
	}
	if route.Access != service.Anyone {
		want("guest", map[bool]string{true: "sign-in", false: "401"}[strings.HasPrefix(route.Pattern, "GET ")])
	}
	switch route.Access {
	case service.Member:
		want("closing", "exit")
		want("closed", "exit")
	case service.Operator:
		want("member", "404")
		want("hibernating", "404")
		want("closing", "404")
		want("closed", "404")
	default:
	}
	for _, visitor := range visitors {
		if strings.HasPrefix(got[visitor], "5") && got[visitor] != "503" {
			t.Errorf("%s answers %s to %s", route.Pattern, got[visitor], visitor)
		}
	}
}

// TestAccess tries every route as each sort of visitor. The table in testdata has a row for each route; a route without
// one fails, as does a row without a route.
func TestAccess(t *testing.T) {
	name := filepath.Join("testdata", "access.golden")
	eachInstall(t, func(t *testing.T, in *install) {
		g := newGate(t, in)
		var rows []string
		for _, route := range in.Routes() {
			if strings.Contains(route.Pattern, " /trial/") {
				continue // an ordinary install has none of it
			}
			got := map[string]string{}
			row := fmt.Sprintf("%-48s", route.Pattern)
			for _, visitor := range visitors {
				got[visitor] = g.try(t, route, visitor)
				row += fmt.Sprintf(" %-8s", got[visitor])
			}
			wantRule(t, route, got)
			rows = append(rows, strings.TrimRight(row, " "))
		}
		slices.Sort(rows)
		table := fmt.Sprintf("%-48s %s\n", "route", strings.Join(visitors, " ")) + strings.Join(rows, "\n") + "\n"
		if *update {
			must(t, os.MkdirAll("testdata", 0o755), "make folder")
			must(t, os.WriteFile(name, []byte(table), 0o644), "write table")
		}
		want, err := os.ReadFile(name)
		must(t, err, "read table")
		for _, line := range difference(string(want), table) {
			t.Error(line)
		}
	})
}

// difference gives the lines that only one of two texts has.
func difference(want, got string) (out []string) {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "want "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "got  "+line)
		}
	}
	return out
}

package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// visitors are those who try every route, in the order of the columns. From member to owner they are in the circle
// that they look at, or were: the banned was taken out of it, the blocked is a member whom its owner has blocked. The
// suspended may not write anywhere, by the operator's word; the gone comes with the cookie of an account that is erased.
var visitors = []string{
	"guest", "stranger", "member", "muted", "banned", "blocked", "moderator", "owner", "operator", "suspended", "hibernating", "closing", "closed", "gone",
}

// try asks a route as one of the visitors, in a session of its own, and says what the answer was: a status, or where a
// visitor is led who may not.
func (g *gate) try(t *testing.T, route service.Route, visitor string) string {
	t.Helper()
	if g.worn {
		g.renew(t)
	}
	r := g.request(t, route)
	if v := g.viewers[visitor]; visitor == "gone" {
		r.AddCookie(&http.Cookie{Name: "session", Value: g.cookie})
	} else if v.Account != 0 {
		token, err := g.in.Accounts.Begin(t.Context(), v.Person, v.Account, "")
		must(t, err, "begin session")
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	g.worn = r.Method != http.MethodGet && r.Method != http.MethodHead && w.Code < http.StatusBadRequest
	if w.Code == http.StatusGone {
		return "404" // since a circle has ended, what is not found may have been there: who asks learns no more
	}
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

// unopened are the routes that nobody finds, each with the reason. A row of nothing but not found asks after no rule: of any other route there is to be
// something that one of the visitors finds.
var unopened = map[string]string{
	"GET /operator/{token}": "the link makes the first operator and works no more once there is one",
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
		want("stranger", "404")
		want("member", "404")
		want("owner", "404")
		want("suspended", "404")
		want("hibernating", "404")
		want("closing", "404")
		want("closed", "404")
	default:
	}
	if got["gone"] != got["guest"] {
		t.Errorf("%s answers %s to the gone and %s to a guest", route.Pattern, got["gone"], got["guest"])
	}
	opened := slices.ContainsFunc(visitors, func(v string) bool { return !slices.Contains([]string{"404", "401", "503", "sign-in", "exit"}, got[v]) })
	if why, listed := unopened[route.Pattern]; listed == opened {
		t.Errorf("%s is found by somebody: %v, and on the list of those that nobody finds: %v (%s)", route.Pattern, opened, listed, why)
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
				row += fmt.Sprintf(" %-*s", max(7, len(visitor)), got[visitor])
			}
			wantRule(t, route, got)
			rows = append(rows, strings.TrimRight(row, " "))
		}
		slices.Sort(rows)
		head := fmt.Sprintf("%-48s", "route")
		for _, visitor := range visitors {
			head += fmt.Sprintf(" %-7s", visitor)
		}
		table := strings.TrimRight(head, " ") + "\n" + strings.Join(rows, "\n") + "\n"
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

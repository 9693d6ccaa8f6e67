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
	"exeunt/internal/blob"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// visitors are those who try every route, in the order of the columns. From member to owner they are in the circle
// that they look at, or were: the banned was taken out of it, the blocked is a member whom its owner has blocked. The
// suspended may not write anywhere, by the operator's word; the gone comes with the cookie of an account that is erased.
var visitors = []string{
	"guest", "stranger", "member", "muted", "banned", "blocked", "moderator", "owner", "operator", "suspended", "hibernating", "closing", "closed", "gone",
}

// gate is an install with a visitor of each sort, and an owner whose things they look at.
type gate struct {
	in      *install
	handler http.Handler
	viewers map[string]who.Viewer
	cookie  string            // of the gone
	film    string            // the key of the owner's file
	values  map[string]string // of a pattern's wildcards
	worn    bool              // a visitor has changed what the next one would look at
}

// newGate makes the visitors. The closed one has consented eight days ago, past cooling-off.
func newGate(t *testing.T, in *install) *gate {
	t.Helper()
	ctx := t.Context()
	g := &gate{in: in, viewers: map[string]who.Viewer{}, worn: true}
	token, _, err := in.Accounts.FirstStart(ctx)
	must(t, err, "start first")
	operator, err := in.Accounts.MakeOperator(ctx, token, "operatorone", password)
	must(t, err, "make operator")
	closing := func(name string) {
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(g.viewers[name].Account, ""), Journey: exit.Close})
	}
	g.viewers["gone"] = in.signUp(t, "goneone")
	g.cookie, err = in.Accounts.Begin(ctx, g.viewers["gone"].Person, g.viewers["gone"].Account, "")
	must(t, err, "begin session")
	closing("gone")
	in.travel(t, 40)
	g.viewers["owner"] = in.member(t, "ownerone")
	for _, name := range visitors {
		if _, there := g.viewers[name]; !there && name != "guest" && name != "operator" {
			g.viewers[name] = in.signUp(t, name+"one")
		}
	}
	closing("closed")
	in.travel(t, 8)
	closing("closing")
	in.agree(t, exit.Ask{Subject: leave.SubjectOf(g.viewers["hibernating"].Account, ""), Journey: exit.Hibernate})
	in.settle(t)
	g.viewers["operator"] = who.Viewer{Person: operator.Person, Account: operator.Account, Operator: true}
	must(t, in.Order.Lay(ctx, g.viewers["operator"], moderate.Everywhere, g.viewers["suspended"].Account, moderate.Order{What: moderate.Suspend, Rule: "fraud"}), "suspend")
	for name, want := range map[string]who.State{"hibernating": who.Hibernating, "closing": who.Closing, "closed": who.Closed, "member": who.Active, "suspended": who.Active, "gone": ""} {
		in.wantState(t, name, g.viewers[name].Account, want)
	}
	put, err := in.Blobs.Put(ctx, g.viewers["owner"].Account, blob.Videos, ".mp4", "video/mp4", strings.NewReader("film"))
	must(t, err, "put a film")
	g.film, g.handler = put.Key, in.Handler()
	return g
}

func (g *gate) id(visitor string) int64 { return int64(g.viewers[visitor].Account) }

// renew gives the visitors new things to look at: a circle with a post, a report on it and an act, each of them in their place there.
func (g *gate) renew(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	owner := g.viewers["owner"]
	insert := func(query string, args ...any) {
		t.Helper()
		_, err := g.in.DB.Writer.ExecContext(ctx, query, args...)
		must(t, err, "fill")
	}
	insert(`delete from circle_members`) // of those before: nobody owns more than a hundred
	ring := value[who.ID](t, "make circle")(g.in.Circles.Create(ctx, owner, circle.Draft{Name: "ring " + g.in.DB.IDs.Next().String(), Mode: circle.Open}))
	note := value[who.ID](t, "write post")(g.in.Posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: ring, Text: "note"}))
	last := g.in.DB.IDs.Next
	insert(`delete from blocks`)
	insert(`delete from follows where followee_id = $1`, g.id("owner"))
	insert(`insert into blocks (id, account_id, blocked_id, created_at) values ($1, $2, $3, 0)`, int64(last()), g.id("owner"), g.id("blocked"))
	for _, name := range []string{"member", "muted", "blocked", "moderator", "suspended"} {
		role := "member"
		if name == "moderator" {
			role = name
		}
		insert(`insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, $4, 'active', 0)`, int64(last()), int64(ring), g.id(name), role)
	}
	film := last()
	insert(`insert into channels (account_id, name, bio, avatar, cover, created_at) values ($1, 'films', '', '', '', 0) on conflict do nothing`, g.id("owner"))
	insert(`insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads)
		values ($1, $2, 'film', '', $3, 'en', 'live', 'plain', '', 1000, 1, 1, $4, 'video/mp4', 'film.mp4', 1, '', 1000, 640, 360, '', '', 0)`, int64(film), g.id("owner"), "circle:"+ring.String(), g.film)
	act, report := last(), last()
	insert(`insert into acts (id, kind, ref_kind, ref_id, service, place_id, about_id, by_id, rule, words, detail, state, created_at)
		values ($1, 'mute', 'account', $2, 'circle', $3, $2, $4, 'spam', '', '', 'active', $5)`, int64(act), g.id("muted"), int64(ring), g.id("owner"), int64(1)<<42)
	insert(`insert into reasons (account_id, scope, what, reason, since) values ($1, $2, 'mute', $3, 0)`, g.id("muted"), "circle:"+ring.String(), "act:"+act.String())
	insert(`insert into sanctions (id, account_id, what, service, place_id, act_id, rule, created_at) values ($1, $2, 'ban', 'circle', $3, $4, 'spam', 0)`, int64(last()), g.id("banned"), int64(ring), int64(act))
	insert(`insert into cases (id, ref_kind, ref_id, service, place_id, about_id, state, created_at) values ($1, 'post', $2, 'circle', $3, $4, 'open', 0)`, int64(report), int64(note), int64(ring), g.id("owner"))
	objects, err := g.in.Blobs.List(ctx, owner.Account.String()+"/posts/", "", 1)
	must(t, err, "list blobs")
	g.values = map[string]string{
		"name": owner.Name, "key...": objects[0].Key, "post": note.String(), "video": film.String(), "circle": ring.String(), "kind": "post", "service": "circle",
		"account": g.viewers["member"].Account.String(), "act": "remove", "case": report.String(), "deed": act.String(),
	}
	g.worn = false
}

var wildcard = regexp.MustCompile(`\{([^}]+)\}`)

// path fills a pattern's wildcards in: with things of the owner, and elsewhere with what is not there.
func (g *gate) path(pattern string) string {
	pattern = strings.ReplaceAll(pattern, "{$}", "")
	return wildcard.ReplaceAllStringFunc(pattern, func(w string) string {
		name := strings.Trim(w, "{}")
		switch {
		case name == "id" && (strings.Contains(pattern, "/circles/") || strings.Contains(pattern, "/moderation/circle/")):
			name = "circle"
		case name == "id" && (strings.Contains(pattern, "/videos/") || strings.Contains(pattern, "/embed/")):
			name = "video"
		case name == "id" && (strings.Contains(pattern, "/posts/") || strings.Contains(pattern, "/{kind}/")):
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
	if g.worn {
		g.renew(t)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, g.path(pattern), strings.NewReader(""))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Tus-Resumable", "1.0.0") // without it no upload says more
	if v := g.viewers[visitor]; visitor == "gone" {
		r.AddCookie(&http.Cookie{Name: "session", Value: g.cookie})
	} else if v.Account != 0 {
		token, err := g.in.Accounts.Begin(t.Context(), v.Person, v.Account, "")
		must(t, err, "begin session")
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	g.worn = method == http.MethodPost && w.Code < http.StatusBadRequest
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

package exit_test

import (
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
)

// TestReturnToWhatHasEnded has a return say what is gone with a service that has ended since: classes that are nowhere else, and the service.
func TestReturnToWhatHasEnded(t *testing.T) {
	p := mustParse(t, housePolicy)
	for name, c := range map[string]struct {
		in    string
		ended []string
		gone  []string // "…" is everything
	}{
		"nothing has ended":           {"", nil, nil},
		"a service, all comes back":   {"", []string{"circle"}, []string{"circle.circles", "circle.members", "service:circle"}},
		"a place of many":             {"", []string{"circle:9"}, nil},
		"all services of some":        {"", []string{"circle", "page"}, []string{"blob.media", "circle.circles", "circle.members", "post.images", "post.posts", "service:circle", "service:page", "talk.comments", "talk.likes"}},
		"the service itself":          {"circle", []string{"circle"}, []string{"…"}},
		"another service":             {"page", []string{"circle"}, nil},
		"the place itself":            {"circle:9", []string{"circle:9"}, []string{"…"}},
		"another place":               {"circle:8", []string{"circle:9"}, nil},
		"the service around a place":  {"circle:9", []string{"circle"}, []string{"…"}},
		"a place within the service":  {"circle", []string{"circle:9"}, nil},
		"the install":                 {"", []string{""}, []string{"…"}},
		"the install, for one circle": {"circle:9", []string{""}, []string{"…"}},
	} {
		facts := houseFacts()
		facts.Runs, facts.Ended = []exit.RunFact{agreed(t, "run1", p, closing(c.in), instant(t, noon))}, c.ended
		plan, err := exit.MakePlan(p, ask(exit.Return, c.in), facts, instant(t, noon).AddDate(0, 0, 1))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var gone, kept []string
		for _, s := range plan.Stays {
			if s.State == "gone" {
				gone = append(gone, s.What)
			} else {
				kept = append(kept, s.What)
			}
		}
		slices.Sort(gone)
		if all := slices.Equal(c.gone, []string{"…"}); all && (len(kept) > 0 || len(gone) == 0) || !all && !slices.Equal(gone, c.gone) {
			t.Errorf("%s: gone are %v, kept %v, want gone %v", name, gone, kept, c.gone)
		}
	}
}

// TestEndsWith has what is said about things of a service go with it, before the things; no closing of an account's part knows of it, and a holder that cannot is
// refused.
func TestEndsWith(t *testing.T) {
	facts := houseFacts()
	about := exit.ClassFact{Holder: "report", Class: exit.Class{Name: "cases", EndsWith: []string{"circle"}}}
	last := exit.ClassFact{Holder: "report", Class: exit.Class{Name: "told", EndsWith: []string{"circle"}, Rank: 1}}
	facts.Classes, facts.Conductor = append(facts.Classes, about, last), "sunset"
	p := mustParse(t, housePolicy)
	const before, after = "erase:report.cases", "erase:report.told"
	for ends, want := range map[string]bool{"circle": true, "circle:9": true, "page": false} {
		plan, err := exit.MakePlan(p, sunsetAsk(t, calendarOf(ends, realDates)), facts, instant(t, announcedAt))
		if err != nil {
			t.Fatalf("%s: %v", ends, err)
		}
		for _, key := range []string{before, after} {
			if _, there := plan.Step(key); there != want {
				t.Errorf("%s: %s is a step: %t", ends, key, there)
			}
		}
		for _, key := range []string{"erase:post.posts", "erase:blob.media"} {
			s, ok := plan.Step(key)
			if !ok || slices.Contains(s.After, before) != want || slices.Contains(s.After, after) {
				t.Errorf("%s: %s goes after %v", ends, key, s.After)
			}
		}
	}
	plan, err := exit.MakePlan(p, closing("circle"), facts, instant(t, noon))
	if err != nil {
		t.Fatal(err)
	}
	if _, there := plan.Step(before); there {
		t.Error("closing one's own part erases what is said about things there")
	}
	e := exit.Engine{Holders: []exit.Holder{declared{"report", []exit.Class{about.Class}}}}
	if err := e.Check(); err == nil || !strings.Contains(err.Error(), "class report.cases ends with a service") {
		t.Errorf("a holder that ends nothing: error %v", err)
	}
}

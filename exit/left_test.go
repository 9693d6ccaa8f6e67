package exit_test

import (
	"slices"
	"testing"

	"exeunt/exit"
)

// TestLeft has a plan state what its subject leaves to be seen, until the day on which the name is free again.
func TestLeft(t *testing.T) {
	facts := houseFacts()
	facts.Left = []string{"farewell"}
	find := func(p *exit.Policy, a exit.Ask) (out []exit.Stay) {
		t.Helper()
		plan, err := exit.MakePlan(p, a, facts, instant(t, noon))
		if err != nil {
			t.Fatal(err)
		}
		bare, err := exit.MakePlan(p, a, houseFacts(), instant(t, noon))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Stays {
			if s.State == "shown" || s.What == "name" {
				out = append(out, s)
			}
		}
		if shown := slices.ContainsFunc(out, func(s exit.Stay) bool { return s.State == "shown" }); shown == (plan.Hash() == bare.Hash()) {
			t.Errorf("%s: what is shown %v is not what was agreed", a.Subject, shown)
		}
		return out
	}
	held := mustParse(t, housePolicy)
	whole := find(held, closing(""))
	if len(whole) != 2 || whole[0].What != "name" || whole[1] != (exit.Stay{What: "farewell", State: "shown", Until: whole[0].Until}) || whole[1].Until.IsZero() {
		t.Errorf("closing the account leaves %+v", whole)
	}
	if part := find(held, closing("shop")); len(part) != 1 || part[0].What != "farewell" || part[0].Until.IsZero() {
		t.Errorf("closing a service leaves %+v", part)
	}
	free := mustParse(t, edit("name_held: 1y", ""))
	if out := find(free, closing("")); len(out) != 0 {
		t.Errorf("where no name is held %+v stays", out)
	}
	if out := find(held, ask(exit.Hibernate, "")); len(out) != 0 {
		t.Errorf("who sleeps leaves %+v", out)
	}
}

// TestLeftAtSunset has the plan of an ending state what owners may leave to be seen past it, for the term of a held name from the day on which all is erased.
func TestLeftAtSunset(t *testing.T) {
	facts := houseFacts()
	conducted(&facts)
	facts.Left = []string{"farewell"}
	src := calendarOf("circle", realDates)
	stays := func(policy string) (out []exit.Stay) {
		t.Helper()
		plan, err := exit.MakePlan(mustParse(t, policy), sunsetAsk(t, src), facts, instant(t, announcedAt))
		if err != nil {
			t.Fatal(err)
		}
		return plan.Stays
	}
	until, err := exit.ParseDate("2030-01-27") // a year from the last day before 28 January 2029
	if err != nil {
		t.Fatal(err)
	}
	if out := stays(housePolicy); len(out) != 1 || out[0] != (exit.Stay{What: "farewell", State: "shown", Until: until}) {
		t.Errorf("the ending leaves %+v", out)
	}
	if out := stays(edit("name_held: 1y", "")); len(out) != 0 {
		t.Errorf("where no name is held %+v stays", out)
	}
}

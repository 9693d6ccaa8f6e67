package exit_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
)

// drawn is a random policy, platform and request.
type drawn struct {
	src   string
	facts exit.Facts
	ask   exit.Ask
	at    time.Time
}

var zones = []string{"Asia/Shanghai", "Europe/Berlin", "America/Havana", "America/Santiago", "Pacific/Chatham", "UTC"}

func drawTerm(r *rand.Rand) string {
	return fmt.Sprintf("%d%s", r.IntN(40), []string{"d", "d", "wd", "mo", "y", "h"}[r.IntN(6)])
}

func draw(r *rand.Rand) drawn {
	var d drawn
	services := []string{"page", "circle", "channel"}
	var lines strings.Builder
	for i := range 1 + r.IntN(9) {
		c := exit.ClassFact{Holder: fmt.Sprintf("h%d", i/3), Class: exit.Class{
			Name: fmt.Sprintf("c%d", i), Rank: r.IntN(3), Exported: r.IntN(2) == 0, Imported: r.IntN(2) == 0,
			Manners: []exit.Manner{exit.Erase, exit.Detach, exit.Hold},
		}}
		if r.IntN(3) > 0 {
			c.Services = services[:1+r.IntN(3)]
		}
		if r.IntN(5) == 0 {
			c.Gate = "fact"
		}
		if r.IntN(6) == 0 {
			c.Subject = exit.SubjectPerson
		}
		// Orders lead to classes drawn before of no higher rank: a platform's check refuses circles.
		for _, o := range d.facts.Classes {
			if o.Rank <= c.Rank && r.IntN(4) == 0 {
				c.After = append(c.After, exit.Order{Class: o.ID(), Why: "it refers to it"})
			}
		}
		d.facts.Classes = append(d.facts.Classes, c)
		switch r.IntN(5) {
		case 0:
		case 1:
			fmt.Fprintf(&lines, "    %s: {manner: hold, until: 3y, law: \"a law\"}\n", c.ID())
		case 2:
			fmt.Fprintf(&lines, "    %s: {manner: detach, after: %s, choice: [erase]}\n", c.ID(), drawTerm(r))
		default:
			fmt.Fprintf(&lines, "    %s: {manner: erase, after: %s, choice: [erase, detach]}\n", c.ID(), drawTerm(r))
			if r.IntN(2) == 0 {
				d.ask.Choices = map[string]exit.Manner{c.ID(): exit.Detach}
			}
		}
	}
	d.src = fmt.Sprintf("version: 1\nzone: %s\nclose:\n  cooling_off: %s\n  name_held: 1y\n  classes:\n    \"*\": {manner: erase, after: %s}\n%s",
		zones[r.IntN(len(zones))], drawTerm(r), drawTerm(r), lines.String())
	d.facts.Veilers, d.facts.Freezers, d.facts.Services = []string{"h0"}, []string{"h0", "h1"}, services
	if r.IntN(2) == 0 {
		d.facts.Owner = exit.Subject{Kind: exit.SubjectPerson, ID: "p1"}
	}
	d.facts.Counts = map[string]exit.Count{"h0.c0": {Items: r.Int64N(1000)}}
	d.ask.Subject, d.ask.Journey = me.Within([]string{"", "", "circle", "circle:9", "page"}[r.IntN(5)]), exit.Close
	d.ask.Now = r.IntN(6) == 0
	d.at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(3 * 365 * 24 * int64(time.Hour))))
	return d
}

// planned draws n requests and gives those that make a plan to check.
func planned(t *testing.T, n int, check func(d drawn, p *exit.Policy, plan *exit.Plan)) {
	t.Helper()
	r := rand.New(rand.NewPCG(20261122, 7))
	made := 0
	for range n {
		d := draw(r)
		p := mustParse(t, d.src)
		plan, err := exit.MakePlan(p, d.ask, d.facts, d.at)
		if err != nil {
			t.Fatalf("no plan: %v\n%s", err, d.src)
		}
		made++
		check(d, p, plan)
		if t.Failed() {
			b, _ := json.MarshalIndent(plan, "", " ")
			t.Fatalf("policy:\n%s\nrequest: %+v at %s\nplan: %s", d.src, d.ask, d.at, b)
		}
	}
	if made == 0 {
		t.Fatal("nothing was checked")
	}
}

func TestPlanIsDetermined(t *testing.T) {
	planned(t, 500, func(d drawn, p *exit.Policy, plan *exit.Plan) {
		again, err := exit.MakePlan(mustParse(t, d.src), d.ask, d.facts, d.at)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(plan)
		b, _ := json.Marshal(again)
		if string(a) != string(b) || plan.Hash() != again.Hash() {
			t.Error("the same input gives other bytes")
		}
		var read exit.Plan
		if err := json.Unmarshal(a, &read); err != nil || read.Hash() != plan.Hash() {
			t.Errorf("stored and read again it is another plan: %v", err)
		}
	})
}

func TestNothingIsLostBeforeCoolingOffEnds(t *testing.T) {
	planned(t, 2000, func(d drawn, p *exit.Policy, plan *exit.Plan) {
		begin, ok := plan.Step("begin")
		if !ok {
			t.Error("cooling-off has no end")
			return
		}
		ends := begin.DueAt(d.at, p.Zone)
		if !d.ask.Now && ends.Before(d.at) {
			t.Errorf("cooling-off ends at %s, before it begins", ends)
		}
		for _, s := range plan.Steps {
			if s.AtConsent && s.Act.Irreversible() {
				t.Errorf("%s happens at consent", s.Key)
			}
			if !s.Act.Irreversible() {
				continue
			}
			if at := s.DueAt(d.at, p.Zone); s.Due.Before(begin.Due) || s.Due == begin.Due && at.Before(ends) && !slices.Contains(s.After, "begin") {
				t.Errorf("%s is due at %s, cooling-off ends at %s", s.Key, at, ends)
			}
			if !slices.Contains(s.After, "begin") {
				t.Errorf("%s does not wait for cooling-off", s.Key)
			}
		}
	})
}

func TestEachClassHasOneStep(t *testing.T) {
	planned(t, 2000, func(d drawn, p *exit.Policy, plan *exit.Plan) {
		steps, keys := map[string]int{}, map[string]bool{}
		for _, s := range plan.Steps {
			if keys[s.Key] {
				t.Errorf("two steps are named %s", s.Key)
			}
			keys[s.Key] = true
			if s.Act.Irreversible() {
				steps[s.ClassID()]++
			}
		}
		for _, c := range d.facts.Classes {
			want := 1
			switch svc := d.ask.Subject.Service(); {
			case c.Subject == exit.SubjectPerson:
				if svc != "" || (d.facts.Owner == exit.Subject{}) {
					want = 0
				}
			case svc != "" && !slices.Contains(c.Services, svc):
				want = 0
			}
			if steps[c.ID()] != want {
				t.Errorf("%s has %d steps, want %d", c.ID(), steps[c.ID()], want)
			}
			delete(steps, c.ID())
		}
		if len(steps) > 0 {
			t.Errorf("steps for what is not there: %v", steps)
		}
	})
}

func TestStepsWaitForEarlierOnes(t *testing.T) {
	planned(t, 2000, func(d drawn, p *exit.Policy, plan *exit.Plan) {
		steps := map[string]exit.Step{}
		for _, s := range plan.Steps {
			steps[s.Key] = s
		}
		state := map[string]int{}
		var visit func(key string)
		visit = func(key string) {
			switch state[key] {
			case 1:
				t.Errorf("%s waits for itself", key)
				return
			case 2:
				return
			}
			state[key] = 1
			for _, a := range steps[key].After {
				visit(a)
			}
			state[key] = 2
		}
		for _, s := range plan.Steps {
			visit(s.Key)
			for _, a := range s.After {
				o, ok := steps[a]
				if !ok {
					t.Errorf("%s waits for %s, which is not in the plan", s.Key, a)
				}
				if s.Due.Before(o.Due) {
					t.Errorf("%s is due on %s, before %s on %s", s.Key, s.Due, a, o.Due)
				}
			}
		}
		last := plan.Steps[len(plan.Steps)-1]
		if last.Act != exit.ActSeal {
			t.Errorf("the last step is %s, not the seal", last.Key)
		}
		for _, s := range plan.Steps {
			if s.Key != last.Key && !s.AtConsent && !slices.Contains(last.After, s.Key) {
				t.Errorf("the seal does not wait for %s", s.Key)
			}
		}
	})
}

// What is promised is in the hash; how much there is, and at what time of the day one asks, is not.
func TestHashIsOfThePromise(t *testing.T) {
	planned(t, 500, func(d drawn, p *exit.Policy, plan *exit.Plan) {
		same := func(what string, p *exit.Policy, f exit.Facts, at time.Time) {
			other, err := exit.MakePlan(p, d.ask, f, at)
			if err != nil {
				t.Fatal(err)
			}
			if other.Hash() != plan.Hash() {
				t.Errorf("the hash changes with %s", what)
			}
		}
		counted := d.facts
		counted.Counts = map[string]exit.Count{"h0.c0": {Items: 1 << 40, Bytes: 7}}
		same("the counts", p, counted, d.at)
		uncounted := d.facts
		uncounted.Counts = nil
		same("having no counts", p, uncounted, d.at)
		day := exit.DateOf(d.at, p.Zone)
		same("the time of the day (its first instant)", p, d.facts, day.Start(p.Zone))
		same("the time of the day (its last instant)", p, d.facts, day.End(p.Zone).Add(-time.Nanosecond))

		differs := func(what string, p *exit.Policy, a exit.Ask, f exit.Facts, at time.Time) {
			other, err := exit.MakePlan(p, a, f, at)
			if err != nil {
				t.Fatal(err)
			}
			if other.Hash() == plan.Hash() {
				t.Errorf("the hash does not change with %s", what)
			}
		}
		differs("the day", p, d.ask, d.facts, day.End(p.Zone))
		differs("the policy", mustParse(t, strings.Replace(d.src, "name_held: 1y", "name_held: 2y", 1)), d.ask, d.facts, d.at)
		bound := d.facts
		bound.Bindings = []exit.Binding{{Holder: "h0", Code: "order", Ref: "shop:1"}}
		differs("a binding", p, d.ask, bound, d.at)
		now := d.ask
		now.Now = !now.Now
		differs("closing now", p, now, d.facts, d.at)
		other := d.ask
		other.Subject = exit.Account("a8").Within(d.ask.Subject.In)
		differs("the account", p, other, d.facts, d.at)
		if len(d.ask.Choices) > 0 && d.ask.Subject.In == "" {
			none := d.ask
			none.Choices = nil
			touched := slices.ContainsFunc(d.facts.Classes, func(c exit.ClassFact) bool {
				_, chosen := d.ask.Choices[c.ID()]
				return chosen && (c.Subject != exit.SubjectPerson || d.facts.Owner != exit.Subject{})
			})
			if touched {
				differs("a choice", p, none, d.facts, d.at)
			}
		}
	})
}

// A plan keeps nothing of its facts: what a caller does to them afterwards changes no promise.
func TestPlanDoesNotChangeWithItsFacts(t *testing.T) {
	p, f := mustParse(t, housePolicy), houseFacts()
	before := fmt.Sprintf("%+v", f)
	f.Bindings = []exit.Binding{{Holder: "circle", Code: "only_owner", Ref: "circle:9", Fixes: []string{"heir", "end"}}}
	plan, err := exit.MakePlan(p, closing(""), f, instant(t, noon))
	if err != nil {
		t.Fatal(err)
	}
	hash := plan.Hash()
	f.Bindings[0].Code = "other"
	f.Classes[0].Name = "other"
	if plan.Hash() != hash {
		t.Error("the plan changed with its facts")
	}
	untouched := houseFacts()
	if _, err := exit.MakePlan(p, closing("circle"), untouched, instant(t, noon)); err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprintf("%+v", untouched); after != before {
		t.Errorf("planning changed the facts:\n%s\n%s", before, after)
	}
	if !maps.Equal(plan.Forecast, f.Counts) {
		t.Error("the forecast is not the counts")
	}
}

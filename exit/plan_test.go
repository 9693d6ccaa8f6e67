package exit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/policies"
)

// planCase is one request; its golden file is testdata/plans/NAME.json.
type planCase struct {
	name   string
	policy string // "": housePolicy
	ask    exit.Ask
	facts  func(f *exit.Facts)
	at     string // "": noon of 22 November 2026 in Shanghai
}

const noon = "2026-11-22T12:00:00+08:00"

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

var me = exit.Account("a7")

func edit(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(housePolicy) }

func closing(in string) exit.Ask { return exit.Ask{Subject: me.Within(in), Journey: exit.Close} }

func ask(j exit.Journey, in string) exit.Ask { return exit.Ask{Subject: me.Within(in), Journey: j} }

// withRun puts an open run of the account among the facts.
func withRun(t testing.TB, a exit.Ask, at string, states map[string]exit.StepState) func(f *exit.Facts) {
	return func(f *exit.Facts) {
		r := agreed(t, "run1", mustParse(t, housePolicy), a, instant(t, at))
		if states != nil {
			r = became(r, instant(t, "2026-12-01T00:00:00+08:00"), states)
		}
		f.Runs = append(f.Runs, r)
	}
}

func closeCases(t *testing.T) []planCase {
	chosen := func(pairs ...string) exit.Ask {
		a := closing("")
		a.Choices = map[string]exit.Manner{}
		for i := 1; i < len(pairs); i += 2 {
			a.Choices[pairs[i-1]] = exit.Manner(pairs[i])
		}
		return a
	}
	until := func(day string) exit.Ask { a := closing(""); a.Until = date(t, day); return a }
	now := func(in string) exit.Ask { a := closing(in); a.Now = true; return a }
	heir := closing("")
	heir.Heir = "a9"
	nowUntil := now("")
	nowUntil.Until = date(t, "2026-12-30")
	lastOrder := func(day string) func(f *exit.Facts) {
		return func(f *exit.Facts) { f.HoldFrom = map[string]exit.Date{"shop.orders": date(t, day)} }
	}
	last := func(f *exit.Facts) { f.Owner = exit.Subject{Kind: exit.SubjectPerson, ID: "p1"} }
	return []planCase{
		{name: "close", ask: closing("")},
		{name: "close-last-account", ask: closing(""), facts: last},
		{name: "close-service", ask: closing("circle"), facts: last},
		{name: "close-service-with-hold", ask: closing("shop")},
		{name: "close-service-with-hold-from-last-order", ask: closing("shop"), facts: lastOrder("2024-05-06")},
		{name: "close-service-with-hold-that-is-over", ask: closing("shop"), facts: lastOrder("2023-11-21")},
		{name: "close-service-unused", ask: closing("channel")},
		{name: "close-place", ask: closing("circle:9"), facts: last},
		{name: "close-choices", ask: chosen("post.posts", "detach", "talk.comments", "detach", "post.images", "erase")},
		{name: "close-choice-not-left", ask: chosen("talk.likes", "detach")},
		{name: "close-choice-of-no-class", ask: chosen("talk.songs", "erase")},
		{name: "close-choice-holder-cannot", ask: chosen("relation.follows", "detach")},
		{name: "close-choice-against-law", ask: chosen("shop.orders", "erase")},
		{name: "close-heir", ask: heir},
		{name: "close-until", ask: until("2026-12-09")},
		{name: "close-until-last-day-of-cooling-off", ask: until("2026-11-29")},
		{name: "close-until-too-early", ask: until("2026-11-28")},
		{name: "close-now", ask: now(""), facts: last},
		{name: "close-now-service", ask: now("circle")},
		{name: "close-now-until", ask: nowUntil},
		{name: "close-bindings", ask: closing(""), facts: func(f *exit.Facts) {
			f.Bindings = []exit.Binding{{Holder: "circle", Code: "only_owner", Ref: "circle:9", Required: true, Fixes: []string{"heir", "end"}}}
		}},
		{name: "close-name-not-held", policy: edit("  name_held: 1y\n", ""), ask: closing("")},
		{name: "close-default-policy", policy: string(policies.Default()), ask: closing(""), facts: last},
		{name: "close-wechat-channels-policy", policy: named(t, "wechat-channels"), ask: closing(""), facts: last},
	}
}

// calendarCases are closings on days and in zones where a date is easily wrong.
func calendarCases(t *testing.T) []planCase {
	return []planCase{
		{
			name: "close-working-days", policy: edit("cooling_off: 7d", "cooling_off: 3wd", `"*": {manner: erase, after: 28d}`, `"*": {manner: erase, after: 15wd}`),
			ask: closing(""), at: "2026-09-30T09:00:00+08:00", facts: func(f *exit.Facts) {
				f.Calendar = exit.Calendar{Years: map[int]bool{2026: true}, Days: map[exit.Date]bool{
					date(t, "2026-10-01"): false, date(t, "2026-10-02"): false, date(t, "2026-10-05"): false,
					date(t, "2026-10-06"): false, date(t, "2026-10-07"): false, date(t, "2026-10-10"): true,
				}}
			},
		},
		{name: "close-month-end", policy: edit("after: 28d", "after: 1mo"), ask: closing(""), at: "2027-01-31T09:00:00+08:00"},
		{name: "close-leap-day", policy: edit("after: 28d", "after: 1y"), ask: closing(""), at: "2028-02-29T09:00:00+08:00"},
		{name: "close-day-23-59-59", ask: closing("page"), at: "2026-11-22T23:59:59+08:00"},
		{name: "close-day-00-00", ask: closing("page"), at: "2026-11-23T00:00:00+08:00"},
		{name: "close-other-zone", policy: edit("Asia/Shanghai", "America/New_York"), ask: closing("page")},
		{name: "close-clocks-go-back", policy: edit("Asia/Shanghai", "Europe/Berlin"), ask: closing("page"), at: "2026-10-20T12:00:00+02:00"},
		{name: "close-clocks-go-forward", policy: edit("Asia/Shanghai", "Europe/Berlin"), ask: closing("page"), at: "2027-03-20T12:00:00+01:00"},
		{name: "close-day-without-midnight", policy: edit("Asia/Shanghai", "America/Havana", "after: 28d", "after: 13d"), ask: closing("page"), at: "2027-02-28T12:00:00-05:00"},
		{name: "close-cooling-off-in-hours", policy: edit("cooling_off: 7d", "cooling_off: 48h"), ask: closing("page")},
		{name: "close-no-cooling-off", policy: edit("cooling_off: 7d", "cooling_off: 0d"), ask: closing("page")},
	}
}

func named(t testing.TB, name string) string {
	src, ok := policies.ByName(name)
	if !ok {
		t.Fatalf("no policy %s", name)
	}
	return string(src)
}

func overlapCases(t *testing.T) []planCase {
	const before = "2026-11-20T12:00:00+08:00"
	return []planCase{
		{name: "overlap-close-twice", ask: closing(""), facts: withRun(t, closing(""), before, nil)},
		{name: "overlap-service-while-account-closes", ask: closing("circle"), facts: withRun(t, closing(""), before, nil)},
		{name: "overlap-place-while-service-closes", ask: closing("circle:9"), facts: withRun(t, closing("circle"), before, nil)},
		{name: "overlap-account-while-service-closes", ask: closing(""), facts: withRun(t, closing("circle"), before, nil)},
		{name: "overlap-other-service", ask: closing("page"), facts: withRun(t, closing("circle"), before, nil)},
		{name: "overlap-close-while-hibernating", ask: closing("page"), facts: withRun(t, ask(exit.Hibernate, ""), before, nil)},
		{name: "overlap-hibernate-while-closing", ask: ask(exit.Hibernate, ""), facts: withRun(t, closing(""), before, nil)},
		{name: "overlap-hibernate-twice", ask: ask(exit.Hibernate, ""), facts: withRun(t, ask(exit.Hibernate, ""), before, nil)},
		{name: "overlap-service-while-account-hibernates", ask: ask(exit.Hibernate, "circle"), facts: withRun(t, ask(exit.Hibernate, ""), before, nil)},
	}
}

func otherCases(t *testing.T) []planCase {
	until := func(day string) exit.Ask { a := ask(exit.Hibernate, ""); a.Until = date(t, day); return a }
	part := ask(exit.TakeAlong, "page")
	part.Pack = "since=2026-01-01"
	return []planCase{
		{name: "hide", ask: ask(exit.Hide, "circle")},
		{name: "hide-account", ask: ask(exit.Hide, "")},
		{name: "hide-place", ask: ask(exit.Hide, "circle:9")},
		{name: "show", ask: ask(exit.Show, "circle")},
		{name: "hibernate", ask: ask(exit.Hibernate, "")},
		{name: "hibernate-service", ask: ask(exit.Hibernate, "circle")},
		{name: "hibernate-until", ask: until("2027-03-01")},
		{name: "hibernate-until-tomorrow", ask: until("2026-11-23")},
		{name: "hibernate-until-today", ask: until("2026-11-22")},
		{name: "hibernate-longest", policy: edit("longest: none", "longest: 6mo"), ask: ask(exit.Hibernate, "")},
		{name: "hibernate-longer-than-longest", policy: edit("longest: none", "longest: 6mo"), ask: until("2028-01-01")},
		{name: "take-along", ask: ask(exit.TakeAlong, "")},
		{name: "take-along-service", ask: part},
		{name: "take-along-packing", ask: part, facts: withRun(t, part, noon, map[string]exit.StepState{"pack": exit.StepRunning})},
		{name: "take-along-beside", ask: part, facts: withRun(t, ask(exit.TakeAlong, ""), noon, nil)},
		{name: "take-along-no-packer", ask: ask(exit.TakeAlong, ""), facts: func(f *exit.Facts) { f.Packer = "" }},
		{name: "no-such-journey", ask: ask("vanish", "")},
	}
}

func undoCases(t *testing.T) []planCase {
	const before = "2026-11-20T12:00:00+08:00"
	const later = "2026-12-05T12:00:00+08:00"
	underway := map[string]exit.StepState{
		"begin": exit.StepVerified, "erase:talk.comments": exit.StepVerified, "erase:talk.likes": exit.StepSatisfied,
		"hold:shop.orders": exit.StepExcepted, "erase:circle.members": exit.StepRunning,
	}
	over := map[string]exit.StepState{"begin": exit.StepVerified}
	heir := closing("")
	heir.Heir = "a9"
	other := ask(exit.Return, "")
	other.Run = "run2"
	bound := func(f *exit.Facts) {
		withRun(t, heir, before, nil)(f)
	}
	done := map[string]exit.StepState{"begin": exit.StepVerified}
	for _, c := range houseFacts().Classes {
		done["erase:"+c.ID()], done["gate:"+c.ID()], done["hold:"+c.ID()] = exit.StepVerified, exit.StepVerified, exit.StepExcepted
	}
	return []planCase{
		{name: "cancel", ask: ask(exit.Cancel, ""), facts: bound},
		{name: "cancel-service", ask: ask(exit.Cancel, "circle"), facts: withRun(t, closing("circle"), before, nil)},
		{name: "cancel-too-late", ask: ask(exit.Cancel, ""), facts: withRun(t, closing(""), before, over), at: later},
		{name: "cancel-nothing", ask: ask(exit.Cancel, "")},
		{name: "cancel-other-scope", ask: ask(exit.Cancel, ""), facts: withRun(t, closing("circle"), before, nil)},
		{name: "return", ask: ask(exit.Return, ""), facts: withRun(t, closing(""), before, underway), at: later},
		{name: "return-in-cooling-off", ask: ask(exit.Return, ""), facts: withRun(t, closing(""), before, nil)},
		{name: "return-other-run", ask: other, facts: withRun(t, closing(""), before, underway), at: later},
		{name: "hasten", ask: ask(exit.Hasten, ""), facts: withRun(t, closing(""), before, nil)},
		{name: "hasten-underway", ask: ask(exit.Hasten, ""), facts: withRun(t, closing(""), before, underway), at: later},
		{name: "hasten-nothing", ask: ask(exit.Hasten, "")},
		{name: "hasten-nothing-left", ask: ask(exit.Hasten, ""), facts: withRun(t, closing(""), before, done), at: later},
		{name: "wake", ask: ask(exit.Wake, ""), facts: withRun(t, ask(exit.Hibernate, ""), before, nil)},
		{name: "wake-service", ask: ask(exit.Wake, "circle"), facts: withRun(t, ask(exit.Hibernate, "circle"), before, nil)},
		{name: "wake-nothing", ask: ask(exit.Wake, "")},
	}
}

// shown is a golden file: the plan, or why there is none.
type shown struct {
	Hash string            `json:"hash,omitempty"`
	Plan *exit.Plan        `json:"plan,omitempty"`
	Due  map[string]string `json:"due,omitempty"` // step → instant, UTC
	Kind string            `json:"kind,omitempty"`
	Key  string            `json:"key,omitempty"`
	Args map[string]any    `json:"args,omitempty"`
}

func (c planCase) make(t testing.TB) (*exit.Plan, time.Time, error) {
	t.Helper()
	src, at := c.policy, c.at
	if src == "" {
		src = housePolicy
	}
	if at == "" {
		at = noon
	}
	f := houseFacts()
	if c.facts != nil {
		c.facts(&f)
	}
	plan, err := exit.MakePlan(mustParse(t, src), c.ask, f, instant(t, at))
	return plan, instant(t, at), err
}

func TestPlans(t *testing.T) {
	seen := map[string]bool{}
	for _, cases := range [][]planCase{closeCases(t), calendarCases(t), overlapCases(t), otherCases(t), undoCases(t), sunsetCases(t)} {
		for _, c := range cases {
			if seen[c.name] {
				t.Fatalf("two cases are named %s", c.name)
			}
			seen[c.name] = true
			t.Run(c.name, func(t *testing.T) {
				plan, at, err := c.make(t)
				out := shown{Plan: plan}
				var e *exit.Error
				switch {
				case errors.As(err, &e):
					out.Kind, out.Key, out.Args = e.Kind.String(), e.Key, e.Args
				case err != nil:
					t.Fatalf("an error without a kind: %v", err)
				default:
					out.Hash, out.Due = plan.Hash(), map[string]string{}
					zone := zone(t, plan.Zone)
					for _, s := range plan.Steps {
						out.Due[s.Key] = s.DueAt(at, zone).UTC().Format(time.RFC3339)
					}
				}
				if plan != nil && strings.HasSuffix(c.name, "-policy") {
					// The file's comments are in its hash too, and they may be improved.
					out.Hash, plan.Policy = "", "of the file"
				}
				var b bytes.Buffer
				enc := json.NewEncoder(&b)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", " ")
				if err := enc.Encode(out); err != nil {
					t.Fatal(err)
				}
				golden(t, "plans/"+c.name+".json", b.Bytes())
			})
		}
	}
}

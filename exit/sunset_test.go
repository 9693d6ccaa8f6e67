package exit_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
)

// calendarOf gives a calendar's file with phases as lines of the file, and what else is written at its end.
func calendarOf(ends string, phases []string, more ...string) string {
	head := "version: 1\nname: last-days\nends: " + ends + "\nzone: Asia/Shanghai\ntitle: {zh: 停运, en: The end}\nreason: {en: We go another way.}\nask: {en: \"Ask: us\"}\nphases:\n  "
	return head + strings.Join(phases, "\n  ") + "\n" + strings.Join(more, "\n") + "\n"
}

// realDates are those of WeChat Circles (2021), seven years later; the erasure is ours.
var realDates = []string{"announced: 2028-05-28", "read-only: 2028-06-28", "no-entrance: 2028-06-28", "stopped: 2028-12-28", "erased: 2029-01-28"}

const announcedAt = "2028-05-28T09:00:00+08:00"

func sunsetAsk(t testing.TB, src string) exit.Ask {
	t.Helper()
	cal, err := exit.ParseSunset([]byte(src))
	if err != nil {
		t.Fatalf("parse calendar: %v", err)
	}
	return exit.Ask{Subject: cal.Ends, Journey: exit.Sunset, Calendar: src}
}

func conducted(f *exit.Facts) { f.Conductor = "sunset" }

// underWay puts a published sunset among the facts, with some of its steps in another state.
func underWay(t testing.TB, src string, begun bool) func(f *exit.Facts) {
	return func(f *exit.Facts) {
		conducted(f)
		facts := houseFacts()
		facts.Conductor = "sunset"
		a, at := sunsetAsk(t, src), instant(t, announcedAt)
		plan, err := exit.MakePlan(mustParse(t, housePolicy), a, facts, at)
		if err != nil {
			t.Fatalf("plan the earlier version: %v", err)
		}
		r := exit.RunFact{Run: exit.Run{ID: "run1", Subject: a.Subject, Journey: exit.Sunset, State: exit.RunOpen, Plan: plan, Agreed: at}}
		if begun {
			r.Run.State = exit.RunRunning
		}
		for i, s := range plan.Steps {
			r.Steps = append(r.Steps, exit.StepStatus{Step: s, Seq: i, State: exit.StepWaiting})
		}
		f.Runs = append(f.Runs, r)
	}
}

func sunsetCases(t *testing.T) []planCase {
	real := calendarOf("circle", realDates)
	with := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(real) }
	withdraw := exit.Ask{Subject: exit.Ending("circle"), Journey: exit.Withdraw}
	const july = "2028-07-10T12:00:00+08:00"
	return []planCase{
		{name: "sunset-service", ask: sunsetAsk(t, real), facts: conducted, at: announcedAt},
		{name: "sunset-place", ask: sunsetAsk(t, with("ends: circle", "ends: circle:9")), facts: conducted, at: announcedAt},
		{name: "sunset-install", ask: sunsetAsk(t, with("ends: circle", "ends: install")), facts: conducted, at: announcedAt},
		{name: "sunset-hold", ask: sunsetAsk(t, with("ends: circle", "ends: shop")), facts: conducted, at: announcedAt},
		{name: "sunset-every-phase", ask: sunsetAsk(t, calendarOf("circle", []string{
			"announced: 2028-05-28", "no-joins: 2028-06-01", "read-only: \"2028-06-28 10:30\"", "no-entrance: 2028-07-01", "export-only: 2028-10-01", "stopped: 2028-12-28", "erased: 2029-01-28",
		}, "late_requests: 2029-03-01", "remind: [200, 10]")), facts: conducted, at: announcedAt},
		{name: "sunset-announced-later", ask: sunsetAsk(t, real), facts: conducted, at: "2028-05-01T09:00:00+08:00"},
		{name: "sunset-announced-yesterday", ask: sunsetAsk(t, real), facts: conducted, at: "2028-05-29T09:00:00+08:00"},
		{name: "sunset-no-conductor", ask: sunsetAsk(t, real), at: announcedAt},
		{name: "sunset-other-subject", ask: exit.Ask{Subject: exit.Ending("page"), Journey: exit.Sunset, Calendar: real}, facts: conducted, at: announcedAt},
		{name: "sunset-postponed", ask: sunsetAsk(t, with("stopped: 2028-12-28", "stopped: 2029-01-28")), facts: underWay(t, real, false), at: july},
		{name: "sunset-earlier", ask: sunsetAsk(t, with("stopped: 2028-12-28", "stopped: 2028-12-27")), facts: underWay(t, real, false), at: july},
		{name: "sunset-earlier-by-another-phase", ask: sunsetAsk(t, with("stopped:", "export-only: 2028-12-01\n  stopped:")), facts: underWay(t, real, false), at: july},
		{name: "sunset-moves-what-was-reached", ask: sunsetAsk(t, with("read-only: 2028-06-28", "read-only: 2028-08-01", "no-entrance: 2028-06-28", "no-entrance: 2028-08-01")), facts: underWay(t, real, false), at: july},
		{name: "sunset-after-erasing-began", ask: sunsetAsk(t, with("erased: 2029-01-28", "erased: 2029-03-28")), facts: underWay(t, real, true), at: "2029-01-28T12:00:00+08:00"},
		{name: "sunset-archives-kept-shorter", ask: sunsetAsk(t, real+"late_requests: 2029-02-27\n"), facts: underWay(t, real+"late_requests: 2029-02-28\n", false), at: july},
		{name: "withdraw", ask: withdraw, facts: underWay(t, real, false), at: july},
		{name: "withdraw-after-erasing-began", ask: withdraw, facts: underWay(t, real, true), at: "2029-01-28T12:00:00+08:00"},
		{name: "withdraw-nothing", ask: withdraw, facts: conducted, at: july},
	}
}

// TestPostponing makes random pairs of calendars and asks: the second is let take the place of the first exactly when nothing ends earlier by it, in whatever
// zone it is written, nothing that has come is moved, and archives are not kept for a day less.
func TestPostponing(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 2028))
	begin := instant(t, announcedAt)
	words := []string{exit.NoJoins, exit.ReadOnly, exit.NoEntrance, exit.ExportOnly}
	make := func(first int) string {
		at, lines := first, []string{"announced: 2028-05-28"}
		for _, w := range words {
			if random.IntN(3) > 0 {
				at += random.IntN(3) * random.IntN(20)
				lines = append(lines, w+": "+begin.AddDate(0, 0, at).Format(time.DateOnly))
			}
		}
		for _, w := range []string{exit.Stopped, exit.Erased} {
			at += 1 + random.IntN(20)
			lines = append(lines, w+": "+begin.AddDate(0, 0, at).Format(time.DateOnly))
		}
		var more []string
		if random.IntN(2) > 0 {
			more = append(more, fmt.Sprintf("late_requests: \"%s %02d:00\"", begin.AddDate(0, 0, at+random.IntN(10)).Format(time.DateOnly), 6*random.IntN(4)))
		}
		zone := []string{"Asia/Shanghai", "Asia/Shanghai", "UTC", "Etc/GMT-12"}[random.IntN(4)]
		return strings.Replace(calendarOf("circle", lines, more...), "Asia/Shanghai", zone, 1)
	}
	taken := 0
	for range 3000 {
		before, after := make(1+random.IntN(20)), make(1+random.IntN(40))
		now := begin.AddDate(0, 0, random.IntN(30))
		facts := houseFacts()
		underWay(t, before, false)(&facts)
		old, _ := exit.ParseSunset([]byte(before))
		next, _ := exit.ParseSunset([]byte(after))
		if !old.At(exit.Erased).After(now) {
			continue
		}
		_, err := exit.MakePlan(mustParse(t, housePolicy), sunsetAsk(t, after), facts, now)
		kept := func(cal *exit.SunsetCalendar) string {
			return cal.Late.Add(-time.Second).In(old.Zone).Format(time.DateOnly)
		}
		want := keeps(old, next, now) && kept(next) >= kept(old)
		if (err == nil) != want {
			t.Fatalf("at %s from\n%s\nto\n%s\n%v, want taken: %t", now, before, after, err, want)
		}
		if want {
			taken++
		}
	}
	if taken < 100 {
		t.Errorf("only %d of 3000 pairs were taken: the test shows little", taken)
	}
}

// keeps reports, hour by hour, whether whatever the old calendar allows the new one allows too, and whether what is over is as it was.
func keeps(old, next *exit.SunsetCalendar, now time.Time) bool {
	allowed := func(cal *exit.SunsetCalendar, at time.Time) []string {
		word := ""
		for _, p := range cal.Phases {
			if !p.At.After(at) {
				word = p.Word
			}
		}
		if word == "" {
			return []string{"everything"}
		}
		return cal.Allowed(word)
	}
	for at := old.At(exit.Announced); at.Before(old.At(exit.Erased).AddDate(0, 0, 1)); at = at.Add(4 * time.Hour) {
		a, b := allowed(old, at), allowed(next, at)
		for _, what := range a {
			if !slices.Contains(b, what) {
				return false
			}
		}
		if !at.After(now) && len(a) != len(b) {
			return false
		}
	}
	// Of phases that take nothing more away the date still stands on the notice.
	for _, p := range next.Phases {
		if !p.At.After(now) && !old.At(p.Word).Equal(p.At) {
			return false
		}
	}
	return !next.At(exit.Erased).Before(old.At(exit.Erased))
}

func TestSunsetCalendars(t *testing.T) {
	good := calendarOf("circle", realDates)
	for _, c := range []struct{ name, src, want string }{
		{"good", good, ""},
		{"unknown phase", strings.Replace(good, "read-only:", "frozen:", 1), "phases.frozen: unknown field"},
		{"missing stop", strings.Replace(good, "  stopped: 2028-12-28\n", "", 1), "phases.stopped: this field is missing"},
		{"out of order", strings.Replace(good, "stopped: 2028-12-28", "stopped: 2028-06-27", 1), "this comes before no-entrance"},
		{"no date", strings.Replace(good, "2028-12-28", "soon", 1), `"soon" is no date`},
		{"bad time", strings.Replace(good, "2028-12-28", `"2028-12-28 25:00"`, 1), "is no date"},
		{"ends nothing", strings.Replace(good, "ends: circle", "ends: circle:nine", 1), "is neither a service"},
		{"another name for a place", strings.Replace(good, "ends: circle", "ends: circle:007", 1), "is neither a service"},
		{"no number of a place", strings.Replace(good, "ends: circle", "ends: circle:9223372036854775808", 1), "is neither a service"},
		{"bad name", strings.Replace(good, "name: last-days", "name: Last Days", 1), "lower-case letters"},
		{"late before stop", good + "late_requests: 2028-12-27\n", "kept until the stop at least"},
		{"install's archives outlive it", strings.Replace(good, "ends: circle", "ends: install", 1) + "late_requests: 2029-02-01\n", "nobody could sign in"},
		{"no language", strings.Replace(good, "reason: {en: We go another way.}", "reason: {}", 1), "in zh, in en, or in both"},
		{"hidden direction", strings.Replace(good, "We go another way.", "We go \u202eanother way.", 1), "without control characters"},
		{"http successor", good + "successor: http://example.org\n", "must be an https address"},
		{"bad profile", good + "profiles: [mars]\n", "profiles"},
		{"reminder twice", good + "remind: [30, 30]\n", "each once"},
		{"reminder of zero", good + "remind: [0]\n", "from 1 to 366"},
		{"no zone", strings.Replace(good, "zone: Asia/Shanghai\n", "", 1), "zone: this field is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal, err := exit.ParseSunset([]byte(c.src))
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want == "":
				if string(cal.Source()) != c.src {
					t.Error("the source is not what was read")
				}
			case err == nil || exit.KindOf(err) != exit.Invalid || !strings.Contains(fmt.Sprint(unwrapped(err)), c.want):
				t.Errorf("got %v, want %q", unwrapped(err), c.want)
			}
		})
	}
}

func unwrapped(err error) error {
	if e, ok := err.(interface{ Unwrap() error }); ok && e.Unwrap() != nil {
		return e.Unwrap()
	}
	return err
}

func TestSunsetInstants(t *testing.T) {
	cal, err := exit.ParseSunset([]byte(calendarOf("circle", []string{
		"announced: 2028-05-28", "no-joins: 2028-06-01", "read-only: \"2028-06-28 10:30\"", "stopped: 2028-12-28", "erased: {at: 2029-01-28, says: {en: Gone.}}",
	})))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, what := range []string{exit.AllowJoin, exit.AllowWrite, exit.AllowEntrance, exit.AllowRead, exit.AllowExport} {
		got[what] = cal.Ceases(what).UTC().Format(time.RFC3339)
	}
	want := map[string]string{
		"join": "2028-05-31T16:00:00Z", "write": "2028-06-28T02:30:00Z", "entrance": "2028-12-27T16:00:00Z", "read": "2028-12-27T16:00:00Z", "export": "2028-12-27T16:00:00Z",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if a := cal.Allowed(exit.ReadOnly); !slices.Equal(a, []string{"entrance", "read", "export"}) {
		t.Errorf("read-only allows %v", a)
	}
	if cal.Phases[4].Says["en"] != "Gone." {
		t.Errorf("what becomes of content: %v", cal.Phases[4].Says)
	}
}

func TestSunsetRules(t *testing.T) {
	find := func(profiles string, phases []string, more ...string) (out []string) {
		cal, err := exit.ParseSunset([]byte(calendarOf("circle", phases, append(more, "profiles: ["+profiles+"]")...)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range exit.CheckSunset(cal) {
			if f.Source == "" {
				t.Errorf("%s has no source", f.Rule)
			}
			out = append(out, f.Rule+" "+f.Severity+" "+f.Profile+" "+f.Propose.String())
		}
		return out
	}
	short := []string{"announced: 2028-05-28", "stopped: 2028-06-26", "erased: 2028-06-26"}
	joins := []string{"announced: 2028-05-28", "read-only: 2028-08-28", "stopped: 2028-12-28", "erased: 2029-01-28"}
	for _, c := range []struct {
		name string
		got  []string
		want []string
	}{
		{"29 days for a shop", find("cn-ecommerce", short), []string{"SU-01 error cn-ecommerce 2028-06-27", "SU-03 advice  2028-09-24"}},
		{"30 days are enough", find("cn-ecommerce", []string{"announced: 2028-05-28", "read-only: 2028-06-27", "stopped: 2028-12-28", "erased: 2029-01-28"}), nil},
		{"31 days for a carrier", find("cn-telecom", realDates), []string{"SU-01 error cn-telecom 2028-08-26"}},
		{"29 days to export", find("eu-da", []string{"announced: 2028-05-28", "read-only: 2028-06-28", "stopped: 2028-07-27", "erased: 2028-08-28"}), []string{"SU-03 error eu-da 2028-07-28", "SU-03 advice  2028-09-26"}},
		{"neither charges nor a successor", find("cn", joins), []string{"SU-02 warning cn ", "SU-03 advice cn "}},
		{"a successor", find("cn", joins, "successor: https://example.org/"), []string{"SU-02 warning cn "}},
		{"charges and a successor", find("cn", joins, "successor: https://example.org/", "charges: {en: Nothing was ever charged.}"), nil},
		{"charges are no matter of shops", find("cn-ecommerce", joins), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

func FuzzSunset(f *testing.F) {
	f.Add([]byte(calendarOf("circle", realDates)))
	f.Add([]byte(calendarOf("install", realDates, "late_requests: 2029-01-01", "remind: [30]", "profiles: [cn]", "successor: https://example.org", "override: \"we must\"")))
	f.Add([]byte(calendarOf("circle:9", []string{"announced: {at: 2028-05-28, says: {en: |\n    two\n    lines\n  }}", "stopped: [", "erased: &a 1"})))
	f.Fuzz(func(t *testing.T, src []byte) {
		cal, err := exit.ParseSunset(src)
		if err != nil {
			if exit.KindOf(err) != exit.Invalid {
				t.Fatalf("refused with kind %v: %v", exit.KindOf(err), err)
			}
			return
		}
		for i := 1; i < len(cal.Phases); i++ {
			if cal.Phases[i].At.Before(cal.Phases[i-1].At) {
				t.Fatalf("%s comes before %s", cal.Phases[i].Word, cal.Phases[i-1].Word)
			}
		}
		exit.CheckSunset(cal)
		facts := houseFacts()
		facts.Conductor = "sunset"
		ask := exit.Ask{Subject: cal.Ends, Journey: exit.Sunset, Calendar: string(src)}
		a, errA := exit.MakePlan(mustParse(t, housePolicy), ask, facts, cal.At(exit.Announced))
		b, errB := exit.MakePlan(mustParse(t, housePolicy), ask, facts, cal.At(exit.Announced))
		if (errA == nil) != (errB == nil) || errA == nil && a.Hash() != b.Hash() {
			t.Fatalf("two plans of one calendar differ: %v, %v", errA, errB)
		}
	})
}

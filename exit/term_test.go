package exit_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"exeunt/exit"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func date(t testing.TB, text string) exit.Date {
	t.Helper()
	d, err := exit.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func term(t testing.TB, text string) exit.Term {
	t.Helper()
	x, err := exit.ParseTerm(text)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestParseTerm(t *testing.T) {
	for _, text := range []string{"48h", "28d", "15wd", "6mo", "3y", "0d", "99999h"} {
		x, err := exit.ParseTerm(text)
		if err != nil || x.String() != text {
			t.Errorf("%q reads as %v, %v", text, x, err)
		}
	}
	for _, text := range []string{"", "28", "d", "28D", " 28d", "28d ", "28 d", "-1d", "+1d", "1.5d", "1d1h", "100000d", "2w", "1m", "１d", "28d\n"} {
		if x, err := exit.ParseTerm(text); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("%q reads as %v, %v; want it refused", text, x, err)
		}
	}
	if got := (exit.Term{}).String(); got != "0d" {
		t.Errorf("no term is %q", got)
	}
}

func TestTermAndDateAsText(t *testing.T) {
	type both struct {
		Term exit.Term
		Day  exit.Date
		None exit.Date
	}
	in := both{Term: term(t, "15wd"), Day: date(t, "2026-12-28")}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Term":"15wd","Day":"2026-12-28","None":""}`; string(b) != want {
		t.Errorf("written as %s, want %s", b, want)
	}
	var out both
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("read again as %+v, %v", out, err)
	}
	for _, bad := range []string{`{"Term":"15"}`, `{"Day":"2026-02-30"}`, `{"Day":"28.12.2026"}`, `{"Day":7}`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestTermFrom(t *testing.T) {
	// A calendar like those of China around its National Day: holidays, and weekends that are worked.
	cal := exit.Calendar{Years: map[int]bool{2026: true}, Days: map[exit.Date]bool{
		date(t, "2026-09-27"): true, // a Sunday that is worked
		date(t, "2026-10-01"): false, date(t, "2026-10-02"): false, date(t, "2026-10-05"): false,
		date(t, "2026-10-06"): false, date(t, "2026-10-07"): false,
		date(t, "2026-10-10"): true, // a Saturday that is worked
	}}
	for _, c := range []struct{ day, term, want string }{
		{"2026-11-22", "0d", "2026-11-22"},
		{"2026-11-22", "7d", "2026-11-29"},
		{"2026-11-22", "28d", "2026-12-20"},
		{"2027-02-22", "7d", "2027-03-01"},
		{"2028-02-22", "7d", "2028-02-29"}, // a leap year
		{"2026-01-31", "1mo", "2026-02-28"},
		{"2028-01-31", "1mo", "2028-02-29"},
		{"2026-03-31", "1mo", "2026-04-30"},
		{"2026-12-31", "2mo", "2027-02-28"},
		{"2026-11-30", "3mo", "2027-02-28"},
		{"2026-10-31", "12mo", "2027-10-31"},
		{"2028-02-29", "1y", "2029-02-28"},
		{"2028-02-29", "4y", "2032-02-29"},
		{"2026-11-22", "3y", "2029-11-22"},
		{"2026-11-22", "0h", "2026-11-22"},
		{"2026-11-22", "1h", "2026-11-23"},
		{"2026-11-22", "24h", "2026-11-23"},
		{"2026-11-22", "48h", "2026-11-24"},
		{"2026-11-22", "49h", "2026-11-25"},
		{"2026-11-22", "0wd", "2026-11-22"},  // a Sunday
		{"2026-11-22", "1wd", "2026-11-23"},  // Monday
		{"2026-11-20", "1wd", "2026-11-23"},  // from Friday
		{"2026-11-22", "15wd", "2026-12-11"}, // three weeks
		{"2026-09-25", "1wd", "2026-09-27"},  // the worked Sunday
		{"2026-09-30", "1wd", "2026-10-08"},  // over the holidays
		{"2026-09-30", "3wd", "2026-10-10"},  // the worked Saturday
		{"2026-09-24", "15wd", "2026-10-20"}, // nearly four weeks
	} {
		if got := term(t, c.term).From(date(t, c.day), cal).String(); got != c.want {
			t.Errorf("%s from %s ends on %s, want %s", c.term, c.day, got, c.want)
		}
	}
	if w, known := cal.Working(date(t, "2026-10-10")); !w || !known {
		t.Errorf("the worked Saturday: working %v, known %v", w, known)
	}
	if w, known := cal.Working(date(t, "2027-10-01")); !w || known {
		t.Errorf("a Friday of a year without data: working %v, known %v", w, known)
	}
}

func TestDayInItsZone(t *testing.T) {
	for _, c := range []struct{ at, zone, day, end string }{
		{"2026-11-22T15:59:59Z", "Asia/Shanghai", "2026-11-22", "2026-11-22T16:00:00Z"}, // 23:59:59
		{"2026-11-22T16:00:00Z", "Asia/Shanghai", "2026-11-23", "2026-11-23T16:00:00Z"}, // midnight
		{"2026-11-22T16:00:00Z", "UTC", "2026-11-22", "2026-11-23T00:00:00Z"},
		{"2026-03-29T00:30:00Z", "Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00Z"},    // a day of 23 hours
		{"2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25", "2026-10-25T23:00:00Z"},    // a day of 25 hours
		{"2026-03-07T12:00:00Z", "America/Havana", "2026-03-07", "2026-03-08T05:00:00Z"},   // no midnight: the next day begins at 01:00
		{"2026-09-05T12:00:00Z", "America/Santiago", "2026-09-05", "2026-09-06T04:00:00Z"}, // the same in the south
		{"2026-04-23T12:00:00Z", "Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00Z"},
		{"2026-10-31T12:00:00Z", "America/Havana", "2026-10-31", "2026-11-01T04:00:00Z"}, // two midnights: the first
		{"2026-11-22T12:00:00Z", "Pacific/Kiritimati", "2026-11-23", "2026-11-23T10:00:00Z"},
		{"2026-11-22T05:00:00Z", "Asia/Kathmandu", "2026-11-22", "2026-11-22T18:15:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		z := zone(t, c.zone)
		d := exit.DateOf(at, z)
		if d.String() != c.day {
			t.Errorf("%s in %s is %s, want %s", c.at, c.zone, d, c.day)
		}
		if end := d.End(z).UTC().Format(time.RFC3339); end != c.end {
			t.Errorf("%s ends in %s at %s, want %s", d, c.zone, end, c.end)
		}
	}
}

// In every zone a day's first instant is of that day, and the one before it is not.
func TestDaysMeet(t *testing.T) {
	for _, name := range []string{
		"Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Havana", "America/Santiago", "Atlantic/Azores",
		"Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Casablanca", "UTC",
	} {
		z := zone(t, name)
		for d := date(t, "2026-01-01"); d.Year < 2028; d = d.AddDays(1) {
			start := d.Start(z)
			if exit.DateOf(start, z) != d || exit.DateOf(start.Add(-time.Nanosecond), z) != d.AddDays(-1) {
				t.Fatalf("%s: %s does not begin at %s", name, d, start)
			}
			if !d.End(z).Equal(d.AddDays(1).Start(z)) {
				t.Fatalf("%s: %s does not end where the next day begins", name, d)
			}
		}
	}
}

// A longer term never ends earlier, and a later beginning never gives an earlier end.
func TestTermsAreInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	units := []exit.Unit{exit.Hours, exit.Days, exit.WorkingDays, exit.Months, exit.Years}
	for range 20_000 {
		x := exit.Term{N: r.IntN(50), Unit: units[r.IntN(len(units))]}
		day := date(t, "2026-01-01").AddDays(r.IntN(3000))
		end := x.From(day, exit.Calendar{})
		if end.Before(day) {
			t.Fatalf("%s from %s ends on %s, before it begins", x, day, end)
		}
		longer := exit.Term{N: x.N + 1, Unit: x.Unit}
		if longer.From(day, exit.Calendar{}).Before(end) {
			t.Fatalf("%s from %s ends before %s", longer, day, x)
		}
		if x.From(day.AddDays(1), exit.Calendar{}).Before(end) {
			t.Fatalf("%s ends earlier when it begins later than %s", x, day)
		}
	}
}

package exit

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Unit is a unit of a [Term].
type Unit string

// The units that a policy may use.
const (
	Hours       Unit = "h"
	Days        Unit = "d"
	WorkingDays Unit = "wd"
	Months      Unit = "mo"
	Years       Unit = "y"
)

// Term is a length of time: a number and a unit. It is counted from an anchor (the
// consent, unless a policy says otherwise); all but hours end with the end of a day
// in the policy's zone.
type Term struct {
	N    int
	Unit Unit
}

var termForm = regexp.MustCompile(`^([0-9]{1,5})(h|d|wd|mo|y)$`)

// ParseTerm reads "28d", "48h", "15wd", "6mo", "3y". A number without a unit is refused.
func ParseTerm(text string) (Term, error) {
	m := termForm.FindStringSubmatch(text)
	if m == nil {
		return Term{}, Fail(Invalid, "error.term", "text", text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return Term{}, fmt.Errorf("read term: %w", err)
	}
	return Term{N: n, Unit: Unit(m[2])}, nil
}

// String gives the form that [ParseTerm] reads; the zero term is "0d".
func (t Term) String() string {
	if t.Unit == "" {
		return "0d"
	}
	return strconv.Itoa(t.N) + string(t.Unit)
}

// MarshalText writes the term as [Term.String] does.
func (t Term) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the term as [ParseTerm] does.
func (t *Term) UnmarshalText(b []byte) (err error) { *t, err = ParseTerm(string(b)); return err }

// Date is a day on the calendar, without a zone. The zero Date is no date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf gives the day on which t falls in zone.
func DateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-12-28".
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, Fail(Invalid, "error.date", "text", text)
	}
	return DateOf(t, time.UTC), nil
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String gives "2026-12-28", "" for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalJSON writes the date as a string.
func (d Date) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" {
		*d = Date{}
		return nil
	}
	var err error
	*d, err = ParseDate(s)
	return err
}

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.utc().Before(e.utc()) }

// AddDays gives the day n days after d.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n), time.UTC) }

// Start gives the first instant of the day in zone. Where clocks go forward at midnight that is
// 01:00, where they go back over it the first of the two midnights.
func (d Date) Start(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	begin, end := t.ZoneBounds()
	if DateOf(t, zone).Before(d) { // there is no midnight, and time.Date gave what its earlier offset makes of it
		return end
	}
	if !begin.IsZero() && begin.After(d.utc().Add(-48*time.Hour)) {
		_, now := t.Zone()
		_, before := begin.Add(-time.Nanosecond).Zone()
		if first := t.Add(time.Duration(now-before) * time.Second); first.Before(begin) && DateOf(first, zone) == d {
			return first
		}
	}
	return t
}

// End gives the first instant after the day in zone: a term that ends on d is over then.
func (d Date) End(zone *time.Location) time.Time { return d.AddDays(1).Start(zone) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// Calendar tells working days. Days lists the exceptions: true for a weekend that is
// worked, false for a weekday that is not. Years lists the years for which it was published.
type Calendar struct {
	Days  map[Date]bool
	Years map[int]bool
}

// Working reports whether d is a working day; known is false for a year without published data.
func (c Calendar) Working(d Date) (working, known bool) {
	known = c.Years[d.Year]
	if w, ok := c.Days[d]; ok {
		return w, known
	}
	wd := d.utc().Weekday()
	return wd != time.Saturday && wd != time.Sunday, known
}

// From gives the last day of the term when it is counted from day. Months and years keep
// the day of the month, or take the month's last day where it is shorter (31 January + 1mo
// is 28 or 29 February). Hours are given as the day by which they are over at the latest,
// whatever the time of the day they began at (48h: the second day after).
func (t Term) From(day Date, c Calendar) Date {
	switch t.Unit {
	case Days:
		return day.AddDays(t.N)
	case Hours:
		return day.AddDays((t.N + 23) / 24)
	case Months:
		return addMonths(day, t.N)
	case Years:
		return addMonths(day, 12*t.N)
	case WorkingDays:
		for left := t.N; left > 0; {
			day = day.AddDays(1)
			if w, _ := c.Working(day); w {
				left--
			}
		}
		return day
	default:
		return day
	}
}

func addMonths(d Date, n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

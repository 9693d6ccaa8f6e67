package server_test

import (
	"fmt"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
)

// TestSunsetsThatContradict publishes the ending of circles and previews others beside it: what would take away earlier what was promised for longer is refused, as are a
// second ending of the same thing, a name that was used, dates that are over, and dates moved to an earlier day.
func TestSunsetsThatContradict(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		file := func(name, ends string, from, readOnly, stopped, erased int) []byte {
			day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
			return fmt.Appendf(nil, `version: 1
name: %s
ends: %s
zone: UTC
phases: {announced: %s, read-only: %s, stopped: %s, erased: %s}
title: {en: The end}
reason: {en: We go another way.}
ask: {en: Ask us.}
`, name, ends, day(from), day(readOnly), day(stopped), day(erased))
		}
		ring := "circle:" + value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), in.signUp(t, "owner"), circle.Draft{Name: "ring", Mode: circle.Open})).String()
		in.publishSunset(t, file("rings", "circle", 0, 40, 100, 130), "")
		in.travel(t, 3)
		for _, x := range []struct {
			what, name, ends                string
			from, readOnly, stopped, erased int
			key                             string // "": it may be published
		}{
			{"the install, after it", "all", "install", 3, 40, 100, 130, ""},
			{"the install, later", "all", "install", 3, 60, 200, 230, ""},
			{"the install, read-only before it", "all", "install", 3, 39, 100, 130, "sunset.error.contradicts"},
			{"the install, stopped before it", "all", "install", 3, 40, 99, 130, "sunset.error.contradicts"},
			{"the install, erased before it", "all", "install", 3, 40, 100, 129, "sunset.error.contradicts"},
			{"one circle, before it", "one", ring, 3, 35, 90, 120, ""},
			{"one circle, promised for longer", "one", ring, 3, 35, 101, 130, "sunset.error.contradicts"},
			{"one circle, erased later", "one", ring, 3, 35, 90, 131, "sunset.error.contradicts"},
			{"a circle that is not there", "one", "circle:7", 3, 35, 90, 120, "sunset_operator.error.no_circle"},
			{"another service", "films", "channel", 3, 10, 20, 30, ""},
			{"circles once more", "rings-again", "circle", 3, 40, 100, 130, "sunset.error.other"},
			{"its name for another service", "rings", "channel", 3, 40, 100, 130, "sunset.error.name"},
			{"what there is not", "goods", "goods", 3, 40, 100, 130, "error.no_service"},
			{"announced yesterday", "films", "channel", 2, 40, 100, 130, "error.sunset_past"},
			{"later", "rings", "circle", 0, 41, 110, 140, ""},
			{"read-only earlier", "rings", "circle", 0, 39, 100, 130, "error.sunset_earlier"},
			{"stopped earlier", "rings", "circle", 0, 40, 99, 130, "error.sunset_earlier"},
			{"erased earlier", "rings", "circle", 0, 40, 100, 129, "error.sunset_earlier"},
			{"announced anew", "rings", "circle", 3, 40, 100, 130, "error.sunset_reached"},
		} {
			src := file(x.name, x.ends, x.from, x.readOnly, x.stopped, x.erased)
			_, plan, err := in.Sunsets.Preview(t.Context(), src)
			if keyOf(err) != x.key || x.key == "" && (err != nil || plan == nil) {
				t.Errorf("%s: error %v, want %q", x.what, err, x.key)
			}
			if x.key == "" {
				continue
			}
			if _, err := in.Sunsets.Publish(t.Context(), src, "", ""); keyOf(err) != x.key {
				t.Errorf("publishing %s: error %v, want %q", x.what, err, x.key)
			}
		}
	})
}

// TestWithdrawnTwice withdraws an ending, publishes another of the same thing, and withdraws the first once more: that is refused, and the other goes on.
func TestWithdrawnTwice(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		file := func(name string) []byte {
			day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
			return fmt.Appendf(nil, `version: 1
name: %s
ends: circle
zone: UTC
phases: {announced: %s, read-only: %s, stopped: %s, erased: %s}
title: {en: The end}
reason: {en: We go another way.}
ask: {en: Ask us.}
`, name, day(1), day(40), day(100), day(130))
		}
		in.publishSunset(t, file("rings"), "")
		must(t, in.Sunsets.Withdraw(t.Context(), "rings"), "withdraw")
		in.publishSunset(t, file("rings-again"), "")
		if err := in.Sunsets.Withdraw(t.Context(), "rings"); keyOf(err) != "error.nothing_to_withdraw" {
			t.Errorf("withdrawing what was withdrawn: error %v", err)
		}
		if s := value[sunset.Sunset](t, "read the other")(in.Sunsets.Named(t.Context(), "rings-again")); s.State != "open" {
			t.Errorf("the other ending is %s", s.State)
		}
	})
}

// TestArchivesKeptNoLessLong postpones an ending and moves the last instant of its archives within a day, and to the same day of a zone further east: what comes
// earlier by hours is refused.
func TestArchivesKeptNoLessLong(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
		file := func(zone, announced, late string, n int) []byte {
			return fmt.Appendf(nil, `version: 1
name: rings
ends: circle
zone: %s
phases: {announced: "%s", read-only: %s, stopped: %s, erased: %s}
late_requests: "%s"
title: {en: The end}
reason: {en: We go another way.}
ask: {en: Ask us.}
`, zone, announced, day(n), day(n+60), day(n+90), late)
		}
		in.publishSunset(t, file("UTC", day(0), day(140)+" 18:00", 40), "")
		for _, x := range []struct{ zone, announced, late, key string }{
			{"UTC", day(0), day(140) + " 06:00", "error.sunset_late"},
			{"UTC", day(0), day(140) + " 17:59", "error.sunset_late"},
			{"UTC", day(0), day(140) + " 18:00", ""},
			{"UTC", day(0), day(141), ""},
			{"Etc/GMT-12", day(0) + " 12:00", day(140) + " 18:00", "error.sunset_late"},
			{"Etc/GMT-12", day(0) + " 12:00", day(141) + " 05:59", "error.sunset_late"},
			{"Etc/GMT-12", day(0) + " 12:00", day(141) + " 06:00", ""},
		} {
			if _, _, err := in.Sunsets.Preview(t.Context(), file(x.zone, x.announced, x.late, 42)); keyOf(err) != x.key || x.key == "" && err != nil {
				t.Errorf("until %s in %s: error %v, want %q", x.late, x.zone, err, x.key)
			}
		}

		named := func() *exit.SunsetCalendar {
			t.Helper()
			return value[sunset.Sunset](t, "read")(in.Sunsets.Named(t.Context(), "rings")).Calendar
		}
		before := named()
		if named() != before {
			t.Error("a calendar that has not changed is read from its text again")
		}
		in.publishSunset(t, file("UTC", day(0), day(141), 42), "more time")
		if now := named(); now == before || !now.Late.After(before.Late) {
			t.Errorf("after the postponement archives are kept until %s", now.Late)
		}
	})
}

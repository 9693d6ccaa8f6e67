package sunset_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/sunset"
)

const firstCalendar = `version: 1
name: the-end
ends: circle
zone: Asia/Shanghai
phases:
  announced: 2021-05-28
  read-only: 2021-06-28
  no-entrance: {at: 2021-06-28, says: {en: Gone from the tabs.}}
  stopped: 2021-12-28
  erased: 2022-01-28
title: {en: The end}
reason: {en: We go another way.}
ask: {en: Ask us.}
`

func TestChanges(t *testing.T) {
	at := func(text string) time.Time {
		d, err := exit.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := time.LoadLocation("Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		return d.Start(zone)
	}
	for name, c := range map[string]struct {
		replace []string // pairs
		want    []sunset.Change
	}{
		"nothing":           {nil, nil},
		"a note of its own": {[]string{"version: 1", "# again\nversion: 1"}, nil},
		"a later stop": {
			[]string{"stopped: 2021-12-28", "stopped: 2022-03-28", "erased: 2022-01-28", "erased: 2022-04-28"},
			[]sunset.Change{{exit.Stopped, at("2021-12-28"), at("2022-03-28")}, {exit.Erased, at("2022-01-28"), at("2022-04-28")}, {sunset.ChangedLate, at("2022-01-28"), at("2022-04-28")}},
		},
		"a phase less":     {[]string{"  no-entrance: {at: 2021-06-28, says: {en: Gone from the tabs.}}\n", ""}, []sunset.Change{{exit.NoEntrance, at("2021-06-28"), time.Time{}}, {What: sunset.ChangedWords}}},
		"a phase more":     {[]string{"  stopped:", "  export-only: 2021-12-01\n  stopped:"}, []sunset.Change{{exit.ExportOnly, time.Time{}, at("2021-12-01")}}},
		"archives longer":  {[]string{"title:", "late_requests: 2022-06-28\ntitle:"}, []sunset.Change{{sunset.ChangedLate, at("2022-01-28"), at("2022-06-28")}}},
		"another reason":   {[]string{"We go", "We went"}, []sunset.Change{{What: sunset.ChangedWords}}},
		"a phase's words":  {[]string{"Gone from", "Not in"}, []sunset.Change{{What: sunset.ChangedWords}}},
		"another language": {[]string{"ask: {en: Ask us.}", "ask: {en: Ask us., zh: 问我们。}"}, []sunset.Change{{What: sunset.ChangedWords}}},
		"a successor":      {[]string{"title:", "successor: https://elsewhere.example\ntitle:"}, []sunset.Change{{What: sunset.ChangedWords}}},
		"other reminders":  {[]string{"title:", "remind: [30]\ntitle:"}, []sunset.Change{{What: sunset.ChangedWords}}},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.NewReplacer(c.replace...).Replace(firstCalendar)
			if changed == firstCalendar && c.replace != nil {
				t.Fatal("nothing was replaced")
			}
			was, err := exit.ParseSunset([]byte(firstCalendar))
			if err != nil {
				t.Fatal(err)
			}
			is, err := exit.ParseSunset([]byte(changed))
			if err != nil {
				t.Fatal(err)
			}
			same := func(a, b sunset.Change) bool { return a.What == b.What && a.Was.Equal(b.Was) && a.Is.Equal(b.Is) }
			if got := sunset.Changes(was, is); !slices.EqualFunc(got, c.want, same) {
				t.Errorf("the changes are %v, want %v", got, c.want)
			}
		})
	}
}

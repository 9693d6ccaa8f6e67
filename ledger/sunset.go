package ledger

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"exeunt/exit"
)

// A Sunset is what a certificate says of the ending of a service, a place or an install: the dates that were published beside those that came true, and what
// became of everybody's archives. It counts people and names none.
type Sunset struct {
	Notice   string          `json:"notice"`   // the notice's name: it stands at /sunsets/NOTICE
	Ends     string          `json:"ends"`     // "circle", "circle:7", "install"
	Versions []SunsetVersion `json:"versions"` // each calendar that was published, in their order
	Phases   []SunsetPhase   `json:"phases"`   // those of the last calendar, in their order
	Archives SunsetArchives  `json:"archives"`
	Override string          `json:"override,omitempty"` // why it was published though it broke a rule, or stopped before all archives were expected; one line
}

// A SunsetVersion is a calendar that was published.
type SunsetVersion struct {
	Version   int       `json:"version"` // 1, 2, …
	Published time.Time `json:"published"`
	File      string    `json:"file"`             // [FileHash] of the calendar's file
	Reason    string    `json:"reason,omitempty"` // why it took the place of the one before
}

// A SunsetPhase is a dated word of the calendar. An extension is a Last after First.
type SunsetPhase struct {
	Word  string    `json:"word"`  // announced, read-only, stopped …
	First time.Time `json:"first"` // as it was published first
	Last  time.Time `json:"last"`  // as the last version had it
	Real  time.Time `json:"real"`  // when it began to hold
}

// SunsetArchives counts the archives that were made without anybody's asking.
type SunsetArchives struct {
	Made      int   `json:"made"`
	Fetched   int   `json:"fetched"`
	Unfetched int   `json:"unfetched"`         // Made less Fetched
	Skipped   int   `json:"skipped,omitempty"` // could not be made, and were given up for a reason
	Bytes     int64 `json:"bytes"`
	KeptUntil Day   `json:"kept_until,omitempty"` // the last day on which they can be fetched; required if there are any
}

// MaxVersions is how many calendars of one sunset a certificate can list.
const MaxVersions = 10_000

// sunsetWords are the words of a calendar in their order.
var sunsetWords = []string{exit.Announced, exit.NoJoins, exit.ReadOnly, exit.NoEntrance, exit.ExportOnly, exit.Stopped, exit.Erased}

func (s *Sunset) canonical() *Sunset {
	if s == nil {
		return nil
	}
	c := *s
	c.Versions, c.Phases = slices.Clone(s.Versions), slices.Clone(s.Phases)
	for i := range c.Versions {
		c.Versions[i].Published = seconds(c.Versions[i].Published)
	}
	for i := range c.Phases {
		p := &c.Phases[i]
		p.First, p.Last, p.Real = seconds(p.First), seconds(p.Last), seconds(p.Real)
	}
	return &c
}

// checkSunset refuses a sunset that contradicts itself. A date that was not kept is no contradiction: [Certificate.findings] tells of it.
func (c Certificate) checkSunset() error {
	s := c.Sunset
	if (s != nil) != (c.Journey == string(exit.Sunset)) {
		return fmt.Errorf("%w: the journey is %s, and it says otherwise of a sunset", ErrFormat, c.Journey)
	}
	if s == nil {
		return nil
	}
	if err := checkToken("sunset: notice", s.Notice, true); err != nil {
		return err
	}
	if err := checkToken("sunset: ends", s.Ends, true); err != nil {
		return err
	}
	if err := s.checkVersions(); err != nil {
		return err
	}
	if err := s.checkPhases(c.Sealed); err != nil {
		return err
	}
	if err := checkText("sunset: override", s.Override, false); err != nil {
		return err
	}
	return s.Archives.check()
}

func (s *Sunset) checkVersions() error {
	if len(s.Versions) == 0 {
		return fmt.Errorf("%w: sunset %s was never published", ErrFormat, s.Notice)
	}
	for i, v := range s.Versions {
		if v.Version != i+1 {
			return fmt.Errorf("%w: sunset: version %d stands in the place of version %d", ErrFormat, v.Version, i+1)
		}
		if err := checkTime("sunset: published", v.Published); err != nil {
			return err
		}
		if i > 0 && v.Published.Before(s.Versions[i-1].Published) {
			return fmt.Errorf("%w: sunset: version %d was published before version %d", ErrFormat, i+1, i)
		}
		if err := checkToken("sunset: file", v.File, true); err != nil {
			return err
		}
		if err := checkText("sunset: reason", v.Reason, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sunset) checkPhases(sealed time.Time) error {
	place := -1
	var words []string
	var before SunsetPhase
	for _, p := range s.Phases {
		at := slices.Index(sunsetWords, p.Word)
		if at <= place {
			return fmt.Errorf("%w: sunset: phase %q is unknown or out of order", ErrFormat, clip(p.Word))
		}
		for _, f := range []struct {
			what  string
			value time.Time
		}{{"first", p.First}, {"last", p.Last}, {"real", p.Real}} {
			if err := checkTime("sunset: "+p.Word+": "+f.what, f.value); err != nil {
				return err
			}
		}
		switch {
		case p.Last.Before(before.Last) || p.Real.Before(before.Real):
			return fmt.Errorf("%w: sunset: phase %s comes before %s, which is the phase before it", ErrFormat, p.Word, before.Word)
		case p.Real.After(sealed):
			return fmt.Errorf("%w: sunset: phase %s began after the seal", ErrFormat, p.Word)
		}
		place, before, words = at, p, append(words, p.Word)
	}
	for _, word := range []string{exit.Announced, exit.Stopped, exit.Erased} {
		if !slices.Contains(words, word) {
			return fmt.Errorf("%w: sunset: there is no phase %s", ErrFormat, word)
		}
	}
	return nil
}

func (a SunsetArchives) check() error {
	if a.Made < 0 || a.Fetched < 0 || a.Skipped < 0 || a.Bytes < 0 || a.Unfetched != a.Made-a.Fetched || a.Unfetched < 0 {
		return fmt.Errorf("%w: sunset: %d archives made, %d fetched, %d not, %d given up", ErrSums, a.Made, a.Fetched, a.Unfetched, a.Skipped)
	}
	return checkDay("sunset: kept_until", a.KeptUntil, a.Made > 0)
}

// findings tells of dates that were moved to an earlier day, of phases that did not begin when they should have, and of what was erased before its instant.
func (s *Sunset) findings(receipts []Entry, add func(FindingCode, string)) {
	if s == nil {
		return
	}
	for _, p := range s.Phases {
		step := string(exit.ActPhase) + ":" + p.Word
		if p.Last.Before(p.First) {
			add(MovedEarlier, step)
		}
		if p.Real.Before(p.Last) {
			add(Early, step)
		}
		if p.Real.After(p.Last.Add(grace)) {
			add(Late, step)
		}
		if p.Word != exit.Erased {
			continue
		}
		for _, e := range receipts {
			if e.Receipt.Manner != "" && e.Receipt.Settles == "" && !e.Receipt.Satisfied() && e.Receipt.Done.Before(p.Last) {
				add(BeforeErasure, e.Receipt.Step)
			}
		}
	}
}

// sameSunset reports whether two versions of a certificate say the same of a sunset.
func sameSunset(a, b *Sunset) bool { return reflect.DeepEqual(a, b) }

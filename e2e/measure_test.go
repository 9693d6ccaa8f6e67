package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// effort is what a journey costs a person: taps, fields, and the machine's time until it is done. How long somebody reads
// and types is not in it.
type effort struct {
	journey string
	taps    int
	fields  int
	took    time.Duration
}

// aims are the most taps and the longest time that a journey may cost.
var aims = map[string]effort{
	"hide":       {taps: 2},
	"take along": {taps: 2},
	"close":      {taps: 6, took: time.Minute},
	"cancel":     {taps: 2},
	"return":     {taps: 3},
}

// founding is what the founding documents say that their platform's own ways cost: steps, minutes, and how often people
// succeed. To take along is not possible there.
var founding = map[string]string{
	"hide":   "at least 5 steps, 0.5 minutes, 98 % succeed",
	"close":  "3–5 minutes, 76 % succeed",
	"return": "1–2 minutes, 89 % succeed (opening it anew)",
}

// stopwatch is the machine's clock: what is measured is how long the pages take.
type stopwatch struct {
	p           *person
	began       time.Time
	taps, typed int
}

// begin starts to count what a person does.
func (p *person) begin() stopwatch {
	return stopwatch{p, time.Now(), p.taps, p.typed}
}

// end gives what was done since.
func (s stopwatch) end(journey string) effort {
	return effort{journey, s.p.taps - s.taps, s.p.typed - s.typed, time.Since(s.began)}
}

// judge prints the efforts beside the founding documents' and fails on an aim that is missed or was not measured.
func judge(t *testing.T, what string, efforts []effort, aims map[string]effort) {
	t.Helper()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "journey\ttaps\tfields\tseconds\taim\tfounding documents")
	for _, e := range efforts {
		aim := aims[e.journey]
		want := fmt.Sprintf("≤ %d taps", aim.taps)
		if aim.took > 0 {
			want += fmt.Sprintf(", ≤ %.0f s", aim.took.Seconds())
		}
		said := founding[e.journey]
		if said == "" {
			said = "–"
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%.2f\t%s\t%s\n", e.journey, e.taps, e.fields, e.took.Seconds(), want, said)
		if e.taps > aim.taps {
			t.Errorf("%s takes %d taps, the aim is %d", e.journey, e.taps, aim.taps)
		}
		if aim.took > 0 && e.took > aim.took {
			t.Errorf("%s takes %s, the aim is %s", e.journey, e.took, aim.took)
		}
	}
	must(t, w.Flush())
	t.Logf("%s\n%s", what, b.String())
	for journey := range aims {
		if !strings.Contains(b.String(), "\n"+journey+" ") {
			t.Errorf("nothing was measured of %q", journey)
		}
	}
}

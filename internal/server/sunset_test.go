package server_test

import (
	"fmt"
	"testing"
	"time"

	"exeunt/exit"
)

// sunsetFile gives a calendar that ends something: read-only in 31 days, stopped in 214, erased in 245, as WeChat Circles, but for the last.
func sunsetFile(now time.Time, ends string) []byte {
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	return fmt.Appendf(nil, `version: 1
name: the-end
ends: %s
zone: UTC
phases:
  announced: %s
  read-only: %s
  no-entrance: %s
  stopped: %s
  erased: %s
title: {en: The end}
reason: {en: We go another way.}
ask: {en: Ask us.}
`, ends, day(0), day(31), day(31), day(214), day(245))
}

// TestSunset ends each service, a circle and the install, for two people with something of every kind, and looks for what is left.
func TestSunset(t *testing.T) {
	for _, ends := range []string{"circle", "channel", "page", "install"} {
		t.Run(ends, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				twoLives(t, in)
				now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
				src := sunsetFile(now, ends)
				_, plan, err := in.Sunsets.Preview(t.Context(), src)
				must(t, err, "preview")
				s, err := in.Sunsets.Publish(t.Context(), src, plan.Hash(), "")
				must(t, err, "publish")
				in.travel(t, 250)
				run, steps, err := in.DB.Runs.Load(t.Context(), s.Run)
				must(t, err, "load run")
				if run.State != exit.RunSealed {
					t.Errorf("the run is %s", run.State)
				}
				for _, x := range steps {
					if !x.State.Ended() {
						t.Errorf("step %s: %s %s", x.Key, x.State, x.Problem)
					}
				}
			})
		})
	}
}

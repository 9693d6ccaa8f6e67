package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/leave"
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

// lastDays is an install that is about to end, or a part of it: two people with something of every kind, and what two others left behind.
type lastDays struct {
	*install
	ends    string
	ana, bo *someone
	all     []*someone
	run     string
}

// lastDaysOf fills an install and publishes the end of something; "circle:" is one of its circles.
func lastDaysOf(t *testing.T, in *install, ends string) lastDays {
	t.Helper()
	e := lastDays{install: in, ends: ends}
	e.ana, e.bo = twoLives(t, in)
	e.all = append(leftBehind(t, in, e.ana, e.bo), e.ana, e.bo)
	if ends == "circle:" {
		e.ends += e.bo.circle.String()
	}
	now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
	src := sunsetFile(now, e.ends)
	_, plan, err := in.Sunsets.Preview(t.Context(), src)
	must(t, err, "preview")
	s, err := in.Sunsets.Publish(t.Context(), src, plan.Hash(), "")
	must(t, err, "publish")
	e.run = s.Run
	return e
}

// wantSealed fails unless the run has come to its end, each step with it.
func (e lastDays) wantSealed(t *testing.T) []exit.StepStatus {
	t.Helper()
	run, steps, err := e.DB.Runs.Load(t.Context(), e.run)
	must(t, err, "load run")
	if run.State != exit.RunSealed {
		t.Errorf("the run is %s", run.State)
	}
	for _, x := range steps {
		if !x.State.Ended() {
			t.Errorf("step %s: %s %s", x.Key, x.State, x.Problem)
		}
	}
	return steps
}

// TestSunset ends each service, one circle and the install, for two people with something of every kind and with what others have left behind. Nothing of it is
// left, in rows, files and raw bytes, and of everything else all is as it was.
func TestSunset(t *testing.T) {
	for _, ends := range []string{"circle", "circle:", "channel", "page"} {
		t.Run(ends, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				e := lastDaysOf(t, in, ends)
				in.travel(t, 244)
				in.alive(t, e.ana, e.bo)
				_, err := in.Blobs.Drain(t.Context(), 0)
				must(t, err, "drain blobs")
				before, files := in.snapshot(t, e.ends), in.filesOf(t, e.ends)
				needles := map[string][]byte{}
				for _, word := range wordsIn(e.ends, e.bo, e.all) {
					needles[word] = []byte(word)
				}
				flush(t, in)
				for what, needle := range needles {
					if len(found(haystack(t, in), needle)) == 0 && strings.HasPrefix(what, "bo.") {
						t.Errorf("%q was planted and is not found: the search sees too little", what)
					}
				}
				in.travel(t, 3)
				e.wantSealed(t)
				in.wantEnded(t, e.ends, before, in.snapshot(t, e.ends), files)
				wantNoBytes(t, in, needles)
			})
		})
	}
}

// TestNobodyIsLeft ends the install: nobody is left, the operator neither, and no run remembers whose it was.
func TestNobodyIsLeft(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		e := lastDaysOf(t, in, "install")
		in.travel(t, 230)
		// One is in the middle of leaving when all goes, and one sleeps.
		left := in.agree(t, exit.Ask{Subject: leave.SubjectOf(e.ana.v.Account, ""), Journey: exit.Close, Heir: e.bo.v.Account.String()})
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(e.bo.org, ""), Journey: exit.Hibernate})
		in.travel(t, 14)
		in.alive(t, e.ana, e.bo)
		needles := map[string][]byte{}
		for _, s := range e.all {
			needed, absent := s.needles(t)
			for _, from := range []map[string][]byte{needed, absent} {
				for what, needle := range from {
					needles[what] = needle
				}
			}
		}
		in.travel(t, 3)
		e.wantSealed(t)
		in.wantNobody(t)
		wantNoBytes(t, in, needles)
		run, steps, err := in.DB.Runs.Load(t.Context(), left.ID)
		must(t, err, "load run")
		if run.State != exit.RunCancelled || run.Subject != (exit.Subject{}) {
			t.Errorf("the closing that was under way is %s of %q", run.State, run.Subject)
		}
		for _, s := range steps {
			if !s.State.Ended() || s.Subject != "" || s.Choice != "" {
				t.Errorf("its step %s is %s of %q %q", s.Key, s.State, s.Subject, s.Choice)
			}
		}
	})
}

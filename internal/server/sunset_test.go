package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/ui"
	"exeunt/internal/who"
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

// TestReturnAfterTheStop has people close all they have, or the part that ends, before and after writing has ceased, and come back when the service has stopped:
// nothing of the service comes back, the plan says so beforehand, and the rest does.
func TestReturnAfterTheStop(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		e := lastDaysOf(t, in, "channel")
		in.travel(t, 205)
		whole, part := leave.SubjectOf(e.ana.v.Account, ""), leave.SubjectOf(e.bo.v.Account, "channel")
		in.agree(t, exit.Ask{Subject: whole, Journey: exit.Close})
		in.agree(t, exit.Ask{Subject: part, Journey: exit.Close})
		if plan := value[*exit.Plan](t, "preview")(in.Engine.Preview(t.Context(), exit.Ask{Subject: whole, Journey: exit.Cancel})); strings.Contains(stays(plan), "gone") {
			t.Errorf("before the stop a cancel says: %s", stays(plan))
		}
		in.travel(t, 12)
		in.Desk.Forget()
		for _, x := range []struct {
			s          exit.Subject
			gone, kept []string
		}{
			{whole, []string{"service:channel", "channel.videos", "channel.channel", "upload.uploads"}, []string{"post.posts", "account.account", "relation.follows"}},
			{part, []string{"service:channel", "channel.videos"}, nil},
		} {
			plan, err := in.Engine.Preview(t.Context(), exit.Ask{Subject: x.s, Journey: exit.Return})
			must(t, err, "preview return")
			for _, s := range plan.Stays {
				if slices.Contains(x.gone, s.What) && s.State != "gone" || slices.Contains(x.kept, s.What) && s.State != "kept" || x.kept == nil && s.State == "kept" {
					t.Errorf("%s of %s is said to be %s", s.What, x.s, s.State)
				}
			}
			for _, what := range append(x.gone, x.kept...) {
				if !strings.Contains(stays(plan), what+" ") {
					t.Errorf("nothing is said of %s of %s: %s", what, x.s, stays(plan))
				}
			}
			for lang, want := range map[ui.Lang]string{"zh": "已经停运，其中的内容回不来", "en": "has ended: nothing of it comes back"} {
				ctx := ui.WithReader(t.Context(), ui.Reader{Lang: lang, Zone: time.UTC, Now: plan.At})
				said := strings.Join(in.Leave.PlanCalendar(ctx, x.s, plan).Stays, " ")
				if !strings.Contains(said, want) {
					t.Errorf("in %s the plan says %q", lang, said)
				}
			}
		}
		in.agree(t, exit.Ask{Subject: whole, Journey: exit.Return})
		in.wantState(t, "who came back", e.ana.v.Account, who.Active)
		in.travel(t, 40)
		e.wantSealed(t)
		own := `author_id = ` + e.ana.v.Account.String()
		if in.rowsIn(t, `posts where `+own) == 0 {
			t.Error("posts did not come back")
		}
		for _, left := range []string{"videos", "channels", "comments where ref_kind = 'video'", "reasons where scope in ('', 'channel')"} {
			if n := in.rowsIn(t, left); n > 0 {
				t.Errorf("%d rows are left in %s", n, left)
			}
		}
	})
}

// stays puts what a plan says of what stays in one line.
func stays(p *exit.Plan) string {
	var b strings.Builder
	for _, s := range p.Stays {
		fmt.Fprintf(&b, "%s %s; ", s.What, s.State)
	}
	return b.String()
}

// TestClosingBesideSunset has one person's closing of the part run beside its end, agreed when writing had ceased and with "stays as a member who left", and another's
// closing of all that is due on the very day: both come to their end with a certificate, and nothing stays.
func TestClosingBesideSunset(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		e := lastDaysOf(t, in, "circle")
		in.travel(t, 210)
		early := in.agree(t, exit.Ask{
			Subject: leave.SubjectOf(e.ana.v.Account, "circle"), Journey: exit.Close, Choices: map[string]exit.Manner{"post.posts": exit.Detach, "talk.comments": exit.Detach},
		})
		in.travel(t, 7)
		late := in.agree(t, exit.Ask{Subject: leave.SubjectOf(e.bo.v.Account, ""), Journey: exit.Close})
		in.travel(t, 40)
		e.wantSealed(t)
		for _, run := range []exit.Run{early, late} {
			in.wantRun(t, run.ID, exit.RunSealed)
			in.wantCertificate(t, run.ID)
		}
		if in.rowsIn(t, "sunset_exports") == 0 {
			t.Error("nobody's archive was made: the test shows little")
		}
		in.travel(t, 5*366+60) // these tests keep archives for years
		_, err := in.Sunsets.Sweep(t.Context(), 100)
		must(t, err, "sweep")
		for _, left := range []string{"circles", "circle_members", "posts where service = 'circle'", "comments where service = 'circle'", "topics where service = 'circle'", "sunset_exports", "archive_links"} {
			if n := in.rowsIn(t, left); n > 0 {
				t.Errorf("%d rows are left in %s", n, left)
			}
		}
	})
}

// latecomer is a holder that nobody knew of when an ending was planned. It keeps one thing of each of some accounts, and one of nobody.
type latecomer struct {
	kept   map[string]int
	nobody int
}

func (*latecomer) Name() string { return "late" }

func (*latecomer) Classes() []exit.Class {
	return []exit.Class{{Name: "things", Services: []string{"circle"}, Places: []exit.Place{{Table: "profiles", Column: "account_id"}}}}
}

func (*latecomer) Ends(string) bool { return true }

func (l *latecomer) Erase(_ context.Context, t exit.Task) (exit.Progress, error) {
	p := exit.Progress{Done: true, Items: int64(l.kept[t.Subject.ID])}
	if t.Subject.Ending() {
		p.Items, l.nobody = int64(l.nobody), 0
	}
	delete(l.kept, t.Subject.ID)
	return p, nil
}

func (l *latecomer) Verify(_ context.Context, t exit.Task) (exit.Residue, error) {
	if t.Subject.Ending() {
		return exit.Residue{Left: int64(l.nobody)}, nil
	}
	return exit.Residue{Left: int64(l.kept[t.Subject.ID])}, nil
}

// TestLateHolder registers a holder after the calendar was published: its class has no step in the plan, and is erased before the seal all the same, whether it keeps
// something of people or of nobody alone.
func TestLateHolder(t *testing.T) {
	for name, nobody := range map[string]int{"of people": 0, "of nobody": 3, "nothing": 0} {
		t.Run(name, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				e := lastDaysOf(t, in, "circle")
				l, want := &latecomer{nobody: nobody}, int64(nobody)
				if name == "of people" {
					l.kept, want = map[string]int{e.ana.v.Account.String(): 2, e.bo.v.Account.String(): 5}, 7
				}
				in.Engine.Holders = append(in.Engine.Holders, l)
				in.travel(t, 250)
				var items int64
				amended := false
				for _, s := range e.wantSealed(t) {
					if s.ClassID() == "late.things" {
						items, amended = s.Items, s.Amended
					}
				}
				if items != want || amended != (want > 0) || len(l.kept) > 0 || l.nobody > 0 {
					t.Errorf("%d things were erased, want %d; amended %t; kept still: %v and %d", items, want, amended, l.kept, l.nobody)
				}
			})
		})
	}
}

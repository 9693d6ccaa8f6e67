package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/server"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
)

// ticking is a clock that goes on by a little whenever it is looked at.
type ticking struct {
	mu  sync.Mutex
	now time.Time
	by  time.Duration
}

func (c *ticking) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.by)
	return c.now
}

// tick has an install's machine clock go on by itself, without which packing takes no time.
func (in *install) tick(by time.Duration) {
	in.DB.Clock = &ticking{now: in.machine.Now(), by: by}
}

// TestForecast compares who is expected to get an archive with who gets one, and refuses a calendar that is too short.
func TestForecast(t *testing.T) {
	for _, ends := range []string{"circle", "install"} {
		t.Run(ends, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				twoLives(t, in)
				in.tick(time.Millisecond)
				now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
				src := sunsetFile(now, ends)
				cal := value[*exit.SunsetCalendar](t, "parse")(exit.ParseSunset(src))
				f, err := in.Sunsets.Forecast(t.Context(), cal)
				must(t, err, "forecast")
				if !f.Exact || f.Accounts < 1 || f.Archives < f.Accounts || f.Measured < 1 || f.PerSecond <= 0 || f.Short || !f.Begins.Equal(cal.At(exit.ReadOnly)) || !f.Ends.After(f.Begins) {
					t.Errorf("forecast %+v", f)
				}
				amounts := map[string]int64{}
				var sum int64
				for _, a := range f.Amounts {
					amounts[a.Class] = a.Items
					sum += a.Bytes
				}
				if amounts["post.posts"] == 0 || sum != f.Bytes {
					t.Errorf("amounts %v of %d bytes", f.Amounts, f.Bytes)
				}
				_, plan, err := in.Sunsets.Preview(t.Context(), src)
				must(t, err, "preview")
				s, err := in.Sunsets.Publish(t.Context(), src, plan.Hash(), "")
				must(t, err, "publish")
				before, err := in.Sunsets.Status(t.Context(), s.Name)
				must(t, err, "status")
				if before.Made != 0 || before.NotAsked != f.Archives || !before.Exact || before.Word != exit.Announced {
					t.Errorf("status at the announcement: %+v; %d archives are expected", before, f.Archives)
				}
				in.travel(t, 32)
				after, err := in.Sunsets.Status(t.Context(), s.Name)
				must(t, err, "status")
				if after.Made != f.Archives || after.Left() != 0 || after.Failed != 0 || after.Bytes == 0 || after.Extend != 0 {
					t.Errorf("status when writing has ended: %+v; %d archives were expected", after, f.Archives)
				}
			})
		})
	}
}

// TestTooShort refuses what stops before the last archive is expected or breaks a rule, unless it says why; what is no worse than the version before it is
// published.
func TestTooShort(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		twoLives(t, in)
		in.tick(time.Millisecond)
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
		file := func(readOnly, stopped int, more string) []byte {
			return fmt.Appendf(nil, "version: 1\nname: short\nends: circle\nzone: UTC\nphases:\n  announced: %s\n  read-only: %s\n  stopped: %s\n  erased: %s\ntitle: {en: a}\nreason: {en: b}\nask: {en: c}\n%s",
				day(0), day(readOnly), day(stopped), day(90), more)
		}
		publish := func(src []byte) error {
			_, plan, err := in.Sunsets.Preview(t.Context(), src)
			must(t, err, "preview")
			_, err = in.Sunsets.Publish(t.Context(), src, plan.Hash(), "")
			return err
		}
		for _, c := range []struct {
			name string
			src  []byte
			key  string
		}{
			{"stops at once", file(40, 40, ""), "sunset_forecast.error.short"},
			{"breaks a rule", file(20, 60, "profiles: [cn-ecommerce]\n"), "sunset_forecast.error.rule"},
			{"says why", file(40, 40, "override: The house is sold.\n"), ""},
			{"later, and no shorter", file(50, 50, ""), ""},
			{"later, and longer", file(50, 60, ""), ""},
			{"shorter again", file(60, 60, ""), "sunset_forecast.error.short"},
		} {
			checked, err := in.Sunsets.Check(t.Context(), c.src, time.Time{})
			must(t, err, "check")
			err = publish(c.src)
			var e *exit.Error
			if key := keyOf(err); key != c.key || c.key != "" && (!errors.As(err, &e) || e.Kind != exit.Conflict) {
				t.Errorf("%s: %v, want %q", c.name, err, c.key)
			}
			if key := keyOf(checked.Refused); key != c.key {
				t.Errorf("%s: checked, %v, want %q", c.name, checked.Refused, c.key)
			}
			if c.key == "sunset_forecast.error.short" && (!checked.Forecast.Short || checked.Forecast.Propose.Start(time.UTC).Before(checked.Forecast.Ends)) {
				t.Errorf("%s: forecast %+v", c.name, checked.Forecast)
			}
		}
	})
}

func keyOf(err error) string {
	var e *exit.Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}

// TestRehearse carries endings out on copies of an install, which stays as it is.
func TestRehearse(t *testing.T) {
	for _, ends := range []string{"circle", "install"} {
		t.Run(ends, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				twoLives(t, in)
				now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
				r, err := in.RehearseSunset(t.Context(), sunsetFile(now, ends), server.RehearseOptions{Folder: t.TempDir()}, still)
				if err != nil {
					t.Fatalf("rehearse: %v\n%s", err, in.log.Bytes())
				}
				if !r.Fine() || r.Archives == 0 || len(r.Erased) == 0 {
					t.Errorf("rehearsal %+v", r)
				}
				if all, err := in.Sunsets.Page(t.Context(), 0, 2); err != nil || len(all) != 0 {
					t.Errorf("the install has %d sunsets (%v)", len(all), err)
				}
				if then := value[time.Time](t, "read clock")(in.DB.Now(t.Context())); then.Sub(now) > time.Hour {
					t.Errorf("the install's clock went from %s to %s", now, then)
				}
				if bytes.Contains(in.log.Bytes(), []byte("step failed")) {
					t.Errorf("a step failed:\n%s", in.log.Bytes())
				}
			})
		})
	}
}

// TestRehearseAfterAnEnding rehearses on an install whose log has a head and a certificate already, signed with its own key.
func TestRehearseAfterAnEnding(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		twoLives(t, in)
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		in.publishSunset(t, sunsetFile(now, "channel"), "")
		in.travel(t, 400)
		now = value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		logged := func() (head string) {
			must(t, in.DB.Reader.QueryRowContext(t.Context(), `select head from ledger_heads where size > 0`).Scan(&head), "read the log's head")
			return head
		}
		head := logged()
		r, err := in.RehearseSunset(t.Context(), bytes.Replace(sunsetFile(now, "circle"), []byte("the-end"), []byte("another-end"), 1), server.RehearseOptions{Folder: t.TempDir()}, still)
		if err != nil {
			t.Fatalf("rehearse: %v\n%s", err, in.log.Bytes())
		}
		if !r.Fine() || !r.Certificate || len(r.Erased) == 0 {
			t.Errorf("rehearsal %+v", r)
		}
		if logged() != head {
			t.Error("the head of the install's own log is another")
		}
	})
}

// TestForecastOfMany estimates what would take too long to count, and says so.
func TestForecastOfMany(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		const members = 5500
		in.crowd(t, members)
		in.tick(time.Millisecond)
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		cal := value[*exit.SunsetCalendar](t, "parse")(exit.ParseSunset(sunsetFile(now, "circle")))
		f, err := in.Sunsets.Forecast(t.Context(), cal)
		must(t, err, "forecast")
		if f.Exact || f.Accounts != members || f.Archives != members || f.Measured > 20 || f.Took > 20*time.Second {
			t.Errorf("of %d members who have written once: %+v", members, f)
		}
		if len(f.Amounts) != 1 || f.Amounts[0].Class != "post.posts" || f.Amounts[0].Items != members {
			t.Errorf("they have %+v", f.Amounts)
		}
	})
}

// TestStatusExtends tells in time that the stop comes before the last archive, and the operators once; what has failed, and the time since the newest archive, make no
// archive late.
func TestStatusExtends(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		token, _, err := in.Accounts.FirstStart(ctx)
		must(t, err, "start first")
		op, err := in.Accounts.MakeOperator(ctx, token, "operatorone", password)
		must(t, err, "make operator")
		const members = 220
		in.crowd(t, members)
		s := in.endIn(t, "circle")
		begin, stop := s.Calendar.At(exit.ReadOnly), s.Calendar.At(exit.Stopped)
		status := func() sunset.Status {
			t.Helper()
			return value[sunset.Status](t, "status")(in.Sunsets.Status(ctx, s.Name))
		}
		work := func(steps int) {
			t.Helper()
			for range steps { // some archives, and no time for the others
				_, err := in.Engine.Work(ctx, 1)
				must(t, err, "work")
			}
		}
		operator := who.Viewer{Person: op.Person, Account: op.Account}
		if w := in.look(t, operator, "/operator/sunsets/"+s.Name); !strings.Contains(w.Body.String(), "no rate was measured") { // the clock of the test stands still
			t.Errorf("before the first archive the page forecasts nothing: %s", said(w.Body.Bytes()))
		}
		must(t, in.DB.Move(ctx, begin), "go to read-only")
		work(40)
		got := status()
		if got.Made < 5 || got.Made > 100 || got.Made+got.Left() != members || !got.Exact || got.Extend != 0 {
			t.Fatalf("at the beginning: %+v", got)
		}
		must(t, in.Sunsets.WarnOperators(ctx), "look")
		late := begin.AddDate(0, 0, 100)
		must(t, in.DB.Move(ctx, late), "let time pass")
		work(5)
		got = status()
		if want := late.Add(100 * 24 * time.Hour * time.Duration(members-got.Made) / time.Duration(got.Made)); got.Expected.Sub(want).Abs() > time.Hour || !want.After(stop) || got.Extend != int(got.Expected.Sub(stop)/(24*time.Hour))+1 {
			t.Errorf("a hundred days later: %+v; the last one is expected on %s, the stop is on %s", got, want, stop)
		}
		for range 2 {
			must(t, in.Sunsets.WarnOperators(ctx), "look")
		}
		in.wantWarned(t, operator, s)

		_, err = in.DB.Writer.ExecContext(ctx, `update exit_steps set state = 'stuck' where act = 'pack' and state <> 'done' and run = (select min(run) from sunset_exports where state = 'asked')`)
		must(t, err, "have one fail")
		in.travel(t, 1)
		must(t, in.DB.Move(ctx, late.AddDate(0, 0, 50)), "let time pass")
		if got = status(); got.Made != members-1 || got.Failed != 1 || got.Left() != 1 || got.Extend != 0 || !got.Expected.IsZero() {
			t.Errorf("with one that has failed: %+v", got)
		}
	})
}

// wantWarned asks that the operator was told once that the stop comes too early, and nobody else.
func (in *install) wantWarned(t *testing.T, operator who.Viewer, s sunset.Sunset) {
	t.Helper()
	for n := 1; n > 0; {
		n = value[int](t, "work on jobs")(in.Queue.Work(t.Context(), 100))
	}
	var all, theirs int
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*), count(case when n.account_id = $1 then 1 end) from notices n
		join sunset_tellings x on x.id = n.ref_id and n.ref_kind = 'sunset' where x.what = 'extend' and x.sunset_id = $2`, int64(operator.Account), int64(s.ID)).Scan(&all, &theirs), "count notices")
	if all != 1 || theirs != 1 {
		t.Errorf("%d were told that it stops too early, the operator %d times", all, theirs)
	}
	if w := in.look(t, operator, "/notices"); !strings.Contains(w.Body.String(), "by how many days to postpone") || !strings.Contains(w.Body.String(), "/operator/sunsets/"+s.Name) {
		t.Errorf("the operator reads %s", said(w.Body.Bytes()))
	}
}

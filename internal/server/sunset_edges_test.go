package server_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
)

// TestWithdrawnUnheard withdraws an ending before its announcement: nobody is told that what they never heard of has been taken back.
func TestWithdrawnUnheard(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		people, _ := square(t, in)
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		src := bytes.Replace(sunsetFile(now, "circle"), []byte("announced: "+now.Format(time.DateOnly)), []byte("announced: "+now.AddDate(0, 0, 2).Format(time.DateOnly)), 1)
		in.publishSunset(t, src, "")
		must(t, in.Sunsets.Withdraw(t.Context(), "the-end"), "withdraw")
		in.travel(t, 3)
		in.wantTold(t, "of what never came", people, map[string]int{"writer": 0, "owner": 0})
	})
}

// TestNothingLeftToPack has an archive wait of whose owner nothing is left by then: it is forgotten, and holds up nobody.
func TestNothingLeftToPack(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		people, _ := square(t, in)
		s := in.endIn(t, "circle")
		_, err := in.DB.Writer.ExecContext(ctx, `insert into sunset_exports (id, sunset_id, account_id, part, state, asked_at) values (1, $1, $2, 'circle', 'waiting', 0)`,
			int64(s.ID), int64(people["stranger"].Account))
		must(t, err, "have an archive wait")
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly)), "go on to the instant")
		made := func() bool {
			_, steps, err := in.DB.Runs.Load(ctx, s.Run)
			must(t, err, "read run")
			return steps[slices.IndexFunc(steps, func(x exit.StepStatus) bool { return x.Act == exit.ActPack })].State.Ended()
		}
		for range 300 { // without end it would be asked for again and again
			if n := value[int](t, "work")(in.Engine.Work(ctx, 1)); n > 0 {
				continue
			}
			if made() {
				break
			}
			now := value[time.Time](t, "read clock")(in.DB.Now(ctx))
			must(t, in.DB.Move(ctx, now.Add(200*time.Millisecond)), "let time pass")
		}
		if got := value[sunset.Exports](t, "count")(in.Sunsets.ExportsOf(ctx, s.ID)); !made() || got.Waiting != 0 || got.Made != len(exported)+3 {
			t.Errorf("the making of archives has ended: %t; the sums are %+v", made(), got)
		}
	})
}

// TestPromisedArchivesOutliveNothing refuses the end of the install before the last day of archives that the ending of a service has promised, also when that is over.
func TestPromisedArchivesOutliveNothing(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		kept := "late_requests: " + now.AddDate(0, 0, 300).Format(time.DateOnly) + "\n"
		in.publishSunset(t, append(sunsetFile(now, "circle"), kept...), "")
		in.travel(t, 250)
		now = value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		if s := value[sunset.Sunset](t, "read")(in.Sunsets.Named(t.Context(), "the-end")); s.State != "ended" {
			t.Fatalf("the first ending is %s", s.State)
		}
		file := func(erased int) []byte {
			day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
			src := bytes.NewBufferString("version: 1\nname: all\nends: install\nzone: UTC\ntitle: {en: The end}\nreason: {en: We go another way.}\nask: {en: Ask us.}\nphases: {")
			src.WriteString("announced: " + day(0) + ", read-only: " + day(10) + ", stopped: " + day(20) + ", erased: " + day(erased) + "}\n")
			return src.Bytes()
		}
		if _, _, err := in.Sunsets.Preview(t.Context(), file(30)); keyOf(err) != "sunset.error.contradicts" {
			t.Errorf("before the last day of promised archives: error %v", err)
		}
		if _, _, err := in.Sunsets.Preview(t.Context(), file(60)); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

// TestStatusDropsPhases leaves a phase out of a later version: nobody is told any more that it is due.
func TestStatusDropsPhases(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		src := sunsetFile(now, "circle")
		in.publishSunset(t, src, "")
		in.publishSunset(t, bytes.Replace(src, []byte("  no-entrance: "+now.AddDate(0, 0, 31).Format(time.DateOnly)+"\n"), nil, 1), "they may look on")
		got := value[sunset.Status](t, "status")(in.Sunsets.Status(t.Context(), "the-end"))
		var words []string
		for _, p := range got.Phases {
			words = append(words, p.Word)
		}
		if want := []string{exit.Announced, exit.ReadOnly, exit.Stopped, exit.Erased}; !slices.Equal(words, want) {
			t.Errorf("the phases are %v, want %v", words, want)
		}
	})
}

// TestWithheldStaysWithheld ends circles of which the operator has one out of sight: what its owner has left is not read when it is gone, nor kept.
func TestWithheldStaysWithheld(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx, owner, member := t.Context(), in.signUp(t, "owner"), in.signUp(t, "member")
		id := in.ring(t, owner, member)
		must(t, in.Circles.Bid(ctx, owner, id, "On to the hills", movedTo), "leave a farewell")
		_, err := in.DB.Writer.ExecContext(ctx, `update circles set withheld_at = 1 where id = $1`, int64(id))
		must(t, err, "have the circle out of sight")
		s := in.endIn(t, circle.Name)
		for _, days := range []int{220, 30} { // to the stop, and past the erasure
			in.travel(t, days)
			if body := in.look(t, who.Viewer{}, circle.Path(id)).Body.String(); strings.Contains(body, movedTo) || strings.Contains(body, "On to the hills") {
				t.Errorf("what is out of sight is shown: %.2000s", body)
			}
		}
		in.wantRun(t, s.Run, exit.RunSealed)
		if n := in.count(t, `select count(*) from circle_farewells`); n != 0 {
			t.Errorf("%d farewells are left", n)
		}
	})
}

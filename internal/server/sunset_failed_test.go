package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
)

// TestArchiveFails has archives that cannot be made: they hold up no other, nothing is erased as long as one is open, the operator sees them and has one tried again and
// gives another up for a reason that is kept; who closes their account meanwhile is no failure.
func TestArchiveFails(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in = shipped(t, in)
		in.Engine.Tries = 1
		viewers, _ := square(t, in)
		failing := []who.ID{viewers["writer"].Account, viewers["late"].Account}
		s := in.endIn(t, "circle")
		for _, id := range failing {
			in.unreadable(t, id, true)
		}
		in.travel(t, 60)
		sums := func() sunset.Exports {
			t.Helper()
			return value[sunset.Exports](t, "count")(in.Sunsets.ExportsOf(ctx, s.ID))
		}
		if got, want := sums(), len(exported)+1; got.Failed != 2 || got.Made != want || got.Asked+got.Waiting > 0 {
			t.Errorf("the sums are %+v, want 2 failed and %d made", got, want)
		}
		page := "/operator/sunsets/the-end/archives"
		if w := in.as(t, viewers["operator"], "GET", page); w.Code != http.StatusOK || strings.Count(w.Body.String(), "<section") < 2 {
			t.Errorf("the operator sees %d: %s", w.Code, w.Body)
		}
		list := value[[]sunset.FailedExport](t, "read")(in.Sunsets.FailedExports(ctx, s.ID, 0, 10))
		runs := map[who.ID]string{}
		for _, x := range list {
			runs[x.Account] = x.Run
		}
		again, given := runs[failing[0]], runs[failing[1]]
		in.post(t, viewers["operator"], page+"/"+given+"/skip", url.Values{"reason": {" "}}, http.StatusUnprocessableEntity)
		in.post(t, viewers["operator"], page+"/"+given+"/skip", url.Values{"reason": {strings.Repeat("x", 301)}}, http.StatusUnprocessableEntity)
		in.post(t, viewers["late"], page+"/"+given+"/skip", url.Values{"reason": {"I say so"}}, http.StatusNotFound)
		in.post(t, viewers["operator"], page+"/nosuchrun/skip", url.Values{"reason": {"why not"}}, http.StatusNotFound)

		// Past every date: nothing is erased while one archive is open.
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.Erased).Add(24*time.Hour)), "go on")
		in.settle(t)
		var posts int
		must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from posts where service = 'circle'`).Scan(&posts), "count posts")
		if run, _, err := in.DB.Runs.Load(ctx, s.Run); err != nil || run.State != exit.RunOpen || posts < len(exported)+1 {
			t.Errorf("with an archive open the run is %s, and %d posts are there (%v)", run.State, posts, err)
		}
		in.unreadable(t, failing[0], false)
		in.post(t, viewers["operator"], page+"/"+again+"/retry", nil, http.StatusSeeOther)
		in.post(t, viewers["operator"], page+"/"+given+"/skip", url.Values{"reason": {"the file is lost"}}, http.StatusSeeOther)
		in.post(t, viewers["operator"], page+"/"+given+"/skip", url.Values{"reason": {"twice"}}, http.StatusNotFound)
		in.settle(t)
		if got := sums(); got.Failed != 0 || got.Skipped != 1 || got.Made != len(exported)+2 {
			t.Errorf("the sums are %+v", got)
		}
		var reason string
		must(t, in.DB.Reader.QueryRowContext(ctx, `select reason from sunset_exports where run = $1`, given).Scan(&reason), "read reason")
		if reason != "the file is lost" {
			t.Errorf("the reason is %q", reason)
		}
		in.unreadable(t, failing[1], false)
		in.shows(t, viewers["operator"], "/operator/sunsets/the-end", "given up", "the owner was leaving")
		_, err := in.DB.Writer.ExecContext(ctx, `delete from sunset_exports where run = $1`, given) // as when the account goes
		must(t, err, "forget for whom it was to be")
		in.travel(t, 2)
		in.wantRun(t, s.Run, exit.RunSealed)
		in.wantRun(t, given, exit.RunSealed)
		if file := value[[]byte](t, "read certificate")(in.Leave.Certificate(ctx, s.Run)); !strings.Contains(string(file), `"skipped": 1,`) {
			t.Errorf("the certificate does not count what was given up:\n%s", file)
		}
	})
}

// unreadable has every packing of an account fail, at a date that JSON cannot hold, and ends that.
func (in *install) unreadable(t *testing.T, account who.ID, broken bool) {
	t.Helper()
	created := int64(1)
	if broken {
		created = 300_000_000_000_000 // in the year 11476
	}
	_, err := in.DB.Writer.ExecContext(t.Context(), `update accounts set created_at = $2 where id = $1`, int64(account), created)
	must(t, err, "change account")
}

// post sends a form and asks for an answer.
func (in *install) post(t *testing.T, v who.Viewer, path string, form url.Values, code int) {
	t.Helper()
	w := in.asForm(t, v, path, form)
	if w.Code != code {
		t.Errorf("POST %s with %v: %d, want %d", path, form, w.Code, code)
	}
}

// TestKeptLonger postpones an ending whose archives are made: they are kept as long as the later calendar says.
func TestKeptLonger(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in = shipped(t, in)
		viewers, _ := square(t, in)
		src := sunsetFile(value[time.Time](t, "read clock")(in.DB.Now(ctx)), "circle")
		s := in.endBy(t, src, "")
		in.travel(t, 40)
		before := in.made(t, viewers["writer"].Account)["circle"]
		link := value[string](t, "make link")(in.Sunsets.Link(ctx, viewers["writer"].Account, before.Run))
		later := strings.Replace(string(src), "title:", "late_requests: "+s.Calendar.Late.AddDate(0, 0, 60).Format(time.DateOnly)+"\ntitle:", 1)
		next := in.endBy(t, []byte(later), "more time")
		in.travel(t, 1)
		in.fetch(t, viewers["writer"], before)
		must(t, in.DB.Move(ctx, next.Calendar.Late.Add(-24*time.Hour)), "go on to the last day")
		in.settle(t)
		in.fetch(t, viewers["writer"], before)
		if w := in.as(t, who.Viewer{}, "GET", link); w.Code != http.StatusOK {
			t.Errorf("a link that was made before the postponement answers %d", w.Code)
		}
		must(t, in.DB.Move(ctx, next.Calendar.Late.Add(time.Hour)), "go on past it")
		in.settle(t)
		if w := in.as(t, viewers["writer"], "GET", href(before)); w.Code != http.StatusNotFound {
			t.Errorf("an archive that is no longer kept answers %d", w.Code)
		}
		var n int
		must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from exit_runs where journey = 'take-along' and part = 'circle'`).Scan(&n), "count runs")
		if want := len(exported) + 2; n != want {
			t.Errorf("%d archives of the circles were asked for, want %d: no one twice", n, want)
		}
	})
}

// TestWaitsForOwners has somebody pack something of their own while everybody's archives are made: the longer that takes, the more seldom is it asked for.
func TestWaitsForOwners(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		viewers, _ := square(t, in)
		s := in.endIn(t, "circle")
		begin := s.Calendar.At(exit.ReadOnly)
		must(t, in.DB.Move(ctx, begin.Add(-time.Hour)), "go on")
		run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(viewers["busy"].Account, "circle"), Journey: exit.TakeAlong})
		_, err := in.DB.Writer.ExecContext(ctx, `update exit_steps set due = due + 8640000000 where run = $1 and act = 'pack'`, run.ID)
		must(t, err, "hold it up")
		for _, x := range []struct{ after, again time.Duration }{{0, 200 * time.Millisecond}, {20 * time.Second, 2 * time.Second}, {time.Hour, 5 * time.Second}} {
			must(t, in.DB.Move(ctx, begin.Add(x.after)), "go on")
			in.settle(t)
			if got := in.due(t, s.Run)["pack:sunset"].Sub(begin.Add(x.after)); got < x.again-200*time.Millisecond || got > x.again+2*time.Second { // PostgreSQL's clock goes on meanwhile
				t.Errorf("%s later it is asked again after %s, want %s", x.after, got, x.again)
			}
		}
		if sums := value[sunset.Exports](t, "count")(in.Sunsets.ExportsOf(ctx, s.ID)); sums.Waiting != 1 || sums.Made != len(exported)+2 {
			t.Errorf("the sums are %+v", sums)
		}
	})
}

// TestOwnArchiveComesSoon has one person ask for their own archive while everybody's are made by one worker, and counts how many go first.
func TestOwnArchiveComesSoon(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in.crowd(t, 200)
		me := in.member(t, "impatient")
		s := in.endIn(t, "circle")
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly)), "go on")
		made := func() (n int) {
			t.Helper()
			must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from exports where state = 'done'`).Scan(&n), "count archives")
			return n
		}
		in.workUntil(t, func() bool { return made() >= 20 })
		run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(me.Account, "page"), Journey: exit.TakeAlong})
		before := made()
		var done bool
		in.workUntil(t, func() bool {
			list := value[[]leave.Export](t, "read archives")(in.Leave.Exports(ctx, me.Account))
			done = slices.ContainsFunc(list, func(e leave.Export) bool { return e.Run == run.ID && e.State == "done" })
			return done
		})
		if ahead := made() - before - 1; ahead > 80 {
			t.Errorf("%d of everybody's archives went first, want 80 at most: those that were under way", ahead)
		}
		if left := 200 - made(); left < 60 {
			t.Errorf("only %d archives were still to be made then: the test has shown nothing", left)
		}
	})
}

// workUntil has one worker do one step after the other until something holds. Whoever waits lets a little time pass.
func (in *install) workUntil(t *testing.T, holds func() bool) {
	t.Helper()
	for idle := 0; !holds(); {
		n, err := in.Engine.Work(t.Context(), 1)
		must(t, err, "work")
		if n > 0 {
			idle = 0
			continue
		}
		if idle++; idle > 100 {
			t.Fatal("nothing is due, and it does not hold")
		}
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		must(t, in.DB.Move(t.Context(), now.Add(200*time.Millisecond)), "let time pass")
	}
}

// TestLeaverMidway has accounts closed, at once and with a term, between the asking for everybody's archive and the packing: none of them is a failure, and the ending goes on.
func TestLeaverMidway(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in = shipped(t, in)
		in.Engine.Tries = 1
		viewers, ring := square(t, in)
		s := in.endIn(t, "circle")
		in.travel(t, 30)
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly)), "go on to the instant")
		asked := func() (n int) {
			t.Helper()
			must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from sunset_exports where state = 'asked'`).Scan(&n), "count archives")
			return n
		}
		in.workUntil(t, func() bool { return asked() > len(exported) })
		if left := asked(); left != len(exported)+3 {
			t.Fatalf("%d archives were asked for, want %d", left, len(exported)+3)
		}
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(viewers["writer"].Account, ""), Journey: exit.Close, Now: true})
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(viewers["late"].Account, ""), Journey: exit.Close})
		for _, x := range []struct{ name, role string }{{"owner", "member"}, {"busy", "owner"}} { // the circle is handed on
			_, err := in.DB.Writer.ExecContext(ctx, `update circle_members set role = $1 where circle_id = $2 and account_id = $3`, x.role, int64(ring), int64(viewers[x.name].Account))
			must(t, err, "hand on")
		}
		in.settle(t)
		in.wantState(t, "writer", viewers["writer"].Account, "")
		in.travel(t, 60)
		in.wantState(t, "late", viewers["late"].Account, "")
		if got := value[sunset.Exports](t, "count")(in.Sunsets.ExportsOf(ctx, s.ID)); got.Failed+got.Asked+got.Waiting != 0 || got.Made < len(exported)+1 {
			t.Errorf("the sums are %+v", got)
		}
		if _, ok := in.made(t, viewers["busy"].Account)["circle:"+ring.String()+"/whole"]; !ok {
			t.Error("who owns the circle by now has no archive of it")
		}
		var open int
		must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from exit_steps where act = 'pack' and state not in ('verified', 'cancelled')`).Scan(&open), "count steps")
		if open != 0 {
			t.Errorf("%d steps of packing are not ended", open)
		}
		in.travel(t, 250)
		in.wantRun(t, s.Run, exit.RunSealed)
	})
}

package server_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// reasons counts an account's veils and freezes.
func (in *install) reasons(t *testing.T, v who.Viewer) (n int) {
	t.Helper()
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from reasons where account_id = $1`, int64(v.Account)).Scan(&n), "count reasons")
	return n
}

// journey agrees a journey of an account, narrowed to a part of it.
func (in *install) journey(t *testing.T, v who.Viewer, part string, j exit.Journey) exit.Run {
	t.Helper()
	return in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, part), Journey: j})
}

// TestCircleThenServiceThenAll closes one circle, the service around it, and all of the account, and comes back in between.
func TestCircleThenServiceThenAll(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		owner, v := in.member(t, "hostone"), in.member(t, "partone")
		var circles []who.ID
		for _, name := range []string{"first circle", "second circle"} {
			circles = append(circles, value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), owner, circle.Draft{Name: name, Mode: circle.Open})))
		}
		write := func(c who.ID) error {
			_, err := in.Posts.Write(t.Context(), v, post.Draft{Service: circle.Name, Place: c, Text: "partonewroteit there"})
			return err
		}
		enter := func(c who.ID) {
			t.Helper()
			_, err := in.Circles.Join(t.Context(), v, c)
			must(t, err, "join circle")
			must(t, write(c), "write in circle")
		}
		enter(circles[0])
		enter(circles[1])

		place := circle.Name + ":" + circles[0].String()
		one := in.journey(t, v, place, exit.Close)
		if err := write(circles[0]); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("writing where one is leaving: error %v, want Unavailable", err)
		}
		must(t, write(circles[1]), "write in the other circle")
		in.travel(t, 40)
		in.wantRun(t, one.ID, exit.RunSealed)
		in.wantState(t, "who left a circle", v.Account, who.Active)
		if n := in.reasons(t, v); n != 0 {
			t.Errorf("%d veils and freezes are left of a circle that was left", n)
		}
		enter(circles[0])

		in.journey(t, v, place, exit.Close)
		in.journey(t, v, circle.Name, exit.Close)
		in.journey(t, v, circle.Name, exit.Cancel)
		must(t, write(circles[1]), "write after a cancel")
		if err := write(circles[0]); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("the circle's own closing fell with the service's: error %v, want Unavailable", err)
		}
		service := in.journey(t, v, circle.Name, exit.Close)
		in.travel(t, 40)
		in.wantRun(t, service.ID, exit.RunSealed)
		if n := in.reasons(t, v); n != 0 {
			t.Errorf("%d veils and freezes are left of a service that was left", n)
		}
		enter(circles[1])

		last := in.journey(t, v, circle.Name, exit.Close)
		all := in.journey(t, v, "", exit.Close)
		in.wantState(t, "who is leaving", v.Account, who.Closing)
		in.travel(t, 40)
		for _, r := range []exit.Run{last, all} {
			in.wantRun(t, r.ID, exit.RunSealed)
			in.wantCertificate(t, r.ID)
		}
		in.wantNone(t, v, "partonewroteit")
		in.wantState(t, "who stays", owner.Account, who.Active)
	})
}

// TestSleepCloseCancelWake sleeps, closes while asleep, cancels and wakes: each undoes its own alone.
func TestSleepCloseCancelWake(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "sleepone")
		want := func(state who.State, reasons int) {
			t.Helper()
			in.wantState(t, v.Name, v.Account, state)
			if n := in.reasons(t, v); n != reasons {
				t.Errorf("%d veils and freezes, want %d", n, reasons)
			}
		}
		in.journey(t, v, "", exit.Hibernate)
		want(who.Hibernating, 2)
		in.journey(t, v, "", exit.Close)
		want(who.Closing, 4)
		in.journey(t, v, "", exit.Wake)
		want(who.Closing, 2)
		in.journey(t, v, "", exit.Cancel)
		want(who.Active, 0)
		in.journey(t, v, "", exit.Hibernate)
		in.journey(t, v, "", exit.Close)
		in.travel(t, 10)
		want(who.Closed, 4)
		in.journey(t, v, "", exit.Return)
		want(who.Hibernating, 2)
		in.journey(t, v, "", exit.Wake)
		want(who.Active, 0)
		in.journey(t, v, "", exit.Hibernate)
		run := in.journey(t, v, "", exit.Close)
		in.travel(t, 40)
		in.wantRun(t, run.ID, exit.RunSealed)
		in.wantNone(t, v)
	})
}

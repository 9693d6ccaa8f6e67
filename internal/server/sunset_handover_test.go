package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
)

// TestHandOverByPhase offers a circle, takes an offer back, and accepts one, in every phase of an ending: it works until the stop, as the closing does that may wait
// for it.
func TestHandOverByPhase(t *testing.T) {
	for _, ends := range []string{"circle", "one circle", "install"} {
		t.Run(ends, func(t *testing.T) { eachInstall(t, func(t *testing.T, in *install) { wantHandedOver(t, in, ends) }) })
	}
}

func wantHandedOver(t *testing.T, in *install, ends string) {
	t.Helper()
	ctx := t.Context()
	owner, heir := in.signUp(t, "ownerone"), in.signUp(t, "heirone")
	ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: "one ring", Mode: circle.Open}))
	start := value[time.Time](t, "read clock")(in.DB.Now(ctx)).Truncate(24 * time.Hour)
	if ends == "one circle" {
		ends = "circle:" + ring.String()
	}
	in.publish(t, allPhases(start, ends))
	for _, p := range phasesOfAll[:len(phasesOfAll)-1] {
		in.begins(t, start, p.word)
		if err := in.Circles.OfferTo(ctx, owner, ring, heir.Name); p.word == exit.Stopped {
			if exit.KindOf(err) != exit.Forbidden && exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s: a circle is offered: %v", p.word, err)
			}
			break
		} else {
			must(t, err, p.word+": offer")
		}
		must(t, in.Circles.Withdraw(ctx, owner, ring), p.word+": take the offer back")
		must(t, in.Circles.OfferTo(ctx, owner, ring, heir.Name), p.word+": offer again")
		offers := value[[]circle.Offer](t, "read offers")(in.Circles.Offers(ctx, heir, 0, 10))
		if len(offers) != 1 {
			t.Fatalf("%s: %d offers", p.word, len(offers))
		}
		value[who.ID](t, p.word+": accept")(in.Circles.Take(ctx, heir, offers[0].ID))
		if _, m, err := in.Circles.Circle(ctx, heir, ring); err != nil || m.Role != circle.Owner {
			t.Errorf("%s: the heir is %q of it, %v", p.word, m.Role, err)
		}
		owner, heir = heir, owner
	}
}

// TestHeirHasTheWhole hands a circle on in read-only, when everybody's archive was made already: the heir gets all of the circle too, and a co-owner has it from the
// beginning.
func TestHeirHasTheWhole(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in = shipped(t, in)
		viewers, ring := square(t, in)
		owner, co, heir := viewers["owner"], viewers["late"], viewers["writer"]
		must(t, in.Circles.Appoint(ctx, owner, ring, co.Account, circle.CoOwner), "appoint")
		in.endIn(t, "circle")
		in.travel(t, 40)
		whole := "circle:" + ring.String() + "/whole"
		has := func(v who.Viewer) bool {
			t.Helper()
			e, ok := in.made(t, v.Account)[whole]
			if ok {
				in.verified(t, e)
			}
			return ok
		}
		if !has(owner) || !has(co) || has(heir) {
			t.Fatalf("before: owner %v, co-owner %v, heir %v", has(owner), has(co), has(heir))
		}
		must(t, in.Circles.OfferTo(ctx, owner, ring, heir.Name), "offer")
		value[who.ID](t, "accept")(in.Circles.Take(ctx, heir, value[[]circle.Offer](t, "read offers")(in.Circles.Offers(ctx, heir, 0, 10))[0].ID))
		in.travel(t, 1)
		if !has(heir) {
			t.Errorf("the heir has no archive of the circle: %v", in.made(t, heir.Account))
		}
	})
}

// TestErasureWaitsForTheHeir hands a circle on shortly before the stop, when everybody's archive was made: nothing is erased until the heir's is made, too, or given up.
func TestErasureWaitsForTheHeir(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in = shipped(t, in)
		in.Engine.Tries = 1
		viewers, ring := square(t, in)
		owner, heir := viewers["owner"], viewers["writer"]
		now := value[time.Time](t, "read clock")(in.DB.Now(ctx))
		s := in.endBy(t, fmt.Appendf(sunsetFile(now, circle.Name), "late_requests: %s\n", now.AddDate(0, 0, 300).Format(time.DateOnly)), "")
		in.travel(t, 210)
		in.unreadable(t, heir.Account, true)
		must(t, in.Circles.OfferTo(ctx, owner, ring, heir.Name), "offer")
		value[who.ID](t, "accept")(in.Circles.Take(ctx, heir, value[[]circle.Offer](t, "read offers")(in.Circles.Offers(ctx, heir, 0, 10))[0].ID))
		in.settle(t)
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.Erased).Add(24*time.Hour)), "go on")
		in.settle(t)
		if run, _, err := in.DB.Runs.Load(ctx, s.Run); err != nil || run.State != exit.RunOpen {
			t.Errorf("with the heir's archive open the run is %s (%v)", run.State, err)
		}
		if n := in.count(t, `select count(*) from posts where service = 'circle'`); n == 0 {
			t.Error("the posts are gone")
		}
		list := value[[]sunset.FailedExport](t, "read")(in.Sunsets.FailedExports(ctx, s.ID, 0, 10))
		if len(list) != 1 || list[0].Account != heir.Account {
			t.Fatalf("not made are %+v", list)
		}
		in.unreadable(t, heir.Account, false)
		must(t, in.Leave.Retry(ctx, list[0].Run, string(exit.ActPack)), "try again")
		in.travel(t, 2)
		in.wantRun(t, s.Run, exit.RunSealed)
		if e, ok := in.made(t, heir.Account)["circle:"+ring.String()+"/whole"]; !ok || !strings.Contains(in.verified(t, e), "circle") {
			t.Errorf("the heir has %v", in.made(t, heir.Account))
		}
	})
}

package server_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/residue"
	"exeunt/internal/sunset"
	"exeunt/internal/talk"
	"exeunt/internal/who"
	"exeunt/ledger"
)

// endingCircle is an install with a circle in which something was written, whose service is to end.
type endingCircle struct {
	in      *install
	members []who.Viewer
	circle  who.ID
	src     []byte
}

// toEnd makes the install and its calendar: read-only after 31 days, stopped after 214, erased after 245.
func toEnd(t *testing.T, in *install) *endingCircle {
	t.Helper()
	ctx := t.Context()
	e := &endingCircle{in: in, members: []who.Viewer{in.member(t, "ownerone"), in.member(t, "memberone")}}
	e.circle = value[who.ID](t, "make circle")(in.Circles.Create(ctx, e.members[0], circle.Draft{Name: "circleofthem", Mode: circle.Open}))
	_, err := in.Circles.Join(ctx, e.members[1], e.circle)
	must(t, err, "join circle")
	id, err := in.Posts.Write(ctx, e.members[1], post.Draft{
		Service: "circle", Place: e.circle, Text: "saidincircle", Images: []post.Upload{{Open: opens(picture(9)), Alt: "drawnincircle"}},
	})
	must(t, err, "write post")
	_, err = in.Talk.Comment(ctx, e.members[0], who.Ref{Kind: "post", ID: id}, talk.Draft{Text: "answeredincircle"})
	must(t, err, "comment")
	now := value[time.Time](t, "read clock")(in.DB.Now(ctx))
	e.src = sunsetFile(now, "circle")
	return e
}

// publishSunset publishes a calendar as it is previewed.
func (in *install) publishSunset(t *testing.T, src []byte, why string) sunset.Sunset {
	t.Helper()
	_, plan, err := in.Sunsets.Preview(t.Context(), src)
	must(t, err, "preview")
	s, err := in.Sunsets.Publish(t.Context(), src, plan.Hash(), why)
	must(t, err, "publish")
	in.settle(t)
	return s
}

// later gives the calendar with its last two dates moved by days.
func (e *endingCircle) later(t *testing.T, days int) []byte {
	t.Helper()
	cal, err := exit.ParseSunset(e.src)
	must(t, err, "read calendar")
	src := e.src
	for _, word := range []string{exit.Erased, exit.Stopped} { // the later one first, so that neither is moved twice
		at := cal.At(word)
		src = bytes.ReplaceAll(src, []byte(word+": "+at.Format(time.DateOnly)), []byte(word+": "+at.AddDate(0, 0, days).Format(time.DateOnly)))
	}
	return src
}

// wantWriting asks whether somebody may write in the circle of a restored install.
func (e *endingCircle) wantWriting(t *testing.T, in *install, allowed bool) {
	t.Helper()
	_, err := in.Posts.Write(t.Context(), e.members[1], post.Draft{Service: "circle", Place: e.circle, Text: "writtenafterwards"})
	if kind := exit.KindOf(err); allowed != (err == nil) || !allowed && kind != exit.Forbidden && kind != exit.NotFound {
		t.Errorf("writing after the restore: error %v, want it allowed: %v", err, allowed)
	}
}

// wantErased searches for what was in the circle, and asks that nothing else has gone.
func (e *endingCircle) wantErased(t *testing.T, in *install) {
	t.Helper()
	for _, text := range []string{"saidincircle", "drawnincircle", "answeredincircle", "circleofthem"} {
		r, err := residue.Search(t.Context(), in.DB, in.Blobs, text)
		must(t, err, "search residue")
		for _, f := range r.Finds {
			if strings.Contains(f.Where, "/archives/") {
				continue // here archives are kept for years
			}
			t.Errorf("%q is left in %s (%d)", text, f.Where, f.Count)
		}
	}
	for _, v := range e.members {
		in.wantState(t, v.Name, v.Account, who.Active)
		if list, err := in.Posts.ByAuthor(t.Context(), v, v.Account, post.Cursor{}, 10); err != nil || len(list) == 0 {
			t.Errorf("%s has %d posts on their own page (%v)", v.Name, len(list), err)
		}
	}
}

// phases gives when each phase of the sunset began, by word.
func (in *install) phases(t *testing.T, s sunset.Sunset) map[string]time.Time {
	t.Helper()
	c, err := in.Sunsets.Certified(t.Context(), exit.Run{ID: s.Run})
	must(t, err, "read phases")
	out := map[string]time.Time{}
	for _, p := range c.Phases {
		out[p.Word] = p.Real
	}
	return out
}

// wantEnded asks for the same end as on the install of which the backup was made.
func (e *endingCircle) wantEnded(t *testing.T, restored *install, s sunset.Sunset, file []byte) {
	t.Helper()
	e.wantErased(t, restored)
	restored.wantRun(t, s.Run, exit.RunSealed)
	is, err := restored.Leave.Certificate(t.Context(), s.Run)
	if err != nil || !bytes.Equal(is, file) {
		t.Errorf("the certificate is another one (%v)", err)
	}
	was, err := e.in.Sunsets.Named(t.Context(), s.Name)
	must(t, err, "read sunset")
	got, err := restored.Sunsets.Named(t.Context(), s.Name)
	if err != nil || got.State != "ended" || !got.Ended.Equal(was.Ended) || got.Version != was.Version || got.Run != was.Run {
		t.Errorf("the sunset is %+v (%v), was %+v", got, err, was)
	}
	e.wantWriting(t, restored, false)
	restored.replayAgain(t)
}

// TestRestoreOfSunset restores backups that are older than what was published, stopped or erased since: what was published holds again as of its day before
// anything is served, what was erased is erased again for everybody, and the certificate is the same file.
func TestRestoreOfSunset(t *testing.T) {
	for _, x := range []struct {
		name   string
		backup int // days after the publishing; -1 is before it
		days   int // until the restore, from the publishing on
		anew   bool
	}{
		{"backup before publishing, restored in cooling-off", -1, 10, true},
		{"backup before publishing, restored when read-only", -1, 60, true},
		{"backup before publishing, restored after the stop", -1, 220, true},
		{"backup before publishing, restored after the end", -1, 250, true},
		{"backup before the stop, restored after the end", 60, 250, false},
		{"backup before the erasure, restored after the end", 220, 250, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				e := toEnd(t, in)
				var dir string
				if x.backup < 0 {
					dir = in.save(t)
				}
				s := in.publishSunset(t, e.src, "")
				if x.backup >= 0 {
					in.travel(t, x.backup)
					dir = in.save(t)
				}
				in.travel(t, x.days-max(0, x.backup))
				restored := in.restore(t, dir, x.days-max(0, x.backup))
				done, err := restored.Leave.Replay(t.Context())
				must(t, err, "replay")
				if (done.Sunsets == 1) != x.anew || done.Sunsets > 1 {
					t.Errorf("replayed %+v, want the calendar published again: %v", done, x.anew)
				}
				if x.days > 245 {
					if done.Items == 0 || done.Certificates != 1 {
						t.Errorf("replayed %+v, want erasures and a certificate", done)
					}
					restored.settle(t)
					e.wantEnded(t, restored, s, value[[]byte](t, "read certificate")(in.Leave.Certificate(t.Context(), s.Run)))
					return
				}
				e.goesOn(t, restored, s, x.days)
			})
		})
	}
}

// goesOn asks that a restored install is where the other one is, and has the days pass to the end there.
func (e *endingCircle) goesOn(t *testing.T, restored *install, s sunset.Sunset, days int) {
	t.Helper()
	e.wantWriting(t, restored, days < 31)
	if n := restored.count(t, `select count(*) from shut where scope = 'circle'`); (n == 1) != (days >= 214) {
		t.Errorf("out of sight: %d", n)
	}
	if got, want := restored.due(t, s.Run), e.in.due(t, s.Run); got["erase:circle.members"].IsZero() || !got["erase:circle.members"].Equal(want["erase:circle.members"]) {
		t.Errorf("members are erased at %v, want %v", got["erase:circle.members"], want["erase:circle.members"])
	}
	for word, want := range e.in.phases(t, s) {
		if got := restored.phases(t, s)[word]; !got.Equal(want) {
			t.Errorf("%s began at %v, want %v", word, got, want)
		}
	}
	restored.replayAgain(t)
	restored.travel(t, 250-days)
	restored.wantRun(t, s.Run, exit.RunSealed)
	r := restored.wantCertificate(t, s.Run)
	if r.Certificate.Sunset == nil || r.Certificate.Sunset.Archives.Made != 3 {
		t.Errorf("the certificate made after the restore says %+v", r.Certificate.Sunset)
	}
	e.wantErased(t, restored)
	restored.replayAgain(t)
}

// TestRestoreOfWithdrawnSunset restores backups in which a sunset holds, or was not yet published, that was withdrawn since: it stays withdrawn, and what was
// published after it holds.
func TestRestoreOfWithdrawnSunset(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("backup before publishing %v", early), func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				e := toEnd(t, in)
				var dir string
				if early {
					dir = in.save(t)
				}
				first := in.publishSunset(t, e.src, "")
				in.travel(t, 40)
				if !early {
					dir = in.save(t)
				}
				must(t, in.Sunsets.Withdraw(t.Context(), first.Name), "withdraw")
				in.settle(t)
				withdrawn, err := in.Sunsets.Named(t.Context(), first.Name)
				must(t, err, "read sunset")
				days := map[bool]int{true: 40, false: 0}[early]

				restored := in.restore(t, dir, days)
				done, err := restored.Leave.Replay(t.Context())
				if err != nil || done.Undone != 1 {
					t.Fatalf("replayed %+v (%v), want 1 undone", done, err)
				}
				got, err := restored.Sunsets.Named(t.Context(), first.Name)
				if err != nil || got.State != "withdrawn" || !got.Ended.Equal(withdrawn.Ended) {
					t.Errorf("the sunset is %+v (%v), was %+v", got, err, withdrawn)
				}
				e.wantWriting(t, restored, true)
				restored.replayAgain(t)

				now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
				second := in.publishSunset(t, bytes.Replace(sunsetFile(now, "circle"), []byte("the-end"), []byte("another-end"), 1), "")
				again := in.restore(t, dir, days+1)
				if done, err := again.Leave.Replay(t.Context()); err != nil || done.Undone != 1 || done.Sunsets == 0 {
					t.Fatalf("replayed %+v (%v), want 1 undone and what was published since", done, err)
				}
				again.wantRun(t, second.Run, exit.RunOpen)
				e.wantWriting(t, again, true)
				again.replayAgain(t)
			})
		})
	}
}

// TestRestoreOfPostponedSunset restores a backup from before a calendar and its extension: both versions are there again, with the reason, and the
// certificate tells of both.
func TestRestoreOfPostponedSunset(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		e := toEnd(t, in)
		dir := in.save(t)
		first := in.publishSunset(t, e.src, "")
		in.travel(t, 40)
		second := in.publishSunset(t, e.later(t, 30), "not everybody has\ntheirs  yet")
		in.travel(t, 10)

		restored := in.restore(t, dir, 50)
		done, err := restored.Leave.Replay(t.Context())
		if err != nil || done.Sunsets != 2 {
			t.Fatalf("replayed %+v (%v), want 2 calendars", done, err)
		}
		restored.wantRun(t, first.Run, exit.RunCancelled)
		restored.wantRun(t, second.Run, exit.RunOpen)
		e.wantWriting(t, restored, false)
		restored.replayAgain(t)
		for _, each := range []*install{in, restored} {
			each.travel(t, 240)
			each.wantRun(t, second.Run, exit.RunSealed)
			wantPostponed(t, each.wantCertificate(t, second.Run), 30)
		}
	})
}

func wantPostponed(t *testing.T, r ledger.Report, days int) {
	t.Helper()
	s := r.Certificate.Sunset
	if s == nil || len(s.Versions) != 2 || s.Versions[1].Reason != "not everybody has theirs yet" || s.Versions[0].File == s.Versions[1].File {
		t.Fatalf("the certificate says %+v", s)
	}
	for _, p := range s.Phases {
		moved := p.Last.Sub(p.First)
		if late := p.Word == exit.Stopped || p.Word == exit.Erased; late && moved != time.Duration(days)*24*time.Hour || !late && moved != 0 {
			t.Errorf("%s was moved by %v", p.Word, moved)
		}
	}
}

// TestRestoreOfEndedInstall restores a backup of an install that has ended since: nobody is there again, and the certificate is the same file.
func TestRestoreOfEndedInstall(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		e := toEnd(t, in)
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		s := in.publishSunset(t, sunsetFile(now, "install"), "")
		in.travel(t, 60)
		dir := in.save(t)
		in.travel(t, 190)
		file := value[[]byte](t, "read certificate")(in.Leave.Certificate(t.Context(), s.Run))

		restored := in.restore(t, dir, 190)
		done, err := restored.Leave.Replay(t.Context())
		if err != nil || done.Items == 0 || done.Certificates != 1 {
			t.Fatalf("replayed %+v (%v), want erasures and a certificate", done, err)
		}
		for _, v := range e.members {
			restored.wantState(t, v.Name, v.Account, "")
			restored.wantNone(t, v, "saidincircle", v.Name+"wroteit")
		}
		restored.wantRun(t, s.Run, exit.RunSealed)
		if is, err := restored.Leave.Certificate(t.Context(), s.Run); err != nil || !bytes.Equal(is, file) {
			t.Errorf("the certificate is another one (%v)", err)
		}
		restored.settle(t)
		restored.replayAgain(t)
	})
}

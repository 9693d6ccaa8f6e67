package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/clock"
	"exeunt/internal/dbtest"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/residue"
	"exeunt/internal/server"
	"exeunt/internal/talk"
	"exeunt/internal/who"
	"exeunt/ledger"
	"exeunt/policies"
)

// circlesCalendar are the instants of the calendar of 2021.
type circlesCalendar struct{ announced, readOnly, stopped, erased time.Time }

// circlesIn2021 gives the calendar of 微信圈子: the dates of the notice of 28 May 2021, and our own day of erasure.
func circlesIn2021(t *testing.T) ([]byte, circlesCalendar) {
	t.Helper()
	src, ok := policies.Sunset("wechat-circles")
	if !ok {
		t.Fatal("the calendar of 2021 is not among the policies")
	}
	zone := value[*time.Location](t, "load zone")(time.LoadLocation("Asia/Shanghai"))
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	return src, circlesCalendar{day(2021, time.May, 28), day(2021, time.June, 28), day(2021, time.December, 28), day(2022, time.January, 28)}
}

// community is a thousand people in a few circles, each of whom has written something.
type community struct {
	in      *install
	members []who.Viewer
	circles []who.ID
	posts   []who.ID
	rng     *rand.Rand
}

// The size of the community.
const (
	communityMembers  = 1000
	communityCircles  = 8
	communityPictures = 10
	communityBatch    = 50 // accounts in a transaction: on a real install each has its own
)

// text gives a text that is found nowhere else.
func (c *community) text(what string, n int) string {
	return fmt.Sprintf("%s第%d篇zq%dzq", what, n, n)
}

// gather makes the community, by the rooms.
func gather(t *testing.T, in *install) *community {
	t.Helper()
	c := &community{in: in, rng: rand.New(rand.NewPCG(2021, 528))}
	for first := 0; first < communityMembers; first += communityBatch {
		must(t, in.DB.Update(t.Context(), func(ctx context.Context) error {
			for i := first; i < first+communityBatch; i++ {
				if err := c.arrive(ctx, i); err != nil {
					return fmt.Errorf("member %d: %w", i, err)
				}
			}
			return nil
		}), "gather members")
	}
	for i := 0; i < communityMembers; i += communityMembers / communityPictures { // files are put before what refers to them, outside of any transaction
		d := post.Draft{Service: "circle", Place: c.circles[0], Text: c.text("照片", i), Images: []post.Upload{{Open: opens(picture(uint8(i / 100))), Alt: c.text("图片", i)}}}
		if i >= communityCircles {
			_, err := in.Circles.Join(t.Context(), c.members[i], c.circles[0])
			must(t, err, "join circle")
		} else {
			d.Place = c.circles[i]
		}
		_, err := in.Posts.Write(t.Context(), c.members[i], d)
		must(t, err, "write post with a picture")
	}
	in.settle(t)
	return c
}

// arrive has somebody sign up, join a circle or make one, write in it, and answer.
func (c *community) arrive(ctx context.Context, i int) error {
	in := c.in
	made, err := in.Accounts.CreateAccount(ctx, fmt.Sprintf("quanyou%d", i), "personal", password)
	if err != nil {
		return err
	}
	v := who.Viewer{Person: made.Person, Account: made.Account, Name: fmt.Sprintf("quanyou%d", i), State: who.Active}
	c.members = append(c.members, v)
	var place who.ID
	if i < communityCircles {
		if place, err = in.Circles.Create(ctx, v, circle.Draft{Name: fmt.Sprintf("读书会%d", i), Rules: c.text("规则", i), Category: "reading", Mode: circle.Open}); err != nil {
			return err
		}
		c.circles = append(c.circles, place)
	} else {
		place = c.circles[c.rng.IntN(len(c.circles))]
		if _, err = in.Circles.Join(ctx, v, place); err != nil {
			return err
		}
	}
	id, err := in.Posts.Write(ctx, v, post.Draft{Service: "circle", Place: place, Text: c.text("帖子", i)})
	if err != nil {
		return err
	}
	c.posts = append(c.posts, id)
	if i%2 == 1 {
		_, err = in.Talk.Comment(ctx, v, who.Ref{Kind: "post", ID: id}, talk.Draft{Text: c.text("评论", i)})
	}
	return err
}

// until has the days pass up to an instant, less a second, with all that is due done.
func (in *install) until(t *testing.T, at time.Time) {
	t.Helper()
	now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
	if by := at.Add(-2 * time.Second).Sub(now); by > 0 {
		must(t, in.Travel(t.Context(), by, still), "travel to "+at.String())
	}
}

// moveTo sets the clock, and has nothing done.
func (in *install) moveTo(t *testing.T, at time.Time) {
	t.Helper()
	now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
	if at.After(now) {
		must(t, in.DB.Move(t.Context(), at), "move clock")
	}
}

// count counts rows.
func (in *install) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	must(t, in.DB.Reader.QueryRowContext(t.Context(), query, args...).Scan(&n), query)
	return n
}

// TestCircles2021 runs the real calendar of 微信圈子 on a trial install begun on 28 May 2021: writing stops to the second on 28 June, everybody has their archive
// without asking, exports go on until 28 December, and a month later nothing is left but a certificate that verifies by itself.
func TestCircles2021(t *testing.T) {
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		src, dates := circlesIn2021(t)
		dir := t.TempDir()
		in := reopen(t, server.Options{Data: filepath.Join(dir, "data"), Database: address, Host: "exeunt.test", Media: media(t, address), Mail: mailbox{}}, clock.NewFake(dbtest.Start))
		must(t, in.DB.MakeTrial(t.Context(), dates.announced.Add(10*time.Hour)), "begin trial")
		c := gather(t, in)
		_, plan, err := in.Sunsets.Preview(t.Context(), src)
		must(t, err, "preview")
		s, err := in.Sunsets.Publish(t.Context(), src, plan.Hash(), "")
		must(t, err, "publish")

		c.stopsWriting(t, dates.readOnly)
		in.travel(t, 1) // some dozens of archives are under way at a time
		c.wantArchives(t)
		in.until(t, dates.stopped)
		c.wantPage(t, c.circlePath(3), http.StatusOK)
		if _, err := c.take(t, 7); err != nil {
			t.Errorf("taking along on the last day: %v", err)
		}
		in.moveTo(t, dates.stopped)
		in.settle(t)
		c.wantPage(t, c.circlePath(3), http.StatusGone)
		c.wantPage(t, "/sunsets/wechat-circles", http.StatusOK)
		c.wantPage(t, "/sunsets/wechat-circles/certificate", http.StatusNotFound)
		if got := in.count(t, `select count(*) from shut where scope = 'circle'`); got != 1 {
			t.Error("circles are still in sight after the stop")
		}
		if _, err := c.take(t, 8); err != nil {
			t.Errorf("a late request: %v", err)
		}
		if list, err := in.Leave.Exports(t.Context(), c.members[9].Account); err != nil || len(list) == 0 || list[0].State != "done" {
			t.Errorf("archives that can be fetched after the stop: %+v (%v)", list, err)
		}
		in.until(t, dates.erased)
		if got := in.count(t, `select count(*) from posts where service = 'circle'`); got != communityMembers+communityPictures+1 {
			t.Errorf("%d posts are there on the eve of the erasure, want %d", got, communityMembers+communityPictures+1)
		}
		in.travel(t, 3)
		_, err = in.Blobs.Drain(t.Context(), 0) // as the server does while it runs
		must(t, err, "remove what was given up")
		c.wantNothing(t)
		in.wantRun(t, s.Run, exit.RunSealed)
		c.wantPage(t, c.circlePath(3), http.StatusGone)
		file := value[[]byte](t, "read certificate")(in.Leave.Certificate(t.Context(), s.Run))
		if public := c.wantPage(t, "/sunsets/wechat-circles/certificate", http.StatusOK); !bytes.Equal(public, file) {
			t.Error("the certificate that everybody can read is another one")
		}
		c.wantCertificate(t, file, dates)
	})
}

func (c *community) circlePath(i int) string { return "/circles/" + c.circles[i].String() }

// wantPage asks for a page as a member and as a guest, and gives what it says to the guest.
func (c *community) wantPage(t *testing.T, path string, want int) []byte {
	t.Helper()
	var body []byte
	for _, v := range []who.Viewer{c.members[5], {}} {
		w := c.in.as(t, v, http.MethodGet, path)
		if w.Code != want {
			t.Errorf("%s is answered by %d, want %d", path, w.Code, want)
		}
		body = w.Body.Bytes()
	}
	return body
}

// stopsWriting writes in the last second before an instant and at it. No job has to run between the two.
func (c *community) stopsWriting(t *testing.T, at time.Time) {
	t.Helper()
	in := c.in
	write := func() error {
		_, err := in.Posts.Write(t.Context(), c.members[0], post.Draft{Service: "circle", Place: c.circles[0], Text: c.text("最后", 0)})
		return err
	}
	in.until(t, at)
	in.moveTo(t, at.Add(-time.Second))
	must(t, write(), "write at 23:59:59")
	in.moveTo(t, at)
	err := write()
	if exit.KindOf(err) != exit.Forbidden {
		t.Errorf("a write at 00:00:00: error %v, want Forbidden", err)
	}
	for what, err := range map[string]error{
		"comment": func() error {
			_, err := in.Talk.Comment(t.Context(), c.members[1], who.Ref{Kind: "post", ID: c.posts[1]}, talk.Draft{Text: "太晚了"})
			return err
		}(),
		"like": in.Talk.Like(t.Context(), c.members[1], who.Ref{Kind: "post", ID: c.posts[1]}, false),
		"join": func() error { _, err := in.Circles.Join(t.Context(), c.members[1], c.circles[0]); return err }(),
	} {
		if exit.KindOf(err) != exit.Forbidden {
			t.Errorf("a %s at 00:00:00: error %v, want Forbidden", what, err)
		}
	}
	if n := in.count(t, `select count(*) from posts where service = 'circle' and created_at >= $1`, at.UnixMilli()); n != 0 {
		t.Errorf("%d posts carry a time at or after the instant", n)
	}
}

// take has somebody ask for their archive of circles.
func (c *community) take(t *testing.T, i int) (exit.Run, error) {
	t.Helper()
	run, err := c.in.mayAgree(t.Context(), exit.Ask{Subject: leave.SubjectOf(c.members[i].Account, "circle"), Journey: exit.TakeAlong, Pack: leave.Packing{Media: true}.Words()})
	if err != nil {
		return run, err
	}
	c.in.settle(t)
	files, err := c.in.Leave.VolumesOf(t.Context(), run.ID)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("run %s has made no archive", run.ID)
	}
	return run, err
}

// wantArchives asks that everybody has one archive, and every owner their circle as a whole, and opens some of them.
func (c *community) wantArchives(t *testing.T) {
	t.Helper()
	in := c.in
	if n := in.count(t, `select count(*) from sunset_exports where state = 'packed' and part = 'circle'`); n != communityMembers {
		t.Errorf("%d have their archive, want %d", n, communityMembers)
	}
	if n := in.count(t, `select count(*) from sunset_exports where state = 'packed' and part like 'circle:%/whole'`); n != communityCircles {
		t.Errorf("%d circles were packed as a whole, want %d", n, communityCircles)
	}
	if n := in.count(t, `select count(*) from sunset_exports where state <> 'packed'`); n != 0 {
		t.Errorf("%d archives are not packed", n)
	}
	for range 12 {
		v := c.members[c.rng.IntN(len(c.members))]
		list := value[[]leave.Export](t, "list archives")(in.Leave.Exports(t.Context(), v.Account))
		if len(list) == 0 || list[0].State != "done" || len(list[0].Volumes) != 1 {
			t.Errorf("the archives of %s are %+v", v.Name, list)
			continue
		}
		r, err := archive.Verify(t.Context(), in.download(t, list[0].Volumes[0].Key))
		if err != nil || r.Manifest == nil {
			t.Errorf("the archive of %s: %v", v.Name, err)
		}
	}
}

// download gives a file with a blob's content.
func (in *install) download(t *testing.T, key string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "archive.zip")
	from, err := in.Blobs.NewReader(t.Context(), key, 0, -1)
	must(t, err, "open archive")
	to, err := os.Create(name)
	must(t, err, "make file")
	_, err = io.Copy(to, from)
	must(t, err, "copy archive")
	must(t, to.Close(), "close file")
	must(t, from.Close(), "close archive")
	return name
}

// wantNothing searches for what the community left.
func (c *community) wantNothing(t *testing.T) {
	t.Helper()
	in := c.in
	for _, query := range []string{
		`select count(*) from circles`, `select count(*) from circle_members`, `select count(*) from posts where service = 'circle'`,
		`select count(*) from comments where service = 'circle'`, `select count(*) from exports`,
	} {
		if n := in.count(t, query); n != 0 {
			t.Errorf("%s: %d", query, n)
		}
	}
	for _, text := range []string{c.text("帖子", 0), c.text("帖子", 999), c.text("评论", 501), c.text("规则", 3), c.text("图片", 500), c.text("最后", 0), "读书会5"} {
		r, err := residue.Search(t.Context(), in.DB, in.Blobs, text)
		must(t, err, "search residue")
		for _, f := range r.Finds {
			t.Errorf("%q is left in %s (%d)", text, f.Where, f.Count)
		}
	}
	if in.state(t, c.members[17].Account) != who.Active {
		t.Error("with the service an account has gone")
	}
}

// wantCertificate verifies the certificate by the file alone, and compares it with the calendar.
func (c *community) wantCertificate(t *testing.T, file []byte, dates circlesCalendar) {
	t.Helper()
	r, err := ledger.Verify(file, "")
	if err != nil || len(r.Findings) > 0 {
		t.Fatalf("the certificate: %v, findings %v", err, r.Findings)
	}
	if _, err := ledger.Verify(file, c.in.Leave.Key.Verifier()); err != nil {
		t.Errorf("the certificate under the published key: %v", err)
	}
	s := r.Certificate.Sunset
	if !r.Certificate.Trial || s == nil || s.Notice != "wechat-circles" || s.Ends != "circle" || len(s.Versions) != 1 || len(s.Phases) != 5 {
		t.Fatalf("the certificate says %+v", s)
	}
	for i, want := range []time.Time{dates.announced, dates.readOnly, dates.readOnly, dates.stopped, dates.erased} {
		p := s.Phases[i]
		if !p.First.Equal(want) || !p.Last.Equal(want) || p.Real.Before(want) || p.Real.After(want.Add(24*time.Hour)) {
			t.Errorf("%s: first %v, last %v, real %v, want %v", p.Word, p.First, p.Last, p.Real, want)
		}
	}
	if s.Archives.Made != communityMembers+communityCircles || s.Archives.Bytes == 0 || s.Archives.KeptUntil != "2022-01-27" {
		t.Errorf("archives %+v", s.Archives)
	}
	if sums := r.Certificate.Sums; sums.Erased.Items < 3*communityMembers {
		t.Errorf("erased %+v", sums.Erased)
	}
}

package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/talk"
	"exeunt/internal/who"
	"exeunt/ledger"
)

const movedTo = "https://rings.example/hikers"

// ring makes a circle with a member.
func (in *install) ring(t *testing.T, owner, member who.Viewer) who.ID {
	t.Helper()
	id := value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), owner, circle.Draft{Name: "周末徒步", Mode: circle.Open}))
	_, err := in.Circles.Join(t.Context(), member, id)
	must(t, err, "join")
	return id
}

// wantMoved asks as a guest for an address that is gone, and verifies where it says that people went.
func (in *install) wantMoved(t *testing.T, when, path string) {
	t.Helper()
	w := in.look(t, who.Viewer{}, path)
	if body := w.Body.String(); w.Code != http.StatusGone || !strings.Contains(body, "On to the hills") || !strings.Contains(body, `href="`+movedTo+`"`) || !strings.Contains(body, "exeunt statement v1") {
		t.Errorf("%s %s answers %d: %.2000s", when, path, w.Code, body)
	}
}

// stoodIn puts a post with a picture and a comment into a circle, and gives their addresses.
func (in *install) stoodIn(t *testing.T, v who.Viewer, id who.ID) []string {
	t.Helper()
	ctx := t.Context()
	note := value[who.ID](t, "write post")(in.Posts.Write(ctx, v, post.Draft{Service: circle.Name, Place: id, Text: "note", Images: []post.Upload{{Open: opens(picture(9))}}}))
	said := value[who.ID](t, "comment")(in.Talk.Comment(ctx, v, who.Ref{Kind: "post", ID: note}, talk.Draft{Text: "said"}))
	var key string
	must(t, in.DB.Reader.QueryRowContext(ctx, `select key from post_images where post_id = $1`, int64(note)).Scan(&key), "find image")
	return []string{"/posts/" + note.String(), "/talk/comments/" + said.String(), "/media/" + key}
}

// wantMovedJSON asks what machines are told at an address that has stopped.
func (in *install) wantMovedJSON(t *testing.T, path string) {
	t.Helper()
	w := in.look(t, who.Viewer{}, path, "Accept", "application/json")
	var p map[string]any
	must(t, json.Unmarshal(w.Body.Bytes(), &p), "read problem")
	text, _ := p["signed"].(string)
	if w.Code != http.StatusGone || p["farewell"] != "On to the hills" || p["moved_to"] != movedTo || !strings.Contains(text, "exeunt statement v1") || p["archives"] != "http://exeunt.test/exit/archives" {
		t.Errorf("%s tells a machine %d: %v", path, w.Code, p)
	}
}

// TestCircleSaysWhereItWent leaves a farewell in a circle that ends with its service: members are told in read-only, the stop and the erasure leave it to be read, and
// after its term nothing is left.
func TestCircleSaysWhereItWent(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx, owner, member := t.Context(), in.signUp(t, "owner"), in.signUp(t, "member")
		id := in.ring(t, owner, member)
		at := circle.Path(id)
		stood := in.stoodIn(t, owner, id)
		s := in.endIn(t, circle.Name)
		in.travel(t, 40)
		if err := in.Circles.Tell(ctx, owner, id, "a notice"); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("in read-only a notice is put up: %v", err)
		}
		must(t, in.Circles.Bid(ctx, owner, id, "On to the hills", movedTo), "leave a farewell in read-only")
		must(t, in.Circles.OfferMove(ctx, owner, id), "tell members in read-only")
		in.settle(t)
		if n := in.count(t, `select count(*) from notices where account_id = $1 and kind = 'circle_moved'`, int64(member.Account)); n != 1 {
			t.Errorf("the member was told %d times", n)
		}
		if body := in.look(t, member, at).Body.String(); !strings.Contains(body, movedTo) || !strings.Contains(body, "another website") {
			t.Errorf("the circle's page: %.2000s", body)
		}
		in.travel(t, 180)
		in.wantMoved(t, "after the stop", at)
		in.wantMoved(t, "after the stop", at+"/members")
		for _, path := range stood {
			in.wantMoved(t, "after the stop", path)
			in.wantMovedJSON(t, path)
		}
		if err := in.Circles.Bid(ctx, owner, id, "too late", ""); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("after the stop a farewell is left: %v", err)
		}
		in.travel(t, 30)
		in.wantRun(t, s.Run, exit.RunSealed)
		in.wantMoved(t, "after the erasure", at)
		if n := in.count(t, `select count(*) from circle_farewells where account_id is not null`); n != 0 {
			t.Errorf("%d farewells refer to somebody", n)
		}
		w := in.look(t, who.Viewer{}, at+"/moved.txt")
		r, err := ledger.VerifyStatement(w.Body.Bytes(), in.Leave.Key.Verifier())
		if err != nil || r.Statement.What != "exeunt.test"+at || r.Statement.To != movedTo || !r.Statement.Trial || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("the statement: %+v, %v, %q", r, err, w.Body.String())
		}
		file := value[[]byte](t, "read certificate")(in.Leave.Certificate(ctx, s.Run))
		if !strings.Contains(string(file), `"circle_farewell"`) {
			t.Error("the certificate does not name what stays to be read")
		}
		in.travel(t, 370)
		if body := in.look(t, who.Viewer{}, at).Body.String(); strings.Contains(body, movedTo) || strings.Contains(body, "On to the hills") {
			t.Errorf("after its term it is shown still: %.2000s", body)
		}
		if n := in.count(t, `select count(*) from circle_farewells`); n != 0 {
			t.Errorf("after their term %d farewells are left", n)
		}
	})
}

// TestOwnerGoesAndSaysWhere closes the account of a circle's owner: the plan states until when the farewell stands, the certificate names it, and the slip takes it away.
func TestOwnerGoesAndSaysWhere(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx, owner, member := t.Context(), in.signUp(t, "owner"), in.signUp(t, "member")
		id := in.ring(t, owner, member)
		must(t, in.Circles.Bid(ctx, owner, id, "On to the hills", movedTo), "leave a farewell")
		ask := exit.Ask{Subject: leave.SubjectOf(owner.Account, ""), Journey: exit.Close}
		plan := value[*exit.Plan](t, "preview")(in.Engine.Preview(ctx, ask))
		run, secret, err := in.Leave.Agree(ctx, ask, plan.Hash(), "person")
		must(t, err, "agree")
		in.travel(t, 40)
		in.wantRun(t, run.ID, exit.RunSealed)
		in.wantMoved(t, "of who has left", circle.Path(id))
		if body := in.look(t, member, circle.Path(id)).Body.String(); !strings.Contains(body, movedTo) {
			t.Errorf("the member reads no farewell: %.2000s", body)
		}
		file := value[[]byte](t, "read certificate")(in.Leave.Certificate(ctx, run.ID))
		if !strings.Contains(string(file), `"circle_farewell"`) {
			t.Error("the certificate does not name what stays to be read")
		}
		if w := in.as(t, who.Viewer{}, http.MethodPost, "/slip/"+secret+"/farewell"); w.Code != http.StatusSeeOther {
			t.Errorf("taking it away by the slip answers %d", w.Code)
		}
		if n := in.count(t, `select count(*) from circle_farewells`); n != 0 {
			t.Errorf("%d farewells are left", n)
		}
	})
}

// TestChannelSaysWhereItWent ends the service of channels: what a channel has left is read at its addresses, and at those of its videos and collections, after the stop and
// after the erasure, until its term is over.
func TestChannelSaysWhereItWent(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx, c := t.Context(), newCreator(t, in)
		list := in.count(t, `select id from collections`)
		must(t, in.Channels.Leave(ctx, c.v, channel.Farewell{Scope: channel.Name, Words: "On to the hills", Links: []string{movedTo}}), "leave a farewell")
		own, form := "/@filmmaker/channel", "/exit/farewell?in=channel&amp;from=channel"
		if body := in.look(t, c.v, own).Body.String(); strings.Contains(body, form) {
			t.Error("a channel that does not end asks its owner for a farewell")
		}
		s := in.endIn(t, channel.Name)
		in.travel(t, 40)
		if body := in.look(t, c.v, own).Body.String(); !strings.Contains(body, form) {
			t.Errorf("a channel that ends does not ask its owner for a farewell: %.3000s", body)
		}
		must(t, in.Channels.OfferMove(ctx, c.v), "tell followers in read-only")
		in.settle(t)
		if n := in.count(t, `select count(*) from notices where account_id = $1 and kind = 'channel_moved'`, int64(c.fan.Account)); n != 1 {
			t.Errorf("the follower was told %d times", n)
		}
		if body := in.look(t, c.fan, "/notices").Body.String(); !strings.Contains(body, `href="`+own+`"`) {
			t.Errorf("the notice does not lead to the channel: %.3000s", body)
		}
		addresses := []string{"/@filmmaker/channel", channel.VideoPath(c.video), channel.CollectionPath(who.ID(list)), "/embed/" + c.video.String()}
		in.travel(t, 175)
		for _, path := range addresses[:3] {
			in.wantMoved(t, "after the stop", path)
		}
		in.travel(t, 35)
		in.wantRun(t, s.Run, exit.RunSealed)
		for _, path := range addresses[:3] {
			in.wantMoved(t, "after the erasure", path)
		}
		w := in.look(t, who.Viewer{}, "/@FilmMaker/channel?statement")
		r, err := ledger.VerifyStatement(w.Body.Bytes(), in.Leave.Key.Verifier())
		if err != nil || r.Statement.What != "exeunt.test/@FilmMaker/channel" || r.Statement.To != movedTo {
			t.Errorf("the statement: %+v, %v, %.500s", r, err, w.Body.String())
		}
		if n := in.count(t, `select count(*) from farewells where account_id is not null`); n != 0 {
			t.Errorf("%d farewells refer to somebody", n)
		}
		in.machine.Add(time.Second)
		in.travel(t, 370)
		for _, path := range addresses {
			if body := in.look(t, who.Viewer{}, path).Body.String(); strings.Contains(body, movedTo) {
				t.Errorf("after its term it is shown at %s still", path)
			}
		}
	})
}

// TestEmbedSaysWhereItWent closes a channel: players on other sites show what was left, in their frames.
func TestEmbedSaysWhereItWent(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx, c := t.Context(), newCreator(t, in)
		must(t, in.Channels.Leave(ctx, c.v, channel.Farewell{Scope: channel.Name, Words: "On to the hills", Links: []string{movedTo}}), "leave a farewell")
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(c.v.Account, channel.Name), Journey: exit.Close})
		list := who.ID(in.count(t, `select id from collections`))
		for _, days := range []int{10, 30} {
			in.travel(t, days)
			w := in.look(t, who.Viewer{}, "/embed/"+c.video.String())
			if body := w.Body.String(); w.Code != http.StatusGone || !strings.Contains(body, movedTo) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors *") {
				t.Errorf("after %d days more the player answers %d %v: %.1500s", days, w.Code, w.Header(), body)
			}
			in.wantMoved(t, "of who leaves", channel.CollectionPath(list))
			in.wantMoved(t, "of who leaves", channel.VideoPath(c.video))
		}
	})
}

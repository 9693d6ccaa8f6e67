package talk_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// eachPlayed is eachHouse with posts as what is played: talk asks only whether a kind is.
func eachPlayed(t *testing.T, fn func(t *testing.T, h *house)) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.registry.Kinds[0].Played = true
		fn(t, h)
	})
}

func at(d time.Duration) *time.Duration { return &d }

func (h *house) shoot(t *testing.T, v who.Viewer, ref who.Ref, moment time.Duration, text string) who.ID {
	t.Helper()
	id, err := h.talks.Comment(t.Context(), v, ref, talk.Draft{Text: text, Moment: at(moment)})
	if err != nil {
		t.Fatalf("bullet comment: %v", err)
	}
	return id
}

// bullets gives what a viewer is shown of the first minute.
func (h *house) bullets(t *testing.T, v who.Viewer, ref who.Ref) string {
	t.Helper()
	list, err := h.talks.Bullets(t.Context(), v, ref, 0, time.Minute, 100)
	if err != nil {
		t.Fatalf("bullets: %v", err)
	}
	var out []string
	for _, b := range list {
		out = append(out, b.Text)
	}
	return strings.Join(out, " ")
}

// befriend has each of two accounts follow the other.
func (h *house) befriend(t *testing.T, a, b who.Viewer) {
	t.Helper()
	for i, x := range [][2]who.Viewer{{a, b}, {b, a}} {
		h.exec(t, `insert into follows (id, follower_id, followee_id, created_at) values ($1, $2, $3, $4)`, int64(h.d.IDs.Next()), int64(x[0].Account), int64(x[1].Account), i)
	}
}

func TestBullets(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.talks.Notices = notify.New(notify.Config{DB: h.d, Desk: h.desk, Registry: h.registry})
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		on := h.write(t, mira, "a film")
		late := h.shoot(t, jo, on, 30*time.Second, "later")
		h.shoot(t, kim, on, 2*time.Second, "soon")
		h.shoot(t, jo, on, 2*time.Minute, "beyond")
		h.say(t, jo, on, 0, "a thread")
		for v, want := range map[who.Viewer]string{mira: "soon later", jo: "soon later", {}: "soon later"} {
			if got := h.bullets(t, v, on); got != want {
				t.Errorf("%q sees %q, want %q", v.Name, got, want)
			}
		}
		if got := h.threads(t, kim, on); got != "a thread" {
			t.Errorf("threads: %q", got)
		}
		if n := h.number(t, `select comments from posts`); n != 1 {
			t.Errorf("the film counts %d comments, want 1", n)
		}
		if got := h.told(t, mira); got != "comment" {
			t.Errorf("mira was told %q", got)
		}
		list, err := h.talks.Bullets(ctx, jo, on, 10*time.Second, time.Minute, 1)
		if err != nil || len(list) != 1 {
			t.Fatalf("bullets %v, %v", list, err)
		}
		if b, _ := json.Marshal(list[0]); string(b) != `{"id":"`+late.String()+`","at":30000,"text":"later","mine":true,"remove":"/talk/comments/`+late.String()+`/delete"}` {
			t.Errorf("a bullet comment reads %s", b)
		}
		h.exec(t, `insert into mutes (id, account_id, muted_id, created_at) values (1, $1, $2, 0)`, int64(mira.Account), int64(kim.Account))
		h.exec(t, `insert into blocks (id, account_id, blocked_id, created_at) values (1, $1, $2, 0)`, int64(jo.Account), int64(kim.Account))
		for v, want := range map[who.Viewer]string{mira: "later", jo: "later", kim: "soon", {}: "soon later"} {
			if got := h.bullets(t, v, on); got != want {
				t.Errorf("muted and blocked, %q sees %q, want %q", v.Name, got, want)
			}
		}
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, 'page', 'veil', 'run', 0)`, int64(jo.Account))
		if got := h.bullets(t, who.Viewer{}, on); got != "soon" {
			t.Errorf("of a veiled author a guest sees %q", got)
		}
		h.exec(t, `delete from reasons`)
		h.withholds(t, late, true)
		if got, n := h.bullets(t, who.Viewer{}, on), h.number(t, `select comments from posts`); got != "soon" || n != 1 {
			t.Errorf("one withheld: %q, %d comments", got, n)
		}
		h.withholds(t, late, false)
		if _, err := h.talks.Delete(ctx, mira, late); err != nil {
			t.Errorf("the owner deletes: %v", err)
		}
		if got, n := h.bullets(t, jo, on), h.number(t, `select comments from posts`); got != "" || n != 1 {
			t.Errorf("deleted: %q, %d comments", got, n)
		}
		h.exec(t, `update posts set audience = $1`, string(who.Only(mira.Account)))
		if _, err := h.talks.Bullets(ctx, jo, on, 0, time.Minute, 10); exit.KindOf(err) != exit.NotFound {
			t.Errorf("of what one may not see: %v", err)
		}
	})
}

// TestBulletRefused asks what cannot stand at a moment.
func TestBulletRefused(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, mira, "a film")
		thread, bullet := h.say(t, jo, on, 0, "a thread"), h.shoot(t, jo, on, 0, strings.Repeat("弹", 100))
		for name, x := range map[string]struct {
			d    talk.Draft
			kind exit.Kind
		}{
			"long":      {talk.Draft{Text: strings.Repeat("弹", 101), Moment: at(0)}, exit.Invalid},
			"before":    {talk.Draft{Text: "x", Moment: at(-time.Millisecond)}, exit.Invalid},
			"never":     {talk.Draft{Text: "x", Moment: at(25 * time.Hour)}, exit.Invalid},
			"an answer": {talk.Draft{Text: "x", Parent: thread, Moment: at(0)}, exit.Invalid},
			"answered":  {talk.Draft{Text: "x", Parent: bullet}, exit.NotFound},
		} {
			if _, err := h.talks.Comment(t.Context(), jo, on, x.d); err == nil || exit.KindOf(err) != x.kind {
				t.Errorf("%s: %v, want %s", name, err, x.kind)
			}
		}
		h.registry.Kinds[0].Played = false
		if _, err := h.talks.Comment(t.Context(), jo, on, talk.Draft{Text: "x", Moment: at(0)}); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("at a moment of what is not played: %v", err)
		}
		if err := h.talks.Like(t.Context(), jo, on, true); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("a private like of what is not played: %v", err)
		}
	})
}

// TestPrivateLikes asks that a private like counts, and that nobody else learns whose it is.
func TestPrivateLikes(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.talks.Notices = notify.New(notify.Config{DB: h.d, Desk: h.desk, Registry: h.registry})
		mira, jo, kim, lee := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim"), h.person(t, "lee")
		h.befriend(t, jo, kim)
		h.befriend(t, jo, lee)
		on := h.write(t, mira, "a film")
		like := func(v who.Viewer, private bool) {
			t.Helper()
			if err := h.talks.Like(ctx, v, on, private); err != nil {
				t.Fatal(err)
			}
		}
		state := func(when string, count int64, told, friends string) {
			t.Helper()
			got, err := h.talks.Friends(ctx, jo, []who.Ref{on, {Kind: "post", ID: 5}})
			if err != nil {
				t.Fatal(err)
			}
			names := ""
			for _, p := range got[on].People {
				names += p.Name + " "
			}
			if got[on].Count != len(got[on].People) {
				t.Errorf("%s: %d friends are counted, %d named", when, got[on].Count, len(got[on].People))
			}
			if n := h.number(t, `select likes from posts`); n != count || h.told(t, mira) != told || names != friends {
				t.Errorf("%s: %d likes, told %q, friends %q, want %d, %q, %q", when, n, h.told(t, mira), names, count, told, friends)
			}
		}
		like(kim, true)
		state("in private", 1, "", "")
		like(kim, false)
		state("in public", 1, "like", "kim ")
		like(lee, false)
		like(mira, false)
		state("another friend, and somebody else", 3, "like like", "lee kim ")
		like(kim, true)
		state("in private again", 3, "like", "lee ")
		marks, err := h.talks.Marks(ctx, kim, []who.Ref{on})
		if err != nil || marks[on] != (talk.Mark{Liked: true, Private: true}) {
			t.Errorf("marks %+v, %v", marks, err)
		}
		if got, err := h.talks.Friends(ctx, mira, []who.Ref{on}); err != nil || len(got) != 0 {
			t.Errorf("who has no friends is told of %v, %v", got, err)
		}
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'veil', 'run', 0)`, int64(lee.Account))
		state("a veiled friend", 3, "like", "")
		if err := h.talks.Unlike(ctx, kim, on); err != nil {
			t.Fatal(err)
		}
		state("taken back", 2, "like", "")
	})
}

// TestPins asks that the owner's pinned comment stands first, then those of friends, and on later pages nothing twice.
func TestPins(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		h.befriend(t, jo, kim)
		on := h.write(t, mira, "a film")
		h.say(t, mira, on, 0, "one")
		two := h.say(t, jo, on, 0, "two")
		three := h.say(t, mira, on, 0, "three")
		h.say(t, kim, on, 0, "four")
		answer := h.say(t, jo, on, two, "an answer")
		pin := func(v who.Viewer, id who.ID, on, may bool) {
			t.Helper()
			if _, err := h.talks.Pin(ctx, v, id, on); (err == nil) != may || err != nil && exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s pins: %v, want %t", v.Name, err, may)
			}
		}
		shows := func(v who.Viewer, want string) {
			t.Helper()
			if got := h.threads(t, v, on); got != want {
				t.Errorf("%s sees %q, want %q", v.Name, got, want)
			}
		}
		shows(mira, "one two(an answer) three four")
		shows(jo, "four one two(an answer) three")
		pin(mira, two, true, true)
		pin(mira, three, true, true)
		shows(mira, "three one two(an answer) four")
		shows(jo, "three four one two(an answer)")
		pin(jo, two, true, false)
		pin(mira, answer, true, false)
		pin(mira, h.shoot(t, jo, on, 0, "bullet"), true, false)
		thing, err := h.registry.Thing(ctx, jo, on)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for below := ""; ; {
			views, next, err := h.talks.Comments(ctx, jo, thing, talk.Oldest, below, 2)
			if err != nil {
				t.Fatal(err)
			}
			if all = append(all, outline(views)); next == "" {
				break
			}
			below = next
		}
		if got := strings.Join(all, " / "); got != "three four one two(an answer) / " {
			t.Errorf("by pages: %q", got)
		}
		pin(mira, three, false, true)
		shows(mira, "one two(an answer) three four")
	})
}

// TestPlayedAlong asks that moments and private likes are taken along and brought back.
func TestPlayedAlong(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, jo, "a film")
		h.shoot(t, mira, on, 1500*time.Millisecond, "wow")
		if err := h.talks.Like(ctx, mira, on, true); err != nil {
			t.Fatal(err)
		}
		subject := exit.Account(mira.Account.String())
		for _, class := range []string{"comments", "likes"} {
			s := &sink{}
			if p, err := h.talks.Holder().Export(ctx, exit.Task{Subject: subject, Class: class, Part: "talk." + class}, s); err != nil || !p.Done || len(s.records) != 1 {
				t.Fatalf("export %s: %v, %v", class, s.records, err)
			}
			h.exec(t, `delete from `+class)
			h.exec(t, `update posts set likes = 0`)
			for _, want := range []string{"taken", "duplicate"} {
				if got := h.brings(t, mira, class, s.records[0]); got != want {
					t.Errorf("%s: %s, want %s", class, got, want)
				}
			}
		}
		if n := h.number(t, `select likes * 1000 + comments * 100 + (select count(*) from likes where private = 1) from posts`); n != 1001 {
			t.Errorf("brought back: %d", n)
		}
		if got := h.bullets(t, jo, on); got != "wow" || h.number(t, `select moment from comments`) != 1500 {
			t.Errorf("brought back: %q", got)
		}
		ms := int64(-5)
		for name, rec := range map[string]archive.Comment{
			"never": {ID: "n", Text: "x", Moment: &ms}, "long": {ID: "l", Text: strings.Repeat("y", 101), Moment: new(int64)},
		} {
			rec.On = archive.Reference{Kind: on.Kind, ID: on.ID.String()}
			if got := h.brings(t, mira, "comments", rec); got != "skipped" {
				t.Errorf("%s: %s, want skipped", name, got)
			}
		}
	})
}

// brings takes one record in, as an import does, and gives what became of it.
func (h *house) brings(t *testing.T, v who.Viewer, class string, rec any) string {
	t.Helper()
	intake, err := h.talks.Holder().Import(t.Context(), exit.Task{Subject: exit.Account(v.Account.String()), Class: class, Part: "talk." + class}, []any{rec}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []exit.Outcome
	if err := h.d.Update(t.Context(), func(ctx context.Context) error {
		out, err = intake(ctx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out[0].Result
}

// withholds takes a comment out as a moderator does, or puts it back.
func (h *house) withholds(t *testing.T, id who.ID, on bool) {
	t.Helper()
	if err := h.d.Update(t.Context(), func(ctx context.Context) error {
		pass, err := h.desk.Enter(ctx, service.Write{})
		if err != nil {
			return err
		}
		return h.talks.Kind().Withhold(ctx, pass, []who.ID{id}, on)
	}); err != nil {
		t.Fatal(err)
	}
}

// TestReceivedOnVideos takes along what others said beneath one's videos.
func TestReceivedOnVideos(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		post := h.write(t, mira, "a post")
		h.say(t, jo, post, 0, "on the post")
		video := int64(h.d.IDs.Next())
		h.exec(t, `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads)
			values ($1, $2, '', '', 'public', '', 'live', 'ready', '', 0, 0, 0, '', '', '', 0, '', 0, 0, 0, '', '', 0)`, video, int64(mira.Account))
		for i, text := range []string{"on the video", "at a moment"} {
			h.exec(t, `insert into comments (id, author_id, ref_kind, ref_id, service, place_id, text, state, created_at, moment) values ($1, $2, 'video', $3, 'channel', 0, $4, 'live', 0, nullif(cast($5 as bigint), 0))`,
				int64(h.d.IDs.Next()), int64(jo.Account), video, text, i*1000)
		}
		for in, want := range map[string]string{"": "on the post, on the video, at a moment", "channel": "on the video, at a moment"} {
			s := &sink{}
			subject := exit.Subject{Kind: exit.SubjectAccount, ID: mira.Account.String(), In: in}
			if p, err := h.talks.Holder().Export(t.Context(), exit.Task{Run: "r", Subject: subject, Class: "comments", Part: archive.ClassReceived}, s); err != nil || !p.Done {
				t.Fatal(err)
			}
			var got []string
			for _, rec := range s.records {
				got = append(got, rec.(archive.Comment).Text)
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("in %q: %q, want %q", in, got, want)
			}
		}
	})
}

// TestPlayedPages asks the forms: both likes, a bullet comment, a pin.
func TestPlayedPages(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, mira, "a film")
		routes := append(h.talks.Routes(), h.posts.Routes()...)
		path := "/talk/post/" + on.ID.String()
		for _, x := range []struct {
			action string
			form   url.Values
			want   int64 // likes of jo's: 1 in public, 2 in private
		}{
			{"/like", url.Values{"on": {"1"}}, 1}, {"/like-privately", url.Values{"on": {"1"}}, 2}, {"/like-privately", url.Values{"on": {"0"}}, 0}, {"/like-privately", nil, 2},
		} {
			if x.form == nil {
				x.form = url.Values{}
			}
			serve(t, routes, jo, ui.English, "POST", path+x.action, x.form)
			if n := h.number(t, `select coalesce(sum(1 + private), 0) from likes`); n != x.want {
				t.Errorf("%s %v: %d, want %d", x.action, x.form, n, x.want)
			}
		}
		w := serve(t, routes, jo, ui.English, "POST", path+"/comments", url.Values{"text": {"wow"}, "moment": {"1500"}, "back": {"/videos/7?t=1"}})
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/videos/7?t=1" || h.bullets(t, jo, on) != "wow" {
			t.Errorf("a bullet comment leads to %q (%d)", w.Header().Get("Location"), w.Code)
		}
		if w = serve(t, routes, jo, ui.English, "POST", path+"/comments", url.Values{"text": {"wow"}, "moment": {"soon"}}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "moment of a video") {
			t.Errorf("no moment: %d", w.Code)
		}
		id := h.say(t, jo, on, 0, "first")
		page := serve(t, routes, mira, ui.Chinese, "GET", "/posts/"+on.ID.String(), nil).Body.String()
		if !strings.Contains(page, `action="/talk/comments/`+id.String()+`/pin"`) || !strings.Contains(page, "置顶") {
			t.Error("the owner is not offered to pin")
		}
		serve(t, routes, mira, ui.Chinese, "POST", "/talk/comments/"+id.String()+"/pin", url.Values{"on": {"1"}})
		page = serve(t, routes, jo, ui.English, "GET", "/posts/"+on.ID.String(), nil).Body.String()
		if !strings.Contains(page, "Pinned") || strings.Contains(page, "/pin\"") {
			t.Error("others do not see what is pinned, or may pin")
		}
		if page = serve(t, routes, jo, ui.English, "GET", "/me/likes", nil).Body.String(); !strings.Contains(page, "Only you see this") {
			t.Error("one's own list does not say that a like is private")
		}
	})
}

// TestPlayedErased asks that what is left counts what is left: bullet comments were never counted, private likes were.
func TestPlayedErased(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		on := h.write(t, mira, "a film")
		h.shoot(t, jo, on, time.Second, "one")
		h.shoot(t, jo, on, 2*time.Second, "two @kim")
		h.say(t, jo, on, 0, "a thread")
		h.say(t, kim, on, 0, "another")
		for v, private := range map[who.Viewer]bool{jo: true, kim: false} {
			if err := h.talks.Like(ctx, v, on, private); err != nil {
				t.Fatal(err)
			}
		}
		for _, class := range []string{"comments", "likes", "mentions"} {
			task := exit.Task{Subject: exit.Account(jo.Account.String()), Class: class, Manner: exit.Erase, Limit: 100}
			if err := h.d.Update(ctx, func(ctx context.Context) error {
				_, err := h.talks.Holder().Erase(ctx, task)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if left, err := h.talks.Holder().Verify(ctx, task); err != nil || left.Left != 0 {
				t.Errorf("%s: %+v, %v", class, left, err)
			}
		}
		if n := h.number(t, `select comments * 100 + likes * 10 + (select count(*) from comments) from posts`); n != 111 {
			t.Errorf("left are %d, want a comment counted, a like, and a comment", n)
		}
		if got := h.bullets(t, mira, on); got != "" {
			t.Errorf("still flying: %q", got)
		}
	})
}

// TestBulletWithoutScripts writes a bullet comment by the form for who has no scripts.
func TestBulletWithoutScripts(t *testing.T) {
	eachPlayed(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		on := h.write(t, mira, "a film")
		form := h.get(t, jo, ui.Chinese, "/posts/"+on.ID.String()).Body.String()
		for _, part := range []string{"<noscript>", `name="bullet"`, `name="at"`, "写分和秒"} {
			if !strings.Contains(form, part) {
				t.Errorf("the page has no %s", part)
			}
		}
		path := "/talk/post/" + on.ID.String() + "/comments"
		for typed, want := range map[string]int64{"7": 7, "0:42": 42, "1:05": 65, "1：06": 66, " 1:00:01 ": 3601} {
			if w := serve(t, h.talks.Routes(), jo, ui.Chinese, "POST", path, url.Values{"bullet": {"at " + typed}, "at": {typed}}); w.Code != http.StatusSeeOther {
				t.Errorf("%q is answered %d", typed, w.Code)
			}
			if n := h.number(t, `select count(*) from comments where moment = `+strconv.FormatInt(want*1000, 10)); n != 1 {
				t.Errorf("%q: %d bullet comments at %d s", typed, n, want)
			}
		}
		for _, typed := range []string{"", "soon", "1:60", "-3", "1:2:3:4", "26:00:00"} {
			w := serve(t, h.talks.Routes(), jo, ui.Chinese, "POST", path, url.Values{"bullet": {"still here"}, "at": {typed}})
			if body := w.Body.String(); w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, "still here") || !strings.Contains(body, `name="at"`) {
				t.Errorf("%q is answered %d", typed, w.Code)
			}
		}
		if n := h.number(t, `select count(*) from comments`); n != 5 {
			t.Errorf("%d comments, want 5", n)
		}
	})
}

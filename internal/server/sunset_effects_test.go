package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/clock"
	"exeunt/internal/leave"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/talk"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// phasesOfAll are the phases of [allPhases] in their order, each with the day on which it begins.
var phasesOfAll = []struct {
	word string
	day  int
}{{exit.Announced, 0}, {exit.NoJoins, 10}, {exit.ReadOnly, 20}, {exit.NoEntrance, 30}, {exit.ExportOnly, 40}, {exit.Stopped, 50}, {exit.Erased, 80}}

// allPhases gives a calendar with every phase there is.
func allPhases(now time.Time, ends string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nname: all-of-it\nends: %s\nzone: UTC\nphases:\n", ends)
	for _, p := range phasesOfAll {
		fmt.Fprintf(&b, "  %s: %s\n", p.word, now.AddDate(0, 0, p.day).Format(time.DateOnly))
	}
	b.WriteString("title: {en: The end}\nreason: {en: We go another way.}\nask: {en: Ask us.}\nsuccessor: https://elsewhere.example/rings\n")
	return []byte(b.String())
}

// begins moves the install to the first noon of a phase, and has all done that is due by then.
func (in *install) begins(t *testing.T, start time.Time, word string) {
	t.Helper()
	for _, p := range phasesOfAll {
		if p.word != word {
			continue
		}
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		to := start.AddDate(0, 0, p.day).Add(12 * time.Hour)
		in.machine.Add(time.Minute) // what was deleted is erased after half a minute
		must(t, in.Travel(t.Context(), max(to.Sub(now), 0), still), "let time pass")
		in.machine.Add(time.Second)
	}
}

// look asks the install for a page as somebody who has just signed in; an account of 0 is a guest.
func (in *install) look(t *testing.T, v who.Viewer, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if v.Account != 0 {
		r.AddCookie(&http.Cookie{Name: "session", Value: value[string](t, "begin session")(in.Accounts.Begin(t.Context(), v.Person, v.Account, ""))})
	}
	w := httptest.NewRecorder()
	in.Handler().ServeHTTP(w, r)
	return w
}

// round is what one phase's acts are tried on: each is used once.
type round struct {
	post, liked who.ID
	guest, left who.Viewer // not a member yet; a member who leaves
	person      who.Viewer // who closes the service, cancels, and takes along
	muted       who.Viewer // a member who is muted
	asker       who.Viewer // who has asked to be let in
}

// newRound makes a round's things while everything is still allowed.
func newRound(t *testing.T, in *install, owner who.Viewer, ring who.ID, n int) round {
	t.Helper()
	ctx := t.Context()
	write := func(v who.Viewer, text string) who.ID {
		return value[who.ID](t, "write post")(in.Posts.Write(ctx, v, post.Draft{Service: circle.Name, Place: ring, Text: text}))
	}
	sign := func(name string) who.Viewer { return in.signUp(t, fmt.Sprint(name, n)) }
	r := round{guest: sign("guest"), left: sign("leftone"), person: sign("person"), muted: sign("mutedone"), asker: sign("asker")}
	for _, v := range []who.Viewer{r.left, r.person, r.muted, r.asker} {
		_, err := in.Circles.Join(ctx, v, ring)
		must(t, err, "join")
		if v.Account != r.asker.Account {
			must(t, in.Circles.Accept(ctx, owner, ring, v.Account), "accept")
		}
	}
	r.post, r.liked = write(owner, fmt.Sprint("post ", n)), write(owner, fmt.Sprint("liked ", n))
	write(r.person, fmt.Sprint("by the person ", n))
	must(t, in.Talk.Like(ctx, owner, who.Ref{Kind: "post", ID: r.liked}, false), "like")
	return r
}

// act is what somebody does in a service ("": in none), with the phase of its ending from which on it is refused; "" is never.
type act struct {
	in, until string
	do        func(ctx context.Context) error
}

// acts are what people do, by their names.
func acts(in *install, owner who.Viewer, ring who.ID, kept who.ID, r round) map[string]act {
	kind := func(id who.ID) who.Ref { return who.Ref{Kind: "post", ID: id} }
	ask := func(j exit.Journey, pack string) func(ctx context.Context) (exit.Run, error) {
		return func(ctx context.Context) (exit.Run, error) {
			return in.mayAgree(ctx, exit.Ask{Subject: leave.SubjectOf(r.person.Account, circle.Name), Journey: j, Pack: pack})
		}
	}
	out := map[string]act{
		"join":            {circle.Name, exit.NoJoins, func(ctx context.Context) error { _, err := in.Circles.Join(ctx, r.guest, ring); return err }},
		"let somebody in": {circle.Name, exit.NoJoins, func(ctx context.Context) error { return in.Circles.Accept(ctx, owner, ring, r.asker.Account) }},
		"create a circle": {circle.Name, exit.NoJoins, func(ctx context.Context) error {
			_, err := in.Circles.Create(ctx, r.guest, circle.Draft{Name: "ring of " + r.guest.Name, Mode: circle.Open})
			return err
		}},
		"invite": {circle.Name, exit.NoJoins, func(ctx context.Context) error {
			_, err := in.Circles.Invite(ctx, owner, ring, circle.DefaultTerms)
			return err
		}},
		"write": {circle.Name, exit.ReadOnly, func(ctx context.Context) error {
			_, err := in.Posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: ring, Text: "more"})
			return err
		}},
		"keep a draft": {circle.Name, exit.ReadOnly, func(ctx context.Context) error {
			_, err := in.Posts.SaveDraft(ctx, owner, post.Draft{Service: circle.Name, Place: ring, Text: "later"})
			return err
		}},
		"comment": {circle.Name, exit.ReadOnly, func(ctx context.Context) error {
			_, err := in.Talk.Comment(ctx, owner, kind(kept), talk.Draft{Text: "so"})
			return err
		}},
		"pin": {circle.Name, exit.ReadOnly, func(ctx context.Context) error {
			if err := in.Posts.Pin(ctx, owner, r.liked, true); err != nil {
				return err
			}
			return in.Posts.Pin(ctx, owner, r.liked, false) // only a few are pinned at a time
		}},
		"like":             {circle.Name, exit.ReadOnly, func(ctx context.Context) error { return in.Talk.Like(ctx, r.person, kind(kept), false) }},
		"put up a notice":  {circle.Name, exit.ReadOnly, func(ctx context.Context) error { return in.Circles.Tell(ctx, owner, ring, "hear") }},
		"take a like back": {circle.Name, exit.Stopped, func(ctx context.Context) error { return in.Talk.Unlike(ctx, owner, kind(r.liked)) }},
		"delete":           {circle.Name, exit.Stopped, func(ctx context.Context) error { return in.Posts.Delete(ctx, owner, r.post) }},
		"leave the circle": {circle.Name, exit.Stopped, func(ctx context.Context) error { return in.Circles.Leave(ctx, r.left, ring) }},
		"mute a member": {circle.Name, exit.Stopped, func(ctx context.Context) error {
			return in.Order.Lay(ctx, owner, moderate.Place{Service: circle.Name, ID: ring}, r.muted.Account, moderate.Order{What: moderate.Mute, Rule: "spam", Days: 1})
		}},
		"close and cancel": {circle.Name, exit.Stopped, func(ctx context.Context) error {
			run, err := ask(exit.Close, "")(ctx)
			if err != nil {
				return err
			}
			_, err = in.mayAgree(ctx, exit.Ask{Subject: run.Subject, Journey: exit.Cancel, Run: run.ID})
			return err
		}},
		"take along": {circle.Name, exit.Erased, func(ctx context.Context) error {
			_, err := ask(exit.TakeAlong, leave.Packing{Media: true}.Words())(ctx)
			return err
		}},
	}
	maps.Copy(out, actsElsewhere(in, owner, r))
	return out
}

// actsElsewhere are those that are of no circle.
func actsElsewhere(in *install, owner who.Viewer, r round) map[string]act {
	return map[string]act{
		"sign in": {"", "", func(ctx context.Context) error {
			_, err := in.Accounts.SignIn(ctx, r.person.Name, password, "192.0.2.1", "")
			return err
		}},
		"write on a page": {post.Page, exit.ReadOnly, func(ctx context.Context) error {
			_, err := in.Posts.Write(ctx, owner, post.Draft{Service: post.Page, Text: "elsewhere"})
			return err
		}},
		"follow a page": {post.Page, exit.ReadOnly, func(ctx context.Context) error { return in.Relations.FollowIn(ctx, r.guest, owner.Account, post.Page) }},
		"open a channel": {channel.Name, exit.NoJoins, func(ctx context.Context) error {
			return in.Channels.Open(ctx, r.guest, channel.Words{Name: r.guest.Name})
		}},
		"follow a channel": {channel.Name, exit.ReadOnly, func(ctx context.Context) error {
			return in.Relations.FollowIn(ctx, r.left, owner.Account, channel.Name)
		}},
		"upload": {channel.Name, exit.ReadOnly, func(ctx context.Context) error {
			_, err := in.Uploads.Create(ctx, owner.Account, upload.Draft{What: channel.KindVideo, Name: "film.mp4", Length: 10})
			return err
		}},
		"follow from a list": {"", exit.ReadOnly, func(ctx context.Context) error { return in.Relations.Follow(ctx, r.asker, owner.Account) }},
		"unfollow":           {"", "", func(ctx context.Context) error { return in.Relations.Unfollow(ctx, r.muted, owner.Account) }},
	}
}

// ended gives the phase from which on an act is refused where something ends.
func (a act) ended(name, ends string) string {
	switch {
	case ends == "install" && name == "unfollow":
		return exit.Stopped
	case ends == "install", ends == a.in, strings.Contains(ends, ":") && a.in == circle.Name && name != "create a circle":
		return a.until
	}
	return ""
}

// TestActsByPhase tries in every phase of the ending of a service, of one circle and of the install what people do.
func TestActsByPhase(t *testing.T) {
	for _, ends := range []string{"circle", "one circle", "channel", "page", "install"} {
		t.Run(ends, func(t *testing.T) { eachInstall(t, func(t *testing.T, in *install) { wantActs(t, in, ends) }) })
	}
}

func wantActs(t *testing.T, in *install, ends string) {
	t.Helper()
	owner := in.signUp(t, "ownerone")
	must(t, in.Channels.Open(t.Context(), owner, channel.Words{Name: "films"}), "open channel")
	ring := value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), owner, circle.Draft{Name: "one ring", Mode: circle.Approval}))
	kept := value[who.ID](t, "write post")(in.Posts.Write(t.Context(), owner, post.Draft{Service: circle.Name, Place: ring, Text: "kept"}))
	rounds := make([]round, len(phasesOfAll))
	for i := range rounds {
		rounds[i] = newRound(t, in, owner, ring, i)
	}
	start := value[time.Time](t, "read clock")(in.DB.Now(t.Context())).Truncate(24 * time.Hour)
	if ends == "one circle" {
		ends = "circle:" + ring.String()
	}
	in.publish(t, allPhases(start, ends))
	refused := map[string]bool{}
	for i, p := range phasesOfAll[:len(phasesOfAll)-1] {
		in.begins(t, start, p.word)
		all := acts(in, owner, ring, kept, rounds[i])
		for name, a := range all {
			refused[name] = refused[name] || a.ended(name, ends) == p.word
		}
		for path, name := range map[string]string{"/@ownerone/channel": "follow a channel", "/@ownerone": "follow a page"} {
			if offered := strings.Contains(in.look(t, rounds[i].asker, path).Body.String(), `action="/@ownerone/follow"`); offered == refused[name] {
				t.Errorf("%s: %s offers to follow: %v", p.word, path, offered)
			}
		}
		for name, a := range all {
			if refused[name] && name == "close and cancel" {
				continue // nothing of it is left to be closed, which is what the closing itself says
			}
			err := a.do(t.Context())
			if (err != nil) != refused[name] {
				t.Errorf("%s: %s: error %v, want it refused: %v", p.word, name, err, refused[name])
			}
			if kind := exit.KindOf(err); err != nil && kind != exit.Forbidden && kind != exit.NotFound {
				t.Errorf("%s: %s is refused as %v: %v", p.word, name, kind, err)
			}
		}
	}
}

// page is what an address is to answer in each phase of [phasesOfAll].
type page struct {
	path     string
	v        who.Viewer
	statuses [7]int
}

// TestAddressesByPhase asks for pages of a circle, of its posts and files, and of the rest of the house, in every phase of the ending of circles.
func TestAddressesByPhase(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		owner, reader := in.member(t, "ownerone"), in.signUp(t, "readerone")
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, owner, circle.Draft{Name: "one ring", Mode: circle.Open, Preview: circle.PreviewPosts}))
		note := value[who.ID](t, "write post")(in.Posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: ring, Text: "note", Images: []post.Upload{{Open: opens(picture(9))}}}))
		said := value[who.ID](t, "comment")(in.Talk.Comment(ctx, owner, who.Ref{Kind: "post", ID: note}, talk.Draft{Text: "said"}))
		var key string
		must(t, in.DB.Reader.QueryRowContext(ctx, `select key from post_images where post_id = $1`, int64(note)).Scan(&key), "find image")
		guest, at := who.Viewer{}, "/circles/"+ring.String()
		pages := []page{
			{at, guest, [7]int{200, 200, 200, 200, 403, 410, 410}},
			{at, owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{at, reader, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{at + "/members", guest, [7]int{303, 303, 303, 303, 303, 410, 410}},
			{at + "/members", owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{at + "/members", reader, [7]int{403, 403, 403, 403, 403, 410, 410}},
			{"/circles", guest, [7]int{200, 200, 200, 200, 403, 410, 410}},
			{"/circles", reader, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{at + "/feed.xml", guest, [7]int{200, 200, 200, 200, 403, 410, 410}},
			{at + "/feed.xml", owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/posts/" + note.String(), guest, [7]int{200, 200, 200, 200, 403, 410, 410}},
			{"/posts/" + note.String(), owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/posts/" + note.String(), reader, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/talk/comments/" + said.String(), owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/talk/comments/" + said.String(), reader, [7]int{404, 404, 404, 404, 404, 410, 410}},
			{"/media/" + key, guest, [7]int{200, 200, 200, 200, 403, 410, 410}},
			{"/media/" + key, owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/media/" + key, reader, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/circles/new", reader, [7]int{200, 403, 403, 403, 403, 410, 410}},
			{at + "/invite", owner, [7]int{200, 403, 403, 403, 403, 410, 410}},
			{"/write?in=circle:" + ring.String(), owner, [7]int{200, 200, 403, 403, 403, 410, 410}},
			{at + "/end", owner, [7]int{200, 200, 403, 403, 403, 410, 410}},
			{at + "/settings", owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/moderation" + strings.Replace(at, "circles", "circle", 1) + "/rules", owner, [7]int{200, 200, 403, 403, 403, 410, 410}},
			{"/about/key", guest, [7]int{200, 200, 200, 200, 200, 200, 200}},
			{"/posts/" + note.String() + "/delete", owner, [7]int{200, 200, 200, 200, 200, 410, 410}},
			{"/", owner, [7]int{200, 200, 200, 200, 200, 200, 200}},
			{"/@ownerone", guest, [7]int{200, 200, 200, 200, 200, 200, 200}},
			{"/discover", reader, [7]int{200, 200, 200, 200, 200, 200, 200}},
			{"/channels", guest, [7]int{200, 200, 200, 200, 200, 200, 200}},
			{"/exit", owner, [7]int{200, 200, 200, 200, 200, 200, 200}},
		}
		start := value[time.Time](t, "read clock")(in.DB.Now(ctx)).Truncate(24 * time.Hour)
		s := in.publish(t, allPhases(start, circle.Name))
		for i, p := range phasesOfAll {
			in.begins(t, start, p.word)
			for _, x := range pages {
				w := in.look(t, x.v, x.path)
				if w.Code != x.statuses[i] {
					t.Errorf("%s: %s answers %d to %q, want %d", p.word, x.path, w.Code, x.v.Name, x.statuses[i])
				}
			}
			w := in.look(t, reader, at)
			wantHeaders(t, p.word+" "+at, w.Header(), s.Calendar.At(exit.Announced), s.Calendar.At(exit.Stopped))
			wantWords(t, in, p.word, owner, reader, ring)
		}
		wantProblem(t, in.look(t, guest, at, "Accept", "application/json"))
		if w := in.asForm(t, owner, "/write", url.Values{"in": {"circle:" + ring.String()}, "text": {"late"}}); w.Code != http.StatusGone || !strings.Contains(w.Body.String(), "/sunsets/all-of-it") {
			t.Errorf("writing after the stop is answered %d: %.1500s", w.Code, w.Body)
		}
		if h := in.look(t, guest, "/channels").Header(); h.Get("Sunset") != "" || h.Get("Deprecation") != "" {
			t.Errorf("what does not end says that it does: %v", h)
		}
	})
}

// wantHeaders asks what machines are told: RFC 9745, RFC 8594.
func wantHeaders(t *testing.T, what string, h http.Header, announced, stopped time.Time) {
	t.Helper()
	want := map[string]string{"Deprecation": fmt.Sprintf("@%d", announced.Unix()), "Sunset": stopped.UTC().Format(http.TimeFormat), "Link": `</sunsets/all-of-it>; rel="sunset"`}
	for name, value := range want {
		if h.Get(name) != value {
			t.Errorf("%s: %s is %q, want %q", what, name, h.Get(name), value)
		}
	}
}

// wantWords looks for what pages say and offer in a phase.
func wantWords(t *testing.T, in *install, word string, owner, reader who.Viewer, ring who.ID) {
	t.Helper()
	at := map[string]int{}
	for i, p := range phasesOfAll {
		at[p.word] = i
	}
	now := at[word]
	home, place, found := in.look(t, owner, "/").Body.String(), in.look(t, reader, "/circles/"+ring.String()).Body.String(), in.look(t, reader, "/discover").Body.String()
	said := func(page, what, body, part string, want bool) {
		t.Helper()
		if strings.Contains(body, part) != want {
			t.Errorf("%s: %s on %s: want it there: %v", word, what, page, want)
		}
	}
	said("home", "the bar", home, `class="ending"`, now < at[exit.Stopped])
	said("the circle", "the bar", place, `class="ending"`, now < at[exit.Stopped])
	said("the circle", "the way to the notice", place, `/sunsets/all-of-it`, true)
	said("the circle", "joining", place, "/join", now < at[exit.NoJoins])
	settings := in.look(t, owner, "/circles/"+ring.String()+"/settings").Body.String()
	said("the settings", "the form", settings, `name="intro"`, now < at[exit.ReadOnly])
	said("the settings", "handing on", settings, `name="heir"`, now < at[exit.Stopped])
	said("the settings", "ending it", settings, `href="/circles/`+ring.String()+`/end"`, now < at[exit.ReadOnly])
	said("the board", "ending it", in.look(t, owner, "/circles/"+ring.String()+"/board").Body.String(), `href="/circles/`+ring.String()+`/end"`, now < at[exit.ReadOnly])
	said("home", "the tab", home, `href="/circles"`, now < at[exit.NoEntrance])
	said("discover", "the circle", found, "one ring", now < at[exit.NoEntrance])
	said("the circle", "where people went", place, "https://elsewhere.example/rings", now >= at[exit.Stopped])
	if now < at[exit.ExportOnly] {
		feed := in.look(t, who.Viewer{}, "/circles/"+ring.String()+"/feed.xml").Body.String()
		said("the feed", "the end", feed, "/sunsets/all-of-it", true)
	}
}

// wantProblem asks for what machines are told of what has ended (RFC 9457).
func wantProblem(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var p struct {
		Status                  int
		Detail, Type, Successor string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("the answer to a machine is no JSON: %v: %s", err, w.Body)
	}
	if w.Code != http.StatusGone || p.Status != http.StatusGone || p.Type != "http://exeunt.test/sunsets/all-of-it" || p.Successor != "https://elsewhere.example/rings" || p.Detail == "" {
		t.Errorf("a machine is told %d %s", w.Code, w.Body)
	}
}

// TestInstallEnds asks what is left of the house after the end of the whole install.
func TestInstallEnds(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		v := in.member(t, "memberone")
		start := value[time.Time](t, "read clock")(in.DB.Now(t.Context())).Truncate(24 * time.Hour)
		in.publish(t, allPhases(start, "install"))
		in.begins(t, start, exit.NoJoins)
		if w := in.look(t, who.Viewer{}, "/sign-up"); w.Code != http.StatusForbidden {
			t.Errorf("signing up answers %d when nobody new is let in", w.Code)
		}
		if _, err := in.Accounts.CreateAccount(t.Context(), "lateone", "personal", password); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("somebody comes in when nobody new is let in: %v", err)
		}
		if _, err := in.Accounts.AddPersona(t.Context(), v, "lateone", "organisation"); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("a persona is made when nobody new is let in: %v", err)
		}
		in.begins(t, start, exit.Stopped)
		for path, want := range map[string]int{
			"/": 410, "/discover": 410, "/@memberone": 410, "/circles": 410, "/channels": 410, "/search": 410, "/write": 410, "/me": 410, "/settings": 410,
			"/sign-in": 200, "/about/key": 200, "/exit": 200, "/exit/archives": 200, "/healthz": 200, "/metrics": 404, "/manifest.webmanifest": 200, "/slip/none": 404, "/mail/prove/none": 404,
		} {
			if w := in.look(t, v, path); w.Code != want {
				t.Errorf("after the stop %s answers %d, want %d", path, w.Code, want)
			}
		}
		if _, err := in.Accounts.SignIn(t.Context(), v.Name, password, "192.0.2.1", ""); err != nil {
			t.Errorf("signing in after the stop: %v", err)
		}
	})
}

// TestPublishingCostsTheSame publishes the end of an install of 100,000 accounts, and of one with ten: the same rows are written.
func TestPublishingCostsTheSame(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		in.signUp(t, "memberone")
		costs := map[int]map[string]int{}
		for _, n := range []int{1, 10, 100_000} { // the first one stores what is stored once
			in.fill(t, n)
			now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
			before := in.sizes(t)
			in.publish(t, sunsetFile(now, "install"))
			costs[n] = in.grown(t, before)
			if len(costs[n]) == 0 {
				t.Fatal("publishing wrote nothing")
			}
			must(t, in.Sunsets.Withdraw(t.Context(), "the-end"), "withdraw")
			_, err := in.DB.Writer.ExecContext(t.Context(), `update sunsets set name = 'the-end-of-' || id`)
			must(t, err, "set aside")
		}
		if fmt.Sprint(costs[10]) != fmt.Sprint(costs[100_000]) {
			t.Errorf("publishing for 10 accounts wrote %v, for 100,000 %v", costs[10], costs[100_000])
		}
	})
}

// fill fills the install up to n accounts, by SQL.
func (in *install) fill(t *testing.T, n int) {
	t.Helper()
	var there int
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from accounts`).Scan(&there), "count accounts")
	must(t, in.DB.Update(t.Context(), func(ctx context.Context) error {
		for _, q := range []string{
			`with recursive n (i) as (select %d union all select i + 1 from n where i < %d) insert into accounts (id, name, name_key, kind, state, created_at) select i, 'crowd' || i, 'crowd' || i, 'personal', 'active', 1 from n`,
			`with recursive n (i) as (select %d union all select i + 1 from n where i < %d) insert into standings (account_id, version) select i, 1 from n`,
		} {
			if _, err := in.DB.Exec(ctx, fmt.Sprintf(q, there+1, n)); err != nil {
				return err
			}
		}
		return nil
	}), "fill")
}

// sizes counts the rows of every table.
func (in *install) sizes(t *testing.T) map[string]int {
	t.Helper()
	columns, err := schema(t.Context(), in.DB)
	must(t, err, "read schema")
	out := map[string]int{}
	for _, c := range columns {
		if _, counted := out[c.table]; counted || strings.HasPrefix(c.table, "search_") {
			continue
		}
		var n int
		must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from `+c.table).Scan(&n), "count "+c.table)
		out[c.table] = n
	}
	return out
}

// grown gives what has come to each table since.
func (in *install) grown(t *testing.T, before map[string]int) map[string]int {
	t.Helper()
	out := map[string]int{}
	for table, n := range in.sizes(t) {
		if n != before[table] {
			out[table] = n - before[table]
		}
	}
	return out
}

// TestOtherNodeObeys publishes on one node and asks another: pages follow within a second of the machine clock, and no write slips through.
func TestOtherNodeObeys(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		owner := in.signUp(t, "ownerone")
		ring := value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), owner, circle.Draft{Name: "one ring", Mode: circle.Open}))
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		other := reopen(t, in.options, clock.NewFake(in.machine.Now()))
		path := "/circles/" + ring.String()
		if other.look(t, owner, path).Header().Get("Sunset") != "" {
			t.Fatal("the other node knows of an end before it is published")
		}
		pages := other.Handler() // it keeps pages for guests
		guest := func() string {
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			return w.Header().Get("Sunset")
		}
		guest()
		s := in.publish(t, sunsetFile(now, circle.Name))
		other.machine.Add(400 * time.Millisecond)
		guest() // drawn by what the node knew half a second ago
		other.machine.Add(600 * time.Millisecond)
		if guest() == "" {
			t.Error("a second later a guest is shown a page that knows of no end")
		}
		if got, want := other.look(t, owner, path).Header().Get("Sunset"), s.Calendar.At(exit.Stopped).Format(http.TimeFormat); got != want {
			t.Errorf("a second later the other node says %q, want %q", got, want)
		}
		write := func(in *install) error {
			_, err := in.Posts.Write(t.Context(), owner, post.Draft{Service: circle.Name, Place: ring, Text: "more"})
			return err
		}
		must(t, write(other), "write before the instant")
		must(t, in.DB.Move(t.Context(), s.Calendar.At(exit.ReadOnly)), "go to the instant")
		if err := write(other); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("the other node lets a write through at the instant: %v", err)
		}
		must(t, in.Sunsets.Withdraw(t.Context(), s.Name), "withdraw")
		in.settle(t)
		must(t, write(other), "write once it is withdrawn")
		other.machine.Add(time.Second)
		if other.look(t, owner, path).Header().Get("Sunset") != "" {
			t.Error("a second after the withdrawal the other node still says that it ends")
		}
	})
}

// TestWhatWasAcceptedEnds has things accepted before a service becomes read-only come to their end after it: what was deleted is erased, what was to be told is told,
// what was to be published is a draft again with the reason, and who watches is not counted.
func TestWhatWasAcceptedEnds(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		ana, reader := newSomeone(t, in, "ana", 0x3400), in.signUp(t, "readerone")
		planned, seen := ana.film(t), who.ID(0)
		must(t, in.DB.Reader.QueryRowContext(ctx, `select id from videos where account_id = $1 and id <> $2`, int64(ana.v.Account), int64(planned)).Scan((*int64)(&seen)), "find the other video")
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, ana.v, circle.Draft{Name: "one ring", Mode: circle.Open}))
		_, err := in.Circles.Join(ctx, reader, ring)
		must(t, err, "join")
		gone := value[who.ID](t, "write post")(in.Posts.Write(ctx, ana.v, post.Draft{Service: circle.Name, Place: ring, Text: "gone"}))
		start := value[time.Time](t, "read clock")(in.DB.Now(ctx)).Truncate(24 * time.Hour)
		in.publish(t, allPhases(start, "install"))
		instant := start.AddDate(0, 0, 20)
		sql := func(query string, args ...any) {
			t.Helper()
			_, err := in.DB.Writer.ExecContext(ctx, query, args...)
			must(t, err, "set up")
		}
		sql(`update videos set state = 'scheduled', due_at = $2 where id = $1`, int64(planned), instant.Add(time.Hour).UnixMilli())
		sql(`update videos set state = 'live', audience = 'public', media = 'ready' where id = $1`, int64(seen))
		must(t, in.DB.Move(ctx, instant.Add(-time.Second)), "go to the last second")
		must(t, in.Circles.Tell(ctx, ana.v, ring, "hear the last of it"), "put up notice")
		must(t, in.Posts.Delete(ctx, ana.v, gone), "delete")
		must(t, in.DB.Move(ctx, instant.Add(2*time.Hour)), "go on")
		in.machine.Add(time.Minute)
		before := in.sizes(t)
		must(t, in.Channels.Watched(ctx, reader, seen, channel.Viewing{Watched: 10 * time.Second, Position: 5 * time.Second}), "watch")
		for table, n := range in.grown(t, before) {
			t.Errorf("watching what is read-only has left %d in %s", n, table)
		}
		_, err = in.Channels.Sweep(ctx, 10)
		must(t, err, "publish what is due")
		in.settle(t)
		var state, fault string
		must(t, in.DB.Reader.QueryRowContext(ctx, `select state, fault from videos where id = $1`, int64(planned)).Scan(&state, &fault), "read video")
		if state != "draft" || fault != "sunset_effects.unpublished" {
			t.Errorf("what was to be published after the instant is %s: %q", state, fault)
		}
		var posts, told int
		must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from posts where id = $1`, int64(gone)).Scan(&posts), "look for the post")
		must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from notices where account_id = $1 and kind = 'circle_notice'`, int64(reader.Account)).Scan(&told), "look for the notice")
		if posts != 0 || told != 1 {
			t.Errorf("after the instant the deleted post is there %d times and its reader was told %d times", posts, told)
		}
	})
}

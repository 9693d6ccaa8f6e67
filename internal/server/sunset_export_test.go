package server_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
	"exeunt/policies"
)

// endIn publishes the ending of something, read-only in 31 days, stopped in 214, erased in 245.
func (in *install) endIn(t *testing.T, ends string) sunset.Sunset {
	t.Helper()
	now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
	return in.endBy(t, sunsetFile(now, ends), "")
}

func (in *install) endBy(t *testing.T, src []byte, why string) sunset.Sunset {
	t.Helper()
	_, plan, err := in.Sunsets.Preview(t.Context(), src)
	must(t, err, "preview")
	return value[sunset.Sunset](t, "publish")(in.Sunsets.Publish(t.Context(), src, plan.Hash(), why))
}

// as asks the install as somebody who has just signed in (an account of 0: a guest).
func (in *install) as(t *testing.T, v who.Viewer, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return in.asked(t, v, httptest.NewRequestWithContext(t.Context(), method, path, nil), headers...)
}

// asForm posts a form as somebody who has just signed in.
func (in *install) asForm(t *testing.T, v who.Viewer, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	return in.asked(t, v, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode())), "Content-Type", "application/x-www-form-urlencoded")
}

func (in *install) asked(t *testing.T, v who.Viewer, r *http.Request, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if v.Account != 0 {
		token := value[string](t, "sign in")(in.Accounts.Begin(t.Context(), v.Person, v.Account, ""))
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	w := httptest.NewRecorder()
	in.Handler().ServeHTTP(w, r)
	return w
}

// made gives the archives of an account that were made because something ends, by what they are of.
func (in *install) made(t *testing.T, account who.ID) map[string]leave.Export {
	t.Helper()
	out := map[string]leave.Export{}
	for _, e := range value[[]leave.Export](t, "read archives")(in.Leave.Exports(t.Context(), account)) {
		if e.Ends != "" {
			out[e.In] = e
		}
	}
	return out
}

// verified reads all volumes of an archive, has each verified, and gives all their text.
func (in *install) verified(t *testing.T, e leave.Export) string {
	t.Helper()
	if e.State != "done" || len(e.Volumes) == 0 {
		t.Errorf("the archive of %q is %s, with %d volumes", e.In, e.State, len(e.Volumes))
	}
	var all strings.Builder
	for _, v := range e.Volumes {
		r, err := in.Blobs.NewReader(t.Context(), v.Key, 0, -1)
		must(t, err, "open volume")
		b, err := io.ReadAll(r)
		must(t, err, "read volume")
		must(t, r.Close(), "close volume")
		name := filepath.Join(t.TempDir(), v.Name)
		must(t, os.WriteFile(name, b, 0o600), "write volume")
		if _, err := archive.Verify(t.Context(), name); err != nil {
			t.Errorf("volume %d of %q: %v", v.N, e.In, err)
		}
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		must(t, err, "read volume")
		for _, f := range z.File {
			c, err := f.Open()
			must(t, err, "open file")
			text, err := io.ReadAll(c)
			must(t, err, "read file")
			must(t, c.Close(), "close file")
			all.Write(text)
		}
	}
	return all.String()
}

// people of the test of archives, each in the state that the name says.
var exported = []string{"writer", "hibernating", "suspended", "closing", "busy"}

// square makes a circle with an owner and people who have written in it, in their states, and somebody who has nothing there.
func square(t *testing.T, in *install) (viewers map[string]who.Viewer, ring who.ID) {
	t.Helper()
	ctx := t.Context()
	token, _, err := in.Accounts.FirstStart(ctx)
	must(t, err, "start first")
	op, err := in.Accounts.MakeOperator(ctx, token, "operatorone", password)
	must(t, err, "make operator")
	viewers = map[string]who.Viewer{"operator": {Person: op.Person, Account: op.Account, Name: "operatorone", Operator: true, State: who.Active}, "stranger": in.signUp(t, "strangerone")}
	viewers["owner"] = in.signUp(t, "ownerone")
	ring = value[who.ID](t, "make circle")(in.Circles.Create(ctx, viewers["owner"], circle.Draft{Name: "ring", Mode: circle.Open}))
	for _, name := range append([]string{"late"}, exported...) {
		v := in.signUp(t, name+"one")
		viewers[name] = v
		_, err := in.Circles.Join(ctx, v, ring)
		must(t, err, "join")
		_, err = in.Posts.Write(ctx, v, post.Draft{Service: circle.Name, Place: ring, Text: name + "wroteit", Images: []post.Upload{{Open: opens(picture(9)), Alt: "drawn"}}})
		must(t, err, "write")
	}
	return viewers, ring
}

// TestEverybodysArchive ends a service: who has something in it has an archive without asking, whatever the state of the account, and can fetch it with their own
// proof after the stop until it is no longer kept; who answers for a circle has all of it; who has none can still ask; who has nothing gets nothing.
func TestEverybodysArchive(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in = shipped(t, in)
		viewers, ring := square(t, in)
		s := in.endIn(t, "circle")
		in.travel(t, 25)
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(viewers["hibernating"].Account, ""), Journey: exit.Hibernate})
		must(t, in.Order.Lay(ctx, viewers["operator"], moderate.Everywhere, viewers["suspended"].Account, moderate.Order{What: moderate.Suspend, Rule: "fraud"}), "suspend")
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly).Add(-time.Hour)), "go on")
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(viewers["closing"].Account, ""), Journey: exit.Close})
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(viewers["busy"].Account, "circle"), Journey: exit.TakeAlong})
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly)), "go on to the instant")
		in.travel(t, 1)

		for _, name := range append([]string{"owner", "late"}, exported...) {
			e, ok := in.made(t, viewers[name].Account)["circle"]
			if !ok {
				t.Errorf("nothing was made for %s", name)
				continue
			}
			if text := in.verified(t, e); name != "owner" && !strings.Contains(text, name+"wroteit") {
				t.Errorf("the archive of %s does not have what they wrote", name)
			}
		}
		whole, ok := in.made(t, viewers["owner"].Account)["circle:"+ring.String()+"/whole"]
		if !ok || !strings.Contains(in.verified(t, whole), "writerwroteit") {
			t.Errorf("the owner has no archive of the circle (%v)", ok)
		}
		if got := in.made(t, viewers["stranger"].Account); len(got) != 0 {
			t.Errorf("the stranger, who has nothing, got %v", got)
		}
		sums := value[sunset.Exports](t, "count")(in.Sunsets.ExportsOf(ctx, s.ID))
		if want := len(exported) + 3; sums.Made != want || sums.Asked+sums.Waiting+sums.Failed+sums.Skipped+sums.Left+sums.Fetched != 0 {
			t.Errorf("the sums are %+v, want %d made", sums, want)
		}
		in.wantArchiveFirst(t, viewers["writer"])

		must(t, in.DB.Move(ctx, s.Calendar.At(exit.Stopped).Add(time.Hour)), "go on past the stop")
		in.settle(t)
		for _, name := range append([]string{"owner"}, "writer", "hibernating", "suspended", "busy") {
			in.fetch(t, viewers[name], in.made(t, viewers[name].Account)["circle"])
		}
		if sums = value[sunset.Exports](t, "count")(in.Sunsets.ExportsOf(ctx, s.ID)); sums.Fetched != 5 {
			t.Errorf("%d were fetched, want 5: %+v", sums.Fetched, sums)
		}
		if w := in.as(t, viewers["stranger"], "GET", href(in.made(t, viewers["writer"].Account)["circle"])); w.Code != http.StatusNotFound {
			t.Errorf("the archive of somebody else answers %d", w.Code)
		}
		in.wantLateRequest(t, viewers["late"])

		must(t, in.DB.Move(ctx, s.Calendar.Late.Add(-time.Minute)), "go on to the last day")
		in.settle(t)
		kept := in.made(t, viewers["writer"].Account)["circle"]
		in.fetch(t, viewers["writer"], kept)
		must(t, in.DB.Move(ctx, s.Calendar.Late.Add(time.Hour)), "go on past it")
		in.settle(t)
		if w := in.as(t, viewers["writer"], "GET", href(kept)); w.Code != http.StatusNotFound {
			t.Errorf("an archive that is no longer kept answers %d", w.Code)
		}
	})
}

// TestArchivesOfOneAndOfAll ends one circle, and the whole install: the owner gets their own part and all of the circle, though both are of the same place and wait for one another;
// after the stop of the install people still sign in, fetch their archives, and ask for one late.
func TestArchivesOfOneAndOfAll(t *testing.T) {
	for _, what := range []string{"place", "install"} {
		t.Run(what, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				ctx := t.Context()
				in = shipped(t, in)
				viewers, ring := square(t, in)
				part, ends := "", "install"
				if what == "place" {
					part, ends = "circle:"+ring.String(), "circle:"+ring.String()
				}
				s := in.endIn(t, ends)
				must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly)), "go on")
				in.travel(t, 2)
				must(t, in.DB.Move(ctx, s.Calendar.At(exit.Stopped).Add(time.Hour)), "go on past the stop")
				in.settle(t)
				for _, name := range append([]string{"owner", "late"}, exported...) {
					e := in.made(t, viewers[name].Account)[part]
					if text := in.verified(t, e); name != "owner" && !strings.Contains(text, name+"wroteit") {
						t.Errorf("the archive of %s does not have what they wrote", name)
					}
					in.fetch(t, viewers[name], e)
				}
				whole := in.made(t, viewers["owner"].Account)["circle:"+ring.String()+"/whole"]
				if !strings.Contains(in.verified(t, whole), "writerwroteit") {
					t.Error("the owner's archive of the circle does not have what others wrote")
				}
				_, got := in.made(t, viewers["stranger"].Account)[part]
				if got != (what == "install") {
					t.Errorf("who has nothing in the circle got an archive: %v", got)
				}
				if body := in.as(t, viewers["writer"], "GET", "/exit").Body.String(); !strings.Contains(body, ". You did not have to ask.") {
					t.Errorf("after the stop the Exit Center is %s", body)
				}
				path := value[string](t, "make link")(in.Sunsets.Link(ctx, viewers["writer"].Account, in.made(t, viewers["writer"].Account)[part].Run))
				if w := in.as(t, who.Viewer{}, "GET", path); w.Code != http.StatusOK {
					t.Errorf("after the stop a link answers %d", w.Code)
				}
				if w := in.as(t, viewers["late"], "GET", "/exit/take-along"); w.Code != http.StatusOK {
					t.Errorf("after the stop the page to ask for an archive answers %d", w.Code)
				}
				in.wantLateRequest(t, viewers["late"])
			})
		})
	}
}

// shipped gives the install again with the policy that is shipped, which keeps archives for a week.
func shipped(t *testing.T, in *install) *install {
	t.Helper()
	must(t, os.WriteFile(in.options.Policy, policies.Default(), 0o600), "write policy")
	return reopen(t, in.options, in.machine)
}

// href gives the address of an archive's first volume.
func href(e leave.Export) string {
	if len(e.Volumes) == 0 {
		return "/exit/archives/1/none.zip"
	}
	return "/exit/archives/" + e.Volumes[0].ID.String() + "/" + e.Volumes[0].Name
}

// fetch downloads an archive in two pieces, as after a break, and checks that it is all there.
func (in *install) fetch(t *testing.T, v who.Viewer, e leave.Export) {
	t.Helper()
	path := href(e)
	if len(e.Volumes) != 1 {
		t.Errorf("%s has %d volumes", v.Name, len(e.Volumes))
		return
	}
	half := e.Volumes[0].Bytes / 2
	first := in.as(t, v, "GET", path, "Range", fmt.Sprintf("bytes=0-%d", half-1))
	rest := in.as(t, v, "GET", path, "Range", fmt.Sprintf("bytes=%d-", half))
	if first.Code != http.StatusPartialContent || rest.Code != http.StatusPartialContent || int64(first.Body.Len()+rest.Body.Len()) != e.Volumes[0].Bytes {
		t.Errorf("%s fetches their archive: %d and %d, %d + %d of %d bytes", v.Name, first.Code, rest.Code, first.Body.Len(), rest.Body.Len(), e.Volumes[0].Bytes)
	}
}

// wantArchiveFirst asks that the Exit Center shows first what was made unasked, why and until when, also behind many others; that beginning a download is no
// download, and that nothing is noted for who only looks at the end's beginning.
func (in *install) wantArchiveFirst(t *testing.T, v who.Viewer) {
	t.Helper()
	body := in.as(t, v, "GET", "/exit").Body.String()
	if at := strings.Index(body, ". You did not have to ask."); at < 0 || at > strings.Index(body, `class="doors"`) || !strings.Contains(body, "You can download it until the end of") {
		t.Errorf("the Exit Center does not show the archive first, with why and until when:\n%s", body)
	}
	e := in.made(t, v.Account)["circle"]
	for _, headers := range [][]string{{"Range", "bytes=0-9"}, {"Range", fmt.Sprintf("bytes=%d-%d", 5, e.Volumes[0].Bytes-2)}, {"If-None-Match", "*"}} {
		in.as(t, v, "GET", href(e), headers...)
	}
	in.as(t, v, "HEAD", href(e))
	var fetched int
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from export_volumes where fetched_at is not null`).Scan(&fetched), "count downloads")
	if fetched != 0 {
		t.Errorf("%d downloads were noted of which none had the end", fetched)
	}
}

// wantLateRequest takes somebody's archive away and has them ask for one after the stop.
func (in *install) wantLateRequest(t *testing.T, v who.Viewer) {
	t.Helper()
	ctx := t.Context()
	run := in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, "circle"), Journey: exit.TakeAlong})
	in.settle(t)
	for _, e := range value[[]leave.Export](t, "read archives")(in.Leave.Exports(ctx, v.Account)) {
		if e.Run == run.ID {
			if text := in.verified(t, e); !strings.Contains(text, "latewroteit") {
				t.Error("the archive that was asked for after the stop does not have what they wrote")
			}
			return
		}
	}
	t.Error("no archive was made of a late request")
}

// letters keeps what was sent.
type letters struct {
	mu   sync.Mutex
	list []string
}

func (l *letters) Send(_ context.Context, to string, message []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, to+"\n"+strings.ReplaceAll(string(message), "=\r\n", ""))
	return nil
}

func (l *letters) Sender() mail.Address { return mail.Address{Address: "notices@exeunt.test"} }

var linkForm = regexp.MustCompile(`https?://exeunt\.test(/archives/[a-z0-9]+)`)

// link gives the path of the newest link to an archive that was sent.
func (l *letters) link(t *testing.T) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.list) - 1; i >= 0; i-- {
		if m := linkForm.FindStringSubmatch(l.list[i]); m != nil {
			return m[1]
		}
	}
	t.Fatalf("no link in %d letters: %v", len(l.list), l.list)
	return ""
}

// TestArchiveLink has an archive fetched by a link from an e-mail: looking uses nothing up, a tap does, once; the download can be gone on with for a day.
func TestArchiveLink(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		viewers, _ := square(t, in)
		post := &letters{}
		in.options.Mail = post
		in = reopen(t, in.options, in.machine)
		v, guest := viewers["writer"], who.Viewer{}
		bindMail(t, in, post, v)
		s := in.endIn(t, "circle")
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly)), "go on")
		in.travel(t, 1)
		e := in.made(t, v.Account)["circle"]
		old := post.link(t)
		path := value[string](t, "make link")(in.Sunsets.Link(ctx, v.Account, e.Run))
		for name, run := range map[string]string{"somebody else's": in.made(t, viewers["late"].Account)["circle"].Run, "no": "nosuchrun"} {
			if got := value[string](t, "make link")(in.Sunsets.Link(ctx, v.Account, run)); got != "" {
				t.Errorf("there is a link to %s archive", name)
			}
		}
		want := func(what, method, path string, code int, headers ...string) *httptest.ResponseRecorder {
			t.Helper()
			w := in.as(t, guest, method, path, headers...)
			if w.Code != code {
				t.Errorf("%s: %d, want %d", what, w.Code, code)
			}
			return w
		}
		want("a link after which another was sent", "GET", old, http.StatusNotFound)
		for range 3 {
			if w := want("looking", "GET", path, http.StatusOK); !strings.Contains(w.Body.String(), `method="post"`) || strings.Contains(w.Body.String(), v.Name) || w.Header().Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("the page is %s", w.Body)
			}
		}
		want("a post from elsewhere", "POST", path, http.StatusForbidden, "Sec-Fetch-Site", "cross-site")
		files := want("a tap", "POST", path, http.StatusSeeOther).Header().Get("Location")
		want("a second tap", "POST", path, http.StatusNotFound)
		want("looking after it", "GET", path, http.StatusNotFound)
		want("the files", "GET", files, http.StatusOK)
		want("the link's own secret among the files", "GET", "/archives/files/"+strings.TrimPrefix(path, "/archives/"), http.StatusNotFound)
		file := files + "/" + e.Volumes[0].ID.String() + "/" + e.Volumes[0].Name
		other := in.made(t, viewers["late"].Account)["circle"].Volumes[0]
		want("somebody else's file", "GET", files+"/"+other.ID.String()+"/"+other.Name, http.StatusNotFound)
		first := want("the beginning", "GET", file, http.StatusPartialContent, "Range", "bytes=0-99").Body.Bytes()
		in.machine.Add(23 * time.Hour)
		rest := want("the rest, hours later", "GET", file, http.StatusPartialContent, "Range", "bytes=100-").Body.Bytes()
		if whole := in.as(t, v, "GET", href(e)).Body.Bytes(); !bytes.Equal(append(first, rest...), whole) || len(whole) == 0 {
			t.Errorf("the pieces have %d + %d bytes, and are not the archive of %d", len(first), len(rest), len(whole))
		}
		if sums := value[sunset.Exports](t, "count")(in.Sunsets.ExportsOf(ctx, s.ID)); sums.Fetched != 1 {
			t.Errorf("%d were fetched, want 1", sums.Fetched)
		}
		in.machine.Add(2 * time.Hour)
		want("the files a day later", "GET", files, http.StatusNotFound)
		want("a file a day later", "GET", file, http.StatusNotFound)
		last := value[string](t, "make link")(in.Sunsets.Link(ctx, v.Account, e.Run))
		must(t, in.DB.Move(ctx, s.Calendar.Late), "go on to where nothing is kept")
		want("a link that is over", "GET", last, http.StatusNotFound)
		want("tapping it", "POST", last, http.StatusNotFound)
		in.wantNoLinks(t, path, files, last, old)
	})
}

// wantNoLinks has links that are over swept, and looks for their secrets in the log.
func (in *install) wantNoLinks(t *testing.T, paths ...string) {
	t.Helper()
	for n := int64(1); n > 0; {
		n = value[int64](t, "sweep")(in.Sunsets.Sweep(t.Context(), 1))
	}
	var links int
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from archive_links`).Scan(&links), "count links")
	if links != 0 {
		t.Errorf("%d links are left", links)
	}
	for _, path := range paths {
		if bytes.Contains(in.log.Bytes(), []byte(path[strings.LastIndex(path, "/")+1:])) {
			t.Errorf("the log has the secret of %s", path)
		}
	}
}

// bindMail gives an account a proven address.
func bindMail(t *testing.T, in *install, post *letters, v who.Viewer) {
	t.Helper()
	must(t, in.Notices.Bind(t.Context(), v, "writer@example.com"), "bind address")
	in.settle(t)
	token := regexp.MustCompile(`/mail/prove/([a-z0-9]+)`).FindStringSubmatch(post.list[len(post.list)-1])
	if token == nil {
		t.Fatalf("no proof in %s", post.list)
	}
	must(t, in.Notices.Prove(t.Context(), token[1]), "prove address")
}

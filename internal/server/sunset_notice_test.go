package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
)

// laterFile gives the calendar of sunsetFile with its stop and the erasure so many days later.
func laterFile(src []byte, now time.Time, days int) []byte {
	day := func(n int) []byte { return []byte(now.AddDate(0, 0, n).Format(time.DateOnly)) }
	src = bytes.Replace(src, append([]byte("stopped: "), day(214)...), append([]byte("stopped: "), day(214+days)...), 1)
	return bytes.Replace(src, append([]byte("erased: "), day(245)...), append([]byte("erased: "), day(245+days)...), 1)
}

// document is what programs read of a notice.
type document struct {
	State, Phase string
	Version      int
	Phases       []struct {
		Phase            string
		At, First, Began time.Time
		Allows           []string
	}
	Versions []struct {
		Version int
		Why     string
		Changes []struct {
			What    string
			Was, Is time.Time
		}
	}
}

// document reads the notice of sunsetFile as programs do.
func (in *install) document(t *testing.T) (d document) {
	t.Helper()
	w := in.as(t, who.Viewer{}, "GET", "/sunsets/the-end.json")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("the document answers %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
	must(t, json.Unmarshal(w.Body.Bytes(), &d), "read document")
	return d
}

// shows asks that a page has some words, and lacks others (those that begin with "!").
func (in *install) shows(t *testing.T, v who.Viewer, path string, words ...string) {
	t.Helper()
	w := in.as(t, v, "GET", path)
	body := w.Body.String()
	if w.Code != http.StatusOK {
		t.Errorf("%s answers %d", path, w.Code)
	}
	for _, word := range words {
		if lacks, negative := strings.CutPrefix(word, "!"); negative == strings.Contains(body, lacks) {
			t.Errorf("%s of %q: want %q\n%s", path, v.Name, word, body)
		}
	}
}

// told counts what an account was told of endings.
func (in *install) told(t *testing.T, v who.Viewer) (n int) {
	t.Helper()
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from notices where account_id = $1 and kind = 'sunset'`, int64(v.Account)).Scan(&n), "count notices")
	return n
}

// wantTold asks how often people were told, by their names.
func (in *install) wantTold(t *testing.T, when string, people map[string]who.Viewer, want map[string]int) {
	t.Helper()
	for name, n := range want {
		if got := in.told(t, people[name]); got != n {
			t.Errorf("%s: %s was told %d times, want %d", when, name, got, n)
		}
	}
}

// shanghai is the zone of the installs' policy, and of guests.
var shanghai = time.FixedZone("", 8*3600)

func longDate(at time.Time) string { return at.In(shanghai).Format("2 January 2006") }

// inShanghai gives a calendar's file with the zone in which its readers are, and an apology.
func inShanghai(src []byte) []byte {
	src = bytes.Replace(src, []byte("zone: UTC"), []byte("zone: Asia/Shanghai"), 1)
	return append(src, "apology: {en: We could not keep it.}\n"...)
}

// TestNotice follows a notice from its publishing over a postponement to its withdrawal: the page, what programs read, the feed, the file of dates, Home, and
// what everybody concerned is told, once.
func TestNotice(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		people, _ := square(t, in)
		mail := &letters{}
		in.options.Mail = mail
		in = reopen(t, in.options, in.machine)
		guest, writer := who.Viewer{}, people["writer"]
		bindMail(t, in, mail, writer)
		_, err := in.DB.Writer.ExecContext(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, 'en', '', '', '') on conflict (account_id) do update set language = 'en'`, int64(writer.Account))
		must(t, err, "choose a language")
		in.agree(t, exit.Ask{Subject: leave.SubjectOf(people["hibernating"].Account, ""), Journey: exit.Hibernate})
		in.shows(t, guest, "/sunsets", "Nothing is ending.")
		in.shows(t, guest, "/", "!the-end")

		now := value[time.Time](t, "read clock")(in.DB.Now(ctx))
		src := inShanghai(sunsetFile(now, "circle"))
		s := in.endBy(t, src, "")
		in.settle(t)
		readOnly, stop := s.Calendar.At(exit.ReadOnly), s.Calendar.At(exit.Stopped)
		once := map[string]int{"writer": 1, "owner": 1, "hibernating": 1, "busy": 1, "stranger": 0, "operator": 0}
		in.wantTold(t, "at the announcement", people, once)
		in.again(t, s, exit.Announced)
		in.wantTold(t, "after the step was repeated", people, once)
		in.shows(t, guest, "/sunsets", `href="/sunsets/the-end"`, "posting stops on "+longDate(readOnly))
		in.shows(t, guest, "/sunsets/the-end", "We go another way.", "Ask us.", "We could not keep it.", "Posting stops", "Until "+longDate(readOnly.AddDate(0, 0, -1)), "Take a copy along", "!What has changed", "!Withdrawn")
		in.shows(t, writer, "/notices", "it stops on "+longDate(stop), "What you want to keep can be taken along now", `href="/sunsets/the-end"`)
		for _, v := range []who.Viewer{guest, writer, people["stranger"]} {
			in.shows(t, v, "/", `href="/sunsets/the-end"`)
		}
		mail.want(t, "it stops on "+longDate(stop), "exeunt.test/sunsets/the-end/calendar.ics")
		if d := in.document(t); d.State != "open" || d.Phase != exit.Announced || d.Version != 1 || len(d.Phases) != 5 || !d.Phases[1].At.Equal(readOnly) || slices.Contains(d.Phases[1].Allows, exit.AllowWrite) {
			t.Errorf("the document is %+v", d)
		}
		in.wantCalendarFile(t, 0, 5, 0)

		in.postponed(t, people, src, now)
		in.reminded(t, people, stop.AddDate(0, 0, 60))

		must(t, in.Sunsets.Withdraw(ctx, "the-end"), "withdraw")
		in.settle(t)
		in.shows(t, guest, "/sunsets/the-end", "Withdrawn on ", "!We could not keep it.", "!What you can still do", "!Fetch my archive")
		in.shows(t, guest, "/", "!the-end")
		in.shows(t, writer, "/notices", "was withdrawn", "!it stops on")
		in.wantCalendarFile(t, 2, 5, 2)
		if got := strings.Count(in.as(t, guest, "GET", "/sunsets/feed.xml").Body.String(), "<item>"); got != 3 {
			t.Errorf("the feed has %d entries, want two versions and the withdrawal", got)
		}
	})
}

// again has a step of a sunset carried out once more, as after a crash.
func (in *install) again(t *testing.T, s sunset.Sunset, word string) {
	t.Helper()
	must(t, in.DB.Update(t.Context(), func(ctx context.Context) error {
		now, err := in.DB.Now(ctx)
		if err != nil {
			return err
		}
		return in.Sunsets.Holder().Phase(ctx, exit.Task{Run: s.Run, Step: "phase:" + word, Subject: s.Calendar.Ends, Choice: word, Now: now})
	}), "repeat a step")
	in.settle(t)
}

// want asks that a letter with all of the words was sent.
func (l *letters) want(t *testing.T, words ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, letter := range l.list {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(letter, word) }) {
			return
		}
	}
	t.Errorf("of %d letters none has %q: %q", len(l.list), words, l.list)
}

// wantCalendarFile reads the file of dates: a sequence, so many entries, and so many of them cancelled.
func (in *install) wantCalendarFile(t *testing.T, sequence, entries, cancelled int) {
	t.Helper()
	w := in.as(t, who.Viewer{}, "GET", "/sunsets/the-end/calendar.ics")
	body := w.Body.String()
	if got := w.Header().Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Errorf("the file is %q", got)
	}
	for line, n := range map[string]int{"BEGIN:VEVENT\r\n": entries, "UID:": entries, fmt.Sprintf("SEQUENCE:%d\r\n", sequence): entries, "STATUS:CANCELLED\r\n": cancelled, "SUMMARY:Circles: ": entries} {
		if got := strings.Count(body, line); got != n {
			t.Errorf("the file has %q %d times, want %d:\n%s", line, got, n, body)
		}
	}
}

// postponed publishes a later version, after the read-only instant, and looks for what changed.
func (in *install) postponed(t *testing.T, people map[string]who.Viewer, src []byte, now time.Time) {
	t.Helper()
	uids := in.uids(t)
	in.travel(t, 40)
	in.wantTold(t, "after writing ceased", people, map[string]int{"writer": 2, "hibernating": 2, "stranger": 0})
	in.shows(t, people["writer"], "/notices", "posting stopped on "+longDate(now.AddDate(0, 0, 31)), "has not been fetched yet. It is kept until "+longDate(now.AddDate(0, 0, 244)))
	in.endBy(t, laterFile(src, now, 60), "Taking along takes longer than we thought.")
	in.settle(t)
	in.wantTold(t, "after a later version", people, map[string]int{"writer": 3, "hibernating": 3, "stranger": 0})
	was, is := now.AddDate(0, 0, 214), now.AddDate(0, 0, 274)
	in.shows(t, who.Viewer{}, "/sunsets/the-end", "What has changed", "Taking along takes longer than we thought.", "from "+longDate(was)+" to "+longDate(is), "from "+longDate(now.AddDate(0, 0, 244))+" to "+longDate(now.AddDate(0, 0, 304)), "Version 2, ", "Not since "+longDate(now.AddDate(0, 0, 31)))
	d := in.document(t)
	if len(d.Versions) != 2 || d.Versions[0].Version != 2 || d.Versions[0].Why == "" || len(d.Versions[0].Changes) != 3 || d.Versions[0].Changes[0].What != exit.Stopped {
		t.Errorf("the versions are %+v", d.Versions)
	}
	for _, p := range d.Phases {
		if p.Phase == exit.Stopped && (p.First.Equal(p.At) || !p.Began.IsZero()) || p.Phase == exit.ReadOnly && p.Began.IsZero() {
			t.Errorf("%s is %+v", p.Phase, p)
		}
	}
	in.wantCalendarFile(t, 1, 5, 0)
	if got := in.uids(t); !slices.Equal(got, uids) {
		t.Errorf("the entries of the later version are called %q, were %q", got, uids)
	}
}

// uids gives the names of the entries in the file of dates.
func (in *install) uids(t *testing.T) (out []string) {
	t.Helper()
	for line := range strings.Lines(in.as(t, who.Viewer{}, "GET", "/sunsets/the-end/calendar.ics").Body.String()) {
		if strings.HasPrefix(line, "UID:") {
			out = append(out, line)
		}
	}
	return out
}

// reminded goes on to the day after the reminder of 90 days; who has fetched their archive is not told that they did not.
func (in *install) reminded(t *testing.T, people map[string]who.Viewer, stop time.Time) {
	t.Helper()
	ctx := t.Context()
	writer, busy := people["writer"], people["busy"]
	in.fetch(t, busy, in.made(t, busy.Account)["circle"])
	now := value[time.Time](t, "read clock")(in.DB.Now(ctx))
	in.travel(t, int(stop.Sub(now).Hours()/24)-89)
	in.wantTold(t, "after the reminder", people, map[string]int{"writer": 4, "busy": 4, "stranger": 0})
	in.shows(t, writer, "/notices", "it stops on "+longDate(stop), "The archive made for you has not been fetched yet.")
	in.shows(t, busy, "/notices", "it stops on "+longDate(stop), "!The archive made for you")
}

// TestNoticeComes asks that nobody but the operator reads a notice before its day, and that of one that never came nothing is left to read.
func TestNoticeComes(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		people, _ := square(t, in)
		now := value[time.Time](t, "read clock")(in.DB.Now(ctx))
		src := bytes.Replace(sunsetFile(now, "circle"), []byte("announced: "+now.Format(time.DateOnly)), []byte("announced: "+now.AddDate(0, 0, 2).Format(time.DateOnly)), 1)
		in.endBy(t, src, "")
		in.settle(t)
		for _, path := range []string{"/sunsets/the-end", "/sunsets/the-end.json", "/sunsets/the-end/calendar.ics", "/sunsets/no-such", "/sunsets/the-end/picture"} {
			if w := in.as(t, people["writer"], "GET", path); w.Code != http.StatusNotFound {
				t.Errorf("%s answers %d before its day", path, w.Code)
			}
		}
		in.shows(t, people["operator"], "/sunsets/the-end", "We go another way.")
		in.shows(t, who.Viewer{}, "/sunsets", "Nothing is ending.")
		in.shows(t, who.Viewer{}, "/sunsets/feed.xml", "!<item>")
		in.wantTold(t, "before the day", people, map[string]int{"writer": 0})
		in.travel(t, 3)
		in.shows(t, people["writer"], "/sunsets/the-end", "We go another way.")
		in.wantTold(t, "on the day", people, map[string]int{"writer": 1})
	})
}

// TestNoticePicture puts a picture on a notice, replaces it and takes it away.
func TestNoticePicture(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		in.endIn(t, "channel")
		in.shows(t, who.Viewer{}, "/sunsets/the-end", "From 08:00. ", "Terms count in UTC.")
		if err := in.Sunsets.SetPicture(ctx, "the-end", strings.NewReader("no picture")); exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is no picture: %v", err)
		}
		if err := in.Sunsets.SetPicture(ctx, "no-such", bytes.NewReader(picture(3))); exit.KindOf(err) != exit.NotFound {
			t.Errorf("the picture of no notice: %v", err)
		}
		address := func() string {
			_, after, _ := strings.Cut(in.as(t, who.Viewer{}, "GET", "/sunsets/the-end").Body.String(), `src="/sunsets/the-end/picture?`)
			version, _, _ := strings.Cut(after, `"`)
			return version
		}
		if got := address(); got != "" {
			t.Errorf("there is a picture %q before one was put", got)
		}
		must(t, in.Sunsets.SetPicture(ctx, "the-end", bytes.NewReader(picture(3))), "put a picture")
		first := address()
		w := in.as(t, who.Viewer{}, "GET", "/sunsets/the-end/picture?"+first)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "image/") || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("the picture answers %d, %v, %d bytes", w.Code, w.Header(), w.Body.Len())
		}
		must(t, in.Sunsets.SetPicture(ctx, "the-end", bytes.NewReader(picture(4))), "put another")
		if second := address(); second == first || second == "" {
			t.Errorf("the other picture's version is %q, was %q", second, first)
		}
		must(t, in.Sunsets.SetPicture(ctx, "the-end", nil), "take it away")
		if w := in.as(t, who.Viewer{}, "GET", "/sunsets/the-end/picture"); address() != "" || w.Code != http.StatusNotFound {
			t.Errorf("a picture that was taken away answers %d", w.Code)
		}
	})
}

// TestNoticeAudience asks who is told of the ending of a service, of one circle, of the install: who has something there, and nobody else.
func TestNoticeAudience(t *testing.T) {
	for name, c := range map[string]struct {
		ends string // RING stands for the circle, OTHER for one that is the stranger's own
		want map[string]int
	}{
		"a service":       {"page", map[string]int{"stranger": 1, "writer": 0, "owner": 0, "operator": 0}},
		"a circle":        {"circle:RING", map[string]int{"stranger": 0, "writer": 1, "late": 1, "owner": 1, "operator": 0}},
		"another circle":  {"circle:OTHER", map[string]int{"stranger": 1, "writer": 0, "owner": 0, "operator": 0}},
		"the whole place": {"install", map[string]int{"stranger": 1, "writer": 1, "owner": 1, "operator": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			eachInstall(t, func(t *testing.T, in *install) {
				ctx := t.Context()
				people, ring := square(t, in)
				stranger := people["stranger"]
				other := value[who.ID](t, "make circle")(in.Circles.Create(ctx, stranger, circle.Draft{Name: "other", Mode: circle.Open}))
				_, err := in.Posts.Write(ctx, stranger, post.Draft{Service: post.Page, Audience: "public", Text: "at home"})
				must(t, err, "write")
				in.endIn(t, strings.NewReplacer("RING", ring.String(), "OTHER", other.String()).Replace(c.ends))
				in.settle(t)
				in.wantTold(t, "at the announcement", people, c.want)
				// A circle's ending stands before its members, all else before everybody.
				for who, n := range map[string]int{"stranger": c.want["stranger"], "writer": c.want["writer"]} {
					word := `href="/sunsets/the-end"`
					if n == 0 && strings.HasPrefix(c.ends, "circle:") {
						word = "!" + word
					}
					in.shows(t, people[who], "/", word)
				}
			})
		})
	}
}

// TestNoticeAtTheEnd asks what is read when all is erased: the certificate, and until when archives can still be fetched.
func TestNoticeAtTheEnd(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		people, _ := square(t, in)
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		late := now.AddDate(0, 0, 300)
		s := in.endBy(t, bytes.Replace(inShanghai(sunsetFile(now, "circle")), []byte("title:"), fmt.Appendf(nil, "late_requests: %s\ntitle:", late.Format(time.DateOnly)), 1), "")
		in.travel(t, 220)
		in.shows(t, who.Viewer{}, "/sunsets/the-end", "it has stopped, and its content is erased from "+longDate(s.Calendar.At(exit.Erased)), "Fetch my archive", "!See the certificate")
		in.shows(t, people["stranger"], "/", `href="/sunsets/the-end"`)
		in.travel(t, 30)
		in.shows(t, who.Viewer{}, "/sunsets/the-end", "Everything was erased by ", `href="/sunsets/the-end/certificate"`, "Fetch my archive", "Until "+longDate(late.AddDate(0, 0, -1)), "!Take a copy along", "!Not since")
		in.shows(t, people["writer"], "/notices", "The archive made for you has not been fetched yet.")
		in.shows(t, people["stranger"], "/", `!href="/sunsets/the-end"`)
		in.travel(t, 60)
		in.shows(t, who.Viewer{}, "/sunsets/the-end", "Everything was erased by ", "!Fetch my archive")
		if d := in.document(t); d.State != "ended" || d.Phase != exit.Erased {
			t.Errorf("the document is %+v", d)
		}
	})
}

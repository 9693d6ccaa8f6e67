package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/sunset"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// desk is the operator at the pages of an install.
type desk struct {
	t       *testing.T
	in      *install
	handler http.Handler
	cookie  string
	viewer  who.Viewer
}

func newDesk(t *testing.T, in *install) *desk {
	t.Helper()
	ctx := t.Context()
	token, _, err := in.Accounts.FirstStart(ctx)
	must(t, err, "start first")
	op, err := in.Accounts.MakeOperator(ctx, token, "operatorone", password)
	must(t, err, "make operator")
	d := &desk{t: t, in: in, handler: in.Handler(), viewer: who.Viewer{Person: op.Person, Account: op.Account, Name: "operatorone", Operator: true, State: who.Active}}
	d.cookie = value[string](t, "begin session")(in.Accounts.Begin(ctx, op.Person, op.Account, ""))
	return d
}

// answer is a page, or where one is led.
type answer struct {
	status int
	body   []byte
	header http.Header
}

func (d *desk) ask(method, path string, form url.Values) answer {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "en")
	r.AddCookie(&http.Cookie{Name: "session", Value: d.cookie})
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return answer{w.Code, w.Body.Bytes(), w.Header()}
}

// wants fails unless the answer has a status.
func (a answer) wants(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("the answer is %d, want %d:\n%s", a.status, status, said(a.body))
	}
	return a
}

// said gives the words of a page's main part.
func said(body []byte) string {
	_, text, _ := strings.Cut(string(body), `<main`)
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader("<main" + text)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " ")
		case html.TextToken:
			b.Write(z.Text())
			b.WriteByte(' ')
		default:
		}
	}
}

// fields gives what the form with an action would send: as a browser fills it in, without a button.
func (a answer) fields(t *testing.T, action string) url.Values {
	t.Helper()
	out := url.Values{}
	inside, area, choice := false, "", ""
	for z := html.NewTokenizer(bytes.NewReader(a.body)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			if len(out) == 0 {
				t.Fatalf("there is no form that posts to %s:\n%s", action, said(a.body))
			}
			return out
		}
		token := z.Token()
		at := map[string]string{}
		for _, x := range token.Attr {
			at[x.Key] = x.Val
		}
		_, selected := at["selected"]
		_, checked := at["checked"]
		switch {
		case kind == html.StartTagToken && token.Data == "form":
			inside = at["action"] == action
		case kind == html.EndTagToken && token.Data == "form":
			inside = false
		case !inside:
		case kind == html.TextToken && area != "":
			out.Set(area, strings.TrimPrefix(token.Data, "\n"))
		case kind == html.EndTagToken && token.Data == "textarea":
			area = ""
		case token.Data == "textarea":
			area = at["name"]
			out.Set(area, "")
		case token.Data == "select":
			choice = at["name"]
		case token.Data == "option" && selected:
			out.Set(choice, at["value"])
		case token.Data == "input" && (at["type"] != "checkbox" || checked):
			out.Set(at["name"], at["value"])
		}
	}
}

// typed are the fields of a calendar as somebody fills them in.
func typed(in *install, t *testing.T, ends string) url.Values {
	t.Helper()
	day := func(n int) string {
		return value[time.Time](t, "read clock")(in.DB.Now(t.Context())).AddDate(0, 0, n).Format(time.DateOnly)
	}
	return url.Values{
		"ends": {ends}, "name": {"the-end"}, "zone": {"UTC"}, "remind": {"30, 7、1"},
		"phases.announced": {day(0)}, "phases.read-only": {day(31)}, "phases.read-only.time": {"10:30"}, "phases.stopped": {day(214)}, "phases.erased": {day(245)},
		"phases.read-only.says.zh": {"只能读了：\r\n\r\n不再写 # 也不再评论"}, "late_requests": {day(240)},
		"title.zh": {"圈子「停运」"}, "title.en": {`The "end": # of it`}, "reason.en": {"We go another way.\r\n- slowly\r\n- \"surely\""}, "ask.zh": {"问：我们"}, "charges.zh": {"不收费。\r\n没有要退的"},
		"successor": {"https://example.org/next?a=b#c"}, "profiles.cn": {"1"}, "profiles.eu-da": {"1"}, "override": {"because: it must"},
	}
}

const (
	newCalendar  = "/operator/calendar"
	previewThere = newCalendar + "/preview"
	fileThere    = newCalendar + "/file"
	publishThere = newCalendar + "/publish"
)

// TestCalendarForm sends what is typed for a file, puts the file into the form, and wants the same file of what the form then holds.
func TestCalendarForm(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		d := newDesk(t, in)
		ring := value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), d.viewer, circle.Draft{Name: "ring", Mode: circle.Open}))
		for _, ends := range []string{"circle", "install", "place"} {
			form := typed(in, t, ends)
			if form.Set("circle", "https://exeunt.test/circles/"+ring.String()+"?tab=talk"); ends == "install" {
				form.Del("late_requests") // with its accounts, to the day
			}
			file := d.ask(http.MethodPost, fileThere, form).wants(t, http.StatusOK)
			if got := file.header.Get("Content-Disposition"); got != `attachment; filename="the-end.yaml"` {
				t.Errorf("the file is sent as %s", got)
			}
			cal := value[*exit.SunsetCalendar](t, "read the file")(exit.ParseSunset(file.body))
			if want := map[string]string{"place": "circle:" + ring.String(), "install": "", "circle": "circle"}[ends]; cal.Ends.Part() != want {
				t.Errorf("it ends %q, want %q", cal.Ends.Part(), want)
			}
			if got := cal.Reason["en"]; got != "We go another way.\n- slowly\n- \"surely\"" {
				t.Errorf("the reason is %q", got)
			}
			page := d.ask(http.MethodPost, newCalendar, url.Values{"file": {string(file.body)}}).wants(t, http.StatusOK)
			again := d.ask(http.MethodPost, fileThere, page.fields(t, previewThere)).wants(t, http.StatusOK)
			if !bytes.Equal(again.body, file.body) {
				t.Errorf("what the form holds makes\n%s\nthe file was\n%s", again.body, file.body)
			}
		}
		wantPointedOut(t, d, in)
	})
}

// wantPointedOut wants each thing that cannot be read pointed out at its field, and nothing published.
func wantPointedOut(t *testing.T, d *desk, in *install) {
	t.Helper()
	for field, text := range map[string]string{
		"name": "The End", "zone": "Mars/Base", "phases.stopped": "soon", "phases.announced": "", "late_requests": "2001-01-01", "remind": "a while", "title.en": "turned \u202eround",
		"successor": "http://example.org", "ends": "shop", "circle": "/circles/12345678",
	} {
		form := typed(in, t, "circle")
		if field == "circle" {
			form.Set("ends", "place")
		}
		form.Set(field, text)
		got := d.ask(http.MethodPost, previewThere, form)
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s %q is answered with %d:\n%s", field, text, got.status, said(got.body))
			continue
		}
		at := field
		if field == "circle" {
			at = "ends" // there is no such circle: what ends is wrong
		}
		if !strings.Contains(string(got.body), `id="`+at+`-error"`) {
			t.Errorf("what is wrong with %s %q is not said at its field:\n%s", field, text, said(got.body))
		}
	}
	got := d.ask(http.MethodPost, newCalendar, url.Values{"file": {"version: 1\nname: [a]\nzone: UTC\n"}}).wants(t, http.StatusUnprocessableEntity)
	if text := said(got.body); !strings.Contains(text, "Line 2, name: ") {
		t.Errorf("a broken file is not told by its lines: %s", text)
	}
	broken := url.Values{"file": {"version: 1\nname: The End\nzone: UTC\nphases: {stopped: soon}\ncolour: red\n"}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, newCalendar, strings.NewReader(broken.Encode()))
	body := in.asked(t, d.viewer, r, "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "zh-CN").Body.String()
	for _, words := range []string{"第 2 行，name：请用小写字母", "第 4 行，phases.stopped：请填日期", "第 5 行，colour：这里读不懂。", `<span class="soft" lang="en">`} {
		if !strings.Contains(body, words) {
			t.Errorf("in Chinese a broken file is not told by %q: %s", words, said([]byte(body)))
		}
	}
	big := d.ask(http.MethodPost, previewThere, url.Values{"title.en": {strings.Repeat("x", 2<<20)}}).wants(t, http.StatusUnprocessableEntity)
	if text := said(big.body); !strings.Contains(text, "larger than allowed") {
		t.Errorf("a form of 2 MiB is answered with %s", text)
	}
	if list := value[[]sunset.Sunset](t, "list")(in.Sunsets.Page(t.Context(), 0, 1)); len(list) != 0 {
		t.Errorf("%s was published", list[0].Name)
	}
}

// TestPublishThere publishes what was previewed, postpones it with a reason, and withdraws it.
func TestPublishThere(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		d := newDesk(t, in)
		member := in.signUp(t, "memberone")
		ring := value[who.ID](t, "make circle")(in.Circles.Create(ctx, member, circle.Draft{Name: "ring", Mode: circle.Open}))
		value[who.ID](t, "write")(in.Posts.Write(ctx, member, post.Draft{Service: circle.Name, Place: ring, Text: "written"}))
		form := typed(in, t, "circle")
		form.Del("override")
		form.Del("successor")
		form.Del("charges.zh")
		page := d.ask(http.MethodPost, previewThere, form).wants(t, http.StatusOK)
		for _, words := range []string{"SU-02", "Charges and refunds", "SU-03", "个人信息保护法 22", "1 account", "2 archives", "Erasing begins", "Everybody’s archive", "What owners of circles left to be read, until"} {
			if !strings.Contains(said(page.body), words) {
				t.Errorf("the preview does not say %q:\n%s", words, said(page.body))
			}
		}
		agreed := page.fields(t, publishThere)
		if got := d.ask(http.MethodPost, publishThere, agreed); got.status != http.StatusConflict {
			t.Errorf("published without consent: %d", got.status)
		}
		agreed.Set("consent", "1")
		other := url.Values{"file": agreed["file"], "consent": {"1"}, "hash": {"0"}, "seen": {"2020-01-01 Something else"}}
		changed := d.ask(http.MethodPost, publishThere, other).wants(t, http.StatusConflict)
		if text := said(changed.body); !strings.Contains(text, "Something else") || !strings.Contains(text, "What has changed") {
			t.Errorf("a changed plan is not told: %s", text)
		}
		to := d.ask(http.MethodPost, publishThere, agreed).wants(t, http.StatusSeeOther).header.Get("Location")
		if to != "/operator/sunsets/the-end" {
			t.Fatalf("publishing leads to %s", to)
		}
		d.wantStatus(to, "Version 1", "not yet", "Announced")
		if text := said(d.ask(http.MethodGet, to, nil).body); strings.Contains(text, "First published") {
			t.Errorf("dates that never moved are told twice: %s", text)
		}

		postpone := d.ask(http.MethodGet, to+"/extend", nil).wants(t, http.StatusOK)
		for _, part := range []string{ui.AssetURL(ui.TimelineSheet), ` required></textarea>`} {
			if !strings.Contains(string(postpone.body), part) {
				t.Errorf("the form to postpone has no %s", part)
			}
		}
		later := postpone.fields(t, to+"/extend")
		stop := value[time.Time](t, "read date")(time.Parse(time.DateOnly, later.Get("phases.stopped")))
		later.Set("phases.stopped", stop.AddDate(0, 0, -1).Format(time.DateOnly))
		early := d.ask(http.MethodPost, to+"/extend", later).wants(t, http.StatusUnprocessableEntity)
		if !strings.Contains(string(early.body), `id="phases.stopped-error"`) || !strings.Contains(said(early.body), "“Stopped” was published for") {
			t.Errorf("an earlier date is not pointed out: %s", said(early.body))
		}
		later.Set("phases.stopped", stop.AddDate(0, 0, 10).Format(time.DateOnly))
		page = d.ask(http.MethodPost, to+"/extend", later).wants(t, http.StatusOK)
		agreed = page.fields(t, publishThere)
		agreed.Set("consent", "1")
		if got := d.ask(http.MethodPost, publishThere, agreed); got.status != http.StatusConflict {
			t.Errorf("postponed without a reason: %d", got.status)
		}
		agreed.Set("why", "turned \u202eround")
		if got := d.ask(http.MethodPost, publishThere, agreed); got.status != http.StatusConflict {
			t.Errorf("postponed with a reason that turns around: %d", got.status)
		}
		agreed.Set("why", "more time to pack")
		d.ask(http.MethodPost, publishThere, agreed).wants(t, http.StatusSeeOther)
		d.wantStatus(to, "Version 2", "more time to pack", "First published")
		s := value[sunset.Sunset](t, "read sunset")(in.Sunsets.Named(ctx, "the-end"))
		if got := s.Calendar.At(exit.Stopped); !got.Equal(stop.AddDate(0, 0, 10)) {
			t.Errorf("it stops on %v, want ten days after %v", got, stop)
		}
		if got := s.Calendar.Title["zh"]; got != "圈子「停运」" {
			t.Errorf("its title is %q after it was postponed", got)
		}

		d.ask(http.MethodPost, to+"/withdraw", nil).wants(t, http.StatusSeeOther)
		d.wantStatus(to, "Withdrawn")
		d.ask(http.MethodGet, to+"/extend", nil).wants(t, http.StatusNotFound)
	})
}

// wantStatus wants a page of a calendar, and the list, to say how it stands.
func (d *desk) wantStatus(path string, words ...string) {
	d.t.Helper()
	text := said(d.ask(http.MethodGet, path, nil).wants(d.t, http.StatusOK).body)
	for _, w := range words {
		if !strings.Contains(text, w) {
			d.t.Errorf("%s does not say %q:\n%s", path, w, text)
		}
	}
	if list := said(d.ask(http.MethodGet, "/operator/sunsets", nil).wants(d.t, http.StatusOK).body); !strings.Contains(list, `The "end": # of it`) {
		d.t.Errorf("the list does not have it: %s", list)
	}
	if got := d.ask(http.MethodGet, path+"/file", nil).wants(d.t, http.StatusOK); !strings.HasPrefix(string(got.body), "version: 1\n") {
		d.t.Errorf("the file is %s", fmt.Sprintf("%.80q", got.body))
	}
}

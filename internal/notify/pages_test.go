package notify_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// serve answers one request through the room's routes.
func serve(t *testing.T, r *notify.Room, v who.Viewer, lang ui.Lang, method, path string, form url.Values) (*httptest.ResponseRecorder, error) {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range r.Routes() {
		mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, req *http.Request) { failed = rt.Handle(w, req) })
	}
	req := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	ctx := ui.WithReader(req.Context(), ui.Reader{Lang: lang, Now: dbtest.Start, Zone: time.UTC})
	unread, err := r.Unread(ctx, v.Account)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, Path: path, Unread: unread, Now: dbtest.Start})))
	return w, failed
}

func wantWords(t *testing.T, name string, w *httptest.ResponseRecorder, words ...string) {
	t.Helper()
	body := w.Body.String()
	for _, word := range words {
		if not, is := strings.CutPrefix(word, "!"); is && strings.Contains(body, not) {
			t.Errorf("%s: the page has %q", name, not)
		} else if !is && !strings.Contains(body, word) {
			t.Errorf("%s: the page lacks %q", name, word)
		}
	}
	if strings.Contains(body, ">notify.") {
		t.Errorf("%s: a key is shown instead of its sentence", name)
	}
}

func TestCentre(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for lang, words := range map[ui.Lang][]string{
			ui.Chinese: {"<strong>e1、d1 和另外 3 人</strong> 看好你发的内容", "first words", "!second words", "<strong>a1</strong> 关注了你", "2026年12月28日是能回来的最后一天", "未读", `aria-label="提醒"`},
			ui.English: {"<strong>e1, d1 and 3 others</strong> liked something of yours", "first words", "!second words", "<strong>a1</strong> followed you", "28 December 2026 is the last day", "Unread", `aria-label="Notices"`},
		} {
			v := h.person(t, "viewer-"+string(lang))
			h.things.hidden[8] = true
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				by := h.person(t, name+"-"+string(lang))
				h.exec(t, `insert into profiles (account_id, display_name, bio, avatar, cover) values ($1, $2, '', '', '')`, int64(by.Account), name+"1")
				h.add(t, like(v, by, 7), like(v, by, 8))
				if name == "a" {
					h.add(t, notify.Notice{To: v.Account, Kind: notify.Follow, By: by.Account, On: who.Ref{Kind: "account", ID: v.Account}})
				}
			}
			h.add(t, notify.Notice{To: v.Account, Kind: notify.LastDay, On: who.Ref{Kind: "run", ID: 5}, Due: time.Date(2026, 12, 28, 12, 0, 0, 0, time.UTC)})
			w, err := serve(t, h.notices, v, lang, "GET", "/notices", nil)
			if err != nil {
				t.Fatal(err)
			}
			wantWords(t, string(lang), w, words...)
			h.wantUnread(t, v, 0, "after the page was seen")
			if w, err = serve(t, h.notices, v, lang, "GET", "/notices", nil); err != nil {
				t.Fatal(err)
			}
			wantWords(t, string(lang)+" again", w, "first words", "!"+words[5])
		}
		w, err := serve(t, h.notices, h.person(t, "nobody"), ui.English, "GET", "/notices", nil)
		if err != nil {
			t.Fatal(err)
		}
		wantWords(t, "empty", w, "No notices yet")
	})
}

// TestOlder asks that a page shows whole groups, leads to the next, and marks only what it has shown.
func TestOlder(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		v, jo := h.person(t, "viewer"), h.person(t, "jo")
		for i := range 45 {
			h.things.words[who.ID(100+i)] = fmt.Sprintf("words %d.", i)
			h.add(t, like(v, jo, who.ID(100+i)))
		}
		h.wantUnread(t, v, 45, "before")
		w, err := serve(t, h.notices, v, ui.English, "GET", "/notices", nil)
		if err != nil {
			t.Fatal(err)
		}
		wantWords(t, "first page", w, "words 44.", "words 15.", "!words 14.", "Mark all as read", `href="/notices?before=`)
		h.wantUnread(t, v, 15, "after the first page")
		_, rest, _ := strings.Cut(w.Body.String(), `href="/notices?before=`)
		before, _, _ := strings.Cut(rest, `"`)
		if w, err = serve(t, h.notices, v, ui.English, "GET", "/notices?before="+before, nil); err != nil {
			t.Fatal(err)
		}
		wantWords(t, "second page", w, "words 14.", "words 0.", "!words 15.", "!Mark all as read", `!href="/notices?before=`)
		h.add(t, like(v, jo, 7))
		if w, err = serve(t, h.notices, v, ui.English, "POST", "/notices/read", nil); err != nil || w.Header().Get("Location") != "/notices" {
			t.Errorf("leads to %q, %v", w.Header().Get("Location"), err)
		}
		h.wantUnread(t, v, 0, "all marked")
	})
}

func TestAnnouncementsInCentre(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		v := h.person(t, "viewer")
		if err := h.within(t, v, func(ctx context.Context, pass service.Pass) error {
			_, err := h.notices.Announce(ctx, pass, notify.Announcement{Text: "Tonight at ten.\nFor an hour <b>.", Link: "/about"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		w, err := serve(t, h.notices, v, ui.English, "GET", "/notices", nil)
		if err != nil {
			t.Fatal(err)
		}
		wantWords(t, "announced", w, "Tonight at ten.\nFor an hour &lt;b&gt;.", `href="/about"`, "Unread")
		h.wantUnread(t, v, 0, "after it was seen")
		leaving := v
		leaving.State = who.Closing
		if w, err = serve(t, h.notices, leaving, ui.English, "GET", "/notices", nil); err != nil {
			t.Fatal(err)
		}
		wantWords(t, "who is leaving", w, "!Tonight at ten")
	})
}

func TestSettings(t *testing.T) {
	eachMailHouse(t, func(t *testing.T, h *house, s *server) {
		v, jo := h.person(t, "viewer"), h.person(t, "jo")
		w, err := serve(t, h.notices, v, ui.Chinese, "GET", "/settings/notices", nil)
		if err != nil {
			t.Fatal(err)
		}
		wantWords(t, "at first", w, "看好", `name="centre-like"`, "发确认信", `!name="centre-sanctioned"`, `!name="mail-like"`)
		form := url.Values{"part": {"centre"}, "centre-comment": {"1"}}
		if w, err = serve(t, h.notices, v, ui.Chinese, "POST", "/settings/notices", form); err != nil || w.Code != http.StatusSeeOther {
			t.Fatal(w.Code, err)
		}
		h.add(t, like(v, jo, 7))
		h.wantUnread(t, v, 0, "likes are switched off")
		h.add(t, notify.Notice{To: v.Account, Kind: notify.Comment, By: jo.Account, On: post(7)})
		h.wantUnread(t, v, 1, "comments are not")
		if w, err = serve(t, h.notices, v, ui.English, "POST", "/settings/notices/address", url.Values{"address": {"not one"}}); err != nil || w.Code != http.StatusUnprocessableEntity {
			t.Fatal(w.Code, err)
		}
		wantWords(t, "a wrong address", w, "does not look like an e-mail address", `value="not one"`)
		h.bind(t, s, v, "viewer@example.com")
		if w, err = serve(t, h.notices, v, ui.English, "GET", "/settings/notices", nil); err != nil {
			t.Fatal(err)
		}
		wantWords(t, "with an address", w, "Notices are sent to viewer@example.com", `name="mail-like"`, `name="mail-sanctioned"`)
		if _, err = serve(t, h.notices, v, ui.English, "POST", "/settings/notices/address/remove", nil); err != nil {
			t.Fatal(err)
		}
		none := newHouse(h.d, nil)
		if w, err = serve(t, none.notices, v, ui.English, "GET", "/settings/notices", nil); err != nil {
			t.Fatal(err)
		}
		wantWords(t, "without a mail server", w, "!E-mail address", "!Send a confirmation")
		for _, path := range []string{"/mail/prove/nothing", "/mail/stop/1/like/nothing", "/mail/stop/1/gossip/nothing"} {
			if _, err := serve(t, h.notices, who.Viewer{}, ui.English, "GET", path, nil); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

package post_test

import (
	"bytes"
	"fmt"
	"image/color"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// ask answers one request through the room's routes, as the server would.
func (h *house) ask(t *testing.T, v who.Viewer, lang ui.Lang, req *http.Request) (*httptest.ResponseRecorder, error) {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, r := range h.posts.Routes() {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) { failed = r.Handle(w, req) })
	}
	ctx := ui.WithReader(req.Context(), ui.Reader{Lang: lang, Now: dbtest.Start})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, DisplayName: v.Name, Path: req.URL.Path})))
	return w, failed
}

// multi makes the request of the form to write.
func multi(t *testing.T, fields map[string]string, images ...[]byte) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for i, b := range images {
		f, err := form.CreateFormFile("images", fmt.Sprintf("%d.png", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("POST", "/write", &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	return req
}

func post303(t *testing.T, what string, w *httptest.ResponseRecorder, err error, prefix string) string {
	t.Helper()
	to := w.Header().Get("Location")
	if err != nil || w.Code != http.StatusSeeOther || !strings.HasPrefix(to, prefix) {
		t.Fatalf("%s: %d, leads to %q, want %s (%v)\n%s", what, w.Code, to, prefix, err, w.Body)
	}
	return to
}

func form(path string, fields url.Values) *http.Request {
	req := httptest.NewRequest("POST", path, strings.NewReader(fields.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// TestDraftOfWhoLeft has the draft for a circle that its author has left open for the own page, and go before nobody else unasked.
func TestDraftOfWhoLeft(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account] = true
		id, err := h.posts.SaveDraft(ctx, mira, post.Draft{Service: "circle", Place: 7, Text: "half a thought", Images: []post.Upload{upload(picture(color.White), "a line")}})
		if err != nil {
			t.Fatal(err)
		}
		path := "/write?draft=" + id.String()
		open := func(words ...string) {
			t.Helper()
			for _, lang := range []ui.Lang{ui.Chinese, ui.English} {
				w, err := h.ask(t, mira, lang, httptest.NewRequest("GET", path, nil))
				if err != nil || w.Code != http.StatusOK {
					t.Fatalf("the draft opens with %d, %v", w.Code, err)
				}
				for _, word := range append(words, "half a thought", "a line") {
					if without, missing := strings.CutPrefix(word, "-"); strings.Contains(w.Body.String(), without) == missing {
						t.Errorf("the form in %v: %q", lang, word)
					}
				}
			}
		}
		open(`value="circle:7"`, "Tea", `-name="audience"`)
		delete(h.members, mira.Account)
		open(`-value="circle:7"`, "-Tea", `name="audience"`, `value="only" selected`)
		if _, err := h.ask(t, jo, ui.English, httptest.NewRequest("GET", path, nil)); err == nil || exit.KindOf(err) != exit.NotFound {
			t.Errorf("another opens it: %v", err)
		}
		// A form that was opened before asks who is to see it.
		fields := map[string]string{"draft": id.String(), "in": "circle:7", "text": "a whole thought"}
		w, err := h.ask(t, mira, ui.English, multi(t, fields))
		if body := w.Body.String(); err != nil || w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, "a whole thought") || !strings.Contains(body, `value="only" selected`) {
			t.Errorf("sent from the form of the circle: %d, %v\n%s", w.Code, err, body)
		}
		if n := h.number(t, `select count(*) from posts where state <> 'draft'`); n != 0 {
			t.Errorf("%d posts are out", n)
		}
		fields["audience"] = "followers"
		w, err = h.ask(t, mira, ui.English, multi(t, fields))
		post303(t, "publish", w, err, "/posts/")
		p, err := h.posts.One(ctx, mira, id)
		if err != nil || p.Service != post.Page || p.Audience != who.FollowersOf(mira.Account) || p.Text != "a whole thought" || p.Images != 1 {
			t.Errorf("published: %+v, %v", p, err)
		}
	})
}

func TestPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account] = true
		w, err := h.ask(t, mira, ui.Chinese, multi(t, map[string]string{"text": "两张 <i>", "audience": "followers", "alts": "first\nsecond"}, picture(color.White), picture(color.White)))
		at := post303(t, "write", w, err, "/posts/")
		for lang, words := range map[ui.Lang][]string{ui.Chinese: {"粉丝可见", "两张 &lt;i&gt;", `alt="second"`, "修改"}, ui.English: {"两张 &lt;i&gt;", `alt="first"`, "Edit", "No comments yet"}} {
			w, err := h.ask(t, mira, lang, httptest.NewRequest("GET", at, nil))
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range words {
				if !strings.Contains(w.Body.String(), word) {
					t.Errorf("%s: the page of the post lacks %q", lang, word)
				}
			}
		}
		for path, to := range map[string]string{at + "/edit": at, "/write": "/", "/write?in=circle:7": "/circles/7"} {
			w, err := h.ask(t, mira, ui.English, httptest.NewRequest("GET", path, nil))
			if err != nil || !strings.Contains(w.Body.String(), `<a class="top-back" href="`+to+`"`) {
				t.Errorf("%s does not lead back to %s: %v", path, to, err)
			}
		}
		for _, path := range []string{at, at + "/edit", at + "/delete"} {
			if _, err := h.ask(t, jo, ui.English, httptest.NewRequest("GET", path, nil)); exit.KindOf(err) != exit.NotFound || err == nil {
				t.Errorf("another asks for %s: %v", path, err)
			}
		}
		w, err = h.ask(t, mira, ui.English, multi(t, map[string]string{"text": "keep these words"}, []byte("no image")))
		if body := w.Body.String(); err != nil || w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, "keep these words") || !strings.Contains(body, `id="images-error"`) {
			t.Errorf("a file that is no image: %d, %v\n%s", w.Code, err, body)
		}
		w, err = h.ask(t, mira, ui.Chinese, multi(t, map[string]string{"text": "", "in": "circle:7"}))
		if body := w.Body.String(); err != nil || w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, `id="text-error"`) || !strings.Contains(body, "发到「Tea」") || !strings.Contains(body, `value="circle:7"`) {
			t.Errorf("nothing for the circle: %d, %v\n%s", w.Code, err, body)
		}
		if _, err := h.ask(t, jo, ui.English, httptest.NewRequest("GET", "/write?in=circle:7", nil)); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("the form for a circle one is not in: %v", err)
		}
		w, err = h.ask(t, mira, ui.English, form(at+"/edit", url.Values{"text": {"other words"}, "audience": {"only"}}))
		post303(t, "edit", w, err, at)
		p, err := h.posts.ByAuthor(t.Context(), mira, mira.Account, post.Cursor{}, 5)
		if err != nil || len(p) != 1 || p[0].Text != "other words" || p[0].Audience != who.Only(mira.Account) {
			t.Errorf("after the edit: %+v, %v", p, err)
		}
		w, err = h.ask(t, mira, ui.English, httptest.NewRequest("GET", at+"/delete", nil))
		if err != nil || !strings.Contains(w.Body.String(), "undo this for 30 seconds") {
			t.Errorf("the page before deleting: %v", err)
		}
		w, err = h.ask(t, mira, ui.English, form(at+"/delete", nil))
		post303(t, "delete", w, err, at)
		w, err = h.ask(t, mira, ui.English, httptest.NewRequest("GET", at, nil))
		if body := w.Body.String(); err != nil || !strings.Contains(body, `action="`+at+`/undo"`) || strings.Contains(body, "other words") {
			t.Errorf("the page of a post just deleted: %v\n%s", err, body)
		}
		if _, err := h.ask(t, jo, ui.English, form(at+"/undo", nil)); exit.KindOf(err) != exit.NotFound {
			t.Errorf("another undoes: %v", err)
		}
		w, err = h.ask(t, mira, ui.English, form(at+"/undo", nil))
		post303(t, "undo", w, err, at)
		w, err = h.ask(t, mira, ui.English, httptest.NewRequest("GET", at, nil))
		if err != nil || !strings.Contains(w.Body.String(), "other words") {
			t.Errorf("the page of a post brought back: %v", err)
		}
	})
}

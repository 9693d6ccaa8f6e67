package account_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"image/color"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// site serves the room's pages as the server does: session and reader first, errors as statuses.
func (h *house) site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for _, route := range h.Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			s, err := h.Lookup(r.Context(), h.Token(r))
			if err != nil {
				t.Errorf("look up session: %v", err)
			}
			if s == nil {
				s = &service.Session{}
			}
			if s.Viewer.Guest() && route.Access != service.Anyone || route.Access == service.Operator && !s.Viewer.Operator {
				http.Error(w, "not for you", http.StatusForbidden)
				return
			}
			ctx := ui.WithReader(r.Context(), ui.Reader{Lang: ui.ChooseLang(r, ui.Lang(s.Language)), Now: dbtest.Start})
			s.Flash = service.TakeFlash(w, r.WithContext(ctx))
			if err := route.Handle(w, r.WithContext(service.WithSession(ctx, s))); err != nil {
				status := map[exit.Kind]int{exit.NotFound: 404, exit.Invalid: 422, exit.Conflict: 409, exit.Unavailable: 503}[exit.KindOf(err)]
				if status == 0 {
					t.Errorf("%s: %v", route.Pattern, err)
					status = 500
				}
				http.Error(w, "failed", status)
			}
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, "home"); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// browser is somebody who reads in a language.
type browser struct {
	t    *testing.T
	at   string
	lang ui.Lang
	http *http.Client
}

func browse(t *testing.T, s *httptest.Server, lang ui.Lang) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s.URL, lang, &http.Client{Jar: jar}}
}

// answer is a page, with entities as the characters that they stand for.
type answer struct {
	status int
	text   string
	raw    string
	header http.Header
}

func (b *browser) do(req *http.Request) answer {
	b.t.Helper()
	req.Header.Set("Accept-Language", string(b.lang))
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	return answer{res.StatusCode, html.UnescapeString(string(body)), string(body), res.Header}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.at+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.at+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

// want checks a status and what the page says.
func (a answer) want(t *testing.T, status int, words ...string) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d", a.status, status)
	}
	for _, w := range words {
		if !strings.Contains(a.text, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
	if strings.Contains(a.text, "account.") {
		t.Errorf("the page shows a key: %s", regexp.MustCompile(`.{0,40}account\..{0,40}`).FindString(a.text))
	}
	return a
}

func fields(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

var codeForm = regexp.MustCompile(`<code>([0-9a-z-]{19})</code>`)

func TestPagesFromSignUpToNewPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		for lang, w := range map[ui.Lang]struct{ title, short, wrong, again string }{
			ui.Chinese: {"注册", "密码至少要 10 个字符。", "名字或密码不对", "新密码已设好"},
			ui.English: {"Sign up", "A password needs at least 10 characters.", "Name or password is wrong.", "The new password is set."},
		} {
			t.Run(string(lang), func(t *testing.T) {
				name := "lin_" + string(lang[:2])
				b := browse(t, h.site(t), lang)
				b.get("/sign-up").want(t, 200, "<h1", w.title, `autocomplete="new-password"`)
				b.post("/sign-up", fields("name", name, "password", "short")).want(t, 422, w.short, `value="`+name+`"`, `aria-invalid="true"`)
				page := b.post("/sign-up", fields("name", name, "password", password)).want(t, 200)
				if page.header.Get("Cache-Control") != "no-store" {
					t.Error("the page of the codes may be stored")
				}
				codes := codeForm.FindAllStringSubmatch(page.text, -1)
				if len(codes) != 10 {
					t.Fatalf("%d codes on the page, want 10", len(codes))
				}
				file := b.post("/recovery-codes.txt", fields("code", codes[0][1], "code", codes[1][1])).want(t, 200, name, codes[1][1])
				if file.header.Get("Content-Disposition") != `attachment; filename="recovery-codes.txt"` {
					t.Errorf("the file comes as %q", file.header.Get("Content-Disposition"))
				}
				b.post("/recovery-codes.txt", fields("code", "<script>")).want(t, 422)
				b.get("/me").want(t, 200, "@"+name, `href="/@`+name+`"`, `href="/exit"`)
				b.post("/sign-out", nil).want(t, 200, "home")
				b.get("/me").want(t, 403)
				b.post("/sign-in", fields("name", name, "password", "wrong password")).want(t, 422, w.wrong)
				b.post("/recover", fields("name", name, "code", codes[3][1], "password", "another password")).want(t, 200, w.again)
				b.post("/sign-in", fields("name", name, "password", "another password")).want(t, 200, "home")
				b.get("/me").want(t, 200, "@"+name)
			})
		}
	})
}

func TestCookie(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		for name, secure := range map[string]bool{"session": false, "__Host-session": true} {
			room := account.New(account.Config{DB: d, Desk: h.desk, Secret: h.Secret, Hash: cheap, Secure: secure})
			w := httptest.NewRecorder()
			room.SetCookie(w, httptest.NewRequest(http.MethodGet, "/", nil), "token")
			c := w.Result().Cookies()[0]
			if c.Name != name || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie %+v", c)
			}
		}
	})
}

func TestSettingsPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		b := browse(t, h.site(t), ui.Chinese)
		b.post("/sign-up", fields("name", "lin", "password", password)).want(t, 200)
		b.get("/settings").want(t, 200, "发现页管理", `href="/settings/entrances"`, "Asia/Shanghai (UTC+08:00)", "仅自己")
		b.post("/settings", fields("language", "en", "theme", "dark", "zone", "Mars/Olympus", "seen_by", "everyone")).want(t, 422, "没有这个时区")
		b.post("/settings", fields("language", "en", "theme", "dark", "zone", "Asia/Tokyo", "seen_by", "everyone")).want(t, 200, "Saved.")
		s, err := h.ByName(t.Context(), "lin")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.SettingsOf(t.Context(), s.ID); err != nil || got.Zone != "Asia/Tokyo" || got.SeenBy != "everyone" {
			t.Errorf("settings %+v, error %v", got, err)
		}
		profile(t, b)
		b.get("/settings/password").want(t, 200, "10 are left.")
		b.post("/settings/password", fields("present", "wrong", "password", "another password")).want(t, 422, "The password or recovery code is wrong")
		b.post("/settings/password", fields("present", password, "password", "another password")).want(t, 200, "The password is changed")
		if page := b.post("/settings/codes", fields("proof", "another password")).want(t, 200); len(codeForm.FindAllString(page.text, -1)) != 10 {
			t.Error("new codes are not shown")
		}
		h.elsewhere(t, "lin", "another password")
		page := b.get("/settings/sessions").want(t, 200, "Unknown browser", "here", "Sign out everywhere else")
		if strings.Contains(page.text, "127.0.0.1") {
			t.Error("the list of sessions shows an address")
		}
		b.post("/settings/sessions/end-others", nil).want(t, 200, "Signed out everywhere else.")
		if page := b.get("/settings/sessions"); strings.Contains(page.text, "Firefox") {
			t.Error("the other session is still listed")
		}
	})
}

// elsewhere signs in once more, from another browser.
func (h *house) elsewhere(t *testing.T, name, word string) {
	t.Helper()
	if _, err := h.SignIn(t.Context(), name, word, "192.0.2.1", "Mozilla/5.0 Firefox/140.0"); err != nil {
		t.Fatal(err)
	}
}

// profile edits a profile with a picture through its page.
func profile(t *testing.T, b *browser) {
	t.Helper()
	send := func(values map[string]string, picture []byte) answer {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for k, v := range values {
			if err := form.WriteField(k, v); err != nil {
				t.Fatal(err)
			}
		}
		if picture != nil {
			w, err := form.CreateFormFile("avatar", "me.png")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(picture); err != nil {
				t.Fatal(err)
			}
		}
		if err := form.Close(); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.at+"/settings/profile", &body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", form.FormDataContentType())
		return b.do(req)
	}
	send(map[string]string{"display": "林间", "url1": "javascript:x"}, nil).want(t, 422, "begins with https://", `value="林间"`)
	send(map[string]string{"display": "林间"}, []byte("no picture")).want(t, 422, `aria-describedby="avatar-hint avatar-error"`)
	send(map[string]string{"display": "林<b>间", "bio": "步道", "label1": "网站", "url1": "https://lin.example/"}, drawn(t, color.Black)).
		want(t, 200, "Saved.", `value="林<b>间"`, `src="/media/`)
	if page := b.get("/me").want(t, 200, `src="/media/`, "林<b>间"); strings.Contains(page.raw, "林<b>") {
		t.Error("the name is taken as markup")
	}
}

func TestAccountsPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		site := h.site(t)
		lin, he := browse(t, site, ui.Chinese), browse(t, site, ui.English)
		lin.post("/sign-up", fields("name", "lin", "password", password)).want(t, 200)
		he.post("/sign-up", fields("name", "he", "password", password)).want(t, 200)
		lin.post("/settings/accounts", fields("name", "he", "kind", "organisation")).want(t, 422, "已经有人用")
		lin.post("/settings/accounts", fields("name", "书局", "kind", "organisation")).want(t, 200, "账号已开好", "@书局", "机构的管理人")
		page := lin.post("/settings/accounts/invite", nil).want(t, 200, "/join-organisation/")
		link := regexp.MustCompile(`http://[^"]*/join-organisation/[A-Za-z0-9_-]{43}`).FindString(page.text)
		path := strings.TrimPrefix(link, site.URL)
		he.get(path).want(t, 200, "Run 书局", "@he")
		he.post(path, nil).want(t, 200, "You are an administrator now.", "lin")
		he.get(path).want(t, 404)
		list, err := h.ByName(t.Context(), "lin")
		if err != nil {
			t.Fatal(err)
		}
		lin.post("/settings/accounts/switch", fields("account", list.ID.String())).want(t, 200, "已切换", "@lin")
		lin.post("/settings/accounts/switch", fields("account", "12")).want(t, 404)
		lin.get("/operator/reset").want(t, 403)
	})
}

func TestOperatorPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		site := h.site(t)
		h.signUp(t, "lin")
		token, _, err := h.FirstStart(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := browse(t, site, ui.Chinese)
		b.get("/operator/x").want(t, 404)
		b.get("/operator/"+token).want(t, 200, "管理员")
		b.post("/operator/"+token, fields("name", "lin", "password", password)).want(t, 422, "已经有人用")
		b.post("/operator/"+token, fields("name", "keeper", "password", password)).want(t, 200, "恢复码")
		b.get("/operator/"+token).want(t, 404)
		b.post("/operator/reset", fields("name", "nobody")).want(t, 422, "找不到这个账号")
		page := b.post("/operator/reset", fields("name", "lin")).want(t, 200, "/reset/")
		link := regexp.MustCompile(`http://[^"]*(/reset/[A-Za-z0-9_-]{43})`).FindStringSubmatch(page.text)
		guest := browse(t, site, ui.English)
		guest.get(link[1]).want(t, 200, "Set a new password")
		guest.post(link[1], fields("password", "another password")).want(t, 200, "The new password is set.")
		guest.get(link[1]).want(t, 404)
	})
}

func TestSlipAtSignUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.Slip = func(context.Context, string) (string, error) {
			return "", exit.Fail(exit.NotFound, "error.not_found")
		}
		b := browse(t, h.site(t), ui.English)
		if strings.Contains(b.get("/sign-up").text, `name="slip"`) {
			t.Error("sign-up asks everybody for a slip")
		}
		h.signUp(t, "lin")
		b.post("/sign-up", fields("name", "lin", "password", password)).want(t, 422, `name="slip"`)
		b.post("/sign-up", fields("name", "he", "password", password, "slip", "wrong")).want(t, 422, "This slip does not fit.", `value="wrong"`)
	})
}

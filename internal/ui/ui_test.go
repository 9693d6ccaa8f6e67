package ui_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"exeunt/internal/ui"
)

func drawn(t *testing.T, ctx context.Context, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRichText gives hostile and ordinary texts to the drawing of posts.
func TestRichText(t *testing.T) {
	mentions := map[string]ui.Mention{"7": {Name: "何处", Href: "/@hechu"}}
	for _, c := range []struct{ text, want, not string }{
		{"<script>alert(1)</script>", "&lt;script&gt;", "<script>"},
		{"一\r\n二", "一<br>二", ""},
		{"看https://example.org/a，好", `href="https://example.org/a"`, "好</a>"},
		{"(see https://example.org/a_(b)).", `href="https://example.org/a_(b)"`, ""},
		{"(see https://example.org/a).", `href="https://example.org/a"`, ""},
		{"javascript:alert(1)", "javascript:alert(1)", "<a"},
		{`https://example.org/"onmouseover="x`, `href="https://example.org/"`, `"onmouseover=`},
		{"https://", "https://", "<a"},
		{"https://user:secret@example.org/", "https://user", "<a"},
		{"@{7} 好", `href="/@hechu"`, ""},
		{"@{8} 好", "@已离开", "{8}"},
		{"@{" + strings.Repeat("x", 99) + "}", "@{xxx", "已离开"},
		{"@{7", "@{7", "<a"},
	} {
		got := drawn(t, readerOf(ui.Chinese, ui.ThemeAuto), ui.RichText(c.text, mentions))
		if !strings.Contains(got, c.want) || (c.not != "" && strings.Contains(got, c.not)) {
			t.Errorf("%q: %s", c.text, got)
		}
	}
}

func TestTextLanguage(t *testing.T) {
	for _, c := range []struct {
		page       ui.Lang
		text, want string
	}{
		{ui.English, "你好", `lang="zh-CN"`},
		{ui.English, "こんにちは、漢字", `lang="ja"`},
		{ui.English, "안녕", `lang="ko"`},
		{ui.English, "hello", ""},
		{ui.Chinese, "你好", ""},
		{ui.Chinese, "hello", ""},
	} {
		got := drawn(t, readerOf(c.page, ui.ThemeAuto), ui.RichText(c.text, nil))
		if has := strings.Contains(got, "lang="); has != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s on a page in %s: %s", c.text, c.page, got)
		}
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2026, 12, 28, 17, 5, 0, 0, time.UTC) // 29 December, 01:05 in Shanghai
	for _, c := range []struct{ got, want string }{
		{ui.Date(ui.Chinese, at, time.UTC), "2026年12月28日"},
		{ui.Date(ui.English, at, time.UTC), "28 December 2026"},
		{ui.Date(ui.Chinese, at, shanghai), "2026年12月29日"},
		{ui.DateTime(ui.English, at, shanghai), "29 December 2026 01:05"},
		{ui.EndTime(ui.Chinese, at.Add(-65*time.Minute), shanghai), "2026年12月28日 24:00"},
		{ui.EndTime(ui.English, at.Add(-64*time.Minute), shanghai), "29 December 2026 00:01"},
		{ui.EndTime(ui.English, at.Add(-65*time.Minute), time.UTC), "28 December 2026 16:00"},
		{ui.MonthDay(ui.Chinese, at, time.UTC), "12月28日"},
		{ui.Weekday(ui.Chinese, at, time.UTC), "周一"},
		{ui.Moment(ui.English, at.Add(30*time.Second), at, time.UTC), "just now"},
		{ui.Moment(ui.English, at.Add(time.Minute), at, time.UTC), "1 minute ago"},
		{ui.Moment(ui.Chinese, at.Add(23*time.Hour), at, time.UTC), "23 小时前"},
		{ui.Moment(ui.English, at.Add(7*24*time.Hour-time.Second), at, time.UTC), "6 days ago"},
		{ui.Moment(ui.English, at.Add(7*24*time.Hour), at, time.UTC), "28 December 2026"},
		{ui.Moment(ui.Chinese, at.Add(-time.Hour), at, shanghai), "2026年12月29日 01:05"},
		{ui.Number(-1234567), "-1,234,567"},
		{ui.Number(999), "999"},
		{ui.Number(1000), "1,000"},
		{ui.Bytes(1023), "1023 B"},
		{ui.Bytes(1536), "1.5 KiB"},
		{ui.Bytes(2 << 30), "2.0 GiB"},
		{ui.Bytes(20 << 20), "20 MiB"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestChooseLang(t *testing.T) {
	for _, c := range []struct {
		setting        ui.Lang
		cookie, accept string
		want           ui.Lang
	}{
		{"", "", "", ui.Chinese},
		{"", "", "en-GB,en;q=0.9,zh;q=0.8", ui.English},
		{"", "", "zh-TW,en;q=0.5", ui.Chinese},
		{"", "", "fr", ui.English},
		{"", "", "\x00;;;q=", ui.Chinese},
		{"", "", strings.Repeat("en,", 9999), ui.Chinese},
		{"", "en", "zh", ui.English},
		{"", "<x>", "en", ui.English},
		{ui.Chinese, "en", "en", ui.English},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: ui.LangCookie, Value: c.cookie})
		}
		if got := ui.ChooseLang(r, c.setting); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestPreferences(t *testing.T) {
	for _, c := range []struct{ body, to, cookies string }{
		{"lang=en&back=/circles%3Fq=1", "/circles?q=1", "lang=en"},
		{"theme=dark&back=//evil.example", "/", "theme=dark"},
		{"theme=&back=https://evil.example", "/", "theme="},
		{"lang=xx&back=/%5Cevil.example", "/", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, ui.PreferencesPath, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		ui.Preferences(true).ServeHTTP(w, r)
		set := w.Header().Get("Set-Cookie")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.to || !strings.HasPrefix(set, c.cookies) {
			t.Errorf("%s: %d to %s with %q", c.body, w.Code, w.Header().Get("Location"), set)
		}
		for _, attribute := range []string{"HttpOnly", "Secure", "SameSite=Lax"} {
			if set != "" && !strings.Contains(set, attribute) {
				t.Errorf("cookie %q is not %s", set, attribute)
			}
		}
	}
	w := httptest.NewRecorder()
	ui.Preferences(true).ServeHTTP(w, httptest.NewRequest(http.MethodGet, ui.PreferencesPath+"?lang=en", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
}

func TestAssets(t *testing.T) {
	for _, name := range []string{"exeunt.css", "exeunt.js", "htmx.js", "icon.svg", "icons.svg"} {
		r := httptest.NewRequest(http.MethodGet, ui.AssetURL(name), nil)
		plain := httptest.NewRecorder()
		ui.Assets().ServeHTTP(plain, r)
		r.Header.Set("Accept-Encoding", "br, gzip")
		zipped := httptest.NewRecorder()
		ui.Assets().ServeHTTP(zipped, r)
		z, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if plain.Code != http.StatusOK || plain.Body.Len() == 0 || !bytes.Equal(b, plain.Body.Bytes()) {
			t.Errorf("%s: %d, %d bytes, gzipped %d", name, plain.Code, plain.Body.Len(), len(b))
		}
		if h := plain.Header(); !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", name, h)
		}
	}
	for _, at := range []string{"/assets/", "/assets/exeunt.css", "/assets/../ui.go", "/assets/locales/zh/ui.json"} {
		w := httptest.NewRecorder()
		ui.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, at, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
}

// TestRenderWhole wants nothing sent of a page that fails half-way.
func TestRenderWhole(t *testing.T) {
	broken := errors.New("broken")
	fails := templ.ComponentFunc(func(context.Context, io.Writer) error { return broken })
	w := httptest.NewRecorder()
	err := ui.Render(w, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, ui.PageWith(ui.Frame{}, fails))
	if !errors.Is(err, broken) || w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("error %v, sent %q %v", err, w.Body, w.Header())
	}
}

func TestRenderError(t *testing.T) {
	for _, c := range []struct {
		view   ui.ErrorView
		status int
		want   string
	}{
		{ui.ErrorView{Status: 404}, 404, "找不到这一页"},
		{ui.ErrorView{Status: 418, ID: "a1b2"}, 500, "a1b2"},
		{ui.ErrorView{Status: 403, ID: "a1b2"}, 403, "没有权限"},
		{ui.ErrorView{Status: 409, Sentence: "日历变了。"}, 409, "日历变了。"},
	} {
		w := httptest.NewRecorder()
		if err := ui.RenderError(w, httptest.NewRequest(http.MethodGet, "/", nil), ui.Frame{}, c.view); err != nil {
			t.Fatal(err)
		}
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%+v: %d %s", c.view, w.Code, w.Body)
		}
		if c.status != 500 && strings.Contains(w.Body.String(), "a1b2") {
			t.Errorf("%+v shows its id", c.view)
		}
	}
}

// TestTabs wants three entrances at most, then Discover, then Me or sign-in.
func TestTabs(t *testing.T) {
	f := ui.Frame{Title: "T", Active: "/b"}
	for _, h := range []string{"/a", "/b", "/c", "/d"} {
		f.Tabs = append(f.Tabs, ui.Tab{Label: h, Href: h, Icon: "house"})
	}
	page := drawn(t, readerOf(ui.Chinese, ui.ThemeAuto), ui.PageWith(f, templ.NopComponent))
	if n := strings.Count(page, `class="tab"`); n != 5 || strings.Contains(page, `href="/d"`) || !strings.Contains(page, `href="`+ui.SignInPath) {
		t.Errorf("%d tabs: %s", n, page)
	}
	if n := strings.Count(page, `aria-current="page"`); n != 1 {
		t.Errorf("%d tabs are current", n)
	}
}

// TestIcons wants every icon file used, and none asked for that is not there.
func TestIcons(t *testing.T) {
	files, err := filepath.Glob("assets/icons/*.svg")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".svg"); !ui.HasIcon(name) {
			t.Errorf("%s is not in the sprite", name)
		}
	}
	sources, err := filepath.Glob("../*/*.templ")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`Icon(?:\(|: +)"([^"]+)"`)
	for _, s := range sources {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asked.FindAllStringSubmatch(string(b), -1) {
			if !ui.HasIcon(m[1]) {
				t.Errorf("%s asks for the icon %s, which is not under assets/icons", s, m[1])
			}
		}
	}
}

func TestQRCode(t *testing.T) {
	got := drawn(t, context.Background(), ui.QRCode("https://example.org/slip/1", `a "name"`))
	checkXML(t, got)
	if !strings.Contains(got, `aria-label="a &#34;name&#34;"`) {
		t.Error(got[:200])
	}
	var b bytes.Buffer
	if err := ui.QRCode(strings.Repeat("x", 9000), "too long").Render(context.Background(), &b); err == nil {
		t.Error("9000 characters were drawn")
	}
}

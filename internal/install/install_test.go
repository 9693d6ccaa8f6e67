package install_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/install"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

func settings(name string) install.Settings {
	return install.Settings{Name: name, Registration: install.Open}
}

func TestSettings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, r, other := t.Context(), install.New(d), install.New(d)
		s, err := r.Current(ctx)
		if err != nil || s != (install.Settings{Registration: install.Open}) {
			t.Fatalf("a new install has %+v, %v", s, err)
		}
		want := install.Settings{
			Name: "小镇", Slogan: "慢慢来", Rules: "第一\n第二", Filing: "京ICP备00000000号", Registration: install.Approval, Quota: 5 << 20, Work: 12,
		}
		given := want
		given.Name, given.Rules = "  小镇\x00", "第一\r\n第二\n"
		if err := r.Change(ctx, given); err != nil {
			t.Fatal(err)
		}
		for _, room := range []*install.Room{r, other} {
			if got, err := room.Current(ctx); err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
	})
}

func TestSettingsAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := install.New(d)
		for name, s := range map[string]install.Settings{
			"long name":      settings(strings.Repeat("长", 31)),
			"long rules":     {Registration: install.Open, Rules: strings.Repeat("x", 20_001)},
			"no way in":      {Registration: "maybe"},
			"quota below 0":  {Registration: install.Open, Quota: -1},
			"too much work":  {Registration: install.Open, Work: 25},
			"not UTF-8":      settings("\xff"),
			"long filing":    {Registration: install.Open, Filing: strings.Repeat("1", 61)},
			"long slogan":    {Registration: install.Open, Slogan: strings.Repeat("x", 81)},
			"quota too high": {Registration: install.Open, Quota: 1 << 51},
		} {
			if err := r.Change(t.Context(), s); exit.KindOf(err) != exit.Invalid {
				t.Errorf("%s: got %v, want Invalid", name, err)
			}
		}
		if s, err := r.Current(t.Context()); err != nil || s.Name != "" {
			t.Errorf("something of it was stored: %+v, %v", s, err)
		}
	})
}

func picture(t *testing.T, w, h int) io.Reader {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestIcon(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, r := t.Context(), install.New(d)
		if _, err := r.Icon(ctx); exit.KindOf(err) != exit.NotFound {
			t.Errorf("an icon before one was given: %v", err)
		}
		if err := r.ChangeIcon(ctx, strings.NewReader("<svg onload=alert(1)>")); exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is no picture: got %v, want Invalid", err)
		}
		if err := r.ChangeIcon(ctx, picture(t, 900, 700)); err != nil {
			t.Fatal(err)
		}
		f, err := r.Icon(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c, err := png.DecodeConfig(f)
		if err != nil || c.Width != 512 || c.Height != 512 {
			t.Errorf("the icon is %d × %d, %v; want 512 × 512", c.Width, c.Height, err)
		}
		first, err := r.Site(ctx)
		if err != nil || !strings.HasPrefix(first.Icon, install.IconPath+"?") {
			t.Fatalf("pages show %q, %v", first.Icon, err)
		}
		// A change of words leaves the picture.
		if err := r.Change(ctx, settings("x")); err != nil {
			t.Fatal(err)
		}
		if again, err := r.Site(ctx); err != nil || again.Icon != first.Icon {
			t.Errorf("after a change of words: %q, %v; want %q", again.Icon, err, first.Icon)
		}
		if err := r.ChangeIcon(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Icon(ctx); exit.KindOf(err) != exit.NotFound {
			t.Errorf("the icon after it was taken away: %v", err)
		}
	})
}

// ask sends a request to the room's routes in a language, without the server around them.
func ask(t *testing.T, r *install.Room, lang ui.Lang, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	for _, route := range r.Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, req *http.Request) {
			if err := route.Handle(w, req); err != nil {
				http.Error(w, err.Error(), http.StatusTeapot)
			}
		})
	}
	ctx := ui.WithReader(service.WithSession(context.WithoutCancel(t.Context()), &service.Session{}), ui.Reader{Lang: lang, Zone: time.UTC})
	req := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	return w
}

func TestPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := install.New(d)
		if err := r.Change(t.Context(), install.Settings{Registration: install.Open, Rules: "请彼此善待"}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			lang       ui.Lang
			path, want string
			status     int
		}{
			{ui.Chinese, "/operator", "这个站点", 200},
			{ui.English, "/operator", "This place", 200},
			{ui.Chinese, "/operator/site", "谁可以加入", 200},
			{ui.English, "/operator/site", "Who can join", 200},
			{ui.Chinese, "/about/rules", "请彼此善待", 200},
			{ui.Chinese, "/about/privacy", "not_found", 418},
			{ui.Chinese, "/about/other", "not_found", 418},
		} {
			w := ask(t, r, c.lang, http.MethodGet, c.path, "")
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s in %s: %d without %q", c.path, c.lang, w.Code, c.want)
			}
		}
	})
}

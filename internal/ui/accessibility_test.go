package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"exeunt/e2e/axe"
	"exeunt/internal/ui"
)

// galleryServer serves the gallery as the real server would: /LANG/THEME/NAME,
// with the strict content security policy.
func galleryServer(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(ui.AssetsPath, ui.Assets())
	mux.HandleFunc("GET /gallery/{lang}/{theme}/{name}", func(w http.ResponseWriter, r *http.Request) {
		lang := ui.Lang(r.PathValue("lang"))
		page, ok := galleryPages(lang)[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", ui.ContentSecurityPolicy)
		r = r.WithContext(readerOf(lang, ui.Theme(r.PathValue("theme"))))
		if err := ui.Render(w, r, http.StatusOK, page(frameOf(lang))); err != nil {
			t.Errorf("draw %s: %v", r.URL.Path, err)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// TestAccessible opens every page of the gallery in a real browser, in both
// languages, themes and widths, and wants no violation of WCAG 2.2 AA, nothing
// that the policy against inline code refused, and no sideways scrolling.
func TestAccessible(t *testing.T) {
	server := galleryServer(t)
	parent, stop := context.WithTimeout(context.Background(), 4*time.Minute)
	defer stop()
	ctx, cancel := axe.NewBrowser(parent)
	defer cancel()
	for _, width := range []int64{390, 1280} {
		for _, lang := range ui.Langs() {
			for _, theme := range []ui.Theme{ui.ThemeLight, ui.ThemeDark} {
				for _, name := range sortedNames(galleryPages(lang)) {
					at := fmt.Sprintf("%s/gallery/%s/%s/%s", server.URL, lang, theme, name)
					t.Run(fmt.Sprintf("%s-%s-%s-%d", name, lang, theme, width), func(t *testing.T) {
						checkAccessible(t, ctx, at, width)
					})
				}
			}
		}
	}
}

func sortedNames(pages map[string]func(ui.Frame) templComponent) []string {
	names := make([]string, 0, len(pages))
	for n := range pages {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func checkAccessible(t *testing.T, ctx context.Context, at string, width int64) {
	height := int64(844)
	if width > 900 {
		height = 900
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), chromedp.Navigate(at)); err != nil {
		t.Fatalf("open %s: %v", at, err)
	}
	violations, err := axe.Check(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.scrollWidth - window.innerWidth`))
	if err != nil {
		t.Fatal(err)
	}
	if wide > 0 {
		t.Errorf("the page is %v px wider than the screen", wide)
	}
	if dir := os.Getenv(galleryEnv); dir != "" {
		shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.ReplaceAll(t.Name(), "TestAccessible/", "") + ".png"
		if err := os.WriteFile(filepath.Join(dir, name), shot, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

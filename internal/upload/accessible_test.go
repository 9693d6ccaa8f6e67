package upload_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"exeunt/e2e/axe"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
)

// TestAccessible looks at a field with an upload that can be gone on with, and one that a script has begun, in both languages and themes.
func TestAccessible(t *testing.T) {
	view := upload.FieldView{What: "video", Accept: "video/*", Multiple: true, Longest: upload.DefaultLength, Back: "/", Open: []upload.Upload{
		{ID: 7, What: "video", Name: "海边.mp4", Length: 40 << 20, Received: 12 << 20, Expires: dbtest.Start.Add(24 * time.Hour)},
	}}
	for _, lang := range ui.Langs() {
		for _, theme := range []ui.Theme{ui.ThemeLight, ui.ThemeDark} {
			t.Run(string(lang)+" "+string(theme), func(t *testing.T) {
				mux := http.NewServeMux()
				mux.Handle(ui.AssetsPath, ui.Assets())
				mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
					ctx := ui.WithReader(r.Context(), ui.Reader{Lang: lang, Theme: theme, Zone: time.UTC, Now: dbtest.Start})
					_ = ui.Render(w, r.WithContext(ctx), http.StatusOK, ui.PageWith(service.Frame(ctx, "Upload"), upload.Field(view)))
				})
				s := httptest.NewServer(mux)
				t.Cleanup(s.Close)
				parent, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				ctx, cancel := axe.NewBrowser(parent)
				defer cancel()
				if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+"/"), chromedp.WaitReady(chromedp.CSS("form[enctype] button[hidden]")),
					chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{fileOf(t, "b.mp4", content(1, 1000))}), chromedp.WaitVisible(chromedp.CSS(`progress[aria-label="b.mp4"]`))); err != nil {
					t.Fatal(err)
				}
				found, err := axe.Check(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range found {
					t.Error(v)
				}
			})
		}
	}
}

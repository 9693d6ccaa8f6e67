package channel_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/e2e/axe"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/chromedp/chromedp"
)

// TestAccessiblePages has a browser look at the pages of a channel's owner and of the operator, on a phone: axe-core finds nothing, and no page is wider
// than the screen.
func TestAccessiblePages(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ann := h.creator("ann")
		operator := who.Viewer{Account: h.account("operator").Account, Operator: true, State: who.Active}
		h.must(h.Change(t.Context(), ann, channel.Words{Name: "山里慢走", Bio: "每周一座山", Links: []channel.Link{{Label: "网站", URL: "https://a.example"}}}))
		h.must(h.Grant(t.Context(), operator, ann.Account, "山野出版社"))
		one := h.film(ann)
		h.must(h.Publish(t.Context(), ann, one, channel.VideoWords{Title: "公园的早晨"}, time.Time{}))
		h.must(h.AddSubtitle(t.Context(), ann, one, "zh", "", strings.NewReader("WEBVTT\n\n00:00.000 --> 00:01.000\n你好\n")))
		waits := h.bring(ann, 0, "waits.mp4", clip(t, ".mp4"))
		srv := httptest.NewServer(h.site(ann, operator))
		defer srv.Close()
		ctx, cancel := axe.NewBrowser(t.Context())
		defer cancel()
		for _, path := range []string{
			"/@ann/channel", "/videos/new", "/videos/drafts", "/channels/settings", "/channels/limits", "/channels/collections", "/operator/channels",
			channel.VideoPath(one) + "/edit", channel.VideoPath(waits) + "/edit", channel.VideoPath(waits) + "/progress", channel.VideoPath(one) + "/delete",
		} {
			h.must(chromedp.Do(ctx, chromedp.EmulateViewport(390, 844), chromedp.Navigate(srv.URL+path)))
			found, err := axe.Check(ctx)
			h.must(err)
			for _, v := range found {
				t.Errorf("%s: %v", path, v)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.scrollWidth - window.innerWidth`))
			if err != nil || wide > 0 {
				t.Errorf("%s is %v px wider than the screen: %v", path, wide, err)
			}
		}
	})
}

// site serves the room's pages with what belongs to them: to the operator what is the operator's, all else to the owner.
func (h *studio) site(owner, operator who.Viewer) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range h.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, " /@{", " /@/{", 1), func(w http.ResponseWriter, r *http.Request) {
			if err := rt.Handle(w, r); err != nil {
				h.t.Errorf("%s: %v", r.URL.Path, err)
			}
		})
	}
	media := h.blobs.Handler(func(context.Context, string) (blob.Access, error) { return blob.Private, nil })
	mux.HandleFunc("GET /media/{key...}", func(w http.ResponseWriter, r *http.Request) {
		if err := media(w, r); err != nil {
			h.t.Errorf("%s: %v", r.URL.Path, err)
		}
	})
	mux.Handle(ui.AssetsPath, ui.Assets())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := owner
		if strings.HasPrefix(r.URL.Path, "/operator/") {
			v = operator
		}
		if rest, ok := strings.CutPrefix(r.URL.Path, "/@"); ok {
			r.URL.Path = "/@/" + rest
		}
		ctx := ui.WithReader(r.Context(), ui.Reader{Lang: ui.Chinese, Now: dbtest.Start, Zone: time.UTC})
		mux.ServeHTTP(w, r.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, DisplayName: v.Name, Path: r.URL.Path})))
	})
}

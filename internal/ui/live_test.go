package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"exeunt/e2e/axe"
	"exeunt/internal/ui"
)

// liveServer has one post to like and one task that is a step further each time
// it is asked; it records every complaint of the content security policy.
type liveServer struct {
	*httptest.Server
	mu         sync.Mutex
	liked      bool
	steps      int64
	pages      int
	broken     bool
	complaints []string
}

func newLiveServer(t *testing.T) *liveServer {
	t.Helper()
	s := &liveServer{}
	mux := http.NewServeMux()
	mux.Handle(ui.AssetsPath, ui.Assets())
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("POST /like", s.like)
	mux.HandleFunc("POST /complaint", func(_ http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.complaints = append(s.complaints, r.UserAgent())
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *liveServer) page(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages++
	s.steps = min(s.steps+1, 3)
	w.Header().Set("Content-Security-Policy", ui.ContentSecurityPolicy+"; report-uri /complaint")
	r = r.WithContext(readerOf(ui.English, ui.ThemeAuto))
	post := englishSample().posts[1]
	post.Like = ui.LikeView{ID: "2", Action: "/like", Back: "/", Liked: s.liked, Count: 1}
	task := ui.ProgressView{ID: "t", Title: "Task", Doing: "Working", Done: s.steps, Total: 3, Live: "/", Finished: s.steps == 3}
	f := frameOf(ui.English)
	f.Title, f.Refresh = "Live", 2*time.Second
	// A failure to draw shows as an empty page, which the test then refuses.
	_ = ui.Render(w, r, http.StatusOK, ui.PageWith(f, all(ui.PostCard(post), ui.Progress(task))))
}

func (s *liveServer) like(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		r = r.WithContext(readerOf(ui.English, ui.ThemeAuto))
		_ = ui.RenderError(w, r, frameOf(ui.English), ui.ErrorView{Status: http.StatusConflict})
		return
	}
	s.liked = r.PostFormValue("on") == "1"
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func run(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// TestLive taps and waits in a real browser: with scripts a like replaces the
// button alone, a failure shows its page, and a task is followed to its end;
// without scripts the same taps work.
func TestLive(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			s := newLiveServer(t)
			parent, stop := context.WithTimeout(context.Background(), time.Minute)
			defer stop()
			ctx, cancel := axe.NewBrowser(parent)
			defer cancel()
			disable := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
				_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
				return err
			})
			run(t, ctx, disable, chromedp.Navigate(s.URL+"/"),
				chromedp.WaitVisible(chromedp.CSS(`#progress-t [role="status"]`)))
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.body.classList.add("same-page"), true`)); scripts && err != nil {
				t.Fatal(err)
			}
			run(t, ctx, chromedp.Click(chromedp.CSS("#like-2 button")),
				chromedp.WaitVisible(chromedp.CSS(`#like-2 button[aria-pressed="true"]`)))
			if scripts {
				run(t, ctx, chromedp.WaitVisible(chromedp.CSS("body.same-page")))
			}
			s.mu.Lock()
			s.broken = true
			s.mu.Unlock()
			run(t, ctx, chromedp.Click(chromedp.CSS("#like-2 button")), chromedp.WaitVisible(chromedp.CSS(".error-page")))
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.liked || s.steps != 3 || len(s.complaints) > 0 {
				t.Errorf("liked %v, steps %d, policy complaints %d", s.liked, s.steps, len(s.complaints))
			}
		})
	}
}

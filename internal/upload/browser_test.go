package upload_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"exeunt/e2e/axe"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// cutting cuts the connection of the first request that brings a piece, after so many bytes, and each one while it is off.
type cutting struct {
	next  http.Handler
	after int64
	cuts  atomic.Int64
	off   atomic.Bool
	paths sync.Map // of those that were cut
}

func (c *cutting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPatch || c.cuts.Load() > 0 && !c.off.Load() {
		c.next.ServeHTTP(w, r)
		return
	}
	c.paths.Store(r.URL.Path, true)
	if c.cuts.Add(1) == 1 {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, c.after), broken{}), r.Body}
		c.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	panic(http.ErrAbortHandler)
}

// broken is where a connection ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// page serves the room to one account, with a page to upload from.
func (h *house) page(t *testing.T, account who.ID, complaints *atomic.Int64) (*httptest.Server, *cutting) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(ui.AssetsPath, ui.Assets())
	mux.HandleFunc("POST /complaint", func(http.ResponseWriter, *http.Request) { complaints.Add(1) })
	mux.HandleFunc("GET /videos/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<p id="there">there</p>`) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", ui.ContentSecurityPolicy+"; report-uri /complaint")
		ctx := ui.WithReader(r.Context(), ui.Reader{Lang: ui.English, Zone: time.UTC, Now: dbtest.Start})
		v, err := h.Field(ctx, account, upload.FieldView{What: "video", Multiple: r.FormValue("many") != "", Folder: 5, Back: "/"})
		if err != nil {
			t.Error(err)
		}
		_ = ui.Render(w, r.WithContext(ctx), http.StatusOK, ui.PageWith(service.Frame(ctx, "Upload"), upload.Field(v)))
	})
	rooms := h.handler()
	mux.HandleFunc("/uploads", rooms.ServeHTTP)
	mux.HandleFunc("/uploads/", rooms.ServeHTTP)
	c := &cutting{after: 5*pieceOf + 7, next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Account", account.String())
		mux.ServeHTTP(w, r)
	})}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	return s, c
}

// file writes a file to upload.
func fileOf(t *testing.T, name string, b []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// browse runs steps in a new browser.
func browse(t *testing.T, scripts bool) func(steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	parent, stop := context.WithTimeout(t.Context(), 40*time.Second)
	t.Cleanup(stop)
	ctx, cancel := axe.NewBrowser(parent)
	t.Cleanup(cancel)
	// The browser lives as long as the context in which it is first asked for something.
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	return func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		within, stop := context.WithTimeout(ctx, 20*time.Second)
		defer stop()
		if err := chromedp.Do(within, steps...); err != nil {
			at, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`)) // what is seen says more than the error
			t.Fatalf("%v: on the page is %q", err, at)
		}
	}
}

func onSQLite(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if d.SQLite() { // what a browser does is the same on each
			fn(t, open(t, d, t.TempDir()))
		}
	})
}

// TestBrowser uploads with a connection that is cut in the middle: the script goes on by itself, and leads to the page of what came.
func TestBrowser(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		mira := h.account()
		var complaints atomic.Int64
		s, c := h.page(t, mira, &complaints)
		film := content(11, 40*pieceOf+3)
		run := browse(t, true)
		run(chromedp.Navigate(s.URL+"/"), chromedp.WaitReady(chromedp.CSS("form[enctype] button[hidden]")),
			chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{fileOf(t, "sea.mp4", film)}), chromedp.WaitVisible(chromedp.CSS("#there")))
		if c.cuts.Load() != 1 || len(h.done) != 1 || complaints.Load() != 0 {
			t.Fatalf("%d cuts, %d done, %d complaints of the policy", c.cuts.Load(), len(h.done), complaints.Load())
		}
		if u := h.done[0]; u.Name != "sea.mp4" || u.Type != "video/mp4" || !bytes.Equal(h.content(mira, u.ID), film) {
			t.Errorf("came as %+v", u)
		}
	})
}

// TestBrowserClosed closes the page in the middle and goes on in another browser, which knows only what the server tells.
func TestBrowserClosed(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		mira := h.account()
		var complaints atomic.Int64
		s, c := h.page(t, mira, &complaints)
		film := content(12, 40*pieceOf)
		name := fileOf(t, "sea.mp4", film)
		c.off.Store(true)
		run := browse(t, true)
		run(chromedp.Navigate(s.URL+"/?many=1"), chromedp.WaitReady(chromedp.CSS("form[enctype] button[hidden]")), chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{name}))
		for h.sole(`select count(*) from upload_pieces`) < 6 && t.Context().Err() == nil {
		}
		run(chromedp.Navigate("about:blank"))
		steady, line := h.page(t, mira, &complaints) // what the first page has still sent is cut as before
		line.cuts.Store(1)
		other := browse(t, true)
		other(chromedp.Navigate(steady.URL+"/?many=1"), chromedp.WaitVisible(chromedp.CSS(`[data-upload][data-name="sea.mp4"]`)),
			chromedp.WaitReady(chromedp.CSS("form[enctype] button[hidden]")), chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{name}),
			chromedp.WaitVisible(chromedp.CSS("[data-upload-page]")))
		if n := h.sole(`select count(*) from uploads`); n != 1 || len(h.done) != 1 {
			t.Fatalf("%d uploads, %d done, want one that went on", n, len(h.done))
		}
		if !bytes.Equal(h.content(mira, h.done[0].ID), film) {
			t.Error("the content is not what was sent")
		}
	})
}

// TestBrowserMany uploads several files, pauses one, goes on, and takes one back.
func TestBrowserMany(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		mira := h.account()
		var complaints atomic.Int64
		s, c := h.page(t, mira, &complaints)
		c.after = pieceOf // less than a file
		c.off.Store(true)
		run := browse(t, true)
		var names []string
		for _, name := range []string{"a.mp4", "b.mp4", "c.mp4"} {
			names = append(names, fileOf(t, name, content(uint64(name[0]), 3*pieceOf)))
		}
		tap := func(selector string) chromedp.Action[chromedp.Void] { // wherever it stands by now: rows move as others end
			return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector(%q).click(), true`, selector)))
				return err
			})
		}
		row := func(name, part string) string { return `li.upload:has(progress[aria-label="` + name + `"]) ` + part }
		run(chromedp.Navigate(s.URL+"/?many=1"), chromedp.WaitReady(chromedp.CSS("form[enctype] button[hidden]")), chromedp.SetUploadFiles(chromedp.CSS("#file"), names),
			chromedp.WaitVisible(chromedp.CSS(row("c.mp4", "progress"))))
		for begun := 0; begun < 2 && t.Context().Err() == nil; { // two at once
			begun = 0
			c.paths.Range(func(_, _ any) bool { begun++; return true })
		}
		run(tap(row("a.mp4", "[data-upload-pause]")), tap(row("b.mp4", "[data-upload-cancel]")),
			chromedp.WaitNotPresent(chromedp.CSS(row("b.mp4", "progress"))))
		c.off.Store(false)
		run(tap(row("a.mp4", "[data-upload-pause]")),
			chromedp.WaitVisible(chromedp.CSS(row("a.mp4", "[data-upload-page]"))), chromedp.WaitVisible(chromedp.CSS(row("c.mp4", "[data-upload-page]"))))
		if n := h.sole(`select count(*) from uploads`); n != 2 || len(h.done) != 2 {
			t.Errorf("%d uploads, %d done, want 2", n, len(h.done))
		}
	})
}

// TestBrowserPlain uploads one file with scripts off.
func TestBrowserPlain(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		mira := h.account()
		var complaints atomic.Int64
		s, _ := h.page(t, mira, &complaints)
		film := content(13, 3*pieceOf)
		run := browse(t, false)
		run(chromedp.Navigate(s.URL+"/"), chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{fileOf(t, "sea.mp4", film)}),
			chromedp.Click(chromedp.CSS("form[enctype] button")), chromedp.WaitVisible(chromedp.CSS("#there")))
		if len(h.done) != 1 || !bytes.Equal(h.content(mira, h.done[0].ID), film) {
			t.Errorf("done: %+v", h.done)
		}
	})
}

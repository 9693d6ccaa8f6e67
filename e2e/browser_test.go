package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// password is that of everybody in these stories.
const password = "a fern grows beside the well"

// patience is how long a person waits for something to be seen.
const patience = 30 * time.Second

// browser is one headless Chromium; each person gets a profile of their own in it.
type browser struct{ ctx context.Context }

// startBrowser starts Chromium with an empty profile; it ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := os.Getenv("EXEUNT_TEST_CHROMIUM")
	if program == "" {
		program = "/usr/bin/chromium"
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("accept-lang", "zh-CN"), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
	}
	// The test's own context has ended when cleanups run, and Chromium is asked to stop by then.
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(options...))
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	return &browser{ctx}
}

// person is somebody at a browser of their own: cookies, a screen, and a count of taps.
type person struct {
	t       *testing.T
	ctx     context.Context
	in      *install
	name    string
	taps    int
	typed   int // fields filled in
	scripts bool

	mu       sync.Mutex
	problems []string // what the console complained of
}

// visitor opens a browser of somebody's own on a phone's screen.
func (b *browser) visitor(t *testing.T, in *install, name string) *person {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &person{t: t, ctx: ctx, in: in, name: name, scripts: true}
	must(t, chromedp.Listen(ctx, p.listen))
	must(t, chromedp.Do(ctx, chromedp.EmulateViewport(390, 844)))
	t.Cleanup(func() {
		for _, problem := range p.complaints() {
			t.Errorf("%s's console: %s", name, problem)
		}
	})
	return p
}

// listen notes what the console complains of: errors, exceptions, refusals by the content security policy. That a page
// answers 404 or 409 is a page's own matter. That a medium is refused styles is no loss: they are the browser's own for a bare picture.
func (p *person) listen(ev any) {
	said := ""
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		said = fmt.Sprintf("%s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError && !strings.Contains(e.Entry.Text, "the server responded with a status of 4") &&
			(!strings.HasPrefix(e.Entry.Text, "Applying inline style") || !strings.Contains(e.Entry.URL, "/media/")) {
			said = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			said = "console.error"
		}
	}
	if said != "" {
		p.mu.Lock()
		p.problems = append(p.problems, said)
		p.mu.Unlock()
	}
}

// complaints gives what the console has complained of since the last call.
func (p *person) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.problems
	p.problems = nil
	return out
}

// withoutScripts turns JavaScript off, as some people do.
func (p *person) withoutScripts() {
	p.t.Helper()
	p.run(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	p.scripts = false
}

// run does steps within a person's patience.
func (p *person) run(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.lost(err)
	}
}

// lost ends the test with what the person sees.
func (p *person) lost(err error) {
	p.t.Helper()
	at, _ := chromedp.Run(p.ctx, chromedp.Location())
	text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText.replace(/\n+/g, " · ").slice(0, 700) : ""`))
	p.shot("lost")
	p.t.Fatalf("%s is lost: %v\nat %s\n%s", p.name, err, at, text)
}

// open types an address. The page must be one that is there.
func (p *person) open(path string) {
	p.t.Helper()
	if status := p.visit(path); status != http.StatusOK {
		p.lost(fmt.Errorf("%s answers %d", path, status))
	}
}

// visit types an address and gives the answer's status.
func (p *person) visit(path string) int {
	p.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = p.in.url + path
	}
	return p.next("open "+path, chromedp.Navigate(path))
}

// tap taps something that leads to another page, waits for that page and gives the answer's status.
func (p *person) tap(selector string) int {
	p.t.Helper()
	p.taps++
	return p.next("tap "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// arrived gives the status of a page that has been loaded whole since the mark was set, 0 before.
const arrived = `window.beforeTap || document.readyState !== "complete" ? 0 : performance.getEntriesByType("navigation")[0].responseStatus || 200`

// next does what leads to another page, and waits until that is there.
func (p *person) next(what string, step chromedp.Action[chromedp.Void]) (status int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.beforeTap = true`))
	if err == nil {
		err = chromedp.Do(ctx, step)
	}
	if err == nil {
		status, err = poll[int](ctx, arrived)
	}
	if err != nil {
		p.lost(fmt.Errorf("%s: %w", what, err))
	}
	return status
}

// poll asks until the answer is not the zero value. Between two documents there is none to ask: that is no answer yet.
func poll[T comparable](ctx context.Context, expression string) (answer T, err error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var none T
		if answer, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression)); err == nil && answer != none {
			return answer, nil
		}
		select {
		case <-ctx.Done():
			return answer, errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// until waits until an expression is true on the page.
func (p *person) until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := poll[bool](ctx, expression); err != nil {
		p.lost(fmt.Errorf("wait until %s: %w", expression, err))
	}
}

// touch taps something that stays on the page: a checkbox, a choice, a menu.
func (p *person) touch(selector string) {
	p.t.Helper()
	p.taps++
	p.run(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// fill types into a field, in place of what is there.
func (p *person) fill(selector, text string) {
	p.t.Helper()
	p.typed++
	p.run(chromedp.Focus(chromedp.CSS(selector), chromedp.NodeVisible), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.activeElement.select(), true`)); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// choose gives files to a field.
func (p *person) choose(selector string, files ...string) {
	p.t.Helper()
	p.run(chromedp.SetUploadFiles(chromedp.CSS(selector), files))
}

// see waits until something is there to be seen.
func (p *person) see(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		p.lost(fmt.Errorf("see %s: %w", selector, err))
	}
}

// awaits is see for what takes long: the making of an archive, an import.
func (p *person) awaits(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 90*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		p.lost(fmt.Errorf("wait for %s: %w", selector, err))
	}
}

// ask evaluates an expression on the page.
func ask[T any](p *person, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.lost(fmt.Errorf("ask %s: %w", expression, err))
	}
	return v
}

// has reports whether something is on the page now.
func (p *person) has(selector string) bool {
	p.t.Helper()
	return ask[bool](p, fmt.Sprintf("document.querySelector(%q) !== null", selector))
}

// count gives how many of something are on the page now.
func (p *person) count(selector string) int {
	p.t.Helper()
	return ask[int](p, fmt.Sprintf("document.querySelectorAll(%q).length", selector))
}

// attribute gives an attribute of something on the page.
func (p *person) attribute(selector, name string) string {
	p.t.Helper()
	return ask[string](p, fmt.Sprintf("document.querySelector(%q).getAttribute(%q) ?? ''", selector, name))
}

// text gives the words that are seen in a part of the page.
func (p *person) text(selector string) string {
	p.t.Helper()
	return ask[string](p, fmt.Sprintf("document.querySelector(%q).innerText", selector))
}

// reads fails unless a part of the page says something.
func (p *person) reads(selector, words string) {
	p.t.Helper()
	if s := p.text(selector); !strings.Contains(s, words) {
		p.lost(fmt.Errorf("%s does not say %q but %q", selector, words, s))
	}
}

// path gives where the person is.
func (p *person) path() string {
	p.t.Helper()
	return ask[string](p, "location.pathname")
}

// shot saves a picture of the whole page when EXEUNT_SHOTS names a folder.
func (p *person) shot(name string) {
	p.t.Helper()
	dir := os.Getenv("EXEUNT_SHOTS")
	if dir == "" {
		return
	}
	image, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Logf("picture %s: %v", name, err)
		return
	}
	must(p.t, os.MkdirAll(dir, 0o755))
	must(p.t, os.WriteFile(filepath.Join(dir, name+".png"), image, 0o644))
}

// client fetches what a browser hands to its downloads.
var client = &http.Client{Timeout: 2 * time.Minute}

// download is what came of one.
type download struct {
	status int
	header http.Header
	path   string // where it came from in the end
	body   []byte
}

// fetch downloads with the person's cookies, whole or a range.
func (p *person) fetch(path, ranges string) download {
	p.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = p.in.url + path
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, path, nil)
	must(p.t, err)
	if ranges != "" {
		r.Header.Set("Range", ranges)
	}
	jar, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{p.in.url}})
	must(p.t, err)
	var cookies []string
	for _, c := range jar.Cookies {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	r.Header.Set("Cookie", strings.Join(cookies, "; "))
	answer, err := client.Do(r)
	must(p.t, err)
	body, err := io.ReadAll(answer.Body)
	must(p.t, errors.Join(err, answer.Body.Close()))
	return download{answer.StatusCode, answer.Header, answer.Request.URL.Path, body}
}

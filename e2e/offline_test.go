package e2e_test

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestOfflinePage opens an archive's own page from a folder, as one does years later: the posts are there, they can be
// searched in both languages, and nothing is asked of any network.
func TestOfflinePage(t *testing.T) {
	onEach(t, func(t *testing.T, in *install) {
		in.account(t, "lin_moss")
		in.do(t, "import", "--account", "lin_moss", filepath.Join("..", "archive", "testdata", "mastodon"))
		file := in.export(t, "lin_moss")
		want := posts(t, file)
		page := url.URL{Scheme: "file", Path: filepath.Join(unpack(t, file), "index.html")}

		p := startBrowser(t).visitor(t, in, "years later")
		var mu sync.Mutex
		var asked []string
		must(t, chromedp.Listen(p.ctx, func(ev any) {
			if e, ok := ev.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(e.Request.URL, "file://") && !strings.HasPrefix(e.Request.URL, "data:") {
				mu.Lock()
				asked = append(asked, e.Request.URL)
				mu.Unlock()
			}
		}))
		p.next("open the page", chromedp.Navigate(page.String()))
		p.see("#list article")
		if n := p.count("#list article"); n != len(want) {
			t.Errorf("the page shows %d posts of %d", n, len(want))
		}
		p.shot("offline")
		for _, search := range []struct {
			words string
			found int
		}{{"茉莉", 1}, {"handle", 1}, {"没有这几个字", 0}} {
			p.fill("#query", search.words)
			p.finds(search.words, search.found)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(asked) > 0 {
			t.Errorf("the page asked the network for %v", asked)
		}
	})
}

// finds waits until a search shows as many posts as there are, each with the words.
func (p *person) finds(words string, n int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	shown := `[...document.querySelectorAll("#list article")].filter(a => a.innerText.includes(` + quote(words) + `)).length`
	all := `document.querySelectorAll("#list article").length`
	if _, err := poll[bool](ctx, shown+" === "+all+" && "+all+" === "+number(n)); err != nil {
		p.lost(err)
	}
}

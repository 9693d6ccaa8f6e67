package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"exeunt/internal/trial"
)

// TestTrial shows the idea in ten minutes: one tap lends a ready-made account, the bar moves the clock, and in the end
// the certificate is in the visitor's hand and verifies.
func TestTrial(t *testing.T) {
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t, "--trial", "--begin", begin)
		p := startBrowser(t).visitor(t, in, "a visitor")
		p.open("/")
		p.tap(`main form[action="/trial/lend"] button`)
		p.reads("main", trial.Password)
		p.see("article.post")
		p.tap(`nav.tabs a[href="/circles"]`)
		p.see(`main a[href^="/circles/"]:not([href="/circles/new"])`)
		p.tap(`nav.tabs a[href="/me"]`)
		page := p.attribute(`main a[href^="/@"]`, "href")
		p.tap(`main a[href^="/@"]`)
		p.reads(".stats", "40")
		p.shot("trial-own-page")
		written := 0
		name, err := url.PathUnescape(strings.TrimPrefix(page, "/@"))
		must(t, err)
		for _, w := range posts(t, in.export(t, name)) {
			if w.Place == "page" {
				written++
			}
		}
		if written != 200 {
			t.Errorf("the lent account has %d posts of its own, want 200", written)
		}

		p.tap(`.foot a[href="/exit"]`)
		p.tap(`main a[href="/exit/close"]`)
		p.touch("#consent")
		p.tap(`main form[method="post"] .pair button`)
		p.fill("#proof", trial.Password)
		p.tap(`main form[method="post"] .pair button`)
		slip := strings.TrimPrefix(ask[string](p, `document.querySelector("#slip").value`), in.url)
		p.open("/exit")
		p.tap(`.trial button[value="168"]`)
		p.tap(`.trial button[value="24"]`)
		p.shot("trial-after-8-days")
		p.open(slip)
		p.tap(`.trial button[value="720"]`) // the days go by on the slip's page too: the account is gone in the end
		link := `main a[download][href$="/certificate.txt"]`
		p.see(link)
		p.shot("trial-certificate")
		out := in.do(t, "verify", save(t, "certificate.txt", p.fetch(p.attribute(link, "href"), "")))
		if out["ok"] != true || out["trial"] != true {
			t.Errorf("the certificate: %v", out)
		}
		if status := p.visit(page); status != http.StatusNotFound {
			t.Errorf("the lent account's page answers %d", status)
		}
	})
}

// TestNoTrial starts an install as operators do: nothing lends, nothing moves the clock.
func TestNoTrial(t *testing.T) {
	onEach(t, func(t *testing.T, in *install) {
		in.serve(t)
		p := startBrowser(t).visitor(t, in, "a visitor")
		p.open("/")
		if p.has(".trial") || p.has(`form[action^="/trial/"]`) {
			t.Error("an install without --trial has the trial's bar or button")
		}
		for _, path := range []string{trial.LendPath, trial.ClockPath} {
			r, err := client.PostForm(in.url+path, url.Values{"by": {"24"}})
			must(t, err)
			must(t, r.Body.Close())
			if r.StatusCode != http.StatusNotFound && r.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("POST %s answers %d", path, r.StatusCode)
			}
		}
		if out, err := in.command(t, "clock", "+24h"); err == nil {
			t.Errorf("the clock of an install without --trial moved: %v", out)
		}
	})
}

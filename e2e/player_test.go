package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// film is how a script on a page calls what plays there.
const film = `document.querySelector("main video")`

// TestPlayer plays a film of a trial install by keys and by the bar beneath it; the next page remembers what was chosen. What it shows is of no database: one
// is enough.
func TestPlayer(t *testing.T) {
	in := &install{dir: t.TempDir()}
	in.serve(t, "--trial")
	p := startBrowser(t).visitor(t, in, "who watches a film")
	p.open("/")
	p.tap(`main form[action="/trial/lend"] button`)
	const tile = `main a.tile-link[href^="/videos/"]`
	for deadline := time.Now().Add(90 * time.Second); ; {
		if p.open("/channels?tab=recommended"); p.has(tile) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no film becomes ready")
		}
	}
	page := p.attribute(tile, "href")
	p.open(page)
	p.until(film + `.readyState > 1`)
	p.playsByKeys()

	p.pick("[data-player-speed]", "1.5")
	ask[bool](p, `document.querySelector("[data-player-speed]").dispatchEvent(new Event("change"))`)
	p.until(film + `.playbackRate === 1.5`)
	bullets := p.attribute("[data-player-bullets-switch]", "aria-pressed")
	p.touch("[data-player-bullets-switch]")
	p.until(fmt.Sprintf(`document.querySelector("[data-player-bullets-switch]").getAttribute("aria-pressed") !== %q`, bullets))
	saves := p.has("[data-player-saver]")
	if saves {
		p.touch("[data-player-saver]")
		p.until(`document.querySelector("[data-player-saver]").getAttribute("aria-pressed") === "true"`)
	}
	p.open(page)
	p.until(film + `.readyState > 1 && ` + film + `.playbackRate === 1.5`)
	if got := p.attribute("[data-player-bullets-switch]", "aria-pressed"); got == bullets {
		t.Error("the next page forgets that bullet comments were switched")
	}
	if saves && p.attribute("[data-player-saver]", "aria-pressed") != "true" {
		t.Error("the next page forgets to save data")
	}
	// Whoever writes presses keys for letters alone.
	p.run(chromedp.Focus(chromedp.CSS("#say textarea"), chromedp.NodeVisible))
	p.run(chromedp.KeyEvent("k"))
	p.until(`document.querySelector("#say textarea").value === "k"`)
	if !ask[bool](p, film+`.paused`) {
		t.Error("a letter in a comment has the film play")
	}
}

// playsByKeys has time go on and stand still, jump, and the sound go and come.
func (p *person) playsByKeys() {
	p.t.Helper()
	ask[bool](p, `document.activeElement.blur() || true`)
	press := func(key, want string) {
		p.t.Helper()
		p.run(chromedp.KeyEvent(key))
		p.until(want)
	}
	ask[bool](p, film+`.muted = true`)
	press("k", film+`.currentTime > 0.5 && !`+film+`.paused`)
	press("k", film+`.paused`)
	press("l", fmt.Sprintf(`%s.currentTime > %[1]s.duration - 0.5`, film))
	press(kb.ArrowLeft, fmt.Sprintf(`Math.abs(%s.currentTime - (%[1]s.duration - 5)) < 0.5`, film))
	press("j", film+`.currentTime === 0`)
	press(".", film+`.currentTime > 0`)
	press("m", `!`+film+`.muted`)
	press("m", film+`.muted`)
	volume := ask[float64](p, film+`.volume`)
	press(kb.ArrowDown, fmt.Sprintf(`%s.volume < %v`, film, volume))
}

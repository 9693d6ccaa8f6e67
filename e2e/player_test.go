package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// film is how a script on a page calls what plays there.
const film = `document.querySelector("main video")`

// TestPlayer plays a film of a trial install by keys and by the bar beneath it; the next page remembers what was chosen. Then somebody swipes through what
// there is. What it shows is of no database: one is enough.
func TestPlayer(t *testing.T) {
	in := &install{dir: t.TempDir()}
	in.serve(t, "--trial")
	b := startBrowser(t)
	p := b.visitor(t, in, "who watches a film")
	p.floats()
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
	watch := p.attribute(tile, "href")
	p.open(watch)
	p.until(film + `.readyState > 1`)
	p.playsByKeys()
	p.touch("[data-player-pip]")
	p.until(`window.floating === ` + film)
	p.run(chromedp.KeyEvent("p"))
	p.until(`window.floating === null`)

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
	p.open(watch)
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
	b.visitor(t, in, "who swipes").swipes()
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

// floats gives a browser without a screen a small window of films' own: which film stands in it.
func (p *person) floats() {
	p.t.Helper()
	p.run(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			Object.defineProperty(document, "pictureInPictureEnabled", { value: true });
			Object.defineProperty(document, "pictureInPictureElement", { get: () => window.floating ?? null });
			HTMLVideoElement.prototype.requestPictureInPicture = async function () { window.floating = this; };
			document.exitPictureInPicture = async () => { window.floating = null; };`})
		return err
	}))
}

// swipes goes from one film to the next and back, as one does on a phone: the one in sight plays, and no other.
func (p *person) swipes() {
	p.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; {
		if p.open("/watch?tab=recommended"); p.count("#strip .slide") >= 3 {
			break
		}
		if time.Now().After(deadline) {
			p.t.Fatal("there are not three films to swipe through")
		}
	}
	const plays = `(all => all.every((v, i) => i === %d ? !v.paused && v.currentTime > 0.2 : v.paused))([...document.querySelectorAll("#strip video")])`
	p.until(fmt.Sprintf(plays, 0))
	p.shot("strip")
	for _, to := range []struct {
		slide    int
		from, to float64 // where the finger comes down and goes up again, pixels from the top
	}{{1, 650, 250}, {2, 650, 250}, {1, 250, 650}} {
		p.swipe(to.from, to.to)
		p.until(fmt.Sprintf(plays, to.slide))
		p.until(fmt.Sprintf(`Math.abs(document.querySelectorAll("#strip .slide")[%d].getBoundingClientRect().top - document.querySelector("#strip").getBoundingClientRect().top) < 2`, to.slide))
	}
}

// swipe draws a finger up or down the screen.
func (p *person) swipe(from, to float64) {
	p.t.Helper()
	p.run(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		const steps = 10
		send := func(kind input.DispatchTouchEventType, at ...*input.TouchPoint) error {
			_, err := chromedp.Call(ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: append([]*input.TouchPoint{}, at...)})
			return err
		}
		err := send(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: 200, Y: from})
		for i := 1; i <= steps && err == nil; i++ {
			err = send(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: 200, Y: from + (to-from)*float64(i)/steps})
		}
		if err != nil {
			return err
		}
		return send(input.DispatchTouchEventTypeTouchEnd)
	}))
}

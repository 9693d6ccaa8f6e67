package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// looker is somebody at the viewer of a post's images.
type looker struct {
	*person
	alts []string
}

// at wants the viewer to show the image of a number, with its description, of so many.
func (l looker) at(n int) {
	l.t.Helper()
	l.until(fmt.Sprintf(`(() => { const d = document.querySelector("dialog.viewer[open]"), i = d.querySelector("img"); return d.querySelector(".tabular").textContent === "%d / %d" && i.complete && i.naturalWidth > 0 })()`, n, len(l.alts)))
	if got, want := ask[string](l.person, `document.querySelector("dialog.viewer img").alt`), l.alts[n-1]; got != want {
		l.t.Errorf("image %d is described as %q, want %q", n, got, want)
	}
	if got, want := ask[string](l.person, `document.querySelector("dialog.viewer .viewer-alt").textContent`), l.alts[n-1]; got != want {
		l.t.Errorf("below image %d stands %q, want %q", n, got, want)
	}
	if !ask[bool](l.person, `document.querySelector("dialog.viewer img").src === document.querySelectorAll(".images .image")[`+fmt.Sprint(n-1)+`].href`) {
		l.t.Errorf("image %d is not the one of its link", n)
	}
	if !ask[bool](l.person, `document.activeElement.closest("dialog.viewer") !== null`) {
		l.t.Errorf("at image %d the keyboard is outside the viewer", n)
	}
}

func (l looker) press(key string) {
	l.t.Helper()
	l.run(chromedp.KeyEvent(key))
}

// closed wants the viewer to be gone and the keyboard to be at the image of a number.
func (l looker) closed(n int) {
	l.t.Helper()
	l.until(`document.querySelector("dialog.viewer") === null`)
	if at := ask[int](l.person, `[...document.querySelectorAll(".images .image")].indexOf(document.activeElement) + 1`); at != n {
		l.t.Errorf("closed, the keyboard is at image %d, want %d", at, n)
	}
}

// TestImageViewer looks through the images of a post by keyboard and by mouse: it opens at the one that was chosen, goes on and back and no further, says
// what each shows, keeps the keyboard inside, and gives it back where it was left. What it shows is of no database: one is enough.
func TestImageViewer(t *testing.T) {
	in := &install{dir: t.TempDir()}
	in.serve(t, "--trial")
	in.account(t, "lin_xiaoman")
	p := startBrowser(t).visitor(t, in, "lin")
	p.signsIn("lin_xiaoman")
	l := looker{p, []string{"山脊", "松林 <i>", "溪水"}}
	p.open("/write")
	p.fill("#text", "三张")
	p.choose("#images", pictures(t, 3)...)
	p.fill("#alts", strings.Join(l.alts, "\n"))
	p.tap(`main form[action="/write"] button[value="publish"]`)

	// By keyboard: from the second image, on to the last and no further, back to the first and no further.
	p.run(chromedp.Focus(chromedp.CSS(".images .image:nth-child(2)"), chromedp.NodeVisible))
	l.press(kb.Enter)
	l.at(2)
	if p.attribute("dialog.viewer", "aria-label") == "" || !ask[bool](p, `[...document.querySelectorAll("dialog.viewer button")].every(b => b.getAttribute("aria-label"))`) {
		t.Error("the viewer, or a button of it, has no name")
	}
	for _, step := range []struct {
		key string
		at  int
	}{{kb.ArrowRight, 3}, {kb.ArrowRight, 3}, {kb.ArrowLeft, 2}, {kb.Home, 1}, {kb.ArrowLeft, 1}, {kb.End, 3}} {
		l.press(step.key)
		l.at(step.at)
	}
	for range 5 {
		l.press(kb.Tab)
		if !ask[bool](p, `document.activeElement === document.body || document.activeElement.closest("dialog.viewer") !== null`) {
			t.Error("the tab key leads out of the viewer")
		}
	}
	l.press(kb.Escape)
	l.closed(3)

	// By mouse, on a screen that is wide enough for buttons: one that has come to its end leaves the keyboard inside.
	p.run(chromedp.EmulateViewport(1280, 800))
	p.touch(".images .image:nth-child(1)")
	l.at(1)
	next := fmt.Sprintf(`dialog.viewer button[aria-label=%q]`, p.attribute(".images", "data-after"))
	before := fmt.Sprintf(`dialog.viewer button[aria-label=%q]`, p.attribute(".images", "data-before"))
	if !ask[bool](p, fmt.Sprintf(`document.querySelector(%q).disabled`, before)) {
		t.Error("before the first image there is one")
	}
	p.touch(next)
	l.at(2)
	p.touch(next)
	l.at(3)
	l.press(kb.ArrowLeft)
	l.at(2)
	p.touch(fmt.Sprintf(`dialog.viewer button[aria-label=%q]`, p.attribute(".images", "data-close")))
	l.closed(2)
	if p.path() == "" || p.count("dialog") != 0 {
		t.Error("something of the viewer is left")
	}
}

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// footage makes a folder of two short films, one with what yt-dlp writes beside it and one with what an archive has, and a file that belongs to none.
func footage(t *testing.T) (folder string, size int64) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "footage")
	must(t, os.MkdirAll(filepath.Join(folder, "2020"), 0o700))
	for name, text := range map[string]string{
		"2020/sea.info.json": `{"id": "sea", "extractor_key": "Youtube", "title": "The sea at noon", "timestamp": 1577836800, "availability": "public"}`,
		"wood.json":          `{"id": "7", "origin": "urn:exeunt:video:7", "title": "The wood", "at": "2021-03-04T05:06:07Z", "audience": "public"}`,
		"notes.txt":          "two films",
		".left":              "by a system",
	} {
		must(t, os.WriteFile(filepath.Join(folder, filepath.FromSlash(name)), []byte(text), 0o600))
	}
	for i, name := range []string{"2020/sea.mp4", "wood.mp4"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d="+strconv.Itoa(1+i), "-preset", "ultrafast", "-pix_fmt", "yuv420p", path).CombinedOutput()
		if err != nil {
			t.Fatalf("make a film: %v\n%s", err, out)
		}
		info, err := os.Stat(path)
		must(t, err)
		size += info.Size()
	}
	return folder, size
}

// drops lets a file or folder fall onto something.
func (p *person) drops(selector, path string) {
	p.t.Helper()
	ask[bool](p, fmt.Sprintf(`document.querySelector(%q).scrollIntoView({ block: "center" }), true`, selector))
	middle := func(start, size string) float64 {
		return ask[float64](p, fmt.Sprintf(`(({ %s, %s }) => %[1]s + %[2]s / 2)(document.querySelector(%[3]q).getBoundingClientRect())`, start, size, selector))
	}
	x, y := middle("x", "width"), middle("y", "height")
	data := &input.DragData{Items: []*input.DragDataItem{}, Files: []string{path}, DragOperationsMask: 1}
	for _, kind := range []input.DispatchDragEventType{"dragEnter", "dragOver", "drop"} {
		p.run(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: x, Y: y, Data: data})
			return err
		}))
	}
}

// TestFolder chooses a folder of films on the page for many videos, over a line that breaks in the middle: each comes in under its own date, and the report tells of
// every file. The same folder dropped there again brings nothing twice. What it shows is of no database: one is enough.
func TestFolder(t *testing.T) {
	in := &install{dir: t.TempDir()}
	in.serve(t)
	in.account(t, "lin_zhou")
	behind, line := lineTo(t, in)
	p := startBrowser(t).visitor(t, behind, "lin_zhou")
	p.readsIn("en")
	p.signsIn("lin_zhou")
	p.open("/channels/open")
	p.fill("#name", "The sea")
	p.tap(`main form[action="/channels/open"] button.primary`)
	folder, size := footage(t)
	p.open("/channels/batch?for=public")
	p.see("[data-upload-folder]")
	line.cut(size / 2)
	p.choose("#folder", folder)
	p.until(`location.pathname.startsWith("/channels/batch/")`) // the script leads there
	if line.cuts.Load() != 1 {
		t.Errorf("the line was cut %d times", line.cuts.Load())
	}
	p.complaints() // of the connection
	for name, want := range map[string]string{"2020/sea.mp4": "Taken in", "wood.mp4": "Taken in", "notes.txt": "Skipped"} {
		p.until(`[...document.querySelectorAll("main table tbody tr")].some((row) => row.innerText.includes("` + name + `") && row.innerText.includes("` + want + `"))`)
	}
	if n := p.count("main table tbody tr"); n != 3 {
		t.Errorf("the report tells of %d files, want 3: %s", n, p.text("main table"))
	}
	p.shot("folder-report")
	report := p.path()
	for name, day := range map[string]string{"2020/sea.mp4": "2020-01-01", "wood.mp4": "2021-03-04"} {
		p.open(report)
		edit := ask[string](p, `[...document.querySelectorAll("main table a")].find((a) => a.textContent === "`+name+`").getAttribute("href")`)
		for deadline := time.Now().Add(90 * time.Second); ; {
			if p.open(strings.TrimSuffix(edit, "/edit")); p.has("main time") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s does not become ready", name)
			}
		}
		if at := p.attribute("main time", "datetime"); len(at) < 10 || at[:10] != day {
			t.Errorf("%s is of %q, want %s", name, at, day)
		}
	}
	p.open("/channels/batch?for=public")
	p.drops("#folder", folder)
	p.until(`location.pathname.startsWith("/channels/batch/")`)
	for _, name := range []string{"2020/sea.mp4", "wood.mp4"} {
		p.until(`[...document.querySelectorAll("main table tbody tr")].some((row) => row.innerText.includes("` + name + `") && row.innerText.includes("Here already"))`)
	}
}

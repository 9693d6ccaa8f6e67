package ui_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/internal/ui"
)

var update = flag.Bool("update", false, "write the golden files anew")

// galleryEnv names a folder into which TestGallery writes its pages, to be
// looked at in a browser; without it they are drawn and checked only.
const galleryEnv = "EXEUNT_GALLERY"

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// today is the day all samples are seen on: 1 December 2026, noon in Shanghai.
var today = time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)

func readerOf(lang ui.Lang, theme ui.Theme) context.Context {
	return ui.WithReader(context.Background(), ui.Reader{Lang: lang, Theme: theme, Zone: shanghai, Now: today})
}

// galleryPages are all components, on pages as a person would meet them.
func galleryPages(lang ui.Lang) map[string]func(ui.Frame) templComponent {
	s := sampleOf(lang)
	return map[string]func(ui.Frame) templComponent{
		"home":     func(f ui.Frame) templComponent { f.Title = s.home; return homeSample(f, s) },
		"post":     func(f ui.Frame) templComponent { f.Title = s.post; return postSample(f, s) },
		"calendar": func(f ui.Frame) templComponent { f.Title = s.calendar.Title; return calendarSample(f, s) },
		"exit":     func(f ui.Frame) templComponent { f.Title = s.exit; return exitSample(f, s) },
		"slip":     func(f ui.Frame) templComponent { f.Title = s.calendar.Title; return slipSample(f, s) },
		"visitor":  func(f ui.Frame) templComponent { f.Title = s.exit; return visitorSample(f, s) },
		"forms":    func(f ui.Frame) templComponent { f.Title = s.forms; return formSample(f, s) },
		"pieces":   func(f ui.Frame) templComponent { f.Title = s.pieces; return pieceSample(f, s) },
	}
}

func frameOf(lang ui.Lang) ui.Frame {
	s := sampleOf(lang)
	return ui.Frame{
		Path:      "/gallery",
		Viewer:    &ui.ViewerView{Name: s.me},
		Tabs:      []ui.Tab{{Label: s.tabs[0], Href: "/circles", Icon: "users-round", Count: 3}, {Label: s.tabs[1], Href: "/channels", Icon: "clapperboard"}},
		Active:    "/circles",
		WriteHref: "/write",
	}
}

// TestGallery draws every component in both languages and themes and checks what
// holds for all pages: no inline script or style, no word left as a key.
func TestGallery(t *testing.T) {
	out := os.Getenv(galleryEnv)
	for _, lang := range ui.Langs() {
		for _, theme := range []ui.Theme{ui.ThemeLight, ui.ThemeDark} {
			for name, page := range galleryPages(lang) {
				var b bytes.Buffer
				if err := page(frameOf(lang)).Render(readerOf(lang, theme), &b); err != nil {
					t.Fatalf("%s in %s: %v", name, lang, err)
				}
				checkPage(t, name+" "+string(lang), b.String())
				if out != "" {
					writeGallery(t, out, name+"-"+string(lang)+"-"+string(theme)+".html", b.String())
				}
			}
		}
	}
}

func checkPage(t *testing.T, name, page string) {
	t.Helper()
	for _, bad := range []string{" style=", "<style", "javascript:", " onclick=", ">ui.", "\"ui."} {
		if at := strings.Index(page, bad); at >= 0 {
			t.Errorf("%s: %q in page: …%s…", name, bad, page[max(0, at-40):min(len(page), at+60)])
		}
	}
	if n := strings.Count(page, "<h1"); n != 1 {
		t.Errorf("%s: %d h1, want 1", name, n)
	}
}

// writeGallery makes the page readable from a folder: assets beside it.
func writeGallery(t *testing.T, dir, name, page string) {
	t.Helper()
	for _, a := range []string{"exeunt.css", "exeunt.js", "htmx.js", "icon.svg", "icons.svg"} {
		page = strings.ReplaceAll(page, `"`+ui.AssetURL(a), `"assets/`+a)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
}

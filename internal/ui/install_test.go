package ui_test

import (
	"encoding/json"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"exeunt/internal/ui"
)

// TestManifest asks that a phone finds all that it needs to install the site: names in the reader's language, and icons of the
// sizes that are promised, drawn as the icon is.
func TestManifest(t *testing.T) {
	for _, c := range []struct {
		reader     ui.Reader
		name, icon string
	}{
		{ui.Reader{Lang: ui.Chinese}, "来去", ui.IconPath(192)},
		{ui.Reader{Lang: ui.English}, "Exeunt", ui.IconPath(512)},
		{ui.Reader{Lang: ui.English, Site: ui.Site{Name: "The Well", Icon: "/icon.png?7"}}, "The Well", "/icon.png?7"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, ui.ManifestPath, nil)
		if err := ui.Manifest(w, r.WithContext(ui.WithReader(r.Context(), c.reader))); err != nil {
			t.Fatal(err)
		}
		var m struct {
			Name, Lang, Display string
			Start               string `json:"start_url"`
			Icons               []struct{ Src, Sizes, Type, Purpose string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if m.Name != c.name || m.Lang != string(c.reader.Lang) || m.Display != "standalone" || m.Start != "/" || !strings.Contains(w.Body.String(), c.icon) {
			t.Errorf("%s: the manifest is %s", c.name, w.Body)
		}
		if kind := w.Header().Get("Content-Type"); kind != "application/manifest+json" {
			t.Errorf("it is served as %q", kind)
		}
	}
	for _, size := range []int{180, 192, 512} {
		w := httptest.NewRecorder()
		ui.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, ui.IconPath(size), nil))
		img, err := png.Decode(w.Body)
		if err != nil || img.Bounds().Dx() != size || img.Bounds().Dy() != size {
			t.Fatalf("the icon of %d pixels: %v", size, err)
		}
		ground, _, _, _ := img.At(0, 0).RGBA()
		ink, _, _, _ := img.At(size/2, size/2).RGBA() // the arrow goes through the middle
		if ground>>8 != 0x17 || ink>>8 != 0xfb {
			t.Errorf("the icon of %d pixels has ground %x and ink %x", size, ground>>8, ink>>8)
		}
	}
	w := httptest.NewRecorder()
	ui.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, strings.Replace(ui.IconPath(512), "512", "4096", 1), nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("an icon of any size is drawn: %d", w.Code)
	}
}

// TestBell asks what stands at the bell, in numbers and in words.
func TestBell(t *testing.T) {
	for unread, want := range map[int]string{0: "", 1: "1", 99: "99", 100: "99+"} {
		b := ui.BellView{Unread: unread}
		if got := b.Count(); got != want {
			t.Errorf("%d unread: %q, want %q", unread, got, want)
		}
		for _, lang := range ui.Langs() {
			label := b.Label(ui.WithReader(t.Context(), ui.Reader{Lang: lang}))
			if !strings.Contains(label, want) || strings.Contains(label, "ui.") || (unread == 0) == strings.ContainsAny(label, "0123456789") {
				t.Errorf("%d unread: the label is %q", unread, label)
			}
		}
	}
}

package upload_test

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"exeunt/archive"
)

// folderOf writes files into a folder of a name.
func folderOf(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for name, content := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// wantZip wants a zip to hold these files, stored as they are, for any reader and for ours.
func wantZip(t *testing.T, b []byte, want map[string]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := archive.OpenFiles(bytes.NewReader(b), int64(len(b)), archive.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, own := map[string]string{}, map[string]string{}
	for _, f := range z.File {
		for of, open := range map[*map[string]string]func() (io.ReadCloser, error){
			&got: f.Open, &own: func() (io.ReadCloser, error) { return ours.Open(t.Context(), f.Name) },
		} {
			r, err := open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			(*of)[f.Name] = string(text)
		}
		if f.Method != zip.Store || f.NonUTF8 {
			t.Errorf("%s is of method %d, and its name is not said to be UTF-8: %v", f.Name, f.Method, f.NonUTF8)
		}
	}
	if !maps.Equal(got, want) || !maps.Equal(own, want) {
		t.Errorf("it holds %d files, for us %d, want %d, or others", len(got), len(own), len(want))
	}
}

// TestBrowserFolder chooses a folder, closes the page in the middle, and chooses it again in another browser: it goes on. A folder of the
// same name and lengths that holds something else is another upload.
func TestBrowserFolder(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		mira := h.account()
		var complaints atomic.Int64
		s, c := h.page(t, mira, &complaints)
		files := map[string]string{"a/海 sea.mp4": string(content(21, 40*pieceOf+1)), "a/海 sea.info.json": "{}", "B.mp4": string(content(22, pieceOf)), "empty.txt": ""}
		others := maps.Clone(files)
		others["a/海 sea.info.json"] = "[]"
		hidden := map[string]string{".nothing": "x", "a/.git/config": "x"}
		all := maps.Clone(files)
		maps.Copy(all, hidden)
		folder := folderOf(t, "films", all)
		ready := chromedp.WaitReady(chromedp.CSS("[data-upload-folder]:not([hidden])"))
		choose := func(folder string) chromedp.Action[chromedp.Void] {
			return chromedp.SetUploadFiles(chromedp.CSS("#folder"), []string{folder})
		}
		c.off.Store(true)
		run := browse(t, true)
		run(chromedp.Navigate(s.URL+"/?many=1"), ready, choose(folder))
		for h.sole(`select count(*) from upload_pieces`) < 6 && t.Context().Err() == nil {
		}
		run(chromedp.Navigate("about:blank"))
		steady, line := h.page(t, mira, &complaints) // what the first page has still sent is cut as before
		line.cuts.Store(1)
		other := browse(t, true)
		whole := func(n int) chromedp.Action[chromedp.Void] {
			return chromedp.WaitVisible(chromedp.CSS("li:nth-child(" + strconv.Itoa(n) + ") [data-upload-page]"))
		}
		other(chromedp.Navigate(steady.URL+"/?many=1"), ready, choose(folderOf(t, "films", others)), whole(1), choose(folder), whole(2))
		if n := h.sole(`select count(*) from uploads`); n != 2 || len(h.done) != 2 || complaints.Load() != 0 {
			t.Fatalf("%d uploads, %d done, %d complaints of the policy; want one that went on, and another", n, len(h.done), complaints.Load())
		}
		for i, want := range []map[string]string{others, files} {
			if h.done[i].Name != "films" {
				t.Errorf("it is called %q", h.done[i].Name)
			}
			wantZip(t, h.content(mira, h.done[i].ID), want)
		}
		crowd := map[string]string{}
		for _, name := range []string{"1", "2", "3", "4", "5", "6"} {
			crowd[name] = name
		}
		other(choose(folderOf(t, "crowd", crowd)), chromedp.WaitReady(chromedp.CSS("[data-upload-reading]:not(:empty)")))
		if n := h.sole(`select count(*) from uploads`); n != 2 {
			t.Errorf("a folder of more files than may come has begun upload %d", n)
		}
	})
}

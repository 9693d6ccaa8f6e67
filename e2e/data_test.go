package e2e_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"exeunt/archive"
)

// source is an archive from elsewhere that people bring in, as a folder and as the zip that one uploads.
type source struct {
	folder, zip string
	real        bool
}

// mastodonArchive gives a real person's archive where there is one: it is never committed. Where CI is set its absence is
// a failure; elsewhere the small one of package archive, which has every trap, stands for it.
func mastodonArchive(t *testing.T) source {
	t.Helper()
	data := os.Getenv("EXEUNT_TEST_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "shared", "data")
	}
	s := source{folder: filepath.Join(data, "mastodon-archive"), real: true}
	if _, err := os.Stat(s.folder); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no archive at %s; set EXEUNT_TEST_DATA", s.folder)
		}
		s = source{folder: filepath.Join("..", "archive", "testdata", "mastodon")}
	}
	s.zip = zipOf(t, s.folder)
	return s
}

// zipOf packs a folder as somebody would who uploads it.
func zipOf(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive.zip")
	f, err := os.Create(path)
	must(t, err)
	w := zip.NewWriter(f)
	must(t, w.AddFS(os.DirFS(folder)))
	must(t, w.Close())
	must(t, f.Close())
	return path
}

// posts gives the posts of an archive, newest first.
func posts(t *testing.T, path string) []archive.Post {
	t.Helper()
	r, err := archive.Open(t.Context(), path, archive.Limits{Spool: t.TempDir()})
	must(t, err)
	_, err = r.Survey(t.Context())
	must(t, err)
	var out []archive.Post
	must(t, r.Records(t.Context(), archive.ClassPosts, 0, func(_ int64, v any) error {
		out = append(out, v.(archive.Post))
		return nil
	}))
	must(t, r.Close())
	slices.SortStableFunc(out, func(a, b archive.Post) int { return b.Published.Compare(a.Published.Time) })
	return out
}

// written tells a post by all that its author made of it: all but ids, where it came from, and what others added.
func written(t *testing.T, p archive.Post) string {
	t.Helper()
	p.ID, p.Origin, p.Likes, p.Comments = "", "", 0, 0
	images := slices.Clone(p.Images)
	for i := range images {
		images[i].Path = ""
	}
	p.Images = images
	b, err := json.Marshal(p)
	must(t, err)
	return string(b)
}

// lines tells posts, sorted.
func writings(t *testing.T, list []archive.Post) []string {
	t.Helper()
	out := make([]string, 0, len(list))
	for _, p := range list {
		out = append(out, written(t, p))
	}
	slices.Sort(out)
	return out
}

// sameWritings fails unless two archives hold the same posts of a place.
func sameWritings(t *testing.T, what string, before, after []string) {
	t.Helper()
	missing := difference(before, after)
	more := difference(after, before)
	for i, s := range missing {
		if i < 5 {
			t.Errorf("%s: missing %s", what, s)
		}
	}
	for i, s := range more {
		if i < 5 {
			t.Errorf("%s: more %s", what, s)
		}
	}
	if len(missing)+len(more) > 0 || len(before) == 0 {
		t.Errorf("%s: %d posts before and %d after; %d are missing and %d are more", what, len(before), len(after), len(missing), len(more))
	}
}

// difference gives what is in a and not in b; both are sorted, with repetitions.
func difference(a, b []string) []string {
	var out []string
	for _, s := range a {
		for len(b) > 0 && b[0] < s {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == s {
			b = b[1:]
			continue
		}
		out = append(out, s)
	}
	return out
}

// entries reads all files of an archive: their bytes by name.
func entries(t *testing.T, path string) map[string][]byte {
	t.Helper()
	r, err := zip.OpenReader(path)
	must(t, err)
	out := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		must(t, err)
		out[f.Name] = readAll(t, in)
	}
	must(t, r.Close())
	return out
}

// unpack writes an archive into a folder, as a person would before opening its page.
func unpack(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range entries(t, path) {
		to := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(to), 0o700))
		must(t, os.WriteFile(to, data, 0o600))
	}
	return dir
}

// picture draws a PNG of a few colours.
func picture(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for x := range 320 {
		for y := range 240 {
			img.SetRGBA(x, y, color.RGBA{uint8(x / 2), uint8(y), 120, 255})
		}
	}
	var b bytes.Buffer
	must(t, png.Encode(&b, img))
	path := filepath.Join(t.TempDir(), "fern.png")
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// save writes what was downloaded to a file.
func save(t *testing.T, name string, d download) string {
	t.Helper()
	if d.status != http.StatusOK {
		t.Fatalf("%s answers %d", d.path, d.status)
	}
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, d.body, 0o600))
	return path
}

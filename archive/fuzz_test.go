package archive_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"exeunt/archive"
)

// FuzzReader opens any bytes as a zip. What passes the survey must read the same
// a second time, and nothing may pass verification with a file that cannot be read.
func FuzzReader(f *testing.F) {
	for _, data := range [][]byte{zipOf(f, folderFiles(f, filepath.Join("testdata", "mastodon"))...), zipOf(f, file{"outbox.json", emptyOutbox})} {
		f.Add(data)
	}
	own, err := os.ReadFile(lifeFile(f))
	must(f, err)
	f.Add(own)
	small := archive.Limits{Entries: 200, EntrySize: 4 << 20, Total: 8 << 20, Item: 1 << 16, Records: 10_000}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := archive.OpenZip(bytes.NewReader(data), int64(len(data)), small)
		if err != nil {
			return
		}
		s, err := r.Survey(t.Context())
		if err != nil {
			return
		}
		for _, c := range s.Classes {
			n := int64(0)
			err := r.Records(t.Context(), c.Class, 0, func(_ int64, v any) error {
				n++
				if p, ok := v.(archive.Post); ok {
					return readImagesOf(t, r, p)
				}
				return nil
			})
			if err != nil || n != c.Count {
				t.Errorf("%s: the survey counts %d, %d were read: %v", c.Class, c.Count, n, err)
			}
		}
	})
}

func readImagesOf(t *testing.T, r *archive.Reader, p archive.Post) error {
	for _, i := range p.Images {
		f, _, err := r.File(t.Context(), i.Path)
		if errors.Is(err, &archive.Error{Kind: archive.KindNoFile}) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, f); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// FuzzActivity decodes any bytes as an activity: a post has an id, a time, a
// known audience and text without control characters, or there is a reason.
func FuzzActivity(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "mastodon", "outbox.json"))
	must(f, err)
	for line := range strings.Lines(string(data)) {
		f.Add([]byte(strings.TrimSuffix(strings.TrimSpace(line), ",")))
	}
	audiences := map[string]bool{archive.AudiencePublic: true, archive.AudienceUnlisted: true, archive.AudienceFollowers: true, archive.AudienceDirect: true}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, skipped, err := archive.DecodeActivity(data)
		if err != nil {
			return
		}
		switch r := v.(type) {
		case archive.Post:
			if r.ID == "" || r.Published.IsZero() || !audiences[r.Audience] || !utf8.ValidString(r.Text) || strings.ContainsAny(r.Text, "\x00\x1b\r") {
				t.Errorf("post %+v", r)
			}
		case archive.Link:
			if !strings.HasPrefix(r.URI, "http") {
				t.Errorf("link %+v", r)
			}
		default:
			if skipped == "" {
				t.Errorf("%T without a reason", v)
			}
		}
	})
}

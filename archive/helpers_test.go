package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
)

var update = flag.Bool("update", false, "write golden files")

var made = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func options(t testing.TB) archive.Options {
	t.Helper()
	return archive.Options{
		Spool: t.TempDir(), Made: made, Host: "home.example", Actor: archive.Profile{Name: "lin", DisplayName: "林小满"},
		Scope: archive.Scope{Media: true},
	}
}

func bytesOf(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func at(day int) archive.Time {
	return archive.At(time.Date(2024, 1, 1, 9, 30, 0, 123e6, time.UTC).AddDate(0, 0, day))
}

// life is one record or more of every class.
func life() map[string][]any {
	on := archive.Reference{Kind: "post", ID: "77", URI: "https://other.example/@wu/posts/77", Excerpt: "花开了"}
	image := archive.MediaName("9001", ".png")
	return map[string][]any{
		archive.ClassProfile: {archive.Profile{
			ID: "9", Name: "lin", DisplayName: "林小满", Bio: "种花 <b>\n\n看 https://lin.example/", Kind: "personal", Created: at(0),
			Avatar: "avatar.png", Cover: "header.png", Links: []archive.ProfileLink{{Label: "网站", URL: "https://lin.example/"}},
		}},
		archive.ClassSettings: {archive.Settings{Locale: "zh-CN", SeeFollowing: "only-me", Entrances: []archive.EntranceSetting{{Service: "circle", Shown: true}, {Service: "page"}}}},
		archive.ClassPosts: {
			archive.Post{
				ID: "1", Place: "page", Audience: archive.AudiencePublic, Text: "第一\n\n</script>\u2028 https://a.example/x?y=1&z=2。", Language: "zh", Published: at(40), Edited: at(41),
				Images: []archive.Image{{Path: image, Type: "image/png", Width: 3, Height: 2, Alt: "花"}}, Likes: 3, Comments: 1,
			},
			archive.Post{ID: "2", Place: "circle", Circle: "5", CircleName: "种花的人", Audience: archive.AudienceCircle, Text: "圈子里", Published: at(10), Summary: "小心", Sensitive: true},
			archive.Post{ID: "3", Origin: "https://old.example/users/lin/statuses/3", Place: "page", Audience: archive.AudienceOnlyMe, Text: "only me", Published: at(400), InReplyTo: "https://gone.example/1"},
			archive.Post{ID: "4", Place: "page", Audience: archive.AudienceUnlisted, Text: "unlisted", Published: at(500)},
			archive.Post{ID: "5", Place: "page", Audience: archive.AudienceFollowers, Text: "followers", Published: at(501)},
			archive.Post{ID: "6", Place: "page", Audience: archive.AudienceDirect, Text: "direct", Published: at(502)},
		},
		archive.ClassImages: {},
		archive.ClassLinks: {
			archive.Link{Kind: archive.LinkBoost, URI: "https://other.example/1", At: at(50)},
			archive.Link{Kind: archive.LinkLike, URI: "https://other.example/2"},
			archive.Link{Kind: archive.LinkBookmark, URI: "https://other.example/3"},
		},
		archive.ClassComments:   {archive.Comment{ID: "1", On: on, Text: "真好", Published: at(60)}},
		archive.ClassReceived:   {archive.Comment{ID: "2", On: archive.Reference{Kind: "post", ID: "1"}, Parent: "1", Author: "甲", Text: "谢谢", Published: at(61)}},
		archive.ClassLikes:      {archive.Like{On: on, At: at(62)}},
		archive.ClassFavourites: {archive.Favourite{On: on, At: at(63)}},
		archive.ClassFollowing:  {archive.Follow{Address: "wu@other.example", Since: at(1)}},
		archive.ClassFollowers:  {archive.Follow{Address: "chen@third.example", Since: at(2)}, archive.Follow{Address: "zhao@third.example"}},
		archive.ClassCircles: {archive.Circle{
			ID: "5", Name: "种花的人", Intro: "一起种", JoinMode: "approval", Created: at(3), Members: 12,
			Topics: []string{"春天", "旧事"}, ClosedTopics: []string{"旧事"}, FilteredWords: []archive.FilteredWord{{Word: "代购", Does: "hold"}},
			BlockedImages: []string{"0123456789abcdef"}, NewMembers: &archive.NewMemberLimits{Days: 7, Posts: 3, Links: true},
		}},
		archive.ClassMemberships: {archive.Membership{Circle: "6", Name: "看书", Role: "member", Joined: at(4)}},
		"shop.orders":            {json.RawMessage(`{"id":"1","total":"12.50"}`)},
	}
}

var lifeOrder = []string{
	archive.ClassProfile, archive.ClassSettings, archive.ClassPosts, archive.ClassImages, archive.ClassLinks, archive.ClassComments,
	archive.ClassReceived, archive.ClassLikes, archive.ClassFavourites, archive.ClassFollowing, archive.ClassFollowers, archive.ClassCircles,
	archive.ClassMemberships, "shop.orders",
}

// writeLife writes an archive with everything in it.
func writeLife(t testing.TB, out io.Writer, o archive.Options) archive.Summary {
	t.Helper()
	w, err := archive.NewWriter(out, o)
	must(t, err)
	records := life()
	for _, class := range lifeOrder {
		must(t, w.Class(class))
		must(t, w.Highest("501"))
		for _, v := range records[class] {
			must(t, w.Record(v))
		}
		switch class {
		case archive.ClassProfile:
			must(t, w.Media("avatar.png", 6, made, bytesOf([]byte("avatar"))))
		case archive.ClassImages:
			must(t, w.Media(archive.MediaName("9001", "png"), 5, made, bytesOf([]byte("image"))))
			w.Missing(archive.MediaName("9002", "png"), archive.MissingAbsent)
		}
	}
	s, err := w.Close(false)
	must(t, err)
	return s
}

func lifeFile(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	writeLife(t, &b, options(t))
	path := filepath.Join(t.TempDir(), "life.zip")
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// unpack writes a zip into a folder with the standard library's reader.
func unpack(t testing.TB, path string) string {
	t.Helper()
	dir := t.TempDir()
	r, err := zip.OpenReader(path)
	must(t, err)
	for _, f := range r.File {
		in, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(in)
		must(t, err)
		to := filepath.Join(dir, filepath.FromSlash(f.Name))
		must(t, os.MkdirAll(filepath.Dir(to), 0o700))
		must(t, os.WriteFile(to, data, 0o600))
	}
	must(t, r.Close())
	return dir
}

type file struct{ name, data string }

func folderFiles(t testing.TB, dir string) []file {
	t.Helper()
	var files []file
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		files = append(files, file{filepath.ToSlash(rel), string(data)})
		return err
	}))
	return files
}

func zipOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		out, err := w.Create(f.name)
		must(t, err)
		_, err = io.WriteString(out, f.data)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func tarGzOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		data := h.Gname // carries the contents in these tests
		h.Gname, h.Size, h.Mode = "", int64(len(data)), 0o644
		must(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, data)
		must(t, err)
	}
	must(t, w.Close())
	must(t, z.Close())
	return b.Bytes()
}

func writeTemp(t testing.TB, data []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "archive")
	must(t, os.WriteFile(p, data, 0o600))
	return p
}

func open(t testing.TB, path string) *archive.Reader {
	t.Helper()
	r, err := archive.Open(t.Context(), path, archive.Limits{Spool: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func records(t testing.TB, r *archive.Reader, class string, from int64) []any {
	t.Helper()
	var all []any
	must(t, r.Records(t.Context(), class, from, func(n int64, v any) error {
		if want := from + int64(len(all)); n != want {
			return fmt.Errorf("record number %d, want %d", n, want)
		}
		all = append(all, v)
		return nil
	}))
	return all
}

func survey(ctx context.Context, path, spool string) (archive.Survey, error) {
	r, err := archive.Open(ctx, path, archive.Limits{Spool: spool})
	if err != nil {
		return archive.Survey{}, err
	}
	s, err := r.Survey(ctx)
	return s, errors.Join(err, r.Close())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the difference\n%s", name, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

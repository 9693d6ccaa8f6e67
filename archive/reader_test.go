package archive_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exeunt/archive"
)

// TestMastodonTraps reads the small archive that has every trap known from real
// ones, in each container.
func TestMastodonTraps(t *testing.T) {
	dir := filepath.Join("testdata", "mastodon")
	files := folderFiles(t, dir)
	var nested []file
	var headers []tar.Header
	headers = append(headers, tar.Header{Name: "./", Typeflag: tar.TypeDir})
	for _, f := range files {
		nested = append(nested, file{"archive-20240101/" + f.name, f.data})
		headers = append(headers, tar.Header{Name: "./" + f.name, Typeflag: tar.TypeReg, Gname: f.data})
	}
	paths := map[string]string{
		"folder":            dir,
		"zip":               writeTemp(t, zipOf(t, files...)),
		"zip within folder": writeTemp(t, zipOf(t, nested...)),
		"tar.gz":            writeTemp(t, tarGzOf(t, headers...)),
	}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			r := open(t, path)
			s, err := r.Survey(t.Context())
			must(t, err)
			var b strings.Builder
			fmt.Fprintf(&b, "format %s, items %d, images %d, missing %d, audiences %v, skipped %v\n", s.Format, s.Items, s.Images, s.MissingImages, s.Audiences, s.Skipped)
			for _, c := range s.Classes {
				fmt.Fprintf(&b, "== %s %d\n", c.Class, c.Count)
				all := records(t, r, c.Class, 0)
				if int64(len(all)) != c.Count {
					t.Errorf("%s: %d records, the survey counts %d", c.Class, len(all), c.Count)
				}
				for _, v := range all {
					line, err := json.MarshalIndent(v, "", " ")
					must(t, err)
					fmt.Fprintf(&b, "%s\n", strings.ReplaceAll(string(line), "archive-20240101/", ""))
				}
			}
			golden(t, "mastodon.golden", b.String())
			readImages(t, r)
		})
	}
}

// readImages opens what the posts name.
func readImages(t *testing.T, r *archive.Reader) {
	t.Helper()
	var got []string
	for _, v := range records(t, r, archive.ClassPosts, 0) {
		for _, i := range v.(archive.Post).Images {
			f, size, err := r.File(t.Context(), i.Path)
			if errors.Is(err, &archive.Error{Kind: archive.KindNoFile}) && i.Missing != "" {
				got = append(got, "missing")
				continue
			}
			must(t, err)
			data, err := io.ReadAll(f)
			must(t, errors.Join(err, f.Close()))
			if int64(len(data)) != size {
				t.Errorf("%s: %d bytes, %d announced", i.Path, len(data), size)
			}
			got = append(got, string(data))
		}
	}
	if want := "png-one missing png-three missing"; strings.Join(got, " ") != want {
		t.Errorf("images: %v, want %s", got, want)
	}
}

// realArchive is a real person's archive where there is one: it is never
// committed. Without it the counts of the small one stand for it; where CI is
// set its absence is a failure.
func realArchive(t *testing.T) (path string, want string) {
	t.Helper()
	dir := os.Getenv("EXEUNT_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	path = filepath.Join(dir, "mastodon-archive")
	if _, err := os.Stat(path); err == nil {
		return path, "items 1586, posts 1260: public 1169 unlisted 16 followers 40 direct 35, boosts 326, images 193 missing 193, skipped 0"
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no archive at %s; set EXEUNT_TEST_DATA", path)
	}
	return filepath.Join("testdata", "mastodon"), "items 13, posts 7: public 4 unlisted 1 followers 1 direct 1, boosts 2, images 4 missing 2, skipped 6"
}

func TestRealArchive(t *testing.T) {
	path, want := realArchive(t)
	r := open(t, path)
	s, err := r.Survey(t.Context())
	must(t, err)
	boosts := 0
	for _, v := range records(t, r, archive.ClassLinks, 0) {
		if l := v.(archive.Link); l.Kind == archive.LinkBoost {
			boosts++
		}
	}
	skipped := int64(0)
	for _, n := range s.Skipped {
		skipped += n
	}
	got := fmt.Sprintf("items %d, posts %d: public %d unlisted %d followers %d direct %d, boosts %d, images %d missing %d, skipped %d", s.Items, s.Count(archive.ClassPosts),
		s.Audiences[archive.AudiencePublic], s.Audiences[archive.AudienceUnlisted], s.Audiences[archive.AudienceFollowers], s.Audiences[archive.AudienceDirect],
		boosts, s.Images, s.MissingImages, skipped)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	all := records(t, r, archive.ClassPosts, 0)
	for i, v := range all {
		p := v.(archive.Post)
		if p.ID == "" || p.Published.IsZero() || strings.Contains(p.Text, "</") || strings.Contains(p.Text, "&amp;") {
			t.Errorf("post %d: %+v", i, p)
		}
	}
	half := records(t, r, archive.ClassPosts, int64(len(all)/2))
	if len(half) != len(all)-len(all)/2 || half[0].(archive.Post).ID != all[len(all)/2].(archive.Post).ID {
		t.Errorf("resuming in the middle gives %d of %d records", len(half), len(all))
	}
}

func TestRecordsStopsWithItsCaller(t *testing.T) {
	stop := errors.New("enough")
	for _, path := range []string{filepath.Join("testdata", "mastodon"), lifeFile(t)} {
		n := 0
		err := open(t, path).Records(t.Context(), archive.ClassPosts, 1, func(at int64, _ any) error {
			n++
			if at != 1 {
				t.Errorf("began at %d", at)
			}
			return stop
		})
		if !errors.Is(err, stop) || n != 1 {
			t.Errorf("%s: %v after %d", path, err, n)
		}
	}
}

func TestDecodeActivity(t *testing.T) {
	cases := []struct{ in, want, skipped string }{
		{`{"type":"Create","actor":"a","published":"2024-01-01T00:00:00Z","to":"as:Public","object":{"type":"Note","id":"https://x/1","content":"<p>a<br>b</p><p>c</p>"}}`, "public|a\nb\n\nc", ""},
		{`{"type":"Create","actor":"https://x/u","to":["https://x/u/followers"],"object":{"type":"Note","id":"https://x/1","published":"2024-01-01T00:00:00Z","content":"<a href=\"https://y/z\">here</a> <a href=\"javascript:x\">js</a>"}}`, "followers|here (https://y/z) js", ""},
		{`{"type":"Create","actor":"https://x/u","to":["https://evil/followers"],"object":{"type":"Note","id":"https://x/1","published":"2024-01-01T00:00:00Z"}}`, "direct|", ""},
		{`{"type":"Create","object":{"type":"Note","id":"https://x/1"}}`, "", archive.SkipNoTime},
		{`{"type":"Create","object":{"type":"Video","id":"https://x/1"}}`, "", archive.SkipActivity},
		{`{"type":"Create","object":"https://x/1"}`, "", archive.SkipReference},
		{`{"type":"Create","actor":"a","object":{"type":"Note","id":"1","attributedTo":"b"}}`, "", archive.SkipNotOwn},
		{`{"type":"Announce","object":"javascript:1"}`, "", archive.SkipUnreadable},
		{`{"type":["Create"]}`, "", archive.SkipUnreadable},
		{`[]`, "", archive.SkipUnreadable},
		{`{"type":"Delete"}`, "", archive.SkipActivity},
	}
	for _, c := range cases {
		v, skipped, err := archive.DecodeActivity([]byte(c.in))
		must(t, err)
		got := ""
		if p, ok := v.(archive.Post); ok {
			got = p.Audience + "|" + p.Text
		}
		if got != c.want || skipped != c.skipped {
			t.Errorf("%s\ngot  %q %q\nwant %q %q", c.in, got, skipped, c.want, c.skipped)
		}
	}
	for _, bad := range []string{"", "{", `{"type":"Create"} x`, strings.Repeat("[", 100_000)} {
		if _, _, err := archive.DecodeActivity([]byte(bad)); err == nil {
			t.Errorf("%.20q was taken", bad)
		}
	}
}

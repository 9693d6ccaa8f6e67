package archive_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
)

// A holder's exporter writes into the archive.
var _ exit.Sink = (*archive.Writer)(nil)

// The importers of holders open media in it.
var _ exit.Files = (*archive.Reader)(nil)

func TestRoundTripIsLossless(t *testing.T) {
	path := lifeFile(t)
	report, err := archive.Verify(t.Context(), path)
	if err != nil {
		t.Fatalf("verify: %v %v", err, report.Problems)
	}
	r := open(t, path)
	s, err := r.Survey(t.Context())
	must(t, err)
	if s.Format != archive.FormatExeunt || s.Images != 1 || s.MissingImages != 0 || s.Profile.DisplayName != "林小满" {
		t.Errorf("survey: %+v", s)
	}
	for class, want := range life() {
		got := records(t, r, class, 0)
		if len(want) == 0 && len(got) == 0 {
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", class, got, want)
		}
		if s.Count(class) != int64(len(want)) {
			t.Errorf("%s: the survey counts %d, want %d", class, s.Count(class), len(want))
		}
	}
	if got := records(t, r, archive.ClassPosts, 4); len(got) != 2 || got[0].(archive.Post).ID != "5" {
		t.Errorf("resumed at 4: %+v", got)
	}
	if s.Audiences[archive.AudienceCircle] != 1 || s.Manifest.MissingCount != 1 || s.Manifest.Missing[0].Reason != archive.MissingAbsent {
		t.Errorf("audiences %v, missing %v", s.Audiences, s.Manifest.Missing)
	}
}

// TestSecondCopyIsTheSame writes what was read and compares the bytes.
func TestSecondCopyIsTheSame(t *testing.T) {
	path := lifeFile(t)
	first, err := os.ReadFile(path)
	must(t, err)
	r := open(t, path)
	var second bytes.Buffer
	w, err := archive.NewWriter(&second, options(t))
	must(t, err)
	for _, class := range lifeOrder {
		must(t, w.Class(class))
		must(t, w.Highest("501"))
		must(t, r.Records(t.Context(), class, 0, func(_ int64, v any) error { return w.Record(v) }))
		copyMedia(t, r, w, class)
	}
	_, err = w.Close(false)
	must(t, err)
	if !bytes.Equal(first, second.Bytes()) {
		t.Error("the archive of an archive differs from it")
	}
}

func copyMedia(t *testing.T, r *archive.Reader, w *archive.Writer, class string) {
	t.Helper()
	name := map[string]string{archive.ClassProfile: "avatar.png", archive.ClassImages: archive.MediaName("9001", "png")}[class]
	if name == "" {
		return
	}
	f, size, err := r.File(t.Context(), name)
	must(t, err)
	must(t, w.Media(name, size, made, func() (io.ReadCloser, error) { return f, nil }))
	if class == archive.ClassImages {
		w.Missing(archive.MediaName("9002", "png"), archive.MissingAbsent)
	}
}

func TestOtherToolsReadIt(t *testing.T) {
	dir := unpack(t, lifeFile(t))
	cmd := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "--quiet", archive.SumsName)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	files := folderFiles(t, dir)
	sums, err := os.ReadFile(filepath.Join(dir, archive.SumsName))
	must(t, err)
	for _, f := range files {
		if f.name != archive.SumsName && !strings.Contains(string(sums), "  "+f.name+"\n") {
			t.Errorf("%s has no checksum", f.name)
		}
		if strings.HasSuffix(f.name, ".json") && !json.Valid([]byte(f.data)) {
			t.Errorf("%s is no JSON", f.name)
		}
	}
	// The folder is an archive too.
	if _, err := archive.Verify(t.Context(), dir); err != nil {
		t.Errorf("verify the folder: %v", err)
	}
	var b strings.Builder
	for _, name := range []string{
		"actor.json", "outbox.json", "likes.json", "bookmarks.json", "following_accounts.csv", "followers.csv",
		archive.ManifestName, "exeunt/post.posts.json", "exeunt/data/index.js", "exeunt/data/posts-00001.js", archive.SumsName,
	} {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		must(t, err)
		if name == archive.SumsName {
			data = []byte(lastNames(string(data)))
		}
		fmt.Fprintf(&b, "== %s\n%s\n", name, data)
	}
	golden(t, "life.golden", b.String())
}

// lastNames keeps the names of a list of sums, whose hashes change with the page's own files.
func lastNames(sums string) string {
	var names []string
	for line := range strings.Lines(sums) {
		names = append(names, line[66:])
	}
	return strings.Join(names, "")
}

// TestMastodonFormIsReadBack reads our own archive as a Mastodon reader would:
// without what lies under exeunt/.
func TestMastodonFormIsReadBack(t *testing.T) {
	var files []file
	for _, f := range folderFiles(t, unpack(t, lifeFile(t))) {
		if !strings.HasPrefix(f.name, "exeunt/") && f.name != archive.SumsName {
			files = append(files, f)
		}
	}
	r := open(t, writeTemp(t, zipOf(t, files...)))
	s, err := r.Survey(t.Context())
	must(t, err)
	if r.Format() != archive.FormatMastodon || s.Count(archive.ClassPosts) != 6 || s.Count(archive.ClassLinks) != 5 || s.Count(archive.ClassFollowers) != 2 || s.MissingImages != 0 {
		t.Fatalf("survey: %+v", s)
	}
	want := map[string]string{"1": archive.AudiencePublic, "2": archive.AudienceDirect, "3": archive.AudienceDirect, "4": archive.AudienceUnlisted, "5": archive.AudienceFollowers, "6": archive.AudienceDirect}
	last := archive.Time{}
	for _, v := range records(t, r, archive.ClassPosts, 0) {
		p := v.(archive.Post)
		id := p.ID[strings.LastIndex(p.ID, "/")+1:]
		if p.Audience != want[id] {
			t.Errorf("post %s is %s, want %s", id, p.Audience, want[id])
		}
		if p.Published.Before(last.Time) {
			t.Errorf("post %s stands before an older one", id)
		}
		last = p.Published
		if id == "1" && p.Text != "第一\n\n</script>\u2028 https://a.example/x?y=1&z=2。" {
			t.Errorf("text came back as %q", p.Text)
		}
	}
}

func TestMediaThatFailsIsNamed(t *testing.T) {
	broken := func(n int) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, n)), &failing{})), nil
		}
	}
	big := 3 << 20
	cases := []struct {
		name, reason string
		size         int
		open         func() (io.ReadCloser, error)
	}{
		{"media_attachments/files/1/gone.png", archive.MissingAbsent, 5, func() (io.ReadCloser, error) {
			return nil, &fs.PathError{Op: "open", Path: "/srv/secret", Err: fs.ErrNotExist}
		}},
		{"media_attachments/files/2/empty.png", archive.MissingEmpty, 0, bytesOf(nil)},
		{"media_attachments/files/3/short.png", archive.MissingSize, 5, bytesOf([]byte("1234"))},
		{"media_attachments/files/4/long.png", archive.MissingSize, 5, bytesOf([]byte("123456"))},
		{"media_attachments/files/5/breaks.png", archive.MissingUnreadable, 5, broken(3)},
		{"media_attachments/files/6/big-breaks.mp4", archive.MissingUnreadable, big, broken(2 << 20)},
		{"media_attachments/files/7/big-short.mp4", archive.MissingSize, big, bytesOf(make([]byte, 2<<20))},
		{"media_attachments/files/8/big-long.mp4", archive.MissingSize, big, bytesOf(make([]byte, big+1))},
		{"media_attachments/files/9/good.mp4", "", big, bytesOf(make([]byte, big))},
	}
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, options(t))
	must(t, err)
	must(t, w.Class(archive.ClassImages))
	for _, c := range cases {
		must(t, w.Media(c.name, int64(c.size), made, c.open))
	}
	s, err := w.Close(false)
	must(t, err)
	if s.Missing != 8 || s.Classes[0].Files != 1 {
		t.Errorf("summary: %+v", s)
	}
	path := writeTemp(t, b.Bytes())
	report, err := archive.Verify(t.Context(), path)
	must(t, err)
	r := open(t, path)
	for i, c := range cases {
		if c.reason == "" {
			_, size, err := r.File(t.Context(), c.name)
			if err != nil || size != int64(big) {
				t.Errorf("%s: %d, %v", c.name, size, err)
			}
			continue
		}
		if m := report.Manifest.Missing[i]; m.Name != c.name || m.Reason != c.reason || m.Class != archive.ClassImages {
			t.Errorf("missing: %+v, want %s: %s", m, c.name, c.reason)
		}
		if _, _, err := r.File(t.Context(), c.name); !errors.Is(err, &archive.Error{Kind: archive.KindNoFile}) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errors.New("source broke") }

func TestWriterRefuses(t *testing.T) {
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, options(t))
	must(t, err)
	media := func(name string) error { return w.Media(name, 1, made, bytesOf([]byte("x"))) }
	if err := w.Record(archive.Post{}); err == nil {
		t.Error("a record without a class was taken")
	}
	if err := media("avatar.png"); err == nil {
		t.Error("media without a class was taken")
	}
	must(t, w.Class(archive.ClassPosts))
	if err := w.Record(archive.Like{}); err == nil {
		t.Error("a like was taken as a post")
	}
	for _, name := range []string{
		"", "../x.png", "/x.png", "a//b.png", "a/../b.png", "a\\b.png", "C:/x.png", "a/b\n.png", "outbox.json", "index.html", "exeunt/manifest.json",
		"EXEUNT/data/index.js", "manifest-sha256.txt", "a/\xff.png", "a/nul.png", "a/dot.", "media_attachments/" + strings.Repeat("x", 300),
	} {
		if err := media(name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	must(t, media("media_attachments/files/1/a.png"))
	if err := media("media_attachments/files/1/A.png"); err == nil {
		t.Error("a name that differs in case alone was taken")
	}
	must(t, w.Record(archive.Post{ID: "1"}))
	must(t, w.Class(archive.ClassPosts)) // already open
	must(t, w.Class(archive.ClassLikes))
	for _, class := range []string{"", "Post.posts", "a/b", "..", "a..b", "manifest", archive.ClassPosts} {
		if err := w.Class(class); err == nil {
			t.Errorf("class %q was taken", class)
		}
	}
	_, err = w.Close(false)
	must(t, err)
	if _, err := w.Close(false); err == nil {
		t.Error("it was finished twice")
	}
	if err := w.Class("talk.likes"); err == nil {
		t.Error("a class was begun after the end")
	}
	report, err := archive.Verify(t.Context(), writeTemp(t, b.Bytes()))
	if err != nil || report.Count(archive.ClassPosts) != 1 {
		t.Errorf("after all these refusals: %v %+v", err, report.Classes)
	}
}

func TestFailedOutputIsTold(t *testing.T) {
	o := options(t)
	w, err := archive.NewWriter(&shortWriter{left: 100_000}, o)
	must(t, err)
	must(t, w.Class(archive.ClassImages))
	err = w.Media("media_attachments/files/1/a.mp4", 4<<20, made, bytesOf(make([]byte, 4<<20)))
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("media: %v", err)
	}
	if _, err := w.Close(false); err == nil {
		t.Error("a broken archive was finished")
	}
	left, err := os.ReadDir(o.Spool)
	must(t, err)
	if len(left) != 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
}

type shortWriter struct{ left int }

func (s *shortWriter) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestVolumesFillUp(t *testing.T) {
	o := options(t)
	o.MaxFiles = 3
	w, err := archive.NewWriter(io.Discard, o)
	must(t, err)
	must(t, w.Class(archive.ClassImages))
	for i := range 3 {
		if w.Full() {
			t.Fatalf("full after %d files", i)
		}
		must(t, w.Media(archive.MediaName(fmt.Sprint(i), "png"), 1, made, bytesOf([]byte("x"))))
	}
	if !w.Full() {
		t.Error("not full after its files")
	}
	s, err := w.Close(true)
	must(t, err)
	if !s.Continued {
		t.Error("the summary does not say that it continues")
	}

	o = options(t)
	o.MaxBytes = 1 << 20
	var b bytes.Buffer
	w, err = archive.NewWriter(&b, o)
	must(t, err)
	must(t, w.Class(archive.ClassPosts))
	n := 0
	for ; !w.Full(); n++ {
		must(t, w.Record(archive.Post{ID: fmt.Sprint(n), Audience: archive.AudiencePublic, Text: strings.Repeat("花", n%50), Published: at(n % 700)}))
	}
	_, err = w.Close(true)
	must(t, err)
	if b.Len() > 1<<20 || n < 1000 {
		t.Errorf("%d posts make %d bytes, more than the volume", n, b.Len())
	}
	report, err := archive.Verify(t.Context(), writeTemp(t, b.Bytes()))
	must(t, err)
	if !report.Manifest.Continued || report.Count(archive.ClassPosts) != int64(n) {
		t.Errorf("manifest: %+v", report.Manifest)
	}
}

// TestPageHasEveryPostOnce reads the page's data files in their order.
func TestPageHasEveryPostOnce(t *testing.T) {
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, options(t))
	must(t, err)
	must(t, w.Class(archive.ClassPosts))
	const n = 3500
	for i := range n {
		must(t, w.Record(archive.Post{ID: fmt.Sprint(i), Audience: archive.AudiencePublic, Text: "x", Published: at(i * 7919 % n)}))
	}
	_, err = w.Close(false)
	must(t, err)
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	must(t, err)
	var index struct {
		Posts []struct {
			File  string
			Count int
			Year  int
		}
	}
	decodeScript(t, z, "exeunt/data/index.js", "window.exeuntIndex = ", ";\n", &index)
	seen, last := map[string]bool{}, archive.At(made.AddDate(100, 0, 0))
	for _, c := range index.Posts {
		var posts []archive.Post
		decodeScript(t, z, "exeunt/data/"+c.File+".js", fmt.Sprintf("exeuntData(%q, ", c.File), ");\n", &posts)
		if len(posts) != c.Count || len(posts) > 1000 {
			t.Errorf("%s has %d posts, the index says %d", c.File, len(posts), c.Count)
		}
		for _, p := range posts {
			if seen[p.ID] || p.Published.After(last.Time) || p.Published.Year() != c.Year {
				t.Fatalf("post %s of %s stands in %s after %s", p.ID, p.Published, c.File, last)
			}
			seen[p.ID], last = true, p.Published
		}
	}
	if len(seen) != n {
		t.Errorf("%d posts on the page, want %d", len(seen), n)
	}
}

func decodeScript(t *testing.T, z *zip.Reader, name, before, after string, v any) {
	t.Helper()
	f, err := z.Open(name)
	must(t, err)
	data, err := io.ReadAll(f)
	must(t, err)
	text, ok := strings.CutPrefix(string(data), before)
	text, ok2 := strings.CutSuffix(text, after)
	if !ok || !ok2 {
		t.Fatalf("%s is no call of its own", name)
	}
	must(t, json.Unmarshal([]byte(text), v))
}

package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"exeunt/archive"
)

const emptyOutbox = `{"orderedItems":[]}`

// rawZip writes a zip whose headers the test may twist.
func rawZip(t *testing.T, headers ...zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, h := range headers {
		out, err := w.CreateHeader(&h)
		must(t, err)
		_, err = io.WriteString(out, emptyOutbox)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func mode(name string, m os.FileMode) zip.FileHeader {
	h := zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(m)
	return h
}

// inCentral changes a field of the first record of the central directory.
func inCentral(data []byte, offset int, value uint32, width int) []byte {
	data = bytes.Clone(data)
	at := bytes.Index(data, []byte("PK\x01\x02")) + offset
	if width == 2 {
		binary.LittleEndian.PutUint16(data[at:], uint16(value))
	} else {
		binary.LittleEndian.PutUint32(data[at:], value)
	}
	return data
}

// bomb is a small zip whose directory announces n bytes of zeros.
func bomb(t *testing.T, n uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range []struct {
		name string
		size uint64
	}{{"outbox.json", 0}, {"media_attachments/files/1/zeros", n}} {
		out, err := w.CreateRaw(&zip.FileHeader{Name: f.name, Method: zip.Deflate, CompressedSize64: 100_000, UncompressedSize64: f.size})
		must(t, err)
		_, err = out.Write(make([]byte, 100_000))
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestHostileArchivesAreRefused tries each attack; the refusal is of one kind,
// one line, and nothing of the archive is left in the folder for temporary files.
func TestHostileArchivesAreRefused(t *testing.T) {
	outbox := func(s string) []byte { return zipOf(t, file{"outbox.json", s}) }
	plain := outbox(emptyOutbox)
	reg := func(name, data string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Gname: data} }
	cases := map[string]struct {
		data []byte
		kind archive.ErrorKind
	}{
		"empty":                 {nil, archive.KindUnknown},
		"text":                  {[]byte("hello, world"), archive.KindUnknown},
		"another zip":           {zipOf(t, file{"word/document.xml", "x"}), archive.KindUnknown},
		"zip climbs":            {zipOf(t, file{"outbox.json", emptyOutbox}, file{"../../etc/cron.d/x", "x"}), archive.KindUnsafeName},
		"zip absolute":          {zipOf(t, file{"/etc/passwd", "x"}), archive.KindUnsafeName},
		"zip backslash":         {zipOf(t, file{`..\x`, "x"}), archive.KindUnsafeName},
		"zip drive":             {zipOf(t, file{`C:x`, "x"}), archive.KindUnsafeName},
		"zip control":           {zipOf(t, file{"a\nb", "x"}), archive.KindUnsafeName},
		"zip duplicate":         {zipOf(t, file{"outbox.json", emptyOutbox}, file{"outbox.json", "{}"}), archive.KindDuplicate},
		"zip symlink":           {rawZip(t, mode("outbox.json", 0o644), mode("avatar.png", os.ModeSymlink|0o777)), archive.KindSpecial},
		"zip device":            {rawZip(t, mode("outbox.json", os.ModeDevice|0o644)), archive.KindSpecial},
		"zip encrypted":         {inCentral(plain, 8, 0x809, 2), archive.KindEncrypted},
		"zip unknown method":    {inCentral(plain, 10, 99, 2), archive.KindBroken},
		"zip says too little":   {inCentral(plain, 24, 3, 4), archive.KindBomb},
		"zip says too much":     {inCentral(plain, 24, 4000, 4), archive.KindBroken},
		"zip wrong checksum":    {inCentral(plain, 16, 1, 4), archive.KindBroken},
		"zip absurd size":       {inCentral(plain, 24, 0xFFFFFFF0, 4), archive.KindBomb},
		"zip outside":           {inCentral(plain, 42, 0xFFFFFF, 4), archive.KindBroken},
		"zip cut":               {plain[:len(plain)-30], archive.KindBroken},
		"zip bomb":              {bomb(t, 1<<30+64<<20), archive.KindBomb},
		"zip renamed entry":     {bytes.Replace(plain, []byte("outbox.json"), []byte("0utbox.json"), 1), archive.KindBroken},
		"tar climbs":            {tarGzOf(t, reg("../x", "x")), archive.KindUnsafeName},
		"tar absolute":          {tarGzOf(t, reg("/x", "x")), archive.KindUnsafeName},
		"tar symlink":           {tarGzOf(t, tar.Header{Name: "x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), archive.KindSpecial},
		"tar hard link":         {tarGzOf(t, tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "outbox.json"}), archive.KindSpecial},
		"tar fifo":              {tarGzOf(t, tar.Header{Name: "x", Typeflag: tar.TypeFifo}), archive.KindSpecial},
		"tar duplicate":         {tarGzOf(t, reg("outbox.json", emptyOutbox), reg("outbox.json", "{}")), archive.KindDuplicate},
		"tar cut":               {tarGzOf(t, reg("outbox.json", emptyOutbox))[:60], archive.KindBroken},
		"tar bomb":              {tarBomb(t), archive.KindBomb},
		"tar without outbox":    {tarGzOf(t, reg("a.txt", "x")), archive.KindUnknown},
		"json cut":              {outbox(`{"orderedItems":[{"type":"Create"}`), archive.KindJSON},
		"json with a tail":      {outbox(emptyOutbox + "x"), archive.KindJSON},
		"json of another sort":  {outbox(`[]`), archive.KindJSON},
		"json items no list":    {outbox(`{"orderedItems":7}`), archive.KindJSON},
		"json item broken":      {outbox(`{"orderedItems":[{"type":}]}`), archive.KindJSON},
		"json nested":           {outbox(`{"orderedItems":[` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `]}`), archive.KindDepth},
		"json nested elsewhere": {outbox(`{"x":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + `,"orderedItems":[]}`), archive.KindDepth},
		"json endless string":   {outbox(`{"orderedItems":["` + strings.Repeat("a", 5<<20) + `"]}`), archive.KindTooLarge},
		"json endless space":    {outbox(`{"orderedItems":[` + strings.Repeat(" ", 5<<20) + `]}`), archive.KindTooLarge},
		"json actor":            {zipOf(t, file{"outbox.json", emptyOutbox}, file{"actor.json", `{"id":7}`}), archive.KindJSON},
		"json likes":            {zipOf(t, file{"outbox.json", emptyOutbox}, file{"likes.json", `{"orderedItems":[1,]}`}), archive.KindJSON},
		"csv endless line":      {zipOf(t, file{"outbox.json", emptyOutbox}, file{"followers.csv", `"` + strings.Repeat("a@b,", 1<<16)}), archive.KindTooLarge},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			spool := t.TempDir()
			_, err := survey(t.Context(), writeTemp(t, c.data), spool)
			checkRefusal(t, err, c.kind)
			left, err := os.ReadDir(spool)
			must(t, err)
			if len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func checkRefusal(t *testing.T, err error, kind archive.ErrorKind) {
	t.Helper()
	var e *archive.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a refusal: %s", err, kind)
	}
	if e.Kind != kind || e.Key() != "archive."+string(kind) {
		t.Errorf("refused as %s (%v), want %s", e.Kind, err, kind)
	}
	if s := err.Error(); strings.ContainsAny(s, "\n\r") || len(s) > 400 {
		t.Errorf("the sentence is %q", s)
	}
}

// tarBomb is a small tar.gz of 1.5 GiB of zeros.
func tarBomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	must(t, err)
	w := tar.NewWriter(z)
	must(t, w.WriteHeader(&tar.Header{Name: "media_attachments/zeros", Size: 1500 << 20, Mode: 0o644}))
	_, err = io.CopyN(w, zeros{}, 64<<20) // what the header says is enough: nothing is unpacked
	must(t, err)
	must(t, z.Close())
	return b.Bytes()
}

func TestTooManyEntries(t *testing.T) {
	var files []file
	for _, n := range []string{"outbox.json", "a", "b", "c"} {
		files = append(files, file{n, emptyOutbox})
	}
	path := writeTemp(t, zipOf(t, files...))
	_, err := archive.Open(t.Context(), path, archive.Limits{Entries: 3})
	checkRefusal(t, err, archive.KindTooMany)
	_, err = archive.Open(t.Context(), path, archive.Limits{EntrySize: 10})
	checkRefusal(t, err, archive.KindTooLarge)
	_, err = archive.Open(t.Context(), path, archive.Limits{Total: 40})
	checkRefusal(t, err, archive.KindTooLarge)
	r, err := archive.Open(t.Context(), path, archive.Limits{Entries: 4})
	must(t, err)
	must(t, r.Close())
}

func TestFolderWithLinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "outbox.json"), []byte(emptyOutbox), 0o600))
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "avatar.png")))
	_, err := archive.Open(t.Context(), dir, archive.Limits{})
	checkRefusal(t, err, archive.KindSpecial)
}

// TestChangedArchiveIsRefused changes one of our own archives in each way that
// its manifest should notice.
func TestChangedArchiveIsRefused(t *testing.T) {
	posts := "exeunt/post.posts.json"
	cases := map[string]struct {
		kind   archive.ErrorKind
		change func(dir string) error
	}{
		"a byte":        {archive.KindDamaged, func(dir string) error { return replaceIn(dir, posts, "unlisted", "unl1sted") }},
		"a record less": {archive.KindDamaged, func(dir string) error { return replaceIn(dir, archive.ManifestName, `"count": 6`, `"count": 7`) }},
		"cut":           {archive.KindJSON, func(dir string) error { return replaceIn(dir, posts, "\n]\n", "\n") }},
		"a file more":   {archive.KindDamaged, func(dir string) error { return os.WriteFile(filepath.Join(dir, "x.txt"), nil, 0o600) }},
		"a file less":   {archive.KindDamaged, func(dir string) error { return os.Remove(filepath.Join(dir, "avatar.png")) }},
		"no sums":       {archive.KindDamaged, func(dir string) error { return os.Remove(filepath.Join(dir, archive.SumsName)) }},
		"sums no sums":  {archive.KindDamaged, func(dir string) error { return replaceIn(dir, archive.SumsName, "  outbox", " outbox") }},
		"other format":  {archive.KindUnknown, func(dir string) error { return replaceIn(dir, archive.ManifestName, "exeunt-archive", "other") }},
		"newer version": {archive.KindUnknown, func(dir string) error { return replaceIn(dir, archive.ManifestName, `"version": 1`, `"version": 2`) }},
		"lost list": {archive.KindDamaged, func(dir string) error {
			return replaceIn(dir, archive.ManifestName, `"missing_count": 1`, `"missing_count": 2`)
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, lifeFile(t))
			must(t, c.change(dir))
			_, err := survey(t.Context(), dir, t.TempDir())
			checkRefusal(t, err, c.kind)
			report, err := archive.Verify(t.Context(), dir)
			checkRefusal(t, err, c.kind)
			if len(report.Problems) == 0 {
				t.Error("the report names no problem")
			}
		})
	}
}

// TestLitterIsPassedOver: desktops leave their own files in unpacked folders.
func TestLitterIsPassedOver(t *testing.T) {
	dir := unpack(t, lifeFile(t))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt", ".DS_Store"), []byte("x"), 0o600))
	for _, path := range []string{dir, writeTemp(t, zipOf(t, folderFiles(t, dir)...))} {
		if _, err := archive.Verify(t.Context(), path); err != nil {
			t.Error(err)
		}
	}
}

func replaceIn(dir, name, before, after string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(data), before, after, 1)
	if changed == string(data) {
		return errors.New(before + " is not in " + name)
	}
	return os.WriteFile(path, []byte(changed), 0o600)
}

// TestFlippedBytesAreNoticed flips one byte at many places of a whole archive.
func TestFlippedBytesAreNoticed(t *testing.T) {
	data, err := os.ReadFile(lifeFile(t))
	must(t, err)
	end := bytes.Index(data, []byte("PK\x01\x02"))
	unnoticed := 0
	for at := 0; at < end; at += 97 {
		changed := bytes.Clone(data)
		changed[at] ^= 0x20
		r, err := archive.OpenZip(bytes.NewReader(changed), int64(len(changed)), archive.Limits{})
		if err != nil {
			continue
		}
		if _, err := r.Verify(t.Context()); err == nil {
			unnoticed++ // times in local headers, spare bits at the end of a compressed file
			for class, want := range life() {
				if got := records(t, r, class, 0); len(want) > 0 && !reflect.DeepEqual(got, want) {
					t.Errorf("a changed byte at %d changed %s and was not noticed", at, class)
				}
			}
		}
		must(t, r.Close())
	}
	if unnoticed > end/97/4 {
		t.Errorf("%d of %d changed bytes went unnoticed", unnoticed, end/97)
	}
}

func TestSurveyStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, path := range []string{lifeFile(t), filepath.Join("testdata", "mastodon")} {
		r, err := archive.Open(t.Context(), path, archive.Limits{})
		must(t, err)
		if _, err := r.Survey(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", path, err)
		}
		must(t, r.Close())
	}
}

package archive_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"

	"exeunt/archive"
)

// sparseFile keeps what is written to it but leaves blocks of zeros as holes, so
// that an archive of more than 4 GiB takes no room.
type sparseFile struct {
	f *os.File
	n int64
}

var zeroBlock [1 << 20]byte

func (s *sparseFile) Write(p []byte) (int, error) {
	at := s.n
	s.n += int64(len(p))
	for block := p; len(block) > 0; {
		n := min(len(block), len(zeroBlock))
		if !bytes.Equal(block[:n], zeroBlock[:n]) {
			if _, err := s.f.WriteAt(block[:n], at); err != nil {
				return 0, err
			}
		}
		at += int64(n)
		block = block[n:]
	}
	return len(p), nil
}

// TestMoreThan4GiB passes every 32-bit field: one file larger than 4 GiB and
// others behind it. archive/zip reads the directory, our reader the contents.
func TestMoreThan4GiB(t *testing.T) {
	const size = 4<<30 + 5<<20
	path := filepath.Join(t.TempDir(), "large.zip")
	f, err := os.Create(path)
	must(t, err)
	out := &sparseFile{f: f}
	o := options(t)
	o.MaxBytes = -1
	w, err := archive.NewWriter(out, o)
	must(t, err)
	must(t, w.Class(archive.ClassImages))
	must(t, w.Media("media_attachments/files/1/large.mp4", size, made, func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }))
	must(t, w.Media("media_attachments/files/2/behind.png", 4, made, bytesOf([]byte("tail"))))
	if w.Full() {
		t.Error("a volume without bound is full")
	}
	s, err := w.Close(false)
	must(t, err)
	must(t, f.Truncate(out.n))
	must(t, f.Close())
	if s.Bytes != out.n || s.Bytes < size {
		t.Errorf("%d bytes, %d written", s.Bytes, out.n)
	}
	z, err := zip.OpenReader(path)
	must(t, err)
	for _, e := range z.File {
		if e.Name == "media_attachments/files/1/large.mp4" && e.UncompressedSize64 != size {
			t.Errorf("archive/zip sees %d bytes, want %d", e.UncompressedSize64, int64(size))
		}
	}
	behind, err := z.Open("media_attachments/files/2/behind.png")
	must(t, err)
	data, err := io.ReadAll(behind)
	must(t, err)
	must(t, z.Close())
	if string(data) != "tail" {
		t.Errorf("behind 4 GiB stands %q", data)
	}
	if _, err := archive.Verify(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// TestMoreThan65535Files passes the 16-bit count.
func TestMoreThan65535Files(t *testing.T) {
	n := 66_000
	m := newMemory(t)
	w, err := archive.NewWriter(m, options(t))
	must(t, err)
	must(t, w.Class(archive.ClassImages))
	for i := range n {
		must(t, w.Media(archive.MediaName(fmt.Sprint(100_000_000_000_000_000+i), "png"), 3, made, bytesOf([]byte("png"))))
	}
	_, err = w.Close(false)
	must(t, err)
	report, err := m.reader(t).Verify(t.Context())
	must(t, err)
	if report.Manifest.Classes[0].Files != int64(n) {
		t.Errorf("%d files, want %d", report.Manifest.Classes[0].Files, n)
	}
	checkPeak(t, m)
	z, err := zip.OpenReader(m.Name())
	must(t, err)
	if len(z.File) != int(report.Files) {
		t.Errorf("archive/zip sees %d files, want %d", len(z.File), report.Files)
	}
	must(t, z.Close())
}

// most is what an export may take: 64 MiB for the whole process.
const most = 64 << 20

// memory is a file that samples what the runtime's heap and stacks take whenever
// it is written or read.
type memory struct {
	*os.File
	peak  uint64
	calls int
	read  []metrics.Sample
}

func newMemory(t *testing.T) *memory {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "archive.zip"))
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	runtime.GC()
	return &memory{File: f, read: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}}
}

func (m *memory) sample() {
	if m.calls++; m.calls%16 != 0 {
		return
	}
	metrics.Read(m.read)
	m.peak = max(m.peak, m.read[0].Value.Uint64()+m.read[1].Value.Uint64()+m.read[2].Value.Uint64())
}

func (m *memory) Write(p []byte) (int, error) {
	m.sample()
	return m.File.Write(p)
}

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	m.sample()
	return m.File.ReadAt(p, at)
}

// reader opens what was written.
func (m *memory) reader(t *testing.T) *archive.Reader {
	t.Helper()
	info, err := m.Stat()
	must(t, err)
	r, err := archive.OpenZip(m, info.Size(), archive.Limits{})
	must(t, err)
	return r
}

func checkPeak(t *testing.T, m *memory) {
	t.Helper()
	peak := m.peak
	if m.calls < 100 {
		t.Errorf("only %d samples", m.calls)
	}
	t.Logf("at most %.1f MiB", float64(peak)/(1<<20))
	if peak > most {
		t.Errorf("%d bytes of memory, at most %d allowed", peak, most)
	}
}

// TestMemoryOf200000Posts writes, verifies and reads 200,000 small posts, which
// come in no order of time. (A tenth of them under the race detector, which makes
// compression twenty times slower and is not what memory is measured with.)
func TestMemoryOf200000Posts(t *testing.T) {
	n := 200_000 / fewer
	m := newMemory(t)
	w, err := archive.NewWriter(m, options(t))
	must(t, err)
	must(t, w.Class(archive.ClassPosts))
	for i := range n {
		must(t, w.Record(archive.Post{ID: fmt.Sprint(i), Place: "page", Audience: archive.AudiencePublic, Text: "今天也在种花 " + fmt.Sprint(i), Published: at(i * 7919 % 4000)}))
	}
	_, err = w.Close(false)
	must(t, err)
	report, err := m.reader(t).Verify(t.Context())
	must(t, err)
	read := int64(0)
	must(t, m.reader(t).Records(t.Context(), archive.ClassPosts, 0, func(int64, any) error { read++; return nil }))
	if report.Count(archive.ClassPosts) != int64(n) || read != int64(n) {
		t.Errorf("%d counted, %d read, want %d", report.Count(archive.ClassPosts), read, n)
	}
	checkPeak(t, m)
}

// outboxReader makes an endless outbox on the fly.
type outboxReader struct {
	left, n int
	buf     []byte
}

func (r *outboxReader) Read(p []byte) (int, error) {
	if len(r.buf) == 0 {
		switch {
		case r.left < 0:
			return 0, io.EOF
		case r.left == 0:
			r.buf = []byte("]}")
		case r.n == 0:
			r.buf = []byte(`{"orderedItems":[`)
		default:
			item := fmt.Sprintf(`{"type":"Create","actor":"https://x/u","object":{"type":"Note","id":"https://x/%d","published":"2024-01-01T00:00:00Z","content":"<p>%s</p>"}}`, r.n, strings.Repeat("a", 200))
			if r.left > 1 {
				item += ","
			}
			r.buf = []byte(item)
		}
		if r.n > 0 || r.left <= 0 {
			r.left--
		}
		r.n++
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

func TestMemoryOfLargeOutbox(t *testing.T) {
	n := 300_000 / fewer // 100 MB of JSON
	m := newMemory(t)
	z := zip.NewWriter(m)
	out, err := z.CreateHeader(&zip.FileHeader{Name: "outbox.json", Method: zip.Store})
	must(t, err)
	_, err = io.Copy(out, &outboxReader{left: n})
	must(t, err)
	must(t, z.Close())
	s, err := m.reader(t).Survey(t.Context())
	must(t, err)
	if s.Count(archive.ClassPosts) != int64(n) {
		t.Errorf("%d posts, want %d", s.Count(archive.ClassPosts), n)
	}
	checkPeak(t, m)
}

// BenchmarkMedia writes media and, beside it, only copies and hashes the same bytes.
func BenchmarkMedia(b *testing.B) {
	const size = 256 << 20
	b.Run("archive", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			o := archive.Options{Spool: b.TempDir(), Made: made, Actor: archive.Profile{Name: "lin"}}
			w, err := archive.NewWriter(io.Discard, o)
			must(b, err)
			must(b, w.Class(archive.ClassImages))
			must(b, w.Media("media_attachments/files/1/a.mp4", size, made, func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }))
			_, err = w.Close(false)
			must(b, err)
		}
	})
	b.Run("hashes", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			_, err := io.CopyBuffer(io.MultiWriter(sha256.New(), crc32.NewIEEE()), io.LimitReader(zeros{}, size), make([]byte, 1<<20))
			must(b, err)
		}
	})
}

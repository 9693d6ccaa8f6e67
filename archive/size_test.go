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
	"sync/atomic"
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
	path := filepath.Join(t.TempDir(), "many.zip")
	f, err := os.Create(path)
	must(t, err)
	peak := watchMemory(t)
	w, err := archive.NewWriter(f, options(t))
	must(t, err)
	must(t, w.Class(archive.ClassImages))
	for i := range n {
		must(t, w.Media(archive.MediaName(fmt.Sprint(100_000_000_000_000_000+i), "png"), 3, made, bytesOf([]byte("png"))))
	}
	_, err = w.Close(false)
	must(t, err)
	must(t, f.Close())
	report, err := archive.Verify(t.Context(), path)
	must(t, err)
	if report.Manifest.Classes[0].Files != int64(n) {
		t.Errorf("%d files, want %d", report.Manifest.Classes[0].Files, n)
	}
	checkPeak(t, peak())
	z, err := zip.OpenReader(path)
	must(t, err)
	if len(z.File) != int(report.Files) {
		t.Errorf("archive/zip sees %d files, want %d", len(z.File), report.Files)
	}
	must(t, z.Close())
}

// most is what an export may take: 64 MiB for the whole process.
const most = 64 << 20

// watchMemory samples what the runtime has mapped and not given back, less what
// it had before, until the returned function is called.
func watchMemory(t *testing.T) func() uint64 {
	t.Helper()
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64() + sample[1].Value.Uint64() + sample[2].Value.Uint64()
	}
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				peak.Store(max(peak.Load(), read()))
				runtime.Gosched()
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return peak.Load()
	}
}

func checkPeak(t *testing.T, peak uint64) {
	t.Helper()
	t.Logf("at most %.1f MiB", float64(peak)/(1<<20))
	if peak > most {
		t.Errorf("%d bytes of memory, at most %d allowed", peak, most)
	}
}

// TestMemoryOf200000Posts writes, verifies and reads 200,000 small posts, which
// come in no order of time.
func TestMemoryOf200000Posts(t *testing.T) {
	const n = 200_000
	path := filepath.Join(t.TempDir(), "posts.zip")
	f, err := os.Create(path)
	must(t, err)
	peak := watchMemory(t)
	w, err := archive.NewWriter(f, options(t))
	must(t, err)
	must(t, w.Class(archive.ClassPosts))
	for i := range n {
		must(t, w.Record(archive.Post{ID: fmt.Sprint(i), Place: "page", Audience: archive.AudiencePublic, Text: "今天也在种花 " + fmt.Sprint(i), Published: at(i * 7919 % 4000)}))
	}
	_, err = w.Close(false)
	must(t, err)
	must(t, f.Close())
	report, err := archive.Verify(t.Context(), path)
	must(t, err)
	read := int64(0)
	must(t, open(t, path).Records(t.Context(), archive.ClassPosts, 0, func(int64, any) error { read++; return nil }))
	if report.Count(archive.ClassPosts) != n || read != n {
		t.Errorf("%d counted, %d read, want %d", report.Count(archive.ClassPosts), read, n)
	}
	checkPeak(t, peak())
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
	const n = 300_000 // 100 MB of JSON
	path := filepath.Join(t.TempDir(), "outbox.zip")
	f, err := os.Create(path)
	must(t, err)
	z := zip.NewWriter(f)
	out, err := z.CreateHeader(&zip.FileHeader{Name: "outbox.json", Method: zip.Store})
	must(t, err)
	_, err = io.Copy(out, &outboxReader{left: n})
	must(t, err)
	must(t, z.Close())
	must(t, f.Close())
	peak := watchMemory(t)
	r := open(t, path)
	s, err := r.Survey(t.Context())
	must(t, err)
	if s.Count(archive.ClassPosts) != n {
		t.Errorf("%d posts, want %d", s.Count(archive.ClassPosts), n)
	}
	checkPeak(t, peak())
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

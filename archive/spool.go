package archive

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// spool is a temporary file that is appended to and then read from the start.
type spool struct {
	f *os.File
	w *bufio.Writer
	n int64
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "exeunt-spool-*")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	return &spool{f: f, w: bufio.NewWriterSize(f, 32<<10)}, nil
}

func (s *spool) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	if err != nil {
		return n, fmt.Errorf("write temporary file: %w", err)
	}
	return n, nil
}

// reader reads all that was written so far.
func (s *spool) reader() (*io.SectionReader, error) {
	if err := s.w.Flush(); err != nil {
		return nil, fmt.Errorf("write temporary file: %w", err)
	}
	return io.NewSectionReader(s.f, 0, s.n), nil
}

// reset empties the file for another use.
func (s *spool) reset() error {
	s.n = 0
	s.w.Reset(s.f)
	if err := s.f.Truncate(0); err != nil {
		return fmt.Errorf("empty temporary file: %w", err)
	}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("empty temporary file: %w", err)
	}
	return nil
}

func (s *spool) close() error {
	return errors.Join(s.f.Close(), os.Remove(s.f.Name()))
}

// timeline keeps records on disk and gives them back in the order of their
// times, either way round, holding only runLength keys in memory: sorted runs of
// keys go to disk as well and are merged when read.
type timeline struct {
	data, keys *spool
	pending    []timeKey
	runs       []int // lengths of the sorted runs in keys
	count      int64
}

// timeKey places one record: its time in ms, where it lies, how long it is. The
// offset grows with arrival and so settles ties.
type timeKey struct{ at, offset, length int64 }

const (
	runLength = 32 << 10
	keySize   = 24
)

func newTimeline(dir string) (*timeline, error) {
	data, err := newSpool(dir)
	if err != nil {
		return nil, err
	}
	keys, err := newSpool(dir)
	if err != nil {
		return nil, errors.Join(err, data.close())
	}
	return &timeline{data: data, keys: keys}, nil
}

func (t *timeline) add(at int64, record []byte) error {
	t.pending = append(t.pending, timeKey{at, t.data.n, int64(len(record))})
	t.count++
	if _, err := t.data.Write(record); err != nil {
		return err
	}
	if len(t.pending) < runLength {
		return nil
	}
	return t.flush()
}

func (t *timeline) flush() error {
	if len(t.pending) == 0 {
		return nil
	}
	slices.SortFunc(t.pending, compareKeys)
	var b [keySize]byte
	for _, k := range t.pending {
		binary.LittleEndian.PutUint64(b[0:], uint64(k.at))
		binary.LittleEndian.PutUint64(b[8:], uint64(k.offset))
		binary.LittleEndian.PutUint64(b[16:], uint64(k.length))
		if _, err := t.keys.Write(b[:]); err != nil {
			return err
		}
	}
	t.runs = append(t.runs, len(t.pending))
	t.pending = t.pending[:0]
	return nil
}

func compareKeys(a, b timeKey) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	return cmp.Compare(a.offset, b.offset)
}

// each calls fn with every record, oldest first or newest first. The slice is
// valid only during the call.
func (t *timeline) each(newestFirst bool, fn func(record []byte) error) error {
	if err := t.flush(); err != nil {
		return err
	}
	data, err := t.data.reader()
	if err != nil {
		return err
	}
	keys, err := t.keys.reader()
	if err != nil {
		return err
	}
	m := &runMerge{newestFirst: newestFirst}
	start := int64(0)
	for _, n := range t.runs {
		r := &runReader{src: keys, start: start, left: n, backwards: newestFirst, total: n}
		start += int64(n) * keySize
		if err := r.next(); err != nil {
			return err
		}
		m.runs = append(m.runs, r)
	}
	heap.Init(m)
	var buf []byte
	for len(m.runs) > 0 {
		r := m.runs[0]
		buf = slices.Grow(buf[:0], int(r.key.length))[:r.key.length]
		if _, err := data.ReadAt(buf, r.key.offset); err != nil {
			return fmt.Errorf("read temporary file: %w", err)
		}
		if err := fn(buf); err != nil {
			return err
		}
		if r.left == 0 {
			heap.Pop(m)
			continue
		}
		if err := r.next(); err != nil {
			return err
		}
		heap.Fix(m, 0)
	}
	return nil
}

func (t *timeline) close() error { return errors.Join(t.data.close(), t.keys.close()) }

// runReader walks one sorted run from either end, some keys at a time.
type runReader struct {
	src         io.ReaderAt
	start       int64
	left, total int
	backwards   bool
	block       []byte
	key         timeKey
}

func (r *runReader) next() error {
	if len(r.block) == 0 {
		n := min(r.left, 256)
		at := r.total - r.left
		if r.backwards {
			at = r.left - n
		}
		r.block = make([]byte, n*keySize)
		if _, err := r.src.ReadAt(r.block, r.start+int64(at)*keySize); err != nil {
			return fmt.Errorf("read temporary file: %w", err)
		}
	}
	b := r.block[:keySize]
	if r.backwards {
		b = r.block[len(r.block)-keySize:]
		r.block = r.block[:len(r.block)-keySize]
	} else {
		r.block = r.block[keySize:]
	}
	r.key = timeKey{
		int64(binary.LittleEndian.Uint64(b[0:])),
		int64(binary.LittleEndian.Uint64(b[8:])),
		int64(binary.LittleEndian.Uint64(b[16:])),
	}
	r.left--
	return nil
}

// runMerge is the heap over the heads of all runs.
type runMerge struct {
	runs        []*runReader
	newestFirst bool
}

func (m *runMerge) Len() int { return len(m.runs) }
func (m *runMerge) Less(i, j int) bool {
	c := compareKeys(m.runs[i].key, m.runs[j].key)
	if m.newestFirst {
		return c > 0
	}
	return c < 0
}
func (m *runMerge) Swap(i, j int) { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }
func (m *runMerge) Push(x any)    { m.runs = append(m.runs, x.(*runReader)) }
func (m *runMerge) Pop() any {
	last := m.runs[len(m.runs)-1]
	m.runs = m.runs[:len(m.runs)-1]
	return last
}

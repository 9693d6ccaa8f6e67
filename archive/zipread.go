package archive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/flate"
)

// zipContainer reads a zip through its central directory. It is our own reader,
// because archive/zip takes the whole directory into memory before anything can
// be counted, and a hostile directory may have millions of entries.
type zipContainer struct {
	fileTable
	src   io.ReaderAt
	items []zipItem // beside fileTable's
}

type zipItem struct {
	offset, compressed int64
	crc                uint32
	method             uint16
}

// zipRecord is one record of the directory.
type zipRecord struct {
	zipItem
	name   string
	size   int64
	folder bool
}

// directoryEnd is where the central directory lies, after the end records.
type directoryEnd struct{ count, size, offset int64 }

func openZip(src io.ReaderAt, size int64, l Limits) (*zipContainer, error) {
	end, err := findDirectory(src, size)
	if err != nil {
		return nil, err
	}
	if end.count > int64(l.Entries) {
		return nil, refuse(KindTooMany, "", "%d entries, %d allowed", end.count, l.Entries)
	}
	z := &zipContainer{src: src, fileTable: newFileTable(int(end.count)), items: make([]zipItem, 0, end.count)}
	r := bufio.NewReaderSize(io.NewSectionReader(src, end.offset, end.size), 64<<10)
	var compressed, total int64
	for range end.count {
		rec, err := readCentral(r)
		if err != nil {
			return nil, err
		}
		if rec.folder {
			continue
		}
		if rec.offset >= end.offset || rec.compressed > end.offset-rec.offset {
			return nil, refuse(KindBroken, rec.name, "lies outside the archive")
		}
		compressed += rec.compressed
		total += rec.size
		if err := l.checkSize(rec.name, rec.size, total, size); err != nil {
			return nil, err
		}
		if compressed > size {
			return nil, refuse(KindBomb, rec.name, "entries share their contents")
		}
		if err := z.add(rec.name, rec.size); err != nil {
			return nil, err
		}
		z.items = append(z.items, rec.zipItem)
	}
	if n, err := r.Peek(1); err == nil || len(n) > 0 {
		return nil, refuse(KindBroken, "", "the directory holds more than it says")
	}
	return z, nil
}

// findDirectory reads the end records: APPNOTE 4.3.14 to 4.3.16.
func findDirectory(src io.ReaderAt, size int64) (directoryEnd, error) {
	var none directoryEnd
	n := min(size, 22+math.MaxUint16)
	tail := make([]byte, n)
	if _, err := src.ReadAt(tail, size-n); err != nil && !errors.Is(err, io.EOF) {
		return none, refuseFor(KindBroken, "", err)
	}
	at := bytes.LastIndex(tail, le32(nil, sigEnd))
	if at < 0 || len(tail)-at < 22 {
		return none, refuse(KindBroken, "", "the zip's directory is missing")
	}
	b := tail[at:]
	end := directoryEnd{int64(u16(b[10:])), int64(u32(b[12:])), int64(u32(b[16:]))}
	if u16(b[4:]) != 0 || u16(b[6:]) != 0 {
		if u16(b[4:]) != math.MaxUint16 {
			return none, refuse(KindBroken, "", "the zip is split over several files")
		}
	}
	endAt := size - n + int64(at)
	if end.count == math.MaxUint16 || end.size == max32 || end.offset == max32 {
		var err error
		if end, endAt, err = findDirectory64(src, endAt, end); err != nil {
			return none, err
		}
	}
	if end.count < 0 || end.size < 0 || end.offset < 0 || end.offset > endAt || end.size > endAt-end.offset || end.count > end.size/46 {
		return none, refuse(KindBroken, "", "the zip's directory lies outside the archive")
	}
	return end, nil
}

func findDirectory64(src io.ReaderAt, endAt int64, short directoryEnd) (directoryEnd, int64, error) {
	loc := make([]byte, 20)
	if endAt < 20 {
		return short, endAt, nil
	}
	if _, err := src.ReadAt(loc, endAt-20); err != nil {
		return short, 0, refuseFor(KindBroken, "", err)
	}
	if u32(loc) != sigLocator64 {
		return short, endAt, nil // 65,535 entries exactly, and no zip64
	}
	at := int64(u64(loc[8:]))
	b := make([]byte, 56)
	if at < 0 || at > endAt-76 {
		return short, 0, refuse(KindBroken, "", "the zip64 record lies outside the archive")
	}
	if _, err := src.ReadAt(b, at); err != nil || u32(b) != sigEnd64 {
		return short, 0, refuse(KindBroken, "", "the zip64 record is damaged")
	}
	return directoryEnd{int64(u64(b[32:])), int64(u64(b[40:])), int64(u64(b[48:]))}, at, nil
}

// readCentral reads one record of the directory.
func readCentral(r *bufio.Reader) (*zipRecord, error) {
	b := make([]byte, 46)
	if _, err := io.ReadFull(r, b); err != nil || u32(b) != sigCentral {
		return nil, refuse(KindBroken, "", "the zip's directory is damaged")
	}
	nameLen, extraLen, commentLen := int(u16(b[28:])), int(u16(b[30:])), int(u16(b[32:]))
	rest := make([]byte, nameLen+extraLen+commentLen)
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, refuse(KindBroken, "", "the zip's directory is cut short")
	}
	name := string(rest[:nameLen])
	rec := &zipRecord{
		name: name, size: int64(u32(b[24:])), folder: strings.HasSuffix(name, "/"),
		zipItem: zipItem{offset: int64(u32(b[42:])), compressed: int64(u32(b[20:])), crc: u32(b[16:]), method: u16(b[10:])},
	}
	if u16(b[8:])&flagEncrypted != 0 {
		return nil, refuse(KindEncrypted, name, "")
	}
	if u16(b[4:])>>8 == 3 {
		if err := unixMode(name, u32(b[38:])>>16); err != nil {
			return nil, err
		}
	}
	if !readable(strings.TrimSuffix(name, "/")) {
		return nil, refuse(KindUnsafeName, name, "")
	}
	if err := rec.wide(rest[nameLen : nameLen+extraLen]); err != nil {
		return nil, err
	}
	switch {
	case rec.folder && rec.size != 0:
		return nil, refuse(KindBroken, name, "a folder with contents")
	case rec.folder:
	case rec.method != methodStored && rec.method != methodDeflated:
		return nil, refuse(KindBroken, name, "compression method %d is not read", rec.method)
	case rec.method == methodStored && rec.size != rec.compressed:
		return nil, refuse(KindBroken, name, "two sizes for one stored file")
	}
	return rec, nil
}

// unixMode refuses what is neither a plain file nor a folder.
func unixMode(name string, mode uint32) error {
	switch mode & 0o170000 {
	case 0, 0o100000, 0o040000:
		return nil
	}
	return refuse(KindSpecial, name, "mode %o", mode)
}

// wide takes 64-bit sizes from the zip64 extra field: APPNOTE 4.5.3.
func (i *zipRecord) wide(extra []byte) error {
	for len(extra) >= 4 {
		id, n := u16(extra), int(u16(extra[2:]))
		extra = extra[4:]
		if n > len(extra) {
			return nil
		}
		field := extra[:n]
		extra = extra[n:]
		if id != extraZip64 {
			continue
		}
		for _, v := range []*int64{&i.size, &i.compressed, &i.offset} {
			if *v != max32 {
				continue
			}
			if len(field) < 8 {
				return refuse(KindBroken, i.name, "its zip64 field is cut short")
			}
			*v = int64(u64(field))
			field = field[8:]
		}
		break
	}
	if i.size < 0 || i.compressed < 0 || i.offset < 0 {
		return refuse(KindTooLarge, i.name, "its size does not fit")
	}
	return nil
}

func (z *zipContainer) open(name string) (io.ReadCloser, error) {
	i, ok := z.byName[name]
	if !ok {
		return nil, refuse(KindNoFile, name, "")
	}
	e := z.items[i]
	b := make([]byte, 30+len(name))
	if _, err := z.src.ReadAt(b, e.offset); err != nil || u32(b) != sigLocal {
		return nil, refuse(KindBroken, name, "its header is missing")
	}
	if int(u16(b[26:])) != len(name) || string(b[30:]) != name {
		return nil, refuse(KindBroken, name, "directory and header name it differently")
	}
	start := e.offset + 30 + int64(u16(b[26:])) + int64(u16(b[28:]))
	raw := io.NewSectionReader(z.src, start, e.compressed)
	c := &zipFile{name: name, left: z.sizes[i], want: e.crc, crc: crc32.NewIEEE(), r: raw}
	if e.method == methodDeflated {
		f := flate.NewReader(bufio.NewReaderSize(raw, 32<<10))
		c.r, c.closer = f, f
	}
	return c, nil
}

func (z *zipContainer) close() error { return nil }

// zipFile gives exactly the bytes that the directory declared, or an error.
type zipFile struct {
	name   string
	r      io.Reader
	closer io.Closer
	left   int64
	want   uint32
	crc    hash.Hash32
}

func (f *zipFile) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, f.end()
	}
	n, err := f.r.Read(p[:min(int64(len(p)), f.left)])
	_, _ = f.crc.Write(p[:n]) // a hash never fails
	f.left -= int64(n)
	if err == io.EOF {
		if f.left > 0 {
			return n, refuse(KindBroken, f.name, "it is cut short")
		}
		err = nil
	}
	if err != nil {
		return n, refuseFor(KindBroken, f.name, err)
	}
	return n, nil
}

func (f *zipFile) end() error {
	var one [1]byte
	if n, _ := f.r.Read(one[:]); n > 0 {
		return refuse(KindBomb, f.name, "it is larger than it says")
	}
	if f.crc.Sum32() != f.want {
		return refuse(KindBroken, f.name, "its checksum is wrong")
	}
	return io.EOF
}

func (f *zipFile) Close() error {
	if f.closer == nil {
		return nil
	}
	if err := f.closer.Close(); err != nil {
		return fmt.Errorf("close entry: %w", err)
	}
	return nil
}

func u16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func u32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func u64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

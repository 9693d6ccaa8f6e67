package archive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/klauspost/compress/flate"
)

// Signatures and numbers of the zip format: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
const (
	sigLocal      = 0x04034b50
	sigDescriptor = 0x08074b50
	sigCentral    = 0x02014b50
	sigEnd        = 0x06054b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50

	methodStored   = 0
	methodDeflated = 8

	flagEncrypted  = 0x1
	flagDescriptor = 0x8
	flagUTF8       = 0x800

	extraZip64 = 0x0001
	extraTime  = 0x5455 // Info-ZIP "UT": seconds since 1970, UTC

	max32 = math.MaxUint32
)

// zipWriter writes a zip as one stream. Unlike archive/zip it keeps its central
// directory on disk, so that memory does not grow with the number of files, and
// it can abandon an entry: bytes already out stay in the stream but no directory
// names them.
type zipWriter struct {
	out   *bufio.Writer
	n     int64 // bytes written
	dir   *spool
	count int64
	flate *flate.Writer
}

func newZipWriter(w io.Writer, spoolDir string) (*zipWriter, error) {
	dir, err := newSpool(spoolDir)
	if err != nil {
		return nil, err
	}
	return &zipWriter{out: bufio.NewWriterSize(w, 256<<10), dir: dir}, nil
}

func (z *zipWriter) Write(p []byte) (int, error) {
	n, err := z.out.Write(p)
	z.n += int64(n)
	if err != nil {
		return n, fmt.Errorf("write archive: %w", err)
	}
	return n, nil
}

// zipEntry is the entry being written; it counts and sums what passes.
type zipEntry struct {
	z            *zipWriter
	name         string
	method       uint16
	flags        uint16
	mod          time.Time
	offset       int64
	dataStart    int64
	zip64        bool // said so in the local header
	size         int64
	crc          uint32
	deflate      *flate.Writer
	compressedSz int64
}

// store writes a whole small file whose bytes are at hand.
func (z *zipWriter) store(name string, mod time.Time, data []byte) error {
	e := &zipEntry{
		z: z, name: name, method: methodStored, flags: flagUTF8, mod: mod, offset: z.n,
		size: int64(len(data)), compressedSz: int64(len(data)), crc: crc32.ChecksumIEEE(data),
	}
	if err := e.localHeader(); err != nil {
		return err
	}
	if _, err := z.Write(data); err != nil {
		return err
	}
	return e.list()
}

// begin starts an entry of unknown or large size; expect is a guess that decides
// whether the local header speaks zip64.
func (z *zipWriter) begin(name string, method uint16, mod time.Time, expect int64) (*zipEntry, error) {
	e := &zipEntry{z: z, name: name, method: method, flags: flagUTF8 | flagDescriptor, mod: mod, offset: z.n, zip64: expect >= max32}
	if err := e.localHeader(); err != nil {
		return nil, err
	}
	e.dataStart = z.n
	if method != methodDeflated {
		return e, nil
	}
	if z.flate == nil {
		fw, err := flate.NewWriter(z, flate.DefaultCompression)
		if err != nil {
			return nil, fmt.Errorf("prepare compression: %w", err)
		}
		z.flate = fw
	}
	z.flate.Reset(z)
	e.deflate = z.flate
	return e, nil
}

func (e *zipEntry) Write(p []byte) (int, error) {
	e.size += int64(len(p))
	e.crc = crc32.Update(e.crc, crc32.IEEETable, p)
	if e.deflate != nil {
		n, err := e.deflate.Write(p)
		if err != nil {
			return n, fmt.Errorf("compress: %w", err)
		}
		return n, nil
	}
	return e.z.Write(p)
}

// finish ends the entry and lists it.
func (e *zipEntry) finish() error {
	if e.deflate != nil {
		if err := e.deflate.Close(); err != nil {
			return fmt.Errorf("compress: %w", err)
		}
	}
	e.compressedSz = e.z.n - e.dataStart
	if err := e.descriptor(); err != nil {
		return err
	}
	return e.list()
}

func (e *zipEntry) localHeader() error {
	b := make([]byte, 0, 64+len(e.name))
	b = le32(b, sigLocal)
	b = le16(b, e.version())
	b = le16(b, e.flags)
	b = le16(b, e.method)
	b = dosTime(b, e.mod)
	if e.flags&flagDescriptor == 0 {
		b = le32(b, e.crc)
		b = le32(b, uint32(e.compressedSz))
		b = le32(b, uint32(e.size))
	} else if e.zip64 {
		b = le32(b, 0)
		b = le32(b, max32)
		b = le32(b, max32)
	} else {
		b = append(b, make([]byte, 12)...)
	}
	extra := timeExtra(e.mod)
	if e.zip64 {
		extra = le16(le16(extra, extraZip64), 16)
		extra = append(extra, make([]byte, 16)...)
	}
	b = le16(b, uint16(len(e.name)))
	b = le16(b, uint16(len(extra)))
	b = append(append(b, e.name...), extra...)
	_, err := e.z.Write(b)
	return err
}

func (e *zipEntry) descriptor() error {
	b := le32(le32(nil, sigDescriptor), e.crc)
	if e.zip64 || e.size >= max32 || e.compressedSz >= max32 {
		b = le64(le64(b, uint64(e.compressedSz)), uint64(e.size))
	} else {
		b = le32(le32(b, uint32(e.compressedSz)), uint32(e.size))
	}
	_, err := e.z.Write(b)
	return err
}

func (e *zipEntry) version() uint16 {
	if e.zip64 || e.size >= max32 || e.compressedSz >= max32 {
		return 45
	}
	return 20
}

// list adds the entry to the central directory.
func (e *zipEntry) list() error {
	extra := timeExtra(e.mod)
	size, compressed, offset := uint32(e.size), uint32(e.compressedSz), uint32(e.offset)
	if e.size >= max32 || e.compressedSz >= max32 || e.offset >= max32 {
		size, compressed, offset = max32, max32, max32
		extra = le16(le16(extra, extraZip64), 24)
		extra = le64(le64(le64(extra, uint64(e.size)), uint64(e.compressedSz)), uint64(e.offset))
	}
	b := make([]byte, 0, 96+len(e.name))
	b = le32(b, sigCentral)
	b = le16(b, 3<<8|45) // made on Unix, so that the mode below counts
	b = le16(b, e.version())
	b = le16(b, e.flags)
	b = le16(b, e.method)
	b = dosTime(b, e.mod)
	b = le32(le32(le32(b, e.crc), compressed), size)
	b = le16(b, uint16(len(e.name)))
	b = le16(b, uint16(len(extra)))
	b = append(b, make([]byte, 6)...) // comment, disk, internal attributes
	b = le32(b, 0o100644<<16)
	b = le32(b, offset)
	b = append(append(b, e.name...), extra...)
	e.z.count++
	_, err := e.z.dir.Write(b)
	return err
}

// close writes the central directory and the end records.
func (z *zipWriter) close() error {
	r, err := z.dir.reader()
	if err != nil {
		return err
	}
	start := z.n
	if _, err := io.Copy(struct{ io.Writer }{z}, r); err != nil {
		return err
	}
	size := z.n - start
	var b []byte
	if z.count >= math.MaxUint16 || start >= max32 || size >= max32 {
		end := z.n
		b = le64(le32(b, sigEnd64), 44)
		b = le16(le16(b, 3<<8|45), 45)
		b = le32(le32(b, 0), 0)
		b = le64(le64(b, uint64(z.count)), uint64(z.count))
		b = le64(le64(b, uint64(size)), uint64(start))
		b = le32(le32(b, sigLocator64), 0)
		b = le32(le64(b, uint64(end)), 1)
	}
	b = le32(b, sigEnd)
	b = le16(le16(b, 0), 0)
	n := uint16(min(z.count, math.MaxUint16))
	b = le16(le16(b, n), n)
	b = le32(b, uint32(min(size, max32)))
	b = le32(b, uint32(min(start, max32)))
	b = le16(b, 0)
	if _, err := z.Write(b); err != nil {
		return err
	}
	if err := z.out.Flush(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

func (z *zipWriter) discard() error { return errors.Join(z.dir.close()) }

// timeExtra carries the time in UTC; the DOS fields have no zone and two-second steps.
func timeExtra(t time.Time) []byte {
	s := t.Unix()
	if s < 0 || s > math.MaxInt32 {
		return nil
	}
	b := le16(le16(nil, extraTime), 5)
	return le32(append(b, 1), uint32(s))
}

func dosTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	if t.Year() < 1980 || t.Year() > 2107 {
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	b = le16(b, uint16(t.Second()/2+t.Minute()<<5+t.Hour()<<11))
	return le16(b, uint16(t.Day()+int(t.Month())<<5+(t.Year()-1980)<<9))
}

func le16(b []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(b, v) }
func le32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func le64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

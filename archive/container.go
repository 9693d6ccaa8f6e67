package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits bound what a reader takes. Zero fields mean the values of [DefaultLimits].
type Limits struct {
	Entries   int   // files in the archive
	EntrySize int64 // bytes of one file, unpacked
	Total     int64 // bytes of all files, unpacked
	// Ratio is how many times its own weight an archive may unpack to, once that is more than 1 GiB.
	Ratio int64
	Depth int   // nesting of JSON
	Item  int64 // bytes of one JSON record
	// Records bounds one class.
	Records int64
	// Spool is a folder into which a tar.gz is unpacked, under names of our own,
	// until Close; the system's if empty. Zip and folder need none.
	Spool string
}

// DefaultLimits are ample for a person's life and small for an attack.
func DefaultLimits() Limits {
	return Limits{Entries: 250_000, EntrySize: 16 << 30, Total: 256 << 30, Ratio: 100, Depth: 64, Item: 4 << 20, Records: 10_000_000}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	setDefault(&l.Entries, d.Entries)
	setDefault(&l.EntrySize, d.EntrySize)
	setDefault(&l.Total, d.Total)
	setDefault(&l.Ratio, d.Ratio)
	setDefault(&l.Depth, d.Depth)
	setDefault(&l.Item, d.Item)
	setDefault(&l.Records, d.Records)
	return l
}

func setDefault[T int | int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// freeUnpacked is what any archive may unpack to, however small it is.
const freeUnpacked = 1 << 30

// checkSize judges one entry and the sum so far against the weight of the archive.
func (l Limits) checkSize(name string, size, total, weight int64) error {
	switch {
	case size < 0 || size > l.EntrySize:
		return refuse(KindTooLarge, name, "%d bytes, %d allowed", size, l.EntrySize)
	case total < 0 || total > l.Total:
		return refuse(KindTooLarge, "", "more than %d bytes in all", l.Total)
	case total > freeUnpacked && total/l.Ratio > weight:
		return refuse(KindBomb, name, "%d bytes from an archive of %d", total, weight)
	}
	return nil
}

// container is a set of named files, already checked: safe names, plain files,
// none twice, sizes within limits.
type container interface {
	table() *fileTable
	open(name string) (io.ReadCloser, error)
	close() error
}

// fileTable lists the files of a container in their order there.
type fileTable struct {
	names  []string
	sizes  []int64
	byName map[string]int
}

func newFileTable(n int) fileTable {
	return fileTable{make([]string, 0, n), make([]int64, 0, n), make(map[string]int, n)}
}

func (t *fileTable) table() *fileTable { return t }

func (t *fileTable) add(name string, size int64) error {
	if _, twice := t.byName[name]; twice {
		return refuse(KindDuplicate, name, "")
	}
	t.byName[name] = len(t.names)
	t.names = append(t.names, name)
	t.sizes = append(t.sizes, size)
	return nil
}

// readable reports whether a name from outside is taken: relative, climbing
// nowhere, printable. It is milder than [SafeName], for nothing is ever written
// under such a name.
func readable(name string) bool {
	if name == "" || len(name) > 1024 || !utf8.ValidString(name) || strings.Contains(name, "\\") || strings.ContainsFunc(name, unicode.IsControl) {
		return false
	}
	if len(name) > 1 && name[1] == ':' {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// openContainer looks at what lies at path, not at what it is called.
func openContainer(ctx context.Context, path string, l Limits) (container, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	if info.IsDir() {
		return openFolder(ctx, path, l)
	}
	if !info.Mode().IsRegular() {
		return nil, refuse(KindUnknown, "", "neither a file nor a folder")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("open archive: %w", err), f.Close())
	}
	var c container
	switch head = head[:n]; {
	case n == 4 && (u32(head) == sigLocal || u32(head) == sigEnd):
		if c, err = openZip(f, info.Size(), l); err == nil {
			return &closing{c, f}, nil
		}
	case n >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		c, err = openTarGz(ctx, f, info.Size(), l)
	default:
		err = refuse(KindUnknown, "", "")
	}
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = errors.Join(fmt.Errorf("close archive: %w", closeErr), c.close())
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// closing closes the file under a container with it.
type closing struct {
	container
	f *os.File
}

func (c *closing) close() error { return errors.Join(c.container.close(), c.f.Close()) }

// folderContainer reads an unpacked archive. os.Root keeps links from leading out of it.
type folderContainer struct {
	fileTable
	root *os.Root
}

// litter is what desktops leave in folders.
var litter = map[string]bool{".DS_Store": true, "Thumbs.db": true, "desktop.ini": true}

func openFolder(ctx context.Context, path string, l Limits) (_ *folderContainer, err error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Close())
		}
	}()
	c := &folderContainer{root: root, fileTable: newFileTable(0)}
	var total int64
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("read folder: %w", err)
		}
		if d.IsDir() || litter[d.Name()] {
			return nil
		}
		if !d.Type().IsRegular() {
			return refuse(KindSpecial, name, "")
		}
		if !readable(name) {
			return refuse(KindUnsafeName, name, "")
		}
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("read folder: %w", err)
		}
		total += info.Size()
		if err := c.add(name, info.Size()); err != nil {
			return err
		}
		if len(c.names) > l.Entries {
			return refuse(KindTooMany, "", "more than %d entries", l.Entries)
		}
		return l.checkSize(name, info.Size(), total, total)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *folderContainer) open(name string) (io.ReadCloser, error) {
	if _, ok := c.byName[name]; !ok {
		return nil, refuse(KindNoFile, name, "")
	}
	f, err := c.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open file of archive: %w", err)
	}
	return f, nil
}

func (c *folderContainer) close() error { return c.root.Close() }

// tarContainer is a tar.gz unpacked once, for it cannot be read out of order. Its
// files lie under numbers, so that no name of the archive ever reaches the file system.
type tarContainer struct {
	fileTable
	dir string
}

func openTarGz(ctx context.Context, f io.Reader, weight int64, l Limits) (_ *tarContainer, err error) {
	gz, err := gzip.NewReader(bufio.NewReaderSize(f, 64<<10))
	if err != nil {
		return nil, refuseFor(KindBroken, "", err)
	}
	dir, err := os.MkdirTemp(l.Spool, "exeunt-unpacked-*")
	if err != nil {
		return nil, fmt.Errorf("unpack archive: %w", err)
	}
	c := &tarContainer{fileTable: newFileTable(0), dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	// Tar's own padding and headers are bounded too: an endless archive of nothing ends here.
	all := &boundedReader{r: gz, ctx: ctx, left: min(l.Total, max(freeUnpacked, weight*l.Ratio)) + int64(l.Entries)*1024}
	tr := tar.NewReader(all)
	var total int64
	for seen := 0; ; seen++ {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, refuseFor(KindBroken, "", err)
		}
		if seen >= l.Entries {
			return nil, refuse(KindTooMany, "", "more than %d entries", l.Entries)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if err := c.admit(name, h); err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		total += h.Size
		if err := l.checkSize(name, h.Size, total, weight); err != nil {
			return nil, err
		}
		if err := c.unpack(name, h.Size, tr); err != nil {
			return nil, err
		}
	}
	// What follows the tar is read to its end, for gzip's checksum stands there.
	if _, err := io.Copy(io.Discard, all); err != nil {
		return nil, refuseFor(KindBroken, "", err)
	}
	return c, nil
}

func (c *tarContainer) admit(name string, h *tar.Header) error {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeDir:
		if name = strings.TrimSuffix(name, "/"); name == "" || name == "." {
			return nil
		}
	case tar.TypeReg:
	default:
		return refuse(KindSpecial, name, "type %q", h.Typeflag)
	}
	if !readable(name) {
		return refuse(KindUnsafeName, name, "")
	}
	return nil
}

func (c *tarContainer) unpack(name string, size int64, r io.Reader) error {
	if err := c.add(name, size); err != nil {
		return err
	}
	f, err := os.OpenFile(c.path(len(c.names)-1), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("unpack archive: %w", err)
	}
	if _, err := io.CopyN(f, r, size); err != nil {
		return errors.Join(refuseFor(KindBroken, name, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("unpack archive: %w", err)
	}
	return nil
}

func (c *tarContainer) path(n int) string { return filepath.Join(c.dir, strconv.Itoa(n)) }

func (c *tarContainer) open(name string) (io.ReadCloser, error) {
	n, ok := c.byName[name]
	if !ok {
		return nil, refuse(KindNoFile, name, "")
	}
	f, err := os.Open(c.path(n))
	if err != nil {
		return nil, fmt.Errorf("open file of archive: %w", err)
	}
	return f, nil
}

func (c *tarContainer) close() error { return os.RemoveAll(c.dir) }

// boundedReader stops a stream that goes on for too long, or whose reader was told to stop.
type boundedReader struct {
	r    io.Reader
	ctx  context.Context
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left <= 0 {
		return 0, refuse(KindBomb, "", "it unpacks without end")
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

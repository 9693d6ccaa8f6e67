package archive

import (
	"context"
	"io"
)

// Files are the files of a zip that is no archive of ours: under the same limits, and as little trusted.
type Files struct{ c container }

// OpenFiles reads what a zip lists; size is its weight in bytes. Errors are those of [OpenZip].
func OpenFiles(src io.ReaderAt, size int64, limits Limits) (*Files, error) {
	c, err := openZip(src, size, limits.withDefaults())
	if err != nil {
		return nil, err
	}
	return &Files{c}, nil
}

// Names gives the names of the files in the zip's own order. None climbs, and none is there twice.
func (f *Files) Names() []string { return f.c.table().names }

// Size gives how many bytes a file unpacks to; -1 where it is not there.
func (f *Files) Size(name string) int64 {
	t := f.c.table()
	if i, ok := t.byName[name]; ok {
		return t.sizes[i]
	}
	return -1
}

// Open reads a file. It gives exactly as many bytes as Size says, or an error.
func (f *Files) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := f.c.open(name)
	if err != nil {
		return nil, err
	}
	return &contextFile{r, ctx}, nil
}

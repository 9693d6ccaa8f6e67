package leave

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Measured is what packing one archive came to.
type Measured struct {
	Volumes int
	Bytes   int64 // of the archive
}

// Measure packs an archive as a take-along run does, reads it back, and throws it away: nothing is stored and nobody is told. It is for who wants to know how long it takes.
func (l *Room) Measure(ctx context.Context, p Packing) (m Measured, err error) {
	dir, err := os.MkdirTemp(l.Spool, "pack-")
	if err != nil {
		return m, fmt.Errorf("make spool: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	names, err := l.PackTo(ctx, &p, filepath.Join(dir, "archive.zip"))
	if err != nil {
		return m, fmt.Errorf("measure packing: %w", err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return m, fmt.Errorf("measure archive: %w", err)
		}
		m.Bytes += info.Size()
	}
	m.Volumes = len(names)
	return m, nil
}

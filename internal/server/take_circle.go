package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"exeunt/internal/circle"
	"exeunt/internal/leave"
)

// TakeCircle writes the whole of a circle, named by its name or id, to a folder, as its owner takes it along: others are named only as far as they agreed.
// The circle's log tells of it. Volume is the size in bytes at which a further file begins, -1 for one file. It gives the files' names.
func (h *House) TakeCircle(ctx context.Context, nameOrID, dir string, volume int64) ([]string, error) {
	id, owner, err := h.circles.WholeOf(ctx, nameOrID)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	// Told before it is done: what is taken away without a trace cannot be told after.
	if err := h.circles.NoteTaken(ctx, id, owner); err != nil {
		return nil, err
	}
	p := leave.Packing{Account: owner, In: circle.Name + ":" + id.String(), Whole: true, Media: true, MaxBytes: volume}
	return h.Leave.PackTo(ctx, &p, filepath.Join(dir, "circle-"+id.String()+".zip"))
}

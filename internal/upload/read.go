package upload

import (
	"context"
	"errors"
	"fmt"
	"io"

	"exeunt/exit"
	"exeunt/internal/who"
)

// Open reads an upload that is whole, from its first byte to its last. NotFound: it is not the account's, not whole yet, or taken.
func (r *Room) Open(ctx context.Context, account, id who.ID) (io.ReadCloser, Upload, error) {
	u, err := r.find(ctx, account, id)
	if err == nil && u.State != Done {
		err = exit.Fail(exit.NotFound, "upload.error.gone")
	}
	if err != nil {
		return nil, u, err
	}
	return &reader{ctx: ctx, room: r, upload: u}, u, nil
}

// batch is how many pieces are looked up at once.
const batch = 100

// reader gives the pieces of an upload one after the other.
type reader struct {
	ctx    context.Context // io.Reader has no place for one; it is that of Open
	room   *Room
	upload Upload
	at     int64
	next   []piece
	now    io.ReadCloser // nil: between pieces
	left   int64         // of now
}

func (x *reader) Read(p []byte) (int, error) {
	for x.left == 0 {
		if x.at == x.upload.Length {
			return 0, io.EOF
		}
		if err := x.turn(); err != nil {
			return 0, err
		}
	}
	n, err := x.now.Read(p[:min(int64(len(p)), x.left)])
	x.at, x.left = x.at+int64(n), x.left-int64(n)
	if errors.Is(err, io.EOF) {
		err = nil
		if x.left > 0 {
			err = fmt.Errorf("read upload: a piece ends %d bytes early: %w", x.left, io.ErrUnexpectedEOF)
		}
	}
	return n, err
}

// turn opens the next piece.
func (x *reader) turn() error {
	if err := x.Close(); err != nil {
		return err
	}
	if len(x.next) == 0 {
		list, err := x.room.store.pieces(x.ctx, x.upload.ID, x.at, batch)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return exit.Fail(exit.NotFound, "upload.error.gone")
		}
		x.next = list
	}
	p := x.next[0]
	x.next = x.next[1:]
	if p.position != x.at {
		return fmt.Errorf("read upload: a piece begins at %d instead of %d", p.position, x.at)
	}
	r, err := x.room.Blobs.NewReader(x.ctx, p.key, 0, p.bytes)
	if err != nil {
		return fmt.Errorf("read upload: %w", err)
	}
	x.now, x.left = r, p.bytes
	return nil
}

// Close lets go of the piece that is open.
func (x *reader) Close() error {
	if x.now == nil {
		return nil
	}
	err := x.now.Close()
	x.now = nil
	if err != nil {
		return fmt.Errorf("close piece: %w", err)
	}
	return nil
}

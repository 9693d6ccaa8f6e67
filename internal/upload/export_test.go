package upload

import (
	"bytes"
	"context"

	"exeunt/internal/who"
)

// Continue receives the rest of an upload as a request's body would bring it.
func (r *Room) Continue(ctx context.Context, account, id who.ID, rest func(offset int64) []byte) error {
	u, err := r.find(ctx, account, id)
	if err != nil {
		return err
	}
	return r.receive(ctx, &u, &body{from: bytes.NewReader(rest(u.Received))})
}

package channel

import (
	"context"
	"fmt"

	"exeunt/internal/service"
	"exeunt/internal/who"
)

// byOrigin gives the account's video that came from a place, or has gone out under that name from here; 0 where there is none.
func (s store) byOrigin(ctx context.Context, account who.ID, origin string) (who.ID, error) {
	known, err := s.known(ctx, account, []string{origin})
	return known[origin], err
}

// setOrigin stores from where a video was brought, and its language.
func (s store) setOrigin(ctx context.Context, pass service.Pass, x Video) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set origin = $1, language = $2 where id = $3`, x.Origin, x.Language, int64(x.ID)); err != nil {
		return fmt.Errorf("store a video's origin: %w", err)
	}
	return nil
}

package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"exeunt/internal/service"
	"exeunt/internal/who"
)

// byOrigin gives the account's video that came from a place, 0 where there is none.
func (s store) byOrigin(ctx context.Context, account who.ID, origin string) (id who.ID, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select id from videos where account_id = $1 and origin = $2`, int64(account), origin).Scan((*int64)(&id))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for a video's origin: %w", err)
	}
	return id, nil
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

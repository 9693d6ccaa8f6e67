package account

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// pictureBytes gives how many bytes the profile pictures of accounts have.
func (s store) pictureBytes(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	list, args := service.In(1, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select account_id, avatar_bytes + cover_bytes from profiles where account_id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("measure profile pictures: %w", err)
	}
	sums, err := db.Scan(rows, service.ScanSum)
	return service.Sums(sums), err
}

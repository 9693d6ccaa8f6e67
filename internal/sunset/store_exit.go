package sunset

import (
	"context"
	"fmt"
)

// sweepExports forgets for whom archives were made, once the ending is over and certified, or taken back, and the archive itself is gone.
func (s store) sweepExports(ctx context.Context, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from sunset_exports where id in (select x.id from sunset_exports x join sunsets s on s.id = x.sunset_id
		where (s.state = 'withdrawn' or s.state = 'ended' and exists (select 1 from certificates c where c.run = s.run))
		and not exists (select 1 from exit_runs r where r.id = x.run and r.state in ('open', 'running')) order by x.id limit $1)`, limit)
	if err != nil {
		return 0, fmt.Errorf("forget archives: %w", err)
	}
	return n, nil
}

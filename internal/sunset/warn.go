package sunset

import (
	"context"

	"exeunt/exit"
)

// toldExtend is told to the operators alone: the stop comes before the last archive.
const toldExtend = "extend"

// WarnOperators tells the operators of each ending whose stop comes before the last archive is expected, as [Room.Status] has it: once for each day that is
// published for the stop.
func (r *Room) WarnOperators(ctx context.Context) error {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	list, err := r.store.list(ctx, `state = 'open'`)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Calendar.Ceases(exit.AllowWrite).After(now) {
			continue
		}
		status, err := r.Status(ctx, s.Name)
		if err != nil {
			return err
		}
		if status.Extend == 0 {
			continue
		}
		if err := r.DB.Update(ctx, func(ctx context.Context) error { return r.tell(ctx, s, toldExtend) }); err != nil {
			return err
		}
	}
	return nil
}

package sunset

import (
	"context"
	"sync"
	"time"

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

// lastForecast keeps the one that was made last for the page of how far an ending has come, which is opened often.
type lastForecast struct {
	mu       sync.Mutex
	of       Sunset
	at       time.Time // machine time
	forecast Forecast
}

// forecastLife is how long it is shown, by the machine clock.
const forecastLife = 10 * time.Minute

// lately gives the forecast of a published calendar, as of ten minutes ago at most.
func (r *Room) lately(ctx context.Context, s Sunset) (Forecast, error) {
	k, now := &r.last, r.DB.Clock.Now()
	k.mu.Lock()
	f, good := k.forecast, k.of.ID == s.ID && k.of.Version == s.Version && now.Sub(k.at) < forecastLife
	k.mu.Unlock()
	if good {
		return f, nil
	}
	f, err := r.Forecast(ctx, s.Calendar)
	if err != nil {
		return f, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of, k.at, k.forecast = s, now, f
	return f, nil
}

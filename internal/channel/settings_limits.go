package channel

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/who"
)

// Limits are what the operator decides about channels; everybody can read them. 0 of a number that bounds is: no bound.
type Limits struct {
	Minutes   int64 `json:"minutes"`    // of one video
	ADay      int64 `json:"a_day"`      // videos that an account publishes within 24 hours
	ToOpen    int64 `json:"to_open"`    // followers that opening a channel takes
	ToPublish int64 `json:"to_publish"` // followers that publishing takes
}

// DefaultLimits are a new install's: four hours, and whoever wants. How large a file may be the upload room says.
var DefaultLimits = Limits{Minutes: 240, ADay: 100}

// setting is the name of the row in which the limits stand.
const setting = "channel-limits"

// fresh is how long limits are taken from memory: an operator's change is seen on every node within it.
const fresh = time.Second

// limitsKept are the limits as they were last read.
type limitsKept struct {
	mu   sync.Mutex
	read time.Time // machine clock
	now  Limits
}

// Clean refuses, with Invalid, numbers that make no sense.
func (l Limits) Clean() (Limits, error) {
	for _, n := range []int64{l.Minutes, l.ADay, l.ToOpen, l.ToPublish} {
		if n < 0 || n > 1<<50 {
			return l, exit.Fail(exit.Invalid, "channel.error.limits")
		}
	}
	return l, nil
}

// Limits gives the operator's limits, at most a second old.
func (r *Room) Limits(ctx context.Context) (Limits, error) {
	k := &r.limits
	k.mu.Lock()
	defer k.mu.Unlock()
	at := r.DB.Clock.Now()
	if !k.read.IsZero() && at.Sub(k.read) < fresh && !at.Before(k.read) {
		return k.now, nil
	}
	l := DefaultLimits
	text, ok, err := r.DB.Setting(ctx, setting)
	if err != nil {
		return l, err
	}
	if ok {
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			return l, fmt.Errorf("read the limits of channels: %w", err)
		}
	}
	k.now, k.read = l, at
	return l, nil
}

// SetLimits stores the operator's limits.
func (r *Room) SetLimits(ctx context.Context, v who.Viewer, l Limits) error {
	if !v.Operator {
		return exit.Fail(exit.Forbidden, "channel.error.operator")
	}
	l, err := l.Clean()
	if err != nil {
		return err
	}
	body, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write the limits of channels: %w", err)
	}
	err = r.DB.SetSetting(ctx, setting, string(body))
	r.limits.mu.Lock()
	defer r.limits.mu.Unlock()
	r.limits.read = time.Time{}
	return err
}

package channel

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// await has a video that stood before others elsewhere do so here once its file is ready and was looked at.
func (v *Video) await(now time.Time) {
	if v.At.IsZero() || !v.At.Before(now) {
		v.At = now.Add(-time.Millisecond)
	}
	v.State, v.Due = Scheduled, now
}

// awaits says whether a video is one of which [Video.await] was called: its date lies before the time when it is due.
func (v Video) awaits() bool { return v.State == Scheduled && v.Origin != "" && v.At.Before(v.Due) }

// Sweep publishes scheduled videos whose day has come, at most limit, and gives how many. One that is not let through is a draft again, with the
// reason.
func (r *Room) Sweep(ctx context.Context, limit int) (int64, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return 0, err
	}
	ids, err := r.store.due(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	for _, id := range ids { // each in a transaction of its own, behind the fence of its owner
		if err := r.publishDue(ctx, id); err != nil {
			return 0, err
		}
	}
	return int64(len(ids)), nil
}

// publishDue publishes a scheduled video if it is due and its file is ready. One that may not appear is a draft again.
func (r *Room) publishDue(ctx context.Context, id who.ID) error {
	var refused error
	err := r.whenDue(ctx, id, func(ctx context.Context, pass service.Pass, x Video) error {
		if refused = r.mayAppear(ctx, pass, x); refused != nil {
			return refused
		}
		return r.goLive(ctx, pass, x)
	})
	if kind := exit.KindOf(err); refused != nil && (kind == exit.Invalid || kind == exit.Forbidden || kind == exit.TooMany) {
		err = r.whenDue(ctx, id, func(ctx context.Context, pass service.Pass, x Video) error {
			x.State, x.Due, x.Fault = Drafted, time.Time{}, keyOf(refused)
			if err := r.store.setState(ctx, pass, x); err != nil {
				return err
			}
			return r.tellOwner(ctx, pass, x, notify.VideoUnpublished)
		})
	}
	switch kind := exit.KindOf(err); {
	case err == nil, kind == exit.NotFound:
		return nil // or it is gone
	case kind == exit.Unavailable:
		return nil // its account rests; the sweep finds it when that is over
	case service.Stopped(err):
		return nil // it ends with the service
	}
	return err
}

// whenDue runs a change of a scheduled video that is due and whose file is ready, the video locked behind the fence.
func (r *Room) whenDue(ctx context.Context, id who.ID, fn func(context.Context, service.Pass, Video) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		x, pass, err := r.entered(ctx, id)
		if err != nil || x.State != Scheduled || x.Due.After(pass.At) || x.Media != Ready && x.Media != Plain {
			return err
		}
		return fn(ctx, pass, x)
	})
}

// mayAppear asks once more, when a video is due, what was asked when it was scheduled. What its frames look like is known only now.
func (r *Room) mayAppear(ctx context.Context, pass service.Pass, x Video) error {
	if err := r.stillWrites(ctx, pass); err != nil {
		return err
	}
	if err := r.stillIn(ctx, x); err != nil {
		return err
	}
	return r.screen(ctx, pass, x, true)
}

// stillWrites refuses, with Forbidden, to publish once the service is read-only.
func (r *Room) stillWrites(ctx context.Context, pass service.Pass) error {
	ok, err := r.Desk.Still(ctx, exit.AllowWrite, Name, 0, pass.At)
	if err == nil && !ok {
		err = exit.Fail(exit.Forbidden, "sunset_effects.unpublished")
	}
	return err
}

// stillIn refuses, with Forbidden, to publish for a circle in which the owner may not write any more.
func (r *Room) stillIn(ctx context.Context, x Video) error {
	if kind, _ := x.Audience.Split(); kind != "circle" {
		return nil
	}
	_, err := r.audience(ctx, who.Viewer{Account: x.Owner, State: who.Active}, string(x.Audience))
	if err != nil && exit.KindOf(err) != exit.Internal {
		err = exit.Fail(exit.Forbidden, "channel.fault.circle")
	}
	return err
}

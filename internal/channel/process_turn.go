package channel

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"exeunt/internal/job"
	"exeunt/internal/who"
)

const (
	// busyDelay is how long a video waits at first while another of this process is worked on: FFmpeg takes all processors. It is called when it is its turn.
	// Each that is put off waits a little longer than the one before: a thousand that come back at once leave the queue to others.
	busyDelay = 2 * time.Second
	busyStep  = 100 * time.Millisecond
	mostBusy  = time.Minute
	// mostInLine is of how many accounts videos are looked at for the next turn.
	mostInLine = 500
)

// inTurn works on a video if this process works on no other and it is its turn, and calls the one whose turn is next; else it puts the video off.
func (r *Room) inTurn(ctx context.Context, j job.Job, work func() error) error {
	var (
		next job.Job
		mine bool
		err  error
	)
	if r.working.TryLock() {
		next, mine, err = r.takeTurn(ctx, j, work)
	}
	if next.Ref != "" && next.Ref != j.Ref {
		err = errors.Join(err, r.Queue.Add(ctx, next))
	}
	if mine || err != nil {
		return err
	}
	j.Delay = min(busyDelay+time.Duration(r.putOff.Add(1))*busyStep, mostBusy)
	return r.Queue.Add(ctx, j)
}

// takeTurn works on a video if it is its turn, and unlocks. next is the one whose turn is then, if any waits.
func (r *Room) takeTurn(ctx context.Context, j job.Job, work func() error) (next job.Job, mine bool, err error) {
	defer r.working.Unlock()
	if j.Attempt <= 1 { // what broke off goes on
		if next, err = r.inLine(ctx, j); err != nil || next.Ref != j.Ref {
			return next, false, err
		}
	}
	r.putOff.Store(0)
	r.turn++
	r.turns[j.Account] = r.turn
	err = work()
	next, failed := r.inLine(ctx, job.Job{Kind: j.Kind})
	return next, true, errors.Join(err, failed)
}

// inLine gives the video whose turn it is, j among those that wait: of the account whose last turn is longest ago the one that came first. Accounts that had no turn
// yet have theirs as they came.
func (r *Room) inLine(ctx context.Context, j job.Job) (job.Job, error) {
	line, err := r.Queue.Line(ctx, j, mostBusy, mostInLine)
	if err != nil || len(line) == 0 {
		return job.Job{}, err
	}
	waits := make(map[who.ID]bool, len(line))
	for _, x := range line {
		waits[x.Account] = true
	}
	maps.DeleteFunc(r.turns, func(account who.ID, _ int64) bool { return !waits[account] })
	return slices.MinFunc(line, func(a, b job.Job) int { return cmp.Compare(r.turns[a.Account], r.turns[b.Account]) }), nil
}

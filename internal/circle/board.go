package circle

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/who"
)

// boardDays is how many days the owner's board tells of.
const boardDays = 30

// Day is what happened in a circle on one day. It is counted when it is asked for, from what stands in the circle: nothing
// is kept of what people do.
type Day struct {
	Begin    time.Time // midnight in the reader's zone
	Members  int64     // of today's members, those who had joined by the end of the day
	Joined   int64     // of today's members, those who joined on it
	Posts    int64
	Comments int64
	Active   int64 // accounts that wrote something
}

// Board is what a circle's owners see of it.
type Board struct {
	Members, Posts, Comments int64 // now
	Days                     []Day // the last thirty, the oldest first; today's is not over
}

// Board gives the owner's board, its days in a time zone. Forbidden for who is neither owner nor co-owner.
func (r *Room) Board(ctx context.Context, v who.Viewer, id who.ID, zone *time.Location) (Board, error) {
	c, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return Board{}, err
	}
	if !runs(m) {
		return Board{}, exit.Fail(exit.Forbidden, "circle.error.owner_only")
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return Board{}, err
	}
	b := Board{Members: c.Members, Days: days(now, zone)}
	if err := r.store.boardTotals(ctx, id, &b); err != nil {
		return b, err
	}
	if err := r.store.boardDays(ctx, id, b.Days); err != nil {
		return b, err
	}
	left := b.Members
	for i := len(b.Days) - 1; i >= 0; i-- {
		b.Days[i].Members = left
		left -= b.Days[i].Joined
	}
	return b, nil
}

// days gives the last thirty days up to now, in a zone.
func days(now time.Time, zone *time.Location) []Day {
	y, m, d := now.In(zone).Date()
	out := make([]Day, boardDays)
	for i := range out {
		out[i].Begin = time.Date(y, m, d-boardDays+1+i, 0, 0, 0, 0, zone)
	}
	return out
}

package leave

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/who"
)

// Agree agrees a request if its plan is still the one whose hash was previewed, and gives a closing
// its slip, in one transaction. The slip's secret is shown once; it is "" for other journeys. By is
// "person" or "operator". A plan that has changed is a Conflict.
func (l *Room) Agree(ctx context.Context, ask exit.Ask, hash, by string) (run exit.Run, secret string, err error) {
	account, _ := who.ParseID(ask.Subject.ID)
	err = l.DB.Update(ctx, func(ctx context.Context) error {
		// What the plan is made of must not change between the plan and the freeze.
		if err := l.Desk.Alone(ctx, account); err != nil {
			return err
		}
		if run, _, err = l.Engine.Agree(ctx, ask, hash, by); err != nil || ask.Journey != exit.Close {
			return err
		}
		secret, err = l.MakeSlip(ctx, run.ID)
		return err
	})
	return run, secret, err
}

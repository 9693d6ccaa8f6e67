package leave

import (
	"context"
	"fmt"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/who"
)

// knockLater has the gates that wait for a person's accounts asked again once the transaction of ctx is committed.
func (l *Room) knockLater(ctx context.Context, person who.ID) error {
	return l.Queue.Add(ctx, job.Job{Kind: jobKnock, Ref: person.String()})
}

// knock has the closed gates of a person asked again. Nobody may wait there: then there is nothing to do.
func (l *Room) knock(ctx context.Context, j job.Job) error {
	waiting, err := l.subjectsAtGates(ctx, exit.Subject{Kind: exit.SubjectPerson, ID: j.Ref})
	if err != nil {
		return err
	}
	for _, s := range waiting {
		if err := l.Engine.Knock(ctx, s); err != nil {
			return fmt.Errorf("ask gates again: %w", err)
		}
	}
	return nil
}

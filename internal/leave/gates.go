package leave

import (
	"context"
	"fmt"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/who"
)

// knockLater has the gates asked again, once the transaction of ctx is committed, at which a person's other accounts wait
// for one that is gone or has come back.
func (l *Room) knockLater(ctx context.Context, account, person who.ID) error {
	if l.replays {
		return nil
	}
	waiting, err := l.subjectsAtGates(ctx, exit.Subject{Kind: exit.SubjectPerson, ID: person.String()})
	if err != nil {
		return err
	}
	for _, s := range waiting {
		id, ok := who.ParseID(s.ID)
		if !ok || id == account {
			continue
		}
		if err := l.Queue.Add(ctx, job.Job{Kind: jobKnock, Ref: s.ID, Account: id}); err != nil {
			return fmt.Errorf("ask gates later: %w", err)
		}
	}
	return nil
}

// knock has the closed gates of an account's runs asked again.
func (l *Room) knock(ctx context.Context, j job.Job) error {
	if err := l.Engine.Knock(ctx, exit.Account(j.Ref)); err != nil {
		return fmt.Errorf("ask gates again: %w", err)
	}
	return nil
}
